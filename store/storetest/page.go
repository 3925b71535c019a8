package storetest

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"entente/stix"
	"entente/store"
)

var pageCases = []Case{
	{
		"UnknownLogIsEmpty", "A log that was never written is empty, not an error.",
		scenario(func(p *probe) {
			for _, log := range []store.LogID{"never", testLog, "\x00\xff", store.LogID(strings.Repeat("x", 255))} {
				equal(p, len(p.read(log, all())), 0, "entries")
				equal(p, p.stat(log), store.Stat{}, "Stat")
				has, err := p.s.Has(p.ctx, log, indicator{n: 1}.id())
				p.ok(err, "has")
				equal(p, has, false, "Has")
				equal(p, p.ok2(p.s.Delete(p.ctx, log, indicator{n: 1}.id(), ptr(all()))), 0, "deleted")
				p.partsOf(log, store.Query{Limit: 1}, nil)
			}
			logs, err := p.s.Logs(p.ctx)
			p.ok(err, "logs")
			equal(p, len(logs), 0, "number of logs")
		}),
	},
	{
		"PageReplaces", "Read replaces the content of a Page; its buffers are kept and reused.",
		scenario(func(p *probe) {
			p.commit(indicators(p, 0, 10)...)
			p.commit(address(p, 1, "198.51.100.1"))
			var pg store.Page
			for i, q := range []store.Query{
				{Limit: 11, Want: store.WantObjects | store.WantRows},
				{Limit: 3, Want: store.WantObjects | store.WantRows},
				{Limit: 3, Types: []string{"ipv4-addr"}, Want: store.WantRows},
				{Limit: 3, Want: store.WantDeflated},
				{Limit: 3},
				{Limit: 3, Types: []string{"none"}, Want: store.WantObjects | store.WantRows},
				{Limit: 11, Want: store.WantObjects | store.WantRows},
			} {
				var fresh store.Page
				p.ok(p.s.Read(p.ctx, testLog, &q, &pg), "read")
				p.ok(p.s.Read(p.ctx, testLog, &q, &fresh), "read")
				if d := pagesDiffer(p, &pg, &fresh); d != "" {
					p.failf("query %d into a used page: %s", i, d)
				}
			}
		}),
	},
	{
		"PagesAtOnce", "Pages of different readers share nothing.",
		scenario(func(p *probe) {
			p.commit(indicators(p, 0, 300)...)
			want := p.read(testLog, all())
			var fns []func()
			for r := range 4 {
				fns = append(fns, func() {
					var pg store.Page
					for i := range 40 {
						q := all()
						q.From, q.Limit, q.Want = want[(i*7+r)%200].Added, 50, store.WantObjects|store.WantRows
						p.ok(p.s.Read(p.ctx, testLog, &q, &pg), "read")
						if d := diff(p.items(&q, &pg), want[(i*7+r)%200+1:][:50]); d != "" {
							p.failf("page of a concurrent reader: %s", d)
						}
					}
				})
			}
			p.parallel(fns...)
		}),
	},
	{
		"Want", "Want says which parts of a Page are filled; N, First, Last and More always are.",
		scenario(func(p *probe) {
			added := p.commit(indicators(p, 0, 3)...)
			for _, want := range []store.Want{0, store.WantObjects, store.WantDeflated, store.WantRows, store.WantRows | store.WantDeflated, store.WantRows | store.WantObjects} {
				q := store.Query{Limit: 2, Want: want}
				var pg store.Page
				p.ok(p.s.Read(p.ctx, testLog, &q, &pg), "read")
				what := fmt.Sprintf(" with Want %d", want)
				equal(p, pg.N, 2, "N"+what)
				equal(p, pg.First, added[0], "First"+what)
				equal(p, pg.Last, added[1], "Last"+what)
				equal(p, pg.More, true, "More"+what)
				equal(p, len(pg.Objects) > 0, want&store.WantObjects != 0, "Objects"+what)
				equal(p, len(pg.Parts) > 0, want&store.WantDeflated != 0, "Parts"+what)
				equal(p, len(pg.Rows) > 0, want&store.WantRows != 0, "Rows"+what)
				for _, r := range pg.Rows {
					equal(p, r.End > 0, want&store.WantObjects != 0, "Row.End"+what)
				}
			}
		}),
	},
	{
		"Parts", "Parts, inflated and joined by commas, are the bytes of Objects; Size and CRC32 are right; for whole and for partial selections.",
		scenario(func(p *probe) {
			var objs []stix.Object
			for i := range 700 {
				objs = append(objs, indicator{n: i, name: strings.Repeat(uuid(p.rnd.IntN(1<<30)), p.rnd.IntN(30))}.make(p))
				if i%3 == 0 {
					objs = append(objs, address(p, i, fmt.Sprint("198.51.100.", i)))
				}
			}
			for rest := objs; len(rest) > 0; {
				n := min(len(rest), 1+p.rnd.IntN(200))
				p.commit(rest[:n]...)
				rest = rest[n:]
			}
			added := p.read(testLog, all())
			p.parts(store.Query{})
			p.parts(store.Query{Types: []string{"ipv4-addr"}})
			p.parts(store.Query{Types: []string{"indicator"}, After: added[10].Added})
			for range 40 {
				from := p.rnd.IntN(len(added))
				q := store.Query{From: added[from].Added, Limit: 1 + p.rnd.IntN(400)}
				items, _ := p.page(testLog, q)
				p.partsOf(testLog, q, items)
			}
			for i := 0; i < len(objs); i += 5 {
				p.ok2(p.s.Delete(p.ctx, testLog, objs[i].ID, ptr(all())))
			}
			p.parts(store.Query{})
			if p.f.Reopen != nil {
				p.reopen()
				p.parts(store.Query{})
			}
		}),
	},
	{
		"Take", "Take gets what Objects would be, when the rest of the page is there; Objects has what it does not take; its error is that of Read; it is not called for an empty page.",
		scenario(func(p *probe) {
			var objs []stix.Object
			for i := range 700 {
				objs = append(objs, indicator{n: i, name: strings.Repeat("x", p.rnd.IntN(300))}.make(p))
			}
			added := p.commit(objs...)
			p.ok2(p.s.Delete(p.ctx, testLog, objs[1].ID, ptr(all())))
			for range 40 {
				p.take(store.Query{From: added[p.rnd.IntN(len(added)-1)], Limit: 1 + p.rnd.IntN(400)})
			}
			p.take(store.Query{Limit: 50, MaxBytes: 5000})
			p.take(store.Query{Limit: 300, IDs: []stix.ID{objs[0].ID, objs[2].ID, objs[699].ID}})
			var pg store.Page
			q := store.Query{From: added[len(added)-1], Limit: 1, Want: store.WantObjects, Take: func([][]byte) (int, error) {
				p.failf("called for an empty page")
				return 0, nil
			}}
			p.ok(p.s.Read(p.ctx, testLog, &q, &pg), "read of an empty page")
			q.From, q.Take = 0, func([][]byte) (int, error) { return 0, errTake }
			if err := p.s.Read(p.ctx, testLog, &q, &pg); !errors.Is(err, errTake) {
				p.failf("Read returns %v, want the error of Take", err)
			}
		}),
	},
}

var errTake = errors.New("not taken")

// take compares what Take gets, and leaves, with Objects.
func (p *probe) take(q store.Query) {
	q.Want = store.WantObjects
	var want, got store.Page
	p.ok(p.s.Read(p.ctx, testLog, &q, &want), "read")
	var taken []byte
	calls := 0
	q.Take = func(objects [][]byte) (int, error) {
		calls++
		taken = bytes.Join(objects, nil)
		if string(taken) != string(want.Objects) {
			p.failf("Take gets %.300q, want %.300q", taken, want.Objects)
		}
		if got.N != want.N || got.First != want.First || got.Last != want.Last || got.More != want.More {
			p.failf("Take sees a page %+v, want %+v", got, want)
		}
		taken = taken[:p.rnd.IntN(len(taken)+1)]
		return len(taken), nil
	}
	p.ok(p.s.Read(p.ctx, testLog, &q, &got), "read with Take")
	equal(p, calls, 1, "calls of Take")
	got.Objects = append(taken, got.Objects...)
	if d := pagesDiffer(p, &got, &want); d != "" {
		p.failf("a page of which a part was taken: %s", d)
	}
}

// parts compares Parts with Objects for all that q selects.
func (p *probe) parts(q store.Query) {
	q.Limit = 1 << 30
	items, _ := p.page(testLog, q)
	if len(items) == 0 {
		p.failf("the test's own query selects nothing")
	}
	p.partsOf(testLog, q, items)
}

// partsOf reads q again as Parts and compares them with items.
func (p *probe) partsOf(log store.LogID, q store.Query, items []item) {
	q.Want = store.WantDeflated
	var pg store.Page
	p.ok(p.s.Read(p.ctx, log, &q, &pg), "read of parts")
	equal(p, pg.N, len(items), "N of a page of parts")
	raws := make([]string, len(items))
	for i, it := range items {
		raws[i] = it.raw
	}
	if got, want := inflate(p, &pg), strings.Join(raws, ","); got != want {
		p.failf("parts joined are %d bytes, want %d: %.300q, want %.300q", len(got), len(want), got, want)
	}
}

// inflate returns the parts of pg joined by commas and checks each of them.
func inflate(p *probe, pg *store.Page) string {
	var out []string
	for i, part := range pg.Parts {
		what := fmt.Sprintf("part %d: ", i)
		data := part.Plain
		if part.Deflate == nil {
			equal(p, part.CRC32, 0, what+"CRC32 of a plain part")
		} else {
			equal(p, len(part.Plain), 0, what+"length of Plain beside Deflate")
			// The blocks are not final: an empty final block ends the stream.
			stream := append(bytes.Clone(part.Deflate), 0x01, 0x00, 0x00, 0xff, 0xff)
			var err error
			data, err = io.ReadAll(flate.NewReader(bytes.NewReader(stream)))
			p.ok(err, what+"inflate")
			equal(p, part.CRC32, crc32.ChecksumIEEE(data), what+"CRC32")
		}
		equal(p, part.Size, len(data), what+"Size")
		if len(data) == 0 {
			p.failf("%sempty", what)
		}
		out = append(out, string(data))
	}
	return strings.Join(out, ",")
}

// pagesDiffer describes a difference of two pages; "" if none.
func pagesDiffer(p *probe, a, b *store.Page) string {
	switch {
	case a.N != b.N || a.First != b.First || a.Last != b.Last || a.More != b.More:
		return fmt.Sprintf("N %d First %d Last %d More %v, want N %d First %d Last %d More %v", a.N, a.First, a.Last, a.More, b.N, b.First, b.Last, b.More)
	case !bytes.Equal(a.Objects, b.Objects):
		return fmt.Sprintf("Objects %.300q, want %.300q", a.Objects, b.Objects)
	case len(a.Rows) != len(b.Rows):
		return fmt.Sprintf("%d rows, want %d", len(a.Rows), len(b.Rows))
	case inflate(p, a) != inflate(p, b):
		return "parts differ"
	}
	for i := range a.Rows {
		if a.Rows[i] != b.Rows[i] {
			return fmt.Sprintf("row %d %+v, want %+v", i, a.Rows[i], b.Rows[i])
		}
	}
	return ""
}
