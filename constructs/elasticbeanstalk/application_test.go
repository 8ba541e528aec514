package elasticbeanstalk_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestAWebServerAndItsWorkerShareAnApplication(t *testing.T) {
	stack := newStack(t)
	vpc := existingVPC(stack)
	web := elasticbeanstalk.NewEnvironment(stack, "Web", dedicated(vpc))
	props := dedicated(vpc)
	props.Tier, props.Application = option.Worker, web.Application
	elasticbeanstalk.NewEnvironment(stack, "Worker", props)
	props.VersionLabel, props.Source = *web.Version.Ref(), bundle.Source{}
	same := elasticbeanstalk.NewEnvironment(stack, "Same", props)
	if same.Version != nil {
		t.Error("a version is made where one is named")
	}
	template := synth(t, stack)

	template.One(t, "AWS::ElasticBeanstalk::Application")
	for id, version := range map[string]string{"Web": "${Stack/Web/Version}", "Worker": "${Stack/Worker/Version}", "Same": "${Stack/Web/Version}"} {
		r := template.Resources["Stack/"+id]
		if app, label := r.Property("ApplicationName"), r.Property("VersionLabel"); app != "${Stack/Web/Application}" || label != version {
			t.Errorf("%s runs %s of %s, want %s of the web server's application", id, label, app, version)
		}
		requireParts(t, template.Resources["Stack/"+id+"/InstanceRole"].Property("Policies.0.PolicyDocument.Statement"), ":application/${Stack/Web/Application}")
	}
	if app := template.Resources["Stack/Worker/Version"].Property("ApplicationName"); app != "${Stack/Web/Application}" {
		t.Errorf("the worker's version is one of %s", app)
	}
}

func TestAnApplicationByItsName(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Application = awselasticbeanstalk.CfnApplication_FromApplicationName(stack, jsii.String("Shop"), jsii.String("shop"))
	props.VersionLabel, props.Source = "2026-11-26", bundle.Source{}
	props.CNAMEPrefix = "shop"
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	r := template.Resources["Stack/Web"]
	if app, label, cname := r.Property("ApplicationName"), r.Property("VersionLabel"), r.Property("CNAMEPrefix"); app != "shop" || label != "2026-11-26" || cname != "shop" {
		t.Errorf("%s of %s runs at %s", label, app, cname)
	}
	for _, kind := range []string{"AWS::ElasticBeanstalk::Application", "AWS::ElasticBeanstalk::ApplicationVersion"} {
		if n := len(template.OfType(kind)); n != 0 {
			t.Errorf("%d of %s are made", n, kind)
		}
	}
}

// The rule never touches the sources: the bootstrap bucket is not the application's own.
func TestTheApplicationForgetsItsOldestVersions(t *testing.T) {
	for want, lifecycle := range map[string]elasticbeanstalk.VersionLifecycle{
		`{"MaxAgeRule":{"Enabled":false},"MaxCountRule":{"DeleteSourceFromS3":false,"Enabled":true,"MaxCount":50}}`:     {},
		`{"MaxAgeRule":{"Enabled":false},"MaxCountRule":{"DeleteSourceFromS3":false,"Enabled":true,"MaxCount":7}}`:      {MaxCount: 7},
		`{"MaxAgeRule":{"DeleteSourceFromS3":false,"Enabled":true,"MaxAgeInDays":90},"MaxCountRule":{"Enabled":false}}`: {MaxAgeInDays: 90},
	} {
		stack := newStack(t)
		props := dedicated(existingVPC(stack))
		props.VersionLifecycle = lifecycle
		elasticbeanstalk.NewEnvironment(stack, "Web", props)
		application := synth(t, stack).One(t, "AWS::ElasticBeanstalk::Application")
		if got := application.Property("ResourceLifecycleConfig.VersionLifecycleConfig"); got != want {
			t.Errorf("%+v gives %s, want %s", lifecycle, got, want)
		}
		if got := application.Property("ResourceLifecycleConfig.ServiceRole"); got != "${Stack/Web/ServiceRole.Arn}" {
			t.Errorf("the rule is carried out by %s", got)
		}
	}
}

func TestTagsAreOnEverythingOfTheEnvironment(t *testing.T) {
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Tags = map[string]string{"team": "web", "cost center": "4711/7"}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)
	for _, path := range []string{"Stack/Web", "Stack/Web/InstanceRole", "Stack/Web/SecurityGroup", "Stack/Web/AccessLogs"} {
		requireParts(t, template.Resources[path].Property("Tags"), `{"Key":"cost center","Value":"4711/7"}`, `{"Key":"team","Value":"web"}`)
	}
}

func TestANameOfOnesOwnIsAWarning(t *testing.T) {
	app := newApp(t)
	stack := func(name, region string) awscdk.Stack {
		return awscdk.NewStack(app, &name, &awscdk.StackProps{Env: &awscdk.Environment{Region: &region, Account: jsii.String("123456789012")}})
	}
	here, there := stack("Here", "eu-central-1"), stack("There", "eu-west-1")
	warnings := func(stack awscdk.Stack, part string) int {
		return len(*assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(&part)))
	}
	named := func(vpc awscdk.Stack, id string) *elasticbeanstalk.Environment {
		props := dedicated(existingVPC(awscdk.NewStack(app, jsii.String(id+"VPC"), nil)))
		props.EnvironmentName, props.CNAMEPrefix, props.ApplicationName = "shop", "shop", "shop"
		return elasticbeanstalk.NewEnvironment(vpc, id, props)
	}
	named(here, "First")
	if n := warnings(here, "cannot replace the environment"); n != 2 {
		t.Errorf("%d warnings of EnvironmentName and CNAMEPrefix, want one each", n)
	}
	named(there, "Elsewhere")
	if n := warnings(here, "has the name") + warnings(there, "has the name"); n != 0 {
		t.Errorf("%d warnings of names that are taken in another region", n)
	}
	second := named(here, "Second")
	for _, field := range []string{"EnvironmentName: Here/First has", "CNAMEPrefix: Here/First has", "ApplicationName: Here/First has"} {
		if n := warnings(here, field); n != 1 {
			t.Errorf("%d warnings that the name is taken, want one: %s", n, field)
		}
	}
	awscdk.Validations_Of(second).Acknowledge(
		&awscdk.Acknowledgment{Id: jsii.String("Annotation::beanpole:fixed-name"), Reason: jsii.String("nothing replaces it")},
		&awscdk.Acknowledgment{Id: jsii.String("Annotation::beanpole:name-taken"), Reason: jsii.String("the other is deployed elsewhere")})
	if n := warnings(here, "has the name"); n != 0 {
		t.Errorf("%d warnings of names are left once they are acknowledged", n)
	}
}
