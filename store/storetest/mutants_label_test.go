package storetest_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"entente/stix"
	"entente/store"
)

// labelOf is the label of an entry of a log of objects, if it is there.
func labelOf(s store.Store, ctx context.Context, log store.LogID, added store.Added) (store.Label, bool) {
	var p store.Page
	q := everyEntry()
	q.From, q.Limit = added-1, 1
	if s.Read(ctx, log, &q, &p) != nil || p.N == 0 || p.First != added {
		return 0, false
	}
	return p.Rows[0].Label, true
}

// everyEntry selects all, with sources.
func everyEntry() store.Query {
	return store.Query{
		SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true},
		Limit: 1 << 30, Want: store.WantRows | store.WantSource,
	}
}

// isReleaseLog says what kind of log one with entries is.
func isReleaseLog(s store.Store, ctx context.Context, log store.LogID) bool {
	var p store.Page
	q := everyEntry()
	q.Limit = 1
	return s.Read(ctx, log, &q, &p) == nil && p.N == 1 && p.Rows[0].Of != log
}

func labelMutants() []mutant {
	return slices.Concat(labelWriters(), labelReaders())
}

func labelWriters() []mutant {
	return []mutant{
		broken("labels are lost", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			b.Labels = nil
			return s.Commit(ctx, &b)
		}), "Labels", "Gate", "RandomOperations"),
		broken("labels in reverse", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			b.Labels = slices.Clone(b.Labels)
			slices.Reverse(b.Labels)
			return s.Commit(ctx, &b)
		}), "Labels", "RandomOperations"),
		broken("a duplicate takes the new label", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			for i, o := range r.Outcomes {
				if o == store.Duplicate && b.Labels != nil && r.Labels[i] != b.Labels[i] {
					change := []store.Relabel{{Added: r.Added[i], From: r.Labels[i], To: b.Labels[i]}}
					_, err = s.Commit(ctx, &store.Batch{Log: b.Log, Relabel: change})
				}
			}
			return r, err
		}), "Labels", "RandomOperations"),
		broken("a receipt without labels", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			r.Labels = nil
			return r, err
		}), "Labels", "RandomOperations"),
		broken("a receipt with the labels of the batch", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			copy(r.Labels, b.Labels)
			return r, err
		}), "Labels", "RandomOperations"),
		broken("a receipt from before Relabel", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, &b)
			for _, rel := range slices.Backward(b.Relabel) {
				for i, a := range r.Added {
					if a == rel.Added {
						r.Labels[i] = rel.From
					}
				}
			}
			return r, err
		}), "Relabel", "RandomOperations"),
		broken("Then does not learn labels", committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
			if then := b.Then; then != nil {
				b.Then = func(r store.Receipt) []store.Document {
					r.Labels = nil
					return then(r)
				}
			}
			return s.Commit(ctx, &b)
		}), "ReleaseInOneCommit", "ReleaseConflictWritesNothing", "BatchInOneCommit"),
		broken("the label's old value is not looked at", relabeling(func(s store.Store, ctx context.Context, b *store.Batch) (bool, error) {
			now := map[store.Added]store.Label{}
			for i, r := range b.Relabel {
				if _, ok := now[r.Added]; !ok {
					now[r.Added], _ = labelOf(s, ctx, b.Log, r.Added)
				}
				b.Relabel[i].From = now[r.Added]
				now[r.Added] = r.To
			}
			return false, nil
		}), "RelabelConflictWritesNothing", "RandomOperations"),
		broken("a label of what is not there is a conflict", relabeling(func(s store.Store, ctx context.Context, b *store.Batch) (bool, error) {
			head, err := s.Stat(ctx, b.Log)
			for _, r := range b.Relabel {
				if _, ok := labelOf(s, ctx, b.Log, r.Added); !ok && r.Added <= head.Head {
					return true, store.ErrConflict
				}
			}
			return false, err
		}), "Relabel"),
		broken("each label in a commit of its own", relabeling(func(s store.Store, ctx context.Context, b *store.Batch) (bool, error) {
			for i, r := range b.Relabel {
				if i%20 == 10 {
					time.Sleep(50 * time.Microsecond)
				}
				if _, ok := labelOf(s, ctx, b.Log, r.Added); ok {
					if _, err := s.Commit(ctx, &store.Batch{Log: b.Log, Relabel: []store.Relabel{r}}); err != nil {
						return true, err
					}
				}
			}
			b.Relabel = nil
			return false, nil
		}), "RelabelConflictWritesNothing", "ReaderSeesWholeRelabels"),
		broken("labels before objects", relabeling(func(s store.Store, ctx context.Context, b *store.Batch) (bool, error) {
			_, err := s.Commit(ctx, &store.Batch{Log: b.Log, Relabel: b.Relabel})
			b.Relabel = nil
			return err != nil, err
		}), "Relabel"),
		broken("labels do not follow on each other", relabeling(func(s store.Store, ctx context.Context, b *store.Batch) (bool, error) {
			for i, r := range b.Relabel {
				if slices.ContainsFunc(b.Relabel[:i], func(e store.Relabel) bool { return e.Added == r.Added && e.From != r.From }) {
					return true, store.ErrConflict
				}
			}
			return false, nil
		}), "Relabel"),
		broken("labels are kept in the caller's memory", keepsLabelSlice, "ReleaseKeepsNothing"),
		broken("a new label is a new release", committing(newLabelReleases), "Relabel", "RandomOperations"),
	}
}

// keepsLabelSlice shows the labels that are in Batch.Labels now.
func keepsLabelSlice(s store.Store) store.Store {
	kept := map[store.Added]*store.Label{}
	return &tamper{
		Store: s,
		commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			r, err := s.Commit(ctx, b)
			for i, a := range r.Added {
				if b.Labels != nil {
					kept[a] = &b.Labels[i]
				}
			}
			return r, err
		},
		read: func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
			err := s.Read(ctx, log, q, p)
			for i, r := range p.Rows {
				if l := kept[r.At]; l != nil && q.Want&store.WantSource != 0 {
					p.Rows[i].Label = *l
				}
			}
			return err
		},
	}
}

// relabeling has change look at a Batch with Relabel first; the batch is
// committed unless change says that it is done.
func relabeling(change func(s store.Store, ctx context.Context, b *store.Batch) (done bool, err error)) func(store.Store) store.Store {
	return committing(func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
		if len(b.Relabel) > 0 && ctx.Err() == nil {
			b.Relabel = slices.Clone(b.Relabel)
			if done, err := change(s, ctx, &b); done || err != nil {
				return store.Receipt{}, err
			}
		}
		return s.Commit(ctx, &b)
	})
}

// newLabelReleases drops and adds what is relabeled, where it has been released.
func newLabelReleases(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error) {
	r, err := s.Commit(ctx, &b)
	if err != nil || len(b.Relabel) == 0 {
		return r, err
	}
	logs, err := s.Logs(ctx)
	for _, log := range logs {
		var p store.Page
		q := everyEntry()
		if !isReleaseLog(s, ctx, log) || s.Read(ctx, log, &q, &p) != nil {
			continue
		}
		again := store.Release{Log: log, Of: b.Log}
		for _, row := range p.Rows {
			if row.Of == b.Log && slices.ContainsFunc(b.Relabel, func(r store.Relabel) bool { return r.Added == row.At }) {
				again.Drop, again.Add = append(again.Drop, row.At), append(again.Add, row.At)
			}
		}
		if _, err := s.Commit(ctx, &store.Batch{Releases: []store.Release{again}, At: b.At}); err != nil {
			return r, err
		}
	}
	return r, err
}

func labelReaders() []mutant {
	return []mutant{
		broken("release logs keep the label of the release", keepsLabels, "Relabel", "RandomOperations"),
		broken("sources without being asked", asking(func(q *store.Query) { q.Want |= store.WantSource }), "WantSource"),
		broken("no sources", asking(func(q *store.Query) { q.Want &^= store.WantSource }), "WantSource", "Labels", "RandomOperations"),
		broken("Row.Of is the log that is read", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			err := s.Read(ctx, log, &q, p)
			for i := range p.Rows {
				if p.Rows[i].Of != "" {
					p.Rows[i].Of = log
				}
			}
			return err
		}), "Release", "WantSource", "RandomOperations"),
		broken("Row.At is Row.Added", answering(func(p *store.Page) {
			for i := range p.Rows {
				if p.Rows[i].Of != "" {
					p.Rows[i].At = p.Rows[i].Added
				}
			}
		}), "Release", "RandomOperations"),
	}
}

// keepsLabels shows in release logs the labels that were read there first.
func keepsLabels(s store.Store) store.Store {
	type place struct {
		log, of store.LogID
		at      store.Added
	}
	var mu sync.Mutex
	first := map[place]store.Label{}
	return reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		err := s.Read(ctx, log, &q, p)
		mu.Lock()
		defer mu.Unlock()
		for i, r := range p.Rows {
			if r.Of == "" || r.Of == log {
				continue
			}
			if l, ok := first[place{log, r.Of, r.At}]; ok {
				p.Rows[i].Label = l
			}
			first[place{log, r.Of, r.At}] = p.Rows[i].Label
		}
		return err
	})(s)
}

// ungated reads without the Gate and then lets through what keep says.
func ungated(keep func(q *store.Query, l store.Label) bool) func(store.Store) store.Store {
	return reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		if q.Gate == nil || q.Limit < 1 {
			return s.Read(ctx, log, &q, p)
		}
		every, err := unpaged(s, ctx, log, q)
		if err != nil {
			return err
		}
		pageOf(every, func(i int) bool { return keep(&q, every.Rows[i].Label) }, &q, p)
		return nil
	})
}

func gateMutants() []mutant {
	return []mutant{
		broken("the gate is open", asking(func(q *store.Query) { q.Gate = nil }),
			"Gate", "GateAfterVersions", "GateQueries", "GateManyPages", "ReleaseManyPages", "RandomOperations"),
		broken("an empty gate is none", asking(func(q *store.Query) {
			if len(q.Gate) == 0 {
				q.Gate = nil
			}
		}), "Gate", "GateQueries", "RandomOperations"),
		broken("no label passes any gate", ungated(func(q *store.Query, l store.Label) bool { return l == 0 || q.Gate.Has(l) }),
			"Gate", "GateQueries", "RandomOperations"),
		broken("labels modulo 64", ungated(func(q *store.Query, l store.Label) bool { return q.Gate.Has(l % 64) }), "Gate", "GateQueries"),
		broken("labels beyond the gate's end pass", ungated(func(q *store.Query, l store.Label) bool {
			return int(l>>6) >= len(q.Gate) || q.Gate.Has(l)
		}), "Gate", "GateQueries", "RandomOperations"),
		broken("a gate that was open stays open", staysOpen, "GateNewLabels"),
		broken("the gate chooses versions", reading(gateBeforeVersions), "GateAfterVersions", "GateQueries", "RandomOperations"),
		broken("the gate shortens pages", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if q.Gate == nil {
				return s.Read(ctx, log, &q, p)
			}
			return shortened(s, ctx, log, q, p)
		}), "GateQueries", "GateManyPages", "RandomOperations"),
		broken("the gate shortens pages by bytes", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if q.Gate == nil || q.MaxBytes == 0 {
				return s.Read(ctx, log, &q, p)
			}
			return shortened(s, ctx, log, q, p)
		}), "GateManyPages"),
		broken("More is about what is behind the gate", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if err := s.Read(ctx, log, &q, p); err != nil || q.Gate == nil || p.N == 0 {
				return err
			}
			var open store.Page
			q.Gate, q.From, q.Want = nil, p.Last, 0
			err := s.Read(ctx, log, &q, &open)
			p.More = open.N > 0
			return err
		}), "GateQueries", "GateManyPages", "RandomOperations"),
		broken("the gate is for logs of objects", reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
			if isReleaseLog(s, ctx, log) {
				q.Gate = nil
			}
			return s.Read(ctx, log, &q, p)
		}), "Gate", "GateAfterVersions", "GateQueries", "GateManyPages", "ReleaseManyPages", "RandomOperations"),
		broken("the gate is not for parts", asking(func(q *store.Query) {
			if q.Want&store.WantDeflated != 0 {
				q.Gate = nil
			}
		}), "GateQueries", "GateManyPages", "ReleaseManyPages", "RandomOperations"),
		broken("Delete looks at the gate", func(s store.Store) store.Store {
			return &tamper{Store: s, delete: func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
				if sel.Gate != nil {
					var p store.Page
					q := everyEntry()
					q.IDs, q.Gate = []stix.ID{id}, sel.Gate
					if err := s.Read(ctx, log, &q, &p); err != nil || p.N == 0 {
						return 0, err
					}
				}
				return s.Delete(ctx, log, id, sel)
			}}
		}, "GateNotInDelete"),
	}
}

// staysOpen looks at a gate no more once it has let all of a log through.
func staysOpen(s store.Store) store.Store {
	var mu sync.Mutex
	open := map[string]bool{}
	return reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		if q.Gate == nil || q.Limit < 1 {
			return s.Read(ctx, log, &q, p)
		}
		every := everyEntry()
		var all, through store.Page
		if err := s.Read(ctx, log, &every, &all); err != nil {
			return err
		}
		every.Gate = q.Gate
		if err := s.Read(ctx, log, &every, &through); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		name := fmt.Sprint(log, q.Gate)
		if open[name] = open[name] || all.N == through.N && all.N > 0; open[name] {
			q.Gate = nil
		}
		return s.Read(ctx, log, &q, p)
	})(s)
}

// shortened pages first and then looks at the gate.
func shortened(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
	open := q
	open.Gate, open.Want = nil, store.WantRows|store.WantObjects|store.WantSource
	var page store.Page
	if err := s.Read(ctx, log, &open, &page); err != nil {
		return err
	}
	pageOf(&page, func(i int) bool { return q.Gate.Has(page.Rows[i].Label) }, &q, p)
	p.More = page.More
	return nil
}

// gateBeforeVersions takes the last version of those that the gate lets through.
func gateBeforeVersions(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
	if q.Limit < 1 || q.Gate == nil || !q.Versions.OnlyLast() {
		return s.Read(ctx, log, &q, p)
	}
	every, err := unversioned(s, ctx, log, q)
	if err != nil {
		return err
	}
	last := lastOf(every, func(r *store.Row) bool { return q.Gate.Has(r.Label) }, func(a, b *store.Row) bool { return true })
	pageOf(every, func(i int) bool { return last[every.Rows[i].ID] == i }, &q, p)
	return nil
}

// lastOf has the numbers of the last versions among the rows that count; of
// equal ones the later if wins says so.
func lastOf(every *store.Page, counts func(r *store.Row) bool, wins func(later, earlier *store.Row) bool) map[stix.ID]int {
	instant := func(r *store.Row) stix.Timestamp {
		h := stix.Header{Modified: r.Version}
		return h.Version()
	}
	last := map[stix.ID]int{}
	for i := range every.Rows {
		r := &every.Rows[i]
		if !counts(r) {
			continue
		}
		old, ok := last[r.ID]
		if v := instant(r); !ok || v > instant(&every.Rows[old]) || v == instant(&every.Rows[old]) && wins(r, &every.Rows[old]) {
			last[r.ID] = i
		}
	}
	return last
}
