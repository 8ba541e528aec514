package localaws

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var server = Server{PID: 1, Port: 5555, Token: "token"}

func TestEnviron(t *testing.T) {
	base := []string{"PATH=/bin", "HOME=/home/user", "AWS_PROFILE=production", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SESSION_TOKEN=x",
		"AWS_ENDPOINT_URL_S3=http://203.0.113.1", "AWS_ANYTHING_NEW=x", "CDK_DEFAULT_ACCOUNT=111122223333", "CDK_NOTICES=true",
		"NO_PROXY=example.org", "HTTP_PROXY=http://203.0.113.2", "CDK_VALIDATION=false"}
	got := server.Environ(base)
	for _, pair := range got {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "AWS_") && slices.Contains(base, pair) {
			t.Errorf("%s is still there", pair)
		}
		if strings.Contains(value, "111122223333") || strings.Contains(value, "AKIA") || name == "AWS_ANYTHING_NEW" || name == "AWS_SESSION_TOKEN" {
			t.Errorf("%s leads elsewhere", pair)
		}
	}
	for _, want := range []string{"PATH=/bin", "HOME=/home/user", "CDK_VALIDATION=false", "AWS_ENDPOINT_URL=http://127.0.0.1:5555", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "CDK_DEFAULT_ACCOUNT=123456789012",
		"CDK_NOTICES=false", "NO_PROXY=127.0.0.1,localhost,example.org", "no_proxy=127.0.0.1,localhost"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
	names := map[string]int{}
	for _, pair := range got {
		name, _, _ := strings.Cut(pair, "=")
		if names[name]++; names[name] > 1 {
			t.Errorf("%s is there twice", name)
		}
	}
}

// The lines give a shell the environment that Environ gives a program.
func TestShell(t *testing.T) {
	base := []string{"PATH=/usr/bin:/bin", "AWS_PROFILE=production", "AWS_ENDPOINT_URL_S3=http://203.0.113.1", "NO_PROXY=it's", "AWS_ODD-NAME=x"}
	lines := server.Shell(base)
	shell := exec.Command("sh", "-c", lines+"env")
	shell.Env = base
	output, err := shell.Output()
	if err != nil {
		t.Fatalf("%v in:\n%s", err, lines)
	}
	got := strings.Split(strings.TrimSpace(string(output)), "\n")
	want := server.Environ(base)
	got = slices.DeleteFunc(got, func(pair string) bool { // the shell's own, and what is no name to it
		name, _, _ := strings.Cut(pair, "=")
		return name == "PWD" || name == "OLDPWD" || name == "SHLVL" || name == "_" || name == "AWS_ODD-NAME"
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the shell has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
