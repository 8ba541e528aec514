// Package templatetest asks synthesised CloudFormation templates, in tests, what is in them. Resources have the names of
// their constructs, "Stack/Web/InstanceRole", so that tests do not depend on how the CDK makes logical ids; a value that
// only a deployment knows is text with such names in it, "arn:aws:s3:::${Stack/Bucket}/*".
package templatetest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// PathMetadata is the context key that makes the CDK write the names of constructs into templates, as its CLI does.
const PathMetadata = "aws:cdk:enable-path-metadata"

// Template is a CloudFormation template.
type Template struct {
	// Resources are the resources by the name of their construct.
	Resources map[string]*Resource
	// Outputs are the values of the outputs by their logical id.
	Outputs map[string]string

	names      map[string]string // by logical id
	neighbours map[string]*Template
	outputs    map[string]output
}

type output struct {
	Value  any
	Export struct{ Name string }
}

// Resource is one resource of a template.
type Resource struct {
	Name, Type                          string
	DeletionPolicy, UpdateReplacePolicy string

	template   *Template
	properties map[string]any
	dependsOn  []string
}

// Setting is an option setting.
type Setting struct{ Namespace, ResourceName, OptionName, Value string }

// Read reads the templates of a directory that the CDK has synthesised to, by the name of the stack. CDKMetadata, which
// only counts constructs, is left out.
func Read(t testing.TB, dir string) map[string]*Template {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.template.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates in %s (%v)", dir, err)
	}
	templates := map[string]*Template{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var raw struct {
			Resources map[string]struct {
				Type, DeletionPolicy, UpdateReplacePolicy string
				Properties                                map[string]any
				DependsOn                                 []string
				Metadata                                  map[string]any
			}
			Outputs map[string]output
		}
		if err := json.Unmarshal(text, &raw); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		template := &Template{
			Resources: map[string]*Resource{}, names: map[string]string{},
			Outputs: map[string]string{}, outputs: raw.Outputs, neighbours: templates,
		}
		delete(raw.Resources, "CDKMetadata")
		for id, r := range raw.Resources {
			name, _ := r.Metadata["aws:cdk:path"].(string)
			if name == "" {
				t.Fatalf("%s: %s has no path; set the context key %s", file, id, PathMetadata)
			}
			name = strings.TrimSuffix(strings.TrimSuffix(name, "/Default"), "/Resource")
			if template.Resources[name] != nil {
				t.Fatalf("%s: two resources have the name %s", file, name)
			}
			template.names[id] = name
			template.Resources[name] = &Resource{
				Name: name, Type: r.Type, DeletionPolicy: r.DeletionPolicy, UpdateReplacePolicy: r.UpdateReplacePolicy,
				template: template, properties: r.Properties, dependsOn: r.DependsOn,
			}
		}
		templates[strings.TrimSuffix(filepath.Base(file), ".template.json")] = template
	}
	for _, template := range templates {
		for id, output := range template.outputs {
			template.Outputs[id] = template.text(output.Value)
		}
	}
	return templates
}

// OfType returns the resources of a type in the order of their names.
func (t *Template) OfType(kind string) []*Resource {
	var found []*Resource
	for _, name := range slices.Sorted(maps.Keys(t.Resources)) {
		if t.Resources[name].Type == kind {
			found = append(found, t.Resources[name])
		}
	}
	return found
}

// One returns the only resource of a type. It fails the test if there is none or another one.
func (t *Template) One(tb testing.TB, kind string) *Resource {
	tb.Helper()
	found := t.OfType(kind)
	if len(found) != 1 {
		var names []string
		for _, r := range found {
			names = append(names, r.Name)
		}
		tb.Fatalf("%d resources of type %s (%s), want one", len(found), kind, strings.Join(names, ", "))
	}
	return found[0]
}

// Property returns the value at a path of keys and indexes, such as "DefaultActions.0.Type", as text: "" if there is
// none, JSON for objects and lists, ${} for what only a deployment knows.
func (r *Resource) Property(path string) string {
	return r.template.text(r.at(path))
}

// Len returns the length of the list at a path, 0 if there is none.
func (r *Resource) Len(path string) int {
	list, _ := r.at(path).([]any)
	return len(list)
}

func (r *Resource) at(path string) any {
	var value any = r.properties
	for key := range strings.SplitSeq(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			value = in[key]
		case []any:
			value = nil
			if i, err := strconv.Atoi(key); err == nil && i < len(in) {
				value = in[i]
			}
		default:
			return nil
		}
	}
	return value
}

// OptionSettings returns the option settings of an environment in the order of the template.
func (r *Resource) OptionSettings() []Setting {
	var settings []Setting
	list, _ := r.properties["OptionSettings"].([]any)
	for _, entry := range list {
		setting, _ := entry.(map[string]any)
		text := func(key string) string { return r.template.text(setting[key]) }
		settings = append(settings, Setting{text("Namespace"), text("ResourceName"), text("OptionName"), text("Value")})
	}
	return settings
}

// Options returns the values of the option settings of an environment by "namespace OptionName".
func (r *Resource) Options() map[string]string {
	values := map[string]string{}
	for _, s := range r.OptionSettings() {
		values[s.Namespace+" "+s.OptionName] = s.Value
	}
	return values
}

// text is a value as text.
func (t *Template) text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case map[string]any:
		if text, ok := t.function(value); ok {
			return text
		}
	}
	text, err := json.Marshal(t.plain(value))
	if err != nil {
		panic(err) // what came from JSON goes back to it
	}
	return string(text)
}

// plain is a value with functions as text in it.
func (t *Template) plain(value any) any {
	switch value := value.(type) {
	case []any:
		list := make([]any, len(value))
		for i, v := range value {
			list[i] = t.plain(v)
		}
		return list
	case map[string]any:
		if text, ok := t.function(value); ok {
			return text
		}
		object := map[string]any{}
		for k, v := range value {
			object[k] = t.plain(v)
		}
		return object
	}
	return value
}

func (t *Template) name(logicalID string) string {
	if name, ok := t.names[logicalID]; ok {
		return name
	}
	return logicalID
}

// function is a call of one of CloudFormation's functions as text.
func (t *Template) function(call map[string]any) (string, bool) {
	if len(call) != 1 {
		return "", false
	}
	for function, argument := range call {
		list, _ := argument.([]any)
		switch function {
		case "Ref":
			return "${" + t.name(t.text(argument)) + "}", true
		case "Fn::GetAtt":
			if len(list) == 2 {
				return "${" + t.name(t.text(list[0])) + "." + t.text(list[1]) + "}", true
			}
		case "Fn::Sub":
			return t.text(argument), true
		case "Fn::Join":
			if len(list) == 2 {
				parts, _ := list[1].([]any)
				texts := make([]string, len(parts))
				for i, part := range parts {
					texts[i] = t.text(part)
				}
				return strings.Join(texts, t.text(list[0])), true
			}
		case "Fn::ImportValue":
			for _, other := range t.neighbours {
				for _, o := range other.outputs {
					if o.Export.Name == argument {
						return other.text(o.Value), true
					}
				}
			}
		case "Fn::GetStackOutput":
			output, _ := argument.(map[string]any)
			if other := t.neighbours[t.text(output["StackName"])]; other != nil {
				return other.text(other.outputs[t.text(output["OutputName"])].Value), true
			}
		}
	}
	return "", false
}

// Before returns the names of the resources that CloudFormation finishes before it begins this one, and deletes after
// it: what it refers to or depends on, and so on. What is in another stack is not among them.
func (r *Resource) Before() map[string]bool {
	before := map[string]bool{}
	var visit func(r *Resource)
	visit = func(r *Resource) {
		for _, other := range r.direct() {
			if !before[other.Name] {
				before[other.Name] = true
				visit(other)
			}
		}
	}
	visit(r)
	return before
}

var substituted = regexp.MustCompile(`\$\{([A-Za-z0-9]+)[.}]`)

// direct are the resources that this one refers to or depends on itself.
func (r *Resource) direct() []*Resource {
	var found []*Resource
	add := func(id any) {
		if id, ok := id.(string); ok {
			if name, ok := r.template.names[id]; ok {
				found = append(found, r.template.Resources[name])
			}
		}
	}
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				walk(v)
			}
		case map[string]any:
			add(value["Ref"])
			if list, ok := value["Fn::GetAtt"].([]any); ok && len(list) > 0 {
				add(list[0])
			}
			if text, ok := value["Fn::Sub"].(string); ok {
				for _, m := range substituted.FindAllStringSubmatch(text, -1) {
					add(m[1])
				}
			}
			for _, v := range value {
				walk(v)
			}
		}
	}
	walk(r.properties)
	for _, id := range r.dependsOn {
		add(id)
	}
	return found
}
