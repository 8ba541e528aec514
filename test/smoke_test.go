package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smokeTest builds the program of `make aws-smoke`.
func smokeTest(t *testing.T, root string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "smoke")
	build := exec.Command("go", "build", "-o", program, "./test/smoke")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

// All that make aws-smoke does, on this computer, but for what needs an instance.
func TestTheSmokeTestRunsDry(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("end to end: not in -short")
	}
	root, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(smokeTest(t, root))
	command.Dir = root
	answers := t.TempDir() // another run may write to the checkout's
	command.Env = append(os.Environ(), "DRY_RUN=1", "AWS_SMOKE_ANSWERS="+answers)
	expected := []string{"resolver", "matcher-range", "rule-order", "security-groups", "platform", "events", "bundle", "second-diff", "other-success-codes-same-environment", "later-codes", "destroy", "left"}
	if os.Getenv("BEANPOLE_TEST_FULL") != "" {
		command.Env = append(command.Env, "AWS_SMOKE_HOSTED_ZONE=Z0123456789ABCDEFGHIJ:example.com")
		expected = append(expected, "certificate-and-domain-same-environment", "certificate-and-domain-rules", "second-domain-same-environment", "second-domain-rules")
	}
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "Everything that was made is removed, but for the uploads in the bucket of cdk bootstrap.") {
		t.Fatalf("it ends with %v:\n%s", err, output)
	}
	text, err := os.ReadFile(filepath.Join(answers, "smoke-dry-run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Local   bool
		Answers []struct {
			ID, NotAsked string
			Holds        bool
		}
	}
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	if !record.Local {
		t.Error("the record does not say that it is of this computer")
	}
	for _, a := range record.Answers {
		i := slices.Index(expected, a.ID)
		switch {
		case a.Holds && i >= 0:
			expected = slices.Delete(expected, i, i+1)
		case a.NotAsked == "":
			t.Errorf("%s does not hold", a.ID)
		}
	}
	if len(expected) > 0 {
		t.Errorf("not asked: %q, in\n%s", expected, output)
	}
}

// In an account that is not named it touches nothing; in the one that is named, an interrupt in the midst of a deployment
// leaves nothing behind.
func TestTheSmokeTestLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	program := smokeTest(t, d.root)
	d.startAWS()
	d.bootstrap()
	d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), "-c", makeBucket)
	bootstrapped := d.resources()
	d.dir = d.root // where its cdk.json is
	answers := filepath.Join(d.root, "test/smoke/answers.json")
	before, _ := os.ReadFile(answers) // there need be none

	// The variable is set behind `local env`, which takes everything away that begins with AWS_.
	output, code := d.aws("env", "AWS_SMOKE_ACCOUNT=210987654321", program)
	if code != 2 || !strings.Contains(output, "AWS_SMOKE_ACCOUNT is 210987654321, but the credentials are those of account 123456789012") {
		t.Errorf("in another account it ends with %d:\n%s", code, output)
	}
	if got := d.resources(); len(got) != len(bootstrapped) {
		t.Fatalf("in another account it has made %v", got)
	}

	for _, c := range []struct {
		name string
		at   string // a part of the line at which it is interrupted
		by   syscall.Signal
		// closed closes the pipe that it writes to before, again sends the signal a second time when the removal has begun.
		closed, again bool
		says          string
	}{
		{"its reader is gone", "-live-network: deploying", syscall.SIGTERM, true, false, ""},
		{"in the midst of the first deployment", "CREATE_IN_PROGRESS      | AWS::ElasticBeanstalk::Environment", syscall.SIGINT, false, false, "Everything that was made is removed"},
		// Last, as it leaves something.
		{"a closed terminal, and once more", "-live-network: deploying", syscall.SIGHUP, false, true, "NOT REMOVED:"},
	} {
		// All of these become one process, the program's.
		command := exec.Command(filepath.Join(d.root, ".beanpole/bin/beanpole"), "local", "--state", d.state, "env", "--", "env", "AWS_SMOKE_ACCOUNT=123456789012", program)
		command.Dir = d.root
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		command.Stdout, command.Stderr = write, write
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		write.Close()
		timer := time.AfterFunc(3*time.Minute, func() { command.Process.Kill() })
		var all strings.Builder
		interrupted := false
		for lines := bufio.NewScanner(read); lines.Scan(); {
			line := lines.Text()
			all.WriteString(line + "\n")
			switch {
			case !interrupted && strings.Contains(line, c.at):
				interrupted = true
				if strings.Contains(c.at, "Environment") {
					// Stopped, so that it sees no more of its deployment than that it has begun.
					command.Process.Signal(syscall.SIGSTOP)
					d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), "-c", fileOfAnEnvironment)
				}
				if c.closed {
					read.Close()
				}
				command.Process.Signal(c.by)
				command.Process.Signal(syscall.SIGCONT)
			case c.again && strings.Contains(line, "== removing"):
				command.Process.Signal(c.by)
			}
		}
		err = command.Wait()
		timer.Stop()
		read.Close()
		text := all.String()
		if !interrupted || command.ProcessState.ExitCode() != 1 || !strings.Contains(text, c.says) {
			t.Fatalf("%s: interrupted %v, it ends with %v:\n%s", c.name, interrupted, err, text)
		}
		if after, _ := os.ReadFile(answers); !bytes.Equal(before, after) {
			t.Errorf("%s: a run that was interrupted has written %s", c.name, answers)
		}
		if c.again {
			continue
		}
		for kind, ids := range d.resources() {
			for _, id := range ids {
				if !slices.Contains(bootstrapped[kind], id) {
					t.Errorf("%s: %s %s is left", c.name, kind, id)
				}
			}
		}
		if keys := d.must(filepath.Join(d.root, ".beanpole/python/bin/python"), "-c", filesOfBeanstalk); strings.TrimSpace(keys) != "[]" {
			t.Errorf("%s: files in Elastic Beanstalk's bucket or log groups are left: %s", c.name, keys)
		}
	}
}

// Elastic Beanstalk's bucket on this computer's AWS. The real one keeps files of each environment in it that outlive them, and
// log groups may.
const (
	beanstalkBucket = `
import os, time, boto3
region = os.environ["AWS_REGION"]
s3, bucket = boto3.client("s3", region_name=region), "elasticbeanstalk-" + region + "-123456789012"
`
	makeBucket = beanstalkBucket + `
s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}))
`
	fileOfAnEnvironment = beanstalkBucket + `
for _ in range(600):
    found = [e for e in boto3.client("elasticbeanstalk", region_name=region).describe_environments(IncludeDeleted=False)["Environments"]]
    if found:
        break
    time.sleep(0.1)
s3.put_object(Bucket=bucket, Key="resources/environments/" + found[0]["EnvironmentId"] + "/_runtime/_embedded_extensions/x", Body=b"x")
for name in "/aws/elasticbeanstalk/" + found[0]["EnvironmentName"] + "/var/log/x", "/aws/lambda/" + found[0]["ApplicationName"] + "-live-web-x":
    boto3.client("logs", region_name=region).create_log_group(logGroupName=name)
`
	filesOfBeanstalk = beanstalkBucket + `
groups = boto3.client("logs", region_name=region).describe_log_groups()["logGroups"]
print([o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])] + [g["logGroupName"] for g in groups if "beanpole-smoke-" in g["logGroupName"] or g["logGroupName"].startswith("/aws/elasticbeanstalk/")])
`
)
