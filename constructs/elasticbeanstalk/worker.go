package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Worker is how an environment of the worker tier takes its work: a daemon on every instance reads messages from a queue
// and posts each to http://localhost/ on port 80. A message that is answered 200 is deleted, every other is tried again.
// Tasks in a cron.yaml of the source are posted on their schedule.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
type Worker struct {
	// Queue is the queue that the daemon reads, in the environment's region. Its dead-letter queue and retention are its
	// own, and tasks in cron.yaml need a standard queue, not FIFO. Once given, it can be changed but not taken away.
	// Default: Elastic Beanstalk makes a standard queue with a dead-letter queue, whose URL the stack does not know: give
	// one of yours if something else is to send to it.
	Queue awssqs.IQueue
	// HTTPPath is the path that messages are posted to, with a slash first. Default: "/".
	HTTPPath string
	// MimeType is the Content-Type of the posts. Default: "application/json".
	MimeType string
	// HTTPConnections is how many messages an instance works on at once, 1 to 100. Default: 50.
	HTTPConnections int
	// ConnectTimeout is how long the daemon waits for a connection to the app, in whole seconds, 1 second to 1 minute.
	// Default: 5 seconds.
	ConnectTimeout time.Duration
	// InactivityTimeout is how long the daemon waits for the answer to a message before it tries again, in whole seconds,
	// 1 second to 10 hours. It has to be shorter than VisibilityTimeout. Default: 299 seconds, or a second less than a
	// shorter VisibilityTimeout.
	InactivityTimeout time.Duration
	// VisibilityTimeout is how long a message that is worked on is hidden from other instances, in whole seconds, up to
	// 12 hours. Default: 300 seconds, or a second more than a longer InactivityTimeout.
	VisibilityTimeout time.Duration
	// ErrorVisibilityTimeout is how long a message rests after an answer other than 200, in whole seconds, 0 to 12 hours.
	// Default: 2 seconds.
	ErrorVisibilityTimeout *time.Duration
	// RetentionPeriod is how long a message may stay in the queue, in whole seconds, 1 minute to 14 days. Default: 4 days.
	RetentionPeriod time.Duration
	// MaxRetries is how often a message is tried before it goes to the dead-letter queue that Elastic Beanstalk makes, 1 to
	// 100. A queue of yours has its own MaxReceiveCount instead. Default: 10.
	MaxRetries int
}

const (
	defaultInactivityTimeout = 299 * time.Second
	defaultVisibilityTimeout = 300 * time.Second
)

// timeouts are the two that have to be in order: where only one is given, the other makes room for it.
func (w Worker) timeouts() (inactivity, visibility time.Duration) {
	inactivity = cmp.Or(w.InactivityTimeout, defaultInactivityTimeout)
	visibility = cmp.Or(w.VisibilityTimeout, defaultVisibilityTimeout)
	switch {
	case w.InactivityTimeout == 0:
		inactivity = min(inactivity, max(visibility-time.Second, time.Second))
	case w.VisibilityTimeout == 0:
		visibility = max(visibility, inactivity+time.Second)
	}
	return inactivity, visibility
}

func (w Worker) validate() error {
	var problems []error
	if w.HTTPPath != "" && w.HTTPPath[0] != '/' && !isToken(w.HTTPPath) {
		problems = append(problems, fmt.Errorf("HTTPPath: %q has no slash first; write it as in \"/tasks/\"", w.HTTPPath))
	}
	for _, duration := range []struct {
		field       string
		value       time.Duration
		least, most time.Duration
	}{
		{"ConnectTimeout", w.ConnectTimeout, time.Second, time.Minute},
		{"InactivityTimeout", w.InactivityTimeout, time.Second, 10 * time.Hour},
		{"VisibilityTimeout", w.VisibilityTimeout, time.Second, 12 * time.Hour},
		{"ErrorVisibilityTimeout", orPtr(w.ErrorVisibilityTimeout, time.Second), 0, 12 * time.Hour},
		{"RetentionPeriod", w.RetentionPeriod, time.Minute, 14 * 24 * time.Hour},
	} {
		d := duration.value
		if d != 0 && (d%time.Second != 0 || d < duration.least || d > duration.most) {
			problems = append(problems, fmt.Errorf("%s: %v is not allowed; give whole seconds, from %v to %v", duration.field, d, duration.least, duration.most))
		}
	}
	if inactivity, visibility := w.timeouts(); len(problems) == 0 && inactivity >= visibility {
		problems = append(problems, fmt.Errorf("InactivityTimeout: %v is not shorter than VisibilityTimeout %v: another instance would work on a message that "+
			"this one still waits for", inactivity, visibility))
	}
	if w.MaxRetries != 0 && w.Queue != nil {
		problems = append(problems, errors.New("MaxRetries: is for the queue that Elastic Beanstalk makes; set MaxReceiveCount of the dead-letter queue of Queue"))
	}
	return errors.Join(problems...)
}

func (w Worker) settings(refs references) []option.Setting {
	const namespace = "aws:elasticbeanstalk:sqsd"
	inactivity, visibility := w.timeouts()
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	settings := []option.Setting{
		setting(namespace, "HttpPath", cmp.Or(w.HTTPPath, "/")),
		setting(namespace, "MimeType", cmp.Or(w.MimeType, "application/json")),
		setting(namespace, "HttpConnections", cmp.Or(w.HTTPConnections, 50)),
		setting(namespace, "ConnectTimeout", seconds(cmp.Or(w.ConnectTimeout, 5*time.Second))),
		setting(namespace, "InactivityTimeout", seconds(inactivity)),
		setting(namespace, "VisibilityTimeout", seconds(visibility)),
		setting(namespace, "ErrorVisibilityTimeout", seconds(orPtr(w.ErrorVisibilityTimeout, 2*time.Second))),
		setting(namespace, "RetentionPeriod", seconds(cmp.Or(w.RetentionPeriod, 4*24*time.Hour))),
	}
	if w.Queue != nil {
		return append(settings, setting(namespace, "WorkerQueueURL", refs.queueURL))
	}
	return append(settings, setting(namespace, "MaxRetries", cmp.Or(w.MaxRetries, 10)))
}

// warnAboutQueue says what becomes of messages that fail again and again, by the id "beanpole:no-dead-letter-queue". Of a
// queue that is imported it is not known.
func (e *Environment) warnAboutQueue() {
	if queue, ok := e.props.Worker.Queue.(awssqs.Queue); ok && queue.DeadLetterQueue() == nil {
		awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:no-dead-letter-queue"), jsii.String("Worker.Queue has no dead-letter queue: "+
			"a message that fails is tried again and again until the queue's retention period ends; give the queue one"))
	}
}

// workerStatements are the rights of the daemon: its queue, and the table by which the instances agree on who queues the
// tasks of cron.yaml. Queue and table of Elastic Beanstalk's own have names that follow from those of its stack.
func (e *Environment) workerStatements() []awsiam.PolicyStatement {
	stack := awscdk.Stack_Of(e)
	arn := func(service, resource string) string {
		return fmt.Sprintf("arn:%s:%s:%s:%s:%s", *stack.Partition(), service, *stack.Region(), *stack.Account(), resource)
	}
	queue := arn("sqs", "awseb-*-stack-AWSEBWorkerQueue-*")
	var keys []awsiam.PolicyStatement
	if own := e.props.Worker.Queue; own != nil {
		queue = *own.QueueArn()
		if key := own.EncryptionMasterKey(); key != nil {
			keys = append(keys, allowVia("QueueKey", "sqs", []string{"kms:Decrypt", "kms:GenerateDataKey"}, *key.KeyArn()))
		}
	}
	metrics := allow("Metrics", []string{"cloudwatch:PutMetricData"}, "*")
	metrics.AddCondition(jsii.String("StringLike"), map[string]string{"cloudwatch:namespace": "ElasticBeanstalk*"})
	return append([]awsiam.PolicyStatement{
		allow("Queue", []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"}, queue),
		allow("PeriodicTasks", []string{"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem",
			"dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"},
			arn("dynamodb", "table/awseb-*-stack-AWSEBWorkerCronLeaderRegistry*")),
		metrics,
	}, keys...)
}
