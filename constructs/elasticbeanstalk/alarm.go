package elasticbeanstalk

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// NoHealthyHostAlarm is the alarm that a process has no healthy instance, so that nobody is served: the load balancer has
// reported none for three minutes, or nothing at all. It goes for a shared and a dedicated load balancer, and does nothing
// by itself:
//
//	env.NoHealthyHostAlarm("default").AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))
//
// An environment that is meant to have no instances at times raises it then. The first call for a process adds it.
//
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
func (e *Environment) NoHealthyHostAlarm(process string) awscloudwatch.Alarm {
	if alarm, ok := e.alarms[process]; ok {
		return alarm
	}
	id := "NoHealthyHostAlarm"
	if process != defaultProcess {
		id += "-" + process
	}
	// The greatest of what the nodes of the load balancer report: none of them knows a healthy instance.
	metric := e.TargetGroupOf(process).Metrics().HealthyHostCount(&awscloudwatch.MetricOptions{
		Statistic: awscloudwatch.Stats_MAXIMUM(),
		Period:    awscdk.Duration_Minutes(jsii.Number(1)),
	})
	alarm := metric.CreateAlarm(e, &id, &awscloudwatch.CreateAlarmOptions{
		AlarmDescription:   jsii.String(fmt.Sprintf("No instance of the environment %s is healthy for the load balancer (process %s)", e.EnvironmentName(), process)),
		ComparisonOperator: awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD,
		Threshold:          jsii.Number(1),
		EvaluationPeriods:  jsii.Number(3),
		TreatMissingData:   awscloudwatch.TreatMissingData_BREACHING,
	})
	e.alarms[process] = alarm
	return alarm
}
