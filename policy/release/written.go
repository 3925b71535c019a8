package release

import (
	"cmp"
	"context"
	"slices"

	"entente/store"
)

// A writing is what our own people have written in one commit and wait for.
type writing struct {
	log    store.LogID
	order  []store.Added
	labels []store.Label
	done   bool
	err    error
}

// Written releases what our own people have written to a log: the entries in
// order, in this order, whether they were new or there already. Those then count
// as ours, too, by labels, which Own gave. When it returns nil that is durable,
// and who may see it does. Those who wait at the same time share one commit.
func (r *Releaser) Written(ctx context.Context, log store.LogID, order []store.Added, labels []store.Label) error {
	w := &writing{log: log, order: order, labels: labels}
	r.queueMu.Lock()
	r.queue = append(r.queue, w)
	r.queueMu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.done {
		return w.err
	}
	r.queueMu.Lock()
	all := r.queue
	r.queue = nil
	r.queueMu.Unlock()
	// The others' releases must not end with the first one's request.
	err := r.written(context.WithoutCancel(ctx), all)
	for _, w := range all {
		w.done, w.err = true, err
	}
	return err
}

func (r *Releaser) written(ctx context.Context, all []*writing) error {
	if err := r.step(ctx, ""); err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b *writing) int { return cmp.Compare(a.first(), b.first()) })
	var changed []int32
	var places []place
	for _, w := range all {
		before := int32(len(r.g.entries))
		if err := r.followAll(ctx, w.log); err != nil {
			return r.fail(err)
		}
		more, order := make([]store.Relabel, len(w.order)), make([]place, len(w.order))
		for i := range w.order {
			more[i], order[i] = store.Relabel{Added: w.order[i], To: w.labels[i]}, place{w.log, w.order[i]}
		}
		places = append(places, order...)
		united, err := r.unite(ctx, w.log, more, r.arrivals(before, order))
		if err != nil {
			return r.fail(err)
		}
		changed = append(changed, united...)
	}
	if err := r.settle(ctx, changed); err != nil {
		return r.fail(err)
	}
	return r.commitWith(ctx, nil, r.entriesAt(places))
}

// first is where the writing begins.
func (w *writing) first() store.Added {
	if len(w.order) == 0 {
		return 0
	}
	return w.order[0]
}
