package overlay

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

var update = flag.Bool("update", false, "write the files in testdata")

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   Config
		problems []string // one for each line of the error
	}{
		{name: "defaults", config: Config{WSGIApplication: "mysite.wsgi"}},
		{name: "object", config: Config{WSGIApplication: "config.wsgi:application", Strategy: Wrapper}},
		{name: "nginx", config: Config{WSGIApplication: "mysite.wsgi", Strategy: NginxRewrite, HealthCheckPath: "/up/v1.0_~-"}},
		{name: "own Procfile", config: Config{Procfile: []byte("web: uvicorn mysite.asgi:application --port 8000")}},
		{name: "the wrapper takes any path", config: Config{WSGIApplication: "mysite.wsgi", HealthCheckPath: "/up/?deep=1"}},

		{name: "no application", problems: []string{"WSGIApplication: not given"}},
		{name: "a path", config: Config{WSGIApplication: "mysite/wsgi.py"}, problems: []string{`as Python imports it, e.g. "mysite.wsgi"`}},
		{name: "a flag", config: Config{WSGIApplication: "--reload"}, problems: []string{`"--reload" is not a module`}},
		{name: "a shell", config: Config{WSGIApplication: "mysite.wsgi; id"}, problems: []string{`"mysite.wsgi; id" is not a module`}},
		{name: "strategy", config: Config{WSGIApplication: "mysite.wsgi", Strategy: "proxy"}, problems: []string{`Strategy: "proxy" is neither "wrapper" nor "nginx"`}},
		{name: "nginx and a query", config: Config{WSGIApplication: "mysite.wsgi", Strategy: NginxRewrite, HealthCheckPath: "/up/?deep=1"},
			problems: []string{`HealthCheckPath: "/up/?deep=1" cannot be rewritten`}},
		{name: "nginx and its own language", config: Config{WSGIApplication: "mysite.wsgi", Strategy: NginxRewrite, HealthCheckPath: "/up; }"},
			problems: []string{"HealthCheckPath:"}},
		{name: "everything", config: Config{
			Strategy: "x", WSGIApplication: "my-site.wsgi", NumProcesses: -1, NumThreads: -1, Procfile: []byte("worker: celery\n"),
			Variables: Variables{AllowedHosts: "allowed-hosts", AllowedHostsSeparator: ";", InstanceIP: "SECRET_KEY", HTTPS: "1X", HealthCheckPath: "PATH"},
		}, problems: []string{
			`Strategy: "x"`, `Variables: AllowedHosts: "allowed-hosts"`, "HealthCheckPath: PATH has a meaning", `HTTPS: "1X"`,
			"SecretKey: SECRET_KEY is already the name of InstanceIP", `AllowedHostsSeparator: ";"`,
			`WSGIApplication: "my-site.wsgi"`, "NumProcesses: -1", "NumThreads: -1", "Procfile: it has no line web:",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.config.Validate()
			compareProblems(t, err, test.problems)
			files, fileErr := test.config.Files()
			if (fileErr != nil) != (err != nil) || (files != nil) != (err == nil) {
				t.Errorf("Files() = %d files, %v; Validate() = %v", len(files), fileErr, err)
			}
		})
	}
}

func compareProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Fatalf("%d problems, want %d:\n%v", len(lines), len(want), err)
	}
	for i, want := range want {
		if !strings.Contains(lines[i], want) {
			t.Errorf("problem %d is %q, want it to say %q", i, lines[i], want)
		}
	}
}

func TestVariables(t *testing.T) {
	want := Variables{"ALLOWED_HOSTS", " ", "HEALTH_CHECK_PATH", "INSTANCE_IP", "SECURE_SSL_REDIRECT", "SECRET_KEY"}
	if got := (Variables{}).WithDefaults(); got != want {
		t.Errorf("WithDefaults() = %+v, want %+v", got, want)
	}
	given := Variables{"HOSTS", ",", "UP", "IP", "TLS", "KEY"}
	if got := given.WithDefaults(); got != given {
		t.Errorf("WithDefaults() = %+v, want what was given", got)
	}
	if err := given.Validate(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"INSTANCE_IP_SOURCE", "PATH", "BASH_ENV", "PYTHONPATH", "LD_PRELOAD", "AWS_REGION", "UID", "_", "lower", "A-B", "A B", "1A", "Ä"} {
		if err := (Variables{AllowedHosts: name}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "AllowedHosts: ") {
			t.Errorf("AllowedHosts %q: %v", name, err)
		}
	}
}

func TestProcfile(t *testing.T) {
	const generated = "web: bash beanpole-web.sh gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 mysite.wsgi\n"
	for _, test := range []struct {
		name     string
		config   Config
		own      string // "-" means none
		procfile string // of the bundle; "-" means that the overlay has none
		problem  string
	}{
		{name: "none", own: "-", procfile: generated},
		{name: "none, more processes", own: "-", config: Config{NumProcesses: 3, NumThreads: 4},
			procfile: "web: bash beanpole-web.sh gunicorn --bind 127.0.0.1:8000 --workers=3 --threads=4 mysite.wsgi\n"},
		{name: "none, nginx", own: "-", config: Config{Strategy: NginxRewrite},
			procfile: "web: gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 mysite.wsgi\n"},
		{name: "own", own: "web: gunicorn -b :8000 mysite.wsgi\n", procfile: "web: bash beanpole-web.sh gunicorn -b :8000 mysite.wsgi\n"},
		{name: "own, nginx", own: "web: gunicorn -b :8000 mysite.wsgi\n", config: Config{Strategy: NginxRewrite}, procfile: "-"},
		{name: "only web is wrapped", own: "worker: celery -A mysite --config \"x y\" $FLAGS\r\nweb:gunicorn mysite.wsgi \r\nbeat: celery beat",
			procfile: "worker: celery -A mysite --config \"x y\" $FLAGS\nweb: bash beanpole-web.sh gunicorn mysite.wsgi\nbeat: celery beat\n"},
		{name: "a process whose name begins like web", own: "web: a\nweb2: b\nwebsocket: c\n", procfile: "web: bash beanpole-web.sh a\nweb2: b\nwebsocket: c\n"},
		{name: "exec", own: "web: exec daphne -p 8000 mysite.asgi:application", procfile: "web: bash beanpole-web.sh daphne -p 8000 mysite.asgi:application\n"},
		{name: "wrapped already", own: generated, procfile: "-"},
		{name: "wrapped already, now nginx", own: generated, config: Config{Strategy: NginxRewrite},
			procfile: "web: gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 mysite.wsgi\n"},

		{name: "empty", own: "", problem: "Procfile: it has no line web:"},
		{name: "comment", own: "# web: gunicorn\n", problem: "Procfile: it has no line web:"},
		{name: "two", own: "web: a\nweb: b\n", problem: "Procfile: it has 2 lines web:"},
		{name: "no command", own: "web:  \n", problem: "Procfile: the line web: has no command"},
		{name: "variable", own: "web: gunicorn --bind :$PORT mysite.wsgi", problem: `holds "$", which systemd and the shell`},
		{name: "shell", own: `web: cd src && gunicorn "mysite.wsgi:application" --log-format '%h'`, problem: `holds "&" "\"" "'" "%", which`},
		{name: "assignment", own: "web: WORKERS=2 gunicorn mysite.wsgi", problem: `write "web: env WORKERS=2 gunicorn mysite.wsgi"`},
		{name: "tab", own: "web: gunicorn\tmysite.wsgi", problem: `holds "\t"`},
		{name: "not ASCII", own: "web: gunicörn mysite.wsgi", problem: `holds "ö"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.config
			c.WSGIApplication = "mysite.wsgi"
			if test.own != "-" {
				c.Procfile = []byte(test.own)
			}
			files, err := c.Files()
			if test.problem != "" {
				compareProblems(t, err, []string{test.problem})
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := "-"
			for _, f := range files {
				if f.Name == "Procfile" {
					got = string(f.Content)
				}
			}
			if got != test.procfile {
				t.Errorf("Procfile:\n%s\nwant:\n%s", got, test.procfile)
			}
		})
	}
}

// FuzzProcfile holds that a Procfile is refused, or comes out with one web: line that is plain and wrapped once, and that
// wrapping it again changes nothing.
func FuzzProcfile(f *testing.F) {
	f.Fuzz(func(t *testing.T, own string) {
		c := Config{Procfile: []byte(own)}.withDefaults()
		out, err := c.procfile()
		if err != nil {
			return
		}
		web := ""
		for line := range strings.Lines(string(out)) {
			if rest, found := strings.CutPrefix(line, "web:"); found {
				if web != "" {
					t.Fatalf("two lines web: in %q", out)
				}
				web = strings.TrimSpace(rest)
			}
		}
		command, found := strings.CutPrefix(web, wrapped)
		if !found || strings.HasPrefix(command, wrapped) || !plainCommand.MatchString(web) {
			t.Fatalf("from %q came the line %q", own, web)
		}
		c.Procfile = out
		if again, err := c.procfile(); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("from %q came %q, and from that %q, %v", own, out, again, err)
		}
	})
}

// The files as they travel, to be read by a reviewer.
func TestFiles(t *testing.T) {
	for _, test := range []struct {
		dir    string
		config Config
	}{
		{"wrapper", Config{WSGIApplication: "mysite.wsgi", Migrate: true, CollectStatic: true,
			Variables: Variables{AllowedHosts: "DJANGO_ALLOWED_HOSTS", AllowedHostsSeparator: ",", InstanceIP: "PRIVATE_IP"}}},
		{"nginx", Config{WSGIApplication: "mysite.wsgi:application", Strategy: NginxRewrite, CollectStatic: true}},
	} {
		t.Run(test.dir, func(t *testing.T) {
			files, err := test.config.Files()
			if err != nil {
				t.Fatal(err)
			}
			var all bytes.Buffer
			for _, f := range files {
				all.WriteString("== " + f.Name + " " + f.Mode.String() + "\n")
				all.Write(f.Content)
			}
			golden := filepath.Join("testdata", test.dir+".golden")
			if *update {
				if err := os.WriteFile(golden, all.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(all.Bytes(), want) {
				t.Errorf("the files are not those of %s (-update writes it):\n%s", golden, all.String())
			}
		})
	}
}

func project(t *testing.T, files map[string]string) bundle.Source {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return bundle.Source{Path: dir}
}

func TestLay(t *testing.T) {
	own := project(t, map[string]string{
		"manage.py": "", "mysite/wsgi.py": "", "Procfile": "web: gunicorn -b :8000 mysite.wsgi\nworker: celery\n",
	})
	c := Config{WSGIApplication: "mysite.wsgi", Migrate: true}
	laid, err := c.Lay(own)
	if err != nil {
		t.Fatal(err)
	}
	var once bytes.Buffer
	if err := laid.WriteZip(&once); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(once.Bytes()), int64(once.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), ".ebextensions/00-beanpole.config Procfile beanpole-web.sh manage.py mysite/wsgi.py"; got != want {
		t.Errorf("the bundle holds %s, want %s", got, want)
	}
	r, err := z.Open("Procfile")
	if err != nil {
		t.Fatal(err)
	}
	procfile, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := "web: bash beanpole-web.sh gunicorn -b :8000 mysite.wsgi\nworker: celery\n"; string(procfile) != want {
		t.Errorf("Procfile %q, want %q", procfile, want)
	}

	// Laid over what was laid over before, it is the same bundle.
	file := filepath.Join(t.TempDir(), "bundle.zip")
	if err := os.WriteFile(file, once.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := c.Lay(bundle.Source{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	var twice bytes.Buffer
	if err := again.WriteZip(&twice); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(once.Bytes(), twice.Bytes()) {
		t.Error("laid over twice, the bundle is another")
	}
}

func TestLayRefuses(t *testing.T) {
	taken := map[string]string{"manage.py": "", "beanpole-web.sh": "mine", ".ebextensions/00-beanpole.config": "mine"}
	for _, test := range []struct {
		name     string
		config   Config
		source   bundle.Source
		problems []string
	}{
		{"names taken", Config{WSGIApplication: "mysite.wsgi", Migrate: true}, project(t, taken), []string{
			"the source has a file beanpole-web.sh, which is the name of a generated one",
			"the source has a file .ebextensions/00-beanpole.config, which",
		}},
		{"configuration and Procfile", Config{NumThreads: -1}, project(t, map[string]string{"Procfile": "web: a $B"}), []string{
			"NumThreads: -1", `Procfile: the line web: holds "$"`,
		}},
		{"no manage.py", Config{WSGIApplication: "mysite.wsgi", CollectStatic: true}, project(t, map[string]string{"src/manage.py": ""}), []string{
			"Migrate, CollectStatic: the project has no manage.py at its top",
		}},
		{"no source", Config{}, bundle.Source{Path: filepath.Join(t.TempDir(), "none")}, []string{"does not exist", "WSGIApplication: not given"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			laid, err := test.config.Lay(test.source)
			if err == nil {
				err = laid.Validate()
			}
			compareProblems(t, err, test.problems)
		})
	}
	without := project(t, taken)
	without.Exclude = []string{"/beanpole-web.sh"}
	laid, err := Config{WSGIApplication: "mysite.wsgi"}.Lay(without)
	if err != nil {
		t.Fatal(err)
	}
	if err := laid.Validate(); err != nil {
		t.Errorf("a file that is left out is in the way: %v", err)
	}
}

// The rule must be one that nginx takes where the platform includes it: inside its server, beside its own location.
func TestNginxTakesTheRule(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	for _, path := range []string{"/healthz/", "/", "/up.v1_~-/x"} {
		files, err := Config{WSGIApplication: "mysite.wsgi", Strategy: NginxRewrite, HealthCheckPath: path}.Files()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range files {
			if f.Name == NginxName {
				if err := os.WriteFile(filepath.Join(dir, "rule.conf"), f.Content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		conf := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(conf, []byte(`daemon off; pid `+dir+`/pid; error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path `+dir+`/body; proxy_temp_path `+dir+`/proxy; fastcgi_temp_path `+dir+`/fastcgi;
    uwsgi_temp_path `+dir+`/uwsgi; scgi_temp_path `+dir+`/scgi;
    map $http_upgrade $connection_upgrade { default "upgrade"; }
    server { listen unix:`+dir+`/s; include `+dir+`/rule.conf; location / { proxy_pass http://127.0.0.1:8000; } }
}
`), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(nginx, "-t", "-q", "-p", dir, "-c", conf).CombinedOutput(); err != nil {
			t.Errorf("path %s: %v\n%s", path, err, out)
		}
	}
}

// filesOf returns those of an overlay by their names.
func filesOf(t *testing.T, c Config) map[string]bundle.File {
	t.Helper()
	files, err := c.Files()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]bundle.File{}
	for _, f := range files {
		byName[f.Name] = f
	}
	return byName
}

func TestMigrateRunsOnTheLeaderInTheVirtualEnvironment(t *testing.T) {
	files := filesOf(t, Config{WSGIApplication: "mysite.wsgi", Migrate: true})
	var config struct {
		Commands map[string]struct {
			Command    string
			LeaderOnly bool `yaml:"leader_only"`
		} `yaml:"container_commands"`
	}
	if err := yaml.Unmarshal(files[ExtensionsName].Content, &config); err != nil {
		t.Fatal(err)
	}
	c := config.Commands["beanpole_01_migrate"]
	if len(config.Commands) != 1 || !c.LeaderOnly || c.Command != "source /var/app/venv/*/bin/activate && python manage.py migrate --noinput" {
		t.Errorf("commands %+v", config.Commands)
	}
	if _, found := files[HookName]; found {
		t.Errorf("a hook that nobody asked for")
	}
}

// A changed environment property is deployed with a bundle unpacked anew, without .ebextensions and without .platform/hooks:
// static files are there afterwards only if confighooks collect them, too.
func TestStaticFilesAreCollectedInBothKindsOfDeployment(t *testing.T) {
	files := filesOf(t, Config{WSGIApplication: "mysite.wsgi", CollectStatic: true})
	if _, found := files[ExtensionsName]; found {
		t.Errorf("%s, which a change of an environment property does not run", ExtensionsName)
	}
	hook, config := files[HookName], files[ConfigHookName]
	if !strings.HasPrefix(HookName, ".platform/hooks/predeploy/") || ConfigHookName != strings.Replace(HookName, "/hooks/", "/confighooks/", 1) {
		t.Errorf("%s and %s are not the same hook of the two trees", HookName, ConfigHookName)
	}
	if len(hook.Content) == 0 || !bytes.Equal(hook.Content, config.Content) || hook.Mode != 0o755 || config.Mode != 0o755 {
		t.Fatalf("%v %q and %v %q are not the same program", hook.Mode, hook.Content, config.Mode, config.Content)
	}

	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	dir := t.TempDir()
	write := func(name, content string, mode fs.FileMode) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("venv/staging/bin/activate", `PATH="`+dir+`/venv/staging/bin:$PATH"`, 0o644)
	write("venv/staging/bin/python", "#!/bin/sh\nmkdir static && echo \"$* with $SECRET_KEY\" > static/arguments && exit $EXIT\n", 0o755)
	script := strings.ReplaceAll(string(hook.Content), "/var/app/venv/", dir+"/venv/")
	for _, code := range []int{0, 3} {
		staging := t.TempDir()
		// The strictest umask: the proxy's user has to read the files all the same.
		command := exec.Command("/bin/sh", "-c", `umask 077; exec "$0" -c "$1"`, bash, script)
		command.Dir, command.Env = staging, append(os.Environ(), "SECRET_KEY=hidden", fmt.Sprintf("EXIT=%d", code))
		if out, err := command.CombinedOutput(); command.ProcessState.ExitCode() != code {
			t.Errorf("python ended with %d, and the hook: %v\n%s", code, err, out)
		}
		got, err := os.ReadFile(filepath.Join(staging, "static/arguments"))
		if want := "manage.py collectstatic --noinput with hidden\n"; err != nil || string(got) != want {
			t.Errorf("ran %q (%v), want %q", got, err, want)
		}
		for name, want := range map[string]fs.FileMode{"static": 0o755, "static/arguments": 0o644} {
			if info, err := os.Stat(filepath.Join(staging, name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, want)
			}
		}
	}
}
