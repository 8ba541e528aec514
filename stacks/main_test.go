package stacks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/internal/template/templatetest"
	"example.com/beanpole-cdk/stacks"
)

func TestMain(m *testing.M) {
	// The CDK's own validation takes seconds a process; a test of the whole app has it on.
	os.Setenv("CDK_VALIDATION", "false")
	jsii.Close() // the next call starts a Node process with this environment
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// load loads the configuration of an application with these environments, both in JSON, the paths of the command line laid
// over it. More keys beside environments can follow it, as in `{"production": {}}, "networks": {}`.
func load(t *testing.T, environments string, paths map[string]any) (stacks.Config, error) {
	t.Helper()
	context := map[string]any{}
	text := `{"beanpole": {"application": "shop", "source": "../examples/mysite", "wsgiApplication": "mysite.wsgi", "environments": ` + environments + `}}`
	if err := json.Unmarshal([]byte(text), &context); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for path, value := range paths {
		context["beanpole."+path] = value
	}
	return stacks.LoadConfig(context)
}

// newApp returns an app with the feature flags of cdk.json.
func newApp(t *testing.T) awscdk.App {
	t.Helper()
	text, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	delete(file.Context, stacks.ContextKey)
	file.Context[templatetest.PathMetadata] = true
	return awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), Context: &file.Context})
}

// synth synthesises the stacks of an application with these environments, and returns the directory.
func synth(t *testing.T, environments string) string {
	t.Helper()
	config, err := load(t, environments, nil)
	if err != nil {
		t.Fatal(err)
	}
	app := newApp(t)
	if err := stacks.Build(app, config); err != nil {
		t.Fatal(err)
	}
	return *app.Synth(nil).Directory()
}

// templates are the templates of an application with these environments, by stack.
func templates(t *testing.T, environments string) map[string]*templatetest.Template {
	t.Helper()
	return templatetest.Read(t, synth(t, environments))
}

func requireParts(t *testing.T, message string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("%q is not in:\n%s", part, message)
		}
	}
}

// requireProperties compares properties of a resource, by their paths.
func requireProperties(t *testing.T, r *templatetest.Resource, want map[string]string) {
	t.Helper()
	if r == nil {
		t.Fatalf("there is no such resource; want one with %v", want)
	}
	for path, value := range want {
		if got := r.Property(path); got != value {
			t.Errorf("%s: %s is %q, want %q", r.Name, path, got, value)
		}
	}
}

// domains is a JSON list of n domains of example.com.
func domains(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"site%d.example.com"`, i+1))
	}
	return "[" + strings.Join(names, ", ") + "]"
}
