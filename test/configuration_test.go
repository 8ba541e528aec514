package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An environment grows by what the configuration has keys for, in the network that it is in, and stays the one that it is.
func TestAnEnvironmentGrows(t *testing.T) {
	if os.Getenv("BEANPOLE_TEST_FULL") == "" {
		t.Skip("BEANPOLE_TEST_FULL is not set: the templates are tested in any case")
	}
	t.Parallel()
	d := newDeployment(t)
	d.startAWS()
	d.bootstrap()
	bootstrapped := d.resources()
	deploy := func(networks, environments map[string]any) awsState {
		t.Helper()
		d.configureApp(filepath.Join(d.root, "cdk.json"), filepath.Join(d.root, ".beanpole/bin/app"), func(context map[string]any) {
			config := context["beanpole"].(map[string]any)
			config["source"] = filepath.Join(d.root, "examples/mysite")
			config["networks"], config["environments"] = networks, environments
		})
		d.must("cdk", "deploy", "--all", "--require-approval", "never")
		return d.look(len(environments))
	}

	small := deploy(nil, map[string]any{"production": map[string]any{"network": "main"}})
	large := deploy(map[string]any{"main": map[string]any{"maxAzs": 3, "loadBalancer": map[string]any{"idleTimeout": 120}}}, map[string]any{
		"production": map[string]any{
			"network": "main", "workers": []string{"tasks"}, "notifications": map[string]any{"email": "ops@example.com"},
			"processes": map[string]any{"api": map[string]any{"port": 8080, "paths": []string{"/api/*"}}},
			"capacity": map[string]any{
				"instanceTypes": []string{"t3.small", "t3a.small"}, "spot": map[string]any{"enableSpot": true},
				"scheduledActions": map[string]any{"night": map[string]any{"recurrence": "0 22 * * *", "minSize": 1}},
			},
			"health": map[string]any{"healthStreamingEnabled": true, "healthCheckType": "ELB"},
		},
		"tasks": map[string]any{"network": "main", "tier": "Worker"},
		"demo":  map[string]any{"network": "main", "environmentType": "SingleInstance", "cnamePrefix": "mysite-demo"},
	})
	i := slices.IndexFunc(large.Environments, func(e deployed) bool { return e.ID == small.Environments[0].ID })
	if i < 0 {
		t.Fatal("the environment is another one")
	}
	if url := large.Environments[i].Settings["aws:elasticbeanstalk:application:environment TASKS_QUEUE_URL"]; !strings.Contains(url, "mysite-tasks-web-Queue") {
		t.Errorf("the queue of the worker is %q", url)
	}
	var forwards []string
	for _, listener := range large.Listeners {
		for _, rule := range listener.Rules {
			if rule.Action == "forward" && !strings.Contains(strings.Join(rule.Hosts, " "), ".elasticbeanstalk.com") {
				group := slices.IndexFunc(large.TargetGroups, func(g struct{ ARN, Path, Codes string }) bool { return g.ARN == rule.Target })
				if group < 0 {
					t.Fatalf("rule %s forwards to %q, which there is not", rule.Priority, rule.Target)
				}
				forwards = append(forwards, rule.Priority)
			}
		}
	}
	slices.Sort(forwards)
	if want := []string{"101", "150"}; !slices.Equal(forwards, want) {
		t.Errorf("the rules that forward have the priorities %q, want %q", forwards, want)
	}
	if output, code := d.aws("cdk", "diff", "--fail"); code != 0 {
		t.Errorf("cdk diff after cdk deploy ended %d:\n%s", code, output)
	}
	d.must("cdk", "destroy", "--all", "--force")
	for kind, ids := range d.resources() {
		for _, id := range ids {
			if !slices.Contains(bootstrapped[kind], id) && !strings.Contains(id, "accesslogs") { // kept: the template says so
				t.Errorf("cdk destroy left %s %s", kind, id)
			}
		}
	}
}
