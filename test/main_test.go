package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if defaultAssembly.directory != "" {
		os.RemoveAll(defaultAssembly.directory)
	}
	os.Exit(code)
}

// lookAt makes `go test` run these tests again after any change of the checkout, or of what the set-up was made from. It
// remembers the result of a run for as long as the files that the test itself looked at are the same, and does not see
// those that the programs read which the tests run.
func lookAt(root string) error {
	skipped := []string{".git", ".beanpole", "node_modules", "cdk.out", "__pycache__"}
	for _, made := range []string{"node_modules", "tools/node/node_modules", ".beanpole/python", ".beanpole/mysite", ".beanpole/lint"} {
		os.Stat(filepath.Join(root, made, ".made-from"))
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains(skipped, entry.Name()) {
			return fs.SkipDir
		}
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
}
