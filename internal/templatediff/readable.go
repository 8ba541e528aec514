package templatediff

import "strings"

// readable is a canonical value for readers: references have construct paths in place of logical ids, and what another
// stack gives is shown as what it is there.
func (c *comparison) readable(s *side, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = c.readable(s, e)
		}
		return out
	case concat:
		out := make(concat, len(v))
		for i, e := range v {
			out[i] = c.readable(s, e)
		}
		return out
	case branches:
		out := make(branches, len(v))
		for i, b := range v {
			out[i] = branchValue{b.condition, c.readable(s, b.value), nil}
		}
		return out
	case map[string]any:
		name, argument, isFunction := function(v)
		if isFunction {
			if shown := c.reference(s, name, argument); shown != nil {
				return shown
			}
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = c.readable(s, e)
		}
		return out
	}
	return v
}

// reference is a function that only refers, nil if it is another one or what it refers to is not here.
func (c *comparison) reference(s *side, name string, argument any) any {
	switch list, _ := argument.([]any); name {
	case "Ref":
		id, _ := argument.(string)
		return map[string]any{name: s.name(id)}
	case "Fn::GetAtt":
		if len(list) == 2 {
			id, _ := list[0].(string)
			return map[string]any{name: []any{s.name(id), list[1]}}
		}
	case "Fn::GetStackOutput":
		m, _ := argument.(map[string]any)
		stack, _ := m["StackName"].(string)
		output, _ := m["OutputName"].(string)
		for _, other := range c.sides(s.head) {
			if o, ok := other.scope.outputs[output].(map[string]any); ok && other.stack.Name == stack {
				return c.elsewhere(other, o["Value"])
			}
		}
	case "Fn::ImportValue":
		for _, other := range c.sides(s.head) {
			for _, output := range sorted(other.scope.outputs) {
				o, _ := other.scope.outputs[output].(map[string]any)
				if export, ok := exportName(other.scope, o); ok && export == argument {
					return c.elsewhere(other, o["Value"])
				}
			}
		}
	}
	return nil
}

func (c *comparison) sides(head bool) []*side {
	var out []*side
	for _, p := range c.pairs {
		s := p.base
		if head {
			s = p.head
		}
		if s.stack != nil {
			out = append(out, s)
		}
	}
	return out
}

// elsewhere is a reference inside of another stack, with the stack's name.
func (c *comparison) elsewhere(s *side, v any) any {
	v = s.scope.canonical(v)
	m, _ := v.(map[string]any)
	name, argument, ok := function(m)
	if !ok {
		return v
	}
	switch list, _ := argument.([]any); {
	case name == "Ref":
		id, _ := argument.(string)
		return map[string]any{name: s.stack.ID + " " + s.name(id)}
	case name == "Fn::GetAtt" && len(list) == 2:
		id, _ := list[0].(string)
		return map[string]any{name: []any{s.stack.ID + " " + s.name(id), list[1]}}
	}
	return c.readable(s, v)
}

// name is what readers call the resource with a logical id.
func (s *side) name(id string) string {
	r := s.resources[id]
	if r == nil || strings.HasPrefix(id, "AWS::") {
		return id
	}
	return Place{Stack: s.stack.ID, Resource: id, Path: r.Path}.name()
}
