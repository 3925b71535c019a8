package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entente/stix"
	"entente/store"
)

func baseMutants() []mutant {
	return slices.Concat(baseWriters(), baseReaders(), kindMutants())
}

// otherBases are the logs of objects but for one.
func otherBases(s store.Store, ctx context.Context, but store.LogID) []store.LogID {
	logs, _ := s.Logs(ctx)
	return slices.DeleteFunc(logs, func(log store.LogID) bool { return log == but || isReleaseLog(s, ctx, log) })
}

func baseWriters() []mutant {
	return []mutant{
		broken("dropped by Added, of whatever log", releasing(func(s store.Store, ctx context.Context, b *store.Batch) {
			for _, r := range b.Releases {
				for _, log := range otherBases(s, ctx, r.Of) {
					if log != r.Log {
						b.Releases = append([]store.Release{{Log: r.Log, Of: log, Drop: r.Drop}}, b.Releases...)
					}
				}
			}
		}), "SeveralBases", "ReleasePassesOver", "RandomOperations"),
		broken("deleted in all logs", func(s store.Store) store.Store {
			return &tamper{Store: s, delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
				for _, other := range otherBases(s, ctx, log) {
					if _, err := s.Delete(ctx, other, id, sel); err != nil {
						return 0, err
					}
				}
				return s.Delete(ctx, log, id, sel)
			}}
		}, "SeveralBases", "DeleteInBase", "LogsAreIsolated", "RandomOperations"),
		broken("a version is released once, of whatever log", releasing(func(s store.Store, ctx context.Context, b *store.Batch) {
			from := map[string]store.LogID{}
			for i, r := range b.Releases {
				base := sources(s, ctx, r.Of)
				for src, row := range sources(s, ctx, r.Log) {
					from[fmt.Sprint(r.Log, row.ID, row.Version)] = src.of
				}
				b.Releases[i].Add = slices.DeleteFunc(slices.Clone(r.Add), func(a store.Added) bool {
					name := fmt.Sprint(r.Log, base[source{r.Of, a}].ID, base[source{r.Of, a}].Version)
					if from[name] == "" {
						from[name] = r.Of
					}
					return from[name] != r.Of
				})
			}
		}), "SeveralBases", "DeleteInBase", "RandomOperations"),
	}
}

// inBase keeps of what a release log answers only what its logs of objects
// answer too.
func inBase(change func(q *store.Query)) func(store.Store) store.Store {
	return onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		every, err := unpaged(s, ctx, log, q)
		if err != nil {
			return err
		}
		found := map[source]bool{}
		for _, of := range otherBases(s, ctx, "") {
			base := q
			base.After = 0
			change(&base)
			rows, err := unpaged(s, ctx, of, base)
			if err != nil {
				return err
			}
			for _, r := range rows.Rows {
				found[source{of, r.At}] = true
			}
		}
		pageOf(every, func(i int) bool {
			r := &every.Rows[i]
			return gated(&q, r.Label) && found[source{r.Of, r.At}]
		}, &q, p)
		return nil
	})
}

func baseReaders() []mutant {
	return []mutant{
		broken("newest spec version of the base", inBase(func(q *store.Query) { q.Versions = store.Versions{All: true} }), "ReleaseLogIsALog"),
		broken("versions of the base", inBase(func(q *store.Query) { q.Versions.Exact = nil }), "ReleaseLogIsALog", "RandomOperations"),
		broken("After is about the base", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			wide := q
			wide.After = 0
			every, err := unpaged(s, ctx, log, wide)
			if err != nil {
				return err
			}
			pageOf(every, func(i int) bool { return every.Rows[i].At > q.After && gated(&q, every.Rows[i].Label) }, &q, p)
			return nil
		}), "ReleaseLogIsALog", "ReleaseFollower", "RandomOperations"),
		broken("objects without versions are named by the base's Added", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			asked := q.Want
			q.Want |= store.WantSource
			err := s.Read(ctx, log, &q, p)
			for i, r := range p.Rows {
				if r.Version == r.Added.String() {
					p.Rows[i].Version = r.At.String()
				}
				if asked&store.WantSource == 0 {
					p.Rows[i].Label, p.Rows[i].Of, p.Rows[i].At = 0, "", 0
				}
			}
			return err
		}), "ReleaseLogIsALog", "Release", "RandomOperations"),
		broken("of equal versions the earlier is newer", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if !q.Versions.OnlyLast() {
				return s.Read(ctx, log, &q, p)
			}
			every, err := unversioned(s, ctx, log, q)
			if err != nil {
				return err
			}
			last := lastOf(every, func(*store.Row) bool { return true }, func(later, earlier *store.Row) bool { return false })
			pageOf(every, func(i int) bool { return last[every.Rows[i].ID] == i && gated(&q, every.Rows[i].Label) }, &q, p)
			return nil
		}), "SeveralBases", "RandomOperations"),
		broken("the last of the logs of objects is newer", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if !q.Versions.OnlyLast() {
				return s.Read(ctx, log, &q, p)
			}
			every, err := unversioned(s, ctx, log, q)
			if err != nil {
				return err
			}
			last := lastOf(every, func(*store.Row) bool { return true }, func(later, earlier *store.Row) bool { return later.Of > earlier.Of })
			pageOf(every, func(i int) bool { return last[every.Rows[i].ID] == i && gated(&q, every.Rows[i].Label) }, &q, p)
			return nil
		}), "SeveralBases"),
	}
}

func kindMutants() []mutant {
	return []mutant{
		broken("what a log's kind rules out is passed over", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			if errors.Is(err, store.ErrInvalid) && store.CheckBatch(&b) == nil {
				return r, nil
			}
			return r, err
		}), "KindsAreForGood", "RandomOperations"),
		broken("a log's kind is looked at if something would change", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			changes := len(b.Objects)+len(b.Relabel) > 0
			for _, rel := range b.Releases {
				changes = changes || len(rel.Add)+len(rel.Drop) > 0
			}
			if errors.Is(err, store.ErrInvalid) && !changes {
				return r, nil
			}
			return r, err
		}), "KindsAreForGood", "RandomOperations"),
		broken("an empty log is of no kind", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			if st, serr := s.Stat(ctx, b.Log); errors.Is(err, store.ErrInvalid) && serr == nil && st.Entries == 0 && st.Head > 0 {
				return r, nil
			}
			return r, err
		}), "KindsAreForGood"),
		broken("a batch of the wrong kind is half-written", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			if errors.Is(err, store.ErrInvalid) {
				_, _ = s.Commit(ctx, &store.Batch{Cursor: b.Cursor, Put: b.Put})
			}
			return r, err
		}), "KindsAreForGood", "ReleaseFarTimes"),
		broken("deleting in a release log finds nothing", func(s store.Store) store.Store {
			return &tamper{Store: s, delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
				n, err := s.Delete(ctx, log, id, sel)
				if errors.Is(err, store.ErrInvalid) && store.CheckLog(log) == nil {
					return 0, nil
				}
				return n, err
			}}
		}, "KindsAreForGood", "RandomOperations"),
		broken("deleting in a release log withdraws", func(s store.Store) store.Store {
			return &tamper{Store: s, delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
				n, err := s.Delete(ctx, log, id, sel)
				if !errors.Is(err, store.ErrInvalid) || store.CheckLog(log) != nil {
					return n, err
				}
				var b store.Batch
				for src, row := range sources(s, ctx, log) {
					if row.ID == id {
						b.Releases = append(b.Releases, store.Release{Log: log, Of: src.of, Drop: []store.Added{src.at}})
					}
				}
				_, err = s.Commit(ctx, &b)
				return len(b.Releases), err
			}}
		}, "KindsAreForGood", "RandomOperations"),
	}
}

// later writes a part of the batch in a commit of its own, a moment later.
func later(take func(b *store.Batch) store.Batch) func(store.Store) store.Store {
	return committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
		rest := take(&b)
		rest.At = b.At
		r, err := s.Commit(ctx, &b)
		if err == nil && ctx.Err() == nil {
			time.Sleep(100 * time.Microsecond)
			_, err = s.Commit(ctx, &rest)
		}
		return r, err
	})
}

// wholeMutants write a commit in pieces.
func wholeMutants() []mutant {
	return []mutant{
		broken("releases come later than their batch", later(func(b *store.Batch) store.Batch {
			rest := store.Batch{Releases: b.Releases}
			b.Releases = nil
			return rest
		}), "AllOfACommitAtOnce"),
		broken("labels change later than their batch", later(func(b *store.Batch) store.Batch {
			rest := store.Batch{Log: b.Log, Relabel: b.Relabel}
			b.Relabel = nil
			return rest
		}), "AllOfACommitAtOnce", "RelabelConflictWritesNothing", "ReleaseConflictWritesNothing"),
		broken("the cursor moves later than its batch", later(func(b *store.Batch) store.Batch {
			rest := store.Batch{Cursor: b.Cursor}
			b.Cursor = nil
			return rest
		}), "AllOfACommitAtOnce"),
		broken("objects come later than their document", later(func(b *store.Batch) store.Batch {
			rest := *b
			rest.Put, rest.Cursor, rest.Then = nil, nil, nil
			b.Objects, b.Labels, b.Relabel, b.Releases = nil, nil, nil, nil
			return rest
		}), "AllOfACommitAtOnce"),
		broken("what is added comes later than what is dropped", later(func(b *store.Batch) store.Batch {
			rest := store.Batch{}
			for i, r := range b.Releases {
				rest.Releases = append(rest.Releases, store.Release{Log: r.Log, Of: r.Of, Add: r.Add})
				if i == 0 {
					b.Releases = slices.Clone(b.Releases)
				}
				b.Releases[i].Add = nil
			}
			return rest
		}), "ReaderSeesWholeReleases"),
	}
}
