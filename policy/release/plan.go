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

// A Total counts entries of a collection for one partner.
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
	Version    string
	Release    bool
}

// Plan works out what Activate would do with set, and does nothing. Changes has
// at most limit elements.
func (r *Releaser) Plan(ctx context.Context, set *policy.Set, limit int) (*Plan, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.c.Collections {
		if err := r.step(context.WithoutCancel(ctx), c.Log); err != nil {
			return nil, err
		}
	}
	p, err := r.prospect(ctx, set, r.now())
	if err != nil {
		return nil, err
	}
	plan := &Plan{Totals: r.totals(p)}
	return plan, r.changes(ctx, p, plan, limit)
}

func (r *Releaser) totals(p *prospect) []Total {
	type key struct {
		partner policy.OrgID
		log     store.LogID
	}
	counts := map[key]*Total{}
	count := func(partner policy.OrgID, n int32) *Total {
		k := key{partner, r.g.logs[r.g.entries[n].log].of}
		t := counts[k]
		if t == nil {
			t = &Total{Partner: partner, Collection: k.log}
			counts[k] = t
		}
		return t
	}
	for n := range r.g.entries {
		if r.g.entries[n].gone {
			continue
		}
		shown, rel := p.o.shown.of(int32(n)), p.rel.of(int32(n))
		for i, partner := range p.o.partners {
			switch now, was := shown.has(i), rel.has(i); {
			case now && was:
				count(partner, int32(n)).Stays++
			case now:
				count(partner, int32(n)).Released++
			case was:
				count(partner, int32(n)).Withdrawn++
			}
		}
	}
	for i, partner := range r.o.partners { // whose agreements end
		if _, stays := p.o.number[partner]; !stays {
			r.eachReleased(i, func(n int32) { count(partner, n).Withdrawn++ })
		}
	}
	var out []Total
	for _, t := range counts {
		if t.Released+t.Withdrawn > 0 {
			out = append(out, *t)
		}
	}
	slices.SortFunc(out, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Partner, b.Partner), cmp.Compare(a.Collection, b.Collection))
	})
	return out
}

// eachReleased calls fn for every entry that partner i has.
func (r *Releaser) eachReleased(i int, fn func(n int32)) {
	for n := range r.g.entries {
		if !r.g.entries[n].gone && r.rel.of(int32(n)).has(i) {
			fn(int32(n))
		}
	}
}

// changes names the first limit changes.
func (r *Releaser) changes(ctx context.Context, p *prospect, plan *Plan, limit int) error {
	for _, n := range p.changed {
		shown, rel := p.o.shown.of(n), p.rel.of(n)
		var o stix.Object
		for i, partner := range p.o.partners {
			if shown.has(i) == rel.has(i) {
				continue
			}
			if len(plan.Changes) >= limit {
				plan.More++
				continue
			}
			if o.Raw == "" {
				raw, err := r.object(ctx, n)
				if err == nil {
					o, err = stix.Parse(raw)
				}
				if err != nil {
					return err
				}
			}
			plan.Changes = append(plan.Changes, Change{Partner: partner, Collection: r.g.logs[r.g.entries[n].log].of,
				Object: o.ID, Version: cmp.Or(o.VersionText(), r.g.entries[n].added.String()), Release: shown.has(i)})
		}
	}
	return nil
}
