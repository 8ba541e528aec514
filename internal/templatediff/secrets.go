package templatediff

import (
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// publicProperties are the environment properties whose values say nothing secret: those that beanpole sets itself.
var publicProperties = func() []string {
	v := overlay.Variables{}.WithDefaults()
	return []string{v.AllowedHosts, v.HealthCheckPath, v.HTTPS, overlay.InstanceIPSource, "DJANGO_SETTINGS_MODULE"}
}()

// suspicious are names of what holds secrets, and values that look like one.
var (
	suspiciousName  = regexp.MustCompile(`(?i)(secret|passw|pwd|token|credential|private.?key|api.?key|auth|connection|dsn|webhook|user.?data)|(^|\.)(Environment|Variables|EnvironmentVariables)(\.|\[|$)`)
	suspiciousWord  = regexp.MustCompile(`[A-Za-z0-9+/_=]{20,}`) // names of AWS have hyphens
	withinReference = regexp.MustCompile(`\$\{[^{}]*\}`)
)

// looksSecret says that a text looks like a secret, wherever it stands: a long word of mixed letters and digits, a key in
// a known form, a password in a URL. ARNs, ids and references are none.
func looksSecret(s string) bool {
	if option.SecretValue(s) != "" {
		return true
	}
	if strings.HasPrefix(s, "arn:") {
		return false
	}
	for _, word := range suspiciousWord.FindAllString(withinReference.ReplaceAllString(s, " "), -1) {
		if strings.ContainsAny(word, "0123456789") && strings.ToLower(word) != word && strings.ToUpper(word) != word {
			return true
		}
	}
	return false
}

// showSetting returns an option's value as it may be shown, false if it may be a secret.
func (c *comparison) showSetting(s *side, id identity, v value) (string, bool) {
	shown := short(text(c.readable(s, v.canonical)))
	_, isFunction := v.canonical.(map[string]any)
	private := strings.HasPrefix(option.Setting{Namespace: id.namespace, OptionName: id.name, Value: "x"}.Shown(), "a value of")
	switch {
	case isFunction && !conditional(v.canonical):
		return shown, true // a reference: the name of what holds the value
	case id.namespace == nsSecrets:
		return shown, strings.HasPrefix(v.text(), "arn:")
	case id.namespace == nsProperties && slices.Contains(publicProperties, id.name):
		return shown, !looksSecret(v.text())
	case harmless(id):
		return shown, true
	case private, id.namespace == "aws:elasticbeanstalk:customoption", suspiciousName.MatchString(id.name):
		return "", false
	}
	return shown, !looksSecret(v.text())
}

// harmless says that an option is published, and that what it takes holds no secret, whatever the option is called.
func harmless(id identity) bool {
	o, ok := option.Lookup(id.namespace, id.name)
	return ok && slices.Contains([]option.Type{option.Integer, option.Number, option.Boolean, option.Choice, option.Duration}, o.Type)
}

// conditional says that a value is an Fn::If, which holds values beside references.
func conditional(v any) bool {
	m, _ := v.(map[string]any)
	_, ok := m["Fn::If"]
	return ok
}

// openServices are those whose properties are shown: what they hold is how things are connected and sized. Of the
// others only the names of properties are.
var openServices = []string{
	"AWS::ApplicationAutoScaling::", "AWS::AutoScaling::", "AWS::CertificateManager::", "AWS::CloudFront::", "AWS::CloudWatch::",
	"AWS::EC2::", "AWS::ElastiCache::", "AWS::ElasticBeanstalk::", "AWS::ElasticLoadBalancing::", "AWS::ElasticLoadBalancingV2::",
	"AWS::IAM::", "AWS::KMS::", "AWS::Logs::", "AWS::RDS::", "AWS::Route53::", "AWS::S3::", "AWS::SNS::", "AWS::SQS::", "AWS::WAFv2::",
}

// showProperty returns a property's value as it may be shown, false if it may be a secret.
func (c *comparison) showProperty(from *side, typ, path string, v any) (string, bool) {
	s := text(v)
	if s == "" {
		return "", true
	}
	shown := short(text(c.readable(from, v)))
	if m, ok := v.(map[string]any); ok {
		if _, _, isFunction := function(m); isFunction && !conditional(v) {
			return shown, true
		}
	}
	open := slices.ContainsFunc(openServices, func(prefix string) bool { return strings.HasPrefix(typ, prefix) })
	// A list or an object has names inside it too.
	if !open || suspiciousName.MatchString(path) || looksSecret(s) || strings.ContainsAny(s, "{[") && suspiciousName.MatchString(s) {
		return "", false
	}
	return shown, true
}

const longest = 120

func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}
