package mem

import (
	"context"
	"slices"

	"entente/stix"
	"entente/store"
)

// Read implements [store.Reader].
func (s *Store) Read(ctx context.Context, id store.LogID, q *store.Query, p *store.Page) error {
	if err := store.CheckRead(id, q); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	p.Reset()
	l := s.logs[id]
	if l == nil {
		return nil
	}
	found := page(gate(l.choose(q), q.Gate), q.From)
	if n := min(q.Limit, fitting(found, q)); n < len(found) {
		found, p.More = found[:n], true
	}
	fill(p, found, q.Want)
	if q.Take == nil || p.N == 0 {
		return nil
	}
	objects := p.Objects
	p.Objects = nil
	n, err := q.Take([][]byte{objects})
	p.Objects = objects[n:]
	return err
}

// fitting is how many of found q.MaxBytes leaves.
func fitting(found []*entry, q *store.Query) int {
	if q.MaxBytes == 0 || q.Want&(store.WantObjects|store.WantDeflated) == 0 {
		return len(found)
	}
	size := 0
	for i, e := range found {
		if size += len(e.obj.Raw); size >= q.MaxBytes {
			return i + 1
		}
	}
	return len(found)
}

// fill describes found in p, which is empty.
func fill(p *store.Page, found []*entry, want store.Want) {
	p.N = len(found)
	if p.N == 0 {
		return
	}
	p.First, p.Last = found[0].added, found[p.N-1].added
	var plain []byte
	for i, e := range found {
		row := store.Row{Added: e.added, ID: e.obj.ID, Version: e.versionText(), SpecVersion: e.obj.SpecVersion}
		if want&store.WantObjects != 0 {
			if i > 0 {
				p.Objects = append(p.Objects, ',')
			}
			p.Objects = append(p.Objects, e.obj.Raw...)
			row.End = len(p.Objects)
		}
		if want&store.WantSource != 0 {
			row.Label, row.Of, row.At = e.label, e.of, e.at
		}
		if want&store.WantDeflated != 0 {
			if i > 0 {
				plain = append(plain, ',')
			}
			plain = append(plain, e.obj.Raw...)
		}
		if want&store.WantRows != 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	if want&store.WantDeflated != 0 {
		p.Parts = append(p.Parts, store.Part{Plain: plain, Size: len(plain)})
	}
}

// choose returns what q selects before paging: steps 1 to 4 of Query.
func (l *log) choose(q *store.Query) []*entry {
	var left []*entry
	for _, e := range l.entries {
		if (len(q.Types) == 0 || slices.Contains(q.Types, e.obj.Type)) &&
			(len(q.IDs) == 0 || slices.Contains(q.IDs, e.obj.ID)) &&
			l.specMatches(e, q.SpecVersions) &&
			e.added > q.After {
			left = append(left, e)
		}
	}
	return chooseVersions(left, &q.Versions)
}

// specMatches reports whether e is of one of the spec versions listed, or, if
// none is, of the newest that the log holds of the object.
func (l *log) specMatches(e *entry, listed []string) bool {
	if len(listed) > 0 {
		return slices.Contains(listed, e.obj.SpecVersion)
	}
	for _, other := range l.byID[e.obj.ID] {
		if other.obj.SpecVersion > e.obj.SpecVersion {
			return false
		}
	}
	return true
}

// chooseVersions keeps of entries, which are in order of Added, those that v
// selects among the entries of the same object.
func chooseVersions(entries []*entry, v *store.Versions) []*entry {
	if v.All {
		return entries
	}
	first, last := map[stix.ID]*entry{}, map[stix.ID]*entry{}
	for _, e := range entries {
		id := e.obj.ID
		if f := first[id]; f == nil || newer(f, e) {
			first[id] = e
		}
		if l := last[id]; l == nil || newer(e, l) {
			last[id] = e
		}
	}
	wantLast := v.Last || v.OnlyLast()
	var chosen []*entry
	for _, e := range entries {
		if v.First && first[e.obj.ID] == e ||
			wantLast && last[e.obj.ID] == e ||
			len(v.Exact) > 0 && slices.Contains(v.Exact, e.version()) {
			chosen = append(chosen, e)
		}
	}
	return chosen
}

// gate keeps the entries whose label is in set; all if set is nil.
func gate(entries []*entry, set store.LabelSet) []*entry {
	if set == nil {
		return entries
	}
	var kept []*entry
	for _, e := range entries {
		if set.Has(e.label) {
			kept = append(kept, e)
		}
	}
	return kept
}

// page drops the entries up to from.
func page(entries []*entry, from store.Added) []*entry {
	for i, e := range entries {
		if e.added > from {
			return entries[i:]
		}
	}
	return nil
}

// Has implements [store.Reader].
func (s *Store) Has(ctx context.Context, id store.LogID, object stix.ID) (bool, error) {
	if err := store.CheckLog(id); err != nil {
		return false, err
	}
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	l := s.logs[id]
	return l != nil && len(l.byID[object]) > 0, nil
}

// Stat implements [store.Reader].
func (s *Store) Stat(ctx context.Context, id store.LogID) (store.Stat, error) {
	if err := store.CheckLog(id); err != nil {
		return store.Stat{}, err
	}
	if err := s.enter(ctx); err != nil {
		return store.Stat{}, err
	}
	defer s.leave()
	l := s.logs[id]
	if l == nil {
		return store.Stat{}, nil
	}
	return store.Stat{Head: l.head, Entries: int64(len(l.entries)), Bytes: l.bytes}, nil
}

// Logs implements [store.Reader].
func (s *Store) Logs(ctx context.Context) ([]store.LogID, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	var ids []store.LogID
	for id := range s.logs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}
