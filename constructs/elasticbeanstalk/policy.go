package elasticbeanstalk

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// OptionSettingsPlugin checks the option settings of every AWS::ElasticBeanstalk::Environment and
// AWS::ElasticBeanstalk::ConfigurationTemplate of an app when it is synthesised, whoever wrote them. One line in any Go
// CDK app:
//
//	awscdk.Validations_Of(app).AddPlugins(elasticbeanstalk.NewOptionSettingsPlugin())
//
// What Elastic Beanstalk refuses fails the synthesis; what it accepts and ignores is a warning. Each can be acknowledged as
// "beanpole::" followed by the rule.
//
// https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
type OptionSettingsPlugin struct {
	_ byte // an address of its own: jsii tells Go objects apart by theirs
}

var _ awscdk.IPolicyValidationPlugin = (*OptionSettingsPlugin)(nil)

// NewOptionSettingsPlugin returns the plugin.
func NewOptionSettingsPlugin() *OptionSettingsPlugin { return &OptionSettingsPlugin{} }

// Name is the prefix of the ids of what the plugin finds.
func (p *OptionSettingsPlugin) Name() *string { return jsii.String("beanpole") }

// Version is unused by the plugin's users.
func (p *OptionSettingsPlugin) Version() *string { return nil }

// RuleIds is unused by the plugin's users: the rules are those of [option.Finding].
func (p *OptionSettingsPlugin) RuleIds() *[]*string { return nil }

// Validate checks the templates; the CDK calls it. A template that cannot be read panics, which fails the synthesis.
func (p *OptionSettingsPlugin) Validate(context awscdk.IPolicyValidationContext) *awscdk.PolicyValidationPluginReport {
	success := true
	violations := []*awscdk.PolicyViolation{}
	for _, path := range *context.TemplatePaths() {
		text, err := os.ReadFile(*path)
		if err != nil {
			panic(err)
		}
		report, err := option.CheckFile(*path, text)
		if err != nil {
			panic(err)
		}
		for _, f := range report.Findings {
			success = success && f.Level != option.Error
			location := "OptionSettings"
			if f.OptionName != "" {
				location += fmt.Sprintf(" (%s %s)", f.Namespace, f.OptionName)
			}
			violations = append(violations, &awscdk.PolicyViolation{
				RuleName:    jsii.String(f.Rule),
				Description: jsii.String(f.Message),
				Severity:    jsii.String(f.Level.String()),
				Fix:         optional(f.URL),
				ViolatingResources: &[]*awscdk.PolicyViolatingResource{{
					ResourceLogicalId: jsii.String(f.Resource),
					TemplatePath:      path,
					Locations:         jsii.Strings(location),
				}},
			})
		}
	}
	return &awscdk.PolicyValidationPluginReport{Success: &success, Violations: &violations}
}
