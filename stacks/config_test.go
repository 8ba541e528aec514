package stacks_test

import (
	"reflect"
	"strings"
	"testing"

	"example.com/beanpole-cdk/stacks"
)

func TestLoadConfigSaysWhatIsWrongAndWhere(t *testing.T) {
	const certificate = `"certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/a"`
	for _, c := range []struct {
		name         string
		environments string
		paths        map[string]any
		parts        []string
	}{
		{"unknown key", `{"production": {"capcity": {}}}`, nil, []string{"beanpole.environments.production.capcity: ", `did you mean "capacity"?`}},
		{"unknown nested key", `{"production": {"capacity": {"maxSise": 2}}}`, nil, []string{"beanpole.environments.production.capacity.maxSise: ", `"maxSize"`}},
		{"key in other case", `{"production": {"Domains": []}}`, nil, []string{"beanpole.environments.production.Domains: ", `"domains"`}},
		{"key unlike any", `{"production": {"zzz": 1}}`, nil, []string{"beanpole.environments.production.zzz: ", "the keys here are account, region, "}},
		{"unknown key at the top", `{"production": {}}, "sorce": "."`, nil, []string{"beanpole.sorce: ", `"source"`}},
		{"unknown path", `{"production": {}}`, map[string]any{"environments.production.capacity.maxSise": "2"}, []string{"beanpole.environments.production.capacity.maxSise: ", `"maxSize"`}},
		{"text for a number", `{"production": {"numThreads": "15"}}`, nil, []string{"beanpole.environments.production.numThreads: must be a whole number", `"15"`}},
		{"a number for text", `{"production": {"variables": {"WORKERS": 2}}}`, nil, []string{"beanpole.environments.production.variables.WORKERS: must be text", "2"}},
		{"text for a boolean", `{"production": {}}, "migrate": "yes"`, nil, []string{"beanpole.migrate: must be true or false", `"yes"`}},
		{"text for a list", `{"production": {"domains": "www.example.com"}}`, nil, []string{"beanpole.environments.production.domains: must be a list", "www.example.com"}},
		{"a list for an object", `{"production": {"capacity": [2, 4]}}`, nil, []string{"beanpole.environments.production.capacity: must be an object", "[2,4]"}},
		{"text for an object", `"production"`, nil, []string{"beanpole.environments: must be an object", `"production"`}},
		{"a number in a list of text", `{"production": {"domains": ["www.example.com", 7]}}`, nil, []string{"beanpole.environments.production.domains[1]: must be text", "7"}},
		{"fraction", `{"production": {"capacity": {"maxSize": 2.5}}}`, nil, []string{"beanpole.environments.production.capacity.maxSize: must be a whole number, but is 2.5"}},
		{"fraction on the command line", `{"production": {}}`, map[string]any{"environments.production.capacity.maxSize": "2.5"}, []string{"beanpole.environments.production.capacity.maxSize: must be a whole number", `"2.5"`}},
		{"boolean on the command line", `{"production": {}}`, map[string]any{"migrate": "yes"}, []string{"beanpole.migrate: must be true or false", `"yes"`}},
		{"object on the command line", `{"production": {}}`, map[string]any{"environments.production.capacity": "2"}, []string{"beanpole.environments.production.capacity: must be an object, but is \"2\""}},
		{"path into a value", `{"production": {}}`, map[string]any{"source.path": "."}, []string{"-c beanpole.source.path: source has no keys", `"../examples/mysite"`}},
		{"no environments", `{}`, nil, []string{"beanpole.environments: has none", `{"production": {}}`}},
		{"name", `{"my site": {}}`, nil, []string{"beanpole.environments.my site: ", `"my site"`, "letters, digits and hyphens"}},
		{"names that differ in case", `{"Production": {}, "production": {}}`, nil, []string{"beanpole.environments: the name production is that of Production and production", "rename"}},
		{"networks that differ in case", `{"a": {"network": "Shared"}, "b": {"network": "shared", "domains": ["b.example.com"]}}`, nil, []string{"Shared and shared", "rename"}},
		{"account without a region", `{"production": {"account": "123456789012"}}`, nil, []string{"beanpole.environments.production.account: ", "go together"}},
		{"region without an account", `{"production": {"region": "eu-central-1"}}`, nil, []string{"beanpole.environments.production.account: ", "go together"}},
		{"account", `{"production": {"account": "1234", "region": "eu-central-1"}}`, nil, []string{"beanpole.environments.production.account: ", `"1234"`, "12 digits"}},
		{"region", `{"production": {"account": "123456789012", "region": "Frankfurt"}}`, nil, []string{"beanpole.environments.production.region: ", `"Frankfurt"`, "eu-central-1"}},
		{"domain", `{"production": {"domains": ["https://www.example.com/"]}}`, nil, []string{"beanpole.environments.production.domains[0]: ", "without scheme"}},
		{"domain in capitals", `{"production": {"domains": ["WWW.example.com"]}}`, nil, []string{"beanpole.environments.production.domains[0]: ", "lower case"}},
		{"domain twice", `{"production": {"domains": ["a.example.com", "b.example.com", "a.example.com"]}}`, nil, []string{`beanpole.environments.production.domains[2]: "a.example.com" is there twice`}},
		{"domain of two", `{"a": {"domains": ["x.example.com"]}, "b": {"domains": ["x.example.com"]}}`, nil, []string{"beanpole.environments: the domain x.example.com is that of a and b"}},
		{"too many domains", `{"production": {"domains": ` + domains(51) + `}}`, nil, []string{"beanpole.environments.production.domains: 51 are too many", "50"}},
		{"certificate without a domain", `{"production": {` + certificate + `}}`, nil, []string{"beanpole.environments.production.certificateArn: ", "domains"}},
		{"certificate", `{"production": {"domains": ["a.example.com"], "certificateArn": "mine"}}`, nil, []string{"beanpole.environments.production.certificateArn: ", `"mine"`, "ARN"}},
		{"certificate of another service", `{"production": {"domains": ["a.example.com"], "certificateArn": "arn:aws:s3:::x"}}`, nil, []string{"beanpole.environments.production.certificateArn: ", `"arn:aws:s3:::x"`}},
		{"certificate of another region", `{"production": {"account": "123456789012", "region": "eu-west-1", "domains": ["a.example.com"], ` + certificate + `}}`, nil, []string{"beanpole.environments.production.certificateArn: ", "eu-west-1", "own region"}},
		{"wildcard that comes first", `{"a": {"network": "n", "domains": ["*.example.com"]}, "b": {"network": "n", "rulePriority": 200, "domains": ["www.example.com"]}}`, nil, []string{"*.example.com of a takes the requests for www.example.com of b", "lower rulePriority"}},
		{"a value for a secret", `{"production": {"secrets": {"DATABASE_URL": "postgres://u:hunter2@h/n"}}}`, nil, []string{`beanpole.environments.production.secrets["DATABASE_URL"]: ARN: a value of 24 characters is not an ARN`}},
		{"long name", `{"` + strings.Repeat("a", 51) + `": {}}`, nil, []string{"up to 50"}},
		{"zone without a domain", `{"production": {"hostedZone": {"id": "Z1", "name": "example.com"}}}`, nil, []string{"beanpole.environments.production.hostedZone: ", "domains"}},
		{"zone without a name", `{"production": {"domains": ["a.example.com"], "hostedZone": {"id": "Z1"}}}`, nil, []string{"beanpole.environments.production.hostedZone: both id and name"}},
		{"domain of another zone", `{"production": {"domains": ["a.example.org"], "hostedZone": {"id": "Z1", "name": "example.com"}}}`, nil, []string{"beanpole.environments.production.hostedZone: ", `"a.example.org"`, `"example.com"`}},
		{"band", `{"production": {"rulePriority": 150}}`, nil, []string{"beanpole.environments.production.rulePriority: 150", "100, 200"}},
		{"bands that collide", `{"a": {"network": "n", "domains": ["a.example.com"]}, "b": {"network": "n", "domains": ["b.example.com"]}}`, nil, []string{`in network "n", the rulePriority 100 is that of a and b`}},
		{"two without a domain", `{"a": {"network": "n"}, "b": {"network": "n", "rulePriority": 200}}`, nil, []string{"a and b share the load balancer", `"n"`, "domain"}},
		{"accounts that differ", `{"a": {"network": "n", "account": "123456789012", "region": "eu-central-1"}, "b": {"network": "n", "rulePriority": 200, "domains": ["b.example.com"]}}`, nil, []string{`a and b share network "n", but not account and region`}},
		{"environment name of two", `{"a": {"environmentName": "site"}, "b": {"environmentName": "site"}}`, nil, []string{`the environmentName "site" is that of a and b`}},
		{"unused network", `{"production": {}}, "networks": {"spare": {}}`, nil, []string{"beanpole.networks.spare: no environment is in this network"}},
		{"one listener for both", `{"a": {}}, "networks": {"a": {"vpc": {` + vpc + `}, "loadBalancer": {"existing": {` + existing + `, "canonicalHostedZoneId": "7",
			"httpListenerArn": "` + listeners + `/0123456789abcdef", "httpsListenerArn": "` + listeners + `/0123456789abcdef"}}}}`, nil,
			[]string{"beanpole.networks.a.loadBalancer.existing.httpsListenerArn: is the listener of httpListenerArn too", `beanpole.networks.a.loadBalancer.existing.canonicalHostedZoneId: "7"`}},
		{"range", `{"production": {}}, "networks": {"production": {"cidr": "10.0.0.0/8"}}`, nil, []string{"beanpole.networks.production.cidr: ", `"10.0.0.0/8"`, "/16"}},
		{"range that is none", `{"production": {}}, "networks": {"production": {"cidr": "999.0.0.0/16"}}`, nil, []string{"beanpole.networks.production.cidr: "}},
		{"range with an address", `{"production": {}}, "networks": {"production": {"cidr": "10.0.0.7/16"}}`, nil, []string{"beanpole.networks.production.cidr: "}},
		{"zones", `{"production": {}}, "networks": {"production": {"maxAzs": 1}}`, nil, []string{"beanpole.networks.production.maxAzs: 1"}},
		{"gateways of nothing", `{"production": {}}, "networks": {"production": {"natGateways": -1}}`, nil, []string{"beanpole.networks.production.natGateways: -1", "0 for instances with public addresses"}},
		{"new and existing", `{"production": {}}, "networks": {"production": {"cidr": "10.0.0.0/16", "maxAzs": 3, "natGateways": 0, "vpc": {` + vpc + `}}}`, nil,
			[]string{"beanpole.networks.production.cidr: is for a new VPC", "beanpole.networks.production.maxAzs: is for a new VPC", "beanpole.networks.production.natGateways: is for a new VPC"}},
		{"ids", `{"production": {}}, "networks": {"production": {"vpc": {"id": "main", "cidr": "10.0.0.7/16", "publicSubnetIds": ["a", "` + subnet1 + `"], "privateSubnetIds": ["` + subnet1 + `", "` + subnet1 + `"]}}}`, nil, []string{
			`beanpole.networks.production.vpc.id: "main"`, `beanpole.networks.production.vpc.cidr: "10.0.0.7/16"`, `beanpole.networks.production.vpc.publicSubnetIds[0]: "a"`, "subnet-0123456789abcdef0",
			`beanpole.networks.production.vpc.privateSubnetIds[0]: "` + subnet1 + `" is in publicSubnetIds too`, `beanpole.networks.production.vpc.privateSubnetIds[1]: "` + subnet1 + `" is there twice`}},
		{"existing VPC without subnets", `{"production": {}}, "networks": {"production": {"vpc": {"id": "vpc-0123456789abcdef0"}}}`, nil,
			[]string{"beanpole.networks.production.vpc.cidr: is missing", "beanpole.networks.production.vpc.publicSubnetIds: 0 subnets"}},
		{"internal without private subnets", `{"production": {}}, "networks": {"production": {"vpc": {` + vpc + `, "cidr": "10.0.0.0/16"}, "loadBalancer": {"internal": true}}}`, nil,
			[]string{"beanpole.networks.production.vpc.privateSubnetIds: 0 subnets"}},
		{"load balancer", `{"production": {"account": "123456789012", "region": "eu-central-1"}}, "networks": {"production": {"loadBalancer": {"clientCidrs": ["203.0.113.7/24", "2001:db8::/32", "203.0.113.0/24", "203.0.113.0/24"], "idleTimeout": 5000,
			"sslPolicy": "TLS-1-3", "webAclArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/01234567-89ab-cdef-0123-456789abcdef", "accessLogs": {"disabled": true, "retentionInDays": 7}}}}`, nil, []string{
			`beanpole.networks.production.loadBalancer.clientCidrs[0]: "203.0.113.7/24" is not a range`, `beanpole.networks.production.loadBalancer.clientCidrs[1]: "2001:db8::/32" is a range of IPv6`, "dualStack",
			`beanpole.networks.production.loadBalancer.clientCidrs[3]: "203.0.113.0/24" is there twice`, "beanpole.networks.production.loadBalancer.idleTimeout: 5000", `beanpole.networks.production.loadBalancer.sslPolicy: "TLS-1-3"`,
			"beanpole.networks.production.loadBalancer.sslPolicy: has no effect", "beanpole.networks.production.loadBalancer.webAclArn: is in us-east-1, but the network in eu-central-1",
			"beanpole.networks.production.loadBalancer.accessLogs.retentionInDays: has no effect"}},
		{"web ACL of a distribution", `{"production": {}}, "networks": {"production": {"loadBalancer": {"webAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1"}}}`, nil,
			[]string{"beanpole.networks.production.loadBalancer.webAclArn: ", "regional"}},
		{"days", `{"production": {}}, "networks": {"production": {"loadBalancer": {"accessLogs": {"retentionInDays": -1}}}}`, nil, []string{"beanpole.networks.production.loadBalancer.accessLogs.retentionInDays: -1"}},
		{"existing load balancer without anything", `{"production": {}}, "networks": {"production": {"loadBalancer": {"internal": true, "accessLogs": {"disabled": true}, "existing": {}}}}`, nil, []string{
			"beanpole.networks.production.vpc: is missing", "beanpole.networks.production.loadBalancer.internal: is for a new load balancer", "beanpole.networks.production.loadBalancer.accessLogs: is for a new load balancer",
			`beanpole.networks.production.loadBalancer.existing.arn: "" is not the ARN`, "beanpole.networks.production.loadBalancer.existing.securityGroupIds: are missing", `beanpole.networks.production.loadBalancer.existing.dnsName: ""`,
			"beanpole.networks.production.loadBalancer.existing.httpListenerArn: is missing, and so is httpsListenerArn"}},
		{"existing load balancer of Elastic Beanstalk", `{"production": {}}, "networks": {"production": {"vpc": {"id": "vpc-0123456789abcdef0"}, "loadBalancer": {"existing": {"dnsName": "x.elb.amazonaws.com", "securityGroupIds": ["web"],
			"arn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb-AWSEB-1/0123456789abcdef", "httpListenerArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/other/0123456789abcdef/0123456789abcdef",
			"httpsListenerArn": "443"}}}}`, nil, []string{
			"beanpole.networks.production.loadBalancer.existing.arn: ", "Elastic Beanstalk has made", `beanpole.networks.production.loadBalancer.existing.securityGroupIds[0]: "web"`,
			"beanpole.networks.production.loadBalancer.existing.httpListenerArn: is a listener of app/other/0123456789abcdef, not of app/awseb-AWSEB-1/0123456789abcdef",
			`beanpole.networks.production.loadBalancer.existing.httpsListenerArn: "443"`, "beanpole.networks.production.vpc.privateSubnetIds: no subnets"}},
		{"what environments ask of an existing load balancer", `{"a": {"network": "n"}, "b": {"network": "n", "rulePriority": 200, "domains": ["b.example.com"], "hostedZone": {"id": "Z1", "name": "example.com"}},
			"c": {"network": "n", "rulePriority": 300, "domains": ["c.example.org"], ` + certificate + `}}, "networks": {"n": {"vpc": {` + vpc + `}, "loadBalancer": {"existing": {` + existing + `, "canonicalHostedZoneId": "",
			"httpListenerArn": "", "httpsListenerArn": "` + listeners + `/0123456789abcdef"}}}}`, nil, []string{
			"beanpole.networks.n.loadBalancer.existing.canonicalHostedZoneId: is missing", "beanpole.networks.n.loadBalancer.existing.httpListenerArn: is missing; an environment without domains",
			"beanpole.environments.c.certificateArn: is for a new load balancer"}},
		{"gateways", `{"production": {}}, "networks": {"production": {"natGateways": 3}}`, nil, []string{"beanpole.networks.production.natGateways: 3", "2"}},
		{"path to an environment that is not there", `{"production": {}}`, map[string]any{"environments.prodction.capacity.maxSize": "6"}, []string{
			`-c beanpole.environments.prodction.capacity.maxSize: there is no environment "prodction"; did you mean "production"?`}},
		{"id of a zone", `{"production": {"domains": ["a.example.com"], "hostedZone": {"id": "my zone", "name": "example.com"}}}`, nil, []string{`beanpole.environments.production.hostedZone.id: "my zone"`}},
		{"source", `{"production": {}}`, map[string]any{"source": "nowhere"}, []string{`beanpole.source: "nowhere" does not exist`}},
		{"secret in plain text", `{"production": {"variables": {"API_TOKEN": "hunter2hunter2"}}}`, nil, []string{"give it in secrets", "name API_TOKEN in notSecret"}},
		{"traffic splitting", `{"production": {"deployment": {"policy": "TrafficSplitting"}}}`, nil, []string{"beanpole.environments.production.deployment.policy: ", "does not use them; choose Immutable"}},
		{"seconds", `{"production": {"healthCheck": {"interval": -1}}}`, nil, []string{"beanpole.environments.production.healthCheck.interval: -1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.environments, c.paths)
			if err == nil {
				t.Fatal("nothing is refused")
			}
			requireParts(t, err.Error(), c.parts...)
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "beanpole") && !strings.HasPrefix(line, "-c beanpole") {
					t.Errorf("the line %q does not begin with the key", line)
				}
			}
		})
	}
}

func TestLoadConfigWithoutAnObject(t *testing.T) {
	for name, c := range map[string]struct {
		context map[string]any
		part    string
	}{
		"no key":  {map[string]any{"@aws-cdk/core:x": true}, "beanpole: is missing from the context"},
		"text":    {map[string]any{"beanpole": "mysite"}, `beanpole: must be an object, but is "mysite"`},
		"nothing": {nil, "beanpole: is missing"},
		"empty":   {map[string]any{"beanpole": map[string]any{}}, "beanpole.source: is missing"},
	} {
		_, err := stacks.LoadConfig(c.context)
		if err == nil {
			t.Errorf("%s: nothing is refused", name)
			continue
		}
		requireParts(t, err.Error(), c.part)
	}
}

func TestEveryProblemOfEveryEnvironmentIsInOneMessage(t *testing.T) {
	_, err := load(t, `{"a": {"capcity": {}, "numThreads": "x"}, "b": {"domain": [], "capacity": {"minSize": 1.5}}}, "networkz": {}`, map[string]any{"migrate": "no"})
	requireParts(t, err.Error(), "beanpole.environments.a.capcity", "beanpole.environments.a.numThreads", "beanpole.environments.b.domain",
		"beanpole.environments.b.capacity.minSize", "beanpole.networkz", "beanpole.migrate")

	_, err = load(t, `{"a b": {"account": "1"}, "c": {"domains": ["X"], "rulePriority": 7}}, "networks": {"d": {"maxAzs": 9}}`, nil)
	requireParts(t, err.Error(), "beanpole.environments.a b: ", "beanpole.environments.a b.account", "beanpole.environments.c.domains[0]",
		"beanpole.environments.c.rulePriority", "beanpole.networks.d: ", "beanpole.networks.d.maxAzs")
}

// What follows from a value that cannot be read is not said.
func TestAValueThatCannotBeReadHasNoConsequences(t *testing.T) {
	_, err := load(t, `{"production": {"capacity": {"maxSize": "many"}}}`, nil)
	if want := `beanpole.environments.production.capacity.maxSize: must be a whole number, but is "many"`; err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := stacks.LoadConfig(nil); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("without a configuration: %v", err)
	}
}

func TestPathsOfTheCommandLineAreLaidOverTheObject(t *testing.T) {
	config, err := load(t, `{"production": {"capacity": {"maxSize": 4}, "variables": {"A": "1"}}, "staging": {}}`, map[string]any{
		"application": "store",
		"migrate":     "true",
		"environments.production.capacity.maxSize":                            "6",
		"environments.production.capacity.instanceTypes":                      "t3.small,t3a.small",
		"environments.production.numThreads":                                  float64(20), // of cdk.context.json
		"environments.production.variables.B":                                 "true",
		"environments.production.domains":                                     "a.example.com",
		"environments.production.healthCheck.path":                            "/up/",
		"environments.staging.network":                                        "production",
		"environments.staging.rulePriority":                                   "200",
		"environments.staging.variables.A":                                    "1,2",
		"environments.production.optionSettings.aws:autoscaling:asg.Cooldown": "300",
	})
	if err != nil {
		t.Fatal(err)
	}
	six := 6
	want := stacks.Config{
		Application: "store", Source: "../examples/mysite", WSGIApplication: "mysite.wsgi", Migrate: true,
		Environments: map[string]stacks.EnvironmentConfig{
			"production": {
				Capacity:       stacks.CapacityConfig{MaxSize: &six, InstanceTypes: []string{"t3.small", "t3a.small"}},
				NumThreads:     20,
				Variables:      map[string]string{"A": "1", "B": "true"},
				Domains:        []string{"a.example.com"},
				HealthCheck:    stacks.HealthCheckConfig{Path: "/up/"},
				OptionSettings: map[string]map[string]string{"aws:autoscaling:asg": {"Cooldown": "300"}},
			},
			"staging": {Network: "production", RulePriority: 200, Variables: map[string]string{"A": "1,2"}},
		},
	}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got  %+v\nwant %+v", config, want)
	}
}

func TestAListOfTheCommandLineCanBeEmpty(t *testing.T) {
	config, err := load(t, `{"production": {"domains": ["www.example.com"]}}`, map[string]any{"environments.production.domains": ""})
	if err != nil || len(config.Environments["production"].Domains) != 0 {
		t.Errorf("domains %q, error %v; want none", config.Environments["production"].Domains, err)
	}
}

// A program that gives the CDK its context gets objects back in a wrapper.
func TestLoadConfigReadsTheContextOfAnApp(t *testing.T) {
	context := map[string]any{}
	for key, value := range map[string]any{"application": "shop", "source": ".", "environments": map[string]any{"$jsii.map": map[string]any{"production": map[string]any{"$jsii.map": map[string]any{"migrations": 1}}}}} {
		context[key] = value
	}
	_, err := stacks.LoadConfig(map[string]any{"beanpole": map[string]any{"$jsii.map": context}})
	if err == nil || !strings.HasPrefix(err.Error(), "beanpole.environments.production.migrations: there is no such key") {
		t.Errorf("the error is %v; want one of the key migrations alone", err)
	}
}

func TestBuildSaysItInTheWordsOfTheConfiguration(t *testing.T) {
	config, loading := load(t, `{
		"a": {
			"environmentName": "x",
			"capacity": {"minSize": 5, "maxSize": 3, "instanceTypes": ["large"]},
			"deployment": {"policy": "Blue"},
			"healthCheck": {"path": "healthz", "interval": 400, "timeout": 90, "healthyThresholdCount": 1, "unhealthyThresholdCount": 11},
			"platform": {"version": "new", "preferredStartTime": "Sunday", "updateLevel": "major"},
			"logs": {"retentionInDays": 31},
			"numProcesses": -1, "numThreads": -2,
			"variables": {"ALLOWED_HOSTS": "*", "DB_PASSWORD": "hunter2"},
			"optionSettings": {"aws:autoscaling:asg": {"MinSise": "1"}}
		},
		"b": {"healthCheck": {"successCodes": "200-299,301"}, "deployment": {"policy": "TrafficSplitting"}},
		"c": {"deployment": {"batchSize": -1}}
	}, "source": "../examples/none"`, nil)
	app := newApp(t)
	err := stacks.Build(app, config)
	if err == nil {
		t.Fatal("nothing is refused")
	}
	if loading == nil || loading.Error() != err.Error() {
		t.Errorf("LoadConfig says\n%v\nwhere Build says\n%v", loading, err)
	}
	const a = "beanpole.environments.a."
	want := []string{
		`beanpole.source: `,
		a + "environmentName: ", a + "capacity.minSize: ", a + "capacity.instanceTypes[0]: ", a + "deployment.policy: ",
		a + "healthCheck.path: ", a + "healthCheck.interval: ", a + "healthCheck.timeout: ", a + "healthCheck.healthyThresholdCount: ", a + "healthCheck.unhealthyThresholdCount: ",
		a + "platform.version: ", a + "platform.preferredStartTime: ", a + "platform.updateLevel: ", a + "logs.retentionInDays: ",
		a + "numProcesses: ", a + "numThreads: ", a + `variables["ALLOWED_HOSTS"]: `, a + `variables["DB_PASSWORD"]: is a secret by its name`, a + "optionSettings: aws:autoscaling:asg MinSise: ",
		"beanpole.environments.b.healthCheck.successCodes: ", "beanpole.environments.b.deployment.policy: TrafficSplitting",
		"beanpole.environments.c.deployment.batchSize: ",
	}
	requireParts(t, err.Error(), want...)
	seen := map[string]bool{}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		known := false
		for _, prefix := range want {
			if strings.HasPrefix(line, prefix) {
				if seen[prefix] {
					t.Errorf("%s is there twice", prefix)
				}
				known, seen[prefix] = true, true
			}
		}
		if !known {
			t.Errorf("the line %q does not begin with a key", line)
		}
	}
	if n := len(*app.Node().Children()); n != 0 {
		t.Errorf("%d stacks are in the app all the same", n)
	}
}
