package stacks

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// warningPrefix begins the id of every warning.
const warningPrefix = "beanpole:"

// warnings are what follows it: the ids that can be acknowledged. They are part of the API of the constructs, and a test
// finds in the sources what is missing here.
var warnings = []string{
	"access-logs", "amazon-linux-ami-only", "application-protocol", "batch-size", "branch-retiring", "certificate-names",
	"command-export", "cron-yaml", "duplicate-key", "duplicate-setting", "environment-file", "environment-name",
	"extension-unread", "extension-unreadable", "fixed-name", "health-check-timeout", "hook-in-one-tree", "hook-unread",
	"https-not-told", "https-single-instance", "https-without-certificate", "immutable-updates", "instance-role",
	"launch-configuration", "leader-only", "listener-certificate", "listener-port", "load-balancer-egress",
	"load-balancer-subnets", "managed-updates", "migrate", "name-case", "name-taken", "network-interval",
	"no-dead-letter-queue", "no-effect", "not-a-setting", "not-applicable", "not-at-top", "null-value", "old-platform",
	"option-overridden", "other-namespace", "process-missing", "procfile-name", "procfile-overrides", "procfile-port",
	"procfile-web", "proxy-not-used", "proxy-overwritten", "proxy-unread", "replacement", "requirements-unread",
	"rolling-update", "root-volume", "rule-conditions", "rule-missing", "rule-unused", "secrets-platform",
	"secure-string-key", "security-groups", "service-role", "shared-load-balancer", "single-instance", "static-path",
	"trigger-thresholds", "unknown-namespace", "unknown-option", "unknown-section", "value-choice", "value-empty",
	"value-length", "value-list", "value-not-text", "value-pattern", "value-range", "value-type", "vpc-subnets",
}

// acknowledge accepts the warnings of a construct that the configuration has weighed.
func (c Config) acknowledge(on constructs.IConstruct) {
	for _, id := range slices.Sorted(maps.Keys(c.Acknowledge)) {
		acknowledge(on, id, c.Acknowledge[id])
	}
}

func acknowledge(on constructs.IConstruct, id, reason string) {
	awscdk.Validations_Of(on).Acknowledge(&awscdk.Acknowledgment{Id: jsii.String("Annotation::" + id), Reason: &reason})
}
