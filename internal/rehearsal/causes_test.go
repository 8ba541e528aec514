package rehearsal

import (
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

func disallowed(hosts ...string) *django {
	return &django{
		Version: "5.2", SettingsModule: "mysite.settings", AllowedHosts: hosts, Asked: true, Status: 400,
		Raised: []raised{{Type: "django.core.exceptions.DisallowedHost", Bases: []string{"django.core.exceptions.DisallowedHost", "builtins.Exception"}}},
	}
}

const bootFailure = `[2026-01-01 00:00:00 +0000] [12] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/tmp/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 700, in spawn_worker
    worker.init_process()
  File "/tmp/venv/lib/python3.13/site-packages/gunicorn/util.py", line 420, in import_app
    mod = importlib.import_module(module)
FAILURE
[2026-01-01 00:00:00 +0000] [12] [INFO] Worker exiting (pid: 12)
[2026-01-01 00:00:00 +0000] [10] [ERROR] Shutting down: Master
[2026-01-01 00:00:00 +0000] [10] [ERROR] Reason: Worker failed to boot.
`

func boot(failure string) facts {
	return facts{
		Last: answer{StatusCode: 502, Body: nginxPage}, Exits: []exit{{Code: 3}}, AppPort: 8000,
		AppLog: strings.Replace(bootFailure, "FAILURE", failure, 1),
	}
}

const nginxPage = "<html><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"

func TestCausesFromFacts(t *testing.T) {
	yes, no := true, false
	for name, test := range map[string]struct {
		facts   facts
		https   *bool
		command string
		id      string
		says    string // in the summary
		advises string // in the change
		second  string // id of a second cause
	}{
		"host":                  {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("www.example.com", ".example.org")}, id: "allowed-hosts", says: "which has: www.example.com, .example.org", advises: "wrapper"},
		"no host at all":        {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed()}, id: "allowed-hosts", says: "which is empty"},
		"one empty host":        {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("")}, id: "allowed-hosts", says: `which has: ""; "" is what split(",") makes of a variable that is empty or not set)`, advises: "wrapper"},
		"an empty host too":     {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("www.example.com", "")}, id: "allowed-hosts", says: `which has: www.example.com, ""; `, advises: "wrapper"},
		"host with port":        {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("10.0.1.23:80")}, id: "allowed-hosts", advises: "has a port"},
		"host with newline":     {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("10.0.1.23\n")}, id: "allowed-hosts", says: `"10.0.1.23"`, advises: "white space"},
		"hosts in one":          {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("a.example,10.0.1.23")}, id: "allowed-hosts", says: `"a.example,10.0.1.23"`, advises: "split it"},
		"glob":                  {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("10.0.1.*")}, id: "allowed-hosts", advises: "no patterns"},
		"range":                 {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("10.0.0.0/16")}, id: "allowed-hosts", advises: "no ranges"},
		"error page":            {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("<html>401 - Unauthorized</html>")}, id: "allowed-hosts", advises: "without a session token"},
		"nothing from metadata": {facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("www.example.com", "None")}, id: "allowed-hosts", advises: "got nothing"},
		"several names, and commas are wanted": {
			facts: facts{Last: answer{StatusCode: 400}, Django: disallowed("www.example.com 10.0.1.23")}, id: "allowed-hosts", says: `"www.example.com 10.0.1.23"`, advises: "AllowedHostsSeparator",
		},
		"host, in the settings' own words": {
			facts: func() facts {
				f := facts{Last: answer{StatusCode: 400}, Django: disallowed("www.example.com")}
				f.Django.SettingsModule, f.Django.AddressIn = "shop.settings.production", []string{"DJANGO_HOSTS", "INSTANCE_IP"}
				return f
			}(),
			id: "allowed-hosts", advises: `the settings do not take it from there: in shop.settings.production write: ALLOWED_HOSTS = os.environ.get("DJANGO_HOSTS", "").split(","); the names that it has now (www.example.com) go into domains (cdk.json) or Hosts (`,
		},
		"a page for the error that fails too": {
			facts: facts{Last: answer{StatusCode: 500}, Django: disallowed("www.example.com")}, id: "allowed-hosts", says: "500: 10.0.1.23 is not in ALLOWED_HOSTS (which has: www.example.com)",
		},
		"app not asked": {facts: facts{Last: answer{StatusCode: 400}}, id: "bad-request", says: "10.0.1.23"},
		"other bad request": {
			facts: facts{Last: answer{StatusCode: 400}, Django: &django{View: "shop.views.up", Raised: []raised{{Message: "no session", Bases: []string{"django.core.exceptions.BadRequest"}}}}},
			id:    "bad-request", says: "shop.views.up: no session",
		},
		"TLS on the port": {facts: facts{Last: answer{StatusCode: 400, Body: "The plain HTTP request was sent to HTTPS port"}}, id: "process-protocol"},

		"HTTPS": {
			facts: facts{Last: answer{StatusCode: 301, Location: "https://10.0.1.23/healthz/"}, Django: &django{AnsweredBy: "django.middleware.security.SecurityMiddleware"}},
			https: &yes, id: "https-redirect", says: "SECURE_SSL_REDIRECT", advises: `r"^healthz/$"`,
		},
		"HTTPS without a listener": {
			facts: facts{Last: answer{StatusCode: 301, Location: "https://10.0.1.23/healthz/"}, Django: &django{AnsweredBy: "django.middleware.security.SecurityMiddleware"}},
			https: &no, id: "https-redirect", second: "https-without-listener",
		},
		"SECURE_SSL_HOST": {
			facts: facts{Last: answer{StatusCode: 301, Location: "https://www.example.com/healthz/"}, Django: &django{SSLHost: "www.example.com", AnsweredBy: "django.middleware.security.SecurityMiddleware"}},
			id:    "https-redirect", says: "SECURE_SSL_HOST",
		},
		"slash": {
			facts: facts{Last: answer{StatusCode: 301, Location: "/healthz//"}, Django: &django{AnsweredBy: "django.middleware.common.CommonMiddleware"}},
			id:    "slash-redirect",
		},
		"www": {
			facts: facts{Last: answer{StatusCode: 301, Location: "http://www.10.0.1.23/healthz/"}, Django: &django{PrependWWW: true, AnsweredBy: "django.middleware.common.CommonMiddleware"}},
			id:    "www-redirect", says: "PREPEND_WWW",
		},
		"log in": {
			facts: facts{Last: answer{StatusCode: 302, Location: "/accounts/login/?next=/healthz/"}, Django: &django{AnsweredBy: "django.contrib.auth.middleware.LoginRequiredMiddleware"}},
			id:    "middleware-redirect", says: "LoginRequiredMiddleware",
		},
		"language": {
			facts: facts{Last: answer{StatusCode: 302, Location: "/pt-br/healthz/"}, Django: &django{Middleware: []string{"django.middleware.locale.LocaleMiddleware"}}},
			id:    "language-redirect", says: "LocaleMiddleware", advises: `path("healthz/"`,
		},
		"language by a view": {
			facts: facts{Last: answer{StatusCode: 302, Location: "/en/healthz/"}, Django: &django{View: "shop.views.home", Middleware: []string{"django.middleware.locale.LocaleMiddleware"}}},
			id:    "view-redirect", says: "shop.views.home",
		},
		"HTTPS by nginx": {
			facts: facts{Last: answer{StatusCode: 301, Location: "http://other.example/", Body: strings.Replace(nginxPage, "502 Bad Gateway", "301", 1)}, Django: &django{Status: 200, AnsweredBy: "x"}},
			id:    "proxy-redirect",
		},

		"static path": {facts: facts{Last: answer{StatusCode: 404, Body: nginxPage}}, id: "static-path"},
		"404 by view": {facts: facts{Last: answer{StatusCode: 404}, Django: &django{View: "shop.views.page"}}, id: "view-404", says: "shop.views.page"},
		"taken by a pattern for any path": {
			facts: facts{Last: answer{StatusCode: 404}, Django: &django{View: "cms.views.page", Route: "<path:url>", RootURLConf: "shop.urls"}},
			id:    "path-not-routed", says: `(in shop.urls): the view cms.views.page, whose pattern "<path:url>" takes any path, found nothing`, advises: `path("healthz/"`,
		},
		"a pattern of its own": {facts: facts{Last: answer{StatusCode: 404}, Django: &django{View: "shop.views.page", Route: "healthz/<str:part>"}}, id: "view-404"},
		"taken by a pattern for any path, which raises": {
			facts: facts{Last: answer{StatusCode: 500}, Django: &django{View: "cms.views.page", Route: "^(.*)$", Raised: []raised{{
				Type: "django.db.utils.OperationalError", Message: "no such table: cms_page", Bases: []string{"django.db.utils.OperationalError", "django.db.utils.DatabaseError"},
			}}}},
			id: "path-not-routed", says: "raised django.db.utils.OperationalError: no such table: cms_page", second: "database-not-migrated",
		},
		"no route":     {facts: facts{Last: answer{StatusCode: 404}, Django: &django{RootURLConf: "shop.urls"}}, id: "path-not-routed", says: "shop.urls", advises: `path("healthz/"`},
		"forbidden":    {facts: facts{Last: answer{StatusCode: 403}, Django: &django{View: "shop.views.up"}}, id: "status-code", says: "403: answered by the view shop.views.up"},
		"out of range": {facts: facts{Last: answer{StatusCode: 204}}, id: "status-code", says: "the success codes are 200"},

		"missing table": {
			facts: facts{Last: answer{StatusCode: 500}, Django: &django{View: "shop.views.up", Raised: []raised{{
				Type: "django.db.utils.ProgrammingError", Message: `relation "shop_item" does not exist`, Bases: []string{"django.db.utils.ProgrammingError", "django.db.utils.DatabaseError"},
			}}}},
			id: "database-not-migrated", advises: "Migrate",
		},
		"database away": {
			facts: facts{Last: answer{StatusCode: 500}, Django: &django{View: "shop.views.up", Databases: []database{{Alias: "default", Host: "db.internal", Port: "5432"}}, Raised: []raised{{
				Type: "django.db.utils.OperationalError", Message: "connection refused\nIs the server running?", Bases: []string{"django.db.utils.OperationalError", "django.db.utils.DatabaseError"},
			}}}},
			id: "database-unreachable", says: "db.internal:5432",
		},
		"database without a host": {
			facts: facts{Last: answer{StatusCode: 500}, Django: &django{View: "shop.views.up", Databases: []database{{Alias: "default", Engine: "django.db.backends.postgresql", Port: "5432"}}, Raised: []raised{{
				Type: "django.db.utils.OperationalError", Message: "No such file or directory", Bases: []string{"django.db.utils.OperationalError"},
			}}}},
			id: "database-unreachable", says: "the database cannot be asked", advises: `DATABASES["default"] of settings.py names no HOST`,
		},
		"static manifest": {
			facts: facts{Last: answer{StatusCode: 500}, Django: &django{View: "shop.views.home", Raised: []raised{{Type: "ValueError", Message: "Missing staticfiles manifest entry for 'a.css'"}}}},
			id:    "static-files-missing", advises: "CollectStatic",
		},
		"raised in middleware": {
			facts: facts{Last: answer{StatusCode: 500}, Django: &django{AnsweredBy: "shop.middleware.Tenant", Raised: []raised{{Type: "KeyError", Message: "'tenant'"}}}},
			id:    "view-raised", says: "KeyError: 'tenant', raised before a view ran",
		},
		"500 that only the log explains": {facts: facts{Last: answer{StatusCode: 500}, AppLog: "Traceback (most recent call last):\n  File \"x\", line 1\nOSError: disk full\n"}, id: "server-error", says: "OSError: disk full"},

		"not installed":       {facts: boot("ModuleNotFoundError: No module named 'requests'"), id: "missing-dependency", says: "requests", advises: "requirements.txt"},
		"no longer in Python": {facts: boot("ModuleNotFoundError: No module named 'distutils.util'"), id: "python-version", says: "distutils.util, which Python has no longer since 3.12"},
		"no such application": {facts: boot("ModuleNotFoundError: No module named 'shop'"), command: "gunicorn shop.wsgi", id: "wsgi-path", says: "shop.wsgi", advises: "mysite.wsgi"},
		"file as application": {facts: boot("ImportError: Failed to find application, did you mean 'mysite/wsgi:application'?"), command: "gunicorn mysite/wsgi.py", id: "wsgi-path", says: "mysite/wsgi.py"},
		"no such object":      {facts: boot("gunicorn.errors.AppImportError: Failed to find attribute 'app' in 'mysite.wsgi'."), command: "gunicorn mysite.wsgi:app", id: "wsgi-path", says: "app"},
		"no such settings": {
			facts: func() facts {
				f := boot("ModuleNotFoundError: No module named 'shop'")
				f.Django = &django{SettingsModule: "shop.settings"}
				return f
			}(),
			id: "settings-module", says: "shop.settings", advises: "DJANGO_SETTINGS_MODULE",
		},
		"variable":             {facts: boot("KeyError: 'DJANGO_SECRET'"), id: "missing-variable", says: "DJANGO_SECRET"},
		"variable of environ":  {facts: boot("django.core.exceptions.ImproperlyConfigured: Set the DATABASE_URL environment variable"), id: "missing-variable", says: "DATABASE_URL"},
		"variable of decouple": {facts: boot("decouple.UndefinedValueError: SECRET_KEY not found. Declare it as envvar or define a default value."), id: "missing-variable", says: "SECRET_KEY"},
		"variable of environs": {facts: boot(`environs.exceptions.EnvError: Environment variable "DB_PASSWORD" not set`), id: "missing-variable", says: "DB_PASSWORD"},
		"variable of pydantic": {
			facts: boot("pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\nstripe_key\n  Field required [type=missing]"),
			id:    "missing-variable", says: "STRIPE_KEY",
		},
		"variable, in own words": {facts: boot("RuntimeError: SHOP_API_TOKEN must be set in production"), id: "missing-variable", says: "SHOP_API_TOKEN", advises: "--set SHOP_API_TOKEN="},
		"no settings at all": {
			facts: boot("django.core.exceptions.ImproperlyConfigured: Requested setting LOGGING_CONFIG, but settings are not configured. You must either define the environment variable " +
				"DJANGO_SETTINGS_MODULE or call settings.configure() before accessing settings."),
			command: "gunicorn shop.wsgi", id: "settings-module", says: "DJANGO_SETTINGS_MODULE is not set", advises: `os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")`,
		},
		"setting that is required":   {facts: boot("django.core.exceptions.ImproperlyConfigured: The STATIC_ROOT setting is required to collect files"), id: "worker-boot", says: "The STATIC_ROOT setting"},
		"setting, in own words":      {facts: boot("RuntimeError: STATIC_ROOT must be set"), id: "worker-boot", says: "STATIC_ROOT must be set"},
		"setting of another package": {facts: boot("django.core.exceptions.ImproperlyConfigured: AWS_STORAGE_BUCKET_NAME must be set"), id: "worker-boot", says: "AWS_STORAGE_BUCKET_NAME"},
		"word in capitals":           {facts: boot("RuntimeError: the AWS_S3 bucket is required to be in eu-central-1"), id: "worker-boot", says: "the AWS_S3 bucket"},
		"variable that is set":       {facts: boot("RuntimeError: environment variable SHOP_STAGE must be set to live or test"), id: "worker-boot", says: "SHOP_STAGE"},
		"key that is no variable":    {facts: boot("KeyError: 'SHOP_STAGE'"), id: "worker-boot", says: "KeyError: 'SHOP_STAGE'"},
		"variable of the environment, in own words": {
			facts: boot("django.core.exceptions.ImproperlyConfigured: Please define the environment variable 'SHOP_DB'."), id: "missing-variable", says: "SHOP_DB",
		},
		"variable that is required":    {facts: boot("ValueError: SHOP_TOKEN is required"), id: "missing-variable", says: "SHOP_TOKEN"},
		"variable behind the word":     {facts: boot("ValueError: Missing required environment variables: SHOP_TOKEN, SHOP_KEY"), id: "missing-variable", says: "SHOP_TOKEN"},
		"variable that is missing":     {facts: boot("ValueError: missing SHOP_TOKEN"), id: "missing-variable", says: "SHOP_TOKEN"},
		"variable of a name of Django": {facts: boot("ValueError: EMAIL_HOST environment variable not set"), id: "missing-variable", says: "EMAIL_HOST"},
		"variable that a file has":     {facts: boot("KeyError: 'SHOP_KEY'"), id: "missing-variable", says: "SHOP_KEY", advises: "deploy/.env.prod, where it may be set"},
		"secret key":                   {facts: boot("django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty."), id: "secret-key", advises: `os.environ["SECRET_KEY"]`},
		"driver of the database":       {facts: boot("django.core.exceptions.ImproperlyConfigured: Error loading psycopg2 or psycopg module"), id: "missing-dependency", says: "psycopg2 or psycopg"},
		"database at import":           {facts: boot("django.db.utils.OperationalError: connection to server at \"10.1.1.1\" failed: timeout expired"), id: "database-unreachable", says: "while it is imported"},
		"table at import":              {facts: boot("django.db.utils.ProgrammingError: relation \"shop_setting\" does not exist"), id: "database-not-migrated", says: "shop_setting"},
		"workers that end": {
			facts: facts{Last: answer{TimedOut: true}, AppLog: strings.Repeat("[2026-01-01 00:00:00 +0000] [7] [INFO] Booting worker with pid: 8\nno configuration at /etc/shop.toml\n"+
				"[2026-01-01 00:00:00 +0000] [7] [ERROR] Worker (pid:8) exited with code 1.\n", 3)},
			id: "worker-boot", says: "no configuration at /etc/shop.toml (its workers end with exit code 1, again and again)",
		},
		"workers out of memory": {
			facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, AppLog: strings.Repeat("[2026-01-01 00:00:00 +0000] [7] [ERROR] Worker (pid:8) was sent SIGKILL! Perhaps out of memory?\n", 3)},
			id:    "worker-boot", says: "ended by SIGKILL, again and again",
		},
		"syntax":      {facts: boot("SyntaxError: invalid syntax"), id: "worker-boot", says: "SyntaxError"},
		"killed":      {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, Exits: []exit{{Code: -1, Signal: "killed"}}}, id: "worker-boot", says: "ended by a signal: killed"},
		"no command":  {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, Exits: []exit{{Code: 127}}, AppLog: "/bin/sh: 1: uvicorn: not found\n"}, id: "command-not-found", says: "uvicorn"},
		"port in use": {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, Exits: []exit{{Code: 1}}, AppLog: "[ERROR] Connection in use: ('127.0.0.1', 8000)\n"}, id: "port-taken"},

		"other port":               {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, AppPort: 8000, Listening: []int{8080}}, id: "port-mismatch", says: "8080", advises: "PORT to 8080"},
		"other port, and the host": {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, AppPort: 8000, Listening: []int{8080}, Django: disallowed("a.example")}, id: "port-mismatch"},
		"no port":                  {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, AppPort: 8000, NginxLog: "connect() failed (111: Connection refused)"}, id: "nothing-listens", says: "127.0.0.1:8000"},
		"worker died":              {facts: facts{Last: answer{StatusCode: 502, Body: nginxPage}, AppPort: 8000, NginxLog: "upstream prematurely closed connection"}, id: "worker-died"},
		"process port":             {facts: facts{Port: 8080, Last: answer{Error: "connection refused"}}, id: "process-port", says: "8080"},
		"slow":                     {facts: facts{Last: answer{TimedOut: true}, Django: &django{Hang: "Thread 0x1 (most recent call first):\n  File \"/v/lib/python3.13/site-packages/psycopg/x.py\", line 9 in connect\n  File \"/app/shop/views.py\", line 12 in up\n"}}, id: "timeout", says: "up (/app/shop/views.py, line 12)"},
		"a worker that ended once": {facts: facts{Last: answer{TimedOut: true}, AppLog: "[2026-03-01 12:00:00 +0000] [9] [ERROR] Worker (pid:11) was sent SIGKILL!\n"}, id: "timeout"},
		"workers that a slow view ends": {facts: facts{Last: answer{TimedOut: true}, AppLog: strings.Repeat("[2026-03-01 12:00:00 +0000] [9] [ERROR] Worker (pid:11) was sent SIGABRT!\n", 3),
			Django: &django{Hang: "Thread 0x1 (most recent call first):\n  File \"/app/shop/views.py\", line 12 in up\n"}}, id: "timeout"},
		"no free worker": {facts: facts{Last: answer{TimedOut: true}, Django: &django{View: "shop.views.up", Status: 200}}, id: "timeout", says: "no worker is free", advises: "NumThreads"},
		"nginx":          {facts: facts{NginxExit: `nginx: [emerg] unknown directive "proxy" in /etc/nginx/conf.d/x.conf:1`}, id: "proxy-configuration", says: `unknown directive "proxy"`},
		"deployment":     {facts: facts{Deployment: &failure{Command: "container command 01_migrate", How: "exit status 1"}}, id: "deployment-command", says: "01_migrate"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.facts.Port == 0 {
				test.facts.Port = 80
			}
			got := causes(test.facts, situation{
				check: health.Check{Path: "/healthz/", SuccessCodes: "200", Timeout: 5e9}, command: test.command, address: "10.0.1.23", https: test.https,
				applications: []string{"mysite.wsgi"}, requirements: true, leftOut: []string{"db.sqlite3", "deploy/.env.prod"},
				set:       []string{"DJANGO_HOSTS", "SHOP_STAGE"},
				variables: overlay.Variables{AllowedHosts: "DJANGO_HOSTS", AllowedHostsSeparator: ","},
			})
			if len(got) == 0 || got[0].ID != test.id {
				t.Fatalf("got %+v, want %s", got, test.id)
			}
			if c := got[0]; !strings.Contains(c.Summary, test.says) || !strings.Contains(c.Change, test.advises) || strings.Contains(c.Summary, "\n") {
				t.Errorf("got %q, change %q; want %q and %q", c.Summary, c.Change, test.says, test.advises)
			}
			if second := ""; len(got) > 1 || test.second != "" {
				if len(got) > 1 {
					second = got[1].ID
				}
				if second != test.second {
					t.Errorf("second cause %q, want %q", second, test.second)
				}
			}
		})
	}
}

func TestShorten(t *testing.T) {
	trace := `Traceback (most recent call last):
  File "/venv/lib/python3.13/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
               ~~~~~~~~~~~~^^^^^^^^^
  File "/venv/lib/python3.13/site-packages/django/core/handlers/base.py", line 197, in _get_response
    response = wrapped_callback(request)
  File "/var/app/current/shop/views.py", line 9, in up
    item.save()
  File "/venv/lib/python3.13/site-packages/django/db/models/base.py", line 1, in save
    a()
  File "/venv/lib/python3.13/site-packages/django/db/models/base.py", line 2, in a
    b()
  File "/venv/lib/python3.13/site-packages/django/db/models/base.py", line 3, in b
    raise ValueError("no")
ValueError: no`
	want := `Traceback (most recent call last):
  …
  File "/var/app/current/shop/views.py", line 9, in up
    item.save()
  …
  File "/venv/lib/python3.13/site-packages/django/db/models/base.py", line 2, in a
    b()
  File "/venv/lib/python3.13/site-packages/django/db/models/base.py", line 3, in b
    raise ValueError("no")
ValueError: no`
	if got := shorten(trace); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
