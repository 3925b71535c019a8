package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing wrong in a document, as that of an agreement. It is an error
// that wraps ErrInvalid.
type Mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	What    string `json:"what"`
	Instead string `json:"instead,omitempty"` // what to write
}

// Error is "file:line:column: what is wrong; what to write instead".
func (m Mistake) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.What)
	if m.Instead != "" {
		s += "; " + m.Instead
	}
	return s
}

func (m Mistake) Unwrap() error { return ErrInvalid }

// Mistakes are all that is wrong in a document, in its order, at most
// maxMistakes. They are an error that wraps ErrInvalid.
type Mistakes []Mistake

// maxMistakes is how many are told: a file that is something else altogether
// has no end of them.
const maxMistakes = 100

// Error has a line for each mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].Error()
	}
	return strings.Join(lines, "\n")
}

func (m Mistakes) Unwrap() error { return ErrInvalid }

// sorted returns m in the order of the document, one for each place; nil if it is
// empty.
func (m Mistakes) sorted() error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	m = slices.CompactFunc(m, func(a, b Mistake) bool { return a.Line == b.Line && a.Column == b.Column })
	return m[:min(len(m), maxMistakes)]
}

// nearest proposes the nearest of the known words, if one is near; else it lists
// them.
func nearest(word string, known []string) string {
	return cmp.Or(DidYouMean(word, known), "known here: "+strings.Join(known, ", "))
}

// DidYouMean proposes the nearest of the known words, if one is near; "" if none
// is.
func DidYouMean(word string, known []string) string {
	best, distance := "", 2 // letters, less than
	if len(word) >= 4 {
		distance = 1 + max(2, min(3, len(word)/3))
	}
	for _, k := range known {
		if d := edits(word, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", best)
}

// edits is the number of bytes to insert, delete or replace to get from a to b.
func edits(a, b string) int {
	if len(a) > 100 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// excerpt keeps a quoted piece of a document short and on one line.
func excerpt(text string) string {
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
