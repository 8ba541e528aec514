package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/internal/suggest"
	"example.com/beanpole-cdk/internal/templatediff"
	"example.com/beanpole-cdk/internal/templatediff/live"
)

func newDiffCommand() *cobra.Command {
	var (
		base, head string
		app        string
		format     string
		failOn     []string
		name       string
		comment    string
		overflow   string
		link       string
		rehearsal  string
		word       string
		deployed   bool
		verbose    bool
	)
	cmd := &cobra.Command{
		Use:   "diff {--base X | --deployed} [--head Y]",
		Short: "Say what a change will do to the running site",
		Long: `Say what a change will do to the running site.

Compares two sets of CloudFormation templates and says of each change whether it interrupts nothing, restarts the
application, replaces instances or the environment, or will be refused. Each side is the directory that cdk synth writes,
a template (JSON or YAML), or a revision of the repository, which is checked out into a temporary worktree and
synthesised there with the app command of its cdk.json. Without AWS, in every language of the CDK. If the other side is a
template, a revision is that file as it was there, under whatever name; REVISION:PATH is another one. With --deployed one
side is what runs: the templates that CloudFormation has of the other side's stacks.

Exit code 1 if --fail-on is met, 2 if the templates cannot be compared. What --fail-on can name:
  ` + strings.Join(templatediff.Flags(), ", ") + `
or "none".`,
		Example: `  npx cdk synth -q && beanpole diff --base main
  npx cdk synth -q && beanpole diff --deployed
  beanpole diff --base main --head template.yaml
  beanpole diff --base old/cdk.out --head cdk.out --fail-on rejected,replaces-environment,broadens-access
  beanpole diff --base main --comment comment.md --overflow "$GITHUB_STEP_SUMMARY"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkDiffFlags(format, failOn); err != nil {
				return &exitError{code: 2, err: err}
			}
			log := func(string) {}
			if verbose {
				log = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
			}
			// The process is short and needs some megabytes: collecting garbage would be a good part of its time.
			debug.SetGCPercent(-1)
			debug.SetMemoryLimit(512 << 20) // but it is collected before this is used
			var (
				sides  [2]*templatediff.Assembly
				remove [2]func()
				errs   [2]error
				wait   sync.WaitGroup
			)
			for i, from := range []string{base, head} {
				other := [2]string{head, base}[i]
				remove[i] = func() {}
				if from == "" {
					continue // what is deployed, which the other side names
				}
				wait.Go(func() {
					sides[i], remove[i], errs[i] = openSide(cmd.Context(), from, other, app, log)
					if errs[i] != nil {
						errs[i] = fmt.Errorf("%s: %w", []string{"--base", "--head"}[i], errs[i])
					}
				})
			}
			wait.Wait()
			defer remove[0]()
			defer remove[1]()
			if word != "" && errors.Join(errs[:]...) == nil {
				if err := templatediff.Only(word, slices.DeleteFunc(slices.Clone(sides[:]), func(a *templatediff.Assembly) bool { return a == nil })...); err != nil {
					return &exitError{code: 2, err: fmt.Errorf("--environment: %w", err)}
				}
			}
			if deployed && errs[1] == nil {
				sides[0], errs[0] = openDeployed(cmd.Context(), sides[1])
			}
			if err := errors.Join(errs[:]...); err != nil {
				return &exitError{code: 2, err: err}
			}
			if old := stale(head, ", or --head HEAD"); old != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "beanpole:", old)
				sides[1].Warnings = append(sides[1].Warnings, old)
			}
			report := templatediff.Compare(sides[0], sides[1])
			if rehearsal != "" {
				report.Health = append(report.Health, templatediff.Remark{Text: "rehearsal: " + strings.TrimPrefix(rehearsal, "verdict: ")})
			}
			if err := writeReport(cmd.OutOrStdout(), report, format, name, link, overflow); err != nil {
				return &exitError{code: 2, err: err}
			}
			if comment != "" {
				if err := writeComment(comment, report, name, link, overflow); err != nil {
					return &exitError{code: 2, err: err}
				}
			}
			var met []string
			for _, flag := range failOn {
				if slices.Contains(report.Verdict.Flags, flag) {
					met = append(met, flag)
				}
			}
			if len(met) > 0 {
				return &exitError{code: 1, err: fmt.Errorf("--fail-on is met: %s", strings.Join(met, ", "))}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&base, "base", "", "what runs now: a `directory, template or revision`")
	f.BoolVar(&deployed, "deployed", false, "what runs now: the stacks of the other side as CloudFormation has them")
	f.StringVar(&head, "head", "cdk.out", "what will run: a `directory, template or revision`")
	f.StringVarP(&word, "environment", "e", "", "of several environments, only the one with this `name` (stack, logical id or construct path, or a part of it) and the stacks that its own depends on")
	f.StringVar(&app, "app", "", "the `command` that synthesises a revision (default: the app of its cdk.json)")
	f.StringVarP(&format, "format", "f", "text", "text, markdown or json")
	f.StringSliceVar(&failOn, "fail-on", []string{string(templatediff.Rejected)}, "exit 1 if one of these `effects` is met")
	f.StringVar(&name, "name", "", "the `name` of this set of stacks in a comment, if there are several")
	f.StringVar(&comment, "comment", "", "write the report as Markdown for a comment into this `file` too")
	f.StringVar(&overflow, "overflow", "", "append the whole of a report that does not fit into a comment to this `file`")
	f.StringVar(&link, "overflow-at", "the job summary has all of them", "the `words` in the comment that say where that is")
	f.StringVar(&rehearsal, "rehearsal", "", "the last `line` of beanpole rehearse, to be shown with the health check")
	f.BoolVarP(&verbose, "verbose", "v", false, "print what the app prints when a revision is synthesised")
	cmd.MarkFlagsOneRequired("base", "deployed")
	cmd.MarkFlagsMutuallyExclusive("base", "deployed")
	return cmd
}

func checkDiffFlags(format string, failOn []string) error {
	var errs []error
	if formats := []string{"text", "markdown", "json"}; !slices.Contains(formats, format) {
		errs = append(errs, fmt.Errorf("--format %q: want %s", format, strings.Join(formats, ", ")))
	}
	known := append(templatediff.Flags(), "none")
	for _, flag := range failOn {
		if slices.Contains(known, flag) {
			continue
		}
		hint := ""
		if alike := suggest.Closest(flag, known); alike != "" {
			hint = fmt.Sprintf("; did you mean %s?", alike)
		}
		errs = append(errs, fmt.Errorf("--fail-on %q: want some of %s%s", flag, strings.Join(known, ", "), hint))
	}
	return errors.Join(errs...)
}

// openDeployed reads what runs of the stacks of head.
func openDeployed(ctx context.Context, head *templatediff.Assembly) (*templatediff.Assembly, error) {
	client, err := live.New(ctx)
	if err != nil {
		return nil, err
	}
	return templatediff.OpenDeployed(ctx, client, head)
}

// openSide reads a directory or file if there is one of that name, else a revision: a file of it, if that is asked for or
// the other side is a file.
func openSide(ctx context.Context, from, other, app string, log func(string)) (*templatediff.Assembly, func(), error) {
	nothing := func() {}
	switch _, err := os.Stat(from); {
	case err == nil:
		a, err := templatediff.Open(from)
		return a, nothing, err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, nothing, err
	}
	if from == "cdk.out" {
		return nil, nothing, errors.New("there is no cdk.out here: run cdk synth first, or say what to compare")
	}
	revision := templatediff.Revision{Dir: ".", Name: from, App: app, Log: log}
	if name, file, ok := templatediff.SplitPath(from); ok {
		revision.Name = name
		a, err := revision.File(ctx, file)
		return a, nothing, err
	}
	if info, err := os.Stat(other); err == nil && info.Mode().IsRegular() && app == "" {
		file, err := relative(other)
		if err != nil {
			return nil, nothing, err
		}
		a, err := revision.Counterpart(ctx, file)
		return a, nothing, err
	}
	return revision.Open(ctx)
}

// relative is a path as git takes it behind a revision: from this directory, which may have two names, with links and without.
func relative(path string) (string, error) {
	here, err := filepath.Abs(".")
	if err == nil {
		here, err = filepath.EvalSymlinks(here)
	}
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	path, err = filepath.Rel(here, filepath.Join(dir, filepath.Base(path)))
	return "./" + filepath.ToSlash(path), err
}

func writeReport(out io.Writer, report *templatediff.Report, format, name, link, overflow string) error {
	switch format {
	case "json":
		return report.WriteJSON(out)
	case "markdown":
		return writeMarkdown(out, report, name, link, overflow)
	}
	return report.WriteText(out, colours(out))
}

func writeComment(path string, report *templatediff.Report, name, link, overflow string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(writeMarkdown(file, report, name, link, overflow), file.Close())
}

// writeMarkdown writes a comment, and all of it to the overflow if it is cut.
func writeMarkdown(out io.Writer, report *templatediff.Report, name, link, overflow string) error {
	comment, cut := report.Markdown(name, templatediff.MaxComment, link)
	if cut && overflow != "" {
		file, err := os.OpenFile(overflow, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		whole, _ := report.Markdown(name, 0, "")
		_, err = io.WriteString(file, whole)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, comment)
	return err
}

// colours says whether an output is a terminal whose user wants colours: https://no-color.org
func colours(out io.Writer) bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
