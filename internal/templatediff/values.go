package templatediff

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// scope is what the functions of one template refer to.
type scope struct {
	parameters, mappings, conditions, resources, outputs map[string]any

	known map[string]any // conditions by name, in canonical form
}

func newScope(root map[string]any) *scope {
	section := func(name string) map[string]any { m, _ := root[name].(map[string]any); return m }
	s := &scope{
		parameters: section("Parameters"), mappings: section("Mappings"), conditions: section("Conditions"),
		resources: section("Resources"), outputs: section("Outputs"), known: map[string]any{},
	}
	for name := range s.conditions {
		s.condition(name)
	}
	return s // from here on it is only read
}

// concat is a text of which only some parts are known: texts and functions in turn.
type concat []any

// canonical returns a value in the one form in which equal values are equal: numbers and booleans as the text that
// CloudFormation makes of them, parameters and mappings as far as the template tells their value, Fn::Sub and Fn::Join
// as one list of parts.
func (s *scope) canonical(v any) any {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if !isNoValue(e) {
				out = append(out, s.canonical(e))
			}
		}
		return out
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return s.function(name, argument)
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			if !isNoValue(e) {
				out[k] = s.canonical(e)
			}
		}
		return out
	}
	return v
}

// function returns a CloudFormation function's name and argument.
func function(m map[string]any) (name string, argument any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, argument = range m {
	}
	return name, argument, name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
}

func isNoValue(v any) bool {
	m, _ := v.(map[string]any)
	return len(m) == 1 && m["Ref"] == "AWS::NoValue"
}

func (s *scope) function(name string, argument any) any {
	list, _ := argument.([]any)
	switch name {
	case "Ref":
		if name, ok := argument.(string); ok {
			if value, ok := s.parameter(name); ok {
				return value
			}
		}
	case "Fn::GetAtt":
		if text, ok := argument.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			return map[string]any{name: []any{resource, attribute}}
		}
	case "Fn::Join":
		if len(list) == 2 {
			delimiter, ok := list[0].(string)
			items, isList := list[1].([]any)
			if ok && isList {
				var parts concat
				for i, item := range items {
					if i > 0 && delimiter != "" {
						parts = append(parts, delimiter)
					}
					parts = append(parts, s.canonical(item))
				}
				return parts.flat()
			}
		}
	case "Fn::Sub":
		text, ok := argument.(string)
		variables := map[string]any{}
		if len(list) == 2 {
			text, ok = list[0].(string)
			variables, _ = list[1].(map[string]any)
		}
		if ok {
			return s.substitute(text, variables)
		}
	case "Fn::FindInMap":
		if len(list) >= 3 {
			keys := [3]string{}
			known := true
			for i := range keys {
				text, ok := s.canonical(list[i]).(string)
				keys[i], known = text, known && ok
			}
			table, _ := s.mappings[keys[0]].(map[string]any)
			row, _ := table[keys[1]].(map[string]any)
			if value, ok := row[keys[2]]; known && ok {
				return s.canonical(value)
			}
			// Which row is taken, only a deployment knows: any change of the mapping may be a change here.
			return map[string]any{name: append(s.canonical(list).([]any), table)}
		}
	case "Condition":
		if name, ok := argument.(string); ok {
			return map[string]any{"Condition": s.condition(name)}
		}
	case "Fn::If":
		if len(list) == 3 {
			yes, no := s.canonical(list[1]), s.canonical(list[2])
			if equal(yes, no) {
				return yes
			}
			condition, _ := list[0].(string)
			return map[string]any{name: []any{condition, yes, no, s.condition(condition)}}
		}
	}
	return map[string]any{name: s.canonical(argument)}
}

// condition is a condition's definition, so that what depends on it changes with it.
func (s *scope) condition(name string) any {
	if definition, ok := s.known[name]; ok || s.conditions[name] == nil {
		return definition
	}
	s.known[name] = name // of a condition that refers to itself, which CloudFormation refuses
	s.known[name] = s.canonical(s.conditions[name])
	return s.known[name]
}

// parameter returns a parameter's default, as the stack takes it unless it is told otherwise. A secret one has none here.
func (s *scope) parameter(name string) (any, bool) {
	p, _ := s.parameters[name].(map[string]any)
	value, ok := p["Default"]
	typ, _ := p["Type"].(string)
	if !ok || strings.HasPrefix(typ, "AWS::SSM::Parameter::Value") || s.noEcho(name) {
		return nil, false
	}
	text, isText := s.canonical(value).(string)
	if isText && (typ == "CommaDelimitedList" || strings.HasPrefix(typ, "List<")) {
		items := []any{}
		for item := range strings.SplitSeq(text, ",") {
			items = append(items, strings.TrimSpace(item))
		}
		return items, true
	}
	return text, isText
}

func (s *scope) noEcho(parameter string) bool {
	p, _ := s.parameters[parameter].(map[string]any)
	return strings.EqualFold(fmt.Sprint(p["NoEcho"]), "true")
}

var substitution = regexp.MustCompile(`\$\{([^{}]*)\}`)

func (s *scope) substitute(text string, variables map[string]any) any {
	var parts concat
	at := 0
	for _, match := range substitution.FindAllStringSubmatchIndex(text, -1) {
		parts = append(parts, text[at:match[0]])
		at = match[1]
		name := strings.TrimSpace(text[match[2]:match[3]])
		switch value, ok := variables[name]; {
		case strings.HasPrefix(name, "!"):
			parts = append(parts, "${"+name[1:]+"}")
		case ok:
			parts = append(parts, s.canonical(value))
		case strings.Contains(name, "."):
			resource, attribute, _ := strings.Cut(name, ".")
			parts = append(parts, map[string]any{"Fn::GetAtt": []any{resource, attribute}})
		default:
			parts = append(parts, s.function("Ref", name))
		}
	}
	return append(parts, text[at:]).flat()
}

// flat joins neighbouring texts; what is one text or one function is no concat any more.
func (c concat) flat() any {
	var out concat
	for _, part := range c {
		switch part := part.(type) {
		case concat:
			for _, p := range part {
				out = out.add(p)
			}
		default:
			out = out.add(part)
		}
	}
	switch len(out) {
	case 0:
		return ""
	case 1:
		return out[0]
	}
	return out
}

func (c concat) add(part any) concat {
	text, ok := part.(string)
	if ok && text == "" {
		return c
	}
	if last := len(c) - 1; ok && last >= 0 {
		if before, ok := c[last].(string); ok {
			c[last] = before + text
			return c
		}
	}
	return append(c, part)
}

// reference is a part of a value that another resource, stack or parameter gives.
type reference struct {
	name      string // logical id or parameter, or of another stack's output its name or export
	attribute string // of Fn::GetAtt
	stack     string // of Fn::GetStackOutput: the stack's name
	export    bool   // of Fn::ImportValue
}

// references calls found for every reference in a value as the template has it.
func (s *scope) references(v any, found func(reference)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.references(e, found)
		}
	case map[string]any:
		name, argument, ok := function(v)
		if !ok {
			for _, key := range sorted(v) {
				s.references(v[key], found)
			}
			return
		}
		switch name {
		case "Ref":
			if target, ok := argument.(string); ok {
				found(reference{name: target})
			}
		case "Fn::GetAtt":
			if pair, ok := s.canonical(v).(map[string]any)["Fn::GetAtt"].([]any); ok && len(pair) == 2 {
				target, _ := pair[0].(string)
				attribute, _ := pair[1].(string)
				found(reference{name: target, attribute: attribute})
			}
		case "Fn::Sub":
			text, _ := argument.(string)
			if list, ok := argument.([]any); ok && len(list) == 2 {
				text, _ = list[0].(string)
				s.references(list[1], found)
			}
			for _, match := range substitution.FindAllStringSubmatch(text, -1) {
				target, attribute, _ := strings.Cut(strings.TrimSpace(match[1]), ".")
				if !strings.HasPrefix(target, "!") {
					found(reference{name: target, attribute: attribute})
				}
			}
		case "Fn::GetStackOutput":
			m, _ := argument.(map[string]any)
			stack, _ := s.canonical(m["StackName"]).(string)
			output, _ := m["OutputName"].(string)
			found(reference{name: output, stack: stack})
		case "Fn::ImportValue":
			if export, ok := s.canonical(argument).(string); ok {
				found(reference{name: export, export: true})
			}
			s.references(argument, found)
		case "Fn::If":
			if list, ok := argument.([]any); ok && len(list) == 3 {
				s.references(list[1:], found)
			}
		default:
			s.references(argument, found)
		}
	}
}

// text is a canonical value in words: ${Subnet}, ${LoadBalancer.DNSName}, ${network-stack.VpcId}.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case concat:
		var b strings.Builder
		for _, part := range v {
			b.WriteString(text(part))
		}
		return b.String()
	case []any:
		parts := make([]string, len(v))
		plain := true
		for i, e := range v {
			parts[i] = text(e)
			_, isMap := e.(map[string]any)
			if isMap {
				_, _, isFunction := function(e.(map[string]any))
				plain = plain && isFunction
			}
		}
		if !plain {
			return encode(v)
		}
		return strings.Join(parts, ", ")
	case branches:
		parts := make([]string, len(v))
		for i, b := range v {
			parts[i] = "if " + b.condition + ": " + text(b.value)
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		name, argument, ok := function(v)
		if !ok {
			return encode(v)
		}
		list, _ := argument.([]any)
		switch {
		case name == "Ref":
			return "${" + text(argument) + "}"
		case name == "Fn::GetAtt" && len(list) == 2:
			return "${" + text(list[0]) + "." + text(list[1]) + "}"
		case name == "Fn::GetStackOutput":
			m, _ := argument.(map[string]any)
			return "${" + text(m["StackName"]) + "." + text(m["OutputName"]) + "}"
		case name == "Fn::ImportValue":
			return "${import " + text(argument) + "}"
		case name == "Fn::FindInMap" && len(list) >= 3:
			return "${" + text(list[0]) + "[" + text(list[1]) + "][" + text(list[2]) + "]}"
		case name == "Fn::If" && len(list) == 4:
			return fmt.Sprintf("if %s: %s, else: %s", text(list[0]), text(list[1]), text(list[2]))
		}
		return "${" + strings.TrimPrefix(name, "Fn::") + " " + text(argument) + "}"
	}
	return encode(v)
}

// encode writes a list or an object as compact JSON with its functions in words.
func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(plain(v)); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func plain(v any) any {
	switch v := v.(type) {
	case concat:
		return text(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case map[string]any:
		if _, _, ok := function(v); ok {
			return text(v)
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	}
	return v
}

// equal compares values as templates have them and in canonical form. It is reflect.DeepEqual, several times faster.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case concat:
		b, ok := b.(concat)
		return ok && slices.EqualFunc(a, b, equal)
	case branches:
		return reflect.DeepEqual(any(a), b)
	}
	if _, ok := b.(branches); ok {
		return false
	}
	switch b.(type) {
	case map[string]any, []any, concat:
		return false
	}
	return a == b
}

// sameElements says that two lists differ in order only.
func sameElements(a, b any) bool {
	x, ok := a.([]any)
	y, also := b.([]any)
	if !ok || !also || len(x) != len(y) {
		return false
	}
	keys := func(list []any) []string {
		out := make([]string, len(list))
		for i, e := range list {
			out[i] = encode(e)
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(keys(x), keys(y))
}

// at returns the values at a schema path ("Tier.Name"), those inside of lists too.
func at(v any, path []string) []any {
	if list, ok := v.([]any); ok {
		var out []any
		for _, e := range list {
			out = append(out, at(e, path)...)
		}
		return out
	}
	if len(path) == 0 {
		if v == nil {
			return nil
		}
		return []any{v}
	}
	m, _ := v.(map[string]any)
	return at(m[path[0]], path[1:])
}

// keys returns the sorted keys of two maps.
func keys[V any](a, b map[string]V) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
