package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"example.com/beanpole-cdk/internal/localaws"
	"github.com/spf13/cobra"
)

func newLocalCommand() *cobra.Command {
	var dir string
	local := &cobra.Command{
		Use:   "local",
		Args:  cobra.NoArgs, // a misspelt subcommand
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "AWS on this computer: start it, use it, stop it",
		Long: `AWS on this computer, for the unmodified CDK command line and every AWS client: in memory, on loopback, no account.

  beanpole local start
  beanpole local env -- npx cdk deploy --all      or: eval "$(beanpole local env)"
  beanpole local stop`,
	}
	local.PersistentFlags().StringVar(&dir, "state", localaws.DefaultDir, "the state `directory`")
	env := &cobra.Command{
		Use:   "env [-- COMMAND ARGUMENT...]",
		Short: "Print shell lines that lead every AWS client to it, or run one command so",
		Long: `Without a command, prints lines for a POSIX shell: eval "$(beanpole local env)".
With one, runs it in that environment and ends with its exit code.

Every variable that begins with AWS_ is replaced, the files with profiles and the metadata service are switched off:
a real account cannot be reached by accident.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := localaws.Find(dir)
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			if len(args) == 0 {
				fmt.Fprint(cmd.OutOrStdout(), server.Shell(os.Environ()))
				return nil
			}
			path, err := exec.LookPath(args[0])
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			// In place of this process: signals, the terminal and the exit code are the command's own.
			err = syscall.Exec(path, args, server.Environ(os.Environ()))
			return &exitError{code: 2, err: fmt.Errorf("cannot run %s: %w", path, err)}
		},
	}
	env.Flags().SetInterspersed(false) // the flags of COMMAND are its own, with and without "--"
	local.AddCommand(
		&cobra.Command{
			Use:   "start",
			Short: "Start it, or say where it runs",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				began := time.Now()
				self, err := os.Executable()
				if err != nil {
					return &exitError{code: 2, err: err}
				}
				server, started, err := localaws.Start(cmd.Context(), dir, localaws.Options{Validator: self})
				if err != nil {
					return &exitError{code: 2, err: err}
				}
				if started {
					fmt.Fprintf(cmd.OutOrStdout(), "AWS on this computer: %s (process %d), up in %.1f s\n",
						server.URL(), server.PID, time.Since(began).Seconds())
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "AWS on this computer: %s (process %d), already running\n",
						server.URL(), server.PID)
				}
				return nil
			},
		},
		env,
		&cobra.Command{
			Use:   "stop",
			Short: "Stop it: everything in it is forgotten",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				stopped, err := localaws.Stop(dir)
				if err != nil {
					return &exitError{code: 2, err: err}
				}
				if stopped {
					fmt.Fprintln(cmd.OutOrStdout(), "AWS on this computer: stopped")
				} else {
					fmt.Fprintln(cmd.OutOrStdout(), "AWS on this computer: was not running")
				}
				return nil
			},
		},
	)
	return local
}
