package stacks

import (
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
	// StaticFiles are directories of the bundle by the path at which the proxy serves them without the app.
	// Default: {"/static": "static"}.
	StaticFiles map[string]string `beanpole:"staticFiles"`
	// Address is how the health check gets past ALLOWED_HOSTS: "wrapper", by which each instance adds its own address, or
	// "nginx", by which the proxy asks the app with a host that is allowed. Default: "wrapper".
	Address string `beanpole:"address"`

	VariableNames VariableNamesConfig `beanpole:"variableNames"`

	// Acknowledge are warnings that you have weighed, by their id, such as "beanpole:migrate", with the reason; they are not
	// told again. Default: none.
	Acknowledge map[string]string `beanpole:"acknowledge"`
	// Networks are the VPCs and load balancers by name, for those that need other than the defaults. Default: none.
	Networks map[string]NetworkConfig `beanpole:"networks"`
	// Environments are the deployment environments by name, at least one. Required.
	Environments map[string]EnvironmentConfig `beanpole:"environments"`
	// GitHub lets workflows of a repository deploy. Default: they cannot.
	GitHub *GitHubConfig `beanpole:"github"`
}

// VariableNamesConfig are the names of the variables that the project's settings read.
type VariableNamesConfig struct {
	// AllowedHosts is the variable of ALLOWED_HOSTS. Default: "ALLOWED_HOSTS".
	AllowedHosts string `beanpole:"allowedHosts"`
	// AllowedHostsSeparator stands between two of its hosts: a space or a comma. Default: " ".
	AllowedHostsSeparator string `beanpole:"allowedHostsSeparator"`
	// HealthCheckPath is the variable of the health check's path. Default: "HEALTH_CHECK_PATH".
	HealthCheckPath string `beanpole:"healthCheckPath"`
	// InstanceIP is the variable of the instance's private address. Default: "INSTANCE_IP".
	InstanceIP string `beanpole:"instanceIp"`
	// HTTPS is the variable that is "true" if clients come by HTTPS, else "false". Default: "SECURE_SSL_REDIRECT".
	HTTPS string `beanpole:"https"`
	// SecretKey is the variable of Django's secret key. Default: "SECRET_KEY".
	SecretKey string `beanpole:"secretKey"`
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
	// Of what could not be read, and of what stands beside it in one object, nothing more is said: it would be judged as
	// missing.
	unread := map[string]bool{}
	for _, p := range problems {
		path, _, _ := strings.Cut(p.Error(), ": ")
		unread[path], unread[parent(path)] = true, true
	}
	delete(unread, ContextKey+".environments")
	for _, line := range lines(config.Validate()) {
		path, _, _ := strings.Cut(line, ": ")
		if !unread[path] && !(unread[parent(path)] && strings.Count(path, ".") > 2) && tree != nil {
			problems = append(problems, errors.New(line))
		}
	}
	return Config{}, errors.Join(problems...)
}

// parent is the object that a key stands in.
func parent(path string) string {
	return path[:max(strings.LastIndex(path, "."), 0)]
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
	case reflect.Float64:
		if number, err := strconv.ParseFloat(string(g), 64); err == nil {
			return number
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
		keys := strings.Split(path, ".")
		if err := madeByPath(object, keys); err != nil {
			problems = append(problems, fmt.Errorf("-c %s: %w", key, err))
		} else if err := set(tree, keys, value); err != nil {
			problems = append(problems, fmt.Errorf("-c %s: %w", key, err))
		}
	}
	return tree, problems
}

// madeByPath refuses a path to an environment that is not there: a slip of the pen would deploy another one.
func madeByPath(object map[string]any, keys []string) error {
	environments, _ := clone(object)["environments"].(map[string]any)
	if keys[0] != "environments" || len(keys) < 3 || environments == nil {
		return nil
	}
	if _, there := environments[keys[1]]; there {
		return nil
	}
	names := slices.Sorted(maps.Keys(environments))
	if meant := suggest.Closest(keys[1], names); meant != "" {
		return fmt.Errorf("there is no environment %q; did you mean %q? A new one is added in cdk.json", keys[1], meant)
	}
	return fmt.Errorf("there is no environment %q; the environments are %s, and a new one is added in cdk.json", keys[1], strings.Join(names, ", "))
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
	case reflect.Float64:
		if number, ok := from.(float64); expect("a number", ok) {
			into.SetFloat(number)
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
	stackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,49}$`)
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
	for _, id := range slices.Sorted(maps.Keys(c.Acknowledge)) {
		if name, ok := strings.CutPrefix(id, warningPrefix); !ok || !slices.Contains(warnings, name) {
			meant := name // with the prefix
			if !slices.Contains(warnings, name) {
				meant = suggest.Closest(name, warnings)
			}
			if meant != "" {
				problem("acknowledge."+id, "is not the id of a warning; did you mean %q?", warningPrefix+meant)
			} else {
				problem("acknowledge."+id, "is not the id of a warning; the warning says it, as in \"beanpole:migrate\"")
			}
		}
		if strings.TrimSpace(c.Acknowledge[id]) == "" {
			problem("acknowledge."+id, "has no reason; say why the warning may stand")
		}
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
		report := func(key, format string, args ...any) { problem(path+"."+key, format, args...) }
		environment.validate(report)
		c.validateWorkers(id, report)
		if environment.CertificateARN != "" && c.Networks[environment.network(id)].LoadBalancer.Existing != nil {
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
		c.network(id).validate(func(key, format string, args ...any) { problem(path+"."+key, format, args...) }, members)
	}
	problems = append(problems, c.collisions(used)...)
	if c.Source != "" {
		problems = append(problems, c.environmentProblems()...)
	}
	return errors.Join(problems...)
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
			if account := e.Account + "/" + e.Region; !slices.Contains(accounts, account) {
				accounts = append(accounts, account)
			}
			if !e.balanced() {
				continue
			}
			if len(e.Domains) == 0 {
				domainless = append(domainless, id)
			}
			band := strconv.Itoa(e.rulePriority())
			bands[band] = append(bands[band], id)
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
				if !c.Environments[first].balanced() || !c.Environments[second].balanced() ||
					c.Environments[first].rulePriority() >= c.Environments[second].rulePriority() {
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
