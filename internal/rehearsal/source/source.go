// Package source finds what to rehearse: in a cloud assembly (cdk.out) or in what is deployed. It knows templates and AWS's
// API; package rehearsal does not.
package source

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/rehearsal"
)

// Environment is an Elastic Beanstalk environment that can be rehearsed.
type Environment struct {
	// Stack, LogicalID and Path say where a template has it; Name is the environment's own, "" if CloudFormation gives it one.
	Stack, LogicalID, Path, Name string
	// Input is for [rehearsal.Run].
	Input rehearsal.Input
	// Problem says why there is no bundle, nil if there is one.
	Problem error
}

// String names the environment as a user would.
func (e Environment) String() string {
	switch {
	case e.Stack == "":
		return e.Name
	case e.Path != "":
		return fmt.Sprintf("%s (stack %s)", strings.TrimSuffix(e.Path, "/Resource"), e.Stack)
	default:
		return fmt.Sprintf("%s (stack %s)", e.LogicalID, e.Stack)
	}
}

// Select returns the environments that a user's word means: one that is called so (stack, logical id, construct path or
// environment name), else those in whose names it occurs. Upper and lower case are the same.
func Select(all []Environment, word string) []Environment {
	word = strings.ToLower(word)
	var exact, partial []Environment
	for _, e := range all {
		names := []string{e.Stack, e.LogicalID, e.Path, strings.TrimSuffix(e.Path, "/Resource"), e.Name}
		best := 0
		for _, name := range names {
			switch name = strings.ToLower(name); {
			case name == "":
			case name == word:
				best = 2
			case strings.Contains(name, word):
				best = max(best, 1)
			}
		}
		switch best {
		case 2:
			exact = append(exact, e)
		case 1:
			partial = append(partial, e)
		}
	}
	if exact != nil {
		return exact
	}
	return partial
}

var (
	platformPython = regexp.MustCompile(`Python (\d+\.\d+)`)
	httpsListener  = regexp.MustCompile(`^aws:elbv2:listener:(\d+|default)$`)
)

// pythonVersion reads it from a platform's ARN or a solution stack's name.
func pythonVersion(platform string) string {
	if m := platformPython.FindStringSubmatch(platform); m != nil {
		return m[1]
	}
	return ""
}

// value returns a setting's, "" if there is none.
func value(settings []option.Setting, namespace, name string) string {
	found := ""
	for _, s := range settings {
		if s.Namespace == namespace && s.OptionName == name {
			found = s.Value
		}
	}
	return found
}

// dedicatedHTTPS says whether Beanstalk's own load balancer listens for HTTPS.
func dedicatedHTTPS(settings []option.Setting) bool {
	for _, s := range settings {
		if httpsListener.MatchString(s.Namespace) && s.OptionName == "Protocol" && s.Value == "HTTPS" &&
			value(settings, s.Namespace, "ListenerEnabled") != "false" {
			return true
		}
	}
	return false
}

// Override applies settings as --set takes them, NAME=VALUE: options of the process by their names, anything else an
// environment property.
func Override(in *rehearsal.Input, set []string) error {
	process := "aws:elasticbeanstalk:environment:process:" + cmp.Or(in.Process, "default")
	var problems []error
	for _, s := range set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			problems = append(problems, fmt.Errorf("--set %q: want NAME=VALUE", s))
			continue
		}
		namespace := "aws:elasticbeanstalk:application:environment"
		if _, known := option.Lookup(process, name); known {
			namespace = process
		}
		in.Settings = append(in.Settings, option.Setting{Namespace: namespace, OptionName: name, Value: value})
	}
	return errors.Join(problems...)
}
