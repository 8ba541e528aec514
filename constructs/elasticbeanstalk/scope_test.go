package elasticbeanstalk_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
)

func TestWhatOnlyTheCDKKnowsIsSaidBeforeAnythingIsAdded(t *testing.T) {
	imported := func(stack awscdk.Stack, change func(*awsec2.VpcAttributes)) awsec2.IVpc {
		attributes := &awsec2.VpcAttributes{
			VpcId:             jsii.String("vpc-1"),
			AvailabilityZones: jsii.Strings("a", "b"),
			PublicSubnetIds:   jsii.Strings("subnet-public-a", "subnet-public-b"),
			PrivateSubnetIds:  jsii.Strings("subnet-private-a", "subnet-private-b"),
		}
		change(attributes)
		return awsec2.Vpc_FromVpcAttributes(stack, jsii.String("VPC"), attributes)
	}
	type props = elasticbeanstalk.EnvironmentProps
	for name, c := range map[string]struct {
		vpc    func(*awsec2.VpcAttributes)
		change func(awscdk.Stack, *props)
		parts  []string // none: it is taken
	}{
		"public subnets alone": {vpc: func(a *awsec2.VpcAttributes) { a.PrivateSubnetIds = nil },
			parts: []string{"Stack/Web:\nNetwork: InstanceSubnets: the VPC has no private subnets with a route to the internet", "give others"}},
		"private subnets alone": {vpc: func(a *awsec2.VpcAttributes) { a.PublicSubnetIds = nil },
			parts: []string{"Stack/Web:\nNetwork: LoadBalancerSubnets: the VPC has no public subnets"}},
		"both at once": {vpc: func(a *awsec2.VpcAttributes) { a.PrivateSubnetIds, a.PublicSubnetIds = nil, nil },
			parts: []string{"\nNetwork: InstanceSubnets: ", "\nNetwork: LoadBalancerSubnets: "}},
		"no such group": {change: func(_ awscdk.Stack, p *props) {
			p.Network.InstanceSubnets = &awsec2.SubnetSelection{SubnetGroupName: jsii.String("app")}
		}, parts: []string{"Network: InstanceSubnets: cannot be selected (", "app"}},
		"none left": {change: func(_ awscdk.Stack, p *props) {
			p.Network.LoadBalancerSubnets = &awsec2.SubnetSelection{AvailabilityZones: jsii.Strings("c"), SubnetType: awsec2.SubnetType_PUBLIC}
		}, parts: []string{"Network: LoadBalancerSubnets: cannot be selected (the selection is empty)"}},
		"one subnet": {vpc: func(a *awsec2.VpcAttributes) {
			a.AvailabilityZones, a.PublicSubnetIds, a.PrivateSubnetIds = jsii.Strings("a"), jsii.Strings("subnet-public-a"), jsii.Strings("subnet-private-a")
		}, parts: []string{"Network: LoadBalancerSubnets: are in one Availability Zone"}},
		"a zone that nobody knows": {change: func(stack awscdk.Stack, p *props) {
			p.Network.LoadBalancerSubnets = &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{awsec2.Subnet_FromSubnetId(stack, jsii.String("A"), jsii.String("subnet-a"))}}
		}, parts: []string{"Network: LoadBalancerSubnets: cannot be selected (", "fromSubnetAttributes"}},
		"one zone": {vpc: func(a *awsec2.VpcAttributes) { a.VpcCidrBlock = jsii.String("10.0.0.0/16") }, change: func(stack awscdk.Stack, p *props) {
			var inA []awsec2.ISubnet
			for _, id := range []string{"subnet-1", "subnet-2"} {
				inA = append(inA, awsec2.Subnet_FromSubnetAttributes(stack, &id, &awsec2.SubnetAttributes{SubnetId: &id, AvailabilityZone: jsii.String("a")}))
			}
			p.LoadBalancer.Internal, p.Network.InstanceSubnets = true, &awsec2.SubnetSelection{Subnets: &inA}
		}, parts: []string{"Network: InstanceSubnets: are in one Availability Zone"}},
		"no addresses": {change: func(_ awscdk.Stack, p *props) { p.LoadBalancer.Internal = true }, parts: []string{"Network: VPC: was imported without", "VpcCidrBlock"}},
		"no addresses, a group": {change: func(stack awscdk.Stack, p *props) {
			p.LoadBalancer.Internal = true
			p.LoadBalancer.SecurityGroups = []awsec2.ISecurityGroup{awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("Group"), jsii.String("sg-1"), nil)}
		}},
		"no listener": {change: func(stack awscdk.Stack, p *props) {
			p.LoadBalancer.Shared = awselasticloadbalancingv2.NewApplicationLoadBalancer(stack, jsii.String("LB"),
				&awselasticloadbalancingv2.ApplicationLoadBalancerProps{Vpc: p.Network.VPC})
		}, parts: []string{"LoadBalancer: Shared: has no listener", "before the environment"}},
		"a listener of one's own making": {change: func(stack awscdk.Stack, p *props) {
			lb := awselasticloadbalancingv2.NewApplicationLoadBalancer(stack, jsii.String("LB"),
				&awselasticloadbalancingv2.ApplicationLoadBalancerProps{Vpc: p.Network.VPC})
			awselasticloadbalancingv2.NewApplicationListener(stack, jsii.String("Listener"), &awselasticloadbalancingv2.ApplicationListenerProps{
				LoadBalancer: lb, Port: jsii.Number(80), Open: jsii.Bool(false),
				DefaultAction: awselasticloadbalancingv2.ListenerAction_FixedResponse(jsii.Number(404), nil),
			})
			p.LoadBalancer.Shared = lb
		}},
		"a bucket that load balancers cannot write to": {change: func(stack awscdk.Stack, p *props) {
			p.LoadBalancer.AccessLogs = awss3.NewBucket(stack, jsii.String("Logs"), &awss3.BucketProps{Encryption: awss3.BucketEncryption_KMS})
		}, parts: []string{"LoadBalancer: AccessLogs: ", "AWS KMS", "NewAccessLogsBucket"}},
		"a bucket with the key of AWS": {change: func(stack awscdk.Stack, p *props) {
			p.LoadBalancer.AccessLogs = awss3.NewBucket(stack, jsii.String("Logs"), &awss3.BucketProps{Encryption: awss3.BucketEncryption_KMS_MANAGED})
		}, parts: []string{"LoadBalancer: AccessLogs: ", "AWS KMS"}},
		"one zone for one instance": {vpc: func(a *awsec2.VpcAttributes) {
			a.AvailabilityZones, a.PublicSubnetIds, a.PrivateSubnetIds = jsii.Strings("a"), jsii.Strings("subnet-public-a"), nil
		}, change: func(_ awscdk.Stack, p *props) { p.EnvironmentType = elasticbeanstalk.SingleInstance }},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			if c.vpc == nil {
				c.vpc = func(*awsec2.VpcAttributes) {}
			}
			p := dedicated(imported(stack, c.vpc))
			if c.change != nil {
				c.change(stack, p)
			}
			count := func() int { return len(*stack.Node().FindAll(constructs.ConstructOrder_PREORDER)) }
			before := count()
			message := panicOf(func() { elasticbeanstalk.NewEnvironment(stack, "Web", p) })
			if len(c.parts) == 0 {
				if message != "" {
					t.Error(message)
				}
				return
			}
			requireParts(t, message, c.parts...)
			if after := count(); after != before {
				t.Errorf("%d constructs are in the tree all the same", after-before)
			}
		})
	}
}
