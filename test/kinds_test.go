package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// kindOfEnvironment is what testdata/kinds.py prints of an environment.
type kindOfEnvironment struct {
	Application, Version, Tier, Status string
	Types, Actions                     []string
	Queues, Tags                       map[string]string
	MinSize, MaxSize                   int
	Spot                               bool
}

// Single instances and workers are made without a load balancer, share an application and a version, and go again.
func TestEnvironmentsWithoutALoadBalancer(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	python := filepath.Join(d.root, ".beanpole/python/bin/python")
	d.startAWS()
	d.bootstrap()
	program := filepath.Join(d.dir, "kinds")
	if output, code := d.run("go", "build", "-C", filepath.Join(d.root, "test/testdata/kinds"), "-o", program, "."); code != 0 {
		t.Fatal(output)
	}
	text, err := json.Marshal(map[string]any{"app": "./kinds", "context": map[string]string{"source": filepath.Join(d.root, "examples/mysite")}})
	if err == nil {
		err = os.WriteFile(filepath.Join(d.dir, "cdk.json"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.must("cdk", "deploy", "--require-approval", "never", "--method", "direct")
	var found struct {
		Single, Own, Made kindOfEnvironment
		Queue             string
	}
	if said := d.must(python, filepath.Join(d.root, "test/testdata/kinds.py")); json.Unmarshal([]byte(said), &found) != nil {
		t.Fatalf("not to be understood: %s", said)
	}

	for name, e := range map[string]kindOfEnvironment{"Single": found.Single, "Own": found.Own, "Made": found.Made} {
		if e.Application != found.Single.Application || e.Version != found.Single.Version || e.Version == "" || e.Status != "Ready" {
			t.Errorf("%s is %s and runs %q of %s", name, e.Status, e.Version, e.Application)
		}
		for _, kind := range []string{"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::EC2::SecurityGroup"} {
			if slices.Contains(e.Types, kind) {
				t.Errorf("%s has an %s", name, kind)
			}
		}
	}
	if e := found.Single; e.Tier != "WebServer" || e.MinSize != 1 || e.MaxSize != 1 || !slices.Contains(e.Types, "AWS::EC2::EIP") || len(e.Queues) != 0 || e.Tags["team"] != "shop" {
		t.Errorf("the single instance: %+v", e)
	}
	if e := found.Own; e.Tier != "Worker" || e.MinSize != 2 || e.MaxSize != 4 || !e.Spot || !slices.Equal(e.Actions, []string{"0 22 * * *"}) ||
		e.Queues["WorkerQueue"] != found.Queue || slices.Contains(e.Types, "AWS::SQS::Queue") {
		t.Errorf("the worker with its own queue %s: %+v", found.Queue, e)
	}
	if e := found.Made; e.Tier != "Worker" || e.MinSize != 1 || e.MaxSize != 1 || e.Spot || len(e.Queues) != 2 || !slices.Contains(e.Types, "AWS::SQS::Queue") {
		t.Errorf("the worker with Beanstalk's queue: %+v", e)
	}
	d.must("cdk", "destroy", "--force")
}
