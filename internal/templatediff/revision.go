package templatediff

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Revision is how a revision of a repository becomes templates.
type Revision struct {
	// Dir is a directory inside of the repository, the one with the app's cdk.json.
	Dir string
	// Name is what git understands: a branch, a tag, a commit, HEAD~2.
	Name string
	// App is the command that synthesises the app; default: what cdk.json says.
	App string
	// Log gets what the app prints, nil for nothing.
	Log func(line string)
}

// installed are directories of dependencies that git does not keep and that an app does not start without.
var installed = []string{"node_modules", ".venv", "venv"}

// git runs git in a directory, and returns what it prints.
func git(ctx context.Context, dir string, arguments ...string) (string, error) {
	return gitWith(ctx, nil, dir, arguments...)
}

// gitWith is git with more environment variables.
func gitWith(ctx context.Context, environment []string, dir string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", arguments...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), environment...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		if message := strings.TrimSpace(problem.String()); message != "" {
			return "", errors.New(message)
		}
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}

// find returns the top directory of the repository, and the revision's commit.
func (r Revision) find(ctx context.Context) (top, commit string, err error) {
	top, err = git(ctx, r.Dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", "", fmt.Errorf("%q is neither a file nor a directory, and no revision either: %w", r.Name, err)
	}
	if strings.HasPrefix(r.Name, "-") {
		return "", "", fmt.Errorf("%q is no revision", r.Name)
	}
	// In two steps: behind :/text, ^{commit} would be a part of the text.
	if commit, err = git(ctx, r.Dir, "rev-parse", "--verify", "--quiet", r.Name); err == nil {
		commit, err = git(ctx, r.Dir, "rev-parse", "--verify", "--quiet", commit+"^{commit}")
	}
	if err != nil {
		return "", "", fmt.Errorf("%q is neither a file nor a directory nor a revision of %s; of a shallow clone, fetch it first", r.Name, top)
	}
	return top, commit, nil
}

// SplitPath takes REVISION:PATH apart where git does: at the first colon outside of braces. Git's :/text is a revision, and
// so is main@{2026-01-01 10:00}.
func SplitPath(name string) (revision, path string, ok bool) {
	if strings.HasPrefix(name, ":") {
		return name, "", false
	}
	depth := 0
	for i, c := range name {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth = max(0, depth-1)
		case c == ':' && depth == 0:
			return name[:i], name[i+1:], true
		}
	}
	return name, "", false
}

// File reads one template of the revision, by its path as git understands it behind a colon: from the top of the repository,
// or from Dir if it begins with ./ or ../. The error is an [fs.ErrNotExist] if the revision has no such file.
func (r Revision) File(ctx context.Context, file string) (*Assembly, error) {
	top, commit, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	full, err := r.fromTop(ctx, top, file)
	if err != nil {
		return nil, err
	}
	return r.file(ctx, top, commit, full)
}

// file is File with the path from the top.
func (r Revision) file(ctx context.Context, top, commit, full string) (*Assembly, error) {
	entry, err := git(ctx, top, "--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", full)
	if err != nil {
		return nil, fmt.Errorf("%s:%s: %w", r.Name, full, err)
	}
	if entry == "" {
		return nil, fmt.Errorf("%s has no file %s: %w", r.Name, full, fs.ErrNotExist)
	}
	about, _, _ := strings.Cut(entry, "\t") // mode, type, object
	if fields := strings.Fields(about); len(fields) != 3 || fields[1] != "blob" {
		return nil, fmt.Errorf("%s:%s is no file", r.Name, full)
	}
	text, err := git(ctx, top, "cat-file", "blob", strings.Fields(about)[2])
	if err != nil {
		return nil, fmt.Errorf("%s:%s: %w", r.Name, full, err)
	}
	return parseSingle(r.Name+":"+full, path.Base(full), []byte(text))
}

// fromTop is the path of a file from the top of the repository.
func (r Revision) fromTop(ctx context.Context, top, file string) (string, error) {
	full := path.Clean(file)
	if strings.HasPrefix(file, "./") || strings.HasPrefix(file, "../") {
		prefix, err := git(ctx, r.Dir, "rev-parse", "--show-prefix")
		if err != nil {
			return "", err
		}
		full = path.Join(prefix, file)
	}
	if full == "." {
		return "", fmt.Errorf("%q is a directory; name a file of it: %s:PATH", file, r.Name)
	}
	if full == ".." || strings.HasPrefix(full, "../") || path.IsAbs(full) {
		return "", fmt.Errorf("%s is outside of the repository %s; name the file that it is to be compared with: %s:PATH", file, top, r.Name)
	}
	return full, nil
}

// Counterpart reads what the template that is at a path now was in the revision, also if it had another name there. If the
// revision has nothing of the kind, the assembly is empty and its warnings say so.
func (r Revision) Counterpart(ctx context.Context, file string) (*Assembly, error) {
	top, commit, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	full, err := r.fromTop(ctx, top, file)
	if err != nil {
		return nil, err
	}
	a, missing := r.file(ctx, top, commit, full)
	if !errors.Is(missing, fs.ErrNotExist) {
		return a, missing
	}
	old, gone, err := r.renamed(ctx, top, commit, full)
	if err != nil {
		return nil, err
	}
	if old != "" {
		if a, err = r.file(ctx, top, commit, old); err != nil {
			return nil, err
		}
		a.Warnings = append(a.Warnings, fmt.Sprintf("%s is compared with %s, of which git says that it was renamed", full, a.Name))
		return a, nil
	}
	a = &Assembly{Name: r.Name, Warnings: []string{fmt.Sprintf("%s has no file %s", r.Name, full)}}
	if len(gone) > 0 {
		a.Warnings[0] += fmt.Sprintf(", nor one that it was renamed from; if it was one of those that are gone, say so: %[1]s:%[2]s", r.Name, strings.Join(gone, ", "+r.Name+":"))
	}
	return a, nil
}

// renamed asks git which file of the commit the one at a path was renamed from, and which templates are gone since.
func (r Revision) renamed(ctx context.Context, top, commit, full string) (from string, gone []string, err error) {
	// In a copy of the index that has the file, which git need not have been told of yet.
	index, err := git(ctx, top, "rev-parse", "--git-path", "index")
	if err != nil {
		return "", nil, err
	}
	if !filepath.IsAbs(index) {
		index = filepath.Join(top, index)
	}
	temporary, err := os.MkdirTemp("", "beanpole-diff-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(temporary)
	environment := []string{"GIT_INDEX_FILE=" + filepath.Join(temporary, "index")}
	data, err := os.ReadFile(index)
	if err == nil {
		err = os.WriteFile(filepath.Join(temporary, "index"), data, 0o600)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	if _, err := gitWith(ctx, environment, top, "--literal-pathspecs", "add", "--intent-to-add", "--force", "--", full); err != nil {
		return "", nil, err
	}
	out, err := gitWith(ctx, environment, top, "diff", "-M", "--name-status", "-z", "--diff-filter=RD", "--no-ext-diff", commit, "--")
	if err != nil {
		return "", nil, err
	}
	for fields := strings.Split(out, "\x00"); len(fields) >= 2; {
		status, name := fields[0], fields[1]
		fields = fields[2:]
		if strings.HasPrefix(status, "R") && len(fields) > 0 {
			if fields[0] == full {
				return name, nil, nil
			}
			fields = fields[1:]
		} else if slices.Contains(suffixes, path.Ext(name)) {
			gone = append(gone, name)
		}
	}
	return "", gone, nil
}

// Open checks the revision out into a temporary worktree, runs the app there as the CDK's own command line would, without
// credentials being needed and without look-ups, and reads what it writes. The worktree is removed again in any case;
// remove removes what the app wrote, and is never nil.
func (r Revision) Open(ctx context.Context) (a *Assembly, remove func(), err error) {
	remove = func() {}
	top, commit, err := r.find(ctx)
	if err != nil {
		return nil, remove, err
	}
	prefix, err := git(ctx, r.Dir, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, remove, err
	}
	temporary, err := os.MkdirTemp("", "beanpole-diff-")
	if err != nil {
		return nil, remove, err
	}
	remove = func() { os.RemoveAll(temporary) }
	// The name of the last directory is the repository's: apps name things after it.
	worktree := filepath.Join(temporary, "revision", filepath.Base(top))
	defer func() {
		// Not under ctx: an interrupt must not leave the worktree behind.
		exec.Command("git", "-C", top, "worktree", "remove", "--force", worktree).Run()
		os.RemoveAll(filepath.Join(temporary, "revision"))
		exec.Command("git", "-C", top, "worktree", "prune").Run()
		if err != nil {
			remove()
		}
	}()
	if _, err = git(ctx, top, "worktree", "add", "--detach", "--force", worktree, commit); err != nil {
		return nil, remove, fmt.Errorf("cannot check %s out: %w", r.Name, err)
	}
	out := filepath.Join(temporary, "cdk.out")
	if err = r.synthesise(ctx, filepath.Join(worktree, prefix), filepath.Join(top, prefix), out); err != nil {
		return nil, remove, fmt.Errorf("%s: %w", r.Name, err)
	}
	if a, err = Open(out); err != nil {
		return nil, remove, err
	}
	a.Name = r.Name
	for i := range a.Warnings {
		a.Warnings[i] = strings.ReplaceAll(a.Warnings[i], out, r.Name)
	}
	return a, remove, nil
}

// project is what of cdk.json is read.
type project struct {
	App     json.RawMessage
	Build   string
	Context map[string]any
}

func (r Revision) synthesise(ctx context.Context, dir, now, out string) error {
	data, err := os.ReadFile(filepath.Join(dir, "cdk.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("has no cdk.json in this directory; run beanpole diff in the directory of the CDK app")
	}
	if err != nil {
		return err
	}
	var p project
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("cdk.json: %w", err)
	}
	app, err := p.command()
	if err != nil {
		return err
	}
	if r.App != "" {
		app = r.App
	}
	values := map[string]any{
		// As the CDK's command line has it. No Docker: what is bundled is not compared.
		"aws:cdk:enable-path-metadata": true, "aws:cdk:enable-asset-metadata": true, "aws:cdk:version-reporting": false,
		"aws:cdk:bundling-stacks": []string{"**"},
	}
	maps.Copy(values, p.Context)
	if data, err := os.ReadFile(filepath.Join(dir, "cdk.context.json")); err == nil {
		var found map[string]any
		if err := json.Unmarshal(data, &found); err != nil {
			return fmt.Errorf("cdk.context.json: %w", err)
		}
		maps.Copy(values, found)
	}
	for _, name := range installed {
		there := filepath.Join(now, name)
		if _, err := os.Stat(there); err != nil {
			continue
		}
		if err := os.Symlink(there, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	environment, err := r.environment(values, now, out)
	if err != nil {
		return err
	}
	for _, command := range []string{p.Build, app} {
		if command == "" {
			continue
		}
		if err := r.run(ctx, dir, command, environment); err != nil {
			return err
		}
	}
	return nil
}

// command is the app's command line: a text, or a list of words.
func (p project) command() (string, error) {
	var command string
	if json.Unmarshal(p.App, &command) == nil && command != "" {
		return command, nil
	}
	var words []string
	if json.Unmarshal(p.App, &words) == nil && len(words) > 0 {
		for i, w := range words {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		return strings.Join(words, " "), nil
	}
	return "", errors.New(`cdk.json has no "app"; give the command with --app`)
}

// maxVariable is what Linux allows one variable to hold, with some to spare.
const maxVariable = 100_000

func (r Revision) environment(values map[string]any, now, out string) ([]string, error) {
	encoded, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "CDK_OUTDIR=") || strings.HasPrefix(v, "CDK_CONTEXT_JSON=") || strings.HasPrefix(v, "GIT_DIR=") || strings.HasPrefix(v, "GIT_WORK_TREE=")
	})
	environment = append(environment, "CDK_OUTDIR="+out, "PATH="+filepath.Join(now, "node_modules", ".bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	if os.Getenv("CDK_VALIDATION") == "" {
		environment = append(environment, "CDK_VALIDATION=false") // seconds of linting that no comparison needs
	}
	if len(encoded) <= maxVariable {
		return append(environment, "CDK_CONTEXT_JSON="+string(encoded)), nil
	}
	file := out + ".context.json"
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		return nil, err
	}
	return append(environment, "CDK_CONTEXT_JSON={}", "CONTEXT_OVERFLOW_LOCATION_ENV="+file), nil
}

func (r Revision) run(ctx context.Context, dir, command string, environment []string) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir, cmd.Env = dir, environment
	// On an interrupt the app and what it started may clean up, but not for ever.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if r.Log != nil {
		for line := range strings.Lines(printed.String()) {
			r.Log(strings.TrimRight(line, "\n"))
		}
	}
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(printed.String()), "\n")
	if len(lines) > 15 {
		lines = lines[len(lines)-15:]
	}
	return fmt.Errorf("%s does not synthesise: %s: %w\n%s", filepath.Base(dir), command, err, strings.Join(lines, "\n"))
}
