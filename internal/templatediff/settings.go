package templatediff

import (
	"cmp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template"
)

// The namespaces that decide what a change does.
const (
	nsASG                 = "aws:autoscaling:asg"
	nsLaunchConfiguration = "aws:autoscaling:launchconfiguration"
	nsRollingUpdate       = "aws:autoscaling:updatepolicy:rollingupdate"
	nsTrigger             = "aws:autoscaling:trigger"
	nsVPC                 = "aws:ec2:vpc"
	nsApplication         = "aws:elasticbeanstalk:application"
	nsProperties          = "aws:elasticbeanstalk:application:environment"
	nsSecrets             = "aws:elasticbeanstalk:application:environmentsecrets"
	nsCommand             = "aws:elasticbeanstalk:command"
	nsEnvironment         = "aws:elasticbeanstalk:environment"
	nsProcess             = "aws:elasticbeanstalk:environment:process:"
	nsWorker              = "aws:elasticbeanstalk:sqsd"
	nsTrafficSplitting    = "aws:elasticbeanstalk:trafficsplitting"
	nsClassic             = "aws:elb:"
	nsListener            = "aws:elbv2:listener:"
	nsListenerRule        = "aws:elbv2:listenerrule:"
	nsLoadBalancer        = "aws:elbv2:loadbalancer"
)

// identity is what makes two settings settings of one option: ResourceName counts for scheduled actions only, where the
// same name in two resources is two options; elsewhere Beanstalk writes there what it likes.
type identity struct{ namespace, resource, name string }

func (i identity) compare(j identity) int {
	return cmp.Or(cmp.Compare(i.namespace, j.namespace), cmp.Compare(i.resource, j.resource), cmp.Compare(i.name, j.name))
}

func (i identity) String() string { return i.namespace + " " + i.option() }

// option is the option's name, of a scheduled action with the action's.
func (i identity) option() string {
	if i.resource != "" {
		return i.name + " of " + i.resource
	}
	return i.name
}

// value is what is set for one option.
type value struct {
	canonical any
	raw       []any  // as the template has it, once for each branch of a condition
	known     bool   // canonical is a text that does not depend on a condition
	origin    string // where it comes from if not from the environment itself
}

func (v value) text() string { return text(v.canonical) }

// settings are the option settings of an environment or a saved configuration.
type settings struct {
	values map[identity]value
	// partial says that there are settings beside these: from a saved configuration, or from a function.
	partial bool
}

func (s *scope) settings(r *template.Resource) settings {
	if r == nil {
		return settings{values: map[identity]value{}}
	}
	list, _ := r.Properties["OptionSettings"].([]any)
	out := settings{values: make(map[identity]value, len(list))}
	_, out.partial = r.Properties["Fn::Transform"]
	s.collect(&out, r.Properties["OptionSettings"], "")
	return out
}

// settings are those that an environment has: its own, over those of the saved configuration that it names, over those
// in its source bundle.
func (s *side) settings(r, saved *template.Resource, bundle string) settings {
	if r.Properties["TemplateName"] == nil && bundle == "" {
		return s.scope.settings(r)
	}
	out := bundled(bundle)
	if r.Properties["TemplateName"] != nil {
		if saved == nil || saved.Properties["SourceConfiguration"] != nil || saved.Properties["EnvironmentId"] != nil {
			out.partial = true
		} else {
			layer := s.scope.settings(saved)
			for id, v := range layer.values {
				v.origin = "from the saved configuration " + saved.LogicalID
				layer.values[id] = v
			}
			out = out.after(layer)
		}
	}
	return out.after(s.scope.settings(r))
}

// saved is the saved configuration of the same template that an environment names, nil if it is none of it.
func (s *side) saved(r *template.Resource) *template.Resource {
	name, _ := r.Properties["TemplateName"].(map[string]any)
	id, _ := name["Ref"].(string)
	if found := s.resources[id]; found != nil && found.Type == template.ConfigurationTemplate {
		return found
	}
	return nil
}

// bundle is where the source bundle of an environment's version is on this computer, "" if it is not known.
func (s *side) bundle(r *template.Resource) string {
	label, _ := r.Properties["VersionLabel"].(map[string]any)
	id, _ := label["Ref"].(string)
	if version := s.resources[id]; version != nil && version.Type == applicationVersion {
		return find(s, version.Properties["SourceBundle"])
	}
	return ""
}

const fromBundle = "from the bundle's "

// bundled are the settings in a bundle's .ebextensions.
func bundled(path string) settings {
	out := settings{values: map[identity]value{}}
	if path == "" {
		return out
	}
	files, err := extensions(path)
	if err != nil {
		return out
	}
	for _, name := range sorted(files) {
		config, err := template.ParseConfig(name, files[name])
		if err != nil {
			continue // beanpole validate says what is wrong with it
		}
		for _, s := range config.Settings {
			id := identity{s.Namespace, s.ResourceName, s.OptionName}
			if id.namespace != option.ScheduledAction {
				id.resource = ""
			}
			out.values[id] = value{canonical: s.Value, known: !s.Unresolved, origin: fromBundle + name}
		}
	}
	return out
}

// collect reads the list of settings. Of two settings of one option the last one counts; under a condition both do.
func (s *scope) collect(out *settings, raw any, condition string) {
	switch raw := raw.(type) {
	case []any:
		for _, e := range raw {
			s.collect(out, e, condition)
		}
	case map[string]any:
		if name, argument, ok := function(raw); ok {
			list, _ := argument.([]any)
			switch {
			case name == "Fn::If" && len(list) == 3:
				on, _ := list[0].(string)
				s.collect(out, list[1], branch(condition, on))
				s.collect(out, list[2], branch(condition, "not "+on))
			case !isNoValue(raw):
				out.partial = true
			}
			return
		}
		namespace, ok := s.canonical(raw["Namespace"]).(string)
		name, alsoOK := s.canonical(raw["OptionName"]).(string)
		if !ok || !alsoOK {
			out.partial = true // which option this is, only a deployment knows
			return
		}
		resource, _ := s.canonical(raw["ResourceName"]).(string)
		if namespace != option.ScheduledAction {
			resource = ""
		}
		id := identity{namespace, resource, name}
		v := value{canonical: s.value(raw["Value"]), raw: []any{raw["Value"]}}
		if condition != "" {
			before := out.values[id]
			list, _ := before.canonical.(branches)
			v.canonical = append(list, branchValue{condition, v.canonical, s.definitions(condition)})
			v.raw = append(before.raw, raw["Value"])
		} else {
			_, v.known = v.canonical.(string)
		}
		out.values[id] = v
	}
}

// branches is a setting that stands under conditions.
type branches []branchValue

type branchValue struct {
	condition  string
	value      any
	definition any
}

func branch(above, condition string) string {
	if above == "" {
		return condition
	}
	return above + " and " + condition
}

// definitions are those of the conditions that a branch names, so that the setting changes with them.
func (s *scope) definitions(branch string) any {
	var all []any
	for name := range strings.SplitSeq(branch, " and ") {
		all = append(all, s.condition(strings.TrimPrefix(name, "not ")))
	}
	return all
}

func (s settings) identities() []identity {
	all := make([]identity, 0, len(s.values))
	for id := range s.values {
		all = append(all, id)
	}
	slices.SortFunc(all, identity.compare)
	return all
}

// get returns an option's value: what is set, Beanstalk's default, or nothing known.
func (s settings) get(namespace, name string) (v string, known bool) {
	if set, ok := s.values[identity{namespace, "", name}]; ok {
		return set.text(), set.known
	}
	if s.partial {
		return "", false
	}
	o, _ := option.Lookup(namespace, name)
	return o.Default, o.Default != ""
}

// hasNamespace says that some option of a namespace is set: that there is such a process.
func (s settings) hasNamespace(namespace string) bool {
	for id := range s.values {
		if id.namespace == namespace {
			return true
		}
	}
	return false
}

func (s settings) is(namespace, name, want string) bool {
	v, known := s.get(namespace, name)
	return known && strings.EqualFold(v, want)
}

// after are the settings that an environment has when the update is done: an option that disappears keeps its value.
func (s settings) after(update settings) settings {
	kept := false
	for id := range s.values {
		if _, ok := update.values[id]; !ok {
			kept = true
			break
		}
	}
	if !kept {
		return settings{update.values, s.partial || update.partial}
	}
	merged := settings{values: make(map[identity]value, len(s.values)), partial: s.partial || update.partial}
	for id, v := range s.values {
		merged.values[id] = v
	}
	for id, v := range update.values {
		merged.values[id] = v
	}
	return merged
}

// options are the settings in the words of package option.
func (s settings) options() []option.Setting {
	out := make([]option.Setting, 0, len(s.values))
	for _, id := range s.identities() {
		v := s.values[id]
		o := option.Setting{Namespace: id.namespace, ResourceName: id.resource, OptionName: id.name, Unresolved: !v.known}
		if v.known {
			o.Value = v.text()
		}
		out = append(out, o)
	}
	return out
}

// context is what the rules of package option want to know of the environment.
func (s settings) context(properties map[string]any, scope *scope) option.Context {
	in := option.Context{Partial: s.partial}
	tier, _ := properties["Tier"].(map[string]any)
	in.Tier = option.Tier(text(scope.value(tier["Name"])))
	in.Platform = text(scope.value(properties["PlatformArn"]))
	if in.Platform == "" {
		in.Platform = text(scope.value(properties["SolutionStackName"]))
	}
	if v, ok := s.values[identity{nsEnvironment, "", "LoadBalancerIsShared"}]; ok && v.known {
		shared := strings.EqualFold(v.text(), "true")
		in.LoadBalancerIsShared = &shared
	}
	return in
}
