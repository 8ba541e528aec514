package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func newOptionsCommand() *cobra.Command {
	var asJSON bool
	var answer string
	cmd := &cobra.Command{
		Use:   "options [WORD...]",
		Short: "Search Elastic Beanstalk's configuration options",
		Long: `List the published configuration options whose namespace, name, default or allowed values have every WORD in them, whatever
the case of its letters; some are found by other words too ("success codes"). Without a WORD all are listed. The last
column says what a change does to a running environment. Exit code 1 if no option has the words.

The defaults are those of the API and CloudFormation; the console and the EB CLI set other values of their own.

With --compare FILE, report instead what AWS has changed since the catalogue was made: FILE is what
"aws elasticbeanstalk describe-configuration-options" printed, "-" is standard input. Exit code 1 if there are
differences.`,
		Example: "  beanpole options health check\n  beanpole options --json process default | jq '.[].name'\n" +
			"  aws elasticbeanstalk describe-configuration-options --platform-arn ARN | beanpole options --compare -",
		RunE: func(cmd *cobra.Command, args []string) error {
			if answer != "" {
				return compareOptions(cmd, answer, args, asJSON)
			}
			found := search(option.Catalogue(), args)
			var err error
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), found)
			} else {
				err = printOptions(cmd.OutOrStdout(), found)
			}
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			if len(found) == 0 {
				return &exitError{code: 1, err: fmt.Errorf("no option has %q in its namespace, name or values", strings.Join(args, " "))}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&answer, "compare", "", "`FILE` with AWS's answer to describe-configuration-options")
	return cmd
}

// alsoCalled are words by which options are looked for that their names do not have.
var alsoCalled = map[string]string{
	"MatcherHTTPCode":             "health check\nhealthcheck\nsuccess codes\nstatus codes",
	"HealthyThresholdCount":       "health check\nhealthcheck",
	"UnhealthyThresholdCount":     "health check\nhealthcheck",
	"HealthyThreshold":            "health check",
	"UnhealthyThreshold":          "health check",
	"Application Healthcheck URL": "health check path",
	"StickinessEnabled":           "sticky sessions",
	"DeregistrationDelay":         "connection draining",
}

func search(options []option.Option, words []string) []option.Option {
	found := []option.Option{}
	for _, o := range options {
		text := strings.ToLower(strings.Join([]string{o.Namespace, o.Name, o.Default, o.Allowed(), alsoCalled[o.Name]}, "\n"))
		all := true
		for _, w := range words {
			all = all && strings.Contains(text, strings.ToLower(w))
		}
		if all {
			found = append(found, o)
		}
	}
	return found
}

// printOptions prints a table for each namespace.
func printOptions(w io.Writer, options []option.Option) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, o := range options {
		if i == 0 || o.Namespace != options[i-1].Namespace {
			if i > 0 {
				fmt.Fprintln(t)
			}
			fmt.Fprintln(t, o.Namespace)
			fmt.Fprintln(t, "  OPTION\tDEFAULT\tALLOWED\tA CHANGE")
		}
		name := o.Name
		if len(o.Platforms) > 0 {
			name += " (" + strings.Join(o.Platforms, ", ") + ")"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", name, cmp.Or(defaultOf(o), "-"), cmp.Or(short(o.Allowed()), "any"), o.Effect)
	}
	return t.Flush()
}

func defaultOf(o option.Option) string {
	if o.Default != "" && o.DefaultNote != "" {
		return o.Default + " (" + o.DefaultNote + ")"
	}
	return o.Default + o.DefaultNote
}

// short keeps the table readable; --json has everything.
func short(s string) string {
	const longest = 70
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func compareOptions(cmd *cobra.Command, file string, words []string, asJSON bool) error {
	if len(words) > 0 {
		return &exitError{code: 2, err: fmt.Errorf("--compare takes no words, and %q was given", strings.Join(words, " "))}
	}
	data, err := readFile(file, cmd.InOrStdin())
	if err != nil {
		return &exitError{code: 2, err: err}
	}
	differences, err := option.Compare(data)
	if err != nil {
		return &exitError{code: 2, err: fmt.Errorf("%s: %w", file, err)}
	}
	if asJSON {
		if differences == nil {
			differences = []option.Difference{}
		}
		err = printJSON(cmd.OutOrStdout(), differences)
	} else {
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		if len(differences) > 0 {
			fmt.Fprintln(t, "NAMESPACE\tOPTION\tDIFFERS IN\tCATALOGUE\tAWS")
		}
		for _, d := range differences {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.Namespace, d.Name, d.What, cmp.Or(short(d.Catalogue), "-"), cmp.Or(short(d.AWS), "-"))
		}
		fmt.Fprintln(t, count(len(differences), "difference"))
		err = t.Flush()
	}
	if err != nil {
		return &exitError{code: 2, err: err}
	}
	if len(differences) > 0 {
		return &exitError{code: 1}
	}
	return nil
}
