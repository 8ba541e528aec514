package templatediff

import (
	"fmt"
	"slices"
	"strings"
)

// replacing says how Beanstalk replaces the instances, from the environment's own settings.
func (e *environmentChange) replacing() string {
	s := e.after
	kind, known := s.get(nsRollingUpdate, "RollingUpdateType")
	switch {
	case s.is(nsEnvironment, "EnvironmentType", "SingleInstance") && !e.base.is(nsEnvironment, "EnvironmentType", "SingleInstance"):
		return "the load balancer goes and one instance is left, which serves under another address"
	case e.base.is(nsEnvironment, "EnvironmentType", "SingleInstance") && !s.is(nsEnvironment, "EnvironmentType", "SingleInstance"):
		return "it gets a load balancer, and serves under another address"
	case known && strings.EqualFold(kind, "Immutable"):
		return "new instances come up beside the old ones, which go when the new ones are healthy (immutable)"
	case s.is(nsEnvironment, "EnvironmentType", "SingleInstance"):
		return "its one instance is replaced: nothing serves meanwhile"
	case s.is(nsRollingUpdate, "RollingUpdateEnabled", "true"):
		// A batch is terminated before its replacements are launched.
		batch := "in batches"
		if n, ok := s.get(nsRollingUpdate, "MaxBatchSize"); ok {
			batch = "at most " + n + " at a time"
		}
		wait := "when the batch before is healthy"
		if strings.EqualFold(kind, "Time") {
			wait = "after a pause"
			if pause, ok := s.get(nsRollingUpdate, "PauseTime"); ok && pause != "" {
				wait = "after a pause of " + pause
			}
		}
		out := fmt.Sprintf("rolling, %s, the next %s", batch, wait)
		if n, ok := s.get(nsRollingUpdate, "MinInstancesInService"); ok {
			out += fmt.Sprintf("; at least %s in service", n)
		}
		return out
	case s.is(nsRollingUpdate, "RollingUpdateEnabled", "false"):
		return "all at once (RollingUpdateEnabled is false): nothing serves until the new instances are up"
	}
	return "in the way that the environment's rolling-update settings say, which are not in the template"
}

// deployment says how Beanstalk deploys a version, from the environment's own settings.
func (e *environmentChange) deployment() string {
	s := e.after
	policy, known := s.get(nsCommand, "DeploymentPolicy")
	if !known {
		return "in the way that the environment's deployment policy says, which is not in the template"
	}
	if s.is(nsEnvironment, "EnvironmentType", "SingleInstance") && !strings.EqualFold(policy, "Immutable") {
		return "to its one instance: nothing serves while the application restarts"
	}
	size, _ := s.get(nsCommand, "BatchSize")
	batch := "in batches of " + size
	whole := false
	if kind, _ := s.get(nsCommand, "BatchSizeType"); !strings.EqualFold(kind, "Fixed") {
		batch += " %"
		whole = size == "100"
	}
	switch strings.ToLower(policy) {
	case "rolling":
		if whole {
			return "to all instances at once: the policy is Rolling, but BatchSize is 100 %"
		}
		return "rolling, " + batch + ", which serve nothing meanwhile"
	case "rollingwithadditionalbatch":
		return "rolling, " + batch + ", with an additional batch, so that no capacity is lost"
	case "immutable":
		return "on new instances beside the old ones (immutable)"
	case "trafficsplitting":
		out := "on new instances that get a part of the traffic first (traffic splitting)"
		if percent, ok := s.get(nsTrafficSplitting, "NewVersionPercent"); ok {
			out = fmt.Sprintf("on new instances that get %s %% of the traffic first (traffic splitting)", percent)
		}
		return out
	}
	return "to all instances at once: the application is down on each while it restarts"
}

// summary says in one sentence what happens to the environment.
func (e *environmentChange) summary() string {
	var worstRow *Change
	for i := range e.rows {
		if worstRow == nil || e.rows[i].Effect.rank() > worstRow.Effect.rank() {
			worstRow = &e.rows[i]
		}
	}
	if worstRow == nil {
		return ""
	}
	version := ""
	if e.deploys && !e.replaced {
		version = ", with the new version"
	}
	switch worstRow.Effect {
	case Rejected:
		return fmt.Sprintf("cannot be updated: %s: %s", subject(worstRow), worstRow.Why)
	case ReplacesEnvironment:
		return fmt.Sprintf("is replaced by a new environment, because of %s: new instances, and a new URL if nothing fixes it", e.blame(ReplacesEnvironment))
	case ReplacesInstances:
		return fmt.Sprintf("gets new instances%s, because of %s: %s", version, e.blame(ReplacesInstances), e.replacing())
	case RestartsApplication:
		out := fmt.Sprintf("restarts the application on all instances, possibly at once, because of %s", e.blame(RestartsApplication))
		if e.deploys {
			out += "; and gets a new version, " + e.deployment()
		}
		return out
	case NewVersion:
		return "gets a new version, " + e.deployment()
	case Unknown:
		if e.onlyProperties() {
			return fmt.Sprintf("may lose %s: of environment properties that disappear both has been seen, that they stay and that they go; if they go, the application restarts", e.blame(Unknown))
		}
		return fmt.Sprintf("changes in a way that no source describes, because of %s", e.blame(Unknown))
	case NewInstancesOnly:
		return fmt.Sprintf("keeps the old value of %s on instances that run, until they are replaced or their application restarts", e.blame(NewInstancesOnly))
	case None:
		return "is not touched"
	}
	return "changes without interruption"
}

// onlyProperties says that all that is unknown is what becomes of environment properties.
func (e *environmentChange) onlyProperties() bool {
	return !slices.ContainsFunc(e.rows, func(c Change) bool {
		return c.Effect == Unknown && !(c.Action == Remove && (c.Namespace == nsProperties || c.Namespace == nsSecrets))
	})
}

func subject(c *Change) string {
	if c.Subject == "" {
		return "it"
	}
	return c.Subject
}

// blame lists the subjects that have an effect.
func (e *environmentChange) blame(effect Effect) string {
	var names []string
	for _, r := range e.rows {
		if r.Effect != effect {
			continue
		}
		name := r.OptionName
		if name == "" {
			name = r.Subject
		}
		if name == "" {
			name = "the new logical id"
		}
		names = append(names, name)
	}
	if len(names) > 4 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}
