package elasticbeanstalk_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The function is run as Lambda runs it, with AWS's two modules in its place: one answers from what a test gives, the other
// notes what CloudFormation would be told.
const (
	boto3 = `import json, os
class client:
    def __init__(self, service): self.service = service
    def describe_stack_resources(self, StackName):
        assert (self.service, StackName) == ("cloudformation", "awseb-e-1-stack"), (self.service, StackName)
        return {"StackResources": [{"ResourceType": "AWS::AutoScaling::AutoScalingGroup", "PhysicalResourceId": "asg"}] + [
            {"ResourceType": "AWS::ElasticLoadBalancingV2::TargetGroup", "PhysicalResourceId": g["TargetGroupArn"]} for g in json.loads(os.environ["GROUPS_MADE"])]}
    def describe_target_groups(self, TargetGroupArns):
        groups = json.loads(os.environ["GROUPS_MADE"])
        assert self.service == "elbv2" and TargetGroupArns == [g["TargetGroupArn"] for g in groups], TargetGroupArns
        return {"TargetGroups": groups}
`
	cfnresponse = `import json
SUCCESS, FAILED = "SUCCESS", "FAILED"
def send(event, context, status, data, physical=None, noEcho=False, reason=None):
    print(json.dumps({"Status": status, "ID": physical, "Reason": reason or ""}))
`
)

func TestTheFunctionFindsTheOneTargetGroup(t *testing.T) {
	dir := t.TempDir()
	code, err := os.ReadFile("targetgroup.py")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"boto3.py": boto3, "cfnresponse.py": cfnresponse, "index.py": string(code)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	group := func(arn, protocol string, port int, path string) map[string]any {
		return map[string]any{"TargetGroupArn": arn, "Protocol": protocol, "Port": port, "HealthCheckPath": path}
	}
	type answer struct{ Status, ID, Reason string }
	for name, c := range map[string]struct {
		request, physical string
		groups            []map[string]any
		want              answer
	}{
		"by its port":      {request: "Create", groups: []map[string]any{group("arn:web", "HTTP", 80, "/up/"), group("arn:api", "HTTP", 8080, "/up/")}, want: answer{"SUCCESS", "arn:api", ""}},
		"by its path":      {request: "Update", physical: "arn:old", groups: []map[string]any{group("arn:api", "HTTP", 8080, "/up/"), group("arn:web", "HTTP", 8080, "/")}, want: answer{"SUCCESS", "arn:api", ""}},
		"by its protocol":  {request: "Create", groups: []map[string]any{group("arn:tls", "HTTPS", 8080, "/up/"), group("arn:api", "HTTP", 8080, "/up/")}, want: answer{"SUCCESS", "arn:api", ""}},
		"none":             {request: "Create", groups: []map[string]any{group("arn:web", "HTTP", 80, "/up/")}, want: answer{"FAILED", "API", "0 target groups of awseb-e-1-stack are HTTP:8080/up/; they are ['HTTP:80/up/']"}},
		"no group at all":  {request: "Create", groups: []map[string]any{}, want: answer{"FAILED", "API", "0 target groups of awseb-e-1-stack are HTTP:8080/up/; they are []"}},
		"several":          {request: "Update", physical: "arn:a", groups: []map[string]any{group("arn:a", "HTTP", 8080, "/up/"), group("arn:b", "HTTP", 8080, "/up/")}, want: answer{"FAILED", "arn:a", "2 target groups of awseb-e-1-stack are HTTP:8080/up/; they are ['HTTP:8080/up/', 'HTTP:8080/up/']"}},
		"nothing to leave": {request: "Delete", physical: "arn:api", groups: []map[string]any{}, want: answer{"SUCCESS", "arn:api", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			event := map[string]any{"RequestType": c.request, "LogicalResourceId": "API", "ResourceProperties": map[string]any{
				"StackName": "awseb-e-1-stack", "Protocol": "HTTP", "Port": "8080", "HealthCheckPath": "/up/"}}
			if c.physical != "" {
				event["PhysicalResourceId"] = c.physical
			}
			given, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			made, err := json.Marshal(c.groups)
			if err != nil {
				t.Fatal(err)
			}
			run := exec.Command("python3", "-c", "import json, sys, index; index.handler(json.loads(sys.argv[1]), None)", string(given))
			run.Dir, run.Env = dir, append(os.Environ(), "GROUPS_MADE="+string(made), "PYTHONDONTWRITEBYTECODE=1")
			output, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			lines := strings.Split(strings.TrimSpace(string(output)), "\n")
			var got answer
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			if got != c.want {
				t.Errorf("CloudFormation is told %+v, want %+v", got, c.want)
			}
		})
	}
}
