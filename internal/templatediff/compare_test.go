package templatediff

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template"
)

// stack writes a template from the lines of its resources.
func stack(resources ...string) string {
	return `{"Resources": {` + strings.Join(resources, ",\n") + `}}`
}

// fromTemplates makes an assembly of templates by stack name.
func fromTemplates(name string, templates map[string][]byte) (*Assembly, error) {
	a := &Assembly{Name: name}
	var errs []error
	for stack, data := range templates {
		document, err := template.Parse(stack, data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		a.Stacks = append(a.Stacks, &Stack{ID: stack, Name: stack, Document: document})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, a.finish()
}

func assembly(t *testing.T, stacks map[string]string) *Assembly {
	t.Helper()
	templates := map[string][]byte{}
	for name, text := range stacks {
		templates[name] = []byte(text)
	}
	a, err := fromTemplates("test", templates)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// diff compares two sets of stacks and returns the report and its changes as "stack resource subject" → effect.
func diff(t *testing.T, base, head map[string]string) (*Report, map[string]Effect) {
	t.Helper()
	r := Compare(assembly(t, base), assembly(t, head))
	changes := map[string]Effect{}
	for _, c := range r.Changes {
		changes[strings.TrimSpace(c.Stack+" "+c.Resource+" "+c.Subject)] = c.Effect
	}
	return r, changes
}

func expect(t *testing.T, r *Report, got, want map[string]Effect) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("changes %v\nwant    %v", got, want)
	}
	checkSchema(t, render(t, r)["json"])
}

const (
	environmentJSON = `"Web": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"ApplicationName": "app", "OptionSettings": [%s]}}`
	roleJSON        = `"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "fixed", "Path": "%s", "AssumeRolePolicyDocument": {"Statement": []}}}`
)

func settingJSON(namespace, name, value string) string {
	if !strings.HasPrefix(value, "{") {
		value = fmt.Sprintf("%q", value)
	}
	return fmt.Sprintf(`{"Namespace": %q, "OptionName": %q, "Value": %s}`, namespace, name, value)
}

func TestReplacementFollowsReferencesIntoOtherStacks(t *testing.T) {
	network := `{"Resources": {"Lb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Scheme": %q}}},
		"Outputs": {"Arn": {"Value": {"Ref": "Lb"}}}}`
	web := stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elbv2:loadbalancer", "SharedLoadBalancer", `{"Fn::GetStackOutput": {"StackName": "network", "OutputName": "Arn"}}`)))
	r, got := diff(t,
		map[string]string{"network": fmt.Sprintf(network, "internal"), "web": web},
		map[string]string{"network": fmt.Sprintf(network, "internet-facing"), "web": web})
	expect(t, r, got, map[string]Effect{"network Lb Scheme": ReplacesResource, "web Web aws:elbv2:loadbalancer SharedLoadBalancer": Rejected})
	if why := r.Changes[0].Why; !strings.HasPrefix(why, "Lb is replaced") {
		t.Errorf("why: %s", why)
	}
	if len(r.Security) != 1 || !r.Security[0].Public || r.Security[0].Direction != Broadens {
		t.Errorf("security: %+v", r.Security)
	}
}

func TestExportsThatAreImported(t *testing.T) {
	exporting := `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"T": {"Value": {"Ref": "Topic"}, "Export": {"Name": "topic"}}}}`
	importing := stack(`"Sub": {"Type": "AWS::SNS::Subscription", "Properties": {"Protocol": "sqs", "TopicArn": {"Fn::ImportValue": "topic"}}}`)
	r, got := diff(t,
		map[string]string{"a": exporting, "b": importing},
		map[string]string{"a": stack(`"Topic": {"Type": "AWS::SNS::Topic"}`), "b": stack(`"Other": {"Type": "AWS::SNS::Topic"}`)})
	expect(t, r, got, map[string]Effect{"a T Export topic": Rejected, "b Sub": RemovesResource, "b Other": AddsResource})
	for _, c := range r.Changes {
		if c.Effect == Rejected && !strings.Contains(c.Why, "deploy b without the import first") {
			t.Error(c.Why)
		}
	}
}

func TestFixedNamesThatCannotBeReplaced(t *testing.T) {
	for name, tt := range map[string]struct {
		base, head string
		want       map[string]Effect
	}{
		"an identifier": {
			stack(fmt.Sprintf(roleJSON, "/")), stack(fmt.Sprintf(roleJSON, "/eb/")),
			map[string]Effect{"s Role": Rejected, "s Role Path": ReplacesResource},
		},
		"a name beside the identifier": {
			stack(`"Lb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Name": "main", "Scheme": "internal"}}`),
			stack(`"Lb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Name": "main", "Scheme": "internet-facing"}}`),
			map[string]Effect{"s Lb": Rejected, "s Lb Scheme": ReplacesResource},
		},
		"the name changes too": {
			stack(`"Lb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Name": "main", "Scheme": "internal"}}`),
			stack(`"Lb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Name": "main2", "Scheme": "internet-facing"}}`),
			map[string]Effect{"s Lb Name": ReplacesResource, "s Lb Scheme": ReplacesResource},
		},
		"an identifier of two properties, one of which changes": {
			stack(`"R": {"Type": "AWS::EC2::Route", "Properties": {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}}`),
			stack(`"R": {"Type": "AWS::EC2::Route", "Properties": {"RouteTableId": "rtb-2", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}}`),
			map[string]Effect{"s R RouteTableId": ReplacesResource},
		},
		"another type under the same id": {
			stack(`"X": {"Type": "AWS::SNS::Topic"}`), stack(`"X": {"Type": "AWS::SQS::Queue"}`),
			map[string]Effect{"s X Type": Rejected},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, got := diff(t, map[string]string{"s": tt.base}, map[string]string{"s": tt.head})
			expect(t, r, got, tt.want)
		})
	}
}

func TestRenamedResources(t *testing.T) {
	base := stack(`"Old": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "alarms"}}`,
		`"P": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Old"}], "PolicyDocument": {"Statement": []}}}`)
	head := stack(`"New": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "alarms"}}`,
		`"P": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "New"}], "PolicyDocument": {"Statement": []}}}`)
	r, got := diff(t, map[string]string{"s": base}, map[string]string{"s": head})
	expect(t, r, got, map[string]Effect{"s New": ReplacesResource, "s P Topics[0]": UpdatedInPlace})
	r, got = diff(t, map[string]string{"s": stack(fmt.Sprintf(roleJSON, "/"))}, map[string]string{"s": strings.Replace(stack(fmt.Sprintf(roleJSON, "/")), `"Role"`, `"Renamed"`, 1)})
	expect(t, r, got, map[string]Effect{"s Renamed": Rejected})
}

// A look-up only reads: renamed, removed or asked anew, nothing that runs is replaced or goes. Of another custom resource only
// its program knows.
func TestLookUpsReplaceNothing(t *testing.T) {
	lookUp := func(id, properties string) string {
		return `"` + id + `": {"Type": "Custom::AWS", "Properties": {"ServiceToken": "arn", ` + properties + `}}`
	}
	const describe = `"Create": {"Fn::Join": ["", ["{\"service\":\"CloudFormation\",\"action\":\"describeStackResource\",\"physicalResourceId\":{\"id\":\"", {"Ref": "AWS::StackName"}, "-%s\"}}"]]}`
	const start = `"Create": "{\"service\":\"ECS\",\"action\":\"runTask\",\"physicalResourceId\":{\"id\":\"%s\"}}"`
	one, two := fmt.Sprintf(describe, "one"), fmt.Sprintf(describe, "two")
	for name, test := range map[string]struct {
		base, head string
		verdict    string
		effect     Effect
	}{
		"asks anew":               {lookUp("L", one), lookUp("L", two), "safe", NoInterruption},
		"renamed":                 {lookUp("L", one), lookUp("M", one), "safe", NoInterruption},
		"renamed, and asks anew":  {lookUp("L", one), lookUp("M", two), "safe", AddsResource},
		"removed":                 {lookUp("L", one), `"T": {"Type": "AWS::SNS::Topic"}`, "safe", AddsResource},
		"renamed, with an end":    {lookUp("L", one+`, "Delete": "{}"`), lookUp("M", one+`, "Delete": "{}"`), "replaces resources", ReplacesResource},
		"renamed, does something": {lookUp("L", fmt.Sprintf(start, "one")), lookUp("M", fmt.Sprintf(start, "one")), "replaces resources", ReplacesResource},
		"becomes more than that":  {lookUp("L", one), lookUp("L", fmt.Sprintf(start, "one")), "safe", UpdatedInPlace},
		"of another type": {strings.Replace(lookUp("L", one), "Custom::AWS", "AWS::CloudFormation::CustomResource", 1),
			strings.Replace(lookUp("M", one), "Custom::AWS", "AWS::CloudFormation::CustomResource", 1), "replaces resources", ReplacesResource},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := diff(t, map[string]string{"S": stack(test.base)}, map[string]string{"S": stack(test.head)})
			if verdict, _, _ := strings.Cut(r.Verdict.Summary, ":"); verdict != test.verdict || r.Verdict.Effect != test.effect {
				t.Errorf("%s: %s; %+v", r.Verdict.Effect, r.Verdict.Summary, r.Changes)
			}
		})
	}
}

func TestWhatBecomesOfDataThatLeavesTheStack(t *testing.T) {
	table := func(policy string) string {
		return stack(fmt.Sprintf(`"T": {"Type": "AWS::DynamoDB::Table", %s "Properties": {}}`, policy))
	}
	for policy, want := range map[string]struct {
		effect Effect
		loses  bool
	}{
		``:                              {RemovesResource, true},
		`"DeletionPolicy": "Delete",`:   {RemovesResource, true},
		`"DeletionPolicy": "Snapshot",`: {RemovesResource, false},
		`"DeletionPolicy": "Retain",`:   {None, false},
	} {
		r, _ := diff(t, map[string]string{"s": table(policy)}, map[string]string{"s": stack()})
		if len(r.Changes) != 1 || r.Changes[0].Effect != want.effect || r.Changes[0].LosesData != want.loses || slices.Contains(r.Verdict.Flags, FlagLosesData) != want.loses {
			t.Errorf("%s: %+v, flags %v", policy, r.Changes, r.Verdict.Flags)
		}
	}
}

func TestEnvironmentMovesToAnotherStack(t *testing.T) {
	web := fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:asg", "MinSize", "2"))
	topic := `"T": {"Type": "AWS::SNS::Topic"}`
	r, got := diff(t, map[string]string{"a": stack(web, topic), "b": stack(topic)}, map[string]string{"a": stack(topic), "b": stack(strings.Replace(web, "Web", "Site", 1), topic)})
	expect(t, r, got, map[string]Effect{"b Site": ReplacesEnvironment})
	if before := deref(r.Changes[0].Before); before != "a/Web" {
		t.Errorf("before %q", before)
	}
	r, got = diff(t, map[string]string{"a": stack(web), "b": stack(topic)}, map[string]string{"b": stack(topic)})
	expect(t, r, got, map[string]Effect{"a Web": None})
	if !strings.Contains(strings.Join(r.Notes, "\n"), "the stack a is not among the new templates") {
		t.Errorf("notes %q", r.Notes)
	}
}

func TestScheduledActionsAreToldApartByName(t *testing.T) {
	action := func(name, size string) string {
		return fmt.Sprintf(`{"Namespace": "aws:autoscaling:scheduledaction", "ResourceName": %q, "OptionName": "MinSize", "Value": %q}`, name, size)
	}
	other := `{"Namespace": "aws:autoscaling:asg", "ResourceName": %q, "OptionName": "MinSize", "Value": "1"}`
	rest := func(name string) string {
		s := ""
		for option, value := range map[string]string{"MaxSize": "9", "Recurrence": "0 6 * * *"} {
			s += fmt.Sprintf(`,{"Namespace": "aws:autoscaling:scheduledaction", "ResourceName": %q, "OptionName": %q, "Value": %q}`, name, option, value)
		}
		return s
	}
	base := stack(fmt.Sprintf(environmentJSON, action("Day", "2")+","+action("Night", "1")+","+fmt.Sprintf(other, "AWSEBAutoScalingGroup")+rest("Day")+rest("Night")))
	head := stack(fmt.Sprintf(environmentJSON, action("Night", "1")+","+action("Day", "3")+","+fmt.Sprintf(other, "")+rest("Day")+rest("Night")))
	r, got := diff(t, map[string]string{"s": base}, map[string]string{"s": head})
	expect(t, r, got, map[string]Effect{"s Web aws:autoscaling:scheduledaction MinSize of Day": NoInterruption})
}

// What one update does is told as Beanstalk takes it: each row a setting that changes beside a new version, or alone.
func TestWhatDoesNotMixInOneUpdate(t *testing.T) {
	const (
		types = "aws:ec2:instances InstanceTypes"
		most  = "aws:autoscaling:asg MaxSize"
	)
	for _, c := range []struct {
		policy, update string
		version        bool
		changed        string
		want           Effect
		says           string
	}{
		{"Immutable", "Immutable", true, types, ReplacesInstances, ""},
		{"Immutable", "Health", true, types, Rejected, "set RollingUpdateType to Immutable first"},
		{"Rolling", "Immutable", true, types, Rejected, "the new version is deployed by Rolling: Beanstalk asks for immutable for both"},
		{"RollingWithAdditionalBatch", "Immutable", true, types, Rejected, "the new version is deployed by RollingWithAdditionalBatch"},
		{"AllAtOnce", "Immutable", true, types, ReplacesInstances, ""},
		{"Rolling", "Immutable", false, types, ReplacesInstances, ""},
		{"Rolling", "Health", true, types, ReplacesInstances, ""},
		{"TrafficSplitting", "Immutable", true, types, ReplacesInstances, ""},
		{"Immutable", "Immutable", true, most, Rejected, "refuses to change resources in the same update as an immutable deployment"},
		{"Immutable", "Immutable", false, most, NoInterruption, ""},
		{"TrafficSplitting", "Immutable", true, most, NoInterruption, "if it is refused, deploy them one after the other"},
		{"Rolling", "Health", true, most, NoInterruption, ""},
	} {
		side := func(version, instance, size string) map[string]string {
			return map[string]string{"web": stack(`"Web": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"ApplicationName": "a", "VersionLabel": "` + version + `", "OptionSettings": [` +
				strings.Join([]string{
					settingJSON("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
					settingJSON("aws:elasticbeanstalk:command", "DeploymentPolicy", c.policy),
					settingJSON("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType", c.update),
					settingJSON("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateEnabled", "true"),
					settingJSON("aws:ec2:instances", "InstanceTypes", instance),
					settingJSON("aws:autoscaling:asg", "MaxSize", size),
				}, ", ") + `]}}`)}
		}
		version, instance, size := "1", "t3.small", "4"
		if c.version {
			version = "2"
		}
		if c.changed == types {
			instance = "t3.large"
		} else {
			size = "6"
		}
		r := Compare(assembly(t, side("1", "t3.small", "4")), assembly(t, side(version, instance, size)))
		found := false
		for _, change := range r.Changes {
			if change.Subject != c.changed {
				continue
			}
			found = true
			if change.Effect != c.want || !strings.Contains(change.Why, c.says) || c.says == "" && strings.Contains(change.Why, "one after the other") {
				t.Errorf("%s with updates %s, version %v: %s: %s (%s), want %s (%s)", c.policy, c.update, c.version, c.changed, change.Effect, change.Why, c.want, c.says)
			}
		}
		if !found {
			t.Errorf("%s is not among the changes: %+v", c.changed, r.Changes)
		}
	}
}

func TestConditionsAndFunctions(t *testing.T) {
	base := `{"Parameters": {"Kind": {"Type": "String", "Default": "prod"}}, "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Kind"}, "prod"]}},
		"Mappings": {"Size": {"eu-west-1": {"type": "t3.small"}}}, "Resources": {` + fmt.Sprintf(environmentJSON, strings.Join([]string{
		settingJSON("aws:autoscaling:asg", "MinSize", `{"Fn::If": ["Prod", "2", "1"]}`),
		settingJSON("aws:ec2:instances", "InstanceTypes", `{"Fn::FindInMap": ["Size", {"Ref": "AWS::Region"}, "type"]}`),
		settingJSON("aws:elasticbeanstalk:application:environment", "URL", `{"Fn::Join": ["", ["https://", {"Ref": "AWS::Region"}, "/"]]}`),
		`{"Fn::If": ["Prod", ` + settingJSON("aws:autoscaling:asg", "MaxSize", "9") + `, {"Ref": "AWS::NoValue"}]}`,
	}, ",")) + `}}`
	for name, tt := range map[string]struct {
		from, to string
		want     map[string]Effect
	}{
		"Join and Sub say the same": {`{"Fn::Join": ["", ["https://", {"Ref": "AWS::Region"}, "/"]]}`, `{"Fn::Sub": "https://${AWS::Region}/"}`, map[string]Effect{}},
		"a branch of Fn::If":        {`"2", "1"`, `"3", "1"`, map[string]Effect{"s Web aws:autoscaling:asg MinSize": NoInterruption}},
		"a setting in a branch":     {`"Value": "9"`, `"Value": "8"`, map[string]Effect{"s Web aws:autoscaling:asg MaxSize": NoInterruption}},
		"the condition itself": {`{"Ref": "Kind"}, "prod"`, `{"Ref": "Kind"}, "live"`, map[string]Effect{
			"s Web aws:autoscaling:asg MinSize": NoInterruption, "s Web aws:autoscaling:asg MaxSize": NoInterruption,
		}},
		"a mapping":                         {`"t3.small"`, `"t3.large"`, map[string]Effect{"s Web aws:ec2:instances InstanceTypes": ReplacesInstances}},
		"a literal in place of a parameter": {`{"Fn::Equals": [{"Ref": "Kind"}, "prod"]}`, `{"Fn::Equals": ["prod", "prod"]}`, map[string]Effect{}},
	} {
		t.Run(name, func(t *testing.T) {
			head := strings.Replace(base, tt.from, tt.to, 1)
			if head == base {
				t.Fatal("nothing to replace")
			}
			r, got := diff(t, map[string]string{"s": base}, map[string]string{"s": head})
			expect(t, r, got, tt.want)
		})
	}
}

func TestProcessPortWhileARuleForwards(t *testing.T) {
	web := func(port string) string {
		return fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")+","+settingJSON("aws:elasticbeanstalk:environment:process:default", "Port", port))
	}
	rule := `"Find": {"Type": "Custom::AWS", "Properties": {"ServiceToken": "arn", "Create": {"Fn::Join": ["", ["x", {"Ref": "Web"}]]}}},
		"Rule": {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {"ListenerArn": "l", "Priority": 1, "Conditions": [], "Actions": [{"Type": "forward", "TargetGroupArn": {"Fn::GetAtt": ["Find", "Arn"]}}]}}`
	subject := "s Web aws:elasticbeanstalk:environment:process:default Port"
	r, got := diff(t, map[string]string{"s": stack(web("80"))}, map[string]string{"s": stack(web("8080"))})
	expect(t, r, got, map[string]Effect{subject: Unknown})
	r, got = diff(t, map[string]string{"s": stack(web("80"), rule)}, map[string]string{"s": stack(web("8080"), rule)})
	expect(t, r, got, map[string]Effect{subject: Rejected})
}

func TestNestedStacks(t *testing.T) {
	write := func(size string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"manifest.json": `{"artifacts": {"Parent": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "p.json"}}}}`,
			"p.json": `{"Resources": {"Nested": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "n.json"},
				"Properties": {"TemplateURL": "https://s3/` + size + `", "Parameters": {"Size": "` + size + `"}}}}}`,
			"n.json": `{"Parameters": {"Size": {"Type": "String"}}, "Resources": {` + fmt.Sprintf(environmentJSON,
				settingJSON("aws:ec2:instances", "InstanceTypes", `{"Ref": "Size"}`)+","+settingJSON("aws:autoscaling:asg", "MinSize", map[string]string{"t3.small": "1", "t3.large": "2"}[size])) + `}}`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	base, err := Open(write("t3.small"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := Open(write("t3.large"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Effect{}
	for _, c := range Compare(base, head).Changes {
		got[c.Stack+" "+c.Resource+" "+c.Subject] = c.Effect
	}
	want := map[string]Effect{
		"Parent Nested Parameters.Size":                     UpdatedInPlace,
		"Parent/Nested Web aws:autoscaling:asg MinSize":     NoInterruption,
		"Parent/Nested Web aws:ec2:instances InstanceTypes": ReplacesInstances,
	}
	if !maps.Equal(got, want) {
		t.Errorf("changes %v, want %v", got, want)
	}
}

// withConfig is an assembly with an environment whose bundle has one configuration file.
func withConfig(t *testing.T, packed bool, config string) *Assembly {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"manifest.json": `{"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.json"}}, "A": {"type": "cdk:asset-manifest", "properties": {"file": "a.json"}}}}`,
		"a.json":        fmt.Sprintf(`{"files": {"x": {"source": {"path": "bundle"}, "destinations": {"d": {"objectKey": "%x.zip"}}}}}`, config),
		"s.json": stack(fmt.Sprintf(`"V": {"Type": "AWS::ElasticBeanstalk::ApplicationVersion", "Properties": {"ApplicationName": "app", "SourceBundle": {"S3Bucket": "b", "S3Key": "%x.zip"}}}`, config),
			strings.Replace(fmt.Sprintf(environmentJSON, settingJSON("aws:autoscaling:asg", "MinSize", "1")), `"OptionSettings"`, `"VersionLabel": {"Ref": "V"}, "OptionSettings"`, 1)),
	}
	const name = ".ebextensions/web.config"
	if packed {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(config)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		files["bundle"] = b.String()
	} else {
		files["bundle/"+name] = config
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSettingsInTheBundle(t *testing.T) {
	const config = "option_settings:\n  aws:ec2:instances:\n    InstanceTypes: %s\n  aws:autoscaling:asg:\n    MinSize: %d\n  aws:autoscaling:updatepolicy:rollingupdate:\n    RollingUpdateType: Immutable\n"
	for _, packed := range []bool{false, true} {
		r := Compare(withConfig(t, packed, fmt.Sprintf(config, "t3.small", 1)), withConfig(t, packed, fmt.Sprintf(config, "t3.large", 2)))
		got := map[string]Effect{}
		for _, c := range r.Changes {
			got[c.Resource+" "+c.Subject] = c.Effect
		}
		// MinSize is the template's own: what the bundle says of it does not count.
		want := map[string]Effect{"V SourceBundle": NewVersion, "Web VersionLabel": NewVersion, "Web aws:ec2:instances InstanceTypes": ReplacesInstances}
		if !maps.Equal(got, want) {
			t.Errorf("changes %v, want %v", got, want)
		}
		if !strings.Contains(r.Verdict.Summary, "gets new instances, with the new version, because of InstanceTypes: new instances come up beside the old ones") {
			t.Errorf("the policy in the bundle does not count: %s", r.Verdict.Summary)
		}
		if v := r.Environments[0].Version; v == nil || !v.Known || !slices.Equal(v.Changed, []string{".ebextensions/web.config"}) {
			t.Errorf("version %+v", v)
		}
	}
}

// What configuration files say of the resources of Beanstalk's own stack does what it would do in any template.
func TestResourcesInTheBundle(t *testing.T) {
	for name, test := range map[string]struct {
		base, head string
		want       map[string]Effect
		losesData  bool
	}{
		"a listener, whose type is known": {"AWSEBV2LoadBalancerListener443: {Properties: {SslPolicy: a}}", "AWSEBV2LoadBalancerListener443: {Properties: {SslPolicy: b}}",
			map[string]Effect{"Web AWSEBV2LoadBalancerListener443": UpdatedInPlace}, false},
		"the load balancer's scheme": {"AWSEBV2LoadBalancer: {Properties: {Scheme: internal}}", "AWSEBV2LoadBalancer: {Properties: {Scheme: internet-facing}}",
			map[string]Effect{"Web AWSEBV2LoadBalancer": ReplacesResource}, false},
		"the launch template": {"AWSEBEC2LaunchTemplate: {Properties: {LaunchTemplateData: {EbsOptimized: false}}}", "AWSEBEC2LaunchTemplate: {Properties: {LaunchTemplateData: {EbsOptimized: true}}}",
			map[string]Effect{"Web AWSEBEC2LaunchTemplate": ReplacesInstances}, false},
		"a database's encryption": {"AWSEBRDSDatabase: {Type: 'AWS::RDS::DBInstance', Properties: {StorageEncrypted: false}}", "AWSEBRDSDatabase: {Type: 'AWS::RDS::DBInstance', Properties: {StorageEncrypted: true}}",
			map[string]Effect{"Web AWSEBRDSDatabase": ReplacesResource}, true},
		"a table of one's own, gone": {"Sessions: {Type: 'AWS::DynamoDB::Table', Properties: {BillingMode: PAY_PER_REQUEST}}", "{}",
			map[string]Effect{"Web Sessions": RemovesResource}, true},
		"a table that is kept": {"Sessions: {Type: 'AWS::DynamoDB::Table', DeletionPolicy: Retain, Properties: {BillingMode: PAY_PER_REQUEST}}", "{}",
			map[string]Effect{"Web Sessions": RemovesResource}, false},
		"what nobody knows": {"AWSEBNew: {Properties: {A: 1}}", "AWSEBNew: {Properties: {A: 2}}", map[string]Effect{"Web AWSEBNew": Unknown}, false},
		"the same, written otherwise": {"{AWSEBAutoScalingGroup: {Properties: {Cooldown: '1', HealthCheckType: ELB}}}", "\n    AWSEBAutoScalingGroup:\n      Properties:\n        HealthCheckType: ELB\n        Cooldown: \"1\"",
			map[string]Effect{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			side := func(resources string) *Assembly {
				if !strings.HasPrefix(resources, "{") && !strings.HasPrefix(resources, "\n") {
					resources = "{" + resources + "}"
				}
				return withConfig(t, true, "Resources: "+resources+"\n")
			}
			r := Compare(side(test.base), side(test.head))
			got, loses := map[string]Effect{}, false
			for _, c := range r.Changes {
				if c.Effect != NewVersion {
					got[c.Resource+" "+c.Subject] = c.Effect
				}
				loses = loses || c.LosesData
			}
			if !maps.Equal(got, test.want) || loses != test.losesData {
				t.Errorf("changes %v, loses data: %t; want %v, %t", got, loses, test.want, test.losesData)
			}
		})
	}
}

func TestReportIsTheSameEveryTime(t *testing.T) {
	for _, name := range []string{"caktus-vpc", "several-at-once", "access", "grails-shared-replaced"} {
		var first string
		for range 5 {
			dir := filepath.Join("testdata/corpus", name)
			text := render(t, Compare(openSide(t, dir, "base"), openSide(t, dir, "head")))["json"]
			if first == "" {
				first = text
			}
			if text != first {
				t.Fatalf("%s differs:\n%s\n%s", name, first, text)
			}
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("project/cdk.out/manifest.json", `{}`)
	for name, tt := range map[string]struct{ path, want string }{
		"no template":       {file("x.json", `{"a": 1}`), "it has no Resources object"},
		"no JSON":           {file("y.json", `{"a": `), "line"},
		"not an assembly":   {filepath.Dir(file("d/readme", "")), "it has no manifest.json; run cdk synth"},
		"the project":       {filepath.Join(dir, "project"), "did you mean " + filepath.Join(dir, "project", "cdk.out")},
		"no stack":          {filepath.Dir(file("e/manifest.json", `{"artifacts": {}}`)), "has no stack"},
		"a missing file":    {filepath.Dir(file("f/manifest.json", `{"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.json"}}}}`)), "s.json"},
		"a broken manifest": {filepath.Dir(file("g/manifest.json", `{`)), "manifest.json"},
	} {
		if _, err := Open(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	_, err := Open(filepath.Dir(file("h/manifest.json", `{"missing": [{"key": "vpc-provider"}], "artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.json"}}}}`)))
	if err == nil {
		t.Error("a missing template is no error")
	}
	file("h/s.json", `{"Resources": {}}`)
	if a, err := Open(filepath.Join(dir, "h")); err != nil || !slices.ContainsFunc(a.Warnings, func(w string) bool { return strings.Contains(w, "vpc-provider") }) {
		t.Errorf("%v, %v", a, err)
	}
}

func FuzzCompare(f *testing.F) {
	seeds, err := filepath.Glob("testdata/corpus/*/*.json")
	if err != nil || len(seeds) == 0 {
		f.Fatal(err)
	}
	for _, s := range seeds[:min(len(seeds), 12)] {
		data, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, data)
	}
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::ElasticBeanstalk::Environment","Properties":{"OptionSettings":[{"Fn::If":["x",1]}]}}}}`), []byte(`{"Resources":{}}`))
	f.Add([]byte(`{"Conditions":{"a":{"Condition":"a"}},"Resources":{"A":{"Type":"AWS::SNS::Topic","Condition":"a"}}}`), []byte(`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"x":{"Fn::If":["a","b","c"]}}}}}`))
	f.Fuzz(func(t *testing.T, base, head []byte) {
		b, err := fromTemplates("base", map[string][]byte{"s": base})
		if err != nil {
			return
		}
		h, err := fromTemplates("head", map[string][]byte{"s": head})
		if err != nil {
			return
		}
		r := Compare(b, h)
		render(t, r)
		if string(base) == string(head) && len(r.Changes) > 0 {
			t.Errorf("a template differs from itself: %+v", r.Changes)
		}
	})
}
