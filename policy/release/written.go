package release

import (
	"cmp"
	"context"
	"slices"

	"entente/store"
)

// A writing is what our own people write and wait for.
type writing struct {
	*deposit
	receipt store.Receipt
	done    bool
	err     error
}

// Write stores what our own people put into a collection, and releases it: of b
// count Log, Objects, At and Then. What of it is there already counts as ours from
// now on, too. When it returns nil all that is durable, and who may see it does, in
// the order of Objects. Those who wait at the same time share one commit.
func (r *Releaser) Write(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	d, err := r.own(ctx, b)
	if err != nil {
		return store.Receipt{}, err
	}
	w := &writing{deposit: d}
	r.queueMu.Lock()
	r.queue = append(r.queue, w)
	r.queueMu.Unlock()
	// What the others wait for must not end with the first one's request.
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if w.done {
		return w.receipt, w.err
	}
	r.queueMu.Lock()
	all := r.queue
	r.queue = nil
	r.queueMu.Unlock()
	err = r.step(ctx, "")
	for _, list := range together(all) {
		is := err
		if is == nil {
			is = r.write(ctx, list)
		}
		for _, w := range list {
			w.done, w.err = true, is
		}
	}
	return w.receipt, w.err
}

// together are the writings that one commit takes: to one log, and not too much.
func together(all []*writing) [][]*writing {
	const most = 16 << 20 // bytes
	slices.SortStableFunc(all, func(a, b *writing) int { return cmp.Compare(a.log, b.log) })
	var lists [][]*writing
	size := 0
	for i, w := range all {
		if i == 0 || all[i-1].log != w.log || size > most {
			lists, size = append(lists, nil), 0
		}
		for k := range w.objects {
			size += len(w.objects[k].Raw)
		}
		last := len(lists) - 1
		lists[last] = append(lists[last], w)
	}
	return lists
}

// write stores and releases writings to one log.
func (r *Releaser) write(ctx context.Context, list []*writing) error {
	d := joined(list)
	receipt, released, err := r.deposit(ctx, d)
	if err == nil && !released {
		err = r.releaseOwn(ctx, d, &receipt)
	}
	if len(receipt.Outcomes) == len(d.objects) {
		from := 0
		for _, w := range list {
			w.receipt = part(&receipt, from, len(w.objects))
			from += len(w.objects)
		}
	}
	return err
}

// joined is writings as one deposit.
func joined(list []*writing) *deposit {
	if len(list) == 1 {
		return list[0].deposit
	}
	all := &deposit{log: list[0].log}
	for _, w := range list {
		all.objects, all.labels, all.found = append(all.objects, w.objects...), append(all.labels, w.labels...), append(all.found, w.found...)
		if w.at.After(all.at) {
			all.at = w.at
		}
	}
	all.then = func(receipt store.Receipt) (docs []store.Document) {
		from := 0
		for _, w := range list {
			if w.then != nil {
				docs = append(docs, w.then(part(&receipt, from, len(w.objects)))...)
			}
			from += len(w.objects)
		}
		return docs
	}
	return all
}

// part is what a receipt says about n objects.
func part(r *store.Receipt, from, n int) store.Receipt {
	end := from + n
	return store.Receipt{Outcomes: r.Outcomes[from:end:end], Added: r.Added[from:end:end], Labels: r.Labels[from:end:end]}
}

// releaseOwn releases what a deposit of our own people has only stored.
func (r *Releaser) releaseOwn(ctx context.Context, d *deposit, receipt *store.Receipt) error {
	var more []store.Relabel
	var order []place
	for i, outcome := range receipt.Outcomes {
		if outcome == store.Stored || outcome == store.Duplicate {
			more = append(more, store.Relabel{Added: receipt.Added[i], To: d.labels[i]})
			order = append(order, place{d.log, receipt.Added[i]})
		}
	}
	if len(order) == 0 {
		return nil
	}
	before := int32(len(r.g.entries))
	if err := r.followAll(ctx, d.log); err != nil {
		return r.fail(err)
	}
	changed, err := r.unite(ctx, d.log, more, r.arrivals(before, order))
	if err != nil {
		return r.fail(err)
	}
	if err := r.settle(ctx, changed); err != nil {
		return r.fail(err)
	}
	return r.commitWith(ctx, nil, r.entriesAt(order))
}
