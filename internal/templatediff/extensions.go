package templatediff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/beanpole-cdk/internal/template"
)

// beanstalksOwn are the resources of the stack that Beanstalk makes for an environment, which a configuration file in the
// bundle can change under Resources.
var beanstalksOwn = map[string]string{
	"AWSEBAutoScalingGroup":               "AWS::AutoScaling::AutoScalingGroup",
	"AWSEBAutoScalingLaunchConfiguration": "AWS::AutoScaling::LaunchConfiguration",
	"AWSEBAutoScalingScaleDownPolicy":     "AWS::AutoScaling::ScalingPolicy",
	"AWSEBAutoScalingScaleUpPolicy":       "AWS::AutoScaling::ScalingPolicy",
	"AWSEBCloudwatchAlarmHigh":            "AWS::CloudWatch::Alarm",
	"AWSEBCloudwatchAlarmLow":             "AWS::CloudWatch::Alarm",
	"AWSEBEC2LaunchTemplate":              "AWS::EC2::LaunchTemplate",
	"AWSEBEIP":                            "AWS::EC2::EIP",
	"AWSEBLoadBalancer":                   "AWS::ElasticLoadBalancing::LoadBalancer",
	"AWSEBLoadBalancerSecurityGroup":      "AWS::EC2::SecurityGroup",
	"AWSEBRDSDatabase":                    "AWS::RDS::DBInstance",
	"AWSEBSecurityGroup":                  "AWS::EC2::SecurityGroup",
	"AWSEBV2LoadBalancer":                 "AWS::ElasticLoadBalancingV2::LoadBalancer",
	"AWSEBV2LoadBalancerListener":         "AWS::ElasticLoadBalancingV2::Listener",
	"AWSEBV2LoadBalancerTargetGroup":      "AWS::ElasticLoadBalancingV2::TargetGroup",
	"AWSEBWorkerQueue":                    "AWS::SQS::Queue",
	"AWSEBWorkerDeadLetterQueue":          "AWS::SQS::Queue",
	"AWSEBWorkerCronLeaderRegistry":       "AWS::DynamoDB::Table",
}

// ownType is the type of one of Beanstalk's own resources, "" if it is not known. Further listeners and target groups have
// a suffix ("AWSEBV2LoadBalancerListener443").
func ownType(id string) string {
	for _, family := range []string{"AWSEBV2LoadBalancerListener", "AWSEBV2LoadBalancerTargetGroup"} {
		if strings.HasPrefix(id, family) && !strings.HasPrefix(id, "AWSEBV2LoadBalancerListenerRule") {
			return beanstalksOwn[family]
		}
	}
	return beanstalksOwn[id]
}

// launches are the types from which instances are launched: a change of one replaces the instances.
var launches = []string{"AWS::AutoScaling::LaunchConfiguration", "AWS::EC2::LaunchTemplate"}

// extensions tells what changes in the bundle's .ebextensions beside option settings, which settings tells.
func (e *environmentChange) extensions() {
	if e.bundles[0] == "" || e.bundles[1] == "" || e.bundles[0] == e.bundles[1] {
		return
	}
	before, after := sections(e.bundles[0]), sections(e.bundles[1])
	for _, id := range keys(before.resources, after.resources) {
		was, is := before.resources[id], after.resources[id]
		if !equal(was.body, is.body) {
			e.ownResource(id, was, is)
		}
	}
	for _, file := range keys(before.files, after.files) {
		var changed []string
		for _, name := range keys(before.files[file], after.files[file]) {
			if !equal(before.files[file][name], after.files[file][name]) {
				changed = append(changed, name)
			}
		}
		if len(changed) == 0 {
			continue
		}
		row := e.row(file, nil, nil, NewVersion, fmt.Sprintf("%s: run on the instances, as root, while the version is deployed", strings.Join(changed, ", ")))
		row.Action = action(before.files[file] != nil, after.files[file] != nil)
	}
}

func action(was, is bool) Action {
	switch {
	case !was:
		return Add
	case !is:
		return Remove
	}
	return Modify
}

// ownResource tells of one resource of Beanstalk's own stack that configuration files change.
func (e *environmentChange) ownResource(id string, was, is ownResource) {
	typ, own := ownType(id), strings.HasPrefix(id, "AWSEB")
	for _, r := range []ownResource{was, is} {
		if given, ok := r.body["Type"].(string); ok {
			typ = given
		}
	}
	r := &resourceChange{Place: Place{Stack: e.r.Stack, Resource: id, Type: typ}, properties: map[string]*propertyChange{}}
	r.schema, r.published = schemaOf(typ)
	before, after := properties(was.body), properties(is.body)
	var changed []string
	for _, name := range keys(before, after) {
		if !equal(before[name], after[name]) {
			changed = append(changed, name)
			r.properties[name] = &propertyChange{before: before[name], after: after[name]}
		}
	}
	if was.body != nil {
		r.base = &template.Resource{LogicalID: id, Type: typ, Properties: before}
	}
	if is.body != nil {
		r.head = &template.Resource{LogicalID: id, Type: typ, Properties: after}
	}
	r.judge()
	var effect Effect
	switch {
	case e.replaced:
		effect = NoInterruption
	case slices.Contains(launches, typ):
		effect = ReplacesInstances
		e.instances = append(e.instances, id)
	case was.body == nil && !own:
		effect = AddsResource
	case is.body == nil && !own:
		effect = RemovesResource
	case !r.published:
		effect = Unknown
	default:
		effect = map[replacement]Effect{inPlace: UpdatedInPlace, mayReplace: MayReplaceResource, replaces: ReplacesResource}[r.replacement]
	}
	row := e.row(id, nil, nil, effect, fmt.Sprintf("%s of the %s in Beanstalk's own stack, %s%s",
		cmp.Or(strings.Join(changed, ", "), "the definition"), typ[strings.LastIndexByte(typ, ':')+1:], fromBundle, cmp.Or(is.file, was.file)))
	row.Action = action(was.body != nil, is.body != nil)
	switch effect {
	case RemovesResource:
		var policy string
		policy, row.LosesData = farewell(was.body, r.schema)
		row.Why = join(row.Why, policy)
	case ReplacesResource:
		policy := text(is.body["UpdateReplacePolicy"])
		row.LosesData = r.schema.data && policy != "Retain" && policy != "Snapshot"
	}
	e.bundled[id] = true
	if kind := "HealthCheckType"; typ == "AWS::AutoScaling::AutoScalingGroup" && r.properties[kind] != nil {
		says := "the Auto Scaling group no longer asks the load balancer: an instance is replaced only when it stops"
		if text(after[kind]) == "ELB" {
			says = "the Auto Scaling group will replace instances that the load balancer finds unhealthy: a health check that the app cannot pass replaces them again and again"
		}
		e.c.remark(e.r.Place, "%s", says)
	}
	e.c.accessOf(e.p, r)
}

// properties are those of a resource's body.
func properties(body map[string]any) map[string]any {
	m, _ := body["Properties"].(map[string]any)
	return m
}

// ownResource is what a configuration file says of a resource of Beanstalk's own stack.
type ownResource struct {
	file string
	body map[string]any
}

// configuration is what a bundle's configuration files hold beside option settings.
type configuration struct {
	resources map[string]ownResource
	files     map[string]map[string]any // the other sections, by file
}

func sections(bundle string) configuration {
	out := configuration{resources: map[string]ownResource{}, files: map[string]map[string]any{}}
	files, err := extensions(bundle)
	if err != nil {
		return out
	}
	for _, name := range sorted(files) {
		config, err := template.ParseConfig(name, files[name])
		if err != nil {
			continue // beanpole validate says what is wrong with it
		}
		resources, _ := config.Sections["Resources"].(map[string]any)
		for id, body := range resources {
			m, _ := body.(map[string]any)
			if before := out.resources[id]; before.body != nil {
				m = merged(before.body, m) // files are applied in order
			}
			out.resources[id] = ownResource{name, m}
		}
		delete(config.Sections, "Resources")
		if len(config.Sections) > 0 {
			out.files[name] = config.Sections
		}
	}
	return out
}

// merged is a body with another laid over it.
func merged(below, above map[string]any) map[string]any {
	out := maps.Clone(below)
	for k, v := range above {
		x, ok := out[k].(map[string]any)
		y, also := v.(map[string]any)
		if ok && also {
			out[k] = merged(x, y)
		} else {
			out[k] = v
		}
	}
	return out
}
