package rehearsal

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// Step is a line of the progress, but for the probes, which are a list of their own.
type Step struct {
	At   time.Duration `json:"at_ns"`
	Text string        `json:"text"`
}

// Process is the web process from one start to its end. Times are counted from the start of the rehearsal.
type Process struct {
	Started time.Duration `json:"started_ns"`
	// Ended is 0 if the process ran until the end of the rehearsal; How says how it ended.
	Ended time.Duration `json:"ended_ns,omitempty"`
	How   string        `json:"how,omitempty"`
}

// Check is [health.Check] as the verdict shows it.
type Check struct {
	Path                    string              `json:"path"`
	SuccessCodes            health.SuccessCodes `json:"success_codes"`
	Interval                time.Duration       `json:"interval_ns"`
	Timeout                 time.Duration       `json:"timeout_ns"`
	HealthyThresholdCount   int                 `json:"healthy_threshold_count"`
	UnhealthyThresholdCount int                 `json:"unhealthy_threshold_count"`
}

// Passes says whether a probe passed the check.
func (c Check) Passes(p Probe) bool {
	return !p.TimedOut && p.Error == "" && health.Check(c).Passes(health.Observation{StatusCode: p.StatusCode})
}

// Used is what a rehearsal ran with.
type Used struct {
	Check Check `json:"check"`
	// Host is the Host header of the health checks, Port and Protocol those of the process.
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
	// Speed divides the interval.
	Speed float64 `json:"speed"`
	// Command is the web process's.
	Command     string       `json:"web"`
	Properties  []Property   `json:"environment_properties,omitempty"`
	StaticFiles []StaticFile `json:"static_files,omitempty"`
	// HTTPS says whether the load balancer has a listener for HTTPS, null if that is not known.
	HTTPS *bool `json:"https_listener"`
	// PlatformPython is the platform's version, "" if unknown; Python is the one that ran.
	PlatformPython string `json:"platform_python,omitempty"`
	Python         string `json:"python"`
	Nginx          string `json:"nginx,omitempty"`
	Beanpole       string `json:"beanpole,omitempty"`
	// Packages are those of the virtual environment that say what ran.
	Packages []Package `json:"packages,omitempty"`
}

// Property is an environment property. Its value is shown only if its name is one that has to do with the health check:
// what else is in an environment may be a secret under any name.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	// Hidden says why there is no value.
	Hidden string `json:"hidden,omitempty"`
}

// StaticFile is a path that nginx serves from a directory of the bundle.
type StaticFile struct {
	URL       string `json:"url"`
	Directory string `json:"directory"`
}

// Package is one that is installed.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// shownName matches the environment properties whose values a health check depends on.
var shownName = regexp.MustCompile(`ALLOWED_HOSTS$|^(INSTANCE_IP|INSTANCE_IP_SOURCE|HEALTH_CHECK_PATH|BEANPOLE_\w+|DJANGO_SETTINGS_MODULE|DJANGO_ENV|PORT|DEBUG|(DJANGO_)?SECURE_\w+|WEB_CONCURRENCY)$`)

// used collects what is known before the app starts.
func (p plan) used(in Input, host, command, nginx, venv string, py python, opts Options, https *bool) Used {
	u := Used{
		Check: Check(p.check), Host: host, Port: p.port, Protocol: "HTTP", Speed: opts.Speed,
		Command: command, HTTPS: https, PlatformPython: in.Python, Python: py.version, Packages: packages(venv),
		Nginx: nginx,
	}
	if p.tls {
		u.Protocol = "HTTPS"
	}
	for _, v := range p.variables {
		shown := Property{Name: v.name}
		switch {
		case v.secret:
			shown.Hidden = "secret"
		case shownName.MatchString(v.name):
			shown.Value = v.value
		default:
			shown.Hidden = "not shown"
		}
		u.Properties = append(u.Properties, shown)
	}
	for _, s := range p.staticFiles {
		u.StaticFiles = append(u.StaticFiles, StaticFile(s))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		u.Beanpole = info.Main.Version
	}
	return u
}

// notShown are what a rehearsal of this form cannot show, whatever its verdict.
func notShown(form Isolation) []string {
	all := []string{"the way from the load balancer to the instance: security groups, subnets, listeners and their rules"}
	if form == Namespace {
		all = append(all, "anything beyond the instance: it had a network of its own without a way out, so a database or a service elsewhere refused at once")
	} else {
		all = append(all, "code that asks 169.254.169.254 itself: the loopback form has the metadata service elsewhere, as AWS_EC2_METADATA_SERVICE_ENDPOINT says",
			"the instance's network: the loopback form used this machine's, so a service that answered here may be out of an instance's reach")
	}
	return append(all,
		"the instance itself: its size, what else runs on it, the packages of its system, the permissions of its instance profile",
		"load: one request was in flight at a time")
}

// namesThatTell are the packages that say what ran.
var namesThatTell = []string{"Django", "asgiref", "gunicorn", "uvicorn", "uvicorn-worker", "daphne", "hypercorn", "granian", "waitress", "whitenoise", "django-environ", "python-decouple"}

// packages reads the versions from the names of directories, which takes no Python.
func packages(venv string) []Package {
	installed := map[string]string{}
	found, _ := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages", "*.dist-info"))
	for _, dir := range found {
		name, version, ok := strings.Cut(strings.TrimSuffix(filepath.Base(dir), ".dist-info"), "-")
		if ok {
			installed[strings.ToLower(strings.ReplaceAll(name, "_", "-"))] = version
		}
	}
	var all []Package
	for _, name := range namesThatTell {
		if version := installed[strings.ToLower(name)]; version != "" {
			all = append(all, Package{name, version})
		}
	}
	return all
}

var nginxSays = regexp.MustCompile(`nginx/([\d.]+)`)

func nginxVersion(ctx context.Context, nginx string) string {
	out, _ := exec.CommandContext(ctx, nginx, "-v").CombinedOutput()
	if m := nginxSays.FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return ""
}

// printable replaces control characters, which would otherwise reach the terminal: what an app says is a stranger's text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
