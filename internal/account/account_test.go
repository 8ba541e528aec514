package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
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

// Without credentials, and with a metadata service that does not answer as one, the SDK has things to say.
func TestTheSDKIsSilent(t *testing.T) {
	metadata := httptest.NewServer(http.NotFoundHandler())
	defer metadata.Close()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_ACCESS_KEY_ID": "",
		"AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.URL, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
	} {
		t.Setenv(name, value)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	defer func(stderr *os.File) { os.Stderr = stderr }(os.Stderr)
	os.Stderr = said
	cfg, err := Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Credentials.Retrieve(context.Background()); err == nil {
		t.Error("credentials of nowhere")
	}
	if text, err := os.ReadFile(said.Name()); err != nil || len(text) > 0 {
		t.Errorf("standard error: %v\n%s", err, text)
	}
}

func TestLocal(t *testing.T) {
	for name, test := range map[string]struct {
		endpoint, key string
		want          bool
	}{
		"the local AWS":     {"http://127.0.0.1:5555", "testing", true},
		"by another name":   {"http://localhost:5555", "testing", true},
		"somebody's proxy":  {"http://127.0.0.1:5555", "AKIAIOSFODNN7EXAMPLE", false},
		"the real AWS":      {"", "testing", false},
		"another's machine": {"http://192.0.2.1:5555", "testing", false},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range map[string]string{
				"AWS_REGION": "eu-west-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
				"AWS_ACCESS_KEY_ID": test.key, "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": test.endpoint,
			} {
				t.Setenv(name, value)
			}
			cfg, err := Load(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got := Local(context.Background(), cfg); got != test.want {
				t.Errorf("got %v", got)
			}
		})
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
