// Command importer is somebody else's CDK app: its VPC and its load balancer are its own, and a Django project runs behind
// them on Elastic Beanstalk by the constructs of beanpole.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	newStack(app, "Importer")
	app.Synth(nil)
}

func newStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, nil)

	vpc := awsec2.NewVpc(stack, jsii.String("VPC"), &awsec2.VpcProps{NatGateways: jsii.Number(1)})
	loadBalancer := elb.NewApplicationLoadBalancer(stack, jsii.String("LoadBalancer"), &elb.ApplicationLoadBalancerProps{
		Vpc:            vpc,
		InternetFacing: jsii.Bool(true),
	})
	// Before the environment: Elastic Beanstalk joins a load balancer that has a listener.
	listener := loadBalancer.AddListener(jsii.String("HTTP"), &elb.BaseApplicationListenerProps{
		Port:          jsii.Number(80),
		DefaultAction: elb.ListenerAction_FixedResponse(jsii.Number(404), nil),
	})

	uploads := awss3.NewBucket(stack, jsii.String("Uploads"), nil)
	web := django.NewEnvironment(stack, "Web", &django.EnvironmentProps{
		Environment: elasticbeanstalk.EnvironmentProps{
			Source:       bundle.Source{Path: "../mysite"},
			Network:      elasticbeanstalk.Network{VPC: vpc},
			LoadBalancer: elasticbeanstalk.LoadBalancer{Shared: loadBalancer},
			Environment:  map[string]string{"UPLOADS": *uploads.BucketName()},
		},
		WSGIApplication: "mysite.wsgi",
		Hosts:           []string{*loadBalancer.LoadBalancerDnsName()},
		CollectStatic:   true,
	})
	uploads.GrantReadWrite(web, nil)

	listener.AddAction(jsii.String("Web"), &elb.AddApplicationActionProps{
		Priority:   jsii.Number(10),
		Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_HostHeaders(&[]*string{loadBalancer.LoadBalancerDnsName()})},
		Action:     elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{web.TargetGroup()}, nil),
	})
	awscdk.NewCfnOutput(stack, jsii.String("URL"), &awscdk.CfnOutputProps{
		Value: jsii.String("http://" + *loadBalancer.LoadBalancerDnsName() + "/"),
	})
	return stack
}
