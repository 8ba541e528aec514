// Package live reads the templates of the stacks that run, for package templatediff. It only reads. Account, region and
// endpoint come from the AWS environment variables and files that every AWS tool reads; with AWS_ENDPOINT_URL it is another
// AWS than the real one.
package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"example.com/beanpole-cdk/internal/account"
	"example.com/beanpole-cdk/internal/templatediff"
)

// Client asks one account and region.
type Client struct{ stacks *cloudformation.Client }

var _ templatediff.Deployed = (*Client)(nil)

// New returns a client for the account and region that the AWS variables and files lead to.
func New(ctx context.Context) (*Client, error) {
	cfg, err := account.Load(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{cloudformation.NewFromConfig(cfg)}, nil
}

// Template returns a stack's template as it was deployed, before macros are applied. A stack that does not exist is an error
// that wraps [fs.ErrNotExist].
func (c *Client) Template(ctx context.Context, stack string) ([]byte, error) {
	out, err := c.stacks.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: types.TemplateStageOriginal})
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused) && strings.Contains(refused.ErrorMessage(), "does not exist"):
		return nil, fmt.Errorf("the stack %s: %w", stack, fs.ErrNotExist)
	case err != nil:
		return nil, account.Plain("the template of "+stack, err)
	}
	return []byte(aws.ToString(out.TemplateBody)), nil
}
