package templatediff

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"example.com/beanpole-cdk/internal/template"
)

// tell writes what changes of a stack into the report.
func (c *comparison) tell(p *pair) {
	switch {
	case p.head.stack == nil:
		c.note("the stack %s is not among the new templates: cdk deploy leaves it as it is, cdk destroy deletes it", p.id)
	case p.base.stack == nil:
		c.note("the stack %s is new", p.id)
	}
	ids := sorted(p.changes)
	reports := make([]Report, runtime.GOMAXPROCS(0))
	parallel(len(reports), len(ids), func(worker, from, to int) {
		part := *c
		part.report = &reports[worker]
		for _, id := range ids[from:to] {
			part.resource(p, p.changes[id])
		}
	})
	for _, part := range reports {
		c.report.Environments = append(c.report.Environments, part.Environments...)
		c.report.Health = append(c.report.Health, part.Health...)
		c.report.Security = append(c.report.Security, part.Security...)
		c.report.Changes = append(c.report.Changes, part.Changes...)
		c.report.Notes = append(c.report.Notes, part.Notes...)
	}
	c.parameters(p)
	c.exports(p)
}

// parallel splits n pieces of work among workers, in order.
func parallel(workers, n int, do func(worker, from, to int)) {
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() { do(w, n*w/workers, n*(w+1)/workers) })
	}
	wait.Wait()
}

// resource writes what changes of one resource into the report.
func (c *comparison) resource(p *pair, r *resourceChange) {
	switch {
	case r.head == nil && r.renamed != "":
		return // told with the new one
	case r.Type == template.Environment && r.base == nil && r.renamed != "":
		from, base := c.find(r.renamed, r)
		c.environment(p, r, from, base)
	case r.Type == template.Environment && r.base == nil:
		c.added(p, r)
	case r.Type == template.Environment && r.head == nil && p.head.stack == nil:
		c.unsynthesised(p, r)
	case r.Type == template.Environment && r.head == nil:
		c.removedEnvironment(p, r)
	case r.Type == template.Environment:
		c.environment(p, r, p, r.base)
	case r.head == nil && p.head.stack == nil:
		return // one note says it of all
	case r.head == nil:
		c.gone(p, r)
	case r.base == nil:
		c.come(p, r)
	default:
		c.changed(p, r)
	}
	if r.Type != template.Environment {
		c.healthOf(p, r)
		c.accessOf(p, r)
	}
}

func (c *comparison) note(format string, args ...any) {
	c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, args...))
}

func (c *comparison) add(r *resourceChange, action Action, subject string, effect Effect, why string) *Change {
	c.report.Changes = append(c.report.Changes, Change{Place: r.Place, Action: action, Subject: subject, Effect: effect, Why: why})
	return &c.report.Changes[len(c.report.Changes)-1]
}

// find returns the environment that a new one takes the place of.
func (c *comparison) find(id string, renamed *resourceChange) (*pair, *template.Resource) {
	for _, p := range c.pairs {
		if r := p.changes[id]; r != nil && r.head == nil && r.renamed == renamed.Resource {
			return p, r.base
		}
	}
	panic("a renamed environment without its old one") // renames sets both
}

// unsynthesised tells of an environment in a stack that is not synthesised any more.
func (c *comparison) unsynthesised(p *pair, r *resourceChange) {
	const why = "its stack is not synthesised any more: it keeps running until somebody deletes the stack"
	c.add(r, Remove, "", None, why)
	c.report.Environments = append(c.report.Environments, Environment{Place: r.Place, Effect: None, Summary: "keeps running, but its stack is not synthesised any more"})
}

func (c *comparison) gone(p *pair, r *resourceChange) {
	if lookUp(r.base) {
		c.add(r, Remove, "", None, "a look-up: nothing that runs goes with it")
		return
	}
	why, loses := farewell(p.base.body(r.Resource), r.schema)
	effect := RemovesResource
	if why == stays {
		effect = None
	}
	c.add(r, Remove, "", effect, why).LosesData = loses
}

const asksAnew = "a look-up: it asks anew, and nothing that runs is replaced by that"

const stays = "the stack lets go of it, and it stays as it is (DeletionPolicy)"

// farewell says what becomes of a resource that leaves its stack.
func farewell(body map[string]any, s schema) (why string, losesData bool) {
	switch policy := text(body["DeletionPolicy"]); {
	case policy == "Retain" || policy == "RetainExceptOnCreate":
		return stays, false
	case policy == "Snapshot":
		return "a snapshot is kept (DeletionPolicy)", false
	case s.data:
		return "its data is deleted with it", true
	}
	return "", false
}

func (c *comparison) come(p *pair, r *resourceChange) {
	if r.renamed == "" {
		c.add(r, Add, "", AddsResource, "")
		return
	}
	if lookUp(r.head) && lookUp(p.base.resources[r.renamed]) {
		c.add(r, Modify, "", NoInterruption, fmt.Sprintf("renamed: the logical id %s becomes %s; %s", r.renamed, r.Resource, asksAnew))
		return
	}
	old, loses := farewell(p.base.body(r.renamed), r.schema)
	why := join(fmt.Sprintf("renamed: the logical id %s becomes %s, so CloudFormation makes a new one and deletes the old", r.renamed, r.Resource), old)
	effect := ReplacesResource
	if fixed := fixedName(p.head.scope, r, nil); fixed != "" {
		effect, why, loses = Rejected, fmt.Sprintf("%s; the new one cannot be made while the old one is called %s", why, fixed), false
	} else if r.Type == applicationVersion {
		effect = NewVersion
	}
	c.add(r, Modify, "", effect, why).LosesData = loses
}

// fixedName is the name that the template gives a resource and that no second one can have, "" if there is none. What
// changes with the replacement does not count.
func fixedName(s *scope, r *resourceChange, changing []string) string {
	given := func(name string) string {
		if slices.Contains(changing, name) {
			return ""
		}
		value, _ := s.value(r.head.Properties[name]).(string)
		return value
	}
	var names []string
	for _, name := range r.schema.identifier {
		value := given(name)
		if value == "" && r.head.Properties[name] != nil && !slices.Contains(changing, name) {
			value = "as before" // a reference that stays
		}
		if value == "" {
			names = nil
			break
		}
		names = append(names, value)
	}
	if len(names) > 0 {
		return strings.Join(names, " ")
	}
	for _, name := range r.schema.identifier {
		if r.head.Properties[name] != nil {
			return "" // an identifier of its own, and it changes
		}
	}
	// Identified by what AWS makes up, and named beside that: within a VPC, if it is in one.
	short := r.Type[strings.LastIndexByte(r.Type, ':')+1:]
	for path, does := range r.schema.properties {
		name, isName := strings.CutSuffix(path, "Name")
		if isName && does == replaces && (name == "" || strings.HasSuffix(short, name)) && !slices.Contains(changing, "VpcId") {
			if value := given(path); value != "" {
				return value
			}
		}
	}
	return ""
}

// changed tells of a resource that both sides have and that is no environment.
func (c *comparison) changed(p *pair, r *resourceChange) {
	if slices.Contains(r.other, "Type") {
		change := c.add(r, Modify, "Type", Rejected, "CloudFormation refuses another type for a logical id that exists; give the resource another id")
		change.Before, change.After = pointer(r.base.Type), pointer(r.head.Type)
		return
	}
	if r.Type == applicationVersion && r.replacement == replaces && r.properties["ApplicationName"] == nil {
		c.newVersion(p, r)
		return
	}
	if r.Type == template.ConfigurationTemplate && r.replacement == inPlace {
		c.savedConfiguration(p, r)
		return
	}
	if r.replacement == replaces {
		if name := fixedName(p.head.scope, r, sorted(r.properties)); name != "" {
			c.add(r, Modify, "", Rejected, fmt.Sprintf("%s replaces it, and CloudFormation makes the new one first, "+
				"which cannot have the name of the old one (%s): change the name too, or leave it to CloudFormation", strings.Join(r.because, ", "), name))
		}
	}
	for _, name := range sorted(r.properties) {
		c.property(p, r, name, r.properties[name])
	}
	for _, name := range r.other {
		switch name {
		case "Metadata":
			c.add(r, Modify, name, None, "")
		case "Condition":
			change := c.add(r, Modify, name, Unknown, "the resource exists only if the condition holds, and the condition changes")
			change.Before, change.After = pointer(r.base.Condition), pointer(r.head.Condition)
		default:
			change := c.add(r, Modify, name, None, "")
			before, after := text(p.base.body(r.Resource)[name]), text(p.head.body(r.Resource)[name])
			if strings.HasSuffix(name, "Policy") && !strings.HasPrefix(before+after, "{") {
				change.Before, change.After = pointer(before), pointer(after)
			}
			if name == "DeletionPolicy" && r.schema.data && before == "Retain" {
				change.Why = "its data is no longer kept when it leaves the stack"
			}
		}
	}
}

// newVersion tells of an application version whose bundle is another one.
func (c *comparison) newVersion(p *pair, r *resourceChange) {
	why := "a new application version"
	switch {
	case text(p.head.body(r.Resource)["UpdateReplacePolicy"]) == "Retain":
		why += "; the old one is kept"
	default:
		why += "; the old one is deleted after the update, so that there is no going back to it (UpdateReplacePolicy: Retain would keep it)"
	}
	v := c.bundle(p, r)
	if v.Known {
		why += "; " + v.count()
	}
	if f := r.properties["SourceBundle"]; f != nil && f.follows != "" {
		why = join(f.follows, why)
	}
	c.add(r, Modify, "SourceBundle", NewVersion, why)
}

// savedConfiguration tells of a configuration template: environments made from it do not follow it.
func (c *comparison) savedConfiguration(p *pair, r *resourceChange) {
	const why = "a saved configuration: environments that run keep their settings until they are updated from it"
	base, head := p.base.scope.settings(r.base), p.head.scope.settings(r.head)
	ids := append(base.identities(), head.identities()...)
	slices.SortFunc(ids, identity.compare)
	for _, id := range slices.Compact(ids) {
		before, was := base.values[id]
		after, is := head.values[id]
		if was && is && same(id, before, after) {
			continue
		}
		change := c.add(r, Modify, id.String(), NoInterruption, why)
		change.Namespace, change.ResourceName, change.OptionName = id.namespace, id.resource, id.name
		for _, side := range []struct {
			from  *side
			there bool
			v     value
			to    **string
		}{{p.base, was, before, &change.Before}, {p.head, is, after, &change.After}} {
			if !side.there {
				continue
			}
			if s, ok := c.showSetting(side.from, id, side.v); ok {
				*side.to = &s
			} else {
				change.Hidden = true
			}
		}
	}
	for _, name := range sorted(r.properties) {
		if name != "OptionSettings" {
			c.property(p, r, name, r.properties[name])
		}
	}
}

// maxLeaves bounds how many lines one property may take.
const maxLeaves = 12

// property tells of one property of the first level: of each part of it that differs.
func (c *comparison) property(p *pair, r *resourceChange, name string, change *propertyChange) {
	if kind := r.schema.access[name]; change.follows == "" && (kind != "" || r.schema.kind != "" && name == "PolicyDocument") {
		c.add(r, Modify, name, c.effectOn(r, name), "see the changes of access")
		return
	}
	if change.follows == "" && code(p, r, name) {
		c.add(r, Modify, name, c.effectOn(r, name), join("new code", c.files(p, r)))
		return
	}
	leaves := []leaf{{name, change.before, change.after}}
	if change.follows == "" {
		if all := differences(name, change.before, change.after); len(all) <= maxLeaves {
			leaves = all
		}
	}
	for _, l := range leaves {
		why := change.follows
		switch {
		case lookUp(r.base) && lookUp(r.head):
			why = join(why, asksAnew)
		case custom(r.Type):
			why = join(why, "a custom resource: its program runs again, and says whether it replaces what it made")
		case r.Type == "AWS::SecretsManager::Secret" && name == "GenerateSecretString":
			why = join(why, "a new secret value is generated; who has the old one has a wrong one")
		case change.follows == "" && sameElements(l.before, l.after):
			why = "the order only"
		case change.follows == "" && r.depends(p, name):
			why = "if the stack takes the new default of a parameter: an update keeps the previous value unless it is told otherwise"
		}
		row := c.add(r, Modify, l.path, c.effectOn(r, l.path), why)
		row.LosesData = row.Effect == ReplacesResource && r.schema.data && !retained(p, r)
		if row.LosesData {
			row.Why = join(row.Why, "its data does not move to the new one")
		}
		before, after := l.before, l.after
		if x, ok := before.([]any); ok {
			if y, ok := after.([]any); ok {
				before, after = without(x, y), without(y, x) // what the two have in common says nothing
			}
		}
		for _, side := range []struct {
			from *side
			v    any
			to   **string
		}{{p.base, before, &row.Before}, {p.head, after, &row.After}} {
			if s, ok := c.showProperty(side.from, r.Type, l.path, side.v); !ok {
				row.Hidden = true
			} else if side.v != nil {
				*side.to = &s
			}
		}
	}
}

func retained(p *pair, r *resourceChange) bool {
	policy := text(p.head.body(r.Resource)["UpdateReplacePolicy"])
	return policy == "Retain" || policy == "Snapshot"
}

// depends says that a property's text is the same on both sides, so that what differs is what it refers to.
func (r *resourceChange) depends(p *pair, name string) bool {
	return equal(r.base.Properties[name], r.head.Properties[name])
}

var withoutBrackets = strings.NewReplacer("[", ".", "]", "")

// effectOn is what the change of the property at a path does to the resource.
func (c *comparison) effectOn(r *resourceChange, path string) Effect {
	if lookUp(r.base) && lookUp(r.head) {
		return NoInterruption
	}
	if custom(r.Type) {
		return UpdatedInPlace
	}
	if !r.published {
		return Unknown
	}
	effect := UpdatedInPlace
	for _, guilty := range r.because {
		plain := withoutBrackets.Replace(path)
		if path == guilty || strings.HasPrefix(path, guilty+".") || strings.HasPrefix(path, guilty+"[") || strings.HasPrefix(guilty, path+".") || plain == guilty {
			effect = worst(effect, map[replacement]Effect{replaces: ReplacesResource, mayReplace: MayReplaceResource}[r.schema.properties[guilty]])
		}
	}
	return effect
}

type leaf struct {
	path          string
	before, after any
}

// differences returns the smallest parts in which two values differ.
func differences(path string, before, after any) []leaf {
	if equal(before, after) {
		return nil
	}
	switch b := before.(type) {
	case map[string]any:
		a, ok := after.(map[string]any)
		_, _, isFunction := function(b)
		if _, _, also := function(a); !ok || isFunction || also {
			break
		}
		var out []leaf
		for _, k := range keys(b, a) {
			out = append(out, differences(path+"."+k, b[k], a[k])...)
		}
		return out
	case []any:
		a, ok := after.([]any)
		if !ok || len(a) != len(b) || sameElements(before, after) {
			break
		}
		var out []leaf
		for i := range b {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), b[i], a[i])...)
		}
		return out
	}
	return []leaf{{path, before, after}}
}

// without returns the elements of a list that another one does not have.
func without(list, other []any) any {
	have := map[string]bool{}
	for _, e := range other {
		have[encode(e)] = true
	}
	out := []any{}
	for _, e := range list {
		if !have[encode(e)] {
			out = append(out, e)
		}
	}
	if len(out) == 0 && len(list) == len(other) {
		return list // another order
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// parameters tells of parameters whose default changes.
func (c *comparison) parameters(p *pair) {
	for _, name := range keys(p.base.scope.parameters, p.head.scope.parameters) {
		if name == "BootstrapVersion" || strings.HasPrefix(name, "AssetParameters") {
			continue // the CDK's own
		}
		b, was := p.base.scope.parameters[name].(map[string]any)
		h, is := p.head.scope.parameters[name].(map[string]any)
		if !was || !is || equal(b["Default"], h["Default"]) {
			continue
		}
		if p.head.scope.noEcho(name) || p.base.scope.noEcho(name) {
			c.note("%s: the default of the parameter %s changes; it is secret (NoEcho), and what depends on it is not followed", p.id, name)
			continue
		}
		c.note("%s: the default of the parameter %s changes. An update keeps the previous value unless it is told otherwise; here the new default counts", p.id, name)
	}
}

// exports tells of exports that another stack imports and that go or change: CloudFormation refuses both.
func (c *comparison) exports(p *pair) {
	for _, name := range sorted(p.base.scope.outputs) {
		base, _ := p.base.scope.outputs[name].(map[string]any)
		export, ok := exportName(p.base.scope, base)
		if !ok || p.head.stack == nil {
			continue
		}
		importer := c.importer(p, export)
		if importer == "" {
			continue
		}
		place := Place{Stack: p.id, Resource: name, Type: "Output"}
		change := Change{Place: place, Action: Modify, Subject: "Export " + export, Effect: Rejected}
		head, _ := p.head.scope.outputs[name].(map[string]any)
		after, still := exportName(p.head.scope, head)
		switch {
		case !still || after != export:
			if c.exported(p, export) {
				continue
			}
			change.Action = Remove
			change.Why = fmt.Sprintf("CloudFormation does not delete an export while a stack imports it, and %s does: "+
				"deploy %s without the import first (cdk deploy --exclusively), and this stack after it", importer, importer)
		case c.moved[target{"", ofExport, export}] != "":
			change.Why = fmt.Sprintf("%s, and CloudFormation does not change an export while a stack imports it, as %s does", c.moved[target{"", ofExport, export}], importer)
		default:
			continue
		}
		c.report.Changes = append(c.report.Changes, change)
	}
}

// exported says that another output of the stack exports under the name now.
func (c *comparison) exported(p *pair, export string) bool {
	for _, o := range p.head.scope.outputs {
		m, _ := o.(map[string]any)
		if name, ok := exportName(p.head.scope, m); ok && name == export {
			return true
		}
	}
	return false
}

// importer names a stack of the base that imports an export.
func (c *comparison) importer(exporting *pair, export string) string {
	if len(c.baseImports) == 0 {
		c.baseImports[""] = ""
		for _, p := range c.pairs {
			if p.base.stack == nil {
				continue
			}
			p.base.scope.references(p.base.scope.resources, func(r reference) {
				if r.export {
					c.baseImports[r.name] = p.id
				}
			})
		}
	}
	if importer := c.baseImports[export]; importer != exporting.id {
		return importer
	}
	return ""
}

// conclude makes the verdict.
func (c *comparison) conclude() {
	r := c.report
	v := Verdict{Effect: None, Flags: []string{}}
	flags := map[string]bool{}
	for i := range r.Changes {
		v.Effect = worst(v.Effect, r.Changes[i].Effect)
		if r.Changes[i].Effect != None {
			flags[string(r.Changes[i].Effect)] = true
		}
		if r.Changes[i].LosesData {
			flags[FlagLosesData] = true
		}
	}
	for _, a := range r.Security {
		flags[FlagBroadensAccess] = flags[FlagBroadensAccess] || a.Direction == Broadens
		flags[FlagNarrowsAccess] = flags[FlagNarrowsAccess] || a.Direction == Narrows
		flags[FlagPublicAccess] = flags[FlagPublicAccess] || a.Public && a.Direction == Broadens
	}
	for _, f := range Flags() {
		if flags[f] {
			v.Flags = append(v.Flags, f)
		}
	}
	v.Summary, v.beside = r.summarise(v.Effect, flags, c.alone())
	r.Verdict = v
}

// alone is "new" if the base has nothing of the head, "gone" if it is the other way around, "" if there is something to compare.
func (c *comparison) alone() string {
	missing := func(stack func(*pair) *Stack) bool {
		return !slices.ContainsFunc(c.pairs, func(p *pair) bool { return stack(p) != nil })
	}
	switch {
	case missing(func(p *pair) *Stack { return p.base.stack }):
		return "new"
	case missing(func(p *pair) *Stack { return p.head.stack }):
		return "gone"
	}
	return ""
}

// headline is the verdict's first words.
func headline(e Effect) string {
	switch e {
	case Rejected:
		return "will fail"
	case RemovesEnvironment:
		return "terminates an environment"
	case ReplacesEnvironment:
		return "replaces the environment"
	case ReplacesInstances:
		return "replaces instances"
	case ReplacesResource:
		return "replaces resources"
	case MayReplaceResource:
		return "may replace resources"
	case RemovesResource:
		return "removes resources"
	case RestartsApplication:
		return "restarts the app"
	case NewVersion:
		return "deploys a new version"
	case Unknown:
		return "unclear"
	case NewInstancesOnly:
		return "reaches new instances only"
	}
	return "safe"
}

func (r *Report) summarise(effect Effect, flags map[string]bool, alone string) (summary, beside string) {
	var parts, environments []string
	if alone != "" {
		parts = append(parts, "nothing to compare with")
	} else if len(r.Changes) == 0 {
		return "no change", ""
	}
	out := headline(effect)
	switch {
	case alone != "" && effect.rank() <= AddsResource.rank():
		out = alone // whom it lets in is new with it
	case flags[FlagLosesData] && effect.rank() < ReplacesEnvironment.rank():
		out = "loses data"
	case flags[FlagBroadensAccess] && effect.rank() < Unknown.rank():
		out = "broadens access"
	}
	for _, e := range r.Environments {
		if e.Effect.rank() >= Unknown.rank() || e.Effect == NewInstancesOnly {
			environments = append(environments, r.nameOf(e.Place)+" "+e.Summary)
		}
	}
	for _, other := range []struct {
		effect   Effect
		one, all string
	}{
		{Rejected, "the update of %s fails", "the updates of %s fail"},
		{ReplacesResource, "%s is replaced", "%s are replaced"},
		{MayReplaceResource, "%s may be replaced", "%s may be replaced"},
		{RemovesResource, "%s is removed", "%s are removed"},
	} {
		var names []string
		for _, c := range r.Changes {
			if name := r.nameOf(c.Place); c.Effect == other.effect && c.Type != template.Environment && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		switch n := len(names); {
		case n == 1:
			parts = append(parts, fmt.Sprintf(other.one, names[0]))
		case n > 3:
			parts = append(parts, fmt.Sprintf(other.all, fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), n-2)))
		case n > 1:
			parts = append(parts, fmt.Sprintf(other.all, strings.Join(names, ", ")))
		}
	}
	for _, c := range r.Changes {
		if c.LosesData {
			parts = append(parts, "the data of "+r.nameOf(c.Place)+" is lost")
		}
	}
	if len(parts)+len(environments) == 0 && effect.rank() <= AddsResource.rank() {
		switch n := len(r.Changes); n {
		case 1:
			parts = append(parts, "one change, nothing is interrupted, restarted or replaced")
		default:
			parts = append(parts, fmt.Sprintf("%d changes, nothing is interrupted, restarted or replaced", n))
		}
		if effect == None {
			parts[0] = "what changes in the templates changes nothing that runs"
		}
	}
	switch {
	case flags[FlagPublicAccess]:
		parts = append(parts, "something opens to everybody")
	case flags[FlagBroadensAccess]:
		parts = append(parts, "somebody may do more than before")
	case flags[FlagNarrowsAccess]:
		parts = append(parts, "somebody may do less than before")
	}
	if len(parts)+len(environments) == 0 {
		for _, c := range r.Changes {
			if c.Effect == effect {
				parts = append(parts, join(r.nameOf(c.Place), c.Why))
				break
			}
		}
	}
	return out + ": " + strings.Join(append(environments, parts...), "; "), strings.Join(parts, "; ")
}
