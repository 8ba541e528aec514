package rehearsal

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
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
	requirements bool     // whether the bundle has requirements.txt
	elsewhere    []string // files of it that name requirements and that the platform does not read
	variables    overlay.Variables
	leftOut      []string // files that did not come into the bundle
	set          []string // names of the environment variables
	mayHoldHosts overlay.Variables
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
	case (len(f.Exits) > 0 || f.UnitFailed || workersEnd(f)) && !answered(last):
		return []Cause{notStarted(f, s)}
	case hostRefused(f) && !byNginx(last) && (last.StatusCode == 400 || last.StatusCode >= 500):
		return []Cause{hostNotAllowed(f, s)}
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
		return append(notItsOwn(f, s), serverError(f, s)) // who routes the path has mended the rest for the check
	default:
		return []Cause{{
			ID: "status-code", Summary: fmt.Sprintf("%d: answered by %s; the success codes are %s", last.StatusCode, answerer(f), s.check.SuccessCodes),
			Change: fmt.Sprintf("let %s answer 200 to a request without a session", s.check.Path),
		}}
	}
}

// workerEnded is gunicorn's line about a worker that ended by itself; a worker that raises while it starts ends gunicorn too.
var workerEnded = regexp.MustCompile(`Worker \(pid:\d+\) (?:exited with code (\d+)|was sent (SIG\w+)!)`)

// workersEnd says that the app's server runs and its workers do not: each ends before it answers, and another one follows.
func workersEnd(f facts) bool {
	answers := f.Django != nil && (f.Django.Status != 0 || f.Django.Hang != "") // a server ends workers that take too long, too
	return !answers && len(workerEnded.FindAllString(f.AppLog, 3)) == 3
}

// hostRefused says that Django refused the host. What a project makes of it need not be a 400: an error page that needs the
// host is a 500.
func hostRefused(f facts) bool {
	return f.Django != nil && len(f.Django.Raised) > 0 && f.Django.Raised[0].is("django.core.exceptions.DisallowedHost")
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
	} else if m := workerEnded.FindStringSubmatch(f.AppLog); m != nil && len(f.Exits) == 0 {
		how = "its workers end with exit code " + m[1] + ", again and again"
		if m[2] != "" {
			how = "its workers are ended by " + m[2] + ", again and again"
		}
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
	case m != nil && removedModule(m[1]) != "":
		return Cause{ID: "python-version", Summary: fmt.Sprintf("the app does not start: it imports the module %s, which Python has no longer since %s (%s)", m[1], removedModule(m[1]), how),
			Change: "upgrade the package that imports it, or choose a platform branch with an older Python", Detail: detail}
	case m != nil:
		return Cause{ID: "missing-dependency", Summary: fmt.Sprintf("the app does not start: the module %s is not installed (%s)", m[1], how),
			Change: addPackage(s), Detail: detail}
	}
	switch name := unsetVariable(failure, f.AppLog, s.set); {
	case strings.Contains(failure, "but settings are not configured"):
		return Cause{ID: "settings-module", Summary: fmt.Sprintf("the app does not start: nothing tells Django which settings to use: DJANGO_SETTINGS_MODULE is not set (%s)", how),
			Change: fmt.Sprintf(`set DJANGO_SETTINGS_MODULE: os.environ.setdefault("DJANGO_SETTINGS_MODULE", "%s.settings") at the top of the module that is served, or the environment property `+
				"(a rehearsal: --set DJANGO_SETTINGS_MODULE=…)", cmp.Or(packageOf(module), "mysite")), Detail: detail}
	case noSecretKey.MatchString(failure):
		return Cause{ID: "secret-key", Summary: fmt.Sprintf("the app does not start: SECRET_KEY is not set in %s (%s)", settingsOf(f.Django), how),
			Change: `read it from the environment: SECRET_KEY = os.environ["SECRET_KEY"]`, Detail: detail}
	case name != "":
		c := Cause{ID: "missing-variable", Summary: fmt.Sprintf("the app does not start: it reads the environment property %s, which is not set (%s)", name, how),
			Change: fmt.Sprintf("set %s in aws:elasticbeanstalk:application:environment (a rehearsal: --set %s=…), or give the settings a default", name, name), Detail: detail}
		if i := slices.IndexFunc(s.leftOut, func(name string) bool { return strings.Contains(path.Base(name), ".env") }); i >= 0 {
			c.Change += fmt.Sprintf("; %s, where it may be set, is not in the bundle", s.leftOut[i])
		}
		return c
	case noDriver.MatchString(failure):
		return Cause{ID: "missing-dependency", Summary: fmt.Sprintf("the app does not start: the database's driver, %s, is not installed (%s)", noDriver.FindStringSubmatch(failure)[1], how),
			Change: addPackage(s), Detail: detail}
	case noTable.MatchString(failure):
		return Cause{ID: "database-not-migrated", Summary: fmt.Sprintf("the app does not start: it asks the database for a table that is not there: %s (%s)", clip(failure), how),
			Change: "ask the database when a request needs it, not while modules are imported: the migrations that would make the table import them too", Detail: detail}
	case strings.HasPrefix(failure, "django.db.utils.OperationalError") || strings.HasPrefix(failure, "django.db.utils.InterfaceError"):
		c := Cause{ID: "database-unreachable", Summary: fmt.Sprintf("the app does not start: it asks the database while it is imported, and cannot reach it: %s (%s)", clip(failure), how),
			Change: "ask the database when a request needs it: as it is, no instance starts while the database is down", Detail: detail}
		if s.isolation == Namespace {
			c.Change += noNetwork
		}
		return c
	}
	if failure != "" {
		return Cause{ID: "worker-boot", Summary: fmt.Sprintf("the app does not start: %s (%s)", clip(failure), how),
			Change: "see the traceback; the same happens on the instance unless the environment differs", Detail: detail}
	}
	if m := commandNotFound.FindStringSubmatch(f.AppLog); m != nil {
		return Cause{ID: "command-not-found", Summary: fmt.Sprintf("the app does not start: %s: command not found", m[1]),
			Change: "correct the web line of the Procfile, or add the package that brings the command to requirements.txt", Detail: detail}
	}
	c := Cause{ID: "worker-boot", Summary: fmt.Sprintf("the app does not start (%s)", how),
		Change: "run the web line of the Procfile by hand: " + s.command, Detail: detail}
	if said := lastWords(f.AppLog); said != "" {
		c.Summary = fmt.Sprintf("the app does not start: %s (%s)", clip(said), how)
		c.Change = "see what the app prints before it ends; the same happens on the instance unless the environment differs"
	}
	return c
}

// packageOf is the package of a project's wsgi or asgi module, "" of another module.
func packageOf(module string) string {
	for _, end := range []string{".wsgi", ".asgi"} {
		if name, ok := strings.CutSuffix(module, end); ok {
			return name
		}
	}
	return ""
}

// serverLine is what servers and the wrapper say of themselves.
var serverLine = regexp.MustCompile(`^(\[\d{4}-\d\d-\d\d |(INFO|WARNING|ERROR): |beanpole: )`)

// lastWords is what the app itself printed before it ended, once.
func lastWords(log string) string {
	var said []string
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if line != "" && !serverLine.MatchString(line) && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.Join(said[max(0, len(said)-4):], " ")
}

// removedModule says since which version Python lacks a module that it had. (pkg_resources came with every virtual
// environment up to 3.11.)
//
// See https://docs.python.org/3.12/whatsnew/3.12.html#removed and https://docs.python.org/3.13/whatsnew/3.13.html
func removedModule(name string) string {
	name, _, _ = strings.Cut(name, ".")
	switch name {
	case "asynchat", "asyncore", "distutils", "imp", "smtpd", "pkg_resources":
		return "3.12"
	case "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis", "nntplib",
		"ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib":
		return "3.13"
	}
	return ""
}

// What a project says when a variable is not set, beside the lines of the common packages: a sentence of its own, or
// pydantic's list. In a sentence the name stands beside words of an environment variable, or beside "must be set" and the like.
var (
	besideEnvironment = regexp.MustCompile(`(?i:env(?:ironment)? ?var(?:iable)?s?|environment propert(?:y|ies)):? ?` + variableWord + `|` +
		variableWord + ` (?i:(?:as |in )?(?:an? |the |your )?env(?:ironment)?\b|(?:was )?not found in (?:os\.)?environ)`)
	besideNotSet = regexp.MustCompile(variableWord + ` (?i:(?:is |was |has )?(?:not (?:been )?|un)(?:set|defined)|(?:must|has to|needs to|should) be (?:set|defined|given)|is (?:missing|required)(?:[.!]|$))|` +
		`(?i:missing|not set|required):? ` + variableWord + `(?:[.!]|$)`)
	pydanticField = regexp.MustCompile(`(?m)^([A-Za-z_]\w*)\n\s+Field required`)
	// The beginnings of the names of Django's settings, which need not come from a variable of the same name.
	djangoSetting = regexp.MustCompile(`^(ABSOLUTE_URL|ALLOWED_HOSTS|APPEND_SLASH|AUTH_|AUTHENTICATION_|CACHE_MIDDLEWARE|CONN_|CSRF_|DATABASE_ROUTERS|DATA_UPLOAD|DATE_|DATETIME_|` +
		`DECIMAL_|DEFAULT_|DISALLOWED_|EMAIL_|FILE_UPLOAD|FIRST_DAY|FIXTURE_|FORCE_SCRIPT|FORM|IGNORABLE_|INSTALLED_APPS|INTERNAL_IPS|LANGUAGE|LOCALE_|LOGGING_CONFIG|` +
		`LOGIN_|LOGOUT_|MEDIA_|MESSAGE_|MIGRATION_|MONTH_|NUMBER_|PASSWORD_HASHERS|PASSWORD_RESET|PREPEND_WWW|ROOT_URLCONF|SECURE_|SERVER_EMAIL|SESSION_|SHORT_|` +
		`SIGNING_|SITE_ID$|STATIC|TEMPLATE|TEST_|THOUSAND_|TIME_|USE_|WSGI_APPLICATION|X_FRAME|YEAR_)`)
)

const variableWord = "['\"`]?\\b([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])\\b['\"`]?"

// unsetVariable names the environment variable that the app missed, "" if that is not why it failed. One that is set was not
// missed.
func unsetVariable(failure, log string, set []string) string {
	name := ""
	if m := missingVariable.FindStringSubmatch(failure); m != nil {
		name = m[1] + m[2]
	} else if m := pydanticField.FindStringSubmatch(log); m != nil && strings.Contains(failure, "ValidationError") {
		name = strings.ToUpper(m[1])
	} else if !noDriver.MatchString(failure) {
		kind, message, _ := strings.Cut(failure, ": ")
		m := besideEnvironment.FindStringSubmatch(message)
		if m == nil && !strings.HasSuffix(kind, "ImproperlyConfigured") { // which is of settings, and of other packages' too
			if m = besideNotSet.FindStringSubmatch(message); m != nil && djangoSetting.MatchString(m[1]+m[2]) {
				m = nil
			}
		}
		if m != nil {
			name = m[1] + m[2]
		}
	}
	if slices.Contains(set, name) {
		return ""
	}
	return name
}

var (
	noSecretKey = regexp.MustCompile(`The SECRET_KEY setting must not be empty`)
	noDriver    = regexp.MustCompile(`Error loading (.+?) module`)
)

// settingsOf names the module of the settings.
func settingsOf(d *django) string {
	if d == nil || d.SettingsModule == "" {
		return "settings.py"
	}
	return d.SettingsModule
}

var forDevelopment = regexp.MustCompile(`^(.+\.)(dev|develop|development|local)$`)

// productionSettings are the neighbours for production of settings that are for development, "" if there are none.
func productionSettings(app string, d *django) string {
	if d == nil {
		return ""
	}
	m := forDevelopment.FindStringSubmatch(d.SettingsModule)
	if m == nil {
		return ""
	}
	for _, name := range []string{"production", "prod", "live", "deploy"} {
		file := strings.ReplaceAll(m[1]+name, ".", "/") + ".py"
		for _, pattern := range []string{file, "*/" + file} { // the modules may be one directory further down
			if found, _ := fs.Glob(os.DirFS(app), pattern); found != nil {
				return m[1] + name
			}
		}
	}
	return ""
}

// noNetwork follows advice about a database.
const noNetwork = ". (A rehearsal has no network: a database elsewhere is out of its reach)"

func addPackage(s situation) string {
	if !s.requirements {
		advice := "the bundle has no requirements.txt at its top, so nothing is installed: add one"
		if len(s.elsewhere) > 0 {
			advice += "; the platform does not read " + strings.Join(s.elsewhere, ", ")
			if name := s.elsewhere[len(s.elsewhere)-1]; strings.HasSuffix(name, ".txt") {
				advice += fmt.Sprintf(", unless requirements.txt has the line -r %s", name)
			}
		}
		return advice
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

func timeout(f facts, s situation) Cause {
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
	default:
		c := Cause{ID: "bad-request", Summary: "400: answered by " + answerer(f), Change: "let the check's path answer 200 to the load balancer's request"}
		if len(d.Raised) > 0 {
			c.Summary += ": " + clip(d.Raised[0].Message)
			c.Detail = shorten(d.Raised[0].Traceback)
		}
		return c
	}
}

func hostNotAllowed(f facts, s situation) Cause {
	d := f.Django
	has := "which is empty"
	if len(d.AllowedHosts) > 0 {
		has = "which has: " + shownHosts(d)
		if slices.Contains(d.AllowedHosts, "") {
			has += `; "" is what split(",") makes of a variable that is empty or not set`
		}
	}
	c := Cause{ID: "allowed-hosts", Summary: fmt.Sprintf("%d: %s is not in ALLOWED_HOSTS (%s)", f.Last.StatusCode, s.address, has), Change: hostsAdvice(d, s)}
	if name := s.mayHoldHosts.AllowedHosts; name != "" {
		c.Change += fmt.Sprintf(". The settings read %s near ALLOWED_HOSTS: if it holds them, --hosts-variable %s", name, name)
		if separator := s.mayHoldHosts.AllowedHostsSeparator; separator != "" {
			c.Change += " --hosts-separator " + separator
		}
	}
	if f.Last.StatusCode != 400 {
		c.Detail = fmt.Sprintf("the project's own page for that error fails on it too, so that it is a %d, not a 400", f.Last.StatusCode)
	}
	return c
}

// shownHosts lists the first entries of ALLOWED_HOSTS.
func shownHosts(d *django) string {
	shown := make([]string, 0, len(d.AllowedHosts))
	for _, h := range d.AllowedHosts {
		if len(shown) == 8 {
			shown = append(shown, fmt.Sprintf("and %d more", len(d.AllowedHosts)-8))
			break
		}
		if h == "" || strings.ContainsAny(h, " \t\r\n<,") {
			h = fmt.Sprintf("%q", clip(h))
		}
		shown = append(shown, h)
	}
	return strings.Join(shown, ", ")
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
			return severalNames(clip(h), d, s)
		case h != "*" && strings.Contains(h, "*") || strings.Contains(h, "/"):
			return fmt.Sprintf("the entry %q matches nothing: ALLOWED_HOSTS knows no patterns and no ranges, but for a leading dot; %s", clip(h), addAddress)
		}
	}
	others := slices.DeleteFunc(slices.Clone(d.AddressIn), func(name string) bool { return strings.HasPrefix(name, "BEANPOLE_") })
	if len(others) > 0 {
		name, assigned := others[0], "+="
		if slices.Contains(others, s.variables.AllowedHosts) {
			name, assigned = s.variables.AllowedHosts, "="
		}
		advice := fmt.Sprintf("the address reaches the app in %s, and the settings do not take it from there: in %s write: ALLOWED_HOSTS %s os.environ.get(%q, \"\").split(%s)",
			strings.Join(others, " and "), settingsOf(d), assigned, name, splitAt(name, s))
		if assigned == "=" && strings.Join(d.AllowedHosts, "") != "" {
			// What the line takes the place of must not get lost.
			advice += fmt.Sprintf("; the names that it has now (%s) go into domains (cdk.json) or Hosts (django.EnvironmentProps), from which the variable is made", shownHosts(d))
		}
		return advice
	}
	if slices.Contains(d.AllowedHosts, "None") {
		return "settings.py asked the metadata service and got nothing; " + addAddress
	}
	return addAddress
}

// splitAt is the argument of Python's split for a variable.
func splitAt(name string, s situation) string {
	if name == s.variables.AllowedHosts && s.variables.AllowedHostsSeparator == "," {
		return `","`
	}
	return ""
}

// severalNames is about an entry in which a variable's separator still stands: the settings split at another one, or not.
func severalNames(entry string, d *django, s situation) string {
	advice := fmt.Sprintf("the entry %q holds several names: split it where %s reads it", entry, settingsOf(d))
	if strings.Contains(entry, ",") {
		return advice + `, .split(","), or separate the names by spaces`
	}
	return advice + ", .split(), or have the names separated by commas, if it splits at those: " +
		"AllowedHostsSeparator of django.Variables (of a plain project: --hosts-separator ,)"
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
			Change: fmt.Sprintf(`exempt the path in %s: SECURE_REDIRECT_EXEMPT = [r"^%s$"]`, settingsOf(d), regexp.QuoteMeta(strings.TrimPrefix(asked, "/")))}
		if d.SSLHost != "" {
			named.Summary = fmt.Sprintf("%s: SecurityMiddleware redirects to SECURE_SSL_HOST", head)
		}
	case target.Path == asked+"/" && (d.AnsweredBy == "" || strings.HasSuffix(d.AnsweredBy, ".CommonMiddleware")):
		named = Cause{ID: "slash-redirect", Summary: head + ": CommonMiddleware appends a slash (APPEND_SLASH)",
			Change: fmt.Sprintf("set HealthCheckPath to %s/", asked)}
	case languagePrefix.MatchString(strings.TrimSuffix(target.Path, asked)) && strings.HasSuffix(target.Path, asked) && hasLocale(d):
		named = Cause{ID: "language-redirect", Summary: head + ": LocaleMiddleware redirects to a language: the path has no pattern outside of i18n_patterns",
			Change: fmt.Sprintf("add path(%q, …) to urlpatterns outside of i18n_patterns", strings.TrimPrefix(asked, "/"))}
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

var languagePrefix = regexp.MustCompile(`^/[a-z]{2,3}(-[A-Za-z0-9]+)*$`)

func hasLocale(d *django) bool {
	return slices.ContainsFunc(d.Middleware, func(m string) bool { return strings.HasSuffix(m, ".LocaleMiddleware") })
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
	case d != nil && d.View != "" && len(notItsOwn(f, s)) > 0:
		return notItsOwn(f, s)[0]
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

// notItsOwn says that the check's path has no URL pattern of its own, but one that takes any path.
func notItsOwn(f facts, s situation) []Cause {
	d := f.Django
	path, _, _ := strings.Cut(strings.Trim(s.check.Path, "/"), "?")
	if d == nil || d.View == "" || path == "" || !strings.ContainsAny(d.Route, "<(") || strings.Contains(d.Route, strings.TrimSuffix(path, "/")) {
		return nil
	}
	did := "was asked instead"
	switch {
	case f.Last.StatusCode == 404:
		did = "found nothing"
	case len(d.Raised) > 0:
		did = "raised " + clip(d.Raised[0].Type+": "+firstLine(d.Raised[0].Message))
	}
	return []Cause{{ID: "path-not-routed", Summary: fmt.Sprintf("%d: %s has no URL pattern of its own (in %s): the view %s, whose pattern %q takes any path, %s",
		f.Last.StatusCode, s.check.Path, cmp.Or(d.RootURLConf, "the URLconf"), d.View, d.Route, did),
		Change: fmt.Sprintf("add path(%q, …) to urlpatterns before that pattern, or set HealthCheckPath to one that is there", strings.TrimPrefix(s.check.Path, "/"))}}
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
	if d.AnsweredBy != "" {
		where += " (" + d.AnsweredBy + ")"
	}
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
			if db.Host == "" && overNetwork.MatchString(db.Engine) {
				c.Change = fmt.Sprintf("DATABASES[%q] of %s names no HOST: set the environment property that it is read from. Then %s", db.Alias, settingsOf(d), c.Change)
				break
			}
			if db.Host != "" {
				c.Summary = fmt.Sprintf("%d: the database at %s cannot be reached, %s: %s", code, strings.Trim(db.Host+":"+db.Port, ":"), where, failure)
				break
			}
		}
		if s.isolation == Namespace {
			c.Change += noNetwork
		}
		return c
	}
	if noSecretKey.MatchString(r.Message) {
		return Cause{ID: "secret-key", Summary: fmt.Sprintf("%d: SECRET_KEY is not set in %s", code, settingsOf(d)), Detail: shorten(r.Traceback),
			Change: `read it from the environment: SECRET_KEY = os.environ["SECRET_KEY"]`}
	}
	if r.MissingModule != "" && d.View == "" {
		return Cause{ID: "missing-dependency", Summary: fmt.Sprintf("%d: the module %s is not installed", code, r.MissingModule), Detail: shorten(r.Traceback),
			Change: addPackage(s)}
	}
	return Cause{ID: "view-raised", Summary: fmt.Sprintf("%d: %s, raised %s", code, failure, where), Detail: shorten(r.Traceback),
		Change: "mend what the traceback shows; with DEBUG off Django's default logging does not write it anywhere"}
}

var (
	overNetwork = regexp.MustCompile(`postg|mysql|oracle|mssql|mariadb`)
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
