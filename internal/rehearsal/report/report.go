// Package report shows the result of a rehearsal to whoever was not there: as JSON for programs and as one page for people.
// Both are of the same [Result], and neither has a secret.
package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/beanpole-cdk/constructs/elasticbeanstalk/health"
	"example.com/beanpole-cdk/internal/rehearsal"
)

// Result is a verdict and of what it is.
type Result struct {
	// Line is the verdict in words: "healthy by 200".
	Line string `json:"verdict"`
	// Environment is what was rehearsed, as the user would call it.
	Environment string `json:"environment"`
	rehearsal.Verdict
}

// New is the result of rehearsing an environment.
func New(environment string, v rehearsal.Verdict) Result {
	return Result{strings.TrimPrefix(v.String(), "verdict: "), environment, v}
}

// WriteJSON writes the result for programs. Times are nanoseconds.
func (r Result) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

var (
	//go:embed page.html
	pageSource string
	//go:embed page.css
	css string

	page = template.Must(template.New("page").Funcs(template.FuncMap{
		"ms": milliseconds, "seconds": seconds, "plain": plain, "colour": colour, "yes": yes,
	}).Parse(pageSource))
)

// WriteHTML writes the result as one page that fetches nothing and has no script. The page forbids both to itself, so that a
// text of the project's which looks like either does nothing even if it should ever get there.
func (r Result) WriteHTML(w io.Writer) error {
	hash := sha256.Sum256([]byte(css))
	return page.Execute(w, map[string]any{
		"R": r, "Timeline": newTimeline(r.Verdict), "Rows": rows(r.Verdict), "Class": class(r.Verdict), "Sentence": sentence(r.Verdict),
		"Balanced": r.Kind == rehearsal.LoadBalanced,
		"CSS":      template.CSS(css), "Style": "sha256-" + base64.StdEncoding.EncodeToString(hash[:]),
	})
}

// File is where a page is to be written. The file comes into being as a whole or not at all.
type File struct{ path string }

// Open says whether a page can be written there, before there is one, and removes that of an earlier run: if this one comes to
// no verdict, the page would pass for its own. An empty path is no file.
func Open(path string) (*File, error) {
	if path == "" {
		return nil, nil
	}
	refuse := func(why string) (*File, error) { return nil, fmt.Errorf("report %s: %s", path, why) }
	if strings.HasSuffix(path, string(os.PathSeparator)) {
		return refuse("is a directory; name a file, such as " + path + "rehearsal.html")
	}
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to // a link stays one
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return refuse("is a directory; name a file, such as " + filepath.Join(path, "rehearsal.html"))
	case err == nil && !info.Mode().IsRegular():
		return refuse("is not a regular file")
	case err == nil:
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return refuse("cannot be written: " + reason(err))
		}
		f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return refuse(reason(err))
	}
	// What replaces the file is written beside it.
	trial, err := os.CreateTemp(filepath.Dir(path), ".beanpole-report-*")
	if _, none := os.Stat(filepath.Dir(path)); errors.Is(none, fs.ErrNotExist) {
		return refuse("there is no directory " + filepath.Dir(path) + "; make it first")
	}
	if err != nil {
		return refuse("nothing can be written in " + filepath.Dir(path) + ": " + reason(err))
	}
	if err := errors.Join(trial.Close(), os.Remove(trial.Name())); err != nil {
		return refuse(reason(err))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refuse("the page of an earlier run cannot be removed: " + reason(err))
	}
	return &File{path}, nil
}

// Write puts the page there.
func (f *File) Write(r Result) error {
	if f == nil {
		return nil
	}
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	next := fmt.Sprintf("%s.%d", f.path, os.Getpid())
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = file.Write(b.Bytes())
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(next, f.path)
	}
	if err != nil {
		_ = os.Remove(next)
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// reason is an error without the name of the call and of the file.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// sentence says what the verdict is worth.
func sentence(v rehearsal.Verdict) string {
	balanced := v.Kind == rehearsal.LoadBalanced
	switch class(v) {
	case "healthy":
		if !balanced {
			return fmt.Sprintf("The app starts and answers. A %s has no load balancer: nothing on AWS asks this.", v.Kind)
		}
		return "The target passes the load balancer’s health check, and the answer is the app’s own."
	case "warned":
		if v.Redirected {
			return fmt.Sprintf("No view ran: %d is among the success codes, so this check stays green whatever the views would say.", v.StatusCode)
		}
		return "The app answers what is asked here, but users meet something else."
	}
	switch {
	case len(v.Probes) == 0:
		return "The deployment ends before anything is asked."
	case !balanced:
		return fmt.Sprintf("A %s has no load balancer that would take the instance out of service: it stays, and does not do its work.", v.Kind)
	}
	return fmt.Sprintf("The load balancer would take the instance out of service: %s.", v.Reason)
}

// class is the kind of a verdict: healthy, warned (healthy, and something is wrong) or unhealthy.
func class(v rehearsal.Verdict) string {
	switch {
	case v.State != health.Healthy:
		return "unhealthy"
	case v.Redirected || len(v.Causes) > 0:
		return "warned"
	default:
		return "healthy"
	}
}

// row is one probe of the table.
type row struct {
	rehearsal.Probe
	Passed bool
	Answer string
	// Why is the target's reason; of one that is still being asked its code is enough.
	Why string
	// Failed is how many have failed in a row, this one among them.
	Failed int
	// There is when the load balancer would send this probe, counted from the first.
	There time.Duration
}

func rows(v rehearsal.Verdict) []row {
	all := make([]row, len(v.Probes))
	failed := 0
	for i, p := range v.Probes {
		all[i] = row{Probe: p, Passed: v.Used.Check.Passes(p), Answer: answer(p), There: time.Duration(i) * v.Used.Check.Interval}
		if failed++; all[i].Passed {
			failed = 0
		}
		all[i].Failed, all[i].Why = failed, p.Reason
		if p.State == health.Initial {
			all[i].Why, _, _ = strings.Cut(p.Reason, ":")
		}
	}
	return all
}

// answer is what a probe met, in a word.
func answer(p rehearsal.Probe) string {
	switch {
	case p.TimedOut:
		return "timeout"
	case p.StatusCode == 0:
		return "refused"
	default:
		return fmt.Sprint(p.StatusCode)
	}
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// plain writes a configured time without needless zeroes: "15 s", "0.75 s".
func plain(d time.Duration) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", d.Seconds()), "0"), ".") + " s"
}

func yes(b *bool) string {
	switch {
	case b == nil:
		return "not known"
	case *b:
		return "yes"
	default:
		return "no"
	}
}

// colour is that of Elastic Beanstalk in a word that the style knows.
func colour(c string) string {
	name, _, _ := strings.Cut(c, "/")
	return strings.ToLower(name)
}
