package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkValidate times the whole process of "beanpole validate" on a template of 500 resources, one of them an
// environment with 60 settings. Budget of the median: 100 ms for JSON, as CDK writes it.
//
//	go test -run=NONE -bench=Validate -benchtime=20x ./test/bench
func BenchmarkValidate(b *testing.B) {
	directory := b.TempDir()
	beanpole := filepath.Join(directory, "beanpole")
	build := exec.Command("go", "build", "-o", beanpole, "./cmd/beanpole")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, indent := range []string{"", " "} {
		file := filepath.Join(directory, "template"+indent+".json")
		if err := os.WriteFile(file, template(b, 500, indent), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(map[string]string{"": "compact", " ": "indented"}[indent], func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if out, err := exec.Command(beanpole, "validate", file).CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
		})
	}
}

// template is a stack of so many resources, each of the size that CDK usually writes, and one environment.
func template(b *testing.B, resources int, indent string) []byte {
	all := map[string]any{}
	for i := range resources - 1 {
		all[fmt.Sprintf("Role%d", i)] = map[string]any{
			"Type": "AWS::IAM::Role",
			"Properties": map[string]any{
				"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
					"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "ec2.amazonaws.com"}}}},
				"ManagedPolicyArns": []any{map[string]any{"Fn::Join": []any{"", []any{"arn:", map[string]any{"Ref": "AWS::Partition"}, ":iam::aws:policy/ReadOnlyAccess"}}}},
				"Policies": []any{map[string]any{"PolicyName": "Inline", "PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
					"Action": []any{"s3:GetObject", "s3:ListBucket", "logs:CreateLogStream", "logs:PutLogEvents"}, "Effect": "Allow", "Resource": "*"}}}}},
			},
			"Metadata": map[string]any{"aws:cdk:path": fmt.Sprintf("Stack/Construct%d/Role/Resource", i)},
		}
	}
	settings := []any{map[string]any{"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "LoadBalancerType", "Value": "application"}}
	for i := range 59 {
		settings = append(settings, map[string]any{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": fmt.Sprintf("VARIABLE_%d", i), "Value": "value"})
	}
	all["Environment"] = map[string]any{"Type": "AWS::ElasticBeanstalk::Environment", "Properties": map[string]any{"ApplicationName": "app", "OptionSettings": settings}}
	data, err := json.MarshalIndent(map[string]any{"Resources": all}, "", indent)
	if err != nil {
		b.Fatal(err)
	}
	return data
}
