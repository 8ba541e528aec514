package elasticbeanstalk_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
)

// What an instance needs to boot, to be found healthy and to leave in good order. References order some of it by chance;
// this holds the rest.
var neededToBoot = []string{
	"AWS::EC2::Route", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::NatGateway", "AWS::EC2::VPCGatewayAttachment",
	"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress",
	"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::InstanceProfile",
	"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener",
	"AWS::S3::BucketPolicy", "AWS::SecretsManager::Secret", "AWS::KMS::Key",
}

func TestTheEnvironmentComesLastAndLeavesFirst(t *testing.T) {
	for _, kind := range []string{"shared", "dedicated"} {
		t.Run(kind, func(t *testing.T) {
			stack := newStack(t)
			vpc := newVPC(stack)
			secret := awssecretsmanager.NewSecret(stack, jsii.String("Secret"), &awssecretsmanager.SecretProps{
				EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil),
			})
			bucket := awss3.NewBucket(stack, jsii.String("Uploads"), nil)
			props := dedicated(vpc)
			var lb awselasticloadbalancingv2.ApplicationLoadBalancer
			if kind == "shared" {
				lb = newLoadBalancer(stack, vpc)
				props = shared(vpc, lb)
			}
			props.Secrets = map[string]elasticbeanstalk.Secret{"KEY": {SecretsManager: secret}}
			environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)

			// Afterwards, as users do.
			bucket.GrantReadWrite(environment, nil)
			if lb != nil {
				awselasticloadbalancingv2.NewApplicationListenerRule(stack, jsii.String("Rule"), &awselasticloadbalancingv2.ApplicationListenerRuleProps{
					Listener:   (*lb.Listeners())[0],
					Priority:   jsii.Number(10),
					Conditions: &[]awselasticloadbalancingv2.ListenerCondition{awselasticloadbalancingv2.ListenerCondition_PathPatterns(jsii.Strings("/*"))},
					Action:     awselasticloadbalancingv2.ListenerAction_Forward(&[]awselasticloadbalancingv2.IApplicationTargetGroup{environment.TargetGroup()}, nil),
				})
			}

			template := synth(t, stack)
			before := template.Resources["Stack/Web"].Before()
			for _, kind := range neededToBoot {
				for _, r := range template.OfType(kind) {
					ofResolver := strings.Contains(r.Name, "/AWS679f53fac002430cb0da5b7982bd2287/") || strings.HasSuffix(r.Name, "/CustomResourcePolicy")
					switch {
					case ofResolver == before[r.Name] && ofResolver:
						t.Errorf("%s asks for the environment, and is ordered before it", r.Name)
					case !ofResolver && !before[r.Name]:
						t.Errorf("%s (%s) is not ordered before the environment", r.Name, kind)
					}
				}
			}
			if policy := template.Resources["Stack/Web/InstanceRole/DefaultPolicy"]; policy == nil {
				t.Error("the grant after the environment has made no policy: this test does not test it")
			}
			for _, rule := range template.OfType("AWS::ElasticLoadBalancingV2::ListenerRule") {
				if !rule.Before()["Stack/Web"] {
					t.Errorf("%s is not ordered after the environment, whose target group it forwards to", rule.Name)
				}
			}
		})
	}
}
