package localaws

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// python is the environment that the set-up creates at the root of the module.
func python(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../.beanpole/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "bin/python")); err != nil {
		t.Skip("no Python environment for the local AWS: run `make setup`")
	}
	return dir
}

// newState returns a state directory with the Python environment in it.
func newState(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(python(t), filepath.Join(dir, "python")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := Stop(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// shared is one server for the tests that only use it: they name their stacks differently.
var shared struct {
	once   sync.Once
	dir    string
	server Server
	err    error
}

func TestMain(m *testing.M) {
	if os.Getenv("BEANPOLE_TEST_NAMESPACE") != "" {
		os.Exit(inNamespace())
	}
	code := m.Run()
	if shared.dir != "" {
		if _, err := Stop(shared.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func sharedServer(t *testing.T) client {
	t.Helper()
	python := python(t)
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "localaws"); shared.err != nil {
			return
		}
		if shared.err = os.Symlink(python, filepath.Join(shared.dir, "python")); shared.err != nil {
			return
		}
		// The rules are beanpole's own, tested elsewhere: here counts that what they refuse, Beanstalk refuses.
		validator := filepath.Join(shared.dir, "validator")
		if shared.err = os.WriteFile(validator, []byte(`#!/bin/sh
[ "$*" = "validate --json -" ] || exit 2
if grep -q '"Value": "lots"'; then
  echo '{"files":[{"findings":[{"level":"error","message":"MinSize: \"lots\" is no number"},{"level":"warning","message":"odd"}]}]}'
  exit 1
fi
`), 0o755); shared.err != nil {
			return
		}
		shared.server, _, shared.err = Start(context.Background(), shared.dir, Options{Validator: validator})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return client{t, shared.server}
}

// client calls services of the query protocol, as every SDK does.
type client struct {
	t      *testing.T
	server Server
}

type awsError struct {
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
}

func (e *awsError) Error() string { return e.Code + ": " + e.Message }

var versions = map[string]string{"cloudformation": "2010-05-15", "elasticloadbalancing": "2015-12-01", "ec2": "2016-11-15",
	"elasticbeanstalk": "2010-12-01", "iam": "2010-05-08", "autoscaling": "2011-01-01", "sns": "2010-03-31"}

// try makes one call; params are name, value pairs. The answer goes into out unless that is nil.
func (c client) try(out any, service, action string, params ...string) error {
	c.t.Helper()
	form := url.Values{"Action": {action}, "Version": {versions[service]}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	request, err := http.NewRequest(http.MethodPost, c.server.URL(), strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/"+service+
		"/aws4_request, SignedHeaders=host, Signature=none")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		var e awsError
		if err := xml.Unmarshal(body, &e); err != nil {
			c.t.Fatalf("%s: HTTP %d: %s", action, response.StatusCode, body)
		}
		return &e
	}
	if out != nil {
		if err := xml.Unmarshal(body, out); err != nil {
			c.t.Fatalf("%s: %v in %s", action, err, body)
		}
	}
	return nil
}

// json is must for a service of the JSON protocol; target is its name and the action's.
func (c client) json(out any, target string, params map[string]any) {
	c.t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		c.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, c.server.URL(), bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", target)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=none")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: HTTP %d: %s %v", target, response.StatusCode, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			c.t.Fatal(err)
		}
	}
}

// must is try for what has to end well.
func (c client) must(out any, service, action string, params ...string) {
	c.t.Helper()
	if err := c.try(out, service, action, params...); err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
}

// resources are the ids of everything that somebody made, by type.
func (c client) resources() map[string][]string {
	c.t.Helper()
	response, err := http.Get(c.server.URL() + "/beanpole/resources")
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	var found map[string][]string
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil {
		c.t.Fatal(err)
	}
	return found
}

// keepsClean fails the test if it leaves something behind.
func (c client) keepsClean() {
	before := c.resources()
	c.t.Cleanup(func() {
		if after := c.resources(); !reflect.DeepEqual(before, after) {
			c.t.Errorf("something was left behind: before %v, after %v", before, after)
		}
	})
}

func TestStartUseStop(t *testing.T) {
	dir := newState(t)
	if _, err := Find(dir); !errors.Is(err, ErrNotRunning) {
		t.Fatalf("Find before Start: %v, want ErrNotRunning", err)
	}
	server, started, err := Start(context.Background(), dir, Options{})
	if err != nil || !started {
		t.Fatalf("Start: started %v, %v", started, err)
	}
	again, started, err := Start(context.Background(), dir, Options{})
	if err != nil || started || again != server {
		t.Fatalf("second Start: %+v, started %v, %v; want the first server %+v", again, started, err, server)
	}
	if found, err := Find(dir); err != nil || found != server {
		t.Fatalf("Find: %+v, %v", found, err)
	}
	// One of another version of the program is replaced.
	if err := os.WriteFile(filepath.Join(pluginDir(dir), "aws.py"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	old := server
	if server, started, err = Start(context.Background(), dir, Options{}); err != nil || !started || server == old || old.alive() {
		t.Fatalf("Start over another version: %+v, started %v, %v; the old one runs: %v", server, started, err, old.alive())
	}
	if listeners := listening(t, server.PID); listeners != nil && !reflect.DeepEqual(listeners, []string{fmt.Sprintf("127.0.0.1:%d", server.Port)}) {
		t.Errorf("it listens on %v, want 127.0.0.1:%d alone", listeners, server.Port)
	}
	stopped, err := Stop(dir)
	if err != nil || !stopped {
		t.Fatalf("Stop: %v, %v", stopped, err)
	}
	if server.alive() {
		t.Errorf("process %d runs after Stop", server.PID)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "local*")); len(left) != 2 { // the log and the lock
		t.Errorf("Stop left %v", left)
	}
	if stopped, err := Stop(dir); err != nil || stopped {
		t.Errorf("second Stop: %v, %v; want false, nil", stopped, err)
	}
	if _, err := Find(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Find after Stop: %v, want ErrNotRunning", err)
	}
}

// A process id is used again after its process has gone: the process that has it now is not ours to end.
func TestStopLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	data, _ := json.Marshal(Server{PID: other.Process.Pid, Port: 1, Token: "0123456789"})
	if err := os.WriteFile(stateFile(dir), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if stopped, err := Stop(dir); err != nil || stopped {
		t.Errorf("Stop: %v, %v; want false, nil", stopped, err)
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process has ended: %v", err)
	}
	if _, err := os.Stat(stateFile(dir)); err == nil {
		t.Error("the stale state is still there")
	}
}

func TestStartTellsWhatIsMissing(t *testing.T) {
	if _, _, err := Start(context.Background(), t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("without a Python environment: %v, want a message that says `make setup`", err)
	}

	// An environment without the packages: the log says which, and Start repeats it.
	dir := t.TempDir()
	base, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on this computer")
	}
	if err := os.MkdirAll(filepath.Join(dir, "python/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	wrapper := fmt.Sprintf("#!/bin/sh\nexec %s -S \"$@\"\n", base) // -S: no packages but Python's own
	if err := os.WriteFile(filepath.Join(dir, "python/bin/python"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err = Start(context.Background(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "moto none, wanted 5.2.5") {
		t.Errorf("without packages: %v, want a message that names moto and its version", err)
	}
	if _, err := Find(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after a failed start: %v, want ErrNotRunning", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	interrupted := newState(t)
	if _, _, err := Start(ctx, interrupted, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// What moto does not implement is said at once: SDKs repeat a 500 for a minute.
func TestWhatMotoLacksIsSaidAtOnce(t *testing.T) {
	c := sharedServer(t)
	for service, action := range map[string]string{"cloudformation": "DetectStackDrift", "elasticbeanstalk": "RebuildEnvironment", "ec2": "BundleInstance"} {
		began := time.Now()
		err := c.try(nil, service, action, "StackName", "x", "EnvironmentName", "x", "InstanceId", "i-1")
		if err == nil || !strings.Contains(err.Error(), "implement") || time.Since(began) > 30*time.Second {
			t.Errorf("%s %s after %v: %v, want an error that says so", service, action, time.Since(began), err)
		}
	}
}
