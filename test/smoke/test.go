package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/beanpole-cdk/internal/account"
)

// test is one run.
type test struct {
	settings
	root, dir, name, region string
	out                     io.Writer
	record                  *Record

	cloudformation *cloudformation.Client
	beanstalk      *elasticbeanstalk.Client
	balancing      *elbv2.Client
	s3             *s3.Client
	logs           *cloudwatchlogs.Client
	dns            *route53.Client

	said        strings.Builder // by the last program
	environment map[string]any  // of cdk.json
	deployed    bool            // something may be there
	now         snapshot        // of the last look
	bucket      string          // of the access logs
	began       time.Time
	// Of the environments that there have been: ids and names.
	ids, environments []string
	bundles           []string // copies of bundles in Elastic Beanstalk's bucket
	names             []string // that the stacks have given to what they have made
	notFound          error    // why these are not known
}

func newTestIn(cfg aws.Config, root, dir, name string, s settings, out io.Writer) *test {
	return &test{
		settings: s, root: root, dir: dir, name: name, region: cfg.Region, out: out, began: time.Now(),
		record:         &Record{Date: time.Now().UTC().Format(time.DateOnly), Region: cfg.Region, Local: s.local},
		cloudformation: cloudformation.NewFromConfig(cfg),
		beanstalk:      elasticbeanstalk.NewFromConfig(cfg),
		balancing:      elbv2.NewFromConfig(cfg),
		logs:           cloudwatchlogs.NewFromConfig(cfg),
		dns:            route53.NewFromConfig(cfg),
		s3:             s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
		environment: map[string]any{
			"capacity": map[string]any{"minSize": 1, "maxSize": 2, "instanceTypes": []string{"t3.micro"}},
			"logs":     map[string]any{"retentionInDays": 1, "deleteOnTerminate": true},
		},
	}
}

func (t *test) networkStack() string { return t.name + "-live-network" }
func (t *test) webStack() string     { return t.name + "-live-web" }

// domains are the ones of the hosted zone that the run uses.
func (t *test) domains() []string {
	return []string{"www." + t.name + "." + t.zoneName, t.name + "." + t.zoneName}
}

// answersFile is in the checkout for a run on the real AWS that came to its end.
func (t *test) answersFile() string {
	dir, name := ".beanpole", "smoke-unfinished.json"
	switch {
	case t.local:
		name = "smoke-dry-run.json"
	case !t.record.Interrupted:
		dir, name = "test/smoke", "answers.json"
	}
	return filepath.Join(cmp.Or(t.answers, filepath.Join(t.root, dir)), name)
}

// secrets are what does not go into the record, each with what stands for it there.
func (t *test) secrets() [][2]string {
	all := [][2]string{{t.zoneID, "Z0123456789ABCDEFGHIJ"}, {t.zoneName, "example.com"}}
	// The longest first: one may be a part of another.
	slices.SortFunc(t.names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range append([]string{t.now.dnsName, t.now.cname, t.now.targetGroup, t.now.name}, t.names...) {
		all = append(all, [2]string{name, "NAME"})
	}
	return append(all, [2]string{t.name, "beanpole-smoke"})
}

// configure writes the cdk.json of the run: the repository's, with the one environment.
func (t *test) configure() error {
	text, err := os.ReadFile(filepath.Join(t.root, "cdk.json"))
	if err != nil {
		return err
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("cdk.json: %w", err)
	}
	values, _ := file["context"].(map[string]any)
	file["app"] = filepath.Join(t.root, ".beanpole/bin/app")
	values["beanpole"] = map[string]any{
		"application": t.name, "source": filepath.Join(t.root, "examples/mysite"),
		"wsgiApplication": "mysite.wsgi", "settingsModule": "mysite.settings", "collectStatic": true,
		"environments": map[string]any{"live": t.environment},
	}
	if text, err = json.MarshalIndent(file, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.dir, "cdk.json"), text, 0o666)
}

// cdk runs the CDK's command line on the run's cdk.json.
func (t *test) cdk(ctx context.Context, args ...string) error {
	if err := t.configure(); err != nil {
		return err
	}
	return t.command(ctx, filepath.Join(t.root, "node_modules/.bin/cdk"), args...)
}

// command runs a program. It is in a process group of its own: an interrupt at the terminal reaches this program alone, which
// ends the other one and then removes what is there.
func (t *test) command(ctx context.Context, program string, args ...string) error {
	line := filepath.Base(program) + " " + strings.Join(args, " ")
	fmt.Fprintf(t.out, "\n== %s\n", line)
	ctx, cancel := context.WithTimeout(ctx, 90*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = t.dir
	command.Env = append(os.Environ(), "PATH="+filepath.Join(t.root, "node_modules/.bin")+":"+os.Getenv("PATH"), "CI=true", "NO_COLOR=1", "CDK_VALIDATION=false")
	t.said.Reset()
	both := io.MultiWriter(t.out, &t.said)
	command.Stdout, command.Stderr = both, both
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	// What it has started may hold the pipe longer than it lives itself.
	if err := command.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: interrupted", line)
		}
		return fmt.Errorf("%s: %w", line, err)
	}
	return nil
}

// requireBootstrap refuses an account that the CDK cannot deploy to: to bootstrap it is the user's decision.
func (t *test) requireBootstrap(ctx context.Context) error {
	_, err := t.cloudformation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("CDKToolkit")})
	if gone(err) {
		return fmt.Errorf("account %s is not bootstrapped in %s, and this leaves what it has not made alone; run once: npx cdk bootstrap aws://%s/%s", t.account, t.region, t.account, t.region)
	} else if err != nil {
		return account.Plain("whether the account is bootstrapped", err)
	}
	return nil
}

// deploy deploys both stacks, and looks at what is there.
func (t *test) deploy(ctx context.Context, step string) error {
	t.deployed = true
	return t.record.step(step, func() error {
		if err := t.cdk(ctx, "deploy", "--all", "--require-approval", "never", "--progress", "events"); err != nil {
			return err
		}
		return t.look(ctx)
	})
}

// zoneStack is the stack of a hosted zone on the AWS of this computer; on the real one the zone is the user's.
const zoneStack = prefix + "zone"

// makeZone makes the hosted zone of a run on this computer.
func (t *test) makeZone(ctx context.Context) error {
	template := fmt.Sprintf(`{"Resources": {"Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "%s."}}}}`, t.zoneName)
	if _, err := t.cloudformation.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: aws.String(zoneStack), TemplateBody: &template}); err != nil {
		return account.Plain("a hosted zone", err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(t.cloudformation)
	if err := made.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(zoneStack)}, time.Minute); err != nil {
		return account.Plain("a hosted zone", err)
	}
	resources, err := t.resources(ctx, zoneStack)
	if err == nil {
		t.zoneID = resources["AWS::Route53::HostedZone"][0]
	}
	return err
}

// everything is the run: a site's life. An error ends it; what was asked until then is kept.
func (t *test) everything(ctx context.Context) error {
	if err := t.deploy(ctx, "deploy"); err != nil {
		return err
	}
	t.askOfTheFirstDeployment(ctx)
	t.record.ask("second-diff", "What does cdk diff find after cdk deploy?", "no differences", func() (string, bool, error) {
		err := t.cdk(ctx, "diff", "--fail")
		if ctx.Err() != nil {
			return "", false, ctx.Err()
		}
		return differences(t.said.String(), err)
	})

	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	t.environment["healthCheck"] = map[string]any{"successCodes": "200-399"}
	if err := t.redeploy(ctx, "other success codes", func() { t.askForCodes("later-codes", "200-399") }); err != nil {
		return err
	}
	if t.zoneID != "" {
		t.environment["hostedZone"] = map[string]any{"id": t.zoneID, "name": t.zoneName}
		for i, step := range []string{"certificate and domain", "second domain"} {
			t.environment["domains"] = t.domains()[:i+1]
			if err := t.redeploy(ctx, step, func() { t.askOfDomains(ctx, step, t.domains()[:i+1]) }); err != nil {
				return err
			}
		}
	}
	return t.record.step("destroy", func() error {
		err := t.cdk(ctx, "destroy", "--all", "--force")
		if ctx.Err() == nil {
			t.askWhatIsLeft(ctx, err)
			return nil
		}
		return err
	})
}

var withDifferences = regexp.MustCompile(`Number of stacks with differences: [1-9]`)

// differences says what cdk diff has found, by what it said: it fails for other reasons, too.
func differences(said string, err error) (string, bool, error) {
	switch {
	case err == nil:
		return "no differences", true, nil
	case withDifferences.MatchString(said):
		return "differences", false, nil
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return "", false, fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// redeploy deploys a change, which must leave the environment the one it was.
func (t *test) redeploy(ctx context.Context, step string, ask func()) error {
	before := t.now
	if err := t.deploy(ctx, step); err != nil {
		return err
	}
	t.record.ask(strings.ReplaceAll(step, " ", "-")+"-same-environment", "Are environment and target group the same after: "+step+"?", "the same", func() (string, bool, error) {
		if before.id == t.now.id && before.targetGroup == t.now.targetGroup {
			return "the same", true, nil
		}
		return "others", false, nil
	})
	ask()
	return nil
}

// gone says whether an error is AWS's for what is not there.
func gone(err error) bool {
	var refused interface{ ErrorCode() string }
	if !errors.As(err, &refused) {
		return false
	}
	switch code := refused.ErrorCode(); code {
	case "ValidationError", "NoSuchBucket", "NotFound":
		return code != "ValidationError" || strings.Contains(err.Error(), "does not exist")
	case "LoadBalancerNotFound", "LoadBalancerNotFoundException", "TargetGroupNotFound", "TargetGroupNotFoundException", "ResourceNotFoundException":
		return true
	}
	return false
}
