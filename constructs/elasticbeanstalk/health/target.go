package health

import "fmt"

// State is a target's health as the load balancer calls it.
type State string

// The states of a target that is registered and checked.
const (
	Initial   State = "initial"
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
)

// The load balancer's reason codes, with which the reasons of [Target.Observe] begin.
//
// See https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
const (
	ReasonInitialHealthChecking = "Elb.InitialHealthChecking"
	ReasonResponseCodeMismatch  = "Target.ResponseCodeMismatch"
	ReasonTimeout               = "Target.Timeout"
	ReasonFailedHealthChecks    = "Target.FailedHealthChecks"
)

// Observation is what one check met: an answer's StatusCode, or no answer in time (TimedOut), or no answer at all (Err:
// connection refused, malformed response, …). TimedOut counts before Err, Err before StatusCode.
type Observation struct {
	StatusCode int
	TimedOut   bool
	Err        error
}

// Passes says whether the check is passed by what was observed.
func (c Check) Passes(o Observation) bool {
	return !o.TimedOut && o.Err == nil && c.WithDefaults().SuccessCodes.Contains(o.StatusCode)
}

// Target is a registered target as one node of the load balancer sees it. A new target is initial: its first passed check
// makes it healthy. From then on only checks in a row count: UnhealthyThresholdCount failures make it unhealthy (an initial
// target too), HealthyThresholdCount passes make an unhealthy one healthy.
type Target struct {
	check  Check
	state  State
	passed int    // in a row
	failed int    // in a row
	reason string // of the last failure
}

// NewTarget registers a target; zero fields of the check mean their defaults.
func NewTarget(c Check) *Target {
	return &Target{check: c.WithDefaults(), state: Initial}
}

// Observe takes the result of the next check and returns the state that follows and, unless the target is healthy, the
// reason in the load balancer's words: its reason code, a colon, its description.
func (t *Target) Observe(o Observation) (State, string) {
	if t.check.Passes(o) {
		t.passed, t.failed = t.passed+1, 0
		if t.state == Initial || t.passed >= t.check.HealthyThresholdCount {
			t.state = Healthy
		}
	} else {
		t.passed, t.failed = 0, t.failed+1
		t.reason = failure(o)
		if t.failed >= t.check.UnhealthyThresholdCount {
			t.state = Unhealthy
		}
	}
	switch t.state {
	case Healthy:
		return Healthy, ""
	case Initial:
		return Initial, ReasonInitialHealthChecking + ": Initial health checks in progress"
	default:
		return Unhealthy, t.reason
	}
}

func failure(o Observation) string {
	switch {
	case o.TimedOut:
		return ReasonTimeout + ": Request timed out"
	case o.Err != nil || o.StatusCode == 0:
		return ReasonFailedHealthChecks + ": Health checks failed"
	default:
		return fmt.Sprintf("%s: Health checks failed with these codes: [%d]", ReasonResponseCodeMismatch, o.StatusCode)
	}
}
