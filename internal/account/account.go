// Package account is the AWS account and region that whoever asks AWS is led to by the user's variables and files, and what it
// says when it cannot be asked.
package account

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// Load returns the configuration that the AWS environment variables and files lead to, as with every AWS tool; with
// AWS_ENDPOINT_URL it is another AWS than the real one. It asks nobody. No region is an error.
func Load(ctx context.Context) (aws.Config, error) {
	// What the SDK says of its own doings, such as of metadata services that it has not found, is nobody's business here.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, fmt.Errorf("AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("AWS: no region is set; set AWS_REGION (with the local AWS: beanpole local env)")
	}
	return cfg, nil
}

// Local says that this is the AWS on this computer, where nothing runs: what "beanpole local env" leads to has its endpoint on
// loopback and made-up credentials.
func Local(ctx context.Context, cfg aws.Config) bool {
	endpoint, err := url.Parse(aws.ToString(cfg.BaseEndpoint))
	if err != nil {
		return false
	}
	if ip := net.ParseIP(endpoint.Hostname()); endpoint.Hostname() != "localhost" && !ip.IsLoopback() || cfg.Credentials == nil {
		return false
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	return err == nil && credentials.AccessKeyID == "testing"
}

// NotImplemented says that who was asked does not know the question, as the local AWS does of what it has no use for.
func NotImplemented(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "NotImplemented"
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
