package rehearsal

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Kind is what the tier and the type of an environment make of it: who asks its app.
type Kind string

const (
	// LoadBalanced environments are asked by a load balancer, which is what is rehearsed.
	LoadBalanced Kind = "load-balanced"
	// SingleInstance ones are asked by clients alone.
	SingleInstance Kind = "single instance"
	// Worker environments are asked by the daemon on the instance, which posts them messages.
	Worker Kind = "worker"
)

const workerNamespace = "aws:elasticbeanstalk:sqsd"

// kind is that of the environment that the settings and the tier describe. Only a load balancer has a health check: where
// there is none, the app is asked the same as whoever does ask it.
func (p *plan) kind(in Input, settings []option.Setting, instance string) (k Kind, host string) {
	var single, path bool
	post := "/"
	for _, s := range settings {
		switch {
		case s.Namespace == environmentNamespace && s.OptionName == "EnvironmentType":
			single = s.Value == "SingleInstance"
		case s.Namespace == processNamespace && s.OptionName == "HealthCheckPath":
			path = true
		case s.Namespace == workerNamespace && s.OptionName == "HttpPath" && s.Value != "":
			post = s.Value
		}
	}
	switch {
	case in.Tier == option.Worker:
		k, host = Worker, overlay.DaemonHost
		p.notes = append(p.notes, "a worker has no load balancer: nothing on AWS asks this. The app is asked under the name that its daemon uses, "+overlay.DaemonHost,
			fmt.Sprintf("that a message posted to %s is answered 200 is not rehearsed: it would do its work. The view has to be exempt from the CSRF check", post))
	case single:
		k, host = SingleInstance, p.userHost(instance)
		p.notes = append(p.notes, fmt.Sprintf("a single instance has no load balancer: nothing on AWS asks this. The app is asked as a client would, under the name %s", host))
	default:
		return LoadBalanced, hostHeader(instance, p.port, p.tls)
	}
	p.port, p.tls = 80, false // nginx's own: there is no process (target group) with another
	for _, v := range p.variables {
		if !path && v.name == (overlay.Variables{}).WithDefaults().HealthCheckPath && strings.HasPrefix(v.value, "/") {
			p.check.Path = v.value
		}
	}
	return k, host
}

var listens443 = regexp.MustCompile(`(?m)^\s*listen\s[^;#]*\b443\b`)

// proxyTakesHTTPS says whether the bundle's configuration of nginx does, which is how a single instance gets HTTPS.
func proxyTakesHTTPS(app string) bool {
	found := false
	_ = filepath.WalkDir(filepath.Join(app, ".platform", "nginx"), func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			content, _ := os.ReadFile(file)
			found = found || listens443.Match(content)
		}
		return nil
	})
	return found
}

// as is the kind behind its article.
func (k Kind) as() string { return "a " + string(k) }

// forKind puts a cause into the words of an environment that no load balancer asks.
func (c Cause) forKind(k Kind, host string) Cause {
	switch {
	case k == Worker && c.ID == "allowed-hosts":
		c.Change = fmt.Sprintf("add %s to ALLOWED_HOSTS: the daemon posts every message to http://%s/, and one that is answered 400 is tried again", host, host)
	case k == SingleInstance && c.ID == "allowed-hosts":
		c.Change = "add the names by which clients reach the instance to ALLOWED_HOSTS"
	case k == SingleInstance && c.ID == closedPort.ID:
		c.Summary = "users are redirected to HTTPS, and a single instance answers on port 80 alone"
		c.Change = "put something in front of it that takes HTTPS, or set SECURE_SSL_REDIRECT to False"
	}
	return c
}
