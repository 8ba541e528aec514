package status

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// looks answers one look after another, the last one for ever.
type looks struct {
	answers []any // Facts or error
	asked   int
}

func (l *looks) Facts(context.Context) (Facts, error) {
	a := l.answers[min(l.asked, len(l.answers)-1)]
	l.asked++
	if err, bad := a.(error); bad {
		return Facts{}, err
	}
	return a.(Facts), nil
}

func state(status, colour string) Facts {
	return Facts{Environment: Environment{Status: status, Colour: colour}}
}

func TestWait(t *testing.T) {
	busy, red, green, gone := state("Updating", "Grey"), state("Ready", "Red"), state("Ready", "Green"), state("Terminating", "Grey")
	away := errors.New("throttled")
	for name, test := range map[string]struct {
		goal     Goal
		answers  []any
		asked    int // 0 for as often as there is time
		says     string
		progress string
	}{
		"ready":                     {UntilReady, []any{busy, busy, red}, 3, "", "Updating, Grey|Ready, Red"},
		"green, twice":              {UntilGreen, []any{busy, green, red, green, green}, 5, "", "Updating, Grey|Ready, Green|Ready, Red|Ready, Green"},
		"a look that fails":         {UntilGreen, []any{green, away, green, green}, 4, "", "Ready, Green|throttled|Ready, Green"},
		"never green":               {UntilGreen, []any{red}, 0, "not green in time", "Ready, Red"},
		"never ready":               {UntilReady, []any{busy}, 0, "not ready in time", "Updating, Grey"},
		"gone":                      {UntilGreen, []any{busy, gone}, 2, "the environment is Terminating", "Updating, Grey|Terminating, Grey"},
		"the first look that fails": {UntilGreen, []any{away}, 1, "throttled", ""},
		"all later looks that fail": {UntilGreen, []any{red, away}, 0, "the last look failed: throttled", "Ready, Red|throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			source := &looks{answers: test.answers}
			var lines []string
			_, err := Wait(ctx, source, test.goal, time.Millisecond, func(line string) { lines = append(lines, line) })
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if test.asked != 0 && source.asked != test.asked {
				t.Errorf("looked %d times, want %d", source.asked, test.asked)
			}
			if got := strings.Join(lines, "|"); got != test.progress {
				t.Errorf("progress %q, want %q", got, test.progress)
			}
			if met := NotMet(""); test.says != "" && errors.As(err, &met) == (test.asked == 1) {
				t.Errorf("%v: only an environment that was seen can miss its goal", err)
			}
		})
	}
}

func TestWaitInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Wait(ctx, &looks{answers: []any{state("Updating", "Grey")}}, UntilReady, time.Hour, func(string) { cancel() })
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}
