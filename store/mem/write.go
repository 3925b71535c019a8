package mem

import (
	"context"
	"slices"

	"entente/stix"
	"entente/store"
)

// Commit implements [store.Writer].
func (s *Store) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	if err := store.CheckBatch(b); err != nil {
		return store.Receipt{}, err
	}
	if err := s.enterWriter(ctx); err != nil {
		return store.Receipt{}, err
	}
	defer s.leaveWriter()
	l := s.logs[b.Log]
	if l == nil {
		l = &log{byID: map[stix.ID][]*entry{}}
	}
	if c := b.Cursor; c != nil && s.cursors[c.Name] != c.From {
		return store.Receipt{}, store.ErrConflict
	}
	receipt, stored, err := l.decide(b)
	if err != nil {
		return store.Receipt{}, err
	}
	docs := map[docKey]store.Document{}
	if err := s.putAll(docs, b.Put); err != nil {
		return store.Receipt{}, err
	}
	if b.Then != nil {
		if err := s.putAll(docs, b.Then(receipt)); err != nil {
			return store.Receipt{}, err
		}
	}
	if s.beforeCommit != nil {
		s.beforeCommit()
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if len(stored) > 0 {
		s.logs[b.Log] = l
		l.add(stored)
	}
	if b.Cursor != nil {
		s.cursors[b.Cursor.Name] = b.Cursor.To
	}
	for k, d := range docs {
		s.docs[k] = d
	}
	return receipt, nil
}

// decide says what becomes of b.Objects and returns the new entries. It changes
// nothing.
func (l *log) decide(b *store.Batch) (store.Receipt, []*entry, error) {
	r := store.Receipt{
		Outcomes: make([]store.Outcome, len(b.Objects)),
		Added:    make([]store.Added, len(b.Objects)),
	}
	where := make([]*entry, len(b.Objects)) // the entry that is stored now, nil if none
	versions := map[stix.ID][]*entry{}      // of the objects in b, with those of b so far
	var stored []*entry
	for i := range b.Objects {
		o := clone(b.Objects[i])
		if versions[o.ID] == nil {
			versions[o.ID] = slices.Clone(l.byID[o.ID])
		}
		r.Outcomes[i], where[i] = outcome(&o, versions[o.ID])
		if r.Outcomes[i] == store.Stored {
			where[i] = &entry{obj: o, own: o.Version()}
			versions[o.ID] = append(versions[o.ID], where[i])
			stored = append(stored, where[i])
		}
	}
	if len(stored) > 0 {
		first, err := store.Number(l.head, b.At, len(stored))
		if err != nil {
			return store.Receipt{}, nil, err
		}
		for i, e := range stored {
			e.added = first + store.Added(i)
		}
	}
	for i, e := range where {
		if e != nil {
			r.Added[i] = e.added
		}
	}
	return r, stored, nil
}

// outcome tries the rules of store.Outcome on o in a log that has these
// versions of it, and returns the version that makes it Duplicate or Differs.
func outcome(o *stix.Object, versions []*entry) (store.Outcome, *entry) {
	v := o.Version()
	if v == "" {
		for _, e := range versions {
			if stix.Equal(e.obj.Raw, o.Raw) {
				return store.Duplicate, e
			}
		}
	} else {
		for _, e := range versions {
			if e.own != v {
				continue
			}
			if stix.Equal(e.obj.Raw, o.Raw) {
				return store.Duplicate, e
			}
			return store.Differs, e
		}
		if o.Modified != "" && foreign(o, versions) {
			return store.Foreign, nil
		}
		if !o.Revoked && afterRevoked(v, versions) {
			return store.AfterRevoked, nil
		}
	}
	if len(versions) >= store.MaxVersions {
		return store.TooMany, nil
	}
	return store.Stored, nil
}

// foreign reports whether o cannot be by the creator of the newest version.
func foreign(o *stix.Object, versions []*entry) bool {
	var newest *entry
	for _, e := range versions {
		if e.own != "" && (newest == nil || e.own > newest.own) {
			newest = e
		}
	}
	if newest == nil {
		return false
	}
	return created(&newest.obj) != created(o) || newest.obj.CreatedBy != o.CreatedBy
}

// created is o's created as an instant, "" if absent.
func created(o *stix.Object) stix.Timestamp {
	h := stix.Header{Created: o.Created}
	return h.Version()
}

// afterRevoked reports whether a version before v is revoked.
func afterRevoked(v stix.Timestamp, versions []*entry) bool {
	for _, e := range versions {
		if e.own != "" && e.own < v && e.obj.Revoked {
			return true
		}
	}
	return false
}

// add appends new entries.
func (l *log) add(stored []*entry) {
	for _, e := range stored {
		l.entries = append(l.entries, e)
		l.byID[e.obj.ID] = append(l.byID[e.obj.ID], e)
		l.bytes += int64(len(e.obj.Raw))
		l.head = e.added
	}
}

// Delete implements [store.Writer].
func (s *Store) Delete(ctx context.Context, id store.LogID, object stix.ID, sel *store.Query) (int, error) {
	if err := store.CheckLog(id); err != nil {
		return 0, err
	}
	if err := s.enterWriter(ctx); err != nil {
		return 0, err
	}
	defer s.leaveWriter()
	l := s.logs[id]
	if l == nil {
		return 0, nil
	}
	gone := l.choose(&store.Query{
		IDs: []stix.ID{object}, After: sel.After, SpecVersions: sel.SpecVersions, Versions: sel.Versions,
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	isGone := func(e *entry) bool { return slices.Contains(gone, e) }
	l.entries = slices.DeleteFunc(l.entries, isGone)
	l.byID[object] = slices.DeleteFunc(l.byID[object], isGone)
	for _, e := range gone {
		l.bytes -= int64(len(e.obj.Raw))
	}
	return len(gone), nil
}
