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
// of the others keeps what it sent, apart.
func (r *Releaser) evict(ctx context.Context, in *intake) error {
	for _, n := range in.evicted {
		raw, err := r.object(ctx, n)
		if err != nil {
			return err
		}
		if err := r.evictOne(ctx, in.Log, n, raw); err != nil {
			return err
		}
		r.fresh = append(r.fresh, n)
	}
	return nil
}

func (r *Releaser) evictOne(ctx context.Context, log store.LogID, n int32, raw string) error {
	o, err := stix.Parse(raw)
	if err != nil {
		return err
	}
	f := &r.g.entries[n]
	holdings := r.labels.of(f.label)
	for i, h := range holdings {
		own, err := r.labels.intern(ctx, [][]policy.Label{holdings[i : i+1]})
		if err != nil {
			return err
		}
		apart := store.Batch{Log: heldFor(h.From, log), Objects: []stix.Object{o}, Labels: own, At: r.c.Now()}
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
	return r.delete(ctx, n, &o)
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
