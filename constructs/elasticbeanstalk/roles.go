package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// Roles are who the instances and Elastic Beanstalk act as. Rights that the app itself needs are granted to the environment,
// as in bucket.GrantRead(env, nil).
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/concepts-roles.html
type Roles struct {
	// Instance is the role of the instances. Default: one of the environment's own that may report health, read its
	// application version, write its logs and read Secrets, and nothing else.
	//
	// A role of yours, which has to trust ec2.amazonaws.com, gets the same rights by a policy of the environment's stack. One
	// that the CDK may not change (imported with Mutable false or from another account, or WithoutPolicyUpdates) gets none,
	// and a warning ("beanpole:instance-role") says which it needs.
	Instance awsiam.IRole
	// Service is the role of Elastic Beanstalk. Default: one of the environment's own with the two managed policies that
	// AWS keeps for it, because updates fail where a narrower policy lags behind the service.
	//
	// A role of yours has to trust elasticbeanstalk.amazonaws.com and to have these two: AWSElasticBeanstalkEnhancedHealth and
	// AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy. It gets the right to publish to Notifications.Topic where the CDK
	// may change it; else a warning ("beanpole:service-role") says that it needs it.
	Service awsiam.IRole
	// PermissionsBoundary bounds the roles that the environment makes, and those of the functions behind its look-ups, which
	// the environments of a stack share. Default: none.
	PermissionsBoundary awsiam.IManagedPolicy
	// InstanceManagedPolicies are attached to the role that the environment makes for its instances, besides its own rights,
	// such as awsiam.ManagedPolicy_FromAwsManagedPolicyName("CloudWatchAgentServerPolicy"). Default: none.
	InstanceManagedPolicies []awsiam.IManagedPolicy
	// SessionManager lets people with the right to it open a shell on an instance by AWS Systems Manager Session Manager,
	// which needs neither a key pair nor an open port: the SSM agent of the platform gets the least rights that it needs.
	// Default: nobody gets in.
	//
	// https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
	SessionManager bool
}

func (r Roles) validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if r.PermissionsBoundary != nil && r.Instance != nil && r.Service != nil {
		problem("PermissionsBoundary: has no effect on Instance and Service, which are made elsewhere; bound them there, and leave it out")
	}
	if len(r.InstanceManagedPolicies) > 0 && r.Instance != nil {
		problem("InstanceManagedPolicies: Instance is made elsewhere; attach them there, and leave them out")
	}
	for i, policy := range r.InstanceManagedPolicies {
		if policy == nil {
			problem("InstanceManagedPolicies[%d]: is nil; give a policy, or leave it out", i)
		}
	}
	return errors.Join(problems...)
}

func (e *Environment) newServiceRole() {
	statements := e.props.Notifications.statements()
	if topic := e.props.Notifications.Topic; topic != nil {
		e.refs.topic = *topic.TopicArn()
	}
	if e.ServiceRole = e.props.Roles.Service; e.ServiceRole == nil {
		e.ServiceRole = awsiam.NewRole(e, jsii.String("ServiceRole"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("elasticbeanstalk.amazonaws.com"), &awsiam.ServicePrincipalOpts{
				Conditions: &map[string]interface{}{"StringEquals": map[string]string{"sts:ExternalId": "elasticbeanstalk"}},
			}),
			Description:         jsii.String("Elastic Beanstalk, for one environment"),
			PermissionsBoundary: e.props.Roles.PermissionsBoundary,
			ManagedPolicies: &[]awsiam.IManagedPolicy{
				awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AWSElasticBeanstalkEnhancedHealth")),
				awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy")),
			},
			InlinePolicies: inline("Notifications", statements),
		})
	} else if len(statements) > 0 {
		e.attach("ServicePolicy", e.ServiceRole, "service-role", "Roles.Service", statements)
	}
	e.refs.serviceRole = *e.ServiceRole.RoleArn()
}

func (e *Environment) newInstanceRole() {
	e.refs.secrets = map[string]string{}
	statements := e.instanceStatements()
	if e.InstanceRole = e.props.Roles.Instance; e.InstanceRole == nil {
		e.InstanceRole = awsiam.NewRole(e, jsii.String("InstanceRole"), &awsiam.RoleProps{
			AssumedBy:           awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil),
			Description:         jsii.String("Instances of an Elastic Beanstalk environment"),
			PermissionsBoundary: e.props.Roles.PermissionsBoundary,
			ManagedPolicies:     &e.props.Roles.InstanceManagedPolicies,
			// Inline, so that the rights are there before an instance boots and until it has left.
			InlinePolicies: inline("Instance", statements),
		})
	} else {
		e.attach("InstancePolicy", e.InstanceRole, "instance-role", "Roles.Instance", statements)
	}
	profile := awsiam.NewInstanceProfile(e, jsii.String("InstanceProfile"), &awsiam.InstanceProfileProps{Role: e.InstanceRole})
	e.refs.instanceProfile = *profile.InstanceProfileName()

	if queue := e.props.Worker.Queue; queue != nil {
		e.refs.queueURL = *queue.QueueUrl()
	}
}

// bind puts the boundary on the role of a function that the stack's environments share.
func (e *Environment) bind(function awsiam.IGrantable) {
	if boundary := e.props.Roles.PermissionsBoundary; boundary != nil {
		awsiam.PermissionsBoundary_Of(function.GrantPrincipal().(awsiam.Role)).Apply(boundary)
	}
}

func inline(name string, statements []awsiam.PolicyStatement) *map[string]awsiam.PolicyDocument {
	if len(statements) == 0 {
		return nil
	}
	return &map[string]awsiam.PolicyDocument{name: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements})}
}

// attach gives a role that is made elsewhere the rights by a policy of the environment's own stack, so that the role's
// stack does not depend on this one. A role that the CDK may not change takes none: a warning says what it needs.
func (e *Environment) attach(id string, role awsiam.IRole, rule, field string, statements []awsiam.PolicyStatement) {
	policy := awsiam.NewPolicy(e, &id, &awsiam.PolicyProps{Statements: &statements})
	role.AttachInlinePolicy(policy) // does nothing to a role that may not be changed, and a policy of none is not rendered
	e.policies = append(e.policies, policy)
	roles, _ := awscdk.Stack_Of(e).Resolve(policy.Node().DefaultChild().(awsiam.CfnPolicy).Roles()).([]any)
	if len(roles) > 0 {
		return
	}
	var actions []string
	for _, statement := range statements {
		for _, action := range *statement.Actions() {
			actions = append(actions, *action)
		}
	}
	awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:"+rule), jsii.Sprintf(
		"%s: the CDK may not change this role; see that it has the rights to %s", field, strings.Join(unique(actions), ", ")))
}

// instanceStatements are the rights that an instance needs, as narrow as names allow: the environment's own name is known
// only when it exists, and the policy must exist before it.
func (e *Environment) instanceStatements() []awsiam.PolicyStatement {
	stack := awscdk.Stack_Of(e)
	arn := func(service, resource string) string {
		return fmt.Sprintf("arn:%s:%s:%s:%s:%s", *stack.Partition(), service, *stack.Region(), *stack.Account(), resource)
	}
	environment := cmp.Or(e.props.EnvironmentName, "*")
	bucket := fmt.Sprintf("arn:%s:s3:::elasticbeanstalk-%s-%s", *stack.Partition(), *stack.Region(), *stack.Account())
	statements := []awsiam.PolicyStatement{
		allow("Health", []string{"elasticbeanstalk:PutInstanceStatistics"},
			arn("elasticbeanstalk", "application/"+*e.applicationName),
			arn("elasticbeanstalk", "environment/"+*e.applicationName+"/"+environment)),
		// The bounds that Elastic Beanstalk itself sets in the policy of its bucket.
		allow("Bundle", []string{"s3:GetObject", "s3:GetObjectVersion"}, bucket+"/resources/environments/*"),
		allow("BundleList", []string{"s3:ListBucket"}, bucket),
		// With Logs.DisablePublication too: logs that somebody asks for, the last lines or a bundle, are put there.
		allow("PublishLogs", []string{"s3:PutObject"}, bucket+"/resources/environments/logs/*"),
	}
	if e.props.streamsLogs() {
		groups := "log-group:/aws/elasticbeanstalk/*"
		if e.props.EnvironmentName != "" {
			groups = "log-group:/aws/elasticbeanstalk/" + e.props.EnvironmentName + "/*"
		}
		statements = append(statements, allow("Logs",
			[]string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:PutRetentionPolicy"},
			arn("logs", groups)))
	}
	statements = append(statements, e.secretStatements()...)
	if e.props.kind().worker {
		statements = append(statements, e.workerStatements()...)
	}
	// Of the following AWS bounds none to a resource.
	if e.props.xray() {
		statements = append(statements, allow("XRay", []string{"xray:GetSamplingRules", "xray:GetSamplingStatisticSummaries", "xray:GetSamplingTargets",
			"xray:PutTelemetryRecords", "xray:PutTraceSegments"}, "*"))
	}
	if e.props.Roles.SessionManager {
		statements = append(statements, allow("SessionManager", []string{"ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel",
			"ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"}, "*"))
	}
	return statements
}

// The two options that need rights of the instance role, whether a field or a raw setting of the props turns them on.
func (p *EnvironmentProps) xray() bool { return p.on(xrayNamespace, "XRayEnabled", p.XRayEnabled) }
func (p *EnvironmentProps) streamsLogs() bool {
	return p.on(logsNamespace, "StreamLogs", !p.Logs.DisableStreaming)
}

func (p *EnvironmentProps) on(namespace, name string, field bool) bool {
	for _, s := range p.OptionSettings {
		if s.Namespace == namespace && s.OptionName == name {
			field = !strings.EqualFold(s.Value, "false")
		}
	}
	return field
}

func allow(sid string, actions []string, resources ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       optional(sid),
		Actions:   jsii.Strings(actions...),
		Resources: jsii.Strings(resources...),
	})
}

// allowVia allows the use of keys through one service alone.
func allowVia(sid, service string, actions []string, keys ...string) awsiam.PolicyStatement {
	statement := allow(sid, actions, keys...)
	statement.AddCondition(jsii.String("StringLike"), map[string]string{"kms:ViaService": service + ".*.amazonaws.com"}) // of the key's region
	return statement
}
