package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smokeTest builds the program of `make aws-smoke`.
func smokeTest(t *testing.T, root string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "smoke")
	build := exec.Command("go", "build", "-o", program, "./test/smoke")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

// All that make aws-smoke does, on this computer, but for what needs an instance.
func TestTheSmokeTestRunsDry(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("end to end: not in -short")
	}
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(smokeTest(t, root))
	command.Dir = root
	command.Env = append(os.Environ(), "DRY_RUN=1")
	expected := []string{"resolver", "matcher-range", "rule-order", "security-groups", "platform", "events", "bundle", "second-diff", "other-success-codes-same-environment", "later-codes", "destroy", "left"}
	if os.Getenv("BEANPOLE_TEST_FULL") != "" {
		command.Env = append(command.Env, "AWS_SMOKE_HOSTED_ZONE=Z0123456789ABCDEFGHIJ:example.com")
		expected = append(expected, "certificate-and-domain-same-environment", "certificate-and-domain-rules", "second-domain-same-environment", "second-domain-rules")
	}
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "Everything that was made is removed.") {
		t.Fatalf("it ends with %v:\n%s", err, output)
	}
	text, err := os.ReadFile(filepath.Join(root, ".beanpole/smoke-dry-run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Local   bool
		Answers []struct {
			ID, NotAsked string
			Holds        bool
		}
	}
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	if !record.Local {
		t.Error("the record does not say that it is of this computer")
	}
	for _, a := range record.Answers {
		i := slices.Index(expected, a.ID)
		switch {
		case a.Holds && i >= 0:
			expected = slices.Delete(expected, i, i+1)
		case a.NotAsked == "":
			t.Errorf("%s does not hold", a.ID)
		}
	}
	if len(expected) > 0 {
		t.Errorf("not asked: %q, in\n%s", expected, output)
	}
}

// In an account that is not named it touches nothing; in the one that is named, an interrupt in the midst of a deployment
// leaves nothing behind.
func TestTheSmokeTestLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	program := smokeTest(t, d.root)
	d.startAWS()
	d.bootstrap()
	bootstrapped := d.resources()
	d.dir = d.root // where its cdk.json is
	answers := filepath.Join(d.root, "test/smoke/answers.json")
	before, _ := os.ReadFile(answers) // there need be none

	// The variable is set behind `local env`, which takes everything away that begins with AWS_.
	output, code := d.aws("env", "AWS_SMOKE_ACCOUNT=210987654321", program)
	if code != 2 || !strings.Contains(output, "AWS_SMOKE_ACCOUNT is 210987654321, but the credentials are those of account 123456789012") {
		t.Errorf("in another account it ends with %d:\n%s", code, output)
	}
	if got := d.resources(); len(got) != len(bootstrapped) {
		t.Fatalf("in another account it has made %v", got)
	}

	// All of these become one process, the program's.
	command := exec.Command(filepath.Join(d.root, ".beanpole/bin/beanpole"), "local", "--state", d.state, "env", "--", "env", "AWS_SMOKE_ACCOUNT=123456789012", program)
	command.Dir = d.root
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = write, write
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	timer := time.AfterFunc(3*time.Minute, func() { command.Process.Kill() })
	defer timer.Stop()
	var all strings.Builder
	interrupted := false
	for lines := bufio.NewScanner(read); lines.Scan(); {
		line := lines.Text()
		all.WriteString(line + "\n")
		// The network is there, and the rest is being made.
		if !interrupted && strings.Contains(line, "-live-web: deploying") {
			interrupted = true
			command.Process.Signal(syscall.SIGINT)
		}
	}
	io.Copy(io.Discard, read)
	err = command.Wait()
	text := all.String()
	if !interrupted || command.ProcessState.ExitCode() != 1 || !strings.Contains(text, "interrupted") || !strings.Contains(text, "Everything that was made is removed.") {
		t.Fatalf("interrupted %v, it ends with %v:\n%s", interrupted, err, text)
	}
	if after, _ := os.ReadFile(answers); !bytes.Equal(before, after) {
		t.Errorf("a run that was interrupted has written %s", answers)
	}
	for kind, ids := range d.resources() {
		for _, id := range ids {
			if !slices.Contains(bootstrapped[kind], id) {
				t.Errorf("%s %s is left", kind, id)
			}
		}
	}
}
