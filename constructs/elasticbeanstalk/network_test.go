package elasticbeanstalk_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

// ingress are the rules that let traffic into a security group, and egress those that let it out, inline or not.
func ingress(t *templatetest.Template, group string) []string {
	return rules(t, group, "Ingress", "Source")
}
func egress(t *templatetest.Template, group string) []string {
	return rules(t, group, "Egress", "Destination")
}

func rules(t *templatetest.Template, group, direction, peer string) []string {
	var found []string
	add := func(r *templatetest.Resource, path string) {
		found = append(found, fmt.Sprintf("%s %s-%s %s", r.Property(path+"IpProtocol"), r.Property(path+"FromPort"), r.Property(path+"ToPort"),
			cmp.Or(r.Property(path+"CidrIp"), r.Property(path+"CidrIpv6"), r.Property(path+peer+"SecurityGroupId"))))
	}
	if r := t.Resources[group]; r != nil {
		for i := range r.Len("SecurityGroup" + direction) {
			add(r, fmt.Sprintf("SecurityGroup%s.%d.", direction, i))
		}
	}
	for _, r := range t.OfType("AWS::EC2::SecurityGroup" + direction) {
		if id := r.Property("GroupId"); id == group || id == "${"+group+".GroupId}" {
			add(r, "")
		}
	}
	slices.Sort(found)
	return found
}

func requireRules(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// nowhere is the rule that the CDK writes into a group that may reach nothing.
const (
	nowhere    = "icmp 252-86 255.255.255.255/32"
	everywhere = "-1 - 0.0.0.0/0"
)

func TestASharedLoadBalancerOfTheSameStackGetsBothDirections(t *testing.T) {
	stack := newStack(t)
	vpc := newVPC(stack)
	props := shared(vpc, newLoadBalancer(stack, vpc))
	props.Processes = map[string]elasticbeanstalk.Process{"default": {}, "admin": {Port: 8080}, "again": {Port: 8080}}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	requireRules(t, "into the instances", ingress(template, "Stack/Web/SecurityGroup"),
		"tcp 80-80 ${Stack/LB/SecurityGroup.GroupId}", "tcp 8080-8080 ${Stack/LB/SecurityGroup.GroupId}")
	requireRules(t, "out of the instances", egress(template, "Stack/Web/SecurityGroup"), everywhere)
	requireRules(t, "into the load balancer", ingress(template, "Stack/LB/SecurityGroup"), "tcp 80-80 0.0.0.0/0")
	requireRules(t, "out of the load balancer", egress(template, "Stack/LB/SecurityGroup"),
		"tcp 80-80 ${Stack/Web/SecurityGroup.GroupId}", "tcp 8080-8080 ${Stack/Web/SecurityGroup.GroupId}")
}

// A rule out of the other stack's group would refer to this stack, which refers to that one.
func TestASharedLoadBalancerOfAnotherStackIsAdmittedFromThisOne(t *testing.T) {
	app := newApp(t)
	network := awscdk.NewStack(app, jsii.String("Network"), nil)
	vpc := newVPC(network)
	lb := newLoadBalancer(network, vpc)
	web := awscdk.NewStack(app, jsii.String("Stack"), nil)
	elasticbeanstalk.NewEnvironment(web, "Web", shared(vpc, lb))

	template := synth(t, web)
	requireRules(t, "into the instances", ingress(template, "Stack/Web/SecurityGroup"), "tcp 80-80 ${Network/LB/SecurityGroup.GroupId}")
	other := templatetest.Read(t, *app.Synth(nil).Directory())["Network"]
	requireRules(t, "out of the load balancer", egress(other, "Network/LB/SecurityGroup"), nowhere)
	if got := template.Resources["Stack/Web"].Options()["aws:elbv2:loadbalancer SharedLoadBalancer"]; got != "${Network/LB}" {
		t.Errorf("SharedLoadBalancer is %q", got)
	}
}

func TestADedicatedLoadBalancerReachesItsInstancesAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*elasticbeanstalk.LoadBalancer)
		clients []string
	}{
		{"internet-facing", func(*elasticbeanstalk.LoadBalancer) {}, []string{"tcp 80-80 0.0.0.0/0"}},
		{"https", func(lb *elasticbeanstalk.LoadBalancer) { lb.CertificateARNs = []string{"arn:aws:acm:::certificate/a"} },
			[]string{"tcp 80-80 0.0.0.0/0", "tcp 443-443 0.0.0.0/0"}},
		{"internal", func(lb *elasticbeanstalk.LoadBalancer) { lb.Internal = true }, []string{"tcp 80-80 10.0.0.0/16"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stack := newStack(t)
			props := dedicated(existingVPC(stack))
			c.change(&props.LoadBalancer)
			elasticbeanstalk.NewEnvironment(stack, "Web", props)
			template := synth(t, stack)
			const group = "Stack/Web/LoadBalancerSecurityGroup"
			requireRules(t, "into the load balancer", ingress(template, group), c.clients...)
			requireRules(t, "out of the load balancer", egress(template, group), "tcp 80-80 ${Stack/Web/SecurityGroup.GroupId}")
			requireRules(t, "into the instances", ingress(template, "Stack/Web/SecurityGroup"), "tcp 80-80 ${"+group+".GroupId}")
		})
	}
}

func TestAnExistingLoadBalancer(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	const arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/theirs/50dc6c495c0c9188"
	lb := awselasticloadbalancingv2.ApplicationLoadBalancer_FromApplicationLoadBalancerAttributes(stack, jsii.String("LB"),
		&awselasticloadbalancingv2.ApplicationLoadBalancerAttributes{LoadBalancerArn: jsii.String(arn), SecurityGroupId: jsii.String("sg-theirs"), Vpc: vpc})
	elasticbeanstalk.NewEnvironment(stack, "Web", shared(vpc, lb))
	template := synth(t, stack)

	got := template.Resources["Stack/Web"].Options()
	for option, want := range map[string]string{"SharedLoadBalancer": arn, "SecurityGroups": "sg-theirs"} {
		if got["aws:elbv2:loadbalancer "+option] != want {
			t.Errorf("%s is %q, want %q", option, got["aws:elbv2:loadbalancer "+option], want)
		}
	}
	requireRules(t, "into the instances", ingress(template, "Stack/Web/SecurityGroup"), "tcp 80-80 sg-theirs")
}

// noGroups is a load balancer whose security groups nobody knows.
type noGroups struct {
	awselasticloadbalancingv2.IApplicationLoadBalancer
}

func (*noGroups) Connections() awsec2.Connections { return awsec2.NewConnections(nil) }
func (*noGroups) LoadBalancerArn() *string        { return jsii.String("arn:aws:…") }

func TestALoadBalancerWithoutKnownSecurityGroupsIsRefused(t *testing.T) {
	stack := newStack(t)
	message := panicOf(func() { elasticbeanstalk.NewEnvironment(stack, "Web", shared(existingVPC(stack), &noGroups{})) })
	requireParts(t, message, "Stack/Web:\nLoadBalancer: Shared: ", "security groups are not known", "FromApplicationLoadBalancerAttributes")
	if stack.Node().TryFindChild(jsii.String("Web")) != nil {
		t.Error("the environment is in the tree all the same")
	}
}

func TestSubnetsAndBucketOfOnesOwn(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	props := dedicated(vpc)
	props.Network.InstanceSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
	props.Network.LoadBalancerSubnets = &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{(*vpc.PublicSubnets())[0], (*vpc.PrivateSubnets())[1]}}
	props.Network.AssociatePublicIPAddress = true
	props.LoadBalancer.AccessLogs = awss3.Bucket_FromBucketName(stack, jsii.String("Logs"), jsii.String("their-logs"))
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	got := template.Resources["Stack/Web"].Options()
	for key, want := range map[string]string{
		"aws:ec2:vpc Subnets":                       "subnet-public-a,subnet-public-b",
		"aws:ec2:vpc ELBSubnets":                    "subnet-public-a,subnet-private-b",
		"aws:elbv2:loadbalancer AccessLogsS3Bucket": "their-logs",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if buckets := template.OfType("AWS::S3::Bucket"); len(buckets) > 0 {
		t.Errorf("a bucket is made: %s", buckets[0].Name)
	}
}

func TestTheAccessLogsBucketLetsLoadBalancersInEverywhere(t *testing.T) {
	stack := newStack(t)
	elasticbeanstalk.NewAccessLogsBucket(stack, "Logs")
	template := synth(t, stack)
	bucket := template.One(t, "AWS::S3::Bucket")
	if bucket.DeletionPolicy != "Retain" {
		t.Errorf("DeletionPolicy is %q", bucket.DeletionPolicy)
	}
	for path, want := range map[string]string{
		"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm": "AES256",
		"PublicAccessBlockConfiguration.BlockPublicPolicy":                                                "true",
		"LifecycleConfiguration.Rules.0.ExpirationInDays":                                                 "365",
	} {
		if got := bucket.Property(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	policy := template.One(t, "AWS::S3::BucketPolicy").Property("PolicyDocument.Statement")
	requireParts(t, policy,
		`"Action":"s3:PutObject"`, `"Service":"logdelivery.elasticloadbalancing.amazonaws.com"`,
		`"aws:SourceAccount":"${AWS::AccountId}"`, `"Resource":"${Stack/Logs.Arn}/*"`, `"aws:SecureTransport":"false"`)
}

func TestABucketOfOnesOwnIsOpenedToLoadBalancers(t *testing.T) {
	for name, c := range map[string]struct {
		bucket   func(awscdk.Stack) awss3.IBucket
		policies int
	}{
		"made":     {func(stack awscdk.Stack) awss3.IBucket { return awss3.NewBucket(stack, jsii.String("Logs"), nil) }, 1},
		"for logs": {func(stack awscdk.Stack) awss3.IBucket { return elasticbeanstalk.NewAccessLogsBucket(stack, "Logs") }, 1},
		"imported": {func(stack awscdk.Stack) awss3.IBucket {
			return awss3.Bucket_FromBucketName(stack, jsii.String("Logs"), jsii.String("their-logs"))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			vpc, bucket := existingVPC(stack), c.bucket(stack)
			for _, id := range []string{"Web", "Shop"} {
				props := dedicated(vpc)
				props.LoadBalancer.AccessLogs = bucket
				elasticbeanstalk.NewEnvironment(stack, id, props)
			}
			template := synth(t, stack)
			policies := template.OfType("AWS::S3::BucketPolicy")
			if len(policies) != c.policies {
				t.Fatalf("%d policies, want %d", len(policies), c.policies)
			}
			for _, policy := range policies {
				if n := strings.Count(policy.Property("PolicyDocument.Statement"), "logdelivery.elasticloadbalancing.amazonaws.com"); n != 1 {
					t.Errorf("load balancers are let in %d times", n)
				}
				for _, id := range []string{"Stack/Web", "Stack/Shop"} {
					if !template.Resources[id].Before()[policy.Name] {
						t.Errorf("the policy is not ordered before %s, whose load balancer asks for it", id)
					}
				}
			}
			if n, want := warningsOf(stack, "imported bucket"), 2*(1-c.policies); n != want {
				t.Errorf("%d warnings, want %d", n, want)
			}
		})
	}
}

// Requests and health checks leave a load balancer of another stack by the rules that this stack has for it.
func TestALoadBalancerOfAnotherStackThatLetsNothingOut(t *testing.T) {
	for name, c := range map[string]struct {
		open func(awsec2.Vpc, awselasticloadbalancingv2.ApplicationLoadBalancer)
		want int
	}{
		"nothing": {func(awsec2.Vpc, awselasticloadbalancingv2.ApplicationLoadBalancer) {}, 1},
		"elsewhere": {func(_ awsec2.Vpc, lb awselasticloadbalancingv2.ApplicationLoadBalancer) {
			lb.Connections().AllowToAnyIpv4(awsec2.Port_Tcp(jsii.Number(443)), nil)
		}, 1},
		"the port": {func(_ awsec2.Vpc, lb awselasticloadbalancingv2.ApplicationLoadBalancer) {
			lb.Connections().AllowToAnyIpv4(awsec2.Port_TcpRange(jsii.Number(80), jsii.Number(90)), nil)
		}, 0},
		"the VPC": {func(vpc awsec2.Vpc, lb awselasticloadbalancingv2.ApplicationLoadBalancer) {
			lb.Connections().AllowTo(awsec2.Peer_Ipv4(vpc.VpcCidrBlock()), awsec2.Port_AllTraffic(), nil)
		}, 0},
		"a group": {func(vpc awsec2.Vpc, lb awselasticloadbalancingv2.ApplicationLoadBalancer) {
			group := awsec2.NewSecurityGroup(vpc, jsii.String("Instances"), &awsec2.SecurityGroupProps{Vpc: vpc})
			lb.Connections().AllowTo(group, awsec2.Port_Tcp(jsii.Number(80)), nil)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			app := newApp(t)
			network := awscdk.NewStack(app, jsii.String("Network"), nil)
			vpc := newVPC(network)
			lb := newLoadBalancer(network, vpc)
			c.open(vpc, lb)
			web := awscdk.NewStack(app, jsii.String("Stack"), nil)
			elasticbeanstalk.NewEnvironment(web, "Web", shared(vpc, lb))
			if n := warningsOf(web, "Network/LB/SecurityGroup, which another stack makes, lets nothing out to port 80"); n != c.want {
				t.Errorf("%d warnings, want %d", n, c.want)
			}
		})
	}
}

func TestTheNetworkOfInstancesCanBeNarrowedAndJoined(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	further := awsec2.NewSecurityGroup(stack, jsii.String("Cache"), &awsec2.SecurityGroupProps{Vpc: vpc})
	props := dedicated(vpc)
	props.Network.DisableAllOutbound = true
	props.Network.SecurityGroups = []awsec2.ISecurityGroup{further}
	environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
	environment.Connections().AllowTo(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(443)), nil)
	// In a resource of its own, which the group does not carry.
	awsec2.NewCfnSecurityGroupIngress(further, jsii.String("Rule"), &awsec2.CfnSecurityGroupIngressProps{
		GroupId: further.SecurityGroupId(), IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(6379), ToPort: jsii.Number(6379), SourceSecurityGroupId: further.SecurityGroupId(),
	})
	template := synth(t, stack)

	requireRules(t, "out of the instances", egress(template, "Stack/Web/SecurityGroup"), "tcp 443-443 0.0.0.0/0")
	if got, want := template.Resources["Stack/Web"].Options()["aws:autoscaling:launchconfiguration SecurityGroups"],
		"${Stack/Web/SecurityGroup.GroupId},${Stack/Cache.GroupId}"; got != want {
		t.Errorf("the instances are in %q, want %q", got, want)
	}
	if !template.Resources["Stack/Web"].Before()["Stack/Cache/Rule"] {
		t.Error("the rules of the further group are not ordered before the environment")
	}
}
