package rehearsal

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A line of a Procfile as Elastic Beanstalk reads it: a name, a colon, a command.
var procfileLine = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$`)

// webCommand returns the command of the Procfile's web process and the names of the others.
func webCommand(procfile []byte) (command string, others []string) {
	for line := range strings.Lines(string(procfile)) {
		m := procfileLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case m == nil || strings.HasPrefix(strings.TrimSpace(line), "#"):
		case m[1] == "web" && command == "":
			command = m[2]
		case m[1] != "web":
			others = append(others, m[1])
		}
	}
	return command, others
}

// defaultCommand is the web process of a bundle without a Procfile.
func defaultCommand(p plan) string {
	return fmt.Sprintf("gunicorn --bind 127.0.0.1:%d --workers=%d --threads=%d %s", p.appPort, p.processes, p.threads, p.wsgiPath)
}

// replacePort moves a command or a proxy configuration from one port to another: "127.0.0.1:8000", ":8000", "--port 8000".
func replacePort(text string, from, to int) string {
	port := regexp.MustCompile(`(:|\bport[ =]|\s-p[ =]?)` + strconv.Itoa(from) + `\b`)
	return port.ReplaceAllString(text, "${1}"+strconv.Itoa(to))
}
