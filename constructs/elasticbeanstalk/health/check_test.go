package health

import (
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	want := Check{
		Path: "/healthz/", SuccessCodes: "200-301", Interval: 15 * time.Second, Timeout: 5 * time.Second,
		HealthyThresholdCount: 3, UnhealthyThresholdCount: 5,
	}
	if got := (Check{}).WithDefaults(); got != want {
		t.Errorf("WithDefaults() = %+v, want %+v", got, want)
	}
	if err := (Check{}).Validate(); err != nil {
		t.Errorf("the default check is invalid: %v", err)
	}
	given := Check{"/up", "204", 60 * time.Second, 10 * time.Second, 2, 10}
	if got := given.WithDefaults(); got != given {
		t.Errorf("WithDefaults() = %+v, want what was given", got)
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name     string
		check    Check
		problems []string // one for each line of the error
	}{
		{name: "limits, low", check: Check{"/", "200", 5 * time.Second, 2 * time.Second, 2, 2}},
		{name: "limits, high", check: Check{"/" + strings.Repeat("a", 1023), "499", 300 * time.Second, 60 * time.Second, 10, 10}},
		{name: "query", check: Check{Path: "/up/?deep=1&x=%20"}},

		{name: "no slash", check: Check{Path: "healthz/"}, problems: []string{`Path: "healthz/" does not begin with a slash; write "/healthz/"`}},
		{name: "too long", check: Check{Path: "/" + strings.Repeat("a", 1024)}, problems: []string{"Path: 1025 characters long"}},
		{name: "space", check: Check{Path: "/health check"}, problems: []string{`holds ' '`}},
		{name: "line feed", check: Check{Path: "/up\n"}, problems: []string{`holds '\n'`}},
		{name: "not ASCII", check: Check{Path: "/gesund-für"}, problems: []string{`holds 'ü'`}},
		{name: "fragment", check: Check{Path: "/#up"}, problems: []string{`holds '#'`}},
		{name: "codes", check: Check{SuccessCodes: "200-299,301"}, problems: []string{`SuccessCodes: success codes "200-299,301"`}},
		{name: "short interval", check: Check{Interval: 4 * time.Second, Timeout: 2 * time.Second}, problems: []string{"Interval: 4s is not between 5s and 5m0s"}},
		{name: "long interval", check: Check{Interval: 301 * time.Second}, problems: []string{"Interval: 5m1s is not between"}},
		{name: "broken interval", check: Check{Interval: 15500 * time.Millisecond}, problems: []string{"Interval: 15.5s is not a whole number of seconds"}},
		{name: "short timeout", check: Check{Timeout: time.Second}, problems: []string{"Timeout: 1s is not between 2s and 1m0s"}},
		{name: "interval as long as the timeout", check: Check{Interval: 10 * time.Second, Timeout: 10 * time.Second}, problems: []string{"Interval: 10s must be longer than Timeout, which is 10s"}},
		{name: "given timeout, default interval", check: Check{Timeout: 20 * time.Second}, problems: []string{"Interval: 15s must be longer than Timeout"}},
		{name: "thresholds", check: Check{HealthyThresholdCount: 1, UnhealthyThresholdCount: 11}, problems: []string{
			"HealthyThresholdCount: 1 is not between 2 and 10", "UnhealthyThresholdCount: 11 is not between 2 and 10"}},
		{name: "everything", check: Check{"x y", "99", -1, -1, -1, -1}, problems: []string{
			"Path: \"x y\" does not", "Path: \"x y\" holds", "SuccessCodes:", "Interval: -1ns", "Timeout: -1ns", "Interval: -1ns must be",
			"HealthyThresholdCount: -1", "UnhealthyThresholdCount: -1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.check.Validate()
			var lines []string
			if err != nil {
				lines = strings.Split(err.Error(), "\n")
			}
			if len(lines) != len(test.problems) {
				t.Fatalf("Validate() says %d things, want %d:\n%v", len(lines), len(test.problems), err)
			}
			for i, want := range test.problems {
				if !strings.Contains(lines[i], want) {
					t.Errorf("problem %d is %q, want it to say %q", i, lines[i], want)
				}
			}
		})
	}
}
