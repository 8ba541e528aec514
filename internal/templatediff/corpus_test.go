package templatediff

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// expectation is a pair's expect.json.
type expectation struct {
	Title   string
	Source  string
	Verdict Effect
	// Changes are all the changes: the resource's name and the subject, with the effect.
	Changes map[string]Effect
	// Says are texts that a report for the terminal contains; Never are those that no form of it does.
	Says, Never []string
	// Flags are some of the verdict's flags.
	Flags []string
}

func TestCorpus(t *testing.T) {
	pairs, err := filepath.Glob("testdata/corpus/*")
	if err != nil || len(pairs) < 40 {
		t.Fatalf("%d pairs, %v", len(pairs), err)
	}
	public := 0
	for _, dir := range pairs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(dir, "expect.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want expectation
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			r := Compare(openSide(t, dir, "base"), openSide(t, dir, "head"))
			if r.Verdict.Effect != want.Verdict {
				t.Errorf("verdict %s (%s), want %s", r.Verdict.Effect, r.Verdict.Summary, want.Verdict)
			}
			got := map[string]Effect{}
			for _, c := range r.Changes {
				got[c.Resource+" "+c.Subject] = c.Effect
			}
			for change, effect := range got {
				if want.Changes[change] == "" {
					t.Errorf("unexpected: %s: %s", change, effect)
				}
			}
			for change, effect := range want.Changes {
				if got[change] != effect {
					t.Errorf("%s: %q, want %q", change, got[change], effect)
				}
			}
			for _, flag := range want.Flags {
				if !strings.Contains(strings.Join(r.Verdict.Flags, " "), flag) {
					t.Errorf("flags %v, want %s", r.Verdict.Flags, flag)
				}
			}
			text := render(t, r)
			for _, s := range want.Says {
				if !strings.Contains(text["text"], s) {
					t.Errorf("does not say %q:\n%s", s, text["text"])
				}
			}
			for form, text := range text {
				for _, s := range want.Never {
					if strings.Contains(text, s) {
						t.Errorf("%s gives %q away:\n%s", form, s, text)
					}
				}
			}
			checkSchema(t, text["json"])
		})
		data, _ := os.ReadFile(filepath.Join(dir, "expect.json"))
		if !strings.Contains(string(data), "the app of this repository") {
			public++
		}
	}
	if public*2 < len(pairs) {
		t.Errorf("%d of %d pairs are from public templates, want at least half", public, len(pairs))
	}
}

func openSide(t *testing.T, dir, side string) *Assembly {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(dir, side+"*"))
	if len(found) != 1 {
		t.Fatalf("%s: %v", side, found)
	}
	a, err := Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func render(t *testing.T, r *Report) map[string]string {
	t.Helper()
	var text, coloured, encoded strings.Builder
	for _, err := range []error{r.WriteText(&text, false), r.WriteText(&coloured, true), r.WriteJSON(&encoded)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	markdown, _ := r.Markdown("", MaxComment, "")
	return map[string]string{"text": text.String(), "colour": coloured.String(), "json": encoded.String(), "markdown": markdown}
}
