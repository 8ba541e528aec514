package rehearsal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/internal/rehearsal"
	"example.com/beanpole-cdk/internal/rehearsal/source"
)

// Projects that nobody here wrote: what a package from PyPI makes when it is asked to start a project, each the way
// `beanpole rehearse --source` takes a plain project. The packages are pinned, and so is what they need; their virtual
// environments are kept between runs, as those of other rehearsals are.
var projectsOfOthers = []struct {
	name    string
	python  string   // the last version that it runs with, "" takes this machine's
	command []string // in the virtual environment, makes the project in the directory "."
	// what is done to it, and what comes of it
	rows []projectRow
}{
	{
		// A site of a content management system: settings split into base, dev and production, and one pattern that takes
		// every path and asks the database.
		name: "wagtail", command: []string{"wagtail", "start", "shop", "."},
		rows: []projectRow{
			{name: "as it is", cause: "path-not-routed", also: "database-not-migrated", says: "the view wagtail.views.serve", advises: "the bundle has shop.settings.production"},
			{more: true, name: "production as it is", set: wagtailProduction, cause: "allowed-hosts", says: "which is empty", advises: "shop.settings.production"},
			{name: "production, hosts alone", set: wagtailProduction, edits: wagtailHosts, cause: "secret-key", says: "shop.settings.production"},
			{more: true, name: "the home page", set: append([]string{"HealthCheckPath=/"}, wagtailProduction...), edits: wagtailReady, cause: "database-not-migrated", says: "wagtailcore_site"},
			{more: true, name: "the home page, migrated", set: append([]string{"HealthCheckPath=/"}, wagtailProduction...), edits: append(wagtailReady, migrate), commands: true, cause: "static-files-missing", says: "manifest"},
			{name: "ready", set: wagtailProduction, edits: wagtailReady},
		},
	},
	{
		// A content management system of older make: middleware that asks for the host in the page of an error, so that a
		// refused host is a 500.
		name: "mezzanine", python: "3.11", command: []string{"mezzanine-project", "shop", "."},
		rows: []projectRow{
			{name: "as it is", cause: "allowed-hosts", says: "which has: localhost, 127.0.0.1", notes: "shop/local_settings.py left out of the bundle"},
			{more: true, name: "hosts alone", edits: mezzanineHosts, cause: "secret-key", says: "shop.settings"},
			{more: true, name: "hosts, database and key", edits: mezzanineReady, cause: "database-not-migrated", says: "before a view ran: django.db.utils.OperationalError: no such table: django_site"},
			{name: "another package of settings", edits: mezzanineHosts, set: []string{"DJANGO_SETTINGS_MODULE=site.settings"}, cause: "settings-module", says: "site.settings"},
			{more: true, name: "migrated", edits: append(mezzanineReady, migrate), commands: true, cause: "path-not-routed"},
			{name: "ready", edits: append(mezzanineReady, migrate, edit{"shop/urls.py", "urlpatterns = i18n_patterns(", "from django.http import HttpResponse\n\n" +
				"urlpatterns = [path(\"healthz/\", lambda request: HttpResponse(\"ok\"))]\nurlpatterns += i18n_patterns("}), commands: true},
		},
	},
	{
		// A small project that reads everything with python-decouple, hosts separated by commas.
		name: "kickstartx", command: []string{"django-kickstart", "create", "shop", "--type", "mvp", "--views", "fbv", "--db", "sqlite", "--no-venv"},
		rows: []projectRow{
			{name: "as it is", cause: "path-not-routed", says: "shop.urls"},
			{more: true, name: "a page that asks the database", set: []string{"HealthCheckPath=/admin/"}, status: 302, cause: "view-redirect", says: "/admin/login/"},
			{name: "without the package", edits: []edit{{"requirements.txt", "python-decouple==3.8\n", ""}}, cause: "missing-dependency", says: "decouple"},
			{more: true, name: "another variable", edits: append(kickReady, edit{"shop/settings.py", `config("ALLOWED_HOSTS", default`, `config("SITE_HOSTS", default`})},
			{name: "a variable that is nowhere", edits: append(kickReady, edit{"shop/settings.py", `config("DEBUG", default=True, cast=bool)`, `config("SITE_DEBUG", cast=bool)`}),
				cause: "missing-variable", says: "SITE_DEBUG"},
			{more: true, name: "redirect to HTTPS", edits: append(kickReady, edit{"shop/settings.py", "ROOT_URLCONF", "SECURE_SSL_REDIRECT = config(\"SECURE_SSL_REDIRECT\", cast=bool)\nROOT_URLCONF"}),
				status: 301, cause: "https-redirect", says: "SecurityMiddleware"},
			{name: "ready", edits: kickReady},
		},
	},
}

type projectRow struct {
	more      bool // only with every row
	name      string
	edits     []edit
	set       []string          // as --set
	variables overlay.Variables // as --hosts-variable and --hosts-separator
	commands  bool
	// the verdict: healthy by 200 if no cause is named, by status if that is 301, else unhealthy
	status        int
	cause, also   string
	says, advises string
	notes         string
}

// edit replaces something in a file; nothing to replace makes the file.
type edit struct{ file, from, to string }

var (
	migrate = edit{".ebextensions/migrate.config", "", "container_commands:\n  01_migrate:\n    command: source /var/app/venv/*/bin/activate && python manage.py migrate --noinput\n"}

	wagtailProduction = []string{"DJANGO_SETTINGS_MODULE=shop.settings.production"}
	wagtailHosts      = []edit{{"shop/settings/production.py", "DEBUG = False", "import os\n\nDEBUG = False\nALLOWED_HOSTS = os.environ[\"ALLOWED_HOSTS\"].split()"}}
	wagtailReady      = append(wagtailHosts[:1:1],
		edit{"shop/settings/production.py", "DEBUG = False", "DEBUG = False\nSECRET_KEY = os.environ[\"SECRET_KEY\"]"},
		edit{"shop/urls.py", "urlpatterns = [\n", "from django.http import HttpResponse\n\nurlpatterns = [\n    path(\"healthz/\", lambda request: HttpResponse(\"ok\")),\n"})
	// .gitignore keeps local_settings.py, where the project has its database and its key, out of the bundle.
	mezzanineHosts = []edit{{"shop/settings.py", `ALLOWED_HOSTS = ["localhost", "127.0.0.1"]`, `ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split()`}}
	mezzanineReady = append(mezzanineHosts[:1:1],
		edit{"shop/settings.py", "f = os.path.join", "SECRET_KEY = os.environ[\"SECRET_KEY\"]\nDATABASES[\"default\"][\"ENGINE\"] = \"django.db.backends.sqlite3\"\nDATABASES[\"default\"][\"NAME\"] = \"dev.db\"\n\nf = os.path.join"})
	kickReady = []edit{{"shop/urls.py", "urlpatterns = [\n", "from django.http import HttpResponse\n\nurlpatterns = [\n    path(\"healthz/\", lambda request: HttpResponse(\"ok\")),\n"}}
)

func TestProjectsOfOthers(t *testing.T) {
	for _, p := range projectsOfOthers {
		t.Run(p.name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata/projects", p.name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			if p.python != "" && !rehearsal.HasPython(t, p.python) {
				rehearsal.LeaveOutForPython(t, "%s needs Python %s or earlier, which this machine has not", p.name, p.python)
			}
			requirements := string(content)
			venv := rehearsal.Installed(t, requirements, p.python)
			made := t.TempDir()
			cmd := exec.Command(filepath.Join(venv, "bin", p.command[0]), p.command[1:]...)
			cmd.Dir, cmd.Env = made, append(os.Environ(), "PATH="+filepath.Join(venv, "bin")+":"+os.Getenv("PATH"))
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", p.command, err, output)
			}
			if _, err := os.Stat(filepath.Join(made, "manage.py")); err != nil {
				made = filepath.Join(made, "shop")
			}
			if err := os.WriteFile(filepath.Join(made, "requirements.txt"), content, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, row := range p.rows {
				if row.more && !rehearsal.Full() {
					continue
				}
				t.Run(row.name, func(t *testing.T) {
					t.Parallel()
					row.rehearse(t, made, p.python)
				})
			}
		})
	}
}

// What is pinned runs with the oldest Python that the README promises, as the packages say of themselves.
func TestPinnedPackagesTakeTheOldestPython(t *testing.T) {
	files := []string{"testdata/site/requirements.txt", "../../examples/mysite/requirements.txt", "../../examples/importer/shop/requirements.txt"}
	for _, p := range projectsOfOthers {
		if p.python == "" { // else made only where there is such a Python
			files = append(files, filepath.Join("testdata/projects", p.name+".txt"))
		}
	}
	lists := map[string]string{"the matrix": rehearsal.MatrixRequirements}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lists[file] = string(content)
	}
	minor := regexp.MustCompile(`(?m)^Requires-Python:.*>=? ?3\.(\d+)`)
	for name, requirements := range lists {
		packages, err := filepath.Glob(filepath.Join(rehearsal.Installed(t, requirements, ""), "lib/python*/site-packages/*.dist-info/METADATA"))
		if err != nil || len(packages) < 4 {
			t.Fatalf("%s: packages %q, error %v", name, packages, err)
		}
		for _, metadata := range packages {
			content, err := os.ReadFile(metadata)
			if err != nil {
				t.Fatal(err)
			}
			if m := minor.FindSubmatch(content); m != nil && len(m[1]) > 1 && string(m[1]) > "10" {
				t.Errorf("%s: %s needs Python 3.%s", name, filepath.Base(filepath.Dir(metadata)), m[1])
			}
		}
	}
}

// The names and the separators of allowed hosts that projects really use, each found in the text of the settings; and what
// comes of a wrong one.
func TestNamesAndSeparators(t *testing.T) {
	const read = `os.environ.get("ALLOWED_HOSTS", "").split() + os.environ.get("INSTANCE_IP", "").split()`
	settings := func(imports, expression string) []edit {
		return []edit{{"requirements.txt", "", rehearsal.MatrixRequirements}, {"mysite/settings.py", "import os\n", "import os\n" + imports}, {"mysite/settings.py", read, expression}}
	}
	made := t.TempDir()
	if err := os.CopyFS(made, os.DirFS("testdata/site")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(made, "requirements.txt")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []projectRow{
		{name: "ALLOWED_HOSTS, spaces", edits: settings("", `os.environ["ALLOWED_HOSTS"].split()`)},
		{name: "DJANGO_ALLOWED_HOSTS, spaces", edits: settings("", `os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(" ")`)},
		{name: "DJANGO_ALLOWED_HOSTS, commas", edits: settings("", `os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",")`)},
		{name: "django-environ", edits: settings("import environ\n\nenv = environ.Env()\n", `env.list("DJANGO_ALLOWED_HOSTS", default=[])`)},
		{name: "python-decouple", edits: settings("from decouple import Csv, config\n", `config("ALLOWED_HOSTS", cast=Csv())`)},
		{name: "python-decouple, split at spaces", variables: overlay.Variables{AllowedHostsSeparator: " "}, edits: settings("from decouple import Csv, config\n", `config("ALLOWED_HOSTS", cast=Csv())`),
			cause: "allowed-hosts", says: `"www.example.com 10.0.1.23"`, advises: "AllowedHostsSeparator"},
		{name: "another variable", variables: overlay.Variables{AllowedHosts: "SITE_HOSTS"}, edits: settings("", `os.environ.get("DJANGO_ALLOWED_HOSTS", "").split()`),
			cause: "allowed-hosts", says: "which is empty", advises: `os.environ.get("SITE_HOSTS", "").split()`},
		{name: "by another name", edits: []edit{{"requirements.txt", "", rehearsal.MatrixRequirements}, {"mysite/settings.py", "import os\n", "import os\nHOSTS = os.environ.get(\"APP_HOSTS\", \"\").split(\",\")\n"}, {"mysite/settings.py", read, "HOSTS"}},
			cause: "allowed-hosts", says: `which has: ""; `, advises: "if it holds them, --hosts-variable APP_HOSTS --hosts-separator ,"},
		{name: "by another name, named", variables: overlay.Variables{AllowedHosts: "APP_HOSTS", AllowedHostsSeparator: ","}, edits: []edit{{"requirements.txt", "", rehearsal.MatrixRequirements},
			{"mysite/settings.py", "import os\n", "import os\nHOSTS = os.environ.get(\"APP_HOSTS\", \"\").split(\",\")\n"}, {"mysite/settings.py", read, "HOSTS"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.rehearse(t, made, "")
		})
	}
}

func (row projectRow) rehearse(t *testing.T, made, python string) {
	dir := filepath.Join(t.TempDir(), "project")
	if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	for _, e := range row.edits {
		file := filepath.Join(dir, e.file)
		content, err := os.ReadFile(file)
		if e.from == "" {
			err = os.MkdirAll(filepath.Dir(file), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), e.from) {
			t.Fatalf("%s has no %q: the package makes another project now", e.file, e.from)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(content), e.from, e.to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, remove, err := source.Project{Dir: dir, Python: python, Variables: row.variables}.Environment()
	defer remove()
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Override(&e.Input, row.set); err != nil {
		t.Fatal(err)
	}
	v, _ := rehearsal.Rehearse(t, e.Input, rehearsal.Options{Isolation: rehearsal.Namespace, Commands: row.commands})
	want := "verdict: unhealthy: "
	switch {
	case row.cause == "":
		want = "verdict: healthy by 200"
	case row.status == 301:
		want = "verdict: healthy by 301"
	}
	if !strings.HasPrefix(v.String(), want) || row.status != 0 && v.StatusCode != row.status {
		t.Errorf("got %q, want %q", v, want)
	}
	var ids []string
	for _, c := range v.Causes {
		ids = append(ids, c.ID)
	}
	if got, want := strings.Join(ids, " "), strings.TrimSpace(row.cause+" "+row.also); got != want {
		t.Fatalf("causes %q, want %q", got, want)
	}
	if notes := strings.Join(v.Notes, "\n"); !strings.Contains(notes, row.notes) {
		t.Errorf("notes %q, want %q", notes, row.notes)
	}
	if len(v.Causes) > 0 && (!strings.Contains(v.Causes[0].Summary, row.says) || !strings.Contains(v.Causes[0].Change, row.advises)) {
		t.Errorf("got %q, change %q; want %q and %q", v.Causes[0].Summary, v.Causes[0].Change, row.says, row.advises)
	}
}
