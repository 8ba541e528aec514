package suggest

import "testing"

func TestClosest(t *testing.T) {
	names := []string{"HealthCheckPath", "HealthCheckInterval", "HealthCheckTimeout", "MinSize", "MaxSize", "Port",
		"Application Healthcheck URL", "StickinessEnabled", "MatcherHTTPCode"}
	for _, tt := range []struct{ word, want string }{
		{"HealthcheckPath", "HealthCheckPath"},
		{"HealtCheckPaht", "HealthCheckPath"},
		{"health_check_path", "HealthCheckPath"},
		{"ApplicationHealthcheckUrl", "Application Healthcheck URL"},
		{"MinSzie", "MinSize"},
		{"MixSize", ""}, // MinSize and MaxSize are equally near
		{"Prot", "Port"},
		{"Part", "Port"},
		{"X", ""},
		{"", ""},
		{"WSGIPath", ""},
		{"SomethingElseEntirely", ""},
		{"HealthCheckPath", ""}, // the word itself is no suggestion
	} {
		if got := Closest(tt.word, names); got != tt.want {
			t.Errorf("Closest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}} {
		if got := distance([]rune(tt.a), []rune(tt.b), 10); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
