package rehearsal

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func zipped(t *testing.T, entries ...zip.FileHeader) *zip.Reader {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		content := e.Comment // stands for it
		e.Comment = ""
		f, err := w.CreateHeader(&e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func entry(name, content string, mode fs.FileMode) zip.FileHeader {
	h := zip.FileHeader{Name: name, Comment: content}
	h.SetMode(mode)
	return h
}

func TestUnzip(t *testing.T) {
	dir := t.TempDir()
	files, err := unzip(zipped(t, entry("Procfile", "web: x", 0o600), entry("bin/run.sh", "#!/bin/sh", 0o700),
		entry("static/", "", fs.ModeDir|0o755), entry("current.sh", "bin/run.sh", fs.ModeSymlink|0o777)), dir)
	if err != nil || files != 4-1 {
		t.Errorf("%d files, %v", files, err)
	}
	for name, want := range map[string]fs.FileMode{"Procfile": 0o644, "bin/run.sh": 0o755, "current.sh": 0o755} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info, err, want)
		}
	}
	for name, archive := range map[string]*zip.Reader{
		"above":         zipped(t, entry("../evil", "x", 0o644)),
		"absolute":      zipped(t, entry("/etc/evil", "x", 0o644)),
		"backslash":     zipped(t, entry(`..\evil`, "x", 0o644)),
		"link outside":  zipped(t, entry("etc", "/etc", fs.ModeSymlink|0o777)),
		"link above":    zipped(t, entry("a/b", "../../evil", fs.ModeSymlink|0o777)),
		"through links": zipped(t, entry("a", "..", fs.ModeSymlink|0o777), entry("a/evil", "x", 0o644)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "deep", "app")
			if _, err := unzip(archive, dir); err == nil || !strings.Contains(err.Error(), "bundle") {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}
