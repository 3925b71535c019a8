package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
	"entente/store/mem"

	"pgregory.net/rapid"
)

var randomCases = []Case{
	{
		"RandomOperations", "After the same calls every store answers every call as store/mem does, the reference.",
		func(ctx context.Context, f *Fixture) error {
			rnd := rand.New(rand.NewPCG(4, 4))
			return Model(ctx, f, 400, rnd.IntN)
		},
	},
}

// Model does up to steps operations on f.Store and on a new store/mem and
// returns an error as soon as their results differ. choose(n) makes all choices:
// it returns a number from 0 to n-1.
func Model(ctx context.Context, f *Fixture, steps int, choose func(n int) int) error {
	return scenario(func(p *probe) {
		m := &model{probe: p, ref: mem.New(), choose: choose, added: map[store.LogID][]store.Added{}}
		defer m.ref.Close()
		for range steps {
			m.step()
		}
		m.readAll()
	})(ctx, f)
}

// RunModel has rapid look for operations after which a store and store/mem
// differ. open is called for every try.
func RunModel(t *testing.T, open func(t testing.TB) *Fixture) {
	rapid.Check(t, func(rt *rapid.T) {
		f := open(t)
		defer func() { f.Store.Close() }()
		steps := rapid.IntRange(1, 60).Draw(rt, "steps")
		err := Model(t.Context(), f, steps, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// FuzzModel is Model as a fuzz target: each byte is a choice. Maps make its
// coverage vary, so go test should not minimize: -fuzzminimizetime 10x.
func FuzzModel(f *testing.F, open func(t testing.TB) *Fixture) {
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		fx := open(t)
		defer func() { fx.Store.Close() }()
		at := 0
		err := Model(t.Context(), fx, min(60, len(script)/4), func(n int) int {
			if at == len(script) {
				return 0
			}
			at++
			return int(script[at-1]) % n
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A model is a store beside the reference. The world is small, so that
// operations meet: few ids, versions, documents and cursors.
type model struct {
	*probe
	ref    store.Store
	choose func(n int) int
	clock  int                           // ms after testTime
	added  map[store.LogID][]store.Added // some that were given
}

func (m *model) step() {
	switch m.choose(19) {
	case 0, 1, 2, 3, 4:
		m.commit()
	case 16, 17, 18:
		m.releaseStep()
	case 5, 6, 7, 8:
		m.read()
	case 9:
		m.delete()
	case 10:
		d := m.document()
		m.same("Put", func(s store.Store) (any, error) { return s.Put(m.ctx, d) })
	case 11:
		d := m.document()
		m.same("Remove", func(s store.Store) (any, error) { return nil, s.Remove(m.ctx, d.Kind, d.ID, d.Rev) })
	case 12:
		now, limit := store.Added(m.choose(30)), m.choose(4)
		m.same("Expire", func(s store.Store) (any, error) { return s.Expire(m.ctx, now, limit) })
	case 13:
		m.small()
	case 14:
		m.readAll()
	case 15:
		if m.f.Reopen != nil && m.choose(3) == 0 {
			m.reopen()
		}
	}
}

// same fails unless both stores answer alike.
func (m *model) same(what string, call func(store.Store) (any, error)) any {
	got, err := call(m.s)
	want, werr := call(m.ref)
	if !sameError(err, werr) {
		m.failf("%s: error %v, want %v", what, err, werr)
	}
	if g, w := describe(got, err), describe(want, werr); g != w {
		m.failf("%s: %.2000s, want %.2000s", what, g, w)
	}
	return want
}

// base is a log of objects.
func (m *model) base() store.LogID { return modelLogs[m.choose(2)] }

// log is any.
func (m *model) log() store.LogID { return modelLogs[m.choose(len(modelLogs))] }

// modelLogs are two logs of objects and two release logs.
var modelLogs = []store.LogID{"a", "b", "r", "s"}

// object is one of few, so that every Outcome comes up.
func (m *model) object() stix.Object {
	switch m.choose(8) {
	case 0, 1:
		return address(m.probe, m.choose(3), fmt.Sprint("198.51.100.", m.choose(4)))
	case 2:
		return marking(m.probe, m.choose(2), day(1, 1+m.choose(3)), fmt.Sprint(m.choose(2)))
	}
	o := indicator{n: m.choose(4), modified: m.timestamp(), v20: m.choose(6) == 0, revoked: m.choose(9) == 0, by: max(0, m.choose(9)-7)}
	if m.choose(2) == 0 {
		o.typ = "campaign"
	}
	if m.choose(9) == 0 {
		o.created = "2022-12-31T23:59:59.000Z"
	}
	o.name = strings.Repeat("n", m.choose(3))
	return o.make(m.probe)
}

// timestamp is one of eight instants in several spellings.
func (m *model) timestamp() string {
	frac := [...]string{"", ".0", ".1", ".10", ".1000000000001", ".123456789", ".9", ".900"}[m.choose(8)]
	return fmt.Sprintf("2023-02-%02dT00:00:00%sZ", 1+m.choose(3), frac)
}

func (m *model) document() store.Document {
	return store.Document{
		Kind: [...]string{"k", "l"}[m.choose(2)], ID: [...]string{"i", "j", "k"}[m.choose(3)],
		Rev: uint64(m.choose(4)), Body: []byte(strings.Repeat("b", m.choose(5))), Expires: store.Added(m.choose(25)),
	}
}

func (m *model) commit() {
	m.clock += m.choose(9) - 3
	b := store.Batch{Log: m.base(), At: testTime.Add(time.Duration(m.clock)*time.Millisecond + time.Duration(m.choose(1000)))}
	for range m.choose(12) {
		b.Objects = append(b.Objects, m.object())
	}
	if m.choose(8) == 0 { // a crowd, so that a backend's larger units fill up
		first := 1000 + m.choose(8)*100
		for i := range m.choose(256) {
			b.Objects = append(b.Objects, address(m.probe, first+i, "198.51.100.1"))
		}
	}
	m.label(&b)
	if m.choose(4) == 0 {
		c := store.CursorMove{Name: [...]string{"c", "d"}[m.choose(2)], From: fmt.Sprint(m.choose(3)), To: fmt.Sprint(m.choose(3))}
		if c.From == "0" {
			c.From = ""
		}
		b.Cursor = &c
	}
	for range max(0, m.choose(6)-4) {
		b.Put = append(b.Put, m.document())
	}
	if m.choose(5) == 0 {
		d := m.document()
		b.Then = func(r store.Receipt) []store.Document {
			d.Body = fmt.Append(nil, r)
			return []store.Document{d}
		}
	}
	if m.choose(4) == 0 {
		m.releases(&b)
	}
	r := m.same("Commit", func(s store.Store) (any, error) {
		return s.Commit(m.ctx, &b)
	}).(store.Receipt)
	for _, a := range r.Added {
		m.note(b.Log, a)
	}
}

// note keeps a for position.
func (m *model) note(log store.LogID, a store.Added) {
	if a > 0 && len(m.added[log]) < 1000 {
		m.added[log] = append(m.added[log], a)
	}
}

// position is near an entry of log, often.
func (m *model) position(log store.LogID) store.Added {
	known := m.added[log]
	if len(known) == 0 || m.choose(3) == 0 {
		return 0
	}
	return known[m.choose(len(known))] + store.Added(m.choose(3)-1)
}

func (m *model) id() stix.ID {
	if m.choose(3) == 0 {
		return stix.ID("ipv4-addr--" + uuid(1000+m.choose(8)*100+m.choose(256)))
	}
	typ := [...]string{"indicator", "campaign", "ipv4-addr", "marking-definition"}[m.choose(4)]
	return stix.ID(typ + "--" + uuid(m.choose(4)))
}

func (m *model) query(log store.LogID) store.Query {
	q := store.Query{After: m.position(log), From: m.position(log)}
	if m.choose(3) == 0 {
		q.Types = append(q.Types, "indicator", "ipv4-addr")[:1+m.choose(2)]
	}
	for range max(0, m.choose(5)-2) {
		q.IDs = append(q.IDs, m.id())
	}
	q.SpecVersions = [...][]string{nil, nil, {"2.0"}, {"2.1"}, {"2.1", "2.0"}}[m.choose(5)]
	q.Versions = store.Versions{All: m.choose(4) == 0, First: m.choose(4) == 0, Last: m.choose(4) == 0}
	for range max(0, m.choose(4)-2) {
		q.Versions.Exact = append(q.Versions.Exact, instant(m.timestamp()), instant(m.position(log).String()))
	}
	if m.choose(2) == 0 {
		q.Gate = m.gate()
	}
	return q
}

func (m *model) read() {
	log := m.log()
	q := m.query(log)
	q.Limit = 1 + m.choose(12)
	if m.choose(3) == 0 {
		q.Limit *= 50
	}
	if m.choose(3) == 0 {
		q.MaxBytes = 1 + 100*m.choose(60)
	}
	m.samePage(log, q)
}

func (m *model) samePage(log store.LogID, q store.Query) {
	var got, want store.Page
	for _, q.Want = range []store.Want{store.WantRows | store.WantSource | store.WantObjects, store.WantRows | store.WantDeflated} {
		m.ok(m.s.Read(m.ctx, log, &q, &got), "read")
		m.ok(m.ref.Read(m.ctx, log, &q, &want), "read of the reference")
		if d := pagesDiffer(m.probe, &got, &want); d != "" {
			m.failf("Read of %s, %+v: %s", log, q, d)
		}
	}
	m.sameTaken(log, q)
	if len(want.Rows) > 0 {
		m.note(log, want.Rows[m.choose(len(want.Rows))].Added)
	}
}

// sameTaken compares what Take gets and leaves of a page.
func (m *model) sameTaken(log store.LogID, q store.Query) {
	var got, want store.Page
	q.Want = store.WantObjects
	m.ok(m.ref.Read(m.ctx, log, &q, &want), "read of the reference")
	var taken []byte
	q.Take = func(objects [][]byte) (int, error) {
		taken = bytes.Join(objects, nil)
		taken = taken[:len(taken)/3]
		return len(taken), nil
	}
	m.ok(m.s.Read(m.ctx, log, &q, &got), "read with Take")
	got.Objects = append(taken, got.Objects...)
	if d := pagesDiffer(m.probe, &got, &want); d != "" {
		m.failf("Read of %s, %+v, with Take: %s", log, q, d)
	}
}

func (m *model) delete() {
	log, id := m.base(), m.id()
	sel := m.query(log)
	m.same(fmt.Sprintf("Delete of %s, %+v", id, sel), func(s store.Store) (any, error) { return s.Delete(m.ctx, log, id, &sel) })
}

func (m *model) small() {
	log, id, name, d := m.log(), m.id(), [...]string{"c", "d"}[m.choose(2)], m.document()
	m.same("Has", func(s store.Store) (any, error) { return s.Has(m.ctx, log, id) })
	m.same("Stat", func(s store.Store) (any, error) { return s.Stat(m.ctx, log) })
	m.same("Logs", func(s store.Store) (any, error) { return s.Logs(m.ctx) })
	m.same("Cursor", func(s store.Store) (any, error) { return s.Cursor(m.ctx, name) })
	m.same("Document", func(s store.Store) (any, error) { return s.Document(m.ctx, d.Kind, d.ID) })
	m.same("Documents", func(s store.Store) (any, error) { return s.Documents(m.ctx, d.Kind) })
}

// readAll compares all that there is.
func (m *model) readAll() {
	for _, log := range modelLogs {
		q := all()
		q.Limit = 100_000
		m.samePage(log, q)
		m.samePage(log, store.Query{Limit: q.Limit})
		m.same("Stat", func(s store.Store) (any, error) { return s.Stat(m.ctx, log) })
	}
	m.small()
}
