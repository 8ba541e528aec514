// Package localaws runs AWS on this computer: moto's server, taught CloudFormation and Elastic Beanstalk by a plug-in, so
// that the unmodified CDK command line can bootstrap, deploy, diff and destroy without an account.
//
// The server listens on loopback, on a port that the system chooses, keeps everything in memory and forgets it when it
// stops. What it keeps on disk is in one state directory (DefaultDir): the server's address, its log, the plug-in, and the
// Python environment that the set-up creates there.
//
// What a green run proves: the command line, the assets, change sets, references, outputs, the order of the resources,
// what each service was asked for, and what Elastic Beanstalk would make of an environment's option settings and of the
// configuration files in its source bundle. What it does not prove: that AWS accepts it, or that an instance starts.
//
// Custom resources: what the functions of aws-cdk-lib do that a Beanstalk stack uses, the plug-in does in their place. Another
// custom resource whose function is in Python has its function run, in a process of its own, for a minute at most, with this
// server as its AWS. That is code of the template that the user deploys to their own computer; it is not confined.
//
// Resource types and properties that the plug-in does not know are refused by name.
package localaws

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// DefaultDir is the state directory, relative to the current directory.
const DefaultDir = ".beanpole"

// Account and Region are those of everything on the local AWS.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// startTimeout bounds the wait for a server that was started: importing moto takes a second, on a busy computer a few.
const startTimeout = 60 * time.Second

// ErrNotRunning says that no local AWS runs for a state directory.
var ErrNotRunning = errors.New("the local AWS is not running: start it with `beanpole local start`")

//go:embed plugin/*.py requirements.txt
var plugin embed.FS

// Server is a local AWS that runs.
type Server struct {
	// PID is the process id of the server.
	PID int `json:"pid"`
	// Port is the port on 127.0.0.1 that it listens on.
	Port int `json:"port"`
	// Token is the name that this server answers with: another process on the same port or with the same process id does
	// not know it.
	Token string `json:"token"`
}

// URL is the endpoint of every service. It holds the address and not "localhost": SDKs then address S3 buckets by path,
// and no resolver answers with an address that nobody listens on.
func (s Server) URL() string { return "http://127.0.0.1:" + strconv.Itoa(s.Port) }

// Options are what Start needs to know; the zero value is the default.
type Options struct {
	// Validator is the path of a beanpole executable. The local Elastic Beanstalk refuses the option settings that its
	// `validate` refuses. Default: option settings are not checked.
	Validator string
}

// Find returns the local AWS that runs for the state directory dir, ErrNotRunning if there is none.
func Find(dir string) (Server, error) {
	s, err := read(dir)
	if err != nil {
		return Server{}, err
	}
	// Long, because a server that is at work on a busy computer takes its time, and Start ends one that does not answer.
	if !s.alive() || !s.answers(20*time.Second) {
		return Server{}, ErrNotRunning
	}
	return s, nil
}

// Start makes sure that a local AWS runs for the state directory dir, which it creates if necessary, and waits until it
// answers. It returns the one that runs already, with started false, unless that is of another version of this program: it
// is then ended, with all that it holds, and a new one started. The server outlives the caller; Stop ends it.
func Start(ctx context.Context, dir string, opts Options) (s Server, started bool, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return Server{}, false, err
	}
	python := filepath.Join(dir, "python", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return Server{}, false, fmt.Errorf("no Python environment for the local AWS: %s does not exist; run `make setup`, "+
			"or: python3 -m venv %s && %s -m pip install --no-deps -r internal/localaws/requirements.txt",
			python, filepath.Join(dir, "python"), python)
	}
	unlock, err := lock(dir)
	if err != nil {
		return Server{}, false, err
	}
	defer unlock()
	s, err = Find(dir)
	switch {
	case err == nil && pluginIsCurrent(pluginDir(dir)):
		return s, false, nil
	case err != nil && !errors.Is(err, ErrNotRunning):
		return Server{}, false, err
	}
	if err := end(dir); err != nil { // one that runs and does not answer, or has the plug-in of another version
		return Server{}, false, err
	}
	s, err = launch(ctx, dir, python, opts)
	return s, err == nil, err
}

// Stop ends the local AWS of the state directory dir, waits until it has gone and removes its state. It reports whether
// there was one; none is no error. A process that merely has the recorded process id is left alone.
func Stop(dir string) (stopped bool, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	unlock, err := lock(dir)
	if err != nil {
		return false, err
	}
	defer unlock()
	s, err := read(dir)
	if err != nil && !errors.Is(err, ErrNotRunning) {
		return false, err
	}
	stopped = err == nil && s.alive()
	return stopped, end(dir)
}

// launch starts the server and waits until it answers.
func launch(ctx context.Context, dir, python string, opts Options) (Server, error) {
	code := pluginDir(dir)
	if err := writePlugin(code); err != nil {
		return Server{}, err
	}
	logName := filepath.Join(dir, "local.log")
	log, err := os.Create(logName)
	if err != nil {
		return Server{}, err
	}
	defer log.Close()
	var secret [16]byte
	rand.Read(secret[:])
	token := hex.EncodeToString(secret[:])
	// -I: no PYTHONPATH, no user site; -B: no byte code beside the plug-in.
	cmd := exec.Command(python, "-I", "-B", code, "--state", stateFile(dir), "--token", token)
	cmd.Env = Server{}.Environ(os.Environ())
	if opts.Validator != "" {
		cmd.Env = append(cmd.Env, "BEANPOLE_VALIDATOR="+opts.Validator)
	}
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt at the terminal is not for the server
	if err := cmd.Start(); err != nil {
		return Server{}, fmt.Errorf("cannot start the local AWS: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	fail := func(why error) (Server, error) {
		cmd.Process.Kill()
		os.Remove(stateFile(dir))
		os.RemoveAll(code)
		return Server{}, fmt.Errorf("the local AWS did not start: %w; its log, %s, ends:\n%s", why, logName, tail(logName))
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for {
		select {
		case err := <-exited:
			return fail(fmt.Errorf("it exited (%v)", err))
		case <-deadline:
			return fail(fmt.Errorf("no answer after %v", startTimeout))
		case <-ctx.Done():
			return fail(ctx.Err())
		case <-tick.C:
			if s, err := read(dir); err == nil && s.Token == token && s.answers(time.Second) {
				return s, nil
			}
		}
	}
}

// end ends the recorded server, if it is still ours, and removes the state.
func end(dir string) error {
	s, err := read(dir)
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.alive() {
		if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("cannot stop the local AWS, process %d: %w", s.PID, err)
		}
		for i := 0; s.alive(); i++ {
			switch {
			case i == 500:
				return fmt.Errorf("the local AWS, process %d, does not end", s.PID)
			case i == 250:
				syscall.Kill(s.PID, syscall.SIGKILL)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if err := os.RemoveAll(pluginDir(dir)); err != nil {
		return err
	}
	return os.Remove(stateFile(dir))
}

// answers reports whether this very server answers on its port.
func (s Server) answers(timeout time.Duration) bool {
	// A transport of its own: the default one honours HTTP_PROXY, and keeps connections that outlive the server.
	client := http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(s.URL() + "/beanpole/token")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var answer struct{ Token string }
	return json.NewDecoder(response.Body).Decode(&answer) == nil && answer.Token == s.Token
}

// alive reports whether the process exists and is this server, by the token on its command line: process ids are used again.
func (s Server) alive() bool {
	if s.PID <= 1 || syscall.Kill(s.PID, 0) != nil {
		return false
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID))
	if err != nil { // macOS has no /proc
		line, err = exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(s.PID)).Output()
	}
	return err == nil && s.Token != "" && strings.Contains(string(line), s.Token)
}

func stateFile(dir string) string { return filepath.Join(dir, "local.json") }

func pluginDir(dir string) string { return filepath.Join(dir, "localaws") }

// read reads the recorded server; ErrNotRunning if none is recorded.
func read(dir string) (Server, error) {
	data, err := os.ReadFile(stateFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return Server{}, ErrNotRunning
	}
	if err != nil {
		return Server{}, err
	}
	var s Server
	if err := json.Unmarshal(data, &s); err != nil {
		return Server{}, fmt.Errorf("%s is damaged: %w; remove it", stateFile(dir), err)
	}
	return s, nil
}

// writePlugin writes the embedded plug-in, so that what runs is what this executable was built with.
func writePlugin(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(plugin, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := plugin.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o644)
	})
}

// pluginIsCurrent says whether what writePlugin wrote to dir is what this executable has.
func pluginIsCurrent(dir string) bool {
	return fs.WalkDir(plugin, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := plugin.ReadFile(name)
		if err != nil {
			return err
		}
		written, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
		if err == nil && !bytes.Equal(written, data) {
			err = errors.New("another version")
		}
		return err
	}) == nil
}

// lock keeps two starts, or a start and a stop, apart.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "local.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// tail returns the last lines of a log.
func tail(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
