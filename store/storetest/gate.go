package storetest

import (
	"fmt"
	"strings"

	"entente/stix"
	"entente/store"
)

var gateCases = []Case{
	{
		"Gate", "A Gate lets through the entries whose label is in it; nil lets all through, an empty one none.",
		scenario(func(p *probe) {
			labels := []store.Label{0, 1, 63, 64, 65, 127, 128, 1000, 1<<32 - 1, 0}
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, len(labels)), Labels: labels})
			p.release(releaseLog, p.read(testLog, sourced())...)
			p.commitTo("plain", indicators(p, 0, 3)...)
			for _, tc := range []struct {
				name string
				gate store.LabelSet
				want string
			}{
				{"nil", nil, "[0 1 63 64 65 127 128 1000 4294967295 0]"},
				{"empty", store.LabelSet{}, "[]"},
				{"a word without a bit", store.LabelSet{0, 0}, "[]"},
				{"no label", store.LabelSet{1}, "[0 0]"},
				{"one", store.LabelSet{}.With(63), "[63]"},
				{"64 is not 0", store.LabelSet{0, 1}, "[64]"},
				{"not beyond the end", store.LabelSet{1<<64 - 1}, "[0 1 63 0]"},
				{"several", store.LabelSet{}.With(1000).With(65).With(2), "[65 1000]"},
				{"two whole words", store.LabelSet{1<<64 - 1, 1<<64 - 1}, "[0 1 63 64 65 127 0]"},
				{"all but one", store.LabelSet{1<<64 - 2, 1<<64 - 1, 1}.With(1000), "[1 63 64 65 127 128 1000]"},
			} {
				for _, log := range []store.LogID{testLog, releaseLog} {
					q := sourced()
					q.Gate = tc.gate
					got := []store.Label{}
					for _, it := range p.read(log, q) {
						got = append(got, it.Label)
					}
					equal(p, fmt.Sprint(got), tc.want, fmt.Sprintf("%s: gate %s: labels", log, tc.name))
				}
				q := all()
				q.Gate = tc.gate
				if got, want := len(p.read("plain", q)), 3; (got == want) != (tc.gate == nil || tc.gate.Has(0)) || got != 0 && got != want {
					p.failf("gate %s: %d entries of a log without labels", tc.name, got)
				}
			}
		}),
	},
	{
		"GateNewLabels", "A Gate that let everything through holds back what gets a label that is not in it: by Relabel, with a new object, with a release from another log.",
		scenario(gateNewLabels),
	},
	{
		"GateAfterVersions", "A Gate changes nothing about which versions are chosen: if the newest is held back, no older one is shown in its place.",
		scenario(func(p *probe) {
			p.batch(store.Batch{
				Log: testLog, Labels: []store.Label{1, 2, 1, 2},
				Objects: []stix.Object{
					indicator{n: 1, modified: day(2, 1)}.make(p), indicator{n: 1, modified: day(2, 2)}.make(p),
					indicator{n: 2, v20: true, modified: day(2, 1)}.make(p), indicator{n: 2, modified: day(2, 2)}.make(p),
				},
			})
			base := p.read(testLog, sourced())
			p.release(releaseLog, base...)
			for _, log := range []store.LogID{testLog, releaseLog} {
				for _, q := range []store.Query{{}, {SpecVersions: []string{"2.0", "2.1"}}, {After: base[0].Added - 1}} {
					q.Gate = store.LabelSet{}.With(1)
					equal(p, len(p.read(log, q)), 0, fmt.Sprintf("%s, %+v: entries of which the newest version is held back", log, q))
					q.Versions.First, q.Gate = true, store.LabelSet{}.With(2)
					if n := len(p.read(log, q)); n != 0 && len(q.SpecVersions) > 0 {
						p.failf("%s, %+v: %d entries of which the first version is held back", log, q, n)
					}
				}
			}
		}),
	},
	{
		"GateQueries", "A query with a Gate selects what it selects without, but for the entries whose label is not in it; at every Limit, in whatever parts, More is right and no page is short.",
		scenario(func(p *probe) {
			labels := []store.Label{1, 2, 0, 1, 2, 70, 0, 1, 2, 0, 1}
			w := newWorld(p)
			b := store.Batch{Log: testLog}
			for i, l := range labels {
				b.Relabel = append(b.Relabel, store.Relabel{Added: w.d(i + 1), To: l})
			}
			p.batch(b)
			released := *w
			released.log, released.added = releaseLog, p.release(releaseLog, p.read(testLog, sourced())...)
			for _, gate := range []store.LabelSet{{}, {1}, {2}, {4, 1}, {7}, {1 << 6}, {1<<64 - 1, 1<<64 - 1}} {
				for _, w := range []*world{w, &released} {
					for _, qu := range w.questions() {
						var kept []string
						for _, name := range strings.Fields(qu.want) {
							var n int
							if _, err := fmt.Sscanf(name, "d%d", &n); err != nil {
								p.failf("the test's own name %q: %w", name, err)
							}
							if gate.Has(labels[n-1]) {
								kept = append(kept, name)
							}
						}
						qu.name = fmt.Sprintf("%s: %s: gate %v", w.log, qu.name, gate)
						qu.q.Gate, qu.want = gate, strings.Join(kept, " ")
						w.paged(qu)
					}
				}
			}
		}),
	},
	{
		"GateManyPages", "Over many entries too, pages with a Gate are full, end by MaxBytes of what they show, and joined they are the whole.",
		scenario(gateManyPages),
	},
	{
		"GateNotInDelete", "Of a Delete's selector Gate does not count.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 2), Labels: []store.Label{1, 2}})
			for i := range 2 {
				sel := store.Query{Gate: store.LabelSet{}.With(9)}
				equal(p, p.ok2(p.s.Delete(p.ctx, testLog, indicator{n: i}.id(), &sel)), 1, "deleted")
			}
		}),
	},
}

func gateNewLabels(p *probe) {
	p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 300), Labels: make([]store.Label, 300)})
	p.batch(store.Batch{Log: "other", Objects: indicators(p, 1000, 3), Labels: []store.Label{1, 2, 1}})
	base, other := p.read(testLog, sourced()), p.read("other", sourced())
	p.release(releaseLog, base...)
	gate := store.LabelSet{0b11}
	sees := func(what string, log store.LogID, want int) {
		q := all()
		q.Gate, q.Limit = gate, 10_000
		items, _ := p.page(log, q)
		equal(p, len(items), want, fmt.Sprintf("%s: %s: entries by a gate", log, what))
		p.partsOf(log, q, items)
	}
	sees("without labels", testLog, 300)
	sees("without labels", releaseLog, 300)
	p.batch(store.Batch{Log: testLog, Relabel: []store.Relabel{{Added: base[7].Added, To: 2}, {Added: base[8].Added, To: 1}}})
	sees("relabeled", testLog, 299)
	sees("relabeled", releaseLog, 299)
	p.batch(store.Batch{Log: testLog, Relabel: []store.Relabel{{Added: base[7].Added, From: 2, To: 0}}})
	sees("relabeled back", testLog, 300)
	sees("relabeled back", releaseLog, 300)
	p.batch(store.Batch{Log: testLog, Objects: indicators(p, 300, 2), Labels: []store.Label{1, 64}})
	sees("a new object", testLog, 301)
	sees("not released yet", releaseLog, 300)
	p.release(releaseLog, append(p.read(testLog, sourced())[300:], other...)...)
	sees("released", releaseLog, 303)
	p.batch(store.Batch{Log: "other", Relabel: []store.Relabel{{Added: other[0].Added, From: 1, To: 3}}})
	sees("relabeled in another log", releaseLog, 302)
	if p.f.Reopen != nil {
		p.reopen()
		sees("after reopening", testLog, 301)
		sees("after reopening", releaseLog, 302)
	}
}

// gateManyPages takes gates that let much, half and little through.
func gateManyPages(p *probe) {
	const n = 1500
	objs := indicators(p, 0, n)
	labels := make([]store.Label, n)
	for i := range labels {
		labels[i] = store.Label(p.rnd.IntN(100))
	}
	for i := 0; i < n; i += 500 {
		p.batch(store.Batch{Log: testLog, Objects: objs[i : i+500], Labels: labels[i : i+500]})
	}
	for i := 0; i < n; i += 37 {
		p.ok2(p.s.Delete(p.ctx, testLog, objs[i].ID, &store.Query{}))
	}
	left := p.read(testLog, sourced())
	released := append([]item{}, left...)
	p.rnd.Shuffle(1000, func(i, j int) { released[i], released[j] = released[j], released[i] })
	p.release(releaseLog, released...)
	for _, most := range []int{2, 50, 90, 100} {
		var gate store.LabelSet
		for l := range store.Label(most) {
			gate = gate.With(l)
		}
		for _, log := range []store.LogID{testLog, releaseLog} {
			var want []item
			for _, it := range p.read(log, sourced()) {
				if gate.Has(it.Label) {
					want = append(want, it)
				}
			}
			for _, q := range []store.Query{{Limit: 1000}, {Limit: 137}, {Limit: 1000, MaxBytes: 100 * len(objs[0].Raw)}} {
				q.Gate, q.Want = gate, store.WantSource
				p.pagesAre(fmt.Sprintf("%s, %d of 100 labels, limit %d, %d bytes", log, most, q.Limit, q.MaxBytes), log, q, want)
			}
		}
	}
}

// pagesAre pages through q and fails unless the pages are as full as they must
// be and joined are want.
func (p *probe) pagesAre(what string, log store.LogID, q store.Query, want []item) {
	for at, more := 0, true; more; {
		var items []item
		items, more = p.page(log, q)
		n, bytes := 0, 0
		for at+n < len(want) && n < q.Limit && (q.MaxBytes == 0 || bytes < q.MaxBytes) {
			bytes += len(want[at+n].raw)
			n++
		}
		if d := diff(items, want[at:at+n]); d != "" {
			p.failf("%s: page after %d entries: %s", what, at, d)
		}
		at += n
		equal(p, more, at < len(want), what+": More")
		p.partsOf(log, q, items)
		if n > 0 {
			q.From = items[n-1].Added
		}
	}
}
