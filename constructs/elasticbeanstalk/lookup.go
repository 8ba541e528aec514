package elasticbeanstalk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/customresources"
	"github.com/aws/jsii-runtime-go"
)

// PhysicalID is the physical id of a resource that Elastic Beanstalk has made for the environment, by the logical id that it
// has in Elastic Beanstalk's own stack: the name of the Auto Scaling group for AWSEBAutoScalingGroup, the id of the launch
// template for AWSEBEC2LaunchTemplate, the URL of a worker's queue for AWSEBWorkerQueue, the names of the alarms behind
// Capacity.Trigger for AWSEBCloudwatchAlarmHigh and AWSEBCloudwatchAlarmLow. It is a token that a custom resource resolves at
// deployment, anew whenever an option setting has changed; the first call for a resource adds it. A resource that the
// environment does not have fails the deployment. For target groups see [Environment.TargetGroup].
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/customize-containers-format-resources-eb.html
func (e *Environment) PhysicalID(logicalID string) string {
	if !alphanumeric.MatchString(logicalID) {
		panic(fmt.Errorf("%s: PhysicalID: %q is not a logical id; it is letters and digits, as in AWSEBAutoScalingGroup", *e.Node().Path(), logicalID))
	}
	if e.physicalIDs[logicalID] == "" {
		e.physicalIDs[logicalID] = *e.stackResource("PhysicalID-"+logicalID, logicalID, logicalID+"-"+*e.lazy(e.settingsFingerprint))
	}
	return e.physicalIDs[logicalID]
}

// settingsFingerprint changes with every option setting whose value is known.
func (e *Environment) settingsFingerprint() string {
	hash := sha256.New()
	for _, s := range e.settings {
		if s.Unresolved {
			s.Value = ""
		}
		fmt.Fprintf(hash, "%q\n", []string{s.Namespace, s.ResourceName, s.OptionName, s.Value})
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// beanstalkStack is the name of the stack that Elastic Beanstalk keeps for the environment. It ends with the environment's
// id, which a custom resource asks for at deployment.
func (e *Environment) beanstalkStack() string {
	return fmt.Sprintf("awseb-%s-stack", e.EnvironmentID())
}

func (e *Environment) beanstalkStackARN() string {
	return *awscdk.Stack_Of(e).FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("cloudformation"),
		Resource:     jsii.String("stack"),
		ResourceName: jsii.String(e.beanstalkStack() + "/*"),
	})
}

// EnvironmentID is the id of the environment, such as "e-abcdefghij": a token that a custom resource resolves at deployment.
// The first call adds it.
func (e *Environment) EnvironmentID() string {
	const field = "Environments.0.EnvironmentId"
	if e.idLookUp == nil {
		fingerprint := e.props.processes()[defaultProcess].fingerprint(defaultProcess)
		e.idLookUp = e.lookUp("EnvironmentID", &customresources.AwsSdkCall{
			Service:    jsii.String("ElasticBeanstalk"),
			Action:     jsii.String("describeEnvironments"),
			Parameters: map[string]any{"EnvironmentNames": []any{e.Resource.Ref()}, "IncludeDeleted": false},
			// A new id on every change of what makes Elastic Beanstalk replace the target group: the answer is never stale.
			PhysicalResourceId: customresources.PhysicalResourceId_Of(jsii.String(*e.Resource.Ref() + "-" + fingerprint)),
			OutputPaths:        jsii.Strings(field),
		}, "elasticbeanstalk:DescribeEnvironments", *awscdk.Stack_Of(e).FormatArn(&awscdk.ArnComponents{
			Service:      jsii.String("elasticbeanstalk"),
			Resource:     jsii.String("environment"),
			ResourceName: jsii.String(*e.applicationName + "/" + *e.Resource.Ref()),
		}))
	}
	return *e.idLookUp.GetResponseField(jsii.String(field))
}

// stackResource is the physical id of a resource in Elastic Beanstalk's stack. The fingerprint changes with everything that
// makes Elastic Beanstalk replace the resource, so that the answer is never stale.
func (e *Environment) stackResource(id, logicalID, fingerprint string) *string {
	const field = "StackResourceDetail.PhysicalResourceId"
	return e.lookUp(id, &customresources.AwsSdkCall{
		Service:            jsii.String("CloudFormation"),
		Action:             jsii.String("describeStackResource"),
		Parameters:         map[string]any{"StackName": e.beanstalkStack(), "LogicalResourceId": logicalID},
		PhysicalResourceId: customresources.PhysicalResourceId_Of(jsii.String(e.EnvironmentID() + "-" + fingerprint)),
		OutputPaths:        jsii.Strings(field),
	}, "cloudformation:DescribeStackResource", e.beanstalkStackARN()).GetResponseField(jsii.String(field))
}

// lookUp makes one call of the AWS API at deployment, with the right to this call alone.
func (e *Environment) lookUp(id string, call *customresources.AwsSdkCall, action, resource string) customresources.AwsCustomResource {
	return e.newCall(id, &customresources.AwsCustomResourceProps{
		OnUpdate: call, // on creation too
		Policy: customresources.AwsCustomResourcePolicy_FromStatements(&[]awsiam.PolicyStatement{
			allow("", []string{action}, resource),
		}),
	})
}

func (e *Environment) newCall(id string, props *customresources.AwsCustomResourceProps) customresources.AwsCustomResource {
	props.ResourceType = jsii.String("Custom::AWS")
	props.InstallLatestAwsSdk = jsii.Bool(false)
	props.LogGroup = e.lookUpLogs()
	call := customresources.NewAwsCustomResource(e, &id, props)
	e.bind(call)
	return call
}

// lookUpLogs is where the functions behind the look-ups write: one for the whole stack, like each of them.
func (e *Environment) lookUpLogs() awslogs.LogGroup {
	stack, id := awscdk.Stack_Of(e), jsii.String("TargetGroupLookUpLogs")
	if logs, ok := stack.Node().TryFindChild(id).(awslogs.LogGroup); ok {
		return logs
	}
	return awslogs.NewLogGroup(stack, id, &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

// lazy is a text that is made when the app is synthesised.
func (e *Environment) lazy(text func() string) *string {
	return awscdk.Lazy_String(&lazyString{text}, nil)
}

type lazyString struct{ text func() string }

// Produce is called by the CDK.
func (l *lazyString) Produce() *string { return jsii.String(l.text()) }
