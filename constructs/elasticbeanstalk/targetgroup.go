package elasticbeanstalk

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/customresources"
	"github.com/aws/jsii-runtime-go"
)

// targetGroupLogicalID is the target group of the default process in the stack that Elastic Beanstalk keeps for an
// environment.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/customize-containers-format-resources-eb.html
const targetGroupLogicalID = "AWSEBV2LoadBalancerTargetGroup"

// TargetGroup is the target group that Elastic Beanstalk made for the default process, for listener rules, alarms and
// outputs. Elastic Beanstalk keeps registering and draining its instances.
//
// Its ARN is known only at deployment, where a custom resource asks for it: first the environment for its id, then the
// stack that Elastic Beanstalk keeps for the environment for its target group. The first call adds these resources.
//
// It panics for an environment that has no load balancer.
func (e *Environment) TargetGroup() awselasticloadbalancingv2.IApplicationTargetGroup {
	return e.TargetGroupOf(defaultProcess)
}

// TargetGroupOf is the target group of a process, as [Environment.TargetGroup] is that of the default one. On a shared load
// balancer a rule of the stack sends it requests, and can be changed at any time:
//
//	awselasticloadbalancingv2.NewApplicationListenerRule(stack, jsii.String("API"), &awselasticloadbalancingv2.ApplicationListenerRuleProps{
//		Listener:   https,
//		Priority:   jsii.Number(200),
//		Conditions: &[]awselasticloadbalancingv2.ListenerCondition{awselasticloadbalancingv2.ListenerCondition_PathPatterns(jsii.Strings("/api/*"))},
//		Action:     awselasticloadbalancingv2.ListenerAction_Forward(&[]awselasticloadbalancingv2.IApplicationTargetGroup{env.TargetGroupOf("api")}, nil),
//	})
//
// Elastic Beanstalk tells nobody which of its target groups belongs to which process, so that a process other than the
// default one is found, at deployment, by what no other process of the environment has: its protocol, port and path of the
// health check together. It panics where two processes have the same, or the environment has no such process.
func (e *Environment) TargetGroupOf(process string) awselasticloadbalancingv2.IApplicationTargetGroup {
	if group, ok := e.targetGroups[process]; ok {
		return group
	}
	if k := e.props.kind(); !k.balanced() {
		panic(fmt.Errorf("%s: TargetGroup: %s has no load balancer, so there is no target group", *e.Node().Path(), k))
	}
	processes := e.props.processes()
	if _, ok := processes[process]; !ok {
		panic(fmt.Errorf("%s: there is no process %q; the processes are %q", *e.Node().Path(), process, slices.Sorted(maps.Keys(processes))))
	}
	id, arn := "TargetGroup", new(string)
	if process == defaultProcess {
		arn = e.stackResource("TargetGroupARN", targetGroupLogicalID, processes[process].fingerprint(process))
	} else {
		id, arn = "TargetGroup-"+process, e.findTargetGroup(process)
	}
	group := awselasticloadbalancingv2.ApplicationTargetGroup_FromTargetGroupAttributes(e, &id, &awselasticloadbalancingv2.TargetGroupAttributes{
		TargetGroupArn:   arn,
		LoadBalancerArns: e.loadBalancerARN(), // for its metrics
	})
	awscdk.Validations_Of(group).Acknowledge(&awscdk.Acknowledgment{
		Id:     jsii.String("Annotation::@aws-cdk/aws-elbv2:albTargetGroupCannotRegisterListener"),
		Reason: jsii.String("The instances' security group admits the load balancer already"),
	})
	e.targetGroups[process] = group
	return group
}

//go:embed targetgroup.py
var targetGroupFunction string

// findTargetGroup looks, at deployment, through the target groups of the environment for that of a process.
func (e *Environment) findTargetGroup(process string) *string {
	for _, other := range slices.Sorted(maps.Keys(e.props.processes())) {
		if other != process && e.mark(other) == e.mark(process) {
			panic(fmt.Errorf("%s: the processes %q and %q have the same protocol, port and path of the health check (%s), by which their target groups are told apart; give them different ones",
				*e.Node().Path(), process, other, e.mark(process)))
		}
	}
	// One for the whole stack, like the function behind the other look-ups.
	function := awslambda.NewSingletonFunction(e, jsii.String("TargetGroupFunction-"+process), &awslambda.SingletonFunctionProps{
		Uuid:          jsii.String("5b3f0c2e-9d41-4f6a-8a57-1c6f2b7e9d10"),
		LambdaPurpose: jsii.String("TargetGroupOf"),
		Description:   jsii.String("Finds the target group of a process of an Elastic Beanstalk environment"),
		Runtime:       awslambda.Runtime_PYTHON_3_14(),
		Handler:       jsii.String("index.handler"),
		Code:          awslambda.Code_FromInline(&targetGroupFunction),
		Timeout:       awscdk.Duration_Minutes(jsii.Number(1)),
		LogGroup:      e.lookUpLogs(),
	})
	e.bind(function)
	rights := awsiam.NewPolicy(e, jsii.String("TargetGroupRights-"+process), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{function.Role()},
		Statements: &[]awsiam.PolicyStatement{
			allow("", []string{"cloudformation:DescribeStackResources"}, e.beanstalkStackARN()),
			allow("", []string{"elasticloadbalancing:DescribeTargetGroups"}, "*"), // the action knows no narrower resource
		},
	})
	found := awscdk.NewCustomResource(e, jsii.String("TargetGroupARN-"+process), &awscdk.CustomResourceProps{
		ServiceToken:   function.FunctionArn(),
		ResourceType:   jsii.String("Custom::ElasticBeanstalkTargetGroup"),
		ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(5)),
		Properties: &map[string]any{
			"StackName": e.beanstalkStack(),
			// As they are in the end: options may still be added.
			"Protocol":        e.lazy(func() string { return e.processOption(process, "Protocol") }),
			"Port":            e.lazy(func() string { return e.processOption(process, "Port") }),
			"HealthCheckPath": e.lazy(func() string { return e.processOption(process, "HealthCheckPath") }),
		},
	})
	found.Node().AddDependency(rights)
	return found.Ref()
}

// mark is what a process and its target group are known by.
func (e *Environment) mark(process string) string {
	return fmt.Sprintf("%s:%s%s", e.processOption(process, "Protocol"), e.processOption(process, "Port"), e.processOption(process, "HealthCheckPath"))
}

func (e *Environment) processOption(process, name string) string {
	for _, s := range e.settings {
		if s.Namespace == processNamespace+process && s.OptionName == name {
			return s.Value
		}
	}
	return ""
}

// DeployedHealthCheck is the health check that the target group of a process really has after the deployment, for outputs
// and for whoever compares it with what was asked for: the path and the success codes. A custom resource asks Elastic Load
// Balancing, anew with every change of the process. The first call for a process adds it.
func (e *Environment) DeployedHealthCheck(process string) (path, successCodes string) {
	const pathField, codesField = "TargetGroups.0.HealthCheckPath", "TargetGroups.0.Matcher.HttpCode"
	arn := *e.TargetGroupOf(process).TargetGroupArn()
	check, ok := e.deployedChecks[process]
	if !ok {
		id := "HealthCheck"
		if process != defaultProcess {
			id += "-" + process
		}
		options := e.lazy(func() string {
			sum := sha256.New()
			for _, s := range e.settings {
				if s.Namespace == processNamespace+process {
					fmt.Fprintln(sum, s.OptionName, s.Value)
				}
			}
			return hex.EncodeToString(sum.Sum(nil)[:8])
		})
		check = e.lookUp(id, &customresources.AwsSdkCall{
			Service:            jsii.String("ElasticLoadBalancingV2"),
			Action:             jsii.String("describeTargetGroups"),
			Parameters:         map[string]any{"TargetGroupArns": []any{arn}},
			PhysicalResourceId: customresources.PhysicalResourceId_Of(jsii.String(arn + "-" + *options)),
			OutputPaths:        jsii.Strings(pathField, codesField),
		}, "elasticloadbalancing:DescribeTargetGroups", "*")
		e.deployedChecks[process] = check
	}
	return *check.GetResponseField(jsii.String(pathField)), *check.GetResponseField(jsii.String(codesField))
}
