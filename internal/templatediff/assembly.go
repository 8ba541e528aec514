package templatediff

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"example.com/beanpole-cdk/internal/template"
)

// An Assembly is the templates of one side of a comparison.
type Assembly struct {
	// Name says where the templates come from, as messages name it.
	Name string
	// Stacks are the templates, by ID.
	Stacks []*Stack
	// Warnings are what the reader should know before trusting the comparison.
	Warnings []string
	// single says that there is one template of which only the file's name is known.
	single bool
}

// A Stack is one template and what is known of its deployment.
type Stack struct {
	// ID is how the CDK names the stack on its command line ("Production/Web"), of a nested stack with the
	// resource's logical id after it; of a template file, the file's name.
	ID string
	// Name is CloudFormation's name of the stack.
	Name string
	// Document is the template.
	Document *template.Document

	assets map[string]asset // by the hash in the S3 key
	// artifact is the id in the assembly's manifest, needs are those of what it depends on.
	artifact string
	needs    []string
}

// asset is a file or directory that the CDK uploads.
type asset struct{ path string }

// Open reads a cloud assembly (the directory that cdk synth writes) or a single template.
func Open(path string) (*Assembly, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openFile(path)
	}
	a := &Assembly{Name: path}
	if err := a.read(path, ""); err != nil {
		return nil, err
	}
	if len(a.Stacks) == 0 {
		return nil, fmt.Errorf("%s: the cloud assembly has no stack", path)
	}
	return a, a.finish()
}

func openFile(path string) (*Assembly, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a, err := parseSingle(path, filepath.Base(path), data)
	if err != nil {
		return nil, err
	}
	// A template inside of an assembly has its assets beside it.
	a.Stacks[0].assets, _ = readAssets(filepath.Dir(path), a.Stacks[0].Name+".assets.json")
	return a, nil
}

// suffixes are those of templates' files.
var suffixes = []string{".json", ".yaml", ".yml", ".template"}

// parseSingle reads one template, of which only the file's name is known.
func parseSingle(path, name string, data []byte) (*Assembly, error) {
	document, err := template.Parse(path, data)
	if err != nil {
		return nil, err
	}
	for _, suffix := range suffixes {
		name = strings.TrimSuffix(name, suffix)
	}
	a := &Assembly{Name: path, single: true, Stacks: []*Stack{{ID: name, Name: name, Document: document}}}
	return a, a.finish()
}

func (a *Assembly) finish() error {
	slices.SortFunc(a.Stacks, func(x, y *Stack) int { return cmp.Compare(x.ID, y.ID) })
	for i, s := range a.Stacks {
		for _, p := range s.Document.Problems {
			a.Warnings = append(a.Warnings, fmt.Sprintf("%s, line %d: %s", s.Document.File, p.Line, p.Message))
		}
		if i > 0 && s.ID == a.Stacks[i-1].ID {
			return fmt.Errorf("%s: two stacks are called %s", a.Name, s.ID)
		}
	}
	return nil
}

// manifest is what of an assembly's manifest.json is read.
type manifest struct {
	Artifacts map[string]struct {
		Type         string
		DisplayName  string
		Dependencies []string
		Properties   struct {
			TemplateFile  string
			StackName     string
			File          string
			DirectoryName string
		}
	}
	Missing []struct{ Key string }
}

func (a *Assembly) read(dir, prefix string) error {
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) {
		hint := "run cdk synth and give the directory that it writes (cdk.out), or give a template file"
		if _, err := os.Stat(filepath.Join(dir, "cdk.out", "manifest.json")); err == nil {
			hint = "did you mean " + filepath.Join(dir, "cdk.out") + "?"
		}
		return fmt.Errorf("%s is no cloud assembly: it has no manifest.json; %s", dir, hint)
	}
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, "manifest.json"), err)
	}
	for _, missing := range m.Missing {
		a.Warnings = append(a.Warnings, fmt.Sprintf("%s: the look-up %s is missing in cdk.context.json: the templates hold stand-ins for what it finds", a.Name, missing.Key))
	}
	assets := map[string]asset{}
	for _, artifact := range m.Artifacts {
		if artifact.Type != "cdk:asset-manifest" {
			continue
		}
		more, err := readAssets(dir, artifact.Properties.File)
		if err != nil {
			return err
		}
		for hash, asset := range more {
			assets[hash] = asset
		}
	}
	var (
		errs   = make(chan error, len(m.Artifacts))
		stacks = make(chan []*Stack, len(m.Artifacts))
		wait   sync.WaitGroup
	)
	for id, artifact := range m.Artifacts {
		p := artifact.Properties
		switch artifact.Type {
		case "aws:cloudformation:stack":
			wait.Go(func() {
				s := &Stack{ID: cmp.Or(artifact.DisplayName, prefix+id), Name: cmp.Or(p.StackName, id), assets: assets, artifact: prefix + id}
				for _, need := range artifact.Dependencies {
					s.needs = append(s.needs, prefix+need)
				}
				all, err := s.read(dir, p.TemplateFile, 0)
				errs <- err
				stacks <- all
			})
		case "cdk:cloud-assembly":
			if err := a.read(filepath.Join(dir, p.DirectoryName), prefix+id+"/"); err != nil {
				errs <- err
			}
		}
	}
	wait.Wait()
	close(errs)
	close(stacks)
	for all := range stacks {
		a.Stacks = append(a.Stacks, all...)
	}
	var joined []error
	for err := range errs {
		joined = append(joined, err)
	}
	return errors.Join(joined...)
}

// maxNesting bounds the depth of nested stacks.
const maxNesting = 20

// read parses the stack's template, and those of the stacks nested in it.
func (s *Stack) read(dir, file string, depth int) ([]*Stack, error) {
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if s.Document, err = template.Parse(path, data); err != nil {
		return nil, err
	}
	all := []*Stack{s}
	resources, _ := s.Document.Root["Resources"].(map[string]any)
	for i := range s.Document.Resources {
		r := &s.Document.Resources[i]
		if r.Type != nestedStack || depth == maxNesting {
			continue
		}
		body, _ := resources[r.LogicalID].(map[string]any)
		nested := assetPath(body)
		if !strings.HasSuffix(nested, ".json") {
			continue
		}
		child := &Stack{ID: s.ID + "/" + r.LogicalID, Name: s.Name + "/" + r.LogicalID, assets: s.assets, artifact: s.artifact}
		more, err := child.read(dir, nested, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

const nestedStack = "AWS::CloudFormation::Stack"

// assetPath returns the file in the assembly that a resource's code or template comes from, "" if none is known.
func assetPath(resource map[string]any) string {
	metadata, _ := resource["Metadata"].(map[string]any)
	path, _ := metadata["aws:asset:path"].(string)
	return path
}

func readAssets(dir, file string) (map[string]asset, error) {
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	var m struct {
		Files map[string]struct {
			Source       struct{ Path string }
			Destinations map[string]struct{ ObjectKey string }
		}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, file), err)
	}
	assets := make(map[string]asset, len(m.Files))
	for hash, f := range m.Files {
		if f.Source.Path == "" {
			continue // made by a program when it is uploaded
		}
		found := asset{filepath.Join(dir, f.Source.Path)}
		assets[hash] = found
		for _, d := range f.Destinations {
			assets[d.ObjectKey] = found
		}
	}
	return assets, nil
}
