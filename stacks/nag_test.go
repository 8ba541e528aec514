package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"example.com/beanpole-cdk/stacks"
)

type acceptedFinding struct{ finding, at, reason string }

// accepted are the findings of cdk-nag's AwsSolutions rules that stay, by what they say and where, each with the reason.
// What is not here is mended.
//
// https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
var accepted = []acceptedFinding{
	{`AwsSolutions-EC23:`, `-network/LoadBalancerSecurityGroup`,
		"a public site: the load balancer, and nothing else, is open to everybody on the ports of its listeners"},
	{`AwsSolutions-VPC7:`, `-network/VPC`,
		"flow logs are billed by the gigabyte and say nothing of the health of a site; who wants them adds them to the VPC"},
	{`AwsSolutions-S1:`, `-network/AccessLogs`,
		"the bucket of access logs: logs of it would be written by those who read them"},
	{`AwsSolutions-SMG4:`, `-web/WebSecretKey`,
		"a new SECRET_KEY ends every session and voids every signed link; when to do that is the site's decision"},
	{`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth]:`, `-web/Web/ServiceRole`,
		"AWS keeps the policy of the service role: updates fail where a narrower one lags behind the service"},
	{`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy]:`, `-web/Web/ServiceRole`,
		"AWS keeps the policy of the service role: updates fail where a narrower one lags behind the service"},
	{`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]:`, `-web/AWS679f53fac002430cb0da5b7982bd2287/ServiceRole`,
		"the CDK's own function for look-ups at deployment, which writes its log and nothing else by this policy"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:elasticbeanstalk:<AWS::Region>:<AWS::AccountId>:environment/<*>/*]:`, `-web/Web/InstanceRole`,
		"the environment's generated name is not known before its instances need the role; the application's is"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::elasticbeanstalk-<AWS::Region>-<AWS::AccountId>/resources/environments/*]:`, `-web/Web/InstanceRole`,
		"the path has the environment's id, which is not known before its instances need the role"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::elasticbeanstalk-<AWS::Region>-<AWS::AccountId>/resources/environments/logs/*]:`, `-web/Web/InstanceRole`,
		"the path goes on with the environment's id, which is not known before its instances need the role"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/elasticbeanstalk/*]:`, `-web/Web/InstanceRole`,
		"the log groups have the environment's generated name, which is not known before its instances need the role"},
	{`AwsSolutions-IAM5[Resource::*]:`, `-web/Web/HealthCheck/CustomResourcePolicy`, "elasticloadbalancing:DescribeTargetGroups knows no resources"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/awseb-<*>-stack/*]:`, `-web/Web/TargetGroupARN/CustomResourcePolicy`,
		"the last part of a stack's ARN is a random id; the stack's name is whole"},

	// Of what only some configurations have.
	{`AwsSolutions-EC23:`, `-web/Web/SecurityGroup`,
		"a single instance is what clients reach, on the port of the proxy; behind a load balancer instances admit that alone"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/awseb-*-stack-AWSEBWorkerCronLeaderRegistry*]:`, `-web/Web/InstanceRole`,
		"the table's name has the environment's id, which is not known before its instances need the role"},
	{`AwsSolutions-IAM5[Resource::*]:`, `-web/Web/InstanceRole`,
		"of a worker cloudwatch:PutMetricData, in namespaces of Elastic Beanstalk; with sessionManager the agent's channels: these actions know no resources"},
	{`AwsSolutions-IAM5[Resource::*]:`, `-web/Web/TargetGroupRights-api`, "elasticloadbalancing:DescribeTargetGroups knows no resources"},
	{`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/awseb-<*>-stack/*]:`, `-web/Web/TargetGroupRights-api`,
		"the last part of a stack's ARN is a random id; the stack's name is whole"},
	{`AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]:`, `-web/TargetGroupOf5b3f0c2e9d414f6a8a571c6f2b7e9d10/ServiceRole`,
		"the function that finds target groups, which writes its log and nothing else by this policy"},
}

// token is a reference to a resource in what cdk-nag says.
var token = regexp.MustCompile(`<[A-Z][A-Za-z0-9]*[0-9A-F]{8}(\.[A-Za-z0-9.]+)?>`)

// The default configuration, and the same with everything that adds resources, pass the AwsSolutions rules, but for what is
// accepted with a reason; and nothing is accepted that is not found.
func TestTheAwsSolutionsRulesFindNothingElse(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	text, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	object := file.Context[stacks.ContextKey].(map[string]any)
	object["source"] = "../examples/mysite"
	found := map[int]bool{}
	for _, configuration := range []struct {
		name string
		more map[string]any
	}{
		{"cdk.json", nil},
		{"cdk.json with HTTPS", map[string]any{
			"beanpole.environments.production.domains":    []any{"www.example.com"},
			"beanpole.environments.production.hostedZone": map[string]any{"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"},
		}},
		{"cdk.json with all that adds resources", map[string]any{
			"beanpole.environments.production.notifications":        map[string]any{"email": "ops@example.com"},
			"beanpole.environments.production.processes":            map[string]any{"api": map[string]any{"port": 8080., "paths": []any{"/api/*"}}},
			"beanpole.environments.production.roles.sessionManager": true,
			"beanpole.environments.production.workers":              []any{"tasks"},
			"beanpole.environments.tasks":                           map[string]any{"tier": "Worker", "network": "production"},
			"beanpole.environments.demo":                            map[string]any{"environmentType": "SingleInstance", "cnamePrefix": "mysite-demo"},
		}},
	} {
		maps.Copy(file.Context, configuration.more)
		config, err := stacks.LoadConfig(file.Context)
		if err != nil {
			t.Fatal(err)
		}
		app := newApp(t)
		// With it the first finding would end the synthesis, whether it is accepted or not.
		app.Node().SetContext(jsii.String("@aws-cdk/core:annotationsInValidationReport"), false)
		if err := stacks.Build(app, config); err != nil {
			t.Fatal(err)
		}
		awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
		checked := 0
		for _, child := range *app.Node().Children() {
			stack, ok := child.(awscdk.Stack)
			if !ok {
				continue
			}
			checked++
			annotations, rule := assertions.Annotations_FromStack(stack), assertions.Match_StringLikeRegexp(jsii.String("^AwsSolutions-.*"))
			for _, m := range slices.Concat(*annotations.FindError(jsii.String("*"), rule), *annotations.FindWarning(jsii.String("*"), rule)) {
				path, finding := strings.TrimSuffix(*m.Id, "/Resource"), fmt.Sprint(m.Entry.Data)
				i := slices.IndexFunc(accepted, func(a acceptedFinding) bool {
					return strings.HasPrefix(token.ReplaceAllString(finding, "<*>"), a.finding) && strings.HasSuffix(path, a.at)
				})
				if i < 0 {
					t.Errorf("%s: %s: %s", configuration.name, path, finding)
				}
				found[i] = true
			}
		}
		if checked < 2 {
			t.Fatalf("%s: %d stacks were checked", configuration.name, checked)
		}
	}
	for i, a := range accepted {
		if !found[i] {
			t.Errorf("%s at %s is accepted, but not found any more: remove it", a.finding, a.at)
		}
	}
}
