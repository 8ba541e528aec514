package rehearsal

import (
	"strings"
	"testing"
)

// Servers other than gunicorn, and ASGI.
func TestServers(t *testing.T) {
	if !full() {
		t.Skip("each server needs a virtual environment: BEANPOLE_TEST_FULL=1 runs it")
	}
	asgi := strings.NewReplacer("wsgi", "asgi").Replace(edited(t, "mysite/wsgi.py", "application", "application"))
	for name, test := range map[string]struct{ requirements, command string }{
		"uvicorn":                  {"uvicorn==0.38.0", "uvicorn --host 127.0.0.1 --port 8000 mysite.asgi:application"},
		"gunicorn with uvicorn":    {"uvicorn==0.38.0\nuvicorn-worker==0.4.0\ngunicorn==23.0.0", "gunicorn --bind 127.0.0.1:8000 -k uvicorn_worker.UvicornWorker mysite.asgi:application"},
		"daphne":                   {"daphne==4.2.1", "daphne -b 127.0.0.1 -p 8000 mysite.asgi:application"},
		"python -m gunicorn":       {"gunicorn==27.0.1", "python -m gunicorn --bind 127.0.0.1:8000 mysite.wsgi"},
		"from where platforms are": {"gunicorn==27.0.1", "/var/app/venv/*/bin/gunicorn --bind 127.0.0.1:8000 mysite.wsgi"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"requirements.txt": "Django==5.2.19\n" + test.requirements + "\n", "mysite/asgi.py": asgi, "Procfile": "web: " + test.command + "\n",
			}
			in := Input{Bundle: site(t, files), Settings: settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP})}
			for _, isolation := range []Isolation{Namespace, Loopback} {
				if v, _ := rehearse(t, in, Options{Isolation: isolation}); v.String() != "verdict: healthy by 200" {
					t.Errorf("%s: got %q", isolation, v)
				}
			}
			in.Settings = settings(nil)
			v, _ := rehearse(t, in, Options{Isolation: Namespace})
			if len(v.Causes) == 0 || v.Causes[0].ID != "allowed-hosts" || !strings.Contains(v.Causes[0].Summary, "www.example.com") {
				t.Errorf("without the address: got %+v", v.Causes)
			}
		})
	}
}
