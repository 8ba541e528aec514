package explain

import (
	"regexp"
	"slices"
	"strings"
)

// project is a Django project as far as its text tells: nothing of it is run.
type project struct {
	read       func(file string) ([]byte, error)
	roots      []string          // where modules are looked for, "" or with a slash at the end
	properties map[string]string // of the environment, those whose values are known
	modules    map[string]*module
	settings   *settings // nil if there are none to be read
}

// module is a file of Python.
type module struct {
	name, file string
	statements []statement
	imports    map[string]string // local name → what it stands for, with dots
}

func (m *module) pkg() string {
	if strings.HasSuffix(m.file, "__init__.py") {
		return m.name
	}
	return m.name[:max(strings.LastIndex(m.name, "."), 0)]
}

// module returns a module of the bundle by its name, nil if the bundle has none.
func (p *project) module(name string) *module {
	if m, known := p.modules[name]; known || name == "" {
		return m
	}
	p.modules[name] = nil
	for _, root := range p.roots {
		for _, file := range []string{".py", "/__init__.py"} {
			file = root + strings.ReplaceAll(name, ".", "/") + file
			content, err := p.read(file)
			if err != nil {
				continue
			}
			m := &module{name: name, file: file, statements: scan(string(content)), imports: map[string]string{}}
			for _, s := range m.statements {
				m.take(s)
			}
			p.modules[name] = m
			return m
		}
	}
	return nil
}

// take notes what an import statement binds.
func (m *module) take(s statement) {
	switch {
	case s.starts("import"):
		for _, part := range split(s.tokens[1:], ",") {
			full, n := dotted(part)
			if n+1 < len(part) && part[n].text == "as" {
				m.imports[part[n+1].text] = full
			} else if full != "" {
				first, _, _ := strings.Cut(full, ".")
				m.imports[first] = first
			}
		}
	case s.starts("from"):
		from, names := m.from(s)
		names = slices.DeleteFunc(slices.Clone(names), func(t token) bool { return t.kind == isOperator && (t.text == "(" || t.text == ")") })
		for _, part := range split(names, ",") {
			if len(part) == 0 || part[0].kind != isName {
				continue
			}
			m.imports[part[len(part)-1].text] = strings.TrimPrefix(from+"."+part[0].text, ".")
		}
	}
}

// from returns the module that a from statement names, and what it imports.
func (m *module) from(s statement) (name string, names []token) {
	rest, dots := s.tokens[1:], 0
	for len(rest) > 0 && rest[0].text == "." {
		rest, dots = rest[1:], dots+1
	}
	name, n := dotted(rest)
	if name == "import" { // from . import x
		name, n = "", 0
	} else if i := slices.IndexFunc(rest, func(t token) bool { return t.text == "import" }); i < n {
		n = max(i, 0)
	}
	if dots > 0 {
		base := m.pkg()
		for range dots - 1 {
			base = base[:max(strings.LastIndex(base, "."), 0)]
		}
		name = strings.Trim(base+"."+name, ".")
	}
	if n+1 > len(rest) {
		return name, nil
	}
	return name, rest[n+1:]
}

// assignment is one of a setting's.
type assignment struct {
	module      *module
	tokens      []token // the expression
	line        int
	adds        bool // += or a method that changes a list
	conditional bool
}

// settings are what the settings module assigns.
type settings struct {
	project *project
	module  *module
	values  map[string][]assignment
	// complete says that nothing is imported into the settings that is not in the bundle.
	complete bool
}

func (p *project) readSettings(name string) *settings {
	m := p.module(name)
	if m == nil {
		return nil
	}
	s := &settings{project: p, module: m, values: map[string][]assignment{}, complete: true}
	s.take(m, 0)
	return s
}

const maxDepth = 8 // of modules that import one another

func (s *settings) take(m *module, depth int) {
	for i := 0; i < len(m.statements); i++ {
		statement := m.statements[i]
		tokens := statement.tokens
		switch {
		case statement.starts("def") || statement.starts("class") || statement.starts("async"):
			i += len(block(m.statements, i))
		case statement.starts("from") && tokens[len(tokens)-1].text == "*":
			from, _ := m.from(statement)
			root, _, _ := strings.Cut(from, ".")
			if other := s.project.module(from); other != nil && depth < maxDepth {
				s.take(other, depth+1)
			} else if statement.indent == 0 || s.project.module(root) == nil {
				s.complete = false
			} // else it is tried, as in "try: from .local import *", and is not in the bundle
		case has(tokens, "locals") || has(tokens, "globals") || has(tokens, "exec") || statement.starts("include"):
			s.complete = false
		default:
			s.assign(m, statement)
		}
	}
}

func (s *settings) assign(m *module, statement statement) {
	tokens := statement.tokens
	target, n := dotted(tokens)
	if n == 0 || n >= len(tokens) {
		return
	}
	a := assignment{module: m, line: statement.line(), conditional: statement.indent > 0}
	switch operator := tokens[n]; {
	case operator.text == ":" && n == 1: // an annotation
		if i := slices.IndexFunc(tokens, func(t token) bool { return t.kind == isOperator && t.text == "=" }); i > 0 {
			a.tokens = tokens[i+1:]
		}
	case operator.text == "=":
		a.tokens = tokens[n+1:]
	case operator.text == "+=":
		a.tokens, a.adds = tokens[n+1:], true
	case operator.text == "(" && strings.Contains(target, "."):
		target = target[:strings.LastIndex(target, ".")]
		a.tokens, _ = group(tokens[n:])
		a.adds = true
	default:
		return
	}
	if a.tokens == nil {
		return
	}
	if !a.conditional && !a.adds {
		s.values[target] = nil
	}
	s.values[target] = append(s.values[target], a)
}

// answer is what can be known without running the project.
type answer uint8

const (
	unknown answer = iota
	no
	yes
)

func known(b bool) answer {
	if b {
		return yes
	}
	return no
}

// strings returns the texts of a list of texts, and whether they are all of it.
func (s *settings) strings(setting string) (list []string, complete bool) {
	all := s.values[setting]
	complete = len(all) > 0 && s.complete
	for _, a := range all {
		list = append(list, texts(a.tokens)...)
		complete = complete && !a.conditional && !slices.ContainsFunc(a.tokens, func(t token) bool {
			return t.kind != isText && !(t.kind == isOperator && strings.Contains("[](),", t.text))
		})
	}
	return list, complete
}

// string returns a setting that is a text, or "".
func (s *settings) string(setting string) string {
	all := s.values[setting]
	if len(all) == 0 {
		return ""
	}
	last := all[len(all)-1]
	if len(last.tokens) == 1 && last.tokens[0].kind == isText {
		return last.tokens[0].text
	}
	return ""
}

// boolean returns a setting that is true or false, which Django's default is where the settings do not say it.
func (s *settings) boolean(setting string, standard bool) (value answer, how string) {
	all := s.values[setting]
	switch {
	case len(all) == 0 && s.complete:
		return known(standard), ""
	case len(all) != 1 || all[0].conditional:
		return unknown, ""
	}
	return s.truth(all[0].tokens, 0)
}

// truth evaluates an expression as far as it is a constant, another setting, or made of one environment property. How
// names that property.
func (s *settings) truth(tokens []token, depth int) (value answer, how string) {
	if depth > maxDepth {
		return unknown, ""
	}
	if starts(tokens, "not") {
		value, how = s.truth(tokens[1:], depth+1)
		return [...]answer{unknown: unknown, no: yes, yes: no}[value], how
	}
	if len(tokens) == 1 && tokens[0].kind == isName {
		switch word := tokens[0].text; word {
		case "True":
			return yes, ""
		case "False", "None":
			return no, ""
		default:
			if all := s.values[word]; len(all) == 1 && !all[0].conditional {
				return s.truth(all[0].tokens, depth+1)
			}
		}
		return unknown, ""
	}
	property := s.property(tokens)
	if property == "" || has(tokens, "not") || has(tokens, "and") || has(tokens, "or") || has(tokens, "if") || has(tokens, "bool") && !has(tokens, "env") {
		return unknown, ""
	}
	set := s.project.properties[property]
	how = property + "=" + set
	if at := slices.IndexFunc(tokens, func(t token) bool {
		return t.kind == isOperator && (t.text == "==" || t.text == "!=") || t.kind == isName && t.text == "in"
	}); at >= 0 {
		if has(tokens, "lower") || has(tokens, "casefold") {
			set = strings.ToLower(set)
		}
		compared := texts(tokens[at:])
		return known(slices.Contains(compared, set) != (tokens[at].text == "!=")), how
	}
	switch strings.ToLower(strings.TrimSpace(set)) {
	case "1", "true", "yes", "on", "y", "t":
		return yes, how
	case "0", "false", "no", "off", "n", "f", "":
		return no, how
	}
	return unknown, ""
}

// property returns the one environment property that an expression names, or "".
func (s *settings) property(tokens []token) string {
	found := ""
	for _, t := range texts(tokens) {
		if _, set := s.project.properties[t]; set && found != "" && found != t {
			return ""
		} else if set {
			found = t
		}
	}
	return found
}

// through calls do with an expression and with those of the settings that it names.
func (s *settings) through(tokens []token, seen map[string]bool, do func(expression []token)) {
	do(tokens)
	for _, t := range tokens {
		names := []string{}
		switch t.kind {
		case isName:
			names = append(names, t.text)
		case isFormatted:
			names = words.FindAllString(t.text, -1)
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			for _, a := range s.values[name] {
				s.through(a.tokens, seen, do)
			}
		}
	}
}

var words = regexp.MustCompile(`[A-Za-z_]\w*`)

// holds says whether an expression, through the settings that it names, comes from a property of this value, or is it
// because no property is set.
func (s *settings) holds(tokens []token, value string) (found bool) {
	s.through(tokens, map[string]bool{}, func(expression []token) {
		property := s.property(expression)
		found = found || property != "" && s.project.properties[property] == value || property == "" && slices.Contains(texts(expression), value)
	})
	return found
}

// mentions says whether an expression, through the settings that it names, has a text.
func (s *settings) mentions(tokens []token, word string) (found bool) {
	s.through(tokens, map[string]bool{}, func(expression []token) {
		found = found || slices.Contains(texts(expression), word)
	})
	return found
}

// exempt says whether SECURE_REDIRECT_EXEMPT has a pattern for the path.
func (s *settings) exempt(path string) answer {
	all := s.values["SECURE_REDIRECT_EXEMPT"]
	switch {
	case len(all) == 0 && s.complete:
		return no
	case len(all) == 0:
		return unknown
	}
	list, complete := s.strings("SECURE_REDIRECT_EXEMPT")
	for _, pattern := range list {
		matched, ok := matches(pattern, strings.TrimLeft(path, "/"))
		if matched {
			return yes
		}
		complete = complete && ok
	}
	for _, a := range all {
		if s.holds(a.tokens, path) {
			return yes
		}
	}
	if complete {
		return no
	}
	return unknown
}

// matches says whether a regular expression of Python finds something in the text, and whether it could be read.
func matches(pattern, subject string) (matched, ok bool) {
	re, err := regexp.Compile(strings.ReplaceAll(pattern, `\Z`, `\z`))
	if err != nil {
		return false, false
	}
	return re.MatchString(subject), true
}

// routed is where a path leads in the URLconf.
type routed struct {
	found  answer
	view   []token // the expression
	module *module // that holds it
	// outside is the URLconf that takes the path and is not in the bundle.
	outside string
}

// route follows the path, without its first slash, through a URLconf.
func (p *project) route(conf *module, path string, depth int) routed {
	result := routed{found: no}
	for _, s := range conf.statements {
		if !s.starts("urlpatterns") || len(s.tokens) < 3 {
			if s.starts("from") && s.tokens[len(s.tokens)-1].text == "*" {
				from, _ := conf.from(s)
				if other := p.module(from); other != nil && depth < maxDepth {
					result = p.route(other, path, depth+1)
				} else if !among(from, []string{"django"}) {
					result.found = unknown
				}
			}
			continue
		}
		if s.tokens[1].text == "." || s.indent > 0 && result.found == no {
			result.found = unknown // changed by a method, or under a condition
		}
		if r := p.patterns(conf, s.tokens[2:], path, depth); r.found == yes {
			return r
		} else if r.found == unknown {
			result = r
		}
	}
	return result
}

// patterns judges a list of patterns, and the lists that it names.
func (p *project) patterns(conf *module, tokens []token, path string, depth int) routed {
	result := routed{found: no}
	take := func(r routed) bool {
		if r.found == unknown {
			result = r
		}
		return r.found == yes
	}
	for i := 0; i < len(tokens); i++ {
		full, n := dotted(tokens[i:])
		if n == 0 {
			continue
		}
		if i += n - 1; i+1 >= len(tokens) || tokens[i+1].text != "(" {
			if r := p.named(conf, full, path, depth); take(r) {
				return r
			}
			continue
		}
		function := full[strings.LastIndex(full, ".")+1:]
		if function != "path" && function != "re_path" && function != "url" {
			continue
		}
		inside, length := group(tokens[i+1:])
		i += length
		if arguments := split(inside, ","); len(arguments) >= 2 {
			if r := p.pattern(conf, function != "path", arguments[0], arguments[1], path, depth); take(r) {
				return r
			}
		}
	}
	return result
}

// named judges a list of patterns that a module has under a name.
func (p *project) named(conf *module, full, path string, depth int) routed {
	first, _, attribute := strings.Cut(full, ".")
	switch {
	case full == "urlpatterns" || full == "settings" || strings.HasPrefix(full, "settings."):
		return routed{found: no}
	case attribute || conf.imports[first] != "" || depth >= maxDepth:
		return routed{found: unknown}
	}
	result := routed{found: no}
	for _, s := range conf.statements {
		if s.indent > 0 || !s.starts(first, "=") && !s.starts(first, "+=") {
			continue
		}
		if r := p.patterns(conf, s.tokens[2:], path, depth+1); r.found == yes {
			return r
		} else if r.found == unknown {
			result = r
		}
	}
	return result
}

// pattern judges one entry of urlpatterns.
func (p *project) pattern(conf *module, isRegex bool, route, view []token, path string, depth int) routed {
	_, isInclude := include(view)
	full, n := dotted(view)
	below := isInclude || n == len(view) && strings.HasSuffix(full, ".urls")
	end := -1 // how much of the path the route takes
	switch {
	case len(route) == 1 && route[0].kind == isText:
		expression := route[0].text
		if !isRegex {
			expression = routeExpression(expression, below)
		}
		re, err := regexp.Compile(strings.ReplaceAll(expression, `\Z`, `\z`))
		if err != nil {
			return routed{found: unknown}
		}
		if at := re.FindStringIndex(path); at != nil {
			end = at[1]
		}
	case p.settings != nil && p.settings.holds(route, "/"+path) && !below:
		end = len(path)
	default:
		return routed{found: unknown}
	}
	if end < 0 {
		return routed{found: no}
	}
	if !below {
		return routed{found: yes, view: view, module: conf}
	}
	target, _ := include(view)
	switch {
	case len(target) == 0: // admin.site.urls and the like
		if full == "admin.site.urls" {
			return routed{found: yes, outside: "django.contrib.admin", module: conf}
		}
		return routed{found: unknown}
	case target[0].text == "[":
		inside, _ := group(target)
		return p.patterns(conf, inside, path[end:], depth+1)
	case target[0].kind == isName:
		at, n := dotted(target)
		if n < len(target) {
			return routed{found: unknown}
		}
		if first, _, _ := strings.Cut(at, "."); conf.imports[first] == "" {
			return p.named(conf, at, path[end:], depth)
		}
		if at = conf.resolve(at); p.module(at) == nil {
			return routed{found: unknown, outside: at}
		}
		return p.includeModule(at, path[end:], depth)
	case len(texts(target)) > 0:
		return p.includeModule(texts(target)[0], path[end:], depth)
	}
	return routed{found: unknown}
}

func (p *project) includeModule(name, path string, depth int) routed {
	if m := p.module(name); m != nil && depth < maxDepth {
		return p.route(m, path, depth+1)
	}
	return routed{found: unknown, outside: name}
}

// include returns what include() is given.
func include(view []token) (target []token, ok bool) {
	full, n := dotted(view)
	if full != "include" && !strings.HasSuffix(full, ".include") || n >= len(view) || view[n].text != "(" {
		return nil, false
	}
	inside, _ := group(view[n:])
	for len(inside) > 0 && inside[0].text == "(" { // include((patterns, "name"))
		inside, _ = group(inside)
	}
	if parts := split(inside, ","); len(parts) > 0 {
		return parts[0], true
	}
	return nil, true
}

var converter = regexp.MustCompile(`<(?:(\w+):)?\w+>`)

// routeExpression turns a route of path() into a regular expression.
func routeExpression(route string, prefix bool) string {
	var b strings.Builder
	b.WriteString("^")
	last := 0
	for _, m := range converter.FindAllStringSubmatchIndex(route, -1) {
		b.WriteString(regexp.QuoteMeta(route[last:m[0]]))
		kind := ""
		if m[2] >= 0 {
			kind = route[m[2]:m[3]]
		}
		switch kind {
		case "int":
			b.WriteString("[0-9]+")
		case "slug":
			b.WriteString("[-a-zA-Z0-9_]+")
		case "path":
			b.WriteString(".+")
		case "uuid":
			b.WriteString("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
		default:
			b.WriteString("[^/]+")
		}
		last = m[1]
	}
	b.WriteString(regexp.QuoteMeta(route[last:]))
	if !prefix {
		b.WriteString("$")
	}
	return b.String()
}

// resolve returns what a dotted name of the module stands for: its own, or what it imports.
func (m *module) resolve(full string) string {
	first, rest, _ := strings.Cut(full, ".")
	if target, imported := m.imports[first]; imported {
		return strings.TrimSuffix(target+"."+rest, ".")
	}
	return m.name + "." + full
}

// definition is a function or class of the bundle.
type definition struct {
	module *module
	at     int // its statement
}

func (d definition) head() statement { return d.module.statements[d.at] }

// name is the name that is defined.
func (d definition) name() string {
	tokens := d.head().tokens
	if tokens[0].text == "async" {
		tokens = tokens[1:]
	}
	if len(tokens) < 2 {
		return ""
	}
	return tokens[1].text
}

func (d definition) full() string { return d.module.name + "." + d.name() }

// define finds what an absolute dotted name stands for, through modules that only pass it on.
func (p *project) define(full string, depth int) (definition, bool) {
	for cut := strings.LastIndex(full, "."); cut > 0 && depth < maxDepth; cut = strings.LastIndex(full[:cut], ".") {
		m := p.module(full[:cut])
		if m == nil {
			continue
		}
		wanted, _, _ := strings.Cut(full[cut+1:], ".")
		for i, s := range m.statements {
			d := definition{m, i}
			if s.indent == 0 && (s.starts("def") || s.starts("class") || s.starts("async", "def")) && d.name() == wanted {
				return d, true
			}
		}
		if target, imported := m.imports[wanted]; imported && target != full {
			return p.define(target, depth+1)
		}
		for _, s := range m.statements { // from .views import *
			if s.starts("from") && s.tokens[len(s.tokens)-1].text == "*" {
				from, _ := m.from(s)
				if d, ok := p.define(from+"."+wanted, depth+1); ok {
					return d, true
				}
			}
		}
		return definition{}, false
	}
	return definition{}, false
}
