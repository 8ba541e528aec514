package overlay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	ofMetadata = "10.0.1.23" // what the metadata service knows
	ofRoute    = "10.0.1.99" // what the routing table knows: another one, so that a test sees who was asked
)

// metadata is an instance metadata service that answers IMDSv2 only, unless a fault is laid over it.
func metadata(t *testing.T, address http.HandlerFunc, token http.HandlerFunc) string {
	t.Helper()
	const valid = "AQAAAB_test-token=="
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		if ttl, err := strconv.Atoi(r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds")); err != nil || ttl < 1 || ttl > 21600 {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		if token != nil {
			token(w, r)
			return
		}
		io.WriteString(w, valid)
	})
	mux.HandleFunc("GET /latest/meta-data/local-ipv4", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-aws-ec2-metadata-token") != valid {
			http.Error(w, "<html>401 - Unauthorized</html>", http.StatusUnauthorized)
			return
		}
		address(w, r)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Via") != "" {
			http.Error(w, "came by a proxy", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	return server.URL
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func late(d time.Duration, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			then(w, r)
		case <-r.Context().Done():
		}
	}
}

// tools are programs on the PATH of the wrapper: real ones by name, and scripts in place of others.
func tools(t *testing.T, scripts map[string]string, real ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append(real, "bash", "env") {
		found, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		if err := os.Symlink(found, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// routes is an ip that prints what the real one prints.
var routes = map[string]string{"ip": `[ "$*" = "-4 route get 192.0.2.1" ] || exit 2
echo "192.0.2.1 via 10.0.1.1 dev ens5 src ` + ofRoute + ` uid 0"
echo "    cache"`}

type run struct {
	stdout, stderr string
	status         int
	took           time.Duration
	pid            int
}

// variable returns what the application saw, and whether it saw it at all. The application of these tests is env.
func (r run) variable(name string) (string, bool) {
	for line := range strings.Lines(r.stdout) {
		if value, found := strings.CutPrefix(line, name+"="); found {
			return strings.TrimSuffix(value, "\n"), true
		}
	}
	return "", false
}

// wrap runs the wrapper of a configuration as the platform does, with exactly this environment.
func wrap(t *testing.T, c Config, environ []string, command ...string) run {
	t.Helper()
	dir := t.TempDir()
	if c.WSGIApplication == "" {
		c.WSGIApplication = "mysite.wsgi"
	}
	files, err := c.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.Name == WrapperName {
			// Not executable, as after a zip that lost its modes.
			if err := os.WriteFile(filepath.Join(dir, file.Name), file.Content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	cmd := exec.Command(bash, append([]string{WrapperName}, command...)...)
	cmd.Dir, cmd.Env = dir, environ
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began), cmd.Process.Pid}
}

func TestWrapperSurvivesEveryFaultOfTheMetadataService(t *testing.T) {
	unanswered := late(time.Minute, answer(200, ""))
	closed := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return "http://" + l.Addr().String()
	}
	silent := func(t *testing.T) string { // takes the connection, and nothing more
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return "http://" + l.Addr().String()
	}
	service := func(address, token http.HandlerFunc) func(*testing.T) string {
		return func(t *testing.T) string { return metadata(t, address, token) }
	}
	good := answer(200, ofMetadata)
	for _, test := range []struct {
		name     string
		endpoint func(*testing.T) string
		answers  bool // with an address that can be used
	}{
		{"answers", service(good, nil), true},
		{"ends with a line feed", service(answer(200, ofMetadata+"\n"), nil), true},
		{"50 ms late", service(late(50*time.Millisecond, good), nil), true},
		{"5 s late", service(late(5*time.Second, good), nil), false},
		{"token unanswered", service(good, unanswered), false},
		{"token refused", service(good, answer(403, "Forbidden")), false},
		{"token is a page", service(good, answer(200, "<html>\nsign in\n</html>")), false},
		{"token is empty", service(good, answer(200, "")), false},
		{"token is not the service's", service(good, answer(200, "another")), false},
		{"no token for anybody", service(good, answer(404, "Not Found")), false},
		{"connection refused", closed, false},
		{"takes the connection and is silent", silent, false},
		{"no URL", func(*testing.T) string { return "::nonsense::" }, false},
		{"error with an address in it", service(answer(500, ofMetadata), nil), false},
		{"not found", service(answer(404, "<html>404</html>"), nil), false},
		{"page", service(answer(200, "<html>401 - Unauthorized</html>"), nil), false},
		{"page with an address in it", service(answer(200, "<p>\n"+ofMetadata+"\n</p>"), nil), false},
		{"endless", service(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("1", 1<<16)); err != nil {
					return
				}
			}
		}, nil), false},
		{"empty", service(answer(200, ""), nil), false},
		{"IPv6", service(answer(200, "2001:db8::5"), nil), false},
		{"two addresses, two lines", service(answer(200, ofMetadata+"\n10.0.1.24"), nil), false},
		{"two addresses, one line", service(answer(200, ofMetadata+" 10.0.1.24"), nil), false},
		{"octet too large", service(answer(200, "10.0.1.256"), nil), false},
		{"octet with a zero before it", service(answer(200, "10.0.01.23"), nil), false},
		{"five octets", service(answer(200, "10.0.1.23.4"), nil), false},
		{"port", service(answer(200, ofMetadata+":80"), nil), false},
		{"star", service(answer(200, "*"), nil), false},
		{"redirect", service(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 302) }, nil), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			endpoint := test.endpoint(t)
			for _, way := range []struct {
				name    string
				scripts map[string]string
				route   bool
			}{
				{"with a default route", routes, true},
				{"without a default route", map[string]string{"ip": `echo "RTNETLINK answers: Network is unreachable" >&2; exit 2`}, false},
				{"without ip", nil, false},
			} {
				t.Run(way.name, func(t *testing.T) {
					path := tools(t, way.scripts, "curl")
					r := wrap(t, Config{}, []string{
						"PATH=" + path, "ALLOWED_HOSTS=www.example.com example.com", "INSTANCE_IP_SOURCE=metadata",
						"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + endpoint,
					}, "env")

					if r.status != 0 || r.stdout == "" {
						t.Fatalf("the application did not run: exit status %d\n%s", r.status, r.stderr)
					}
					if r.took > 15*time.Second { // far above the second it waits, and far below for ever: a busy computer adds much
						t.Errorf("it took %v", r.took)
					}
					if n := strings.Count(r.stderr, "\n"); n != 1 || !strings.HasPrefix(r.stderr, "beanpole: ") {
						t.Errorf("%d lines in the log, want one of beanpole's:\n%s", n, r.stderr)
					}
					want := ""
					if test.answers {
						want = ofMetadata
					} else if way.route {
						want = ofRoute
					}
					hosts, _ := r.variable("ALLOWED_HOSTS")
					address, set := r.variable("INSTANCE_IP")
					if want == "" {
						if set || hosts != "www.example.com example.com" {
							t.Errorf("INSTANCE_IP %q (set: %v), ALLOWED_HOSTS %q; want nothing changed", address, set, hosts)
						}
						return
					}
					if address != want || hosts != "www.example.com example.com "+want {
						t.Errorf("INSTANCE_IP %q, ALLOWED_HOSTS %q; want %s in both", address, hosts, want)
					}
				})
			}
		})
	}
}

func TestWrapperNeedsNoTools(t *testing.T) {
	r := wrap(t, Config{}, []string{"PATH=" + tools(t, nil), "ALLOWED_HOSTS=a.example"}, "env")
	if hosts, _ := r.variable("ALLOWED_HOSTS"); r.status != 0 || hosts != "a.example" {
		t.Errorf("exit status %d, ALLOWED_HOSTS %q\n%s", r.status, hosts, r.stderr)
	}
	if !strings.Contains(r.stderr, "neither the metadata service nor the default route") {
		t.Errorf("log: %s", r.stderr)
	}
}

func TestWrapperVariables(t *testing.T) {
	endpoint := metadata(t, answer(200, ofMetadata), nil)
	path := tools(t, routes, "curl")
	comma := Variables{AllowedHosts: "DJANGO_ALLOWED_HOSTS", AllowedHostsSeparator: ",", InstanceIP: "PRIVATE_IP"}
	for _, test := range []struct {
		name      string
		variables Variables
		environ   []string
		want      map[string]string // "-" means not set
		log       string
	}{
		{name: "no hosts yet", want: map[string]string{"ALLOWED_HOSTS": ofMetadata, "INSTANCE_IP": ofMetadata}, log: "added to ALLOWED_HOSTS"},
		{name: "empty hosts", environ: []string{"ALLOWED_HOSTS="}, want: map[string]string{"ALLOWED_HOSTS": ofMetadata}},
		{name: "already there", environ: []string{"ALLOWED_HOSTS=a.example " + ofMetadata + " b.example"},
			want: map[string]string{"ALLOWED_HOSTS": "a.example " + ofMetadata + " b.example", "INSTANCE_IP": ofMetadata}, log: "has it already"},
		{name: "a longer address is another", environ: []string{"ALLOWED_HOSTS=" + ofMetadata + "4 1" + ofMetadata},
			want: map[string]string{"ALLOWED_HOSTS": ofMetadata + "4 1" + ofMetadata + " " + ofMetadata}},
		{name: "space at the end", environ: []string{"ALLOWED_HOSTS=a.example "}, want: map[string]string{"ALLOWED_HOSTS": "a.example " + ofMetadata}},
		{name: "a star stays a star", environ: []string{"ALLOWED_HOSTS=*"}, want: map[string]string{"ALLOWED_HOSTS": "* " + ofMetadata}},
		{name: "other names and commas", variables: comma, environ: []string{"DJANGO_ALLOWED_HOSTS=a.example,b.example", "ALLOWED_HOSTS=x"},
			want: map[string]string{"DJANGO_ALLOWED_HOSTS": "a.example,b.example," + ofMetadata, "PRIVATE_IP": ofMetadata, "ALLOWED_HOSTS": "x", "INSTANCE_IP": "-"},
			log:  "PRIVATE_IP=" + ofMetadata},
		{name: "commas, already there", variables: comma, environ: []string{"DJANGO_ALLOWED_HOSTS=a.example, " + ofMetadata},
			want: map[string]string{"DJANGO_ALLOWED_HOSTS": "a.example, " + ofMetadata}},
		{name: "commas, at the end", variables: comma, environ: []string{"DJANGO_ALLOWED_HOSTS=a.example,"},
			want: map[string]string{"DJANGO_ALLOWED_HOSTS": "a.example," + ofMetadata}},
		{name: "switched off", environ: []string{"INSTANCE_IP_SOURCE=none", "ALLOWED_HOSTS=a.example"},
			want: map[string]string{"ALLOWED_HOSTS": "a.example", "INSTANCE_IP": "-"}, log: "INSTANCE_IP_SOURCE=none"},
		{name: "a slash after the endpoint", environ: []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + endpoint + "/"},
			want: map[string]string{"INSTANCE_IP": ofMetadata}},
		{name: "proxies are not for metadata", environ: []string{"http_proxy=http://127.0.0.1:1", "ALL_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1"},
			want: map[string]string{"INSTANCE_IP": ofMetadata, "http_proxy": "http://127.0.0.1:1"}},
		{name: "values of other variables stay", environ: []string{"address=mine", "hosts=a  b", "SECRET_KEY=a$HOME`x`'\"\\ *", "IFS=."},
			want: map[string]string{"address": "mine", "hosts": "a  b", "SECRET_KEY": "a$HOME`x`'\"\\ *", "INSTANCE_IP": ofMetadata, "token": "-"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			environ := append([]string{"PATH=" + path, "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + endpoint}, test.environ...)
			r := wrap(t, Config{Variables: test.variables}, environ, "env")
			if r.status != 0 {
				t.Fatalf("exit status %d\n%s", r.status, r.stderr)
			}
			for name, want := range test.want {
				if got, set := r.variable(name); !set && want != "-" || set && got != want {
					t.Errorf("%s is %q (set: %v), want %q", name, got, set, want)
				}
			}
			if !strings.Contains(r.stderr, test.log) {
				t.Errorf("log %q, want %q in it", r.stderr, test.log)
			}
		})
	}
}

func TestWrapperIgnoresTheConfigurationOfCurl(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("proxy = http://127.0.0.1:1\nnoproxy = \"\"\noutput = stolen\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := wrap(t, Config{}, []string{"HOME=" + home, "PATH=" + tools(t, nil, "curl"),
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + metadata(t, answer(200, ofMetadata), nil)}, "env")
	if got, _ := r.variable("INSTANCE_IP"); got != ofMetadata {
		t.Errorf("INSTANCE_IP is %q\n%s", got, r.stderr)
	}
}

// The process that systemd started must be the application itself: signals reach it, its exit status is the unit's.
func TestWrapperBecomesTheApplication(t *testing.T) {
	environ := []string{"PATH=" + os.Getenv("PATH"), "INSTANCE_IP_SOURCE=none"}
	r := wrap(t, Config{}, environ, "sh", "-c", `echo "$$|$1|$2"; exit 7`, "sh", "two words", "*")
	if want := fmt.Sprintf("%d|two words|*\n", r.pid); r.stdout != want || r.status != 7 {
		t.Errorf("got %q and exit status %d, want %q and 7", r.stdout, r.status, want)
	}
	r = wrap(t, Config{}, environ, "no-such-program")
	if r.status != 127 || !strings.Contains(r.stderr, "no-such-program") {
		t.Errorf("exit status %d, want 127 and the name of the program:\n%s", r.status, r.stderr)
	}
}

// The instance learns its address however the metadata service behaves, and tells the application nothing else.
func TestWrapperAddsNothingElse(t *testing.T) {
	path := tools(t, routes, "curl")
	environ := []string{"PATH=" + path, "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + metadata(t, answer(200, ofMetadata), nil), "ALLOWED_HOSTS=a"}
	plain := wrap(t, Config{}, append(environ, "INSTANCE_IP_SOURCE=none"), "env")
	wrapped := wrap(t, Config{}, append(environ, "INSTANCE_IP_SOURCE=metadata"), "env")
	names := func(r run) string {
		var all []string
		for line := range strings.Lines(r.stdout) {
			name, _, _ := strings.Cut(line, "=")
			if name != "INSTANCE_IP" {
				all = append(all, name)
			}
		}
		return strings.Join(all, " ")
	}
	if names(plain) != names(wrapped) {
		t.Errorf("the application sees\n%s\nwith the address, and without\n%s", names(wrapped), names(plain))
	}
}
