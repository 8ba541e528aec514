package elasticbeanstalk

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Secret is where the value of an environment property is kept: one of SecretsManager, Parameter and ARN.
//
// An instance fetches the value when it boots, and keeps it: after a change, replace the instances. The platform of Python
// on Amazon Linux 2023 does so since version 4.5.0 (March 2025); a warning ("beanpole:secrets-platform") says so where an
// older version is pinned.
type Secret struct {
	// SecretsManager is a secret of AWS Secrets Manager.
	SecretsManager awssecretsmanager.ISecret
	// Parameter is a parameter of AWS Systems Manager Parameter Store, such as a SecureString that
	// awsssm.StringParameter_FromSecureStringParameterAttributes imports.
	Parameter awsssm.IParameter
	// ARN is the complete ARN of the one or the other: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf" or
	// "arn:aws:ssm:eu-west-1:123456789012:parameter/db".
	ARN string
	// JSONKey takes one value out of a secret in Secrets Manager that is a JSON object, by a key of its top level. Needs
	// version 4.9.1 (January 2026) of the platform of Python on Amazon Linux 2023. Default: the whole secret.
	JSONKey string
	// EncryptionKey is the customer managed key that the secret is encrypted with; the instance role may decrypt with it
	// through Secrets Manager or Parameter Store alone. A SecureString with such a key always needs it here, because a
	// parameter that is imported does not tell its key; a warning ("beanpole:secure-string-key") reminds of it until it is
	// acknowledged. Default: that of SecretsManager if the construct knows it, else none, which is right for the keys that
	// AWS manages.
	EncryptionKey awskms.IKey
}

var (
	jsonKey      = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
	secretARN    = regexp.MustCompile(`^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:[^:]+-[A-Za-z0-9]{6}$`)
	parameterARN = regexp.MustCompile(`^arn:[^:]+:ssm:[^:]*:[^:]*:parameter/[^:]+$`)
)

func (s Secret) validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	given := 0
	for _, is := range []bool{s.SecretsManager != nil, s.Parameter != nil, s.ARN != ""} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		problem("SecretsManager, Parameter or ARN: one is required; give the secret or parameter that holds the value")
	case given > 1:
		problem("SecretsManager, Parameter and ARN: %d of them are given; a variable has one value: give one", given)
	case s.ARN != "":
		problems = append(problems, validateSecretARN(s.ARN))
	}
	if s.JSONKey != "" && !jsonKey.MatchString(s.JSONKey) {
		problem("JSONKey: %q is not allowed; use letters, digits and _ . / -", s.JSONKey)
	}
	if s.JSONKey != "" && (s.Parameter != nil || parameterARN.MatchString(s.ARN)) {
		problem("JSONKey: is for Secrets Manager; a parameter is taken whole: leave it out, or keep the value in a parameter of its own")
	}
	return errors.Join(problems...)
}

func validateSecretARN(arn string) error {
	parts := strings.SplitN(arn, ":", 7)
	switch {
	case secretARN.MatchString(arn) || parameterARN.MatchString(arn):
		return nil
	case strings.HasPrefix(arn, "${Token["):
		return errors.New("ARN: of which kind it is is known only when deployed; import what it names and give it in SecretsManager or Parameter")
	case parts[0] != "arn" || len(parts) < 6:
		return fmt.Errorf("ARN: a value of %d characters is not an ARN; give that of the secret or parameter, and keep the secret itself out of the stack", len([]rune(arn)))
	case parts[2] == "secretsmanager" && len(parts) == 7 && strings.Contains(parts[6], ":"):
		return fmt.Errorf("ARN: %q has something behind the name of the secret; give a key of its JSON in JSONKey", arn)
	case parts[2] == "secretsmanager":
		return fmt.Errorf("ARN: %q is not the complete ARN of a secret, which ends in a hyphen and six letters or digits; or import it by its name and give it in SecretsManager", arn)
	case parts[2] == "ssm":
		return fmt.Errorf("ARN: %q is not the ARN of a parameter, which is written as in arn:aws:ssm:eu-west-1:123456789012:parameter/db", arn)
	}
	return fmt.Errorf("ARN: %q is of the service %q; values come from a secret in Secrets Manager (secretsmanager) or a parameter in Parameter Store (ssm)", arn, parts[2])
}

// inSecretsManager says which of the two keeps the secret.
func (s Secret) inSecretsManager() bool {
	return s.SecretsManager != nil || secretARN.MatchString(s.ARN)
}

// arns are the ARN that the option names and the one that the right to read is for.
func (s Secret) arns() (named, granted string) {
	switch {
	case s.SecretsManager != nil:
		named = *s.SecretsManager.SecretArn()
		granted = named
		if s.SecretsManager.SecretFullArn() == nil {
			granted += "-??????" // imported by its name: Secrets Manager adds six characters to it
		}
	case s.Parameter != nil:
		named = *s.Parameter.ParameterArn()
		granted = named
	default:
		named, granted = s.ARN, s.ARN
	}
	if s.JSONKey != "" {
		named += ":" + s.JSONKey
	}
	return named, granted
}

func (s Secret) key() awskms.IKey {
	if s.EncryptionKey != nil {
		return s.EncryptionKey
	}
	if s.SecretsManager != nil {
		return s.SecretsManager.EncryptionKey()
	}
	return nil
}

// warnAboutSecureStrings says that the key of an imported SecureString is not known.
func (e *Environment) warnAboutSecureStrings() {
	for _, name := range slices.Sorted(maps.Keys(e.props.Secrets)) {
		s := e.props.Secrets[name]
		if s.Parameter != nil && s.EncryptionKey == nil && orPtr(s.Parameter.ParameterType(), "") == "SecureString" {
			awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:secure-string-key"), jsii.Sprintf("Secrets[%q]: an imported parameter does not tell the key that it is "+
				"encrypted with: give it in EncryptionKey, or acknowledge this if it is the one that AWS manages (aws/ssm)", name))
		}
	}
}

// secretStatements are the rights to read the secrets, and exactly these.
func (e *Environment) secretStatements() []awsiam.PolicyStatement {
	var secrets, secretKeys, parameters, parameterKeys []string
	for _, name := range slices.Sorted(maps.Keys(e.props.Secrets)) {
		secret := e.props.Secrets[name]
		named, granted := secret.arns()
		e.refs.secrets[name] = named
		to, keys := &parameters, &parameterKeys
		if secret.inSecretsManager() {
			to, keys = &secrets, &secretKeys
		}
		*to = append(*to, granted)
		if key := secret.key(); key != nil {
			*keys = append(*keys, *key.KeyArn())
		}
	}
	var statements []awsiam.PolicyStatement
	add := func(sid, service, action string, resources, keys []string) {
		if len(resources) > 0 {
			statements = append(statements, allow(sid, []string{action}, unique(resources)...))
		}
		if len(keys) > 0 {
			statements = append(statements, allowVia(sid+"Key", service, []string{"kms:Decrypt"}, unique(keys)...))
		}
	}
	add("Secrets", "secretsmanager", "secretsmanager:GetSecretValue", secrets, secretKeys)
	add("Parameters", "ssm", "ssm:GetParameter", parameters, parameterKeys)
	return statements
}

// unique keeps the first of each, and the order: that of tokens among themselves says nothing.
func unique(values []string) []string {
	var kept []string
	for _, value := range values {
		if !slices.Contains(kept, value) {
			kept = append(kept, value)
		}
	}
	return kept
}

// The first versions of the platform of Python on Amazon Linux 2023 that fetch secrets, and take a key out of one.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platform-history-python.html
var (
	secretsSince = []int{4, 5, 0}
	jsonKeySince = []int{4, 9, 1}
)

// warnAboutSecretsPlatform says that a pinned platform version passes over secrets.
func (e *Environment) warnAboutSecretsPlatform() {
	pinned := e.props.Platform.Version
	if branch := e.props.context().Platform; pinned == "" || !strings.Contains(branch, "Python") || !strings.HasSuffix(branch, "Amazon Linux 2023") {
		return
	}
	var version []int
	for part := range strings.SplitSeq(pinned, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return
		}
		version = append(version, n)
	}
	for _, name := range slices.Sorted(maps.Keys(e.props.Secrets)) {
		since, what := secretsSince, "fetches secrets"
		if e.props.Secrets[name].JSONKey != "" {
			since, what = jsonKeySince, "takes a key out of a secret"
		}
		if slices.Compare(version, since) < 0 {
			awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:secrets-platform"), jsii.Sprintf(
				"Secrets[%q]: the platform %s since version %d.%d.%d, and Platform.Version pins %s: pin a later one", name, what, since[0], since[1], since[2], pinned))
		}
	}
}

// plainSecret is the error of a setting that seems to hold a secret in plain text, without its value.
func (p *EnvironmentProps) plainSecret(s option.Setting, why string) error {
	instead := "keep it in Secrets Manager or Parameter Store and give it in Secrets"
	switch {
	case s.OptionName == notificationEndpoint:
		instead = "subscribe the endpoint to a topic of yours, and give that in Notifications.Topic"
	case hides(s):
		instead = "keep it in Secrets Manager and give a reference, {{resolve:secretsmanager:…}}"
	case s.Namespace != environmentNamespace:
		instead = "leave it out"
	}
	return fmt.Errorf("%s: %s, and whoever may describe the environment or its stack would read it: %s; if it is no secret, name %s in NotSecret",
		cmp.Or(p.field(s), s.Name()), why, instead, s.OptionName)
}

// hides says whether Elastic Beanstalk shows nobody the option's value, so that a reference to a secret is in order: it does
// with the password of a database of its own.
func hides(s option.Setting) bool {
	return s.Namespace == "aws:rds:dbinstance" && s.OptionName == "DBPassword"
}

// plainSecrets refuses settings that seem to hold a secret in plain text. No value gets into a message.
func (p *EnvironmentProps) plainSecrets(settings []option.Setting) error {
	var problems []error
	for _, s := range settings {
		switch {
		case s.Namespace == secretsNamespace, slices.Contains(p.NotSecret, s.OptionName):
		case hides(s) && strings.HasPrefix(s.Value, "{{resolve:"):
		default:
			if why := option.LooksSecret(s); why != "" {
				problems = append(problems, p.plainSecret(s, why))
			}
		}
	}
	return errors.Join(problems...)
}

// unwrappedSecrets refuses settings with a token that is the secret itself, such as that of UnsafeUnwrap: the template would
// hold a reference, and the environment's configuration the value.
func (p *EnvironmentProps) unwrappedSecrets(scope constructs.Construct, settings []option.Setting) error {
	var problems []error
	for _, s := range settings {
		if !s.Unresolved || strings.Contains(s.Value, unknown) || s.Namespace == secretsNamespace || hides(s) || slices.Contains(p.NotSecret, s.OptionName) {
			continue
		}
		if why := secretToken(scope, s.Value); why != "" {
			problems = append(problems, p.plainSecret(s, why))
		}
	}
	return errors.Join(problems...)
}

// secretToken says which secret a value with tokens holds, "" if none.
func secretToken(scope constructs.Construct, value string) string {
	for _, token := range *awscdk.Tokenization_ReverseString(&value).Tokens() {
		if reference, ok := token.(awscdk.Reference); ok {
			if parameter, ok := reference.Target().(awscdk.CfnParameter); ok && *parameter.NoEcho() {
				return "holds a parameter of the stack that is NoEcho"
			}
		}
	}
	resolved, err := json.Marshal(awscdk.Stack_Of(scope).Resolve(value))
	if err != nil {
		panic(err) // it came as JSON
	}
	if kind := option.SecretValue(string(resolved)); kind != "" {
		return "holds " + kind
	}
	if secretAttribute.Match(resolved) {
		return "holds a secret access key"
	}
	return ""
}

var secretAttribute = regexp.MustCompile(`"Fn::GetAtt":\["[^"]+","SecretAccessKey"\]`)
