package status

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Report is the facts with what they mean. It holds no values of environment properties.
type Report struct {
	// Format is the version of the JSON form.
	Format string `json:"format"`
	// Verdict is the whole in one line.
	Verdict string `json:"verdict"`
	Ready   bool   `json:"ready"`
	Green   bool   `json:"green"`
	// Reasons are why, the heaviest first.
	Reasons []Reason `json:"reasons"`
	Facts
}

// New judges the facts.
func New(f Facts) Report {
	f.redact()
	f.Instances, f.Groups, f.Events, f.Notes = present(f.Instances), present(f.Groups), present(f.Events), present(f.Notes)
	r := Report{Format: "beanpole-status/1", Ready: f.Ready(), Green: f.Green(), Reasons: present(Explain(f)), Facts: f}
	switch {
	case r.Green:
		r.Verdict = "green"
	case len(r.Reasons) > 0 && r.Reasons[0].Level == Fault:
		r.Verdict = fmt.Sprintf("not green (%s): %s", f.Line(), r.Reasons[0].Summary)
	case f.Local:
		r.Verdict = fmt.Sprintf("not green (%s): %s", f.Line(), NoInstanceRuns)
	case f.Health != nil && len(f.Health.Causes) > 0:
		r.Verdict = fmt.Sprintf("not green (%s): %s", f.Line(), f.Health.Causes[0])
	case len(r.Reasons) > 0:
		r.Verdict = fmt.Sprintf("not green (%s): %s", f.Line(), r.Reasons[0].Summary)
	default:
		r.Verdict = fmt.Sprintf("not green (%s)", f.Line())
	}
	return r
}

// present makes an empty list of none, for JSON.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// redact takes the values of environment properties out of what Beanstalk says in its own words. Short values are words
// of the language, and no secrets.
func (f *Facts) redact() {
	const shortest = 8
	var pairs []string
	settings := slices.Clone(f.Settings)
	// The longest first: one value may begin another.
	slices.SortFunc(settings, func(a, b option.Setting) int { return cmp.Compare(len(b.Value), len(a.Value)) })
	for _, s := range settings {
		if s.Secret() && len(s.Value) >= shortest {
			pairs = append(pairs, s.Value, "[value of "+s.OptionName+"]")
		}
	}
	if pairs == nil {
		return
	}
	replace := strings.NewReplacer(pairs...).Replace
	clean := func(lines []string) []string {
		out := slices.Clone(lines)
		for i := range out {
			out[i] = replace(out[i])
		}
		return out
	}
	f.Events = slices.Clone(f.Events)
	for i := range f.Events {
		f.Events[i].Message = replace(f.Events[i].Message)
	}
	if f.Health != nil {
		health := *f.Health
		health.Causes = clean(health.Causes)
		f.Health = &health
	}
	f.Instances = slices.Clone(f.Instances)
	for i := range f.Instances {
		f.Instances[i].Causes = clean(f.Instances[i].Causes)
	}
	f.Notes = clean(f.Notes)
}

// WriteJSON writes the report as JSON.
func (r Report) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

// WriteList writes several reports as JSON.
func WriteList(w io.Writer, reports []Report) error { return writeJSON(w, reports) }

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// The events that fit on a screen beside the rest.
const shownEvents = 6

// colours of health, and of the levels of reasons.
var colours = map[string]string{
	"Green": "\x1b[32m", "Yellow": "\x1b[33m", "Red": "\x1b[31m", "Grey": "\x1b[90m",
	string(Fault): "\x1b[31m", string(Warning): "\x1b[33m", healthy: "\x1b[32m", unhealthy: "\x1b[31m", "ERROR": "\x1b[31m", "FATAL": "\x1b[31m", "WARN": "\x1b[33m",
}

// WriteText writes the report for a terminal: one screen, the verdict last.
func (r Report) WriteText(w io.Writer, now time.Time, colour bool) error {
	p := printer{colour: colour}
	e := r.Environment
	if r.Local {
		p.line("%s", NoInstanceRuns)
		p.line("")
	}
	p.line("%s  %s, %s", p.bold(cmp.Or(e.Name, e.ID)), e.Status, p.paint(e.Colour, e.health()))
	var about []string
	tier := ""
	if e.Tier == string(option.Worker) {
		tier = "worker"
	}
	for _, part := range []string{e.Region, e.ID, tier, e.Platform, e.Endpoint} {
		if part != "" {
			about = append(about, part)
		}
	}
	p.line("  %s", strings.Join(about, ", "))
	p.line("  version %s, updated %s", cmp.Or(e.Version, "none (Elastic Beanstalk's sample)"), ago(now, e.Updated))
	if r.Health != nil {
		if q := r.Health.Requests; q != nil && q.Count > 0 {
			line := fmt.Sprintf("%s lately: %d %% 2xx, %d %% 3xx, %d %% 4xx, %d %% 5xx", plural(q.Count, "request"), q.Status2xx, q.Status3xx, q.Status4xx, q.Status5xx)
			if q.P90 > 0 {
				line += fmt.Sprintf(", nine in ten within %.3f s", q.P90)
			}
			p.line("  %s", line)
		}
		for _, cause := range r.Health.Causes {
			p.line("  %s", cause)
		}
	}
	if len(r.Reasons) > 0 {
		p.title("Why")
		for _, reason := range r.Reasons {
			p.wrapped(p.paint(string(reason.Level), string(reason.Level))+": ", reason.Summary)
			if reason.Meaning != "" {
				p.wrapped("  ", reason.Meaning)
			}
			if reason.Change != "" {
				p.wrapped("  Change: ", reason.Change)
			}
		}
	}
	for _, g := range r.Groups {
		p.title("Targets of " + g.name())
		p.line("  %s:%d, GET %s, %s, every %d s, timeout %d s, %d up, %d down", g.Protocol, g.Port, g.Path,
			cmp.Or(g.SuccessCodes, "no success codes"), g.Interval, g.Timeout, g.HealthyThreshold, g.UnhealthyThreshold)
		for _, t := range g.Targets {
			p.line("  %-20s %-10s %s", t.ID, p.paint(t.State, fmt.Sprintf("%-10s", t.State)), strings.TrimSpace(t.Reason+"  "+t.Description))
		}
	}
	if len(r.Instances) > 0 {
		p.title("Instances")
		for _, i := range r.Instances {
			p.line("  %-20s %s %s %s, load %.2f, %s (%s)", i.ID, p.paint(i.Colour, fmt.Sprintf("%-9s", i.Health)), i.Type, i.Zone, i.Load,
				cmp.Or(i.Version, "no version"), cmp.Or(i.Deployment, "no deployment"))
			for _, cause := range i.Causes {
				p.line("    %s", cause)
			}
		}
	}
	if len(r.Events) > 0 {
		p.title("Events")
		for _, event := range r.Events[:min(shownEvents, len(r.Events))] {
			p.wrapped(fmt.Sprintf("%s %s ", event.Time.UTC().Format("01-02 15:04:05"), p.paint(event.Severity, fmt.Sprintf("%-5s", event.Severity))), event.Message)
		}
	}
	if len(r.Notes) > 0 {
		p.title("Not known")
		for _, note := range r.Notes {
			p.wrapped("", note)
		}
	}
	p.line("")
	p.line("verdict: %s", r.Verdict)
	_, err := io.WriteString(w, p.text.String())
	return err
}

type printer struct {
	text   strings.Builder
	colour bool
}

// line prints one line. What others wrote, such as an application's name or an event, must not move the terminal's cursor.
func (p *printer) line(format string, args ...any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = printable(text, p.colour)
		}
	}
	text := fmt.Sprintf(format, args...)
	p.text.WriteString(strings.TrimRight(text, " ") + "\n")
}

// printable drops control characters but the colours that paint adds.
func printable(text string, colour bool) string {
	const escape = "\x1b["
	var out strings.Builder
	for i := 0; i < len(text); {
		if colour && strings.HasPrefix(text[i:], escape) {
			if end := strings.IndexByte(text[i:], 'm'); end > 0 && end < 6 {
				out.WriteString(text[i : i+end+1])
				i += end + 1
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r >= ' ' && r != 0x7f && !(r >= 0x80 && r < 0xa0) {
			out.WriteString(text[i : i+size])
		} else {
			out.WriteByte(' ')
		}
		i += size
	}
	return out.String()
}

func (p *printer) title(text string) { p.line("\n%s", p.bold(text)) }

// width is what a line of running text takes at most.
const width = 110

// wrapped prints running text behind a word, its further lines below.
func (p *printer) wrapped(head, text string) {
	line, indent := "  "+head, "    "
	length := 2 + utf8.RuneCountInString(uncoloured(head))
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if length+n > width && length > len(indent) {
			p.line("%s", line)
			line, length = indent, len(indent)
		}
		line += word + " "
		length += n + 1
	}
	p.line("%s", line)
}

func uncoloured(text string) string {
	for _, code := range colours {
		text = strings.ReplaceAll(text, code, "")
	}
	return strings.ReplaceAll(text, "\x1b[0m", "")
}

func (p *printer) bold(text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

func (p *printer) paint(by, text string) string {
	if code := colours[by]; p.colour && code != "" {
		return code + text + "\x1b[0m"
	}
	return text
}
