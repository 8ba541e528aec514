package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

// examples/importer is somebody else's app in a module of its own: what it uses is exported, and go.sum is complete.
func TestSomebodyElsesAppUsesTheConstructs(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	directory := filepath.Join(root, "examples/importer")
	program := filepath.Join(t.TempDir(), "importer")
	build := exec.Command("go", "build", "-mod=readonly", "-o", program, ".")
	build.Dir = directory
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	r := runApp(t, program, directory, nil)
	if r.exit != 0 || r.output != "" {
		t.Fatalf("the app ends with %d and says:\n%s", r.exit, r.output)
	}
	template := templatetest.Read(t, r.directory)["Importer"]

	requireProperties(t, template.One(t, "AWS::ElasticLoadBalancingV2::ListenerRule"), map[string]string{
		"ListenerArn": "${Importer/LoadBalancer/HTTP}",
		"Actions":     `[{"TargetGroupArn":"${Importer/Web/TargetGroupARN.StackResourceDetail.PhysicalResourceId}","Type":"forward"}]`,
		"Conditions":  `[{"Field":"host-header","HostHeaderConfig":{"Values":["${Importer/LoadBalancer.DNSName}"]}}]`,
	})
	environment := template.One(t, "AWS::ElasticBeanstalk::Environment")
	options := environment.Options()
	for key, want := range map[string]string{
		"aws:elbv2:loadbalancer SharedLoadBalancer":                        "${Importer/LoadBalancer}",
		"aws:elasticbeanstalk:environment:process:default HealthCheckPath": "/healthz/",
		"aws:elasticbeanstalk:environment:process:default MatcherHTTPCode": "200-301",
		"aws:elasticbeanstalk:application:environment ALLOWED_HOSTS":       "${Importer/LoadBalancer.DNSName}",
		"aws:elasticbeanstalk:application:environment UPLOADS":             "${Importer/Uploads}",
	} {
		if options[key] != want {
			t.Errorf("%s is %q, want %q", key, options[key], want)
		}
	}
	// One stack, so that nothing but DependsOn orders what an instance needs to boot.
	before := environment.Before()
	for _, kind := range []string{
		"AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::NatGateway", "AWS::EC2::VPCGatewayAttachment",
		"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress", "AWS::ElasticLoadBalancingV2::Listener",
	} {
		found := template.OfType(kind)
		for _, r := range found {
			if !before[r.Name] && !strings.Contains(r.Name, "/PublicSubnet") {
				t.Errorf("%s is not ordered before the environment", r.Name)
			}
		}
		if len(found) == 0 {
			t.Errorf("there is no %s", kind)
		}
	}
	if !before["Importer/Web/InstanceRole/DefaultPolicy"] {
		t.Error("the right to the bucket is not ordered before the environment")
	}
}
