package release

import (
	"math/bits"

	"entente/policy"
)

// A mask is a set of partners: bit i of word i/64 is the partner with that
// number in the outlook.
type mask []uint64

func (m mask) has(i int) bool { return m[i>>6]&(1<<(i&63)) != 0 }
func (m mask) set(i int)      { m[i>>6] |= 1 << (i & 63) }
func (m mask) unset(i int)    { m[i>>6] &^= 1 << (i & 63) }

func (m mask) empty() bool {
	for _, w := range m {
		if w != 0 {
			return false
		}
	}
	return true
}

// meets reports whether m and other have a partner in common.
func (m mask) meets(other mask) bool {
	for w := range m {
		if m[w]&other[w] != 0 {
			return true
		}
	}
	return false
}

// within reports whether all of m are in other.
func (m mask) within(other mask) bool {
	for w := range m {
		if m[w]&^other[w] != 0 {
			return false
		}
	}
	return true
}

// without is m without those in other.
func without(m, other mask) mask {
	left := make(mask, len(m))
	for w := range m {
		left[w] = m[w] &^ other[w]
	}
	return left
}

// each calls fn for every partner in m.
func (m mask) each(fn func(i int)) {
	for w, word := range m {
		for ; word != 0; word &= word - 1 {
			fn(w<<6 + bits.TrailingZeros64(word))
		}
	}
}

// masks are masks of one width, by entry or by id.
type masks struct {
	width int
	words []uint64
}

func (m *masks) of(n int32) mask {
	return m.words[int(n)*m.width : (int(n)+1)*m.width : (int(n)+1)*m.width]
}

// grow makes room for n masks.
func (m *masks) grow(n int) {
	if more := n*m.width - len(m.words); more > 0 {
		m.words = append(m.words, make([]uint64, more)...)
	}
}

// An outlook is what each partner sees of a graph under one set of agreements.
//
// An entry is visible to a partner if the decision about it allows it (ok), if
// the newest version of the object in the same log is visible too, and if every
// id that it mentions is visible, or known to everybody. Objects may mention one
// another in circles, so this is the greatest solution: what is not forbidden by
// something hidden is visible. What a partner has sent itself it sees, whatever
// else holds. A marking definition is shown only to those who see something that
// is marked with it.
type outlook struct {
	g        *graph
	partners []policy.OrgID
	number   map[policy.OrgID]int

	ok     masks // by entry: what the decision allows
	red    masks // by entry: who may have a redacted copy only
	own    masks // by entry: who sent it
	vis    masks // by entry: who may see it
	shown  masks // by entry: who sees it; vis, but for marking definitions
	idVis  masks // by id: who may see an entry of it
	used   masks // by id of a marking definition: who sees something marked with it
	unheld mask  // partners who may see what mentions an id that nobody holds

	came map[int32][]moment // by entry without a version that several have sent: by partner, when it came for it

	stamp   []uint32 // by entry: the last settling that touched it
	now     uint32   // of stamp
	touched []int32  // entries whose vis may have changed, in no order
	scratch mask
}

func newOutlook(g *graph, partners []policy.OrgID) *outlook {
	o := &outlook{g: g, partners: partners, number: map[policy.OrgID]int{}, came: map[int32][]moment{}}
	for i, p := range partners {
		o.number[p] = i
	}
	width := max(1, (len(partners)+63)/64)
	for _, m := range []*masks{&o.ok, &o.red, &o.own, &o.vis, &o.shown, &o.idVis, &o.used} {
		m.width = width
	}
	o.unheld, o.scratch = make(mask, width), make(mask, width)
	o.grow()
	return o
}

// grow makes room for what came into the graph.
func (o *outlook) grow() {
	for _, m := range []*masks{&o.ok, &o.red, &o.own, &o.vis, &o.shown} {
		m.grow(len(o.g.entries))
	}
	o.idVis.grow(len(o.g.ids))
	o.used.grow(len(o.g.ids))
	for len(o.stamp) < len(o.g.entries) {
		o.stamp = append(o.stamp, 0)
	}
}
