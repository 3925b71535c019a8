package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"entente/stix"
	"entente/store"
	"entente/store/mem"
	"entente/store/storetest"
)

// headers changes the header of each object before Commit sees it.
func headers(change func(o *stix.Object)) func(store.Store) store.Store {
	return committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
		b.Objects = slices.Clone(b.Objects)
		for i := range b.Objects {
			change(&b.Objects[i])
		}
		return s.Commit(ctx, &b)
	})
}

// receipts changes what Commit says became of the i-th object.
func receipts(change func(r *store.Receipt, i int, o *stix.Object)) func(store.Store) store.Store {
	return committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
		r, err := s.Commit(ctx, &b)
		for i := range r.Outcomes {
			change(&r, i, &b.Objects[i])
		}
		return r, err
	})
}

func writeMutants() []mutant {
	return []mutant{
		broken("re-encoded bytes", headers(func(o *stix.Object) { o.Raw = reencode(o.Raw) }), "BytesAreKept"),
		broken("created_by_ref not looked at", headers(func(o *stix.Object) { o.CreatedBy = "" }), "Foreign", "BatchOrder", "RandomOperations"),
		broken("created not looked at", headers(func(o *stix.Object) {
			if o.Modified != "" {
				o.Created = ""
			}
		}), "Foreign", "RandomOperations"),
		broken("revoked not looked at", headers(func(o *stix.Object) { o.Revoked = false }), "AfterRevoked", "RandomOperations"),
		broken("versions cut to milliseconds", headers(func(o *stix.Object) {
			if i := len("2006-01-02T15:04:05.000"); len(o.Modified) > i {
				o.Modified = o.Modified[:i] + "Z"
			}
		}), "BytesAreKept", "VersionsOrderByInstant"),
		broken("a duplicate gets a new Added", receipts(func(r *store.Receipt, i int, _ *stix.Object) {
			if r.Outcomes[i] == store.Duplicate {
				r.Added[i] += 1000
			}
		}), "Duplicate", "AddedSkipsWhatIsNotStored", "RandomOperations"),
		broken("Differs without its Added", receipts(func(r *store.Receipt, i int, _ *stix.Object) {
			if r.Outcomes[i] == store.Differs {
				r.Added[i] = 0
			}
		}), "Differs"),
		broken("an address that is there is Stored", receipts(func(r *store.Receipt, i int, o *stix.Object) {
			if o.Version() == "" {
				r.Outcomes[i] = store.Stored
			}
		}), "ObjectsWithoutVersion"),
		broken("Differs replaces", committing(differsReplaces), "Differs", "BatchOrder", "RandomOperations"),
		broken("objects are written in reverse", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			b.Objects = slices.Clone(b.Objects)
			slices.Reverse(b.Objects)
			r, err := s.Commit(ctx, &b)
			slices.Reverse(r.Outcomes)
			slices.Reverse(r.Added)
			return r, err
		}), "BatchOrder", "AddedOfOneCommit"),
		broken("one commit for each object", committing(oneByOne), "AddedOfOneCommit", "BatchOrder", "RandomOperations"),
		broken("clock is not looked at", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			b.At = b.At.AddDate(-1, 0, 0)
			return s.Commit(ctx, &b)
		}), "AddedOfOneCommit"),
		broken("clock rounded down", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			b.At = b.At.Truncate(1000)
			return s.Commit(ctx, &b)
		}), "AddedOfOneCommit"),
		broken("all logs are one", func(s store.Store) store.Store {
			return &tamper{
				Store: s,
				commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
					c := *b
					c.Log = "one"
					return s.Commit(ctx, &c)
				},
				read: func(ctx context.Context, _ store.LogID, q *store.Query, p *store.Page) error {
					return s.Read(ctx, "one", q, p)
				},
				stat: func(ctx context.Context, _ store.LogID) (store.Stat, error) { return s.Stat(ctx, "one") },
			}
		}, "LogsAreIsolated", "RandomOperations"),
		broken("an entry is visible late", visibleLate, "CommitIsVisible"),
		{"visible before it is decided", []string{"FollowerAndHeldCommit", "ReleaseInOneCommit"}, func(testing.TB) *storetest.Fixture {
			hook := &storetest.Hook{}
			early := committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
				defer hook.Call()
				return s.Commit(ctx, &b)
			})
			return &storetest.Fixture{Store: early(mem.New()), Hook: hook, NoReopen: "store/mem keeps nothing"}
		}},
	}
}

// differsReplaces takes the new content.
func differsReplaces(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
	r, err := s.Commit(ctx, &b)
	for i, o := range r.Outcomes {
		if o == store.Differs {
			sel := store.Query{Versions: store.Versions{Exact: []stix.Timestamp{b.Objects[i].Version()}}}
			if _, err := s.Delete(ctx, b.Log, b.Objects[i].ID, &sel); err != nil {
				return r, err
			}
			if _, err := s.Commit(ctx, &store.Batch{Log: b.Log, Objects: b.Objects[i : i+1], At: b.At}); err != nil {
				return r, err
			}
		}
	}
	return r, err
}

// oneByOne commits the objects one after the other.
func oneByOne(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
	objects := b.Objects
	b.Objects = nil
	r, err := s.Commit(ctx, &b)
	for i := range objects {
		if err != nil {
			break
		}
		var one store.Receipt
		one, err = s.Commit(ctx, &store.Batch{Log: b.Log, Objects: objects[i : i+1], At: b.At})
		r.Outcomes, r.Added = append(r.Outcomes, one.Outcomes...), append(r.Added, one.Added...)
	}
	return r, err
}

// visibleLate shows a commit from the second Read after it on.
func visibleLate(s store.Store) store.Store {
	var head atomic.Int64 // of before the last commit, plus one; 0 when it is visible
	return &tamper{
		Store: s,
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			st, err := s.Stat(ctx, b.Log)
			if err != nil {
				return store.Receipt{}, err
			}
			r, err := s.Commit(ctx, b)
			head.Store(int64(st.Head) + 1)
			return r, err
		},
		read: func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
			if h := head.Swap(0); h != 0 && q.After >= store.Added(h-1) {
				p.Reset()
				return nil
			}
			return s.Read(ctx, log, q, p)
		},
	}
}

// documenting is a store of which the methods for documents are replaced.
type documenting struct {
	store.Store
	put    func(ctx context.Context, d store.Document) (uint64, error)
	expire func(ctx context.Context, now store.Added, limit int) (int, error)
	close  func() error
}

func (s *documenting) Put(ctx context.Context, d store.Document) (uint64, error) {
	if s.put != nil {
		return s.put(ctx, d)
	}
	return s.Store.Put(ctx, d)
}

func (s *documenting) Expire(ctx context.Context, now store.Added, limit int) (int, error) {
	if s.expire != nil {
		return s.expire(ctx, now, limit)
	}
	return s.Store.Expire(ctx, now, limit)
}

func (s *documenting) Close() error {
	if s.close != nil {
		return s.close()
	}
	return s.Store.Close()
}

func documentMutants() []mutant {
	return []mutant{
		broken("cursor conflict ignored", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if b.Cursor != nil {
				c := *b.Cursor
				c.From, _ = s.Cursor(ctx, c.Name)
				b.Cursor = &c
			}
			return s.Commit(ctx, &b)
		}), "ConflictWritesNothing", "CursorRace", "RandomOperations"),
		broken("cursor moves later than its batch", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			c := b.Cursor
			b.Cursor = nil
			r, err := s.Commit(ctx, &b)
			if err == nil && c != nil {
				_, err = s.Commit(ctx, &store.Batch{Cursor: c})
			}
			return r, err
		}), "ConflictWritesNothing", "CursorRace"),
		broken("conflict half-written", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			if errors.Is(err, store.ErrConflict) {
				b.Cursor, b.Put, b.Then = nil, nil, nil
				_, _ = s.Commit(ctx, &b)
			}
			return r, err
		}), "ConflictWritesNothing", "ReleaseConflictWritesNothing", "RandomOperations"),
		broken("the head is not compared", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			b.Head = nil
			return s.Commit(ctx, &b)
		}), "Foreseen"),
		broken("a head is right if the Added are", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if st, err := s.Stat(ctx, b.Log); err == nil && b.Head != nil && len(b.Objects) > 0 {
				was, _ := store.Number(*b.Head, b.At, len(b.Objects))
				if now, _ := store.Number(st.Head, b.At, len(b.Objects)); was == now {
					b.Head = &st.Head
				}
			}
			return s.Commit(ctx, &b)
		}), "Foreseen"),
		broken("of what was foreseen only the head counts", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if st, err := s.Stat(ctx, b.Log); err == nil && b.Head != nil && *b.Head == st.Head {
				b.Head = nil
			}
			return s.Commit(ctx, &b)
		}), "Foreseen"),
		broken("documents of Then are lost", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if then := b.Then; then != nil {
				b.Then = func(r store.Receipt) []store.Document { then(r); return nil }
			}
			return s.Commit(ctx, &b)
		}), "Then", "BatchInOneCommit", "RandomOperations"),
		broken("Then without objects is not called", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if len(b.Objects) == 0 {
				b.Then = nil
			}
			return s.Commit(ctx, &b)
		}), "Then"),
		broken("Put ignores the revision", func(s store.Store) store.Store {
			return &documenting{Store: s, put: func(ctx context.Context, d store.Document) (uint64, error) {
				now, _ := s.Document(ctx, d.Kind, d.ID)
				d.Rev = now.Rev
				return s.Put(ctx, d)
			}}
		}, "DocumentCAS", "RandomOperations"),
		broken("Expire is exclusive", func(s store.Store) store.Store {
			return &documenting{Store: s, expire: func(ctx context.Context, now store.Added, limit int) (int, error) {
				return s.Expire(ctx, now-1, limit)
			}}
		}, "DocumentExpire"),
		broken("Expire ignores the limit", func(s store.Store) store.Store {
			return &documenting{Store: s, expire: func(ctx context.Context, now store.Added, limit int) (int, error) {
				return s.Expire(ctx, now, 1<<30)
			}}
		}, "DocumentExpire", "RandomOperations"),
		broken("Close does nothing", func(s store.Store) store.Store {
			return &documenting{Store: s, close: func() error { return nil }}
		}, "Closed"),
		broken("closing twice is an error", func(s store.Store) store.Store {
			var n atomic.Int32
			return &documenting{Store: s, close: func() error {
				if n.Add(1) > 1 {
					return store.ErrClosed
				}
				return s.Close()
			}}
		}, "Closed"),
		broken("Close does not wait", func(s store.Store) store.Store {
			return &documenting{Store: s, close: func() error {
				go s.Close()
				return nil
			}}
		}, "CloseWaits"),
	}
}
