package option

import (
	"strings"
	"testing"
)

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"SECRET_KEY": true, "DB_PASSWORD": true, "db_password": true, "PGPASSWORD": true, "DB_PASS": true, "MYSQL_PWD": true, "GITHUB_TOKEN": true,
		"API_KEY": true, "STRIPE_APIKEY": true, "AWS_SECRET_ACCESS_KEY": true, "STRIPE_KEY": true, "SMTP_CREDENTIALS": true, "FIELD_ENCRYPTION_KEY": true,
		"AUTHTOKEN": true, "CLIENT_SECRET": true, "SECRET_KEY_FALLBACKS": true, "SSH_PASSPHRASE": true, "DB_PASSWD": true, "PASS": true, "REDIS_PASS_2": true, "KEY": true,

		"COMPASS_MODE": false, "BYPASS_CACHE": false, "PASSENGER_COUNT": false, "PASSPORT_MODULE": false, "TOKENIZER": false, "TOKENIZERS_PARALLELISM": false, "PASSWORD_RESET_TIMEOUT": false, "SECRET_ARN": false,
		"SECRET_NAME": false, "TOKEN_URL": false, "ACCESS_TOKEN_LIFETIME": false, "CSRF_TOKEN_HEADER": false, "STRIPE_PUBLISHABLE_KEY": false,
		"RECAPTCHA_PUBLIC_KEY": false, "AWS_ACCESS_KEY_ID": false, "KEYCLOAK_REALM": false, "MONKEY": false, "KEYBOARD": false, "DATABASE_URL": false,
		"ALLOWED_HOSTS": false, "DJANGO_SETTINGS_MODULE": false, "HEALTH_CHECK_PATH": false, "SECURE_SSL_REDIRECT": false, "AUTHOR": false, "": false,
	} {
		if got := SecretName(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestSecretValue(t *testing.T) {
	for value, want := range map[string]string{
		"-----BEGIN PRIVATE KEY-----\nMIIE":      "a private key",
		"-----BEGIN EC PRIVATE KEY-----":         "a private key",
		"AKIA" + strings.Repeat("B", 16):         "an access key of AWS",
		"postgres://u:p@h/db":                    "a password in a URL",
		"redis://:p@h:6379/0":                    "a password in a URL",
		"see https://u:p@h/ for more":            "a password in a URL",
		"{{resolve:secretsmanager:a:b}}":         "a reference that CloudFormation replaces by the secret itself",
		"{{resolve:ssm-secure:/a:1}}":            "a reference that CloudFormation replaces by the secret itself",
		"ghp_" + strings.Repeat("a1", 18):        "a token of GitHub",
		"xoxb-1234567890-abc":                    "a token of Slack",
		"sk_live_" + strings.Repeat("a", 24):     "a key of Stripe",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0I": "a signed token",

		"": "", "postgres://h:5432/db": "", "postgres://u@h/db": "", "https://h/a:b@c": "", "https://h:8443/@me": "", "ops@example.com": "", "-----BEGIN CERTIFICATE-----": "",
		"{{resolve:ssm:/a:1}}": "", "AKIA": "", "mailto:a@b": "", "12:30@noon": "", "arn:aws:iam::123456789012:role/a": "",
	} {
		if got := SecretValue(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestLooksSecret(t *testing.T) {
	for _, c := range []struct {
		setting Setting
		want    string
	}{
		{Setting{OptionName: "DB_PASSWORD", Value: "12345678"}, "is a secret by its name"},
		{Setting{OptionName: "DB_PASSWORD", Value: ""}, ""},
		{Setting{OptionName: "USE_TOKENS", Value: "True"}, ""},
		{Setting{OptionName: "MAX_TOKENS", Value: "4096"}, ""},
		{Setting{OptionName: "TOKEN_BUDGET", Value: "1000000"}, ""},
		{Setting{OptionName: "API_TOKEN", Value: "12345678"}, "is a secret by its name"},
		{Setting{OptionName: "API_TOKEN", Value: "4096a"}, "is a secret by its name"},
		{Setting{OptionName: "SECRET_TOKENS", Value: "4096"}, "is a secret by its name"},
		{Setting{OptionName: "DB_PASSWORD_TOKEN", Value: "4096"}, "is a secret by its name"},
		{Setting{OptionName: "DB_SECRET", Value: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"}, ""},
		{Setting{OptionName: "DB_SECRET", Value: "${Token[TOKEN.1]}", Unresolved: true}, ""},
		{Setting{OptionName: "DB", Value: "postgres://u:${Token[TOKEN.1]}@h", Unresolved: true}, "holds a password in a URL"},
	} {
		if got := LooksSecret(c.setting); got != c.want {
			t.Errorf("%+v: %q, want %q", c.setting, got, c.want)
		}
	}
}
