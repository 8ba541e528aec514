package health

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestSuccessCodes(t *testing.T) {
	for _, test := range []struct {
		codes    SuccessCodes
		pass     []int
		fail     []int
		problems []string // what the error says; none if the codes are valid
	}{
		{codes: "200", pass: []int{200}, fail: []int{199, 201, 301}},
		{codes: "200,301", pass: []int{200, 301}, fail: []int{201, 300, 302}},
		{codes: "200-301", pass: []int{200, 204, 300, 301}, fail: []int{199, 302, 400, 500}},
		{codes: "301-301", pass: []int{301}, fail: []int{300, 302}},
		{codes: "200-499", pass: []int{200, 499}, fail: []int{500, 0}},

		{codes: "", fail: []int{200}, problems: []string{`success codes ""`, `"200-301"`}},
		{codes: "200-299,301", fail: []int{200}, problems: []string{"cannot be mixed"}},
		{codes: "200, 301", fail: []int{200}, problems: []string{"without spaces"}},
		{codes: "200,", fail: []int{200}, problems: []string{`"200,"`}},
		{codes: "2xx", fail: []int{200}, problems: []string{`"2xx"`}},
		{codes: "200\n", fail: []int{200}, problems: []string{`"200\n"`}},
		{codes: "２００", fail: []int{200}, problems: []string{"want one code"}},
		{codes: "1000", fail: []int{100}, problems: []string{"want one code"}},
		{codes: "199", fail: []int{199}, problems: []string{"199 is not between 200 and 499"}},
		{codes: "200,500", fail: []int{200, 500}, problems: []string{"500 is not between 200 and 499"}},
		{codes: "100-500", fail: []int{200}, problems: []string{"100 is not between", "500 is not between"}},
		{codes: "301-200", fail: []int{200, 250, 301}, problems: []string{`"301-200"`, `write "200-301"`}},
	} {
		t.Run(string(test.codes), func(t *testing.T) {
			err := test.codes.Validate()
			if (err != nil) != (test.problems != nil) {
				t.Fatalf("Validate() = %v, want problems %q", err, test.problems)
			}
			for _, want := range test.problems {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Validate() = %q, want it to say %q", err, want)
				}
			}
			for _, code := range test.pass {
				if !test.codes.Contains(code) {
					t.Errorf("Contains(%d) = false", code)
				}
			}
			for _, code := range test.fail {
				if test.codes.Contains(code) {
					t.Errorf("Contains(%d) = true", code)
				}
			}
		})
	}
}

// FuzzSuccessCodes compares with a second reading of the same rule: a valid string is what some set of codes is written as.
func FuzzSuccessCodes(f *testing.F) {
	beanstalk := regexp.MustCompile(`^((\d{3}(-\d{3})?)|(\d{3}(,\d{3})*))$`)
	f.Fuzz(func(t *testing.T, text string) {
		codes := SuccessCodes(text)
		err := codes.Validate()
		if err == nil && !beanstalk.MatchString(text) {
			t.Fatalf("%q is valid here, and refused by Elastic Beanstalk", text)
		}
		var contained []int
		for code := range 1000 {
			if codes.Contains(code) {
				contained = append(contained, code)
			}
		}
		if err != nil {
			if len(contained) > 0 {
				t.Fatalf("%q is invalid (%v), and contains %v", text, err, contained)
			}
			return
		}
		if len(contained) == 0 {
			t.Fatalf("%q is valid, and contains nothing", text)
		}
		if contained[0] < 200 || contained[len(contained)-1] > 499 {
			t.Fatalf("%q contains %v, which a load balancer refuses", text, contained)
		}
		if first, last, isRange := strings.Cut(text, "-"); isRange {
			if got := fmt.Sprint(contained[0], contained[len(contained)-1], len(contained)); got != fmt.Sprintf("%s %s %d", first, last, contained[len(contained)-1]-contained[0]+1) {
				t.Fatalf("%q contains %v", text, contained)
			}
			return
		}
		want := strings.Split(text, ",")
		slices.Sort(want)
		if got := strings.Trim(fmt.Sprint(contained), "[]"); got != strings.Join(slices.Compact(want), " ") {
			t.Fatalf("%q contains %v", text, contained)
		}
	})
}
