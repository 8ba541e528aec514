package option

import (
	"cmp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/internal/template"
)

// Report is what [CheckFile] found in one file.
type Report struct {
	// File is the name that CheckFile was given.
	File string
	// Settings is the number of option settings that were checked.
	Settings int
	// Findings are in the order of the file.
	Findings []FileFinding
}

// Count returns the number of errors and of warnings.
func (r *Report) Count() (errors, warnings int) {
	for _, f := range r.Findings {
		if f.Level == Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

// FileFinding is a finding with its place in a file.
type FileFinding struct {
	Finding
	// Resource is the logical id of the environment or configuration template, "" in a configuration file.
	Resource string
	// Path is the construct path that CDK wrote into the template, "" if none.
	Path string
	// Line and Column are where the setting's value stands, or the resource at fault, from 1.
	Line, Column int
}

// CheckFile checks the option settings in a file: a CloudFormation template (JSON, or YAML with short forms), an
// .ebextensions configuration file (*.config), a saved configuration, or a list of settings as the AWS CLI takes it.
// The name is not opened; its extension says how to read data, and messages show it. The error says why data could not
// be read.
//
// In a template each environment and each configuration template is checked by itself, with its platform and tier. The
// settings of a configuration file are taken for some of the environment's settings (Context.Partial).
func CheckFile(name string, data []byte) (*Report, error) {
	document, config, err := template.Read(name, data)
	if err != nil {
		return nil, err
	}
	r := &Report{File: name}
	if config != nil {
		r.problems(config.Problems)
		r.check(config.Settings, Context{Partial: true}, FileFinding{})
	} else {
		r.problems(document.Problems)
		for i := range document.Resources {
			resource := &document.Resources[i]
			place := FileFinding{Resource: resource.LogicalID, Path: resource.Path}
			r.platforms(resource, place)
			r.check(resource.Settings(), contextOf(resource), place)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b FileFinding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r, nil
}

func (r *Report) problems(problems []template.Problem) {
	for _, p := range problems {
		f := Finding{Rule: p.Rule, Level: Warning, Message: p.Message}
		if p.Refused {
			f.Level = Error
		}
		r.Findings = append(r.Findings, FileFinding{Finding: f, Line: p.Line, Column: p.Column})
	}
}

// platforms finds a resource that gives its platform in two ways. What depends on a condition may be absent.
func (r *Report) platforms(resource *template.Resource, place FileFinding) {
	if resource.Type != template.Environment && resource.Type != template.ConfigurationTemplate {
		return
	}
	for _, name := range []string{"SolutionStackName", "PlatformArn"} {
		switch v := resource.Properties[name].(type) {
		case string:
		case map[string]any:
			if _, conditional := v["Fn::If"]; conditional || v["Ref"] == "AWS::NoValue" {
				return
			}
		default:
			return
		}
	}
	place.Finding = Finding{
		Rule: "two-platforms", Level: Error, Message: resource.LogicalID + ": Beanstalk refuses PlatformArn and SolutionStackName together; leave one of them out",
		URL: cloudFormation + "aws-resource-elasticbeanstalk-" + strings.ToLower(strings.TrimPrefix(resource.Type, "AWS::ElasticBeanstalk::")) + ".html",
	}
	place.Line, place.Column = resource.Line, resource.Column
	r.Findings = append(r.Findings, place)
}

const cloudFormation = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"

// contextOf reads what the resource says of the environment apart from its settings.
func contextOf(r *template.Resource) Context {
	in := Context{Partial: r.Partial()}
	for _, name := range []string{"SolutionStackName", "PlatformArn"} {
		if s, ok := r.Properties[name].(string); ok {
			in.Platform = s
		}
	}
	if tier, ok := r.Properties["Tier"].(map[string]any); ok {
		name, _ := tier["Name"].(string)
		in.Tier = Tier(name)
	} else if r.Type == template.Environment {
		in.Tier = WebServer
	}
	return in
}

// check checks the settings of one resource or configuration file. A setting, or a value, that depends on a condition is
// checked by itself, and counts among the others as one whose value is unknown.
func (r *Report) check(settings []template.Setting, in Context, place FileFinding) {
	r.Settings += len(settings)
	var certain []Setting
	var at []template.Setting
	conditional := map[key]bool{}
	for _, s := range settings {
		o := Setting{Namespace: s.Namespace, ResourceName: s.ResourceName, OptionName: s.OptionName, Value: s.Value, Unresolved: s.Unresolved}
		if !s.Conditional {
			certain, at = append(certain, o), append(at, s)
			continue
		}
		alone := in
		alone.Partial = true
		for _, f := range Check([]Setting{o}, alone) {
			r.add(f, s, place)
		}
		if !conditional[o.identity()] {
			conditional[o.identity()] = true
			o.Value, o.Unresolved = "", true
			certain, at = append(certain, o), append(at, s)
		}
	}
	for _, f := range Check(certain, in) {
		if s := at[f.Index]; !s.Conditional || !alone(f.Rule) {
			r.add(f, s, place)
		}
	}
}

// alone says whether a rule looks at one setting only, and has said what it has to say of a conditional one already.
func alone(rule string) bool {
	return strings.HasPrefix(rule, "value-") || strings.HasPrefix(rule, "unknown-") || rule == "other-namespace" || rule == "name-case" ||
		rule == "environment-name" || rule == "static-path" || rule == "listener-port" || rule == "amazon-linux-ami-only" || rule == "other-platform"
}

func (r *Report) add(f Finding, s template.Setting, place FileFinding) {
	place.Finding, place.Line, place.Column = f, s.Line, s.Column
	r.Findings = append(r.Findings, place)
}
