package storetest

import (
	"fmt"
	"slices"

	"entente/stix"
	"entente/store"
)

var moveCases = []Case{
	{
		"Move", "An entry of a release log that moves becomes that of another log of objects, in its place: all that is read of the release log stays, but for where it is from and the label; then it is dropped, released and deleted as the other's.",
		scenario(moves),
	},
	{
		"MovePassesOver", "A Move is passed over if one of the two entries is not there, if the release log does not have the first, and if it has the second already; two that are not the same bytes are ErrInvalid, as is one from a release log, and nothing of the batch is written.",
		scenario(movePassesOver),
	},
	{
		"MovesFollowOnEachOther", "Within a Release Drop comes before Move and Move before Add; the Releases of a Batch apply one after the other. What was added and moved takes its Added once.",
		scenario(movesFollow),
	},
}

// twoBases commits n objects to testLog, some of them versions of one and one
// without versions, and all of them, backwards, to the log "other". It returns what
// both have, in the order of testLog.
func twoBases(p *probe, n int) (base, other []item) {
	objs := append(indicators(p, 10, n-3), indicator{n: 10, modified: day(2, 1)}.make(p), address(p, 3, "198.51.100.1"), indicator{n: 10, modified: day(1, 20)}.make(p))
	labels := make([]store.Label, n)
	for i := range labels {
		labels[i] = store.Label(i + 1)
	}
	p.batch(store.Batch{Log: testLog, Objects: objs, Labels: labels})
	backwards := slices.Clone(objs)
	slices.Reverse(backwards)
	for i := range labels {
		labels[i] += 100
	}
	p.batch(store.Batch{Log: "other", Objects: backwards, Labels: labels})
	base, other = p.read(testLog, sourced()), p.read("other", sourced())
	slices.Reverse(other)
	return base, other
}

// moveOf is a release that moves an entry to another.
func moveOf(log store.LogID, was, now item) store.Release {
	return store.Release{Log: log, Of: now.Of, Move: []store.Move{move(was.Of, was.At, now.At)}}
}

func move(from store.LogID, was, now store.Added) store.Move {
	return store.Move{From: from, Was: was, Now: now}
}

func moves(p *probe) {
	base, other := twoBases(p, 9)
	p.release(releaseLog, base...)
	p.release("second", base...)
	was, st := p.read(releaseLog, all()), p.stat(releaseLog)
	want := slices.Clone(base)
	for _, i := range []int{4, 7, 0, 8, 5, 6} { // alone, at both ends, beside one another
		p.batch(store.Batch{Releases: []store.Release{moveOf(releaseLog, base[i], other[i])}})
		want[i] = other[i]
		p.shows(fmt.Sprint("entry moved: ", i), releaseLog, want...)
		if d := diff(p.read(releaseLog, all()), was); d != "" {
			p.failf("after a move: %s", d)
		}
		equal(p, p.stat(releaseLog), st, "Stat after a move")
	}
	p.batch(store.Batch{Releases: []store.Release{moveOf(releaseLog, other[5], base[5])}}) // and back
	want[5] = base[5]
	for range 2 {
		p.shows("moved", releaseLog, want...)
		p.shows("not moved", "second", base...)
		gate := store.LabelSet{}.With(other[4].Label)
		q := sourced()
		q.Gate = gate
		if got := p.read(releaseLog, q); len(got) != 1 || got[0].At != other[4].At || got[0].Of != "other" {
			p.failf("by the label of what it has become: %+v", got)
		}
		if p.f.Reopen == nil {
			break
		}
		p.reopen()
	}
	sel := store.Query{Versions: store.Versions{All: true}}
	p.ok2(p.s.Delete(p.ctx, testLog, base[4].ID, &sel))
	p.shows("what it was is deleted", releaseLog, want...)
	p.ok2(p.s.Delete(p.ctx, "other", other[7].ID, &sel))
	p.withdraw(releaseLog, base[8], other[0])
	p.shows("what it has become is deleted or dropped", releaseLog, slices.Concat(want[1:7], want[8:])...)
	p.withdraw(releaseLog, other[8])
	p.release(releaseLog, base[0], base[8])
	p.shows("released again", releaseLog, slices.Concat(want[1:7], pick(base, 0, 8))...)
}

func movePassesOver(p *probe) {
	base, other := twoBases(p, 6)
	p.release(releaseLog, base[0], base[1], other[1])
	was := p.everything()
	p.batch(store.Batch{Releases: []store.Release{
		moveOf(releaseLog, base[2], other[2]), // not released
		moveOf(releaseLog, base[1], other[1]), // both are
		{Log: releaseLog, Of: "never", Move: []store.Move{move(testLog, base[0].At, other[0].At)}},
		{Log: releaseLog, Of: "other", Move: []store.Move{move("never", base[0].At, other[0].At), move(testLog, base[0].At-1, other[0].At), move(testLog, base[0].At, other[0].At+100_000)}},
		{Log: "new", Of: "other", Move: []store.Move{move(testLog, base[0].At, other[0].At)}},
	}})
	p.unchanged(was, "after moves that are passed over")
	for what, r := range map[string]store.Release{
		"to another object":  moveOf(releaseLog, base[0], other[2]),
		"to another version": moveOf(releaseLog, base[0], other[3]),
		"from a release log": {Log: "new", Of: "other", Move: []store.Move{move(releaseLog, 1, 2)}},
		"from nowhere":       {Log: "new", Of: "other", Move: []store.Move{move("", 1, 2)}},
	} {
		_, err := p.s.Commit(p.ctx, &store.Batch{Releases: []store.Release{{Log: releaseLog, Of: testLog, Add: added(base)}, r}})
		p.is(err, store.ErrInvalid, "move "+what)
		p.unchanged(was, "after a move "+what)
	}
}

func movesFollow(p *probe) {
	base, other := twoBases(p, 8)
	p.release(releaseLog, base[0], base[1], base[2])
	head := p.stat(releaseLog).Head
	fresh := p.next(testLog, 1)[0]
	again := []stix.Object{indicator{n: 77}.make(p)}
	p.commitTo("other", again...)
	late := p.read("other", sourced())[8]
	p.batch(store.Batch{Log: testLog, Objects: again, Releases: []store.Release{
		{Log: releaseLog, Of: testLog, Add: []store.Added{base[3].At, base[4].At, base[5].At}},
		moveOf(releaseLog, base[4], other[4]), // of what was just added
		{Log: releaseLog, Of: "other", Drop: []store.Added{other[4].At}, Move: []store.Move{move(testLog, base[5].At, other[5].At), move(testLog, base[0].At, other[0].At)}, Add: []store.Added{other[5].At, other[0].At, other[4].At}},
		moveOf(releaseLog, base[1], other[1]),
		moveOf(releaseLog, other[1], base[1]),
		{Log: releaseLog, Of: "other", Drop: []store.Added{other[0].At}, Add: []store.Added{late.At}},
		{Log: releaseLog, Of: testLog, Add: []store.Added{base[0].At}, Move: []store.Move{move("other", late.At, fresh)}}, // to what is new
	}})
	now := p.read(testLog, sourced())
	p.shows("after one Batch", releaseLog, base[1], base[2], base[3], other[5], other[4], now[len(now)-1], base[0])
	q := all()
	q.After = head
	p.numbered(added(p.read(releaseLog, q)), head, testTime)
}
