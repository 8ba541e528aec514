package rehearsal

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpack lays the bundle, a zip or a directory, into an empty directory and says how many files there were.
func unpack(bundle, to string) (int, error) {
	info, err := os.Stat(bundle)
	if err != nil {
		return 0, fmt.Errorf("bundle: %w", err)
	}
	if info.IsDir() {
		return copyTree(os.DirFS(bundle), to)
	}
	archive, err := zip.OpenReader(bundle)
	if err != nil {
		return 0, fmt.Errorf("bundle %s: not a directory and not a zip file: %w", bundle, err)
	}
	defer archive.Close()
	return unzip(&archive.Reader, to)
}

func unzip(archive *zip.Reader, to string) (files int, err error) {
	for _, f := range archive.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		if !filepath.IsLocal(strings.TrimSuffix(name, "/")) {
			return files, fmt.Errorf("bundle: %q would be unpacked outside of the app's directory", f.Name)
		}
		target := filepath.Join(to, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(target, 0o755); err != nil {
				return files, err
			}
			continue
		}
		content, err := f.Open()
		if err != nil {
			return files, fmt.Errorf("bundle: %s: %w", f.Name, err)
		}
		if f.Mode()&fs.ModeSymlink != 0 {
			err = writeLink(to, name, content)
		} else {
			err = write(target, content, f.Mode())
		}
		if err := errors.Join(err, content.Close()); err != nil {
			return files, fmt.Errorf("bundle: %s: %w", f.Name, err)
		}
		files++
	}
	return files, nil
}

// writeLink makes a symbolic link of the bundle, which unzip on an instance does too, as long as it stays inside.
func writeLink(to, name string, content io.Reader) error {
	target, err := io.ReadAll(io.LimitReader(content, 4<<10))
	if err != nil {
		return err
	}
	if !filepath.IsLocal(path.Join(path.Dir(name), string(target))) || path.IsAbs(string(target)) {
		return fmt.Errorf("a link to %q, which is outside of the bundle", target)
	}
	file := filepath.Join(to, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.Symlink(filepath.FromSlash(string(target)), file))
}

// copyTree leaves out what no bundle should carry and what would only cost time.
func copyTree(from fs.FS, to string) (files int, err error) {
	err = fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "__pycache__"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, filepath.FromSlash(name)), 0o755)
		}
		info, err := fs.Stat(from, name) // follows links
		if err != nil || !info.Mode().IsRegular() {
			return nil // a dangling link, a socket: not part of a bundle
		}
		content, err := from.Open(name)
		if err != nil {
			return err
		}
		defer content.Close()
		files++
		return write(filepath.Join(to, filepath.FromSlash(name)), content, info.Mode())
	})
	return files, err
}

func write(file string, content io.Reader, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
