package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/beanpole-cdk/internal/account"
)

const (
	accessLogs   = "the bucket of the access logs"
	serviceFiles = "files of the environment in Elastic Beanstalk's bucket"
)

// mayStay is what AWS itself makes, and may keep.
var mayStay = []string{serviceFiles, logGroups, zoneRecords}

// askWhatIsLeft asks what cdk destroy has left, beside the bucket of the access logs, which it keeps on purpose.
func (t *test) askWhatIsLeft(ctx context.Context, destroyed error) {
	t.record.ask("destroy", "Does cdk destroy delete both stacks, the environment's first?", "it does", func() (string, bool, error) {
		if destroyed != nil {
			return "it fails: " + destroyed.Error(), false, nil
		}
		return "it does", true, nil
	})
	t.record.ask("left", "What does cdk destroy leave?", accessLogs+", which is kept on purpose, and perhaps "+strings.Join(mayStay, ", "), func() (string, bool, error) {
		left, err := t.left(ctx)
		if err != nil {
			return "", false, err
		}
		surprising := slices.ContainsFunc(left, func(what string) bool { return what != accessLogs && !slices.Contains(mayStay, what) })
		return strings.Join(left, ", "), slices.Contains(left, accessLogs) && !surprising, nil
	})
}

// left is what is still there of what was made.
func (t *test) left(ctx context.Context) ([]string, error) {
	var left []string
	stacks := []string{t.webStack(), t.networkStack()}
	for _, id := range t.ids {
		stacks = append(stacks, "awseb-"+id+"-stack")
	}
	for _, stack := range stacks {
		there, err := t.stack(ctx, stack)
		if err != nil {
			return nil, err
		}
		if there != nil {
			left = append(left, "the stack "+stack)
		}
	}
	if len(t.ids) > 0 {
		environments, err := t.beanstalk.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentIds: t.ids, IncludeDeleted: aws.Bool(false)})
		if err != nil {
			return nil, account.Plain("the environment", err)
		}
		if len(environments.Environments) > 0 {
			left = append(left, "the environment")
		}
	}
	// The rest is known only to a run whose first deployment came to its end.
	if t.now.application != "" {
		applications, err := t.beanstalk.DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{t.now.application}})
		if err != nil {
			return nil, account.Plain("the application", err)
		}
		if len(applications.Applications) > 0 {
			left = append(left, "the application")
		}
	}
	if t.now.balancer != "" {
		if _, err := t.balancing.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{t.now.balancer}}); err == nil {
			left = append(left, "the load balancer")
		} else if !gone(err) {
			return nil, account.Plain("the load balancer", err)
		}
	}
	if t.now.targetGroup != "" {
		if _, err := t.balancing.DescribeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{TargetGroupArns: []string{t.now.targetGroup}}); err == nil {
			left = append(left, "the target group")
		} else if !gone(err) {
			return nil, account.Plain("the target group", err)
		}
	}
	if t.bucket == "" { // its stack has made none
	} else if _, err := t.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &t.bucket}); err == nil {
		left = append(left, accessLogs)
	} else if !gone(err) {
		return nil, account.Plain(accessLogs, err)
	}
	keys, err := t.instanceFiles(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		left = append(left, serviceFiles)
	}
	groups, err := t.logGroups(ctx)
	if err != nil {
		return nil, err
	}
	if len(groups) > 0 {
		left = append(left, logGroups)
	}
	records, err := t.zoneRecords(ctx)
	if err != nil {
		return nil, err
	}
	if len(records) > 0 {
		left = append(left, zoneRecords)
	}
	return left, nil
}

// remove removes everything that is there, whatever the run came to, and returns what it could not. An interrupt ends it.
func (t *test) remove() []string {
	if !t.deployed {
		return nil
	}
	ctx, cancel := signal.NotifyContext(context.Background(), interrupts...)
	defer cancel()
	ctx, cancelTime := context.WithTimeout(ctx, 90*time.Minute)
	defer cancelTime()
	fmt.Fprintf(t.out, "\n== removing what is left of %s (an interrupt leaves it)\n", t.name)

	t.notFound = t.find(ctx)
	var left []string
	// The environment's first: its rules and its target group stand on the load balancer.
	for _, stack := range []string{t.webStack(), t.networkStack()} {
		if err := t.deleteStack(ctx, stack); err != nil {
			left = append(left, fmt.Sprintf("the stack %s: %v; later: aws cloudformation delete-stack --region %s --stack-name %s", stack, err, t.region, stack))
			if stack == t.webStack() {
				left = append(left, fmt.Sprintf("the stack %s, which it stands on; after it: aws cloudformation delete-stack --region %s --stack-name %s", t.networkStack(), t.region, t.networkStack()))
				break
			}
		}
	}
	if t.bucket != "" && len(left) == 0 {
		if err := t.deleteBucket(ctx, t.bucket); err != nil {
			left = append(left, fmt.Sprintf("the bucket %s: %v; later: aws s3 rb --force s3://%s", t.bucket, err, t.bucket))
		}
	} else if t.bucket != "" {
		left = append(left, fmt.Sprintf("the bucket %s, which the load balancer writes to; at last: aws s3 rb --force s3://%s", t.bucket, t.bucket))
	}
	if len(left) == 0 {
		keys, err := t.instanceFiles(ctx)
		if err == nil {
			err = t.deleteKeys(ctx, t.serviceBucket(), keys)
		}
		if err != nil {
			left = append(left, fmt.Sprintf("%s: s3://%s, below %s: %v", serviceFiles, t.serviceBucket(), strings.Join(t.filesOf(), " and "), err))
		}
	}
	if len(left) == 0 {
		left = append(left, t.removeTraces(ctx)...)
	}
	if len(left) == 0 { // nothing is said to be removed that is not
		still, err := t.left(ctx)
		if err != nil {
			left = append(left, fmt.Sprintf("perhaps something: what is left could not be looked up: %v", err))
		}
		left = append(left, still...)
	} else {
		left = append(left, "perhaps "+logGroups+" that begin with /aws/lambda/"+t.name+"- or /aws/elasticbeanstalk/ and the environment's name, and "+zoneRecords)
	}
	if t.notFound != nil {
		left = append(left, fmt.Sprintf("perhaps %s and %s: they could not be looked up: %v", accessLogs, serviceFiles, t.notFound))
	}
	return left
}

// find looks up what does not go with the stacks, as long as they tell it: the bucket of the access logs, and whose files
// Elastic Beanstalk keeps. A deployment that ends half-way has told nobody.
func (t *test) find(ctx context.Context) error {
	made := map[string][]string{}
	for _, name := range []string{t.networkStack(), t.webStack()} {
		stack, err := t.stack(ctx, name)
		if err == nil && stack != nil {
			var resources map[string][]string
			resources, err = t.resources(ctx, name)
			for kind, ids := range resources {
				made[kind] = append(made[kind], ids...)
				for _, id := range ids {
					if len(id) >= 8 && id != t.name && !slices.Contains(t.names, id) { // a shorter one is a word
						t.names = append(t.names, id)
					}
				}
			}
		}
		if err != nil {
			return err
		}
	}
	for _, bucket := range made["AWS::S3::Bucket"] {
		t.bucket = cmp.Or(bucket, t.bucket)
	}
	for _, application := range made["AWS::ElasticBeanstalk::Application"] {
		if application == "" { // not made yet
			continue
		}
		environments, err := t.beanstalk.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{
			ApplicationName: &application, IncludeDeleted: aws.Bool(true), IncludedDeletedBackTo: &t.began,
		})
		if err != nil {
			return account.Plain("the environments of "+application, err)
		}
		for _, e := range environments.Environments {
			if id := aws.ToString(e.EnvironmentId); environmentID.MatchString(id) && !slices.Contains(t.ids, id) {
				t.ids = append(t.ids, id)
			}
			if name := aws.ToString(e.EnvironmentName); name != "" && !slices.Contains(t.environments, name) {
				t.environments = append(t.environments, name)
			}
		}
		versions, err := t.beanstalk.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: &application})
		if err != nil {
			return account.Plain("the versions of "+application, err)
		}
		for _, v := range versions.ApplicationVersions {
			if v.SourceBundle == nil || aws.ToString(v.SourceBundle.S3Bucket) != t.serviceBucket() {
				continue
			}
			if key := aws.ToString(v.SourceBundle.S3Key); key != "" && !slices.Contains(t.bundles, key) {
				t.bundles = append(t.bundles, key)
			}
		}
	}
	return nil
}

// stack is a stack that is there, nil if it is not.
func (t *test) stack(ctx context.Context, name string) (*cfn.Stack, error) {
	stacks, err := t.cloudformation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, account.Plain("the stack "+name, err)
	}
	for _, s := range stacks.Stacks {
		if s.StackStatus != cfn.StackStatusDeleteComplete {
			return &s, nil
		}
	}
	return nil, nil
}

// deleteStack deletes a stack and waits until it is gone. An update in progress is waited for: CloudFormation refuses before.
func (t *test) deleteStack(ctx context.Context, name string) error {
	refused := 0
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		stack, err := t.stack(ctx, name)
		if err != nil || stack == nil {
			return err
		}
		status := string(stack.StackStatus)
		if name == t.webStack() && status != string(cfn.StackStatusDeleteInProgress) {
			t.notFound = t.find(ctx) // each time: an environment may be made, or rolled back, meanwhile
		}
		switch {
		case status == string(cfn.StackStatusDeleteFailed) && refused >= 3:
			return errors.New(aws.ToString(stack.StackStatusReason))
		case status == string(cfn.StackStatusDeleteInProgress):
		case strings.HasPrefix(status, "UPDATE_") && strings.HasSuffix(status, "_IN_PROGRESS"), status == string(cfn.StackStatusRollbackInProgress):
			fmt.Fprintf(t.out, "%s is %s: waiting\n", name, status)
		default:
			refused++
			fmt.Fprintf(t.out, "deleting %s\n", name)
			if _, err := t.cloudformation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
				return account.Plain("delete "+name, err)
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the removal was interrupted")
		case <-time.After(pause):
		}
	}
}

func (t *test) serviceBucket() string {
	return fmt.Sprintf("elasticbeanstalk-%s-%s", t.region, t.account)
}

var environmentID = regexp.MustCompile(`^e-[a-z0-9]{10}$`)

// filesOf begin the names of the environments' files in Elastic Beanstalk's bucket: those of its launch, and the logs that were
// asked for or rotated.
func (t *test) filesOf() []string {
	var all []string
	for _, id := range t.ids {
		for _, kind := range []string{"", "logs/tail/", "logs/publish/", "logs/bundle/"} {
			all = append(all, "resources/environments/"+kind+id+"/")
		}
	}
	return all
}

// instanceFiles are the files that Elastic Beanstalk has kept of the environment in its bucket, its copy of the bundle among
// them.
func (t *test) instanceFiles(ctx context.Context) ([]s3types.ObjectIdentifier, error) {
	var all []s3types.ObjectIdentifier
	for _, prefix := range append(t.filesOf(), t.bundles...) {
		keys, err := t.keys(ctx, t.serviceBucket(), prefix)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(keys, func(key s3types.ObjectIdentifier) bool { return !t.owns(aws.ToString(key.Key)) })...)
	}
	return all, nil
}

// owns says whether a file in Elastic Beanstalk's bucket, which all environments of the region share, is this run's.
func (t *test) owns(key string) bool {
	return slices.Contains(t.bundles, key) || slices.ContainsFunc(t.filesOf(), func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

func (t *test) keys(ctx context.Context, bucket, prefix string) ([]s3types.ObjectIdentifier, error) {
	var keys []s3types.ObjectIdentifier
	pages := s3.NewListObjectsV2Paginator(t.s3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, account.Plain("the files in "+bucket, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, s3types.ObjectIdentifier{Key: o.Key})
		}
	}
	return keys, nil
}

func (t *test) deleteKeys(ctx context.Context, bucket string, keys []s3types.ObjectIdentifier) error {
	for len(keys) > 0 {
		some := keys[:min(len(keys), 1000)] // as many as one call takes
		keys = keys[len(some):]
		done, err := t.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3types.Delete{Objects: some, Quiet: aws.Bool(true)}})
		if err != nil {
			return account.Plain("delete files of "+bucket, err)
		}
		if len(done.Errors) > 0 {
			return errors.New(aws.ToString(done.Errors[0].Message))
		}
	}
	return nil
}

func (t *test) deleteBucket(ctx context.Context, bucket string) error {
	if !strings.HasPrefix(bucket, prefix) {
		return errors.New("its name does not begin with " + prefix + ": it is left alone")
	}
	for tries := 1; ; tries++ {
		keys, err := t.keys(ctx, bucket, "")
		if err == nil {
			err = t.deleteKeys(ctx, bucket, keys)
		}
		if err != nil {
			return err
		}
		_, err = t.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket})
		switch {
		case err == nil || gone(err):
			return nil
		case tries == 4 || ctx.Err() != nil:
			return account.Plain("delete the bucket", err)
		}
		time.Sleep(15 * time.Second) // a load balancer's last log comes late
	}
}
