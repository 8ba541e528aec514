package templatediff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxAccess bounds how many sentences one resource may take.
const maxAccess = 8

func (c *comparison) grant(p Place, direction Direction, public bool, format string, args ...any) {
	c.report.Security = append(c.report.Security, Access{p, direction, public, fmt.Sprintf(format, args...)})
}

// accessOf says what changes on who may do what by a resource.
func (c *comparison) accessOf(p *pair, r *resourceChange) {
	if r.renamed != "" || r.base != nil && p.head.stack == nil {
		return
	}
	if r.base != nil && r.head != nil && !slices.ContainsFunc(sorted(r.properties), func(name string) bool { return r.properties[name].follows == "" }) {
		return
	}
	var before, after map[string]any
	if r.base != nil {
		before, _ = p.base.scope.canonical(r.base.Properties).(map[string]any)
	}
	if r.head != nil {
		after, _ = p.head.scope.canonical(r.head.Properties).(map[string]any)
	}
	began := len(c.report.Security)
	kinds := map[string]string{}
	for name, kind := range r.schema.access {
		kinds[name] = kind
	}
	switch r.schema.kind {
	case "ResourcePolicyResource", "IdentityPolicyResource":
		for _, name := range keys(before, after) {
			if len(statements(before[name]))+len(statements(after[name])) > 0 {
				kinds[name] = strings.TrimSuffix(r.schema.kind, "Resource")
			}
		}
	}
	// What the base had for the group of the new rule, and what the head has for the group of the old one.
	around := func(in bool) [2][]any {
		group := func(properties, others map[string]any) string {
			if r.Type == "AWS::EC2::SecurityGroup" {
				return "${" + r.Resource + ".GroupId}"
			}
			return cmp.Or(text(properties["GroupId"]), text(others["GroupId"]))
		}
		return [2][]any{p.base.rulesOf(group(after, before), in), p.head.rulesOf(group(before, after), in)}
	}
	for _, name := range sorted(kinds) {
		b, a := before[name], after[name]
		switch kinds[name] {
		case "InlineResourcePolicy", "ResourcePolicy", "IdentityPolicy", "InlineIdentityPolicies":
			c.policies(r, name, documents(b), documents(a))
		case "ManagedPolicies":
			c.managed(r, b, a)
		case "IngressRules":
			c.rules(r, "lets in", true, list(b), list(a), around(true))
		case "EgressRules":
			c.rules(r, "lets out", false, list(b), list(a), around(false))
		}
	}
	one := func(m map[string]any) []any {
		if m == nil {
			return nil
		}
		return []any{m}
	}
	switch r.schema.kind {
	case "IngressRuleResource":
		c.rules(r, "lets in", true, one(before), one(after), around(true))
	case "EgressRuleResource":
		c.rules(r, "lets out", false, one(before), one(after), around(false))
	case "LambdaPermission":
		if b, a := permission(before), permission(after); b != a {
			if b != "" {
				c.grant(r.Place, Narrows, false, "%s no longer", b)
			}
			if a != "" {
				c.grant(r.Place, Broadens, after["Principal"] == "*" && after["SourceArn"] == nil, "%s", a)
			}
		}
	}
	c.exposure(r, before, after)
	if more := len(c.report.Security) - began; more > maxAccess {
		// The directions and who is let in must not get lost in the cut.
		rest := c.report.Security[began+maxAccess-1:]
		public, direction := false, Narrows
		for _, a := range rest {
			public = public || a.Public
			if a.Direction == Broadens || a.Direction == Alters && direction == Narrows {
				direction = a.Direction
			}
		}
		c.report.Security = append(c.report.Security[:began+maxAccess-1], Access{r.Place, direction, public, fmt.Sprintf("and %d more", len(rest))})
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// documents returns the policy documents in a property: one, or those of a list of named policies.
func documents(v any) []any {
	if l, ok := v.([]any); ok {
		var out []any
		for _, e := range l {
			if m, ok := e.(map[string]any); ok && m["PolicyDocument"] != nil {
				out = append(out, m["PolicyDocument"])
			}
		}
		return out
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// statement is one right, taken apart until it can be compared: one action on one resource for one principal.
type statement struct{ effect, principal, action, resource, condition string }

// statements returns the statements of a policy document, which may be written as JSON text.
func statements(document any) []any {
	if s, ok := document.(string); ok && strings.HasPrefix(strings.TrimSpace(s), "{") {
		var m map[string]any
		if json.Unmarshal([]byte(s), &m) == nil {
			document = m
		}
	}
	m, _ := document.(map[string]any)
	switch s := m["Statement"].(type) {
	case []any:
		return s
	case map[string]any:
		return []any{s}
	}
	return nil
}

// maxRights bounds what one statement may be taken apart to; a longer one is compared as a whole.
const maxRights = 4000

func rights(documents []any) []statement {
	var out []statement
	for _, d := range documents {
		for _, s := range statements(d) {
			m, ok := s.(map[string]any)
			if _, _, isFunction := function(m); !ok || isFunction {
				out = append(out, statement{effect: "Allow", action: text(s)})
				continue
			}
			actions, resources, who := elements(m, "Action"), elements(m, "Resource"), principals(m)
			condition := ""
			if m["Condition"] != nil {
				condition = encode(m["Condition"])
			}
			if len(actions)*len(resources)*len(who) > maxRights {
				actions, resources, who = []string{strings.Join(actions, ", ")}, []string{strings.Join(resources, ", ")}, []string{strings.Join(who, ", ")}
			}
			for _, w := range who {
				for _, a := range actions {
					for _, r := range resources {
						out = append(out, statement{text(m["Effect"]), w, a, r, condition})
					}
				}
			}
		}
	}
	return out
}

// elements returns a statement's actions or resources; what it excludes is one element.
func elements(m map[string]any, name string) []string {
	if not, ok := m["Not"+name]; ok {
		return []string{"all but " + text(not)}
	}
	switch v := m[name].(type) {
	case nil:
		return []string{""}
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = text(e)
		}
		return out
	default:
		return []string{text(v)}
	}
}

func principals(m map[string]any) []string {
	if not, ok := m["NotPrincipal"]; ok {
		return []string{"all but " + text(not)}
	}
	switch v := m["Principal"].(type) {
	case nil:
		return []string{""}
	case map[string]any:
		if _, _, ok := function(v); ok {
			return []string{text(v)}
		}
		var out []string
		for _, kind := range sorted(v) {
			for _, who := range elements(v, kind) {
				if who == "*" {
					out = append(out, "*")
					continue
				}
				out = append(out, who)
			}
		}
		return out
	default:
		return []string{text(v)}
	}
}

// covers says that a right includes another one.
func (s statement) covers(o statement) bool {
	return s.effect == o.effect && (s.principal == o.principal || s.principal == "*") && glob(s.action, o.action) &&
		(s.resource == o.resource || s.resource == "*") && (s.condition == o.condition || s.condition == "")
}

func glob(pattern, s string) bool {
	if pattern == s || pattern == "*" {
		return true
	}
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(s))
	return err == nil && ok
}

// policies compares the rights that policy documents give.
func (c *comparison) policies(r *resourceChange, property string, before, after []any) {
	b, a := rights(before), rights(after)
	missing := func(from, in []statement) []statement {
		var out []statement
		for _, s := range from {
			if !slices.ContainsFunc(in, func(o statement) bool { return o.covers(s) }) {
				out = append(out, s)
			}
		}
		return out
	}
	for _, side := range []struct {
		rights []statement
		added  bool
	}{{missing(a, b), true}, {missing(b, a), false}} {
		for _, g := range grouped(side.rights) {
			direction := Narrows
			if (g.effect == "Deny") != side.added {
				direction = Broadens
			}
			public := g.principal == "*" && g.condition == "" && g.effect != "Deny"
			c.grant(r.Place, direction, public, "%s", g.sentence(property, side.added))
		}
	}
}

// group is rights that differ in their actions only.
type group struct {
	statement
	actions []string
}

func grouped(all []statement) []group {
	var out []group
	for _, s := range all {
		key := s
		key.action = ""
		i := slices.IndexFunc(out, func(g group) bool { return g.statement == key })
		if i < 0 {
			out = append(out, group{statement: key})
			i = len(out) - 1
		}
		if !slices.Contains(out[i].actions, s.action) {
			out[i].actions = append(out[i].actions, s.action)
		}
	}
	// Actions that are allowed on several resources are one sentence too.
	for i := 0; i < len(out); i++ {
		for j := i + 1; j < len(out); j++ {
			if out[i].effect == out[j].effect && out[i].principal == out[j].principal && out[i].condition == out[j].condition && slices.Equal(out[i].actions, out[j].actions) {
				out[i].resource += ", " + out[j].resource
				out = slices.Delete(out, j, j+1)
				j--
			}
		}
	}
	return out
}

func (g group) sentence(property string, added bool) string {
	verb := "allows"
	switch {
	case g.effect == "Deny" && added:
		verb = "denies"
	case g.effect == "Deny":
		verb = "no longer denies"
	case !added:
		verb = "no longer allows"
	}
	who := ""
	switch {
	case g.principal == "*":
		who = "everybody "
	case g.principal != "":
		who = short(g.principal) + " "
	}
	actions := strings.Join(g.actions, ", ")
	if len(g.actions) > 6 {
		actions = fmt.Sprintf("%s and %d more actions", strings.Join(g.actions[:5], ", "), len(g.actions)-5)
	}
	if actions == "*" {
		actions = "everything (*)"
	}
	out := fmt.Sprintf("%s %sto do %s", verb, who, actions)
	if property == "AssumeRolePolicyDocument" {
		out = fmt.Sprintf("%s %sto take the role", verb, who)
		if actions != "sts:AssumeRole" {
			out += " (" + actions + ")"
		}
	} else if who == "" {
		out = verb + " " + actions
	}
	if g.resource != "" {
		out += " on " + short(strings.ReplaceAll(g.resource, "*, *", "*"))
	}
	if g.condition != "" {
		out += ", under a condition"
		if !looksSecret(g.condition) && !suspiciousName.MatchString(g.condition) {
			out += " " + short(g.condition)
		}
	}
	return out
}

func (c *comparison) managed(r *resourceChange, before, after any) {
	names := func(v any) map[string]string {
		out := map[string]string{}
		for _, e := range list(v) {
			arn := text(e)
			out[arn] = arn[strings.LastIndexByte(arn, '/')+1:]
		}
		return out
	}
	b, a := names(before), names(after)
	for _, arn := range sorted(a) {
		if b[arn] == "" {
			c.grant(r.Place, Broadens, false, "gets the managed policy %s", a[arn])
		}
	}
	for _, arn := range sorted(b) {
		if a[arn] == "" {
			c.grant(r.Place, Narrows, false, "loses the managed policy %s", b[arn])
		}
	}
}

// rules compares the rules of a security group. What another rule on the same side lets through too is no news, so that a
// rule which takes the place of a wider one only narrows: around are the rules of the same group that other resources have.
func (c *comparison) rules(r *resourceChange, verb string, in bool, before, after []any, around [2][]any) {
	read := func(all []any) (out []rule) {
		for _, e := range all {
			m, _ := e.(map[string]any)
			if m == nil {
				continue
			}
			if one := readRule(m, in); !slices.ContainsFunc(out, func(o rule) bool { return o.sentence == one.sentence }) {
				out = append(out, one)
			}
		}
		slices.SortFunc(out, func(a, b rule) int { return cmp.Compare(a.sentence, b.sentence) })
		return out
	}
	b, a := read(before), read(after)
	had, has := append(read(around[0]), b...), append(read(around[1]), a...)
	for _, one := range a {
		if !slices.ContainsFunc(had, func(o rule) bool { return o.covers(one) }) {
			c.grant(r.Place, Broadens, in && one.public, "%s %s", verb, one.sentence)
		}
	}
	for _, one := range b {
		if slices.ContainsFunc(has, func(o rule) bool { return o.covers(one) }) {
			continue
		}
		var left []string
		for _, o := range has {
			if one.covers(o) && !slices.Contains(left, o.sentence) && !slices.ContainsFunc(had, func(old rule) bool { return old.sentence == o.sentence }) {
				left = append(left, o.sentence)
			}
		}
		only := ""
		if len(left) > 0 {
			only = ", only " + strings.Join(left, " and ")
		}
		c.grant(r.Place, Narrows, false, "no longer %s %s%s", verb, one.sentence, only)
	}
}

// rulesOf returns the rules that a side has for a security group, given by the text of its id: those of the group's own
// property and those that are resources of their own.
func (s *side) rulesOf(group string, in bool) []any {
	if group == "" {
		return nil
	}
	property, typ := "SecurityGroupEgress", "AWS::EC2::SecurityGroupEgress"
	if in {
		property, typ = "SecurityGroupIngress", "AWS::EC2::SecurityGroupIngress"
	}
	var out []any
	for _, id := range sorted(s.resources) {
		switch r := s.resources[id]; r.Type {
		case "AWS::EC2::SecurityGroup":
			if group == "${"+id+".GroupId}" || group == "${"+id+"}" {
				out = append(out, list(s.scope.canonical(r.Properties[property]))...)
			}
		case typ:
			if s.body(id)["Condition"] != nil {
				continue // it may not be there
			}
			if m, _ := s.scope.canonical(r.Properties).(map[string]any); text(m["GroupId"]) == group {
				out = append(out, m)
			}
		}
	}
	return out
}

// rule is one rule of a security group.
type rule struct {
	sentence string
	public   bool
	// protocol is a name, or "-1" for all. from and to are ports, or ICMP's type and code; -1 is all of them.
	protocol string
	from, to int
	known    bool // protocol and ports are
	peers    []string
	ranges   []netip.Prefix // those of the peers that are addresses
}

// covers says that a rule lets through all that another one does.
func (r rule) covers(o rule) bool {
	if r.sentence == o.sentence {
		return true
	}
	if !r.known || r.protocol != "-1" && (!o.known || r.protocol != o.protocol) {
		return false
	}
	switch {
	case r.protocol == "-1" || r.from == -1:
	case strings.HasPrefix(r.protocol, "icmp"):
		if r.from != o.from || r.to != -1 && r.to != o.to {
			return false
		}
	case o.from == -1 || r.from > o.from || r.to < o.to:
		return false
	}
	return len(o.peers) > 0 && !slices.ContainsFunc(o.peers, func(peer string) bool { return !r.reaches(peer) })
}

// reaches says that a peer of another rule is among a rule's own.
func (r rule) reaches(peer string) bool {
	if slices.Contains(r.peers, peer) {
		return true
	}
	everywhere := func(v6 bool) bool {
		return slices.ContainsFunc(r.ranges, func(p netip.Prefix) bool { return p.Bits() == 0 && p.Addr().Is6() == v6 })
	}
	kind, value, _ := strings.Cut(peer, " ")
	switch kind {
	case "CidrIp", "CidrIpv6":
		if everywhere(kind == "CidrIpv6") {
			return true // also a range that only a deployment knows
		}
		other, err := netip.ParsePrefix(value)
		return err == nil && slices.ContainsFunc(r.ranges, func(p netip.Prefix) bool { return p.Bits() <= other.Bits() && p.Contains(other.Addr()) })
	case "SourcePrefixListId", "DestinationPrefixListId":
		return everywhere(false) && everywhere(true) // of either family
	}
	return everywhere(false) // a group: its members talk by IPv4, if they have not been given more
}

func readRule(m map[string]any, in bool) rule {
	if _, _, ok := function(m); ok {
		return rule{sentence: text(m)}
	}
	protocol, from, to := text(m["IpProtocol"]), text(m["FromPort"]), text(m["ToPort"])
	r := rule{protocol: strings.ToLower(protocol), from: -1, to: -1, known: protocol != "" && !strings.Contains(protocol, "$")}
	if name, ok := map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}[r.protocol]; ok {
		r.protocol = name
	}
	for _, port := range []struct {
		text string
		to   *int
	}{{from, &r.from}, {to, &r.to}} {
		if port.text == "" {
			continue
		}
		n, err := strconv.Atoi(port.text)
		if r.known = r.known && err == nil; err == nil {
			*port.to = n
		}
	}
	if r.from == 0 && r.to == 65535 {
		r.from, r.to = -1, -1
	}
	what := from + "/" + protocol
	switch {
	case protocol == "-1":
		what = "all traffic"
	case from == "" || protocol == "tcp" && from == "0" && to == "65535":
		what = "all of " + protocol
	case to != "" && to != from:
		what = from + "-" + to + "/" + protocol
	}
	direction := " to "
	if in {
		direction = " from "
	}
	var peers []string
	for _, name := range []string{"CidrIp", "CidrIpv6", "SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId",
		"DestinationSecurityGroupId", "DestinationPrefixListId"} {
		if peer := text(m[name]); peer != "" {
			r.peers = append(r.peers, name+" "+peer)
			if p, err := netip.ParsePrefix(peer); err == nil {
				r.ranges = append(r.ranges, p)
			}
			if peer == "0.0.0.0/0" || peer == "::/0" {
				r.public = true
				peer = "everywhere (" + peer + ")"
			}
			peers = append(peers, peer)
		}
	}
	r.sentence = what + direction + strings.Join(peers, ", ")
	return r
}

func permission(m map[string]any) string {
	if m == nil {
		return ""
	}
	out := fmt.Sprintf("%s may do %s on %s", text(m["Principal"]), text(m["Action"]), text(m["FunctionName"]))
	if source := text(m["SourceArn"]); source != "" {
		out += " for " + source
	}
	return out
}

// exposure says what changes on what the internet reaches, apart from policies and rules.
func (c *comparison) exposure(r *resourceChange, before, after map[string]any) {
	get := func(m map[string]any, name string) string { return text(m[name]) }
	isNew := before == nil
	switch r.Type {
	case "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer":
		open := func(m map[string]any) bool { return m != nil && get(m, "Scheme") != "internal" }
		if open(after) && !open(before) {
			c.grant(r.Place, Broadens, true, "is reached from the internet")
		} else if open(before) && !open(after) && after != nil {
			c.grant(r.Place, Narrows, false, "is no longer reached from the internet")
		}
		if !isNew && after != nil && get(before, "SecurityGroups") != get(after, "SecurityGroups") {
			c.grant(r.Place, Alters, false, "gets other security groups")
		}
	case "AWS::ElasticLoadBalancingV2::Listener":
		listens := func(m map[string]any) string { return strings.TrimSpace(get(m, "Protocol") + " " + get(m, "Port")) }
		switch {
		case isNew:
			c.grant(r.Place, Alters, false, "listens on %s", listens(after))
		case after == nil:
			c.grant(r.Place, Narrows, false, "no longer listens on %s", listens(before))
		case listens(before) != listens(after):
			direction := Alters
			if get(before, "Protocol") == "HTTPS" && get(after, "Protocol") == "HTTP" {
				direction = Broadens
			}
			c.grant(r.Place, direction, false, "listens on %s instead of %s", listens(after), listens(before))
		}
		if !isNew && after != nil {
			if get(before, "Certificates") != get(after, "Certificates") {
				c.grant(r.Place, Alters, false, "has another certificate")
			}
			if get(before, "SslPolicy") != get(after, "SslPolicy") {
				c.grant(r.Place, Alters, false, "has another TLS policy: %s instead of %s", get(after, "SslPolicy"), get(before, "SslPolicy"))
			}
			c.actions(r, before["DefaultActions"], after["DefaultActions"])
		}
	case "AWS::ElasticLoadBalancingV2::ListenerRule":
		if !isNew && after != nil {
			c.actions(r, before["Actions"], after["Actions"])
			if get(before, "Conditions") != get(after, "Conditions") {
				c.grant(r.Place, Alters, false, "applies to other requests")
			}
		} else if isNew {
			c.grant(r.Place, Alters, false, "is a new rule of the listener (%s)", kinds(after["Actions"]))
		} else {
			c.grant(r.Place, Alters, false, "is removed from the listener (%s)", kinds(before["Actions"]))
		}
	case "AWS::S3::Bucket":
		b, _ := before["PublicAccessBlockConfiguration"].(map[string]any)
		a, _ := after["PublicAccessBlockConfiguration"].(map[string]any)
		for _, name := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if get(b, name) == "true" && get(a, name) == "false" {
				c.grant(r.Place, Broadens, true, "%s is switched off", name)
			}
		}
		if acl := get(after, "AccessControl"); strings.HasPrefix(acl, "Public") && acl != get(before, "AccessControl") {
			c.grant(r.Place, Broadens, true, "its access control is %s", acl)
		}
	}
	for _, switched := range []struct{ name, on, off string }{
		{"PubliclyAccessible", "is reached from the internet", "is no longer reached from the internet"},
		{"MapPublicIpOnLaunch", "gives public addresses", "no longer gives public addresses"},
	} {
		was, is := get(before, switched.name) == "true", get(after, switched.name) == "true"
		if is && !was {
			c.grant(r.Place, Broadens, true, "%s (%s)", switched.on, switched.name)
		} else if was && !is && after != nil {
			c.grant(r.Place, Narrows, false, "%s (%s)", switched.off, switched.name)
		}
	}
}

// actions says what changes on what a listener or rule does with requests.
func (c *comparison) actions(r *resourceChange, before, after any) {
	b, a := kinds(before), kinds(after)
	switch {
	case strings.Contains(b, "authenticate") && !strings.Contains(a, "authenticate"):
		c.grant(r.Place, Broadens, false, "no longer asks users to log in: %s instead of %s", a, b)
	case b != a:
		c.grant(r.Place, Alters, false, "answers by %s instead of %s", a, b)
	case text(before) != text(after):
		c.grant(r.Place, Alters, false, "%s otherwise than before", a)
	}
}

// kinds lists the types of actions.
func kinds(actions any) string {
	var out []string
	for _, e := range list(actions) {
		m, _ := e.(map[string]any)
		out = append(out, text(m["Type"]))
	}
	return strings.Join(out, ", ")
}

// sshRule reads "tcp, 22, 22, 10.0.0.0/8", as Beanstalk takes it.
func sshRule(restriction string) rule {
	parts := strings.Split(restriction, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) != 4 {
		return rule{sentence: restriction}
	}
	peer := "CidrIp"
	if strings.HasPrefix(parts[3], "sg-") {
		peer = "SourceSecurityGroupId"
	}
	return readRule(map[string]any{"IpProtocol": parts[0], "FromPort": parts[1], "ToPort": parts[2], peer: parts[3]}, true)
}

// access says what an environment's options change on who reaches it.
func (c *comparison) access(e *environmentChange) {
	for i := range e.rows {
		row := &e.rows[i]
		if row.Namespace == "" || row.Effect == None || strings.Contains(row.Why, "is replaced") || row.Before == nil && row.After == nil && !row.Hidden {
			continue
		}
		say := func(direction Direction, public bool, format string, args ...any) {
			c.grant(e.r.Place, direction, public, format, args...)
		}
		before, after := deref(row.Before), deref(row.After)
		on, off := strings.EqualFold(after, "true"), strings.EqualFold(after, "false")
		switch name := row.OptionName; {
		case name == "SSHSourceRestriction":
			direction := Broadens
			if was, is := sshRule(before), sshRule(after); was.covers(is) {
				direction = Narrows
			}
			say(direction, direction == Broadens && strings.Contains(after, "0.0.0.0/0"), "SSH is open to %s instead of %s", quoted(row.After), quoted(row.Before))
		case name == "EC2KeyName":
			say(Alters, false, "another key pair logs in to the instances")
		case name == "DisableIMDSv1" && off:
			say(Broadens, false, "instance metadata answers without a token (IMDSv1)")
		case name == "DisableIMDSv1" && on:
			say(Narrows, false, "instance metadata answers with a token only (IMDSv2)")
		case name == "AssociatePublicIpAddress" && on:
			say(Broadens, true, "instances get public addresses")
		case name == "AssociatePublicIpAddress" && off && before != "":
			say(Narrows, false, "instances no longer get public addresses")
		case name == "ELBScheme" && strings.EqualFold(before, "internal"):
			say(Broadens, true, "the load balancer is reached from the internet")
		case name == "ELBScheme" && strings.EqualFold(after, "internal"):
			say(Narrows, false, "the load balancer is no longer reached from the internet")
		case name == "SecurityGroups" || name == "ManagedSecurityGroup" || name == "DisableDefaultEC2SecurityGroup":
			say(Alters, false, "%s %s changes", row.Namespace, name)
		case name == "IamInstanceProfile":
			say(Alters, false, "instances get another instance profile")
		case name == "ServiceRole":
			say(Alters, false, "Beanstalk gets another service role")
		case strings.HasPrefix(row.Namespace, nsListener) || strings.HasPrefix(row.Namespace, "aws:elb:listener"):
			direction := Alters
			if name == "Protocol" && strings.EqualFold(before, "HTTPS") && strings.EqualFold(after, "HTTP") {
				direction = Broadens
			}
			say(direction, false, "listener: %s is %s instead of %s", row.Subject, quoted(row.After), quoted(row.Before))
		}
	}
}
