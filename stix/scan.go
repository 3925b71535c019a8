package stix

import (
	"fmt"
	"unicode/utf8"
)

// A scan reads one text once and keeps no copies. Its methods take the index
// of the first byte to read and return the index after what they read, or a
// negative number after calling fail.
type scan struct {
	text  string
	depth int  // levels that may still be opened
	keys  keys // of all objects that are open
	bad   fault
	odd   fault // in the object that is being read, or in a member beside the objects
	grave fault // the same, for what no JSON text may have: a name twice in one object, half a surrogate pair
	ended bool  // bad because the text ends too early
	marks []ID  // of all objects read

	probe  bool  // stop at the list of an envelope or bundle; stixObject then returns its index with d.end 0
	inside level // of the envelope or bundle

	// For objects that need a second look.
	tape     tape
	paths    []path          // selectors of granular markings
	there    map[uint64]bool // by path.hash
	number10 []byte          // of an index in a path
}

// A fault is something wrong; the zero fault is nothing wrong. scan.bad makes
// the whole text unusable; scan.odd only one object of it.
type fault struct {
	at       int
	property string
	reason   string
}

const failed = -1

const tooDeep = "objects and lists are nested too deeply"

// fail notes that the text is broken at index at.
func (s *scan) fail(at int, reason string) int {
	if s.bad.reason == "" {
		s.bad = fault{at: at, reason: reason}
	}
	return failed
}

// end notes that the text ends where more must follow.
func (s *scan) end() int {
	s.ended = true
	return s.fail(len(s.text), "the text ends too early")
}

// twice remembers that an object has a name twice.
func (s *scan) twice(at int, name string) {
	if s.grave.reason == "" {
		s.grave = fault{at, name, "is there twice in one object"}
	}
}

// note remembers the first fault of the object that is being read.
func (s *scan) note(at int, property, reason string) {
	if s.odd.reason == "" {
		s.odd = fault{at, property, reason}
	}
}

// space skips white space.
func (s *scan) space(i int) int {
	t := s.text
	for i < len(t) && t[i] <= ' ' && (t[i] == ' ' || t[i] == '\n' || t[i] == '\t' || t[i] == '\r') {
		i++
	}
	return i
}

// value reads any value.
func (s *scan) value(i int) int {
	if i >= len(s.text) {
		return s.end()
	}
	c := s.text[i]
	if c == '"' {
		i, _ = s.str(i)
		return i
	}
	switch c {
	case '{':
		return s.object(i)
	case '[':
		return s.list(i)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		if c == '-' || c-'0' <= 9 {
			return s.number(i)
		}
	}
	return s.unexpected(i, "expected a value")
}

// unexpected says what stands at index i instead of what is wanted.
func (s *scan) unexpected(i int, wanted string) int {
	found := "a character beyond ASCII"
	if c := s.text[i]; c < utf8.RuneSelf {
		found = fmt.Sprintf("%q", c)
	}
	return s.fail(i, wanted+", found "+found)
}

// object reads an object below the top of a STIX object.
func (s *scan) object(i int) int {
	if s.depth--; s.depth < 0 {
		return s.fail(i, tooDeep)
	}
	mark := s.keys.open()
	i = s.space(i + 1)
	if i < len(s.text) && s.text[i] == '}' {
		s.close(mark, i)
		return i + 1
	}
	for {
		if _, i = s.key(i, &mark); i < 0 {
			return i
		}
		if i = s.value(i); i < 0 {
			return i
		}
		var last bool
		if i, last = s.after(i, '}'); last {
			if i < 0 {
				return i
			}
			s.close(mark, i)
			return i + 1
		}
	}
}

// after reads what follows a member or an element: a comma, or the closer of
// its object or list. It returns the index of what comes next, or, if that was
// the last one, of the closer.
func (s *scan) after(i int, closer byte) (next int, last bool) {
	i = s.space(i)
	switch {
	case i >= len(s.text):
		return s.end(), true
	case s.text[i] == ',':
		return s.space(i + 1), false
	case s.text[i] == closer:
		return i, true
	case closer == '}':
		return s.unexpected(i, noMember), true
	}
	return s.unexpected(i, noElement), true
}

const (
	noMember  = "expected , or } after a member"
	noElement = "expected , or ] after an element"
)

// close leaves a level that began at mark.
func (s *scan) close(mark level, at int) {
	s.depth++
	if name, double := s.keys.close(mark); double {
		s.twice(at, name)
	}
}

// key reads a name, the colon and the space around it; the index it returns is
// that of the value.
func (s *scan) key(i int, l *level) (string, int) {
	if i >= len(s.text) {
		return "", s.end()
	}
	if s.text[i] != '"' {
		return "", s.unexpected(i, "expected a name in quotes")
	}
	end, escaped := s.str(i)
	if end < 0 {
		return "", end
	}
	name := s.text[i+1 : end-1]
	if escaped {
		name = unescape(name)
	}
	if s.keys.add(l, name) {
		s.twice(i, name)
	}
	end = s.space(end)
	if end >= len(s.text) {
		return "", s.end()
	}
	if s.text[end] != ':' {
		return "", s.unexpected(end, "expected : after a name")
	}
	return name, s.space(end + 1)
}

// list reads a list.
func (s *scan) list(i int) int {
	if s.depth--; s.depth < 0 {
		return s.fail(i, tooDeep)
	}
	i = s.space(i + 1)
	if i < len(s.text) && s.text[i] == ']' {
		s.depth++
		return i + 1
	}
	for {
		if i = s.value(i); i < 0 {
			return i
		}
		var last bool
		if i, last = s.after(i, ']'); last {
			if i < 0 {
				return i
			}
			s.depth++
			return i + 1
		}
	}
}

func (s *scan) literal(i int, word string) int {
	for j := range len(word) {
		if i+j >= len(s.text) {
			return s.end()
		}
		if s.text[i+j] != word[j] {
			return s.fail(i, "expected a value; only true, false and null need no quotes")
		}
	}
	return i + len(word)
}

// number reads a number of any size and precision (RFC 8259, section 6).
func (s *scan) number(i int) int {
	t := s.text
	if t[i] == '-' {
		i++
	}
	if i < len(t) && t[i] == '0' {
		i++
	} else if i = s.digits(i); i < 0 {
		return i
	}
	if i < len(t) && t[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return i
		}
	}
	if i < len(t) && t[i]|0x20 == 'e' {
		i++
		if i < len(t) && (t[i] == '+' || t[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits reads at least one digit.
func (s *scan) digits(i int) int {
	t, from := s.text, i
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	if i > from {
		return i
	}
	if i >= len(t) {
		return s.end()
	}
	return s.unexpected(i, "expected a digit")
}
