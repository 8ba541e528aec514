package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func requireOptions(t *testing.T, options, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got, there := options[key]; got != value || !there {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
}

func TestEveryKeyOfCapacityDeploymentAndHealthReachesTheTemplate(t *testing.T) {
	web := templates(t, `{"production": {
		"cnamePrefix": "shop-live", "tags": {"team": "web"},
		"platform": {"instanceRefreshEnabled": true},
		"capacity": {"maxSize": 6, "instanceTypes": ["t4g.small", "m7g.large"], "architecture": "arm64", "imageId": "ami-0123456789abcdef0", "cooldown": 120,
			"trigger": {"measureName": "RequestCount", "statistic": "Sum", "unit": "Count", "upperThreshold": 1000.5, "lowerThreshold": 100, "upperBreachScaleIncrement": 2, "lowerBreachScaleIncrement": -2, "period": 60, "evaluationPeriods": 3},
			"scheduledActions": {"morning": {"recurrence": "30 6 * * 1-5", "startTime": "2027-01-04T00:00:00Z", "endTime": "2027-12-31T00:00:00Z", "minSize": 3, "maxSize": 5, "desiredCapacity": 4, "suspend": true}},
			"spot": {"enableSpot": true, "onDemandBase": 1, "onDemandAboveBasePercentage": 25, "maxPrice": 0.05, "allocationStrategy": "lowest-price", "enableCapacityRebalancing": true},
			"rootVolume": {"size": 30, "iops": 4000, "throughput": 250}},
		"deployment": {"policy": "Rolling", "batchSize": 50, "batchSizeType": "Percentage", "timeout": 900, "ignoreHealthCheck": true,
			"configurationUpdates": {"rollingUpdateType": "Time", "maxBatchSize": 2, "minInstancesInService": 0, "pauseTime": 60}},
		"health": {"healthCheckSuccessThreshold": "Warning", "ignoreApplicationRequests4xx": true, "ignoreElbRequests4xx": true, "environmentMetrics": ["ApplicationLatencyP95"], "instanceMetrics": ["LoadAverage1min"],
			"healthStreamingEnabled": true, "retentionInDays": 7, "healthCheckType": "ELB", "healthCheckGracePeriod": 1200},
		"logs": {"deleteOnTerminate": true, "disablePublication": true},
		"xrayEnabled": true, "variables": {"API_KEY": "everybody-knows-it"}, "notSecret": ["API_KEY"]
	}}, "staticFiles": {"/assets": "build"}, "address": "nginx", "variableNames": {"allowedHosts": "DJANGO_ALLOWED_HOSTS", "allowedHostsSeparator": ",", "healthCheckPath": "HEALTH_PATH", "instanceIp": "MY_IP", "https": "USE_HTTPS", "secretKey": "DJANGO_SECRET_KEY"}`)["shop-production-web"]
	environment := web.One(t, "AWS::ElasticBeanstalk::Environment")
	requireProperties(t, environment, map[string]string{"CNAMEPrefix": "shop-live"})
	if !strings.Contains(environment.Property("Tags"), `{"Key":"team","Value":"web"}`) {
		t.Errorf("the tags are %s", environment.Property("Tags"))
	}
	options := environment.Options()
	requireOptions(t, options, map[string]string{
		"aws:elasticbeanstalk:managedactions:platformupdate InstanceRefreshEnabled": "true",
		"aws:autoscaling:asg MaxSize":                                             "6",
		"aws:autoscaling:asg Cooldown":                                            "120",
		"aws:autoscaling:asg EnableCapacityRebalancing":                           "true",
		"aws:ec2:instances InstanceTypes":                                         "t4g.small,m7g.large",
		"aws:ec2:instances SupportedArchitectures":                                "arm64",
		"aws:ec2:instances EnableSpot":                                            "true",
		"aws:ec2:instances SpotFleetOnDemandBase":                                 "1",
		"aws:ec2:instances SpotFleetOnDemandAboveBasePercentage":                  "25",
		"aws:ec2:instances SpotMaxPrice":                                          "0.05",
		"aws:ec2:instances SpotAllocationStrategy":                                "lowest-price",
		"aws:autoscaling:launchconfiguration ImageId":                             "ami-0123456789abcdef0",
		"aws:autoscaling:launchconfiguration RootVolumeSize":                      "30",
		"aws:autoscaling:launchconfiguration RootVolumeIOPS":                      "4000",
		"aws:autoscaling:launchconfiguration RootVolumeThroughput":                "250",
		"aws:autoscaling:trigger MeasureName":                                     "RequestCount",
		"aws:autoscaling:trigger Statistic":                                       "Sum",
		"aws:autoscaling:trigger Unit":                                            "Count",
		"aws:autoscaling:trigger UpperThreshold":                                  "1000.5",
		"aws:autoscaling:trigger LowerThreshold":                                  "100",
		"aws:autoscaling:trigger UpperBreachScaleIncrement":                       "2",
		"aws:autoscaling:trigger LowerBreachScaleIncrement":                       "-2",
		"aws:autoscaling:trigger Period":                                          "1",
		"aws:autoscaling:trigger EvaluationPeriods":                               "3",
		"aws:elasticbeanstalk:command BatchSize":                                  "50",
		"aws:elasticbeanstalk:command BatchSizeType":                              "Percentage",
		"aws:elasticbeanstalk:command Timeout":                                    "900",
		"aws:elasticbeanstalk:command IgnoreHealthCheck":                          "true",
		"aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType":            "Time",
		"aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize":                 "2",
		"aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService":        "0",
		"aws:autoscaling:updatepolicy:rollingupdate PauseTime":                    "PT1M",
		"aws:elasticbeanstalk:healthreporting:system HealthCheckSuccessThreshold": "Warning",
		"aws:elasticbeanstalk:cloudwatch:logs:health HealthStreamingEnabled":      "true",
		"aws:elasticbeanstalk:cloudwatch:logs:health RetentionInDays":             "7",
		"aws:elasticbeanstalk:cloudwatch:logs DeleteOnTerminate":                  "true",
		"aws:elasticbeanstalk:hostmanager LogPublicationControl":                  "false",
		"aws:elasticbeanstalk:xray XRayEnabled":                                   "true",
		"aws:elasticbeanstalk:application:environment API_KEY":                    "everybody-knows-it",
		"aws:elasticbeanstalk:application:environment DJANGO_ALLOWED_HOSTS":       "${shop-production-network/LoadBalancer.DNSName},health-check.beanpole.invalid",
		"aws:elasticbeanstalk:application:environment HEALTH_PATH":                "/healthz/",
		"aws:elasticbeanstalk:application:environment USE_HTTPS":                  "false",
		"aws:elasticbeanstalk:environment:proxy:staticfiles /assets":              "build",
	})
	requireParts(t, options["aws:elasticbeanstalk:healthreporting:system ConfigDocument"], "ApplicationRequests4xx", "ELBRequests4xx", "ApplicationLatencyP95", "LoadAverage1min")
	if _, there := options["aws:elasticbeanstalk:application:environmentsecrets DJANGO_SECRET_KEY"]; !there {
		t.Error("DJANGO_SECRET_KEY is no secret")
	}
	actions := map[string]string{}
	for _, s := range environment.OptionSettings() {
		if s.Namespace == "aws:autoscaling:scheduledaction" && s.ResourceName == "morning" {
			actions[s.OptionName] = s.Value
		}
	}
	requireOptions(t, actions, map[string]string{
		"Recurrence": "30 6 * * 1-5", "StartTime": "2027-01-04T00:00:00Z", "EndTime": "2027-12-31T00:00:00Z", "MinSize": "3", "MaxSize": "5", "DesiredCapacity": "4", "Suspend": "true",
	})
}

func TestAnEMailAddressHearsOfEventsAndOfASiteThatIsDown(t *testing.T) {
	web := templates(t, `{"production": {"notifications": {"email": "ops@example.com"}}}`)["shop-production-web"]
	const topic = "${shop-production-web/Notifications}"
	requireProperties(t, web.One(t, "AWS::SNS::Subscription"), map[string]string{"Protocol": "email", "Endpoint": "ops@example.com", "TopicArn": topic})
	requireOptions(t, web.One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{"aws:elasticbeanstalk:sns:topics Notification Topic ARN": topic})
	alarm := web.One(t, "AWS::CloudWatch::Alarm")
	requireProperties(t, alarm, map[string]string{"AlarmActions": `["` + topic + `"]`, "OKActions": `["` + topic + `"]`})
	requireParts(t, web.One(t, "AWS::SNS::TopicPolicy").Property("PolicyDocument"), `"Service":"cloudwatch.amazonaws.com"`, "aws:SourceAccount", "aws:SecureTransport")

	own := templates(t, `{"production": {"notifications": {"topicArn": "arn:aws:sns:eu-central-1:123456789012:ops"}}}`)["shop-production-web"]
	requireProperties(t, own.One(t, "AWS::CloudWatch::Alarm"), map[string]string{"AlarmActions": `["arn:aws:sns:eu-central-1:123456789012:ops"]`})
	if n := len(own.OfType("AWS::SNS::Topic")); n != 0 {
		t.Errorf("%d topics besides", n)
	}
	// Without anybody to tell it is in the console, and does nothing; a worker and a single instance have no target group.
	quiet := templates(t, `{"production": {}, "tasks": {"tier": "Worker"}, "demo": {"environmentType": "SingleInstance", "cnamePrefix": "shop-demo"}}`)
	alarm = quiet["shop-production-web"].One(t, "AWS::CloudWatch::Alarm")
	requireProperties(t, alarm, map[string]string{"MetricName": "HealthyHostCount", "AlarmActions": "", "OKActions": "",
		"Dimensions.0.Name": "LoadBalancer", "Dimensions.0.Value": "${shop-production-network/LoadBalancer.LoadBalancerFullName}", "Dimensions.1.Name": "TargetGroup"})
	if n := len(quiet["shop-tasks-web"].OfType("AWS::CloudWatch::Alarm")) + len(quiet["shop-demo-web"].OfType("AWS::CloudWatch::Alarm")); n != 0 {
		t.Errorf("%d alarms where there is no load balancer", n)
	}
}

func TestRolesOfTheConfiguration(t *testing.T) {
	const boundary, more = "arn:aws:iam::123456789012:policy/boundary", "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
	web := templates(t, `{"production": {"roles": {"permissionsBoundaryArn": "`+boundary+`", "instanceManagedPolicyArns": ["`+more+`"], "sessionManager": true}}}`)["shop-production-web"]
	instance := web.Resources["shop-production-web/Web/InstanceRole"]
	requireProperties(t, instance, map[string]string{"PermissionsBoundary": boundary, "ManagedPolicyArns": `["` + more + `"]`})
	requireParts(t, instance.Property("Policies"), "ssmmessages:OpenDataChannel")
	requireProperties(t, web.Resources["shop-production-web/Web/ServiceRole"], map[string]string{"PermissionsBoundary": boundary})
}

func TestSecretsOfEachKind(t *testing.T) {
	const secret, parameter = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf", "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/token"
	const shared = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:django-AbCdEf"
	const key = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
	web := templates(t, `{"production": {"secrets": {"DB_PASSWORD": "`+secret+`:password", "TOKEN": "`+parameter+`"}, "secretKeyArn": "`+shared+`", "secretsKmsKeyArn": "`+key+`"}}`)["shop-production-web"]
	requireOptions(t, web.One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{
		"aws:elasticbeanstalk:application:environmentsecrets DB_PASSWORD": secret + ":password",
		"aws:elasticbeanstalk:application:environmentsecrets TOKEN":       parameter,
		"aws:elasticbeanstalk:application:environmentsecrets SECRET_KEY":  shared,
	})
	requireParts(t, web.Resources["shop-production-web/Web/InstanceRole"].Property("Policies"), secret, parameter, key, "kms:Decrypt", "ssm:GetParameter", shared)
	if n := len(web.OfType("AWS::SecretsManager::Secret")); n != 0 {
		t.Errorf("%d secrets are generated besides", n)
	}
}

// A key of your own may be that of SECRET_KEY's secret alone.
func TestTheKeyOfASecretKeyOfYourOwn(t *testing.T) {
	const shared, key = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:django-AbCdEf", "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
	web := templates(t, `{"production": {"secretKeyArn": "`+shared+`", "secretsKmsKeyArn": "`+key+`"}}`)["shop-production-web"]
	requireParts(t, web.Resources["shop-production-web/Web/InstanceRole"].Property("Policies"), shared, key, "kms:Decrypt")
}

// A process gets the requests for its paths before the default one, which gets the rest.
func TestFurtherProcessesHavePathsOfTheirOwn(t *testing.T) {
	all := templates(t, `{"production": {"domains": `+domains(6)+`, "certificateArn": "`+certificate+`", "rulePriority": 300, "processes": {
		"default": {"deregistrationDelay": 60, "stickinessDuration": 3600},
		"api": {"port": 8080, "paths": ["/api/*", "/v2/*"], "healthCheck": {"path": "/api/healthz/"}}
	}}}`)
	network, web := all["shop-production-network"], all["shop-production-web"]
	requireOptions(t, web.One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{
		"aws:elasticbeanstalk:environment:process:default DeregistrationDelay":        "60",
		"aws:elasticbeanstalk:environment:process:default StickinessEnabled":          "true",
		"aws:elasticbeanstalk:environment:process:default StickinessLBCookieDuration": "3600",
		"aws:elasticbeanstalk:environment:process:api Port":                           "8080",
		"aws:elasticbeanstalk:environment:process:api HealthCheckPath":                "/api/healthz/",
	})
	priorities := map[string]string{}
	for _, rule := range web.OfType("AWS::ElasticLoadBalancingV2::ListenerRule") {
		priorities[rule.Property("Priority")] = rule.Property("Conditions") + " " + rule.Property("Actions")
	}
	if want := []string{"301", "302", "350", "355"}; !slices.Equal(slices.Sorted(maps.Keys(priorities)), want) {
		t.Fatalf("the priorities are %q, want %q", slices.Sorted(maps.Keys(priorities)), want)
	}
	for priority, parts := range map[string][]string{
		"301": {`"Values":["site1.example.com","site2.example.com","site3.example.com"]`, `"Values":["/api/*","/v2/*"]`, "TargetGroupARN-api"},
		"302": {`"Values":["site4.example.com","site5.example.com","site6.example.com"]`, `"Values":["/api/*","/v2/*"]`, "TargetGroupARN-api"},
		"350": {"site5.example.com", "Web/TargetGroupARN."},
		"355": {"site6.example.com", "Web/TargetGroupARN."},
	} {
		requireParts(t, priorities[priority], parts...)
	}
	requireParts(t, network.Resources["shop-production-network/LoadBalancerSecurityGroup"].Property("SecurityGroupEgress"), `"ToPort":80}`, `"ToPort":8080}`)
}

// Whatever comes and goes beside it, a rule keeps its priority: CloudFormation would make a rule at a priority that another
// one still has.
func TestNoRuleTakesThePriorityOfAnother(t *testing.T) {
	const (
		api   = `"api": {"port": 8080, "paths": ["/api/*"], "rulePriority": 20}`
		web   = `"web": {"port": 8081, "paths": ["/web/*", "/w/*"]}`
		admin = `"admin": {"port": 8082, "paths": ["/admin/*"], "rulePriority": 10}`
		api2  = `"api-2": {"port": 8083, "paths": ["/v2/*"], "rulePriority": 30}`
	)
	ids, owners := map[string]string{}, map[string]string{}
	for _, processes := range []string{"", web, api + "," + web, admin + "," + api + "," + api2 + "," + web} {
		for _, n := range []int{1, 6, 23} {
			found := templates(t, fmt.Sprintf(`{"production": {"domains": %s, "processes": {%s}}}`, domains(n), processes))["shop-production-web"].OfType("AWS::ElasticLoadBalancingV2::ListenerRule")
			if len(found) < 1+strings.Count(processes, "port") {
				t.Fatalf("%d rules of %s", len(found), processes)
			}
			for _, r := range found {
				priority := r.Property("Priority")
				if was, is := ids[r.Name]; is && was != priority {
					t.Errorf("%s is at %s, and at %s with %d domains and the processes %s", r.Name, was, priority, n, processes)
				}
				if other, is := owners[priority]; is && other != r.Name {
					t.Errorf("%s has the priority %s of %s, with %d domains and the processes %s", r.Name, priority, other, n, processes)
				}
				ids[r.Name], owners[priority] = priority, r.Name
			}
		}
	}
}

func TestAWorkerBesideAWebServer(t *testing.T) {
	all := templates(t, `{"production": {"workers": ["tasks"]}, "tasks": {"network": "production", "tier": "Worker", "worker": {"httpPath": "/tasks/", "inactivityTimeout": 60, "visibilityTimeout": 90, "retentionPeriod": 3600, "maxRetries": 3,
		"mimeType": "text/plain", "httpConnections": 5, "errorVisibilityTimeout": 0}}}`)
	if want := []string{"shop-production-network", "shop-production-web", "shop-tasks-web"}; !slices.Equal(slices.Sorted(maps.Keys(all)), want) {
		t.Fatalf("stacks %q, want %q", slices.Sorted(maps.Keys(all)), want)
	}
	worker := all["shop-tasks-web"]
	requireProperties(t, worker.One(t, "AWS::ElasticBeanstalk::Environment"), map[string]string{"Tier": `{"Name":"Worker","Type":"SQS/HTTP"}`})
	requireOptions(t, worker.One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{
		"aws:elasticbeanstalk:sqsd WorkerQueueURL":         "${shop-tasks-web/Queue}",
		"aws:elasticbeanstalk:sqsd HttpPath":               "/tasks/",
		"aws:elasticbeanstalk:sqsd InactivityTimeout":      "60",
		"aws:elasticbeanstalk:sqsd VisibilityTimeout":      "90",
		"aws:elasticbeanstalk:sqsd RetentionPeriod":        "3600",
		"aws:elasticbeanstalk:sqsd MimeType":               "text/plain",
		"aws:elasticbeanstalk:sqsd HttpConnections":        "5",
		"aws:elasticbeanstalk:sqsd ErrorVisibilityTimeout": "0",
		"aws:ec2:vpc Subnets":                              "${shop-production-network/VPC/PrivateSubnet1/Subnet},${shop-production-network/VPC/PrivateSubnet2/Subnet}",
	})
	requireProperties(t, worker.Resources["shop-tasks-web/Queue"], map[string]string{
		"MessageRetentionPeriod": "3600", "RedrivePolicy": `{"deadLetterTargetArn":"${shop-tasks-web/DeadLetterQueue.Arn}","maxReceiveCount":3}`,
	})
	if n := len(worker.OfType("AWS::ElasticLoadBalancingV2::ListenerRule")) + len(worker.OfType("AWS::EC2::SecurityGroupIngress")); n != 0 {
		t.Errorf("%d ways in to a worker", n)
	}
	if got := worker.Outputs["QueueURL"]; got != "${shop-tasks-web/Queue}" {
		t.Errorf("the queue is %q", got)
	}
	// The web server may send to it, and knows where.
	web := all["shop-production-web"]
	requireOptions(t, web.One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{"aws:elasticbeanstalk:application:environment TASKS_QUEUE_URL": "${shop-tasks-web/Queue}"})
	requireParts(t, web.Resources["shop-production-web/Web/InstanceRole/DefaultPolicy"].Property("PolicyDocument"), "sqs:SendMessage", "${shop-tasks-web/Queue.Arn}")
	if got, there := worker.Outputs["URL"]; there {
		t.Errorf("a worker has the URL %s", got)
	}
}

// A network for workers alone has no load balancer to pay.
func TestANetworkWithoutALoadBalancer(t *testing.T) {
	for name, c := range map[string]struct {
		environment string
		gateways    int
	}{
		"a worker":          {`{"tier": "Worker"}`, 1},
		"a single instance": {`{"environmentType": "SingleInstance", "cnamePrefix": "shop-demo"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			network := templates(t, `{"demo": `+c.environment+`}`)["shop-demo-network"]
			for kind, want := range map[string]int{"AWS::ElasticLoadBalancingV2::LoadBalancer": 0, "AWS::S3::Bucket": 0, "AWS::EC2::SecurityGroup": 0, "AWS::EC2::VPC": 1, "AWS::EC2::NatGateway": c.gateways} {
				if n := len(network.OfType(kind)); n != want {
					t.Errorf("%d of %s, want %d", n, kind, want)
				}
			}
		})
	}
}

func TestASingleInstanceIsReachedByItself(t *testing.T) {
	all := templates(t, `{"demo": {"environmentType": "SingleInstance", "cnamePrefix": "shop-demo"}, "other": {"environmentType": "SingleInstance", "domains": ["demo.example.com"], "hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}}}`)
	web := all["shop-demo-web"]
	const cname = "shop-demo.${AWS::Region}.elasticbeanstalk.com"
	requireOptions(t, web.One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{
		"aws:elasticbeanstalk:environment EnvironmentType":                 "SingleInstance",
		"aws:elasticbeanstalk:application:environment ALLOWED_HOSTS":       cname,
		"aws:elasticbeanstalk:application:environment SECURE_SSL_REDIRECT": "false",
		"aws:elasticbeanstalk:command DeploymentPolicy":                    "AllAtOnce",
		"aws:ec2:vpc AssociatePublicIpAddress":                             "true",
		"aws:ec2:vpc Subnets":                                              "${shop-demo-network/VPC/PublicSubnet1/Subnet},${shop-demo-network/VPC/PublicSubnet2/Subnet}",
	})
	if got := web.Outputs["URL"]; got != "http://"+cname+"/" {
		t.Errorf("the site is %s", got)
	}
	other := all["shop-other-web"]
	requireProperties(t, other.One(t, "AWS::Route53::RecordSet"), map[string]string{"Name": "demo.example.com.", "Type": "A", "ResourceRecords": `["${shop-other-web/Web.EndpointURL}"]`})
	if n := len(other.OfType("AWS::CertificateManager::Certificate")) + len(all["shop-other-network"].OfType("AWS::CertificateManager::Certificate")); n != 0 {
		t.Errorf("%d certificates, which a single instance cannot use", n)
	}
	if got := other.Outputs["URL"]; got != "http://demo.example.com/" {
		t.Errorf("the site is %s", got)
	}
}

// A worker in a VPC that exists has nothing new in its network.
func TestAWorkerInAVPCThatExists(t *testing.T) {
	all := templates(t, `{"tasks": {"tier": "Worker"}}, "networks": {"tasks": {"vpc": {"id": "vpc-0123456789abcdef0", "privateSubnetIds": ["`+subnet1+`"]}}}`)
	if want := []string{"shop-tasks-web"}; !slices.Equal(slices.Sorted(maps.Keys(all)), want) {
		t.Fatalf("stacks %q, want %q", slices.Sorted(maps.Keys(all)), want)
	}
	requireOptions(t, all["shop-tasks-web"].One(t, "AWS::ElasticBeanstalk::Environment").Options(), map[string]string{"aws:ec2:vpc Subnets": subnet1, "aws:ec2:vpc AssociatePublicIpAddress": "false"})
}

// What the constructs refuse is told by its key, however deep.
func TestDeepProblemsInTheWordsOfTheConfiguration(t *testing.T) {
	_, err := load(t, `{
		"a": {
			"cnamePrefix": "x", "tags": {"aws:x": "y"},
			"capacity": {"cooldown": -1, "trigger": {"period": 90}, "scheduledActions": {"night": {}}, "spot": {"onDemandBase": 3}, "rootVolume": {"type": "floppy"}, "architecture": "sparc"},
			"deployment": {"batchSizeType": "Some", "timeout": 4000, "configurationUpdates": {"rollingUpdateType": "Never", "timeout": 10}},
			"health": {"healthCheckSuccessThreshold": "Fine", "environmentMetrics": ["Latency"], "healthCheckType": "EBS"},
			"processes": {"api": {"port": 70000, "paths": ["/api/*"], "deregistrationDelay": 4000, "healthCheck": {"interval": 400}}},
			"variables": {"DB_PASSWORD": "hunter2hunter2"}, "secrets": {"TOKEN": "arn:aws:ssm:eu-central-1:123456789012:parameter/t"}
		},
		"b": {"tier": "worker"},
		"c": {"tier": "Worker", "worker": {"httpPath": "tasks", "visibilityTimeout": 100000}}
	}, "address": "magic", "variableNames": {"allowedHosts": "1"}`, nil)
	if err == nil {
		t.Fatal("nothing is refused")
	}
	const a = "beanpole.environments.a."
	requireParts(t, err.Error(),
		a+"cnamePrefix: ", a+"tags", a+"capacity.cooldown: ", a+"capacity.trigger.period: ", a+"capacity.scheduledActions.night", a+"capacity.spot.onDemandBase: ", a+"capacity.rootVolume.type: ",
		a+"capacity.architecture: ", a+"deployment.batchSizeType: ", a+"deployment.timeout: ", a+"deployment.configurationUpdates.rollingUpdateType: ", a+"deployment.configurationUpdates.timeout: ",
		a+"health.healthCheckSuccessThreshold: ", a+"health.environmentMetrics[0]: ", a+"health.healthCheckType: ", a+"processes.api.port: ", a+"processes.api.deregistrationDelay: ", a+"processes.api.healthCheck.interval: ",
		a+`variables["DB_PASSWORD"]: `, "beanpole.environments.b.tier: ", "beanpole.environments.c.worker.httpPath: ", "beanpole.environments.c.worker.visibilityTimeout: ",
		"beanpole.address: ", "beanpole.variableNames.allowedHosts: ",
	)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if key, _, _ := strings.Cut(line, ": "); !strings.HasPrefix(key, "beanpole.") || key == "beanpole.environments.a" {
			t.Errorf("the line %q does not begin with a key", line)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the message repeats a secret")
	}
}

func TestKindsAndTheirKeys(t *testing.T) {
	for name, c := range map[string]struct {
		environments string
		parts        []string
	}{
		"a worker": {`{"a": {"tier": "Worker", "domains": ["a.example.com"], "hostedZone": {"id": "Z1", "name": "example.com"}, "certificateArn": "` + certificate + `", "rulePriority": 200, "healthCheck": {"path": "/up/"}, "processes": {"api": {"paths": ["/api/*"]}}}}`,
			[]string{"environments.a.domains: is for a load balancer, and a worker has none", "environments.a.hostedZone: ", "environments.a.certificateArn: ", "environments.a.rulePriority: ", "environments.a.healthCheck: ", "environments.a.processes: "}},
		"a single instance": {`{"a": {"environmentType": "SingleInstance", "certificateArn": "` + certificate + `", "capacity": {"maxSize": 2}}}`,
			[]string{"environments.a.cnamePrefix: is missing, and so are domains", "environments.a.certificateArn: ", "environments.a.capacity.maxSize: "}},
		"a load balancer for a worker": {`{"a": {"tier": "Worker"}}, "networks": {"a": {"loadBalancer": {"internal": true}}}`, []string{"networks.a.loadBalancer: has no effect"}},
		"a single instance without a public subnet": {`{"a": {"environmentType": "SingleInstance", "cnamePrefix": "shop-demo"}}, "networks": {"a": {"vpc": {"id": "vpc-0123456789abcdef0", "privateSubnetIds": ["` + subnet1 + `"]}}}`,
			[]string{"networks.a.vpc.publicSubnetIds: no subnets; a single instance"}},
		"processes": {`{"a": {"processes": {"default": {"paths": ["/"], "healthCheck": {"path": "/up/"}}, "api": {}, "more": {"port": 8080, "paths": ["/1", "/2", "/3", "/4", "/5"]}, "odd": {"port": 8081, "paths": ["api"]}}}}`,
			[]string{"environments.a.processes.default.paths: ", "environments.a.processes.default.healthCheck: ", "environments.a.processes.api.paths: is missing", "environments.a.processes.api: has the port 80 and health check /healthz/ of default",
				"environments.a.processes.more.paths: 5 are too many", `environments.a.processes.odd.paths[0]: "api" is not a path`}},
		"too many rules": {`{"a": {"domains": ` + domains(50) + `, "processes": {"api": {"port": 8080, "paths": ["/1", "/2", "/3", "/4"]}}}}`, []string{"environments.a.processes.api.rulePriority: 1 is not allowed, with 50 rules", "from 1 to 49"}},
		"no place": {`{"a": {"processes": {"default": {"rulePriority": 7}, "api": {"port": 8080, "paths": ["/1"], "rulePriority": 50}, "web": {"port": 8081, "paths": ["/2"], "rulePriority": -1}}}}`,
			[]string{"environments.a.processes.default.rulePriority: ", "environments.a.processes.api.rulePriority: 50 is not allowed", "environments.a.processes.web.rulePriority: -1 is not allowed"}},
		"one place for two": {`{"a": {"processes": {"api": {"port": 8080, "paths": ["/1"]}, "web": {"port": 8081, "paths": ["/2"]}}}}`,
			[]string{"environments.a.processes.web.rulePriority: the rules of web are at 1 to 1", "one of api is at 1 too; give one of the two another"}},
		"grown into another": {`{"a": {"domains": ` + domains(9) + `, "processes": {"api": {"port": 8080, "paths": ["/1"]}, "web": {"port": 8081, "paths": ["/2"], "rulePriority": 3}}}}`,
			[]string{"environments.a.processes.web.rulePriority: the rules of web are at 3 to 5", "one of api is at 3 too"}},
		"ARNs": {`{"a": {"roles": {"permissionsBoundaryArn": "boundary", "instanceManagedPolicyArns": ["AdministratorAccess"]}, "notifications": {"email": "ops", "topicArn": "arn:aws:sns:eu-central-1:123456789012:ops.fifo"}, "secretsKmsKeyArn": "alias/x", "secretKeyArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:django-AbCdEf:key"}}`,
			[]string{"environments.a.roles.permissionsBoundaryArn: ", "environments.a.roles.instanceManagedPolicyArns[0]: ", `environments.a.notifications.email: "ops"`, "environments.a.notifications.email: topicArn is given too",
				"environments.a.notifications.topicArn: ", "standard", "environments.a.secretKeyArn: ", "environments.a.secretsKmsKeyArn: "}},
		"a key without secrets": {`{"a": {"secretsKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"}}`, []string{"environments.a.secretsKmsKeyArn: has no effect without secrets or secretKeyArn"}},
		"workers": {`{"a": {"workers": ["b", "c", "c", "x"], "variables": {"C_QUEUE_URL": "mine"}}, "b": {"rulePriority": 200}, "c": {"tier": "Worker", "workers": ["c"]}}`,
			[]string{`environments.a.workers[0]: there is no worker environment "b"`, `environments.a.workers[2]: "c" is there twice`, `environments.a.workers[3]: there is no worker environment "x"`, "environments.a.variables.C_QUEUE_URL: is the queue of c", "environments.c.workers: is for a web server"}},
		"a worker elsewhere": {`{"a": {"workers": ["c"]}, "c": {"tier": "Worker", "account": "123456789012", "region": "eu-central-1"}}`, []string{"environments.a.workers[0]: c is in another account or region"}},
		"a time":             {`{"a": {"capacity": {"scheduledActions": {"once": {"startTime": "tomorrow"}}}}}`, []string{`environments.a.capacity.scheduledActions.once.startTime: "tomorrow" is not a time`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.environments, nil)
			if err == nil {
				t.Fatal("nothing is refused")
			}
			requireParts(t, err.Error(), c.parts...)
		})
	}
}

// A warning that was weighed is not told again: its reason stands in the configuration.
func TestAWarningIsAcknowledged(t *testing.T) {
	const many = `{"production": {"hostedZone": {"id": "Z0123456789ABCDEFGHIJ", "name": "example.com"}, "domains": `
	for name, c := range map[string]struct {
		configuration string
		told          bool
	}{
		"as it is":                   {`{"production": {}}, "migrate": true`, true},
		"acknowledged":               {`{"production": {}}, "migrate": true, "acknowledge": {"beanpole:migrate": "migrations add, and take away one release later"}`, false},
		"of the network":             {many + domains(11) + `}}`, true},
		"of the network, weighed":    {many + domains(11) + `}}, "acknowledge": {"beanpole:certificate-names": "the quota is 100"}`, false},
		"a name":                     {`{"production": {"environmentName": "shop-live"}}`, true}, // another tier fails
		"a name and a prefix":        {`{"production": {"environmentName": "shop-live", "cnamePrefix": "shop-live"}}`, true},
		"a name, weighed":            {`{"production": {"environmentName": "shop-live"}}, "acknowledge": {"beanpole:fixed-name": "it stays a web server"}`, false},
		"a prefix, without the name": {`{"production": {"cnamePrefix": "shop-live"}}`, false}, // what replaces the environment changes it
	} {
		report, err := os.ReadFile(filepath.Join(synth(t, c.configuration), "validation-report.json"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		var found struct {
			PluginReports []struct{ Violations []struct{ RuleName string } }
		}
		if err == nil {
			if err := json.Unmarshal(report, &found); err != nil {
				t.Fatal(err)
			}
		}
		told := slices.ContainsFunc(found.PluginReports, func(p struct{ Violations []struct{ RuleName string } }) bool { return len(p.Violations) > 0 })
		if told != c.told {
			t.Errorf("%s: told %v, want %v: %s", name, told, c.told, report)
		}
	}
	_, err := load(t, `{"production": {}}, "acknowledge": {"migrate": "yes", "beanpole:migrat": "yes", "beanpole:gremlins": "yes", "beanpole:migrate": " "}`, nil)
	requireParts(t, err.Error(), `beanpole.acknowledge.migrate: is not the id of a warning; did you mean "beanpole:migrate"?`, `beanpole.acknowledge.beanpole:migrat: is not the id of a warning; did you mean "beanpole:migrate"?`,
		"beanpole.acknowledge.beanpole:gremlins: is not the id of a warning; the warning says it", "beanpole.acknowledge.beanpole:migrate: has no reason")
}
