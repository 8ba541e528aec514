package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/rehearsal"
	"example.com/beanpole-cdk/internal/template"
)

// manifest is the part of a cloud assembly's manifest.json that leads to templates and assets.
type manifest struct {
	Artifacts map[string]struct {
		Type       string
		Properties struct {
			TemplateFile  string
			StackName     string
			DirectoryName string
			File          string
		}
	}
}

// assets is the part of an asset manifest that leads from an object in S3 to a file of the assembly.
type assets struct {
	Files map[string]struct {
		Source       struct{ Path, Packaging string }
		Destinations map[string]struct{ ObjectKey string }
	}
}

type assembly struct {
	stacks []stack
	files  map[string]string // object key → file or directory
}

type stack struct {
	name string
	doc  *template.Document
}

// Assembly returns the environments of a synthesised app, in the order of their stacks and templates. It is an error if none
// can be rehearsed; one that cannot beside others has a Problem.
func Assembly(dir string) ([]Environment, error) {
	a := &assembly{files: map[string]string{}}
	if err := a.read(dir); err != nil {
		return nil, err
	}
	slices.SortFunc(a.stacks, func(x, y stack) int { return strings.Compare(x.name, y.name) })
	var environments []Environment
	var problems []error
	for _, s := range a.stacks {
		for i := range s.doc.Resources {
			r := &s.doc.Resources[i]
			if r.Type != template.Environment {
				continue
			}
			e := a.settings(s, r)
			if e.Input.Bundle, e.Problem = a.bundle(s, r); e.Problem != nil {
				e.Problem = fmt.Errorf("%s: %w", e, e.Problem)
				problems = append(problems, e.Problem)
			}
			environments = append(environments, e)
		}
	}
	if environments == nil {
		return nil, fmt.Errorf("%s: no stack has an %s", dir, template.Environment)
	}
	if len(problems) == len(environments) {
		return nil, errors.Join(problems...)
	}
	return environments, nil
}

func (a *assembly) read(dir string) error {
	content, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is no cloud assembly (it has no manifest.json): run npx cdk synth first, or name the directory", dir)
	}
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, "manifest.json"), err)
	}
	for id, artifact := range m.Artifacts {
		p := artifact.Properties
		switch artifact.Type {
		case "aws:cloudformation:stack":
			file := filepath.Join(dir, p.TemplateFile)
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			doc, err := template.Parse(file, content)
			if err != nil {
				return err
			}
			name := p.StackName
			if name == "" {
				name = id
			}
			a.stacks = append(a.stacks, stack{name, doc})
		case "cdk:asset-manifest":
			if err := a.readAssets(dir, p.File); err != nil {
				return err
			}
		case "cdk:cloud-assembly":
			if err := a.read(filepath.Join(dir, p.DirectoryName)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *assembly) readAssets(dir, file string) error {
	content, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	var m assets
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, file), err)
	}
	for _, f := range m.Files {
		for _, d := range f.Destinations {
			a.files[d.ObjectKey] = filepath.Join(dir, f.Source.Path)
		}
	}
	return nil
}

// settings returns the environment but for its bundle.
func (a *assembly) settings(s stack, r *template.Resource) Environment {
	e := Environment{Stack: s.name, LogicalID: r.LogicalID, Path: r.Path}
	e.Name, _ = r.Properties["EnvironmentName"].(string)
	for _, t := range r.Settings() {
		o := option.Setting{
			Namespace: t.Namespace, ResourceName: t.ResourceName, OptionName: t.OptionName, Value: t.Value, Unresolved: t.Unresolved,
		}
		if t.Unresolved {
			o.Value = s.standIn(rawValue(r, t))
		}
		e.Input.Settings = append(e.Input.Settings, o)
	}
	if tier, ok := r.Properties["Tier"].(map[string]any); ok {
		e.Input.Tier = option.Tier(s.text(tier["Name"]))
	}
	for _, platform := range []string{"PlatformArn", "SolutionStackName"} {
		if v, ok := r.Properties[platform]; ok && e.Input.Python == "" {
			e.Input.Python = pythonVersion(s.text(v))
		}
	}
	e.Input.HTTPS = a.https(s, r, e.Input.Settings)
	return e
}

// bundle follows VersionLabel to the application version and its object key to the file that will be uploaded under it.
func (a *assembly) bundle(s stack, r *template.Resource) (string, error) {
	ref, _ := r.Properties["VersionLabel"].(map[string]any)
	id, _ := ref["Ref"].(string)
	i := slices.IndexFunc(s.doc.Resources, func(v template.Resource) bool {
		return v.LogicalID == id && v.Type == "AWS::ElasticBeanstalk::ApplicationVersion"
	})
	if i < 0 {
		return "", errors.New("its VersionLabel is no application version of the template, so there is no bundle to rehearse")
	}
	source, _ := s.doc.Resources[i].Properties["SourceBundle"].(map[string]any)
	key := s.text(source["S3Key"])
	file, ok := a.files[key]
	if !ok {
		return "", fmt.Errorf("the bundle %q is not among the assembly's assets", key)
	}
	return file, nil
}

// https says whether the environment's load balancer listens for HTTPS, nil if the assembly does not have it.
func (a *assembly) https(s stack, r *template.Resource, settings []option.Setting) *bool {
	answer := func(b bool) *bool { return &b }
	if value(settings, "aws:elasticbeanstalk:environment", "LoadBalancerIsShared") != "true" {
		return answer(dedicatedHTTPS(settings))
	}
	for _, t := range r.Settings() {
		if t.Namespace != "aws:elbv2:loadbalancer" || t.OptionName != "SharedLoadBalancer" {
			continue
		}
		var owner *stack
		v, _ := rawValue(r, t).(map[string]any)
		if _, ok := v["Ref"]; ok {
			owner = &s
		} else if export, ok := v["Fn::ImportValue"]; ok {
			owner = a.exporter(s.text(export))
		} else if output, ok := v["Fn::GetStackOutput"].(map[string]any); ok {
			owner = a.named(s.text(output["StackName"]))
		}
		if owner == nil {
			return nil
		}
		for _, l := range slices.Concat(owner.doc.Resources, s.doc.Resources) {
			if l.Type == "AWS::ElasticLoadBalancingV2::Listener" && l.Properties["Protocol"] == "HTTPS" {
				return answer(true)
			}
		}
		return answer(false)
	}
	return nil
}

// exporter is the stack that exports a value under this name.
func (a *assembly) exporter(name string) *stack {
	for i, s := range a.stacks {
		outputs, _ := s.doc.Root["Outputs"].(map[string]any)
		for _, o := range outputs {
			output, _ := o.(map[string]any)
			export, _ := output["Export"].(map[string]any)
			if export != nil && s.text(export["Name"]) == name {
				return &a.stacks[i]
			}
		}
	}
	return nil
}

// named is the stack of this name, nil if there is none or, in several regions, more than one.
func (a *assembly) named(name string) *stack {
	var found *stack
	for i := range a.stacks {
		if a.stacks[i].name != name {
			continue
		}
		if found != nil {
			return nil
		}
		found = &a.stacks[i]
	}
	return found
}

// rawValue is the value of a setting as the template has it.
func rawValue(r *template.Resource, t template.Setting) any {
	list, _ := r.Properties["OptionSettings"].([]any)
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		if m["Namespace"] == t.Namespace && m["OptionName"] == t.OptionName {
			return m["Value"]
		}
	}
	return nil
}

// standIn is what stands for a value of which only the deployment knows a part; "" if it knows all of it.
func (s stack) standIn(v any) string {
	if text := s.text(v); text != rehearsal.Placeholder {
		return text
	}
	return ""
}

var substitution = regexp.MustCompile(`\$\{([^}!]+)\}`)

// text renders a value, with a placeholder for each part that only the deployment knows.
func (s stack) text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		for function, argument := range v {
			list, _ := argument.([]any)
			switch {
			case function == "Ref":
				name, _ := argument.(string)
				return s.ref(name)
			case function == "Fn::Join" && len(list) == 2:
				separator, _ := list[0].(string)
				items, _ := list[1].([]any)
				parts := make([]string, len(items))
				for i, item := range items {
					parts[i] = s.text(item)
				}
				return strings.Join(parts, separator)
			case function == "Fn::Sub":
				text, ok := argument.(string)
				if !ok && len(list) > 0 {
					text, _ = list[0].(string)
				}
				return substitution.ReplaceAllStringFunc(text, func(m string) string { return s.ref(m[2 : len(m)-1]) })
			}
		}
		return rehearsal.Placeholder
	default:
		return fmt.Sprint(v)
	}
}

func (s stack) ref(name string) string {
	switch name {
	case "AWS::Region":
		return "us-east-1"
	case "AWS::AccountId":
		return "123456789012"
	case "AWS::Partition":
		return "aws"
	case "AWS::URLSuffix":
		return "amazonaws.com"
	case "AWS::StackName":
		return s.name
	}
	parameters, _ := s.doc.Root["Parameters"].(map[string]any)
	parameter, _ := parameters[name].(map[string]any)
	if standard, ok := parameter["Default"].(string); ok {
		return standard
	}
	return rehearsal.Placeholder
}
