package stacks_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

const (
	subnet1, subnet2, subnet3 = "subnet-0000000000000000a", "subnet-0000000000000000b", "subnet-0000000000000000c"

	// vpc is a VPC that exists, in JSON, without its range.
	vpc = `"id": "vpc-0123456789abcdef0", "publicSubnetIds": ["` + subnet1 + `", "` + subnet2 + `"]`

	listeners = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/main/0123456789abcdef"
	balancer  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/main/0123456789abcdef"
	dnsName   = "main-1.eu-central-1.elb.amazonaws.com"

	// existing is a load balancer that exists, in JSON, without its listeners.
	existing = `"arn": "` + balancer + `", "dnsName": "` + dnsName + `", "securityGroupIds": ["sg-0000000000000000a", "sg-0000000000000000b"]`
)

func TestWithoutANATGatewayInstancesHavePublicAddresses(t *testing.T) {
	all := templates(t, `{"production": {}}, "networks": {"production": {"natGateways": 0}}`)
	network, web := all["shop-production-network"], all["shop-production-web"]
	for kind, want := range map[string]int{"AWS::EC2::NatGateway": 0, "AWS::EC2::Subnet": 2, "AWS::EC2::EIP": 0} {
		if n := len(network.OfType(kind)); n != want {
			t.Errorf("%d of %s, want %d", n, kind, want)
		}
	}
	options := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()
	for key, want := range map[string]string{
		"aws:ec2:vpc Subnets":                  "${shop-production-network/VPC/PublicSubnet1/Subnet},${shop-production-network/VPC/PublicSubnet2/Subnet}",
		"aws:ec2:vpc AssociatePublicIpAddress": "true",
	} {
		if options[key] != want {
			t.Errorf("%s is %q, want %q", key, options[key], want)
		}
	}
	// A public address is no way in: the instances' group admits the load balancer alone, on one port.
	requireProperties(t, web.One(t, "AWS::EC2::SecurityGroup"), map[string]string{
		"SecurityGroupIngress": `[{"Description":"Requests and health checks of the load balancer","FromPort":80,"IpProtocol":"tcp","SourceSecurityGroupId":"${shop-production-network/LoadBalancerSecurityGroup.GroupId}","ToPort":80}]`,
	})
}

// A NAT gateway is added to a network without one, and taken from it, while the subnets of the load balancer stay.
func TestANATGatewayKeepsThePublicSubnets(t *testing.T) {
	subnets := func(gateways string) map[string]string {
		found := map[string]string{}
		for path, r := range templates(t, `{"production": {}}, "networks": {"production": {"natGateways": `+gateways+`}}`)["shop-production-network"].Resources {
			if r.Type == "AWS::EC2::Subnet" {
				found[path] = r.Property("CidrBlock")
			}
		}
		return found
	}
	none, one := subnets("0"), subnets("1")
	if len(none) != 2 || len(one) != 4 {
		t.Fatalf("%d and %d subnets, want 2 and 4", len(none), len(one))
	}
	for path, block := range none {
		if one[path] != block {
			t.Errorf("%s is %s without a gateway and %s with one", path, block, one[path])
		}
	}
}

// The network is deployed before its environments, so from a NAT gateway to none it takes two deployments: the first one
// moves the instances and takes nothing from the network, the second one takes what they have left and touches no instance.
func TestNATGatewaysGoInTwoSteps(t *testing.T) {
	type stacks = map[string]*templatetest.Template
	with := func(keys string) stacks {
		return templates(t, `{"production": {}}, "networks": {"production": {`+keys+`, "loadBalancer": {"internal": true}}}`)
	}
	before, moved, after := with(`"natGateways": 1`), with(`"natGateways": 1, "publicInstances": true`), with(`"natGateways": 0`)
	for path, r := range before["shop-production-network"].Resources {
		if moved["shop-production-network"].Resources[path] == nil {
			t.Errorf("the first step takes %s (%s) from running instances", path, r.Type)
		}
	}
	where := func(s stacks) string {
		options := s["shop-production-web"].One(t, "AWS::ElasticBeanstalk::Environment").Options()
		return options["aws:ec2:vpc Subnets"] + " " + options["aws:ec2:vpc AssociatePublicIpAddress"]
	}
	if where(moved) != where(after) || where(moved) == where(before) {
		t.Errorf("instances are in %s, then in %s, then in %s", where(before), where(moved), where(after))
	}
	// Nothing that stays uses what the second step takes.
	for path, r := range moved["shop-production-network"].Resources {
		if is := after["shop-production-network"].Resources[path]; is != nil && is.Property("Subnets") != r.Property("Subnets") {
			t.Errorf("%s moves with the second step from %s to %s", path, r.Property("Subnets"), is.Property("Subnets"))
		}
	}
	for _, kind := range []string{"AWS::EC2::NatGateway", "AWS::EC2::EIP"} {
		if n := len(after["shop-production-network"].OfType(kind)); n != 0 {
			t.Errorf("%d of %s remain", n, kind)
		}
	}
}

func TestEveryKeyOfTheLoadBalancerReachesTheTemplate(t *testing.T) {
	const acl = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/01234567-89ab-cdef-0123-456789abcdef"
	all := templates(t, `{"production": {"domains": ["www.example.com"], "hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}}},
		"networks": {"production": {"loadBalancer": {"clientCidrs": ["203.0.113.0/24", "2001:db8::/32"], "dualStack": true, "idleTimeout": 300, "sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06",
			"deletionProtection": true, "allowInvalidHeaders": true, "webAclArn": "`+acl+`", "accessLogs": {"retentionInDays": 30}}}}`)
	network, web := all["shop-production-network"], all["shop-production-web"]
	loadBalancer := network.One(t, "AWS::ElasticLoadBalancingV2::LoadBalancer")
	requireProperties(t, loadBalancer, map[string]string{"Scheme": "internet-facing", "IpAddressType": "dualstack"})
	requireAttributes(t, loadBalancer.Property("LoadBalancerAttributes"), map[string]string{
		"idle_timeout.timeout_seconds": "300", "deletion_protection.enabled": "true", "routing.http.drop_invalid_header_fields.enabled": "false", "access_logs.s3.enabled": "true",
	})
	requireProperties(t, network.Resources["shop-production-network/LoadBalancer/HTTPS"], map[string]string{"SslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"})
	requireProperties(t, network.One(t, "AWS::WAFv2::WebACLAssociation"), map[string]string{"ResourceArn": "${shop-production-network/LoadBalancer}", "WebACLArn": acl})
	requireProperties(t, network.One(t, "AWS::S3::Bucket"), map[string]string{"LifecycleConfiguration.Rules.0.ExpirationInDays": "30"})
	if n := len(network.OfType("AWS::EC2::VPCCidrBlock")); n != 1 {
		t.Errorf("%d ranges of IPv6, want one", n)
	}
	ingress := network.Resources["shop-production-network/LoadBalancerSecurityGroup"].Property("SecurityGroupIngress")
	requireParts(t, ingress, `"CidrIp":"203.0.113.0/24","Description":"HTTP from clients","FromPort":80`, `"CidrIpv6":"2001:db8::/32","Description":"HTTPS from clients","FromPort":443`)
	if strings.Contains(ingress, "0.0.0.0/0") || strings.Contains(ingress, `"::/0"`) {
		t.Errorf("everybody is let in: %s", ingress)
	}
	records := map[string]string{}
	for _, r := range web.OfType("AWS::Route53::RecordSet") {
		records[r.Property("Type")] = r.Property("Name")
	}
	if want := map[string]string{"A": "www.example.com.", "AAAA": "www.example.com."}; !maps.Equal(records, want) {
		t.Errorf("the records are %v, want %v", records, want)
	}
}

// requireAttributes compares attributes of a load balancer, a JSON list of keys and values.
func requireAttributes(t *testing.T, list string, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if part := `{"Key":"` + key + `","Value":"` + value + `"}`; strings.Count(list, `"`+key+`"`) != 1 || !strings.Contains(list, part) {
			t.Errorf("%s is not once in %s", part, list)
		}
	}
}

func TestWithIPv6EverybodyIsLetInByBoth(t *testing.T) {
	network := templates(t, `{"production": {}}, "networks": {"production": {"loadBalancer": {"dualStack": true}}}`)["shop-production-network"]
	requireParts(t, network.Resources["shop-production-network/LoadBalancerSecurityGroup"].Property("SecurityGroupIngress"), `"CidrIp":"0.0.0.0/0"`, `"CidrIpv6":"::/0"`)
}

func TestAnInternalLoadBalancerIsForTheVPC(t *testing.T) {
	network := templates(t, `{"production": {}}, "networks": {"production": {"loadBalancer": {"internal": true, "accessLogs": {"disabled": true}}}}`)["shop-production-network"]
	loadBalancer := network.One(t, "AWS::ElasticLoadBalancingV2::LoadBalancer")
	requireProperties(t, loadBalancer, map[string]string{
		"Scheme":  "internal",
		"Subnets": `["${shop-production-network/VPC/PrivateSubnet1/Subnet}","${shop-production-network/VPC/PrivateSubnet2/Subnet}"]`,
	})
	requireAttributes(t, loadBalancer.Property("LoadBalancerAttributes"), map[string]string{"access_logs.s3.enabled": "false"})
	if n := len(network.OfType("AWS::S3::Bucket")); n != 0 {
		t.Errorf("%d buckets for logs that are not written", n)
	}
	requireProperties(t, network.Resources["shop-production-network/LoadBalancerSecurityGroup"], map[string]string{
		"SecurityGroupIngress": `[{"CidrIp":"${shop-production-network/VPC.CidrBlock}","Description":"HTTP from clients","FromPort":80,"IpProtocol":"tcp","ToPort":80}]`,
	})
	// Without private subnets it is in the public ones, and internal all the same.
	network = templates(t, `{"production": {}}, "networks": {"production": {"natGateways": 0, "loadBalancer": {"internal": true}}}`)["shop-production-network"]
	requireProperties(t, network.One(t, "AWS::ElasticLoadBalancingV2::LoadBalancer"), map[string]string{
		"Scheme":  "internal",
		"Subnets": `["${shop-production-network/VPC/PublicSubnet1/Subnet}","${shop-production-network/VPC/PublicSubnet2/Subnet}"]`,
	})
}

func TestAnExistingVPCIsUsedAsItIs(t *testing.T) {
	for name, c := range map[string]struct{ private, instances, publicAddresses string }{
		"private subnets": {`, "privateSubnetIds": ["` + subnet3 + `"]`, subnet3, "false"},
		"public only":     {"", subnet1 + "," + subnet2, "true"},
	} {
		t.Run(name, func(t *testing.T) {
			all := templates(t, `{"production": {}}, "networks": {"production": {"vpc": {`+vpc+`, "cidr": "172.31.0.0/16"`+c.private+`}}}`)
			network, web := all["shop-production-network"], all["shop-production-web"]
			for _, r := range network.Resources {
				if strings.HasPrefix(r.Type, "AWS::EC2::") && r.Type != "AWS::EC2::SecurityGroup" {
					t.Errorf("%s is made", r.Name)
				}
			}
			requireProperties(t, network.One(t, "AWS::ElasticLoadBalancingV2::LoadBalancer"), map[string]string{"Subnets": `["` + subnet1 + `","` + subnet2 + `"]`})
			requireProperties(t, network.One(t, "AWS::EC2::SecurityGroup"), map[string]string{
				"VpcId":               "vpc-0123456789abcdef0",
				"SecurityGroupEgress": `[{"CidrIp":"172.31.0.0/16","Description":"Requests and health checks to instances","FromPort":80,"IpProtocol":"tcp","ToPort":80}]`,
			})
			options := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()
			for key, want := range map[string]string{"VPCId": "vpc-0123456789abcdef0", "Subnets": c.instances, "AssociatePublicIpAddress": c.publicAddresses} {
				if got := options["aws:ec2:vpc "+key]; got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestAnExistingLoadBalancerGetsRulesAndNothingElse(t *testing.T) {
	all := templates(t, `{
		"production": {"network": "main", "domains": ["www.example.com"], "hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}},
		"preview": {"network": "main", "rulePriority": 300}
	}, "networks": {"main": {"vpc": {`+vpc+`, "privateSubnetIds": ["`+subnet3+`"]}, "loadBalancer": {"existing": {`+existing+`, "canonicalHostedZoneId": "Z215JYRZR1TBD5",
		"httpListenerArn": "`+listeners+`/1111111111111111", "httpsListenerArn": "`+listeners+`/2222222222222222"}}}}`)
	if want := []string{"shop-preview-web", "shop-production-web"}; !slices.Equal(slices.Sorted(maps.Keys(all)), want) {
		t.Fatalf("stacks %q, want %q: there is nothing new in the network", slices.Sorted(maps.Keys(all)), want)
	}
	web := all["shop-production-web"]
	for _, r := range web.Resources {
		if r.Type == "AWS::ElasticLoadBalancingV2::LoadBalancer" || r.Type == "AWS::ElasticLoadBalancingV2::Listener" || r.Type == "AWS::CertificateManager::Certificate" {
			t.Errorf("%s is made", r.Name)
		}
	}
	requireProperties(t, web.One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"ListenerArn": listeners + "/2222222222222222", "Conditions.0.HostHeaderConfig.Values": `["www.example.com"]`, "Actions": toTargetGroup,
	})
	requireProperties(t, all["shop-preview-web"].One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"ListenerArn": listeners + "/1111111111111111", "Priority": "350", "Conditions.0.HostHeaderConfig.Values": `["` + dnsName + `"]`,
	})
	requireProperties(t, web.One(t, "AWS::Route53::RecordSet"), map[string]string{"AliasTarget.HostedZoneId": "Z215JYRZR1TBD5", "AliasTarget.DNSName": "dualstack." + dnsName})
	options := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()
	for key, want := range map[string]string{
		"aws:elbv2:loadbalancer SharedLoadBalancer":                          balancer,
		"aws:elbv2:loadbalancer SecurityGroups":                              "sg-0000000000000000a,sg-0000000000000000b",
		"aws:elasticbeanstalk:application:environment SECURE_SSL_REDIRECT":   "true",
		"aws:ec2:vpc Subnets":                                                subnet3,
		"aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup": "true",
	} {
		if options[key] != want {
			t.Errorf("%s is %q, want %q", key, options[key], want)
		}
	}
	// The instances admit every group of the load balancer.
	var admitted []string
	for _, r := range web.OfType("AWS::EC2::SecurityGroupIngress") {
		admitted = append(admitted, r.Property("SourceSecurityGroupId"))
	}
	text := strings.Join(admitted, " ") + web.One(t, "AWS::EC2::SecurityGroup").Property("SecurityGroupIngress")
	requireParts(t, text, "sg-0000000000000000a", "sg-0000000000000000b")
	if got := web.Outputs["URL"]; got != "https://www.example.com/" {
		t.Errorf("the site is %s", got)
	}
	if got := all["shop-preview-web"].Outputs["URL"]; got != "http://"+dnsName+"/" {
		t.Errorf("the preview is %s", got)
	}
}
