// Package fault makes a [store.Store] fail where a test wants it to: before a
// call took effect, or after, when the caller cannot know.
package fault

import (
	"context"
	"fmt"
	"sync"

	"entente/stix"
	"entente/store"
)

// An Op is a method of [store.Store].
type Op string

const (
	Read      Op = "Read"
	Has       Op = "Has"
	Stat      Op = "Stat"
	Logs      Op = "Logs"
	Commit    Op = "Commit"
	Delete    Op = "Delete"
	Document  Op = "Document"
	Documents Op = "Documents"
	Put       Op = "Put"
	Remove    Op = "Remove"
	Expire    Op = "Expire"
	Cursor    Op = "Cursor"
)

// Writes reports whether the Op changes something.
func (op Op) Writes() bool {
	switch op {
	case Commit, Delete, Put, Remove, Expire:
		return true
	}
	return false
}

// A Plan is asked at the n-th call of op, from 1. If err is nil the call goes
// on as if nothing were. Otherwise the call returns err and nothing else, after
// it took effect if apply is true, without if not. It may be called concurrently.
type Plan func(op Op, n int) (apply bool, err error)

// Nth fails the n-th call of op, and only that one.
func Nth(op Op, n int, apply bool, err error) Plan {
	return func(o Op, i int) (bool, error) {
		if o == op && i == n {
			return apply, err
		}
		return false, nil
	}
}

// Full is the Plan of a full disk: every write is ErrFull and takes no effect,
// reading goes on. It holds as long as full returns true.
func Full(full func() bool) Plan {
	return func(op Op, n int) (bool, error) {
		if op.Writes() && full() {
			return false, fmt.Errorf("%s %d: %w", op, n, store.ErrFull)
		}
		return false, nil
	}
}

// A Store is a store with a Plan. Close never fails by Plan.
type Store struct {
	inner store.Store
	plan  Plan

	mu sync.Mutex
	n  map[Op]int // calls so far
}

var _ store.Store = (*Store)(nil)

// New returns s made to fail by plan.
func New(s store.Store, plan Plan) *Store {
	return &Store{inner: s, plan: plan, n: map[Op]int{}}
}

// Calls returns how many calls of op there were.
func (s *Store) Calls(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n[op]
}

// call does what the plan says with one call. An error of the call itself wins.
func (s *Store) call(op Op, do func() error) error {
	s.mu.Lock()
	s.n[op]++
	n := s.n[op]
	s.mu.Unlock()
	apply, err := s.plan(op, n)
	if err == nil || apply {
		if inner := do(); inner != nil {
			return inner
		}
	}
	return err
}

// value is call for methods that return a value too, the zero one with an error.
func value[T any](s *Store, op Op, do func() (T, error)) (T, error) {
	var v T
	err := s.call(op, func() (err error) {
		v, err = do()
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

func (s *Store) Read(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
	return s.call(Read, func() error { return s.inner.Read(ctx, log, q, p) })
}

func (s *Store) Has(ctx context.Context, log store.LogID, id stix.ID) (bool, error) {
	return value(s, Has, func() (bool, error) { return s.inner.Has(ctx, log, id) })
}

func (s *Store) Stat(ctx context.Context, log store.LogID) (store.Stat, error) {
	return value(s, Stat, func() (store.Stat, error) { return s.inner.Stat(ctx, log) })
}

func (s *Store) Logs(ctx context.Context) ([]store.LogID, error) {
	return value(s, Logs, func() ([]store.LogID, error) { return s.inner.Logs(ctx) })
}

func (s *Store) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	return value(s, Commit, func() (store.Receipt, error) { return s.inner.Commit(ctx, b) })
}

func (s *Store) Delete(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
	return value(s, Delete, func() (int, error) { return s.inner.Delete(ctx, log, id, sel) })
}

func (s *Store) Document(ctx context.Context, kind, id string) (store.Document, error) {
	return value(s, Document, func() (store.Document, error) { return s.inner.Document(ctx, kind, id) })
}

func (s *Store) Documents(ctx context.Context, kind string) ([]store.Document, error) {
	return value(s, Documents, func() ([]store.Document, error) { return s.inner.Documents(ctx, kind) })
}

func (s *Store) Put(ctx context.Context, d store.Document) (uint64, error) {
	return value(s, Put, func() (uint64, error) { return s.inner.Put(ctx, d) })
}

func (s *Store) Remove(ctx context.Context, kind, id string, rev uint64) error {
	return s.call(Remove, func() error { return s.inner.Remove(ctx, kind, id, rev) })
}

func (s *Store) Expire(ctx context.Context, now store.Added, limit int) (int, error) {
	return value(s, Expire, func() (int, error) { return s.inner.Expire(ctx, now, limit) })
}

func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	return value(s, Cursor, func() (string, error) { return s.inner.Cursor(ctx, name) })
}

// Close closes the store that was given to New.
func (s *Store) Close() error { return s.inner.Close() }
