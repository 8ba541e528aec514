package templatediff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/beanpole-cdk/internal/template"
)

// Only leaves in the sides of a comparison the stack of the environment that a user's word means, and the stacks that it
// depends on. The word is the name of its stack, logical id, construct path or own name, or else a part of one that no
// other stack's environment has; upper and lower case are the same.
func Only(word string, sides ...*Assembly) error {
	var exact, partial, all []string
	for _, a := range sides {
		for _, s := range a.Stacks {
			for _, r := range s.Document.Resources {
				if r.Type != template.Environment {
					continue
				}
				all = append(all, s.root())
				name, _ := r.Properties["EnvironmentName"].(string)
				for _, called := range []string{s.ID, s.Name, r.LogicalID, r.Path, strings.TrimSuffix(r.Path, "/Resource"), name} {
					switch {
					case strings.EqualFold(called, word):
						exact = append(exact, s.root())
					case strings.Contains(strings.ToLower(called), strings.ToLower(word)):
						partial = append(partial, s.root())
					}
				}
			}
		}
	}
	once := func(list []string) []string { slices.Sort(list); return slices.Compact(list) }
	found := once(exact)
	if len(found) == 0 {
		found = once(partial)
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("there is no environment %q; stacks with one: %s", word, cmp.Or(strings.Join(once(all), ", "), "none"))
	case len(found) > 1:
		return fmt.Errorf("%q means environments of %d stacks; say more of the name: %s", word, len(found), strings.Join(found, ", "))
	}
	keep := found
	for i := 0; i < len(keep); i++ {
		for _, a := range sides {
			for _, s := range a.Stacks {
				if s.root() != keep[i] {
					continue
				}
				for _, need := range s.needs {
					if !slices.Contains(keep, need) {
						keep = append(keep, need)
					}
				}
			}
		}
	}
	for _, a := range sides {
		if !a.single {
			a.Stacks = slices.DeleteFunc(a.Stacks, func(s *Stack) bool { return !slices.Contains(keep, s.root()) })
		}
	}
	return nil
}

// root names the stack in the assembly; of a nested stack, the one that it is nested in.
func (s *Stack) root() string { return cmp.Or(s.artifact, s.ID) }
