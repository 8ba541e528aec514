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

	"github.com/go-viper/mapstructure/v2"

	"example.com/beanpole-cdk/internal/suggest"
)

// ContextKey is the key of the CDK context under which the configuration stands.
const ContextKey = "beanpole"

// Config is what is deployed: one Django project, to any number of environments.
type Config struct {
	// Application begins the names of the stacks. Required.
	Application string `beanpole:"application"`
	// Source is the directory of the Django project, or a zip of it, relative to cdk.json. Required.
	Source string `beanpole:"source"`
	// WSGIApplication is the module of the WSGI application, such as "mysite.wsgi". Required, unless the project has a
	// Procfile.
	WSGIApplication string `beanpole:"wsgiApplication"`
	// SettingsModule becomes DJANGO_SETTINGS_MODULE. Default: what the project says.
	SettingsModule string `beanpole:"settingsModule"`
	// Migrate and CollectStatic run these commands of manage.py in every deployment. Default: false.
	Migrate       bool `beanpole:"migrate"`
	CollectStatic bool `beanpole:"collectStatic"`
	// Networks are the VPCs and load balancers by name, for those that need other than the defaults.
	Networks map[string]NetworkConfig `beanpole:"networks"`
	// Environments are the deployment environments by name. At least one is required.
	Environments map[string]EnvironmentConfig `beanpole:"environments"`
}

// NetworkConfig is a VPC with its load balancer, which environments share.
type NetworkConfig struct {
	// CIDR is the range of the VPC. Default: 10.0.0.0/16.
	CIDR string `beanpole:"cidr"`
	// MaxAZs is the number of availability zones, 2 or 3. Default: 2.
	MaxAZs int `beanpole:"maxAzs"`
	// NATGateways is the number of NAT gateways, from 1 to MaxAZs. Default: 1.
	NATGateways int `beanpole:"natGateways"`
}

// EnvironmentConfig is one deployment environment.
type EnvironmentConfig struct {
	// Account and Region are where it is deployed; both or neither. Default: where the credentials point.
	Account string `beanpole:"account"`
	Region  string `beanpole:"region"`
	// Network is the name of the network. Default: one of its own, named as the environment.
	Network string `beanpole:"network"`
	// Domains are the names of the site. Default: the load balancer's own DNS name.
	Domains []string `beanpole:"domains"`
	// CertificateARN is the certificate of the domains, which makes the site HTTPS. Default: one is made and validated
	// where HostedZone is given, else the site is HTTP.
	CertificateARN string `beanpole:"certificateArn"`
	// HostedZone is the Route 53 zone that gets the records of the domains. Default: the records are yours to make.
	HostedZone *HostedZoneConfig `beanpole:"hostedZone"`
	// RulePriority begins the band of 100 listener rule priorities of the environment: 100, 200, … 9900. Default: 100.
	RulePriority int `beanpole:"rulePriority"`
	// EnvironmentName is a name of your own for the environment. Default: CloudFormation generates one.
	EnvironmentName string `beanpole:"environmentName"`

	Platform    PlatformConfig    `beanpole:"platform"`
	Capacity    CapacityConfig    `beanpole:"capacity"`
	Deployment  DeploymentConfig  `beanpole:"deployment"`
	HealthCheck HealthCheckConfig `beanpole:"healthCheck"`
	Logs        LogsConfig        `beanpole:"logs"`

	// NumProcesses and NumThreads are gunicorn's. Defaults: 1 and 15.
	NumProcesses int `beanpole:"numProcesses"`
	NumThreads   int `beanpole:"numThreads"`
	// Variables are environment properties. Default: none but the app's own.
	Variables map[string]string `beanpole:"variables"`
	// OptionSettings are raw option settings by namespace and name. Default: none.
	OptionSettings map[string]map[string]string `beanpole:"optionSettings"`
}

// HostedZoneConfig is a public hosted zone of Route 53.
type HostedZoneConfig struct {
	ID   string `beanpole:"id"`
	Name string `beanpole:"name"`
}

// PlatformConfig is the platform branch of Elastic Beanstalk.
type PlatformConfig struct {
	Branch             string `beanpole:"branch"`
	Version            string `beanpole:"version"`
	PreferredStartTime string `beanpole:"preferredStartTime"`
	UpdateLevel        string `beanpole:"updateLevel"`
}

// CapacityConfig is the number and kind of instances.
type CapacityConfig struct {
	MinSize       *int     `beanpole:"minSize"`
	MaxSize       *int     `beanpole:"maxSize"`
	InstanceTypes []string `beanpole:"instanceTypes"`
}

// DeploymentConfig is how versions reach the instances.
type DeploymentConfig struct {
	Policy    string `beanpole:"policy"`
	BatchSize int    `beanpole:"batchSize"`
}

// HealthCheckConfig is the health check; Interval and Timeout are in seconds.
type HealthCheckConfig struct {
	Path                    string `beanpole:"path"`
	SuccessCodes            string `beanpole:"successCodes"`
	Interval                int    `beanpole:"interval"`
	Timeout                 int    `beanpole:"timeout"`
	HealthyThresholdCount   int    `beanpole:"healthyThresholdCount"`
	UnhealthyThresholdCount int    `beanpole:"unhealthyThresholdCount"`
}

// LogsConfig is what becomes of the logs.
type LogsConfig struct {
	RetentionInDays int `beanpole:"retentionInDays"`
}

// LoadConfig reads the configuration from the CDK context: the object under [ContextKey], with paths into it, such as
// beanpole.environments.staging.capacity.maxSize=2 on the command line, on top. The error names everything that is wrong.
func LoadConfig(context map[string]any) (Config, error) {
	var config Config
	tree, problems := overridden(context)

	var metadata mapstructure.Metadata
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:     &config,
		TagName:    "beanpole",
		MatchName:  func(key, field string) bool { return key == field },
		Metadata:   &metadata,
		DecodeHook: decodeContext,
	})
	if err != nil {
		return Config{}, err
	}
	problems = append(problems, decodeProblems(decoder.Decode(tree))...)
	slices.Sort(metadata.Unused)
	for _, path := range metadata.Unused {
		problems = append(problems, unknownKey(path))
	}
	if len(problems) > 0 {
		return Config{}, errors.Join(problems...) // what could not be read cannot be judged further
	}
	return config, config.Validate()
}

// given is a value of the command line, which has text only: what it means is for the field that it is for.
type given string

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

func clone(tree map[string]any) map[string]any {
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

// decodeContext turns text of the command line into what the field is, and refuses to cut a number.
func decodeContext(_, to reflect.Type, from any) (any, error) {
	for to.Kind() == reflect.Pointer {
		to = to.Elem()
	}
	if number, ok := from.(float64); ok && to.Kind() == reflect.Int && number != math.Trunc(number) {
		return nil, fmt.Errorf("must be a whole number, but is %v", number)
	}
	text, ok := from.(given)
	if !ok {
		return from, nil
	}
	switch to.Kind() {
	case reflect.String:
		return string(text), nil
	case reflect.Int:
		number, err := strconv.Atoi(string(text))
		if err != nil {
			return nil, fmt.Errorf("must be a whole number, but is %q", text)
		}
		return number, nil
	case reflect.Bool:
		switch text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("must be true or false, but is %q", text)
	case reflect.Slice:
		if text == "" {
			return []string{}, nil
		}
		return strings.Split(string(text), ","), nil
	default:
		return nil, fmt.Errorf("must be an object, but is %q; give one of its keys instead, as in key.name=value", text)
	}
}

// decodeProblems says in the words of a configuration what the decoder found.
func decodeProblems(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, decodeProblems(e)...)
		}
		return all
	}
	var decode *mapstructure.DecodeError
	if !errors.As(err, &decode) {
		return []error{err}
	}
	var kind *mapstructure.UnconvertibleTypeError
	if errors.As(decode, &kind) {
		return []error{fmt.Errorf("%s: must be %s, but is %s", contextPath(decode.Name()), describe(kind.Expected.Type()), asJSON(kind.Value))}
	}
	if nested := decodeProblems(decode.Unwrap()); len(nested) > 1 {
		return nested
	}
	return []error{fmt.Errorf("%s: %w", contextPath(decode.Name()), decode.Unwrap())}
}

func describe(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

var brackets = strings.NewReplacer("[", ".", "]", "")

// contextPath is a path of the decoder, environments[staging].capacity, as the user writes it.
func contextPath(name string) string {
	return strings.TrimSuffix(ContextKey+"."+brackets.Replace(name), ".")
}

// unknownKey names the key that was probably meant.
func unknownKey(path string) error {
	parts := strings.Split(brackets.Replace(path), ".")
	t := reflect.TypeFor[Config]()
	for _, part := range parts[:len(parts)-1] {
		t = inside(t, part)
	}
	known := keys(t)
	message := fmt.Sprintf("%s: there is no such key", contextPath(path))
	if meant := suggest.Closest(parts[len(parts)-1], known); meant != "" {
		message += fmt.Sprintf("; did you mean %q?", meant)
	} else {
		message += "; the keys here are " + strings.Join(known, ", ")
	}
	return errors.New(message)
}

// inside is the type of a key's value.
func inside(t reflect.Type, key string) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Map {
		return t.Elem()
	}
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("beanpole") == key {
			return t.Field(i).Type
		}
	}
	return t
}

func keys(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("beanpole"))
	}
	return names
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

var (
	stackName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)
	accountID  = regexp.MustCompile(`^\d{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	domainName = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)
	ipv4CIDR   = regexp.MustCompile(`^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-4])$`)
)

// Validate reports everything that is wrong with the configuration as such, before any construct is thought of.
func (c Config) Validate() error {
	var problems []error
	problem := func(path, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s.%s: %w", ContextKey, path, fmt.Errorf(format, args...)))
	}
	name := func(path, value string) {
		if !stackName.MatchString(value) {
			problem(path, "%q cannot be part of a stack's name; use letters, digits and hyphens, with a letter first", value)
		}
	}
	name("application", c.Application)
	if c.Source == "" {
		problem("source", "is missing; give the directory of the Django project, relative to cdk.json")
	}
	if len(c.Environments) == 0 {
		problem("environments", `has none; add one, as in "environments": {"production": {}}`)
	}
	used := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		path := "environments." + id
		name(path, id)
		environment := c.Environments[id]
		used[environment.network(id)] = append(used[environment.network(id)], id)
		environment.validate(func(key, format string, args ...any) { problem(path+"."+key, format, args...) })
	}
	for _, id := range slices.Sorted(maps.Keys(c.Networks)) {
		path := "networks." + id
		name(path, id)
		if len(used[id]) == 0 {
			problem(path, "no environment is in this network; name it in an environment's network, or remove it")
		}
		network := c.Networks[id]
		if network.CIDR != "" && !ipv4CIDR.MatchString(network.CIDR) {
			problem(path+".cidr", "%q is not the range of a VPC; write it as in \"10.0.0.0/16\", between /16 and /24", network.CIDR)
		}
		if network.MaxAZs != 0 && (network.MaxAZs < 2 || network.MaxAZs > 3) {
			problem(path+".maxAzs", "%d is not allowed; a load balancer needs 2 zones, and not every region has more than 3", network.MaxAZs)
		}
		if n := network.NATGateways; n < 0 || n > cmp.Or(network.MaxAZs, defaultMaxAZs) {
			problem(path+".natGateways", "%d is not allowed; give from 1 to the number of zones, %d", n, cmp.Or(network.MaxAZs, defaultMaxAZs))
		}
	}
	problems = append(problems, c.collisions(used)...)
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
	}
	if e.CertificateARN != "" {
		if len(e.Domains) == 0 {
			problem("certificateArn", "a certificate is for a domain; name the domains that it is for in domains, or remove it")
		}
		if !strings.HasPrefix(e.CertificateARN, "arn:") {
			problem("certificateArn", "%q is not an ARN; give that of a certificate in AWS Certificate Manager, in the region of the load balancer", e.CertificateARN)
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
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		e := c.Environments[id]
		folded[strings.ToLower(id)] = append(folded[strings.ToLower(id)], id)
		for _, domain := range e.Domains {
			domains[domain] = append(domains[domain], id)
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
	}
	return problems
}

func (e EnvironmentConfig) network(id string) string { return cmp.Or(e.Network, id) }

func (e EnvironmentConfig) rulePriority() int { return cmp.Or(e.RulePriority, 100) }

// https says whether clients reach the environment by HTTPS.
func (e EnvironmentConfig) https() bool { return e.CertificateARN != "" || e.HostedZone != nil }
