package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answersOf serves the recorded answers of a scenario, those of "green" where it has none; "none" has no environment.
func answersOf(t *testing.T, scenario string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		action, file := r.Form.Get("Action"), r.Form.Get("Action")
		var body []byte
		switch {
		case scenario == "none" && action == "DescribeEnvironments":
			body = []byte("<Environments/>")
		case action == "ListStackResources" && r.Form.Get("StackName") == "shop-staging-web":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id shop-staging-web does not exist</Message></Error></ErrorResponse>")
			return
		case action == "ListStackResources" && strings.HasPrefix(r.Form.Get("StackName"), "two-"):
			body = []byte("<StackResourceSummaries>")
			for _, name := range []string{"shop-prod", strings.TrimPrefix(r.Form.Get("StackName"), "two-")} {
				body = fmt.Appendf(body, "<member><LogicalResourceId>Web</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId>"+
					"<ResourceType>AWS::ElasticBeanstalk::Environment</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>", name)
			}
			body = append(body, "</StackResourceSummaries>"...)
		case action == "DescribeEnvironments" && strings.HasPrefix(r.Form.Get("EnvironmentNames.member.1"), "tasks-"):
			// A second environment, in the colour of its name.
			name := r.Form.Get("EnvironmentNames.member.1")
			body, _ = os.ReadFile("../../internal/status/live/testdata/green/DescribeEnvironments.xml")
			body = []byte(strings.NewReplacer("shop-prod<", name+"<", "Green<", strings.TrimPrefix(name, "tasks-")+"<").Replace(string(body)))
		case action == "ListStackResources" && !strings.HasPrefix(r.Form.Get("StackName"), "awseb-"):
			file += "-web"
		}
		for _, dir := range []string{scenario, "green"} {
			if body == nil {
				body, _ = os.ReadFile(filepath.Join("../../internal/status/live/testdata", dir, file+".xml"))
			}
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
}

func TestStatus(t *testing.T) {
	for name, test := range map[string]struct {
		scenario  string
		arguments string
		exit      int
		out, err  string
	}{
		"green":               {"green", "shop-prod", 0, "verdict: green", ""},
		"the only one":        {"green", "", 0, "verdict: green", ""},
		"by stack":            {"green", "--stack shop-production-web", 0, "verdict: green", ""},
		"waits, green":        {"green", "--stack shop-production-web --wait --timeout 10s", 0, "verdict: green", "Ready, Green/Ok, 2 of 2 targets healthy"},
		"waits, ready":        {"host-400", "shop-prod --wait=ready --timeout 10s", 0, "", "Ready, Red/Severe, 0 of 2 targets healthy"},
		"first deployment":    {"green", "--stack shop-staging-web --wait=ready", 0, "", "ready for the first deployment"},
		"red":                 {"host-400", "shop-prod", 1, "answered 400", ""},
		"waits in vain":       {"host-400", "shop-prod --wait --timeout 1s", 1, "verdict: not green", "not green in time"},
		"no such stack":       {"green", "--stack shop-staging-web", 2, "", "is not deployed yet"},
		"no such stack, wait": {"green", "--stack shop-staging-web --wait", 2, "", "is not deployed yet"},
		"two, green":          {"green", "--stack two-tasks-Green", 0, "verdict: green, all 2 environments", ""},
		"two, one is not":     {"green", "--stack two-tasks-Yellow", 1, "verdict: not green: tasks-Yellow\n", ""},
		"two, neither is":     {"host-400", "--stack two-tasks-Green", 1, "verdict: not green: shop-prod, tasks-Green\n", ""},
		"waits for both":      {"green", "--stack two-tasks-Green --wait --timeout 10s", 0, "verdict: green, all 2", "s  tasks-Green: Ready, Green/Ok"},
		"waits, one is not":   {"green", "--stack two-tasks-Yellow --wait --timeout 2s", 1, "verdict: not green: tasks-Yellow\n", "tasks-Yellow: not green in time"},
		"waits, both ready":   {"green", "--stack two-tasks-Yellow --wait=ready --timeout 10s", 0, "", "s  tasks-Yellow: Ready, Yellow"},
		"two, one is gone":    {"none", "--stack two-tasks-Green", 2, "", `shop-prod: no environment "shop-prod" in eu-central-1`},
		"none":                {"none", "", 0, "There is no environment in eu-central-1", ""},
		"not that one":        {"none", "shop", 2, "", `no environment "shop" in eu-central-1 (there is none)`},
		"two names":           {"green", "shop-prod --stack shop-production-web", 2, "", "give ENVIRONMENT or --stack"},
		"wait for what":       {"green", "--wait", 2, "", "--wait needs"},
		"wait for yellow":     {"green", "shop-prod --wait=yellow", 2, "", "want green or ready"},
		"no time":             {"green", "shop-prod --wait --timeout 0s", 2, "", "--timeout"},
		"time for nothing":    {"green", "shop-prod --timeout 5m", 2, "", "--timeout is for --wait"},
	} {
		t.Run(name, func(t *testing.T) {
			answersOf(t, test.scenario)
			exit, out, problem := runStatus(strings.Fields(test.arguments)...)
			if exit != test.exit || !strings.Contains(out, test.out) || !strings.Contains(problem, test.err) {
				t.Errorf("exit code %d, want %d; output:\n%s\nerrors:\n%s", exit, test.exit, out, problem)
			}
			if test.out == "" && out != "" {
				t.Errorf("prints:\n%s", out)
			}
		})
	}
}

// runStatus returns the exit code, the output, and what goes to standard error.
func runStatus(arguments ...string) (exit int, out, problem string) {
	cmd := newStatusCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(arguments)
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		failed := &exitError{code: 2}
		errors.As(err, &failed)
		exit = failed.code
		fmt.Fprintln(&stderr, err)
	}
	return exit, stdout.String(), stderr.String()
}

func TestStatusOfTwoAsJSON(t *testing.T) {
	answersOf(t, "green")
	exit, out, _ := runStatus("--stack", "two-tasks-Yellow", "--json")
	var reports []struct {
		Green       bool
		Environment struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &reports); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if exit != 1 || len(reports) != 2 || reports[0].Environment.Name != "shop-prod" || !reports[0].Green || reports[1].Environment.Name != "tasks-Yellow" || reports[1].Green {
		t.Errorf("exit code %d, reports %+v", exit, reports)
	}
}

func TestStatusAsJSON(t *testing.T) {
	answersOf(t, "redirect-301")
	exit, out, _ := runStatus("shop-prod", "--json")
	var report struct {
		Format, Verdict string
		Ready, Green    bool
		Reasons         []struct{ Level, ID, Summary string }
		TargetGroups    []struct {
			Targets []struct{ State, Reason string }
		}
		Events []any
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if exit != 1 || report.Format != "beanpole-status/1" || !report.Ready || report.Green || report.Reasons[0].ID != "redirect" ||
		len(report.TargetGroups) != 1 || report.TargetGroups[0].Targets[0].Reason != "Target.ResponseCodeMismatch" || len(report.Events) != 2 {
		t.Errorf("exit code %d, report %+v", exit, report)
	}
	if strings.Contains(out, "horse") {
		t.Error("a secret is printed")
	}
}
