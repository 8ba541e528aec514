package stacks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// GitHubConfig is the repository whose workflows deploy.
type GitHubConfig struct {
	// Repository is spelled as in the subject that GitHub signs: "octocat@583231/shop@1296269", with the numbers of owner
	// and repository, for repositories made or renamed since July 15, 2026, and those that have switched to it;
	// "octocat/shop" for others. Required.
	//
	// https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
	Repository string `beanpole:"repository"`
	// OIDCProviderExists says that the accounts have GitHub as an identity provider already, which they can have only
	// once. Default: false, it is made.
	OIDCProviderExists bool `beanpole:"oidcProviderExists"`
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9])*(/[A-Za-z0-9._-]+|@[0-9]+/[A-Za-z0-9._-]+@[0-9]+)$`)

func (g *GitHubConfig) validate(problem func(key, format string, args ...any)) {
	if g == nil {
		return
	}
	if !repositoryName.MatchString(g.Repository) {
		problem("github.repository", `%q is not a repository; write it as in "octocat@583231/shop@1296269" or, if GitHub signs it without the numbers, "octocat/shop"`, g.Repository)
	}
}

const githubIssuer = "token.actions.githubusercontent.com"

// Deployer is the stack of what lets workflows on GitHub deploy to one account: GitHub as an identity provider, and for
// every deployment environment a role. It is deployed by hand, once.
//
// https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
type Deployer struct {
	Stack awscdk.Stack
	// Roles are the roles by the name of the environment.
	Roles map[string]awsiam.Role
}

// newDeployers adds a deployer for each account that environments are in.
func newDeployers(scope constructs.Construct, config Config) []*Deployer {
	if config.GitHub == nil {
		return nil
	}
	members := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(config.Environments)) {
		account := config.Environments[id].Account
		members[account] = append(members[account], id)
	}
	var all []*Deployer
	for _, account := range slices.Sorted(maps.Keys(members)) {
		all = append(all, newDeployer(scope, config, account, members[account]))
	}
	return all
}

func newDeployer(scope constructs.Construct, config Config, account string, members []string) *Deployer {
	stackName := config.Application + "-deployer"
	if account != "" {
		stackName += "-" + account
	}
	d := &Deployer{
		Stack: awscdk.NewStack(scope, &stackName, stackProps(config, config.Environments[members[0]], stackName,
			fmt.Sprintf("What lets workflows of %s deploy %s", config.GitHub.Repository, config.Application))),
		Roles: map[string]awsiam.Role{},
	}
	provider := d.arn("iam", "", "oidc-provider/"+githubIssuer)
	if !config.GitHub.OIDCProviderExists {
		provider = awsiam.NewOidcProviderNative(d.Stack, jsii.String("GitHub"), &awsiam.OidcProviderNativeProps{
			Url:       jsii.String("https://" + githubIssuer),
			ClientIds: jsii.Strings("sts.amazonaws.com"),
		}).OidcProviderArn()
	}
	for _, id := range members {
		d.addRole(config, id, provider)
	}
	return d
}

// addRole adds the role of one environment. Only a job of the repository that runs in the GitHub environment of the same
// name can take it; who may run such a job, and from which branches, is set there.
func (d *Deployer) addRole(config Config, id string, provider *string) {
	role := awsiam.NewRole(d.Stack, &id, &awsiam.RoleProps{
		Description: jsii.String(fmt.Sprintf("Workflows of %s, environment %s", config.GitHub.Repository, id)),
		AssumedBy: awsiam.NewWebIdentityPrincipal(provider, &map[string]any{"StringEquals": map[string]string{
			githubIssuer + ":aud": "sts.amazonaws.com",
			githubIssuer + ":sub": fmt.Sprintf("repo:%s:environment:%s", config.GitHub.Repository, id),
		}}),
		MaxSessionDuration: awscdk.Duration_Hours(jsii.Number(2)), // waiting and deploying can take longer than an hour
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"Deploy": document(d.bootstrapRoles(config.Environments[id])),
			"Status": document(d.status(webStackName(config, id), config.Environments[id])...),
		},
	})
	d.Roles[id] = role
	awscdk.NewCfnOutput(d.Stack, jsii.String("Role-"+id), &awscdk.CfnOutputProps{
		Value:       role.RoleArn(),
		Description: jsii.String(fmt.Sprintf("The variable AWS_ROLE_ARN of the GitHub environment %s", id)),
	})
}

// bootstrapRoles lets the CDK's command line do what it does: it deploys and uploads by the roles that cdk bootstrap has
// made, and has no other rights.
func (d *Deployer) bootstrapRoles(environment EnvironmentConfig) awsiam.PolicyStatement {
	qualifier := "hnb659fds"
	if own, ok := d.Stack.Node().TryGetContext(jsii.String("@aws-cdk/core:bootstrapQualifier")).(string); ok {
		qualifier = own
	}
	account, region := *d.Stack.Account(), d.region(environment)
	var roles []*string
	for _, name := range []string{"deploy", "file-publishing", "lookup"} {
		roles = append(roles, d.arn("iam", "", "role/cdk-"+qualifier+"-"+name+"-role-"+account+"-"+region))
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings("sts:AssumeRole"), Resources: &roles})
}

// status is what beanpole status reads. The application's name is CloudFormation's: it begins with that of the stack.
func (d *Deployer) status(stack string, environment EnvironmentConfig) []awsiam.PolicyStatement {
	region := d.region(environment)
	read := func(actions []string, resources ...*string) awsiam.PolicyStatement {
		return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(actions...), Resources: &resources})
	}
	return []awsiam.PolicyStatement{
		read([]string{
			"elasticbeanstalk:DescribeConfigurationSettings", "elasticbeanstalk:DescribeEnvironmentHealth", "elasticbeanstalk:DescribeEnvironments",
			"elasticbeanstalk:DescribeEvents", "elasticbeanstalk:DescribeInstancesHealth",
		}, d.arn("elasticbeanstalk", region, "application/"+stack+"-*"), d.arn("elasticbeanstalk", region, "environment/"+stack+"-*/*")),
		read([]string{"cloudformation:GetTemplate", "cloudformation:ListStackResources"}, d.arn("cloudformation", region, "stack/"+stack+"/*")),
		read([]string{"cloudformation:ListStackResources"}, d.arn("cloudformation", region, "stack/awseb-e-*-stack/*")),
		// These know no resources, or only platforms, which are AWS's.
		read([]string{
			"elasticbeanstalk:DescribePlatformVersion", "elasticbeanstalk:ListPlatformBranches",
			"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
		}, jsii.String("*")),
	}
}

func (d *Deployer) region(environment EnvironmentConfig) string {
	if environment.Region != "" {
		return environment.Region
	}
	return *d.Stack.Region()
}

// arn is an ARN in the account of the deployer.
func (d *Deployer) arn(service, region, resource string) *string {
	return jsii.String(fmt.Sprintf("arn:%s:%s:%s:%s:%s", *d.Stack.Partition(), service, region, *d.Stack.Account(), resource))
}

func document(statements ...awsiam.PolicyStatement) awsiam.PolicyDocument {
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements})
}
