package storetest

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"entente/stix"
	"entente/store"
)

var labelCases = []Case{
	{
		"Labels", "Labels are those of Objects, in step, nil is all 0; a Duplicate keeps the label that is stored; the Receipt has the label of the entry that is stored now.",
		scenario(func(p *probe) {
			a, b, c := indicator{n: 1, by: 1}.make(p), address(p, 2, "198.51.100.1"), indicator{n: 3}.make(p)
			r := p.batch(store.Batch{Log: testLog, Objects: []stix.Object{a, b, c}, Labels: []store.Label{7, 0, math.MaxUint32}})
			p.labels(r.Labels, "first commit", 7, 0, math.MaxUint32)
			differs, foreign := indicator{n: 1, by: 1, name: "x"}.make(p), indicator{n: 1, by: 2, modified: day(9, 9)}.make(p)
			d := indicator{n: 4}.make(p)
			r = p.batch(store.Batch{
				Log: testLog, Objects: []stix.Object{c, d, differs, foreign, b, d, a}, Labels: []store.Label{1, 2, 3, 4, 5, 6, 8},
			})
			p.labels(r.Labels, "second commit", math.MaxUint32, 2, 7, 0, 0, 2, 7)
			r = p.batch(store.Batch{Log: testLog, Objects: []stix.Object{indicator{n: 5}.make(p), a}})
			p.labels(r.Labels, "commit without labels", 0, 7)
			var stored []store.Label
			for i, it := range p.read(testLog, sourced()) {
				stored = append(stored, it.Label)
				equal(p, it.Of, testLog, fmt.Sprintf("Row.Of of entry %d", i))
				equal(p, it.At, it.Added, fmt.Sprintf("Row.At of entry %d", i))
			}
			p.labels(stored, "Row.Label", 7, 0, math.MaxUint32, 2, 0)
		}),
	},
	{
		"WantSource", "Row.Label, Row.Of and Row.At are filled with WantRows and WantSource, and only then.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 3), Labels: []store.Label{1, 2, 3}})
			base := p.read(testLog, sourced())
			p.release(releaseLog, base...)
			for _, log := range []store.LogID{testLog, releaseLog} {
				for _, want := range []store.Want{store.WantRows, store.WantSource, store.WantRows | store.WantObjects, store.WantRows | store.WantSource, store.WantRows | store.WantSource | store.WantDeflated} {
					q := store.Query{Limit: 2, Want: want}
					var pg store.Page
					p.ok(p.s.Read(p.ctx, log, &q, &pg), "read")
					what := fmt.Sprintf(" of %s with Want %d", log, want)
					equal(p, pg.N, 2, "N"+what)
					equal(p, len(pg.Rows) > 0, want&store.WantRows != 0, "Rows"+what)
					for i, r := range pg.Rows {
						got, none := store.Row{Label: r.Label, Of: r.Of, At: r.At}, store.Row{}
						if want&store.WantSource != 0 {
							none = store.Row{Label: store.Label(i + 1), Of: testLog, At: base[i].Added}
						}
						equal(p, got, none, "sources"+what)
					}
				}
			}
		}),
	},
	{
		"Relabel", "A Relabel gives an entry another label, also one of the batch's own objects, everywhere, and changes nothing else; one of an entry that is not there is passed over; they follow on each other.",
		scenario(relabel),
	},
	{
		"RelabelConflictWritesNothing", "If a label is not From the Batch fails with ErrConflict and nothing of it was written.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 4), Labels: []store.Label{1, 2, 3, 0}})
			base := p.read(testLog, sourced())
			p.release(releaseLog, base[:2]...)
			p.move("c", "", "here")
			was := p.everything()
			for name, stale := range map[string][]store.Relabel{
				"stale label":               {{Added: base[0].Added, From: 2, To: 9}},
				"no label where there is":   {{Added: base[0].Added, To: 9}},
				"a label where there isn't": {{Added: base[3].Added, From: 1, To: 9}},
				"the second one is stale":   {{Added: base[0].Added, From: 1, To: 9}, {Added: base[1].Added, From: 1, To: 9}},
				"stale by the first one":    {{Added: base[0].Added, From: 1, To: 9}, {Added: base[0].Added, From: 1, To: 8}},
				"To is what it is already":  {{Added: base[0].Added, From: 9, To: 1}},
			} {
				b := p.full(base)
				b.Relabel = stale
				_, err := p.s.Commit(p.ctx, &b)
				p.is(err, store.ErrConflict, name)
				p.unchanged(was, name)
			}
		}),
	},
	{
		"RelabelRace", "Of many that relabel an entry from the same label one wins, with all of its batch; the others write nothing.",
		scenario(func(p *probe) {
			const writers, steps = 6, 5
			at := p.commit(indicators(p, 0, 1)...)[0]
			var won atomic.Int32
			var fns []func()
			for w := range writers {
				fns = append(fns, func() {
					for i := range steps {
						_, err := p.s.Commit(p.ctx, &store.Batch{
							Log: testLog, Objects: indicators(p, 1+w*100+i, 1), At: testTime,
							Relabel: []store.Relabel{{Added: at, From: store.Label(i), To: store.Label(i + 1)}},
						})
						switch {
						case err == nil:
							won.Add(1)
						case !errors.Is(err, store.ErrConflict):
							p.failf("commit: %w", err)
						}
						for is := store.Label(0); is < store.Label(i+1); { // wait for the winner
							q := sourced()
							q.Limit = 1
							items, _ := p.page(testLog, q)
							is = items[0].Label
						}
					}
				})
			}
			p.parallel(fns...)
			equal(p, won.Load(), steps, "commits that won")
			equal(p, p.stat(testLog).Entries, steps+1, "Entries")
		}),
	},
	{
		"LabelsAfterReopen", "Labels are there after closing and opening, those that were changed too, and can be changed on.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 700)
			labels := make([]store.Label, len(objs))
			for i := range labels {
				labels[i] = store.Label(p.rnd.IntN(70))
			}
			for i := 0; i < len(objs); i += 100 {
				p.batch(store.Batch{Log: testLog, Objects: objs[i : i+100], Labels: labels[i : i+100]})
			}
			p.commitTo("plain", objs[:300]...)
			for range 3 {
				items := p.read(testLog, sourced())
				b := store.Batch{Log: testLog}
				for i, it := range items {
					equal(p, it.Label, labels[i], fmt.Sprintf("label of entry %d", i))
					if p.rnd.IntN(5) == 0 {
						labels[i] = store.Label(p.rnd.IntN(200))
						b.Relabel = append(b.Relabel, store.Relabel{Added: it.Added, From: it.Label, To: labels[i]})
					}
				}
				p.batch(b)
				was := p.everything()
				p.reopen()
				p.unchanged(was, "after reopening")
			}
		}),
	},
}

func relabel(p *probe) {
	objs := indicators(p, 0, 4)
	p.batch(store.Batch{Log: testLog, Objects: objs, Labels: []store.Label{1, 0, 3, 4}})
	p.commitTo("other", objs...)
	base := p.read(testLog, sourced())
	p.release(releaseLog, base[2], base[0])
	p.release("release/2", base[0])
	p.ok2(p.s.Delete(p.ctx, testLog, base[3].ID, &store.Query{}))
	was := []store.Stat{p.stat(testLog), p.stat(releaseLog)}
	fresh := p.next(testLog, 2)
	r := p.batch(store.Batch{
		Log: testLog, Objects: append(indicators(p, 10, 2), objs[0]), Labels: []store.Label{5, 6, 7},
		Relabel: []store.Relabel{
			{Added: base[0].Added, From: 1, To: 100},
			{Added: base[3].Added, From: 77, To: 78}, // deleted
			{Added: base[2].Added + 1_000_000, From: 77, To: 78},
			{Added: 0, From: 77, To: 78},
			{Added: base[1].Added, From: 0, To: math.MaxUint32},
			{Added: base[2].Added, From: 3, To: 3},
			{Added: base[0].Added, From: 100, To: 101},
			{Added: fresh[1], From: 6, To: 60},
		},
	})
	p.labels(r.Labels, "Receipt", 5, 60, 101)
	want := pick(base, 0, 1, 2)
	want[0].Label, want[1].Label = 101, math.MaxUint32
	now := p.read(testLog, sourced())
	if d := diff(now[:3], want); d != "" {
		p.failf("entries relabeled: %s", d)
	}
	p.labels([]store.Label{now[3].Label, now[4].Label}, "new entries", 5, 60)
	p.shows("release log", releaseLog, want[2], want[0])
	p.shows("another release log", "release/2", want[0])
	for _, it := range p.read("other", sourced()) {
		equal(p, it.Label, 0, "label in another log")
	}
	p.batch(store.Batch{Log: testLog, Relabel: []store.Relabel{{Added: base[0].Added, From: 101, To: 0}}})
	want[0].Label = 0
	p.shows("relabeled to 0", releaseLog, want[2], want[0])
	st := p.stat(testLog)
	equal(p, st.Entries-was[0].Entries, 2, "new Entries")
	equal(p, p.stat(releaseLog), was[1], "Stat of the release log")
}

// labels fails unless got is want.
func (p *probe) labels(got []store.Label, what string, want ...store.Label) {
	equal(p, fmt.Sprint(got), fmt.Sprint(want), what+": labels")
}

// batch commits b, at testTime if it has no At.
func (p *probe) batch(b store.Batch) store.Receipt {
	if b.At.IsZero() {
		b.At = testTime
	}
	r, err := p.s.Commit(p.ctx, &b)
	p.ok(err, "commit")
	equal(p, len(r.Labels), len(b.Objects), "number of labels in the Receipt")
	return r
}

// next is what Added the next n objects of log will have at testTime.
func (p *probe) next(log store.LogID, n int) []store.Added {
	first, err := store.Number(p.stat(log).Head, testTime, n)
	p.ok(err, "number")
	added := make([]store.Added, n)
	for i := range added {
		added[i] = first + store.Added(i)
	}
	return added
}
