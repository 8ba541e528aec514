// Package rehearsal runs a Django project as an Elastic Beanstalk instance would and asks for its health as the load
// balancer would, before anything is deployed: the bundle unpacked, its requirements installed, the platform's nginx in
// front of the app's own server, instance metadata emulated, and health checks that are byte for byte the load balancer's.
// When the target does not turn healthy, it names the cause.
//
// It takes a bundle and option settings and does not care where they come from; package source reads them from a cloud
// assembly or from a deployed environment.
package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template"
)

// Input is what would be deployed.
type Input struct {
	// Bundle is the source bundle: a zip file, or a directory with what would be in it.
	Bundle string
	// Temporary says that the bundle is nobody else's: it is removed as soon as it has been unpacked.
	Temporary bool
	// Settings are the environment's option settings; they win over those of the bundle's .ebextensions, and those over
	// Defaults. An unresolved setting may carry a stand-in as its Value.
	Settings, Defaults []option.Setting
	// Tier is the environment's. Default: [option.WebServer].
	Tier option.Tier
	// Process is the process whose port is asked, as its check says. Default: "default", whose health is the environment's.
	Process string
	// Python is the platform's version, such as "3.13". Default: unknown; the machine's own is taken.
	Python string
	// HTTPS says whether the load balancer has a listener for HTTPS, if that is known from elsewhere than the settings.
	HTTPS *bool
	// LeftOut are files that are not in the bundle although a deployment's author may count on them, such as .env.
	LeftOut []string
	// MayHoldHosts names a variable, and what it may be split at, that the settings read near ALLOWED_HOSTS, for advice alone.
	MayHoldHosts overlay.Variables
	// Notes are what the source of the input could not know. They are repeated in the verdict.
	Notes []string
}

// Isolation is the form of a rehearsal.
type Isolation string

const (
	// Automatic takes [Namespace] where it is allowed, else [Loopback].
	Automatic Isolation = ""
	// Namespace gives the instance a network of its own: port 80, the instance's address and 169.254.169.254 are as on an
	// instance, and no traffic leaves. Linux only; needs no root.
	Namespace Isolation = "namespace"
	// Loopback puts everything on free ports of 127.0.0.1. Code that asks 169.254.169.254 itself cannot be rehearsed so.
	Loopback Isolation = "loopback"
)

// The defaults of [Options].
const (
	// DefaultSpeed turns the usual interval of 15 s into 0.75 s.
	DefaultSpeed = 20
	// DefaultInstanceIP is the address of the instance.
	DefaultInstanceIP = "10.0.1.23"
)

// Options are how to rehearse. The zero value is fine.
type Options struct {
	// Out gets the progress, one line a step. Default: nowhere.
	Out io.Writer
	// Speed divides the interval between health checks, so that a verdict which takes a minute takes seconds. Timeouts and
	// the time that the app takes to start are not shortened. From 1. Default: [DefaultSpeed].
	Speed float64
	// CacheDir keeps virtual environments. Default: "beanpole" in the user's cache directory.
	CacheDir string
	// Isolation is the form. Default: [Automatic].
	Isolation Isolation
	// InstanceIP is the private IPv4 address of the instance. Default: [DefaultInstanceIP].
	InstanceIP string
	// Metadata is how the instance metadata service behaves. Default: as on an instance.
	Metadata Metadata
	// Commands runs what a deployment runs on the instance before the app: the bundle's container commands and its hooks
	// prebuild and predeploy, each as if on the leader, with the rights of whoever rehearses. Default: they are not run.
	Commands bool
}

// Verdict is what the load balancer would think of the target.
type Verdict struct {
	// Kind is that of the environment. One that is not [LoadBalanced] has no target: State then says whether the app answers
	// as it has to.
	Kind  Kind         `json:"kind"`
	State health.State `json:"state"`
	// StatusCode is that of the last probe, 0 if there was no answer.
	StatusCode int    `json:"status_code"`
	Reason     string `json:"reason,omitempty"`
	// Redirected says that the target is healthy by an answer of 300 or above: Causes say which, and that no view ran.
	Redirected bool `json:"redirected,omitempty"`
	// Causes are why the target is not healthy, or healthy by a redirect. Of one that is healthy otherwise they say what
	// users meet that the check does not.
	Causes []Cause `json:"causes,omitempty"`
	Probes []Probe `json:"probes"`
	// Notes are what the rehearsal could not know; NotShown is what one of this form never shows.
	Notes     []string  `json:"notes,omitempty"`
	NotShown  []string  `json:"not_shown"`
	Isolation Isolation `json:"isolation"`
	// Began is when; all other times are counted from then.
	Began time.Time     `json:"began"`
	Took  time.Duration `json:"took_ns"`
	// Registered is when the load balancer began to ask, 0 if the deployment failed before.
	Registered time.Duration `json:"registered_ns,omitempty"`
	Web        []Process     `json:"web_processes,omitempty"`
	Steps      []Step        `json:"steps"`
	Used       Used          `json:"used"`
}

// String is the last line of a rehearsal.
func (v Verdict) String() string {
	if v.State == health.Healthy && v.Kind != LoadBalanced {
		return fmt.Sprintf("verdict: the app answers %d; no load balancer asks %s", v.StatusCode, v.Kind.as())
	}
	if v.State == health.Healthy {
		return fmt.Sprintf("verdict: healthy by %d", v.StatusCode)
	}
	why := v.Reason
	if len(v.Causes) > 0 {
		why = v.Causes[0].Summary
	}
	return "verdict: unhealthy: " + why
}

// event is what the instance tells while it runs.
type event struct {
	At          time.Duration `json:",omitempty"`
	Line        string        `json:",omitempty"`
	Probe       *Probe        `json:",omitempty"`
	Outcome     *outcome      `json:",omitempty"`
	Unavailable string        `json:",omitempty"`
	Error       string        `json:",omitempty"`
}

// unavailableError says that this machine has no namespaces for the rehearsal.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// Run rehearses. The error says why there is no verdict; a verdict that is not healthy is no error. Nothing is left running
// or on the disk but the cache when Run returns. A program that is killed outright leaves nothing either once the app runs in
// a [Namespace]; before that, and in the form [Loopback], it leaves a temporary directory (beanpole-rehearsal-…) and in the
// latter whatever the app has started. Programs that call Run call [Inside] first of all.
func Run(ctx context.Context, in Input, opts Options) (Verdict, error) {
	started := time.Now()
	opts, err := opts.withDefaults()
	if err != nil {
		return Verdict{}, err
	}
	nginx, err := findNginx()
	if err != nil {
		return Verdict{}, err
	}
	root, err := os.MkdirTemp("", "beanpole-rehearsal-")
	if err != nil {
		return Verdict{}, err
	}
	defer os.RemoveAll(root)
	if root, err = filepath.EvalSymlinks(root); err != nil { // macOS: /var is a link, and nginx compares
		return Verdict{}, err
	}
	out := &printer{out: opts.Out, started: started}

	// Things that take time and do not need each other.
	var py python
	var pyErr error
	var nginxIs string
	var both sync.WaitGroup
	both.Go(func() { py, pyErr = findPython(ctx, in.Python) })
	both.Go(func() { nginxIs = nginxVersion(ctx, nginx) })
	app := filepath.Join(root, "app")
	files, err := unpack(in.Bundle, app)
	if in.Temporary {
		err = errors.Join(err, os.Remove(in.Bundle))
	}
	both.Wait()
	if err := errors.Join(err, pyErr); err != nil {
		return Verdict{}, err
	}

	extensions, err := extensionSettings(app)
	if err != nil {
		return Verdict{}, err
	}
	all := option.Merge(in.Defaults, extensions, in.Settings)
	p, err := newPlan(all, cmp.Or(in.Process, "default"))
	if err != nil {
		return Verdict{}, err
	}
	p.names = wrapperNames(app)
	kind, host := p.kind(in, all, opts.InstanceIP)
	out.redact = newRedactor(p.variables)
	procfile, err := os.ReadFile(filepath.Join(app, "Procfile"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Verdict{}, fmt.Errorf("bundle: %w", err)
	}
	command, others := webCommand(procfile)
	if command == "" {
		command = defaultCommand(p)
	}
	p.notes = append(p.notes, in.Notes...)
	for _, name := range others {
		p.notes = append(p.notes, fmt.Sprintf("the Procfile's process %s is not started: the load balancer asks web only", name))
	}
	if in.Python != "" && !strings.HasPrefix(py.version, in.Python+".") {
		p.notes = append(p.notes, fmt.Sprintf("the platform runs Python %s, this machine has %s", in.Python, py.version))
	}
	out.say("bundle: %d files; web: %s", files, command)
	for _, n := range p.notes {
		out.say("note: %s", n)
	}

	want, err := readRequirements(app)
	if err != nil {
		return Verdict{}, err
	}
	venv, err := virtualEnvironment(ctx, py, want, app, root, opts.CacheDir, out.say)
	if err != nil {
		return Verdict{}, err
	}
	home, tmp := filepath.Join(root, "home"), filepath.Join(root, "tmp")
	if err := errors.Join(os.Mkdir(home, 0o755), os.Mkdir(tmp, 0o755)); err != nil {
		return Verdict{}, err
	}
	j := job{
		Root: root, App: app, Nginx: nginx, Command: command, Check: p.check, Port: p.port, TLS: p.tls, AppPort: p.appPort,
		Python: filepath.Join(venv, "bin", "python"), StaticFiles: p.staticFiles,
		Kind: kind, Host: host, InstanceIP: opts.InstanceIP, Metadata: opts.Metadata, Speed: opts.Speed, Isolation: opts.Isolation,
		Env: environ(p.variables,
			"PATH="+filepath.Join(venv, "bin")+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"PYTHONPATH="+filepath.Join(venv, "bin"), "LANG=C.UTF-8", "HOME="+home, "TMPDIR="+tmp),
	}
	https := in.HTTPS
	if https == nil && p.listensHTTPS {
		https = &p.listensHTTPS
	}
	if kind == SingleInstance {
		own := proxyTakesHTTPS(app)
		https = &own
	}
	if https != nil && !*https && kind != Worker {
		j.User = p.userHost(opts.InstanceIP)
	}
	paths := instancePaths(app, venv)
	shown := p.used(in, host, command, nginxIs, venv, py, opts, https)
	j.Command = paths.Replace(j.Command)
	commands, err := deploymentCommands(app, paths)
	if err != nil {
		return Verdict{}, err
	}
	if opts.Commands {
		j.Commands = commands
		if err := adaptHooks(app, paths); err != nil {
			return Verdict{}, err
		}
	} else if len(commands) > 0 {
		p.notes = append(p.notes, notRun(commands))
		out.say("note: %s", p.notes[len(p.notes)-1])
	}
	out.offset = time.Since(started)
	o, isolation, err := j.run(ctx, out.event)
	if err != nil {
		return Verdict{}, err
	}

	v := Verdict{
		State: o.State, StatusCode: o.Facts.Last.StatusCode, Reason: o.Reason, Probes: o.Probes, Isolation: isolation, Notes: p.notes,
		Kind: kind, NotShown: notShown(isolation), Began: started, Web: o.Web, Used: shown,
	}
	clean := cleaner(root, venv, out.redact)
	for i := range v.Probes {
		p := &v.Probes[i]
		p.At += out.offset // the instance's clock began later
		p.Location, p.Error = clean(p.Location), clean(p.Error)
	}
	for i := range v.Web {
		v.Web[i].Started += out.offset
		if v.Web[i].Ended != 0 {
			v.Web[i].Ended += out.offset
		}
	}
	if o.Registered != 0 {
		v.Registered = o.Registered + out.offset
	}
	v.Used.Command = clean(v.Used.Command)
	v.Redirected = v.State == health.Healthy && v.StatusCode >= 300
	if v.State != health.Healthy || v.Redirected {
		asked := opts.InstanceIP
		if kind != LoadBalanced {
			asked = host
		}
		here := situation{check: p.check, command: command, address: asked, https: https, applications: applications(app), isolation: isolation,
			requirements: want.file != "", elsewhere: requirementsElsewhere(app), variables: p.names, leftOut: in.LeftOut, mayHoldHosts: in.MayHoldHosts}
		for _, v := range p.variables {
			here.set = append(here.set, v.name)
		}
		o.Facts.hide(out.redact) // before a summary is cut in the middle of a secret
		for _, c := range causes(o.Facts, here) {
			c = c.forKind(kind, host)
			v.Causes = append(v.Causes, Cause{ID: c.ID, Summary: clean(c.Summary), Change: clean(c.Change), Detail: clean(c.Detail)})
		}
	}
	if production := productionSettings(app, o.Facts.Django); production != "" && len(v.Causes) > 0 {
		v.Causes[0].Change += fmt.Sprintf(". The app runs with %s, and the bundle has %s: the environment property DJANGO_SETTINGS_MODULE chooses", o.Facts.Django.SettingsModule, production)
	}
	if o.Facts.UserTo != "" {
		c := closedPort.forKind(kind, host)
		c.Detail = "a user's GET / by HTTP leads to " + o.Facts.UserTo
		v.Causes = append(v.Causes, c)
	}
	if o.Facts.NginxAlone && v.State == health.Healthy {
		v.Notes = append(v.Notes, "nginx answered the check itself: the app was not asked, so nothing is known of it")
		out.say("note: %s", v.Notes[len(v.Notes)-1])
	}
	v.Took, v.Steps = time.Since(started), out.steps
	for i, note := range v.Notes {
		v.Notes[i] = clean(note)
	}
	out.conclude(v)
	return v, nil
}

// run chooses the form.
func (j job) run(ctx context.Context, emit func(event)) (outcome, Isolation, error) {
	if j.Isolation != Loopback {
		wanted := j.Isolation
		j.Isolation = Namespace
		o, err := j.performInNamespace(ctx, emit)
		var unavailable unavailableError
		if !errors.As(err, &unavailable) {
			return o, Namespace, err
		}
		if wanted == Namespace {
			return o, Namespace, fmt.Errorf("this machine does not allow a user and network namespace: %w; the other form is --isolation loopback", err)
		}
		emit(event{Line: fmt.Sprintf("loopback form, because namespaces are not available here (%v): code that asks 169.254.169.254 itself cannot be rehearsed", err)})
	}
	j.Isolation = Loopback
	if j.Metadata.Fault == Dropped {
		return outcome{}, Loopback, errors.New("a metadata service whose packets are dropped can be rehearsed in a namespace only")
	}
	o, err := j.perform(ctx, emit)
	return o, Loopback, err
}

func (o Options) withDefaults() (Options, error) {
	var problems []error
	if o.Speed == 0 {
		o.Speed = DefaultSpeed
	}
	if !(o.Speed >= 1) {
		problems = append(problems, fmt.Errorf("speed %v: want 1 (as configured) or more", o.Speed))
	}
	if o.InstanceIP == "" {
		o.InstanceIP = DefaultInstanceIP
	}
	if a, err := netip.ParseAddr(o.InstanceIP); err != nil || !a.Is4() {
		problems = append(problems, fmt.Errorf("instance address %q: want an IPv4 address", o.InstanceIP))
	}
	switch o.Isolation {
	case Automatic, Namespace, Loopback:
	default:
		problems = append(problems, fmt.Errorf("isolation %q: want %q or %q", o.Isolation, Namespace, Loopback))
	}
	if o.CacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			problems = append(problems, fmt.Errorf("no place for virtual environments: %w; name one", err))
		}
		o.CacheDir = filepath.Join(user, "beanpole")
	}
	if absolute, err := filepath.Abs(o.CacheDir); err == nil {
		o.CacheDir = absolute
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	return o, errors.Join(problems...)
}

// extensionSettings reads the option settings of the bundle's .ebextensions, in the order in which a deployment does.
func extensionSettings(app string) ([]option.Setting, error) {
	files, err := filepath.Glob(filepath.Join(app, ".ebextensions", "*.config"))
	if err != nil {
		return nil, err
	}
	var settings []option.Setting
	for _, file := range files { // Glob sorts
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("bundle: %w", err)
		}
		config, err := template.ParseConfig(".ebextensions/"+filepath.Base(file), content)
		if err != nil {
			return nil, fmt.Errorf("bundle: %w", err)
		}
		for _, s := range config.Settings {
			settings = append(settings, option.Setting{
				Namespace: s.Namespace, ResourceName: s.ResourceName, OptionName: s.OptionName, Value: s.Value, Unresolved: s.Unresolved,
			})
		}
	}
	return settings, nil
}
