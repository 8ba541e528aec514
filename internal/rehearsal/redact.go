package rehearsal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
)

// redactor hides the values of secrets in what is shown, in the forms in which programs print them. A nil one hides nothing.
type redactor struct {
	all, long *regexp.Regexp // long: those that need no boundary
	as        map[string]string
}

// shortSecret is a length, in bytes, below which a secret is replaced as a word only: as a part of a word it is a coincidence.
const shortSecret = 6

// switches are values that are no secret under any name, such as USE_API_KEY=true: replaced, they would tear up all text.
var switches = []string{"true", "false", "yes", "no", "on", "off", "none", "null", "0", "1"}

// newRedactor hides the values of the secret variables, and the password of any URL, which a library may print by itself.
func newRedactor(variables []variable) *redactor {
	r := &redactor{as: map[string]string{}}
	hide := func(value, as string) {
		if slices.Contains(switches, strings.ToLower(strings.TrimSpace(value))) {
			return
		}
		for _, form := range formsOf(value) {
			form = string([]rune(form)) // what is no UTF-8, as an expression sees it
			if _, known := r.as[form]; !known && form != "" {
				r.as[form] = "(" + as + ")"
			}
		}
	}
	for _, v := range variables {
		if v.secret && v.value != "sqlite:///:memory:" {
			hide(v.value, "value of "+v.name)
		}
	}
	for _, v := range variables {
		if u, err := url.Parse(v.value); err == nil && u.User != nil {
			if password, ok := u.User.Password(); ok {
				hide(v.value, "value of "+v.name)
				hide(password, "password of "+v.name)
				_, written, _ := strings.Cut(v.value, "://")
				_, written, _ = strings.Cut(written[:strings.LastIndex(written, "@")], ":")
				hide(written, "password of "+v.name)
			}
		}
	}
	var forms, long []string
	for form := range r.as {
		forms = append(forms, form)
	}
	// The longest first: a form may be the beginning of another.
	slices.SortFunc(forms, func(a, b string) int {
		if n := len(b) - len(a); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for i, form := range forms {
		forms[i] = regexp.QuoteMeta(form)
		if len(form) >= shortSecret {
			long = append(long, forms[i])
			continue
		}
		if isWord(form[0]) {
			forms[i] = `\b` + forms[i]
		}
		if isWord(form[len(form)-1]) {
			forms[i] += `\b`
		}
	}
	if len(forms) > 0 {
		r.all = regexp.MustCompile(strings.Join(forms, "|"))
	}
	if len(long) > 0 {
		r.long = regexp.MustCompile(strings.Join(long, "|"))
	}
	return r
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// Replace hides all.
func (r *redactor) Replace(text string) string {
	if r == nil {
		return text
	}
	return r.replace(r.all, text)
}

// replaceLong hides what no other text is taken for, so that it may go before a text is understood.
func (r *redactor) replaceLong(text string) string { return r.replace(r.long, text) }

func (r *redactor) replace(what *regexp.Regexp, text string) string {
	if what == nil {
		return text
	}
	return what.ReplaceAllStringFunc(text, func(found string) string { return r.as[string([]rune(found))] })
}

// formsOf are the ways in which a value comes into a log, an address or a page.
func formsOf(value string) []string {
	query := url.QueryEscape(value)
	quoted := strings.ReplaceAll(query, "+", "%20") // urllib.parse.quote(value, safe="")
	plain := jsonOf(value, false)
	forms := []string{
		value, strings.TrimSpace(value),
		query, quoted, strings.ReplaceAll(quoted, "%2F", "/"), strings.ReplaceAll(query, "%2F", "/"), url.PathEscape(value),
		reprOf(value, false), reprOf(value, true),
		plain, jsonOf(value, true), asciiOf(plain),
		html.EscapeString(value),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;").Replace(value),             // Django's and Python's
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;").Replace(value), // html/template's
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(value)))
		if len(value) < shortSecret {
			continue
		}
		// Behind something else, such as the user of HTTP's basic authentication: the characters that are of the value alone.
		for before := range 3 {
			coded := encoding.EncodeToString(append(make([]byte, before), value...))
			forms = append(forms, coded[(before*8+5)/6:(before+len(value))*8/6])
		}
	}
	return forms
}

// reprOf is the inside of Python's repr of a string, in single quotes with those of the value escaped, or without any escaped.
func reprOf(value string, single bool) string {
	var b strings.Builder
	for _, c := range value {
		switch {
		case c == '\\' || single && c == '\'':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// jsonOf is the inside of a JSON string.
func jsonOf(value string, escapeHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(value) // never fails for a string
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// asciiOf is a JSON string as Python writes it.
func asciiOf(text string) string {
	var b strings.Builder
	for _, c := range text {
		if c < 0x80 {
			b.WriteRune(c)
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// hide hides secrets in what the causes are made of.
func (f *facts) hide(r *redactor) {
	texts := []*string{&f.NginxExit, &f.AppLog, &f.NginxLog, &f.Last.Error, &f.Last.Location, &f.Last.Body}
	if f.Deployment != nil {
		texts = append(texts, &f.Deployment.How, &f.Deployment.Output)
	}
	if d := f.Django; d != nil {
		texts = append(texts, &d.Hang, &d.Location)
		for i := range d.AllowedHosts {
			texts = append(texts, &d.AllowedHosts[i])
		}
		for i := range d.Raised {
			texts = append(texts, &d.Raised[i].Message, &d.Raised[i].Traceback)
		}
		if d.ImportError != nil {
			texts = append(texts, &d.ImportError.Message, &d.ImportError.Traceback)
		}
	}
	for _, text := range texts {
		*text = r.replaceLong(*text)
	}
}
