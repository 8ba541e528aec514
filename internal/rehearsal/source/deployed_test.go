package source

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// fakeAWS answers as Elastic Beanstalk and, with path style, as S3.
func fakeAWS(t *testing.T, version string) *httptest.Server {
	t.Helper()
	var bundle bytes.Buffer
	archive := zip.NewWriter(&bundle)
	if w, err := archive.Create("Procfile"); err != nil {
		t.Fatal(err)
	} else if _, err := w.Write([]byte("web: gunicorn mysite.wsgi\n")); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	member := func(name, value string) string { return fmt.Sprintf("<%s>%s</%[1]s>", name, value) }
	setting := func(namespace, name, value string) string {
		return member("member", member("Namespace", namespace)+member("OptionName", name)+member("Value", value))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if r.URL.Path != "/assets/bundle.zip" {
				http.Error(w, "<Error><Code>NoSuchKey</Code><Message>not there</Message></Error>", http.StatusNotFound)
				return
			}
			_, _ = w.Write(bundle.Bytes())
			return
		}
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		action := r.Form.Get("Action")
		var result string
		switch action {
		case "DescribeEnvironments":
			result = member("Environments",
				member("member", member("EnvironmentName", "old")+member("Status", "Terminated"))+
					member("member", member("EnvironmentName", "shop")+member("ApplicationName", "django")+member("Status", "Ready")+version+
						member("PlatformArn", "arn:aws:elasticbeanstalk:us-east-1::platform/Python 3.12 running on 64bit Amazon Linux 2023/4.9.0")))
		case "DescribeConfigurationSettings":
			result = member("ConfigurationSettings", member("member", member("OptionSettings",
				setting("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/healthz/")+
					member("member", member("Namespace", "aws:elasticbeanstalk:environment:process:default")+member("OptionName", "MatcherHTTPCode")))))
		case "DescribeApplicationVersions":
			if r.Form.Get("VersionLabels.member.1") != "v1" {
				t.Errorf("asks for version %q", r.Form.Get("VersionLabels.member.1"))
			}
			result = member("ApplicationVersions", member("member", member("SourceBundle", member("S3Bucket", "assets")+member("S3Key", "bundle.zip"))))
		}
		fmt.Fprintf(w, "<%sResponse><%[1]sResult>%s</%[1]sResult></%[1]sResponse>", action, result)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_ENDPOINT_URL_S3": "", "TMPDIR": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	return server
}

func TestDeployed(t *testing.T) {
	fakeAWS(t, "<VersionLabel>v1</VersionLabel>")
	e, remove, err := Deployed(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if e.String() != "shop" || e.Input.Python != "3.12" || e.Input.HTTPS == nil || *e.Input.HTTPS {
		t.Errorf("got %+v", e)
	}
	if len(e.Input.Settings) != 1 || e.Input.Settings[0].Value != "/healthz/" {
		t.Errorf("settings %+v, want the one that has a value", e.Input.Settings)
	}
	archive, err := zip.OpenReader(e.Input.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 || archive.File[0].Name != "Procfile" {
		t.Errorf("bundle has %v", archive.File)
	}
	archive.Close()
	remove()
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestDeployedSays(t *testing.T) {
	for name, test := range map[string]struct {
		version, environment string
		change               func(*httptest.Server)
		says                 string
	}{
		"which there are":      {"<VersionLabel>v1</VersionLabel>", "shopp", nil, "there are: shop"},
		"not what was":         {"<VersionLabel>v1</VersionLabel>", "old", nil, `no environment "old"`},
		"that there is no app": {"", "shop", nil, "no application version"},
		"that AWS is away":     {"", "shop", func(s *httptest.Server) { s.Close() }, "cannot be reached"},
		"that credentials are missing": {"", "shop", func(*httptest.Server) {
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		}, "no AWS credentials"},
		"that a region is missing": {"", "shop", func(*httptest.Server) {
			t.Setenv("AWS_REGION", "")
			t.Setenv("AWS_DEFAULT_REGION", "")
		}, "AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			server := fakeAWS(t, test.version)
			if test.change != nil {
				test.change(server)
			}
			_, remove, err := Deployed(context.Background(), test.environment)
			remove()
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}
