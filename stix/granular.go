package stix

import (
	"hash/maphash"
	"strconv"
	"strings"
)

// granular checks the granular_markings of d and rebuilds its list of
// markings, so that those of both kinds stand in order of appearance (STIX 2.1,
// section 7.2.3). The tape has the object.
func (s *scan) granular(d *draft) {
	t := &s.tape
	s.marks = s.marks[:d.marks]
	s.paths = s.paths[:0]
	for k, end := t.first(0); k < end; {
		value := t.next(k)
		switch t.str(k) {
		case "object_marking_refs":
			for e, end := t.first(value); e < end; e = t.next(e) {
				s.marks = append(s.marks, ID(t.str(e)))
			}
		case granularName:
			s.granularList(d, value)
		}
		k = t.next(value)
	}
	d.Markings = s.marks[d.marks:len(s.marks):len(s.marks)]
	if s.odd.reason == "" {
		s.resolve(d)
	}
}

const granularName = "granular_markings"

func (s *scan) granularList(d *draft, list int) {
	t := &s.tape
	if !t.is(list, '[') {
		s.note(d.start, granularName, "is not a list")
		return
	}
	for e, end := t.first(list); e < end; e = t.next(e) {
		s.granularMarking(d, e)
	}
}

// granularMarking checks one element of granular_markings.
func (s *scan) granularMarking(d *draft, e int) {
	t := &s.tape
	if !t.is(e, '{') {
		s.note(d.start, granularName, "has an element that is not an object")
		return
	}
	ref, lang, selectors := t.member(e, "marking_ref"), t.member(e, "lang"), t.member(e, "selectors")
	switch {
	case (ref < 0) == (lang < 0):
		s.note(d.start, granularName, "has an element without exactly one of marking_ref and lang")
	case lang >= 0 && t.str(lang) == "":
		s.note(d.start, granularName, "has a lang that is not a string")
	case ref >= 0:
		if reason := markingFault(t.str(ref)); reason != "" {
			s.note(d.start, granularName, "has a marking_ref that is not the id of a marking-definition")
		}
		if ID(t.str(ref)) == d.ID {
			s.note(d.start, granularName, "names the marking itself")
		}
		s.marks = append(s.marks, ID(t.str(ref)))
	}
	if !t.is(selectors, '[') || t.nodes[selectors].next == int32(selectors)+1 {
		s.note(d.start, granularName, "has an element whose selectors are not a list with at least one element")
		return
	}
	for k, end := t.first(selectors); k < end; k = t.next(k) {
		selector := t.str(k)
		if selector == "" {
			s.note(d.start, granularName, "has a selector that is not a string with something in it")
			return
		}
		s.paths = append(s.paths, path{hash: s.pathHash(selector), selector: int32(k)})
	}
}

// A path is a selector: the hash of its components, and whether the object
// has something there.
type path struct {
	hash     uint64
	selector int32 // node on the tape
}

// pathHash hashes a selector component by component, as walk does.
func (s *scan) pathHash(selector string) uint64 {
	h := uint64(1)
	for component := range strings.SplitSeq(selector, ".") {
		h = s.step(h, component)
	}
	return h
}

// step is the hash of the path h extended by a component.
func (s *scan) step(h uint64, component string) uint64 {
	return (h ^ maphash.String(s.keys.seeded(), component)) * 0x9e3779b97f4a7c15
}

// resolve notes a selector that points at nothing. It walks the object once,
// whatever the number of selectors: hashes stand for paths, under a random
// seed that a sender cannot know.
func (s *scan) resolve(d *draft) {
	if len(s.paths) == 0 {
		return
	}
	if s.there == nil || len(s.there) > 1000 {
		s.there = make(map[uint64]bool, len(s.paths))
	}
	clear(s.there)
	for _, p := range s.paths {
		s.there[p.hash] = false
	}
	s.walk(0, 1)
	for _, p := range s.paths {
		if !s.there[p.hash] {
			s.note(d.start, granularName, "has the selector "+excerpt(s.tape.str(int(p.selector)))+", which points at nothing")
			return
		}
	}
}

// walk visits what is in node n, whose path is h.
func (s *scan) walk(n int, h uint64) {
	t := &s.tape
	object := t.is(n, '{')
	if !object && !t.is(n, '[') {
		return
	}
	index := 0
	for k, end := t.first(n); k < end; {
		value := k
		var here uint64
		if object {
			value = t.next(k)
			here = s.step(h, t.str(k))
		} else {
			s.number10 = append(strconv.AppendInt(append(s.number10[:0], '['), int64(index), 10), ']')
			here = (h ^ maphash.Bytes(s.keys.seeded(), s.number10)) * 0x9e3779b97f4a7c15
			index++
		}
		if _, wanted := s.there[here]; wanted {
			s.there[here] = true
		}
		s.walk(value, here)
		k = t.next(value)
	}
}
