package rehearsal

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// Probe is one health check and what followed from it.
type Probe struct {
	Number int `json:"number"`
	// At is when the check began, counted from the start of the rehearsal; Took is until its answer or failure.
	At   time.Duration `json:"at_ns"`
	Took time.Duration `json:"took_ns"`
	// StatusCode is 0 if there was no answer; Error then says why.
	StatusCode int    `json:"status_code"`
	TimedOut   bool   `json:"timed_out,omitempty"`
	Error      string `json:"error,omitempty"`
	// Location is where a redirect leads.
	Location string `json:"location,omitempty"`
	// State and Reason are the target's after this check, in the load balancer's words.
	State  health.State `json:"state"`
	Reason string       `json:"reason,omitempty"`
	// Colour approximates the colour and status that Elastic Beanstalk would show.
	Colour string `json:"colour_approximation"`
}

// result is what one probe met.
type result struct {
	status   int
	header   http.Header
	body     string
	timedOut bool
	err      error
}

// prober sends health checks as a node of an application load balancer does.
type prober struct {
	address string // where to connect
	host    string // Host header
	tls     bool
	check   health.Check
}

// hostHeader is the Host of a health check: the target's address, with the port unless it is the protocol's own.
func hostHeader(address string, port int, tls bool) string {
	if port == 80 && !tls || port == 443 && tls {
		return address
	}
	return net.JoinHostPort(address, strconv.Itoa(port))
}

// request is byte for byte what was captured from a load balancer: these headers, in this order, and no others.
func (p prober) request() string {
	return "GET " + p.check.Path + " HTTP/1.1\r\n" +
		"Host: " + p.host + "\r\n" +
		"Connection: close\r\n" +
		"User-Agent: ELB-HealthChecker/2.0\r\n" +
		"Accept-Encoding: gzip, compressed\r\n" +
		"\r\n"
}

// redirectsUser says where the app sends a user who comes to host by HTTP, through the load balancer's listener on port 80:
// the address if it is the same host by HTTPS, else "".
func (p prober) redirectsUser(ctx context.Context, host string) string {
	ctx, cancel := context.WithTimeout(ctx, p.check.Timeout)
	defer cancel()
	r := p.exchange(ctx, "GET / HTTP/1.1\r\n"+
		"X-Forwarded-For: 198.51.100.1\r\n"+ // of those that belong to nobody (RFC 5737)
		"X-Forwarded-Proto: http\r\n"+
		"X-Forwarded-Port: 80\r\n"+
		"Host: "+host+"\r\n"+
		"Connection: close\r\n"+
		"\r\n")
	to := r.header.Get("Location")
	if target, err := url.Parse(to); err != nil || r.status < 300 || r.status >= 400 || target.Scheme != "https" || target.Host != host {
		return ""
	}
	return to
}

func (p prober) probe(ctx context.Context) result {
	ctx, cancel := context.WithTimeout(ctx, p.check.Timeout)
	defer cancel()
	r := p.exchange(ctx, p.request())
	if r.err != nil && (errors.Is(r.err, os.ErrDeadlineExceeded) || errors.Is(r.err, context.DeadlineExceeded)) {
		r = result{timedOut: true, err: fmt.Errorf("no answer within %v", p.check.Timeout)}
	}
	return r
}

func (p prober) exchange(ctx context.Context, request string) result {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return result{err: err}
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // an interrupt does not wait
	defer stop()
	if p.tls {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // a load balancer does not verify a target's certificate
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return result{err: err}
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return result{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return result{err: err}
	}
	return result{status: response.StatusCode, header: response.Header, body: string(body)}
}

// colour approximates what Elastic Beanstalk shows; AWS does not publish the thresholds behind Warning and Degraded.
func colour(s health.State) string {
	switch s {
	case health.Healthy:
		return "Green/Ok"
	case health.Unhealthy:
		return "Red/Severe"
	default:
		return "Grey/Pending"
	}
}
