package templatediff

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// code says that a property names an asset: code or files that the CDK uploads under the hash of their content.
func code(p *pair, r *resourceChange, property string) bool {
	key := assetKey(p.head.scope.value(r.head.Properties[property]))
	return key != "" && (p.head.stack.assets[key].path != "" || assetPath(p.head.body(r.Resource)) != "" || hashed(key))
}

// hashed says that an S3 key is the hash of an asset's content.
func hashed(key string) bool {
	name, _, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], ".")
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}

// assetKey is the S3 key in a property that says where code is, "" if there is none.
func assetKey(v any) string {
	m, _ := v.(map[string]any)
	for _, name := range []string{"S3Key", "Key"} {
		if key, ok := m[name].(string); ok {
			return key
		}
	}
	return ""
}

// bundle compares the source bundles of an application version.
func (c *comparison) bundle(p *pair, r *resourceChange) *Version {
	v := &Version{Added: []string{}, Changed: []string{}, Removed: []string{}}
	if r.base == nil || r.head == nil {
		return v
	}
	v.compare(find(p.base, r.base.Properties["SourceBundle"]), find(p.head, r.head.Properties["SourceBundle"]))
	return v
}

// files says which files of a resource's code change, "" if that is not known.
func (c *comparison) files(p *pair, r *resourceChange) string {
	var v Version
	for _, name := range sorted(r.properties) {
		v.compare(find(p.base, r.base.Properties[name]), find(p.head, r.head.Properties[name]))
	}
	if !v.Known {
		return ""
	}
	return v.count()
}

func find(s *side, property any) string {
	if s.stack == nil {
		return ""
	}
	key := assetKey(s.scope.value(property))
	if key == "" {
		return ""
	}
	hash, _, _ := strings.Cut(key, ".")
	return cmp.Or(s.stack.assets[key].path, s.stack.assets[hash].path)
}

func (v *Version) compare(base, head string) {
	if base == "" || head == "" {
		return
	}
	before, err := contents(base)
	if err != nil {
		return
	}
	after, err := contents(head)
	if err != nil {
		return
	}
	v.Known = true
	for name, sum := range after {
		switch old, ok := before[name]; {
		case !ok:
			v.Added = append(v.Added, name)
		case old != sum:
			v.Changed = append(v.Changed, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			v.Removed = append(v.Removed, name)
		}
	}
	slices.Sort(v.Added)
	slices.Sort(v.Changed)
	slices.Sort(v.Removed)
}

// fingerprint tells contents apart. A zip's directory holds it, so that nothing is unpacked.
type fingerprint struct {
	size uint64
	sum  uint32
}

func contents(asset string) (map[string]fingerprint, error) {
	info, err := os.Stat(asset)
	if err != nil {
		return nil, err
	}
	files := map[string]fingerprint{}
	if info.IsDir() {
		return files, filepath.WalkDir(asset, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(asset, file)
			files[filepath.ToSlash(name)] = fingerprint{uint64(len(data)), crc32.ChecksumIEEE(data)}
			return err
		})
	}
	archive, err := zip.OpenReader(asset)
	if errors.Is(err, zip.ErrFormat) {
		data, err := os.ReadFile(asset)
		files["the file itself"] = fingerprint{uint64(len(data)), crc32.ChecksumIEEE(data)}
		return files, err
	}
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			files[f.Name] = fingerprint{f.UncompressedSize64, f.CRC32}
		}
	}
	return files, nil
}

// maxConfig bounds the size of a file in .ebextensions that is read.
const maxConfig = 1 << 20

// extensions reads the .config files in a bundle's .ebextensions.
func extensions(bundle string) (map[string][]byte, error) {
	const dir = ".ebextensions"
	files := map[string][]byte{}
	info, err := os.Stat(bundle)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		entries, err := os.ReadDir(filepath.Join(bundle, dir))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if path.Ext(e.Name()) == ".config" {
				if files[dir+"/"+e.Name()], err = os.ReadFile(filepath.Join(bundle, dir, e.Name())); err != nil {
					return nil, err
				}
			}
		}
		return files, nil
	}
	archive, err := zip.OpenReader(bundle)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	for _, f := range archive.File {
		if name, ok := strings.CutPrefix(f.Name, dir+"/"); !ok || strings.Contains(name, "/") || path.Ext(name) != ".config" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		files[f.Name], err = io.ReadAll(io.LimitReader(r, maxConfig))
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// count says how many files change, and which if they are few.
func (v *Version) count() string {
	total := len(v.Added) + len(v.Changed) + len(v.Removed)
	if total == 0 {
		return "no file differs"
	}
	names := slices.Concat(v.Changed, v.Added, v.Removed)
	if total <= 3 {
		return "changed: " + strings.Join(names, ", ")
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{len(v.Changed), "changed"}, {len(v.Added), "added"}, {len(v.Removed), "removed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return "files: " + strings.Join(parts, ", ")
}
