// Package bundle makes the source bundle that Elastic Beanstalk deploys: it says what goes in, what is wrong with it, and
// writes a zip whose bytes depend on the content alone.
//
// What a [Source] leaves out by itself: version control (.git, .hg, .svn, .bzr), caches of Python and its tools
// (__pycache__, *.pyc, .tox, .pytest_cache, …), virtual environments (any directory with a pyvenv.cfg or conda-meta),
// node_modules, what deployment tools leave behind (cdk.out, .beanpole, .elasticbeanstalk, …), editors' files, empty
// directories, sockets and devices; of a directory also what its .ebignore names or, without one, its .gitignore files.
// What it refuses: files that by their name hold secrets or data (.env, private keys, SQLite databases, …), and symbolic
// links that leave the source. A symbolic link that stays inside becomes what it leads to.
//
// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html
package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// MaxSize is the largest source bundle, in bytes of the zip, that Elastic Beanstalk takes.
//
// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html
const MaxSize = 500 << 20

var maxSize int64 = MaxSize // tests use a smaller one

// File is a file that is laid over a source.
type File struct {
	// Name is relative to the top of the bundle, with slashes.
	Name string
	// Mode counts only for its executable bits: any of them makes the file 0755, none 0644.
	Mode fs.FileMode
	// Content is what the file holds.
	Content []byte
	// New says that the source must not have a file of this name, unless with the same content. Otherwise the file of the
	// source is replaced.
	New bool
}

// Source is what a bundle is made from.
type Source struct {
	// Path is a directory or a .zip file.
	Path string
	// Exclude are patterns, as in .gitignore, of what to leave out besides what is always left out. A pattern that begins
	// with "!" brings something back, or lets a file travel that is refused by its name. They have the last word over
	// ignore files and defaults.
	Exclude []string
	// Overlay are files that are laid over the source; they win over files of the same name, and Exclude does not touch them.
	Overlay []File
}

// Validate returns everything that is wrong with the source, or nil. Files are listed, and read only where a name alone
// does not tell.
func (s Source) Validate() error {
	_, err := s.validate(true)
	return err
}

// validate returns the files of the bundle, by name.
func (s Source) validate(size bool) (*tree, error) {
	t, err := s.read()
	if err != nil {
		return nil, errors.Join(append([]error{err}, s.overlayProblems(nil)...)...)
	}
	if len(t.entries) == 0 {
		t.problem("Path: %q holds no file to deploy", s.Path)
	}
	problems := append(summarise(t.problems), s.overlayProblems(t.entries)...)
	if len(problems) > 0 {
		t.close()
		return nil, errors.Join(problems...)
	}
	t.lay(s.Overlay)
	if !size {
		return t, nil
	}
	defer t.close()
	var total int64 // what the zip is at most: what does not compress grows a little
	for _, e := range t.entries {
		total += e.size + e.size/1000 + 2*int64(len(e.name)) + 200
	}
	if total <= maxSize {
		return t, nil
	}
	return t, t.writeZip(io.Discard)
}

// lay lays files over the entries.
func (t *tree) lay(overlay []File) {
	names := map[string]bool{}
	for _, o := range overlay {
		names[o.Name] = true
	}
	t.entries = slices.DeleteFunc(t.entries, func(e entry) bool { return names[e.name] })
	for _, o := range overlay {
		t.entries = append(t.entries, entry{
			name: o.Name, size: int64(len(o.Content)), executable: o.Mode&0o111 != 0,
			open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(o.Content)), nil },
		})
	}
	slices.SortFunc(t.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
}

// overlayProblems returns what is wrong with the overlay on these entries.
func (s Source) overlayProblems(entries []entry) []error {
	var problems []error
	seen := map[string]bool{}
	for _, o := range s.Overlay {
		if !fs.ValidPath(o.Name) || o.Name == "." || strings.Contains(o.Name, `\`) {
			problems = append(problems, fmt.Errorf("Overlay: %q is not a name inside the bundle; write it relative and with slashes", o.Name))
			continue
		}
		if seen[o.Name] {
			problems = append(problems, fmt.Errorf("Overlay: %s is given twice", o.Name))
		}
		seen[o.Name] = true
	}
	for _, o := range s.Overlay {
		if !seen[o.Name] {
			continue
		}
		for dir := path.Dir(o.Name); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				problems = append(problems, fmt.Errorf("Overlay: %s lies below %s, which is a file", o.Name, dir))
			}
		}
		for _, e := range entries {
			if o.New && e.name == o.Name && !e.holds(o.Content) {
				problems = append(problems, fmt.Errorf("Overlay: the source has a file %s, which is the name of a generated one; "+
					"rename it, or leave it out with Exclude %q", o.Name, "/"+o.Name))
			}
			if strings.HasPrefix(o.Name, e.name+"/") {
				problems = append(problems, fmt.Errorf("Overlay: %s lies below %s, which is a file of the source", o.Name, e.name))
			} else if strings.HasPrefix(e.name, o.Name+"/") {
				problems = append(problems, fmt.Errorf("Overlay: %s is a directory of the source", o.Name))
				break
			}
		}
	}
	return problems
}

func (e entry) holds(content []byte) bool {
	if e.size != int64(len(content)) {
		return false
	}
	own, err := e.read()
	return err == nil && bytes.Equal(own, content)
}

// maxProblems is how many problems of one source are told one by one.
const maxProblems = 20

func summarise(problems []error) []error {
	if len(problems) <= maxProblems {
		return problems
	}
	more := fmt.Errorf("and %d more like these", len(problems)-maxProblems)
	return append(problems[:maxProblems:maxProblems], more)
}

// ReadFile returns a file of the source as it would travel, without the overlay. A file that is not there, or is left out,
// is [fs.ErrNotExist].
func (s Source) ReadFile(name string) ([]byte, error) {
	s.Overlay = nil
	r, err := s.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.ReadFile(name)
}

// Reader reads the files of a bundle, the overlay included, one by one. It looks at the source once.
type Reader struct{ tree *tree }

// Open lists the source, for reading. What a deployment would refuse in it does not count.
func (s Source) Open() (*Reader, error) {
	t, err := s.read()
	if err != nil {
		return nil, err
	}
	if len(s.Overlay) > 0 {
		t.lay(s.Overlay)
	}
	return &Reader{t}, nil
}

// Close ends reading.
func (r *Reader) Close() { r.tree.close() }

func (r *Reader) find(name string) (entry, bool) {
	i, found := slices.BinarySearchFunc(r.tree.entries, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !found {
		return entry{}, false
	}
	return r.tree.entries[i], true
}

// ReadFile returns a file as it would travel. A file that is not there, or is left out, is [fs.ErrNotExist].
func (r *Reader) ReadFile(name string) ([]byte, error) {
	e, found := r.find(name)
	if !found {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return e.read()
}

// Names returns the names of all files, sorted.
func (r *Reader) Names() []string {
	names := make([]string, len(r.tree.entries))
	for i, e := range r.tree.entries {
		names[i] = e.name
	}
	return names
}

// WriteZip validates the source and writes the bundle. The same content gives the same bytes (with the same version of
// Go), from a directory or a zip, wherever it lies, whatever the times and the umask: files are sorted, their time is fixed,
// their mode is 0755 (an executable bit in the source, a script that begins with #!, a platform hook) or 0644, and hooks
// that are scripts get line feeds for line ends. Files are streamed, one after the other.
//
// After an error what was written is of no use.
func (s Source) WriteZip(w io.Writer) error {
	t, err := s.validate(false)
	if err != nil {
		return err
	}
	defer t.close()
	return t.writeZip(w)
}

// Hash validates the source and returns the SHA-256, in hexadecimal, over names, modes and contents of the bundle. It is
// the same for the same bundle with every version of Go, unlike the bytes of the zip.
func (s Source) Hash() (string, error) {
	t, err := s.validate(false)
	if err != nil {
		return "", err
	}
	defer t.close()
	all, one := sha256.New(), sha256.New()
	err = t.each(func(name string, mode fs.FileMode, copyTo func(io.Writer) error) error {
		one.Reset()
		if err := copyTo(one); err != nil {
			return err
		}
		fmt.Fprintf(all, "%s\x00%o\x00%x\x00", name, mode, one.Sum(nil))
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// zipTime is the time of every file: the first that a zip can hold.
var zipTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (t *tree) writeZip(w io.Writer) error {
	z := zip.NewWriter(&limitedWriter{w: w, left: maxSize})
	err := t.each(func(name string, mode fs.FileMode, copyTo func(io.Writer) error) error {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: zipTime}
		header.SetMode(mode)
		file, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		return copyTo(file)
	})
	if err != nil {
		return err
	}
	return z.Close()
}

// maxHook is the size up to which a hook's line ends are looked at.
const maxHook = 1 << 20

// each gives every file, as it travels, to do.
func (t *tree) each(do func(name string, mode fs.FileMode, copyTo func(io.Writer) error) error) error {
	buffer := make([]byte, 64<<10)
	one := func(e entry) error {
		r, err := e.open()
		if err != nil {
			return err
		}
		defer r.Close()
		n, err := io.ReadAtLeast(r, buffer, 2)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		start := buffer[:n]
		script := bytes.HasPrefix(start, []byte("#!"))
		mode := fs.FileMode(0o644)
		if e.executable || script || isHook(e.name) {
			mode = 0o755
		}
		return do(e.name, mode, func(w io.Writer) error {
			if script && isHook(e.name) && e.size <= maxHook {
				rest, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				_, err = w.Write(bytes.ReplaceAll(slices.Concat(start, rest), []byte("\r\n"), []byte("\n")))
				return err
			}
			if _, err := w.Write(start); err != nil {
				return err
			}
			// Without the file's own way of copying, which takes a buffer for each file.
			_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buffer)
			return err
		})
	}
	for _, e := range t.entries {
		if err := one(e); errors.Is(err, errTooLarge) {
			return errTooLarge
		} else if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

var errTooLarge = fmt.Errorf("Path: the bundle is larger than %d MiB, the most that Elastic Beanstalk takes; "+
	"leave out with Exclude what the application does not need", MaxSize>>20)

type limitedWriter struct {
	w    io.Writer
	left int64
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errTooLarge
	}
	return l.w.Write(p)
}
