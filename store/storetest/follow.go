package storetest

import (
	"fmt"
	"sync/atomic"

	"entente/store"
)

var followCases = []Case{
	{
		"CommitIsVisible", "When Commit returns nil every later Read sees it.",
		scenario(func(p *probe) {
			for i := range 50 {
				added := p.commit(indicators(p, i, 1)...)
				items := p.read(testLog, store.Query{After: added[0] - 1})
				equal(p, len(items), 1, fmt.Sprintf("entries right after commit %d", i))
				equal(p, p.stat(testLog).Entries, int64(i+1), "Entries right after a commit")
			}
		}),
	},
	{
		"FollowerNeverMissesOrDoubles", "A reader that saw every entry up to a never misses one by asking for entries after a, by From or by After, with many writers.",
		scenario(follow),
	},
	{
		"FollowerAndHeldCommit", "While a commit is not visible, no later one is either, and nothing of it can be read; readers do not wait.",
		scenario(heldCommit),
	},
	{
		"ReaderSeesPrefix", "Read is from one consistent view: a whole number of commits, the oldest ones.",
		scenario(prefix),
	},
}

// follow has 8 writers and 2 readers that poll at the same time.
func follow(p *probe) {
	const writers, commits = 8, 12
	var left atomic.Int32
	left.Store(writers)
	var fns []func()
	for w := range writers {
		fns = append(fns, func() {
			defer left.Add(-1)
			for i := range commits {
				p.commit(indicators(p, w*1000+i*10, 1+(w+i)%4)...)
			}
		})
	}
	total := 0
	for w := range writers {
		for i := range commits {
			total += 1 + (w+i)%4
		}
	}
	seen := make([][]item, 2)
	for r := range seen {
		fns = append(fns, func() { seen[r] = p.poll(testLog, r == 0, &left) })
	}
	p.parallel(fns...)
	want := p.read(testLog, all())
	equal(p, len(want), total, "entries at the end")
	for r, got := range seen {
		if d := diff(got, want); d != "" {
			p.failf("follower %d: %s", r, d)
		}
	}
}

// poll reads log as it grows, by From or by After, until no writer is left.
func (p *probe) poll(log store.LogID, byFrom bool, left *atomic.Int32) (seen []item) {
	var at store.Added
	for {
		last := left.Load() == 0 // then one more round sees everything
		q := all()
		if q.Limit = 7; byFrom {
			q.From = at
		} else {
			q.After = at
		}
		items, more := p.page(log, q)
		if len(items) > 0 {
			at = items[len(items)-1].Added
		}
		seen = append(seen, items...)
		if last && !more {
			return seen
		}
	}
}

// diff describes the first difference of two lists of items; "" if none.
func diff(got, want []item) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("entry %d: nothing, want %.300v", i, want[i])
		case i >= len(want):
			return fmt.Sprintf("entry %d: %.300v, want nothing", i, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("entry %d: %.300v, want %.300v", i, got[i], want[i])
		}
	}
	return ""
}

func heldCommit(p *probe) {
	p.commit(indicators(p, 0, 2)...)
	before := p.stat(testLog)
	held, release := p.hold()
	defer release()
	seen := p.read(testLog, all())
	writers := func() {
		var fns []func()
		for w := range 4 {
			fns = append(fns, func() {
				_, err := p.s.Commit(p.ctx, &store.Batch{
					Log: testLog, At: testTime, Objects: indicators(p, 100*(w+1), 3),
					Cursor: &store.CursorMove{Name: fmt.Sprint("c", w), To: "moved"},
					Put:    []store.Document{{Kind: "k", ID: fmt.Sprint(w)}},
				})
				p.ok(err, "commit")
			})
		}
		p.parallel(fns...)
	}
	reader := func() {
		defer release()
		p.wait(held, "no commit came to the hook")
		for range 20 {
			if n := len(p.read(testLog, all())); n != 2 {
				p.failf("%d entries while the first new commit is held, want the 2 old ones", n)
			}
			equal(p, p.stat(testLog), before, "Stat while a commit is held")
			for w := range 4 {
				c, err := p.s.Cursor(p.ctx, fmt.Sprint("c", w))
				p.ok(err, "cursor")
				equal(p, c, "", "cursor while the commit is held")
				_, err = p.s.Document(p.ctx, "k", fmt.Sprint(w))
				p.is(err, store.ErrNotFound, "document while the commit is held")
				has, err := p.s.Has(p.ctx, testLog, indicator{n: 100 * (w + 1)}.id())
				p.ok(err, "has")
				equal(p, has, false, "Has while the commit is held")
			}
		}
		at := seen[1].Added
		release()
		for len(seen) < 2+4*3 {
			p.ok(p.ctx.Err(), "follower")
			items, _ := p.page(testLog, store.Query{From: at, Limit: 2})
			if len(items) > 0 {
				at = items[len(items)-1].Added
			}
			seen = append(seen, items...)
		}
	}
	p.parallel(writers, reader)
	if d := diff(seen, p.read(testLog, all())); d != "" {
		p.failf("follower: %s", d)
	}
}

// prefix has readers take the whole log while commits of 5 arrive: each view
// is a whole number of commits and begins with the view before.
func prefix(p *probe) {
	const commits = 30
	var done atomic.Bool
	writer := func() {
		defer done.Store(true)
		for i := range commits {
			p.commit(indicators(p, i*5, 5)...)
		}
	}
	reader := func() {
		var last []item
		for end := false; !end; {
			end = done.Load()
			items := p.read(testLog, all())
			if len(items)%5 != 0 {
				p.failf("a view of %d entries, commits are of 5", len(items))
			}
			if len(items) < len(last) {
				p.failf("a view of %d entries after one of %d", len(items), len(last))
			}
			if d := diff(items[:len(last)], last); d != "" {
				p.failf("a later view begins differently: %s", d)
			}
			if st := p.stat(testLog); st.Entries < int64(len(items)) {
				p.failf("Stat has %d entries after a view of %d", st.Entries, len(items))
			}
			last = items
		}
		equal(p, len(last), commits*5, "entries of the last view")
	}
	p.parallel(writer, reader, reader)
}
