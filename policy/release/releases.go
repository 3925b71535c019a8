package release

import (
	"slices"

	"entente/policy"
	"entente/store"
)

// Of returns the name of the release log of a partner for the collection whose
// log is given.
func Of(partner policy.OrgID, log store.LogID) store.LogID {
	return "view/" + store.LogID(partner) + "/" + log
}

// heldFor names the log of what a partner sent to a collection and what cannot
// stand in the collection's log beside what is there.
func heldFor(partner policy.OrgID, log store.LogID) store.LogID {
	return "held/" + store.LogID(partner) + "/" + log
}

// releases is what has to change in the release logs so that they are what the
// outlook says. The order is the same for everybody: what is in first in that
// order, then the rest, oldest first. It depends on nothing that one of them
// must not see.
func (r *Releaser) releases(first []int32) []store.Release {
	var out []store.Release
	last := map[store.LogID]int{} // by release log: index in out
	change := func(p int, n int32) *store.Release {
		l := r.g.logs[r.g.entries[n].log]
		view := Of(r.o.partners[p], l.of)
		if i, ok := last[view]; ok && out[i].Of == l.id {
			return &out[i]
		}
		last[view] = len(out)
		out = append(out, store.Release{Log: view, Of: l.id})
		return &out[len(out)-1]
	}
	diff := make(mask, r.o.shown.width)
	for _, n := range r.inOrder(first) {
		shown, rel, added := r.o.shown.of(n), r.rel.of(n), r.g.entries[n].added
		for w := range diff {
			diff[w] = shown[w] ^ rel[w]
		}
		diff.each(func(p int) {
			c := change(p, n)
			if shown.has(p) {
				c.Add = append(c.Add, added)
			} else {
				c.Drop = append(c.Drop, added)
			}
		})
	}
	return out
}

// inOrder are the pending entries, those in first first.
func (r *Releaser) inOrder(first []int32) []int32 {
	order := make([]int32, 0, len(r.pending))
	done := map[int32]bool{}
	for _, n := range first {
		if r.pending[n] && !done[n] {
			done[n] = true
			order = append(order, n)
		}
	}
	rest := len(order)
	for n := range r.pending {
		if !done[n] {
			order = append(order, n)
		}
	}
	slices.Sort(order[rest:])
	return order
}
