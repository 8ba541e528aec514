package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// execute runs the command line as main does, without the process.
func execute(t *testing.T, stdin string, args ...string) (stdout string, code int, message string) {
	t.Helper()
	root := newRootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(args)
	err := root.Execute()
	var exit *exitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		code = exit.code
		if exit.err != nil {
			message = exit.err.Error()
		}
	default:
		code, message = 2, err.Error()
	}
	return out.String(), code, message
}

const (
	fine     = "option_settings:\n  aws:autoscaling:asg:\n    MinSize: 2\n"
	doubtful = "option_settings:\n  aws:autoscaling:asg:\n    minSize: 2\n"
	wrong    = "option_settings:\n  aws:autoscaling:asg:\n    MinSize: lots\n"
)

func TestValidateExitCodes(t *testing.T) {
	directory := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, warned, bad, broken := write("good.config", fine), write("warned.config", doubtful), write("bad.config", wrong), write("broken.config", "a: b: c")
	for _, tt := range []struct {
		name, stdin string
		args        []string
		code        int
		stdout      string
		message     string
	}{
		{"nothing is wrong", "", []string{good}, 0, "1 option setting checked: 0 errors, 0 warnings", ""},
		{"a warning", "", []string{warned}, 0, "warned.config:3:14\n  warning: aws:autoscaling:asg minSize", ""},
		{"a warning is strict", "", []string{"--strict", warned}, 1, "0 errors, 1 warning", ""},
		{"an error", "", []string{good, bad}, 1, "bad.config:3:14\n  error: aws:autoscaling:asg MinSize: \"lots\" is no number; allowed: 0 to 10000 [value-type]\n  https://", ""},
		{"standard input", wrong, []string{"-"}, 1, "-:3:14", ""},
		{"unreadable", "", []string{broken}, 2, "", "broken.config"},
		{"unreadable beside an error", "", []string{bad, filepath.Join(directory, "missing.config")}, 2, "1 error", "missing.config"},
		{"no file", "", nil, 2, "", "requires at least 1 arg"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, code, message := execute(t, tt.stdin, append([]string{"validate"}, tt.args...)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(message, tt.message) {
				t.Errorf("exit %d (%s):\n%s\nwant exit %d (%s) and %q", code, message, stdout, tt.code, tt.message, tt.stdout)
			}
		})
	}
}

// Of several files that cannot be read, every line says who says so.
func TestEveryErrorHasItsOwnLine(t *testing.T) {
	_, unreadable := checkFiles([]string{"nothere.yaml", "norhere.yaml", "-"}, strings.NewReader("a: b: c"))
	var out bytes.Buffer
	printError(&out, unreadable)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Errorf("want 3 lines:\n%s", &out)
	}
	for i, want := range []string{"open nothere.yaml: ", "open norhere.yaml: ", "-: "} {
		if i < len(lines) && !strings.HasPrefix(lines[i], "beanpole: "+want) {
			t.Errorf("%q, want beanpole: %s", lines[i], want)
		}
	}
}

func TestValidateJSON(t *testing.T) {
	template := `{"Resources": {"Web": {"Type": "AWS::ElasticBeanstalk::Environment", "Metadata": {"aws:cdk:path": "S/Web"}, "Properties": {"OptionSettings": [
{"Namespace": "aws:autoscaling:asg", "OptionName": "MinSize", "Value": "lots"},
{"Namespace": "aws:elasticbeanstalk:application:environmentsecrets", "OptionName": "KEY", "Value": "hunter2"}]}}}}`
	stdout, code, _ := execute(t, template, "validate", "--json", "-")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	if strings.Contains(stdout, "hunter2") {
		t.Error("a secret is shown")
	}
	var report jsonReport
	if err := json.Unmarshal([]byte(strings.ReplaceAll(stdout, `"level": "error"`, `"level": 0`)), &report); err != nil {
		t.Fatal(err)
	}
	if report.Errors != 2 || report.Warnings != 0 || len(report.Files) != 1 || report.Files[0].File != "-" || report.Files[0].Settings != 2 {
		t.Errorf("report = %+v", report)
	}
	want := jsonFinding{
		Rule: "value-type", Line: 2, Column: 72, Resource: "Web", Path: "S/Web", Namespace: "aws:autoscaling:asg", Option: "MinSize", Value: "lots",
		Message: `aws:autoscaling:asg MinSize: "lots" is no number; allowed: 0 to 10000`, Allowed: "0 to 10000",
		URL: "https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html#command-options-general-autoscalingasg",
	}
	if got := report.Files[0].Findings[0]; got != want {
		t.Errorf("finding =\n%+v\nwant\n%+v", got, want)
	}
	if stdout, code, _ := execute(t, `{"Resources": {}}`, "validate", "--json", "-"); code != 0 || !strings.Contains(stdout, `"findings": []`) {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// A setting in the wrong place has the value that it would have in the right one.
func TestValidateShowsNoValueOfAnUnknownOption(t *testing.T) {
	const settings = `[
{"Namespace": "aws:elasticbeanstalk:application:enviroment", "OptionName": "K", "Value": "hunter2"},
{"Namespace": "aws:elasticbeanstalk:application", "OptionName": "SECRET_KEY", "Value": "hunter2"},
{"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "SECRET_KEY", "Value": "hunter2"},
{"Namespace": "aws:elasticbeanstalk:container:python", "OptionName": "SECRET_KEY", "Value": "hunter2"},
{"Namespace": "aws:elasticbeanstalk:container:python", "OptionName": "SECRET_KEY", "Value": "hunter23"}]`
	for _, args := range [][]string{{"validate", "-"}, {"validate", "--json", "-"}} {
		stdout, code, message := execute(t, settings, args...)
		if code != 1 || strings.Contains(stdout, "hunter2") || !strings.Contains(stdout, "SECRET_KEY") {
			t.Errorf("%v: exit %d %s\n%s", args, code, message, stdout)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"healthcheckpath"}, 0, []string{"aws:elasticbeanstalk:environment:process:default\n", "HealthCheckPath", "no interruption"}},
		{[]string{"LOADBALANCERTYPE"}, 0, []string{"classic", "classic, application, network", "refused after creation"}},
		{[]string{"--json", "sharedloadbalancer"}, 0, []string{`"creationOnly": true`, `"effect": "refused after creation"`, `"url": "https://docs.aws.amazon.com/`}},
		{[]string{"Health", "check"}, 0, []string{"MatcherHTTPCode", "  HealthyThresholdCount", "UnhealthyThresholdCount", "HealthCheckPath"}},
		{[]string{"process", "healthcheck"}, 0, []string{"MatcherHTTPCode", "  HealthyThresholdCount", "UnhealthyThresholdCount"}},
		{[]string{"success codes"}, 0, []string{"MatcherHTTPCode"}},
		{nil, 0, []string{"aws:autoscaling:asg", "aws:elasticbeanstalk:eks:observability"}},
		{[]string{"no", "such", "thing"}, 1, nil},
		{[]string{"--json", "no such thing"}, 1, []string{"[]"}},
	} {
		stdout, code, _ := execute(t, "", append([]string{"options"}, tt.args...)...)
		if code != tt.code {
			t.Errorf("%v: exit %d, want %d", tt.args, code, tt.code)
		}
		for _, want := range tt.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%v: no %q in\n%s", tt.args, want, stdout)
			}
		}
	}
}

// A word for an option that the catalogue does not have would find nothing, silently.
func TestWhatOptionsAreAlsoCalledIsOfTheCatalogue(t *testing.T) {
	for name := range alsoCalled {
		if !slices.ContainsFunc(option.Catalogue(), func(o option.Option) bool { return o.Name == name }) {
			t.Errorf("the catalogue has no %s", name)
		}
	}
}

func TestOptionsCompare(t *testing.T) {
	const answer = `{"Options": [{"Namespace": "aws:elasticbeanstalk:xray", "Name": "XRayEnabled", "DefaultValue": "%"}]}`
	for _, tt := range []struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		{strings.Replace(answer, "%", "false", 1), nil, 0, "0 differences"},
		{strings.Replace(answer, "%", "true", 1), nil, 1, "default     false      true"},
		{strings.Replace(answer, "%", "false", 1), []string{"--json"}, 0, "[]"},
		{"not JSON", nil, 2, ""},
		{answer, []string{"word"}, 2, ""},
	} {
		stdout, code, message := execute(t, tt.stdin, append([]string{"options", "--compare", "-"}, tt.args...)...)
		if code != tt.code || !strings.Contains(stdout, tt.want) {
			t.Errorf("%q %v: exit %d (%s):\n%s", tt.stdin, tt.args, code, message, stdout)
		}
	}
	if _, code, _ := execute(t, "", "options", "--compare", filepath.Join(t.TempDir(), "none")); code != 2 {
		t.Errorf("a missing file: exit %d", code)
	}
}
