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
