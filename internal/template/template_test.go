package template

import (
	"reflect"
	"strings"
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
		"json":                        {json, Setting{Line: 9, Column: 82}, [2]int{3, 5}},
		"yaml":                        {yaml, Setting{Line: 11, Column: 18}, [2]int{3, 3}},
		"json with a byte order mark": {"\xef\xbb\xbf" + json, Setting{Line: 9, Column: 82}, [2]int{3, 5}},
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
			if r.Partial() {
				t.Error("partial")
			}
		})
	}
}

// settings parses one environment's option settings, written as they stand in a YAML template.
func settings(t *testing.T, text string) (*Resource, *Document) {
	t.Helper()
	d, err := Parse("t.yaml", []byte("Resources:\n  Web:\n    Type: AWS::ElasticBeanstalk::Environment\n    Properties:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return &d.Resources[0], d
}

func TestShortFormsAreWrittenInFull(t *testing.T) {
	r, _ := settings(t, `
      A: !GetAtt Web.EndpointURL
      B: !Sub "${X}-y"
      C: !Join [",", [a, !Ref B]]
      D: !If [Prod, 1, !Ref AWS::NoValue]
      E: !Select [0, !Split [",", x]]
      F: !ImportValue shared
      G: !Condition Prod
      H: 0123
      I: 2010-09-09
      J: yes
      K: 1.50
      L: ~
`)
	want := map[string]any{
		"A": map[string]any{"Fn::GetAtt": []any{"Web", "EndpointURL"}},
		"B": map[string]any{"Fn::Sub": "${X}-y"},
		"C": map[string]any{"Fn::Join": []any{",", []any{"a", map[string]any{"Ref": "B"}}}},
		"D": map[string]any{"Fn::If": []any{"Prod", 1.0, map[string]any{"Ref": "AWS::NoValue"}}},
		"E": map[string]any{"Fn::Select": []any{0.0, map[string]any{"Fn::Split": []any{",", "x"}}}},
		"F": map[string]any{"Fn::ImportValue": "shared"},
		"G": map[string]any{"Condition": "Prod"},
		"H": "0123", // as a number it would lose its zero
		"I": "2010-09-09",
		"J": true,
		"K": "1.50",
		"L": nil,
	}
	if !reflect.DeepEqual(r.Properties, want) {
		t.Errorf("properties =\n%v\nwant\n%v", r.Properties, want)
	}
}

func TestSettingsOfATemplate(t *testing.T) {
	for name, tt := range map[string]struct {
		text    string
		want    []string // "option=value", "?" for an unresolved value, "!" after it for a conditional one
		partial bool
		problem string
	}{
		"values of other kinds": {`
      OptionSettings:
        - {Namespace: n, OptionName: A, Value: true}
        - {Namespace: n, OptionName: B, Value: 010}
        - {Namespace: n, OptionName: C}
        - {Namespace: n, OptionName: D, Value: no}
`, []string{"A=true", "B=010", "C=", "D=false"}, false, ""},
		"functions whose parts are all known": {`
      OptionSettings:
        - {Namespace: !Sub "aws:ec2:vpc", OptionName: A, Value: !Join [",", [a, b]]}
        - {Namespace: n, OptionName: B, Value: !Sub plain}
        - {Namespace: n, OptionName: C, Value: !Join [",", [a, !Ref B]]}
`, []string{"A=a,b", "B=plain", "C=?"}, false, ""},
		"a value with a condition": {`
      OptionSettings:
        - {Namespace: n, OptionName: A, Value: !If [Prod, "4", !If [Test, "2", !Ref AWS::NoValue]]}
`, []string{"A=4!", "A=2!"}, false, ""},
		"a setting with a condition": {`
      OptionSettings:
        - !If [Prod, {Namespace: n, OptionName: A, Value: "4"}, !Ref AWS::NoValue]
        - {Namespace: n, OptionName: B, Value: "1"}
`, []string{"A=4!", "B=1"}, true, ""},
		"a list with a condition": {`
      OptionSettings: !If [Prod, [{Namespace: n, OptionName: A, Value: "4"}], []]
`, []string{"A=4!"}, false, ""},
		"settings from elsewhere": {`
      TemplateName: !Ref Saved
      OptionSettings:
        - {Namespace: n, OptionName: A, Value: "4"}
`, []string{"A=4"}, true, ""},
		"an option that only a deployment knows": {`
      OptionSettings:
        - {Namespace: !Ref N, OptionName: A, Value: "4"}
`, nil, true, ""},
		"no settings":      {"      ApplicationName: a\n", nil, false, ""},
		"nothing at all":   {"      OptionSettings:\n", nil, false, ""},
		"an alias, merged": {"      X: &base {Namespace: n, Value: \"1\"}\n      OptionSettings:\n        - {<<: *base, OptionName: A}\n", []string{"A=1"}, false, ""},
		"a list where a text belongs": {`
      OptionSettings:
        - {Namespace: n, OptionName: A, Value: [a, b]}
`, []string{"A=?"}, false, "n A: the value must be a text"},
		"null":          {"      OptionSettings:\n        - {Namespace: n, OptionName: A, Value: ~}\n", []string{"A="}, false, "n A: the value is null, which CloudFormation refuses"},
		"not a setting": {"      OptionSettings: [MinSize]\n", nil, false, "must be a map"},
		"a key twice":   {"      OptionSettings:\n        - {Namespace: n, OptionName: A, Value: a, Value: b}\n", []string{"A=b"}, false, `the key "Value" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			r, d := settings(t, tt.text)
			if got := render(r.Settings()); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("settings = %v, want %v", got, tt.want)
			}
			if r.Partial() != tt.partial {
				t.Errorf("partial = %v", r.Partial())
			}
			checkProblem(t, d.Problems, tt.problem)
		})
	}
}

func render(settings []Setting) []string {
	var out []string
	for _, s := range settings {
		line := s.OptionName + "=" + s.Value
		if s.Unresolved {
			line = s.OptionName + "=?"
		}
		if s.Conditional {
			line += "!"
		}
		out = append(out, line)
	}
	return out
}

func checkProblem(t *testing.T, problems []Problem, want string) {
	t.Helper()
	switch {
	case want == "" && len(problems) > 0:
		t.Errorf("problems = %+v", problems)
	case want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, want) || problems[0].Line == 0 || problems[0].Rule == ""):
		t.Errorf("problems = %+v, want one with %q", problems, want)
	}
}

func TestParseConfig(t *testing.T) {
	for name, tt := range map[string]struct {
		text    string
		want    []Setting
		problem string
	}{
		"the list form": {
			"option_settings:\n  - namespace: aws:autoscaling:asg\n    option_name: MinSize\n    value: 2\n  - option_name: GREETING\n    value: hello\n",
			[]Setting{
				{Namespace: "aws:autoscaling:asg", OptionName: "MinSize", Value: "2", Line: 4, Column: 12},
				{Namespace: environmentProperties, OptionName: "GREETING", Value: "hello", Line: 6, Column: 12},
			}, "",
		},
		"the map form": {
			"option_settings:\n  aws:autoscaling:asg:\n    MinSize: 2\n  AWSEBAutoScalingGroup.aws:autoscaling:asg:\n    MaxSize: '4'\n",
			[]Setting{
				{Namespace: "aws:autoscaling:asg", OptionName: "MinSize", Value: "2", Line: 3, Column: 14},
				{Namespace: "aws:autoscaling:asg", ResourceName: "AWSEBAutoScalingGroup", OptionName: "MaxSize", Value: "4", Line: 5, Column: 14},
			}, "",
		},
		"JSON": {
			`{"option_settings": {"aws:ec2:vpc": {"VPCId": "vpc-1"}}}`,
			[]Setting{{Namespace: "aws:ec2:vpc", OptionName: "VPCId", Value: "vpc-1", Line: 1, Column: 47}}, "",
		},
		"a function in backticks": {
			"option_settings:\n  aws:elasticbeanstalk:application:environment:\n    REGION: '`{\"Ref\" : \"AWS::Region\"}`'\n",
			[]Setting{{Namespace: environmentProperties, OptionName: "REGION", Unresolved: true, Line: 3, Column: 13}}, "",
		},
		"a document as it is": {
			"option_settings:\n  aws:elasticbeanstalk:healthreporting:system:\n    ConfigDocument:\n      Version: 1\n",
			[]Setting{{Namespace: "aws:elasticbeanstalk:healthreporting:system", OptionName: "ConfigDocument", Value: `{"Version":1}`, Line: 4, Column: 7}}, "",
		},
		"no option settings":           {"packages:\n  yum:\n    git: []\n", nil, ""},
		"nothing under it":             {"option_settings:\n", nil, ""},
		"a namespace without settings": {"option_settings:\n  aws:ec2:vpc:\n", nil, ""},
		// awsdocs/aws-elastic-beanstalk-developer-guide#93: "Each option setting in configuration file must be a map".
		"a list of values": {"option_settings:\n  - MinSize\n", nil, "must be a map"},
		"an entry without a name": {
			"option_settings:\n  - aws:autoscaling:asg:\n      MinSize: 1\n", nil, "has a key option_name",
		},
		// blueimp/aws-lambda#8: "Contains invalid key: 'OptionSettings'".
		"a section that Beanstalk does not know": {"OptionSettings:\n  aws:ec2:vpc:\n    VPCId: x\n", nil, "it is called option_settings"},
		"null": {
			"option_settings:\n  aws:ec2:vpc:\n    VPCId:\n", []Setting{{Namespace: "aws:ec2:vpc", OptionName: "VPCId", Line: 3, Column: 5}}, "VPCId: the value is null",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := ParseConfig(".ebextensions/x.config", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.Settings, tt.want) {
				t.Errorf("settings =\n%+v\nwant\n%+v", c.Settings, tt.want)
			}
			checkProblem(t, c.Problems, tt.problem)
		})
	}
}

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		document   bool
		settings   int
	}{
		"a template":                                 {"-", `{"Resources": {}}`, true, 0},
		"a configuration file by its name":           {"x.config", "Resources: {}\n", false, 0},
		"a configuration file by what is in it":      {"-", "Resources: {}\noption_settings:\n  aws:ec2:vpc: {VPCId: v}\n", false, 1},
		"a saved configuration":                      {"base.cfg.yml", "OptionSettings:\n  AWSEBLoadBalancer.aws:elb:listener:80:\n    InstancePort: '80'\n", false, 1},
		"a list of settings for the AWS CLI":         {"options.json", `[{"Namespace": "aws:ec2:vpc", "OptionName": "VPCId", "Value": "v"}]`, false, 1},
		"flow style that looks like JSON, and isn't": {"t.yaml", "{Resources: {A: {Type: X, Properties: {B: !Ref C}}}}", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d, c, err := Read(tt.file, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if (d != nil) != tt.document || (c != nil) == tt.document {
				t.Errorf("document %v, config %v", d, c)
			}
			if c != nil && len(c.Settings) != tt.settings {
				t.Errorf("settings = %+v", c.Settings)
			}
		})
	}
}

func TestUnreadableFilesSayWhere(t *testing.T) {
	for name, tt := range map[string]struct{ file, text, want string }{
		"empty":             {"t.yaml", " \n", "t.yaml: the file is empty"},
		"comments only":     {"t.yaml", "# nothing\n", "t.yaml: the file is empty"},
		"broken JSON":       {"t.json", "{\n  \"Resources\": {,}\n}", "t.json: line 2, column 17: invalid character"},
		"no template":       {"t.json", `{"a": 1}`, "neither a CloudFormation template (it has no Resources) nor a configuration file"},
		"a text":            {"x.config", "hello", "x.config: line 1: not a configuration file"},
		"settings a number": {"x.config", "option_settings: 3\n", "line 1: the option settings must be a list or a map"},
		// awsdocs/aws-elastic-beanstalk-developer-guide#126: "mapping values are not allowed here".
		"a colon is missing": {"x.config", "option_settings:\n    aws:elasticbeanstalk:cloudwatch:logs\n        option_name: StreamLogs\n", "mapping values are not allowed"},
		"aliases without end": {"t.yaml", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f]\n", "aliases expand to more"},
		"nested too deep": {"t.json", `{"Resources": ` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}", "nested deeper than 500 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Read(tt.file, []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Parse("t.json", []byte(`{"a": 1}`)); err == nil || !strings.Contains(err.Error(), "no Resources object") {
		t.Errorf("Parse: %v", err)
	}
}

func TestResourcesThatAreNoResources(t *testing.T) {
	d, err := Parse("t.yaml", []byte(`
Resources:
  Fn::ForEach::Web: [Id, [a, b], {}]
  Twice: {Type: A}
  Broken: text
  Twice: {Type: B, Condition: Prod}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Resources) != 1 || d.Resources[0].Type != "B" || d.Resources[0].Condition != "Prod" || d.Resources[0].Properties == nil {
		t.Errorf("resources = %+v", d.Resources)
	}
	checkProblem(t, d.Problems, `the key "Twice" is there twice`)
}
