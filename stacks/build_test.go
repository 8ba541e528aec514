package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

const (
	notFound      = `[{"FixedResponseConfig":{"ContentType":"text/plain","MessageBody":"No such site.\n","StatusCode":"404"},"Type":"fixed-response"}]`
	toHTTPS       = `[{"RedirectConfig":{"Port":"443","Protocol":"HTTPS","StatusCode":"HTTP_301"},"Type":"redirect"}]`
	toTargetGroup = `[{"TargetGroupArn":"${shop-production-web/Web/TargetGroupARN.StackResourceDetail.PhysicalResourceId}","Type":"forward"}]`
	certificate   = "arn:aws:acm:eu-central-1:123456789012:certificate/a"
)

func TestWithoutADomainTheSiteIsTheLoadBalancersOwnName(t *testing.T) {
	all := templates(t, `{"production": {}}`)
	network, web := all["shop-production-network"], all["shop-production-web"]

	if n := len(network.OfType("AWS::ElasticLoadBalancingV2::Listener")); n != 1 {
		t.Errorf("%d listeners, want one", n)
	}
	requireProperties(t, network.Resources["shop-production-network/LoadBalancer/HTTP"], map[string]string{
		"Port": "80", "Protocol": "HTTP", "DefaultActions": notFound,
	})
	requireProperties(t, web.One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"ListenerArn": "${shop-production-network/LoadBalancer/HTTP}",
		"Priority":    "150",
		"Conditions":  `[{"Field":"host-header","HostHeaderConfig":{"Values":["${shop-production-network/LoadBalancer.DNSName}"]}}]`,
		"Actions":     toTargetGroup,
	})
	options := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()
	for name, want := range map[string]string{"ALLOWED_HOSTS": "${shop-production-network/LoadBalancer.DNSName}", "SECURE_SSL_REDIRECT": "false"} {
		if got := options["aws:elasticbeanstalk:application:environment "+name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for output, want := range map[string]string{
		"URL":             "http://${shop-production-network/LoadBalancer.DNSName}/",
		"EnvironmentName": "${shop-production-web/Web}",
		"TargetGroupARN":  "${shop-production-web/Web/TargetGroupARN.StackResourceDetail.PhysicalResourceId}",
		// What Elastic Load Balancing says of it after the deployment, not what was asked for.
		"HealthCheckPath":         "${shop-production-web/Web/HealthCheck.TargetGroups.0.HealthCheckPath}",
		"HealthCheckSuccessCodes": "${shop-production-web/Web/HealthCheck.TargetGroups.0.Matcher.HttpCode}",
	} {
		if got := web.Outputs[output]; got != want {
			t.Errorf("output %s is %q, want %q", output, got, want)
		}
	}
}

func TestWithACertificateTheRuleMovesToHTTPS(t *testing.T) {
	all := templates(t, `{"production": {"domains": ["www.example.com"], "certificateArn": "`+certificate+`"}}`)
	network, web := all["shop-production-network"], all["shop-production-web"]

	requireProperties(t, network.Resources["shop-production-network/LoadBalancer/HTTP"], map[string]string{"Port": "80", "DefaultActions": toHTTPS})
	https := network.Resources["shop-production-network/LoadBalancer/HTTPS"]
	requireProperties(t, https, map[string]string{
		"Port": "443", "Protocol": "HTTPS", "DefaultActions": notFound, "Certificates": `[{"CertificateArn":"` + certificate + `"}]`,
	})
	if policy := https.Property("SslPolicy"); !strings.HasPrefix(policy, "ELBSecurityPolicy-TLS13-1-2-") {
		t.Errorf("the TLS policy is %q, want one of TLS 1.2 or later", policy)
	}
	requireParts(t, network.Resources["shop-production-network/LoadBalancerSecurityGroup"].Property("SecurityGroupIngress"), `"FromPort":80`, `"FromPort":443`)
	requireProperties(t, web.One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"ListenerArn": "${shop-production-network/LoadBalancer/HTTPS}",
		"Priority":    "150",
		"Conditions":  `[{"Field":"host-header","HostHeaderConfig":{"Values":["www.example.com"]}}]`,
		"Actions":     toTargetGroup,
	})
	if n := len(network.OfType("AWS::CertificateManager::Certificate")) + len(web.OfType("AWS::Route53::RecordSet")); n != 0 {
		t.Errorf("%d certificates and records are made, which are not ours", n)
	}
	if got := web.Outputs["URL"]; got != "https://www.example.com/" {
		t.Errorf("the site is %s", got)
	}
}

func TestADomainWithoutACertificateIsServedOverHTTP(t *testing.T) {
	web := templates(t, `{"production": {"domains": ["www.example.com"]}}`)["shop-production-web"]
	requireProperties(t, web.One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"ListenerArn": "${shop-production-network/LoadBalancer/HTTP}",
		"Conditions":  `[{"Field":"host-header","HostHeaderConfig":{"Values":["www.example.com"]}}]`,
	})
	if got := web.Outputs["URL"]; got != "http://www.example.com/" {
		t.Errorf("the site is %s", got)
	}
}

func TestAHostedZoneMakesTheCertificateAndTheRecords(t *testing.T) {
	all := templates(t, `{"production": {"domains": ["example.com", "*.shop.example.com"], "hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}}}`)
	network, web := all["shop-production-network"], all["shop-production-web"]

	requireProperties(t, network.One(t, "AWS::CertificateManager::Certificate"), map[string]string{
		"DomainName": "example.com", "SubjectAlternativeNames": `["*.shop.example.com"]`, "ValidationMethod": "DNS",
		"DomainValidationOptions.0.HostedZoneId": "Z0123456789ABCDEFGHIJ",
	})
	requireProperties(t, network.Resources["shop-production-network/LoadBalancer/HTTPS"], map[string]string{
		"Certificates": `[{"CertificateArn":"${shop-production-network/production-Certificate}"}]`,
	})
	records := map[string]*templatetest.Resource{}
	for _, r := range web.OfType("AWS::Route53::RecordSet") {
		records[r.Property("Name")] = r
	}
	for _, name := range []string{"example.com.", "*.shop.example.com."} {
		requireProperties(t, records[name], map[string]string{
			"Type": "A", "HostedZoneId": "Z0123456789ABCDEFGHIJ",
			"AliasTarget": `{"DNSName":"dualstack.${shop-production-network/LoadBalancer.DNSName}","HostedZoneId":"${shop-production-network/LoadBalancer.CanonicalHostedZoneID}"}`,
		})
	}
	// A rule takes the wildcard as it is; Django writes it with a leading dot.
	requireProperties(t, web.One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"Conditions": `[{"Field":"host-header","HostHeaderConfig":{"Values":["example.com","*.shop.example.com"]}}]`,
	})
	if got := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()["aws:elasticbeanstalk:application:environment ALLOWED_HOSTS"]; got != "example.com .shop.example.com" {
		t.Errorf("ALLOWED_HOSTS is %q", got)
	}
}

func TestACertificateOfOneDomainHasNoOtherNames(t *testing.T) {
	network := templates(t, `{"production": {"domains": ["example.com"], "hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}}}`)["shop-production-network"]
	if names := network.One(t, "AWS::CertificateManager::Certificate").Property("SubjectAlternativeNames"); names != "" && names != "null" {
		t.Errorf("the other names are %s; AWS refuses an empty list", names)
	}
}

// An environment that comes or goes leaves the certificates of the others what and where they are, also where the default
// one changes: each is in the list of the listener by an id of its own, the default one too. One that were only the default
// would be missing from the listener for a moment when a new first one comes, and one that stays would be removed from the
// list while it becomes the default, which Elastic Load Balancing refuses.
func TestCertificatesKeepTheirIdsWhenOthersComeAndGo(t *testing.T) {
	environment := func(id string, band int) string {
		return fmt.Sprintf(`"%s": {"network": "n", "rulePriority": %d, "domains": ["%s.example.com"], "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/%s"}`, id, band, id, id)
	}
	made := func(id string, band int) string {
		return fmt.Sprintf(`"%s": {"network": "n", "rulePriority": %d, "domains": ["%s.example.com"], "hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}}`, id, band, id)
	}
	list := func(byDefault string, environments ...string) map[string]string {
		found := map[string]string{}
		network := templates(t, "{"+strings.Join(environments, ",")+"}")["shop-n-network"]
		if got := network.Resources["shop-n-network/LoadBalancer/HTTPS"].Property("Certificates"); !strings.Contains(got, byDefault) {
			t.Errorf("the default certificate is %s, want %s, that of the lowest band", got, byDefault)
		}
		for path, r := range network.Resources {
			if r.Type == "AWS::ElasticLoadBalancingV2::ListenerCertificate" {
				found[path] = r.Property("Certificates")
			}
		}
		if len(found) != len(environments) {
			t.Fatalf("%d certificates are in the list, want %d", len(found), len(environments))
		}
		return found
	}
	d, a, b, c := environment("d", 200), environment("a", 300), made("b", 400), made("c", 100)
	all := list("certificate/d", d, a, b)
	for name, some := range map[string]map[string]string{
		"one leaves":             list("certificate/d", d, b),
		"the first one leaves":   list("certificate/a", a, b),
		"a made one is first":    list("b-Certificate", b),
		"a new first one comes":  list("c-Certificate", c, d, a, b),
		"the last one is ahead":  list("b-Certificate", made("b", 100), d, a),
		"of one environment too": list("certificate/d", d),
	} {
		for path, certificate := range some {
			if was, is := all[path]; is && was != certificate {
				t.Errorf("%s: %s was %s and is %s", name, path, was, certificate)
			}
		}
		kept := 0
		for path := range all {
			if _, is := some[path]; is {
				kept++
			}
		}
		if want := min(len(some), len(all)); kept != want {
			t.Errorf("%s: %d of the certificates are where they were, want %d", name, kept, want)
		}
	}
}

// A third zone is added to a network without touching what is there.
func TestAThirdZoneKeepsTheSubnets(t *testing.T) {
	subnets := func(zones int) map[string]string {
		found := map[string]string{}
		for path, r := range templates(t, fmt.Sprintf(`{"production": {}}, "networks": {"production": {"maxAzs": %d}}`, zones))["shop-production-network"].Resources {
			if r.Type == "AWS::EC2::Subnet" {
				found[path] = r.Property("CidrBlock")
			}
		}
		return found
	}
	two, three := subnets(2), subnets(3)
	if len(two) != 4 || len(three) != 6 {
		t.Fatalf("%d and %d subnets, want 4 and 6", len(two), len(three))
	}
	for path, block := range two {
		if three[path] != block {
			t.Errorf("%s is %s with two zones and %s with three", path, block, three[path])
		}
	}
}

func TestSecretsOfTheConfiguration(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:database-AbCdEf"
	web := templates(t, `{"production": {"secrets": {"DATABASE_URL": "`+arn+`"}}}`)["shop-production-web"]
	if got := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()["aws:elasticbeanstalk:application:environmentsecrets DATABASE_URL"]; got != arn {
		t.Errorf("the secret is %q, want %q", got, arn)
	}
	requireParts(t, web.Resources["shop-production-web/Web/InstanceRole"].Property("Policies"), arn, "secretsmanager:GetSecretValue")
}

// One rule names five hosts at most.
func TestManyDomainsTakeMoreRules(t *testing.T) {
	web := templates(t, `{"production": {"rulePriority": 300, "domains": `+domains(6)+`, "certificateArn": "`+certificate+`"}}`)["shop-production-web"]
	rules := web.OfType("AWS::ElasticLoadBalancingV2::ListenerRule")
	if len(rules) != 2 {
		t.Fatalf("%d rules, want 2", len(rules))
	}
	requireProperties(t, rules[0], map[string]string{
		"Priority": "350", "Actions": toTargetGroup,
		"Conditions.0.HostHeaderConfig.Values": `["site1.example.com","site2.example.com","site3.example.com","site4.example.com","site5.example.com"]`,
	})
	requireProperties(t, rules[1], map[string]string{
		"Priority": "355", "Actions": toTargetGroup, "Conditions.0.HostHeaderConfig.Values": `["site6.example.com"]`,
	})
	if got := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()["aws:elasticbeanstalk:application:environment ALLOWED_HOSTS"]; strings.Count(got, " ") != 5 {
		t.Errorf("ALLOWED_HOSTS is %q, want all six", got)
	}
}

func TestTwoEnvironmentsShareANetwork(t *testing.T) {
	all := templates(t, `{
		"production": {"network": "main", "domains": ["www.example.com"], "certificateArn": "`+certificate+`"},
		"staging": {"network": "main", "rulePriority": 200, "domains": ["staging.example.com"], "certificateArn": "`+certificate+`b"},
		"preview": {"network": "main", "rulePriority": 300}
	}, "networks": {"main": {"cidr": "10.7.0.0/16"}}`)
	if want := []string{"shop-main-network", "shop-preview-web", "shop-production-web", "shop-staging-web"}; !slices.Equal(slices.Sorted(maps.Keys(all)), want) {
		t.Fatalf("stacks %q, want %q", slices.Sorted(maps.Keys(all)), want)
	}
	network := all["shop-main-network"]
	requireProperties(t, network.One(t, "AWS::EC2::VPC"), map[string]string{"CidrBlock": "10.7.0.0/16"})
	requireProperties(t, network.Resources["shop-main-network/LoadBalancer/HTTPS"], map[string]string{"Certificates": `[{"CertificateArn":"` + certificate + `"}]`})
	for stack, want := range map[string][3]string{
		"shop-production-web": {"${shop-main-network/LoadBalancer/HTTPS}", "150", `["www.example.com"]`},
		"shop-staging-web":    {"${shop-main-network/LoadBalancer/HTTPS}", "250", `["staging.example.com"]`},
		"shop-preview-web":    {"${shop-main-network/LoadBalancer/HTTP}", "350", `["${shop-main-network/LoadBalancer.DNSName}"]`},
	} {
		requireProperties(t, all[stack].One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
			"ListenerArn": want[0], "Priority": want[1], "Conditions.0.HostHeaderConfig.Values": want[2],
		})
	}
}

// The environment stays when a certificate and domains come: what users change lives in rules of the stack, and only the
// names and the switch for HTTPS reach the environment.
func TestFromHTTPToHTTPSOnlyTwoOptionsChange(t *testing.T) {
	environment := func(environments string) map[string]string {
		return templates(t, environments)["shop-production-web"].One(t, "AWS::ElasticBeanstalk::Environment").Options()
	}
	http := environment(`{"production": {}}`)
	https := environment(`{"production": {"domains": ["www.example.com"], "certificateArn": "` + certificate + `"}}`)
	second := environment(`{"production": {"domains": ["www.example.com", "example.com"], "certificateArn": "` + certificate + `"}}`)

	const properties = "aws:elasticbeanstalk:application:environment "
	requireChanges(t, http, https, properties+"ALLOWED_HOSTS", properties+"SECURE_SSL_REDIRECT")
	requireChanges(t, https, second, properties+"ALLOWED_HOSTS")
	if https[properties+"ALLOWED_HOSTS"] != "www.example.com" || https[properties+"SECURE_SSL_REDIRECT"] != "true" || second[properties+"ALLOWED_HOSTS"] != "www.example.com example.com" {
		t.Errorf("with HTTPS: %s, %s; with a second domain: %s", https[properties+"ALLOWED_HOSTS"], https[properties+"SECURE_SSL_REDIRECT"], second[properties+"ALLOWED_HOSTS"])
	}
	for name := range maps.Keys(http) {
		if strings.HasSuffix(name, " Rules") || strings.HasPrefix(name, "aws:elbv2:listener") {
			t.Errorf("the environment has %s, which could not be changed later", name)
		}
	}
}

func requireChanges(t *testing.T, before, after map[string]string, want ...string) {
	t.Helper()
	var changed []string
	for key := range before {
		if value, there := after[key]; !there || value != before[key] {
			changed = append(changed, key)
		}
	}
	for key := range after {
		if _, there := before[key]; !there {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	if !slices.Equal(changed, want) {
		t.Errorf("changed: %q, want %q", changed, want)
	}
}

func TestEveryKeyReachesTheTemplate(t *testing.T) {
	web := templates(t, `{"production": {
		"environmentName": "shop-live",
		"platform": {"branch": "Python 3.12 running on 64bit Amazon Linux 2023", "version": "4.13.7", "preferredStartTime": "Mon:04:30", "updateLevel": "patch"},
		"capacity": {"minSize": 1, "maxSize": 3, "instanceTypes": ["m7i.large"]},
		"deployment": {"policy": "Rolling", "batchSize": 2, "configurationUpdates": {"timeout": 600}},
		"healthCheck": {"path": "/up/", "successCodes": "200", "interval": 20, "timeout": 6, "healthyThresholdCount": 2, "unhealthyThresholdCount": 4},
		"logs": {"retentionInDays": 7},
		"numProcesses": 2, "numThreads": 10,
		"variables": {"LOG_LEVEL": "info", "MAPS_API_KEY": "for everybody"}, "notSecret": ["MAPS_API_KEY"],
		"optionSettings": {"aws:elasticbeanstalk:xray": {"XRayEnabled": "true"}}
	}}, "settingsModule": "mysite.settings", "migrate": true`)["shop-production-web"]
	environment := web.One(t, "AWS::ElasticBeanstalk::Environment")
	requireProperties(t, environment, map[string]string{
		"EnvironmentName": "shop-live",
		"PlatformArn":     "arn:${AWS::Partition}:elasticbeanstalk:${AWS::Region}::platform/Python 3.12 running on 64bit Amazon Linux 2023/4.13.7",
	})
	options := environment.Options()
	for key, want := range map[string]string{
		"aws:elasticbeanstalk:managedactions PreferredStartTime":                   "Mon:04:30",
		"aws:elasticbeanstalk:managedactions:platformupdate UpdateLevel":           "patch",
		"aws:autoscaling:asg MinSize":                                              "1",
		"aws:autoscaling:asg MaxSize":                                              "3",
		"aws:ec2:instances InstanceTypes":                                          "m7i.large",
		"aws:elasticbeanstalk:command DeploymentPolicy":                            "Rolling",
		"aws:elasticbeanstalk:command BatchSize":                                   "2",
		"aws:elasticbeanstalk:environment:process:default HealthCheckPath":         "/up/",
		"aws:elasticbeanstalk:environment:process:default MatcherHTTPCode":         "200",
		"aws:elasticbeanstalk:environment:process:default HealthCheckInterval":     "20",
		"aws:elasticbeanstalk:environment:process:default HealthCheckTimeout":      "6",
		"aws:elasticbeanstalk:environment:process:default HealthyThresholdCount":   "2",
		"aws:elasticbeanstalk:environment:process:default UnhealthyThresholdCount": "4",
		"aws:elasticbeanstalk:application:environment HEALTH_CHECK_PATH":           "/up/",
		"aws:elasticbeanstalk:application:environment LOG_LEVEL":                   "info",
		"aws:elasticbeanstalk:application:environment MAPS_API_KEY":                "for everybody",
		"aws:elasticbeanstalk:application:environment DJANGO_SETTINGS_MODULE":      "mysite.settings",
		"aws:elasticbeanstalk:cloudwatch:logs RetentionInDays":                     "7",
		"aws:elasticbeanstalk:container:python NumProcesses":                       "2",
		"aws:elasticbeanstalk:container:python NumThreads":                         "10",
		"aws:elasticbeanstalk:xray XRayEnabled":                                    "true",
	} {
		if options[key] != want {
			t.Errorf("%s is %q, want %q", key, options[key], want)
		}
	}
}

// Nothing is looked up in an account, even where account, region and number of zones are known.
func TestZonesNeedNoLookUp(t *testing.T) {
	for name, where := range map[string]string{"known": `"account": "123456789012", "region": "eu-central-1"`, "unknown": `"domains": []`} {
		t.Run(name, func(t *testing.T) {
			directory := synth(t, `{"production": {`+where+`}}, "networks": {"production": {"maxAzs": 3, "natGateways": 3}}`)
			text, err := os.ReadFile(filepath.Join(directory, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			var manifest struct {
				Missing   []any
				Artifacts map[string]struct{ Environment string }
			}
			if err := json.Unmarshal(text, &manifest); err != nil {
				t.Fatal(err)
			}
			if len(manifest.Missing) > 0 {
				t.Errorf("to be looked up: %v", manifest.Missing)
			}
			want := map[string]string{"known": "aws://123456789012/eu-central-1", "unknown": "aws://unknown-account/unknown-region"}[name]
			if got := manifest.Artifacts["shop-production-web"].Environment; got != want {
				t.Errorf("the stack is deployed to %s, want %s", got, want)
			}
			network := templatetest.Read(t, directory)["shop-production-network"]
			if n := len(network.OfType("AWS::EC2::NatGateway")); n != 3 {
				t.Errorf("%d NAT gateways, want 3", n)
			}
			for i := range 3 {
				requireProperties(t, network.Resources[fmt.Sprintf("shop-production-network/VPC/PrivateSubnet%d/Subnet", i+1)], map[string]string{
					"AvailabilityZone": fmt.Sprintf(`{"Fn::Select":[%d,{"Fn::GetAZs":""}]}`, i),
				})
			}
		})
	}
}
