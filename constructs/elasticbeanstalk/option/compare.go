package option

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Difference is one point in which AWS's own description of an option and the catalogue disagree.
type Difference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// What is "option" if only one of the two knows the option, or else what differs: "default", "min", "max",
	// "maxLength", "choices" or "changeSeverity".
	What string `json:"what"`
	// Catalogue and AWS are the two values, "" where there is none.
	Catalogue string `json:"catalogue"`
	AWS       string `json:"aws"`
}

// Compare reads what "aws elasticbeanstalk describe-configuration-options" printed, and returns in what AWS and the
// catalogue differ, sorted by namespace and name. Options of one's own choice, such as environment properties, are left
// out, and so is what the answer is silent about.
func Compare(answer []byte) ([]Difference, error) {
	var described struct {
		Options []struct {
			Namespace, Name, DefaultValue, ChangeSeverity, ValueType string
			UserDefined                                              bool
			MinValue, MaxValue, MaxLength                            *int
			ValueOptions                                             []string
		}
	}
	if err := json.Unmarshal(answer, &described); err != nil {
		return nil, fmt.Errorf("not the answer of describe-configuration-options: %w", err)
	}
	if described.Options == nil {
		return nil, errors.New("not the answer of describe-configuration-options: it has no Options")
	}
	var differences []Difference
	answered := map[string]map[string]bool{}
	for _, d := range described.Options {
		if d.UserDefined || strings.Contains(d.Name, "*") || d.Namespace == templateParameter {
			continue
		}
		namespace := strings.ReplaceAll(d.Namespace, ":*", ":any")
		differ := func(what, catalogue, aws string) {
			differences = append(differences, Difference{d.Namespace, d.Name, what, catalogue, aws})
		}
		if answered[namespace] == nil {
			answered[namespace] = map[string]bool{}
		}
		answered[namespace][d.Name] = true
		o, ok := Lookup(namespace, d.Name)
		if !ok {
			differ("option", "", "exists")
			continue
		}
		if o.FreeName {
			continue
		}
		if d.DefaultValue != "" && o.Default != "" && !strings.EqualFold(d.DefaultValue, o.Default) {
			differ("default", o.Default, d.DefaultValue)
		}
		for _, bound := range []struct {
			what string
			ours *float64
			aws  *int
		}{{"min", o.Min, d.MinValue}, {"max", o.Max, d.MaxValue}} {
			if ours := text(bound.ours); bound.aws != nil && ours != strconv.Itoa(*bound.aws) {
				differ(bound.what, ours, strconv.Itoa(*bound.aws))
			}
		}
		if d.MaxLength != nil && o.MaxLength != 0 && o.MaxLength != *d.MaxLength {
			differ("maxLength", strconv.Itoa(o.MaxLength), strconv.Itoa(*d.MaxLength))
		}
		if o.Type == Choice && len(d.ValueOptions) > 0 && !sameChoices(o.Choices, d.ValueOptions) {
			differ("choices", strings.Join(o.Choices, ", "), strings.Join(d.ValueOptions, ", "))
		}
		if d.ChangeSeverity != "" && d.ChangeSeverity != "Unknown" && o.ChangeSeverity != "" && d.ChangeSeverity != o.ChangeSeverity {
			differ("changeSeverity", o.ChangeSeverity, d.ChangeSeverity)
		}
	}
	for _, o := range catalogue().all {
		names := answered[o.Namespace]
		if names == nil || names[o.Name] || o.FreeName || len(o.Platforms) > 0 || o.Undocumented {
			continue // the platform of the answer may have no use for the namespace
		}
		differences = append(differences, Difference{o.Namespace, o.Name, "option", "exists", ""})
	}
	slices.SortStableFunc(differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return differences, nil
}

func text(bound *float64) string {
	if bound == nil {
		return ""
	}
	return number(*bound)
}

func sameChoices(a, b []string) bool {
	fold := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = strings.ToLower(s)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(fold(a), fold(b))
}
