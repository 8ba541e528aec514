package templatetest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestBeforeFollowsEveryKindOfReference(t *testing.T) {
	directory := t.TempDir()
	for name, text := range map[string]string{
		"Web": `{"Resources": {
			"W1": {"Type": "Web", "DependsOn": ["D1"], "Metadata": {"aws:cdk:path": "Web/W/Resource"}, "Properties": {
				"List": ["a", {"Fn::Join": [",", [{"Ref": "R1"}, {"Fn::GetAtt": ["G1", "Arn"]}]]}],
				"Text": {"Fn::Sub": "${S1.Arn}/${AWS::Region}"},
				"Vpc": {"Fn::GetStackOutput": {"StackName": "Network", "OutputName": "Vpc"}}}},
			"R1": {"Type": "X", "Metadata": {"aws:cdk:path": "Web/R"}}, "G1": {"Type": "X", "Metadata": {"aws:cdk:path": "Web/G"}},
			"S1": {"Type": "X", "Metadata": {"aws:cdk:path": "Web/S"}},
			"D1": {"Type": "X", "DependsOn": ["E1"], "Metadata": {"aws:cdk:path": "Web/D"}}, "E1": {"Type": "X", "Metadata": {"aws:cdk:path": "Web/E"}},
			"After": {"Type": "X", "Metadata": {"aws:cdk:path": "Web/After"}, "Properties": {"Of": {"Ref": "W1"}}}}}`,
		"Network": `{"Resources": {"V1": {"Type": "X", "Metadata": {"aws:cdk:path": "Network/V/Resource"}}}, "Outputs": {"Vpc": {"Value": {"Ref": "V1"}}}}`,
	} {
		if err := os.WriteFile(filepath.Join(directory, name+".template.json"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	web := Read(t, directory)["Web"].One(t, "Web")
	if got, want := slices.Sorted(maps.Keys(web.Before())), []string{"Web/D", "Web/E", "Web/G", "Web/R", "Web/S"}; !slices.Equal(got, want) {
		t.Errorf("before it come %q, want %q", got, want)
	}
	for path, want := range map[string]string{"List": `["a","${Web/R},${Web/G.Arn}"]`, "List.1": "${Web/R},${Web/G.Arn}", "Text": "${S1.Arn}/${AWS::Region}", "Vpc": "${Network/V}", "None.0": ""} {
		if got := web.Property(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
