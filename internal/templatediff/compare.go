package templatediff

import (
	"cmp"
	"fmt"
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
	moved  map[target]string
	report *Report
	// baseImports are the exports that stacks of the base import, with one of the stacks.
	baseImports map[string]string
}

// Compare says what a deployment of head does to what base has deployed.
func Compare(base, head *Assembly) *Report {
	go schemaLines() // they take longer to read than the templates' first comparison
	c := &comparison{
		base: base, head: head, moved: map[target]string{}, baseImports: map[string]string{},
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
	for _, p := range c.pairs {
		c.tell(p)
	}
	c.report.Notes = append(c.report.Notes, base.Warnings...)
	c.report.Notes = append(c.report.Notes, head.Warnings...)
	slices.Sort(c.report.Notes)
	c.report.Notes = slices.Compact(c.report.Notes)
	c.report.sort()
	c.conclude()
	return c.report
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
	change := p.change(base, head)
	if base.Type != head.Type {
		change.other = append(change.other, "Type")
		return change
	}
	for _, name := range keys(base.Properties, head.Properties) {
		b, h := base.Properties[name], head.Properties[name]
		if p.same && equal(b, h) {
			continue
		}
		if name == "OptionSettings" && (head.Type == template.Environment || head.Type == template.ConfigurationTemplate) {
			change.properties[name] = &propertyChange{} // compared setting by setting
			continue
		}
		before, after := p.base.scope.value(b), p.head.scope.value(h)
		if equal(before, after) || p.nested(head, name) {
			continue
		}
		change.properties[name] = &propertyChange{before: before, after: after}
	}
	b, h := p.base.body(base.LogicalID), p.head.body(head.LogicalID)
	for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy"} {
		if !equal(b[name], h[name]) {
			change.other = append(change.other, name)
		}
	}
	if base.Condition != head.Condition || base.Condition != "" && !p.same &&
		!equal(p.base.scope.condition(base.Condition), p.head.scope.condition(head.Condition)) {
		change.other = append(change.other, "Condition")
	}
	if !equal(metadata(b), metadata(h)) {
		change.other = append(change.other, "Metadata")
	}
	if len(change.properties) == 0 && len(change.other) == 0 {
		return nil
	}
	change.judge()
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

// spread finds what follows from what: a replaced resource is another one for those that refer to it, in this stack or
// another, until nothing new follows.
func (c *comparison) spread() {
	for _, p := range c.pairs {
		for id, r := range p.changes {
			if why, ok := r.moves(); ok {
				c.moved[target{p.id, ofResource, id}] = why
			}
			if r.Type == nestedStack && r.head != nil {
				c.passed(p, r)
			}
		}
		c.outputs(p)
	}
	for again := len(c.moved) > 0; again; {
		again = false
		for _, p := range c.pairs {
			if p.base.stack == nil || p.head.stack == nil {
				continue
			}
			for i := range p.head.stack.Document.Resources {
				h := &p.head.stack.Document.Resources[i]
				b := p.base.resources[h.LogicalID]
				if b == nil || b.Type != h.Type || h.Type == cdkMetadata {
					continue
				}
				if c.follow(p, b, h) {
					again = true
				}
			}
			if c.outputs(p) {
				again = true
			}
		}
	}
}

// follow adds the properties of a resource that change because what they refer to does; true if that is news.
func (c *comparison) follow(p *pair, base, head *template.Resource) (news bool) {
	r := p.changes[head.LogicalID]
	for _, name := range sorted(head.Properties) {
		value := head.Properties[name]
		if r != nil && r.properties[name] != nil {
			continue
		}
		why := c.follows(p, value)
		if why == "" {
			continue
		}
		if r == nil {
			r = p.change(base, head)
			p.changes[head.LogicalID] = r
		}
		v := p.head.scope.value(value)
		r.properties[name] = &propertyChange{before: v, after: v, follows: why}
		news = true
	}
	if !news {
		return false
	}
	r.judge()
	if why, ok := r.moves(); ok {
		c.moved[target{p.id, ofResource, head.LogicalID}] = why
	}
	if r.Type == nestedStack {
		c.passed(p, r)
	}
	return true
}

// follows says why a value changes that the template does not change, "" if it does not.
func (c *comparison) follows(p *pair, value any) (why string) {
	if len(c.moved) == 0 {
		return ""
	}
	p.head.scope.references(value, func(r reference) {
		if why != "" {
			return
		}
		switch {
		case r.export:
			why = c.moved[target{"", ofExport, r.name}]
		case r.stack != "":
			why = c.moved[target{r.stack, ofOutput, r.name}]
		default:
			why = c.moved[target{p.id, ofResource, r.name}]
			if output, ok := strings.CutPrefix(r.attribute, "Outputs."); ok && why == "" {
				why = c.moved[target{p.name + "/" + r.name, ofOutput, output}]
			}
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
	for name := range after {
		if !equal(before[name], after[name]) {
			c.moved[target{p.id + "/" + r.Resource, ofResource, name}] = "the parameter " + name + " changes"
		} else if why := c.follows(p, given[name]); why != "" {
			c.moved[target{p.id + "/" + r.Resource, ofResource, name}] = why
		}
	}
}

// outputs notes the outputs and exports whose value changes; true if that is news.
func (c *comparison) outputs(p *pair) (news bool) {
	for _, name := range sorted(p.head.scope.outputs) {
		h := p.head.scope.outputs[name]
		key := target{p.name, ofOutput, name}
		if c.moved[key] != "" {
			continue
		}
		head, _ := h.(map[string]any)
		base, ok := p.base.scope.outputs[name].(map[string]any)
		if !ok {
			continue
		}
		why := c.follows(p, head["Value"])
		if why == "" && !(p.same && equal(base["Value"], head["Value"])) &&
			!equal(p.base.scope.canonical(base["Value"]), p.head.scope.canonical(head["Value"])) {
			why = fmt.Sprintf("the output %s of %s changes", name, p.name)
		}
		if why == "" {
			continue
		}
		c.moved[key] = why
		if export, ok := exportName(p.head.scope, head); ok {
			c.moved[target{"", ofExport, export}] = why
		}
		news = true
	}
	return news
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
