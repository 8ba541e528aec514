package rehearsal

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

const mysite = "../../examples/mysite"

// mysiteBundle is the zip that a deployment of examples/mysite would upload, but for what change does to its files.
func mysiteBundle(t *testing.T, config overlay.Config, change func([]bundle.File) []bundle.File) string {
	t.Helper()
	config.WSGIApplication = "mysite.wsgi"
	source, err := config.Lay(bundle.Source{Path: mysite})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		source.Overlay = change(source.Overlay)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "bundle.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := source.WriteZip(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

func TestMysite(t *testing.T) {
	for name, test := range map[string]struct {
		config   overlay.Config
		settings map[string]string
		change   func(*testing.T, []bundle.File) []bundle.File
		loopback bool
		want     string
		cause    string
	}{
		"HTTP":                  {settings: map[string]string{"SECURE_SSL_REDIRECT": "false"}, want: "verdict: healthy by 200"},
		"HTTPS":                 {settings: map[string]string{"SECURE_SSL_REDIRECT": "true"}, want: "verdict: healthy by 200"},
		"on loopback addresses": {settings: map[string]string{"SECURE_SSL_REDIRECT": "true"}, loopback: true, want: "verdict: healthy by 200"},
		"nginx rewrite": {
			config: overlay.Config{Strategy: overlay.NginxRewrite},
			settings: map[string]string{
				"SECURE_SSL_REDIRECT": "true", "ALLOWED_HOSTS": "www.example.com " + overlay.HealthCheckHost,
			},
			want: "verdict: healthy by 200",
		},
		"without the wrapper": {
			change: func(t *testing.T, files []bundle.File) []bundle.File {
				return replaceIn(t, files, overlay.ProcfileName, "bash "+overlay.WrapperName+" ", "")
			},
			want:  "verdict: unhealthy: 400: 10.0.1.23 is not in ALLOWED_HOSTS (which has: www.example.com)",
			cause: "allowed-hosts",
		},
		"without the redirect exemption": {
			settings: map[string]string{"SECURE_SSL_REDIRECT": "true"},
			change: func(t *testing.T, files []bundle.File) []bundle.File {
				settings, err := os.ReadFile(filepath.Join(mysite, "mysite", "settings.py"))
				if err != nil {
					t.Fatal(err)
				}
				without := regexp.MustCompile(`(?m)^SECURE_REDIRECT_EXEMPT.*$`).ReplaceAll(settings, nil)
				if len(without) == len(settings) {
					t.Fatal("the settings have no SECURE_REDIRECT_EXEMPT")
				}
				return append(files, bundle.File{Name: "mysite/settings.py", Mode: 0o644, Content: without})
			},
			want: "verdict: healthy by 301", cause: "https-redirect",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var change func([]bundle.File) []bundle.File
			if test.change != nil {
				change = func(files []bundle.File) []bundle.File { return test.change(t, files) }
			}
			options := Options{Isolation: Namespace}
			if test.loopback {
				options.Isolation = Loopback
			}
			v, out := rehearse(t, Input{Bundle: mysiteBundle(t, test.config, change), Settings: settings(test.settings)}, options)
			if v.String() != test.want {
				t.Errorf("got %q, want %q", v, test.want)
			}
			id := ""
			if len(v.Causes) > 0 {
				id = v.Causes[0].ID
			}
			if id != test.cause {
				t.Errorf("cause %q, want %q", id, test.cause)
			}
			if v.Redirected != strings.Contains(out, "no view ran") {
				t.Error("says whether a view ran in one place and not in another")
			}
		})
	}
}

// The health check's path is exempt from the redirect to HTTPS, so the check is green while every user meets a closed port.
func TestUsersAreNotRedirectedToAClosedPort(t *testing.T) {
	no, yes := false, true
	for name, test := range map[string]struct {
		https    *bool
		redirect string
		hosts    string
		config   overlay.Config
		want     string // where users are sent
	}{
		"no listener":                  {https: &no, redirect: "true", hosts: "www.example.com", want: "https://www.example.com/"},
		"no listener, any subdomain":   {https: &no, redirect: "true", hosts: ".example.com", want: "https://www.example.com/"},
		"no listener, rule of nginx":   {https: &no, redirect: "true", hosts: "www.example.com " + overlay.HealthCheckHost, config: overlay.Config{Strategy: overlay.NginxRewrite}, want: "https://www.example.com/"},
		"no listener and no redirect":  {https: &no, redirect: "false", hosts: "www.example.com"},
		"a listener":                   {https: &yes, redirect: "true", hosts: "www.example.com"},
		"a listener that may be there": {redirect: "true", hosts: "www.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			in := Input{
				Bundle: mysiteBundle(t, test.config, nil), HTTPS: test.https,
				Settings: settings(map[string]string{"SECURE_SSL_REDIRECT": test.redirect, "ALLOWED_HOSTS": test.hosts}),
			}
			v, out := rehearse(t, in, Options{Isolation: Namespace})
			if v.String() != "verdict: healthy by 200" || v.Redirected {
				t.Errorf("got %v", v)
			}
			switch {
			case test.want == "" && len(v.Causes) > 0:
				t.Errorf("causes %+v", v.Causes)
			case test.want != "" && (len(v.Causes) != 1 || v.Causes[0].ID != "https-without-listener" || !strings.HasSuffix(v.Causes[0].Detail, " "+test.want)):
				t.Errorf("causes %+v, want one that leads to %s", v.Causes, test.want)
			case strings.Contains(out, "the load balancer has no listener for it") != (test.want != ""):
				t.Errorf("printed:\n%s", out)
			}
		})
	}
}

func replaceIn(t *testing.T, files []bundle.File, name, from, to string) []bundle.File {
	t.Helper()
	changed := make([]bundle.File, len(files))
	done := false
	for i, f := range files {
		if f.Name == name && strings.Contains(string(f.Content), from) {
			f.Content, done = []byte(strings.Replace(string(f.Content), from, to, 1)), true
		}
		changed[i] = f
	}
	if !done {
		t.Fatalf("%s does not have %q", name, from)
	}
	return changed
}
