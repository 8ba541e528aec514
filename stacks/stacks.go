// Package stacks says what is deployed: for every deployment environment a web stack, and for every network, which
// environments may share, a network stack that lives longer. It is the app's own; what other apps import is constructs.
package stacks

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
)

// Build adds the stacks of config to scope. It reports everything that is wrong with config as one joined error, before the
// first stack exists.
func Build(scope constructs.Construct, config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(config.Environments))
	// Workers first: web servers know their queues.
	slices.SortStableFunc(ids, func(a, b string) int {
		rank := func(id string) int {
			if config.Environments[id].worker() {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	networks, queues := map[string]*Network{}, map[string]awssqs.IQueue{}
	for _, id := range ids {
		name := config.Environments[id].network(id)
		if networks[name] == nil && config.makes(name) {
			networks[name] = newNetwork(scope, config, name)
		}
		queues[id] = newWeb(scope, config, id, networks[name], queues).Queue
	}
	newDeployers(scope, config)
	return nil
}

// environmentProblems are what the constructs say of each environment, in the words of the configuration.
func (c Config) environmentProblems() []error {
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		for _, line := range lines(c.djangoProps(id, placeholders(c.Environments[id])).Validate()) {
			// The hosts are the domains, which have been judged by that name.
			if !strings.HasPrefix(line, "Hosts[") {
				problems = append(problems, fmt.Errorf("%s.%s", ContextKey, inConfigTerms(id, line)))
			}
		}
	}
	return unique(problems)
}

// lines are the problems of a joined error, each with what it was wrapped in.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// fields are the fields of the constructs' props whose keys have other names, by the key in its place.
var fields = []struct{ field, key string }{
	{"Source", "source"},
	{"WSGIApplication", "wsgiApplication"},
	{"SettingsModule", "settingsModule"},
	{"StaticFiles", "staticFiles"},
	{"Strategy", "address"},
	{"Variables", "variableNames"},
	{`Processes["default"]: HealthCheck`, "environments.%s.healthCheck"},
	{"Environment", "environments.%s.variables"},
	{"Secrets", "environments.%s.secrets"},
	{"OptionSettings", "environments.%s.optionSettings"},
	{"Tags", "environments.%s.tags"},
}

// structures are the types behind the keys that have more keys.
var structures = map[string]reflect.Type{
	"variableNames":               reflect.TypeFor[VariableNamesConfig](),
	"environments.%s.healthCheck": reflect.TypeFor[HealthCheckConfig](),
}

// inConfigTerms names the key of the configuration where the constructs name a field: most keys are called as the fields.
func inConfigTerms(id, problem string) string {
	problem = strings.TrimPrefix(problem, "Environment.") // django's props hold those of elasticbeanstalk in this field
	problem = inConfigWords.Replace(problem)
	key, rest, in := "environments.%s", problem, reflect.TypeFor[EnvironmentConfig]()
	for _, f := range fields {
		if after, ok := strings.CutPrefix(problem, f.field); ok && (after == "" || strings.ContainsRune(":[ ", rune(after[0]))) {
			key, rest, in = f.key, after, structures[f.key]
			if in == nil || !strings.HasPrefix(after, ": ") {
				return strings.ReplaceAll(key, "%s", id) + after
			}
			rest = after[len(": "):]
			break
		}
	}
	for in != nil {
		match := fieldName.FindStringSubmatch(rest)
		if match == nil {
			break
		}
		i := slices.IndexFunc(reflect.VisibleFields(in), func(f reflect.StructField) bool { return f.Name == match[1] })
		if i < 0 {
			break
		}
		field := reflect.VisibleFields(in)[i]
		key += "." + field.Tag.Get("beanpole")
		if rest = rest[len(match[0]):]; match[2] != "" {
			// In a map it is a name, which is a key.
			if name, err := strconv.Unquote(match[2]); err == nil {
				key += "." + name
			} else {
				key += "[" + match[2] + "]"
			}
		}
		if in = field.Type; in.Kind() == reflect.Map {
			in = in.Elem()
		}
		if after, ok := strings.CutPrefix(rest, ": "); ok && in.Kind() == reflect.Struct {
			rest = after
			continue
		}
		return strings.ReplaceAll(key, "%s", id) + rest
	}
	return strings.ReplaceAll(key, "%s", id) + ": " + rest
}

// inConfigWords are the fields that the constructs name in the middle of a message.
var inConfigWords = strings.NewReplacer(
	"Source: Path: ", "Source: ",
	"give it in Secrets", "give it in secrets",
	"in NotSecret", "in notSecret",
	"Platform.DisableManagedUpdates", "platform.disableManagedUpdates",
	", or leave LoadBalancer.Shared out for a dedicated load balancer", "", // every network has a shared one
)

// fieldName is a field at the beginning of a problem, perhaps with a name or a number behind it.
var fieldName = regexp.MustCompile(`^([A-Za-z0-9]+)(?:\[("[^"]*"|\d+)\])?`)

// unique drops what several environments have in common, such as the source.
func unique(problems []error) []error {
	var kept []error
	seen := map[string]bool{}
	for _, p := range problems {
		if !seen[p.Error()] {
			seen[p.Error()] = true
			kept = append(kept, p)
		}
	}
	return kept
}

// stackProps are the properties that every stack has. Tags name the parts of one application in the bill.
func stackProps(config Config, environment EnvironmentConfig, name, description string) *awscdk.StackProps {
	props := &awscdk.StackProps{
		StackName:   &name,
		Description: &description,
		Tags:        &map[string]*string{"application": &config.Application},
	}
	if environment.Account != "" {
		props.Env = &awscdk.Environment{Account: &environment.Account, Region: &environment.Region}
	}
	return props
}
