package elasticbeanstalk_test

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// kinds are the environments that a tier and a type make, by what messages call them.
var kinds = map[string]struct {
	tier option.Tier
	kind elasticbeanstalk.EnvironmentType
}{
	"a load-balanced web server":      {},
	"a single instance":               {kind: elasticbeanstalk.SingleInstance},
	"a worker":                        {tier: option.Worker},
	"a worker with a single instance": {option.Worker, elasticbeanstalk.SingleInstance},
}

func ofKind(name string, vpc awsec2.IVpc) *elasticbeanstalk.EnvironmentProps {
	props := dedicated(vpc)
	props.Tier, props.EnvironmentType = kinds[name].tier, kinds[name].kind
	return props
}

func TestEachKindWritesExactlyTheOptionsThatApply(t *testing.T) {
	const rollingUpdate = "aws:autoscaling:updatepolicy:rollingupdate "
	single := map[string]string{
		"aws:autoscaling:asg MinSize":                      "1",
		"aws:autoscaling:asg MaxSize":                      "1",
		"aws:elasticbeanstalk:command DeploymentPolicy":    "AllAtOnce",
		"aws:elasticbeanstalk:environment EnvironmentType": "SingleInstance",
		rollingUpdate + "RollingUpdateEnabled":             "false",
	}
	inBatches := []string{"aws:elasticbeanstalk:command BatchSize", "aws:elasticbeanstalk:command BatchSizeType",
		rollingUpdate + "RollingUpdateType", rollingUpdate + "MaxBatchSize", rollingUpdate + "MinInstancesInService", rollingUpdate + "Timeout"}
	queue := map[string]string{
		"aws:elasticbeanstalk:sqsd HttpPath":               "/",
		"aws:elasticbeanstalk:sqsd MimeType":               "application/json",
		"aws:elasticbeanstalk:sqsd HttpConnections":        "50",
		"aws:elasticbeanstalk:sqsd ConnectTimeout":         "5",
		"aws:elasticbeanstalk:sqsd InactivityTimeout":      "299",
		"aws:elasticbeanstalk:sqsd VisibilityTimeout":      "300",
		"aws:elasticbeanstalk:sqsd ErrorVisibilityTimeout": "2",
		"aws:elasticbeanstalk:sqsd RetentionPeriod":        "345600",
		"aws:elasticbeanstalk:sqsd MaxRetries":             "10",
	}
	for name, tier := range map[string]string{
		"a single instance":               `{"Name":"WebServer","Type":"Standard"}`,
		"a worker":                        `{"Name":"Worker","Type":"SQS/HTTP"}`,
		"a worker with a single instance": `{"Name":"Worker","Type":"SQS/HTTP"}`,
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			elasticbeanstalk.NewEnvironment(stack, "Web", ofKind(name, newVPC(stack)))
			template := synth(t, stack)
			environment := template.One(t, "AWS::ElasticBeanstalk::Environment")

			want := maps.Clone(defaults)
			maps.DeleteFunc(want, func(option, _ string) bool {
				return strings.HasPrefix(option, "aws:elasticbeanstalk:environment:process:") || strings.HasSuffix(option, " LoadBalancerType") ||
					kinds[name].kind == elasticbeanstalk.SingleInstance && (slices.Contains(inBatches, option) ||
						strings.HasPrefix(option, "aws:autoscaling:trigger ") || option == "aws:autoscaling:asg Cooldown")
			})
			if kinds[name].kind == elasticbeanstalk.SingleInstance {
				maps.Copy(want, single)
			}
			if kinds[name].tier == option.Worker {
				maps.Copy(want, queue)
			} else {
				want["aws:ec2:vpc Subnets"] = "${Stack/VPC/PublicSubnet1/Subnet},${Stack/VPC/PublicSubnet2/Subnet}"
				want["aws:ec2:vpc AssociatePublicIpAddress"] = "true"
			}
			requireOptions(t, environment.Options(), want)
			if got := environment.Property("Tier"); got != tier {
				t.Errorf("the tier is %s, want %s", got, tier)
			}
			if groups := template.OfType("AWS::EC2::SecurityGroup"); len(groups) != 1 {
				t.Errorf("%d security groups, want that of the instances alone", len(groups))
			}
			if logs := template.OfType("AWS::S3::Bucket"); len(logs) != 0 {
				t.Error("there is a bucket for the access logs of no load balancer")
			}
			if kinds[name].tier == option.Worker {
				requireRules(t, "into a worker", ingress(template, "Stack/Web/SecurityGroup"))
			} else {
				requireRules(t, "into a single instance", ingress(template, "Stack/Web/SecurityGroup"), "tcp 80-80 0.0.0.0/0")
			}
		})
	}
}

// What does nothing is refused by its field, whatever fields the groups of the props have.
func TestWhatDoesNotApplyIsRefusedByItsField(t *testing.T) {
	noBalancer := []string{"LoadBalancer.*", "Processes", "Network.LoadBalancerSubnets", "Health.HealthCheckType", "Health.HealthCheckGracePeriod",
		"Health.IgnoreELBRequests4xx"}
	noClients := []string{"Network.Clients", "CNAMEPrefix"}
	noScaling := []string{"Capacity.MinSize", "Capacity.MaxSize", "Capacity.Trigger", "Capacity.ScheduledActions", "Capacity.Cooldown",
		"Deployment.BatchSize", "Deployment.BatchSizeType"}
	refused := map[string][]string{
		"a load-balanced web server":      {"Worker.*", "Network.Clients"},
		"a single instance":               slices.Concat(noBalancer, noScaling, []string{"Worker.*"}),
		"a worker":                        slices.Concat(noBalancer, noClients),
		"a worker with a single instance": slices.Concat(noBalancer, noClients, noScaling),
	}
	words := regexp.MustCompile(`has no load balancer|nobody sends requests|is not scaled|has no batches|worker tier|clients reach the load balancer here`)
	for name := range kinds {
		props := reflect.TypeOf(elasticbeanstalk.EnvironmentProps{})
		for i := range props.NumField() {
			group := props.Field(i)
			fields := []string{group.Name}
			if group.Type.Kind() == reflect.Struct && group.Name != "Source" {
				fields = nil
				for j := range group.Type.NumField() {
					fields = append(fields, group.Name+"."+group.Type.Field(j).Name)
				}
			}
			for _, field := range fields {
				p := ofKind(name, someVPC{})
				value := reflect.ValueOf(p).Elem()
				for part := range strings.SplitSeq(field, ".") {
					value = value.FieldByName(part)
				}
				if group.Name == "Tier" || group.Name == "EnvironmentType" || group.Name == "Source" || !value.IsZero() {
					continue
				}
				value.Set(sample(t, field, value.Type()))
				want := slices.Contains(refused[name], field) || slices.Contains(refused[name], group.Name+".*")
				message := ""
				if err := p.Validate(); err != nil {
					message = err.Error()
				}
				label := strings.ReplaceAll(field, ".", ": ") + ": "
				if got := slices.ContainsFunc(strings.Split(message, "\n"), func(line string) bool {
					return strings.HasPrefix(line, label) && words.MatchString(line)
				}); got != want {
					t.Errorf("%s: %s is refused: %v, want %v\n%s", name, field, got, want, message)
				}
			}
		}
	}
}

// sample is a value of a type that is not zero.
func sample(t *testing.T, field string, kind reflect.Type) reflect.Value {
	t.Helper()
	value := reflect.New(kind).Elem()
	switch kind.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int, reflect.Int64:
		value.SetInt(int64(2 * time.Second))
		if kind.Kind() == reflect.Int {
			value.SetInt(2)
		}
	case reflect.Float64:
		value.SetFloat(0.5)
	case reflect.String:
		value.SetString("x")
	case reflect.Pointer:
		value.Set(reflect.New(kind.Elem()))
	case reflect.Slice:
		value.Set(reflect.MakeSlice(kind, 1, 1))
	case reflect.Map:
		value.Set(reflect.MakeMap(kind))
		value.SetMapIndex(sample(t, field, kind.Key()), reflect.Zero(kind.Elem()))
	case reflect.Struct:
		for i := range kind.NumField() {
			value.Field(i).Set(sample(t, field, kind.Field(i).Type))
		}
	case reflect.Interface:
		for _, some := range []any{someVPC{}, someLB{}, someBucket{}, someQueue{}, someRole{}, someApplication{}, somePolicy{}, someTopic{}} {
			if reflect.TypeOf(some).Implements(kind) {
				return reflect.ValueOf(some).Convert(kind)
			}
		}
		t.Fatalf("%s: add a value of %s to the samples", field, kind)
	default:
		t.Fatalf("%s: no sample of %s", field, kind)
	}
	return value
}

func TestAKindThatDoesNotExist(t *testing.T) {
	p := dedicated(someVPC{})
	p.Tier, p.EnvironmentType = "worker", "Single"
	requireParts(t, p.Validate().Error(), `Tier: "worker" is not a tier`, `"WebServer" and "Worker"`, `EnvironmentType: "Single" is not a type`, `"LoadBalanced" and "SingleInstance"`)
}

func TestPoliciesOfEachKind(t *testing.T) {
	const (
		update = "aws:autoscaling:updatepolicy:rollingupdate "
		policy = "aws:elasticbeanstalk:command DeploymentPolicy"
	)
	for name, refused := range map[string][]elasticbeanstalk.DeploymentPolicy{
		"a single instance":               {elasticbeanstalk.Rolling, elasticbeanstalk.RollingWithAdditionalBatch, elasticbeanstalk.TrafficSplitting},
		"a worker":                        {elasticbeanstalk.TrafficSplitting},
		"a worker with a single instance": {elasticbeanstalk.Rolling, elasticbeanstalk.RollingWithAdditionalBatch, elasticbeanstalk.TrafficSplitting},
	} {
		for _, choice := range []elasticbeanstalk.DeploymentPolicy{elasticbeanstalk.AllAtOnce, elasticbeanstalk.Rolling,
			elasticbeanstalk.RollingWithAdditionalBatch, elasticbeanstalk.Immutable, elasticbeanstalk.TrafficSplitting} {
			p := ofKind(name, someVPC{})
			p.Deployment.Policy = choice
			switch err := p.Validate(); {
			case !slices.Contains(refused, choice):
				if err != nil {
					t.Errorf("%s: %s is refused: %v", name, choice, err)
				}
			case err == nil:
				t.Errorf("%s: %s is not refused", name, choice)
			default:
				requireParts(t, err.Error(), "Deployment: Policy: "+string(choice), name, "choose AllAtOnce or Immutable")
			}
		}
	}
	stack := newStack(t)
	props := ofKind("a single instance", existingVPC(stack))
	props.Deployment.Policy = elasticbeanstalk.Immutable
	got := options(elasticbeanstalk.NewEnvironment(stack, "Web", props))
	if got[policy] != "Immutable" || got[update+"RollingUpdateEnabled"] != "true" || got[update+"RollingUpdateType"] != "Immutable" || got[update+"MinInstancesInService"] != "0" {
		t.Errorf("an immutable single instance has %q and updates %q by %q with %q in service", got[policy], got[update+"RollingUpdateEnabled"],
			got[update+"RollingUpdateType"], got[update+"MinInstancesInService"])
	}
}

func TestASingleInstanceIsWhereItsClientsAreLetIn(t *testing.T) {
	stack := newStack(t)
	props := ofKind("a single instance", existingVPC(stack))
	props.Network.Clients = []awsec2.IPeer{awsec2.Peer_Ipv4(jsii.String("198.51.100.0/24")), awsec2.Peer_AnyIpv6()}
	props.Network.InstanceSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	requireRules(t, "into the instance", ingress(template, "Stack/Web/SecurityGroup"), "tcp 80-80 198.51.100.0/24", "tcp 80-80 ::/0")
	got := template.Resources["Stack/Web"].Options()
	if got["aws:ec2:vpc Subnets"] != "subnet-private-a,subnet-private-b" || got["aws:ec2:vpc AssociatePublicIpAddress"] != "false" {
		t.Errorf("the instance is in %s, with a public address: %s", got["aws:ec2:vpc Subnets"], got["aws:ec2:vpc AssociatePublicIpAddress"])
	}
}

func TestASingleInstanceBootsWithARouteToTheInternet(t *testing.T) {
	stack := newStack(t)
	elasticbeanstalk.NewEnvironment(stack, "Web", ofKind("a single instance", newVPC(stack)))
	before := synth(t, stack).Resources["Stack/Web"].Before()
	for _, path := range []string{"Stack/VPC/PublicSubnet1/DefaultRoute", "Stack/VPC/PublicSubnet2/DefaultRoute", "Stack/Web/InstanceRole"} {
		if !before[path] {
			t.Errorf("%s is not ordered before the environment", path)
		}
	}
}

func TestNoTargetGroupWithoutALoadBalancer(t *testing.T) {
	for _, name := range []string{"a single instance", "a worker", "a worker with a single instance"} {
		stack := newStack(t)
		environment := elasticbeanstalk.NewEnvironment(stack, "Web", ofKind(name, existingVPC(stack)))
		requireParts(t, panicOf(func() { environment.TargetGroup() }), "Stack/Web: TargetGroup: ", name, "no load balancer")
	}
}

func TestAWorkerMayUseItsQueueAndNoOther(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	key := awskms.NewKey(stack, jsii.String("Key"), nil)
	queue := awssqs.NewQueue(stack, jsii.String("Tasks"), &awssqs.QueueProps{EncryptionMasterKey: key})
	elasticbeanstalk.NewEnvironment(stack, "Beanstalks", ofKind("a worker", vpc))
	own := ofKind("a worker", vpc)
	own.Worker.Queue = queue
	elasticbeanstalk.NewEnvironment(stack, "Own", own)
	template := synth(t, stack)

	const actions = `{"Action":["sqs:ChangeMessageVisibility","sqs:DeleteMessage","sqs:ReceiveMessage","sqs:SendMessage"],"Effect":"Allow","Resource":`
	statements := func(id string) string {
		return template.Resources["Stack/"+id+"/InstanceRole"].Property("Policies.0.PolicyDocument.Statement")
	}
	requireParts(t, statements("Beanstalks"), actions+`"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:awseb-*-stack-AWSEBWorkerQueue-*"`,
		`"arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/awseb-*-stack-AWSEBWorkerCronLeaderRegistry*"`,
		`"Condition":{"StringLike":{"cloudwatch:namespace":"ElasticBeanstalk*"}}`)
	requireParts(t, statements("Own"), actions+`"${Stack/Tasks.Arn}"`)
	requireParts(t, statements("Own"), `{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Condition":{"StringLike":{"kms:ViaService":"sqs.*.amazonaws.com"}},"Effect":"Allow","Resource":"${Stack/Key.Arn}","Sid":"QueueKey"}`)

	got := template.Resources["Stack/Own"].Options()
	if url := got["aws:elasticbeanstalk:sqsd WorkerQueueURL"]; url != "${Stack/Tasks}" {
		t.Errorf("the worker reads %q", url)
	}
	if _, there := got["aws:elasticbeanstalk:sqsd MaxRetries"]; there {
		t.Error("MaxRetries is written for a queue that Elastic Beanstalk does not make")
	}
}

func TestTheTimeoutsOfAWorkerMakeRoomForOneAnother(t *testing.T) {
	none := time.Duration(0)
	for _, c := range []struct {
		worker                        elasticbeanstalk.Worker
		inactivity, visibility, error string
	}{
		{elasticbeanstalk.Worker{}, "299", "300", "2"},
		{elasticbeanstalk.Worker{VisibilityTimeout: time.Minute}, "59", "60", "2"},
		{elasticbeanstalk.Worker{VisibilityTimeout: time.Hour}, "299", "3600", "2"},
		{elasticbeanstalk.Worker{InactivityTimeout: time.Hour}, "3600", "3601", "2"},
		{elasticbeanstalk.Worker{InactivityTimeout: time.Minute, ErrorVisibilityTimeout: &none}, "60", "300", "0"},
	} {
		stack := newStack(t)
		props := ofKind("a worker", existingVPC(stack))
		props.Worker = c.worker
		got := options(elasticbeanstalk.NewEnvironment(stack, "Worker", props))
		const sqsd = "aws:elasticbeanstalk:sqsd "
		if got[sqsd+"InactivityTimeout"] != c.inactivity || got[sqsd+"VisibilityTimeout"] != c.visibility || got[sqsd+"ErrorVisibilityTimeout"] != c.error {
			t.Errorf("%+v gives InactivityTimeout %s, VisibilityTimeout %s, ErrorVisibilityTimeout %s; want %s, %s, %s", c.worker,
				got[sqsd+"InactivityTimeout"], got[sqsd+"VisibilityTimeout"], got[sqsd+"ErrorVisibilityTimeout"], c.inactivity, c.visibility, c.error)
		}
	}
}

func TestAWorkersOptionsAreChecked(t *testing.T) {
	const second = time.Second
	negative := -second
	for field, c := range map[string]struct {
		worker elasticbeanstalk.Worker
		part   string
	}{
		"HTTPPath":               {elasticbeanstalk.Worker{HTTPPath: "tasks"}, `"tasks" has no slash first`},
		"HTTPConnections":        {elasticbeanstalk.Worker{HTTPConnections: 101}, "1 to 100"},
		"ConnectTimeout":         {elasticbeanstalk.Worker{ConnectTimeout: 61 * second}, "1m1s is not allowed"},
		"InactivityTimeout":      {elasticbeanstalk.Worker{InactivityTimeout: second / 2}, "500ms is not allowed"},
		"VisibilityTimeout":      {elasticbeanstalk.Worker{VisibilityTimeout: 13 * time.Hour}, "13h0m0s is not allowed"},
		"ErrorVisibilityTimeout": {elasticbeanstalk.Worker{ErrorVisibilityTimeout: &negative}, "-1s is not allowed"},
		"RetentionPeriod":        {elasticbeanstalk.Worker{RetentionPeriod: second}, "1s is not allowed"},
		"MaxRetries":             {elasticbeanstalk.Worker{MaxRetries: 3, Queue: someQueue{}}, "MaxReceiveCount"},
	} {
		p := ofKind("a worker", someVPC{})
		p.Worker = c.worker
		err := p.Validate()
		if err == nil {
			t.Errorf("%s: nothing is refused", field)
			continue
		}
		requireParts(t, err.Error(), "Worker: "+field+": ", c.part)
	}
	p := ofKind("a worker", someVPC{})
	p.Worker = elasticbeanstalk.Worker{InactivityTimeout: 300 * second, VisibilityTimeout: 300 * second}
	requireParts(t, p.Validate().Error(), "Worker: InactivityTimeout: 5m0s is not shorter than VisibilityTimeout 5m0s")
}

func TestPeriodicTasksAreAWorkersWithAStandardQueue(t *testing.T) {
	source := project(t, map[string]string{"cron.yaml": "version: 1\n", "Procfile": "web: gunicorn app\n"})
	for want, change := range map[string]func(*elasticbeanstalk.EnvironmentProps, awscdk.Stack){
		"periodic tasks are read in a worker environment only": func(p *elasticbeanstalk.EnvironmentProps, _ awscdk.Stack) { p.Tier = "" },
		"": func(*elasticbeanstalk.EnvironmentProps, awscdk.Stack) {},
		"periodic tasks need a standard queue": func(p *elasticbeanstalk.EnvironmentProps, stack awscdk.Stack) {
			p.Worker.Queue = awssqs.NewQueue(stack, jsii.String("Tasks"), &awssqs.QueueProps{Fifo: jsii.Bool(true)})
		},
	} {
		stack := newStack(t)
		props := ofKind("a worker", existingVPC(stack))
		props.Source = bundle.Source{Path: source}
		change(props, stack)
		elasticbeanstalk.NewEnvironment(stack, "Web", props)
		if n := warningsOf(stack, "cron.yaml"); want == "" && n != 0 || want != "" && (n != 1 || warningsOf(stack, want) != 1) {
			t.Errorf("%d warnings of cron.yaml, want %q", n, want)
		}
	}
}

func TestAQueueWithoutADeadLetterQueueIsAWarning(t *testing.T) {
	stack := newStack(t)
	dead := awssqs.NewQueue(stack, jsii.String("Dead"), nil)
	for id, queue := range map[string]awssqs.IQueue{
		"None":      awssqs.NewQueue(stack, jsii.String("Alone"), nil),
		"Own":       awssqs.NewQueue(stack, jsii.String("Tasks"), &awssqs.QueueProps{DeadLetterQueue: &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(5)}}),
		"Imported":  awssqs.Queue_FromQueueArn(stack, jsii.String("Theirs"), jsii.String("arn:aws:sqs:eu-central-1:123456789012:theirs")),
		"Beanstalk": nil,
	} {
		props := ofKind("a worker", existingVPC(awscdk.NewStack(stack, jsii.String(id+"Network"), nil)))
		props.Worker.Queue = queue
		elasticbeanstalk.NewEnvironment(stack, id, props)
	}
	found := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(jsii.String("no dead-letter queue")))
	if len(found) != 1 || *found[0].Id != "/Stack/None" {
		t.Errorf("%d warnings, want one of the queue that has none", len(found))
	}
}
