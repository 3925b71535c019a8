package storetest

import (
	"fmt"
	"time"

	"entente/stix"
	"entente/store"
)

// modelLabels are few, in several words of a LabelSet.
var modelLabels = []store.Label{0, 1, 2, 63, 64, 130}

func (m *model) oneLabel() store.Label { return modelLabels[m.choose(len(modelLabels))] }

func (m *model) gate() store.LabelSet {
	gate := store.LabelSet{}
	for range m.choose(6) {
		gate = gate.With(m.oneLabel())
	}
	return gate
}

// label gives labels to b's objects and changes some that are stored.
func (m *model) label(b *store.Batch) {
	if m.choose(2) == 0 {
		b.Labels = make([]store.Label, len(b.Objects))
		one := m.oneLabel()
		for i := range b.Labels {
			if b.Labels[i] = one; i < 12 {
				b.Labels[i] = m.oneLabel()
			}
		}
	}
	if m.choose(3) > 0 {
		return
	}
	for _, r := range m.rows(b.Log) {
		b.Relabel = append(b.Relabel, store.Relabel{Added: r.Added, From: r.Label, To: m.oneLabel()})
	}
	if m.choose(4) == 0 { // of what is not there, or a conflict
		b.Relabel = append(b.Relabel, store.Relabel{Added: m.position(b.Log), From: m.oneLabel(), To: m.oneLabel()})
	}
}

// rows are some that log has: a run of them, with holes perhaps, perhaps backwards.
func (m *model) rows(log store.LogID) []store.Row {
	q := all()
	q.From, q.Want, q.Limit = m.position(log), store.WantRows|store.WantSource, 1+m.choose(8)
	if m.choose(4) == 0 {
		q.From, q.Limit = 0, 1000
	}
	var p store.Page
	m.ok(m.ref.Read(m.ctx, log, &q, &p), "read of the reference")
	step, rows := 1+m.choose(3), []store.Row{}
	for i := m.choose(3); i < len(p.Rows); i += step {
		rows = append(rows, p.Rows[i])
	}
	if m.choose(3) == 0 {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	return rows
}

func (m *model) releaseStep() {
	if m.choose(3) == 0 {
		m.wrongKind()
	} else {
		m.release()
	}
}

func (m *model) release() {
	b := store.Batch{At: testTime.Add(time.Duration(m.clock)*time.Millisecond + time.Duration(m.choose(1000)))}
	m.releases(&b)
	if r := &b.Releases[0]; m.choose(8) == 0 {
		r.Move = append(r.Move, m.oddMove(r)...)
	}
	m.same("Commit of releases", func(s store.Store) (any, error) { return s.Commit(m.ctx, &b) })
}

// releases adds some to b.
func (m *model) releases(b *store.Batch) {
	for range 1 + m.choose(3) {
		r := store.Release{Log: modelLogs[2+m.choose(2)], Of: m.base()}
		if m.choose(2) == 0 {
			for _, row := range m.rows(r.Log) { // of both logs of objects, so that some are passed over
				r.Drop = append(r.Drop, row.At)
			}
		}
		if m.choose(4) > 0 {
			for _, row := range m.rows(r.Of) {
				r.Add = append(r.Add, row.Added)
			}
		}
		if m.choose(4) == 0 {
			r.Add = append(r.Add, m.position(r.Of), m.position(r.Of))
		}
		if m.choose(3) == 0 {
			r.Move = m.moves(&r)
		}
		b.Releases = append(b.Releases, r)
	}
}

// moves are some to entries of r.Of of what r.Log has.
func (m *model) moves(r *store.Release) (list []store.Move) {
	q := all()
	q.Limit, q.Want = 1000, store.WantRows|store.WantSource|store.WantObjects
	var from, to store.Page
	m.ok(m.ref.Read(m.ctx, r.Log, &q, &from), "read of the reference")
	m.ok(m.ref.Read(m.ctx, r.Of, &q, &to), "read of the reference")
	for i := m.choose(3); i < len(from.Rows); i += 1 + m.choose(3) {
		for k := range to.Rows {
			if was, now := &from.Rows[i], &to.Rows[k]; string(from.Object(i)) == string(to.Object(k)) && (was.Of != r.Of || m.choose(8) == 0) {
				list = append(list, store.Move{From: was.Of, Was: was.At, Now: now.Added})
			}
		}
	}
	return list
}

// oddMove is one to other bytes, often: of two errors of a batch either may come.
func (m *model) oddMove(r *store.Release) []store.Move {
	rows := m.rows(r.Log)
	if len(rows) == 0 {
		return nil
	}
	return []store.Move{{From: rows[0].Of, Was: rows[0].At, Now: m.position(r.Of)}}
}

// wrongKind does what a log's kind rules out, if it has one by now.
func (m *model) wrongKind() {
	base, released := m.base(), modelLogs[2+m.choose(2)]
	for _, log := range []store.LogID{base, released} {
		if st, err := m.ref.Stat(m.ctx, log); err != nil || st.Head == 0 {
			return
		}
	}
	b := store.Batch{At: testTime}
	switch m.choose(5) {
	case 0:
		b.Log, b.Objects = released, []stix.Object{m.object()}
	case 1:
		b.Log, b.Relabel = released, []store.Relabel{{Added: m.position(released), To: m.oneLabel()}}
	case 2:
		b.Releases = []store.Release{{Log: "new", Of: released, Add: []store.Added{m.position(released)}}}
	case 3:
		b.Releases = []store.Release{{Log: base, Of: "new"}}
	case 4:
		id := m.id()
		m.same(fmt.Sprintf("Delete of %s in %s", id, released), func(s store.Store) (any, error) { return s.Delete(m.ctx, released, id, &store.Query{}) })
		return
	}
	m.same("Commit to a log of the wrong kind", func(s store.Store) (any, error) { return s.Commit(m.ctx, &b) })
}
