package health

import (
	"errors"
	"strings"
	"testing"
)

// Observations by letter: a 200, a 301, b 400, e 500, t timed out, r refused, z nothing at all.
var letters = map[rune]Observation{
	'a': {StatusCode: 200}, 'm': {StatusCode: 301}, 'b': {StatusCode: 400}, 'e': {StatusCode: 500},
	't': {TimedOut: true}, 'r': {Err: errors.New("connection refused")}, 'z': {},
}

func TestTarget(t *testing.T) {
	for _, test := range []struct {
		name   string
		check  Check
		seen   string
		states string // i initial, h healthy, u unhealthy
		reason string // at the end
	}{
		{name: "one success is enough at first", seen: "a", states: "h"},
		{name: "a 301 is a success", seen: "m", states: "h"},
		{name: "late success while initial", seen: "bbbba", states: "iiiih"},
		{name: "checking", seen: "b", states: "i", reason: "Elb.InitialHealthChecking: Initial health checks in progress"},
		{name: "never healthy", seen: "bbbbb", states: "iiiiu", reason: "Target.ResponseCodeMismatch: Health checks failed with these codes: [400]"},
		{name: "unhealthy needs three in a row", seen: "bbbbbaabaaa", states: "iiiiuuuuuuh"},
		{name: "while it recovers the reason stays", seen: "bbbbbaa", states: "iiiiuuu", reason: "Target.ResponseCodeMismatch: Health checks failed with these codes: [400]"},
		{name: "healthy until five fail in a row", seen: "aeeeeaeeeee", states: "hhhhhhhhhhu", reason: "Target.ResponseCodeMismatch: Health checks failed with these codes: [500]"},
		{name: "down, up, down", check: Check{HealthyThresholdCount: 2, UnhealthyThresholdCount: 2}, seen: "aeeaaee", states: "hhuuhhu",
			reason: "Target.ResponseCodeMismatch: Health checks failed with these codes: [500]"},
		{name: "the last failure is the reason", check: Check{UnhealthyThresholdCount: 2}, seen: "bt", states: "iu", reason: "Target.Timeout: Request timed out"},
		{name: "refused", check: Check{UnhealthyThresholdCount: 2}, seen: "rr", states: "iu", reason: "Target.FailedHealthChecks: Health checks failed"},
		{name: "no answer", check: Check{UnhealthyThresholdCount: 2}, seen: "zz", states: "iu", reason: "Target.FailedHealthChecks: Health checks failed"},
		{name: "other codes", check: Check{SuccessCodes: "200", UnhealthyThresholdCount: 2}, seen: "mm", states: "iu",
			reason: "Target.ResponseCodeMismatch: Health checks failed with these codes: [301]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := NewTarget(test.check)
			var states strings.Builder
			var reason string
			for _, letter := range test.seen {
				var state State
				state, reason = target.Observe(letters[letter])
				states.WriteByte(state[0])
				if (state == Healthy) != (reason == "") {
					t.Errorf("state %q with reason %q", state, reason)
				}
			}
			if states.String() != test.states {
				t.Errorf("states %s, want %s", states.String(), test.states)
			}
			if reason != test.reason {
				t.Errorf("reason %q, want %q", reason, test.reason)
			}
		})
	}
}

func TestPassesCountsWhatWasMissed(t *testing.T) {
	for _, o := range []Observation{{StatusCode: 200, TimedOut: true}, {StatusCode: 200, Err: errors.New("cut off")}} {
		if (Check{}).Passes(o) {
			t.Errorf("%+v passes", o)
		}
	}
}
