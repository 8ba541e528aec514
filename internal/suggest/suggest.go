// Package suggest finds the word that was probably meant.
package suggest

import "unicode"

// Closest returns the candidate that word was probably meant to be, or "" if none is near enough or two are equally
// near. Letter case, spaces, hyphens and underscores do not count as differences; beyond those a third of the letters may
// differ, at most four (swapped neighbours count once), so that a suggestion is never far-fetched.
func Closest(word string, candidates []string) string {
	w := fold(word)
	if len(w) == 0 {
		return ""
	}
	best, bestDistance, tie := "", limit(len(w))+1, false
	for _, c := range candidates {
		if c == word {
			continue
		}
		f := fold(c)
		if d := len(f) - len(w); d >= bestDistance+1 || -d >= bestDistance+1 {
			continue
		}
		switch d := distance(w, f, bestDistance); {
		case d < bestDistance:
			best, bestDistance, tie = c, d, false
		case d == bestDistance && best != "" && c != best:
			tie = true
		}
	}
	if tie {
		return ""
	}
	return best
}

// limit is the number of edits that still counts as a slip in a word of n letters.
func limit(n int) int {
	switch {
	case n < 3:
		return 0
	case n < 6:
		return 1
	default:
		return min(n/3, 4)
	}
}

func fold(s string) []rune {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r == ' ' || r == '-' || r == '_' {
			continue
		}
		out = append(out, unicode.ToLower(r))
	}
	return out
}

// distance is the number of insertions, deletions, substitutions and swaps of neighbours between a and b, or a number
// above max as soon as it is known to exceed it.
func distance(a, b []rune, max int) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			current[j] = d
			least = min(least, d)
		}
		if least > max {
			return max + 1
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
