package templatediff

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// many is a report with n changes and sections before the table.
func many(n, remarks int) *Report {
	r := &Report{Verdict: Verdict{Effect: ReplacesInstances, Summary: "replaces instances: Web gets new ones"}, Notes: []string{"a note"}}
	for i := range n {
		before, after := fmt.Sprintf("before-%d", i), strings.Repeat("x", 60)
		r.Changes = append(r.Changes, Change{Place: Place{Stack: "s", Resource: fmt.Sprintf("Resource%d", i)}, Action: Modify, Subject: "Name", Before: &before, After: &after, Effect: UpdatedInPlace})
	}
	for i := range remarks {
		r.Health = append(r.Health, Remark{Place{Stack: "s", Resource: fmt.Sprint(i)}, strings.Repeat("y", 100)})
	}
	return r
}

func TestMarkdownFitsIntoAComment(t *testing.T) {
	for _, tt := range []struct {
		changes, remarks int
		cut              bool
	}{{10, 1, false}, {300, 1, false}, {5000, 1, true}, {10, 2000, true}} {
		markdown, cut := many(tt.changes, tt.remarks).Markdown("", MaxComment, "the job summary has all of them")
		if n := utf8.RuneCountInString(markdown); n > MaxComment || cut != tt.cut {
			t.Errorf("%+v: %d characters, cut %v", tt, n, cut)
		}
		if strings.Contains(markdown, "the job summary has all") != tt.cut {
			t.Errorf("%+v: does not say where the rest is:\n…%s", tt, markdown[len(markdown)-300:])
		}
		if !strings.HasPrefix(markdown, Marker("")+"\n### 🟠 replaces instances\n") {
			t.Errorf("begins %q", markdown[:80])
		}
		if strings.Count(markdown, "<details") != strings.Count(markdown, "</details>") {
			t.Errorf("%+v: details are not closed", tt)
		}
		whole, cut := many(tt.changes, tt.remarks).Markdown("", 0, "")
		if cut || strings.Count(whole, "before-") != tt.changes {
			t.Errorf("%+v: without a limit %d changes", tt, strings.Count(whole, "before-"))
		}
	}
}

func TestMarkdownIsNotWhatTheTemplateSays(t *testing.T) {
	nasty := "`|<img src=x>@team *b* -->\n#1"
	r := &Report{
		Verdict: Verdict{Summary: "safe: " + nasty},
		Changes: []Change{{Place: Place{Stack: "s", Resource: "R"}, Subject: nasty, Before: &nasty, After: &nasty, Why: nasty}},
		Health:  []Remark{{Text: nasty}}, Security: []Access{{Text: nasty}}, Notes: []string{nasty},
		Environments: []Environment{{Place: Place{Resource: nasty}, Version: &Version{Known: true, Added: []string{nasty}}}},
	}
	markdown, _ := r.Markdown(nasty, MaxComment, "")
	table := false
	for line := range strings.Lines(markdown) {
		inCode := strings.Count(line, "``") >= 2 || strings.HasPrefix(line, "<!--")
		if strings.Contains(line, "<img") && !inCode {
			t.Errorf("HTML: %s", line)
		}
		if strings.Contains(line, "@team") && !inCode {
			t.Errorf("mentions: %s", line)
		}
		if table = table || strings.HasPrefix(line, "| Effect"); table && strings.HasPrefix(line, "|") {
			if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 4 {
				t.Errorf("%d bars: %s", n, line)
			}
		}
	}
	if strings.Count(Marker(nasty), "-->") != 1 || strings.Contains(Marker(nasty), "\n") {
		t.Errorf("marker %q", Marker(nasty))
	}
}

func TestColours(t *testing.T) {
	var plain, coloured strings.Builder
	r := many(2, 1)
	if err := r.WriteText(&plain, false); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteText(&coloured, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[1m\x1b[33mreplaces instances\x1b[0m") {
		t.Errorf("plain %q\ncoloured %q", plain.String(), coloured.String())
	}
}

func TestVersionsListFiles(t *testing.T) {
	v := Version{Known: true, Changed: []string{"a"}, Removed: []string{"z"}}
	for i := range maxFiles + 5 {
		v.Added = append(v.Added, fmt.Sprintf("file-%02d", i))
	}
	var lines []string
	v.list(func(sign, name string) { lines = append(lines, sign+name) })
	if len(lines) != maxFiles+2 || lines[0] != "~a" || lines[maxFiles] != "+and 6 more" || lines[maxFiles+1] != "-and 1 more" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}
