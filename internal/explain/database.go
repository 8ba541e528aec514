package explain

import (
	"fmt"
	"slices"
	"strings"
)

// finding says whether a piece of code asks the database, and how that is known.
type finding struct {
	asks answer
	// why is "mysite/health.py:12: connection.cursor()" if it does, and what could not be followed if that is unknown.
	why string
}

// asks follows a function or class of the bundle through all that it calls.
func (p *project) asks(d definition) finding {
	return p.follow(d, map[string]bool{})
}

func (p *project) follow(d definition, seen map[string]bool) finding {
	if seen[d.full()] {
		return finding{asks: no}
	}
	seen[d.full()] = true
	m := d.module
	body := append([]statement{d.head()}, block(m.statements, d.at)...)
	for i := d.at - 1; i >= 0 && m.statements[i].starts("@"); i-- {
		body = append(body, m.statements[i])
	}
	result := finding{asks: no}
	local := map[string]bool{}
	for _, s := range body {
		for i, t := range s.tokens { // parameters, targets of assignments, loops and with
			if t.kind == isName && (i+1 < len(s.tokens) && (s.tokens[i+1].text == "=" || s.tokens[i+1].text == ",") || i > 0 && (s.tokens[i-1].text == "as" || s.tokens[i-1].text == "for")) {
				local[t.text] = true
			}
		}
		if s.starts("def") || s.starts("async", "def") {
			for _, t := range s.tokens {
				local[t.text] = true
			}
		}
		if s.indent > 0 {
			m.take(s) // an import inside a function
		}
	}
	for _, s := range body {
		if f := p.statement(m, s, local, seen); f.asks == yes {
			return f
		} else if f.asks == unknown && result.asks == no {
			result = f
		}
	}
	return result
}

func (p *project) statement(m *module, s statement, local, seen map[string]bool) finding {
	result := finding{asks: no}
	if s.starts("import") || s.starts("from") {
		return result
	}
	tokens := s.tokens
	inherits := s.starts("class")
	switch {
	case inherits:
		tokens = tokens[min(2, len(tokens)):]
	case s.starts("def") || s.starts("async", "def"):
		return result
	}
	for i := 0; i < len(tokens); i++ {
		if tokens[i].kind != isName || i > 0 && tokens[i-1].text == "." {
			if tokens[i].kind == isName && i+1 < len(tokens) && tokens[i+1].text == "(" && slices.Contains(databaseMethods, tokens[i].text) {
				return finding{yes, fmt.Sprintf("%s:%d: .%s()", m.file, tokens[i].line, tokens[i].text)}
			}
			continue
		}
		full, n := dotted(tokens[i:])
		called := i+n < len(tokens) && tokens[i+n].text == "(" || s.starts("@")
		where := fmt.Sprintf("%s:%d: %s", m.file, tokens[i].line, full)
		if called && !s.starts("@") {
			where += "()"
		}
		parts := strings.Split(full, ".")
		method := parts[len(parts)-1]
		if slices.Contains(parts[1:], "objects") || slices.Contains(parts[1:], "_default_manager") || called && len(parts) > 1 && slices.Contains(databaseMethods, method) {
			return finding{yes, where}
		}
		i += n - 1
		_, imported := m.imports[parts[0]]
		if !called && !imported && !(inherits && !local[parts[0]]) || local[parts[0]] && !imported {
			continue
		}
		f := p.name(m, full, called || inherits, where, local, seen)
		if f.asks == yes {
			return f
		} else if f.asks == unknown && result.asks == no {
			result = f
		}
	}
	return result
}

// databaseMethods are those of Django's connections, models and query sets that no other object commonly has.
var databaseMethods = []string{"cursor", "ensure_connection", "is_usable", "refresh_from_db", "bulk_create", "get_or_create", "update_or_create", "fetchone", "fetchall", "executemany", "execute"}

// databaseNames are what asks the database when it is called or, of some, when it is used.
var databaseNames = []string{
	"django.db.connection", "django.db.connections", "django.db.transaction.atomic", "django.shortcuts.get_object_or_404", "django.shortcuts.get_list_or_404",
	"django.core.management.call_command", "psycopg.connect", "psycopg2.connect", "MySQLdb.connect", "pymysql.connect", "sqlite3.connect",
	"django.contrib.sites.models.Site", "django.contrib.sites.shortcuts.get_current_site", "django.contrib.auth.get_user_model",
	"django.views.generic.ListView", "django.views.generic.DetailView",
}

// quiet are modules whose functions and classes ask no database.
var quiet = []string{
	"django.http", "django.views.decorators", "django.views.generic", "django.views.View", "django.utils", "django.conf", "django.urls", "django.shortcuts.render",
	"django.shortcuts.redirect", "django.template", "django.middleware", "django.core.exceptions", "django.core.signing", "django.views", "django.get_version", "django.VERSION",
	"rest_framework.response", "rest_framework.decorators", "rest_framework.status", "rest_framework.permissions", "asgiref.sync",
	"abc", "base64", "collections", "contextlib", "dataclasses", "datetime", "enum", "functools", "gc", "hashlib", "hmac", "importlib", "inspect", "io", "ipaddress", "itertools", "json", "logging",
	"math", "operator", "os", "pathlib", "platform", "re", "secrets", "shutil", "socket", "string", "sys", "threading", "time", "traceback", "types", "typing", "uuid",
}

func among(full string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return full == n || strings.HasPrefix(full, n+".") })
}

// builtins of Python that are called in views; others are rare.
var builtins = strings.Fields(`abs all any bool bytes callable dict dir enumerate filter float format frozenset getattr hasattr hash id int isinstance issubclass iter len list map max min next
	object open print property range repr reversed round set setattr slice sorted staticmethod classmethod str sum super tuple type vars zip
	Exception BaseException ValueError TypeError KeyError RuntimeError OSError AttributeError ImportError NotImplementedError StopIteration
	if elif else for while in not and or return yield await assert raise except with lambda is del print`)

// name judges a name that a module uses: one of its own, an imported one, or one of Python.
func (p *project) name(m *module, full string, called bool, where string, local, seen map[string]bool) finding {
	first, _, _ := strings.Cut(full, ".")
	resolved := m.resolve(full)
	if _, imported := m.imports[first]; imported {
		switch {
		case among(resolved, databaseNames):
			return finding{yes, where}
		case among(resolved, quiet):
			return finding{asks: no}
		}
		if p.module(resolved) != nil {
			return finding{asks: no} // the module itself
		}
		if d, ok := p.define(resolved, 0); ok {
			if isModel(d) {
				return finding{asks: unknown, why: where + ", a model"}
			}
			return p.follow(d, seen)
		}
		if !called {
			return finding{asks: no}
		}
		if root, _, _ := strings.Cut(resolved, "."); p.module(root) != nil {
			return finding{asks: unknown, why: where + ", which is not followed"}
		}
		return finding{asks: unknown, why: where + ", which is not in the bundle"}
	}
	if d, ok := p.define(resolved, 0); ok {
		return p.follow(d, seen)
	}
	if slices.Contains(builtins, full) || local[first] || !called {
		return finding{asks: no}
	}
	for _, s := range m.statements { // a variable of the module, such as a logger
		if s.indent == 0 && s.starts(first, "=") {
			return p.statement(m, statement{tokens: s.tokens[2:]}, local, seen)
		}
	}
	return finding{asks: unknown, why: where + ", which is not followed"}
}

// isModel guesses whether a class is a model of the database.
func isModel(d definition) bool {
	return d.head().starts("class") && slices.ContainsFunc(d.head().tokens, func(t token) bool { return strings.HasSuffix(t.text, "Model") || t.text == "models" })
}

// view returns the definition that an expression of a URLconf names, or what it is called if it is not in the bundle.
func (p *project) view(r routed) (d definition, full string, ok bool) {
	tokens := r.view
	for {
		name, n := dotted(tokens)
		if n == 0 || starts(tokens, "lambda") {
			return d, "", false
		}
		method := strings.HasSuffix(name, ".as_view")
		full = r.module.resolve(strings.TrimSuffix(name, ".as_view"))
		if n == len(tokens) || method {
			d, ok = p.define(full, 0)
			return d, full, ok
		}
		if tokens[n].text != "(" { // not a decorator around the view
			return d, "", false
		}
		tokens, _ = group(tokens[n:])
	}
}
