package test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

// The tests of this file and the next ones run in parallel: every app is a process of its own, with a Node.js of its own.

// run is one run of the app's program, as the CDK CLI runs it.
type run struct {
	directory string // that it has synthesised to
	output    string
	exit      int
}

// runApp runs a CDK app in a working directory with the context of the repository's cdk.json, some keys changed, and more
// variables. It gets nothing of this computer's AWS configuration.
func runApp(t *testing.T, program, workingDirectory string, context map[string]any, variables ...string) run {
	t.Helper()
	all := cdkJSON(t)
	all[templatetest.PathMetadata] = true
	maps.Copy(all, context)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	r := run{directory: filepath.Join(t.TempDir(), "cdk.out")}
	command := exec.Command(program)
	command.Dir = workingDirectory
	// What comes later wins.
	command.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "CDK_") }),
		append([]string{
			"CDK_OUTDIR=" + r.directory, "CDK_CONTEXT_JSON=" + string(text), "CDK_VALIDATION=false",
			// Which Node.js there is is no matter of these tests.
			"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20,21,23", "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1", "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION=1",
		}, variables...)...)
	if i := slices.IndexFunc(variables, func(v string) bool { return strings.HasPrefix(v, "CDK_OUTDIR=") }); i >= 0 {
		r.directory = strings.TrimPrefix(variables[i], "CDK_OUTDIR=")
	}
	output, err := command.CombinedOutput()
	// jsii says this now and then; the user can do nothing about it.
	r.output = strings.TrimSpace(strings.ReplaceAll(string(output), "Runtime process exited abnormally: waitid: no child processes", ""))
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		r.exit = failed.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return r
}

// cdkJSON is the context of the repository's cdk.json.
func cdkJSON(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Context
}

// synthesise runs the app and requires that it says nothing and ends well.
func synthesise(t *testing.T, context map[string]any, variables ...string) string {
	t.Helper()
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	r := runApp(t, filepath.Join(root, ".beanpole/bin/app"), root, context, variables...)
	if r.exit != 0 || r.output != "" {
		t.Fatalf("the app ends with %d and says:\n%s", r.exit, r.output)
	}
	return r.directory
}

// byDefault is what the default configuration deploys, synthesised once.
func byDefault(t *testing.T) string {
	t.Helper()
	defaultAssembly.Lock()
	defer defaultAssembly.Unlock()
	if defaultAssembly.directory == "" {
		directory, err := os.MkdirTemp("", "beanpole-test-")
		if err != nil {
			t.Fatal(err)
		}
		defaultAssembly.directory = directory
		synthesise(t, nil, "CDK_OUTDIR="+directory)
	}
	return defaultAssembly.directory
}

var defaultAssembly struct {
	sync.Mutex
	directory string
}

func TestWrongConfigurationIsToldAtOnceAndLeavesNothing(t *testing.T) {
	t.Parallel()
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	configuration := map[string]any{
		"application": "mysite", "source": "examples/nowhere", "wsgiApplication": "mysite.wsgi",
		"environments": map[string]any{
			"production": map[string]any{
				"network": "main", "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/a",
				"healthCheck": map[string]any{"path": "healthz", "successCodes": "200-299,301"},
			},
			"Production": map[string]any{"network": "main", "rulePriority": 100},
			"staging":    map[string]any{"account": "123456789012", "domains": []any{"www.example.com/"}},
		},
	}
	unknown := map[string]any{
		"application": "mysite", "source": "examples/mysite",
		"environments": map[string]any{
			"production": map[string]any{"capcity": map[string]any{}, "migrate": true},
			"staging":    map[string]any{"numThreads": 1.5},
		},
	}
	for name, c := range map[string]struct {
		configuration map[string]any
		before        string // what is in cdk.out/manifest.json
		parts         []string
	}{
		"values": {configuration, `{"of": "the last good run"}`, []string{
			"beanpole.source: ", "examples/nowhere", "environments.production.certificateArn: ", "environments.production.healthCheck.path: ",
			"environments.production.healthCheck.successCodes: ", "200-299,301", "Production and production", "have no domain to be told apart by",
			`the rulePriority 100`, "environments.staging.account: ", "environments.staging.domains[0]: ",
		}},
		"keys": {unknown, "", []string{`environments.production.capcity: there is no such key; did you mean "capacity"?`,
			"environments.production.migrate: there is no such key", "environments.staging.numThreads: must be a whole number, but is 1.5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			manifest := filepath.Join(out, "manifest.json")
			if c.before != "" {
				if err := os.WriteFile(manifest, []byte(c.before), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			r := runApp(t, filepath.Join(root, ".beanpole/bin/app"), root, map[string]any{"beanpole": c.configuration}, "CDK_OUTDIR="+out)
			if r.exit != 1 {
				t.Errorf("exit %d, want 1", r.exit)
			}
			for _, part := range c.parts {
				if !strings.Contains(r.output, part) {
					t.Errorf("%q is not in:\n%s", part, r.output)
				}
			}
			for _, noise := range []string{"goroutine", "panic", ".go:", "Error: "} {
				if strings.Contains(r.output, noise) {
					t.Errorf("%q is in:\n%s", noise, r.output)
				}
			}
			switch after, err := os.ReadFile(manifest); {
			case c.before == "" && !os.IsNotExist(err):
				t.Errorf("there is a manifest (%v), want none", err)
			case c.before != "" && string(after) != c.before:
				t.Errorf("the manifest is %q (%v), want it as it was", after, err)
			}
		})
	}
}

// Without the CLI the app reads cdk.json itself.
func TestPlainGoRun(t *testing.T) {
	t.Parallel()
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	for _, name := range []string{"cdk.json", "examples/mysite"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(copied, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if output, err := exec.Command("cp", "-R", filepath.Join(root, name), filepath.Join(copied, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
	}
	command := exec.Command(filepath.Join(root, ".beanpole/bin/app"))
	command.Dir = copied
	command.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CDK_") }), "CDK_VALIDATION=false")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if _, err := os.Stat(filepath.Join(copied, "cdk.out/mysite-production-web.template.json")); err != nil {
		t.Error(err)
	}
}

// The CDK's own rules have nothing to say about what is deployed by default.
func TestTheCDKsValidationFindsNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the validation takes seconds")
	}
	if on := cdkJSON(t)["@aws-cdk/core:validateAgainstDefaultRules"]; on != true {
		t.Fatalf("validateAgainstDefaultRules is %v in cdk.json", on)
	}
	directory := synthesise(t, nil, "CDK_VALIDATION=true")
	text, err := os.ReadFile(filepath.Join(directory, "validation-report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		PluginReports []struct {
			PluginName, Conclusion string
			Violations             []any
			SuppressedViolations   []struct{ AcknowledgedID, Reason string }
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	for _, p := range report.PluginReports {
		if p.Conclusion != "success" || len(p.Violations) > 0 {
			t.Errorf("%s ends with %s: %v", p.PluginName, p.Conclusion, p.Violations)
		}
		for _, s := range p.SuppressedViolations {
			if s.Reason == "" {
				t.Errorf("%s is acknowledged without a reason", s.AcknowledgedID)
			}
		}
	}
}

// cfn-lint has nothing to say about what is deployed by default, as it is and with HTTPS.
func TestCfnLintFindsNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("cfn-lint takes seconds")
	}
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, ".beanpole/lint/bin/cfn-lint")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: run `bash scripts/setup.sh tests` first", err)
	}
	secure := synthesise(t, map[string]any{
		"beanpole.environments.production.domains":    []string{"www.example.com", "example.com"},
		"beanpole.environments.production.hostedZone": map[string]string{"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"},
	})
	var templates []string
	for _, directory := range []string{byDefault(t), secure} {
		found, err := filepath.Glob(filepath.Join(directory, "*.template.json"))
		if err != nil || len(found) < 2 {
			t.Fatal(found, err)
		}
		templates = append(templates, found...)
	}
	arguments := []string{
		"--regions", "us-east-1",
		// A dependency that a reference makes too: the CDK writes out what it is told, and who reads it need not search the options.
		"--ignore-checks", "W3005",
		"--",
	}
	if output, err := exec.Command(program, append(arguments, templates...)...).CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("%v\n%s", err, output)
	}
}

// Who synthesises where and when says nothing about what is deployed.
func TestTheBundleIsTheSameFromAnyDirectory(t *testing.T) {
	t.Parallel()
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	bundleOf := func(directory string) string {
		web := templatetest.Read(t, directory)["mysite-production-web"]
		return web.One(t, "AWS::ElasticBeanstalk::ApplicationVersion").Property("SourceBundle.S3Key")
	}
	elsewhere := t.TempDir()
	command := exec.Command("sh", "-c", `umask 077 && cp -R "$1" . && find . -exec touch -t 203001020304 {} + && find . -type f -exec chmod go= {} +`,
		"sh", filepath.Join(root, "examples/mysite"))
	command.Dir = elsewhere
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	configuration := cdkJSON(t)["beanpole"].(map[string]any)
	configuration["source"] = filepath.Join(elsewhere, "mysite")
	a, b := bundleOf(byDefault(t)), bundleOf(synthesise(t, map[string]any{"beanpole": configuration}))
	if a != b {
		t.Errorf("the bundle is %s from the checkout and %s from a copy", a, b)
	}
	if len(a) != 64+len(".zip") {
		t.Errorf("the bundle's name is %q, want the hash of its bytes", a)
	}
}
