package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// defaultAssembly is the directory that cdk synth writes.
const defaultAssembly = "cdk.out"

// The files that an app is made of, and those of a Django project that decide how it runs. What is not among them, such as
// a database, a log or a compiled module, changes without a reason to synthesise.
var (
	appFiles     = []string{".go", ".py", ".ts", ".js", ".java", ".cs"}
	projectFiles = []string{".py", ".html", ".txt", ".toml", ".config", ".yml", ".yaml", ".sh", ".conf"}
)

// stale says that the app beside the default cloud assembly has changed since it was synthesised, "" if it has not or
// if another assembly is meant. It looks at times only: at cdk.json, cdk.context.json, the sources next to them and the
// Django project that cdk.json names.
func stale(dir, otherwise string) string {
	if filepath.Clean(dir) != defaultAssembly {
		return ""
	}
	config, err := os.ReadFile("cdk.json")
	manifest, missing := os.Stat(filepath.Join(dir, "manifest.json"))
	if err != nil || missing != nil {
		return "" // not of the app here, or nothing to read: that is told elsewhere
	}
	newer := newest(manifest.ModTime(), config)
	if newer == "" {
		return ""
	}
	return fmt.Sprintf("%s is older than %s: npx cdk synth -q first%s", defaultAssembly, newer, otherwise)
}

// newest returns a file of the app that was written after a time, "" if there is none.
func newest(synthesised time.Time, config []byte) string {
	after := func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Mode().IsRegular() && info.ModTime().After(synthesised)
	}
	files := []string{"cdk.json", "cdk.context.json"}
	here, err := os.ReadDir(".")
	if err != nil {
		return ""
	}
	for _, entry := range here {
		name := entry.Name()
		if slices.Contains(appFiles, filepath.Ext(name)) && !strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
	}
	for _, file := range files {
		if after(file) {
			return file
		}
	}
	var app struct {
		Context struct {
			Beanpole struct{ Source string }
		}
	}
	if json.Unmarshal(config, &app) != nil || app.Context.Beanpole.Source == "" {
		return ""
	}
	found := ""
	source := app.Context.Beanpole.Source
	filepath.WalkDir(source, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read is no news
		}
		switch name := entry.Name(); {
		case entry.IsDir() && file != source && (strings.HasPrefix(name, ".") && name != ".ebextensions" && name != ".platform" || name == "node_modules" || name == "venv" || name == defaultAssembly):
			return fs.SkipDir
		case !entry.IsDir() && (slices.Contains(projectFiles, filepath.Ext(name)) || name == "Procfile") && after(file):
			found = file
			return fs.SkipAll
		}
		return nil
	})
	return found
}
