package django_test

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/internal/template/templatetest"
)

func TestMain(m *testing.M) {
	// The CDK's own validation takes seconds a process; a test of the whole app has it on.
	os.Setenv("CDK_VALIDATION", "false")
	jsii.Close() // the next call starts a Node process with this environment
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// newStack returns a stack named Stack in an app of its own, and a VPC that somebody else has made.
func newStack(t *testing.T) (awscdk.Stack, awsec2.IVpc) {
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir:  jsii.String(t.TempDir()),
		Context: &map[string]any{templatetest.PathMetadata: true},
	})
	stack := awscdk.NewStack(app, jsii.String("Stack"), nil)
	return stack, awsec2.Vpc_FromVpcAttributes(stack, jsii.String("VPC"), &awsec2.VpcAttributes{
		VpcId:             jsii.String("vpc-1"),
		VpcCidrBlock:      jsii.String("10.0.0.0/16"),
		AvailabilityZones: jsii.Strings("a", "b"),
		PublicSubnetIds:   jsii.Strings("subnet-public-a", "subnet-public-b"),
		PrivateSubnetIds:  jsii.Strings("subnet-private-a", "subnet-private-b"),
	})
}

// project writes a project and returns its directory. A manage.py is there unless files say otherwise.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"manage.py": "print('manage')\n", "mysite/wsgi.py": "application = None\n"}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		if content == "" {
			continue
		}
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// smallest are the smallest props: everything is a default.
func smallest(vpc awsec2.IVpc, source string) *django.EnvironmentProps {
	return &django.EnvironmentProps{
		Environment: elasticbeanstalk.EnvironmentProps{
			Source:  bundle.Source{Path: source},
			Network: elasticbeanstalk.Network{VPC: vpc},
		},
		WSGIApplication: "mysite.wsgi",
		Hosts:           []string{"www.example.com"},
	}
}

func synth(t *testing.T, stack awscdk.Stack) *templatetest.Template {
	t.Helper()
	assembly := stack.Node().Root().(awscdk.App).Synth(nil)
	return templatetest.Read(t, *assembly.Directory())[*stack.StackName()]
}

// bundled returns the files of the bundle that a template deploys, by name.
func bundled(t *testing.T, stack awscdk.Stack, template *templatetest.Template) map[string]string {
	t.Helper()
	key := template.One(t, "AWS::ElasticBeanstalk::ApplicationVersion").Property("SourceBundle.S3Key")
	archive, err := zip.OpenReader(filepath.Join(*stack.Node().Root().(awscdk.App).Outdir(), "asset."+key))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string]string{}
	for _, file := range archive.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		files[file.Name] = string(content)
	}
	return files
}

const (
	properties = "aws:elasticbeanstalk:application:environment "
	secrets    = "aws:elasticbeanstalk:application:environmentsecrets "
)

func requireOptions(t *testing.T, got, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
}

func panicOf(f func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

func requireParts(t *testing.T, message string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("%q is not in:\n%s", part, message)
		}
	}
}
