package stacks

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
)

// NetworkConfig is a VPC with its load balancer, which environments share.
type NetworkConfig struct {
	// CIDR is the range of a new VPC, between /16 and /24; fixed once an environment in it exists. Default: "10.0.0.0/16".
	CIDR string `beanpole:"cidr"`
	// MaxAZs is the number of availability zones of a new VPC, 2 or 3. Default: 2.
	MaxAZs int `beanpole:"maxAzs"`
	// NATGateways is the number of NAT gateways of a new VPC, through which instances in private subnets reach the internet:
	// up to one a zone. With 0 there are no private subnets: the instances are in public ones and have public addresses,
	// which only the load balancer is let in to. From 0 one deployment leads to more, but to 0 it takes two, because the
	// network is deployed first: one with publicInstances beside the gateways, then one without them, or running instances
	// lose their way to the internet. Default: 1, for web servers with single instances alone 0.
	NATGateways *int `beanpole:"natGateways"`
	// PublicInstances puts the instances into the public subnets of a new VPC though it has NAT gateways: the step before
	// natGateways 0. Default: false, with natGateways 0 true.
	PublicInstances bool `beanpole:"publicInstances"`
	// VPC is a VPC that exists already. Nothing of it is looked up or changed. Whether there is one, and which, is fixed once an
	// environment in it exists. Default: a new one.
	VPC *VPCConfig `beanpole:"vpc"`

	LoadBalancer LoadBalancerConfig `beanpole:"loadBalancer"`
}

// VPCConfig is a VPC that exists.
type VPCConfig struct {
	// ID is that of the VPC, such as "vpc-0123456789abcdef0". Required.
	ID string `beanpole:"id"`
	// CIDR is the range that the load balancer may send to: that of the VPC. Required, but with loadBalancer.existing.
	CIDR string `beanpole:"cidr"`
	// PublicSubnetIDs are the subnets of an internet-facing load balancer, in two zones at least, and of the instances if
	// there are no private ones. Default: none.
	PublicSubnetIDs []string `beanpole:"publicSubnetIds"`
	// PrivateSubnetIDs are the subnets of the instances, and of an internal load balancer. They need a way to the internet,
	// or VPC endpoints. Default: none; the instances are in the public ones, with public addresses.
	PrivateSubnetIDs []string `beanpole:"privateSubnetIds"`
}

// LoadBalancerConfig is the load balancer of a network.
type LoadBalancerConfig struct {
	// Existing is a load balancer of your own in vpc. Its listeners, certificates and attributes stay yours; the
	// environments add rules. Whether there is one, and which, is fixed once an environment behind it exists. Default: a new
	// one, which the keys beside this one are for.
	Existing *ExistingLoadBalancerConfig `beanpole:"existing"`
	// Internal keeps the load balancer inside the VPC. It is fixed once that exists. Default: false.
	Internal bool `beanpole:"internal"`
	// ClientCIDRs are the ranges that clients come from. Default: everybody, or the VPC if it is internal.
	ClientCIDRs []string `beanpole:"clientCidrs"`
	// DualStack lets clients come by IPv6 too. A new VPC gets an IPv6 range when it is made, not later; the public subnets of
	// an existing one need to have theirs. Default: false.
	DualStack bool `beanpole:"dualStack"`
	// IdleTimeout is how long a connection may be silent, in seconds, 1 to 4000. Default: 60.
	IdleTimeout int `beanpole:"idleTimeout"`
	// SSLPolicy is the security policy of the HTTPS listener. Default: TLS 1.2 and 1.3, with post-quantum key exchange.
	SSLPolicy string `beanpole:"sslPolicy"`
	// DeletionProtection keeps the load balancer from being deleted, also by cdk destroy. Default: false.
	DeletionProtection bool `beanpole:"deletionProtection"`
	// AllowInvalidHeaders passes on headers whose names have other characters than letters, digits and hyphens, such as
	// an underscore. Default: false, they are dropped.
	AllowInvalidHeaders bool `beanpole:"allowInvalidHeaders"`
	// WebACLARN is the regional web ACL of AWS WAF in front of it. Default: none.
	WebACLARN string `beanpole:"webAclArn"`

	AccessLogs AccessLogsConfig `beanpole:"accessLogs"`
}

// AccessLogsConfig is what becomes of a load balancer's access logs.
type AccessLogsConfig struct {
	// Disabled writes no access logs. Default: false.
	Disabled bool `beanpole:"disabled"`
	// RetentionInDays is how long access logs are kept. Default: 365.
	RetentionInDays int `beanpole:"retentionInDays"`
}

// ExistingLoadBalancerConfig is an application load balancer that exists.
type ExistingLoadBalancerConfig struct {
	// ARN is that of the load balancer. Required.
	ARN string `beanpole:"arn"`
	// SecurityGroupIDs are its security groups, all of them: they are what the instances admit. They must let it reach the
	// instances on the ports of their processes. Required.
	SecurityGroupIDs []string `beanpole:"securityGroupIds"`
	// DNSName is its DNS name, the site's where an environment has no domains. Required.
	DNSName string `beanpole:"dnsName"`
	// CanonicalHostedZoneID is the zone of its DNS name, for alias records. Required where an environment has a hostedZone.
	CanonicalHostedZoneID string `beanpole:"canonicalHostedZoneId"`
	// HTTPListenerARN is its listener on port 80, which gets the rules of environments without domains, and, where there is
	// no HTTPS listener, of the others. Default: none.
	HTTPListenerARN string `beanpole:"httpListenerArn"`
	// HTTPSListenerARN is its listener on port 443, with certificates for the environments' domains. Default: none.
	HTTPSListenerARN string `beanpole:"httpsListenerArn"`
}

var (
	vpcID           = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetID        = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	securityGroupID = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
	loadBalancerARN = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):\d{12}:loadbalancer/(app/[A-Za-z0-9-]+/[0-9a-f]+)$`)
	listenerARN     = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):\d{12}:listener/(app/[A-Za-z0-9-]+/[0-9a-f]+)/[0-9a-f]+$`)
	zoneID          = regexp.MustCompile(`^Z[A-Z0-9]{4,31}$`)
)

const (
	vpcExample      = "vpc-0123456789abcdef0"
	subnetExample   = "subnet-0123456789abcdef0"
	groupExample    = "sg-0123456789abcdef0"
	balancerExample = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/0123456789abcdef"
)

// reporter takes what is wrong with a key.
type reporter func(key, format string, args ...any)

func (p reporter) in(key string) reporter {
	return func(inner, format string, args ...any) { p(key+"."+inner, format, args...) }
}

func (n NetworkConfig) zones() int { return cmp.Or(n.MaxAZs, defaultMaxAZs) }

func (n NetworkConfig) natGateways() int {
	if n.NATGateways == nil {
		return 1
	}
	return *n.NATGateways
}

// publicInstances says whether the instances are in public subnets.
func (n NetworkConfig) publicInstances() bool {
	if n.VPC != nil {
		return len(n.VPC.PrivateSubnetIDs) == 0
	}
	return n.PublicInstances || n.natGateways() == 0
}

// members are the names of the environments in a network, in the order of their rule priorities.
func (c Config) members(name string) []string {
	var members []string
	for _, id := range slices.Sorted(maps.Keys(c.Environments)) {
		if c.Environments[id].network(id) == name {
			members = append(members, id)
		}
	}
	slices.SortStableFunc(members, func(a, b string) int {
		return c.Environments[a].rulePriority() - c.Environments[b].rulePriority()
	})
	return members
}

// network is the configuration of a network, with what its environments make of its defaults.
func (c Config) network(name string) NetworkConfig {
	n := c.Networks[name]
	if n.VPC == nil && n.NATGateways == nil && !slices.ContainsFunc(c.members(name), func(id string) bool {
		e := c.Environments[id]
		return e.worker() || !e.single()
	}) {
		n.NATGateways = new(int) // nobody would use one
	}
	return n
}

// balanced says whether an environment in a network has a load balancer.
func (c Config) balanced(name string) bool {
	return slices.ContainsFunc(c.members(name), func(id string) bool { return c.Environments[id].balanced() })
}

// makes says whether something in a network is new.
func (c Config) makes(name string) bool {
	n := c.Networks[name]
	return n.VPC == nil || n.LoadBalancer.Existing == nil && c.balanced(name)
}

// validate reports what is wrong with the network. Its members are the environments in it.
func (n NetworkConfig) validate(problem reporter, members []EnvironmentConfig) {
	if n.VPC == nil {
		if n.CIDR != "" {
			if err := vpcRange(n.CIDR); err != nil {
				problem("cidr", "%w", err)
			}
		}
		if n.MaxAZs != 0 && (n.MaxAZs < 2 || n.MaxAZs > mostAZs) {
			problem("maxAzs", "%d is not allowed; a load balancer needs 2 zones, and not every region has more than %d", n.MaxAZs, mostAZs)
		}
		if g := n.natGateways(); g < 0 || g > n.zones() {
			problem("natGateways", "%d is not allowed; give up to one a zone, %d, or 0 for instances with public addresses", g, n.zones())
		}
	} else {
		for _, new := range []struct {
			key string
			is  bool
		}{{"cidr", n.CIDR != ""}, {"maxAzs", n.MaxAZs != 0}, {"natGateways", n.NATGateways != nil}, {"publicInstances", n.PublicInstances}} {
			if new.is {
				problem(new.key, "is for a new VPC, and vpc is one that exists; remove one of the two")
			}
		}
		n.VPC.validate(problem.in("vpc"), n.LoadBalancer, members)
	}
	if !slices.ContainsFunc(members, EnvironmentConfig.balanced) {
		if len(members) > 0 && !reflect.ValueOf(n.LoadBalancer).IsZero() {
			problem("loadBalancer", "has no effect: no environment in this network has a load balancer; remove it")
		}
		return
	}
	if n.LoadBalancer.Existing == nil {
		n.LoadBalancer.validate(problem.in("loadBalancer"), members)
		return
	}
	if n.VPC == nil {
		problem("vpc", "is missing: a load balancer that exists is in a VPC that exists; give its id and subnets")
	}
	for i := range reflect.TypeFor[LoadBalancerConfig]().NumField() {
		field := reflect.TypeFor[LoadBalancerConfig]().Field(i)
		if field.Name != "Existing" && !reflect.ValueOf(n.LoadBalancer).Field(i).IsZero() {
			problem("loadBalancer."+field.Tag.Get("beanpole"), "is for a new load balancer, and existing has its own; set it there, and remove it here")
		}
	}
	n.LoadBalancer.Existing.validate(problem.in("loadBalancer.existing"), members)
}

func vpcRange(cidr string) error {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() || prefix.Bits() < 16 || prefix.Bits() > 24 {
		return fmt.Errorf("%q is not the range of a VPC; write it as in \"10.0.0.0/16\", between /16 and /24", cidr)
	}
	return nil
}

func (v VPCConfig) validate(problem reporter, balancer LoadBalancerConfig, members []EnvironmentConfig) {
	makesBalancer := balancer.Existing == nil && slices.ContainsFunc(members, EnvironmentConfig.balanced)
	if !vpcID.MatchString(v.ID) {
		problem("id", "%q is not the id of a VPC; write it as in %q", v.ID, vpcExample)
	}
	switch prefix, err := netip.ParsePrefix(v.CIDR); {
	case v.CIDR == "" && makesBalancer:
		problem("cidr", "is missing; give the range of the VPC: it is what the load balancer may send to")
	case v.CIDR != "" && (err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked()):
		problem("cidr", "%q is not the range of a VPC; write it as in \"10.0.0.0/16\"", v.CIDR)
	}
	ids(problem, "publicSubnetIds", v.PublicSubnetIDs, subnetID, "a subnet", subnetExample)
	ids(problem, "privateSubnetIds", v.PrivateSubnetIDs, subnetID, "a subnet", subnetExample)
	for i, id := range v.PrivateSubnetIDs {
		if slices.Contains(v.PublicSubnetIDs, id) {
			problem(fmt.Sprintf("privateSubnetIds[%d]", i), "%q is in publicSubnetIds too; a subnet is one or the other", id)
		}
	}
	const twoZones = "%d subnets; a load balancer needs 2, in different zones"
	if len(v.PublicSubnetIDs) == 0 && slices.ContainsFunc(members, func(e EnvironmentConfig) bool { return e.single() && !e.worker() }) {
		problem("publicSubnetIds", "no subnets; a single instance, which clients reach itself, is in a public one")
	}
	switch {
	case !makesBalancer:
		if len(v.PublicSubnetIDs)+len(v.PrivateSubnetIDs) == 0 {
			problem("privateSubnetIds", "no subnets; give those of the instances, here or in publicSubnetIds")
		}
	case !balancer.Internal && len(v.PublicSubnetIDs) < 2:
		problem("publicSubnetIds", twoZones, len(v.PublicSubnetIDs))
	case balancer.Internal && len(v.PrivateSubnetIDs) < 2:
		problem("privateSubnetIds", twoZones, len(v.PrivateSubnetIDs))
	}
}

// ids checks a list of ids.
func ids(problem reporter, key string, values []string, pattern *regexp.Regexp, what, example string) {
	for i, id := range values {
		at := fmt.Sprintf("%s[%d]", key, i)
		if !pattern.MatchString(id) {
			problem(at, "%q is not the id of %s; write it as in %q", id, what, example)
		}
		if slices.Contains(values[:i], id) {
			problem(at, "%q is there twice: remove one", id)
		}
	}
}

func (l LoadBalancerConfig) validate(problem reporter, members []EnvironmentConfig) {
	for i, cidr := range l.ClientCIDRs {
		at := fmt.Sprintf("clientCidrs[%d]", i)
		prefix, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || prefix != prefix.Masked():
			problem(at, "%q is not a range of addresses; write it as in \"203.0.113.0/24\"", cidr)
		case prefix.Addr().Is6() && !l.DualStack:
			problem(at, "%q is a range of IPv6, by which clients come only with dualStack", cidr)
		}
		if slices.Contains(l.ClientCIDRs[:i], cidr) {
			problem(at, "%q is there twice: remove one", cidr)
		}
	}
	if l.IdleTimeout < 0 || l.IdleTimeout > 4000 {
		problem("idleTimeout", "%d is not allowed; give 1 to 4000 seconds", l.IdleTimeout)
	}
	if l.SSLPolicy != "" {
		if !strings.HasPrefix(l.SSLPolicy, "ELBSecurityPolicy-") {
			problem("sslPolicy", "%q is not a security policy; their names begin with ELBSecurityPolicy-, as in \"ELBSecurityPolicy-TLS13-1-3-2021-06\"", l.SSLPolicy)
		}
		if !slices.ContainsFunc(members, func(e EnvironmentConfig) bool { return e.certified() }) {
			problem("sslPolicy", "has no effect: no environment in this network has a certificate, so there is no HTTPS listener; remove it")
		}
	}
	if l.WebACLARN != "" {
		if region, ok := elasticbeanstalk.WebACLRegion(l.WebACLARN); !ok {
			problem("webAclArn", "%q is not the ARN of a web ACL for load balancers, which is regional; write it as in %q",
				l.WebACLARN, "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/01234567-89ab-cdef-0123-456789abcdef")
		} else {
			inRegion(problem, "webAclArn", region, members)
		}
	}
	switch days := l.AccessLogs.RetentionInDays; {
	case days < 0:
		problem("accessLogs.retentionInDays", "%d is not a number of days", days)
	case days != 0 && l.AccessLogs.Disabled:
		problem("accessLogs.retentionInDays", "has no effect, because accessLogs.disabled writes none; remove one of the two")
	}
}

// inRegion checks that what is named is in the region of the network, as far as that is known.
func inRegion(problem reporter, key, region string, members []EnvironmentConfig) {
	for _, e := range members {
		if e.Region != "" && e.Region != region {
			problem(key, "is in %s, but the network in %s", region, e.Region)
			return
		}
	}
}

func (x ExistingLoadBalancerConfig) validate(problem reporter, members []EnvironmentConfig) {
	balancer := loadBalancerARN.FindStringSubmatch(x.ARN)
	if balancer == nil {
		problem("arn", "%q is not the ARN of an application load balancer; write it as in %q", x.ARN, balancerExample)
	} else {
		inRegion(problem, "arn", balancer[1], members)
		if strings.HasPrefix(balancer[2], "app/awseb-") {
			problem("arn", "%q is a load balancer that Elastic Beanstalk has made for one environment, which it shares with no other; give one of your own", x.ARN)
		}
	}
	if len(x.SecurityGroupIDs) == 0 {
		problem("securityGroupIds", "are missing; give all security groups of the load balancer: without them the instances cannot admit it")
	}
	ids(problem, "securityGroupIds", x.SecurityGroupIDs, securityGroupID, "a security group", groupExample)
	if !domainName.MatchString(strings.ToLower(x.DNSName)) {
		problem("dnsName", "%q is not a DNS name; give that of the load balancer, as in \"shop-1234567890.eu-central-1.elb.amazonaws.com\"", x.DNSName)
	}
	if x.CanonicalHostedZoneID != "" && !zoneID.MatchString(x.CanonicalHostedZoneID) {
		problem("canonicalHostedZoneId", "%q is not the id of a hosted zone; write it as in \"Z215JYRZR1TBD5\"", x.CanonicalHostedZoneID)
	}
	for _, listener := range []struct{ key, arn string }{{"httpListenerArn", x.HTTPListenerARN}, {"httpsListenerArn", x.HTTPSListenerARN}} {
		match := listenerARN.FindStringSubmatch(listener.arn)
		switch {
		case listener.arn == "":
		case match == nil:
			problem(listener.key, "%q is not the ARN of a listener of an application load balancer", listener.arn)
		case balancer != nil && match[2] != balancer[2]:
			problem(listener.key, "is a listener of %s, not of %s", match[2], balancer[2])
		}
	}
	if x.HTTPListenerARN != "" && x.HTTPListenerARN == x.HTTPSListenerARN {
		problem("httpsListenerArn", "is the listener of httpListenerArn too; give that on port 443")
	}
	if x.HTTPListenerARN == "" && x.HTTPSListenerARN == "" {
		problem("httpListenerArn", "is missing, and so is httpsListenerArn; give the listener that the rules of the environments go to")
	}
	for _, e := range members {
		if e.balanced() && e.HostedZone != nil && x.CanonicalHostedZoneID == "" {
			problem("canonicalHostedZoneId", "is missing; the records of domains in a hostedZone need it")
			break
		}
	}
	for _, e := range members {
		if e.balanced() && len(e.Domains) == 0 && x.HTTPListenerARN == "" && x.HTTPSListenerARN != "" {
			problem("httpListenerArn", "is missing; an environment without domains is reached by HTTP")
			break
		}
	}
}
