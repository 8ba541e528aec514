package rehearsal

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestMain(m *testing.M) {
	Inside() // the instance of a rehearsal is this program, started once more
	os.Exit(m.Run())
}

// site is testdata/site with other files laid over it; an empty one is taken away.
func site(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := copyTree(os.DirFS("testdata/site"), dir); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if content == "" {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// settings are a site's, with properties of its environment; "namespace|name" sets another option.
func settings(more map[string]string) []option.Setting {
	all := []option.Setting{
		{Namespace: processNamespace, OptionName: "HealthCheckPath", Value: "/healthz/"},
		{Namespace: processNamespace, OptionName: "MatcherHTTPCode", Value: "200-301"},
		{Namespace: pythonNamespace, OptionName: "WSGIPath", Value: "mysite.wsgi"},
		{Namespace: propertiesNamespace, OptionName: "ALLOWED_HOSTS", Value: "www.example.com"},
		{Namespace: secretsNamespace, OptionName: "SECRET_KEY", Value: "arn:aws:secretsmanager:us-east-1:123456789012:secret:key"},
	}
	for name, value := range more {
		namespace := propertiesNamespace
		if n, option, ok := strings.Cut(name, "|"); ok {
			namespace, name = n, option
		}
		all = append(all, option.Setting{Namespace: namespace, OptionName: name, Value: value})
	}
	return all
}

// rehearse runs one in a hurry and returns the verdict and all that was printed.
func rehearse(t *testing.T, in Input, opts Options) (Verdict, string) {
	t.Helper()
	requireServers(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var out bytes.Buffer
	opts.Out = &out
	if opts.Speed == 0 {
		opts.Speed = 150
	}
	v, err := Run(ctx, in, opts)
	t.Logf("%s%v", out.String(), v)
	if err != nil {
		t.Fatal(err)
	}
	return v, out.String()
}

func requireServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs nginx and gunicorn")
	}
	if _, err := findNginx(); err != nil {
		t.Fatal(err)
	}
}

func TestHealthy(t *testing.T) {
	for _, isolation := range []Isolation{Namespace, Loopback} {
		t.Run(string(isolation), func(t *testing.T) {
			in := Input{Bundle: site(t, nil), Settings: settings(map[string]string{"INSTANCE_IP": DefaultInstanceIP})}
			v, _ := rehearse(t, in, Options{Isolation: isolation})
			if got := v.String(); got != "verdict: healthy by 200" {
				t.Errorf("got %q", got)
			}
		})
	}
}
