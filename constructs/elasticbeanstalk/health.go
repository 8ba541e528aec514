package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// HealthCheckType says whose word the Auto Scaling group takes for the health of an instance.
type HealthCheckType string

const (
	// HealthCheckEC2 is EC2's own status checks: the computer runs, whatever the app does. It is the default.
	HealthCheckEC2 HealthCheckType = "EC2"
	// HealthCheckELB is EC2's and the health check of the load balancer.
	HealthCheckELB HealthCheckType = "ELB"
)

// Health says how the health of the environment is judged and what follows from it.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced.html
type Health struct {
	// HealthCheckType says when the Auto Scaling group ends an instance and launches another. With [HealthCheckELB] it does
	// so too when the load balancer finds the instance unhealthy, that is, when the app hangs. The check may then ask for
	// nothing that all instances share: while a database is away, one that asks for it has every instance replaced. A
	// warning ("beanpole:replacement") says so until it is acknowledged. Default: [HealthCheckEC2].
	//
	// No option setting carries it: the environment adds a file to .ebextensions in the source bundle, which overrides the
	// Auto Scaling group, so that it comes and goes with an application version.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environmentconfig-autoscaling-healthchecktype.html
	HealthCheckType HealthCheckType
	// HealthCheckGracePeriod is how long a new instance is spared, in whole seconds: longer than it takes to boot and to
	// install the app, or instances are replaced before they can serve, without end. Needs [HealthCheckELB].
	// Default: 5 minutes more than Deployment.Timeout allows, 15 minutes.
	HealthCheckGracePeriod time.Duration
}

func (h Health) validate() error {
	var problems []error
	if h.HealthCheckType != "" && h.HealthCheckType != HealthCheckEC2 && h.HealthCheckType != HealthCheckELB {
		problems = append(problems, fmt.Errorf("HealthCheckType: %q is not allowed; give %q or %q", h.HealthCheckType, HealthCheckEC2, HealthCheckELB))
	}
	switch grace := h.HealthCheckGracePeriod; {
	case grace%time.Second != 0 || grace < 0:
		problems = append(problems, fmt.Errorf("HealthCheckGracePeriod: %v is not allowed; give whole seconds", grace))
	case grace > 0 && h.HealthCheckType != HealthCheckELB:
		problems = append(problems, fmt.Errorf("HealthCheckGracePeriod: has no effect without HealthCheckType %q: remove it", HealthCheckELB))
	}
	return errors.Join(problems...)
}

func (h Health) resourceOverrides(d Deployment) []resourceOverride {
	if h.HealthCheckType != HealthCheckELB {
		return nil
	}
	grace := cmp.Or(h.HealthCheckGracePeriod, d.timeout()+5*time.Minute)
	return []resourceOverride{{
		field:     "Health.HealthCheckType",
		logicalID: "AWSEBAutoScalingGroup",
		kind:      "AWS::AutoScaling::AutoScalingGroup",
		properties: map[string]any{
			"HealthCheckType":        string(HealthCheckELB),
			"HealthCheckGracePeriod": int(grace / time.Second),
		},
	}}
}

// warnAboutReplacement says what nobody sees before the day on which the database is away.
func (e *Environment) warnAboutReplacement() {
	if e.props.Health.HealthCheckType != HealthCheckELB {
		return
	}
	check := e.props.processes()[defaultProcess].HealthCheck.WithDefaults()
	awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:replacement"), jsii.Sprintf(
		"Health.HealthCheckType %s: an instance that fails the check at %s is ended and replaced; if that check asks for what all instances share, "+
			"such as a database, its failure ends them all: let it ask for the app alone, and acknowledge this", HealthCheckELB, check.Path))
}
