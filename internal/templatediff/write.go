package templatediff

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// WriteJSON writes the report in the form that schema.json describes.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// The colours of a terminal, by how bad a thing is.
const (
	bold, dim, red, yellow, green, reset = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m"
)

func (e Effect) colour() string {
	switch {
	case e.rank() >= ReplacesEnvironment.rank():
		return red
	case e.rank() >= Unknown.rank():
		return yellow
	}
	return green
}

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer, colour bool) error {
	var b strings.Builder
	paint := func(code, s string) string {
		if !colour {
			return s
		}
		return code + s + reset
	}
	verdict, rest, _ := strings.Cut(r.Verdict.Summary, ": ")
	b.WriteString(paint(bold+r.Verdict.Effect.colour(), verdict))
	if rest != "" {
		b.WriteString(": " + rest)
	}
	b.WriteString("\n")
	section := func(title string) { fmt.Fprintf(&b, "\n%s\n", paint(bold, title)) }
	several := r.severalStacks()
	name := func(p Place) string {
		if several {
			return p.Stack + " " + paint(bold, p.name())
		}
		return paint(bold, p.name())
	}
	item := func(p Place, text string) {
		if p.Resource != "" {
			text = name(p) + " " + text
		}
		fmt.Fprintf(&b, "  %s\n", text)
	}
	if len(r.Environments) > 1 {
		section("Environments")
		for _, e := range r.Environments {
			item(e.Place, paint(e.Effect.colour(), e.Summary))
		}
	}
	for _, e := range r.Environments {
		if e.Version == nil {
			continue
		}
		section("New version of " + r.nameOf(e.Place))
		if !e.Version.Known {
			b.WriteString("  the two bundles are not at hand, so that their files are not compared\n")
			continue
		}
		e.Version.list(func(sign, name string) { fmt.Fprintf(&b, "  %s %s\n", sign, name) })
	}
	if len(r.Health) > 0 {
		section("Health check")
		for _, h := range r.Health {
			item(h.Place, h.Text)
		}
	}
	if len(r.Security) > 0 {
		section("Access")
		for _, a := range r.Security {
			word := string(a.Direction)
			if a.Direction == Broadens {
				word = paint(red, word)
			}
			public := ""
			if a.Public {
				public = paint(red, " [public]")
			}
			item(a.Place, word+": "+a.Text+public)
		}
	}
	if len(r.Changes) > 0 {
		section("Changes")
	}
	last := ""
	for _, c := range r.Changes {
		if effect := c.Effect.String(); effect != last {
			fmt.Fprintf(&b, "  %s\n", paint(c.Effect.colour(), effect))
			last = effect
		}
		fmt.Fprintf(&b, "    %s %s", sign(c.Action), name(c.Place))
		if c.Subject != "" {
			b.WriteString(" " + c.Subject)
		} else {
			b.WriteString(" " + paint(dim, c.Type))
		}
		if s := c.values(" → "); s != "" {
			b.WriteString(": " + s)
		}
		b.WriteString("\n")
		if c.Why != "" {
			fmt.Fprintf(&b, "        %s\n", paint(dim, c.Why))
		}
	}
	if len(r.Notes) > 0 {
		section("Notes")
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "  %s\n", n)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// severalStacks says that a place needs its stack's name to be found.
func (r *Report) severalStacks() bool {
	return r.several || slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Stack != r.Changes[0].Stack })
}

func sign(a Action) string {
	switch a {
	case Add:
		return "+"
	case Remove:
		return "-"
	}
	return "~"
}

// values says what the value was and is, "" if there is none to say.
func (c *Change) values(arrow string) string {
	before, after := deref(c.Before), deref(c.After)
	switch {
	case c.Hidden && c.Before == nil && c.After == nil:
		return "(not shown)"
	case c.Hidden && c.Before == nil:
		return "(not shown)" + arrow + after
	case c.Hidden:
		return before + arrow + "(not shown)"
	case c.Before == nil && c.After == nil:
		return ""
	case c.Before == nil:
		return after
	case c.After == nil:
		return "was " + before
	case before == after:
		return after
	}
	return before + arrow + after
}

// maxFiles bounds how many files of a bundle are listed.
const maxFiles = 40

// list calls each for the files that differ, and for what is left out of the list.
func (v *Version) list(each func(sign, name string)) {
	n := 0
	for _, part := range []struct {
		sign  string
		names []string
	}{{"~", v.Changed}, {"+", v.Added}, {"-", v.Removed}} {
		for i, name := range part.names {
			if n++; n > maxFiles {
				each(part.sign, fmt.Sprintf("and %d more", len(part.names)-i))
				break
			}
			each(part.sign, name)
		}
	}
	if n == 0 {
		each(" ", "no file differs")
	}
}

// MaxComment is how many characters of Markdown a comment takes, with some to spare: GitHub refuses more than 65,536.
const MaxComment = 65_000

// Marker begins a report in Markdown. It is not shown, and finds the comment of an earlier run again.
func Marker(name string) string {
	return "<!-- beanpole diff " + strings.NewReplacer("--", "-", ">", "", "<", "", "\n", " ").Replace(name) + " -->"
}

// Markdown returns the report as a comment of at most limit characters; 0 means no limit. Rows that do not fit are left
// out, the least important first, and cut says so; where says where the whole report is. The name tells the comments of
// several sets of stacks apart.
func (r *Report) Markdown(name string, limit int, where string) (markdown string, cut bool) {
	head, rows := r.markdown(name)
	const closing = "\n</details>\n"
	foot := r.footnotes()
	whole := head + strings.Join(rows, "") + foot
	if len(rows) > 0 {
		whole = head + strings.Join(rows, "") + closing + foot
	}
	if limit <= 0 || utf8.RuneCountInString(whole) <= limit {
		return whole, false
	}
	if where == "" {
		where = "beanpole diff shows all of it"
	}
	tail := func(left int) string { return fmt.Sprintf("\n%d more changes do not fit: %s.\n", left, where) }
	space := limit - utf8.RuneCountInString(head) - utf8.RuneCountInString(tail(len(rows))) - len(closing)
	if space < 0 {
		// The sections before the table alone are too long.
		runes := []rune(head)
		end := "\n\n… the rest does not fit: " + where + ".\n"
		return string(runes[:limit-utf8.RuneCountInString(end)]) + end, true
	}
	var b strings.Builder
	b.WriteString(head)
	for i, row := range rows {
		if space -= utf8.RuneCountInString(row); space < 0 {
			return b.String() + closing + tail(len(rows)-i), true
		}
		b.WriteString(row)
	}
	return b.String() + closing + cutFoot(foot, limit-utf8.RuneCountInString(b.String())-len(closing)), true
}

// cutFoot keeps the footnotes that fit.
func cutFoot(foot string, space int) string {
	if utf8.RuneCountInString(foot) <= space {
		return foot
	}
	return ""
}

func (r *Report) markdown(name string) (head string, rows []string) {
	var b strings.Builder
	several := r.severalStacks()
	where := func(p Place) string {
		if several && p.Stack != "" {
			return fmt.Sprintf("**%s** in %s", escape(p.name()), escape(p.Stack))
		}
		return fmt.Sprintf("**%s**", escape(p.name()))
	}
	b.WriteString(Marker(name) + "\n")
	verdict, rest, _ := strings.Cut(r.Verdict.Summary, ": ")
	title := ""
	if name != "" {
		title = " " + escape(name) + ":"
	}
	fmt.Fprintf(&b, "### %s%s %s\n\n", r.Verdict.Effect.sign(), title, escape(verdict))
	if len(r.Environments) > 1 {
		rest = r.Verdict.beside // the list of environments says what happens to them
	}
	if rest != "" {
		fmt.Fprintf(&b, "%s.\n\n", escape(rest))
	}
	if len(r.Environments) > 1 {
		for _, e := range r.Environments {
			fmt.Fprintf(&b, "- %s **%s** (%s) %s\n", e.Effect.sign(), escape(e.name()), escape(e.Stack), escape(e.Summary))
		}
		b.WriteString("\n")
	}
	for _, e := range r.Environments {
		if e.Version == nil {
			continue
		}
		fmt.Fprintf(&b, "**New version of %s:** ", escape(r.nameOf(e.Place)))
		if !e.Version.Known {
			b.WriteString("the two bundles are not at hand, so that their files are not compared.\n\n")
			continue
		}
		var files []string
		e.Version.list(func(sign, name string) {
			if strings.TrimSpace(sign) == "" || strings.HasPrefix(name, "and ") {
				files = append(files, name)
				return
			}
			files = append(files, fmt.Sprintf("%s %s", sign, code1(name)))
		})
		b.WriteString(strings.Join(files, ", ") + "\n\n")
	}
	if len(r.Health) > 0 {
		b.WriteString("#### Health check\n\n")
		for _, h := range r.Health {
			if h.Resource != "" {
				fmt.Fprintf(&b, "- %s: %s\n", where(h.Place), escape(h.Text))
			} else {
				fmt.Fprintf(&b, "- %s\n", escape(h.Text))
			}
		}
		b.WriteString("\n")
	}
	if len(r.Security) > 0 {
		b.WriteString("#### Access\n\n")
		for _, a := range r.Security {
			sign := map[Direction]string{Broadens: "🔓 broadens", Narrows: "🔒 narrows", Alters: "🔑 alters"}[a.Direction]
			if a.Public {
				sign = "🌐 **public**"
			}
			fmt.Fprintf(&b, "- %s: %s %s\n", sign, where(a.Place), escape(a.Text))
		}
		b.WriteString("\n")
	}
	if len(r.Changes) == 0 {
		return b.String(), nil
	}
	open := ""
	if len(r.Changes) <= 12 {
		open = " open"
	}
	word := "changes"
	if len(r.Changes) == 1 {
		word = "change"
	}
	fmt.Fprintf(&b, "<details%s><summary>%d %s</summary>\n\n| Effect | What | Before → after |\n| --- | --- | --- |\n", open, len(r.Changes), word)
	for _, c := range r.Changes {
		what := map[Action]string{Add: "+ ", Remove: "− "}[c.Action] + "**" + escape(c.name()) + "**"
		var small []string
		switch {
		case c.OptionName != "":
			what += " " + code1(identity{"", c.ResourceName, c.OptionName}.option())
			small = append(small, c.Namespace)
		case c.Subject != "":
			what += " " + code1(c.Subject)
		default:
			what += " " + escape(c.Type)
		}
		if several {
			small = append(small, c.Stack)
		}
		for i := range small {
			small[i] = "<sub>" + escape(small[i]) + "</sub>"
		}
		if c.Why != "" {
			small = append(small, "<br><sub>"+escape(c.Why)+"</sub>")
		}
		what = strings.Join(append([]string{what}, small...), " ")
		rows = append(rows, fmt.Sprintf("| %s %s | %s | %s |\n", c.Effect.sign(), c.Effect, what, c.cell()))
	}
	return b.String(), rows
}

func (r *Report) footnotes() string {
	if len(r.Notes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n")
	for _, n := range slices.Compact(slices.Clone(r.Notes)) {
		fmt.Fprintf(&b, "> %s\n>\n", escape(n))
	}
	return strings.TrimSuffix(b.String(), ">\n")
}

// sign is one glyph that says how bad an effect is.
func (e Effect) sign() string {
	switch {
	case e == Rejected:
		return "⛔"
	case e.rank() >= ReplacesEnvironment.rank():
		return "🔴"
	case e == RestartsApplication || e == Unknown:
		return "🟡"
	case e.rank() >= RemovesResource.rank():
		return "🟠"
	case e == NewVersion:
		return "🔵"
	}
	return "🟢"
}

// cell is what the value was and is, for a table.
func (c *Change) cell() string {
	show := func(value *string) string {
		if value == nil || *value == "" {
			return ""
		}
		const widest = 72
		if r := []rune(*value); len(r) > widest {
			return code1(string(r[:widest-1]) + "…")
		}
		return code1(*value)
	}
	shown := *c
	before, after := show(c.Before), show(c.After)
	if c.Before != nil {
		shown.Before = &before
	}
	if c.After != nil {
		shown.After = &after
	}
	return strings.ReplaceAll(shown.values(" → "), "(not shown)", "_not shown_")
}

// code1 is an inline code span, also of a text with backticks, that a table's cell can hold.
func code1(s string) string {
	s = inCode.Replace(s)
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

// escape keeps a text from being read as Markdown or HTML, and from mentioning people.
func escape(s string) string {
	return inText.Replace(s)
}

var (
	inCode = strings.NewReplacer("|", "\\|", "\n", " ")
	inText = strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "\n", " ",
		"@", "@\u200b", "#", "\\#")
)
