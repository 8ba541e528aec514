// Command importer is somebody else's CDK app. A VPC and a load balancer, which other sites use too, are there already; a
// Django project joins them on Elastic Beanstalk by the constructs of beanpole: a web environment with two processes, a
// worker environment for its tasks, and a database that both reach.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newShop(app, "Shop", newHouse(app, "House"))
	app.Synth(nil)
}

// house is what was there before: the network and the load balancer of all sites.
type house struct {
	vpc          awsec2.IVpc
	loadBalancer elb.IApplicationLoadBalancer
	listener     elb.IApplicationListener
}

func newHouse(scope constructs.Construct, id string) house {
	stack := awscdk.NewStack(scope, &id, nil)
	vpc := awsec2.NewVpc(stack, jsii.String("VPC"), &awsec2.VpcProps{NatGateways: jsii.Number(1)})
	group := awsec2.NewSecurityGroup(stack, jsii.String("LoadBalancerSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              vpc,
		AllowAllOutbound: jsii.Bool(false),
	})
	group.AddIngressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(80)), jsii.String("Clients"), nil)
	// The instances' groups are in stacks that depend on this one, so the way out is to the range of the VPC.
	group.AddEgressRule(awsec2.Peer_Ipv4(vpc.VpcCidrBlock()), awsec2.Port_AllTcp(), jsii.String("Sites and their health checks"), nil)
	loadBalancer := elb.NewApplicationLoadBalancer(stack, jsii.String("LoadBalancer"), &elb.ApplicationLoadBalancerProps{
		Vpc:            vpc,
		InternetFacing: jsii.Bool(true),
		SecurityGroup:  group,
	})
	listener := loadBalancer.AddListener(jsii.String("HTTP"), &elb.BaseApplicationListenerProps{
		Port:          jsii.Number(80),
		Open:          jsii.Bool(false),
		DefaultAction: elb.ListenerAction_FixedResponse(jsii.Number(404), nil),
	})
	return house{vpc, loadBalancer, listener}
}

func newShop(scope constructs.Construct, id string, h house) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, nil)
	database := awsrds.NewDatabaseInstance(stack, jsii.String("Database"), &awsrds.DatabaseInstanceProps{
		Engine:           awsrds.DatabaseInstanceEngine_Postgres(&awsrds.PostgresInstanceEngineProps{Version: awsrds.PostgresEngineVersion_VER_17()}),
		InstanceType:     awsec2.InstanceType_Of(awsec2.InstanceClass_T4G, awsec2.InstanceSize_MICRO),
		Vpc:              h.vpc,
		DatabaseName:     jsii.String("shop"),
		StorageEncrypted: jsii.Bool(true),
	})
	uploads := awss3.NewBucket(stack, jsii.String("Uploads"), nil)
	tasks := awssqs.NewQueue(stack, jsii.String("Tasks"), &awssqs.QueueProps{
		VisibilityTimeout: awscdk.Duration_Minutes(jsii.Number(5)),
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			Queue:           awssqs.NewQueue(stack, jsii.String("FailedTasks"), nil),
			MaxReceiveCount: jsii.Number(5),
		},
	})

	// What both environments have: the project, where it runs, and what it is told.
	both := elasticbeanstalk.EnvironmentProps{
		Source:  bundle.Source{Path: "shop"},
		Network: elasticbeanstalk.Network{VPC: h.vpc},
		Environment: map[string]string{
			"DATABASE_HOST": *database.DbInstanceEndpointAddress(),
			"TASKS":         *tasks.QueueUrl(),
			"UPLOADS":       *uploads.BucketName(),
		},
		Secrets: map[string]elasticbeanstalk.Secret{
			"DATABASE_USER":     {SecretsManager: database.Secret(), JSONKey: "username"},
			"DATABASE_PASSWORD": {SecretsManager: database.Secret(), JSONKey: "password"},
		},
	}

	// Both read what the other has signed.
	key := django.NewSecretKey(stack, "SecretKey")

	inFront := both
	inFront.LoadBalancer = elasticbeanstalk.LoadBalancer{Shared: h.loadBalancer}
	inFront.Processes = map[string]elasticbeanstalk.Process{
		"default": {},
		// On a port of its own, which shop/.platform/nginx opens: clients that wait long for an answer.
		"feed": {Port: 8001, HealthCheck: health.Check{Path: "/feed/", SuccessCodes: "200"}},
	}
	web := django.NewEnvironment(stack, "Web", &django.EnvironmentProps{
		Environment:     inFront,
		WSGIApplication: "shop.wsgi",
		Hosts:           []string{*h.loadBalancer.LoadBalancerDnsName()},
		SecretKey:       key,
	})

	behind := both
	behind.Application = web.Application
	behind.Tier = option.Worker
	behind.Worker = elasticbeanstalk.Worker{Queue: tasks, HTTPPath: "/tasks/"}
	worker := django.NewEnvironment(stack, "Worker", &django.EnvironmentProps{
		Environment:     behind,
		WSGIApplication: "shop.wsgi",
		SecretKey:       key,
	})

	for _, environment := range []*elasticbeanstalk.Environment{web, worker} {
		database.Connections().AllowDefaultPortFrom(environment, jsii.String("Django"))
		uploads.GrantReadWrite(environment, nil)
	}
	tasks.GrantSendMessages(web)

	h.rule(stack, "Feed", 10, web.TargetGroupOf("feed"), elb.ListenerCondition_PathPatterns(jsii.Strings("/feed/*")))
	h.rule(stack, "Site", 20, web.TargetGroup())

	alarms := awssns.NewTopic(stack, jsii.String("Alarms"), nil)
	web.NoHealthyHostAlarm("default").AddAlarmAction(awscloudwatchactions.NewSnsAction(alarms))

	awscdk.NewCfnOutput(stack, jsii.String("URL"), &awscdk.CfnOutputProps{
		Value: jsii.String("http://" + *h.loadBalancer.LoadBalancerDnsName() + "/"),
	})
	return stack
}

// rule sends requests for the load balancer's own name to a target group.
func (h house) rule(stack awscdk.Stack, id string, priority float64, to elb.IApplicationTargetGroup, conditions ...elb.ListenerCondition) {
	conditions = append(conditions, elb.ListenerCondition_HostHeaders(&[]*string{h.loadBalancer.LoadBalancerDnsName()}))
	elb.NewApplicationListenerRule(stack, &id, &elb.ApplicationListenerRuleProps{
		Listener:   h.listener,
		Priority:   &priority,
		Conditions: &conditions,
		Action:     elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{to}, nil),
	})
}
