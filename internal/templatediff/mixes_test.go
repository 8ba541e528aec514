package templatediff

import (
	"fmt"
	"strings"
	"testing"
)

// What AWS documents as an error is an error; what it only says is not to be done is said beside the effect.
func TestWhatAnImmutableUpdateTakesWithIt(t *testing.T) {
	const rolling = "aws:autoscaling:updatepolicy:rollingupdate"
	web := func(kind, types, property, size string) string {
		return stack(fmt.Sprintf(environmentJSON, strings.Join([]string{
			settingJSON(rolling, "RollingUpdateEnabled", "true"), settingJSON(rolling, "RollingUpdateType", kind),
			settingJSON("aws:ec2:instances", "InstanceTypes", types), settingJSON("aws:autoscaling:asg", "MaxSize", size),
			settingJSON("aws:elasticbeanstalk:application:environment", "A", property)}, ",")))
	}
	const types, property, size = "s Web aws:ec2:instances InstanceTypes", "s Web aws:elasticbeanstalk:application:environment A", "s Web aws:autoscaling:asg MaxSize"
	for name, test := range map[string]struct {
		base, head string
		want       map[string]Effect
		warned     bool
	}{
		"instances and a property": {web("Immutable", "t3.micro", "1", "4"), web("Immutable", "t3.small", "2", "4"), map[string]Effect{types: ReplacesInstances, property: RestartsApplication}, true},
		"instances and resources":  {web("Immutable", "t3.micro", "1", "4"), web("Immutable", "t3.small", "1", "6"), map[string]Effect{types: ReplacesInstances, size: Rejected}, false},
		"a property alone":         {web("Immutable", "t3.micro", "1", "4"), web("Immutable", "t3.micro", "2", "4"), map[string]Effect{property: RestartsApplication}, false},
		"by health":                {web("Health", "t3.micro", "1", "4"), web("Health", "t3.small", "2", "6"), map[string]Effect{types: ReplacesInstances, property: RestartsApplication, size: NoInterruption}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, got := diff(t, map[string]string{"s": test.base}, map[string]string{"s": test.head})
			expect(t, r, got, test.want)
			for _, c := range r.Changes {
				if warned := strings.Contains(c.Why, "takes no other settings with it"); warned != (test.warned && c.Effect == RestartsApplication) {
					t.Errorf("%s: %s", c.Subject, c.Why)
				}
			}
		})
	}
}
