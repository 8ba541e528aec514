package rehearsal

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRequirements(t *testing.T) {
	read := func(files map[string]string) (requirements, error) {
		t.Helper()
		dir := t.TempDir()
		for name, content := range files {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return readRequirements(dir)
	}
	key := func(files map[string]string) string {
		t.Helper()
		r, err := read(files)
		if err != nil {
			t.Fatal(err)
		}
		return r.key
	}
	base := map[string]string{"requirements.txt": "-r requirements/base.txt\ngunicorn\n", "requirements/base.txt": "-r ../requirements.txt\n-c pins.txt\nDjango\n", "requirements/pins.txt": "Django==5.2\n"}
	changed := map[string]string{"requirements.txt": base["requirements.txt"], "requirements/base.txt": base["requirements/base.txt"], "requirements/pins.txt": "Django==5.1\n"}
	if key(base) != key(base) {
		t.Error("the same requirements have two keys")
	}
	if key(base) == key(changed) {
		t.Error("a change of an included file does not change the key")
	}
	if r, err := read(nil); err != nil || r.file != "" {
		t.Errorf("without requirements: %+v, %v", r, err)
	}
	if _, err := read(map[string]string{"requirements.txt": "-r absent.txt\n"}); err == nil || !strings.Contains(err.Error(), "absent.txt") {
		t.Errorf("got %v, want the name of the missing file", err)
	}
	if _, err := read(map[string]string{"Pipfile": "[packages]\n"}); err == nil || !strings.Contains(err.Error(), "pipenv lock") {
		t.Errorf("got %v, want the command that locks", err)
	}
	if r, err := read(map[string]string{"requirements.txt": "Django", "Pipfile": ""}); err != nil || r.file != "requirements.txt" {
		t.Errorf("requirements.txt and a Pipfile: %+v, %v", r, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Pipfile.lock"), []byte(`{"_meta": {}, "default": {
		"psycopg": {"extras": ["binary"], "version": "==3.2.9", "markers": "python_version >= '3.8'", "hashes": []},
		"django": {"version": "==5.2.19"}, "own": {"path": "./vendor/own"}, "fork": {"git": "https://example.com/fork.git", "ref": "abc"}, "any": {"version": "*"}},
		"develop": {"black": {"version": "==1"}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := readRequirements(dir)
	if err != nil || !r.local {
		t.Fatalf("%+v, %v", r, err)
	}
	content, err := os.ReadFile(filepath.Join(dir, r.file))
	if want := "any\ndjango==5.2.19\nfork @ git+https://example.com/fork.git@abc\n./vendor/own\npsycopg[binary]==3.2.9 ; python_version >= '3.8'\n"; err != nil || string(content) != want {
		t.Errorf("got %q, %v; want %q", content, err, want)
	}
	for line, local := range map[string]bool{
		"-e .": true, "./vendor/thing": true, "thing @ file:///x": true, "wheels/thing-1.0-py3-none-any.whl": true, ".": true,
		"Django==5.2": false, "-r other.txt": false, "django-storages[s3]>=1.0 ; python_version > '3.9'": false, "# ./no": false,
		"git+https://example.com/a.git": false,
	} {
		if r, err := read(map[string]string{"requirements.txt": line, "other.txt": ""}); err != nil || r.local != local {
			t.Errorf("%q: local %v, %v; want %v", line, r.local, err, local)
		}
	}
}

func TestPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	py, err := findPython(ctx, "9.9")
	if _, there := os.Stat("/usr/bin/python3"); there != nil {
		if err == nil || !strings.Contains(err.Error(), "install Python 3") {
			t.Errorf("got %v, want what to install", err)
		}
	} else if err != nil || !strings.HasPrefix(py.version, "3.") {
		t.Errorf("got %+v, %v", py, err)
	}
}

func TestRequirementsThatCannotBeInstalled(t *testing.T) {
	if _, err := findNginx(); err != nil {
		t.Skip(err)
	}
	// A Python that makes virtual environments at once, in which pip finds nothing.
	bin := t.TempDir()
	for name, script := range map[string]string{
		"python3": "#!/bin/sh\ncase $* in *-m\\ venv*) mkdir -p \"$3/bin\" && cp \"$0-in-venv\" \"$3/bin/python\" ;; *) echo 3.13.0 ;; esac\n",
		"python3-in-venv": "#!/bin/sh\necho 'Collecting no-such-package-for-a-rehearsal'\n" +
			"echo 'ERROR: No matching distribution found for no-such-package-for-a-rehearsal' >&2\nexit 1\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	tmp, cache := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	_, err := Run(context.Background(), Input{Bundle: site(t, map[string]string{"requirements.txt": "no-such-package-for-a-rehearsal\n"})}, Options{CacheDir: cache})
	if err == nil || !strings.Contains(err.Error(), "requirements.txt cannot be installed") || !strings.Contains(err.Error(), "no-such-package-for-a-rehearsal") {
		t.Errorf("got %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "venv", "*")); err != nil || len(left) != 1 { // the lock
		t.Errorf("left in the cache: %v %v", left, err)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "beanpole-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestPythonBehindAShim(t *testing.T) {
	root := t.TempDir()
	program := func(name, content string) string {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const binary = "\x7fELF"
	pyenv, asdf := program("pyenv/shims/python3.13", "#!/usr/bin/env bash\n"), program("asdf/shims/python3.13", "#!/bin/sh\n")
	program("pyenv/versions/3.12.1/bin/python3.12", binary)
	program("pyenv/versions/3.13.0/bin/python3.13", binary)
	later := program("pyenv/versions/3.13.2/bin/python3.13", binary)
	other := program("asdf/installs/python/3.13.1/bin/python3.13", binary)
	lone, plain := program("lone/shims/python3.13", "#!/bin/sh\n"), program("plain/bin/python3.13", binary)
	for file, want := range map[string]string{pyenv: later, asdf: other, lone: lone, plain: plain, filepath.Join(root, "absent"): filepath.Join(root, "absent")} {
		if got := behindShim(file, "3.13"); got != want {
			t.Errorf("%s stands for %s, want %s", file, got, want)
		}
	}
}
