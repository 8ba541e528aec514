package source

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

// variablesOf are the names of the environment variables that the project's settings read, as far as their text shows it:
// the props with which a deployment of it would be written. Fields that are given stay. found says what was taken from
// where.
func variablesOf(files *bundle.Reader, wsgi string, given overlay.Variables) (v overlay.Variables, found []string) {
	v = given
	for _, setting := range []struct {
		name  string
		field *string
	}{
		{"ALLOWED_HOSTS", &v.AllowedHosts},
		{"SECRET_KEY", &v.SecretKey},
		{"SECURE_SSL_REDIRECT", &v.HTTPS},
	} {
		hosts := setting.field == &v.AllowedHosts
		file, variable, separator := readSetting(files, wsgi, setting.name, *setting.field)
		if variable == "" {
			continue
		}
		if *setting.field == "" && variable != setting.name {
			*setting.field = variable
			found = append(found, fmt.Sprintf("%s from %s", setting.name, variable))
		}
		if hosts && v.AllowedHostsSeparator == "" && separator == "," {
			v.AllowedHostsSeparator = separator
			found = append(found, "hosts separated by commas")
		}
		if n := len(found); n > 0 && !strings.Contains(found[n-1], " (") {
			found[n-1] += " (" + file + ")"
		}
	}
	if v.Validate() != nil { // a guess must not be refused in the user's name
		return given, nil
	}
	return v, found
}

// mayHoldHosts is the variable that the settings read in a roundabout way where they make ALLOWED_HOSTS: by a name of their own
// that is assigned elsewhere, or under a condition. Whether it holds the hosts is for people to say.
func mayHoldHosts(files *bundle.Reader, wsgi string) (v overlay.Variables) {
	best := -1
	for _, name := range files.Names() {
		rank := settingsRank(name, wsgi)
		if !strings.HasSuffix(name, ".py") || !settingsFile.MatchString(name) || rank <= best {
			continue
		}
		content, err := files.ReadFile(name)
		if err != nil {
			continue
		}
		text := string(content)
		for _, at := range hostsLine.FindAllStringIndex(text, -1) {
			before := strings.TrimRight(text[:at[0]], " \t\n")
			candidates := []string{expressionAt(text[at[0]:])}
			for _, word := range identifier.FindAllString(candidates[0], -1) {
				for _, made := range regexp.MustCompile(`(?m)^[ \t]*`+word+`[ \t]*(?::[^=\n]+)?[+|]?=[ \t]*`).FindAllStringIndex(text, -1) {
					candidates = append(candidates, expressionAt(text[made[1]:]))
				}
			}
			if strings.HasSuffix(before, ":") { // the condition or the loop that the line stands in
				candidates = append(candidates, before[strings.LastIndex(before, "\n")+1:])
			}
			for _, c := range candidates {
				m := variableRead.FindStringSubmatch(c)
				if m == nil || m[1] == "ALLOWED_HOSTS" {
					continue
				}
				best, v = rank, overlay.Variables{AllowedHosts: m[1]}
				if commas.MatchString(c) {
					v.AllowedHostsSeparator = ","
				}
				break
			}
		}
	}
	return v
}

var (
	hostsLine  = regexp.MustCompile(`(?m)^[^#\n]*\bALLOWED_HOSTS\b`)
	identifier = regexp.MustCompile(`\b[A-Za-z_]\w*\b`)
)

// readSetting finds the file whose assignment of a setting reads a variable, the wanted one if it is given.
func readSetting(files *bundle.Reader, wsgi, setting, wanted string) (file, variable, separator string) {
	assignment := regexp.MustCompile(`(?m)^[ \t]*` + setting + `[ \t]*(?::[^=\n]+)?[+|]?=[ \t]*`)
	best := -1
	for _, name := range files.Names() {
		if !strings.HasSuffix(name, ".py") || !settingsFile.MatchString(name) {
			continue
		}
		rank := settingsRank(name, wsgi)
		if rank <= best {
			continue
		}
		content, err := files.ReadFile(name)
		if err != nil {
			continue
		}
		text := string(content)
		for _, at := range assignment.FindAllStringIndex(text, -1) {
			expression := expressionAt(text[at[1]:])
			m := variableRead.FindStringSubmatch(expression)
			if m == nil || wanted != "" && m[1] != wanted {
				continue
			}
			best, file, variable, separator = rank, name, m[1], ""
			if commas.MatchString(expression) {
				separator = ","
			}
		}
	}
	return file, variable, separator
}

var (
	settingsFile = regexp.MustCompile(`(^|/)(settings|config|conf|core)(/|[\w-]*\.py$)|(^|/)[\w-]*settings[\w-]*\.py$`)
	// os.environ["X"], os.environ.get("X"), os.getenv("X"), env("X"), env.list("X"), config("X"): a call or an index with a
	// name in capital letters.
	variableRead = regexp.MustCompile(`(?:environ(?:\.get)?|getenv|env(?:\.\w+)?|config|get_env\w*|\w*_env)\s*[\[(]\s*["']([A-Z][A-Z0-9_]+)["']`)
	commas       = regexp.MustCompile(`\.split\(\s*["'],\s*["']|Csv\(|\.list\(|=\s*list\b|\.get_list\(`)
)

// settingsRank prefers the settings of production and, before that, those that the WSGI module is a neighbour of.
func settingsRank(name, wsgi string) int {
	rank := 0
	switch {
	case regexp.MustCompile(`prod|live|deploy`).MatchString(name):
		rank = 3
	case regexp.MustCompile(`base|common|defaults|__init__|settings\.py$`).MatchString(name):
		rank = 2
	case regexp.MustCompile(`test|dev|local|ci\b`).MatchString(name):
		rank = 0
	default:
		rank = 1
	}
	if i := strings.LastIndex(wsgi, ".wsgi"); i > 0 && strings.HasPrefix(name, strings.ReplaceAll(wsgi[:i], ".", "/")+"/") {
		rank += 10
	}
	return rank
}

// expressionAt is the expression that a text begins with: to the end of its line, or of its brackets.
func expressionAt(text string) string {
	depth := 0
	for i, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '\n':
			if depth <= 0 && !strings.HasSuffix(text[:i], `\`) {
				return text[:i]
			}
		}
	}
	return text
}

// localSettings are modules that projects keep out of version control, and so, by .gitignore, out of the bundle.
var localSettings = []string{"!local_settings.py", "!settings_local.py", "!local.py"}

// leftOutOf says which files of a project do not come into its bundle, of those that its settings may count on; kept are
// those that do, sorted.
func leftOutOf(project bundle.Source, kept []string) []string {
	everything := bundle.Source{Path: project.Path, Exclude: slices.Clone(localSettings)}
	for _, pattern := range project.Exclude {
		if !strings.HasPrefix(pattern, "!") {
			everything.Exclude = append(everything.Exclude, "!"+pattern)
		}
	}
	all, err := everything.Open()
	if err != nil {
		return nil
	}
	defer all.Close()
	return slices.DeleteFunc(all.Names(), func(name string) bool {
		_, found := slices.BinarySearch(kept, name)
		return found
	})
}
