package elasticbeanstalk_test

import (
	"maps"
	"strings"
	"testing"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestHealthReporting(t *testing.T) {
	const (
		system  = "aws:elasticbeanstalk:healthreporting:system "
		stream  = "aws:elasticbeanstalk:cloudwatch:logs:health "
		counted = `{"Application":{"ApplicationRequests4xx":{"Enabled":true}},"ELB":{"ELBRequests4xx":{"Enabled":true}}}`
	)
	document := func(environment, instance, rules string) string {
		return `{"CloudWatchMetrics":{"Environment":{` + environment + `},"Instance":{` + instance + `}},"Rules":{"Environment":` + rules + `},"Version":1}`
	}
	for name, c := range map[string]struct {
		change func(*elasticbeanstalk.EnvironmentProps)
		want   map[string]string // what differs from the defaults, "" if it is not written
	}{
		"defaults": {func(*elasticbeanstalk.EnvironmentProps) {}, nil},
		"rules": {func(p *elasticbeanstalk.EnvironmentProps) {
			p.Health.IgnoreApplicationRequests4xx, p.Health.IgnoreELBRequests4xx = true, true
		}, map[string]string{system + "ConfigDocument": document("", "", strings.ReplaceAll(counted, "true", "false"))}},
		"one rule": {func(p *elasticbeanstalk.EnvironmentProps) { p.Health.IgnoreApplicationRequests4xx = true },
			map[string]string{system + "ConfigDocument": document("", "", strings.Replace(counted, "true", "false", 1))}},
		"metrics": {func(p *elasticbeanstalk.EnvironmentProps) {
			p.Health.EnvironmentMetrics = []string{"InstancesOk", "ApplicationLatencyP99.9", "InstancesOk"}
			p.Health.InstanceMetrics = []string{"RootFilesystemUtil", "InstanceHealth"}
		}, map[string]string{system + "ConfigDocument": document(`"ApplicationLatencyP99.9":60,"InstancesOk":60`, `"InstanceHealth":60,"RootFilesystemUtil":60`, counted)}},
		"streamed": {func(p *elasticbeanstalk.EnvironmentProps) { p.Health.HealthStreamingEnabled = true },
			map[string]string{stream + "HealthStreamingEnabled": "true", stream + "RetentionInDays": "30", stream + "DeleteOnTerminate": "false"}},
		"streamed and deleted": {func(p *elasticbeanstalk.EnvironmentProps) {
			p.Health.HealthStreamingEnabled, p.Health.RetentionInDays, p.Health.DeleteOnTerminate = true, 7, true
		}, map[string]string{stream + "HealthStreamingEnabled": "true", stream + "RetentionInDays": "7", stream + "DeleteOnTerminate": "true"}},
		"threshold": {func(p *elasticbeanstalk.EnvironmentProps) {
			p.Health.HealthCheckSuccessThreshold, p.Health.DisableEnhancedHealthAuth = "Warning", true
		}, map[string]string{system + "HealthCheckSuccessThreshold": "Warning", system + "EnhancedHealthAuthEnabled": "false"}},
		"basic": {func(p *elasticbeanstalk.EnvironmentProps) {
			p.Health.SystemType, p.Platform.DisableManagedUpdates = elasticbeanstalk.BasicHealth, true
		}, map[string]string{system + "SystemType": "basic", system + "ConfigDocument": "", system + "HealthCheckSuccessThreshold": "",
			system + "EnhancedHealthAuthEnabled": ""}},
		"logs not published": {func(p *elasticbeanstalk.EnvironmentProps) { p.Logs.DisablePublication = true },
			map[string]string{"aws:elasticbeanstalk:hostmanager LogPublicationControl": "false"}},
		"X-Ray": {func(p *elasticbeanstalk.EnvironmentProps) { p.XRayEnabled = true }, map[string]string{"aws:elasticbeanstalk:xray XRayEnabled": "true"}},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			props := dedicated(existingVPC(stack))
			c.change(props)
			environment := elasticbeanstalk.NewEnvironment(stack, "Web", props)
			for _, f := range option.Check(environment.OptionSettings(), option.Context{Tier: option.WebServer}) {
				t.Errorf("%v", f)
			}
			got, want := options(environment), maps.Clone(defaults)
			maps.Copy(want, c.want)
			for key, value := range want {
				if !strings.HasPrefix(key, system) && !strings.HasPrefix(key, stream) && !strings.HasPrefix(key, "aws:elasticbeanstalk:hostmanager") &&
					!strings.HasPrefix(key, "aws:elasticbeanstalk:xray") {
					continue
				}
				if written, ok := got[key]; written != value || ok != (value != "") {
					t.Errorf("%s is %q, want %q", key, written, value)
				}
			}
		})
	}
}
