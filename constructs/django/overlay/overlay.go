// Package overlay is what is laid over the source bundle of a Django project so that the health check of the load balancer
// is answered: a wrapper that puts the instance's own address into the application's environment and the Procfile that
// runs it, or a rule of the proxy that makes the address unnecessary; and what migrates the database and collects
// static files. It is the one place that knows how an instance learns its address, and by which names of
// environment variables beanpole and a project's settings understand each other.
//
// Why the address matters: the load balancer names the target's private IP address as the Host of a health check, and
// Django answers 400 to a host that is not in ALLOWED_HOSTS. The address differs between the instances of an environment,
// so no option setting can carry it.
package overlay

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// Strategy is how health checks get past ALLOWED_HOSTS.
type Strategy string

const (
	// Wrapper runs the application through a script that looks up the instance's address, exports it and appends it to the
	// allowed hosts. The zero value means Wrapper.
	Wrapper Strategy = "wrapper"
	// NginxRewrite has the proxy send [HealthCheckHost] and https for exactly the health check's path. It needs no address,
	// and works with nginx only.
	NginxRewrite Strategy = "nginx"
)

const (
	// InstanceIPSource is the environment property that switches the wrapper's look-up: [SourceMetadata] (also when it is
	// not set) or [SourceNone].
	InstanceIPSource = "INSTANCE_IP_SOURCE"
	// SourceMetadata: the wrapper asks the instance metadata service, then the routing table.
	SourceMetadata = "metadata"
	// SourceNone: the wrapper only starts the application.
	SourceNone = "none"

	// HealthCheckHost is the host that [NginxRewrite] sends; it must be among the allowed hosts. The name can belong to
	// nobody (RFC 6761).
	HealthCheckHost = "health-check.beanpole.invalid"

	// DaemonHost is the host that the daemon of a worker sends; it must be among the allowed hosts of a worker.
	DaemonHost = "localhost"

	// Address is where the platform's proxy expects the application.
	//
	// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.proxy.html
	Address = "127.0.0.1:8000"
)

// The files of an overlay.
const (
	WrapperName    = "beanpole-web.sh"
	ProcfileName   = "Procfile"
	NginxName      = ".platform/nginx/conf.d/elasticbeanstalk/beanpole-health-check.conf"
	ExtensionsName = ".ebextensions/00-beanpole.config"
	// The same script twice: the platform runs the first when it deploys a version, the second when it deploys a changed
	// environment property, for which it unpacks the bundle anew and runs neither the first nor .ebextensions.
	HookName       = ".platform/hooks/predeploy/00-beanpole-collectstatic.sh"
	ConfigHookName = ".platform/confighooks/predeploy/00-beanpole-collectstatic.sh"
)

// Elastic Beanstalk's own defaults of the options NumProcesses and NumThreads.
const (
	DefaultNumProcesses = 1
	DefaultNumThreads   = 15
)

// Variables are the names of the environment variables that a project's settings read. A zero field means its default.
type Variables struct {
	// AllowedHosts holds the allowed hosts. Default: ALLOWED_HOSTS.
	AllowedHosts string
	// AllowedHostsSeparator stands between two of them: a space or a comma. Default: a space, because Elastic Beanstalk
	// does not document the comma as a character of a property's value.
	AllowedHostsSeparator string
	// HealthCheckPath holds the path of the health check. Default: HEALTH_CHECK_PATH.
	HealthCheckPath string
	// InstanceIP holds the private IPv4 address of the instance. Default: INSTANCE_IP.
	InstanceIP string
	// HTTPS is "true" if users reach the site over HTTPS, else "false". Default: SECURE_SSL_REDIRECT.
	HTTPS string
	// SecretKey holds Django's secret key. Default: SECRET_KEY.
	SecretKey string
}

// WithDefaults returns the variables with every zero field replaced by its default.
func (v Variables) WithDefaults() Variables {
	for _, field := range []struct {
		value *string
		zero  string
	}{
		{&v.AllowedHosts, "ALLOWED_HOSTS"},
		{&v.AllowedHostsSeparator, " "},
		{&v.HealthCheckPath, "HEALTH_CHECK_PATH"},
		{&v.InstanceIP, "INSTANCE_IP"},
		{&v.HTTPS, "SECURE_SSL_REDIRECT"},
		{&v.SecretKey, "SECRET_KEY"},
	} {
		if *field.value == "" {
			*field.value = field.zero
		}
	}
	return v
}

// Elastic Beanstalk recommends this form, and the wrapper's own variables are in small letters.
var variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// reserved variables have a meaning of their own to the wrapper, the shell, the loader or the platform.
var reserved = regexp.MustCompile(`^(INSTANCE_IP_SOURCE|AWS_.*|BASH.*|LD_.*|PYTHON.*|PATH|PORT|HOME|USER|PWD|OLDPWD|SHELL|SHELLOPTS|IFS|` +
	`UID|EUID|PPID|RANDOM|SECONDS|LINENO|GROUPS|DIRSTACK|_)$`)

// Validate returns everything that is wrong with the names, or nil. Defaults count as given.
func (v Variables) Validate() error {
	v = v.WithDefaults()
	var problems []error
	fields := map[string]string{}
	for _, f := range []struct{ field, name string }{
		{"AllowedHosts", v.AllowedHosts},
		{"HealthCheckPath", v.HealthCheckPath},
		{"InstanceIP", v.InstanceIP},
		{"HTTPS", v.HTTPS},
		{"SecretKey", v.SecretKey},
	} {
		switch other := fields[f.name]; {
		case !variableName.MatchString(f.name):
			problems = append(problems, fmt.Errorf("%s: %q is not the name of an environment variable; "+
				"write it in capital letters, digits and underscores, and no digit first", f.field, f.name))
		case reserved.MatchString(f.name):
			problems = append(problems, fmt.Errorf("%s: %s has a meaning of its own on the instance; use another name", f.field, f.name))
		case other != "":
			problems = append(problems, fmt.Errorf("%s: %s is already the name of %s; use two names", f.field, f.name, other))
		default:
			fields[f.name] = f.field
		}
	}
	if s := v.AllowedHostsSeparator; s != " " && s != "," {
		problems = append(problems, fmt.Errorf(`AllowedHostsSeparator: %q is neither a space (" ") nor a comma (",")`, s))
	}
	return errors.Join(problems...)
}

// Config says what to lay over a Django project.
type Config struct {
	// Strategy is how health checks get past ALLOWED_HOSTS. Default: [Wrapper].
	Strategy Strategy
	// Variables are the names that the project's settings read.
	Variables Variables
	// WSGIApplication is the module, and optionally the object in it, that serves: "mysite.wsgi" or
	// "mysite.wsgi:application". Required, unless the project has a Procfile of its own.
	WSGIApplication string
	// NumProcesses and NumThreads are those of gunicorn; a Procfile overrides the options of the same names, so the
	// generated one repeats them. Defaults: 1 and 15.
	NumProcesses, NumThreads int
	// Procfile is the project's own, nil if it has none. Only its line web: is changed.
	Procfile []byte
	// HealthCheckPath is what the load balancer asks; [NginxRewrite] needs it. Default: [health.DefaultPath].
	HealthCheckPath string
	// Migrate runs the migrations of the database with every deployment of a version, on one instance.
	Migrate bool
	// CollectStatic collects static files on every instance, with every deployment of a version and every change of an
	// environment property: each unpacks the bundle anew. It is a platform hook, which AWS says has the environment
	// properties and those that come from secrets; that they do when only a property changes, no test has confirmed on a
	// real account. A failure ends the deployment.
	//
	// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.hooks.html and
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
	CollectStatic bool
}

func (c Config) withDefaults() Config {
	if c.Strategy == "" {
		c.Strategy = Wrapper
	}
	c.Variables = c.Variables.WithDefaults()
	if c.NumProcesses == 0 {
		c.NumProcesses = DefaultNumProcesses
	}
	if c.NumThreads == 0 {
		c.NumThreads = DefaultNumThreads
	}
	if c.HealthCheckPath == "" {
		c.HealthCheckPath = health.DefaultPath
	}
	return c
}

var (
	wsgiApplication = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*(:[A-Za-z_][A-Za-z0-9_]*)?$`)
	// What nginx compares with a location after decoding, and without meaning in its configuration.
	locationPath = regexp.MustCompile(`^/[A-Za-z0-9/._~-]*$`)
)

// Validate returns everything that is wrong with the configuration, each problem with the name of its field, or nil.
func (c Config) Validate() error {
	c = c.withDefaults()
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if c.Strategy != Wrapper && c.Strategy != NginxRewrite {
		problem("Strategy: %q is neither %q nor %q", c.Strategy, Wrapper, NginxRewrite)
	}
	if err := c.Variables.Validate(); err != nil {
		problem("Variables: %w", err)
	}
	if c.WSGIApplication == "" && c.Procfile == nil {
		problem(`WSGIApplication: not given; name the module that serves, e.g. "mysite.wsgi"`)
	} else if c.WSGIApplication != "" && !wsgiApplication.MatchString(c.WSGIApplication) {
		problem("WSGIApplication: %q is not a module; write it with dots, as Python imports it, e.g. %q",
			c.WSGIApplication, moduleOf(c.WSGIApplication))
	}
	if c.NumProcesses < 1 {
		problem("NumProcesses: %d is less than 1", c.NumProcesses)
	}
	if c.NumThreads < 1 {
		problem("NumThreads: %d is less than 1", c.NumThreads)
	}
	if c.Strategy == NginxRewrite && !locationPath.MatchString(c.HealthCheckPath) {
		problem("HealthCheckPath: %q cannot be rewritten by nginx; begin it with a slash and use letters, digits, and - . _ ~ / only",
			c.HealthCheckPath)
	}
	if c.Procfile != nil {
		if _, err := c.procfile(); err != nil {
			problem("Procfile: %w", err)
		}
	}
	return errors.Join(problems...)
}

// moduleOf guesses the module that somebody meant who wrote a path.
func moduleOf(path string) string {
	guess := strings.ReplaceAll(strings.Trim(strings.TrimSuffix(path, ".py"), "./"), "/", ".")
	if !wsgiApplication.MatchString(guess) {
		return "mysite.wsgi"
	}
	return guess
}

//go:embed web.sh
var wrapper string

// Files returns what is laid over the project, after [Config.Validate]. Only the Procfile replaces a file of the project; the
// others must be new to it.
func (c Config) Files() ([]bundle.File, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	procfile, err := c.procfile()
	if err != nil {
		return nil, err
	}
	var files []bundle.File
	if !bytes.Equal(procfile, c.Procfile) {
		files = append(files, bundle.File{Name: ProcfileName, Mode: 0o644, Content: procfile})
	}
	switch c.Strategy {
	case Wrapper:
		files = append(files, bundle.File{Name: WrapperName, Mode: 0o755, Content: c.wrapper(), New: true})
	case NginxRewrite:
		files = append(files, bundle.File{Name: NginxName, Mode: 0o644, Content: c.nginx(), New: true})
	}
	if c.Migrate {
		files = append(files, bundle.File{Name: ExtensionsName, Mode: 0o644, Content: []byte(migrate), New: true})
	}
	if c.CollectStatic {
		for _, name := range []string{HookName, ConfigHookName} {
			files = append(files, bundle.File{Name: name, Mode: 0o755, Content: []byte(collectStatic), New: true})
		}
	}
	return files, nil
}

// Lay returns the project with what is laid over it. It reads the project's own Procfile if the configuration has none.
func (c Config) Lay(project bundle.Source) (bundle.Source, error) {
	var problems []error
	if c.Procfile == nil {
		procfile, err := project.ReadFile(ProcfileName)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
		c.Procfile = procfile
	}
	if c.Migrate || c.CollectStatic {
		if _, err := project.ReadFile("manage.py"); errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, errors.New("Migrate, CollectStatic: the project has no manage.py at its top; "+
				"make the directory that holds it the source, or run the commands in .ebextensions and hooks of your own"))
		}
	}
	files, err := c.Files()
	project.Overlay = append(slices.Clone(project.Overlay), files...)
	return project, errors.Join(append(problems, err)...)
}

// wrapper returns the script with the names of the variables in it.
func (c Config) wrapper() []byte {
	return []byte(strings.NewReplacer(
		"local allowed_hosts=ALLOWED_HOSTS\n", "local allowed_hosts="+c.Variables.AllowedHosts+"\n",
		"local separator=' '\n", "local separator='"+c.Variables.AllowedHostsSeparator+"'\n",
		"local instance_ip=INSTANCE_IP\n", "local instance_ip="+c.Variables.InstanceIP+"\n",
	).Replace(wrapper))
}

// nginx returns the rule for the health check. A location inherits no proxy_set_header once it has one of its own, so all
// that the platform sets for the application are here again.
func (c Config) nginx() []byte {
	return fmt.Appendf(nil, `# Generated by beanpole: health checks reach Django under a host that it allows, as if over HTTPS.
location = %s {
    proxy_pass          http://%s;
    proxy_http_version  1.1;
    proxy_set_header    Connection         $connection_upgrade;
    proxy_set_header    Upgrade            $http_upgrade;
    proxy_set_header    Host               %s;
    proxy_set_header    X-Real-IP          $remote_addr;
    proxy_set_header    X-Forwarded-For    $proxy_add_x_forwarded_for;
    proxy_set_header    X-Forwarded-Proto  https;
}
`, c.HealthCheckPath, Address, HealthCheckHost)
}

// migrate runs between the installation of the requirements and the start of the application.
const migrate = `# Generated by beanpole.
container_commands:
  beanpole_01_migrate:
    command: "source /var/app/venv/*/bin/activate && python manage.py migrate --noinput"
    leader_only: true
`

// collectStatic is a hook: root runs it in the directory into which the bundle was unpacked. The proxy, which is not root,
// reads what it writes.
const collectStatic = `#!/bin/bash
# Generated by beanpole: /static would be empty after a deployment without it.
umask 022
source /var/app/venv/*/bin/activate && python manage.py collectstatic --noinput
`
