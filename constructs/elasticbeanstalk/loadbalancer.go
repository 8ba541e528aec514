package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// DefaultSSLPolicy is the security policy of an HTTPS listener that names none: TLS 1.2 and 1.3.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
const DefaultSSLPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

// LoadBalancer is the application load balancer in front of the environment: one of your own that Elastic Beanstalk joins
// (Shared), or a dedicated one that Elastic Beanstalk makes. The choice cannot be changed once the environment exists.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb-shared.html
type LoadBalancer struct {
	// Shared is a load balancer in the environment's VPC with at least one listener. Elastic Beanstalk makes the target
	// groups; the traffic is yours to direct, with rules that forward to [Environment.TargetGroup], and can be changed at
	// any time. Its security groups must be known, because they are what instances admit.
	// Default: a dedicated load balancer, for which the fields below are.
	Shared awselasticloadbalancingv2.IApplicationLoadBalancer

	// Internal keeps the load balancer inside the VPC. Default: internet-facing.
	Internal bool
	// CertificateARNs are the certificates of the HTTPS listener on port 443, the first being the default one.
	// Default: no HTTPS listener.
	CertificateARNs []string
	// SSLPolicy is the security policy of the HTTPS listener. Default: [DefaultSSLPolicy].
	SSLPolicy string
	// AccessLogs is the bucket of the access logs; see [NewAccessLogsBucket]. Default: one is made, and kept when the
	// environment goes.
	AccessLogs awss3.IBucket
}

func (l LoadBalancer) validate() error {
	var problems []error
	if l.Shared != nil {
		for _, set := range []struct {
			field string
			is    bool
		}{
			{"Internal", l.Internal},
			{"CertificateARNs", len(l.CertificateARNs) > 0},
			{"SSLPolicy", l.SSLPolicy != ""},
			{"AccessLogs", l.AccessLogs != nil},
		} {
			if set.is {
				problems = append(problems, fmt.Errorf("%s: is for a dedicated load balancer; Shared has its own: set it there, or leave Shared out", set.field))
			}
		}
	}
	if l.SSLPolicy != "" && len(l.CertificateARNs) == 0 && l.Shared == nil {
		problems = append(problems, errors.New("SSLPolicy: has no effect without CertificateARNs, because there is no HTTPS listener"))
	}
	for i, arn := range l.CertificateARNs {
		if !isToken(arn) && !strings.HasPrefix(arn, "arn:") {
			problems = append(problems, fmt.Errorf("CertificateARNs[%d]: %q is not an ARN; give that of a certificate in AWS Certificate Manager or IAM", i, arn))
		}
	}
	return errors.Join(problems...)
}

func (l LoadBalancer) settings(refs references) []option.Setting {
	const (
		environment  = "aws:elasticbeanstalk:environment"
		loadBalancer = "aws:elbv2:loadbalancer"
	)
	settings := []option.Setting{
		setting(environment, "LoadBalancerType", "application"),
		setting(environment, "LoadBalancerIsShared", l.Shared != nil),
		// Without it Elastic Beanstalk attaches a security group of its own to the load balancer.
		setting(loadBalancer, "SecurityGroups", refs.loadBalancerSecurityGroups),
	}
	if l.Shared != nil {
		return append(settings, setting(loadBalancer, "SharedLoadBalancer", refs.loadBalancer))
	}
	scheme := "public"
	if l.Internal {
		scheme = "internal"
	}
	settings = append(settings,
		setting("aws:ec2:vpc", "ELBScheme", scheme),
		setting("aws:ec2:vpc", "ELBSubnets", refs.loadBalancerSubnets),
		setting(loadBalancer, "ManagedSecurityGroup", refs.loadBalancerSecurityGroups),
		setting(loadBalancer, "AccessLogsS3Enabled", true),
		setting(loadBalancer, "AccessLogsS3Bucket", refs.accessLogsBucket),
		setting("aws:elbv2:listener:default", "ListenerEnabled", true),
	)
	const https = "aws:elbv2:listener:443"
	settings = append(settings, setting(https, "ListenerEnabled", len(l.CertificateARNs) > 0))
	if len(l.CertificateARNs) > 0 {
		settings = append(settings,
			setting(https, "Protocol", "HTTPS"),
			setting(https, "SSLCertificateArns", strings.Join(l.CertificateARNs, ",")),
			setting(https, "SSLPolicy", cmp.Or(l.SSLPolicy, DefaultSSLPolicy)),
		)
	}
	return settings
}

// listeners are the listeners that the load balancer has so far, as resources: the listeners as constructs hold the rules
// too, which come after the environment.
func listeners(lb awselasticloadbalancingv2.IApplicationLoadBalancer) []constructs.IDependable {
	var found []constructs.IDependable
	own, ok := lb.(awselasticloadbalancingv2.ApplicationLoadBalancer)
	if !ok {
		return nil // imported: its listeners are there
	}
	for _, listener := range *own.Listeners() {
		found = append(found, listener.Node().DefaultChild())
	}
	return found
}

// newLoadBalancerSecurityGroup makes the security group of a dedicated load balancer: open to clients on its listeners'
// ports, and itself able to reach nothing but the instances.
func (e *Environment) newLoadBalancerSecurityGroup() awsec2.SecurityGroup {
	group := awsec2.NewSecurityGroup(e, jsii.String("LoadBalancerSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              e.props.Network.VPC,
		Description:      jsii.String("Load balancer of an Elastic Beanstalk environment"),
		AllowAllOutbound: jsii.Bool(false),
	})
	clients := awsec2.Peer_AnyIpv4()
	if e.props.LoadBalancer.Internal {
		clients = awsec2.Peer_Ipv4(e.props.Network.VPC.VpcCidrBlock())
	}
	group.AddIngressRule(clients, awsec2.Port_Tcp(jsii.Number(80)), jsii.String("HTTP from clients"), nil)
	if len(e.props.LoadBalancer.CertificateARNs) > 0 {
		group.AddIngressRule(clients, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("HTTPS from clients"), nil)
	}
	return group
}

// NewAccessLogsBucket makes a bucket that application load balancers of the account may write their access logs to, in
// every region, known or not at synthesis. It is kept when its stack is deleted.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
func NewAccessLogsBucket(scope constructs.Construct, id string) awss3.Bucket {
	bucket := awss3.NewBucket(scope, &id, &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		// The only encryption that load balancers can write.
		Encryption:    awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:    jsii.Bool(true),
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:         jsii.String("expire"),
			Expiration: awscdk.Duration_Days(jsii.Number(365)),
		}},
	})
	bucket.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("LoadBalancerAccessLogs"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("logdelivery.elasticloadbalancing.amazonaws.com"), nil)},
		Actions:    jsii.Strings("s3:PutObject"),
		Resources:  jsii.Strings(*bucket.ArnForObjects(jsii.String("*"))),
		Conditions: &map[string]interface{}{
			"StringEquals": map[string]interface{}{"aws:SourceAccount": awscdk.Stack_Of(scope).Account()},
		},
	}))
	return bucket
}
