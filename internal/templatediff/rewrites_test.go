package templatediff

import (
	"fmt"
	"strings"
	"testing"
)

// A secret that gets another value keeps its ARN: the setting is the same, and the instances that run have the old value.
func TestValuesThatInstancesHaveFetched(t *testing.T) {
	const (
		parameter = `"Mode": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": %q}}`
		generated = `"Key": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {"PasswordLength": %s}}}`
		setting   = "s Web aws:elasticbeanstalk:application:environmentsecrets MODE"
	)
	web := func(arn string, more ...string) string {
		return fmt.Sprintf(environmentJSON, strings.Join(append([]string{settingJSON("aws:elasticbeanstalk:application:environmentsecrets", "MODE", arn)}, more...), ","))
	}
	arn := `{"Fn::Sub": "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${Mode}"}`
	property := func(value string) string {
		return settingJSON("aws:elasticbeanstalk:application:environment", "A", value)
	}
	for name, test := range map[string]struct {
		base, head string
		want       map[string]Effect
	}{
		"a parameter": {stack(fmt.Sprintf(parameter, "a"), web(arn)), stack(fmt.Sprintf(parameter, "b"), web(arn)),
			map[string]Effect{"s Mode Value": UpdatedInPlace, setting: NewInstancesOnly}},
		"a generated secret, by its key": {
			stack(fmt.Sprintf(generated, "32"), web(`{"Fn::Join": [":", [{"Ref": "Key"}, "password"]]}`)),
			stack(fmt.Sprintf(generated, "50"), web(`{"Fn::Join": [":", [{"Ref": "Key"}, "password"]]}`)),
			map[string]Effect{"s Key GenerateSecretString.PasswordLength": UpdatedInPlace, setting: NewInstancesOnly}},
		"and the application restarts": {stack(fmt.Sprintf(parameter, "a"), web(arn, property("1"))), stack(fmt.Sprintf(parameter, "b"), web(arn, property("2"))),
			map[string]Effect{"s Mode Value": UpdatedInPlace, setting: NoInterruption, "s Web aws:elasticbeanstalk:application:environment A": RestartsApplication}},
		"another property of it": {
			stack(strings.Replace(fmt.Sprintf(parameter, "a"), `"Type": "String"`, `"Type": "String", "Description": "x"`, 1), web(arn)),
			stack(strings.Replace(fmt.Sprintf(parameter, "a"), `"Type": "String"`, `"Type": "String", "Description": "y"`, 1), web(arn)),
			map[string]Effect{"s Mode Description": UpdatedInPlace}},
		"an environment that does not fetch it": {
			stack(fmt.Sprintf(parameter, "a"), fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "MODE_NAME", `{"Ref": "Mode"}`))),
			stack(fmt.Sprintf(parameter, "b"), fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:application:environment", "MODE_NAME", `{"Ref": "Mode"}`))),
			map[string]Effect{"s Mode Value": UpdatedInPlace}},
	} {
		t.Run(name, func(t *testing.T) {
			r, got := diff(t, map[string]string{"s": test.base}, map[string]string{"s": test.head})
			expect(t, r, got, test.want)
		})
	}
}

func TestTagsInTheLaunchTemplate(t *testing.T) {
	tagged := func(propagated, value string) string {
		return stack(strings.Replace(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:launchconfiguration", "LaunchTemplateTagPropagationEnabled", propagated)),
			`"OptionSettings"`, fmt.Sprintf(`"Tags": [{"Key": "team", "Value": %q}], "OptionSettings"`, value), 1))
	}
	for propagated, want := range map[string]Effect{"true": ReplacesInstances, "false": NoInterruption} {
		r, got := diff(t, map[string]string{"s": tagged(propagated, "a")}, map[string]string{"s": tagged(propagated, "b")})
		expect(t, r, got, map[string]Effect{"s Web Tags": want})
	}
}

// The names of published options say nothing of secrets; what they take does.
func TestNumbersAreShownWhateverTheirNameSays(t *testing.T) {
	for name, shown := range map[string]bool{
		"aws:elasticbeanstalk:sqsd HttpConnections":              true,
		"aws:rds:dbinstance DBPassword":                          false,
		"aws:elasticbeanstalk:application:environment HTTP_AUTH": false,
	} {
		namespace, option, _ := strings.Cut(name, " ")
		change := func(value string) string {
			return stack(fmt.Sprintf(environmentJSON, settingJSON(namespace, option, value)))
		}
		r, _ := diff(t, map[string]string{"s": change("10")}, map[string]string{"s": change("20")})
		if got := r.Changes[0].After != nil; got != shown {
			t.Errorf("%s: shown %t, want %t", name, got, shown)
		}
	}
}
