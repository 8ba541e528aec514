package overlay

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	processLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):[ \t]*(.*?)[ \t]*$`)
	// systemd and the shell both read the line before the wrapper does: % and $ are expanded, quotes and operators are
	// taken away. What is left means the same to all of them.
	plainCommand = regexp.MustCompile(`^[A-Za-z0-9_./:= -]+$`)
	notPlain     = regexp.MustCompile(`[^A-Za-z0-9_./:= -]`)
)

const wrapped = "bash " + WrapperName + " "

// procfile returns the Procfile of the bundle: the project's own with another web: line, or a generated one.
func (c Config) procfile() ([]byte, error) {
	if c.Procfile == nil {
		return []byte("web: " + c.run(fmt.Sprintf("gunicorn --bind %s --workers=%d --threads=%d %s",
			Address, c.NumProcesses, c.NumThreads, c.WSGIApplication)) + "\n"), nil
	}
	if c.Strategy == NginxRewrite && !strings.Contains(string(c.Procfile), wrapped) {
		return c.Procfile, c.requireWeb()
	}
	if err := c.requireWeb(); err != nil {
		return nil, err
	}
	var b strings.Builder
	for line := range strings.Lines(string(c.Procfile)) {
		line = strings.TrimRight(line, "\r\n")
		if m := processLine.FindStringSubmatch(line); m != nil && m[1] == "web" {
			command, err := webCommand(m[2])
			if err != nil {
				return nil, err
			}
			line = "web: " + c.run(command)
		}
		b.WriteString(line + "\n")
	}
	return []byte(b.String()), nil
}

// run returns the command as the strategy runs it.
func (c Config) run(command string) string {
	if c.Strategy == NginxRewrite {
		return command
	}
	return wrapped + command
}

func (c Config) requireWeb() error {
	n := 0
	for line := range strings.Lines(string(c.Procfile)) {
		if strings.HasPrefix(line, "web:") {
			n++
		}
	}
	switch n {
	case 0:
		return errors.New("it has no line web:, so nothing would answer the load balancer; add one, " +
			"or remove the Procfile and have it generated")
	case 1:
		return nil
	default:
		return fmt.Errorf("it has %d lines web:; leave one", n)
	}
}

// webCommand returns the command of a project's web: line in the form in which the wrapper can exec it.
func webCommand(command string) (string, error) {
	for before := ""; before != command; {
		before = command
		command = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(command, wrapped), "exec "), " ")
	}
	const script = `put the command into a script of the project, e.g. "web: bash start-web.sh", and end that script with exec`
	if command == "" {
		return "", errors.New("the line web: has no command")
	}
	if !plainCommand.MatchString(command) {
		var seen []string
		for _, c := range notPlain.FindAllString(command, -1) {
			if !strings.Contains(strings.Join(seen, " "), fmt.Sprintf("%q", c)) {
				seen = append(seen, fmt.Sprintf("%q", c))
			}
		}
		return "", fmt.Errorf("the line web: holds %s, which systemd and the shell would read in their own way before it is wrapped "+
			"(allowed are letters, digits, spaces and _ . / : = -); %s", strings.Join(seen, " "), script)
	}
	first, _, _ := strings.Cut(command, " ")
	if strings.Contains(first, "=") {
		return "", fmt.Errorf("the line web: begins with the assignment %s, which only a shell understands; write \"web: env %s\", "+
			"make it an environment property, or %s", first, command, script)
	}
	return command, nil
}
