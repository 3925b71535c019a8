package release

import (
	"context"
	"log/slog"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// retained is the instant at which something of entry n must go: all of it, if
// none of its holdings stays longer. A redacted copy goes with what it was made of.
func (r *Releaser) retained(n int32) policy.Instant {
	f := &r.g.entries[n]
	until := policy.Never
	if r.g.logs[f.log].copies {
		return until
	}
	for _, h := range r.labels.of(f.label) {
		until = min(until, r.set.Retain(&h, policy.Instant(f.added)))
	}
	return until
}

// staying are, of the entries some of whose holdings must go at once under the set of
// b, the labels of what stays, which only b knows, and the entries of which nothing
// does. Nobody is newly shown what the next step takes away.
func (r *Releaser) staying(b *book, now policy.Instant) (left map[int32]store.Label, goes []int32, err error) {
	left, known := map[int32]store.Label{}, map[string]store.Label{}
	for i := range r.g.entries {
		f := &r.g.entries[i]
		over := func(h policy.Label) bool { return b.set.Retain(&h, policy.Instant(f.added)) <= now }
		all := r.labels.of(f.label)
		if f.gone || r.g.logs[f.log].copies || !slices.ContainsFunc(all, over) {
			continue
		}
		stay := slices.DeleteFunc(slices.Clone(all), over)
		if len(stay) == 0 {
			goes = append(goes, int32(i))
			continue
		}
		name, err := text(stay)
		if err != nil {
			return nil, nil, err
		}
		if known[name] == 0 {
			b.staying = append(b.staying, stay)
			known[name] = MaxLabels + store.Label(len(b.staying))
		}
		left[int32(i)] = known[name]
	}
	return left, goes, nil
}

// purge removes our copies whose time is over, and redacted copies of what is not
// here, and returns the entries that settle must look at. A copy that somebody else has sent as well, and whose time
// there is not over, stays as that one's.
func (r *Releaser) purge(ctx context.Context, now policy.Instant) ([]int32, error) {
	if now < r.purgeDue {
		return nil, nil
	}
	var dirty []int32
	r.purgeDue = policy.Never
	for i := range r.g.entries {
		n := int32(i)
		if r.g.entries[n].gone {
			continue
		}
		until := r.retained(n)
		if now >= until {
			if err := r.expire(ctx, n, now); err != nil {
				return nil, err
			}
			dirty = append(append(dirty, n), r.g.versions(n)...)
			continue
		}
		if r.orphaned(n) {
			if err := r.deleteCopy(ctx, n); err != nil {
				return nil, err
			}
			continue
		}
		r.purgeDue = min(r.purgeDue, until)
	}
	return dirty, nil
}

// expire takes the holdings of an entry away whose time is over.
func (r *Releaser) expire(ctx context.Context, n int32, now policy.Instant) error {
	f := &r.g.entries[n]
	var left []policy.Label
	for _, h := range r.labels.of(f.label) {
		if until := r.set.Retain(&h, policy.Instant(f.added)); now < until {
			left = append(left, h)
			r.purgeDue = min(r.purgeDue, until)
		}
	}
	if len(left) == 0 {
		o, err := r.parsed(ctx, n)
		if err != nil {
			return err
		}
		r.c.Log.Info("copy purged: its retention is over", slog.String("log", string(r.g.logs[f.log].id)), slog.String("object", string(o.ID)), slog.String("version", o.VersionText()))
		return r.delete(ctx, n, &o)
	}
	fresh, err := r.labels.intern(ctx, [][]policy.Label{left})
	if err != nil {
		return err
	}
	was, key := f.label, r.b.key(r.g, f)
	f.label = fresh[0]
	r.relabel(n, was)
	r.leaving[n] = without(r.rule(r.b, r.o, key, now).own, r.rule(r.b, r.o, r.b.key(r.g, f), now).own)
	return r.decideAgain(ctx, n, now)
}

// delete removes an entry, and the redacted copies of it, from the store and the graph.
func (r *Releaser) delete(ctx context.Context, n int32, o *stix.Object) error {
	f := &r.g.entries[n]
	version := o.Version()
	if version == "" {
		version, _ = stix.ParseTimestamp(f.added.String())
	}
	sel := store.Query{After: f.added - 1, SpecVersions: []string{o.SpecVersion}, Versions: store.Versions{Exact: []stix.Timestamp{version}}}
	if _, err := r.c.Store.Delete(ctx, r.g.logs[f.log].id, o.ID, &sel); err != nil {
		return err
	}
	if err := r.forgetCame(ctx, n); err != nil {
		return err
	}
	r.g.remove(n)
	clear(r.rel.of(n))
	r.fresh = append(r.fresh, r.g.ids[f.id].entries...) // somebody may have seen this one instead of another
	return r.deleteCopies(ctx, n)
}
