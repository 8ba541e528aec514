// Package templatediff says what a change of a CloudFormation template does to the running Elastic Beanstalk environment.
//
// It compares two sets of templates: cloud assemblies of CDK apps in any language, single templates (JSON or YAML), the
// revisions of a repository, or deployed stacks. Option settings are matched by namespace and option name, whatever their
// order, and each change has its [Effect], from the catalogue of package option and what the environment's own settings
// say about how instances are replaced. Other resources follow CloudFormation's replacement rules, from AWS's published
// resource schemas (see generate.go).
//
// Nothing here asks AWS, and no value that may be a secret gets into a [Report].
package templatediff

//go:generate go run generate.go
