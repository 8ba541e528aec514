package option

import (
	"cmp"
	"slices"
)

// ScheduledAction is the one namespace in which ResourceName is part of an option's identity.
const ScheduledAction = "aws:autoscaling:scheduledaction"

type key struct{ namespace, resource, name string }

// identity is what makes two settings settings of one option.
func (s Setting) identity() key {
	if s.Namespace == ScheduledAction {
		return key{s.Namespace, s.ResourceName, s.OptionName}
	}
	return key{s.Namespace, "", s.OptionName}
}

func (k key) compare(other key) int {
	return cmp.Or(
		cmp.Compare(k.namespace, other.namespace),
		cmp.Compare(k.resource, other.resource),
		cmp.Compare(k.name, other.name),
	)
}

// Merge lays the layers over one another: of several settings of one option the last one stays. The result is sorted by
// namespace, resource name and option name, so that a template does not change with the order of the code that made it.
// A ResourceName that says nothing (see [Setting]) is dropped. The layers are not changed.
func Merge(layers ...[]Setting) []Setting {
	at := map[key]int{}
	var merged []Setting
	for _, layer := range layers {
		for _, s := range layer {
			id := s.identity()
			s.ResourceName = id.resource
			if i, ok := at[id]; ok {
				merged[i] = s
				continue
			}
			at[id] = len(merged)
			merged = append(merged, s)
		}
	}
	slices.SortFunc(merged, func(a, b Setting) int { return a.identity().compare(b.identity()) })
	return merged
}
