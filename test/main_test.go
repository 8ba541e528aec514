package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The tests of this package run programs, whose files `go test` does not see. It remembers the result of a run for as long
// as the files that the test itself looked at are the same: so the test looks at all of the checkout, and at what the
// set-up was made from.
func TestMain(m *testing.M) {
	skipped := []string{".git", ".beanpole", "node_modules", "cdk.out", "__pycache__"}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains(skipped, entry.Name()) {
			return fs.SkipDir
		}
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, made := range []string{"node_modules", "tools/node/node_modules", ".beanpole/python", ".beanpole/mysite"} {
		os.Stat(filepath.Join("..", made, ".made-from"))
	}
	code := m.Run()
	if defaultAssembly.directory != "" {
		os.RemoveAll(defaultAssembly.directory)
	}
	os.Exit(code)
}
