package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		variables map[string]string
		want      settings
		parts     []string // of the error
	}{
		"an account":         {map[string]string{"AWS_SMOKE_ACCOUNT": "210987654321"}, settings{account: "210987654321"}, nil},
		"a zone":             {map[string]string{"AWS_SMOKE_ACCOUNT": "210987654321", "AWS_SMOKE_HOSTED_ZONE": "Z0123456789ABC:example.com"}, settings{account: "210987654321", zoneID: "Z0123456789ABC", zoneName: "example.com"}, nil},
		"dry":                {map[string]string{"DRY_RUN": "1"}, settings{account: "123456789012", local: true}, nil},
		"not dry":            {map[string]string{"DRY_RUN": "0", "AWS_SMOKE_ACCOUNT": "210987654321"}, settings{account: "210987654321"}, nil},
		"nothing":            {nil, settings{}, []string{"AWS_SMOKE_ACCOUNT is missing", "DRY_RUN=1"}},
		"everything wrong":   {map[string]string{"AWS_SMOKE_ACCOUNT": "yes", "AWS_SMOKE_HOSTED_ZONE": "example.com"}, settings{}, []string{`AWS_SMOKE_ACCOUNT: "yes"`, "12 digits", `AWS_SMOKE_HOSTED_ZONE: "example.com"`, "Z0123456789ABCDEFGHIJ:example.com"}},
		"answers nowhere":    {map[string]string{"DRY_RUN": "1", "AWS_SMOKE_ANSWERS": "/nowhere/at/all"}, settings{}, []string{`AWS_SMOKE_ANSWERS: "/nowhere/at/all"`}},
		"a zone without one": {map[string]string{"DRY_RUN": "1", "AWS_SMOKE_HOSTED_ZONE": "Z0123456789ABC:"}, settings{}, []string{"AWS_SMOKE_HOSTED_ZONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(func(key string) string { return c.variables[key] })
			if c.parts == nil && (err != nil || got != c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
			for _, part := range c.parts {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
		})
	}
}

func TestTheRecordTellsNothingOfTheAccount(t *testing.T) {
	r := &Record{Date: "2026-11-26", Region: "eu-central-1"}
	r.ask("events", "?", "nothing", func() (string, bool, error) {
		return "WARN arn:aws:iam::210987654321:role/beanpole-smoke-1a2b3c of i-0aa00aa00aa00aa00 at 172.31.4.5 in e-zzzzzzzzzz, AKIAABCDEFGHIJKLMNOP, secret.example.org, ZSECRETZONE", false, nil
	})
	file := filepath.Join(t.TempDir(), "answers.json")
	if err := r.write(file, [][2]string{{"ZSECRETZONE", "Z0123456789ABCDEFGHIJ"}, {"secret.example.org", "example.com"}, {"", "everything"}, {"beanpole-smoke-1a2b3c", "beanpole-smoke"}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back Record
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	want := "WARN arn:aws:iam::123456789012:role/beanpole-smoke of i-0123456789abcdef0 at 10.0.1.23 in e-abcdefghij, AKIAIOSFODNN7EXAMPLE, example.com, Z0123456789ABCDEFGHIJ"
	if got := back.Answers[0].Answer; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRedacted(t *testing.T) {
	for text, want := range map[string]string{
		"2001:db8:85a3:8d3:1319:8a2e:370:7348, 2600:1f14::ab12 and 2600:1f14:1::":                                          "an IPv6 address, an IPv6 address and an IPv6 address",
		"at 10:00:00 on 2026-11-26 in us-east-1":                                                                           "at 10:00:00 on 2026-11-26 in us-east-1",
		"arn:aws:s3:::x arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.7.0": "arn:aws:s3:::x arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.7.0",
		"vpc-0aa00aa00aa00aa0f subnet-0aa00aa0 sg-0aa00aa00aa00aa0f eni-0aa00aa00aa00aa0f eipalloc-0aa00aa00aa00aa0f":      "vpc-0123456789abcdef0 subnet-0123456789abcdef0 sg-0123456789abcdef0 eni-0123456789abcdef0 eipalloc-0123456789abcdef0",
		"RequestID: 8f3c1a2b-0000-4000-8000-0123abcd4567, HostID: aB+/x=":                                                  "RequestID: ID, HostID: ID",
		"(Service: S3, Status Code: 400, Request ID: 4442587FB7D0A2F9)":                                                    "(Service: S3, Status Code: 400, Request ID: ID)",
		"token 8f3c1a2b-0000-4000-8000-0123abcd4567":                                                                       "token 01234567-89ab-cdef-0123-456789abcdef",
		"Environment named beanpole-smoke-1a2b3c-live-web-Envir-1A2B3C4D5E6F7 is UPDATE_ROLLBACK_COMPLETE":                 "Environment named NAME is UPDATE_ROLLBACK_COMPLETE",
		"targetgroup/awseb-AWSEB-X1/50dc6c495c0c9188 of lb-1.eu-central-1.elb.amazonaws.com":                               "targetgroup/awseb-AWSEB-X1/0123456789abcdef of NAME.elb.amazonaws.com",
		"live.eba-ab12cd34.eu-central-1.elasticbeanstalk.com":                                                              "NAME.elasticbeanstalk.com",
		"https://x/y?X-Amz-Security-Token=abc%2F&X-Amz-Signature=012":                                                      "https://x/y?X-Amz-Security-Token=SIGNED&X-Amz-Signature=SIGNED",
	} {
		got := redacted(text, nil)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
		if again := redacted(got, nil); again != got {
			t.Errorf("what is redacted is not as it was: %s, then %s", got, again)
		}
	}
	run := &test{name: "beanpole-smoke-1a2b3c", names: []string{"bean-Env", "bean-Env-aB3", "bean-Env-aB3/x"}}
	if got, want := redacted("beanpole-smoke-1a2b3c: bean-Env-aB3/x, bean-Env-aB3, bean-Env", run.secrets()), "beanpole-smoke: NAME, NAME, NAME"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDifferences(t *testing.T) {
	failed := errors.New("cdk diff --fail: exit status 1")
	for name, c := range map[string]struct {
		said   string
		err    error
		answer string
		holds  bool
		why    string
	}{
		"none":                  {"✨  Number of stacks with differences: 0\n", nil, "no differences", true, ""},
		"one":                   {"[~] AWS::X\n\n✨  Number of stacks with differences: 1\n", failed, "differences", false, ""},
		"the app cannot be run": {"x: not found\nSubprocess exited with error 127\n", failed, "", false, "cdk diff --fail: exit status 1: Subprocess exited with error 127"},
		"nothing was said":      {"", failed, "", false, "cdk diff --fail: exit status 1: "},
	} {
		answer, holds, err := differences(c.said, c.err)
		if answer != c.answer || holds != c.holds || (err != nil) != (c.why != "") || err != nil && err.Error() != c.why {
			t.Errorf("%s: %q, %v, %v", name, answer, holds, err)
		}
	}
}

func TestWhatHolds(t *testing.T) {
	yes := func() (string, bool, error) { return "yes", true, nil }
	no := func() (string, bool, error) { return "no", false, nil }
	unasked := func() (string, bool, error) { return "half", true, onlyAWS }
	for name, c := range map[string]struct {
		record Record
		asked  []func() (string, bool, error)
		want   bool
	}{
		"all":                          {Record{}, []func() (string, bool, error){yes, yes}, true},
		"not one":                      {Record{}, []func() (string, bool, error){yes, no}, false},
		"interrupted":                  {Record{Interrupted: true}, []func() (string, bool, error){yes}, false},
		"not asked on this computer":   {Record{Local: true}, []func() (string, bool, error){yes, unasked}, true},
		"not asked on the real AWS":    {Record{}, []func() (string, bool, error){yes, unasked}, false},
		"wrong on this computer's AWS": {Record{Local: true}, []func() (string, bool, error){no}, false},
	} {
		for _, find := range c.asked {
			c.record.ask("id", "question", "yes", find)
		}
		if got := c.record.holds(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, a := range c.record.Answers {
			if a.NotAsked != "" && (a.Holds || a.Answer != "") {
				t.Errorf("%s: what was not asked has the answer %q", name, a.Answer)
			}
		}
	}
}

func TestDescribeRules(t *testing.T) {
	rule := func(priority, group string, hosts ...string) elb.Rule {
		r := elb.Rule{Priority: &priority, IsDefault: aws.Bool(priority == "default"), Actions: []elb.Action{{Type: elb.ActionTypeEnumFixedResponse}}}
		if group != "" {
			r.Actions = []elb.Action{{Type: elb.ActionTypeEnumForward, TargetGroupArn: &group}}
		}
		if len(hosts) > 0 {
			r.Conditions = []elb.RuleCondition{{HostHeaderConfig: &elb.HostHeaderConditionConfig{Values: hosts}}}
		}
		return r
	}
	s := snapshot{cname: "live.eba-x.eu-central-1.elasticbeanstalk.com", dnsName: "lb-1.eu-central-1.elb.amazonaws.com", targetGroup: "ours"}
	for name, c := range map[string]struct {
		rules []elb.Rule
		want  string
		sound bool
	}{
		"as expected": {[]elb.Rule{rule("default", ""), rule("100", "ours", "LB-1.eu-central-1.elb.amazonaws.com"), rule("1", "ours", "live.eba-x.eu-central-1.elasticbeanstalk.com")},
			"port 80: 1 the environment's CNAME: forward to the target group; 100 the load balancer's name: forward to the target group; default: fixed-response", true},
		"a catch-all before ours": {[]elb.Rule{rule("1", "ours"), rule("100", "ours", "www.example.com")},
			"port 80: 1 : forward to the target group; 100 www.example.com: forward to the target group", false},
		"another target group":         {[]elb.Rule{rule("100", "theirs", "www.example.com")}, "port 80: 100 www.example.com: forward elsewhere", false},
		"everything else is forwarded": {[]elb.Rule{rule("default", "ours")}, "port 80: default: forward to the target group", false},
	} {
		if text, sound := s.describe(listener{80, c.rules}); text != c.want || sound != c.sound {
			t.Errorf("%s: %q, %v; want %q, %v", name, text, sound, c.want, c.sound)
		}
	}
}

func TestLogs(t *testing.T) {
	const logs = `Nov 26 10:00:00 ip-10-0-1-23 web[1234]: beanpole: INSTANCE_IP=10.0.1.23 from the metadata service; added to ALLOWED_HOSTS
10.0.0.7 - - [26/Nov/2026:10:00:01 +0000] "GET /healthz/ HTTP/1.1" 200 3 "-" "ELB-HealthChecker/2.0" "-"
10.0.0.9 - - [26/Nov/2026:10:00:02 +0000] "GET /healthz/ HTTP/1.1" 200 3 "-" "ELB-HealthChecker/2.0" "-"
10.0.0.9 - - [26/Nov/2026:10:00:02 +0000] "GET /nowhere HTTP/1.1" 404 3 "-" "curl/8" "-"
`
	for name, c := range map[string]struct {
		find   func(string) (string, bool, error)
		logs   string
		answer string
		holds  bool
	}{
		"the address":          {wrapperSays, logs, "INSTANCE_IP=10.0.1.23 from the metadata service; added to ALLOWED_HOSTS", true},
		"from the route":       {wrapperSays, "beanpole: INSTANCE_IP=10.0.1.23 from the default route, as the metadata service gave no IPv4 address; added to ALLOWED_HOSTS", "INSTANCE_IP=10.0.1.23 from the default route, as the metadata service gave no IPv4 address; added to ALLOWED_HOSTS", false},
		"no wrapper":           {wrapperSays, "gunicorn", "nothing", false},
		"checks":               {checksAnswered, logs, "200 alone", true},
		"a check answered 400": {checksAnswered, logs + `10.0.0.7 - - [x] "GET /healthz/ HTTP/1.1" 400 3 "-" "ELB-HealthChecker/2.0"`, "map[200:2 400:1]", false},
		"no checks":            {checksAnswered, "gunicorn", "map[]", false},
	} {
		if answer, holds, err := c.find(c.logs); answer != c.answer || holds != c.holds || err != nil {
			t.Errorf("%s: %q, %v, %v; want %q, %v", name, answer, holds, err, c.answer, c.holds)
		}
	}
	if _, _, err := checksAnswered(""); err == nil {
		t.Error("logs that are not there have an answer")
	}
}

func TestStatus(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked++; {
		case r.Host == "www.example.com" && r.URL.Path == "/healthz/" && asked > 1: // the first one comes too early
			w.WriteHeader(200)
		case r.Host == "moved.example.com":
			http.Redirect(w, r, "https://moved.example.com/", 301)
		default:
			w.WriteHeader(404)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		host     string
		want     int
		answer   string
		holds    bool
		patience time.Duration
	}{
		{"www.example.com", 200, "200", true, 30 * time.Second},
		{"moved.example.com", 301, "301", true, 30 * time.Second},
		{"other.example.com", 200, "404", false, 20 * time.Millisecond},
	} {
		if answer, holds, err := status(context.Background(), server.URL+"/healthz/", c.host, c.want, c.patience); answer != c.answer || holds != c.holds || err != nil {
			t.Errorf("%s: %q, %v, %v; want %q, %v", c.host, answer, holds, err, c.answer, c.holds)
		}
	}
	server.Close()
	if answer, holds, err := status(context.Background(), server.URL, "www.example.com", 200, 20*time.Millisecond); answer != "no answer" || holds || err != nil {
		t.Errorf("of a server that is gone: %q, %v, %v", answer, holds, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := status(ctx, server.URL, "www.example.com", 200, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupt is %v", err)
	}
}

func TestGone(t *testing.T) {
	for _, c := range []struct {
		code, message string
		want          bool
	}{
		{"ValidationError", "Stack with id x does not exist", true},
		{"ValidationError", "Stack x cannot be deleted while in status UPDATE_IN_PROGRESS", false},
		{"AccessDenied", "does not exist for you", false},
		{"NoSuchBucket", "", true},
		{"LoadBalancerNotFound", "", true},
		{"Throttling", "Rate exceeded", false},
	} {
		if got := gone(&smithy.GenericAPIError{Code: c.code, Message: c.message}); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.code, c.message, got, c.want)
		}
	}
	if gone(errors.New("connection refused")) || gone(nil) {
		t.Error("what cannot be asked counts as gone")
	}
}

func TestAFaultIsAnError(t *testing.T) {
	err := guarded(func() error { return []error{}[len(os.Args)-len(os.Args)] })
	if err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("a fault is %v", err)
	}
	if err := guarded(func() error { return nil }); err != nil {
		t.Errorf("none is %v", err)
	}
}

// Only a bucket that a run has made is emptied.
func TestABucketOfAnotherNameIsLeftAlone(t *testing.T) {
	if err := (&test{}).deleteBucket(context.Background(), "elasticbeanstalk-eu-central-1-123456789012"); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("the error is %v", err)
	}
}

// Elastic Beanstalk's bucket holds the files of other environments, too.
func TestOnlyFilesOfThisEnvironmentAreOwned(t *testing.T) {
	run := &test{ids: []string{"e-abcdefghij"}, bundles: []string{"2026330abc-mysite.zip"}}
	for key, want := range map[string]bool{
		"resources/environments/e-abcdefghij/_runtime/x":                 true,
		"resources/environments/logs/tail/e-abcdefghij/i-0aa/x.txt":      true,
		"2026330abc-mysite.zip":                                          true,
		"2026330abc-mysite.zip.of-somebody-else":                         false,
		"resources/environments/e-zzzzzzzzzz/_runtime/x":                 false,
		"resources/environments/logs/publish/e-zzzzzzzzzz/e-abcdefghij/": false,
		"": false,
	} {
		if got := run.owns(key); got != want {
			t.Errorf("%q: %v, want %v", key, got, want)
		}
	}
	// Of an environment that nobody has seen there are none, and nobody is asked.
	if keys, err := (&test{}).instanceFiles(context.Background()); len(keys) != 0 || err != nil {
		t.Errorf("without an environment: %v, %v", keys, err)
	}
}

// The zone is the user's, and so is what else is in it.
func TestOnlyRecordsOfThisRunAreOwned(t *testing.T) {
	run := &test{name: "beanpole-smoke-1a2b3c", settings: settings{zoneName: "example.com"}}
	for name, want := range map[string]bool{
		"beanpole-smoke-1a2b3c.example.com.":           true,
		"www.beanpole-smoke-1a2b3c.example.com.":       true,
		"_0123.www.beanpole-smoke-1a2b3c.example.com.": true,
		"example.com.":                                     false,
		"www.example.com.":                                 false,
		"_0123.example.com.":                               false,
		"beanpole-smoke-ffffff.example.com.":               false,
		"my-beanpole-smoke-1a2b3c.example.com.":            false,
		"www.beanpole-smoke-1a2b3c.example.com.other.org.": false,
	} {
		if got := run.ownsRecord(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// What somebody has recorded holds, or the code has to follow; and the README calls unverified what nobody has.
func TestTheRecordedAnswers(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	unverified := strings.Contains(string(readme), "Nobody has run it yet")
	text, err := os.ReadFile("answers.json")
	if os.IsNotExist(err) {
		if !unverified {
			t.Error("there are no answers, and the README does not say so")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if unverified {
		t.Error("there are answers: let the README say what they are")
	}
	if r.Local || !r.holds() {
		t.Errorf("the answers are of a local AWS, or of a run that ended before its end, or do not hold:\n%s", r.text())
	}
	if clean := redacted(string(text), nil); clean != string(text) {
		t.Error("the answers tell whose account they are of")
	}
}

// The questions that the README names are asked.
func TestTheREADMENamesQuestions(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, name := range []string{"questions.go", "remove.go", "test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	_, paragraph, _ := strings.Cut(string(readme), "\n`make aws-smoke` asks")
	paragraph, _, _ = strings.Cut(paragraph, "\n\n")
	named := regexp.MustCompile("`([a-z-]+)(-…)?`").FindAllStringSubmatch(paragraph, -1)
	if len(named) < 10 {
		t.Errorf("the README names %q", named)
	}
	for _, match := range named {
		if id := match[1]; match[2] == "" && !strings.Contains(sources.String(), `"`+id+`"`) || match[2] != "" && !strings.Contains(sources.String(), `"`+strings.ReplaceAll(id, "-", " ")+`"`) {
			t.Errorf("nothing asks %q", id)
		}
	}
}
