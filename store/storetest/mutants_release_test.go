package storetest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"entente/stix"
	"entente/store"
	"entente/store/mem"
)

// releasing changes the Releases of a Batch before Commit sees them.
func releasing(change func(s store.Store, ctx context.Context, b *store.Batch)) func(store.Store) store.Store {
	return committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
		b.Releases = slices.Clone(b.Releases)
		if len(b.Releases) > 0 {
			change(s, ctx, &b)
		}
		return s.Commit(ctx, &b)
	})
}

// onReleaseLogs replaces Read of release logs.
func onReleaseLogs(read func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error) func(store.Store) store.Store {
	return reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		if q.Limit < 1 || !isReleaseLog(s, ctx, log) {
			return s.Read(ctx, log, &q, p)
		}
		return read(s, ctx, log, q, p)
	})
}

// sources are the entries of a log by where they are from.
func sources(s store.Store, ctx context.Context, log store.LogID) map[source]store.Row {
	var p store.Page
	q := everyEntry()
	_ = s.Read(ctx, log, &q, &p)
	found := map[source]store.Row{}
	for _, r := range p.Rows {
		found[source{r.Of, r.At}] = r
	}
	return found
}

type source struct {
	of store.LogID
	at store.Added
}

func releaseMutants() []mutant {
	return slices.Concat(releaseNumbers(), releaseWriters(), releaseReaders())
}

// releaseNumbers give wrong Added.
func releaseNumbers() []mutant {
	return []mutant{
		broken("one commit for each Release", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			releases := b.Releases
			b.Releases = nil
			r, err := s.Commit(ctx, &b)
			for i := range releases {
				if err == nil {
					_, err = s.Commit(ctx, &store.Batch{Releases: releases[i : i+1], At: b.At})
				}
			}
			return r, err
		}), "ReleaseAdded", "ReleasesFollowOnEachOther", "RandomOperations"),
		broken("releases do not look at the clock", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			if len(b.Objects) == 0 {
				b.At = b.At.AddDate(-1, 0, 0)
			}
		}), "ReleaseAdded", "ReleaseFarTimes", "RandomOperations"),
		broken("releases round the clock down", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			if len(b.Objects) == 0 {
				b.At = b.At.Truncate(time.Microsecond)
			}
		}), "ReleaseAdded"),
		broken("releases come after the base's head", releasing(func(s store.Store, ctx context.Context, b *store.Batch) {
			for _, r := range b.Releases {
				st, _ := s.Stat(ctx, r.Of)
				if t := time.UnixMicro(int64(st.Head)); t.After(b.At) {
					b.At = t
				}
			}
		}), "ReleaseAdded", "ReleaseLogIsALog", "RandomOperations"),
		broken("what is passed over takes an Added", releasing(func(s store.Store, ctx context.Context, b *store.Batch) {
			for _, r := range b.Releases {
				has := sources(s, ctx, r.Log)
				for _, a := range r.Add {
					if _, ok := has[source{r.Of, a}]; ok {
						b.At = b.At.Add(time.Millisecond)
					}
				}
			}
		}), "ReleasePassesOver", "RandomOperations"),
		broken("no release is too late", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			if b.At.Year() > 9999 {
				b.At = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
			}
		}), "ReleaseFarTimes"),
	}
}

func releaseWriters() []mutant {
	return []mutant{
		broken("releases in the order of the base", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			for i := range b.Releases {
				b.Releases[i].Add = slices.Sorted(slices.Values(b.Releases[i].Add))
			}
		}), "Release", "ReleaseLogIsALog", "ReleaseManyPages", "RandomOperations"),
		broken("what is there is released again", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			for i, r := range b.Releases {
				b.Releases[i].Drop = slices.Concat(r.Drop, r.Add)
			}
		}), "ReleasePassesOver", "ManyReleaseLogs", "RandomOperations"),
		broken("a release of what is not there is invalid", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			for _, r := range b.Releases {
				has := sources(s, ctx, r.Of)
				for _, a := range r.Add {
					if _, ok := has[source{r.Of, a}]; !ok && r.Of != b.Log {
						return store.Receipt{}, store.ErrInvalid
					}
				}
			}
			return s.Commit(ctx, &b)
		}), "ReleasePassesOver", "RandomOperations"),
		broken("releases before objects", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if len(b.Releases) > 0 {
				if _, err := s.Commit(ctx, &store.Batch{Releases: b.Releases, At: b.At}); err != nil {
					return store.Receipt{}, err
				}
				b.Releases = nil
			}
			return s.Commit(ctx, &b)
		}), "ReleaseNewObjects", "ReleaseConflictWritesNothing", "ReleaseInOneCommit"),
		broken("only the first release log of a batch", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			b.Releases = slices.DeleteFunc(b.Releases, func(r store.Release) bool { return r.Log != b.Releases[0].Log })
		}), "ManyReleaseLogs", "ReleaseNewObjects", "RandomOperations"),
		broken("a name is of a kind", namedIsReleaseLog, "ReleasePassesOver"),
		broken("a name is a log", func(s store.Store) store.Store {
			var mu sync.Mutex
			named := map[store.LogID]bool{}
			return &tamper{
				Store: s,
				commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
					mu.Lock()
					defer mu.Unlock()
					for _, r := range b.Releases {
						named[r.Log] = true
					}
					return s.Commit(ctx, b)
				},
				logs: func(ctx context.Context) ([]store.LogID, error) {
					logs, err := s.Logs(ctx)
					mu.Lock()
					defer mu.Unlock()
					for log := range named {
						logs = append(logs, log)
					}
					slices.Sort(logs)
					return slices.Compact(logs), err
				},
			}
		}, "ReleasePassesOver", "ReleasesFollowOnEachOther"),
	}
}

// namedIsReleaseLog takes a log for a release log because a Release has named it.
func namedIsReleaseLog(s store.Store) store.Store {
	named := map[store.LogID]bool{}
	return committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
		if len(b.Objects) > 0 && named[b.Log] {
			return store.Receipt{}, store.ErrInvalid
		}
		r, err := s.Commit(ctx, &b)
		for _, rel := range b.Releases {
			named[rel.Log] = err == nil
		}
		return r, err
	})(s)
}

func releaseReaders() []mutant {
	return []mutant{
		broken("Logs forgets release logs", func(s store.Store) store.Store {
			return &tamper{Store: s, logs: func(ctx context.Context) ([]store.LogID, error) {
				logs, err := s.Logs(ctx)
				return slices.DeleteFunc(logs, func(log store.LogID) bool { return isReleaseLog(s, ctx, log) }), err
			}}
		}, "Release", "RandomOperations"),
		broken("release logs have the base's Added", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			q.Want |= store.WantRows | store.WantSource
			err := s.Read(ctx, log, &q, p)
			for i, r := range p.Rows {
				p.Rows[i].Added = r.At
			}
			if p.N > 0 {
				p.First, p.Last = p.Rows[0].Added, p.Rows[p.N-1].Added
			}
			return err
		}), "Release", "ReleaseAdded", "RandomOperations"),
		broken("From is inclusive in release logs", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			q.From--
			return s.Read(ctx, log, &q, p)
		}), "ReleaseFollower", "ReleaseManyPages", "RandomOperations"),
		broken("After skips one in release logs", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if q.After > 0 {
				q.After++
			}
			return s.Read(ctx, log, &q, p)
		}), "ReleaseFollower"),
		broken("parts of a release log are a run of the base", onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if q.Want&store.WantDeflated == 0 {
				return s.Read(ctx, log, &q, p)
			}
			var rows store.Page
			want := q.Want
			q.Want = store.WantRows | store.WantSource | store.WantObjects
			if err := s.Read(ctx, log, &q, &rows); err != nil || rows.N == 0 {
				p.Reset()
				return err
			}
			base := everyEntry()
			base.From, base.Limit, base.Want = rows.Rows[0].At-1, rows.N, want&^store.WantSource
			err := s.Read(ctx, rows.Rows[0].Of, &base, p)
			p.N, p.First, p.Last, p.More = rows.N, rows.First, rows.Last, rows.More
			return err
		}), "Release", "ReleaseManyPages", "ReleaseLogIsALog", "RandomOperations"),
	}
}

func withdrawMutants() []mutant {
	return slices.Concat(withdrawWriters(), withdrawReaders())
}

func withdrawWriters() []mutant {
	return []mutant{
		broken("nothing is withdrawn", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			for i := range b.Releases {
				b.Releases[i].Drop = nil
			}
		}), "Withdraw", "DropThenAdd", "ReaderSeesWholeReleases", "ReleaseManyPages", "RandomOperations"),
		broken("Drop comes after Add", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			var split []store.Release
			for _, r := range b.Releases {
				split = append(split, store.Release{Log: r.Log, Of: r.Of, Add: r.Add}, store.Release{Log: r.Log, Of: r.Of, Drop: r.Drop})
			}
			b.Releases = split
		}), "DropThenAdd", "ReleasesFollowOnEachOther", "RandomOperations"),
		broken("what is dropped and added stays where it is", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			for i, r := range b.Releases {
				b.Releases[i].Drop = slices.DeleteFunc(slices.Clone(r.Drop), func(a store.Added) bool { return slices.Contains(r.Add, a) })
			}
		}), "DropThenAdd", "SeveralBases", "RandomOperations"),
		broken("all of a batch is dropped first", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			var first []store.Release
			for i, r := range b.Releases {
				first = append(first, store.Release{Log: r.Log, Of: r.Of, Drop: r.Drop})
				b.Releases[i].Drop = nil
			}
			b.Releases = append(first, b.Releases...)
		}), "ReleasesFollowOnEachOther"),
		broken("withdrawing deletes", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			for _, r := range b.Releases {
				for _, a := range r.Drop {
					if row, ok := sources(s, ctx, r.Of)[source{r.Of, a}]; ok {
						sel := everyEntry()
						sel.After = a - 1
						if _, err := s.Delete(ctx, r.Of, row.ID, &sel); err != nil {
							return store.Receipt{}, err
						}
					}
				}
			}
			return s.Commit(ctx, &b)
		}), "Withdraw", "DropThenAdd", "RandomOperations"),
		broken("withdrawn from one is withdrawn from all", releasing(func(s store.Store, ctx context.Context, b *store.Batch) {
			logs, _ := s.Logs(ctx)
			for _, r := range b.Releases {
				for _, log := range logs {
					if log != r.Log && isReleaseLog(s, ctx, log) {
						b.Releases = append(b.Releases, store.Release{Log: log, Of: r.Of, Drop: r.Drop})
					}
				}
			}
		}), "Withdraw", "RandomOperations"),
		broken("deleted entries stay released", staysReleased, "DeleteInBase", "SeveralBases", "ReleaseManyPages", "ReaderSeesWholeDeletes", "RandomOperations"),
		broken("what was released cannot be deleted", func(s store.Store) store.Store {
			return &tamper{Store: s, delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
				logs, _ := s.Logs(ctx)
				for _, l := range logs {
					if has, _ := s.Has(ctx, l, id); has && l != log && isReleaseLog(s, ctx, l) {
						return 0, store.ErrInvalid
					}
				}
				return s.Delete(ctx, log, id, sel)
			}}
		}, "DeleteInBase", "RandomOperations"),
		broken("what was released is released when it is added again", releasedForever, "DeleteInBase"),
		broken("a deletion is one commit for each entry", func(s store.Store) store.Store {
			return &tamper{Store: s, delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
				if !sel.Versions.All {
					return s.Delete(ctx, log, id, sel)
				}
				last := *sel
				last.Versions = store.Versions{}
				for n := 0; ; n++ {
					if gone, err := s.Delete(ctx, log, id, &last); err != nil || gone == 0 {
						return n, err
					}
					time.Sleep(50 * time.Microsecond)
				}
			}}
		}, "ReaderSeesWholeDeletes"),
	}
}

// staysReleased reads release logs from a second store, in which nothing is deleted.
func staysReleased(s store.Store) store.Store {
	second := mem.New()
	var mu sync.Mutex
	return &tamper{
		Store: s,
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			mu.Lock()
			defer mu.Unlock()
			r, err := s.Commit(ctx, b)
			if err == nil {
				c := *b
				c.Cursor, c.Put, c.Then = nil, nil, nil
				_, _ = second.Commit(ctx, &c)
			}
			return r, err
		},
		read: func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
			if isReleaseLog(second, ctx, log) {
				return second.Read(ctx, log, q, p)
			}
			return s.Read(ctx, log, q, p)
		},
	}
}

// releasedForever remembers which ids a release log had when they were deleted.
func releasedForever(s store.Store) store.Store {
	had := map[stix.ID][]store.LogID{}
	return &tamper{
		Store: s,
		delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
			logs, _ := s.Logs(ctx)
			for _, l := range logs {
				if has, _ := s.Has(ctx, l, id); has && isReleaseLog(s, ctx, l) {
					had[id] = append(had[id], l)
				}
			}
			return s.Delete(ctx, log, id, sel)
		},
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, b)
			for i, a := range r.Added {
				for _, log := range had[b.Objects[i].ID] {
					again := store.Release{Log: log, Of: b.Log, Add: []store.Added{a}}
					if _, err := s.Commit(ctx, &store.Batch{At: b.At, Releases: []store.Release{again}}); err != nil {
						return r, err
					}
				}
			}
			return r, err
		},
	}
}

func withdrawReaders() []mutant {
	return []mutant{
		broken("Head of a release log is of what is left", func(s store.Store) store.Store {
			return &tamper{Store: s, stat: func(ctx context.Context, log store.LogID) (store.Stat, error) {
				st, err := s.Stat(ctx, log)
				var p store.Page
				q := everyEntry()
				if rerr := s.Read(ctx, log, &q, &p); rerr == nil && isReleaseLog(s, ctx, log) {
					st.Head = p.Last
				}
				return st, err
			}}
		}, "Withdraw"),
		broken("bytes that are withdrawn count", func(s store.Store) store.Store {
			var mu sync.Mutex
			most := map[store.LogID]int64{}
			return &tamper{Store: s, stat: func(ctx context.Context, log store.LogID) (store.Stat, error) {
				st, err := s.Stat(ctx, log)
				mu.Lock()
				defer mu.Unlock()
				most[log] = max(most[log], st.Bytes)
				if isReleaseLog(s, ctx, log) {
					st.Bytes = most[log]
				}
				return st, err
			}}
		}, "Withdraw", "DeleteInBase"),
		broken("Has looks where it is from", func(s store.Store) store.Store {
			return &tamper{Store: s, has: func(ctx context.Context, log store.LogID, id stix.ID) (bool, error) {
				if has, err := s.Has(ctx, log, id); has || err != nil || !isReleaseLog(s, ctx, log) {
					return has, err
				}
				logs, _ := s.Logs(ctx)
				for _, l := range logs {
					if has, err := s.Has(ctx, l, id); has || err != nil {
						return has, err
					}
				}
				return false, nil
			}}
		}, "Release", "Withdraw", "RandomOperations"),
		broken("paging a release log goes by number", pagesByNumber, "WithdrawWhilePaging"),
	}
}

// pagesByNumber goes on after as many entries as it has shown up to From.
func pagesByNumber(s store.Store) store.Store {
	shown := map[store.Added]int{}
	return onReleaseLogs(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		every, err := unpaged(s, ctx, log, q)
		if err != nil {
			return err
		}
		skip := shown[q.From]
		q.From = 0
		pageOf(every, func(i int) bool { return i >= skip }, &q, p)
		if p.N > 0 {
			shown[p.Last] = skip + p.N
		}
		return nil
	})(s)
}
