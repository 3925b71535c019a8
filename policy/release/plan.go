package release

import (
	"cmp"
	"context"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A Plan is what putting a set of agreements in force would change.
type Plan struct {
	Totals  []Total  // by partner and collection, those with a change only
	Changes []Change // the first of them, as many as were asked for
	More    int      // changes beyond those
}

// A Total counts entries of a collection for one partner. A partner without an
// agreement sees nothing: of one that leaves everything is withdrawn.
type Total struct {
	Partner    policy.OrgID
	Collection store.LogID
	Released   int // newly
	Withdrawn  int
	Stays      int
}

// A Change is one entry that a partner would newly see, or no longer.
type Change struct {
	Partner    policy.OrgID
	Collection store.LogID
	Object     stix.ID
	Version    string // as clients name it; "" if it is to be named by when a copy is made
	Release    bool
}

// Plan works out what Activate would do with set, and does nothing. What has to go at
// once, because its retention is over under set, counts as withdrawn from those who see
// it. Changes has at most limit elements.
func (r *Releaser) Plan(ctx context.Context, set *policy.Set, limit int) (*Plan, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.c.Collections {
		if err := r.step(context.WithoutCancel(ctx), c.Log); err != nil {
			return nil, err
		}
	}
	s := r.suppose()
	defer s.forget()
	p, err := r.prospect(ctx, set, r.now(), s)
	if err != nil {
		return nil, err
	}
	d := &drawing{r: r, p: p, s: s, limit: limit, totals: map[totalKey]*Total{}}
	if err := d.draw(ctx); err != nil {
		return nil, err
	}
	return d.finish(), nil
}

// A drawing is a Plan at work.
type drawing struct {
	Plan
	r      *Releaser
	p      *prospect
	s      *supposing
	limit  int
	totals map[totalKey]*Total
}

type totalKey struct {
	partner policy.OrgID
	log     store.LogID
}

// A side is a partner's number in the outlook in force and in the prospect, -1 if
// it has no agreement there and sees nothing.
type side struct {
	partner  policy.OrgID
	was, now int
}

// sides are those who have an agreement in force, and those who get one.
func (d *drawing) sides() []side {
	var all []side
	for i, partner := range d.r.o.partners {
		now, stays := d.p.o.number[partner]
		if !stays {
			now = -1
		}
		all = append(all, side{partner, i, now})
	}
	for i, partner := range d.p.o.partners {
		if _, known := d.r.o.number[partner]; !known {
			all = append(all, side{partner, -1, i})
		}
	}
	slices.SortFunc(all, func(a, b side) int { return cmp.Compare(a.partner, b.partner) })
	return all
}

// draw counts what everybody sees, and names what changes.
func (d *drawing) draw(ctx context.Context) error {
	sides := d.sides()
	d.r.rel.grow(len(d.r.g.entries)) // of copies that are only supposed nobody has any
	var changed []Change
	for i := range d.r.g.entries {
		n := int32(i)
		if d.r.g.entries[n].gone {
			continue
		}
		rel, shown := d.r.rel.of(n), d.p.o.shown.of(n)
		changed = changed[:0]
		for _, s := range sides {
			was, now := s.was >= 0 && rel.has(s.was), s.now >= 0 && shown.has(s.now)
			if d.count(s.partner, n, was, now) {
				changed = append(changed, Change{Partner: s.partner, Release: now})
			}
		}
		if err := d.list(ctx, n, changed); err != nil {
			return err
		}
	}
	return nil
}

// count counts entry n for a partner, and reports whether something changes.
func (d *drawing) count(partner policy.OrgID, n int32, was, now bool) bool {
	if !was && !now {
		return false
	}
	key := totalKey{partner, d.r.g.logs[d.r.g.entries[n].log].of}
	t := d.totals[key]
	if t == nil {
		t = &Total{Partner: partner, Collection: key.log}
		d.totals[key] = t
	}
	switch {
	case was && now:
		t.Stays++
	case now:
		t.Released++
	default:
		t.Withdrawn++
	}
	return was != now
}

// list names changes of entry n, as far as there is room.
func (d *drawing) list(ctx context.Context, n int32, changed []Change) error {
	room := max(0, min(len(changed), d.limit-len(d.Changes)))
	d.More += len(changed) - room
	if room == 0 {
		return nil
	}
	raw, err := d.s.text(ctx, n)
	if err != nil {
		return err
	}
	o, err := stix.Parse(raw)
	if err != nil {
		return err
	}
	version := o.VersionText()
	if _, supposed := d.s.texts[n]; version == "" && !supposed {
		version = d.r.g.entries[n].added.String()
	}
	for _, c := range changed[:room] {
		c.Collection, c.Object, c.Version = d.r.g.logs[d.r.g.entries[n].log].of, o.ID, version
		d.Changes = append(d.Changes, c)
	}
	return nil
}

// finish is the Plan, with the totals of those for whom something changes.
func (d *drawing) finish() *Plan {
	for _, t := range d.totals {
		if t.Released+t.Withdrawn > 0 {
			d.Totals = append(d.Totals, *t)
		}
	}
	slices.SortFunc(d.Totals, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Partner, b.Partner), cmp.Compare(a.Collection, b.Collection))
	})
	return &d.Plan
}
