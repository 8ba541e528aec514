// Package live asks AWS for the facts of package status. It only reads. Account, region and endpoint come from the AWS
// environment variables and files that every AWS tool reads; with AWS_ENDPOINT_URL it is another AWS than the real one.
package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	stacktypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/account"
	"example.com/beanpole-cdk/internal/status"
	"example.com/beanpole-cdk/internal/template"
)

// Client asks one account and region.
type Client struct {
	region    string
	local     bool
	beanstalk *elasticbeanstalk.Client
	balancing *elb.Client
	stacks    *cloudformation.Client

	mu        sync.Mutex
	templates map[string][]option.Setting // what a stack's template declares of an environment, which a wait need not ask again
}

// New returns a client for the account and region that the AWS variables and files lead to.
func New(ctx context.Context) (*Client, error) {
	cfg, err := account.Load(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{
		region: cfg.Region, local: account.Local(ctx, cfg), beanstalk: elasticbeanstalk.NewFromConfig(cfg), balancing: elb.NewFromConfig(cfg), stacks: cloudformation.NewFromConfig(cfg),
		templates: map[string][]option.Setting{},
	}, nil
}

// Region is the region that is asked.
func (c *Client) Region() string { return c.region }

// Local says that the AWS that is asked is the one on this computer.
func (c *Client) Local() bool { return c.local }

// Environments lists the environments that are not terminated.
func (c *Client) Environments(ctx context.Context) ([]status.Environment, error) {
	all, err := c.describe(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(false)})
	if err != nil {
		return nil, err
	}
	var found []status.Environment
	for _, d := range all {
		found = append(found, c.environment(d))
	}
	return found, nil
}

func (c *Client) describe(ctx context.Context, in *elasticbeanstalk.DescribeEnvironmentsInput) ([]types.EnvironmentDescription, error) {
	var found []types.EnvironmentDescription
	for {
		out, err := c.beanstalk.DescribeEnvironments(ctx, in)
		if err != nil {
			return nil, account.Plain("DescribeEnvironments", err)
		}
		for _, d := range out.Environments {
			if d.Status != types.EnvironmentStatusTerminated {
				found = append(found, d)
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return found, nil
		}
	}
}

func (c *Client) environment(d types.EnvironmentDescription) status.Environment {
	e := status.Environment{
		Name: aws.ToString(d.EnvironmentName), ID: aws.ToString(d.EnvironmentId), Application: aws.ToString(d.ApplicationName), Region: c.region,
		Version: aws.ToString(d.VersionLabel), Endpoint: aws.ToString(d.EndpointURL), Updated: aws.ToTime(d.DateUpdated),
		Status: string(d.Status), Colour: string(d.Health), HealthStatus: string(d.HealthStatus),
	}
	if d.Tier != nil {
		e.Tier = aws.ToString(d.Tier.Name)
	}
	_, name, ok := strings.Cut(aws.ToString(d.PlatformArn), "platform/")
	if e.Platform = name; !ok {
		e.Platform = aws.ToString(d.SolutionStackName)
	}
	return e
}

// ErrNotThere says that there is no such stack, or no environment in it: nothing was deployed yet.
var ErrNotThere = errors.New("is not deployed yet")

// InStack finds the environments of a CloudFormation stack. The error is an [ErrNotThere] if the stack has none.
func (c *Client) InStack(ctx context.Context, stack string) ([]*Environment, error) {
	resources, err := c.resources(ctx, stack)
	if err != nil {
		if strings.Contains(err.Error(), "does not exist") {
			return nil, fmt.Errorf("stack %s %w", stack, ErrNotThere)
		}
		return nil, account.Plain("ListStackResources", err)
	}
	var found []*Environment
	for _, r := range resources {
		// One whose creation has failed was deleted, and is still listed.
		if aws.ToString(r.ResourceType) == "AWS::ElasticBeanstalk::Environment" && aws.ToString(r.PhysicalResourceId) != "" && r.ResourceStatus != stacktypes.ResourceStatusDeleteComplete {
			found = append(found, &Environment{client: c, stack: stack, name: aws.ToString(r.PhysicalResourceId), logical: aws.ToString(r.LogicalResourceId)})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the environment of stack %s %w", stack, ErrNotThere)
	}
	return found, nil
}

// resources lists all resources of a stack: DescribeStackResources ends after 100.
func (c *Client) resources(ctx context.Context, stack string) ([]stacktypes.StackResourceSummary, error) {
	in := &cloudformation.ListStackResourcesInput{StackName: &stack}
	var found []stacktypes.StackResourceSummary
	for {
		out, err := c.stacks.ListStackResources(ctx, in)
		if err != nil {
			return nil, err
		}
		found = append(found, out.StackResourceSummaries...)
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return found, nil
		}
	}
}

// Named is the environment of a name, or of an id such as e-abcdefghij.
func (c *Client) Named(name string) *Environment { return &Environment{client: c, name: name} }

// Environment asks for the facts of one environment.
type Environment struct {
	client         *Client
	name           string
	stack, logical string // "" if not known
}

// Name is the environment's name, or its id if it was asked for by that.
func (e *Environment) Name() string { return e.name }

var _ status.Source = (*Environment)(nil)

// Facts asks AWS, everything but the environment itself at the same time.
func (e *Environment) Facts(ctx context.Context) (status.Facts, error) {
	c := e.client
	in := &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{e.name}, IncludeDeleted: aws.Bool(false)}
	if strings.HasPrefix(e.name, "e-") && e.stack == "" {
		in = &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentIds: []string{e.name}, IncludeDeleted: aws.Bool(false)}
	}
	found, err := c.describe(ctx, in)
	if err != nil {
		return status.Facts{}, err
	}
	if len(found) == 0 {
		return status.Facts{}, fmt.Errorf("no environment %q in %s%s", e.name, c.region, c.others(ctx))
	}
	d := found[0]
	f := status.Facts{Environment: c.environment(d), Local: c.local}
	f.Environment.Stack = e.stack

	var mu sync.Mutex
	var wait sync.WaitGroup
	var unknown []string // what the local AWS does not know
	ask := func(what string, question func() error) {
		wait.Go(func() {
			if err := question(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if c.local && account.NotImplemented(err) {
					unknown = append(unknown, what)
					return
				}
				f.Notes = append(f.Notes, account.Plain(what, err).Error())
			}
		})
	}
	ask("DescribeConfigurationSettings", func() (err error) { f.Settings, err = c.settings(ctx, d); return err })
	ask("DescribeEvents", func() (err error) { f.Events, err = c.events(ctx, d); return err })
	ask("target groups", func() (err error) { f.Groups, err = c.groups(ctx, f.Environment.ID); return err })
	if aws.ToString(d.PlatformArn) != "" {
		ask("DescribePlatformVersion", func() (err error) { f.Platform, err = c.platform(ctx, aws.ToString(d.PlatformArn)); return err })
	}
	if d.HealthStatus != "" { // only enhanced health reporting has one
		ask("DescribeEnvironmentHealth", func() (err error) { f.Health, err = c.health(ctx, d.EnvironmentId); return err })
		ask("DescribeInstancesHealth", func() (err error) { f.Instances, err = c.instances(ctx, d.EnvironmentId); return err })
	}
	ask("the deployed template", func() (err error) {
		f.Declared, f.Environment.Stack, err = e.declared(ctx, f.Environment.Name)
		return err
	})
	wait.Wait()
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	if slices.Sort(unknown); unknown != nil {
		f.Notes = append(f.Notes, "the local AWS does not implement "+strings.Join(unknown, ", "))
	}
	slices.Sort(f.Notes)
	for i := range f.Groups {
		f.Groups[i].Process = process(f.Groups[i], f.Settings)
	}
	return f, nil
}

// others names the environments that there are, for who has misspelt one.
func (c *Client) others(ctx context.Context) string {
	all, err := c.Environments(ctx)
	if err != nil {
		return ""
	}
	if len(all) == 0 {
		return " (there is none)"
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	return " (there are: " + strings.Join(names, ", ") + ")"
}

func (c *Client) settings(ctx context.Context, d types.EnvironmentDescription) ([]option.Setting, error) {
	out, err := c.beanstalk.DescribeConfigurationSettings(ctx, &elasticbeanstalk.DescribeConfigurationSettingsInput{
		ApplicationName: d.ApplicationName, EnvironmentName: d.EnvironmentName,
	})
	if err != nil {
		return nil, err
	}
	var found []option.Setting
	for _, configuration := range out.ConfigurationSettings {
		if configuration.DeploymentStatus == types.ConfigurationDeploymentStatusPending || configuration.DeploymentStatus == types.ConfigurationDeploymentStatusFailed {
			continue // of several, the one that runs counts
		}
		for _, s := range configuration.OptionSettings {
			if s.Value == nil {
				continue // an option that has no value, not one that is empty
			}
			found = append(found, option.Setting{
				Namespace: aws.ToString(s.Namespace), ResourceName: aws.ToString(s.ResourceName), OptionName: aws.ToString(s.OptionName), Value: aws.ToString(s.Value),
			})
		}
	}
	return found, nil
}

func (c *Client) events(ctx context.Context, d types.EnvironmentDescription) ([]status.Event, error) {
	out, err := c.beanstalk.DescribeEvents(ctx, &elasticbeanstalk.DescribeEventsInput{EnvironmentId: d.EnvironmentId, MaxRecords: aws.Int32(20)})
	if err != nil {
		return nil, err
	}
	var found []status.Event
	for _, e := range out.Events {
		found = append(found, status.Event{Time: aws.ToTime(e.EventDate), Severity: string(e.Severity), Message: aws.ToString(e.Message)})
	}
	slices.SortStableFunc(found, func(a, b status.Event) int { return b.Time.Compare(a.Time) })
	return found, nil
}

func (c *Client) health(ctx context.Context, id *string) (*status.Health, error) {
	out, err := c.beanstalk.DescribeEnvironmentHealth(ctx, &elasticbeanstalk.DescribeEnvironmentHealthInput{
		EnvironmentId: id, AttributeNames: []types.EnvironmentHealthAttribute{types.EnvironmentHealthAttributeAll},
	})
	if err != nil {
		return nil, err
	}
	h := &status.Health{Causes: slices.Concat([]string{}, out.Causes), Refreshed: aws.ToTime(out.RefreshedAt)}
	if m := out.ApplicationMetrics; m != nil {
		h.Requests = &status.Requests{Count: int(m.RequestCount)}
		if s := m.StatusCodes; s != nil {
			h.Requests.Status2xx, h.Requests.Status3xx = int(aws.ToInt32(s.Status2xx)), int(aws.ToInt32(s.Status3xx))
			h.Requests.Status4xx, h.Requests.Status5xx = int(aws.ToInt32(s.Status4xx)), int(aws.ToInt32(s.Status5xx))
		}
		if m.Latency != nil {
			h.Requests.P90 = aws.ToFloat64(m.Latency.P90)
		}
	}
	return h, nil
}

func (c *Client) instances(ctx context.Context, id *string) ([]status.Instance, error) {
	in := &elasticbeanstalk.DescribeInstancesHealthInput{
		EnvironmentId: id, AttributeNames: []types.InstancesHealthAttribute{types.InstancesHealthAttributeAll},
	}
	var found []status.Instance
	for {
		out, err := c.beanstalk.DescribeInstancesHealth(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, h := range out.InstanceHealthList {
			i := status.Instance{
				ID: aws.ToString(h.InstanceId), Colour: aws.ToString(h.Color), Health: aws.ToString(h.HealthStatus),
				Type: aws.ToString(h.InstanceType), Zone: aws.ToString(h.AvailabilityZone), Causes: slices.Concat([]string{}, h.Causes),
			}
			if h.Deployment != nil {
				i.Version, i.Deployment = aws.ToString(h.Deployment.VersionLabel), aws.ToString(h.Deployment.Status)
			}
			if h.System != nil && len(h.System.LoadAverage) > 0 {
				i.Load = h.System.LoadAverage[0]
			}
			found = append(found, i)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return found, nil
		}
	}
}

// groups are the target groups in the stack that Beanstalk keeps for the environment.
func (c *Client) groups(ctx context.Context, id string) ([]status.TargetGroup, error) {
	resources, err := c.resources(ctx, "awseb-"+id+"-stack")
	if err != nil {
		return nil, err
	}
	processes := map[string]string{}
	var arns []string
	for _, r := range resources {
		if aws.ToString(r.ResourceType) != "AWS::ElasticLoadBalancingV2::TargetGroup" || aws.ToString(r.PhysicalResourceId) == "" {
			continue
		}
		arns = append(arns, aws.ToString(r.PhysicalResourceId))
		if aws.ToString(r.LogicalResourceId) == "AWSEBV2LoadBalancerTargetGroup" {
			processes[aws.ToString(r.PhysicalResourceId)] = "default"
		}
	}
	if arns == nil {
		return nil, nil // a single instance, a classic load balancer, or not made yet
	}
	out, err := c.balancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: arns})
	if err != nil {
		return nil, err
	}
	var found []status.TargetGroup
	for _, t := range out.TargetGroups {
		g := status.TargetGroup{
			Process: processes[aws.ToString(t.TargetGroupArn)], ARN: aws.ToString(t.TargetGroupArn), Protocol: string(t.Protocol), Port: int(aws.ToInt32(t.Port)),
			Path: aws.ToString(t.HealthCheckPath), Interval: int(aws.ToInt32(t.HealthCheckIntervalSeconds)), Timeout: int(aws.ToInt32(t.HealthCheckTimeoutSeconds)),
			HealthyThreshold: int(aws.ToInt32(t.HealthyThresholdCount)), UnhealthyThreshold: int(aws.ToInt32(t.UnhealthyThresholdCount)),
			InUse: len(t.LoadBalancerArns) > 0, Targets: []status.Target{},
		}
		if t.Matcher != nil {
			g.SuccessCodes = aws.ToString(t.Matcher.HttpCode)
		}
		health, err := c.balancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: t.TargetGroupArn})
		if err != nil {
			return nil, err
		}
		for _, h := range health.TargetHealthDescriptions {
			target := status.Target{}
			if h.Target != nil {
				target.ID, target.Port = aws.ToString(h.Target.Id), int(aws.ToInt32(h.Target.Port))
			}
			if h.TargetHealth != nil {
				target.State, target.Reason, target.Description = string(h.TargetHealth.State), string(h.TargetHealth.Reason), aws.ToString(h.TargetHealth.Description)
			}
			g.Targets = append(g.Targets, target)
		}
		found = append(found, g)
	}
	return found, nil
}

// process finds the name of a process by its port, and by its path if several have that port: Beanstalk's stack does not
// tell it.
func process(g status.TargetGroup, settings []option.Setting) string {
	if g.Process != "" {
		return g.Process
	}
	with := func(option, value string) (names []string) {
		for _, s := range settings {
			name, ok := strings.CutPrefix(s.Namespace, "aws:elasticbeanstalk:environment:process:")
			if ok && name != "default" && s.OptionName == option && s.Value == value {
				names = append(names, name)
			}
		}
		return names
	}
	names := with("Port", strconv.Itoa(g.Port))
	if len(names) > 1 {
		paths := with("HealthCheckPath", g.Path)
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(paths, name) })
	}
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

func (c *Client) platform(ctx context.Context, arn string) (*status.Platform, error) {
	out, err := c.beanstalk.DescribePlatformVersion(ctx, &elasticbeanstalk.DescribePlatformVersionInput{PlatformArn: &arn})
	if err != nil {
		return nil, err
	}
	d := out.PlatformDescription
	if d == nil {
		return nil, nil
	}
	p := &status.Platform{
		Branch: aws.ToString(d.PlatformBranchName), BranchState: aws.ToString(d.PlatformBranchLifecycleState), Recommended: aws.ToString(d.PlatformLifecycleState) == "Recommended",
	}
	if !strings.EqualFold(p.BranchState, "Deprecated") && !strings.EqualFold(p.BranchState, "Retired") {
		return p, nil
	}
	branches, err := c.beanstalk.ListPlatformBranches(ctx, &elasticbeanstalk.ListPlatformBranchesInput{Filters: []types.SearchFilter{
		{Attribute: aws.String("LifecycleState"), Operator: aws.String("="), Values: []string{"supported"}},
	}})
	if err != nil {
		return p, err
	}
	order := int32(-1)
	language, _, _ := strings.Cut(p.Branch, " ")
	for _, b := range branches.PlatformBranchSummaryList {
		if name := aws.ToString(b.BranchName); strings.HasPrefix(name, language+" ") && b.BranchOrder > order {
			p.Newest, order = name, b.BranchOrder
		}
	}
	return p, nil
}

// declared reads the option settings from the template of the stack that the environment belongs to.
func (e *Environment) declared(ctx context.Context, name string) ([]option.Setting, string, error) {
	c := e.client
	stack, logical := e.stack, e.logical
	if stack == "" {
		out, err := c.stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{PhysicalResourceId: &name})
		if err != nil && strings.Contains(err.Error(), "does not exist") {
			return nil, "", nil // made without CloudFormation
		}
		if err != nil {
			return nil, "", err
		}
		for _, r := range out.StackResources {
			if aws.ToString(r.PhysicalResourceId) == name {
				stack, logical = aws.ToString(r.StackName), aws.ToString(r.LogicalResourceId)
			}
		}
		if stack == "" {
			return nil, "", nil
		}
	}
	c.mu.Lock()
	known, ok := c.templates[stack+"/"+logical]
	c.mu.Unlock()
	if ok {
		return known, stack, nil
	}
	out, err := c.stacks.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack})
	if err != nil {
		return nil, stack, err
	}
	document, err := template.Parse(stack, []byte(aws.ToString(out.TemplateBody)))
	if err != nil {
		return nil, stack, err
	}
	settings := []option.Setting{}
	for i := range document.Resources {
		if r := &document.Resources[i]; r.LogicalID == logical {
			for _, s := range r.Settings() {
				settings = append(settings, option.Setting{
					Namespace: s.Namespace, ResourceName: s.ResourceName, OptionName: s.OptionName, Value: s.Value, Unresolved: s.Unresolved || s.Conditional,
				})
			}
		}
	}
	c.mu.Lock()
	c.templates[stack+"/"+logical] = settings
	c.mu.Unlock()
	return settings, stack, nil
}
