package option

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// parse reads settings in a form that is quick to read: "namespace option = value", one a line. A value "?" is unresolved,
// and a resource name stands before the namespace, as in .ebextensions ("Night.aws:autoscaling:scheduledaction").
func parse(t testing.TB, text string) []Setting {
	t.Helper()
	var settings []Setting
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		left, value, ok := strings.Cut(line, "=")
		namespace, option, named := strings.Cut(strings.TrimSuffix(left, " "), " ")
		if !ok || !named {
			t.Fatalf("%q is no setting", line)
		}
		s := Setting{Namespace: namespace, OptionName: option, Value: strings.TrimPrefix(value, " ")}
		if resource, rest, ok := strings.Cut(namespace, ".aws:"); ok {
			s.ResourceName, s.Namespace = resource, "aws:"+rest
		}
		if s.Value == "?" {
			s.Value, s.Unresolved = "", true
		}
		settings = append(settings, s)
	}
	return settings
}

// shown renders findings as "level rule option", which is what the tables below expect.
func shown(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %s %s", f.Level, f.Rule, f.OptionName))
	}
	return out
}

const (
	probe = "badmintoncryer/cdk-preflight rules/elasticbeanstalk/pf-elasticbeanstalk-" // probed against AWS, 2026-09
	guide = "developer guide: "
)

// cases are settings and exactly what is found in them. Sources that begin with "ours" are our own reasoning; every other
// one is public: a report of a failure, AWS's answer to a probe, or AWS's documentation.
var cases = []struct {
	source   string
	settings string
	in       Context
	want     []string
	message  string // part of the first finding's message
}{
	// Names.
	{
		source:   "pulumi/pulumi-aws#3461",
		settings: "aws:elb:loadbalancer LoadBalancerType = application",
		want:     []string{"error other-namespace LoadBalancerType"},
		message:  "LoadBalancerType belongs to aws:elasticbeanstalk:environment",
	},
	{
		source:   "hashicorp/terraform#24096",
		settings: "aws:ec2:vpc VPCId = vpc-0f425993bd39c478a\naws:ec2:vpc Subnets1 = subnet-0ac865f562d0ae00c",
		want:     []string{"error unknown-option Subnets1"},
		message:  "did you mean Subnets?",
	},
	{
		source:   "hashicorp/terraform-provider-aws#7475: a name with a space in front",
		settings: "aws:autoscaling:trigger UpperThreshold = 10\naws:autoscaling:trigger  LowerThreshold = 1",
		want:     []string{"error unknown-option  LowerThreshold"},
		message:  "did you mean LowerThreshold?",
	},
	{
		source:   "hashicorp/terraform-provider-aws#9296",
		settings: "aws:autoscaling:autoscalinggroup HealthCheckType = ELB",
		want:     []string{"error unknown-namespace HealthCheckType"},
		message:  "set it for AWSEBAutoScalingGroup under Resources",
	},
	{
		source:   "awsdocs/aws-elastic-beanstalk-developer-guide#97",
		settings: "aws:autoscaling:asg HealthCheckGracePeriod = 300",
		want:     []string{"error unknown-option HealthCheckGracePeriod"},
		message:  "AWSEBAutoScalingGroup",
	},
	{
		source:   "aws/aws-elastic-beanstalk-cli#532",
		settings: "aws:elasticbeanstalk:environment Domain = example.com",
		want:     []string{"error unknown-option Domain"},
		message:  "CNAMEPrefix",
	},
	{
		source:   "hakobera/ebfly#18",
		settings: "aws:elasticbeanstalk:environment RDS_DB_NAME = rds_db_name",
		want:     []string{"error other-namespace RDS_DB_NAME"},
		message:  "environment properties belong to aws:elasticbeanstalk:application:environment",
	},
	{
		source:   "meteor-up/mup-aws-beanstalk#183",
		settings: "aws:ec2:NetworkInterface SourceDestCheck = false\naws:ec2:instance SourceDestCheck = false",
		want:     []string{"error unknown-namespace SourceDestCheck", "error unknown-namespace SourceDestCheck"},
	},
	{
		source:   "bridgecrewio/checkov#6042: HealthStreamingEnabled in the namespace of SystemType",
		settings: "aws:elasticbeanstalk:healthreporting:system HealthStreamingEnabled = true",
		want:     []string{"error other-namespace HealthStreamingEnabled"},
		message:  "belongs to aws:elasticbeanstalk:cloudwatch:logs:health",
	},
	{
		source:   probe + "opt-namespace-known",
		settings: "foo:bar X = 1",
		want:     []string{"error unknown-namespace X"},
	},
	{
		source:   probe + "opt-namespace-known, pass",
		settings: "aws:autoscaling:launchconfiguration InstanceType = t3.micro\naws:elasticbeanstalk:application:environment STAGE = prod\naws:elasticbeanstalk:customoption Mine = 1",
	},
	{
		source:   "azamcloud's canary template (public README): PauseTime among the deployment options",
		settings: "aws:elasticbeanstalk:command BatchSize = 50\naws:elasticbeanstalk:command PauseTime = PT5M",
		want:     []string{"error other-namespace PauseTime"},
		message:  "belongs to aws:autoscaling:updatepolicy:rollingupdate",
	},
	{
		source:   "aws/aws-elastic-beanstalk-cli#97 and hashicorp/terraform-provider-aws#280: names in other case were taken",
		settings: "aws:elbv2:listener:443 rules = default",
		in:       Context{LoadBalancerType: Application},
		want:     []string{"warning name-case rules"},
		message:  "did you mean Rules?",
	},
	{
		source:   "ours: a misspelt process",
		settings: "aws:elasticbeanstalk:environment:proces:default HealthCheckPath = /",
		want:     []string{"error unknown-namespace HealthCheckPath"},
		message:  "did you mean aws:elasticbeanstalk:environment:process:default?",
	},
	{
		source:   "ours: the namespace is cut short, and only one has the option",
		settings: "aws:elasticbeanstalk:healthreporting SystemType = enhanced",
		want:     []string{"error unknown-namespace SystemType"},
		message:  "did you mean aws:elasticbeanstalk:healthreporting:system?",
	},
	{
		source:   "ours: nothing is like it, so nothing is suggested",
		settings: "aws:autoscaling:asg WarmPool = 1",
		want:     []string{"error unknown-option WarmPool"},
		message:  "the namespace has no such option",
	},
	{
		source:   "ours: a namespace in other case",
		settings: "aws:AutoScaling:asg MinSize = 1",
		want:     []string{"warning name-case MinSize"},
	},
	{
		source:   "ours: names are missing",
		settings: "aws:autoscaling:asg  = 1",
		want:     []string{"error unknown-option "},
	},
	{
		source:   guide + "command-options-general-eks, namespaces of Beanstalk Cluster",
		settings: "aws:elasticbeanstalk:eks cluster-role = arn:aws:iam::123456789012:role/c\naws:elasticbeanstalk:eks:environment arch = arm64",
		in:       Context{Partial: true},
	},
	{
		source:   "ours: a new namespace of Beanstalk Cluster is no error",
		settings: "aws:elasticbeanstalk:cluster:thing Name = x",
		want:     []string{"warning unknown-namespace Name"},
	},
	{
		source:   "ours: a custom platform brings its own namespaces",
		settings: "aws:elasticbeanstalk:container:mine Speed = fast",
		in:       Context{Platform: "arn:aws:elasticbeanstalk:us-east-1:123456789012:platform/Mine/1.0.0"},
		want:     []string{"warning unknown-namespace Speed"},
	},

	// Types, ranges, choices, patterns, lengths, lists.
	{
		source:   "ours: MinSize=lots (facts of peers: CDK synthesises it)",
		settings: "aws:autoscaling:asg MinSize = lots",
		want:     []string{"error value-type MinSize"},
		message:  `aws:autoscaling:asg MinSize: "lots" is no number; allowed: 0 to 10000`,
	},
	{
		source:   probe + "opt-asg-range",
		settings: "aws:autoscaling:asg Cooldown = 10001\naws:autoscaling:asg MaxSize = 10001\naws:autoscaling:asg MinSize = -1",
		want:     []string{"error value-range Cooldown", "error value-range MaxSize", "error value-range MinSize"},
	},
	{
		source:   probe + "opt-asg-range: MinSize 0 is taken, whatever the guide says",
		settings: "aws:autoscaling:asg MinSize = 0\naws:autoscaling:asg Cooldown = 10000",
	},
	{
		source:   "ThoughtWorksStudios/eb_deployer#44",
		settings: "aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize = 0",
		want:     []string{"error value-range MaxBatchSize"},
	},
	{
		source: probe + "opt-deploy-range",
		settings: "aws:elasticbeanstalk:command Timeout = 3601\naws:autoscaling:updatepolicy:rollingupdate MinInstancesInService = 10000\n" +
			"aws:elasticbeanstalk:control LaunchTimeout = -1",
		want: []string{"error value-range Timeout", "error value-range MinInstancesInService", "error value-range LaunchTimeout"},
	},
	{
		source:   probe + "opt-deploy-range, pass",
		settings: "aws:elasticbeanstalk:command Timeout = 3600\naws:autoscaling:updatepolicy:rollingupdate MaxBatchSize = 1",
	},
	{
		source: probe + "opt-elb-range",
		settings: "aws:elb:healthcheck HealthyThreshold = 11\naws:elb:healthcheck Interval = 301\naws:elb:healthcheck Timeout = 1\n" +
			"aws:elb:listener InstancePort = 0\naws:elb:policies ConnectionSettingIdleTimeout = 3601\naws:elb:policies Stickiness Cookie Expiration = -1",
		want: []string{"error value-range HealthyThreshold", "error value-range Interval", "error value-range Timeout",
			"error value-range InstancePort", "error value-range ConnectionSettingIdleTimeout", "error value-range Stickiness Cookie Expiration"},
	},
	{
		source: probe + "opt-process-range",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\n" +
			"aws:elasticbeanstalk:environment:process:default Port = 0\naws:elasticbeanstalk:environment:process:web Port = 65536\n" +
			"aws:elasticbeanstalk:environment:process:web HealthCheckTimeout = 61\naws:elasticbeanstalk:environment:process:web HealthCheckInterval = 300",
		want: []string{"error value-range Port", "error value-range Port", "error value-range HealthCheckTimeout"},
	},
	{
		source: probe + "opt-boolean-value: Not a Boolean: yes",
		settings: "aws:autoscaling:asg EnableCapacityRebalancing = yes\naws:elasticbeanstalk:xray XRayEnabled = yes\n" +
			"aws:ec2:instances EnableSpot = yes",
		in:   Context{Partial: true},
		want: []string{"error value-type EnableCapacityRebalancing", "warning no-effect EnableCapacityRebalancing", "error value-type XRayEnabled", "warning value-type EnableSpot"},
	},
	{
		source:   probe + "opt-boolean-value, pass: True",
		settings: "aws:elasticbeanstalk:cloudwatch:logs StreamLogs = True\naws:elb:loadbalancer CrossZone = True",
	},
	{
		source:   probe + "opt-enum-value, pass: the case of letters",
		settings: "aws:autoscaling:trigger MeasureName = cpuuTILIZATION\naws:autoscaling:trigger Unit = sECONDS\naws:autoscaling:trigger Statistic = mINIMUM",
	},
	{
		source:   probe + "opt-enum-value",
		settings: "aws:elb:listener InstanceProtocol = http\naws:autoscaling:launchconfiguration RootVolumeType = GP3\naws:elasticbeanstalk:command DeploymentPolicy = BlueGreen",
		want:     []string{"error value-choice InstanceProtocol", "error value-choice RootVolumeType", "error value-choice DeploymentPolicy"},
		message:  "did you mean HTTP?",
	},
	{
		source:   probe + "opt-logs-retention",
		settings: "aws:elasticbeanstalk:cloudwatch:logs StreamLogs = true\naws:elasticbeanstalk:cloudwatch:logs RetentionInDays = 10",
		want:     []string{"error value-choice RetentionInDays"},
	},
	{
		source: probe + "opt-regex-catalog",
		settings: "aws:autoscaling:launchconfiguration ImageId = i-1234\naws:autoscaling:launchconfiguration SSHSourceRestriction = tcp,22\n" +
			"aws:elasticbeanstalk:application Application Healthcheck URL = health\naws:elasticbeanstalk:application:environment JDBC_CONNECTION_STRING = a b\n" +
			"aws:elasticbeanstalk:managedactions PreferredStartTime = Tue:9:00",
		in: Context{Partial: true},
		want: []string{"error value-pattern ImageId", "error value-pattern SSHSourceRestriction", "error value-pattern Application Healthcheck URL",
			"error value-pattern JDBC_CONNECTION_STRING", "error value-pattern PreferredStartTime"},
	},
	{
		source: "aws-samples/eb-php-wordpress .ebextensions/dev.config, with spaces; apache/grails-core: SUN:09:00",
		settings: "aws:autoscaling:launchconfiguration SSHSourceRestriction = tcp, 22, 22, 127.0.0.1/32\n" +
			"aws:elasticbeanstalk:managedactions PreferredStartTime = SUN:09:00",
		in: Context{Partial: true},
	},
	{
		source: guide + "command-options-general, Application Healthcheck URL",
		settings: "aws:elasticbeanstalk:application Application Healthcheck URL = HTTPS:443/health\n" +
			"aws:elb:healthcheck Target = TCP:80",
	},
	{
		source: "aws/aws-elastic-beanstalk-cli#77: Beanstalk's own expression, and an empty value refused",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment:process:default MatcherHTTPCode =\n" +
			"aws:elasticbeanstalk:environment:process:a MatcherHTTPCode = 200-299,301\naws:elasticbeanstalk:environment:process:b MatcherHTTPCode = 200, 301\n" +
			"aws:elasticbeanstalk:environment:process:c MatcherHTTPCode = 200-301\naws:elasticbeanstalk:environment:process:d MatcherHTTPCode = 200,301\n" +
			"aws:elasticbeanstalk:environment:process:e MatcherHTTPCode = 200-599",
		want: []string{"error value-pattern MatcherHTTPCode", "error value-pattern MatcherHTTPCode", "error value-pattern MatcherHTTPCode",
			"error value-pattern MatcherHTTPCode"},
	},
	{
		source:   probe + "opt-instances-type-count",
		settings: "aws:ec2:instances InstanceTypes = t3.micro,t3.micro",
		want:     []string{"error value-list InstanceTypes"},
		message:  "none twice",
	},
	{
		source:   probe + "opt-instances-type-count: 41 types",
		settings: "aws:ec2:instances InstanceTypes = " + manyTypes(41),
		want:     []string{"error value-list InstanceTypes"},
		message:  "41 items",
	},
	{
		source:   probe + "opt-instances-spot",
		settings: "aws:ec2:instances EnableSpot = true\naws:ec2:instances SpotMaxPrice = 21\naws:ec2:instances SpotFleetOnDemandAboveBasePercentage = 101",
		want:     []string{"error value-range SpotMaxPrice", "error value-range SpotFleetOnDemandAboveBasePercentage"},
	},
	{
		source:   guide + "command-options-general, SpotMaxPrice null; environments-cfg-autoscaling-configuration-approaches",
		settings: "aws:ec2:instances EnableSpot = true\naws:ec2:instances SpotMaxPrice = null\naws:ec2:instances InstanceTypes = t2.micro, t3.micro, t3.small",
	},
	{
		source: probe + "opt-rolling-duration",
		settings: "aws:autoscaling:updatepolicy:rollingupdate Timeout = PT4M\naws:autoscaling:updatepolicy:rollingupdate PauseTime = PT1H1S\n" +
			"aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize = 1",
		want:    []string{"error value-range Timeout", "error value-range PauseTime"},
		message: "PT5M to PT1H",
	},
	{
		source:   probe + "opt-rolling-duration, pass",
		settings: "aws:autoscaling:updatepolicy:rollingupdate Timeout = PT5M\naws:autoscaling:updatepolicy:rollingupdate PauseTime = PT1H",
	},
	{
		source:   "ours: seconds where a duration belongs, and a form of ISO 8601 that AWS does not document",
		settings: "aws:autoscaling:updatepolicy:rollingupdate Timeout = 600\naws:autoscaling:updatepolicy:rollingupdate PauseTime = P0DT5M",
		want:     []string{"error value-type Timeout", "warning value-type PauseTime"},
	},
	{
		source: probe + "opt-secrets-arn-service",
		settings: "aws:elasticbeanstalk:application:environmentsecrets A = hunter2\naws:elasticbeanstalk:application:environmentsecrets B = arn:aws:s3:::bucket\n" +
			"aws:elasticbeanstalk:application:environmentsecrets C =\naws:elasticbeanstalk:application:environmentsecrets D = arn:aws:ssm:eu-west-1:123456789012:parameter/x",
		want:    []string{"error value-pattern A", "error value-pattern B", "error value-pattern C"},
		message: "a value of 7 characters is no ARN of secretsmanager or ssm",
	},
	{
		source:   guide + "AWSHowTo.secrets.env-vars, a key of a JSON secret",
		settings: "aws:elasticbeanstalk:application:environmentsecrets K = arn:aws:secretsmanager:us-east-1:111122223333:secret:mysecret-AbCd12:stringKey",
	},
	{
		source:   "ours: the id of something else, and what is no id",
		settings: "aws:ec2:vpc VPCId = subnet-0ac865f562d0ae00c\naws:ec2:vpc Subnets = subnet-0ac865f562d0ae00c,main",
		want:     []string{"error value-pattern VPCId", "warning value-pattern Subnets"},
	},
	{
		source:   "ours: a path longer than a load balancer takes, no JSON",
		settings: "aws:elasticbeanstalk:environment:process:default HealthCheckPath = /" + strings.Repeat("a", 1024) + "\naws:elasticbeanstalk:healthreporting:system ConfigDocument = {Rules}",
		in:       Context{Partial: true},
		want:     []string{"error value-length HealthCheckPath", "error value-type ConfigDocument"},
	},
	{
		source:   guide + "health-enhanced-rules",
		settings: `aws:elasticbeanstalk:healthreporting:system ConfigDocument = {"Rules":{"Environment":{"Application":{"ApplicationRequests4xx":{"Enabled":false}}}},"Version":1}`,
	},
	{
		source:   "ours: a number that is whole all the same, and an empty one",
		settings: "aws:autoscaling:asg MinSize = 2.0\naws:autoscaling:asg MaxSize =",
		want:     []string{"warning value-type MinSize", "warning value-empty MaxSize"},
		message:  "did you mean 2?",
	},
	{
		source:   "ours: SystemType=enhance",
		settings: "aws:elasticbeanstalk:healthreporting:system SystemType = enhance",
		want:     []string{"error value-choice SystemType"},
		message:  "did you mean enhanced?",
	},
	{
		source:   probe + "opt-ad-directory-id-format",
		settings: "aws:elasticbeanstalk:windows:activedirectory DirectoryId = d-12345\naws:elasticbeanstalk:windows:activedirectory DirectoryName = corp.example.com",
		want:     []string{"error value-pattern DirectoryId"},
	},

	// Duplicates and unresolved values.
	{
		source:   "ours: twice with different values, and the resource name makes no difference",
		settings: "aws:autoscaling:asg MinSize = 1\nAWSEBAutoScalingGroup.aws:autoscaling:asg MinSize = 2",
		want:     []string{"warning duplicate-setting MinSize"},
		message:  `"1" and to "2"`,
	},
	{
		source:   "ours: unresolved values are not judged, and count where presence does",
		settings: "aws:autoscaling:asg MinSize = ?\naws:autoscaling:asg MaxSize = ${Token[TOKEN.12]}\naws:ec2:vpc VPCId = ?\naws:ec2:vpc Subnets = ?\naws:elasticbeanstalk:environment LoadBalancerType = {{resolve:ssm:/lb}}",
	},

	// Sizes, schedules, triggers, updates.
	{
		source:   probe + "opt-asg-min-max: MinSize alone, against the default MaxSize 4",
		settings: "aws:autoscaling:asg MinSize = 6",
		want:     []string{"error min-above-max MinSize"},
		message:  "MinSize 6 is greater than MaxSize 4 (MaxSize is not set, so Beanstalk's default counts)",
	},
	{
		source:   probe + "opt-asg-min-max: MaxSize 0 alone",
		settings: "aws:autoscaling:asg MaxSize = 0",
		want:     []string{"error min-above-max MaxSize"},
	},
	{
		source:   "ours: a part of the settings says nothing about the rest",
		settings: "aws:autoscaling:asg MinSize = 6\naws:ec2:vpc VPCId = vpc-0f425993bd39c478a\naws:elasticbeanstalk:managedactions ManagedActionsEnabled = true",
		in:       Context{Partial: true},
	},
	{
		source:   "hashicorp/terraform#3157 (comment of 2016-05-04); " + probe + "opt-sched-resource-name",
		settings: "aws:autoscaling:scheduledaction DesiredCapacity = 2",
		want:     []string{"error scheduled-action DesiredCapacity"},
	},
	{
		source:   probe + "opt-sched-required",
		settings: "A.aws:autoscaling:scheduledaction Recurrence = 0 9 * * *\nB.aws:autoscaling:scheduledaction MinSize = 1\nB.aws:autoscaling:scheduledaction MaxSize = 4",
		want:     []string{"error scheduled-action Recurrence", "error scheduled-action Recurrence", "error scheduled-action MinSize"},
	},
	{
		source: probe + "opt-sched-min-max, opt-sched-recurrence",
		settings: "A.aws:autoscaling:scheduledaction MinSize = 3\nA.aws:autoscaling:scheduledaction MaxSize = 2\nA.aws:autoscaling:scheduledaction DesiredCapacity = 4\n" +
			"A.aws:autoscaling:scheduledaction Recurrence = 0 0 9 * * *",
		want: []string{"error min-above-max MinSize", "error min-above-max DesiredCapacity", "error value-pattern Recurrence"},
	},
	{
		source: guide + "environments-cfg-autoscaling-scheduledactions",
		settings: "Down.aws:autoscaling:scheduledaction MinSize = 0\nDown.aws:autoscaling:scheduledaction MaxSize = 1\nDown.aws:autoscaling:scheduledaction DesiredCapacity = 0\n" +
			"Down.aws:autoscaling:scheduledaction StartTime = 2015-05-14T07:00:00Z\nDown.aws:autoscaling:scheduledaction EndTime = 2016-01-12T07:00:00Z\n" +
			"Down.aws:autoscaling:scheduledaction Recurrence = 0 18 * * *",
	},
	{
		source: probe + "opt-trigger-range",
		settings: "aws:autoscaling:trigger Period = 601\naws:autoscaling:trigger EvaluationPeriods = 0\naws:autoscaling:trigger LowerThreshold = -1\n" +
			"aws:autoscaling:trigger UpperThreshold = 20",
		want: []string{"error value-range Period", "error value-range EvaluationPeriods", "error value-range LowerThreshold"},
	},
	{
		source:   probe + "opt-trigger-range: 600 periods of the default 5 minutes",
		settings: "aws:autoscaling:trigger EvaluationPeriods = 600",
		want:     []string{"error trigger-duration EvaluationPeriods"},
	},
	{
		source:   probe + "opt-trigger-range, not enforced: thresholds that cross",
		settings: "aws:autoscaling:trigger LowerThreshold = 80\naws:autoscaling:trigger UpperThreshold = 20",
		want:     []string{"warning trigger-thresholds UpperThreshold"},
	},
	{
		source:   "aws-samples/eb-node-express-sample#5: a trigger in a single-instance environment",
		settings: "aws:elasticbeanstalk:environment EnvironmentType = SingleInstance\naws:autoscaling:trigger LowerThreshold = 40",
		want:     []string{"error not-applicable LowerThreshold"},
	},
	{
		source:   probe + "opt-rolling-min-in-service",
		settings: "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled = true\naws:autoscaling:updatepolicy:rollingupdate MinInstancesInService = 4",
		want:     []string{"error rolling-update MinInstancesInService"},
	},
	{
		source:   probe + "opt-rolling-min-in-service, pass; only with RollingUpdateEnabled",
		settings: "aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService = 4",
	},
	{
		source:   probe + "not enforced: batches greater than MaxSize",
		settings: "aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize = 5\naws:elasticbeanstalk:command BatchSizeType = Fixed\naws:elasticbeanstalk:command BatchSize = 9",
		want:     []string{"warning rolling-update MaxBatchSize", "warning batch-size BatchSize"},
	},
	{
		source:   probe + "opt-elb-range: BatchSize above 100 percent",
		settings: "aws:elasticbeanstalk:command BatchSizeType = Percentage\naws:elasticbeanstalk:command BatchSize = 101",
		want:     []string{"error batch-size BatchSize"},
	},
	{
		source:   "awsdocs/elastic-beanstalk-samples updates-immutable.config",
		settings: "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType = Immutable\naws:elasticbeanstalk:command DeploymentPolicy = Immutable",
	},
	{
		source: guide + "environmentmgmt-updates-immutable: immutable deployments beside rolling configuration updates",
		settings: "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled = true\naws:autoscaling:updatepolicy:rollingupdate RollingUpdateType = Health\n" +
			"aws:elasticbeanstalk:command DeploymentPolicy = Immutable",
		want: []string{"warning immutable-updates RollingUpdateType"},
	},
	{
		source:   guide + "environments-updating, the table of update types: a single instance has no batches",
		settings: "aws:elasticbeanstalk:environment EnvironmentType = SingleInstance\naws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled = true\naws:elasticbeanstalk:command DeploymentPolicy = Rolling",
		want:     []string{"warning single-instance RollingUpdateEnabled", "warning single-instance DeploymentPolicy"},
	},
	{
		source:   probe + "opt-traffic-splitting-alb: the default load balancer is classic",
		settings: "aws:elasticbeanstalk:command DeploymentPolicy = TrafficSplitting",
		want:     []string{"error traffic-splitting DeploymentPolicy"},
		message:  "it is classic by default",
	},
	{
		source:   probe + "opt-traffic-splitting-alb, pass; on Windows basic health is refused",
		settings: "aws:elasticbeanstalk:command DeploymentPolicy = TrafficSplitting\naws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:trafficsplitting NewVersionPercent = 20",
	},
	{
		source:   probe + "opt-traffic-splitting-alb: enhanced health",
		settings: "aws:elasticbeanstalk:command DeploymentPolicy = TrafficSplitting\naws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:healthreporting:system SystemType = basic",
		want:     []string{"error traffic-splitting DeploymentPolicy"},
	},

	// Instances.
	{
		source:   probe + "opt-instances-spot: the base above MaxSize",
		settings: "aws:ec2:instances EnableSpot = true\naws:ec2:instances SpotFleetOnDemandBase = 5",
		want:     []string{"error spot-base SpotFleetOnDemandBase"},
	},
	{
		source:   probe + "opt-instances-spot: the base above MaxSize is refused without EnableSpot too",
		settings: "aws:ec2:instances SpotFleetOnDemandBase = 5",
		want:     []string{"warning no-effect SpotFleetOnDemandBase", "error spot-base SpotFleetOnDemandBase"},
	},
	{
		source:   guide + "command-options-general: InstanceTypes comes before InstanceType",
		settings: "aws:ec2:instances InstanceTypes = t3.small\naws:autoscaling:launchconfiguration InstanceType = t2.micro",
		want:     []string{"warning no-effect InstanceType"},
	},
	{
		source:   probe + "opt-rootvolume-size: 7 GB, and 1025 GB of standard",
		settings: "aws:autoscaling:launchconfiguration RootVolumeSize = 7",
		want:     []string{"error value-range RootVolumeSize"},
	},
	{
		source:   probe + "opt-rootvolume-size, standard",
		settings: "aws:autoscaling:launchconfiguration RootVolumeType = standard\naws:autoscaling:launchconfiguration RootVolumeSize = 1025",
		want:     []string{"error root-volume RootVolumeSize"},
	},
	{
		source:   probe + "opt-rootvolume-iops",
		settings: "aws:autoscaling:launchconfiguration RootVolumeType = gp3\naws:autoscaling:launchconfiguration RootVolumeIOPS = 2999\naws:autoscaling:launchconfiguration RootVolumeThroughput = 1001",
		want:     []string{"error root-volume RootVolumeIOPS", "error value-range RootVolumeThroughput"},
	},
	{
		source:   probe + "opt-rootvolume-throughput and -iops: taken on gp2, and ignored",
		settings: "aws:autoscaling:launchconfiguration RootVolumeType = gp2\naws:autoscaling:launchconfiguration RootVolumeIOPS = 3000\naws:autoscaling:launchconfiguration RootVolumeThroughput = 200",
		want:     []string{"warning root-volume RootVolumeIOPS", "warning root-volume RootVolumeThroughput"},
	},
	{
		source:   "apache/grails-core environment.yaml: a shared load balancer without security groups of its own",
		settings: "aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup = true\naws:autoscaling:launchconfiguration SecurityGroups = ?\naws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment LoadBalancerIsShared = true\naws:elbv2:loadbalancer SharedLoadBalancer = ?",
		want:     []string{"warning security-groups DisableDefaultEC2SecurityGroup"},
	},
	{
		source:   probe + "opt-default-sg-requires-sg",
		settings: "aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup = true\naws:elasticbeanstalk:environment LoadBalancerType = network",
		want:     []string{"error security-groups DisableDefaultEC2SecurityGroup"},
	},

	// Network.
	{
		source:   "meteor-up/mup-aws-beanstalk#27, aws/aws-elastic-beanstalk-cli#40: specify the subnets",
		settings: "aws:ec2:vpc VPCId = vpc-0f425993bd39c478a\naws:elasticbeanstalk:environment LoadBalancerType = application",
		want:     []string{"error vpc-subnets VPCId"},
	},
	{
		source:   "kasmtech/terraform#5: at least two subnets in two Availability Zones",
		settings: "aws:ec2:vpc VPCId = vpc-00000000\naws:ec2:vpc Subnets = subnet-00000000\naws:ec2:vpc ELBSubnets = subnet-00000000\naws:elasticbeanstalk:environment LoadBalancerType = application",
		want:     []string{"warning load-balancer-subnets ELBSubnets"},
	},
	{
		source:   "awsdocs/elastic-beanstalk-samples vpc-custom-loadbalanced.config",
		settings: "aws:ec2:vpc VPCId = vpc-00000000\naws:ec2:vpc Subnets = subnet-00000000,subnet-00000000\naws:ec2:vpc ELBSubnets = subnet-00000000,subnet-00000000",
	},

	// Environment properties.
	{
		source:   "meteor-up/mup-aws-beanstalk#42: longer than 4096",
		settings: "aws:elasticbeanstalk:application:environment METEOR_SETTINGS = " + strings.Repeat("x", 4081),
		want:     []string{"error environment-size METEOR_SETTINGS"},
		message:  "have 4097 bytes",
	},
	{
		source:   guide + "environments-cfg-softwaresettings: 4,096 bytes as key=value",
		settings: "aws:elasticbeanstalk:application:environment METEOR_SETTINGS = " + strings.Repeat("x", 4080),
	},
	{
		source:   guide + "environments-cfg-softwaresettings: names",
		settings: "aws:elasticbeanstalk:application:environment my key = v\naws:elasticbeanstalk:application:environment spring.datasource.url = jdbc:x,y*z",
		want:     []string{"warning environment-name my key"},
	},
	{
		source:   "CloudFormation, AWS::ElasticBeanstalk::Environment OptionSetting: OptionName is required",
		settings: "aws:elasticbeanstalk:application:environment  = v\naws:elasticbeanstalk:application:environmentsecrets  = ?\naws:elasticbeanstalk:environment:proxy:staticfiles  = static",
		want:     []string{"error unknown-option ", "error unknown-option ", "warning environment-name ", "error unknown-option "},
		message:  "the option's name is missing",
	},
	{
		source:   "ours: a property and a secret of one name",
		settings: "aws:elasticbeanstalk:application:environment SECRET_KEY = x\naws:elasticbeanstalk:application:environmentsecrets SECRET_KEY = ?",
		want:     []string{"warning environment-name SECRET_KEY"},
	},

	// Load balancers.
	{
		source: probe + "opt-process-range, pass: timeout and interval alike are taken in a template",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment:process:default HealthCheckTimeout = 60\n" +
			"aws:elasticbeanstalk:environment:process:default HealthCheckInterval = 60",
		want: []string{"warning health-check-timeout HealthCheckTimeout"},
	},
	{
		source: guide + "environments-cfg-alb: the interval must be greater than the timeout",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment:process:default HealthCheckTimeout = 30\n" +
			"aws:elasticbeanstalk:environment:process:default HealthCheckInterval = 10",
		want: []string{"error health-check-timeout HealthCheckTimeout"},
	},
	{
		source:   probe + "opt-elbv2-listener-cert",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:443 Protocol = HTTPS",
		want:     []string{"error listener-certificate Protocol"},
	},
	{
		source:   "ours: ELB's CreateListener refuses a certificate for HTTP; whether Beanstalk passes it on is not documented",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:443 SSLCertificateArns = arn:aws:acm:eu-west-1:123456789012:certificate/1",
		want:     []string{"warning listener-certificate SSLCertificateArns"},
	},
	{
		source:   "ours: the same in a part of the settings, where the protocol may come from another",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:443 SSLCertificateArns = arn:aws:acm:eu-west-1:123456789012:certificate/1",
		in:       Context{Partial: true},
	},
	{
		source:   "hashicorp/terraform#24096: Subnets1",
		settings: "aws:ec2:vpc VPCId = vpc-0f425993bd39c478a\naws:ec2:vpc Subnets1 = subnet-0ac865f562d0ae00c",
		want:     []string{"error unknown-option Subnets1"},
	},
	{
		source: "aws/elastic-beanstalk-roadmap#170: rules of a shared load balancer, with empty path patterns",
		settings: "aws:elbv2:loadbalancer SharedLoadBalancer = arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shared-stage-alb/0123456789abcdef\n" +
			"aws:elbv2:listener:443 Rules = httpsrule\naws:elbv2:listener:80 Rules = httpsrule,httprule\naws:elbv2:listenerrule:httpsrule Priority = 1\n" +
			"aws:elbv2:listenerrule:httpsrule PathPatterns = \naws:elbv2:listenerrule:httpsrule Process = default\naws:elbv2:listenerrule:httpsrule HostHeaders = www.example.com\n" +
			"aws:elbv2:listenerrule:httprule Priority = 2\naws:elbv2:listenerrule:httprule PathPatterns = \naws:elbv2:listenerrule:httprule HostHeaders = www.example.com",
		in: Context{Partial: true},
	},
	{
		source:   "cloudposse/terraform-aws-elastic-beanstalk-environment#60: an empty SSLPolicy",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:443 Protocol = HTTPS\naws:elbv2:listener:443 SSLPolicy = \naws:elbv2:listener:443 SSLCertificateArns = arn:aws:acm:eu-west-1:123456789012:certificate/1",
	},
	{
		source:   probe + "opt-elbv2-listener-cert, pass",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:443 Protocol = HTTPS\naws:elbv2:listener:443 SSLCertificateArns = arn:aws:acm:ap-northeast-1:123456789012:certificate/00000000-0000-0000-0000-000000000000",
	},
	{
		source:   probe + "opt-elbv2-protocol-lb-type",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = network\naws:elbv2:listener:default Protocol = HTTP\naws:elasticbeanstalk:environment:process:default Protocol = HTTP",
		want:     []string{"error network-protocol Protocol", "error network-protocol Protocol"},
	},
	{
		source:   probe + "opt-elbv2-protocol-lb-type, pass; a TCP process on an application load balancer is taken",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment:process:default Protocol = TCP",
		want:     []string{"warning application-protocol Protocol"},
	},
	{
		source:   probe + "opt-elbv2-ip-address-type",
		settings: "aws:elbv2:loadbalancer IpAddressType = dualstack",
		want:     []string{"error ip-address-type IpAddressType"},
	},
	{
		source: probe + "opt-elbv2-rule-priority: range and uniqueness",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:default Rules = r1,r2,r3\naws:elbv2:listenerrule:r1 Priority = 0\n" +
			"aws:elbv2:listenerrule:r2 Priority = 7\naws:elbv2:listenerrule:r3 Priority = 7",
		want: []string{"error value-range Priority", "error rule-priority Priority"},
	},
	{
		source: guide + "environments-cfg-alb, alb-admin-rule.config",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:443 DefaultProcess = https\naws:elbv2:listener:443 ListenerEnabled = true\n" +
			"aws:elbv2:listener:443 Protocol = HTTPS\naws:elbv2:listener:443 Rules = admin\n" +
			"aws:elbv2:listener:443 SSLCertificateArns = arn:aws:acm:us-east-2:123456789012:certificate/21324896-0fa4-412b-bf6f-f362d6eb6dd7\n" +
			"aws:elasticbeanstalk:environment:process:https Port = 443\naws:elasticbeanstalk:environment:process:https Protocol = HTTPS\n" +
			"aws:elasticbeanstalk:environment:process:admin HealthCheckPath = /admin\naws:elasticbeanstalk:environment:process:admin Port = 4443\n" +
			"aws:elasticbeanstalk:environment:process:admin Protocol = HTTPS\naws:elbv2:listenerrule:admin PathPatterns = /admin/*\n" +
			"aws:elbv2:listenerrule:admin Priority = 1\naws:elbv2:listenerrule:admin Process = admin",
	},
	{
		source: "ours: rules, listeners and processes that do not know one another",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:listener:default Rules = admin,amdin\naws:elbv2:listenerrule:admin Process = adminn\n" +
			"aws:elasticbeanstalk:environment:process:adminx Port = 81\naws:elbv2:listenerrule:lost PathPatterns = /a,/b,/c,/d,/e,/f\naws:elbv2:listenerrule:admin Priority = 3",
		want: []string{"warning rule-missing Rules", "warning process-missing Process", "warning rule-unused PathPatterns", "warning rule-conditions PathPatterns"},
	},
	{
		source:   "ours: a listener's namespace ends with a port",
		settings: "aws:elbv2:listener:https ListenerEnabled = false",
		in:       Context{LoadBalancerType: Application},
		want:     []string{"warning listener-port ListenerEnabled"},
	},
	{
		source:   guide + "command-options-general: options of one type of load balancer",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elb:loadbalancer CrossZone = true\naws:elb:listener:443 InstancePort = 80",
		want:     []string{"warning not-applicable CrossZone", "warning not-applicable InstancePort"},
		message:  "the option has no effect, for LoadBalancerType is application; it is for classic",
	},
	{
		source:   guide + "command-options-general, aws:elbv2:loadbalancer is not for a network load balancer",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = network\naws:elbv2:loadbalancer IdleTimeout = 60\naws:elasticbeanstalk:environment:process:default HealthCheckInterval = 20",
		want:     []string{"warning not-applicable IdleTimeout", "warning network-interval HealthCheckInterval"},
	},
	{
		source:   "cloudposse/terraform-aws-elastic-beanstalk-environment#251, aws-elastic-beanstalk-cli#97: a second load balancer",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elbv2:loadbalancer SharedLoadBalancer = arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/FrontEndLB/0dbf78d8ad96abbc",
		want:     []string{"warning shared-load-balancer SharedLoadBalancer"},
	},
	{
		source: "cloudposse/terraform-aws-elastic-beanstalk-environment#185: AccessLogsS3Enabled cannot be applied",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment LoadBalancerIsShared = true\n" +
			"aws:elbv2:loadbalancer SharedLoadBalancer = ?\naws:elbv2:loadbalancer AccessLogsS3Enabled = true\naws:elbv2:loadbalancer IdleTimeout = 30\naws:elbv2:listener:443 Protocol = HTTPS",
		want: []string{"error shared-load-balancer AccessLogsS3Enabled", "warning shared-load-balancer IdleTimeout", "warning shared-load-balancer Protocol"},
	},
	{
		source:   guide + "command-options-general: LoadBalancerIsShared needs an application load balancer and SharedLoadBalancer",
		settings: "aws:elasticbeanstalk:environment LoadBalancerIsShared = true",
		want:     []string{"error shared-load-balancer LoadBalancerIsShared", "error shared-load-balancer LoadBalancerIsShared"},
	},
	{
		source: guide + "command-options-general: which load balancers can be shared; metrics of dedicated ones",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment LoadBalancerIsShared = true\n" +
			"aws:elbv2:loadbalancer SharedLoadBalancer = arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/awseb-AWSEB-179V6JWWL9HI5/8f1c9d2a\n" +
			"aws:autoscaling:trigger MeasureName = UnHealthyHostCount",
		want: []string{"error shared-load-balancer SharedLoadBalancer", "warning shared-load-balancer MeasureName"},
	},
	{
		source: "ours: a load balancer of one's own whose name only begins like those of Beanstalk",
		settings: "aws:elasticbeanstalk:environment LoadBalancerType = application\naws:elasticbeanstalk:environment LoadBalancerIsShared = true\n" +
			"aws:elbv2:loadbalancer SharedLoadBalancer = arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/awsebmine/8f1c9d2a",
	},
	{
		source:   probe + "opt-elb-listener-layer",
		settings: "aws:elb:listener:8080 ListenerProtocol = HTTP\naws:elb:listener:8080 InstanceProtocol = TCP",
		want:     []string{"error listener-layer InstanceProtocol"},
	},
	{
		source:   probe + "opt-elb-listener-layer: a secure listener needs SSLCertificateId",
		settings: "aws:elb:listener:443 ListenerProtocol = HTTPS\naws:elb:listener:443 InstancePort = 80",
		want:     []string{"error listener-certificate ListenerProtocol"},
	},
	{
		source:   guide + "environments-cfg-clb, loadbalancer-terminatehttps.config",
		settings: "aws:elb:listener:443 ListenerProtocol = HTTPS\naws:elb:listener:443 SSLCertificateId = arn:aws:acm:us-east-2:123456789012:certificate/x\naws:elb:listener:443 InstancePort = 80\naws:elb:listener:443 InstanceProtocol = HTTP\naws:elb:listener ListenerEnabled = false",
	},
	{
		source:   probe + "opt-elb-range: ConnectionDrainingTimeout alone is rejected",
		settings: "aws:elb:policies ConnectionDrainingTimeout = 3600",
		want:     []string{"error connection-draining ConnectionDrainingTimeout"},
	},
	{
		source:   "ours: a classic health check with a timeout like its interval",
		settings: "aws:elb:healthcheck Timeout = 10\naws:elb:healthcheck Interval = 10",
		want:     []string{"warning health-check-timeout Timeout"},
	},

	// Health and managed updates.
	{
		source:   probe + "opt-health-streaming-enhanced",
		settings: "aws:elasticbeanstalk:cloudwatch:logs:health HealthStreamingEnabled = true\naws:elasticbeanstalk:healthreporting:system SystemType = basic",
		want:     []string{"error enhanced-health HealthStreamingEnabled"},
	},
	{
		source:   probe + "opt-managed-actions-requires",
		settings: "aws:elasticbeanstalk:managedactions ManagedActionsEnabled = true",
		want:     []string{"error managed-updates ManagedActionsEnabled", "error managed-updates ManagedActionsEnabled"},
	},
	{
		source: guide + "environment-platform-update-managed: enhanced health; using-service-linked-roles: the role for monitoring",
		settings: "aws:elasticbeanstalk:managedactions ManagedActionsEnabled = true\naws:elasticbeanstalk:managedactions PreferredStartTime = Tue:09:00\n" +
			"aws:elasticbeanstalk:managedactions:platformupdate UpdateLevel = patch\naws:elasticbeanstalk:managedactions:platformupdate InstanceRefreshEnabled = true\n" +
			"aws:elasticbeanstalk:healthreporting:system SystemType = basic\n" +
			"aws:elasticbeanstalk:environment ServiceRole = arn:aws:iam::123456789012:role/aws-service-role/elasticbeanstalk.amazonaws.com/AWSServiceRoleForElasticBeanstalk",
		want: []string{"error managed-updates ManagedActionsEnabled", "warning managed-updates ServiceRole"},
	},
	{
		source:   probe + "opt-ad-requires-name, opt-ad-windows-only",
		settings: "aws:elasticbeanstalk:windows:activedirectory DirectoryOU = OU=Web,DC=corp",
		in:       Context{Platform: "arn:aws:elasticbeanstalk:ap-northeast-1::platform/Node.js 22 running on 64bit Amazon Linux 2023/6.11.9"},
		want:     []string{"error other-platform DirectoryOU", "error active-directory DirectoryOU"},
	},

	// Platforms and tiers.
	{
		source:   "keymetrics/pm2-ebs-demo#4",
		settings: "aws:elasticbeanstalk:container:nodejs NodeCommand = npm start",
		in:       Context{Platform: "64bit Amazon Linux 2 v5.0.2 running Node.js 12"},
		want:     []string{"error amazon-linux-ami-only NodeCommand"},
	},
	{
		source:   "parse-community/parse-server-example#262: a Node.js option on Docker",
		settings: "aws:elasticbeanstalk:container:nodejs NodeCommand = npm start",
		in:       Context{Platform: "64bit Amazon Linux 2016.03 v2.1.0 running Docker 1.9.1"},
		want:     []string{"error other-platform NodeCommand"},
	},
	{
		source:   "aws-samples/eb-node-express-sample .ebextensions/options.config, of the Amazon Linux AMI's time",
		settings: "aws:elasticbeanstalk:container:nodejs ProxyServer = nginx\naws:elasticbeanstalk:container:nodejs:staticfiles /static = /static",
		in:       Context{Partial: true},
		want:     []string{"warning amazon-linux-ami-only ProxyServer", "warning amazon-linux-ami-only /static"},
	},
	{
		source: "oreaba/prjmgmt_backend README (from the developer guide's Python page)",
		settings: "aws:elasticbeanstalk:application:environment DJANGO_SETTINGS_MODULE = production.settings\naws:elasticbeanstalk:environment:proxy ProxyServer = apache\n" +
			"aws:elasticbeanstalk:environment:proxy:staticfiles /html = statichtml\naws:elasticbeanstalk:container:python WSGIPath = ebdjango.wsgi:application\n" +
			"aws:elasticbeanstalk:container:python NumProcesses = 3\naws:elasticbeanstalk:container:python NumThreads = 20",
		in: Context{Platform: "Python 3.13 running on 64bit Amazon Linux 2023"},
	},
	{
		source:   "KuolDimDeng/Dott-Project, failed deployments: Docker platforms refuse static files, and apache",
		settings: "aws:elasticbeanstalk:environment:proxy:staticfiles /static = staticfiles\naws:elasticbeanstalk:environment:proxy ProxyServer = apache",
		in:       Context{Platform: "64bit Amazon Linux 2023 v4.3.0 running Docker"},
		want:     []string{"error other-platform /static", "error other-platform ProxyServer"},
	},
	{
		source:   "developer guide, platform options: Docker takes nginx and none",
		settings: "aws:elasticbeanstalk:environment:proxy ProxyServer = none",
		in:       Context{Platform: "arn:aws:elasticbeanstalk:eu-west-1::platform/Docker running on 64bit Amazon Linux 2023/4.3.0"},
	},
	{
		source:   "ours: options of workers in a web environment, a path without a slash",
		settings: "aws:elasticbeanstalk:sqsd HttpPath = /work\naws:elasticbeanstalk:environment:proxy:staticfiles static = static",
		in:       Context{Tier: WebServer},
		want:     []string{"warning not-applicable HttpPath", "warning static-path static"},
	},
	{
		source:   "hypothesis/deployment#60: what Beanstalk says of a rolling deployment and an immutable update at once",
		settings: "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType = Immutable\naws:elasticbeanstalk:command DeploymentPolicy = Rolling",
		want:     []string{"warning immutable-updates DeploymentPolicy"},
		message:  "asks for Immutable for both",
	},
	{
		source:   guide + "command-options-general, InstanceTypes: all of one architecture",
		settings: "aws:ec2:instances InstanceTypes = t3.small,t4g.small",
		want:     []string{"error architectures InstanceTypes"},
		message:  "t3.small is x86_64 and t4g.small is arm64",
	},
	{
		source:   guide + "command-options-general, InstanceTypes: of one of SupportedArchitectures",
		settings: "aws:ec2:instances InstanceTypes = t4g.small, m7g.medium\naws:ec2:instances SupportedArchitectures = x86_64",
		want:     []string{"error architectures InstanceTypes"},
		message:  "t4g.small is arm64, and SupportedArchitectures is x86_64",
	},
	{
		source:   "ours: architectures that agree, one of several, one that 32-bit types have too",
		settings: "aws:ec2:instances InstanceTypes = t2.micro, m6i.large\naws:ec2:instances SupportedArchitectures = I386,arm64",
	},
	{
		source:   "ours: a worker has no load balancer, and is scaled all the same",
		settings: "aws:elbv2:listener:default ListenerEnabled = false\naws:elasticbeanstalk:environment:process:default HealthCheckPath = /health\naws:autoscaling:trigger UpperThreshold = 7000000\naws:elasticbeanstalk:command DeploymentPolicy = TrafficSplitting",
		in:       Context{Tier: Worker},
		want:     []string{"warning not-applicable ListenerEnabled", "warning not-applicable HealthCheckPath", "error traffic-splitting DeploymentPolicy"},
	},
	{
		source:   "ours: a single instance has no load balancer",
		settings: "aws:elasticbeanstalk:environment EnvironmentType = SingleInstance\naws:elasticbeanstalk:environment:process:default HealthCheckPath = /health\naws:elasticbeanstalk:environment LoadBalancerType = application",
		want:     []string{"warning not-applicable HealthCheckPath", "warning not-applicable LoadBalancerType"},
	},
	{
		source:   "ours: options that wait for another",
		settings: "aws:elasticbeanstalk:cloudwatch:logs RetentionInDays = 30\naws:elasticbeanstalk:trafficsplitting EvaluationTime = 10",
		in:       Context{LoadBalancerType: Application},
		want:     []string{"warning no-effect RetentionInDays", "warning no-effect EvaluationTime"},
		message:  "unless aws:elasticbeanstalk:cloudwatch:logs StreamLogs is true",
	},
}

func manyTypes(n int) string {
	types := make([]string, n)
	for i := range types {
		types[i] = fmt.Sprintf("t%d.micro", i)
	}
	return strings.Join(types, ",")
}

func TestCheck(t *testing.T) {
	for _, tt := range cases {
		t.Run(tt.source, func(t *testing.T) {
			got := Check(parse(t, tt.settings), tt.in)
			if !slices.Equal(shown(got), tt.want) {
				t.Errorf("findings:\n  %s\nwant:\n  %s", strings.Join(shown(got), "\n  "), strings.Join(tt.want, "\n  "))
			}
			if tt.message != "" && (len(got) == 0 || !strings.Contains(got[0].Message, tt.message)) {
				t.Errorf("first message lacks %q: %+v", tt.message, got)
			}
			for _, f := range got {
				if !strings.HasPrefix(f.Message, f.Setting.Name()+": ") || !strings.HasPrefix(f.URL, documentation) {
					t.Errorf("%q, %q", f.Message, f.URL)
				}
			}
		})
	}
}

func TestAtLeastHalfOfTheCasesArePublic(t *testing.T) {
	own := 0
	for _, tt := range cases {
		if strings.HasPrefix(tt.source, "ours") {
			own++
		}
	}
	if own*2 > len(cases) {
		t.Errorf("%d of %d cases are our own", own, len(cases))
	}
}

func TestValidateJoinsTheErrors(t *testing.T) {
	err := Validate(parse(t, "aws:autoscaling:asg MinSize = lots\naws:elb:loadbalancer LoadBalancerType = network\naws:elasticbeanstalk:environment:process:default HealthCheckPath = /x"), Context{})
	want := `aws:autoscaling:asg MinSize: "lots" is no number; allowed: 0 to 10000 (https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html#command-options-general-autoscalingasg)
aws:elb:loadbalancer LoadBalancerType: the namespace has no such option; LoadBalancerType belongs to aws:elasticbeanstalk:environment (https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options.html)`
	if err == nil || err.Error() != want {
		t.Errorf("Validate =\n%v\nwant\n%s", err, want)
	}
	if err := Validate(parse(t, "aws:elasticbeanstalk:environment:process:default HealthCheckPath = /x"), Context{}); err != nil {
		t.Errorf("a warning is no error: %v", err)
	}
	if Check(nil, Context{}) != nil || Validate(nil, Context{}) != nil {
		t.Error("there is something wrong with nothing")
	}
}

// No message shows the value of an environment property, a secret or a password.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "correct horse battery staple"
	settings := parse(t, "aws:elasticbeanstalk:application:environmentsecrets S = "+secret+"\n"+
		"aws:elasticbeanstalk:application:environment JDBC_CONNECTION_STRING = "+secret+"\n"+
		"aws:elasticbeanstalk:application:environment P = "+secret+"\naws:elasticbeanstalk:application:environment P = "+secret+"!\n"+
		"aws:rds:dbinstance DBPassword = "+secret+"\naws:rds:dbinstance DBPassword = "+secret+"!\naws:rds:dbinstance dbpassword = "+secret)
	// Where the option is unknown, the value may be one of an environment property that is in the wrong place.
	for _, misspelt := range []string{"aws:elasticbeanstalk:application:enviroment K", "aws:elasticbeanstalk:application SECRET_KEY",
		"aws:elasticbeanstalk:container:python SECRET_KEY", "aws:elasticbeanstalk:environment SECRET_KEY", "aws:elasticbeanstalk:Application:Environment K"} {
		settings = append(settings, parse(t, misspelt+" = "+secret+"\n"+misspelt+" = "+secret+"!")...)
	}
	settings = append(settings, Setting{OptionName: "K", Value: secret})
	findings := Check(settings, Context{})
	at := map[int]bool{}
	for _, f := range findings {
		at[f.Index] = true
		if !f.Secret() {
			t.Errorf("the value of %s counts as public", f.Name())
		}
		if strings.Contains(f.Error(), secret) || strings.Contains(f.Error(), "staple") {
			t.Errorf("shown: %s", f.Error())
		}
	}
	if len(at) < 12 {
		t.Errorf("findings at %d settings only", len(at))
	}
	if (Setting{Namespace: "aws:autoscaling:asg", OptionName: "minsize"}).Secret() {
		t.Error("MinSize in other letters counts as a secret")
	}
}
