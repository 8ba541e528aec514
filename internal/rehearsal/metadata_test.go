package rehearsal

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func askMetadata(t *testing.T, s *httptest.Server, method, path string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: 500 * time.Millisecond}
	response, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestMetadataService(t *testing.T) {
	s := httptest.NewServer(newMetadataService(Metadata{}, "10.0.1.23"))
	defer s.Close()
	const ttl, token, address = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token", "/latest/meta-data/local-ipv4"
	status, good := askMetadata(t, s, "PUT", tokenPath, ttl, "60")
	if status != 200 || len(good) < 20 {
		t.Fatalf("token: %d %q", status, good)
	}
	_, short := askMetadata(t, s, "PUT", tokenPath, ttl, "1")
	time.Sleep(1100 * time.Millisecond)
	for name, test := range map[string]struct {
		method, path string
		headers      []string
		status       int
		body         string
	}{
		"address":               {"GET", address, []string{token, good}, 200, "10.0.1.23"},
		"hostname":              {"GET", "/latest/meta-data/local-hostname", []string{token, good}, 200, "ip-10-0-1-23.ec2.internal"},
		"without a token":       {"GET", address, nil, 401, "<h1>401 - Unauthorized</h1>"},
		"with another token":    {"GET", address, []string{token, "AQAE"}, 401, "401"},
		"with a stale token":    {"GET", address, []string{token, short}, 401, "401"},
		"what is not there":     {"GET", "/latest/meta-data/public-ipv4", []string{token, good}, 404, "404"},
		"token without a ttl":   {"PUT", tokenPath, nil, 400, "400"},
		"token for too long":    {"PUT", tokenPath, []string{ttl, "21601"}, 400, "400"},
		"token through a proxy": {"PUT", tokenPath, []string{ttl, "60", "X-Forwarded-For", "1.2.3.4"}, 403, "403"},
		"token by GET":          {"GET", tokenPath, []string{ttl, "60"}, 405, "405"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := askMetadata(t, s, test.method, test.path, test.headers...)
			if status != test.status || !strings.Contains(body, test.body) {
				t.Errorf("got %d %q, want %d %q", status, body, test.status, test.body)
			}
		})
	}
}

func TestMetadataFaults(t *testing.T) {
	two := "10.0.1.23 10.0.1.24"
	for name, test := range map[string]struct {
		behaviour Metadata
		status    int // of a request without a token
		body      string
	}{
		"version 1 allowed": {Metadata{AllowV1: true}, 200, "10.0.1.23"},
		"two addresses":     {Metadata{AllowV1: true, Address: &two}, 200, two},
		"error":             {Metadata{AllowV1: true, Status: 500}, 500, "500"},
		"late":              {Metadata{AllowV1: true, Delay: 2 * time.Second}, 0, "Timeout"},
		"unanswered":        {Metadata{AllowV1: true, Fault: Unanswered}, 0, "Timeout"},
		"recovered":         {Metadata{AllowV1: true, Status: 500, Recovers: time.Nanosecond}, 200, "10.0.1.23"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(newMetadataService(test.behaviour, "10.0.1.23"))
			defer s.CloseClientConnections()
			status, body := askMetadata(t, s, "GET", "/latest/meta-data/local-ipv4")
			if status != test.status || !strings.Contains(body, test.body) {
				t.Errorf("got %d %q, want %d %q", status, body, test.status, test.body)
			}
		})
	}
}
