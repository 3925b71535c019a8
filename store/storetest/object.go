package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/stix"
	"entente/store"
)

// testLog is the log that Cases use when one is enough.
const testLog store.LogID = "6a1e5b9e-4c0f-4a55-9f5d-0d8b6a3c9a01"

// testTime is when the test world begins.
var testTime = time.Date(2024, 5, 6, 7, 8, 9, 123_456_000, time.UTC)

const testCreated = "2023-01-01T00:00:00.000Z"

// uuid is a valid UUID (version 4) made of n.
func uuid(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", n, n) }

// An indicator is a template for objects with versions. n makes the id.
type indicator struct {
	n        int
	typ      string // "indicator" or a type with the same required properties; "" is "indicator"
	created  string // "" is testCreated
	modified string // "" is created
	by       int    // makes created_by_ref; 0 is none
	revoked  bool
	v20      bool // STIX 2.0, no spec_version
	name     string
}

func (o indicator) id() stix.ID {
	if o.typ == "" {
		o.typ = "indicator"
	}
	return stix.ID(o.typ + "--" + uuid(o.n))
}

// make returns the object.
func (o indicator) make(p *probe) stix.Object {
	if o.typ == "" {
		o.typ = "indicator"
	}
	if o.created == "" {
		o.created = testCreated
	}
	if o.modified == "" {
		o.modified = o.created
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"type":%q,`, o.typ)
	if !o.v20 {
		b.WriteString(`"spec_version":"2.1",`)
	}
	fmt.Fprintf(&b, `"id":%q,"created":%q,"modified":%q,`, o.id(), o.created, o.modified)
	if o.by != 0 {
		fmt.Fprintf(&b, `"created_by_ref":"identity--%s",`, uuid(o.by))
	}
	if o.revoked {
		b.WriteString(`"revoked":true,`)
	}
	fmt.Fprintf(&b, `"name":%q,"labels":["test"],`, o.name)
	b.WriteString(`"pattern":"[file:size = 1]","pattern_type":"stix","valid_from":"2023-01-01T00:00:00Z"}`)
	return parse(p, b.String())
}

// address is an object without versions: its id is made of n, its content of value.
func address(p *probe, n int, value string) stix.Object {
	return parse(p, fmt.Sprintf(`{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--%s","value":%q}`, uuid(n), value))
}

// marking is an object with created but without modified.
func marking(p *probe, n int, created, statement string) stix.Object {
	return parse(p, fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--%s",`+
		`"created":%q,"definition_type":"statement","definition":{"statement":%q}}`, uuid(n), created, statement))
}

func parse(p *probe, raw string) stix.Object {
	o, err := stix.Parse(raw)
	if err != nil {
		p.failf("the test's own object %.200s: %w", raw, err)
	}
	return o
}

// indicators are n objects from id first on.
func indicators(p *probe, first, n int) []stix.Object {
	objs := make([]stix.Object, n)
	for i := range objs {
		objs[i] = indicator{n: first + i}.make(p)
	}
	return objs
}

// day is a STIX timestamp in 2023.
func day(month, d int) string { return fmt.Sprintf("2023-%02d-%02dT00:00:00.000Z", month, d) }

// instant is the canonical form of a timestamp.
func instant(text string) stix.Timestamp {
	h := stix.Header{Modified: text}
	return h.Version()
}

// commit adds objs to testLog at testTime and fails unless all are Stored.
func (p *probe) commit(objs ...stix.Object) []store.Added {
	return p.commitTo(testLog, objs...)
}

func (p *probe) commitTo(log store.LogID, objs ...stix.Object) []store.Added {
	r, err := p.s.Commit(p.ctx, &store.Batch{Log: log, Objects: objs, At: testTime})
	p.ok(err, "commit")
	for i := range objs {
		if r.Outcomes[i] != store.Stored {
			p.failf("object %d (%s): outcome %d, want Stored", i, objs[i].ID, r.Outcomes[i])
		}
	}
	return r.Added
}

// outcomes commits objs to testLog and fails unless that becomes of them.
func (p *probe) outcomes(objs []stix.Object, want ...store.Outcome) store.Receipt {
	r, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: objs, At: testTime})
	p.ok(err, "commit")
	if !slices.Equal(r.Outcomes, want) {
		p.failf("outcomes %v, want %v", r.Outcomes, want)
	}
	equal(p, len(r.Added), len(objs), "number of Added")
	return r
}

// An item is one entry as Read shows it.
type item struct {
	store.Row // without End
	raw       string
}

// all selects every entry of a log.
func all() store.Query {
	return store.Query{SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}}
}

// read returns all that q selects, in one page, whose form it checks.
func (p *probe) read(log store.LogID, q store.Query) []item {
	q.Limit = 1 << 30
	items, more := p.page(log, q)
	if more {
		p.failf("More is set on a page with everything")
	}
	return items
}

// sourced is all, with where each entry is from.
func sourced() store.Query {
	q := all()
	q.Want = store.WantSource
	return q
}

// page returns one page with rows and objects, and sources if q wants them, and
// checks that they fit together.
func (p *probe) page(log store.LogID, q store.Query) (items []item, more bool) {
	q.Want = q.Want&store.WantSource | store.WantObjects | store.WantRows
	var pg store.Page
	p.ok(p.s.Read(p.ctx, log, &q, &pg), "read")
	return p.items(&q, &pg), pg.More
}

func (p *probe) items(q *store.Query, pg *store.Page) []item {
	equal(p, len(pg.Rows), pg.N, "rows of a page of N entries")
	if pg.N > q.Limit {
		p.failf("%d entries, limit %d", pg.N, q.Limit)
	}
	if pg.N == 0 {
		if pg.First != 0 || pg.Last != 0 || pg.More || len(pg.Objects) != 0 {
			p.failf("empty page with First %d, Last %d, More %v, %d bytes", pg.First, pg.Last, pg.More, len(pg.Objects))
		}
		return nil
	}
	equal(p, pg.First, pg.Rows[0].Added, "First")
	equal(p, pg.Last, pg.Rows[pg.N-1].Added, "Last")
	equal(p, len(pg.Objects), pg.Rows[pg.N-1].End, "length of Objects")
	items := make([]item, pg.N)
	for i, r := range pg.Rows {
		items[i] = item{Row: r, raw: string(pg.Object(i))}
		items[i].End = 0
		if i > 0 {
			if r.Added <= pg.Rows[i-1].Added {
				p.failf("Added %d after %d", r.Added, pg.Rows[i-1].Added)
			}
			if c := pg.Objects[pg.Rows[i-1].End]; c != ',' {
				p.failf("%q between two objects", c)
			}
		}
	}
	return items
}

// holds fails unless testLog has exactly these objects, in this order.
func (p *probe) holds(what string, want ...stix.Object) []item {
	items := p.read(testLog, all())
	if len(items) != len(want) {
		p.failf("%s: %d entries, want %d", what, len(items), len(want))
	}
	for i := range want {
		if items[i].raw != want[i].Raw {
			p.failf("%s: entry %d is %.300q, want %.300q", what, i, items[i].raw, want[i].Raw)
		}
	}
	return items
}
