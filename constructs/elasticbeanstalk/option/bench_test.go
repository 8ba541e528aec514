package option

import (
	"encoding/json"
	"fmt"
	"testing"
)

// BenchmarkCheck checks 100 settings of one environment. Budget: 200 µs.
func BenchmarkCheck(b *testing.B) {
	settings := parse(b, accepted["a web environment behind a shared load balancer"])
	for i := len(settings); i < 100; i++ {
		settings = append(settings, Setting{Namespace: environmentProperties, OptionName: fmt.Sprintf("VARIABLE_%d", i), Value: "value"})
	}
	if found := Check(settings, Context{}); len(found) > 0 {
		b.Fatal(found[0].Message)
	}
	b.ReportAllocs()
	for b.Loop() {
		Check(settings, Context{})
	}
}

// BenchmarkCheckWithFindings checks 100 settings each of which is misspelt, which costs the most: every name is searched.
func BenchmarkCheckWithFindings(b *testing.B) {
	settings := make([]Setting, 100)
	for i := range settings {
		settings[i] = Setting{Namespace: "aws:autoscaling:launchconfiguration", OptionName: fmt.Sprintf("InstanceTyp%d", i), Value: "t3.small"}
	}
	for b.Loop() {
		Check(settings, Context{})
	}
}

// BenchmarkCatalogue parses the catalogue, which every process that checks anything does once.
func BenchmarkCatalogue(b *testing.B) {
	for b.Loop() {
		var rows []row
		if err := json.Unmarshal(catalogueJSON, &rows); err != nil {
			b.Fatal(err)
		}
	}
}
