package templatediff

import (
	"cmp"
	"slices"
	"strings"
)

// Effect is what a change does.
type Effect string

// The effects, from the least to the worst.
const (
	// None: AWS gets nothing to do, or changes nothing that is in use.
	None Effect = "none"
	// UpdatedInPlace: CloudFormation updates the resource. Whether that interrupts it, the published schemas do not say.
	UpdatedInPlace Effect = "updated-in-place"
	// NoInterruption: Beanstalk makes the change in place, and requests are served meanwhile.
	NoInterruption Effect = "no-interruption"
	// NewInstancesOnly: instances that run already keep the old value until they are replaced.
	NewInstancesOnly Effect = "new-instances-only"
	// AddsResource: CloudFormation makes a new resource.
	AddsResource Effect = "adds-resource"
	// Unknown: no source tells.
	Unknown Effect = "unknown"
	// NewVersion: a new application version is deployed, by the deployment policy.
	NewVersion Effect = "new-version"
	// RemovesResource: CloudFormation deletes the resource, or lets go of it.
	RemovesResource Effect = "removes-resource"
	// RestartsApplication: the application restarts on all instances, possibly at once.
	RestartsApplication Effect = "restarts-application"
	// MayReplaceResource: it depends on the values whether CloudFormation replaces the resource.
	MayReplaceResource Effect = "may-replace-resource"
	// ReplacesResource: CloudFormation makes another resource and deletes this one.
	ReplacesResource Effect = "replaces-resource"
	// ReplacesInstances: Beanstalk replaces the environment's instances.
	ReplacesInstances Effect = "replaces-instances"
	// ReplacesEnvironment: CloudFormation makes another environment and terminates this one.
	ReplacesEnvironment Effect = "replaces-environment"
	// RemovesEnvironment: the environment is terminated.
	RemovesEnvironment Effect = "removes-environment"
	// Rejected: the update fails.
	Rejected Effect = "rejected"
)

var effects = []Effect{
	None, UpdatedInPlace, NoInterruption, NewInstancesOnly, AddsResource, Unknown, NewVersion, RemovesResource,
	RestartsApplication, MayReplaceResource, ReplacesResource, ReplacesInstances, ReplacesEnvironment, RemovesEnvironment, Rejected,
}

func (e Effect) rank() int { return slices.Index(effects, e) }

func worst(a, b Effect) Effect {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// In words for a table.
func (e Effect) String() string {
	switch e {
	case None:
		return "no effect"
	case RestartsApplication:
		return "restarts the application"
	case MayReplaceResource:
		return "may replace the resource"
	case ReplacesResource:
		return "replaces the resource"
	case RemovesResource:
		return "removes the resource"
	case AddsResource:
		return "new resource"
	case ReplacesInstances:
		return "replaces the instances"
	case ReplacesEnvironment:
		return "replaces the environment"
	case RemovesEnvironment:
		return "removes the environment"
	case Rejected:
		return "will fail"
	}
	return strings.ReplaceAll(string(e), "-", " ")
}

// A Report is the result of a comparison. It holds no secrets, and its JSON form follows schema.json.
type Report struct {
	// Format is the version of the JSON form.
	Format string `json:"format"`
	// Base and Head name what was compared.
	Base string `json:"base"`
	Head string `json:"head"`
	// Verdict is the whole in one line.
	Verdict Verdict `json:"verdict"`
	// Environments are the Beanstalk environments that are affected, the worst first.
	Environments []Environment `json:"environments"`
	// Health says in sentences what changes on health checks.
	Health []Remark `json:"health"`
	// Security are the changes of access: policies, security groups, listeners, exposure.
	Security []Access `json:"security"`
	// Changes is everything that changes, the worst first.
	Changes []Change `json:"changes"`
	// Notes say what the reader should know before trusting the rest.
	Notes []string `json:"notes"`

	// several says that environments of several stacks were compared, changed or not: they tend to have one name.
	several bool
}

// Verdict is the worst effect and one line about it.
type Verdict struct {
	Effect Effect `json:"effect"`
	// Summary begins with the verdict proper: "no change", "safe", "deploys a new version", "restarts the app",
	// "replaces instances", "replaces the environment", "will fail", …; "new" or "gone" if the other side has nothing of it.
	Summary string `json:"summary"`
	// beside is what Summary says that the environments' own summaries do not.
	beside string
	// Flags are the effects and circumstances that --fail-on can name and that hold.
	Flags []string `json:"flags"`
}

// Environment is what happens to one Beanstalk environment.
type Environment struct {
	Place
	Effect Effect `json:"effect"`
	// Summary is one sentence.
	Summary string `json:"summary"`
	// Version is the new application version, nil if there is none.
	Version *Version `json:"version,omitempty"`
}

// Version is a new application version.
type Version struct {
	// Known says that both bundles were there to be compared.
	Known   bool     `json:"known"`
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
}

// Place says where in the templates something is.
type Place struct {
	// Stack is the stack's ID.
	Stack string `json:"stack"`
	// Resource is the logical id; Type is its type.
	Resource string `json:"resource"`
	Type     string `json:"type"`
	// Path is the CDK's construct path, "" if there is none.
	Path string `json:"path,omitempty"`
}

// name is the shortest name that a reader recognises: the construct path without stack and the last "Resource".
func (p Place) name() string {
	path := strings.TrimSuffix(strings.TrimSuffix(p.Path, "/Resource"), "/Default")
	if _, rest, ok := strings.Cut(strings.TrimPrefix(path, p.Stack), "/"); ok && rest != "" {
		return rest
	}
	return p.Resource
}

// nameOf is the name of a place, with its stack where environments of several stacks were compared.
func (r *Report) nameOf(p Place) string {
	if r.several && p.Stack != "" {
		return p.name() + " in " + p.Stack
	}
	return p.name()
}

// Action is what CloudFormation does with the resource as a whole.
type Action string

// The actions.
const (
	Add    Action = "add"
	Modify Action = "modify"
	Remove Action = "remove"
)

// Change is one line of the table.
type Change struct {
	Place
	Action Action `json:"action"`
	// Subject is what changes of the resource: an option ("aws:autoscaling:asg MinSize"), a property's path, or "" for
	// the resource itself.
	Subject string `json:"subject,omitempty"`
	// Namespace, ResourceName and OptionName identify an option setting.
	Namespace    string `json:"namespace,omitempty"`
	ResourceName string `json:"resourceName,omitempty"`
	OptionName   string `json:"optionName,omitempty"`
	// Before and After are the values as they may be shown, nil where there is none.
	Before *string `json:"before"`
	After  *string `json:"after"`
	// Hidden says that a value is not shown because it may be a secret.
	Hidden bool   `json:"hidden,omitempty"`
	Effect Effect `json:"effect"`
	// Why explains the effect, "" if the effect says it all.
	Why string `json:"why,omitempty"`
	// LosesData says that a resource which holds data is deleted.
	LosesData bool `json:"losesData,omitempty"`
}

// Remark is a sentence about a place, or about the whole if the place is zero.
type Remark struct {
	Place
	Text string `json:"text"`
}

// Direction says which way access changes.
type Direction string

// The directions.
const (
	Broadens Direction = "broadens"
	Narrows  Direction = "narrows"
	Alters   Direction = "alters"
)

// Access is one change of access.
type Access struct {
	Place
	Direction Direction `json:"direction"`
	// Public says that everybody is let in.
	Public bool   `json:"public,omitempty"`
	Text   string `json:"text"`
}

// The circumstances that Flags can hold beside effects.
const (
	FlagBroadensAccess = "broadens-access"
	FlagPublicAccess   = "public-access"
	FlagLosesData      = "loses-data"
	FlagNarrowsAccess  = "narrows-access"
)

// Flags returns everything that a report's Flags may hold.
func Flags() []string {
	all := make([]string, 0, len(effects)+4)
	for _, e := range effects[1:] { // not None
		all = append(all, string(e))
	}
	return append(all, FlagBroadensAccess, FlagNarrowsAccess, FlagPublicAccess, FlagLosesData)
}

// sort puts the worst first and keeps what belongs together.
func (r *Report) sort() {
	place := func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.Resource, b.Resource))
	}
	slices.SortStableFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Effect.rank(), a.Effect.rank()), place(a.Place, b.Place), cmp.Compare(a.Subject, b.Subject))
	})
	slices.SortStableFunc(r.Environments, func(a, b Environment) int {
		return cmp.Or(cmp.Compare(b.Effect.rank(), a.Effect.rank()), place(a.Place, b.Place))
	})
	slices.SortStableFunc(r.Health, func(a, b Remark) int { return place(a.Place, b.Place) })
	order := []Direction{Broadens, Alters, Narrows}
	slices.SortStableFunc(r.Security, func(a, b Access) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Direction), slices.Index(order, b.Direction)), place(a.Place, b.Place))
	})
}
