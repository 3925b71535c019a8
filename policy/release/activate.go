package release

import (
	"context"
	"slices"

	"entente/policy"
	"entente/store"
)

// A prospect is what would hold under a set of agreements.
type prospect struct {
	b       *book
	o       *outlook
	rel     masks
	asks    *agenda
	copies  *copies
	changed []int32 // entries whose release logs would change
}

// prospect works out what everybody would see under set, once what has to go at once
// by its terms has gone. It changes nothing, but for the redacted copies that set asks
// for: k keeps them.
func (r *Releaser) prospect(ctx context.Context, set *policy.Set, now policy.Instant, k keeper) (*prospect, error) {
	p := &prospect{b: r.newBook(set), o: newOutlook(r.g, recipients(set)), asks: new(agenda), copies: newCopies(k)}
	p.b.unheld(p.o)
	if err := r.carryReleased(ctx, p); err != nil {
		return nil, err
	}
	left, goes, err := r.staying(p.b, now)
	if err != nil {
		return nil, err
	}
	defer r.g.without(goes)()
	needs, err := r.decideAll(ctx, p, left, now)
	if err != nil {
		return nil, err
	}
	sources, err := r.redact(ctx, p.copies, needs)
	if err != nil {
		return nil, err
	}
	p.o.showCopies(p.copies, sources)
	p.rel.grow(len(r.g.entries))
	all := make([]int32, 0, len(r.g.entries))
	for n := range r.g.entries {
		if !r.g.entries[n].gone {
			all = append(all, int32(n))
		}
	}
	p.o.settle(all)
	for _, n := range append(all, goes...) {
		if !same(p.o.shown.of(n), p.rel.of(n)) {
			p.changed = append(p.changed, n)
		}
	}
	return p, nil
}

// carryReleased fills p.rel with what the release logs have: known here for the
// partners of today, read for others.
func (r *Releaser) carryReleased(ctx context.Context, p *prospect) error {
	p.rel = masks{width: p.o.shown.width}
	p.rel.grow(len(r.g.entries))
	for i, partner := range p.o.partners {
		was, known := 0, false
		if r.o != nil {
			was, known = r.o.number[partner]
		}
		if !known {
			if err := r.readReleased(ctx, p.o, &p.rel, i); err != nil {
				return err
			}
			continue
		}
		for n := range r.g.entries {
			if r.rel.of(int32(n)).has(was) {
				p.rel.of(int32(n)).set(i)
			}
		}
	}
	return nil
}

// decideAll decides about every entry under p, and returns the copies that the
// decisions ask for. It reads the objects of a log once, and only if some flow of
// the collection looks at objects one by one.
func (r *Releaser) decideAll(ctx context.Context, p *prospect, left map[int32]store.Label, now policy.Instant) ([]need, error) {
	var needs []need
	at := &ruling{p.b, p.o, &p.rel, p.asks, &needs, left}
	for _, l := range r.g.logs {
		var look []int32
		for _, n := range l.byAdded {
			f := &r.g.entries[n]
			switch {
			case f.gone:
			case l.id == l.of && r.looks(r.rule(p.b, p.o, at.key(r.g, n), now), n):
				look = append(look, n)
			default:
				r.decide(at, n, "", now)
			}
		}
		if err := r.objects(ctx, l, look, func(n int32, raw string) { r.decide(at, n, raw, now) }); err != nil {
			return nil, err
		}
	}
	return needs, nil
}

// objects calls fn with the object of each of entries, which are in order and of
// log l. Entries that the log has no longer are passed over.
func (r *Releaser) objects(ctx context.Context, l *logFacts, entries []int32, fn func(n int32, raw string)) error {
	var page store.Page
	for len(entries) > 0 {
		q := store.Query{From: r.g.entries[entries[0]].added - 1, Versions: store.Versions{All: true}, SpecVersions: bothSpecs,
			Limit: pageSize, MaxBytes: pageBytes, Want: store.WantObjects | store.WantRows}
		if err := r.c.Store.Read(ctx, l.id, &q, &page); err != nil {
			return err
		}
		if page.N == 0 {
			return nil
		}
		for i := range page.Rows {
			row := &page.Rows[i]
			for len(entries) > 0 && r.g.entries[entries[0]].added < row.Added {
				entries = entries[1:]
			}
			if len(entries) == 0 || r.g.entries[entries[0]].added != row.Added {
				continue
			}
			fn(entries[0], string(page.Object(i)))
			entries = entries[1:]
		}
	}
	return nil
}

// Activate puts set in force: in one commit with put, everything that set no
// longer allows is withdrawn and everything that it newly allows is released. If
// it fails, what was in force stays in force.
func (r *Releaser) Activate(ctx context.Context, set *policy.Set, put []store.Document) error {
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if err := r.step(ctx, ""); err != nil {
		return err
	}
	p, err := r.prospect(ctx, set, r.now(), storing{r})
	if err != nil {
		return r.fail(err) // copies may be stored, and not all be in the graph
	}
	was := r.set
	fresh := r.began.fresh(set, r.now())
	r.adopt(p)
	if err = r.commitWith(ctx, append(slices.Clone(put), fresh...), nil); err != nil {
		r.set = was
		return r.fail(err)
	}
	for i := range fresh {
		r.began[fresh[i].ID] = r.now()
	}
	return nil
}
