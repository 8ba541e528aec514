package rehearsal

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
)

// oneAnswer listens once, returns what it was sent, and answers with the text, or never if that is "".
func oneAnswer(t *testing.T, answer string) (address string, received <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	sent := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var request strings.Builder
		lines := bufio.NewReader(conn)
		for {
			line, err := lines.ReadString('\n')
			request.WriteString(line)
			if err != nil || line == "\r\n" {
				break
			}
		}
		sent <- request.String()
		if answer == "" {
			_, _ = io.Copy(io.Discard, conn)
		}
		_, _ = io.WriteString(conn, answer)
	}()
	return l.Addr().String(), sent
}

// A load balancer's health check on port 8080 was captured with 130 bytes; on port 80 the host has no port.
func TestProbeBytes(t *testing.T) {
	for _, test := range []struct {
		host, path string
		port       int
		length     int
	}{
		{"10.0.7.140", "/", 8080, 130},
		{"10.0.7.140", "/", 80, 125},
	} {
		address, received := oneAnswer(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		p := prober{address: address, host: hostHeader(test.host, test.port, false), check: health.Check{Path: test.path, Timeout: 2 * time.Second}}
		if r := p.probe(context.Background()); r.status != 200 || r.body != "ok" {
			t.Errorf("got %+v", r)
		}
		request := <-received
		if len(request) != test.length {
			t.Errorf("%d bytes, want %d: %q", len(request), test.length, request)
		}
		want := "GET / HTTP/1.1\r\nHost: " + p.host + "\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n"
		if request != want {
			t.Errorf("sent %q, want %q", request, want)
		}
	}
}

func TestProbeFailures(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := closed.Addr().String()
	closed.Close()
	silent, _ := oneAnswer(t, "")
	slow, _ := oneAnswer(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")
	garbage, _ := oneAnswer(t, "SSH-2.0-OpenSSH_9.0\r\n")
	for name, test := range map[string]struct {
		address  string
		timedOut bool
		says     string
	}{
		"refused":    {refused, false, "refused"},
		"silent":     {silent, true, "no answer within 300ms"},
		"incomplete": {slow, false, "EOF"},
		"not HTTP":   {garbage, false, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := prober{address: test.address, host: "10.0.1.23", check: health.Check{Path: "/", Timeout: 300 * time.Millisecond}}
			r := p.probe(context.Background())
			if r.timedOut != test.timedOut || r.err == nil || !strings.Contains(r.err.Error(), test.says) {
				t.Errorf("got %+v, want %q", r, test.says)
			}
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		address, _ := oneAnswer(t, "")
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		prober{address: address, host: "10.0.1.23", check: health.Check{Path: "/", Timeout: 2 * time.Minute}}.probe(ctx)
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("an interrupt took %v", took)
		}
	})
}
