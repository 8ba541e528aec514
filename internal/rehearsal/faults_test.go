package rehearsal

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

// full says to run every row of a matrix instead of a selection.
func full() bool { return os.Getenv("BEANPOLE_TEST_FULL") != "" }

func text(s string) *string { return &s }

// The packages of the matrix, pinned, for every version of Django.
const matrixRequirements = `asgiref==3.12.1
certifi==2026.10.19.post1
charset-normalizer==3.5.3
django-allow-cidr==0.8.0
django-ebhealthcheck==2.0.2
django-environ==0.14.0
django-health-check==3.20.8
django-lb-health-check==1.0.1
gunicorn==27.0.1
idna==3.20
python-decouple==3.8
requests==2.34.2
sqlparse==0.6.1
urllib3==2.8.0
`

// djangos are the versions of the matrix, and the Python that each needs at least, "" for any.
var djangos = []struct {
	version string
	pythons []string
}{
	{"4.2.30", []string{""}},
	{"5.2.19", []string{""}},
	{"6.0.10", []string{"3.13", "3.12", "3.14", ""}},
}

// withDjango lays a version of Django into the files of a site and says with which Python it runs; ok is false if this machine
// has none for it.
func withDjango(t *testing.T, i int, files map[string]string) (python string, ok bool) {
	t.Helper()
	files["requirements.txt"] = "Django==" + djangos[i].version + "\n" + matrixRequirements
	for _, want := range djangos[i].pythons {
		py, err := findPython(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case want == "" && len(djangos[i].pythons) == 1:
			return "", true
		case want != "" && strings.HasPrefix(py.version, want+"."):
			return want, true
		case want == "":
			var minor int
			_, _ = fmt.Sscanf(py.version, "3.%d.", &minor)
			return "", minor >= 12
		}
	}
	return "", false
}

// How a metadata service can be.
var metadataFaults = []struct {
	name      string
	behaviour Metadata
	// What comes of it where the project asks the service itself: the last line's beginning, and the cause; of the settings of
	// old (IMDSv1, 10 ms), and of django-ebhealthcheck (IMDSv2, 100 ms, ten times).
	origin, originCause string
	eb, ebCause         string
}{
	{"answers", Metadata{AllowV1: true}, healthy, "", healthy, ""},
	{"version 2 only", Metadata{}, refused400, hosts, healthy, ""},
	{"token unanswered", Metadata{AllowV1: true, Fault: Unanswered}, notStarting, boots, notStarting, boots},
	{"refused", Metadata{Fault: Refused}, refused400, hosts, refused400, hosts},
	{"dropped", Metadata{Fault: Dropped}, refused400, hosts, refused400, hosts},
	{"50 ms late", Metadata{AllowV1: true, Delay: 50 * time.Millisecond}, notStarting, boots, "", ""}, // 50 ms of the package's 100 are a race on a busy machine
	{"5 s late", Metadata{AllowV1: true, Delay: 5 * time.Second}, notStarting, boots, notStarting, boots},
	{"500", Metadata{AllowV1: true, Status: 500}, refused400, hosts, refused400, hosts},
	{"HTML", Metadata{AllowV1: true, Address: text("<html><body>captive portal</body></html>")}, refused400, hosts, refused400, hosts},
	{"empty", Metadata{AllowV1: true, Address: text("")}, refused400, hosts, refused400, hosts},
	{"IPv6", Metadata{AllowV1: true, Address: text("2001:db8::5")}, refused400, hosts, refused400, hosts},
	{"two addresses", Metadata{AllowV1: true, Address: text("10.0.1.23\n10.0.1.24")}, refused400, hosts, refused400, hosts},
	{"recovers", Metadata{AllowV1: true, Delay: 5 * time.Second, Recovers: 3 * time.Second}, healthy, "", "", ""}, // that of the package is a race with systemd's limit
}

const (
	healthy     = "verdict: healthy by 200"
	refused400  = "verdict: unhealthy: 400"
	notStarting = "verdict: unhealthy: the app does not start"
	hosts       = "allowed-hosts"
	boots       = "worker-boot"
)

// laid is testdata/site with what beanpole lays over a project.
func laid(t *testing.T, config overlay.Config, files map[string]string) string {
	t.Helper()
	config.WSGIApplication = "mysite.wsgi"
	source, err := config.Lay(bundle.Source{Path: site(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(t.TempDir(), "*.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := source.WriteZip(file); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

// The code of old: the metadata service asked while settings.py is imported, by version 1, whatever the status of its
// answer, for 10 ms at most, and only a connection that fails is expected. TIMEOUT is longer in rows where the service
// answers: a busy machine must not decide them.
const originSettings = `
import requests

def local_ipv4():
    try:
        return requests.get("http://169.254.169.254/latest/meta-data/local-ipv4", timeout=TIMEOUT).text
    except requests.exceptions.ConnectionError:
        return None

ALLOWED_HOSTS = ["www.example.com", local_ipv4()]
`

// approaches are the ways in which projects get past a health check that names the instance's address.
var approaches = []struct {
	name string
	// asks says that a selection has the way with every fault: it depends on the metadata service in a manner of its own.
	asks bool
	// overlay is what beanpole lays over the project, nil for nothing.
	overlay *overlay.Config
	// settings go before ROOT_URLCONF, urls behind the imports of urls.py, middleware before all other.
	settings, urls, middleware string
	path                       string // of the check, "" for /healthz/
	properties                 map[string]string
	// want and cause are what comes of it, whatever the metadata service does, unless the row of the fault says it.
	want, cause string
	origin, eb  bool
}{
	{name: "wrapper", asks: true, overlay: &overlay.Config{}, want: healthy},
	{name: "nginx rewrite", overlay: &overlay.Config{Strategy: overlay.NginxRewrite}, want: healthy,
		properties: map[string]string{"ALLOWED_HOSTS": "www.example.com " + overlay.HealthCheckHost}},
	{name: "settings of old", asks: true, settings: originSettings, origin: true},
	{name: "django-ebhealthcheck", asks: true, settings: "\nINSTALLED_APPS = [\"ebhealthcheck.apps.EBHealthCheckConfig\"]\n", eb: true},
	{name: "django-allow-cidr", want: healthy,
		settings: "\nALLOWED_CIDR_NETS = [\"10.0.0.0/16\"]\n", middleware: "allow_cidr.middleware.AllowCIDRMiddleware"},
	{name: "django-allow-cidr, another network", want: refused400, cause: hosts, settings: "\nALLOWED_CIDR_NETS = [\"172.31.0.0/16\"]\n", middleware: "allow_cidr.middleware.AllowCIDRMiddleware"},
	{name: "django-lb-health-check", want: healthy, settings: "\nALIVENESS_URL = \"/up/\"\n", middleware: "lb_health_check.middleware.AliveCheck", path: "/up/"},
	{name: "django-health-check", want: refused400, cause: hosts, settings: healthCheckApps, urls: healthCheckURLs, path: "/ht/"},
	{name: "django-health-check behind the wrapper", overlay: &overlay.Config{}, want: healthy, settings: healthCheckApps, urls: healthCheckURLs, path: "/ht/"},
}

const (
	healthCheckApps = `
INSTALLED_APPS = ["health_check"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
`
	healthCheckURLs = "\nfrom django.urls import include\n"
)

// selected is the selection: every pair of a way that asks the service itself and a fault, of a way and a version, and of a fault
// and a version.
func selected(approach, fault, django int) bool {
	if !approaches[approach].asks {
		return fault == (django+approach)%len(metadataFaults)
	}
	asking := 0 // how many come before
	for _, a := range approaches[:approach] {
		if a.asks {
			asking++
		}
	}
	return (fault+asking)%len(djangos) == django
}

func TestSelectionHasEveryPair(t *testing.T) {
	pairs := map[string]bool{}
	rows := 0
	for a := range approaches {
		for f := range metadataFaults {
			for d := range djangos {
				if selected(a, f, d) {
					rows++
					pairs[fmt.Sprint("way and fault ", a, f)], pairs[fmt.Sprint("way and version ", a, d)], pairs[fmt.Sprint("fault and version ", f, d)] = true, true, true
				}
			}
		}
	}
	for a, approach := range approaches {
		for f := range metadataFaults {
			if approach.asks && !pairs[fmt.Sprint("way and fault ", a, f)] {
				t.Errorf("no row of %s and %s", approach.name, metadataFaults[f].name)
			}
			for d, django := range djangos {
				if !pairs[fmt.Sprint("fault and version ", f, d)] || !pairs[fmt.Sprint("way and version ", a, d)] {
					t.Errorf("no row of %s or %s and Django %s", metadataFaults[f].name, approach.name, django.version)
				}
			}
		}
	}
	t.Logf("%d rows of %d", rows, len(approaches)*len(metadataFaults)*len(djangos))
}

// Strategy × fault of the metadata service × version of Django: with beanpole's strategies the target turns healthy whatever
// the service does, and each fault has the effect on other people's code that it has on an instance.
func TestMatrix(t *testing.T) {
	for a, approach := range approaches {
		for f, fault := range metadataFaults {
			for d, django := range djangos {
				if !full() && !selected(a, f, d) {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, Django %s", approach.name, fault.name, django.version), func(t *testing.T) {
					t.Parallel()
					timeout := "2"
					if fault.behaviour.Delay > 0 || fault.behaviour.Fault != "" {
						timeout = "0.01"
					}
					if fault.behaviour.Recovers > 0 {
						timeout = "0.2"
					}
					settingsFile := edited(t, "mysite/settings.py", "ROOT_URLCONF", strings.Replace(approach.settings, "TIMEOUT", timeout, 1)+"ROOT_URLCONF")
					path := "/healthz/"
					if approach.path != "" {
						path = approach.path
					}
					if approach.middleware != "" {
						settingsFile = strings.Replace(settingsFile, "MIDDLEWARE = [", fmt.Sprintf("MIDDLEWARE = [\n    %q,", approach.middleware), 1)
					}
					files := map[string]string{"mysite/settings.py": settingsFile}
					if approach.urls != "" {
						files["mysite/urls.py"] = edited(t, "mysite/urls.py", "urlpatterns = [", approach.urls+"\nurlpatterns = [\n    path(\"ht/\", include(\"health_check.urls\")),")
					}
					python, ok := withDjango(t, d, files)
					if !ok {
						counted.leaveOutForPython(t, "Django %s needs a newer Python than this machine has", django.version)
					}
					properties := map[string]string{"SECURE_SSL_REDIRECT": "true", "HEALTH_CHECK_PATH": path, processNamespace + "|HealthCheckPath": path}
					maps.Copy(properties, approach.properties)
					in := Input{Settings: settings(properties), Python: python}
					if approach.overlay != nil {
						in.Bundle = laid(t, *approach.overlay, files)
					} else {
						in.Bundle = site(t, files)
					}
					v, _ := rehearse(t, in, Options{Isolation: Namespace, Metadata: fault.behaviour})
					want, cause := approach.want, approach.cause
					switch {
					case approach.origin:
						want, cause = fault.origin, fault.originCause
					case approach.eb:
						want, cause = fault.eb, fault.ebCause
					}
					got := ""
					if len(v.Causes) > 0 {
						got = v.Causes[0].ID
					}
					if want == "" { // a race: it starts in time, or is named
						if !strings.HasPrefix(v.String(), healthy) && got != boots {
							t.Errorf("got %q, cause %q", v, got)
						}
						return
					}
					if !strings.HasPrefix(v.String(), want) {
						t.Errorf("got %q, want %q", v, want)
					}
					if got != cause {
						t.Errorf("cause %q, want %q", got, cause)
					}
				})
			}
		}
	}
}
