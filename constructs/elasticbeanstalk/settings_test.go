package elasticbeanstalk_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestOptionSettingsAreSortedAndUnique(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Environment = map[string]string{"B": "2", "A": "1", "C": "3"}
	props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}, "admin": {Port: 8081}}
	props.OptionSettings = []option.Setting{
		{Namespace: "aws:autoscaling:asg", ResourceName: "AWSEBAutoScalingGroup", OptionName: "MaxSize", Value: "9"},
	}
	for action, hour := range map[string]string{"Night": "22", "Day": "6"} {
		for name, value := range map[string]string{"MinSize": "1", "MaxSize": "2", "Recurrence": "0 " + hour + " * * *"} {
			props.OptionSettings = append(props.OptionSettings, option.Setting{
				Namespace: option.ScheduledAction, ResourceName: action, OptionName: name, Value: value,
			})
		}
	}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	settings := synth(t, stack).Resources["Stack/Web"].OptionSettings()

	var keys []string
	for _, s := range settings {
		keys = append(keys, s.Namespace+"\x00"+s.ResourceName+"\x00"+s.OptionName)
		if s.ResourceName != "" && s.Namespace != option.ScheduledAction {
			t.Errorf("%s %s has the ResourceName %q, which says nothing there", s.Namespace, s.OptionName, s.ResourceName)
		}
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not sorted by namespace, resource name and option name:\n%s", strings.ReplaceAll(strings.Join(keys, "\n"), "\x00", " "))
	}
	if len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("not unique:\n%s", strings.ReplaceAll(strings.Join(keys, "\n"), "\x00", " "))
	}
}

func TestRawOptionSettingsWin(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Environment = map[string]string{"LOG_LEVEL": "info"}
	props.OptionSettings = []option.Setting{
		{Namespace: "aws:autoscaling:asg", OptionName: "MaxSize", Value: "9"},
		{Namespace: "aws:elasticbeanstalk:command", OptionName: "Timeout", Value: "900"},
	}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	environment.AddOptionSettings(option.Setting{Namespace: "aws:autoscaling:asg", OptionName: "MaxSize", Value: "10"})
	environment.AddOptionSettings(
		option.Setting{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: "LOG_LEVEL", Value: "debug"},
		option.Setting{Namespace: "aws:autoscaling:launchconfiguration", OptionName: "EC2KeyName", Value: *awscdk.Fn_ImportValue(jsii.String("key"))},
	)
	got := synth(t, stack).Resources["Stack/Web"].Options()
	for key, want := range map[string]string{
		"aws:autoscaling:asg MaxSize":                            "10",
		"aws:elasticbeanstalk:command Timeout":                   "900",
		"aws:elasticbeanstalk:application:environment LOG_LEVEL": "debug",
		"aws:autoscaling:launchconfiguration EC2KeyName":         `{"Fn::ImportValue":"key"}`,
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
}

// What roles, security groups and subnets follow has one way in, whether the setting comes with the props or later, and its
// refusal is all that is said of it.
func TestWhatTheStackFollowsIsNoRawSetting(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(vpc))
	worker := dedicated(vpc)
	worker.Tier = option.Worker
	workers := elasticbeanstalk.NewEnvironment(stack, "Worker", worker)
	for _, c := range []struct{ namespace, name, value, instead string }{
		{"aws:elasticbeanstalk:application:environmentsecrets", "X", "arn:aws:ssm:eu-west-1:123456789012:parameter/x", "Secrets"},
		{"aws:elasticbeanstalk:sns:topics", "Notification Topic ARN", "arn:aws:sns:eu-west-1:123456789012:t", "Notifications.Topic"},
		{"aws:elasticbeanstalk:sqsd", "WorkerQueueURL", "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "Worker.Queue"},
		{"aws:autoscaling:launchconfiguration", "SecurityGroups", "sg-1", "Network.SecurityGroups"},
		{"aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup", "false", "Connections"},
		{"aws:autoscaling:launchconfiguration", "IamInstanceProfile", "aws-elasticbeanstalk-ec2-role", "Roles.Instance"},
		{"aws:ec2:vpc", "VPCId", "vpc-2", "Network.VPC"},
		{"aws:elasticbeanstalk:environment", "ServiceRole", "aws-elasticbeanstalk-service-role", "Roles.Service"},
		{"aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance", "EnvironmentType in the props"},
		{"aws:elasticbeanstalk:environment", "LoadBalancerType", "network", "leave it out"},
		{"aws:elasticbeanstalk:environment", "LoadBalancerIsShared", "true", "LoadBalancer.Shared"},
		{"aws:elbv2:loadbalancer", "SharedLoadBalancer", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/x/1", "LoadBalancer.Shared"},
		{"aws:elbv2:loadbalancer", "SecurityGroups", "sg-1", "LoadBalancer.SecurityGroups"},
	} {
		s := option.Setting{Namespace: c.namespace, OptionName: c.name, Value: c.value}
		props, late := dedicated(someVPC{}), environment
		if c.name == "WorkerQueueURL" {
			props.Tier, late = option.Worker, workers
		}
		props.OptionSettings = []option.Setting{s}
		err := props.Validate()
		if err == nil {
			t.Errorf("%s is not refused", s.Name())
			continue
		}
		requireParts(t, err.Error(), "OptionSettings: "+s.Name()+": ", c.instead)
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more is said than its refusal:\n%v", s.Name(), err)
		}
		requireParts(t, panicOf(func() { late.AddOptionSettings(s) }), s.Name()+": ", c.instead)
	}
	// What says the same as the environment does no harm.
	environment.AddOptionSettings(option.Setting{Namespace: "aws:autoscaling:launchconfiguration", OptionName: "DisableDefaultEC2SecurityGroup", Value: "true"})
}

func TestAddOptionSettingsRefusesAllOrAddsAll(t *testing.T) {
	stack := newStack(t)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
	before := environment.OptionSettings()
	message := panicOf(func() {
		environment.AddOptionSettings(
			option.Setting{Namespace: "aws:autoscaling:asg", OptionName: "MaxSize", Value: "6"},
			option.Setting{Namespace: "aws:autoscaling:asg", OptionName: "MinSiez", Value: "3"},
			option.Setting{Namespace: "aws:elasticbeanstalk:command", OptionName: "Timeout", Value: "soon"},
		)
	})
	requireParts(t, message, "Stack/Web", "MinSiez", "MinSize", "Timeout", "soon")
	if !slices.Equal(before, environment.OptionSettings()) {
		t.Error("some of the refused settings are there all the same")
	}
}

// What was given is what is rendered, whatever the caller does to the props and their maps later.
func TestPropsCanBeUsedAgain(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Environment = map[string]string{"SITE": "one"}
	props.Processes = map[string]elasticbeanstalk.Process{"default": {Port: 8080}}
	first := elasticbeanstalk.NewEnvironment(stack, "First", props)
	props.Environment["SITE"] = "two"
	props.Processes["default"] = elasticbeanstalk.Process{Port: 9090}
	elasticbeanstalk.NewEnvironment(stack, "Second", props)
	if got := options(first)["aws:elasticbeanstalk:application:environment SITE"]; got != "one" {
		t.Errorf("SITE of the first environment is %q", got)
	}
	template := synth(t, stack)
	for name, want := range map[string][2]string{"Stack/First": {"one", "8080"}, "Stack/Second": {"two", "9090"}} {
		got := template.Resources[name].Options()
		site, port := got["aws:elasticbeanstalk:application:environment SITE"], got["aws:elasticbeanstalk:environment:process:default Port"]
		if site != want[0] || port != want[1] {
			t.Errorf("%s has SITE %q and port %q, want %q", name, site, port, want)
		}
	}
}

// The id by which a warning is acknowledged is part of the API: "Annotation::beanpole:" and the rule of the finding.
func TestWhatBeanstalkWouldIgnoreIsAWarningThatCanBeAcknowledged(t *testing.T) {
	ignored := option.Setting{Namespace: "aws:elb:loadbalancer", OptionName: "CrossZone", Value: "true"}
	findings := option.Check([]option.Setting{ignored}, option.Context{LoadBalancerType: option.Application, Partial: true})
	if len(findings) != 1 || findings[0].Level != option.Warning || findings[0].Rule != "not-applicable" {
		t.Fatalf("findings %+v, want one warning", findings)
	}
	for acknowledged, want := range map[string]int{"": 1, "Annotation::beanpole:no-effect": 1, "Annotation::beanpole:not-applicable": 0} {
		stack := newStack(t)
		environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
		environment.AddOptionSettings(ignored)
		environment.AddOptionSettings(ignored)
		if acknowledged != "" {
			awscdk.Validations_Of(stack).Acknowledge(&awscdk.Acknowledgment{Id: &acknowledged, Reason: jsii.String("left from the classic load balancer")})
		}
		warnings := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(jsii.String("CrossZone")))
		if len(warnings) != want {
			t.Errorf("with %q acknowledged %d warnings, want %d", acknowledged, len(warnings), want)
		}
	}
}
