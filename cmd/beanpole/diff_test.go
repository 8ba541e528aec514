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
	git, _ := plainRepository(t)
	write := func(file, size string) {
		t.Helper()
		text := "Resources:\n  Web:\n    Type: AWS::ElasticBeanstalk::Environment\n    Properties:\n      ApplicationName: shop\n      OptionSettings:\n" +
			"        - {Namespace: 'aws:autoscaling:asg', OptionName: MaxSize, Value: '" + size + "'}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("web.yaml", "2")
	git("commit", "-q", "-a", "-m", "x")
	write("web.yaml", "6")
	write("other.yaml", "6")
	for name, test := range map[string]struct{ base, head, says string }{
		"the same file":        {"main", "web.yaml", "MaxSize: 2 → 6"},
		"another file":         {"HEAD:web.yaml", "other.yaml", "MaxSize: 2 → 6"},
		"a file that is new":   {"HEAD", "other.yaml", "new: nothing to compare with"},
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

// plainRepository is a repository with web.yaml, in which the test is; write makes a template with an environment.
func plainRepository(t *testing.T) (git func(args ...string), write func(file, balancer string)) {
	t.Helper()
	t.Chdir(t.TempDir())
	git = func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write = func(file, balancer string) {
		t.Helper()
		text := "Resources:\n  Web:\n    Type: AWS::ElasticBeanstalk::Environment\n    Properties:\n      ApplicationName: shop\n      OptionSettings:\n" +
			"        - {Namespace: 'aws:elasticbeanstalk:environment', OptionName: LoadBalancerType, Value: " + balancer + "}\n" +
			"        - {Namespace: 'aws:autoscaling:asg', OptionName: MaxSize, Value: '2'}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q", "-b", "main")
	write("web.yaml", "classic")
	git("add", "-A")
	git("commit", "-q", "-m", "fix: x")
	return git, write
}

// A template that has another name now is compared with what it was.
func TestDiffFollowsARenamedTemplate(t *testing.T) {
	for name, mv := range map[string]func(git func(...string)) error{
		"git mv":                       func(git func(...string)) error { git("mv", "web.yaml", "shop.yaml"); return nil },
		"mv, of which git is not told": func(func(...string)) error { return os.Rename("web.yaml", "shop.yaml") },
	} {
		t.Run(name, func(t *testing.T) {
			git, write := plainRepository(t)
			if err := mv(git); err != nil {
				t.Fatal(err)
			}
			write("shop.yaml", "application")
			stdout, code, message := execute(t, "", "diff", "--base", "HEAD", "--head", "shop.yaml", "--fail-on", "rejected,replaces-environment")
			if code != 1 || !strings.Contains(stdout, "will fail") || !strings.Contains(stdout, "shop.yaml is compared with HEAD:web.yaml, of which git says that it was renamed") {
				t.Errorf("exit %d, %q, printed %q", code, message, stdout)
			}
			stdout, code, message = execute(t, "", "diff", "--base", "shop.yaml", "--head", "HEAD")
			if code != 1 || !strings.Contains(stdout, "will fail") {
				t.Errorf("the other way around: exit %d, %q, printed %q", code, message, stdout)
			}
			status, err := exec.Command("git", "ls-files", "shop.yaml").Output()
			if err != nil || (len(status) > 0) != (name == "git mv") {
				t.Errorf("the index was changed: %q, %v", status, err)
			}
		})
	}
}

// What is really new is said to be new, and neither safe nor unsafe.
func TestDiffOfANewTemplate(t *testing.T) {
	_, write := plainRepository(t)
	write("worker.yaml", "application")
	for format, begins := range map[string]string{
		"text": "new: nothing to compare with", "markdown": "<!-- beanpole diff  -->\n### 🟢 new\n\nnothing to compare with", "json": `"summary": "new: nothing to compare with`,
	} {
		stdout, code, message := execute(t, "", "diff", "--base", "HEAD", "--head", "worker.yaml", "--format", format, "--fail-on", "rejected,replaces-environment")
		if code != 0 || !strings.Contains(stdout, begins) || strings.Contains(stdout, "safe") || !strings.Contains(stdout, "HEAD has no file worker.yaml") {
			t.Errorf("%s: exit %d, %q, printed %q", format, code, message, stdout)
		}
	}
	if _, code, message := execute(t, "", "diff", "--base", "HEAD", "--head", "worker.yaml", "--fail-on", "adds-resource"); code != 1 {
		t.Errorf("exit %d, %q", code, message)
	}
	stdout, code, message := execute(t, "", "diff", "--base", "worker.yaml", "--head", "HEAD")
	if code != 0 || !strings.HasPrefix(stdout, "gone: nothing to compare with") {
		t.Errorf("the other way around: exit %d, %q, printed %q", code, message, stdout)
	}

	// Too little alike for git, but something is gone.
	if err := os.Remove("web.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("topic.yaml", []byte("Resources: {T: {Type: 'AWS::SNS::Topic'}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, code, message = execute(t, "", "diff", "--base", "HEAD", "--head", "topic.yaml")
	if code != 0 || !strings.HasPrefix(stdout, "new: ") || !strings.Contains(stdout, "if it was one of those that are gone, say so: HEAD:web.yaml") {
		t.Errorf("exit %d, %q, printed %q", code, message, stdout)
	}

	outside := filepath.Join(t.TempDir(), "web.yaml")
	write(outside, "application")
	if stdout, code, message := execute(t, "", "diff", "--base", "HEAD", "--head", outside); code != 2 || !strings.Contains(message, "is outside of the repository") {
		t.Errorf("outside: exit %d, %q, printed %q", code, message, stdout)
	}
	if stdout, code, message := execute(t, "", "diff", "--base", "HEAD:web.yaml", "--head", outside); code != 1 || !strings.Contains(stdout, "will fail") {
		t.Errorf("outside, with what it was: exit %d, %q, printed %q", code, message, stdout)
	}
}

// Git has names of revisions with a colon in them.
func TestDiffTakesGitsNamesOfRevisions(t *testing.T) {
	_, write := plainRepository(t)
	write("web.yaml", "application")
	for _, base := range []string{":/fix: x", "HEAD^{/fix: x}", "main@{2026-01-01 10:00}", "HEAD^{/fix: x}:web.yaml", "HEAD:./web.yaml"} {
		stdout, code, message := execute(t, "", "diff", "--base", base, "--head", "web.yaml")
		if code != 1 || !strings.Contains(stdout, "will fail") {
			t.Errorf("%s: exit %d, %q, printed %q", base, code, message, stdout)
		}
	}
}
