package option

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Type is the form of an option's value.
type Type string

// The types of value.
const (
	Integer      Type = "integer"
	Number       Type = "number"
	Boolean      Type = "boolean"
	Choice       Type = "choice"        // one of Choices
	Text         Type = "text"          // anything, or what Pattern says
	List         Type = "list"          // comma-separated
	JSON         Type = "json"          // a JSON document
	Duration     Type = "duration"      // ISO 8601, such as PT30M
	ARN          Type = "arn"           // the ARN of a resource of one of Services
	ID           Type = "id"            // the id of a resource, beginning with Prefix
	SuccessCodes Type = "success-codes" // HTTP status codes: "200", "200,301" or "200-301"
)

// Requirement is a value that another option must have for an option to do anything.
type Requirement struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Value     string `json:"value"`
}

// Option is what is published about one option.
type Option struct {
	// Namespace and Name identify the option. In the catalogue a part of one's own choice is in angle brackets
	// ("aws:elasticbeanstalk:environment:process:<process_name>"); [Lookup] fills it in.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// FreeName says that Name is of one's own choice, as an environment property's.
	FreeName bool `json:"freeName,omitempty"`
	// Type is the form of the value.
	Type Type `json:"type"`
	// Default is the value that Beanstalk takes without a setting, "" if there is none or it varies.
	// These are the defaults of the API and CloudFormation; the console and the EB CLI set other values of their own.
	Default string `json:"default,omitempty"`
	// DefaultNote says what the default depends on.
	DefaultNote string `json:"defaultNote,omitempty"`
	// Min and Max bound an Integer or a Number, nil if unbounded.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
	// MinDuration and MaxDuration bound a Duration.
	MinDuration string `json:"minDuration,omitempty"`
	MaxDuration string `json:"maxDuration,omitempty"`
	// Choices are the values of a Choice, or of the items of a List. Beanstalk compares without case, unless
	// CaseSensitive.
	Choices       []string `json:"choices,omitempty"`
	CaseSensitive bool     `json:"caseSensitive,omitempty"`
	// Pattern is the regular expression of a Text, or of the items of a List.
	Pattern string `json:"pattern,omitempty"`
	// Prefix begins an ID, or the items of a List.
	Prefix string `json:"prefix,omitempty"`
	// Services are the services whose ARNs are taken.
	Services []string `json:"services,omitempty"`
	// MaxLength is the greatest number of characters, MaxItems of items in a List; 0 if there is no limit.
	MaxLength int `json:"maxLength,omitempty"`
	MaxItems  int `json:"maxItems,omitempty"`
	// UniqueItems says that a List must not have an item twice.
	UniqueItems bool `json:"uniqueItems,omitempty"`
	// LoadBalancers are the types of load balancer to which the option applies, empty if it has nothing to do with one.
	LoadBalancers []LoadBalancerType `json:"loadBalancers,omitempty"`
	// DedicatedOnly says that the option does not apply to a shared load balancer.
	DedicatedOnly bool `json:"dedicatedOnly,omitempty"`
	// EnvironmentType is the only type of environment to which the option applies, "" if it applies to both.
	EnvironmentType string `json:"environmentType,omitempty"`
	// Tier is the only tier to which the option applies, "" if it applies to both.
	Tier Tier `json:"tier,omitempty"`
	// Platforms are the only platforms to which the option applies, by the developer guide's names; empty: all.
	Platforms []string `json:"platforms,omitempty"`
	// AmazonLinuxAMIOnly says that the option does not exist on Amazon Linux 2 and later.
	AmazonLinuxAMIOnly bool `json:"amazonLinuxAMIOnly,omitempty"`
	// CreationOnly says that the value can be chosen only when the environment is made.
	CreationOnly bool `json:"creationOnly,omitempty"`
	// Deprecated says that AWS advises another option.
	Deprecated bool `json:"deprecated,omitempty"`
	// Undocumented says that only the API knows the option.
	Undocumented bool `json:"undocumented,omitempty"`
	// Lenient says that it is not known, or known not to be so, that Beanstalk refuses other values than the allowed ones.
	Lenient bool `json:"lenient,omitempty"`
	// Needs is the value of another option without which this one does nothing, nil if none.
	Needs *Requirement `json:"needs,omitempty"`
	// ChangeSeverity is AWS's own word on a change of the value, as DescribeConfigurationOptions gave it in 2017;
	// "" if it gave none. It is data, and misleads for some options: Effect is what to go by.
	ChangeSeverity string `json:"changeSeverity,omitempty"`
	// Effect is what a change of the value does to a running environment.
	Effect Effect `json:"effect"`
	// Source names where this was learnt.
	Source string `json:"source,omitempty"`
	// URL is AWS's page on the option.
	URL string `json:"url,omitempty"`

	pattern func() *regexp.Regexp
}

//go:embed catalogue.json
var catalogueJSON []byte

const documentation = "https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/"

// namespace is what the catalogue knows of one namespace, or of all those that differ in a name of one's own.
type namespace struct {
	name    string
	options map[string]*Option
	folded  map[string]*Option // by lower-case name
	free    *Option            // the option whose name is of one's own choice
}

func (n *namespace) option(name string) *Option {
	if o := n.options[name]; o != nil {
		return o
	}
	return n.free
}

type index struct {
	all        []Option
	namespaces map[string]*namespace // by exact name
	families   map[string]*namespace // by what stands before the name of one's own, with the colon
	owners     map[string][]string   // lower-case option name → namespaces that have it
}

// catalogue parses the embedded file, once.
var catalogue = sync.OnceValue(func() *index {
	var rows []row
	if err := json.Unmarshal(catalogueJSON, &rows); err != nil {
		panic(fmt.Errorf("catalogue.json: %w", err)) // the file is part of the program
	}
	c := &index{
		all: make([]Option, len(rows)), namespaces: map[string]*namespace{}, families: map[string]*namespace{},
		owners: map[string][]string{},
	}
	for i, r := range rows {
		c.all[i] = r.option()
		o := &c.all[i]
		n := c.namespaces[o.Namespace]
		if n == nil {
			n = &namespace{name: o.Namespace, options: map[string]*Option{}, folded: map[string]*Option{}}
			c.namespaces[o.Namespace] = n
			if prefix, _, ok := strings.Cut(o.Namespace, "<"); ok {
				c.families[prefix] = n
			}
		}
		if o.FreeName {
			n.free = o
			continue
		}
		if known := n.options[o.Name]; known != nil {
			n.options[o.Name] = union(known, o) // one option, published once for each platform
			continue
		}
		n.options[o.Name] = o
		folded := strings.ToLower(o.Name)
		n.folded[folded] = o
		if n.name != environmentProperties {
			c.owners[folded] = append(c.owners[folded], n.name)
		}
	}
	return c
})

func union(a, b *Option) *Option {
	u := *a
	u.Platforms = append(slices.Clone(a.Platforms), b.Platforms...)
	u.Choices = slices.Clone(a.Choices)
	for _, choice := range b.Choices {
		if !slices.Contains(u.Choices, choice) {
			u.Choices = append(u.Choices, choice)
		}
	}
	u.DefaultNote = cmp.Or(a.DefaultNote, b.DefaultNote)
	return &u
}

// row is an entry of catalogue.json. Effects are by their Go names there.
type row struct {
	Option
	URL    string   `json:"url"`
	Effect string   `json:"effect"`
	Needs  []string `json:"needs"`
}

func (r row) option() Option {
	o := r.Option
	o.URL = documentation + cmp.Or(r.URL, "command-options.html")
	for e := NoInterruption; e <= Rejected; e++ {
		if effectNames[e] == r.Effect {
			o.Effect = e
		}
	}
	if len(r.Needs) == 3 {
		o.Needs = &Requirement{r.Needs[0], r.Needs[1], r.Needs[2]}
	}
	if o.Pattern != "" {
		o.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(o.Pattern) })
	}
	return o
}

var effectNames = [...]string{
	NoInterruption: "NoInterruption", NewInstancesOnly: "NewInstancesOnly", RestartsApplication: "RestartsApplication",
	ReplacesInstances: "ReplacesInstances", ReplacesEnvironment: "ReplacesEnvironment", Rejected: "Rejected",
}

// namespace finds a namespace by its name, and the name of one's own in it ("api" in …:process:api).
func (c *index) namespace(name string) (n *namespace, own string) {
	if n = c.namespaces[name]; n != nil && !strings.Contains(name, "<") {
		return n, ""
	}
	i := strings.LastIndexByte(name, ':') + 1
	if n = c.families[name[:i]]; n != nil && i < len(name) {
		return n, name[i:]
	}
	return nil, ""
}

// Catalogue returns every published option, in the order of AWS's pages. An option that is published for several platforms
// is there once for each. The caller must not change what the options point to.
func Catalogue() []Option { return slices.Clone(catalogue().all) }

// Lookup returns the option of a namespace and name, with the names of one's own filled in. A namespace such as
// "aws:elasticbeanstalk:environment:process:api" and the name of any environment property are understood.
func Lookup(namespace, name string) (Option, bool) {
	n, _ := catalogue().namespace(namespace)
	if n == nil {
		return Option{}, false
	}
	o := n.option(name)
	if o == nil {
		return Option{}, false
	}
	found := *o
	found.Namespace, found.Name = namespace, name
	return found, true
}

// Allowed says in words which values the option takes, "" if any.
func (o *Option) Allowed() string {
	var s string
	switch o.Type {
	case Integer, Number:
		word := "a whole number"
		if o.Type == Number {
			word = "a number"
		}
		switch {
		case o.Min != nil && o.Max != nil:
			s = number(*o.Min) + " to " + number(*o.Max)
		case o.Min != nil:
			s = word + " of " + number(*o.Min) + " or more"
		case o.Max != nil:
			s = word + " of at most " + number(*o.Max)
		default:
			s = word
		}
		if o.pattern != nil {
			s += " or " + strings.Trim(o.Pattern, "^$")
		}
	case Boolean:
		s = "true or false"
	case Choice:
		s = strings.Join(o.Choices, ", ")
	case Duration:
		s = "an ISO 8601 duration such as PT30M"
		if o.MinDuration != "" {
			s = o.MinDuration + " to " + o.MaxDuration + " (ISO 8601 duration)"
		}
	case JSON:
		s = "a JSON document"
	case ARN:
		s = "an ARN of " + strings.Join(o.Services, " or ")
	case ID:
		s = "an id that begins with " + o.Prefix
	case SuccessCodes:
		s = `one code ("200"), a list ("200,301") or one range ("200-301"), from 200 to 499, without spaces`
	case List:
		s = "a comma-separated list"
		switch {
		case o.Prefix != "":
			s += " of ids that begin with " + o.Prefix
		case len(o.Services) > 0:
			s += " of ARNs of " + strings.Join(o.Services, " or ")
		case len(o.Choices) > 0:
			s += " of " + strings.Join(o.Choices, ", ")
		}
		if o.MaxItems > 0 {
			s += fmt.Sprintf(", 1 to %d items", o.MaxItems)
		}
		if o.UniqueItems {
			s += ", none twice"
		}
	case Text:
		if o.Pattern != "" {
			s = "what matches " + o.Pattern
		}
	}
	if o.MaxLength > 0 {
		s = strings.TrimPrefix(s+fmt.Sprintf(", at most %d characters", o.MaxLength), ", ")
	}
	return s
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// EffectIn is the option's effect in a certain environment: after creation Beanstalk does not change listeners and
// rules on a shared load balancer.
func (o *Option) EffectIn(in Context) Effect {
	if in.LoadBalancerIsShared != nil && *in.LoadBalancerIsShared &&
		(strings.HasPrefix(o.Namespace, "aws:elbv2:listener:") || strings.HasPrefix(o.Namespace, "aws:elbv2:listenerrule:")) {
		return Rejected
	}
	return o.Effect
}
