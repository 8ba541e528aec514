package rehearsal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// The namespaces that shape what a load balancer meets on an instance.
const (
	environmentNamespace   = "aws:elasticbeanstalk:environment"
	propertiesNamespace    = "aws:elasticbeanstalk:application:environment"
	secretsNamespace       = "aws:elasticbeanstalk:application:environmentsecrets"
	processNamespaces      = "aws:elasticbeanstalk:environment:process:"
	processNamespace       = processNamespaces + "default"
	pythonNamespace        = "aws:elasticbeanstalk:container:python"
	proxyNamespace         = "aws:elasticbeanstalk:environment:proxy"
	staticFilesNamespace   = "aws:elasticbeanstalk:environment:proxy:staticfiles"
	httpsListenerNamespace = "aws:elbv2:listener:443"
)

// Placeholder stands for a host name that only a deployment knows, such as the load balancer's own.
const Placeholder = "placeholder.invalid"

// plan is what the option settings ask of an instance.
type plan struct {
	check        health.Check
	port         int // of the process: where the load balancer asks
	tls          bool
	appPort      int // where nginx expects the app
	variables    []variable
	names        overlay.Variables // that the wrapper in the bundle has, or the defaults
	wsgiPath     string
	processes    int
	threads      int
	staticFiles  []staticFile
	listensHTTPS bool // a listener for HTTPS among the settings
	notes        []string
}

// variable is one of the app's environment variables. A secret one is never printed.
type variable struct {
	name, value string
	secret      bool
}

// staticFile is a path that nginx serves from a directory of the bundle.
type staticFile struct{ URL, Directory string }

// addressName is the name of an address, which may hold a password.
var addressName = regexp.MustCompile(`(?i)_dsn$|_url$`)

// private says whether the value of an environment property is not for printing.
func private(s option.Setting) bool {
	return option.SecretName(s.OptionName) || addressName.MatchString(s.OptionName) || option.SecretValue(s.Value) != ""
}

// RefusedError says that Elastic Beanstalk refuses a setting, so that there would be no deployment.
type RefusedError struct{ error }

func (e RefusedError) Unwrap() error { return e.error }

// newPlan reads the settings as Elastic Beanstalk does: what is not set has the platform's default, not beanpole's. The
// check is that of the process.
func newPlan(settings []option.Setting, process string) (plan, error) {
	p := plan{
		check: health.Check{
			Path: "/", SuccessCodes: "200", Interval: 15 * time.Second, Timeout: 5 * time.Second,
			HealthyThresholdCount: 3, UnhealthyThresholdCount: 5,
		},
		names: overlay.Variables{}.WithDefaults(),
		port:  80, appPort: 8000, wsgiPath: "application", processes: 1, threads: 15,
	}
	var problems []error
	number := func(s option.Setting, to *int) {
		n, err := strconv.Atoi(strings.TrimSpace(s.Value))
		if err != nil || n < 1 {
			problems = append(problems, RefusedError{fmt.Errorf("%s %s: %q is not a whole number above 0", s.Namespace, s.OptionName, s.Value)})
			return
		}
		*to = n
	}
	seconds := func(s option.Setting, to *time.Duration) {
		n := int(*to / time.Second)
		number(s, &n)
		*to = time.Duration(n) * time.Second
	}
	processes := map[string]bool{"default": true}
	for _, s := range option.Merge(settings) {
		if name, ok := strings.CutPrefix(s.Namespace, processNamespaces); ok {
			if processes[name] = true; name != process {
				continue
			}
			s.Namespace = processNamespace
		}
		if s.Unresolved && s.Value == "" && s.Namespace != propertiesNamespace && s.Namespace != secretsNamespace {
			if _, matters := rehearsed[s.Namespace+" "+s.OptionName]; matters {
				p.notes = append(p.notes, fmt.Sprintf("%s %s is known only when deployed; rehearsed with the platform's default", s.Namespace, s.OptionName))
			}
			continue
		}
		switch s.Namespace + " " + s.OptionName {
		case processNamespace + " HealthCheckPath":
			p.check.Path = s.Value
		case processNamespace + " MatcherHTTPCode":
			p.check.SuccessCodes = health.SuccessCodes(s.Value)
		case processNamespace + " HealthCheckInterval":
			seconds(s, &p.check.Interval)
		case processNamespace + " HealthCheckTimeout":
			seconds(s, &p.check.Timeout)
		case processNamespace + " HealthyThresholdCount":
			number(s, &p.check.HealthyThresholdCount)
		case processNamespace + " UnhealthyThresholdCount":
			number(s, &p.check.UnhealthyThresholdCount)
		case processNamespace + " Port":
			number(s, &p.port)
		case processNamespace + " Protocol":
			p.tls = strings.EqualFold(s.Value, "HTTPS")
		case pythonNamespace + " WSGIPath":
			p.wsgiPath = s.Value
		case pythonNamespace + " NumProcesses":
			number(s, &p.processes)
		case pythonNamespace + " NumThreads":
			number(s, &p.threads)
		case proxyNamespace + " ProxyServer":
			if s.Value != "nginx" {
				problems = append(problems, fmt.Errorf("%s %s is %q: only nginx, the platform's default, can be rehearsed", s.Namespace, s.OptionName, s.Value))
			}
		case environmentNamespace + " LoadBalancerType":
			if s.Value != "application" {
				p.notes = append(p.notes, fmt.Sprintf("the load balancer is of type %q: probed as an application load balancer does", s.Value))
			}
		case propertiesNamespace + " PORT":
			number(s, &p.appPort)
		}
		switch {
		case s.Namespace == propertiesNamespace:
			p.variables = append(p.variables, property(s, &p.notes))
		case s.Namespace == secretsNamespace:
			p.variables = append(p.variables, fakeSecret(s.OptionName))
			p.notes = append(p.notes, fmt.Sprintf("%s comes from a secret: a made-up value stands for it", s.OptionName))
		case s.Namespace == staticFilesNamespace && s.Value != "":
			p.staticFiles = append(p.staticFiles, staticFile{s.OptionName, s.Value})
		case s.Namespace == httpsListenerNamespace && s.OptionName == "Protocol" && s.Value == "HTTPS":
			p.listensHTTPS = true
		}
	}
	if !processes[process] {
		problems = append(problems, fmt.Errorf("there is no process %q; the processes are %s", process, strings.Join(slices.Sorted(maps.Keys(processes)), ", ")))
	}
	for name := range processes {
		if name != process {
			p.notes = append(p.notes, fmt.Sprintf("the process %s is not asked: this is a rehearsal of the process %s; --process takes another", name, process))
		}
	}
	slices.Sort(p.notes)
	if p.staticFiles == nil {
		p.staticFiles = []staticFile{{"/static", "static"}} // the Python platform's own
	}
	if err := p.check.Validate(); err != nil {
		problems = append(problems, RefusedError{fmt.Errorf("%s: %w", processNamespace, err)})
	}
	return p, errors.Join(problems...)
}

// rehearsed are the options whose value changes what the rehearsal does.
var rehearsed = func() map[string]struct{} {
	m := map[string]struct{}{}
	for namespace, names := range map[string][]string{
		processNamespace: {"HealthCheckPath", "MatcherHTTPCode", "HealthCheckInterval", "HealthCheckTimeout",
			"HealthyThresholdCount", "UnhealthyThresholdCount", "Port", "Protocol"},
		pythonNamespace: {"WSGIPath", "NumProcesses", "NumThreads"},
		proxyNamespace:  {"ProxyServer"},
	} {
		for _, name := range names {
			m[namespace+" "+name] = struct{}{}
		}
	}
	return m
}()

func property(s option.Setting, notes *[]string) variable {
	v := variable{name: s.OptionName, value: s.Value, secret: private(s)}
	if !s.Unresolved {
		return v
	}
	if v.value == "" {
		v.value = placeholderFor(s.OptionName)
	}
	shown := strconv.Quote(v.value)
	if v.secret {
		shown = "a made-up value"
	}
	*notes = append(*notes, fmt.Sprintf("%s is known only when deployed: rehearsed with %s", v.name, shown))
	return v
}

// placeholderFor makes up a value of the kind that the name promises, so that settings which parse it do not fail.
func placeholderFor(name string) string {
	name = strings.ToUpper(name)
	switch {
	case strings.HasSuffix(name, "DATABASE_URL") || strings.HasSuffix(name, "DB_URL"):
		return "sqlite:///:memory:"
	case strings.HasSuffix(name, "_URL"):
		return "https://" + Placeholder + "/"
	case strings.HasSuffix(name, "_PORT"):
		return "1"
	default:
		return Placeholder
	}
}

// userHost is a host that the app allows: the first one named in the variable of allowed hosts, else that of the health checks.
func (p plan) userHost(otherwise string) string {
	for _, v := range p.variables {
		if v.name != p.names.AllowedHosts {
			continue
		}
		for _, host := range strings.FieldsFunc(v.value, func(r rune) bool { return r == ' ' || r == ',' }) {
			if strings.HasPrefix(host, ".") {
				host = "www" + host
			}
			if !strings.ContainsAny(host, "*/\r\n") {
				return host
			}
		}
	}
	return otherwise
}

var (
	hostsLine     = regexp.MustCompile(`(?m)^\tlocal allowed_hosts=(\w+)$`)
	separatorLine = regexp.MustCompile(`(?m)^\tlocal separator='(.)'$`)
)

// wrapperNames are those of the variables with which the bundle's wrapper was generated.
func wrapperNames(app string) (v overlay.Variables) {
	script, _ := os.ReadFile(filepath.Join(app, overlay.WrapperName))
	if m := hostsLine.FindSubmatch(script); m != nil {
		v.AllowedHosts = string(m[1])
	}
	if m := separatorLine.FindSubmatch(script); m != nil {
		v.AllowedHostsSeparator = string(m[1])
	}
	return v.WithDefaults()
}

func fakeSecret(name string) variable {
	v := variable{name: name, value: placeholderFor(name), secret: true}
	if v.value == Placeholder {
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails
		v.value = "rehearsal" + hex.EncodeToString(random)
	}
	return v
}

// environ is the app's environment as the platform's unit has it: the environment properties, and nothing of whoever runs
// the rehearsal. Beanpole's own additions come first; a property of the same name wins.
func environ(variables []variable, base ...string) []string {
	env := slices.Clone(base)
	for _, v := range variables {
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, v.name+"=") })
		env = append(env, v.name+"="+v.value)
	}
	return env
}
