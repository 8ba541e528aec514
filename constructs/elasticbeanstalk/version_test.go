package elasticbeanstalk_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk"
	"example.com/beanpole-cdk/constructs/elasticbeanstalk/bundle"
)

func TestWhatInTheBundleDoesNothingIsAWarning(t *testing.T) {
	source := project(t, map[string]string{
		"Procfile": "web: gunicorn --bind :5000 app\n", ".ebextensions/a.config": "option_settings:\n  aws:autoscaling:asg:\n    MinSize: 7\n    Cooldown: 60\n",
	})
	stack := newStack(t)
	props := dedicated(existingVPC(stack))
	props.Source = bundle.Source{Path: source}
	elasticbeanstalk.NewEnvironment(stack, "Web", props)
	for _, part := range []string{"listens on port 5000", "asg MinSize: the environment sets it itself"} {
		found := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Stack/Web"), assertions.Match_StringLikeRegexp(jsii.String(part)))
		if len(found) != 1 {
			t.Errorf("%d warnings of %q, want one", len(found), part)
		}
	}
}
