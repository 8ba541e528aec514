package rehearsal

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// printer writes the progress of a rehearsal.
type printer struct {
	mu      sync.Mutex
	out     io.Writer
	started time.Time
	offset  time.Duration // when the instance, whose clock starts at 0, was started
	redact  *redactor
	steps   []Step // what was said, but for the probes
}

func (p *printer) say(format string, args ...any) {
	p.step(time.Since(p.started), fmt.Sprintf(format, args...))
}

// step prints a line and keeps it.
func (p *printer) step(at time.Duration, text string) {
	text = p.line(at, text)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, Step{at, text})
}

// line prints one, and returns it as it may be shown.
func (p *printer) line(at time.Duration, text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text = printable(p.redact.Replace(text))
	fmt.Fprintf(p.out, "[%6.3f] %s\n", at.Seconds(), text)
	return text
}

func (p *printer) event(e event) {
	switch {
	case e.Probe != nil:
		p.line(p.offset+e.At, e.Probe.String())
	case e.Line != "":
		p.step(p.offset+e.At, e.Line)
	}
}

// String is the probe's row: answer, time, the target's state, Elastic Beanstalk's colour, and the reason of the state.
func (p Probe) String() string {
	var answer string
	switch {
	case p.TimedOut:
		answer = "no answer"
	case p.StatusCode == 0:
		answer = p.Error
	default:
		answer = fmt.Sprint(p.StatusCode)
		if p.Location != "" {
			answer += " to " + p.Location
		}
	}
	line := fmt.Sprintf("probe %d: %-9s %5d ms", p.Number, answer, p.Took.Milliseconds())
	if p.Colour == "" {
		return line
	}
	reason := p.Reason
	if p.State == health.Initial {
		reason, _, _ = strings.Cut(reason, ":")
	}
	line += fmt.Sprintf("  %-9s  about %-12s  %s", p.State, p.Colour, reason)
	return strings.TrimRight(line, " ")
}

// conclude prints what follows the probes, but for the verdict: that line is the caller's last.
func (p *printer) conclude(v Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(v.Probes) > 0 && v.Kind == LoadBalanced {
		fmt.Fprintln(p.out, "(colours approximate Elastic Beanstalk's: AWS does not publish what is behind them)")
	}
	for _, c := range v.Causes {
		fmt.Fprintf(p.out, "\ncause: %s\n", c.Summary)
		if c.Change != "" {
			fmt.Fprintln(p.out, indent("change: "+c.Change))
		}
		if c.Detail != "" {
			fmt.Fprintln(p.out, indent(c.Detail))
		}
	}
	if v.Redirected {
		fmt.Fprintf(p.out, "\nno view ran: the target is healthy because %d is among the success codes, whatever the views would say\n", v.StatusCode)
	}
	if len(v.Causes) > 0 || v.Redirected {
		fmt.Fprintln(p.out)
	}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// cleaner turns what is only true here into what is true on an instance, and removes secrets.
func cleaner(root, venv string, redact *redactor) func(string) string {
	paths := strings.NewReplacer(
		filepath.Join(root, "app"), "/var/app/current",
		venv, "/var/app/venv",
		root, "",
	)
	return func(text string) string { return printable(redact.Replace(paths.Replace(text))) }
}
