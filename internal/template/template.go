// Package template reads what carries Elastic Beanstalk's option settings: CloudFormation templates (JSON, and YAML with
// short forms such as !Ref) and the .config files of an .ebextensions directory. It keeps positions, so that a finding
// can say where, and it resolves nothing that only a deployment knows.
package template

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// The resource types that carry option settings.
const (
	Environment           = "AWS::ElasticBeanstalk::Environment"
	ConfigurationTemplate = "AWS::ElasticBeanstalk::ConfigurationTemplate"
)

// Document is one CloudFormation template.
type Document struct {
	// File is the name that Parse was given.
	File string
	// Resources are in the order of the file.
	Resources []Resource
	// Root is the whole template as encoding/json would read it; functions stay maps such as {"Ref": "Vpc"}.
	Root map[string]any
	// Problems are what a reader of JSON or YAML overlooks.
	Problems []Problem
}

// Resource is one entry of the template's Resources.
type Resource struct {
	LogicalID string
	Type      string
	// Path is the construct path that CDK writes into Metadata ("Network/Vpc/Resource"), or "".
	Path string
	// Condition is the name of the condition under which the resource exists, or "".
	Condition string
	// Properties are as encoding/json would read them, never nil; functions stay maps.
	Properties map[string]any
	// Line and Column are where the resource's logical id stands, from 1.
	Line, Column int

	settings []Setting
	partial  bool
}

// Problem is a fault of the file itself.
type Problem struct {
	Line, Column int
	Message      string
}

// Setting is one option setting as the file has it.
type Setting struct {
	Namespace, ResourceName, OptionName, Value string
	// Unresolved says that Value is a function whose result only a deployment knows; Value is then empty.
	Unresolved bool
	// Conditional says that the setting, or this value of it, applies only if a condition of the template holds.
	Conditional bool
	// NotText says that the file has a list or an object where a text belongs; Value is its JSON.
	NotText bool
	// Line and Column are where the value stands (the option if it has none), from 1.
	Line, Column int
}

type format uint8

const (
	cloudFormation format = iota
	ebextension
)

// Parse reads a CloudFormation template, JSON or YAML. The file's name is only remembered. The error has the position.
func Parse(file string, data []byte) (*Document, error) {
	root, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	resources := root.get("Resources")
	if resources == nil || resources.kind != object {
		return nil, fmt.Errorf("%s: not a CloudFormation template: it has no Resources object", file)
	}
	d := &Document{File: file}
	d.Root, _ = root.any().(map[string]any)
	bodies, _ := d.Root["Resources"].(map[string]any)
	root.duplicates(func(key *node) {
		d.Problems = append(d.Problems, duplicate(key))
	})
	for i := range resources.keys {
		key, body := &resources.keys[i], &resources.values[i]
		typ := body.get("Type")
		if typ == nil || typ.kind != text || slices.IndexFunc(resources.keys[i+1:], func(k node) bool { return k.text == key.text }) >= 0 {
			continue // Fn::ForEach, a fault that CloudFormation reports, or an entry that a later one replaces
		}
		r := Resource{LogicalID: key.text, Type: typ.text, Line: key.line, Column: key.column}
		if c := body.get("Condition"); c != nil && c.kind == text {
			r.Condition = c.text
		}
		if p := body.get("Metadata").get("aws:cdk:path"); p != nil && p.kind == text {
			r.Path = p.text
		}
		if m, ok := bodies[key.text].(map[string]any); ok {
			r.Properties, _ = m["Properties"].(map[string]any)
		}
		if r.Properties == nil {
			r.Properties = map[string]any{}
		}
		if r.Type == Environment || r.Type == ConfigurationTemplate {
			c := collector{}
			c.list(body.get("Properties").get("OptionSettings"), false)
			properties := body.get("Properties")
			for _, other := range []string{"TemplateName", "SourceConfiguration", "EnvironmentId", "Fn::Transform"} {
				c.partial = c.partial || properties.get(other) != nil
			}
			r.settings, r.partial = c.settings, c.partial
		}
		d.Resources = append(d.Resources, r)
	}
	return d, nil
}

func duplicate(key *node) Problem {
	return Problem{key.line, key.column, fmt.Sprintf("the key %q is there twice in one object; only the last one counts", key.text)}
}

// Settings returns the option settings of an environment or a configuration template in the order of the file, none for
// another resource. What is inside Fn::If appears once for each branch, marked Conditional.
func (r *Resource) Settings() []Setting { return r.settings }

// Partial says that the environment may get further settings that Settings does not list: from a saved configuration,
// another environment, or a function whose result is a setting.
func (r *Resource) Partial() bool { return r.partial }

// Config is one .config file of an .ebextensions directory.
type Config struct {
	// File is the name that ParseConfig was given.
	File string
	// Settings are those of option_settings, in the order of the file.
	Settings []Setting
	// Problems are what a reader of JSON or YAML overlooks.
	Problems []Problem
}

// environmentProperties is the namespace of a setting that names none.
const environmentProperties = "aws:elasticbeanstalk:application:environment"

// IsConfig reports whether a file is read by ParseConfig: Elastic Beanstalk takes the files of .ebextensions whose name
// ends in .config.
func IsConfig(file string) bool { return filepath.Ext(file) == ".config" }

// ParseConfig reads an .ebextensions configuration file, YAML or JSON: option_settings as a list (namespace, option_name,
// value) or as a map of maps. A file without option_settings has no settings. The error has the position.
func ParseConfig(file string, data []byte) (*Config, error) {
	root, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if root.kind != object {
		return nil, fmt.Errorf("%s: not a configuration file: it is no map of sections such as option_settings", file)
	}
	config := &Config{File: file}
	root.duplicates(func(key *node) {
		config.Problems = append(config.Problems, duplicate(key))
	})
	c := collector{format: ebextension}
	switch settings := root.get("option_settings"); {
	case settings == nil || settings.kind == null:
	case settings.kind == list:
		c.list(settings, false)
	case settings.kind == object:
		c.namespaces(settings)
	default:
		return nil, fmt.Errorf("%s: line %d: option_settings must be a list or a map", file, settings.line)
	}
	config.Settings = c.settings
	config.Problems = append(config.Problems, c.problems...)
	return config, nil
}

type collector struct {
	format   format
	settings []Setting
	problems []Problem
	partial  bool
}

func (c *collector) problem(n *node, message string) {
	c.problems = append(c.problems, Problem{n.line, n.column, message})
}

// namespaces collects the map form: namespace → option → value.
func (c *collector) namespaces(n *node) {
	for i := range n.keys {
		key, options := &n.keys[i], &n.values[i]
		if options.kind != object {
			// A value directly under option_settings belongs to the default namespace.
			if options.kind != null {
				c.add(environmentProperties, "", key, options, false)
			}
			continue
		}
		for j := range options.keys {
			c.add(key.text, "", &options.keys[j], &options.values[j], false)
		}
	}
}

// list collects the list form, at any depth of Fn::If.
func (c *collector) list(n *node, conditional bool) {
	if n == nil || n.kind == null {
		return
	}
	if branches := condition(n); branches != nil {
		for _, b := range branches {
			c.list(b, true)
		}
		return
	}
	if n.kind == object && n.get("OptionName") == nil && n.get("option_name") == nil {
		c.partial = true // a function that gives settings, or none (AWS::NoValue)
		return
	}
	if n.kind == object {
		c.entry(n, conditional)
		return
	}
	for i := range n.values {
		c.list(&n.values[i], conditional)
	}
}

func (c *collector) entry(n *node, conditional bool) {
	namespace, option, resource, value := n.get("Namespace"), n.get("OptionName"), n.get("ResourceName"), n.get("Value")
	if c.format == ebextension {
		namespace, option, resource, value = n.get("namespace"), n.get("option_name"), n.get("resource_name"), n.get("value")
		if namespace == nil {
			namespace = &node{kind: text, text: environmentProperties}
		}
	}
	names := make([]string, 3)
	for i, part := range []*node{namespace, option, resource} {
		if part == nil || part.kind == null {
			continue
		}
		s, resolved := literal(part)
		if !resolved {
			c.partial = true // which option this is, only a deployment knows
			return
		}
		names[i] = s
	}
	key := *n
	key.text = names[1]
	c.add(names[0], names[2], &key, value, conditional)
}

func (c *collector) add(namespace, resource string, option, value *node, conditional bool) {
	s := Setting{
		Namespace: namespace, ResourceName: resource, OptionName: option.text, Conditional: conditional,
		Line: option.line, Column: option.column,
	}
	if value == nil || value.kind == null {
		if value != nil {
			c.problem(option, fmt.Sprintf("%s %s has no value (null)", namespace, option.text))
		}
		c.settings = append(c.settings, s)
		return
	}
	if branches := condition(value); branches != nil {
		for _, b := range branches {
			if !isNoValue(b) {
				c.add(namespace, resource, option, b, true)
			}
		}
		return
	}
	s.Line, s.Column = value.line, value.column
	var resolved bool
	s.Value, resolved = literal(value)
	switch {
	case c.format == ebextension && strings.HasPrefix(s.Value, "`"):
		s.Value, s.Unresolved = "", true // a function of CloudFormation in backticks
	case resolved:
	case isFunction(value):
		s.Unresolved = true
	default:
		s.NotText = c.format == cloudFormation
		encoded, err := json.Marshal(value.any())
		if err != nil {
			s.Unresolved = true
			break
		}
		s.Value = string(encoded)
	}
	c.settings = append(c.settings, s)
}

// literal returns the text of a scalar, or of a function all of whose parts are literal.
func literal(n *node) (string, bool) {
	switch n.kind {
	case text, number, boolean:
		return n.text, true
	}
	if sub := only(n, "Fn::Sub"); sub != nil && sub.kind == text && !strings.Contains(sub.text, "${") {
		return sub.text, true
	}
	if join := only(n, "Fn::Join"); join != nil && join.kind == list && len(join.values) == 2 && join.values[1].kind == list {
		parts := make([]string, len(join.values[1].values))
		for i := range parts {
			part, ok := literal(&join.values[1].values[i])
			if !ok {
				return "", false
			}
			parts[i] = part
		}
		return strings.Join(parts, join.values[0].text), true
	}
	return "", false
}

// condition returns the branches of an Fn::If, nil for anything else.
func condition(n *node) []*node {
	choice := only(n, "Fn::If")
	if choice == nil || choice.kind != list || len(choice.values) != 3 {
		return nil
	}
	return []*node{&choice.values[1], &choice.values[2]}
}

func isNoValue(n *node) bool {
	ref := only(n, "Ref")
	return ref != nil && ref.text == "AWS::NoValue"
}

func isFunction(n *node) bool {
	return n.kind == object && len(n.keys) == 1 &&
		(n.keys[0].text == "Ref" || n.keys[0].text == "Condition" || strings.HasPrefix(n.keys[0].text, "Fn::"))
}

// only returns the value of an object's only key, nil if it has another key or more.
func only(n *node, key string) *node {
	if n == nil || n.kind != object || len(n.keys) != 1 || n.keys[0].text != key {
		return nil
	}
	return &n.values[0]
}
