package localaws

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

type stack struct {
	StackId, StackName, StackStatus, StackStatusReason string
	Outputs                                            []struct{ OutputKey, OutputValue, ExportName string } `xml:"Outputs>member"`
}

func (c client) stack(name string) stack {
	c.t.Helper()
	var answer struct {
		Stacks []stack `xml:"DescribeStacksResult>Stacks>member"`
	}
	c.must(&answer, "cloudformation", "DescribeStacks", "StackName", name)
	return answer.Stacks[0]
}

func (s stack) output(t *testing.T, key string) string {
	t.Helper()
	for _, o := range s.Outputs {
		if o.OutputKey == key {
			return o.OutputValue
		}
	}
	t.Fatalf("stack %s (%s: %s) has no output %s", s.StackName, s.StackStatus, s.StackStatusReason, key)
	return ""
}

// reasons are the reasons of the events with that status.
func (c client) reasons(name, status string) []string {
	c.t.Helper()
	var answer struct {
		Events []struct{ LogicalResourceId, ResourceStatus, ResourceStatusReason string } `xml:"DescribeStackEventsResult>StackEvents>member"`
	}
	c.must(&answer, "cloudformation", "DescribeStackEvents", "StackName", name)
	var reasons []string
	for _, e := range answer.Events {
		if e.ResourceStatus == status {
			reasons = append(reasons, e.LogicalResourceId+": "+e.ResourceStatusReason)
		}
	}
	return reasons
}

type change struct {
	Action, LogicalResourceId, ResourceType, Replacement string
	Details                                              []struct {
		Target struct{ Attribute, Name, RequiresRecreation string }
	} `xml:"Details>member"`
}

type changeSet struct {
	Status, StatusReason, ExecutionStatus string
	Changes                               []change `xml:"Changes>member>ResourceChange"`
}

func parameters(pairs []string) []string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		n := i/2 + 1
		out = append(out, fmt.Sprintf("Parameters.member.%d.ParameterKey", n), pairs[i],
			fmt.Sprintf("Parameters.member.%d.ParameterValue", n), pairs[i+1])
	}
	return out
}

// propose creates a change set as the CDK does, and describes it.
func (c client) propose(name, kind, template string, pairs ...string) (changeSet, error) {
	c.t.Helper()
	params := append([]string{"StackName", name, "ChangeSetName", "cdk-deploy-change-set", "ChangeSetType", kind, "TemplateBody", template,
		"Capabilities.member.1", "CAPABILITY_NAMED_IAM"}, parameters(pairs)...)
	c.must(nil, "cloudformation", "DeleteChangeSet", "StackName", name, "ChangeSetName", "cdk-deploy-change-set")
	if err := c.try(nil, "cloudformation", "CreateChangeSet", params...); err != nil {
		return changeSet{}, err
	}
	var answer struct {
		ChangeSet changeSet `xml:"DescribeChangeSetResult"`
	}
	c.must(&answer, "cloudformation", "DescribeChangeSet", "StackName", name, "ChangeSetName", "cdk-deploy-change-set")
	return answer.ChangeSet, nil
}

// deploy creates and executes a change set, and returns the stack as it is then.
func (c client) deploy(name, kind, template string, pairs ...string) stack {
	c.t.Helper()
	proposed, err := c.propose(name, kind, template, pairs...)
	if err != nil {
		c.t.Fatalf("change set of %s: %v", name, err)
	}
	if proposed.ExecutionStatus != "AVAILABLE" {
		c.t.Fatalf("change set of %s: %s: %s", name, proposed.Status, proposed.StatusReason)
	}
	c.must(nil, "cloudformation", "ExecuteChangeSet", "StackName", name, "ChangeSetName", "cdk-deploy-change-set")
	return c.stack(name)
}

func (c client) delete(name string) {
	c.t.Helper()
	c.must(nil, "cloudformation", "DeleteStack", "StackName", name)
	if err := c.try(nil, "cloudformation", "DescribeStacks", "StackName", name); err == nil {
		s := c.stack(name)
		c.t.Errorf("stack %s after its deletion: %s: %s %v", name, s.StackStatus, s.StackStatusReason, c.reasons(s.StackId, "DELETE_FAILED"))
	}
}

func file(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// document is a template in JSON.
func document(t *testing.T, template map[string]any) string {
	t.Helper()
	data, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func resource(kind string, properties map[string]any) map[string]any {
	return map[string]any{"Type": kind, "Properties": properties}
}

func wantStatus(t *testing.T, s stack, status string) {
	t.Helper()
	if s.StackStatus != status {
		t.Fatalf("stack %s is %s (%s), want %s", s.StackName, s.StackStatus, s.StackStatusReason, status)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestChangeSets(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	template := file(t, "network.yaml")

	// Words that the CDK looks for.
	err := c.try(nil, "cloudformation", "DescribeStacks", "StackName", "net-sets")
	wantError(t, err, "ValidationError: Stack with id net-sets does not exist")
	s := c.deploy("net-sets", "CREATE", template)
	wantStatus(t, s, "CREATE_COMPLETE")
	err = c.try(nil, "cloudformation", "DescribeChangeSet", "StackName", "net-sets", "ChangeSetName", "cdk-deploy-change-set")
	wantError(t, err, "ChangeSetNotFound: ")

	same, err := c.propose("net-sets", "UPDATE", template)
	if err != nil || same.Status != "FAILED" || !strings.Contains(same.StatusReason, "didn't contain changes") {
		t.Fatalf("change set without changes: %+v, %v", same, err)
	}
	err = c.try(nil, "cloudformation", "UpdateStack", "StackName", "net-sets", "TemplateBody", template)
	wantError(t, err, "No updates are to be performed.")

	// A change in place, proposed before and done after.
	proposed, err := c.propose("net-sets", "UPDATE", template, "Redirect", "yes")
	if err != nil || len(proposed.Changes) != 1 || proposed.Changes[0].LogicalResourceId != "Listener" ||
		proposed.Changes[0].Action != "Modify" || proposed.Changes[0].Replacement != "False" {
		t.Fatalf("change set of one listener: %+v, %v", proposed, err)
	}
	listener := s.output(t, "Listener")
	s = c.deploy("net-sets", "UPDATE", template, "Redirect", "yes")
	wantStatus(t, s, "UPDATE_COMPLETE")
	if after := s.output(t, "Listener"); after != listener {
		t.Errorf("the listener was replaced: %s, then %s", listener, after)
	}
	var rules struct {
		Actions []string `xml:"DescribeListenersResult>Listeners>member>DefaultActions>member>Type"`
	}
	c.must(&rules, "elasticloadbalancing", "DescribeListeners", "ListenerArns.member.1", listener)
	if !slices.Equal(rules.Actions, []string{"redirect"}) {
		t.Errorf("default actions %v, want redirect", rules.Actions)
	}

	// A replacement, and what depends on it: the block of a VPC cannot change, so the subnets move with it.
	proposed, err = c.propose("net-sets", "UPDATE", strings.ReplaceAll(template, "10.0.0.0/16", "10.1.0.0/16"), "Redirect", "yes")
	if err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{}
	for _, change := range proposed.Changes {
		replaced[change.LogicalResourceId] = change.Replacement
	}
	if replaced["VPC"] != "True" || replaced["SubnetA"] != "True" || replaced["Balancer"] != "False" {
		t.Errorf("replacements %v, want VPC and SubnetA, not Balancer", replaced)
	}

	// Change sets of two stacks have the same name.
	if _, err := c.propose("net-other", "CREATE", template); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, c.stack("net-other"), "REVIEW_IN_PROGRESS")
	c.delete("net-other")
	c.delete("net-sets")
	if err := c.try(nil, "cloudformation", "DescribeStacks", "StackName", s.StackId); err != nil {
		t.Errorf("a deleted stack is still there by its id: %v", err)
	}
}

func TestFailuresAreTold(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	topic := resource("AWS::SNS::Topic", nil)
	function := resource("AWS::Lambda::Function", map[string]any{"Role": map[string]any{"Fn::GetAtt": []string{"Role", "Arn"}}, "Runtime": "nodejs22.x",
		"Handler": "index.handler", "Code": map[string]any{"ZipFile": "exports.handler = 0"}})
	cases := []struct {
		name, reason string
		resources    map[string]any
	}{
		{"a service refuses", "abc", map[string]any{"VPC": resource("AWS::EC2::VPC", map[string]any{"CidrBlock": "abc"})}},
		// moto itself breaks on this one. A deployment that ends well after that would be a lie.
		{"moto breaks", "internal error of moto in sns: ValueError", map[string]any{
			"Subscription": resource("AWS::SNS::Subscription", map[string]any{"TopicArn": "bogus", "Protocol": "email", "Endpoint": "a@example.org"})}},
		{"unknown property", "does not know the property Colour of AWS::SNS::Topic", map[string]any{
			"Other": resource("AWS::SNS::Topic", map[string]any{"Colour": "red"})}},
		{"unknown attribute", "does not support attribute type Colour", map[string]any{
			"Other": resource("AWS::SNS::Topic", map[string]any{"DisplayName": map[string]any{"Fn::GetAtt": []string{"Topic", "Colour"}}})}},
		// What moto takes and AWS does not.
		{"dual stack without IPv6", "You must specify subnets with an associated IPv6 CIDR block", map[string]any{
			"VPC":    resource("AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16"}),
			"Subnet": resource("AWS::EC2::Subnet", map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "CidrBlock": "10.0.0.0/24"}),
			"Balancer": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", map[string]any{"IpAddressType": "dualstack",
				"Subnets": []any{map[string]any{"Ref": "Subnet"}}})}},
		{"access logs without rights", "Access Denied for bucket: ", map[string]any{
			"VPC":    resource("AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16"}),
			"Subnet": resource("AWS::EC2::Subnet", map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "CidrBlock": "10.0.0.0/24"}),
			"Bucket": resource("AWS::S3::Bucket", nil),
			"Balancer": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", map[string]any{"Subnets": []any{map[string]any{"Ref": "Subnet"}},
				"LoadBalancerAttributes": []any{map[string]any{"Key": "access_logs.s3.enabled", "Value": "true"},
					map[string]any{"Key": "access_logs.s3.bucket", "Value": map[string]any{"Ref": "Bucket"}}}})}},
		{"a custom resource's whole answer", "Response object is too long", map[string]any{
			"Role": role("iam:List*"), "Function": function,
			"Call": resource("Custom::AWS", map[string]any{"ServiceToken": map[string]any{"Fn::GetAtt": []string{"Function", "Arn"}},
				"Create": `{"service":"IAM","action":"listPolicies","physicalResourceId":{"id":"policies"}}`})}},
		{"a custom resource whose function may not", "is not authorized to perform: iam:ListRoles", map[string]any{
			"Role": role("iam:ListPolicies"), "Function": function,
			"Call": resource("Custom::AWS", map[string]any{"ServiceToken": map[string]any{"Fn::GetAtt": []string{"Function", "Arn"}},
				"Create": `{"service":"IAM","action":"listRoles","physicalResourceId":{"id":"roles"},"outputPaths":[]}`})}},
		{"custom resource without a function", "Function not found", map[string]any{
			"Call": resource("Custom::AWS", map[string]any{"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:none",
				"Create": `{"service":"SNS","action":"listTopics"}`})}},
	}
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			name := fmt.Sprintf("failure-%d", i)
			tc.resources["Topic"] = topic
			s := c.deploy(name, "CREATE", document(t, map[string]any{"Resources": tc.resources}))
			wantStatus(t, s, "ROLLBACK_COMPLETE")
			if reasons := strings.Join(c.reasons(name, "CREATE_FAILED"), "; "); !strings.Contains(reasons, tc.reason) {
				t.Errorf("reasons %q, want %q", reasons, tc.reason)
			}
			c.delete(name)
		})
	}
}

func TestRefusedBeforehand(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	topic := resource("AWS::SNS::Topic", nil)
	cases := []struct {
		name, want string
		template   map[string]any
	}{
		{"unknown type", "Unrecognized resource types: [AWS::Moon::Base]", map[string]any{"Resources": map[string]any{"A": resource("AWS::Moon::Base", nil)}}},
		{"unresolved", "Unresolved resource dependencies [B]", map[string]any{"Resources": map[string]any{
			"A": resource("AWS::SNS::Topic", map[string]any{"DisplayName": map[string]any{"Ref": "B"}})}}},
		{"circle", "Circular dependency", map[string]any{"Resources": map[string]any{
			"A": map[string]any{"Type": "AWS::SNS::Topic", "DependsOn": "B"}, "B": map[string]any{"Type": "AWS::SNS::Topic", "DependsOn": []string{"A"}}}}},
		{"missing export", "No export named nowhere found", map[string]any{"Resources": map[string]any{
			"A": resource("AWS::SNS::Topic", map[string]any{"DisplayName": map[string]any{"Fn::ImportValue": "nowhere"}})}}},
		{"missing parameter", "Parameters: [P] must have values", map[string]any{
			"Parameters": map[string]any{"P": map[string]any{"Type": "String"}}, "Resources": map[string]any{"A": topic}}},
		{"SSM parameter that is not there", "Unable to fetch parameters [/none]", map[string]any{
			"Parameters": map[string]any{"P": map[string]any{"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/none"}},
			"Resources":  map[string]any{"A": topic}}},
		{"rule", "too old", map[string]any{
			"Parameters": map[string]any{"V": map[string]any{"Type": "String", "Default": "3"}},
			"Rules": map[string]any{"R": map[string]any{"Assertions": []any{map[string]any{"AssertDescription": "too old",
				"Assert": map[string]any{"Fn::Not": []any{map[string]any{"Fn::Contains": []any{[]string{"1", "2", "3"}, map[string]any{"Ref": "V"}}}}}}}}},
			"Resources": map[string]any{"A": topic}}},
		{"unknown function", "does not know Fn::Magic", map[string]any{"Resources": map[string]any{
			"A": resource("AWS::SNS::Topic", map[string]any{"DisplayName": map[string]any{"Fn::Magic": "x"}})}}},
	}
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.propose(fmt.Sprintf("refused-%d", i), "CREATE", document(t, tc.template))
			wantError(t, err, "ValidationError", tc.want)
		})
	}
	err := c.try(nil, "cloudformation", "CreateStack", "StackName", "refused", "TemplateBody", file(t, "web.yaml"))
	wantError(t, err, "Parameters: [Network, Bucket] must have values")
	err = c.try(nil, "cloudformation", "CreateStack", append([]string{"StackName", "refused", "TemplateBody", file(t, "web.yaml")},
		parameters([]string{"Network", "x", "Bucket", "y"})...)...)
	wantError(t, err, "InsufficientCapabilitiesException", "CAPABILITY_IAM")
}

func TestFunctions(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	template := `
Parameters:
  Names: {Type: CommaDelimitedList, Default: "a,b,c"}
  Name: {Type: String, Default: bean}
Mappings:
  Sizes: {us-east-1: {small: t3.micro}}
Conditions:
  IsBean: !Equals [!Ref Name, bean]
  Neither: !Not [!Or [!Condition IsBean, !Equals [1, 2]]]
  Both: !And [!Condition IsBean, !Not [!Condition Neither]]
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !If [Neither, no, !Ref AWS::NoValue]}}
  Never: {Type: AWS::SNS::Topic, Condition: Neither}
  Quiet: {Type: AWS::SSM::Parameter, Properties: {Name: /functions/quiet, Type: String, Value: hush}}
  Loud: {Type: AWS::SSM::Parameter, DependsOn: Quiet, Properties: {Type: String, Value: "{{resolve:ssm:/functions/quiet}}!"}}
Outputs:
  Sub: {Value: !Sub ["${Name}-${X}-${AWS::Region}-${!literal}", {X: !Select [1, !Ref Names]}]}
  Join: {Value: !Join ["+", !Split [".", a.b.c]]}
  Map: {Value: !FindInMap [Sizes, !Ref AWS::Region, small]}
  If: {Value: !If [Both, "yes", "no"]}
  Base64: {Value: !Base64 bean}
  Cidr: {Value: !Join [" ", !Cidr [10.0.0.0/16, 2, 8]]}
  Zone: {Value: !Select [0, !GetAZs ""]}
  Dynamic: {Value: !GetAtt Loud.Value}
  Absent: {Condition: Neither, Value: !Ref Never}
  Partition: {Value: !Sub "${AWS::Partition} ${AWS::URLSuffix} ${AWS::AccountId}"}
`
	s := c.deploy("functions", "CREATE", template)
	wantStatus(t, s, "CREATE_COMPLETE")
	want := map[string]string{"Sub": "bean-b-us-east-1-${literal}", "Join": "a+b+c", "Map": "t3.micro", "If": "yes", "Base64": "YmVhbg==",
		"Cidr": "10.0.0.0/24 10.0.1.0/24", "Zone": "us-east-1a", "Dynamic": "hush!", "Partition": "aws amazonaws.com 123456789012"}
	for key, value := range want {
		if got := s.output(t, key); got != value {
			t.Errorf("%s: %q, want %q", key, got, value)
		}
	}
	if len(s.Outputs) != len(want) {
		t.Errorf("outputs %v, want %d", s.Outputs, len(want))
	}
	c.delete("functions")
}

// A failed update leaves the stack, and what it made, as they were.
func TestUpdateRollsBack(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	network := resource("AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": false})
	group := resource("AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "a", "VpcId": map[string]any{"Ref": "VPC"},
		"SecurityGroupIngress": []any{map[string]any{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8"}}})
	first := map[string]any{"Resources": map[string]any{"VPC": network, "Group": group},
		"Outputs": map[string]any{"Group": map[string]any{"Value": map[string]any{"Ref": "Group"}}}}
	s := c.deploy("rolls-back", "CREATE", document(t, first))
	wantStatus(t, s, "CREATE_COMPLETE")
	id := s.output(t, "Group")

	changed := resource("AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "a", "VpcId": map[string]any{"Ref": "VPC"},
		"SecurityGroupIngress": []any{map[string]any{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}}})
	second := map[string]any{"Resources": map[string]any{"VPC": network, "Group": changed,
		"Topic": resource("AWS::SNS::Topic", nil),
		"Bad": map[string]any{"Type": "AWS::EC2::Subnet", "DependsOn": []string{"Group", "Topic"},
			"Properties": map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "CidrBlock": "192.168.0.0/24"}}}}
	s = c.deploy("rolls-back", "UPDATE", document(t, second))
	wantStatus(t, s, "UPDATE_ROLLBACK_COMPLETE")
	if after := s.output(t, "Group"); after != id {
		t.Errorf("group %s, want %s", after, id)
	}
	var groups struct {
		From []string `xml:"securityGroupInfo>item>ipPermissions>item>fromPort"`
	}
	c.must(&groups, "ec2", "DescribeSecurityGroups", "GroupId.1", id)
	if !slices.Equal(groups.From, []string{"80"}) {
		t.Errorf("ports %v after the rollback, want 80 alone", groups.From)
	}
	if topics := c.resources()["AWS::SNS::Topic"]; len(topics) != 0 {
		t.Errorf("the rollback left %v", topics)
	}
	if same, err := c.propose("rolls-back", "UPDATE", document(t, first)); err != nil || same.Status != "FAILED" {
		t.Errorf("after the rollback the old template is a change: %+v, %v", same, err)
	}
	c.delete("rolls-back")
}

func TestExportsInUse(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	exporter := func(name, value string) string {
		return document(t, map[string]any{"Resources": map[string]any{"Topic": resource("AWS::SNS::Topic", nil)}, "Outputs": map[string]any{
			"Word": map[string]any{"Value": value, "Export": map[string]any{"Name": name}}}})
	}
	user := document(t, map[string]any{"Resources": map[string]any{"Parameter": resource("AWS::SSM::Parameter", map[string]any{
		"Type": "String", "Name": "/exports/word", "Value": map[string]any{"Fn::ImportValue": "exports-word"}})}})
	wantStatus(t, c.deploy("exports-a", "CREATE", exporter("exports-word", "one")), "CREATE_COMPLETE")
	wantStatus(t, c.deploy("exports-b", "CREATE", user), "CREATE_COMPLETE")

	for what, template := range map[string]string{
		"Cannot update export exports-word as it is in use by exports-b": exporter("exports-word", "two"),
		"Cannot delete export exports-word as it is in use by exports-b": exporter("exports-other", "one"),
	} {
		s := c.deploy("exports-a", "UPDATE", template)
		wantStatus(t, s, "UPDATE_ROLLBACK_COMPLETE")
		if !strings.Contains(s.StackStatusReason, what) {
			t.Errorf("reason %q, want %q", s.StackStatusReason, what)
		}
	}
	c.must(nil, "cloudformation", "DeleteStack", "StackName", "exports-a")
	s := c.stack("exports-a")
	wantStatus(t, s, "DELETE_FAILED")
	if !strings.Contains(s.StackStatusReason, "in use by exports-b") {
		t.Errorf("reason %q", s.StackStatusReason)
	}
	wantStatus(t, c.deploy("exports-c", "CREATE", exporter("exports-word", "three")), "ROLLBACK_COMPLETE")
	for _, name := range []string{"exports-c", "exports-b", "exports-a"} {
		c.delete(name)
	}
}

// A load balancer with deletion protection stays, and the stack with it, until the protection is taken away.
func TestDeletionProtection(t *testing.T) {
	c := sharedServer(t)
	c.keepsClean()
	template := func(protected string) string {
		return document(t, map[string]any{"Resources": map[string]any{
			"VPC":    resource("AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16"}),
			"Subnet": resource("AWS::EC2::Subnet", map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "CidrBlock": "10.0.0.0/24"}),
			"Balancer": resource("AWS::ElasticLoadBalancingV2::LoadBalancer", map[string]any{"Subnets": []any{map[string]any{"Ref": "Subnet"}}, "Scheme": "internal",
				"LoadBalancerAttributes": []any{map[string]any{"Key": "deletion_protection.enabled", "Value": protected}}})},
			"Outputs": map[string]any{"Balancer": map[string]any{"Value": map[string]any{"Ref": "Balancer"}}}})
	}
	s := c.deploy("protected", "CREATE", template("true"))
	wantStatus(t, s, "CREATE_COMPLETE")
	c.must(nil, "cloudformation", "DeleteStack", "StackName", "protected")
	wantStatus(t, c.stack("protected"), "DELETE_FAILED")
	if reasons := strings.Join(c.reasons("protected", "DELETE_FAILED"), "; "); !strings.Contains(reasons, "cannot be deleted because deletion protection is enabled") {
		t.Errorf("reasons %q", reasons)
	}
	c.must(nil, "elasticloadbalancing", "ModifyLoadBalancerAttributes", "LoadBalancerArn", s.output(t, "Balancer"),
		"Attributes.member.1.Key", "deletion_protection.enabled", "Attributes.member.1.Value", "false")
	c.delete("protected")
}

// What is to stay stays, what cannot go is told, and what it needs stays with it.
func TestDeletion(t *testing.T) {
	c := sharedServer(t)
	kept := map[string]any{"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain", "Properties": map[string]any{"TopicName": "deletion-kept"}}
	template := map[string]any{"Resources": map[string]any{"Kept": kept,
		"VPC":    resource("AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16"}),
		"Subnet": resource("AWS::EC2::Subnet", map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "CidrBlock": "10.0.0.0/24"}),
		"Used":   resource("AWS::EC2::SecurityGroup", map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "GroupDescription": "used"}),
		"Group":  resource("AWS::ElasticLoadBalancingV2::TargetGroup", map[string]any{"VpcId": map[string]any{"Ref": "VPC"}, "Port": 80, "Protocol": "HTTP"}),
		"Topic":  resource("AWS::SNS::Topic", nil)},
		"Outputs": map[string]any{"Subnet": map[string]any{"Value": map[string]any{"Ref": "Subnet"}}, "Used": map[string]any{"Value": map[string]any{"Ref": "Used"}}, "VPC": map[string]any{"Value": map[string]any{"Ref": "VPC"}}}}
	s := c.deploy("deletion", "CREATE", document(t, template))
	wantStatus(t, s, "CREATE_COMPLETE")
	var instance struct {
		ID        string `xml:"instancesSet>item>instanceId"`
		Interface string `xml:"instancesSet>item>networkInterfaceSet>item>networkInterfaceId"`
	}
	c.must(&instance, "ec2", "RunInstances", "ImageId", "ami-12c6146b", "MinCount", "1", "MaxCount", "1", "InstanceType", "t3.micro",
		"SubnetId", s.output(t, "Subnet"), "SecurityGroupId.1", s.output(t, "Used"))
	c.must(nil, "cloudformation", "DeleteStack", "StackName", "deletion")
	wantStatus(t, c.stack("deletion"), "DELETE_FAILED")
	if reasons := c.reasons("deletion", "DELETE_FAILED"); len(reasons) != 3 || !strings.Contains(strings.Join(reasons, "; "), "Subnet: The subnet") ||
		!strings.Contains(strings.Join(reasons, "; "), "Used: resource "+s.output(t, "Used")+" has a dependent object: "+instance.Interface) {
		t.Errorf("reasons %q, want the subnet's, the security group's and the stack's", reasons)
	}
	if left := c.resources()["AWS::EC2::VPC"]; !slices.Contains(left, s.output(t, "VPC")) {
		t.Errorf("VPCs %v, want the one that the subnet needs", left)
	}
	c.must(nil, "ec2", "TerminateInstances", "InstanceId.1", instance.ID)
	c.must(nil, "ec2", "DeleteNetworkInterface", "NetworkInterfaceId", instance.Interface)
	c.delete("deletion")
	if left := c.resources()["AWS::SNS::Topic"]; len(left) != 1 || !strings.HasSuffix(left[0], ":deletion-kept") {
		t.Errorf("topics %v, want the retained one", left)
	}
	c.must(nil, "sns", "DeleteTopic", "TopicArn", c.resources()["AWS::SNS::Topic"][0])
}
