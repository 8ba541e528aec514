package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// EnvironmentType says whether the environment grows with its load.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-types.html
type EnvironmentType string

// The types of environment.
const (
	// LoadBalanced is a group of instances that is scaled: of a web server behind a load balancer, of a worker without one.
	LoadBalanced EnvironmentType = "LoadBalanced"
	// SingleInstance is one instance, which clients of a web server reach at an Elastic IP address of its own.
	SingleInstance EnvironmentType = "SingleInstance"
)

// kind is what the tier and the type of an environment make of it.
type kind struct{ worker, single bool }

func (p *EnvironmentProps) kind() kind {
	return kind{worker: p.Tier == option.Worker, single: p.EnvironmentType == SingleInstance}
}

// balanced says that there is a load balancer.
func (k kind) balanced() bool { return !k.worker && !k.single }

// public says that clients reach the instance itself.
func (k kind) public() bool { return !k.worker && k.single }

func (k kind) tier() option.Tier {
	if k.worker {
		return option.Worker
	}
	return option.WebServer
}

// cfnTier is the tier as CloudFormation has it: the type goes with the name.
func (k kind) cfnTier() *awselasticbeanstalk.CfnEnvironment_TierProperty {
	tierType := "Standard"
	if k.worker {
		tierType = "SQS/HTTP"
	}
	return &awselasticbeanstalk.CfnEnvironment_TierProperty{Name: jsii.String(string(k.tier())), Type: &tierType}
}

func (k kind) environmentType() EnvironmentType {
	if k.single {
		return SingleInstance
	}
	return LoadBalanced
}

func (k kind) String() string {
	switch {
	case k.worker && k.single:
		return "a worker with a single instance"
	case k.worker:
		return "a worker"
	case k.single:
		return "a single instance"
	}
	return "a load-balanced web server"
}

// ofLoadBalancers are the fields of other groups that a load balancer carries out.
var ofLoadBalancers = []string{"Network.LoadBalancerSubnets", "Health.HealthCheckType", "Health.HealthCheckGracePeriod", "Health.IgnoreELBRequests4xx"}

// ofScaling are the fields that change the number of instances.
var ofScaling = []string{"Capacity.MinSize", "Capacity.MaxSize", "Capacity.Trigger", "Capacity.ScheduledActions", "Capacity.Cooldown"}

// refuses says why a field of a group of the props does nothing in such an environment, "" if it does something.
func (k kind) refuses(group, field string) string {
	switch name := group + "." + field; {
	case group == "Worker" && !k.worker:
		return `is for the worker tier: leave it out, or set Tier to "Worker"`
	case !k.balanced() && (group == "LoadBalancer" || group == "Processes" || slices.Contains(ofLoadBalancers, name)):
		return fmt.Sprintf("%s has no load balancer: leave it out", k)
	case group == "CNAMEPrefix" && k.worker:
		return fmt.Sprintf("nobody sends requests to %s, so it has no domain name: leave it out", k)
	case name == "Network.Clients" && !k.public():
		if k.worker {
			return fmt.Sprintf("nobody sends requests to %s, which takes its work from a queue: leave it out", k)
		}
		return "is for a single instance; clients reach the load balancer here: leave it out"
	case k.single && slices.Contains(ofScaling, name):
		return fmt.Sprintf("%s is not scaled: leave it out", k)
	case k.single && (name == "Deployment.BatchSize" || name == "Deployment.BatchSizeType"):
		return fmt.Sprintf("%s has no batches: leave it out", k)
	}
	return ""
}

// validateKind refuses what is no kind of environment, and every field that does nothing in the kind that is asked for.
func (p *EnvironmentProps) validateKind() error {
	var problems []error
	if tier := cmp.Or(p.Tier, option.WebServer); tier != option.WebServer && tier != option.Worker {
		problems = append(problems, fmt.Errorf("Tier: %q is not a tier; the tiers are %q and %q", p.Tier, option.WebServer, option.Worker))
	}
	if t := cmp.Or(p.EnvironmentType, LoadBalanced); t != LoadBalanced && t != SingleInstance {
		problems = append(problems, fmt.Errorf("EnvironmentType: %q is not a type of environment; the types are %q and %q", p.EnvironmentType, LoadBalanced, SingleInstance))
	}
	if errors.Join(problems...) != nil {
		return errors.Join(problems...) // what applies is not known
	}
	k := p.kind()
	props := reflect.ValueOf(*p)
	for i := range props.NumField() {
		group, name := props.Field(i), props.Type().Field(i).Name
		if group.Kind() != reflect.Struct {
			if why := k.refuses(name, ""); why != "" && !group.IsZero() {
				problems = append(problems, fmt.Errorf("%s: %s", name, why))
			}
			continue
		}
		for j := range group.NumField() {
			field := group.Type().Field(j)
			if why := k.refuses(name, field.Name); why != "" && !group.Field(j).IsZero() {
				problems = append(problems, fmt.Errorf("%s: %s: %s", name, field.Name, why))
			}
		}
	}
	return errors.Join(problems...)
}
