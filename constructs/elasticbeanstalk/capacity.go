package elasticbeanstalk

import (
	"errors"
	"fmt"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Capacity says how many instances there are, and of what kind.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.managing.as.html
type Capacity struct {
	// MinSize and MaxSize bound the number of instances. Defaults: 2 and 4; where only one of the two is given and the
	// other's default would contradict it, the two are equal.
	MinSize, MaxSize *int
	// InstanceTypes are the EC2 instance types, in order of preference. Default: t3.small.
	InstanceTypes []string
	// AllowIMDSv1 lets programs on the instance use the first version of the metadata service, which needs no token.
	// Default: version 2 only.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-ec2-imds.html
	AllowIMDSv1 bool
}

func (c Capacity) sizes(k kind) (minSize, maxSize int) {
	if k.single {
		return 1, 1
	}
	minSize, maxSize = orPtr(c.MinSize, 2), orPtr(c.MaxSize, 4)
	switch {
	case c.MinSize == nil && c.MaxSize != nil:
		minSize = min(minSize, maxSize)
	case c.MaxSize == nil && c.MinSize != nil:
		maxSize = max(minSize, maxSize)
	}
	return minSize, maxSize
}

func (c Capacity) validate() error {
	var problems []error
	if c.MaxSize != nil && *c.MaxSize < 1 {
		problems = append(problems, fmt.Errorf("MaxSize: %d leaves no instance to run the app; give 1 or more", *c.MaxSize))
	}
	for i, t := range c.InstanceTypes {
		if family, size, ok := strings.Cut(t, "."); !isToken(t) && (!ok || family == "" || size == "") {
			problems = append(problems, fmt.Errorf("InstanceTypes[%d]: %q is not an EC2 instance type; write it as in \"t3.small\"", i, t))
		}
	}
	return errors.Join(problems...)
}

func (c Capacity) settings(k kind) []option.Setting {
	minSize, maxSize := c.sizes(k)
	types := c.InstanceTypes
	if len(types) == 0 {
		types = []string{"t3.small"}
	}
	return []option.Setting{
		// Of a single instance too: what was written while the environment was scaled would stay.
		setting("aws:autoscaling:asg", "MinSize", minSize),
		setting("aws:autoscaling:asg", "MaxSize", maxSize),
		setting("aws:ec2:instances", "InstanceTypes", strings.Join(types, ",")),
		setting(launchConfiguration, "DisableIMDSv1", !c.AllowIMDSv1),
		// A launch template, which new accounts need, comes with either of these two; gp3 costs less than gp2.
		setting(launchConfiguration, "RootVolumeType", "gp3"),
	}
}
