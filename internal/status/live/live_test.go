package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/internal/status"
	"example.com/beanpole-cdk/internal/status/live"
)

// The files in testdata are answers in the form of the API reference, with made-up names: green is a healthy environment,
// the other directories hold what differs from it.
func answers(t *testing.T, scenario string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		action := r.Form.Get("Action")
		body := answer(scenario, action, r.Form)
		if body == nil {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>%s with id %s does not exist</Message></Error><RequestId>1</RequestId></ErrorResponse>",
				action, r.Form.Get("StackName"))
			return
		}
		fmt.Fprintf(w, "<%sResponse><%[1]sResult>%s</%[1]sResult></%[1]sResponse>", action, body)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	return server
}

func answer(scenario, action string, form url.Values) []byte {
	switch action {
	case "DescribeEnvironments":
		name := form.Get("EnvironmentNames.member.1") + form.Get("EnvironmentIds.member.1")
		if name != "" && name != "shop-prod" && name != "e-abcdefghij" {
			return []byte("<Environments/>")
		}
	case "ListStackResources":
		switch form.Get("StackName") {
		case "shop-production-web":
			action += "-web"
		case "shop-failed-web":
			return []byte(`<StackResourceSummaries><member><LogicalResourceId>WebResource</LogicalResourceId><PhysicalResourceId>shop-failed</PhysicalResourceId>
				<ResourceType>AWS::ElasticBeanstalk::Environment</ResourceType><ResourceStatus>DELETE_COMPLETE</ResourceStatus></member></StackResourceSummaries>`)
		case "awseb-e-abcdefghij-stack":
		default:
			return nil
		}
	}
	for _, dir := range []string{scenario, "green"} {
		if body, err := os.ReadFile(filepath.Join("testdata", dir, action+".xml")); err == nil {
			return body
		}
	}
	return nil
}

func facts(t *testing.T, scenario string) status.Facts {
	t.Helper()
	answers(t, scenario)
	client, err := live.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.Named("shop-prod").Facts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestGreen(t *testing.T) {
	f := facts(t, "green")
	report := status.New(f)
	if !report.Green || report.Verdict != "green" || len(report.Reasons) != 0 {
		t.Errorf("verdict %q, reasons %+v", report.Verdict, report.Reasons)
	}
	if len(f.Notes) != 0 {
		t.Errorf("not known: %q", f.Notes)
	}
	e := f.Environment
	if e.ID != "e-abcdefghij" || e.Tier != "WebServer" || e.Stack != "shop-production-web" || e.Platform != "Python 3.13 running on 64bit Amazon Linux 2023/4.13.7" || e.Region != "eu-central-1" {
		t.Errorf("environment %+v", e)
	}
	if len(f.Instances) != 2 || f.Instances[0].Load != 0.12 || f.Instances[1].Version != "v42" {
		t.Errorf("instances %+v", f.Instances)
	}
	if f.Health == nil || f.Health.Requests == nil || f.Health.Requests.Count != 21 || f.Health.Requests.P90 != 0.012 {
		t.Errorf("health %+v", f.Health)
	}
	if len(f.Groups) != 1 || f.Groups[0].Process != "default" || f.Groups[0].SuccessCodes != "200-301" || len(f.Groups[0].Targets) != 2 || !f.Groups[0].InUse {
		t.Errorf("groups %+v", f.Groups)
	}
	if f.Platform == nil || !f.Platform.Recommended || f.Platform.Newest != "" {
		t.Errorf("platform %+v", f.Platform)
	}
}

// What the answers of each scenario lead to, in the report that is printed and nowhere a secret.
func TestWhy(t *testing.T) {
	for scenario, want := range map[string]struct {
		ids  []string
		says []string
	}{
		"host-400": {[]string{"allowed-hosts", "event", "fails-open"}, []string{
			"2 of 2 targets unhealthy: GET /healthz/ is answered 400 Bad Request", "ALLOWED_HOSTS", "100.0 % of the requests are erroring with HTTP 4xx", "[value of PAYMENT_KEY]",
			"verdict: not green (Ready, Red/Severe, 0 of 2 targets healthy)"}},
		"redirect-301": {[]string{"redirect", "target-group-drift", "option-overridden", "branch-retiring", "fails-open", "option-elsewhere"}, []string{
			"GET / is answered 301 Moved Permanently, and the success codes are 200", "SECURE_SSL_REDIRECT is on",
			"HealthCheckPath is /, the option says /healthz/; MatcherHTTPCode is 200, the option says 200-301",
			`aws:autoscaling:asg MaxSize is "8", the template says "4"`, "aws:elasticbeanstalk:application:environment PAYMENT_KEY",
			`aws:elasticbeanstalk:container:python NumThreads is "20"`, `"Python 3.11 running on 64bit Amazon Linux 2023" is retiring`, `"Python 3.14 running on 64bit Amazon Linux 2023"`}},
		"timeout": {[]string{"timeout", "fails-open"}, []string{"is not answered within 5 seconds", "security group"}},
		"basic":   {[]string{"no-health"}, []string{"verdict: not green (Ready, Grey, 2 of 2 targets healthy)"}},
	} {
		t.Run(scenario, func(t *testing.T) {
			report := status.New(facts(t, scenario))
			var ids []string
			for _, r := range report.Reasons {
				ids = append(ids, r.ID)
			}
			if fmt.Sprint(ids) != fmt.Sprint(want.ids) {
				t.Errorf("reasons %v, want %v", ids, want.ids)
			}
			var text, asJSON bytes.Buffer
			if err := errors.Join(report.WriteText(&text, time.Date(2026, 9, 2, 11, 0, 0, 0, time.UTC), false), report.WriteJSON(&asJSON)); err != nil {
				t.Fatal(err)
			}
			flat := strings.Join(strings.Fields(text.String()), " ")
			for _, part := range want.says {
				if !strings.Contains(flat, part) {
					t.Errorf("%q is not in:\n%s", part, text.String())
				}
			}
			for _, secret := range []string{"correct-horse-battery", "another-horse-entirely"} {
				if strings.Contains(text.String()+asJSON.String(), secret) {
					t.Errorf("a secret is printed")
				}
			}
			if lines := strings.Count(text.String(), "\n"); lines > 60 {
				t.Errorf("%d lines are more than a screen", lines)
			}
		})
	}
}

func TestInStack(t *testing.T) {
	answers(t, "green")
	client, err := live.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	environments, err := client.InStack(context.Background(), "shop-production-web")
	if err != nil || len(environments) != 1 || environments[0].Name() != "shop-prod" {
		t.Fatalf("%v, %v", environments, err)
	}
	if f, err := environments[0].Facts(context.Background()); err != nil || f.Environment.Name != "shop-prod" || f.Environment.Stack != "shop-production-web" || f.Declared == nil {
		t.Errorf("got %+v, %v", f.Environment, err)
	}
	for stack, says := range map[string]string{"shop-staging-web": "stack shop-staging-web is not deployed yet", "awseb-e-abcdefghij-stack": "the environment of stack",
		"shop-failed-web": "the environment of stack shop-failed-web is not deployed yet"} {
		if _, err := client.InStack(context.Background(), stack); !errors.Is(err, live.ErrNotThere) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", stack, err)
		}
	}
}

// What one may not ask is said, and the rest is still there.
func TestWhatCannotBeAskedIsANote(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("testdata/green", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/green/DescribeEnvironments.xml", []byte(`<Environments><member><EnvironmentName>shop-prod</EnvironmentName>
		<ApplicationName>shop</ApplicationName><EnvironmentId>e-abcdefghij</EnvironmentId><Status>Ready</Status><Health>Green</Health><HealthStatus>Ok</HealthStatus></member></Environments>`), 0o644); err != nil {
		t.Fatal(err)
	}
	f := facts(t, "green")
	if !f.Green() || len(f.Notes) != 5 {
		t.Errorf("got %+v", f)
	}
	for _, note := range f.Notes {
		if strings.Contains(note, "\n") || strings.Contains(note, "https response error") {
			t.Errorf("note %q", note)
		}
	}
}

func TestNoSuchEnvironment(t *testing.T) {
	answers(t, "green")
	client, err := live.New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Named("shop-pord").Facts(context.Background()); err == nil || !strings.Contains(err.Error(), `no environment "shop-pord" in eu-central-1 (there are: shop-prod)`) {
		t.Errorf("got %v", err)
	}
	if all, err := client.Environments(context.Background()); err != nil || len(all) != 1 {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestSays(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*httptest.Server)
		says   string
	}{
		"that AWS is away": {func(s *httptest.Server) { s.Close() }, "cannot be reached"},
		"that credentials are missing": {func(*httptest.Server) {
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		}, "no AWS credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			server := answers(t, "green")
			test.change(server)
			client, err := live.New(context.Background())
			if err == nil {
				_, err = client.Named("shop-prod").Facts(context.Background())
			}
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}
