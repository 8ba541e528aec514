package elasticbeanstalk

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
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
	if e.targetGroup != nil {
		return e.targetGroup
	}
	if k := e.props.kind(); !k.balanced() {
		panic(fmt.Errorf("%s: TargetGroup: %s has no load balancer, so there is no target group", *e.Node().Path(), k))
	}
	stack := awscdk.Stack_Of(e)
	fingerprint := e.props.processes()[defaultProcess].fingerprint(defaultProcess)

	environment := e.lookUp("EnvironmentID", &customresources.AwsSdkCall{
		Service:    jsii.String("ElasticBeanstalk"),
		Action:     jsii.String("describeEnvironments"),
		Parameters: map[string]any{"EnvironmentNames": []any{e.Resource.Ref()}, "IncludeDeleted": false},
		// A new id on every change of what makes Elastic Beanstalk replace the target group: the answer is never stale.
		PhysicalResourceId: customresources.PhysicalResourceId_Of(jsii.String(*e.Resource.Ref() + "-" + fingerprint)),
		OutputPaths:        jsii.Strings("Environments.0.EnvironmentId"),
	}, "elasticbeanstalk:DescribeEnvironments", *stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("elasticbeanstalk"),
		Resource:     jsii.String("environment"),
		ResourceName: jsii.String(*e.applicationName + "/" + *e.Resource.Ref()),
	}))
	id := environment.GetResponseField(jsii.String("Environments.0.EnvironmentId"))

	group := e.lookUp("TargetGroupARN", &customresources.AwsSdkCall{
		Service: jsii.String("CloudFormation"),
		Action:  jsii.String("describeStackResource"),
		Parameters: map[string]any{
			"StackName":         fmt.Sprintf("awseb-%s-stack", *id),
			"LogicalResourceId": targetGroupLogicalID,
		},
		PhysicalResourceId: customresources.PhysicalResourceId_Of(jsii.String(*id + "-" + fingerprint)),
		OutputPaths:        jsii.Strings("StackResourceDetail.PhysicalResourceId"),
	}, "cloudformation:DescribeStackResource", *stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("cloudformation"),
		Resource:     jsii.String("stack"),
		ResourceName: jsii.String(fmt.Sprintf("awseb-%s-stack/*", *id)),
	}))

	e.targetGroup = awselasticloadbalancingv2.ApplicationTargetGroup_FromTargetGroupAttributes(e, jsii.String("TargetGroup"),
		&awselasticloadbalancingv2.TargetGroupAttributes{
			TargetGroupArn: group.GetResponseField(jsii.String("StackResourceDetail.PhysicalResourceId")),
		})
	awscdk.Validations_Of(e.targetGroup).Acknowledge(&awscdk.Acknowledgment{
		Id:     jsii.String("Annotation::@aws-cdk/aws-elbv2:albTargetGroupCannotRegisterListener"),
		Reason: jsii.String("The instances' security group admits the load balancer already"),
	})
	return e.targetGroup
}

// lookUp makes one call of the AWS API at deployment, with the right to this call alone.
func (e *Environment) lookUp(id string, call *customresources.AwsSdkCall, action, resource string) customresources.AwsCustomResource {
	// One for the whole stack, like the function that writes to it.
	stack, logsID := awscdk.Stack_Of(e), jsii.String("TargetGroupLookUpLogs")
	logs, ok := stack.Node().TryFindChild(logsID).(awslogs.LogGroup)
	if !ok {
		logs = awslogs.NewLogGroup(stack, logsID, &awslogs.LogGroupProps{
			Retention:     awslogs.RetentionDays_ONE_MONTH,
			RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		})
	}
	return customresources.NewAwsCustomResource(e, &id, &customresources.AwsCustomResourceProps{
		ResourceType:        jsii.String("Custom::AWS"),
		OnUpdate:            call, // on creation too
		InstallLatestAwsSdk: jsii.Bool(false),
		LogGroup:            logs,
		Policy: customresources.AwsCustomResourcePolicy_FromStatements(&[]awsiam.PolicyStatement{
			allow("", []string{action}, resource),
		}),
	})
}
