package elasticbeanstalk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// launchConfiguration is the namespace of what an instance is launched with.
const launchConfiguration = "aws:autoscaling:launchconfiguration"

// Network is where the environment runs.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.managing.vpc.html
type Network struct {
	// VPC is the virtual private cloud of instances and load balancer. Required; fixed once the environment exists.
	VPC awsec2.IVpc
	// InstanceSubnets are the subnets of the instances. Default: the private ones with a route to the internet, which
	// instances need to report their health and to install packages; of a single instance that serves clients, the public
	// ones.
	InstanceSubnets *awsec2.SubnetSelection
	// LoadBalancerSubnets are the subnets of a dedicated load balancer. Default: the public ones, or InstanceSubnets for
	// an internal load balancer.
	LoadBalancerSubnets *awsec2.SubnetSelection
	// SecurityGroups are further security groups of the instances, such as one that a database admits already. Default: only
	// the environment's own, which admits the load balancer on the ports of the processes and nobody else; use
	// [Environment.Connections] to admit more. Nobody is admitted to SSH: Roles.SessionManager needs no open port.
	SecurityGroups []awsec2.ISecurityGroup
	// DisableAllOutbound lets instances reach nothing but what is allowed by [Environment.Connections]. To boot and to be
	// found healthy they need at least HTTPS (port 443) to Elastic Beanstalk, CloudFormation, S3, CloudWatch Logs and the
	// package index, or to endpoints of the VPC. Default: they may reach everything.
	DisableAllOutbound bool
	// AssociatePublicIPAddress gives instances public addresses, for a VPC without NAT gateways whose instances run in
	// public subnets. Default: none; a single instance in the public subnets that are its default has one.
	AssociatePublicIPAddress bool
	// Clients are who may send requests to a single instance, on port 80. Default: everyone (IPv4). Behind a load balancer
	// instances admit the load balancer alone, and those of a worker nobody.
	Clients []awsec2.IPeer
}

func (n Network) validate(lb LoadBalancer) error {
	var problems []error
	if n.VPC == nil {
		problems = append(problems, errors.New("VPC: is required; give the VPC that the environment runs in"))
	}
	if n.LoadBalancerSubnets != nil && lb.Shared != nil {
		problems = append(problems, errors.New("LoadBalancerSubnets: is for a dedicated load balancer; LoadBalancer.Shared is in its subnets already"))
	}
	problems = append(problems, nils("SecurityGroups", "security group", n.SecurityGroups)...)
	problems = append(problems, nils("Clients", "peer", n.Clients)...)
	return errors.Join(problems...)
}

// nils refuses the elements of a list that are not there.
func nils[T any](field, what string, elements []T) []error {
	var problems []error
	for i, element := range elements {
		if any(element) == nil {
			problems = append(problems, fmt.Errorf("%s[%d]: is nil; give a %s, or leave it out", field, i, what))
		}
	}
	return problems
}

func (n Network) settings(refs references, k kind) []option.Setting {
	return []option.Setting{
		setting("aws:ec2:vpc", "VPCId", refs.vpc),
		setting("aws:ec2:vpc", "Subnets", refs.instanceSubnets),
		setting("aws:ec2:vpc", "AssociatePublicIpAddress", n.AssociatePublicIPAddress || k.public() && n.InstanceSubnets == nil),
		setting(launchConfiguration, "SecurityGroups", refs.instanceSecurityGroups),
		setting(launchConfiguration, "DisableDefaultEC2SecurityGroup", true),
	}
}

func (e *Environment) instanceSubnets() *awsec2.SelectedSubnets {
	return e.props.Network.VPC.SelectSubnets(e.props.instanceSubnets().selection)
}

func (e *Environment) loadBalancerSubnets() *awsec2.SelectedSubnets {
	return e.props.Network.VPC.SelectSubnets(e.props.loadBalancerSubnets().selection)
}

// newSecurityGroups makes the security group of the instances, which admits the load balancer on the processes' ports and
// nobody else, or the clients of a single instance, and that of a dedicated load balancer.
func (e *Environment) newSecurityGroups() {
	instances := awsec2.NewSecurityGroup(e, jsii.String("SecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              e.props.Network.VPC,
		Description:      jsii.String("Instances of an Elastic Beanstalk environment"),
		AllowAllOutbound: jsii.Bool(!e.props.Network.DisableAllOutbound),
	})
	e.SecurityGroup = instances

	shared, k := e.props.LoadBalancer.Shared, e.props.kind()
	switch {
	case k.public():
		clients := e.props.Network.Clients
		if len(clients) == 0 {
			clients = []awsec2.IPeer{awsec2.Peer_AnyIpv4()}
		}
		for _, peer := range clients {
			instances.AddIngressRule(peer, awsec2.Port_Tcp(jsii.Number(80)), jsii.String("HTTP from clients"), nil)
		}
	case !k.balanced():
	case shared != nil:
		e.loadBalancerGroups = *shared.Connections().SecurityGroups()
		e.refs.loadBalancer = *shared.LoadBalancerArn()
	default:
		e.loadBalancerGroups = e.props.LoadBalancer.SecurityGroups
		if len(e.loadBalancerGroups) == 0 {
			e.loadBalancerGroups = []awsec2.ISecurityGroup{e.newLoadBalancerSecurityGroup()}
		}
		if !e.props.LoadBalancer.DisableAccessLogs {
			e.accessLogs = e.props.LoadBalancer.AccessLogs
			if e.accessLogs == nil {
				e.accessLogs = NewAccessLogsBucket(e, "AccessLogs")
			} else if !allowAccessLogs(e.accessLogs, e) {
				awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:access-logs"), jsii.String("LoadBalancer.AccessLogs: the policy of an imported bucket cannot be changed from here, "+
					"and without the right of logdelivery.elasticloadbalancing.amazonaws.com to write there is no load balancer: give that right, and acknowledge this "+
					"(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html)"))
			}
			e.refs.accessLogsBucket = *e.accessLogs.BucketName()
		}
		e.refs.loadBalancerSubnets = joinValues(e.loadBalancerSubnets().SubnetIds)
	}

	var ids []string
	for _, group := range e.loadBalancerGroups {
		ids = append(ids, *group.SecurityGroupId())
		for _, port := range e.props.ports() {
			tcp := awsec2.Port_Tcp(jsii.Number(float64(port)))
			if *awscdk.Stack_Of(group).Node().Path() == *awscdk.Stack_Of(e).Node().Path() {
				instances.Connections().AllowFrom(group, tcp, jsii.String("Requests and health checks of the load balancer"))
				continue
			}
			// A rule in the other stack would refer back to this one; that stack lets its load balancer out itself.
			e.warnAboutEgress(group, port)
			instances.AddIngressRule(awsec2.Peer_SecurityGroupId(group.SecurityGroupId(), nil), tcp,
				jsii.String("Requests and health checks of the load balancer"), nil)
		}
	}
	e.refs.loadBalancerSecurityGroups = strings.Join(ids, ",")
	e.refs.instanceSecurityGroups = *instances.SecurityGroupId()
	for _, group := range e.props.Network.SecurityGroups {
		e.refs.instanceSecurityGroups += "," + *group.SecurityGroupId()
	}
	e.refs.vpc = *e.props.Network.VPC.VpcId()
	e.refs.instanceSubnets = joinValues(e.instanceSubnets().SubnetIds)
}

// warnAboutEgress says that a group which another stack makes lets no health check out to a port so far, by the id
// "beanpole:load-balancer-egress".
func (e *Environment) warnAboutEgress(group awsec2.ISecurityGroup, port int) {
	made, ok := group.Node().DefaultChild().(awsec2.CfnSecurityGroup)
	if !ok || *group.AllowAllOutbound() {
		return
	}
	rules, _ := resolved(made, made.SecurityGroupEgress()).([]any)
	for _, child := range *group.Node().Children() {
		if rule, ok := child.(awsec2.CfnSecurityGroupEgress); ok {
			rules = append(rules, map[string]any{"ipProtocol": *rule.IpProtocol(), "fromPort": orPtr(rule.FromPort(), 0), "toPort": orPtr(rule.ToPort(), 0)})
		}
	}
	if slices.ContainsFunc(rules, func(rule any) bool { return letsOut(rule, float64(port)) }) {
		return
	}
	awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:load-balancer-egress"), jsii.Sprintf("LoadBalancer: %s, which another stack makes, lets nothing out to port %d so far, "+
		"where the instances are: every health check would time out; let it out there, as with Connections().AllowToAnyIpv4 or to the addresses of the VPC, and acknowledge this",
		*group.Node().Path(), port))
}

// letsOut says whether a rule, as resolved, is about a TCP port.
func letsOut(rule any, port float64) bool {
	r, _ := rule.(map[string]any)
	from, _ := r["fromPort"].(float64)
	to, _ := r["toPort"].(float64)
	return r["ipProtocol"] == "-1" || r["ipProtocol"] == "tcp" && from <= port && port <= to
}

// ports are the ports of the processes, each once.
func (p *EnvironmentProps) ports() []int {
	var ports []int
	for _, process := range p.processes() {
		if !slices.Contains(ports, process.port()) {
			ports = append(ports, process.port())
		}
	}
	slices.Sort(ports)
	return ports
}

// joinValues is the list as one option value.
func joinValues(values *[]*string) string {
	joined := make([]string, len(*values))
	for i, v := range *values {
		joined[i] = *v
	}
	return strings.Join(joined, ",")
}
