package elasticbeanstalk

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// DefaultPlatformBranch is the platform branch of an environment that names none.
const DefaultPlatformBranch = "Python 3.13 running on 64bit Amazon Linux 2023"

// Platform is the platform of the environment and how it is kept up to date.
//
// The environment is given the branch by its ARN, never by a solution stack name: a change of the ARN updates the
// environment in place, a change of the name replaces it.
//
// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/concepts.platforms.html
type Platform struct {
	// Branch is the name of the platform branch. Default: [DefaultPlatformBranch].
	Branch string
	// Version pins a version of the branch, such as "4.13.7". Default: the newest one when the environment is made or
	// changes its branch; managed updates take it from there.
	Version string
	// DisableManagedUpdates leaves platform updates to you. Default: weekly, within the window.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-platform-update-managed.html
	DisableManagedUpdates bool
	// PreferredStartTime opens the two-hour window of managed updates, in UTC, as day:hour:minute. Default: "Sun:03:00".
	PreferredStartTime string
	// UpdateLevel is "minor" or "patch". Default: "minor", which includes patches.
	UpdateLevel string
	// InstanceRefreshEnabled replaces all instances in the window of every week, also when there is no update.
	// Default: false.
	InstanceRefreshEnabled bool
	// ServiceLinkedRoleForManagedUpdates has managed updates made by the account's service-linked role,
	// AWSServiceRoleForElasticBeanstalkManagedUpdates. Default: by Roles.Service.
	//
	// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-service-linked-roles-managedupdates.html
	ServiceLinkedRoleForManagedUpdates bool
}

var platformBranch = regexp.MustCompile(`^.+ running on (32|64)bit .+$`)

var platformVersion = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

func (p Platform) validate() error {
	var problems []error
	if p.Branch != "" && !isToken(p.Branch) && !platformBranch.MatchString(p.Branch) {
		problems = append(problems, fmt.Errorf("Branch: %q is not the name of a platform branch; write it in full, as in %q", p.Branch, DefaultPlatformBranch))
	}
	if p.Version != "" && !platformVersion.MatchString(p.Version) {
		problems = append(problems, fmt.Errorf("Version: %q is not a platform version; write it as in \"4.13.7\", or leave it out for the newest", p.Version))
	}
	for _, set := range []struct {
		field string
		is    bool
	}{
		{"PreferredStartTime", p.PreferredStartTime != ""},
		{"UpdateLevel", p.UpdateLevel != ""},
		{"InstanceRefreshEnabled", p.InstanceRefreshEnabled},
		{"ServiceLinkedRoleForManagedUpdates", p.ServiceLinkedRoleForManagedUpdates},
	} {
		if set.is && p.DisableManagedUpdates {
			problems = append(problems, fmt.Errorf("%s: has no effect with DisableManagedUpdates: remove one or the other", set.field))
		}
	}
	return errors.Join(problems...)
}

func (p Platform) arn(stack awscdk.Stack) string {
	arn := fmt.Sprintf("arn:%s:elasticbeanstalk:%s::platform/%s", *stack.Partition(), *stack.Region(), cmp.Or(p.Branch, DefaultPlatformBranch))
	if p.Version != "" {
		arn += "/" + p.Version
	}
	return arn
}

// warnAboutPlatform says that AWS retires the platform branch, or has, by the id "beanpole:branch-retiring".
func (e *Environment) warnAboutPlatform() {
	branch := cmp.Or(e.props.Platform.Branch, DefaultPlatformBranch)
	day := option.Retirement(branch)
	if day == "" {
		return
	}
	retires, later := "retires", "choose a later branch"
	if day <= time.Now().UTC().Format(time.DateOnly) {
		retires = "has retired"
	}
	if strings.HasPrefix(branch, "Python ") {
		later += fmt.Sprintf(", such as %q", DefaultPlatformBranch)
	}
	awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:branch-retiring"), jsii.Sprintf("Platform.Branch: AWS %s %q on %s: from then on there "+
		"are no security updates of it, and no new environments on it; %s "+
		"(https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-schedule.html)", retires, branch, day, later))
}

func (p Platform) settings(serviceRole string) []option.Setting {
	const (
		namespace = "aws:elasticbeanstalk:managedactions"
		update    = "aws:elasticbeanstalk:managedactions:platformupdate"
	)
	enabled := setting(namespace, "ManagedActionsEnabled", !p.DisableManagedUpdates)
	if p.DisableManagedUpdates {
		return []option.Setting{enabled}
	}
	if p.ServiceLinkedRoleForManagedUpdates {
		serviceRole = "AWSServiceRoleForElasticBeanstalkManagedUpdates"
	}
	return []option.Setting{
		enabled,
		setting(namespace, "ServiceRoleForManagedUpdates", serviceRole),
		setting(update, "InstanceRefreshEnabled", p.InstanceRefreshEnabled),
		setting(namespace, "PreferredStartTime", cmp.Or(p.PreferredStartTime, "Sun:03:00")),
		setting(update, "UpdateLevel", cmp.Or(p.UpdateLevel, "minor")),
	}
}

// orPtr is the value of a field whose zero value is a choice of its own, or its default.
func orPtr[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
