package bundle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Lines of ignore files, and the names of a tree that they are asked about.
var (
	ignoreLines = []string{
		"*.log", "/top.txt", "build/", "docs/*.txt", "**/cache", "cache/**", "a/**/z", "!keep.log", `\#hash`, `\!bang`, "# comment", "",
		"space\\ ", "trailing  ", "x?y", "[abc].py", "[!abc].js", "[a-c]1", "*", "!*/", "!*.py", "/a/*", "!/a/b", "deep/er/file", "/**/logs/**",
		"**.tmp", "a**b", "foo/**", "**", "*.py[co]", ".#*", "*~", "*.sw[op]", "ü*", "[]x]y", `back\\slash`, "dir/sub/", "/", "//", "a//b", "[a", "[", "x\\", "[\\]]q", "[z-a]", `[\d]1`, "x[!a]y", "x[^a]y", `[a\-d].py`,
	}
	treeNames = []string{
		"top.txt", "sub/top.txt", "x.log", "keep.log", "sub/keep.log", "build/out", "sub/build/out", "build.py", "docs/a.txt", "docs/sub/b.txt",
		"cache/x", "sub/cache/x", "a/z", "a/b/z", "a/b/c/z", "#hash", "!bang", "space ", "trailing", "xzy", "x/y", "a.py", "d.py", "a.js", "d.js",
		"b1", "d1", "deep/er/file", "x/deep/er/file", "logs/a/b", "s/logs/a", "n.tmp", "s/n.tmp", "aXXb", "a/b", "foo/bar/baz", "m.pyc", ".#lock",
		"t~", "v.swp", "über", "]y", "xy", `back\slash`, "dir/sub/f", "sub/dir/sub/f", "]q", "-.py", "c.py",
	}
)

// TestPatternsAreGits asks Git about every line and every pair of lines.
func TestPatternsAreGits(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	run := func(stdin string, args ...string) string {
		cmd := exec.Command(git, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.Output()
		if err != nil && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1) {
			t.Fatalf("git %s: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	run("", "init", "-q")
	for _, name := range treeNames {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(file); err == nil {
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, nil, 0o644))
	}
	var names []string
	must(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if d.Name() == ".git" {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, rel)
		}
		return err
	}))
	var texts []string
	for i, line := range ignoreLines {
		texts = append(texts, line+"\n")
		if !testing.Short() {
			texts = append(texts, line+"\n"+ignoreLines[(i+7)%len(ignoreLines)]+"\n", "*\n!*/\n!"+line+"\n")
		}
	}
	for _, text := range texts {
		must(t, os.WriteFile(filepath.Join(dir, ".git", "info", "exclude"), []byte(text), 0o644))
		ignored := map[string]bool{}
		for name := range strings.SplitSeq(run(strings.Join(names, "\x00"), "check-ignore", "-z", "--stdin"), "\x00") {
			ignored[name] = true
		}
		var patterns []pattern
		broken := false
		for line := range strings.Lines(text) {
			p, ok, err := parsePattern(line, "")
			if err != nil {
				broken = true // Git takes such a line and matches nothing; we say so.
			} else if ok {
				patterns = append(patterns, p)
			}
		}
		if broken {
			continue
		}
		tr := tree{ignore: patterns}
		for _, name := range names {
			got := tr.leftOutAbove(name, nil) || tr.judge(name, false) == leftOut
			if got != ignored[name] {
				t.Errorf("%q: %q is left out: %v, and by Git: %v", text, name, got, ignored[name])
			}
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, line := range ignoreLines {
		f.Add(line, "a/b.py")
	}
	f.Fuzz(func(t *testing.T, line, name string) {
		p, ok, err := parsePattern(line, "")
		if err != nil && ok {
			t.Fatalf("%q: %v, and a pattern", line, err)
		}
		if !ok || err != nil || p.dirOnly || p.keep {
			return
		}
		// What a pattern without a slash matches in a directory, it matches in every other.
		if !strings.Contains(line, "/") && !strings.Contains(name, "/") && name != "" {
			top, below := p.matches(name), p.matches("x/y/"+name)
			if top != below {
				t.Fatalf("%q: %q is matched at the top: %v, below: %v", line, name, top, below)
			}
		}
	})
}

func FuzzZip(f *testing.F) {
	f.Add([]byte(nil))
	for _, files := range []map[string]string{project, {"../x": "", "l": "-> l", "d/e": "-> ..", "a": "-> d"}} {
		content, err := os.ReadFile(zipped(f, files))
		must(f, err)
		f.Add(content)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		file := filepath.Join(dir, "source.zip")
		must(t, os.WriteFile(file, content, 0o644))
		s := Source{Path: file}
		var out bytes.Buffer
		if err := s.WriteZip(&out); err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("written, and refused: %v", err)
		}
		must(t, os.WriteFile(file, out.Bytes(), 0o644))
		if !bytes.Equal(build(t, s), out.Bytes()) {
			t.Fatal("the bundle of the bundle differs")
		}
	})
}
