package rehearsal

import (
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	files := map[string]string{
		".ebextensions/02-second.config": "container_commands:\n  01_last:\n    command: cat trail > /var/app/current/mysite/trail\n",
		".ebextensions/01-first.config": `
container_commands:
  02_in_order:
    command: ["/bin/sh", "-c", "echo second >> /var/app/staging/trail"]
  01_in_the_environment:
    command: "source /var/app/venv/*/bin/activate && python -c \"import django; print('first', __import__('os').environ['WHO'])\" >> trail"
    env:
      WHO: leader
    leader_only: true
  03_not_this:
    command: echo third >> trail
    test: test -e /nowhere
  04_ignored:
    command: false
    ignoreErrors: true
`,
		".platform/hooks/prebuild/01_start.sh":   "#!/bin/sh\necho hook >> /var/app/staging/trail\n",
		".platform/hooks/predeploy/01_end.sh":    "#!/bin/sh\necho end >> mysite/trail\r\n",
		".platform/hooks/postdeploy/01_after.sh": "#!/bin/sh\nexit 1\n",
		"mysite/urls.py": edited(t, "mysite/urls.py", `HttpResponse("ok", content_type="text/plain")`,
			`HttpResponse(status=200 if open("mysite/trail").read().split() == ["hook", "first", "leader", "second", "end"] else 418)`),
	}
	in := Input{Bundle: site(t, files), Settings: settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP})}
	v, _ := rehearse(t, in, Options{Isolation: Namespace, Commands: true})
	if got := v.String(); got != "verdict: healthy by 200" {
		t.Errorf("got %q", got)
	}
	v, out := rehearse(t, in, Options{Isolation: Namespace})
	if v.StatusCode != 500 || !strings.Contains(out, "note: 2 hooks and 5 container commands of the bundle are not run") {
		t.Errorf("unasked: got %v", v)
	}

	files[".ebextensions/01-first.config"] = "container_commands:\n  01_migrate:\n    command: echo no such database >&2; exit 3\n"
	v, _ = rehearse(t, Input{Bundle: site(t, files), Settings: settings(nil)}, Options{Isolation: Namespace, Commands: true})
	if got, want := v.String(), "verdict: unhealthy: the deployment fails: container command 01_migrate: exit status 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(v.Causes) != 1 || v.Causes[0].ID != "deployment-command" || !strings.Contains(v.Causes[0].Detail, "no such database") {
		t.Errorf("causes %+v", v.Causes)
	}
}

func TestNotRun(t *testing.T) {
	hook, container := command{Name: "hook predeploy/01.sh"}, command{Name: "container command 01_migrate"}
	for _, test := range []struct {
		commands []command
		want     string
	}{
		{[]command{hook}, "1 hook of the bundle is not run"},
		{[]command{container}, "1 container command of the bundle is not run"},
		{[]command{container, hook}, "1 hook and 1 container command of the bundle are not run"},
		{[]command{hook, container, container, hook, hook}, "3 hooks and 2 container commands of the bundle are not run"},
	} {
		if got := notRun(test.commands); !strings.HasPrefix(got, test.want+",") {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
