package elasticbeanstalk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// defaultProcess is the process that Elastic Beanstalk always makes.
const defaultProcess = "default"

// processNamespace begins the namespace of a process, which ends with the process's name.
const processNamespace = "aws:elasticbeanstalk:environment:process:"

// Process is a port on every instance that the load balancer sends requests to: a target group.
//
// On a shared load balancer, listener rules of the stack forward to the target group, so Port and Protocol, whose change
// replaces it, are fixed once the environment exists.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-alb.html
type Process struct {
	// Port is where the proxy on the instance listens, 1 to 65535. Default: 80.
	Port int
	// Protocol is "HTTP" or "HTTPS". Default: "HTTP".
	Protocol string
	// HealthCheck is how the load balancer finds out whether an instance can serve. Default: that of [health.Check].
	HealthCheck health.Check
	// DeregistrationDelay is how long an instance that leaves may finish its requests, in whole seconds, 0 to 1 hour.
	// Default: 20 seconds.
	DeregistrationDelay *time.Duration
	// StickinessDuration keeps a client on one instance for as long, in whole seconds, up to 7 days. Default: no stickiness.
	StickinessDuration time.Duration
}

var processName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

func (p Process) port() int        { return cmp.Or(p.Port, 80) }
func (p Process) protocol() string { return cmp.Or(p.Protocol, "HTTP") }

func (p Process) validate(name string) error {
	var problems []error
	if !processName.MatchString(name) {
		problems = append(problems, errors.New("is not a process name: use 1 to 32 letters, digits, hyphens and underscores, with a letter or digit first"))
	}
	if p.Port < 0 || p.Port > 65535 {
		problems = append(problems, fmt.Errorf("Port: %d is not a port; give 1 to 65535", p.Port))
	}
	if p.Protocol != "" && p.Protocol != "HTTP" && p.Protocol != "HTTPS" {
		problems = append(problems, fmt.Errorf("Protocol: %q is not allowed behind an application load balancer; give \"HTTP\" or \"HTTPS\"", p.Protocol))
	}
	if d := orPtr(p.DeregistrationDelay, 0); d%time.Second != 0 || d < 0 || d > time.Hour {
		problems = append(problems, fmt.Errorf("DeregistrationDelay: %v is not allowed; give whole seconds, from 0s to 1h", d))
	}
	if d := p.StickinessDuration; d%time.Second != 0 || d < 0 || d > 7*24*time.Hour {
		problems = append(problems, fmt.Errorf("StickinessDuration: %v is not allowed; give whole seconds, up to 168h", d))
	}
	for _, err := range flatten(p.HealthCheck.Validate()) {
		problems = append(problems, fmt.Errorf("HealthCheck: %w", err))
	}
	return errors.Join(problems...)
}

func (p Process) settings(name string) []option.Setting {
	namespace := processNamespace + name
	check := p.HealthCheck.WithDefaults()
	settings := []option.Setting{
		setting(namespace, "Port", p.port()),
		setting(namespace, "Protocol", p.protocol()),
		setting(namespace, "HealthCheckPath", check.Path),
		setting(namespace, "HealthCheckInterval", int(check.Interval/time.Second)),
		setting(namespace, "HealthCheckTimeout", int(check.Timeout/time.Second)),
		setting(namespace, "HealthyThresholdCount", check.HealthyThresholdCount),
		setting(namespace, "UnhealthyThresholdCount", check.UnhealthyThresholdCount),
		setting(namespace, "MatcherHTTPCode", string(check.SuccessCodes)),
		setting(namespace, "DeregistrationDelay", int(orPtr(p.DeregistrationDelay, 20*time.Second)/time.Second)),
		setting(namespace, "StickinessEnabled", p.StickinessDuration > 0),
	}
	if p.StickinessDuration > 0 {
		settings = append(settings,
			setting(namespace, "StickinessType", "lb_cookie"),
			setting(namespace, "StickinessLBCookieDuration", int(p.StickinessDuration/time.Second)),
		)
	}
	return settings
}

// fingerprint changes with everything that makes Elastic Beanstalk replace the target group.
func (p Process) fingerprint(name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", name, p.protocol(), p.port()))
	return hex.EncodeToString(sum[:8])
}
