package release

import (
	"context"
	"fmt"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A Finding says what a partner gets of one entry, and why. It is for operators
// only: partners never learn the difference between withheld and absent.
type Finding struct {
	Collection store.LogID // its log
	Log        store.LogID // that has the entry: the collection's, or another for what is kept apart for a partner
	Version    string      // as clients name it
	Added      store.Added
	Holdings   []policy.Label
	Visible    bool
	Copy       stix.ID         // of the redacted copy that the partner sees instead; "" if it sees the object
	Released   store.Added     // in the partner's release log; 0 if it is not in it
	Decision   policy.Decision // with reasons
	Flow       *policy.Flow    // that decided; nil if the partner has none for the collection
	Rests      []policy.Reason // why it is hidden although the decision allows it: what it rests on is hidden
}

// Explain says what partner gets of every version of an object that is held, in
// all collections, in the order in which they came.
func (r *Releaser) Explain(ctx context.Context, partner policy.OrgID, id stix.ID) ([]Finding, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.c.Collections {
		if err := r.step(context.WithoutCancel(ctx), c.Log); err != nil {
			return nil, err
		}
	}
	p, ok := r.o.number[partner]
	if !ok {
		return nil, fmt.Errorf("explain: there is no agreement with %s: %w", partner, store.ErrNotFound)
	}
	number, ok := r.g.byID[r.g.key(id)]
	if !ok {
		return nil, nil
	}
	var found []Finding
	for _, n := range r.g.ids[number].entries {
		f, err := r.finding(ctx, p, n)
		if err != nil {
			return nil, err
		}
		found = append(found, *f)
	}
	return found, nil
}

func (r *Releaser) finding(ctx context.Context, p int, n int32) (*Finding, error) {
	entry := &r.g.entries[n]
	log := r.g.logs[entry.log]
	o, err := r.parsed(ctx, n)
	if err != nil {
		return nil, err
	}
	holdings := r.labels.of(entry.label)
	f := &Finding{Collection: log.of, Log: log.id, Version: o.VersionText(), Added: entry.added, Holdings: holdings, Visible: r.o.shown.of(n).has(p)}
	if f.Version == "" {
		f.Version = entry.added.String()
	}
	flows, traits := r.b.flows[r.g.byLog[log.of]][p], r.traits(n, o.Raw)
	if len(flows) > 0 && log.id == log.of && traits != nil {
		f.Decision, f.Flow, _ = policy.Best(flows, holdings, traits, r.now(), true)
	}
	if copied, ok := r.copies.of[copyKey{n, r.o.partners[p]}]; ok && r.o.shown.of(copied).has(p) {
		if o, err = r.parsed(ctx, copied); err != nil {
			return nil, err
		}
		entry, f.Visible, f.Copy = &r.g.entries[copied], true, o.ID
		log = r.g.logs[entry.log]
	}
	if f.Decision.Effect != policy.Withhold && !f.Visible {
		f.Rests = r.rests(p, n, &o)
	}
	if !f.Visible {
		return f, nil
	}
	q := store.Query{IDs: []stix.ID{o.ID}, Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: store.MaxVersions, Want: store.WantRows | store.WantSource}
	var page store.Page
	if err := r.c.Store.Read(ctx, Of(r.o.partners[p], log.of), &q, &page); err != nil {
		return nil, err
	}
	for i := range page.Rows {
		if row := &page.Rows[i]; row.Of == log.id && row.At == entry.added {
			f.Released = row.Added
		}
	}
	return f, nil
}

// rests says what hides an entry that the decision allows.
func (r *Releaser) rests(p int, n int32, o *stix.Object) []policy.Reason {
	var reasons []policy.Reason
	hidden := func(rule, format string, args ...any) {
		reasons = append(reasons, policy.Reason{Stage: policy.StageClosure, Rule: rule, Effect: policy.Withhold, Text: fmt.Sprintf(format, args...)})
	}
	if key := r.b.key(r.g, &r.g.entries[n]); len(r.b.sharing(key.log, p, key.era)) < len(r.b.flows[key.log][p]) && !r.rel.of(n).has(p) {
		hidden("changes.retroactive", "it came before the agreement shares what comes in")
	}
	if newest := r.o.newestFor(n, p); newest != n && !r.o.vis.of(newest).has(p) {
		hidden("version.newest-hidden", "a newer version of the object is withheld, and the newest version governs")
	}
	if err := r.in.Inspect(o.Raw, &r.content); err != nil {
		hidden("reference.hidden", "what it mentions cannot be read: %v", err)
	}
	for _, id := range mentions(&r.content) {
		number, known := r.g.byID[r.g.key(id)]
		switch {
		case known && r.g.ids[number].known || id == o.ID:
		case !known || len(r.g.ids[number].entries) == 0:
			if !r.o.unheld.has(p) {
				hidden("reference.hidden", "it mentions %s, which is not held here", id)
			}
		case !r.o.idVis.of(number).has(p):
			hidden("reference.hidden", "it mentions %s, which the partner does not see", id)
		}
	}
	if r.g.entries[n].marking && len(reasons) == 0 {
		hidden("marking.unused", "the partner sees nothing that is marked with it")
	}
	return reasons
}
