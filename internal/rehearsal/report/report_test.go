package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/internal/rehearsal"
)

// verdict is of a rehearsal that got these answers, 0 for none in time, as the load balancer's rules have it.
func verdict(codes ...int) rehearsal.Verdict {
	check := health.Check{}.WithDefaults()
	v := rehearsal.Verdict{
		Kind: rehearsal.LoadBalanced, State: health.Initial, Isolation: rehearsal.Namespace, Began: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Took: time.Minute,
		Registered: 2 * time.Second, NotShown: []string{"the way from the load balancer"},
		Web:  []rehearsal.Process{{Started: time.Second, Ended: 1500 * time.Millisecond, How: "exit code 3"}, {Started: 1600 * time.Millisecond}},
		Used: rehearsal.Used{Check: rehearsal.Check(check), Host: "10.0.1.23", Port: 80, Protocol: "HTTP", Speed: 20, Command: "gunicorn mysite.wsgi", Python: "3.13.1"},
	}
	target := health.NewTarget(check)
	for i, code := range codes {
		p := rehearsal.Probe{Number: i + 1, At: time.Duration(2+i) * time.Second, Took: 20 * time.Millisecond, StatusCode: code, TimedOut: code == 0}
		p.State, p.Reason = target.Observe(health.Observation{StatusCode: code, TimedOut: code == 0})
		v.State, v.Reason, v.StatusCode = p.State, p.Reason, code
		v.Probes = append(v.Probes, p)
	}
	return v
}

func html(t *testing.T, r Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThePageTellsAllOfIt(t *testing.T) {
	v := verdict(400, 0, 400, 400, 400)
	v.Causes = []rehearsal.Cause{{ID: "allowed-hosts", Summary: "400: 10.0.1.23 is not in ALLOWED_HOSTS", Change: "add the address", Detail: "line 1\nline 2"},
		{ID: "https-without-listener", Summary: "users are redirected to a closed port", Change: "a certificate"}}
	v.Notes = []string{"the platform runs Python 3.13"}
	v.Steps = []rehearsal.Step{{At: time.Second, Text: "bundle: 7 files"}}
	v.Used.Packages = []rehearsal.Package{{Name: "Django", Version: "5.2.19"}}
	v.Used.Properties = []rehearsal.Property{{Name: "ALLOWED_HOSTS", Value: "www.example.com"}, {Name: "SECRET_KEY", Hidden: "secret"}}
	page := html(t, New("staging-web/Django (stack staging-web)", v))
	for _, want := range []string{
		"<strong>unhealthy: 400: 10.0.1.23 is not in ALLOWED_HOSTS</strong>", "staging-web/Django (stack staging-web)",
		"What to change: add the address", "line 1\nline 2", "users are redirected to a closed port", "What to change: a certificate",
		"none within 5 s", "failed in a row", "unhealthy at 5", "exit code 3", "target registered",
		"Target.ResponseCodeMismatch: Health checks failed with these codes: [400]",
		"GET /healthz/", "200-301", "here the interval was divided by 20", "gunicorn mysite.wsgi", "5.2.19", "www.example.com",
		"the platform runs Python 3.13", "the way from the load balancer", "[ 1.000] bundle: 7 files", "1 March 2026",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for i := range v.Probes {
		for what, element := range map[string]string{"timeline": `<g class="probe" data-number="%d">`, "table": `<tr data-number="%d">`} {
			if n := strings.Count(page, fmt.Sprintf(element, i+1)); n != 1 {
				t.Errorf("probe %d is %d times in the %s", i+1, n, what)
			}
		}
	}
	for class, want := range map[string]int{`<rect class="failed"`: 5, `<rect class="unhealthy"`: 1, `<rect class="ended"`: 1, `<rect class="run"`: 1} {
		if n := strings.Count(page, class); n != want {
			t.Errorf("%d of %s, want %d", n, class, want)
		}
	}
}

func TestThePageSaysWhatAVerdictIsWorth(t *testing.T) {
	redirected := verdict(301)
	redirected.Redirected = true
	closed := verdict(200)
	closed.Causes = []rehearsal.Cause{{ID: "https-without-listener", Summary: "users are redirected"}}
	failed := verdict()
	failed.State, failed.Reason, failed.Registered, failed.Web = health.Unhealthy, "the deployment fails", 0, nil
	for name, test := range map[string]struct {
		v     rehearsal.Verdict
		class string
		says  string
	}{
		"healthy":     {verdict(400, 200), "healthy", "the answer is the app’s own"},
		"redirect":    {redirected, "warned", "No view ran: 301 is among the success codes"},
		"closed port": {closed, "warned", "users meet something else"},
		"unhealthy":   {verdict(0, 0, 0, 0, 0), "unhealthy", "out of service: Target.Timeout"},
		"not started": {failed, "unhealthy", "The deployment ends before anything is asked"},
	} {
		page := html(t, New("shop", test.v))
		if !strings.Contains(page, `class="verdict `+test.class+`"`) || !strings.Contains(page, test.says) {
			t.Errorf("%s: no %s, %q:\n%s", name, test.class, test.says, page)
		}
		if has := strings.Contains(page, "<svg"); has == (name == "not started") {
			t.Errorf("%s: timeline: %v", name, has)
		}
	}
}

// A project's own words end up in the page: as words.
func TestThePageIsHarmless(t *testing.T) {
	const hostile = `</pre></style></svg><script>alert(1)</script><img src=x onerror="alert(2)">'"{{.}}<!--`
	v := verdict(302, 0)
	v.Causes = []rehearsal.Cause{{ID: hostile, Summary: hostile, Change: hostile, Detail: hostile}}
	v.Notes, v.NotShown, v.Steps = []string{hostile}, []string{hostile}, []rehearsal.Step{{Text: hostile}}
	v.Probes[0].Location, v.Probes[1].Error, v.Probes[0].Reason, v.Probes[0].Colour = "javascript:"+hostile, hostile, hostile, hostile
	v.Web[0].How = hostile
	v.Used.Command, v.Used.Host, v.Used.Check.Path = hostile, hostile, "/"+hostile
	v.Used.Properties = []rehearsal.Property{{Name: hostile, Value: hostile}, {Name: "B", Hidden: hostile}}
	v.Used.StaticFiles, v.Used.Packages = []rehearsal.StaticFile{{URL: hostile, Directory: hostile}}, []rehearsal.Package{{Name: hostile, Version: hostile}}
	page := html(t, New(hostile, v))
	for _, tag := range []string{"<script", "<img", "<!--", "<link", "<iframe", "url(", "@import"} {
		if at := strings.Index(strings.ToLower(page), tag); at >= 0 {
			t.Errorf("the page has %s: …%s", tag, page[max(0, at-80):min(len(page), at+80)])
		}
	}
	withoutValues := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(page, "=")
	if active := regexp.MustCompile(`(?i)<[^>]*\s(src|href|style|on\w+)\s*=[^>]*>`).FindString(withoutValues); active != "" {
		t.Errorf("the page has %s", active)
	}
	for _, once := range []string{"</style>", "</svg>", "</title>\n<style", "</html>"} {
		if n := strings.Count(page, once); n != 1 {
			t.Errorf("%s is there %d times", once, n)
		}
	}
	if n := strings.Count(page, "&lt;script&gt;"); n < 15 {
		t.Errorf("only %d of the hostile texts are shown", n)
	}
}

// The page allows its own style by hash and nothing else; a byte more and browsers would not apply it.
func TestThePolicyOfThePageFitsItsStyle(t *testing.T) {
	page := html(t, New("shop", verdict(200)))
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	policy := regexp.MustCompile(`content="default-src 'none'; style-src '(sha256-[^']+)'`).FindStringSubmatch(strings.ReplaceAll(strings.ReplaceAll(page, "&#39;", "'"), "&#43;", "+"))
	if style == nil || policy == nil {
		t.Fatal("no style or no policy")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); policy[1] != want {
		t.Errorf("policy %s, style %s", policy[1], want)
	}
}

// Whatever happened, the picture shows every probe, in its frame and in order, and no two answers over each other.
func TestTimelineOfAnyVerdict(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := verdict()
		v.Web, v.Registered = nil, time.Duration(random.IntN(3000))*time.Millisecond
		at := time.Duration(random.IntN(500)) * time.Millisecond
		for range random.IntN(7) {
			p := rehearsal.Process{Started: at, Ended: at + time.Duration(1+random.IntN(900))*time.Millisecond, How: "exit code 1"}
			at = p.Ended + 100*time.Millisecond
			v.Web = append(v.Web, p)
		}
		if len(v.Web) > 0 && random.IntN(2) == 0 {
			v.Web[len(v.Web)-1].Ended = 0
		}
		at = v.Registered
		target := health.NewTarget(health.Check{})
		for i := range random.IntN(11) {
			p := rehearsal.Probe{Number: i + 1, At: at, Took: time.Duration(random.IntN(5000)) * time.Millisecond, StatusCode: []int{0, 200, 400, 502}[random.IntN(4)]}
			p.TimedOut = p.StatusCode == 0
			p.State, p.Reason = target.Observe(health.Observation{StatusCode: p.StatusCode, TimedOut: p.TimedOut})
			at += p.Took + time.Duration(random.IntN(800))*time.Millisecond
			v.Probes = append(v.Probes, p)
		}
		v.Took = at + time.Second
		picture := newTimeline(v)
		if picture == nil {
			if len(v.Web)+len(v.Probes) > 0 {
				t.Fatalf("no picture of %+v", v)
			}
			continue
		}
		if len(picture.Probes) != len(v.Probes) || len(picture.Web) != len(v.Web) {
			t.Fatalf("%d of %d probes, %d of %d processes", len(picture.Probes), len(v.Probes), len(picture.Web), len(v.Web))
		}
		bars := append(append([]bar{}, picture.Web...), picture.States...)
		for i, m := range picture.Probes {
			bars = append(bars, m.bar)
			if i > 0 && m.X < picture.Probes[i-1].X {
				t.Fatal("probes are not in order")
			}
			for _, other := range picture.Probes[:i] {
				if m.LabelY == other.LabelY && m.LabelX < other.LabelX+wide(other.Text) {
					t.Fatalf("the answers of probes %d and %d are over each other: %+v", other.Number, m.Number, v.Probes)
				}
			}
			if m.LabelY < picture.WebY+barHeight {
				t.Fatal("an answer is in the lane above")
			}
		}
		for _, b := range bars {
			if !(b.X >= left && b.Width >= narrowest && b.X+b.Width <= width) {
				t.Fatalf("a bar is out of the picture: %+v", b)
			}
		}
		if n := len(picture.Ticks); n < 2 || n > 12 {
			t.Fatalf("%d ticks", n)
		}
		if picture.Steps == "" {
			continue
		}
		points := strings.Fields(picture.Steps)
		_, last, _ := strings.Cut(points[len(points)-1], ",")
		height, err := strconv.ParseFloat(last, 64)
		if err != nil {
			t.Fatal(err)
		}
		if all := rows(v); (height == picture.Threshold.Y) != (all[len(all)-1].Failed >= 5) {
			t.Fatalf("%d failed in a row, and the line is at %v of %v", all[len(all)-1].Failed, height, picture.Threshold.Y)
		}
	}
}

func TestJSONIsTheSameResult(t *testing.T) {
	var b bytes.Buffer
	if err := New("shop", verdict(400, 200)).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Verdict, Environment, State string
		Probes                      []struct {
			Code int `json:"status_code"`
		}
		Used struct {
			Check struct {
				Path     string
				Interval int64 `json:"interval_ns"`
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Verdict != "healthy by 200" || got.Environment != "shop" || got.State != "healthy" || len(got.Probes) != 2 ||
		got.Used.Check.Path != "/healthz/" || got.Used.Check.Interval != 15e9 {
		t.Errorf("got %+v\n%s", got, &b)
	}
}

func TestFileRefusesWhereNoPageCanBe(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		dir:                                    "is a directory; name a file",
		filepath.Join(dir, "new") + "/":        "is a directory; name a file",
		filepath.Join(dir, "none", "r.html"):   "there is no directory",
		filepath.Join(dir, "file", "r.html"):   "not a directory",
		os.DevNull:                             "is not a regular file",
		filepath.Join(dir, "a\x00b", "r.html"): "invalid",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", path, err, says)
		}
	}
	if found, err := os.ReadDir(dir); err != nil || len(found) != 1 {
		t.Errorf("left behind: %v %v", found, err)
	}
}

func TestFileIsThereAsAWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "r.html")
	if err := os.WriteFile(page, []byte("the last one"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(page)
	if err != nil {
		t.Fatal(err)
	}
	// What stands in the way of the next one.
	obstacle := fmt.Sprintf("%s.%d", page, os.Getpid())
	if err := os.Mkdir(obstacle, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(New("shop", verdict(200))); err == nil {
		t.Error("no error")
	}
	if content, err := os.ReadFile(page); err == nil {
		t.Errorf("%q, want no page: it is not of this run", content)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(New("shop", verdict(200))); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(page); err != nil || !bytes.HasSuffix(bytes.TrimSpace(content), []byte("</html>")) {
		t.Errorf("%q %v, want the whole page", content, err)
	}
	if found, err := os.ReadDir(dir); err != nil || len(found) != 1 {
		t.Errorf("left behind: %v %v", found, err)
	}
}
