package localaws

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// role is a role of functions that may do these.
func role(actions ...string) map[string]any {
	statement := func(more map[string]any) map[string]any {
		more["Effect"] = "Allow"
		return map[string]any{"Version": "2012-10-17", "Statement": []any{more}}
	}
	return resource("AWS::IAM::Role", map[string]any{
		"AssumeRolePolicyDocument": statement(map[string]any{"Principal": map[string]any{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
		"Policies":                 []any{map[string]any{"PolicyName": "calls", "PolicyDocument": statement(map[string]any{"Action": actions, "Resource": "*"})}}})
}

// function is a template with a custom resource and its function in Python, whose handler(event, context) has that body; the
// resource has those properties, and what its answer says under Word is an output.
func function(t *testing.T, body, runtime string, properties map[string]any) string {
	code := "import json, os, time, urllib.request, cfnresponse\n\ndef handler(event, context):\n" + body
	resourceProperties := map[string]any{"ServiceToken": map[string]any{"Fn::GetAtt": []string{"Function", "Arn"}}}
	for k, v := range properties {
		resourceProperties[k] = v
	}
	return document(t, map[string]any{"Resources": map[string]any{
		"Role": role("logs:*"),
		"Function": resource("AWS::Lambda::Function", map[string]any{"Role": map[string]any{"Fn::GetAtt": []string{"Role", "Arn"}},
			"Runtime": runtime, "Handler": "index.handler", "Code": map[string]any{"ZipFile": code},
			"Environment": map[string]any{"Variables": map[string]any{"OWN": "own", "AWS_ENDPOINT_URL": "http://elsewhere.invalid"}}}),
		"Word": resource("Custom::Word", resourceProperties)},
		"Outputs": map[string]any{"Word": map[string]any{"Value": map[string]any{"Fn::GetAtt": []string{"Word", "Word"}}},
			"Id": map[string]any{"Value": map[string]any{"Ref": "Word"}}}})
}

// note notes the request as an SSM parameter under a path, and notes takes the notes from there.
const note = `    import boto3
    boto3.client("ssm").put_parameter(Name="/%s/%%s" %% event["RequestId"], Type="String", Value=json.dumps(event))
`

func (c client) notes(path string) []map[string]any {
	c.t.Helper()
	var answer struct {
		Parameters []struct{ Name, Value string }
	}
	c.json(&answer, "AmazonSSM.GetParametersByPath", map[string]any{"Path": "/" + path})
	var found []map[string]any
	for _, parameter := range answer.Parameters {
		var event map[string]any
		if err := json.Unmarshal([]byte(parameter.Value), &event); err != nil {
			c.t.Fatal(err)
		}
		found = append(found, event)
		c.json(nil, "AmazonSSM.DeleteParameter", map[string]any{"Name": parameter.Name})
	}
	return found
}

// A custom resource in Python is run: it gets what Lambda gets, reaches the local AWS, and its answer is the resource.
func TestFunctionsOfCustomResources(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	body := fmt.Sprintf(note, "function") + `    p = event["ResourceProperties"]
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Word": " ".join([p["Word"], p["Flag"], p["List"][0], os.environ["OWN"]])}, p.get("Id"))
`
	properties := map[string]any{"Word": "bean", "Flag": true, "List": []any{1}}
	s := c.deploy("function", "CREATE", function(t, body, "python3.13", properties))
	wantStatus(t, s, "CREATE_COMPLETE")
	// CloudFormation hands on texts only.
	if word := s.output(t, "Word"); word != "bean true 1 own" {
		t.Errorf("word %q", word)
	}
	events := c.notes("function")
	if len(events) != 1 || events[0]["RequestType"] != "Create" || events[0]["LogicalResourceId"] != "Word" || events[0]["ResourceType"] != "Custom::Word" || events[0]["StackId"] != s.StackId {
		t.Errorf("requests %v", events)
	}

	// A change in place, then one of the physical id: the old resource is deleted.
	first := s.output(t, "Id")
	properties["Word"] = "pole"
	s = c.deploy("function", "UPDATE", function(t, body, "python3.13", properties))
	if events = c.notes("function"); len(events) != 1 || events[0]["RequestType"] != "Update" || events[0]["PhysicalResourceId"] != first || s.output(t, "Id") != first ||
		!strings.Contains(fmt.Sprint(events[0]["OldResourceProperties"]), "bean") || s.output(t, "Word") != "pole true 1 own" {
		t.Errorf("requests %v, outputs %v", events, s.Outputs)
	}
	properties["Id"] = "another"
	s = c.deploy("function", "UPDATE", function(t, body, "python3.13", properties))
	events = c.notes("function")
	kinds := map[any]any{}
	for _, e := range events {
		kinds[e["RequestType"]] = e["PhysicalResourceId"]
	}
	if len(events) != 2 || kinds["Update"] != first || kinds["Delete"] != first || s.output(t, "Id") != "another" {
		t.Errorf("requests %v, outputs %v", kinds, s.Outputs)
	}
	c.delete("function")
	if events = c.notes("function"); len(events) != 1 || events[0]["RequestType"] != "Delete" || events[0]["PhysicalResourceId"] != "another" {
		t.Errorf("requests %v at the end", events)
	}
}

func TestFunctionsThatFail(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	for i, tc := range []struct {
		reason, body, runtime string
		properties            map[string]any
	}{
		{"Message returned: no group", `    cfnresponse.send(event, context, "FAILED" if event["RequestType"] == "Create" else "SUCCESS", {}, "x", reason="no group")` + "\n", "python3.13", nil},
		{"put no answer to ResponseURL: ZeroDivisionError", "    1 / 0\n", "python3.13", nil},
		{"did not end within 1 seconds", "    time.sleep(30)\n", "python3.13", map[string]any{"ServiceTimeout": 1}},
		{"Invalid response object", `    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=b"{}", method="PUT"))` + "\n", "python3.13", nil},
		{"is of runtime nodejs22.x, and the local AWS runs those in Python only", "", "nodejs22.x", nil},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			c := client{t, c.server}
			name := fmt.Sprintf("function-fails-%d", i)
			s := c.deploy(name, "CREATE", function(t, tc.body, tc.runtime, tc.properties))
			wantStatus(t, s, "ROLLBACK_COMPLETE")
			if reasons := strings.Join(c.reasons(name, "CREATE_FAILED"), "; "); !strings.Contains(reasons, tc.reason) {
				t.Errorf("reasons %q, want %q", reasons, tc.reason)
			}
			c.delete(name)
		})
	}
}

// Nothing of what a function starts lives on, whether the function ends well or is ended.
func TestFunctionsLeaveNothingRunning(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	body := `    import boto3, subprocess
    child = subprocess.Popen(["sleep", "120"])
    boto3.client("ssm").put_parameter(Name="/children/%s" % event["RequestId"], Type="String", Value=json.dumps({"pid": child.pid}))
    if event["ResourceProperties"].get("Hangs"):
        time.sleep(120)
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Word": "x"})
`
	for name, tc := range map[string]struct {
		status     string
		properties map[string]any
	}{
		"ends-well": {"CREATE_COMPLETE", nil},
		"hangs":     {"ROLLBACK_COMPLETE", map[string]any{"Hangs": "yes", "ServiceTimeout": 5}},
	} {
		t.Run(name, func(t *testing.T) {
			c := client{t, c.server}
			s := c.deploy("children-"+name, "CREATE", function(t, body, "python3.13", tc.properties))
			wantStatus(t, s, tc.status)
			c.delete("children-" + name)
			children := c.notes("children")
			if len(children) == 0 {
				t.Error("no child was started")
			}
			for _, child := range children {
				// One that has ended is not there, or waits for somebody to ask how.
				pid := fmt.Sprint(child["pid"])
				if state, _ := exec.Command("ps", "-o", "stat=", "-p", pid).Output(); len(state) > 0 && state[0] != 'Z' {
					t.Errorf("process %s still runs: %s", pid, state)
				}
			}
		})
	}
}

// Every template gets a list of its own, although the zones are asked for once.
func TestZonesAreNotShared(t *testing.T) {
	out, err := exec.Command(filepath.Join(python(t), "bin", "python"), "-B", "-c", `
import sys
sys.path.insert(0, "plugin")
import aws, template
aws.call = lambda *_: {"AvailabilityZones": [{"ZoneName": "b"}, {"ZoneName": "a"}]}
scope = object.__new__(template.Scope)
scope.value = lambda v: v
scope._getazs("r").append("c")
print(*scope._getazs("r"))`).CombinedOutput()
	if err != nil || string(out) != "a b\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// A statement that denies stands above those that allow.
func TestDeniedCalls(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	statement := func(effect, key string, more map[string]any) map[string]any {
		s := map[string]any{"Effect": effect, key: "sns:Create*", "Resource": "*"}
		maps.Copy(s, more)
		return s
	}
	allow := statement("Allow", "Action", nil)
	for name, tc := range map[string]struct {
		statements []any
		reason     string
	}{
		"allowed":               {[]any{allow}, ""},
		"denied":                {[]any{statement("Deny", "Action", nil), allow}, "not authorized to perform: sns:CreateTopic with an explicit deny"},
		"all-but":               {[]any{statement("Allow", "NotAction", nil)}, "no identity-based policy allows the sns:CreateTopic action"},
		"all-but-others":        {[]any{statement("Allow", "NotAction", map[string]any{"NotAction": "iam:*"})}, ""},
		"denied-all-but":        {[]any{statement("Deny", "NotAction", map[string]any{"NotAction": "iam:*"}), allow}, "with an explicit deny"},
		"denied-elsewhere":      {[]any{statement("Deny", "Action", map[string]any{"Resource": "arn:aws:sns:*:*:other"}), allow}, ""},
		"denied-on-a-condition": {[]any{statement("Deny", "Action", map[string]any{"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}}), allow}, ""},
		"another-one-is-denied": {[]any{statement("Deny", "Action", map[string]any{"Action": "sns:DeleteTopic"}), allow}, ""},
		"nothing-is-said-of-it": {[]any{statement("Allow", "Action", map[string]any{"Action": "sns:DeleteTopic"})}, "no identity-based policy allows the sns:CreateTopic action"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client{t, c.server}
			role := role("logs:*")
			role["Properties"].(map[string]any)["Policies"] = []any{map[string]any{"PolicyName": "calls", "PolicyDocument": map[string]any{
				"Version": "2012-10-17", "Statement": tc.statements}}}
			s := c.deploy("right-"+name, "CREATE", document(t, map[string]any{"Resources": map[string]any{
				"Role": role,
				"Function": resource("AWS::Lambda::Function", map[string]any{"Role": map[string]any{"Fn::GetAtt": []string{"Role", "Arn"}}, "Runtime": "nodejs22.x",
					"Handler": "index.handler", "Code": map[string]any{"ZipFile": "exports.handler = 0"}}),
				"Topic": resource("Custom::AWS", map[string]any{"ServiceToken": map[string]any{"Fn::GetAtt": []string{"Function", "Arn"}},
					"Create": document(t, map[string]any{"service": "SNS", "action": "createTopic", "parameters": map[string]any{"Name": "right"},
						"physicalResourceId": map[string]any{"id": "topic"}})})}}))
			if topics := c.resources()["AWS::SNS::Topic"]; (len(topics) > 0) != (tc.reason == "") {
				t.Errorf("topics %v, stack %s", topics, s.StackStatus)
			}
			if reasons := strings.Join(c.reasons("right-"+name, "CREATE_FAILED"), "; "); !strings.Contains(reasons, tc.reason) || tc.reason == "" && reasons != "" {
				t.Errorf("reasons %q, want %q", reasons, tc.reason)
			}
			c.delete("right-" + name)
			for _, topic := range c.resources()["AWS::SNS::Topic"] {
				c.must(nil, "sns", "DeleteTopic", "TopicArn", topic)
			}
		})
	}
}

// The calls of an AwsCustomResource that the constructs make: services by any name, the physical id from the answer, a call at
// the end that gets it, an error that does not matter.
func TestCallsOfCustomResources(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	call := func(v map[string]any) string { return document(t, v) }
	token := map[string]any{"Fn::GetAtt": []string{"Function", "Arn"}}
	template := func(name string) string {
		return document(t, map[string]any{"Resources": map[string]any{
			"Role": role("sns:*", "elasticloadbalancing:DescribeTargetGroups", "cloudformation:DescribeStackResources"),
			"Function": resource("AWS::Lambda::Function", map[string]any{"Role": map[string]any{"Fn::GetAtt": []string{"Role", "Arn"}}, "Runtime": "nodejs22.x",
				"Handler": "index.handler", "Code": map[string]any{"ZipFile": "exports.handler = 0"}}),
			"Topic": resource("Custom::AWS", map[string]any{"ServiceToken": token,
				"Create": call(map[string]any{"service": "SNS", "action": "createTopic", "parameters": map[string]any{"Name": name}, "physicalResourceId": map[string]any{"responsePath": "TopicArn"}}),
				"Update": call(map[string]any{"service": "@aws-sdk/client-sns", "action": "CreateTopicCommand", "parameters": map[string]any{"Name": name}, "physicalResourceId": map[string]any{"responsePath": "TopicArn"}}),
				"Delete": call(map[string]any{"service": "sns", "action": "deleteTopic", "parameters": map[string]any{"TopicArn": "PHYSICAL:RESOURCEID:"}})}),
			"Absent": resource("Custom::AWS", map[string]any{"ServiceToken": token,
				"Create": call(map[string]any{"service": "ELBv2", "action": "describeTargetGroups", "parameters": map[string]any{"Names": []string{"none"}},
					"physicalResourceId": map[string]any{"id": "absent"}, "ignoreErrorCodesMatching": "TargetGroupNotFound"})}),
			"Stack": resource("Custom::AWS", map[string]any{"ServiceToken": token,
				"Create": map[string]any{"Fn::Sub": `{"service":"CloudFormation","action":"describeStackResources","parameters":{"StackName":"${AWS::StackName}","LogicalResourceId":"Role"},"physicalResourceId":{"id":"stack"},"outputPaths":["StackResources.0.PhysicalResourceId"]}`}})},
			"Outputs": map[string]any{"Topic": map[string]any{"Value": map[string]any{"Ref": "Topic"}},
				"Role": map[string]any{"Value": map[string]any{"Fn::GetAtt": []string{"Stack", "StackResources.0.PhysicalResourceId"}}}}})
	}
	s := c.deploy("calls", "CREATE", template("calls-one"))
	wantStatus(t, s, "CREATE_COMPLETE")
	if !strings.HasSuffix(s.output(t, "Topic"), ":calls-one") || !strings.HasPrefix(s.output(t, "Role"), "calls-Role-") {
		t.Errorf("outputs %v", s.Outputs)
	}
	s = c.deploy("calls", "UPDATE", template("calls-two"))
	wantStatus(t, s, "UPDATE_COMPLETE")
	if topics := c.resources()["AWS::SNS::Topic"]; len(topics) != 1 || !strings.HasSuffix(topics[0], ":calls-two") {
		t.Errorf("topics %v, want the second alone", topics)
	}
	c.delete("calls")
}
