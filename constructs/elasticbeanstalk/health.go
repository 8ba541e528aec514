package elasticbeanstalk

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/suggest"
)

// SystemType says how Elastic Beanstalk finds out how the environment is.
type SystemType string

const (
	// EnhancedHealth takes the word of an agent on every instance: the answers of the app, the load of the instance, the
	// deployment. It is the default.
	EnhancedHealth SystemType = "enhanced"
	// BasicHealth asks the load balancer alone, or EC2 where there is none.
	BasicHealth SystemType = "basic"
)

// HealthCheckType says whose word the Auto Scaling group takes for the health of an instance.
type HealthCheckType string

const (
	// HealthCheckEC2 is EC2's own status checks: the computer runs, whatever the app does. It is the default.
	HealthCheckEC2 HealthCheckType = "EC2"
	// HealthCheckELB is EC2's and the health check of the load balancer.
	HealthCheckELB HealthCheckType = "ELB"
)

// Health says how the health of the environment is judged and what follows from it. The check of a target group is
// HealthCheck in Processes.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced.html
type Health struct {
	// SystemType is how health is reported. Managed updates, traffic splitting and the fields below, down to
	// DeleteOnTerminate, need [EnhancedHealth]. Default: [EnhancedHealth].
	SystemType SystemType
	// DisableEnhancedHealthAuth lets instances report their health without the right to do so in their role. Default: the
	// role has the right, and is asked for it.
	DisableEnhancedHealthAuth bool
	// HealthCheckSuccessThreshold is the worst status that an instance may have for a deployment to go on: "Ok", "Warning",
	// "Degraded" or "Severe". Default: "Ok".
	HealthCheckSuccessThreshold string
	// IgnoreApplicationRequests4xx leaves the app's answers of 4xx out of the environment's health, which client-side
	// errors and scanners produce. Default: they count.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-rules.html
	IgnoreApplicationRequests4xx bool
	// IgnoreELBRequests4xx leaves the load balancer's own answers of 4xx out of the environment's health, such as the 403
	// of a web ACL. Default: they count.
	IgnoreELBRequests4xx bool
	// EnvironmentMetrics and InstanceMetrics are published to CloudWatch every 60 seconds, for the environment and for each
	// instance, such as "ApplicationLatencyP95" and "LoadAverage1min". EnvironmentHealth is always published, and free;
	// these cost what custom metrics cost. Default: none.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-cloudwatch.html
	EnvironmentMetrics, InstanceMetrics []string
	// HealthStreamingEnabled writes every change of the environment's status, with its cause, to CloudWatch Logs.
	// Default: false.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.envhealth.html
	HealthStreamingEnabled bool
	// RetentionInDays is how long CloudWatch Logs keeps what is streamed, one of the periods it knows. Default: 30 days.
	RetentionInDays int
	// DeleteOnTerminate deletes what was streamed with the environment. Default: it is kept for RetentionInDays.
	DeleteOnTerminate bool

	// HealthCheckType says when the Auto Scaling group ends an instance and launches another. With [HealthCheckELB] it does
	// so too when the load balancer finds the instance unhealthy, that is, when the app hangs. The check may then ask for
	// nothing that all instances share: while a database is away, one that asks for it has every instance replaced. A
	// warning ("beanpole:replacement") says so until it is acknowledged. Default: [HealthCheckEC2].
	//
	// No option setting carries it: the environment adds a file to .ebextensions in the source bundle, which overrides the
	// Auto Scaling group, so that it comes and goes with an application version. Elastic Beanstalk refuses an immutable
	// deployment that changes such a file: turn this on and off with another Deployment.Policy.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environmentconfig-autoscaling-healthchecktype.html
	HealthCheckType HealthCheckType
	// HealthCheckGracePeriod is how long a new instance is spared, in whole seconds: longer than it takes to boot and to
	// install the app, or instances are replaced before they can serve, without end. Needs [HealthCheckELB].
	// Default: 5 minutes more than Deployment.Timeout allows, 15 minutes.
	HealthCheckGracePeriod time.Duration
}

// The metrics of enhanced health reporting on Linux, as the developer guide lists them.
var (
	sharedMetrics = []string{
		"ApplicationRequestsTotal", "ApplicationRequests2xx", "ApplicationRequests3xx", "ApplicationRequests4xx", "ApplicationRequests5xx",
		"ApplicationLatencyP10", "ApplicationLatencyP50", "ApplicationLatencyP75", "ApplicationLatencyP85", "ApplicationLatencyP90",
		"ApplicationLatencyP95", "ApplicationLatencyP99", "ApplicationLatencyP99.9",
	}
	environmentMetrics = append([]string{
		"InstancesOk", "InstancesInfo", "InstancesWarning", "InstancesDegraded", "InstancesSevere", "InstancesPending", "InstancesUnknown",
		"InstancesNoData",
	}, sharedMetrics...)
	instanceMetrics = append([]string{
		"InstanceHealth", "CPUUser", "CPUSystem", "CPUIdle", "CPUIowait", "CPUIrq", "CPUNice", "CPUSoftirq", "LoadAverage1min",
		"LoadAverage5min", "RootFilesystemUtil",
	}, sharedMetrics...)
)

// ofEnhancedHealth are the fields that do nothing with basic reporting.
var ofEnhancedHealth = []string{
	"DisableEnhancedHealthAuth", "HealthCheckSuccessThreshold", "IgnoreApplicationRequests4xx", "IgnoreELBRequests4xx",
	"EnvironmentMetrics", "InstanceMetrics", "HealthStreamingEnabled",
}

func (h Health) enhanced() bool { return h.SystemType != BasicHealth }

func (h Health) validate(p Platform) error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if h.SystemType != "" && h.SystemType != EnhancedHealth && h.SystemType != BasicHealth {
		problem("SystemType: %q is not allowed; give %q or %q", h.SystemType, EnhancedHealth, BasicHealth)
	}
	if !h.enhanced() {
		if !p.DisableManagedUpdates {
			problem("SystemType: %q is not enough for managed updates, which need %q; set Platform.DisableManagedUpdates, or leave this out", BasicHealth, EnhancedHealth)
		}
		for _, field := range ofEnhancedHealth {
			if !reflect.ValueOf(h).FieldByName(field).IsZero() {
				problem("%s: has no effect with SystemType %q: remove one of the two", field, BasicHealth)
			}
		}
	}
	problems = append(problems,
		validateMetrics("EnvironmentMetrics", h.EnvironmentMetrics, environmentMetrics, "InstanceMetrics", instanceMetrics),
		validateMetrics("InstanceMetrics", h.InstanceMetrics, instanceMetrics, "EnvironmentMetrics", environmentMetrics))
	if !h.HealthStreamingEnabled && (h.RetentionInDays != 0 || h.DeleteOnTerminate) {
		problem("RetentionInDays and DeleteOnTerminate have no effect without HealthStreamingEnabled: remove them, or set it")
	}
	if h.HealthCheckType != "" && h.HealthCheckType != HealthCheckEC2 && h.HealthCheckType != HealthCheckELB {
		problem("HealthCheckType: %q is not allowed; give %q or %q", h.HealthCheckType, HealthCheckEC2, HealthCheckELB)
	}
	switch grace := h.HealthCheckGracePeriod; {
	case grace%time.Second != 0 || grace < 0:
		problem("HealthCheckGracePeriod: %v is not allowed; give whole seconds", grace)
	case grace > 0 && h.HealthCheckType != HealthCheckELB:
		problem("HealthCheckGracePeriod: has no effect without HealthCheckType %q: remove it", HealthCheckELB)
	}
	return errors.Join(problems...)
}

// validateMetrics refuses what Elastic Beanstalk does not publish there.
func validateMetrics(field string, given, known []string, otherField string, others []string) error {
	var problems []error
	for i, metric := range given {
		what := fmt.Sprintf("%s[%d]: %q is no metric of enhanced health reporting", field, i, metric)
		switch meant := suggest.Closest(metric, known); {
		case slices.Contains(known, metric):
		case metric == "EnvironmentHealth":
			problems = append(problems, fmt.Errorf("%s[%d]: EnvironmentHealth is always published: remove it", field, i))
		case slices.Contains(others, metric):
			problems = append(problems, fmt.Errorf("%s[%d]: %q is not published there; give it in %s", field, i, metric, otherField))
		case meant != "":
			problems = append(problems, fmt.Errorf("%s; did you mean %s?", what, meant))
		default:
			problems = append(problems, fmt.Errorf("%s; these are: %s", what, strings.Join(known, ", ")))
		}
	}
	return errors.Join(problems...)
}

func (h Health) settings() []option.Setting {
	const (
		namespace = "aws:elasticbeanstalk:healthreporting:system"
		streaming = "aws:elasticbeanstalk:cloudwatch:logs:health"
	)
	settings := []option.Setting{
		setting(namespace, "SystemType", string(cmp.Or(h.SystemType, EnhancedHealth))),
		setting(streaming, "HealthStreamingEnabled", h.HealthStreamingEnabled),
	}
	if !h.enhanced() {
		return settings
	}
	settings = append(settings,
		setting(namespace, "EnhancedHealthAuthEnabled", !h.DisableEnhancedHealthAuth),
		setting(namespace, "HealthCheckSuccessThreshold", cmp.Or(h.HealthCheckSuccessThreshold, "Ok")),
		setting(namespace, "ConfigDocument", h.configDocument()),
	)
	if h.HealthStreamingEnabled {
		settings = append(settings,
			setting(streaming, "RetentionInDays", cmp.Or(h.RetentionInDays, 30)),
			setting(streaming, "DeleteOnTerminate", h.DeleteOnTerminate),
		)
	}
	return settings
}

// configDocument is written whole: what an earlier one said would stay.
func (h Health) configDocument() string {
	type object = map[string]any
	metrics := func(names []string) object {
		published := object{}
		for _, name := range names {
			published[name] = 60 // seconds, the only interval there is
		}
		return published
	}
	document, err := json.Marshal(object{
		"CloudWatchMetrics": object{"Environment": metrics(h.EnvironmentMetrics), "Instance": metrics(h.InstanceMetrics)},
		"Rules": object{"Environment": object{
			"Application": object{"ApplicationRequests4xx": object{"Enabled": !h.IgnoreApplicationRequests4xx}},
			"ELB":         object{"ELBRequests4xx": object{"Enabled": !h.IgnoreELBRequests4xx}},
		}},
		"Version": 1,
	})
	if err != nil {
		panic(err) // names, numbers and booleans
	}
	return string(document)
}

func (h Health) resourceOverrides(d Deployment) []resourceOverride {
	if h.HealthCheckType != HealthCheckELB {
		return nil
	}
	grace := cmp.Or(h.HealthCheckGracePeriod, d.timeout()+5*time.Minute)
	return []resourceOverride{{
		field:     "Health.HealthCheckType",
		without:   "leave it out",
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
