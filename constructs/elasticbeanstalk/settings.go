package elasticbeanstalk

import (
	"fmt"
	"maps"
	"slices"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

const (
	environmentNamespace = "aws:elasticbeanstalk:application:environment" // of environment properties
	secretsNamespace     = "aws:elasticbeanstalk:application:environmentsecrets"
	environmentType      = "aws:elasticbeanstalk:environment"
	logsNamespace        = "aws:elasticbeanstalk:cloudwatch:logs"
	xrayNamespace        = "aws:elasticbeanstalk:xray"
)

// references are the values of option settings that only the CDK knows.
type references struct {
	vpc, instanceSubnets, loadBalancerSubnets string
	loadBalancer, loadBalancerSecurityGroups  string
	instanceSecurityGroups, accessLogsBucket  string
	instanceProfile, serviceRole              string
	queueURL                                  string
	topic                                     string
	secrets                                   map[string]string
}

const unknown = "${Token[Unknown]}"

// unknownReferences stands in for references before there is a construct: present, with a value not known yet.
func unknownReferences(p *EnvironmentProps) references {
	refs := references{
		vpc: unknown, instanceSubnets: unknown, loadBalancerSubnets: unknown,
		loadBalancer: unknown, loadBalancerSecurityGroups: unknown,
		instanceSecurityGroups: unknown, accessLogsBucket: unknown,
		instanceProfile: unknown, serviceRole: unknown, topic: unknown,
		queueURL: unknown,
		secrets:  map[string]string{},
	}
	for name := range p.Secrets {
		refs.secrets[name] = unknown
	}
	return refs
}

// settings renders the props. Everything that has a default is written, because an option that disappears from a
// template keeps its last value.
func (p *EnvironmentProps) settings(refs references) []option.Setting {
	k := p.kind()
	layers := [][]option.Setting{
		p.Network.settings(refs, k),
		p.Capacity.settings(k),
		p.Deployment.settings(p.Capacity, k),
		p.Platform.settings(refs.serviceRole),
		p.Health.settings(),
		p.Logs.settings(),
		p.Notifications.settings(refs),
		{
			setting("aws:elasticbeanstalk:environment", "EnvironmentType", string(k.environmentType())),
			setting("aws:elasticbeanstalk:environment", "ServiceRole", refs.serviceRole),
			setting(launchConfiguration, "IamInstanceProfile", refs.instanceProfile),
			setting(xrayNamespace, "XRayEnabled", p.XRayEnabled),
		},
	}
	if k.balanced() {
		layers = append(layers, p.LoadBalancer.settings(refs))
	}
	if k.worker {
		layers = append(layers, p.Worker.settings(refs))
	}
	for name, process := range p.processes() {
		layers = append(layers, process.settings(name))
	}
	var variables []option.Setting
	for _, name := range slices.Sorted(maps.Keys(p.Environment)) {
		variables = append(variables, setting(environmentNamespace, name, p.Environment[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Secrets)) {
		variables = append(variables, setting(secretsNamespace, name, refs.secrets[name]))
	}
	return option.Merge(append(layers, variables, markTokens(p.OptionSettings))...)
}

// processes are the processes with the one that Elastic Beanstalk always makes; without a load balancer there are none.
func (p *EnvironmentProps) processes() map[string]Process {
	if !p.kind().balanced() {
		return nil
	}
	if len(p.Processes) == 0 {
		return map[string]Process{defaultProcess: {}}
	}
	return p.Processes
}

// setting is an option setting of a string, a number or a boolean.
func setting(namespace, name string, value any) option.Setting {
	text := fmt.Sprint(value)
	return option.Setting{Namespace: namespace, OptionName: name, Value: text, Unresolved: isToken(text)}
}
