package stix

import (
	"cmp"
	"slices"
)

// Equal reports whether two accepted objects are exact duplicates: the same
// JSON values, whatever the order of members and the spelling of numbers and
// strings. Numbers compare exactly, timestamps as text. A default of STIX 2.1
// counts the same written or left out: revoked and defanged false, spec_version
// "2.1" of an SCO (STIX 2.1, section 3.6). Text that is not a JSON value equals
// only itself. Its time grows with the sizes by n log n at most.
func Equal(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > MaxObjectSize || len(b) > MaxObjectSize {
		return false
	}
	var c comparison
	if !c.a.build(a) || !c.b.build(b) {
		return false
	}
	return c.object(0, 0, true)
}

// A comparison holds the trees of two texts.
type comparison struct{ a, b tape }

// value compares node i of a with node j of b.
func (c *comparison) value(i, j int) bool {
	kind := c.a.nodes[i].kind
	if kind != c.b.nodes[j].kind {
		return false
	}
	switch kind {
	case '{':
		return c.object(i, j, false)
	case '[':
		return c.list(i, j)
	case '"':
		return c.a.raw(i) == c.b.raw(j) || c.a.str(i) == c.b.str(j)
	case 0:
		return sameNumber(c.a.raw(i), c.b.raw(j))
	}
	return true // the same one of true, false and null
}

func (c *comparison) list(i, j int) bool {
	x, endX := c.a.first(i)
	y, endY := c.b.first(j)
	for x < endX && y < endY {
		if !c.value(x, y) {
			return false
		}
		x, y = c.a.next(x), c.b.next(y)
	}
	return x == endX && y == endY
}

// object compares two objects; top says that they are the STIX objects
// themselves, where defaults count.
func (c *comparison) object(i, j int, top bool) bool {
	if !c.a.is(i, '{') || !c.b.is(j, '{') {
		return top && c.value(i, j)
	}
	x, y := c.a.sorted(i), c.b.sorted(j)
	if top {
		x, y = c.a.withoutDefaults(x), c.b.withoutDefaults(y)
	}
	if len(x) != len(y) {
		return false
	}
	for k := range x {
		if x[k].name != y[k].name || !c.value(x[k].value, y[k].value) {
			return false
		}
	}
	return true
}

type member struct {
	name  string
	value int // node
}

// sorted returns the members of object n by name; of equal names, which no
// accepted object has, in their order.
func (t *tape) sorted(n int) []member {
	members := make([]member, 0, t.members(n))
	for k, end := t.first(n); k < end; {
		value := t.next(k)
		members = append(members, member{t.str(k), value})
		k = t.next(value)
	}
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	return members
}

// withoutDefaults leaves out the members that say what holds without them.
func (t *tape) withoutDefaults(members []member) []member {
	sco := classOf(t.str(t.member(0, "type"))) == observable
	return slices.DeleteFunc(members, func(m member) bool {
		switch m.name {
		case "revoked", "defanged":
			return t.raw(m.value) == "false"
		case "spec_version":
			return sco && t.str(m.value) == "2.1"
		}
		return false
	})
}
