package health

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// SuccessCodes are the HTTP status codes that count as healthy (the option MatcherHTTPCode of a process, "matcher" in the
// API of the load balancer): one code ("200"), a list ("200,301") or one range ("200-301"). An application load balancer
// takes codes from 200 to 499. A list and a range cannot be mixed.
//
// See https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
type SuccessCodes string

// DefaultSuccessCodes count an answer of the view (200) and a redirect to HTTPS (301) as healthy.
const DefaultSuccessCodes SuccessCodes = "200-301"

const (
	minCode = 200
	maxCode = 499
)

// The expression with which Elastic Beanstalk itself checks the option.
var successCodes = regexp.MustCompile(`^((\d{3}(-\d{3})?)|(\d{3}(,\d{3})*))$`)

// Validate says whether Elastic Beanstalk and an application load balancer take these codes.
func (c SuccessCodes) Validate() error {
	if !successCodes.MatchString(string(c)) {
		return fmt.Errorf(`success codes %q: want one code ("200"), a list ("200,301") or one range ("200-301"), `+
			`without spaces; a list and a range cannot be mixed`, string(c))
	}
	var problems []error
	ranges := c.ranges()
	for _, r := range ranges {
		for _, code := range []int{r.low, r.high} {
			if code < minCode || code > maxCode {
				problems = append(problems, fmt.Errorf("success codes %q: %d is not between %d and %d, the codes that a load balancer can count as healthy",
					string(c), code, minCode, maxCode))
			}
			if r.low == r.high {
				break
			}
		}
		if r.low > r.high {
			problems = append(problems, fmt.Errorf("success codes %q: the range ends before it begins; write \"%d-%d\"",
				string(c), r.high, r.low))
		}
	}
	return errors.Join(problems...)
}

// Contains says whether an answer with this status code is healthy. Invalid success codes contain nothing.
func (c SuccessCodes) Contains(code int) bool {
	if c.Validate() != nil {
		return false
	}
	for _, r := range c.ranges() {
		if r.low <= code && code <= r.high {
			return true
		}
	}
	return false
}

type codeRange struct{ low, high int }

// ranges reads codes that match the expression above.
func (c SuccessCodes) ranges() []codeRange {
	var ranges []codeRange
	for part := range strings.SplitSeq(string(c), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		low, _ := strconv.Atoi(first)
		high, _ := strconv.Atoi(last)
		ranges = append(ranges, codeRange{low, high})
	}
	return ranges
}
