package elasticbeanstalk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawselasticbeanstalk"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Props can be judged without a construct: these stand in for what only the CDK can make.
type (
	someVPC struct{ awsec2.IVpc }
	someLB  struct {
		awselasticloadbalancingv2.IApplicationLoadBalancer
	}
	someBucket    struct{ awss3.IBucket }
	someSecret    struct{ awssecretsmanager.ISecret }
	someParameter struct{ awsssm.IParameter }
	somePolicy    struct{ awsiam.IManagedPolicy }
	someTopic     struct{ awssns.ITopic }
	someQueue     struct{ awssqs.IQueue }
	someRole      struct{ awsiam.IRole }

	someApplication struct {
		interfacesawselasticbeanstalk.IApplicationRef
	}
)

func TestValidateSaysWhatWhereAndWhatIsAllowed(t *testing.T) {
	type props = elasticbeanstalk.EnvironmentProps
	number := func(n int) *int { return &n }
	setting := func(namespace, name, value string) option.Setting {
		return option.Setting{Namespace: namespace, OptionName: name, Value: value}
	}
	for _, c := range []struct {
		name   string
		change func(*props)
		parts  []string
	}{
		{"no VPC", func(p *props) { p.Network.VPC = nil }, []string{"Network: VPC: is required"}},
		{"no source", func(p *props) { p.Source.Path = "" }, []string{"Source: "}},
		{"missing source", func(p *props) { p.Source.Path = "testdata/none" }, []string{"Source: ", "testdata/none"}},
		{"long application name", func(p *props) { p.ApplicationName = strings.Repeat("ü", 101) }, []string{"ApplicationName: has 101 characters", "100"}},
		{"short environment name", func(p *props) { p.EnvironmentName = "abc" }, []string{"EnvironmentName: ", `"abc"`, "4 to 40"}},
		{"environment name with a space", func(p *props) { p.EnvironmentName = "my site" }, []string{"EnvironmentName: ", `"my site"`, "letters, digits and hyphens"}},
		{"long description", func(p *props) { p.Description = strings.Repeat("ü", 201) }, []string{"Description: has 201 characters", "200"}},
		{"CNAME", func(p *props) { p.CNAMEPrefix = "shop.example" }, []string{"CNAMEPrefix: ", `"shop.example"`, "4 to 63"}},
		{"CNAME of a worker", func(p *props) { p.Tier, p.CNAMEPrefix = option.Worker, "shop" }, []string{"CNAMEPrefix: ", "worker", "leave it out"}},
		{"name of an application that exists", func(p *props) { p.Application, p.ApplicationName = someApplication{}, "shop" }, []string{"ApplicationName: ", "remove one of the two"}},
		{"lifecycle of an application that exists", func(p *props) { p.Application, p.VersionLifecycle.MaxCount = someApplication{}, 7 }, []string{"VersionLifecycle: ", "set it where Application is"}},
		{"two lifecycle rules", func(p *props) { p.VersionLifecycle = elasticbeanstalk.VersionLifecycle{MaxCount: 1, MaxAgeInDays: 1} }, []string{"VersionLifecycle: MaxAgeInDays: ", "MaxCount"}},
		{"no versions", func(p *props) { p.VersionLifecycle.MaxCount = -1 }, []string{"VersionLifecycle: MaxCount: -1"}},
		{"no days", func(p *props) { p.VersionLifecycle.MaxAgeInDays = -1 }, []string{"VersionLifecycle: MaxAgeInDays: -1"}},
		{"version of no application", func(p *props) { p.Source, p.VersionLabel = bundle.Source{}, "v1" }, []string{"VersionLabel: ", "give Application"}},
		{"version and source", func(p *props) { p.Application, p.VersionLabel = someApplication{}, "v1" }, []string{"Source: VersionLabel names a version that exists"}},
		{"label", func(p *props) { p.Application, p.VersionLabel = someApplication{}, strings.Repeat("a", 101) }, []string{"VersionLabel: has 101 characters", "100"}},
		{"what a version that is made cannot carry", func(p *props) {
			p.Source, p.Application, p.VersionLabel = bundle.Source{}, someApplication{}, "v1"
			p.Health.HealthCheckType = elasticbeanstalk.HealthCheckELB
		}, []string{"Health: HealthCheckType: travels in the source bundle", "VersionLabel"}},
		{"the redirect of a version that is made", func(p *props) {
			p.Source, p.Application, p.VersionLabel = bundle.Source{}, someApplication{}, "v1"
			p.LoadBalancer.CertificateARNs = []string{certificate}
		}, []string{"LoadBalancer: CertificateARNs: travels in the source bundle", "or set LoadBalancer.AllowHTTP, which leaves the redirect to HTTPS out"}},
		{"reserved tag", func(p *props) { p.Tags = map[string]string{"AWS:team": "a", "elasticbeanstalk:x": "b", "Name": "c"} },
			[]string{`Tags["AWS:team"]: is a tag of AWS's own`, `Tags["elasticbeanstalk:x"]: is a tag of AWS's own`, `Tags["Name"]: is a tag of AWS's own`}},
		{"tags that are none", func(p *props) { p.Tags = map[string]string{"": "a", "a": "", "b": strings.Repeat("b", 257), "c": "c;"} },
			[]string{`Tags[""]: is not a key`, `Tags["a"]: the value ""`, `Tags["b"]: the value "bb`, `Tags["c"]: the value "c;"`}},
		{"too many tags", func(p *props) {
			p.Tags = map[string]string{}
			for i := range 48 {
				p.Tags[fmt.Sprint(i)] = "x"
			}
		}, []string{"Tags: 48 tags", "47"}},
		{"platform version", func(p *props) { p.Platform.Version = "latest" }, []string{"Platform: Version: ", `"latest"`, "4.13.7"}},
		{"window without managed updates", func(p *props) { p.Platform.DisableManagedUpdates = true; p.Platform.UpdateLevel = "patch" },
			[]string{"Platform: ", "UpdateLevel", "DisableManagedUpdates"}},
		{"window", func(p *props) { p.Platform.PreferredStartTime = "Sunday" }, []string{"PreferredStartTime", "Sunday"}},
		{"update level", func(p *props) { p.Platform.UpdateLevel = "major" }, []string{"UpdateLevel", "major", "minor"}},
		{"internal shared", func(p *props) { p.LoadBalancer.Shared, p.LoadBalancer.Internal = someLB{}, true }, []string{"LoadBalancer: Internal: ", "Shared"}},
		{"certificate of a shared one", func(p *props) {
			p.LoadBalancer.Shared, p.LoadBalancer.CertificateARNs = someLB{}, []string{"arn:aws:acm:::certificate/a"}
		}, []string{"LoadBalancer: CertificateARNs: ", "Shared"}},
		{"logs of a shared one", func(p *props) { p.LoadBalancer.Shared, p.LoadBalancer.AccessLogs = someLB{}, someBucket{} }, []string{"LoadBalancer: AccessLogs: ", "Shared"}},
		{"subnets of a shared one", func(p *props) {
			p.LoadBalancer.Shared, p.Network.LoadBalancerSubnets = someLB{}, &awsec2.SubnetSelection{}
		}, []string{"Network: LoadBalancerSubnets: ", "LoadBalancer.Shared"}},
		{"policy without a certificate", func(p *props) { p.LoadBalancer.SSLPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06" }, []string{"LoadBalancer: SSLPolicy: ", "CertificateARNs"}},
		{"certificate", func(p *props) { p.LoadBalancer.CertificateARNs = []string{"www.example.com"} }, []string{"LoadBalancer: CertificateARNs[0]: ", `"www.example.com"`, "ARN"}},
		{"attributes of a shared one", func(p *props) {
			p.LoadBalancer = elasticbeanstalk.LoadBalancer{
				Shared: someLB{}, IPAddressType: "dualstack", SecurityGroups: []awsec2.ISecurityGroup{nil}, AllowHTTP: true, DisableHTTPListener: true,
				Listeners: map[int]elasticbeanstalk.Listener{8080: {}}, Rules: map[string]elasticbeanstalk.ListenerRule{"api": {}}, IdleTimeout: 1,
				DropInvalidHeaderFields: true, DeletionProtection: true, WebACLARN: "arn:aws:wafv2", AccessLogsPrefix: "web", DisableAccessLogs: true,
			}
		}, []string{"LoadBalancer: IPAddressType: is for a dedicated", "SecurityGroups: is", "AllowHTTP: is", "DisableHTTPListener: is", "Listeners: is", "Rules: is",
			"IdleTimeout: is", "DropInvalidHeaderFields: is", "DeletionProtection: is", "WebACLARN: is", "AccessLogsPrefix: is", "DisableAccessLogs: is"}},
		{"address type", func(p *props) { p.LoadBalancer.IPAddressType = "ipv6" }, []string{`LoadBalancer: IPAddressType: "ipv6"`, "dualstack"}},
		{"HTTP without HTTPS", func(p *props) { p.LoadBalancer.AllowHTTP = true }, []string{"LoadBalancer: AllowHTTP: has no effect without CertificateARNs"}},
		{"no listener", func(p *props) { p.LoadBalancer.DisableHTTPListener = true }, []string{"LoadBalancer: DisableHTTPListener: leaves no listener"}},
		{"idle timeout", func(p *props) { p.LoadBalancer.IdleTimeout = 2 * time.Hour }, []string{"LoadBalancer: IdleTimeout: 2h0m0s", "1h"}},
		{"web ACL", func(p *props) { p.LoadBalancer.WebACLARN = "my-acl" }, []string{`LoadBalancer: WebACLARN: "my-acl"`, "regional"}},
		{"no web ACL of AWS WAF", func(p *props) {
			p.LoadBalancer.WebACLARN = "arn:aws:wafv2:eu-central-1:123456789012:regional/ipset/x/01234567-89ab-cdef-0123-456789abcdef"
		}, []string{"LoadBalancer: WebACLARN: ", "regional/ipset/x", "regional/webacl"}},
		{"web ACL of CloudFront", func(p *props) {
			p.LoadBalancer.WebACLARN = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b"
		}, []string{"LoadBalancer: WebACLARN: ", "regional"}},
		{"prefix without logs", func(p *props) { p.LoadBalancer.DisableAccessLogs, p.LoadBalancer.AccessLogsPrefix = true, "web" },
			[]string{"LoadBalancer: AccessLogsPrefix: has no effect with DisableAccessLogs"}},
		{"prefix", func(p *props) { p.LoadBalancer.AccessLogsPrefix = "web/" }, []string{`LoadBalancer: AccessLogsPrefix: "web/"`, "slash"}},
		{"listener on 443", func(p *props) { p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{443: {}} }, []string{"LoadBalancer: Listeners[443]: ", "CertificateARNs"}},
		{"listener", func(p *props) {
			p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{8443: {SSLPolicy: "x", DefaultProcess: "api", CertificateARNs: []string{"x"}}, 70000: {SSLPolicy: "x"}}
		}, []string{`LoadBalancer: Listeners[8443]: CertificateARNs[0]: "x"`, `Listeners[8443]: DefaultProcess: there is no process "api"`, "Listeners[70000]: is not a port", "Listeners[70000]: SSLPolicy: "}},
		{"certificate of a listener", func(p *props) {
			p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{8443: {CertificateARNs: []string{"arn:aws:s3:::certificates"}}}
		}, []string{"LoadBalancer: Listeners[8443]: CertificateARNs: ", "arn:aws:s3:::certificates"}},
		{"nothing in lists", func(p *props) {
			p.Network.SecurityGroups, p.LoadBalancer.SecurityGroups = []awsec2.ISecurityGroup{nil}, []awsec2.ISecurityGroup{nil}
		}, []string{"Network: SecurityGroups[0]: is nil", "LoadBalancer: SecurityGroups[0]: is nil"}},
		{"no client", func(p *props) {
			p.EnvironmentType, p.Network.Clients = elasticbeanstalk.SingleInstance, []awsec2.IPeer{nil}
		}, []string{"Network: Clients[0]: is nil"}},
		{"certificate twice", func(p *props) {
			p.LoadBalancer.CertificateARNs = []string{certificate, certificate}
			p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{8443: {CertificateARNs: []string{certificate, certificate}}}
		}, []string{"LoadBalancer: CertificateARNs[1]: has no effect", "remove it", "LoadBalancer: Listeners[8443]: CertificateARNs[1]: has no effect"}},
		{"a listener that is none", func(p *props) {
			p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{8443: {Disabled: true, CertificateARNs: []string{certificate}, SSLPolicy: "x", DefaultProcess: "default"}}
		}, []string{"LoadBalancer: Listeners[8443]: CertificateARNs: has no effect with Disabled", "Listeners[8443]: SSLPolicy: has no effect with Disabled", "Listeners[8443]: DefaultProcess: has no effect with Disabled"}},
		{"rule on no listener", func(p *props) {
			p.LoadBalancer.DisableHTTPListener, p.LoadBalancer.Listeners = true, map[int]elasticbeanstalk.Listener{8080: {}}
			p.LoadBalancer.Rules = map[string]elasticbeanstalk.ListenerRule{"api": {PathPatterns: []string{"/api/*"}, Priority: 1}}
		}, []string{`LoadBalancer: Rules["api"]: Ports: there is no listener on port 80 or 443`, "[8080]"}},
		{"hosts of a shared one", func(p *props) {
			low, high := 1.0, 2.0
			p.LoadBalancer.Shared = someLB{}
			p.Capacity.Trigger = elasticbeanstalk.Trigger{MeasureName: "HealthyHostCount", LowerThreshold: &low, UpperThreshold: &high}
		}, []string{"Capacity: Trigger: MeasureName: HealthyHostCount is for a dedicated load balancer"}},
		{"rules", func(p *props) {
			p.LoadBalancer.CertificateARNs = []string{"arn:aws:acm:eu-central-1:123456789012:certificate/a"}
			p.LoadBalancer.Rules = map[string]elasticbeanstalk.ListenerRule{
				"default": {PathPatterns: []string{"/a"}, Priority: 1}, "none": {Priority: 2}, "many": {HostHeaders: []string{"a.b", "b.b", "c.b", "d.b", "e.b"}, Priority: 3}, "all": {HostHeaders: []string{"*"}, Priority: 4},
				"wrong": {PathPatterns: []string{"api"}, HostHeaders: []string{"https://a"}, Process: "api", Ports: []int{80, 8080}},
			}
		}, []string{`LoadBalancer: Rules["default"]: is not a rule name`, `Rules["none"]: takes every request`, `Rules["many"]: has 6 host names and paths (a.b, b.b, c.b, d.b, e.b, /*)`, `Rules["all"]: HostHeaders[0]: "*"`,
			`Rules["wrong"]: PathPatterns[0]: "api"`, `Rules["wrong"]: HostHeaders[0]: "https://a"`, `Rules["wrong"]: Process: there is no process "api"`,
			`Rules["wrong"]: Priority: 0`, `Rules["wrong"]: Ports[0]: the listener on port 80 redirects`, `Rules["wrong"]: Ports[1]: there is no listener on port 8080; the listeners are on [80 443]`}},
		{"priority twice", func(p *props) {
			p.LoadBalancer.Rules = map[string]elasticbeanstalk.ListenerRule{
				"a": {PathPatterns: []string{"/a"}, Priority: 7}, "b": {PathPatterns: []string{"/b"}, Priority: 7},
			}
		}, []string{`LoadBalancer: Rules["b"]: Priority: `, "same priority 7"}},
		{"raw scheme", func(p *props) { p.OptionSettings = []option.Setting{setting("aws:ec2:vpc", "ELBScheme", "internal")} },
			[]string{"OptionSettings: aws:ec2:vpc ELBScheme: ", "LoadBalancer.Internal"}},
		{"raw listener", func(p *props) {
			p.OptionSettings = []option.Setting{setting("aws:elbv2:listener:default", "ListenerEnabled", "false"), setting("aws:elbv2:listener:8080", "Protocol", "HTTP")}
		}, []string{"OptionSettings: aws:elbv2:listener:default ListenerEnabled: ", "DisableHTTPListener", "OptionSettings: aws:elbv2:listener:8080 Protocol: "}},
		{"no default process", func(p *props) { p.Processes = map[string]elasticbeanstalk.Process{"api": {}} }, []string{"Processes: ", `"default"`}},
		{"process name", func(p *props) { p.Processes = map[string]elasticbeanstalk.Process{"default": {}, "a b": {}} }, []string{`Processes["a b"]: `, "process name"}},
		{"port", func(p *props) { p.Processes = map[string]elasticbeanstalk.Process{"default": {Port: 70000}} }, []string{`Processes["default"]: Port: 70000`, "65535"}},
		{"raw traffic splitting", func(p *props) {
			p.LoadBalancer.Shared = struct {
				awselasticloadbalancingv2.IApplicationLoadBalancer
			}{}
			p.OptionSettings = []option.Setting{{Namespace: "aws:elasticbeanstalk:command", OptionName: "DeploymentPolicy", Value: "TrafficSplitting"}}
		}, []string{"OptionSettings: aws:elasticbeanstalk:command DeploymentPolicy: TrafficSplitting re-weights"}},
		{"half a branch", func(p *props) { p.Platform.Branch = "Python 3.13" }, []string{`Platform: Branch: "Python 3.13"`, "running on 64bit"}},
		{"raw port", func(p *props) {
			p.OptionSettings = []option.Setting{{Namespace: "aws:elasticbeanstalk:environment:process:default", OptionName: "Port", Value: "8080"}}
		}, []string{"OptionSettings: aws:elasticbeanstalk:environment:process:default Port: ", `Processes["default"]`}},
		{"protocol", func(p *props) { p.Processes = map[string]elasticbeanstalk.Process{"default": {Protocol: "TCP"}} }, []string{`Processes["default"]: Protocol: "TCP"`, "HTTPS"}},
		{"stickiness", func(p *props) {
			p.Processes = map[string]elasticbeanstalk.Process{"default": {StickinessDuration: 8 * 24 * time.Hour}}
		}, []string{`Processes["default"]: StickinessDuration: `, "168h"}},
		{"path", func(p *props) {
			p.Processes = map[string]elasticbeanstalk.Process{"default": {HealthCheck: health.Check{Path: "healthz/"}}}
		}, []string{`Processes["default"]: HealthCheck: Path: "healthz/"`, "slash"}},
		{"success codes", func(p *props) {
			p.Processes = map[string]elasticbeanstalk.Process{"default": {HealthCheck: health.Check{SuccessCodes: "200-299,301"}}}
		}, []string{`Processes["default"]: HealthCheck: SuccessCodes: `, "200-299,301", "cannot be mixed"}},
		{"interval", func(p *props) {
			p.Processes = map[string]elasticbeanstalk.Process{"default": {HealthCheck: health.Check{Interval: 5 * time.Second}}}
		}, []string{`Processes["default"]: HealthCheck: Interval: 5s must be longer than Timeout`}},
		{"no instances", func(p *props) { p.Capacity.MaxSize = number(0) }, []string{"Capacity: MaxSize: 0"}},
		{"bounds", func(p *props) { p.Capacity.MinSize, p.Capacity.MaxSize = number(5), number(3) }, []string{"MinSize", "MaxSize", "5", "3"}},
		{"instance type", func(p *props) { p.Capacity.InstanceTypes = []string{"t3.small", "large"} }, []string{`Capacity: InstanceTypes[1]: "large"`}},
		{"policy", func(p *props) { p.Deployment.Policy = "BlueGreen" }, []string{`Deployment: Policy: "BlueGreen"`, "Immutable"}},
		{"traffic splitting on a shared one", func(p *props) {
			p.LoadBalancer.Shared, p.Deployment.Policy = someLB{}, elasticbeanstalk.TrafficSplitting
		},
			[]string{"Deployment: Policy: TrafficSplitting", "shared load balancer", "Immutable"}},
		{"batch of an immutable update", func(p *props) { p.Deployment.Policy, p.Deployment.BatchSize = elasticbeanstalk.Immutable, 2 }, []string{"Deployment: BatchSize: ", "Immutable"}},
		{"timeout", func(p *props) { p.Deployment.Timeout = 2 * time.Hour }, []string{"Deployment: Timeout: 2h0m0s", "1h"}},
		{"retention", func(p *props) { p.Logs.RetentionInDays = 31 }, []string{"RetentionInDays", "31"}},
		{"retention of nothing", func(p *props) { p.Logs.DisableStreaming, p.Logs.RetentionInDays = true, 7 }, []string{"Logs: ", "RetentionInDays", "DisableStreaming"}},
		{"no secret", func(p *props) { p.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {}} }, []string{`Secrets["KEY"]: SecretsManager, Parameter or ARN: one is required`}},
		{"JSON key", func(p *props) {
			p.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {SecretsManager: someSecret{}, JSONKey: "a:b"}}
		}, []string{`Secrets["KEY"]: JSONKey: "a:b"`}},
		{"secret twice", func(p *props) {
			p.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {SecretsManager: someSecret{}, Parameter: someParameter{}}}
		}, []string{`Secrets["KEY"]: SecretsManager, Parameter and ARN: 2 of them`}},
		{"JSON key of a parameter", func(p *props) {
			p.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {Parameter: someParameter{}, JSONKey: "a"}}
		}, []string{`Secrets["KEY"]: JSONKey: is for Secrets Manager`}},
		{"basic health", func(p *props) {
			p.Health.SystemType, p.Health.IgnoreApplicationRequests4xx = elasticbeanstalk.BasicHealth, true
		}, []string{`Health: SystemType: "basic" is not enough for managed updates`, "set Platform.DisableManagedUpdates", `Health: IgnoreApplicationRequests4xx: has no effect with SystemType "basic"`}},
		{"health system", func(p *props) { p.Health.SystemType = "better" }, []string{`Health: SystemType: "better"`, `"enhanced" or "basic"`}},
		{"success threshold", func(p *props) { p.Health.HealthCheckSuccessThreshold = "Fine" }, []string{"Health: HealthCheckSuccessThreshold", `"Fine"`, "Degraded"}},
		{"misspelt metric", func(p *props) { p.Health.EnvironmentMetrics = []string{"InstancesOk", "ApplicationLatencyP59"} },
			[]string{`Health: EnvironmentMetrics[1]: "ApplicationLatencyP59"`}},
		{"metric in other words", func(p *props) { p.Health.InstanceMetrics = []string{"LoadAverage1Min"} },
			[]string{`Health: InstanceMetrics[0]: "LoadAverage1Min"`, "did you mean LoadAverage1min?"}},
		{"metric of instances", func(p *props) { p.Health.EnvironmentMetrics = []string{"CPUIdle"} }, []string{`Health: EnvironmentMetrics[0]: "CPUIdle"`, "give it in InstanceMetrics"}},
		{"metric of the environment", func(p *props) { p.Health.InstanceMetrics = []string{"InstancesOk"} }, []string{`"InstancesOk"`, "give it in EnvironmentMetrics"}},
		{"free metric", func(p *props) { p.Health.EnvironmentMetrics = []string{"EnvironmentHealth"} }, []string{"EnvironmentHealth is always published"}},
		{"unknown metric", func(p *props) { p.Health.InstanceMetrics = []string{"Memory"} }, []string{`"Memory"`, "RootFilesystemUtil"}},
		{"retention of no stream", func(p *props) { p.Health.RetentionInDays = 7 }, []string{"Health: RetentionInDays", "HealthStreamingEnabled"}},
		{"retention of health", func(p *props) { p.Health.HealthStreamingEnabled, p.Health.RetentionInDays = true, 31 }, []string{"Health: RetentionInDays", "31"}},
		{"replacement by whom", func(p *props) { p.Health.HealthCheckType = "ALB" }, []string{`Health: HealthCheckType: "ALB"`, `"EC2" or "ELB"`}},
		{"grace of no replacement", func(p *props) { p.Health.HealthCheckGracePeriod = time.Minute }, []string{"Health: HealthCheckGracePeriod", `"ELB"`}},
		{"half a second of grace", func(p *props) {
			p.Health.HealthCheckType, p.Health.HealthCheckGracePeriod = elasticbeanstalk.HealthCheckELB, 500*time.Millisecond
		}, []string{"Health: HealthCheckGracePeriod: 500ms", "whole seconds"}},
		{"topic and endpoint", func(p *props) { p.Notifications.Topic, p.Notifications.Endpoint = someTopic{}, "ops@example.com" }, []string{"Notifications: Endpoint: Topic is given too"}},
		{"protocol of nothing", func(p *props) { p.Notifications.Protocol = "https" }, []string{"Notifications: Protocol: has no effect"}},
		{"no address", func(p *props) { p.Notifications.Endpoint = "example.com" }, []string{`Notifications: Endpoint: "example.com"`, "e-mail"}},
		{"wrong scheme", func(p *props) {
			p.Notifications.Endpoint, p.Notifications.Protocol = "http://example.com", "https"
		}, []string{`Notifications: Endpoint: "http://example.com" does not begin with "https://"`}},
		{"protocol", func(p *props) { p.Notifications.Endpoint, p.Notifications.Protocol = "ops@example.com", "lambda" }, []string{"Notifications: Protocol", `"lambda"`, "email-json"}},
		{"boundary of nothing", func(p *props) {
			p.Roles.Instance, p.Roles.Service, p.Roles.PermissionsBoundary = someRole{}, someRole{}, somePolicy{}
		}, []string{"Roles: PermissionsBoundary: has no effect"}},
		{"policies of another's role", func(p *props) {
			p.Roles.Instance, p.Roles.InstanceManagedPolicies = someRole{}, []awsiam.IManagedPolicy{somePolicy{}}
		}, []string{"Roles: InstanceManagedPolicies: Instance is made elsewhere"}},
		{"no policy", func(p *props) { p.Roles.InstanceManagedPolicies = []awsiam.IManagedPolicy{nil} }, []string{"Roles: InstanceManagedPolicies[0]: is nil"}},
		{"a variable twice", func(p *props) {
			p.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {SecretsManager: someSecret{}}}
			p.Environment = map[string]string{"KEY": "plain"}
		}, []string{`Secrets["KEY"]: is in Environment too`}},
		{"too many variables", func(p *props) { p.Environment = map[string]string{"BIG": strings.Repeat("a", 4096)} }, []string{"4096"}},
		{"unknown namespace", func(p *props) { p.OptionSettings = []option.Setting{setting("aws:autoscaling:asgs", "MinSize", "1")} },
			[]string{"aws:autoscaling:asgs", "aws:autoscaling:asg"}},
		{"unknown option", func(p *props) { p.OptionSettings = []option.Setting{setting("aws:autoscaling:asg", "MinSise", "1")} }, []string{"MinSise", "MinSize"}},
		{"value out of range", func(p *props) {
			p.OptionSettings = []option.Setting{setting("aws:elasticbeanstalk:command", "Timeout", "5000")}
		}, []string{"Timeout", "5000", "3600"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := dedicated(someVPC{})
			c.change(p)
			err := p.Validate()
			if err == nil {
				t.Fatal("nothing is refused")
			}
			requireParts(t, err.Error(), c.parts...)
		})
	}
}

func TestValidateTakesTheSmallestProps(t *testing.T) {
	if err := dedicated(someVPC{}).Validate(); err != nil {
		t.Errorf("dedicated: %v", err)
	}
	if err := shared(someVPC{}, someLB{}).Validate(); err != nil {
		t.Errorf("shared: %v", err)
	}
	for _, policy := range []elasticbeanstalk.DeploymentPolicy{"", elasticbeanstalk.AllAtOnce, elasticbeanstalk.Rolling,
		elasticbeanstalk.RollingWithAdditionalBatch, elasticbeanstalk.Immutable, elasticbeanstalk.TrafficSplitting} {
		p := dedicated(someVPC{})
		p.Deployment.Policy = policy
		if err := p.Validate(); err != nil {
			t.Errorf("deployment policy %q: %v", policy, err)
		}
	}
}

func TestEverythingThatIsWrongIsSaidAtOnceBeforeAnythingIsAdded(t *testing.T) {
	stack := newStack(t)
	five, three := 5, 3
	props := &elasticbeanstalk.EnvironmentProps{
		EnvironmentName: "x",
		Processes:       map[string]elasticbeanstalk.Process{"default": {Port: -1, HealthCheck: health.Check{Path: "up", SuccessCodes: "99"}}},
		Capacity:        elasticbeanstalk.Capacity{MinSize: &five, MaxSize: &three},
		Deployment:      elasticbeanstalk.Deployment{Policy: "Blue"},
		OptionSettings:  []option.Setting{{Namespace: "aws:autoscaling:asg", OptionName: "Min", Value: "1"}},
	}
	message := panicOf(func() { elasticbeanstalk.NewEnvironment(stack, "Web", props) })
	want := []string{"Source: ", "EnvironmentName: ", `Processes["default"]: Port: -1`, `Processes["default"]: HealthCheck: Path: "up"`,
		`Processes["default"]: HealthCheck: SuccessCodes: `, `Deployment: Policy: "Blue"`, "Network: VPC: ",
		"Capacity: MinSize: MinSize 5", "OptionSettings: aws:autoscaling:asg Min: "}
	requireParts(t, message, append(want, "Stack/Web:\n")...)
	if n := strings.Count(message, "\n"); n != len(want) {
		t.Errorf("%d problems, want each of the %d once:\n%s", n, len(want), message)
	}
	if stack.Node().TryFindChild(jsii.String("Web")) != nil {
		t.Error("the environment is in the tree all the same")
	}
	requireParts(t, panicOf(func() { elasticbeanstalk.NewEnvironment(stack, "Web", nil) }), "Stack/Web:\n", "EnvironmentProps is nil", "Source and Network.VPC are required")
}
