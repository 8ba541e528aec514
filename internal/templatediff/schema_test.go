package templatediff

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

var loadSchema = sync.OnceValues(func() (map[string]any, error) {
	data, err := os.ReadFile("schema.json")
	if err != nil {
		return nil, err
	}
	var s map[string]any
	return s, json.Unmarshal(data, &s)
})

// checkSchema holds a report against schema.json, by the few words of JSON Schema that are used there.
func checkSchema(t *testing.T, report string) {
	t.Helper()
	root, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(report), &v); err != nil {
		t.Fatal(err)
	}
	for _, problem := range violations(root, root, v, "$") {
		t.Error(problem)
	}
}

func violations(root, schema map[string]any, v any, path string) (out []string) {
	say := func(format string, args ...any) { out = append(out, path+": "+fmt.Sprintf(format, args...)) }
	for word, rule := range schema {
		switch word {
		case "$schema", "$id", "$defs", "title", "description":
		case "$ref":
			name := strings.TrimPrefix(rule.(string), "#/$defs/")
			out = append(out, violations(root, root["$defs"].(map[string]any)[name].(map[string]any), v, path)...)
		case "const":
			if v != rule {
				say("%v, want %v", v, rule)
			}
		case "enum":
			if !slices.Contains(rule.([]any), v) {
				say("%v is none of %v", v, rule)
			}
		case "anyOf":
			if !slices.ContainsFunc(rule.([]any), func(s any) bool { return len(violations(root, s.(map[string]any), v, path)) == 0 }) {
				say("%v fits nothing of %v", v, rule)
			}
		case "type":
			types, ok := rule.([]any)
			if !ok {
				types = []any{rule}
			}
			kind := map[reflect.Kind]string{reflect.Map: "object", reflect.Slice: "array", reflect.String: "string", reflect.Bool: "boolean", reflect.Invalid: "null"}[reflect.ValueOf(v).Kind()]
			if !slices.Contains(types, any(kind)) {
				say("%s, want %v", kind, types)
			}
		case "required":
			for _, name := range rule.([]any) {
				if m, ok := v.(map[string]any); !ok || !reflect.ValueOf(m).MapIndex(reflect.ValueOf(name)).IsValid() {
					say("%s is missing", name)
				}
			}
		case "properties":
			for name, s := range rule.(map[string]any) {
				if value, ok := v.(map[string]any)[name]; ok {
					out = append(out, violations(root, s.(map[string]any), value, path+"."+name)...)
				}
			}
		case "additionalProperties":
			for name := range v.(map[string]any) {
				if schema["properties"].(map[string]any)[name] == nil {
					say("%s is not allowed", name)
				}
			}
		case "items":
			for i, e := range v.([]any) {
				out = append(out, violations(root, rule.(map[string]any), e, fmt.Sprintf("%s[%d]", path, i))...)
			}
		default:
			say("the test does not know %q", word)
		}
	}
	return out
}

func TestSchemaNamesEveryEffect(t *testing.T) {
	root, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	for _, e := range effects {
		want = append(want, string(e))
	}
	if got := root["$defs"].(map[string]any)["effect"].(map[string]any)["enum"]; !reflect.DeepEqual(got, want) {
		t.Errorf("schema.json has the effects %v, the package has %v", got, want)
	}
}
