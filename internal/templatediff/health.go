package templatediff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// remark adds a sentence about health checks.
func (c *comparison) remark(p Place, format string, args ...any) {
	c.report.Health = append(c.report.Health, Remark{p, fmt.Sprintf(format, args...)})
}

// check is a health check as two sides have it, in words that both Beanstalk's options and a target group's
// properties have: the names are the options'.
type check map[string]string

// health says in words what changes on the environment's health checks.
func (c *comparison) health(e *environmentChange) {
	changed := map[string]bool{}
	for i := range e.rows {
		if row := &e.rows[i]; strings.HasPrefix(row.Namespace, nsProcess) && row.Effect != None && row.Effect != Rejected {
			changed[row.Namespace] = true
		}
	}
	for _, namespace := range sorted(changed) {
		name := strings.TrimPrefix(namespace, nsProcess)
		read := func(s settings) check {
			out := check{}
			for _, option := range []string{"HealthCheckPath", "MatcherHTTPCode", "HealthCheckInterval", "HealthCheckTimeout",
				"HealthyThresholdCount", "UnhealthyThresholdCount", "Port", "Protocol"} {
				v, known := s.get(namespace, option)
				if !known {
					v = ""
				}
				out[option] = v
			}
			return out
		}
		who := "the target group"
		if name != "default" {
			who = "the target group of the process " + name
		}
		if e.newProcess(namespace) {
			c.remark(e.r.Place, "a target group is made for the new process %s", name)
			continue
		}
		for _, s := range compareChecks(who, read(e.base), read(e.after)) {
			c.remark(e.r.Place, "%s", s)
		}
	}
	for _, name := range e.leaving() {
		c.remark(e.r.Place, "the process %s %s", name, leaves)
	}
	c.agreement(e)
	for i := range e.rows {
		row := &e.rows[i]
		switch {
		case row.Namespace == nsApplication && row.OptionName == "Application Healthcheck URL" && row.Effect != None:
			suffix := ""
			if e.after.is(nsEnvironment, "LoadBalancerType", "application") {
				suffix = "; on an application load balancer the path of the process counts, not this one"
			}
			c.remark(e.r.Place, "Beanstalk's own health check URL is %s instead of %s%s", quoted(row.After), quoted(row.Before), suffix)
		case row.Namespace == nsProperties && row.OptionName == overlay.InstanceIPSource && deref(row.After) == overlay.SourceNone:
			c.remark(e.r.Place, "instances no longer put their own address into ALLOWED_HOSTS (%s is %s): Django answers 400 to the load balancer, unless it is let in otherwise",
				overlay.InstanceIPSource, overlay.SourceNone)
		}
	}
}

// agreement finds a health check's path that the application is told otherwise.
func (c *comparison) agreement(e *environmentChange) {
	path, known := e.after.get(nsProcess+"default", "HealthCheckPath")
	variable := overlay.Variables{}.WithDefaults().HealthCheckPath
	told, ok := e.after.values[identity{nsProperties, "", variable}]
	if !known || !ok || !told.known || told.text() == path {
		return
	}
	before, _ := e.base.get(nsProcess+"default", "HealthCheckPath")
	if was, ok := e.base.values[identity{nsProperties, "", variable}]; ok && was.text() == told.text() && before == path {
		return // no news
	}
	c.remark(e.r.Place, "the load balancer asks for %s, but the application is told %s (%s): the redirect to HTTPS is then not suspended for the health check", path, told.text(), variable)
}

// healthOf says in words what changes on a target group of the template's own.
func (c *comparison) healthOf(p *pair, r *resourceChange) {
	if r.Type != "AWS::ElasticLoadBalancingV2::TargetGroup" || r.base == nil || r.head == nil {
		return
	}
	read := func(s *scope, properties map[string]any) check {
		matcher, _ := s.value(properties["Matcher"]).(map[string]any)
		out := check{"MatcherHTTPCode": text(matcher["HttpCode"])}
		for option, property := range map[string]string{
			"HealthCheckPath": "HealthCheckPath", "HealthCheckInterval": "HealthCheckIntervalSeconds", "HealthCheckTimeout": "HealthCheckTimeoutSeconds",
			"HealthyThresholdCount": "HealthyThresholdCount", "UnhealthyThresholdCount": "UnhealthyThresholdCount", "Port": "Port", "Protocol": "Protocol",
		} {
			out[option] = text(s.value(properties[property]))
		}
		return out
	}
	for _, s := range compareChecks("the target group", read(p.base.scope, r.base.Properties), read(p.head.scope, r.head.Properties)) {
		c.remark(r.Place, "%s", s)
	}
}

func compareChecks(who string, before, after check) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	changed := func(name string) bool { return before[name] != after[name] }
	if changed("MatcherHTTPCode") {
		was, is := health.SuccessCodes(before["MatcherHTTPCode"]), health.SuccessCodes(after["MatcherHTTPCode"])
		sentence := fmt.Sprintf("%s will accept %s instead of %s", who, orUnknown(string(is)), orUnknown(string(was)))
		if was.Validate() == nil && is.Validate() == nil {
			var parts []string
			had, has := accepted(was), accepted(is)
			if more := codes(func(code int) bool { return has[code] && !had[code] }); more != "" {
				parts = append(parts, more+" now count as healthy")
			}
			if fewer := codes(func(code int) bool { return had[code] && !has[code] }); fewer != "" {
				parts = append(parts, fewer+" no longer do")
			}
			if len(parts) > 0 {
				sentence += ": " + strings.Join(parts, ", ")
			}
			if was.Contains(301) && !is.Contains(301) {
				sentence += "; a view that answers the health check by a redirect (SECURE_SSL_REDIRECT, APPEND_SLASH) makes its target unhealthy"
			}
		}
		out = append(out, sentence)
	}
	if changed("HealthCheckPath") {
		say("%s will ask for %s instead of %s", who, orUnknown(after["HealthCheckPath"]), orUnknown(before["HealthCheckPath"]))
	}
	if changed("Port") || changed("Protocol") {
		where := func(c check) string { return strings.TrimSpace(c["Protocol"] + " port " + orUnknown(c["Port"])) }
		say("%s will send to %s instead of %s", who, where(after), where(before))
	}
	if changed("HealthCheckTimeout") {
		say("an answer may take %s s instead of %s s", orUnknown(after["HealthCheckTimeout"]), orUnknown(before["HealthCheckTimeout"]))
	}
	for _, state := range []struct{ threshold, sentence string }{
		{"UnhealthyThresholdCount", "a target that fails is taken out after about %s instead of %s (%s failed checks, one every %s s)"},
		{"HealthyThresholdCount", "a target that recovers is back after about %s instead of %s (%s passed checks, one every %s s)"},
	} {
		if !changed(state.threshold) && !changed("HealthCheckInterval") {
			continue
		}
		was, ok := span(before, state.threshold)
		is, also := span(after, state.threshold)
		if ok && also {
			say(state.sentence, is, was, after[state.threshold], after["HealthCheckInterval"])
		}
	}
	return out
}

// span is how long a number of checks takes.
func span(c check, threshold string) (time.Duration, bool) {
	n, err := strconv.Atoi(c[threshold])
	interval, also := strconv.Atoi(c["HealthCheckInterval"])
	return time.Duration(n*interval) * time.Second, err == nil && also == nil
}

// accepted caches what success codes contain: templates repeat them.
var acceptedCache sync.Map

func accepted(c health.SuccessCodes) *[500]bool {
	if known, ok := acceptedCache.Load(c); ok {
		return known.(*[500]bool)
	}
	var out [500]bool
	for code := 200; code <= 499; code++ {
		out[code] = c.Contains(code)
	}
	acceptedCache.Store(c, &out)
	return &out
}

// codes lists the status codes for which something holds, as ranges.
func codes(holds func(int) bool) string {
	var parts []string
	for code := 200; code <= 499; code++ {
		if !holds(code) {
			continue
		}
		last := code
		for last < 499 && holds(last+1) {
			last++
		}
		if last == code {
			parts = append(parts, strconv.Itoa(code))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", code, last))
		}
		code = last
	}
	return strings.Join(slices.Compact(parts), ", ")
}

func orUnknown(s string) string {
	if s == "" {
		return "what is not in the template"
	}
	return s
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func quoted(s *string) string {
	if s == nil || *s == "" {
		return "none"
	}
	return *s
}
