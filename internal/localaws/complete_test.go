package localaws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

// own is Beanstalk's own stack of an environment: logical id → physical id.
func (c client) own(environment string) map[string]string {
	c.t.Helper()
	described, err := elasticbeanstalk.NewFromConfig(c.sdk()).DescribeEnvironments(context.Background(),
		&elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{environment}})
	if err != nil || len(described.Environments) != 1 {
		c.t.Fatalf("environment %s: %+v, %v", environment, described, err)
	}
	var answer struct {
		Resources []struct{ LogicalResourceId, PhysicalResourceId string } `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	c.must(&answer, "cloudformation", "DescribeStackResources", "StackName", "awseb-"+*described.Environments[0].EnvironmentId+"-stack")
	made := map[string]string{}
	for _, r := range answer.Resources {
		made[r.LogicalResourceId] = r.PhysicalResourceId
	}
	return made
}

type tags []struct{ Key, Value string }

func (tags tags) value(key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

type autoScalingGroup struct {
	MinSize, MaxSize, HealthCheckType, HealthCheckGracePeriod string
	TargetGroups                                              []string `xml:"TargetGroupARNs>member"`
	Overrides                                                 []string `xml:"MixedInstancesPolicy>LaunchTemplate>Overrides>member>InstanceType"`
	OnDemandBase                                              string   `xml:"MixedInstancesPolicy>InstancesDistribution>OnDemandBaseCapacity"`
	Tags                                                      tags     `xml:"Tags>member"`
}

func (c client) autoScalingGroup(name string) autoScalingGroup {
	c.t.Helper()
	var answer struct {
		Groups []autoScalingGroup `xml:"DescribeAutoScalingGroupsResult>AutoScalingGroups>member"`
	}
	c.must(&answer, "autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1", name)
	if len(answer.Groups) != 1 {
		c.t.Fatalf("Auto Scaling group %s: %+v", name, answer)
	}
	return answer.Groups[0]
}

type listener struct {
	Port, Protocol, SslPolicy string
	Actions                   []string `xml:"DefaultActions>member>Type"`
	Codes                     []string `xml:"DefaultActions>member>RedirectConfig>StatusCode"`
}

func (c client) listener(arn string) listener {
	c.t.Helper()
	var answer struct {
		Listeners []listener `xml:"DescribeListenersResult>Listeners>member"`
	}
	c.must(&answer, "elasticloadbalancing", "DescribeListeners", "ListenerArns.member.1", arn)
	return answer.Listeners[0]
}

func (c client) attributes(of, parameter, arn string) map[string]string {
	c.t.Helper()
	var answer struct {
		Load   tags `xml:"DescribeLoadBalancerAttributesResult>Attributes>member"`
		Target tags `xml:"DescribeTargetGroupAttributesResult>Attributes>member"`
	}
	c.must(&answer, "elasticloadbalancing", "Describe"+of+"Attributes", parameter, arn)
	found := map[string]string{}
	for _, a := range append(answer.Load, answer.Target...) {
		found[a.Key] = a.Value
	}
	return found
}

const overrides = `
option_settings:
  aws:elasticbeanstalk:application:environment: {FROM_BUNDLE: "yes"}
  aws:elasticbeanstalk:environment:process:default: {MatcherHTTPCode: "999", UnhealthyThresholdCount: 4}
  aws:elasticbeanstalk:customoption: {Grace: 400}
Resources:
  AWSEBAutoScalingGroup:
    Properties:
      HealthCheckType: ELB
      HealthCheckGracePeriod: {Fn::GetOptionSetting: {OptionName: Grace, DefaultValue: "1"}}
`

const redirect = `
{"Resources": {"AWSEBV2LoadBalancerListener": {"Properties": {"DefaultActions": [
  {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]}}}}
`

// The complete environment: deployed, looked at from every side, updated, an update that fails and is taken back, an older
// version deployed again, everything destroyed.
func TestCompleteEnvironment(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	ctx, eb := context.Background(), elasticbeanstalk.NewFromConfig(c.sdk())
	c.bundles("complete-bundles", map[string]map[string]string{"first.zip": nil, "second.zip": {
		".ebextensions/10-health.config": overrides, ".ebextensions/20-redirect.config": redirect,
		".ebextensions/readme.txt": "{", ".ebextensions/deeper/30.config": "{", "app/.ebextensions/40.config": "{",
	}, "third.zip": {".ebextensions/health.config": "Resources: {AWSEBAutoScalingGroup: {Properties: {Colour: red}}}"}})
	template := file(t, "complete.yaml")
	deploy := func(kind string, pairs ...string) stack {
		t.Helper()
		return c.deploy("complete", kind, template, append([]string{"Bucket", "complete-bundles"}, pairs...)...)
	}
	s := deploy("CREATE")
	wantStatus(t, s, "CREATE_COMPLETE")
	application, web := s.output(t, "Application"), s.output(t, "Web")
	first := s.output(t, "Version")

	made := c.own(web)
	group := c.autoScalingGroup(made["AWSEBAutoScalingGroup"])
	t.Run("processes", func(t *testing.T) {
		c := client{t, c.server}
		def, api := c.targetGroup(made["AWSEBV2LoadBalancerTargetGroup"]), c.targetGroup(s.output(t, "ApiGroup"))
		if def.Port != "80" || def.Path != "/healthz/" || def.Codes != "200-301" || api.Port != "8001" || api.Protocol != "HTTPS" || api.Path != "/api/health/" || api.Codes != "200" {
			t.Errorf("target groups %+v, %+v", def, api)
		}
		attributes := c.attributes("TargetGroup", "TargetGroupArn", api.ARN)
		if attributes["stickiness.enabled"] != "true" || attributes["deregistration_delay.timeout_seconds"] != "5" {
			t.Errorf("attributes %v", attributes)
		}
		if !slices.Contains(group.TargetGroups, def.ARN) || !slices.Contains(group.TargetGroups, api.ARN) || len(group.TargetGroups) != 2 {
			t.Errorf("the Auto Scaling group serves %v", group.TargetGroups)
		}
		rules := c.rules(made["AWSEBV2LoadBalancerListener443"])
		if len(rules) != 2 || !slices.Equal(rules[0].Targets, []string{api.ARN}) {
			t.Errorf("rules %+v, want /api/* to %s", rules, api.ARN)
		}
	})
	t.Run("load balancer", func(t *testing.T) {
		c := client{t, c.server}
		var answer struct {
			DNSName       string `xml:"DescribeLoadBalancersResult>LoadBalancers>member>DNSName"`
			IpAddressType string `xml:"DescribeLoadBalancersResult>LoadBalancers>member>IpAddressType"`
		}
		c.must(&answer, "elasticloadbalancing", "DescribeLoadBalancers", "LoadBalancerArns.member.1", s.output(t, "Balancer"))
		if s.output(t, "Balancer") != made["AWSEBV2LoadBalancer"] || answer.IpAddressType != "dualstack" || s.output(t, "Endpoint") != answer.DNSName ||
			s.output(t, "BalancerName") != answer.DNSName {
			t.Errorf("load balancer %+v, outputs %v", answer, s.Outputs)
		}
		if idle := c.attributes("LoadBalancer", "LoadBalancerArn", made["AWSEBV2LoadBalancer"])["idle_timeout.timeout_seconds"]; idle != "120" {
			t.Errorf("idle timeout %s", idle)
		}
		http, https := c.listener(made["AWSEBV2LoadBalancerListener"]), c.listener(made["AWSEBV2LoadBalancerListener443"])
		if http.Port != "80" || !slices.Equal(http.Actions, []string{"forward"}) || https.Protocol != "HTTPS" || https.SslPolicy != "ELBSecurityPolicy-TLS13-1-2-2021-06" {
			t.Errorf("listeners %+v, %+v", http, https)
		}
	})
	t.Run("capacity", func(t *testing.T) {
		c := client{t, c.server}
		if group.MinSize != "1" || group.MaxSize != "4" || group.HealthCheckType != "EC2" || !slices.Equal(group.Overrides, []string{"t4g.small", "t4g.medium"}) || group.OnDemandBase != "1" {
			t.Errorf("Auto Scaling group %+v", group)
		}
		var answer struct {
			Actions []struct{ AutoScalingGroupName, MinSize, MaxSize, Recurrence string } `xml:"DescribeScheduledActionsResult>ScheduledUpdateGroupActions>member"`
		}
		c.must(&answer, "autoscaling", "DescribeScheduledActions", "AutoScalingGroupName", made["AWSEBAutoScalingGroup"])
		if len(answer.Actions) != 1 || answer.Actions[0].Recurrence != "0 20 * * *" || answer.Actions[0].MaxSize != "1" {
			t.Errorf("scheduled actions %+v", answer.Actions)
		}
		var launch struct {
			Volumes []struct {
				Device string `xml:"deviceName"`
				Size   string `xml:"ebs>volumeSize"`
				Type   string `xml:"ebs>volumeType"`
				IOPS   string `xml:"ebs>iops"`
			} `xml:"launchTemplateVersionSet>item>launchTemplateData>blockDeviceMappingSet>item"`
			Tagged []string `xml:"launchTemplateVersionSet>item>launchTemplateData>tagSpecificationSet>item>resourceType"`
		}
		c.must(&launch, "ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateId", made["AWSEBEC2LaunchTemplate"])
		if got := fmt.Sprint(launch.Volumes); got != "[{/dev/xvda 20 gp3 } {/dev/sdj 100 gp3 4000}]" || !slices.Contains(launch.Tagged, "volume") {
			t.Errorf("volumes %s, tags on %v", got, launch.Tagged)
		}
		for _, logical := range []string{"AWSEBCloudwatchAlarmHigh", "AWSEBCloudwatchAlarmLow", "AWSEBAutoScalingScaleUpPolicy", "AWSEBAutoScalingScaleDownPolicy"} {
			if made[logical] == "" {
				t.Errorf("no %s among %v", logical, made)
			}
		}
	})
	t.Run("tags", func(t *testing.T) {
		c := client{t, c.server}
		check := func(what string, tags tags) {
			t.Helper()
			if tags.value("elasticbeanstalk:environment-name") != web || !strings.HasPrefix(tags.value("elasticbeanstalk:environment-id"), "e-") ||
				tags.value("Name") != web || tags.value("team") != "web" {
				t.Errorf("tags of the %s: %v", what, tags)
			}
		}
		check("Auto Scaling group", group.Tags)
		for what, arn := range map[string]string{"target group": made["AWSEBV2LoadBalancerTargetGroup"], "load balancer": made["AWSEBV2LoadBalancer"], "listener": made["AWSEBV2LoadBalancerListener"]} {
			var answer struct {
				Tags tags `xml:"DescribeTagsResult>TagDescriptions>member>Tags>member"`
			}
			c.must(&answer, "elasticloadbalancing", "DescribeTags", "ResourceArns.member.1", arn)
			check(what, answer.Tags)
		}
		for what, id := range map[string]string{"launch template": made["AWSEBEC2LaunchTemplate"], "security group": made["AWSEBSecurityGroup"]} {
			var answer struct {
				Tags []struct {
					Key   string `xml:"key"`
					Value string `xml:"value"`
				} `xml:"tagSet>item"`
			}
			c.must(&answer, "ec2", "DescribeTags", "Filter.1.Name", "resource-id", "Filter.1.Value.1", id)
			var found tags
			for _, tag := range answer.Tags {
				found = append(found, struct{ Key, Value string }(tag))
			}
			check(what, found)
		}
	})
	t.Run("worker", func(t *testing.T) {
		for name, want := range map[string][]string{s.output(t, "Worker"): {"WorkerQueue", "WorkerDeadLetterQueue"}, s.output(t, "WorkerOfAQueue"): {"WorkerQueue"}} {
			answer, err := eb.DescribeEnvironmentResources(ctx, &elasticbeanstalk.DescribeEnvironmentResourcesInput{EnvironmentName: &name})
			if err != nil {
				t.Fatal(err)
			}
			var queues []string
			for _, q := range answer.EnvironmentResources.Queues {
				queues = append(queues, *q.Name)
				if len(want) == 1 && *q.URL != s.output(t, "Jobs") {
					t.Errorf("queue %s, want the given one", *q.URL)
				}
			}
			if !slices.Equal(queues, want) || len(answer.EnvironmentResources.LoadBalancers) != 0 {
				t.Errorf("queues %v, load balancers %v; want %v and none", queues, answer.EnvironmentResources.LoadBalancers, want)
			}
		}
	})
	t.Run("single instance", func(t *testing.T) {
		c := client{t, c.server}
		name := s.output(t, "Single")
		answer, err := eb.DescribeEnvironmentResources(ctx, &elasticbeanstalk.DescribeEnvironmentResourcesInput{EnvironmentName: &name})
		if err != nil {
			t.Fatal(err)
		}
		address := s.output(t, "SingleEndpoint")
		if len(answer.EnvironmentResources.LoadBalancers) != 0 || len(answer.EnvironmentResources.Instances) != 1 || !slices.Contains(c.resources()["AWS::EC2::EIP"], address) {
			t.Errorf("endpoint %s, resources %+v", address, answer.EnvironmentResources)
		}
	})

	// A version whose configuration files change what Beanstalk makes.
	s = deploy("UPDATE", "Bundle", "second.zip")
	wantStatus(t, s, "UPDATE_COMPLETE")
	second := s.output(t, "Version")
	state := func() string {
		t.Helper()
		made, settings := c.own(web), c.settings(application, web)
		group := c.autoScalingGroup(made["AWSEBAutoScalingGroup"])
		process := c.targetGroup(made["AWSEBV2LoadBalancerTargetGroup"])
		described, err := eb.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{web}})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(*described.Environments[0].VersionLabel, group.HealthCheckType, group.HealthCheckGracePeriod,
			c.listener(made["AWSEBV2LoadBalancerListener"]), process, settings["aws:elasticbeanstalk:application:environment FROM_BUNDLE"])
	}
	group = c.autoScalingGroup(made["AWSEBAutoScalingGroup"])
	if group.HealthCheckType != "ELB" || group.HealthCheckGracePeriod != "400" || len(group.TargetGroups) != 2 {
		t.Errorf("Auto Scaling group with the override: %+v", group)
	}
	if l := c.listener(made["AWSEBV2LoadBalancerListener"]); !slices.Equal(l.Actions, []string{"redirect"}) || !slices.Equal(l.Codes, []string{"HTTP_301"}) {
		t.Errorf("listener with the override: %+v", l)
	}
	// What the API says comes before what the bundle says.
	if p := c.targetGroup(made["AWSEBV2LoadBalancerTargetGroup"]); p.Codes != "200-301" || p.UnhealthyCount != "4" {
		t.Errorf("target group %+v, want the codes of the stack and the count of the bundle", p)
	}
	if settings := c.settings(application, web); settings["aws:elasticbeanstalk:application:environment FROM_BUNDLE"] != "yes" {
		t.Errorf("settings %v", settings)
	}

	// An update that fails leaves the environment as it was: after Beanstalk has done it all, and when Beanstalk cannot do it.
	before := state()
	for what, pairs := range map[string][]string{
		"Last: the local AWS does not know the property Colour of AWS::SNS::Topic": {"Bundle", "first.zip", "Codes", "200", "Broken", "yes"},
		"AWSEBAutoScalingGroup: the local AWS does not know the property Colour":   {"Bundle", "third.zip"},
	} {
		s = deploy("UPDATE", pairs...)
		wantStatus(t, s, "UPDATE_ROLLBACK_COMPLETE")
		if reasons := strings.Join(append(c.reasons("complete", "CREATE_FAILED"), c.reasons("complete", "UPDATE_FAILED")...), "; "); !strings.Contains(reasons, what) {
			t.Errorf("%v: reasons %q, want %q", pairs, reasons, what)
		}
		if after := state(); after != before {
			t.Errorf("%v: after the rollback\n%s\nwant\n%s", pairs, after, before)
		}
	}

	// Back to the older version, by its label: it was retained.
	s = deploy("UPDATE", "Bundle", "second.zip", "Label", first)
	wantStatus(t, s, "UPDATE_COMPLETE")
	group = c.autoScalingGroup(made["AWSEBAutoScalingGroup"])
	if l := c.listener(made["AWSEBV2LoadBalancerListener"]); group.HealthCheckType != "EC2" || !slices.Equal(l.Actions, []string{"forward"}) || !strings.HasPrefix(state(), first) {
		t.Errorf("with the first version: %+v, %+v, %s", group, l, state())
	}
	// And by the older source, which becomes a new version.
	s = deploy("UPDATE", "Bundle", "first.zip")
	wantStatus(t, s, "UPDATE_COMPLETE")
	third := s.output(t, "Version")
	versions, err := eb.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: &application})
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, v := range versions.ApplicationVersions {
		labels = append(labels, *v.VersionLabel)
	}
	for _, label := range []string{first, second, third} {
		if !slices.Contains(labels, label) {
			t.Errorf("versions %v, want %s among them", labels, label)
		}
	}
	if !strings.HasPrefix(state(), third) {
		t.Errorf("%s, want version %s", state(), third)
	}
	c.delete("complete")
}
