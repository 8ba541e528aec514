// Package account is the AWS account and region that whoever asks AWS is led to by the user's variables and files, and what it
// says when it cannot be asked.
package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Load returns the configuration that the AWS environment variables and files lead to, as with every AWS tool; with
// AWS_ENDPOINT_URL it is another AWS than the real one. It asks nobody. No region is an error.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return cfg, fmt.Errorf("AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("AWS: no region is set; set AWS_REGION (with the local AWS: beanpole local env)")
	}
	return cfg, nil
}

// Plain cuts the SDK's account of its own doings off an error, and says what was asked. The end of a context is left as it is.
func Plain(what string, err error) error {
	message := err.Error()
	var request *url.Error
	switch _, after, refused := strings.Cut(message, "api error "); {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case refused:
		message = after
	case strings.Contains(message, "get credentials") || strings.Contains(message, "get identity"):
		message = "no AWS credentials were found, or they have expired; log in as for any AWS tool (aws sso login, AWS_PROFILE, …)"
	case errors.As(err, &request):
		message = fmt.Sprintf("%s cannot be reached: %v", request.URL, request.Err)
	}
	return fmt.Errorf("AWS: %s: %s", what, message)
}
