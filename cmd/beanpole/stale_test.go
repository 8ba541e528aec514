package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// app writes a CDK app with a Django project and what it was synthesised to, into this directory.
func app(t *testing.T) (write func(file, text string, age time.Duration)) {
	t.Helper()
	t.Chdir(t.TempDir())
	write = func(file, text string, age time.Duration) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"main.go", "cdk.context.json", "site/shop/settings.py", "site/db.sqlite3"} {
		write(file, "{}", time.Hour)
	}
	write("cdk.json", `{"app": "go run .", "context": {"beanpole": {"source": "site"}}}`, time.Hour)
	write("cdk.out/manifest.json", `{"version": "1.0.0", "artifacts": {
		"shop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "shop.json"}, "dependencies": ["shop.assets"]},
		"shop.assets": {"type": "cdk:asset-manifest", "properties": {"file": "shop.assets.json"}}}}`, time.Minute)
	write("cdk.out/shop.assets.json", `{"files": {"b": {"source": {"path": "../site"}, "destinations": {"x": {"objectKey": "b.zip"}}}}}`, time.Minute)
	write("cdk.out/shop.json", `{"Resources": {
		"Version": {"Type": "AWS::ElasticBeanstalk::ApplicationVersion", "Properties": {"ApplicationName": "a", "SourceBundle": {"S3Bucket": "x", "S3Key": "b.zip"}}},
		"Web": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"ApplicationName": "a", "VersionLabel": {"Ref": "Version"}, "OptionSettings": [
			{"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "LoadBalancerType", "Value": "application"}]}}}}`, time.Minute)
	return write
}

func TestAnAssemblyOlderThanItsAppIsTold(t *testing.T) {
	for name, test := range map[string]struct{ file, says string }{
		"as synthesised":                {"", ""},
		"the configuration":             {"cdk.json", "cdk.out is older than cdk.json: npx cdk synth -q first"},
		"what was looked up":            {"cdk.context.json", "older than cdk.context.json"},
		"the app":                       {"main.go", "older than main.go"},
		"a test of the app":             {"main_test.go", ""},
		"the Django project":            {"site/shop/settings.py", "older than site/shop/settings.py"},
		"how Beanstalk runs it":         {"site/.ebextensions/10.config", "older than site/.ebextensions/10.config"},
		"its database":                  {"site/db.sqlite3", ""},
		"its own virtual environment":   {"site/.venv/lib/x.py", ""},
		"something that is not the app": {"README.md", ""},
	} {
		t.Run(name, func(t *testing.T) {
			write := app(t)
			if test.file != "" {
				text := "{}"
				if data, err := os.ReadFile(test.file); err == nil {
					text = string(data)
				}
				write(test.file, text, 0)
			}
			for command, args := range map[string][]string{
				"diff": {"diff", "--base", "cdk.out/shop.json", "--fail-on", "none"}, "diff --head": {"diff", "--base", "cdk.out/shop.json", "--head", "./cdk.out"},
				"diff --format json": {"diff", "--base", "cdk.out/shop.json", "--format", "json"}, "explain": {"explain"}, "explain cdk.out": {"explain", "cdk.out", "--json"},
			} {
				out, code, message := execute(t, "", args...)
				if code != 0 {
					t.Errorf("%s: exit %d, %s", command, code, message)
				}
				// Once as a line of its own, and once in the report.
				if n := strings.Count(out, "is older than"); test.says == "" && n > 0 || test.says != "" && (n != 2 || strings.Count(out, test.says) != 2 || !strings.Contains(out, "beanpole: cdk.out is")) {
					t.Errorf("%s: want %q twice:\n%s", command, test.says, out)
				}
			}
		})
	}
}

func TestDiffOfOneEnvironment(t *testing.T) {
	app(t)
	for word, want := range map[string]struct {
		code          int
		says, message string
	}{
		"Web":     {0, "no change", ""},
		"staging": {2, "", `--environment: there is no environment "staging"; stacks with one: shop`},
	} {
		stdout, code, message := execute(t, "", "diff", "--base", "cdk.out", "-e", word)
		if code != want.code || !strings.Contains(stdout, want.says) || message != want.message {
			t.Errorf("%s: exit %d, %q, printed %q", word, code, message, stdout)
		}
	}
}

func TestAnAssemblyOfElsewhereIsNotJudgedByItsAge(t *testing.T) {
	write := app(t)
	write("cdk.json", "{}", 0)
	if err := os.Rename("cdk.out", "old"); err != nil {
		t.Fatal(err)
	}
	if out, code, message := execute(t, "", "diff", "--base", "old/shop.json", "--head", "old"); code != 0 || strings.Contains(out, "older") {
		t.Errorf("exit %d %s:\n%s", code, message, out)
	}
}
