package template

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkParse reads a template of 500 resources, as JSON and as YAML.
func BenchmarkParse(b *testing.B) {
	var json, yaml bytes.Buffer
	json.WriteString(`{"Resources": {"Last": {"Type": "AWS::S3::Bucket"}`)
	yaml.WriteString("Resources:\n")
	for i := range 500 {
		fmt.Fprintf(&json, `,
 "Role%d": {"Type": "AWS::IAM::Role", "Metadata": {"aws:cdk:path": "Stack/Role%d"}, "Properties": {
  "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]},
  "ManagedPolicyArns": [{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::aws:policy/ReadOnlyAccess"]]}]}}`, i, i)
		fmt.Fprintf(&yaml, `  Role%d:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Action: "sts:AssumeRole", Effect: Allow, Principal: {Service: ec2.amazonaws.com}}
      ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess"]
`, i)
	}
	json.WriteString("}}")
	for name, data := range map[string][]byte{"JSON": json.Bytes(), "YAML": yaml.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Parse("t", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
