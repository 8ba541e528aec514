package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/internal/status"
	"example.com/beanpole-cdk/internal/status/live"
)

func newStatusCommand() *cobra.Command {
	var (
		stack   string
		goal    string
		timeout time.Duration
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:   "status [ENVIRONMENT]",
		Short: "Say how a deployed environment is, and why",
		Long: `Say how a deployed environment is, and why.

Asks AWS for the health of the environment and its instances, of the targets of its load balancer, for its options and
last events, and says what the answers mean for a Django project: a health check that is answered 400 or 301, a target
group or options that were changed by hand, a platform branch that retires. It only reads.

ENVIRONMENT is its name or id; --stack finds it by its CloudFormation stack. Without either, the account's environments
are listed, or the only one is shown. Account and region are those of the AWS variables, as for any AWS tool.

--wait waits until the environment is Ready and Green; --wait=ready until it takes a deployment, which it does too if the
stack does not exist yet. The last line is the verdict. Exit code 1 if the environment is not green, or the wait has
ended without its goal.`,
		Example: `  beanpole status my-env
  beanpole status --stack mysite-production-web --wait --timeout 20m
  beanpole local env -- beanpole status`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case goal != "" && goal != string(status.UntilReady) && goal != string(status.UntilGreen):
				return &exitError{code: 2, err: fmt.Errorf("--wait=%s: want green or ready", goal)}
			case len(args) == 1 && stack != "":
				return &exitError{code: 2, err: errors.New("give ENVIRONMENT or --stack")}
			case goal != "" && len(args) == 0 && stack == "":
				return &exitError{code: 2, err: errors.New("--wait needs ENVIRONMENT or --stack")}
			case timeout <= 0:
				return &exitError{code: 2, err: fmt.Errorf("--timeout %s: want a time such as 20m", timeout)}
			case goal == "" && cmd.Flags().Changed("timeout"):
				return &exitError{code: 2, err: errors.New("--timeout is for --wait")}
			}
			client, err := live.New(cmd.Context())
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			var environment *live.Environment
			switch {
			case stack != "":
				environment, err = client.InStack(cmd.Context(), stack)
				if errors.Is(err, live.ErrNotThere) && goal == string(status.UntilReady) {
					fmt.Fprintf(cmd.ErrOrStderr(), "%v: ready for the first deployment\n", err)
					return nil
				}
				if err != nil {
					return &exitError{code: 2, err: err}
				}
			case len(args) == 1:
				environment = client.Named(args[0])
			default:
				all, err := client.Environments(cmd.Context())
				if err != nil {
					return &exitError{code: 2, err: err}
				}
				if len(all) != 1 {
					return listEnvironments(cmd.OutOrStdout(), client, all, asJSON)
				}
				environment = client.Named(all[0].Name)
			}
			return showStatus(cmd, environment, status.Goal(goal), timeout, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&stack, "stack", "", "the environment of this CloudFormation `stack`")
	f.StringVar(&goal, "wait", "", "wait until the environment is `green`, or with --wait=ready until it takes a deployment")
	f.Lookup("wait").NoOptDefVal = string(status.UntilGreen)
	f.DurationVar(&timeout, "timeout", 20*time.Minute, "with --wait: exit 1 if it takes longer than this `time`")
	f.BoolVar(&asJSON, "json", false, "print JSON, the progress to standard error")
	return cmd
}

func showStatus(cmd *cobra.Command, source status.Source, goal status.Goal, timeout time.Duration, asJSON bool) error {
	var (
		facts  status.Facts
		notMet error
	)
	if goal == "" {
		var err error
		if facts, err = source.Facts(cmd.Context()); err != nil {
			return &exitError{code: 2, err: err}
		}
	} else {
		ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
		defer cancel()
		began := time.Now()
		var err error
		// Who has little time looks more often.
		poll := max(time.Second, min(status.Poll, timeout/20))
		facts, err = status.Wait(ctx, source, goal, poll, func(line string) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%4.0f s  %s\n", time.Since(began).Seconds(), line)
		})
		if met := status.NotMet(""); errors.As(err, &met) {
			notMet = err
		} else if err != nil {
			return &exitError{code: 2, err: err}
		}
	}
	report := status.New(facts)
	if goal == status.UntilReady && notMet == nil && !asJSON {
		return nil // the progress has said it: what comes next is the deployment
	}
	write := func() error { return report.WriteText(cmd.OutOrStdout(), time.Now(), colours(cmd.OutOrStdout())) }
	if asJSON {
		write = func() error { return report.WriteJSON(cmd.OutOrStdout()) }
	}
	if err := write(); err != nil {
		return &exitError{code: 2, err: err}
	}
	if notMet != nil {
		return &exitError{code: 1, err: notMet}
	}
	if goal != status.UntilReady && !report.Green {
		return &exitError{code: 1}
	}
	return nil
}

// listEnvironments prints one line an environment.
func listEnvironments(out io.Writer, client *live.Client, all []status.Environment, asJSON bool) error {
	bad := false
	reports := make([]status.Report, len(all))
	for i, e := range all {
		reports[i] = status.New(status.Facts{Environment: e, Local: client.Local()})
		bad = bad || !reports[i].Green
	}
	if asJSON {
		if err := status.WriteList(out, reports); err != nil {
			return &exitError{code: 2, err: err}
		}
	} else if len(all) == 0 {
		fmt.Fprintf(out, "There is no environment in %s.\n", client.Region())
	} else {
		if client.Local() {
			fmt.Fprintf(out, "%s\n\n", status.NoInstanceRuns)
		}
		for _, r := range reports {
			fmt.Fprintf(out, "%-40s  %-24s %s\n", r.Environment.Name, r.Line(), r.Environment.Platform)
		}
		fmt.Fprintln(out, "\nbeanpole status NAME says more.")
	}
	if bad {
		return &exitError{code: 1}
	}
	return nil
}
