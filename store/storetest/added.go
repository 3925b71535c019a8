package storetest

import (
	"math"
	"time"

	"entente/stix"
	"entente/store"
)

var addedCases = []Case{
	{
		"AddedOfOneCommit", "The last entry that a commit adds falls on a whole millisecond, the ones before it are 1 µs apart, none is before Batch.At.",
		scenario(func(p *probe) {
			next := 0
			for _, n := range []int{1, 2, 3, 999, 1000, 1001, 2500} {
				for _, at := range []time.Time{testTime, testTime.Add(time.Nanosecond), testTime.Add(999_999), testTime.Truncate(time.Second), testTime.Truncate(time.Millisecond).Add(1)} {
					p.addedAt(at.AddDate(0, 0, next), next, n)
					next += n
				}
			}
		}),
	},
	{
		"AddedGrows", "In one log Added is unique and grows in commit order, even when the clock stands still or steps back.",
		scenario(func(p *probe) {
			at := []time.Time{testTime, testTime, testTime.Add(-time.Hour), testTime.Add(time.Hour), testTime, testTime.Add(time.Hour + 1)}
			for i, at := range at {
				p.addedAt(at, i*5, 5)
			}
		}),
	},
	{
		"AddedFarTimes", "At may be before 1970 (Added is greater than zero) and in the far future; after the year 9999 it is ErrInvalid.",
		scenario(func(p *probe) {
			past := []time.Time{{}, time.Unix(-1, 0), time.Unix(math.MinInt32, 0), time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 1)}
			for i, at := range past {
				p.addedAt(at, i*2, 2)
			}
			future := time.Date(9999, 12, 31, 23, 59, 59, 990_000_001, time.UTC)
			p.addedAt(future, 100, 3)
			for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC)} {
				_, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: indicators(p, 200, 1), At: at})
				p.is(err, store.ErrInvalid, "commit at "+at.String())
			}
			p.addedAt(testTime, 300, 7000)
			before := p.stat(testLog)
			_, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: indicators(p, 9000, 3000), At: testTime})
			p.is(err, store.ErrInvalid, "commit with more objects than there are µs left")
			equal(p, p.stat(testLog), before, "Stat after ErrInvalid")
		}),
	},
	{
		"AddedSkipsWhatIsNotStored", "Only Stored objects get a new Added; those of the others between them leave no gap.",
		scenario(func(p *probe) {
			old := p.commit(indicators(p, 0, 3)...)
			objs := indicators(p, 2, 4) // 2 is a duplicate
			objs = append(objs, objs[1])
			r := p.outcomes(objs, store.Duplicate, store.Stored, store.Stored, store.Stored, store.Duplicate)
			equal(p, r.Added[0], old[2], "Added of a duplicate")
			equal(p, r.Added[4], r.Added[1], "Added of a duplicate in the batch")
			p.dense(r.Added[1:4])
		}),
	},
	{
		"AddedAfterReopen", "Added grows over a restart, with a clock that stepped back meanwhile.",
		scenario(func(p *probe) {
			p.addedAt(testTime, 0, 3)
			was := p.stat(testLog)
			p.reopen()
			equal(p, p.stat(testLog), was, "Stat after reopening")
			p.addedAt(testTime.Add(-time.Hour), 10, 3)
			p.ok2(p.s.Delete(p.ctx, testLog, indicator{n: 12}.id(), ptr(all())))
			was = p.stat(testLog)
			p.reopen()
			equal(p, p.stat(testLog), was, "Stat after reopening, newest entry deleted")
			p.addedAt(testTime.Add(-time.Hour), 20, 3)
		}),
	},
	{
		"LogsAreIsolated", "Each log has its own Added and its own objects.",
		scenario(func(p *probe) {
			a := p.commitTo("a", indicators(p, 0, 3)...)
			b := p.commitTo("b", indicators(p, 0, 3)...)
			if a[0] != b[0] || a[2] != b[2] {
				p.failf("first commits to two logs at the same time got %v and %v", a, b)
			}
			p.commitTo("a", indicators(p, 3, 1)...)
			equal(p, len(p.read("a", all())), 4, "entries of a")
			equal(p, len(p.read("b", all())), 3, "entries of b")
			p.ok2(p.s.Delete(p.ctx, "b", indicator{n: 0}.id(), ptr(all())))
			equal(p, len(p.read("a", all())), 4, "entries of a after Delete in b")
			equal(p, p.stat("b").Entries, 2, "Entries of b after Delete")
			has, err := p.s.Has(p.ctx, "b", indicator{n: 3}.id())
			p.ok(err, "has")
			equal(p, has, false, "b has an object of a")
		}),
	},
}

// addedAt commits n new objects, ids from first on, and checks their Added.
func (p *probe) addedAt(at time.Time, first, n int) {
	head := p.stat(testLog).Head
	objs := indicators(p, first, n)
	r, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: objs, At: at})
	p.ok(err, "commit at "+at.String())
	p.numbered(r.Added, head, at)
	equal(p, p.stat(testLog).Head, r.Added[n-1], "Head")
	items := p.read(testLog, store.Query{After: head})
	equal(p, len(items), n, "new entries")
	for i, it := range items {
		equal(p, it.Added, r.Added[i], "Added as read")
		equal(p, it.ID, objs[i].ID, "ID as read")
	}
}

// numbered fails unless the Added of one commit are those that a log with this
// head has to give at this time.
func (p *probe) numbered(added []store.Added, head store.Added, at time.Time) {
	p.dense(added)
	if added[0] <= head {
		p.failf("commit at %s: first Added %d, head was %d", at, added[0], head)
	}
	if t := time.UnixMicro(int64(added[0])); t.Before(at) {
		p.failf("commit at %s: first Added is %s", at, t)
	}
	// Added is no later than the rules ask for.
	n := len(added)
	low := time.UnixMicro(int64(head) + int64(n))
	if end := at.Add(time.Duration(n) * time.Microsecond); end.After(low) {
		low = end
	}
	if last := time.UnixMicro(int64(added[n-1])); last.Sub(low) >= time.Millisecond {
		p.failf("commit of %d at %s, head %d: last Added %s is later than it need be", n, at, head, last)
	}
}

// dense fails unless the Added of one commit are as they must be.
func (p *probe) dense(added []store.Added) {
	for i, a := range added {
		if a <= 0 || i > 0 && a != added[i-1]+1 {
			p.failf("Added %v of one commit are not 1 µs apart", added[max(0, i-1):i+1])
		}
	}
	if last := added[len(added)-1]; last%1000 != 0 {
		p.failf("last Added %d of a commit is not on a whole millisecond", last)
	}
}

func (p *probe) stat(log store.LogID) store.Stat {
	st, err := p.s.Stat(p.ctx, log)
	p.ok(err, "stat")
	return st
}

// ok2 fails unless err is nil and returns v.
func (p *probe) ok2(v int, err error) int {
	p.ok(err, "call")
	return v
}

func ptr[T any](v T) *T { return &v }

// ids of items, for messages and comparisons.
func ids(items []item) []stix.ID {
	out := make([]stix.ID, len(items))
	for i, it := range items {
		out[i] = it.ID
	}
	return out
}
