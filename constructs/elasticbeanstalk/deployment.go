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

// BatchSizeType is the unit of a batch of a rolling deployment.
type BatchSizeType string

// The types of batch size.
const (
	Fixed      BatchSizeType = "Fixed"
	Percentage BatchSizeType = "Percentage"
)

// Deployment says how versions and configuration reach the running instances.
type Deployment struct {
	// Policy is how a new version is deployed. Default: [RollingWithAdditionalBatch], at full capacity throughout; of a
	// single instance, for which [Immutable] is the other choice, [AllAtOnce].
	// [Immutable] and [TrafficSplitting] make configuration updates immutable too, because Elastic Beanstalk refuses to mix
	// the two.
	// [TrafficSplitting] is for dedicated load balancers only: it re-weights Elastic Beanstalk's own listener rules,
	// which on a shared load balancer carry no traffic.
	Policy DeploymentPolicy
	// BatchSize is the size of a batch of a rolling deployment: a number of instances, or with [Percentage] 1 to 100 percent
	// of them. Default: 1 instance; a percentage has to be given.
	BatchSize int
	// BatchSizeType is [Fixed] or [Percentage]. Default: [Fixed].
	BatchSizeType BatchSizeType
	// NewVersionPercent is the part of the traffic that a new version gets first by [TrafficSplitting], 1 to 100 percent.
	// Default: 10.
	NewVersionPercent int
	// EvaluationTime is how long the new version of a [TrafficSplitting] has to stay healthy before it gets the rest of the
	// traffic, in whole minutes, 3 minutes to 10 hours. Default: 5 minutes.
	EvaluationTime time.Duration
	// Timeout is how long an instance may take for a command, in whole seconds from 1 second to 1 hour. Default: 10 minutes.
	Timeout time.Duration
	// IgnoreHealthCheck lets a deployment go on past unhealthy instances. Default: a batch must be healthy before the next.
	IgnoreHealthCheck bool
	// LaunchTimeout is how long Elastic Beanstalk waits for the instances of a launch, in whole seconds. AWS documents it
	// nowhere but in the list of options that its API gives. Once given, it can be changed but not taken away. Default:
	// Elastic Beanstalk's own.
	LaunchTimeout time.Duration
	// ConfigurationUpdates say how configuration that needs new instances reaches them.
	ConfigurationUpdates ConfigurationUpdates
}

// RollingUpdateType says how the instances are replaced when their configuration changes.
type RollingUpdateType string

// The types of rolling update.
const (
	// RollingByHealth goes on to the next batch when the new instances of the one before are healthy.
	RollingByHealth RollingUpdateType = "Health"
	// RollingByTime goes on after a pause.
	RollingByTime RollingUpdateType = "Time"
	// ImmutableUpdate launches all instances anew beside the old ones, which go when the new ones are healthy.
	ImmutableUpdate RollingUpdateType = "Immutable"
)

var rollingUpdateTypes = []RollingUpdateType{RollingByHealth, RollingByTime, ImmutableUpdate}

// ConfigurationUpdates say how the instances are replaced when their configuration changes. A batch is terminated before
// its replacements are launched, except by [ImmutableUpdate].
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rollingupdates.html
type ConfigurationUpdates struct {
	// RollingUpdateType is [RollingByHealth] or [RollingByTime]; with the policies [Immutable] and [TrafficSplitting], and
	// with them alone, it is [ImmutableUpdate]. Default: [RollingByHealth].
	RollingUpdateType RollingUpdateType
	// DisableRollingUpdates replaces all instances at once, while nothing serves. Default: they are replaced as
	// RollingUpdateType says; a single instance at once.
	DisableRollingUpdates bool
	// MaxBatchSize is the number of instances in a batch. Default: 1.
	MaxBatchSize int
	// MinInstancesInService is how many instances stay in service, less than Capacity.MaxSize. Default: all but one of
	// Capacity.MinSize.
	MinInstancesInService *int
	// PauseTime is how long [RollingByTime] waits between batches, in whole seconds, up to 1 hour. Once given, it can be
	// changed but not taken away. Default: Elastic Beanstalk computes it.
	PauseTime time.Duration
	// Timeout is how long the instances of a batch may take to become healthy before the update is cancelled, in whole
	// seconds, 5 minutes to 1 hour. Default: 30 minutes.
	Timeout time.Duration
}

func (d Deployment) policy(k kind) DeploymentPolicy {
	if k.single {
		return cmp.Or(d.Policy, AllAtOnce)
	}
	return cmp.Or(d.Policy, RollingWithAdditionalBatch)
}

func (d Deployment) timeout() time.Duration { return cmp.Or(d.Timeout, 10*time.Minute) }

func (p DeploymentPolicy) rolling() bool { return p == Rolling || p == RollingWithAdditionalBatch }

// immutable says that a version comes on new instances, which configuration has to do then too.
func (p DeploymentPolicy) immutable() bool { return p == Immutable || p == TrafficSplitting }

// updates are how configuration is updated, "" for all instances at once.
func (d Deployment) updates(k kind) RollingUpdateType {
	switch chosen := d.ConfigurationUpdates.RollingUpdateType; {
	case d.ConfigurationUpdates.DisableRollingUpdates:
		return ""
	case chosen != "":
		return chosen
	case d.policy(k).immutable():
		return ImmutableUpdate
	case k.single:
		return ""
	}
	return RollingByHealth
}

func (d Deployment) validate(lb LoadBalancer, k kind) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	policy := d.policy(k)
	switch {
	case !slices.Contains(deploymentPolicies, policy):
		add("Policy: %q is not a deployment policy; the policies are %q", d.Policy, deploymentPolicies)
	case policy == TrafficSplitting && !k.balanced():
		add("Policy: TrafficSplitting needs a load balancer, and %s has none; choose AllAtOnce or Immutable", k)
	case policy.rolling() && k.single:
		add("Policy: %s is in batches, and %s has none; choose AllAtOnce or Immutable", policy, k)
	case policy == TrafficSplitting && lb.Shared != nil:
		add("Policy: %w", errTrafficSplitting)
	}
	if d.BatchSize < 0 {
		add("BatchSize: %d is not a number of instances; give 1 or more", d.BatchSize)
	}
	if d.BatchSize != 0 && !policy.rolling() && !k.single {
		add("BatchSize: has no effect with Policy %s; it is for rolling deployments: leave it out", policy)
	}
	switch {
	case d.BatchSizeType == "" || k.single:
	case d.BatchSizeType != Fixed && d.BatchSizeType != Percentage:
		add("BatchSizeType: %q is not a type; the types are %q and %q", d.BatchSizeType, Fixed, Percentage)
	case !policy.rolling():
		add("BatchSizeType: has no effect with Policy %s; it is for rolling deployments: leave it out", policy)
	case d.BatchSizeType == Percentage && d.BatchSize == 0:
		add("BatchSize: is required with BatchSizeType Percentage; give 1 to 100")
	}
	for _, set := range []struct {
		field string
		is    bool
	}{{"NewVersionPercent", d.NewVersionPercent != 0}, {"EvaluationTime", d.EvaluationTime != 0}} {
		if set.is && policy != TrafficSplitting {
			add("%s: has no effect with Policy %s; it is for TrafficSplitting: leave it out", set.field, policy)
		}
	}
	if t := d.EvaluationTime; t != 0 && (t%time.Minute != 0 || t < 3*time.Minute || t > 10*time.Hour) {
		add("EvaluationTime: %v is not allowed; give whole minutes, from 3m to 10h", t)
	}
	if d.Timeout%time.Second != 0 || d.Timeout < 0 || d.Timeout > time.Hour {
		add("Timeout: %v is not allowed; give whole seconds, from 1s to 1h", d.Timeout)
	}
	if d.LaunchTimeout%time.Second != 0 || d.LaunchTimeout < 0 {
		add("LaunchTimeout: %v is not allowed; give whole seconds", d.LaunchTimeout)
	}
	for _, err := range flatten(d.validateUpdates(k)) {
		add("ConfigurationUpdates: %w", err)
	}
	return errors.Join(problems...)
}

func (d Deployment) validateUpdates(k kind) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	u, policy, updates := d.ConfigurationUpdates, d.policy(k), d.updates(k)
	switch chosen := u.RollingUpdateType; {
	case chosen != "" && !slices.Contains(rollingUpdateTypes, chosen):
		add("RollingUpdateType: %q is not a type of update; the types are %q", chosen, rollingUpdateTypes)
		return errors.Join(problems...)
	case u.DisableRollingUpdates && chosen != "":
		add("RollingUpdateType: has no effect with DisableRollingUpdates: remove one of the two")
	case chosen == ImmutableUpdate && !policy.immutable():
		add("RollingUpdateType: Immutable needs Policy Immutable too, and it is %s: Elastic Beanstalk refuses an update of both version and configuration otherwise; "+
			"set Policy, which sets this too", policy)
	case policy.immutable() && updates != ImmutableUpdate:
		add("%s: Policy %s needs immutable configuration updates too: Elastic Beanstalk refuses an update of both version and configuration otherwise; leave it out",
			map[bool]string{true: "DisableRollingUpdates", false: "RollingUpdateType"}[u.DisableRollingUpdates], policy)
	case k.single && chosen != "" && chosen != ImmutableUpdate:
		add("RollingUpdateType: %s is in batches, and %s has none; leave it out", chosen, k)
	}
	inBatches := updates == RollingByHealth || updates == RollingByTime
	for _, field := range []struct {
		name      string
		set, does bool
		whose     string
	}{
		{"MaxBatchSize", u.MaxBatchSize != 0, inBatches, "updates in batches"},
		{"MinInstancesInService", u.MinInstancesInService != nil, inBatches, "updates in batches"},
		{"PauseTime", u.PauseTime != 0, updates == RollingByTime, "RollingUpdateType Time"},
		{"Timeout", u.Timeout != 0, updates == RollingByHealth || updates == ImmutableUpdate, "updates that wait for health"},
	} {
		if field.set && !field.does {
			add("%s: is for %s: leave it out", field.name, field.whose)
		}
	}
	if u.MaxBatchSize < 0 {
		add("MaxBatchSize: %d is not a number of instances; give 1 or more", u.MaxBatchSize)
	}
	if u.PauseTime%time.Second != 0 || u.PauseTime < 0 || u.PauseTime > time.Hour {
		add("PauseTime: %v is not allowed; give whole seconds, up to 1h", u.PauseTime)
	}
	if t := u.Timeout; t != 0 && (t%time.Second != 0 || t < 5*time.Minute || t > time.Hour) {
		add("Timeout: %v is not allowed; give whole seconds, from 5m to 1h", t)
	}
	return errors.Join(problems...)
}

func (d Deployment) settings(c Capacity, k kind) []option.Setting {
	const (
		command   = "aws:elasticbeanstalk:command"
		splitting = "aws:elasticbeanstalk:trafficsplitting"
	)
	policy := d.policy(k)
	settings := []option.Setting{
		setting(command, "DeploymentPolicy", string(policy)),
		setting(command, "IgnoreHealthCheck", d.IgnoreHealthCheck),
		setting(command, "Timeout", int(d.timeout()/time.Second)),
	}
	if policy.rolling() {
		settings = append(settings,
			setting(command, "BatchSizeType", string(cmp.Or(d.BatchSizeType, Fixed))),
			setting(command, "BatchSize", cmp.Or(d.BatchSize, 1)),
		)
	}
	if policy == TrafficSplitting {
		settings = append(settings,
			setting(splitting, "NewVersionPercent", cmp.Or(d.NewVersionPercent, 10)),
			setting(splitting, "EvaluationTime", int(cmp.Or(d.EvaluationTime, 5*time.Minute)/time.Minute)),
		)
	}
	if d.LaunchTimeout != 0 {
		settings = append(settings, setting("aws:elasticbeanstalk:control", "LaunchTimeout", int(d.LaunchTimeout/time.Second)))
	}
	return append(settings, d.updateSettings(c, k)...)
}

func (d Deployment) updateSettings(c Capacity, k kind) []option.Setting {
	const namespace = "aws:autoscaling:updatepolicy:rollingupdate"
	u, updates := d.ConfigurationUpdates, d.updates(k)
	if updates == "" { // the options of a batch would enable rolling updates again
		return []option.Setting{setting(namespace, "RollingUpdateEnabled", false)}
	}
	minSize, _ := c.sizes(k)
	settings := []option.Setting{
		setting(namespace, "RollingUpdateEnabled", true),
		setting(namespace, "RollingUpdateType", string(updates)),
		// One instance at a time: a rolling configuration update terminates a batch before it launches the replacement.
		// Written for immutable updates too, which ignore it: what an earlier policy wrote would stay, and may contradict
		// MaxSize.
		setting(namespace, "MaxBatchSize", cmp.Or(u.MaxBatchSize, 1)),
		setting(namespace, "MinInstancesInService", orPtr(u.MinInstancesInService, max(minSize-1, 0))),
		setting(namespace, "Timeout", isoDuration(cmp.Or(u.Timeout, 30*time.Minute))),
	}
	if u.PauseTime != 0 {
		settings = append(settings, setting(namespace, "PauseTime", isoDuration(u.PauseTime)))
	}
	return settings
}

// isoDuration is a duration as options have it: PT1H2M3S.
func isoDuration(d time.Duration) string {
	text := "PT"
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"H", time.Hour}, {"M", time.Minute}, {"S", time.Second}} {
		if n := d / unit.length; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.letter)
			d -= n * unit.length
		}
	}
	return text
}
