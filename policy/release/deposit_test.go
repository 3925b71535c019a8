package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
	"entente/store/fault"
	"entente/store/mem"
)

// A meddler is a store that does something before objects are committed.
type meddler struct {
	*fault.Store
	before func()
}

func (m *meddler) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	if len(b.Objects) > 0 && m.before != nil {
		m.before()
	}
	return m.Store.Commit(ctx, b)
}

// meddled is a world on a meddler; full says when its disk is full.
func meddled(t *testing.T, full *bool, list ...*policy.Agreement) (*world, *meddler) {
	m := &meddler{Store: fault.New(mem.New(), fault.Full(func() bool { return *full }))}
	w := &world{t: t, st: m, now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	w.restart(list...)
	return w, m
}

// TestOneCommit: what is new is stored and released by one commit, and nothing is
// read for that.
func TestOneCommit(t *testing.T) {
	w, m := meddled(t, new(bool), agreement(partner, "GREEN", nil), agreement(other, "AMBER", nil))
	w.write(object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, amber1))
	w.send(partner, object(idOf("indicator", 3), 0, amber1))
	for name, do := range map[string]func(){
		"new objects":        func() { w.write(object(idOf("indicator", 4), 0, green1), object(idOf("indicator", 5), 0, amber1)) },
		"a new version":      func() { w.write(object(idOf("indicator", 1), 1, amber1)) },
		"a partner's object": func() { w.send(partner, object(idOf("indicator", 6), 0, amber1)) },
	} {
		commits, reads := m.Calls(fault.Commit), m.Calls(fault.Read)
		do()
		commits, reads = m.Calls(fault.Commit)-commits, m.Calls(fault.Read)-reads
		if want := map[string]int{"a partner's object": 3}[name]; commits != 1 || reads != want {
			t.Errorf("%s: %d commits and %d reads, want 1 and %d", name, commits, reads, want)
		}
	}
}

// random makes objects that mention one another, new ones, new versions and some
// that are there already.
func random(rnd *rand.Rand) []stix.Object {
	var list []stix.Object
	for range 1 + rnd.IntN(4) {
		kinds := []string{"indicator", "note", "identity"}
		var more []string
		if rnd.IntN(2) == 0 {
			more = append(more, `"object_refs":["`+idOf(kinds[rnd.IntN(3)], rnd.IntN(12))+`"]`)
		}
		if rnd.IntN(3) == 0 {
			more = append(more, `"labels":["l"]`)
		}
		statement := idOf("marking-definition", rnd.IntN(4))
		if rnd.IntN(8) == 0 {
			list = append(list, object(statement, 0, "", `"definition_type":"statement","definition":{"statement":"x"}`))
		}
		list = append(list, object(idOf(kinds[rnd.IntN(3)], rnd.IntN(12)), rnd.IntN(5), []string{clear1, green1, amber1, red1, statement}[rnd.IntN(5)], more...))
	}
	return list
}

// fresh makes objects that are not there yet and whose label is known.
func fresh(rnd *rand.Rand) []stix.Object {
	return []stix.Object{object(idOf("indicator", 100+rnd.IntN(1000)), 0, green1, `"object_refs":["`+idOf("note", rnd.IntN(12))+`"]`)}
}

// TestForesight: whoever asks sees the same, in the same order, whether what
// follows from objects was worked out before they were stored or after, whatever
// went wrong on the way.
func TestForesight(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { foresight(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func foresight(t *testing.T, rnd *rand.Rand) {
	list := []*policy.Agreement{agreement(partner, "GREEN", func(a *policy.Agreement) {
		a.Flows[0].Select.Where = `o.type != "note" || !("l" in o.labels)`
	}), agreement(other, "AMBER+STRICT", func(a *policy.Agreement) {
		a.Flows[0].Embargo = policy.EmbargoTerms{OnLabels: map[string]string{"l": "2026-01-01T13:00:00Z"}}
	})}
	full := false
	before, m := meddled(t, &full, list...)
	after, _ := meddled(t, new(bool), list...)
	for step := range 30 {
		objects := random(rnd)
		what := rnd.IntN(4)
		if step == 29 {
			what = 0
		}
		switch what {
		case 0: // a full disk: nothing has happened
			was := picture(before.r)
			full = true
			err := before.put(objects...)
			if rnd.IntN(2) == 0 {
				err = before.r.Receive(t.Context(), &Delivery{Partner: partner, Log: intel, Objects: fresh(rnd), At: before.now,
					Then: func([]Verdict) ([]store.Document, error) { return nil, nil }})
			}
			full = false
			if !errors.Is(err, store.ErrFull) {
				t.Fatalf("step %d: %v, want %v", step, err, store.ErrFull)
			}
			if now := picture(before.r); now != was {
				t.Fatalf("step %d: after a full disk\n%s\nwas\n%s", step, now, was)
			}
			if step == 29 {
				before.now, after.now = before.now.AddDate(2, 0, 0), after.now.AddDate(2, 0, 0) // the agreements end
			}
		case 1: // somebody else is faster
			stranger := random(rnd)
			m.before = func() {
				m.before = nil
				for _, st := range []store.Store{m.Store, after.st} {
					if _, err := st.Commit(t.Context(), &store.Batch{Log: intel, Objects: stranger, At: before.now}); err != nil {
						t.Fatal(err)
					}
				}
			}
			before.write(objects...)
			m.before = nil
			afterwards(after, objects...)
		case 2:
			for _, w := range []*world{before, after} {
				w.send(other, objects...)
			}
		default:
			before.write(objects...)
			afterwards(after, objects...)
		}
		for _, w := range []*world{before, after} {
			if err := w.r.Release(t.Context(), intel, store.MaxAdded); err != nil { // what strangers brought
				t.Fatal(err)
			}
			w.now = w.now.Add(7 * time.Minute)
		}
		for _, p := range []policy.OrgID{partner, other} {
			if got, want := before.sees(p), after.sees(p); !slices.Equal(got, want) {
				t.Fatalf("step %d: %s sees %v, want %v", step, p, got, want)
			}
		}
	}
}

// afterwards is write, with all that follows worked out after the objects are stored.
func afterwards(w *world, objects ...stix.Object) {
	w.t.Helper()
	d, err := w.r.own(w.t.Context(), &store.Batch{Log: intel, Objects: objects, At: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	d.found = nil
	if err := w.r.write(w.t.Context(), []*writing{{deposit: d}}); err != nil {
		w.t.Fatal(err)
	}
}

// picture is all that a releaser knows that tells on what it does.
func picture(r *Releaser) string {
	ids := map[int32]string{}
	for key, n := range r.g.byID {
		ids[n] = fmt.Sprintf("%+v", key)
	}
	text := fmt.Sprintln(len(r.g.ids), ids, r.g.entries, r.g.refs, r.g.edges, r.g.fine, r.g.later, r.g.twins)
	for i := range r.g.ids {
		text += fmt.Sprintln(r.g.ids[i], r.o.idVis.of(int32(i)), r.o.used.of(int32(i)))
	}
	for _, l := range r.g.logs {
		text += fmt.Sprintln(l.id, l.seen, l.newest, l.byAdded, l.chain)
	}
	for i := range int32(len(r.g.entries)) {
		text += fmt.Sprintln(r.o.ok.of(i), r.o.red.of(i), r.o.own.of(i), r.o.vis.of(i), r.o.shown.of(i), r.rel.of(i))
	}
	asks := slices.Clone(r.asks.list)
	slices.SortFunc(asks, func(a, b appointment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.entry, b.entry)) })
	return text + fmt.Sprintln(asks, r.pending, r.fresh, r.needs, r.relabels, r.waiting, r.again, r.positions, r.broken, len(r.o.stamp))
}

// TestWriteTogether: those who wait at the same time are each told about their own
// objects, and everything is there in the end.
func TestWriteTogether(t *testing.T) {
	w, m := meddled(t, new(bool), agreement(partner, "GREEN", nil))
	held := make(chan struct{})
	m.before = sync.OnceFunc(func() { <-held })
	const writers = 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			objects := []stix.Object{object(idOf("indicator", 2*i), 0, green1), object(idOf("indicator", 2*i+1), 0, green1)}
			var told store.Receipt
			receipt, err := w.r.Write(t.Context(), &store.Batch{Log: intel, Objects: objects, At: w.now, Then: func(r store.Receipt) []store.Document {
				told = r
				return []store.Document{{Kind: "status", ID: fmt.Sprint(i)}}
			}})
			if err != nil || len(receipt.Added) != 2 || fmt.Sprint(told) != fmt.Sprint(receipt) {
				t.Errorf("%d: receipt %v and %v in Then, error %v", i, receipt, told, err)
				return
			}
			for k, added := range receipt.Added {
				var page store.Page
				q := store.Query{From: added - 1, Limit: 1, Versions: store.Versions{All: true}, Want: store.WantRows}
				if err := w.st.Read(t.Context(), intel, &q, &page); err != nil || page.First != added || page.Rows[0].ID != objects[k].ID {
					t.Errorf("%d: object %d is not where its receipt says: %v", i, k, err)
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	close(held)
	wg.Wait()
	if n := len(w.sees(partner)); n != 2*writers {
		t.Errorf("%d objects are seen, want %d", n, 2*writers)
	}
	docs, err := w.st.Documents(t.Context(), "status")
	if err != nil || len(docs) != writers {
		t.Errorf("%d documents, error %v, want %d", len(docs), err, writers)
	}
}
