package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"entente/stix"
	"entente/store"
)

// releaseLog is the release log that Cases use when one is enough. It sorts
// before testLog.
const releaseLog store.LogID = "/release/1"

var releaseCases = []Case{
	{
		"Release", "The entries of a release log are entries of other logs, in the order of Add, with Added of its own; bytes, labels and where they are from are those of the other log; that one does not change.",
		scenario(func(p *probe) {
			objs := []stix.Object{indicator{n: 0}.make(p), address(p, 1, "198.51.100.1"), marking(p, 2, day(1, 5), "m"), indicator{n: 3, v20: true}.make(p), indicator{n: 4}.make(p), address(p, 5, "198.51.100.5")}
			p.batch(store.Batch{Log: testLog, Objects: objs, Labels: []store.Label{0, 1, 2, 3, 4, 5}})
			was, st := p.read(testLog, sourced()), p.stat(testLog)
			first := p.release(releaseLog, pick(was, 4, 1, 5)...)
			p.dense(first)
			p.shows("after a release", releaseLog, pick(was, 4, 1, 5)...)
			second := p.release(releaseLog, pick(was, 2, 3)...)
			p.dense(second)
			p.shows("after a second release", releaseLog, pick(was, 4, 1, 5, 2, 3)...)
			equal(p, p.stat(releaseLog).Head, second[1], "Head of the release log")
			has, err := p.s.Has(p.ctx, releaseLog, objs[0].ID)
			p.ok(err, "has")
			equal(p, has, false, "Has of what was not released")
			if d := diff(p.read(testLog, sourced()), was); d != "" {
				p.failf("the log that was released from: %s", d)
			}
			equal(p, p.stat(testLog), st, "Stat of the log that was released from")
			logs, err := p.s.Logs(p.ctx)
			p.ok(err, "logs")
			equal(p, fmt.Sprint(logs), fmt.Sprint([]store.LogID{releaseLog, testLog}), "logs")
		}),
	},
	{
		"ReleaseAdded", "What the Releases of a Batch add to one log gets Added as if it were one Batch: 1 µs apart, the last on a whole millisecond, none before Batch.At or the log's head.",
		scenario(releaseAdded),
	},
	{
		"ReleaseFarTimes", "A release whose Added would pass the year 9999 is ErrInvalid and writes nothing.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 2003)
			p.commit(objs...)
			base := p.read(testLog, all())
			p.releaseAt(time.Date(9999, 12, 31, 23, 59, 59, 990_000_001, time.UTC), 2, base[:3])
			p.releaseAt(testTime, 1, base[3:10])
			was := p.everything()
			for _, b := range []store.Batch{
				{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Releases: []store.Release{{Log: "late", Of: testLog, Add: added(base[:1])}}},
				{Releases: []store.Release{{Log: releaseLog, Of: testLog, Drop: added(base[:3]), Add: added(base[10:1000])}, {Log: "new", Of: testLog, Add: added(base[:2])}, {Log: releaseLog, Of: testLog, Add: added(base[1000:])}}},
			} {
				if b.At.IsZero() {
					b.At = time.Date(9999, 12, 31, 23, 59, 59, 998_500_000, time.UTC)
				}
				b.Log, b.Cursor = testLog, &store.CursorMove{Name: "c", To: "moved"}
				_, err := p.s.Commit(p.ctx, &b)
				p.is(err, store.ErrInvalid, "release at "+b.At.String())
				p.unchanged(was, "release at "+b.At.String())
			}
		}),
	},
	{
		"ReleasePassesOver", "Add passes over what Of does not have and what Log has already, Drop what Log does not have; what is passed over takes no Added, and a log that gets no entry does not come into being.",
		scenario(passesOver),
	},
	{
		"ReleaseNewObjects", "A Release may name the objects of its own Batch: they are there already, with their labels.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 2), Labels: []store.Label{1, 2}})
			old := p.read(testLog, all())
			fresh := p.next(testLog, 3)
			p.batch(store.Batch{
				Log: testLog, Objects: append(indicators(p, 1, 3), address(p, 9, "198.51.100.1")), Labels: []store.Label{9, 3, 4, 5},
				Relabel: []store.Relabel{{Added: fresh[2], From: 5, To: 50}, {Added: old[0].Added, From: 1, To: 10}},
				Releases: []store.Release{
					{Log: releaseLog, Of: testLog, Add: []store.Added{fresh[1], old[0].Added, fresh[2]}},
					{Log: "two", Of: testLog, Add: []store.Added{fresh[0]}},
				},
			})
			now := p.read(testLog, sourced())
			equal(p, len(now), 5, "entries")
			p.labels([]store.Label{now[0].Label, now[1].Label, now[2].Label, now[3].Label, now[4].Label}, "after the batch", 10, 2, 3, 4, 50)
			p.shows("released", releaseLog, now[3], now[0], now[4])
			p.shows("released to another log", "two", now[2])
		}),
	},
	{
		"ReleaseKeepsNothing", "Of labels and releases, too, Commit keeps nothing of b after it returns.",
		scenario(func(p *probe) {
			p.batch(store.Batch{Log: testLog, Objects: indicators(p, 0, 4)})
			base := p.read(testLog, sourced())
			b := store.Batch{
				Log: testLog, Objects: indicators(p, 10, 2), Labels: []store.Label{1, 2},
				Relabel:  []store.Relabel{{Added: base[0].Added, To: 3}},
				Releases: []store.Release{{Log: releaseLog, Of: testLog, Add: added(pick(base, 2, 0, 3))}},
			}
			r := p.batch(b)
			clear(b.Objects)
			clear(b.Labels)
			clear(b.Relabel)
			clear(b.Releases[0].Add)
			clear(b.Releases)
			clear(r.Labels)
			base[0].Label = 3
			p.shows("after the caller reused its memory", releaseLog, pick(base, 2, 0, 3)...)
			now := p.read(testLog, sourced())
			p.labels([]store.Label{now[0].Label, now[4].Label, now[5].Label}, "after the caller reused its memory", 3, 1, 2)
			drop := store.Batch{Releases: []store.Release{{Log: releaseLog, Of: testLog, Drop: added(base[2:3])}}}
			p.batch(drop)
			drop.Releases[0].Drop[0] = base[3].Added
			p.shows("after the caller reused its memory again", releaseLog, pick(base, 0, 3)...)
		}),
	},
	{
		"ManyReleaseLogs", "One Batch may change many release logs; each has its own entries and its own Added.",
		scenario(func(p *probe) {
			const logs = 40
			p.commit(indicators(p, 0, 300)...)
			base := p.read(testLog, sourced())
			want := make([][]item, logs)
			name := func(i int) store.LogID { return store.LogID(fmt.Sprintf("r%02d", i)) }
			for range 4 {
				var b store.Batch
				for i := range logs {
					r := store.Release{Log: name(i), Of: testLog}
					for range i {
						it := base[p.rnd.IntN(len(base))]
						r.Add = append(r.Add, it.Added)
						if !slices.Contains(want[i], it) {
							want[i] = append(want[i], it)
						}
					}
					b.Releases = append(b.Releases, r)
				}
				p.batch(b)
			}
			for i := range logs {
				p.shows("after four batches", name(i), want[i]...)
			}
		}),
	},
	{
		"ReleaseFollower", "A reader that pages through a release log while it grows sees each entry once, by From or by After, with many writers.",
		scenario(releaseFollower),
	},
}

func releaseAdded(p *probe) {
	for i := range 10 {
		p.commit(indicators(p, i*1000, 1000)...)
	}
	base := p.read(testLog, store.Query{})
	days := 0
	for _, n := range []int{1, 2, 3, 999, 1000, 1001} {
		for i, at := range []time.Time{testTime, testTime.Add(time.Nanosecond), testTime.Truncate(time.Millisecond).Add(1)} {
			p.releaseAt(at.AddDate(0, 0, days), i%3+1, base[:n])
			base = base[n:]
			days++
		}
	}
	// The clock stands still and steps back.
	for i, at := range []time.Time{testTime, testTime.AddDate(1, 0, 0), testTime.AddDate(1, 0, 0), {}} {
		p.releaseAt(at, 1+i%2, base[i*5:i*5+5])
	}
	// A second log counts on its own, in the same batch too.
	at := testTime.Add(time.Hour)
	b := store.Batch{At: at, Releases: []store.Release{
		{Log: "second", Of: testLog, Add: added(base[:2])},
		{Log: releaseLog, Of: testLog, Add: added(base[100:103])},
		{Log: "second", Of: testLog, Add: added(base[2:3])},
	}}
	head := p.stat(releaseLog).Head
	p.batch(b)
	p.numbered(added(p.read("second", store.Query{})), 0, at)
	p.numbered(added(p.read(releaseLog, store.Query{After: head})), head, at)
}

// releaseAt releases items, which are entries of testLog, to releaseLog, by
// several Releases of one Batch, and checks their Added.
func (p *probe) releaseAt(at time.Time, parts int, items []item) {
	head := p.stat(releaseLog).Head
	b := store.Batch{At: at}
	for i := range parts {
		part := items[i*len(items)/parts : (i+1)*len(items)/parts]
		b.Releases = append(b.Releases, store.Release{Log: releaseLog, Of: testLog, Add: added(part)})
	}
	_, err := p.s.Commit(p.ctx, &b)
	p.ok(err, "release at "+at.String())
	got := p.read(releaseLog, store.Query{After: head})
	equal(p, len(got), len(items), "entries released")
	p.numbered(added(got), head, at)
	equal(p, p.stat(releaseLog).Head, got[len(got)-1].Added, "Head")
	for i := range got {
		equal(p, got[i].ID, items[i].ID, "ID of an entry released")
	}
}

func passesOver(p *probe) {
	p.commit(indicators(p, 0, 6)...)
	p.commitTo("other", indicators(p, 0, 2)...)
	base := p.read(testLog, sourced())
	p.ok2(p.s.Delete(p.ctx, testLog, base[5].ID, &store.Query{}))
	absent := []store.Added{0, -1, 1, base[0].Added - 1, base[5].Added, base[5].Added + 1, store.MaxAdded, store.MaxAdded + 1}
	nothing := []store.Release{
		{Log: "new", Of: testLog, Drop: added(base), Add: absent},
		{Log: "new", Of: "never", Drop: added(base), Add: added(base)},
		{Log: "new", Of: testLog},
	}
	was := p.everything()
	p.batch(store.Batch{Releases: nothing})
	p.unchanged(was, "after releases that add nothing")

	p.release(releaseLog, base[1], base[3])
	head := p.stat(releaseLog).Head
	p.batch(store.Batch{Releases: []store.Release{{
		Log: releaseLog, Of: testLog, Drop: append(added(base[4:]), absent...),
		Add: slices.Concat(absent, added(pick(base, 3, 0, 0, 1, 5, 4, 0, 3))),
	}}})
	p.shows("after a release of which much is passed over", releaseLog, pick(base, 1, 3, 0, 4)...)
	p.numbered(added(p.read(releaseLog, store.Query{After: head})), head, testTime)

	was = p.everything()
	p.batch(store.Batch{Releases: []store.Release{
		{Log: releaseLog, Of: testLog, Drop: append(absent, base[2].Added), Add: added(pick(base, 0, 1, 3, 4))},
		{Log: releaseLog, Of: "other", Drop: added(base)}, // same Added, other log
	}})
	p.unchanged(was, "after a release of which all is passed over")
	// The name has had no entry: it is of no kind.
	p.commitTo("new", indicators(p, 0, 1)...)
}

func releaseFollower(p *probe) {
	const writers, commits, size = 4, 25, 3
	p.commit(indicators(p, 0, writers*commits*size)...)
	base := p.read(testLog, store.Query{})
	p.rnd.Shuffle(len(base), func(i, j int) { base[i], base[j] = base[j], base[i] })
	var left atomic.Int32
	left.Store(writers)
	var fns []func()
	for w := range writers {
		fns = append(fns, func() {
			defer left.Add(-1)
			for i := range commits {
				at := (w*commits + i) * size
				_, err := p.s.Commit(p.ctx, &store.Batch{At: testTime, Releases: []store.Release{{Log: releaseLog, Of: testLog, Add: added(base[at : at+size])}}})
				p.ok(err, "release")
			}
		})
	}
	seen := make([][]item, 2)
	for r := range seen {
		fns = append(fns, func() { seen[r] = p.poll(releaseLog, r == 0, &left) })
	}
	p.parallel(fns...)
	want := p.read(releaseLog, all())
	equal(p, len(want), len(base), "entries at the end")
	seen = append(seen, p.poll(releaseLog, true, &left), p.poll(releaseLog, false, &left)) // when all is there
	for r, got := range seen {
		if d := diff(got, want); d != "" {
			p.failf("follower %d: %s", r, d)
		}
	}
}

// added are the Added of items.
func added(items []item) []store.Added {
	out := make([]store.Added, len(items))
	for i, it := range items {
		out[i] = it.Added
	}
	return out
}

// pick are the items with these numbers.
func pick(items []item, numbers ...int) []item {
	out := make([]item, len(numbers))
	for i, n := range numbers {
		out[i] = items[n]
	}
	return out
}

// release adds items, read with their sources, to a release log, in one Batch,
// and returns what Added they got there.
func (p *probe) release(log store.LogID, items ...item) []store.Added {
	head := p.stat(log).Head
	var b store.Batch
	for _, it := range items {
		if n := len(b.Releases); n == 0 || b.Releases[n-1].Of != it.Of {
			b.Releases = append(b.Releases, store.Release{Log: log, Of: it.Of})
		}
		r := &b.Releases[len(b.Releases)-1]
		r.Add = append(r.Add, it.At)
	}
	p.batch(b)
	q := all()
	q.After = head
	got := added(p.read(log, q))
	equal(p, len(got), len(items), fmt.Sprintf("entries released to %s", log))
	return got
}

// withdraw drops items, read with their sources, from a release log.
func (p *probe) withdraw(log store.LogID, items ...item) {
	var b store.Batch
	for _, it := range items {
		b.Releases = append(b.Releases, store.Release{Log: log, Of: it.Of, Drop: []store.Added{it.At}})
	}
	p.batch(b)
}

// shows fails unless log has exactly these entries, which were read with their
// sources from the logs of objects, in this order, by every way of reading.
func (p *probe) shows(what string, log store.LogID, want ...item) {
	what = fmt.Sprintf("%s: %s", log, what)
	got := p.read(log, sourced())
	if len(got) != len(want) {
		p.failf("%s: %d entries, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if w.Version == w.At.String() {
			w.Version = got[i].Added.String()
		}
		w.Added = got[i].Added
		equal(p, got[i], w, fmt.Sprintf("%s: entry %d", what, i))
		has, err := p.s.Has(p.ctx, log, w.ID)
		p.ok(err, "has")
		equal(p, has, true, what+": Has")
	}
	st := p.stat(log)
	equal(p, st.Entries, int64(len(want)), what+": Entries")
	equal(p, st.Bytes, size(want), what+": Bytes")
	q := all()
	q.Limit = len(want) + 1
	p.partsOf(log, q, got)
}

// everything is all that can be read of all logs, of the cursor c and of the
// documents of kind k.
func (p *probe) everything() string {
	logs, err := p.s.Logs(p.ctx)
	p.ok(err, "logs")
	var text []string
	for _, log := range logs {
		text = append(text, fmt.Sprintf("%q %+v", log, p.stat(log)))
		for _, it := range p.read(log, sourced()) {
			text = append(text, fmt.Sprintf("%+v", it))
		}
	}
	c, err := p.s.Cursor(p.ctx, "c")
	p.ok(err, "cursor")
	docs, err := p.s.Documents(p.ctx, "k")
	p.ok(err, "documents")
	return fmt.Sprintf("%q %q %+v", text, c, docs)
}

// unchanged fails unless everything is as it was.
func (p *probe) unchanged(was, what string) {
	now := p.everything()
	if now == was {
		return
	}
	i := 0
	for i < min(len(now), len(was)) && now[i] == was[i] {
		i++
	}
	from := max(0, i-200)
	p.failf("%s: there is %.400q, want %.400q", what, now[from:], was[from:])
}
