// Package django puts a Django project on AWS Elastic Beanstalk, with a health check that turns green.
//
// The load balancer asks an instance for its health with the instance's private address as the Host, which Django answers
// 400 unless the address is in ALLOWED_HOSTS; and once it is, SECURE_SSL_REDIRECT answers 301. [NewEnvironment] lays a
// small wrapper over the project's source bundle that puts the instance's address into ALLOWED_HOSTS whenever the app
// starts, gives the target group a path and success codes of its own, and tells the project by environment properties
// which hosts it serves and whether HTTPS exists. The smallest use:
//
//	env := django.NewEnvironment(stack, "Web", &django.EnvironmentProps{
//		Environment: elasticbeanstalk.EnvironmentProps{
//			Source:  bundle.Source{Path: "mysite"},
//			Network: elasticbeanstalk.Network{VPC: vpc},
//		},
//		WSGIApplication: "mysite.wsgi",
//		Hosts:           []string{"www.example.com"},
//	})
package django

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// EnvironmentProps says what the project is and where it runs. Environment.Source, Environment.Network.VPC,
// WSGIApplication and, unless Environment.Tier is [option.Worker], Hosts are required.
type EnvironmentProps struct {
	// Environment is the environment that the project runs in. Its Source is the directory of manage.py, or a zip of it.
	// The view that the messages of a worker are posted to has to be exempt from the CSRF check. With a VersionLabel, it is a
	// version that this package made for another environment, with the same Variables.
	Environment elasticbeanstalk.EnvironmentProps

	// WSGIApplication is the module of the WSGI application, such as "mysite.wsgi", or "mysite.wsgi:application". Not
	// needed where the project has a Procfile of its own, whose web process is run instead, nor with Environment.VersionLabel.
	WSGIApplication string
	// SettingsModule becomes DJANGO_SETTINGS_MODULE. Default: what the project's wsgi.py and manage.py say.
	SettingsModule string
	// Hosts are the names that clients use, for ALLOWED_HOSTS: the domains, or the load balancer's own DNS name. A worker
	// needs none: the daemon that posts its messages asks for localhost, which is added.
	Hosts []string
	// HTTPS says that clients can reach the site by HTTPS. The redirect to HTTPS, HSTS and secure cookies follow from it:
	// without HTTPS a redirect would send every client to a closed port while the health check stays green. Refused for a
	// worker, whose messages come by HTTP. With a single instance something in front of it has to take HTTPS.
	// Default: false.
	HTTPS bool

	// Address is how the health check gets past ALLOWED_HOSTS. Default: [overlay.Wrapper], by which each instance adds its
	// own address to ALLOWED_HOSTS whenever the app starts.
	Address overlay.Strategy
	// Variables are the names of the environment properties, for projects that read others. Default: those of
	// [overlay.Variables].
	Variables overlay.Variables

	// NumProcesses and NumThreads are the worker processes of gunicorn and the threads of each. Defaults: 1 and 15, those
	// of Elastic Beanstalk.
	NumProcesses, NumThreads int
	// Migrate runs the database migrations in every deployment, on one instance, before the new version starts; the old
	// version meets the new schema meanwhile, and after a rollback. A warning ("beanpole:migrate") says so until it is
	// acknowledged. Default: false.
	Migrate bool
	// CollectStatic runs collectstatic in every deployment, on every instance, also when only an environment property
	// changes, for which Elastic Beanstalk unpacks the bundle anew. Default: false.
	CollectStatic bool
	// StaticFiles maps paths to directories of the bundle that the proxy serves without the app.
	// Default: "/static" to "static".
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-cfg-staticfiles.html
	StaticFiles map[string]string

	// SecretKey is the secret whose value is Django's SECRET_KEY. Environments that read each other's sessions, tokens or signed
	// messages, as a web server and its worker may, need the same one: see [NewSecretKey]. Default: one is generated.
	SecretKey awssecretsmanager.ISecret
}

const settingsModule = "DJANGO_SETTINGS_MODULE"

// Validate reports everything that is wrong with the props as one joined error, nil if nothing is. It reads the source
// and calls no CDK.
func (p *EnvironmentProps) Validate() error {
	return p.validate((*elasticbeanstalk.EnvironmentProps).Validate)
}

// validate asks inner what is wrong with the environment.
func (p *EnvironmentProps) validate(inner func(*elasticbeanstalk.EnvironmentProps) error) error {
	if p == nil {
		return errors.New("EnvironmentProps is nil: Environment.Source, Environment.Network.VPC, WSGIApplication and Hosts are required")
	}
	var problems []error
	worker := p.Environment.Tier == option.Worker
	if worker && p.HTTPS {
		problems = append(problems, errors.New("HTTPS: the messages of a worker come by HTTP, and a redirect would fail each of them: leave it out"))
	}
	if len(p.Hosts) == 0 && !worker {
		problems = append(problems, errors.New("Hosts: is empty, so Django would answer every client 400; give the domains, or the load balancer's DNS name"))
	}
	for i, host := range p.Hosts {
		if err := validateHost(host); err != nil {
			problems = append(problems, fmt.Errorf("Hosts[%d]: %w", i, err))
		}
	}
	problems = append(problems, p.collisions()...)
	environment, err := p.environment(placeholderSecret{})
	found := lines(inner(&environment))
	for _, line := range lines(err) {
		if !slices.Contains(found, "Source: "+line) {
			problems = append(problems, errors.New(line))
		}
	}
	said := lines(errors.Join(problems...))
	for _, line := range found {
		if line = inDjangoTerms(line); !slices.ContainsFunc(said, sameField(line)) {
			problems = append(problems, errors.New(line))
		}
	}
	return errors.Join(problems...)
}

// lines are the problems of a joined error, each with what it was wrapped in.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// inDjangoTerms names the field here of what is wrong with the environment, some of whose raw option settings are ours.
func inDjangoTerms(problem string) string {
	for option, field := range map[string]string{
		"aws:elasticbeanstalk:container:python NumProcesses: ": "NumProcesses: ",
		"aws:elasticbeanstalk:container:python NumThreads: ":   "NumThreads: ",
		"aws:elasticbeanstalk:container:python WSGIPath: ":     "WSGIApplication: ",
	} {
		if rest, ok := strings.CutPrefix(problem, "OptionSettings: "+option); ok {
			return field + rest
		}
	}
	return "Environment." + problem
}

// sameField finds what is said of a field of Django's own, so that it is not said again of the option that the field becomes.
func sameField(problem string) func(string) bool {
	field, _, _ := strings.Cut(problem, ": ")
	return func(other string) bool {
		return !strings.HasPrefix(field, "Environment.") && strings.HasPrefix(other, field+": ")
	}
}

// derived are the names of the environment properties that follow from the props.
func (p *EnvironmentProps) derived() []string {
	names := p.Variables.WithDefaults()
	derived := []string{names.AllowedHosts, names.HealthCheckPath, names.HTTPS, names.SecretKey, names.InstanceIP, overlay.InstanceIPSource}
	if p.SettingsModule != "" {
		derived = append(derived, settingsModule)
	}
	return derived
}

// collisions are what is given for what follows from other props: the app and the load balancer would disagree.
func (p *EnvironmentProps) collisions() []error {
	var problems []error
	derived := p.derived()
	for _, name := range derived {
		if _, set := p.Environment.Environment[name]; set {
			problems = append(problems, fmt.Errorf("Environment.Environment[%q]: follows from the rest: remove it", name))
		}
		if _, set := p.Environment.Secrets[name]; set {
			problems = append(problems, fmt.Errorf("Environment.Secrets[%q]: follows from the rest: remove it; Django's secret key goes into SecretKey", name))
		}
	}
	for _, s := range p.Environment.OptionSettings {
		switch {
		case s.Namespace == "aws:elasticbeanstalk:application:environment" && slices.Contains(derived, s.OptionName):
			problems = append(problems, fmt.Errorf("Environment.OptionSettings: %s: follows from the rest: remove it", s.Name()))
		case s.Namespace == "aws:elasticbeanstalk:environment:process:default" && s.OptionName == "HealthCheckPath":
			problems = append(problems, fmt.Errorf("Environment.OptionSettings: %s: the app has to know the path too: set it in Environment.Processes", s.Name()))
		}
	}
	return problems
}

// placeholderSecret stands in for the secret that does not exist before there is a construct.
type placeholderSecret struct{ awssecretsmanager.ISecret }

// validateHost refuses what Django would never match: entries of ALLOWED_HOSTS have no scheme, port, path, space or glob.
func validateHost(host string) error {
	switch {
	case strings.Contains(host, "${Token["):
		return nil
	case host == "*":
		return errors.New(`"*" opens ALLOWED_HOSTS to every Host header; name the hosts`)
	case host == "" || strings.ContainsAny(host, " \t\r\n,/*:?#@\\"):
		return fmt.Errorf("%q is not a host name as ALLOWED_HOSTS takes it: no scheme, port, path, space or *; for a domain with all its subdomains write \".example.com\"", host)
	}
	return nil
}

// NewSecretKey adds a secret whose value, 64 random letters and digits, is Django's SECRET_KEY, to give to more than one
// environment.
func NewSecretKey(scope constructs.Construct, id string) awssecretsmanager.Secret {
	return awssecretsmanager.NewSecret(scope, &id, &awssecretsmanager.SecretProps{
		Description: jsii.String("Django's SECRET_KEY"),
		// Letters and digits survive every way of writing a variable down.
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			PasswordLength:     jsii.Number(64),
			ExcludePunctuation: jsii.Bool(true),
		},
	})
}

// NewEnvironment adds an environment that runs the project to scope. It panics with everything that
// [EnvironmentProps.Validate] and [elasticbeanstalk.EnvironmentProps.ValidateIn] find, as one error, before anything is added. What the app and the load balancer agree on
// stays agreed: a later AddOptionSettings that changes it fails the synthesis.
func NewEnvironment(scope constructs.Construct, id string, props *EnvironmentProps) *elasticbeanstalk.Environment {
	if err := props.validate(func(environment *elasticbeanstalk.EnvironmentProps) error { return environment.ValidateIn(scope) }); err != nil {
		panic(fmt.Errorf("%s/%s:\n%w", *scope.Node().Path(), id, err))
	}
	secretKey := props.SecretKey
	if secretKey == nil {
		secretKey = NewSecretKey(scope, id+"SecretKey")
	}
	environment, err := props.environment(secretKey)
	if err != nil {
		panic(err)
	}
	e := elasticbeanstalk.NewEnvironment(scope, id, &environment)
	if id, why := props.httpsElsewhere(); id != "" {
		awscdk.Validations_Of(e).AddWarning(&id, &why)
	}
	e.Node().AddValidation(&agreement{environment: e, agreed: props.agreed(e.OptionSettings())})
	if props.Migrate {
		awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:migrate"), jsii.String("Migrate: while a deployment lasts, and after a rollback, the old version "+
			"runs on the new schema: let no migration take away what the version before reads or writes, but a later one, and acknowledge this"))
	}
	return e
}

// httpsElsewhere is the warning of an environment whose own end of HTTPS is not what HTTPS says. Of a shared load balancer
// only its owner knows.
func (p *EnvironmentProps) httpsElsewhere() (id, why string) {
	lb := p.Environment.LoadBalancer
	dedicated := lb.Shared == nil && p.Environment.Tier != option.Worker && p.Environment.EnvironmentType != elasticbeanstalk.SingleInstance
	switch {
	case p.HTTPS && p.Environment.EnvironmentType == elasticbeanstalk.SingleInstance:
		return "beanpole:https-single-instance", "HTTPS is true, but a single instance answers on port 80 alone: " +
			"clients are redirected to a closed port unless something in front of the instance takes HTTPS"
	case p.HTTPS && dedicated && len(lb.CertificateARNs) == 0:
		return "beanpole:https-without-certificate", "HTTPS is true, but the load balancer has no certificate: clients are redirected to a closed port, " +
			"while the health check stays green, unless something in front of the load balancer takes HTTPS; give Environment.LoadBalancer.CertificateARNs"
	case !p.HTTPS && dedicated && len(lb.CertificateARNs) > 0:
		return "beanpole:https-not-told", "the load balancer has a certificate, but HTTPS is false, so that the project's cookies are not kept to HTTPS; set HTTPS"
	}
	return "", ""
}

// agreement is what follows from the props in more than one place, checked when nothing can be added any more.
type agreement struct {
	environment *elasticbeanstalk.Environment
	agreed      []option.Setting
}

// Validate is called by the CDK.
func (a *agreement) Validate() *[]*string {
	var problems []*string
	now := a.environment.OptionSettings()
	for _, was := range a.agreed {
		if !slices.Contains(now, was) {
			problems = append(problems, jsii.Sprintf("%s: was changed by AddOptionSettings, but the app and the load balancer have to agree on it: "+
				"change the props of the environment instead", was.Name()))
		}
	}
	return &problems
}

// agreed are the settings that more than one part follows from.
func (p *EnvironmentProps) agreed(settings []option.Setting) []option.Setting {
	derived := p.derived()
	var agreed []option.Setting
	for _, s := range settings {
		if s.Namespace == "aws:elasticbeanstalk:application:environment" && slices.Contains(derived, s.OptionName) ||
			s.Namespace == "aws:elasticbeanstalk:environment:process:default" && s.OptionName == "HealthCheckPath" {
			agreed = append(agreed, s)
		}
	}
	return agreed
}

// healthCheckPath is the one value that the target group, the environment property, the redirect exemption and the proxy
// share.
func (p *EnvironmentProps) healthCheckPath() string {
	return p.Environment.Processes["default"].HealthCheck.WithDefaults().Path
}

// environment is the environment with what Django adds to it.
func (p *EnvironmentProps) environment(secretKey awssecretsmanager.ISecret) (elasticbeanstalk.EnvironmentProps, error) {
	environment := p.Environment
	environment.Environment, environment.Secrets = p.variables(secretKey)
	environment.OptionSettings = p.settings()
	if environment.VersionLabel != "" {
		return environment, p.inTheBundle()
	}
	var err error
	environment.Source, err = overlay.Config{
		Strategy:        p.Address,
		Variables:       p.Variables,
		WSGIApplication: p.WSGIApplication,
		NumProcesses:    p.NumProcesses,
		NumThreads:      p.NumThreads,
		HealthCheckPath: p.healthCheckPath(),
		Migrate:         p.Migrate,
		CollectStatic:   p.CollectStatic,
	}.Lay(p.Environment.Source)
	return environment, err
}

// inTheBundle refuses what only the source bundle can carry, for an application version that is made.
func (p *EnvironmentProps) inTheBundle() error {
	var problems []error
	for _, set := range []struct {
		field string
		is    bool
	}{
		{"Address", p.Address != ""},
		{"NumProcesses", p.NumProcesses != 0},
		{"NumThreads", p.NumThreads != 0},
		{"Migrate", p.Migrate},
		{"CollectStatic", p.CollectStatic},
	} {
		if set.is {
			problems = append(problems, fmt.Errorf("%s: is in the source bundle, and that of Environment.VersionLabel is made: set it where that is, or give Environment.Source", set.field))
		}
	}
	return errors.Join(problems...)
}

// variables are the environment properties and secrets of the project, with Django's own.
func (p *EnvironmentProps) variables(secretKey awssecretsmanager.ISecret) (map[string]string, map[string]elasticbeanstalk.Secret) {
	names := p.Variables.WithDefaults()
	environment := maps.Clone(p.Environment.Environment)
	if environment == nil {
		environment = map[string]string{}
	}
	hosts := slices.Clone(p.Hosts)
	source := overlay.SourceMetadata
	if p.Address == overlay.NginxRewrite {
		hosts = append(hosts, overlay.HealthCheckHost)
		source = overlay.SourceNone
	}
	// Only a load balancer asks for an instance by its address.
	if p.Environment.Tier == option.Worker || p.Environment.EnvironmentType == elasticbeanstalk.SingleInstance {
		source = overlay.SourceNone
	}
	if p.Environment.Tier == option.Worker && !slices.Contains(hosts, overlay.DaemonHost) {
		hosts = append(hosts, overlay.DaemonHost)
	}
	environment[names.AllowedHosts] = strings.Join(hosts, names.AllowedHostsSeparator)
	environment[names.HealthCheckPath] = p.healthCheckPath()
	environment[names.HTTPS] = strconv.FormatBool(p.HTTPS)
	environment[overlay.InstanceIPSource] = source
	if p.SettingsModule != "" {
		environment[settingsModule] = p.SettingsModule
	}
	secrets := maps.Clone(p.Environment.Secrets)
	if secrets == nil {
		secrets = map[string]elasticbeanstalk.Secret{}
	}
	secrets[names.SecretKey] = elasticbeanstalk.Secret{SecretsManager: secretKey}
	return environment, secrets
}

// settings are the options of the Python platform. The Procfile overrides the number of processes and threads; they are
// written here too, so that the console shows what runs.
func (p *EnvironmentProps) settings() []option.Setting {
	const python = "aws:elasticbeanstalk:container:python"
	setting := func(namespace, name, value string) option.Setting {
		return option.Setting{Namespace: namespace, OptionName: name, Value: value}
	}
	settings := []option.Setting{
		setting(python, "NumProcesses", strconv.Itoa(cmp.Or(p.NumProcesses, overlay.DefaultNumProcesses))),
		setting(python, "NumThreads", strconv.Itoa(cmp.Or(p.NumThreads, overlay.DefaultNumThreads))),
		setting("aws:elasticbeanstalk:environment:proxy", "ProxyServer", "nginx"),
	}
	if p.WSGIApplication != "" {
		settings = append(settings, setting(python, "WSGIPath", p.WSGIApplication))
	}
	static := p.StaticFiles
	if static == nil {
		static = map[string]string{"/static": "static"}
	}
	for path, directory := range static {
		settings = append(settings, setting("aws:elasticbeanstalk:environment:proxy:staticfiles", path, directory))
	}
	return append(settings, p.Environment.OptionSettings...)
}
