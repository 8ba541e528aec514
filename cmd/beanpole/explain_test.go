package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	web := func(interval string) string {
		return `{"Resources": {"Web": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"OptionSettings": [
			{"Namespace": "aws:elasticbeanstalk:environment:process:default", "OptionName": "HealthCheckPath", "Value": "/up/"},
			{"Namespace": "aws:elasticbeanstalk:environment:process:default", "OptionName": "HealthCheckInterval", "Value": "` + interval + `"}]}}}}`
	}
	good, bad := write("good.json", web("20")), write("bad.json", web("2"))
	write("app/Procfile", "web: gunicorn --bind :5000 app.wsgi\n")
	app := filepath.Join(dir, "app")
	for _, tt := range []struct {
		name    string
		args    []string
		code    int
		stdout  string
		message string
	}{
		{"a template and a bundle", []string{"--template", good, "--bundle", app}, 0, "GET /up/ to port 80 of each instance every 20 s", ""},
		{"a bundle with a warning", []string{"--template", good, "--bundle", app}, 0, "[procfile-port]", ""},
		{"a warning is strict", []string{"--strict", "--template", good, "--bundle", app}, 1, "[procfile-port]", ""},
		{"a refused check", []string{"--template", bad, "--bundle", app}, 1, "", "the health check is refused"},
		{"no bundle", []string{"--template", good, "--bundle", filepath.Join(dir, "none")}, 2, "", "does not exist"},
		{"half of it", []string{"--template", good}, 2, "", "--bundle"},
		{"no assembly", []string{dir}, 2, "", "is no cloud assembly"},
		{"a project", []string{"--source", "../../examples/mysite"}, 0, "mysite.health.health", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, code, message := execute(t, "", append([]string{"explain"}, tt.args...)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(message, tt.message) {
				t.Errorf("exit %d (%s):\n%s\nwant exit %d (%s) and %q", code, message, stdout, tt.code, tt.message, tt.stdout)
			}
		})
	}
	stdout, _, _ := execute(t, "", "explain", "--json", "--template", good, "--bundle", app)
	var x struct {
		Layers []struct{ Name, Proved string }
		Drains string            `json:"drains_fleet"`
		Detect struct{ Low int } `json:"detect_seconds"`
	}
	if err := json.Unmarshal([]byte(stdout), &x); err != nil || len(x.Layers) != 6 || x.Drains != "not known" || x.Detect.Low != 80 {
		t.Errorf("%v: %+v of\n%s", err, x, stdout)
	}
}
