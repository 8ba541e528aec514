// Command kinds is an app with the environments that have no load balancer: a single instance, and two workers of its
// application, one with a queue of the stack's and one with Elastic Beanstalk's. The end-to-end test deploys it.
package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	given := func(key string) string { return app.Node().GetContext(&key).(string) }
	stack := awscdk.NewStack(app, jsii.String("Kinds"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("VPC"), &awsec2.VpcProps{NatGateways: jsii.Number(1), RestrictDefaultSecurityGroup: jsii.Bool(false)})
	queue := awssqs.NewQueue(stack, jsii.String("Tasks"), nil)

	single := elasticbeanstalk.NewEnvironment(stack, "Single", &elasticbeanstalk.EnvironmentProps{
		Source:          bundle.Source{Path: given("source")},
		EnvironmentType: elasticbeanstalk.SingleInstance,
		Network:         elasticbeanstalk.Network{VPC: vpc},
		Tags:            map[string]string{"team": "shop"},
	})
	night := 0
	worker := &elasticbeanstalk.EnvironmentProps{
		Tier:         option.Worker,
		Application:  single.Application,
		VersionLabel: *single.Version.Ref(),
		Network:      elasticbeanstalk.Network{VPC: vpc},
		Capacity: elasticbeanstalk.Capacity{
			Architecture: option.ARM64,
			Spot:         elasticbeanstalk.Spot{EnableSpot: true, OnDemandBase: 1},
			ScheduledActions: map[string]elasticbeanstalk.ScheduledAction{
				"Night": {Recurrence: "0 22 * * *", MinSize: &night},
			},
		},
		Worker: elasticbeanstalk.Worker{Queue: queue, VisibilityTimeout: 10 * time.Minute},
	}
	own := elasticbeanstalk.NewEnvironment(stack, "Own", worker)
	worker.Worker.Queue, worker.EnvironmentType, worker.Capacity = nil, elasticbeanstalk.SingleInstance, elasticbeanstalk.Capacity{}
	made := elasticbeanstalk.NewEnvironment(stack, "Made", worker)

	for name, value := range map[string]string{
		"Single": single.EnvironmentName(), "Own": own.EnvironmentName(), "Made": made.EnvironmentName(), "Queue": *queue.QueueUrl(),
	} {
		awscdk.NewCfnOutput(stack, jsii.String(name+"Name"), &awscdk.CfnOutputProps{Value: jsii.String(value)})
	}
	app.Synth(nil)
}
