package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
	"example.com/beanpole-cdk/internal/account"
)

// Deployed asks AWS for an environment by its name: its option settings and the bundle of the version that it runs. The
// bundle is a temporary file that [rehearsal.Run] removes once it is unpacked; remove deletes it if it does not come to that. Account, region and endpoint come from the AWS environment variables and
// files that every AWS tool reads; with AWS_ENDPOINT_URL it is another AWS than the real one.
func Deployed(ctx context.Context, name string) (e Environment, remove func(), err error) {
	remove = func() {}
	cfg, err := account.Load(ctx)
	if err != nil {
		return e, remove, err
	}
	api := elasticbeanstalk.NewFromConfig(cfg)
	environments, err := api.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{})
	if err != nil {
		return e, remove, account.Plain("DescribeEnvironments", err)
	}
	var found *types.EnvironmentDescription
	var names []string
	for i, d := range environments.Environments {
		if d.Status == types.EnvironmentStatusTerminated || d.Status == types.EnvironmentStatusTerminating {
			continue
		}
		names = append(names, text(d.EnvironmentName))
		if text(d.EnvironmentName) == name || text(d.EnvironmentId) == name {
			found = &environments.Environments[i]
		}
	}
	if found == nil {
		have := "there is none"
		if names != nil {
			have = "there are: " + strings.Join(names, ", ")
		}
		return e, remove, fmt.Errorf("no environment %q in %s (%s)", name, cfg.Region, have)
	}
	if found.VersionLabel == nil {
		return e, remove, fmt.Errorf("environment %s runs no application version (it has Elastic Beanstalk's sample), so there is no bundle to rehearse", name)
	}
	e.Name = text(found.EnvironmentName)
	if found.Tier != nil {
		e.Input.Tier = option.Tier(text(found.Tier.Name))
	}
	for _, platform := range []*string{found.PlatformArn, found.SolutionStackName} {
		if e.Input.Python == "" {
			e.Input.Python = pythonVersion(text(platform))
		}
	}

	configuration, err := api.DescribeConfigurationSettings(ctx, &elasticbeanstalk.DescribeConfigurationSettingsInput{
		ApplicationName: found.ApplicationName, EnvironmentName: found.EnvironmentName,
	})
	if err != nil {
		return e, remove, account.Plain("DescribeConfigurationSettings", err)
	}
	for _, c := range configuration.ConfigurationSettings {
		for _, s := range c.OptionSettings {
			if s.Value == nil {
				continue // an option that has no value, not one that is empty
			}
			e.Input.Settings = append(e.Input.Settings, option.Setting{
				Namespace: text(s.Namespace), ResourceName: text(s.ResourceName), OptionName: text(s.OptionName), Value: text(s.Value),
			})
		}
	}
	if value(e.Input.Settings, "aws:elasticbeanstalk:environment", "LoadBalancerIsShared") != "true" {
		https := dedicatedHTTPS(e.Input.Settings)
		e.Input.HTTPS = &https
	}

	versions, err := api.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{
		ApplicationName: found.ApplicationName, VersionLabels: []string{text(found.VersionLabel)},
	})
	if err != nil {
		return e, remove, account.Plain("DescribeApplicationVersions", err)
	}
	if len(versions.ApplicationVersions) == 0 || versions.ApplicationVersions[0].SourceBundle == nil {
		return e, remove, fmt.Errorf("application version %s of %s has no source bundle", text(found.VersionLabel), text(found.ApplicationName))
	}
	where := versions.ApplicationVersions[0].SourceBundle
	store := s3.NewFromConfig(cfg, func(o *s3.Options) {
		endpoint := text(cfg.BaseEndpoint)
		if own := os.Getenv("AWS_ENDPOINT_URL_S3"); own != "" {
			endpoint = own
		}
		o.UsePathStyle = onLoopback(endpoint) // the bucket's name in front of it would be a host that does not exist
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	object, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: where.S3Bucket, Key: where.S3Key})
	if err != nil {
		return e, remove, account.Plain(fmt.Sprintf("bundle s3://%s/%s", text(where.S3Bucket), text(where.S3Key)), err)
	}
	defer object.Body.Close()
	file, err := os.CreateTemp("", "beanpole-bundle-*.zip")
	if err != nil {
		return e, remove, err
	}
	remove = func() { _ = os.Remove(file.Name()) }
	_, err = io.Copy(file, object.Body)
	if err := errors.Join(err, file.Close()); err != nil {
		remove()
		return e, func() {}, fmt.Errorf("bundle s3://%s/%s: %w", text(where.S3Bucket), text(where.S3Key), err)
	}
	e.Input.Bundle, e.Input.Temporary = file.Name(), true
	return e, remove, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func onLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || ip != nil && ip.IsLoopback()
}
