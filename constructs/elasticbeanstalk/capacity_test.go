package elasticbeanstalk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func ptr[T any](value T) *T { return &value }

// optionsOf are the option settings of an environment in a VPC that exists, by "namespace OptionName".
func optionsOf(t *testing.T, change func(*elasticbeanstalk.EnvironmentProps)) map[string]string {
	t.Helper()
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	change(props)
	return options(elasticbeanstalk.NewEnvironment(stack, "Web", props))
}

// requireSome compares some options; an empty value wants no such setting.
func requireSome(t *testing.T, got, want map[string]string) {
	t.Helper()
	for option, value := range want {
		if got[option] != value {
			t.Errorf("%s is %q, want %q", option, got[option], value)
		}
	}
}

func TestEveryFieldOfCapacityReachesItsOption(t *testing.T) {
	const launch = "aws:autoscaling:launchconfiguration "
	got := optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) {
		p.Capacity = elasticbeanstalk.Capacity{
			MinSize: ptr(3), MaxSize: ptr(9), Cooldown: ptr(time.Duration(0)),
			InstanceTypes: []string{"m7g.large", "c7gn.large"}, ImageID: "ami-0123456789abcdef0", EC2KeyName: "mine",
			RootVolume:          elasticbeanstalk.RootVolume{Size: 40, IOPS: 4000, Throughput: 250},
			BlockDeviceMappings: []string{"/dev/sdj=:500:true:gp3", "/dev/sdb=ephemeral0"},
			AvailabilityZones:   "Any 2", CustomAvailabilityZones: []string{"eu-central-1a", "eu-central-1b"},
			MonitoringInterval: time.Minute, LaunchTemplateTagPropagationEnabled: true,
		}
	})
	requireSome(t, got, map[string]string{
		"aws:autoscaling:asg MinSize": "3", "aws:autoscaling:asg MaxSize": "9", "aws:autoscaling:asg Cooldown": "0",
		"aws:autoscaling:asg Availability Zones": "Any 2", "aws:autoscaling:asg Custom Availability Zones": "eu-central-1a,eu-central-1b",
		"aws:ec2:instances InstanceTypes": "m7g.large,c7gn.large", "aws:ec2:instances SupportedArchitectures": "arm64",
		launch + "ImageId": "ami-0123456789abcdef0", launch + "EC2KeyName": "mine",
		launch + "RootVolumeType": "gp3", launch + "RootVolumeSize": "40", launch + "RootVolumeIOPS": "4000", launch + "RootVolumeThroughput": "250",
		launch + "BlockDeviceMappings": "/dev/sdj=:500:true:gp3,/dev/sdb=ephemeral0",
		launch + "MonitoringInterval":  "1 minute", launch + "LaunchTemplateTagPropagationEnabled": "true",
	})
}

func TestTheArchitectureFollowsTheTypesAndTheTypesIt(t *testing.T) {
	for _, c := range []struct {
		capacity            elasticbeanstalk.Capacity
		types, architecture string
	}{
		{elasticbeanstalk.Capacity{}, "t3.small", "x86_64"},
		{elasticbeanstalk.Capacity{Architecture: option.ARM64}, "t4g.small", "arm64"},
		{elasticbeanstalk.Capacity{InstanceTypes: []string{"a1.medium"}}, "a1.medium", "arm64"},
		{elasticbeanstalk.Capacity{InstanceTypes: []string{"g4dn.xlarge"}, Architecture: option.X8664}, "g4dn.xlarge", "x86_64"},
	} {
		requireSome(t, optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) { p.Capacity = c.capacity }), map[string]string{
			"aws:ec2:instances InstanceTypes": c.types, "aws:ec2:instances SupportedArchitectures": c.architecture,
		})
	}
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Capacity.InstanceTypes = []string{*awscdk.NewCfnParameter(stack, jsii.String("Type"), nil).ValueAsString()}
	if a, there := options(elasticbeanstalk.NewEnvironment(stack, "Web", props))["aws:ec2:instances SupportedArchitectures"]; there {
		t.Errorf("a type that is not known yet is %s", a)
	}
}

func TestSpot(t *testing.T) {
	const spot = "aws:ec2:instances "
	on := func(s elasticbeanstalk.Spot) func(*elasticbeanstalk.EnvironmentProps) {
		return func(p *elasticbeanstalk.EnvironmentProps) { s.EnableSpot = true; p.Capacity.Spot = s }
	}
	requireSome(t, optionsOf(t, on(elasticbeanstalk.Spot{})), map[string]string{
		spot + "EnableSpot": "true", spot + "SpotFleetOnDemandBase": "0", spot + "SpotFleetOnDemandAboveBasePercentage": "70",
		spot + "SpotMaxPrice": "null", spot + "SpotAllocationStrategy": "capacity-optimized", "aws:autoscaling:asg EnableCapacityRebalancing": "false",
	})
	requireSome(t, optionsOf(t, on(elasticbeanstalk.Spot{
		OnDemandBase: 2, OnDemandAboveBasePercentage: ptr(0), MaxPrice: 0.0035, AllocationStrategy: "lowest-price", EnableCapacityRebalancing: true,
	})), map[string]string{
		spot + "SpotFleetOnDemandBase": "2", spot + "SpotFleetOnDemandAboveBasePercentage": "0",
		spot + "SpotMaxPrice": "0.0035", spot + "SpotAllocationStrategy": "lowest-price", "aws:autoscaling:asg EnableCapacityRebalancing": "true",
	})
	requireSome(t, optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) {
		p.EnvironmentType = elasticbeanstalk.SingleInstance
		p.Capacity.Spot.EnableSpot = true
	}), map[string]string{spot + "EnableSpot": "true", spot + "SpotFleetOnDemandAboveBasePercentage": "0"})
}

func TestATriggerOnEachMetric(t *testing.T) {
	const trigger = "aws:autoscaling:trigger "
	for measure, unit := range map[string]string{
		"CPUUtilization": "Percent", "NetworkIn": "Bytes", "NetworkOut": "Bytes", "DiskReadBytes": "Bytes", "DiskWriteBytes": "Bytes",
		"DiskReadOps": "Count", "DiskWriteOps": "Count", "Latency": "Seconds", "RequestCount": "Count", "HealthyHostCount": "Count",
		"UnhealthyHostCount": "Count", "TargetResponseTime": "Seconds",
	} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.Capacity.Trigger = elasticbeanstalk.Trigger{
			MeasureName: measure, UpperThreshold: ptr(6000000.0), LowerThreshold: ptr(0.25), Statistic: "Maximum",
			UpperBreachScaleIncrement: 2, LowerBreachScaleIncrement: -3, Period: 2 * time.Minute, EvaluationPeriods: 4,
		}
		requireSome(t, options(elasticbeanstalk.NewEnvironment(stack, "Web", props)), map[string]string{
			trigger + "MeasureName": measure, trigger + "Unit": unit, trigger + "Statistic": "Maximum",
			trigger + "UpperThreshold": "6000000", trigger + "LowerThreshold": "0.25",
			trigger + "UpperBreachScaleIncrement": "2", trigger + "LowerBreachScaleIncrement": "-3",
			trigger + "Period": "2", trigger + "EvaluationPeriods": "4", trigger + "BreachDuration": "8",
		})
	}
}

// The ResourceName tells scheduled actions apart.
func TestScheduledActions(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Capacity.MaxSize = ptr(6)
	zone := time.FixedZone("CET", 3600)
	props.Capacity.ScheduledActions = map[string]elasticbeanstalk.ScheduledAction{
		"Night": {Recurrence: "0 22 * * *", MinSize: ptr(0), MaxSize: ptr(1), DesiredCapacity: ptr(0), EndTime: time.Date(2027, 1, 2, 3, 4, 5, 0, zone)},
		"Sale":  {StartTime: time.Date(2026, 12, 24, 6, 0, 0, 0, zone), Suspend: true},
	}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	got := map[string]string{}
	for _, s := range environment.OptionSettings() {
		if s.Namespace == option.ScheduledAction {
			got[s.ResourceName+" "+s.OptionName] = s.Value
		}
	}
	requireOptions(t, got, map[string]string{
		"Night MinSize": "0", "Night MaxSize": "1", "Night DesiredCapacity": "0", "Night Recurrence": "0 22 * * *",
		"Night EndTime": "2027-01-02T02:04:05Z", "Night Suspend": "false",
		"Sale MinSize": "2", "Sale MaxSize": "6", "Sale StartTime": "2026-12-24T05:00:00Z", "Sale Suspend": "true",
	})
	requireParts(t, synth(t, stack).Resources["Stack/Web"].Property("OptionSettings"),
		`{"Namespace":"aws:autoscaling:scheduledaction","OptionName":"Recurrence","ResourceName":"Night","Value":"0 22 * * *"}`)
}

// Whatever Elastic Beanstalk would refuse of a field is said of the field, not of its option.
func TestWhatIsWrongWithCapacityIsSaidOfItsField(t *testing.T) {
	type capacity = elasticbeanstalk.Capacity
	type trigger = elasticbeanstalk.Trigger
	type spot = elasticbeanstalk.Spot
	type volume = elasticbeanstalk.RootVolume
	on := func(name string, a elasticbeanstalk.ScheduledAction) capacity {
		return capacity{ScheduledActions: map[string]elasticbeanstalk.ScheduledAction{name: a}}
	}
	for _, c := range []struct {
		capacity capacity
		field    string
		parts    string
	}{
		{capacity{Cooldown: ptr(3 * time.Hour)}, "Cooldown", "3h0m0s"},
		{capacity{InstanceTypes: []string{"t3.small", "t4g.small"}}, "InstanceTypes", "t3.small is x86_64 and t4g.small is arm64"},
		{capacity{InstanceTypes: []string{"t3.small"}, Architecture: option.ARM64}, "InstanceTypes", "t3.small is x86_64, and SupportedArchitectures is arm64"},
		{capacity{InstanceTypes: []string{"t3.small", "t3.small"}}, "InstanceTypes", "twice"},
		{capacity{InstanceTypes: []string{"mac2.metal"}}, "InstanceTypes[0]", "Mac"},
		{capacity{Architecture: "ARM"}, "Architecture", `"ARM" is not an architecture`},
		{capacity{ImageID: "image"}, "ImageID", `"image"`},
		{capacity{MonitoringInterval: 3 * time.Minute}, "MonitoringInterval", "3m0s"},
		{capacity{BlockDeviceMappings: []string{"/dev/sdb"}}, "BlockDeviceMappings[0]", "is not a mapping"},
		{capacity{BlockDeviceMappings: []string{"/dev/sdb=a,/dev/sdc=b"}}, "BlockDeviceMappings[0]", "one each"},
		{capacity{Spot: spot{OnDemandBase: 1}}, "Spot: OnDemandBase", "without EnableSpot"},
		{capacity{Spot: spot{OnDemandAboveBasePercentage: ptr(0)}}, "Spot: OnDemandAboveBasePercentage", "without EnableSpot"},
		{capacity{Spot: spot{MaxPrice: 1}}, "Spot: MaxPrice", "without EnableSpot"},
		{capacity{Spot: spot{AllocationStrategy: "lowest-price"}}, "Spot: AllocationStrategy", "without EnableSpot"},
		{capacity{Spot: spot{EnableCapacityRebalancing: true}}, "Spot: EnableCapacityRebalancing", "without EnableSpot"},
		{capacity{Spot: spot{EnableSpot: true, OnDemandBase: 5}}, "Spot: OnDemandBase", "greater than MaxSize 4"},
		{capacity{Spot: spot{EnableSpot: true, OnDemandAboveBasePercentage: ptr(101)}}, "Spot: OnDemandAboveBasePercentage", "0 to 100"},
		{capacity{Spot: spot{EnableSpot: true, MaxPrice: 21}}, "Spot: MaxPrice", "0.001 to 20"},
		{capacity{Spot: spot{EnableSpot: true, AllocationStrategy: "cheap"}}, "Spot: AllocationStrategy", "lowest-price"},
		{capacity{RootVolume: volume{Type: "gp4"}}, "RootVolume: Type", `"gp4"`},
		{capacity{RootVolume: volume{Size: 7}}, "RootVolume: Size", "8 to 16384"},
		{capacity{RootVolume: volume{IOPS: 2000}}, "RootVolume: IOPS", "3000 to 16000"},
		{capacity{RootVolume: volume{Size: 8, IOPS: 5000}}, "RootVolume: IOPS", "a volume for them has 10"},
		{capacity{RootVolume: volume{Throughput: 2000}}, "RootVolume: Throughput", "125 to 1000"},
		{capacity{RootVolume: volume{Type: "gp2", IOPS: 3000}}, "RootVolume: IOPS", "gp2"},
		{capacity{RootVolume: volume{Type: "gp2", Throughput: 200}}, "RootVolume: Throughput", "gp3 alone"},
		{capacity{RootVolume: volume{Type: "io1", IOPS: 200}}, "RootVolume: Size", "required for io1"},
		{capacity{RootVolume: volume{Type: "io1", Size: 20}}, "RootVolume: IOPS", "required for io1"},
		{capacity{Trigger: trigger{MeasureName: "Memory"}}, "Trigger: MeasureName", "CPUUtilization"},
		{capacity{Trigger: trigger{MeasureName: "NetworkOut"}}, "Trigger: UpperThreshold", "required with MeasureName NetworkOut"},
		{capacity{Trigger: trigger{UpperThreshold: ptr(20.0)}}, "Trigger: LowerThreshold", "20 is not below UpperThreshold 20"},
		{capacity{Trigger: trigger{LowerThreshold: ptr(-1.0)}}, "Trigger: LowerThreshold", "-1"},
		{capacity{Trigger: trigger{Statistic: "p90"}}, "Trigger: Statistic", "Average"},
		{capacity{Trigger: trigger{Unit: "Bites"}}, "Trigger: Unit", "Bytes"},
		{capacity{Trigger: trigger{UpperBreachScaleIncrement: -1}}, "Trigger: UpperBreachScaleIncrement", "1 or more"},
		{capacity{Trigger: trigger{LowerBreachScaleIncrement: 1}}, "Trigger: LowerBreachScaleIncrement", "-1 or less"},
		{capacity{Trigger: trigger{Period: 90 * time.Second}}, "Trigger: Period", "1m30s"},
		{capacity{Trigger: trigger{EvaluationPeriods: -1}}, "Trigger: EvaluationPeriods", "-1"},
		{capacity{Trigger: trigger{Period: time.Hour, EvaluationPeriods: 11}}, "Trigger: EvaluationPeriods", "600"},
		{on("At night", elasticbeanstalk.ScheduledAction{Recurrence: "0 0 * * *"}), `ScheduledActions["At night"]`, "letters and digits"},
		{on("A", elasticbeanstalk.ScheduledAction{}), `ScheduledActions["A"]: StartTime`, "without Recurrence"},
		{on("A", elasticbeanstalk.ScheduledAction{Recurrence: "@daily"}), `ScheduledActions["A"]: Recurrence`, "@daily"},
		{on("A", elasticbeanstalk.ScheduledAction{Recurrence: "0 0 * * *", MinSize: ptr(5)}), `ScheduledActions["A"]: MinSize`, "5 is greater than MaxSize 4"},
		{on("A", elasticbeanstalk.ScheduledAction{Recurrence: "0 0 * * *", DesiredCapacity: ptr(1)}), `ScheduledActions["A"]: DesiredCapacity`, "not between"},
		{on("A", elasticbeanstalk.ScheduledAction{StartTime: time.Unix(9, 0), EndTime: time.Unix(99, 0)}), `ScheduledActions["A"]: EndTime`, "without Recurrence"},
		{on("A", elasticbeanstalk.ScheduledAction{Recurrence: "0 0 * * *", StartTime: time.Unix(9, 0), EndTime: time.Unix(8, 0)}), `ScheduledActions["A"]: EndTime`, "not after"},
	} {
		p := dedicated(someVPC{})
		p.Capacity = c.capacity
		err := p.Validate()
		if err == nil {
			t.Errorf("%s: nothing is refused, want %q", c.field, c.parts)
			continue
		}
		found := false
		for line := range strings.SplitSeq(err.Error(), "\n") {
			found = found || strings.HasPrefix(line, "Capacity: "+c.field+": ") && strings.Contains(line, c.parts)
		}
		if !found || strings.Contains(err.Error(), "\naws:") || strings.HasPrefix(err.Error(), "aws:") {
			t.Errorf("Capacity: %s: … %s … is not said of the field in:\n%v", c.field, c.parts, err)
		}
	}
	p := dedicated(someVPC{})
	p.Tier, p.Capacity.Trigger = option.Worker, trigger{MeasureName: "RequestCount", UpperThreshold: ptr(2.0), LowerThreshold: ptr(1.0)}
	requireParts(t, p.Validate().Error(), "Capacity: Trigger: MeasureName: RequestCount is measured by a load balancer, and a worker has none")
}

func TestALaunchConfigurationIsAWarning(t *testing.T) {
	for _, c := range []struct {
		capacity elasticbeanstalk.Capacity
		want     int
	}{
		{elasticbeanstalk.Capacity{AllowIMDSv1: true}, 0},
		{elasticbeanstalk.Capacity{RootVolume: elasticbeanstalk.RootVolume{Type: "gp2"}}, 0},
		{elasticbeanstalk.Capacity{AllowIMDSv1: true, RootVolume: elasticbeanstalk.RootVolume{Type: "gp2"}}, 1},
	} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.Capacity = c.capacity
		elasticbeanstalk.NewEnvironment(stack, "Web", props)
		if n := warningsOf(stack, "makes a launch configuration"); n != c.want {
			t.Errorf("%+v gives %d warnings, want %d", c.capacity, n, c.want)
		}
	}
}

func warningsOf(stack awscdk.Stack, pattern string) int {
	return len(*assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(&pattern)))
}

func TestAPlatformBranchThatRetiresIsAWarning(t *testing.T) {
	tense := func(day string) string {
		if day <= time.Now().UTC().Format(time.DateOnly) {
			return "has retired"
		}
		return "retires"
	}
	for branch, want := range map[string]string{
		"": "", "Python 3.14 running on 64bit Amazon Linux 2023": "",
		"Python 3.8 running on 64bit Amazon Linux 2": "has retired %q on 2025-04-08: .* choose a later branch, such as .Python 3.13 ",
		".NET 6 running on 64bit Amazon Linux 2023":  "has retired %q on 2025-04-08: .* choose a later branch \\(",
		"PHP 8.2 running on 64bit Amazon Linux 2023": tense("2027-03-31") + " %q on 2027-03-31: .* choose a later branch \\(",
	} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.Platform.Branch = branch
		elasticbeanstalk.NewEnvironment(stack, "Web", props)
		if want == "" {
			if n := warningsOf(stack, "Platform.Branch: "); n != 0 {
				t.Errorf("%q: %d warnings, want none", branch, n)
			}
		} else if n := warningsOf(stack, "AWS "+fmt.Sprintf(want, branch)); n != 1 {
			t.Errorf("%q: %d warnings of %q, want one", branch, n, want)
		}
	}
}

func TestPlatform(t *testing.T) {
	const managed = "aws:elasticbeanstalk:managedactions"
	requireSome(t, optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) {
		p.Platform.InstanceRefreshEnabled = true
		p.Platform.ServiceLinkedRoleForManagedUpdates = true
	}), map[string]string{
		managed + ":platformupdate InstanceRefreshEnabled": "true",
		managed + " ServiceRoleForManagedUpdates":          "AWSServiceRoleForElasticBeanstalkManagedUpdates",
	})
	requireSome(t, optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) { p.Platform.DisableManagedUpdates = true }), map[string]string{
		managed + " ManagedActionsEnabled": "false", managed + ":platformupdate InstanceRefreshEnabled": "", managed + " ServiceRoleForManagedUpdates": "",
	})
	p := dedicated(someVPC{})
	p.Platform = elasticbeanstalk.Platform{DisableManagedUpdates: true, InstanceRefreshEnabled: true, ServiceLinkedRoleForManagedUpdates: true}
	requireParts(t, p.Validate().Error(), "Platform: InstanceRefreshEnabled: has no effect with DisableManagedUpdates", "Platform: ServiceLinkedRoleForManagedUpdates: has no effect")
}

func TestDeployments(t *testing.T) {
	const (
		command   = "aws:elasticbeanstalk:command "
		update    = "aws:autoscaling:updatepolicy:rollingupdate "
		splitting = "aws:elasticbeanstalk:trafficsplitting "
	)
	type d = elasticbeanstalk.Deployment
	type u = elasticbeanstalk.ConfigurationUpdates
	for _, c := range []struct {
		deployment d
		want       map[string]string
	}{
		{d{Policy: elasticbeanstalk.Rolling, BatchSize: 25, BatchSizeType: elasticbeanstalk.Percentage, IgnoreHealthCheck: true, LaunchTimeout: time.Minute}, map[string]string{
			command + "DeploymentPolicy": "Rolling", command + "BatchSize": "25", command + "BatchSizeType": "Percentage", command + "IgnoreHealthCheck": "true",
			"aws:elasticbeanstalk:control LaunchTimeout": "60", update + "RollingUpdateType": "Health"}},
		{d{Policy: elasticbeanstalk.TrafficSplitting}, map[string]string{
			command + "DeploymentPolicy": "TrafficSplitting", splitting + "NewVersionPercent": "10", splitting + "EvaluationTime": "5",
			command + "BatchSize": "", update + "RollingUpdateType": "Immutable"}},
		{d{Policy: elasticbeanstalk.TrafficSplitting, NewVersionPercent: 20, EvaluationTime: time.Hour}, map[string]string{
			splitting + "NewVersionPercent": "20", splitting + "EvaluationTime": "60"}},
		{d{Policy: elasticbeanstalk.Immutable, ConfigurationUpdates: u{Timeout: time.Hour}}, map[string]string{
			command + "DeploymentPolicy": "Immutable", update + "RollingUpdateType": "Immutable", update + "Timeout": "PT1H", splitting + "EvaluationTime": ""}},
		{d{ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.RollingByTime, MaxBatchSize: 2, MinInstancesInService: ptr(0), PauseTime: 90 * time.Second}}, map[string]string{
			update + "RollingUpdateEnabled": "true", update + "RollingUpdateType": "Time", update + "MaxBatchSize": "2", update + "MinInstancesInService": "0",
			update + "PauseTime": "PT1M30S"}},
		{d{Policy: elasticbeanstalk.Immutable, ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.ImmutableUpdate}}, map[string]string{
			command + "DeploymentPolicy": "Immutable", update + "RollingUpdateType": "Immutable"}},
		{d{Policy: elasticbeanstalk.AllAtOnce, ConfigurationUpdates: u{DisableRollingUpdates: true}}, map[string]string{
			command + "DeploymentPolicy": "AllAtOnce", update + "RollingUpdateEnabled": "false", update + "RollingUpdateType": "", update + "MaxBatchSize": "",
			update + "MinInstancesInService": ""}},
	} {
		requireSome(t, optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) { p.Deployment = c.deployment }), c.want)
	}
	single := optionsOf(t, func(p *elasticbeanstalk.EnvironmentProps) {
		p.EnvironmentType = elasticbeanstalk.SingleInstance
		p.Deployment.Policy = elasticbeanstalk.Immutable
	})
	requireSome(t, single, map[string]string{command + "DeploymentPolicy": "Immutable", update + "RollingUpdateType": "Immutable", update + "RollingUpdateEnabled": "true"})
}

func TestWhatIsWrongWithADeployment(t *testing.T) {
	type d = elasticbeanstalk.Deployment
	type u = elasticbeanstalk.ConfigurationUpdates
	for _, c := range []struct {
		deployment d
		parts      string
	}{
		{d{BatchSizeType: "Half"}, `BatchSizeType: "Half" is not a type`},
		{d{BatchSizeType: elasticbeanstalk.Percentage}, "BatchSize: is required with BatchSizeType Percentage"},
		{d{BatchSizeType: elasticbeanstalk.Percentage, BatchSize: 101}, "BatchSize: BatchSize 101 is more than 100 percent"},
		{d{Policy: elasticbeanstalk.AllAtOnce, BatchSizeType: elasticbeanstalk.Fixed}, "BatchSizeType: has no effect with Policy AllAtOnce"},
		{d{NewVersionPercent: 5}, "NewVersionPercent: has no effect with Policy RollingWithAdditionalBatch"},
		{d{EvaluationTime: 5 * time.Minute}, "EvaluationTime: has no effect with Policy RollingWithAdditionalBatch"},
		{d{Policy: elasticbeanstalk.TrafficSplitting, NewVersionPercent: 101}, "NewVersionPercent: 101 is out of range"},
		{d{Policy: elasticbeanstalk.TrafficSplitting, EvaluationTime: time.Minute}, "EvaluationTime: 1m0s is not allowed"},
		{d{LaunchTimeout: -time.Second}, "LaunchTimeout: -1s is not allowed"},
		{d{ConfigurationUpdates: u{RollingUpdateType: "Batch"}}, `ConfigurationUpdates: RollingUpdateType: "Batch" is not a type`},
		{d{Policy: elasticbeanstalk.Immutable, ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.RollingByHealth}},
			"ConfigurationUpdates: RollingUpdateType: Policy Immutable needs immutable configuration updates too"},
		{d{ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.ImmutableUpdate}},
			"ConfigurationUpdates: RollingUpdateType: Immutable needs Policy Immutable too, and it is RollingWithAdditionalBatch"},
		{d{Policy: elasticbeanstalk.TrafficSplitting, ConfigurationUpdates: u{DisableRollingUpdates: true}},
			"ConfigurationUpdates: DisableRollingUpdates: Policy TrafficSplitting needs immutable configuration updates too"},
		{d{ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.RollingByTime, DisableRollingUpdates: true}}, "ConfigurationUpdates: RollingUpdateType: has no effect with DisableRollingUpdates"},
		{d{ConfigurationUpdates: u{DisableRollingUpdates: true, MaxBatchSize: 2}}, "ConfigurationUpdates: MaxBatchSize: is for updates in batches"},
		{d{Policy: elasticbeanstalk.Immutable, ConfigurationUpdates: u{MinInstancesInService: ptr(1)}}, "ConfigurationUpdates: MinInstancesInService: is for updates in batches"},
		{d{ConfigurationUpdates: u{PauseTime: time.Minute}}, "ConfigurationUpdates: PauseTime: is for RollingUpdateType Time"},
		{d{ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.RollingByTime, Timeout: time.Hour}}, "ConfigurationUpdates: Timeout: is for updates that wait"},
		{d{ConfigurationUpdates: u{RollingUpdateType: elasticbeanstalk.RollingByTime, PauseTime: 2 * time.Hour}}, "ConfigurationUpdates: PauseTime: 2h0m0s is not allowed"},
		{d{ConfigurationUpdates: u{Timeout: time.Minute}}, "ConfigurationUpdates: Timeout: 1m0s is not allowed"},
		{d{ConfigurationUpdates: u{MaxBatchSize: -1}}, "ConfigurationUpdates: MaxBatchSize: -1"},
		{d{ConfigurationUpdates: u{MinInstancesInService: ptr(4)}}, "ConfigurationUpdates: MinInstancesInService: MinInstancesInService 4 must be less than MaxSize 4"},
	} {
		p := dedicated(someVPC{})
		p.Deployment = c.deployment
		err := p.Validate()
		if err == nil {
			t.Errorf("nothing is refused, want %q", c.parts)
			continue
		}
		requireParts(t, err.Error(), "Deployment: "+c.parts)
	}
	p := dedicated(someVPC{})
	p.EnvironmentType, p.Deployment.ConfigurationUpdates = elasticbeanstalk.SingleInstance, u{RollingUpdateType: elasticbeanstalk.RollingByHealth}
	requireParts(t, p.Validate().Error(), "Deployment: ConfigurationUpdates: RollingUpdateType: Health is in batches, and a single instance has none")
}
