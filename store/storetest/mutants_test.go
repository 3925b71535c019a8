package storetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"entente/stix"
	"entente/store"
	"entente/store/mem"
)

// queryMutants find the wrong entries.
func queryMutants() []mutant {
	return []mutant{
		broken("millisecond dates", answering(func(p *store.Page) {
			for i := range p.Rows {
				p.Rows[i].Added -= p.Rows[i].Added % 1000
			}
			p.First -= p.First % 1000
			p.Last -= p.Last % 1000
		}), "AddedOfOneCommit", "BatchOrder"),
		broken("From changes which versions are chosen", asking(func(q *store.Query) { q.After = max(q.After, q.From) }),
			"Queries", "QueriesPaged", "RandomOperations"),
		broken("After is inclusive", asking(func(q *store.Query) { q.After-- }), "Queries", "AddedOfOneCommit", "RandomOperations"),
		broken("spec version default ignored", asking(func(q *store.Query) {
			if len(q.SpecVersions) == 0 {
				q.SpecVersions = []string{"2.0", "2.1"}
			}
		}), "Queries", "RandomOperations"),
		broken("newest spec version of what is left", asking(func(q *store.Query) {
			if len(q.SpecVersions) == 0 && q.After > 0 {
				q.SpecVersions = []string{"2.0", "2.1"}
			}
		}), "Queries"),
		broken("More when the page is full", answering(func(p *store.Page) { p.More = p.N > 0 }), "QueriesPaged"),
		broken("More forgotten", answering(func(p *store.Page) { p.More = false }), "QueriesPaged", "Want"),
		broken("limit off by one", asking(func(q *store.Query) { q.Limit = max(1, q.Limit+1) }), "QueriesPaged", "RandomOperations"),
		broken("no bound by bytes", asking(func(q *store.Query) { q.MaxBytes = 0 }), "PagesByBytes", "RandomOperations"),
		broken("bound by bytes for rows too", answering(func(p *store.Page) {
			if len(p.Objects) == 0 && len(p.Parts) == 0 && len(p.Rows) > 1 {
				p.N, p.Rows, p.More = 1, p.Rows[:1], true
			}
		}), "PagesByBytes"),
		broken("last by arrival", reading(lastByArrival), "Queries", "VersionsOrderByInstant", "RandomOperations"),
		broken("Exact with nine digits", asking(func(q *store.Query) {
			q.Versions.Exact = slices.Clone(q.Versions.Exact)
			for i, e := range q.Versions.Exact {
				q.Versions.Exact[i] = e[:min(len(e), len("2006-01-02T15:04:05.123456789"))]
			}
		}), "Queries"),
		broken("Exact wins over Last", asking(func(q *store.Query) {
			if len(q.Versions.Exact) > 0 {
				q.Versions.Last = false
			}
		}), "Queries"),
		broken("ids without case", asking(func(q *store.Query) {
			q.IDs = slices.Clone(q.IDs)
			for i, id := range q.IDs {
				q.IDs[i] = stix.ID(strings.ToLower(string(id)))
			}
		}), "Queries"),
	}
}

// pageMutants fill the Page wrongly.
func pageMutants() []mutant {
	var mu sync.Mutex
	shared := make([]byte, 0, 8<<20)
	return []mutant{
		broken("pages share a buffer", answering(func(p *store.Page) {
			mu.Lock()
			defer mu.Unlock()
			shared = append(shared[:0], p.Objects...)
			p.Objects = shared[:len(p.Objects):len(p.Objects)]
		}), "PagesAreCopies"),
		broken("commas forgotten between parts", answering(func(p *store.Page) {
			for i := range p.Parts {
				p.Parts[i].Plain = bytes.ReplaceAll(p.Parts[i].Plain, []byte("},{"), []byte("}{"))
			}
		}), "Parts", "QueriesPaged"),
		broken("Take gets one object too few", taking(func(q *store.Query, take func([][]byte) (int, error)) {
			q.Take = func(objects [][]byte) (int, error) { return take(objects[1:]) }
		}), "Take"),
		broken("what was taken comes again", taking(func(q *store.Query, take func([][]byte) (int, error)) {
			q.Take = func(objects [][]byte) (int, error) {
				_, err := take(objects)
				return 0, err
			}
		}), "Take"),
		broken("Take's error is forgotten", taking(func(q *store.Query, take func([][]byte) (int, error)) {
			q.Take = func(objects [][]byte) (int, error) {
				n, _ := take(objects)
				return n, nil
			}
		}), "Take"),
		broken("Take is asked twice", taking(func(q *store.Query, take func([][]byte) (int, error)) {
			q.Take = func(objects [][]byte) (int, error) {
				_, _ = take(objects)
				return take(objects)
			}
		}), "Take"),
		broken("Take is not called", taking(func(q *store.Query, _ func([][]byte) (int, error)) { q.Take = nil }), "Take"),
		broken("Size is wrong", answering(func(p *store.Page) {
			for i := range p.Parts {
				p.Parts[i].Size++
			}
		}), "Parts"),
		broken("a used page keeps its rows", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			old := slices.Clone(p.Rows)
			err := s.Read(ctx, log, &q, p)
			if q.Want&store.WantRows == 0 {
				p.Rows = old
			}
			return err
		}), "PageReplaces"),
		broken("unknown log is an error", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if st, err := s.Stat(ctx, log); err != nil || st.Head == 0 {
				return errors.Join(err, store.ErrNotFound)
			}
			return s.Read(ctx, log, &q, p)
		}), "UnknownLogIsEmpty"),
		broken("Read does not look at ctx", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			return s.Read(context.WithoutCancel(ctx), log, &q, p)
		}), "Canceled"),
		broken("Commit keeps the caller's memory", keepsMemory, "CommitKeepsNothing"),
		broken("deletions leave the bytes", leavesBytes, "Delete", "Stat"),
		broken("deletions are not seen in parts", keepsParts, "DeletedIsGone", "Parts"),
		broken("Head is of what is left", func(s store.Store) store.Store {
			return &tamper{Store: s, stat: func(ctx context.Context, log store.LogID) (store.Stat, error) {
				st, err := s.Stat(ctx, log)
				if st.Entries == 0 {
					st.Head = 0
				}
				return st, err
			}}
		}, "DeleteEverything"),
	}
}

// taking changes the Take of those queries that have one.
func taking(change func(q *store.Query, take func([][]byte) (int, error))) func(store.Store) store.Store {
	return asking(func(q *store.Query) {
		if q.Take != nil {
			change(q, q.Take)
		}
	})
}

// keepsMemory reads the bytes out of the memory that Commit was given.
func keepsMemory(s store.Store) store.Store {
	raws := map[store.Added]string{}
	return &tamper{
		Store: s,
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, b)
			for i, a := range r.Added {
				raws[a] = b.Objects[i].Raw
			}
			return r, err
		},
		read: func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
			err := s.Read(ctx, log, q, p)
			for i, r := range p.Rows {
				if q.Want&store.WantObjects != 0 {
					copy(p.Object(i), raws[r.Added])
				}
			}
			return err
		},
	}
}

// lastByArrival takes of each object the entry that came last.
func lastByArrival(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
	if q.Limit < 1 || !q.Versions.OnlyLast() {
		return s.Read(ctx, log, &q, p)
	}
	every, err := unversioned(s, ctx, log, q)
	if err != nil {
		return err
	}
	last := map[stix.ID]int{}
	for i, r := range every.Rows {
		last[r.ID] = i
	}
	pageOf(every, func(i int) bool { return last[every.Rows[i].ID] == i && gated(&q, every.Rows[i].Label) }, &q, p)
	return nil
}

// unpaged is all that q selects but for its Gate.
func unpaged(s store.Store, ctx context.Context, log store.LogID, q store.Query) (*store.Page, error) {
	q.Gate, q.From, q.Limit, q.MaxBytes, q.Want = nil, 0, 1<<30, 0, store.WantRows|store.WantObjects|store.WantSource
	var every store.Page
	return &every, s.Read(ctx, log, &q, &every)
}

// unversioned is unpaged before versions are chosen.
func unversioned(s store.Store, ctx context.Context, log store.LogID, q store.Query) (*store.Page, error) {
	q.Versions = store.Versions{All: true}
	return unpaged(s, ctx, log, q)
}

// gated reports whether q's Gate lets l through.
func gated(q *store.Query, l store.Label) bool { return q.Gate == nil || q.Gate.Has(l) }

// pageOf makes p the page of those entries of every that keep says.
func pageOf(every *store.Page, keep func(i int) bool, q *store.Query, p *store.Page) {
	p.Reset()
	var joined []byte
	for i, r := range every.Rows {
		if !keep(i) || r.Added <= q.From {
			continue
		}
		if p.More = p.N == q.Limit || q.MaxBytes > 0 && len(joined) >= q.MaxBytes; p.More {
			break
		}
		if p.N++; p.N == 1 {
			p.First = r.Added
		} else {
			joined = append(joined, ',')
		}
		joined = append(joined, every.Object(i)...)
		p.Last, r.End = r.Added, len(joined)
		if q.Want&store.WantObjects == 0 {
			r.End = 0
		}
		if q.Want&store.WantSource == 0 {
			r.Label, r.Of, r.At = 0, "", 0
		}
		if q.Want&store.WantRows != 0 {
			p.Rows = append(p.Rows, r)
		}
	}
	if q.Want&store.WantObjects != 0 {
		p.Objects = joined
	}
	if q.Want&store.WantDeflated != 0 && p.N > 0 {
		p.Parts = append(p.Parts, store.Part{Plain: joined, Size: len(joined)})
	}
}

func leavesBytes(s store.Store) store.Store {
	most := map[store.LogID]int64{}
	return &tamper{
		Store: s,
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, b)
			for i, o := range r.Outcomes {
				if o == store.Stored {
					most[b.Log] += int64(len(b.Objects[i].Raw))
				}
			}
			return r, err
		},
		stat: func(ctx context.Context, log store.LogID) (store.Stat, error) {
			st, err := s.Stat(ctx, log)
			st.Bytes = most[log]
			return st, err
		},
	}
}

// keepsParts reads Parts from a second store, in which nothing is deleted.
func keepsParts(s store.Store) store.Store {
	second := mem.New()
	return &tamper{
		Store: s,
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			if _, err := second.Commit(ctx, b); err != nil {
				return store.Receipt{}, err
			}
			return s.Commit(ctx, b)
		},
		read: func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
			if q.Want&store.WantDeflated != 0 {
				return second.Read(ctx, log, q, p)
			}
			return s.Read(ctx, log, q, p)
		},
	}
}

// reencode is what encoding/json makes of an object.
func reencode(raw string) string {
	out, err := json.Marshal(json.RawMessage(raw))
	if err != nil {
		return raw
	}
	return string(out)
}
