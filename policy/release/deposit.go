package release

import (
	"context"
	"errors"
	"slices"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A deposit is objects that come into the log of a collection in one commit, with
// what was found out about them on the way.
type deposit struct {
	log     store.LogID
	at      time.Time
	objects []stix.Object
	labels  []store.Label // of objects, in step
	found   []found       // of objects, in step; nil if more is to be done than they say
	then    func(store.Receipt) []store.Document
	docs    []store.Document // written in the commit that releases the objects
}

// found is what was found out about an object.
type found struct {
	refs  []stix.ID // that must be visible for it to be
	alone bool      // it changes what no other object counts as, and what is known changes nothing about it
}

// find says what l, the label of an object that was just looked at as in, and the
// look itself have told.
func (r *Releaser) find(in *policy.Arrival, l *policy.Label) found {
	f := found{alone: !slices.Contains(l.Faults, unresolved)}
	switch o := in.Object; o.Type {
	case "marking-definition":
		f.alone = false
	case "identity":
		f.alone = f.alone && in.Content != nil && len(in.Content.Labels) == 0 && r.defs.identities[o.ID] == nil
	}
	if in.Content != nil { // else the label says so, and it is nobody's
		f.refs = slices.Clone(mentions(in.Content))
	}
	return f
}

// deposit stores objects and reports whether it has released them, too. As a rule
// it has: what follows from them is worked out before they are stored, on the
// assumption that they are all new and that nobody else writes, and stored with
// them. Where that cannot be assumed, or turns out to be wrong, they are only
// stored: follow finds them then. After store.ErrFull nothing has changed.
func (r *Releaser) deposit(ctx context.Context, d *deposit) (receipt store.Receipt, released bool, err error) {
	batch := store.Batch{Log: d.log, Objects: d.objects, Labels: d.labels, At: d.at, Then: d.then}
	if now := r.c.Now(); now.After(batch.At) {
		batch.At = now
	}
	foreseen := batch
	was, entries, err := r.foresee(ctx, d, &foreseen)
	if err != nil {
		return store.Receipt{}, false, err
	}
	if len(entries) == 0 {
		receipt, err = r.c.Store.Commit(ctx, &batch)
		return receipt, false, err
	}
	whole := len(r.needs) == 0 // else copies are to be made, of what is there
	if whole {
		if err = r.settle(ctx, entries); err != nil {
			return store.Receipt{}, false, r.fail(err)
		}
		err = r.fill(ctx, &foreseen, d.docs, entries)
	}
	if err == nil {
		receipt, err = r.c.Store.Commit(ctx, &foreseen)
	}
	switch {
	case r.broken != nil:
		return store.Receipt{}, false, err
	case err == nil && whole:
		r.committed(&foreseen)
		return receipt, true, nil
	case err == nil:
		if err := r.settle(ctx, entries); err != nil {
			return receipt, false, r.fail(err)
		}
		return receipt, true, r.commitWith(ctx, d.docs, entries)
	case errors.Is(err, store.ErrConflict):
		if err := r.undo(ctx, &was, d); err != nil {
			return store.Receipt{}, false, err
		}
		receipt, err = r.c.Store.Commit(ctx, &batch)
		return receipt, false, err
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrInvalid):
		return store.Receipt{}, false, errors.Join(err, r.undo(ctx, &was, d))
	}
	return store.Receipt{}, false, r.fail(err) // it may have been applied
}

// foresee takes the objects of d into the graph as if b had stored them, decides
// about them and returns their entries, and how to undo it. It sets b.Head.
// There are no entries if they cannot be foreseen.
func (r *Releaser) foresee(ctx context.Context, d *deposit, b *store.Batch) (was mark, entries []int32, err error) {
	log, known := r.g.byLog[d.log]
	if !known || len(d.found) == 0 {
		return mark{}, nil, nil
	}
	stat, err := r.c.Store.Stat(ctx, d.log)
	if err == nil && stat.Head > r.g.logs[log].seen {
		err = r.step(ctx, d.log)
	}
	if err != nil {
		return mark{}, nil, err
	}
	first, err := store.Number(stat.Head, b.At, len(d.objects))
	if err != nil {
		return mark{}, nil, nil // the store says so, too
	}
	b.Head = &stat.Head
	was = r.g.mark()
	now := r.now()
	for i := range d.objects {
		o, f := &d.objects[i], &d.found[i]
		id := r.g.id(o.ID)
		if !f.alone || !r.g.isNew(log, id, o) {
			return mark{}, nil, r.undo(ctx, &was, d)
		}
		a := arrival{added: first + store.Added(i), id: o.ID, version: o.Version(), label: d.labels[i], refs: f.refs}
		n := r.g.addAs(log, id, &a)
		entries = append(entries, n)
		r.decide(r.inForce(), n, o.Raw, now)
	}
	return was, entries, nil
}

// isNew reports whether an object, whose id has that number, will be a new version in
// a log and nobody's copy, as far as the graph tells.
func (g *graph) isNew(log, id int32, o *stix.Object) bool {
	if len(g.ids[id].entries) == 0 {
		return true
	}
	version := o.Version()
	us, _ := version.Micros()
	for _, n := range g.ids[id].entries {
		f := &g.entries[n]
		if m := g.logs[f.log]; m.of == g.logs[log].of && !m.copies && (version == "" || f.version == us) {
			return false
		}
	}
	return true
}
