package rehearsal

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Installed is the virtual environment that a rehearsal of a bundle with these requirements would use.
func Installed(t *testing.T, requirements, python string) string {
	t.Helper()
	requireServers(t)
	ctx, app := context.Background(), t.TempDir()
	if err := os.WriteFile(app+"/requirements.txt", []byte(requirements), 0o644); err != nil {
		t.Fatal(err)
	}
	opts, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	py, err := findPython(ctx, python)
	if err != nil {
		t.Fatal(err)
	}
	want, err := readRequirements(app)
	if err != nil {
		t.Fatal(err)
	}
	venv, err := virtualEnvironment(ctx, py, want, app, app, opts.CacheDir, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	return venv
}

// HasPython says whether this machine has this version of Python, or an earlier one.
func HasPython(t *testing.T, version string) bool {
	t.Helper()
	py, err := findPython(context.Background(), version)
	if err != nil {
		t.Fatal(err)
	}
	var minor, most int
	fmt.Sscanf(py.version, "3.%d.", &minor)
	fmt.Sscanf(version, "3.%d", &most)
	return minor <= most
}

// Rehearse, Full and LeaveOut are what the tests of the package itself call.
var Rehearse, Full, LeaveOut = rehearse, full, leaveOut

// Override is a setting as --set takes it: an option of the default process, or an environment property.
func Override(set string) option.Setting {
	name, value, _ := strings.Cut(set, "=")
	if _, known := option.Lookup(processNamespace, name); known {
		return option.Setting{Namespace: processNamespace, OptionName: name, Value: value}
	}
	return option.Setting{Namespace: propertiesNamespace, OptionName: name, Value: value}
}

// MatrixRequirements are those of the matrix, with the packages by which projects read their environment.
const MatrixRequirements = "Django==5.2.19\n" + matrixRequirements
