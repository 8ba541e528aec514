package option

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/internal/suggest"
)

// The namespaces that rules name.
const (
	asg                   = "aws:autoscaling:asg"
	launchConfiguration   = "aws:autoscaling:launchconfiguration"
	trigger               = "aws:autoscaling:trigger"
	rollingUpdate         = "aws:autoscaling:updatepolicy:rollingupdate"
	templateParameter     = "aws:cloudformation:template:parameter"
	instances             = "aws:ec2:instances"
	vpc                   = "aws:ec2:vpc"
	environmentProperties = "aws:elasticbeanstalk:application:environment"
	environmentSecrets    = "aws:elasticbeanstalk:application:environmentsecrets"
	healthLogs            = "aws:elasticbeanstalk:cloudwatch:logs:health"
	command               = "aws:elasticbeanstalk:command"
	environment           = "aws:elasticbeanstalk:environment"
	process               = "aws:elasticbeanstalk:environment:process:"
	proxy                 = "aws:elasticbeanstalk:environment:proxy"
	staticFiles           = "aws:elasticbeanstalk:environment:proxy:staticfiles"
	healthReporting       = "aws:elasticbeanstalk:healthreporting:system"
	managedActions        = "aws:elasticbeanstalk:managedactions"
	platformUpdate        = "aws:elasticbeanstalk:managedactions:platformupdate"
	activeDirectory       = "aws:elasticbeanstalk:windows:activedirectory"
	classicHealthCheck    = "aws:elb:healthcheck"
	classicListener       = "aws:elb:listener"
	classicLoadBalancer   = "aws:elb:loadbalancer"
	classicPolicies       = "aws:elb:policies"
	listener              = "aws:elbv2:listener:"
	listenerRule          = "aws:elbv2:listenerrule:"
	loadBalancer          = "aws:elbv2:loadbalancer"
)

// Check finds everything that is wrong with the settings, in one pass: what Beanstalk refuses is an [Error], what it
// accepts and ignores, or may refuse, a [Warning]. It takes the settings as they are given and finds contradicting
// duplicates among them; where later settings are meant to win, [Merge] first. Findings come in the order of the settings.
//
// Rules across options see what Beanstalk sees: the settings merged with its defaults, unless in.Partial. An unresolved
// value counts where only its presence matters, and nothing is said about it where the value matters.
func Check(settings []Setting, in Context) []Finding {
	c := newChecker(settings, in)
	for i := range settings {
		c.identify(i)
	}
	c.environment()
	for i := range settings {
		c.inspect(i)
	}
	c.rules()
	slices.SortStableFunc(c.found, func(a, b Finding) int { return cmp.Compare(a.Index, b.Index) })
	return c.found
}

// Validate returns the errors among Check's findings as one joined error, nil if there is none.
func Validate(settings []Setting, in Context) error {
	var errs []error
	for _, f := range Check(settings, in) {
		if f.Level == Error {
			errs = append(errs, f)
		}
	}
	return errors.Join(errs...)
}

// Error renders the finding as one line: the message and AWS's page.
func (f Finding) Error() string {
	if f.URL == "" {
		return f.Message
	}
	return f.Message + " (" + f.URL + ")"
}

type checker struct {
	catalogue *index
	settings  []Setting
	in        Context
	platform  platform
	at        map[key]int  // the last setting of each option
	options   []*Option    // of each setting, nil if unknown
	order     []string     // namespaces in the order of their first setting
	meant     map[key]bool // options that a misspelt setting was probably meant to be
	bad       []bool       // settings whose value is refused, and says nothing about the environment
	found     []Finding

	balancer balancer
	single   bool // the environment has one instance and no load balancer, for certain
}

// balancer is what is known of the environment's load balancer.
type balancer struct {
	kind    LoadBalancerType // "" if unknown
	assumed bool             // kind is Beanstalk's default, not a setting
	shared  bool             // certainly shared
}

func newChecker(settings []Setting, in Context) *checker {
	c := &checker{
		catalogue: catalogue(), settings: settings, in: in, platform: parsePlatform(in.Platform),
		at: make(map[key]int, len(settings)), options: make([]*Option, len(settings)), bad: make([]bool, len(settings)),
		meant: map[key]bool{},
	}
	for i, s := range settings {
		c.at[s.identity()] = i
		if len(c.order) == 0 || c.order[len(c.order)-1] != s.Namespace && !slices.Contains(c.order, s.Namespace) {
			c.order = append(c.order, s.Namespace)
		}
	}
	return c
}

// environment finds out what kind of environment the settings describe.
func (c *checker) environment() {
	kind, state := c.value(environment, "EnvironmentType")
	c.single = state == given && strings.EqualFold(kind, "SingleInstance")
	switch kind, state := c.value(environment, "LoadBalancerType"); {
	case state == given:
		kind := LoadBalancerType(strings.ToLower(kind))
		if kind == Classic || kind == Application || kind == Network {
			c.balancer.kind = kind
		}
	case state == unresolved:
	case c.in.LoadBalancerType != "":
		c.balancer.kind = c.in.LoadBalancerType
	case !c.in.Partial && !c.single && c.in.Tier != Worker:
		c.balancer.kind, c.balancer.assumed = Classic, true
	}
	switch shared, state := c.value(environment, "LoadBalancerIsShared"); {
	case state == given:
		c.balancer.shared = strings.EqualFold(shared, "true")
	case state == absent && c.in.LoadBalancerIsShared != nil:
		c.balancer.shared = *c.in.LoadBalancerIsShared
	}
}

type state uint8

const (
	absent state = iota
	unresolved
	given
)

// value returns what is set for an option. An empty value is as good as none; a misspelt setting, and one whose value is
// refused, is as good as an unresolved one: it was meant to say something, and has its own finding.
func (c *checker) value(namespace, name string) (string, state) {
	id := key{namespace, "", name}
	i, ok := c.at[id]
	switch {
	case ok:
		return c.valueAt(i)
	case c.meant[id]:
		return "", unresolved
	}
	return "", absent
}

func (c *checker) valueAt(i int) (string, state) {
	s := &c.settings[i]
	switch {
	case !s.resolved() || c.bad[i]:
		return "", unresolved
	case strings.TrimSpace(s.Value) == "":
		return "", absent
	}
	return strings.TrimSpace(s.Value), given
}

// resolved says whether the value is known now: it is no token, no dynamic reference of CloudFormation, and no
// placeholder that a tool fills in before the deployment.
func (s *Setting) resolved() bool {
	if s.Unresolved || strings.IndexByte(s.Value, '{') < 0 && strings.IndexByte(s.Value, '<') < 0 {
		return !s.Unresolved
	}
	return !strings.Contains(s.Value, "${") && !strings.Contains(s.Value, "{{") && !strings.Contains(s.Value, "<%")
}

// missing says that Beanstalk will find nothing set for an option.
func (c *checker) missing(namespace, name string) bool {
	_, s := c.value(namespace, name)
	return s == absent && !c.in.Partial
}

// is says that an option is set to a value, whatever the case of its letters.
func (c *checker) is(namespace, name, value string) bool {
	v, s := c.value(namespace, name)
	return s == given && strings.EqualFold(v, value)
}

// number returns an option's value, or Beanstalk's default where nothing is set.
func (c *checker) number(namespace, name string, otherwise int) (n int, ok bool) {
	v, s := c.value(namespace, name)
	if s == absent && !c.in.Partial {
		return otherwise, true
	}
	n, err := strconv.Atoi(v)
	return n, s == given && err == nil
}

// index returns where the first of several options is set, -1 if none is.
func (c *checker) index(namespace string, names ...string) int {
	for _, name := range names {
		if i, ok := c.at[key{namespace, "", name}]; ok {
			return i
		}
	}
	return -1
}

// Secret says whether the setting's value may be a secret, which no message shows. It may where the option is unknown: a
// misspelt namespace of environment properties holds the same values as the right one.
func (s Setting) Secret() bool {
	namespace := strings.ToLower(s.Namespace)
	return strings.HasPrefix(namespace, environmentProperties) || strings.EqualFold(s.OptionName, "DBPassword") ||
		namespace == templateParameter || strings.HasPrefix(namespace, "aws:elasticbeanstalk:eks") || !s.known()
}

// known says whether there is such an option, whatever the case of its letters.
func (s Setting) known() bool {
	n, _ := catalogue().namespace(s.Namespace)
	if n == nil {
		n, _ = catalogue().namespace(strings.ToLower(s.Namespace))
	}
	return n != nil && (n.option(s.OptionName) != nil || n.folded[strings.ToLower(s.OptionName)] != nil)
}

// Shown is the value as messages show it: in quotes, or only its length where it may be a secret.
func (s Setting) Shown() string {
	if s.Secret() {
		return fmt.Sprintf("a value of %d characters", len([]rune(s.Value)))
	}
	const longest = 80
	if r := []rune(s.Value); len(r) > longest {
		return strconv.Quote(string(r[:longest])) + "…"
	}
	return strconv.Quote(s.Value)
}

// Name is the option as messages name it.
func (s Setting) Name() string {
	if s.Namespace == ScheduledAction && s.ResourceName != "" {
		return s.Namespace + " " + s.OptionName + " of " + s.ResourceName
	}
	return s.Namespace + " " + s.OptionName
}

// report adds a finding. The message says what is wrong; option, allowed values and suggestion are added to it.
func (c *checker) report(i int, level Level, rule, suggestion, format string, args ...any) {
	s := c.settings[i]
	f := Finding{Setting: s, Index: i, Rule: rule, Level: level, Suggestion: suggestion}
	f.Message = s.Name() + ": " + fmt.Sprintf(format, args...)
	if o := c.options[i]; o != nil {
		f.URL = o.URL
		if strings.HasPrefix(rule, "value-") {
			f.Allowed = o.Allowed()
		}
		if f.Allowed != "" && o.Type != SuccessCodes { // whose message has it already
			f.Message += "; allowed: " + f.Allowed
		}
	} else {
		f.URL = documentation + "command-options.html"
	}
	if suggestion != "" && rule != "other-namespace" { // which is a statement, not a guess
		f.Message += "; did you mean " + suggestion + "?"
	}
	c.found = append(c.found, f)
}

// identify finds the option that a setting is of.
func (c *checker) identify(i int) {
	s := &c.settings[i]
	n, own := c.catalogue.namespace(s.Namespace)
	if n == nil {
		c.unknownNamespace(i)
		return
	}
	if strings.HasSuffix(n.name, ":<listener_port>") {
		if port, err := strconv.Atoi(own); err != nil || port < 1 || port > 65535 {
			c.report(i, Warning, "listener-port", "", "the namespace of a listener ends with its port, 1 to 65535, but this one with %q", own)
		}
	}
	c.options[i] = n.option(s.OptionName)
	if c.options[i] != nil {
		return
	}
	o := n.folded[strings.ToLower(s.OptionName)]
	if o == nil {
		c.unknownOption(i, n)
		return
	}
	c.options[i] = o
	c.report(i, Warning, "name-case", o.Name, "AWS spells the option otherwise, and it is not documented that it overlooks the case of letters")
	c.mean(i, s.Namespace, o.Name)
}

// mean notes what a misspelt setting was probably meant to be.
func (c *checker) mean(i int, namespace, name string) {
	resource := ""
	if namespace == ScheduledAction {
		resource = c.settings[i].ResourceName
	}
	c.meant[key{namespace, resource, name}] = true
}

// inspect checks one setting by itself.
func (c *checker) inspect(i int) {
	s := &c.settings[i]
	if last := c.at[s.identity()]; last != i {
		c.duplicate(i, last)
	}
	o := c.options[i]
	if o == nil {
		return
	}
	c.name(i, o)
	if s.resolved() {
		before := len(c.found)
		c.valueOf(i, o)
		for _, f := range c.found[before:] {
			c.bad[i] = c.bad[i] || f.Level == Error
		}
	}
	c.applicable(i, o)
}

func (c *checker) duplicate(i, last int) {
	a, b := c.settings[i], c.settings[last]
	switch {
	case !a.resolved() || !b.resolved():
	case a.Value == b.Value:
		c.report(i, Warning, "duplicate-setting", "", "set twice, to the same value")
	default:
		c.report(i, Warning, "duplicate-setting", "", "set twice, to %s and to %s; it is not documented which of them Beanstalk takes", a.Shown(), b.Shown())
	}
}

// nowhere are names that people look for among the options in vain, with the place where they belong.
var nowhere = map[string]string{
	"healthchecktype":        "it is a property of the Auto Scaling group: set it for AWSEBAutoScalingGroup under Resources of an .ebextensions file",
	"healthcheckgraceperiod": "it is a property of the Auto Scaling group: set it for AWSEBAutoScalingGroup under Resources of an .ebextensions file",
	"domain":                 "an environment's domain is its CNAMEPrefix and your DNS records, not an option",
	"sourcedestcheck":        "Beanstalk has no option for network interfaces",
}

func (c *checker) unknownNamespace(i int) {
	s := &c.settings[i]
	level := Error
	if c.platform.custom {
		level = Warning // a custom platform brings namespaces of its own
	}
	if strings.HasPrefix(s.Namespace, "aws:elasticbeanstalk:eks") || strings.HasPrefix(s.Namespace, "aws:elasticbeanstalk:cluster") {
		c.report(i, Warning, "unknown-namespace", c.closestNamespace(s), "the namespace is not among the published ones of Beanstalk Cluster environments")
		return
	}
	for name := range c.catalogue.namespaces {
		if strings.EqualFold(name, s.Namespace) {
			c.report(i, Warning, "name-case", name, "AWS spells the namespace otherwise, and it is not documented that it overlooks the case of letters")
			c.mean(i, name, s.OptionName)
			return
		}
	}
	if s.Namespace == "" {
		c.report(i, level, "unknown-namespace", c.owner(s.OptionName), "the namespace is missing")
		return
	}
	hint := nowhere[strings.ToLower(s.OptionName)]
	if hint != "" {
		c.report(i, level, "unknown-namespace", "", "Beanstalk knows no such namespace; %s", hint)
		return
	}
	alike := c.closestNamespace(s)
	c.report(i, level, "unknown-namespace", alike, "Beanstalk knows no such namespace")
	c.mean(i, alike, s.OptionName)
}

// closestNamespace suggests a namespace: one that is spelled alike and has the option, the only one that has it, or
// else the one that is spelled alike.
func (c *checker) closestNamespace(s *Setting) string {
	var names []string
	for name := range c.catalogue.namespaces {
		if prefix, _, family := strings.Cut(name, "<"); family {
			if i := strings.LastIndexByte(s.Namespace, ':') + 1; i > 0 && i < len(s.Namespace) {
				names = append(names, prefix+s.Namespace[i:])
			}
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	alike := suggest.Closest(s.Namespace, slices.Compact(names))
	if alike != "" {
		if n, _ := c.catalogue.namespace(alike); n.option(s.OptionName) != nil {
			return alike
		}
	}
	return cmp.Or(c.owner(s.OptionName), alike)
}

// owner returns the only namespace that has an option of this name, "" if there are several. Of a family the member
// that everybody has stands for all.
func (c *checker) owner(option string) string {
	owners := slices.Clone(c.catalogue.owners[strings.ToLower(option)])
	owners = slices.DeleteFunc(owners, func(name string) bool {
		return strings.Contains(name, "<") && len(owners) > 1 || strings.HasPrefix(name, "aws:elasticbeanstalk:eks")
	})
	if len(owners) != 1 {
		return ""
	}
	return owners[0]
}

func (c *checker) unknownOption(i int, n *namespace) {
	s := &c.settings[i]
	level := Error
	if c.platform.custom && strings.HasPrefix(n.name, "aws:elasticbeanstalk:container:") || strings.HasPrefix(n.name, "aws:elasticbeanstalk:eks") {
		level = Warning
	}
	if strings.TrimSpace(s.OptionName) == "" {
		c.report(i, level, "unknown-option", "", "the option's name is missing")
		return
	}
	if hint := nowhere[strings.ToLower(s.OptionName)]; hint != "" {
		c.report(i, level, "unknown-option", "", "the namespace has no such option; %s", hint)
		return
	}
	if owner := c.owner(strings.TrimSpace(s.OptionName)); owner != "" && owner != s.Namespace {
		c.report(i, level, "other-namespace", owner, "the namespace has no such option; %s belongs to %s", strings.TrimSpace(s.OptionName), owner)
		c.mean(i, owner, strings.TrimSpace(s.OptionName))
		return
	}
	names := make([]string, 0, len(n.options))
	for name := range n.options {
		names = append(names, name)
	}
	slices.Sort(names)
	alike := suggest.Closest(s.OptionName, names)
	if alike == "" && s.Namespace == environment && looksLikeVariable(s.OptionName) {
		c.report(i, level, "other-namespace", environmentProperties, "the namespace has no such option; environment properties belong to %s", environmentProperties)
		return
	}
	c.report(i, level, "unknown-option", alike, "the namespace has no such option")
	c.mean(i, s.Namespace, alike)
}

var variable = regexp.MustCompile(`^[A-Z][A-Z0-9]*_[A-Z0-9_]+$`)

func looksLikeVariable(name string) bool { return variable.MatchString(name) }

// isPropertyName follows what the developer guide says of the names of environment properties.
func isPropertyName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(`_.:/+\-@`, r) {
			return false
		}
	}
	return name != ""
}

// name checks a name of one's own choice.
func (c *checker) name(i int, o *Option) {
	s := &c.settings[i]
	if !o.FreeName {
		return
	}
	if s.OptionName == "" {
		c.report(i, Error, "unknown-option", "", "the option's name is missing")
		return
	}
	switch o.Namespace {
	case environmentProperties, environmentSecrets:
		if !isPropertyName(s.OptionName) {
			c.report(i, Warning, "environment-name", "", "the name of an environment property has letters, digits and _ . : / + \\ - @ only")
		}
	case staticFiles:
		if !strings.HasPrefix(s.OptionName, "/") {
			c.report(i, Warning, "static-path", "/"+s.OptionName, "the path under which the proxy serves files begins with /")
		}
	}
}

// valueOf checks a value that is known.
func (c *checker) valueOf(i int, o *Option) {
	s := &c.settings[i]
	level := Error
	if o.Lenient {
		level = Warning
	}
	v := strings.TrimSpace(s.Value)
	if v == "" {
		switch o.Type {
		case SuccessCodes:
			c.report(i, Error, "value-pattern", "", "the value is empty")
		case ARN:
			if o.Namespace == environmentSecrets {
				c.report(i, Error, "value-pattern", "", "the value is empty")
			}
		case Integer, Number, Boolean, Choice, Duration:
			c.report(i, Warning, "value-empty", "", "the value is empty, and it is not documented that Beanstalk then takes its default")
		}
		return
	}
	if o.MaxLength > 0 && len([]rune(s.Value)) > o.MaxLength {
		c.report(i, level, "value-length", "", "the value has %d characters", len([]rune(s.Value)))
	}
	switch o.Type {
	case Integer, Number:
		c.numberOf(i, o, v, level)
	case Boolean:
		if !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			c.report(i, level, "value-type", truth(v), "%s is neither true nor false", s.Shown())
		}
	case Choice:
		if !chosen(o, v) {
			c.report(i, level, "value-choice", suggest.Closest(v, o.Choices), "%s is none of the choices", s.Shown())
		}
	case Text:
		if o.pattern != nil && !o.pattern().MatchString(s.Value) {
			c.report(i, level, "value-pattern", "", "%s does not have the form that Beanstalk takes", s.Shown())
		}
	case List:
		c.listOf(i, o, v, level)
	case JSON:
		if !json.Valid([]byte(v)) {
			c.report(i, level, "value-type", "", "%s is no JSON", s.Shown())
		}
	case Duration:
		c.durationOf(i, o, v)
	case ARN:
		if !isARN(v, o.Services) {
			c.report(i, level, "value-pattern", "", "%s is no ARN of %s", s.Shown(), strings.Join(o.Services, " or "))
		}
	case ID:
		c.idOf(i, o, v)
	case SuccessCodes:
		if err := health.SuccessCodes(s.Value).Validate(); err != nil {
			meant := strings.ReplaceAll(s.Value, " ", "")
			if health.SuccessCodes(meant).Validate() != nil {
				meant = ""
			}
			c.report(i, Error, "value-pattern", meant, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

func truth(v string) string {
	switch strings.ToLower(v) {
	case "yes", "on", "1", "enabled", "enable":
		return "true"
	case "no", "off", "0", "disabled", "disable":
		return "false"
	}
	return suggest.Closest(v, []string{"true", "false"})
}

func chosen(o *Option, v string) bool {
	for _, choice := range o.Choices {
		if v == choice || !o.CaseSensitive && strings.EqualFold(v, choice) {
			return true
		}
	}
	return false
}

var whole = regexp.MustCompile(`^-?[0-9]+$`)

func (c *checker) numberOf(i int, o *Option, v string, level Level) {
	if o.pattern != nil && o.pattern().MatchString(v) {
		return
	}
	n, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(v, "xXpP_nN"):
		c.report(i, level, "value-type", "", "%s is no number", c.settings[i].Shown())
		return
	case o.Type == Integer && !whole.MatchString(v) && n == float64(int64(n)):
		c.report(i, Warning, "value-type", strconv.FormatInt(int64(n), 10), "%s is no whole number as Beanstalk writes it", c.settings[i].Shown())
	case o.Type == Integer && !whole.MatchString(v):
		c.report(i, level, "value-type", "", "%s is no whole number", c.settings[i].Shown())
		return
	}
	if o.Min != nil && n < *o.Min || o.Max != nil && n > *o.Max {
		c.report(i, level, "value-range", "", "%s is out of range", v)
	}
}

func (c *checker) listOf(i int, o *Option, v string, level Level) {
	items := split(v)
	if o.MaxItems > 0 && len(items) > o.MaxItems {
		c.report(i, level, "value-list", "", "the list has %d items", len(items))
	}
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		if o.UniqueItems && seen[item] {
			c.report(i, level, "value-list", "", "%q is in the list twice", item)
		}
		seen[item] = true
		switch {
		case o.Prefix != "":
			c.idOf(i, o, item)
		case len(o.Services) > 0 && !isARN(item, o.Services):
			c.report(i, level, "value-pattern", "", "%q is no ARN of %s", item, strings.Join(o.Services, " or "))
		case len(o.Choices) > 0 && !chosen(o, item):
			c.report(i, level, "value-choice", suggest.Closest(item, o.Choices), "%q is none of the choices", item)
		case o.pattern != nil && !o.pattern().MatchString(item):
			// That the items exist is not checked by Beanstalk but by those who get them.
			c.report(i, Warning, "value-pattern", "", "%q does not look like one of the items", item)
		}
	}
}

// split takes a comma-separated list apart, without spaces around the items and empty ones.
func split(list string) []string {
	var items []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

var awsID = regexp.MustCompile(`^(vpc|subnet|sg|ami|i|eni|igw|nat|rtb|acl|vol|snap|lt)-[0-9a-f]{8,17}$`)

// idOf refuses the id of something else. A text that is no id at all may be a placeholder, or a name where AWS takes one.
func (c *checker) idOf(i int, o *Option, id string) {
	switch {
	case strings.HasPrefix(id, o.Prefix):
	case awsID.MatchString(id):
		c.report(i, Error, "value-pattern", "", "%q is the id of something else", id)
	case o.Prefix != "sg-": // security groups are also given by name
		c.report(i, Warning, "value-pattern", "", "%q does not look like an id", id)
	}
}

func isARN(v string, services []string) bool {
	rest, ok := strings.CutPrefix(v, "arn:aws")
	if !ok {
		return false
	}
	partition, rest, ok := strings.Cut(rest, ":")
	if !ok || partition != "" && !strings.HasPrefix(partition, "-") {
		return false
	}
	service, _, ok := strings.Cut(rest, ":")
	return ok && slices.Contains(services, service)
}

func (c *checker) durationOf(i int, o *Option, v string) {
	seconds, ok := parseDuration(v)
	if !ok {
		level := Error
		if upper := strings.ToUpper(v); upper != v || strings.HasPrefix(upper, "P") && upper != "P" && upper != "PT" {
			level = Warning // ISO 8601 has more forms than Beanstalk documents
		}
		c.report(i, level, "value-type", "", "%s is no duration of the form PT1H2M3S", c.settings[i].Shown())
		return
	}
	least, _ := parseDuration(o.MinDuration)
	most, bounded := parseDuration(o.MaxDuration)
	if bounded && (seconds < least || seconds > most) {
		c.report(i, Error, "value-range", "", "%s is out of range", v)
	}
}

// parseDuration reads the form of ISO 8601's durations that Beanstalk documents: hours, minutes and seconds.
func parseDuration(s string) (seconds int64, ok bool) {
	rest, ok := strings.CutPrefix(s, "PT")
	if !ok || rest == "" {
		return 0, false
	}
	for _, unit := range []struct {
		letter  byte
		seconds int64
	}{{'H', 3600}, {'M', 60}, {'S', 1}} {
		end := strings.IndexByte(rest, unit.letter)
		if end < 0 {
			continue
		}
		if end > 9 || !whole.MatchString(rest[:end]) || rest[0] == '-' {
			return 0, false
		}
		n, _ := strconv.ParseInt(rest[:end], 10, 64)
		seconds += n * unit.seconds
		rest = rest[end+1:]
	}
	return seconds, rest == ""
}

// applicable says what the environment has no use for.
func (c *checker) applicable(i int, o *Option) {
	s := &c.settings[i]
	if v := strings.TrimSpace(s.Value); s.resolved() && (v == "" || strings.EqualFold(v, o.Default)) && !o.AmazonLinuxAMIOnly {
		return // as good as not set
	}
	switch {
	case o.AmazonLinuxAMIOnly && c.platform.amazonLinux2:
		c.report(i, Error, "amazon-linux-ami-only", "", "the option does not exist on Amazon Linux 2 and later, and %s is based on it", c.in.Platform)
		return
	case len(o.Platforms) > 0 && c.platform.name != "" && !slices.Contains(o.Platforms, c.platform.name) &&
		(strings.HasPrefix(o.Namespace, "aws:elasticbeanstalk:container:") || o.Namespace == activeDirectory):
		c.report(i, Error, "other-platform", "", "the option is one of %s, and the environment's platform is %s", strings.Join(o.Platforms, ", "), c.in.Platform)
		return
	case c.platform.docker && o.Namespace == staticFiles:
		c.report(i, Error, "other-platform", "", "Docker platforms do not have the option: there the container serves all files, and the environment's platform is %s", c.in.Platform)
		return
	case c.platform.docker && o.Namespace == proxy && strings.HasPrefix(strings.ToLower(s.Value), "apache"):
		c.report(i, Error, "other-platform", "nginx", "%s is for other platforms: Docker takes nginx or none, and the environment's platform is %s", s.Shown(), c.in.Platform)
		return
	case o.AmazonLinuxAMIOnly:
		hint := ""
		if strings.HasSuffix(o.Namespace, ":staticfiles") {
			hint = "; there it is " + staticFiles
		}
		c.report(i, Warning, "amazon-linux-ami-only", "", "the option exists on the retired Amazon Linux AMI only; Amazon Linux 2 and later refuse it%s", hint)
	}
	if o.Tier != "" && c.in.Tier != "" && o.Tier != c.in.Tier {
		c.report(i, Warning, "not-applicable", "", "the option is for the %s tier, and the environment is of the %s tier", o.Tier, c.in.Tier)
		return
	}
	if o.EnvironmentType == "LoadBalanced" && c.in.Tier == Worker && o.Namespace != trigger {
		c.report(i, Warning, "not-applicable", "", "the option has no effect: an environment of the worker tier has no load balancer")
		return
	}
	if o.EnvironmentType == "LoadBalanced" && c.single {
		if o.Namespace == trigger {
			c.report(i, Error, "not-applicable", "", "a single instance is not scaled: Beanstalk refuses triggers when EnvironmentType is SingleInstance")
			return
		}
		if o.Namespace == loadBalancer && o.Name == "IpAddressType" {
			return // the rule on it says so
		}
		c.report(i, Warning, "not-applicable", "", "the option has no effect: with EnvironmentType SingleInstance there is no load balancer")
		return
	}
	if len(o.LoadBalancers) > 0 && c.balancer.kind != "" && !slices.Contains(o.LoadBalancers, c.balancer.kind) &&
		!(o.Namespace == environment && o.Name == "LoadBalancerIsShared") && !(o.Namespace == loadBalancer && o.Name == "IpAddressType") {
		c.report(i, Warning, "not-applicable", "", "the option has no effect, for LoadBalancerType is %s%s; it is for %s", c.balancer.kind, c.assumed(), join(o.LoadBalancers))
		return
	}
	if o.DedicatedOnly && c.balancer.shared {
		level, why := Warning, "the option does not apply to a shared load balancer, which is yours to configure"
		if strings.HasPrefix(o.Name, "AccessLogsS3") {
			level, why = Error, "Beanstalk cannot apply it to a shared load balancer; set the attribute on the load balancer itself"
		}
		c.report(i, level, "shared-load-balancer", "", "%s", why)
		return
	}
	if o.Needs != nil {
		needs := *o.Needs
		needs.Namespace = strings.Replace(needs.Namespace, process+"<process_name>", s.Namespace, 1)
		v, state := c.value(needs.Namespace, needs.Name)
		switch {
		case state == unresolved, state == absent && c.in.Partial:
		case needs.Namespace == healthReporting && state == absent: // enhanced is the default of some platforms
		case state == given && strings.EqualFold(v, needs.Value):
		default:
			c.report(i, Warning, "no-effect", "", "the option has no effect unless %s %s is %s", needs.Namespace, needs.Name, needs.Value)
		}
	}
}

func join(types []LoadBalancerType) string {
	s := make([]string, len(types))
	for i := range types {
		s[i] = string(types[i])
	}
	return strings.Join(s, " or ")
}

// platform is what the name or ARN of a platform tells.
type platform struct {
	name         string // as the developer guide names it, "" if unknown
	amazonLinux2 bool   // based on Amazon Linux 2 or later
	docker       bool   // Docker on Amazon Linux 2 or later, without ECS
	custom       bool   // not AWS's own
}

func parsePlatform(s string) platform {
	p := platform{amazonLinux2: strings.Contains(s, "Amazon Linux 2 ") || strings.Contains(s, "Amazon Linux 2/") ||
		strings.HasSuffix(s, "Amazon Linux 2") || strings.Contains(s, "Amazon Linux 2023")}
	if parts := strings.SplitN(s, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		p.custom = parts[4] != ""
	}
	for _, known := range []struct{ word, name string }{
		{".NET Core", ".NET Core on Linux"}, {".NET 6", ".NET Core on Linux"}, {".NET 8", ".NET Core on Linux"}, {".NET 9", ".NET Core on Linux"},
		{".NET 10", ".NET Core on Linux"}, {"IIS", ".NET"}, {"Tomcat", "Java with Tomcat"}, {"Corretto", "Java SE"}, {"Java", "Java SE"},
		{"Node.js", "Node.js"}, {"Python", "Python"}, {"PHP", "PHP"}, {"Ruby", "Ruby"}, {"Docker", "Docker"}, {"ECS", "Docker"}, {"Go ", "Go"},
	} {
		if strings.Contains(s, known.word) {
			p.name = known.name
			p.docker = p.amazonLinux2 && known.word == "Docker"
			break
		}
	}
	return p
}
