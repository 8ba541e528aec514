package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/internal/rehearsal"
	"example.com/beanpole-cdk/internal/rehearsal/source"
)

// A rehearsal runs this program once more as the instance.
func init() { rehearsal.Inside() }

func newRehearseCommand() *cobra.Command {
	var (
		deployed    string
		environment string
		isolation   string
		strict      bool
		asJSON      bool
		opts        rehearsal.Options
	)
	cmd := &cobra.Command{
		Use:   "rehearse [cdk.out]",
		Short: "Run the app as an instance would and ask for its health as the load balancer will",
		Long: `Run the app as an instance would and ask for its health as the load balancer will.

Takes the environment from a synthesised app (default: cdk.out here) or from AWS (--deployed), runs its bundle on this
computer: the platform's nginx in front of the app's own server, instance metadata that answers IMDSv2 only, and the load
balancer's health checks, until the target is healthy or has failed. Nothing is deployed, and no secret is fetched.

Needs nginx and python3. The last line is the verdict: "healthy by 200", "healthy by 301" (no view ran) or "unhealthy: …"
with the cause.`,
		Example: `  npx cdk synth && beanpole rehearse
  beanpole rehearse --environment staging cdk.out
  beanpole rehearse --deployed my-env`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if deployed != "" && (len(args) > 0 || environment != "") {
				return &exitError{code: 2, err: errors.New("--deployed names the environment: no directory and no --environment beside it")}
			}
			// Everything is stopped and removed when the terminal goes away, too.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
			defer stop()
			e, remove, err := toRehearse(ctx, args, deployed, environment)
			defer remove()
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			out := cmd.OutOrStdout()
			opts.Out, opts.Isolation = out, rehearsal.Isolation(isolation)
			if asJSON {
				opts.Out = cmd.ErrOrStderr()
			}
			fmt.Fprintf(opts.Out, "rehearsing %s\n", e)
			v, err := rehearsal.Run(ctx, e.Input, opts)
			if errors.Is(err, context.Canceled) {
				err = errors.New("interrupted: no verdict; everything was stopped and removed")
			}
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			if err := conclude(out, v, asJSON); err != nil {
				return &exitError{code: 2, err: err}
			}
			if v.State != health.Healthy || strict && v.Redirected {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&deployed, "deployed", "", "rehearse what runs in this `environment` of the AWS account that the AWS variables lead to")
	f.StringVarP(&environment, "environment", "e", "", "of several environments, the one with this `name`: stack, logical id or construct path, or a part of it")
	f.BoolVar(&strict, "strict", false, "exit 1 too if the target is healthy by a redirect")
	f.Float64Var(&opts.Speed, "speed", rehearsal.DefaultSpeed, "divide the interval between health checks by this; timeouts and the start of the app stay")
	f.StringVar(&opts.CacheDir, "cache", "", "keep virtual environments in this `directory` (default: beanpole in the user's cache directory)")
	f.StringVar(&isolation, "isolation", "", `"namespace" (Linux: a network of its own) or "loopback"; default: namespace where it is allowed`)
	f.BoolVar(&asJSON, "json", false, "print the verdict as JSON, the progress to standard error")
	return cmd
}

func toRehearse(ctx context.Context, args []string, deployed, word string) (e source.Environment, remove func(), err error) {
	if deployed != "" {
		return source.Deployed(ctx, deployed)
	}
	remove = func() {}
	dir := "cdk.out"
	if len(args) > 0 {
		dir = args[0]
	}
	all, err := source.Assembly(dir)
	if err != nil {
		return e, remove, err
	}
	found := all
	if word != "" {
		found = source.Select(all, word)
	}
	if len(found) == 1 {
		return found[0], remove, nil
	}
	names := make([]string, len(all))
	for i, other := range all {
		names[i] = "  " + other.String()
	}
	problem := fmt.Sprintf("%s has %d environments; choose one with --environment", dir, len(all))
	if word != "" && len(found) == 0 {
		problem = fmt.Sprintf("%s has no environment %q; it has", dir, word)
	} else if word != "" {
		problem = fmt.Sprintf("%q means %d environments of %s; say more of its name", word, len(found), dir)
	}
	return e, remove, fmt.Errorf("%s:\n%s", problem, strings.Join(names, "\n"))
}

// conclude prints the verdict: as the last line, or as JSON.
func conclude(out io.Writer, v rehearsal.Verdict, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(out, v)
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Line string `json:"verdict"`
		rehearsal.Verdict
	}{strings.TrimPrefix(v.String(), "verdict: "), v})
}
