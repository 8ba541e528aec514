package localaws

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func set(namespace, name, value string) types.ConfigurationOptionSetting {
	return types.ConfigurationOptionSetting{Namespace: &namespace, OptionName: &name, Value: &value}
}

const stackName = "64bit Amazon Linux 2023 v4.13.7 running Python 3.13"

// environment creates an application, its versions (label → key of a bundle in a bucket of the same name) and an environment
// with the first of them; all goes with the test.
func (c client) environment(name string, tier *types.EnvironmentTier, labels []string, bundles map[string]map[string]string, settings ...types.ConfigurationOptionSetting) *elasticbeanstalk.Client {
	c.t.Helper()
	ctx, eb := context.Background(), elasticbeanstalk.NewFromConfig(c.sdk())
	c.bundles(name, bundles)
	if _, err := eb.CreateApplication(ctx, &elasticbeanstalk.CreateApplicationInput{ApplicationName: &name}); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if _, err := eb.DeleteApplication(ctx, &elasticbeanstalk.DeleteApplicationInput{ApplicationName: &name, TerminateEnvByForce: aws.Bool(true)}); err != nil {
			c.t.Error(err)
		}
	})
	for _, label := range labels {
		c.version(eb, name, label)
	}
	if _, err := eb.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: &name, EnvironmentName: &name, Tier: tier,
		SolutionStackName: aws.String(stackName), VersionLabel: &labels[0], OptionSettings: settings}); err != nil {
		c.t.Fatal(err)
	}
	return eb
}

// version creates an application version whose bundle has the name of its label.
func (c client) version(eb *elasticbeanstalk.Client, application, label string) {
	c.t.Helper()
	if _, err := eb.CreateApplicationVersion(context.Background(), &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: &application, VersionLabel: &label,
		SourceBundle: &types.S3Location{S3Bucket: &application, S3Key: aws.String(label + ".zip")}}); err != nil {
		c.t.Fatal(err)
	}
}

// What Beanstalk refuses in a source bundle, in its words; the environment stays what it was.
func TestConfigurationFilesThatCannotBe(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	single := set("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
	config := func(text string) map[string]string { return map[string]string{".ebextensions/a.config": text} }
	bundles := map[string]map[string]string{
		"good.zip":     config("Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: '`{\"Fn::Sub\": \"7\"}`'}}}"),
		"yaml.zip":     config("Resources: ["),
		"key.zip":      config("resources: {}"),
		"settings.zip": config("option_settings: [{value: 1}]"),
		"balancer.zip": config("Resources: {AWSEBV2LoadBalancerListener: {Properties: {Port: 81}}}"),
		"type.zip":     config("Resources: {AWSEBEIP: {Type: AWS::SQS::Queue}}"),
	}
	eb := c.environment("config-files", nil, []string{"good", "yaml", "key", "settings", "balancer", "type"}, bundles, single)
	c.object("config-files", "text.zip", []byte("no zip"))
	c.version(eb, "config-files", "text")
	if made := c.own("config-files"); made["Queue"] == "" {
		t.Errorf("no queue of the configuration file among %v", made)
	}
	for label, reason := range map[string]string{
		"yaml":     "The configuration file .ebextensions/a.config in application version yaml contains invalid YAML or JSON",
		"key":      "contains the key resources, which is not known",
		"settings": "contains option_settings that are no list",
		"balancer": "[/Resources/AWSEBV2LoadBalancerListener] Every Resources object must contain a Type member",
		"type":     "[/Resources/AWSEBEIP] is of type AWS::EC2::EIP, not AWS::SQS::Queue",
		"text":     "Configuration files cannot be extracted from the application version text. Check that the application version is a valid zip or war file.",
		"none":     "No Application Version named 'none' found",
	} {
		_, err := eb.UpdateEnvironment(context.Background(), &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String("config-files"), VersionLabel: &label})
		wantError(t, err, reason)
	}
	described, err := eb.DescribeEnvironments(context.Background(), &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{"config-files"}})
	if err != nil || *described.Environments[0].VersionLabel != "good" || described.Environments[0].Status != types.EnvironmentStatusReady || c.own("config-files")["Queue"] == "" {
		t.Errorf("environment %+v, %v", described.Environments, err)
	}
}

// What Beanstalk does not do in one update.
func TestUpdatesThatMix(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	const command, rolling, launch = "aws:elasticbeanstalk:command", "aws:autoscaling:updatepolicy:rollingupdate", "aws:autoscaling:launchconfiguration"
	eb := c.environment("mix-updates", nil, []string{"one", "two"}, map[string]map[string]string{"one.zip": nil, "two.zip": nil},
		set("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"), set(command, "DeploymentPolicy", "Immutable"))
	update := func(label string, settings ...types.ConfigurationOptionSetting) error {
		_, err := eb.UpdateEnvironment(context.Background(), &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String("mix-updates"), VersionLabel: &label, OptionSettings: settings})
		return err
	}
	wantError(t, update("two", set(launch, "RootVolumeSize", "20")), "To enable immutable config and application deployments together")
	wantError(t, update("two", set("aws:autoscaling:asg", "Cooldown", "100")), "aws:autoscaling:asg Cooldown")
	// One after the other, and what only the application sees, are fine; so are both immutable.
	for _, err := range []error{
		update("one", set(launch, "RootVolumeSize", "20"), set("aws:autoscaling:asg", "Cooldown", "100")),
		update("two", set("aws:elasticbeanstalk:application:environment", "WORD", "bean")),
		update("two", set(rolling, "RollingUpdateType", "Immutable")),
		update("one", set(launch, "RootVolumeSize", "30")),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	wantError(t, update("one", set(launch, "RootVolumeSize", "40"), set("aws:autoscaling:asg", "Cooldown", "200")), "Cooldown", "in an update of their own")
}

// The lifecycle rule deletes the oldest versions when one is made, never one that runs or ran.
func TestVersionLifecycle(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	ctx := context.Background()
	bundles := map[string]map[string]string{}
	for _, label := range []string{"a", "b", "c", "d", "e"} {
		bundles[label+".zip"] = nil
	}
	eb := c.environment("lifecycle", nil, []string{"a"}, bundles, set("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"))
	configure := func(rule *types.MaxCountRule, role *string) error {
		_, err := eb.UpdateApplicationResourceLifecycle(ctx, &elasticbeanstalk.UpdateApplicationResourceLifecycleInput{ApplicationName: aws.String("lifecycle"),
			ResourceLifecycleConfig: &types.ApplicationResourceLifecycleConfig{ServiceRole: role, VersionLifecycleConfig: &types.ApplicationVersionLifecycleConfig{MaxCountRule: rule}}})
		return err
	}
	rule := &types.MaxCountRule{Enabled: aws.Bool(true), MaxCount: aws.Int32(2), DeleteSourceFromS3: aws.Bool(true)}
	wantError(t, configure(rule, nil), "needs a ServiceRole")
	wantError(t, configure(&types.MaxCountRule{Enabled: aws.Bool(true)}, aws.String("arn:aws:iam::123456789012:role/x")), "of at least 1")
	if err := configure(rule, aws.String("arn:aws:iam::123456789012:role/x")); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"b", "c", "d", "e"} {
		c.version(eb, "lifecycle", label)
	}
	answer, err := eb.DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{"lifecycle"}})
	if err != nil {
		t.Fatal(err)
	}
	// Two beside the one that was being made; a runs.
	if labels := answer.Applications[0].Versions; !slices.Equal(labels, []string{"a", "d", "e"}) {
		t.Errorf("versions %v, want a, d, e", labels)
	}
	store := s3.NewFromConfig(c.sdk())
	listed, err := store.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("lifecycle")})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range listed.Contents {
		keys = append(keys, *o.Key)
	}
	if strings.Join(keys, " ") != "a.zip d.zip e.zip" {
		t.Errorf("bundles %v", keys)
	}
}

func TestKindsOfEnvironments(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	ctx := context.Background()
	worker := &types.EnvironmentTier{Name: aws.String("Worker"), Type: aws.String("SQS/HTTP")}
	eb := c.environment("kinds", worker, []string{"one"}, map[string]map[string]string{"one.zip": nil}, set("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"))
	for what, in := range map[string]*elasticbeanstalk.CreateEnvironmentInput{
		"Environment tier Worker of type Standard is not known": {Tier: &types.EnvironmentTier{Name: aws.String("Worker"), Type: aws.String("Standard")}},
		"OptionName: 'WorkerQueueURL'": {Tier: worker, OptionSettings: []types.ConfigurationOptionSetting{
			set("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", "https://sqs.us-east-1.amazonaws.com/123456789012/none")}},
		"OptionName: 'Notification Topic ARN'": {Tier: worker, OptionSettings: []types.ConfigurationOptionSetting{
			set("aws:elasticbeanstalk:sns:topics", "Notification Topic ARN", "arn:aws:sns:us-east-1:123456789012:none")}},
		"MeasureName RequestCount needs a load balancer": {Tier: worker, OptionSettings: []types.ConfigurationOptionSetting{
			set("aws:autoscaling:trigger", "MeasureName", "RequestCount")}},
	} {
		in.ApplicationName, in.EnvironmentName, in.SolutionStackName = aws.String("kinds"), aws.String("kinds-other"), aws.String(stackName)
		_, err := eb.CreateEnvironment(ctx, in)
		wantError(t, err, what)
	}
	// Tags of the environment follow to what it has.
	described, err := eb.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{"kinds"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eb.UpdateTagsForResource(ctx, &elasticbeanstalk.UpdateTagsForResourceInput{ResourceArn: described.Environments[0].EnvironmentArn,
		TagsToAdd: []types.Tag{{Key: aws.String("team"), Value: aws.String("jobs")}}}); err != nil {
		t.Fatal(err)
	}
	if tags := c.autoScalingGroup(c.own("kinds")["AWSEBAutoScalingGroup"]).Tags; tags.value("team") != "jobs" {
		t.Errorf("tags %v of the Auto Scaling group", tags)
	}
	// An endpoint that is to be notified gets a topic.
	if _, err := eb.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String("kinds"),
		OptionSettings: []types.ConfigurationOptionSetting{set("aws:elasticbeanstalk:sns:topics", "Notification Endpoint", "ops@example.org")}}); err != nil {
		t.Fatal(err)
	}
	if topics := c.resources()["AWS::SNS::Topic"]; len(topics) != 1 || !strings.HasSuffix(topics[0], ":ElasticBeanstalkNotifications-Environment-kinds") {
		t.Errorf("topics %v", topics)
	}
	_, err = eb.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String("kinds"), Tier: &types.EnvironmentTier{Name: aws.String("WebServer"), Type: aws.String("Standard")}})
	wantError(t, err, "tier of an environment cannot change")
}
