// Command loadbalancers is an app whose two environments ask everything of their load balancers that is known only at
// deployment: one shares a load balancer of the stack's, the other has a dedicated one. The end-to-end test deploys it.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	given := func(key string) string { return app.Node().GetContext(&key).(string) }
	stack := awscdk.NewStack(app, jsii.String("LoadBalancers"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("VPC"), &awsec2.VpcProps{NatGateways: jsii.Number(1), RestrictDefaultSecurityGroup: jsii.Bool(false)})
	shared := elb.NewApplicationLoadBalancer(stack, jsii.String("LoadBalancer"), &elb.ApplicationLoadBalancerProps{Vpc: vpc, InternetFacing: jsii.Bool(true)})
	listener := shared.AddListener(jsii.String("HTTP"), &elb.BaseApplicationListenerProps{
		Port: jsii.Number(80), DefaultAction: elb.ListenerAction_FixedResponse(jsii.Number(404), nil),
	})
	zone := awsroute53.NewPublicHostedZone(stack, jsii.String("Zone"), &awsroute53.PublicHostedZoneProps{ZoneName: jsii.String("example.com")})

	for _, id := range []string{"Shared", "Dedicated"} {
		props := &elasticbeanstalk.EnvironmentProps{
			Source:  bundle.Source{Path: given("source")},
			Network: elasticbeanstalk.Network{VPC: vpc},
			Processes: map[string]elasticbeanstalk.Process{
				"default": {}, "api": {Port: 8080, HealthCheck: health.Check{Path: given("path"), SuccessCodes: "204"}},
			},
		}
		if id == "Shared" {
			props.LoadBalancer.Shared = shared
		} else {
			props.LoadBalancer = elasticbeanstalk.LoadBalancer{
				CertificateARNs: []string{given("certificate")}, DropInvalidHeaderFields: true, DeletionProtection: true,
				Rules: map[string]elasticbeanstalk.ListenerRule{"api": {PathPatterns: []string{"/api/*"}, Process: "api", Priority: 1}},
			}
		}
		environment := elasticbeanstalk.NewEnvironment(stack, id, props)
		group := environment.TargetGroupOf("api")
		if id == "Shared" {
			listener.AddAction(jsii.String("API"), &elb.AddApplicationActionProps{
				Priority:   jsii.Number(100),
				Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_PathPatterns(jsii.Strings("/api/*"))},
				Action:     elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{group}, nil),
			})
		}
		awsroute53.NewARecord(stack, jsii.String(id+"Record"), &awsroute53.ARecordProps{
			Zone: zone, RecordName: &id, Target: awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(environment.LoadBalancer(), nil)),
		})
		environment.NoHealthyHostAlarm("api")
		path, codes := environment.DeployedHealthCheck("api")
		for name, value := range map[string]*string{
			"LoadBalancer": environment.LoadBalancer().LoadBalancerArn(), "Name": environment.LoadBalancer().LoadBalancerDnsName(),
			"Group": environment.TargetGroup().TargetGroupArn(), "APIGroup": group.TargetGroupArn(), "Path": &path, "Codes": &codes,
		} {
			awscdk.NewCfnOutput(stack, jsii.String(id+name), &awscdk.CfnOutputProps{Value: value})
		}
	}
	app.Synth(nil)
}
