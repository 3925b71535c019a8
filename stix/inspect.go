package stix

import (
	"fmt"
	"slices"
	"strings"
)

// An Inspector looks into objects for sharing rules. The zero Inspector is
// ready to use; one that is used again allocates nothing for usual objects. It
// must not be used concurrently.
type Inspector struct {
	tape   tape
	c      *Content
	kind   string              // type of the object
	bad    fault               // the first
	seen   map[string]struct{} // strings of a long list
	joined map[string]string   // names of kill chain phases met before
	buf    []byte
}

// Inspect reads what c holds from raw, an object that Parse has accepted. What
// c had before is overwritten and its memory used again. A property that rules
// look at and that has not its shape (labels that are no list of strings, a
// confidence beyond 0 to 100) is an error, because rules cannot judge it; it
// wraps ErrInvalid, and c must not be used then.
func (in *Inspector) Inspect(raw string, c *Content) error {
	in.c, in.bad = c, fault{}
	c.reset()
	t := &in.tape
	if len(raw) > MaxObjectSize || !t.build(raw) || !t.is(0, '{') {
		t.nodes = t.nodes[:0]
		return fmt.Errorf("inspect: the text is not one JSON object: %w", ErrInvalid)
	}
	in.kind = t.str(t.member(0, "type"))
	for k, end := t.first(0); k < end; {
		name, value := t.str(k), t.next(k)
		c.Names = append(c.Names, name)
		in.property(name, value)
		k = t.next(value)
	}
	c.ObjectMarkings, c.Refs = unique(in, c.ObjectMarkings), unique(in, c.Refs)
	c.Extensions, c.Hosts = unique(in, c.Extensions), unique(in, c.Hosts)
	if in.bad.reason != "" {
		return fmt.Errorf("inspect %s: %s %s: %w", excerpt(t.str(t.member(0, "id"))), in.bad.property, in.bad.reason, ErrInvalid)
	}
	return nil
}

// Member is the text of the property of the object last inspected; ok is false
// if it has none of the name.
func (in *Inspector) Member(name string) (json string, ok bool) {
	n := in.member(name)
	if n < 0 {
		return "", false
	}
	return in.tape.raw(n), true
}

// String is the value of the string property of the object last inspected; ""
// if there is none or it is no string.
func (in *Inspector) String(name string) string { return in.tape.str(in.member(name)) }

func (in *Inspector) member(name string) int {
	if len(in.tape.nodes) == 0 {
		return -1
	}
	return in.tape.member(0, name)
}

func (c *Content) reset() {
	*c = Content{
		ObjectMarkings: c.ObjectMarkings[:0], Granular: c.Granular[:0], Refs: c.Refs[:0], Labels: c.Labels[:0],
		Confidence: -1, KillChainPhases: c.KillChainPhases[:0], Extensions: c.Extensions[:0], Hosts: c.Hosts[:0], Names: c.Names[:0],
	}
}

// property looks at one property at the top.
func (in *Inspector) property(name string, value int) {
	c := in.c
	switch name {
	case "object_marking_refs":
		in.strings(name, value, func(s string) { c.ObjectMarkings = append(c.ObjectMarkings, ID(s)) })
		return
	case granularName:
		in.granular(value)
		return
	case "labels":
		in.strings(name, value, func(s string) { c.Labels = append(c.Labels, s) })
		return
	case "external_references":
		in.references(value)
	case "kill_chain_phases":
		in.killChain(value)
	case "confidence":
		c.Confidence = in.confidence(value)
	case "lang":
		c.Lang = in.text(name, value)
	case "pattern_type":
		c.PatternType = in.text(name, value)
	case "relationship_type":
		c.Relationship = in.text(name, value)
	case "extensions":
		in.extensions(value)
		in.inside(value, false, true)
		return
	}
	if !isStandard(in.kind, name) {
		c.Extensions = append(c.Extensions, name)
	}
	in.inside(value, isRefName(name), false)
}

// isRefName reports whether a property of the name holds identifiers (STIX
// 2.1, section 3.1).
func isRefName(name string) bool {
	return strings.HasSuffix(name, "_ref") || strings.HasSuffix(name, "_refs")
}

// inside looks for identifiers, and for what is beyond the standard, in the
// value n and all that is in it. ref says that it stands in a property for
// identifiers, extension that it is part of an extension.
func (in *Inspector) inside(n int, ref, extension bool) {
	t := &in.tape
	switch t.nodes[n].kind {
	case '"':
		if ref {
			if text := t.str(n); idFault(text) == "" {
				in.c.Refs = append(in.c.Refs, ID(text))
			}
		}
	case '[':
		for e, end := t.first(n); e < end; e = t.next(e) {
			in.inside(e, ref, extension)
		}
	case '{':
		for k, end := t.first(n); k < end; {
			name, value := t.str(k), t.next(k)
			beyond := extension
			if !extension && name == "extensions" {
				in.extensions(value)
				beyond = true
			} else if !extension && strings.HasPrefix(name, "x_") {
				in.c.Extensions = append(in.c.Extensions, name)
			}
			in.inside(value, ref || isRefName(name), beyond)
			k = t.next(value)
		}
	}
}

// extensions enters the names in a dictionary of extensions.
func (in *Inspector) extensions(n int) {
	t := &in.tape
	if !t.is(n, '{') {
		in.fault("extensions", "is not a dictionary")
		return
	}
	for k, end := t.first(n); k < end; k = t.next(t.next(k)) {
		in.c.Extensions = append(in.c.Extensions, t.str(k))
	}
}

// text is the value of a property that must be a string.
func (in *Inspector) text(name string, n int) string {
	if !in.tape.is(n, '"') {
		in.fault(name, "is not a string")
	}
	return in.tape.str(n)
}

// strings calls add with each element of a property that must be a list of strings.
func (in *Inspector) strings(name string, n int, add func(string)) {
	t := &in.tape
	if !t.is(n, '[') {
		in.fault(name, "is not a list")
		return
	}
	for e, end := t.first(n); e < end; e = t.next(e) {
		if !t.is(e, '"') {
			in.fault(name, "has an element that is not a string")
			return
		}
		add(t.str(e))
	}
}

func (in *Inspector) fault(property, reason string) {
	if in.bad.reason == "" {
		in.bad = fault{property: property, reason: reason}
	}
}

// unique drops the repeats of earlier elements from list. Long lists are looked
// up in a map, so that no object makes this slow.
func unique[T ~string](in *Inspector, list []T) []T {
	const few = 16
	if len(list) > few {
		if in.seen == nil || len(in.seen) > 1000 {
			in.seen = make(map[string]struct{}, len(list))
		}
		clear(in.seen)
	}
	kept := list[:0]
	for _, s := range list {
		if len(list) <= few {
			if !slices.Contains(kept, s) {
				kept = append(kept, s)
			}
			continue
		}
		if _, double := in.seen[string(s)]; !double {
			in.seen[string(s)] = struct{}{}
			kept = append(kept, s)
		}
	}
	return kept
}
