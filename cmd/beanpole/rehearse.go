package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/internal/rehearsal"
	"example.com/beanpole-cdk/internal/rehearsal/report"
	"example.com/beanpole-cdk/internal/rehearsal/source"
)

// A rehearsal runs this program once more as the instance.
func init() { rehearsal.Inside() }

func newRehearseCommand() *cobra.Command {
	var (
		from      origin
		process   string
		set       []string
		isolation string
		strict    bool
		asJSON    bool
		html      string
		all       bool
		opts      rehearsal.Options
	)
	cmd := &cobra.Command{
		Use:   "rehearse [cdk.out]",
		Short: "Run the app as an instance would and ask for its health as the load balancer will",
		Long: `Run the app as an instance would and ask for its health as the load balancer will.

Takes the environment from a synthesised app (default: cdk.out here), from AWS (--deployed), from a template and a bundle,
or makes one of a plain project (--source), and runs its bundle on this computer: the platform's nginx in front of the app's
own server, instance metadata that answers IMDSv2 only, and the load balancer's health checks, until the target is healthy
or has failed. Nothing is deployed, and no secret is fetched.

Needs nginx and python3. The last line is the verdict: "healthy by 200", "healthy by 301" (no view ran) or "unhealthy: …"
with the cause.`,
		Example: `  npx cdk synth && beanpole rehearse
  beanpole rehearse --environment staging cdk.out --report rehearsal.html
  beanpole rehearse --all
  beanpole rehearse --deployed my-env
  beanpole rehearse --template template.yaml --bundle app.zip
  beanpole rehearse --source . --wsgi mysite.wsgi --set HealthCheckPath=/up/ --set DJANGO_ENV=production`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Everything is stopped and removed when the terminal goes away, too.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
			defer stop()
			from.args, from.problems = args, cmd.ErrOrStderr()
			out := cmd.OutOrStdout()
			opts.Out, opts.Isolation = out, rehearsal.Isolation(isolation)
			rehearse := func(e source.Environment, page *report.File) (report.Result, error) {
				e.Input.Process = process
				if err := source.Override(&e.Input, set); err != nil {
					return report.Result{}, &exitError{code: 2, err: err}
				}
				fmt.Fprintf(opts.Out, "rehearsing %s\n", e)
				v, err := rehearsal.Run(ctx, e.Input, opts)
				if errors.Is(err, context.Canceled) {
					err = errors.New("interrupted: no verdict; everything was stopped and removed")
				}
				if refused := (rehearsal.RefusedError{}); errors.As(err, &refused) {
					return report.Result{}, &exitError{code: 1, err: fmt.Errorf("Elastic Beanstalk refuses this: %w", err)}
				}
				if err != nil {
					return report.Result{}, &exitError{code: 2, err: err}
				}
				result := report.New(e.String(), v)
				if err := page.Write(result); err != nil {
					return result, &exitError{code: 2, err: err}
				}
				return result, nil
			}
			bad := func(v rehearsal.Verdict) bool { return v.State != health.Healthy || strict && v.Redirected }

			if all {
				if asJSON {
					return &exitError{code: 2, err: errors.New("--json is for one environment: choose it with --environment instead of --all")}
				}
				environments, err := from.all()
				if err != nil {
					return &exitError{code: 2, err: err}
				}
				return rehearseAll(ctx, out, environments, html, func(e source.Environment, page *report.File) (string, bool, error) {
					result, err := rehearse(e, page)
					return result.Verdict.String(), bad(result.Verdict), err
				})
			}

			page, err := report.Open(html)
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			if asJSON {
				opts.Out = cmd.ErrOrStderr()
			}
			if from.project.Dir != "" && !from.project.AsIs {
				fmt.Fprintf(opts.Out, "bundling %s\n", from.project.Dir) // which takes a while if it is large
			}
			e, remove, err := from.environment(ctx)
			defer remove()
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			result, err := rehearse(e, page)
			if result.Line == "" { // there is no verdict
				return err
			}
			if asJSON {
				err = errors.Join(err, result.WriteJSON(out))
			} else {
				if page != nil && err == nil {
					fmt.Fprintf(out, "report: %s\n", html)
				}
				_, failed := fmt.Fprintln(out, result.Verdict)
				err = errors.Join(err, failed)
			}
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			if bad(result.Verdict) {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	f := cmd.Flags()
	from.addFlags(cmd, "rehearse")
	f.StringArrayVar(&set, "set", nil, "`NAME=VALUE`: an environment property, or an option of the process (HealthCheckPath, MatcherHTTPCode, …); repeatable")
	f.StringVar(&process, "process", "default", "of several processes, ask the one with this `name`")
	f.BoolVar(&opts.Commands, "commands", false, "run the bundle's container commands and its hooks prebuild and predeploy first; they have your rights")
	f.BoolVar(&strict, "strict", false, "exit 1 too if the target is healthy by a redirect")
	f.Float64Var(&opts.Speed, "speed", rehearsal.DefaultSpeed, "divide the interval between health checks by this; timeouts and the start of the app stay")
	f.StringVar(&opts.CacheDir, "cache", "", "keep virtual environments in this `directory` (default: beanpole in the user's cache directory)")
	f.StringVar(&isolation, "isolation", "", `"namespace" (Linux: a network of its own) or "loopback"; default: namespace where it is allowed`)
	f.BoolVar(&asJSON, "json", false, "print the verdict as JSON, the progress to standard error")
	f.StringVar(&html, "report", "", "write the verdict as a page too, whatever it is: one HTML `file` with the cause, a timeline and what was used; with --all a directory for a page of each")
	f.BoolVar(&all, "all", false, "rehearse every environment of the app, one after the other; the verdicts are together at the end")
	for _, other := range []string{"environment", "deployed", "source", "template", "bundle"} {
		cmd.MarkFlagsMutuallyExclusive("all", other)
	}
	return cmd
}

// rehearseAll rehearses one environment after the other. One that is unhealthy, or cannot be rehearsed, does not end it; an
// interrupt does. The last lines are the verdicts, one for each environment, behind the line "verdicts:".
func rehearseAll(ctx context.Context, out io.Writer, environments []source.Environment, pages string,
	rehearse func(source.Environment, *report.File) (verdict string, bad bool, err error)) error {
	if pages != "" {
		if err := os.MkdirAll(pages, 0o777); err != nil {
			return &exitError{code: 2, err: fmt.Errorf("report: %w", err)}
		}
	}
	code := 0
	var verdicts []string
	for i, e := range environments {
		fmt.Fprintf(out, "\n== %d of %d: %s\n", i+1, len(environments), e)
		var page *report.File
		verdict, bad, err := "", false, e.Problem
		if err == nil && pages != "" {
			name := cmp.Or(strings.TrimSuffix(e.Path, "/Resource"), e.Stack+"/"+e.LogicalID)
			page, err = report.Open(filepath.Join(pages, strings.ReplaceAll(name, "/", "-")+".html"))
		}
		if err == nil {
			verdict, bad, err = rehearse(e, page)
		}
		if err != nil {
			failed := &exitError{code: 2}
			errors.As(err, &failed)
			code = max(code, failed.code)
			verdict = "no verdict: " + strings.Join(strings.Fields(err.Error()), " ")
		}
		if bad {
			code = max(code, 1)
		}
		fmt.Fprintln(out, verdict)
		verdicts = append(verdicts, fmt.Sprintf("%s: %s", e, strings.TrimPrefix(verdict, "verdict: ")))
		if ctx.Err() != nil {
			return &exitError{code: 2}
		}
	}
	fmt.Fprintf(out, "\nverdicts:\n%s\n", strings.Join(verdicts, "\n"))
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

// origin is where the environment comes from.
type origin struct {
	args             []string
	problems         io.Writer
	deployed, word   string
	template, bundle string
	project          source.Project
}

// addFlags adds the flags that say where the environment comes from; verb is what the command does with it.
func (o *origin) addFlags(cmd *cobra.Command, verb string) {
	f := cmd.Flags()
	f.StringVar(&o.deployed, "deployed", "", verb+" what runs in this `environment` of the AWS account that the AWS variables lead to")
	f.StringVar(&o.template, "template", "", verb+" the environment of this CloudFormation `file` with --bundle")
	f.StringVar(&o.bundle, "bundle", "", "source bundle for --template: a zip `file` or a directory")
	f.StringVar(&o.project.Dir, "source", "", verb+" the Django project in this `directory`, as django.NewEnvironment would deploy it")
	f.StringVar(&o.project.WSGIApplication, "wsgi", "", "with --source: the WSGI `application`, such as mysite.wsgi (default: found)")
	f.BoolVar(&o.project.AsIs, "as-is", false, "with --source: without the wrapper and with the platform's defaults, as eb deploy would")
	f.StringVar(&o.project.Python, "python", "", "with --source: the `version` of the platform's Python, such as 3.13 (default: this machine's)")
	f.StringVar(&o.project.Variables.AllowedHosts, "hosts-variable", "", "with --source: the environment `variable` from which the settings take ALLOWED_HOSTS (default: as their text shows, else ALLOWED_HOSTS)")
	f.StringVar(&o.project.Variables.AllowedHostsSeparator, "hosts-separator", "", "with --source: what they split it at, a space or a comma (default: as their text shows, else a space)")
	f.StringVarP(&o.word, "environment", "e", "", "of several environments, the one with this `name`: stack, logical id or construct path, or a part of it")
}

func (o origin) environment(ctx context.Context) (e source.Environment, remove func(), err error) {
	remove = func() {}
	given := []string{}
	for flag, value := range map[string]string{"--deployed": o.deployed, "--template": o.template, "--source": o.project.Dir, "a cloud assembly": strings.Join(o.args, "")} {
		if value != "" {
			given = append(given, flag)
		}
	}
	slices.Sort(given)
	switch {
	case len(given) > 1:
		return e, remove, fmt.Errorf("give one of %s", strings.Join(given, ", "))
	case (o.template == "") != (o.bundle == ""):
		return e, remove, errors.New("--template and --bundle belong together")
	case o.project.Dir == "" && o.project != (source.Project{}):
		return e, remove, errors.New("--wsgi, --as-is, --python, --hosts-variable and --hosts-separator say how to serve the project that --source names")
	case o.deployed != "":
		return source.Deployed(ctx, o.deployed)
	case o.project.Dir != "":
		return o.project.Environment()
	case o.template != "":
		all, err := source.Template(o.template, o.bundle)
		if err != nil {
			return e, remove, err
		}
		e, err = o.choose(all, o.template)
		return e, remove, err
	}
	all, err := o.all()
	if err != nil {
		return e, remove, err
	}
	e, err = o.choose(all, o.assembly())
	return e, remove, err
}

// assembly is the directory of the synthesised app.
func (o origin) assembly() string { return cmp.Or(strings.Join(o.args, ""), defaultAssembly) }

// all are the environments of the synthesised app, those of its stages among them.
func (o origin) all() ([]source.Environment, error) {
	all, err := source.Assembly(o.assembly())
	if err != nil {
		return nil, err
	}
	if old := stale(o.assembly(), ""); old != "" {
		fmt.Fprintln(o.problems, "beanpole:", old)
		for i := range all {
			all[i].Input.Notes = append(all[i].Input.Notes, old)
		}
	}
	return all, nil
}

// choose returns the environment that is meant.
func (o origin) choose(all []source.Environment, from string) (source.Environment, error) {
	found := all
	if o.word != "" {
		found = source.Select(all, o.word)
	}
	if len(found) == 1 {
		return found[0], found[0].Problem
	}
	names := make([]string, len(all))
	for i, other := range all {
		names[i] = "  " + other.String()
	}
	problem := fmt.Sprintf("%s has %d environments; choose one with --environment", from, len(all))
	if o.word != "" && len(found) == 0 {
		problem = fmt.Sprintf("%s has no environment %q; it has", from, o.word)
	} else if o.word != "" {
		problem = fmt.Sprintf("%q means %d environments of %s; say more of its name", o.word, len(found), from)
	}
	return source.Environment{}, fmt.Errorf("%s:\n%s", problem, strings.Join(names, "\n"))
}
