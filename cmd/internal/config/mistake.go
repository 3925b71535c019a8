package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Mistake is one thing wrong in a configuration file.
type Mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	What    string `json:"what"`
	Instead string `json:"instead,omitempty"` // what to write
}

func (m Mistake) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.What)
	if m.Instead != "" {
		s += "; " + m.Instead
	}
	return s
}

// Mistakes are all that is wrong, in the order of the file. They are an error.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	if len(m) == 1 {
		return m[0].String()
	}
	return fmt.Sprintf("%d mistakes in the configuration, the first at %s", len(m), m[0])
}

// Lines has a line for each mistake.
func (m Mistakes) Lines() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].String()
	}
	return strings.Join(lines, "\n")
}

// sorted returns m in the order of the files, without repeats; nil if empty.
func (m Mistakes) sorted() error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(m)
}

// A doc is a file that was read: what is at which place, and what is wrong.
type doc struct {
	file     string
	at       map[string]place // by path: "api_roots[0].path"
	mistakes Mistakes
}

type place struct{ line, column int }

// add notes a mistake at path, or, if path is not in the file, at the nearest
// thing around it.
func (d *doc) add(path, instead, format string, args ...any) {
	p := d.find(path)
	d.addAt(p, instead, format, args...)
}

func (d *doc) addAt(p place, instead, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{d.file, p.line, p.column, fmt.Sprintf(format, args...), instead})
}

func (d *doc) find(path string) place {
	for {
		if p, ok := d.at[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return place{1, 1}
		}
		path = path[:i]
	}
}

// didYouMean proposes the nearest of the known words, if one is near.
func didYouMean(word string, known []string) string {
	best, dist := "", 2
	if len(word) >= 4 {
		dist = 1 + max(2, min(3, len(word)/3))
	}
	for _, k := range known {
		if d := distance(word, k); d < dist {
			best, dist = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", best)
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	if len(a) > 100 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
