package option

import (
	"reflect"
	"testing"
)

func TestMerge(t *testing.T) {
	defaults := []Setting{
		{Namespace: "aws:autoscaling:asg", OptionName: "MinSize", Value: "1"},
		{Namespace: "aws:autoscaling:asg", OptionName: "MaxSize", Value: "4"},
	}
	props := []Setting{
		{Namespace: "aws:elasticbeanstalk:environment:process:default", ResourceName: "AWSEBV2LoadBalancerTargetGroup", OptionName: "Port", Value: "80"},
		{Namespace: "aws:autoscaling:asg", ResourceName: "AWSEBAutoScalingGroup", OptionName: "MinSize", Value: "2"},
		{Namespace: ScheduledAction, ResourceName: "Night", OptionName: "MinSize", Value: "0"},
		{Namespace: ScheduledAction, ResourceName: "Day", OptionName: "MinSize", Value: "2"},
	}
	hatch := []Setting{{Namespace: "aws:elasticbeanstalk:environment:process:default", OptionName: "Port", Unresolved: true}}
	want := []Setting{
		{Namespace: "aws:autoscaling:asg", OptionName: "MaxSize", Value: "4"},
		{Namespace: "aws:autoscaling:asg", OptionName: "MinSize", Value: "2"},
		{Namespace: ScheduledAction, ResourceName: "Day", OptionName: "MinSize", Value: "2"},
		{Namespace: ScheduledAction, ResourceName: "Night", OptionName: "MinSize", Value: "0"},
		{Namespace: "aws:elasticbeanstalk:environment:process:default", OptionName: "Port", Unresolved: true},
	}
	if got := Merge(defaults, props, hatch); !reflect.DeepEqual(got, want) {
		t.Errorf("Merge =\n%+v\nwant\n%+v", got, want)
	}
	if props[0].ResourceName == "" || defaults[0].Value != "1" {
		t.Error("Merge changed a layer")
	}
	if got := Merge(); len(got) != 0 {
		t.Errorf("Merge() = %v", got)
	}
}
