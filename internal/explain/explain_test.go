package explain

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// site is a small project that does everything right.
var site = map[string]string{
	"manage.py":        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
	"requirements.txt": "django\ngunicorn\n",
	"shop/__init__.py": "",
	"shop/wsgi.py":     "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
	"shop/settings.py": `
import os
DEBUG = False
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split()
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    'django.middleware.common.CommonMiddleware',  # and no more
]
ROOT_URLCONF = "shop.urls"
`,
	"shop/urls.py": `
from django.urls import include, path
from . import views
urlpatterns = [
    path("", views.index),
    path("healthz/", views.health),
]
`,
	"shop/views.py": `
from django.http import HttpResponse
from django.shortcuts import render
from .models import Product

def index(request):
    return render(request, "index.html", {"products": Product.objects.all()})

def health(request):
    """Product.objects.count() is not asked."""
    return HttpResponse("ok")
`,
	"shop/models.py": "from django.db import models\nclass Product(models.Model):\n    name = models.TextField()\n",
}

func with(files map[string]string, more ...string) map[string]string {
	files = maps.Clone(files)
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// replaced is the site with one text in one file replaced.
func replaced(t *testing.T, file, old, new string) map[string]string {
	t.Helper()
	if !strings.Contains(site[file], old) {
		t.Fatalf("%s has no %q", file, old)
	}
	return with(site, file, strings.Replace(site[file], old, new, 1))
}

// lay writes files and lays the wrapper over them.
func lay(t *testing.T, files map[string]string, config *overlay.Config) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if config == nil {
		return dir
	}
	source, err := config.Lay(bundle.Source{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	zip, err := os.Create(filepath.Join(t.TempDir(), "bundle.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(source.WriteZip(zip), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return zip.Name()
}

var wrapper = &overlay.Config{WSGIApplication: "shop.wsgi"}

// settingsOf are option settings written as "Option=value" of the default process, or "namespace Option=value".
func settingsOf(t *testing.T, lines ...string) []option.Setting {
	t.Helper()
	var settings []option.Setting
	for _, line := range lines {
		name, value, ok := strings.Cut(line, "=")
		namespace, option1, both := strings.Cut(name, " ")
		if !ok {
			t.Fatalf("setting %q", line)
		}
		if !both {
			namespace, option1 = processNamespace, name
		}
		settings = append(settings, option.Setting{Namespace: namespace, OptionName: option1, Value: value, Unresolved: value == ""})
	}
	return settings
}

var usual = []string{"HealthCheckPath=/healthz/", "MatcherHTTPCode=200-301", groupNamespace + " MinSize=2"}

func TestTexts(t *testing.T) {
	never, always := false, true
	for name, in := range map[string]struct {
		files  map[string]string
		config *overlay.Config
		more   []string
		https  *bool
		tier   option.Tier
	}{
		"right":           {site, wrapper, nil, &always, ""},
		"strict":          {site, wrapper, []string{"MatcherHTTPCode=200", "HealthCheckInterval=10", "HealthCheckTimeout=3", "UnhealthyThresholdCount=2", "HealthyThresholdCount=2"}, &always, ""},
		"not-exempt":      {replaced(t, "shop/settings.py", "healthz", "other"), wrapper, nil, &always, ""},
		"no-listener":     {site, wrapper, nil, &never, ""},
		"platform":        {site, nil, []string{"HealthCheckPath=/", "MatcherHTTPCode=200", groupNamespace + " MinSize=1", pythonNamespace + " WSGIPath=shop.wsgi"}, nil, ""},
		"deep":            {with(site, "shop/views.py", "from django.db import connection\nfrom django.http import HttpResponse\n\ndef index(request): pass\n\ndef check():\n    with connection.cursor() as c:\n        c.execute('SELECT 1')\n\ndef health(request):\n    check()\n    return HttpResponse()\n", ".ebextensions/asg.config", "Resources:\n  AWSEBAutoScalingGroup:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    Properties:\n      HealthCheckType: ELB\n"), wrapper, nil, nil, ""},
		"no-project":      {map[string]string{"Procfile": "web: bash start.sh\n", "cron.yaml": ""}, nil, nil, nil, ""},
		"errors-count":    {site, wrapper, []string{"MatcherHTTPCode=200-404"}, nil, ""},
		"proxy-answers":   {with(site, ".platform/nginx/conf.d/elasticbeanstalk/health.conf", "location = /healthz/ {\n  return 204;\n}\n"), wrapper, nil, nil, ""},
		"single-instance": {with(site, "cron.yaml", ""), wrapper, []string{"aws:elasticbeanstalk:environment EnvironmentType=SingleInstance", "aws:elasticbeanstalk:healthreporting:system SystemType=enhanced"}, &never, ""},
		"worker":          {with(site, "cron.yaml", ""), wrapper, []string{workerNamespace + " HttpPath=/jobs/", workerNamespace + " MaxRetries=3", propertiesNamespace + " ALLOWED_HOSTS=localhost"}, nil, option.Worker},
		"worker-refuses":  {replaced(t, "shop/settings.py", `os.environ.get("ALLOWED_HOSTS", "").split()`, `["www.example.com"]`), wrapper, []string{workerNamespace + " WorkerQueueURL=https://sqs.eu-west-1.amazonaws.com/1/jobs"}, nil, option.Worker},
		"hosts-in-files":  {replaced(t, "shop/settings.py", `os.environ.get("ALLOWED_HOSTS", "").split()`, `["www.example.com", ".example.org"]`), wrapper, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := New(Input{Bundle: lay(t, in.files, in.config), Settings: settingsOf(t, append(usual[:3:3], in.more...)...), HTTPS: in.https, Tier: in.tier})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := x.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", &got, want)
			}
			for _, line := range strings.Split(got.String(), "\n") {
				if len([]rune(line)) > width {
					t.Errorf("wider than %d: %s", width, line)
				}
			}
		})
	}
}

// TestMysite holds that nothing is left to say about the project of this repository.
func TestMysite(t *testing.T) {
	source, err := (overlay.Config{WSGIApplication: "mysite.wsgi", Migrate: true, CollectStatic: true}).Lay(bundle.Source{Path: "../../examples/mysite"})
	if err != nil {
		t.Fatal(err)
	}
	zip, err := os.Create(filepath.Join(t.TempDir(), "bundle.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(source.WriteZip(zip), zip.Close()); err != nil {
		t.Fatal(err)
	}
	x, err := New(Input{Bundle: zip.Name(), Settings: settingsOf(t, append(usual, propertiesNamespace+" HEALTH_CHECK_PATH=/healthz/", propertiesNamespace+" SECURE_SSL_REDIRECT=true")...)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Answer{Yes, Yes, Yes, Yes, Yes, No} {
		if l := x.Layers[i]; l.Proved != want {
			t.Errorf("%s: %s (%s), want %s", l.Name, l.Proved, l.Why, want)
		}
	}
	if x.Drains != No || len(x.Warnings) > 0 || len(x.Notes) > 0 || !strings.Contains(x.Redirect, "Nothing now") || !strings.Contains(x.Host, "which the wrapper adds to ALLOWED_HOSTS") {
		t.Errorf("got %+v", x)
	}
}

func TestRedirect(t *testing.T) {
	const settings = "shop/settings.py"
	for _, test := range []struct {
		name  string
		files map[string]string
		more  []string
		want  answer
		by    string
	}{
		{"exempt", site, nil, no, ""},
		{"not exempt", replaced(t, settings, `SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]`, ""), nil, yes, "SECURE_SSL_REDIRECT is on"},
		{"exempt by a variable", replaced(t, settings, `[r"^healthz/$"]`, "patterns()"), nil, unknown, "unless SECURE_REDIRECT_EXEMPT has the path"},
		{"exempt by a property", replaced(t, settings, `[r"^healthz/$"]`, `[os.environ["HEALTH_CHECK_PATH"].strip("/")]`), []string{propertiesNamespace + " HEALTH_CHECK_PATH=/healthz/"}, no, ""},
		{"a pattern that Go cannot read", replaced(t, settings, `^healthz/$`, `^(?!x)healthz/$`), nil, unknown, ""},
		{"off", replaced(t, settings, `not DEBUG`, "False"), nil, no, ""},
		{"off by default", with(site, settings, "ROOT_URLCONF='shop.urls'\nMIDDLEWARE=['django.middleware.security.SecurityMiddleware']\n"), nil, no, ""},
		{"no SecurityMiddleware", with(site, settings, "ROOT_URLCONF='shop.urls'\nSECURE_SSL_REDIRECT=True\nMIDDLEWARE=[]\n"), nil, no, ""},
		{"by a property", replaced(t, settings, "not DEBUG\nSECURE_REDIRECT_EXEMPT = [r\"^healthz/$\"]", `os.getenv("TLS", "no") == "yes"`), []string{propertiesNamespace + " TLS=yes"}, yes, "(TLS=yes)"},
		{"by a property that is off", replaced(t, settings, "not DEBUG\nSECURE_REDIRECT_EXEMPT = [r\"^healthz/$\"]", `env.bool("TLS", default=True)`), []string{propertiesNamespace + " TLS=off"}, no, ""},
		{"by a property that nobody sets", replaced(t, settings, "not DEBUG\nSECURE_REDIRECT_EXEMPT = [r\"^healthz/$\"]", `env.bool("TLS", default=True)`), nil, unknown, "if SECURE_SSL_REDIRECT is on"},
		{"in a condition", replaced(t, settings, "SECURE_SSL_REDIRECT = not DEBUG\nSECURE_REDIRECT_EXEMPT = [r\"^healthz/$\"]", "if not DEBUG:\n    SECURE_SSL_REDIRECT = True"), nil, unknown, ""},
		{"settings from elsewhere", replaced(t, settings, "SECURE_SSL_REDIRECT = not DEBUG\nSECURE_REDIRECT_EXEMPT = [r\"^healthz/$\"]", "from company.settings import *"), nil, unknown, ""},
		{"settings of a base module", with(site, settings, "from .base import *\nSECURE_SSL_REDIRECT = True\n", "shop/base.py", site[settings]), nil, no, ""},
		{"settings that are tried", with(site, settings, site[settings]+"try:\n    from .local import *\nexcept ImportError:\n    pass\n"), nil, no, ""},
		{"no slash", replaced(t, settings, `not DEBUG`, "False"), []string{"HealthCheckPath=/healthz"}, yes, "CommonMiddleware redirects to /healthz/"},
		{"no slash, APPEND_SLASH off", with(site, settings, site[settings]+"APPEND_SLASH = False\nSECURE_SSL_REDIRECT = False\n"), []string{"HealthCheckPath=/healthz"}, no, ""},
		{"www", with(site, settings, site[settings]+"PREPEND_WWW = True\n"), nil, yes, "PREPEND_WWW"},
		{"the rule of nginx", with(replaced(t, settings, `SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]`, `SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")`),
			".platform/nginx/conf.d/elasticbeanstalk/h.conf", "location = /healthz/ {\n proxy_pass http://127.0.0.1:8000;\n proxy_set_header Host x.example.com;\n proxy_set_header X-Forwarded-Proto https;\n}\n"), nil, no, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sightOf(t, test.files, nil, test.more...)
			if s.redirect != test.want || !strings.Contains(s.by, test.by) {
				t.Errorf("got %s by %q, want %s by %q", s.redirect.public(), s.by, test.want.public(), test.by)
			}
		})
	}
}

// sightOf is what is seen of files.
func sightOf(t *testing.T, files map[string]string, config *overlay.Config, more ...string) sight {
	t.Helper()
	reader, err := bundle.Source{Path: lay(t, files, config)}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	e := &environment{bundle: reader, settings: option.Merge(settingsOf(t, usual...), settingsOf(t, pythonNamespace+" WSGIPath=shop.wsgi"), settingsOf(t, more...))}
	if err := e.read(); err != nil {
		t.Fatal(err)
	}
	e.readProcfile()
	e.readProxy()
	return e.look()
}

func TestRoutes(t *testing.T) {
	const head = "from django.urls import *\nfrom django.contrib import admin\nfrom shop import views\nfrom shop.views import health\n"
	for _, test := range []struct {
		urls string
		more map[string]string
		path string
		want answer
		view string
	}{
		{urls: "urlpatterns = [path('healthz/', health, name='h')]", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('healthz/', views.health)]", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('healthz', health)]", want: no},
		{urls: "urlpatterns = [path('<slug:s>/', views.index), path('healthz/', health)]", want: yes, view: "shop.views.index"},
		{urls: "urlpatterns = [path('<int:s>/', views.index), re_path(r'^healthz/?$', health)]", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('a/', include([path('healthz/', health)]))]", path: "/a/healthz/", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('', include('shop.more'))]", more: map[string]string{"shop/more.py": "from shop.views import health\nurlpatterns = [path('healthz/', health)]"}, want: yes, view: "shop.views.health"},
		{urls: "import shop.more\nurlpatterns = [path('', include(shop.more))]", more: map[string]string{"shop/more.py": "from shop.views import health\nurlpatterns = [path('healthz/', health)]"}, want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('', include(('shop.more', 'more'), namespace='m'))]", more: map[string]string{"shop/more.py": "urlpatterns = []"}, want: no},
		{urls: "urlpatterns = [path('healthz/', include('health_check.urls'))]", want: unknown, view: "one of health_check.urls"},
		{urls: "urlpatterns = [path('api/', include('rest.urls'))]", want: no},
		{urls: "urlpatterns = [path('api/', include(router.urls)), path('admin/', admin.site.urls)]", want: no},
		{urls: "urlpatterns = [path('', include(router.urls))]", want: unknown},
		{urls: "urlpatterns = [path(PATH, health)]", want: unknown},
		{urls: "urlpatterns = [path(settings.HEALTH, health)]", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('healthz/', csrf_exempt(never_cache(health)))]", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('healthz/', views.Health.as_view())]", want: yes, view: "shop.views.Health"},
		{urls: "urlpatterns = [path('healthz/', lambda request: HttpResponse())]", want: yes, view: "a lambda"},
		{urls: "urlpatterns = [path('admin/', admin.site.urls)]", path: "/admin/x/", want: yes, view: "one of django.contrib.admin"},
		{urls: "urlpatterns = []\nif settings.DEBUG:\n    urlpatterns += [path('x/', health)]", want: unknown},
		{urls: "urlpatterns = [\n    path('x/', views.index),\n] + [path('healthz/', health)]", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = i18n_patterns(path('x/', health))", want: no},
		{urls: "patterns = []", want: no},
		{urls: "own = [path('healthz/', health)]\nurlpatterns = [path('x/', views.index)] + own", want: yes, view: "shop.views.health"},
		{urls: "own = [path('healthz/', health)]\nurlpatterns = [path('a/', include(own))]", path: "/a/healthz/", want: yes, view: "shop.views.health"},
		{urls: "urlpatterns = [path('x/', views.index)] + router.urls", want: unknown},
		{urls: "urlpatterns = [path('x/', views.index)] + static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)", want: no},
		{urls: "a = [] + b\nb = [] + a\nurlpatterns = a", want: unknown},
	} {
		path := test.path
		if path == "" {
			path = "/healthz/"
		}
		files := with(site, "shop/urls.py", head+test.urls+"\n", "shop/settings.py", site["shop/settings.py"]+"HEALTH = os.environ['HEALTH_CHECK_PATH']\n")
		maps.Copy(files, test.more)
		s := sightOf(t, files, nil, "HealthCheckPath="+path, propertiesNamespace+" HEALTH_CHECK_PATH=/healthz/")
		if s.routed.found != test.want || s.view != test.view {
			t.Errorf("%s\n got %s, %q\nwant %s, %q", test.urls, s.routed.found.public(), s.view, test.want.public(), test.view)
		}
	}
}

func TestDatabase(t *testing.T) {
	for _, test := range []struct {
		name  string
		views string
		more  map[string]string
		want  answer
		why   string
	}{
		{name: "nothing", views: "def health(request):\n    # connection.cursor()\n    return HttpResponse('connection.cursor()')\n", want: no},
		{name: "JSON", views: "import json, time\nlog = logging.getLogger(__name__)\n@never_cache\ndef health(request):\n    log.info('asked')\n    data = {'t': time.time()}\n    data.update(x=1)\n    return JsonResponse(data, status=200)\n", want: no},
		{name: "a cursor", views: "def health(request):\n    connection.cursor().execute('SELECT 1')\n    return HttpResponse()\n", want: yes, why: "shop/views.py:11: connection.cursor()"},
		{name: "all connections", views: "def health(request):\n    for c in connections.all():\n        c.ensure_connection()\n", want: yes, why: "connections.all()"},
		{name: "a model", views: "def health(request):\n    return HttpResponse(Product.objects.count())\n", want: yes, why: "Product.objects.count()"},
		{name: "a function that asks", views: "def ping():\n    Product.objects.exists()\n\ndef health(request):\n    ping()\n", want: yes, why: "shop/views.py:11"},
		{name: "a function elsewhere", views: "def health(request):\n    from shop.checks import ping\n    ping()\n", more: map[string]string{"shop/checks.py": "from django.db import connection\ndef ping():\n    connection.ensure_connection()\n"}, want: yes, why: "shop/checks.py:3"},
		{name: "a package", views: "def health(request):\n    redis.Redis().ping()\n    return HttpResponse()\n", want: unknown, why: "redis.Redis(), which is not in the bundle"},
		{name: "something else", views: "def health(request):\n    anything()\n", want: unknown, why: "anything(), which is not followed"},
		{name: "a class", views: "class health(View):\n    def get(self, request):\n        return HttpResponse(self.words())\n    def words(self):\n        return 'ok'\n", want: no},
		{name: "a class that asks", views: "class health(View):\n    def get(self, request):\n        return HttpResponse(Product.objects.first())\n", want: yes},
		{name: "a class of a package", views: "class health(health_check.views.MainView):\n    pass\n", want: unknown},
		{name: "a decorator of the project", views: "def deep(view):\n    connection.ensure_connection()\n    return view\n@deep\ndef health(request):\n    return HttpResponse()\n", want: yes},
		{name: "transactions", views: "def health(request):\n    return HttpResponse()\n", more: map[string]string{"shop/settings.py": site["shop/settings.py"] + "DATABASES = {'default': {'ATOMIC_REQUESTS': True}}\n"}, want: yes, why: "ATOMIC_REQUESTS"},
		{name: "a middleware", views: "def health(request):\n    return HttpResponse()\n", more: map[string]string{
			"shop/settings.py":   strings.Replace(site["shop/settings.py"], "MIDDLEWARE = [", "MIDDLEWARE = ['shop.middleware.Tenant',", 1),
			"shop/middleware.py": "from .models import Product\nclass Tenant:\n    def __init__(self, get_response):\n        self.get_response = get_response\n    def __call__(self, request):\n        request.p = Product.objects.first()\n        return self.get_response(request)\n",
		}, want: yes, why: "the middleware shop.middleware.Tenant: shop/middleware.py:6"},
		{name: "async", views: "async def health(request):\n    return HttpResponse()\n", want: no},
		{name: "circles", views: "def a():\n    b()\ndef b():\n    a()\ndef health(request):\n    a()\n    return HttpResponse()\n", want: no},
	} {
		t.Run(test.name, func(t *testing.T) {
			const head = `import logging
import redis, health_check.views
from django.db import connection, connections
from django.http import HttpResponse, JsonResponse
from django.views import View
from django.views.decorators.cache import never_cache
from .models import Product
def index(request):
    pass
`
			files := with(site, "shop/views.py", head+test.views)
			maps.Copy(files, test.more)
			s := sightOf(t, files, nil)
			if s.database.asks != test.want || !strings.Contains(s.database.why, test.why) {
				t.Errorf("got %s: %s\nwant %s: %s", s.database.asks.public(), s.database.why, test.want.public(), test.why)
			}
		})
	}
}

func TestWhoAnswersBefore(t *testing.T) {
	middleware := strings.Replace(site["shop/settings.py"], "MIDDLEWARE = [", "MIDDLEWARE = ['shop.health.Middleware', 'dockerflow.django.middleware.DockerflowMiddleware', 'company.Tracing',", 1)
	answers := "from django.http import HttpResponse\nclass Middleware:\n    def __init__(self, get_response):\n        self.get_response = get_response\n    def __call__(self, request):\n        if request.path == '/healthz/':\n            return HttpResponse('ok')\n        return self.get_response(request)\n"
	s := sightOf(t, with(site, "shop/settings.py", middleware, "shop/health.py", answers), nil)
	if !strings.Contains(s.early, "the middleware shop.health.Middleware (shop/health.py:2)") || s.earlyProxy {
		t.Errorf("early: %q", s.early)
	}
	if strings.Join(s.maybe, " ") != "dockerflow.django.middleware.DockerflowMiddleware" || strings.Join(s.unread, " ") != "company.Tracing" {
		t.Errorf("maybe %q, unread %q", s.maybe, s.unread)
	}
	if s := sightOf(t, site, nil, "HealthCheckPath=/static/ok.txt"); !s.earlyProxy {
		t.Error("a static file is the proxy's")
	}
}

func TestHosts(t *testing.T) {
	const settings, own = "shop/settings.py", `os.environ.get("ALLOWED_HOSTS", "").split()`
	for _, test := range []struct {
		name   string
		files  map[string]string
		config *overlay.Config
		want   answer
	}{
		{"the wrapper", site, wrapper, yes},
		{"another variable", replaced(t, settings, own, `env.list("HOSTS")`), &overlay.Config{WSGIApplication: "shop.wsgi", Variables: overlay.Variables{AllowedHosts: "HOSTS"}}, yes},
		{"a variable that the wrapper does not set", replaced(t, settings, own, `env.list("HOSTS")`), wrapper, unknown},
		{"the address apart", replaced(t, settings, own, `["www.example.com", os.environ.get("INSTANCE_IP", "")]`), wrapper, yes},
		{"no wrapper", site, nil, unknown},
		{"fixed", replaced(t, settings, own, `["www.example.com"]`), wrapper, no},
		{"everybody", replaced(t, settings, own, `["*"]`), nil, yes},
		{"Django's default", replaced(t, settings, "ALLOWED_HOSTS = "+own, ""), nil, no},
		{"nginx, unknown", site, &overlay.Config{WSGIApplication: "shop.wsgi", Strategy: overlay.NginxRewrite}, unknown},
		{"nginx, allowed", replaced(t, settings, own, `["`+overlay.HealthCheckHost+`"]`), &overlay.Config{WSGIApplication: "shop.wsgi", Strategy: overlay.NginxRewrite}, yes},
		{"nginx, refused", replaced(t, settings, own, `["www.example.com"]`), &overlay.Config{WSGIApplication: "shop.wsgi", Strategy: overlay.NginxRewrite}, no},
	} {
		if s := sightOf(t, test.files, test.config); s.hosts != test.want {
			t.Errorf("%s: %s (%s), want %s", test.name, s.hosts.public(), s.host, test.want.public())
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := New(Input{Bundle: "nowhere.zip"}); err == nil || !strings.Contains(err.Error(), `bundle: "nowhere.zip" does not exist`) {
		t.Errorf("got %v", err)
	}
	var refused RefusedError
	_, err := New(Input{Bundle: lay(t, site, nil), Settings: settingsOf(t, "HealthCheckInterval=3", "HealthyThresholdCount=many")})
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "Interval: 3s") || !strings.Contains(err.Error(), `HealthyThresholdCount: "many"`) {
		t.Errorf("got %v", err)
	}
	x, err := New(Input{Bundle: lay(t, site, nil), Settings: settingsOf(t, "HealthCheckPath=", "HealthCheckInterval=")})
	if err != nil || len(x.Notes) != 2 {
		t.Errorf("got %+v, %v", x, err)
	}
}

// FuzzPython: whatever stands in a project's files, they are read to an end.
func FuzzPython(f *testing.F) {
	for _, file := range []string{"shop/settings.py", "shop/urls.py", "shop/views.py"} {
		f.Add(site[file])
	}
	f.Add("from . import (a as b,\n c)\nx = f'{y}' \\\n + rb\"\"\"z\"\"\"; urlpatterns += [path('', include((a, 'b')))]\nclass A(B): pass\n\tasync def c(): d()")
	f.Fuzz(func(t *testing.T, source string) {
		p := &project{read: func(file string) ([]byte, error) {
			if strings.Count(file, "/") > 1 {
				return nil, os.ErrNotExist
			}
			return []byte(source), nil
		}, roots: []string{""}, properties: map[string]string{"A": "/healthz/"}, modules: map[string]*module{}}
		p.settings = p.readSettings("shop.settings")
		p.settings.exempt("/healthz/")
		p.settings.boolean("SECURE_SSL_REDIRECT", false)
		p.settings.strings("MIDDLEWARE")
		if r := p.route(p.module("shop.urls"), "healthz/", 0); r.found == yes && r.module != nil && r.outside == "" {
			if d, _, ok := p.view(r); ok {
				p.asks(d)
			}
		}
	})
}
