package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Web is the stack of one deployment environment: the Elastic Beanstalk environment, and its rules on the listeners.
type Web struct {
	Stack       awscdk.Stack
	Environment *elasticbeanstalk.Environment
}

// newWeb makes the stack. Without a network of the app's own the environment is in one that exists.
func newWeb(scope constructs.Construct, config Config, id string, network *Network) *Web {
	environment := config.Environments[id]
	stackName := webStackName(config, id)
	w := &Web{Stack: awscdk.NewStack(scope, &stackName, stackProps(config, environment, stackName,
		fmt.Sprintf("%s on Elastic Beanstalk, %s", config.Application, id)))}
	if network == nil {
		network = existingNetwork(w.Stack, config.Networks[environment.network(id)])
	}

	w.Environment = django.NewEnvironment(w.Stack, "Web", config.djangoProps(id, surroundings{
		network:      network.instances(),
		loadBalancer: network.LoadBalancer,
		dnsName:      *network.LoadBalancer.LoadBalancerDnsName(),
		secret: func(name, arn string) awssecretsmanager.ISecret {
			return awssecretsmanager.Secret_FromSecretCompleteArn(w.Stack, jsii.String("Secret-"+name), &arn)
		},
	}))
	awscdk.Validations_Of(w.Environment).Acknowledge(&awscdk.Acknowledgment{
		Id:     jsii.String("Annotation::beanpole:fixed-name"),
		Reason: jsii.String("No key of the configuration replaces the environment"),
	})
	w.addRules(environment, network, config.https(id))
	w.addRecords(id, environment, network)
	w.addOutputs(environment, network, config.https(id))
	return w
}

func webStackName(config Config, id string) string {
	return fmt.Sprintf("%s-%s-web", config.Application, id)
}

// surroundings are what the props of an environment take from the network.
type surroundings struct {
	network      elasticbeanstalk.Network
	loadBalancer awselasticloadbalancingv2.IApplicationLoadBalancer
	dnsName      string
	secret       func(name, arn string) awssecretsmanager.ISecret
}

// placeholders stand in for the network before there is one: props can be validated without a construct.
func placeholders() surroundings {
	return surroundings{
		network: elasticbeanstalk.Network{VPC: struct{ awsec2.IVpc }{}},
		loadBalancer: struct {
			awselasticloadbalancingv2.IApplicationLoadBalancer
		}{},
		dnsName: "${Token[LoadBalancer.DNSName]}",
		secret:  func(string, string) awssecretsmanager.ISecret { return struct{ awssecretsmanager.ISecret }{} },
	}
}

// djangoProps is the environment in the words of the constructs.
func (c Config) djangoProps(id string, around surroundings) *django.EnvironmentProps {
	e := c.Environments[id]
	secrets := map[string]elasticbeanstalk.Secret{}
	for name, arn := range e.Secrets {
		secrets[name] = elasticbeanstalk.Secret{SecretsManager: around.secret(name, arn)}
	}
	return &django.EnvironmentProps{
		Environment: elasticbeanstalk.EnvironmentProps{
			Source:          bundle.Source{Path: c.Source},
			EnvironmentName: e.EnvironmentName,
			Platform: elasticbeanstalk.Platform{
				Branch:             e.Platform.Branch,
				Version:            e.Platform.Version,
				PreferredStartTime: e.Platform.PreferredStartTime,
				UpdateLevel:        e.Platform.UpdateLevel,
			},
			LoadBalancer: elasticbeanstalk.LoadBalancer{Shared: around.loadBalancer},
			Processes: map[string]elasticbeanstalk.Process{"default": {HealthCheck: health.Check{
				Path:                    e.HealthCheck.Path,
				SuccessCodes:            health.SuccessCodes(e.HealthCheck.SuccessCodes),
				Interval:                time.Duration(e.HealthCheck.Interval) * time.Second,
				Timeout:                 time.Duration(e.HealthCheck.Timeout) * time.Second,
				HealthyThresholdCount:   e.HealthCheck.HealthyThresholdCount,
				UnhealthyThresholdCount: e.HealthCheck.UnhealthyThresholdCount,
			}}},
			Capacity: elasticbeanstalk.Capacity{
				MinSize:       e.Capacity.MinSize,
				MaxSize:       e.Capacity.MaxSize,
				InstanceTypes: e.Capacity.InstanceTypes,
			},
			Deployment: elasticbeanstalk.Deployment{
				Policy:    elasticbeanstalk.DeploymentPolicy(e.Deployment.Policy),
				BatchSize: e.Deployment.BatchSize,
			},
			Network:        around.network,
			Logs:           elasticbeanstalk.Logs{RetentionInDays: e.Logs.RetentionInDays},
			Environment:    e.Variables,
			NotSecret:      e.NotSecret,
			Secrets:        secrets,
			OptionSettings: e.rawSettings(),
		},
		WSGIApplication: c.WSGIApplication,
		SettingsModule:  c.SettingsModule,
		Hosts:           e.allowedHosts(around.dnsName),
		HTTPS:           c.https(id),
		NumProcesses:    e.NumProcesses,
		NumThreads:      e.NumThreads,
		Migrate:         c.Migrate,
		CollectStatic:   c.CollectStatic,
	}
}

func (e EnvironmentConfig) rawSettings() []option.Setting {
	var settings []option.Setting
	for _, namespace := range slices.Sorted(maps.Keys(e.OptionSettings)) {
		for _, name := range slices.Sorted(maps.Keys(e.OptionSettings[namespace])) {
			settings = append(settings, option.Setting{Namespace: namespace, OptionName: name, Value: e.OptionSettings[namespace][name]})
		}
	}
	return settings
}

// hosts are the names that clients use: one list for the rules of the load balancer and for ALLOWED_HOSTS.
func (e EnvironmentConfig) hosts(dnsName string) []string {
	if len(e.Domains) > 0 {
		return e.Domains
	}
	return []string{dnsName}
}

// allowedHosts are the hosts as Django writes them: a leading dot where a rule has a wildcard.
func (e EnvironmentConfig) allowedHosts(dnsName string) []string {
	hosts := slices.Clone(e.hosts(dnsName))
	for i := range hosts {
		hosts[i] = strings.TrimPrefix(hosts[i], "*")
	}
	return hosts
}

// hostsInRule is how many hosts one listener rule may name.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
const hostsInRule = 5

const (
	// priorityBand is how many rule priorities an environment has, and priorityStep how many lie between its own rules, so
	// that a rule of somebody's own can come before.
	priorityBand = 100
	priorityStep = 10
	maxDomains   = priorityBand / priorityStep * hostsInRule
)

// addRules sends the environment's hosts to its target group.
func (w *Web) addRules(environment EnvironmentConfig, network *Network, https bool) {
	group := w.Environment.TargetGroup()
	listener := network.listener(https)
	id := "HTTP"
	if https {
		id = "HTTPS"
	}
	i := 0
	for hosts := range slices.Chunk(environment.hosts(*network.LoadBalancer.LoadBalancerDnsName()), hostsInRule) {
		name := id + "Rule"
		if i > 0 {
			name += fmt.Sprint(i + 1)
		}
		awselasticloadbalancingv2.NewApplicationListenerRule(w.Stack, &name, &awselasticloadbalancingv2.ApplicationListenerRuleProps{
			Listener:   listener,
			Priority:   jsii.Number(float64(environment.rulePriority() + priorityStep*i)),
			Conditions: &[]awselasticloadbalancingv2.ListenerCondition{awselasticloadbalancingv2.ListenerCondition_HostHeaders(jsii.Strings(hosts...))},
			Action:     awselasticloadbalancingv2.ListenerAction_Forward(&[]awselasticloadbalancingv2.IApplicationTargetGroup{group}, nil),
		})
		i++
	}
}

// addRecords points the domains to the load balancer.
func (w *Web) addRecords(id string, environment EnvironmentConfig, network *Network) {
	if environment.HostedZone == nil {
		return
	}
	zone := hostedZone(w.Stack, id, environment.HostedZone)
	target := awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(network.LoadBalancer, nil))
	for _, domain := range environment.Domains {
		awsroute53.NewARecord(w.Stack, jsii.String("Record-"+domain), &awsroute53.ARecordProps{
			Zone:       zone,
			RecordName: jsii.String(domain + "."),
			Target:     target,
		})
		if network.config.LoadBalancer.DualStack {
			awsroute53.NewAaaaRecord(w.Stack, jsii.String("IPv6Record-"+domain), &awsroute53.AaaaRecordProps{
				Zone:       zone,
				RecordName: jsii.String(domain + "."),
				Target:     target,
			})
		}
	}
}

// addOutputs prints, at the end of a deployment, what one looks for next.
func (w *Web) addOutputs(environment EnvironmentConfig, network *Network, https bool) {
	scheme := "http"
	if https {
		scheme = "https"
	}
	host := strings.TrimPrefix(environment.hosts(*network.LoadBalancer.LoadBalancerDnsName())[0], "*.")
	for _, output := range []struct{ id, value, description string }{
		{"URL", scheme + "://" + host + "/", "The site"},
		{"EnvironmentName", w.Environment.EnvironmentName(), "The Elastic Beanstalk environment"},
		{"TargetGroupARN", *w.Environment.TargetGroup().TargetGroupArn(), "The target group of the default process"},
	} {
		awscdk.NewCfnOutput(w.Stack, &output.id, &awscdk.CfnOutputProps{Value: &output.value, Description: &output.description})
	}
}
