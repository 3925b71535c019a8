package storetest

import (
	"fmt"
	"strings"

	"entente/stix"
	"entente/store"
)

// A deletion is a call of Delete in a fresh world: n entries go, left stay.
type deletion struct {
	name string
	id   stix.ID
	sel  store.Query
	n    int
	left string
}

func (w *world) deletions() []deletion {
	A, B, S := w.objs[0].ID, w.objs[2].ID, w.objs[4].ID
	both := []string{"2.0", "2.1"}
	exact := func(texts ...string) (v store.Versions) {
		for _, t := range texts {
			v.Exact = append(v.Exact, instant(t))
		}
		return v
	}
	type q = store.Query
	return []deletion{
		{"zero selector: the last version", A, q{}, 1, "d1 d2 d3 d4 d5 d6 d7 d9 d10 d11"},
		{"all versions", A, q{Versions: store.Versions{All: true}}, 4, "d3 d4 d5 d6 d7 d9 d11"},
		{"first", A, q{Versions: store.Versions{First: true}}, 1, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d11"},
		{"first and last", A, q{Versions: store.Versions{First: true, Last: true}}, 2, "d1 d2 d3 d4 d5 d6 d7 d9 d11"},
		{"exact", A, q{Versions: exact(exactA2)}, 1, "d1 d3 d4 d5 d6 d7 d8 d9 d10 d11"},
		{"exact, none", A, q{Versions: exact("2020-01-01T00:00:00Z")}, 0, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11"},
		{"exact, an object without versions", S, q{Versions: exact(w.d(5).String())}, 1, "d1 d2 d3 d4 d6 d7 d8 d9 d10 d11"},
		{"After", A, q{After: w.d(2), Versions: store.Versions{All: true}}, 2, "d1 d2 d3 d4 d5 d6 d7 d9 d11"},
		{"After, first of what is left", A, q{After: w.d(1), Versions: store.Versions{First: true}}, 1, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d11"},
		{"newest spec version by default", B, q{Versions: store.Versions{All: true}}, 1, "d1 d2 d3 d5 d6 d7 d8 d9 d10 d11"},
		{"spec 2.0, all", B, q{SpecVersions: []string{"2.0"}, Versions: store.Versions{All: true}}, 2, "d1 d2 d4 d5 d6 d7 d8 d9 d10"},
		{"both specs, last", B, q{SpecVersions: both}, 1, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10"},
		{"unknown id", "indicator--" + stix.ID(uuid(999)), q{Versions: store.Versions{All: true}}, 0, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11"},
		{"the other fields do not count", A, q{Types: []string{"x"}, IDs: []stix.ID{B}, From: w.d(11), Limit: -7, Want: 255}, 1, "d1 d2 d3 d4 d5 d6 d7 d9 d10 d11"},
	}
}

var deleteCases = []Case{
	{
		"Delete", "Delete removes the versions of id that sel selects, and returns how many; it changes no other entry's Added.",
		scenario(func(p *probe) {
			w := newWorld(p)
			for i := range w.deletions() {
				// Each deletion in a log of its own, a copy of the world.
				log := store.LogID(fmt.Sprint("delete-", i))
				from := 0
				w.log, w.added = log, nil
				for _, n := range []int{3, 1, 4, 2, 1} {
					w.added = append(w.added, p.commitTo(log, w.objs[from:from+n]...)...)
					from += n
				}
				d := w.deletions()[i]
				equal(p, p.ok2(p.s.Delete(p.ctx, log, d.id, &d.sel)), d.n, d.name+": deleted")
				items := p.read(log, all())
				equal(p, w.names(items), d.left, d.name+": left")
				equal(p, p.stat(log), store.Stat{Head: w.d(11), Entries: int64(len(items)), Bytes: size(items)}, d.name+": Stat")
				w.paged(question{d.name, all(), d.left})
			}
		}),
	},
	{
		"DeletedIsGone", "What was deleted is in no later Read, Has and Stat, by any query; nor after a restart.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 10)
			p.commit(objs[:4]...)
			p.commit(objs[4:]...)
			gone := objs[5]
			equal(p, p.ok2(p.s.Delete(p.ctx, testLog, gone.ID, &store.Query{})), 1, "deleted")
			equal(p, p.ok2(p.s.Delete(p.ctx, testLog, gone.ID, &store.Query{})), 0, "deleted again")
			rest := append(append([]stix.Object{}, objs[:5]...), objs[6:]...)
			for range 2 {
				p.holds("after Delete", rest...)
				p.parts(all())
				equal(p, len(p.read(testLog, store.Query{IDs: []stix.ID{gone.ID}})), 0, "entries by id")
				equal(p, len(p.read(testLog, store.Query{IDs: []stix.ID{gone.ID}, Versions: store.Versions{Exact: []stix.Timestamp{gone.Version()}}})), 0, "entries by version")
				has, err := p.s.Has(p.ctx, testLog, gone.ID)
				p.ok(err, "has")
				equal(p, has, false, "Has")
				equal(p, p.stat(testLog).Entries, 9, "Entries")
				if p.f.Reopen == nil {
					break
				}
				p.reopen()
			}
		}),
	},
	{
		"DeleteEverything", "A log whose entries were all deleted is empty, keeps its head and its name.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 5)
			added := p.commit(objs...)
			for _, o := range objs {
				equal(p, p.ok2(p.s.Delete(p.ctx, testLog, o.ID, &store.Query{})), 1, "deleted")
			}
			equal(p, len(p.read(testLog, all())), 0, "entries")
			p.partsOf(testLog, store.Query{Limit: 9}, nil)
			equal(p, p.stat(testLog), store.Stat{Head: added[4]}, "Stat")
			logs, err := p.s.Logs(p.ctx)
			p.ok(err, "logs")
			equal(p, len(logs), 1, "number of logs")
			p.addedAt(testTime, 100, 3)
		}),
	},
	{
		"AddAgain", "An object that was deleted may be added again, as a new entry with a new Added; other content, other creator too.",
		scenario(func(p *probe) {
			o, s := indicator{n: 1, by: 1, name: "a"}.make(p), address(p, 2, "198.51.100.1")
			other := indicator{n: 1, by: 2, name: "b"}.make(p)
			old := p.commit(o, s, indicator{n: 3}.make(p))
			for _, again := range []stix.Object{o, other} {
				for _, id := range []stix.ID{o.ID, s.ID} {
					equal(p, p.ok2(p.s.Delete(p.ctx, testLog, id, &store.Query{})), 1, "deleted")
				}
				added := p.commit(again, s)
				if added[0] <= old[2] {
					p.failf("Added %d of an object added again, head was %d", added[0], old[2])
				}
				p.holds("after adding again", indicator{n: 3}.make(p), again, s)
			}
		}),
	},
	{
		"DeleteWhilePaging", "Paging goes on over deletions: each entry that stays is seen once.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 60)
			p.commit(objs[:40]...)
			p.commit(objs[40:]...)
			var seen []stix.ID
			q := store.Query{Limit: 7}
			for more := true; more; {
				var items []item
				items, more = p.page(testLog, q)
				seen = append(seen, ids(items)...)
				q.From = items[len(items)-1].Added
				p.ok2(p.s.Delete(p.ctx, testLog, items[len(items)-1].ID, &store.Query{}))
				p.ok2(p.s.Delete(p.ctx, testLog, items[0].ID, &store.Query{}))
			}
			equal(p, len(seen), 60, "entries seen")
			for i, id := range seen {
				equal(p, id, objs[i].ID, "entry seen")
			}
		}),
	},
}

// size is the bytes of the objects.
func size(items []item) int64 {
	n := 0
	for _, it := range items {
		n += len(it.raw)
	}
	return int64(n)
}

var statCases = []Case{
	{
		"Stat", "Stat counts the entries that are there, all versions, and their objects' bytes; Head is the newest ever added.",
		scenario(func(p *probe) {
			w := newWorld(p)
			for n := 11; n > 0; n-- {
				items := p.read(testLog, all())
				equal(p, p.stat(testLog), store.Stat{Head: w.d(11), Entries: int64(n), Bytes: size(items)}, "Stat")
				newest := items[len(items)-1]
				sel := all()
				sel.After = newest.Added - 1
				equal(p, p.ok2(p.s.Delete(p.ctx, testLog, newest.ID, &sel)), 1, "deleted")
				if p.f.Reopen != nil && n%4 == 0 {
					p.reopen()
				}
			}
		}),
	},
	{
		"Has", "Has reports whether log holds any version of id, of any spec version.",
		scenario(func(p *probe) {
			w := newWorld(p)
			absent := []stix.ID{"", "indicator", w.objs[0].ID + "0", w.objs[0].ID[:40], stix.ID(strings.ToUpper(string(w.objs[0].ID)))}
			for i, id := range append(absent, w.objs[0].ID, w.objs[4].ID, w.objs[8].ID) {
				has, err := p.s.Has(p.ctx, testLog, id)
				p.ok(err, "has")
				equal(p, has, i >= len(absent), fmt.Sprintf("Has(%q)", id))
			}
		}),
	},
	{
		"Logs", "Logs returns the names of all logs that have had an entry, in byte order; any byte may be in a name.",
		scenario(func(p *probe) {
			names := []store.LogID{"\x00", "\x00\x00", "A", "a", "a\x00b", "ab", "b/../c", store.LogID(strings.Repeat("z", 254)), store.LogID(strings.Repeat("z", 255)), "é", "\xff", "\xff\xff"}
			for _, i := range p.rnd.Perm(len(names)) {
				p.commitTo(names[i], indicators(p, i, 1+i)...)
			}
			_, err := p.s.Commit(p.ctx, &store.Batch{Log: "no entry", Cursor: &store.CursorMove{Name: "c", To: "1"}})
			p.ok(err, "commit without objects")
			p.ok2(p.s.Delete(p.ctx, names[0], indicator{n: 0}.id(), ptr(all())))
			logs, err := p.s.Logs(p.ctx)
			p.ok(err, "logs")
			equal(p, fmt.Sprintf("%q", logs), fmt.Sprintf("%q", names), "logs")
			for i, log := range names[1:] {
				equal(p, len(p.read(log, all())), i+2, fmt.Sprintf("entries of %q", log))
			}
		}),
	},
}
