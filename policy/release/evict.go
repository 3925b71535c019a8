package release

import (
	"context"
	"log/slog"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// evict makes room for what the one whose the objects are sends of them: copies
// that others have relayed and that say something else leave the collection. Each
// of the others keeps what it sent, apart, and sees it where it saw it before.
func (r *Releaser) evict(ctx context.Context, in *intake) error {
	if len(in.evicted) == 0 {
		return nil
	}
	objects := make([]stix.Object, len(in.evicted))
	for i, n := range in.evicted {
		var err error
		if objects[i], err = r.parsed(ctx, n); err != nil {
			return err
		}
		if err := r.copyApart(ctx, in.Log, n, &objects[i]); err != nil {
			return err
		}
	}
	if err := r.settle(ctx, nil); err != nil {
		return err
	}
	r.refresh()
	if err := r.commitMoves(ctx); err != nil {
		return err
	}
	if err := r.moveAway(ctx, in.evicted); err != nil {
		return err
	}
	for i, n := range in.evicted {
		if err := r.delete(ctx, n, &objects[i]); err != nil {
			return err
		}
		r.fresh = append(r.fresh, n)
	}
	return nil
}

// copyApart stores a copy of entry n of a collection for each of those who sent it.
func (r *Releaser) copyApart(ctx context.Context, log store.LogID, n int32, o *stix.Object) error {
	f := &r.g.entries[n]
	holdings := r.labels.of(f.label)
	for i, h := range holdings {
		own, err := r.labels.intern(ctx, [][]policy.Label{holdings[i : i+1]})
		if err != nil {
			return err
		}
		apart := store.Batch{Log: heldFor(h.From, log), Objects: []stix.Object{*o}, Labels: own, At: r.c.Now()}
		if _, err := r.c.Store.Commit(ctx, &apart); err != nil {
			return err
		}
		r.g.log(apart.Log, log, h.From)
		if err := r.followAll(ctx, apart.Log); err != nil {
			return err
		}
		r.c.Log.Warn("the originator sends an object that a partner had relayed with other content: the relayed copy is kept apart",
			slog.String("partner", string(h.From)), slog.String("collection", string(log)), slog.String("object", string(o.ID)), slog.String("version", o.VersionText()))
	}
	return nil
}

// followAll takes everything that is new in a log into the graph; r.fresh has
// what settle must look at.
func (r *Releaser) followAll(ctx context.Context, log store.LogID) error {
	for left := true; left; {
		var dirty []int32
		var err error
		if dirty, left, err = r.follow(ctx, log, r.now()); err != nil {
			return err
		}
		r.fresh = append(r.fresh, dirty...)
	}
	return nil
}
