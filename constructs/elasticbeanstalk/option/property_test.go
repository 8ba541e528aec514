package option

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// accepted are settings of whole environments in which Check finds nothing.
var accepted = map[string]string{
	"a web environment behind a shared load balancer": `
		aws:autoscaling:asg MinSize = 2
		aws:autoscaling:asg MaxSize = 4
		aws:autoscaling:asg Cooldown = 360
		aws:autoscaling:launchconfiguration DisableDefaultEC2SecurityGroup = true
		aws:autoscaling:launchconfiguration DisableIMDSv1 = true
		aws:autoscaling:launchconfiguration ImageId = ami-0123456789abcdef0
		aws:autoscaling:launchconfiguration RootVolumeSize = 16
		aws:autoscaling:launchconfiguration RootVolumeType = gp3
		aws:autoscaling:launchconfiguration SecurityGroups = sg-0123456789abcdef0
		aws:autoscaling:trigger MeasureName = CPUUtilization
		aws:autoscaling:trigger LowerThreshold = 20
		aws:autoscaling:trigger Unit = Percent
		aws:autoscaling:trigger UpperThreshold = 80
		aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize = 1
		aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService = 1
		aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled = true
		aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType = Health
		aws:autoscaling:updatepolicy:rollingupdate Timeout = PT30M
		aws:ec2:instances InstanceTypes = t3.small,t3a.small
		aws:ec2:vpc Subnets = subnet-0123456789abcdef0,subnet-0123456789abcdef1
		aws:ec2:vpc VPCId = vpc-0123456789abcdef0
		aws:elasticbeanstalk:application:environment ALLOWED_HOSTS = www.example.com example.com
		aws:elasticbeanstalk:application:environmentsecrets SECRET_KEY = arn:aws:secretsmanager:eu-west-1:123456789012:secret:k-AbCdEf
		aws:elasticbeanstalk:cloudwatch:logs RetentionInDays = 30
		aws:elasticbeanstalk:cloudwatch:logs StreamLogs = true
		aws:elasticbeanstalk:command BatchSize = 1
		aws:elasticbeanstalk:command BatchSizeType = Fixed
		aws:elasticbeanstalk:command DeploymentPolicy = RollingWithAdditionalBatch
		aws:elasticbeanstalk:command Timeout = 900
		aws:elasticbeanstalk:container:python NumProcesses = 1
		aws:elasticbeanstalk:container:python WSGIPath = mysite.wsgi:application
		aws:elasticbeanstalk:environment EnvironmentType = LoadBalanced
		aws:elasticbeanstalk:environment LoadBalancerIsShared = true
		aws:elasticbeanstalk:environment LoadBalancerType = application
		aws:elasticbeanstalk:environment ServiceRole = service-role
		aws:elasticbeanstalk:environment:process:default DeregistrationDelay = 20
		aws:elasticbeanstalk:environment:process:default HealthCheckInterval = 15
		aws:elasticbeanstalk:environment:process:default HealthCheckPath = /healthz/
		aws:elasticbeanstalk:environment:process:default HealthCheckTimeout = 5
		aws:elasticbeanstalk:environment:process:default HealthyThresholdCount = 3
		aws:elasticbeanstalk:environment:process:default MatcherHTTPCode = 200-301
		aws:elasticbeanstalk:environment:process:default Port = 80
		aws:elasticbeanstalk:environment:process:default Protocol = HTTP
		aws:elasticbeanstalk:healthreporting:system SystemType = enhanced
		aws:elasticbeanstalk:healthreporting:system ConfigDocument = {"Version":1}
		aws:elasticbeanstalk:managedactions ManagedActionsEnabled = true
		aws:elasticbeanstalk:managedactions PreferredStartTime = Tue:09:00
		aws:elasticbeanstalk:managedactions:platformupdate UpdateLevel = minor
		aws:elbv2:loadbalancer SecurityGroups = sg-0123456789abcdef2
		aws:elbv2:loadbalancer SharedLoadBalancer = arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/mine/0123456789abcdef`,
	"a dedicated application load balancer with two processes": `
		aws:elasticbeanstalk:environment LoadBalancerType = application
		aws:elbv2:listener:443 DefaultProcess = default
		aws:elbv2:listener:443 ListenerEnabled = true
		aws:elbv2:listener:443 Protocol = HTTPS
		aws:elbv2:listener:443 Rules = admin
		aws:elbv2:listener:443 SSLCertificateArns = arn:aws:acm:eu-west-1:123456789012:certificate/12345678-12ab-34cd-56ef-123456789012
		aws:elbv2:listenerrule:admin PathPatterns = /admin/*
		aws:elbv2:listenerrule:admin Priority = 7
		aws:elbv2:listenerrule:admin Process = admin
		aws:elasticbeanstalk:environment:process:admin Port = 8001
		aws:elasticbeanstalk:environment:process:admin StickinessEnabled = true
		aws:elasticbeanstalk:environment:process:admin StickinessLBCookieDuration = 3600
		aws:elbv2:loadbalancer AccessLogsS3Enabled = true
		aws:elbv2:loadbalancer AccessLogsS3Bucket = logs
		aws:elasticbeanstalk:xray XRayEnabled = true`,
	"a classic load balancer and a schedule": `
		aws:elasticbeanstalk:environment LoadBalancerType = classic
		aws:elb:healthcheck Interval = 30
		aws:elb:healthcheck Timeout = 10
		aws:elb:listener:443 InstancePort = 80
		aws:elb:listener:443 InstanceProtocol = HTTP
		aws:elb:listener:443 ListenerProtocol = HTTPS
		aws:elb:listener:443 SSLCertificateId = arn:aws:acm:eu-west-1:123456789012:certificate/x
		aws:elb:loadbalancer CrossZone = true
		aws:elb:policies ConnectionDrainingEnabled = true
		aws:elb:policies ConnectionDrainingTimeout = 30
		Night.aws:autoscaling:scheduledaction MinSize = 0
		Night.aws:autoscaling:scheduledaction MaxSize = 1
		Night.aws:autoscaling:scheduledaction Recurrence = 0 22 * * *
		Night.aws:autoscaling:scheduledaction Suspend = true`,
	"a single instance on spot": `
		aws:elasticbeanstalk:environment EnvironmentType = SingleInstance
		aws:ec2:instances EnableSpot = true
		aws:ec2:instances SpotMaxPrice = 0.05
		aws:ec2:instances SpotFleetOnDemandAboveBasePercentage = 10
		aws:ec2:instances SpotAllocationStrategy = lowest-price
		aws:elasticbeanstalk:sns:topics Notification Protocol = sqs
		aws:elasticbeanstalk:sns:topics Notification Topic ARN = arn:aws:sns:eu-west-1:123456789012:t
		aws:rds:dbinstance HasCoupledDatabase = true
		aws:rds:dbinstance DBDeletionPolicy = Snapshot`,
}

// mutations are slips, each with the rule that must name it. A mutation returns false where it makes no sense.
var mutations = map[string]func(s *Setting, o *Option) (rule string, ok bool){
	"a letter of the name is doubled": func(s *Setting, o *Option) (string, bool) {
		s.OptionName = s.OptionName[:1] + s.OptionName
		return "unknown-option", !o.FreeName
	},
	"two letters of the name are swapped": func(s *Setting, o *Option) (string, bool) {
		b := []byte(s.OptionName)
		n := len(b)
		if o.FreeName || n < 4 || b[n-1] == b[n-2] {
			return "", false
		}
		b[n-1], b[n-2] = b[n-2], b[n-1]
		s.OptionName = string(b)
		return "unknown-option", true
	},
	"a letter of the namespace is missing": func(s *Setting, _ *Option) (string, bool) {
		i := strings.LastIndexByte(s.Namespace, ':')
		if i < len("aws:xx") || s.Namespace == "aws:elb:listener:443" {
			return "", false // what comes before is too short, or says that there is another namespace
		}
		s.Namespace = s.Namespace[:i-1] + s.Namespace[i:]
		return "unknown-namespace", true
	},
	"the value is no such thing": func(s *Setting, o *Option) (string, bool) {
		s.Value = "§"
		switch o.Type {
		case Integer, Number, Boolean, JSON, Duration:
			return "value-type", !o.Lenient
		case Choice:
			return "value-choice", !o.Lenient
		case ARN, SuccessCodes:
			return "value-pattern", true
		case Text:
			return "value-pattern", o.Pattern != "" && !o.Lenient
		}
		return "", false
	},
	"the value is too small": func(s *Setting, o *Option) (string, bool) {
		if o.Min == nil || o.Lenient {
			return "", false
		}
		s.Value = number(*o.Min - 1)
		return "value-range", true
	},
	"the value is too great": func(s *Setting, o *Option) (string, bool) {
		if o.Max == nil || o.Lenient {
			return "", false
		}
		s.Value = number(*o.Max + 1)
		return "value-range", true
	},
	"the value is too long": func(s *Setting, o *Option) (string, bool) {
		s.Value = "/" + strings.Repeat("x", o.MaxLength)
		return "value-length", o.MaxLength > 0 && o.Type == Text
	},
	"an item is there twice": func(s *Setting, o *Option) (string, bool) {
		s.Value += "," + split(s.Value)[0]
		return "value-list", o.UniqueItems
	},
	"the ids are of something else": func(s *Setting, o *Option) (string, bool) {
		s.Value = "igw-0123456789abcdef0"
		return "value-pattern", o.Prefix != ""
	},
}

// Whatever one slip is made in settings that are right, it is refused at that option, by its rule, and nothing else is.
func TestOneSlipIsRefusedAtExactlyThatOption(t *testing.T) {
	slips := 0
	for name, text := range accepted {
		settings := parse(t, text)
		if found := Check(settings, Context{}); len(found) > 0 {
			t.Fatalf("%s: %s", name, found[0].Message)
		}
		for i := range settings {
			o, _ := Lookup(settings[i].Namespace, settings[i].OptionName)
			for slip, mutate := range mutations {
				mutated := slices.Clone(settings)
				rule, ok := mutate(&mutated[i], &o)
				if !ok {
					continue
				}
				slips++
				var refused []string
				for _, f := range Check(mutated, Context{}) {
					if f.Level == Error {
						refused = append(refused, fmt.Sprintf("%s at %d", f.Rule, f.Index))
					}
				}
				want := []string{fmt.Sprintf("%s at %d", rule, i)}
				if !slices.Equal(refused, want) {
					t.Errorf("%s, %s: %s = %s\n  refused: %v\n  want: %v", name, slip, mutated[i].Name(), mutated[i].Value, refused, want)
				}
			}
		}
	}
	if slips < 350 {
		t.Errorf("only %d slips were made", slips)
	}
}

// Of a misspelt name the right one is suggested, unless two are equally near.
func TestSlipsInNamesAreUnderstood(t *testing.T) {
	understood, slips := 0, 0
	for _, text := range accepted {
		settings := parse(t, text)
		for i := range settings {
			o, _ := Lookup(settings[i].Namespace, settings[i].OptionName)
			for slip, mutate := range mutations {
				mutated := settings[i]
				rule, ok := mutate(&mutated, &o)
				if !ok || !strings.HasPrefix(rule, "unknown-") {
					continue
				}
				slips++
				findings := Check([]Setting{mutated}, Context{Partial: true})
				want := settings[i].OptionName
				if rule == "unknown-namespace" {
					want = settings[i].Namespace
				}
				switch suggestion := findings[0].Suggestion; suggestion {
				case want:
					understood++
				case "":
				default:
					t.Errorf("%s: %s: suggested %q, meant %q", slip, mutated.Name(), suggestion, want)
				}
			}
		}
	}
	if understood*100 < slips*95 {
		t.Errorf("%d of %d slips understood", understood, slips)
	}
}
