package elasticbeanstalk_test

import (
	"cmp"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
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

// unused is what belongs to subnets that an environment of the kind is not in.
var unused = map[string]*regexp.Regexp{
	"single instance":     regexp.MustCompile(`^Stack/VPC/PrivateSubnet|/NATGateway$`),
	"worker with a queue": regexp.MustCompile(`^Stack/VPC/PublicSubnet2/`),
}

func TestTheEnvironmentComesLastAndLeavesFirst(t *testing.T) {
	for kind, change := range map[string]func(awscdk.Stack, *elasticbeanstalk.EnvironmentProps){
		"shared":    nil,
		"dedicated": nil,
		"no access logs": func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.LoadBalancer.DisableAccessLogs = true
		},
		"a group of one's own": func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			group := awsec2.NewSecurityGroup(stack, jsii.String("Group"), &awsec2.SecurityGroupProps{Vpc: p.Network.VPC, AllowAllOutbound: jsii.Bool(false)})
			group.Connections().AllowFromAnyIpv4(awsec2.Port_Tcp(jsii.Number(80)), nil)
			p.LoadBalancer.SecurityGroups = []awsec2.ISecurityGroup{group}
		},
		"single instance": func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.EnvironmentType = elasticbeanstalk.SingleInstance
		},
		"worker with a queue": func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.Tier = option.Worker
			p.Worker.Queue = awssqs.NewQueue(stack, jsii.String("Queue"), nil)
		},
		"roles of one's own": func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			role := func(id, service string) awsiam.Role {
				return awsiam.NewRole(stack, jsii.String(id), &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(&service, nil)})
			}
			p.Roles.Instance, p.Roles.Service = role("InstanceRole", "ec2.amazonaws.com"), role("ServiceRole", "elasticbeanstalk.amazonaws.com")
		},
	} {
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
			if change != nil {
				change(stack, props)
			}
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
			for _, needed := range neededToBoot {
				for _, r := range template.OfType(needed) {
					ofResolver := strings.Contains(r.Name, "/AWS679f53fac002430cb0da5b7982bd2287/") || strings.HasSuffix(r.Name, "/CustomResourcePolicy")
					switch {
					case unused[kind] != nil && unused[kind].MatchString(r.Name):
					case ofResolver == before[r.Name] && ofResolver:
						t.Errorf("%s asks for the environment, and is ordered before it", r.Name)
					case !ofResolver && !before[r.Name]:
						t.Errorf("%s (%s) is not ordered before the environment", r.Name, needed)
					}
				}
			}
			if policy := cmp.Or(template.Resources["Stack/Web/InstanceRole/DefaultPolicy"], template.Resources["Stack/InstanceRole/DefaultPolicy"]); policy == nil {
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
