package status

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Goal is what a wait ends with.
type Goal string

// The goals.
const (
	// UntilReady ends when Beanstalk takes a deployment.
	UntilReady Goal = "ready"
	// UntilGreen ends when the environment is Ready and Green, and no target is unhealthy, twice in a row: what
	// Beanstalk reports lags behind a deployment.
	UntilGreen Goal = "green"
)

// Poll is the time between two looks: health is reported afresh every ten seconds, and throttling is shared with everyone
// who uses the account.
const Poll = 15 * time.Second

// Wait looks again and again until the goal is met or the context ends, and returns the last facts. Progress gets a line
// whenever one differs from the line before. The error is nil if the goal is met, a [NotMet] if it is not and will not be
// in time, else that of the first look; later looks that fail are tried again.
func Wait(ctx context.Context, source Source, goal Goal, poll time.Duration, progress func(string)) (Facts, error) {
	facts, err := source.Facts(ctx)
	if err != nil {
		return facts, err
	}
	said := ""
	say := func(line string) {
		if line != said {
			progress(line)
			said = line
		}
	}
	var failed error // of the last look
	for inRow := 0; ; {
		if failed != nil {
			inRow = 0
			say(failed.Error())
		} else {
			say(facts.Line())
			met := facts.Ready()
			if goal == UntilGreen {
				met = facts.Green()
			}
			switch {
			case facts.Gone():
				return facts, NotMet("the environment is " + facts.Environment.Status)
			case met:
				if inRow++; goal == UntilReady || inRow == 2 {
					return facts, nil
				}
			default:
				inRow = 0
			}
		}
		next, err := look(ctx, source, poll)
		if ctx.Err() != nil { // a look that this has cut off says nothing
			return facts, ended(ctx, goal, failed)
		}
		if failed = err; err == nil {
			facts = next
		}
	}
}

// look asks after some time.
func look(ctx context.Context, source Source, after time.Duration) (Facts, error) {
	select {
	case <-ctx.Done():
		return Facts{}, ctx.Err()
	case <-time.After(after):
		return source.Facts(ctx)
	}
}

// ended says why a wait ends before its goal is met.
func ended(ctx context.Context, goal Goal, failed error) error {
	why := fmt.Sprintf("not %s in time", goal)
	if errors.Is(ctx.Err(), context.Canceled) {
		why = fmt.Sprintf("interrupted before it was %s", goal)
	}
	if failed != nil {
		why += "; the last look failed: " + failed.Error()
	}
	return NotMet(why)
}

// NotMet says that a wait ended without its goal.
type NotMet string

func (n NotMet) Error() string { return string(n) }
