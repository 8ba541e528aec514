package elasticbeanstalk

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// keptVersions is how many application versions the application keeps for a rollback. Accounts may hold 1,000.
const keptVersions = 50

// VersionLifecycle says which application versions the application forgets, the oldest first. Those that an environment
// runs stay, and so do the sources of all: the bucket that they are in is not the application's own.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-lifecycle.html
type VersionLifecycle struct {
	// MaxCount is how many versions are kept for a rollback. Default: 50, or with MaxAgeInDays any number.
	MaxCount int
	// MaxAgeInDays is how many days a version is kept, instead of a count. Default: any number.
	MaxAgeInDays int
}

func (l VersionLifecycle) validate() error {
	var problems []error
	if l.MaxCount < 0 {
		problems = append(problems, fmt.Errorf("MaxCount: %d is not a number of versions; give 1 or more", l.MaxCount))
	}
	if l.MaxAgeInDays < 0 {
		problems = append(problems, fmt.Errorf("MaxAgeInDays: %d is not a number of days; give 1 or more", l.MaxAgeInDays))
	}
	if l.MaxCount > 0 && l.MaxAgeInDays > 0 {
		problems = append(problems, errors.New("MaxAgeInDays: an application has one rule, and MaxCount is another: remove one of the two"))
	}
	return errors.Join(problems...)
}

func (l VersionLifecycle) config() *awselasticbeanstalk.CfnApplication_ApplicationVersionLifecycleConfigProperty {
	// The other rule is written as disabled: one that disappears may stay.
	if l.MaxAgeInDays > 0 {
		return &awselasticbeanstalk.CfnApplication_ApplicationVersionLifecycleConfigProperty{
			MaxCountRule: &awselasticbeanstalk.CfnApplication_MaxCountRuleProperty{Enabled: jsii.Bool(false)},
			MaxAgeRule: &awselasticbeanstalk.CfnApplication_MaxAgeRuleProperty{
				Enabled:            jsii.Bool(true),
				MaxAgeInDays:       jsii.Number(l.MaxAgeInDays),
				DeleteSourceFromS3: jsii.Bool(false),
			},
		}
	}
	count := l.MaxCount
	if count == 0 {
		count = keptVersions
	}
	return &awselasticbeanstalk.CfnApplication_ApplicationVersionLifecycleConfigProperty{
		MaxAgeRule: &awselasticbeanstalk.CfnApplication_MaxAgeRuleProperty{Enabled: jsii.Bool(false)},
		MaxCountRule: &awselasticbeanstalk.CfnApplication_MaxCountRuleProperty{
			Enabled:            jsii.Bool(true),
			MaxCount:           jsii.Number(count),
			DeleteSourceFromS3: jsii.Bool(false),
		},
	}
}

// newApplication makes the application, unless there is one.
func (e *Environment) newApplication() {
	e.Application = e.props.Application
	if e.Application == nil {
		e.Application = awselasticbeanstalk.NewCfnApplication(e, jsii.String("Application"), &awselasticbeanstalk.CfnApplicationProps{
			ApplicationName: optional(e.props.ApplicationName),
			ResourceLifecycleConfig: &awselasticbeanstalk.CfnApplication_ApplicationResourceLifecycleConfigProperty{
				ServiceRole:            e.ServiceRole.RoleArn(),
				VersionLifecycleConfig: e.props.VersionLifecycle.config(),
			},
		})
	}
	e.applicationName = e.Application.ApplicationRef().ApplicationName
}

var (
	environmentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]$`)
	cnamePrefix     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$`)
	tagText         = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
)

// mostTags are how many tags an environment takes besides the three of Elastic Beanstalk's own.
const mostTags = 47

// validateApplication checks what names the environment, its application and its version.
func (p *EnvironmentProps) validateApplication() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if n := utf8.RuneCountInString(p.ApplicationName); n > 100 && !isToken(p.ApplicationName) {
		add("ApplicationName: has %d characters; Elastic Beanstalk allows 1 to 100", n)
	}
	if p.EnvironmentName != "" && !isToken(p.EnvironmentName) && !environmentName.MatchString(p.EnvironmentName) {
		add("EnvironmentName: %q is not allowed: use 4 to 40 letters, digits and hyphens, with no hyphen at either end", p.EnvironmentName)
	}
	if n := utf8.RuneCountInString(p.Description); n > 200 && !isToken(p.Description) {
		add("Description: has %d characters; Elastic Beanstalk allows 200", n)
	}
	if p.CNAMEPrefix != "" && !isToken(p.CNAMEPrefix) && !cnamePrefix.MatchString(p.CNAMEPrefix) {
		add("CNAMEPrefix: %q is not allowed: use 4 to 63 letters, digits and hyphens, with no hyphen at either end", p.CNAMEPrefix)
	}
	if p.Application != nil {
		if p.ApplicationName != "" {
			add("ApplicationName: is for an application that is made; Application has its name: remove one of the two")
		}
		if p.VersionLifecycle != (VersionLifecycle{}) {
			add("VersionLifecycle: is for an application that is made; set it where Application is")
		}
	}
	for _, err := range flatten(p.VersionLifecycle.validate()) {
		add("VersionLifecycle: %w", err)
	}
	problems = append(problems, p.validateVersion()...)
	return errors.Join(append(problems, p.validateTags()...)...)
}

// validateVersion checks an existing version, which nothing can be laid over any more.
func (p *EnvironmentProps) validateVersion() []error {
	if p.VersionLabel == "" {
		return nil
	}
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if n := utf8.RuneCountInString(p.VersionLabel); n > 100 && !isToken(p.VersionLabel) {
		add("VersionLabel: has %d characters; Elastic Beanstalk allows 1 to 100", n)
	}
	if p.Application == nil {
		add("VersionLabel: an application that is made here has no versions yet; give Application, the one that the version is of")
	}
	if !reflect.ValueOf(p.Source).IsZero() {
		add("Source: VersionLabel names a version that exists: remove one of the two")
	}
	if !isToken(p.VersionLabel) { // else it may be that of an environment that asks for the same
		problems = append(problems, p.overridesOfVersionThatIsMade()...)
	}
	return problems
}

func (p *EnvironmentProps) validateTags() []error {
	var problems []error
	if n := len(p.Tags); n > mostTags {
		problems = append(problems, fmt.Errorf("Tags: %d tags; an environment takes %d besides those of Elastic Beanstalk's own", n, mostTags))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Tags)) {
		value, folded := p.Tags[key], strings.ToLower(key)
		add := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("Tags[%q]: %w", key, fmt.Errorf(format, args...)))
		}
		switch {
		case strings.HasPrefix(folded, "aws:"), strings.HasPrefix(folded, "elasticbeanstalk:"), key == "Name":
			add("is a tag of AWS's own: choose a key that does not begin with aws: or elasticbeanstalk: and is not Name")
		case !isToken(key) && (utf8.RuneCountInString(key) > 128 || !tagText.MatchString(key)):
			add("is not a key: use 1 to 128 letters, digits, spaces and _ . : / = + - @")
		}
		if !isToken(value) && (utf8.RuneCountInString(value) > 256 || !tagText.MatchString(value)) {
			add("the value %q is not allowed: use 1 to 256 letters, digits, spaces and _ . : / = + - @", value)
		}
	}
	return problems
}

// addTags tags everything of the environment. Elastic Beanstalk tags what it makes itself as the environment is.
func (e *Environment) addTags() {
	for _, key := range slices.Sorted(maps.Keys(e.props.Tags)) {
		awscdk.Tags_Of(e).Add(&key, jsii.String(e.props.Tags[key]), nil)
	}
}

// warnAboutNames says what a name of one's own makes impossible: a replacement, which CloudFormation makes before it
// removes what it replaces ("beanpole:fixed-name"), and a second one of the name ("beanpole:name-taken").
func (e *Environment) warnAboutNames() {
	names := e.fixedNames()
	for _, name := range names {
		awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:fixed-name"), jsii.Sprintf("%s is given, so CloudFormation cannot replace the environment: "+
			"a change of its application, names or tier fails, because both would have the name for a while; leave it out, or acknowledge this", name.field))
	}
	if e.props.Application == nil && e.props.ApplicationName != "" {
		names = append(names, fixedName{"ApplicationName", e.props.ApplicationName})
	}
	if len(names) == 0 {
		return
	}
	for _, construct := range *e.Node().Root().Node().FindAll(constructs.ConstructOrder_PREORDER) {
		other, ok := construct.(*Environment)
		if !ok || other == e || !sameAccountAndRegion(awscdk.Stack_Of(e), awscdk.Stack_Of(other)) {
			continue
		}
		taken := other.fixedNames()
		if other.props.Application == nil {
			taken = append(taken, fixedName{"ApplicationName", other.props.ApplicationName})
		}
		for _, name := range names {
			if slices.Contains(taken, name) {
				advice := "give another"
				if name.field == "ApplicationName" {
					advice = "give its Application instead, to have both environments in one"
				}
				awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:name-taken"), jsii.Sprintf("%s: %s has the name %q too, and region and account have it once: %s",
					name.field, *other.Node().Path(), name.value, advice))
			}
		}
	}
}

type fixedName struct{ field, value string }

// fixedNames are the names by which nothing else can be called while the environment exists.
func (e *Environment) fixedNames() []fixedName {
	var names []fixedName
	for _, name := range []fixedName{{"EnvironmentName", e.props.EnvironmentName}, {"CNAMEPrefix", e.props.CNAMEPrefix}} {
		if name.value != "" {
			names = append(names, name)
		}
	}
	return names
}

// sameAccountAndRegion compares where stacks are deployed, as far as it is known: two that do not say are taken to be together.
func sameAccountAndRegion(a, b awscdk.Stack) bool {
	same := func(a, b *string) bool {
		return *a == *b || *awscdk.Token_IsUnresolved(a) && *awscdk.Token_IsUnresolved(b)
	}
	return same(a.Account(), b.Account()) && same(a.Region(), b.Region())
}
