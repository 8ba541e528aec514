package elasticbeanstalk_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

func TestTheEnvironmentIsAConstructAPeerAndAGrantee(t *testing.T) {
	stack := newStack(t)
	vpc := newVPC(stack)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(vpc))

	awss3.NewBucket(stack, jsii.String("Uploads"), nil).GrantRead(environment, nil)
	database := awsec2.NewSecurityGroup(stack, jsii.String("Database"), &awsec2.SecurityGroupProps{Vpc: vpc})
	database.Connections().AllowFrom(environment, awsec2.Port_Tcp(jsii.Number(5432)), nil)
	awscdk.Tags_Of(environment).Add(jsii.String("team"), jsii.String("web"), nil)
	if found := stack.Node().FindChild(jsii.String("Web")); found != environment {
		t.Error("the tree holds another object than the caller")
	}
	template := synth(t, stack)

	requireParts(t, template.Resources["Stack/Web/InstanceRole/DefaultPolicy"].Property("PolicyDocument.Statement"), "s3:GetObject*", "${Stack/Uploads.Arn}/*")
	requireRules(t, "into the database", ingress(template, "Stack/Database"), "tcp 5432-5432 ${Stack/Web/SecurityGroup.GroupId}")
	requireParts(t, template.Resources["Stack/Web"].Property("Tags"), `{"Key":"team","Value":"web"}`)
}

func TestTwoEnvironmentsLiveInOneStack(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	lb := newLoadBalancer(stack, vpc)
	for _, id := range []string{"Web", "Admin"} {
		elasticbeanstalk.NewEnvironment(stack, id, shared(vpc, lb)).TargetGroup()
	}
	template := synth(t, stack)
	if n := len(template.OfType("AWS::ElasticBeanstalk::Environment")); n != 2 {
		t.Errorf("%d environments", n)
	}
	for _, kind := range []string{"AWS::Lambda::Function", "AWS::Logs::LogGroup"} {
		if n := len(template.OfType(kind)); n != 1 {
			t.Errorf("%d of %s look up target groups, want one for all", n, kind)
		}
	}
}

func TestTheInstanceMayReadExactlyItsSecrets(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	own := awssecretsmanager.NewSecret(stack, jsii.String("Own"), &awssecretsmanager.SecretProps{EncryptionKey: key})
	named := awssecretsmanager.Secret_FromSecretNameV2(stack, jsii.String("Named"), jsii.String("theirs"))
	const complete = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:complete-AbCdEf"
	known := awssecretsmanager.Secret_FromSecretCompleteArn(stack, jsii.String("Known"), jsii.String(complete))
	awssecretsmanager.NewSecret(stack, jsii.String("Unrelated"), nil)

	props := dedicated(existingVPC(stack))
	props.Secrets = map[string]elasticbeanstalk.Secret{
		"OWN":      {SecretsManager: own},
		"USER":     {SecretsManager: own, JSONKey: "username"},
		"NAMED":    {SecretsManager: named},
		"COMPLETE": {SecretsManager: known},
	}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	const partial = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:theirs"
	got := template.Resources["Stack/Web"].Options()
	for name, want := range map[string]string{
		"OWN": "${Stack/Own}", "USER": "${Stack/Own}:username", "NAMED": partial, "COMPLETE": complete,
	} {
		if got["aws:elasticbeanstalk:application:environmentsecrets "+name] != want {
			t.Errorf("%s is %q, want %q", name, got["aws:elasticbeanstalk:application:environmentsecrets "+name], want)
		}
	}
	role := template.Resources["Stack/Web/InstanceRole"]
	// Secrets Manager ends the ARN of every secret with six characters that its name does not tell.
	requireParts(t, role.Property("Policies.0.PolicyDocument.Statement"),
		`{"Action":"secretsmanager:GetSecretValue","Effect":"Allow","Resource":["`+complete+`","`+partial+`-??????","${Stack/Own}"],"Sid":"Secrets"}`)
	requireParts(t, role.Property("Policies.0.PolicyDocument.Statement"),
		`{"Action":"kms:Decrypt","Condition":{"StringLike":{"kms:ViaService":"secretsmanager.*.amazonaws.com"}},"Effect":"Allow","Resource":"${Stack/Key.Arn}","Sid":"SecretsKey"}`)
}

func TestRights(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.EnvironmentName = "shop-production"
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	instance := template.Resources["Stack/Web/InstanceRole"]
	if got := instance.Property("ManagedPolicyArns"); got != "" {
		t.Errorf("the instances have managed policies: %s", got)
	}
	requireParts(t, instance.Property("Policies.0.PolicyDocument.Statement"),
		`:environment/${Stack/Web/Application}/shop-production"`,
		`:s3:::elasticbeanstalk-${AWS::Region}-${AWS::AccountId}/resources/environments/*"`,
		`:log-group:/aws/elasticbeanstalk/shop-production/*"`)
	if got := instance.Property("Policies.0.PolicyDocument.Statement"); strings.Contains(got, `"Resource":"*"`) || strings.Contains(got, "secretsmanager") {
		t.Errorf("the instances have rights that they do not need: %s", got)
	}
	requireParts(t, template.Resources["Stack/Web/ServiceRole"].Property("ManagedPolicyArns"),
		":iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth", ":iam::aws:policy/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy")
	requireParts(t, template.Resources["Stack/Web/ServiceRole"].Property("AssumeRolePolicyDocument.Statement"), `"sts:ExternalId":"elasticbeanstalk"`)
}

func TestRolesOfOnesOwn(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Roles.Instance = awsiam.NewRole(stack, jsii.String("Mine"), &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil)})
	props.Roles.Service = awsiam.Role_FromRoleArn(stack, jsii.String("Theirs"), jsii.String("arn:aws:iam::123456789012:role/eb"), nil)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	awss3.NewBucket(stack, jsii.String("Uploads"), nil).GrantRead(environment, nil)
	template := synth(t, stack)

	if got := len(template.OfType("AWS::IAM::Role")); got != 1 {
		t.Errorf("%d roles are made, want mine alone", got)
	}
	if got := template.Resources["Stack/Web/InstanceProfile"].Property("Roles.0"); got != "${Stack/Mine}" {
		t.Errorf("the profile has the role %q", got)
	}
	if got := template.Resources["Stack/Web"].Options()["aws:elasticbeanstalk:environment ServiceRole"]; got != "arn:aws:iam::123456789012:role/eb" {
		t.Errorf("ServiceRole is %q", got)
	}
	if !template.Resources["Stack/Web"].Before()["Stack/Mine/DefaultPolicy"] {
		t.Error("the rights of my role are not ordered before the environment")
	}
}

func TestTokensAreTakenWhereverTextIs(t *testing.T) {
	stack := newStack(t)
	token := func(name string) string {
		return *awscdk.NewCfnParameter(stack, &name, &awscdk.CfnParameterProps{Type: jsii.String("String")}).ValueAsString()
	}
	props := dedicated(existingVPC(stack))
	props.ApplicationName = token("Application")
	props.EnvironmentName = token("Name")
	props.Description = token("Description")
	props.Environment = map[string]string{"SITE": "https://" + token("Host") + "/"}
	props.Capacity.InstanceTypes = []string{token("Type")}
	props.LoadBalancer.CertificateARNs = []string{token("Certificate")}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	environment := synth(t, stack).Resources["Stack/Web"]

	for _, c := range [][2]string{
		{environment.Property("EnvironmentName"), "${Name}"},
		{environment.Property("Description"), "${Description}"},
		{environment.Options()["aws:elasticbeanstalk:application:environment SITE"], "https://${Host}/"},
		{environment.Options()["aws:ec2:instances InstanceTypes"], "${Type}"},
		{environment.Options()["aws:elbv2:listener:443 SSLCertificateArns"], "${Certificate}"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}

func TestTheVersionIsTheBundle(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Source.Overlay = []bundle.File{{Name: ".platform/hooks/postdeploy/hello.sh", Mode: 0o755, Content: []byte("#!/bin/sh\n")}}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)
	directory := *stack.Node().Root().(awscdk.App).Outdir()

	key := template.One(t, "AWS::ElasticBeanstalk::ApplicationVersion").Property("SourceBundle.S3Key")
	archive, err := zip.OpenReader(filepath.Join(directory, "asset."+key))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, file := range archive.File {
		names = append(names, file.Name)
	}
	if want := []string{".platform/hooks/postdeploy/hello.sh", "application.py"}; !slices.Equal(names, want) {
		t.Errorf("the bundle holds %q, want %q", names, want)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
