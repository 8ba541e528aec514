// Package template reads what carries Elastic Beanstalk's option settings: CloudFormation templates (JSON, and YAML with
// short forms such as !Ref) and the .config files of an .ebextensions directory. It keeps positions, so that a finding
// can say where, and it resolves nothing that only a deployment knows.
package template

import (
	"encoding/json"
	"fmt"
	"path/filepath"
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

// Problem is a fault of the file itself, which a reader of JSON or YAML overlooks.
type Problem struct {
	Line, Column int
	// Rule is a short name of the fault, in kebab case.
	Rule    string
	Message string
	// Refused says that AWS refuses the file for it.
	Refused bool
}

// Setting is one option setting as the file has it.
type Setting struct {
	Namespace, ResourceName, OptionName, Value string
	// Unresolved says that Value is a function whose result only a deployment knows; Value is then empty.
	Unresolved bool
	// Conditional says that the setting, or this value of it, applies only if a condition of the template holds.
	Conditional bool
	// Line and Column are where the value stands (the option if it has none), from 1.
	Line, Column int
}

type format uint8

const (
	cloudFormation format = iota
	ebextension
	saved // a saved configuration, or a list for the AWS CLI
)

// Parse reads a CloudFormation template, JSON or YAML. The file's name is only remembered. The error has the position.
func Parse(file string, data []byte) (*Document, error) {
	root, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return document(file, root, true)
}

// document makes a Document: with all of the template, or with no more than option settings need.
func document(file string, root *node, all bool) (*Document, error) {
	resources := root.get("Resources")
	if resources == nil || resources.kind != object {
		return nil, fmt.Errorf("%s: not a CloudFormation template: it has no Resources object", file)
	}
	d := &Document{File: file}
	if all {
		d.Root, _ = root.any().(map[string]any)
	}
	bodies, _ := d.Root["Resources"].(map[string]any)
	root.duplicates(func(key *key) {
		d.Problems = append(d.Problems, duplicate(key))
	})
	last := make(map[string]int, len(resources.keys))
	for i := range resources.keys {
		last[resources.keys[i].text] = i
	}
	for i := range resources.keys {
		key, body := &resources.keys[i], &resources.values[i]
		typ := body.get("Type")
		if typ == nil || typ.kind != text || last[key.text] != i {
			continue // Fn::ForEach, a fault that CloudFormation reports, or an entry that a later one replaces
		}
		r := Resource{LogicalID: key.text, Type: typ.text, Line: int(key.line), Column: int(key.column)}
		if c := body.get("Condition"); c != nil && c.kind == text {
			r.Condition = c.text
		}
		if p := body.get("Metadata").get("aws:cdk:path"); p != nil && p.kind == text {
			r.Path = p.text
		}
		carrier := r.Type == Environment || r.Type == ConfigurationTemplate
		properties := body.get("Properties")
		if m, ok := bodies[key.text].(map[string]any); ok {
			r.Properties, _ = m["Properties"].(map[string]any)
		} else if carrier && properties != nil {
			r.Properties, _ = properties.any().(map[string]any)
		}
		if r.Properties == nil {
			r.Properties = map[string]any{}
		}
		if carrier {
			c := collector{}
			c.list(properties.get("OptionSettings"), false)
			for _, other := range []string{"TemplateName", "SourceConfiguration", "EnvironmentId", "Fn::Transform"} {
				c.partial = c.partial || properties.get(other) != nil
			}
			r.settings, r.partial = c.settings, c.partial
			d.Problems = append(d.Problems, c.problems...)
		}
		d.Resources = append(d.Resources, r)
	}
	return d, nil
}

func duplicate(key *key) Problem {
	return Problem{Line: int(key.line), Column: int(key.column), Rule: "duplicate-key",
		Message: fmt.Sprintf("the key %q is there twice in one object; only the last one counts", key.text)}
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
	// Sections are the others, as encoding/json would read them: Resources, container_commands, files.
	Sections map[string]any
	// Problems are what a reader of JSON or YAML overlooks.
	Problems []Problem
}

// environmentProperties is the namespace of a setting that names none.
const environmentProperties = "aws:elasticbeanstalk:application:environment"

// Read reads whatever carries option settings, and returns it as one or the other: a CloudFormation template; an
// .ebextensions configuration file, which the file's name (*.config) or its option_settings tells; a saved configuration;
// or a list of settings as the AWS CLI takes it. Of a template it leaves out what has no option settings: Root, and the
// properties of other resources.
func Read(file string, data []byte) (*Document, *Config, error) {
	root, err := parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if filepath.Ext(file) != ".config" && root.get("Resources") != nil && root.get("option_settings") == nil {
		d, err := document(file, root, false)
		return d, nil, err
	}
	c, err := config(file, root)
	return nil, c, err
}

// ParseConfig reads an .ebextensions configuration file, YAML or JSON: option_settings as a list (namespace, option_name,
// value) or as a map of maps. A file without option_settings has no settings. The error has the position.
//
// Elsewhere than in a .config file, OptionSettings of a saved configuration and a bare list of settings are read too.
func ParseConfig(file string, data []byte) (*Config, error) {
	root, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return config(file, root)
}

func config(file string, root *node) (*Config, error) {
	conf := &Config{File: file}
	root.duplicates(func(key *key) {
		conf.Problems = append(conf.Problems, duplicate(key))
	})
	c := collector{format: ebextension}
	settings := root.get("option_settings")
	if filepath.Ext(file) != ".config" && settings == nil {
		c.format = saved
		settings = root.get("OptionSettings")
		if root.kind == list {
			settings = root
		}
		if settings == nil {
			return nil, fmt.Errorf("%s: neither a CloudFormation template (it has no Resources) nor a configuration file (it has no option_settings)", file)
		}
	} else if root.kind != object {
		return nil, fmt.Errorf("%s: line %d: not a configuration file: it is no map of sections such as option_settings", file, root.line)
	}
	switch {
	case settings == nil || settings.kind == null:
	case settings.kind == list:
		c.list(settings, false)
	case settings.kind == object:
		c.namespaces(settings)
	default:
		return nil, fmt.Errorf("%s: line %d: the option settings must be a list or a map", file, settings.line)
	}
	for i := range root.keys {
		key := &root.keys[i]
		for _, section := range sections {
			if key.text != section && fold(key.text) == fold(section) && c.format == ebextension {
				c.problem(key.line, key.column, "unknown-section", false, fmt.Sprintf("Beanstalk skips a file with the section %q; it is called %s", key.text, section))
			}
		}
	}
	if sections, ok := root.any().(map[string]any); ok && c.format == ebextension {
		delete(sections, "option_settings")
		conf.Sections = sections
	}
	conf.Settings = c.settings
	conf.Problems = append(conf.Problems, c.problems...)
	return conf, nil
}

// sections are those of a configuration file, which people also spell otherwise.
var sections = []string{"option_settings", "container_commands", "packages", "groups", "users", "sources", "files", "commands", "services", "Resources"}

func fold(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }

type collector struct {
	format   format
	settings []Setting
	problems []Problem
	partial  bool
}

func (c *collector) problem(line, column int32, rule string, refused bool, message string) {
	c.problems = append(c.problems, Problem{Line: int(line), Column: int(column), Rule: rule, Message: message, Refused: refused})
}

// namespaces collects the map form: namespace → option → value. A resource's name may stand before the namespace:
// "Evening.aws:autoscaling:scheduledaction".
func (c *collector) namespaces(n *node) {
	for i := range n.keys {
		key, options := &n.keys[i], &n.values[i]
		resource, namespace := "", key.text
		if before, after, ok := strings.Cut(key.text, ".aws:"); ok {
			resource, namespace = before, "aws:"+after
		}
		if options.kind != object {
			// A value directly under option_settings belongs to the default namespace.
			if options.kind != null {
				c.add(environmentProperties, "", key, options, false)
			}
			continue
		}
		for j := range options.keys {
			if options.get(options.keys[j].text) != &options.values[j] {
				continue // a later one replaces it, and the file's problems say so
			}
			c.add(namespace, resource, &options.keys[j], &options.values[j], false)
		}
	}
}

// names are the keys of an entry of the list form.
func (f format) names() (namespace, option, resource, value string) {
	if f == ebextension {
		return "namespace", "option_name", "resource_name", "value"
	}
	return "Namespace", "OptionName", "ResourceName", "Value"
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
	_, option, _, _ := c.format.names()
	switch {
	case n.kind == list:
		for i := range n.values {
			c.list(&n.values[i], conditional)
		}
	case n.kind != object:
		c.problem(n.line, n.column, "not-a-setting", true, "an option setting must be a map, and this is a value")
	case n.get(option) != nil:
		c.entry(n, conditional)
	case isFunction(n):
		c.partial = true // it gives settings, or none (AWS::NoValue)
	default:
		c.problem(n.line, n.column, "not-a-setting", false, "an option setting has a key "+option+", and this one has none")
	}
}

func (c *collector) entry(n *node, conditional bool) {
	namespaceKey, optionKey, resourceKey, valueKey := c.format.names()
	namespace := n.get(namespaceKey)
	if namespace == nil && c.format == ebextension {
		namespace = &node{kind: text, text: environmentProperties}
	}
	names := make([]string, 3)
	for i, part := range []*node{namespace, n.get(optionKey), n.get(resourceKey)} {
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
	c.add(names[0], names[2], &key{names[1], n.line, n.column}, n.get(valueKey), conditional)
}

func (c *collector) add(namespace, resource string, option *key, value *node, conditional bool) {
	s := Setting{
		Namespace: namespace, ResourceName: resource, OptionName: option.text, Conditional: conditional,
		Line: int(option.line), Column: int(option.column),
	}
	if value == nil || value.kind == null {
		if value != nil {
			message := "the value is null"
			if c.format == cloudFormation {
				message += ", which CloudFormation refuses"
			}
			c.problem(value.line, value.column, "null-value", c.format == cloudFormation, namespace+" "+option.text+": "+message)
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
	s.Line, s.Column = int(value.line), int(value.column)
	var resolved bool
	s.Value, resolved = literal(value)
	switch {
	case c.format == ebextension && strings.HasPrefix(s.Value, "`"):
		s.Value, s.Unresolved = "", true // a function of CloudFormation in backticks
	case resolved:
	case isFunction(value):
		s.Unresolved = true
	default:
		if c.format == cloudFormation {
			c.problem(value.line, value.column, "value-not-text", true, namespace+" "+option.text+": the value must be a text, and it is a list or an object")
			s.Unresolved = true
			break
		}
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
