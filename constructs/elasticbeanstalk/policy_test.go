package elasticbeanstalk

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/jsii-runtime-go"
)

// The plugin judges resources that somebody wrote without the construct, and says which construct is at fault.
func TestOptionSettingsPlugin(t *testing.T) {
	synth := func(t *testing.T, namespace, name, value string) (report string, failure any) {
		dir := t.TempDir()
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: &dir})
		awscdk.Validations_Of(app).AddPlugins(NewOptionSettingsPlugin())
		stack := awscdk.NewStack(app, jsii.String("Stack"), nil)
		awselasticbeanstalk.NewCfnEnvironment(stack, jsii.String("Raw"), &awselasticbeanstalk.CfnEnvironmentProps{
			ApplicationName: jsii.String("app"),
			OptionSettings: &[]*awselasticbeanstalk.CfnEnvironment_OptionSettingProperty{
				{Namespace: &namespace, OptionName: &name, Value: &value},
			},
		})
		func() {
			defer func() { failure = recover() }()
			app.Synth(nil)
		}()
		text, err := os.ReadFile(filepath.Join(dir, "validation-report.json"))
		if err != nil && failure != nil {
			t.Fatal(err, failure)
		}
		return string(text), failure
	}

	report, failure := synth(t, "aws:autoscaling:asg", "MinSize", "lots")
	if failure == nil {
		t.Error("MinSize=lots was synthesised")
	}
	var parsed any
	if err := json.Unmarshal([]byte(report), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"beanpole", "MinSize", "lots", "Stack/Raw"} {
		if !strings.Contains(fmt.Sprint(parsed), want) {
			t.Errorf("the report does not say %q:\n%s", want, report)
		}
	}
	if report, failure := synth(t, "aws:autoscaling:asg", "MinSize", "1"); failure != nil {
		t.Errorf("MinSize=1 was refused: %v\n%s", failure, report)
	}
}
