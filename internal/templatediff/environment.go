package templatediff

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template"
)

// environmentChange is what happens to one environment that both sides have, maybe under another logical id.
type environmentChange struct {
	c    *comparison
	p    *pair
	r    *resourceChange
	from *side // the base's

	base, head, after settings
	in                option.Context // of the base
	bundles           [2]string      // where the source bundles are on this computer, or ""
	replaced          bool
	rows              []Change
	version           *Version
	deploys           bool
	instances         []string // what replaces the instances
	restarts          []string
	bundled           map[string]bool // the subjects of rows about what the bundle's configuration files set
}

// environment tells what happens to an environment that stays, changes or is replaced.
func (c *comparison) environment(p *pair, r *resourceChange, basePair *pair, base *template.Resource) {
	e := &environmentChange{c: c, p: p, r: r, from: basePair.base}
	deployed := basePair.base.bundle(base)
	e.bundles[0] = deployed
	e.base = basePair.base.settings(base, basePair.base.saved(base), deployed)
	// What the environment does not take in this update stays as it was.
	saved, bundle := basePair.base.saved(base), deployed
	if r.properties["TemplateName"] != nil || r.renamed != "" || r.replacement == replaces {
		saved = p.head.saved(r.head)
	}
	if r.properties["VersionLabel"] != nil || r.renamed != "" || r.replacement == replaces {
		bundle = p.head.bundle(r.head)
	}
	e.bundles[1] = bundle
	e.head = p.head.settings(r.head, saved, bundle)
	e.after = e.base.after(e.head)
	e.in = e.base.context(base.Properties, basePair.base.scope)
	e.bundled = map[string]bool{}
	e.replaced = r.replacement == replaces || r.renamed != "" || slices.Contains(r.other, "Type")
	if e.replaced {
		e.after = e.head
	}
	e.properties(basePair, base)
	e.settings()
	e.refetch()
	e.extensions()
	e.mixes()
	e.refused()
	e.c.health(e)
	e.c.access(e)
	summary := e.summary()
	var worstEffect Effect
	for i := range e.rows {
		worstEffect = worst(worstEffect, e.rows[i].Effect)
	}
	c.report.Changes = append(c.report.Changes, e.rows...)
	if worstEffect != "" {
		c.report.Environments = append(c.report.Environments, Environment{r.Place, worstEffect, summary, e.version})
	}
}

// row adds a line about the environment.
func (e *environmentChange) row(subject string, before, after any, effect Effect, why string) *Change {
	change := Change{Place: e.r.Place, Action: Modify, Subject: subject, Effect: effect, Why: why}
	show := func(from *side, v any) *string {
		s, ok := e.c.showProperty(from, e.r.Type, subject, v)
		if !ok {
			change.Hidden = true
			return nil
		}
		return pointer(s)
	}
	if before != nil {
		change.Before = show(e.from, before)
	}
	if after != nil {
		change.After = show(e.p.head, after)
	}
	e.rows = append(e.rows, change)
	return &e.rows[len(e.rows)-1]
}

func pointer(s string) *string { return &s }

// properties tells what changes beside the option settings.
func (e *environmentChange) properties(basePair *pair, base *template.Resource) {
	properties := e.r.properties
	if e.r.renamed != "" {
		from := e.r.renamed
		if basePair != e.p {
			from = basePair.id + "/" + from
		}
		e.row("", from, e.r.Resource, ReplacesEnvironment, fmt.Sprintf("the construct was renamed: the logical id %s becomes %s, "+
			"so CloudFormation makes a new environment and terminates the old one; give it the old id again to keep it", from, e.r.Resource))
		properties = map[string]*propertyChange{}
		for _, name := range keys(base.Properties, e.r.head.Properties) {
			before, after := basePair.base.scope.value(base.Properties[name]), e.p.head.scope.value(e.r.head.Properties[name])
			if !equal(basePair.base.anonymous(base.Properties[name]), e.p.head.anonymous(e.r.head.Properties[name])) {
				properties[name] = &propertyChange{before: before, after: after}
			}
		}
	}
	if slices.Contains(e.r.other, "Type") {
		e.row("Type", e.r.base.Type, e.r.head.Type, Rejected, "CloudFormation refuses another type for a logical id that exists; give the resource another id")
	}
	for _, name := range sorted(properties) {
		p := properties[name]
		switch name {
		case "OptionSettings":
		case "PlatformArn":
			e.platform(p, properties["SolutionStackName"] != nil)
		case "VersionLabel":
			e.deploy(p)
		case "TemplateName":
			why := join(p.follows, "Beanstalk applies the settings of the saved configuration")
			if e.base.partial || e.head.partial {
				why += "; which of them differ from the environment's is not known here"
			}
			e.row(name, p.before, p.after, Unknown, why)
		case "Tags":
			if e.after.is(nsLaunchConfiguration, "LaunchTemplateTagPropagationEnabled", "true") && !e.replaced {
				e.instances = append(e.instances, name)
				e.row(name, p.before, p.after, ReplacesInstances, join(p.follows, "the launch template has them too (LaunchTemplateTagPropagationEnabled)"))
				continue
			}
			e.row(name, p.before, p.after, NoInterruption, p.follows)
		case "Description", "OperationsRole":
			e.row(name, p.before, p.after, NoInterruption, p.follows)
		default:
			effect := NoInterruption
			if slices.ContainsFunc(e.r.because, func(path string) bool { return path == name || strings.HasPrefix(path, name+".") }) {
				effect = ReplacesEnvironment
			}
			why := p.follows
			if effect == ReplacesEnvironment {
				why = join(p.follows, "CloudFormation replaces the environment when "+name+" changes")
				if name == "SolutionStackName" {
					why += "; PlatformArn could change in place"
				}
			}
			e.row(name, p.before, p.after, effect, why)
		}
	}
	for _, name := range e.r.other {
		switch name {
		case "Type", "Metadata":
		case "Condition":
			e.row("Condition", base.Condition, e.r.head.Condition, Unknown, "the environment exists only if the condition holds, and the condition changes")
		default:
			e.row(name, basePair.base.body(base.LogicalID)[name], e.p.head.body(e.r.head.LogicalID)[name], None, "it counts when the environment is deleted or replaced")
		}
	}
	if !e.replaced {
		return
	}
	// The new environment is made before the old one is deleted.
	for _, name := range []string{"EnvironmentName", "CNAMEPrefix"} {
		fixed := e.p.head.scope.value(e.r.head.Properties[name])
		if fixed != nil && equal(fixed, basePair.base.scope.value(base.Properties[name])) && e.c.follows(e.p, e.r.head.Properties[name]) == "" {
			e.row(name, fixed, fixed, Rejected, fmt.Sprintf("the new environment is made while the old one has this %s, which must be unique: the update fails; "+
				"leave %s out or change it too", name, name))
		}
	}
}

func join(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, "; ")
}

// platformARN is the ARN of a platform: its branch and, after a slash, its version.
var platformARN = regexp.MustCompile(`:platform/([^/]+)(?:/([0-9.]+|\$\{.*\}))?$`)

func (e *environmentChange) platform(p *propertyChange, fromStack bool) {
	effect, why := ReplacesInstances, ""
	before, after := platformARN.FindStringSubmatch(text(p.before)), platformARN.FindStringSubmatch(text(p.after))
	switch {
	case p.follows != "":
		effect, why = Unknown, p.follows
	case e.replaced && fromStack:
		effect, why = NoInterruption, "the new environment takes it"
	case p.after == nil:
		effect, why = None, "without it the platform stays"
	case p.before == nil:
		why = "Beanstalk updates the platform in place"
	case before == nil || after == nil:
		effect, why = Unknown, "what the platforms are is not known here"
	case before[1] != after[1]:
		why = fmt.Sprintf("another platform branch (%s instead of %s): Beanstalk tries it in place and replaces the instances; "+
			"AWS recommends a blue/green deployment, because another runtime or operating system may not run the application", after[1], before[1])
	case before[2] == "" || after[2] == "":
		why = fmt.Sprintf("a platform update within the branch %s, in place, if the version that runs is another one", after[1])
	default:
		why = fmt.Sprintf("a platform update within the branch %s, in place", after[1])
		if newer(before[2], after[2]) {
			why = fmt.Sprintf("an older version of the branch %s, in place", after[1])
		}
	}
	if e.replaced && effect != Unknown {
		effect, why = NoInterruption, "the new environment takes it"
	}
	if effect == ReplacesInstances {
		e.instances = append(e.instances, "PlatformArn")
	}
	e.row("PlatformArn", p.before, p.after, effect, why)
}

// newer says whether version a comes after b.
func newer(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		if errM != nil || errN != nil {
			return false
		}
		if m != n {
			return m > n
		}
	}
	return len(x) > len(y)
}

// deploy tells of a new application version.
func (e *environmentChange) deploy(p *propertyChange) {
	if p.after == nil {
		e.row("VersionLabel", p.before, nil, Unknown, "whether the running version then stays is not documented")
		return
	}
	e.deploys = true
	e.version = &Version{Added: []string{}, Changed: []string{}, Removed: []string{}}
	e.p.head.scope.references(e.r.head.Properties["VersionLabel"], func(ref reference) {
		if v := e.p.changes[ref.name]; v != nil && v.Type == applicationVersion {
			e.version = e.c.bundle(e.p, v)
		}
	})
	if e.p.changes[e.r.Resource] != nil && e.r.renamed != "" {
		e.row("VersionLabel", p.before, p.after, NewVersion, "the new environment starts with it")
		return
	}
	e.row("VersionLabel", p.before, p.after, NewVersion, join(p.follows, e.deployment()))
}

// settings tells what changes of the option settings.
func (e *environmentChange) settings() {
	ids := append(e.base.identities(), e.head.identities()...)
	slices.SortFunc(ids, identity.compare)
	gone := e.leaving()
	for _, name := range gone {
		e.row(nsProcess+name, nil, nil, None, "its options keep their last values").Action = Remove
	}
	for _, id := range slices.Compact(ids) {
		before, was := e.base.values[id]
		after, is := e.head.values[id]
		if !is && slices.Contains(gone, strings.TrimPrefix(id.namespace, nsProcess)) {
			continue // told as one
		}
		follows := ""
		if was && is && same(id, before, after) {
			if e.r.renamed != "" || equal(before.canonical, after.canonical) {
				for _, raw := range after.raw {
					follows = cmp.Or(follows, e.c.follows(e.p, raw))
				}
			}
			if follows == "" {
				continue
			}
		}
		if e.r.renamed != "" && was && is && follows == "" && e.anonymous(before) == e.anonymous(after) {
			continue // the same reference, to what is renamed with it
		}
		effect, why := e.effect(id, before, was, after, is)
		if effect == None && !was && e.newProcess(id.namespace) {
			continue // the defaults of a target group that is made anyway
		}
		if origin := cmp.Or(after.origin, before.origin); origin != "" {
			why = join(origin, why)
			e.bundled[id.String()] = strings.HasPrefix(origin, fromBundle)
			if strings.HasPrefix(origin, fromBundle) && (effect == Rejected || !is) {
				effect = Unknown // Beanstalk may as well pass over what a bundle says
			}
		}
		change := Change{
			Place: e.r.Place, Action: Modify, Subject: id.String(), Namespace: id.namespace, ResourceName: id.resource, OptionName: id.name,
			Effect: effect, Why: join(follows, why),
		}
		if was {
			change.Before = e.show(&change, e.from, id, before)
		} else {
			change.Action = Add
		}
		if is {
			change.After = e.show(&change, e.p.head, id, after)
		} else {
			change.Action = Remove
		}
		switch effect {
		case ReplacesInstances:
			e.instances = append(e.instances, id.name)
		case RestartsApplication:
			e.restarts = append(e.restarts, id.name)
		}
		e.rows = append(e.rows, change)
	}
}

func (e *environmentChange) anonymous(v value) string {
	return encode(e.p.head.anonymous(v.canonical))
}

func (e *environmentChange) show(change *Change, from *side, id identity, v value) *string {
	s, ok := e.c.showSetting(from, id, v)
	if !ok {
		change.Hidden = true
		return nil
	}
	return &s
}

// same says that Beanstalk sees no difference between two values: it compares choices and booleans without case.
func same(id identity, a, b value) bool {
	if equal(a.canonical, b.canonical) {
		return true
	}
	if !a.known || !b.known || !strings.EqualFold(a.text(), b.text()) {
		return false
	}
	o, ok := option.Lookup(id.namespace, id.name)
	return ok && (o.Type == option.Boolean || o.Type == option.Choice && !o.CaseSensitive)
}

// effect is what the change of one option does, and why.
func (e *environmentChange) effect(id identity, before value, was bool, after value, is bool) (Effect, string) {
	o, published := option.Lookup(id.namespace, id.name)
	if !is {
		return e.removed(id, o)
	}
	if e.replaced {
		return NoInterruption, "the new environment takes it"
	}
	isDefault := after.known && o.Default != "" && strings.EqualFold(after.text(), o.Default)
	switch {
	case !was && isDefault && !e.base.partial:
		return None, "it is Beanstalk's default already"
	case !published:
		return Unknown, "the option is not published"
	}
	if was && before.known && after.known && o.Type == option.List && o.Prefix != "" && sameItems(before.text(), after.text()) {
		return Unknown, "the same list in another order; whether Beanstalk sees a difference is not documented. If it does: " + effectOf(o.EffectIn(e.in)).String()
	}
	effect := effectOf(o.EffectIn(e.in))
	switch {
	case id.namespace == nsEnvironment && id.name == "EnvironmentType":
		if e.after.is(nsEnvironment, "EnvironmentType", "SingleInstance") {
			return effect, "the load balancer goes, and one instance is left"
		}
		return effect, "the environment gets a load balancer"
	case effect == Rejected && e.base.is(nsEnvironment, "EnvironmentType", "SingleInstance") && id.namespace != nsVPC &&
		!e.after.is(nsEnvironment, "EnvironmentType", "SingleInstance"):
		return NoInterruption, "the load balancer is made in this update, so its kind can be chosen"
	case effect == Rejected && !was && e.base.partial:
		return Unknown, "it can be chosen only when the environment is made, and the environment may have been made so: its other settings are not known here"
	case effect == Rejected && id.name == "LoadBalancerIsShared":
		return Rejected, "Beanstalk cannot move an environment between a dedicated and a shared load balancer; make a new environment beside it"
	case effect == Rejected && !was && o.Default != "":
		return Rejected, fmt.Sprintf("it can be chosen only when the environment is made, and this one was made with Beanstalk's default %s", o.Default)
	case effect == Rejected && e.in.LoadBalancerIsShared != nil && *e.in.LoadBalancerIsShared && !o.CreationOnly:
		return Rejected, "after the environment is made Beanstalk does not change listeners and rules on a shared load balancer"
	case effect == Rejected:
		return Rejected, "it can be chosen only when the environment is made; make a new environment beside it"
	case effect == RestartsApplication:
		return effect, "on all instances, possibly at once: an option's change does not follow the rolling policy"
	case effect == ReplacesInstances:
		return effect, ""
	case e.newProcess(id.namespace):
		return NoInterruption, "" // a target group beside those that serve
	case strings.HasPrefix(id.namespace, nsProcess) && (id.name == "Port" || id.name == "Protocol"):
		if rule := e.forwards(); rule != "" {
			return Rejected, fmt.Sprintf("Beanstalk makes another target group, and the load balancer does not delete the old one while the rule %s forwards to it", rule)
		}
		return Unknown, "Beanstalk makes another target group: targets are unhealthy until the new one has checked them, and a listener rule outside of Beanstalk that forwards to the old one stops the update"
	}
	switch {
	case id.namespace == nsWorker && id.name == "WorkerQueueURL":
		return effect, "the daemon reads another queue; messages that are left in the old one stay there"
	case id.namespace == nsWorker && id.name == "HttpPath":
		return effect, "the daemon posts messages to this path; one that is answered otherwise than 200 comes again"
	}
	return effect, ""
}

// newProcess says that a namespace is that of a process that the environment does not have yet.
func (e *environmentChange) newProcess(namespace string) bool {
	return strings.HasPrefix(namespace, nsProcess) && namespace != nsProcess+"default" && !e.base.partial && !e.base.hasNamespace(namespace)
}

const leaves = "leaves the template and stays in the environment, with its target group and its health check: CloudFormation takes no option away " +
	"(aws elasticbeanstalk update-environment --options-to-remove does)"

// leaving are the processes that the template no longer names, under the old name or a new one.
func (e *environmentChange) leaving() []string {
	if e.replaced || e.head.partial {
		return nil
	}
	gone := map[string]bool{}
	for id := range e.base.values {
		if strings.HasPrefix(id.namespace, nsProcess) && id.namespace != nsProcess+"default" && !e.head.hasNamespace(id.namespace) {
			gone[strings.TrimPrefix(id.namespace, nsProcess)] = true
		}
	}
	return sorted(gone)
}

func sameItems(a, b string) bool {
	items := func(s string) []string {
		all := strings.Split(strings.ReplaceAll(s, " ", ""), ",")
		slices.Sort(all)
		return all
	}
	return slices.Equal(items(a), items(b))
}

func effectOf(e option.Effect) Effect {
	switch e {
	case option.NoInterruption:
		return NoInterruption
	case option.NewInstancesOnly:
		return NewInstancesOnly
	case option.RestartsApplication:
		return RestartsApplication
	case option.ReplacesInstances:
		return ReplacesInstances
	case option.ReplacesEnvironment:
		return ReplacesEnvironment
	case option.Rejected:
		return Rejected
	}
	return Unknown
}

// removed is what happens to an option that the template leaves out.
func (e *environmentChange) removed(id identity, o option.Option) (Effect, string) {
	switch {
	case e.replaced && o.Default != "":
		return NoInterruption, fmt.Sprintf("the new environment has Beanstalk's default %s", o.Default)
	case e.replaced:
		return NoInterruption, "the new environment does not have it"
	case id.namespace == nsProperties || id.namespace == nsSecrets:
		return Unknown, "CloudFormation keeps the last value of an option that disappears; of environment properties both has been seen. If it goes, the application restarts"
	case id.namespace == option.ScheduledAction:
		return None, "CloudFormation takes no option away: the action goes on; Suspend stops it"
	case o.Default != "" && e.base.values[id].known && strings.EqualFold(e.base.values[id].text(), o.Default):
		return None, "it keeps its last value, which is Beanstalk's default"
	case o.Default != "":
		return None, fmt.Sprintf("it keeps its last value; to get Beanstalk's default, set it to %s", o.Default)
	}
	return None, "it keeps its last value; to change it, set another one"
}

// forwards names a listener rule of the templates that sends requests to the environment's target group, "" if none does.
func (e *environmentChange) forwards() string {
	reaches := map[target]bool{{e.p.id, ofResource, e.r.Resource}: true}
	for again := true; again; {
		again = false
		for id, r := range e.p.head.resources {
			key := target{e.p.id, ofResource, id}
			if reaches[key] || !custom(r.Type) && !strings.HasPrefix(r.Type, "AWS::ElasticLoadBalancingV2::Listener") {
				continue
			}
			e.p.head.scope.references(r.Properties, func(ref reference) {
				if reaches[target{e.p.id, ofResource, ref.name}] {
					reaches[key], again = true, true
				}
			})
		}
	}
	for _, id := range sorted(e.p.head.resources) {
		if reaches[target{e.p.id, ofResource, id}] && strings.HasPrefix(e.p.head.resources[id].Type, "AWS::ElasticLoadBalancingV2::Listener") {
			return id
		}
	}
	return ""
}

// resourceSettings are those that change something beside the instances, which Beanstalk does not mix with an immutable update.
func resourceSetting(namespace string) bool {
	return strings.HasPrefix(namespace, nsClassic) || strings.HasPrefix(namespace, "aws:elbv2:") || strings.HasPrefix(namespace, nsProcess) ||
		namespace == nsASG || namespace == nsTrigger || namespace == option.ScheduledAction
}

const separately = "; deploy them one after the other, or blue/green"

// mixes finds what Beanstalk refuses to do in one update.
func (e *environmentChange) mixes() {
	if e.replaced {
		return
	}
	immutableDeployment := e.deploys && e.after.is(nsCommand, "DeploymentPolicy", "Immutable")
	immutableUpdate := e.after.is(nsRollingUpdate, "RollingUpdateType", "Immutable")
	policy, _ := e.after.get(nsCommand, "DeploymentPolicy")
	splits := e.deploys && strings.EqualFold(policy, "TrafficSplitting")
	for i := range e.rows {
		row := &e.rows[i]
		if row.Namespace == "" && !e.bundled[row.Subject] || row.Effect == None || row.Effect == Rejected {
			continue
		}
		resource := resourceSetting(row.Namespace)
		switch {
		case immutableDeployment && e.bundled[row.Subject] && row.Action != Remove:
			row.Effect = Rejected
			row.Why = join(row.Why, "AWS documents an error when an immutable deployment brings configuration files that change settings or resources; deploy this version by another policy")
		case immutableDeployment && row.Effect == ReplacesInstances && !immutableUpdate:
			row.Effect = Rejected
			row.Why = join(row.Why, "a new version is deployed immutably, and configuration updates are not immutable: AWS documents an error when one update does both"+separately+", or set RollingUpdateType to Immutable first")
		case e.deploys && immutableUpdate && row.Effect == ReplacesInstances && strings.HasPrefix(strings.ToLower(policy), "rolling"):
			row.Effect = Rejected
			row.Why = join(row.Why, fmt.Sprintf("configuration updates are immutable, and the new version is deployed by %s: Beanstalk asks for immutable for both when one update does both", policy)+separately)
		case immutableDeployment && resource:
			row.Effect = Rejected
			row.Why = join(row.Why, "Beanstalk refuses to change resources in the same update as an immutable deployment"+separately)
		case immutableUpdate && len(e.instances) > 0 && resource:
			row.Effect = Rejected
			row.Why = join(row.Why, fmt.Sprintf("Beanstalk refuses to change resources in the same update as an immutable one (%s replaces the instances)", e.instances[0])+separately)
		case splits && resource:
			row.Why = join(row.Why, "a new version is deployed on new instances beside the old ones, as by an immutable deployment, which takes no change of resources with it: if it is refused, deploy them one after the other")
		case immutableUpdate && len(e.instances) > 0 && row.Effect == RestartsApplication:
			row.Why = join(row.Why, fmt.Sprintf("AWS documents that an immutable update (%s replaces the instances) takes no other settings with it: if it is refused, deploy them one after the other", e.instances[0]))
		}
	}
}

// refused finds the settings that Beanstalk does not take, of those that change or are new.
func (e *environmentChange) refused() {
	type id struct {
		rule    string
		setting identity
	}
	key := func(f option.Finding) id {
		return id{f.Rule, identity{f.Namespace, f.ResourceName, f.OptionName}}
	}
	wrong := errorsOf(e.after.options(), e.after.context(e.r.head.Properties, e.p.head.scope))
	if len(wrong) == 0 {
		return
	}
	known := map[id]bool{}
	for _, f := range errorsOf(e.base.options(), e.in) {
		known[key(f)] = true
	}
	changed := map[identity]*Change{}
	for i := range e.rows {
		changed[identity{e.rows[i].Namespace, e.rows[i].ResourceName, e.rows[i].OptionName}] = &e.rows[i]
	}
	for _, f := range wrong {
		at := identity{f.Namespace, f.ResourceName, f.OptionName}
		row := changed[at]
		if known[key(f)] && row == nil {
			continue
		}
		if row == nil {
			row = e.row(at.String(), nil, nil, Rejected, "")
			row.Namespace, row.ResourceName, row.OptionName = at.namespace, at.resource, at.name
		}
		row.Effect = Rejected
		row.Why = join(row.Why, strings.TrimPrefix(f.Message, at.String()+": "))
		// e.row may have moved the rows.
		for i := range e.rows {
			changed[identity{e.rows[i].Namespace, e.rows[i].ResourceName, e.rows[i].OptionName}] = &e.rows[i]
		}
	}
}

// errorsOf are what Beanstalk refuses.
func errorsOf(settings []option.Setting, in option.Context) []option.Finding {
	return slices.DeleteFunc(option.Check(settings, in), func(f option.Finding) bool { return f.Level != option.Error })
}

// added tells of an environment that is new.
func (c *comparison) added(p *pair, r *resourceChange) {
	s := p.head.settings(r.head, p.head.saved(r.head), p.head.bundle(r.head))
	change := Change{Place: r.Place, Action: Add, Effect: AddsResource, Why: "a new environment"}
	var problems []string
	for _, f := range errorsOf(s.options(), s.context(r.head.Properties, p.head.scope)) {
		problems = append(problems, f.Message)
	}
	summary := "is a new environment"
	if len(problems) > 0 {
		change.Effect, change.Why = Rejected, join(problems...)
		summary = "is a new environment, which Beanstalk will refuse: " + problems[0]
	}
	c.report.Changes = append(c.report.Changes, change)
	c.report.Environments = append(c.report.Environments, Environment{Place: r.Place, Effect: change.Effect, Summary: summary})
}

// removedEnvironment tells of an environment that goes.
func (c *comparison) removedEnvironment(p *pair, r *resourceChange) {
	change := Change{Place: r.Place, Action: Remove, Effect: RemovesEnvironment, Why: "the environment and its instances are terminated"}
	summary := "is terminated"
	if policy := text(p.base.body(r.Resource)["DeletionPolicy"]); policy == "Retain" {
		change.Effect, change.Why = RemovesResource, "the stack lets go of the environment, which stays (DeletionPolicy: Retain)"
		summary = "leaves the stack and keeps running"
	}
	c.report.Changes = append(c.report.Changes, change)
	c.report.Environments = append(c.report.Environments, Environment{Place: r.Place, Effect: change.Effect, Summary: summary})
}
