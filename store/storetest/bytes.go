package storetest

import (
	"fmt"
	"strings"
	"unsafe"

	"entente/stix"
	"entente/store"
)

var bytesCases = []Case{
	{
		"BytesAreKept", "An object comes back with exactly the bytes that came in.",
		scenario(func(p *probe) {
			objs := oddObjects(p)
			p.commit(objs...)
			p.holds("after commit", objs...)
			for i, it := range p.read(testLog, all()) {
				if !strings.HasPrefix(it.Version, "2023-") {
					continue
				}
				equal(p, it.Version, objs[i].VersionText(), "Row.Version as written")
				equal(p, it.SpecVersion, objs[i].SpecVersion, "Row.SpecVersion")
			}
			for _, o := range objs {
				p.outcomes([]stix.Object{o}, store.Duplicate)
			}
		}),
	},
	{
		"BytesAreKeptOnDisk", "What was committed is there after closing and opening, byte for byte.",
		scenario(func(p *probe) {
			objs := oddObjects(p)
			p.commit(objs...)
			was := p.read(testLog, all())
			p.reopen()
			p.holds("after reopening", objs...)
			if d := diff(p.read(testLog, all()), was); d != "" {
				p.failf("after reopening: %s", d)
			}
			for _, o := range objs {
				p.outcomes([]stix.Object{o}, store.Duplicate)
			}
		}),
	},
	{
		"LargeObject", "Objects of up to stix.MaxObjectSize (8 MiB) are kept; the whole batch comes back.",
		scenario(func(p *probe) {
			small := indicator{n: 1}.make(p)
			frame := len(indicator{n: 2}.make(p).Raw)
			large := indicator{n: 2, name: strings.Repeat("0123456789abcdef", stix.MaxObjectSize/16)[frame:]}.make(p)
			equal(p, len(large.Raw), stix.MaxObjectSize, "size of the test's own object")
			after := indicator{n: 3}.make(p)
			p.commit(small, large, after)
			p.holds("after commit", small, large, after)
			equal(p, p.stat(testLog).Bytes, int64(len(small.Raw)+len(large.Raw)+len(after.Raw)), "Bytes")
			p.parts(store.Query{})
		}),
	},
	{
		"CommitKeepsNothing", "Commit does not keep b or anything in it after it returns.",
		scenario(func(p *probe) {
			want := indicator{n: 1, by: 7}.make(p)
			buf := []byte(want.Raw)
			o := parse(p, unsafe.String(&buf[0], len(buf)))
			body := []byte("body")
			b := &store.Batch{
				Log: testLog, At: testTime, Objects: []stix.Object{o},
				Put: []store.Document{{Kind: "k", ID: "i", Body: body}},
			}
			_, err := p.s.Commit(p.ctx, b)
			p.ok(err, "commit")
			clear(buf)
			clear(body)
			b.Objects[0] = stix.Object{}
			items := p.holds("after the caller reused its memory", want)
			equal(p, items[0].ID, want.ID, "ID")
			equal(p, items[0].Version, want.Modified, "Version")
			equal(p, len(p.read(testLog, store.Query{IDs: []stix.ID{want.ID}, Types: []string{"indicator"}})), 1, "found by id")
			d, err := p.s.Document(p.ctx, "k", "i")
			p.ok(err, "document")
			equal(p, string(d.Body), "body", "body")
			p.outcomes([]stix.Object{want}, store.Duplicate)
		}),
	},
	{
		"PagesAreCopies", "Bytes in a Page stay valid after later writes, and after Close.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 20)
			p.commit(objs...)
			q := store.Query{Limit: 100, Want: store.WantObjects | store.WantRows}
			var pg, parts store.Page
			p.ok(p.s.Read(p.ctx, testLog, &q, &pg), "read")
			qp := store.Query{Limit: 100, Want: store.WantDeflated}
			p.ok(p.s.Read(p.ctx, testLog, &qp, &parts), "read")
			was, wasParts := p.items(&q, &pg), inflate(p, &parts)
			for i := range objs {
				p.ok2(p.s.Delete(p.ctx, testLog, objs[i].ID, ptr(all())))
			}
			p.commit(indicators(p, 100, 200)...)
			p.read(testLog, all())
			check := func(when string) {
				if d := diff(p.items(&q, &pg), was); d != "" {
					p.failf("page %s: %s", when, d)
				}
				if inflate(p, &parts) != wasParts {
					p.failf("parts of a page changed %s", when)
				}
			}
			check("after later writes")
			p.ok(p.s.Close(), "close")
			check("after Close")
		}),
	},
}

// oddObjects are objects whose bytes are easily changed by mistake.
func oddObjects(p *probe) []stix.Object {
	names := []string{
		"", "<>&'\u2028\u2029", "naïve \U0001F600 \u202e right-to-left", "e\u0301 is not \u00e9", strings.Repeat("x", 70_000),
		"\u0000 \ufffd \ufeff\uffff", `{"type":"indicator"},{`, strings.Repeat(`\"`, 300),
	}
	var objs []stix.Object
	for i, name := range names {
		raw := indicator{n: i + 1, name: "NAME"}.make(p).Raw
		var esc strings.Builder
		for _, r := range name {
			switch {
			case r == '"' || r == '\\':
				fmt.Fprintf(&esc, `\%c`, r)
			case r < ' ':
				fmt.Fprintf(&esc, `\u%04x`, r)
			default:
				esc.WriteRune(r)
			}
		}
		objs = append(objs, parse(p, strings.Replace(raw, "NAME", esc.String(), 1)))
	}
	edit := func(n int, old, new string) {
		raw := indicator{n: n, name: "NAME"}.make(p).Raw
		changed := strings.Replace(raw, old, new, 1)
		if changed == raw {
			p.failf("the test's own object %s has no %q", raw, old)
		}
		objs = append(objs, parse(p, changed))
	}
	edit(100, `"NAME"`, `"\u00e9\u00E9\/\ud83d\ude00\u003c"`)
	edit(101, `"labels":["test"]`, "\"labels\" :\r\n\t [ \"test\" ,\n\n \"b\" ] ")
	edit(102, `"labels":["test"]`, `"labels":["test"],"x_number":1.0E+2,"x_big":12345678901234567890.10,"x_minus":-0,"x_deep":[[[{"a":[null,true]}]]]`)
	edit(103, testCreated, "2023-01-01T00:00:00.00000Z")
	edit(104, `"modified":"`+testCreated, `"modified":"2023-01-01T00:00:00.1234567890120Z`)
	return objs
}
