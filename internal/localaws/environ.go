package localaws

import (
	"fmt"
	"slices"
	"strings"
)

// variables are what a client needs to see the local AWS and nothing else. The credentials are no secret: any are accepted.
func (s Server) variables() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL(),
		"AWS_ACCESS_KEY_ID=testing",
		"AWS_SECRET_ACCESS_KEY=testing",
		"AWS_REGION=" + Region,
		"AWS_DEFAULT_REGION=" + Region,
		"AWS_CONFIG_FILE=/dev/null", // profiles, SSO, credential processes, endpoints of the user's own
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=",
		"CDK_DEFAULT_ACCOUNT=" + Account,
		"CDK_DEFAULT_REGION=" + Region,
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"CDK_DISABLE_VERSION_CHECK=true", // asks the npm registry
		"CDK_NOTICES=false",              // asks a web site
	}
}

// replaced reports whether a variable could lead a client to a real account or past the endpoint.
func replaced(name string) bool {
	return strings.HasPrefix(name, "AWS_") || slices.Contains([]string{
		"CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "CDK_PROFILE", "CDK_ROLE_ARN", "CDK_PROXY", "CDK_EC2CREDS",
		"CDK_DISABLE_CLI_TELEMETRY", "CDK_DISABLE_VERSION_CHECK", "CDK_NOTICES",
		"BOTO_CONFIG",
	}, name)
}

// noProxy are the hosts that must not be asked through a proxy, added to those of base.
func noProxy(base []string) []string {
	hosts := "127.0.0.1,localhost"
	var out []string
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		value := hosts
		for _, pair := range base {
			if given, ok := strings.CutPrefix(pair, name+"="); ok && given != "" {
				value = hosts + "," + given
			}
		}
		out = append(out, name+"="+value)
	}
	return out
}

// Environ returns the environment base, pairs of the form NAME=value, changed so that every AWS client in it talks to this
// server and to no other: all variables whose names begin with AWS_ are taken out, files of profiles and the metadata
// service are switched off, the endpoint and made-up credentials are put in.
func (s Server) Environ(base []string) []string {
	var out []string
	for _, pair := range base {
		name, _, _ := strings.Cut(pair, "=")
		if !replaced(name) && name != "NO_PROXY" && name != "no_proxy" {
			out = append(out, pair)
		}
	}
	return append(append(out, s.variables()...), noProxy(base)...)
}

// Shell returns the same change as lines for a POSIX shell: base is the environment of that shell.
func (s Server) Shell(base []string) string {
	var b strings.Builder
	set := append(s.variables(), noProxy(base)...)
	for _, pair := range base {
		name, _, _ := strings.Cut(pair, "=")
		again := slices.ContainsFunc(set, func(p string) bool { return strings.HasPrefix(p, name+"=") })
		if replaced(name) && !again && shellName(name) {
			fmt.Fprintf(&b, "unset %s\n", name)
		}
	}
	for _, pair := range set {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return b.String()
}

// shellName reports whether a shell can have a variable of that name: what else the environment holds, a shell neither
// sees nor passes on as its own.
func shellName(name string) bool {
	for i, c := range name {
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
