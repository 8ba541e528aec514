package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "example.com/beanpole-cdk"

// goPackage is what `go list` knows of a package.
type goPackage struct {
	ImportPath, Name string
	Imports, Deps    []string
}

// goList lists the packages of the repository. What npm has installed brings Go files of its own.
func goList(t *testing.T, arguments ...string) []goPackage {
	t.Helper()
	everything := []string{".", "./stacks/...", "./constructs/...", "./cmd/...", "./internal/...", "./test/..."}
	command := exec.Command("go", slices.Concat([]string{"list", "-json=ImportPath,Name,Imports,Deps"}, arguments, everything)...)
	command.Dir = ".."
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// directory is where a package of ours is, "" for one of somebody else's.
func directory(importPath string) string {
	importPath, _, _ = strings.Cut(importPath, " ") // a variant for tests has more behind it
	if importPath == module {
		return "."
	}
	inside, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return inside
}

// rooms are the rooms of the house and what may be imported there, beside the leaves and what is in the same room.
var rooms = map[string][]string{
	".":                                  {"stacks"},
	"stacks":                             {"constructs/django", "constructs/elasticbeanstalk", "overlay", "option", "health", "bundle"},
	"constructs/django":                  {"constructs/elasticbeanstalk", "overlay", "option", "health", "bundle"},
	"constructs/django/overlay":          {"health", "bundle"},
	"constructs/elasticbeanstalk":        {"option", "health", "bundle"},
	"constructs/elasticbeanstalk/option": {"health"},
	"constructs/elasticbeanstalk/health": {},
	"constructs/elasticbeanstalk/bundle": {},
	"cmd":                                {"internal/templatediff", "internal/rehearsal", "internal/localaws", "internal/status", "internal/explain", "overlay", "option", "health", "bundle"},
	"internal/explain":                   {"overlay", "option", "health", "bundle"},
	"internal/status":                    {"internal/account", "overlay", "option", "health"},
	"internal/templatediff":              {"internal/account", "overlay", "option", "health", "bundle"},
	"internal/rehearsal":                 {"internal/account", "overlay", "option", "health", "bundle"},
	"internal/localaws":                  {"overlay", "option", "health", "bundle"},
	"internal/account":                   {},
	"internal/template":                  nil,
	"internal/suggest":                   nil,
	"test":                               {},
	"test/smoke":                         {"internal/account", "internal/localaws"},
}

// room is the room that a directory is in.
func room(directory string) string {
	for at := directory; at != "."; at = path.Dir(at) {
		if _, ok := rooms[at]; ok {
			return at
		}
	}
	return "."
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t) {
		from := room(directory(p.ImportPath))
		if from == "." && directory(p.ImportPath) != "." {
			t.Errorf("%s is in no room of the house", p.ImportPath)
		}
		for _, imported := range p.Imports {
			at := directory(imported)
			if at == "" {
				continue
			}
			to := room(at)
			leaf := rooms[to] == nil && rooms[from] != nil
			if to != from && !leaf && !slices.Contains(rooms[from], to) && !(strings.HasPrefix(to, "constructs/") && slices.Contains(rooms[from], path.Base(to))) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
			if path.Base(at) == "templatetest" {
				t.Errorf("%s, which is no test, imports %s", p.ImportPath, imported)
			}
		}
		for _, name := range []string{"util", "utils", "common", "helper", "helpers", "misc"} {
			if p.Name == name {
				t.Errorf("%s: a package called %s says nothing", p.ImportPath, name)
			}
		}
	}
}

// The pure packages, the tools and the tests of both know no CDK: they start without Node.js and take milliseconds.
func TestThePurePackagesImportNoCDK(t *testing.T) {
	t.Parallel()
	withCDK := map[string]bool{".": true, "stacks": true, "constructs/elasticbeanstalk": true, "constructs/django": true}
	for _, p := range goList(t, "-test") {
		// A test's program is listed as its package with ".test" behind it, tests from outside with "_test".
		if withCDK[strings.TrimSuffix(strings.TrimSuffix(directory(p.ImportPath), ".test"), "_test")] || directory(p.ImportPath) == "" {
			continue
		}
		for _, dependency := range p.Deps {
			for _, cdk := range []string{"github.com/aws/aws-cdk-go/", "github.com/aws/constructs-go/", "github.com/aws/jsii-runtime-go"} {
				if strings.HasPrefix(dependency, cdk) {
					t.Errorf("%s depends on %s", p.ImportPath, dependency)
				}
			}
		}
	}
}

func TestTheModuleIsOneThatOthersCanImport(t *testing.T) {
	t.Parallel()
	for at, replaced := range map[string]string{"..": "", "../examples/importer": "../.."} {
		command := exec.Command("go", "mod", "edit", "-json")
		command.Dir = at
		output, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		var mod struct {
			Replace []struct{ Old, New struct{ Path string } }
			Tool    []any
			Exclude []any
		}
		if err := json.Unmarshal(output, &mod); err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Replace {
			if r.Old.Path != module || r.New.Path != replaced {
				t.Errorf("%s/go.mod replaces %s by %s", at, r.Old.Path, r.New.Path)
			}
		}
		if len(mod.Tool)+len(mod.Exclude) > 0 {
			t.Errorf("%s/go.mod has tool or exclude directives", at)
		}
	}
}

// go.mod says of each module whether it is imported here, as `go mod tidy` would.
func TestGoModIsTidy(t *testing.T) {
	t.Parallel()
	command := exec.Command("go", "mod", "edit", "-json")
	command.Dir = ".."
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(output, &mod); err != nil {
		t.Fatal(err)
	}
	imported := map[string]bool{}
	for _, p := range goList(t, "-test") {
		if directory(p.ImportPath) == "" {
			continue
		}
		for _, path := range p.Imports {
			longest := ""
			for _, r := range mod.Require {
				if (path == r.Path || strings.HasPrefix(path, r.Path+"/")) && len(r.Path) > len(longest) {
					longest = r.Path
				}
			}
			imported[longest] = true
		}
	}
	for _, r := range mod.Require {
		if r.Indirect == imported[r.Path] {
			t.Errorf("%s is imported: %v, but go.mod has it as indirect: %v", r.Path, imported[r.Path], r.Indirect)
		}
	}
}

// scripts/app.sh looks itself whether the app is to be built again: it has to look at everything that the app is made of.
func TestTheAppIsBuiltAgainWhenASourceChanges(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../scripts/app.sh")
	if err != nil {
		t.Fatal(err)
	}
	watched := strings.Fields(string(script))
	for _, p := range goList(t) {
		if p.ImportPath != module {
			continue
		}
		for _, dependency := range p.Deps {
			at := directory(dependency)
			for up := at; at != "" && !slices.Contains(watched, up); up = path.Dir(up) {
				if up == "." {
					t.Errorf("scripts/app.sh does not look at %s", at)
					break
				}
			}
		}
	}
}

// What the README tells a project to write about the health check is what the example has.
func TestTheREADMEHasTheExamplesExemption(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, name := range []string{"../README.md", "../examples/mysite/mysite/settings.py"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "SECURE_REDIRECT_EXEMPT = ") {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) != 2 || lines[0] != lines[1] {
		t.Errorf("README.md and settings.py say\n%s", strings.Join(lines, ""))
	}
}

// What the README shows of the second example is what the example has.
func TestTheREADMEHasTheImportersCode(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("../examples/importer/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := bytes.Cut(readme, []byte("This is the part that joins them:\n\n```go\n"))
	code, _, closed := bytes.Cut(code, []byte("\n```\n"))
	if !found || !closed || !bytes.Contains(program, code) {
		t.Errorf("examples/importer/main.go does not have what the README shows of it:\n%s", code)
	}
}

// What differs between systems is in these two packages; the whole command line, most of whose compilation is the SDK's, is for
// the full run.
func TestTheCommandLineBuildsForMacOS(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the standard library once more")
	}
	packages := []string{"./internal/rehearsal", "./internal/localaws"}
	if os.Getenv("BEANPOLE_TEST_FULL") != "" {
		packages = []string{"./cmd/beanpole"}
	}
	command := exec.Command("go", append([]string{"build", "-o", os.DevNull}, packages...)...)
	command.Dir = ".."
	command.Env = append(os.Environ(), "GOOS=darwin", "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
