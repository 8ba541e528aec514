package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the tests ask of a workflow, or of an action.
type workflow struct {
	On          any
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Uses        string
		Steps       []step
	}
	Runs struct{ Steps []step }
}

type step struct {
	Uses, Run string
	With      map[string]any
}

// on says whether a workflow runs on an event.
func (w workflow) on(event string) bool {
	switch events := w.On.(type) {
	case string:
		return events == event
	case []any:
		return slices.Contains(events, any(event))
	case map[string]any:
		_, ok := events[event]
		return ok
	}
	return false
}

func (w workflow) steps() []step {
	steps := slices.Clone(w.Runs.Steps)
	for _, job := range w.Jobs {
		steps = append(steps, job.Steps...)
	}
	return steps
}

// workflows are those of the repository and its actions, with their text, by path.
func workflows(t *testing.T) (map[string]workflow, map[string]string) {
	t.Helper()
	files := []string{"../action.yml"}
	for _, pattern := range []string{"../.github/workflows/*.yml", "../.github/actions/*/action.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || found == nil {
			t.Fatalf("no %s (%v)", pattern, err)
		}
		files = append(files, found...)
	}
	all, texts := map[string]workflow{}, map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimPrefix(file, "../")
		all[name], texts[name] = w, string(text)
	}
	return all, texts
}

func TestActionsArePinnedByCommit(t *testing.T) {
	t.Parallel()
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\b`)
	commits := map[string]string{}
	_, texts := workflows(t)
	for file, text := range texts {
		for _, m := range uses.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "./") {
				continue
			}
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s, which is not pinned by a commit with its version behind it", file, m[1])
				continue
			}
			action, commit, _ := strings.Cut(strings.Fields(m[1])[0], "@")
			if before, ok := commits[action]; ok && before != commit {
				t.Errorf("%s uses another commit of %s than others", file, action)
			}
			commits[action] = commit
		}
	}
}

// A workflow that runs what a stranger may have written has no right to write and no credentials; one that may write
// checks out the default branch and runs none of its own shell.
func TestNoUntrustedCodeRunsWithRights(t *testing.T) {
	t.Parallel()
	all, texts := workflows(t)
	for file, w := range all {
		if w.Jobs == nil {
			continue // an action has the rights of who uses it
		}
		if fmt.Sprint(w.Permissions) != "map[contents:read]" {
			t.Errorf("%s: the permissions of the workflow are %v, want contents: read", file, w.Permissions)
		}
		if w.on("pull_request_target") {
			t.Errorf("%s runs on pull_request_target", file)
		}
		if w.on("pull_request") && strings.Contains(texts[file], "secrets.") {
			t.Errorf("%s: a pull request gets secrets", file)
		}
		for id, job := range w.Jobs {
			var writes []string
			for scope, right := range job.Permissions {
				if right == "write" {
					writes = append(writes, scope)
				}
			}
			switch {
			case writes == nil:
			case w.on("pull_request") || w.on("workflow_call"):
				t.Errorf("%s: job %s may write %v, and runs what a pull request brings", file, id, writes)
			case w.on("workflow_run"):
				for _, s := range job.Steps {
					if s.Run != "" || s.With["ref"] != nil || s.With["repository"] != nil {
						t.Errorf("%s: job %s may write %v, and has a step that checks out or runs something else", file, id, writes)
					}
				}
			}
			for _, s := range job.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
					t.Errorf("%s: job %s leaves the token in the checkout", file, id)
				}
			}
		}
	}
}

// What GitHub puts into a shell's text is run by it: a branch can be called `$(…)`. Values go through variables.
func TestNoExpressionsInShell(t *testing.T) {
	t.Parallel()
	all, _ := workflows(t)
	for file, w := range all {
		for _, s := range w.steps() {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: %s", file, s.Run)
			}
		}
	}
}

func TestScriptsThatWorkflowsRunAreThere(t *testing.T) {
	t.Parallel()
	script := regexp.MustCompile(`scripts/[\w/.-]+\.sh`)
	_, texts := workflows(t)
	for file, text := range texts {
		for _, name := range script.FindAllString(text, -1) {
			if _, err := os.Stat("../" + name); err != nil {
				t.Errorf("%s runs %s: %v", file, name, err)
			}
		}
	}
	found, err := filepath.Glob("../scripts/ci/*.sh")
	if err != nil || len(found) == 0 {
		t.Fatal("no scripts")
	}
	for _, name := range found {
		if output, err := exec.Command("bash", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, output)
		}
		if text, err := os.ReadFile(name); err != nil || !bytes.Contains(text, []byte("\nset -euo pipefail\n")) {
			t.Errorf("%s goes on after an error", name)
		}
	}
}

// actionlint knows what GitHub takes. It is no dependency of the module.
func TestActionlint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles actionlint")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, ".beanpole/bin/actionlint")
	if _, err := os.Stat(program); err != nil {
		install := exec.Command("go", "install", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7")
		install.Env = append(os.Environ(), "GOBIN="+filepath.Dir(program), "GOFLAGS=-mod=mod")
		if output, err := install.CombinedOutput(); err != nil {
			t.Fatalf("actionlint, which this test compiles, cannot be had: %v\n%s", err, output)
		}
	}
	lint := exec.Command(program, "-no-color", "-shellcheck=", "-pyflakes=")
	lint.Dir = root
	if output, err := lint.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	// The workflows that the documentation shows are right too.
	documentation, err := os.ReadFile("../docs/github.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(documentation, -1)
	if len(shown) != 2 {
		t.Errorf("docs/github.md shows %d workflows", len(shown))
	}
	for _, example := range shown {
		lint := exec.Command(program, "-no-color", "-shellcheck=", "-pyflakes=", "-")
		lint.Stdin = bytes.NewReader(example[1])
		if output, err := lint.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}
	}
}

// shell runs a script of scripts/ci in a directory of its own, with programs that stand in for the real ones: each is the
// text of a shell script, and what it is called with is in the file "calls".
type shell struct {
	t                   *testing.T
	dir, bin            string
	variables           []string
	calls, output, step string
	exit                int
}

func newShell(t *testing.T, programs map[string]string) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir(), bin: t.TempDir()}
	for name, text := range programs {
		text = "#!/usr/bin/env bash\nprintf '%s' \"" + name + "\" >>\"$CALLS\"; printf ' %s' \"$@\" >>\"$CALLS\"; echo >>\"$CALLS\"\n" + text
		if err := os.WriteFile(filepath.Join(s.bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.variables = []string{
		"PATH=" + s.bin + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "RUNNER_TEMP=" + s.dir, "CALLS=" + filepath.Join(s.bin, "calls"),
		"GITHUB_OUTPUT=" + filepath.Join(s.bin, "output"), "GITHUB_STEP_SUMMARY=" + filepath.Join(s.bin, "summary"),
	}
	return s
}

// run runs a script by its path from the test.
func (s *shell) run(script string, arguments ...string) *shell {
	s.t.Helper()
	path, err := filepath.Abs(script)
	if err != nil {
		s.t.Fatal(err)
	}
	command := exec.Command("bash", append([]string{path}, arguments...)...)
	command.Dir, command.Env = s.dir, s.variables
	output, err := command.CombinedOutput()
	s.output, s.exit = string(output), 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		s.exit = failed.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	s.calls, s.step = s.read("calls"), s.read("output")
	return s
}

// read reads a file that the run has left beside the programs, "" if there is none.
func (s *shell) read(name string) string {
	text, err := os.ReadFile(filepath.Join(s.bin, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *shell) want(exit int, parts ...string) {
	s.t.Helper()
	if s.exit != exit {
		s.t.Errorf("exit code %d, want %d", s.exit, exit)
	}
	for _, part := range parts {
		if !strings.Contains(s.output, part) {
			s.t.Errorf("%q is not in the output", part)
		}
	}
	if s.t.Failed() {
		s.t.Logf("calls:\n%s\noutput:\n%s", s.calls, s.output)
	}
}

// project copies a script into a project of its own, because it works where it lies.
func (s *shell) project(name, cdkJSON string) string {
	s.t.Helper()
	script, err := os.ReadFile("../scripts/ci/" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.dir, "scripts/ci", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, script, 0o644),
		os.WriteFile(filepath.Join(s.dir, "cdk.json"), []byte(cdkJSON), 0o644)); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// gh stands in for GitHub's command line: the artifact is what ARTIFACT holds, the pull request's newest commit is abc, and
// OLD the comments that are there.
const gh = `case "$1 $2" in
"run download")
	[ -n "${ARTIFACT-}" ] || exit 1
	while [ $# -gt 0 ]; do [ "$1" != --dir ] || dir=$2; shift; done
	cp -a "$ARTIFACT" "$dir/beanpole-diff" ;;
"api repos/octocat/shop/pulls/7") echo abc ;;
"api --paginate") printf '%s' "${OLD-[]}" ;;
"api --method") cat >>"$CALLS"; echo >>"$CALLS" ;;
*) exit 3 ;;
esac
`

// needJQ ends a test where there is no jq, which GitHub's machines have.
func needJQ(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Fatalf("%v: run `bash scripts/setup.sh tests`, which says how to get it", err)
	}
}

// comments is a page of comments, as GitHub answers it.
func comments(id int, user, body string) string {
	text, err := json.Marshal([]any{map[string]any{"id": id, "user": map[string]any{"login": user}, "body": body}})
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}

func TestComment(t *testing.T) {
	t.Parallel()
	needJQ(t)
	const good = "<!-- beanpole diff web -->\n**safe** `code` \"quotes\"\n"
	for name, test := range map[string]struct {
		files     map[string]string
		variables []string
		exit      int
		calls     []string // in the calls, in this order
		never     string
		says      string
	}{
		"a new one": {map[string]string{"comment.md": good, "number": "7\n"}, nil, 0,
			[]string{"issues/7/comments?per_page=100", "--method POST repos/octocat/shop/issues/7/comments", `\"quotes\"`}, "PATCH", ""},
		"the same again": {map[string]string{"comment.md": good, "number": "7"}, []string{"OLD=" + comments(41, "octocat", good) + comments(42, "github-actions[bot]", good) + comments(43, "github-actions[bot]", good)}, 0,
			[]string{"--method PATCH repos/octocat/shop/issues/comments/42 "}, "POST", ""},
		"another set's": {map[string]string{"comment.md": good, "number": "7"}, []string{"OLD=" + comments(42, "github-actions[bot]", "<!-- beanpole diff web2 -->\n")}, 0,
			[]string{"--method POST"}, "PATCH", ""},
		"a set without a name": {map[string]string{"comment.md": "<!-- beanpole diff  -->\n", "number": "7"}, nil, 0, []string{"POST"}, "PATCH", ""},
		"no artifact":          {nil, nil, 0, nil, "api", "no comparison"},
		"an older commit":      {map[string]string{"comment.md": good, "number": "7"}, []string{"SHA=abd"}, 0, nil, "--method", "another newest commit"},
		"not a number":         {map[string]string{"comment.md": good, "number": "7/../8"}, nil, 1, nil, "api", "names no pull request"},
		"no number":            {map[string]string{"comment.md": good, "number": "\n"}, nil, 1, nil, "api", "names no pull request"},
		"no files":             {map[string]string{"else": "x"}, nil, 1, nil, "api", "is no comparison"},
		"another's marker":     {map[string]string{"comment.md": "<!-- something else -->\nx", "number": "7"}, nil, 1, nil, "--method", "not one that fits"},
		"too long":             {map[string]string{"comment.md": good + strings.Repeat("x", 70_000), "number": "7"}, nil, 1, nil, "--method", "not one that fits"},
		"a link":               {map[string]string{"comment.md -> /etc/hostname": "", "number": "7"}, nil, 1, nil, "api", "is no comparison"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, map[string]string{"gh": gh})
			s.variables = append(s.variables, "REPOSITORY=octocat/shop", "RUN=1", "SHA=abc")
			if test.files != nil {
				artifact := t.TempDir()
				for file, text := range test.files {
					if link, to, ok := strings.Cut(file, " -> "); ok {
						if err := os.Symlink(to, filepath.Join(artifact, link)); err != nil {
							t.Fatal(err)
						}
					} else if err := os.WriteFile(filepath.Join(artifact, file), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				s.variables = append(s.variables, "ARTIFACT="+artifact)
			}
			s.variables = append(s.variables, test.variables...)
			s.run("../scripts/ci/comment.sh").want(test.exit, test.says)
			rest := s.calls
			for _, call := range test.calls {
				_, after, ok := strings.Cut(rest, call)
				if !ok {
					t.Errorf("%q is not in the calls:\n%s", call, s.calls)
				}
				rest = after
			}
			if strings.Contains(s.calls, test.never) {
				t.Errorf("%q is in the calls:\n%s", test.never, s.calls)
			}
		})
	}
}

func TestDeploy(t *testing.T) {
	t.Parallel()
	// beanpole fails at what FAILS names: ready, green or nothing; npx where it names cdk.
	const beanpole = `case "$*" in
*--wait=ready*) what=ready ;;
*--wait*) what=green ;;
*) what=now ;;
esac
echo "report of $what"
echo "verdict: not green: 2 of 2 targets unhealthy"
[ "$FAILS" != "$what" ]
`
	for fails, test := range map[string]struct {
		exit  int
		calls string
		says  string
	}{
		"nothing": {0, "beanpole status --stack shop-staging-web --wait=ready --timeout 60m|npx cdk deploy shop-staging-web --require-approval never --progress events|" +
			"beanpole status --stack shop-staging-web --wait --timeout 20m|", "report of green"},
		"ready": {1, "beanpole status --stack shop-staging-web --wait=ready --timeout 60m|", "::error title=staging takes no deployment::not green: 2 of 2 targets unhealthy"},
		"cdk": {1, "beanpole status --stack shop-staging-web --wait=ready --timeout 60m|npx cdk deploy shop-staging-web --require-approval never --progress events|" +
			"beanpole status --stack shop-staging-web|", "::error title=cdk deploy shop-staging-web has failed::not green: 2 of 2 targets unhealthy"},
		"green": {1, "beanpole status --stack shop-staging-web --wait=ready --timeout 60m|npx cdk deploy shop-staging-web --require-approval never --progress events|" +
			"beanpole status --stack shop-staging-web --wait --timeout 20m|", "::error title=staging is deployed, but not green::not green: 2 of 2 targets unhealthy"},
	} {
		t.Run(fails, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, map[string]string{"beanpole": beanpole, "npx": `[ "$FAILS" != cdk ]`})
			s.variables = append(s.variables, "FAILS="+fails, "BEANPOLE="+filepath.Join(s.bin, "beanpole"))
			s.run(s.project("deploy.sh", `{"context": {"beanpole": {"application": "shop"}}}`), "staging").want(test.exit, test.says)
			if got := strings.ReplaceAll(s.calls, "\n", "|"); got != test.calls {
				t.Errorf("calls %s\nwant  %s", got, test.calls)
			}
			if summary := s.read("summary"); (test.exit == 1) != strings.Contains(summary, "verdict: not green") {
				t.Errorf("summary:\n%s", summary)
			}
		})
	}
}

func TestEnvironmentsThatAreDeployed(t *testing.T) {
	t.Parallel()
	const configured = `{"context": {"beanpole": {"environments": {"staging": {}, "production": {}}, "github": {"repository": "octocat/shop"}}}}`
	for _, test := range []struct {
		name, cdkJSON, only, output string
		exit                        int
	}{
		{"all, in their order", configured, "", `environments=["staging","production"]`, 0},
		{"one", configured, "production", `environments=["production"]`, 0},
		{"one that is not there", configured, "$(id)", `cdk.json has no environment "$(id)"; it has staging, production`, 1},
		{"none without GitHub", `{"context": {"beanpole": {"environments": {"production": {}}}}}`, "", `environments=[]`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, nil)
			s.run(s.project("environments.sh", test.cdkJSON), test.only).want(test.exit, test.output)
		})
	}
	s := newShell(t, nil)
	text, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	s.run(s.project("environments.sh", string(text)), "").want(0, "environments=[]")
}

func TestRehearsals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		says string // by beanpole rehearse --all
		code int    // of it
		exit int
		line string
		tell []string
	}{
		"all are healthy": {"\nverdicts:\nsite/Web (stack site): healthy by 200\nWorker (stack site): the app answers 200; no load balancer asks it\n", 0, 0,
			"site/Web (stack site): healthy by 200; Worker (stack site): the app answers 200; no load balancer asks it", nil},
		// What an app prints is no verdict.
		"one is not": {"verdicts:\nan app's\n\nverdicts:\na/Web (stack a): healthy by 200\nStage/b/Web (stack b): unhealthy: 400: x\nc/Web (stack c): no verdict: no bundle\n", 2, 2,
			"a/Web (stack a): healthy by 200; Stage/b/Web (stack b): unhealthy: 400: x; c/Web (stack c): no verdict: no bundle",
			[]string{"::error title=Stage/b/Web (stack b)::unhealthy: 400: x\n", "::error title=c/Web (stack c)::no verdict: no bundle\n"}},
		"there is nothing": {"beanpole: cdk.out: no stack has an environment\n", 2, 2, "beanpole: cdk.out: no stack has an environment", []string{"::error title=The rehearsal::beanpole: cdk.out"}},
		"nothing was said": {"", 0, 2, "", []string{"::error title=The rehearsal::"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, map[string]string{"beanpole": "printf '%s' \"$SAYS\"\nexit \"$CODE\"\n"})
			s.variables = append(s.variables, "BEANPOLE="+filepath.Join(s.bin, "beanpole"), "SAYS="+test.says, fmt.Sprint("CODE=", test.code))
			s.run("../scripts/ci/rehearse.sh").want(test.exit, test.tell...)
			if got := strings.Count(s.output, "::error"); got != len(test.tell) {
				t.Errorf("%d errors are told, not %d:\n%s", got, len(test.tell), s.output)
			}
			if want := "line=" + test.line + "\n"; s.step != want {
				t.Errorf("got %q, want %q", s.step, want)
			}
			// The pages are asked for where they are to be kept, and nowhere else.
			if s.calls != "beanpole rehearse --all cdk.out\n" {
				t.Errorf("it calls %s", s.calls)
			}
			s.variables = append(s.variables, "REPORTS=the pages")
			if s.run("../scripts/ci/rehearse.sh"); !strings.HasSuffix(s.calls, "beanpole rehearse --all cdk.out --report the pages\n") {
				t.Errorf("it calls %s", s.calls)
			}
		})
	}
}

// The comparison itself is the real one.
func TestDiffForAPullRequest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the command line")
	}
	needJQ(t)
	program := filepath.Join(t.TempDir(), "beanpole")
	if output, err := exec.Command("go", "build", "-o", program, "../cmd/beanpole").CombinedOutput(); err != nil {
		t.Fatalf("%s", output)
	}
	template := func(name, loadBalancer string) string {
		file := filepath.Join(t.TempDir(), name)
		text, err := json.Marshal(map[string]any{"Resources": map[string]any{"Web": map[string]any{"Type": "AWS::ElasticBeanstalk::Environment", "Properties": map[string]any{
			"ApplicationName": "shop", "OptionSettings": []any{
				map[string]any{"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "LoadBalancerType", "Value": loadBalancer}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	application, network := template("a.json", "application"), template("b.json", "network")
	for name, test := range map[string]struct {
		head      string
		variables []string
		code      string
		verdict   string
	}{
		"nothing":      {application, nil, "0", "no change"},
		"rejected":     {network, nil, "1", "will fail"},
		"accepted":     {network, []string{"ACCEPTED=true"}, "0", "will fail"},
		"not readable": {filepath.Join(t.TempDir(), "gone.json"), nil, "2", "cannot be compared"},
		"several sets": {network, []string{"NAME=web"}, "1", "will fail"},
		"rehearsed":    {application, []string{"REHEARSAL=verdict: healthy by 200"}, "0", "no change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, nil)
			s.variables = append(s.variables, "BEANPOLE="+program, "BASE="+application, "HEAD="+test.head, "APP=", "FAIL_ON=rejected,replaces-environment", "ACCEPTED=false", "NAME=", "REHEARSAL=", "NUMBER=7")
			s.variables = append(s.variables, test.variables...)
			s.run("../scripts/ci/diff.sh").want(0)
			outputs := map[string]string{}
			for line := range strings.Lines(s.step) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				outputs[key] = value
			}
			if outputs["code"] != test.code || !strings.Contains(outputs["verdict"], test.verdict) {
				t.Errorf("outputs %v, want code %s and %q", outputs, test.code, test.verdict)
			}
			comment, err := os.ReadFile(outputs["comment"])
			if err != nil {
				t.Fatal(err)
			}
			wantName := strings.TrimPrefix(strings.Join(test.variables, ""), "NAME=")
			if name != "several sets" {
				wantName = ""
			}
			marker, _, _ := strings.Cut(string(comment), "\n")
			if marker != "<!-- beanpole diff "+wantName+" -->" {
				t.Errorf("the comment begins with %q", marker)
			}
			if accepted := strings.Contains(string(comment), "A label accepts"); accepted != (name == "accepted") {
				t.Errorf("accepted: %t, in\n%s", accepted, comment)
			}
			if rehearsed := strings.Contains(string(comment), "healthy by 200"); rehearsed != (name == "rehearsed") {
				t.Errorf("rehearsed: %t, in\n%s", rehearsed, comment)
			}
			if s.read("summary") != string(comment) {
				t.Errorf("the summary is not the comment: %s", s.read("summary"))
			}
			if number, err := os.ReadFile(filepath.Join(outputs["directory"], "number")); err != nil || string(number) != "7\n" {
				t.Errorf("number %q, %v", number, err)
			}
			// The comment that is written is the one that comment.sh takes.
			w := newShell(t, map[string]string{"gh": gh})
			w.variables = append(w.variables, "REPOSITORY=octocat/shop", "RUN=1", "SHA=abc", "ARTIFACT="+outputs["directory"])
			if w.run("../scripts/ci/comment.sh").want(0); !strings.Contains(w.calls, "--method POST") {
				t.Errorf("not written:\n%s\n%s", w.calls, w.output)
			}
			c := newShell(t, nil)
			c.variables = append(c.variables, "CODE="+outputs["code"], "VERDICT="+outputs["verdict"])
			if c.run("../scripts/ci/conclude.sh"); fmt.Sprint(c.exit) != test.code {
				t.Errorf("the job ends with %d, want %s", c.exit, test.code)
			}
		})
	}
}
