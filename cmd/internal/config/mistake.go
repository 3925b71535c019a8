package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"entente/policy"
)

// Mistakes are all that is wrong, in the order of the file. They are an error.
type Mistakes []policy.Mistake

func (m Mistakes) Error() string {
	if len(m) == 1 {
		return m[0].Error()
	}
	return fmt.Sprintf("%d mistakes in the configuration, the first at %s", len(m), m[0])
}

// Lines has a line for each mistake.
func (m Mistakes) Lines() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].Error()
	}
	return strings.Join(lines, "\n")
}

// sorted returns m in the order of the files, without repeats; nil if empty.
func (m Mistakes) sorted() error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b policy.Mistake) int {
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
	d.mistakes = append(d.mistakes, policy.Mistake{File: d.file, Line: p.line, Column: p.column, What: fmt.Sprintf(format, args...), Instead: instead})
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
