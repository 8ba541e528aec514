package rehearsal

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a verdict is of: without a secret, wherever the project puts one.
func TestVerdictHasWhatWasUsedAndNoSecret(t *testing.T) {
	const view = `from django.http import HttpResponseRedirect
from django.urls import path
import base64, html, json, os, sys
from urllib.parse import quote

def leak(request):
    print("key", os.environ["SECRET_KEY"], file=sys.stderr)
    if os.environ["LEAK"] == "redirect":
        return HttpResponseRedirect("https://example.com/?password=" + os.environ["BROKER"].split(":")[2].split("@")[0])
    token = os.environ["API_TOKEN"]
    forms = [token, quote(token), repr(token), json.dumps(token), html.escape(token), base64.b64encode(token.encode()).decode()]
    raise ValueError("\x1b[2J" + token + " " + os.environ["BROKER"] + " " + os.environ["DB_PASSWORD"] + "\n" + "\n".join(forms))

urlpatterns = [path("healthz/", leak)]
`
	const token = `hunter2/+&'"\hunter2`
	for how, want := range map[string]string{"redirect": "(password of BROKER)", "raise": "(value of API_TOKEN) (value of BROKER) (value of DB_PASSWORD)"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			in := Input{Bundle: site(t, map[string]string{"mysite/urls.py": view}), Python: "3.13", Settings: settings(map[string]string{
				"INSTANCE_IP": DefaultInstanceIP, "LEAK": how, "API_TOKEN": token, "DB_PASSWORD": "admin", "BROKER": "amqp://worker:correct-horse@queue.example.com/",
				"DEBUG_MAIL": "someone@example.com", processNamespace + "|HealthCheckInterval": "30",
			})}
			v, out := rehearse(t, in, Options{})
			content, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string]string{"JSON": string(content), "progress": out + v.String()} {
				for _, secret := range []string{"hunter2", "aHVudGVyMi", "admin", "correct-horse", "someone@example.com", "\x1b", `\u001b`} {
					if strings.Contains(text, secret) {
						t.Errorf("%q is in the %s:\n%s", secret, what, text)
					}
				}
				if !strings.Contains(text, want) {
					t.Errorf("no %q in the %s:\n%s", want, what, text)
				}
			}

			u := v.Used
			if u.Check.Interval != 30*time.Second || u.Check.Path != "/healthz/" || u.Host != DefaultInstanceIP || u.Port != 80 || u.Protocol != "HTTP" {
				t.Errorf("what was asked: %+v", u)
			}
			if u.PlatformPython != "3.13" || !strings.HasPrefix(u.Python, "3.") || u.Nginx == "" || !strings.Contains(u.Command, "mysite.wsgi") {
				t.Errorf("what ran: %+v", u)
			}
			for _, name := range []string{"Django", "gunicorn"} {
				if i := slices.IndexFunc(u.Packages, func(p Package) bool { return p.Name == name }); i < 0 || u.Packages[i].Version == "" {
					t.Errorf("no version of %s: %+v", name, u.Packages)
				}
			}
			for _, p := range []Property{{Name: "ALLOWED_HOSTS", Value: "www.example.com"}, {Name: "SECRET_KEY", Hidden: "secret"}, {Name: "BROKER", Hidden: "secret"}, {Name: "DEBUG_MAIL", Hidden: "not shown"}} {
				if !slices.Contains(u.Properties, p) {
					t.Errorf("no %+v among %+v", p, u.Properties)
				}
			}
			if len(v.Web) != 1 || v.Web[0].Ended != 0 || v.Web[0].Started <= 0 || v.Registered <= v.Web[0].Started || v.Probes[0].At < v.Registered {
				t.Errorf("out of order: web process %+v, registered %v, first probe %v", v.Web, v.Registered, v.Probes[0].At)
			}
			if !slices.ContainsFunc(v.Steps, func(s Step) bool { return strings.HasPrefix(s.Text, "target registered: ") }) {
				t.Errorf("steps %+v", v.Steps)
			}
		})
	}
}

func TestVerdictHasEveryStartOfTheWebProcess(t *testing.T) {
	v, out := rehearse(t, Input{Bundle: site(t, map[string]string{"mysite/wsgi.py": "raise RuntimeError(7)"}), Settings: settings(nil)}, Options{})
	if len(v.Web) != startLimitBurst {
		t.Fatalf("%d processes, want %d: %+v", len(v.Web), startLimitBurst, v.Web)
	}
	last := time.Duration(0)
	for _, p := range v.Web {
		if p.Started < last || p.Ended <= p.Started || !strings.HasPrefix(p.How, "exit code ") {
			t.Errorf("%+v after %v", p, last)
		}
		last = p.Ended
	}
	if !strings.Contains(out, "it is started again") || !strings.Contains(out, "5 times within 10s, so systemd gives up") {
		t.Errorf("the progress does not tell:\n%s", out)
	}
}

func TestWhatEachFormDoesNotShow(t *testing.T) {
	for form, says := range map[Isolation][]string{
		Namespace: {"anything beyond the instance", "security groups"},
		Loopback:  {"169.254.169.254 itself", "security groups"},
	} {
		all := strings.Join(notShown(form), "\n")
		for _, want := range says {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in %q", form, want, all)
			}
		}
	}
	if strings.Contains(strings.Join(notShown(Namespace), ""), "loopback") {
		t.Error("a namespace is no loopback form")
	}
}

func TestPackagesAreReadFromTheirDirectories(t *testing.T) {
	venv := site(t, map[string]string{
		"lib/python3.13/site-packages/django-5.2.19.dist-info/METADATA":              "x",
		"lib/python3.13/site-packages/uvicorn_worker-0.3.0.dist-info/METADATA":       "x",
		"lib/python3.13/site-packages/unrelated-1.0.dist-info/METADATA":              "x",
		"lib/python3.13/site-packages/gunicorn/__init__.py":                          "x",
		"lib/python3.13/site-packages/django_environ-0.12.0.dist-info/top_level.txt": "x",
	})
	want := []Package{{"Django", "5.2.19"}, {"uvicorn-worker", "0.3.0"}, {"django-environ", "0.12.0"}}
	if got := packages(venv); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := packages(filepath.Join(venv, "none")); got != nil {
		t.Errorf("got %v of nothing", got)
	}
}
