package elasticbeanstalk_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// An option that is written only where it is given stays when it is left out, and whoever gives the field is told so.
func TestWhatCannotBeTakenAwayIsSaidToBeSo(t *testing.T) {
	type props = elasticbeanstalk.EnvironmentProps
	comments := fieldComments(t)
	stack := newStack(t)
	vpc := existingVPC(stack)
	queue := awssqs.NewQueue(stack, jsii.String("Queue"), nil)
	topic := awssns.NewTopic(stack, jsii.String("Topic"), nil)
	action := func(a elasticbeanstalk.ScheduledAction) func(*props) {
		return func(p *props) {
			p.Capacity.ScheduledActions = map[string]elasticbeanstalk.ScheduledAction{"Night": a}
		}
	}
	size := 2
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	everyDay := elasticbeanstalk.ScheduledAction{Recurrence: "0 22 * * *"}
	for field, c := range map[string]struct {
		option string
		before func(*props) // nil for no more than the tests' smallest props
		given  func(*props)
	}{
		"Capacity.ImageID":                 {"aws:autoscaling:launchconfiguration ImageId", nil, func(p *props) { p.Capacity.ImageID = "ami-1" }},
		"Capacity.EC2KeyName":              {"aws:autoscaling:launchconfiguration EC2KeyName", nil, func(p *props) { p.Capacity.EC2KeyName = "key" }},
		"Capacity.BlockDeviceMappings":     {"aws:autoscaling:launchconfiguration BlockDeviceMappings", nil, func(p *props) { p.Capacity.BlockDeviceMappings = []string{"/dev/sdj=:500:true:gp3"} }},
		"Capacity.CustomAvailabilityZones": {"aws:autoscaling:asg Custom Availability Zones", nil, func(p *props) { p.Capacity.CustomAvailabilityZones = []string{"eu-central-1a"} }},
		"RootVolume.Size":                  {"aws:autoscaling:launchconfiguration RootVolumeSize", nil, func(p *props) { p.Capacity.RootVolume.Size = 20 }},
		"RootVolume.IOPS":                  {"aws:autoscaling:launchconfiguration RootVolumeIOPS", nil, func(p *props) { p.Capacity.RootVolume.IOPS = 4000 }},
		"RootVolume.Throughput":            {"aws:autoscaling:launchconfiguration RootVolumeThroughput", nil, func(p *props) { p.Capacity.RootVolume.Throughput = 200 }},
		"Deployment.LaunchTimeout":         {"aws:elasticbeanstalk:control LaunchTimeout", nil, func(p *props) { p.Deployment.LaunchTimeout = time.Hour }},
		"ConfigurationUpdates.PauseTime": {"aws:autoscaling:updatepolicy:rollingupdate PauseTime",
			func(p *props) { p.Deployment.ConfigurationUpdates.RollingUpdateType = elasticbeanstalk.RollingByTime },
			func(p *props) { p.Deployment.ConfigurationUpdates.PauseTime = time.Minute }},
		"ScheduledAction.StartTime": {"aws:autoscaling:scheduledaction StartTime", action(everyDay),
			action(elasticbeanstalk.ScheduledAction{Recurrence: everyDay.Recurrence, StartTime: start})},
		"ScheduledAction.EndTime": {"aws:autoscaling:scheduledaction EndTime", action(everyDay),
			action(elasticbeanstalk.ScheduledAction{Recurrence: everyDay.Recurrence, EndTime: start})},
		"ScheduledAction.DesiredCapacity": {"aws:autoscaling:scheduledaction DesiredCapacity", action(everyDay),
			action(elasticbeanstalk.ScheduledAction{Recurrence: everyDay.Recurrence, DesiredCapacity: &size})},
		"ScheduledAction.Recurrence": {"aws:autoscaling:scheduledaction Recurrence", action(elasticbeanstalk.ScheduledAction{StartTime: start}),
			action(elasticbeanstalk.ScheduledAction{StartTime: start, Recurrence: everyDay.Recurrence})},
		"Worker.Queue": {"aws:elasticbeanstalk:sqsd WorkerQueueURL", func(p *props) { p.Tier = option.Worker },
			func(p *props) { p.Worker.Queue = queue }},
		"Notifications.Topic":           {"aws:elasticbeanstalk:sns:topics Notification Topic ARN", nil, func(p *props) { p.Notifications.Topic = topic }},
		"Notifications.Endpoint":        {"aws:elasticbeanstalk:sns:topics Notification Endpoint", nil, func(p *props) { p.Notifications.Endpoint = "ops@example.com" }},
		"LoadBalancer.AccessLogsPrefix": {"aws:elbv2:loadbalancer AccessLogsS3Prefix", nil, func(p *props) { p.LoadBalancer.AccessLogsPrefix = "web" }},
		"Listener.CertificateARNs": {"aws:elbv2:listener:8443 SSLCertificateArns",
			func(p *props) { p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{8443: {}} },
			func(p *props) {
				p.LoadBalancer.Listeners = map[int]elasticbeanstalk.Listener{8443: {CertificateARNs: []string{"arn:aws:acm:eu-central-1:123456789012:certificate/a"}}}
			}},
		"EnvironmentProps.Processes": {"aws:elasticbeanstalk:environment:process:api Port", nil,
			func(p *props) { p.Processes = map[string]elasticbeanstalk.Process{"default": {}, "api": {Port: 8080}} }},
	} {
		p := dedicated(vpc)
		if c.before != nil {
			c.before(p)
		}
		id := strings.ReplaceAll(field, ".", "")
		_, without := options(elasticbeanstalk.NewEnvironment(stack, id+"Without", p))[c.option]
		c.given(p)
		_, with := options(elasticbeanstalk.NewEnvironment(stack, id+"With", p))[c.option]
		if without || !with {
			t.Errorf("%s: %s is there without it: %v, with it: %v; one that is always written needs no warning", field, c.option, without, with)
		}
		if !strings.Contains(strings.ToLower(comments[field]), "can be changed but not taken away") {
			t.Errorf("the comment of %s does not say that, once given, it can be changed but not taken away:\n%s", field, comments[field])
		}
	}
}

// fieldComments are the comments of the package's fields by type and field, each on one line.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if structure, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range structure.Fields.List {
					for _, fieldName := range field.Names {
						comments[spec.Name.Name+"."+fieldName.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return comments
}
