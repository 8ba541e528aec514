package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocal(t *testing.T) {
	python, err := filepath.Abs("../../.beanpole/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(python, "bin/python")); err != nil {
		t.Skip("no Python environment for the local AWS: run `make setup`")
	}
	state := t.TempDir()
	if err := os.Symlink(python, filepath.Join(state, "python")); err != nil {
		t.Fatal(err)
	}
	local := func(wantCode int, args ...string) (stdout, stderr string) {
		t.Helper()
		cmd, out, errors, _ := beanpole(t, append([]string{"local", "--state", state}, args...)...)
		cmd.Env = append(cmd.Env, "AWS_PROFILE=production")
		if code := exitCode(t, cmd.Run()); code != wantCode {
			t.Fatalf("local %v ended %d, want %d:\n%s%s", args, code, wantCode, out, errors)
		}
		return out.String(), errors.String()
	}
	if _, stderr := local(2, "env"); !strings.Contains(stderr, "beanpole local start") {
		t.Errorf("env without a server: %q", stderr)
	}
	defer local(0, "stop")
	first, _ := local(0, "start")
	if again, _ := local(0, "start"); !strings.Contains(first, ", up in") || !strings.Contains(again, "already running") {
		t.Errorf("start: %q, then %q", first, again)
	}
	lines, _ := local(0, "env")
	if !strings.Contains(lines, "unset AWS_PROFILE\n") || !strings.Contains(lines, "export AWS_ENDPOINT_URL='http://127.0.0.1:") {
		t.Errorf("env: %s", lines)
	}
	stdout, _ := local(7, "env", "--", "sh", "-c", `echo "$AWS_PROFILE$AWS_REGION $1"; exit 7`, "sh", "--state")
	if stdout != "us-east-1 --state\n" {
		t.Errorf("env -- command: %q", stdout)
	}
	local(2, "env", "--", "no-such-command")

	// The local Elastic Beanstalk refuses what `beanpole validate` refuses.
	script := `
import boto3
eb = boto3.client("elasticbeanstalk")
eb.create_application(ApplicationName="a")
try:
    eb.create_configuration_template(ApplicationName="a", TemplateName="t", OptionSettings=[
        {"Namespace": "aws:autoscaling:asg", "OptionName": "MinSizes", "Value": "1"}])
except eb.exceptions.ClientError as e:
    print(e)
eb.create_configuration_template(ApplicationName="a", TemplateName="t", OptionSettings=[
    {"Namespace": "aws:autoscaling:asg", "OptionName": "MinSize", "Value": "1"}])
`
	stdout, _ = local(0, "env", filepath.Join(python, "bin/python"), "-c", script)
	if !strings.Contains(stdout, "ConfigurationValidationException") || !strings.Contains(stdout, "MinSizes") {
		t.Errorf("a misspelt option: %q", stdout)
	}
}
