package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/beanpole-cdk/internal/template/templatetest"
)

const octocat = `, "github": {"repository": "octocat/shop"}`

func TestWithoutGitHubThereIsNoDeployer(t *testing.T) {
	for name := range templates(t, `{"production": {}}`) {
		if strings.Contains(name, "deployer") {
			t.Errorf("there is %s", name)
		}
	}
}

func TestTheDeployerTrustsOneRepositoryAndEnvironment(t *testing.T) {
	deployer := templates(t, `{"production": {}, "staging": {}}`+octocat)["shop-deployer"]
	requireProperties(t, deployer.One(t, "AWS::IAM::OIDCProvider"), map[string]string{
		"Url": "https://token.actions.githubusercontent.com", "ClientIdList": `["sts.amazonaws.com"]`,
	})
	for _, id := range []string{"production", "staging"} {
		role := deployer.Resources["shop-deployer/"+id]
		requireProperties(t, role, map[string]string{"AssumeRolePolicyDocument.Statement": `[{"Action":"sts:AssumeRoleWithWebIdentity",` +
			`"Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com","token.actions.githubusercontent.com:sub":"repo:octocat/shop:environment:` + id + `"}},` +
			`"Effect":"Allow","Principal":{"Federated":"${shop-deployer/GitHub}"}}]`})
		if got := deployer.Outputs["Role"+id]; got != "${shop-deployer/"+id+".Arn}" {
			t.Errorf("output Role%s is %q", id, got)
		}
	}
	if n := len(deployer.OfType("AWS::IAM::Role")); n != 2 {
		t.Errorf("%d roles, want one an environment", n)
	}
}

func TestTheDeployerHasNoRightsOfItsOwn(t *testing.T) {
	deployer := templates(t, `{"production": {}}`+octocat)["shop-deployer"]
	role := deployer.One(t, "AWS::IAM::Role")
	requireProperties(t, role, map[string]string{
		"Policies.0.PolicyName": "Deploy",
		"Policies.0.PolicyDocument.Statement": `[{"Action":"sts:AssumeRole","Effect":"Allow","Resource":[` +
			`"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-deploy-role-${AWS::AccountId}-${AWS::Region}",` +
			`"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-file-publishing-role-${AWS::AccountId}-${AWS::Region}",` +
			`"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-lookup-role-${AWS::AccountId}-${AWS::Region}"]}]`,
		"Policies.1.PolicyName": "Status",
		"Policies.1.PolicyDocument.Statement.0.Resource": `["arn:${AWS::Partition}:elasticbeanstalk:${AWS::Region}:${AWS::AccountId}:application/shop-production-web-*",` +
			`"arn:${AWS::Partition}:elasticbeanstalk:${AWS::Region}:${AWS::AccountId}:environment/shop-production-web-*/*"]`,
		"Policies.1.PolicyDocument.Statement.1.Resource": "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/shop-production-web/*",
		"ManagedPolicyArns": "", "MaxSessionDuration": "7200",
	})
	// Beside taking the CDK's roles it only reads, and what it reads of everything are load balancers and platforms.
	for i := range role.Len("Policies.1.PolicyDocument.Statement") {
		at := "Policies.1.PolicyDocument.Statement." + string(rune('0'+i))
		for _, action := range actions(role, at+".Action") {
			_, verb, _ := strings.Cut(action, ":")
			if !strings.HasPrefix(verb, "Describe") && !strings.HasPrefix(verb, "List") && action != "cloudformation:GetTemplate" {
				t.Errorf("%s is more than reading", action)
			}
			if all := role.Property(at+".Resource") == "*"; all && !slices.Contains([]string{"elasticbeanstalk:DescribePlatformVersion", "elasticbeanstalk:ListPlatformBranches",
				"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth"}, action) {
				t.Errorf("%s on everything", action)
			}
		}
	}
	if n := len(deployer.OfType("AWS::Lambda::Function")); n != 0 {
		t.Errorf("%d functions", n)
	}
}

// actions are those of a statement, of which one alone is no list.
func actions(role *templatetest.Resource, path string) []string {
	n := role.Len(path)
	if n == 0 {
		return []string{role.Property(path)}
	}
	var all []string
	for i := range n {
		all = append(all, role.Property(path+"."+string(rune('0'+i))))
	}
	return all
}

func TestADeployerForEachAccount(t *testing.T) {
	all := templates(t, `{"production": {"account": "111111111111", "region": "eu-central-1"}, "far": {"account": "111111111111", "region": "us-east-1"},
		"staging": {"account": "222222222222", "region": "eu-west-1"}}, "github": {"repository": "octocat/shop", "oidcProviderExists": true}`)
	for stack, roles := range map[string]int{"shop-deployer-111111111111": 2, "shop-deployer-222222222222": 1} {
		deployer := all[stack]
		if deployer == nil {
			t.Fatalf("there is no %s", stack)
		}
		if n := len(deployer.OfType("AWS::IAM::Role")); n != roles {
			t.Errorf("%s has %d roles, want %d", stack, n, roles)
		}
		if n := len(deployer.OfType("AWS::IAM::OIDCProvider")); n != 0 {
			t.Errorf("%s makes an identity provider, of which there is one", stack)
		}
	}
	far := all["shop-deployer-111111111111"].Resources["shop-deployer-111111111111/far"]
	requireProperties(t, far, map[string]string{
		"AssumeRolePolicyDocument.Statement.0.Principal.Federated": "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com",
		"Policies.0.PolicyDocument.Statement.0.Resource.0":         "arn:aws:iam::111111111111:role/cdk-hnb659fds-deploy-role-111111111111-us-east-1",
	})
}

// New repositories are known by number too: their names can be taken by others.
func TestTheDeployerTrustsARepositoryByNumber(t *testing.T) {
	deployer := templates(t, `{"production": {}}, "github": {"repository": "octocat@583231/shop@1296269"}`)["shop-deployer"]
	requireProperties(t, deployer.One(t, "AWS::IAM::Role"), map[string]string{
		"AssumeRolePolicyDocument.Statement.0.Condition": `{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com",` +
			`"token.actions.githubusercontent.com:sub":"repo:octocat@583231/shop@1296269:environment:production"}}`,
	})
}

func TestWhatIsWrongWithGitHub(t *testing.T) {
	for github, parts := range map[string][]string{
		`{}`:                                     {`beanpole.github.repository: "" is not a repository`, "octocat/shop"},
		`{"repository": "shop"}`:                 {`beanpole.github.repository: "shop"`},
		`{"repository": "octocat/shop@1296269"}`: {`beanpole.github.repository: "octocat/shop@1296269"`, "octocat@583231/shop@1296269"},
		`{"repository": "octocat/*"}`:            {`beanpole.github.repository: "octocat/*"`},
		`{"repository": "octocat/shop", "oidcProviderExists": "arn"}`: {`beanpole.github.oidcProviderExists: must be true or false`},
		`{"repo": "octocat/shop"}`:                                    {`beanpole.github.repo: there is no such key`, `repository`},
	} {
		_, err := load(t, `{"production": {}}, "github": `+github, nil)
		if err == nil {
			t.Errorf("%s is taken", github)
			continue
		}
		requireParts(t, err.Error(), parts...)
	}
}
