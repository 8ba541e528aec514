package stacks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Web is the stack of one deployment environment: the Elastic Beanstalk environment, and its rules on the listeners.
type Web struct {
	Stack       awscdk.Stack
	Environment *elasticbeanstalk.Environment
	// Queue is what a worker takes its messages from, nil for a web server.
	Queue awssqs.IQueue
}

// newWeb makes the stack. Without a network of the app's own the environment is in one that exists. The queues are those of
// the workers, by their names.
func newWeb(scope constructs.Construct, config Config, id string, network *Network, queues map[string]awssqs.IQueue) *Web {
	environment := config.Environments[id]
	stackName := webStackName(config, id)
	w := &Web{Stack: awscdk.NewStack(scope, &stackName, stackProps(config, environment, stackName,
		fmt.Sprintf("%s on Elastic Beanstalk, %s", config.Application, id)))}
	if network == nil {
		network = existingNetwork(w.Stack, config.network(environment.network(id)), environment)
	}
	around := surroundings{
		network:      network.instances(environment),
		loadBalancer: network.LoadBalancer,
		dnsName:      w.dnsName(environment, network),
		topic:        w.topic(environment.Notifications),
		queueURLs:    map[string]string{},
	}
	if environment.worker() {
		w.Queue = w.newQueue(environment.Worker)
		around.queue = w.Queue
	}
	for _, worker := range environment.Workers {
		around.queueURLs[worker] = *queues[worker].QueueUrl()
	}
	for _, arn := range environment.Roles.InstanceManagedPolicyARNs {
		around.managedPolicies = append(around.managedPolicies, w.managedPolicy(arn))
	}
	if arn := environment.Roles.PermissionsBoundaryARN; arn != "" {
		around.boundary = w.managedPolicy(arn)
	}
	if arn := environment.SecretsKMSKeyARN; arn != "" {
		around.secretsKey = awskms.Key_FromKeyArn(w.Stack, jsii.String("SecretsKey"), &arn)
	}
	if arn := environment.SecretKeyARN; arn != "" {
		around.secretKey = awssecretsmanager.Secret_FromSecretAttributes(w.Stack, jsii.String("SecretKey"), &awssecretsmanager.SecretAttributes{
			SecretCompleteArn: &arn,
			EncryptionKey:     around.secretsKey,
		})
	}

	w.Environment = django.NewEnvironment(w.Stack, "Web", config.djangoProps(id, around))
	if environment.EnvironmentName == "" {
		// A new one has another prefix, and a worker has none.
		acknowledge(w.Environment, "beanpole:fixed-name", "What replaces an environment with a cnamePrefix, another cnamePrefix or tier, changes the prefix too")
	}
	for _, worker := range environment.Workers {
		queues[worker].GrantSendMessages(w.Environment)
	}
	config.acknowledge(w.Environment)
	if environment.balanced() {
		w.addRules(environment, network, config.https(id))
		w.addAlarm(network, around.topic)
	}
	w.addRecords(id, environment, network)
	w.addOutputs(environment, around, config.https(id))
	return w
}

func (w *Web) managedPolicy(arn string) awsiam.IManagedPolicy {
	sum := sha256.Sum256([]byte(arn))
	id := "ManagedPolicy-" + hex.EncodeToString(sum[:4])
	if policy, ok := w.Stack.Node().TryFindChild(&id).(awsiam.IManagedPolicy); ok {
		return policy
	}
	return awsiam.ManagedPolicy_FromManagedPolicyArn(w.Stack, &id, &arn)
}

// dnsName is the name that the environment has without domains, "" for a worker.
func (w *Web) dnsName(environment EnvironmentConfig, network *Network) string {
	switch {
	case environment.worker():
		return ""
	case environment.single():
		return fmt.Sprintf("%s.%s.elasticbeanstalk.com", environment.CNAMEPrefix, *w.Stack.Region())
	}
	return *network.LoadBalancer.LoadBalancerDnsName()
}

// topic is what Elastic Beanstalk and the alarm publish to, nil if nobody wants to know.
func (w *Web) topic(config NotificationsConfig) awssns.ITopic {
	switch {
	case config.TopicARN != "":
		return awssns.Topic_FromTopicArn(w.Stack, jsii.String("Notifications"), &config.TopicARN)
	case config.Email != "":
		topic := awssns.NewTopic(w.Stack, jsii.String("Notifications"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true)})
		// The alarm. Elastic Beanstalk publishes by its role.
		topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String("Alarms"),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
			Actions:    jsii.Strings("sns:Publish"),
			Resources:  jsii.Strings(*topic.TopicArn()),
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": w.Stack.Account()}},
		}))
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&config.Email, nil))
		return topic
	}
	return nil
}

// newQueue makes the queue of a worker. Elastic Beanstalk would make one, but tell nobody which.
func (w *Web) newQueue(config WorkerConfig) awssqs.IQueue {
	queue := func(id string, props awssqs.QueueProps) awssqs.Queue {
		props.EnforceSSL, props.Encryption = jsii.Bool(true), awssqs.QueueEncryption_SQS_MANAGED
		return awssqs.NewQueue(w.Stack, &id, &props)
	}
	return queue("Queue", awssqs.QueueProps{
		RetentionPeriod: awscdk.Duration_Seconds(jsii.Number(float64(cmp.Or(config.RetentionPeriod, defaultRetentionPeriod)))),
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			Queue:           queue("DeadLetterQueue", awssqs.QueueProps{RetentionPeriod: awscdk.Duration_Days(jsii.Number(14))}),
			MaxReceiveCount: jsii.Number(float64(cmp.Or(config.MaxRetries, defaultMaxRetries))),
		},
	})
}

const (
	defaultRetentionPeriod = 4 * 24 * 60 * 60 // seconds
	defaultMaxRetries      = 10
)

func webStackName(config Config, id string) string {
	return fmt.Sprintf("%s-%s-web", config.Application, id)
}

// surroundings are what the props of an environment take from its stack and the network.
type surroundings struct {
	network         elasticbeanstalk.Network
	loadBalancer    awselasticloadbalancingv2.IApplicationLoadBalancer
	dnsName         string
	topic           awssns.ITopic
	queue           awssqs.IQueue     // of a worker
	queueURLs       map[string]string // of the workers that it sends to
	managedPolicies []awsiam.IManagedPolicy
	boundary        awsiam.IManagedPolicy
	secretKey       awssecretsmanager.ISecret
	secretsKey      awskms.IKey
}

// placeholders stand in for them before there is a construct: props can be validated without one.
func placeholders(e EnvironmentConfig) surroundings {
	around := surroundings{
		network: elasticbeanstalk.Network{VPC: struct{ awsec2.IVpc }{}},
		loadBalancer: struct {
			awselasticloadbalancingv2.IApplicationLoadBalancer
		}{},
		dnsName: "${Token[LoadBalancer.DNSName]}",
	}
	if e.worker() {
		around.queue = struct{ awssqs.IQueue }{}
	}
	around.queueURLs = map[string]string{}
	for _, worker := range e.Workers {
		around.queueURLs[worker] = "${Token[Queue.URL]}"
	}
	if e.Notifications != (NotificationsConfig{}) {
		around.topic = struct{ awssns.ITopic }{}
	}
	return around
}

// djangoProps is the environment in the words of the constructs.
func (c Config) djangoProps(id string, around surroundings) *django.EnvironmentProps {
	e := c.Environments[id]
	props := elasticbeanstalk.EnvironmentProps{
		Source:          bundle.Source{Path: c.Source},
		EnvironmentName: e.EnvironmentName,
		CNAMEPrefix:     e.CNAMEPrefix,
		Tags:            e.Tags,
		Tier:            option.Tier(e.Tier),
		EnvironmentType: elasticbeanstalk.EnvironmentType(e.EnvironmentType),
		Platform:        e.Platform.props(),
		Capacity:        e.Capacity.props(),
		Deployment:      e.Deployment.props(),
		Network:         around.network,
		Health:          e.Health.props(),
		Logs: elasticbeanstalk.Logs{
			DisableStreaming:   e.Logs.DisableStreaming,
			RetentionInDays:    e.Logs.RetentionInDays,
			DeleteOnTerminate:  e.Logs.DeleteOnTerminate,
			DisablePublication: e.Logs.DisablePublication,
		},
		Notifications: elasticbeanstalk.Notifications{Topic: around.topic},
		Roles: elasticbeanstalk.Roles{
			PermissionsBoundary:     around.boundary,
			InstanceManagedPolicies: around.managedPolicies,
			SessionManager:          e.Roles.SessionManager,
		},
		XRayEnabled:    e.XRayEnabled,
		Environment:    e.variables(around.queueURLs),
		NotSecret:      e.NotSecret,
		Secrets:        e.secrets(around.secretsKey),
		OptionSettings: e.rawSettings(),
	}
	if e.balanced() {
		props.LoadBalancer = elasticbeanstalk.LoadBalancer{Shared: around.loadBalancer}
		props.Processes = e.processes()
	}
	props.Worker = e.Worker.props(around.queue)
	return &django.EnvironmentProps{
		Environment:     props,
		WSGIApplication: c.WSGIApplication,
		SettingsModule:  c.SettingsModule,
		Hosts:           e.allowedHosts(around.dnsName),
		HTTPS:           c.https(id),
		Address:         overlay.Strategy(c.Address),
		Variables:       c.VariableNames.names(),
		NumProcesses:    e.NumProcesses,
		NumThreads:      e.NumThreads,
		Migrate:         c.Migrate,
		CollectStatic:   c.CollectStatic,
		StaticFiles:     c.StaticFiles,
		SecretKey:       around.secretKey,
	}
}

// variables are the ones that are given, and the URLs of queues.
func (e EnvironmentConfig) variables(queueURLs map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, e.Variables)
	for worker, url := range queueURLs {
		all[queueVariable(worker)] = url
	}
	return all
}

func (v VariableNamesConfig) names() overlay.Variables {
	return overlay.Variables{
		AllowedHosts:          v.AllowedHosts,
		AllowedHostsSeparator: v.AllowedHostsSeparator,
		HealthCheckPath:       v.HealthCheckPath,
		InstanceIP:            v.InstanceIP,
		HTTPS:                 v.HTTPS,
		SecretKey:             v.SecretKey,
	}
}

func (p PlatformConfig) props() elasticbeanstalk.Platform {
	return elasticbeanstalk.Platform{
		Branch:                 p.Branch,
		Version:                p.Version,
		DisableManagedUpdates:  p.DisableManagedUpdates,
		PreferredStartTime:     p.PreferredStartTime,
		UpdateLevel:            p.UpdateLevel,
		InstanceRefreshEnabled: p.InstanceRefreshEnabled,
	}
}

func (c CapacityConfig) props() elasticbeanstalk.Capacity {
	var actions map[string]elasticbeanstalk.ScheduledAction
	for name, a := range c.ScheduledActions {
		if actions == nil {
			actions = map[string]elasticbeanstalk.ScheduledAction{}
		}
		actions[name] = elasticbeanstalk.ScheduledAction{
			StartTime:       moment(a.StartTime),
			EndTime:         moment(a.EndTime),
			Recurrence:      a.Recurrence,
			MinSize:         a.MinSize,
			MaxSize:         a.MaxSize,
			DesiredCapacity: a.DesiredCapacity,
			Suspend:         a.Suspend,
		}
	}
	return elasticbeanstalk.Capacity{
		MinSize:       c.MinSize,
		MaxSize:       c.MaxSize,
		InstanceTypes: c.InstanceTypes,
		Architecture:  c.Architecture,
		ImageID:       c.ImageID,
		Cooldown:      secondsOrNil(c.Cooldown),
		Trigger: elasticbeanstalk.Trigger{
			MeasureName:               c.Trigger.MeasureName,
			Statistic:                 c.Trigger.Statistic,
			Unit:                      c.Trigger.Unit,
			UpperThreshold:            c.Trigger.UpperThreshold,
			LowerThreshold:            c.Trigger.LowerThreshold,
			UpperBreachScaleIncrement: c.Trigger.UpperBreachScaleIncrement,
			LowerBreachScaleIncrement: c.Trigger.LowerBreachScaleIncrement,
			Period:                    seconds(c.Trigger.Period),
			EvaluationPeriods:         c.Trigger.EvaluationPeriods,
		},
		ScheduledActions: actions,
		Spot: elasticbeanstalk.Spot{
			EnableSpot:                  c.Spot.EnableSpot,
			OnDemandBase:                c.Spot.OnDemandBase,
			OnDemandAboveBasePercentage: c.Spot.OnDemandAboveBasePercentage,
			MaxPrice:                    c.Spot.MaxPrice,
			AllocationStrategy:          c.Spot.AllocationStrategy,
			EnableCapacityRebalancing:   c.Spot.EnableCapacityRebalancing,
		},
		RootVolume: elasticbeanstalk.RootVolume{
			Type:       c.RootVolume.Type,
			Size:       c.RootVolume.Size,
			IOPS:       c.RootVolume.IOPS,
			Throughput: c.RootVolume.Throughput,
		},
	}
}

func (d DeploymentConfig) props() elasticbeanstalk.Deployment {
	return elasticbeanstalk.Deployment{
		Policy:            elasticbeanstalk.DeploymentPolicy(d.Policy),
		BatchSize:         d.BatchSize,
		BatchSizeType:     elasticbeanstalk.BatchSizeType(d.BatchSizeType),
		Timeout:           seconds(d.Timeout),
		IgnoreHealthCheck: d.IgnoreHealthCheck,
		ConfigurationUpdates: elasticbeanstalk.ConfigurationUpdates{
			RollingUpdateType:     elasticbeanstalk.RollingUpdateType(d.ConfigurationUpdates.RollingUpdateType),
			DisableRollingUpdates: d.ConfigurationUpdates.DisableRollingUpdates,
			MaxBatchSize:          d.ConfigurationUpdates.MaxBatchSize,
			MinInstancesInService: d.ConfigurationUpdates.MinInstancesInService,
			PauseTime:             seconds(d.ConfigurationUpdates.PauseTime),
			Timeout:               seconds(d.ConfigurationUpdates.Timeout),
		},
	}
}

func (h HealthConfig) props() elasticbeanstalk.Health {
	return elasticbeanstalk.Health{
		HealthCheckSuccessThreshold:  h.HealthCheckSuccessThreshold,
		IgnoreApplicationRequests4xx: h.IgnoreApplicationRequests4xx,
		IgnoreELBRequests4xx:         h.IgnoreELBRequests4xx,
		EnvironmentMetrics:           h.EnvironmentMetrics,
		InstanceMetrics:              h.InstanceMetrics,
		HealthStreamingEnabled:       h.HealthStreamingEnabled,
		RetentionInDays:              h.RetentionInDays,
		HealthCheckType:              elasticbeanstalk.HealthCheckType(h.HealthCheckType),
		HealthCheckGracePeriod:       seconds(h.HealthCheckGracePeriod),
	}
}

func (h HealthCheckConfig) props() health.Check {
	return health.Check{
		Path:                    h.Path,
		SuccessCodes:            health.SuccessCodes(h.SuccessCodes),
		Interval:                seconds(h.Interval),
		Timeout:                 seconds(h.Timeout),
		HealthyThresholdCount:   h.HealthyThresholdCount,
		UnhealthyThresholdCount: h.UnhealthyThresholdCount,
	}
}

// props are those of a worker. Retention and number of tries are those of its queue, if it has one.
func (c WorkerConfig) props(queue awssqs.IQueue) elasticbeanstalk.Worker {
	worker := elasticbeanstalk.Worker{
		Queue:                  queue,
		HTTPPath:               c.HTTPPath,
		MimeType:               c.MimeType,
		HTTPConnections:        c.HTTPConnections,
		InactivityTimeout:      seconds(c.InactivityTimeout),
		VisibilityTimeout:      seconds(c.VisibilityTimeout),
		ErrorVisibilityTimeout: secondsOrNil(c.ErrorVisibilityTimeout),
		RetentionPeriod:        seconds(c.RetentionPeriod),
	}
	if queue == nil {
		worker.MaxRetries = c.MaxRetries
	}
	return worker
}

// processes are the default process and the further ones.
func (e EnvironmentConfig) processes() map[string]elasticbeanstalk.Process {
	processes := map[string]elasticbeanstalk.Process{}
	for _, name := range append(e.furtherProcesses(), defaultProcess) {
		process := e.Processes[name]
		check := process.HealthCheck
		if name == defaultProcess {
			check = e.HealthCheck
		}
		processes[name] = elasticbeanstalk.Process{
			Port:                process.Port,
			HealthCheck:         check.props(),
			DeregistrationDelay: secondsOrNil(process.DeregistrationDelay),
			StickinessDuration:  seconds(process.StickinessDuration),
		}
	}
	return processes
}

func (e EnvironmentConfig) secrets(key awskms.IKey) map[string]elasticbeanstalk.Secret {
	secrets := map[string]elasticbeanstalk.Secret{}
	for name, arn := range e.Secrets {
		secret := elasticbeanstalk.Secret{ARN: arn, EncryptionKey: key}
		// arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME:KEY
		if parts := strings.SplitN(arn, ":", 8); len(parts) == 8 && parts[2] == "secretsmanager" {
			secret.ARN, secret.JSONKey = strings.Join(parts[:7], ":"), parts[7]
		}
		secrets[name] = secret
	}
	return secrets
}

func (e EnvironmentConfig) rawSettings() []option.Setting {
	var settings []option.Setting
	for _, namespace := range slices.Sorted(maps.Keys(e.OptionSettings)) {
		for _, name := range slices.Sorted(maps.Keys(e.OptionSettings[namespace])) {
			settings = append(settings, option.Setting{Namespace: namespace, OptionName: name, Value: e.OptionSettings[namespace][name]})
		}
	}
	return settings
}

// hosts are the names that clients use: one list for the rules of the load balancer and for ALLOWED_HOSTS.
func (e EnvironmentConfig) hosts(dnsName string) []string {
	switch {
	case len(e.Domains) > 0:
		return e.Domains
	case dnsName == "" || e.worker():
		return nil
	}
	return []string{dnsName}
}

// allowedHosts are the hosts as Django writes them: a leading dot where a rule has a wildcard.
func (e EnvironmentConfig) allowedHosts(dnsName string) []string {
	hosts := slices.Clone(e.hosts(dnsName))
	for i := range hosts {
		hosts[i] = strings.TrimPrefix(hosts[i], "*")
	}
	return hosts
}

// addRules sends the environment's hosts to its target groups.
func (w *Web) addRules(environment EnvironmentConfig, network *Network, https bool) {
	listener := network.listener(https)
	scheme := "HTTP"
	if https {
		scheme = "HTTPS"
	}
	hosts := environment.hosts(*network.LoadBalancer.LoadBalancerDnsName())
	rule := func(id string, priority int, process string, hosts, paths []string) {
		conditions := []awselasticloadbalancingv2.ListenerCondition{awselasticloadbalancingv2.ListenerCondition_HostHeaders(jsii.Strings(hosts...))}
		if len(paths) > 0 {
			conditions = append(conditions, awselasticloadbalancingv2.ListenerCondition_PathPatterns(jsii.Strings(paths...)))
		}
		awselasticloadbalancingv2.NewApplicationListenerRule(w.Stack, &id, &awselasticloadbalancingv2.ApplicationListenerRuleProps{
			Listener:   listener,
			Priority:   jsii.Number(float64(priority)),
			Conditions: &conditions,
			Action: awselasticloadbalancingv2.ListenerAction_Forward(&[]awselasticloadbalancingv2.IApplicationTargetGroup{
				w.Environment.TargetGroupOf(process)}, nil),
		})
	}
	numbered := func(i int) string {
		if i > 0 {
			return fmt.Sprintf("%sRule%d", scheme, i+1)
		}
		return scheme + "Rule"
	}
	// A rule's priority is that of its id, whatever other processes and rules there are: CloudFormation makes a new rule before
	// it removes an old one, and a listener has each priority once.
	i := 0
	for some := range slices.Chunk(hosts, valuesInRule) {
		rule(numbered(i), environment.rulePriority()+defaultRules+priorityStep*i, defaultProcess, some, nil)
		i++
	}
	for _, name := range environment.furtherProcesses() {
		process, i := environment.Processes[name], 0
		for some := range slices.Chunk(hosts, valuesInRule-len(process.Paths)) {
			rule(numbered(i)+"-"+name, environment.rulePriority()+process.rulePriority()+i, name, some, process.Paths)
			i++
		}
	}
}

// addAlarm watches whether the site has a healthy instance, also where nobody is told: the console and whoever deploys see
// its state. It tells who wants to know, and when there is one again.
func (w *Web) addAlarm(network *Network, topic awssns.ITopic) {
	alarm := w.Environment.NoHealthyHostAlarm(defaultProcess)
	if balancer, ok := network.LoadBalancer.(awselasticloadbalancingv2.ApplicationLoadBalancer); ok {
		// The CDK would cut the name out of the ARN, which is an output of another stack: cfn-lint refuses that.
		alarm.Node().DefaultChild().(awscloudwatch.CfnAlarm).AddPropertyOverride(jsii.String("Dimensions.0.Value"), balancer.LoadBalancerFullName())
	}
	if topic == nil {
		return
	}
	action := awscloudwatchactions.NewSnsAction(topic)
	alarm.AddAlarmAction(action)
	alarm.AddOkAction(action)
}

// addRecords points the domains to the load balancer, or to a single instance.
func (w *Web) addRecords(id string, environment EnvironmentConfig, network *Network) {
	if environment.HostedZone == nil {
		return
	}
	zone := hostedZone(w.Stack, id, environment.HostedZone)
	var target awsroute53.RecordTarget
	if environment.balanced() {
		target = awsroute53.RecordTarget_FromAlias(awsroute53targets.NewLoadBalancerTarget(network.LoadBalancer, nil))
	} else {
		target = awsroute53.RecordTarget_FromIpAddresses(w.Environment.Resource.AttrEndpointUrl()) // its Elastic IP address
	}
	for _, domain := range environment.Domains {
		awsroute53.NewARecord(w.Stack, jsii.String("Record-"+domain), &awsroute53.ARecordProps{
			Zone:       zone,
			RecordName: jsii.String(domain + "."),
			Target:     target,
		})
		if network.config.LoadBalancer.DualStack && environment.balanced() {
			awsroute53.NewAaaaRecord(w.Stack, jsii.String("IPv6Record-"+domain), &awsroute53.AaaaRecordProps{
				Zone:       zone,
				RecordName: jsii.String(domain + "."),
				Target:     target,
			})
		}
	}
}

// addOutputs prints, at the end of a deployment, what one looks for next.
func (w *Web) addOutputs(environment EnvironmentConfig, around surroundings, https bool) {
	output := func(id, value, description string) {
		awscdk.NewCfnOutput(w.Stack, &id, &awscdk.CfnOutputProps{Value: &value, Description: &description})
	}
	if hosts := environment.hosts(around.dnsName); len(hosts) > 0 {
		scheme := "http"
		if https {
			scheme = "https"
		}
		output("URL", scheme+"://"+strings.TrimPrefix(hosts[0], "*.")+"/", "The site")
	}
	output("EnvironmentName", w.Environment.EnvironmentName(), "The Elastic Beanstalk environment")
	if environment.balanced() {
		output("TargetGroupARN", *w.Environment.TargetGroup().TargetGroupArn(), "The target group of the default process")
		path, codes := w.Environment.DeployedHealthCheck(defaultProcess)
		output("HealthCheckPath", path, "The path that the target group asks for, as Elastic Load Balancing says after the deployment")
		output("HealthCheckSuccessCodes", codes, "The status codes that count as healthy for it, likewise")
	}
	if around.queue != nil {
		output("QueueURL", *around.queue.QueueUrl(), "The queue that the worker takes its messages from")
	}
}
