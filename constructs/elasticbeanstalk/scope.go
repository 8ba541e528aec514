package elasticbeanstalk

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
)

// ValidateIn reports what [EnvironmentProps.Validate] does and, where that is nothing, what only the CDK knows to be wrong
// with an environment in scope, such as subnets that the VPC does not have. It adds nothing to scope, for whoever adds
// something of their own before the environment.
func (p *EnvironmentProps) ValidateIn(scope constructs.Construct) error {
	if err := p.Validate(); err != nil {
		return err
	}
	problems := []error{p.unwrappedSecrets(scope, p.settings(unknownReferences(p))), p.versionOverrides(scope)}
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if topic := p.Notifications.Topic; topic != nil && orPtr(topic.Fifo(), false) {
		add("Notifications: Topic: Elastic Beanstalk cannot publish to a FIFO topic: give a standard one")
	}
	instances := p.instanceSubnets()
	if _, err := instances.in(p.Network.VPC); err != nil {
		problems = append(problems, err)
	}
	lb := p.LoadBalancer
	switch {
	case !p.kind().balanced():
	case lb.Shared != nil:
		if len(*lb.Shared.Connections().SecurityGroups()) == 0 {
			add("LoadBalancer: Shared: its security groups are not known, so instances cannot admit it; import it with ApplicationLoadBalancer_FromApplicationLoadBalancerAttributes and its SecurityGroupId")
		}
		if found, known := listeners(lb.Shared); known && len(found) == 0 {
			add("LoadBalancer: Shared: has no listener, and Elastic Beanstalk needs one to join: add one before the environment, with a default action other than the environment's target group")
		}
	default:
		if logs := lb.AccessLogs; logs != nil && byKMS(logs) {
			add("LoadBalancer: AccessLogs: load balancers cannot write to a bucket that AWS KMS encrypts; give one with the encryption S3_MANAGED, such as that of NewAccessLogsBucket")
		}
		subnets := p.loadBalancerSubnets()
		selected, err := subnets.in(p.Network.VPC)
		switch {
		case err != nil && subnets.field != instances.field:
			problems = append(problems, err)
		case err == nil && oneZone(selected):
			add("Network: %s: are in one Availability Zone; a load balancer needs subnets in two or more: give further ones", subnets.field)
		}
		if lb.Internal && len(lb.SecurityGroups) == 0 && thrown(func() { p.Network.VPC.VpcCidrBlock() }) != nil {
			add("Network: VPC: was imported without the addresses that an internal load balancer admits clients from; import it with VpcCidrBlock, or give LoadBalancer.SecurityGroups")
		}
	}
	return errors.Join(problems...)
}

// byKMS says whether a bucket is known to be encrypted by AWS KMS, with a key of the app or with that of AWS, which is no
// construct.
func byKMS(bucket awss3.IBucket) bool {
	made, ok := bucket.Node().DefaultChild().(awss3.CfnBucket)
	return bucket.EncryptionKey() != nil || ok && strings.Contains(fmt.Sprint(resolved(made, made.BucketEncryption())), "aws:kms")
}

// resolved is a property as it will be rendered.
func resolved(construct constructs.IConstruct, property any) any {
	if property == nil {
		return nil
	}
	return awscdk.Stack_Of(construct).Resolve(property)
}

// subnets are those that a field asks for, or its default.
type subnets struct {
	field, byDefault string
	selection        *awsec2.SubnetSelection
}

func (p *EnvironmentProps) instanceSubnets() subnets {
	const field = "InstanceSubnets"
	switch given := p.Network.InstanceSubnets; {
	case given != nil:
		return subnets{field, "", given}
	case p.kind().public():
		return subnets{field, "public subnets", &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}}
	}
	return subnets{field, "private subnets with a route to the internet", &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}}
}

func (p *EnvironmentProps) loadBalancerSubnets() subnets {
	const field = "LoadBalancerSubnets"
	switch given := p.Network.LoadBalancerSubnets; {
	case given != nil:
		return subnets{field, "", given}
	case p.LoadBalancer.Internal:
		return p.instanceSubnets()
	}
	return subnets{field, "public subnets", &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}}
}

// in selects the subnets, of which there is one or more, or which a look-up is still to find.
func (s subnets) in(vpc awsec2.IVpc) (*awsec2.SelectedSubnets, error) {
	var selected *awsec2.SelectedSubnets
	err := thrown(func() { selected = vpc.SelectSubnets(s.selection) })
	switch {
	case err == nil && (len(*selected.SubnetIds) > 0 || orPtr(selected.IsPendingLookup, false)):
		return selected, nil
	case err == nil:
		err = errors.New("the selection is empty")
	}
	if s.byDefault != "" {
		return nil, fmt.Errorf("Network: %s: the VPC has no %s, which are the default (%w); give others, or add them to the VPC", s.field, s.byDefault, err)
	}
	return nil, fmt.Errorf("Network: %s: cannot be selected (%w); give others", s.field, err)
}

// oneZone says whether subnets are known to be in one zone alone.
func oneZone(selected *awsec2.SelectedSubnets) bool {
	if orPtr(selected.IsPendingLookup, false) || strings.Contains(*(*selected.SubnetIds)[0], "#{Token[") { // a list whose length nobody knows
		return false
	}
	zones := map[string]bool{}
	for _, zone := range *selected.AvailabilityZones {
		zones[*zone] = true
	}
	return len(zones) == 1
}

// thrown is what the CDK throws in f, of which it has no other way to say that something is not there.
func thrown(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			line, _, _ := strings.Cut(fmt.Sprint(r), "\n")
			err = errors.New(line)
		}
	}()
	f()
	return nil
}
