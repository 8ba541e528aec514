package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/beanpole-cdk/internal/template"
)

// Warning is something in a bundle that Elastic Beanstalk accepts and that then does nothing, or not what it seems to do,
// on the Amazon Linux 2023 platforms.
type Warning struct {
	// Rule names the kind in kebab case, such as "procfile-port".
	Rule string `json:"rule"`
	// File is the file's name in the bundle, Line where in it, 0 if that says nothing.
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// String is the warning on one line.
func (w Warning) String() string {
	where := w.File
	if w.Line > 0 {
		where += fmt.Sprintf(":%d", w.Line)
	}
	return fmt.Sprintf("%s: %s [%s]", where, w.Message, w.Rule)
}

// Lint returns what in the bundle, overlay included, silently does nothing, sorted by file. What the environment sets by
// itself is asked of stack: the value of an option setting (empty if only a deployment knows it), and whether it is set.
// A nil stack sets nothing. The error says that the source cannot be read.
//
// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.html
func (s Source) Lint(stack func(namespace, option string) (value string, set bool)) ([]Warning, error) {
	r, err := s.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if stack == nil {
		stack = func(string, string) (string, bool) { return "", false }
	}
	l := linter{reader: r, stack: stack}
	l.extensions()
	l.hooks()
	l.proxy()
	l.procfile()
	l.others()
	slices.SortStableFunc(l.warnings, func(a, b Warning) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return l.warnings, errors.Join(l.problems...)
}

type linter struct {
	reader   *Reader
	stack    func(namespace, option string) (string, bool)
	own      []template.Setting // of the bundle's .ebextensions
	warnings []Warning
	problems []error
}

func (l *linter) warn(rule, file string, line int, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{Rule: rule, File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

// maxLinted is the size up to which a file is read: what a platform reads is written by hand.
const maxLinted = 1 << 20

// read returns a file's content, nil if there is none that can be judged.
func (l *linter) read(name string) []byte {
	e, found := l.reader.find(name)
	if !found || e.size > maxLinted {
		return nil
	}
	content, err := e.read()
	if err != nil {
		l.problems = append(l.problems, fmt.Errorf("%s: %w", name, err))
	}
	return content
}

// below returns the names of the files below a directory, each without it.
func (l *linter) below(dir string) []string {
	var names []string
	entries := l.reader.tree.entries
	i, _ := slices.BinarySearchFunc(entries, dir+"/", func(e entry, name string) int { return strings.Compare(e.name, name) })
	for ; i < len(entries) && strings.HasPrefix(entries[i].name, dir+"/"); i++ {
		names = append(names, entries[i].name[len(dir)+1:])
	}
	return names
}

// option returns the value of an option: the stack's, else that of the bundle's .ebextensions, else "".
func (l *linter) option(namespace, name string) string {
	if value, set := l.stack(namespace, name); set {
		return value
	}
	value := ""
	for _, s := range l.own {
		if s.Namespace == namespace && s.OptionName == name {
			value = s.Value
		}
	}
	return value
}

const (
	properties = "aws:elasticbeanstalk:application:environment"
	python     = "aws:elasticbeanstalk:container:python"
	proxy      = "aws:elasticbeanstalk:environment:proxy"
)

func (l *linter) extensions() {
	for _, name := range l.below(".ebextensions") {
		file := ".ebextensions/" + name
		dir, inside, _ := strings.Cut(name, "/")
		switch ext := path.Ext(name); {
		case inside != "" && (dir == "nginx" || dir == "httpd"):
			l.warn("old-platform", file, 0, "the proxy's configuration is read from .platform/%s since Amazon Linux 2; move it there", dir)
		case inside != "" && ext == ".config":
			l.warn("extension-unread", file, 0, "only the files directly in .ebextensions are read; move it up")
		case inside == "" && slices.Contains([]string{".yml", ".yaml", ".json", ".conf", ".cfg"}, strings.ToLower(ext)):
			l.warn("extension-unread", file, 0, "only files that end in .config are read; rename it to %s.config", strings.TrimSuffix(name, ext))
		case inside == "" && ext == ".config":
			l.extension(file, l.read(file))
		}
	}
}

// extension looks at one configuration file.
func (l *linter) extension(file string, content []byte) {
	config, err := template.ParseConfig(file, content)
	if err != nil {
		l.warn("extension-unreadable", file, 0, "it cannot be read: %s", strings.TrimPrefix(err.Error(), file+": "))
		return
	}
	for _, p := range config.Problems {
		l.warn(p.Rule, file, p.Line, "%s", p.Message)
	}
	_, procfile := l.reader.find("Procfile")
	for _, s := range config.Settings {
		l.own = append(l.own, s)
		value, set := l.stack(s.Namespace, s.OptionName)
		switch {
		case set && (value != s.Value || s.Unresolved):
			l.warn("option-overridden", file, s.Line, "%s %s: the environment sets it itself, which wins; remove it here, or set it there", s.Namespace, s.OptionName)
		case !set && procfile && s.Namespace == python && slices.Contains([]string{"WSGIPath", "NumProcesses", "NumThreads"}, s.OptionName):
			l.warn("procfile-overrides", file, s.Line, "%s: the bundle has a Procfile, whose command counts instead; write it there", s.OptionName)
		}
	}
	var document yaml.Node
	if yaml.Unmarshal(content, &document) != nil || len(document.Content) == 0 {
		return
	}
	for _, files := range members(document.Content[0], "files") {
		for target := range members(files, "") {
			l.path(file, target.Line, target.Value, "files: "+target.Value)
		}
	}
	for _, section := range []string{"commands", "container_commands"} {
		for _, commands := range members(document.Content[0], section) {
			for name, body := range members(commands, "") {
				l.command(file, section, name, body)
			}
		}
	}
}

// members yields the keys and values of a map: all of them, or those of one name.
func members(n *yaml.Node, name string) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if (name == "" || n.Content[i].Value == name) && !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func (l *linter) command(file, section string, name, body *yaml.Node) {
	what := section + ": " + name.Value
	for key, value := range members(body, "") {
		switch key.Value {
		case "leader_only":
			if section == "commands" {
				l.warn("leader-only", file, key.Line, "%s: leader_only is known to container_commands only; here the file is passed over for it, or the command runs on every instance", what)
			}
		case "command":
			text := value.Value
			if value.Kind == yaml.SequenceNode {
				var words []string
				for _, word := range value.Content {
					words = append(words, word.Value)
				}
				text = strings.Join(words, " ")
			}
			l.path(file, value.Line, text, what)
			l.environmentFile(file, value.Line, text, what)
			if onlyExport.MatchString(text) {
				l.warn("command-export", file, value.Line, "%s: what it exports ends with the command; the app does not see it; make it an environment property", what)
			}
		}
	}
}

var (
	onlyExport = regexp.MustCompile(`^\s*export\s+[A-Za-z_][^;&|\n]*\s*$`)
	// What the platforms before Amazon Linux 2 had.
	oldPath = regexp.MustCompile(`/opt/python/|/opt/elasticbeanstalk/(hooks|support|addons)/|/opt/elasticbeanstalk/containerfiles/`)
	// The proxy's configuration, which the platform puts together in /var/proxy/staging and copies here after the commands.
	proxyPath = regexp.MustCompile(`/etc/(nginx|httpd)/`)
	toEnvFile = regexp.MustCompile(`(>>?|\btee(\s+-a)?)\s*["']?/opt/elasticbeanstalk/deployment/env\b`)
)

// path looks for paths on the instance that mean nothing there, or not for long.
func (l *linter) path(file string, line int, text, what string) {
	if m := oldPath.FindString(text); m != "" {
		l.warn("old-platform", file, line, "%s: nothing looks into %s since Amazon Linux 2; use .platform/hooks, /var/app and /opt/elasticbeanstalk/bin/get-config", what, m)
	}
	if m := proxyPath.FindStringSubmatch(text); m != nil {
		l.warn("proxy-overwritten", file, line, "%s: the platform writes /etc/%s anew later in the deployment; use .platform/%[2]s", what, m[1])
	}
}

func (l *linter) environmentFile(file string, line int, text, what string) {
	if toEnvFile.MatchString(text) {
		l.warn("environment-file", file, line, "%s: the platform writes that file anew after the hooks predeploy; make it an environment property", what)
	}
}

var stages = []string{"prebuild", "predeploy", "postdeploy"}

// wrongStages are what people call the directories of hooks, or what they were called on the platforms before Amazon Linux 2.
var wrongStages = map[string]string{
	"build": "prebuild", "deploy": "predeploy", "pre": "predeploy", "post": "postdeploy", "postbuild": "predeploy",
	"preinit": "prebuild", "postinit": "postdeploy", "appdeploy": "predeploy", "configdeploy": "predeploy", "enact": "postdeploy",
}

func fold(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }

// hooks looks at what the platform runs during a deployment.
func (l *linter) hooks() {
	kinds := map[string][]string{}
	for _, name := range l.below(".platform") {
		kind, rest, inside := strings.Cut(name, "/")
		switch folded := strings.TrimSuffix(fold(kind), "s"); {
		case !inside:
			continue
		case kind != "hooks" && folded == "hook":
			l.warn("hook-unread", ".platform/"+name, 0, "the directory is called .platform/hooks")
		case kind != "confighooks" && (folded == "confighook" || folded == "configurationhook"):
			l.warn("hook-unread", ".platform/"+name, 0, "the directory is called .platform/confighooks")
		case kind == "hooks" || kind == "confighooks":
			kinds[kind] = append(kinds[kind], l.stage(kind, rest)...)
		}
	}
	missing := func(in, from, consequence string) {
		var names []string
		for _, hook := range kinds[in] {
			if !slices.Contains(kinds[from], hook) {
				names = append(names, hook)
			}
		}
		if names == nil {
			return
		}
		few := strings.Join(names[:min(len(names), 4)], ", ")
		if more := len(names) - 4; more > 0 {
			few += fmt.Sprintf(" and %d more", more)
		}
		l.warn("hook-in-one-tree", ".platform/"+in, 0, "%s: not in .platform/%s, so %s; put a copy there, unless that is meant", few, from, consequence)
	}
	missing("hooks", "confighooks", "a change of an environment property deploys the app anew without it")
	missing("confighooks", "hooks", "a new version and a new instance are deployed without it")
}

// stage looks at one hook, and returns it if the platform runs it.
func (l *linter) stage(kind, rest string) []string {
	file := ".platform/" + kind + "/" + rest
	stage, name, inside := strings.Cut(rest, "/")
	switch {
	case document(path.Base(rest)):
	case !inside:
		l.warn("hook-unread", file, 0, "hooks are run from the directories %s only; move it into one of them", strings.Join(stages, ", "))
	case slices.Contains(stages, stage) && strings.Contains(name, "/"):
		// A directory beside the hooks, whose files they may use.
	case slices.Contains(stages, stage):
		if content := l.read(file); stage != "postdeploy" && bytes.HasPrefix(content, []byte("#!")) {
			for i, line := range strings.Split(string(content), "\n") {
				l.environmentFile(file, i+1, line, "the hook")
			}
		}
		return []string{rest}
	default:
		right := wrongStages[fold(stage)]
		if slices.Contains(stages, fold(stage)) {
			right = fold(stage)
		}
		if right != "" {
			l.warn("hook-unread", file, 0, "the platform runs no hooks from a directory %s; it is called %s", stage, right)
		}
	}
	return nil
}

// document says that a file is there for people or for git.
func document(name string) bool {
	upper := strings.ToUpper(name)
	return strings.HasPrefix(upper, "README") || strings.HasSuffix(upper, ".MD") || strings.HasPrefix(name, ".git") || name == ".keep"
}

func (l *linter) proxy() {
	server := "nginx"
	if value := l.option(proxy, "ProxyServer"); value != "" {
		server = strings.ToLower(value)
	}
	directory := map[string]string{"nginx": "nginx", "apache": "httpd"}
	for name, dir := range directory {
		files := l.below(".platform/" + dir)
		if len(files) > 0 && server != name {
			l.warn("proxy-not-used", ".platform/"+dir, 0, "the environment's ProxyServer is %s, so nothing here is read", server)
		}
		_, whole := l.reader.find(".platform/" + dir + "/" + dir + ".conf")
		if whole || server != name {
			continue // a configuration of its own includes what it likes
		}
		for _, file := range files {
			inConfD := path.Dir(file) == "conf.d" || path.Dir(file) == "conf.d/elasticbeanstalk"
			if !document(path.Base(file)) && path.Ext(file) == ".conf" && !inConfD {
				l.warn("proxy-unread", ".platform/"+dir+"/"+file, 0, "only conf.d/*.conf and conf.d/elasticbeanstalk/*.conf are included; move it there")
			} else if !document(path.Base(file)) && path.Ext(file) != ".conf" && inConfD {
				l.warn("proxy-unread", ".platform/"+dir+"/"+file, 0, "only files that end in .conf are included; rename it")
			}
		}
	}
}

var processLine = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$`)

func (l *linter) procfile() {
	const file = "Procfile"
	content := l.read(file)
	if content == nil {
		for _, name := range []string{"procfile", "ProcFile", "PROCFILE", "Procfile.txt"} {
			if _, found := l.reader.find(name); found {
				l.warn("procfile-name", name, 0, "the platform reads only a file called Procfile; rename it")
			}
		}
		return
	}
	web, line := "", 0
	for i, text := range strings.Split(string(content), "\n") {
		if m := processLine.FindStringSubmatch(strings.TrimRight(text, "\r")); m != nil && m[1] == "web" {
			web, line = m[2], i+1
			break
		}
	}
	if web == "" {
		l.warn("procfile-web", file, 0, "no process is called web, so nothing answers the proxy; call the server's process web")
		return
	}
	want := l.option(properties, "PORT")
	if _, set := l.stack(properties, "PORT"); want == "" && set {
		return // only the deployment knows
	} else if want == "" {
		want = "8000"
	}
	_, configured := l.reader.find("gunicorn.conf.py")
	bound := binding(web, configured)
	if bound == "" || bound == want || l.proxyKnows(bound) {
		return
	}
	if strings.HasPrefix(bound, "unix:") {
		l.warn("procfile-port", file, line, "the server listens on a socket, and the proxy sends requests to port %s; bind 127.0.0.1:%[1]s", want)
		return
	}
	l.warn("procfile-port", file, line, "the server listens on port %s, and the proxy sends requests to %s; bind 127.0.0.1:%[2]s, or set the environment property PORT to %[1]s", bound, want)
}

// proxyKnows says that the bundle's own configuration of the proxy names a port or socket.
func (l *linter) proxyKnows(bound string) bool {
	mark := ":" + bound
	if socket, ok := strings.CutPrefix(bound, "unix:"); ok {
		mark = socket
	}
	for _, name := range l.below(".platform") {
		if path.Ext(name) == ".conf" && bytes.Contains(l.read(".platform/"+name), []byte(mark)) {
			return true
		}
	}
	return false
}

// servers are the flags by which servers of Python are told where to listen, and the port without.
var servers = map[string]struct {
	flags []string
	port  string
}{
	"gunicorn":       {[]string{"-b", "--bind"}, "8000"},
	"hypercorn":      {[]string{"-b", "--bind"}, "8000"},
	"uvicorn":        {[]string{"--port", "--uds"}, "8000"},
	"daphne":         {[]string{"-p", "--port", "-u"}, "8000"},
	"granian":        {[]string{"--port"}, "8000"},
	"waitress-serve": {[]string{"--port", "--listen", "--unix-socket"}, "8080"},
	"runserver":      {nil, "8000"},
}

// binding returns where the server of a command listens: a port, "unix:" and a path, or "" where the command does not tell.
func binding(command string, configured bool) string {
	words := strings.Fields(strings.NewReplacer(`"`, "", `'`, "").Replace(command))
	at := slices.IndexFunc(words, func(w string) bool { _, known := servers[path.Base(w)]; return known })
	if at < 0 {
		return ""
	}
	name := path.Base(words[at])
	server, arguments := servers[name], words[at+1:]
	found := ""
	for i, word := range arguments {
		flag, value, joined := strings.Cut(word, "=")
		if !joined && i+1 < len(arguments) {
			value = arguments[i+1]
		}
		for _, f := range server.flags {
			if short := len(f) == 2 && !joined && strings.HasPrefix(word, f) && word != f; short {
				flag, value = f, word[2:]
			}
		}
		switch {
		case flag == "-c" || flag == "--config" || flag == "--fd":
			configured = true
		case slices.Contains(server.flags, flag):
			if flag == "--uds" || flag == "-u" || flag == "--unix-socket" {
				value = "unix:" + value
			}
			found = value
		case name == "runserver" && !strings.HasPrefix(word, "-") && found == "":
			found = word
		}
	}
	switch {
	case strings.ContainsAny(found, "$`"):
		return ""
	case strings.HasPrefix(found, "unix:"):
		return found
	case found == "" && (configured || strings.Contains(command, "$")):
		return ""
	case found == "":
		return server.port
	}
	port := found[strings.LastIndex(found, ":")+1:]
	if strings.Trim(port, "0123456789") != "" || port == "" {
		return ""
	}
	return port
}

// others looks at files that the platform passes over.
func (l *linter) others() {
	if _, found := l.reader.find("cron.yaml"); found {
		l.warn("cron-yaml", "cron.yaml", 0, "periodic tasks are read in a worker environment only")
	}
	described := func(names ...string) string {
		for _, name := range names {
			if _, found := l.reader.find(name); found {
				return name
			}
		}
		return ""
	}
	if other := described("pyproject.toml", "poetry.lock", "uv.lock", "environment.yml"); other != "" && described("requirements.txt", "Pipfile", "Pipfile.lock") == "" {
		l.warn("requirements-unread", other, 0, "the platform installs from requirements.txt or a Pipfile at the top of the bundle, and there is neither; export one")
	}
	seen := map[string]bool{}
	for _, e := range l.reader.tree.entries {
		for _, name := range []string{".ebextensions", ".platform"} {
			dir, _, below := strings.Cut(e.name, "/"+name+"/")
			if below && !seen[dir+"/"+name] {
				seen[dir+"/"+name] = true
				l.warn("not-at-top", dir+"/"+name, 0, "the platform reads %s at the top of the bundle only; move it there, or make %s the source", name, dir)
			}
		}
	}
}

func (e entry) read() ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
