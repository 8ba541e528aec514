package test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

var update = flag.Bool("update", false, "write the golden templates instead of comparing with them")

// What the default configuration deploys is in testdata. A change of it is a change for everybody who upgrades.
func TestGoldenTemplates(t *testing.T) {
	t.Parallel()
	directory := byDefault(t)
	for stack := range templatetest.Read(t, directory) {
		golden := filepath.Join("testdata", stack+".json")
		got := normalised(t, directory, stack)
		if *update {
			if err := os.WriteFile(golden, got, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Errorf("%v; write it with: go test ./test -run Golden -update", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s differs; if it should: go test ./test -run Golden -update\n%s", golden, difference(t, golden, got))
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(directory, strings.TrimSuffix(filepath.Base(file), ".json")+".template.json")); err != nil {
			t.Errorf("%s is of no stack", file)
		}
	}
}

// normalised is a template without what differs from one version of the CDK or of the project to the next: the hashes of
// assets have the assets' names, and the check of the bootstrap stack is left out.
func normalised(t *testing.T, directory, stack string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, stack+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var assets struct {
		Files map[string]struct{ DisplayName string }
	}
	list, err := os.ReadFile(filepath.Join(directory, stack+".assets.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(list, &assets); err != nil {
		t.Fatal(err)
	}
	for hash, file := range assets.Files {
		text = bytes.ReplaceAll(text, []byte(hash), []byte("<"+file.DisplayName+">"))
		text = bytes.ReplaceAll(text, []byte(hash[:12]), []byte("<"+file.DisplayName+">")) // in a description
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	delete(template, "Rules")
	if parameters, _ := template["Parameters"].(map[string]any); len(parameters) == 1 && parameters["BootstrapVersion"] != nil {
		delete(template, "Parameters")
	}
	var golden bytes.Buffer
	encoder := json.NewEncoder(&golden)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(template); err != nil {
		t.Fatal(err)
	}
	return golden.Bytes()
}

func difference(t *testing.T, golden string, got []byte) string {
	t.Helper()
	command := exec.Command("diff", "-u", golden, "-")
	command.Stdin = bytes.NewReader(got)
	output, _ := command.CombinedOutput() // that they differ is known
	return string(output)
}

// What the goldens have to keep, whatever else changes in them.

func TestTheLoadBalancerReachesTheInstancesAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	stacks := templatetest.Read(t, byDefault(t))
	network, web := stacks["mysite-production-network"], stacks["mysite-production-web"]

	balancer := network.Resources["mysite-production-network/LoadBalancerSecurityGroup"]
	requireProperties(t, balancer, map[string]string{
		"SecurityGroupIngress": `[{"CidrIp":"0.0.0.0/0","Description":"HTTP from clients","FromPort":80,"IpProtocol":"tcp","ToPort":80}]`,
		"SecurityGroupEgress":  `[{"CidrIp":"${mysite-production-network/VPC.CidrBlock}","Description":"Requests and health checks to instances","FromPort":80,"IpProtocol":"tcp","ToPort":80}]`,
	})
	instances := web.Resources["mysite-production-web/Web/SecurityGroup"]
	requireProperties(t, instances, map[string]string{
		"SecurityGroupIngress": `[{"Description":"Requests and health checks of the load balancer","FromPort":80,"IpProtocol":"tcp","SourceSecurityGroupId":"${mysite-production-network/LoadBalancerSecurityGroup.GroupId}","ToPort":80}]`,
	})
	for name, stack := range stacks {
		if n := len(stack.OfType("AWS::EC2::SecurityGroupIngress")) + len(stack.OfType("AWS::EC2::SecurityGroupEgress")); n != 0 {
			t.Errorf("%s has %d more rules", name, n)
		}
	}
	if n := len(network.OfType("AWS::EC2::SecurityGroup")) + len(web.OfType("AWS::EC2::SecurityGroup")); n != 2 {
		t.Errorf("%d security groups, want that of the load balancer and that of the instances", n)
	}
	options := web.One(t, "AWS::ElasticBeanstalk::Environment").Options()
	for key, want := range map[string]string{
		"aws:autoscaling:launchconfiguration SecurityGroups":                 "${mysite-production-web/Web/SecurityGroup.GroupId}",
		"aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup": "true",
		"aws:elbv2:loadbalancer SecurityGroups":                              "${mysite-production-network/LoadBalancerSecurityGroup.GroupId}",
		"aws:elbv2:loadbalancer SharedLoadBalancer":                          "${mysite-production-network/LoadBalancer}",
		"aws:ec2:vpc Subnets":                                                "${mysite-production-network/VPC/PrivateSubnet1/Subnet},${mysite-production-network/VPC/PrivateSubnet2/Subnet}",
		"aws:ec2:vpc AssociatePublicIpAddress":                               "false",
	} {
		if options[key] != want {
			t.Errorf("%s is %q, want %q", key, options[key], want)
		}
	}
	if n := len(network.OfType("AWS::EC2::NatGateway")); n != 1 {
		t.Errorf("%d NAT gateways, want one", n)
	}
}

func TestAllTrafficUsesRulesOfTheStack(t *testing.T) {
	t.Parallel()
	stacks := templatetest.Read(t, byDefault(t))
	listeners := stacks["mysite-production-network"].OfType("AWS::ElasticLoadBalancingV2::Listener")
	rules := stacks["mysite-production-web"].OfType("AWS::ElasticLoadBalancingV2::ListenerRule")
	if len(listeners) == 0 || len(rules) == 0 {
		t.Fatalf("%d listeners and %d rules, want some of each", len(listeners), len(rules))
	}
	for _, listener := range listeners {
		requireProperties(t, listener, map[string]string{
			"DefaultActions.0.Type": "fixed-response", "DefaultActions.0.FixedResponseConfig.StatusCode": "404",
		})
	}
	web := stacks["mysite-production-web"]
	for _, s := range web.One(t, "AWS::ElasticBeanstalk::Environment").OptionSettings() {
		if s.OptionName == "Rules" || strings.HasPrefix(s.Namespace, "aws:elbv2:listener") {
			t.Errorf("%s %s is set; it could not be changed later", s.Namespace, s.OptionName)
		}
	}
	for _, rule := range rules {
		if rule.Property("Conditions.0.Field") != "host-header" {
			t.Errorf("%s has no host condition: %s", rule.Name, rule.Property("Conditions"))
		}
		if !rule.Before()["mysite-production-web/Web"] {
			t.Errorf("%s does not wait for the environment", rule.Name)
		}
	}
}

func TestWhatAnInstanceNeedsIsThereBeforeTheEnvironment(t *testing.T) {
	t.Parallel()
	directory := byDefault(t)
	text, err := os.ReadFile(filepath.Join(directory, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Artifacts map[string]struct{ Dependencies []string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	// VPC, routes, gateways, load balancer, listeners: the other stack as a whole.
	if on := manifest.Artifacts["mysite-production-web"].Dependencies; !slices.Contains(on, "mysite-production-network") {
		t.Errorf("the web stack depends on %q", on)
	}
	web := templatetest.Read(t, directory)["mysite-production-web"]
	before := web.Resources["mysite-production-web/Web"].Before()
	for _, name := range []string{"InstanceRole", "InstanceProfile", "ServiceRole", "SecurityGroup", "Application", "Version"} {
		if !before["mysite-production-web/Web/"+name] {
			t.Errorf("%s is not ordered before the environment", name)
		}
	}
	if !before["mysite-production-web/WebSecretKey"] {
		t.Error("the secret key is not ordered before the environment")
	}
	for _, policy := range web.OfType("AWS::IAM::Policy") {
		if strings.Contains(policy.Property("Roles"), "InstanceRole") {
			t.Errorf("%s is beside the role of the instances, want all rights in it", policy.Name)
		}
	}
}

func requireProperties(t *testing.T, r *templatetest.Resource, want map[string]string) {
	t.Helper()
	if r == nil {
		t.Fatalf("there is no such resource; want one with %v", want)
	}
	for path, value := range want {
		if got := r.Property(path); got != value {
			t.Errorf("%s: %s is\n %s\nwant\n %s", r.Name, path, got, value)
		}
	}
}
