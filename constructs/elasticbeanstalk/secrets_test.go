package elasticbeanstalk_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestParametersAndARNsAreSecretsToo(t *testing.T) {
	const (
		secret    = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"
		parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"
	)
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	props := dedicated(existingVPC(stack))
	props.Secrets = map[string]elasticbeanstalk.Secret{
		"PLAIN": {Parameter: awsssm.NewStringParameter(stack, jsii.String("Own"), &awsssm.StringParameterProps{StringValue: jsii.String("x")})},
		"SECURE": {EncryptionKey: key, Parameter: awsssm.StringParameter_FromSecureStringParameterAttributes(stack, jsii.String("Secure"),
			&awsssm.SecureStringParameterAttributes{ParameterName: jsii.String("/shop/secure")})},
		"PARAMETER": {ARN: parameter},
		"SECRET":    {ARN: secret},
		"USER":      {ARN: secret, JSONKey: "user", EncryptionKey: key},
	}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	const own = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/"
	got := template.Resources["Stack/Web"].Options()
	for name, want := range map[string]string{
		"PLAIN": own + "${Stack/Own}", "SECURE": own + "shop/secure", "PARAMETER": parameter, "SECRET": secret, "USER": secret + ":user",
	} {
		if got["aws:elasticbeanstalk:application:environmentsecrets "+name] != want {
			t.Errorf("%s is %q, want %q", name, got["aws:elasticbeanstalk:application:environmentsecrets "+name], want)
		}
	}
	rights := template.Resources["Stack/Web/InstanceRole"].Property("Policies.0.PolicyDocument.Statement")
	requireParts(t, rights,
		`{"Action":"secretsmanager:GetSecretValue","Effect":"Allow","Resource":"`+secret+`","Sid":"Secrets"}`,
		`{"Action":"kms:Decrypt","Condition":{"StringLike":{"kms:ViaService":"secretsmanager.*.amazonaws.com"}},"Effect":"Allow","Resource":"${Stack/Key.Arn}","Sid":"SecretsKey"}`,
		`{"Action":"ssm:GetParameter","Effect":"Allow","Resource":["`+parameter+`","`+own+`${Stack/Own}","`+own+`shop/secure"],"Sid":"Parameters"}`,
		`{"Action":"kms:Decrypt","Condition":{"StringLike":{"kms:ViaService":"ssm.*.amazonaws.com"}},"Effect":"Allow","Resource":"${Stack/Key.Arn}","Sid":"ParametersKey"}`)
}

func TestNoOptionHoldsASecretInPlainText(t *testing.T) {
	const password = "correct-horse"
	raw := func(namespace, name, value string) func(*elasticbeanstalk.EnvironmentProps) {
		return func(p *elasticbeanstalk.EnvironmentProps) {
			p.OptionSettings = append(p.OptionSettings, option.Setting{Namespace: namespace, OptionName: name, Value: value})
		}
	}
	endpoint := func(value string) func(*elasticbeanstalk.EnvironmentProps) {
		return func(p *elasticbeanstalk.EnvironmentProps) {
			p.Notifications.Endpoint, p.Notifications.Protocol = value, "https"
		}
	}
	for name, c := range map[string]struct {
		change func(*elasticbeanstalk.EnvironmentProps)
		parts  []string // nil if it is allowed
	}{
		"database": {raw("aws:rds:dbinstance", "DBPassword", password),
			[]string{"OptionSettings: aws:rds:dbinstance DBPassword: is a secret by its name", "{{resolve:secretsmanager:"}},
		"reference to a database's": {raw("aws:rds:dbinstance", "DBPassword", "{{resolve:secretsmanager:db:SecretString:password}}"), nil},
		"any option":                {raw("aws:rds:dbinstance", "DBUser", "postgres://a:"+password+"@db/x"), []string{"aws:rds:dbinstance DBUser: holds a password in a URL"}},
		"reference elsewhere":       {raw("aws:rds:dbinstance", "DBUser", "{{resolve:secretsmanager:db:SecretString:user}}"), []string{"DBUser: holds a reference"}},
		"endpoint":                  {endpoint("https://shop:" + password + "@example.com/"), []string{"Notifications: Endpoint: holds a password in a URL", "Notifications.Topic"}},
		"endpoint without":          {endpoint("https://example.com/"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := dedicated(someVPC{})
			c.change(p)
			message := ""
			if err := p.Validate(); err != nil {
				message = err.Error()
			}
			if refused := strings.Contains(message, "NotSecret"); refused != (c.parts != nil) {
				t.Errorf("refused is %v: %s", refused, message)
			}
			requireParts(t, message, c.parts...)
			if strings.Contains(message, password) {
				t.Errorf("shown: %s", message)
			}
		})
	}
	stack := newStack(t)
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(existingVPC(stack)))
	requireParts(t, panicOf(func() {
		environment.AddOptionSettings(option.Setting{Namespace: "aws:rds:dbinstance", OptionName: "DBPassword", Value: password})
	}), "DBPassword: is a secret by its name")
}

// The CDK gives the key of an imported parameter to nobody, so that the instance could not decrypt.
func TestTheKeyOfAnImportedSecureStringIsAskedFor(t *testing.T) {
	stack := newStack(t)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	imported := awsssm.StringParameter_FromSecureStringParameterAttributes(stack, jsii.String("Secure"),
		&awsssm.SecureStringParameterAttributes{ParameterName: jsii.String("/shop/secure"), EncryptionKey: key})
	props := dedicated(existingVPC(stack))
	props.Secrets = map[string]elasticbeanstalk.Secret{
		"ASKED": {Parameter: imported},
		"GIVEN": {Parameter: imported, EncryptionKey: key},
		"PLAIN": {Parameter: awsssm.StringParameter_FromStringParameterName(stack, jsii.String("Plain"), jsii.String("/shop/plain"))},
		"BYARN": {ARN: "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"},
	}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	if n := warningsOf(stack, "give it in EncryptionKey"); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
	if n := warningsOf(stack, `Secrets\["ASKED"\]`); n != 1 {
		t.Errorf("%d warnings of ASKED, want one", n)
	}
}

func TestARNsThatNameNoSecretAreRefusedInWords(t *testing.T) {
	for arn, parts := range map[string][]string{
		"hunter2": {"a value of 7 characters is not an ARN"},
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db":               {"not the complete ARN of a secret", "six letters or digits"},
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:user":   {"something behind the name", "JSONKey"},
		"arn:aws:ssm:eu-west-1:123456789012:document/db":                        {"not the ARN of a parameter"},
		"arn:aws:ssm:eu-west-1:123456789012:parameter/db:3":                     {"not the ARN of a parameter"},
		"arn:aws:kms:eu-west-1:123456789012:key/1234":                           {`of the service "kms"`, "secretsmanager", "ssm"},
		"arn:aws:s3:::bucket/secret":                                            {`of the service "s3"`},
		"${Token[TOKEN.12]}":                                                    {"known only when deployed", "SecretsManager or Parameter"},
		"arn:${Token[P.1]}:ssm:${Token[R.2]}:${Token[A.3]}:parameter/shop/db":   nil,
		"arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a/b+c-AbCd1f": nil,
	} {
		p := dedicated(someVPC{})
		p.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {ARN: arn}}
		err := p.Validate()
		switch {
		case parts == nil && err != nil:
			t.Errorf("%s is refused: %v", arn, err)
		case parts != nil && err == nil:
			t.Errorf("%s is not refused", arn)
		case err != nil:
			requireParts(t, err.Error(), append(parts, `Secrets["KEY"]: ARN: `)...)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("shown: %v", err)
			}
		}
	}
}

func TestSecretsInPlainTextAreRefused(t *testing.T) {
	const password = "correct-horse"
	for name, c := range map[string]struct {
		name, value string
		why         string // "" if it is allowed
	}{
		"name":              {"DB_PASSWORD", password, "is a secret by its name"},
		"URL":               {"DATABASE_URL", "postgres://shop:" + password + "@db:5432/shop", "holds a password in a URL"},
		"access key":        {"AWS_ACCESS_KEY_ID", "AKIA" + strings.Repeat("A", 16), "holds an access key of AWS"},
		"private key":       {"JWT", "-----BEGIN RSA PRIVATE KEY-----" + password, "holds a private key"},
		"dynamic reference": {"DB", "{{resolve:secretsmanager:db:SecretString:" + password + "}}", "holds a reference that CloudFormation replaces"},
		"URL without one":   {"DATABASE_URL", "postgres://db:5432/shop", ""},
		"about a secret":    {"PASSWORD_RESET_TIMEOUT", "3600", ""},
		"switch":            {"USE_TOKENS_", "true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for field, p := range map[string]*elasticbeanstalk.EnvironmentProps{
				"Environment[\"" + c.name + "\"]: ":                                             {Environment: map[string]string{c.name: c.value}},
				"OptionSettings: aws:elasticbeanstalk:application:environment " + c.name + ": ": {OptionSettings: []option.Setting{{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: c.name, Value: c.value}}},
			} {
				smallest := dedicated(someVPC{})
				p.Source, p.Network = smallest.Source, smallest.Network
				err := p.Validate()
				if c.why == "" {
					if err != nil {
						t.Errorf("refused: %v", err)
					}
					continue
				}
				if err == nil {
					t.Fatal("not refused")
				}
				requireParts(t, err.Error(), field+c.why, "give it in Secrets", "name "+c.name+" in NotSecret")
				if strings.Contains(err.Error(), password) {
					t.Errorf("shown: %v", err)
				}
				p.NotSecret = []string{c.name}
				if err := p.Validate(); err != nil {
					t.Errorf("refused although it is no secret: %v", err)
				}
			}
		})
	}
}

func TestUnwrappedSecretsAreRefusedBeforeAnythingIsAdded(t *testing.T) {
	stack := newStack(t)
	secret := awssecretsmanager.NewSecret(stack, jsii.String("Secret"), nil)
	user := awsiam.NewUser(stack, jsii.String("User"), nil)
	parameter := awscdk.NewCfnParameter(stack, jsii.String("Password"), &awscdk.CfnParameterProps{NoEcho: jsii.Bool(true)})
	lazy := awscdk.Lazy_String(&unwrapping{secret.SecretValue()}, nil)
	for name, value := range map[string]*string{
		"secret":        secret.SecretValue().UnsafeUnwrap(),
		"JSON":          secret.SecretValueFromJson(jsii.String("password")).UnsafeUnwrap(),
		"inside":        jsii.String("user=shop password=" + *secret.SecretValue().UnsafeUnwrap()),
		"secure string": awscdk.SecretValue_SsmSecure(jsii.String("/db"), nil).UnsafeUnwrap(),
		"access key":    awsiam.NewAccessKey(stack, jsii.String("AccessKey"), &awsiam.AccessKeyProps{User: user}).SecretAccessKey().UnsafeUnwrap(),
		"lazy":          lazy,
		"parameter":     awscdk.SecretValue_CfnParameter(parameter).UnsafeUnwrap(),
	} {
		t.Run(name, func(t *testing.T) {
			props := dedicated(existingVPC(awscdk.NewStack(stack, &name, nil)))
			props.Environment = map[string]string{"DB": *value}
			message := panicOf(func() { elasticbeanstalk.NewEnvironment(stack, "Web", props) })
			requireParts(t, message, `Stack/Web:`, `Environment["DB"]: holds `, "give it in Secrets")
			if stack.Node().TryFindChild(jsii.String("Web")) != nil {
				t.Error("the environment is in the tree all the same")
			}
		})
	}
	props := dedicated(existingVPC(stack))
	props.Environment = map[string]string{"DB_SECRET": *secret.SecretArn(), "DB": *secret.SecretName()}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props) // where a secret is says nothing of it
	before := len(environment.OptionSettings())
	message := panicOf(func() {
		environment.AddOptionSettings(
			option.Setting{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: "A", Value: *secret.SecretValue().UnsafeUnwrap()},
			option.Setting{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: "API_TOKEN", Value: "x"})
	})
	requireParts(t, message, `Environment["A"]: holds a reference`, `Environment["API_TOKEN"]: is a secret by its name`)
	if len(environment.OptionSettings()) != before {
		t.Error("what is refused is there all the same")
	}
}

type unwrapping struct{ secret awscdk.SecretValue }

func (u *unwrapping) Produce() *string { return u.secret.UnsafeUnwrap() }

func TestPinnedPlatformsWithoutSecretsAreWarnedOf(t *testing.T) {
	for version, want := range map[string]int{"": 0, "4.4.1": 2, "4.5.0": 1, "4.9.0": 1, "4.9.1": 0, "4.13.2": 0} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.Platform.Version = version
		props.Secrets = map[string]elasticbeanstalk.Secret{
			"WHOLE": {ARN: "arn:aws:ssm:eu-west-1:123456789012:parameter/db"},
			"KEY":   {ARN: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf", JSONKey: "password"},
		}
		elasticbeanstalk.NewEnvironment(stack, "Web", props)
		found := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Stack/Web"), assertions.Match_StringLikeRegexp(jsii.String("Platform.Version pins "+version)))
		if len(found) != want {
			t.Errorf("%q: %d warnings, want %d", version, len(found), want)
		}
	}
}
