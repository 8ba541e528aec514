package template

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzRead: whatever a file has in it, reading it ends with settings or an error, and JSON is read as encoding/json does.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"option_settings:\n  aws:autoscaling:asg:\n    MinSize: 2\n",
		"option_settings:\n  - namespace: aws:autoscaling:asg\n    option_name: MinSize\n    value: 2\n",
		"OptionSettings:\n  A.aws:elb:listener:80: {InstancePort: 80}\n",
		`{"Resources": {"E": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": {"OptionSettings": [{"Namespace": "n", "OptionName": "o", "Value": {"Fn::If": ["c", "1", {"Ref": "AWS::NoValue"}]}}]}}}}`,
		"Resources:\n  E:\n    Type: AWS::ElasticBeanstalk::Environment\n    Properties:\n      OptionSettings: !If [c, [{Namespace: !Sub n, OptionName: o, Value: !Join [',', [a, b]]}], !Ref AWS::NoValue]\n",
		"a: &a [*a]\n", "x: &x {<<: *x}\n", "? [a]\n: b\n", "{a: !GetAtt b.c, <<: [{d: e}]}", "\xef\xbb\xbf[1, 2.50, \"\\u00e9\", null, true]", "- - - -", "[01, -, 1., 2e+, .5]", "{\"a\": 1,}", "[1,]", "[1 2]", "{\"a\" 1}", "\"\\x\"", "\"\t\"", "[truex]", "-0.0e-1", "[", "{\"a", "!!binary x", "%YAML 1.1\n---\na: on\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range []string{"x.config", "-"} {
			d, c, err := Read(file, []byte(text))
			if (err == nil) != (d != nil || c != nil) {
				t.Fatalf("%v, %v, %v", d, c, err)
			}
			if d != nil {
				for i := range d.Resources {
					d.Resources[i].Settings()
				}
			}
		}
		var want any
		n, err := parseJSON([]byte(text))
		if json.Unmarshal([]byte(text), &want) != nil {
			// A number that a float64 does not hold is JSON all the same.
			if err == nil && !json.Valid([]byte(text)) {
				t.Errorf("read %q, which is not JSON", text)
			}
			return
		}
		if err != nil {
			if !strings.Contains(err.Error(), "nested deeper") {
				t.Errorf("did not read %q: %v", text, err)
			}
			return
		}
		if got := n.any(); !reflect.DeepEqual(got, want) {
			t.Errorf("read %#v, want %#v", got, want)
		}
	})
}
