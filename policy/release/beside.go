package release

import (
	"context"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// beside holds an object that a partner sends against the copies of it that are
// held for the collection, from whomever. It returns the label that the new copy
// counts as, and whether it must be kept apart. What the others count as now is
// noted in in.
func (r *Releaser) beside(ctx context.Context, in *intake, o *stix.Object, label *policy.Label) (*policy.Label, bool, error) {
	copies, entries, err := r.copiesOf(ctx, in.Log, o.ID)
	if err != nil || len(copies) == 0 {
		return label, false, err
	}
	digest := stix.Digest(o.Raw)
	for i := range copies { // what the partner sent before says nothing new
		if c := &copies[i]; c.Label.From == in.Partner && c.Version == o.Version() && c.Digest == digest {
			return label, r.g.logs[r.g.entries[entries[i]].log].id != in.Log, nil
		}
	}
	copies = append(copies, policy.Copy{Label: label, Version: o.Version(), Digest: digest})
	found := policy.Compare(copies)
	for i, n := range entries {
		f := &found[i]
		switch {
		case r.g.logs[r.g.entries[n].log].id != in.Log: // is apart already
		case len(f.Faults) > 0:
			if !slices.Contains(in.evicted, n) {
				in.evicted = append(in.evicted, n)
			}
		case f.Label != copies[i].Label:
			in.raised = append(in.raised, raise{n, *copies[i].Label, *f.Label})
		}
	}
	last := &found[len(found)-1]
	return last.Label, len(last.Faults) > 0, nil
}

// A raise is a holding that counts as a stricter label now.
type raise struct {
	entry    int32
	was, now policy.Label
}

// copiesOf returns every holding of an object in a collection and apart from it,
// in order of arrival, with the entries they belong to.
func (r *Releaser) copiesOf(ctx context.Context, log store.LogID, id stix.ID) (copies []policy.Copy, entries []int32, err error) {
	number, known := r.g.byID[r.g.key(id)]
	if !known {
		return nil, nil, nil
	}
	for _, n := range r.g.ids[number].entries {
		f := &r.g.entries[n]
		if l := r.g.logs[f.log]; l.of != log || l.copies {
			continue
		}
		o, err := r.parsed(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		digest := stix.Digest(o.Raw)
		holdings := r.labels.of(f.label)
		for i := range holdings {
			copies = append(copies, policy.Copy{Label: &holdings[i], Version: o.Version(), Digest: digest})
			entries = append(entries, n)
		}
	}
	return copies, entries, nil
}

// raiseAll gives holdings the stricter labels that they count as beside what came.
func (r *Releaser) raiseAll(ctx context.Context, list []raise) error {
	for i := range list {
		f := &r.g.entries[list[i].entry]
		if f.gone {
			continue
		}
		set := slices.Clone(r.labels.of(f.label))
		was, err := text([]policy.Label{list[i].was})
		if err != nil {
			return err
		}
		for k := range set {
			if one, err := text(set[k : k+1]); err == nil && one == was {
				set[k] = list[i].now
			}
		}
		fresh, err := r.labels.intern(ctx, [][]policy.Label{set})
		if err != nil {
			return err
		}
		if old := f.label; fresh[0] != old {
			f.label = fresh[0]
			r.relabel(list[i].entry, old)
			if err := r.decideAgain(ctx, list[i].entry, r.now()); err != nil {
				return err
			}
			r.fresh = append(r.fresh, list[i].entry)
		}
	}
	return nil
}
