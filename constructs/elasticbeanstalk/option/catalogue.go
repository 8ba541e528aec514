package option

// Option is what is published about one option.
type Option struct {
	// Namespace and Name identify the option.
	Namespace, Name string
	// Effect is what a change of the value does to a running environment.
	Effect Effect
	// CreationOnly says that the value can be chosen only when the environment is made.
	CreationOnly bool
	// Default is the value that Beanstalk takes without a setting, "" if there is none or it varies.
	Default string
}

// Lookup returns the option of a namespace and name. A namespace with a name of one's own in it, such as
// "aws:elasticbeanstalk:environment:process:api", is understood.
func Lookup(namespace, name string) (Option, bool) { return Option{}, false }
