package rehearsal

import (
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Where no load balancer asks, the app is asked as by whoever does, and the verdict says so.
func TestKinds(t *testing.T) {
	const single = environmentNamespace + "|EnvironmentType"
	for name, test := range map[string]struct {
		tier     option.Tier
		settings map[string]string
		files    map[string]string
		verdict  string
		id       string
		says     []string
	}{
		"single instance": {settings: map[string]string{single: "SingleInstance", "HEALTH_CHECK_PATH": "/broken/", processNamespace + "|HealthCheckPath": "/healthz/"},
			verdict: "the app answers 200; no load balancer asks a single instance", says: []string{"GET /healthz/, Host: www.example.com", "as a client would"}},
		"single instance, redirected": {settings: map[string]string{single: "SingleInstance", "SECURE_SSL_REDIRECT": "true"},
			verdict: "the app answers 200; no load balancer asks a single instance", id: "https-without-listener", says: []string{"answers on port 80 alone"}},
		"single instance with HTTPS of its own": {settings: map[string]string{single: "SingleInstance", "SECURE_SSL_REDIRECT": "true"},
			files: map[string]string{".platform/nginx/conf.d/https.conf": "server {\n  listen 8443;\n  # listen 443\n}\nserver {\n    listen       443 ssl;\n" +
				"    ssl_certificate      /etc/pki/tls/certs/server.crt;\n    ssl_certificate_key  /etc/pki/tls/certs/server.key;\n    ssl_dhparam /etc/pki/dh.pem;\n}\n"},
			verdict: "the app answers 200; no load balancer asks a single instance", says: []string{"/etc/pki/tls/certs/server.key is not in the bundle: a made-up one stands for it"}},
		"worker": {tier: option.Worker, settings: map[string]string{"ALLOWED_HOSTS": "localhost", workerNamespace + "|HttpPath": "/jobs/"},
			verdict: "the app answers 200; no load balancer asks a worker", says: []string{"GET /healthz/, Host: localhost", "posted to /jobs/", "CSRF"}},
		"worker that refuses its daemon": {tier: option.Worker,
			verdict: "unhealthy: 400: localhost is not in ALLOWED_HOSTS (which has: www.example.com)", id: "allowed-hosts", says: []string{"add localhost to ALLOWED_HOSTS"}},
		"load-balanced": {settings: map[string]string{single: "LoadBalanced", "INSTANCE_IP": DefaultInstanceIP}, verdict: "healthy by 200", says: []string{"target registered", "Green/Ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Bundle: site(t, test.files), Settings: settings(test.settings), Tier: test.tier}
			v, out := rehearse(t, in, Options{})
			if got := v.String(); got != "verdict: "+test.verdict {
				t.Errorf("got %q, want %q", got, test.verdict)
			}
			if id := ""; len(v.Causes) > 0 || test.id != "" {
				if len(v.Causes) > 0 {
					id = v.Causes[0].ID
				}
				if id != test.id {
					t.Errorf("cause %q, want %q", id, test.id)
				}
			}
			for _, want := range test.says {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if v.Kind != LoadBalanced {
				for _, foreign := range []string{"target registered", "Elb.", "Target.", "Green", "Red"} {
					if strings.Contains(out, foreign) {
						t.Errorf("%q are the words of a load balancer:\n%s", foreign, out)
					}
				}
			}
		})
	}
}

// The path is the process's if it has one, else the one that the app is told.
func TestKindAsksForTheHealthCheckPath(t *testing.T) {
	told := option.Setting{Namespace: propertiesNamespace, OptionName: "HEALTH_CHECK_PATH", Value: "/healthz/"}
	path := option.Setting{Namespace: processNamespace, OptionName: "HealthCheckPath", Value: "/up/"}
	port := option.Setting{Namespace: processNamespace, OptionName: "Port", Value: "8080"}
	for want, settings := range map[string][]option.Setting{"/": nil, "/healthz/": {told}, "/up/": {told, path}} {
		p, err := newPlan(append(settings, port), "default")
		if err != nil {
			t.Fatal(err)
		}
		if _, host := p.kind(Input{Tier: option.Worker}, settings, DefaultInstanceIP); p.check.Path != want || host != "localhost" || p.port != 80 {
			t.Errorf("GET %s, Host: %s, port %d; want %s, localhost, 80", p.check.Path, host, p.port, want)
		}
	}
}
