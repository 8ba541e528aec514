package option

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCheckFile(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		settings   int
		want       []string // "line:column resource level rule option"
	}{
		"a template, with platform, tier and conditions": {
			"t.yaml", `
Conditions: {Prod: !Equals [a, a]}
Resources:
  Worker:
    Type: AWS::ElasticBeanstalk::Environment
    Metadata: {aws:cdk:path: Stack/Worker}
    Properties:
      Tier: {Name: Worker, Type: SQS/HTTP}
      SolutionStackName: 64bit Amazon Linux 2023 v4.0.1 running Node.js 18
      OptionSettings:
        - {Namespace: 'aws:elasticbeanstalk:sqsd', OptionName: HttpPath, Value: /work}
        - {Namespace: 'aws:elasticbeanstalk:container:nodejs', OptionName: NodeVersion, Value: 8.0.0}
        - {Namespace: 'aws:autoscaling:asg', OptionName: MinSize, Value: !If [Prod, lots, 2]}
        - {Namespace: 'aws:autoscaling:asg', OptionName: MaxSize, Value: 1}
  Saved:
    Type: AWS::ElasticBeanstalk::ConfigurationTemplate
    Properties:
      PlatformArn: !Sub 'arn:aws:elasticbeanstalk:${AWS::Region}::platform/Python 3.13 running on 64bit Amazon Linux 2023'
      OptionSettings:
        - {Namespace: 'aws:autoscaling:asg', OptionName: MinSize, Value: 5}
  From:
    Type: AWS::ElasticBeanstalk::ConfigurationTemplate
    Properties:
      SourceConfiguration: {TemplateName: base}
      OptionSettings:
        - {Namespace: 'aws:autoscaling:asg', OptionName: MinSize, Value: 5}
`, 7, []string{
				"12:96 Worker error amazon-linux-ami-only NodeVersion",
				"13:85 Worker error value-type MinSize",
				"20:74 Saved error min-above-max MinSize",
			},
		},
		"a configuration file is a part of the settings": {
			"x.config", "option_settings:\n  aws:autoscaling:asg:\n    MinSize: 6\n    MinSize: 7\n    Maxsize: 9\n", 2, []string{
				"4:5  warning duplicate-key ",
				"5:14  warning name-case Maxsize",
			},
		},
		"what CloudFormation refuses": {
			"t.json", `{"Resources": {"E": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"OptionSettings": [{"Namespace": "aws:ec2:vpc", "OptionName": "Subnets", "Value": ["a"]}]}}}}`, 1,
			[]string{"1:165  error value-not-text ", "1:165 E warning vpc-subnets Subnets"},
		},
		"a platform in two ways": {
			"t.yaml", `
Resources:
  Both:
    Type: AWS::ElasticBeanstalk::Environment
    Properties: {SolutionStackName: 64bit Amazon Linux 2023 v4.13.7 running Python 3.14, PlatformArn: !Sub 'arn:aws:elasticbeanstalk:${AWS::Region}::platform/x'}
  Saved:
    Type: AWS::ElasticBeanstalk::ConfigurationTemplate
    Properties: {SolutionStackName: 64bit Amazon Linux 2023 v4.13.7 running Python 3.14, PlatformArn: !Ref Platform}
  OneOrTheOther:
    Type: AWS::ElasticBeanstalk::Environment
    Properties: {SolutionStackName: !If [a, x, !Ref AWS::NoValue], PlatformArn: !If [a, !Ref AWS::NoValue, y]}
  One:
    Type: AWS::ElasticBeanstalk::Environment
    Properties: {SolutionStackName: !Ref AWS::NoValue, PlatformArn: !Ref Platform}
`, 0, []string{"3:3 Both error two-platforms ", "6:3 Saved error two-platforms "},
		},
		"nothing of Beanstalk": {"t.json", `{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}`, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := CheckFile(tt.file, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, fmt.Sprintf("%d:%d %s %s %s %s", f.Line, f.Column, f.Resource, f.Level, f.Rule, f.OptionName))
			}
			if !slices.Equal(got, tt.want) || r.Settings != tt.settings {
				t.Errorf("%d settings, findings:\n  %s\nwant %d:\n  %s", r.Settings, strings.Join(got, "\n  "), tt.settings, strings.Join(tt.want, "\n  "))
			}
		})
	}
	r, _ := CheckFile("t.yaml", []byte("Resources:\n  W:\n    Type: AWS::ElasticBeanstalk::Environment\n    Metadata: {aws:cdk:path: Stack/W}\n    Properties:\n      OptionSettings: [{Namespace: 'aws:nothing', OptionName: X}]\n"))
	if errors, warnings := r.Count(); errors != 1 || warnings != 0 || r.Findings[0].Path != "Stack/W" {
		t.Errorf("%d errors, %d warnings, %+v", errors, warnings, r.Findings)
	}
	if _, err := CheckFile("x.json", []byte("{")); err == nil {
		t.Error("broken JSON was read")
	}
}

// What Beanstalk itself reports of an environment it runs cannot be an error.
func TestReportedEnvironmentHasNoError(t *testing.T) {
	data, err := os.ReadFile("testdata/environment.cfg.yml")
	if err != nil {
		t.Fatal(err)
	}
	report, err := CheckFile("environment.cfg.yml", data)
	if err != nil {
		t.Fatal(err)
	}
	if report.Settings < 90 {
		t.Errorf("%d settings read", report.Settings)
	}
	for _, f := range report.Findings {
		if f.Level == Error {
			t.Error(f.Message)
		}
	}
}
