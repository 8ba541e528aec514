package localaws

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// listening returns the IPv4 and IPv6 addresses that a process listens on.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	inodes := map[string]bool{}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, f.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var found []string
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // no IPv6 on this computer
		}
		for _, line := range strings.Split(string(data), "\n")[1:] {
			const listen = "0A"
			if f := strings.Fields(line); len(f) > 9 && f[3] == listen && inodes[f[9]] {
				host, port, _ := strings.Cut(f[1], ":")
				number, _ := strconv.ParseUint(port, 16, 16)
				if raw, err := hex.DecodeString(host); err == nil && len(raw) == 4 {
					host = net.IP(binary.BigEndian.AppendUint32(nil, binary.LittleEndian.Uint32(raw))).String()
				}
				found = append(found, fmt.Sprintf("%s:%d", host, number))
			}
		}
	}
	return found
}

// withoutNamespace in the environment allows this test not to be run where a process may not have a network of its own. It
// is the proof that nothing leaves, so that its absence has to be asked for.
const withoutNamespace = "BEANPOLE_TEST_WITHOUT_NAMESPACE"

// noNamespace ends a test that cannot be run here: it fails, unless the environment allows it to be left out.
func noNamespace(t testing.TB, err error) {
	t.Helper()
	if os.Getenv(withoutNamespace) == "" {
		t.Fatalf("not shown: this host does not let a process have a network of its own: %v; allow user namespaces, or leave this out with %s=1", err, withoutNamespace)
	}
	fmt.Fprintf(os.Stderr, "%s: left out, as %s asks: nothing shows here that no connection leaves loopback (%v)\n", t.Name(), withoutNamespace, err)
	t.Skipf("left out, as %s asks: %v", withoutNamespace, err)
}

// recorder is a test that only notes how it would have ended.
type recorder struct {
	testing.TB
	failed, skipped string
}

func (*recorder) Helper()      {}
func (*recorder) Name() string { return "recorder" }
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestTheProofIsNotLeftOutUnasked(t *testing.T) {
	for value, fails := range map[string]bool{"": true, "1": false} {
		t.Setenv(withoutNamespace, value)
		r, done := &recorder{}, make(chan struct{})
		go func() {
			defer close(done)
			noNamespace(r, syscall.EPERM)
		}()
		<-done
		if (r.failed != "") != fails || (r.skipped != "") == fails {
			t.Errorf("%s=%s: failed %q, skipped %q", withoutNamespace, value, r.failed, r.skipped)
		}
		if fails && !strings.Contains(r.failed, withoutNamespace) {
			t.Errorf("%q does not say how to leave it out", r.failed)
		}
	}
}

// The worst that a user's environment can hold: real-looking credentials, a profile with a credential process, a role
// by SSO, an endpoint of its own for one service, a proxy, containers' and web identity's credentials.
func TestNothingLeavesLoopback(t *testing.T) {
	dir := newState(t)
	home := t.TempDir()
	trap := filepath.Join(home, "credential-process-ran")
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o755); err != nil {
		t.Fatal(err)
	}
	profile := fmt.Sprintf("[default]\nregion = eu-central-1\ncredential_process = touch %[1]s\n[profile production]\nregion = eu-central-1\n"+
		"credential_process = touch %[1]s\nendpoint_url = http://203.0.113.7\nservices = far\n[services far]\ns3 =\n  endpoint_url = http://203.0.113.8\n", trap)
	for _, name := range []string{"config", "credentials"} {
		if err := os.WriteFile(filepath.Join(home, ".aws", name), []byte(profile), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hostile := []string{"HOME=" + home, "AWS_PROFILE=production", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_SESSION_TOKEN=token", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL_S3=http://203.0.113.9", "AWS_ENDPOINT_URL_ELASTIC_BEANSTALK=http://203.0.113.9",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://203.0.113.10/", "AWS_ROLE_ARN=arn:aws:iam::111122223333:role/admin",
		"AWS_WEB_IDENTITY_TOKEN_FILE=/dev/null", "HTTP_PROXY=http://203.0.113.11:3128", "http_proxy=http://203.0.113.11:3128",
		"HTTPS_PROXY=http://203.0.113.11:3128", "https_proxy=http://203.0.113.11:3128", "CDK_DEFAULT_ACCOUNT=111122223333"}

	// The CDK CLI deploys a stack of one topic from a cloud assembly, so that no app has to run.
	assembly := t.TempDir()
	for name, text := range map[string]string{
		"manifest.json": `{"version": "54.0.0", "artifacts": {"loopback-cdk": {"type": "aws:cloudformation:stack",
			"environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "template.json"}}}}`,
		"template.json": `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(assembly, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cli := filepath.Join(root, "node_modules/.bin/cdk")
	if _, err := os.Stat(cli); err == nil {
		hostile = append(hostile, "BEANPOLE_TEST_CDK="+cli, "BEANPOLE_TEST_ASSEMBLY="+assembly,
			"PATH="+filepath.Join(root, ".beanpole/bin")+":"+filepath.Join(root, "node_modules/.bin")+":"+os.Getenv("PATH"))
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), append(hostile, "BEANPOLE_TEST_NAMESPACE="+dir)...)
	// A network with loopback alone: every address elsewhere has no route, and the kernel counts who asks for one.
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		noNamespace(t, err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, &output)
	}
	if _, err := os.Stat(trap); err == nil {
		t.Error("the profile's credential process ran")
	}
	t.Logf("%s", &output)
}

// session is what the AWS SDK for Python does in an environment of ours: several services, the caller's identity last.
const session = `
import os, boto3
boto3.client("s3").create_bucket(Bucket="bucket")
boto3.client("s3").put_object(Bucket="bucket", Key="key", Body=b"text")
boto3.client("elasticbeanstalk").create_application(ApplicationName="loopback")
boto3.client("cloudformation").create_stack(StackName="loopback", TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}')
print(boto3.client("sts").get_caller_identity()["Account"], boto3.session.Session().region_name, boto3.client("s3").meta.endpoint_url)
`

// inNamespace is the other half of TestNothingLeavesLoopback, in a process with a network of its own.
func inNamespace() int {
	dir := os.Getenv("BEANPOLE_TEST_NAMESPACE")
	if err := showLoopback(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func showLoopback(dir string) error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	before, err := unrouted()
	if err != nil {
		return err
	}
	server, _, err := Start(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	defer Stop(dir)
	python := filepath.Join(dir, "python/bin/python")
	run := func(environment []string) (string, error) {
		command := exec.Command(python, "-c", session)
		command.Env = environment
		output, err := command.CombinedOutput()
		return string(output), err
	}
	output, err := run(server.Environ(os.Environ()))
	if want := fmt.Sprintf("%s %s %s\n", Account, Region, server.URL()); err != nil || output != want {
		return fmt.Errorf("in the environment: %v: %s, want %s", err, output, want)
	}
	// The shell lines do the same.
	again := strings.NewReplacer(`"bucket"`, `"other"`, `"loopback"`, `"other"`).Replace(session)
	shell := exec.Command("sh", "-c", server.Shell(os.Environ())+`exec "$0" -c "$1"`, python, again)
	if output, err := shell.CombinedOutput(); err != nil || !strings.Contains(string(output), server.URL()) {
		return fmt.Errorf("by the shell lines: %v: %s", err, output)
	}
	if cli := os.Getenv("BEANPOLE_TEST_CDK"); cli != "" {
		deploy := exec.Command(cli, "deploy", "--app", os.Getenv("BEANPOLE_TEST_ASSEMBLY"), "--require-approval", "never")
		deploy.Env = server.Environ(os.Environ())
		if output, err := deploy.CombinedOutput(); err != nil || !strings.Contains(string(output), "arn:aws:cloudformation:us-east-1:"+Account) {
			return fmt.Errorf("the CDK CLI: %v: %s", err, output)
		}
		fmt.Println("the CDK CLI has deployed")
	} else {
		fmt.Println("not shown for the CDK CLI, which is not installed: run `make setup`")
	}
	after, err := unrouted()
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("%d connections wanted to leave loopback", after-before)
	}
	// The same client without our environment does try to leave, and the count sees it: else 0 would mean nothing.
	run(os.Environ())
	control, err := unrouted()
	if err != nil {
		return err
	}
	if control == after {
		return fmt.Errorf("the control did not try to leave loopback: the count shows nothing")
	}
	fmt.Printf("connections that wanted to leave loopback: 0 with the environment, %d without\n", control-after)
	return nil
}

// unrouted counts the connections and datagrams for which there was no route, and the datagrams that nobody took: questions
// to a resolver on loopback, which would have asked elsewhere.
func unrouted() (int, error) {
	data, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return 0, err
	}
	total, found := 0, 0
	lines := strings.Split(string(data), "\n")
	for i := 0; i+1 < len(lines); i += 2 { // the names, then the values
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j, name := range names {
			if name == "OutNoRoutes" || names[0] == "Udp:" && name == "NoPorts" {
				value, err := strconv.Atoi(values[j])
				if err != nil {
					return 0, err
				}
				total, found = total+value, found+1
			}
		}
	}
	if found != 2 {
		return 0, fmt.Errorf("/proc/self/net/snmp lacks OutNoRoutes or NoPorts")
	}
	if data, err := os.ReadFile("/proc/self/net/snmp6"); err == nil { // no IPv6 is fine
		for _, line := range strings.Split(string(data), "\n") {
			if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "Ip6OutNoRoutes" {
				value, err := strconv.Atoi(fields[1])
				if err != nil {
					return 0, err
				}
				total += value
			}
		}
	}
	return total, nil
}

// loopbackUp brings the loopback interface of a new network up.
func loopbackUp() error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}
