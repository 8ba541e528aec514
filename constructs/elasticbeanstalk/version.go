package elasticbeanstalk

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticbeanstalk"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/option"
)

// newVersion makes the application version from the source, unless there is one: its zip is an asset, and a change of the
// zip a new version. The version that it replaces stays for a rollback until the application forgets it.
func (e *Environment) newVersion() {
	if label := e.props.VersionLabel; label != "" {
		e.versionLabel = &label
		return
	}
	asset := e.newBundle()
	e.Version = awselasticbeanstalk.NewCfnApplicationVersion(e, jsii.String("Version"), &awselasticbeanstalk.CfnApplicationVersionProps{
		ApplicationName: e.applicationName,
		Description:     jsii.String(fmt.Sprintf("Source bundle %.12s", *asset.AssetHash())),
		SourceBundle: &awselasticbeanstalk.CfnApplicationVersion_SourceBundleProperty{
			S3Bucket: asset.S3BucketName(),
			S3Key:    asset.S3ObjectKey(),
		},
	})
	e.versionLabel = e.Version.Ref()
	e.Version.CfnOptions().SetUpdateReplacePolicy(awscdk.CfnDeletionPolicy_RETAIN)
	e.Version.CfnOptions().SetDeletionPolicy(awscdk.CfnDeletionPolicy_DELETE)
}

// newBundle zips the source into an asset. The CDK copies the file when the asset is made, so that nothing outlives this call.
func (e *Environment) newBundle() awss3assets.Asset {
	dir, err := os.MkdirTemp("", "beanpole-bundle-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	zip := filepath.Join(dir, "bundle.zip")
	if err := writeBundle(zip, e.props); err != nil {
		panic(fmt.Errorf("%s: Source: %w", *e.Node().Path(), err))
	}
	return awss3assets.NewAsset(e, jsii.String("Bundle"), &awss3assets.AssetProps{Path: &zip})
}

func writeBundle(name string, props EnvironmentProps) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	return props.Source.WriteZip(file)
}

// warnAboutBundle passes on what in the source silently does nothing, as warnings that can be acknowledged by the id of their
// rule, such as "beanpole:procfile-port".
func (e *Environment) warnAboutBundle() {
	if e.Version == nil {
		return
	}
	warnings, err := e.props.Source.Lint(func(namespace, name string) (string, bool) {
		for _, s := range e.settings {
			if s.Namespace == namespace && s.OptionName == name {
				if s.Unresolved {
					return "", true
				}
				return s.Value, true
			}
		}
		return "", false
	})
	if err != nil {
		panic(fmt.Errorf("%s: Source: %w", *e.Node().Path(), err))
	}
	for _, w := range warnings {
		if w.Rule == "cron-yaml" && e.props.kind().worker {
			if queue := e.props.Worker.Queue; queue == nil || !*queue.Fifo() {
				continue
			}
			w.Message = "periodic tasks need a standard queue, and Worker.Queue is FIFO"
		}
		awscdk.Validations_Of(e).AddWarning(jsii.String("beanpole:"+w.Rule), jsii.String(w.String()))
	}
}

// context is what the check of option settings knows of the environment.
func (p *EnvironmentProps) context() option.Context {
	return option.Context{Tier: p.kind().tier(), Platform: cmp.Or(p.Platform.Branch, DefaultPlatformBranch)}
}
