package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/customresources"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// loadBalancer is the namespace of the load balancer itself.
const loadBalancer = "aws:elbv2:loadbalancer"

// loadBalancerLogicalID is a dedicated load balancer in the stack that Elastic Beanstalk keeps for an environment.
const loadBalancerLogicalID = "AWSEBV2LoadBalancer"

// DefaultSSLPolicy is the security policy of an HTTPS listener that names none: TLS 1.2 and 1.3.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
const DefaultSSLPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

// LoadBalancer is the application load balancer in front of the environment: one of your own that Elastic Beanstalk joins
// (Shared), or a dedicated one that Elastic Beanstalk makes. The choice cannot be changed once the environment exists.
//
// All fields but Shared are for a dedicated load balancer. What they are of a shared one, its owner says where it is made:
// its scheme, subnets, security groups and addresses, its listeners with their certificates, policies, redirects and rules,
// its access logs, idle timeout and other attributes, and its web ACL. Elastic Beanstalk adds to it the target groups, and
// one rule for the environment's CNAME on the listener on port 80. Requests go to instances in all zones on either:
// application load balancers always balance across zones.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb-shared.html
type LoadBalancer struct {
	// Shared is a load balancer in the environment's VPC with at least one listener. Elastic Beanstalk makes the target
	// groups; the traffic is yours to direct, with rules that forward to [Environment.TargetGroup], and can be changed at
	// any time. Its security groups must be known, because they are what instances admit. In the same stack they let the
	// requests and health checks out to the instances too; those of another stack have to let them out themselves, to the
	// ports of the processes, which the CDK's default group of a load balancer does not. A warning
	// ("beanpole:load-balancer-egress") says so where it can be known.
	// Default: a dedicated load balancer, for which the fields below are.
	Shared awselasticloadbalancingv2.IApplicationLoadBalancer

	// Internal keeps the load balancer inside the VPC. Default: internet-facing. A change makes another load balancer, with
	// another DNS name, and fails while DeletionProtection is on.
	Internal bool
	// IPAddressType says by which addresses clients reach the load balancer. Default: [IPv4]. [DualStack] needs subnets with
	// IPv6 ranges; an internal one lets clients in by IPv4, and by IPv6 whoever [Environment.LoadBalancer] is connected to.
	//
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#ip-address-type
	IPAddressType IPAddressType
	// SecurityGroups replace the group of the load balancer that the environment makes otherwise. They must let clients in,
	// and the load balancer out to the instances on the ports of the processes. Default: one that admits clients on the
	// ports of the listeners and lets out to the instances alone.
	SecurityGroups []awsec2.ISecurityGroup

	// CertificateARNs are the certificates of the HTTPS listener on port 443, the first being the default one.
	// Default: no HTTPS listener.
	CertificateARNs []string
	// SSLPolicy is the security policy of the HTTPS listener. Default: [DefaultSSLPolicy].
	SSLPolicy string
	// AllowHTTP lets clients reach the processes over HTTP too where there is an HTTPS listener. Default: with
	// CertificateARNs, the listener on port 80 redirects to HTTPS.
	//
	// No option setting carries a redirect: the environment adds a file to .ebextensions in the source bundle, which
	// overrides the listener, so that it comes and goes with an application version. With an immutable deployment policy,
	// Elastic Beanstalk refuses a version that brings the redirect to an environment that exists: deploy it with another one.
	AllowHTTP bool
	// DisableHTTPListener closes port 80. Needs CertificateARNs or Listeners. Default: there is a listener on port 80.
	DisableHTTPListener bool
	// Listeners are further listeners by their ports, which are neither 80 nor 443. Default: none.
	Listeners map[int]Listener
	// Rules send requests to other processes than the default one, by the rule's name. They can be changed at any time;
	// to remove the last one give an empty map instead of nil, because an option that is not written keeps its value.
	// Default: none.
	Rules map[string]ListenerRule

	// IdleTimeout is how long a connection may be silent, in whole seconds from 1 second to 1 hour. Default: 60 seconds.
	IdleTimeout time.Duration
	// DropInvalidHeaderFields removes header fields whose names are not letters, digits and hyphens before a request is
	// forwarded. Elastic Beanstalk has no option for it: a custom resource sets it, with a function and a role that an
	// environment without look-ups has no need of, so it has to be asked for. Default: they travel.
	DropInvalidHeaderFields bool
	// DeletionProtection keeps the load balancer from being deleted otherwise than by the stack, such as with the
	// environment in the console. A custom resource sets it at deployment, and takes it away before the stack deletes or
	// replaces the environment; what keeps a stack from being deleted is its termination protection. Default: none.
	DeletionProtection bool
	// WebACLARN is the web ACL of AWS WAF that guards the load balancer, of the regional scope. Default: none.
	//
	// https://docs.aws.amazon.com/waf/latest/developerguide/web-acl.html
	WebACLARN string

	// AccessLogs is the bucket of the access logs; see [NewAccessLogsBucket]. Load balancers cannot write to one that AWS KMS
	// encrypts. One of the app is opened to the load balancers of the account; of an imported one a warning
	// ("beanpole:access-logs") says that its policy has to do that. Default: one is made, and kept when the environment goes.
	AccessLogs awss3.IBucket
	// AccessLogsPrefix begins the names of the access logs in the bucket, without a slash at either end. Once given, it can be
	// changed but not taken away. Default: none.
	AccessLogsPrefix string
	// DisableAccessLogs writes no access logs, and makes no bucket. Default: they are written.
	DisableAccessLogs bool
}

// IPAddressType says by which addresses clients reach a load balancer.
type IPAddressType string

// The address types.
const (
	IPv4      IPAddressType = "ipv4"
	DualStack IPAddressType = "dualstack"
)

// redirects says whether the listener on port 80 sends clients to HTTPS.
func (l LoadBalancer) redirects() bool {
	return l.Shared == nil && len(l.CertificateARNs) > 0 && !l.AllowHTTP && !l.DisableHTTPListener
}

func (l LoadBalancer) validate(processes map[string]Process) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if l.Shared != nil {
		fields := reflect.ValueOf(l)
		for i := range fields.NumField() {
			if name := fields.Type().Field(i).Name; name != "Shared" && !fields.Field(i).IsZero() {
				add("%s: is for a dedicated load balancer; Shared has its own: set it there, or leave Shared out", name)
			}
		}
		return errors.Join(problems...)
	}
	problems = append(problems, nils("SecurityGroups", "security group", l.SecurityGroups)...)
	secure := len(l.CertificateARNs) > 0
	switch l.IPAddressType {
	case "", IPv4, DualStack:
	default:
		add("IPAddressType: %q is not allowed; give %q or %q", l.IPAddressType, IPv4, DualStack)
	}
	if l.SSLPolicy != "" && !secure {
		add("SSLPolicy: has no effect without CertificateARNs, because there is no HTTPS listener")
	}
	problems = append(problems, certificateProblems("CertificateARNs", l.CertificateARNs)...)
	switch {
	case l.AllowHTTP && !secure:
		add("AllowHTTP: has no effect without CertificateARNs, because there is no HTTPS listener to redirect to: remove it")
	case l.AllowHTTP && l.DisableHTTPListener:
		add("AllowHTTP: has no effect with DisableHTTPListener: remove one of the two")
	}
	if l.DisableHTTPListener && len(l.ports()) == 0 {
		add("DisableHTTPListener: leaves no listener; give CertificateARNs for one on port 443, or Listeners")
	}
	for _, port := range slices.Sorted(maps.Keys(l.Listeners)) {
		for _, err := range flatten(l.Listeners[port].validate(port, processes)) {
			add("Listeners[%d]: %w", port, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Rules)) {
		for _, err := range flatten(l.Rules[name].validate(name, l, processes)) {
			add("Rules[%q]: %w", name, err)
		}
	}
	if d := l.IdleTimeout; d%time.Second != 0 || d < 0 || d > time.Hour {
		add("IdleTimeout: %v is not allowed; give whole seconds, from 1s to 1h", d)
	}
	if arn := l.WebACLARN; arn != "" && !isToken(arn) {
		if _, ok := WebACLRegion(arn); !ok {
			add("WebACLARN: %q is not the ARN of a regional web ACL of AWS WAF (arn:…:wafv2:…:regional/webacl/…)", arn)
		}
	}
	if l.DisableAccessLogs && l.AccessLogs != nil {
		add("AccessLogs: has no effect with DisableAccessLogs: remove one of the two")
	}
	if l.DisableAccessLogs && l.AccessLogsPrefix != "" {
		add("AccessLogsPrefix: has no effect with DisableAccessLogs: remove one of the two")
	}
	if p := l.AccessLogsPrefix; strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.Contains(p, "AWSLogs") {
		add("AccessLogsPrefix: %q is not allowed: no slash at either end, and no AWSLogs, which the load balancer adds", p)
	}
	return errors.Join(problems...)
}

var webACLARN = regexp.MustCompile(`^arn:aws[a-z-]*:wafv2:([a-z0-9-]+):\d{12}:regional/webacl/[^/]+/[0-9a-f-]+$`)

// WebACLRegion is the region of a web ACL of AWS WAF that can guard a load balancer, by its ARN; false if it is not the ARN
// of one.
func WebACLRegion(arn string) (string, bool) {
	match := webACLARN.FindStringSubmatch(arn)
	if match == nil {
		return "", false
	}
	return match[1], true
}

func certificateProblems(field string, arns []string) []error {
	var problems []error
	for i, arn := range arns {
		if !isToken(arn) && !strings.HasPrefix(arn, "arn:") {
			problems = append(problems, fmt.Errorf("%s[%d]: %q is not an ARN; give that of a certificate in AWS Certificate Manager or IAM", field, i, arn))
		}
		if first := slices.Index(arns, arn); first < i {
			problems = append(problems, fmt.Errorf("%s[%d]: has no effect: it is that of %s[%d] again: remove it", field, i, field, first))
		}
	}
	return problems
}

func (l LoadBalancer) settings(refs references) []option.Setting {
	const environment = "aws:elasticbeanstalk:environment"
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
	managed, _, _ := strings.Cut(refs.loadBalancerSecurityGroups, ",")
	settings = append(settings,
		setting("aws:ec2:vpc", "ELBScheme", scheme),
		setting("aws:ec2:vpc", "ELBSubnets", refs.loadBalancerSubnets),
		setting(loadBalancer, "ManagedSecurityGroup", managed),
		setting(loadBalancer, "IpAddressType", string(cmp.Or(l.IPAddressType, IPv4))),
		setting(loadBalancer, "IdleTimeout", int(cmp.Or(l.IdleTimeout, time.Minute)/time.Second)),
		setting(loadBalancer, "AccessLogsS3Enabled", !l.DisableAccessLogs),
	)
	if !l.DisableAccessLogs {
		settings = append(settings, setting(loadBalancer, "AccessLogsS3Bucket", refs.accessLogsBucket))
	}
	if l.AccessLogsPrefix != "" {
		settings = append(settings, setting(loadBalancer, "AccessLogsS3Prefix", l.AccessLogsPrefix))
	}
	return append(settings, l.listenerSettings()...)
}

// listeners are the listeners that a load balancer has so far, as resources: the listeners as constructs hold the rules too,
// which come after the environment. So may further listeners, such as one that forwards to the target group by default, for
// which the environment cannot wait. Those of an imported load balancer are not known.
func listeners(lb awselasticloadbalancingv2.IApplicationLoadBalancer) (found []constructs.IDependable, known bool) {
	if _, own := lb.(awselasticloadbalancingv2.ApplicationLoadBalancer); !own {
		return nil, false
	}
	// A listener that was not made by the load balancer's AddListener is not among its Listeners.
	for _, construct := range *lb.Node().Root().Node().FindAll(constructs.ConstructOrder_PREORDER) {
		if listener, ok := construct.(awselasticloadbalancingv2.CfnListener); ok && *listener.LoadBalancerArn() == *lb.LoadBalancerArn() {
			found = append(found, listener)
		}
	}
	return found, true
}

// LoadBalancer is the load balancer of the environment, for alias records, alarms and whatever else takes one:
//
//	awsroute53.NewARecord(stack, jsii.String("Record"), &awsroute53.ARecordProps{
//		Zone:   zone,
//		Target: awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(env.LoadBalancer(), nil)),
//	})
//
// A shared one is the one that was given. Of a dedicated one the ARN, the DNS name and its hosted zone are known only at
// deployment, where custom resources ask for them. The first call adds these resources.
//
// It panics for an environment that has no load balancer.
func (e *Environment) LoadBalancer() awselasticloadbalancingv2.IApplicationLoadBalancer {
	if shared := e.props.LoadBalancer.Shared; shared != nil {
		return shared
	}
	if k := e.props.kind(); !k.balanced() {
		panic(fmt.Errorf("%s: LoadBalancer: %s has no load balancer", *e.Node().Path(), k))
	}
	if e.loadBalancer == nil {
		const name, zone = "LoadBalancers.0.DNSName", "LoadBalancers.0.CanonicalHostedZoneId"
		arn := e.loadBalancerARN()
		found := e.lookUp("LoadBalancerDNSName", &customresources.AwsSdkCall{
			Service:            jsii.String("ElasticLoadBalancingV2"),
			Action:             jsii.String("describeLoadBalancers"),
			Parameters:         map[string]any{"LoadBalancerArns": []any{arn}},
			PhysicalResourceId: customresources.PhysicalResourceId_Of(arn),
			OutputPaths:        jsii.Strings(name, zone),
		}, "elasticloadbalancing:DescribeLoadBalancers", "*") // the action knows no narrower resource
		e.loadBalancer = awselasticloadbalancingv2.ApplicationLoadBalancer_FromApplicationLoadBalancerAttributes(e, jsii.String("LoadBalancer"),
			&awselasticloadbalancingv2.ApplicationLoadBalancerAttributes{
				LoadBalancerArn:                   arn,
				LoadBalancerDnsName:               found.GetResponseField(jsii.String(name)),
				LoadBalancerCanonicalHostedZoneId: found.GetResponseField(jsii.String(zone)),
				SecurityGroupId:                   e.loadBalancerGroups[0].SecurityGroupId(),
				SecurityGroupAllowsAllOutbound:    jsii.Bool(false),
				Vpc:                               e.props.Network.VPC,
			})
		for _, further := range e.loadBalancerGroups[1:] {
			e.loadBalancer.Connections().AddSecurityGroup(further)
		}
	}
	return e.loadBalancer
}

func (e *Environment) loadBalancerARN() *string {
	if shared := e.props.LoadBalancer.Shared; shared != nil {
		return shared.LoadBalancerArn()
	}
	if e.loadBalancerLookUp == nil {
		scheme := "public"
		if e.props.LoadBalancer.Internal {
			scheme = "internal" // its change makes another load balancer
		}
		e.loadBalancerLookUp = e.stackResource("LoadBalancerARN", loadBalancerLogicalID, scheme)
	}
	return e.loadBalancerLookUp
}

// configureLoadBalancer gives a dedicated load balancer what Elastic Beanstalk has no option for. Each call changes the
// attributes that it names and leaves those that Elastic Beanstalk sets alone, which an override of the load balancer in the
// source bundle would not: it replaces the whole list.
func (e *Environment) configureLoadBalancer() {
	lb := e.props.LoadBalancer
	if lb.IPAddressType == DualStack {
		e.Node().AddValidation(&dualStackSubnets{e})
	}
	if lb.WebACLARN != "" {
		awswafv2.NewCfnWebACLAssociation(e, jsii.String("WebACLAssociation"), &awswafv2.CfnWebACLAssociationProps{
			ResourceArn: e.loadBalancerARN(),
			WebAclArn:   jsii.String(lb.WebACLARN),
		})
	}
	if !lb.DropInvalidHeaderFields && !lb.DeletionProtection {
		return
	}
	arn := e.loadBalancerARN()
	modify := func(drop, protect bool) *customresources.AwsSdkCall {
		return &customresources.AwsSdkCall{
			Service: jsii.String("ElasticLoadBalancingV2"),
			Action:  jsii.String("modifyLoadBalancerAttributes"),
			Parameters: map[string]any{"LoadBalancerArn": arn, "Attributes": []any{
				map[string]any{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": fmt.Sprint(drop)},
				map[string]any{"Key": "deletion_protection.enabled", "Value": fmt.Sprint(protect)},
			}},
			PhysicalResourceId: customresources.PhysicalResourceId_Of(arn),
			OutputPaths:        jsii.Strings(), // nothing of the answer is needed
		}
	}
	remove := modify(false, false)
	remove.IgnoreErrorCodesMatching = jsii.String("LoadBalancerNotFound")
	e.newCall("LoadBalancerAttributes", &customresources.AwsCustomResourceProps{
		OnUpdate: modify(lb.DropInvalidHeaderFields, lb.DeletionProtection), // on creation too
		OnDelete: remove,
		Policy: customresources.AwsCustomResourcePolicy_FromStatements(&[]awsiam.PolicyStatement{
			// Of whichever environment: when this one is replaced, the protection of the old one's load balancer must go too.
			allow("", []string{"elasticloadbalancing:ModifyLoadBalancerAttributes"}, *awscdk.Stack_Of(e).FormatArn(&awscdk.ArnComponents{
				Service:      jsii.String("elasticloadbalancing"),
				Resource:     jsii.String("loadbalancer"),
				ResourceName: jsii.String("app/awseb-*"),
			})),
		}),
	})
}

// dualStackSubnets checks, when nothing can be changed any more, that the subnets of a dual-stack load balancer have IPv6
// ranges. Of subnets that the app does not make, only the deployment knows.
type dualStackSubnets struct{ environment *Environment }

// Validate is called by the CDK.
func (d *dualStackSubnets) Validate() *[]*string {
	var problems []*string
	for _, subnet := range *d.environment.loadBalancerSubnets().Subnets {
		if made, ok := subnet.Node().DefaultChild().(awsec2.CfnSubnet); ok && made.Ipv6CidrBlock() == nil && made.Ipv6NetmaskLength() == nil {
			problems = append(problems, jsii.Sprintf("LoadBalancer.IPAddressType: %s needs subnets with IPv6 ranges, and %s has none; give the VPC IpProtocol DUAL_STACK",
				DualStack, *subnet.Node().Path()))
		}
	}
	return &problems
}

// newLoadBalancerSecurityGroup makes the security group of a dedicated load balancer: open to clients on its listeners'
// ports, and itself able to reach nothing but the instances.
func (e *Environment) newLoadBalancerSecurityGroup() awsec2.SecurityGroup {
	group := awsec2.NewSecurityGroup(e, jsii.String("LoadBalancerSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              e.props.Network.VPC,
		Description:      jsii.String("Load balancer of an Elastic Beanstalk environment"),
		AllowAllOutbound: jsii.Bool(false),
	})
	lb := e.props.LoadBalancer
	clients := []awsec2.IPeer{awsec2.Peer_AnyIpv4()}
	switch {
	case lb.Internal:
		clients[0] = awsec2.Peer_Ipv4(e.props.Network.VPC.VpcCidrBlock())
	case lb.IPAddressType == DualStack:
		clients = append(clients, awsec2.Peer_AnyIpv6())
	}
	for _, client := range clients {
		for _, port := range lb.ports() {
			group.AddIngressRule(client, awsec2.Port_Tcp(jsii.Number(float64(port))), jsii.String(lb.protocol(port)+" from clients"), nil)
		}
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
	allowAccessLogs(bucket, scope)
	return bucket
}

// allowAccessLogs lets load balancers of the account of scope write to the bucket, and says whether that can be had: the
// policy of an imported bucket is somebody else's.
func allowAccessLogs(bucket awss3.IBucket, scope constructs.Construct) bool {
	return *bucket.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("LoadBalancerAccessLogs"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("logdelivery.elasticloadbalancing.amazonaws.com"), nil)},
		Actions:    jsii.Strings("s3:PutObject"),
		Resources:  jsii.Strings(*bucket.ArnForObjects(jsii.String("*"))),
		Conditions: &map[string]interface{}{
			"StringEquals": map[string]interface{}{"aws:SourceAccount": awscdk.Stack_Of(scope).Account()},
		},
	})).StatementAdded
}
