package status

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Level is how much a reason weighs.
type Level string

// The levels, the heaviest first.
const (
	Fault   Level = "fault"   // keeps the environment from being healthy
	Warning Level = "warning" // will hurt later, or hides something
	Info    Level = "info"    // explains what is seen
)

var levels = []Level{Fault, Warning, Info}

// Reason is one reason for what is seen.
type Reason struct {
	Level Level `json:"level"`
	// ID names the kind, such as "allowed-hosts".
	ID string `json:"id"`
	// Summary is one line: what is the case, with the values that matter.
	Summary string `json:"summary"`
	// Meaning says what it means for a Django project, "" if the summary says it all.
	Meaning string `json:"meaning,omitempty"`
	// Change says what to change, "" if there is nothing to do.
	Change string `json:"change,omitempty"`
}

// Explain returns the reasons for what the facts show, the heaviest first.
func Explain(f Facts) []Reason {
	var reasons []Reason
	add := func(r ...Reason) { reasons = append(reasons, r...) }
	if f.Gone() {
		add(Reason{Fault, "gone", "the environment is being terminated, or is terminated", "", ""})
		return reasons
	}
	if !f.Ready() {
		add(Reason{Info, "busy", fmt.Sprintf("Elastic Beanstalk is at work (%s) and takes no deployment until the status is Ready", f.Environment.Status),
			"a deployment, a change of options, or a managed platform update in its window: the events tell", ""})
	}
	for _, g := range f.Groups {
		add(f.targets(g)...)
		add(f.drift(g)...)
	}
	add(f.requests()...)
	add(f.failure()...)
	add(f.overridden()...)
	add(f.platform()...)
	if f.Environment.Colour == "Grey" && f.Ready() {
		add(Reason{Info, "no-health", "Elastic Beanstalk knows no health of this environment (" + f.Environment.health() + ")",
			"no instance reports, or health reporting has just begun", ""})
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int {
		return cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level))
	})
	return reasons
}

var codes = regexp.MustCompile(`\[([\d, ]+)\]`)

// failed is what targets have in common: the load balancer's reason and, with ResponseCodeMismatch, the answer's code.
type failed struct {
	state, reason string
	code          int
}

// targets explains the states of a group's targets, each kind once.
func (f Facts) targets(g TargetGroup) []Reason {
	if len(g.Targets) == 0 {
		level := Fault
		if !f.Ready() {
			level = Info
		}
		return []Reason{{level, "no-targets", fmt.Sprintf("no instance is registered in the target group of %s", g.name()),
			"clients get 503 from the load balancer", "look at the events: the Auto Scaling group launches none, or they are being replaced"}}
	}
	counts := map[failed]int{}
	var kinds []failed
	for _, t := range g.Targets {
		if t.State == healthy || t.State == draining {
			continue
		}
		kind := failed{t.State, t.Reason, 0}
		if m := codes.FindStringSubmatch(t.Description); m != nil && t.Reason == "Target.ResponseCodeMismatch" {
			first, _, _ := strings.Cut(m[1], ",")
			kind.code, _ = strconv.Atoi(strings.TrimSpace(first))
		}
		if counts[kind]++; counts[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	var reasons []Reason
	for _, kind := range kinds {
		r := f.why(g, kind)
		of := ""
		if len(f.Groups) > 1 {
			of = " of " + g.name()
		}
		r.Summary = fmt.Sprintf("%s%s %s: %s", plural(counts[kind], "of "+plural(len(g.Targets), "target")), of, cmp.Or(kind.state, "unknown"), r.Summary)
		reasons = append(reasons, r)
	}
	if n := slices.IndexFunc(g.Targets, func(t Target) bool { return t.State != unhealthy }); n < 0 {
		reasons = append(reasons, Reason{Info, "fails-open", "every target is unhealthy, so the load balancer sends requests to all of them",
			"that is why the site may work while its health is red", ""})
	}
	return reasons
}

func (f Facts) why(g TargetGroup, kind failed) Reason {
	check := "GET " + g.Path
	switch kind.reason {
	case "Target.ResponseCodeMismatch":
		return f.answered(g, kind.code)
	case "Target.Timeout":
		return Reason{Fault, "timeout", fmt.Sprintf("%s is not answered within %s", check, plural(g.Timeout, "second")),
			"the app is busy or waits, as for a database that drops packets; or nothing reaches the instance, because its security group does not admit the load balancer's on port " + strconv.Itoa(g.Port),
			"let the health check's view ask nothing that can hang; allow the load balancer's security group on that port; look at web.stdout.log"}
	case "Target.FailedHealthChecks":
		return Reason{Fault, "no-connection", fmt.Sprintf("the connection to port %d fails or breaks off", g.Port),
			"nothing listens there: nginx does not run, or has another configuration", "look at eb-engine.log and nginx's error.log of the instance"}
	case "Target.NotInUse":
		return Reason{Fault, "not-in-use", "the load balancer does not use this target group, or not in the zone of the instance",
			"no listener rule forwards to it, so nobody asks for health and no client gets there",
			"deploy the stack that has the listener rules; compare the load balancer's zones with those of the instances"}
	case "Target.InvalidState":
		return Reason{Warning, "instance-stopped", "the instance is stopped or terminated", "Auto Scaling replaces it", ""}
	case "Target.HealthCheckDisabled":
		return Reason{Warning, "check-disabled", "health checks are switched off", "", ""}
	case "Elb.InternalError":
		return Reason{Warning, "load-balancer", "the load balancer has an internal error", "it is AWS's, and passes", ""}
	case "Elb.InitialHealthChecking", "Elb.RegistrationInProgress":
		return Reason{Info, "first-checks", "the first health checks are still out",
			fmt.Sprintf("one success makes it healthy, %s make it unhealthy, %s apart", plural(g.UnhealthyThreshold, "failure"), plural(g.Interval, "second")), ""}
	}
	level := Fault
	if kind.state != unhealthy {
		level = Info
	}
	return Reason{level, "target", cmp.Or(kind.reason, "without a reason given"), "", ""}
}

const (
	properties = "aws:elasticbeanstalk:application:environment"
	processes  = "aws:elasticbeanstalk:environment:process:"
)

// answered explains a health check that was answered by a code that is no success.
func (f Facts) answered(g TargetGroup, code int) Reason {
	answer := fmt.Sprintf("GET %s is answered %d", g.Path, code)
	if text := http.StatusText(code); text != "" {
		answer += " " + text
	}
	answer += fmt.Sprintf(", and the success codes are %s", cmp.Or(g.SuccessCodes, "200"))
	switch {
	case code == 0:
		return Reason{Fault, "status-code", "the health check's answer is none of the success codes " + g.SuccessCodes, "", ""}
	case code == 400:
		r := Reason{Fault, "allowed-hosts", answer,
			"Django refuses the request's Host: the load balancer sends the instance's private address, which is not in ALLOWED_HOSTS. With Django's default LOGGING that leaves no line in the log", ""}
		source, wrapped := value(f.Settings, properties, overlay.InstanceIPSource)
		switch {
		case wrapped && source != "none":
			r.Change = "the environment tells instances to add their address (" + overlay.InstanceIPSource + "): let settings.py read ALLOWED_HOSTS from the environment, and look in the bundle for the Procfile whose web line runs the wrapper. beanpole rehearse --deployed shows it on this computer"
		case wrapped:
			r.Change = "the look-up of the address is switched off (" + overlay.InstanceIPSource + "=none): the bundle's nginx has to rewrite Host for this path, or the switch is wrong"
		default:
			r.Change = "let each instance put its address into ALLOWED_HOSTS when the app starts, as django.NewEnvironment does, or let nginx send an allowed Host for this path; success codes cannot help, because 400 means that no view ran"
		}
		return r
	case code >= 300 && code < 400:
		r := Reason{Fault, "redirect", answer, "the load balancer does not follow redirects. ", ""}
		if https, _ := value(f.Settings, properties, "SECURE_SSL_REDIRECT"); strings.EqualFold(https, "true") || https == "1" {
			r.Meaning += "SECURE_SSL_REDIRECT is on in this environment, and the check comes by HTTP without X-Forwarded-Proto"
		} else if !strings.HasSuffix(g.Path, "/") {
			r.Meaning += "The path ends without a slash: APPEND_SLASH redirects to the one with it. Or SECURE_SSL_REDIRECT sends it to HTTPS, or LoginRequiredMiddleware to the login"
		} else {
			r.Meaning += "SECURE_SSL_REDIRECT sends it to HTTPS, or a middleware to another page, such as the login"
		}
		if g.Path == "/" {
			r.Change = "give the health check a path of its own, such as /healthz/, and exempt it (SECURE_REDIRECT_EXEMPT): the home page is meant to redirect. Success codes 200-301 would accept a 301, but then no view runs and health proves little"
			return r
		}
		r.Change = fmt.Sprintf("exempt the path: SECURE_REDIRECT_EXEMPT = [r\"^%s$\"]. Success codes 200-301 would accept a 301, but then no view runs and health proves little", regexp.QuoteMeta(strings.TrimPrefix(g.Path, "/")))
		return r
	case code == 401 || code == 403:
		return Reason{Fault, "forbidden", answer, "the path asks for a login, or something in front of the view refuses", "let the health check's view answer without a session"}
	case code == 404:
		return Reason{Fault, "not-found", answer, "no URL pattern of the project matches the path, or the wrong version is deployed",
			"route the path, or set HealthCheckPath to one that is routed, in the environment's options and not on the target group"}
	case code == 502:
		return Reason{Fault, "bad-gateway", answer, "nginx runs, the app behind it does not: it failed to start, or stopped",
			"look at web.stdout.log for the traceback; beanpole rehearse --deployed starts the same bundle on this computer"}
	case code == 503 || code == 504:
		return Reason{Fault, "overloaded", answer, "nginx runs, and the app answers too late or turns requests away", "look at web.stdout.log, NumProcesses and NumThreads"}
	case code >= 500:
		return Reason{Fault, "server-error", answer, "the view runs and raises; a view that asks the database fails on all instances at once when the database does",
			"look at web.stdout.log for the traceback"}
	}
	return Reason{Fault, "status-code", answer, "", fmt.Sprintf("let %s answer 200 to a request without a session", g.Path)}
}

// drift explains where the target group is not what the options say.
func (f Facts) drift(g TargetGroup) []Reason {
	if g.Process == "" {
		return nil
	}
	var differences []string
	for _, c := range []struct{ option, actual string }{
		{"HealthCheckPath", g.Path}, {"MatcherHTTPCode", g.SuccessCodes},
		{"HealthCheckInterval", strconv.Itoa(g.Interval)}, {"HealthCheckTimeout", strconv.Itoa(g.Timeout)},
		{"HealthyThresholdCount", strconv.Itoa(g.HealthyThreshold)}, {"UnhealthyThresholdCount", strconv.Itoa(g.UnhealthyThreshold)},
	} {
		set, ok := value(f.Settings, processes+g.Process, c.option)
		if known, there := option.Lookup(processes+g.Process, c.option); set == "" && there {
			set = known.Default
		}
		if ok && set != "" && set != c.actual {
			differences = append(differences, fmt.Sprintf("%s is %s, the option says %s", c.option, cmp.Or(c.actual, "not set"), set))
		}
	}
	if differences == nil {
		return f.hidden(g)
	}
	return append(f.hidden(g), Reason{Warning, "target-group-drift", "the target group of " + g.name() + " is not what the option settings say: " + strings.Join(differences, "; "),
		"somebody changed it by hand. Elastic Beanstalk does not know, and sets its own values again when it next updates the group",
		"put what you want into the option settings (" + processes + g.Process + "), and deploy them"})
}

// hidden says what success codes that take a redirect hide.
func (f Facts) hidden(g TargetGroup) []Reason {
	if f.Health == nil || f.Health.Requests == nil || f.Health.Requests.Status3xx < 90 || !health.SuccessCodes(g.SuccessCodes).Contains(http.StatusMovedPermanently) {
		return nil
	}
	return []Reason{{Warning, "healthy-by-301", fmt.Sprintf("%d %% of the answers are redirects, which the success codes %s accept", f.Health.Requests.Status3xx, g.SuccessCodes),
		"targets may be healthy although no view works",
		"exempt the health check's path from the redirect (SECURE_REDIRECT_EXEMPT); beanpole rehearse --deployed --strict tells"}}
}

// requests explains the causes that count answers, where the targets do not explain them already.
func (f Facts) requests() []Reason {
	if f.Health == nil {
		return nil
	}
	counted := func(class string) bool {
		return slices.ContainsFunc(f.Health.Causes, func(c string) bool { return strings.Contains(c, "HTTP "+class) })
	}
	if f.worker() {
		return f.messages(counted)
	}
	var reasons []Reason
	if len(f.Groups) == 0 { // a single instance: nobody asks for its health
		if counted("4xx") {
			reasons = append(reasons, Reason{Warning, "clients-4xx", "Elastic Beanstalk counts 4xx answers against the environment",
				"requests of clients: pages that are not there, or a Host that is not in ALLOWED_HOSTS (400), such as a scanner's that uses the address",
				"leave 4xx out of the health rules (ConfigDocument), or let nginx turn unknown hosts away"})
		}
		if counted("5xx") {
			reasons = append(reasons, Reason{Fault, "clients-5xx", "Elastic Beanstalk counts 5xx answers", "502 is nginx without the app behind it; others are views that fail",
				"look at web.stdout.log for the traceback; beanpole rehearse --deployed starts the same bundle on this computer"})
		}
		return reasons
	}
	if counted("4xx") && f.count(unhealthy) == 0 {
		reasons = append(reasons, Reason{Warning, "clients-4xx", "Elastic Beanstalk counts 4xx answers against the environment, while the health check passes",
			"requests of clients: pages that are not there, or a Host that is not in ALLOWED_HOSTS (400), such as a scanner's that uses an address",
			"give the listener rules host conditions, so that unknown hosts end at the load balancer; or leave 4xx out of the health rules (ConfigDocument)"})
	}
	if counted("5xx") && f.count(unhealthy) == 0 {
		reasons = append(reasons, Reason{Fault, "clients-5xx", "Elastic Beanstalk counts 5xx answers, while the health check passes",
			"views that clients use fail; the health check's does not ask what they need", "look at web.stdout.log for the traceback"})
	}
	return reasons
}

// messages explains the answers that a worker gives to the daemon of its queue: only 200 takes a message off the queue.
func (f Facts) messages(counted func(string) bool) []Reason {
	path, _ := value(f.Settings, "aws:elasticbeanstalk:sqsd", "HttpPath")
	post := "the daemon sends each message as POST http://localhost" + cmp.Or(path, "/") + ", and only the answer 200 takes it off the queue"
	var reasons []Reason
	if counted("4xx") {
		reasons = append(reasons, Reason{Fault, "worker-4xx", "the app answers messages with 4xx: they come again, and end in the dead-letter queue", post,
			"400: put localhost into ALLOWED_HOSTS. 403: take the view out of the CSRF check (csrf_exempt), or it asks for a login. 404: route the path, or set HttpPath"})
	}
	if counted("5xx") {
		reasons = append(reasons, Reason{Fault, "worker-5xx", "the app answers messages with 5xx: they come again, and end in the dead-letter queue", post,
			"502 is nginx without the app behind it, 504 a message that takes longer than nginx waits; else look at web.stdout.log for the traceback"})
	}
	if f.Health.Requests != nil && f.Health.Requests.Status3xx >= 50 {
		reasons = append(reasons, Reason{Fault, "worker-3xx", fmt.Sprintf("%d %% of the messages are answered by a redirect: they come again, and end in the dead-letter queue", f.Health.Requests.Status3xx), post,
			"SECURE_SSL_REDIRECT, or the missing slash at the end of HttpPath: exempt the path from the redirect (SECURE_REDIRECT_EXEMPT), or write it as the URL pattern has it"})
	}
	return reasons
}

// failure is the last error that Beanstalk tells of, unless something has begun or succeeded since.
func (f Facts) failure() []Reason {
	if f.Green() {
		return nil
	}
	for _, event := range f.Events {
		switch {
		case strings.Contains(event.Message, "uccessfully"), strings.HasSuffix(event.Message, "is starting."):
			return nil
		case event.Severity == "ERROR" || event.Severity == "FATAL":
			return []Reason{{Fault, "event", "Elastic Beanstalk says: " + event.Message, "",
				"look at the other events, and at eb-engine.log of an instance (eb logs, or the logs in the console)"}}
		}
	}
	return nil
}

// watched are the namespaces in which an option that the template does not have is worth a line. Others are full of what
// Beanstalk sets by itself.
var watched = regexp.MustCompile(`^aws:elasticbeanstalk:(application:environment$|environment:process:|container:|command$)|^aws:autoscaling:asg$`)

// platforms sets these environment properties by itself.
var platforms = []string{"PYTHONPATH"}

// overridden explains options that are not as the deployed template has them.
func (f Facts) overridden() []Reason {
	if f.Declared == nil {
		return nil
	}
	var changed, added []string
	declared := map[string]option.Setting{}
	identity := func(s option.Setting) string {
		resource := ""
		if s.Namespace == option.ScheduledAction {
			resource = s.ResourceName
		}
		return s.Namespace + " " + resource + " " + s.OptionName
	}
	for _, s := range f.Declared {
		declared[identity(s)] = s
	}
	for _, live := range option.Merge(f.Settings) {
		want, ok := declared[identity(live)]
		switch {
		case ok && (want.Unresolved || same(want.Value, live.Value)):
		case ok && live.Secret():
			changed = append(changed, live.Name())
		case ok:
			changed = append(changed, fmt.Sprintf("%s is %s, the template says %s", live.Name(), live.Shown(), want.Shown()))
		case live.Value == "" || !watched.MatchString(live.Namespace) || slices.Contains(platforms, live.OptionName):
		case live.Namespace == properties:
			added = append(added, live.Name())
		default:
			if known, there := option.Lookup(live.Namespace, live.OptionName); there && known.Default != "" && !same(known.Default, live.Value) {
				added = append(added, fmt.Sprintf("%s is %s", live.Name(), live.Shown()))
			}
		}
	}
	var reasons []Reason
	if changed != nil {
		reasons = append(reasons, Reason{Warning, "option-overridden", "options are not what the deployed template says: " + list(changed),
			"they were changed in the console, by the EB CLI or by the API (.ebextensions cannot: the template's values come first). CloudFormation does not see it, and sends its own value only when that changes",
			"put the value into the template, or set it back where it was changed"})
	}
	if added != nil {
		reasons = append(reasons, Reason{Info, "option-elsewhere", "options are set that the template does not have: " + list(added),
			"they come from .ebextensions in the bundle, a saved configuration, the console, or an older template, whose options keep their last value", ""})
	}
	return reasons
}

// same compares values as Beanstalk does: true and True, "a,b" and "a, b" are the same.
func same(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	if _, err := strconv.ParseFloat(a, 64); err == nil {
		x, _ := strconv.ParseFloat(a, 64)
		y, err := strconv.ParseFloat(b, 64)
		return err == nil && x == y
	}
	items := func(s string) []string {
		parts := strings.Split(s, ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		slices.Sort(parts)
		return parts
	}
	return strings.Contains(a, ",") && slices.Equal(items(a), items(b))
}

// list keeps a line readable.
func list(all []string) string {
	const most = 6
	if len(all) <= most {
		return strings.Join(all, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(all[:most], "; "), len(all)-most)
}

func (f Facts) platform() []Reason {
	if f.Platform == nil {
		return nil
	}
	change := "move to a supported branch; AWS advises a second environment for that (blue/green)"
	if f.Platform.Newest != "" {
		change = fmt.Sprintf("move to a supported branch, such as %q; AWS advises a second environment for that (blue/green)", f.Platform.Newest)
	}
	switch p := f.Platform; {
	case strings.EqualFold(p.BranchState, "Deprecated"):
		return []Reason{{Warning, "branch-retiring", fmt.Sprintf("the platform branch %q is retiring", p.Branch),
			"it still gets updates until its retirement date, then new environments on it fail", change}}
	case strings.EqualFold(p.BranchState, "Retired"):
		return []Reason{{Warning, "branch-retired", fmt.Sprintf("the platform branch %q is retired", p.Branch),
			"it gets no security updates, and a replaced environment may not be made again", change}}
	}
	return nil
}

func (g TargetGroup) name() string {
	if g.Process == "" {
		return "another process"
	}
	return "process " + g.Process
}

// plural writes a number and what it counts. What already counts something else ("of 2 targets") is left alone.
func plural(n int, what string) string {
	if n == 1 || strings.HasPrefix(what, "of ") {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ago writes how long ago something was, in its largest unit.
func ago(now, then time.Time) string {
	switch d := now.Sub(then); {
	case then.IsZero() || d < 0:
		return "now"
	case d < time.Minute:
		return plural(int(d.Seconds()), "second") + " ago"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	default:
		return plural(int(d.Hours()/24), "day") + " ago"
	}
}
