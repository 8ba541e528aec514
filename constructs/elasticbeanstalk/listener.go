package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// listenerNamespace begins the namespace of a listener, which ends with its port: "default" is the listener on port 80.
const listenerNamespace = "aws:elbv2:listener:"

// ruleNamespace begins the namespace of a listener rule, which ends with the rule's name.
const ruleNamespace = "aws:elbv2:listenerrule:"

// Listener is a further listener of a dedicated load balancer.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb.html
type Listener struct {
	// CertificateARNs make it an HTTPS listener; the first one is the default certificate. Once given, they can be changed
	// but not taken away: the listener has them until it is disabled. Default: an HTTP listener.
	CertificateARNs []string
	// SSLPolicy is the security policy of an HTTPS listener. Default: [DefaultSSLPolicy].
	SSLPolicy string
	// DefaultProcess is the process that gets the requests that no rule takes. Default: "default".
	DefaultProcess string
	// Disabled removes the listener. One that is left out of the props instead stays as it is, because an option that is not
	// written keeps its value. Default: false.
	Disabled bool
}

// ListenerRule sends requests to a process. On a shared load balancer rules are the stack's own, as
// [Environment.TargetGroupOf] shows.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb.html
type ListenerRule struct {
	// HostHeaders are the host names that it takes. Default: every host. A rule that had some needs another name to be
	// without, because an option that is not written keeps its value. One of HostHeaders and PathPatterns is required, and
	// together they have up to 5 values, the default of PathPatterns included.
	HostHeaders []string
	// PathPatterns are the paths that it takes, such as "/api/*". Default: "/*", every path.
	PathPatterns []string
	// Process is the process that gets the requests. Default: "default".
	Process string
	// Priority is the rule's place among those of a listener, from 1, which comes first, to 1000. Required; each once.
	Priority int
	// Ports are those of the listeners that the rule is on. Default: 443, and 80 unless it redirects to HTTPS.
	Ports []int
}

// ports are those of the listeners, in order.
func (l LoadBalancer) ports() []int {
	var ports []int
	if !l.DisableHTTPListener {
		ports = append(ports, 80)
	}
	if len(l.CertificateARNs) > 0 {
		ports = append(ports, 443)
	}
	for port, listener := range l.Listeners {
		if !listener.Disabled {
			ports = append(ports, port)
		}
	}
	slices.Sort(ports)
	return ports
}

// listens says whether a raw setting is about a listener that there is, and does not end it.
func (l LoadBalancer) listens(s option.Setting) bool {
	port := strings.TrimPrefix(s.Namespace, listenerNamespace)
	if port == "default" {
		port = "80"
	}
	return s.OptionName != "ListenerEnabled" && slices.ContainsFunc(l.ports(), func(p int) bool { return strconv.Itoa(p) == port })
}

func (l LoadBalancer) protocol(port int) string {
	if port == 443 || len(l.Listeners[port].CertificateARNs) > 0 {
		return "HTTPS"
	}
	return "HTTP"
}

// rulePorts are those of the listeners that a rule is on.
func (l LoadBalancer) rulePorts(rule ListenerRule) []int {
	if len(rule.Ports) > 0 {
		return rule.Ports
	}
	var ports []int
	for _, port := range l.ports() {
		if port == 443 || port == 80 && !l.redirects() {
			ports = append(ports, port)
		}
	}
	return ports
}

func (l Listener) validate(port int, processes map[string]Process) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch {
	case port == 80:
		add("the listener on port 80 is there already; DisableHTTPListener takes it away")
	case port == 443:
		add("the listener on port 443 comes with CertificateARNs of the load balancer: give them there")
	case port < 1 || port > 65535:
		add("is not a port; give 1 to 65535")
	}
	if l.Disabled {
		for _, set := range []struct {
			field string
			is    bool
		}{{"CertificateARNs", len(l.CertificateARNs) > 0}, {"SSLPolicy", l.SSLPolicy != ""}, {"DefaultProcess", l.DefaultProcess != ""}} {
			if set.is {
				add("%s: has no effect with Disabled: remove it", set.field)
			}
		}
		return errors.Join(problems...)
	}
	if l.SSLPolicy != "" && len(l.CertificateARNs) == 0 {
		add("SSLPolicy: has no effect without CertificateARNs, because it is not an HTTPS listener")
	}
	problems = append(problems, certificateProblems("CertificateARNs", l.CertificateARNs)...)
	if err := known(l.DefaultProcess, processes); err != nil {
		add("DefaultProcess: %w", err)
	}
	return errors.Join(problems...)
}

// known refuses a process that is not there. The default one always is.
func known(process string, processes map[string]Process) error {
	if _, ok := processes[process]; !ok && process != "" && process != defaultProcess {
		return fmt.Errorf("there is no process %q; the processes are %q", process, slices.Sorted(maps.Keys(processes)))
	}
	return nil
}

// paths are never left out: what a rule had before would stay. There is no such word for every host: a load balancer asks for
// a dot in it.
func (r ListenerRule) paths() []string {
	if len(r.PathPatterns) == 0 {
		return []string{"/*"}
	}
	return r.PathPatterns
}

var ruleName = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)

func (r ListenerRule) validate(name string, lb LoadBalancer, processes map[string]Process) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !ruleName.MatchString(name) || name == "default" {
		add("is not a rule name: use 1 to 32 letters and digits, and not \"default\", which is Elastic Beanstalk's own")
	}
	switch n := len(r.HostHeaders) + len(r.paths()); {
	case len(r.HostHeaders)+len(r.PathPatterns) == 0:
		add("takes every request: give HostHeaders or PathPatterns")
	case n > 5:
		add("has %d host names and paths (%s); the load balancer allows 5: make two rules of it", n, strings.Join(slices.Concat(r.HostHeaders, r.paths()), ", "))
	}
	for i, host := range r.HostHeaders {
		if !isToken(host) && (!strings.Contains(host, ".") || strings.ContainsAny(host, ",/: ")) {
			add("HostHeaders[%d]: %q is not a host name with a dot in it, and * and ? as wildcards", i, host)
		}
	}
	for i, path := range r.PathPatterns {
		if !isToken(path) && (!strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "*") || strings.ContainsAny(path, ", ")) {
			add("PathPatterns[%d]: %q is not a path that begins with a slash, with * and ? as wildcards", i, path)
		}
	}
	if err := known(r.Process, processes); err != nil {
		add("Process: %w", err)
	}
	if r.Priority < 1 || r.Priority > 1000 {
		add("Priority: %d is not allowed; give 1, which comes first, to 1000", r.Priority)
	}
	if len(lb.ports()) > 0 && len(lb.rulePorts(r)) == 0 {
		add("Ports: there is no listener on port 80 or 443, which are the default; give some of %d, where the listeners are", lb.ports())
	}
	for i, port := range r.Ports {
		switch {
		case !slices.Contains(lb.ports(), port):
			add("Ports[%d]: there is no listener on port %d; the listeners are on %d", i, port, lb.ports())
		case port == 80 && lb.redirects():
			add("Ports[%d]: the listener on port 80 redirects to HTTPS; set AllowHTTP, or leave it out", i)
		}
	}
	return errors.Join(problems...)
}

// listenerSettings render the listeners of a dedicated load balancer and their rules.
func (l LoadBalancer) listenerSettings() []option.Setting {
	var settings []option.Setting
	listener := func(port int, enabled bool, certificates []string, policy string) {
		namespace := fmt.Sprint(listenerNamespace, port)
		if port == 80 {
			namespace = listenerNamespace + "default"
		}
		settings = append(settings, setting(namespace, "ListenerEnabled", enabled))
		if !enabled {
			return
		}
		if port != 80 {
			settings = append(settings, setting(namespace, "Protocol", l.protocol(port)))
		}
		if len(certificates) > 0 {
			settings = append(settings,
				setting(namespace, "SSLCertificateArns", strings.Join(certificates, ",")),
				setting(namespace, "SSLPolicy", cmp.Or(policy, DefaultSSLPolicy)),
			)
		}
		if l.Rules != nil {
			settings = append(settings, setting(namespace, "Rules", strings.Join(l.rulesOn(port), ",")))
		}
	}
	listener(80, !l.DisableHTTPListener, nil, "")
	listener(443, len(l.CertificateARNs) > 0, l.CertificateARNs, l.SSLPolicy)
	for port, further := range l.Listeners {
		listener(port, !further.Disabled, further.CertificateARNs, further.SSLPolicy)
		if !further.Disabled {
			settings = append(settings, setting(fmt.Sprint(listenerNamespace, port), "DefaultProcess", cmp.Or(further.DefaultProcess, defaultProcess)))
		}
	}
	for name, rule := range l.Rules {
		namespace := ruleNamespace + name
		settings = append(settings,
			setting(namespace, "PathPatterns", strings.Join(rule.paths(), ",")),
			setting(namespace, "Process", cmp.Or(rule.Process, defaultProcess)),
			setting(namespace, "Priority", rule.Priority),
		)
		if len(rule.HostHeaders) > 0 {
			settings = append(settings, setting(namespace, "HostHeaders", strings.Join(rule.HostHeaders, ",")))
		}
	}
	return settings
}

// rulesOn are the names of the rules on the listener of a port, in order.
func (l LoadBalancer) rulesOn(port int) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(l.Rules)) {
		if slices.Contains(l.rulePorts(l.Rules[name]), port) {
			names = append(names, name)
		}
	}
	return names
}

// resourceOverrides is the redirect from HTTP to HTTPS, for which Elastic Beanstalk has no option.
func (l LoadBalancer) resourceOverrides() []resourceOverride {
	if !l.redirects() {
		return nil
	}
	return []resourceOverride{{
		field:     "LoadBalancer.CertificateARNs",
		without:   "set LoadBalancer.AllowHTTP, which leaves the redirect to HTTPS out",
		logicalID: "AWSEBV2LoadBalancerListener", // the one on port 80
		kind:      "AWS::ElasticLoadBalancingV2::Listener",
		properties: map[string]any{
			"DefaultActions": []any{map[string]any{"Type": "redirect", "RedirectConfig": map[string]any{
				"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301",
			}}},
		},
	}}
}
