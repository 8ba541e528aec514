package rehearsal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// python is an interpreter of this machine.
type python struct {
	path    string
	version string // "3.13.0"
}

// findPython prefers the platform's own version (want, such as "3.13"; "" if unknown) and takes any Python 3 else.
func findPython(ctx context.Context, want string) (python, error) {
	names := []string{"python3", "/usr/bin/python3", "python"}
	if want != "" {
		names = append([]string{"python" + want}, names...)
	}
	for _, name := range names {
		file, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if name == "python"+want {
			file = behindShim(file, want)
		}
		// Isolated and without site packages it starts in half the time.
		out, err := exec.CommandContext(ctx, file, "-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])").Output()
		version := strings.TrimSpace(string(out))
		if err == nil && strings.HasPrefix(version, "3.") {
			return python{file, version}, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return python{}, err
	}
	return python{}, errors.New("python3 is not on the PATH, and the rehearsal runs the real app: install Python 3 with its venv module")
}

// behindShim returns the interpreter of this version that a shim of pyenv or asdf stands for. The shim itself takes a third
// of a second, and it refuses a version which is installed and not chosen; here that version is what is asked for.
func behindShim(file, want string) string {
	content := make([]byte, 2)
	f, err := os.Open(file)
	if err != nil {
		return file
	}
	defer f.Close()
	if _, err := io.ReadFull(f, content); err != nil || string(content) != "#!" {
		return file
	}
	root := filepath.Dir(filepath.Dir(file))
	for _, versions := range []string{"versions", filepath.Join("installs", "python")} {
		found, _ := filepath.Glob(filepath.Join(root, versions, want+".*", "bin", "python"+want))
		for _, interpreter := range slices.Backward(found) {
			if info, err := os.Stat(interpreter); err == nil && info.Mode().IsRegular() {
				return interpreter
			}
		}
	}
	return file
}

// requirements is what a bundle wants installed.
type requirements struct {
	file string // requirements.txt, "" if there is none
	key  string // hash of all that it says
	// local: it names a directory or file of the bundle, so that a virtual environment of it is good for this bundle only
	local bool
}

var (
	includeLine = regexp.MustCompile(`^(?:-r|-c|--requirement|--constraint)[ =]*(\S+)`)
	localLine   = regexp.MustCompile(`^(-e\b|--editable\b|\.{0,2}/|\.$|file:)|@\s*file:|\.(whl|zip|tar\.gz)(\s|$)`)
)

func readRequirements(app string) (requirements, error) {
	r := requirements{file: "requirements.txt"}
	if _, err := os.Stat(filepath.Join(app, r.file)); errors.Is(err, fs.ErrNotExist) {
		if r.file, err = lockedRequirements(app); err != nil {
			return r, err
		}
	}
	if r.file == "" {
		return requirements{key: "none"}, nil
	}
	hash := sha256.New()
	seen := map[string]bool{}
	var read func(name string) error
	read = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		content, err := fs.ReadFile(os.DirFS(app), name)
		if err != nil {
			return fmt.Errorf("bundle: %s: %w", name, err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
		lines := bufio.NewScanner(bytes.NewReader(content))
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if m := includeLine.FindStringSubmatch(line); m != nil && !strings.Contains(m[1], "://") {
				if err := read(path.Join(path.Dir(name), m[1])); err != nil {
					return err
				}
			}
			r.local = r.local || localLine.MatchString(line)
		}
		return lines.Err()
	}
	if err := read(r.file); err != nil {
		return r, err
	}
	r.key = hex.EncodeToString(hash.Sum(nil))
	return r, nil
}

// lockedRequirements writes what Pipfile.lock names as a file of requirements, beside it, and returns its name: without a
// requirements.txt the platform installs that. "" if the bundle has no Pipfile either.
//
// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/python-configuration-requirements.html
func lockedRequirements(app string) (string, error) {
	content, err := os.ReadFile(filepath.Join(app, "Pipfile.lock"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(app, "Pipfile")); err == nil {
			return "", errors.New("bundle: a Pipfile without Pipfile.lock is installed as it is on the day of the deployment; " +
				"a rehearsal installs what is locked: pipenv lock")
		}
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("bundle: %w", err)
	}
	var lock struct {
		Default map[string]struct {
			Version, Markers, Git, Ref, Path, File string
			Extras                                 []string
		}
	}
	if err := json.Unmarshal(content, &lock); err != nil {
		return "", fmt.Errorf("bundle: Pipfile.lock: %w", err)
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(lock.Default)) {
		p := lock.Default[name]
		line := name
		if len(p.Extras) > 0 {
			line += "[" + strings.Join(p.Extras, ",") + "]"
		}
		switch {
		case p.Git != "":
			line += " @ git+" + strings.TrimPrefix(p.Git, "git+") + "@" + p.Ref
		case p.Path != "":
			line = "./" + strings.TrimPrefix(p.Path, "./")
		case p.File != "":
			line += " @ " + p.File
		case p.Version != "*":
			line += p.Version
		}
		if p.Markers != "" {
			line += " ; " + p.Markers
		}
		lines.WriteString(line + "\n")
	}
	const name = "requirements-of-Pipfile.lock.txt"
	return name, os.WriteFile(filepath.Join(app, name), []byte(lines.String()), 0o644)
}

// requirementsElsewhere are files that name requirements and that the platform does not read, the one for production last.
func requirementsElsewhere(app string) []string {
	var found []string
	for _, pattern := range []string{"pyproject.toml", "setup.py", "poetry.lock", "uv.lock", "requirements*.txt", "*/requirements.txt", "requirements/*.txt", "requirements/*prod*.txt"} {
		files, _ := filepath.Glob(filepath.Join(app, pattern))
		for _, file := range files {
			name, err := filepath.Rel(app, file)
			if name = filepath.ToSlash(name); err == nil && name != "requirements.txt" {
				found = append(slices.DeleteFunc(found, func(f string) bool { return f == name }), name)
			}
		}
	}
	return found
}

// virtualEnvironment returns one with the requirements installed: from the cache, or made now.
func virtualEnvironment(ctx context.Context, py python, r requirements, app, root, cache string, say func(string, ...any)) (string, error) {
	if r.local {
		say("requirements.txt names files of the bundle: its virtual environment is not kept")
		dir := filepath.Join(root, "venv")
		return dir, makeVenv(ctx, py, r, app, dir, root, say)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{r.key, py.version, runtime.GOOS, runtime.GOARCH}, "\n")))
	dir := filepath.Join(cache, "venv", hex.EncodeToString(sum[:8]))
	complete := filepath.Join(dir, "beanpole-complete")
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	defer lock.Close() // ends the lock
	for waits := 0; syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil; waits++ {
		if waits == 0 {
			say("waiting for another rehearsal that installs the same requirements")
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	say("installing requirements with Python %s (once; kept in %s)", py.version, dir)
	if err := makeVenv(ctx, py, r, app, dir, root, say); err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	return dir, os.WriteFile(complete, nil, 0o644)
}

func makeVenv(ctx context.Context, py python, r requirements, app, dir, root string, say func(string, ...any)) error {
	tmp := filepath.Join(root, "pip") // what pip leaves behind when it is interrupted goes with the rehearsal
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	env := append(os.Environ(), "TMPDIR="+tmp)
	venv := exec.CommandContext(ctx, py.path, "-m", "venv", dir)
	venv.Env = env
	asGroup(venv)
	if out, err := venv.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if bytes.Contains(out, []byte("ensurepip")) || bytes.Contains(out, []byte("No module named venv")) {
			return fmt.Errorf("%s cannot make virtual environments: apt-get install python3-venv (Debian, Ubuntu), or another Python 3", py.path)
		}
		return fmt.Errorf("%s -m venv failed: %w\n%s", py.path, err, tail(string(out), 5))
	}
	if r.file != "" {
		if err := pip(ctx, dir, app, env, say, "install", "-r", r.file); err != nil {
			if m := otherPython.FindStringSubmatch(err.Error()); m != nil {
				return fmt.Errorf("%s wants a package that is not for Python %s, which was taken: %s; choose the platform's Python (--python 3.13, say, with --source), "+
					"and have it on this machine", r.file, py.version, m[1])
			}
			return fmt.Errorf("%s cannot be installed, and a deployment would fail on it too: %w", r.file, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "bin", "gunicorn")); err != nil {
		say("gunicorn is not among the requirements; the platform brings one, so the newest is installed. Pin one to know which runs")
		if err := pip(ctx, dir, app, env, say, "install", "gunicorn"); err != nil {
			return fmt.Errorf("gunicorn cannot be installed: %w", err)
		}
	}
	return nil
}

// otherPython is what pip says of a package that exists, but not for this interpreter.
var otherPython = regexp.MustCompile(`(?s)different [Pp]ython version.*No matching distribution found for ([^\n]+)|(Package .*? requires a different Python: [^\n]+)`)

// asGroup gives a command a process group of its own, so that an interrupt ends what it has started too, such as compilers.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

func pip(ctx context.Context, dir, app string, env []string, say func(string, ...any), arguments ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"),
		append([]string{"-m", "pip", "--disable-pip-version-check", "--no-input"}, append(arguments, "--progress-bar", "off")...)...)
	cmd.Dir, cmd.Env = app, env
	asGroup(cmd)
	output, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	var failures []string
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		first, _, _ := strings.Cut(line, " ")
		switch first {
		case "Collecting", "Building", "Installing":
			say("pip: %s", line)
		case "ERROR:", "error:", "×":
			failures = append(failures, line)
		}
	}
	_, _ = io.Copy(io.Discard, output) // what follows a line too long to read
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failures == nil {
			return fmt.Errorf("pip: %w", err)
		}
		return fmt.Errorf("pip: %s", strings.Join(failures, "\n  "))
	}
	return nil
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
