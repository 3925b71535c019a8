package release

import (
	"cmp"
	"context"
	"math"
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
// outlook says: for each partner what is in first, in that order, then the rest in
// the order in which it came. The order depends on nothing that the partner must
// not see: an object that several have sent came when the first one whose copy the
// partner may have has sent it. (After a restart that is not known any more, and it
// came when the first of all did.)
func (r *Releaser) releases(ctx context.Context, first []int32) ([]store.Release, error) {
	rank := make(map[int32]int, len(first))
	for i, n := range first {
		if _, known := rank[n]; !known {
			rank[n] = i
		}
	}
	lists := make([][]int32, len(r.o.partners))
	diff := make(mask, r.o.shown.width)
	for _, n := range r.inOrder(first) {
		shown, rel := r.o.shown.of(n), r.rel.of(n)
		for w := range diff {
			diff[w] = shown[w] ^ rel[w]
		}
		diff.each(func(p int) { lists[p] = append(lists[p], n) })
	}
	var out []store.Release
	for p, list := range lists {
		if err := r.inOrderOf(ctx, p, list, rank); err != nil {
			return nil, err
		}
		out = r.releasesTo(p, list, out)
	}
	return out, nil
}

// releasesTo adds the changes for one partner.
func (r *Releaser) releasesTo(p int, list []int32, out []store.Release) []store.Release {
	last := map[store.LogID]int{} // by release log: index in out
	for _, n := range list {
		l := r.g.logs[r.g.entries[n].log]
		view := Of(r.o.partners[p], l.of)
		i, ok := last[view]
		if !ok || out[i].Of != l.id {
			i = len(out)
			last[view] = i
			out = append(out, store.Release{Log: view, Of: l.id})
		}
		if added := r.g.entries[n].added; r.o.shown.of(n).has(p) {
			out[i].Add = append(out[i].Add, added)
		} else {
			out[i].Drop = append(out[i].Drop, added)
		}
	}
	return out
}

// inOrder are the pending entries: those in first in that order, then the others
// by age.
func (r *Releaser) inOrder(first []int32) []int32 {
	order := make([]int32, 0, len(r.pending))
	done := make(map[int32]bool, len(first))
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

// compareRank orders entries a and b, which came at the times given.
func compareRank(rank map[int32]int, a, b, cameA, cameB int32) int {
	i, knownA := rank[a]
	k, knownB := rank[b]
	switch {
	case knownA && knownB:
		return cmp.Compare(i, k)
	case knownA:
		return -1
	case knownB:
		return 1
	}
	return cmp.Or(cmp.Compare(cameA, cameB), cmp.Compare(a, b))
}

// inOrderOf sorts list, which is in order, by when each came for partner p.
func (r *Releaser) inOrderOf(ctx context.Context, p int, list []int32, rank map[int32]int) error {
	came := map[int32]int32{}
	for _, n := range list {
		if len(r.g.later[n]) == 0 || !r.o.shown.of(n).has(p) {
			continue
		}
		at, err := r.cameFor(ctx, p, n)
		if err != nil {
			return err
		}
		came[n] = at
	}
	if len(came) == 0 {
		return nil
	}
	at := func(n int32) int32 {
		if c, ok := came[n]; ok {
			return c
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b int32) int { return compareRank(rank, a, b, at(a), at(b)) })
	return nil
}

// cameFor is when the first holding of entry n came that partner p may have.
func (r *Releaser) cameFor(ctx context.Context, p int, n int32) (int32, error) {
	raw, err := r.object(ctx, n)
	if err != nil {
		return 0, err
	}
	traits := r.traits(n, raw)
	f := &r.g.entries[n]
	log := r.g.byLog[r.g.logs[f.log].of]
	first := int32(math.MaxInt32)
	holdings := r.labels.of(f.label)
	for i := range holdings {
		h := &holdings[i]
		d, _, _ := policy.Best(r.b.flows[log][p], holdings[i:i+1], traits, r.now(), false)
		if d.Effect != policy.Withhold && traits != nil || h.From == partnerOf(r.o.partners[p]) {
			first = min(first, r.g.came(n, h.From))
		}
	}
	if first == math.MaxInt32 {
		return n, nil
	}
	return first, nil
}
