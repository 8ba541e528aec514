package stacks

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/beanpole-cdk/internal/suggest"
)

// ContextKey is the key of the CDK context under which the configuration stands.
const ContextKey = "beanpole"

// The comment of a field is its row in the README's table of keys (TestTheTableOfKeys): "Required." if the key has to be
// there, else with its default, quoted where it is text.

// Config is what is deployed: one Django project, to any number of environments.
type Config struct {
	// Application begins the names of the stacks. Required.
	Application string `beanpole:"application"`
	// Source is the directory of the Django project, or a zip of it, relative to cdk.json. Required.
	Source string `beanpole:"source"`
	// WSGIApplication is the module of the WSGI application, such as "mysite.wsgi". Default: what the project's own
	// Procfile runs; without one it is required.
	WSGIApplication string `beanpole:"wsgiApplication"`
	// SettingsModule becomes DJANGO_SETTINGS_MODULE. Default: what the project says.
	SettingsModule string `beanpole:"settingsModule"`
	// Migrate runs manage.py migrate in every deployment, on one instance, while the others still run the old code.
	// Default: false.
	Migrate bool `beanpole:"migrate"`
	// CollectStatic runs manage.py collectstatic in every deployment, on every instance. Default: false.
	CollectStatic bool `beanpole:"collectStatic"`
	// Networks are the VPCs and load balancers by name, for those that need other than the defaults. Default: none.
	Networks map[string]NetworkConfig `beanpole:"networks"`
	// Environments are the deployment environments by name, at least one. Required.
	Environments map[string]EnvironmentConfig `beanpole:"environments"`
	// GitHub lets workflows of a repository deploy. Default: they cannot.
	GitHub *GitHubConfig `beanpole:"github"`
}

// EnvironmentConfig is one deployment environment.
type EnvironmentConfig struct {
	// Account is where it is deployed, together with region. Default: where the credentials point.
	Account string `beanpole:"account"`
	// Region is where it is deployed, together with account. Default: where the credentials point.
	Region string `beanpole:"region"`
	// Network is the name of the network, which several environments may share. Default: one of its own, named as the
	// environment.
	Network string `beanpole:"network"`
	// Domains are the names of the site. Default: the load balancer's own DNS name.
	Domains []string `beanpole:"domains"`
	// CertificateARN is the certificate of the domains, which makes the site HTTPS. Default: one is made and validated
	// where hostedZone is given, else the site is HTTP.
	CertificateARN string `beanpole:"certificateArn"`
	// HostedZone is the public Route 53 zone that gets the records of the domains, and proves that the certificate is
	// yours. Default: the records are yours to make.
	HostedZone *HostedZoneConfig `beanpole:"hostedZone"`
	// RulePriority begins the band of 100 listener rule priorities of the environment: 100, 200, … 9900. Environments of
	// one network need different ones. Default: 100.
	RulePriority int `beanpole:"rulePriority"`
	// EnvironmentName is a name of your own for the environment, 4 to 40 letters, digits and hyphens. With one,
	// CloudFormation cannot replace the environment. Default: CloudFormation generates one.
	EnvironmentName string `beanpole:"environmentName"`

	Platform    PlatformConfig    `beanpole:"platform"`
	Capacity    CapacityConfig    `beanpole:"capacity"`
	Deployment  DeploymentConfig  `beanpole:"deployment"`
	HealthCheck HealthCheckConfig `beanpole:"healthCheck"`
	Logs        LogsConfig        `beanpole:"logs"`

	// NumProcesses is the number of gunicorn's processes. Default: 1.
	NumProcesses int `beanpole:"numProcesses"`
	// NumThreads is the number of threads of each of them. Default: 15.
	NumThreads int `beanpole:"numThreads"`
	// Variables are environment properties, which the app sees as variables. Default: none but the app's own.
	Variables map[string]string `beanpole:"variables"`
	// NotSecret are the names of variables that are no secrets in spite of their looks; others that look like one are
	// refused. Default: none.
	NotSecret []string `beanpole:"notSecret"`
	// Secrets are environment properties whose values the instances fetch from AWS Secrets Manager: the complete ARN of a
	// secret by the name of the property. Default: none but Django's SECRET_KEY.
	Secrets map[string]string `beanpole:"secrets"`
	// OptionSettings are raw option settings by namespace and name, for what has no key. Default: none.
	OptionSettings map[string]map[string]string `beanpole:"optionSettings"`
}

// HostedZoneConfig is a public hosted zone of Route 53.
type HostedZoneConfig struct {
	// ID is that of the zone, such as "Z0123456789ABCDEFGHIJ". Required.
	ID string `beanpole:"id"`
	// Name is that of the zone, such as "example.com". Required.
	Name string `beanpole:"name"`
}

// PlatformConfig is the platform branch of Elastic Beanstalk.
type PlatformConfig struct {
	// Branch is the platform branch. Default: "Python 3.13 running on 64bit Amazon Linux 2023".
	Branch string `beanpole:"branch"`
	// Version pins the platform version, such as "4.13.7". Default: the newest one when the environment is made; managed
	// updates follow.
	Version string `beanpole:"version"`
	// PreferredStartTime is the weekly hour of managed updates, in UTC. Default: "Sun:03:00".
	PreferredStartTime string `beanpole:"preferredStartTime"`
	// UpdateLevel is how far managed updates go: "minor" or "patch". Default: "minor".
	UpdateLevel string `beanpole:"updateLevel"`
}

// CapacityConfig is the number and kind of instances.
type CapacityConfig struct {
	// MinSize is the least number of instances. Default: 2.
	MinSize *int `beanpole:"minSize"`
	// MaxSize is the largest number of instances. Default: 4.
	MaxSize *int `beanpole:"maxSize"`
	// InstanceTypes are the EC2 instance types, the preferred one first. Default: ["t3.small"].
	InstanceTypes []string `beanpole:"instanceTypes"`
}

// DeploymentConfig is how versions reach the instances.
type DeploymentConfig struct {
	// Policy is AllAtOnce, Rolling, RollingWithAdditionalBatch or Immutable. Default: "RollingWithAdditionalBatch".
	Policy string `beanpole:"policy"`
	// BatchSize is the number of instances in a batch of a rolling deployment. Default: 1.
	BatchSize int `beanpole:"batchSize"`
}

// HealthCheckConfig is the health check.
type HealthCheckConfig struct {
	// Path is what is asked for. Default: "/healthz/".
	Path string `beanpole:"path"`
	// SuccessCodes are the status codes that count as healthy. Default: "200-301".
	SuccessCodes string `beanpole:"successCodes"`
	// Interval is the time between two checks, in seconds. Default: 15.
	Interval int `beanpole:"interval"`
	// Timeout is how long an answer may take, in seconds. Default: 5.
	Timeout int `beanpole:"timeout"`
	// HealthyThresholdCount is the number of good checks in a row that make a target healthy. Default: 3.
	HealthyThresholdCount int `beanpole:"healthyThresholdCount"`
	// UnhealthyThresholdCount is the number of bad checks in a row that make a target unhealthy. Default: 5.
	UnhealthyThresholdCount int `beanpole:"unhealthyThresholdCount"`
}

// LogsConfig is what becomes of the logs.
type LogsConfig struct {
	// RetentionInDays is how long CloudWatch keeps the logs of the instances. Default: 30.
	RetentionInDays int `beanpole:"retentionInDays"`
}

// LoadConfig reads the configuration from the CDK context: the object under [ContextKey], with paths into it, such as
// beanpole.environments.staging.capacity.maxSize=2 on the command line, on top. The error names everything that is wrong.
func LoadConfig(context map[string]any) (Config, error) {
	tree, problems := overridden(context)
	var config Config
	decode(tree, reflect.ValueOf(&config).Elem(), ContextKey, func(path, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...)))
	})
	if len(problems) == 0 {
		return config, config.Validate()
	}
	// Of what could not be read nothing more is said: it would be judged as missing.
	unread := map[string]bool{}
	for _, p := range problems {
		path, _, _ := strings.Cut(p.Error(), ": ")
		unread[path] = true
	}
	for _, line := range lines(config.Validate()) {
		if path, _, _ := strings.Cut(line, ": "); !unread[path] {
			problems = append(problems, errors.New(line))
		}
	}
	return Config{}, errors.Join(problems...)
}

// given is a value of the command line, which has text only.
type given string

// as is what the text means to a field of a type, or the text itself if it means nothing to it.
func (g given) as(t reflect.Type) any {
	switch t.Kind() {
	case reflect.Int:
		if number, err := strconv.Atoi(string(g)); err == nil {
			return float64(number)
		}
	case reflect.Bool:
		if value, err := strconv.ParseBool(string(g)); err == nil && strconv.FormatBool(value) == string(g) {
			return value
		}
	case reflect.Slice:
		list := []any{}
		for text := range strings.SplitSeq(string(g), ",") {
			if g != "" {
				list = append(list, text)
			}
		}
		return list
	}
	return string(g)
}

// overridden is the configuration as a tree, with the paths of the command line laid over it.
func overridden(context map[string]any) (map[string]any, []error) {
	object, ok := context[ContextKey].(map[string]any)
	if !ok {
		if value, there := context[ContextKey]; there {
			return nil, []error{fmt.Errorf("%s: must be an object, but is %s", ContextKey, asJSON(value))}
		}
		return nil, []error{fmt.Errorf("%s: is missing from the context; add it to cdk.json, or run the command where cdk.json is", ContextKey)}
	}
	tree := clone(object)
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(context)) {
		path, ok := strings.CutPrefix(key, ContextKey+".")
		if !ok {
			continue
		}
		value := context[key]
		if text, ok := value.(string); ok {
			value = given(text)
		}
		if err := set(tree, strings.Split(path, "."), value); err != nil {
			problems = append(problems, fmt.Errorf("-c %s: %w", key, err))
		}
	}
	return tree, problems
}

// clone copies a tree. What a program gives the CDK as its context, rather than in cdk.json, comes back with every object
// in a wrapper.
func clone(tree map[string]any) map[string]any {
	if inner, ok := tree["$jsii.map"].(map[string]any); ok {
		tree = inner
	}
	copied := maps.Clone(tree)
	for key, value := range copied {
		if branch, ok := value.(map[string]any); ok {
			copied[key] = clone(branch)
		}
	}
	return copied
}

func set(tree map[string]any, path []string, value any) error {
	for i, key := range path[:len(path)-1] {
		next, there := tree[key]
		if !there || next == nil {
			next = map[string]any{}
			tree[key] = next
		}
		branch, ok := next.(map[string]any)
		if !ok {
			return fmt.Errorf("%s has no keys: it is %s", strings.Join(path[:i+1], "."), asJSON(next))
		}
		tree = branch
	}
	tree[path[len(path)-1]] = value
	return nil
}

// decode reads a value of the tree, which stands at path, into a value of the configuration.
func decode(from any, into reflect.Value, path string, problem func(path, format string, args ...any)) {
	if from == nil {
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	if text, ok := from.(given); ok {
		from = text.as(into.Type())
	}
	expect := func(kind string, ok bool) bool {
		if !ok {
			problem(path, "must be %s, but is %s", kind, asJSON(from))
		}
		return ok
	}
	switch into.Kind() {
	case reflect.String:
		if text, ok := from.(string); expect("text", ok) {
			into.SetString(text)
		}
	case reflect.Bool:
		if value, ok := from.(bool); expect("true or false", ok) {
			into.SetBool(value)
		}
	case reflect.Int:
		if number, ok := from.(float64); expect("a whole number", ok && number == math.Trunc(number)) {
			into.SetInt(int64(number))
		}
	case reflect.Slice:
		if list, ok := from.([]any); expect("a list", ok) {
			into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
			for i := range list {
				decode(list[i], into.Index(i), fmt.Sprintf("%s[%d]", path, i), problem)
			}
		}
	case reflect.Map:
		if object, ok := from.(map[string]any); expect("an object", ok) {
			into.Set(reflect.MakeMap(into.Type()))
			for _, key := range slices.Sorted(maps.Keys(object)) {
				value := reflect.New(into.Type().Elem()).Elem()
				decode(object[key], value, path+"."+key, problem)
				into.SetMapIndex(reflect.ValueOf(key), value)
			}
		}
	case reflect.Struct:
		if object, ok := from.(map[string]any); expect("an object", ok) {
			var known []string
			for i := range into.NumField() {
				known = append(known, into.Type().Field(i).Tag.Get("beanpole"))
			}
			for _, key := range slices.Sorted(maps.Keys(object)) {
				if i := slices.Index(known, key); i >= 0 {
					decode(object[key], into.Field(i), path+"."+key, problem)
				} else if meant := suggest.Closest(key, known); meant != "" {
					problem(path+"."+key, "there is no such key; did you mean %q?", meant)
				} else {
					problem(path+"."+key, "there is no such key; the keys here are %s", strings.Join(known, ", "))
				}
			}
		}
	}
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

var (
	// Two of these and a word are a stack's name, which has up to 128 characters.
	stackName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,49}$`)
	accountID  = regexp.MustCompile(`^\d{12}$`)
	secretARN  = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$`)
	acmARN     = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate/.+$`)
	iamARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:server-certificate/.+$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	domainName = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)
)

// Validate reports everything that is wrong with the configuration, and with the environments that it describes, as one
// joined error. It reads the source and calls no CDK.
func (c Config) Validate() error {
	var problems []error
	problem := func(path, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s.%s: %w", ContextKey, path, fmt.Errorf(format, args...)))
	}
	name := func(path, value string) {
		if !stackName.MatchString(value) {
			problem(path, "%q cannot be part of a stack's name; use up to 50 letters, digits and hyphens, with a letter first", value)
		}
	}
	name("application", c.Application)
	if c.Source == "" {
		problem("source", "is missing; give the directory of the Django project, relative to cdk.json")
	}
	c.GitHub.validate(problem)
	if len(c.Environments) == 0 {
		problem("environments", `has none; add one, as in "environments": {"production": {}} (null counts as none)`)
	}
	used := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		path := "environments." + id
		name(path, id)
		environment := c.Environments[id]
		if environment.Network != "" {
			name(path+".network", environment.Network)
		}
		used[environment.network(id)] = append(used[environment.network(id)], id)
		environment.validate(func(key, format string, args ...any) { problem(path+"."+key, format, args...) })
		if environment.CertificateARN != "" && c.existing(id) != nil {
			problem(path+".certificateArn", "is for a new load balancer; an existing one has its certificates: add it to its listener, and remove it here")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Networks)) {
		path := "networks." + id
		name(path, id)
		if len(used[id]) == 0 {
			problem(path, "no environment is in this network; name it in an environment's network, or remove it")
		}
		var members []EnvironmentConfig
		for _, member := range used[id] {
			members = append(members, c.Environments[member])
		}
		c.Networks[id].validate(func(key, format string, args ...any) { problem(path+"."+key, format, args...) }, members)
	}
	problems = append(problems, c.collisions(used)...)
	if c.Source != "" {
		problems = append(problems, c.environmentProblems()...)
	}
	return errors.Join(problems...)
}

func (e EnvironmentConfig) validate(problem func(key, format string, args ...any)) {
	switch {
	case (e.Account == "") != (e.Region == ""):
		problem("account", "account and region go together; give both, or neither to deploy where the credentials point")
	case e.Account != "":
		if !accountID.MatchString(e.Account) {
			problem("account", "%q is not an account id; it has 12 digits", e.Account)
		}
		if !regionName.MatchString(e.Region) {
			problem("region", "%q is not a region; write it as in \"eu-central-1\"", e.Region)
		}
	}
	for i, domain := range e.Domains {
		if !domainName.MatchString(domain) {
			problem(fmt.Sprintf("domains[%d]", i), "%q is not a domain name; write it in lower case as in \"www.example.com\", without scheme, port or path", domain)
		}
		if slices.Contains(e.Domains[:i], domain) {
			problem(fmt.Sprintf("domains[%d]", i), "%q is there twice: remove one", domain)
		}
	}
	if n := len(e.Domains); n > maxDomains {
		problem("domains", "%d are too many: the band of an environment's rule priorities has room for %d", n, maxDomains)
	}
	if e.CertificateARN != "" {
		if len(e.Domains) == 0 {
			problem("certificateArn", "a certificate is for a domain; name the domains that it is for in domains, or remove it")
		}
		acm := acmARN.FindStringSubmatch(e.CertificateARN)
		switch {
		case acm == nil && !iamARN.MatchString(e.CertificateARN):
			problem("certificateArn", "%q is not the ARN of a certificate; give that of one in AWS Certificate Manager, as in %q, or in IAM",
				e.CertificateARN, "arn:aws:acm:eu-central-1:123456789012:certificate/…")
		case acm != nil && e.Region != "" && acm[1] != e.Region:
			problem("certificateArn", "the certificate is in %s, but the load balancer in %s; a load balancer takes certificates of its own region", acm[1], e.Region)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Secrets)) {
		if !secretARN.MatchString(e.Secrets[name]) {
			problem("secrets."+name, "is not the complete ARN of a secret in AWS Secrets Manager, which ends in a hyphen and six letters or digits; "+
				"give the ARN, never the value") // which may have been given: it is not repeated here
		}
	}
	if zone := e.HostedZone; zone != nil {
		if zone.ID == "" || zone.Name == "" {
			problem("hostedZone", `both id and name are needed, as in {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}`)
		}
		if len(e.Domains) == 0 {
			problem("hostedZone", "a hosted zone is for the records of domains; name them in domains, or remove it")
		}
		for _, domain := range e.Domains {
			if zone.Name != "" && domain != zone.Name && !strings.HasSuffix(domain, "."+zone.Name) {
				problem("hostedZone", "the domain %q is not in the zone %q", domain, zone.Name)
			}
		}
	}
	if p := e.RulePriority; p != 0 && (p < 100 || p > 9900 || p%100 != 0) {
		problem("rulePriority", "%d does not begin a band; give 100, 200, … 9900", p)
	}
	for _, seconds := range []struct {
		key   string
		value int
	}{{"healthCheck.interval", e.HealthCheck.Interval}, {"healthCheck.timeout", e.HealthCheck.Timeout}} {
		if seconds.value < 0 {
			problem(seconds.key, "%d is not a number of seconds", seconds.value)
		}
	}
}

// collisions are what two environments cannot both have.
func (c Config) collisions(networks map[string][]string) []error {
	var problems []error
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(ContextKey+".environments: "+format, args...))
	}
	once := func(kind string, values map[string][]string, advice string) {
		for _, value := range slices.Sorted(maps.Keys(values)) {
			if ids := values[value]; len(ids) > 1 {
				problem("%s %s is that of %s; %s", kind, value, strings.Join(ids, " and "), advice)
			}
		}
	}
	folded, domains, names := map[string][]string{}, map[string][]string{}, map[string][]string{}
	fold := func(name string) {
		if key := strings.ToLower(name); !slices.Contains(folded[key], name) {
			folded[key] = append(folded[key], name)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		e := c.Environments[id]
		fold(id)
		fold(e.network(id))
		for _, domain := range e.Domains {
			if !slices.Contains(domains[domain], id) {
				domains[domain] = append(domains[domain], id)
			}
		}
		if e.EnvironmentName != "" {
			where := fmt.Sprintf("%q", e.EnvironmentName)
			names[where] = append(names[where], id)
		}
	}
	once("the name", folded, "names that differ in case only are taken for one another: rename one")
	once("the domain", domains, "a listener rule can send it to one of them only")
	once("the environmentName", names, "it is unique in account and region: rename one")

	for _, network := range slices.Sorted(maps.Keys(networks)) {
		var domainless, accounts []string
		bands := map[string][]string{}
		for _, id := range networks[network] {
			e := c.Environments[id]
			if len(e.Domains) == 0 {
				domainless = append(domainless, id)
			}
			band := strconv.Itoa(e.rulePriority())
			bands[band] = append(bands[band], id)
			if account := e.Account + "/" + e.Region; !slices.Contains(accounts, account) {
				accounts = append(accounts, account)
			}
		}
		if len(domainless) > 1 {
			problem("%s share the load balancer of network %q, and have no domain to be told apart by; give all but one domains, or networks of their own", strings.Join(domainless, " and "), network)
		}
		if len(accounts) > 1 {
			problem("%s share network %q, but not account and region; give each a network of its own", strings.Join(networks[network], " and "), network)
		}
		once(fmt.Sprintf("in network %q, the rulePriority", network), bands, "give each a band of its own: 100, 200, …")
		problems = append(problems, c.shadowed(networks[network])...)
	}
	return problems
}

// shadowed are the domains that a wildcard of another environment takes, because its rule comes first.
func (c Config) shadowed(ids []string) []error {
	var problems []error
	for _, first := range ids {
		for _, wildcard := range c.Environments[first].Domains {
			parent, ok := strings.CutPrefix(wildcard, "*")
			if !ok {
				continue
			}
			for _, second := range ids {
				if c.Environments[first].rulePriority() >= c.Environments[second].rulePriority() {
					continue
				}
				for _, domain := range c.Environments[second].Domains {
					if strings.HasSuffix(domain, parent) {
						problems = append(problems, fmt.Errorf("%s.environments: %s of %s takes the requests for %s of %s, because its rule comes first; "+
							"give %s the lower rulePriority", ContextKey, wildcard, first, domain, second, second))
					}
				}
			}
		}
	}
	return problems
}

func (e EnvironmentConfig) network(id string) string { return cmp.Or(e.Network, id) }

func (e EnvironmentConfig) rulePriority() int { return cmp.Or(e.RulePriority, 100) }

// certified says whether the environment brings a certificate.
func (e EnvironmentConfig) certified() bool { return e.CertificateARN != "" || e.HostedZone != nil }

// existing is the load balancer that an environment joins, nil for a new one.
func (c Config) existing(id string) *ExistingLoadBalancerConfig {
	return c.Networks[c.Environments[id].network(id)].LoadBalancer.Existing
}

// https says whether clients reach an environment by HTTPS.
func (c Config) https(id string) bool {
	if existing := c.existing(id); existing != nil {
		return existing.HTTPSListenerARN != "" && len(c.Environments[id].Domains) > 0
	}
	return c.Environments[id].certified()
}
