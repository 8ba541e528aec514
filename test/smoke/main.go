// Command smoke answers on real AWS what no test here can: `make aws-smoke`. It deploys examples/mysite to the account that it
// is told, asks, deploys again as a site grows, asks again, and removes everything, also when it is interrupted or fails.
//
//	AWS_SMOKE_ACCOUNT       the account's number, which is the confirmation: it must be that of the credentials
//	AWS_SMOKE_HOSTED_ZONE   a public hosted zone in it, as in Z0123456789ABCDEFGHIJ:example.com, for a certificate and two
//	                        domains below it. Default: what needs a domain is not asked
//	AWS_SMOKE_ANSWERS       a directory that is there, for the answers instead
//	DRY_RUN=1               all of it against an AWS on this computer instead, with a hosted zone there if one is named
//
// Account and region are those of the AWS variables and files, as for any AWS tool. The answers are written to
// test/smoke/answers.json ([Record]), those of a run that came to no end to .beanpole/smoke-unfinished.json. Exit codes:
// 0 everything is as expected, and nothing is left; 1 something is not; 2 it could not be run.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"example.com/beanpole-cdk/internal/account"
	"example.com/beanpole-cdk/internal/localaws"
)

func main() {
	root, err := os.Getwd()
	if err == nil {
		_, err = os.Stat("cdk.json")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v; run it where cdk.json is: make aws-smoke\n", err)
		os.Exit(2)
	}
	os.Exit(run(root, os.Getenv, os.Stdout))
}

// prefix begins the names of everything that a run makes, and nothing else has it.
const prefix = "beanpole-smoke-"

var (
	accountNumber = regexp.MustCompile(`^\d{12}$`)
	zoneAndName   = regexp.MustCompile(`^(Z[A-Z0-9]{4,31}):([a-z0-9-]+(?:\.[a-z0-9-]+)+)$`)
)

// interrupts end a run, and then the removal. A closed terminal is one too.
var interrupts = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// unbreakable writes as long as there is somebody who reads. A terminal or a pipe that is gone ends neither the run, nor the
// removal, nor the programs that write to it.
type unbreakable struct{ io.Writer }

func (u unbreakable) Write(p []byte) (int, error) {
	_, _ = u.Writer.Write(p) // there is nowhere to tell it
	return len(p), nil
}

// settings are what the variables say.
type settings struct {
	account          string
	zoneID, zoneName string
	answers          string // the directory for them, "" for those of the checkout
	local            bool
}

// read reads the variables. Everything wrong is told at once.
func read(get func(string) string) (settings, error) {
	s := settings{account: get("AWS_SMOKE_ACCOUNT"), answers: get("AWS_SMOKE_ANSWERS"), local: get("DRY_RUN") != "" && get("DRY_RUN") != "0"}
	var problems []error
	if info, err := os.Stat(s.answers); s.answers != "" && (err != nil || !info.IsDir()) {
		problems = append(problems, fmt.Errorf("AWS_SMOKE_ANSWERS: %q is no directory; the answers go into one that is there", s.answers))
	}
	switch {
	case s.local && s.account == "":
		s.account = localaws.Account
	case s.account == "":
		problems = append(problems, errors.New("AWS_SMOKE_ACCOUNT is missing: it confirms that you mean this account; set it to the account's number, "+
			"as in AWS_SMOKE_ACCOUNT=123456789012 make aws-smoke. DRY_RUN=1 make aws-smoke needs no account"))
	case !accountNumber.MatchString(s.account):
		problems = append(problems, fmt.Errorf("AWS_SMOKE_ACCOUNT: %q is not an account number, which has 12 digits", s.account))
	}
	if zone := get("AWS_SMOKE_HOSTED_ZONE"); zone != "" {
		match := zoneAndName.FindStringSubmatch(zone)
		if match == nil {
			problems = append(problems, fmt.Errorf("AWS_SMOKE_HOSTED_ZONE: %q is not a hosted zone with its name; write it as in Z0123456789ABCDEFGHIJ:example.com", zone))
		} else {
			s.zoneID, s.zoneName = match[1], match[2]
		}
	}
	return s, errors.Join(problems...)
}

func run(root string, get func(string) string, out io.Writer) int {
	settings, err := read(get)
	if err != nil {
		fmt.Fprintf(out, "%s\n\nNothing was done. What it would do:\n\n%s", err, plan(prefix+"…", settings))
		return 2
	}
	// Without this a closed pipe kills this program, and what was made stays. Ignored it would be so in its children, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	out = unbreakable{out}
	ctx, stop := signal.NotifyContext(context.Background(), interrupts...)
	defer stop()

	if settings.local {
		stopAWS, err := startLocalAWS(ctx, root)
		if err != nil {
			fmt.Fprintln(out, err)
			return 2
		}
		defer stopAWS()
	}
	t, err := newTest(ctx, root, settings, out)
	if err != nil {
		fmt.Fprintf(out, "%v\nNothing was done.\n", err)
		return 2
	}
	defer os.RemoveAll(t.dir)
	fmt.Fprintln(out, plan(t.name, settings))
	if settings.local {
		err := t.cdk(ctx, "bootstrap")
		if err == nil && t.zoneID != "" {
			err = t.makeZone(ctx)
		}
		if err != nil {
			fmt.Fprintln(out, err)
			return 2
		}
	}
	if err := t.requireBootstrap(ctx); err != nil {
		fmt.Fprintf(out, "%v\nNothing was done.\n", err)
		return 2
	}

	failed := guarded(func() error { return t.everything(ctx) })
	if failed != nil && ctx.Err() != nil {
		failed = errors.New("interrupted") // whatever was under way
	}
	if failed != nil {
		fmt.Fprintf(out, "\nStopped: %v\n", failed)
	}
	left := t.remove()
	t.record.Interrupted = failed != nil
	if err := t.record.write(t.answersFile(), t.secrets()); err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	fmt.Fprintf(out, "\n%s", t.record.text())
	fmt.Fprintf(out, "\nThe answers are in %s.\n", t.answersFile())
	if len(left) > 0 {
		fmt.Fprintf(out, "\nNOT REMOVED:\n  %s\n", strings.Join(left, "\n  "))
	} else {
		fmt.Fprintln(out, "Everything that was made is removed, but for the uploads in the bucket of cdk bootstrap.")
	}
	if failed != nil || len(left) > 0 || !t.record.holds() {
		return 1
	}
	return 0
}

// guarded makes an error of a panic: whatever happens, what was made is removed.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a fault of this program: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}

// plan says what a run makes, costs and takes, before it does.
func plan(name string, s settings) string {
	where := "account " + s.account
	switch {
	case s.local:
		where = "an AWS on this computer"
	case s.account == "":
		where = "the account that AWS_SMOKE_ACCOUNT names"
	}
	text := fmt.Sprintf(`%[1]s: in %[2]s
makes     the stacks %[1]s-live-network and %[1]s-live-web: a VPC with a NAT gateway, a load balancer with a bucket for its
          access logs, and an environment of one t3.micro
`, name, where)
	if s.zoneID != "" {
		text += fmt.Sprintf("          a certificate, and the records www.%[1]s.%[2]s and %[1]s.%[2]s, with those below them that\n"+
			"          prove the certificate\n", name, s.zoneName)
	}
	return text + `removes   all of it, also when it fails or is interrupted; what cannot be removed is named at the end. The files that cdk deploy
          uploads stay in the bucket of cdk bootstrap
costs     about $0.12 an hour by the list prices of us-east-1 in mid-2026: NAT gateway $0.045, load balancer $0.0225, t3.micro
          $0.0104, four public addresses $0.005 each, and the least of data
takes     perhaps 40 minutes, an hour with a hosted zone: nobody has measured it yet
`
}

// newTest takes the account that the credentials lead to, which must be the one that was named.
func newTest(ctx context.Context, root string, s settings, out io.Writer) (*test, error) {
	cfg, err := account.Load(ctx)
	if err != nil {
		return nil, err
	}
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, account.Plain("who the credentials are", err)
	}
	if *identity.Account != s.account {
		return nil, fmt.Errorf("AWS_SMOKE_ACCOUNT is %s, but the credentials are those of account %s: choose the other credentials, or name the other account", s.account, *identity.Account)
	}
	suffix := make([]byte, 3)
	if _, err := rand.Read(suffix); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	return newTestIn(cfg, root, dir, prefix+hex.EncodeToString(suffix), s, out), nil
}

// startLocalAWS leads this process, and all that it starts, to an AWS on this computer.
func startLocalAWS(ctx context.Context, root string) (stop func(), err error) {
	state, err := os.MkdirTemp("", prefix+"aws-")
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(filepath.Join(root, ".beanpole/python"), filepath.Join(state, "python")); err != nil {
		os.RemoveAll(state)
		return nil, err
	}
	server, _, err := localaws.Start(ctx, state, localaws.Options{Validator: filepath.Join(root, ".beanpole/bin/beanpole")})
	if err != nil {
		os.RemoveAll(state)
		return nil, err
	}
	environ := server.Environ(os.Environ())
	os.Clearenv()
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		os.Setenv(name, value)
	}
	return func() {
		localaws.Stop(state)
		os.RemoveAll(state)
	}, nil
}
