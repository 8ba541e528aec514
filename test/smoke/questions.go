package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"example.com/beanpole-cdk/internal/account"
)

const onlyAWS = notAsked("no instance runs on the AWS of this computer, and nothing answers there")

// snapshot is what a look at the deployed finds.
type snapshot struct {
	name, id, cname, application, version string
	platform                              string
	targetGroup                           string // by the output, which is the resolver's
	balancer, dnsName                     string
	ownGroups, groups                     []string // security groups of the load balancer: made, and found
	listeners                             []listener
	found                                 []elb.TargetGroup // on the load balancer
	rejected                              []string          // events that warn
}

type listener struct {
	port  int32
	rules []elb.Rule
}

// resources are the physical ids of a stack's resources, by type.
func (t *test) resources(ctx context.Context, stack string) (map[string][]string, error) {
	found := map[string][]string{}
	pages := cloudformation.NewListStackResourcesPaginator(t.cloudformation, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, account.Plain("the resources of "+stack, err)
		}
		for _, r := range page.StackResourceSummaries {
			found[*r.ResourceType] = append(found[*r.ResourceType], aws.ToString(r.PhysicalResourceId))
		}
	}
	return found, nil
}

// look asks AWS for what is deployed.
func (t *test) look(ctx context.Context) error {
	network, err := t.resources(ctx, t.networkStack())
	if err != nil {
		return err
	}
	web, err := t.resources(ctx, t.webStack())
	if err != nil {
		return err
	}
	one := func(resources map[string][]string, kind string) string {
		if len(resources[kind]) != 1 {
			err = errors.Join(err, fmt.Errorf("the stacks have %d of %s, not one", len(resources[kind]), kind))
			return ""
		}
		return resources[kind][0]
	}
	s := snapshot{
		name:        one(web, "AWS::ElasticBeanstalk::Environment"),
		application: one(web, "AWS::ElasticBeanstalk::Application"),
		balancer:    one(network, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
		ownGroups:   network["AWS::EC2::SecurityGroup"],
	}
	t.bucket = one(network, "AWS::S3::Bucket")
	if err != nil {
		return err
	}
	stacks, err := t.cloudformation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(t.webStack())})
	if err != nil {
		return account.Plain("the outputs of "+t.webStack(), err)
	}
	for _, o := range stacks.Stacks[0].Outputs {
		if *o.OutputKey == "TargetGroupARN" {
			s.targetGroup = *o.OutputValue
		}
	}
	environments, err := t.beanstalk.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{s.name}, IncludeDeleted: aws.Bool(false)})
	if err != nil || len(environments.Environments) != 1 {
		return errors.Join(fmt.Errorf("environment %s", s.name), err)
	}
	e := environments.Environments[0]
	s.id, s.cname, s.platform, s.version = aws.ToString(e.EnvironmentId), aws.ToString(e.CNAME), aws.ToString(e.PlatformArn), aws.ToString(e.VersionLabel)

	balancers, err := t.balancing.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{s.balancer}})
	if err != nil {
		return account.Plain("the load balancer", err)
	}
	s.dnsName, s.groups = *balancers.LoadBalancers[0].DNSName, balancers.LoadBalancers[0].SecurityGroups
	groups, err := t.balancing.DescribeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{LoadBalancerArn: &s.balancer})
	if err != nil {
		return account.Plain("the target groups", err)
	}
	s.found = groups.TargetGroups
	listeners, err := t.balancing.DescribeListeners(ctx, &elbv2.DescribeListenersInput{LoadBalancerArn: &s.balancer})
	if err != nil {
		return account.Plain("the listeners", err)
	}
	for _, l := range listeners.Listeners {
		rules, err := t.balancing.DescribeRules(ctx, &elbv2.DescribeRulesInput{ListenerArn: l.ListenerArn})
		if err != nil {
			return account.Plain("the rules", err)
		}
		s.listeners = append(s.listeners, listener{aws.ToInt32(l.Port), rules.Rules})
	}
	events, err := t.beanstalk.DescribeEvents(ctx, &elasticbeanstalk.DescribeEventsInput{EnvironmentId: &s.id, Severity: eb.EventSeverityWarn})
	if err != nil {
		return account.Plain("the events", err)
	}
	for _, event := range events.Events {
		if event.Severity == eb.EventSeverityWarn || event.Severity == eb.EventSeverityError || event.Severity == eb.EventSeverityFatal {
			s.rejected = append(s.rejected, string(event.Severity)+" "+aws.ToString(event.Message))
		}
	}
	t.now = s
	return t.find(ctx)
}

// describe is a listener's rules in the order in which they are tried, in words that are the same in every account.
func (s snapshot) describe(l listener) (text string, sound bool) {
	rules := slices.Clone(l.rules)
	slices.SortStableFunc(rules, func(a, b elb.Rule) int { return priority(a) - priority(b) })
	var parts []string
	sound = true
	for _, r := range rules {
		var hosts []string
		for _, c := range r.Conditions {
			values := c.Values
			if c.HostHeaderConfig != nil {
				values = c.HostHeaderConfig.Values
			}
			for _, v := range values {
				switch {
				case strings.EqualFold(v, s.cname):
					v = "the environment's CNAME"
				case strings.EqualFold(v, s.dnsName):
					v = "the load balancer's name"
				}
				hosts = append(hosts, v)
			}
		}
		action := string(r.Actions[0].Type)
		if r.Actions[0].Type == elb.ActionTypeEnumForward {
			action = "forward elsewhere"
			if aws.ToString(r.Actions[0].TargetGroupArn) == s.targetGroup {
				action = "forward to the target group"
			}
		}
		if len(hosts) == 0 && !aws.ToBool(r.IsDefault) || action == "forward elsewhere" {
			sound = false
		}
		if aws.ToBool(r.IsDefault) {
			sound = sound && r.Actions[0].Type != elb.ActionTypeEnumForward
			parts = append(parts, "default: "+action)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %s: %s", aws.ToString(r.Priority), strings.Join(hosts, " "), action))
	}
	return fmt.Sprintf("port %d: %s", l.port, strings.Join(parts, "; ")), sound
}

func priority(r elb.Rule) int {
	var n int
	if _, err := fmt.Sscan(aws.ToString(r.Priority), &n); err != nil {
		return 1 << 20 // the default rule
	}
	return n
}

// askForRules asks in which order the rules stand: Elastic Beanstalk's own, and those of the stack.
func (t *test) askForRules(id string) {
	t.record.ask(id, "Which rules do the listeners have, in which order?",
		"every rule has a host; the stack's forward to the target group, Elastic Beanstalk's is for the environment's CNAME alone; other hosts are not forwarded",
		func() (string, bool, error) {
			var all []string
			holds := true
			for _, l := range t.now.listeners {
				text, sound := t.now.describe(l)
				all, holds = append(all, text), holds && sound
			}
			slices.Sort(all)
			return strings.Join(all, ". "), holds && len(all) > 0, nil
		})
}

// askForCodes asks what the target group really checks.
func (t *test) askForCodes(id, codes string) {
	expected := "/healthz/ for " + codes
	t.record.ask(id, "What does the target group check?", expected, func() (string, bool, error) {
		if len(t.now.found) != 1 || t.now.found[0].Matcher == nil {
			return fmt.Sprintf("there are %d target groups", len(t.now.found)), false, nil
		}
		got := aws.ToString(t.now.found[0].HealthCheckPath) + " for " + aws.ToString(t.now.found[0].Matcher.HttpCode)
		return got, got == expected, nil
	})
}

var versioned = regexp.MustCompile(`platform/(.+)/(\d+\.\d+\.\d+)$`)

func (t *test) askOfTheFirstDeployment(ctx context.Context) {
	// remote is for what needs an instance.
	remote := func(find func() (string, bool, error)) func() (string, bool, error) {
		if t.local {
			return func() (string, bool, error) { return "", false, onlyAWS }
		}
		return find
	}
	t.record.ask("resolver", "Is the target group that the stack finds the load balancer's?", "the same, and the only one", func() (string, bool, error) {
		if len(t.now.found) == 1 && aws.ToString(t.now.found[0].TargetGroupArn) == t.now.targetGroup {
			return "the same, and the only one", true, nil
		}
		return fmt.Sprintf("another one, or one of %d", len(t.now.found)), false, nil
	})
	t.askForCodes("matcher-range", "200-301")
	t.askForRules("rule-order")
	t.record.ask("security-groups", "Which security groups does the load balancer have?", "those of the stack alone", func() (string, bool, error) {
		own, has := slices.Clone(t.now.ownGroups), slices.Clone(t.now.groups)
		slices.Sort(own)
		slices.Sort(has)
		if slices.Equal(own, has) {
			return "those of the stack alone", true, nil
		}
		return fmt.Sprintf("%d, of which the stack has made %d", len(has), len(own)), false, nil
	})
	t.record.ask("platform", "What does a platform ARN without a version become?", "the branch with a version", func() (string, bool, error) {
		match := versioned.FindStringSubmatch(t.now.platform)
		if match == nil {
			return t.now.platform, false, nil
		}
		return match[1] + ", version " + match[2], true, nil
	})
	t.record.ask("newest-platform", "Is that the newest version?", "it is", remote(func() (string, bool, error) { return t.newest(ctx) }))
	t.record.ask("events", "What do the events warn of?", "nothing", func() (string, bool, error) {
		if len(t.now.rejected) == 0 {
			return "nothing", true, nil
		}
		return strings.Join(t.now.rejected, "; "), false, nil
	})
	t.record.ask("bundle", "Where does Elastic Beanstalk keep the bundle?", "in its own bucket, or in the one that the CDK uploads to", func() (string, bool, error) {
		return t.bundleBucket(ctx)
	})
	t.record.ask("green", "Does the environment get Green?", "it does", remote(func() (string, bool, error) {
		err := t.record.step("green after deploy", func() error {
			return t.command(ctx, t.root+"/.beanpole/bin/beanpole", "status", "--stack", t.webStack(), "--wait", "--timeout", "20m")
		})
		if err != nil {
			return "it does not: " + err.Error(), false, nil
		}
		return "it does", true, nil
	}))
	t.record.ask("targets", "Are the targets healthy?", "all of them", remote(func() (string, bool, error) { return t.targets(ctx) }))
	var logs string
	t.record.ask("first-boot", "What does the wrapper say when the instance starts?", "the address from the metadata service, added to ALLOWED_HOSTS", remote(func() (string, bool, error) {
		var err error
		if logs, err = t.tail(ctx); err != nil {
			return "", false, err
		}
		return wrapperSays(logs)
	}))
	t.record.ask("healthy-by", "With what does the app answer the load balancer's checks?", "200 alone", remote(func() (string, bool, error) { return checksAnswered(logs) }))
	for _, host := range []struct {
		id, question, host string
		want               int
	}{
		{"own-name", "With what is the load balancer's own name answered?", t.now.dnsName, 200},
		{"other-host", "With what is a host answered that no rule names?", "other.example.com", 404},
		// Django does not know the name, so that nobody can use it: the rule is Elastic Beanstalk's.
		{"cname", "With what is the environment's CNAME answered?", t.now.cname, 400},
	} {
		t.record.ask(host.id, host.question, fmt.Sprint(host.want), remote(func() (string, bool, error) {
			return status(ctx, "http://"+t.now.dnsName+"/healthz/", host.host, host.want, 5*time.Minute)
		}))
	}
}

// askOfDomains asks whether the site is reached by its domains.
func (t *test) askOfDomains(ctx context.Context, step string, domains []string) {
	id := strings.ReplaceAll(step, " ", "-")
	t.askForRules(id + "-rules")
	for i, domain := range domains {
		for _, scheme := range []string{"http", "https"} {
			want := map[string]int{"http": 301, "https": 200}[scheme]
			t.record.ask(fmt.Sprintf("%s-%s-%d", id, scheme, i+1), fmt.Sprintf("After %s: with what is %s://%s/healthz/ answered?", step, scheme, domain), fmt.Sprint(want),
				func() (string, bool, error) {
					if t.local {
						return "", false, onlyAWS
					}
					return status(ctx, scheme+"://"+domain+"/healthz/", domain, want, 10*time.Minute) // a record takes its time
				})
		}
	}
}

// newest compares the platform version with the newest one of the branch.
func (t *test) newest(ctx context.Context) (string, bool, error) {
	match := versioned.FindStringSubmatch(t.now.platform)
	if match == nil {
		return "it has no version", false, nil
	}
	versions, err := t.beanstalk.ListPlatformVersions(ctx, &elasticbeanstalk.ListPlatformVersionsInput{Filters: []eb.PlatformFilter{
		{Type: aws.String("PlatformBranchName"), Operator: aws.String("="), Values: []string{match[1]}},
		{Type: aws.String("PlatformLifecycleState"), Operator: aws.String("="), Values: []string{"Recommended"}},
	}})
	if err != nil {
		return "", false, account.Plain("the platform versions", err)
	}
	for _, v := range versions.PlatformSummaryList {
		if aws.ToString(v.PlatformArn) != t.now.platform {
			return "the recommended one is " + aws.ToString(v.PlatformVersion), false, nil
		}
	}
	return "it is", len(versions.PlatformSummaryList) > 0, nil
}

func (t *test) bundleBucket(ctx context.Context) (string, bool, error) {
	versions, err := t.beanstalk.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{
		ApplicationName: &t.now.application, VersionLabels: []string{t.now.version},
	})
	if err != nil {
		return "", false, account.Plain("the application version", err)
	}
	if len(versions.ApplicationVersions) != 1 || versions.ApplicationVersions[0].SourceBundle == nil {
		return fmt.Sprintf("%d versions", len(versions.ApplicationVersions)), false, nil
	}
	switch bucket := aws.ToString(versions.ApplicationVersions[0].SourceBundle.S3Bucket); {
	case bucket == t.serviceBucket():
		return "in its own bucket", true, nil
	case strings.HasPrefix(bucket, "cdk-"):
		return "in the bucket that the CDK uploads to", true, nil
	default:
		return "in another bucket", false, nil
	}
}

func (t *test) targets(ctx context.Context) (string, bool, error) {
	health, err := t.balancing.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: &t.now.targetGroup})
	if err != nil {
		return "", false, account.Plain("the health of the targets", err)
	}
	healthy := 0
	for _, target := range health.TargetHealthDescriptions {
		if target.TargetHealth.State == elb.TargetHealthStateEnumHealthy {
			healthy++
		}
	}
	if n := len(health.TargetHealthDescriptions); healthy < n || n == 0 {
		return fmt.Sprintf("%d of %d", healthy, n), false, nil
	}
	return "all of them", true, nil
}

// tail is the end of the instances' logs, which Elastic Beanstalk collects when it is asked.
func (t *test) tail(ctx context.Context) (string, error) {
	if _, err := t.beanstalk.RequestEnvironmentInfo(ctx, &elasticbeanstalk.RequestEnvironmentInfoInput{EnvironmentId: &t.now.id, InfoType: eb.EnvironmentInfoTypeTail}); err != nil {
		return "", account.Plain("the logs", err)
	}
	for range 30 {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(10 * time.Second):
		}
		info, err := t.beanstalk.RetrieveEnvironmentInfo(ctx, &elasticbeanstalk.RetrieveEnvironmentInfoInput{EnvironmentId: &t.now.id, InfoType: eb.EnvironmentInfoTypeTail})
		if err != nil {
			return "", account.Plain("the logs", err)
		}
		var all strings.Builder
		for _, i := range info.EnvironmentInfo {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, aws.ToString(i.Message), nil)
			if err != nil {
				return "", err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return "", errors.New("the logs cannot be fetched") // the address is signed
			}
			_, err = io.Copy(&all, io.LimitReader(response.Body, 10<<20))
			response.Body.Close()
			if err != nil {
				return "", errors.New("the logs cannot be read")
			}
		}
		if all.Len() > 0 {
			return all.String(), nil
		}
	}
	return "", errors.New("Elastic Beanstalk has collected no logs within five minutes")
}

var (
	ofWrapper = regexp.MustCompile(`beanpole: (INSTANCE_IP=\S+ .*)`)
	ofCheck   = regexp.MustCompile(`"GET \S+ HTTP/[0-9.]+" (\d{3}) .*ELB-HealthChecker`)
)

// wrapperSays finds the wrapper's line in the logs.
func wrapperSays(logs string) (string, bool, error) {
	match := ofWrapper.FindStringSubmatch(logs)
	if match == nil {
		return "nothing", false, nil
	}
	return match[1], strings.HasSuffix(match[1], "from the metadata service; added to ALLOWED_HOSTS"), nil
}

// checksAnswered counts the answers to the load balancer's checks in the proxy's log.
func checksAnswered(logs string) (string, bool, error) {
	if logs == "" {
		return "", false, errors.New("there are no logs")
	}
	counts := map[string]int{}
	for _, match := range ofCheck.FindAllStringSubmatch(logs, -1) {
		counts[match[1]]++
	}
	if len(counts) == 1 && counts["200"] > 0 {
		return "200 alone", true, nil
	}
	return fmt.Sprint(counts), false, nil
}

// status asks a web server until it answers with the status that is expected, or time is up. Redirects are not followed.
func status(ctx context.Context, url, host string, want int, patience time.Duration) (string, bool, error) {
	client := &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		},
	}
	last := ""
	for deadline := time.Now().Add(patience); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", false, err
		}
		request.Host = host
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
			if last = fmt.Sprint(response.StatusCode); response.StatusCode == want {
				return last, true, nil
			}
		} else if last == "" {
			last = "no answer"
		}
		wait := min(15*time.Second, max(patience/10, time.Millisecond))
		if time.Now().Add(wait).After(deadline) {
			return last, false, nil
		}
		select {
		case <-ctx.Done():
			return "", false, ctx.Err()
		case <-time.After(wait):
		}
	}
}
