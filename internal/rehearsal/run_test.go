package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestMain(m *testing.M) {
	Inside() // the instance of a rehearsal is this program, started once more
	code := m.Run()
	conclude()
	os.Exit(code)
}

// Most rows need a network of their own, where code that asks 169.254.169.254 meets the emulated metadata service and no
// traffic leaves. They are counted, and so is what a machine cannot show, and why; nothing is skipped silently.
var counted counts

type counts struct{ inNamespace, withoutNamespace, withoutPython atomic.Int64 }

// withoutNamespace in the environment allows rows to be left out where a process may not have a network of its own.
const withoutNamespace = "BEANPOLE_TEST_WITHOUT_NAMESPACE"

// leaveOutForNamespace ends a row for which this machine would have to allow a network of its own.
func (c *counts) leaveOutForNamespace(t *testing.T, format string, args ...any) {
	t.Helper()
	c.withoutNamespace.Add(1)
	t.Skipf("left out: "+format, args...)
}

// leaveOutForPython ends a row for which this machine has no version of Python.
func (c *counts) leaveOutForPython(t *testing.T, format string, args ...any) {
	t.Helper()
	c.withoutPython.Add(1)
	t.Skipf("left out: "+format, args...)
}

// String says how many rows there were, "" if there were none.
func (c *counts) String() string {
	run, network, python := c.inNamespace.Load(), c.withoutNamespace.Load(), c.withoutPython.Load()
	if run+network+python == 0 {
		return ""
	}
	return fmt.Sprintf("rehearsals in a network of their own: %d run, %d left out because this machine allows none (%s); rows left out for want of a version of Python: %d\n",
		run, network, withoutNamespace, python)
}

// conclude says at the end how many rows there were. go test shows nothing of a package that passes, so a complete run also
// writes it where `make test` of this checkout finds it.
func conclude() {
	line := counted.String()
	fmt.Fprint(os.Stderr, line)
	if complete := flag.Lookup("test.run").Value.String() + flag.Lookup("test.skip").Value.String(); line == "" || complete != "" || testing.Short() {
		return
	}
	if err := os.WriteFile("../../.beanpole/test-namespaces", []byte(line), 0o644); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, err)
	}
}

func TestWhatIsLeftOutIsCountedByItsReason(t *testing.T) {
	var c counts
	if got := c.String(); got != "" {
		t.Errorf("got %q of no rows", got)
	}
	c.inNamespace.Add(4)
	t.Run("", func(t *testing.T) { c.leaveOutForPython(t, "this is no row: it shows the counters") })
	for range 2 {
		t.Run("", func(t *testing.T) { c.leaveOutForNamespace(t, "this is no row: it shows the counters") })
	}
	for _, want := range []string{"4 run", "2 left out because this machine allows none", "version of Python: 1\n"} {
		if got := c.String(); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// site is testdata/site with other files laid over it; an empty one is taken away.
func site(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := copyTree(os.DirFS("testdata/site"), dir); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if content == "" {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// settings are a site's, with properties of its environment; "namespace|name" sets another option.
func settings(more map[string]string) []option.Setting {
	all := []option.Setting{
		{Namespace: processNamespace, OptionName: "HealthCheckPath", Value: "/healthz/"},
		{Namespace: processNamespace, OptionName: "MatcherHTTPCode", Value: "200-301"},
		{Namespace: processNamespace, OptionName: "UnhealthyThresholdCount", Value: "2"}, // less to wait for
		{Namespace: pythonNamespace, OptionName: "WSGIPath", Value: "mysite.wsgi"},
		{Namespace: propertiesNamespace, OptionName: "ALLOWED_HOSTS", Value: "www.example.com"},
		{Namespace: secretsNamespace, OptionName: "SECRET_KEY", Value: "arn:aws:secretsmanager:us-east-1:123456789012:secret:key"},
	}
	for name, value := range more {
		namespace := propertiesNamespace
		if n, option, ok := strings.Cut(name, "|"); ok {
			namespace, name = n, option
		}
		all = append(all, option.Setting{Namespace: namespace, OptionName: name, Value: value})
	}
	return all
}

// rehearse runs one in a hurry and returns the verdict and all that was printed.
func rehearse(t *testing.T, in Input, opts Options) (Verdict, string) {
	t.Helper()
	requireServers(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var out bytes.Buffer
	opts.Out = &out
	if opts.Speed == 0 {
		opts.Speed = 1500
	}
	v, err := Run(ctx, in, opts)
	if opts.Isolation == Namespace {
		if err != nil && strings.Contains(err.Error(), "does not allow a user and network namespace") && os.Getenv(withoutNamespace) != "" {
			counted.leaveOutForNamespace(t, "%v (%s)", err, withoutNamespace)
		} else if err != nil && strings.Contains(err.Error(), "does not allow a user and network namespace") {
			t.Fatalf("not shown: %v; allow user namespaces, or leave such rows out with %s=1", err, withoutNamespace)
		}
		counted.inNamespace.Add(1)
	}
	t.Logf("%s%v", out.String(), v)
	if err != nil {
		t.Fatal(err)
	}
	return v, out.String()
}

func requireServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs nginx and gunicorn")
	}
	if _, err := findNginx(); err != nil {
		t.Fatal(err)
	}
}

func TestHealthy(t *testing.T) {
	for _, isolation := range []Isolation{Namespace, Loopback} {
		t.Run(string(isolation), func(t *testing.T) {
			in := Input{Bundle: site(t, nil), Settings: settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP})}
			v, _ := rehearse(t, in, Options{Isolation: isolation})
			if got := v.String(); got != "verdict: healthy by 200" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A configuration of nginx that replaces the platform's, as projects copy it from an instance.
const ownNginx = `user                    nginx;
error_log               /var/log/nginx/error.log warn;
pid                     /var/run/nginx.pid;
worker_processes        auto;
worker_rlimit_nofile    131072;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    log_format  main  '$remote_addr "$request" $status';
    include       conf.d/*.conf;

    map $http_upgrade $connection_upgrade {
        default     "upgrade";
    }

    server {
        listen        80 default_server;
        listen        [::]:80 default_server;
        access_log    /var/log/nginx/access.log main;
        location = /up {
            alias /var/app/current/static/up.txt;
        }
        include conf.d/elasticbeanstalk/*.conf;
    }
}
`

func TestOwnProxyConfiguration(t *testing.T) {
	for _, isolation := range []Isolation{Namespace, Loopback} {
		in := Input{
			Bundle:   site(t, map[string]string{".platform/nginx/nginx.conf": ownNginx, "static/up.txt": "ok"}),
			Settings: settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP}),
		}
		if v, _ := rehearse(t, in, Options{Isolation: isolation}); v.String() != "verdict: healthy by 200" {
			t.Errorf("%s: got %q", isolation, v)
		}
		in.Settings = settings(map[string]string{processNamespace + "|HealthCheckPath": "/up"})
		if v, out := rehearse(t, in, Options{Isolation: isolation}); v.String() != "verdict: healthy by 200" || !strings.Contains(out, "nginx answered the check itself") {
			t.Errorf("%s, by nginx: got %q", isolation, v)
		}
	}
}

// A process of its own port, which the bundle's nginx opens: what it logs to is the system's where it says nothing.
func TestAnotherProcess(t *testing.T) {
	server := "server {\n  listen 8001;\n  location / {\n    proxy_pass http://127.0.0.1:8000;\n    proxy_set_header Host $host;\n  }\n}\n"
	for _, isolation := range []Isolation{Namespace, Loopback} {
		in := Input{
			Bundle: site(t, map[string]string{".platform/nginx/conf.d/feed.conf": server}),
			Settings: append(settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/nowhere/"}),
				option.Setting{Namespace: processNamespaces + "feed", OptionName: "Port", Value: "8001"},
				option.Setting{Namespace: processNamespaces + "feed", OptionName: "HealthCheckPath", Value: "/healthz/"}),
			Process: "feed",
		}
		if v, out := rehearse(t, in, Options{Isolation: isolation}); v.String() != "verdict: healthy by 200" || !strings.Contains(out, "the process default is not asked") {
			t.Errorf("%s: got %q", isolation, v)
		}
	}
}

// What users do wrong, and what it is called.
func TestCauses(t *testing.T) {
	for name, test := range map[string]struct {
		files    map[string]string
		settings map[string]string
		id       string
		says     []string // in the summary
		advises  string   // in the change
		more     bool     // only with every row: causes_test.go has it from facts alone
		verdict  string   // beginning of the last line; default: "verdict: unhealthy: " and the summary
	}{
		"address not allowed": {
			id:   "allowed-hosts",
			says: []string{"400", "10.0.1.23 is not in ALLOWED_HOSTS", "www.example.com"}, advises: "through the wrapper",
		},
		"address with a port": {
			more:     true,
			settings: map[string]string{"INSTANCE_IP": "10.0.1.23:80"},
			id:       "allowed-hosts", says: []string{"10.0.1.23:80"}, advises: "has a port",
		},
		"address in one entry with others": {
			more:     true,
			settings: map[string]string{"ALLOWED_HOSTS": "www.example.com,10.0.1.23"},
			id:       "allowed-hosts", says: []string{`"www.example.com,10.0.1.23"`}, advises: "split it",
		},
		"pattern": {
			more:     true,
			settings: map[string]string{"ALLOWED_HOSTS": "10.0.1.*"},
			id:       "allowed-hosts", says: []string{"10.0.1.*"}, advises: "no patterns",
		},
		"address that the settings do not read": {
			settings: map[string]string{"PRIVATE_IP": "10.0.1.23"},
			id:       "allowed-hosts", says: []string{"10.0.1.23"}, advises: "PRIVATE_IP",
		},
		"redirect to HTTPS": {
			files:    map[string]string{"mysite/settings.py": edited(t, "mysite/settings.py", "SECURE_REDIRECT_EXEMPT", "EXEMPT")},
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, "SECURE_SSL_REDIRECT": "true"},
			id:       "https-redirect", says: []string{"301 to https://10.0.1.23/healthz/", "SecurityMiddleware"}, advises: `SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]`,
			verdict: "verdict: healthy by 301",
		},
		"redirect to HTTPS that does not count": {
			more:     true,
			files:    map[string]string{"mysite/settings.py": edited(t, "mysite/settings.py", "SECURE_REDIRECT_EXEMPT", "EXEMPT")},
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, "SECURE_SSL_REDIRECT": "true", processNamespace + "|MatcherHTTPCode": "200"},
			id:       "https-redirect", says: []string{"SecurityMiddleware"}, advises: "SECURE_REDIRECT_EXEMPT",
		},
		"redirect to SECURE_SSL_HOST without the address": {
			more: true,
			files: map[string]string{"mysite/settings.py": edited(t, "mysite/settings.py", "SECURE_REDIRECT_EXEMPT", `SECURE_SSL_HOST = "www.example.com"`+"\nEXEMPT") +
				"\nMIDDLEWARE = MIDDLEWARE[:1]\n"},
			settings: map[string]string{"SECURE_SSL_REDIRECT": "true"},
			id:       "https-redirect", says: []string{"SECURE_SSL_HOST", "https://www.example.com/healthz/"}, advises: "SECURE_REDIRECT_EXEMPT",
			verdict: "verdict: healthy by 301",
		},
		"no slash": {
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/healthz"},
			id:       "slash-redirect", says: []string{"APPEND_SLASH"}, advises: "/healthz/",
			verdict: "verdict: healthy by 301",
		},
		"redirect by a view": {
			more:     true,
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/elsewhere/"},
			id:       "view-redirect", says: []string{"302 to /login/", "mysite.urls.elsewhere"},
		},
		"redirect to a language": {
			more: true,
			files: map[string]string{
				"mysite/settings.py": edited(t, "mysite/settings.py", "MIDDLEWARE = [", "MIDDLEWARE = [\n    \"django.middleware.locale.LocaleMiddleware\","),
				"mysite/urls.py": edited(t, "mysite/urls.py", "urlpatterns = [", "from django.conf.urls.i18n import i18n_patterns\n\nurlpatterns = [") +
					"urlpatterns = i18n_patterns(*urlpatterns)\n",
			},
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP},
			id:       "language-redirect", says: []string{"302 to /en/healthz/", "LocaleMiddleware"}, advises: "outside of i18n_patterns",
		},
		"database asked by an import": {
			more: true,
			files: map[string]string{
				"mysite/settings.py": edited(t, "mysite/settings.py", "DATABASES = {}", `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db.sqlite3"}}`),
				"mysite/wsgi.py":     edited(t, "mysite/wsgi.py", "application = get_wsgi_application()", "application = get_wsgi_application()\nfrom django.db import connection\nconnection.ensure_connection()"),
			},
			id: "database-unreachable", says: []string{"does not start", "while it is imported", "unable to open database file"},
		},
		"path that is not there": {
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/heathz/"},
			id:       "path-not-routed", says: []string{"404", "/heathz/", "mysite.urls"},
		},
		"path under static files": {
			more:     true,
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/static/ok.txt"},
			id:       "static-path", says: []string{"404", "/static/ok.txt"},
		},
		"view that raises": {
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/broken/"},
			id:       "view-raised", says: []string{"500", "ValueError: the answer is not 42", "mysite.urls.broken"},
		},
		"database that is not there": {
			files: map[string]string{
				"mysite/settings.py": edited(t, "mysite/settings.py", "DATABASES = {}", `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db.sqlite3"}}`),
				"mysite/urls.py":     edited(t, "mysite/urls.py", `return HttpResponse("ok", content_type="text/plain")`, "from django.db import connection; connection.ensure_connection()"),
			},
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP},
			id:       "database-unreachable", says: []string{"500", "database", "unable to open database file"},
		},
		"slow view": {
			settings: map[string]string{
				"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|HealthCheckPath": "/slow/",
				processNamespace + "|HealthCheckTimeout": "2",
			},
			id: "timeout", says: []string{"no answer within 2s", "slow", "/var/app/current/mysite/urls.py"},
		},
		"module that is not installed": {
			files: map[string]string{"mysite/urls.py": "import requests\n"},
			id:    "missing-dependency", says: []string{"requests", "500"}, settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP},
		},
		"module that is not installed, in the settings": {
			files: map[string]string{"mysite/settings.py": "import requests\n"},
			id:    "missing-dependency", says: []string{"does not start", "requests", "exit code 3"}, advises: "requirements.txt",
		},
		"wrong WSGI path": {
			settings: map[string]string{pythonNamespace + "|WSGIPath": "application"},
			id:       "wsgi-path", says: []string{"application"}, advises: "mysite.wsgi",
		},
		"WSGI path as a file": {
			more:     true,
			settings: map[string]string{pythonNamespace + "|WSGIPath": "mysite/wsgi.py"},
			id:       "wsgi-path", says: []string{"mysite/wsgi.py"}, advises: "mysite.wsgi",
		},
		"wrong object": {
			more:     true,
			settings: map[string]string{pythonNamespace + "|WSGIPath": "mysite.wsgi:app"},
			id:       "wsgi-path", says: []string{"app"}, advises: "WSGIPath",
		},
		"variable that is not set": {
			files: map[string]string{"mysite/settings.py": edited(t, "mysite/settings.py", `os.environ["SECRET_KEY"]`, `os.environ["DJANGO_SECRET"]`)},
			id:    "missing-variable", says: []string{"DJANGO_SECRET"}, advises: "aws:elasticbeanstalk:application:environment",
		},
		"error in the settings": {
			more:  true,
			files: map[string]string{"mysite/settings.py": edited(t, "mysite/settings.py", "DATABASES = {}", "DATABASES = {)")},
			id:    "worker-boot", says: []string{"SyntaxError", "exit code 3"},
		},
		"another port": {
			files: map[string]string{"Procfile": "web: gunicorn --bind 127.0.0.1:8080 mysite.wsgi\n"},
			id:    "port-mismatch", says: []string{"502", "8080", "8000"}, advises: "127.0.0.1:8000",
		},
		"command that is not there": {
			files: map[string]string{"Procfile": "web: uvicorn mysite.asgi\n"},
			id:    "command-not-found", says: []string{"uvicorn"},
		},
		"process on another port": {
			settings: map[string]string{"INSTANCE_IP": DefaultInstanceIP, processNamespace + "|Port": "8080"},
			id:       "process-port", says: []string{"8080"}, advises: "Port",
		},
		"configuration of nginx": {
			files: map[string]string{".platform/nginx/conf.d/site.conf": "client_max_body_size 10 MB;\n"},
			id:    "proxy-configuration", says: []string{"client_max_body_size"},
		},
	} {
		if test.more && !full() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each in a network of its own
			in := Input{Bundle: site(t, test.files), Settings: settings(test.settings)}
			v, out := rehearse(t, in, Options{Isolation: Namespace})
			if len(v.Causes) == 0 {
				t.Fatalf("no cause named; %v", v)
			}
			c := v.Causes[0]
			if c.ID != test.id {
				t.Errorf("cause %q, want %q", c.ID, test.id)
			}
			for _, s := range test.says {
				if !strings.Contains(c.Summary, s) {
					t.Errorf("summary %q does not say %q", c.Summary, s)
				}
			}
			if !strings.Contains(c.Change, test.advises) {
				t.Errorf("change %q does not say %q", c.Change, test.advises)
			}
			want := test.verdict
			if want == "" {
				want = "verdict: unhealthy: " + c.Summary
			} else if !strings.Contains(out, "no view ran") {
				t.Error("does not say that no view ran")
			}
			if v.String() != want {
				t.Errorf("last line %q, want %q", v, want)
			}
			if strings.Contains(out, "rehearsal-") || strings.Contains(out, os.TempDir()) {
				t.Error("names directories that are there for the rehearsal only")
			}
		})
	}
}

// edited is a file of testdata/site with something in it replaced.
func edited(t *testing.T, name, from, to string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata/site", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), from) {
		t.Fatalf("%s does not have %q", name, from)
	}
	return strings.Replace(string(content), from, to, 1)
}
