package elasticbeanstalk_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

// statement is a statement of a policy, with names for what only a deployment knows.
type statement struct {
	Sid, Effect      string
	Action, Resource any
	Condition        map[string]map[string]any
}

func (s statement) actions() []string   { return texts(s.Action) }
func (s statement) resources() []string { return texts(s.Resource) }

func texts(value any) []string {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	var all []string
	for _, v := range value.([]any) {
		all = append(all, v.(string))
	}
	return all
}

// statements are what a role may do by policies of its own and by those attached to it.
func statements(t *testing.T, template *templatetest.Template, role string) []statement {
	t.Helper()
	var all []statement
	read := func(document string) {
		var some []statement
		if err := json.Unmarshal([]byte(document), &some); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		all = append(all, some...)
	}
	own := template.Resources[role]
	for i := range own.Len("Policies") {
		read(own.Property("Policies." + string(rune('0'+i)) + ".PolicyDocument.Statement"))
	}
	for _, policy := range template.OfType("AWS::IAM::Policy") {
		if strings.Contains(policy.Property("Roles"), "${"+role+"}") {
			read(policy.Property("PolicyDocument.Statement"))
		}
	}
	return all
}

// The widest rights that the instance role may have, action by action, as the names below stand for resources. What is on
// "*", or on a pattern in which anything may stand, has the reason why it cannot be narrower.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var instanceRights = map[string]string{
	"elasticbeanstalk:PutInstanceStatistics application": "",
	"elasticbeanstalk:PutInstanceStatistics environment": "without EnvironmentName the name is made when the role is there already",
	"s3:GetObject bundles":                               "the environment's id, which the path goes on with, is made when the role is there already",
	"s3:GetObjectVersion bundles":                        "as s3:GetObject",
	"s3:ListBucket bucket":                               "",
	"s3:PutObject logs":                                  "as s3:GetObject",
	"logs:CreateLogGroup log groups":                     "the groups are those of the platform's files; without EnvironmentName its name is made later",
	"logs:CreateLogStream log groups":                    "as logs:CreateLogGroup",
	"logs:DescribeLogStreams log groups":                 "as logs:CreateLogGroup",
	"logs:PutLogEvents log groups":                       "as logs:CreateLogGroup",
	"logs:PutRetentionPolicy log groups":                 "as logs:CreateLogGroup",
	"secretsmanager:GetSecretValue secret":               "",
	"ssm:GetParameter parameter":                         "",
	"kms:Decrypt key":                                    "",
	"kms:GenerateDataKey key":                            "",
	"xray:GetSamplingRules *":                            "AWS gives X-Ray's data plane no resource-level permission",
	"xray:GetSamplingStatisticSummaries *":               "as xray:GetSamplingRules",
	"xray:GetSamplingTargets *":                          "as xray:GetSamplingRules",
	"xray:PutTelemetryRecords *":                         "as xray:GetSamplingRules",
	"xray:PutTraceSegments *":                            "as xray:GetSamplingRules",
	"ssm:UpdateInstanceInformation *":                    "AWS gives the agent's heartbeat no resource-level permission",
	"ssmmessages:CreateControlChannel *":                 "AWS gives the service ssmmessages no resource-level permission",
	"ssmmessages:CreateDataChannel *":                    "as ssmmessages:CreateControlChannel",
	"ssmmessages:OpenControlChannel *":                   "as ssmmessages:CreateControlChannel",
	"ssmmessages:OpenDataChannel *":                      "as ssmmessages:CreateControlChannel",
	"cloudwatch:PutMetricData *":                         "AWS gives it no resource-level permission; a condition bounds the namespace",
	"sqs:ChangeMessageVisibility queue":                  "the queue of Elastic Beanstalk has the environment's id in its name; one of yours is named",
	"sqs:DeleteMessage queue":                            "as sqs:ChangeMessageVisibility",
	"sqs:ReceiveMessage queue":                           "as sqs:ChangeMessageVisibility",
	"sqs:SendMessage queue":                              "as sqs:ChangeMessageVisibility",
	"dynamodb:BatchGetItem table":                        "the table has the environment's id in its name",
	"dynamodb:BatchWriteItem table":                      "as dynamodb:BatchGetItem",
	"dynamodb:DeleteItem table":                          "as dynamodb:BatchGetItem",
	"dynamodb:GetItem table":                             "as dynamodb:BatchGetItem",
	"dynamodb:PutItem table":                             "as dynamodb:BatchGetItem",
	"dynamodb:Query table":                               "as dynamodb:BatchGetItem",
	"dynamodb:Scan table":                                "as dynamodb:BatchGetItem",
	"dynamodb:UpdateItem table":                          "as dynamodb:BatchGetItem",
}

func TestEveryRightOfTheInstanceRole(t *testing.T) {
	const (
		account     = "${AWS::Region}:${AWS::AccountId}:"
		partition   = "arn:${AWS::Partition}:"
		bucket      = partition + "s3:::elasticbeanstalk-${AWS::Region}-${AWS::AccountId}"
		environment = partition + "elasticbeanstalk:" + account + "environment/${Stack/Web/Application}/"
		groups      = partition + "logs:" + account + "log-group:/aws/elasticbeanstalk/"
	)
	always := map[string]string{
		partition + "elasticbeanstalk:" + account + "application/${Stack/Web/Application}": "application",
		environment + "*":                    "environment",
		bucket:                               "bucket",
		bucket + "/resources/environments/*": "bundles",
		bucket + "/resources/environments/logs/*": "logs",
		groups + "*":       "log groups",
		"*":                "*",
		"${Stack/Secret}":  "secret",
		"${Stack/Key.Arn}": "key",
		"arn:aws:ssm:eu-west-1:1:parameter/shop/p":                                               "parameter",
		partition + "sqs:" + account + "awseb-*-stack-AWSEBWorkerQueue-*":                        "queue",
		partition + "dynamodb:" + account + "table/awseb-*-stack-AWSEBWorkerCronLeaderRegistry*": "table",
		"${Stack/Queue.Arn}": "queue",
	}
	seen := map[string]bool{}
	for name, c := range map[string]struct {
		change    func(awscdk.Stack, *elasticbeanstalk.EnvironmentProps)
		otherwise map[string]string // resources that are narrower here than always, "" if they must not be there
	}{
		"defaults": {},
		"named": {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.ApplicationName, p.EnvironmentName = "shop", "shop-live"
		},
			map[string]string{environment + "shop-live": "environment", groups + "shop-live/*": "log groups", environment + "*": "", groups + "*": ""}},
		"secrets": {func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			key := awskms.NewKey(stack, jsii.String("Key"), nil)
			p.Secrets = map[string]elasticbeanstalk.Secret{
				"A": {SecretsManager: awssecretsmanager.NewSecret(stack, jsii.String("Secret"), &awssecretsmanager.SecretProps{EncryptionKey: key})},
				"B": {ARN: "arn:aws:ssm:eu-west-1:1:parameter/shop/p", EncryptionKey: key},
			}
		}, nil},
		"everything on": {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.XRayEnabled, p.Roles.SessionManager, p.Health.HealthStreamingEnabled = true, true, true
		}, nil},
		"X-Ray by a raw setting": {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.OptionSettings = []option.Setting{{Namespace: "aws:elasticbeanstalk:xray", OptionName: "XRayEnabled", Value: "true"}}
		}, nil},
		"no logs": {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) { p.Logs.DisableStreaming = true }, map[string]string{groups + "*": ""}},
		"worker":  {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) { p.Tier = option.Worker }, nil},
		"worker with a queue": {func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.Tier, p.Worker.Queue = option.Worker, awssqs.NewQueue(stack, jsii.String("Queue"),
				&awssqs.QueueProps{EncryptionMasterKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
		}, map[string]string{partition + "sqs:" + account + "awseb-*-stack-AWSEBWorkerQueue-*": ""}},
		"one instance": {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.EnvironmentType = elasticbeanstalk.SingleInstance
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			props := dedicated(existingVPC(stack))
			if c.change != nil {
				c.change(stack, props)
			}
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			template := synth(t, stack)
			if got := template.Resources["Stack/Web/InstanceRole"].Property("ManagedPolicyArns"); got != "" {
				t.Errorf("managed policies: %s", got)
			}
			names := maps.Clone(always)
			maps.Copy(names, c.otherwise)
			for _, s := range statements(t, template, "Stack/Web/InstanceRole") {
				if s.Effect != "Allow" {
					t.Errorf("%s: %s", s.Sid, s.Effect)
				}
				for _, action := range s.actions() {
					for _, resource := range s.resources() {
						right := action + " " + names[resource]
						why, listed := instanceRights[right]
						seen[right] = true
						switch {
						case names[resource] == "":
							t.Errorf("%s on %s: no such resource in the table, or there is a narrower one", action, resource)
						case !listed:
							t.Errorf("%s on %s (%s): not in the table", action, names[resource], resource)
						case strings.Contains(resource, "*") && why == "":
							t.Errorf("%s on %s: no reason why it is not narrower", action, resource)
						case strings.Contains(action, "*"):
							t.Errorf("%s: a pattern of actions", action)
						}
						if strings.HasPrefix(action, "kms:") && s.Condition["StringLike"]["kms:ViaService"] == nil {
							t.Error("the key can be used otherwise than through one service")
						}
						if action == "cloudwatch:PutMetricData" && s.Condition["StringLike"]["cloudwatch:namespace"] == nil {
							t.Error("metrics can be written into every namespace")
						}
					}
				}
			}
		})
	}
	for _, right := range slices.Sorted(maps.Keys(instanceRights)) {
		if !seen[right] {
			t.Errorf("%s is in the table, and nowhere given", right)
		}
	}
}

// What needs a right of the instance role goes with it, however it is turned on.
func TestRawSettingsDoNotOutrunTheRole(t *testing.T) {
	xray := option.Setting{Namespace: "aws:elasticbeanstalk:xray", OptionName: "XRayEnabled", Value: "True"}
	logs := option.Setting{Namespace: "aws:elasticbeanstalk:cloudwatch:logs", OptionName: "StreamLogs", Value: "true"}
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Logs.DisableStreaming = true
	late := elasticbeanstalk.NewEnvironment(stack, "Late", props)
	message := panicOf(func() { late.AddOptionSettings(xray, logs) })
	requireParts(t, message, "XRayEnabled: the role of the instances has to follow", "StreamLogs: the role of the instances has to follow")

	props.OptionSettings = []option.Setting{xray, logs}
	elasticbeanstalk.NewEnvironment(stack, "Early", props)
	rights := synth(t, stack).Resources["Stack/Early/InstanceRole"].Property("Policies.0.PolicyDocument.Statement")
	requireParts(t, rights, "xray:PutTraceSegments", "logs:PutLogEvents")
}

func TestRolesAreBoundAndGetFurtherPolicies(t *testing.T) {
	stack := newStack(t)
	boundary := awsiam.ManagedPolicy_FromManagedPolicyArn(stack, jsii.String("Boundary"), jsii.String("arn:aws:iam::123456789012:policy/boundary"))
	props := dedicated(existingVPC(stack))
	props.Roles.PermissionsBoundary = boundary
	props.Roles.InstanceManagedPolicies = []awsiam.IManagedPolicy{awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("CloudWatchAgentServerPolicy"))}
	props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	environment.TargetGroup()
	environment.TargetGroupOf("api")
	environment.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("ses:SendEmail"), Resources: jsii.Strings("arn:aws:ses:eu-west-1:123456789012:identity/example.com"),
	}))
	template := synth(t, stack)
	roles := template.OfType("AWS::IAM::Role")
	if len(roles) != 4 {
		t.Errorf("%d roles, want those of the instances, of Elastic Beanstalk and of the two functions behind look-ups", len(roles))
	}
	for _, role := range roles {
		if role.Property("PermissionsBoundary") != "arn:aws:iam::123456789012:policy/boundary" {
			t.Errorf("%s is bound by %q", role.Name, role.Property("PermissionsBoundary"))
		}
	}
	instance := template.Resources["Stack/Web/InstanceRole"]
	requireParts(t, instance.Property("ManagedPolicyArns"), ":iam::aws:policy/CloudWatchAgentServerPolicy")
	if instance.Len("Policies") != 1 {
		t.Error("the managed policy has taken the place of the role's own rights")
	}
	requireParts(t, template.Resources["Stack/Web/InstanceRole/DefaultPolicy"].Property("PolicyDocument.Statement"), "ses:SendEmail")
	if !template.Resources["Stack/Web"].Before()["Stack/Web/InstanceRole/DefaultPolicy"] {
		t.Error("a right that was added later is not ordered before the environment")
	}
}

func TestRolesMadeElsewhereGetTheRightsOrAWarning(t *testing.T) {
	for name, c := range map[string]struct {
		role func(awscdk.Stack, string) awsiam.IRole
		gets bool
	}{
		"of the same stack": {func(stack awscdk.Stack, id string) awsiam.IRole {
			return awsiam.NewRole(stack, &id, &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil)})
		}, true},
		"of another stack": {func(stack awscdk.Stack, id string) awsiam.IRole {
			return awsiam.NewRole(awscdk.NewStack(stack.Node().Root().(awscdk.App), jsii.String("Other"+id), nil), &id,
				&awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil)})
		}, true},
		"imported": {func(stack awscdk.Stack, id string) awsiam.IRole {
			return awsiam.Role_FromRoleArn(stack, &id, jsii.String("arn:aws:iam::123456789012:role/"+id), nil)
		}, true},
		"imported and not to be changed": {func(stack awscdk.Stack, id string) awsiam.IRole {
			return awsiam.Role_FromRoleArn(stack, &id, jsii.String("arn:aws:iam::123456789012:role/"+id), &awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			props := dedicated(existingVPC(stack))
			props.Secrets = map[string]elasticbeanstalk.Secret{"A": {ARN: "arn:aws:ssm:eu-west-1:1:parameter/shop/p"}}
			props.Notifications.Topic = awssns.NewTopic(stack, jsii.String("Topic"), nil)
			props.Roles.Instance, props.Roles.Service = c.role(stack, "Instance"), c.role(stack, "Service")
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			warnings := func(text string) int {
				return len(*assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Stack/Web"), assertions.Match_StringLikeRegexp(&text)))
			}
			instance, service := warnings("Roles.Instance: .*elasticbeanstalk:PutInstanceStatistics, .*ssm:GetParameter"), warnings("Roles.Service: .*sns:Publish")
			template := synth(t, stack)
			for policy, part := range map[string]string{"Stack/Web/InstancePolicy": "ssm:GetParameter", "Stack/Web/ServicePolicy": `"Resource":"${Stack/Topic}"`} {
				switch resource := template.Resources[policy]; {
				case !c.gets && resource != nil:
					t.Errorf("there is a %s, which nothing may have", policy)
				case c.gets && resource == nil:
					t.Errorf("there is no %s", policy)
				case c.gets:
					requireParts(t, resource.Property("PolicyDocument.Statement"), part)
					if !template.Resources["Stack/Web"].Before()[policy] {
						t.Errorf("%s is not ordered before the environment", policy)
					}
				}
			}
			if want := map[bool]int{true: 0, false: 1}[c.gets]; instance != want || service != want {
				t.Errorf("%d and %d warnings, want %d of each", instance, service, want)
			}
		})
	}
}

func TestNotifications(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(awscdk.Stack, *elasticbeanstalk.Notifications)
		want    map[string]string
		service []string // rights beyond AWS's managed policies
	}{
		"none": {want: map[string]string{}},
		"topic": {func(stack awscdk.Stack, n *elasticbeanstalk.Notifications) {
			n.Topic = awssns.NewTopic(stack, jsii.String("Topic"), nil)
		},
			map[string]string{"Notification Topic ARN": "${Stack/Topic}"}, []string{"sns:Publish ${Stack/Topic}"}},
		"encrypted topic": {func(stack awscdk.Stack, n *elasticbeanstalk.Notifications) {
			n.Topic = awssns.NewTopic(stack, jsii.String("Topic"), &awssns.TopicProps{MasterKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
		}, map[string]string{"Notification Topic ARN": "${Stack/Topic}"},
			[]string{"kms:Decrypt ${Stack/Key.Arn}", "kms:GenerateDataKey ${Stack/Key.Arn}", "sns:Publish ${Stack/Topic}"}},
		"address": {func(_ awscdk.Stack, n *elasticbeanstalk.Notifications) { n.Endpoint = "ops@example.com" },
			map[string]string{"Notification Endpoint": "ops@example.com", "Notification Protocol": "email"}, nil},
		"URL": {func(_ awscdk.Stack, n *elasticbeanstalk.Notifications) {
			n.Endpoint, n.Protocol = "https://example.com/hook", "https"
		}, map[string]string{"Notification Endpoint": "https://example.com/hook", "Notification Protocol": "https"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			props := dedicated(existingVPC(stack))
			if c.change != nil {
				c.change(stack, &props.Notifications)
			}
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			template := synth(t, stack)
			got := map[string]string{}
			for key, value := range template.Resources["Stack/Web"].Options() {
				if name, ok := strings.CutPrefix(key, "aws:elasticbeanstalk:sns:topics "); ok {
					got[name] = value
				}
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("options %q, want %q", got, c.want)
			}
			var rights []string
			for _, s := range statements(t, template, "Stack/Web/ServiceRole") {
				for _, action := range s.actions() {
					rights = append(rights, action+" "+strings.Join(s.resources(), " "))
				}
			}
			if slices.Sort(rights); !slices.Equal(rights, c.service) {
				t.Errorf("rights %q, want %q", rights, c.service)
			}
		})
	}
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Notifications.Topic = awssns.NewTopic(stack, jsii.String("Topic"), &awssns.TopicProps{Fifo: jsii.Bool(true)})
	requireParts(t, panicOf(func() { elasticbeanstalk.NewEnvironment(stack, "Web", props) }), "Notifications: Topic: ", "FIFO")
	if stack.Node().TryFindChild(jsii.String("Web")) != nil {
		t.Error("the environment is in the tree all the same")
	}
}
