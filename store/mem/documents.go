package mem

import (
	"cmp"
	"context"
	"slices"

	"entente/store"
)

// putAll adds to staged what putting docs one after the other makes of the
// documents there are, those in staged included.
func (s *Store) putAll(staged map[docKey]store.Document, docs []store.Document) error {
	if err := store.CheckDocuments(docs); err != nil {
		return err
	}
	for _, d := range docs {
		k := docKey{d.Kind, d.ID}
		now, ok := staged[k]
		if !ok {
			now = s.docs[k]
		}
		if now.Rev != d.Rev {
			return store.ErrConflict
		}
		d = cloneDocument(d)
		d.Rev++
		staged[k] = d
	}
	return nil
}

// Document implements [store.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (store.Document, error) {
	if err := s.enter(ctx); err != nil {
		return store.Document{}, err
	}
	defer s.leave()
	d, ok := s.docs[docKey{kind, id}]
	if !ok {
		return store.Document{}, store.ErrNotFound
	}
	return cloneDocument(d), nil
}

// Documents implements [store.Documents].
func (s *Store) Documents(ctx context.Context, kind string) ([]store.Document, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	var docs []store.Document
	for k, d := range s.docs {
		if k.kind == kind {
			docs = append(docs, cloneDocument(d))
		}
	}
	slices.SortFunc(docs, func(a, b store.Document) int { return cmp.Compare(a.ID, b.ID) })
	return docs, nil
}

// Put implements [store.Documents].
func (s *Store) Put(ctx context.Context, d store.Document) (uint64, error) {
	if _, err := s.Commit(ctx, &store.Batch{Put: []store.Document{d}}); err != nil {
		return 0, err
	}
	return d.Rev + 1, nil
}

// Remove implements [store.Documents].
func (s *Store) Remove(ctx context.Context, kind, id string, rev uint64) error {
	if err := s.enterWriter(ctx); err != nil {
		return err
	}
	defer s.leaveWriter()
	k := docKey{kind, id}
	d, ok := s.docs[k]
	if !ok {
		return store.ErrNotFound
	}
	if d.Rev != rev {
		return store.ErrConflict
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.docs, k)
	return nil
}

// Expire implements [store.Documents].
func (s *Store) Expire(ctx context.Context, now store.Added, limit int) (int, error) {
	if err := s.enterWriter(ctx); err != nil {
		return 0, err
	}
	defer s.leaveWriter()
	var due []store.Document
	for _, d := range s.docs {
		if 0 < d.Expires && d.Expires <= now {
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(a, b store.Document) int {
		return cmp.Or(cmp.Compare(a.Expires, b.Expires), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	due = due[:max(0, min(limit, len(due)))]
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range due {
		delete(s.docs, docKey{d.Kind, d.ID})
	}
	return len(due), nil
}

// Cursor implements [store.Documents].
func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.leave()
	return s.cursors[name], nil
}
