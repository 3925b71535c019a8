// Package mem is the reference backend: a slice of entries for each log, in
// memory, and code that can be checked by reading it against the contract.
package mem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"entente/stix"
	"entente/store"
)

// An Option changes what New makes.
type Option func(*Store)

// BeforeCommit has fn called inside every Commit when all is decided and
// nothing is visible yet, so that tests can hold a commit open. Readers do not
// wait meanwhile, writers do.
func BeforeCommit(fn func()) Option { return func(s *Store) { s.beforeCommit = fn } }

// A Store is a [store.Store] that forgets everything when the process ends.
type Store struct {
	beforeCommit func()

	calls  sync.WaitGroup // those that Close waits for
	writer chan struct{}  // holds one value while a writer is at work

	mu      sync.RWMutex // guards what follows; only the writer changes it
	closed  bool
	logs    map[store.LogID]*log
	docs    map[docKey]store.Document
	cursors map[string]string
}

type docKey struct{ kind, id string }

// A log is what one LogID names.
type log struct {
	releases bool // it is a release log

	head    store.Added
	bytes   int64
	entries []*entry             // by added
	byID    map[stix.ID][]*entry // the same, by added
}

// An entry is the place of an object in one log. It never changes.
type entry struct {
	added store.Added // in this log
	*object
}

// An object is what a commit has stored. The entries of release logs share it
// with that of the log of objects. Only its label changes.
type object struct {
	of    store.LogID // the log of objects
	at    store.Added // its Added there
	label store.Label
	obj   stix.Object
	own   stix.Timestamp // obj.Version()
}

var _ store.Store = (*Store)(nil)

// New returns an empty Store.
func New(opts ...Option) *Store {
	s := &Store{
		writer:  make(chan struct{}, 1),
		logs:    map[store.LogID]*log{},
		docs:    map[docKey]store.Document{},
		cursors: map[string]string{},
	}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	return nil
}

// enter begins a call that only reads; leave ends it.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return store.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) leave() {
	s.mu.RUnlock()
	s.calls.Done()
}

// enterWriter waits for the turn of a call that writes; leaveWriter ends it.
// The writer may read without mu and takes mu to change anything.
func (s *Store) enterWriter(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.RUnlock()
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		s.calls.Done()
		return ctx.Err()
	}
}

func (s *Store) leaveWriter() {
	<-s.writer
	s.calls.Done()
}

// version is the instant that orders the versions of an object.
func (e *entry) version() stix.Timestamp {
	if e.own != "" {
		return e.own
	}
	h := stix.Header{Modified: e.added.String()}
	return h.Version()
}

// versionText names the version of e to clients.
func (e *entry) versionText() string {
	if t := e.obj.VersionText(); t != "" {
		return t
	}
	return e.added.String()
}

// newer reports whether a is a newer version than b of the same object.
func newer(a, b *entry) bool {
	if va, vb := a.version(), b.version(); va != vb {
		return va > vb
	}
	return a.added > b.added
}

// position is the number of the entry with this Added in l.entries.
func (l *log) position(added store.Added) (int, bool) {
	return slices.BinarySearchFunc(l.entries, added, func(e *entry, a store.Added) int { return cmp.Compare(e.added, a) })
}

// has reports whether l has an entry of this very object.
func (l *log) has(o *object) bool {
	return slices.ContainsFunc(l.byID[o.obj.ID], func(e *entry) bool { return e.object == o })
}

// append adds new entries.
func (l *log) append(entries []*entry) {
	for _, e := range entries {
		l.entries = append(l.entries, e)
		l.byID[e.obj.ID] = append(l.byID[e.obj.ID], e)
		l.bytes += int64(len(e.obj.Raw))
		l.head = e.added
	}
}

// remove takes out the entries of these objects.
func (l *log) remove(gone map[*object]bool) {
	size := int64(0)
	for o := range gone {
		if l.has(o) {
			size += int64(len(o.obj.Raw))
			l.byID[o.obj.ID] = slices.DeleteFunc(l.byID[o.obj.ID], func(e *entry) bool { return e.object == o })
		}
	}
	if size > 0 {
		l.bytes -= size
		l.entries = slices.DeleteFunc(l.entries, func(e *entry) bool { return gone[e.object] })
	}
}

// move gives entries other objects of the same bytes, in their places.
func (l *log) move(list []moving) {
	to := map[*object]*object{}
	for _, m := range list {
		to[m.was] = m.now
	}
	exchange := func(entries []*entry) {
		for i, e := range entries {
			if now := to[e.object]; now != nil {
				entries[i] = &entry{added: e.added, object: now}
			}
		}
	}
	if len(list) == 0 {
		return
	}
	exchange(l.entries)
	for _, m := range list {
		exchange(l.byID[m.was.obj.ID])
	}
}

// clone makes a copy of o that shares no memory with it.
func clone(o stix.Object) stix.Object {
	markings := slices.Clone(o.Markings)
	for i, m := range markings {
		markings[i] = stix.ID(strings.Clone(string(m)))
	}
	return stix.Object{
		Header: stix.Header{
			Type:        strings.Clone(o.Type),
			ID:          stix.ID(strings.Clone(string(o.ID))),
			SpecVersion: strings.Clone(o.SpecVersion),
			Created:     strings.Clone(o.Created),
			Modified:    strings.Clone(o.Modified),
			CreatedBy:   stix.ID(strings.Clone(string(o.CreatedBy))),
			Markings:    markings,
			Revoked:     o.Revoked,
		},
		Raw: strings.Clone(o.Raw),
	}
}

func cloneDocument(d store.Document) store.Document {
	d.Body = bytes.Clone(d.Body)
	return d
}
