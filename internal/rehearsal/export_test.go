package rehearsal

import (
	"context"
	"fmt"
	"os"
	"testing"
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

// Rehearse, Full and LeaveOutForPython are what the tests of the package itself call.
var Rehearse, Full, LeaveOutForPython = rehearse, full, counted.leaveOutForPython

// MatrixRequirements are those of the matrix, with the packages by which projects read their environment.
const MatrixRequirements = "Django==5.2.19\n" + matrixRequirements
