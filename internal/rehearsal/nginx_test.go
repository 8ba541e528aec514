package rehearsal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProxyFiles(t *testing.T) {
	root := t.TempDir()
	app := filepath.Join(root, "app")
	own := map[string]string{
		"conf.d/limits.conf":                         "client_max_body_size 10M;\n",
		"conf.d/elasticbeanstalk/extra.conf":         "location = /ping { proxy_pass http://127.0.0.1:8000; }\n",
		"conf.d/elasticbeanstalk/01_static.conf":     "location /assets/ { alias /var/app/current/assets/; }\n",
		"conf.d/second.conf":                         "server {\n  listen 8080;\n  listen [::]:8080;\n  access_log /var/log/nginx/second.log;\n}\n",
		"snippets/this-is-no-configuration-file.txt": "listen 80;",
	}
	for name, content := range own {
		file := filepath.Join(app, ".platform", "nginx", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := proxy{
		Root: root, App: app, Port: 8000, AppPort: 9123, StaticFiles: []staticFile{{"/static", "static"}},
		Listen: map[int][]string{80: {"10.0.1.23:80", "127.0.0.1:80"}}, Address: "10.0.1.23",
	}
	if _, err := p.write(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct{ has, lacks []string }{
		"nginx.conf": {
			[]string{"listen 10.0.1.23:80 default_server; listen 127.0.0.1:80 default_server;", "include conf.d/*.conf;", "include conf.d/elasticbeanstalk/*.conf;", root + "/log/nginx/access.log main", "proxy_temp_path " + root},
			[]string{"listen 80", "/var/log", "X-Forwarded-Proto"},
		},
		"conf.d/elasticbeanstalk/00_application.conf": {
			[]string{"proxy_pass          http://127.0.0.1:9123;", "Host            $host;", "X-Real-IP       $remote_addr;", "X-Forwarded-For $proxy_add_x_forwarded_for;", "Upgrade         $http_upgrade;"},
			[]string{"X-Forwarded-Proto", ":8000"},
		},
		"conf.d/elasticbeanstalk/healthd.conf":       {[]string{root + "/log/nginx/healthd/application.log.$year-$month-$day-$hour healthd;"}, nil},
		"conf.d/elasticbeanstalk/01_static.conf":     {[]string{"location /assets/ { alias " + app + "/assets/; }"}, []string{"location /static"}},
		"conf.d/elasticbeanstalk/extra.conf":         {[]string{"http://127.0.0.1:9123"}, nil},
		"conf.d/limits.conf":                         {[]string{"client_max_body_size 10M;"}, nil},
		"conf.d/second.conf":                         {[]string{"listen 10.0.1.23:8080;", root + "/log/nginx/second.log"}, []string{"[::]"}},
		"snippets/this-is-no-configuration-file.txt": {[]string{"listen 80;"}, nil},
	} {
		content, err := os.ReadFile(filepath.Join(root, "nginx", filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, s := range want.has {
			if !strings.Contains(string(content), s) {
				t.Errorf("%s lacks %q:\n%s", name, s, content)
			}
		}
		for _, s := range want.lacks {
			if strings.Contains(string(content), s) {
				t.Errorf("%s has %q:\n%s", name, s, content)
			}
		}
	}
}

// A server that names no log has the one of the http block, which is there once.
func TestTheHTTPBlockHasOneLog(t *testing.T) {
	p := proxy{Root: t.TempDir(), App: t.TempDir(), Port: 8000, AppPort: 8000}
	conf := p.adapt("http {\n    server {\n        listen 80;\n    }\n}\n", 0)
	if n := strings.Count(conf, "access_log "+p.log()+"/access.log;"); n != 1 {
		t.Errorf("%d lines access_log:\n%s", n, conf)
	}
}

// A server of the bundle's own that is not the one that is asked neither keeps nginx from starting nor reaches outside the
// rehearsal, and one that takes HTTPS from the load balancer is asked by HTTPS.
func TestProxyWithServersOfItsOwn(t *testing.T) {
	const https = `server {
    listen 443 ssl;
    listen [::]:443 ssl;
    ssl_certificate     /etc/pki/tls/certs/server.crt;
    ssl_certificate_key "/etc/pki/tls/certs/server.key";
    location / { proxy_pass http://127.0.0.1:8000; proxy_set_header Host $host; }
}
`
	for _, isolation := range []Isolation{Namespace, Loopback} {
		in := Input{
			Bundle:   site(t, map[string]string{".platform/nginx/conf.d/https.conf": https, ".platform/nginx/conf.d/other.conf": "server {\n  listen 8088;\n  return 404;\n}\n"}),
			Settings: settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP}),
		}
		if v, _ := rehearse(t, in, Options{Isolation: isolation}); v.String() != "verdict: healthy by 200" {
			t.Errorf("%s: got %q", isolation, v)
		}
		if isolation == Loopback {
			continue // which has no port 443 of its own
		}
		in.Settings = append(in.Settings, settings(map[string]string{processNamespace + "|Port": "443", processNamespace + "|Protocol": "HTTPS", "INSTANCE_IP": DefaultInstanceIP})...)
		if v, _ := rehearse(t, in, Options{Isolation: isolation}); v.String() != "verdict: healthy by 200" || v.Used.Protocol != "HTTPS" || v.Used.Port != 443 {
			t.Errorf("by HTTPS: got %q of %+v", v, v.Used)
		}
	}
}
