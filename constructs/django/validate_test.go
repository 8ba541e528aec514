package django_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawselasticbeanstalk"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// Props can be judged without a construct: these stand in for what only the CDK can make.
type (
	someVPC    struct{ awsec2.IVpc }
	someSecret struct{ awssecretsmanager.ISecret }

	someApplication struct {
		interfacesawselasticbeanstalk.IApplicationRef
	}
)

func TestHosts(t *testing.T) {
	source := project(t, nil)
	for host, allowed := range map[string]bool{
		"www.example.com": true, ".example.com": true, "localhost": true, "10.0.1.23": true, "${Token[LB.DNSName.42]}": true,
		"": false, "*": false, "*.example.com": false, "https://www.example.com": false, "www.example.com:8000": false,
		"www.example.com/": false, "a.example.com b.example.com": false, "a.example.com,b.example.com": false, "user@example.com": false,
	} {
		props := smallest(someVPC{}, source)
		props.Hosts = []string{"first.example.com", host}
		err := props.Validate()
		if (err == nil) != allowed {
			t.Errorf("%q is allowed: %v, want %v (%v)", host, err == nil, allowed, err)
		}
		if err != nil {
			requireParts(t, err.Error(), "Hosts[1]: ")
		}
	}
}

func TestValidateSaysWhatAndWhere(t *testing.T) {
	type props = django.EnvironmentProps
	secret := elasticbeanstalk.Secret{SecretsManager: someSecret{}}
	whole, withoutManage := project(t, nil), project(t, map[string]string{"manage.py": ""})
	property := func(name string) option.Setting {
		return option.Setting{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: name, Value: "x"}
	}
	for _, c := range []struct {
		name   string
		change func(*props)
		parts  []string
	}{
		{"no hosts", func(p *props) { p.Hosts = nil }, []string{"Hosts: is empty", "400"}},
		{"no WSGI application", func(p *props) { p.WSGIApplication = "" }, []string{"WSGIApplication: "}},
		{"a path for a module", func(p *props) { p.WSGIApplication = "mysite/wsgi.py" }, []string{"WSGIApplication: ", `"mysite/wsgi.py"`, `"mysite.wsgi"`}},
		{"missing source", func(p *props) { p.Environment.Source.Path = "none" }, []string{"Environment.Source: ", "none"}},
		{"processes", func(p *props) { p.NumProcesses = -1 }, []string{"NumProcesses: -1"}},
		{"threads", func(p *props) { p.NumThreads = -1 }, []string{"NumThreads: -1"}},
		{"strategy", func(p *props) { p.Address = "magic" }, []string{`"magic"`, "wrapper", "nginx"}},
		{"variable", func(p *props) { p.Variables.AllowedHosts = "allowed-hosts" }, []string{"Variables: AllowedHosts: ", `"allowed-hosts"`}},
		{"migrate without manage.py", func(p *props) { p.Migrate = true; p.Environment.Source.Path = withoutManage }, []string{"Migrate", "manage.py"}},
		{"hosts twice", func(p *props) { p.Environment.Environment = map[string]string{"ALLOWED_HOSTS": "*"} }, []string{`Environment.Environment["ALLOWED_HOSTS"]: `}},
		{"switch twice", func(p *props) { p.Environment.Environment = map[string]string{"INSTANCE_IP_SOURCE": "none"} }, []string{`Environment.Environment["INSTANCE_IP_SOURCE"]: `}},
		{"settings twice", func(p *props) {
			p.SettingsModule = "a"
			p.Environment.Environment = map[string]string{"DJANGO_SETTINGS_MODULE": "b"}
		}, []string{`Environment.Environment["DJANGO_SETTINGS_MODULE"]: `}},
		{"secret key in the open", func(p *props) { p.Environment.Environment = map[string]string{"SECRET_KEY": "hush"} }, []string{`Environment.Environment["SECRET_KEY"]: `}},
		{"secret key twice", func(p *props) { p.Environment.Secrets = map[string]elasticbeanstalk.Secret{"SECRET_KEY": secret} }, []string{`Environment.Secrets["SECRET_KEY"]: `, "SecretKey"}},
		{"hosts as a secret", func(p *props) { p.Environment.Secrets = map[string]elasticbeanstalk.Secret{"ALLOWED_HOSTS": secret} }, []string{`Environment.Secrets["ALLOWED_HOSTS"]: `}},
		{"renamed variable", func(p *props) {
			p.Variables.AllowedHosts = "HOSTS"
			p.Environment.Environment = map[string]string{"HOSTS": "*"}
		}, []string{`Environment.Environment["HOSTS"]: `}},
		{"raw hosts", func(p *props) { p.Environment.OptionSettings = []option.Setting{property("ALLOWED_HOSTS")} }, []string{"Environment.OptionSettings: ", "ALLOWED_HOSTS"}},
		{"raw path", func(p *props) {
			p.Environment.OptionSettings = []option.Setting{{Namespace: "aws:elasticbeanstalk:environment:process:default", OptionName: "HealthCheckPath", Value: "/up/"}}
		}, []string{"Environment.OptionSettings: ", "HealthCheckPath", "Environment.Processes"}},
		{"what a version that is made has already", func(p *props) {
			p.Environment.Source.Path, p.Environment.VersionLabel, p.Environment.Application = "", "label", someApplication{}
			p.Migrate, p.NumThreads = true, 4
		}, []string{"Migrate: is in the source bundle", "NumThreads: is in the source bundle"}},
		{"HTTPS of a worker", func(p *props) { p.Environment.Tier, p.HTTPS = option.Worker, true }, []string{"HTTPS: ", "worker"}},
		{"the environment's own", func(p *props) { p.Environment.EnvironmentName = "x" }, []string{`Environment.EnvironmentName: "x"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := smallest(someVPC{}, whole)
			c.change(p)
			err := p.Validate()
			if err == nil {
				t.Fatal("nothing is refused")
			}
			requireParts(t, err.Error(), c.parts...)
		})
	}
	for name, change := range map[string]func(*props){
		"smallest": func(*props) {},
		"default name for one's own": func(p *props) {
			p.Variables.AllowedHosts = "HOSTS"
			p.Environment.Environment = map[string]string{"ALLOWED_HOSTS": "mine"}
		},
		"settings module by hand":  func(p *props) { p.Environment.Environment = map[string]string{"DJANGO_SETTINGS_MODULE": "mine"} },
		"a worker without hosts":   func(p *props) { p.Environment.Tier, p.Hosts = option.Worker, nil },
		"no manage.py, not needed": func(p *props) { p.Environment.Source.Path = withoutManage },
	} {
		p := smallest(someVPC{}, whole)
		change(p)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProjectsThatCannotBeWrapped(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		parts []string
	}{
		{"no web process", map[string]string{"Procfile": "worker: celery -A mysite worker\n"}, []string{"Procfile: ", "web:"}},
		{"a shell's line", map[string]string{"Procfile": "web: gunicorn -w $WORKERS mysite.wsgi\n"}, []string{"Procfile: ", `"$"`}},
		{"the wrapper's name", map[string]string{overlay.WrapperName: "echo mine\n"}, []string{overlay.WrapperName}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := smallest(someVPC{}, project(t, c.files)).Validate()
			if err == nil {
				t.Fatal("nothing is refused")
			}
			requireParts(t, err.Error(), c.parts...)
		})
	}
}

func TestEverythingThatIsWrongIsSaidAtOnceBeforeAnythingIsAdded(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, nil))
	props.Hosts = []string{"*"}
	props.WSGIApplication = "mysite/wsgi.py"
	props.Environment.EnvironmentName = "x"
	props.Environment.Environment = map[string]string{"ALLOWED_HOSTS": "*"}
	message := panicOf(func() { django.NewEnvironment(stack, "Web", props) })
	requireParts(t, message, "Stack/Web:\n", "Hosts[0]: ", "WSGIApplication: ", "Environment.EnvironmentName: ", `Environment.Environment["ALLOWED_HOSTS"]: `)
	for _, id := range []string{"Web", "WebSecretKey"} {
		if stack.Node().TryFindChild(jsii.String(id)) != nil {
			t.Errorf("%s is in the tree all the same", id)
		}
	}
	requireParts(t, panicOf(func() { django.NewEnvironment(stack, "Web", nil) }), "Stack/Web:\n", "EnvironmentProps is nil")
}

// The secret key is added before the environment, so that what the environment cannot take has to be known before either.
func TestNoSecretKeyIsLeftOfAnEnvironmentThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(awscdk.Stack, *elasticbeanstalk.EnvironmentProps)
		part   string
	}{
		"a parameter that is a secret": {func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			parameter := awscdk.NewCfnParameter(stack, jsii.String("Parameter"), &awscdk.CfnParameterProps{NoEcho: jsii.Bool(true)})
			p.Environment = map[string]string{"MODE": *parameter.ValueAsString()}
		}, `Environment.Environment["MODE"]: `},
		"a topic": {func(stack awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.Notifications.Topic = awssns.NewTopic(stack, jsii.String("Topic"), &awssns.TopicProps{Fifo: jsii.Bool(true)})
		}, "Environment.Notifications: Topic: "},
		"subnets": {func(_ awscdk.Stack, p *elasticbeanstalk.EnvironmentProps) {
			p.Network.InstanceSubnets = &awsec2.SubnetSelection{SubnetGroupName: jsii.String("app")}
		}, "Environment.Network: InstanceSubnets: "},
	} {
		stack, vpc := newStack(t)
		props := smallest(vpc, project(t, nil))
		c.change(stack, &props.Environment)
		requireParts(t, panicOf(func() { django.NewEnvironment(stack, "Web", props) }), "Stack/Web:\n"+c.part)
		for _, id := range []string{"Web", "WebSecretKey"} {
			if stack.Node().TryFindChild(jsii.String(id)) != nil {
				t.Errorf("%s: %s is in the tree all the same", name, id)
			}
		}
	}
}
