package elasticbeanstalk

import (
	"errors"
	"fmt"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// propsOption is an option that the rest of the stack follows, so that a field of the props has to give it.
type propsOption struct {
	namespace string // or what it begins with, if that ends with a colon
	names     string // separated by commas, "" for all of the namespace
	follow    string // what has to follow
	field     string // what to do instead
	// harmless says that a setting changes nothing that has to follow; nil if every one does.
	harmless func(*EnvironmentProps, option.Setting) bool
}

// propsOptions are looked through in order: the first that fits a setting decides.
var propsOptions = []propsOption{
	{processNamespace, "Port,Protocol", "the security groups have to follow", "set it in Processes[]", nil},
	{"aws:elasticbeanstalk:command", "DeploymentPolicy", errTrafficSplitting.Error(), "", func(p *EnvironmentProps, s option.Setting) bool {
		return p.LoadBalancer.Shared == nil || !strings.EqualFold(s.Value, string(TrafficSplitting))
	}},
	{xrayNamespace, "XRayEnabled", "the role of the instances has to follow", "set XRayEnabled in the props", func(p *EnvironmentProps, s option.Setting) bool {
		return p.xray() || off(s)
	}},
	{logsNamespace, "StreamLogs", "the role of the instances has to follow", "leave Logs.DisableStreaming out", func(p *EnvironmentProps, s option.Setting) bool {
		return p.streamsLogs() || off(s)
	}},
	{secretsNamespace, "", "the role of the instances has to follow, or they do not boot", "give it in Secrets", nil},
	{environmentType, "EnvironmentType", "everything has to follow", "set EnvironmentType in the props", nil},
	{environmentType, "ServiceRole", "the rights of the role have to follow", "give Roles.Service", nil},
	{environmentType, "LoadBalancerType", "the load balancer is an application load balancer", "leave it out", nil},
	{environmentType, "LoadBalancerIsShared", "the security groups have to follow", "give LoadBalancer.Shared, or leave it out", nil},
	{loadBalancer, "SharedLoadBalancer", "the security groups have to follow", "give LoadBalancer.Shared", nil},
	{loadBalancer, "SecurityGroups,ManagedSecurityGroup", "the group of the instances has to follow", "give LoadBalancer.SecurityGroups", nil},
	{launchConfiguration, "IamInstanceProfile", "the rights of the role have to follow", "give Roles.Instance", nil},
	{launchConfiguration, "SecurityGroups", "the environment's own group would be lost", "give further ones in Network.SecurityGroups", nil},
	{launchConfiguration, "DisableDefaultEC2SecurityGroup", "the environment has a group of its own",
		"leave it out, and admit others with the Connections of the environment", on},
	{"aws:ec2:vpc", "VPCId", "subnets and security groups have to follow", "give Network.VPC", nil},
	{"aws:ec2:vpc", "ELBScheme", "the security group and the subnets have to follow", "set LoadBalancer.Internal", func(p *EnvironmentProps, _ option.Setting) bool {
		return !p.dedicated()
	}},
	{"aws:elasticbeanstalk:sns:topics", "Notification Topic ARN", "the service role has to follow", "give Notifications.Topic", nil},
	{"aws:elasticbeanstalk:sqsd", "WorkerQueueURL", "the role of the instances has to follow", "give Worker.Queue", nil},
	{listenerNamespace, "", "the security groups have to follow",
		"the load balancer's listeners are those of LoadBalancer.CertificateARNs, Listeners and DisableHTTPListener", func(p *EnvironmentProps, s option.Setting) bool {
			return !p.dedicated() || p.LoadBalancer.listens(s)
		}},
}

// dedicated says that Elastic Beanstalk makes a load balancer.
func (p *EnvironmentProps) dedicated() bool {
	return p.LoadBalancer.Shared == nil && p.kind().balanced()
}

func off(s option.Setting) bool { return strings.EqualFold(s.Value, "false") }

func on(_ *EnvironmentProps, s option.Setting) bool { return strings.EqualFold(s.Value, "true") }

func (o propsOption) is(s option.Setting) bool {
	if s.Namespace != o.namespace && !(strings.HasSuffix(o.namespace, ":") && strings.HasPrefix(s.Namespace, o.namespace)) {
		return false
	}
	for name := range strings.SplitSeq(o.names, ",") {
		if name == "" || name == s.OptionName {
			return true
		}
	}
	return false
}

// propsOnly refuses raw settings that the rest of the stack would have to follow, and returns the others.
func (p *EnvironmentProps) propsOnly(settings []option.Setting) ([]option.Setting, error) {
	var kept []option.Setting
	var problems []error
next:
	for _, s := range settings {
		for _, o := range propsOptions {
			if !o.is(s) {
				continue
			}
			if o.harmless != nil && o.harmless(p, s) {
				break
			}
			problem := fmt.Sprintf("%s: %s", s.Name(), o.follow)
			if o.field != "" {
				name := strings.TrimPrefix(s.Namespace, o.namespace)
				problem += ": " + strings.Replace(o.field, "[]", fmt.Sprintf("[%q]", name), 1)
			}
			problems = append(problems, errors.New(problem))
			continue next
		}
		kept = append(kept, s)
	}
	return kept, errors.Join(problems...)
}
