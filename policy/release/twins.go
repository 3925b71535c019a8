package release

import (
	"context"
	"errors"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// twin looks whether entry n and one of the same version on the other side, in the
// collection's log or kept apart for a partner, have equal content: then the partner
// goes on seeing its own copy, and not that of the collection beside it.
func (r *Releaser) twin(ctx context.Context, n int32) error {
	f := &r.g.entries[n]
	l := r.g.logs[f.log]
	if l.copies || len(r.g.ids[f.id].entries) < 2 {
		return nil
	}
	for _, other := range r.g.ids[f.id].entries {
		g := &r.g.entries[other]
		m := r.g.logs[g.log]
		if m.of != l.of || m.copies || (m.partner == "") == (l.partner == "") || !f.sameVersion(g) {
			continue
		}
		a, err := r.object(ctx, n)
		if err != nil {
			return err
		}
		b, err := r.object(ctx, other)
		if err != nil {
			return err
		}
		if !stix.Equal(a, b) {
			continue
		}
		whole, t := n, twin{m.partner, other, a == b}
		if l.partner != "" {
			whole, t.partner, t.entry = other, l.partner, n
		}
		r.g.twins[whole] = append(r.g.twins[whole], t)
		r.fresh = append(r.fresh, whole)
	}
	return nil
}

// commitMoves lets those who saw an entry of the collection and are to see their own
// copy of it instead see that in its place: to them nothing has changed.
func (r *Releaser) commitMoves(ctx context.Context) error {
	batch := store.Batch{At: r.c.Now()}
	type step struct {
		n, copy int32
		p       int
	}
	var steps []step
	for n := range r.pending {
		for _, t := range r.g.twins[n] {
			for _, who := range []policy.OrgID{t.partner, recipient(t.partner, true)} {
				if p, ok := r.o.number[who]; ok && t.same && r.changesPlace(p, n, t.entry) {
					batch.Releases = append(batch.Releases, r.moveTo(who, n, t.entry))
					steps = append(steps, step{n, t.entry, p})
				}
			}
		}
	}
	if len(steps) == 0 {
		return nil
	}
	if _, err := r.c.Store.Commit(ctx, &batch); errors.Is(err, store.ErrFull) {
		return r.full(err)
	} else if err != nil {
		return r.fail(err)
	}
	for _, s := range steps {
		r.rel.of(s.n).unset(s.p)
		r.rel.of(s.copy).set(s.p)
		r.note([]int32{s.n, s.copy})
	}
	return nil
}

// moveTo makes what who sees as entry n be seen as a copy of it.
func (r *Releaser) moveTo(who policy.OrgID, n, copied int32) store.Release {
	from, to := &r.g.entries[n], &r.g.entries[copied]
	l := r.g.logs[to.log]
	return store.Release{Log: Of(who, l.of), Of: l.id, Move: []store.Move{{From: r.g.logs[from.log].id, Was: from.added, Now: to.added}}}
}

// moveAway does the same as commitMoves with what those see, should they come back,
// with whom there is no agreement now.
func (r *Releaser) moveAway(ctx context.Context, entries []int32) error {
	batch := store.Batch{At: r.c.Now()}
	for _, n := range entries {
		for _, t := range r.g.twins[n] {
			for _, who := range []policy.OrgID{t.partner, recipient(t.partner, true)} {
				if _, here := r.o.number[who]; !here && t.same {
					batch.Releases = append(batch.Releases, r.moveTo(who, n, t.entry))
				}
			}
		}
	}
	if len(batch.Releases) == 0 {
		return nil
	}
	_, err := r.c.Store.Commit(ctx, &batch)
	return err
}

// changesPlace reports whether a partner sees an entry, and is to see another
// instead.
func (r *Releaser) changesPlace(p int, was, now int32) bool {
	return r.rel.of(was).has(p) && !r.o.shown.of(was).has(p) && r.o.shown.of(now).has(p) && !r.rel.of(now).has(p)
}

// sameVersion reports whether two entries of an object may be one version. Objects
// without versions may: what tells them apart is what they say.
func (f *fact) sameVersion(g *fact) bool {
	return f.version == g.version || f.version == int64(f.added) && g.version == int64(g.added)
}
