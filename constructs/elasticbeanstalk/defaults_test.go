package elasticbeanstalk_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// defaults are the option settings of every environment that says nothing about them.
var defaults = map[string]string{
	"aws:autoscaling:asg MinSize":                   "2",
	"aws:autoscaling:asg MaxSize":                   "4",
	"aws:autoscaling:asg EnableCapacityRebalancing": "false",
	"aws:autoscaling:asg Cooldown":                  "360",
	"aws:autoscaling:asg Availability Zones":        "Any",
	"aws:ec2:instances InstanceTypes":               "t3.small",
	"aws:ec2:instances SupportedArchitectures":      "x86_64",
	"aws:ec2:instances EnableSpot":                  "false",
	"aws:ec2:vpc VPCId":                             "${Stack/VPC}",
	"aws:ec2:vpc Subnets":                           "${Stack/VPC/PrivateSubnet1/Subnet},${Stack/VPC/PrivateSubnet2/Subnet}",
	"aws:ec2:vpc AssociatePublicIpAddress":          "false",

	"aws:autoscaling:trigger MeasureName":               "CPUUtilization",
	"aws:autoscaling:trigger Statistic":                 "Average",
	"aws:autoscaling:trigger Unit":                      "Percent",
	"aws:autoscaling:trigger UpperThreshold":            "70",
	"aws:autoscaling:trigger LowerThreshold":            "20",
	"aws:autoscaling:trigger UpperBreachScaleIncrement": "1",
	"aws:autoscaling:trigger LowerBreachScaleIncrement": "-1",
	"aws:autoscaling:trigger Period":                    "5",
	"aws:autoscaling:trigger EvaluationPeriods":         "1",
	"aws:autoscaling:trigger BreachDuration":            "5",

	"aws:autoscaling:launchconfiguration LaunchTemplateTagPropagationEnabled": "false",
	"aws:autoscaling:launchconfiguration MonitoringInterval":                  "5 minute",
	"aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup":      "true",
	"aws:autoscaling:launchconfiguration DisableIMDSv1":                       "true",
	"aws:autoscaling:launchconfiguration IamInstanceProfile":                  "${Stack/Web/InstanceProfile}",
	"aws:autoscaling:launchconfiguration RootVolumeType":                      "gp3",
	"aws:autoscaling:launchconfiguration SecurityGroups":                      "${Stack/Web/SecurityGroup.GroupId}",

	"aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled":  "true",
	"aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType":     "Health",
	"aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize":          "1",
	"aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService": "1",
	"aws:autoscaling:updatepolicy:rollingupdate Timeout":               "PT30M",

	"aws:elasticbeanstalk:command DeploymentPolicy":  "RollingWithAdditionalBatch",
	"aws:elasticbeanstalk:command BatchSizeType":     "Fixed",
	"aws:elasticbeanstalk:command BatchSize":         "1",
	"aws:elasticbeanstalk:command IgnoreHealthCheck": "false",
	"aws:elasticbeanstalk:command Timeout":           "600",

	"aws:elasticbeanstalk:environment EnvironmentType":  "LoadBalanced",
	"aws:elasticbeanstalk:environment LoadBalancerType": "application",
	"aws:elasticbeanstalk:environment ServiceRole":      "${Stack/Web/ServiceRole.Arn}",

	"aws:elasticbeanstalk:environment:process:default Port":                    "80",
	"aws:elasticbeanstalk:environment:process:default Protocol":                "HTTP",
	"aws:elasticbeanstalk:environment:process:default HealthCheckPath":         "/healthz/",
	"aws:elasticbeanstalk:environment:process:default MatcherHTTPCode":         "200-301",
	"aws:elasticbeanstalk:environment:process:default HealthCheckInterval":     "15",
	"aws:elasticbeanstalk:environment:process:default HealthCheckTimeout":      "5",
	"aws:elasticbeanstalk:environment:process:default HealthyThresholdCount":   "3",
	"aws:elasticbeanstalk:environment:process:default UnhealthyThresholdCount": "5",
	"aws:elasticbeanstalk:environment:process:default DeregistrationDelay":     "20",
	"aws:elasticbeanstalk:environment:process:default StickinessEnabled":       "false",

	"aws:elasticbeanstalk:healthreporting:system SystemType":                  "enhanced",
	"aws:elasticbeanstalk:healthreporting:system EnhancedHealthAuthEnabled":   "true",
	"aws:elasticbeanstalk:healthreporting:system HealthCheckSuccessThreshold": "Ok",
	"aws:elasticbeanstalk:healthreporting:system ConfigDocument": `{"CloudWatchMetrics":{"Environment":{},"Instance":{}},` +
		`"Rules":{"Environment":{"Application":{"ApplicationRequests4xx":{"Enabled":true}},"ELB":{"ELBRequests4xx":{"Enabled":true}}}},"Version":1}`,

	"aws:elasticbeanstalk:xray XRayEnabled": "false",

	"aws:elasticbeanstalk:managedactions ManagedActionsEnabled":                 "true",
	"aws:elasticbeanstalk:managedactions PreferredStartTime":                    "Sun:03:00",
	"aws:elasticbeanstalk:managedactions ServiceRoleForManagedUpdates":          "${Stack/Web/ServiceRole.Arn}",
	"aws:elasticbeanstalk:managedactions:platformupdate UpdateLevel":            "minor",
	"aws:elasticbeanstalk:managedactions:platformupdate InstanceRefreshEnabled": "false",

	"aws:elasticbeanstalk:cloudwatch:logs:health HealthStreamingEnabled": "false",

	"aws:elasticbeanstalk:cloudwatch:logs StreamLogs":        "true",
	"aws:elasticbeanstalk:cloudwatch:logs RetentionInDays":   "30",
	"aws:elasticbeanstalk:cloudwatch:logs DeleteOnTerminate": "false",
	"aws:elasticbeanstalk:hostmanager LogPublicationControl": "true",
}

func TestZeroPropsWriteEveryDefaultOut(t *testing.T) {
	cases := map[string]map[string]string{
		"shared": {
			"aws:elasticbeanstalk:environment LoadBalancerIsShared": "true",
			"aws:elbv2:loadbalancer SharedLoadBalancer":             "${Stack/LB}",
			"aws:elbv2:loadbalancer SecurityGroups":                 "${Stack/LB/SecurityGroup.GroupId}",
		},
		"dedicated": {
			"aws:elasticbeanstalk:environment LoadBalancerIsShared": "false",
			"aws:ec2:vpc ELBScheme":                                 "public",
			"aws:ec2:vpc ELBSubnets":                                "${Stack/VPC/PublicSubnet1/Subnet},${Stack/VPC/PublicSubnet2/Subnet}",
			"aws:elbv2:loadbalancer SecurityGroups":                 "${Stack/Web/LoadBalancerSecurityGroup.GroupId}",
			"aws:elbv2:loadbalancer ManagedSecurityGroup":           "${Stack/Web/LoadBalancerSecurityGroup.GroupId}",
			"aws:elbv2:loadbalancer IpAddressType":                  "ipv4",
			"aws:elbv2:loadbalancer IdleTimeout":                    "60",
			"aws:elbv2:loadbalancer AccessLogsS3Enabled":            "true",
			"aws:elbv2:loadbalancer AccessLogsS3Bucket":             "${Stack/Web/AccessLogs}",
			"aws:elbv2:listener:default ListenerEnabled":            "true",
			"aws:elbv2:listener:443 ListenerEnabled":                "false",
		},
	}
	for name, own := range cases {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			vpc := newVPC(stack)
			props := dedicated(vpc)
			if name == "shared" {
				props = shared(vpc, newLoadBalancer(stack, vpc))
			}
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			environment := synth(t, stack).One(t, "AWS::ElasticBeanstalk::Environment")

			want := maps.Clone(defaults)
			maps.Copy(want, own)
			requireOptions(t, environment.Options(), want)
			if got := environment.Property("PlatformArn"); got != "arn:${AWS::Partition}:elasticbeanstalk:${AWS::Region}::platform/Python 3.13 running on 64bit Amazon Linux 2023" {
				t.Errorf("PlatformArn is %q, want the newest version of the default branch", got)
			}
			for _, property := range []string{"SolutionStackName", "EnvironmentName", "CNAMEPrefix"} {
				if got := environment.Property(property); got != "" {
					t.Errorf("%s is %q, want none", property, got)
				}
			}
		})
	}
}

// requireOptions compares all option settings of an environment.
func requireOptions(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, there := got[key]; !there {
			t.Errorf("%s is not set, want %q", key, want[key])
		} else if value != want[key] {
			t.Errorf("%s is %q, want %q", key, value, want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, wanted := want[key]; !wanted {
			t.Errorf("%s is %q, want no such setting", key, got[key])
		}
	}
}

func TestTheHealthCheckIsThePropsOwnOnSharedAndDedicatedAlike(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	process := elasticbeanstalk.Process{
		HealthCheck: health.Check{
			Path: "/up/", SuccessCodes: "200,204", Interval: 30 * time.Second, Timeout: 10 * time.Second,
			HealthyThresholdCount: 2, UnhealthyThresholdCount: 4,
		},
		DeregistrationDelay: new(time.Duration), // zero is a choice of its own
		StickinessDuration:  time.Hour,
	}
	for id, props := range map[string]*elasticbeanstalk.EnvironmentProps{
		"Dedicated": dedicated(vpc), "Shared": shared(vpc, newLoadBalancer(stack, vpc)),
	} {
		props.Processes = map[string]elasticbeanstalk.Process{"default": process}
		elasticbeanstalk.NewEnvironment(stack, id, props)
	}
	template := synth(t, stack)
	for _, id := range []string{"Dedicated", "Shared"} {
		options := template.Resources["Stack/"+id].Options()
		for option, want := range map[string]string{
			"HealthCheckPath": "/up/", "MatcherHTTPCode": "200,204", "HealthCheckInterval": "30", "HealthCheckTimeout": "10",
			"HealthyThresholdCount": "2", "UnhealthyThresholdCount": "4", "DeregistrationDelay": "0",
			"StickinessEnabled": "true", "StickinessType": "lb_cookie", "StickinessLBCookieDuration": "3600",
		} {
			if got := options["aws:elasticbeanstalk:environment:process:default "+option]; got != want {
				t.Errorf("%s: %s is %q, want %q", id, option, got, want)
			}
		}
	}
}

func TestCapacityKeepsItsBoundsInOrder(t *testing.T) {
	number := func(n int) *int { return &n }
	for _, c := range []struct {
		capacity                   elasticbeanstalk.Capacity
		minSize, maxSize, inUpdate string
	}{
		{elasticbeanstalk.Capacity{}, "2", "4", "1"},
		{elasticbeanstalk.Capacity{MinSize: number(6)}, "6", "6", "5"},
		{elasticbeanstalk.Capacity{MaxSize: number(1)}, "1", "1", "0"},
		{elasticbeanstalk.Capacity{MinSize: number(0)}, "0", "4", "0"},
		{elasticbeanstalk.Capacity{MinSize: number(1), MaxSize: number(8)}, "1", "8", "0"},
	} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.Capacity = c.capacity
		got := options(elasticbeanstalk.NewEnvironment(stack, "Web", props))
		if got["aws:autoscaling:asg MinSize"] != c.minSize || got["aws:autoscaling:asg MaxSize"] != c.maxSize ||
			got["aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService"] != c.inUpdate {
			t.Errorf("%+v gives MinSize %s, MaxSize %s, MinInstancesInService %s; want %s, %s, %s", c.capacity,
				got["aws:autoscaling:asg MinSize"], got["aws:autoscaling:asg MaxSize"],
				got["aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService"], c.minSize, c.maxSize, c.inUpdate)
		}
	}
}

// options are the values of an environment's option settings by "namespace OptionName", before synthesis.
func options(e *elasticbeanstalk.Environment) map[string]string {
	values := map[string]string{}
	for _, s := range e.OptionSettings() {
		values[s.Namespace+" "+s.OptionName] = s.Value
	}
	return values
}

func TestEveryDefaultCanBeChosenAway(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Capacity.AllowIMDSv1 = true
	props.Capacity.InstanceTypes = []string{"m7i.large", "m6i.large"}
	props.Network.AssociatePublicIPAddress = true
	props.LoadBalancer.Internal = true
	props.LoadBalancer.CertificateARNs = []string{"arn:aws:acm:eu-central-1:123456789012:certificate/a", "arn:aws:acm:eu-central-1:123456789012:certificate/b"}
	props.Platform.Branch = "Python 3.12 running on 64bit Amazon Linux 2023"
	props.Platform.Version = "4.13.7"
	props.Platform.DisableManagedUpdates = true
	props.Logs.DisableStreaming = true
	props.Deployment.IgnoreHealthCheck = true
	props.Deployment.Timeout = 20 * time.Minute
	props.Deployment.BatchSize = 2
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	environment := synth(t, stack).One(t, "AWS::ElasticBeanstalk::Environment")

	want := map[string]string{
		"aws:autoscaling:launchconfiguration DisableIMDSv1":         "false",
		"aws:ec2:instances InstanceTypes":                           "m7i.large,m6i.large",
		"aws:ec2:vpc AssociatePublicIpAddress":                      "true",
		"aws:ec2:vpc ELBScheme":                                     "internal",
		"aws:ec2:vpc ELBSubnets":                                    "subnet-private-a,subnet-private-b",
		"aws:elbv2:listener:443 ListenerEnabled":                    "true",
		"aws:elbv2:listener:443 Protocol":                           "HTTPS",
		"aws:elbv2:listener:443 SSLPolicy":                          elasticbeanstalk.DefaultSSLPolicy,
		"aws:elbv2:listener:443 SSLCertificateArns":                 "arn:aws:acm:eu-central-1:123456789012:certificate/a,arn:aws:acm:eu-central-1:123456789012:certificate/b",
		"aws:elasticbeanstalk:managedactions ManagedActionsEnabled": "false",
		"aws:elasticbeanstalk:cloudwatch:logs StreamLogs":           "false",
		"aws:elasticbeanstalk:command IgnoreHealthCheck":            "true",
		"aws:elasticbeanstalk:command Timeout":                      "1200",
		"aws:elasticbeanstalk:command BatchSize":                    "2",
	}
	got := environment.Options()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
	requireParts(t, environment.Property("PlatformArn"), "platform/Python 3.12 running on 64bit Amazon Linux 2023/4.13.7")
}

func TestImmutableSetsDeploymentsAndConfigurationUpdatesTogether(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Deployment.Policy = elasticbeanstalk.Immutable
	got := options(elasticbeanstalk.NewEnvironment(stack, "Web", props))
	for key, want := range map[string]string{
		"aws:elasticbeanstalk:command DeploymentPolicy":                   "Immutable",
		"aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled": "true",
		"aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType":    "Immutable",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if value, there := got["aws:elasticbeanstalk:command BatchSize"]; there {
		t.Errorf("BatchSize is %q; an immutable deployment has no batches", value)
	}
	// What an earlier policy wrote would stay, and may contradict the sizes.
	if got := got["aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService"]; got != "1" {
		t.Errorf("MinInstancesInService is %q, want 1, for MinSize 2", got)
	}
}

func TestAVersionOutlivesItsSuccessorAndIsForgottenByCount(t *testing.T) {
	stack := newStack(t)
	elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
	template := synth(t, stack)
	version := template.One(t, "AWS::ElasticBeanstalk::ApplicationVersion")
	if version.UpdateReplacePolicy != "Retain" || version.DeletionPolicy != "Delete" {
		t.Errorf("UpdateReplacePolicy %q and DeletionPolicy %q, want Retain for a rollback and Delete so that the application can go", version.UpdateReplacePolicy, version.DeletionPolicy)
	}
	key := version.Property("SourceBundle.S3Key")
	requireParts(t, version.Property("Description"), key[:12])
	application := template.One(t, "AWS::ElasticBeanstalk::Application")
	for path, want := range map[string]string{
		"MaxCountRule.Enabled": "true", "MaxCountRule.MaxCount": "50", "MaxCountRule.DeleteSourceFromS3": "false",
	} {
		if got := application.Property("ResourceLifecycleConfig.VersionLifecycleConfig." + path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if got := application.Property("ResourceLifecycleConfig.ServiceRole"); got != "${Stack/Web/ServiceRole.Arn}" {
		t.Errorf("the lifecycle's role is %q", got)
	}
}
