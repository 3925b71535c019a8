package stix

import "iter"

// A tape is the tree of a JSON text that was checked before, as a flat list in
// text order: a node is followed by what is in it, and the next node beside it
// is at next. In an object names and values take turns.
type tape struct {
	text  string
	nodes []node
	scan  *scan // reads tokens
}

type node struct {
	start, end int32 // in text
	next       int32 // index of the node after this one and all that is in it
	kind       byte  // first byte of the text: { [ " t f n, or 0 for a number
	escaped    bool  // a string with a backslash
}

// build reads text, at most MaxObjectSize bytes, and reports whether it is one
// JSON value. The root is node 0.
func (t *tape) build(text string) bool {
	if t.scan == nil {
		t.scan = new(scan)
	}
	t.text = text
	t.nodes = t.nodes[:0]
	t.scan.clear(text)
	i := t.value(t.scan.space(0), maxTapeDepth)
	return i >= 0 && t.scan.space(i) == len(text)
}

// maxTapeDepth bounds recursion; limits for objects are below it.
const maxTapeDepth = 10_000

func (t *tape) value(i, depth int) int {
	if i >= len(t.text) || depth == 0 {
		return failed
	}
	at := len(t.nodes)
	kind := t.text[i]
	t.nodes = append(t.nodes, node{start: int32(i), kind: kind})
	escaped := false
	switch kind {
	case '{', '[':
		i = t.inside(i, kind, depth)
	case '"':
		i, escaped = t.scan.str(i)
	default:
		if kind == '-' || kind-'0' <= 9 {
			t.nodes[at].kind = 0
		}
		i = t.scan.value(i)
	}
	n := &t.nodes[at]
	n.end, n.next, n.escaped = int32(i), int32(len(t.nodes)), escaped
	return i
}

// inside reads what is in an object or a list.
func (t *tape) inside(i int, kind byte, depth int) int {
	last := kind + 2 // } or ]
	i = t.scan.space(i + 1)
	if i < len(t.text) && t.text[i] == last {
		return i + 1
	}
	for {
		if kind == '{' {
			if i >= len(t.text) || t.text[i] != '"' {
				return failed
			}
			if i = t.value(i, depth-1); i < 0 {
				return i
			}
			if i = t.scan.space(i); i >= len(t.text) || t.text[i] != ':' {
				return failed
			}
			i = t.scan.space(i + 1)
		}
		if i = t.value(i, depth-1); i < 0 {
			return i
		}
		if i = t.scan.space(i); i >= len(t.text) {
			return failed
		}
		switch t.text[i] {
		case ',':
			i = t.scan.space(i + 1)
		case last:
			return i + 1
		default:
			return failed
		}
	}
}

// raw is the text of node n.
func (t *tape) raw(n int) string { return t.text[t.nodes[n].start:t.nodes[n].end] }

// str is the value of the string node n; "" if it is no string.
func (t *tape) str(n int) string {
	if n < 0 || t.nodes[n].kind != '"' {
		return ""
	}
	text := t.text[t.nodes[n].start+1 : t.nodes[n].end-1]
	if t.nodes[n].escaped {
		return unescape(text)
	}
	return text
}

// is reports whether there is a node n of the kind.
func (t *tape) is(n int, kind byte) bool { return n >= 0 && t.nodes[n].kind == kind }

// first is the first node in n, and end the index after all of them: loop with
// next over first, …, while the index is below end.
func (t *tape) first(n int) (first, end int) { return n + 1, int(t.nodes[n].next) }

func (t *tape) next(n int) int { return int(t.nodes[n].next) }

// parts yields what is in the object or list n: the node of the name, -1 in a
// list, and that of the value.
func (t *tape) parts(n int) iter.Seq2[int, int] {
	return func(yield func(name, value int) bool) {
		if !t.is(n, '{') && !t.is(n, '[') {
			return
		}
		for k, end := t.first(n); k < end; {
			name, value := -1, k
			if t.is(n, '{') {
				name, value = k, t.next(k)
			}
			if !yield(name, value) {
				return
			}
			k = t.next(value)
		}
	}
}

// member is the value of the member of object n with the name, or -1. If n is
// not an object it has no members.
func (t *tape) member(n int, name string) int {
	if !t.is(n, '{') {
		return -1
	}
	for k, end := t.first(n); k < end; {
		value := t.next(k)
		if t.str(k) == name {
			return value
		}
		k = t.next(value)
	}
	return -1
}

// members is the number of members of the object n, 0 if it is no object.
func (t *tape) members(n int) int {
	if !t.is(n, '{') {
		return 0
	}
	count := 0
	for k, end := t.first(n); k < end; k = t.next(t.next(k)) {
		count++
	}
	return count
}
