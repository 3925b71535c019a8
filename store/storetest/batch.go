package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"entente/stix"
	"entente/store"
)

var batchCases = []Case{
	{
		"CursorMoves", "A cursor moves with its batch if From is its value; one that was never set is empty.",
		scenario(func(p *probe) {
			p.cursor("c", "")
			p.move("c", "", "1")
			p.cursor("c", "1")
			p.cursor("C", "")
			r, err := p.s.Commit(p.ctx, &store.Batch{
				Log: testLog, Objects: indicators(p, 0, 2), At: testTime,
				Cursor: &store.CursorMove{Name: "c", From: "1", To: "2\x00\xff"},
			})
			p.ok(err, "commit")
			equal(p, len(r.Added), 2, "number of Added")
			p.cursor("c", "2\x00\xff")
			p.move("c", "2\x00\xff", "2\x00\xff")
			p.move("c", "2\x00\xff", "")
			p.cursor("c", "")
			p.move("c", "", "3")
			p.cursor("c", "3")
		}),
	},
	{
		"BatchInOneCommit", "Objects, cursor, Put and the documents of Then are written together.",
		scenario(func(p *probe) {
			for i := range 3 {
				_, err := p.s.Commit(p.ctx, &store.Batch{
					Log: testLog, Objects: indicators(p, i, 1), At: testTime,
					Cursor: &store.CursorMove{Name: "c", From: number(i), To: number(i + 1)},
					Put:    []store.Document{{Kind: "k", ID: "put", Rev: uint64(i), Body: []byte{byte(i)}}},
					Then: func(r store.Receipt) []store.Document {
						return []store.Document{{Kind: "k", ID: "then", Rev: uint64(i), Body: fmt.Append(nil, r), Expires: r.Added[0]}}
					},
				})
				p.ok(err, "commit")
				head := p.stat(testLog).Head
				p.cursor("c", number(i+1))
				p.document("k", "put", uint64(i+1), string([]byte{byte(i)}), 0)
				want := store.Receipt{Outcomes: []store.Outcome{store.Stored}, Added: []store.Added{head}, Labels: []store.Label{0}}
				p.document("k", "then", uint64(i+1), fmt.Sprint(want), head)
			}
		}),
	},
	{
		"Then", "Then is called with what became of the objects, also if there are none; nothing it returns is lost.",
		scenario(func(p *probe) {
			p.commit(indicator{n: 1, name: "a"}.make(p))
			var got store.Receipt
			called := false
			b := &store.Batch{Log: testLog, At: testTime, Objects: []stix.Object{
				indicator{n: 1, name: "a"}.make(p), indicator{n: 1, name: "b"}.make(p), indicator{n: 2}.make(p), indicator{n: 1, by: 4, modified: day(9, 9)}.make(p),
			}}
			b.Then = func(r store.Receipt) []store.Document {
				got, called = r, true
				var docs []store.Document
				for i, o := range r.Outcomes {
					docs = append(docs, store.Document{Kind: "status", ID: fmt.Sprint(i), Body: fmt.Append(nil, o, r.Added[i])})
				}
				return docs
			}
			r, err := p.s.Commit(p.ctx, b)
			p.ok(err, "commit")
			equal(p, fmt.Sprint(got), fmt.Sprint(r), "receipt in Then")
			equal(p, fmt.Sprint(r.Outcomes), fmt.Sprint([]store.Outcome{store.Duplicate, store.Differs, store.Stored, store.Foreign}), "outcomes")
			for i, o := range r.Outcomes {
				p.document("status", fmt.Sprint(i), 1, fmt.Sprint(o, r.Added[i]), 0)
			}
			called = false
			_, err = p.s.Commit(p.ctx, &store.Batch{Then: func(r store.Receipt) []store.Document {
				called = len(r.Outcomes) == 0 && len(r.Added) == 0
				return []store.Document{{Kind: "status", ID: "empty"}}
			}})
			p.ok(err, "commit without objects")
			equal(p, called, true, "Then was called with an empty Receipt")
			p.document("status", "empty", 1, "", 0)
		}),
	},
	{
		"PutThenThen", "Documents are put one after the other, those of Then after Put: each sees the revision the one before made.",
		scenario(func(p *probe) {
			doc := func(rev uint64, body string) store.Document {
				return store.Document{Kind: "k", ID: "i", Rev: rev, Body: []byte(body)}
			}
			_, err := p.s.Commit(p.ctx, &store.Batch{
				Put:  []store.Document{doc(0, "a"), doc(1, "b")},
				Then: func(store.Receipt) []store.Document { return []store.Document{doc(2, "c")} },
			})
			p.ok(err, "commit")
			p.document("k", "i", 3, "c", 0)
			for _, b := range []store.Batch{
				{Put: []store.Document{doc(3, "x"), doc(3, "y")}},
				{Put: []store.Document{doc(3, "x")}, Then: func(store.Receipt) []store.Document { return []store.Document{doc(3, "y")} }},
				{Then: func(store.Receipt) []store.Document { return []store.Document{doc(3, "x"), doc(0, "y")} }},
			} {
				_, err := p.s.Commit(p.ctx, &b)
				p.is(err, store.ErrConflict, "commit")
				p.document("k", "i", 3, "c", 0)
			}
		}),
	},
	{
		"ConflictWritesNothing", "On ErrConflict nothing was written: no object, no cursor, no document, no name of a log.",
		scenario(conflict),
	},
	{
		"Foreseen", "A Batch that says what the head is fails if it is not, or an object is not Stored, and writes nothing then; what it releases by foresight is there at once.",
		scenario(foreseen),
	},
	{
		"CursorRace", "Of many that move a cursor from the same value one wins, with all of its batch; the others write nothing.",
		scenario(func(p *probe) {
			const writers, steps = 6, 5
			var won atomic.Int32
			var fns []func()
			for w := range writers {
				fns = append(fns, func() {
					for i := range steps {
						_, err := p.s.Commit(p.ctx, &store.Batch{
							Log: testLog, Objects: indicators(p, w*100+i, 1), At: testTime,
							Cursor: &store.CursorMove{Name: "c", From: number(i), To: number(i + 1)},
						})
						switch {
						case err == nil:
							won.Add(1)
						case !errors.Is(err, store.ErrConflict):
							p.failf("commit: %w", err)
						}
						for at := ""; at < number(i+1); { // wait for the winner
							var err error
							at, err = p.s.Cursor(p.ctx, "c")
							p.ok(err, "cursor")
						}
					}
				})
			}
			p.parallel(fns...)
			_, err := p.s.Commit(p.ctx, &store.Batch{
				Log: testLog, Objects: indicators(p, 1000, 1), At: testTime,
				Cursor: &store.CursorMove{Name: "c", From: number(0), To: number(1)},
			})
			p.is(err, store.ErrConflict, "commit of one who comes late")
			equal(p, won.Load(), steps, "commits that won")
			equal(p, p.stat(testLog).Entries, steps, "Entries")
			p.cursor("c", number(steps))
		}),
	},
	{
		"EmptyBatch", "A batch without objects writes its cursor and documents, and creates no log.",
		scenario(func(p *probe) {
			r, err := p.s.Commit(p.ctx, &store.Batch{})
			p.ok(err, "commit of the zero Batch")
			equal(p, len(r.Outcomes)+len(r.Added), 0, "size of its Receipt")
			_, err = p.s.Commit(p.ctx, &store.Batch{Log: testLog, Put: []store.Document{{Kind: "k", ID: "i"}}})
			p.ok(err, "commit without objects")
			p.document("k", "i", 1, "", 0)
			equal(p, p.stat(testLog), store.Stat{}, "Stat")
			logs, err := p.s.Logs(p.ctx)
			p.ok(err, "logs")
			equal(p, len(logs), 0, "number of logs")
			_, err = p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: []stix.Object{{}}, At: testTime})
			p.is(err, store.ErrInvalid, "commit of the zero Object")
		}),
	},
}

// number is i as a cursor that sorts; 0 is "".
func number(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("%04d", i)
}

// conflict tries batches that conflict in each possible way.
func conflict(p *probe) {
	p.move("c", "", "here")
	p.put("k", "old", 0, "old", 0)
	fresh := store.Document{Kind: "k", ID: "fresh", Expires: 5}
	stale := store.Document{Kind: "k", ID: "old", Rev: 7, Body: []byte("new")}
	update := store.Document{Kind: "k", ID: "old", Rev: 1, Body: []byte("new")}
	good := &store.CursorMove{Name: "c", From: "here", To: "there"}
	returns := func(docs ...store.Document) func(store.Receipt) []store.Document {
		return func(store.Receipt) []store.Document { return docs }
	}
	batches := map[string]store.Batch{
		"stale cursor":           {Cursor: &store.CursorMove{Name: "c", From: "elsewhere", To: "there"}, Put: []store.Document{fresh, update}},
		"cursor thought unset":   {Cursor: &store.CursorMove{Name: "c", To: "there"}, Put: []store.Document{fresh}},
		"cursor thought set":     {Cursor: &store.CursorMove{Name: "new", From: "x", To: "there"}, Then: returns(fresh)},
		"stale document":         {Cursor: good, Put: []store.Document{fresh, update, stale}},
		"document that exists":   {Cursor: good, Put: []store.Document{fresh, {Kind: "k", ID: "old"}}},
		"no such document":       {Cursor: good, Put: []store.Document{fresh, {Kind: "k", ID: "none", Rev: 1}}},
		"stale document of Then": {Cursor: good, Put: []store.Document{fresh}, Then: returns(update, stale)},
		"Put and Then at odds":   {Cursor: good, Put: []store.Document{update}, Then: returns(fresh, update)},
	}
	unchanged := func(what string, first int) {
		p.cursor("c", "here")
		p.cursor("new", "")
		p.document("k", "old", 1, "old", 0)
		_, err := p.s.Document(p.ctx, "k", "fresh")
		p.is(err, store.ErrNotFound, what+": document of the batch")
		equal(p, p.stat(testLog), store.Stat{}, what+": Stat")
		equal(p, len(p.read(testLog, all())), 0, what+": entries")
		has, err := p.s.Has(p.ctx, testLog, indicator{n: first}.id())
		p.ok(err, "has")
		equal(p, has, false, what+": Has")
		logs, err := p.s.Logs(p.ctx)
		p.ok(err, "logs")
		equal(p, len(logs), 0, what+": number of logs")
		equal(p, p.expire(1000, 10), 0, what+": expired")
	}
	for name, b := range batches {
		b.Log, b.Objects, b.At = testLog, indicators(p, 0, 3), testTime
		_, err := p.s.Commit(p.ctx, &b)
		p.is(err, store.ErrConflict, name)
		unchanged(name, 0)
	}
	if p.f.Reopen != nil {
		p.reopen()
		unchanged("after reopening", 0)
	}
	p.addedAt(testTime, 0, 3)
}

// foreseen commits what is foreseen rightly, and what is not.
func foreseen(p *probe) {
	older := p.commit(indicators(p, 0, 1)...)[0]
	head := p.commit(indicators(p, 1, 1)...)[0]
	objs := indicators(p, 10, 3)
	at := testTime.Add(time.Millisecond + time.Microsecond) // from either of them on the objects get the same Added
	first, err := store.Number(head, at, len(objs))
	p.ok(err, "number")
	batch := func(head store.Added, objs ...stix.Object) *store.Batch {
		return &store.Batch{
			Log: testLog, Objects: objs, At: at, Head: &head, Put: []store.Document{{Kind: "k", ID: "foreseen"}},
			Releases: []store.Release{{Log: releaseLog, Of: testLog, Add: []store.Added{first + 2, first}}},
		}
	}
	was := p.everything()
	for name, b := range map[string]*store.Batch{
		"a head that was":        batch(older, objs...),
		"a head to come":         batch(head+1, objs...),
		"no head":                batch(0, objs...),
		"another head, no batch": batch(older),
		"a Duplicate":            batch(head, objs[0], indicator{n: 0}.make(p), objs[1]),
		"a Differs":              batch(head, objs[0], objs[1], indicator{n: 1, name: "other"}.make(p)),
		"a Foreign":              batch(head, indicator{n: 1, by: 4, modified: day(9, 9)}.make(p), objs[0]),
		"only Duplicates":        batch(head, indicators(p, 0, 2)...),
	} {
		_, err := p.s.Commit(p.ctx, b)
		p.is(err, store.ErrConflict, name)
		equal(p, p.everything(), was, "what is stored after "+name)
	}
	r, err := p.s.Commit(p.ctx, batch(head, objs...))
	p.ok(err, "commit")
	equal(p, fmt.Sprint(r.Added), fmt.Sprint([]store.Added{first, first + 1, first + 2}), "Added")
	now := p.read(testLog, sourced())
	p.shows("released by foresight", releaseLog, pick(now, 4, 2)...)
	p.document("k", "foreseen", 1, "", 0)
	zero := store.Added(0)
	_, err = p.s.Commit(p.ctx, &store.Batch{Log: "empty", Objects: objs, At: at, Head: &zero})
	p.ok(err, "commit to an empty log")
}
