package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Record is what a run has found out, as it is kept in answers.json. It holds no account number, address, generated name or
// secret: made-up ones stand for them.
type Record struct {
	// Date is the day of the run, and Region where it ran; Local says that it was the AWS on this computer, whose answers prove
	// nothing of the real one.
	Date   string `json:"date"`
	Region string `json:"region"`
	Local  bool   `json:"local"`
	// Interrupted says that the run ended before its last question.
	Interrupted bool `json:"interrupted"`
	// Seconds are how long the steps took.
	Seconds map[string]int `json:"seconds"`
	Answers []Answer       `json:"answers"`
}

// Answer is the answer to one question.
type Answer struct {
	// ID names the question for good, and Question has its words.
	ID       string `json:"id"`
	Question string `json:"question"`
	// Expected is what beanpole relies on, Answer what was found, and Holds whether the two agree.
	Expected string `json:"expected"`
	Answer   string `json:"answer,omitempty"`
	Holds    bool   `json:"holds"`
	// NotAsked is why there is no answer.
	NotAsked string `json:"notAsked,omitempty"`
}

// notAsked says why there is no answer.
type notAsked string

func (n notAsked) Error() string { return string(n) }

// ask puts a question and keeps the answer. What cannot be asked does not end the run.
func (r *Record) ask(id, question, expected string, find func() (answer string, holds bool, err error)) {
	a := Answer{ID: id, Question: question, Expected: expected}
	var err error
	if a.Answer, a.Holds, err = find(); err != nil {
		a.Answer, a.Holds, a.NotAsked = "", false, err.Error()
	}
	r.Answers = append(r.Answers, a)
}

// holds says whether no answer disagrees with what is expected. What could not be asked on the real AWS is no agreement.
func (r *Record) holds() bool {
	for _, a := range r.Answers {
		if !a.Holds && (a.NotAsked == "" || !r.Local) {
			return false
		}
	}
	return !r.Interrupted
}

// step keeps how long a step takes.
func (r *Record) step(name string, do func() error) error {
	began := time.Now()
	err := do()
	if r.Seconds == nil {
		r.Seconds = map[string]int{}
	}
	r.Seconds[name] = int(time.Since(began).Seconds() + 0.5)
	return err
}

// text is the record for the terminal.
func (r *Record) text() string {
	var b strings.Builder
	for _, a := range r.Answers {
		switch {
		case a.NotAsked != "":
			fmt.Fprintf(&b, "?     %s: %s\n      not asked: %s\n", a.ID, a.Question, a.NotAsked)
		case a.Holds:
			fmt.Fprintf(&b, "ok    %s: %s\n      %s\n", a.ID, a.Question, a.Answer)
		default:
			fmt.Fprintf(&b, "WRONG %s: %s\n      %s\n      expected: %s\n", a.ID, a.Question, a.Answer, a.Expected)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Seconds)) {
		fmt.Fprintf(&b, "%5d s %s\n", r.Seconds[name], name)
	}
	return b.String()
}

// telling are the patterns of what tells whose account it was, each with what stands for it, in the order in which they are
// tried.
var telling = []struct {
	pattern *regexp.Regexp
	made    string
}{
	{regexp.MustCompile(`\b\d{12}\b`), "123456789012"},
	{regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`), "AKIAIOSFODNN7EXAMPLE"},
	{regexp.MustCompile(`\bX-Amz-([A-Za-z-]+)=[^&\s"]+`), "X-Amz-$1=SIGNED"},
	{regexp.MustCompile(`\b[A-Za-z0-9.-]+\.elasticbeanstalk\.com\b`), "NAME.elasticbeanstalk.com"},
	{regexp.MustCompile(`\b[A-Za-z0-9.-]+\.elb\.amazonaws\.com\b`), "NAME.elb.amazonaws.com"},
	{regexp.MustCompile(`\be-[a-z0-9]{10}\b`), "e-abcdefghij"},
	// Instances, networks, security groups, addresses, …
	{regexp.MustCompile(`\b([a-z]{1,9})-[0-9a-f]{17}\b`), "$1-0123456789abcdef0"},
	{regexp.MustCompile(`\b(i|vpc|subnet|sg|eni|ami|vol)-[0-9a-f]{8}\b`), "$1-0123456789abcdef0"},
	{regexp.MustCompile(`/[0-9a-f]{16}\b`), "/0123456789abcdef"}, // of a load balancer, a listener, a rule, a target group
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "01234567-89ab-cdef-0123-456789abcdef"},
	{regexp.MustCompile(`(?i)\b(request ?id|host ?id)(: ?|=)[^\s,;)"]+`), "$1${2}ID"},
	// The names that CloudFormation makes up.
	{regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9-]*-[A-Z0-9]{8,13}\b`), "NAME"},
	// Eight groups, or fewer with "::"; a time of day is neither.
	{regexp.MustCompile(`(?i)\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}\b|\b(?:[0-9a-f]{1,4}:){2,7}:`), "an IPv6 address"},
	{regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`), "10.0.1.23"},
}

// write writes the record without what tells whose account it was. The secrets are more of that, each with what stands for it.
func (r *Record) write(file string, secrets [][2]string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(redacted(text.String(), secrets)), 0o666)
}

func redacted(text string, secrets [][2]string) string {
	for _, s := range secrets {
		if s[0] != "" {
			text = strings.ReplaceAll(text, s[0], s[1])
		}
	}
	for _, t := range telling {
		text = t.pattern.ReplaceAllString(text, t.made)
	}
	return text
}
