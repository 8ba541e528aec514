package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const corpus = "../../internal/templatediff/testdata/corpus/"

func TestDiffExitCodes(t *testing.T) {
	side := func(pair, side string) string {
		found, err := filepath.Glob(corpus + pair + "/" + side + "*")
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", pair, found, err)
		}
		return found[0]
	}
	for _, tt := range []struct {
		name    string
		pair    string
		args    []string
		code    int
		stdout  string
		message string
	}{
		{"nothing changes", "reorder", nil, 0, "no change", ""},
		{"in place", "health-check", nil, 0, "safe: ", ""},
		{"refused, by default", "load-balancer-type-and-vpc", nil, 1, "will fail: Web cannot be updated", "--fail-on is met: rejected"},
		{"refused, and accepted", "load-balancer-type-and-vpc", []string{"--fail-on", "none"}, 0, "will fail: ", ""},
		{"nothing to fail on", "same-in-other-words", []string{"--fail-on", "none"}, 0, "unclear", ""},
		{"a new version is nothing to fail on", "code-only", []string{"--fail-on", "rejected,replaces-environment,removes-environment,broadens-access,loses-data"}, 0, "deploys a new version", ""},
		{"the environment is replaced", "solution-stack", []string{"--fail-on", "rejected,replaces-environment"}, 1, "replaces the environment", "--fail-on is met: replaces-environment"},
		{"access", "access", []string{"--fail-on", "public-access", "--fail-on", "broadens-access"}, 1, "[public]", "--fail-on is met: public-access, broadens-access"},
		{"a misspelt effect", "reorder", []string{"--fail-on", "replace-environment"}, 2, "", "did you mean replaces-environment?"},
		{"a misspelt format", "reorder", []string{"--format", "html"}, 2, "", "want text, markdown, json"},
		{"an argument", "reorder", []string{"x"}, 2, "", "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"diff", "--base", side(tt.pair, "base"), "--head", side(tt.pair, "head")}, tt.args...)
			stdout, code, message := execute(t, "", args...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(message, tt.message) || tt.message == "" && message != "" {
				t.Errorf("exit %d, %q, printed %q", code, message, stdout)
			}
		})
	}
	for name, args := range map[string][]string{
		"no base":              {"diff"},
		"nothing of this name": {"diff", "--base", "no/such/thing", "--head", side("reorder", "head")},
		"no template":          {"diff", "--base", "diff_test.go", "--head", side("reorder", "head")},
	} {
		if _, code, message := execute(t, "", args...); code != 2 || message == "" {
			t.Errorf("%s: exit %d, %q", name, code, message)
		}
	}
}

func TestDiffFormats(t *testing.T) {
	base, head := corpus+"access/base.json", corpus+"access/head.json"
	stdout, _, _ := execute(t, "", "diff", "--base", base, "--head", head, "--format", "json")
	var report struct {
		Format  string
		Verdict struct{ Flags []string }
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || report.Format != "beanpole-diff/1" || len(report.Verdict.Flags) == 0 {
		t.Errorf("%v: %s", err, stdout)
	}
	summary := filepath.Join(t.TempDir(), "summary")
	stdout, _, _ = execute(t, "", "diff", "--base", base, "--head", head, "--format", "markdown", "--name", "web", "--overflow", summary)
	if !strings.HasPrefix(stdout, "<!-- beanpole diff web -->\n### 🟠 web: replaces instances\n") {
		t.Errorf("markdown begins %q", stdout[:80])
	}
	if _, err := os.Stat(summary); err == nil {
		t.Error("the report fits, and is in the summary all the same")
	}

	// A report that is too long for a comment.
	templates := [2]string{}
	for i := range templates {
		var resources []string
		for j := range 2000 {
			resources = append(resources, fmt.Sprintf(`"Topic%d": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "side-%d"}}`, j, i))
		}
		templates[i] = filepath.Join(t.TempDir(), "t.json")
		if err := os.WriteFile(templates[i], []byte(`{"Resources": {`+strings.Join(resources, ",")+`}}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stdout, _, _ = execute(t, "", "diff", "--base", templates[0], "--head", templates[1], "--format", "markdown", "--overflow", summary)
	whole, err := os.ReadFile(summary)
	if err != nil || len([]rune(stdout)) > 65_000 || strings.Count(string(whole), "side-1") != 2000 || !strings.Contains(stdout, "do not fit: the job summary has all of them.") {
		t.Errorf("%v; the comment has %d characters, the summary %d changes", err, len([]rune(stdout)), strings.Count(string(whole), "side-1"))
	}
}

func TestDiffWritesAComment(t *testing.T) {
	comment := filepath.Join(t.TempDir(), "comment.md")
	stdout, code, _ := execute(t, "", "diff", "--base", corpus+"health-check/base.json", "--head", corpus+"health-check/head.json",
		"--comment", comment, "--rehearsal", "verdict: healthy by 200")
	written, err := os.ReadFile(comment)
	if err != nil || code != 0 || !strings.HasPrefix(stdout, "safe: ") || !strings.Contains(stdout, "\n  rehearsal: healthy by 200\n") ||
		!strings.HasPrefix(string(written), "<!-- beanpole diff") || !strings.Contains(string(written), "\n- rehearsal: healthy by 200\n") {
		t.Errorf("exit %d, %v, printed %q, wrote %q", code, err, stdout, written)
	}
}

func TestDiffHasNoColoursOutsideOfATerminal(t *testing.T) {
	stdout, _, _ := execute(t, "", "diff", "--base", corpus+"access/base.json", "--head", corpus+"access/head.json")
	if strings.Contains(stdout, "\x1b") {
		t.Errorf("colours: %q", stdout)
	}
}

// A repository with plain templates has nothing to synthesise: a revision is the template as it was there.
func TestDiffOfATemplateAgainstARevision(t *testing.T) {
	t.Chdir(t.TempDir())
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(file, size string) {
		t.Helper()
		text := "Resources:\n  Web:\n    Type: AWS::ElasticBeanstalk::Environment\n    Properties:\n      ApplicationName: shop\n      OptionSettings:\n" +
			"        - {Namespace: 'aws:autoscaling:asg', OptionName: MaxSize, Value: '" + size + "'}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q", "-b", "main")
	write("web.yaml", "2")
	git("add", "-A")
	git("commit", "-q", "-m", "x")
	write("web.yaml", "6")
	write("other.yaml", "6")
	for name, test := range map[string]struct{ base, head, says string }{
		"the same file":        {"main", "web.yaml", "MaxSize: 2 → 6"},
		"another file":         {"HEAD:web.yaml", "other.yaml", "MaxSize: 2 → 6"},
		"a file that is new":   {"HEAD", "other.yaml", "HEAD has no file ./other.yaml"},
		"the other way around": {"web.yaml", "HEAD", "MaxSize: 6 → 2"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, code, message := execute(t, "", "diff", "--base", test.base, "--head", test.head)
			if code != 0 || !strings.Contains(stdout, test.says) {
				t.Errorf("exit %d, %q, printed %q", code, message, stdout)
			}
		})
	}
	if _, code, message := execute(t, "", "diff", "--base", "HEAD:gone.yaml", "--head", "web.yaml"); code != 2 || !strings.Contains(message, "HEAD has no file gone.yaml") {
		t.Errorf("exit %d, %q", code, message)
	}
}
