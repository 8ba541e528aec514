package explain

import (
	"slices"
	"strings"
)

// token is a word of Python.
type token struct {
	kind kind
	text string // of a text its content, unescaped where it is raw or has no backslash
	line int
}

type kind uint8

const (
	isName kind = iota
	isText
	isFormatted // an f-string: its value is known only to the program
	isNumber
	isOperator
)

// statement is a logical line of Python: what stands on several lines between brackets is one.
type statement struct {
	indent int
	tokens []token
}

func (s statement) line() int { return s.tokens[0].line }

// starts says whether the statement begins with these words.
func (s statement) starts(words ...string) bool { return starts(s.tokens, words...) }

func starts(tokens []token, words ...string) bool {
	if len(tokens) < len(words) {
		return false
	}
	for i, word := range words {
		if t := tokens[i]; t.text != word || t.kind != isName && t.kind != isOperator {
			return false
		}
	}
	return true
}

// scan splits Python into statements. It does not judge: what is no Python comes out as something.
func scan(source string) []statement {
	var statements []statement
	var current statement
	line, depth, fresh := 1, 0, true
	end := func() {
		if len(current.tokens) > 0 {
			statements = append(statements, current)
		}
		current, fresh = statement{}, true
	}
	add := func(kind kind, text string) { current.tokens = append(current.tokens, token{kind, text, line}) }
	for i := 0; i < len(source); {
		c := source[i]
		if fresh && depth == 0 {
			for current.indent = 0; i < len(source) && (source[i] == ' ' || source[i] == '\t'); i++ {
				current.indent++
				if source[i] == '\t' {
					current.indent += 7
				}
			}
			if fresh = false; i == len(source) {
				break
			}
			c = source[i]
		}
		switch {
		case c == '\n':
			if depth == 0 {
				end()
			}
			line++
			i++
		case c == '#':
			for i < len(source) && source[i] != '\n' {
				i++
			}
		case c == '\\' && i+1 < len(source) && (source[i+1] == '\n' || source[i+1] == '\r'):
			if i += 2; source[i-1] == '\r' && i < len(source) && source[i] == '\n' {
				i++
			}
			line++
		case c == ';' && depth == 0:
			indent := current.indent
			end()
			current.indent, fresh = indent, false
			i++
		case c == '"' || c == '\'':
			i += addString(source[i:], "", add, &line)
		case isNameByte(c) && (c < '0' || c > '9'):
			start := i
			for i < len(source) && isNameByte(source[i]) {
				i++
			}
			word := source[start:i]
			if i < len(source) && (source[i] == '"' || source[i] == '\'') && len(word) <= 2 && strings.Trim(strings.ToLower(word), "rbuf") == "" {
				i += addString(source[i:], strings.ToLower(word), add, &line)
			} else {
				add(isName, word)
			}
		case c >= '0' && c <= '9':
			start := i
			for i < len(source) && (isNameByte(source[i]) || source[i] == '.') {
				i++
			}
			add(isNumber, source[start:i])
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
		default:
			switch c {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth = max(depth-1, 0)
			}
			length := 1
			if i+1 < len(source) && source[i+1] == '=' && strings.IndexByte("=!<>+-*/|&", c) >= 0 {
				length = 2
			}
			add(isOperator, source[i:i+length])
			i += length
		}
	}
	end()
	return statements
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// addString adds the string literal with which source begins and returns its length.
func addString(source, prefix string, add func(kind, string), line *int) int {
	quote := source[:1]
	if strings.HasPrefix(source, strings.Repeat(quote, 3)) {
		quote = source[:3]
	}
	i := len(quote)
	for i < len(source) && !strings.HasPrefix(source[i:], quote) {
		if len(quote) == 1 && source[i] == '\n' {
			break // not closed
		}
		if source[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(source))
	content, kind := source[len(quote):i], isText
	if strings.Contains(prefix, "f") {
		kind = isFormatted
	}
	if strings.Contains(content, `\`) && !strings.Contains(prefix, "r") {
		content = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`, "\\\n", "").Replace(content)
	}
	add(kind, content)
	*line += strings.Count(source[:i], "\n")
	if strings.HasPrefix(source[i:], quote) {
		i += len(quote)
	}
	return i
}

// group returns the tokens between the bracket at tokens[0] and the one that closes it, and how many tokens that takes.
func group(tokens []token) (inside []token, length int) {
	depth := 0
	for i, t := range tokens {
		if t.kind != isOperator {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return tokens[1:i], i + 1
			}
		}
	}
	return tokens[1:], len(tokens)
}

// split cuts tokens at a separator that stands in no bracket.
func split(tokens []token, separator string) [][]token {
	var parts [][]token
	depth, start := 0, 0
	for i, t := range tokens {
		if t.kind != isOperator {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case separator:
			if depth == 0 {
				parts = append(parts, tokens[start:i])
				start = i + 1
			}
		}
	}
	if start < len(tokens) {
		parts = append(parts, tokens[start:])
	}
	return parts
}

// texts returns the string literals among tokens.
func texts(tokens []token) []string {
	var all []string
	for _, t := range tokens {
		if t.kind == isText {
			all = append(all, t.text)
		}
	}
	return all
}

// has says whether a name stands among tokens.
func has(tokens []token, word string) bool {
	return slices.ContainsFunc(tokens, func(t token) bool { return t.kind == isName && t.text == word })
}

// dotted returns the name "a.b.c" with which tokens begin, and how many tokens it takes.
func dotted(tokens []token) (string, int) {
	if len(tokens) == 0 || tokens[0].kind != isName {
		return "", 0
	}
	full, n := tokens[0].text, 1
	for n+1 < len(tokens) && tokens[n].kind == isOperator && tokens[n].text == "." && tokens[n+1].kind == isName {
		full += "." + tokens[n+1].text
		n += 2
	}
	return full, n
}

// block returns the statements that belong to the one at i, which ends with a colon, and what stands behind that colon.
func block(statements []statement, i int) []statement {
	end := i + 1
	for end < len(statements) && statements[end].indent > statements[i].indent {
		end++
	}
	return statements[i+1 : end]
}
