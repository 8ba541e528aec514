package test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The end-to-end tests run the programs as a user does: the CDK CLI that package-lock.json pins, the app and the command
// line built from this checkout, and the local AWS.

// programs are built once, where `make` builds them too, so that an unchanged one costs nothing.
var programs = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("..")
	if err == nil {
		err = lookAt(root)
	}
	if err != nil {
		return "", err
	}
	for _, build := range [][]string{{".beanpole/bin/beanpole", "./cmd/beanpole"}, {".beanpole/bin/app", "."}} {
		command := exec.Command("go", "build", "-o", build[0], build[1])
		command.Dir = root
		if output, err := command.CombinedOutput(); err != nil {
			return "", &exec.Error{Name: "go build " + build[1], Err: errorText(output)}
		}
	}
	return root, nil
})

type errorText []byte

func (e errorText) Error() string { return string(e) }

// deployment is a directory with a cdk.json of its own, and a local AWS of its own.
type deployment struct {
	t                *testing.T
	root, dir, state string
}

// newDeployment is of its own, so that tests which have one can be parallel. It needs what `make setup` installs; without it the test fails, because a skipped one proves nothing.
func newDeployment(t *testing.T) *deployment {
	t.Helper()
	if testing.Short() {
		t.Skip("end to end: not in -short")
	}
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"node_modules/.bin/cdk", ".beanpole/python/bin/python"} {
		if _, err := os.Stat(filepath.Join(root, needed)); err != nil {
			t.Fatalf("%v: run `make setup` first", err)
		}
	}
	d := &deployment{t: t, root: root, dir: t.TempDir(), state: t.TempDir()}
	if err := os.Symlink(filepath.Join(root, ".beanpole/python"), filepath.Join(d.state, "python")); err != nil {
		t.Fatal(err)
	}
	d.configure(map[string]any{})
	return d
}

// configure writes cdk.json: the app's own, with the one environment as given.
func (d *deployment) configure(environment map[string]any) {
	d.t.Helper()
	d.configureApp(filepath.Join(d.root, "cdk.json"), filepath.Join(d.root, ".beanpole/bin/app"), func(context map[string]any) {
		config := context["beanpole"].(map[string]any)
		config["source"] = filepath.Join(d.root, "examples/mysite")
		config["environments"] = map[string]any{"production": environment}
		delete(config, "networks") // of the environments that are not deployed
	})
}

// configureApp writes cdk.json: that of an app, with the app's program and a change of its context.
func (d *deployment) configureApp(name, program string, change func(context map[string]any)) {
	d.t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		d.t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		d.t.Fatal(err)
	}
	file["app"] = program
	if change != nil {
		change(file["context"].(map[string]any))
	}
	text, err = json.MarshalIndent(file, "", "  ")
	if err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "cdk.json"), text, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// run runs a program in the deployment's directory and gives what it printed and how it ended.
func (d *deployment) run(name string, args ...string) (string, int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = d.dir
	command.Env = append(os.Environ(),
		"PATH="+filepath.Join(d.root, "node_modules/.bin")+":"+os.Getenv("PATH"),
		"CDK_VALIDATION=false", "NO_COLOR=1", "CI=true")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	if exit, ok := err.(*exec.ExitError); err != nil && !ok || ok && exit.ExitCode() < 0 {
		d.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &output)
	}
	return output.String(), command.ProcessState.ExitCode()
}

func (d *deployment) beanpole(args ...string) (string, int) {
	d.t.Helper()
	return d.run(filepath.Join(d.root, ".beanpole/bin/beanpole"), args...)
}

// aws runs a program against the local AWS.
func (d *deployment) aws(args ...string) (string, int) {
	d.t.Helper()
	return d.beanpole(append([]string{"local", "--state", d.state, "env", "--"}, args...)...)
}

// must is aws for what has to end well.
func (d *deployment) must(args ...string) string {
	d.t.Helper()
	output, code := d.aws(args...)
	if code != 0 {
		d.t.Fatalf("%s ended %d:\n%s", strings.Join(args, " "), code, output)
	}
	return output
}

func (d *deployment) startAWS() {
	d.t.Helper()
	if output, code := d.beanpole("local", "--state", d.state, "start"); code != 0 {
		d.t.Fatalf("beanpole local start ended %d:\n%s", code, output)
	}
	d.t.Cleanup(func() {
		if output, code := d.beanpole("local", "--state", d.state, "stop"); code != 0 {
			d.t.Errorf("beanpole local stop ended %d:\n%s", code, output)
		}
	})
}

// awsState is what testdata/state.py prints.
type awsState struct {
	Environments []deployed
	TargetGroups []struct{ ARN, Path, Codes string }
	Listeners    []struct {
		LoadBalancer string
		Port         int
		Protocol     string
		Rules        []struct {
			Priority       string
			Hosts          []string
			Action, Target string
		}
	}
}

// bootstrapTemplate is what `cdk bootstrap` would deploy.
var bootstrapTemplate = sync.OnceValues(func() (string, error) {
	root, err := programs()
	if err != nil {
		return "", err
	}
	command := exec.Command(filepath.Join(root, "node_modules/.bin/cdk"), "bootstrap", "--show-template")
	command.Env = append(os.Environ(), "PATH="+filepath.Join(root, "node_modules/.bin")+":"+os.Getenv("PATH"))
	output, err := command.Output()
	return string(output), err
})

// bootstrap does what `cdk bootstrap` does, which one test runs, and which takes many times as long.
func (d *deployment) bootstrap() {
	d.t.Helper()
	template, err := bootstrapTemplate()
	if err != nil {
		d.t.Fatal(err)
	}
	name := filepath.Join(d.state, "bootstrap.yaml")
	if err := os.WriteFile(name, []byte(template), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), filepath.Join(d.root, "test/testdata/bootstrap.py"), name)
}

// deployed is an environment as it is deployed.
type deployed struct {
	Name, ID, Tier, Application, Version, Bundle string
	Settings                                     map[string]string
}

// look is what stands there now, among it this many environments.
func (d *deployment) look(environments int) awsState {
	d.t.Helper()
	text := d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), filepath.Join(d.root, "test/testdata/state.py"))
	var s awsState
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		d.t.Fatalf("%v in %s", err, text)
	}
	if len(s.Environments) != environments {
		d.t.Fatalf("there are %d environments, not %d:\n%s", len(s.Environments), environments, text)
	}
	return s
}

// byTier are the environments by tier.
func (s awsState) byTier() map[string]deployed {
	found := map[string]deployed{}
	for _, e := range s.Environments {
		found[e.Tier] = e
	}
	return found
}

// traffic are the hosts that the stack's own rules send to the environment's target group, by port. The rule that Elastic
// Beanstalk keeps for the environment's CNAME is not the stack's.
func (s awsState) traffic(t *testing.T) map[int][]string {
	t.Helper()
	found := map[int][]string{}
	for _, listener := range s.Listeners {
		for _, rule := range listener.Rules {
			if rule.Action != "forward" || strings.Contains(strings.Join(rule.Hosts, " "), ".elasticbeanstalk.com") {
				continue
			}
			if rule.Target != s.TargetGroups[0].ARN {
				t.Errorf("the rule for %v forwards to %q, not to the environment's target group %q", rule.Hosts, rule.Target, s.TargetGroups[0].ARN)
			}
			found[listener.Port] = append(found[listener.Port], rule.Hosts...)
		}
	}
	return found
}

func (s awsState) defaultAction(port int) string {
	for _, listener := range s.Listeners {
		for _, rule := range listener.Rules {
			if listener.Port == port && rule.Priority == "default" {
				return rule.Action
			}
		}
	}
	return "no listener"
}

// changed are the option settings that differ.
func changed(before, after map[string]string) []string {
	var names []string
	for name, value := range after {
		if was, there := before[name]; !there || was != value {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A site's life with the real CDK CLI: made, an option changed, then a certificate, a domain and a second domain, while the
// environment stays what it is; and removed.
func TestDeployChangeDestroy(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.startAWS()
	d.must("cdk", "bootstrap")
	bootstrapped := d.resources()
	deploy := func() awsState {
		t.Helper()
		said := d.must("cdk", "deploy", "--all", "--require-approval", "never")
		state := d.look(1)
		group := state.TargetGroups[0]
		for output, value := range map[string]string{"HealthCheckPath": group.Path, "HealthCheckSuccessCodes": group.Codes} {
			if want := "." + output + " = " + value; !strings.Contains(said, want) {
				t.Errorf("the deployment does not end with %q:\n%s", want, said)
			}
		}
		return state
	}

	made := deploy()
	if output, code := d.aws("cdk", "diff", "--fail"); code != 0 {
		t.Fatalf("cdk diff after cdk deploy ended %d:\n%s", code, output)
	}
	dns := made.Listeners[0].LoadBalancer
	if got, want := made.traffic(t), map[int][]string{80: {dns}}; !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("without a domain, traffic goes by %v, want %v", got, want)
	}
	if got := made.defaultAction(80); got != "fixed-response" {
		t.Errorf("other hosts get %s on port 80, want a fixed response", got)
	}
	if g := made.TargetGroups[0]; g.Path != "/healthz/" || g.Codes != "200-301" {
		t.Errorf("the target group checks %s for %s, want /healthz/ for 200-301", g.Path, g.Codes)
	}
	if got := made.Environments[0].Settings["aws:elasticbeanstalk:application:environment ALLOWED_HOSTS"]; got != dns {
		t.Errorf("ALLOWED_HOSTS is %q, want the load balancer's name %q", got, dns)
	}

	// One option: the diff says it, and nothing else but that the deployed health check is asked for anew.
	environment := map[string]any{"healthCheck": map[string]any{"successCodes": "200-399"}}
	d.configure(environment)
	output, code := d.aws("cdk", "diff", "--fail")
	if code != 1 {
		t.Fatalf("cdk diff --fail of a changed option ended %d, want 1:\n%s", code, output)
	}
	var marked []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "│├└─ "))
		if (strings.HasPrefix(line, "[-]") || strings.HasPrefix(line, "[+]")) && !strings.Contains(line, `\"service\":\"ElasticLoadBalancingV2\"`) {
			marked = append(marked, strings.Join(strings.Fields(line), " "))
		}
	}
	if want := []string{`[-] "Value": "200-301"`, `[+] "Value": "200-399"`}; !slices.Equal(marked, want) {
		t.Errorf("cdk diff marks %q, want %q, in\n%s", marked, want, output)
	}
	output, code = d.aws(filepath.Join(d.root, ".beanpole/bin/beanpole"), "diff", "--deployed")
	if code != 0 || !strings.Contains(output, "200-399 instead of 200-301") {
		t.Errorf("beanpole diff --deployed ended %d and does not say what the target group will accept:\n%s", code, output)
	}
	widened := deploy()
	if got := widened.TargetGroups[0].Codes; got != "200-399" {
		t.Errorf("the target group accepts %s, want 200-399", got)
	}
	if got, want := changed(made.Environments[0].Settings, widened.Environments[0].Settings),
		[]string{"aws:elasticbeanstalk:environment:process:default MatcherHTTPCode"}; !slices.Equal(got, want) {
		t.Errorf("the deployment changed %q, want %q", got, want)
	}

	// A certificate and a domain, then a second domain.
	certificate := strings.TrimSpace(d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), "-c",
		"import boto3; print(boto3.client('acm').request_certificate(DomainName='www.example.com')['CertificateArn'])"))
	environment["certificateArn"] = certificate
	environment["domains"] = []string{"www.example.com"}
	d.configure(environment)
	secure := deploy()
	environment["domains"] = []string{"www.example.com", "example.com"}
	d.configure(environment)
	second := deploy()

	for _, step := range []struct {
		name          string
		before, after awsState
		hosts         []string
		changes       []string
	}{
		{"a certificate and a domain", widened, secure, []string{"www.example.com"}, []string{
			"aws:elasticbeanstalk:application:environment ALLOWED_HOSTS",
			"aws:elasticbeanstalk:application:environment SECURE_SSL_REDIRECT",
		}},
		{"a second domain", secure, second, []string{"www.example.com", "example.com"}, []string{
			"aws:elasticbeanstalk:application:environment ALLOWED_HOSTS",
		}},
	} {
		was, is := step.before.Environments[0], step.after.Environments[0]
		if was.ID != is.ID || was.Name != is.Name || was.Version != is.Version {
			t.Errorf("%s: the environment was %s %s %s and is %s %s %s", step.name, was.Name, was.ID, was.Version, is.Name, is.ID, is.Version)
		}
		if step.before.TargetGroups[0] != step.after.TargetGroups[0] {
			t.Errorf("%s: the target group was %v and is %v", step.name, step.before.TargetGroups[0], step.after.TargetGroups[0])
		}
		if got := changed(was.Settings, is.Settings); !slices.Equal(got, step.changes) {
			t.Errorf("%s changed %q, want %q", step.name, got, step.changes)
		}
		if got, want := step.after.traffic(t), map[int][]string{443: step.hosts}; !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: traffic goes by %v, want %v", step.name, got, want)
		}
		if http, https := step.after.defaultAction(80), step.after.defaultAction(443); http != "redirect" || https != "fixed-response" {
			t.Errorf("%s: other hosts get %s on port 80 and %s on port 443, want a redirect and a fixed response", step.name, http, https)
		}
		if got, want := is.Settings["aws:elasticbeanstalk:application:environment ALLOWED_HOSTS"], strings.Join(step.hosts, " "); got != want {
			t.Errorf("%s: ALLOWED_HOSTS is %q, want %q", step.name, got, want)
		}
	}

	// What was deployed turns green, over HTTP as the load balancer asks, with the redirect to HTTPS on.
	output = d.must(filepath.Join(d.root, ".beanpole/bin/beanpole"), "rehearse", "--deployed", second.Environments[0].Name)
	if verdict := lastLine(output); verdict != "verdict: healthy by 200" {
		t.Errorf("the rehearsal of what is deployed ends %q, want healthy by 200:\n%s", verdict, output)
	}

	d.must("cdk", "destroy", "--all", "--force")
	left := d.resources()
	for kind, ids := range left {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(bootstrapped[kind], id) })
		switch kind {
		case "AWS::CertificateManager::Certificate": // the test's own
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == certificate })
		case "AWS::S3::Bucket": // access logs are kept: the template says so
			ids = slices.DeleteFunc(ids, func(id string) bool { return strings.Contains(id, "accesslogs") })
		}
		if len(ids) > 0 {
			t.Errorf("cdk destroy left %s %v", kind, ids)
		}
	}
}

// resources are the ids of all there is on the local AWS, by type.
func (d *deployment) resources() map[string][]string {
	d.t.Helper()
	text := d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), "-c",
		"import os, urllib.request; print(urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/beanpole/resources').read().decode())")
	var found map[string][]string
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		d.t.Fatalf("%v in %s", err, text)
	}
	return found
}

func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return lines[len(lines)-1]
}

// The two breakages that the project exists for, each on the real synthesised app.
func TestRehearseSynthesised(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.configure(map[string]any{"certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1", "domains": []string{"www.example.com"}})
	if output, code := d.run(filepath.Join(d.root, "node_modules/.bin/cdk"), "synth", "-q"); code != 0 {
		t.Fatalf("cdk synth ended %d:\n%s", code, output)
	}
	for _, test := range []struct {
		name    string
		code    int
		verdict string
		says    []string
		change  func(name string, content []byte) []byte
	}{
		{
			name: "as it is", code: 0, verdict: "verdict: healthy by 200",
			change: func(_ string, content []byte) []byte { return content },
		},
		{
			name: "without the wrapper", code: 1, verdict: "verdict: unhealthy", says: []string{"ALLOWED_HOSTS", "10.0.1.23", "400", "www.example.com"},
			change: func(name string, content []byte) []byte {
				if name == "Procfile" {
					return bytes.Replace(content, []byte("bash beanpole-web.sh "), nil, 1)
				}
				return content
			},
		},
		{
			name: "without the redirect exemption", code: 0, verdict: "verdict: healthy by 301", says: []string{"no view ran", "https://10.0.1.23/healthz/"},
			change: func(name string, content []byte) []byte {
				if name == "mysite/settings.py" {
					return bytes.Replace(content, []byte("SECURE_REDIRECT_EXEMPT ="), []byte("REMOVED ="), 1)
				}
				return content
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			assembly := filepath.Join(t.TempDir(), "cdk.out")
			if err := os.CopyFS(assembly, os.DirFS(filepath.Join(d.dir, "cdk.out"))); err != nil {
				t.Fatal(err)
			}
			bundles, err := filepath.Glob(filepath.Join(assembly, "asset.*.zip"))
			if err != nil || len(bundles) == 0 {
				t.Fatal("no bundle in cdk.out", err)
			}
			for _, bundle := range bundles {
				rewriteZip(t, bundle, test.change)
			}
			output, code := d.beanpole("rehearse", assembly)
			if code != test.code {
				t.Errorf("ended %d, want %d", code, test.code)
			}
			if got := lastLine(output); !strings.HasPrefix(got, test.verdict) {
				t.Errorf("ends %q, want %q", got, test.verdict)
			}
			for _, want := range test.says {
				if !strings.Contains(output, want) {
					t.Errorf("does not say %q", want)
				}
			}
			if t.Failed() {
				t.Log(output)
			}
		})
	}
}

// rewriteZip changes the contents of a bundle's files.
func rewriteZip(t *testing.T, name string, change func(name string, content []byte) []byte) {
	t.Helper()
	reader, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var rewritten bytes.Buffer
	writer := zip.NewWriter(&rewritten)
	for _, file := range reader.File {
		in, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		header := file.FileHeader
		out, err := writer.CreateHeader(&zip.FileHeader{Name: header.Name, Method: zip.Deflate, ExternalAttrs: header.ExternalAttrs, CreatorVersion: header.CreatorVersion})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(change(file.Name, content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, rewritten.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
