package release

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A Delivery is what a partner sends to a collection in one request.
type Delivery struct {
	Partner policy.OrgID
	Person  bool        // the account is one named person's
	Log     store.LogID // of the collection
	Objects []stix.Object
	At      time.Time

	// Then makes documents that are written in the commit that releases the objects.
	Then func([]Verdict) ([]store.Document, error)
}

// A Verdict is what became of an object of a Delivery, as far as the partner may
// know: everything but Refused is as in a log that has what the partner sees and
// what it sent, and nothing else. What it runs into that it must not know of
// changes nothing about the answer.
type Verdict struct {
	Refused string // why the agreement does not let the partner write it; "" if it does
	Outcome store.Outcome
}

// Receive stores what a partner sends, as its own holding, and releases it. When
// it returns nil that is durable and visible.
//
// One Delivery at a time: what a partner is told depends on what it sent before,
// and everything of a Delivery is released at once and in its order, whatever of
// it was here already.
func (r *Releaser) Receive(ctx context.Context, d *Delivery) error {
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if err := r.step(ctx, d.Log); err != nil {
		return err
	}
	world, err := r.world(ctx, d)
	if err != nil {
		return err
	}
	in := &intake{Delivery: d, verdicts: make([]Verdict, len(d.Objects))}
	if err := r.judge(ctx, in, world); err != nil {
		return err
	}
	docs, err := d.Then(in.verdicts)
	if err != nil {
		return err
	}
	if in.labels, err = r.labels.intern(ctx, in.sets); err != nil {
		return err
	}
	if err := r.evict(ctx, in); err != nil {
		return r.fail(err)
	}
	if err := r.raiseAll(ctx, in.raised); err != nil {
		return r.fail(err)
	}
	return r.takeIn(ctx, in, docs)
}

// An intake is a Delivery at work.
type intake struct {
	*Delivery
	verdicts []Verdict
	where    []int            // indexes in Objects of those that are taken
	sets     [][]policy.Label // their holdings, one each
	labels   []store.Label
	found    []found
	apart    []bool  // they must not stand in the collection's log
	evicted  []int32 // entries that must no longer stand there
	raised   []raise
}

// reader is the recipient whose release log the one who sends reads.
func (r *Releaser) reader(d *Delivery) policy.OrgID {
	who := recipient(d.Partner, d.Person)
	if _, known := r.o.number[who]; known {
		return who
	}
	return d.Partner
}

// world reads what the partner sees, or sent, of the objects that it sends.
func (r *Releaser) world(ctx context.Context, d *Delivery) (map[stix.ID][]*stix.Object, error) {
	q := store.Query{Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: pageSize, MaxBytes: pageBytes, Want: store.WantObjects | store.WantRows}
	for i := range d.Objects {
		q.IDs = append(q.IDs, d.Objects[i].ID)
	}
	world := map[stix.ID][]*stix.Object{}
	if len(q.IDs) == 0 {
		return world, nil
	}
	var page store.Page
	for page.More = true; page.More; q.From = page.Last {
		if err := r.c.Store.Read(ctx, Of(r.reader(d), d.Log), &q, &page); err != nil {
			return nil, err
		}
		for i := range page.Rows {
			o, err := stix.Parse(string(page.Object(i)))
			if err != nil {
				return nil, fmt.Errorf("release: %s: %w", page.Rows[i].ID, err)
			}
			world[o.ID] = append(world[o.ID], &o)
		}
	}
	return world, nil
}

// judge decides what is taken: what the agreement lets the partner write, and
// what does not contradict its world.
func (r *Releaser) judge(ctx context.Context, in *intake, world map[stix.ID][]*stix.Object) error {
	s := r.source(in.Partner, in.Log)
	defer r.carry(s, in.Objects)()
	sight := r.inSight(ctx, s.scope)
	told := r.receiver(sight, in.Log)
	for i := range in.Objects {
		o := &in.Objects[i]
		look := r.arrival(o, policy.Instant(in.At.UnixMicro()))
		h, why := s.Receive(look)
		if r.defines(o) {
			_, why = told.Receive(r.arrival(o, policy.Instant(in.At.UnixMicro())))
		}
		if sight.failed != nil {
			return sight.failed
		}
		if why != nil {
			in.verdicts[i].Refused = refusal(why)
			continue
		}
		outcome, _ := store.Judge(o, world[o.ID])
		in.verdicts[i].Outcome = outcome
		if outcome != store.Stored && outcome != store.Duplicate {
			continue
		}
		if outcome == store.Stored {
			world[o.ID] = append(world[o.ID], o)
		}
		in.where, in.found = append(in.where, i), append(in.found, r.find(look, h.Label))
		in.sets = append(in.sets, []policy.Label{*h.Label})
		in.apart = append(in.apart, h.Staged || slices.Contains(h.Label.Faults, "marking.forged"))
	}
	return r.besideAll(ctx, in)
}

// takeIn stores what was taken, and releases it together with docs. Of objects
// that the collection has already with equal content the partner's holding is
// added; what cannot stand beside what is there is kept apart, for the partner
// alone.
func (r *Releaser) takeIn(ctx context.Context, in *intake, docs []store.Document) error {
	d := deposit{log: in.Log, at: in.At, docs: docs}
	apart := store.Batch{Log: heldFor(in.Partner, in.Log), At: in.At}
	var where, kept []int // of the objects of d and apart, in in.where
	for k, i := range in.where {
		if in.apart[k] {
			kept = append(kept, k)
			continue
		}
		d.objects, d.labels, d.found = append(d.objects, in.Objects[i]), append(d.labels, in.labels[k]), append(d.found, in.found[k])
		where = append(where, k)
	}
	begun := len(in.evicted)+len(in.raised) > 0
	if begun || len(kept) > 0 {
		d.found = nil
	}
	receipt, released, err := r.deposit(ctx, &d)
	if err != nil && begun {
		return r.fail(err)
	}
	if err != nil || released {
		return err
	}
	order := make([]place, len(in.where))
	var more []store.Relabel
	for j, outcome := range receipt.Outcomes {
		k := where[j]
		switch outcome {
		case store.Stored:
		case store.Duplicate:
			more = append(more, store.Relabel{Added: receipt.Added[j], From: receipt.Labels[j], To: in.labels[k]})
		default:
			kept = append(kept, k)
		}
		order[k] = place{in.Log, receipt.Added[j]}
	}
	slices.Sort(kept)
	for _, k := range kept {
		apart.Objects, apart.Labels = append(apart.Objects, in.Objects[in.where[k]]), append(apart.Labels, in.labels[k])
	}
	if receipt, err = r.keepApart(ctx, in, &apart); err != nil {
		return r.fail(err)
	}
	for j, k := range kept {
		order[k] = place{apart.Log, receipt.Added[j]}
	}
	return r.releaseTaken(ctx, in, more, order, docs)
}

// A place is where an entry is.
type place struct {
	log   store.LogID
	added store.Added
}

// releaseTaken releases what is in order, first and in this order, with all that
// follows from it.
func (r *Releaser) releaseTaken(ctx context.Context, in *intake, more []store.Relabel, order []place, docs []store.Document) error {
	before := int32(len(r.g.entries))
	for _, log := range []store.LogID{in.Log, heldFor(in.Partner, in.Log)} {
		if _, known := r.g.byLog[log]; known {
			if err := r.followAll(ctx, log); err != nil {
				return r.fail(err)
			}
		}
	}
	united, err := r.unite(ctx, in.Log, more, r.arrivals(before, order))
	if err != nil {
		return r.fail(err)
	}
	if err := r.settle(ctx, united); err != nil {
		return r.fail(err)
	}
	return r.commitWith(ctx, docs, r.entriesAt(order))
}

// arrivals are when the holdings come that old entries are given by what stands in
// order: just before the new entry that is next in it, those since before being new.
func (r *Releaser) arrivals(before int32, order []place) map[int32]int32 {
	came := map[int32]int32{}
	next := int32(len(r.g.entries))
	for i := len(order) - 1; i >= 0; i-- {
		n, ok := r.g.at(r.g.byLog[order[i].log], order[i].added)
		switch {
		case !ok:
		case n >= before:
			next = n
		default:
			came[n] = next
		}
	}
	return came
}

// entriesAt are the entries at places, those that are not there left out.
func (r *Releaser) entriesAt(places []place) []int32 {
	entries := make([]int32, 0, len(places))
	for _, p := range places {
		if n, ok := r.g.at(r.g.byLog[p.log], p.added); ok {
			entries = append(entries, n)
		}
	}
	return entries
}

// keepApart stores what contradicts what the collection has, in a log that only
// the partner reads, and tells the operator.
func (r *Releaser) keepApart(ctx context.Context, in *intake, apart *store.Batch) (store.Receipt, error) {
	if len(apart.Objects) == 0 {
		return store.Receipt{}, nil
	}
	receipt, err := r.c.Store.Commit(ctx, apart)
	if err != nil {
		return receipt, err
	}
	for i := range apart.Objects {
		r.c.Log.Warn("object of a partner contradicts what the collection has from others: kept apart", slog.String("partner", string(in.Partner)),
			slog.String("collection", string(in.Log)), slog.String("object", string(apart.Objects[i].ID)), slog.String("version", apart.Objects[i].VersionText()))
	}
	r.g.log(apart.Log, in.Log, in.Partner)
	return receipt, nil
}

// unite adds the holdings of To to those of From, for entries of a log, decides
// about them again and returns them.
func (r *Releaser) unite(ctx context.Context, log store.LogID, list []store.Relabel, came map[int32]int32) ([]int32, error) {
	if err := r.commitLabels(ctx); err != nil { // else From would not be what the store has
		return nil, err
	}
	batch := store.Batch{Log: log, At: r.c.Now()}
	var entries []int32
	for _, c := range list {
		n, ok := r.g.at(r.g.byLog[log], c.Added)
		if !ok || r.g.entries[n].gone {
			continue // deleted meanwhile
		}
		from := r.g.entries[n].label
		if from == c.To {
			continue
		}
		both, err := r.labels.union(ctx, from, c.To)
		if err != nil {
			return nil, err
		}
		if both != from {
			batch.Relabel = append(batch.Relabel, store.Relabel{Added: c.Added, From: from, To: both})
			r.g.entries[n].label = both
			r.g.joined(n, r.labels.of(from), r.labels.of(both), came[n])
			entries = append(entries, n)
			if err := r.learn(ctx, n, c.To); err != nil {
				return nil, err
			}
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}
	again := entries
	for _, n := range entries {
		if err := r.decideAgain(ctx, n, r.now()); err != nil {
			return nil, err
		}
		revoked, err := r.decideRevoked(ctx, n, r.now())
		if err != nil {
			return nil, err
		}
		again = append(again, revoked...)
	}
	r.refresh()
	var err error
	if batch.Put, err = r.cameDocs(ctx, entries); err != nil {
		return nil, err
	}
	if _, err := r.c.Store.Commit(ctx, &batch); err != nil {
		return nil, err
	}
	return again, nil
}

// Delete deletes versions of an object from a collection: from its log, from what
// is kept apart for partners, and from everybody's sight, with what rests on it. It
// returns how many it deleted; of sel counts what counts for store.Writer.
func (r *Releaser) Delete(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if err := r.step(ctx, log); err != nil {
		return 0, err
	}
	deleted := 0
	var entries []int32
	for _, l := range r.g.logs {
		if l.of != log || l.copies {
			continue
		}
		n, err := r.c.Store.Delete(ctx, l.id, id, sel)
		if err != nil {
			return 0, r.fail(err)
		}
		gone, err := r.forget(ctx, l, id)
		if err != nil {
			return 0, r.fail(err)
		}
		deleted, entries = deleted+n, append(entries, gone...)
	}
	if err := r.settle(ctx, entries); err != nil {
		return 0, r.fail(err)
	}
	return deleted, r.commit(ctx)
}

// forget takes what a log has no longer of an object out of the graph, and returns
// the entries that settle must look at.
func (r *Releaser) forget(ctx context.Context, l *logFacts, id stix.ID) ([]int32, error) {
	number, known := r.g.byID[r.g.key(id)]
	newest, held := l.newest[number]
	if !known || !held {
		return nil, nil
	}
	q := store.Query{IDs: []stix.ID{id}, Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: store.MaxVersions, Want: store.WantRows}
	var page store.Page
	if err := r.c.Store.Read(ctx, l.id, &q, &page); err != nil {
		return nil, err
	}
	left := map[store.Added]bool{}
	for i := range page.Rows {
		left[page.Rows[i].Added] = true
	}
	entries := slices.Clone(r.g.versions(newest))
	for _, n := range entries {
		if !left[r.g.entries[n].added] {
			if err := r.forgetCame(ctx, n); err != nil {
				return nil, err
			}
			r.g.remove(n)
			clear(r.rel.of(n))
			if err := r.deleteCopies(ctx, n); err != nil {
				return nil, err
			}
		}
	}
	return entries, nil
}
