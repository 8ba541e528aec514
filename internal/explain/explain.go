// Package explain says in words what the health check of an environment proves and what it does not, how long a dead
// instance goes unnoticed, what a redirect that counts as healthy hides, and whether a failing database would take all
// instances out of service. It reads option settings and a bundle, and runs nothing: what the text of the project does not
// tell is "not known".
package explain

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template"
)

// Input is an environment and what runs in it.
type Input struct {
	// Bundle is the source bundle: a zip file, or a directory with what would be in it.
	Bundle string
	// Settings are the environment's option settings; they win over those of the bundle's .ebextensions, and those over
	// Defaults.
	Settings, Defaults []option.Setting
	// Tier is the environment's. Default: [option.WebServer].
	Tier option.Tier
	// HTTPS says whether the load balancer has a listener for HTTPS, nil if that is not known.
	HTTPS *bool
}

// Answer is "yes", "no" or "not known".
type Answer string

// The answers.
const (
	Yes      Answer = "yes"
	No       Answer = "no"
	NotKnown Answer = "not known"
)

func (a answer) public() Answer { return [...]Answer{unknown: NotKnown, no: No, yes: Yes}[a] }

// Layer is a part of what serves a request.
type Layer struct {
	// Name is proxy, process, middleware, URLconf, view or database.
	Name string `json:"name"`
	// Proved says whether it works if the check passes.
	Proved Answer `json:"proved"`
	Why    string `json:"why"`
}

// Span is a time from the shortest to the longest, in seconds.
type Span struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// Explanation is what there is to say.
type Explanation struct {
	// Kind is "load-balanced", or "single instance" or "worker": these have no load balancer that asks. Of them, what has to
	// do with the check is left out, and Instead says what is looked at.
	Kind    string   `json:"kind"`
	Instead []string `json:"instead,omitempty"`
	// Check is the check in a sentence, Host what it says of the Host header.
	Check string `json:"check"`
	Host  string `json:"host"`
	// Layers are in the order in which a request meets them.
	Layers []Layer `json:"layers"`
	// Unproved is what no check of this kind can prove.
	Unproved string `json:"unproved"`
	// Detect is how long an instance that answers wrongly stays in service, DetectSilent one that does not answer, Recover
	// how long one that answers again stays out, First how long after its first good answer a new one waits at most.
	Detect       Span `json:"detect_seconds,omitzero"`
	DetectSilent Span `json:"detect_silent_seconds,omitzero"`
	Recover      Span `json:"recover_seconds,omitzero"`
	First        int  `json:"first_seconds,omitzero"`
	// Share is what becomes of requests meanwhile, Replaced whether the instance is replaced.
	Share    string `json:"share"`
	Replaced string `json:"replaced"`
	// Redirect is what a redirect that counts hides.
	Redirect string `json:"redirect"`
	// Drains says whether a failing database takes all instances out of service, Drain why.
	Drains Answer `json:"drains_fleet"`
	Drain  string `json:"drain"`
	// Recommendation is the one thing to do next.
	Recommendation string `json:"recommendation"`
	// Warnings are what in the bundle silently does nothing.
	Warnings []bundle.Warning `json:"warnings"`
	// Notes are what could not be read.
	Notes []string `json:"notes,omitempty"`
}

const (
	processNamespace    = "aws:elasticbeanstalk:environment:process:default"
	propertiesNamespace = "aws:elasticbeanstalk:application:environment"
	pythonNamespace     = "aws:elasticbeanstalk:container:python"
	groupNamespace      = "aws:autoscaling:asg"
	staticNamespace     = "aws:elasticbeanstalk:environment:proxy:staticfiles"
)

// environment is what is known of the environment before the project is read.
type environment struct {
	settings  []option.Setting
	check     health.Check
	port      int
	min       int // instances, 0 if nobody has said yet
	worker    bool
	single    bool
	replaces  answer // whether the Auto Scaling group looks at this check
	https     *bool
	bundle    *bundle.Reader
	command   string // of the web process
	nginx     string // the location of exactly the check's path, "" without
	nginxFile string
	notes     []string
}

// RefusedError says that Elastic Beanstalk refuses the health check.
type RefusedError struct{ error }

func (e RefusedError) Unwrap() error { return e.error }

// New explains. The error says that the bundle cannot be read, or it is a [RefusedError].
func New(in Input) (*Explanation, error) {
	source := bundle.Source{Path: in.Bundle}
	reader, err := source.Open()
	if err != nil {
		return nil, fmt.Errorf("bundle: %s", strings.TrimPrefix(err.Error(), "Path: "))
	}
	defer reader.Close()
	e := &environment{bundle: reader, https: in.HTTPS, replaces: no, worker: in.Tier == option.Worker}
	own := e.extensions()
	e.settings = option.Merge(in.Defaults, own, in.Settings)
	if len(in.Settings) > 0 {
		e.min = 1 // Elastic Beanstalk's default
	}
	if err := e.read(); err != nil {
		return nil, err
	}
	e.readProcfile()
	e.readProxy()

	x := &Explanation{}
	x.Warnings, err = source.Lint(func(namespace, name string) (string, bool) {
		for _, s := range in.Settings {
			if s.Namespace == namespace && s.OptionName == name {
				if s.Unresolved {
					return "", true
				}
				return s.Value, true
			}
		}
		return "", false
	})
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if x.Warnings == nil {
		x.Warnings = []bundle.Warning{}
	}
	if e.worker || e.single {
		x.Warnings = slices.DeleteFunc(x.Warnings, func(w bundle.Warning) bool { return e.worker && w.Rule == "cron-yaml" })
		x.withoutLoadBalancer(e)
	} else {
		x.Kind = "load-balanced"
		x.times(e)
		x.judge(e, e.look())
	}
	x.Notes = e.notes
	return x, nil
}

func (e *environment) note(format string, args ...any) {
	e.notes = append(e.notes, fmt.Sprintf(format, args...))
}

// extensions reads the bundle's .ebextensions.
func (e *environment) extensions() []option.Setting {
	var settings []option.Setting
	for _, file := range e.bundle.Names() {
		if path.Dir(file) != ".ebextensions" || path.Ext(file) != ".config" {
			continue
		}
		content, err := e.bundle.ReadFile(file)
		if err != nil {
			continue
		}
		config, err := template.ParseConfig(file, content)
		if err != nil {
			continue // the lint says it
		}
		for _, s := range config.Settings {
			settings = append(settings, option.Setting{Namespace: s.Namespace, ResourceName: s.ResourceName, OptionName: s.OptionName, Value: s.Value, Unresolved: s.Unresolved})
		}
		var overrides struct {
			Resources struct {
				AWSEBAutoScalingGroup struct {
					Properties struct {
						HealthCheckType string `yaml:"HealthCheckType"`
					} `yaml:"Properties"`
				} `yaml:"AWSEBAutoScalingGroup"`
			} `yaml:"Resources"`
		}
		if yaml.Unmarshal(content, &overrides) == nil && strings.EqualFold(overrides.Resources.AWSEBAutoScalingGroup.Properties.HealthCheckType, "ELB") {
			e.replaces = yes
		}
	}
	return settings
}

func (e *environment) option(namespace, name string) (option.Setting, bool) {
	for _, s := range e.settings {
		if s.Namespace == namespace && s.OptionName == name {
			return s, true
		}
	}
	return option.Setting{}, false
}

// read reads the settings as Elastic Beanstalk does: what is not set has the platform's default.
func (e *environment) read() error {
	e.check = health.Check{Path: "/", SuccessCodes: "200"}.WithDefaults()
	e.port = 80
	var problems []error
	number := func(namespace, name string, to *int) {
		s, set := e.option(namespace, name)
		if !set || s.Unresolved && s.Value == "" {
			if set {
				e.note("%s is known only when deployed; explained with %d", name, *to)
			}
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(s.Value))
		if err != nil || n < 0 {
			problems = append(problems, fmt.Errorf("%s %s: %q is not a whole number", namespace, name, s.Value))
			return
		}
		*to = n
	}
	seconds := func(name string, to *time.Duration) {
		n := int(*to / time.Second)
		number(processNamespace, name, &n)
		*to = time.Duration(n) * time.Second
	}
	text := func(name string, to *string) {
		if s, set := e.option(processNamespace, name); set && s.Value != "" {
			*to = s.Value
		} else if set {
			e.note("%s is known only when deployed; explained with %s", name, *to)
		}
	}
	codes := string(e.check.SuccessCodes)
	text("HealthCheckPath", &e.check.Path)
	text("MatcherHTTPCode", &codes)
	e.check.SuccessCodes = health.SuccessCodes(codes)
	seconds("HealthCheckInterval", &e.check.Interval)
	seconds("HealthCheckTimeout", &e.check.Timeout)
	number(processNamespace, "HealthyThresholdCount", &e.check.HealthyThresholdCount)
	number(processNamespace, "UnhealthyThresholdCount", &e.check.UnhealthyThresholdCount)
	number(processNamespace, "Port", &e.port)
	number(groupNamespace, "MinSize", &e.min)
	if s, set := e.option("aws:elasticbeanstalk:environment", "EnvironmentType"); set && s.Value == "SingleInstance" {
		e.single = true
	}
	if s, set := e.option("aws:elasticbeanstalk:environment", "LoadBalancerType"); set && !e.worker && !e.single && s.Value != "" && s.Value != "application" {
		e.note("the load balancer is of type %q; explained as an application load balancer", s.Value)
	}
	if err := e.check.Validate(); err != nil && !e.worker && !e.single {
		problems = append(problems, err)
	}
	if problems != nil {
		return RefusedError{fmt.Errorf("the health check is refused: %w", errors.Join(problems...))}
	}
	return nil
}

// properties are the environment properties whose values are known.
func (e *environment) properties() map[string]string {
	known := map[string]string{}
	for _, s := range e.settings {
		if s.Namespace == propertiesNamespace && (!s.Unresolved || s.Value != "") {
			known[s.OptionName] = s.Value
		}
	}
	return known
}

var processLine = regexp.MustCompile(`(?m)^\s*web\s*:\s*(.+?)\s*$`)

func (e *environment) readProcfile() {
	content, err := e.bundle.ReadFile(overlay.ProcfileName)
	if m := processLine.FindSubmatch(content); err == nil && m != nil {
		e.command = string(m[1])
		return
	}
	application := "application"
	if s, set := e.option(pythonNamespace, "WSGIPath"); set && s.Value != "" {
		application = s.Value
	}
	e.command = "gunicorn --bind " + overlay.Address + " " + application
}

// readProxy finds a rule of nginx for exactly the check's path.
func (e *environment) readProxy() {
	plain, _, _ := strings.Cut(e.check.Path, "?")
	location := regexp.MustCompile(`location\s+(?:=\s*)?` + regexp.QuoteMeta(plain) + `\s*\{([^}]*)\}`)
	for _, file := range e.bundle.Names() {
		if !strings.HasPrefix(file, ".platform/nginx/") || path.Ext(file) != ".conf" {
			continue
		}
		content, err := e.bundle.ReadFile(file)
		if err != nil || plain == "/" {
			continue
		}
		if m := location.FindSubmatch(content); m != nil {
			e.nginx, e.nginxFile = string(m[1]), file
		}
	}
}

// static returns the static file path that the check's path lies below, "" if it lies below none.
func (e *environment) static() string {
	paths := []string{}
	for _, s := range e.settings {
		if s.Namespace == staticNamespace && s.Value != "" {
			paths = append(paths, s.OptionName)
		}
	}
	if len(paths) == 0 {
		paths = []string{"/static"}
	}
	for _, p := range paths {
		if p = "/" + strings.Trim(p, "/"); p != "/" && strings.HasPrefix(e.check.Path, p+"/") {
			return p
		}
	}
	return ""
}

var settingsModule = regexp.MustCompile(`DJANGO_SETTINGS_MODULE['"]\s*(?:,|\]\s*=)\s*['"]([\w.]+)['"]`)

// words of a command that are options' values or programs rather than the application.
var applicationWord = regexp.MustCompile(`^[A-Za-z_]\w*(\.\w+)+(:\w+)?$|^[A-Za-z_]\w*:[A-Za-z_]\w*$`)

// project reads the project, nil if the bundle has none that can be found.
func (e *environment) project() *project {
	p := &project{read: e.bundle.ReadFile, roots: []string{""}, properties: e.properties(), modules: map[string]*module{}}
	words := strings.Fields(strings.ReplaceAll(e.command, "=", " "))
	application := ""
	for i, w := range words {
		switch {
		case (w == "--chdir" || w == "--app-dir" || w == "--pythonpath") && i+1 < len(words):
			p.roots = append([]string{strings.Trim(words[i+1], "./") + "/"}, p.roots...)
		case applicationWord.MatchString(w) && !strings.HasSuffix(w, ".sh") && !strings.HasSuffix(w, ".py"):
			application = w
		case w == "application" && application == "":
			application = w
		}
	}
	module, _, _ := strings.Cut(application, ":")
	name := p.properties["DJANGO_SETTINGS_MODULE"]
	if s, set := e.option(propertiesNamespace, "DJANGO_SETTINGS_MODULE"); name == "" && set && s.Unresolved {
		return nil
	}
	files := []string{"manage.py"}
	if m := p.module(module); m != nil {
		files = append([]string{m.file}, files...)
	}
	for _, file := range files {
		if content, err := e.bundle.ReadFile(file); name == "" && err == nil {
			if m := settingsModule.FindSubmatch(content); m != nil {
				name = string(m[1])
			}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			e.note("%s: %v", file, err)
		}
	}
	if name == "" {
		return nil
	}
	if p.settings = p.readSettings(name); p.settings == nil {
		e.note("the settings module %s is not in the bundle", name)
		return nil
	}
	if !p.settings.complete {
		e.note("%s takes settings from outside the bundle", p.settings.module.file)
	}
	return p
}

func (x *Explanation) times(e *environment) {
	c := e.check
	interval, timeout := int(c.Interval/time.Second), int(c.Timeout/time.Second)
	x.Detect = Span{(c.UnhealthyThresholdCount - 1) * interval, c.UnhealthyThresholdCount * interval}
	x.DetectSilent = Span{x.Detect.Low + timeout, x.Detect.High + timeout}
	x.Recover = Span{(c.HealthyThresholdCount - 1) * interval, c.HealthyThresholdCount * interval}
	x.First = interval
	x.Share = "meanwhile it gets its share of the requests"
	if e.min == 1 {
		x.Share += ", all of them if it is the only one (MinSize 1)"
	} else if e.min > 1 {
		x.Share += fmt.Sprintf(", 1 in %d at MinSize %[1]d", e.min)
	}
	x.Replaced = "never by this check: the Auto Scaling group looks at EC2's status checks, not at the load balancer's"
	if e.replaces == yes {
		x.Replaced = "by the Auto Scaling group, which looks at this check (HealthCheckType ELB in .ebextensions)"
	}
}

func codesAccept(c health.SuccessCodes, from, to int) (codes []int) {
	for code := from; code <= to; code++ {
		if c.Contains(code) {
			codes = append(codes, code)
		}
	}
	return codes
}

func (e *environment) server() string {
	for _, word := range strings.Fields(e.command) {
		switch base := path.Base(word); base {
		case "gunicorn", "uvicorn", "daphne", "hypercorn", "granian", "waitress-serve", "uwsgi", "runserver":
			return base
		}
	}
	return "the app's server"
}

func (e *environment) wrapped() bool {
	source, set := e.option(propertiesNamespace, overlay.InstanceIPSource)
	return strings.Contains(e.command, overlay.WrapperName) && !(set && source.Value == overlay.SourceNone)
}
