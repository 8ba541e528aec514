package templatediff

import (
	"cmp"

	"example.com/beanpole-cdk/internal/template"
)

// contentOf are the properties that hold the value of what environmentsecrets can name. A change of one does not change
// the ARN, so nothing that refers to it changes: only what is fetched.
var contentOf = map[string][]string{
	"AWS::SecretsManager::Secret": {"SecretString", "GenerateSecretString"},
	"AWS::SSM::Parameter":         {"Value"},
}

// rewrites finds the secrets and parameters that get another value under the same ARN, and the environments whose
// instances have fetched the old one.
func (c *comparison) rewrites() {
	for _, p := range c.pairs {
		for id, r := range p.changes {
			if r.base == nil || r.head == nil || r.replacement == replaces {
				continue // another ARN, which is a change of the setting
			}
			for _, name := range contentOf[r.Type] {
				if r.properties[name] != nil {
					c.rewritten[target{p.id, ofResource, id}] = r.name() + " gets another value"
				}
			}
		}
	}
	if len(c.rewritten) == 0 {
		return
	}
	for _, p := range c.pairs {
		for _, name := range sorted(p.head.scope.outputs) {
			output, _ := p.head.scope.outputs[name].(map[string]any)
			why := c.rewrite(p, output["Value"])
			if why == "" {
				continue
			}
			c.rewritten[target{p.name, ofOutput, name}] = why
			if export, ok := exportName(p.head.scope, output); ok {
				c.rewritten[target{"", ofExport, export}] = why
			}
		}
	}
	for _, p := range c.pairs {
		for id, h := range p.head.resources {
			b := p.base.resources[id]
			if h.Type != template.Environment || b == nil || b.Type != h.Type || p.changes[id] != nil {
				continue
			}
			for at, v := range p.head.scope.settings(h).values {
				if at.namespace == nsSecrets && c.rewriteOf(p, v) != "" {
					p.changes[id] = p.change(b, h)
					break
				}
			}
		}
	}
}

// rewrite says which secret or parameter of another value a value refers to, "" if none.
func (c *comparison) rewrite(p *pair, value any) (why string) {
	if len(c.rewritten) == 0 {
		return ""
	}
	p.head.scope.references(value, func(r reference) {
		for _, t := range p.targets(r) {
			why = cmp.Or(why, c.rewritten[t])
		}
	})
	return why
}

func (c *comparison) rewriteOf(p *pair, v value) (why string) {
	for _, raw := range v.raw {
		why = cmp.Or(why, c.rewrite(p, raw))
	}
	return why
}

// refetch tells of the environment variables whose secret or parameter gets another value: an instance fetches it when it
// comes up, and again when the environment is updated or its application restarted.
func (e *environmentChange) refetch() {
	if e.replaced {
		return
	}
	updated := e.deploys || len(e.instances) > 0 || len(e.restarts) > 0
	for _, id := range e.head.identities() {
		v := e.head.values[id]
		if id.namespace != nsSecrets || !same(id, e.base.values[id], v) || e.c.follows(e.p, firstRaw(v)) != "" {
			continue
		}
		why := e.c.rewriteOf(e.p, v)
		if why == "" {
			continue
		}
		row := e.row(id.String(), nil, nil, NewInstancesOnly, "")
		row.Namespace, row.OptionName = id.namespace, id.name
		if updated {
			row.Effect = NoInterruption
			row.Why = why + ", and this update lets the instances fetch it, some before others"
			continue
		}
		row.Why = why + ": instances that run keep the old one until the environment is updated or its application restarted " +
			"(aws elasticbeanstalk restart-app-server), new ones have the new one, so both must work for a while"
	}
}

func firstRaw(v value) any {
	if len(v.raw) == 0 {
		return nil
	}
	return v.raw[0]
}
