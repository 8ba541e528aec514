package stacks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
)

const (
	defaultCIDR   = "10.0.0.0/16"
	defaultMaxAZs = 2
	mostAZs       = 3

	defaultIdleTimeout = 60 // seconds
)

// Network is what lives longer than an environment, and may serve several: the VPC, the load balancer, its security group
// and its listeners. What is new of them has a stack of its own.
type Network struct {
	VPC          awsec2.IVpc
	LoadBalancer awselasticloadbalancingv2.IApplicationLoadBalancer
	// HTTP is the listener on port 80, HTTPS that on port 443, nil where no environment has a certificate.
	HTTP, HTTPS awselasticloadbalancingv2.IApplicationListener

	config NetworkConfig
}

// newNetwork makes the stack of a network that has something new.
func newNetwork(scope constructs.Construct, config Config, name string) *Network {
	members, balanced := config.members(name), config.balanced(name)
	n := &Network{config: config.network(name)}
	var what []string
	if n.config.VPC == nil {
		what = append(what, "VPC")
	}
	if balanced {
		what = append(what, "load balancer")
	}
	description := strings.Join(what, " and ")
	stackName := fmt.Sprintf("%s-%s-network", config.Application, name)
	stack := awscdk.NewStack(scope, &stackName, stackProps(config, config.Environments[members[0]], stackName,
		fmt.Sprintf("%s of %s", strings.ToUpper(description[:1])+description[1:], config.Application)))

	n.addVPC(stack)
	if balanced {
		ports := []int{}
		for _, id := range members {
			if config.Environments[id].balanced() {
				ports = append(ports, config.Environments[id].ports()...)
			}
		}
		slices.Sort(ports)
		certificates := n.certificates(stack, config, members)
		n.addLoadBalancer(stack, len(certificates) > 0, slices.Compact(ports))
		n.addListeners(stack, certificates)
	}
	return n
}

// existingNetwork is a network in which nothing is new, as the stack of an environment sees it.
func existingNetwork(stack awscdk.Stack, config NetworkConfig, environment EnvironmentConfig) *Network {
	n := &Network{config: config}
	n.addVPC(stack)
	existing := config.LoadBalancer.Existing
	if !environment.balanced() {
		return n
	}
	n.LoadBalancer = awselasticloadbalancingv2.ApplicationLoadBalancer_FromApplicationLoadBalancerAttributes(stack, jsii.String("LoadBalancer"), &awselasticloadbalancingv2.ApplicationLoadBalancerAttributes{
		LoadBalancerArn:                   &existing.ARN,
		LoadBalancerDnsName:               &existing.DNSName,
		LoadBalancerCanonicalHostedZoneId: &existing.CanonicalHostedZoneID,
		SecurityGroupId:                   &existing.SecurityGroupIDs[0],
		Vpc:                               n.VPC,
	})
	groups := n.LoadBalancer.Connections()
	for _, id := range existing.SecurityGroupIDs[1:] {
		groups.AddSecurityGroup(awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("LoadBalancer-"+id), &id, nil))
	}
	listener := func(id, arn string) awselasticloadbalancingv2.IApplicationListener {
		if arn == "" {
			return nil
		}
		return awselasticloadbalancingv2.ApplicationListener_FromApplicationListenerAttributes(stack, &id, &awselasticloadbalancingv2.ApplicationListenerAttributes{
			ListenerArn:   &arn,
			SecurityGroup: (*groups.SecurityGroups())[0],
		})
	}
	n.HTTP, n.HTTPS = listener("HTTP", existing.HTTPListenerARN), listener("HTTPS", existing.HTTPSListenerARN)
	return n
}

// addVPC makes the VPC, or refers to the one that exists.
func (n *Network) addVPC(stack awscdk.Stack) {
	if vpc := n.config.VPC; vpc != nil {
		attributes := &awsec2.VpcAttributes{
			VpcId: &vpc.ID,
			// The zones of the subnets need not be known; the CDK wants a list of which their number is a multiple.
			AvailabilityZones: zones(stack, 1),
		}
		for subnets, ids := range map[**[]*string][]string{&attributes.PublicSubnetIds: vpc.PublicSubnetIDs, &attributes.PrivateSubnetIds: vpc.PrivateSubnetIDs} {
			if len(ids) > 0 { // an empty list is refused
				*subnets = jsii.Strings(ids...)
			}
		}
		if vpc.CIDR != "" {
			attributes.VpcCidrBlock = &vpc.CIDR
		}
		n.VPC = awsec2.Vpc_FromVpcAttributes(stack, jsii.String("VPC"), attributes)
		awscdk.Validations_Of(n.VPC).Acknowledge(&awscdk.Acknowledgment{
			Id:     jsii.String("Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId"),
			Reason: jsii.String("nothing is added to the route tables of a VPC that exists"),
		})
		return
	}
	subnet := func(name string, kind awsec2.SubnetType, reserved bool) *awsec2.SubnetConfiguration {
		return &awsec2.SubnetConfiguration{Name: &name, SubnetType: kind, Reserved: &reserved}
	}
	props := &awsec2.VpcProps{
		IpAddresses:       awsec2.IpAddresses_Cidr(jsii.String(cmp.Or(n.config.CIDR, defaultCIDR))),
		AvailabilityZones: zones(stack, n.config.zones()),
		// Ranges are cut for three zones from the start, so that a third one can be added to a network that exists, and for
		// private subnets, so that a NAT gateway can.
		ReservedAzs: jsii.Number(float64(mostAZs - n.config.zones())),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			subnet("Public", awsec2.SubnetType_PUBLIC, false),
			subnet("Private", awsec2.SubnetType_PRIVATE_WITH_EGRESS, n.config.natGateways() == 0),
		},
		NatGateways: jsii.Number(float64(n.config.natGateways())),
		// Nothing uses the default group, and emptying it takes a Lambda function with rights on security groups.
		RestrictDefaultSecurityGroup: jsii.Bool(false),
	}
	if n.config.LoadBalancer.DualStack {
		props.IpProtocol = awsec2.IpProtocol_DUAL_STACK
	}
	n.VPC = awsec2.NewVpc(stack, jsii.String("VPC"), props)
}

// instances is where the instances of an environment go.
func (n *Network) instances(environment EnvironmentConfig) elasticbeanstalk.Network {
	network := elasticbeanstalk.Network{VPC: n.VPC}
	reached := environment.single() && !environment.worker() // by its clients: it is in a public subnet anyway
	if n.config.publicInstances() && !reached {
		network.InstanceSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
		network.AssociatePublicIPAddress = true
	}
	return network
}

// zones are the first availability zones of the region, by number: with a known account and region the CDK would look their
// names up in the account, and without it would not go beyond two.
func zones(stack awscdk.Stack, count int) *[]*string {
	names := make([]*string, count)
	for i := range names {
		names[i] = awscdk.Fn_Select(jsii.Number(float64(i)), awscdk.Fn_GetAzs(nil))
	}
	if account, region := *stack.Account(), *stack.Region(); !*awscdk.Token_IsUnresolved(account) {
		// The answer of the look-up: the CDK asks even for zones that it is given.
		stack.Node().SetContext(jsii.String(fmt.Sprintf("availability-zones:account=%s:region=%s", account, region)), names)
	}
	return &names
}

// listener is the one that an environment's rules stand on.
func (n *Network) listener(https bool) awselasticloadbalancingv2.IApplicationListener {
	if https {
		return n.HTTPS
	}
	return n.HTTP
}

func (n *Network) addLoadBalancer(stack awscdk.Stack, https bool, ports []int) {
	config := n.config.LoadBalancer
	group := awsec2.NewSecurityGroup(stack, jsii.String("LoadBalancerSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.VPC,
		Description:      jsii.String("Load balancer"),
		AllowAllOutbound: jsii.Bool(false),
	})
	for _, client := range n.clients() {
		group.AddIngressRule(client, awsec2.Port_Tcp(jsii.Number(80)), jsii.String("HTTP from clients"), nil)
		if https {
			group.AddIngressRule(client, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("HTTPS from clients"), nil)
		}
	}
	// To the range, not to a group: the groups of the instances are in stacks that depend on this one.
	for _, port := range ports {
		group.AddEgressRule(awsec2.Peer_Ipv4(n.VPC.VpcCidrBlock()), awsec2.Port_Tcp(jsii.Number(float64(port))),
			jsii.String("Requests and health checks to instances"), nil)
	}

	props := &awselasticloadbalancingv2.ApplicationLoadBalancerProps{
		Vpc:                     n.VPC,
		InternetFacing:          jsii.Bool(!config.Internal),
		SecurityGroup:           group,
		DropInvalidHeaderFields: jsii.Bool(!config.AllowInvalidHeaders),
		DeletionProtection:      &config.DeletionProtection,
		IdleTimeout:             awscdk.Duration_Seconds(jsii.Number(float64(cmp.Or(config.IdleTimeout, defaultIdleTimeout)))),
	}
	if config.Internal && n.config.publicInstances() {
		props.VpcSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
	}
	if config.DualStack {
		props.IpAddressType = awselasticloadbalancingv2.IpAddressType_DUAL_STACK
	}
	balancer := awselasticloadbalancingv2.NewApplicationLoadBalancer(stack, jsii.String("LoadBalancer"), props)
	n.LoadBalancer = balancer
	n.addAccessLogs(stack, balancer)
	if config.WebACLARN != "" {
		awswafv2.NewCfnWebACLAssociation(stack, jsii.String("WebACLAssociation"), &awswafv2.CfnWebACLAssociationProps{
			ResourceArn: balancer.LoadBalancerArn(),
			WebAclArn:   &config.WebACLARN,
		})
	}
}

// clients are the ranges that may reach the load balancer.
func (n *Network) clients() []awsec2.IPeer {
	config := n.config.LoadBalancer
	var clients []awsec2.IPeer
	for _, cidr := range config.ClientCIDRs {
		if strings.Contains(cidr, ":") {
			clients = append(clients, awsec2.Peer_Ipv6(&cidr))
		} else {
			clients = append(clients, awsec2.Peer_Ipv4(&cidr))
		}
	}
	switch {
	case len(clients) > 0:
	case config.Internal:
		clients = append(clients, awsec2.Peer_Ipv4(n.VPC.VpcCidrBlock()))
	default:
		clients = append(clients, awsec2.Peer_AnyIpv4())
		if config.DualStack {
			clients = append(clients, awsec2.Peer_AnyIpv6())
		}
	}
	return clients
}

func (n *Network) addAccessLogs(stack awscdk.Stack, balancer awselasticloadbalancingv2.ApplicationLoadBalancer) {
	config := n.config.LoadBalancer.AccessLogs
	// LogAccessLogs would need to know the region.
	balancer.SetAttribute(jsii.String("access_logs.s3.enabled"), jsii.String(strconv.FormatBool(!config.Disabled)))
	if config.Disabled {
		return
	}
	logs := elasticbeanstalk.NewAccessLogsBucket(stack, "AccessLogs")
	if config.RetentionInDays != 0 {
		logs.Node().DefaultChild().(awss3.CfnBucket).AddPropertyOverride(jsii.String("LifecycleConfiguration.Rules.0.ExpirationInDays"), config.RetentionInDays)
	}
	balancer.SetAttribute(jsii.String("access_logs.s3.bucket"), logs.BucketName())
	// The load balancer tries to write a test file when it is told to log.
	balancer.Node().AddDependency(logs.Policy())
}

// certificate is one of a listener's, with an id that stays its own when others come and go.
type certificate struct {
	id   string
	cert awselasticloadbalancingv2.IListenerCertificate
}

// namesInCertificate is how many names AWS Certificate Manager puts into one certificate, unless a higher quota was asked for.
//
// https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html
const namesInCertificate = 10

// certificates are those of the environments in this network, in the order of their rule priorities: the first one is what
// a client without a server name gets.
func (n *Network) certificates(stack awscdk.Stack, config Config, members []string) []certificate {
	var found []certificate
	for _, id := range members {
		environment := config.Environments[id]
		switch arn := environment.CertificateARN; {
		case !environment.balanced():
		case arn != "":
			sum := sha256.Sum256([]byte(arn))
			if c := (certificate{"Certificate-" + hex.EncodeToString(sum[:4]), awselasticloadbalancingv2.ListenerCertificate_FromArn(&arn)}); !slices.ContainsFunc(found,
				func(other certificate) bool { return other.id == c.id }) {
				found = append(found, c)
			}
		case environment.HostedZone != nil:
			zone := hostedZone(stack, id, environment.HostedZone)
			props := &awscertificatemanager.CertificateProps{
				DomainName: &environment.Domains[0],
				Validation: awscertificatemanager.CertificateValidation_FromDns(zone),
			}
			if others := environment.Domains[1:]; len(others) > 0 { // an empty list is refused
				props.SubjectAlternativeNames = jsii.Strings(others...)
			}
			made := awscertificatemanager.NewCertificate(stack, jsii.String(id+"-Certificate"), props)
			if len(environment.Domains) > namesInCertificate {
				awscdk.Validations_Of(made).AddWarning(jsii.String("beanpole:certificate-names"), jsii.Sprintf(
					"%d domains are more than the %d names that AWS Certificate Manager puts into one certificate by default; ask for a higher quota, or use a wildcard",
					len(environment.Domains), namesInCertificate))
				config.acknowledge(made)
			}
			found = append(found, certificate{id + "-ListenerCertificate", awselasticloadbalancingv2.ListenerCertificate_FromCertificateManager(made)})
		}
	}
	return found
}

// addListeners adds the listeners. Their default action answers whatever no environment's rule asks for.
func (n *Network) addListeners(stack awscdk.Stack, certificates []certificate) {
	notFound := awselasticloadbalancingv2.ListenerAction_FixedResponse(jsii.Number(404), &awselasticloadbalancingv2.FixedResponseOptions{
		ContentType: jsii.String("text/plain"),
		MessageBody: jsii.String("No such site.\n"),
	})
	byDefault := notFound
	if len(certificates) > 0 {
		https := n.LoadBalancer.AddListener(jsii.String("HTTPS"), &awselasticloadbalancingv2.BaseApplicationListenerProps{
			Port:          jsii.Number(443),
			Protocol:      awselasticloadbalancingv2.ApplicationProtocol_HTTPS,
			Certificates:  &[]awselasticloadbalancingv2.IListenerCertificate{certificates[0].cert},
			SslPolicy:     awselasticloadbalancingv2.SslPolicy_RECOMMENDED_TLS,
			DefaultAction: notFound,
			Open:          jsii.Bool(false),
		})
		if policy := n.config.LoadBalancer.SSLPolicy; policy != "" {
			// There are more policies than the CDK has names for.
			https.Node().DefaultChild().(awselasticloadbalancingv2.CfnListener).SetSslPolicy(&policy)
		}
		n.HTTPS = https
		// Each by itself: the CDK would number them, and one that goes would take the next one's place. The default one is in
		// the list too, which Elastic Load Balancing allows: when another one becomes the default, because an environment comes
		// or goes, none that stays is removed from the list or missing from it for a moment.
		for _, c := range certificates {
			awselasticloadbalancingv2.NewApplicationListenerCertificate(stack, &c.id, &awselasticloadbalancingv2.ApplicationListenerCertificateProps{
				Listener:     https,
				Certificates: &[]awselasticloadbalancingv2.IListenerCertificate{c.cert},
			})
		}
		byDefault = awselasticloadbalancingv2.ListenerAction_Redirect(&awselasticloadbalancingv2.RedirectOptions{
			Protocol: jsii.String("HTTPS"), Port: jsii.String("443"), Permanent: jsii.Bool(true),
		})
	}
	n.HTTP = n.LoadBalancer.AddListener(jsii.String("HTTP"), &awselasticloadbalancingv2.BaseApplicationListenerProps{
		Port:          jsii.Number(80),
		Protocol:      awselasticloadbalancingv2.ApplicationProtocol_HTTP,
		DefaultAction: byDefault,
		Open:          jsii.Bool(false),
	})
}

func hostedZone(scope constructs.Construct, id string, zone *HostedZoneConfig) awsroute53.IHostedZone {
	return awsroute53.HostedZone_FromHostedZoneAttributes(scope, jsii.String(id+"-HostedZone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: &zone.ID,
		ZoneName:     &zone.Name,
	})
}
