package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

// importerProgram is the program of examples/importer, somebody else's app in a module of its own: what it uses is exported,
// and go.sum is complete.
func importerProgram(t *testing.T) (program, directory string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	directory = filepath.Join(root, "examples/importer")
	program = filepath.Join(t.TempDir(), "importer")
	build := exec.Command("go", "build", "-mod=readonly", "-o", program, ".")
	build.Dir = directory
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program, directory
}

func TestSomebodyElsesAppUsesTheConstructs(t *testing.T) {
	t.Parallel()
	program, directory := importerProgram(t)
	r := runApp(t, program, directory, nil)
	if r.exit != 0 || r.output != "" {
		t.Fatalf("the app ends with %d and says:\n%s", r.exit, r.output)
	}
	shop := templatetest.Read(t, r.directory)["Shop"]

	const site, feed = "${Shop/Web/TargetGroupARN.StackResourceDetail.PhysicalResourceId}", "${Shop/Web/TargetGroupARN-feed}"
	for rule, want := range map[string]map[string]string{
		"Shop/Site": {
			"Actions":    `[{"TargetGroupArn":"` + site + `","Type":"forward"}]`,
			"Conditions": `[{"Field":"host-header","HostHeaderConfig":{"Values":["${House/LoadBalancer.DNSName}"]}}]`,
		},
		"Shop/Feed": {
			"Actions":    `[{"TargetGroupArn":"` + feed + `","Type":"forward"}]`,
			"Conditions": `[{"Field":"path-pattern","PathPatternConfig":{"Values":["/feed/*"]}},{"Field":"host-header","HostHeaderConfig":{"Values":["${House/LoadBalancer.DNSName}"]}}]`,
		},
	} {
		requireProperties(t, shop.Resources[rule], want)
	}

	web, worker := shop.Resources["Shop/Web"], shop.Resources["Shop/Worker"]
	requireProperties(t, web, map[string]string{"Tier": `{"Name":"WebServer","Type":"Standard"}`, "ApplicationName": "${Shop/Web/Application}"})
	requireProperties(t, worker, map[string]string{"Tier": `{"Name":"Worker","Type":"SQS/HTTP"}`, "ApplicationName": "${Shop/Web/Application}"})
	for _, c := range []struct {
		environment *templatetest.Resource
		options     map[string]string
	}{
		{web, map[string]string{
			"aws:elbv2:loadbalancer SharedLoadBalancer":                             "${House/LoadBalancer}",
			"aws:elasticbeanstalk:environment:process:default HealthCheckPath":      "/healthz/",
			"aws:elasticbeanstalk:environment:process:default MatcherHTTPCode":      "200-301",
			"aws:elasticbeanstalk:environment:process:feed Port":                    "8001",
			"aws:elasticbeanstalk:environment:process:feed HealthCheckPath":         "/feed/",
			"aws:elasticbeanstalk:environment:process:feed MatcherHTTPCode":         "200",
			"aws:elasticbeanstalk:application:environment ALLOWED_HOSTS":            "${House/LoadBalancer.DNSName}",
			"aws:elasticbeanstalk:application:environment UPLOADS":                  "${Shop/Uploads}",
			"aws:elasticbeanstalk:application:environmentsecrets SECRET_KEY":        "${Shop/SecretKey}",
			"aws:elasticbeanstalk:application:environment DATABASE_HOST":            "${Shop/Database.Endpoint.Address}",
			"aws:elasticbeanstalk:application:environmentsecrets DATABASE_PASSWORD": "${Shop/Database/Secret/Attachment}:password",
		}},
		{worker, map[string]string{
			"aws:elasticbeanstalk:sqsd WorkerQueueURL":                              "${Shop/Tasks}",
			"aws:elasticbeanstalk:application:environmentsecrets SECRET_KEY":        "${Shop/SecretKey}",
			"aws:elasticbeanstalk:sqsd HttpPath":                                    "/tasks/",
			"aws:elasticbeanstalk:application:environment ALLOWED_HOSTS":            "localhost",
			"aws:elasticbeanstalk:application:environment DATABASE_HOST":            "${Shop/Database.Endpoint.Address}",
			"aws:elasticbeanstalk:application:environmentsecrets DATABASE_PASSWORD": "${Shop/Database/Secret/Attachment}:password",
		}},
	} {
		options := c.environment.Options()
		for key, want := range c.options {
			if options[key] != want {
				t.Errorf("%s: %s is %q, want %q", c.environment.Name, key, options[key], want)
			}
		}
		if c.environment == worker {
			for key := range options {
				if strings.HasPrefix(key, "aws:elbv2:") || strings.HasPrefix(key, "aws:elasticbeanstalk:environment:process:") {
					t.Errorf("a worker has no load balancer, but %s is set", key)
				}
			}
		}

		// Nothing but DependsOn orders what an instance needs to boot.
		before := c.environment.Before()
		for _, needed := range []string{c.environment.Name + "/InstanceRole/DefaultPolicy", "Shop/Database"} {
			if !before[needed] {
				t.Errorf("%s is not ordered before %s", needed, c.environment.Name)
			}
		}
	}
	if ways := shop.OfType("AWS::EC2::SecurityGroupIngress"); len(ways) != 2 {
		t.Errorf("%d ways into the database, want those of the web server and of the worker", len(ways))
	}
}

// The complete example's life on the local AWS: made; a new version; an update that is refused, after which all is as before;
// back to the version before; removed.
func TestTheCompleteExampleIsDeployedUpdatedRolledBackAndDestroyed(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	program, directory := importerProgram(t)
	if err := os.CopyFS(filepath.Join(d.dir, "shop"), os.DirFS(filepath.Join(directory, "shop"))); err != nil {
		t.Fatal(err)
	}
	d.configureApp(filepath.Join(directory, "cdk.json"), program, nil)
	d.startAWS()
	d.bootstrap()
	bootstrapped := d.resources()
	deploy := func() map[string]deployed {
		t.Helper()
		d.must("cdk", "deploy", "--all", "--require-approval", "never")
		return d.look(2).byTier()
	}

	made := deploy()
	web, worker := made["WebServer"], made["Worker"]
	if web.Application != worker.Application {
		t.Errorf("the worker is in the application %s, the web server in %s", worker.Application, web.Application)
	}
	if !strings.Contains(worker.Settings["aws:elasticbeanstalk:sqsd WorkerQueueURL"], "Tasks") {
		t.Errorf("the worker reads %q, not the queue of the stack", worker.Settings["aws:elasticbeanstalk:sqsd WorkerQueueURL"])
	}
	state := d.look(2)
	groups := map[string]string{}
	for _, g := range state.TargetGroups {
		groups[g.Path] = g.ARN
	}
	rules := map[string]string{}
	for _, rule := range state.Listeners[0].Rules {
		rules[rule.Priority] = rule.Target
	}
	if len(groups) != 2 || rules["10"] != groups["/feed/"] || rules["20"] != groups["/healthz/"] {
		t.Errorf("the rules forward to %v, the target groups are %v", rules, groups)
	}
	if output, code := d.aws("cdk", "diff", "--fail"); code != 0 {
		t.Errorf("cdk diff after cdk deploy ended %d:\n%s", code, output)
	}

	// A new version goes to both, in place.
	views := filepath.Join(d.dir, "shop/shop/views.py")
	before, err := os.ReadFile(views)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(views, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(append(before, "\n# A new version.\n"...))
	updated := deploy()
	for tier, was := range made {
		is := updated[tier]
		if is.ID != was.ID || is.Version == was.Version {
			t.Errorf("%s: the environment was %s with %s and is %s with %s", tier, was.ID, was.Version, is.ID, is.Version)
		}
		if got := changed(was.Settings, is.Settings); len(got) > 0 {
			t.Errorf("%s: the new version changed %q", tier, got)
		}
	}

	// An update that Elastic Beanstalk refuses half-way: the other environment already has its new version, and loses it.
	write(append(before, "\n# One that is not to be.\n"...))
	d.must("cdk", "synth", "--quiet")
	const connections = "\"HttpConnections\",\n      \"Value\": \"50\""
	refused := filepath.Join(d.dir, "cdk.out/Shop.template.json")
	text, err := os.ReadFile(refused)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(connections)) {
		t.Fatalf("%s has no %s", refused, connections)
	}
	text = bytes.Replace(text, []byte(connections), []byte(strings.Replace(connections, "50", "500", 1)), 1)
	if err := os.WriteFile(refused, text, 0o644); err != nil {
		t.Fatal(err)
	}
	output, code := d.aws("cdk", "deploy", "--app", filepath.Join(d.dir, "cdk.out"), "Shop", "--exclusively", "--require-approval", "never")
	if code == 0 || !strings.Contains(output, "HttpConnections") {
		t.Errorf("the deployment that Elastic Beanstalk refuses ended %d:\n%s", code, output)
	}
	after := d.look(2).byTier()
	for tier, was := range updated {
		if is := after[tier]; is.ID != was.ID || is.Version != was.Version || len(changed(was.Settings, is.Settings)) > 0 {
			t.Errorf("%s: after the refused update the environment is %s with %s, and was %s with %s; changed: %q", tier,
				is.ID, is.Version, was.ID, was.Version, changed(was.Settings, is.Settings))
		}
	}

	// Back to the version before.
	write(before)
	back := deploy()
	for tier, was := range made {
		if is := back[tier]; is.ID != was.ID || is.Bundle != was.Bundle {
			t.Errorf("%s: the environment runs %s, want %s as in the beginning", tier, is.Bundle, was.Bundle)
		}
	}

	d.must("cdk", "destroy", "--all", "--force")
	for kind, ids := range d.resources() {
		ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(bootstrapped[kind], id) })
		switch kind {
		case "AWS::S3::Bucket": // uploads are kept: the CDK's default
			ids = slices.DeleteFunc(ids, func(id string) bool { return strings.Contains(id, "uploads") })
		case "AWS::RDS::DBSnapshot": // so is what was in the database
			continue
		}
		if len(ids) > 0 {
			t.Errorf("cdk destroy left %s %v", kind, ids)
		}
	}
}
