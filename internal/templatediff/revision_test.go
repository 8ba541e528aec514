package templatediff

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repository makes a repository whose app is a shell script: it writes an assembly with one topic, whose name is the
// content of the file name.txt and what the context says. It returns the app's directory and a function that commits.
func repository(t *testing.T) (app string, commit func(files map[string]string)) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	top := t.TempDir()
	app = filepath.Join(top, "infrastructure")
	git := func(arguments ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-C", top}, arguments...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	commit = func(files map[string]string) {
		t.Helper()
		for name, text := range files {
			path := filepath.Join(top, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "-m", "x")
	}
	commit(map[string]string{
		"infrastructure/cdk.json":         `{"app": ["sh", "app.sh"], "build": "echo built > built.txt", "context": {"size": "small"}}`,
		"infrastructure/cdk.context.json": `{"looked-up": "vpc-1"}`,
		"infrastructure/name.txt":         "one",
		".gitignore":                      "node_modules\n",
		"infrastructure/app.sh": `set -e
test -e built.txt
test -e node_modules/tool
case "$CDK_CONTEXT_JSON" in *'"size":"small"'*) ;; *) exit 3 ;; esac
case "$CDK_CONTEXT_JSON" in *'"looked-up":"vpc-1"'*) ;; *) exit 4 ;; esac
mkdir -p "$CDK_OUTDIR"
echo '{"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.json"}}}}' > "$CDK_OUTDIR/manifest.json"
echo "{\"Resources\": {\"T\": {\"Type\": \"AWS::SNS::Topic\", \"Properties\": {\"DisplayName\": \"$(cat name.txt)\"}}}}" > "$CDK_OUTDIR/s.json"
echo the app was here
`,
	})
	if err := os.MkdirAll(filepath.Join(app, "node_modules", "tool"), 0o700); err != nil {
		t.Fatal(err)
	}
	return app, commit
}

// clean says that nothing is left of the worktree, and that what git does not keep is still there.
func clean(t *testing.T, app string) {
	t.Helper()
	out, err := exec.Command("git", "-C", app, "worktree", "list", "--porcelain").Output()
	if err != nil || strings.Count(string(out), "worktree ") != 1 {
		t.Errorf("worktrees are left: %s, %v", out, err)
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "beanpole-diff-*"))
	if len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(filepath.Join(app, "node_modules", "tool")); err != nil {
		t.Error(err)
	}
}

func TestRevisions(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	app, commit := repository(t)
	commit(map[string]string{"infrastructure/name.txt": "two"})
	defer clean(t, app)
	var sides [2]*Assembly
	for i, name := range []string{"HEAD~1", "main"} {
		var lines []string
		a, remove, err := Revision{Dir: app, Name: name, Log: func(line string) { lines = append(lines, line) }}.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer remove()
		if strings.Join(lines, "\n") != "the app was here" {
			t.Errorf("log %q", lines)
		}
		sides[i] = a
	}
	r := Compare(sides[0], sides[1])
	if len(r.Changes) != 1 || deref(r.Changes[0].Before) != "one" || deref(r.Changes[0].After) != "two" || r.Base != "HEAD~1" || r.Head != "main" {
		t.Errorf("%+v", r)
	}
}

func TestRevisionsThatDoNotSynthesise(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	app, commit := repository(t)
	commit(map[string]string{"infrastructure/app.sh": "echo the reason >&2; exit 7", "other/readme": ""})
	for name, tt := range map[string]struct {
		revision Revision
		want     []string
	}{
		"the app fails":          {Revision{Dir: app, Name: "main"}, []string{"main: ", "exit status 7", "the reason"}},
		"no such revision":       {Revision{Dir: app, Name: "nowhere"}, []string{`"nowhere" is neither a file nor a directory nor a revision`}},
		"an option of git":       {Revision{Dir: app, Name: "--all"}, []string{"is no revision"}},
		"no app there":           {Revision{Dir: filepath.Join(filepath.Dir(app), "other"), Name: "main"}, []string{"no cdk.json"}},
		"no repository":          {Revision{Dir: t.TempDir(), Name: "main"}, []string{"not a git repository"}},
		"the app writes nothing": {Revision{Dir: app, Name: "main", App: "true"}, []string{"cdk.out"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, remove, err := tt.revision.Open(context.Background())
			remove()
			if err == nil {
				t.Fatal("no error")
			}
			for _, s := range tt.want {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%v; want %q", err, s)
				}
			}
			clean(t, app)
		})
	}
}

func TestInterruptLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	app, commit := repository(t)
	started := filepath.Join(t.TempDir(), "started")
	commit(map[string]string{"infrastructure/app.sh": "touch " + started + "; exec sleep 60"})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	began := time.Now()
	_, remove, err := Revision{Dir: app, Name: "main"}.Open(ctx)
	remove()
	if err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	clean(t, app)
}

// Plain CloudFormation has nothing to synthesise: a revision is the file as it was there.
func TestRevisionOfOneFile(t *testing.T) {
	app, commit := repository(t)
	commit(map[string]string{"infrastructure/web.yaml": "Resources: {T: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: two}}}\n"})
	ctx := context.Background()
	for name, file := range map[string]string{"HEAD": "./web.yaml", "main": "infrastructure/web.yaml"} {
		a, err := Revision{Dir: app, Name: name}.File(ctx, file)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Stacks) != 1 || a.Stacks[0].Name != "web" || len(a.Stacks[0].Document.Resources) != 1 {
			t.Errorf("%s: %+v", name, a.Stacks)
		}
	}
	if _, err := (Revision{Dir: app, Name: "HEAD~1"}).File(ctx, "./web.yaml"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "HEAD~1 has no file infrastructure/web.yaml") {
		t.Errorf("got %v", err)
	}
	if _, err := (Revision{Dir: app, Name: "nowhere"}).File(ctx, "./web.yaml"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A file that git cannot read is not one that is not there.
func TestRevisionOfAFileThatCannotBeRead(t *testing.T) {
	app, commit := repository(t)
	commit(map[string]string{"infrastructure/web.yaml": "Resources: {T: {Type: 'AWS::SNS::Topic'}}\n"})
	object, err := exec.Command("git", "-C", app, "rev-parse", "HEAD:./web.yaml").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(app, "../.git/objects", string(object[:2]), strings.TrimSpace(string(object[2:])))); err != nil {
		t.Fatal(err)
	}
	head := Revision{Dir: app, Name: "HEAD"}
	for file, says := range map[string]string{
		"./web.yaml":         "HEAD:infrastructure/web.yaml",
		"../infrastructure":  "HEAD:infrastructure is no file",
		"..":                 "is outside of the repository",
		"../../web.yaml":     "is outside of the repository",
		"/elsewhere/web.yml": "is outside of the repository",
		"":                   "is a directory",
	} {
		for name, read := range map[string]func(context.Context, string) (*Assembly, error){"File": head.File, "Counterpart": head.Counterpart} {
			if a, err := read(context.Background(), file); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s(%q): %v, %v", name, file, a, err)
			}
		}
	}
}

func TestSplitPath(t *testing.T) {
	for name, want := range map[string][2]string{
		"main:web.yaml":                     {"main", "web.yaml"},
		"main:a:b.yaml":                     {"main", "a:b.yaml"},
		"main:./web.yaml":                   {"main", "./web.yaml"},
		"HEAD^{/fix: x}:web.yaml":           {"HEAD^{/fix: x}", "web.yaml"},
		"main@{2026-01-01 10:00}:{web}.yml": {"main@{2026-01-01 10:00}", "{web}.yml"},
		"main":                              {},
		":/fix: x":                          {},
		"HEAD^{/fix: x}":                    {},
		"@{2026-01-01 10:00}":               {},
	} {
		revision, path, ok := SplitPath(name)
		if ok != (want[1] != "") || ok && (revision != want[0] || path != want[1]) || !ok && revision != name {
			t.Errorf("%s: %q, %q, %t", name, revision, path, ok)
		}
	}
}
