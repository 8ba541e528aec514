package option

import (
	"regexp"
	"slices"
	"strings"
)

// The architectures of processors, as aws:ec2:instances SupportedArchitectures writes them.
const (
	ARM64 = "arm64"
	X8664 = "x86_64"
	I386  = "i386"
)

// graviton are the families of instance types with AWS's own processors: a "g" after the generation, the first of all, and
// those with NVIDIA's Grace.
var graviton = regexp.MustCompile(`^(a1|[a-z]+[0-9]+g[a-z0-9-]*|p6e-gb[0-9]+)$`)

var typeName = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+$`)

// Architecture is the architecture of an EC2 instance type, [ARM64] or [X8664], by the name of its family; "" of a text
// that is no instance type.
//
// https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
func Architecture(instanceType string) string {
	family, _, _ := strings.Cut(instanceType, ".")
	switch {
	case !typeName.MatchString(instanceType):
		return ""
	case graviton.MatchString(family):
		return ARM64
	}
	return X8664
}

// architectures checks that the instances are of one architecture, and of one that is asked for. Beanstalk's 32-bit
// instances are of types that are 64-bit too.
func (c *checker) architectures() {
	list, s := c.value(instances, "InstanceTypes")
	if s != given {
		return
	}
	i := c.index(instances, "InstanceTypes")
	types := split(list)
	supported, s := c.value(instances, "SupportedArchitectures")
	asked := split(strings.ToLower(supported))
	first := ""
	for _, t := range types {
		switch architecture := Architecture(t); {
		case architecture == "":
		case first == "":
			first = t
		case architecture != Architecture(first):
			c.report(i, Error, "architectures", "", "%s is %s and %s is %s, and the instances of an environment are of one architecture",
				first, Architecture(first), t, architecture)
			return
		}
	}
	if s != given || first == "" {
		return
	}
	if a := Architecture(first); !slices.Contains(asked, a) && !(a == X8664 && slices.Contains(asked, I386)) {
		c.report(i, Error, "architectures", "", "%s is %s, and SupportedArchitectures is %s", first, a, supported)
	}
}
