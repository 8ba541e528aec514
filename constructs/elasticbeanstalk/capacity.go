package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Capacity says how many instances there are, and of what kind.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.managing.as.html
type Capacity struct {
	// MinSize and MaxSize bound the number of instances. Defaults: 2 and 4; where only one of the two is given and the
	// other's default would contradict it, the two are equal. A single instance has neither.
	MinSize, MaxSize *int
	// Trigger says when the number of instances changes.
	Trigger Trigger
	// ScheduledActions change the number of instances at given times, by a name of letters and digits. An action that is
	// left out later stays as it was: set its Suspend first. Default: none.
	ScheduledActions map[string]ScheduledAction
	// Cooldown is how long the group rests after a change of its size, in whole seconds, up to 10,000. Default: 6 minutes.
	Cooldown *time.Duration

	// InstanceTypes are the EC2 instance types, up to 40, all of one architecture. Without Spot the first alone is used; with
	// it they are the pools to choose from, and AWS advises several. Default: t3.small, or t4g.small with [option.ARM64].
	InstanceTypes []string
	// Architecture is that of the processors, [option.X8664] or [option.ARM64]. Default: that of InstanceTypes.
	Architecture string
	// Spot has a part of the instances at the price of spare capacity.
	Spot Spot
	// ImageID is a custom AMI, made from one of the same platform branch, which nothing but you updates. Once given, it can
	// be changed but not taken away. Default: the platform's own.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.customenv.html
	ImageID string
	// RootVolume is the disk that instances boot from.
	RootVolume RootVolume
	// BlockDeviceMappings are further volumes, each as device=snapshot:size:delete on termination:type:IOPS:throughput with
	// empty and left-out parts, such as "/dev/sdj=:500:true:gp3". Once given, they can be changed but not taken away.
	// Default: none.
	BlockDeviceMappings []string
	// AvailabilityZones is how many zones of the subnets are used, "Any", "Any 1", "Any 2" or "Any 3". Default: "Any".
	AvailabilityZones string
	// CustomAvailabilityZones are the zones that are used, such as "eu-central-1a". Once given, they can be changed but not
	// taken away. Default: those of the subnets.
	CustomAvailabilityZones []string
	// MonitoringInterval is how often instances report to CloudWatch, 1 minute, which costs, or 5. Default: 5 minutes.
	MonitoringInterval time.Duration
	// EC2KeyName is a key pair for SSH, for which the security group has to be opened too; Roles.SessionManager needs neither.
	// Once given, it can be changed but not taken away. Default: none.
	EC2KeyName string
	// AllowIMDSv1 lets programs on the instance use the first version of the metadata service, which needs no token.
	// Default: version 2 only.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-ec2-imds.html
	AllowIMDSv1 bool
	// LaunchTemplateTagPropagationEnabled has the tags of the environment on volumes and network interfaces too. The change
	// replaces the instances, as does then every change of a tag. Default: false.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-tagging-resources.launch-templates.html
	LaunchTemplateTagPropagationEnabled bool
}

// Spot has instances run on spare capacity, which costs less and can be taken away at two minutes' notice.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-autoscaling-spot.html
type Spot struct {
	// EnableSpot turns Spot Instances on. The other fields have no effect without it, and are refused. Default: all
	// instances are On-Demand.
	EnableSpot bool
	// OnDemandBase is how many instances are On-Demand before any is Spot, up to MaxSize. Default: 0.
	OnDemandBase int
	// OnDemandAboveBasePercentage is the part of On-Demand among those above OnDemandBase, 0 to 100. Defaults: 70, of a
	// single instance 0.
	OnDemandAboveBasePercentage *int
	// MaxPrice is the most to pay for an instance and hour, in US dollars, 0.001 to 20. Default: the On-Demand price.
	MaxPrice float64
	// AllocationStrategy is how capacity is chosen among InstanceTypes: "capacity-optimized", "price-capacity-optimized",
	// "capacity-optimized-prioritized", which goes by their order, or "lowest-price". Default: "capacity-optimized", with the
	// fewest interruptions.
	AllocationStrategy string
	// EnableCapacityRebalancing replaces a Spot Instance when it is about to be taken away, before it is. Default: false.
	EnableCapacityRebalancing bool
}

// RootVolume is the disk that an instance boots from. What it has of size, IOPS and throughput by default is the
// platform's.
type RootVolume struct {
	// Type is "gp3", "gp2", "io1" or "standard". Default: "gp3".
	Type string
	// Size is in GiB, 8 to 16384. Required for io1. Once given, it can be changed but not taken away. Default: that of the
	// platform's image.
	Size int
	// IOPS are input and output operations a second: of gp3 3,000 to 16,000, of io1, which requires them, 100 to 20,000, and
	// at most 500 for each GiB. Once given, they can be changed but not taken away. Default: the least of the type.
	IOPS int
	// Throughput is in MiB a second, for gp3 alone: 125 to 1,000. Once given, it can be changed but not taken away.
	// Default: 125.
	Throughput int
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

func (c Capacity) instanceTypes() []string {
	switch {
	case len(c.InstanceTypes) > 0:
		return c.InstanceTypes
	case c.Architecture == option.ARM64:
		return []string{"t4g.small"}
	}
	return []string{"t3.small"}
}

// architecture is the architecture of the instances, "" if it is not known.
func (c Capacity) architecture() string {
	return cmp.Or(c.Architecture, option.Architecture(c.instanceTypes()[0]))
}

var architectures = []string{option.X8664, option.ARM64}

func (c Capacity) validate(k kind, shared bool) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.MaxSize != nil && *c.MaxSize < 1 {
		add("MaxSize: %d leaves no instance to run the app; give 1 or more", *c.MaxSize)
	}
	if d := orPtr(c.Cooldown, 0); d%time.Second != 0 || d < 0 || d > 10000*time.Second {
		add("Cooldown: %v is not allowed; give whole seconds, up to %v", d, 10000*time.Second)
	}
	for i, t := range c.InstanceTypes {
		switch family, _, _ := strings.Cut(t, "."); {
		case isToken(t):
		case option.Architecture(t) == "":
			add("InstanceTypes[%d]: %q is not an EC2 instance type; write it as in \"t3.small\"", i, t)
		case strings.HasPrefix(family, "mac"):
			add("InstanceTypes[%d]: %s is a Mac, which Elastic Beanstalk does not take", i, t)
		}
	}
	if c.Architecture != "" && !slices.Contains(architectures, c.Architecture) {
		add("Architecture: %q is not an architecture of the platforms; give %q or %q", c.Architecture, option.X8664, option.ARM64)
	}
	if d := c.MonitoringInterval; d != 0 && d != time.Minute && d != 5*time.Minute {
		add("MonitoringInterval: %v is not allowed; give 1m or 5m", d)
	}
	for i, mapping := range c.BlockDeviceMappings {
		if device, _, ok := strings.Cut(mapping, "="); !isToken(mapping) && (!ok || device == "" || strings.Contains(mapping, ",")) {
			add("BlockDeviceMappings[%d]: %q is not a mapping; write one each, as in \"/dev/sdj=:500:true:gp3\"", i, mapping)
		}
	}
	for _, group := range []struct {
		name string
		err  error
	}{
		{"Spot", c.Spot.validate()},
		{"RootVolume", c.RootVolume.validate()},
		{"Trigger", c.Trigger.validate(k, shared)},
		{"ScheduledActions", validateScheduledActions(c.ScheduledActions)},
	} {
		for _, err := range flatten(group.err) {
			add("%s%w", group.name, err)
		}
	}
	return errors.Join(problems...)
}

func (s Spot) validate() error {
	var problems []error
	for _, set := range []struct {
		field string
		is    bool
	}{
		{"OnDemandBase", s.OnDemandBase != 0},
		{"OnDemandAboveBasePercentage", s.OnDemandAboveBasePercentage != nil},
		{"MaxPrice", s.MaxPrice != 0},
		{"AllocationStrategy", s.AllocationStrategy != ""},
		{"EnableCapacityRebalancing", s.EnableCapacityRebalancing},
	} {
		if set.is && !s.EnableSpot {
			problems = append(problems, fmt.Errorf(": %s: has no effect without EnableSpot: set that too, or leave this out", set.field))
		}
	}
	return errors.Join(problems...)
}

func (v RootVolume) validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(": "+format, args...)) }
	kind := v.kind()
	if v.IOPS != 0 && kind != "gp3" && kind != "io1" {
		add("IOPS: are for gp3 and io1; a %s volume has what its size gives it: leave them out", kind)
	}
	if v.Throughput != 0 && kind != "gp3" {
		add("Throughput: is for gp3 alone, and Type is %s: leave it out", kind)
	}
	if kind == "io1" && v.Size == 0 {
		add("Size: is required for io1")
	}
	if kind == "io1" && v.IOPS == 0 {
		add("IOPS: are required for io1")
	}
	if v.Size > 0 && v.IOPS > 500*v.Size {
		add("IOPS: %d are more than 500 for each of %d GiB; a volume for them has %d", v.IOPS, v.Size, (v.IOPS+499)/500)
	}
	return errors.Join(problems...)
}

func (v RootVolume) kind() string { return cmp.Or(v.Type, "gp3") }

func (c Capacity) settings(k kind) []option.Setting {
	const asg = "aws:autoscaling:asg"
	minSize, maxSize := c.sizes(k)
	minutes := int(cmp.Or(c.MonitoringInterval, 5*time.Minute) / time.Minute)
	settings := []option.Setting{
		// Of a single instance too: what was written while the environment was scaled would stay.
		setting(asg, "MinSize", minSize),
		setting(asg, "MaxSize", maxSize),
		setting(asg, "Availability Zones", cmp.Or(c.AvailabilityZones, "Any")),
		setting("aws:ec2:instances", "InstanceTypes", strings.Join(c.instanceTypes(), ",")),
		setting(launchConfiguration, "DisableIMDSv1", !c.AllowIMDSv1),
		setting(launchConfiguration, "MonitoringInterval", fmt.Sprintf("%d minute", minutes)),
		setting(launchConfiguration, "LaunchTemplateTagPropagationEnabled", c.LaunchTemplateTagPropagationEnabled),
	}
	for _, given := range []struct{ namespace, name, value string }{
		{"aws:ec2:instances", "SupportedArchitectures", c.architecture()},
		{asg, "Custom Availability Zones", strings.Join(c.CustomAvailabilityZones, ",")},
		{launchConfiguration, "ImageId", c.ImageID},
		{launchConfiguration, "EC2KeyName", c.EC2KeyName},
		{launchConfiguration, "BlockDeviceMappings", strings.Join(c.BlockDeviceMappings, ",")},
	} {
		if given.value != "" {
			settings = append(settings, setting(given.namespace, given.name, given.value))
		}
	}
	if !k.single {
		settings = append(settings, setting(asg, "Cooldown", int(orPtr(c.Cooldown, 6*time.Minute)/time.Second)))
		settings = append(settings, c.Trigger.settings()...)
		settings = append(settings, c.scheduledSettings(k)...)
	}
	return slices.Concat(settings, c.Spot.settings(k), c.RootVolume.settings())
}

func (s Spot) settings(k kind) []option.Setting {
	const namespace = "aws:ec2:instances"
	enabled := []option.Setting{
		setting(namespace, "EnableSpot", s.EnableSpot),
		setting("aws:autoscaling:asg", "EnableCapacityRebalancing", s.EnableCapacityRebalancing),
	}
	if !s.EnableSpot {
		return enabled
	}
	onDemand, price := 70, "null"
	if k.single {
		onDemand = 0
	}
	if s.MaxPrice != 0 {
		price = number(s.MaxPrice)
	}
	return append(enabled,
		setting(namespace, "SpotFleetOnDemandBase", s.OnDemandBase),
		setting(namespace, "SpotFleetOnDemandAboveBasePercentage", orPtr(s.OnDemandAboveBasePercentage, onDemand)),
		setting(namespace, "SpotMaxPrice", price),
		setting(namespace, "SpotAllocationStrategy", cmp.Or(s.AllocationStrategy, "capacity-optimized")),
	)
}

func (v RootVolume) settings() []option.Setting {
	// A launch template, which new accounts need, comes with gp3, with version 2 of the metadata service or with Spot; gp3
	// costs less than gp2.
	settings := []option.Setting{setting(launchConfiguration, "RootVolumeType", v.kind())}
	for _, given := range []struct {
		name  string
		value int
	}{{"RootVolumeSize", v.Size}, {"RootVolumeIOPS", v.IOPS}, {"RootVolumeThroughput", v.Throughput}} {
		if given.value != 0 {
			settings = append(settings, setting(launchConfiguration, given.name, given.value))
		}
	}
	return settings
}

// number is a number as options have it, without an exponent.
func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// warnAboutCapacity says what works in some accounts and fails in others, by the id "beanpole:launch-configuration".
func (e *Environment) warnAboutCapacity() {
	if c := e.props.Capacity; c.AllowIMDSv1 && c.RootVolume.kind() != "gp3" && !c.Spot.EnableSpot {
		awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:launch-configuration"), jsii.Sprintf("Capacity.AllowIMDSv1 with a root volume of type %s: "+
			"Elastic Beanstalk then makes a launch configuration, which accounts of October 2024 and later may not have; leave one of the two out", c.RootVolume.kind()))
	}
}
