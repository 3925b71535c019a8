package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"entente/store"
)

// put plans to write docs, one after the other.
func (g *group) put(docs []store.Document) error {
	if err := store.CheckDocuments(docs); err != nil {
		return err
	}
	// All or none: what an earlier batch has put stays if these are refused.
	staged := map[docKey]store.Document{}
	for _, d := range docs {
		k := docKey{d.Kind, d.ID}
		now, ok := staged[k]
		if !ok {
			now, ok = g.docs[k]
		}
		if !ok {
			var err error
			var there bool
			if now, there, err = getDoc(g.tx, k); err != nil {
				return err
			}
			g.past.keep(k, now, there)
		}
		if now.Rev != d.Rev {
			return store.ErrConflict
		}
		d.Rev++
		staged[k] = d
	}
	maps.Copy(g.docs, staged)
	return nil
}

func (g *group) writeDocs() error {
	keys := slices.SortedFunc(maps.Keys(g.docs), func(a, b docKey) int { return bytes.Compare(a.text(), b.text()) })
	for _, k := range keys {
		if err := removeDoc(g.tx, k); err != nil {
			return err
		}
		d := g.docs[k]
		b := make([]byte, 16, 16+len(d.Body))
		binary.BigEndian.PutUint64(b, d.Rev)
		binary.BigEndian.PutUint64(b[8:], uint64(d.Expires))
		if err := g.tx.Bucket(bucketDoc).Put(k.text(), append(b, d.Body...)); err != nil {
			return err
		}
		if d.Expires > 0 {
			if err := g.tx.Bucket(bucketExpiry).Put(expiryKey(d.Expires, k), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// getDoc reads a document; its Body is valid during the transaction.
func getDoc(tx *bbolt.Tx, k docKey) (store.Document, bool, error) {
	v := tx.Bucket(bucketDoc).Get(k.text())
	if v == nil {
		return store.Document{}, false, nil
	}
	d, err := readDoc(k, v)
	return d, true, err
}

func readDoc(k docKey, v []byte) (store.Document, error) {
	if len(v) < 16 {
		return store.Document{}, fmt.Errorf("%w: document %s/%s of %d bytes", store.ErrCorrupt, k.kind, k.id, len(v))
	}
	return store.Document{
		Kind: k.kind, ID: k.id, Rev: binary.BigEndian.Uint64(v),
		Expires: store.Added(binary.BigEndian.Uint64(v[8:])), Body: v[16:],
	}, nil
}

// removeDoc deletes a document, if it is there, with its place in the expiry index.
func removeDoc(tx *bbolt.Tx, k docKey) error {
	d, ok, err := getDoc(tx, k)
	if err != nil || !ok {
		return err
	}
	if d.Expires > 0 {
		if err := tx.Bucket(bucketExpiry).Delete(expiryKey(d.Expires, k)); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketDoc).Delete(k.text())
}

// Document implements [store.Documents].
func (s *Store) Document(ctx context.Context, kind, id string) (d store.Document, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx, past *past) error {
		found, ok, err := past.doc(tx, docKey{kind, id})
		if err == nil && !ok {
			return store.ErrNotFound
		}
		d = found
		d.Body = bytes.Clone(d.Body)
		return err
	})
	if err != nil {
		return store.Document{}, err
	}
	return d, nil
}

// Documents implements [store.Documents].
func (s *Store) Documents(ctx context.Context, kind string) (docs []store.Document, err error) {
	prefix := docKey{kind, ""}.text()
	err = s.view(ctx, func(tx *bbolt.Tx, past *past) error {
		c := tx.Bucket(bucketDoc).Cursor()
		for key, v := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, v = c.Next() {
			k := docKey{kind, string(key[len(prefix):])}
			if past.has(k) {
				continue
			}
			d, err := readDoc(k, v)
			if err != nil {
				return err
			}
			d.Body = bytes.Clone(d.Body)
			docs = append(docs, d)
		}
		docs = past.addTo(docs, kind)
		return nil
	})
	return docs, err
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
	k := docKey{kind, id}
	return s.doAlone(ctx, func() error {
		return s.update(func(tx *bbolt.Tx) error {
			d, ok, err := getDoc(tx, k)
			switch {
			case err != nil:
				return err
			case !ok:
				return store.ErrNotFound
			case d.Rev != rev:
				return store.ErrConflict
			}
			return removeDoc(tx, k)
		})
	})
}

// Expire implements [store.Documents].
func (s *Store) Expire(ctx context.Context, now store.Added, limit int) (n int, err error) {
	err = s.doAlone(ctx, func() error {
		err := s.update(func(tx *bbolt.Tx) error {
			n = 0
			var due []docKey
			c := tx.Bucket(bucketExpiry).Cursor()
			for key, _ := c.First(); key != nil && len(due) < limit; key, _ = c.Next() {
				k, expires, err := readExpiry(key)
				if err != nil {
					return err
				}
				if expires > now {
					break
				}
				due = append(due, k)
			}
			if len(due) == 0 {
				return errNothing
			}
			for _, k := range due {
				if err := removeDoc(tx, k); err != nil {
					return err
				}
			}
			n = len(due)
			return nil
		})
		if isNothing(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// readExpiry reads a key of the expiry index.
func readExpiry(key []byte) (docKey, store.Added, error) {
	if len(key) > 8 {
		if kind, id, ok := strings.Cut(string(key[8:]), "\x00"); ok {
			return docKey{kind, id}, store.Added(binary.BigEndian.Uint64(key)), nil
		}
	}
	return docKey{}, 0, fmt.Errorf("%w: expiry key %x", store.ErrCorrupt, key)
}

// Cursor implements [store.Documents].
func (s *Store) Cursor(ctx context.Context, name string) (value string, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx, past *past) error {
		value = past.cursor(tx, name)
		return s.failed()
	})
	return value, err
}
