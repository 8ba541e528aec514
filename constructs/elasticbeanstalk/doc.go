// Package elasticbeanstalk is the L2 that the CDK lacks for AWS Elastic Beanstalk: an [Environment] with its application,
// its application version, its roles and its security groups, behind an application load balancer, with every option
// setting checked before AWS sees it.
//
// The smallest use, in any Go CDK app:
//
//	env := elasticbeanstalk.NewEnvironment(stack, "Web", &elasticbeanstalk.EnvironmentProps{
//		Source:  bundle.Source{Path: "app"},
//		Network: elasticbeanstalk.Network{VPC: vpc},
//	})
//
// The zero value of every field of the props is its default, and every default that has a value is written into the
// template: an option that disappears from a template keeps its last value in the environment. A few options have no value
// that says "none", such as that of a custom image: the field's comment then says that it can be changed, once given, but
// not taken away; another environment, or the console, takes it away.
//
// [EnvironmentProps.Tier] and [EnvironmentProps.EnvironmentType] make other kinds of environment: a worker, which takes its
// work from a queue, and a single instance without a load balancer. What does nothing in a kind is refused by its field.
//
// The package knows Beanstalk, not Django: see package django for that.
package elasticbeanstalk
