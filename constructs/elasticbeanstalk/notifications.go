package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Notifications say who hears of errors and of every change of health. Topic or Endpoint, not both. CloudFormation keeps
// the last value of an option that disappears: to end notifications, take the endpoint away in the console too.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.managing.sns.html
type Notifications struct {
	// Topic is a standard topic that Elastic Beanstalk publishes to; subscriptions are yours. The service role gets the
	// right to, and who deploys needs sns:Publish on it too: Elastic Beanstalk sends a test message on their behalf, and
	// without it the deployment fails. Once given, it can be changed but not taken away. Default: none.
	Topic awssns.ITopic
	// Endpoint is an e-mail address, a URL or the ARN of an SQS queue, as Protocol says. Elastic Beanstalk makes a topic of
	// its own for it, and deletes it with the environment. Who has an e-mail address has to confirm it. Once given, it can
	// be changed but not taken away. Default: none.
	Endpoint string
	// Protocol is that of Endpoint: "email", "email-json", "http", "https" or "sqs". Default: "email".
	Protocol string
}

// endpoints are what an endpoint of each protocol begins with.
var endpoints = map[string]string{"email": "", "email-json": "", "http": "http://", "https": "https://", "sqs": "arn:"}

func (n Notifications) validate() error {
	var problems []error
	protocol := cmp.Or(n.Protocol, "email")
	start, known := endpoints[protocol]
	switch {
	case n.Topic != nil && n.Endpoint != "":
		problems = append(problems, errors.New("Endpoint: Topic is given too; subscribe the endpoint to the topic, or give one of the two"))
	case n.Protocol != "" && n.Endpoint == "":
		problems = append(problems, errors.New("Protocol: has no effect without Endpoint: give one, or remove it"))
	case n.Endpoint == "" || isToken(n.Endpoint) || !known: // the check of the option says which protocols there are
	case start == "" && !strings.Contains(n.Endpoint, "@"):
		problems = append(problems, fmt.Errorf("Endpoint: %q is not an e-mail address, as Protocol %q asks for", n.Endpoint, protocol))
	case !strings.HasPrefix(n.Endpoint, start):
		problems = append(problems, fmt.Errorf("Endpoint: %q does not begin with %q, as Protocol %q asks for", n.Endpoint, start, protocol))
	}
	return errors.Join(problems...)
}

const notificationEndpoint = "Notification Endpoint" // the option's name

func (n Notifications) settings(refs references) []option.Setting {
	const namespace = "aws:elasticbeanstalk:sns:topics"
	switch {
	case n.Topic != nil:
		return []option.Setting{setting(namespace, "Notification Topic ARN", refs.topic)}
	case n.Endpoint != "":
		return []option.Setting{
			setting(namespace, notificationEndpoint, n.Endpoint),
			setting(namespace, "Notification Protocol", cmp.Or(n.Protocol, "email")),
		}
	}
	return nil
}

// statements are the rights that the service role needs to publish to the topic.
func (n Notifications) statements() []awsiam.PolicyStatement {
	if n.Topic == nil {
		return nil
	}
	statements := []awsiam.PolicyStatement{allow("Notifications", []string{"sns:Publish"}, *n.Topic.TopicArn())}
	if key := n.Topic.MasterKey(); key != nil {
		statements = append(statements, allowVia("NotificationsKey", "sns", []string{"kms:Decrypt", "kms:GenerateDataKey"}, *key.KeyArn()))
	}
	return statements
}
