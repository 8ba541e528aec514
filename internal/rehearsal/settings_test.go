package rehearsal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func set(entries ...string) []option.Setting {
	var all []option.Setting
	for _, e := range entries {
		part := strings.SplitN(e, "|", 3)
		all = append(all, option.Setting{Namespace: part[0], OptionName: part[1], Value: part[2]})
	}
	return all
}

func TestPlanDefaultsAreThePlatforms(t *testing.T) {
	p, err := newPlan(nil, "default")
	if err != nil {
		t.Fatal(err)
	}
	want := health.Check{Path: "/", SuccessCodes: "200", Interval: 15 * time.Second, Timeout: 5 * time.Second, HealthyThresholdCount: 3, UnhealthyThresholdCount: 5}
	if p.check != want {
		t.Errorf("check %+v, want %+v", p.check, want)
	}
	if got, want := defaultCommand(p), "gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 application"; got != want {
		t.Errorf("command %q, want %q", got, want)
	}
	if !slices.Equal(p.staticFiles, []staticFile{{"/static", "static"}}) || p.port != 80 || p.tls || len(p.notes) != 0 {
		t.Errorf("got %+v", p)
	}
}

func TestPlan(t *testing.T) {
	p, err := newPlan(append(set(
		processNamespace+"|HealthCheckPath|/healthz/", processNamespace+"|MatcherHTTPCode|200-301", processNamespace+"|HealthCheckInterval|30",
		processNamespace+"|HealthCheckTimeout|10", processNamespace+"|HealthyThresholdCount|2", processNamespace+"|UnhealthyThresholdCount|4",
		processNamespace+"|Port|443", processNamespace+"|Protocol|HTTPS",
		pythonNamespace+"|WSGIPath|shop.wsgi", pythonNamespace+"|NumProcesses|3", pythonNamespace+"|NumThreads|2",
		staticFilesNamespace+"|/assets|build/assets", propertiesNamespace+"|PORT|5000", propertiesNamespace+"|DEBUG|false",
		secretsNamespace+"|SECRET_KEY|arn:aws:secretsmanager:us-east-1:123456789012:secret:key", secretsNamespace+"|DATABASE_URL|arn",
		httpsListenerNamespace+"|Protocol|HTTPS", "aws:elasticbeanstalk:environment:process:api|Port|9000",
	), option.Setting{Namespace: propertiesNamespace, OptionName: "ALLOWED_HOSTS", Value: "a.example " + Placeholder, Unresolved: true},
		option.Setting{Namespace: propertiesNamespace, OptionName: "CACHE_URL", Unresolved: true},
		option.Setting{Namespace: processNamespace, OptionName: "DeregistrationDelay", Unresolved: true},
		option.Setting{Namespace: pythonNamespace, OptionName: "NumThreads", Unresolved: true}), "default")
	if err != nil {
		t.Fatal(err)
	}
	want := health.Check{Path: "/healthz/", SuccessCodes: "200-301", Interval: 30 * time.Second, Timeout: 10 * time.Second, HealthyThresholdCount: 2, UnhealthyThresholdCount: 4}
	if p.check != want || p.port != 443 || !p.tls || p.appPort != 5000 || !p.listensHTTPS {
		t.Errorf("got %+v", p)
	}
	if got, want := defaultCommand(p), "gunicorn --bind 127.0.0.1:5000 --workers=3 --threads=15 shop.wsgi"; got != want {
		t.Errorf("command %q, want %q", got, want)
	}
	env := environ(p.variables, "PATH=/bin", "DEBUG=true")
	for _, want := range []string{"PATH=/bin", "DEBUG=false", "ALLOWED_HOSTS=a.example " + Placeholder, "CACHE_URL=https://" + Placeholder + "/", "DATABASE_URL=sqlite:///:memory:"} {
		if !slices.Contains(env, want) {
			t.Errorf("environment lacks %q: %q", want, env)
		}
	}
	if slices.Contains(env, "DEBUG=true") {
		t.Error("a property does not replace what was there")
	}
	notes := strings.Join(p.notes, "\n")
	for _, want := range []string{"ALLOWED_HOSTS is known only when deployed", "SECRET_KEY comes from a secret", "the process api is not asked", "NumThreads is known only when deployed"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
	if strings.Contains(notes, "DeregistrationDelay") {
		t.Errorf("a note on what does not matter here:\n%s", notes)
	}
}

func TestSecretsAreMadeUpAndNotPrinted(t *testing.T) {
	p, err := newPlan(set(secretsNamespace+"|SECRET_KEY|arn:real", propertiesNamespace+"|API_TOKEN|hunter2hunter2", propertiesNamespace+"|STAGE|production"), "default")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, v := range p.variables {
		values[v.name] = v.value
	}
	if len(values["SECRET_KEY"]) < 50 || strings.Contains(values["SECRET_KEY"], "arn") {
		t.Errorf("the stand-in for a secret is %q; Django wants 50 characters", values["SECRET_KEY"])
	}
	got := newRedactor(p.variables).Replace("key " + values["SECRET_KEY"] + ", token hunter2hunter2, stage production")
	if want := "key (value of SECRET_KEY), token (value of API_TOKEN), stage production"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPrivate(t *testing.T) {
	for name, want := range map[string]bool{
		"DB_PASS": true, "EMAIL_PASS": true, "PASS": true, "REDIS_PASS_2": true, "PASSPHRASE": true, "GPG_PASSPHRASE": true, "SSH_KEY_PASSPHRASE": true,
		"PASSWORD": true, "EMAIL_HOST_PASSWORD": true, "DB_PASSWD": true, "db_pass": true, "API_KEY": true, "SENTRY_DSN": true, "DATABASE_URL": true, "KEY": true,
		"COMPASS_MODE": false, "COMPASS": false, "BYPASS_CACHE": false, "PASSENGER_COUNT": false, "PASSIVE_MODE": false, "PASSPORT_MODULE": false,
		"DEBUG": false, "ALLOWED_HOSTS": false, "KEYBOARD": false,
	} {
		if got := private(option.Setting{OptionName: name, Value: "value"}); got != want {
			t.Errorf("%s is private: %v, want %v", name, got, want)
		}
	}
	if !private(option.Setting{OptionName: "BROKER", Value: "amqp://shop:hunter2@mq/"}) {
		t.Error("a password in a URL is printed")
	}
}

func TestPlanRefuses(t *testing.T) {
	_, err := newPlan(set(processNamespace+"|HealthCheckInterval|soon", processNamespace+"|HealthCheckPath|healthz", processNamespace+"|MatcherHTTPCode|200-299,301",
		proxyNamespace+"|ProxyServer|apache"), "default")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"soon" is not a whole number`, "begin with a slash", "200-299,301", `"apache": only nginx`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q:\n%v", want, err)
		}
	}
	if _, err := newPlan(set(processNamespaces+"api|Port|9000"), "web"); err == nil || !strings.Contains(err.Error(), `no process "web"; the processes are api, default`) {
		t.Errorf("a process that is not there: %v", err)
	}
}

func TestProcfile(t *testing.T) {
	for name, test := range map[string]struct {
		procfile, command string
		others            []string
	}{
		"one":     {"web: gunicorn mysite.wsgi\n", "gunicorn mysite.wsgi", nil},
		"several": {"# run\r\nworker: celery -A shop worker\r\nweb:  bash start.sh  \r\nbeat: celery beat", "bash start.sh", []string{"worker", "beat"}},
		"none":    {"", "", nil},
		"comment": {"# web: nothing\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			command, others := webCommand([]byte(test.procfile))
			if command != test.command || !slices.Equal(others, test.others) {
				t.Errorf("got %q %q, want %q %q", command, others, test.command, test.others)
			}
		})
	}
}

func TestReplacePort(t *testing.T) {
	for from, want := range map[string]string{
		"gunicorn --bind 127.0.0.1:8000 mysite.wsgi":        "gunicorn --bind 127.0.0.1:9123 mysite.wsgi",
		"gunicorn -b :8000 --max-requests 8000 mysite.wsgi": "gunicorn -b :9123 --max-requests 8000 mysite.wsgi",
		"uvicorn --port 8000 mysite.asgi:app":               "uvicorn --port 9123 mysite.asgi:app",
		"daphne -p 8000 mysite.asgi:app":                    "daphne -p 9123 mysite.asgi:app",
		"proxy_pass http://127.0.0.1:80001;":                "proxy_pass http://127.0.0.1:80001;",
	} {
		if got := replacePort(from, 8000, 9123); got != want {
			t.Errorf("%q becomes %q, want %q", from, got, want)
		}
	}
}

func TestApplicationArgument(t *testing.T) {
	for command, want := range map[string]string{
		"gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 application":           "application",
		"gunicorn mysite.wsgi --log-file - --worker-class gevent":                       "mysite.wsgi",
		"bash beanpole-web.sh gunicorn --bind 127.0.0.1:8000 mysite.wsgi:app":           "mysite.wsgi:app",
		"gunicorn -k uvicorn.workers.UvicornWorker --chdir src mysite.asgi:application": "mysite.asgi:application",
		"bash start.sh": "",
		"gunicorn --bind 127.0.0.1:8000 mysite/wsgi.py": "mysite/wsgi.py",
	} {
		if got := applicationArgument(command); got != want {
			t.Errorf("%q names %q, want %q", command, got, want)
		}
	}
}
