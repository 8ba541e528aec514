package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// fields are the fields of the props by the option that they become, where the two are not called the same.
var fields = map[string]string{
	"aws:autoscaling:asg MinSize":                                         "Capacity: MinSize",
	"aws:autoscaling:asg MaxSize":                                         "Capacity: MaxSize",
	"aws:autoscaling:updatepolicy:rollingupdate MinInstancesInService":    "Deployment: ConfigurationUpdates: MinInstancesInService",
	"aws:autoscaling:updatepolicy:rollingupdate MaxBatchSize":             "Deployment: ConfigurationUpdates: MaxBatchSize",
	"aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType":        "Deployment: ConfigurationUpdates: RollingUpdateType",
	"aws:autoscaling:updatepolicy:rollingupdate PauseTime":                "Deployment: ConfigurationUpdates: PauseTime",
	"aws:autoscaling:updatepolicy:rollingupdate Timeout":                  "Deployment: ConfigurationUpdates: Timeout",
	"aws:elasticbeanstalk:command BatchSizeType":                          "Deployment: BatchSizeType",
	"aws:elasticbeanstalk:sqsd InactivityTimeout":                         "Worker: InactivityTimeout",
	"aws:elasticbeanstalk:sqsd VisibilityTimeout":                         "Worker: VisibilityTimeout",
	"aws:elasticbeanstalk:sqsd ErrorVisibilityTimeout":                    "Worker: ErrorVisibilityTimeout",
	"aws:elasticbeanstalk:sqsd RetentionPeriod":                           "Worker: RetentionPeriod",
	"aws:autoscaling:asg Availability Zones":                              "Capacity: AvailabilityZones",
	"aws:autoscaling:asg Custom Availability Zones":                       "Capacity: CustomAvailabilityZones",
	"aws:autoscaling:asg Cooldown":                                        "Capacity: Cooldown",
	"aws:autoscaling:trigger MeasureName":                                 "Capacity: Trigger: MeasureName",
	"aws:autoscaling:trigger Statistic":                                   "Capacity: Trigger: Statistic",
	"aws:autoscaling:trigger Unit":                                        "Capacity: Trigger: Unit",
	"aws:autoscaling:trigger UpperThreshold":                              "Capacity: Trigger: UpperThreshold",
	"aws:autoscaling:trigger LowerThreshold":                              "Capacity: Trigger: LowerThreshold",
	"aws:autoscaling:trigger Period":                                      "Capacity: Trigger: Period",
	"aws:autoscaling:trigger EvaluationPeriods":                           "Capacity: Trigger: EvaluationPeriods",
	"aws:autoscaling:trigger BreachDuration":                              "Capacity: Trigger: EvaluationPeriods",
	"aws:autoscaling:launchconfiguration ImageId":                         "Capacity: ImageID",
	"aws:autoscaling:launchconfiguration BlockDeviceMappings":             "Capacity: BlockDeviceMappings",
	"aws:autoscaling:launchconfiguration RootVolumeType":                  "Capacity: RootVolume: Type",
	"aws:autoscaling:launchconfiguration RootVolumeSize":                  "Capacity: RootVolume: Size",
	"aws:autoscaling:launchconfiguration RootVolumeIOPS":                  "Capacity: RootVolume: IOPS",
	"aws:autoscaling:launchconfiguration RootVolumeThroughput":            "Capacity: RootVolume: Throughput",
	"aws:ec2:instances SupportedArchitectures":                            "Capacity: Architecture",
	"aws:ec2:instances SpotFleetOnDemandBase":                             "Capacity: Spot: OnDemandBase",
	"aws:ec2:instances SpotFleetOnDemandAboveBasePercentage":              "Capacity: Spot: OnDemandAboveBasePercentage",
	"aws:ec2:instances SpotMaxPrice":                                      "Capacity: Spot: MaxPrice",
	"aws:ec2:instances SpotAllocationStrategy":                            "Capacity: Spot: AllocationStrategy",
	"aws:elasticbeanstalk:trafficsplitting NewVersionPercent":             "Deployment: NewVersionPercent",
	"aws:ec2:instances InstanceTypes":                                     "Capacity: InstanceTypes",
	"aws:elasticbeanstalk:command DeploymentPolicy":                       "Deployment: Policy",
	"aws:elasticbeanstalk:command BatchSize":                              "Deployment: BatchSize",
	"aws:elasticbeanstalk:command Timeout":                                "Deployment: Timeout",
	"aws:elasticbeanstalk:managedactions PreferredStartTime":              "Platform: PreferredStartTime",
	"aws:elasticbeanstalk:managedactions:platformupdate UpdateLevel":      "Platform: UpdateLevel",
	"aws:elasticbeanstalk:cloudwatch:logs RetentionInDays":                "Logs: RetentionInDays",
	"aws:elasticbeanstalk:sqsd HttpPath":                                  "Worker: HTTPPath",
	"aws:elasticbeanstalk:sqsd MimeType":                                  "Worker: MimeType",
	"aws:elasticbeanstalk:sqsd HttpConnections":                           "Worker: HTTPConnections",
	"aws:elasticbeanstalk:sqsd MaxRetries":                                "Worker: MaxRetries",
	"aws:elbv2:listener:443 SSLPolicy":                                    "LoadBalancer: SSLPolicy",
	"aws:elbv2:listener:443 SSLCertificateArns":                           "LoadBalancer: CertificateARNs",
	"aws:elbv2:loadbalancer IdleTimeout":                                  "LoadBalancer: IdleTimeout",
	"aws:elbv2:loadbalancer IpAddressType":                                "LoadBalancer: IPAddressType",
	"aws:elbv2:loadbalancer AccessLogsS3Prefix":                           "LoadBalancer: AccessLogsPrefix",
	"aws:elbv2:listener SSLCertificateArns":                               "CertificateARNs",
	"aws:elasticbeanstalk:environment:process HealthCheckPath":            "HealthCheck: Path",
	"aws:elasticbeanstalk:environment:process MatcherHTTPCode":            "HealthCheck: SuccessCodes",
	"aws:elasticbeanstalk:environment:process HealthCheckInterval":        "HealthCheck: Interval",
	"aws:elasticbeanstalk:environment:process HealthCheckTimeout":         "HealthCheck: Timeout",
	"aws:elasticbeanstalk:environment:process HealthyThresholdCount":      "HealthCheck: HealthyThresholdCount",
	"aws:elasticbeanstalk:environment:process UnhealthyThresholdCount":    "HealthCheck: UnhealthyThresholdCount",
	"aws:elasticbeanstalk:environment:process StickinessLBCookieDuration": "StickinessDuration",

	"aws:elasticbeanstalk:healthreporting:system HealthCheckSuccessThreshold": "Health: HealthCheckSuccessThreshold",
	"aws:elasticbeanstalk:cloudwatch:logs:health HealthStreamingEnabled":      "Health: HealthStreamingEnabled",
	"aws:elasticbeanstalk:cloudwatch:logs:health RetentionInDays":             "Health: RetentionInDays",
	"aws:elasticbeanstalk:managedactions ManagedActionsEnabled":               "Platform: DisableManagedUpdates",
	"aws:elasticbeanstalk:sns:topics Notification Endpoint":                   "Notifications: Endpoint",
	"aws:elasticbeanstalk:sns:topics Notification Protocol":                   "Notifications: Protocol",
}

// field is the field of the props that a setting comes from, "" if it is none that a caller gives.
func (p *EnvironmentProps) field(s option.Setting) string {
	if slices.ContainsFunc(p.OptionSettings, func(raw option.Setting) bool { return raw.Name() == s.Name() }) {
		return "OptionSettings: " + s.Name()
	}
	if process, ok := strings.CutPrefix(s.Namespace, "aws:elasticbeanstalk:environment:process:"); ok {
		name := fields["aws:elasticbeanstalk:environment:process "+s.OptionName]
		if name == "" {
			name = s.OptionName
		}
		return fmt.Sprintf("Processes[%q]: %s", process, name)
	}
	if rule, ok := strings.CutPrefix(s.Namespace, ruleNamespace); ok {
		return fmt.Sprintf("LoadBalancer: Rules[%q]: %s", rule, s.OptionName)
	}
	if port, ok := strings.CutPrefix(s.Namespace, listenerNamespace); ok && port != "default" && port != "443" {
		return fmt.Sprintf("LoadBalancer: Listeners[%s]: %s", port, cmp.Or(fields["aws:elbv2:listener "+s.OptionName], s.OptionName))
	}
	switch s.Namespace {
	case option.ScheduledAction:
		return fmt.Sprintf("Capacity: ScheduledActions[%q]: %s", s.ResourceName, s.OptionName)
	case environmentNamespace:
		return fmt.Sprintf("Environment[%q]", s.OptionName)
	case secretsNamespace:
		return fmt.Sprintf("Secrets[%q]", s.OptionName)
	}
	if s.OptionName == "ManagedActionsEnabled" && !p.Health.enhanced() {
		return "Health: SystemType" // the one thing that they lack
	}
	if s.OptionName == "MinInstancesInService" && p.Deployment.ConfigurationUpdates.MinInstancesInService == nil {
		return fields["aws:autoscaling:asg MinSize"] // which it follows from
	}
	return fields[s.Name()]
}

// checkOptions finds what Elastic Beanstalk would refuse among the options that the props become. What is known to be
// wrong with a field is not said again, in other words, of its option.
func (p *EnvironmentProps) checkOptions(known []error) []error {
	var problems []error
	for _, finding := range option.Check(p.settings(unknownReferences(p)), p.context()) {
		field := p.field(finding.Setting)
		raw := strings.HasPrefix(field, "OptionSettings: ")
		told := func(problem error) bool { return strings.HasPrefix(problem.Error(), field+":") }
		switch {
		case finding.Level != option.Error:
		case field == "":
			problems = append(problems, finding)
		case !slices.ContainsFunc(known, told) && (raw || !slices.ContainsFunc(problems, told)):
			problems = append(problems, errors.New(field+strings.TrimPrefix(finding.Error(), finding.Name())))
		}
	}
	return problems
}
