package rehearsal

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"os/exec"
	"strings"
	"testing"
)

// What Python and Go print of a secret: whatever the form, nothing of it stays.
func TestSecretsAreHiddenInEveryForm(t *testing.T) {
	python := `import sys, json, base64, html
from urllib.parse import quote, quote_plus
v = sys.argv[1]
for form in (v, quote(v), quote(v, safe=""), quote_plus(v), repr(v), repr(v + "'"), repr([v]), json.dumps(v), json.dumps(v, ensure_ascii=False), html.escape(v),
             base64.b64encode(v.encode()).decode(), base64.urlsafe_b64encode(v.encode()).decode()):
    print(json.dumps(form))`
	for _, secret := range []string{"hunter2/hunter2+xx&y", `tok'en"back\slash`, "it's/secret", `say"quote`, "two  spaces here", "-----BEGIN-----\nabc\tdef\n", "schlüssel-🔑-wort", "<b>old</b>", "admin", "a'b", "p w"} {
		t.Run(secret, func(t *testing.T) {
			r := newRedactor([]variable{{name: "API_TOKEN", value: secret, secret: true}})
			out, err := exec.Command("python3", "-c", python, secret).Output()
			if err != nil {
				t.Fatal(err)
			}
			goJSON, _ := json.Marshal(secret)
			forms := []string{string(goJSON), fmt.Sprintf("%q", secret), template.HTMLEscapeString(secret), url.PathEscape(secret), url.QueryEscape(secret)}
			for line := range strings.Lines(string(out)) {
				var form string
				if err := json.Unmarshal([]byte(line), &form); err != nil {
					t.Fatal(err)
				}
				forms = append(forms, form)
			}
			for _, form := range forms {
				got := r.Replace(form)
				if rest := strings.Trim(strings.ReplaceAll(got, "(value of API_TOKEN)", ""), `'"[]\`); rest != "" || got == form {
					t.Errorf("of %q stays %q", form, got)
				}
			}
		})
	}
	r := newRedactor([]variable{{name: "API_TOKEN", value: "hunter2hunter2", secret: true}})
	for _, user := range []string{"", "a", "ab", "abc"} {
		basic := base64.StdEncoding.EncodeToString([]byte(user + ":hunter2hunter2"))
		if got := r.Replace("Basic " + basic); !strings.Contains(got, "(value of API_TOKEN)") {
			t.Errorf("behind the user %q: %q", user, got)
		}
	}
}

func TestShortSecretsAreHiddenAsWords(t *testing.T) {
	r := newRedactor([]variable{
		{name: "DB_PASSWORD", value: "admin", secret: true}, {name: "USE_API_KEY", value: "True", secret: true}, {name: "NO_KEY", value: "", secret: true},
		{name: "PIN_KEY", value: "42", secret: true}, {name: "BROKER", value: "amqp://me:a%2fb@mq/"}, {name: "STAGE", value: "live"},
		{name: "ODD_KEY", value: "abc\xffdef", secret: true},
	})
	for text, want := range map[string]string{
		"password 'admin', administrators": "password '(value of DB_PASSWORD)', administrators",
		"True is live":                     "True is live",
		"42 of 420":                        "(value of PIN_KEY) of 420",
		"a%2fb, a/b, a%2Fb":                "(password of BROKER), (password of BROKER), (password of BROKER)",
		"bytes abc\xffdef":                 "bytes (value of ODD_KEY)",
		"a summary cut at the end of ad":   "a summary cut at the end of ad",
	} {
		if got := r.Replace(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := (*redactor)(nil).Replace("as it is"); got != "as it is" {
		t.Errorf("got %q", got)
	}
}

// A summary is one line of limited length: a secret at its end, or one of several lines, is hidden before that.
func TestSecretsAreHiddenBeforeASummaryIsCut(t *testing.T) {
	f := boot("ValueError: " + strings.Repeat("x", 180) + " hunter2hunter2hunter2")
	f.Django = &django{Raised: []raised{{Message: "hunter2hunter2hunter2"}}}
	f.hide(newRedactor([]variable{{name: "API_TOKEN", value: "hunter2hunter2hunter2", secret: true}}))
	if c := causes(f, situation{})[0]; strings.Contains(c.Summary+c.Detail+f.Django.Raised[0].Message, "hunter2") {
		t.Errorf("got %+v", c)
	}
}
