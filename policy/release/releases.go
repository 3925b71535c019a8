package release

import (
	"cmp"
	"context"
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
// partner may have has sent it.
func (r *Releaser) releases(ctx context.Context, first []int32) ([]store.Release, error) {
	rank := make(map[int32]int, len(first))
	for i, n := range first {
		if _, known := rank[n]; !known {
			rank[n] = i
		}
	}
	var out []store.Release
	for _, c := range r.crowds(r.inOrder(first)) {
		var err error
		if out, err = r.releasesTo(ctx, &c, rank, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A crowd is partners whose release logs change alike, and the entries that enter
// or leave these.
type crowd struct {
	who  mask
	list []int32
}

// crowds sorts all partners for whom something changes in the release logs of
// entries.
func (r *Releaser) crowds(entries []int32) []crowd {
	all := make(mask, r.o.shown.width)
	for p := range r.o.partners {
		all.set(p)
	}
	list := []crowd{{who: all, list: make([]int32, 0, len(entries))}}
	diff := make(mask, len(all))
	for _, n := range entries {
		shown, rel := r.o.shown.of(n), r.rel.of(n)
		for w := range diff {
			diff[w] = shown[w] ^ rel[w]
		}
		list = split(split(list, diff), shown)
		for i := range list {
			if c := &list[i]; c.who.meets(diff) {
				c.list = append(c.list, n)
			}
		}
	}
	return slices.DeleteFunc(list, func(c crowd) bool { return len(c.list) == 0 })
}

// split parts those in by from the others.
func split(list []crowd, by mask) []crowd {
	for i := range list {
		c := &list[i]
		if !c.who.meets(by) || c.who.within(by) {
			continue
		}
		in, out := make(mask, len(by)), make(mask, len(by))
		for w, word := range c.who {
			in[w], out[w] = word&by[w], word&^by[w]
		}
		c.who = in
		list = append(list, crowd{who: out, list: slices.Clone(c.list)})
	}
	return list
}

// releasesTo adds the changes for a crowd to out. Its release logs are given the
// same lists, unless somebody's order has to be found out.
func (r *Releaser) releasesTo(ctx context.Context, c *crowd, rank map[int32]int, out []store.Release) ([]store.Release, error) {
	alike := !slices.ContainsFunc(c.list, func(n int32) bool { return len(r.g.later[n]) > 0 })
	var same []move
	if alike {
		same = r.moves(c.list, c.who)
	}
	var err error
	c.who.each(func(p int) {
		list := same
		if !alike && err == nil {
			own := slices.Clone(c.list)
			err = r.inOrderOf(ctx, p, own, rank)
			list = r.moves(own, c.who)
		}
		for _, m := range list {
			m.Log = Of(r.o.partners[p], m.collection)
			out = append(out, m.Release)
		}
	})
	return out, err
}

// A move is a Release whose Log is still to be set: to that of somebody for a
// collection.
type move struct {
	store.Release
	collection store.LogID
}

// moves are those of the entries in list, which are the same for all of who.
func (r *Releaser) moves(list []int32, who mask) []move {
	var out []move
	last := map[store.LogID]int{} // by collection: index in out
	for _, n := range list {
		l := r.g.logs[r.g.entries[n].log]
		i, ok := last[l.of]
		if !ok || out[i].Of != l.id {
			i = len(out)
			last[l.of] = i
			out = append(out, move{store.Release{Of: l.id}, l.of})
		}
		if added := r.g.entries[n].added; r.o.shown.of(n).meets(who) {
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
func compareRank(rank map[int32]int, a, b int32, cameA, cameB moment) int {
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
	came := map[int32]moment{}
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
	at := func(n int32) moment {
		if c, ok := came[n]; ok {
			return c
		}
		return cameItself(n)
	}
	slices.SortStableFunc(list, func(a, b int32) int { return compareRank(rank, a, b, at(a), at(b)) })
	return nil
}

// cameFor is when the first holding of entry n came that partner p may have.
func (r *Releaser) cameFor(ctx context.Context, p int, n int32) (moment, error) {
	raw, err := r.object(ctx, n)
	if err != nil {
		return 0, err
	}
	traits := r.traits(n, raw)
	f := &r.g.entries[n]
	log := r.g.byLog[r.g.logs[f.log].of]
	holdings := slices.DeleteFunc(slices.Clone(r.labels.of(f.label)), func(h policy.Label) bool {
		return r.set.Retain(&h, policy.Instant(f.added)) <= r.now() // it is about to go
	})
	return r.cameUnder(r.b.flows[log][p], partnerOf(r.o.partners[p]), n, holdings, traits, r.now()), nil
}
