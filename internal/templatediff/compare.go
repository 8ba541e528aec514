package templatediff

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"example.com/beanpole-cdk/internal/template"
)

const (
	application        = "AWS::ElasticBeanstalk::Application"
	applicationVersion = "AWS::ElasticBeanstalk::ApplicationVersion"
	cdkMetadata        = "AWS::CDK::Metadata"
)

// side is one template of a pair, with an index.
type side struct {
	stack     *Stack
	scope     *scope
	resources map[string]*template.Resource
	head      bool
}

func newSide(s *Stack, head bool) *side {
	if s == nil {
		return &side{scope: newScope(nil), head: head}
	}
	out := &side{stack: s, head: head, scope: newScope(s.Document.Root), resources: make(map[string]*template.Resource, len(s.Document.Resources))}
	for i := range s.Document.Resources {
		r := &s.Document.Resources[i]
		out.resources[r.LogicalID] = r
	}
	return out
}

// body is a resource as the template has it.
func (s *side) body(id string) map[string]any {
	m, _ := s.scope.resources[id].(map[string]any)
	return m
}

// pair is the same stack on both sides; one of them may be missing.
type pair struct {
	id, name   string
	base, head *side
	// same says that parameters, mappings and conditions are the same on both sides.
	same    bool
	changes map[string]*resourceChange
}

// resourceChange is what changes of one resource.
type resourceChange struct {
	Place
	base, head *template.Resource
	schema     schema
	published  bool // schema is known
	properties map[string]*propertyChange
	other      []string // attributes outside of Properties that change: DeletionPolicy, Condition
	// replacement is what CloudFormation does, and because says which properties are to blame.
	replacement replacement
	because     []string
	// renamed is the logical id on the other side of a resource that changes its id and nothing else, or little.
	renamed string
}

// propertyChange is one changed property of the first level.
type propertyChange struct {
	before, after any // canonical
	// follows says why the value changes although the template does not: "Vpc is replaced".
	follows string
}

// target is something that another value may refer to: a resource, a parameter, an output or an export.
type target struct{ stack, kind, name string }

const (
	ofResource = "" // or parameter
	ofOutput   = "output"
	ofExport   = "export"
)

// comparison is the work on one report.
type comparison struct {
	base, head *Assembly
	pairs      []*pair
	// moved are the targets whose value changes, with the reason.
	moved map[target]string
	// queue are those of moved whose dependents have not been looked at.
	queue []target
	// rewritten are the secrets and parameters that stay and get another value, with the reason.
	rewritten map[target]string
	report    *Report
	// baseImports are the exports that stacks of the base import, with one of the stacks.
	baseImports map[string]string
}

// Compare says what a deployment of head does to what base has deployed.
func Compare(base, head *Assembly) *Report {
	go schemaLines() // they take longer to read than the templates' first comparison
	c := &comparison{
		base: base, head: head, moved: map[target]string{}, rewritten: map[target]string{}, baseImports: map[string]string{},
		report: &Report{
			Format: "beanpole-diff/1", Base: base.Name, Head: head.Name,
			Environments: []Environment{}, Health: []Remark{}, Security: []Access{}, Changes: []Change{}, Notes: []string{},
		},
	}
	c.match()
	for _, p := range c.pairs {
		p.compare()
	}
	c.renames()
	c.spread()
	c.rewrites()
	for _, p := range c.pairs {
		c.tell(p)
	}
	c.report.Notes = append(c.report.Notes, base.Warnings...)
	c.report.Notes = append(c.report.Notes, head.Warnings...)
	slices.Sort(c.report.Notes)
	c.report.Notes = slices.Compact(c.report.Notes)
	c.report.several = c.severalEnvironments()
	c.report.sort()
	c.conclude()
	return c.report
}

// severalEnvironments says that several stacks have one.
func (c *comparison) severalEnvironments() bool {
	stacks := 0
	for _, p := range c.pairs {
		for _, s := range []*side{p.base, p.head} {
			if s.stack != nil && slices.ContainsFunc(s.stack.Document.Resources, func(r template.Resource) bool { return r.Type == template.Environment }) {
				stacks++
				break
			}
		}
	}
	return stacks > 1
}

// match pairs the stacks: by ID, then by name; two single templates are always a pair.
func (c *comparison) match() {
	heads := slices.Clone(c.head.Stacks)
	take := func(same func(*Stack) bool) *Stack {
		if i := slices.IndexFunc(heads, same); i >= 0 {
			s := heads[i]
			heads = slices.Delete(heads, i, i+1)
			return s
		}
		return nil
	}
	bases := c.base.Stacks
	switch {
	case c.base.single && c.head.single, len(bases) == 1 && len(heads) == 1 && (c.base.single || c.head.single):
		c.pairs = append(c.pairs, newPair(bases[0], heads[0]))
		return
	case c.head.single:
		// One template against an assembly: only the stack that it is.
		bases = slices.DeleteFunc(slices.Clone(bases), func(s *Stack) bool { return !s.is(heads[0]) })
	case c.base.single:
		heads = slices.DeleteFunc(heads, func(s *Stack) bool { return !s.is(bases[0]) })
	}
	rest := make([]*Stack, 0, len(bases))
	for _, b := range bases {
		if h := take(func(s *Stack) bool { return s.ID == b.ID }); h != nil {
			c.pairs = append(c.pairs, newPair(b, h))
			continue
		}
		rest = append(rest, b)
	}
	for _, b := range rest {
		c.pairs = append(c.pairs, newPair(b, take(func(s *Stack) bool { return s.is(b) })))
	}
	for _, h := range heads {
		c.pairs = append(c.pairs, newPair(nil, h))
	}
	slices.SortFunc(c.pairs, func(a, b *pair) int { return cmp.Compare(a.id, b.id) })
}

func (s *Stack) is(other *Stack) bool { return s.ID == other.ID || s.Name == other.Name }

func newPair(base, head *Stack) *pair {
	p := &pair{base: newSide(base, false), head: newSide(head, true), changes: map[string]*resourceChange{}}
	s := head
	if s == nil {
		s = base
	}
	p.id, p.name = s.ID, s.Name
	p.same = equal(p.base.scope.parameters, p.head.scope.parameters) &&
		equal(p.base.scope.mappings, p.head.scope.mappings) &&
		equal(p.base.scope.conditions, p.head.scope.conditions)
	return p
}

// compare finds what the templates themselves say.
func (p *pair) compare() {
	for id, h := range p.head.resources {
		if p.base.resources[id] == nil && h.Type != cdkMetadata {
			p.changes[id] = p.change(nil, h)
		}
	}
	if p.base.stack == nil {
		return
	}
	base := p.base.stack.Document.Resources
	changes := make([]*resourceChange, len(base))
	parallel(runtime.GOMAXPROCS(0), len(base), func(_, from, to int) {
		for i := from; i < to; i++ {
			if h := p.head.resources[base[i].LogicalID]; h != nil {
				changes[i] = p.modified(&base[i], h)
			} else if base[i].Type != cdkMetadata {
				changes[i] = p.change(&base[i], nil)
			}
		}
	})
	for i, change := range changes {
		if change != nil {
			p.changes[base[i].LogicalID] = change
		}
	}
}

func (p *pair) change(base, head *template.Resource) *resourceChange {
	r := head
	if r == nil {
		r = base
	}
	change := &resourceChange{
		Place: Place{Stack: p.id, Resource: r.LogicalID, Type: r.Type, Path: r.Path},
		base:  base, head: head, properties: map[string]*propertyChange{},
	}
	change.schema, change.published = schemaOf(r.Type)
	return change
}

// modified compares a resource that both sides have, nil if it does not change.
func (p *pair) modified(base, head *template.Resource) *resourceChange {
	if base.Type == cdkMetadata && head.Type == cdkMetadata {
		return nil
	}
	var change *resourceChange
	found := func() *resourceChange { // most resources do not change
		if change == nil {
			change = p.change(base, head)
		}
		return change
	}
	if base.Type != head.Type {
		found().other = append(found().other, "Type")
		return change
	}
	compare := func(name string, b, h any) {
		if p.same && equal(b, h) {
			return
		}
		if name == "OptionSettings" && (head.Type == template.Environment || head.Type == template.ConfigurationTemplate) {
			found().properties[name] = &propertyChange{} // compared setting by setting
			return
		}
		before, after := p.base.scope.value(b), p.head.scope.value(h)
		if !equal(before, after) && !p.nested(head, name) {
			found().properties[name] = &propertyChange{before: before, after: after}
		}
	}
	for name, b := range base.Properties {
		compare(name, b, head.Properties[name])
	}
	for name, h := range head.Properties {
		if _, ok := base.Properties[name]; !ok {
			compare(name, nil, h)
		}
	}
	b, h := p.base.body(base.LogicalID), p.head.body(head.LogicalID)
	for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy"} {
		if !equal(b[name], h[name]) {
			found().other = append(found().other, name)
		}
	}
	if base.Condition != head.Condition || base.Condition != "" && !p.same &&
		!equal(p.base.scope.condition(base.Condition), p.head.scope.condition(head.Condition)) {
		found().other = append(found().other, "Condition")
	}
	if !equal(b["Metadata"], h["Metadata"]) && !equal(metadata(b), metadata(h)) {
		found().other = append(found().other, "Metadata")
	}
	if change != nil {
		change.judge()
	}
	return change
}

// value is canonical, and nil for Ref AWS::NoValue.
func (s *scope) value(v any) any {
	if isNoValue(v) {
		return nil
	}
	return s.canonical(v)
}

// metadata is a resource's Metadata without what the CDK writes there for itself.
func metadata(body map[string]any) map[string]any {
	m, _ := body["Metadata"].(map[string]any)
	out := map[string]any{}
	for k, v := range m {
		if !strings.HasPrefix(k, "aws:cdk:") && !strings.HasPrefix(k, "aws:asset:") && k != "cdk_nag" {
			out[k] = v
		}
	}
	return out
}

// nested says that a property only names a nested template, whose own changes are told.
func (p *pair) nested(r *template.Resource, property string) bool {
	return r.Type == nestedStack && property == "TemplateURL" &&
		assetPath(p.base.body(r.LogicalID)) != "" && assetPath(p.head.body(r.LogicalID)) != ""
}

// judge finds out what CloudFormation does with the resource.
func (r *resourceChange) judge() {
	r.replacement, r.because = inPlace, nil
	note := func(path string, does replacement) {
		r.replacement = max(r.replacement, does)
		r.because = append(r.because, path)
	}
	for _, path := range sorted(r.schema.properties) {
		top, rest, nested := strings.Cut(path, ".")
		p := r.properties[top]
		if p == nil {
			continue
		}
		if nested && p.follows == "" {
			steps := strings.Split(rest, ".")
			if equal(at(p.before, steps), at(p.after, steps)) {
				continue
			}
		} else if nested {
			continue // which part of the property follows is not known; those that replace are seldom deep
		}
		note(path, r.schema.properties[path])
	}
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// custom says that a resource is made by a program of the user's, whose attributes may change with any update.
func custom(typ string) bool {
	return strings.HasPrefix(typ, "Custom::") || typ == "AWS::CloudFormation::CustomResource"
}

var reads = regexp.MustCompile(`"action\W+((?i)get|describe|list|head|batchget)[A-Z]`)

// lookUp says that a resource is an AwsCustomResource of the CDK that only reads: made anew, renamed or removed, it changes
// nothing that runs. Of other custom resources only their program knows what it does at the end.
func lookUp(r *template.Resource) bool {
	if r.Type != "Custom::AWS" || r.Properties["Delete"] != nil {
		return false
	}
	calls := 0
	for _, event := range []string{"Create", "Update"} {
		if call := r.Properties[event]; call != nil {
			if !reads.MatchString(encode(call)) {
				return false
			}
			calls++
		}
	}
	return calls > 0
}

// moves says whether others that refer to the resource see another value, and why.
func (r *resourceChange) moves() (why string, ok bool) {
	switch {
	case r.base == nil || r.head == nil:
		return "", false // who refers to it has changed in the template
	case r.Type == applicationVersion && r.replacement == replaces:
		return "there is a new application version", true
	case r.replacement == replaces, slices.Contains(r.other, "Type"):
		return r.name() + " is replaced", true
	case r.replacement == mayReplace:
		return r.name() + " may be replaced", true
	case custom(r.Type) && len(r.properties) > 0:
		return r.name() + " runs again", true
	}
	return "", false
}

// dependent is a value that refers to something: a property of a resource, or an output.
type dependent struct {
	p        *pair
	resource *template.Resource
	property string
	output   string
}

// dependents finds who refers to what, in all the new templates.
func (c *comparison) dependents() map[target][]dependent {
	index := map[target][]dependent{}
	for _, p := range c.pairs {
		if p.base.stack == nil || p.head.stack == nil {
			continue
		}
		add := func(d dependent, value any) {
			p.head.scope.references(value, func(r reference) {
				for _, t := range p.targets(r) {
					index[t] = append(index[t], d)
				}
			})
		}
		resources := p.head.stack.Document.Resources
		for i := range resources {
			h := &resources[i]
			if b := p.base.resources[h.LogicalID]; b == nil || b.Type != h.Type || h.Type == cdkMetadata {
				continue
			}
			for _, name := range sorted(h.Properties) {
				add(dependent{p: p, resource: h, property: name}, h.Properties[name])
			}
		}
		for _, name := range sorted(p.head.scope.outputs) {
			o, _ := p.head.scope.outputs[name].(map[string]any)
			add(dependent{p: p, output: name}, o["Value"])
		}
	}
	return index
}

// targets are what a reference may lead to.
func (p *pair) targets(r reference) []target {
	switch {
	case r.export:
		return []target{{"", ofExport, r.name}}
	case r.stack != "":
		return []target{{r.stack, ofOutput, r.name}}
	}
	if output, ok := strings.CutPrefix(r.attribute, "Outputs."); ok {
		return []target{{p.id, ofResource, r.name}, {p.name + "/" + r.name, ofOutput, output}}
	}
	return []target{{p.id, ofResource, r.name}}
}

// spread finds what follows from what: a replaced resource is another one for those that refer to it, in this stack or
// another, and so on.
func (c *comparison) spread() {
	for _, p := range c.pairs {
		for _, id := range sorted(p.changes) {
			c.move(p, p.changes[id])
		}
		c.outputs(p)
	}
	if len(c.queue) == 0 {
		return
	}
	index := c.dependents()
	for len(c.queue) > 0 {
		t := c.queue[0]
		c.queue = c.queue[1:]
		for _, d := range index[t] {
			if d.output != "" {
				c.moveOutput(d.p, d.output, c.moved[t])
			} else {
				c.follow(d, c.moved[t])
			}
		}
	}
}

// mark says that a target has another value, once.
func (c *comparison) mark(t target, why string) {
	if c.moved[t] == "" {
		c.moved[t] = why
		c.queue = append(c.queue, t)
	}
}

// move marks what a changed resource moves.
func (c *comparison) move(p *pair, r *resourceChange) {
	if why, ok := r.moves(); ok {
		c.mark(target{p.id, ofResource, r.Resource}, why)
	}
	if r.Type == nestedStack && r.base != nil && r.head != nil {
		c.passed(p, r)
	}
}

// follow changes a property because what it refers to changes.
func (c *comparison) follow(d dependent, why string) {
	id := d.resource.LogicalID
	r := d.p.changes[id]
	if r == nil {
		r = d.p.change(d.p.base.resources[id], d.resource)
		d.p.changes[id] = r
	}
	if r.properties[d.property] == nil {
		v := d.p.head.scope.value(d.resource.Properties[d.property])
		r.properties[d.property] = &propertyChange{before: v, after: v, follows: why}
		r.judge()
	}
	c.move(d.p, r)
}

// follows says why a value changes that the template does not change, "" if it does not.
func (c *comparison) follows(p *pair, value any) (why string) {
	if len(c.moved) == 0 {
		return ""
	}
	p.head.scope.references(value, func(r reference) {
		for _, t := range p.targets(r) {
			why = cmp.Or(why, c.moved[t])
		}
	})
	return why
}

// passed notes the parameters of a nested stack that change.
func (c *comparison) passed(p *pair, r *resourceChange) {
	parameters := r.properties["Parameters"]
	if parameters == nil {
		return
	}
	before, _ := parameters.before.(map[string]any)
	after, _ := parameters.after.(map[string]any)
	given, _ := r.head.Properties["Parameters"].(map[string]any)
	for _, name := range sorted(after) {
		if !equal(before[name], after[name]) {
			c.mark(target{p.id + "/" + r.Resource, ofResource, name}, "the parameter "+name+" changes")
		} else if why := c.follows(p, given[name]); why != "" {
			c.mark(target{p.id + "/" + r.Resource, ofResource, name}, why)
		}
	}
}

// outputs marks the outputs that the template itself changes.
func (c *comparison) outputs(p *pair) {
	for _, name := range sorted(p.head.scope.outputs) {
		head, _ := p.head.scope.outputs[name].(map[string]any)
		base, ok := p.base.scope.outputs[name].(map[string]any)
		if !ok || p.same && equal(base["Value"], head["Value"]) ||
			equal(p.base.scope.canonical(base["Value"]), p.head.scope.canonical(head["Value"])) {
			continue
		}
		c.moveOutput(p, name, fmt.Sprintf("the output %s of %s changes", name, p.name))
	}
}

// moveOutput marks an output, and its export.
func (c *comparison) moveOutput(p *pair, name, why string) {
	c.mark(target{p.name, ofOutput, name}, why)
	head, _ := p.head.scope.outputs[name].(map[string]any)
	if export, ok := exportName(p.head.scope, head); ok {
		c.mark(target{"", ofExport, export}, why)
	}
}

func exportName(s *scope, output map[string]any) (string, bool) {
	export, _ := output["Export"].(map[string]any)
	name, ok := s.canonical(export["Name"]).(string)
	return name, ok
}

// renames recognises resources that only get another logical id: CloudFormation makes the new one and deletes the old.
func (c *comparison) renames() {
	type candidate struct {
		p        *pair
		r        *resourceChange
		features map[string]bool
	}
	removed, added := map[string][]candidate{}, map[string][]candidate{}
	for _, p := range c.pairs {
		for _, id := range sorted(p.changes) {
			r := p.changes[id]
			// Of a stack that comes or goes only environments are looked for elsewhere: a stack's other resources go with it.
			if (p.base.stack == nil || p.head.stack == nil) && r.Type != template.Environment {
				continue
			}
			switch {
			case r.head == nil:
				removed[r.Type] = append(removed[r.Type], candidate{p: p, r: r})
			case r.base == nil:
				added[r.Type] = append(added[r.Type], candidate{p: p, r: r})
			}
		}
	}
	for typ, gone := range removed {
		come := added[typ]
		if len(come) == 0 {
			continue
		}
		for i := range gone {
			gone[i].features = features(gone[i].p.base, gone[i].r.base)
		}
		for i := range come {
			come[i].features = features(come[i].p.head, come[i].r.head)
		}
		for _, alike := range []float64{1, 0.5} {
			for _, g := range gone {
				if g.r.renamed != "" {
					continue
				}
				best, score := -1, 0.0
				for i, a := range come {
					if a.r.renamed != "" || g.p != a.p && typ != template.Environment {
						continue
					}
					s := similarity(g.features, a.features)
					if typ == template.Environment && len(gone) == 1 && len(come) == 1 {
						s = max(s, 0.5) // the only one goes, another only one comes
					}
					if s >= alike && s > score {
						best, score = i, s
					}
				}
				if best >= 0 {
					g.r.renamed, come[best].r.renamed = come[best].r.Resource, g.r.Resource
				}
			}
		}
	}
}

// features are a resource's properties, and an environment's settings one by one. References count as alike if they lead
// to the same type, because ids change together.
func features(s *side, r *template.Resource) map[string]bool {
	out := map[string]bool{}
	for name, v := range r.Properties {
		if list, ok := v.([]any); ok && name == "OptionSettings" {
			for _, e := range list {
				out[name+encode(s.anonymous(e))] = true
			}
			continue
		}
		out[name+encode(s.anonymous(v))] = true
	}
	return out
}

// similarity is the share of features that two resources have in common.
func similarity(x, y map[string]bool) float64 {
	common, all := 0, len(y)
	for f := range x {
		if y[f] {
			common++
		} else {
			all++
		}
	}
	if all == 0 {
		return 1
	}
	return float64(common) / float64(all)
}

// anonymous is a value in canonical form with types in place of logical ids.
func (s *side) anonymous(v any) any {
	var walk func(v any) any
	name := func(v any) any {
		if id, ok := v.(string); ok && s.resources[id] != nil {
			return s.resources[id].Type
		}
		return v
	}
	walk = func(v any) any {
		switch v := v.(type) {
		case concat:
			out := make(concat, len(v))
			for i, e := range v {
				out[i] = walk(e)
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i, e := range v {
				out[i] = walk(e)
			}
			return out
		case map[string]any:
			out := make(map[string]any, len(v))
			for k, e := range v {
				if list, ok := e.([]any); ok && k == "Fn::GetAtt" && len(list) == 2 {
					out[k] = []any{name(list[0]), list[1]}
				} else if k == "Ref" {
					out[k] = name(e)
				} else {
					out[k] = walk(e)
				}
			}
			return out
		}
		return v
	}
	return walk(s.scope.canonical(v))
}
