package option

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// FuzzCheck: whatever is set, Check ends without a panic, names a setting that is there, and says why.
func FuzzCheck(f *testing.F) {
	for _, tt := range cases {
		if len(tt.settings) < 1000 {
			f.Add(tt.settings, tt.in.Platform, tt.in.Partial)
		}
	}
	for _, text := range accepted {
		f.Add(text, "64bit Amazon Linux 2023 v4.13.7 running Python 3.14", false)
	}
	f.Fuzz(func(t *testing.T, text, platform string, partial bool) {
		var settings []Setting
		for line := range strings.Lines(text) {
			left, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			namespace, option, _ := strings.Cut(left, " ")
			s := Setting{Namespace: namespace, OptionName: strings.TrimSuffix(option, " "), Value: strings.TrimPrefix(value, " "), Unresolved: value == " ?"}
			if resource, rest, ok := strings.Cut(namespace, ".aws:"); ok {
				s.ResourceName, s.Namespace = resource, "aws:"+rest
			}
			settings = append(settings, s)
		}
		shared := true
		for _, in := range []Context{
			{Platform: platform, Partial: partial},
			{Platform: platform, Partial: partial, Tier: Worker, LoadBalancerType: Network},
			{LoadBalancerType: Application, LoadBalancerIsShared: &shared},
		} {
			last := 0
			for _, found := range Check(settings, in) {
				if found.Index < last || found.Index >= len(settings) || found.Setting != settings[found.Index] {
					t.Fatalf("finding %+v is out of order or of no setting", found)
				}
				last = found.Index
				if found.Rule == "" || found.Message == "" || found.URL == "" {
					t.Fatalf("incomplete: %+v", found)
				}
			}
		}
		merged := Merge(settings)
		for i := 1; i < len(merged); i++ {
			if merged[i-1].identity().compare(merged[i].identity()) >= 0 {
				t.Fatalf("Merge left %v before %v", merged[i-1], merged[i])
			}
		}
	})
}

var codes = regexp.MustCompile(`^((\d{3}(-\d{3})?)|(\d{3}(,\d{3})*))$`)

// FuzzSuccessCodes: Check takes what Beanstalk's own expression takes and a load balancer can match, and nothing else.
func FuzzSuccessCodes(f *testing.F) {
	for _, s := range []string{"200", "200-301", "200,301", "200-299,301", "200, 301", "199", "500", "301-200", "", "2000", "200-", "٢٠٠"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		setting := Setting{Namespace: process + "default", OptionName: "MatcherHTTPCode", Value: s}
		if !setting.resolved() {
			return
		}
		want := codes.MatchString(s)
		var numbers []int
		for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '-' }) {
			n, err := strconv.Atoi(part)
			want = want && err == nil && n >= 200 && n <= 499
			numbers = append(numbers, n)
		}
		if strings.Contains(s, "-") && len(numbers) == 2 {
			want = want && numbers[0] <= numbers[1]
		}
		if got := Validate([]Setting{setting}, Context{Partial: true}) == nil; got != want {
			t.Errorf("success codes %q taken: %v, want %v", s, got, want)
		}
	})
}

// FuzzDuration: what is taken is within the hour and means the number of seconds that its parts add up to.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"PT30M", "PT1H", "PT1H1S", "PT0S", "PT", "P1D", "PT-5M", "PT5M5M", "PT99999999999H", "pt5m", "PT1M1H", "600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		seconds, ok := parseDuration(s)
		if !ok {
			return
		}
		if seconds < 0 || !strings.HasPrefix(s, "PT") || len(s) < 4 {
			t.Fatalf("%q is %d seconds", s, seconds)
		}
		setting := Setting{Namespace: rollingUpdate, OptionName: "Timeout", Value: s}
		if got, want := Validate([]Setting{setting}, Context{Partial: true}) == nil, seconds >= 300 && seconds <= 3600; got != want {
			t.Errorf("Timeout %q of %d seconds taken: %v, want %v", s, seconds, got, want)
		}
	})
}
