package elasticbeanstalk_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

const (
	certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/a"
	webACL      = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/site/a1"
)

func TestADedicatedLoadBalancerHasWhatItsFieldsSay(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}}
	props.LoadBalancer = elasticbeanstalk.LoadBalancer{
		IPAddressType:    elasticbeanstalk.DualStack,
		CertificateARNs:  []string{certificate},
		IdleTimeout:      2 * time.Minute,
		AccessLogsPrefix: "web",
		Listeners: map[int]elasticbeanstalk.Listener{
			8443: {CertificateARNs: []string{certificate}, SSLPolicy: "ELBSecurityPolicy-TLS13-1-3-2021-06", DefaultProcess: "api"},
			8080: {}, 9000: {Disabled: true},
		},
		Rules: map[string]elasticbeanstalk.ListenerRule{
			"api":   {PathPatterns: []string{"/api/*", "/v1/*"}, Process: "api", Priority: 10},
			"admin": {HostHeaders: []string{"admin.example.com"}, Priority: 20, Ports: []int{443, 8080}},
		},
	}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)
	got := map[string]string{}
	for key, value := range template.Resources["Stack/Web"].Options() {
		if rest, ok := strings.CutPrefix(key, "aws:elbv2:"); ok {
			got[rest] = value
		}
	}
	const group = "${Stack/Web/LoadBalancerSecurityGroup.GroupId}"
	requireOptions(t, got, map[string]string{
		"loadbalancer SecurityGroups":       group,
		"loadbalancer ManagedSecurityGroup": group,
		"loadbalancer IpAddressType":        "dualstack",
		"loadbalancer IdleTimeout":          "120",
		"loadbalancer AccessLogsS3Enabled":  "true",
		"loadbalancer AccessLogsS3Bucket":   "${Stack/Web/AccessLogs}",
		"loadbalancer AccessLogsS3Prefix":   "web",
		"listener:default ListenerEnabled":  "true",
		"listener:default Rules":            "", // it redirects
		"listener:443 ListenerEnabled":      "true",
		"listener:443 Protocol":             "HTTPS",
		"listener:443 SSLCertificateArns":   certificate,
		"listener:443 SSLPolicy":            elasticbeanstalk.DefaultSSLPolicy,
		"listener:443 Rules":                "admin,api",
		"listener:8443 ListenerEnabled":     "true",
		"listener:8443 Protocol":            "HTTPS",
		"listener:8443 SSLCertificateArns":  certificate,
		"listener:8443 SSLPolicy":           "ELBSecurityPolicy-TLS13-1-3-2021-06",
		"listener:8443 DefaultProcess":      "api",
		"listener:8443 Rules":               "",
		"listener:8080 ListenerEnabled":     "true",
		"listener:8080 Protocol":            "HTTP",
		"listener:8080 DefaultProcess":      "default",
		"listener:8080 Rules":               "admin",
		"listener:9000 ListenerEnabled":     "false",
		"listenerrule:api PathPatterns":     "/api/*,/v1/*",
		"listenerrule:api Process":          "api",
		"listenerrule:api Priority":         "10",
		"listenerrule:admin HostHeaders":    "admin.example.com",
		"listenerrule:admin PathPatterns":   "/*",
		"listenerrule:admin Process":        "default",
		"listenerrule:admin Priority":       "20",
	})
	var clients []string
	for _, port := range []string{"80", "443", "8080", "8443"} {
		clients = append(clients, "tcp "+port+"-"+port+" 0.0.0.0/0", "tcp "+port+"-"+port+" ::/0")
	}
	requireRules(t, "into the load balancer", ingress(template, "Stack/Web/LoadBalancerSecurityGroup"), clients...)
}

func TestWhatADedicatedLoadBalancerCanDoWithout(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	props := dedicated(vpc)
	props.LoadBalancer = elasticbeanstalk.LoadBalancer{
		CertificateARNs: []string{certificate}, DisableHTTPListener: true, DisableAccessLogs: true,
		SecurityGroups: []awsec2.ISecurityGroup{
			awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("A"), jsii.String("sg-a"), nil),
			awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("B"), jsii.String("sg-b"), nil),
		},
	}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	connections := *environment.LoadBalancer().Connections().SecurityGroups()
	template := synth(t, stack)
	got := template.Resources["Stack/Web"].Options()
	for option, want := range map[string]string{
		"aws:elbv2:listener:default ListenerEnabled":  "false",
		"aws:elbv2:listener:443 ListenerEnabled":      "true",
		"aws:elbv2:loadbalancer AccessLogsS3Enabled":  "false",
		"aws:elbv2:loadbalancer AccessLogsS3Bucket":   "",
		"aws:elbv2:loadbalancer SecurityGroups":       "sg-a,sg-b",
		"aws:elbv2:loadbalancer ManagedSecurityGroup": "sg-a",
	} {
		if got[option] != want {
			t.Errorf("%s is %q, want %q", option, got[option], want)
		}
	}
	if made := len(template.OfType("AWS::S3::Bucket")) + len(template.OfType("AWS::EC2::SecurityGroup")); made != 1 {
		t.Errorf("%d buckets and security groups are made, want that of the instances alone", made)
	}
	requireRules(t, "into the instances", ingress(template, "Stack/Web/SecurityGroup"), "tcp 80-80 sg-a", "tcp 80-80 sg-b")
	if len(connections) != 2 {
		t.Errorf("the load balancer has %d security groups, want the two", len(connections))
	}
}

// An option that is not written keeps its value: without Rules, the last rule would stay.
func TestTheLastRuleCanBeTakenAway(t *testing.T) {
	for name, c := range map[string]struct {
		rules   map[string]elasticbeanstalk.ListenerRule
		written bool
	}{"nil": {nil, false}, "empty": {map[string]elasticbeanstalk.ListenerRule{}, true}} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.LoadBalancer.Rules = c.rules
		value, written := options(elasticbeanstalk.NewEnvironment(stack, "Web", props))["aws:elbv2:listener:default Rules"]
		if written != c.written || value != "" {
			t.Errorf("%s: Rules is %q, written: %v", name, value, written)
		}
	}
}

const redirect = `# Generated by beanpole.
Resources:
  AWSEBV2LoadBalancerListener:
    Properties:
      DefaultActions:
        - RedirectConfig:
            Host: '#{host}'
            Path: /#{path}
            Port: "443"
            Protocol: HTTPS
            Query: '#{query}'
            StatusCode: HTTP_301
          Type: redirect
    Type: AWS::ElasticLoadBalancingV2::Listener
`

func TestHTTPIsRedirectedToHTTPSUnlessAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		lb   elasticbeanstalk.LoadBalancer
		want string
	}{
		"no certificate":   {elasticbeanstalk.LoadBalancer{}, ""},
		"certificate":      {elasticbeanstalk.LoadBalancer{CertificateARNs: []string{certificate}}, redirect},
		"HTTP allowed":     {elasticbeanstalk.LoadBalancer{CertificateARNs: []string{certificate}, AllowHTTP: true}, ""},
		"no HTTP listener": {elasticbeanstalk.LoadBalancer{CertificateARNs: []string{certificate}, DisableHTTPListener: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			props := dedicated(existingVPC(stack))
			props.LoadBalancer = c.lb
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			if got := bundled(t, stack)[resourcesName]; got != c.want {
				t.Errorf("%s is\n%s\nwant\n%s", resourcesName, got, c.want)
			}
		})
	}
	props := dedicated(someVPC{})
	props.LoadBalancer.CertificateARNs = []string{certificate}
	props.Source = bundle.Source{Path: project(t, map[string]string{"app.py": "", ".ebextensions/https.config": redirect})}
	err := props.Validate()
	if err == nil {
		t.Fatal("a redirect of the project's own is not refused")
	}
	requireParts(t, err.Error(), "Source: .ebextensions/https.config: overrides DefaultActions of AWSEBV2LoadBalancerListener", "AllowHTTP")
}

// alias makes a record that leads to the environment, and an output of its load balancer.
func alias(stack awscdk.Stack, environment *elasticbeanstalk.Environment) {
	zone := awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: jsii.String("Z1"), ZoneName: jsii.String("example.com"),
	})
	awsroute53.NewARecord(stack, jsii.String("Record"), &awsroute53.ARecordProps{
		Zone: zone, Target: awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(environment.LoadBalancer(), nil)),
	})
	awscdk.NewCfnOutput(stack, jsii.String("ARN"), &awscdk.CfnOutputProps{Value: environment.LoadBalancer().LoadBalancerArn()})
}

func TestTheLoadBalancerCanBeUsedWhoeverMadeIt(t *testing.T) {
	t.Run("shared", func(t *testing.T) {
		stack := newStack(t)
		vpc := newVPC(stack)
		lb := newLoadBalancer(stack, vpc)
		environment := elasticbeanstalk.NewEnvironment(stack, "Web", shared(vpc, lb))
		if environment.LoadBalancer() != lb {
			t.Error("the load balancer is not the one that was given")
		}
		alias(stack, environment)
		template := synth(t, stack)
		if n := len(template.OfType("Custom::AWS")); n != 0 {
			t.Errorf("%d look-ups of what is known", n)
		}
		requireParts(t, template.One(t, "AWS::Route53::RecordSet").Property("AliasTarget"), "${Stack/LB.DNSName}", "${Stack/LB.CanonicalHostedZoneID}")
	})
	t.Run("dedicated", func(t *testing.T) {
		stack := newStack(t)
		vpc := newVPC(stack)
		environment := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(vpc))
		lb := environment.LoadBalancer()
		if environment.LoadBalancer() != lb {
			t.Error("the second call returns another load balancer")
		}
		alias(stack, environment)
		lb.Connections().AllowFrom(awsec2.Peer_Ipv4(jsii.String("192.0.2.0/24")), awsec2.Port_Tcp(jsii.Number(8080)), nil)
		template := synth(t, stack)

		const (
			id   = "${Stack/Web/EnvironmentID.Environments.0.EnvironmentId}"
			arn  = "${Stack/Web/LoadBalancerARN.StackResourceDetail.PhysicalResourceId}"
			name = "${Stack/Web/LoadBalancerDNSName.LoadBalancers.0."
		)
		requireParts(t, template.One(t, "AWS::Route53::RecordSet").Property("AliasTarget"), name+"DNSName}", name+"CanonicalHostedZoneId}")
		if template.Outputs["ARN"] != arn {
			t.Errorf("the ARN is %q", template.Outputs["ARN"])
		}
		if got := ingress(template, "Stack/Web/LoadBalancerSecurityGroup"); !slices.Contains(got, "tcp 8080-8080 192.0.2.0/24") {
			t.Errorf("connections do not reach the load balancer's group: %q", got)
		}
		for resource, want := range map[string]struct {
			call
			rights string
		}{
			"Stack/Web/LoadBalancerARN": {call{
				Service: "CloudFormation", Action: "describeStackResource",
				Parameters:  map[string]any{"StackName": "awseb-" + id + "-stack", "LogicalResourceId": "AWSEBV2LoadBalancer"},
				OutputPaths: []string{"StackResourceDetail.PhysicalResourceId"},
			}, `[{"Action":"cloudformation:DescribeStackResource","Effect":"Allow","Resource":"arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/awseb-` + id + `-stack/*"}]`},
			"Stack/Web/LoadBalancerDNSName": {call{
				Service: "ElasticLoadBalancingV2", Action: "describeLoadBalancers",
				Parameters:  map[string]any{"LoadBalancerArns": []any{arn}},
				OutputPaths: []string{"LoadBalancers.0.DNSName", "LoadBalancers.0.CanonicalHostedZoneId"},
			}, `[{"Action":"elasticloadbalancing:DescribeLoadBalancers","Effect":"Allow","Resource":"*"}]`},
		} {
			got := callOf(t, template.Resources[resource], "Create")
			got.PhysicalResourceID.ID = ""
			if !reflect.DeepEqual(got, want.call) {
				t.Errorf("%s:\n got %+v\nwant %+v", resource, got, want.call)
			}
			if got := template.Resources[resource+"/CustomResourcePolicy"].Property("PolicyDocument.Statement"); got != want.rights {
				t.Errorf("rights of %s: %s", resource, got)
			}
		}
	})
}

func TestAnotherSchemeIsAnotherLoadBalancer(t *testing.T) {
	id := func(internal bool) string {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.LoadBalancer.Internal = internal
		elasticbeanstalk.NewEnvironment(stack, "Web", props).LoadBalancer()
		return callOf(t, synth(t, stack).Resources["Stack/Web/LoadBalancerARN"], "Update").PhysicalResourceID.ID
	}
	if public, internal := id(false), id(true); public == internal {
		t.Errorf("the answer for both is kept under %q", public)
	}
}

func TestWhatElasticBeanstalkHasNoOptionFor(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.LoadBalancer.WebACLARN = webACL
	props.LoadBalancer.DropInvalidHeaderFields = true
	props.LoadBalancer.DeletionProtection = true
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	const arn = "${Stack/Web/LoadBalancerARN.StackResourceDetail.PhysicalResourceId}"
	association := template.One(t, "AWS::WAFv2::WebACLAssociation")
	if got := association.Property("ResourceArn"); got != arn || association.Property("WebACLArn") != webACL {
		t.Errorf("%q is guarded by %q", got, association.Property("WebACLArn"))
	}
	for event, value := range map[string]string{"Create": "true", "Update": "true", "Delete": "false"} {
		got := callOf(t, template.Resources["Stack/Web/LoadBalancerAttributes"], event)
		want := map[string]any{"LoadBalancerArn": arn, "Attributes": []any{
			map[string]any{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": value},
			map[string]any{"Key": "deletion_protection.enabled", "Value": value},
		}}
		if got.Action != "modifyLoadBalancerAttributes" || !reflect.DeepEqual(got.Parameters, want) || got.PhysicalResourceID.ID != arn {
			t.Errorf("%s: %+v", event, got)
		}
	}
	// Not of this one alone: the environment before this one has a load balancer to let go of, too.
	requireParts(t, template.Resources["Stack/Web/LoadBalancerAttributes/CustomResourcePolicy"].Property("PolicyDocument.Statement"),
		`[{"Action":"elasticloadbalancing:ModifyLoadBalancerAttributes","Effect":"Allow","Resource":"arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:loadbalancer/app/awseb-*"}]`)
}

func TestADualStackLoadBalancerNeedsSubnetsThatAre(t *testing.T) {
	for name, c := range map[string]struct {
		protocol awsec2.IpProtocol
		refused  bool
	}{"IPv4": {awsec2.IpProtocol_IPV4_ONLY, true}, "dual stack": {awsec2.IpProtocol_DUAL_STACK, false}} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			vpc := awsec2.NewVpc(stack, jsii.String("VPC"), &awsec2.VpcProps{MaxAzs: jsii.Number(2), NatGateways: jsii.Number(1), IpProtocol: c.protocol, RestrictDefaultSecurityGroup: jsii.Bool(false)})
			props := dedicated(vpc)
			props.LoadBalancer.IPAddressType = elasticbeanstalk.DualStack
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			message := panicOf(func() { synth(t, stack) })
			if (message != "") != c.refused {
				t.Fatalf("synthesis says %q", message)
			}
			if c.refused {
				requireParts(t, message, "IPAddressType", "Stack/VPC/PublicSubnet1 has none", "DUAL_STACK")
			}
		})
	}
}

// twoProcesses is an environment of each kind with a second process.
func twoProcesses(stack awscdk.Stack, kind string) *elasticbeanstalk.Environment {
	vpc := newVPC(stack)
	props := dedicated(vpc)
	if kind == "shared" {
		props = shared(vpc, newLoadBalancer(stack, vpc))
	}
	props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}}
	return elasticbeanstalk.NewEnvironment(stack, "Web", props)
}

func TestAnAlarmWithoutHealthyHosts(t *testing.T) {
	for kind, lb := range map[string]string{
		"shared": "Stack/LB", "dedicated": "Stack/Web/LoadBalancerARN.StackResourceDetail.PhysicalResourceId",
	} {
		t.Run(kind, func(t *testing.T) {
			stack := newStack(t)
			environment := twoProcesses(stack, kind)
			alarm := environment.NoHealthyHostAlarm("default")
			if environment.NoHealthyHostAlarm("default") != alarm {
				t.Error("the second call returns another alarm")
			}
			environment.NoHealthyHostAlarm("api")
			template := synth(t, stack)
			for name, group := range map[string]string{
				"Stack/Web/NoHealthyHostAlarm":     "Stack/Web/TargetGroupARN.StackResourceDetail.PhysicalResourceId",
				"Stack/Web/NoHealthyHostAlarm-api": "Stack/Web/TargetGroupARN-api",
			} {
				resource := template.Resources[name]
				for path, want := range map[string]string{
					"Namespace": "AWS/ApplicationELB", "MetricName": "HealthyHostCount", "Statistic": "Maximum", "Period": "60",
					"Threshold": "1", "ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": "3", "TreatMissingData": "breaching",
				} {
					if got := resource.Property(path); got != want {
						t.Errorf("%s: %s is %q, want %q", name, path, got, want)
					}
				}
				// Both names are cut out of ARNs that a deployment knows.
				requireParts(t, resource.Property("Dimensions"), `"Name":"TargetGroup"`, group, `"Name":"LoadBalancer"`, lb)
			}
		})
	}
}

func TestTargetGroupsOfFurtherProcesses(t *testing.T) {
	stack := newStack(t)
	environment := twoProcesses(stack, "shared")
	group := environment.TargetGroupOf("api")
	if environment.TargetGroupOf("api") != group || environment.TargetGroupOf("default") != environment.TargetGroup() {
		t.Error("a second call returns another target group")
	}
	awscdk.NewCfnOutput(stack, jsii.String("ARN"), &awscdk.CfnOutputProps{Value: group.TargetGroupArn()})
	// Later than the target group was asked for.
	environment.AddOptionSettings(option.Setting{Namespace: "aws:elasticbeanstalk:environment:process:api", OptionName: "HealthCheckPath", Value: "/up/"})
	template := synth(t, stack)

	const id = "${Stack/Web/EnvironmentID.Environments.0.EnvironmentId}"
	found := template.Resources["Stack/Web/TargetGroupARN-api"]
	for path, want := range map[string]string{
		"StackName": "awseb-" + id + "-stack", "Protocol": "HTTP", "Port": "8080", "HealthCheckPath": "/up/", "ServiceTimeout": "300",
	} {
		if got := found.Property(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if got := template.Outputs["ARN"]; got != "${Stack/Web/TargetGroupARN-api}" {
		t.Errorf("the ARN is %q", got)
	}
	if got, want := template.Resources["Stack/Web/TargetGroupRights-api"].Property("PolicyDocument.Statement"),
		`[{"Action":"cloudformation:DescribeStackResources","Effect":"Allow","Resource":"arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/awseb-`+id+
			`-stack/*"},{"Action":"elasticloadbalancing:DescribeTargetGroups","Effect":"Allow","Resource":"*"}]`; got != want {
		t.Errorf("its rights are\n%s\nwant\n%s", got, want)
	}
	if !found.Before()["Stack/Web/TargetGroupRights-api"] {
		t.Error("the function may be called before it has its rights")
	}
	code := template.Resources[strings.TrimPrefix(strings.TrimSuffix(found.Property("ServiceToken"), ".Arn}"), "${")].Property("Code.ZipFile")
	if len(code) == 0 || len(code) > 4096 {
		t.Errorf("the function has %d characters; CloudFormation takes 1 to 4096 inline", len(code))
	}
}

func TestProcessesThatCannotBeToldApartAreRefused(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}, "twin": {Port: 8080}}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	requireParts(t, panicOf(func() { environment.TargetGroupOf("api") }), "Stack/Web", `"api" and "twin"`, "HTTP:8080/healthz/")
	requireParts(t, panicOf(func() { environment.TargetGroupOf("app") }), "Stack/Web", `no process "app"`, `"api" "default" "twin"`)
	environment.TargetGroup() // found by its name
}

func TestTheDeployedHealthCheckIsAskedForAnewWithEveryChange(t *testing.T) {
	deployed := func(change func(*elasticbeanstalk.Environment)) (*templatetest.Template, map[string]string) {
		stack := newStack(t)
		environment := twoProcesses(stack, "shared")
		for _, process := range []string{"default", "api", "default"} {
			path, codes := environment.DeployedHealthCheck(process)
			if node := stack.Node(); node.TryFindChild(jsii.String("Path"+process)) == nil {
				awscdk.NewCfnOutput(stack, jsii.String("Path"+process), &awscdk.CfnOutputProps{Value: &path})
				awscdk.NewCfnOutput(stack, jsii.String("Codes"+process), &awscdk.CfnOutputProps{Value: &codes})
			}
		}
		change(environment)
		template := synth(t, stack)
		ids := map[string]string{}
		for _, name := range []string{"HealthCheck", "HealthCheck-api"} {
			ids[name] = callOf(t, template.Resources["Stack/Web/"+name], "Update").PhysicalResourceID.ID
		}
		return template, ids
	}
	template, before := deployed(func(*elasticbeanstalk.Environment) {})
	for output, want := range map[string]string{
		"Pathdefault":  "${Stack/Web/HealthCheck.TargetGroups.0.HealthCheckPath}",
		"Codesdefault": "${Stack/Web/HealthCheck.TargetGroups.0.Matcher.HttpCode}",
		"Pathapi":      "${Stack/Web/HealthCheck-api.TargetGroups.0.HealthCheckPath}",
		"Codesapi":     "${Stack/Web/HealthCheck-api.TargetGroups.0.Matcher.HttpCode}",
	} {
		if got := template.Outputs[output]; got != want {
			t.Errorf("%s is %q, want %q", output, got, want)
		}
	}
	question, err := json.Marshal(callOf(t, template.Resources["Stack/Web/HealthCheck-api"], "Create").Parameters)
	if err != nil || string(question) != `{"TargetGroupArns":["${Stack/Web/TargetGroupARN-api}"]}` {
		t.Errorf("it asks for %s (%v)", question, err)
	}
	_, after := deployed(func(e *elasticbeanstalk.Environment) {
		e.AddOptionSettings(option.Setting{Namespace: "aws:elasticbeanstalk:environment:process:default", OptionName: "MatcherHTTPCode", Value: "200"})
	})
	if before["HealthCheck"] == after["HealthCheck"] || before["HealthCheck-api"] != after["HealthCheck-api"] {
		t.Errorf("success codes of the default process changed: the answers are kept under %v, before under %v", slices.Sorted(maps.Values(after)), slices.Sorted(maps.Values(before)))
	}
}

func TestOneFunctionFindsTheTargetGroupsOfAll(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	for _, id := range []string{"Web", "Shop"} {
		props := dedicated(vpc)
		props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}, "admin": {Port: 8081}}
		environment := elasticbeanstalk.NewEnvironment(stack, id, props)
		environment.TargetGroupOf("api")
		environment.TargetGroupOf("admin")
	}
	template := synth(t, stack)
	found := template.OfType("Custom::ElasticBeanstalkTargetGroup")
	functions := map[string]bool{}
	for _, r := range found {
		functions[r.Property("ServiceToken")] = true
	}
	if len(found) != 4 || len(functions) != 1 {
		t.Errorf("%d target groups are looked for by %d functions, want 4 by one", len(found), len(functions))
	}
}
