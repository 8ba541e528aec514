package elasticbeanstalk_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

// call is the call that a custom resource makes at deployment.
type call struct {
	Service, Action    string
	Parameters         map[string]any
	PhysicalResourceID struct{ ID string } `json:"physicalResourceId"`
	OutputPaths        []string
}

func callOf(t *testing.T, r *templatetest.Resource, event string) call {
	t.Helper()
	var c call
	if err := json.Unmarshal([]byte(r.Property(event)), &c); err != nil {
		t.Fatalf("%s %s: %v\n%s", r.Name, event, err, r.Property(event))
	}
	return c
}

func TestTargetGroupAsksForTheGroupThatElasticBeanstalkMade(t *testing.T) {
	stack := newStack(t)
	vpc := newVPC(stack)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", shared(vpc, newLoadBalancer(stack, vpc)))
	group := environment.TargetGroup()
	if environment.TargetGroup() != group {
		t.Error("the second call returns another target group")
	}
	awscdk.NewCfnOutput(stack, jsii.String("ARN"), &awscdk.CfnOutputProps{Value: group.TargetGroupArn()})
	template := synth(t, stack)

	const id = "${Stack/Web/EnvironmentID.Environments.0.EnvironmentId}"
	for name, want := range map[string]struct {
		call
		policy string
	}{
		"Stack/Web/EnvironmentID": {call{
			Service: "ElasticBeanstalk", Action: "describeEnvironments",
			Parameters:  map[string]any{"EnvironmentNames": []any{"${Stack/Web}"}, "IncludeDeleted": false},
			OutputPaths: []string{"Environments.0.EnvironmentId"},
		}, `[{"Action":"elasticbeanstalk:DescribeEnvironments","Effect":"Allow","Resource":"arn:${AWS::Partition}:elasticbeanstalk:${AWS::Region}:${AWS::AccountId}:environment/${Stack/Web/Application}/${Stack/Web}"}]`},
		"Stack/Web/TargetGroupARN": {call{
			Service: "CloudFormation", Action: "describeStackResource",
			Parameters:  map[string]any{"StackName": "awseb-" + id + "-stack", "LogicalResourceId": "AWSEBV2LoadBalancerTargetGroup"},
			OutputPaths: []string{"StackResourceDetail.PhysicalResourceId"},
		}, `[{"Action":"cloudformation:DescribeStackResource","Effect":"Allow","Resource":"arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/awseb-` + id + `-stack/*"}]`},
	} {
		resource := template.Resources[name]
		if resource == nil {
			t.Fatalf("there is no %s among %v", name, slices.Sorted(maps.Keys(template.Resources)))
		}
		for _, event := range []string{"Create", "Update"} {
			got := callOf(t, resource, event)
			got.PhysicalResourceID.ID = ""
			if !reflect.DeepEqual(got, want.call) {
				t.Errorf("%s of %s:\n got %+v\nwant %+v", event, name, got, want.call)
			}
		}
		if got := resource.Property("Delete"); got != "" {
			t.Errorf("%s calls %s when it is deleted", name, got)
		}
		if got := template.Resources[name+"/CustomResourcePolicy"].Property("PolicyDocument.Statement"); got != want.policy {
			t.Errorf("rights of %s:\n got %s\nwant %s", name, got, want.policy)
		}
		if !resource.Before()[name+"/CustomResourcePolicy"] {
			t.Errorf("%s may call before it has the right to", name)
		}
	}
	if n := len(template.OfType("Custom::AWS")); n != 2 {
		t.Errorf("%d custom resources, want 2", n)
	}
	if got, want := template.Outputs["ARN"], "${Stack/Web/TargetGroupARN.StackResourceDetail.PhysicalResourceId}"; got != want {
		t.Errorf("the ARN is %q, want %q", got, want)
	}
}

func TestNothingIsAskedWithoutNeed(t *testing.T) {
	stack := newStack(t)
	elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
	template := synth(t, stack)
	if n := len(template.OfType("Custom::AWS")) + len(template.OfType("AWS::Lambda::Function")); n != 0 {
		t.Errorf("%d resources look up a target group that nobody has asked for", n)
	}
}

// CloudFormation calls again when the text of the call changes, and takes the old answer for stale when the id does.
func TestTheAnswerIsStaleWhenTheTargetGroupIsReplaced(t *testing.T) {
	ids := func(process elasticbeanstalk.Process) (environment, group string) {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.Processes = map[string]elasticbeanstalk.Process{"default": process}
		elasticbeanstalk.NewEnvironment(stack, "Web", props).TargetGroup()
		template := synth(t, stack)
		id := func(name string) string { return callOf(t, template.Resources[name], "Update").PhysicalResourceID.ID }
		return id("Stack/Web/EnvironmentID"), id("Stack/Web/TargetGroupARN")
	}
	environment, group := ids(elasticbeanstalk.Process{})
	for _, id := range []string{environment, group} {
		if !strings.Contains(id, "${Stack/Web") {
			t.Errorf("the physical id %q stays the same when the environment is replaced", id)
		}
	}
	for name, c := range map[string]struct {
		process  elasticbeanstalk.Process
		replaced bool
	}{
		"defaults written out": {elasticbeanstalk.Process{Port: 80, Protocol: "HTTP"}, false},
		"port":                 {elasticbeanstalk.Process{Port: 8080}, true},
		"protocol":             {elasticbeanstalk.Process{Protocol: "HTTPS"}, true},
		"stickiness":           {elasticbeanstalk.Process{StickinessDuration: 3600e9}, false},
	} {
		e, g := ids(c.process)
		if (e != environment) != c.replaced || (g != group) != c.replaced {
			t.Errorf("%s: the physical ids are %s and %s, those of the default process %s and %s; want a change: %v", name, e, g, environment, group, c.replaced)
		}
	}
}

func TestPhysicalIDsAreLookedUpOnceAndAnewWithTheSettings(t *testing.T) {
	lookUp := func(change func(*elasticbeanstalk.Environment)) *templatetest.Resource {
		stack := newStack(t)
		environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
		if a, b := environment.PhysicalID("AWSEBAutoScalingGroup"), environment.PhysicalID("AWSEBAutoScalingGroup"); a != b {
			t.Errorf("the group is %s and %s", a, b)
		}
		change(environment)
		return synth(t, stack).Resources["Stack/Web/PhysicalID-AWSEBAutoScalingGroup"]
	}
	first := lookUp(func(*elasticbeanstalk.Environment) {})
	requireParts(t, first.Property("Create"), "describeStackResource", "AWSEBAutoScalingGroup", "awseb-")
	same := lookUp(func(*elasticbeanstalk.Environment) {})
	other := lookUp(func(e *elasticbeanstalk.Environment) {
		e.AddOptionSettings(option.Setting{Namespace: "aws:autoscaling:asg", OptionName: "Cooldown", Value: "60"})
	})
	if first.Property("Update") != same.Property("Update") || first.Property("Update") == other.Property("Update") {
		t.Errorf("the look-up is\n%s\nthe same again\n%s\nand with another setting\n%s", first.Property("Update"), same.Property("Update"), other.Property("Update"))
	}
}

func TestPhysicalIDTakesALogicalID(t *testing.T) {
	stack := newStack(t)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
	requireParts(t, panicOf(func() { environment.PhysicalID("awseb-e-123-stack/AutoScalingGroup") }), "Stack/Web", "is not a logical id", "AWSEBAutoScalingGroup")
}
