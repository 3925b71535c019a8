package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"entente/stix"
	"entente/store"
)

var wholeCases = []Case{
	{
		"ReleaseConflictWritesNothing", "On ErrConflict nothing was written: no object, no label, nothing in release logs, no name of one.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 4), Labels: []store.Label{1, 2, 3, 4}})
			base := p.read(testLog, sourced())
			p.release(releaseLog, base[:2]...)
			p.move("c", "", "here")
			p.put("k", "old", 0, "old", 0)
			stale := store.Document{Kind: "k", ID: "old", Rev: 7}
			was := p.everything()
			for name, spoil := range map[string]func(b *store.Batch){
				"cursor":             func(b *store.Batch) { b.Cursor.From = "elsewhere" },
				"document":           func(b *store.Batch) { b.Put = append(b.Put, stale) },
				"document of Then":   func(b *store.Batch) { b.Then = func(store.Receipt) []store.Document { return []store.Document{stale} } },
				"label":              func(b *store.Batch) { b.Relabel[0].From = 9 },
				"label of a new one": func(b *store.Batch) { b.Relabel[1].From = 9 },
			} {
				b := p.full(base)
				spoil(&b)
				_, err := p.s.Commit(p.ctx, &b)
				p.is(err, store.ErrConflict, name)
				p.unchanged(was, name)
			}
			if p.f.Reopen != nil {
				p.reopen()
				p.unchanged(was, "after reopening")
			}
			p.batch(p.full(base))
			p.fullShows(base)
		}),
	},
	{
		"ReleaseInOneCommit", "Objects, labels, releases, cursor and documents are written together: while the commit is not visible, nothing of it can be read, and then all of it; readers do not wait.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 4), Labels: []store.Label{1, 2, 3, 4}})
			base := p.read(testLog, sourced())
			p.release(releaseLog, base[:2]...)
			p.move("c", "", "here")
			was := p.everything()
			b := p.full(base)
			held, release := p.hold()
			defer release()
			p.parallel(
				func() {
					_, err := p.s.Commit(p.ctx, &b)
					p.ok(err, "commit")
				},
				func() {
					defer release()
					p.wait(held, "no commit came to the hook")
					for range 5 {
						p.unchanged(was, "while the commit is held")
					}
				},
			)
			p.fullShows(base)
		}),
	},
	{
		"AllOfACommitAtOnce", "When a reader sees one thing that a commit wrote, be it an object, a label, a release, a cursor or a document, it sees all of it.",
		scenario(allAtOnce),
	},
	{
		"ReaderSeesWholeReleases", "A Read of a release log is from one consistent view: after whole commits, also when each drops all that was there and adds as much.",
		scenario(wholeReleases),
	},
	{
		"ReaderSeesWholeRelabels", "A Read sees all labels that one commit changed, or none, in the log and in release logs, and its Gate is about the same view.",
		scenario(wholeRelabels),
	},
	{
		"ReaderSeesWholeDeletes", "A Read of a release log sees all that one Delete takes out of it, or none; after Delete returns none, and the bytes of what is there are never those of something else.",
		scenario(wholeDeletes),
	},
	{
		"ReleasesAfterReopen", "Release logs are there after closing and opening as they were, with what was withdrawn and deleted gone, and go on from there.",
		scenario(releasesAfterReopen),
	},
}

// full is a Batch with everything that there is, on a testLog with four
// entries with labels 1 to 4, of which releaseLog has two, and a cursor c at "here".
func (p *probe) full(base []item) store.Batch {
	fresh := p.next(testLog, 2)
	return store.Batch{
		Log: testLog, At: testTime, Objects: indicators(p, 100, 2), Labels: []store.Label{5, 6},
		Relabel: []store.Relabel{{Added: base[0].Added, From: 1, To: 10}, {Added: fresh[1], From: 6, To: 60}},
		Releases: []store.Release{
			{Log: releaseLog, Of: testLog, Drop: added(base[1:2]), Add: []store.Added{base[2].Added, fresh[1]}},
			{Log: "a new one", Of: testLog, Add: []store.Added{fresh[0], base[0].Added}},
		},
		Cursor: &store.CursorMove{Name: "c", From: "here", To: "there"},
		Put:    []store.Document{{Kind: "k", ID: "put"}},
		Then: func(r store.Receipt) []store.Document {
			return []store.Document{{Kind: "k", ID: "then", Body: fmt.Append(nil, r.Labels)}}
		},
	}
}

// fullShows fails unless full was committed.
func (p *probe) fullShows(base []item) {
	now := p.read(testLog, sourced())
	equal(p, len(now), 6, "entries")
	p.labels([]store.Label{now[0].Label, now[1].Label, now[4].Label, now[5].Label}, "after the commit", 10, 2, 5, 60)
	p.shows("after the commit", releaseLog, now[0], base[2], now[5])
	p.shows("after the commit", "a new one", now[4], now[0])
	p.cursor("c", "there")
	p.document("k", "put", 1, "", 0)
	p.document("k", "then", 1, "[5 60]", 0)
}

// allAtOnce has readers look at everything that commits write, in any order: what
// is read later shows no earlier commit.
func allAtOnce(p *probe) {
	const commits = 40
	p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 1)})
	first := p.read(testLog, sourced())[0].Added
	var done atomic.Bool
	writer := func() {
		defer done.Store(true)
		for i := range commits {
			fresh := p.next(testLog, 1)
			_, err := p.s.Commit(p.ctx, &store.Batch{
				Log: testLog, At: testTime, Objects: indicators(p, i+1, 1),
				Relabel:  []store.Relabel{{Added: first, From: store.Label(i), To: store.Label(i + 1)}},
				Releases: []store.Release{{Log: releaseLog, Of: testLog, Add: fresh}},
				Cursor:   &store.CursorMove{Name: "c", From: number(i), To: number(i + 1)},
				Put:      []store.Document{{Kind: "k", ID: "i", Rev: uint64(i)}},
			})
			p.ok(err, "commit")
		}
	}
	views := map[string]func() int{
		"the log":         func() int { return len(p.read(testLog, all())) - 1 },
		"Stat of the log": func() int { return int(p.stat(testLog).Entries) - 1 },
		"a label": func() int {
			q := sourced()
			q.Limit = 1
			items, _ := p.page(testLog, q)
			return int(items[0].Label)
		},
		"the release log":         func() int { return len(p.read(releaseLog, all())) },
		"Stat of the release log": func() int { return int(p.stat(releaseLog).Entries) },
		"the cursor": func() int {
			c, err := p.s.Cursor(p.ctx, "c")
			p.ok(err, "cursor")
			n, _ := strconv.Atoi(c) // "" is 0
			return n
		},
		"the document": func() int {
			d, err := p.s.Document(p.ctx, "k", "i")
			if !errors.Is(err, store.ErrNotFound) {
				p.ok(err, "document")
			}
			return int(d.Rev)
		},
	}
	reader := func() {
		seen, where := 0, "nothing"
		for end := false; !end; {
			end = done.Load()
			for name, view := range views { // in any order
				n := view()
				if n < seen || end && n != commits {
					p.failf("%s shows %d commits after %s showed %d, of %d", name, n, where, seen, commits)
				}
				seen, where = n, name
			}
		}
	}
	p.parallel(writer, reader, reader)
}

// wholeReleases has generations of entries take each other's place.
func wholeReleases(p *probe) {
	const size, generations = 5, 60
	p.commit(indicators(p, 0, size*generations)...)
	base := p.read(testLog, sourced())
	generation := map[store.Added]int{}
	for i, it := range base {
		generation[it.Added] = i / size
	}
	p.release(releaseLog, base[:size]...)
	var done atomic.Bool
	writer := func() {
		defer done.Store(true)
		for g := 1; g < generations; g++ {
			_, err := p.s.Commit(p.ctx, &store.Batch{At: testTime, Releases: []store.Release{{
				Log: releaseLog, Of: testLog, Drop: added(base[(g-1)*size : g*size]), Add: added(base[g*size : (g+1)*size]),
			}}})
			p.ok(err, "release")
		}
	}
	reader := func() {
		last := 0
		for end := false; !end; {
			end = done.Load()
			items := p.read(releaseLog, sourced())
			equal(p, len(items), size, "entries in a view")
			g := generation[items[0].At]
			for _, it := range items {
				equal(p, generation[it.At], g, "generation of an entry in one view")
			}
			if g < last {
				p.failf("generation %d was read after %d", g, last)
			}
			last = g
		}
		equal(p, last, generations-1, "last generation")
	}
	p.parallel(writer, reader, reader)
}

// wholeRelabels relabels all entries at once, again and again.
func wholeRelabels(p *probe) {
	const entries, rounds = 40, 40
	p.commit(indicators(p, 0, entries)...)
	base := p.read(testLog, sourced())
	p.release(releaseLog, base[:entries/2]...)
	p.release(releaseLog, base[entries/2:]...)
	var done atomic.Bool
	writer := func() {
		defer done.Store(true)
		for i := range rounds {
			b := store.Batch{Log: testLog, At: testTime}
			for _, it := range base {
				b.Relabel = append(b.Relabel, store.Relabel{Added: it.Added, From: store.Label(i), To: store.Label(i + 1)})
			}
			_, err := p.s.Commit(p.ctx, &b)
			p.ok(err, "relabel")
		}
	}
	reader := func(log store.LogID) func() {
		return func() {
			last := store.Label(0)
			for end := false; !end; {
				end = done.Load()
				items := p.read(log, sourced())
				equal(p, len(items), entries, "entries in a view")
				for _, it := range items {
					equal(p, it.Label, items[0].Label, "label of an entry in one view")
				}
				if items[0].Label < last {
					p.failf("label %d was read after %d", items[0].Label, last)
				}
				last = items[0].Label
				q := sourced()
				q.Gate = store.LabelSet{0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa} // odd ones
				items = p.read(log, q)
				if n := len(items); n != 0 && n != entries {
					p.failf("%d entries by a gate, want all or none", n)
				}
				for _, it := range items {
					equal(p, q.Gate.Has(it.Label), true, "a label behind a gate is in it")
				}
			}
			equal(p, last, rounds, "last label")
		}
	}
	p.parallel(writer, reader(testLog), reader(releaseLog))
}

// wholeDeletes deletes entries of two versions in one call each.
func wholeDeletes(p *probe) {
	const objects = 60
	for i := range objects {
		p.commit(indicator{n: i, name: strings.Repeat(uuid(i), 9), modified: day(2, 1)}.make(p), indicator{n: i, modified: day(2, 2)}.make(p))
	}
	base := p.read(testLog, sourced())
	p.release(releaseLog, base...)
	raws := map[store.Added]string{}
	for _, it := range base {
		raws[it.Added] = it.raw
	}
	var deleted atomic.Int32
	writer := func() {
		defer deleted.Store(objects)
		for i := range objects - 1 {
			equal(p, p.ok2(p.s.Delete(p.ctx, testLog, indicator{n: i}.id(), ptr(all()))), 2, "deleted")
			deleted.Store(int32(i + 1))
		}
	}
	reader := func() {
		for end := false; !end; {
			n := deleted.Load()
			end = n == objects
			seen := map[stix.ID]int{}
			for _, it := range p.read(releaseLog, sourced()) {
				seen[it.ID]++
				equal(p, it.raw, raws[it.At], "bytes of an entry")
			}
			for i := range objects {
				got := seen[indicator{n: i}.id()]
				if got != 0 && got != 2 || got != 0 && int32(i) < n && i < objects-1 {
					p.failf("%d of 2 versions of object %d after %d were deleted", got, i, n)
				}
			}
		}
	}
	p.parallel(writer, reader, reader)
	equal(p, len(p.read(releaseLog, all())), 2, "entries left")
}

func releasesAfterReopen(p *probe) {
	const n = 300
	for i := 0; i < n; i += 100 {
		labels := make([]store.Label, 100)
		for i := range labels {
			labels[i] = store.Label(p.rnd.IntN(5))
		}
		for _, log := range []store.LogID{testLog, "other"} {
			p.batch(store.Batch{Log: log, Objects: indicators(p, i, 100), Labels: labels})
		}
	}
	released := map[item]bool{}
	for round := range 8 {
		base := append(p.read(testLog, sourced()), p.read("other", sourced())...)
		var b store.Batch
		for _, i := range p.rnd.Perm(len(base))[:120] {
			r := store.Release{Log: releaseLog, Of: base[i].Of}
			if i%2 == 0 {
				r.Log = "\xff another"
			}
			if released[base[i]] && i%3 > 0 {
				r.Drop = []store.Added{base[i].At}
			} else {
				r.Add = []store.Added{base[i].At}
			}
			released[base[i]] = len(r.Add) > 0
			b.Releases = append(b.Releases, r)
		}
		p.batch(b)
		if round%3 == 2 {
			p.ok2(p.s.Delete(p.ctx, testLog, base[p.rnd.IntN(100)].ID, &store.Query{}))
		}
		was := p.everything()
		p.reopen()
		p.unchanged(was, fmt.Sprintf("after reopening %d times", round+1))
		for _, log := range []store.LogID{releaseLog, "\xff another"} {
			p.shows("after reopening", log, p.read(log, sourced())...)
		}
	}
	head := p.stat(releaseLog).Head
	p.release(releaseLog, p.absent(releaseLog, 5)...)
	p.numbered(added(p.read(releaseLog, store.Query{After: head, Versions: store.Versions{All: true}})), head, testTime)
}

// absent are n entries of testLog that a release log does not have.
func (p *probe) absent(log store.LogID, n int) (found []item) {
	has := map[store.Added]bool{}
	for _, it := range p.read(log, sourced()) {
		has[it.At] = has[it.At] || it.Of == testLog
	}
	for _, it := range p.read(testLog, sourced()) {
		if !has[it.At] && len(found) < n {
			found = append(found, it)
		}
	}
	return found
}
