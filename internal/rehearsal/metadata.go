package rehearsal

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Metadata is how the emulated instance metadata service behaves. The zero value is an instance of today's platforms: it
// answers at once, to requests with a session token (IMDSv2) only.
//
// See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
type Metadata struct {
	// AllowV1 answers requests without a token too.
	AllowV1 bool `json:",omitempty"`
	// Address is what local-ipv4 answers. Default: the instance's address.
	Address *string `json:",omitempty"`
	// Status, if not 0, is the code of every answer.
	Status int `json:",omitempty"`
	// Delay comes before every answer.
	Delay time.Duration `json:",omitempty"`
	// Fault keeps the service from answering at all. Default: none.
	Fault Fault `json:",omitempty"`
	// Recovers is when Status, Delay and Fault end, counted from the start of the service. Default: never.
	Recovers time.Duration `json:",omitempty"`
}

// Fault is a way in which the metadata service does not answer.
type Fault string

// The faults of a metadata service.
const (
	Refused    Fault = "refused"    // nothing listens
	Unanswered Fault = "unanswered" // the request for a token is read and never answered (a hop limit of 1, say)
	Dropped    Fault = "dropped"    // packets disappear; needs the namespace form
)

const (
	metadataAddress = "169.254.169.254"
	tokenPath       = "/latest/api/token"
	tokenTTLHeader  = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenHeader     = "X-Aws-Ec2-Metadata-Token"
	maxTokenTTL     = 21600
)

// metadataService serves instance metadata to one instance.
type metadataService struct {
	behaviour Metadata
	answers   map[string]string
	started   time.Time
	mu        sync.Mutex
	tokens    map[string]time.Time // token → when it expires
}

func newMetadataService(behaviour Metadata, address string) *metadataService {
	if behaviour.Address != nil {
		address = *behaviour.Address
	}
	hostname := "ip-" + strings.ReplaceAll(address, ".", "-") + ".ec2.internal"
	return &metadataService{
		behaviour: behaviour,
		started:   time.Now(),
		tokens:    map[string]time.Time{},
		answers: map[string]string{
			"/latest/meta-data/local-ipv4":                  address,
			"/latest/meta-data/local-hostname":              hostname,
			"/latest/meta-data/hostname":                    hostname,
			"/latest/meta-data/instance-id":                 "i-0123456789abcdef0",
			"/latest/meta-data/instance-type":               "t3.micro",
			"/latest/meta-data/placement/availability-zone": "us-east-1a",
			"/latest/meta-data/placement/region":            "us-east-1",
		},
	}
}

// serve answers on the listener until it is closed.
func (m *metadataService) serve(l net.Listener) {
	server := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	_ = server.Serve(l)
}

func (m *metadataService) faulty() bool {
	return m.behaviour.Recovers == 0 || time.Since(m.started) < m.behaviour.Recovers
}

func (m *metadataService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Server", "EC2ws")
	if m.faulty() {
		if m.behaviour.Fault == Unanswered {
			<-r.Context().Done()
			return
		}
		if m.behaviour.Delay > 0 {
			select {
			case <-time.After(m.behaviour.Delay):
			case <-r.Context().Done():
				return
			}
		}
		if m.behaviour.Status != 0 {
			refuse(w, m.behaviour.Status)
			return
		}
	}
	if r.URL.Path == tokenPath {
		m.token(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	token := r.Header.Get(tokenHeader)
	if (token != "" || !m.behaviour.AllowV1) && !m.valid(token) {
		refuse(w, http.StatusUnauthorized)
		return
	}
	answer, ok := m.answers[r.URL.Path]
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, answer)
}

func (m *metadataService) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("X-Forwarded-For") != "" {
		refuse(w, http.StatusForbidden) // an open proxy must not hand out tokens
		return
	}
	ttl, err := strconv.Atoi(r.Header.Get(tokenTTLHeader))
	if err != nil || ttl < 1 || ttl > maxTokenTTL {
		refuse(w, http.StatusBadRequest)
		return
	}
	random := make([]byte, 20)
	_, _ = rand.Read(random) // never fails
	token := hex.EncodeToString(random)
	m.mu.Lock()
	m.tokens[token] = time.Now().Add(time.Duration(ttl) * time.Second)
	m.mu.Unlock()
	w.Header().Set(tokenTTLHeader, strconv.Itoa(ttl))
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, token)
}

func (m *metadataService) valid(token string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	expires, ok := m.tokens[token]
	return ok && time.Now().Before(expires)
}

// refuse answers with an error page: code that takes any body for an address must get HTML here, as it does on an instance.
func refuse(w http.ResponseWriter, status int) {
	title := fmt.Sprintf("%d - %s", status, http.StatusText(status))
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n"+
		" <head>\n  <title>%s</title>\n </head>\n <body>\n  <h1>%s</h1>\n </body>\n</html>\n", title, title)
}
