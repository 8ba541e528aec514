package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// DeploymentPolicy says how a new application version reaches the instances.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
type DeploymentPolicy string

// The deployment policies.
const (
	AllAtOnce                  DeploymentPolicy = "AllAtOnce"
	Rolling                    DeploymentPolicy = "Rolling"
	RollingWithAdditionalBatch DeploymentPolicy = "RollingWithAdditionalBatch"
	Immutable                  DeploymentPolicy = "Immutable"
	TrafficSplitting           DeploymentPolicy = "TrafficSplitting"
)

var deploymentPolicies = []DeploymentPolicy{AllAtOnce, Rolling, RollingWithAdditionalBatch, Immutable, TrafficSplitting}

var errTrafficSplitting = errors.New("TrafficSplitting re-weights Elastic Beanstalk's own listener rules, and on a shared load balancer " +
	"traffic does not use them; choose Immutable, or leave LoadBalancer.Shared out for a dedicated load balancer")

// Deployment says how versions and configuration reach the running instances.
type Deployment struct {
	// Policy is how a new version is deployed. Default: [RollingWithAdditionalBatch], at full capacity throughout; of a
	// single instance, for which [Immutable] is the other choice, [AllAtOnce].
	// [Immutable] and [TrafficSplitting] make configuration updates immutable too, because Elastic Beanstalk refuses to mix
	// the two.
	// [TrafficSplitting] is for dedicated load balancers only: it re-weights Elastic Beanstalk's own listener rules,
	// which on a shared load balancer carry no traffic.
	Policy DeploymentPolicy
	// BatchSize is the number of instances in a batch of a rolling deployment. Default: 1.
	BatchSize int
	// Timeout is how long an instance may take for a command, in whole seconds from 1 second to 1 hour. Default: 10 minutes.
	Timeout time.Duration
	// IgnoreHealthCheck lets a deployment go on past unhealthy instances. Default: a batch must be healthy before the next.
	IgnoreHealthCheck bool
}

func (d Deployment) policy(k kind) DeploymentPolicy {
	if k.single {
		return cmp.Or(d.Policy, AllAtOnce)
	}
	return cmp.Or(d.Policy, RollingWithAdditionalBatch)
}

func (d Deployment) timeout() time.Duration { return cmp.Or(d.Timeout, 10*time.Minute) }

func (p DeploymentPolicy) rolling() bool { return p == Rolling || p == RollingWithAdditionalBatch }

func (d Deployment) validate(lb LoadBalancer, k kind) error {
	var problems []error
	policy := d.policy(k)
	switch {
	case !slices.Contains(deploymentPolicies, policy):
		problems = append(problems, fmt.Errorf("Policy: %q is not a deployment policy; the policies are %q", d.Policy, deploymentPolicies))
	case policy == TrafficSplitting && !k.balanced():
		problems = append(problems, fmt.Errorf("Policy: TrafficSplitting needs a load balancer, and %s has none; choose AllAtOnce or Immutable", k))
	case policy.rolling() && k.single:
		problems = append(problems, fmt.Errorf("Policy: %s is in batches, and %s has none; choose AllAtOnce or Immutable", policy, k))
	case policy == TrafficSplitting && lb.Shared != nil:
		problems = append(problems, fmt.Errorf("Policy: %w", errTrafficSplitting))
	}
	if d.BatchSize < 0 {
		problems = append(problems, fmt.Errorf("BatchSize: %d is not a number of instances; give 1 or more", d.BatchSize))
	}
	if d.BatchSize != 0 && !policy.rolling() && !k.single {
		problems = append(problems, fmt.Errorf("BatchSize: has no effect with Policy %s; it is for rolling deployments: leave it out", policy))
	}
	if d.Timeout%time.Second != 0 || d.Timeout < 0 || d.Timeout > time.Hour {
		problems = append(problems, fmt.Errorf("Timeout: %v is not allowed; give whole seconds, from 1s to 1h", d.Timeout))
	}
	return errors.Join(problems...)
}

func (d Deployment) settings(c Capacity, k kind) []option.Setting {
	const (
		command = "aws:elasticbeanstalk:command"
		update  = "aws:autoscaling:updatepolicy:rollingupdate"
	)
	policy := d.policy(k)
	settings := []option.Setting{
		setting(command, "DeploymentPolicy", string(policy)),
		setting(command, "IgnoreHealthCheck", d.IgnoreHealthCheck),
		setting(command, "Timeout", int(d.timeout()/time.Second)),
	}
	if policy.rolling() {
		settings = append(settings,
			setting(command, "BatchSizeType", "Fixed"),
			setting(command, "BatchSize", cmp.Or(d.BatchSize, 1)),
		)
	}
	updates := "Health"
	if policy == Immutable || policy == TrafficSplitting {
		updates = "Immutable"
	}
	if k.single && updates != "Immutable" {
		return append(settings, setting(update, "RollingUpdateEnabled", false))
	}
	// One instance at a time: a rolling configuration update terminates a batch before it launches the replacement.
	// Written for immutable updates too, which ignore it: what an earlier policy wrote would stay, and may contradict MaxSize.
	minSize, _ := c.sizes(k)
	return append(settings,
		setting(update, "RollingUpdateEnabled", true),
		setting(update, "RollingUpdateType", updates),
		setting(update, "MaxBatchSize", 1),
		setting(update, "MinInstancesInService", max(minSize-1, 0)),
	)
}
