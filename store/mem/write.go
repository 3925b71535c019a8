package mem

import (
	"context"
	"fmt"

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
	if c := b.Cursor; c != nil && s.cursors[c.Name] != c.From {
		return store.Receipt{}, store.ErrConflict
	}
	c, receipt, err := s.change(b)
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
	c.apply()
	if b.Cursor != nil {
		s.cursors[b.Cursor.Name] = b.Cursor.To
	}
	for k, d := range docs {
		s.docs[k] = d
	}
	return receipt, nil
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

// Delete implements [store.Writer].
func (s *Store) Delete(ctx context.Context, id store.LogID, of stix.ID, sel *store.Query) (int, error) {
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
	if l.releases {
		return 0, fmt.Errorf("%w: delete in %q, which is a release log", store.ErrInvalid, id)
	}
	gone := map[*object]bool{}
	for _, e := range l.choose(&store.Query{
		IDs: []stix.ID{of}, After: sel.After, SpecVersions: sel.SpecVersions, Versions: sel.Versions,
	}) {
		gone[e.object] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		l.remove(gone)
	}
	return len(gone), nil
}
