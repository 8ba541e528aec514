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

// Environments of several stacks tend to have one name: whatever is said of one says which.
func TestEnvironmentsOfOneNameAreToldApart(t *testing.T) {
	web := func(path, size string) string {
		return stack(fmt.Sprintf(environmentJSON, settingJSON("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", path)+","+
			settingJSON("aws:autoscaling:launchconfiguration", "SSHSourceRestriction", "tcp,22,22,"+size)+","+
			settingJSON("aws:elasticbeanstalk:application:environment", "A", size)))
	}
	base := map[string]string{"shop-production-web": web("/a/", "10.0.0.0/8"), "shop-staging-web": web("/a/", "10.0.0.0/8")}
	for name, tt := range map[string]struct {
		head      map[string]string
		text, md  []string
		otherwise string
	}{
		"both": {map[string]string{"shop-production-web": web("/b/", "10.0.0.0/16"), "shop-staging-web": web("/c/", "10.0.0.0/8")},
			[]string{"Web in shop-production-web gets new instances", "shop-staging-web Web "},
			[]string{"- **Web** in shop-staging-web: the target group will ask for /c/", "narrows: **Web** in shop-production-web SSH"}, ""},
		"one of two": {map[string]string{"shop-production-web": web("/a/", "10.0.0.0/16"), "shop-staging-web": base["shop-staging-web"]},
			[]string{"Web in shop-production-web gets new instances", "shop-production-web Web narrows: SSH"},
			[]string{"narrows: **Web** in shop-production-web SSH"}, "shop-staging-web"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := diff(t, base, tt.head)
			forms := render(t, r)
			for form, want := range map[string][]string{"text": tt.text, "markdown": tt.md} {
				for _, w := range want {
					if !strings.Contains(forms[form], w) {
						t.Errorf("no %q in the %s:\n%s", w, form, forms[form])
					}
				}
				if tt.otherwise != "" && strings.Contains(forms[form], tt.otherwise) {
					t.Errorf("%s is mentioned:\n%s", tt.otherwise, forms[form])
				}
			}
		})
	}
	// One environment needs no stack.
	r, _ := diff(t, map[string]string{"shop-staging-web": web("/a/", "10.0.0.0/8")}, map[string]string{"shop-staging-web": web("/b/", "10.0.0.0/16")})
	if s := r.Verdict.Summary; strings.Contains(s, " in shop") {
		t.Error(s)
	}
}

// What happens to several environments stands in their list, once.
func TestMarkdownOfSeveralEnvironments(t *testing.T) {
	side := func(name, topic string) string {
		environment := func(id string) string {
			return `"` + id + `": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"ApplicationName": "shop", "EnvironmentName": "` + name + id + `"}}`
		}
		return stack(environment("Web"), environment("Worker"), `"`+topic+`": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "`+topic+`"}}`)
	}
	r, _ := diff(t, map[string]string{"S": side("a", "Alarm")}, map[string]string{"S": side("b", "Bell")})
	if len(r.Environments) != 2 {
		t.Fatalf("%+v", r.Environments)
	}
	markdown, _ := r.Markdown("", 0, "")
	head, _, _ := strings.Cut(markdown, "<details")
	if n := strings.Count(head, "is replaced by a new environment"); n != 2 {
		t.Errorf("%d times in\n%s", n, head)
	}
	if !strings.Contains(head, "\n\nAlarm is removed.\n\n") {
		t.Errorf("does not say what becomes of the topic:\n%s", head)
	}
	if !strings.Contains(r.Verdict.Summary, "Web "+r.Environments[0].Summary) {
		t.Errorf("the verdict is %q", r.Verdict.Summary)
	}
}
