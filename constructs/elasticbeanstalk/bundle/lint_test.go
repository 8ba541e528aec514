package bundle

import (
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	const hook = "#!/bin/bash\necho\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		stack map[string]string // "namespace option" → value
		want  []string          // a part of each warning, in order
	}{
		{name: "a clean bundle", files: map[string]string{
			"manage.py": "", "requirements.txt": "", "Procfile": "web: gunicorn --bind 127.0.0.1:8000 mysite.wsgi\n",
			".platform/hooks/predeploy/01.sh": hook, ".platform/confighooks/predeploy/01.sh": hook, ".platform/hooks/README.md": "",
			".platform/hooks/predeploy/lib/x.sh": "", ".platform/nginx/conf.d/a.conf": "", ".platform/nginx/conf.d/elasticbeanstalk/b.conf": "",
			".ebextensions/01.config":  "option_settings:\n  aws:autoscaling:asg:\n    MinSize: 2\ncontainer_commands:\n  a:\n    command: export A=1 && python manage.py check\n    leader_only: true\n",
			".ebextensions/install.sh": "",
		}},
		{name: "configuration files", files: map[string]string{
			".ebextensions/a.yml": "", ".ebextensions/nginx/conf.d/x.conf": "", ".ebextensions/more/b.config": "", ".ebextensions/c.config": "a: b: c",
			".ebextensions/d.config": "option-settings: {}\n",
		}, want: []string{
			".ebextensions/a.yml: only files that end in .config are read; rename it to a.config [extension-unread]",
			".ebextensions/c.config: it cannot be read: ", `.ebextensions/d.config:1: Beanstalk skips a file with the section "option-settings"`,
			".ebextensions/more/b.config: only the files directly in .ebextensions", ".ebextensions/nginx/conf.d/x.conf: the proxy's configuration is read from .platform/nginx",
		}},
		{name: "commands", files: map[string]string{".ebextensions/01.config": `
files:
  /opt/elasticbeanstalk/hooks/appdeploy/post/99.sh:
    content: x
  "/etc/nginx/conf.d/x.conf":
    content: x
commands:
  01_first:
    command: [source, /opt/python/run/venv/bin/activate]
    leader_only: true
container_commands:
  01_env:
    command: echo "INSTANCE_IP=1" >> /opt/elasticbeanstalk/deployment/env
  02_export:
    command: "export DJANGO_SETTINGS_MODULE=a.b"
  03_read:
    command: "export $(cat /opt/elasticbeanstalk/deployment/env | xargs); python manage.py check"
`}, want: []string{
			"01.config:3: files: /opt/elasticbeanstalk/hooks/appdeploy/post/99.sh: nothing looks into /opt/elasticbeanstalk/hooks/",
			"01.config:5: files: /etc/nginx/conf.d/x.conf: the platform writes /etc/nginx anew later in the deployment; use .platform/nginx [proxy-overwritten]",
			"01.config:9: commands: 01_first: nothing looks into /opt/python/", "01.config:10: commands: 01_first: leader_only",
			"01.config:13: container_commands: 01_env: the platform writes that file anew", "01.config:15: container_commands: 02_export: what it exports ends with the command",
		}},
		{name: "JSON", files: map[string]string{".ebextensions/01.config": `{"commands": {"a": {"command": "ls /opt/python/x", "leader_only": true}}}`}, want: []string{"old-platform", "leader-only"}},
		{name: "options of the stack", files: map[string]string{
			".ebextensions/01.config": "option_settings:\n  aws:autoscaling:asg:\n    MinSize: 1\n    MaxSize: 4\n    Cooldown: 60\n  aws:elasticbeanstalk:container:python:\n    WSGIPath: a.wsgi\n    NumThreads: 30\n",
			"Procfile":                "web: bash start.sh\n",
		}, stack: map[string]string{
			"aws:autoscaling:asg MinSize": "2", "aws:autoscaling:asg MaxSize": "4", "aws:autoscaling:asg Cooldown": "", "aws:elasticbeanstalk:container:python NumThreads": "15",
		}, want: []string{
			"01.config:3: aws:autoscaling:asg MinSize: the environment sets it itself", "01.config:5: aws:autoscaling:asg Cooldown", "01.config:7: WSGIPath: the bundle has a Procfile",
			"01.config:8: aws:elasticbeanstalk:container:python NumThreads",
		}},
		{name: "hooks", files: map[string]string{
			".platform/hooks/predeploy/01.sh": "#!/bin/sh\ntrue\necho A=1 | tee -a /opt/elasticbeanstalk/deployment/env\n", ".platform/hooks/postdeploy/02.sh": "#!/bin/sh\necho A=1 >>/opt/elasticbeanstalk/deployment/env\n",
			".platform/confighooks/postdeploy/02.sh": hook, ".platform/confighooks/prebuild/03.sh": hook,
			".platform/hooks/post-deploy/x.sh": hook, ".platform/hooks/y.sh": hook, ".platform/hooks/scripts/z.sh": hook, ".platform/config_hooks/predeploy/01.sh": hook, ".platform/hook/a": "",
		}, want: []string{
			".platform/config_hooks/predeploy/01.sh: the directory is called .platform/confighooks",
			".platform/confighooks: prebuild/03.sh: not in .platform/hooks, so a new version",
			".platform/hook/a: the directory is called .platform/hooks",
			".platform/hooks: predeploy/01.sh: not in .platform/confighooks, so a change of an environment property",
			".platform/hooks/post-deploy/x.sh: the platform runs no hooks from a directory post-deploy; it is called postdeploy",
			".platform/hooks/predeploy/01.sh:3: the hook: the platform writes that file anew",
			".platform/hooks/y.sh: hooks are run from the directories prebuild, predeploy, postdeploy only",
		}},
		{name: "proxy", files: map[string]string{
			".platform/nginx/gzip.conf": "", ".platform/nginx/conf.d/a.txt": "", ".platform/nginx/sites/b.conf": "", ".platform/httpd/conf.d/c.conf": "",
		}, want: []string{
			".platform/httpd: the environment's ProxyServer is nginx", ".platform/nginx/conf.d/a.txt: only files that end in .conf", ".platform/nginx/gzip.conf: only conf.d/*.conf", ".platform/nginx/sites/b.conf",
		}},
		{name: "a proxy of one's own", files: map[string]string{".platform/nginx/nginx.conf": "", ".platform/nginx/sites/b.conf": ""}},
		{name: "Apache", files: map[string]string{".platform/nginx/conf.d/a.conf": "", ".platform/httpd/conf.d/c.conf": "", ".ebextensions/p.config": "option_settings:\n  aws:elasticbeanstalk:environment:proxy:\n    ProxyServer: apache\n"},
			want: []string{".platform/nginx: the environment's ProxyServer is apache"}},
		{name: "others", files: map[string]string{"cron.yaml": "", "pyproject.toml": "", "shop/.platform/hooks/predeploy/a.sh": hook, "shop/.ebextensions/a.config": "", "shop/.ebextensions/b.config": "", "procfile": "web: x"}, want: []string{
			"cron.yaml: ", "procfile: the platform reads only a file called Procfile", "pyproject.toml: the platform installs from requirements.txt", "shop/.ebextensions: the platform reads .ebextensions at the top", "shop/.platform: ",
		}},
		{name: "a Procfile without web", files: map[string]string{"Procfile": "worker: celery\n"}, want: []string{"Procfile: no process is called web"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{write(t, t.TempDir(), test.files), zipped(t, test.files)} {
				warnings, err := Source{Path: path}.Lint(stackOf(test.stack))
				if err != nil {
					t.Fatal(err)
				}
				for i := range max(len(warnings), len(test.want)) {
					switch {
					case i >= len(warnings):
						t.Errorf("missing: %s", test.want[i])
					case i >= len(test.want):
						t.Errorf("not wanted: %s", warnings[i])
					case !strings.Contains(warnings[i].String(), test.want[i]):
						t.Errorf("got  %s\nwant %s", warnings[i], test.want[i])
					}
				}
			}
		})
	}
}

func stackOf(settings map[string]string) func(string, string) (string, bool) {
	return func(namespace, option string) (string, bool) {
		value, set := settings[namespace+" "+option]
		return value, set
	}
}

func TestLintOfTheOverlay(t *testing.T) {
	s := Source{Path: write(t, t.TempDir(), map[string]string{"Procfile": "web: gunicorn -b :5000 a.wsgi\n"}), Overlay: []File{{Name: "Procfile", Content: []byte("web: gunicorn -b :8000 a.wsgi\n")}}}
	if warnings, err := s.Lint(nil); err != nil || len(warnings) != 0 {
		t.Errorf("got %v, %v", warnings, err)
	}
	if _, err := (Source{Path: "nowhere"}).Lint(nil); err == nil {
		t.Error("a source that is not there has no warnings")
	}
}

func TestProcfilePort(t *testing.T) {
	const property = "aws:elasticbeanstalk:application:environment PORT"
	for _, test := range []struct {
		web   string
		stack map[string]string
		more  map[string]string
		want  string // "" or a part of the warning
	}{
		{web: "gunicorn mysite.wsgi"},
		{web: "gunicorn -b 0.0.0.0:8000 mysite.wsgi"},
		{web: "gunicorn -b0.0.0.0:5000 mysite.wsgi", want: "the server listens on port 5000, and the proxy sends requests to 8000"},
		{web: "gunicorn --bind=:8080 mysite.wsgi", want: "listens on port 8080"},
		{web: "gunicorn --bind :$PORT mysite.wsgi"},
		{web: "gunicorn --bind '[::]:8000' mysite.wsgi"},
		{web: "gunicorn --bind unix:/run/app.sock mysite.wsgi", want: "listens on a socket, and the proxy sends requests to port 8000"},
		{web: "gunicorn --bind unix:/run/app.sock mysite.wsgi", more: map[string]string{".platform/nginx/conf.d/elasticbeanstalk/a.conf": "proxy_pass http://unix:/run/app.sock;"}},
		{web: "gunicorn --bind :8080 mysite.wsgi", more: map[string]string{".platform/nginx/nginx.conf": "server 127.0.0.1:8080;"}},
		{web: "gunicorn --bind :5000 mysite.wsgi", stack: map[string]string{property: "5000"}},
		{web: "gunicorn --bind :8000 mysite.wsgi", stack: map[string]string{property: "5000"}, want: "sends requests to 5000"},
		{web: "gunicorn --bind :5000 mysite.wsgi", stack: map[string]string{property: "8000"}, want: "sends requests to 8000"},
		{web: "gunicorn --bind :8000 mysite.wsgi", stack: map[string]string{property: ""}},
		{web: "gunicorn -c conf.py mysite.wsgi", stack: map[string]string{property: "5000"}},
		{web: "gunicorn mysite.wsgi", stack: map[string]string{property: "5000"}, more: map[string]string{"gunicorn.conf.py": ""}},
		{web: "bash beanpole-web.sh gunicorn --bind 127.0.0.1:8001 mysite.wsgi", want: "port 8001"},
		{web: "python -m gunicorn -b 127.0.0.1:8001 mysite.wsgi", want: "port 8001"},
		{web: "uvicorn mysite.asgi:application --host 0.0.0.0 --port 8080", want: "port 8080"},
		{web: "uvicorn mysite.asgi:application"},
		{web: "uvicorn --uds /run/a.sock mysite.asgi:application", want: "socket"},
		{web: "daphne -b 0.0.0.0 -p 9000 mysite.asgi:application", want: "port 9000"},
		{web: "waitress-serve mysite.wsgi:application", want: "port 8080"},
		{web: "waitress-serve --listen=127.0.0.1:8000 mysite.wsgi:application"},
		{web: "python manage.py runserver 0.0.0.0:3000", want: "port 3000"},
		{web: "python manage.py runserver --noreload"},
		{web: "bash start.sh --port 5000"},
	} {
		files := map[string]string{"requirements.txt": "", "Procfile": "# comment\nweb: " + test.web + "\n"}
		for name, content := range test.more {
			files[name] = content
		}
		warnings, err := Source{Path: write(t, t.TempDir(), files)}.Lint(stackOf(test.stack))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, w := range warnings {
			got += w.String()
		}
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) || test.want != "" && !strings.HasPrefix(got, "Procfile:2: ") {
			t.Errorf("%s\n got  %q\n want %q", test.web, got, test.want)
		}
	}
}
