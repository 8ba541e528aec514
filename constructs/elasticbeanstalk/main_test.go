package elasticbeanstalk_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

func TestMain(m *testing.M) {
	// The CDK's own validation takes seconds a process; a test of the whole app has it on.
	os.Setenv("CDK_VALIDATION", "false")
	jsii.Close() // the next call starts a Node process with this environment
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

func newApp(t *testing.T) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		Outdir:  jsii.String(t.TempDir()),
		Context: &map[string]any{templatetest.PathMetadata: true},
	})
}

// newStack returns a stack named Stack in an app of its own.
func newStack(t *testing.T) awscdk.Stack {
	return awscdk.NewStack(newApp(t), jsii.String("Stack"), nil)
}

func newVPC(stack awscdk.Stack) awsec2.Vpc {
	return awsec2.NewVpc(stack, jsii.String("VPC"), &awsec2.VpcProps{
		MaxAzs:                       jsii.Number(2),
		NatGateways:                  jsii.Number(1),
		RestrictDefaultSecurityGroup: jsii.Bool(false),
	})
}

// existingVPC returns a VPC that somebody else has made.
func existingVPC(stack awscdk.Stack) awsec2.IVpc {
	return awsec2.Vpc_FromVpcAttributes(stack, jsii.String("VPC"), &awsec2.VpcAttributes{
		VpcId:             jsii.String("vpc-1"),
		VpcCidrBlock:      jsii.String("10.0.0.0/16"),
		AvailabilityZones: jsii.Strings("a", "b"),
		PublicSubnetIds:   jsii.Strings("subnet-public-a", "subnet-public-b"),
		PrivateSubnetIds:  jsii.Strings("subnet-private-a", "subnet-private-b"),
	})
}

// newLoadBalancer returns a load balancer with a listener on port 80.
func newLoadBalancer(stack awscdk.Stack, vpc awsec2.IVpc) awselasticloadbalancingv2.ApplicationLoadBalancer {
	lb := awselasticloadbalancingv2.NewApplicationLoadBalancer(stack, jsii.String("LB"), &awselasticloadbalancingv2.ApplicationLoadBalancerProps{
		Vpc: vpc, InternetFacing: jsii.Bool(true),
	})
	lb.AddListener(jsii.String("HTTP"), &awselasticloadbalancingv2.BaseApplicationListenerProps{
		Port:          jsii.Number(80),
		DefaultAction: awselasticloadbalancingv2.ListenerAction_FixedResponse(jsii.Number(404), nil),
	})
	return lb
}

// dedicated are the smallest props: everything is a default.
func dedicated(vpc awsec2.IVpc) *elasticbeanstalk.EnvironmentProps {
	return &elasticbeanstalk.EnvironmentProps{
		Source:  bundle.Source{Path: "testdata/app"},
		Network: elasticbeanstalk.Network{VPC: vpc},
	}
}

// shared are the smallest props with a shared load balancer.
func shared(vpc awsec2.IVpc, lb awselasticloadbalancingv2.IApplicationLoadBalancer) *elasticbeanstalk.EnvironmentProps {
	props := dedicated(vpc)
	props.LoadBalancer.Shared = lb
	return props
}

// synth synthesises the app of a stack and returns the stack's template.
func synth(t *testing.T, stack awscdk.Stack) *templatetest.Template {
	t.Helper()
	assembly := stack.Node().Root().(awscdk.App).Synth(nil)
	return templatetest.Read(t, *assembly.Directory())[*stack.StackName()]
}

// panicOf returns what f panics with, "" if it does not.
func panicOf(f func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

// requireParts fails the test for every part that is not in message.
func requireParts(t *testing.T, message string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("%q is not in:\n%s", part, message)
		}
	}
}
