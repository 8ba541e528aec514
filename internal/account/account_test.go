package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
)

func TestLoad(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	if cfg, err := Load(context.Background()); err != nil || cfg.Region != "eu-west-1" {
		t.Errorf("got %q, %v", cfg.Region, err)
	}
	t.Setenv("AWS_REGION", "")
	if _, err := Load(context.Background()); err == nil || err.Error() != "AWS: no region is set; set AWS_REGION (with the local AWS: beanpole local env)" {
		t.Errorf("without a region: %v", err)
	}
}

func TestPlain(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"refused": {errors.New("operation error S3: GetObject, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: not you"),
			"AWS: GetObject: AccessDenied: not you"},
		"no credentials": {errors.New("operation error X, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found"),
			"AWS: GetObject: no AWS credentials were found, or they have expired; log in as for any AWS tool (aws sso login, AWS_PROFILE, …)"},
		"away": {fmt.Errorf("exceeded maximum number of attempts: %w", &url.Error{Op: "Post", URL: "http://127.0.0.1:1/", Err: errors.New("connection refused")}),
			"AWS: GetObject: http://127.0.0.1:1/ cannot be reached: connection refused"},
		"other": {errors.New("odd"), "AWS: GetObject: odd"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Plain("GetObject", test.err); got.Error() != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	interrupted := fmt.Errorf("operation error: %w", context.Canceled)
	if got := Plain("GetObject", interrupted); got != interrupted {
		t.Errorf("an interrupt became %v", got)
	}
}
