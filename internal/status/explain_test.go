package status

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// environment is one that is Ready and Green, with one target in the state of an answer.
func environment(target Target) Facts {
	return Facts{
		Environment: Environment{Name: "shop", Status: "Ready", Colour: "Green", HealthStatus: "Ok"},
		Groups: []TargetGroup{{Process: "default", Protocol: "HTTP", Port: 80, Path: "/healthz/", SuccessCodes: "200-301",
			Interval: 15, Timeout: 5, HealthyThreshold: 3, UnhealthyThreshold: 5, Targets: []Target{target}}},
	}
}

func mismatch(code string) Target {
	return Target{ID: "i-1", State: "unhealthy", Reason: "Target.ResponseCodeMismatch", Description: "Health checks failed with these codes: [" + code + "]"}
}

func set(namespace, name, value string) option.Setting {
	return option.Setting{Namespace: namespace, OptionName: name, Value: value}
}

func TestExplain(t *testing.T) {
	for name, test := range map[string]struct {
		target Target
		change func(*Facts)
		id     string
		level  Level
		says   string
	}{
		"host":               {mismatch("400"), nil, "allowed-hosts", Fault, "success codes cannot help"},
		"host, with wrapper": {mismatch("400"), func(f *Facts) { f.Settings = []option.Setting{set(properties, "INSTANCE_IP_SOURCE", "metadata")} }, "allowed-hosts", Fault, "let settings.py read ALLOWED_HOSTS"},
		"host, switched off": {mismatch("400"), func(f *Facts) { f.Settings = []option.Setting{set(properties, "INSTANCE_IP_SOURCE", "none")} }, "allowed-hosts", Fault, "INSTANCE_IP_SOURCE=none"},
		"several codes":      {mismatch("400, 502"), nil, "allowed-hosts", Fault, "ALLOWED_HOSTS"},
		"https redirect":     {mismatch("301"), func(f *Facts) { f.Settings = []option.Setting{set(properties, "SECURE_SSL_REDIRECT", "true")} }, "redirect", Fault, "SECURE_SSL_REDIRECT is on"},
		"slash redirect":     {mismatch("301"), func(f *Facts) { f.Groups[0].Path = "/healthz" }, "redirect", Fault, "APPEND_SLASH"},
		"login":              {mismatch("302"), nil, "redirect", Fault, `r"^healthz/$"`},
		"forbidden":          {mismatch("403"), nil, "forbidden", Fault, "without a session"},
		"not found":          {mismatch("404"), nil, "not-found", Fault, "not on the target group"},
		"teapot":             {mismatch("418"), nil, "status-code", Fault, "answered 418"},
		"bug":                {mismatch("500"), nil, "server-error", Fault, "web.stdout.log"},
		"not started":        {mismatch("502"), nil, "bad-gateway", Fault, "failed to start"},
		"too slow":           {mismatch("504"), nil, "overloaded", Fault, "NumProcesses"},
		"unreadable":         {Target{State: "unhealthy", Reason: "Target.ResponseCodeMismatch", Description: "no codes here"}, nil, "status-code", Fault, "200-301"},
		"timeout":            {Target{State: "unhealthy", Reason: "Target.Timeout"}, nil, "timeout", Fault, "not answered within 5 seconds"},
		"refused":            {Target{State: "unhealthy", Reason: "Target.FailedHealthChecks"}, nil, "no-connection", Fault, "port 80"},
		"not in use":         {Target{State: "unused", Reason: "Target.NotInUse"}, nil, "not-in-use", Fault, "listener rule"},
		"stopped":            {Target{State: "unused", Reason: "Target.InvalidState"}, nil, "instance-stopped", Warning, "Auto Scaling"},
		"first checks":       {Target{State: "initial", Reason: "Elb.InitialHealthChecking"}, nil, "first-checks", Info, "5 failures make it unhealthy, 15 seconds apart"},
		"unheard of":         {Target{State: "unhealthy", Reason: "Target.New"}, nil, "target", Fault, "Target.New"},
		"no instance":        {Target{}, func(f *Facts) { f.Groups[0].Targets = nil }, "no-targets", Fault, "503"},
		"no instance yet":    {Target{}, func(f *Facts) { f.Groups[0].Targets, f.Environment.Status = nil, "Launching" }, "no-targets", Info, "Auto Scaling"},
		"busy":               {Target{State: healthy}, func(f *Facts) { f.Environment.Status = "Updating" }, "busy", Info, "managed platform update"},
		"gone":               {Target{State: healthy}, func(f *Facts) { f.Environment.Status = "Terminated" }, "gone", Fault, "terminated"},
		"clients' 4xx": {Target{State: healthy}, func(f *Facts) {
			f.Health = &Health{Causes: []string{"40 % of the requests are failing with HTTP 4xx."}}
		}, "clients-4xx", Warning, "host conditions"},
		"clients' 5xx": {Target{State: healthy}, func(f *Facts) {
			f.Health = &Health{Causes: []string{"40 % of the requests are failing with HTTP 5xx."}}
		}, "clients-5xx", Fault, "views that clients use fail"},
		"one process of two": {Target{State: healthy}, func(f *Facts) {
			f.Groups = append(f.Groups, TargetGroup{Process: "feed", Path: "/feed/", SuccessCodes: "200", Targets: []Target{mismatch("404")}})
		}, "not-found", Fault, "1 of 1 target of process feed unhealthy"},
		"a single instance's 4xx": {Target{}, func(f *Facts) {
			f.Groups, f.Health = nil, &Health{Causes: []string{"40 % of the requests are failing with HTTP 4xx."}}
		}, "clients-4xx", Warning, "let nginx turn unknown hosts away"},
		"a single instance's 5xx": {Target{}, func(f *Facts) {
			f.Groups, f.Health = nil, &Health{Causes: []string{"40 % of the requests are failing with HTTP 5xx."}}
		}, "clients-5xx", Fault, "nginx without the app behind it"},
		"a worker's 4xx": {Target{}, func(f *Facts) {
			f.Groups, f.Environment.Tier, f.Health = nil, "Worker", &Health{Causes: []string{"40 % of the requests are failing with HTTP 4xx."}}
			f.Settings = []option.Setting{set("aws:elasticbeanstalk:sqsd", "HttpPath", "/jobs/")}
		}, "worker-4xx", Fault, "POST http://localhost/jobs/"},
		"a worker's 5xx": {Target{}, func(f *Facts) {
			f.Groups, f.Environment.Tier, f.Health = nil, "Worker", &Health{Causes: []string{"40 % of the requests are failing with HTTP 5xx."}}
		}, "worker-5xx", Fault, "dead-letter queue"},
		"a worker that redirects": {Target{}, func(f *Facts) {
			f.Groups, f.Environment.Tier, f.Health = nil, "Worker", &Health{Requests: &Requests{Count: 9, Status3xx: 100}}
		}, "worker-3xx", Fault, "SECURE_SSL_REDIRECT"},
		"hidden by 301": {Target{State: healthy}, func(f *Facts) {
			f.Health = &Health{Requests: &Requests{Count: 20, Status3xx: 100}}
		}, "healthy-by-301", Warning, "although no view works"},
		"drift": {Target{State: healthy}, func(f *Facts) {
			f.Settings = []option.Setting{set(processes+"default", "MatcherHTTPCode", "200")}
		}, "target-group-drift", Warning, "MatcherHTTPCode is 200-301, the option says 200"},
		"overridden": {Target{State: healthy}, func(f *Facts) {
			f.Settings = []option.Setting{set("aws:elasticbeanstalk:command", "DeploymentPolicy", "AllAtOnce")}
			f.Declared = []option.Setting{set("aws:elasticbeanstalk:command", "DeploymentPolicy", "Rolling")}
		}, "option-overridden", Warning, `DeploymentPolicy is "AllAtOnce", the template says "Rolling"`},
		"from elsewhere": {Target{State: healthy}, func(f *Facts) {
			f.Settings, f.Declared = []option.Setting{set(properties, "DEBUG", "1")}, []option.Setting{}
		}, "option-elsewhere", Info, ".ebextensions"},
		"an error": {Target{State: healthy}, func(f *Facts) {
			f.Environment.Colour = "Red"
			f.Events = []Event{{Severity: "WARN", Message: "Health has changed"}, {Severity: "ERROR", Message: "Failed to deploy application."}, {Severity: "INFO", Message: "completed successfully"}}
		}, "event", Fault, "Elastic Beanstalk says: Failed to deploy application."},
		"retired": {Target{State: healthy}, func(f *Facts) { f.Platform = &Platform{Branch: "Python 3.8", BranchState: "Retired"} }, "branch-retired", Warning, "supported branch"},
	} {
		t.Run(name, func(t *testing.T) {
			f := environment(test.target)
			if test.change != nil {
				test.change(&f)
			}
			for _, r := range Explain(f) {
				if r.ID != test.id {
					continue
				}
				if r.Level != test.level {
					t.Errorf("is %s, want %s", r.Level, test.level)
				}
				if all := r.Summary + " " + r.Meaning + " " + r.Change; !strings.Contains(all, test.says) {
					t.Errorf("%q does not say %q", all, test.says)
				}
				return
			}
			t.Errorf("no reason %s among %+v", test.id, Explain(f))
		})
	}
}

// What is not wrong is not said.
func TestNothingToExplain(t *testing.T) {
	f := environment(Target{State: healthy})
	f.Settings = []option.Setting{
		set(processes+"default", "MatcherHTTPCode", "200-301"), set(processes+"default", "HealthCheckPath", "/healthz/"),
		set("aws:elasticbeanstalk:command", "BatchSize", "100"), set("aws:elasticbeanstalk:healthreporting:system", "SystemType", "Enhanced"),
		set("aws:autoscaling:launchconfiguration", "SecurityGroups", "sg-1, sg-2"), set(properties, "PYTHONPATH", "/var/app/venv/bin"),
		{Namespace: "aws:autoscaling:asg", ResourceName: "AWSEBAutoScalingGroup", OptionName: "MinSize", Value: "2"},
		set("aws:elasticbeanstalk:environment", "ServiceRole", "role"),
	}
	f.Declared = []option.Setting{
		set("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"), set("aws:autoscaling:launchconfiguration", "SecurityGroups", "sg-2,sg-1"),
		set("aws:autoscaling:asg", "MinSize", "2"), set(processes+"default", "MatcherHTTPCode", "200-301"),
		{Namespace: processes + "default", OptionName: "HealthCheckPath", Unresolved: true},
	}
	f.Groups[0].Targets = append(f.Groups[0].Targets, Target{State: draining})
	f.Events = []Event{{Severity: "INFO", Message: "Environment update completed successfully."}, {Severity: "ERROR", Message: "Failed to deploy application."}}
	if reasons := Explain(f); len(reasons) > 0 {
		t.Errorf("got %+v", reasons)
	}
	f.Environment.Colour = "Yellow"
	if reasons := Explain(f); len(reasons) > 0 {
		t.Errorf("of an error that is over: %+v", reasons)
	}
	f.Environment.Colour = "Green"
	if !f.Green() {
		t.Error("is not green")
	}
}

func TestAnUnhealthyTargetIsNotGreen(t *testing.T) {
	if f := environment(mismatch("400")); f.Green() || !f.Ready() {
		t.Errorf("ready %t, green %t", f.Ready(), f.Green())
	}
}

// What others wrote does not move the terminal's cursor, and colours are there only where they are wanted.
func TestTextIsPlain(t *testing.T) {
	f := environment(Target{State: healthy})
	f.Events = []Event{{Severity: "INFO", Message: "one\x1b[2Jtwo\rthree\nfour"}}
	var plain, colourful bytes.Buffer
	if err := New(f).WriteText(&plain, time.Now(), false); err != nil {
		t.Fatal(err)
	}
	if err := New(f).WriteText(&colourful, time.Now(), true); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(plain.String(), "\x1b\r") || strings.Contains(colourful.String(), "\x1b[2J") {
		t.Errorf("control characters in %q", plain.String())
	}
	if !strings.Contains(colourful.String(), "\x1b[32mGreen/Ok\x1b[0m") {
		t.Errorf("no colour in %q", colourful.String())
	}
	if lines := strings.Split(strings.TrimSpace(plain.String()), "\n"); lines[len(lines)-1] != "verdict: green" {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
}
