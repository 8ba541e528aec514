package live_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancing "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"example.com/beanpole-cdk/internal/localaws"
	"example.com/beanpole-cdk/internal/status"
	"example.com/beanpole-cdk/internal/status/live"
)

const stackBody = `{"Resources": {
  "Shop": {"Type": "AWS::ElasticBeanstalk::Application"},
  "Web": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {
    "ApplicationName": {"Ref": "Shop"}, "PlatformArn": {"Fn::Sub": "arn:aws:elasticbeanstalk:${AWS::Region}::platform/Python 3.13 running on 64bit Amazon Linux 2023"},
    "OptionSettings": [
      {"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "LoadBalancerType", "Value": "application"},
      {"Namespace": "aws:elasticbeanstalk:environment:process:default", "OptionName": "HealthCheckPath", "Value": "/healthz/"},
      {"Namespace": "aws:elasticbeanstalk:environment:process:default", "OptionName": "MatcherHTTPCode", "Value": "200-301"},
      {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "SECURE_SSL_REDIRECT", "Value": "true"}]}}}}`

// With the local AWS, whose environments are made of the same parts: the environment is found by its stack, its target
// group is what the options say, and what is then changed by hand is found.
func TestLocalAWS(t *testing.T) {
	python, err := filepath.Abs("../../../.beanpole/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(python, "bin/python")); err != nil {
		t.Skip("no Python environment for the local AWS: run `make setup`")
	}
	dir := t.TempDir()
	if err := os.Symlink(python, filepath.Join(dir, "python")); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	server, _, err := localaws.Start(ctx, dir, localaws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := localaws.Stop(dir); err != nil {
			t.Error(err)
		}
	})
	for _, variable := range server.Environ(nil) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	client, err := live.New(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.InStack(ctx, "shop-web"); err == nil || !strings.Contains(err.Error(), "is not deployed yet") {
		t.Errorf("got %v", err)
	}

	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stacks := cloudformation.NewFromConfig(cfg)
	if _, err := stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: aws.String("shop-web"), TemplateBody: aws.String(stackBody)}); err != nil {
		t.Fatal(err)
	}
	if err := cloudformation.NewStackCreateCompleteWaiter(stacks, func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("shop-web")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	environments, err := client.InStack(ctx, "shop-web")
	if err != nil || len(environments) != 1 {
		t.Fatalf("%v, %v", environments, err)
	}
	f, err := status.Wait(ctx, environments[0], status.UntilReady, time.Millisecond, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if r := status.New(f); !f.Local || !slices.Equal(f.Notes, []string{"the local AWS does not implement DescribeEnvironmentHealth, DescribeInstancesHealth, DescribePlatformVersion"}) ||
		!strings.HasSuffix(r.Verdict, "on the local AWS no instance runs; beanpole rehearse shows its health") {
		t.Errorf("local %v, notes %q, %s", f.Local, f.Notes, r.Verdict)
	}
	if len(f.Groups) != 1 || f.Groups[0].Path != "/healthz/" || f.Groups[0].SuccessCodes != "200-301" || f.Groups[0].Process != "default" {
		t.Fatalf("groups %+v, notes %q", f.Groups, f.Notes)
	}
	for _, r := range status.Explain(f) {
		if r.Level == status.Warning {
			t.Errorf("of an environment as deployed: %s: %s", r.ID, r.Summary)
		}
	}
	if len(f.Events) == 0 || f.Settings == nil || f.Declared == nil {
		t.Errorf("%d events, %d settings, %d declared", len(f.Events), len(f.Settings), len(f.Declared))
	}

	if _, err := elb.NewFromConfig(cfg).ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: &f.Groups[0].ARN,
		Matcher: &balancing.Matcher{HttpCode: aws.String("200-399")}}); err != nil {
		t.Fatal(err)
	}
	namespace := "aws:elasticbeanstalk:application:environment"
	if _, err := elasticbeanstalk.NewFromConfig(cfg).UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: &f.Environment.Name,
		OptionSettings: []types.ConfigurationOptionSetting{{Namespace: &namespace, OptionName: aws.String("DEBUG"), Value: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	if f, err = status.Wait(ctx, environments[0], status.UntilReady, time.Millisecond, func(string) {}); err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, r := range status.Explain(f) {
		said += r.Summary + "\n"
	}
	for _, want := range []string{"MatcherHTTPCode is 200-399, the option says 200-301", "aws:elasticbeanstalk:application:environment DEBUG"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in:\n%s", want, said)
		}
	}
	if byName, err := client.Named(f.Environment.Name).Facts(ctx); err != nil || byName.Environment.ID != f.Environment.ID {
		t.Errorf("by name: %+v, %v", byName.Environment, err)
	}
}
