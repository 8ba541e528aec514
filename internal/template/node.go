package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxNodes and maxDepth bound what aliases of YAML can blow up to; CloudFormation's own limit of a template is 1 MB.
const (
	maxNodes = 300_000
	maxDepth = 500
)

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

// node is a value of JSON or YAML with its position. Short forms of CloudFormation's functions are objects already.
type node struct {
	text         string // a scalar as it is written: "0644" stays "0644"
	keys         []key  // of an object, in the order of the file
	values       []node // of an object or a list
	line, column int32
	kind         kind
}

type key struct {
	text         string
	line, column int32
}

// get returns the value of a key: the last one, as JSON readers do, nil without.
func (n *node) get(key string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	for i := len(n.keys) - 1; i >= 0; i-- {
		if n.keys[i].text == key {
			return &n.values[i]
		}
	}
	return nil
}

// any converts to what encoding/json would give. A YAML number that a float64 does not hold as it is written stays text.
func (n *node) any() any {
	switch n.kind {
	case boolean:
		return n.text == "true"
	case number:
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return n.text
		}
		return f
	case text:
		return n.text
	case list:
		out := make([]any, len(n.values))
		for i := range n.values {
			out[i] = n.values[i].any()
		}
		return out
	case object:
		out := make(map[string]any, len(n.keys))
		for i := range n.keys {
			out[n.keys[i].text] = n.values[i].any()
		}
		return out
	}
	return nil
}

// duplicates calls report for every key that an object has twice.
func (n *node) duplicates(report func(*key)) {
	switch {
	case len(n.keys) > 16:
		seen := make(map[string]bool, len(n.keys))
		for i := range n.keys {
			if seen[n.keys[i].text] {
				report(&n.keys[i])
			}
			seen[n.keys[i].text] = true
		}
	default: // most objects have a few keys, and a map for each of them would cost more than reading the file
		for i := range n.keys {
			if slices.ContainsFunc(n.keys[:i], func(k key) bool { return k.text == n.keys[i].text }) {
				report(&n.keys[i])
			}
		}
	}
	for i := range n.values {
		n.values[i].duplicates(report)
	}
}

// parse reads JSON, or else YAML. JSON that does not parse is tried as YAML too, whose flow style looks alike.
func parse(data []byte) (*node, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) == 0 {
		return nil, errors.New("the file is empty")
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		return parseYAML(data)
	}
	n, err := parseJSON(data)
	if err == nil {
		return n, nil
	}
	if n, yamlErr := parseYAML(data); yamlErr == nil {
		return n, nil
	}
	return nil, err
}

func parseJSON(data []byte) (*node, error) {
	r := &jsonReader{data: string(data), line: 1}
	n := r.value(0)
	if r.space(); r.at < len(r.data) {
		r.fail()
	}
	if !errors.Is(r.err, errSyntax) {
		return &n, r.err
	}
	var v any
	err := json.Unmarshal(data, &v) // it says what is wrong, and where
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line, column := position(data, int(syntax.Offset)-1)
		return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
	}
	return nil, cmp.Or(err, r.err)
}

func position(data []byte, offset int) (line, column int) {
	offset = min(max(offset, 0), len(data))
	return 1 + bytes.Count(data[:offset], []byte("\n")), offset - bytes.LastIndexByte(data[:offset], '\n')
}

// jsonReader reads JSON with positions, which encoding/json does not know; the YAML reader is six times slower.
type jsonReader struct {
	data      string // the texts of the nodes are parts of it
	at        int
	line      int
	lineStart int
	err       error
	// keys and values are those of the objects and lists that are still open, so that each gets slices of its own length.
	keys   []key
	values []node
}

var errSyntax = errors.New("not JSON")

// fail ends the reading.
func (r *jsonReader) fail() {
	if r.err == nil {
		r.err = errSyntax
	}
	r.at = len(r.data)
}

// next is the next byte, 0 at the end.
func (r *jsonReader) next() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *jsonReader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case '\n':
			r.line++
			r.lineStart = r.at + 1
		case ' ', '\t', '\r':
		default:
			return
		}
		r.at++
	}
}

func (r *jsonReader) value(depth int) node {
	r.space()
	n := node{line: int32(r.line), column: int32(r.at - r.lineStart + 1)}
	if depth > maxDepth {
		r.err = fmt.Errorf("line %d: nested deeper than %d levels", r.line, maxDepth)
		r.fail()
		return n
	}
	switch c := r.next(); c {
	case '{':
		n.kind = object
		r.inside('}', &n, depth)
	case '[':
		n.kind = list
		r.inside(']', &n, depth)
	case '"':
		n.kind = text
		n.text = r.string()
	case 't':
		n.kind, n.text = boolean, r.word("true")
	case 'f':
		n.kind, n.text = boolean, r.word("false")
	case 'n':
		n.kind, n.text = null, r.word("null")
	default:
		n.kind, n.text = number, r.number()
	}
	return n
}

// inside reads what an object or a list holds, to its end.
func (r *jsonReader) inside(end byte, n *node, depth int) {
	keys, values := len(r.keys), len(r.values)
	r.at++
	r.space()
	for more := r.next() != end; more && r.err == nil; {
		if n.kind == object {
			r.space()
			k := key{line: int32(r.line), column: int32(r.at - r.lineStart + 1)}
			k.text = r.string()
			r.keys = append(r.keys, k)
			r.space()
			if r.next() != ':' {
				r.fail()
				break
			}
			r.at++
		}
		v := r.value(depth + 1)
		r.values = append(r.values, v)
		r.space()
		if more = r.next() == ','; more {
			r.at++
		}
	}
	if r.next() != end {
		r.fail()
	}
	r.at++
	n.keys, r.keys = slices.Clone(r.keys[keys:]), r.keys[:keys]
	n.values, r.values = slices.Clone(r.values[values:]), r.values[:values]
}

func (r *jsonReader) word(word string) string {
	if !strings.HasPrefix(r.data[r.at:], word) {
		r.fail()
		return ""
	}
	r.at += len(word)
	return word
}

func (r *jsonReader) number() string {
	start := r.at
	digits := func() {
		first := r.at
		for c := r.next(); c >= '0' && c <= '9'; c = r.next() {
			r.at++
		}
		if r.at == first {
			r.fail()
		}
	}
	if r.next() == '-' {
		r.at++
	}
	if r.next() == '0' {
		r.at++ // and no digit may follow
	} else {
		digits()
	}
	if r.next() == '.' {
		r.at++
		digits()
	}
	if c := r.next(); c == 'e' || c == 'E' {
		r.at++
		if c := r.next(); c == '+' || c == '-' {
			r.at++
		}
		digits()
	}
	return r.data[start:min(r.at, len(r.data))]
}

func (r *jsonReader) string() string {
	start, escaped := r.at, false
	if r.next() != '"' {
		r.fail()
		return ""
	}
	for r.at++; r.next() != '"'; r.at++ {
		c := r.next()
		if c < ' ' { // or the end
			r.fail()
			return ""
		}
		if c == '\\' {
			escaped = true
			r.at++
		}
	}
	r.at++
	if raw := r.data[start+1 : r.at-1]; !escaped && utf8.ValidString(raw) {
		return raw
	}
	var s string
	if json.Unmarshal([]byte(r.data[start:r.at]), &s) != nil {
		r.fail()
	}
	return s
}

func parseYAML(data []byte) (*node, error) {
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return nil, errors.New("the file is empty")
	}
	r := yamlReader{}
	n := r.value(document.Content[0], 0)
	if r.err != nil {
		return nil, r.err
	}
	return &n, nil
}

type yamlReader struct {
	nodes int
	err   error
}

func (r *yamlReader) value(y *yaml.Node, depth int) node {
	n := node{line: int32(y.Line), column: int32(y.Column)}
	r.nodes++
	if r.nodes > maxNodes || depth > maxDepth {
		r.err = fmt.Errorf("line %d: aliases expand to more than can be read", y.Line)
	}
	if r.err != nil {
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		if y.Alias != nil {
			line, column := n.line, n.column
			n = r.value(y.Alias, depth+1)
			n.line, n.column = line, column
		}
		return n
	case yaml.MappingNode:
		n.kind = object
		var merged []node
		for i := 0; i+1 < len(y.Content); i += 2 {
			value := r.value(y.Content[i+1], depth+1)
			if y.Content[i].Tag == "!!merge" {
				merged = append(merged, value)
				continue
			}
			name := r.value(y.Content[i], depth+1)
			n.keys = append(n.keys, key{name.text, name.line, name.column})
			n.values = append(n.values, value)
		}
		for i := range merged {
			n.merge(&merged[i])
		}
	case yaml.SequenceNode:
		n.kind = list
		for _, c := range y.Content {
			n.values = append(n.values, r.value(c, depth+1))
		}
	case yaml.ScalarNode:
		n.text = y.Value
		n.kind = scalarKind(y)
		if n.kind == boolean {
			n.text = strconv.FormatBool(yaml11True(y.Value))
		}
	}
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") {
		return function(strings.TrimPrefix(y.Tag, "!"), n)
	}
	return n
}

// merge adds the keys of an object merged with "<<", or of a list of them, that n does not write itself.
func (n *node) merge(from *node) {
	if from.kind == list {
		for i := range from.values {
			n.merge(&from.values[i])
		}
		return
	}
	for i := range from.keys {
		if n.get(from.keys[i].text) == nil {
			n.keys = append(n.keys, from.keys[i])
			n.values = append(n.values, from.values[i])
		}
	}
}

// scalarKind reads plain scalars as CloudFormation and Elastic Beanstalk do, by YAML 1.1: yes, no, on and off are booleans.
func scalarKind(y *yaml.Node) kind {
	if y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return text
	}
	switch y.Tag {
	case "!!null":
		return null
	case "!!bool":
		return boolean
	case "!!int", "!!float":
		f, err := strconv.ParseFloat(y.Value, 64)
		if err != nil || strconv.FormatFloat(f, 'f', -1, 64) != y.Value {
			return text
		}
		return number
	case "!!str":
		switch strings.ToLower(y.Value) {
		case "yes", "no", "on", "off":
			return boolean
		}
	}
	return text
}

func yaml11True(s string) bool {
	switch strings.ToLower(s) {
	case "true", "yes", "on":
		return true
	}
	return false
}

// function writes a short form in full: !GetAtt a.b is {"Fn::GetAtt": ["a", "b"]}.
func function(name string, n node) node {
	full := name
	switch name {
	case "Ref", "Condition":
	default:
		full = "Fn::" + name
	}
	if n.kind != object && n.kind != list {
		n.kind = text
	}
	if name == "GetAtt" && n.kind == text {
		if resource, attribute, ok := strings.Cut(n.text, "."); ok {
			n = node{kind: list, line: n.line, column: n.column, values: []node{
				{kind: text, text: resource, line: n.line, column: n.column},
				{kind: text, text: attribute, line: n.line, column: n.column},
			}}
		}
	}
	return node{
		kind: object, line: n.line, column: n.column,
		keys:   []key{{full, n.line, n.column}},
		values: []node{n},
	}
}
