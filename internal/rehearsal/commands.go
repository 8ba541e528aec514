package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"
)

// command is something that a deployment runs on an instance before the app.
type command struct {
	Name         string // "container command 01_migrate", "hook 01_build.sh"
	Arguments    []string
	Test         string // runs first, and must succeed for the command to run
	Env          []string
	Dir          string
	IgnoreErrors bool
}

// containerCommand is an entry of container_commands in a file of .ebextensions.
//
// See https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/customize-containers-ec2.html#linux-container-commands
type containerCommand struct {
	Command      yaml.Node         `yaml:"command"`
	Env          map[string]string `yaml:"env"`
	Dir          string            `yaml:"cwd"`
	Test         string            `yaml:"test"`
	IgnoreErrors bool              `yaml:"ignoreErrors"`
}

// instancePaths turns paths of an instance into those of the rehearsal.
func instancePaths(app, venv string) *strings.Replacer {
	return strings.NewReplacer(
		"/var/app/venv/*/", venv+"/",
		"/var/app/venv/staging-LQM1lest", venv,
		"/var/app/current", app,
		"/var/app/staging", app,
	)
}

// deploymentCommands are those of the bundle that run before the app starts, in the order of a deployment: the hooks
// prebuild, the container commands of each configuration file, the hooks predeploy.
func deploymentCommands(app string, paths *strings.Replacer) ([]command, error) {
	prebuild, err := hooks(app, "prebuild")
	if err != nil {
		return nil, err
	}
	predeploy, err := hooks(app, "predeploy")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(app, ".ebextensions", "*.config"))
	if err != nil {
		return nil, err
	}
	all := prebuild
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var config struct {
			Commands map[string]containerCommand `yaml:"container_commands"`
		}
		if err := yaml.Unmarshal(content, &config); err != nil {
			return nil, fmt.Errorf("bundle: .ebextensions/%s: container_commands: %w", filepath.Base(file), err)
		}
		var ours []command
		for name, c := range config.Commands {
			next := command{Name: "container command " + name, Dir: app, Test: paths.Replace(c.Test), IgnoreErrors: c.IgnoreErrors}
			if c.Dir != "" {
				next.Dir = filepath.Join(app, paths.Replace(c.Dir))
				if filepath.IsAbs(c.Dir) {
					next.Dir = paths.Replace(c.Dir)
				}
			}
			for key, value := range c.Env {
				next.Env = append(next.Env, key+"="+value)
			}
			slices.Sort(next.Env)
			if c.Command.Kind == yaml.SequenceNode {
				if err := c.Command.Decode(&next.Arguments); err != nil {
					return nil, err
				}
				for i, a := range next.Arguments {
					next.Arguments[i] = paths.Replace(a)
				}
			} else {
				next.Arguments = []string{shell(), "-c", paths.Replace(c.Command.Value)}
			}
			ours = append(ours, next)
		}
		slices.SortFunc(ours, func(a, b command) int { return cmp.Compare(a.Name, b.Name) })
		all = append(all, ours...)
	}
	return append(all, predeploy...), nil
}

// notRun says what a rehearsal leaves out.
func notRun(commands []command) string {
	hooks := 0
	for _, c := range commands {
		if strings.HasPrefix(c.Name, "hook ") {
			hooks++
		}
	}
	var parts []string
	for _, kind := range []struct {
		name string
		n    int
	}{{"hook", hooks}, {"container command", len(commands) - hooks}} {
		switch kind.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+kind.name)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", kind.n, kind.name))
		}
	}
	verb := "are"
	if len(commands) == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s of the bundle %s not run, unless asked for (--commands)", strings.Join(parts, " and "), verb)
}

// shell is bash, which the platform's sh is.
func shell() string {
	if bash, err := exec.LookPath("bash"); err == nil {
		return bash
	}
	return "/bin/sh"
}

func hooks(app, phase string) ([]command, error) {
	entries, err := os.ReadDir(filepath.Join(app, ".platform", "hooks", phase))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var found []command
	for _, e := range entries { // sorted
		if e.Type().IsRegular() {
			found = append(found, command{Name: "hook " + phase + "/" + e.Name(), Dir: app,
				Arguments: []string{filepath.Join(app, ".platform", "hooks", phase, e.Name())}})
		}
	}
	return found, err
}

// adaptHooks makes the bundle's hooks runnable here: executable, and with the rehearsal's paths in them.
func adaptHooks(app string, paths *strings.Replacer) error {
	for _, pattern := range []string{"hooks", "confighooks"} {
		files, err := filepath.Glob(filepath.Join(app, ".platform", pattern, "*", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			text := paths.Replace(strings.ReplaceAll(string(content), "\r\n", "\n"))
			if err := errors.Join(os.WriteFile(file, []byte(text), 0o755), os.Chmod(file, 0o755)); err != nil {
				return err
			}
		}
	}
	return nil
}

// failure is a command of the deployment that failed.
type failure struct {
	Command string
	How     string
	Output  string
}

// runCommands runs them one after another, up to the first that fails.
func (j job) runCommands(ctx context.Context, env []string, say func(string, ...any)) (*failure, error) {
	for _, c := range j.Commands {
		run := func(arguments []string) (string, error) {
			cmd := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
			cmd.Dir, cmd.Env, cmd.SysProcAttr = c.Dir, append(slices.Clone(env), c.Env...), &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
			output, err := cmd.CombinedOutput()
			if ctx.Err() != nil {
				return "", nil
			}
			return string(output), err
		}
		if c.Test != "" {
			if _, err := run([]string{shell(), "-c", c.Test}); err != nil {
				say("%s: not run, its test failed", c.Name)
				continue
			}
		}
		output, err := run(c.Arguments)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case err == nil:
			say("%s: done", c.Name)
		case c.IgnoreErrors:
			say("%s: failed (%v), which is ignored", c.Name, err)
		default:
			return &failure{Command: c.Name, How: err.Error(), Output: tail(output, 15)}, nil
		}
	}
	return nil, nil
}
