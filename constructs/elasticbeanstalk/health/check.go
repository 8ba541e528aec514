// Package health is the health check of a target group, in the load balancer's own terms: the check and its limits
// ([Check]), the codes that pass ([SuccessCodes]), and what a target's state becomes, probe by probe ([Target]).
// It knows neither AWS's API nor Django, and sends nothing.
//
// See https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
package health

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What a [Check] is when nothing else is said.
const (
	DefaultPath                    = "/healthz/"
	DefaultInterval                = 15 * time.Second
	DefaultTimeout                 = 5 * time.Second
	DefaultHealthyThresholdCount   = 3
	DefaultUnhealthyThresholdCount = 5
)

// What Elastic Beanstalk and the load balancer both take. Beanstalk allows a timeout from 1 s, the load balancer up to
// 120 s; only what both allow can be deployed.
const (
	minInterval  = 5 * time.Second
	maxInterval  = 300 * time.Second
	minTimeout   = 2 * time.Second
	maxTimeout   = 60 * time.Second
	minThreshold = 2
	maxThreshold = 10
	maxPath      = 1024
)

// Check is how a load balancer asks a target for its health. A zero field means its default ([Check.WithDefaults]).
//
// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html#command-options-general-environmentprocess
type Check struct {
	// Path is asked with GET: from a slash on, 1 to 1024 characters. Default: [DefaultPath].
	Path string
	// SuccessCodes are the status codes that pass. Default: [DefaultSuccessCodes].
	SuccessCodes SuccessCodes
	// Interval is the time between two checks: whole seconds, 5 s to 300 s, longer than Timeout. Default: 15 s.
	Interval time.Duration
	// Timeout is how long an answer may take: whole seconds, 2 s to 60 s. Default: 5 s.
	Timeout time.Duration
	// HealthyThresholdCount is how many checks in a row an unhealthy target must pass to be healthy again: 2 to 10.
	// Default: 3. A new target needs one.
	HealthyThresholdCount int
	// UnhealthyThresholdCount is how many checks in a row a target must fail to be unhealthy: 2 to 10. Default: 5.
	UnhealthyThresholdCount int
}

// WithDefaults returns the check with every zero field replaced by its default.
func (c Check) WithDefaults() Check {
	if c.Path == "" {
		c.Path = DefaultPath
	}
	if c.SuccessCodes == "" {
		c.SuccessCodes = DefaultSuccessCodes
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.HealthyThresholdCount == 0 {
		c.HealthyThresholdCount = DefaultHealthyThresholdCount
	}
	if c.UnhealthyThresholdCount == 0 {
		c.UnhealthyThresholdCount = DefaultUnhealthyThresholdCount
	}
	return c
}

// Validate returns everything that Elastic Beanstalk or the load balancer would refuse in the check, each problem with the
// name of its field, or nil. Defaults count as given.
func (c Check) Validate() error {
	c = c.WithDefaults()
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if !strings.HasPrefix(c.Path, "/") {
		problem("Path: %q does not begin with a slash; write %q", c.Path, "/"+c.Path)
	}
	if len(c.Path) > maxPath {
		problem("Path: %d characters long, at most %d are allowed", len(c.Path), maxPath)
	}
	if i := strings.IndexFunc(c.Path, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }); i >= 0 {
		problem("Path: %q holds %q; a path in a request is ASCII without spaces and without #, anything else is written as %%XX",
			c.Path, []rune(c.Path[i:])[0])
	}
	if err := c.SuccessCodes.Validate(); err != nil {
		problem("SuccessCodes: %w", err)
	}
	duration := func(field string, d, low, high time.Duration) {
		if d < low || d > high {
			problem("%s: %v is not between %v and %v", field, d, low, high)
		} else if d%time.Second != 0 {
			problem("%s: %v is not a whole number of seconds", field, d)
		}
	}
	duration("Interval", c.Interval, minInterval, maxInterval)
	duration("Timeout", c.Timeout, minTimeout, maxTimeout)
	if c.Interval <= c.Timeout {
		problem("Interval: %v must be longer than Timeout, which is %v", c.Interval, c.Timeout)
	}
	threshold := func(field string, n int) {
		if n < minThreshold || n > maxThreshold {
			problem("%s: %d is not between %d and %d", field, n, minThreshold, maxThreshold)
		}
	}
	threshold("HealthyThresholdCount", c.HealthyThresholdCount)
	threshold("UnhealthyThresholdCount", c.UnhealthyThresholdCount)
	return errors.Join(problems...)
}
