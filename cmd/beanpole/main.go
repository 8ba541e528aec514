// Command beanpole says before a deployment what the deployment will do: it checks option settings, rehearses the health
// check of a Django project, and runs AWS on this computer.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// exitError carries an exit code: 1 says that what was examined is bad, 2 that it could not be examined. A nil err means
// that the command has printed its findings already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "beanpole",
		Short:         "Django on AWS Elastic Beanstalk: know what a deployment will do before it does it",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newOptionsCommand(), newValidateCommand(), newLocalCommand(), newRehearseCommand())
	root.AddCommand(newDiffCommand(), newStatusCommand(), newExplainCommand())
	return root
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run keeps os.Exit out of the way of deferred clean-up: an interrupt cancels the context, and every command stops what
// it started before it returns.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: 2, err: err} // cobra's own: unknown command, unknown flag, wrong number of arguments
	}
	if exit.err != nil {
		printError(os.Stderr, exit.err)
	}
	return exit.code
}

// printError prints one line for each of several errors.
func printError(w io.Writer, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			printError(w, one)
		}
		return
	}
	fmt.Fprintln(w, "beanpole:", err)
}
