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
	match   *regexp.Regexp
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
	expression, err := translate(text)
	if err != nil {
		return p, false, fmt.Errorf("pattern %q: %w", p.text, err)
	}
	if !anchored {
		expression = "(?:.*/)?" + expression
	}
	p.match, err = regexp.Compile("^(?s:" + expression + ")$")
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
			end := strings.IndexByte(glob[min(i+2, len(glob)):], ']')
			if end < 0 {
				return "", fmt.Errorf("the bracket is not closed")
			}
			class := glob[i+1 : i+2+end]
			if strings.HasPrefix(class, "!") {
				class = "^" + class[1:]
			}
			b.WriteString("[" + strings.NewReplacer(`\`, `\\`, "[", `\[`).Replace(class) + "]")
			i += 2 + end
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
		if p.match.MatchString(rest) {
			if p.keep {
				return kept
			}
			return leftOut
		}
	}
	return silent
}
