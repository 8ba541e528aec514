package stacks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
)

const (
	defaultCIDR   = "10.0.0.0/16"
	defaultMaxAZs = 2
	mostAZs       = 3
)

// Network is the stack of what lives longer than an environment, and may serve several: the VPC, the load balancer, its
// security group and its listeners.
type Network struct {
	Stack        awscdk.Stack
	VPC          awsec2.Vpc
	LoadBalancer awselasticloadbalancingv2.ApplicationLoadBalancer
	// HTTP is the listener on port 80, HTTPS that on port 443, nil where no environment has a certificate.
	HTTP, HTTPS awselasticloadbalancingv2.ApplicationListener
}

func newNetwork(scope constructs.Construct, config Config, name string) *Network {
	var members []string
	for _, id := range slices.Sorted(maps.Keys(config.Environments)) {
		if config.Environments[id].network(id) == name {
			members = append(members, id)
		}
	}
	slices.SortStableFunc(members, func(a, b string) int {
		return config.Environments[a].rulePriority() - config.Environments[b].rulePriority()
	})
	settings := config.Networks[name]
	stackName := fmt.Sprintf("%s-%s-network", config.Application, name)
	n := &Network{Stack: awscdk.NewStack(scope, &stackName, stackProps(config, config.Environments[members[0]], stackName,
		fmt.Sprintf("VPC and load balancer of %s", config.Application)))}

	n.VPC = awsec2.NewVpc(n.Stack, jsii.String("VPC"), &awsec2.VpcProps{
		IpAddresses:       awsec2.IpAddresses_Cidr(jsii.String(cmp.Or(settings.CIDR, defaultCIDR))),
		AvailabilityZones: n.zones(cmp.Or(settings.MaxAZs, defaultMaxAZs)),
		// Ranges are cut for three zones from the start, so that a third one can be added to a network that exists.
		ReservedAzs: jsii.Number(float64(mostAZs - cmp.Or(settings.MaxAZs, defaultMaxAZs))),
		NatGateways: jsii.Number(float64(cmp.Or(settings.NATGateways, 1))),
		// Nothing uses the default group, and emptying it takes a Lambda function with rights on security groups.
		RestrictDefaultSecurityGroup: jsii.Bool(false),
	})

	certificates := n.certificates(config, members)
	n.addLoadBalancer(len(certificates) > 0)
	n.addListeners(certificates)
	return n
}

// zones are the first availability zones of the region, by number: with a known account and region the CDK would look their
// names up in the account, and without it would not go beyond two.
func (n *Network) zones(count int) *[]*string {
	zones := make([]*string, count)
	for i := range zones {
		zones[i] = awscdk.Fn_Select(jsii.Number(float64(i)), awscdk.Fn_GetAzs(nil))
	}
	if account, region := *n.Stack.Account(), *n.Stack.Region(); !*awscdk.Token_IsUnresolved(account) {
		// The answer of the look-up: the CDK asks even for zones that it is given.
		n.Stack.Node().SetContext(jsii.String(fmt.Sprintf("availability-zones:account=%s:region=%s", account, region)), zones)
	}
	return &zones
}

// listener is the one that an environment's rules stand on.
func (n *Network) listener(https bool) awselasticloadbalancingv2.ApplicationListener {
	if https {
		return n.HTTPS
	}
	return n.HTTP
}

func (n *Network) addLoadBalancer(https bool) {
	group := awsec2.NewSecurityGroup(n.Stack, jsii.String("LoadBalancerSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.VPC,
		Description:      jsii.String("Load balancer"),
		AllowAllOutbound: jsii.Bool(false),
	})
	group.AddIngressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(80)), jsii.String("HTTP from clients"), nil)
	if https {
		group.AddIngressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(443)), jsii.String("HTTPS from clients"), nil)
	}
	// To the range, not to a group: the groups of the instances are in stacks that depend on this one.
	group.AddEgressRule(awsec2.Peer_Ipv4(n.VPC.VpcCidrBlock()), awsec2.Port_Tcp(jsii.Number(80)),
		jsii.String("Requests and health checks to instances"), nil)

	logs := elasticbeanstalk.NewAccessLogsBucket(n.Stack, "AccessLogs")
	n.LoadBalancer = awselasticloadbalancingv2.NewApplicationLoadBalancer(n.Stack, jsii.String("LoadBalancer"), &awselasticloadbalancingv2.ApplicationLoadBalancerProps{
		Vpc:                     n.VPC,
		InternetFacing:          jsii.Bool(true),
		SecurityGroup:           group,
		DropInvalidHeaderFields: jsii.Bool(true),
	})
	// LogAccessLogs would need to know the region.
	n.LoadBalancer.SetAttribute(jsii.String("access_logs.s3.enabled"), jsii.String("true"))
	n.LoadBalancer.SetAttribute(jsii.String("access_logs.s3.bucket"), logs.BucketName())
	// The load balancer tries to write a test file when it is told to log.
	n.LoadBalancer.Node().AddDependency(logs.Policy())
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
func (n *Network) certificates(config Config, members []string) []certificate {
	var found []certificate
	for _, id := range members {
		environment := config.Environments[id]
		switch arn := environment.CertificateARN; {
		case arn != "":
			sum := sha256.Sum256([]byte(arn))
			if c := (certificate{"Certificate-" + hex.EncodeToString(sum[:4]), awselasticloadbalancingv2.ListenerCertificate_FromArn(&arn)}); !slices.ContainsFunc(found,
				func(other certificate) bool { return other.id == c.id }) {
				found = append(found, c)
			}
		case environment.HostedZone != nil:
			zone := hostedZone(n.Stack, id, environment.HostedZone)
			props := &awscertificatemanager.CertificateProps{
				DomainName: &environment.Domains[0],
				Validation: awscertificatemanager.CertificateValidation_FromDns(zone),
			}
			if others := environment.Domains[1:]; len(others) > 0 { // an empty list is refused
				props.SubjectAlternativeNames = jsii.Strings(others...)
			}
			made := awscertificatemanager.NewCertificate(n.Stack, jsii.String(id+"-Certificate"), props)
			if len(environment.Domains) > namesInCertificate {
				awscdk.Validations_Of(made).AddWarning(jsii.String("beanpole:certificate-names"), jsii.Sprintf(
					"%d domains are more than the %d names that AWS Certificate Manager puts into one certificate by default; ask for a higher quota, or use a wildcard",
					len(environment.Domains), namesInCertificate))
			}
			found = append(found, certificate{id + "-ListenerCertificate", awselasticloadbalancingv2.ListenerCertificate_FromCertificateManager(made)})
		}
	}
	return found
}

// addListeners adds the listeners. Their default action answers whatever no environment's rule asks for.
func (n *Network) addListeners(certificates []certificate) {
	notFound := awselasticloadbalancingv2.ListenerAction_FixedResponse(jsii.Number(404), &awselasticloadbalancingv2.FixedResponseOptions{
		ContentType: jsii.String("text/plain"),
		MessageBody: jsii.String("No such site.\n"),
	})
	byDefault := notFound
	if len(certificates) > 0 {
		n.HTTPS = n.LoadBalancer.AddListener(jsii.String("HTTPS"), &awselasticloadbalancingv2.BaseApplicationListenerProps{
			Port:          jsii.Number(443),
			Protocol:      awselasticloadbalancingv2.ApplicationProtocol_HTTPS,
			Certificates:  &[]awselasticloadbalancingv2.IListenerCertificate{certificates[0].cert},
			SslPolicy:     awselasticloadbalancingv2.SslPolicy_RECOMMENDED_TLS,
			DefaultAction: notFound,
			Open:          jsii.Bool(false),
		})
		// Each by itself: the CDK would number them, and one that goes would take the next one's place.
		for _, c := range certificates[1:] {
			awselasticloadbalancingv2.NewApplicationListenerCertificate(n.Stack, &c.id, &awselasticloadbalancingv2.ApplicationListenerCertificateProps{
				Listener:     n.HTTPS,
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
