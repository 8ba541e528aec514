package source

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

// project writes one of these files.
func project(t *testing.T, files map[string]string) string {
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
	return dir
}

const manage = `os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.dev")`

func TestProject(t *testing.T) {
	for name, test := range map[string]struct {
		files   map[string]string
		project Project
		// want are "property=value", of the environment unless it is WSGIPath
		want     []string
		wrapper  []string // lines of the wrapper
		notes    []string
		procfile string
		err      string
	}{
		"usual": {
			files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", "shop/settings.py": `ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split()`},
			want:  []string{"WSGIPath=shop.wsgi", "ALLOWED_HOSTS=www.example.com", "SECURE_SSL_REDIRECT=true", "HealthCheckPath=/healthz/", "SECRET_KEY="}, wrapper: []string{"allowed_hosts=ALLOWED_HOSTS"}, procfile: "web: bash beanpole-web.sh gunicorn",
		},
		"names of its own": {
			files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", "shop/settings/__init__.py": "", "shop/settings/base.py": "ALLOWED_HOSTS = []",
				"shop/settings/dev.py":        `ALLOWED_HOSTS = os.environ.get("DEV_HOSTS", "").split()`,
				"shop/settings/production.py": "ALLOWED_HOSTS = env.list(\n    'DJANGO_ALLOWED_HOSTS',\n)\nSECRET_KEY = env('DJANGO_SECRET_KEY')\nSECURE_SSL_REDIRECT = env.bool('DJANGO_SECURE_SSL_REDIRECT', default=True)\n"},
			want:    []string{"DJANGO_ALLOWED_HOSTS=www.example.com", "DJANGO_SECURE_SSL_REDIRECT=true", "DJANGO_SECRET_KEY="},
			wrapper: []string{"allowed_hosts=DJANGO_ALLOWED_HOSTS", "separator=','"}, notes: []string{"ALLOWED_HOSTS from DJANGO_ALLOWED_HOSTS", "separated by commas (shop/settings/production.py)"},
		},
		"names that are given": {
			files:   map[string]string{"manage.py": manage, "shop/wsgi.py": "", "shop/settings.py": `ALLOWED_HOSTS = config("DJANGO_ALLOWED_HOSTS", cast=Csv())`},
			project: Project{Variables: overlay.Variables{AllowedHosts: "HOSTS", AllowedHostsSeparator: " "}},
			want:    []string{"HOSTS=www.example.com"}, wrapper: []string{"allowed_hosts=HOSTS", "separator=' '"},
		},
		"files of a developer": {
			files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", ".env": "A=1", ".env.example": "A=", "deploy/prod.env": "A=1", "db.sqlite3": "x"},
			want:  []string{"WSGIPath=shop.wsgi"}, notes: []string{".env, db.sqlite3, deploy/prod.env left out of the bundle"},
		},
		"a Procfile that cannot be wrapped": {
			files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", "Procfile": "web: gunicorn --bind :$PORT shop.wsgi\n"},
			notes: []string{"not run through the wrapper: ", `"$"`}, procfile: "web: gunicorn --bind :$PORT shop.wsgi",
		},
		"a Procfile": {
			files: map[string]string{"Procfile": "web: uvicorn shop.asgi:application --port 8000\nworker: celery\n"}, project: Project{WSGIApplication: "shop.wsgi"},
			notes: []string{"does not count"}, procfile: "web: bash beanpole-web.sh uvicorn shop.asgi:application --port 8000\nworker: celery",
		},
		"WSGI path of .ebextensions": {
			files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", "other/wsgi.py": "",
				".ebextensions/django.config": "option_settings:\n  aws:elasticbeanstalk:container:python:\n    WSGIPath: other.wsgi\n"},
			want: []string{"WSGIPath=other.wsgi"},
		},
		"manage.py chooses":       {files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", "docs/wsgi.py": ""}, want: []string{"WSGIPath=shop.wsgi"}},
		"a package for the app":   {files: map[string]string{"shop/manage.py": manage, "shop/wsgi.py": ""}, want: []string{"WSGIPath=shop.wsgi"}},
		"src":                     {files: map[string]string{"src/requirements.txt": "", "src/manage.py": manage, "src/shop/wsgi.py": ""}, err: "src), or name"},
		"src, but requirements":   {files: map[string]string{"requirements.txt": "", "src/manage.py": manage, "src/shop/wsgi.py": ""}, err: "--chdir src shop.wsgi"},
		"several":                 {files: map[string]string{"manage.py": "", "a/wsgi.py": "", "b/wsgi.py": ""}, err: "a.wsgi, b.wsgi"},
		"none":                    {files: map[string]string{"app.py": ""}, err: "--wsgi"},
		"no name of a variable":   {files: map[string]string{"manage.py": manage, "shop/wsgi.py": ""}, project: Project{Variables: overlay.Variables{AllowedHosts: "hosts"}}, err: `"hosts" is not the name`},
		"no separator":            {files: map[string]string{"manage.py": manage, "shop/wsgi.py": ""}, project: Project{Variables: overlay.Variables{AllowedHostsSeparator: ";"}}, err: "neither a space"},
		"a name that is reserved": {files: map[string]string{"manage.py": manage, "shop/wsgi.py": "", "shop/settings.py": `SECRET_KEY = os.environ["PATH"]`}, want: []string{"SECRET_KEY="}},
	} {
		t.Run(name, func(t *testing.T) {
			p := test.project
			p.Dir = project(t, test.files)
			e, remove, err := p.Environment()
			defer remove()
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range e.Input.Defaults {
				got = append(got, s.OptionName+"="+s.Value)
			}
			for _, want := range test.want {
				if !slices.Contains(got, want) {
					t.Errorf("settings %q, want %s", got, want)
				}
			}
			notes := strings.Join(e.Input.Notes, "\n")
			for _, want := range test.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("notes %q, want %q", notes, want)
				}
			}
			archive, err := zip.OpenReader(e.Input.Bundle)
			if err != nil {
				t.Fatal(err)
			}
			defer archive.Close()
			for _, f := range archive.File {
				content := ""
				if r, err := f.Open(); err == nil {
					all, _ := io.ReadAll(r)
					content = string(all)
				}
				switch f.Name {
				case ".env", "db.sqlite3", "deploy/prod.env":
					t.Errorf("%s is in the bundle", f.Name)
				case overlay.WrapperName:
					for _, line := range test.wrapper {
						if !strings.Contains(content, "\tlocal "+line+"\n") {
							t.Errorf("the wrapper lacks %q", line)
						}
					}
				case overlay.ProcfileName:
					if !strings.HasPrefix(content, test.procfile) {
						t.Errorf("Procfile %q, want %q", content, test.procfile)
					}
				}
			}
		})
	}
}

func TestReadSetting(t *testing.T) {
	for text, want := range map[string]string{
		`ALLOWED_HOSTS = os.environ.get("HOSTS", "").split()`:                                      "HOSTS",
		`ALLOWED_HOSTS = os.environ["HOSTS"].split(",")`:                                           "HOSTS,",
		`ALLOWED_HOSTS = os.getenv('HOSTS', 'localhost').split(', ')`:                              "HOSTS,",
		`ALLOWED_HOSTS: list[str] = env.list("HOSTS", default=[])`:                                 "HOSTS,",
		`ALLOWED_HOSTS = env("HOSTS", cast=list)`:                                                  "HOSTS,",
		`ALLOWED_HOSTS = config("HOSTS", default="", cast=Csv())`:                                  "HOSTS,",
		"ALLOWED_HOSTS = config(\n    'HOSTS',\n    cast=lambda v: [h for h in v.split(',')],\n)":  "HOSTS,",
		"ALLOWED_HOSTS = [\n    h.strip()\n    for h in os.environ.get('HOSTS', '').split(',')\n]": "HOSTS,",
		"if not DEBUG:\n    ALLOWED_HOSTS += os.environ['HOSTS'].split()\n":                        "HOSTS",
		`ALLOWED_HOSTS = ["www.example.com"]`:                                                      "",
		`# ALLOWED_HOSTS = os.environ["HOSTS"].split()`:                                            "",
		"ALLOWED_HOSTS = []\nOTHER = os.environ['HOSTS']":                                          "",
	} {
		files, err := sourceOf(t, map[string]string{"shop/settings.py": text})
		if err != nil {
			t.Fatal(err)
		}
		_, variable, separator := readSetting(files, "shop.wsgi", "ALLOWED_HOSTS", "")
		if got := variable + separator; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestMayHoldHosts(t *testing.T) {
	for text, want := range map[string]string{
		"HOSTS = os.environ.get('APP_HOSTS', '').split(',')\nALLOWED_HOSTS = HOSTS\n":                          "APP_HOSTS,",
		"hosts = env.str('APP_HOSTS')\nDEBUG = env('DEBUG')\nALLOWED_HOSTS = ['a.example'] + hosts.split()\n":  "APP_HOSTS",
		"ALLOWED_HOSTS = []\nif os.environ.get('EXTRA_HOSTS'): ALLOWED_HOSTS += ['www.example.com']\n":         "EXTRA_HOSTS",
		"ALLOWED_HOSTS = []\nfor h in os.environ.get('APP_HOSTS', '').split():\n    ALLOWED_HOSTS.append(h)\n": "APP_HOSTS",
		"DEBUG = os.environ.get('DEBUG')\nALLOWED_HOSTS = ['a.example']\nSTAGE = os.environ['STAGE']\n":        "",
		"# HOSTS = os.environ['APP_HOSTS']\n# ALLOWED_HOSTS = os.environ['APP_HOSTS']\nALLOWED_HOSTS = []\n":   "",
	} {
		files, err := sourceOf(t, map[string]string{"shop/settings.py": text})
		if err != nil {
			t.Fatal(err)
		}
		v := mayHoldHosts(files, "shop.wsgi")
		if got := v.AllowedHosts + v.AllowedHostsSeparator; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func sourceOf(t *testing.T, files map[string]string) (*bundle.Reader, error) {
	t.Helper()
	return bundle.Source{Path: project(t, files)}.Open()
}
