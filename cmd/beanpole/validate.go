package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

func newValidateCommand() *cobra.Command {
	var strict, asJSON bool
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check Elastic Beanstalk's option settings in templates and configuration files",
		Long: `Check every option setting in the files against what Elastic Beanstalk accepts, without AWS.

A FILE is a CloudFormation template (JSON, or YAML with short forms such as !Ref), a configuration file of
.ebextensions (*.config), a saved configuration (.cfg.yml), or a JSON list of settings as the AWS CLI takes it.
"-" is standard input.

An error is what Beanstalk refuses. A warning is what it accepts and ignores, or what it is not known to accept.
Values that only a deployment knows (Ref, GetAtt, …) are left out where the value matters.

The exit code is 0 if nothing is refused, 1 if something is (with --strict also if there is a warning), 2 if a file
could not be read.

With --json one object is printed:
  {"files": [{"file": "…", "settings": 12, "findings": [{
     "level": "error" or "warning", "rule": "value-range", "line": 9, "column": 20,
     "resource": "logical id", "path": "construct path", "namespace": "…", "resourceName": "…", "option": "…",
     "value": "…", "message": "…", "allowed": "…", "suggestion": "…", "url": "…"}]}],
   "errors": 1, "warnings": 0}
Keys without a value are left out, and so is a value that may be a secret.`,
		Example: "  beanpole validate template.yaml .ebextensions/*.config\n  cdk synth --json | beanpole validate --json -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, unreadable := checkFiles(args, cmd.InOrStdin())
			write := printReports
			if asJSON {
				write = printReportsJSON
			}
			if err := write(cmd.OutOrStdout(), reports); err != nil {
				return &exitError{code: 2, err: err}
			}
			if unreadable != nil {
				return &exitError{code: 2, err: unreadable}
			}
			for _, r := range reports {
				if refused, warned := r.Count(); refused > 0 || strict && warned > 0 {
					return &exitError{code: 1}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 1 on warnings too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return cmd
}

// checkFiles checks every file that it can read; the error names those that it cannot.
func checkFiles(names []string, stdin io.Reader) (reports []*option.Report, unreadable error) {
	for _, name := range names {
		data, err := readFile(name, stdin)
		if err == nil {
			var r *option.Report
			if r, err = option.CheckFile(name, data); err == nil {
				reports = append(reports, r)
			}
		}
		unreadable = errors.Join(unreadable, err)
	}
	return reports, unreadable
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

func printReports(w io.Writer, reports []*option.Report) error {
	settings, refused, warned := 0, 0, 0
	for _, r := range reports {
		settings += r.Settings
		e, n := r.Count()
		refused, warned = refused+e, warned+n
		for _, f := range r.Findings {
			where := fmt.Sprintf("%s:%d:%d", r.File, f.Line, f.Column)
			if place := cmp.Or(f.Path, f.Resource); place != "" {
				where += " " + place
			}
			fmt.Fprintf(w, "%s\n  %s: %s [%s]\n", where, f.Level, f.Message, f.Rule)
			if f.URL != "" {
				fmt.Fprintf(w, "  %s\n", f.URL)
			}
		}
	}
	_, err := fmt.Fprintf(w, "%s checked: %s, %s\n", count(settings, "option setting"), count(refused, "error"), count(warned, "warning"))
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

type jsonReport struct {
	Files    []jsonFile `json:"files"`
	Errors   int        `json:"errors"`
	Warnings int        `json:"warnings"`
}

type jsonFile struct {
	File     string        `json:"file"`
	Settings int           `json:"settings"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	Level        option.Level `json:"level"`
	Rule         string       `json:"rule"`
	Line         int          `json:"line"`
	Column       int          `json:"column"`
	Resource     string       `json:"resource,omitempty"`
	Path         string       `json:"path,omitempty"`
	Namespace    string       `json:"namespace,omitempty"`
	ResourceName string       `json:"resourceName,omitempty"`
	Option       string       `json:"option,omitempty"`
	Value        string       `json:"value,omitempty"`
	Message      string       `json:"message"`
	Allowed      string       `json:"allowed,omitempty"`
	Suggestion   string       `json:"suggestion,omitempty"`
	URL          string       `json:"url,omitempty"`
}

func printReportsJSON(w io.Writer, reports []*option.Report) error {
	out := jsonReport{Files: []jsonFile{}}
	for _, r := range reports {
		refused, warned := r.Count()
		out.Errors, out.Warnings = out.Errors+refused, out.Warnings+warned
		file := jsonFile{File: r.File, Settings: r.Settings, Findings: []jsonFinding{}}
		for _, f := range r.Findings {
			j := jsonFinding{
				Level: f.Level, Rule: f.Rule, Line: f.Line, Column: f.Column, Resource: f.Resource, Path: f.Path,
				Namespace: f.Namespace, ResourceName: f.ResourceName, Option: f.OptionName,
				Message: f.Message, Allowed: f.Allowed, Suggestion: f.Suggestion, URL: f.URL,
			}
			if !f.Secret() {
				j.Value = f.Value
			}
			file.Findings = append(file.Findings, j)
		}
		out.Files = append(out.Files, file)
	}
	return printJSON(w, out)
}
