package report

import (
	"fmt"
	"math"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/internal/rehearsal"
)

// The picture in its own units. On a narrow screen it keeps its size and is scrolled.
const (
	width     = 960
	left      = 148 // of it for the names of the lanes
	right     = 20
	laneGap   = 22
	barHeight = 18
	narrowest = 4  // of a bar that is there
	labelGap  = 13 // between the rows of labels
	stepsHigh = 56
)

// timeline is the picture, ready to be drawn.
type timeline struct {
	Width, Height                            float64
	Left, Right                              float64
	Ticks                                    []tick
	Web                                      []bar
	Probes                                   []mark
	States                                   []bar
	Threshold                                threshold
	Steps                                    string // the line of failures in a row, as points
	WebY, ProbeY, StepsY, StatesY, AxisY, To float64
	Registered                               float64 // 0: the load balancer never asked
	Words                                    string  // the picture for who does not see it
}

type tick struct {
	X    float64
	Text string
}

type bar struct {
	X, Width           float64
	Class, Text, Title string
}

// fit ends the bar, and leaves its text away if there is no room for it.
func (b *bar) fit(end float64) {
	b.Width = max(round(end-b.X-1), narrowest)
	if b.Width < wide(b.Text)+8 {
		b.Text = ""
	}
}

// wide is about as wide as the text will be.
func wide(text string) float64 { return 7.6 * float64(len(text)) }

// mark is a probe: a bar, and above it the answer.
type mark struct {
	bar
	Number                  int
	LabelX, LabelY, LeaderY float64
}

type threshold struct {
	Y, Base float64
	Text    string
}

// newTimeline lays the picture out; nil if nothing was started and nothing asked.
func newTimeline(v rehearsal.Verdict) *timeline {
	if len(v.Probes) == 0 && len(v.Web) == 0 {
		return nil
	}
	from, to := v.Took, time.Duration(0)
	seen := func(at time.Duration) { from, to = min(from, at), max(to, at) }
	for _, p := range v.Web {
		seen(p.Started)
		seen(max(p.Started, p.Ended)) // one that has not ended has 0
	}
	if v.Registered != 0 {
		seen(v.Registered)
	}
	for _, p := range v.Probes {
		seen(p.At)
		seen(p.At + p.Took)
	}
	span := max(to-from, 100*time.Millisecond)
	to = from + span + span/8 // room for the name of the last state
	t := &timeline{Width: width, Left: left, Right: width - right}
	x := func(at time.Duration) float64 {
		return round(left + (width-left-right)*float64(at-from)/float64(to-from))
	}

	y := 26.0
	t.WebY = y
	for _, p := range v.Web {
		b := bar{X: x(p.Started), Class: "run", Text: "runs", Title: fmt.Sprintf("the web process, started at %s", seconds(p.Started))}
		end := x(to)
		if p.Ended != 0 {
			end = x(p.Ended)
			b.Class, b.Text = "ended", p.How
			b.Title += fmt.Sprintf(", ended at %s: %s", seconds(p.Ended), p.How)
		}
		b.fit(end)
		t.Web = append(t.Web, b)
	}
	y += barHeight + laneGap

	// Labels of probes that are close to each other go above one another.
	all := rows(v)
	levels := []float64{} // the right end of the last label of each
	level := make([]int, len(all))
	for i, p := range all {
		at := x(p.At)
		for level[i] = 0; level[i] < len(levels) && levels[level[i]] > at; level[i]++ {
		}
		if level[i] == len(levels) {
			levels = append(levels, 0)
		}
		levels[level[i]] = at + wide(p.Answer) + 8
	}
	t.ProbeY = y + labelGap*float64(len(levels))
	for i, p := range all {
		m := mark{Number: p.Number, LabelX: x(p.At), LabelY: t.ProbeY - 5 - labelGap*float64(level[i]), LeaderY: t.ProbeY}
		m.bar = bar{X: x(p.At), Width: max(x(p.At+p.Took)-x(p.At), narrowest), Class: "passed", Text: p.Answer,
			Title: fmt.Sprintf("health check %d at %s: %s after %s, %d failed in a row", p.Number, seconds(p.At), p.Answer, milliseconds(p.Took), p.Failed)}
		if !p.Passed {
			m.Class = "failed"
		}
		t.Probes = append(t.Probes, m)
	}
	y = t.ProbeY + barHeight + laneGap

	if len(all) > 0 && v.Kind == rehearsal.LoadBalanced {
		t.StepsY = y
		limit := max(v.Used.Check.UnhealthyThresholdCount, 1)
		height := func(failed int) float64 {
			return round(y + stepsHigh - stepsHigh*float64(min(failed, limit))/float64(limit))
		}
		t.Threshold = threshold{Y: height(limit), Base: height(0), Text: fmt.Sprintf("unhealthy at %d", limit)}
		at := height(0)
		t.Steps = fmt.Sprintf("%g,%g", x(all[0].At), at)
		for _, p := range all { // a check counts when it is over
			end := x(p.At + p.Took)
			t.Steps += fmt.Sprintf(" %g,%g %g,%g", end, at, end, height(p.Failed))
			at = height(p.Failed)
		}
		t.Steps += fmt.Sprintf(" %g,%g", x(to), at)
		y += stepsHigh + laneGap

		t.StatesY = y
		t.Registered = x(v.Registered)
		state, since := health.Initial, t.Registered
		add := func(end float64) {
			b := bar{X: since, Class: string(state), Text: string(state), Title: "target " + string(state)}
			b.fit(end)
			t.States = append(t.States, b)
		}
		for _, p := range all {
			if p.State != state {
				add(x(p.At + p.Took))
				state, since = p.State, x(p.At+p.Took)
			}
		}
		add(x(to))
		y += barHeight + laneGap
	}
	t.AxisY = y - laneGap/2
	t.Height, t.To = t.AxisY+34, t.AxisY
	step := tickStep(to - from)
	for at := (from + step - 1) / step * step; at <= to; at += step {
		t.Ticks = append(t.Ticks, tick{x(at), plain(at)})
	}
	t.Words = words(v, all)
	return t
}

// tickStep divides the axis into at most ten.
func tickStep(span time.Duration) time.Duration {
	for unit := 10 * time.Millisecond; ; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if span/(n*unit) <= 10 {
				return n * unit
			}
		}
	}
}

func words(v rehearsal.Verdict, all []row) string {
	text := fmt.Sprintf("The web process was started %s. ", times(len(v.Web)))
	for _, p := range all {
		text += fmt.Sprintf("Health check %d at %s: %s, target %s. ", p.Number, seconds(p.At), p.Answer, p.State)
	}
	return text
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

func round(f float64) float64 { return math.Round(f*10) / 10 }
