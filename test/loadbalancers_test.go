package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// balancer is what testdata/loadbalancers.py prints of one.
type balancer struct {
	ARN, DNSName, Name, Alias, Path, Codes, Group, APIGroup string
	Default, API                                            struct {
		Port          int
		Path, Codes   string
		LoadBalancers []string
	}
	Alarmed bool
	Rules   []struct {
		Port                     int
		Priority, Action, Target string
	}
	Attributes map[string]string
}

// What is known only at deployment is found, whoever made the load balancer, and found anew when it changes.
func TestLoadBalancersOfBothKinds(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	python := filepath.Join(d.root, ".beanpole/python/bin/python")
	d.startAWS()
	d.bootstrap()
	program := filepath.Join(d.dir, "loadbalancers")
	if output, code := d.run("go", "build", "-C", filepath.Join(d.root, "test/testdata/loadbalancers"), "-o", program, "."); code != 0 {
		t.Fatal(output)
	}
	certificate := strings.TrimSpace(d.must(python, "-c",
		"import boto3; print(boto3.client('acm').request_certificate(DomainName='www.example.com')['CertificateArn'])"))
	deploy := func(path string) map[string]balancer {
		t.Helper()
		text, err := json.Marshal(map[string]any{"app": "./loadbalancers", "context": map[string]string{
			"source": filepath.Join(d.root, "examples/mysite"), "certificate": certificate, "path": path}})
		if err == nil {
			err = os.WriteFile(filepath.Join(d.dir, "cdk.json"), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		d.must("cdk", "deploy", "--require-approval", "never", "--method", "direct")
		said := d.must(python, filepath.Join(d.root, "test/testdata/loadbalancers.py"))
		var found map[string]balancer
		if err := json.Unmarshal([]byte(said), &found); err != nil {
			t.Fatalf("%v in %s", err, said)
		}
		return found
	}

	made := deploy("/api/up")
	for kind, b := range made {
		if b.Name != b.DNSName || !strings.EqualFold(strings.TrimSuffix(strings.TrimPrefix(b.Alias, "dualstack."), "."), b.DNSName) {
			t.Errorf("%s: the load balancer %s is called %q, and the alias leads to %q", kind, b.DNSName, b.Name, b.Alias)
		}
		if b.Group == b.APIGroup || b.Default.Port != 80 || b.API.Port != 8080 {
			t.Errorf("%s: the target groups are %s for port %d and %s for port %d", kind, b.Group, b.Default.Port, b.APIGroup, b.API.Port)
		}
		if b.Path != "/api/up" || b.Codes != "204" || b.API.Path != b.Path || b.API.Codes != b.Codes || b.Default.Path != "/healthz/" {
			t.Errorf("%s: the check is said to be %s for %s, and is %s for %s; that of the default process is %s", kind, b.Path, b.Codes, b.API.Path, b.API.Codes, b.Default.Path)
		}
		if !b.Alarmed {
			t.Errorf("%s: no alarm watches the target group %s", kind, b.APIGroup)
		}
	}
	if made["Shared"].ARN == made["Dedicated"].ARN {
		t.Error("the dedicated load balancer is the shared one")
	}
	actions := map[string]string{}
	for kind, b := range made {
		for _, rule := range b.Rules {
			where := kind + " " + map[int]string{80: "80", 443: "443"}[rule.Port] + " " + rule.Priority
			actions[where] = strings.TrimSpace(rule.Action + " " + strings.NewReplacer(b.APIGroup, "api", b.Group, "default").Replace(rule.Target))
		}
	}
	for where, want := range map[string]string{
		"Shared 80 default": "fixed-response", "Shared 80 100": "forward api",
		"Dedicated 80 default": "redirect", "Dedicated 443 default": "forward default", "Dedicated 443 1": "forward api",
	} {
		if actions[where] != want {
			t.Errorf("%s: %q, want %q", where, actions[where], want)
		}
	}
	for attribute, want := range map[string]string{
		"routing.http.drop_invalid_header_fields.enabled": "true", "deletion_protection.enabled": "true",
		// Beanstalk's own, which the call has left alone.
		"access_logs.s3.enabled": "true", "idle_timeout.timeout_seconds": "60",
	} {
		if got := made["Dedicated"].Attributes[attribute]; got != want {
			t.Errorf("%s of the dedicated load balancer is %q, want %q", attribute, got, want)
		}
	}

	for kind, b := range deploy("/up") {
		if was := made[kind]; b.APIGroup != was.APIGroup || b.Path != "/up" || b.API.Path != "/up" {
			t.Errorf("%s: with another path the target group is %s, checked at %s, said to be %s; it was %s", kind, b.APIGroup, b.API.Path, b.Path, was.APIGroup)
		}
	}
	// The protection ends before the environment does.
	d.must("cdk", "destroy", "--force")
}
