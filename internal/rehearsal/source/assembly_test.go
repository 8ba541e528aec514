package source

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

type object = map[string]any

// assemblyOf writes a cloud assembly of two stacks, as `cdk synth` lays it out.
func assemblyOf(t *testing.T, change func(network, web object)) string {
	t.Helper()
	const key = "0123abcd.zip"
	network := object{
		"Resources": object{
			"Lb":        object{"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
			"LbHttp":    object{"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": object{"Protocol": "HTTP", "Port": 80}},
			"LbHttps":   object{"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": object{"Protocol": "HTTPS", "Port": 443}},
			"Unrelated": object{"Type": "AWS::S3::Bucket"},
		},
		"Outputs": object{
			"LbRef": object{"Value": object{"Ref": "Lb"}, "Export": object{"Name": "staging-network:LbRef"}},
			"LbDns": object{"Value": object{"Fn::GetAtt": []any{"Lb", "DNSName"}}, "Export": object{"Name": "staging-network:LbDns"}},
		},
	}
	setting := func(namespace, name string, value any) object {
		return object{"Namespace": namespace, "OptionName": name, "Value": value}
	}
	web := object{
		"Resources": object{
			"Version": object{"Type": "AWS::ElasticBeanstalk::ApplicationVersion", "Properties": object{
				"SourceBundle": object{"S3Bucket": object{"Fn::Sub": "cdk-assets-${AWS::AccountId}-${AWS::Region}"}, "S3Key": key},
			}},
			"Environment": object{
				"Type":     "AWS::ElasticBeanstalk::Environment",
				"Metadata": object{"aws:cdk:path": "staging-web/Django/Resource"},
				"Properties": object{
					"VersionLabel": object{"Ref": "Version"},
					"PlatformArn":  object{"Fn::Join": []any{"", []any{"arn:aws:elasticbeanstalk:", object{"Ref": "AWS::Region"}, "::platform/Python 3.13 running on 64bit Amazon Linux 2023"}}},
					"OptionSettings": []any{
						setting("aws:elasticbeanstalk:environment", "LoadBalancerIsShared", "true"),
						setting("aws:elbv2:loadbalancer", "SharedLoadBalancer", object{"Fn::ImportValue": "staging-network:LbRef"}),
						setting("aws:elasticbeanstalk:application:environment", "ALLOWED_HOSTS",
							object{"Fn::Join": []any{" ", []any{"www.example.com", object{"Fn::ImportValue": "staging-network:LbDns"}}}}),
						setting("aws:elasticbeanstalk:application:environment", "ORIGIN", object{"Fn::Sub": "https://${Domain}/"}),
						setting("aws:elasticbeanstalk:application:environmentsecrets", "SECRET_KEY", object{"Ref": "Secret"}),
					},
				},
			},
		},
		"Parameters": object{"Domain": object{"Type": "String", "Default": "example.com"}},
	}
	if change != nil {
		change(network, web)
	}
	dir := t.TempDir()
	write := func(name string, content any) {
		t.Helper()
		data, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stackArtifact := func(file string) object {
		return object{"type": "aws:cloudformation:stack", "properties": object{"templateFile": file}}
	}
	write("manifest.json", object{"version": "54.0.0", "artifacts": object{
		"staging-network":    stackArtifact("staging-network.template.json"),
		"staging-web":        stackArtifact("staging-web.template.json"),
		"staging-web.assets": object{"type": "cdk:asset-manifest", "properties": object{"file": "staging-web.assets.json"}},
		"Tree":               object{"type": "cdk:tree", "properties": object{"file": "tree.json"}},
	}})
	write("staging-network.template.json", network)
	write("staging-web.template.json", web)
	write("staging-web.assets.json", object{"version": "54.0.0", "files": object{
		"0123abcd": object{
			"source":       object{"path": "asset.0123abcd.zip", "packaging": "file"},
			"destinations": object{"current": object{"bucketName": "b", "objectKey": key}},
		},
	}})
	return dir
}

func TestAssembly(t *testing.T) {
	dir := assemblyOf(t, nil)
	all, err := Assembly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("%d environments, want 1", len(all))
	}
	e := all[0]
	if got, want := e.String(), "staging-web/Django (stack staging-web)"; got != want {
		t.Errorf("called %q, want %q", got, want)
	}
	if got, want := e.Input.Bundle, filepath.Join(dir, "asset.0123abcd.zip"); got != want {
		t.Errorf("bundle %q, want %q", got, want)
	}
	if e.Input.Python != "3.13" {
		t.Errorf("Python %q, want 3.13", e.Input.Python)
	}
	if e.Input.HTTPS == nil || !*e.Input.HTTPS {
		t.Errorf("HTTPS %v, want true", e.Input.HTTPS)
	}
	want := map[string]option.Setting{
		"ALLOWED_HOSTS": {Value: "www.example.com placeholder.invalid", Unresolved: true},
		"ORIGIN":        {Value: "https://example.com/", Unresolved: true},
		"SECRET_KEY":    {Value: "", Unresolved: true},
	}
	for _, s := range e.Input.Settings {
		if w, ok := want[s.OptionName]; ok {
			delete(want, s.OptionName)
			if s.Value != w.Value || s.Unresolved != w.Unresolved {
				t.Errorf("%s is %q (unresolved %v), want %q (%v)", s.OptionName, s.Value, s.Unresolved, w.Value, w.Unresolved)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("settings missing: %v", want)
	}
}

func TestAssemblyHTTPS(t *testing.T) {
	environment := func(web object) object {
		return web["Resources"].(object)["Environment"].(object)["Properties"].(object)
	}
	yes, no := true, false
	for name, test := range map[string]struct {
		change func(network, web object)
		want   *bool
	}{
		"shared, with a listener":                     {nil, &yes},
		"shared, without a listener":                  {func(n, _ object) { delete(n["Resources"].(object), "LbHttps") }, &no},
		"shared by a stack's output, with a listener": {func(_, w object) { byOutput(environment(w), "staging-network") }, &yes},
		"shared by a stack's output, without a listener": {func(n, w object) {
			delete(n["Resources"].(object), "LbHttps")
			byOutput(environment(w), "staging-network")
		}, &no},
		"shared by the output of a stack elsewhere": {func(_, w object) { byOutput(environment(w), "other-network") }, nil},
		"shared, from elsewhere": {func(_, w object) {
			environment(w)["OptionSettings"].([]any)[1].(object)["Value"] = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/other/1"
		}, nil},
		"dedicated, without a listener": {func(_, w object) { environment(w)["OptionSettings"].([]any)[0].(object)["Value"] = "false" }, &no},
		"dedicated, with a listener": {func(_, w object) {
			p := environment(w)
			p["OptionSettings"] = []any{object{"Namespace": "aws:elbv2:listener:443", "OptionName": "Protocol", "Value": "HTTPS"}}
		}, &yes},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := Assembly(assemblyOf(t, test.change))
			if err != nil {
				t.Fatal(err)
			}
			got := all[0].Input.HTTPS
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("got %v, want %v", show(got), show(test.want))
			}
		})
	}
}

// byOutput refers to the load balancer as the CDK does where the two stacks may be changed one by one.
func byOutput(environment object, stack string) {
	environment["OptionSettings"].([]any)[1].(object)["Value"] = object{"Fn::GetStackOutput": object{
		"StackName": stack, "Region": object{"Ref": "AWS::Region"}, "OutputName": "LbRef",
	}}
}

func show(b *bool) any {
	if b == nil {
		return "unknown"
	}
	return *b
}

func TestAssemblyRefuses(t *testing.T) {
	resources := func(web object) object { return web["Resources"].(object) }
	for name, test := range map[string]struct {
		change func(network, web object)
		says   string
	}{
		"no environment": {func(_, w object) { delete(resources(w), "Environment") }, "no stack has an AWS::ElasticBeanstalk::Environment"},
		"no version":     {func(_, w object) { delete(resources(w), "Version") }, "VersionLabel"},
		"bundle that is no asset": {func(_, w object) {
			resources(w)["Version"].(object)["Properties"].(object)["SourceBundle"].(object)["S3Key"] = "mine.zip"
		}, `"mine.zip" is not among the assembly's assets`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Assembly(assemblyOf(t, test.change))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
	if _, err := Assembly(t.TempDir()); err == nil || !strings.Contains(err.Error(), "cdk synth") {
		t.Errorf("an empty directory: got %v, want the advice to synth", err)
	}
}

// One environment that cannot be rehearsed does not stand in the way of another.
func TestAssemblyWithAProblemInOneEnvironment(t *testing.T) {
	all, err := Assembly(assemblyOf(t, func(_, w object) {
		w["Resources"].(object)["Jobs"] = object{"Type": "AWS::ElasticBeanstalk::Environment", "Properties": object{
			"VersionLabel": "made-elsewhere", "Tier": object{"Name": "Worker", "Type": "SQS/HTTP"},
		}}
	}))
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v, %v; want both environments", all, err)
	}
	for _, e := range all {
		if problem := e.LogicalID == "Jobs"; problem != (e.Problem != nil) || problem != (e.Input.Tier == option.Worker) || problem == (e.Input.Bundle != "") {
			t.Errorf("%s: problem %v, tier %q, bundle %q", e, e.Problem, e.Input.Tier, e.Input.Bundle)
		}
	}
}

func TestSelect(t *testing.T) {
	all := []Environment{
		{Stack: "staging-web", LogicalID: "Django1A2B", Path: "staging-web/Django/Resource"},
		{Stack: "production-web", LogicalID: "Django3C4D", Path: "production-web/Django/Resource", Name: "shop"},
		{Stack: "production-web-eu", LogicalID: "Django5E6F", Path: "production-web-eu/Django/Resource"},
	}
	for word, want := range map[string]int{
		"staging": 1, "Staging-Web": 1, "production-web": 1, "production": 2, "django": 3, "SHOP": 1,
		"staging-web/Django": 1, "Django5E6F": 1, "nothing": 0,
	} {
		if got := Select(all, word); len(got) != want {
			t.Errorf("%q means %v, want %d", word, got, want)
		}
	}
}
