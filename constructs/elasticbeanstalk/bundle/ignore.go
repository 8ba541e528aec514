package bundle

import (
	"fmt"
	"regexp"
	"strings"
)

// verdict is what a list of patterns says about a name.
type verdict int

const (
	silent  verdict = iota // no pattern matches
	leftOut                // the last pattern that matches leaves it out
	kept                   // the last pattern that matches begins with "!"
)

// pattern is one line of a .gitignore file.
type pattern struct {
	text    string
	base    string // the directory of the file that holds the line, "" for the top
	keep    bool   // "!": bring back
	dirOnly bool   // trailing slash

	// One of these three matches, the cheaper ones where they can: names are many.
	last   string // the last element of the path is this
	suffix string // the last element of the path ends with this
	whole  *regexp.Regexp
}

func (p pattern) matches(name string) bool {
	if p.whole != nil {
		return p.whole.MatchString(name)
	}
	last := name[strings.LastIndexByte(name, '/')+1:]
	if p.suffix != "" {
		return strings.HasSuffix(last, p.suffix)
	}
	return last == p.last
}

// parsePattern reads one line; ok is false for a comment or an empty line.
func parsePattern(line, base string) (p pattern, ok bool, err error) {
	text := strings.TrimRight(line, "\r\n")
	for strings.HasSuffix(text, " ") && !strings.HasSuffix(text, `\ `) {
		text = text[:len(text)-1]
	}
	p = pattern{text: text, base: base}
	if text == "" || strings.HasPrefix(text, "#") {
		return p, false, nil
	}
	if strings.HasPrefix(text, "!") {
		p.keep, text = true, text[1:]
	}
	if strings.HasSuffix(text, "/") {
		p.dirOnly, text = true, strings.TrimRight(text, "/")
	}
	anchored := strings.Contains(text, "/")
	text = strings.TrimPrefix(text, "/")
	if text == "" {
		return p, false, nil
	}
	if !anchored && !strings.ContainsAny(text, `*?[\`) {
		p.last = text
		return p, true, nil
	}
	if suffix, ok := strings.CutPrefix(text, "*"); ok && !anchored && suffix != "" && !strings.ContainsAny(suffix, `*?[\`) {
		p.suffix = suffix
		return p, true, nil
	}
	expression, err := translate(text)
	if err != nil {
		return p, false, fmt.Errorf("pattern %q: %w", p.text, err)
	}
	if !anchored {
		expression = "(?:.*/)?" + expression
	}
	p.whole, err = regexp.Compile("^(?s:" + expression + ")$")
	if err != nil {
		return p, false, fmt.Errorf("pattern %q: %w", p.text, err)
	}
	return p, true, nil
}

// translate turns a glob of .gitignore into a regular expression.
func translate(glob string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			switch {
			case strings.HasPrefix(glob[i:], "**/") && (i == 0 || glob[i-1] == '/'):
				b.WriteString("(?:.*/)?")
				i += 2
			case glob[i:] == "**" && i > 0 && glob[i-1] == '/':
				b.WriteString(".+")
				i++
			default:
				for i+1 < len(glob) && glob[i+1] == '*' {
					i++
				}
				b.WriteString("[^/]*")
			}
		case '?':
			b.WriteString("[^/]")
		case '[':
			class, length, err := translateClass(glob[i:])
			if err != nil {
				return "", err
			}
			b.WriteString(class)
			i += length - 1
		case '\\':
			if i+1 == len(glob) {
				return "", fmt.Errorf("nothing follows the backslash")
			}
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return b.String(), nil
}

// translateClass turns the bracket with which the glob begins into one of a regular expression, and says how long it is.
func translateClass(glob string) (class string, length int, err error) {
	var b strings.Builder
	b.WriteByte('[')
	i := 1
	if strings.HasPrefix(glob[i:], "!") || strings.HasPrefix(glob[i:], "^") {
		b.WriteString("^/")
		i++
	}
	for first := i; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == ']' && i > first:
			b.WriteByte(']')
			return b.String(), i + 1, nil
		case c == '\\' && i+1 < len(glob):
			i++
			b.WriteString(strings.Replace(regexp.QuoteMeta(glob[i:i+1]), "-", `\-`, 1))
		case strings.IndexByte(`]^[\`, c) >= 0:
			b.WriteString(`\` + glob[i:i+1])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, fmt.Errorf("the bracket is not closed")
}

// judge says what the patterns say about one name; the last that matches decides. Whether a directory above it is left out
// is for the caller to ask.
func judge(patterns []pattern, name string, isDir bool) verdict {
	for i := len(patterns) - 1; i >= 0; i-- {
		p := patterns[i]
		if p.dirOnly && !isDir {
			continue
		}
		rest := name
		if p.base != "" {
			var below bool
			if rest, below = strings.CutPrefix(name, p.base+"/"); !below {
				continue
			}
		}
		if p.matches(rest) {
			if p.keep {
				return kept
			}
			return leftOut
		}
	}
	return silent
}
