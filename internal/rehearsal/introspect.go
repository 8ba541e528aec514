package rehearsal

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed introspect.py
var introspection []byte

// django is what the app says of itself and of a health check.
type django struct {
	Server         string     `json:"server"`
	Application    string     `json:"application"`
	Version        string     `json:"django"`
	SettingsModule string     `json:"settings_module"`
	AllowedHosts   []string   `json:"allowed_hosts"`
	Debug          bool       `json:"debug"`
	AppendSlash    bool       `json:"append_slash"`
	PrependWWW     bool       `json:"prepend_www"`
	SSLRedirect    bool       `json:"ssl_redirect"`
	SSLHost        string     `json:"ssl_host"`
	RedirectExempt []string   `json:"redirect_exempt"`
	Middleware     []string   `json:"middleware"`
	RootURLConf    string     `json:"root_urlconf"`
	Databases      []database `json:"databases"`
	AddressIn      []string   `json:"address_in"` // names of variables that hold the instance's address
	ImportError    *raised    `json:"import_error"`
	Asked          bool       `json:"asked"` // whether it came to a request
	Status         int        `json:"status"`
	Location       string     `json:"location"`
	Raised         []raised   `json:"raised"`
	View           string     `json:"view"`        // that ran, "" if none did
	Route          string     `json:"route"`       // the URL pattern that led to it
	AnsweredBy     string     `json:"answered_by"` // the middleware, if no view ran
	Hang           string     `json:"hang"`        // where the request was when it took too long
}

type database struct{ Alias, Engine, Host, Port string }

// raised is a Python exception.
type raised struct {
	Type          string   `json:"type"`
	Message       string   `json:"message"`
	Bases         []string `json:"bases"`
	MissingModule string   `json:"missing_module"`
	Traceback     string   `json:"traceback"`
}

// is says whether the exception is of a class or of one derived from it.
func (r raised) is(class string) bool { return slices.Contains(r.Bases, class) }

// servers are the programs that stand aside for the introspection.
var servers = []string{"gunicorn", "uvicorn", "daphne", "hypercorn", "waitress-serve", "granian", "uwsgi"}

// introspect runs the app's own command once more with something else in the server's place. Nil if that says nothing,
// as with a command that finds its server in another way than by PATH.
func (j job) introspect(ctx context.Context, env []string, last answer) (*django, error) {
	interrupted := ctx.Err // and not the time limit
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	script, result, shims := filepath.Join(j.Root, "introspect.py"), filepath.Join(j.Root, "facts.json"), filepath.Join(j.Root, "shims")
	if err := os.MkdirAll(shims, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(script, introspection, 0o644); err != nil {
		return nil, err
	}
	for name, content := range shimScripts(j.Python, script) {
		if err := os.WriteFile(filepath.Join(shims, name), []byte(content), 0o755); err != nil {
			return nil, err
		}
	}
	host, _, _ := strings.Cut(j.Host, ":") // nginx hands it on without the port
	patience := 10 * time.Second           // it has answered, if slowly: its first request imports half of the project
	if last.TimedOut {
		patience = min(j.Check.Timeout, 2*time.Second)
	}
	request, err := json.Marshal(map[string]any{
		"path": j.Check.Path, "host": host, "address": j.InstanceIP, "port": strconv.Itoa(j.AppPort),
		"patience": patience.Seconds(),
	})
	if err != nil {
		return nil, err
	}
	env = append(slices.Clone(env), "BEANPOLE_FACTS="+result, "BEANPOLE_REQUEST="+string(request), "BEANPOLE_SHIMS="+shims)
	for i, e := range env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			env[i] = "PATH=" + shims + string(os.PathListSeparator) + path
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A server named by its place in the virtual environment must be found by PATH instead.
	command := strings.ReplaceAll(j.Command, filepath.Dir(j.Python)+"/", "")
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = j.App, env, processGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	_ = cmd.Run() // what it found out is in the file
	content, err := os.ReadFile(result)
	if err != nil {
		return nil, interrupted()
	}
	d := &django{}
	if err := json.Unmarshal(content, d); err != nil {
		return nil, fmt.Errorf("what the app says of itself: %w", err)
	}
	d.Hang = readTail(result+".hang", 8<<10)
	return d, interrupted()
}

func shimScripts(python, script string) map[string]string {
	scripts := map[string]string{}
	for _, name := range servers {
		scripts[name] = fmt.Sprintf("#!/bin/sh\nexec '%s' '%s' %s \"$@\"\n", python, script, name)
	}
	modules := "-m\\ " + strings.Join(servers[:4], "\\ *|-m\\ ") + "\\ *"
	for _, name := range []string{"python", "python3"} {
		scripts[name] = fmt.Sprintf("#!/bin/sh\ncase \"$* \" in\n%s|*manage.py\\ runserver*) exec '%s' '%s' \"$@\" ;;\nesac\nexec '%s' \"$@\"\n",
			modules, python, script, python)
	}
	return scripts
}
