package bundle

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// entry is one file of a source, before the overlay.
type entry struct {
	name       string
	size       int64
	executable bool
	open       func() (io.ReadCloser, error)
}

// tree is what a source holds, without what is left out.
type tree struct {
	entries  []entry
	problems []error
	exclude  []pattern // the caller's own, which have the last word
	ignore   []pattern // the defaults, then the ignore files on the way down
	root     string    // of a directory, without symbolic links
	closer   io.Closer
}

func (t *tree) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Errorf(format, args...))
}

func (t *tree) close() {
	if t.closer != nil {
		t.closer.Close()
	}
}

func (t *tree) judge(name string, isDir bool) verdict {
	if v := judge(t.exclude, name, isDir); v != silent {
		return v
	}
	return judge(t.ignore, name, isDir)
}

// read looks at the source. The error says that it cannot be looked at; what is wrong inside is in the tree's problems.
func (s Source) read() (*tree, error) {
	if s.Path == "" {
		return nil, errors.New("Path: no source given; name a directory or a .zip file")
	}
	info, err := os.Stat(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("Path: %q does not exist; name a directory or a .zip file", s.Path)
	} else if err != nil {
		return nil, fmt.Errorf("Path: %w", err)
	}
	t := &tree{ignore: slices.Clone(defaultExcludes)}
	for _, line := range s.Exclude {
		if p, ok, err := parsePattern(line, ""); err != nil {
			t.problem("Exclude: %w", err)
		} else if ok {
			t.exclude = append(t.exclude, p)
		}
	}
	if info.IsDir() {
		err = t.readDirectory(s.Path)
	} else {
		err = t.readZip(s.Path)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	slices.SortFunc(t.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return t, nil
}

// add takes a file in. The other names are those of what a symbolic link leads to.
func (t *tree) add(e entry, v verdict, otherNames ...string) {
	if v != kept {
		for _, name := range append(otherNames, e.name) {
			if sensitive(name, e) {
				t.problem("%s: by its name it holds secrets or data that should stay where they are; "+
					"leave it out with Exclude %q, or let it travel with Exclude %q", e.name, "/"+e.name, "!/"+e.name)
				break
			}
		}
	}
	t.entries = append(t.entries, e)
}

func (t *tree) readDirectory(dir string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("Path: %w", err)
	}
	if t.root, err = filepath.Abs(root); err != nil {
		return fmt.Errorf("Path: %w", err)
	}
	// As with the EB CLI, an .ebignore at the top is asked instead of every .gitignore.
	ebignore := filepath.Join(t.root, ".ebignore")
	if _, err := os.Stat(ebignore); err == nil {
		t.readIgnoreFile(ebignore, "")
		return t.walk(t.root, "", "", nil)
	}
	return t.walk(t.root, "", ".gitignore", nil)
}

// readIgnoreFile adds the patterns of an ignore file that lies in the directory base of the bundle.
func (t *tree) readIgnoreFile(file, base string) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	} else if err != nil {
		t.problem("%w", err)
		return
	}
	for line := range strings.Lines(string(content)) {
		p, ok, err := parsePattern(line, base)
		if err != nil {
			t.problem("%s: %w", path.Join(base, filepath.Base(file)), err)
		} else if ok {
			t.ignore = append(t.ignore, p)
		}
	}
}

// walk adds what lies below one directory: dir on the disk, name in the bundle (they part ways below a symbolic link).
// Above are the directories entered on the way, so that a link that leads back to one of them is noticed.
func (t *tree) walk(dir, name, ignoreFile string, above []string) error {
	items, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("Path: %w", err)
	}
	above = append(above, dir)
	if ignoreFile != "" {
		outside := len(t.ignore)
		t.readIgnoreFile(filepath.Join(dir, ignoreFile), name)
		defer func() { t.ignore = t.ignore[:outside] }()
	}
	for _, item := range items {
		child, full := path.Join(name, item.Name()), filepath.Join(dir, item.Name())
		isLink := item.Type()&fs.ModeSymlink != 0
		verdict := t.judge(child, item.IsDir())
		if verdict == leftOut {
			continue
		}
		info, err := os.Stat(full)
		switch {
		case isLink && err != nil:
			t.problem("%s: the symbolic link leads nowhere; remove it or leave it out with Exclude %q", child, "/"+child)
			continue
		case errors.Is(err, fs.ErrNotExist): // removed while we look
			continue
		case err != nil:
			return fmt.Errorf("Path: %w", err)
		}
		if info.IsDir() && verdict == silent && isVirtualEnvironment(full) {
			continue
		}
		var target []string
		if isLink {
			if t.judge(child, info.IsDir()) == leftOut {
				continue
			}
			if full, err = filepath.EvalSymlinks(full); err != nil {
				return fmt.Errorf("Path: %w", err)
			}
			inside, err := filepath.Rel(t.root, full)
			if err != nil || !filepath.IsLocal(inside) {
				t.problem("%s: the symbolic link leaves the source (to %s); copy what is meant into the source, or leave the link out with Exclude %q",
					child, full, "/"+child)
				continue
			}
			target = append(target, filepath.ToSlash(inside))
		}
		switch {
		case info.IsDir():
			if slices.Contains(above, full) {
				t.problem("%s: the symbolic link leads to a directory that holds it; remove it or leave it out with Exclude %q",
					child, "/"+child)
				continue
			}
			if err := t.walk(full, child, ignoreFile, above); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			t.add(entry{
				name: child, size: info.Size(), executable: info.Mode()&0o111 != 0,
				open: func() (io.ReadCloser, error) { return os.Open(full) },
			}, verdict, target...)
		}
	}
	return nil
}

func isVirtualEnvironment(dir string) bool {
	for _, mark := range virtualEnvironmentMarks {
		if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
			return true
		}
	}
	return false
}

// maxLinks is how many symbolic links are followed one after the other, inside a zip.
const maxLinks = 10

func (t *tree) readZip(file string) error {
	r, err := zip.OpenReader(file)
	if errors.Is(err, zip.ErrFormat) {
		return fmt.Errorf("Path: %q is neither a directory nor a zip file", file)
	} else if err != nil {
		return fmt.Errorf("Path: %q: %w", file, err)
	}
	t.closer = r

	files := make(map[string]*zip.File, len(r.File))
	var environments []string
	for _, f := range r.File {
		name := path.Clean(f.Name)
		switch {
		case strings.HasSuffix(f.Name, "/"):
			continue
		case !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`):
			t.problem("%s: %q is not a name inside the bundle; make the zip with relative names and slashes", filepath.Base(file), f.Name)
		case files[name] != nil:
			t.problem("%s: %s is in it twice", filepath.Base(file), name)
		case f.Flags&1 != 0:
			t.problem("%s: %s is encrypted; Elastic Beanstalk cannot open it", filepath.Base(file), name)
		default:
			files[name] = f
			for dir := name; dir != "."; dir = path.Dir(dir) {
				if slices.Contains(virtualEnvironmentMarks, path.Base(dir)) {
					environments = append(environments, path.Dir(dir))
				}
			}
		}
	}
	if top := onlyDirectory(files); top != "" {
		t.problem("%s: everything in it lies below %s, where the platform does not look; zip what is in that directory, not the directory",
			filepath.Base(file), top)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		verdict := t.judge(name, false)
		if verdict == leftOut || t.leftOutAbove(name, environments) {
			continue
		}
		t.addZipped(files, name, files[name], verdict, maxLinks)
	}
	return nil
}

// onlyDirectory returns the one directory that holds every file, or "".
func onlyDirectory(files map[string]*zip.File) string {
	only := ""
	for name := range files {
		top, _, below := strings.Cut(name, "/")
		if !below || only != "" && top != only {
			return ""
		}
		only = top
	}
	return only
}

// leftOutAbove says whether a directory above the file is left out: a zip is a list, nothing is entered.
func (t *tree) leftOutAbove(name string, environments []string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if v := t.judge(dir, true); v == leftOut || v == silent && slices.Contains(environments, dir) {
			return true
		}
	}
	return false
}

// addZipped takes in one file of a zip under a name, or what the symbolic link f leads to.
func (t *tree) addZipped(files map[string]*zip.File, name string, f *zip.File, v verdict, links int, otherNames ...string) {
	mode := f.Mode()
	if mode.IsRegular() {
		t.add(entry{
			name: name, size: int64(f.UncompressedSize64), executable: mode&0o111 != 0,
			open: func() (io.ReadCloser, error) { return f.Open() },
		}, v, otherNames...)
		return
	}
	if mode&fs.ModeSymlink == 0 {
		return
	}
	link, err := readLink(f)
	target := path.Join(path.Dir(path.Clean(f.Name)), link)
	switch {
	case err != nil:
		t.problem("%s: %w", name, err)
		return
	case path.IsAbs(link) || !fs.ValidPath(target):
		t.problem("%s: the symbolic link leaves the source (to %s); put what is meant into the zip, or leave the link out with Exclude %q",
			name, link, "/"+name)
		return
	case links == 0:
		t.problem("%s: the symbolic link leads in a circle; remove it or leave it out with Exclude %q", name, "/"+name)
		return
	}
	if to := files[target]; to != nil {
		t.addZipped(files, name, to, v, links-1, append(otherNames, target)...)
		return
	}
	found := false
	for _, other := range slices.Sorted(maps.Keys(files)) {
		if rest, below := strings.CutPrefix(other, target+"/"); below {
			found = true
			if t.judge(path.Join(name, rest), false) != leftOut {
				t.addZipped(files, path.Join(name, rest), files[other], v, links-1, append(otherNames, other)...)
			}
		}
	}
	if !found {
		t.problem("%s: the symbolic link leads nowhere; remove it or leave it out with Exclude %q", name, "/"+name)
	}
}

func readLink(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	link, err := io.ReadAll(io.LimitReader(r, 4096))
	return string(link), err
}
