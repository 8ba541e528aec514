package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/beanpole-cdk/internal/rehearsal/report"
	"example.com/beanpole-cdk/internal/rehearsal/source"
)

// asBeanpole in the environment makes the test binary the program itself.
const asBeanpole = "BEANPOLE_TEST_IS_BEANPOLE"

func TestMain(m *testing.M) {
	if os.Getenv(asBeanpole) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// beanpole prepares to run the program with a temporary directory of its own.
func beanpole(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer, tmp string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tmp, stdout, stderr = t.TempDir(), &bytes.Buffer{}, &bytes.Buffer{}
	cmd = exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asBeanpole+"=1", "TMPDIR="+tmp)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr, tmp
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// sites is a cloud assembly of two environments of one project.
func sites(t *testing.T, path string, more ...string) string {
	t.Helper()
	project, err := filepath.Abs("../../internal/rehearsal/testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content any) {
		t.Helper()
		data, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	type object = map[string]any
	artifacts := object{"assets": object{"type": "cdk:asset-manifest", "properties": object{"file": "assets.json"}}}
	for _, stack := range []string{"staging", "production"} {
		settings := []object{}
		for _, s := range append([]string{
			"aws:elasticbeanstalk:environment:process:default|HealthCheckPath|" + path,
			"aws:elasticbeanstalk:environment:process:default|MatcherHTTPCode|200-301",
			"aws:elasticbeanstalk:container:python|WSGIPath|mysite.wsgi",
			"aws:elasticbeanstalk:application:environment|ALLOWED_HOSTS|" + stack + ".example.com",
			"aws:elasticbeanstalk:application:environmentsecrets|SECRET_KEY|arn:secret",
		}, more...) {
			part := strings.SplitN(s, "|", 3)
			settings = append(settings, object{"Namespace": part[0], "OptionName": part[1], "Value": part[2]})
		}
		artifacts[stack] = object{"type": "aws:cloudformation:stack", "properties": object{"templateFile": stack + ".json"}}
		write(stack+".json", object{"Resources": object{
			"Version": object{"Type": "AWS::ElasticBeanstalk::ApplicationVersion", "Properties": object{"SourceBundle": object{"S3Key": "b.zip"}}},
			"Site": object{"Type": "AWS::ElasticBeanstalk::Environment", "Properties": object{
				"VersionLabel": object{"Ref": "Version"}, "OptionSettings": settings,
			}},
		}})
	}
	write("manifest.json", object{"artifacts": artifacts})
	relative, err := filepath.Rel(dir, project)
	if err != nil {
		t.Fatal(err)
	}
	write("assets.json", object{"files": object{"b": object{
		"source": object{"path": relative}, "destinations": object{"x": object{"objectKey": "b.zip"}},
	}}})
	return dir
}

func TestRehearse(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx and gunicorn")
	}
	const address = "aws:elasticbeanstalk:application:environment|INSTANCE_IP|10.0.1.23"
	for name, test := range map[string]struct {
		dir  string
		args []string
		code int
		last string   // line of standard output
		says []string // on standard error
	}{
		"which one":    {sites(t, "/healthz/"), nil, 2, "", []string{"2 environments; choose one with --environment", "Site (stack staging)", "Site (stack production)"}},
		"no such":      {sites(t, "/healthz/"), []string{"-e", "test"}, 2, "", []string{`no environment "test"`, "Site (stack staging)"}},
		"no synth":     {t.TempDir(), nil, 2, "", []string{"cdk synth"}},
		"healthy":      {sites(t, "/healthz/", address), []string{"-e", "staging"}, 0, "verdict: healthy by 200", nil},
		"unhealthy":    {sites(t, "/healthz/"), []string{"-e", "production"}, 1, "verdict: unhealthy: 400: 10.0.1.23 is not in ALLOWED_HOSTS (which has: production.example.com)", nil},
		"redirect":     {sites(t, "/healthz", address), []string{"-e", "staging"}, 0, "verdict: healthy by 301", nil},
		"strict":       {sites(t, "/healthz", address), []string{"-e", "staging", "--strict"}, 1, "verdict: healthy by 301", nil},
		"refused":      {sites(t, "/healthz/"), []string{"-e", "staging", "--set", "HealthCheckInterval=1"}, 1, "", []string{"Elastic Beanstalk refuses this", "Interval: 1s is not between 5s and 5m0s"}},
		"all of them":  {sites(t, "/healthz/"), []string{"--all"}, 1, "Site (stack staging): unhealthy: 400: 10.0.1.23 is not in ALLOWED_HOSTS (which has: staging.example.com)", nil},
		"all, as JSON": {sites(t, "/healthz/"), []string{"--all", "--json"}, 2, "", []string{"--json is for one environment"}},
		"all and one":  {sites(t, "/healthz/"), []string{"--all", "-e", "staging"}, 2, "", []string{"[all environment]"}},
		"both sources": {sites(t, "/healthz/"), []string{"--deployed", "shop"}, 2, "", []string{"--deployed"}},
		"bad speed":    {sites(t, "/healthz/"), []string{"-e", "staging", "--speed", "0.5"}, 2, "", []string{"speed 0.5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, stdout, stderr, tmp := beanpole(t, append([]string{"rehearse", test.dir, "--speed", "150"}, test.args...)...)
			if code := exitCode(t, cmd.Run()); code != test.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.code, stdout, stderr)
			}
			lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; test.last != "" && last != test.last {
				t.Errorf("last line %q, want %q", last, test.last)
			}
			for _, s := range test.says {
				if !strings.Contains(stderr.String(), s) {
					t.Errorf("standard error does not say %q:\n%s", s, stderr)
				}
			}
			nothingLeft(t, tmp)
		})
	}
}

// None is passed over: not one without a construct path, nor one of a stage, nor one after another that fails.
func TestRehearseAll(t *testing.T) {
	dir := sites(t, "/healthz/")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	stage := filepath.Join(dir, "assembly-Stage")
	if err := os.Mkdir(stage, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"manifest.json":                strings.Replace(read("manifest.json"), `{"artifacts":{`, `{"artifacts":{"assembly-Stage":{"type":"cdk:cloud-assembly","properties":{"directoryName":"assembly-Stage"}},`, 1),
		"assembly-Stage/manifest.json": `{"artifacts":{"stage-site":{"type":"aws:cloudformation:stack","properties":{"templateFile":"a.json"}},"gone":{"type":"aws:cloudformation:stack","properties":{"templateFile":"b.json"}}}}`,
		"assembly-Stage/a.json":        strings.Replace(read("production.json"), `"Site":{`, `"Site":{"Metadata":{"aws:cdk:path":"Stage/site/Site/Resource"},`, 1),
		"assembly-Stage/b.json":        read("production.json"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	environments, err := origin{args: []string{dir}, problems: io.Discard}.all()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range environments {
		names = append(names, e.String())
	}
	if want := []string{"Site (stack gone)", "Site (stack production)", "Stage/site/Site (stack stage-site)", "Site (stack staging)"}; !slices.Equal(names, want) {
		t.Fatalf("got %q, want %q", names, want)
	}

	pages := filepath.Join(t.TempDir(), "the", "pages")
	environments[0].Problem = errors.New("no\nbundle")
	for name, c := range map[string]struct {
		bad, none bool
		code      int
	}{"one without": {false, false, 2}, "one bad": {true, false, 2}, "one refused": {false, true, 2}} {
		var out strings.Builder
		var asked []string
		err := rehearseAll(context.Background(), &out, environments, pages, func(e source.Environment, page *report.File) (string, bool, error) {
			asked = append(asked, e.Stack)
			if page == nil {
				t.Errorf("%s: no page for %s", name, e)
			}
			if e.Stack != "production" {
				return "verdict: healthy by 200", false, nil
			}
			if c.none {
				return "", false, &exitError{code: 1, err: errors.New("refused")}
			}
			return "verdict: unhealthy: 400", c.bad, nil
		})
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != c.code {
			t.Errorf("%s: ends with %v", name, err)
		}
		if want := []string{"production", "stage-site", "staging"}; !slices.Equal(asked, want) {
			t.Errorf("%s: rehearsed %q, want %q", name, asked, want)
		}
		production := "unhealthy: 400"
		if c.none {
			production = "no verdict: refused"
		}
		want := "\nverdicts:\nSite (stack gone): no verdict: no bundle\nSite (stack production): " + production + "\nStage/site/Site (stack stage-site): healthy by 200\nSite (stack staging): healthy by 200\n"
		if !strings.HasSuffix(out.String(), want) || !strings.Contains(out.String(), "== 3 of 4: Stage/site/Site (stack stage-site)\n") {
			t.Errorf("%s: it says\n%s", name, out.String())
		}
	}
	for bad, code := range map[bool]int{true: 1, false: 0} {
		err := rehearseAll(context.Background(), io.Discard, environments[1:], "", func(e source.Environment, _ *report.File) (string, bool, error) {
			return "verdict: x", bad && e.Stack == "production", nil
		})
		var exit *exitError
		if errors.As(err, &exit) != (code != 0) || code != 0 && exit.code != code {
			t.Errorf("bad %v: ends with %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	times := 0
	if err := rehearseAll(ctx, io.Discard, environments[1:], "", func(source.Environment, *report.File) (string, bool, error) {
		times++
		cancel()
		return "", false, context.Canceled
	}); err == nil || times != 1 {
		t.Errorf("after an interrupt it has rehearsed %d, and ends with %v", times, err)
	}
}

func TestRehearseJSON(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx and gunicorn")
	}
	cmd, stdout, stderr, _ := beanpole(t, "rehearse", sites(t, "/broken/", "aws:elasticbeanstalk:application:environment|INSTANCE_IP|10.0.1.23"),
		"-e", "staging", "--speed", "150", "--json")
	if code := exitCode(t, cmd.Run()); code != 1 {
		t.Errorf("exit code %d, want 1\n%s", code, stderr)
	}
	var got struct {
		Verdict, State string
		Code           int `json:"status_code"`
		Causes         []struct{ ID string }
		Probes         []struct {
			Code int `json:"status_code"`
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	if got.State != "unhealthy" || got.Code != 500 || len(got.Causes) != 1 || got.Causes[0].ID != "view-raised" || len(got.Probes) != 5 ||
		!strings.HasPrefix(got.Verdict, "unhealthy: 500: ValueError") {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(stderr.String(), "probe 1: 500") {
		t.Errorf("no progress on standard error:\n%s", stderr)
	}
}

// The page is written whatever the verdict is, and where it cannot be written nothing is rehearsed.
func TestRehearseReport(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx and gunicorn")
	}
	const address = "aws:elasticbeanstalk:application:environment|INSTANCE_IP|10.0.1.23"
	for name, test := range map[string]struct {
		dir, file string
		code      int
		says      []string // the page
		refused   string
	}{
		"healthy":   {sites(t, "/healthz/", address), "r.html", 0, []string{"<strong>healthy by 200</strong>", `<g class="probe" data-number="1">`, "Site (stack staging)"}, ""},
		"unhealthy": {sites(t, "/broken/", address), "r.html", 1, []string{"unhealthy: 500: ValueError", `<g class="probe" data-number="5">`, "raise ValueError"}, ""},
		"directory": {sites(t, "/healthz/"), "", 2, nil, "is a directory; name a file"},
		"nowhere":   {sites(t, "/healthz/"), "none/r.html", 2, nil, "there is no directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, test.file)
			cmd, stdout, stderr, tmp := beanpole(t, "rehearse", test.dir, "-e", "staging", "--speed", "150", "--report", file)
			if code := exitCode(t, cmd.Run()); code != test.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.code, stdout, stderr)
			}
			nothingLeft(t, tmp)
			if test.refused != "" {
				if !strings.Contains(stderr.String(), test.refused) || stdout.Len() > 0 {
					t.Errorf("not refused before the rehearsal:\n%s%s", stdout, stderr)
				}
				return
			}
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.says {
				if !strings.Contains(string(page), want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			if found, err := os.ReadDir(dir); err != nil || len(found) != 1 {
				t.Errorf("beside the page there is more: %v %v", found, err)
			}
		})
	}
}

// A page of an earlier run would pass for that of a run which comes to no verdict.
func TestRehearseRemovesThePageOfAnEarlierRun(t *testing.T) {
	if testing.Short() {
		t.Skip("looks for nginx")
	}
	for name, test := range map[string]struct {
		dir  string
		args []string
		code int
	}{
		"no synth": {t.TempDir(), nil, 2},
		"refused":  {sites(t, "/healthz/"), []string{"-e", "staging", "--set", "HealthCheckInterval=1"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "r.html")
			if err := os.WriteFile(file, []byte("healthy by 200"), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd, stdout, stderr, _ := beanpole(t, append([]string{"rehearse", test.dir, "--report", file}, test.args...)...)
			if code := exitCode(t, cmd.Run()); code != test.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.code, stdout, stderr)
			}
			if content, err := os.ReadFile(file); err == nil {
				t.Errorf("the page is still there: %s", content)
			}
		})
	}
}

// However a rehearsal ends, it leaves no process and no file.
func TestRehearseInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx and gunicorn")
	}
	const process = "aws:elasticbeanstalk:environment:process:default|"
	dir := sites(t, "/slow/", "aws:elasticbeanstalk:application:environment|INSTANCE_IP|10.0.1.23", process+"HealthCheckTimeout|2", process+"UnhealthyThresholdCount|2")
	forms := []string{"loopback"}
	if runtime.GOOS == "linux" {
		forms = append(forms, "namespace")
	}
	for _, isolation := range forms {
		for signal, moments := range map[syscall.Signal][]string{
			syscall.SIGINT:  {"rehearsing ", "bundle: ", "target registered: "},
			syscall.SIGTERM: {"target registered: ", "asking the app why"},
			syscall.SIGHUP:  {"target registered: "},
		} {
			for _, moment := range moments {
				t.Run(fmt.Sprintf("%s at %q, %s", signal, moment, isolation), func(t *testing.T) {
					if isolation == "namespace" {
						t.Parallel()
					}
					cmd, stdout, stderr, tmp := beanpole(t, "rehearse", dir, "-e", "staging", "--isolation", isolation)
					ended := startUntil(t, cmd, stdout, moment)
					if err := cmd.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
					interrupted := time.Now()
					if code := exitCode(t, <-ended); code != 2 {
						t.Errorf("exit code %d, want 2\n%s%s", code, stdout, stderr)
					}
					if took := time.Since(interrupted); took > 30*time.Second {
						t.Errorf("it took %v to end", took)
					}
					nothingLeft(t, tmp)
				})
			}
		}
	}
}

// Nor while it installs requirements: pip ends with what it has started, and no half-made virtual environment is kept.
func TestRehearseInterruptedWhileItInstalls(t *testing.T) {
	if testing.Short() {
		t.Skip("runs pip")
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			project, cache := t.TempDir(), t.TempDir()
			if err := os.CopyFS(project, os.DirFS("../../internal/rehearsal/testdata/site")); err != nil {
				t.Fatal(err)
			}
			begun := filepath.Join(t.TempDir(), "begun")
			for name, content := range map[string]string{
				"requirements.txt":    "./slow\n",
				"slow/pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"slow\"\nbackend-path = [\".\"]\n",
				"slow/slow.py":        "import subprocess\nopen(" + fmt.Sprintf("%q", begun) + ", \"w\").close()\nsubprocess.run([\"sleep\", \"120\"])\n",
			} {
				file := filepath.Join(project, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			cmd, stdout, stderr, tmp := beanpole(t, "rehearse", "--source", project, "--cache", cache)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(begun); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Errorf("pip never built the package:\n%s%s", stdout, stderr)
					break
				}
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			interrupted := time.Now()
			if code := exitCode(t, cmd.Wait()); code != 2 {
				t.Errorf("exit code %d, want 2\n%s%s", code, stdout, stderr)
			}
			if took := time.Since(interrupted); took > 30*time.Second {
				t.Errorf("it took %v to end", took)
			}
			nothingLeft(t, tmp)
			if kept, _ := filepath.Glob(filepath.Join(cache, "venv", "*", "*")); len(kept) > 0 {
				t.Errorf("half a virtual environment is kept: %v", kept)
			}
		})
	}
}

// Not even a rehearsal that is killed outright leaves anything, if it has namespaces.
func TestRehearseKilled(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("runs nginx and gunicorn in namespaces, which Linux has")
	}
	const address = "INSTANCE_IP=10.0.1.23"
	for name, from := range map[string][]string{
		"of a cloud assembly": {sites(t, "/slow/"), "-e", "staging"},
		"of a project":        {"--source", "../../internal/rehearsal/testdata/site", "--set", "HealthCheckPath=/slow/", "--set", "SECURE_SSL_REDIRECT=false"}, // whose bundle is temporary
	} {
		t.Run(name, func(t *testing.T) {
			cmd, stdout, _, tmp := beanpole(t, append([]string{"rehearse", "--isolation", "namespace", "--set", address}, from...)...)
			ended := startUntil(t, cmd, stdout, "target registered: ")
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
			for deadline := time.Now().Add(30 * time.Second); len(leftovers(t, tmp)) > 0 && time.Now().Before(deadline); {
				time.Sleep(50 * time.Millisecond)
			}
			nothingLeft(t, tmp)
		})
	}
}

// startUntil starts the program and returns once it has printed this. What it ends with comes later.
func startUntil(t *testing.T, cmd *exec.Cmd, stdout *bytes.Buffer, text string) <-chan error {
	t.Helper()
	w := &watcher{all: stdout, text: text, printed: make(chan struct{})}
	cmd.Stdout, cmd.WaitDelay = w, time.Minute
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-w.printed:
	case err := <-ended:
		t.Fatalf("ended (%v) and never printed %q:\n%s%v", err, text, stdout, cmd.Stderr)
	case <-time.After(5 * time.Minute): // it may have to install the requirements first
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		t.Fatalf("never printed %q:\n%s", text, stdout)
	}
	return ended
}

// watcher tells when a text has been written. The buffer is its own until the program has ended.
type watcher struct {
	all     *bytes.Buffer
	text    string
	once    sync.Once
	printed chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.all.Write(p)
	if bytes.Contains(w.all.Bytes(), []byte(w.text)) {
		w.once.Do(func() { close(w.printed) })
	}
	return n, err
}

// nothingLeft looks for files in the temporary directory and for processes that know it.
func nothingLeft(t *testing.T, tmp string) {
	t.Helper()
	for _, what := range leftovers(t, tmp) {
		t.Error(what)
	}
}

func leftovers(t *testing.T, tmp string) (found []string) {
	t.Helper()
	left, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		found = append(found, "left behind: "+f.Name())
	}
	processes, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range processes {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // ended, or somebody else's
		}
		if bytes.Contains(content, []byte(tmp)) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			found = append(found, fmt.Sprintf("left running: %s: %q", filepath.Dir(file), command))
		}
	}
	return found
}
