package localaws

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// sdk is the configuration of the official Go SDK for the server.
func (c client) sdk() aws.Config {
	c.t.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(Region), config.WithBaseEndpoint(c.server.URL()),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("testing", "testing", "")))
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

// bundle puts a source bundle without files into a bucket of that name; the bucket goes with the test.
func (c client) bundle(bucket string) {
	c.t.Helper()
	c.bundles(bucket, map[string]map[string]string{"bundle.zip": nil})
}

// bundles puts source bundles (key → name of a file → what it holds) into a bucket of that name; the bucket goes with the test.
func (c client) bundles(bucket string, bundles map[string]map[string]string) {
	c.t.Helper()
	ctx, store := context.Background(), s3.NewFromConfig(c.sdk())
	if _, err := store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if _, err := store.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
			c.t.Error(err)
		}
	})
	for key, files := range bundles {
		var data bytes.Buffer
		archive := zip.NewWriter(&data)
		for name, text := range files {
			if w, err := archive.Create(name); err != nil {
				c.t.Fatal(err)
			} else if _, err := io.WriteString(w, text); err != nil {
				c.t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			c.t.Fatal(err)
		}
		c.object(bucket, key, data.Bytes())
	}
}

// object puts an object into a bucket; it goes with the test.
func (c client) object(bucket, key string, data []byte) {
	c.t.Helper()
	ctx, store := context.Background(), s3.NewFromConfig(c.sdk())
	if _, err := store.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)}); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if _, err := store.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
			c.t.Error(err)
		}
	})
}

func (c client) settings(application, environment string) map[string]string {
	c.t.Helper()
	answer, err := elasticbeanstalk.NewFromConfig(c.sdk()).DescribeConfigurationSettings(context.Background(),
		&elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: &application, EnvironmentName: &environment})
	if err != nil {
		c.t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range answer.ConfigurationSettings[0].OptionSettings {
		settings[*s.Namespace+" "+*s.OptionName] = *s.Value
	}
	return settings
}

type targetGroup struct {
	ARN            string `xml:"TargetGroupArn"`
	Port, Protocol string
	Path           string `xml:"HealthCheckPath"`
	Codes          string `xml:"Matcher>HttpCode"`
	Interval       string `xml:"HealthCheckIntervalSeconds"`
	Timeout        string `xml:"HealthCheckTimeoutSeconds"`
	HealthyCount   string `xml:"HealthyThresholdCount"`
	UnhealthyCount string `xml:"UnhealthyThresholdCount"`
}

func (c client) targetGroup(arn string) targetGroup {
	c.t.Helper()
	var answer struct {
		Groups []targetGroup `xml:"DescribeTargetGroupsResult>TargetGroups>member"`
	}
	c.must(&answer, "elasticloadbalancing", "DescribeTargetGroups", "TargetGroupArns.member.1", arn)
	return answer.Groups[0]
}

type rule struct {
	RuleArn, Priority string
	Hosts             []string `xml:"Conditions>member>Values>member"`
	ConfigHosts       []string `xml:"Conditions>member>HostHeaderConfig>Values>member"`
	Targets           []string `xml:"Actions>member>TargetGroupArn"`
}

func (c client) rules(listener string) []rule {
	c.t.Helper()
	var answer struct {
		Rules []rule `xml:"DescribeRulesResult>Rules>member"`
	}
	c.must(&answer, "elasticloadbalancing", "DescribeRules", "ListenerArn", listener)
	return answer.Rules
}

// The shape of our own stacks: an environment behind a load balancer that another stack owns, its target group resolved by
// custom resources, the stack's rule forwarding to it.
func TestSharedLoadBalancer(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	c.bundle("shared-bundles")
	ctx, eb := context.Background(), elasticbeanstalk.NewFromConfig(c.sdk())

	network := c.deploy("shared-net", "CREATE", file(t, "network.yaml"))
	wantStatus(t, network, "CREATE_COMPLETE")
	template := file(t, "web.yaml")
	base := []string{"Network", "shared-net", "Bucket", "shared-bundles", "Host", "bean.example.org"}
	web := c.deploy("shared-web", "CREATE", template, base...)
	wantStatus(t, web, "CREATE_COMPLETE")

	name := web.output(t, "Environment")
	described, err := eb.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{name}})
	if err != nil || len(described.Environments) != 1 {
		t.Fatalf("%v, %v", described, err)
	}
	environment := described.Environments[0]
	if id := *environment.EnvironmentId; environment.Status != types.EnvironmentStatusReady || id != web.output(t, "Id") || !strings.HasPrefix(id, "e-") || len(id) != 12 {
		t.Errorf("environment %s is %s", id, environment.Status)
	}
	// Nothing runs, so nothing is healthy.
	if environment.Health != types.EnvironmentHealthGrey {
		t.Errorf("health %s, want Grey", environment.Health)
	}
	if *environment.EndpointURL != network.output(t, "DNSName") {
		t.Errorf("EndpointURL %s, want the load balancer's %s", *environment.EndpointURL, network.output(t, "DNSName"))
	}
	if !strings.HasPrefix(*environment.PlatformArn, "arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/") {
		t.Errorf("platform %s", *environment.PlatformArn)
	}
	for _, filter := range []elasticbeanstalk.DescribeEnvironmentsInput{
		{EnvironmentNames: []string{"none"}}, {ApplicationName: aws.String("none")}, {EnvironmentIds: []string{"e-none"}}, {VersionLabel: aws.String("none")},
	} {
		if found, err := eb.DescribeEnvironments(ctx, &filter); err != nil || len(found.Environments) != 0 {
			t.Errorf("filter %+v found %d environments, %v", filter, len(found.Environments), err)
		}
	}
	application := *environment.ApplicationName
	versions, err := eb.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: &application})
	if err != nil || len(versions.ApplicationVersions) != 1 || *versions.ApplicationVersions[0].SourceBundle.S3Key != "bundle.zip" ||
		*versions.ApplicationVersions[0].VersionLabel != *environment.VersionLabel {
		t.Errorf("versions %+v, %v", versions, err)
	}

	// The target group is what the options of the process say.
	group := c.targetGroup(web.output(t, "TargetGroup"))
	if group.Path != "/healthz/" || group.Codes != "200-301" || group.Port != "80" || group.Protocol != "HTTP" || group.Interval != "15" ||
		group.Timeout != "5" || group.HealthyCount != "3" || group.UnhealthyCount != "5" {
		t.Errorf("target group %+v", group)
	}
	// Two rules forward to it: Beanstalk's for the CNAME, before the stack's, and the stack's.
	rules := c.rules(network.output(t, "Listener"))
	if len(rules) != 3 || rules[0].Priority != "1" || !slices.Equal(rules[0].Hosts, []string{strings.ToLower(*environment.CNAME)}) ||
		rules[1].Priority != "100" || !slices.Equal(rules[1].ConfigHosts, []string{*environment.EndpointURL}) ||
		!slices.Equal(rules[0].Targets, []string{group.ARN}) || !slices.Equal(rules[1].Targets, []string{group.ARN}) {
		t.Errorf("rules %+v", rules)
	}
	var health struct {
		States []string `xml:"DescribeTargetHealthResult>TargetHealthDescriptions>member>TargetHealth>State"`
	}
	c.must(&health, "elasticloadbalancing", "DescribeTargetHealth", "TargetGroupArn", group.ARN)
	if !slices.Equal(health.States, []string{"initial", "initial"}) {
		t.Errorf("target health %v, want initial twice: nothing runs", health.States)
	}
	made, err := eb.DescribeEnvironmentResources(ctx, &elasticbeanstalk.DescribeEnvironmentResourcesInput{EnvironmentName: &name})
	if err != nil || len(made.EnvironmentResources.AutoScalingGroups) != 1 || len(made.EnvironmentResources.Instances) != 2 ||
		*made.EnvironmentResources.LoadBalancers[0].Name != network.output(t, "Balancer") {
		t.Errorf("resources %+v, %v", made, err)
	}

	// An option that changes, changes; one that disappears keeps its value.
	proposed, err := c.propose("shared-web", "UPDATE", template, "Network", "shared-net", "Bucket", "shared-bundles", "Codes", "200-399", "MinSize", "1")
	if err != nil || len(proposed.Changes) != 1 || proposed.Changes[0].LogicalResourceId != "Environment" || proposed.Changes[0].Replacement != "False" {
		t.Fatalf("change set %+v, %v", proposed, err)
	}
	web = c.deploy("shared-web", "UPDATE", template, "Network", "shared-net", "Bucket", "shared-bundles", "Codes", "200-399", "MinSize", "1")
	wantStatus(t, web, "UPDATE_COMPLETE")
	settings := c.settings(application, name)
	if settings["aws:elasticbeanstalk:environment:process:default MatcherHTTPCode"] != "200-399" ||
		settings["aws:elasticbeanstalk:application:environment ALLOWED_HOSTS"] != "bean.example.org" ||
		settings["aws:elasticbeanstalk:application:environment DJANGO_SETTINGS_MODULE"] != "mysite.settings" {
		t.Errorf("settings %v", settings)
	}
	if after := c.targetGroup(group.ARN); after.Codes != "200-399" || web.output(t, "TargetGroup") != group.ARN {
		t.Errorf("target group %+v, want the same with 200-399", after)
	}

	// What Beanstalk refuses, the deployment learns, and everything stays as it was.
	for what, pairs := range map[string][]string{
		`MinSize: "lots" is no number`:              {"MinSize", "lots"},
		"The port or protocol of process 'default'": {"Port", "8080"},
		"HttpCode must be":                          {"Codes", "banana"},
		"OptionName: 'SharedLoadBalancer'): it can": {"SharedLoadBalancer", "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/x/1"},
	} {
		s := c.deploy("shared-web", "UPDATE", template, append(slices.Clone(base), pairs...)...)
		wantStatus(t, s, "UPDATE_ROLLBACK_COMPLETE")
		if reasons := strings.Join(c.reasons("shared-web", "UPDATE_FAILED"), "; "); !strings.Contains(reasons, what) {
			t.Errorf("%v: reasons %q, want %q", pairs, reasons, what)
		}
		if after := c.targetGroup(group.ARN); after.Codes != "200-399" || after.Port != "80" {
			t.Errorf("%v: target group %+v after the rollback", pairs, after)
		}
	}

	// A pinned solution stack is another environment, and everything that depends on it follows.
	proposed, err = c.propose("shared-web", "UPDATE", template, append(slices.Clone(base), "SolutionStackName", "64bit Amazon Linux 2023 v4.13.7 running Python 3.13")...)
	if err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{}
	for _, change := range proposed.Changes {
		replaced[change.LogicalResourceId] = change.Replacement
	}
	if replaced["Environment"] != "True" || replaced["EnvironmentId"] == "" || replaced["Rule"] == "" {
		t.Errorf("replacements %v", replaced)
	}

	c.delete("shared-web")
	if rules := c.rules(network.output(t, "Listener")); len(rules) != 1 {
		t.Errorf("rules %+v after the environment has gone, want the default alone", rules)
	}
	c.delete("shared-net")
}

// Beanstalk places the rules of a new environment after those that are there.
func TestRulesOfASecondEnvironment(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	c.bundle("second-bundles")
	network := c.deploy("second-net", "CREATE", file(t, "network.yaml"))
	template := file(t, "web.yaml")
	wantStatus(t, c.deploy("second-a", "CREATE", template, "Network", "second-net", "Bucket", "second-bundles"), "CREATE_COMPLETE")
	// This one has a second process: a target group that its instances serve, and that no rule of Beanstalk's forwards to.
	const process = "        - {Namespace: \"aws:elasticbeanstalk:environment:process:api\", OptionName: Port, Value: \"8001\"}\n"
	const settings = "      OptionSettings:\n"
	second := c.deploy("second-b", "CREATE", strings.Replace(template, settings, settings+process, 1), "Network", "second-net", "Bucket", "second-bundles", "Priority", "200")
	wantStatus(t, second, "CREATE_COMPLETE")
	made := c.own(second.output(t, "Environment"))
	group := c.autoScalingGroup(made["AWSEBAutoScalingGroup"])
	ports := map[string]string{}
	for logical, id := range made {
		if strings.HasPrefix(logical, "AWSEBV2LoadBalancerTargetGroup") && slices.Contains(group.TargetGroups, id) {
			ports[c.targetGroup(id).Port] = logical
		}
	}
	if len(ports) != 2 || ports["80"] != "AWSEBV2LoadBalancerTargetGroup" || ports["8001"] == "" {
		t.Errorf("the Auto Scaling group serves %v of %v", ports, made)
	}
	var priorities []string
	for _, r := range c.rules(network.output(t, "Listener")) {
		priorities = append(priorities, r.Priority)
	}
	if want := []string{"1", "100", "101", "200", "default"}; !slices.Equal(priorities, want) {
		t.Errorf("priorities %v, want %v", priorities, want)
	}
	// A priority that is taken is refused.
	s := c.deploy("second-b", "UPDATE", template, "Network", "second-net", "Bucket", "second-bundles", "Priority", "100")
	wantStatus(t, s, "UPDATE_ROLLBACK_COMPLETE")
	for _, name := range []string{"second-b", "second-a", "second-net"} {
		c.delete(name)
	}
}

func TestEnvironmentsThatCannotBe(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	c.bundle("cannot-bundles")
	wantStatus(t, c.deploy("cannot-net", "CREATE", file(t, "network.yaml")), "CREATE_COMPLETE")
	template := file(t, "web.yaml")
	for i, tc := range []struct {
		reason string
		pairs  []string
		edit   func(string) string
	}{
		{"OptionName: 'SharedLoadBalancer'): The specified load balancer does not exist", []string{"SharedLoadBalancer", "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/none/1"}, nil},
		{"Unable to download from S3", []string{"Bucket", "cannot-none"}, nil},
		{`MinSize: "lots" is no number`, []string{"MinSize", "lots"}, nil},
		{"Instance profile none not found", nil, func(s string) string { return strings.Replace(s, "Value: !Ref Profile", "Value: none", 1) }},
		{"OptionName: 'SECRET_KEY'", nil, func(s string) string {
			return strings.Replace(s, "Value: !Ref Secret}", `Value: "arn:aws:secretsmanager:us-east-1:123456789012:secret:none"}`, 1)
		}},
		{"LoadBalancerType is classic", nil, func(s string) string {
			return strings.Replace(s, "OptionName: LoadBalancerType, Value: application", "OptionName: LoadBalancerType, Value: classic", 1)
		}},
		{"is in another region", nil, func(s string) string {
			return strings.Replace(s, "elasticbeanstalk:${AWS::Region}::", "elasticbeanstalk:eu-west-1::", 1)
		}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			c := client{t, c.server}
			name := "cannot-" + string(rune('a'+i))
			edited := template
			if tc.edit != nil {
				if edited = tc.edit(template); edited == template {
					t.Fatal("the edit changes nothing")
				}
			}
			s := c.deploy(name, "CREATE", edited, append([]string{"Network", "cannot-net", "Bucket", "cannot-bundles"}, tc.pairs...)...)
			wantStatus(t, s, "ROLLBACK_COMPLETE")
			if reasons := strings.Join(c.reasons(name, "CREATE_FAILED"), "; "); !strings.Contains(reasons, tc.reason) {
				t.Errorf("reasons %q, want %q", reasons, tc.reason)
			}
			c.delete(name)
		})
	}
	c.delete("cannot-net")
}

// Beanstalk's own load balancer, with two listeners, a rule and a second process; and the calls of the API itself.
func TestDedicatedLoadBalancer(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	ctx, eb := context.Background(), elasticbeanstalk.NewFromConfig(c.sdk())
	application := aws.String("dedicated")
	if _, err := eb.CreateApplication(ctx, &elasticbeanstalk.CreateApplicationInput{ApplicationName: application}); err != nil {
		t.Fatal(err)
	}
	settings := []types.ConfigurationOptionSetting{
		set("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
		set("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/healthz/"),
		set("aws:elasticbeanstalk:environment:process:default", "MatcherHTTPCode", "200-301"),
		set("aws:elasticbeanstalk:environment:process:api", "Port", "8001"),
		set("aws:elasticbeanstalk:environment:process:api", "StickinessEnabled", "true"),
		set("aws:elbv2:listener:8080", "Rules", "api"),
		set("aws:elbv2:listenerrule:api", "PathPatterns", "/api/*"),
		set("aws:elbv2:listenerrule:api", "Process", "api"),
	}
	created, err := eb.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: application, EnvironmentName: aws.String("dedicated"),
		SolutionStackName: aws.String("64bit Amazon Linux 2023 v4.13.7 running Python 3.13"), OptionSettings: settings})
	if err != nil {
		t.Fatal(err)
	}
	var resources struct {
		Resources []struct{ LogicalResourceId, PhysicalResourceId, ResourceStatus string } `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	c.must(&resources, "cloudformation", "DescribeStackResources", "StackName", "awseb-"+*created.EnvironmentId+"-stack")
	made := map[string]string{}
	for _, r := range resources.Resources {
		made[r.LogicalResourceId] = r.PhysicalResourceId
	}
	for _, logical := range []string{"AWSEBV2LoadBalancer", "AWSEBV2LoadBalancerListener", "AWSEBV2LoadBalancerListener8080", "AWSEBV2LoadBalancerTargetGroup",
		"AWSEBLoadBalancerSecurityGroup", "AWSEBSecurityGroup", "AWSEBAutoScalingGroup", "AWSEBEC2LaunchTemplate"} {
		if made[logical] == "" {
			t.Errorf("no %s among %v", logical, made)
		}
	}
	if group := c.targetGroup(made["AWSEBV2LoadBalancerTargetGroup"]); group.Path != "/healthz/" || group.Codes != "200-301" {
		t.Errorf("target group %+v", group)
	}
	if rules := c.rules(made["AWSEBV2LoadBalancerListener8080"]); len(rules) != 2 || c.targetGroup(rules[0].Targets[0]).Port != "8001" {
		t.Errorf("rules %+v, want /api/* to the process on 8001", rules)
	}
	saved, err := eb.CreateConfigurationTemplate(ctx, &elasticbeanstalk.CreateConfigurationTemplateInput{
		ApplicationName: application, TemplateName: aws.String("saved"), EnvironmentId: created.EnvironmentId})
	if err != nil || len(saved.OptionSettings) != len(settings) {
		t.Errorf("saved configuration %+v, %v", saved, err)
	}
	if _, err = eb.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String("dedicated"),
		OptionSettings:  []types.ConfigurationOptionSetting{set("aws:elasticbeanstalk:environment:process:default", "HealthCheckTimeout", "7")},
		OptionsToRemove: []types.OptionSpecification{{Namespace: settings[1].Namespace, OptionName: settings[1].OptionName}}}); err != nil {
		t.Fatal(err)
	}
	if group := c.targetGroup(made["AWSEBV2LoadBalancerTargetGroup"]); group.Path != "/" || group.Timeout != "7" || group.Codes != "200-301" {
		t.Errorf("target group after the update %+v", group)
	}
	_, err = eb.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String("dedicated"),
		OptionSettings: []types.ConfigurationOptionSetting{set("aws:elasticbeanstalk:environment", "LoadBalancerIsShared", "true")}})
	wantError(t, err, "LoadBalancerIsShared", "cannot be changed")
	_, err = eb.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: application, EnvironmentName: aws.String("dedicated"),
		SolutionStackName: aws.String("64bit Amazon Linux 2023 v4.13.7 running Python 3.13")})
	wantError(t, err, "already exists")
	_, err = eb.DeleteApplication(ctx, &elasticbeanstalk.DeleteApplicationInput{ApplicationName: application})
	wantError(t, err, "it has environments: dedicated")
	if _, err := eb.TerminateEnvironment(ctx, &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentName: aws.String("dedicated")}); err != nil {
		t.Fatal(err)
	}
	if _, err := eb.DeleteApplication(ctx, &elasticbeanstalk.DeleteApplicationInput{ApplicationName: application}); err != nil {
		t.Fatal(err)
	}
}
