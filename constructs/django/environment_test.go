package django_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/django"
	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func TestTheSmallestPropsTellTheProjectEverything(t *testing.T) {
	stack, vpc := newStack(t)
	django.NewEnvironment(stack, "Web", smallest(vpc, project(t, nil)))
	template := synth(t, stack)

	got := template.Resources["Stack/Web"].Options()
	requireOptions(t, got, map[string]string{
		properties + "ALLOWED_HOSTS":                                       "www.example.com",
		properties + "HEALTH_CHECK_PATH":                                   "/healthz/",
		properties + "INSTANCE_IP_SOURCE":                                  "metadata",
		properties + "SECURE_SSL_REDIRECT":                                 "false",
		secrets + "SECRET_KEY":                                             "${Stack/WebSecretKey}",
		"aws:elasticbeanstalk:environment:process:default HealthCheckPath": "/healthz/",
		"aws:elasticbeanstalk:environment:process:default MatcherHTTPCode": "200-301",
		"aws:elasticbeanstalk:container:python WSGIPath":                   "mysite.wsgi",
		"aws:elasticbeanstalk:container:python NumProcesses":               "1",
		"aws:elasticbeanstalk:container:python NumThreads":                 "15",
		"aws:elasticbeanstalk:environment:proxy ProxyServer":               "nginx",
		"aws:elasticbeanstalk:environment:proxy:staticfiles /static":       "static",
	})
	for name := range got {
		if strings.HasPrefix(name, properties) && !slices.Contains([]string{"ALLOWED_HOSTS", "HEALTH_CHECK_PATH", "INSTANCE_IP_SOURCE", "SECURE_SSL_REDIRECT"}, strings.TrimPrefix(name, properties)) {
			t.Errorf("the project gets %s, which it has not asked for", name)
		}
	}
	secret := template.One(t, "AWS::SecretsManager::Secret")
	if got := secret.Property("GenerateSecretString"); got != `{"ExcludePunctuation":true,"PasswordLength":64}` {
		t.Errorf("the secret key is generated as %s", got)
	}
	requireParts(t, template.Resources["Stack/Web/InstanceRole"].Property("Policies.0.PolicyDocument.Statement"),
		`{"Action":"secretsmanager:GetSecretValue","Effect":"Allow","Resource":"${Stack/WebSecretKey}","Sid":"Secrets"}`)

	files := bundled(t, stack, template)
	want := []string{"Procfile", overlay.WrapperName, "manage.py", "mysite/wsgi.py"}
	if names := slices.Sorted(maps.Keys(files)); !slices.Equal(names, slices.Sorted(slices.Values(want))) {
		t.Errorf("the bundle holds %q, want %q", names, want)
	}
	if want := "web: bash beanpole-web.sh gunicorn --bind 127.0.0.1:8000 --workers=1 --threads=15 mysite.wsgi\n"; files["Procfile"] != want {
		t.Errorf("the Procfile is %q, want %q", files["Procfile"], want)
	}
	requireParts(t, files[overlay.WrapperName], "#!/usr/bin/env bash", "ALLOWED_HOSTS", "INSTANCE_IP")
}

func TestWhatTheProjectAsksFor(t *testing.T) {
	stack, vpc := newStack(t)
	mine := awssecretsmanager.NewSecret(stack, jsii.String("Mine"), nil)
	password := awssecretsmanager.NewSecret(stack, jsii.String("Password"), nil)
	props := smallest(vpc, project(t, map[string]string{"requirements.txt": "django\n"}))
	props.Hosts = []string{"www.example.com", ".example.org", *awscdk.NewCfnParameter(stack, jsii.String("Host"), nil).ValueAsString()}
	props.HTTPS = true
	props.SettingsModule = "mysite.production"
	props.WSGIApplication = "mysite.wsgi:application"
	props.NumProcesses, props.NumThreads = 4, 8
	props.Migrate, props.CollectStatic = true, true
	props.StaticFiles = map[string]string{"/assets": "build/assets"}
	props.SecretKey = mine
	props.Variables = overlay.Variables{AllowedHosts: "DJANGO_HOSTS", AllowedHostsSeparator: ",", HTTPS: "DJANGO_HTTPS", SecretKey: "DJANGO_KEY", HealthCheckPath: "DJANGO_HEALTH", InstanceIP: "MY_IP"}
	props.Environment.Environment = map[string]string{"LOG_LEVEL": "info"}
	props.Environment.Secrets = map[string]elasticbeanstalk.Secret{"PASSWORD": {SecretsManager: password}}
	props.Environment.Processes = map[string]elasticbeanstalk.Process{"default": {HealthCheck: health.Check{Path: "/up/"}}}
	django.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	got := template.Resources["Stack/Web"].Options()
	requireOptions(t, got, map[string]string{
		properties + "DJANGO_HOSTS":           "www.example.com,.example.org,${Host}",
		properties + "DJANGO_HTTPS":           "true",
		properties + "DJANGO_HEALTH":          "/up/",
		properties + "DJANGO_SETTINGS_MODULE": "mysite.production",
		properties + "LOG_LEVEL":              "info",
		properties + "ALLOWED_HOSTS":          "",
		secrets + "DJANGO_KEY":                "${Stack/Mine}",
		secrets + "PASSWORD":                  "${Stack/Password}",
		secrets + "SECRET_KEY":                "",
		"aws:elasticbeanstalk:environment:process:default HealthCheckPath": "/up/",
		"aws:elasticbeanstalk:container:python WSGIPath":                   "mysite.wsgi:application",
		"aws:elasticbeanstalk:container:python NumProcesses":               "4",
		"aws:elasticbeanstalk:container:python NumThreads":                 "8",
		"aws:elasticbeanstalk:environment:proxy:staticfiles /assets":       "build/assets",
		"aws:elasticbeanstalk:environment:proxy:staticfiles /static":       "",
	})
	requireParts(t, template.Resources["Stack/Web/InstanceRole"].Property("Policies.0.PolicyDocument.Statement"),
		`{"Action":"secretsmanager:GetSecretValue","Effect":"Allow","Resource":["${Stack/Mine}","${Stack/Password}"],"Sid":"Secrets"}`)
	if n := len(template.OfType("AWS::SecretsManager::Secret")); n != 2 {
		t.Errorf("%d secrets, want mine and the password alone", n)
	}

	files := bundled(t, stack, template)
	requireParts(t, files["Procfile"], "--workers=4 --threads=8 mysite.wsgi:application")
	requireParts(t, files[overlay.WrapperName], "local allowed_hosts=DJANGO_HOSTS\n", "local separator=','\n", "local instance_ip=MY_IP\n")
	requireParts(t, files[overlay.ExtensionsName], "manage.py migrate --noinput", "leader_only: true")
	requireParts(t, files[overlay.HookName], "manage.py collectstatic --noinput")
	requireParts(t, files[overlay.ConfigHookName], "manage.py collectstatic --noinput")
}

func TestMigrateAndCollectStaticAreAskedForOneByOne(t *testing.T) {
	for _, c := range []struct {
		migrate, collectStatic bool
	}{{true, false}, {false, true}} {
		stack, vpc := newStack(t)
		props := smallest(vpc, project(t, nil))
		props.Migrate, props.CollectStatic = c.migrate, c.collectStatic
		django.NewEnvironment(stack, "Web", props)
		files := bundled(t, stack, synth(t, stack))
		for name, want := range map[string]bool{overlay.ExtensionsName: c.migrate, overlay.HookName: c.collectStatic, overlay.ConfigHookName: c.collectStatic} {
			if _, got := files[name]; got != want {
				t.Errorf("Migrate %v, CollectStatic %v: %s is in the bundle: %v", c.migrate, c.collectStatic, name, got)
			}
		}
	}
}

// The second strategy needs no address: the proxy sends a host of its own, which Django has to allow.
func TestNginxRewriteAllowsTheHostThatTheProxySends(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, nil))
	props.Address = overlay.NginxRewrite
	props.Environment.Processes = map[string]elasticbeanstalk.Process{"default": {HealthCheck: health.Check{Path: "/up/"}}}
	django.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	requireOptions(t, template.Resources["Stack/Web"].Options(), map[string]string{
		properties + "ALLOWED_HOSTS":      "www.example.com " + overlay.HealthCheckHost,
		properties + "INSTANCE_IP_SOURCE": "none",
	})
	files := bundled(t, stack, template)
	requireParts(t, files[overlay.NginxName], "location = /up/ {", overlay.HealthCheckHost)
	if _, there := files[overlay.WrapperName]; there {
		t.Error("the wrapper is in the bundle")
	}
	if want := "web: gunicorn "; !strings.HasPrefix(files["Procfile"], want) {
		t.Errorf("the Procfile is %q, want it to begin with %q", files["Procfile"], want)
	}
	if len(props.Hosts) != 1 {
		t.Errorf("the caller's hosts have become %q", props.Hosts)
	}
}

func TestOfTheProjectsOwnProcfileOnlyWebIsWrapped(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, map[string]string{"Procfile": "worker: celery -A mysite worker\nweb: uvicorn mysite.asgi:application --port 8000\n"}))
	props.WSGIApplication = "" // the Procfile says what runs
	django.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)

	want := "worker: celery -A mysite worker\nweb: bash beanpole-web.sh uvicorn mysite.asgi:application --port 8000\n"
	if got := bundled(t, stack, template)["Procfile"]; got != want {
		t.Errorf("the Procfile is\n%swant\n%s", got, want)
	}
	if path, there := template.Resources["Stack/Web"].Options()["aws:elasticbeanstalk:container:python WSGIPath"]; there {
		t.Errorf("WSGIPath is %q", path)
	}
}

// The path of the health check stands in three places; a setting that is added later cannot part them.
func TestWhatIsAgreedStaysAgreed(t *testing.T) {
	for _, s := range []option.Setting{
		{Namespace: "aws:elasticbeanstalk:environment:process:default", OptionName: "HealthCheckPath", Value: "/other/"},
		{Namespace: "aws:elasticbeanstalk:application:environment", OptionName: "ALLOWED_HOSTS", Value: "example.org"},
	} {
		stack, vpc := newStack(t)
		environment := django.NewEnvironment(stack, "Web", smallest(vpc, project(t, nil)))
		environment.AddOptionSettings(option.Setting{Namespace: "aws:autoscaling:asg", OptionName: "Cooldown", Value: "120"})
		environment.AddOptionSettings(s)
		requireParts(t, panicOf(func() { synth(t, stack) }), s.OptionName, "have to agree")
	}
}

func TestTheSameProjectGivesTheSameProps(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, nil))
	props.Environment.Environment = map[string]string{"A": "1"}
	for _, id := range []string{"One", "Two"} {
		django.NewEnvironment(stack, id, props)
	}
	if n := len(props.Environment.Environment) + len(props.Environment.Secrets) + len(props.Environment.OptionSettings) + len(props.Environment.Source.Overlay); n != 1 {
		t.Errorf("the caller's props have been changed: %+v", props.Environment)
	}
	template := synth(t, stack)
	versions := template.OfType("AWS::ElasticBeanstalk::ApplicationVersion")
	if a, b := versions[0].Property("SourceBundle.S3Key"), versions[1].Property("SourceBundle.S3Key"); a != b {
		t.Errorf("two bundles of one project: %s and %s", a, b)
	}
}

// A worker runs the same project: its daemon asks for localhost, and nobody asks an instance for its health by address.
func TestAWorkerRunsTheSameProject(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, nil))
	props.Environment.Tier, props.Hosts = option.Worker, nil
	django.NewEnvironment(stack, "Worker", props)
	props = smallest(vpc, project(t, nil))
	props.Environment.EnvironmentType = elasticbeanstalk.SingleInstance
	django.NewEnvironment(stack, "Single", props)
	template := synth(t, stack)

	for id, hosts := range map[string]string{"Worker": "localhost", "Single": "www.example.com"} {
		got := template.Resources["Stack/"+id].Options()
		requireOptions(t, got, map[string]string{
			properties + "ALLOWED_HOSTS":                     hosts,
			properties + "INSTANCE_IP_SOURCE":                overlay.SourceNone,
			properties + "SECURE_SSL_REDIRECT":               "false",
			properties + "HEALTH_CHECK_PATH":                 "/healthz/",
			secrets + "SECRET_KEY":                           "${Stack/" + id + "SecretKey}",
			"aws:elasticbeanstalk:container:python WSGIPath": "mysite.wsgi",
		})
		if _, there := got["aws:elasticbeanstalk:environment:process:default HealthCheckPath"]; there {
			t.Errorf("%s has a target group", id)
		}
	}
}

func TestHTTPSOfASingleInstanceIsSomebodyElses(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, nil))
	props.Environment.EnvironmentType, props.HTTPS = elasticbeanstalk.SingleInstance, true
	django.NewEnvironment(stack, "Web", props)
	if n := len(*assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_StringLikeRegexp(jsii.String("closed port")))); n != 1 {
		t.Errorf("%d warnings that nothing takes HTTPS, want one", n)
	}
}

// A web server and its worker are one application, and run one version.
func TestAWorkerRunsTheVersionOfItsWebServer(t *testing.T) {
	stack, vpc := newStack(t)
	web := smallest(vpc, project(t, nil))
	web.SecretKey = awssecretsmanager.NewSecret(stack, jsii.String("Key"), nil)
	web.Migrate = true
	environment := django.NewEnvironment(stack, "Web", web)
	worker := smallest(vpc, "")
	worker.WSGIApplication, worker.Hosts, worker.SecretKey = "", nil, web.SecretKey
	worker.Environment.Tier = option.Worker
	worker.Environment.Application = environment.Application
	worker.Environment.VersionLabel = *environment.Version.Ref()
	django.NewEnvironment(stack, "Worker", worker)
	template := synth(t, stack)

	for _, id := range []string{"Web", "Worker"} {
		r := template.Resources["Stack/"+id]
		if app, version := r.Property("ApplicationName"), r.Property("VersionLabel"); app != "${Stack/Web/Application}" || version != "${Stack/Web/Version}" {
			t.Errorf("%s runs %s of %s", id, version, app)
		}
	}
	template.One(t, "AWS::ElasticBeanstalk::Application")
	template.One(t, "AWS::ElasticBeanstalk::ApplicationVersion")
}

func TestMigrationsBesideTheOldCodeAreWarnedOf(t *testing.T) {
	for acknowledged, want := range map[bool]int{false: 1, true: 0} {
		stack, vpc := newStack(t)
		props := smallest(vpc, project(t, nil))
		props.Migrate = true
		environment := django.NewEnvironment(stack, "Web", props)
		if acknowledged {
			awscdk.Validations_Of(environment).Acknowledge(&awscdk.Acknowledgment{Id: jsii.String("Annotation::beanpole:migrate"), Reason: jsii.String("expand, then contract")})
		}
		found := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Stack/Web"), assertions.Match_StringLikeRegexp(jsii.String("^Migrate: ")))
		if len(found) != want {
			t.Errorf("acknowledged %v: %d warnings, want %d", acknowledged, len(found), want)
		}
	}
}

func TestOptionsOfTheEnvironmentReachTheProject(t *testing.T) {
	stack, vpc := newStack(t)
	props := smallest(vpc, project(t, nil))
	props.NumProcesses, props.NumThreads = 3, 4
	props.StaticFiles = map[string]string{"/assets": "public"}
	props.Environment.XRayEnabled = true
	props.Environment.Health.HealthCheckType = elasticbeanstalk.HealthCheckELB
	django.NewEnvironment(stack, "Web", props)
	template := synth(t, stack)
	got := template.Resources["Stack/Web"].Options()
	requireOptions(t, got, map[string]string{
		"aws:elasticbeanstalk:xray XRayEnabled":                      "true",
		"aws:elasticbeanstalk:container:python NumProcesses":         "3",
		"aws:elasticbeanstalk:container:python NumThreads":           "4",
		"aws:elasticbeanstalk:environment:proxy:staticfiles /assets": "public",
	})
	if _, there := got["aws:elasticbeanstalk:environment:proxy:staticfiles /static"]; there {
		t.Error("/static is served too, which was not asked for")
	}
	files := bundled(t, stack, template)
	requireParts(t, files["Procfile"], "--workers=3 --threads=4")
	requireParts(t, files[".ebextensions/beanpole-resources.config"], "HealthCheckType: ELB")
}

// The redirect and the cookies follow from HTTPS, and the listener from the certificate.
func TestHTTPSAndTheCertificateGoTogether(t *testing.T) {
	certificate := []string{"arn:aws:acm:eu-central-1:123456789012:certificate/a"}
	for name, c := range map[string]struct {
		https        bool
		certificates []string
		warning      string
	}{
		"neither": {}, "both": {https: true, certificates: certificate},
		"HTTPS alone":       {https: true, warning: "clients are redirected to a closed port"},
		"certificate alone": {certificates: certificate, warning: "HTTPS is false"},
	} {
		stack, vpc := newStack(t)
		props := smallest(vpc, project(t, nil))
		props.HTTPS, props.Environment.LoadBalancer.CertificateARNs = c.https, c.certificates
		django.NewEnvironment(stack, "Web", props)
		found := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Stack/Web"), assertions.Match_StringLikeRegexp(jsii.String("HTTPS is|certificate")))
		switch {
		case c.warning == "" && len(found) > 0:
			t.Errorf("%s: a warning: %v", name, found[0].Entry.Data)
		case c.warning != "" && len(found) != 1:
			t.Errorf("%s: %d warnings, want one", name, len(found))
		case c.warning != "" && !strings.Contains(fmt.Sprint(found[0].Entry.Data), c.warning):
			t.Errorf("%s: the warning is %v", name, found[0].Entry.Data)
		}
	}
}
