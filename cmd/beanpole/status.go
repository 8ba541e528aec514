package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
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

ENVIRONMENT is its name or id; --stack finds it by its CloudFormation stack, and takes all that the stack has, such as a
web server and its worker. Without either, the account's environments are listed, or the only one is shown. Account and
region are those of the AWS variables, as for any AWS tool.

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
			var environments []*live.Environment
			switch {
			case stack != "":
				environments, err = client.InStack(cmd.Context(), stack)
				if errors.Is(err, live.ErrNotThere) && goal == string(status.UntilReady) {
					fmt.Fprintf(cmd.ErrOrStderr(), "%v: ready for the first deployment\n", err)
					return nil
				}
				if err != nil {
					return &exitError{code: 2, err: err}
				}
			case len(args) == 1:
				environments = append(environments, client.Named(args[0]))
			default:
				all, err := client.Environments(cmd.Context())
				if err != nil {
					return &exitError{code: 2, err: err}
				}
				if len(all) != 1 {
					return listEnvironments(cmd.OutOrStdout(), client, all, asJSON)
				}
				environments = append(environments, client.Named(all[0].Name))
			}
			return showStatus(cmd, environments, status.Goal(goal), timeout, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&stack, "stack", "", "the environments of this CloudFormation `stack`")
	f.StringVar(&goal, "wait", "", "wait until the environment is `green`, or with --wait=ready until it takes a deployment")
	f.Lookup("wait").NoOptDefVal = string(status.UntilGreen)
	f.DurationVar(&timeout, "timeout", 20*time.Minute, "with --wait: exit 1 if it takes longer than this `time`")
	f.BoolVar(&asJSON, "json", false, "print JSON, a list of several environments; the progress to standard error")
	return cmd
}

// showStatus waits for all of some environments at once, and reports on each.
func showStatus(cmd *cobra.Command, environments []*live.Environment, goal status.Goal, timeout time.Duration, asJSON bool) error {
	ctx, several := cmd.Context(), len(environments) > 1
	if goal != "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var (
		began = time.Now()
		facts = make([]status.Facts, len(environments))
		errs  = make([]error, len(environments))
		wait  sync.WaitGroup
		lines sync.Mutex
	)
	for i, e := range environments {
		whose := ""
		if several {
			whose = e.Name() + ": "
		}
		wait.Go(func() {
			if goal == "" {
				facts[i], errs[i] = e.Facts(ctx)
			} else {
				// Who has little time looks more often.
				poll := max(time.Second, min(status.Poll, timeout/20))
				facts[i], errs[i] = status.Wait(ctx, e, goal, poll, func(line string) {
					lines.Lock()
					defer lines.Unlock()
					fmt.Fprintf(cmd.ErrOrStderr(), "%4.0f s  %s%s\n", time.Since(began).Seconds(), whose, line)
				})
			}
			if errs[i] != nil && several {
				errs[i] = fmt.Errorf("%s%w", whose, errs[i])
			}
		})
	}
	wait.Wait()
	var notMet, failed []error
	for _, err := range errs {
		if met := status.NotMet(""); errors.As(err, &met) {
			notMet = append(notMet, err)
		} else if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return &exitError{code: 2, err: errors.Join(failed...)}
	}
	if goal == status.UntilReady && len(notMet) == 0 && !asJSON {
		return nil // the progress has said it: what comes next is the deployment
	}
	reports := make([]status.Report, len(facts))
	var sick []string
	for i, f := range facts {
		if reports[i] = status.New(f); !reports[i].Green {
			sick = append(sick, environments[i].Name())
		}
	}
	if err := writeStatus(cmd.OutOrStdout(), reports, sick, asJSON); err != nil {
		return &exitError{code: 2, err: err}
	}
	if len(notMet) > 0 {
		return &exitError{code: 1, err: errors.Join(notMet...)}
	}
	if goal != status.UntilReady && len(sick) > 0 {
		return &exitError{code: 1}
	}
	return nil
}

// writeStatus writes the reports, and if there are several one verdict on all of them; sick are those that are not green.
func writeStatus(out io.Writer, reports []status.Report, sick []string, asJSON bool) error {
	switch {
	case asJSON && len(reports) == 1:
		return reports[0].WriteJSON(out)
	case asJSON:
		return status.WriteList(out, reports)
	}
	for _, r := range reports {
		if err := r.WriteText(out, time.Now(), colours(out)); err != nil {
			return err
		}
		if len(reports) > 1 {
			fmt.Fprintln(out)
		}
	}
	switch {
	case len(reports) == 1:
	case len(sick) == 0:
		fmt.Fprintf(out, "verdict: green, all %d environments\n", len(reports))
	default:
		fmt.Fprintf(out, "verdict: not green: %s\n", strings.Join(sick, ", "))
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
