package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
)

const workerNamespace = "aws:elasticbeanstalk:sqsd"

// withoutLoadBalancer explains an environment in which nothing asks the app for its health.
func (x *Explanation) withoutLoadBalancer(e *environment) {
	x.Layers = []Layer{}
	x.Kind = "single instance"
	if e.worker {
		x.Kind = "worker"
	}
	x.Check = fmt.Sprintf("none: a %s has no load balancer, so nothing asks the app for its health, and options of a process such as HealthCheckPath and MatcherHTTPCode do nothing", x.Kind)
	value := func(namespace, name, otherwise string) string {
		s, _ := e.option(namespace, name)
		return cmp.Or(s.Value, otherwise)
	}
	if value("aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic") == "enhanced" {
		x.Instead = append(x.Instead, "the agent on the instance reports what nginx answered, and the instance's load and memory: errors turn the environment's colour, and that is all that follows from them")
	} else {
		x.Instead = append(x.Instead, "nothing of the app: with basic health the colour follows from EC2's status checks (SystemType enhanced adds what nginx answered)")
	}
	x.Instead = append(x.Instead, "EC2 checks that the instance runs, whatever the app does")
	x.Share = "never: nothing takes it out of service"
	x.Replaced = "by the Auto Scaling group, when EC2's status checks fail, not when the app is dead"
	x.Drains = No
	x.Drain = "There is no health check that would take one out."
	if !e.worker {
		x.Share += ", and while it does not answer, nobody does"
		x.Recommendation = "Have something outside ask the app, and an alarm on EnvironmentHealth: nothing on AWS asks it. If it may not be away during a deployment or a replacement, set EnvironmentType to LoadBalanced with MinSize 2."
		return
	}
	sqsd := func(name, otherwise string) string { return value(workerNamespace, name, otherwise) }
	tries := sqsd("MaxRetries", "10") + " times in all, before it goes to the dead-letter queue"
	if s, set := e.option(workerNamespace, "WorkerQueueURL"); set && (s.Value != "" || s.Unresolved) {
		tries = "as often as the queue's own redrive policy says"
	}
	x.Instead = append(x.Instead, fmt.Sprintf("the daemon posts each message to http://%s%s: one that is answered 200 is deleted; any other answer, or none within %s s, and it is tried again, %s",
		overlay.DaemonHost, sqsd("HttpPath", "/"), sqsd("InactivityTimeout", "299"), tries))
	x.Share += "; its daemon goes on to take messages from the queue, and each fails"
	x.Drain += " Messages whose work needs the database fail, are tried again, and end in the dead-letter queue if that lasts."
	x.Recommendation = "Have alarms on the age of the oldest message in the queue (ApproximateAgeOfOldestMessage) and on the length of the dead-letter queue: they tell when work is not done."
	x.daemon(e)
}

// daemon says whether Django accepts the host by which the daemon asks.
func (x *Explanation) daemon(e *environment) {
	x.Host = overlay.DaemonHost + ", by which the daemon asks"
	p := e.project()
	if p == nil {
		x.Host += "; not known whether the app accepts it"
		return
	}
	list, complete := p.settings.strings("ALLOWED_HOSTS")
	for name, value := range p.properties {
		for _, a := range p.settings.values["ALLOWED_HOSTS"] {
			if p.settings.mentions(a.tokens, name) { // and splits it, in whatever way
				list = append(list, strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ,;", r) })...)
			}
		}
	}
	switch {
	case slices.ContainsFunc(list, func(h string) bool { return h == "*" || strings.TrimPrefix(h, ".") == overlay.DaemonHost }):
		x.Host += "; ALLOWED_HOSTS has it"
	case complete || p.settings.complete && len(p.settings.values["ALLOWED_HOSTS"]) == 0:
		x.Host += "; ALLOWED_HOSTS does not have it: Django answers every message 400"
		x.Recommendation = fmt.Sprintf("Add %s to ALLOWED_HOSTS: as it is, every message is answered 400, tried again and lost.", overlay.DaemonHost)
	default:
		x.Host += "; not known whether ALLOWED_HOSTS has it"
	}
}
