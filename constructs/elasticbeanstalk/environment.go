package elasticbeanstalk

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/customresources"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawselasticbeanstalk"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// EnvironmentProps says what the environment is. Source, or the VersionLabel of an application version that exists, and
// Network.VPC are required; the zero value of everything else is its default.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticbeanstalk-environment.html
type EnvironmentProps struct {
	// Source is the directory or zip file that instances run. Its zip is deterministic: the same files give the same
	// application version on every computer.
	Source bundle.Source

	// VersionLabel is the label of an application version of Application that instances run instead of Source, up to 100
	// characters: that of another environment's Version, or of a pipeline's making. Default: a version is made of Source.
	//
	// What its bundle overrides in .ebextensions comes with it: the redirect of LoadBalancer.CertificateARNs and
	// Health.HealthCheckType too. The Version of another environment of the app is refused where that environment asks for
	// others of these than this one does. What is in a version that is named in plain text nobody can see here: it has to be
	// made for an environment of the same kind, and these fields are refused with it.
	VersionLabel string

	// Application is an application that exists, for the environment to be made in: that of another [Environment], so that
	// a web server and its worker share one, or one by its name, with CfnApplication_FromApplicationName. Fixed once the
	// environment exists. Default: one is made.
	Application interfacesawselasticbeanstalk.IApplicationRef

	// ApplicationName is the name of the application that is made, up to 100 characters. Default: CloudFormation generates
	// one. A given name makes some replacements of the application impossible.
	ApplicationName string

	// VersionLifecycle is for the application that is made.
	VersionLifecycle VersionLifecycle

	// EnvironmentName is 4 to 40 letters, digits and hyphens, unique in region and account. Default: CloudFormation
	// generates one. With a given name, CloudFormation cannot replace the environment when a change demands it, of which a
	// warning ("beanpole:fixed-name") reminds until it is acknowledged.
	EnvironmentName string

	// CNAMEPrefix is the first label of the domain name that Elastic Beanstalk gives a web server,
	// CNAMEPrefix.region.elasticbeanstalk.com: 4 to 63 letters, digits and hyphens, unique in the region. What is said of a
	// given EnvironmentName holds for it too. Default: Elastic Beanstalk derives one from the environment's name.
	CNAMEPrefix string

	// Tags are put on everything of the environment, by key, up to 47; Elastic Beanstalk puts them on what it makes itself,
	// such as instances and the load balancer, too. Volumes and network interfaces have them with
	// Capacity.LaunchTemplateTagPropagationEnabled. Default: none but those of the scope.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.tagging.html
	Tags map[string]string

	// Description is up to 200 characters. Default: none.
	Description string

	// Tier is [option.WebServer] or [option.Worker]; fixed once the environment exists. Default: [option.WebServer].
	Tier option.Tier
	// EnvironmentType is [LoadBalanced] or [SingleInstance]. What does not apply to an environment of the tier and type is
	// refused. AWS documents that it can be changed later; but the type of a load balancer can be chosen only when an
	// environment is made, a single instance chooses none, and which one it then gets nobody has verified: make another
	// environment instead. Default: [LoadBalanced].
	EnvironmentType EnvironmentType

	// Worker is for an environment of the worker tier alone.
	Worker Worker

	Platform     Platform
	LoadBalancer LoadBalancer

	// Processes are the processes of an instance by name, each a target group. One that is left out later keeps its target
	// group: once given, it can be changed but not taken away. Default: one named "default", on port 80, with the defaults
	// of [Process].
	Processes map[string]Process

	Capacity   Capacity
	Deployment Deployment
	Network    Network
	Roles      Roles
	Health     Health
	Logs       Logs

	Notifications Notifications

	// XRayEnabled runs the daemon of AWS X-Ray on the instances, which may then send it traces; the app needs the SDK of
	// X-Ray or OpenTelemetry. Default: false.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-configuration-debugging.html
	XRayEnabled bool

	// Environment holds environment properties, the variables that the app sees. All of them together take up to 4,096
	// bytes. What looks like a secret by its name or its value is refused, because whoever may describe the environment
	// reads it: give it in Secrets. A property that is left out later, or moved to Secrets, may stay in the environment with its
	// last value, because an option that is not written keeps its value: see that it is gone. Default: none.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-softwaresettings.html
	Environment map[string]string

	// NotSecret are the names of environment properties, and of raw option settings, that are no secrets in spite of their
	// looks, such as a key that everybody may have. Default: none.
	NotSecret []string

	// Secrets are environment properties whose values the instance fetches from AWS Secrets Manager or Parameter Store when
	// it boots; the instance role may read exactly these. Where a secret was in Environment before, rotate it, and see in the
	// environment's configuration that the old property is gone: whoever could describe the environment has read it, and it
	// may still be there. Default: none.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
	Secrets map[string]Secret

	// OptionSettings are raw option settings that win over everything above. They pass the same check as everything else.
	// Default: none.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html
	OptionSettings []option.Setting
}

// Validate reports everything that is wrong with the props as one joined error, nil if nothing is. It reads the source
// and calls no CDK.
func (p *EnvironmentProps) Validate() error {
	if p == nil {
		return errors.New("EnvironmentProps is nil: Source and Network.VPC are required")
	}
	var problems []error
	add := func(field string, err error) {
		for _, e := range flatten(err) {
			if field != "" {
				e = fmt.Errorf("%s: %w", field, e)
			}
			problems = append(problems, e)
		}
	}
	if p.VersionLabel == "" {
		source, err := p.bundle()
		add("Source", errors.Join(source.Validate(), err))
	}
	add("", p.validateApplication())
	add("", p.validateKind())
	add("Worker", p.Worker.validate())
	add("Platform", p.Platform.validate())
	add("LoadBalancer", p.LoadBalancer.validate(p.processes()))
	for _, name := range slices.Sorted(maps.Keys(p.Processes)) {
		add(fmt.Sprintf("Processes[%q]", name), p.Processes[name].validate(name))
	}
	if len(p.Processes) > 0 {
		if _, ok := p.Processes[defaultProcess]; !ok {
			add("Processes", fmt.Errorf("has no %q; Elastic Beanstalk always makes that process, and its health is the environment's: add it", defaultProcess))
		}
	}
	add("Capacity", p.Capacity.validate(p.kind(), p.LoadBalancer.Shared != nil))
	add("Deployment", p.Deployment.validate(p.LoadBalancer, p.kind()))
	add("Network", p.Network.validate(p.LoadBalancer))
	add("Roles", p.Roles.validate())
	add("Health", p.Health.validate(p.Platform))
	add("Logs", p.Logs.validate())
	add("Notifications", p.Notifications.validate())
	raw, err := p.propsOnly(p.OptionSettings)
	add("OptionSettings", err)
	checked := *p
	checked.OptionSettings = raw // what is refused says nothing more about other fields
	for _, name := range slices.Sorted(maps.Keys(p.Secrets)) {
		field := fmt.Sprintf("Secrets[%q]", name)
		add(field, p.Secrets[name].validate())
		if _, twice := p.Environment[name]; twice {
			add(field, errors.New("is in Environment too; a variable has one value: remove one of the two"))
		}
	}
	add("", checked.plainSecrets(checked.settings(unknownReferences(p))))
	return errors.Join(append(problems, checked.checkOptions(problems)...)...)
}

// flatten takes a joined error apart, so that each problem gets a line of its own with the field it is in.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

// Environment is an Elastic Beanstalk environment and what it needs to run. It is a construct: give it to CDK APIs as a
// scope, a peer of a connection ([awsec2.IConnectable]) or the grantee of a grant ([awsiam.IGrantable]).
type Environment struct {
	constructs.Construct

	// Application is the application that the environment is made in.
	Application interfacesawselasticbeanstalk.IApplicationRef
	// Version is the application version that the environment runs. Its label is generated by CloudFormation. It is nil
	// where VersionLabel names one that exists.
	Version awselasticbeanstalk.CfnApplicationVersion
	// Resource is the environment itself.
	Resource awselasticbeanstalk.CfnEnvironment
	// InstanceRole is the role of the instances, and ServiceRole that of Elastic Beanstalk.
	InstanceRole, ServiceRole awsiam.IRole
	// SecurityGroup is the security group of the instances.
	SecurityGroup awsec2.ISecurityGroup

	props    EnvironmentProps
	refs     references
	settings []option.Setting // merged; what the caller does to the props later does not count
	warned   map[string]bool

	// What the look-ups at deployment have made, each once.
	idLookUp           customresources.AwsCustomResource
	loadBalancerLookUp *string
	loadBalancer       awselasticloadbalancingv2.IApplicationLoadBalancer
	targetGroups       map[string]awselasticloadbalancingv2.IApplicationTargetGroup // by process, as below
	deployedChecks     map[string]customresources.AwsCustomResource
	alarms             map[string]awscloudwatch.Alarm
	physicalIDs        map[string]string // by logical id

	applicationName, versionLabel *string

	policies           []awsiam.Policy // of the environment, attached to roles that are not
	loadBalancerGroups []awsec2.ISecurityGroup
	accessLogs         awss3.IBucket // of a dedicated load balancer
}

var (
	_ awsec2.IConnectable = (*Environment)(nil)
	_ awsiam.IGrantable   = (*Environment)(nil)
)

// NewEnvironment adds an environment to scope. It panics with everything that [EnvironmentProps.ValidateIn] finds, as one
// error, before anything is added.
//
// With a shared load balancer, add the listeners before the environment: Elastic Beanstalk needs one to join.
func NewEnvironment(scope constructs.Construct, id string, props *EnvironmentProps) *Environment {
	if err := props.ValidateIn(scope); err != nil {
		panic(fmt.Errorf("%s/%s:\n%w", *scope.Node().Path(), id, err))
	}
	e := &Environment{
		props: *props, warned: map[string]bool{},
		targetGroups:   map[string]awselasticloadbalancingv2.IApplicationTargetGroup{},
		deployedChecks: map[string]customresources.AwsCustomResource{},
		alarms:         map[string]awscloudwatch.Alarm{},
		physicalIDs:    map[string]string{},
	}
	constructs.NewConstruct_Override(e, scope, &id)
	e.props.Processes = maps.Clone(props.Processes)
	if props.VersionLabel == "" {
		e.props.Source, _ = props.bundle()
	}

	e.newServiceRole()
	e.newApplication()
	e.newInstanceRole()
	e.newSecurityGroups()
	e.newVersion()
	e.settings = e.props.settings(e.refs)

	e.Resource = awselasticbeanstalk.NewCfnEnvironment(e, jsii.String("Resource"), &awselasticbeanstalk.CfnEnvironmentProps{
		ApplicationName: e.applicationName,
		EnvironmentName: optional(props.EnvironmentName),
		CnamePrefix:     optional(props.CNAMEPrefix),
		Description:     optional(props.Description),
		PlatformArn:     jsii.String(props.Platform.arn(awscdk.Stack_Of(e))),
		Tier:            props.kind().cfnTier(),
		VersionLabel:    e.versionLabel,
		// Rendered when the app is synthesised, because AddOptionSettings may come later.
		OptionSettings: awscdk.Lazy_Any(&settingsProducer{environment: e}, nil),
	})
	e.orderBeforeEnvironment()
	e.configureLoadBalancer()
	e.addTags()
	e.warn()
	e.warnAboutNames()
	e.warnAboutCapacity()
	e.warnAboutQueue()
	e.warnAboutPlatform()
	e.warnAboutBundle()
	e.warnAboutReplacement()
	e.warnAboutSecretsPlatform()
	e.warnAboutSecureStrings()
	return e
}

// AddOptionSettings adds raw option settings, which win over the props and over what was added before. It panics with
// everything that is wrong with the settings as they then are.
func (e *Environment) AddOptionSettings(settings ...option.Setting) {
	settings, refused := e.props.propsOnly(markTokens(settings))
	merged := option.Merge(e.settings, settings)
	if err := errors.Join(refused, e.props.plainSecrets(settings), e.props.unwrappedSecrets(e, settings),
		option.Validate(merged, e.props.context())); err != nil {
		panic(fmt.Errorf("%s:\n%w", *e.Node().Path(), err))
	}
	e.settings = merged
	e.warn()
}

// warn passes on what Elastic Beanstalk would accept and ignore, as warnings that can be acknowledged by their id: "beanpole:"
// followed by the rule of the finding, as in "beanpole:not-applicable".
func (e *Environment) warn() {
	for _, finding := range option.Check(e.settings, e.props.context()) {
		if finding.Level != option.Warning || e.warned[finding.Message] {
			continue
		}
		e.warned[finding.Message] = true
		awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:"+finding.Rule), &finding.Message)
	}
}

// OptionSettings returns the option settings as they will be rendered: merged, sorted, each once.
func (e *Environment) OptionSettings() []option.Setting {
	return slices.Clone(e.settings)
}

// Connections lets the instances be the peer of a security group rule, as in db.Connections().AllowDefaultPortFrom(env, nil).
func (e *Environment) Connections() awsec2.Connections {
	return e.SecurityGroup.Connections()
}

// GrantPrincipal is the role of the instances, as in bucket.GrantRead(env, nil).
func (e *Environment) GrantPrincipal() awsiam.IPrincipal {
	return e.InstanceRole.GrantPrincipal()
}

// EnvironmentName is the name of the environment, a token that CloudFormation resolves.
func (e *Environment) EnvironmentName() string {
	return *e.Resource.Ref()
}

// orderBeforeEnvironment makes everything that an instance needs to boot, to be found healthy and to leave in good order
// exist as long as the environment does. References alone order roles, groups and buckets, but not their policies and
// rules, and no routes.
func (e *Environment) orderBeforeEnvironment() {
	dependencies := []constructs.IDependable{e.InstanceRole, e.ServiceRole, e.SecurityGroup, e.instanceSubnets().InternetConnectivityEstablished}
	for _, policy := range e.policies {
		dependencies = append(dependencies, policy)
	}
	for _, group := range e.loadBalancerGroups {
		dependencies = append(dependencies, group)
	}
	for _, group := range e.props.Network.SecurityGroups {
		dependencies = append(dependencies, group)
	}
	if e.accessLogs != nil {
		dependencies = append(dependencies, e.accessLogs)
	}
	switch shared := e.props.LoadBalancer.Shared; {
	case shared != nil:
		found, _ := listeners(shared)
		dependencies = append(dependencies, found...)
	case e.props.kind().balanced():
		dependencies = append(dependencies, e.loadBalancerSubnets().InternetConnectivityEstablished)
	}
	e.Resource.Node().AddDependency(dependencies...)
}

// settingsProducer renders the settings at synthesis. It has a field so that it has an address of its own: jsii tells
// Go objects apart by theirs.
type settingsProducer struct{ environment *Environment }

func (p *settingsProducer) Produce() interface{} {
	var rendered []*awselasticbeanstalk.CfnEnvironment_OptionSettingProperty
	for _, s := range p.environment.settings {
		rendered = append(rendered, &awselasticbeanstalk.CfnEnvironment_OptionSettingProperty{
			Namespace:    jsii.String(s.Namespace),
			ResourceName: optional(s.ResourceName),
			OptionName:   jsii.String(s.OptionName),
			Value:        jsii.String(s.Value),
		})
	}
	return rendered
}

// optional turns the zero value of a Go field into an absent property.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// isToken says whether the CDK will resolve s later. The marker is part of the encoding of tokens in strings; asking for
// it here keeps Validate free of CDK calls.
func isToken(s string) bool {
	return strings.Contains(s, "${Token[")
}

func markTokens(settings []option.Setting) []option.Setting {
	marked := slices.Clone(settings)
	for i := range marked {
		marked[i].Unresolved = marked[i].Unresolved || isToken(marked[i].Value)
	}
	return marked
}
