package template

import (
	"reflect"
	"testing"
)

func TestParseReadsJSONAndYAMLAlike(t *testing.T) {
	json := `{
  "Resources": {
    "Web": {
      "Type": "AWS::ElasticBeanstalk::Environment",
      "Metadata": {"aws:cdk:path": "Stack/Web/Resource"},
      "Properties": {
        "ApplicationName": {"Ref": "App"},
        "OptionSettings": [
          {"Namespace": "aws:autoscaling:asg", "OptionName": "MinSize", "Value": "2"},
          {"Namespace": "aws:ec2:vpc", "OptionName": "VPCId", "Value": {"Ref": "Vpc"}}
        ]
      }
    }
  }
}`
	yaml := `
Resources:
  Web:
    Type: AWS::ElasticBeanstalk::Environment
    Metadata: {aws:cdk:path: Stack/Web/Resource}
    Properties:
      ApplicationName: !Ref App
      OptionSettings:
        - Namespace: aws:autoscaling:asg
          OptionName: MinSize
          Value: 2
        - {Namespace: 'aws:ec2:vpc', OptionName: VPCId, Value: !Ref Vpc}
`
	for name, tt := range map[string]struct {
		data  string
		first Setting
		where [2]int
	}{
		"json": {json, Setting{Line: 9, Column: 82}, [2]int{3, 5}},
		"yaml": {yaml, Setting{Line: 11, Column: 18}, [2]int{3, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Parse(name, []byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Resources) != 1 {
				t.Fatalf("resources = %+v", d.Resources)
			}
			r := d.Resources[0]
			if r.LogicalID != "Web" || r.Type != Environment || r.Path != "Stack/Web/Resource" || r.Line != tt.where[0] || r.Column != tt.where[1] {
				t.Errorf("resource = %+v", r)
			}
			if want := map[string]any{"Ref": "App"}; !reflect.DeepEqual(r.Properties["ApplicationName"], want) {
				t.Errorf("ApplicationName = %v, want %v", r.Properties["ApplicationName"], want)
			}
			got := r.Settings()
			if len(got) != 2 {
				t.Fatalf("settings = %+v", got)
			}
			tt.first.Namespace, tt.first.OptionName, tt.first.Value = "aws:autoscaling:asg", "MinSize", "2"
			if got[0] != tt.first {
				t.Errorf("first = %+v, want %+v", got[0], tt.first)
			}
			if s := got[1]; !s.Unresolved || s.Value != "" || s.OptionName != "VPCId" {
				t.Errorf("second = %+v", s)
			}
		})
	}
}
