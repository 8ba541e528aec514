package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// job is all that the instance needs to know: it crosses from the process that prepared it into the one that has a network
// of its own.
type job struct {
	Root        string // temporary directory of the rehearsal
	App         string // in it: the bundle, unpacked
	Python      string // of the virtual environment
	Nginx       string
	Commands    []command // of the deployment, before the web process
	Command     string    // of the web process
	Env         []string  // of the web process
	Check       health.Check
	Port        int // of the process (target group)
	TLS         bool
	AppPort     int // where the proxy expects the app
	StaticFiles []staticFile
	Kind        Kind
	Host        string // that is asked for
	InstanceIP  string
	Metadata    Metadata
	Speed       float64
	Isolation   Isolation
	User        string // the host that users ask for, if it matters whether they are redirected to HTTPS
}

// outcome is what happened, still without a name.
type outcome struct {
	Probes     []Probe
	Registered time.Duration // when the load balancer began to ask, 0 if it did not come to that
	Web        []Process
	State      health.State
	Reason     string
	Facts      facts
}

// facts are what causes are named from.
type facts struct {
	Host        string // that the load balancer sent
	Port        int    // where it asked
	AppPort     int    // where nginx expected the app
	Listening   []int  // where the app listened, as far as can be seen
	ListenKnown bool   // whether that can be seen here
	Last        answer
	Exits       []exit // of the app, each followed by a restart as long as the unit had not failed
	UnitFailed  bool
	NginxExit   string // why nginx did not start
	AppLog      string // last lines
	NginxLog    string // last lines of nginx's error log
	Django      *django
	UserTo      string   // where users are redirected to, if that is the same host by HTTPS
	NginxAlone  bool     // nginx answered the last check without asking the app
	Deployment  *failure // of a command before the app, which then was not started
}

// answer is the last probe's.
type answer struct {
	StatusCode       int
	TimedOut         bool
	Error            string
	Location, Server string
	ContentType      string
	Body             string // its beginning
}

type exit struct {
	Code   int // -1 if a signal ended it
	Signal string
}

func (e exit) String() string {
	if e.Signal != "" {
		return "by a signal: " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// The limits that systemd sets to a unit with Restart=always, when the unit says nothing else.
const (
	startLimitBurst    = 5
	startLimitInterval = 10 * time.Second
	restartDelay       = 100 * time.Millisecond
)

// How long the load balancer's next question waits for the app, because the time that an app takes to start is not
// shortened as the interval is: in all for the port, once another port than the expected one is open, and after the app
// has ended, until it has stayed up.
const (
	portWait      = 30 * time.Second
	elsewhereWait = time.Second
	settleWait    = 2 * time.Second
)

// perform starts the instance, asks it until the target is healthy or has failed, and stops everything it started.
func (j job) perform(ctx context.Context, emit func(event)) (o outcome, err error) {
	started := time.Now()
	var one sync.Mutex // the app's unit tells too
	tell := emit
	emit = func(e event) {
		one.Lock()
		defer one.Unlock()
		tell(e)
	}
	say := func(format string, args ...any) {
		emit(event{At: time.Since(started), Line: fmt.Sprintf(format, args...)})
	}

	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()

	web := proxy{Root: j.Root, App: j.App, Port: j.AppPort, AppPort: j.AppPort, StaticFiles: j.StaticFiles}
	prober := prober{host: j.Host, tls: j.TLS, check: j.Check}
	env := slices.Clone(j.Env)
	metadataListen := net.JoinHostPort(metadataAddress, "80")
	if j.Isolation == Namespace {
		if err := raiseNetwork(j.InstanceIP, j.Metadata.Fault == Dropped); err != nil {
			return outcome{}, unavailableError{err}
		}
		web.Address = j.InstanceIP
		web.Listen = map[int][]string{80: {j.InstanceIP + ":80", "127.0.0.1:80"}}
		prober.address = net.JoinHostPort(j.InstanceIP, strconv.Itoa(j.Port))
	} else {
		var err error
		if web.AppPort, err = freePort(j.AppPort); err != nil {
			return outcome{}, err
		}
		if web.AppPort != j.AppPort {
			say("port %d is taken on this machine: the app is moved to %d", j.AppPort, web.AppPort)
			j.Command = replacePort(j.Command, j.AppPort, web.AppPort)
			env = append(env, "PORT="+strconv.Itoa(web.AppPort))
		}
		front, err := freePort(0)
		if err != nil {
			return outcome{}, err
		}
		// nginx listens for the platform's port 80, or for the process's if the bundle's configuration says so.
		web.Listen = map[int][]string{80: {net.JoinHostPort("127.0.0.1", strconv.Itoa(front))}}
		at := j.Port
		switch j.Port {
		case 80:
			at = front
		case j.AppPort:
			at = web.AppPort
		default:
			web.Listen[j.Port] = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(j.Port))}
		}
		prober.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(at))
		metadataListen = "127.0.0.1:0"
	}

	if j.Metadata.Fault != Refused && j.Metadata.Fault != Dropped {
		service, err := net.Listen("tcp", metadataListen)
		if err != nil {
			return outcome{}, fmt.Errorf("metadata service: %w", err)
		}
		running.Go(func() { newMetadataService(j.Metadata, j.InstanceIP).serve(service) })
		defer service.Close()
		metadataListen = service.Addr().String()
	}
	if j.Isolation == Loopback {
		env = append(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://"+metadataListen)
	}

	standIns, err := web.write()
	if err != nil {
		return outcome{}, err
	}
	for _, file := range standIns {
		say("%s is not in the bundle: a made-up one stands for it", file)
	}
	if failed, err := j.runCommands(ctx, env, say); err != nil || failed != nil {
		o.Facts.Deployment = failed
		o.State, o.Reason = health.Unhealthy, "the deployment fails"
		emit(event{At: time.Since(started), Outcome: &o})
		return o, err
	}
	logs := filepath.Join(j.Root, "log")
	app, err := newUnit(j.App, []string{"/bin/sh", "-c", j.Command}, env, filepath.Join(logs, "web.log"))
	if err != nil {
		return outcome{}, err
	}
	app.clock, app.say = started, say
	running.Go(func() { app.run(ctx, true) })
	nginxLog := filepath.Join(logs, "nginx.stderr")
	front, err := newUnit(j.Root, web.command(j.Nginx), os.Environ(), nginxLog)
	if err != nil {
		return outcome{}, err
	}
	running.Go(func() { front.run(ctx, false) })

	o = outcome{State: health.Initial, Facts: facts{Host: prober.host, Port: j.Port, AppPort: j.AppPort}}
	ports := &observer{own: ownPorts(web, metadataListen), namespace: j.Isolation == Namespace}
	if err := j.awaitProxy(ctx, web, front); err != nil {
		return o, err
	}
	if front.failed() {
		o.Facts.NginxExit = tail(readTail(nginxLog, 4<<10), 4)
		o.State, o.Reason = health.Unhealthy, "nginx does not start"
		emit(event{At: time.Since(started), Outcome: &o})
		return o, nil
	}
	interval := time.Duration(float64(j.Check.Interval) / j.Speed)
	patience := waiter{port: web.AppPort, app: app, ports: ports, say: say}
	if err := patience.wait(ctx); err != nil {
		return o, err
	}
	o.Registered = time.Since(started)
	if j.Kind == LoadBalanced {
		say("target registered: GET %s, Host: %s, every %v (here %v), success codes %s",
			j.Check.Path, prober.host, j.Check.Interval, interval, j.Check.SuccessCodes)
	} else {
		say("asking: GET %s, Host: %s; it has to answer %s", j.Check.Path, prober.host, j.Check.SuccessCodes)
	}

	target := health.NewTarget(j.Check)
	for o.State == health.Initial {
		at := time.Now()
		r := prober.probe(ctx)
		if err := ctx.Err(); err != nil {
			return o, err
		}
		state, reason := target.Observe(health.Observation{StatusCode: r.status, TimedOut: r.timedOut, Err: r.err})
		o.State, o.Reason = state, reason
		p := Probe{
			Number: len(o.Probes) + 1, At: at.Sub(started), Took: time.Since(at), StatusCode: r.status, TimedOut: r.timedOut,
			State: state, Reason: reason, Colour: colour(state), Location: r.header.Get("Location"),
		}
		o.Facts.Last = answer{
			StatusCode: r.status, TimedOut: r.timedOut, Location: p.Location, Server: r.header.Get("Server"),
			ContentType: r.header.Get("Content-Type"), Body: r.body[:min(len(r.body), 4<<10)],
		}
		if j.Kind != LoadBalanced { // whose words these are
			p.Reason, p.Colour, o.Reason = "", "", "the app does not answer as it has to"
		}
		if r.err != nil {
			p.Error = r.err.Error()
			o.Facts.Last.Error = p.Error
		}
		o.Probes = append(o.Probes, p)
		emit(event{At: time.Since(started), Probe: &p})
		if state != health.Initial {
			break
		}
		wait := interval
		if app.failed() {
			wait = 50 * time.Millisecond // nothing will change any more
		}
		if err := sleep(ctx, time.Until(at.Add(wait))); err != nil {
			return o, err
		}
		if err := patience.settle(ctx, at.Add(j.Check.Interval), !answered(o.Facts.Last)); err != nil {
			return o, err
		}
		if err := patience.wait(ctx); err != nil {
			return o, err
		}
	}

	app.mu.Lock()
	o.Facts.Exits, o.Facts.UnitFailed = slices.Clone(app.exits), app.gaveUp
	o.Web = slices.Clone(app.processes)
	app.mu.Unlock()
	o.Facts.Listening, o.Facts.ListenKnown = ports.elsewhere()
	if o.State != health.Healthy || o.Facts.Last.StatusCode >= 300 {
		say("asking the app why")
		o.Facts.Django, err = j.introspect(ctx, env, o.Facts.Last)
		if err != nil {
			return o, err
		}
	}
	// A check whose path is exempt from the redirect does not show it.
	if o.State == health.Healthy && o.Facts.Last.StatusCode < 300 && j.User != "" {
		o.Facts.UserTo = prober.redirectsUser(ctx, j.User)
		if err := ctx.Err(); err != nil {
			return o, err
		}
	}
	o.Facts.NginxAlone = answeredAlone(ctx, filepath.Join(web.log(), "healthd"), j.Check.Path)
	o.Facts.AppLog = readTail(filepath.Join(logs, "web.log"), 32<<10)
	told := map[string]bool{}
	for line := range strings.Lines(readHead(filepath.Join(logs, "web.log"), 8<<10)) { // where the wrapper has the instance's address from
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "beanpole: ") && !told[line] {
			told[line] = true
			say("the wrapper says: %s", strings.TrimPrefix(line, "beanpole: "))
		}
	}
	o.Facts.NginxLog = readTail(filepath.Join(web.log(), "error.log"), 4<<10)
	emit(event{At: time.Since(started), Outcome: &o}) // before everything is stopped: who has a namespace need not wait
	return o, nil
}

// awaitProxy returns when nginx serves or has given up.
func (j job) awaitProxy(ctx context.Context, web proxy, front *unit) error {
	pid := filepath.Join(web.Root, "run", "nginx.pid") // written once the sockets are open
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && !front.failed(); {
		if info, err := os.Stat(pid); err == nil && info.Size() > 0 {
			return nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// waiter waits for the app's port. What it spends in waiting is spent for the whole rehearsal.
type waiter struct {
	port      int
	app       *unit
	ports     *observer
	say       func(string, ...any)
	waited    time.Duration // in all
	elsewhere time.Duration // of it, with other ports open
	told      time.Duration
	exits     int // that have been waited for
}

// wait returns when the app has opened its port, has failed for good, listens elsewhere, or has had its time.
func (w *waiter) wait(ctx context.Context) error {
	const tick = 10 * time.Millisecond
	for !w.app.failed() && w.waited < portWait && w.elsewhere < elsewhereWait {
		open, elsewhere := w.ports.look(w.port)
		if w.app.up() && open {
			return nil
		}
		if w.waited-w.told >= 2*time.Second {
			w.told = w.waited
			w.say("waiting for the app to open port %d (%.0f s)", w.port, w.waited.Seconds())
		}
		begun := time.Now()
		if err := sleep(ctx, tick); err != nil {
			return err
		}
		w.waited += time.Since(begun)
		if elsewhere {
			w.elsewhere += time.Since(begun)
		}
	}
	return nil
}

// settle gives an app that has ended since the last call, or is about to because it did not answer, the time to start again
// and to end again: until it has stayed up or has failed for good, or until the next probe is due on an instance.
func (w *waiter) settle(ctx context.Context, due time.Time, silent bool) error {
	exits, _ := w.app.since()
	if exits == w.exits && !silent {
		return nil
	}
	for !w.app.failed() && time.Now().Before(due) {
		var up time.Duration
		if exits, up = w.app.since(); up > settleWait {
			break
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	w.exits = exits
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// freePort returns the wanted port if nothing on loopback has it, another one else; 0 wants any.
func freePort(wanted int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
	if err != nil && wanted != 0 {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return 0, fmt.Errorf("no free port on loopback: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ownPorts are those of nginx and of the metadata service.
func ownPorts(web proxy, metadata string) map[int]bool {
	own := map[int]bool{80: true}
	for _, addresses := range web.Listen {
		for _, a := range append(slices.Clone(addresses), metadata) {
			if _, port, err := net.SplitHostPort(a); err == nil {
				n, _ := strconv.Atoi(port)
				own[n] = true
			}
		}
	}
	return own
}

// observer sees which ports are open without connecting to them, where the system tells.
type observer struct {
	own       map[int]bool
	namespace bool // every listener here belongs to the rehearsal
	mu        sync.Mutex
	seen      []int // other than the app's
}

// look says whether the port is open, and whether the app has opened only others.
func (o *observer) look(port int) (open, elsewhere bool) {
	listening, ok := listeners()
	if !ok {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), 100*time.Millisecond)
		if err == nil {
			conn.Close()
		}
		return err == nil, false
	}
	if slices.Contains(listening, port) {
		return true, false
	}
	if !o.namespace {
		return false, false
	}
	var others []int
	for _, p := range listening {
		if !o.own[p] && !slices.Contains(others, p) {
			others = append(others, p)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = others
	return false, len(others) > 0
}

func (o *observer) elsewhere() (ports []int, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen, o.namespace
}

// unit is a process that is started again when it ends, as systemd does for the platform's web.service.
type unit struct {
	dir     string
	command []string
	env     []string
	log     *os.File

	clock time.Time            // from which processes are timed
	say   func(string, ...any) // what became of the unit; nil: nobody asks

	mu        sync.Mutex
	running   bool
	started   time.Time
	gaveUp    bool
	exits     []exit
	processes []Process
}

func newUnit(dir string, command, env []string, log string) (*unit, error) {
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &unit{dir: dir, command: command, env: env, log: f}, nil
}

// failed says that the unit will not be started again.
func (u *unit) failed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.gaveUp
}

// up says that the unit's process runs.
func (u *unit) up() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.running
}

// since returns how often the unit's process has ended and how long it has been up since then, 0 if it is not.
func (u *unit) since() (exits int, up time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.running {
		up = time.Since(u.started)
	}
	return len(u.exits), up
}

// run keeps the unit running until the context ends, then ends its whole process group. It holds its thread: the kernel
// ends the unit with the thread that started it.
func (u *unit) run(ctx context.Context, restart bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer u.log.Close()
	var starts []time.Time
	for ctx.Err() == nil {
		now := time.Now()
		starts = append(starts, now)
		starts = slices.DeleteFunc(starts, func(t time.Time) bool { return now.Sub(t) > startLimitInterval })
		u.mu.Lock()
		u.processes = append(u.processes, Process{Started: now.Sub(u.clock)})
		u.mu.Unlock()
		e := u.once(ctx)
		u.mu.Lock()
		u.running = false
		own := ctx.Err() == nil
		if own {
			u.exits = append(u.exits, e)
			u.gaveUp = !restart || len(starts) >= startLimitBurst
			p := &u.processes[len(u.processes)-1]
			p.Ended, p.How = time.Since(u.clock), e.String()
		}
		done := u.gaveUp
		u.mu.Unlock()
		if own && u.say != nil {
			next := "it is started again"
			if done {
				next = fmt.Sprintf("%d times within %v, so systemd gives up", len(starts), startLimitInterval)
			}
			u.say("the web process has ended (%s): %s", e, next)
		}
		if done || sleep(ctx, restartDelay) != nil {
			return
		}
	}
}

func (u *unit) once(ctx context.Context) exit {
	cmd := exec.Command(u.command[0], u.command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = u.dir, u.env, u.log, u.log
	cmd.SysProcAttr = processGroup()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(u.log, err)
		return exit{Code: 127}
	}
	u.mu.Lock()
	u.running, u.started = true, time.Now()
	u.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(2 * time.Second):
			}
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}()
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whatever of the group outlived its leader
	close(ended)
	var failure *exec.ExitError
	if errors.As(err, &failure) {
		if status, ok := failure.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return exit{Code: -1, Signal: status.Signal().String()}
		}
		return exit{Code: failure.ExitCode()}
	}
	return exit{}
}

// answeredAlone reads from the log for Elastic Beanstalk's health agent whether nginx asked the app for the last answer to
// this path. False if the log does not say.
func answeredAlone(ctx context.Context, logs, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	for range 5 { // nginx writes the line after it has answered
		files, _ := filepath.Glob(filepath.Join(logs, "application.log.*"))
		for _, file := range slices.Backward(files) {
			lines := strings.Split(strings.TrimSpace(readTail(file, 4<<10)), "\n")
			for _, line := range slices.Backward(lines) {
				// time"path"status"time of the request"time of the app, - if it was not asked"client
				if field := strings.Split(line, `"`); len(field) >= 5 && field[1] == path {
					return field[4] == "-"
				}
			}
		}
		if sleep(ctx, 10*time.Millisecond) != nil {
			break
		}
	}
	return false
}

// readHead returns the beginning of a file, "" if there is none.
func readHead(file string, limit int64) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	content, _ := io.ReadAll(io.LimitReader(f, limit))
	return string(content)
}

// readTail returns the last whole lines of a file, "" if there is none.
func readTail(file string, limit int64) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	cut := false
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		_, err = f.Seek(-limit, io.SeekEnd)
		cut = err == nil
	}
	content, _ := io.ReadAll(f)
	if cut {
		_, content, _ = bytes.Cut(content, []byte("\n"))
	}
	return string(content)
}
