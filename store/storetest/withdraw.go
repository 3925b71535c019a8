package storetest

import (
	"fmt"

	"entente/stix"
	"entente/store"
)

var withdrawCases = []Case{
	{
		"Withdraw", "What is dropped is in no later Read, Has and Stat of that release log; the others in it keep their Added, Head stays, the log that has the entry and other release logs do not change.",
		scenario(func(p *probe) {
			p.commit(append(indicators(p, 0, 8), address(p, 20, "198.51.100.1"), address(p, 20, "198.51.100.2"))...)
			base := p.read(testLog, sourced())
			p.release(releaseLog, base...)
			p.release("second", base...)
			was, st := p.read(releaseLog, all()), p.stat(testLog)
			p.withdraw(releaseLog, base[7], base[0], base[3], base[9])
			left := pick(base, 1, 2, 4, 5, 6, 8)
			for range 2 {
				p.shows("after withdrawals", releaseLog, left...)
				if d := diff(p.read(releaseLog, all()), pick(was, 1, 2, 4, 5, 6, 8)); d != "" {
					p.failf("entries that stay: %s", d)
				}
				p.gone(releaseLog, base[7], base[0], base[3])
				equal(p, p.stat(releaseLog).Head, was[9].Added, "Head")
				equal(p, p.stat(testLog), st, "Stat of the log of objects")
				p.shows("not withdrawn from", "second", base...)
				if p.f.Reopen == nil {
					break
				}
				p.reopen()
			}
			p.withdraw(releaseLog, left...)
			equal(p, p.stat(releaseLog), store.Stat{Head: was[9].Added}, "Stat of an empty release log")
			equal(p, len(p.read(releaseLog, all())), 0, "entries of an empty release log")
			p.dense(p.release(releaseLog, base[4]))
			p.shows("released again", releaseLog, base[4])
		}),
	},
	{
		"DropThenAdd", "Drop comes before Add: an entry that a Release drops and adds is released again, with a new Added, as the last ones are.",
		scenario(func(p *probe) {
			p.commit(append(indicators(p, 0, 5), address(p, 9, "198.51.100.1"))...)
			base := p.read(testLog, sourced())
			p.release(releaseLog, base...)
			was := p.read(releaseLog, all())
			p.batch(store.Batch{Releases: []store.Release{{Log: releaseLog, Of: testLog, Drop: added(pick(base, 1, 5, 2)), Add: added(pick(base, 5, 1, 0))}}})
			p.shows("dropped and added", releaseLog, pick(base, 0, 3, 4, 5, 1)...)
			now := p.read(releaseLog, all())
			if d := diff(now[:3], pick(was, 0, 3, 4)); d != "" {
				p.failf("entries that stay: %s", d)
			}
			p.dense(added(now[3:]))
			if now[3].Added <= was[5].Added {
				p.failf("Added %d of an entry released again, head was %d", now[3].Added, was[5].Added)
			}
		}),
	},
	{
		"ReleasesFollowOnEachOther", "The Releases of a Batch apply one after the other; what one adds and a later one drops was never there and takes no Added.",
		scenario(func(p *probe) {
			p.commit(indicators(p, 0, 8)...)
			base := p.read(testLog, sourced())
			p.release(releaseLog, pick(base, 0, 1)...)
			head := p.stat(releaseLog).Head
			rel := func(log store.LogID, drop []item, add []item) store.Release {
				return store.Release{Log: log, Of: testLog, Drop: added(drop), Add: added(add)}
			}
			p.batch(store.Batch{Releases: []store.Release{
				rel(releaseLog, nil, pick(base, 2, 3, 4)),
				rel("gone", nil, pick(base, 0, 1)),
				rel(releaseLog, pick(base, 3, 0), pick(base, 5)),
				rel("gone", pick(base, 0), nil),
				rel(releaseLog, pick(base, 2), pick(base, 0, 2, 1)),
				rel("gone", pick(base, 1), nil),
				rel(releaseLog, pick(base, 0), pick(base, 6, 6)),
			}})
			p.shows("after one Batch", releaseLog, pick(base, 1, 4, 5, 2, 6)...)
			p.numbered(added(p.read(releaseLog, store.Query{After: head})), head, testTime)
			equal(p, p.stat("gone"), store.Stat{}, "Stat of a log of which nothing remained")
			logs, err := p.s.Logs(p.ctx)
			p.ok(err, "logs")
			equal(p, len(logs), 2, "number of logs")
			p.commitTo("gone", indicators(p, 0, 1)...)
		}),
	},
	{
		"WithdrawWhilePaging", "Paging through a release log goes on over withdrawals and deletions: each entry that stays is seen once.",
		scenario(func(p *probe) {
			p.commit(indicators(p, 0, 60)...)
			base := p.read(testLog, sourced())
			p.rnd.Shuffle(len(base), func(i, j int) { base[i], base[j] = base[j], base[i] })
			p.release(releaseLog, base...)
			var seen []stix.ID
			q := sourced()
			q.Limit = 7
			for more := true; more; {
				var items []item
				items, more = p.page(releaseLog, q)
				seen = append(seen, ids(items)...)
				q.From = items[len(items)-1].Added
				p.withdraw(releaseLog, items[len(items)-1])
				p.ok2(p.s.Delete(p.ctx, testLog, items[0].ID, &store.Query{}))
			}
			equal(p, fmt.Sprint(seen), fmt.Sprint(ids(base)), "entries seen")
		}),
	},
	{
		"DeleteInBase", "Deleting an entry takes it out of all release logs in the same commit, whatever they are read by; added to its log again it is in none of them until it is released.",
		scenario(deleteInBase),
	},
}

// gone fails if log has any version of what items are of.
func (p *probe) gone(log store.LogID, items ...item) {
	for _, it := range items {
		has, err := p.s.Has(p.ctx, log, it.ID)
		p.ok(err, "has")
		equal(p, has, false, fmt.Sprintf("%s: Has(%s)", log, it.ID))
		for _, q := range []store.Query{{IDs: []stix.ID{it.ID}}, {IDs: []stix.ID{it.ID}, Versions: store.Versions{All: true}}, {Versions: store.Versions{Exact: []stix.Timestamp{instant(it.Version)}}, IDs: []stix.ID{it.ID}}} {
			equal(p, len(p.read(log, q)), 0, fmt.Sprintf("%s: entries of %s", log, it.ID))
		}
	}
}

func deleteInBase(p *probe) {
	a := func(d int) stix.Object { return indicator{n: 1, modified: day(2, d)}.make(p) }
	objs := []stix.Object{a(1), indicator{n: 2}.make(p), a(3), address(p, 3, "198.51.100.1"), a(2), indicator{n: 4}.make(p)}
	p.batch(store.Batch{Log: testLog, Objects: objs, Labels: []store.Label{1, 2, 3, 4, 5, 6}})
	p.commitTo("other", objs...)
	base, other := p.read(testLog, sourced()), p.read("other", sourced())
	p.release(releaseLog, append(pick(base, 5, 4, 3, 2, 1, 0), other...)...)
	p.release("second", pick(base, 0, 3)...)
	p.release("third", other...)
	head := p.stat(releaseLog).Head

	equal(p, p.ok2(p.s.Delete(p.ctx, testLog, objs[0].ID, &store.Query{})), 1, "last versions deleted") // base[2]
	p.shows("last version deleted", releaseLog, append(pick(base, 5, 4, 3, 1, 0), other...)...)
	p.shows("last version deleted", "second", pick(base, 0, 3)...)
	sel := store.Query{Versions: store.Versions{All: true}}
	equal(p, p.ok2(p.s.Delete(p.ctx, testLog, objs[0].ID, &sel)), 2, "versions deleted")
	equal(p, p.ok2(p.s.Delete(p.ctx, testLog, objs[3].ID, &sel)), 1, "addresses deleted")
	for range 2 {
		p.shows("deleted", releaseLog, append(pick(base, 5, 1), other...)...)
		p.shows("deleted", "second")
		p.gone("second", base[0], base[3])
		p.shows("of another log", "third", other...)
		equal(p, p.stat(releaseLog).Head, head, "Head after deletions")
		if p.f.Reopen == nil {
			break
		}
		p.reopen()
	}
	p.withdraw(releaseLog, other...)
	p.gone(releaseLog, base[0], base[3])

	p.commit(objs[0], objs[3])
	again := p.read(testLog, sourced())
	p.shows("added again", releaseLog, pick(base, 5, 1)...)
	p.release(releaseLog, again[2], again[3])
	p.shows("released again", releaseLog, append(pick(base, 5, 1), again[2], again[3])...)
	p.batch(store.Batch{Releases: []store.Release{{Log: releaseLog, Of: testLog, Drop: added(base[:5]), Add: added(base[:5])}}})
	p.shows("the old Added name nothing that is there", releaseLog, append(pick(base, 5), again[2], again[3], base[1])...)
}
