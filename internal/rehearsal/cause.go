package rehearsal

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// Cause is why a target is not healthy, or not by an answer of a view.
type Cause struct {
	// ID names the kind, such as "allowed-hosts".
	ID string `json:"id"`
	// Summary is one line: what happened and the values that matter.
	Summary string `json:"summary"`
	// Change says what to change.
	Change string `json:"change,omitempty"`
	// Detail is evidence, such as a traceback.
	Detail string `json:"detail,omitempty"`
}

// situation is what is known beside the facts of a run.
type situation struct {
	check        health.Check
	command      string
	address      string // the instance's
	https        *bool  // whether the load balancer listens for HTTPS
	applications []string
	isolation    Isolation
	requirements bool // whether the bundle has requirements.txt
}

// causes names what the facts amount to, the most telling first.
func causes(f facts, s situation) []Cause {
	switch last := f.Last; {
	case f.Deployment != nil:
		return []Cause{{
			ID: "deployment-command", Summary: fmt.Sprintf("the deployment fails: %s: %s", f.Deployment.Command, f.Deployment.How),
			Change: "make the command succeed on an instance that has nothing but the bundle, its requirements and the environment properties", Detail: f.Deployment.Output,
		}}
	case f.NginxExit != "":
		return []Cause{{
			ID: "proxy-configuration", Summary: "nginx does not start: " + emergency(f.NginxExit),
			Change: "correct the files of .platform/nginx; a deployment fails on them too", Detail: f.NginxExit,
		}}
	case (len(f.Exits) > 0 || f.UnitFailed) && !answered(last):
		return []Cause{notStarted(f, s)}
	case last.TimedOut:
		return []Cause{timeout(f, s)}
	case last.StatusCode == 0:
		return []Cause{nothingOnPort(f)}
	case last.StatusCode == 400:
		return []Cause{badRequest(f, s)}
	case last.StatusCode >= 300 && last.StatusCode < 400:
		return redirect(f, s)
	case last.StatusCode == 404:
		return []Cause{notFound(f, s)}
	case byNginx(last) && last.StatusCode >= 500:
		return []Cause{badGateway(f)}
	case last.StatusCode >= 500:
		return []Cause{serverError(f, s)}
	default:
		return []Cause{{
			ID: "status-code", Summary: fmt.Sprintf("%d: answered by %s; the success codes are %s", last.StatusCode, answerer(f), s.check.SuccessCodes),
			Change: fmt.Sprintf("let %s answer 200 to a request without a session", s.check.Path),
		}}
	}
}

// answered says that the app, not nginx, gave the last answer.
func answered(a answer) bool { return a.StatusCode != 0 && !(byNginx(a) && a.StatusCode >= 500) }

// byNginx says that the answer is an error page of nginx's own.
func byNginx(a answer) bool { return strings.Contains(a.Body, "<hr><center>nginx") }

func answerer(f facts) string {
	switch d := f.Django; {
	case byNginx(f.Last):
		return "nginx"
	case d == nil:
		return "the app"
	case d.View != "":
		return "the view " + d.View
	case d.AnsweredBy != "":
		return d.AnsweredBy + " (no view ran)"
	default:
		return "the app"
	}
}

var nginxError = regexp.MustCompile(`\[(?:crit|error|alert)\] \d+#\d+: (?:\*\d+ )?(.*?)(?:, client: .*)?$`)

var emergencyLine = regexp.MustCompile(`\[emerg\] (?:\d+#\d+: )?(.*)`)

func emergency(log string) string {
	if m := emergencyLine.FindStringSubmatch(log); m != nil {
		return m[1]
	}
	return tail(log, 1)
}

// What a server says when it does not start.
var (
	missingModule   = regexp.MustCompile(`No module named '?([\w./]+)'?`)
	missingObject   = regexp.MustCompile(`Failed to find attribute '([^']+)' in '([^']+)'|Attribute "([^"]+)" not found in module "([^"]+)"`)
	importString    = regexp.MustCompile(`Error loading ASGI app\. .*|Failed to find application, .*|Failed to find application object '?([^']+?)'?(?: in|$)|Could not import module "([^"]+)"`)
	commandNotFound = regexp.MustCompile(`(?m)(?:^|: )([\w./-]+): (?:command )?not found`)
	missingVariable = regexp.MustCompile(`KeyError: '([A-Z][A-Z0-9_]*)'|(?:UndefinedValueError|ImproperlyConfigured): (?:Set the )?([A-Z][A-Z0-9_]*)(?: environment variable| not found)`)
	addressInUse    = regexp.MustCompile(`(?i)(?:Connection|Address already) in use`)
)

var (
	applicationName = regexp.MustCompile(`^[A-Za-z_][\w./]*(:\w+)?$`)
	notApplication  = regexp.MustCompile(`^(bash|sh|env|exec|python[\d.]*|gunicorn|uvicorn|daphne|hypercorn|granian|uwsgi)$|\.sh$`)
)

// applicationArgument returns what a server's command names as the application: "mysite.wsgi:application", or "".
func applicationArgument(command string) string {
	found, certain, option := "", false, false
	for _, word := range strings.Fields(command) {
		if strings.HasPrefix(word, "-") {
			option = !strings.Contains(word, "=")
			continue
		}
		if applicationName.MatchString(word) && !notApplication.MatchString(word) {
			sure := strings.ContainsAny(word, ".:")
			if sure && !(certain && option) || !certain && !option {
				found, certain = word, sure
			}
		}
		option = false
	}
	return found
}

// lastTraceback returns the last traceback of a log and its final line.
func lastTraceback(log string) (trace, failure string) {
	const head = "Traceback (most recent call last):"
	at := strings.LastIndex(log, head)
	if at < 0 {
		return "", ""
	}
	lines := strings.Split(log[at:], "\n")
	for i, line := range lines[1:] {
		if line != "" && !strings.HasPrefix(line, " ") {
			return strings.Join(lines[:i+2], "\n"), line
		}
	}
	return log[at:], tail(log[at:], 1)
}

func notStarted(f facts, s situation) Cause {
	trace, failure := lastTraceback(f.AppLog)
	detail := shorten(trace)
	if detail == "" {
		detail = tail(f.AppLog, 12)
	}
	how := "it ended with exit code 0"
	if n := len(f.Exits); n > 0 {
		switch e := f.Exits[n-1]; {
		case e.Signal != "":
			how = "it was ended by a signal: " + e.Signal
		case e.Code != 0:
			how = fmt.Sprintf("exit code %d", e.Code)
		}
	}
	if f.UnitFailed {
		how += fmt.Sprintf(", %d times; systemd gives up", len(f.Exits))
	}
	asked := applicationArgument(s.command)
	module, _, _ := strings.Cut(asked, ":")
	switch m := missingModule.FindStringSubmatch(failure); {
	case m != nil && f.Django != nil && f.Django.SettingsModule != "" && strings.HasPrefix(f.Django.SettingsModule+".", m[1]+"."):
		return Cause{ID: "settings-module", Summary: fmt.Sprintf("the app does not start: the settings %s cannot be imported: there is no module %s at the top of the bundle",
			f.Django.SettingsModule, m[1]),
			Change: "make the directory of manage.py the source, or correct DJANGO_SETTINGS_MODULE (an environment property, or in wsgi.py)", Detail: detail}
	case addressInUse.MatchString(f.AppLog) && trace == "":
		return Cause{ID: "port-taken", Summary: "the app cannot open its port: it is in use",
			Change: "bind one port once, the one that nginx expects (8000, or PORT)", Detail: detail}
	case m != nil && (module == m[1] || strings.HasPrefix(module, m[1]+".") || strings.HasPrefix(m[1], strings.TrimSuffix(module, ".py"))) && asked != "":
		return wsgiPath(asked, fmt.Sprintf("there is no module %s in the bundle", m[1]), s, detail)
	case missingObject.MatchString(f.AppLog):
		return wsgiPath(asked, tail(missingObject.FindString(f.AppLog), 1), s, detail)
	case m == nil && importString.MatchString(f.AppLog) && (failure == "" || strings.Contains(failure, "application")):
		return wsgiPath(asked, importString.FindString(f.AppLog), s, detail)
	case m != nil:
		return Cause{ID: "missing-dependency", Summary: fmt.Sprintf("the app does not start: the module %s is not installed (%s)", m[1], how),
			Change: addPackage(s), Detail: detail}
	}
	if m := missingVariable.FindStringSubmatch(failure); m != nil {
		name := m[1] + m[2]
		return Cause{ID: "missing-variable", Summary: fmt.Sprintf("the app does not start: it reads the environment property %s, which is not set (%s)", name, how),
			Change: fmt.Sprintf("set %s in aws:elasticbeanstalk:application:environment, or give settings.py a default", name), Detail: detail}
	}
	if failure != "" {
		return Cause{ID: "worker-boot", Summary: fmt.Sprintf("the app does not start: %s (%s)", clip(failure), how),
			Change: "see the traceback; the same happens on the instance unless the environment differs", Detail: detail}
	}
	if m := commandNotFound.FindStringSubmatch(f.AppLog); m != nil {
		return Cause{ID: "command-not-found", Summary: fmt.Sprintf("the app does not start: %s: command not found", m[1]),
			Change: "correct the web line of the Procfile, or add the package that brings the command to requirements.txt", Detail: detail}
	}
	return Cause{ID: "worker-boot", Summary: fmt.Sprintf("the app does not start (%s)", how),
		Change: "run the web line of the Procfile by hand: " + s.command, Detail: detail}
}

func addPackage(s situation) string {
	if !s.requirements {
		return "the bundle has no requirements.txt at its top, so nothing is installed: add one"
	}
	return "add the package that has it to requirements.txt, or to the bundle if it is the project's own"
}

func wsgiPath(asked, why string, s situation, detail string) Cause {
	c := Cause{ID: "wsgi-path", Summary: fmt.Sprintf("the application %s cannot be found: %s", asked, clip(why)), Detail: detail,
		Change: "correct WSGIPath (aws:elasticbeanstalk:container:python) or the web line of the Procfile"}
	if asked == "" {
		c.Summary = "the application cannot be found: " + clip(why)
	}
	if len(s.applications) > 0 {
		c.Change += "; the bundle has " + strings.Join(s.applications, ", ")
	}
	return c
}

var (
	workerEnded = regexp.MustCompile(`Worker \(pid:\d+\) (?:exited with (code \d+)|was sent (SIG\w+))`)
	serversOwn  = regexp.MustCompile(`^\[\d{4}-\d\d-\d\d |^(INFO|WARNING|ERROR): `) // a line of its log
)

// neverReady names an app whose server runs while its workers end one after another, as with a sys.exit in the settings:
// the port is open, and nobody answers.
func neverReady(f facts) (Cause, bool) {
	ends := workerEnded.FindAllStringSubmatch(f.AppLog, -1)
	if len(ends) < 3 || f.Django != nil && (f.Django.Status != 0 || f.Django.Hang != "") {
		return Cause{}, false
	}
	how := strings.Replace(ends[len(ends)-1][1]+ends[len(ends)-1][2], "code", "exit code", 1)
	c := Cause{ID: "worker-boot", Summary: fmt.Sprintf("the app does not start: its worker ends as soon as it starts, again and again (%s)", how),
		Change: "see what it says before it ends; the same happens on the instance unless the environment differs", Detail: tail(f.AppLog, 8)}
	if trace, failure := lastTraceback(f.AppLog); failure != "" {
		c.Summary, c.Detail = c.Summary+": "+clip(failure), shorten(trace)
		return c, true
	}
	for line := range strings.Lines(f.AppLog) {
		if line = strings.TrimSpace(line); line != "" && !serversOwn.MatchString(line) && !strings.HasPrefix(line, "beanpole: ") {
			c.Summary += ": " + clip(line)
			break
		}
	}
	return c, true
}

func timeout(f facts, s situation) Cause {
	if c, ok := neverReady(f); ok {
		return c
	}
	c := Cause{ID: "timeout", Summary: fmt.Sprintf("no answer within %v", s.check.Timeout),
		Change: "make the check's view answer sooner: no query without a short time limit, no call to another service"}
	if d := f.Django; d != nil && d.Hang != "" {
		c.Detail = shorten(d.Hang)
		c.Summary += ": the request waits in " + hangsIn(d.Hang)
	} else if d != nil && d.Status != 0 {
		c.Summary += fmt.Sprintf(", although %s answers %d when asked alone: no worker is free", answerer(f), d.Status)
		c.Change = "raise NumProcesses or NumThreads, or look for what keeps the workers busy"
	}
	return c
}

var hangFrame = regexp.MustCompile(`(?m)^  File "([^"]+)", line (\d+) in (.+)$`)

// hangsIn prefers the project's own frame: the innermost is somewhere in a library.
func hangsIn(stack string) string {
	frames := hangFrame.FindAllStringSubmatch(stack, -1)
	for _, m := range frames {
		if !strings.Contains(m[1], "site-packages") && !strings.Contains(m[1], "/lib/python") && !strings.HasSuffix(m[1], "introspect.py") {
			return fmt.Sprintf("%s (%s, line %s)", m[3], m[1], m[2])
		}
	}
	if len(frames) > 0 {
		return fmt.Sprintf("%s (%s, line %s)", frames[0][3], frames[0][1], frames[0][2])
	}
	return "the app"
}

func nothingOnPort(f facts) Cause {
	if f.Port != 80 {
		return Cause{ID: "process-port", Summary: fmt.Sprintf("nothing answers on port %d of the instance, the port of the process: nginx listens on 80 (%s)", f.Port, clip(f.Last.Error)),
			Change: "set Port of aws:elasticbeanstalk:environment:process:default to 80, or make nginx listen on it (.platform/nginx/conf.d)"}
	}
	return Cause{ID: "no-answer", Summary: "nginx gave no answer: " + clip(f.Last.Error), Detail: tail(f.NginxLog, 5),
		Change: "see nginx's log"}
}

func badRequest(f facts, s situation) Cause {
	d := f.Django
	switch {
	case strings.Contains(f.Last.Body, "plain HTTP request was sent to HTTPS port"):
		return Cause{ID: "process-protocol", Summary: "400: the load balancer asks by HTTP a port on which nginx expects HTTPS",
			Change: "set Protocol of aws:elasticbeanstalk:environment:process:default to HTTPS, or its Port to one without TLS"}
	case d == nil:
		return Cause{ID: "bad-request", Summary: fmt.Sprintf("400: most probably %s is not in ALLOWED_HOSTS; the app could not be asked", s.address),
			Change: addAddress}
	case !slices.ContainsFunc(d.Raised, func(r raised) bool { return r.is("django.core.exceptions.DisallowedHost") }):
		c := Cause{ID: "bad-request", Summary: "400: answered by " + answerer(f), Change: "let the check's path answer 200 to the load balancer's request"}
		if len(d.Raised) > 0 {
			c.Summary += ": " + clip(d.Raised[0].Message)
			c.Detail = shorten(d.Raised[0].Traceback)
		}
		return c
	}
	has := "which is empty"
	if len(d.AllowedHosts) > 0 {
		shown := make([]string, 0, len(d.AllowedHosts))
		for _, h := range d.AllowedHosts {
			if len(shown) == 8 {
				shown = append(shown, fmt.Sprintf("and %d more", len(d.AllowedHosts)-8))
				break
			}
			if strings.ContainsAny(h, " \t\r\n<,") {
				h = fmt.Sprintf("%q", clip(h))
			}
			shown = append(shown, h)
		}
		has = "which has: " + strings.Join(shown, ", ")
	}
	return Cause{ID: "allowed-hosts", Summary: fmt.Sprintf("400: %s is not in ALLOWED_HOSTS (%s)", s.address, has), Change: hostsAdvice(d, s)}
}

const addAddress = `run the app through the wrapper that the Procfile of a django.NewEnvironment has: it adds the address to the variable ` +
	`ALLOWED_HOSTS, which settings.py must read: ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split()`

func hostsAdvice(d *django, s situation) string {
	for _, h := range d.AllowedHosts {
		trimmed := strings.TrimSpace(h)
		switch {
		case strings.Contains(h, "<"):
			return "settings.py takes an error page of the metadata service for an address: it asks without a session token (IMDSv1), which " +
				"instances refuse by default; " + addAddress
		case trimmed == s.address && h != s.address:
			return fmt.Sprintf("%q has white space around the address and so never matches: strip it", h)
		case strings.HasPrefix(h, s.address+":"):
			return fmt.Sprintf("the entry %q has a port: entries are compared without it, so write %s", h, s.address)
		case strings.Contains(h, s.address) && strings.ContainsAny(h, ", ;"):
			return fmt.Sprintf("the entry %q holds several names: split it where settings.py reads it", clip(h))
		case h != "*" && strings.Contains(h, "*") || strings.Contains(h, "/"):
			return fmt.Sprintf("the entry %q matches nothing: ALLOWED_HOSTS knows no patterns and no ranges, but for a leading dot; %s", clip(h), addAddress)
		}
	}
	others := slices.DeleteFunc(slices.Clone(d.AddressIn), func(name string) bool { return strings.HasPrefix(name, "BEANPOLE_") })
	if len(others) > 0 {
		return fmt.Sprintf("the address reaches the app in %s; settings.py does not take it from there: ALLOWED_HOSTS += os.environ.get(%q, \"\").split()",
			strings.Join(others, " and "), others[0])
	}
	if slices.Contains(d.AllowedHosts, "None") {
		return "settings.py asked the metadata service and got nothing; " + addAddress
	}
	return addAddress
}

func redirect(f facts, s situation) []Cause {
	code, to := f.Last.StatusCode, f.Last.Location
	target, err := url.Parse(to)
	if err != nil {
		target = &url.URL{}
	}
	d := f.Django
	if d == nil {
		d = &django{}
	}
	asked, _, _ := strings.Cut(s.check.Path, "?")
	head := fmt.Sprintf("%d to %s", code, to)
	var named Cause
	switch {
	case d.View != "":
		named = Cause{ID: "view-redirect", Summary: fmt.Sprintf("%s: the view %s redirects", head, d.View),
			Change: "let the check's path answer without a session or a language, or point HealthCheckPath at one that does"}
	case target.Scheme == "https" && (d.AnsweredBy == "" || strings.HasSuffix(d.AnsweredBy, ".SecurityMiddleware")):
		named = Cause{ID: "https-redirect", Summary: head + ": SecurityMiddleware redirects to HTTPS (SECURE_SSL_REDIRECT)",
			Change: fmt.Sprintf(`exempt the path in settings.py: SECURE_REDIRECT_EXEMPT = [r"^%s$"]`, regexp.QuoteMeta(strings.TrimPrefix(asked, "/")))}
		if d.SSLHost != "" {
			named.Summary = fmt.Sprintf("%s: SecurityMiddleware redirects to SECURE_SSL_HOST", head)
		}
	case target.Path == asked+"/" && (d.AnsweredBy == "" || strings.HasSuffix(d.AnsweredBy, ".CommonMiddleware")):
		named = Cause{ID: "slash-redirect", Summary: head + ": CommonMiddleware appends a slash (APPEND_SLASH)",
			Change: fmt.Sprintf("set HealthCheckPath to %s/", asked)}
	case strings.HasPrefix(target.Host, "www.") && d.PrependWWW:
		named = Cause{ID: "www-redirect", Summary: head + ": CommonMiddleware prepends www (PREPEND_WWW)",
			Change: "answer the check's path before CommonMiddleware, or leave www to the load balancer"}
	case byNginx(f.Last) && d.Status != code:
		named = Cause{ID: "proxy-redirect", Summary: head + ": nginx redirects", Change: "except the check's path from the redirect in .platform/nginx"}
	default:
		named = Cause{ID: "middleware-redirect", Summary: fmt.Sprintf("%s: %s redirects", head, answerer(f)),
			Change: "except the check's path from that redirect"}
	}
	all := []Cause{named}
	if target.Scheme == "https" && s.https != nil && !*s.https {
		all = append(all, closedPort)
	}
	return all
}

// closedPort is what health checks do not notice.
var closedPort = Cause{ID: "https-without-listener", Summary: "users are redirected to HTTPS, and the load balancer has no listener for it",
	Change: "give the environment a certificate, or set SECURE_SSL_REDIRECT to False"}

func notFound(f facts, s situation) Cause {
	d := f.Django
	switch {
	case byNginx(f.Last):
		return Cause{ID: "static-path", Summary: fmt.Sprintf("404: nginx looks for %s among the static files", s.check.Path), Detail: tail(f.NginxLog, 3),
			Change: "use a HealthCheckPath that no static file path is the beginning of"}
	case d != nil && d.View != "":
		c := Cause{ID: "view-404", Summary: fmt.Sprintf("404: the view %s found nothing", d.View), Change: "point HealthCheckPath at a path that always exists"}
		if len(d.Raised) > 0 {
			c.Detail = shorten(d.Raised[0].Traceback)
		}
		return c
	case d != nil && d.AnsweredBy != "":
		return Cause{ID: "status-code", Summary: "404: answered by " + answerer(f), Change: "let the check's path through there"}
	}
	where := "the URLconf"
	if d != nil && d.RootURLConf != "" {
		where = d.RootURLConf
	}
	return Cause{ID: "path-not-routed", Summary: fmt.Sprintf("404: no URL pattern matches %s (in %s)", s.check.Path, where),
		Change: fmt.Sprintf("add path(%q, …) to urlpatterns, or set HealthCheckPath to one that is there", strings.TrimPrefix(s.check.Path, "/"))}
}

func badGateway(f facts) Cause {
	code := f.Last.StatusCode
	switch {
	case code == 500:
		why := tail(f.NginxLog, 1)
		if m := nginxError.FindStringSubmatch(why); m != nil {
			why = m[1]
		}
		return Cause{ID: "proxy-error", Summary: fmt.Sprintf("500: nginx fails by itself: %s", clip(why)), Detail: tail(f.NginxLog, 3),
			Change: "correct the files of .platform/nginx, or a static file path of the environment"}
	case len(f.Listening) > 0:
		ports := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(f.Listening)), ", "), "[]")
		return Cause{ID: "port-mismatch", Summary: fmt.Sprintf("%d: the app listens on port %s, nginx passes requests to %d", code, ports, f.AppPort),
			Change: fmt.Sprintf("bind 127.0.0.1:%d in the web line of the Procfile, or set the environment property PORT to %d", f.AppPort, f.Listening[0])}
	case strings.Contains(f.NginxLog, "onnection refused"):
		return Cause{ID: "nothing-listens", Summary: fmt.Sprintf("%d: the app runs, and nothing listens on 127.0.0.1:%d, where nginx passes requests to", code, f.AppPort),
			Change: fmt.Sprintf("bind 127.0.0.1:%d in the web line of the Procfile", f.AppPort), Detail: tail(f.AppLog, 8)}
	default:
		trace, failure := lastTraceback(f.AppLog)
		c := Cause{ID: "worker-died", Summary: fmt.Sprintf("%d: the app's worker ended while it answered", code), Detail: shorten(trace),
			Change: "see the app's log: a crash, a time limit of the server, or too little memory"}
		if failure != "" {
			c.Summary += ": " + clip(failure)
		}
		if c.Detail == "" {
			c.Detail = tail(f.AppLog, 12)
		}
		return c
	}
}

func serverError(f facts, s situation) Cause {
	code, d := f.Last.StatusCode, f.Django
	if d == nil || len(d.Raised) == 0 {
		trace, failure := lastTraceback(f.AppLog)
		c := Cause{ID: "server-error", Summary: fmt.Sprintf("%d: answered by %s", code, answerer(f)), Detail: shorten(trace),
			Change: "see the app's log"}
		if failure != "" {
			c.Summary += ": " + clip(failure)
		}
		return c
	}
	r := d.Raised[0]
	where := "before a view ran"
	if d.View != "" {
		where = "in the view " + d.View
	}
	failure := clip(r.Type + ": " + firstLine(r.Message))
	if noTable.MatchString(r.Message) && r.is("django.db.utils.DatabaseError") {
		return Cause{ID: "database-not-migrated", Summary: fmt.Sprintf("%d: the database lacks a table, %s: %s", code, where, failure), Detail: shorten(r.Traceback),
			Change: "run the migrations with the deployment (Migrate of django.NewEnvironment, or a container command), " +
				"or keep the database out of the load balancer's check; a rehearsal runs them with --commands"}
	}
	if staticEntry.MatchString(r.Message) {
		return Cause{ID: "static-files-missing", Summary: fmt.Sprintf("%d: %s, %s", code, failure, where), Detail: shorten(r.Traceback),
			Change: "collect static files with the deployment (CollectStatic of django.NewEnvironment, or a hook in both .platform/hooks and .platform/confighooks); a rehearsal does with --commands"}
	}
	if r.is("django.db.utils.OperationalError") || r.is("django.db.utils.InterfaceError") {
		c := Cause{ID: "database-unreachable", Summary: fmt.Sprintf("%d: the database cannot be asked, %s: %s", code, where, failure), Detail: shorten(r.Traceback),
			Change: "keep the database out of the load balancer's check: when it is down, every instance turns unhealthy at once"}
		for _, db := range d.Databases {
			if db.Host != "" {
				c.Summary = fmt.Sprintf("%d: the database at %s cannot be reached, %s: %s", code, strings.Trim(db.Host+":"+db.Port, ":"), where, failure)
				break
			}
		}
		if s.isolation == Namespace {
			c.Change += ". (A rehearsal has no network: a database elsewhere is out of its reach)"
		}
		return c
	}
	if r.MissingModule != "" && d.View == "" {
		return Cause{ID: "missing-dependency", Summary: fmt.Sprintf("%d: the module %s is not installed", code, r.MissingModule), Detail: shorten(r.Traceback),
			Change: addPackage(s)}
	}
	return Cause{ID: "view-raised", Summary: fmt.Sprintf("%d: %s, raised %s", code, failure, where), Detail: shorten(r.Traceback),
		Change: "mend what the traceback shows; with DEBUG off Django's default logging does not write it anywhere"}
}

var (
	noTable     = regexp.MustCompile(`no such table|relation "[^"]*" does not exist|Table '[^']*' doesn't exist`)
	staticEntry = regexp.MustCompile(`Missing staticfiles manifest entry`)
)

var carets = regexp.MustCompile(`^\s+[~^]+\s*$`)

// shorten keeps of a traceback what the project did and where it ended: the frames in the project's own files, the last
// two of all, and the exception.
func shorten(trace string) string {
	var frames [][]string
	for line := range strings.Lines(strings.TrimRight(trace, "\n")) {
		line = strings.TrimRight(line, "\n")
		if carets.MatchString(line) {
			continue
		}
		if len(frames) == 0 || strings.HasPrefix(line, "  File ") || !strings.HasPrefix(line, " ") {
			frames = append(frames, nil)
		}
		frames[len(frames)-1] = append(frames[len(frames)-1], line)
	}
	frames = slices.DeleteFunc(frames, func(f []string) bool { return strings.Contains(f[0], "/introspect.py\", line ") }) // not the project's
	isFrame := func(i int) bool { return strings.HasPrefix(frames[i][0], "  File ") }
	var kept []string
	left := false
	for i, f := range frames {
		last := !isFrame(i) || i+2 >= len(frames) || !isFrame(i+1) || !isFrame(i+2)
		own := isFrame(i) && !strings.Contains(f[0], "site-packages") && !strings.Contains(f[0], "/lib/python") && !strings.Contains(f[0], "<frozen")
		if !last && !own {
			left = true
			continue
		}
		if left {
			kept, left = append(kept, "  …"), false
		}
		kept = append(kept, f...)
	}
	const most = 30
	if len(kept) > most {
		kept = append([]string{kept[0], "  …"}, kept[len(kept)-most:]...)
	}
	return strings.Join(kept, "\n")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// clip keeps a summary one line of reasonable length.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// applications are what a bundle could be served as: its wsgi.py and asgi.py modules.
func applications(app string) []string {
	var found []string
	_ = fs.WalkDir(os.DirFS(app), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || strings.Count(name, "/") > 4 {
			return nil
		}
		if base := path.Base(name); !d.IsDir() && (base == "wsgi.py" || base == "asgi.py" || base == "application.py") {
			found = append(found, strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", "."))
		}
		return nil
	})
	return found
}
