package stacks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"example.com/beanpole-cdk/stacks"
)

var update = flag.Bool("update", false, "write the table of keys into the README instead of comparing with it")

// row is one key of the configuration, as the README has it.
type row struct{ key, kind, byDefault, meaning string }

// The README's table is made of the comments of the fields, so that each sentence has one home.
func TestTheTableOfKeys(t *testing.T) {
	const begin, end = "<!-- keys: go test ./stacks -run TableOfKeys -update -->\n", "<!-- end of keys -->"
	var table strings.Builder
	table.WriteString("| key | type | default | what it is |\n|---|---|---|---|\n")
	for _, r := range rows(t) {
		byDefault := r.byDefault
		if value, rest, ok := literal(byDefault); ok {
			byDefault = "`" + value + "`" + rest
		}
		cells := []string{"`" + r.key + "`", r.kind, byDefault, r.meaning}
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
		}
		fmt.Fprintf(&table, "| %s |\n", strings.Join(cells, " | "))
	}
	const file = "../README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	is, after, ended := bytes.Cut(rest, []byte(end))
	if !ok || !ended {
		t.Fatalf("%s has no place for the table: %q and %q", file, begin, end)
	}
	if string(is) == table.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of keys in %s is not that of stacks/*.go; write it with: go test ./stacks -run TableOfKeys -update", file)
	}
	if err := os.WriteFile(file, bytes.Join([][]byte{before, []byte(begin), []byte(table.String()), []byte(end), after}, nil), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A default that the table gives as a value is the value: to write it down changes nothing.
func TestTheDefaultsOfTheTableAreTrue(t *testing.T) {
	const environment = "environments.NAME."
	seen := map[string]bool{}
	for _, c := range []struct {
		name, bare string // an environment called NAME, in JSON, and more keys behind it
		keys       func(key string) bool
	}{
		{"a web server", `{"NAME": {}}` + octocat, func(key string) bool {
			for _, other := range []string{environment + "worker.", environment + "processes.", environment + "capacity.scheduledActions."} {
				if strings.HasPrefix(key, other) {
					return false
				}
			}
			return true
		}},
		{"a worker", `{"NAME": {"tier": "Worker"}}`, func(key string) bool { return strings.HasPrefix(key, environment+"worker.") }},
		{"a process", `{"NAME": {"processes": {"NAME": {"port": 8080, "paths": ["/api/*"]}}}}`, func(key string) bool {
			return strings.HasPrefix(key, environment+"processes.") && !strings.HasSuffix(key, ".port")
		}},
		{"a port", `{"NAME": {"processes": {"NAME": {"paths": ["/api/*"], "healthCheck": {"path": "/api/healthz/"}}}}}`, func(key string) bool {
			return key == environment+"processes.NAME.port"
		}},
		{"a scheduled action", `{"NAME": {"capacity": {"scheduledActions": {"NAME": {"recurrence": "0 6 * * *", "minSize": 3}}}}}`, func(key string) bool {
			return strings.HasPrefix(key, environment+"capacity.scheduledActions.")
		}},
	} {
		paths := map[string]any{}
		for _, r := range rows(t) {
			value, _, ok := literal(r.byDefault)
			if !ok || !c.keys(r.key) {
				continue
			}
			var decoded any
			if err := json.Unmarshal([]byte(value), &decoded); err != nil {
				t.Fatal(err)
			}
			paths[r.key], seen[r.key] = decoded, true
		}
		if len(paths) == 0 {
			t.Fatalf("%s has no defaults", c.name)
		}
		synthesised := func(paths map[string]any) map[string]string {
			config, err := load(t, c.bare, paths)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			app := newApp(t)
			if err := stacks.Build(app, config); err != nil {
				t.Fatal(err)
			}
			found := map[string]string{}
			files, _ := filepath.Glob(filepath.Join(*app.Synth(nil).Directory(), "*.template.json"))
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				found[filepath.Base(file)] = string(text)
			}
			return found
		}
		bare, written := synthesised(nil), synthesised(paths)
		if len(bare) < 2 || len(written) != len(bare) {
			t.Fatalf("%s: %d and %d templates", c.name, len(bare), len(written))
		}
		for file := range bare {
			if bare[file] != written[file] {
				t.Errorf("%s: %s is another one with the defaults written down, of which one at least is none:\n%s\ninstead of\n%s", c.name, file, written[file], bare[file])
			}
		}
	}
	for _, r := range rows(t) {
		if _, _, ok := literal(r.byDefault); ok && !seen[r.key] {
			t.Errorf("the default of %s is tested nowhere", r.key)
		}
	}
}

// literal takes a value from the beginning of a default.
func literal(text string) (value, rest string, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var decoded any
	if err := decoder.Decode(&decoded); err != nil || decoded == nil {
		return "", text, false
	}
	value, rest = text[:decoder.InputOffset()], text[decoder.InputOffset():]
	if rest != "" && !strings.ContainsAny(rest[:1], ",;") {
		return "", text, false
	}
	return value, rest, true
}

// rows are all keys, in the order of the fields.
func rows(t *testing.T) []row {
	t.Helper()
	comments := comments(t)
	var all []row
	var walk func(prefix string, structure reflect.Type)
	walk = func(prefix string, structure reflect.Type) {
		for i := range structure.NumField() {
			field := structure.Field(i)
			key := prefix + field.Tag.Get("beanpole")
			kind, inner := kindOf(t, field.Type)
			if comment := comments[structure.Name()+"."+field.Name]; comment != "" || field.Type.Kind() != reflect.Struct {
				r := row{key: key, kind: kind}
				var err error
				if r.meaning, r.byDefault, err = parse(field.Name, comment); err != nil {
					t.Errorf("%s.%s: %v", structure.Name(), field.Name, err)
				}
				all = append(all, r)
			}
			if inner != nil {
				if field.Type.Kind() == reflect.Map {
					key += ".NAME"
				}
				walk(key+".", inner)
			}
		}
	}
	walk("", reflect.TypeFor[stacks.Config]())
	return all
}

// kindOf is a type in the words of JSON, and the structure inside of it.
func kindOf(t *testing.T, of reflect.Type) (string, reflect.Type) {
	t.Helper()
	switch of.Kind() {
	case reflect.String:
		return "text", nil
	case reflect.Int, reflect.Float64:
		return "number", nil
	case reflect.Bool:
		return "true or false", nil
	case reflect.Struct:
		return "object", of
	case reflect.Pointer:
		return kindOf(t, of.Elem())
	case reflect.Slice:
		kind, inner := kindOf(t, of.Elem())
		if inner != nil {
			return "list of objects", inner
		}
		return "list of " + kind, nil
	case reflect.Map:
		kind, inner := kindOf(t, of.Elem())
		if of.Elem().Kind() == reflect.Map {
			return "object of " + kind, inner
		}
		return kind + " by name", inner
	}
	t.Fatalf("%s has no word in the table", of)
	return "", nil
}

var spaces = regexp.MustCompile(`\s+`)

// parse takes the comment of a field apart: "MaxAZs is the number of zones. Default: 2."
func parse(name, comment string) (meaning, byDefault string, err error) {
	text, _, _ := strings.Cut(comment, "\n\n") // a link
	text = strings.TrimSpace(spaces.ReplaceAllString(text, " "))
	rest, ok := strings.CutPrefix(text, name+" ")
	if !ok {
		return "", "", fmt.Errorf("the comment does not begin with the name: %q", text)
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
	rest = strings.ToUpper(rest[:1]) + rest[1:]
	if meaning, byDefault, ok = strings.Cut(rest, " Default: "); ok {
		return meaning, strings.TrimSuffix(byDefault, "."), nil
	}
	if i := strings.LastIndex(rest, " Required"); i >= 0 {
		return rest[:i], strings.ToLower(rest[i+1:i+2]) + strings.TrimSuffix(rest[i+2:], "."), nil
	}
	return "", "", fmt.Errorf("the comment ends neither with the default nor with \"Required.\": %q", text)
}

// comments are those of the fields of the configuration, by type and field.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range structure.Fields.List {
				for _, n := range field.Names {
					found[spec.Name.Name+"."+n.Name] = field.Doc.Text()
				}
			}
			return false
		})
	}
	return found
}
