package stix

import (
	"fmt"
	"strconv"
	"strings"
)

// A Selector names a part of an object: components joined by dots, each a name
// in an object or dictionary, or "[n]" for element n of a list, from 0 (STIX
// 2.1, section 7.2.3.1). It stands for all that is inside the part too. What a
// component means depends on what it is applied to: "[0]" may also be a name.
// A name with a dot cannot be selected.
type Selector string

// ParseSelector checks the form of text. Whether it selects something depends
// on the object. The error wraps ErrInvalid.
func ParseSelector(text string) (Selector, error) {
	for component := range strings.SplitSeq(text, ".") {
		if component == "" {
			return "", fmt.Errorf("selector %s has an empty component: %w", excerpt(text), ErrInvalid)
		}
	}
	return Selector(text), nil
}

// Covers reports whether s selects what other selects, or something around it.
// It compares components: "name" does not cover "names".
func (s Selector) Covers(other Selector) bool {
	rest, ok := strings.CutPrefix(string(other), string(s))
	return ok && s != "" && (rest == "" || rest[0] == '.')
}

// Select is the text of what s selects in the object last inspected; ok is
// false if that is nothing. A value such as false, 0 or "" is something.
func (in *Inspector) Select(s Selector) (json string, ok bool) {
	if len(in.tape.nodes) == 0 {
		return "", false
	}
	n := in.tape.find(string(s))
	if n < 0 {
		return "", false
	}
	return in.tape.raw(n), true
}

// find is the node that the selector selects, or -1.
func (t *tape) find(selector string) int {
	n := 0
	for component := range strings.SplitSeq(selector, ".") {
		switch {
		case n < 0:
			return -1
		case t.is(n, '['):
			n = t.element(n, indexOf(component))
		default:
			n = t.member(n, component)
		}
	}
	return n
}

// element is element i of the list n, or -1.
func (t *tape) element(n, i int) int {
	if i < 0 {
		return -1
	}
	e, end := t.first(n)
	for ; e < end && i > 0; i-- {
		e = t.next(e)
	}
	if e >= end {
		return -1
	}
	return e
}

// indexOf is the n of a component "[n]"; -1 if it is none. There is one
// spelling of each: no sign, no zero in front.
func indexOf(component string) int {
	digits, ok := strings.CutPrefix(component, "[")
	if digits, ok2 := strings.CutSuffix(digits, "]"); ok && ok2 && len(digits) < 9 {
		if n := number(digits); n >= 0 && strconv.Itoa(n) == digits {
			return n
		}
	}
	return -1
}
