package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"
)

// Roles are who the instances and Elastic Beanstalk act as.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/concepts-roles.html
type Roles struct {
	// Instance is the role of the instances. Default: one of the environment's own that may report health, read its
	// application version, write its logs and read Secrets, and nothing else. A role of yours needs the same rights.
	Instance awsiam.IRole
	// Service is the role of Elastic Beanstalk. Default: one of the environment's own with the two managed policies that
	// AWS keeps for it, because updates fail where a narrower policy lags behind the service.
	Service awsiam.IRole
}

// Secret is where the value of an environment property is kept.
type Secret struct {
	// SecretsManager is the secret. Required.
	SecretsManager awssecretsmanager.ISecret
	// JSONKey takes one value out of a secret that is a JSON object. Needs a platform version of 2026-01-13 or later.
	// Default: the whole secret.
	JSONKey string
}

var jsonKey = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

func (s Secret) validate() error {
	var problems []error
	if s.SecretsManager == nil {
		problems = append(problems, errors.New("SecretsManager: is required; give the secret that holds the value"))
	}
	if s.JSONKey != "" && !jsonKey.MatchString(s.JSONKey) {
		problems = append(problems, fmt.Errorf("JSONKey: %q is not allowed; use letters, digits and _ . / -", s.JSONKey))
	}
	return errors.Join(problems...)
}

func (e *Environment) newServiceRole() {
	e.ServiceRole = e.props.Roles.Service
	if e.ServiceRole == nil {
		e.ServiceRole = awsiam.NewRole(e, jsii.String("ServiceRole"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("elasticbeanstalk.amazonaws.com"), &awsiam.ServicePrincipalOpts{
				Conditions: &map[string]interface{}{"StringEquals": map[string]string{"sts:ExternalId": "elasticbeanstalk"}},
			}),
			Description: jsii.String("Elastic Beanstalk, for one environment"),
			ManagedPolicies: &[]awsiam.IManagedPolicy{
				awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AWSElasticBeanstalkEnhancedHealth")),
				awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy")),
			},
		})
	}
	e.refs.serviceRole = *e.ServiceRole.RoleArn()
}

func (e *Environment) newInstanceRole() {
	e.InstanceRole = e.props.Roles.Instance
	if e.InstanceRole == nil {
		e.InstanceRole = awsiam.NewRole(e, jsii.String("InstanceRole"), &awsiam.RoleProps{
			AssumedBy:   awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil),
			Description: jsii.String("Instances of an Elastic Beanstalk environment"),
			// Inline, so that the rights are there before an instance boots and until it has left.
			InlinePolicies: &map[string]awsiam.PolicyDocument{"Instance": e.instancePolicy()},
		})
	}
	profile := awsiam.NewInstanceProfile(e, jsii.String("InstanceProfile"), &awsiam.InstanceProfileProps{Role: e.InstanceRole})
	e.refs.instanceProfile = *profile.InstanceProfileName()

	if queue := e.props.Worker.Queue; queue != nil {
		e.refs.queueURL = *queue.QueueUrl()
		if key := queue.EncryptionMasterKey(); key != nil {
			key.GrantEncryptDecrypt(e.InstanceRole)
		}
	}
	e.refs.secrets = map[string]string{}
	for name, secret := range e.props.Secrets {
		e.refs.secrets[name] = *secret.SecretsManager.SecretArn()
		if secret.JSONKey != "" {
			e.refs.secrets[name] += ":" + secret.JSONKey
		}
		if key := secret.SecretsManager.EncryptionKey(); key != nil {
			key.GrantDecrypt(e.InstanceRole)
		}
	}
}

// instancePolicy is what an instance needs, as narrow as names allow: the environment's own name is
// known only when it exists, and the policy must exist before it.
func (e *Environment) instancePolicy() awsiam.PolicyDocument {
	stack := awscdk.Stack_Of(e)
	arn := func(service, resource string) *string {
		return stack.FormatArn(&awscdk.ArnComponents{Service: &service, Resource: &resource})
	}
	environment := cmp.Or(e.props.EnvironmentName, "*")
	bucket := fmt.Sprintf("arn:%s:s3:::elasticbeanstalk-%s-%s", *stack.Partition(), *stack.Region(), *stack.Account())
	statements := []awsiam.PolicyStatement{
		allow("Health", []string{"elasticbeanstalk:PutInstanceStatistics"},
			*arn("elasticbeanstalk", "application/"+*e.applicationName),
			*arn("elasticbeanstalk", "environment/"+*e.applicationName+"/"+environment)),
		// The application version, and the place that the instance publishes its logs to.
		allow("Bundle", []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}, bucket+"/resources/environments/*"),
		allow("BundleList", []string{"s3:ListBucket"}, bucket),
	}
	if !e.props.Logs.DisableStreaming {
		statements = append(statements, allow("Logs",
			[]string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:PutRetentionPolicy"},
			fmt.Sprintf("arn:%s:logs:%s:%s:log-group:/aws/elasticbeanstalk/%s*", *stack.Partition(), *stack.Region(), *stack.Account(), e.props.EnvironmentName)))
	}
	var secrets []string
	for _, name := range slices.Sorted(maps.Keys(e.props.Secrets)) {
		secret := e.props.Secrets[name].SecretsManager
		arn := *secret.SecretArn()
		if secret.SecretFullArn() == nil {
			arn += "-??????" // imported by its name: Secrets Manager adds six characters to it
		}
		if !slices.Contains(secrets, arn) {
			secrets = append(secrets, arn)
		}
	}
	if len(secrets) > 0 {
		statements = append(statements, allow("Secrets", []string{"secretsmanager:GetSecretValue"}, secrets...))
	}
	if e.props.kind().worker {
		statements = append(statements, e.workerStatements()...)
	}
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements})
}

func allow(sid string, actions []string, resources ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       optional(sid),
		Actions:   jsii.Strings(actions...),
		Resources: jsii.Strings(resources...),
	})
}
