package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/internal/explain"
)

func newExplainCommand() *cobra.Command {
	var (
		from           origin
		strict, asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "explain [cdk.out]",
		Short: "Say what the health check proves, what it does not, and how long a failure takes",
		Long: `Say what the health check proves, what it does not, and how long a failure takes.

Reads option settings and the source bundle, and runs nothing: what the load balancer asks; which parts work if the check
passes (proxy, process, middleware, URLconf, view, database); how long a dead instance stays in service; what a redirect
that counts as healthy hides; whether a failing database could take all instances out of service; one recommendation; and
what in the bundle silently does nothing. What the text of the project does not tell is "not known": beanpole rehearse
runs it.

The exit code is 0 if there is an explanation, 1 if Elastic Beanstalk refuses the health check (with --strict also if
something in the bundle does nothing), 2 if there is nothing to explain.`,
		Example: `  npx cdk synth && beanpole explain
  beanpole explain --template template.yaml --bundle app.zip
  beanpole explain --source . --wsgi mysite.wsgi`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			from.args, from.problems = args, cmd.ErrOrStderr()
			e, remove, err := from.environment(cmd.Context())
			defer remove()
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			in := e.Input
			x, err := explain.New(explain.Input{Bundle: in.Bundle, Tier: in.Tier, Settings: in.Settings, Defaults: in.Defaults, HTTPS: in.HTTPS})
			if refused := (explain.RefusedError{}); errors.As(err, &refused) {
				return &exitError{code: 1, err: err}
			} else if err != nil {
				return &exitError{code: 2, err: err}
			}
			x.Notes = append(x.Notes, in.Notes...)
			out := cmd.OutOrStdout()
			if asJSON {
				encoder := json.NewEncoder(out)
				encoder.SetIndent("", "  ")
				encoder.SetEscapeHTML(false)
				err = encoder.Encode(x)
			} else {
				fmt.Fprintf(out, "%s\n\n", e)
				err = x.WriteText(out)
			}
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			if strict && len(x.Warnings) > 0 {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	f := cmd.Flags()
	from.addFlags(cmd, "explain")
	f.BoolVar(&strict, "strict", false, "exit 1 too if something in the bundle does nothing")
	f.BoolVar(&asJSON, "json", false, "print the explanation as JSON")
	return cmd
}
