package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/beanpole-cdk/constructs/django/overlay"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/template"
)

const (
	propertiesNamespace = "aws:elasticbeanstalk:application:environment"
	processNamespace    = "aws:elasticbeanstalk:environment:process:default"
	pythonNamespace     = "aws:elasticbeanstalk:container:python"
)

// Project is a Django project that nothing describes yet: no template, no environment.
type Project struct {
	// Dir is the project's directory, where manage.py and requirements.txt are.
	Dir string
	// WSGIApplication is the module that serves, "mysite.wsgi". Default: that of the project's Procfile or .ebextensions,
	// else the only wsgi.py next to manage.py or one directory below.
	WSGIApplication string
	// AsIs takes the project as it is, and the platform's defaults. Else it is rehearsed as django.NewEnvironment would
	// deploy it: with the wrapper, /healthz/, 200-301 and the usual environment properties.
	AsIs bool
	// Python is the version of the platform branch, such as "3.13". Default: unknown.
	Python string
	// Variables are the names that the project's settings read. What is not given is as the text of the settings shows it,
	// else the default.
	Variables overlay.Variables
}

// dataFiles, as Git writes patterns, are left out of the bundle: a deployment refuses them by name, and what needs them fails on the instance too.
var dataFiles = []string{".env", ".env.*", "*.env", "!*.example", "!*.sample", "!*.template", "!*.dist",
	"*.sqlite3", "*.sqlite", "*.db", "*.sqlite3-journal", "*.sqlite3-wal", "*.sqlite3-shm"}

// Environment is the one that would be made of the project. The bundle of a project that is not taken as it is is a
// temporary file that [rehearsal.Run] removes once it is unpacked; remove deletes it if it does not come to that.
func (p Project) Environment() (e Environment, remove func(), err error) {
	remove = func() {}
	e.Name, e.Input.Python = p.Dir, p.Python
	if info, err := os.Stat(p.Dir); err != nil || !info.IsDir() {
		return e, remove, fmt.Errorf("project %s: not a directory", p.Dir)
	}
	procfile, err := os.ReadFile(filepath.Join(p.Dir, "Procfile"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, remove, err
	}
	application, given := p.WSGIApplication, p.WSGIApplication != ""
	if !given && procfile == nil {
		if application, err = p.application(); err != nil {
			return e, remove, err
		}
	}
	if given && procfile != nil {
		e.Input.Notes = append(e.Input.Notes, "the project's Procfile says how it is served, so the WSGI application that was given does not count")
	}
	set := func(namespace, name, value string) {
		e.Input.Defaults = append(e.Input.Defaults, option.Setting{Namespace: namespace, OptionName: name, Value: value})
	}
	if application != "" {
		set(pythonNamespace, "WSGIPath", application)
	}
	e.Input.Bundle = p.Dir
	if p.AsIs {
		return e, remove, nil
	}
	project := bundle.Source{Path: p.Dir, Exclude: dataFiles}
	files, err := project.Open()
	if err != nil {
		return e, remove, explainExclude(err)
	}
	variables, found := variablesOf(files, application, p.Variables)
	kept := files.Names()
	if variables.AllowedHosts == "" {
		e.Input.MayHoldHosts = mayHoldHosts(files, application)
	}
	files.Close()
	if len(found) > 0 {
		e.Input.Notes = append(e.Input.Notes, "the settings read "+strings.Join(found, ", ")+
			": rehearsed with those Variables of django.EnvironmentProps, which a deployment needs too")
	}
	if err := variables.Validate(); err != nil {
		return e, remove, err
	}
	variables = variables.WithDefaults()
	set(processNamespace, "HealthCheckPath", health.DefaultPath)
	set(processNamespace, "MatcherHTTPCode", string(health.DefaultSuccessCodes))
	set(propertiesNamespace, variables.AllowedHosts, "www.example.com")
	set(propertiesNamespace, variables.HealthCheckPath, health.DefaultPath)
	set(propertiesNamespace, overlay.InstanceIPSource, overlay.SourceMetadata)
	set(propertiesNamespace, variables.HTTPS, "true")
	e.Input.Defaults = append(e.Input.Defaults, option.Setting{
		Namespace: "aws:elasticbeanstalk:application:environmentsecrets", OptionName: variables.SecretKey, Unresolved: true,
	})
	if names := leftOutOf(project, kept); len(names) > 0 {
		e.Input.LeftOut = names
		more := ""
		if len(names) > 4 {
			names, more = names[:4], fmt.Sprintf(" and %d more", len(names)-4)
		}
		e.Input.Notes = append(e.Input.Notes, strings.Join(names, ", ")+more+" left out of the bundle: secrets, data and what .gitignore names are not for an instance")
	}
	source, err := overlay.Config{WSGIApplication: application, Procfile: procfile, Variables: variables}.Lay(project)
	if err != nil && procfile != nil {
		// The reason is worth knowing; the project can be rehearsed all the same.
		e.Input.Notes = append(e.Input.Notes, "not run through the wrapper: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		source, err = project, nil
	}
	if err != nil {
		return e, remove, err
	}
	file, err := os.CreateTemp("", "beanpole-bundle-*.zip")
	if err != nil {
		return e, remove, err
	}
	remove = func() { _ = os.Remove(file.Name()) }
	if err := errors.Join(source.WriteZip(file), file.Close()); err != nil {
		remove()
		return e, func() {}, explainExclude(err)
	}
	e.Input.Bundle, e.Input.Temporary = file.Name(), true
	return e, remove, nil
}

// explainExclude says what the advice of package bundle is on a command line.
func explainExclude(err error) error {
	if strings.Contains(err.Error(), `Exclude "`) {
		err = fmt.Errorf("%w\n(Exclude is a prop of the constructs; here a line of .ebignore or, without one, of .gitignore leaves a file out)", err)
	}
	return err
}

// manage.py names the settings, and they are the WSGI module's neighbours.
var settingsModule = regexp.MustCompile(`DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([\w.]+)['"]`)

// application finds the WSGI module.
func (p Project) application() (string, error) {
	var set string
	extensions, _ := filepath.Glob(filepath.Join(p.Dir, ".ebextensions", "*.config"))
	for _, file := range extensions {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		config, err := template.ParseConfig(file, content)
		if err != nil {
			return "", err
		}
		for _, s := range config.Settings {
			if s.Namespace == pythonNamespace && s.OptionName == "WSGIPath" && s.Value != "" {
				set = s.Value
			}
		}
	}
	if set != "" {
		return set, nil
	}
	var found []string
	for _, depth := range []string{"wsgi.py", "*/wsgi.py", "*/*/wsgi.py"} {
		files, err := filepath.Glob(filepath.Join(p.Dir, depth))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			relative, err := filepath.Rel(p.Dir, file)
			if err != nil {
				return "", err
			}
			found = append(found, strings.ReplaceAll(strings.TrimSuffix(filepath.ToSlash(relative), ".py"), "/", "."))
		}
	}
	manage, _ := os.ReadFile(filepath.Join(p.Dir, "manage.py"))
	if m := settingsModule.FindSubmatch(manage); m != nil {
		for _, module := range found {
			if strings.HasPrefix(string(m[1]), strings.TrimSuffix(module, "wsgi")) {
				return module, nil
			}
		}
	}
	// The directory of manage.py is the one that modules are imported from, unless it is the application's package itself.
	if below, _ := filepath.Glob(filepath.Join(p.Dir, "*", "manage.py")); manage == nil && len(below) == 1 {
		dir := filepath.Dir(below[0])
		if deeper, _ := filepath.Glob(filepath.Join(dir, "*", "wsgi.py")); deeper != nil {
			remedy := fmt.Sprintf("give that directory (--source %s), or name the WSGI application (--wsgi)", dir)
			if _, err := os.Stat(filepath.Join(p.Dir, "requirements.txt")); err == nil {
				application := filepath.Base(filepath.Dir(deeper[0])) + ".wsgi"
				remedy = fmt.Sprintf("as its requirements.txt is at the top, give the project a Procfile: web: gunicorn --bind %s --chdir %s %s",
					overlay.Address, filepath.Base(dir), application)
			}
			return "", fmt.Errorf("%s has its manage.py in %s, and an instance imports modules from the top of the bundle: %s", p.Dir, filepath.Base(dir), remedy)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("%s has no Procfile and no wsgi.py: name the WSGI application (--wsgi mysite.wsgi), or the directory of manage.py", p.Dir)
	default:
		return "", fmt.Errorf("%s has several WSGI applications; choose one (--wsgi): %s", p.Dir, strings.Join(found, ", "))
	}
}

// Template returns the environments of one CloudFormation template, each with this bundle.
func Template(file, bundle string) ([]Environment, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	doc, err := template.Parse(file, content)
	if err != nil {
		return nil, err
	}
	a := &assembly{stacks: []stack{{name: file, doc: doc}}}
	var environments []Environment
	for i := range doc.Resources {
		if r := &doc.Resources[i]; r.Type == template.Environment {
			e := a.settings(a.stacks[0], r)
			e.Input.Bundle = bundle
			environments = append(environments, e)
		}
	}
	if environments == nil {
		return nil, fmt.Errorf("%s has no %s", file, template.Environment)
	}
	return environments, nil
}
