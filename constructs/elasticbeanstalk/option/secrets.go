package option

import (
	"regexp"
	"strings"
)

var (
	// Words of their own only where they are parts of others: DB_PASS, not COMPASS_MODE; API_TOKEN, not TOKENIZER.
	secretName = regexp.MustCompile(`(?i)secret|passw|passphrase|passcode|(^|_)(pass|pwd)(_|$)|tokens?(_|$)|credential|` +
		`(api|access|private|encryption|signing|account|license)_?key|(^|_)key$`)
	// What is said about a secret, and keys that everybody may have.
	publicName = regexp.MustCompile(`(?i)_(url|uri|host|port|name|header|cookie|path|file|dir|id|arn|region|algorithm|class|backend|prefix|suffix|` +
		`version|ttl|timeout|lifetime|age|expiry|expires|expiration|interval|length|size|count|limit|enabled|required|days|hours|minutes|seconds)$|` +
		`(public|publishable|partition|sort|primary|foreign|cache|site)_?key`)
	// Tokens are counted too: those of a language model, as in MAX_TOKENS.
	tokenWord = regexp.MustCompile(`(?i)tokens?(_|$)`)
	someCount = regexp.MustCompile(`^[0-9]{1,7}$`)
	// What has only two values keeps nothing.
	publicValue = regexp.MustCompile(`(?i)^(|0|1|true|false|yes|no|on|off|none)$`)
)

// SecretName says whether an environment property of this name holds a secret by all appearances, as DB_PASSWORD does and
// PASSWORD_RESET_TIMEOUT does not.
func SecretName(name string) bool {
	return secretName.MatchString(name) && !publicName.MatchString(name)
}

var secretValues = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)},
	{"an access key of AWS", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"a password in a URL", regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/@\s:]*:[^/@\s]+@`)},
	{"a reference that CloudFormation replaces by the secret itself", regexp.MustCompile(`\{\{resolve:(secretsmanager|ssm-secure):`)},
	{"a signed token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}`)},
	{"a token of GitHub", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`)},
	{"a token of GitLab", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a token of Slack", regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}`)},
	{"a key of Stripe", regexp.MustCompile(`\b[rs]k_(live|test)_[A-Za-z0-9]{10,}`)},
}

// SecretValue says what a value holds that is a secret wherever it stands, such as "a private key", "" if it holds nothing
// of the kind.
func SecretValue(value string) string {
	for _, s := range secretValues {
		if s.pattern.MatchString(value) {
			return s.kind
		}
	}
	return ""
}

// LooksSecret says why an environment property seems to hold a secret in plain text, "" if it does not. A value that only
// a deployment knows is judged by what is known of it.
func LooksSecret(s Setting) string {
	if kind := SecretValue(s.Value); kind != "" {
		return "holds " + kind
	}
	switch {
	case !SecretName(s.OptionName), s.Unresolved, publicValue.MatchString(s.Value), strings.HasPrefix(s.Value, "arn:"):
		return ""
	case someCount.MatchString(s.Value) && !SecretName(tokenWord.ReplaceAllString(s.OptionName, "")):
		return ""
	}
	return "is a secret by its name"
}
