package elasticbeanstalk

import (
	"cmp"
	"errors"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Logs says what becomes of the instances' log files: those of the deployments, of the app and of the proxy.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html
type Logs struct {
	// DisableStreaming keeps the logs on the instances, where they end with them. Default: streamed to CloudWatch Logs.
	DisableStreaming bool
	// RetentionInDays is how long CloudWatch Logs keeps them, one of the periods it knows. Default: 30 days.
	RetentionInDays int
	// DeleteOnTerminate deletes the log groups with the environment. Default: they are kept for RetentionInDays.
	DeleteOnTerminate bool
	// DisablePublication keeps logs that are rotated out of Elastic Beanstalk's bucket in Amazon S3,
	// elasticbeanstalk-region-account, where nothing deletes them: a lifecycle rule of that bucket on
	// resources/environments/logs/publish/ ends them. The instance role keeps the right to write below
	// resources/environments/logs/, because logs that are asked for (tail and bundle) go there too. Default: they are
	// published.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.logging.html
	DisablePublication bool
}

func (l Logs) validate() error {
	if l.DisableStreaming && (l.RetentionInDays != 0 || l.DeleteOnTerminate) {
		return errors.New("RetentionInDays and DeleteOnTerminate have no effect with DisableStreaming: remove one or the other")
	}
	return nil
}

func (l Logs) settings() []option.Setting {
	settings := []option.Setting{
		setting(logsNamespace, "StreamLogs", !l.DisableStreaming),
		setting("aws:elasticbeanstalk:hostmanager", "LogPublicationControl", !l.DisablePublication),
	}
	if l.DisableStreaming {
		return settings
	}
	return append(settings,
		setting(logsNamespace, "DeleteOnTerminate", l.DeleteOnTerminate),
		setting(logsNamespace, "RetentionInDays", cmp.Or(l.RetentionInDays, 30)),
	)
}
