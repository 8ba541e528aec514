package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// String is "60–75 s".
func (s Span) String() string { return fmt.Sprintf("%d–%d s", s.Low, s.High) }

const width = 110

// WriteText writes the explanation for people.
func (x *Explanation) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	section := func(title string) { fmt.Fprintf(out, "\n%s\n", title) }
	line := func(what, text string) { wrap(out, fmt.Sprintf("  %-24s ", what), 27, text) }
	wrap(out, "Check  ", 7, x.Check+".")
	if x.Host != "" {
		wrap(out, "Host   ", 7, x.Host+".")
	}
	if x.Instead != nil {
		section("What is looked at instead")
		for _, what := range x.Instead {
			wrap(out, "  ", 4, what)
		}
		section("How long it takes")
		line("to take a dead one out", x.Share)
		line("to replace it", x.Replaced)
		x.writeRest(out)
		return out.Flush()
	}

	section("What it proves when it passes")
	for _, l := range x.Layers {
		wrap(out, fmt.Sprintf("  %-11s %-10s ", l.Name, l.Proved), 25, l.Why)
	}
	section("What it does not prove")
	wrap(out, "  ", 2, x.Unproved)
	section("How long it takes")
	line("to take a dead one out", fmt.Sprintf("%s if it answers wrongly or refuses, %s if it does not answer; %s", x.Detect, x.DetectSilent, x.Share))
	line("to bring it back", fmt.Sprintf("%s after it answers again; a new one at its first passed check, %d s at most", x.Recover, x.First))
	line("to replace it", x.Replaced)
	section("What a redirect that counts as healthy hides")
	wrap(out, "  ", 2, x.Redirect)
	x.writeRest(out)
	return out.Flush()
}

// writeRest writes what there is to say of every environment.
func (x *Explanation) writeRest(out *bufio.Writer) {
	section := func(title string) { fmt.Fprintf(out, "\n%s\n", title) }
	section(fmt.Sprintf("Could a failing database take all instances out of service? %s", x.Drains))
	wrap(out, "  ", 2, x.Drain)
	section("Recommendation")
	wrap(out, "  ", 2, x.Recommendation)
	if len(x.Warnings) > 0 {
		section("What in the bundle does nothing, or not what it seems to")
		for _, warning := range x.Warnings {
			wrap(out, "  ", 4, warning.String())
		}
	}
	if len(x.Notes) > 0 {
		section("What could not be read")
		for _, note := range x.Notes {
			wrap(out, "  ", 4, note)
		}
	}
}

// wrap writes text behind a first part, and further lines indented.
func wrap(out *bufio.Writer, first string, indent int, text string) {
	column := len([]rune(first))
	out.WriteString(first)
	for i, word := range strings.Fields(text) {
		length := len([]rune(word))
		switch {
		case i == 0:
		case column+1+length > width:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += length
	}
	out.WriteByte('\n')
}
