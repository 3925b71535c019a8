package storetest

import (
	"fmt"
	"slices"
	"strings"

	"entente/stix"
	"entente/store"
)

var baseCases = []Case{
	{
		"SeveralBases", "A release log may have entries of several logs, and several of one object or one version; of equal versions the later Added is newer; an entry is dropped and deleted only where it is from.",
		scenario(severalBases),
	},
	{
		"ReleaseLogIsALog", "A release log answers every query as a log of the same objects would: newest spec versions, versions and After are about what this log holds, and an object without versions is named by its Added here.",
		scenario(func(p *probe) {
			w := newWorld(p)
			base := p.read(testLog, sourced())
			p.commitTo("noise", indicators(p, 500, 3)...)
			for i, numbers := range [][]int{
				{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, // all
				{10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, // backwards
				{2}, {3, 2, 10}, {10, 2},           // an object's STIX 2.0 with and without its 2.1
				{5, 4}, {4}, // the address, backwards, and the older content alone
				{9, 0}, {0, 9, 7}, // versions of A, not all
				p.rnd.Perm(11), p.rnd.Perm(11)[:7], p.rnd.Perm(11)[:8],
			} {
				released, plain := *w, *w
				released.log, plain.log = store.LogID(fmt.Sprint("released ", i)), store.LogID(fmt.Sprint("plain ", i))
				released.added = nil
				for first := range slices.Chunk(numbers, 4) {
					released.added = append(released.added, p.release(released.log, pick(base, first...)...)...)
					var objs []stix.Object
					for _, n := range first {
						objs = append(objs, w.objs[n])
					}
					p.commitTo(plain.log, objs...)
				}
				for len(released.added) < len(w.added) { // the questions name all of them
					released.added = append(released.added, released.added[len(numbers)-1]+1)
				}
				released.like(&plain)
			}
		}),
	},
	{
		"KindsAreForGood", "A log is of one kind, for good: objects, labels and deletions in a release log, releases of one, and releases to a log of objects are ErrInvalid, whether they would change anything or not, as is what CheckBatch finds; nothing of the batch is written.",
		scenario(kinds),
	},
	{
		"ReleaseManyPages", "Large release logs, in any order, with holes, page by page and in parts, are what was released; after deletions, withdrawals and a restart too.",
		scenario(manyReleased),
	},
}

// like fails unless w's log answers every question as that of other does.
func (w *world) like(other *world) {
	for _, qu := range w.questions() {
		for _, limit := range []int{1, 3, 1000} {
			q := qu.q
			q.Limit = limit
			for more := true; more; {
				var got, want []item
				var wantMore bool
				got, more = w.p.page(w.log, q)
				want, wantMore = w.p.page(other.log, q)
				what := fmt.Sprintf("%s: %s: limit %d", w.log, qu.name, limit)
				if d := diff(got, want); d != "" {
					w.p.failf("%s: %s", what, d)
				}
				equal(w.p, more, wantMore, what+": More")
				w.p.partsOf(w.log, q, want)
				if more {
					q.From = got[len(got)-1].Added
				}
			}
		}
	}
}

func severalBases(p *probe) {
	v := func(d int) stix.Object { return indicator{n: 1, modified: day(2, d)}.make(p) }
	p.batch(store.Batch{Log: "a", Objects: []stix.Object{v(1), v(2), indicator{n: 2}.make(p)}, Labels: []store.Label{1, 2, 3}})
	p.batch(store.Batch{Log: "b", Objects: []stix.Object{v(2), v(3), indicator{n: 3}.make(p)}, Labels: []store.Label{4, 5, 6}})
	a, b := p.read("a", sourced()), p.read("b", sourced())
	equal(p, a[0].Added, b[0].Added, "Added of first commits to two logs")
	r := p.release(releaseLog, a[2], b[0], a[1], b[2])
	p.shows("of two logs", releaseLog, a[2], b[0], a[1], b[2])
	version := func(what string, v store.Versions, want ...store.Added) {
		got := added(p.read(releaseLog, store.Query{IDs: []stix.ID{a[0].ID}, Versions: v}))
		equal(p, fmt.Sprint(got), fmt.Sprint(want), what)
	}
	exact := []stix.Timestamp{instant(day(2, 2))}
	version("last of equal versions", store.Versions{}, r[2])
	version("first of equal versions", store.Versions{First: true}, r[1])
	version("both of equal versions", store.Versions{Exact: exact}, r[1], r[2])
	version("all of equal versions", store.Versions{All: true}, r[1], r[2])
	older := p.release(releaseLog, a[0])
	version("last, an older one came later", store.Versions{}, r[2])
	version("first, an older one came later", store.Versions{First: true}, older[0])
	newer := p.release(releaseLog, b[1])
	version("last, by another log", store.Versions{}, newer[0])

	// a[0] and b[0], a[1] and b[1], a[2] and b[2] have the same Added.
	p.withdraw(releaseLog, b[0], a[2])
	p.shows("withdrawn", releaseLog, a[1], b[2], a[0], b[1])
	p.batch(store.Batch{Log: "b", Relabel: []store.Relabel{{Added: b[1].Added, From: 5, To: 50}, {Added: b[2].Added, From: 6, To: 7}}})
	b[1].Label, b[2].Label = 50, 7
	p.shows("relabeled", releaseLog, a[1], b[2], a[0], b[1])
	equal(p, p.ok2(p.s.Delete(p.ctx, "a", a[0].ID, &store.Query{})), 1, "deleted")
	p.shows("deleted in a", releaseLog, b[2], a[0], b[1])
	equal(p, p.ok2(p.s.Delete(p.ctx, "b", b[2].ID, &store.Query{})), 1, "deleted")
	p.shows("deleted in b", releaseLog, a[0], b[1])
	if p.f.Reopen != nil {
		p.reopen()
	}
	p.shows("at last", releaseLog, a[0], b[1])
	p.batch(store.Batch{Releases: []store.Release{
		{Log: releaseLog, Of: "b", Drop: added(b[1:2]), Add: added(b[:2])}, {Log: releaseLog, Of: "a", Add: added(a)},
	}})
	p.shows("several in one Batch", releaseLog, a[0], b[0], b[1], a[2])
}

func kinds(p *probe) {
	objs := indicators(p, 0, 3)
	p.commit(objs...)
	p.commitTo("other", objs...)
	base := p.read(testLog, sourced())
	r := p.release(releaseLog, base[:2]...)
	all := added(base)
	bad := map[string]store.Batch{
		"objects":                           {Log: releaseLog, Objects: indicators(p, 10, 1)},
		"objects that are there":            {Log: releaseLog, Objects: objs[:1]},
		"labels":                            {Log: releaseLog, Relabel: []store.Relabel{{Added: r[0], To: 1}}},
		"a label of nothing":                {Log: releaseLog, Relabel: []store.Relabel{{Added: 5, From: 4, To: 1}}},
		"release of a release log":          {Releases: []store.Release{{Log: "new", Of: releaseLog, Add: r}}},
		"release of it, of nothing":         {Releases: []store.Release{{Log: "new", Of: releaseLog}}},
		"release to a log of objects":       {Releases: []store.Release{{Log: "other", Of: testLog, Add: all}}},
		"release to it, of nothing":         {Releases: []store.Release{{Log: "other", Of: testLog}}},
		"release to it, of what never was":  {Releases: []store.Release{{Log: "other", Of: "never", Drop: all, Add: all}}},
		"release to itself":                 {Releases: []store.Release{{Log: testLog, Of: testLog, Add: all}}},
		"the second of two":                 {Releases: []store.Release{{Log: releaseLog, Of: testLog, Add: all}, {Log: "other", Of: testLog, Add: all}}},
		"both in one batch":                 {Releases: []store.Release{{Log: "new", Of: testLog, Add: all}, {Log: "newer", Of: "new", Add: all}}},
		"both in one batch, with objects":   {Log: "new", Objects: indicators(p, 20, 1), Releases: []store.Release{{Log: "new", Of: testLog, Add: all}}},
		"fewer labels than objects":         {Log: testLog, Objects: indicators(p, 10, 2), Labels: []store.Label{1}},
		"labels of no objects":              {Log: testLog, Labels: []store.Label{1}},
		"labels of no log":                  {Relabel: []store.Relabel{{Added: all[0], To: 1}}},
		"release to no log":                 {Releases: []store.Release{{Of: testLog, Add: all}}},
		"release of no log":                 {Releases: []store.Release{{Log: "new", Add: all}}},
		"release to a long name":            {Releases: []store.Release{{Log: store.LogID(strings.Repeat("x", store.MaxName+1)), Of: testLog, Add: all}}},
		"objects besides, in a log of them": {Log: testLog, Objects: indicators(p, 10, 1), Releases: []store.Release{{Log: "other", Of: testLog, Add: all}}},
	}
	refused := func(when string) {
		was := p.everything()
		for name, b := range bad {
			b.At, b.Cursor, b.Put = testTime, &store.CursorMove{Name: "c", To: "moved"}, []store.Document{{Kind: "k", ID: "new"}}
			_, err := p.s.Commit(p.ctx, &b)
			p.is(err, store.ErrInvalid, name+when)
			p.unchanged(was, name+when)
		}
		for _, id := range []stix.ID{objs[0].ID, "indicator--" + stix.ID(uuid(999))} {
			_, err := p.s.Delete(p.ctx, releaseLog, id, &store.Query{})
			p.is(err, store.ErrInvalid, "delete in a release log"+when)
			p.unchanged(was, "delete in a release log"+when)
		}
	}
	refused("")
	// Named only, it may be of any kind.
	for _, log := range []store.LogID{releaseLog, testLog, "never"} {
		p.batch(store.Batch{Log: log, Put: []store.Document{{Kind: "j", ID: strings.ReplaceAll(string(log), "/", "")}}})
	}
	p.withdraw(releaseLog, base...)
	for _, o := range objs {
		p.ok2(p.s.Delete(p.ctx, "other", o.ID, &store.Query{}))
	}
	refused(", when all are empty")
	if p.f.Reopen != nil {
		p.reopen()
		refused(", after reopening")
	}
	p.commitTo("other", objs[0])
	p.release(releaseLog, base[2])
}

// manyReleased has three logs, one dense, one in bursts, one at random, out of
// two others.
func manyReleased(p *probe) {
	const n = 1500
	labels := make([]store.Label, n)
	for _, log := range []store.LogID{testLog, "other"} {
		var objs []stix.Object
		for i := range n {
			objs = append(objs, indicator{n: i, name: strings.Repeat(uuid(i), p.rnd.IntN(8))}.make(p))
			labels[i] = store.Label(p.rnd.IntN(5))
		}
		for at := 0; at < n; {
			size := min(n-at, 1+p.rnd.IntN(400))
			p.batch(store.Batch{Log: log, Objects: objs[at : at+size], Labels: labels[at : at+size]})
			at += size
		}
	}
	base, other := p.read(testLog, sourced()), p.read("other", sourced())
	want := map[store.LogID][]item{"dense": base}
	for at := 0; at+250 <= n; at += 250 {
		want["bursts"] = append(want["bursts"], slices.Concat(base[at:at+100], other[at+50:at+150])...)
	}
	for _, i := range p.rnd.Perm(n) {
		if i%2 == 0 {
			want["random"] = append(want["random"], base[i])
		} else {
			want["random"] = append(want["random"], other[i])
		}
	}
	logs := []store.LogID{"dense", "bursts", "random"}
	for _, log := range logs {
		for rest := want[log]; len(rest) > 0; {
			size := min(len(rest), 1+p.rnd.IntN(500))
			p.release(log, rest[:size]...)
			rest = rest[size:]
		}
	}
	check := func(what string) {
		for _, log := range logs {
			p.shows(what, log, want[log]...)
			whole := p.read(log, sourced())
			for _, q := range []store.Query{{Limit: 333}, {Limit: 1000, Gate: store.LabelSet{0b10110}}, {Limit: 1000, MaxBytes: 20_000}} {
				q.Want, q.Versions.All = store.WantSource, true
				var left []item
				for _, it := range whole {
					if q.Gate == nil || q.Gate.Has(it.Label) {
						left = append(left, it)
					}
				}
				p.pagesAre(fmt.Sprintf("%s: %s", log, what), log, q, left)
			}
		}
	}
	check("as released")
	for i := 0; i < n; i += 7 {
		p.ok2(p.s.Delete(p.ctx, "other", other[i].ID, &store.Query{}))
		for _, log := range logs {
			want[log] = slices.DeleteFunc(slices.Clone(want[log]), func(it item) bool { return it == other[i] })
		}
	}
	for _, log := range logs {
		var dropped []item
		for i, it := range want[log] {
			if i%5 == 0 || i/100 == 3 {
				dropped = append(dropped, it)
			}
		}
		p.withdraw(log, dropped...)
		want[log] = slices.DeleteFunc(slices.Clone(want[log]), func(it item) bool { return slices.Contains(dropped, it) })
	}
	check("after deletions and withdrawals")
	if p.f.Reopen != nil {
		p.reopen()
		check("after reopening")
	}
}
