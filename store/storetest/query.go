package storetest

import (
	"fmt"
	"slices"
	"strings"

	"entente/stix"
	"entente/store"
)

// A world is a log whose entries are known by name: d1, d2, … in order of
// arrival.
//
//	d1   A  indicator, 1 February
//	d2   A  2 February
//	d3   B  campaign, STIX 2.0, 1 March
//	d4   B  STIX 2.1, 2 February: older than d3
//	d5   S  address without versions
//	d6   S  other content
//	d7   M  marking-definition, created 5 January only
//	d8   A  3 April, thirteen digits
//	d9   C  malware, STIX 2.0 only
//	d10  A  1 January: older, and late
//	d11  B  STIX 2.0, 1 April: newer than d4, which stays the newest of STIX 2.1
type world struct {
	p     *probe
	log   store.LogID
	objs  []stix.Object
	added []store.Added
}

const (
	exactA2 = "2023-02-02T00:00:00Z"
	exactA8 = "2023-04-03T00:00:00.1234567890123Z"
	exactM  = "2023-01-05T00:00:00.000Z"
)

func newWorld(p *probe) *world {
	a := func(modified, name string) stix.Object {
		return indicator{n: 1, modified: modified, name: name}.make(p)
	}
	b := func(v20 bool, modified string) stix.Object {
		return indicator{n: 2, typ: "campaign", v20: v20, modified: modified}.make(p)
	}
	commits := [][]stix.Object{
		{a(day(2, 1), "a"), a(day(2, 2), "b"), b(true, day(3, 1))},
		{b(false, day(2, 2))},
		{address(p, 3, "198.51.100.1"), address(p, 3, "198.51.100.2"), marking(p, 4, exactM, "m"), a(exactA8, "c")},
		{indicator{n: 5, typ: "malware", v20: true}.make(p), a(day(1, 1), "d")},
		{b(true, day(4, 1))},
	}
	w := &world{p: p, log: testLog}
	for _, c := range commits {
		w.objs = append(w.objs, c...)
		w.added = append(w.added, p.commit(c...)...)
	}
	for i, want := range []string{"2.1", "2.1", "2.0", "2.1", "2.1", "2.1", "2.1", "2.1", "2.0", "2.1", "2.0"} {
		equal(p, w.objs[i].SpecVersion, want, fmt.Sprintf("spec version of the test's own d%d", i+1))
	}
	return w
}

// d is the Added of the n-th entry.
func (w *world) d(n int) store.Added { return w.added[n-1] }

// names of what q selects.
func (w *world) names(items []item) string {
	var out []string
	for _, it := range items {
		n := slices.Index(w.added, it.Added)
		if n < 0 || w.objs[n].Raw != it.raw || w.objs[n].ID != it.ID {
			w.p.failf("entry %d %q was never added", it.Added, it.raw)
		}
		out = append(out, fmt.Sprintf("d%d", n+1))
	}
	return strings.Join(out, " ")
}

// A question is a Query and the names of the entries it selects.
type question struct {
	name string
	q    store.Query
	want string
}

func (w *world) questions() []question {
	both := []string{"2.0", "2.1"}
	A, B, S, M := w.objs[0].ID, w.objs[1+1].ID, w.objs[4].ID, w.objs[6].ID
	every, first := store.Versions{All: true}, store.Versions{First: true}
	exact := func(texts ...string) (v store.Versions) {
		for _, t := range texts {
			v.Exact = append(v.Exact, instant(t))
		}
		return v
	}
	exactLast := exact(exactA2)
	exactLast.Last = true
	union := exact(exactA2)
	union.First, union.Last = true, true
	type q = store.Query
	return []question{
		{"the zero query: last of the newest spec version", q{}, "d4 d6 d7 d8 d9"},
		{"Last says the same", q{Versions: store.Versions{Last: true}}, "d4 d6 d7 d8 d9"},
		{"All, newest spec version", q{Versions: every}, "d1 d2 d4 d5 d6 d7 d8 d9 d10"},
		{"All, both", q{Versions: every, SpecVersions: both}, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11"},
		{"All with others is all", q{Versions: store.Versions{All: true, First: true, Exact: exact(exactA2).Exact}}, "d1 d2 d4 d5 d6 d7 d8 d9 d10"},
		{"First", q{Versions: first}, "d4 d5 d7 d9 d10"},
		{"First and Last", q{Versions: store.Versions{First: true, Last: true}}, "d4 d5 d6 d7 d8 d9 d10"},
		{"spec 2.0", q{SpecVersions: []string{"2.0"}}, "d9 d11"},
		{"spec 2.0, all", q{SpecVersions: []string{"2.0"}, Versions: every}, "d3 d9 d11"},
		{"spec 2.1", q{SpecVersions: []string{"2.1"}}, "d4 d6 d7 d8"},
		{"both specs: last over both", q{SpecVersions: both}, "d6 d7 d8 d9 d11"},
		{"both specs: first over both", q{SpecVersions: both, Versions: first}, "d4 d5 d7 d9 d10"},
		{"unknown spec", q{SpecVersions: []string{"9.9"}}, ""},
		{"unknown and known spec", q{SpecVersions: []string{"9.9", "2.0", "2.0"}}, "d9 d11"},
		{"After is exclusive", q{After: w.d(8)}, "d9 d10"},
		{"After, one before", q{After: w.d(8) - 1}, "d8 d9"},
		{"After: newest spec of the log, not of what is left", q{After: w.d(10)}, ""},
		{"After and spec 2.0", q{After: w.d(10), SpecVersions: []string{"2.0"}}, "d11"},
		{"After the head", q{After: w.d(11)}, ""},
		{"After the year 9999", q{After: store.MaxAdded + 1}, ""},
		{"After: first of what is left", q{After: w.d(1), Versions: first}, "d4 d5 d7 d9 d10"},
		{"After: first of what is left, two A", q{After: w.d(1), Versions: first, IDs: []stix.ID{A}}, "d10"},
		{"After below zero", q{After: -5}, "d4 d6 d7 d8 d9"},
		{"From changes no choice of versions", q{From: w.d(8)}, "d9"},
		{"From, all", q{From: w.d(8), Versions: every}, "d9 d10"},
		{"From, first", q{From: w.d(5), Versions: first}, "d7 d9 d10"},
		{"From and After", q{After: w.d(4), From: w.d(6)}, "d7 d8 d9"},
		{"From before After", q{After: w.d(8), From: w.d(2)}, "d9 d10"},
		{"one type", q{Types: []string{"indicator"}}, "d8"},
		{"two types", q{Types: []string{"malware", "indicator", "indicator"}}, "d8 d9"},
		{"type and all", q{Types: []string{"campaign"}, Versions: every}, "d4"},
		{"unknown type", q{Types: []string{"x-none"}}, ""},
		{"a type is not a prefix", q{Types: []string{"indicato", "indicator2", ""}}, ""},
		{"one id", q{IDs: []stix.ID{A}}, "d8"},
		{"one id, all", q{IDs: []stix.ID{A}, Versions: every}, "d1 d2 d8 d10"},
		{"two ids", q{IDs: []stix.ID{M, A, M}}, "d7 d8"},
		{"unknown and known id", q{IDs: []stix.ID{"indicator--" + stix.ID(uuid(999)), S}}, "d6"},
		{"id in upper case is another", q{IDs: []stix.ID{stix.ID(strings.ToUpper(string(A))), "x"}}, ""},
		{"id and type that exclude each other", q{IDs: []stix.ID{A}, Types: []string{"malware"}}, ""},
		{"id, After: late old version", q{IDs: []stix.ID{A}, After: w.d(8)}, "d10"},
		{"id, spec", q{IDs: []stix.ID{B}, SpecVersions: both, Versions: every}, "d3 d4 d11"},
		{"Exact", q{Versions: exact(exactA2)}, "d2 d4"},
		{"Exact, one object", q{Versions: exact(exactA2), IDs: []stix.ID{A}}, "d2"},
		{"Exact, more than nine digits", q{Versions: exact(exactA8)}, "d8"},
		{"Exact, digits cut", q{Versions: exact("2023-04-03T00:00:00.123456789012Z", "2023-04-03T00:00:00.12345678901230Z")}, "d8"},
		{"Exact, digits cut only", q{Versions: exact("2023-04-03T00:00:00.123456789012Z", "2023-04-03T00:00:00.123456Z", "2023-04-03T00:00:00.12345678901231Z")}, ""},
		{"Exact, created without modified", q{Versions: exact("2023-01-05T00:00:00Z")}, "d7"},
		{"Exact, created is no version where there is modified", q{Versions: exact(testCreated)}, "d9 d10"},
		{"Exact, an object without versions", q{Versions: exact(w.d(5).String())}, "d5"},
		{"Exact, two", q{Versions: exact(w.d(6).String(), exactA8)}, "d6 d8"},
		{"Exact and Last", q{Versions: exactLast}, "d2 d4 d6 d7 d8 d9"},
		{"Exact, First and Last", q{Versions: union}, "d2 d4 d5 d6 d7 d8 d9 d10"},
		{"Exact, not the newest spec", q{Versions: exact(day(3, 1))}, ""},
		{"Exact, spec 2.0", q{Versions: exact(day(3, 1)), SpecVersions: []string{"2.0"}}, "d3"},
		{"Exact and After", q{Versions: exact(exactA2), After: w.d(2)}, "d4"},
		{"everything at once", q{
			After: w.d(1), From: w.d(2), Types: []string{"indicator", "campaign"}, IDs: []stix.ID{A, B, S},
			SpecVersions: both, Versions: store.Versions{First: true, Exact: exact(exactA8).Exact},
		}, "d4 d8 d10"},
	}
}

var queryCases = []Case{
	{
		"Queries", "Conditions of different fields all hold; of the values of one field, any; versions are chosen last, after types, ids, spec versions and After.",
		scenario(func(p *probe) {
			w := newWorld(p)
			for _, qu := range w.questions() {
				if got := w.names(p.read(testLog, qu.q)); got != qu.want {
					p.failf("%s: got %q, want %q", qu.name, got, qu.want)
				}
			}
		}),
	},
	{
		"QueriesPaged", "At every Limit, and in whatever parts, the pages joined are the unpaged result; More is set exactly if something is left.",
		scenario(func(p *probe) {
			w := newWorld(p)
			for _, qu := range w.questions() {
				w.paged(qu)
			}
		}),
	},
	{
		"PagesByBytes", "A page ends with the entry that brings its objects to MaxBytes, has at least one entry, and the pages joined are the whole; rows alone cost no bytes.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 600)
			p.commit(objs...)
			for _, most := range []int{1, len(objs[0].Raw), len(objs[0].Raw) + 1, 10 * len(objs[0].Raw), 300 * len(objs[0].Raw), 1 << 40} {
				p.pagedByBytes(objs, most)
			}
			rows := store.Query{Limit: 1000, Want: store.WantRows, MaxBytes: 1}
			var pg store.Page
			p.ok(p.s.Read(p.ctx, testLog, &rows, &pg), "rows")
			equal(p, pg.N, len(objs), "rows of a page without objects")
		}),
	},
	{
		"QueriesAfterReopen", "The same queries find the same after a restart.",
		scenario(func(p *probe) {
			w := newWorld(p)
			p.reopen()
			for _, qu := range w.questions() {
				if got := w.names(p.read(testLog, qu.q)); got != qu.want {
					p.failf("%s: got %q, want %q", qu.name, got, qu.want)
				}
			}
		}),
	},
	{
		"VersionsWithoutTimestampGoByAdded", "Objects without modified and created order by Added.",
		scenario(func(p *probe) {
			var objs []stix.Object
			for i := range 5 {
				objs = append(objs, address(p, 1, fmt.Sprintf("198.51.100.%d", 9-i)))
			}
			p.commit(objs[:3]...)
			p.commit(objs[3:]...)
			last := p.read(testLog, store.Query{})
			first := p.read(testLog, store.Query{Versions: store.Versions{First: true}})
			if len(last) != 1 || last[0].raw != objs[4].Raw || len(first) != 1 || first[0].raw != objs[0].Raw {
				p.failf("last is %v, first is %v", last, first)
			}
		}),
	},
	{
		"VersionsOrderByInstant", "Versions order by instant at any precision, not by arrival and not as text.",
		scenario(func(p *probe) {
			texts := []string{
				"2023-02-02T00:00:00Z", "2023-02-02T00:00:00.0000000000001Z", "2023-02-02T00:00:00.00000000001Z",
				"2023-02-02T00:00:00.10Z", "2023-02-02T00:00:00.100000000001Z", "2023-02-02T00:00:00.9Z", "2023-02-02T00:00:01.000Z",
			}
			for _, i := range p.rnd.Perm(len(texts)) {
				p.commit(indicator{n: 1, modified: texts[i]}.make(p))
			}
			for n := len(texts) - 1; n >= 0; n-- {
				last := p.read(testLog, store.Query{})
				first := p.read(testLog, store.Query{Versions: store.Versions{First: true}})
				if len(last) != 1 || len(first) != 1 {
					p.failf("%d last and %d first versions of one object", len(last), len(first))
				}
				equal(p, last[0].Version, texts[n], "last version")
				equal(p, first[0].Version, texts[0], "first version")
				equal(p, p.ok2(p.s.Delete(p.ctx, testLog, last[0].ID, &store.Query{})), 1, "deleted")
			}
		}),
	},
	{
		"InvalidQuery", "Limit is 1 or more, MaxBytes 0 or more, a log's name 1 to 255 bytes, WantObjects and WantDeflated exclude each other, Take goes with WantObjects alone: else ErrInvalid.",
		scenario(func(p *probe) {
			var pg store.Page
			for _, q := range []store.Query{{}, {Limit: -1}, {Limit: 1, MaxBytes: -1}, {Limit: 1, Want: store.WantObjects | store.WantDeflated},
				{Limit: 1, Want: store.WantDeflated, Take: takeNothing}, {Limit: 1, Want: store.WantObjects | store.WantRows, Take: takeNothing}} {
				p.is(p.s.Read(p.ctx, testLog, &q, &pg), store.ErrInvalid, fmt.Sprintf("read %+v", q))
			}
			for _, log := range []store.LogID{"", store.LogID(strings.Repeat("x", 256))} {
				p.is(p.s.Read(p.ctx, log, &store.Query{Limit: 1}, &pg), store.ErrInvalid, "read of a log with a bad name")
				_, err := p.s.Stat(p.ctx, log)
				p.is(err, store.ErrInvalid, "Stat of a log with a bad name")
				_, err = p.s.Has(p.ctx, log, "x")
				p.is(err, store.ErrInvalid, "Has of a log with a bad name")
				_, err = p.s.Delete(p.ctx, log, "x", &store.Query{})
				p.is(err, store.ErrInvalid, "Delete in a log with a bad name")
				_, err = p.s.Commit(p.ctx, &store.Batch{Log: log, Objects: indicators(p, 0, 1), At: testTime})
				p.is(err, store.ErrInvalid, "Commit to a log with a bad name")
			}
		}),
	},
}

func takeNothing([][]byte) (int, error) { return 0, nil }

// pagedByBytes pages through objs, which are the whole log.
func (p *probe) pagedByBytes(objs []stix.Object, most int) {
	q := store.Query{Limit: 1000, MaxBytes: most}
	for at, more := 0, true; more; {
		var items []item
		items, more = p.page(testLog, q)
		size, n := 0, 0
		for at+n < len(objs) && size < most {
			size += len(objs[at+n].Raw)
			n++
		}
		if len(items) != n || more != (at+n < len(objs)) {
			p.failf("MaxBytes %d: page of %d entries after %d, More %v; want %d", most, len(items), at, more, n)
		}
		p.partsOf(testLog, q, items)
		at += n
		q.From = items[n-1].Added
	}
}

// paged asks qu at several limits and checks More and the joined pages.
func (w *world) paged(qu question) {
	want := strings.Fields(qu.want)
	for _, limit := range []int{1, 2, 3, 4, 5, 9, 10, 11, 12, 1000, 1<<63 - 1} {
		q, got := qu.q, []string{}
		for more := true; more; {
			var items []item
			q.Limit = limit
			items, more = w.p.page(w.log, q)
			if len(items) == 0 && more || len(items) < limit && more {
				w.p.failf("%s: limit %d: a page of %d says there is more", qu.name, limit, len(items))
			}
			w.p.partsOf(w.log, q, items)
			got = append(got, strings.Fields(w.names(items))...)
			if len(items) > 0 {
				q.From = items[len(items)-1].Added
			}
			if more != (len(got) < len(want)) {
				w.p.failf("%s: limit %d: More is %v after %v, want %v", qu.name, limit, more, got, want)
			}
		}
		if !slices.Equal(got, want) {
			w.p.failf("%s: limit %d: pages joined are %v, want %v", qu.name, limit, got, want)
		}
	}
}
