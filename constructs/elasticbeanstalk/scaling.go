package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Trigger adds an instance while a metric is above UpperThreshold, and removes one while it is below LowerThreshold.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-autoscaling-triggers.html
type Trigger struct {
	// MeasureName is the metric: CPUUtilization, NetworkIn, NetworkOut, DiskReadBytes, DiskWriteBytes, DiskReadOps,
	// DiskWriteOps; of a load balancer also Latency and RequestCount, and of a dedicated one HealthyHostCount,
	// UnhealthyHostCount and TargetResponseTime. Default: "CPUUtilization".
	MeasureName string
	// Statistic is "Average", "Minimum", "Maximum" or "Sum". Default: "Average".
	Statistic string
	// Unit is the unit of the thresholds, as CloudWatch writes it. Default: that of the metric.
	Unit string
	// UpperThreshold and LowerThreshold are the bounds of the metric, 0 or more. Defaults: of CPUUtilization 70 and
	// 20 percent; every other metric needs both.
	UpperThreshold, LowerThreshold *float64
	// UpperBreachScaleIncrement is how many instances are added, 1 or more. Default: 1.
	UpperBreachScaleIncrement int
	// LowerBreachScaleIncrement is how many instances are added where some are to be removed, -1 or less. Default: -1.
	LowerBreachScaleIncrement int
	// Period is the time that a value of the metric covers, in whole minutes. Default: 5 minutes.
	Period time.Duration
	// EvaluationPeriods is how many periods in a row a threshold has to be passed, together at most 10 hours. Default: 1.
	EvaluationPeriods int
}

// units are the metrics with their units.
var units = map[string]string{
	"CPUUtilization": "Percent", "NetworkIn": "Bytes", "NetworkOut": "Bytes",
	"DiskReadBytes": "Bytes", "DiskWriteBytes": "Bytes", "DiskReadOps": "Count", "DiskWriteOps": "Count",
	"Latency": "Seconds", "RequestCount": "Count",
	"HealthyHostCount": "Count", "UnhealthyHostCount": "Count", "TargetResponseTime": "Seconds",
}

// balancerMeasures are the metrics of a load balancer.
var balancerMeasures = append([]string{"Latency", "RequestCount"}, dedicatedMeasures...)

// dedicatedMeasures are those that Elastic Beanstalk takes of a dedicated one alone.
var dedicatedMeasures = []string{"HealthyHostCount", "UnhealthyHostCount", "TargetResponseTime"}

func (t Trigger) measure() string { return cmp.Or(t.MeasureName, "CPUUtilization") }

func (t Trigger) thresholds() (upper, lower float64) {
	return orPtr(t.UpperThreshold, 70), orPtr(t.LowerThreshold, 20)
}

func (t Trigger) validate(k kind, shared bool) error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(": "+format, args...)) }
	measure := t.measure()
	switch _, known := units[measure]; {
	case !known:
		add("MeasureName: %q is not a metric of Elastic Beanstalk's; the metrics are %q", measure, slices.Sorted(maps.Keys(units)))
	case k.worker && slices.Contains(balancerMeasures, measure):
		add("MeasureName: %s is measured by a load balancer, and %s has none; choose another metric", measure, k)
	case shared && slices.Contains(dedicatedMeasures, measure):
		add("MeasureName: %s is for a dedicated load balancer, and LoadBalancer.Shared is not; choose another metric", measure)
	}
	upper, lower := t.thresholds()
	switch needs := measure != "CPUUtilization"; {
	case needs && (t.UpperThreshold == nil || t.LowerThreshold == nil):
		for _, threshold := range []struct {
			field string
			value *float64
		}{{"UpperThreshold", t.UpperThreshold}, {"LowerThreshold", t.LowerThreshold}} {
			if threshold.value == nil {
				add("%s: is required with MeasureName %s; only CPUUtilization has a default", threshold.field, measure)
			}
		}
	case lower >= upper:
		add("LowerThreshold: %s is not below UpperThreshold %s: the environment would grow and shrink at once", number(lower), number(upper))
	}
	if t.UpperBreachScaleIncrement < 0 {
		add("UpperBreachScaleIncrement: %d removes instances where they are needed; give 1 or more", t.UpperBreachScaleIncrement)
	}
	if t.LowerBreachScaleIncrement > 0 {
		add("LowerBreachScaleIncrement: %d adds instances where they are not needed; give -1 or less", t.LowerBreachScaleIncrement)
	}
	if t.Period%time.Minute != 0 || t.Period < 0 || t.Period > 10*time.Hour {
		add("Period: %v is not allowed; give whole minutes, from 1m to 10h", t.Period)
	}
	if t.EvaluationPeriods < 0 {
		add("EvaluationPeriods: %d is not a number of periods; give 1 or more", t.EvaluationPeriods)
	}
	return errors.Join(problems...)
}

func (t Trigger) settings() []option.Setting {
	const namespace = "aws:autoscaling:trigger"
	upper, lower := t.thresholds()
	period := int(cmp.Or(t.Period, 5*time.Minute) / time.Minute)
	periods := cmp.Or(t.EvaluationPeriods, 1)
	return []option.Setting{
		setting(namespace, "MeasureName", t.measure()),
		setting(namespace, "Statistic", cmp.Or(t.Statistic, "Average")),
		setting(namespace, "Unit", cmp.Or(t.Unit, units[t.measure()], "None")),
		setting(namespace, "UpperThreshold", number(upper)),
		setting(namespace, "LowerThreshold", number(lower)),
		setting(namespace, "UpperBreachScaleIncrement", cmp.Or(t.UpperBreachScaleIncrement, 1)),
		setting(namespace, "LowerBreachScaleIncrement", cmp.Or(t.LowerBreachScaleIncrement, -1)),
		setting(namespace, "Period", period),
		setting(namespace, "EvaluationPeriods", periods),
		// The product of the two, or Elastic Beanstalk changes one of them.
		setting(namespace, "BreachDuration", period*periods),
	}
}

// ScheduledAction changes the bounds of the number of instances at a time, once or again and again. It does not change
// them back: that is another action.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-autoscaling-scheduledactions.html
type ScheduledAction struct {
	// StartTime is when the action runs, or from when Recurrence counts. Required without Recurrence. Once given, it can be
	// changed but not taken away: give the action another name, and suspend this one.
	StartTime time.Time
	// EndTime is when Recurrence stops. Once given, it can be changed but not taken away, as StartTime. Default: never.
	EndTime time.Time
	// Recurrence is when the action runs, in UTC, as the five fields of cron: "30 6 * * 1-5". Once given, it can be changed
	// but not taken away, as StartTime. Default: once, at StartTime.
	Recurrence string
	// MinSize and MaxSize are the bounds from then on. Defaults: those of [Capacity].
	MinSize, MaxSize *int
	// DesiredCapacity is the number of instances to begin with. Once given, it can be changed but not taken away, as
	// StartTime. Default: what there is, within the bounds.
	DesiredCapacity *int
	// Suspend keeps the action without running it. Default: false.
	Suspend bool
}

var scheduledActionName = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

func validateScheduledActions(actions map[string]ScheduledAction) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		add := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("[%q]%w", name, fmt.Errorf(format, args...)))
		}
		a := actions[name]
		if !scheduledActionName.MatchString(name) {
			add(": is not a name: use letters and digits")
		}
		if a.StartTime.IsZero() && a.Recurrence == "" {
			add(": StartTime: is required without Recurrence; give one of the two, or both")
		}
		if !a.EndTime.IsZero() && a.Recurrence == "" {
			add(": EndTime: has no effect without Recurrence: the action runs once")
		}
		if !a.EndTime.IsZero() && !a.EndTime.After(a.StartTime) {
			add(": EndTime: %s is not after StartTime %s", timestamp(a.EndTime), timestamp(a.StartTime))
		}
	}
	return errors.Join(problems...)
}

func (c Capacity) scheduledSettings(k kind) []option.Setting {
	var settings []option.Setting
	minSize, maxSize := c.sizes(k)
	for name, a := range c.ScheduledActions {
		add := func(option string, value any) {
			s := setting("aws:autoscaling:scheduledaction", option, value)
			s.ResourceName = name
			settings = append(settings, s)
		}
		add("MinSize", orPtr(a.MinSize, minSize))
		add("MaxSize", orPtr(a.MaxSize, maxSize))
		add("Suspend", a.Suspend)
		if a.DesiredCapacity != nil {
			add("DesiredCapacity", *a.DesiredCapacity)
		}
		if a.Recurrence != "" {
			add("Recurrence", a.Recurrence)
		}
		if !a.StartTime.IsZero() {
			add("StartTime", timestamp(a.StartTime))
		}
		if !a.EndTime.IsZero() {
			add("EndTime", timestamp(a.EndTime))
		}
	}
	return settings
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
