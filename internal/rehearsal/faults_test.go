package rehearsal

import (
	"fmt"
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

// How a metadata service can be. Every row needs a namespace: packets are dropped in one only, and the settings of old ask
// 169.254.169.254 itself.
var metadataFaults = []struct {
	name      string
	behaviour Metadata
	// what the settings of old make of it: the last line's beginning, and the cause
	origin, cause string
}{
	{"answers", Metadata{AllowV1: true}, "verdict: healthy by 200", ""},
	{"version 2 only", Metadata{}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"refused", Metadata{Fault: Refused}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"50 ms late", Metadata{AllowV1: true, Delay: 50 * time.Millisecond}, "verdict: unhealthy: the app does not start", "worker-boot"},
	{"5 s late", Metadata{AllowV1: true, Delay: 5 * time.Second}, "verdict: unhealthy: the app does not start", "worker-boot"},
	{"unanswered", Metadata{AllowV1: true, Fault: Unanswered}, "verdict: unhealthy: the app does not start", "worker-boot"},
	{"dropped", Metadata{Fault: Dropped}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"500", Metadata{AllowV1: true, Status: 500}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"HTML", Metadata{AllowV1: true, Address: text("<html><body>captive portal</body></html>")}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"empty", Metadata{AllowV1: true, Address: text("")}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"IPv6", Metadata{AllowV1: true, Address: text("2001:db8::5")}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"two addresses", Metadata{AllowV1: true, Address: text("10.0.1.23\n10.0.1.24")}, "verdict: unhealthy: 400", "allowed-hosts"},
	{"recovers", Metadata{AllowV1: true, Delay: 5 * time.Second, Recovers: 3 * time.Second}, "verdict: healthy by 200", ""},
}

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

// With beanpole's strategies the target turns healthy whatever the metadata service does.
func TestMetadataFaultsWithStrategies(t *testing.T) {
	for i, fault := range metadataFaults {
		for _, strategy := range []overlay.Strategy{overlay.Wrapper, overlay.NginxRewrite} {
			if strategy == overlay.NginxRewrite && i > 0 && !full() {
				continue // it asks no metadata service
			}
			t.Run(fmt.Sprintf("%s, %s", strategy, fault.name), func(t *testing.T) {
				t.Parallel()
				properties := map[string]string{"SECURE_SSL_REDIRECT": "true"}
				if strategy == overlay.NginxRewrite {
					properties["ALLOWED_HOSTS"] = "www.example.com " + overlay.HealthCheckHost
				}
				in := Input{Bundle: laid(t, overlay.Config{Strategy: strategy}, nil), Settings: settings(properties)}
				v, _ := rehearse(t, in, Options{Isolation: Namespace, Metadata: fault.behaviour})
				if got := v.String(); got != "verdict: healthy by 200" {
					t.Errorf("got %q", got)
				}
			})
		}
	}
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

// The same without the package requests, so without a virtual environment of its own.
const originSettingsPlain = `
import http.client

def local_ipv4():
    connection = http.client.HTTPConnection("169.254.169.254", timeout=TIMEOUT)
    try:
        connection.connect()
    except OSError:
        return None
    connection.request("GET", "/latest/meta-data/local-ipv4")
    return connection.getresponse().read().decode()

ALLOWED_HOSTS = ["www.example.com", local_ipv4()]
`

// Each fault has the effect on settings of old that it has on an instance.
func TestMetadataFaultsWithSettingsOfOld(t *testing.T) {
	code, requirements := originSettingsPlain, ""
	if full() {
		pinned, err := os.ReadFile("testdata/site/requirements.txt")
		if err != nil {
			t.Fatal(err)
		}
		code, requirements = originSettings, string(pinned)+"requests==2.34.2\n"
	}
	for i, fault := range metadataFaults {
		if !full() && i > 3 && fault.name != "recovers" && fault.name != "HTML" {
			continue
		}
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			timeout := "2"
			if fault.behaviour.Delay > 0 || fault.behaviour.Fault != "" {
				timeout = "0.01"
			}
			if fault.behaviour.Recovers > 0 {
				timeout = "0.2"
			}
			files := map[string]string{
				"mysite/settings.py": edited(t, "mysite/settings.py", "ROOT_URLCONF", strings.Replace(code, "TIMEOUT", timeout, 1)+"ROOT_URLCONF"),
			}
			if requirements != "" {
				files["requirements.txt"] = requirements
			}
			v, _ := rehearse(t, Input{Bundle: site(t, files), Settings: settings(nil)}, Options{Isolation: Namespace, Metadata: fault.behaviour})
			if got := v.String(); !strings.HasPrefix(got, fault.origin) {
				t.Errorf("got %q, want %q", got, fault.origin)
			}
			cause := ""
			if len(v.Causes) > 0 {
				cause = v.Causes[0].ID
			}
			if cause != fault.cause {
				t.Errorf("cause %q, want %q", cause, fault.cause)
			}
		})
	}
}
