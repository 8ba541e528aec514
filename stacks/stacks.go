// Package stacks says what is deployed: for every deployment environment a web stack, and for every network, which
// environments may share, a network stack that lives longer. It is the app's own; what other apps import is constructs.
package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// Build adds the stacks of config to scope. It reports everything that is wrong with config as one joined error, before the
// first stack exists.
func Build(scope constructs.Construct, config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(config.Environments))
	networks := map[string]*Network{}
	for _, id := range ids {
		name := config.Environments[id].network(id)
		if networks[name] == nil && config.existing(id) == nil {
			networks[name] = newNetwork(scope, config, name)
		}
		newWeb(scope, config, id, networks[name])
	}
	newDeployers(scope, config)
	return nil
}

// environmentProblems are what the constructs say of each environment, in the words of the configuration.
func (c Config) environmentProblems() []error {
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		for _, line := range lines(c.djangoProps(id, placeholders()).Validate()) {
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

// fields are the fields of the constructs' props by the key of the configuration that they come from.
var fields = []struct{ field, key string }{
	{"Source", "source"},
	{"WSGIApplication", "wsgiApplication"},
	{"SettingsModule", "settingsModule"},
	{`Processes["default"]: HealthCheck: Path`, "environments.%s.healthCheck.path"},
	{`Processes["default"]: HealthCheck: SuccessCodes`, "environments.%s.healthCheck.successCodes"},
	{`Processes["default"]: HealthCheck: Interval`, "environments.%s.healthCheck.interval"},
	{`Processes["default"]: HealthCheck: Timeout`, "environments.%s.healthCheck.timeout"},
	{`Processes["default"]: HealthCheck: HealthyThresholdCount`, "environments.%s.healthCheck.healthyThresholdCount"},
	{`Processes["default"]: HealthCheck: UnhealthyThresholdCount`, "environments.%s.healthCheck.unhealthyThresholdCount"},
	{`Processes["default"]: HealthCheck`, "environments.%s.healthCheck"},
	{"EnvironmentName", "environments.%s.environmentName"},
	{"Platform: Branch", "environments.%s.platform.branch"},
	{"Platform: Version", "environments.%s.platform.version"},
	{"Platform: PreferredStartTime", "environments.%s.platform.preferredStartTime"},
	{"Platform: UpdateLevel", "environments.%s.platform.updateLevel"},
	{"Capacity: MinSize", "environments.%s.capacity.minSize"},
	{"Capacity: MaxSize", "environments.%s.capacity.maxSize"},
	{"Capacity: InstanceTypes", "environments.%s.capacity.instanceTypes"},
	{"Deployment: Policy", "environments.%s.deployment.policy"},
	{"Deployment: BatchSize", "environments.%s.deployment.batchSize"},
	{"Logs: RetentionInDays", "environments.%s.logs.retentionInDays"},
	{"NumProcesses", "environments.%s.numProcesses"},
	{"NumThreads", "environments.%s.numThreads"},
	{"Environment", "environments.%s.variables"},
	{"Secrets", "environments.%s.secrets"},
	{"OptionSettings", "environments.%s.optionSettings"},
}

// inConfigTerms names the key of the configuration where the constructs name a field.
func inConfigTerms(id, problem string) string {
	problem = strings.TrimPrefix(problem, "Environment.") // django's props hold those of elasticbeanstalk in this field
	for _, f := range fields {
		if rest, ok := strings.CutPrefix(problem, f.field); ok && (rest == "" || strings.ContainsRune(":[ ", rune(rest[0]))) {
			key := f.key
			if strings.Contains(key, "%s") {
				key = fmt.Sprintf(key, id)
			}
			return key + rest
		}
	}
	return "environments." + id + ": " + problem
}

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
