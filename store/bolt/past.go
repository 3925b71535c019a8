package bolt

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"entente/store"
)

// A past is what documents and cursors were before the commit that is under way.
// bbolt shows a commit to readers before it is durable, and before the index has
// it; whoever reads in that time is given the past instead, so that a commit
// becomes visible as a whole: when publishAll takes the past away.
type past struct {
	docs    map[docKey]*store.Document // nil: there was none
	cursors map[string]string
}

func newPast() past { return past{docs: map[docKey]*store.Document{}, cursors: map[string]string{}} }

// keep notes what a document is; the first time counts.
func (p *past) keep(k docKey, d store.Document, there bool) {
	if p.has(k) {
		return
	}
	p.docs[k] = nil
	if there {
		d.Body = bytes.Clone(d.Body)
		p.docs[k] = &d
	}
}

// show has readers see p from now on; nil means what is in the file. It is called
// before a commit, and again if that fails.
func (s *Store) show(p *past) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past = p
}

// view runs fn in a read transaction, with the past that goes with it, which may
// be nil.
func (s *Store) view(ctx context.Context, fn func(*bbolt.Tx, *past) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	s.mu.RLock()
	tx, err := s.db.Begin(false)
	p := s.past
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // of a read transaction it cannot fail
	return fn(tx, p)
}

func (p *past) has(k docKey) bool {
	if p == nil {
		return false
	}
	_, ok := p.docs[k]
	return ok
}

// doc is getDoc.
func (p *past) doc(tx *bbolt.Tx, k docKey) (store.Document, bool, error) {
	if !p.has(k) {
		return getDoc(tx, k)
	}
	if d := p.docs[k]; d != nil {
		return *d, true, nil
	}
	return store.Document{}, false, nil
}

// addTo adds the documents of a kind to docs, which lacks them, by ID.
func (p *past) addTo(docs []store.Document, kind string) []store.Document {
	if p == nil {
		return docs
	}
	for k, d := range p.docs {
		if d == nil || k.kind != kind {
			continue
		}
		old := *d
		old.Body = bytes.Clone(d.Body)
		at, _ := slices.BinarySearchFunc(docs, k.id, func(d store.Document, id string) int { return cmp.Compare(d.ID, id) })
		docs = slices.Insert(docs, at, old)
	}
	return docs
}

func (p *past) cursor(tx *bbolt.Tx, name string) string {
	if p != nil {
		if value, ok := p.cursors[name]; ok {
			return value
		}
	}
	return string(tx.Bucket(bucketCursor).Get([]byte(name)))
}
