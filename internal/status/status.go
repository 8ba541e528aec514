// Package status says how a deployed Elastic Beanstalk environment is and, where it is not well, why: in words that name
// Django's part in it, from what AWS answers about environment, instances, target group, options and platform.
//
// The package is data in, words out. Package live asks AWS; anything else that implements [Source] will do.
package status

import (
	"context"
	"strings"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Source is where facts come from.
type Source interface {
	// Facts asks for one environment. It fails only if the environment itself cannot be described: whatever else could
	// not be asked is among Facts.Notes.
	Facts(ctx context.Context) (Facts, error)
}

// Facts is what is known about one environment at one time.
type Facts struct {
	Environment Environment   `json:"environment"`
	Health      *Health       `json:"health"` // nil with basic health reporting
	Instances   []Instance    `json:"instances"`
	Groups      []TargetGroup `json:"targetGroups"`
	Events      []Event       `json:"events"` // the newest first
	Platform    *Platform     `json:"platform"`
	// Settings are the option settings as Beanstalk has them. They hold secrets, and get into no output.
	Settings []option.Setting `json:"-"`
	// Declared are those of the template that was deployed last, nil if there is none.
	Declared []option.Setting `json:"-"`
	// Notes say what could not be asked, and why.
	Notes []string `json:"notes"`
	// Local says that this is the AWS on this computer, where no instance runs that could be healthy.
	Local bool `json:"local,omitempty"`
}

// Environment is what DescribeEnvironments tells.
type Environment struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	Application string `json:"application"`
	Region      string `json:"region"`
	// Stack is the CloudFormation stack that the environment belongs to, "" if none is known.
	Stack   string `json:"stack,omitempty"`
	Version string `json:"version"`
	// Platform is the platform's name and version, such as "Python 3.13 running on 64bit Amazon Linux 2023/4.13.7".
	Platform string `json:"platform"`
	Endpoint string `json:"endpoint"`
	// Tier is WebServer or Worker.
	Tier string `json:"tier"`
	// Status is Ready, Updating, Launching, …; Colour is Green, Yellow, Red or Grey; HealthStatus is Ok, Info, Warning,
	// Degraded, Severe, … with enhanced health reporting, else "".
	Status       string    `json:"status"`
	Colour       string    `json:"colour"`
	HealthStatus string    `json:"healthStatus,omitempty"`
	Updated      time.Time `json:"updated"`
}

// Health is what enhanced health reporting tells of the environment.
type Health struct {
	Causes    []string  `json:"causes"`
	Requests  *Requests `json:"requests"`
	Refreshed time.Time `json:"refreshed"`
}

// Requests are those of the last ten seconds or so. The shares are percentages.
type Requests struct {
	Count     int     `json:"count"`
	Status2xx int     `json:"status2xx"`
	Status3xx int     `json:"status3xx"`
	Status4xx int     `json:"status4xx"`
	Status5xx int     `json:"status5xx"`
	P90       float64 `json:"p90Seconds"`
}

// Instance is what enhanced health reporting tells of an instance.
type Instance struct {
	ID         string   `json:"id"`
	Colour     string   `json:"colour"`
	Health     string   `json:"healthStatus"`
	Type       string   `json:"type"`
	Zone       string   `json:"zone"`
	Version    string   `json:"version"`
	Deployment string   `json:"deployment"`
	Load       float64  `json:"load"`
	Causes     []string `json:"causes"`
}

// TargetGroup is a target group that Beanstalk made for the environment, as it is now.
type TargetGroup struct {
	// Process is the name of Beanstalk's process, "" if it is not known which one it is.
	Process            string   `json:"process"`
	ARN                string   `json:"arn"`
	Protocol           string   `json:"protocol"`
	Port               int      `json:"port"`
	Path               string   `json:"healthCheckPath"`
	SuccessCodes       string   `json:"successCodes"`
	Interval           int      `json:"intervalSeconds"`
	Timeout            int      `json:"timeoutSeconds"`
	HealthyThreshold   int      `json:"healthyThresholdCount"`
	UnhealthyThreshold int      `json:"unhealthyThresholdCount"`
	InUse              bool     `json:"inUse"` // whether a load balancer forwards to it
	Targets            []Target `json:"targets"`
}

// Target is an instance in a target group. State, Reason and Description are the load balancer's words.
type Target struct {
	ID          string `json:"id"`
	Port        int    `json:"port"`
	State       string `json:"state"`
	Reason      string `json:"reason,omitempty"`
	Description string `json:"description,omitempty"`
}

// The states of a target that the report tells apart.
const (
	healthy   = "healthy"
	unhealthy = "unhealthy"
	initial   = "initial"
	unused    = "unused"
	draining  = "draining"
)

// Event is one of Beanstalk's events.
type Event struct {
	Time     time.Time `json:"time"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
}

// Platform is what DescribePlatformVersion tells.
type Platform struct {
	Branch string `json:"branch"`
	// BranchState is Beta, Supported, Deprecated or Retired.
	BranchState string `json:"branchState"`
	// Recommended says that the version is the branch's recommended one, usually the newest.
	Recommended bool `json:"recommended"`
	// Newest is the newest supported branch of the same language, asked for where the own branch is no longer supported.
	Newest string `json:"newest,omitempty"`
}

// NoInstanceRuns is what is to be known of every environment on the local AWS.
const NoInstanceRuns = "on the local AWS no instance runs; beanpole rehearse shows its health"

// Ready says that Beanstalk takes a deployment.
func (f Facts) Ready() bool { return f.Environment.Status == "Ready" }

// Green says that the environment is Ready and Green, and that no target is known to be unhealthy.
func (f Facts) Green() bool {
	return f.Ready() && f.Environment.Colour == "Green" && f.count(unhealthy) == 0
}

// worker says that nobody but the daemon of a queue asks the app.
func (f Facts) worker() bool { return f.Environment.Tier == string(option.Worker) }

// Gone says that there is nothing to wait for.
func (f Facts) Gone() bool {
	return f.Environment.Status == "Terminating" || f.Environment.Status == "Terminated"
}

func (f Facts) count(states ...string) (n int) {
	for _, g := range f.Groups {
		for _, t := range g.Targets {
			for _, state := range states {
				if t.State == state {
					n++
				}
			}
		}
	}
	return n
}

// health is the colour, with the word of enhanced health reporting where there is one.
func (e Environment) health() string {
	if e.HealthStatus == "" {
		return e.Colour
	}
	return e.Colour + "/" + e.HealthStatus
}

// Line is the environment in one line: for a list of several, and for the progress of a wait.
func (f Facts) Line() string {
	parts := []string{f.Environment.Status, f.Environment.health()}
	if all := f.count(healthy, unhealthy, initial, unused); len(f.Groups) > 0 {
		parts = append(parts, plural(f.count(healthy), "of "+plural(all, "target"))+" healthy")
	}
	return strings.Join(parts, ", ")
}

// value returns an option's value as Beanstalk has it.
func value(settings []option.Setting, namespace, name string) (string, bool) {
	for _, s := range settings {
		if s.Namespace == namespace && s.OptionName == name && !s.Unresolved {
			return s.Value, true
		}
	}
	return "", false
}
