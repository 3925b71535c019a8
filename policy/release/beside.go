package release

import (
	"context"
	"crypto/sha256"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// besideAll holds the objects that a partner sends, and that are taken, against all
// copies of them that are held for the collection, from whomever, and against each
// other: it sets the labels that they count as, and which of them must be kept
// apart. What the others count as now is noted in in.
func (r *Releaser) besideAll(ctx context.Context, in *intake) error {
	sent := map[stix.ID][]int{}
	var ids []stix.ID
	for k, i := range in.where {
		id := in.Objects[i].ID
		if sent[id] == nil {
			ids = append(ids, id)
		}
		sent[id] = append(sent[id], k)
	}
	for _, id := range ids {
		if err := r.beside(ctx, in, id, sent[id]); err != nil {
			return err
		}
	}
	return nil
}

// beside is besideAll for one object; sent are indexes in in.where.
func (r *Releaser) beside(ctx context.Context, in *intake, id stix.ID, sent []int) error {
	copies, entries, err := r.copiesOf(ctx, in.Log, id)
	held := len(copies)
	if err != nil || held+len(sent) < 2 {
		return err
	}
	for _, k := range sent {
		o := &in.Objects[in.where[k]]
		copies = append(copies, policy.Copy{Label: &in.sets[k][0], Version: o.Version(), Digest: stix.Digest(o.Raw)})
	}
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
	first := firstSent(copies)
	for j, k := range sent {
		f := &found[held+j]
		in.sets[k] = []policy.Label{*f.Label}
		apart := len(f.Faults) > 0
		switch before := first[held+j]; { // it stands where it stood
		case before < held:
			n := entries[before]
			apart = r.g.logs[r.g.entries[n].log].id != in.Log || slices.Contains(in.evicted, n)
		case before < held+j:
			apart = in.apart[sent[before-held]]
		}
		in.apart[k] = in.apart[k] || apart || slices.Contains(f.Label.Faults, "marking.forged")
	}
	return nil
}

// firstSent is, for each of copies, the first that is the same from the same partner.
func firstSent(copies []policy.Copy) []int {
	type content struct {
		from    policy.OrgID
		version stix.Timestamp
		digest  [sha256.Size]byte
	}
	known := map[content]int{}
	first := make([]int, len(copies))
	for i := range copies {
		c := content{copies[i].Label.From, copies[i].Version, copies[i].Digest}
		if _, ok := known[c]; !ok {
			known[c] = i
		}
		first[i] = known[c]
	}
	return first
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
