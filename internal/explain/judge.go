package explain

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// sight is what the project's text tells about a health check's way.
type sight struct {
	project *project

	// early says who answers before the URLconf is asked, whatever the request: nginx, or a middleware of the project.
	early      string
	earlyProxy bool
	maybe      []string // middleware that may answer by itself, by its name

	redirect answer // whether the answer is a redirect
	by       string // what redirects, and why
	fix      string // what ends it
	exempted string // why it is not redirected, if a redirect is on
	https    bool   // the redirect leads to HTTPS, and is on for users at least

	routed   routed
	urlconf  string
	view     string // its name
	viewFile string // and where it is
	database finding
	unread   []string // middleware that is not in the bundle
	hosts    answer   // whether the host of the check is allowed
	host     string   // and how
}

const (
	securityMiddleware = "django.middleware.security.SecurityMiddleware"
	commonMiddleware   = "django.middleware.common.CommonMiddleware"
)

// harmless middleware asks no database for a request without a session, and answers none of its own.
var harmless = []string{"django", "whitenoise", "corsheaders", "csp", "debug_toolbar", "django_htmx", "django_permissions_policy", "allauth"}

// look follows the check through the bundle.
func (e *environment) look() sight {
	s := sight{database: finding{asks: unknown}, routed: routed{found: unknown}}
	if static := e.static(); static != "" {
		s.early, s.earlyProxy = fmt.Sprintf("nginx, from the static files of %s", static), true
	} else if e.nginx != "" && !strings.Contains(e.nginx, "proxy_pass") {
		s.early, s.earlyProxy = fmt.Sprintf("nginx, by a rule of its own (%s)", e.nginxFile), true
	}
	s.project = e.project()
	if s.project == nil {
		s.database.why = "no Django settings were found in the bundle"
		return s
	}
	p := s.project
	settings := p.settings
	plain, _, _ := strings.Cut(e.check.Path, "?")
	relative := strings.TrimPrefix(plain, "/")

	middleware, complete := settings.strings("MIDDLEWARE")
	lacks := func(name string) bool { return complete && !slices.Contains(middleware, name) }
	e.lookAtMiddleware(&s, middleware, plain)
	s.hosts, s.host = e.hosts(settings)

	if root := settings.string("ROOT_URLCONF"); root != "" {
		s.urlconf = root
		if conf := p.module(root); conf != nil {
			s.routed = p.route(conf, relative, 0)
		}
	}
	e.lookForRedirects(&s, lacks, plain, relative)
	e.lookAtView(&s)
	return s
}

func (e *environment) lookAtMiddleware(s *sight, middleware []string, plain string) {
	for _, full := range middleware {
		if among(full, harmless) {
			continue
		}
		last := strings.ToLower(full)
		named := strings.Contains(last, "health") || strings.Contains(last, "alive") || strings.Contains(last, "heartbeat") || strings.Contains(last, "dockerflow")
		d, found := s.project.define(full, 0)
		if !found {
			if named {
				s.maybe = append(s.maybe, full)
			} else {
				s.unread = append(s.unread, full)
			}
			continue
		}
		body := append([]statement{d.head()}, block(d.module.statements, d.at)...)
		responds, knows := false, false
		for _, st := range body {
			responds = responds || slices.ContainsFunc(st.tokens, func(t token) bool {
				return t.kind == isName && (t.text == "HttpResponse" || t.text == "JsonResponse")
			})
			knows = knows || slices.ContainsFunc(texts(st.tokens), func(t string) bool {
				return t != "" && t != "/" && strings.Trim(t, "/") == strings.Trim(plain, "/")
			}) || s.project.settings.holds(st.tokens, plain)
		}
		switch {
		case responds && knows && s.early == "":
			s.early = fmt.Sprintf("the middleware %s (%s:%d)", full, d.module.file, d.head().line())
		case responds && named && s.early == "":
			s.maybe = append(s.maybe, full)
		}
	}
}

var (
	hostHeader   = regexp.MustCompile(`proxy_set_header\s+Host\s+"?([^";\s]+)`)
	wrapperNames = regexp.MustCompile(`local (?:allowed_hosts|instance_ip)=(\w+)`)
)

// rewrittenHost is what nginx makes of the Host header for the check's path, "" if it leaves it.
func (e *environment) rewrittenHost() string {
	if m := hostHeader.FindStringSubmatch(e.nginx); m != nil && !strings.HasPrefix(m[1], "$") {
		return m[1]
	}
	return ""
}

// hosts says whether Django accepts the host of the check, which is the instance's own address, and how.
func (e *environment) hosts(settings *settings) (accepted answer, how string) {
	list, complete := settings.strings("ALLOWED_HOSTS")
	where := settings.module.file
	if all := settings.values["ALLOWED_HOSTS"]; len(all) > 0 {
		last := all[len(all)-1]
		where = fmt.Sprintf("%s:%d", last.module.file, last.line)
	} else if settings.complete {
		complete = true // Django's default: nobody
	}
	allows := func(host string) bool {
		return slices.ContainsFunc(list, func(h string) bool {
			return h == "*" || h == host || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h)
		})
	}
	if host := e.rewrittenHost(); host != "" {
		how = fmt.Sprintf("%s, which nginx sends for this path (%s)", host, e.nginxFile)
		switch {
		case allows(host):
			return yes, how
		case complete:
			return no, fmt.Sprintf("%s; ALLOWED_HOSTS does not have it (%s): Django answers 400", how, where)
		}
		return unknown, how + "; not known whether ALLOWED_HOSTS has it"
	}
	how = "the instance's own address"
	switch {
	case allows("*"):
		return yes, how + "; ALLOWED_HOSTS lets every host in"
	case complete && slices.ContainsFunc(list, func(h string) bool { return strings.Trim(h, "0123456789.") == "" && h != "127.0.0.1" }):
		return unknown, how + "; not known whether it is one of those in ALLOWED_HOSTS, which differ from instance to instance"
	case complete && e.wrapped():
		return no, fmt.Sprintf("%s, which the wrapper adds to the environment; but ALLOWED_HOSTS does not come from there (%s): Django answers 400", how, where)
	case complete:
		return no, fmt.Sprintf("%s, which ALLOWED_HOSTS does not have (%s): Django answers 400", how, where)
	}
	if e.wrapped() {
		script, _ := e.bundle.ReadFile(overlay.WrapperName)
		for _, m := range wrapperNames.FindAllSubmatch(script, -1) {
			for _, a := range settings.values["ALLOWED_HOSTS"] {
				if settings.mentions(a.tokens, string(m[1])) {
					return yes, fmt.Sprintf("%s, which the wrapper adds to %s when the app starts", how, m[1])
				}
			}
		}
	}
	return unknown, how + "; not known whether ALLOWED_HOSTS has it (if not, Django answers 400)"
}

func (e *environment) lookForRedirects(s *sight, lacks func(string) bool, plain, relative string) {
	settings := s.project.settings
	s.redirect = no
	redirects := func(a answer, by, fix string) {
		if a == yes && s.redirect != yes || a == unknown && s.redirect == no {
			s.redirect, s.by, s.fix = a, by, fix
		}
	}
	on, how := settings.boolean("SECURE_SSL_REDIRECT", false)
	if lacks(securityMiddleware) {
		on = no
	}
	exempt := settings.exempt(plain)
	if strings.Contains(e.nginx, "X-Forwarded-Proto") && len(settings.values["SECURE_PROXY_SSL_HEADER"]) > 0 {
		exempt = yes
	}
	if how != "" {
		how = " (" + how + ")"
	}
	s.https = on == yes
	to := "SecurityMiddleware redirects to HTTPS: SECURE_SSL_REDIRECT is on" + how
	if relative == "" {
		relative = "healthz/"
	}
	exemption := fmt.Sprintf("write SECURE_REDIRECT_EXEMPT = [r\"^%s$\"] into %s", strings.ReplaceAll(relative, ".", `\.`), settings.module.file)
	if plain == "/" {
		exemption = "give the check a path of its own, such as /healthz/, and " + exemption
	}
	switch {
	case on == yes && exempt == no:
		redirects(yes, to+", and SECURE_REDIRECT_EXEMPT does not have the path", exemption)
	case on == yes && exempt == unknown:
		redirects(unknown, to+", unless SECURE_REDIRECT_EXEMPT has the path", exemption)
	case on == unknown && exempt == unknown:
		redirects(unknown, "SecurityMiddleware redirects to HTTPS if SECURE_SSL_REDIRECT is on, unless SECURE_REDIRECT_EXEMPT has the path", exemption)
	case on == unknown && exempt == no:
		redirects(unknown, "SecurityMiddleware redirects to HTTPS if SECURE_SSL_REDIRECT is on", exemption)
	case on != no:
		s.exempted = "the path is exempt from the redirect to HTTPS"
	}
	if lacks(commonMiddleware) {
		return
	}
	if slash, _ := settings.boolean("APPEND_SLASH", true); slash != no && !strings.HasSuffix(plain, "/") && s.routed.found != yes {
		if with := s.withSlash(relative); with == yes {
			redirects(slash.and(known(s.routed.found == no)), fmt.Sprintf("CommonMiddleware redirects to %s/: APPEND_SLASH is on", plain), fmt.Sprintf("set HealthCheckPath to %s/", plain))
		}
	}
	if www, _ := settings.boolean("PREPEND_WWW", false); www != no {
		redirects(www, "CommonMiddleware redirects to www: PREPEND_WWW is on", "set PREPEND_WWW to False, and let the load balancer redirect to www")
	}
}

// and is yes only if both are.
func (a answer) and(b answer) answer {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return unknown
}

func (s *sight) withSlash(relative string) answer {
	if conf := s.project.module(s.urlconf); conf != nil {
		return s.project.route(conf, relative+"/", 0).found
	}
	return unknown
}

func (e *environment) lookAtView(s *sight) {
	p := s.project
	s.database = finding{asks: unknown, why: "the view is not found in the bundle"}
	switch r := s.routed; {
	case r.found == no:
		s.database.why = "no view is routed"
		return
	case r.outside != "":
		s.view = "one of " + r.outside
		s.database.why = r.outside + " is not in the bundle"
	case r.found == yes && starts(r.view, "lambda"):
		s.view, s.viewFile = "a lambda", fmt.Sprintf("%s:%d", r.module.file, r.view[0].line)
		s.database = p.statement(r.module, statement{tokens: r.view}, map[string]bool{}, map[string]bool{})
	case r.found == yes:
		d, full, ok := p.view(r)
		s.view = full
		if ok {
			s.view, s.viewFile = d.full(), fmt.Sprintf("%s:%d", d.module.file, d.head().line())
			s.database = p.asks(d)
			if starts(d.head().tokens, "class") && s.database.asks == no && len(block(d.module.statements, d.at)) == 0 {
				s.database.asks = unknown
			}
		} else if full != "" {
			s.database.why = full + " is not in the bundle"
		}
	}
	if s.database.asks != yes {
		e.lookBeforeView(s)
	}
}

// lookBeforeView finds what asks the database for every request.
func (e *environment) lookBeforeView(s *sight) {
	for _, all := range s.project.settings.values {
		for _, a := range all {
			for i, t := range a.tokens {
				if t.kind == isText && t.text == "ATOMIC_REQUESTS" && slices.ContainsFunc(a.tokens[i:min(i+4, len(a.tokens))], func(t token) bool { return t.kind == isName && t.text == "True" }) {
					s.database = finding{yes, fmt.Sprintf("%s:%d: ATOMIC_REQUESTS opens a transaction for every view", a.module.file, t.line)}
					return
				}
			}
		}
	}
	middleware, _ := s.project.settings.strings("MIDDLEWARE")
	for _, full := range middleware {
		if full == "django.contrib.sites.middleware.CurrentSiteMiddleware" {
			s.database = finding{yes, full + " looks the site up for every request"}
			return
		}
		if d, found := s.project.define(full, 0); found {
			if f := s.project.asks(d); f.asks == yes || f.asks == unknown && s.database.asks == no {
				f.why = "the middleware " + full + ": " + f.why
				s.database = f
			}
		}
	}
}

// judge turns what was seen into words.
func (x *Explanation) judge(e *environment, s sight) {
	c := e.check
	x.Check = fmt.Sprintf("GET %s to port %d of each instance every %g s; healthy if it answers %s within %g s", c.Path, e.port, c.Interval.Seconds(), c.SuccessCodes, c.Timeout.Seconds())
	if x.Host = s.host; s.host == "" {
		x.Host = "the instance's own address; not known whether the app accepts it"
	}
	redirects := codesAccept(c.SuccessCodes, 300, 399)
	errs := codesAccept(c.SuccessCodes, 400, 499)
	x.layers(e, s, redirects, errs)
	x.Unproved = "other paths, templates and static files; caches, queues and other services; HTTPS, DNS and the listener rules, which a health check does not pass"
	x.redirect(e, s, redirects)
	x.drain(e, s, errs)
	x.recommend(e, s, redirects, errs)
}

func (x *Explanation) layers(e *environment, s sight, redirects, errs []int) {
	add := func(name string, proved Answer, format string, args ...any) {
		x.Layers = append(x.Layers, Layer{name, proved, fmt.Sprintf(format, args...)})
	}
	add("proxy", Yes, "nginx runs and takes connections on port %d", e.port)
	rest := []string{"process", "middleware", "URLconf", "view", "database"}
	none := func(from int, proved Answer, format string, args ...any) {
		for i, name := range rest[from:] {
			if i > 0 {
				format, args = "the same", nil
			}
			add(name, proved, format, args...)
		}
	}
	if s.earlyProxy {
		add("process", No, "nothing reaches it: the answer is of %s", s.early)
		none(1, No, "nginx answers before")
		return
	}
	add("process", Yes, "%s runs, has loaded the app and has a worker free within %g s", e.server(), e.check.Timeout.Seconds())
	mayRedirect := len(redirects) > 0
	switch {
	case len(errs) > 0:
		none(1, No, "an error counts as healthy too (%s)", list(errs))
		return
	case s.early != "":
		add("middleware", No, "as far as %s only, which answers", s.early)
		none(2, No, "a middleware answers before")
		return
	case mayRedirect && s.redirect == yes:
		add("middleware", No, "as far as the redirect only: %s", s.by)
		none(2, No, "the redirect is answered before")
		return
	case s.project == nil:
		none(1, NotKnown, "no Django settings were found in the bundle")
		return
	case len(s.maybe) > 0:
		none(1, NotKnown, "%s may answer by itself", strings.Join(s.maybe, ", "))
		return
	case mayRedirect && s.redirect == unknown:
		none(1, NotKnown, "if a redirect answers, no: %s", s.by)
		return
	}
	passed := "the request passes all of it"
	if s.exempted != "" {
		passed += ", and " + s.exempted
	}
	add("middleware", Yes, "%s", passed)
	x.behindMiddleware(s, add)
}

func (x *Explanation) behindMiddleware(s sight, add func(string, Answer, string, ...any)) {
	routed := "routes the path"
	if s.view != "" {
		routed += " to " + s.view
	}
	switch s.routed.found {
	case no:
		add("URLconf", Yes, "%s is loaded; but no pattern of it is found for the path, which would be answered 404", s.urlconf)
		add("view", No, "none is found")
	case yes:
		add("URLconf", Yes, "%s and all it imports load, and it %s", s.urlconf, routed)
		where := ""
		if s.viewFile != "" {
			where = " (" + s.viewFile + ")"
		}
		add("view", Yes, "it runs%s", where)
	default:
		conf := s.urlconf
		if conf == "" {
			conf = "the URLconf"
		}
		add("URLconf", Yes, "%s and all it imports load; not known which pattern takes the path", conf)
		add("view", Yes, "one runs; not known which")
	}
	switch s.database.asks {
	case yes:
		add("database", Yes, "it is asked: %s", s.database.why)
	case no:
		add("database", No, "nothing on the way asks it")
	default:
		add("database", NotKnown, "%s", s.database.why)
	}
}

func list(codes []int) string {
	if len(codes) > 3 {
		return fmt.Sprintf("%d to %d", codes[0], codes[len(codes)-1])
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(codes), " ", ", "), "[]")
}

func (x *Explanation) redirect(e *environment, s sight, redirects []int) {
	const hidden = "A redirect is answered before the URLconf is asked: the database may be down, every URL broken, the path mistyped, and the check stays green"
	switch {
	case len(redirects) == 0 && s.redirect == yes:
		x.Redirect = fmt.Sprintf("Nothing, as no redirect counts (success codes %s). But the check is answered with one, so it fails: %s.", e.check.SuccessCodes, s.by)
	case len(redirects) == 0:
		x.Redirect = fmt.Sprintf("Nothing: no redirect counts (success codes %s).", e.check.SuccessCodes)
	case s.earlyProxy:
		x.Redirect = "Nothing more than the check does: nginx answers by itself."
	case s.redirect == yes:
		x.Redirect = fmt.Sprintf("Everything behind it. %s. Here it is answered so: %s.", hidden, s.by)
	case s.redirect == no:
		x.Redirect = fmt.Sprintf("Nothing now: no redirect is found on the way. But one counts (%s): should the path lose its exemption, its slash or its host, the check stays green, and no view runs.", list(redirects))
	default:
		why := s.by
		if why == "" {
			why = "the settings were not found"
		}
		x.Redirect = fmt.Sprintf("Not known whether the check is redirected: %s. %s.", why, hidden)
	}
}

func (x *Explanation) drain(e *environment, s sight, errs []int) {
	after := fmt.Sprintf("after %s none is in service. The load balancer then sends requests to all of them, healthy or not, and Elastic Beanstalk reports Severe", x.DetectSilent)
	if e.replaces == yes {
		after += "; and the Auto Scaling group replaces all instances, again and again"
	}
	x.Drains = s.database.asks.public()
	switch {
	case s.earlyProxy || s.early != "" || len(errs) > 0:
		x.Drains, x.Drain = No, "The check does not get as far as the database."
		if len(errs) > 0 && s.early == "" {
			x.Drains, x.Drain = NotKnown, "Errors up to 499 count as healthy; not known what the app answers without its database."
		}
	case s.redirect == yes && len(errs) == 0:
		x.Drains, x.Drain = No, "The check is redirected before anything asks the database."
	case s.database.asks == yes:
		x.Drain = fmt.Sprintf("The check asks the database (%s), which is the same for all instances: when it is down, all fail together, and %s.", s.database.why, after)
	case s.database.asks == no:
		x.Drain = "Nothing that was found on the way asks the database."
		if s.viewFile != "" {
			x.Drain = fmt.Sprintf("The view %s (%s) does not ask the database, nor does anything found before it.", s.view, s.viewFile)
		}
		if len(s.unread) > 0 {
			x.Drain += " Not in the bundle, so not read: " + strings.Join(s.unread, ", ") + "."
		}
	default:
		x.Drain = fmt.Sprintf("%s. If it asks the database, all instances fail together when that is down, and %s.", upper(s.database.why), after)
	}
}

func upper(s string) string {
	if s == "" {
		return s
	}
	if first, _, _ := strings.Cut(s, " "); path.Base(first) != first || strings.ContainsAny(first, ".:_") {
		return s // a name
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// recommend picks what matters most.
func (x *Explanation) recommend(e *environment, s sight, redirects, errs []int) {
	counts := len(redirects) > 0
	noListener := e.https != nil && !*e.https
	switch {
	case len(errs) > 0:
		x.Recommendation = fmt.Sprintf("Take the errors out of the success codes: set MatcherHTTPCode to %s. A 400 or 404 says that the check does not reach the app.", health.DefaultSuccessCodes)
	case s.hosts == no && (e.wrapped() || e.rewrittenHost() != ""):
		x.Recommendation = fmt.Sprintf("Read the hosts from the environment: write ALLOWED_HOSTS = os.environ.get(\"ALLOWED_HOSTS\", \"\").split() into %s. As it is, every check is answered 400.", s.project.settings.module.file)
	case s.hosts == no:
		x.Recommendation = "Let the instance add its address to ALLOWED_HOSTS: deploy with django.NewEnvironment, whose wrapper does, and read ALLOWED_HOSTS from the environment. As it is, every check is answered 400."
	case s.earlyProxy:
		x.Recommendation = "Let a view of the app answer the check: as it is, the app can be dead and the instance healthy."
	case s.https && noListener:
		x.Recommendation = "Give the load balancer a listener for HTTPS, or set SECURE_SSL_REDIRECT to False: users are redirected to a port that nobody listens on, while the check is green."
	case s.redirect == yes:
		x.Recommendation = fmt.Sprintf("%s, so that a view answers the check.", upper(s.fix))
	case s.routed.found == no && s.project != nil && s.early == "":
		x.Recommendation = fmt.Sprintf("Route the path: add path(%q, …) to urlpatterns of %s, or set HealthCheckPath to a path that is there.", strings.TrimPrefix(e.check.Path, "/"), s.urlconf)
	case s.database.asks == yes && s.early == "":
		x.Recommendation = "Keep the database out of the load balancer's check (" + s.database.why + "): watch it by an alarm instead."
	case s.early != "":
		x.Recommendation = "Let a view answer the check, so that it proves the URLconf too: " + s.early + " answers before."
	case s.project == nil || s.redirect == unknown || s.routed.found == unknown || s.database.asks == unknown || len(s.maybe) > 0 || s.hosts == unknown:
		x.Recommendation = "Run beanpole rehearse --strict: it runs the app and shows what the text of the project does not tell."
	case e.min == 1:
		x.Recommendation = "Set MinSize to 2: a single instance that fails the check is the whole site."
	case counts:
		x.Recommendation = fmt.Sprintf("Once beanpole rehearse --strict passes, set MatcherHTTPCode to 200: then a redirect, which proves nothing behind it, no longer counts (now: %s).", e.check.SuccessCodes)
	default:
		x.Recommendation = "None: the check proves what it can without the database."
	}
}
