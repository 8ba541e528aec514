// Package option knows every option setting that Elastic Beanstalk publishes: its type, range, default, where it applies,
// and what a change of it does to a running environment. [Check] finds what Beanstalk would refuse, or accept and ignore,
// before a deployment does.
//
// The package is plain Go without CDK, so that tools can use it too.
package option

// A Setting is one option setting, in the words of CloudFormation's OptionSetting:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-elasticbeanstalk-environment-optionsetting.html
type Setting struct {
	// Namespace is the group that the option belongs to, such as "aws:autoscaling:asg".
	Namespace string
	// ResourceName distinguishes the actions of aws:autoscaling:scheduledaction. Elsewhere it says nothing:
	// Beanstalk writes the logical id of the resource there when it shows an environment's settings.
	ResourceName string
	// OptionName is the option's name, such as "MinSize".
	OptionName string
	// Value is the value as text, as CloudFormation has it.
	Value string
	// Unresolved says that Value is not known now: a CDK token, a function of CloudFormation.
	Unresolved bool
}

// Tier is the kind of work that an environment does.
type Tier string

// The tiers, by the name that CloudFormation's Tier property takes.
const (
	WebServer Tier = "WebServer"
	Worker    Tier = "Worker"
)

// LoadBalancerType is a value of aws:elasticbeanstalk:environment LoadBalancerType.
type LoadBalancerType string

// The types of load balancer. Beanstalk's own default is classic.
const (
	Classic     LoadBalancerType = "classic"
	Application LoadBalancerType = "application"
	Network     LoadBalancerType = "network"
)

// Context is what is known of the environment apart from its settings. The zero value says that nothing is known, and
// that the settings are all there are: what they leave out has Beanstalk's default.
type Context struct {
	// Tier is the environment's tier, "" if unknown.
	Tier Tier
	// LoadBalancerType stands in where the settings do not give one, "" if unknown.
	LoadBalancerType LoadBalancerType
	// LoadBalancerIsShared stands in where the settings do not give it, nil if unknown.
	LoadBalancerIsShared *bool
	// Platform is the name of the platform branch or solution stack, or the platform's ARN; "" if unknown. Examples:
	// "Python 3.13 running on 64bit Amazon Linux 2023", "64bit Amazon Linux 2023 v4.13.7 running Python 3.14".
	Platform string
	// Partial says that the settings are only some of the environment's, such as one .config file's: nothing is
	// then said about what is missing.
	Partial bool
}

// Effect is what a change of an option's value does to a running environment.
type Effect int

const (
	// Unknown says that no source tells.
	Unknown Effect = iota
	// NoInterruption: the change is made in place, and requests are served meanwhile.
	NoInterruption
	// NewInstancesOnly: instances that run already keep the old value until they are replaced.
	NewInstancesOnly
	// RestartsApplication: the application restarts on all instances; the instances stay.
	RestartsApplication
	// ReplacesInstances: the instances are replaced, as the environment's rolling-update settings say.
	ReplacesInstances
	// ReplacesEnvironment: only another environment can have the new value, and CloudFormation makes one.
	ReplacesEnvironment
	// Rejected: Beanstalk refuses the change; the value can be chosen only when the environment is made.
	Rejected
)

func (e Effect) String() string {
	switch e {
	case NoInterruption:
		return "no interruption"
	case NewInstancesOnly:
		return "new instances only"
	case RestartsApplication:
		return "restarts the application"
	case ReplacesInstances:
		return "replaces the instances"
	case ReplacesEnvironment:
		return "replaces the environment"
	case Rejected:
		return "refused after creation"
	}
	return "unknown"
}

// MarshalText renders the effect as String does.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Level is how bad a finding is.
type Level int

const (
	// Error: Beanstalk refuses the setting, or the deployment fails because of it.
	Error Level = iota
	// Warning: Beanstalk accepts the setting, but ignores it or does something else than it seems to say; or it is not
	// known whether Beanstalk accepts it.
	Warning
)

func (l Level) String() string {
	if l == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText renders the level as String does.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// A Finding is one thing that is wrong with one setting.
type Finding struct {
	// Setting is the setting at fault; of a missing one, the one that needs it.
	Setting
	// Index is its place in the list that Check was given.
	Index int
	// Rule is the rule's id, in kebab case. It is part of the API: acknowledgements name it.
	Rule string
	// Level says whether the setting is refused.
	Level Level
	// Message is one sentence that names the option, what was given, what is allowed and what was probably meant.
	Message string
	// Allowed is what the option accepts, "" if that says nothing.
	Allowed string
	// Suggestion is what was probably meant, ready to be written instead: a namespace, a name, or a value; "" if unsure.
	Suggestion string
	// URL is AWS's page on the option.
	URL string
}
