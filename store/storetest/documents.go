package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"

	"entente/store"
)

var documentCases = []Case{
	{
		"DocumentCAS", "Put writes if the stored revision is d.Rev (0: there is none) and returns d.Rev+1; else ErrConflict and nothing is written.",
		scenario(func(p *probe) {
			_, err := p.s.Document(p.ctx, "k", "i")
			p.is(err, store.ErrNotFound, "document that never was")
			for _, rev := range []uint64{1, 2, 1<<64 - 1} {
				p.refused(store.Document{Kind: "k", ID: "i", Rev: rev, Body: []byte("x")})
			}
			for rev := range uint64(5) {
				body := fmt.Sprint("body ", rev)
				got, err := p.s.Put(p.ctx, store.Document{Kind: "k", ID: "i", Rev: rev, Body: []byte(body), Expires: store.Added(rev * 100)})
				p.ok(err, "put")
				equal(p, got, rev+1, "revision")
				p.document("k", "i", rev+1, body, store.Added(rev*100))
				for _, stale := range []uint64{rev, rev + 2, 1<<64 - 1} {
					p.refused(store.Document{Kind: "k", ID: "i", Rev: stale, Body: []byte("x")})
				}
				p.document("k", "i", rev+1, body, store.Added(rev*100))
			}
		}),
	},
	{
		"DocumentRemove", "Remove deletes the document if its revision is rev: ErrConflict, ErrNotFound; then it may be created again, from revision 1.",
		scenario(func(p *probe) {
			p.is(p.s.Remove(p.ctx, "k", "i", 0), store.ErrNotFound, "remove of none")
			p.is(p.s.Remove(p.ctx, "k", "i", 1), store.ErrNotFound, "remove of none")
			p.put("k", "i", 0, "a", 0)
			p.put("k", "i", 1, "b", 7)
			for _, rev := range []uint64{0, 1, 3} {
				p.is(p.s.Remove(p.ctx, "k", "i", rev), store.ErrConflict, "remove of another revision")
			}
			p.document("k", "i", 2, "b", 7)
			p.ok(p.s.Remove(p.ctx, "k", "i", 2), "remove")
			_, err := p.s.Document(p.ctx, "k", "i")
			p.is(err, store.ErrNotFound, "removed document")
			p.is(p.s.Remove(p.ctx, "k", "i", 2), store.ErrNotFound, "remove again")
			equal(p, p.expire(1000, 10), 0, "expired, of a removed document")
			p.put("k", "i", 0, "c", 0)
			p.document("k", "i", 1, "c", 0)
		}),
	},
	{
		"DocumentNames", "Documents returns all of a kind, by ID in byte order; kinds and ids are any bytes but NUL.",
		scenario(func(p *probe) {
			kinds := []string{"k", "k1", "k\x01", "\xff", "K", strings.Repeat("k", 255)}
			ids := []string{"\x01", "A", "a", "a\x01", "aa", "b", strings.Repeat("z", 255), "é", "\xff\xff"}
			for _, i := range p.rnd.Perm(len(kinds) * len(ids)) {
				kind, id := kinds[i/len(ids)], ids[i%len(ids)]
				p.put(kind, id, 0, kind+id, 0)
			}
			for _, kind := range kinds {
				docs, err := p.s.Documents(p.ctx, kind)
				p.ok(err, "documents")
				equal(p, len(docs), len(ids), "number of documents")
				for i, d := range docs {
					equal(p, fmt.Sprintf("%q/%q/%d/%q", d.Kind, d.ID, d.Rev, d.Body), fmt.Sprintf("%q/%q/1/%q", kind, ids[i], kind+ids[i]), "document")
				}
			}
			docs, err := p.s.Documents(p.ctx, "none")
			p.ok(err, "documents of no kind")
			equal(p, len(docs), 0, "number of documents of an unknown kind")
		}),
	},
	{
		"DocumentInvalid", "Names are 1 to 255 bytes without NUL, bodies at most 16 MiB, Expires not negative: else ErrInvalid, nothing written.",
		scenario(func(p *probe) {
			long := strings.Repeat("x", 256)
			for _, d := range []store.Document{
				{ID: "i"},
				{Kind: "k"},
				{Kind: "k\x00", ID: "i"},
				{Kind: "k", ID: "\x00"},
				{Kind: long, ID: "i"},
				{Kind: "k", ID: long},
				{Kind: "k", ID: "i", Expires: -1},
				{Kind: "k", ID: "i", Body: make([]byte, store.MaxBody+1)},
			} {
				_, err := p.s.Put(p.ctx, d)
				p.is(err, store.ErrInvalid, "put")
				good := store.Document{Kind: "good", ID: "i"}
				_, err = p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: indicators(p, 0, 1), At: testTime, Put: []store.Document{good, d}})
				p.is(err, store.ErrInvalid, "commit with Put")
				_, err = p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: indicators(p, 0, 1), At: testTime, Then: func(store.Receipt) []store.Document { return []store.Document{good, d} }})
				p.is(err, store.ErrInvalid, "commit with Then")
				_, err = p.s.Document(p.ctx, "good", "i")
				p.is(err, store.ErrNotFound, "document beside an invalid one")
			}
			equal(p, p.stat(testLog), store.Stat{}, "Stat after ErrInvalid")
			for _, name := range []string{"", "\x00", long} {
				_, err := p.s.Commit(p.ctx, &store.Batch{Cursor: &store.CursorMove{Name: name, To: "x"}})
				p.is(err, store.ErrInvalid, "commit with a cursor of a bad name")
			}
		}),
	},
	{
		"DocumentBodies", "Body is not interpreted: empty, binary and 16 MiB ones are kept; what is returned is a copy.",
		scenario(func(p *probe) {
			large := make([]byte, store.MaxBody)
			for i := range large {
				large[i] = byte(p.rnd.Uint32())
			}
			bodies := [][]byte{nil, {}, {0}, []byte("\xff\xfe\x00{"), large}
			for i, b := range bodies {
				p.put("k", fmt.Sprint(i), 0, string(b), 0)
			}
			check := func() {
				for i, b := range bodies {
					d, err := p.s.Document(p.ctx, "k", fmt.Sprint(i))
					p.ok(err, "document")
					if !bytes.Equal(d.Body, b) {
						p.failf("body %d: %d bytes, want %d: other content", i, len(d.Body), len(b))
					}
					clear(d.Body)
				}
			}
			check()
			check()
			docs, err := p.s.Documents(p.ctx, "k")
			p.ok(err, "documents")
			for _, d := range docs {
				clear(d.Body)
			}
			check()
			if p.f.Reopen != nil {
				p.reopen()
				check()
			}
		}),
	},
	{
		"DocumentExpire", "Expire removes up to limit documents with 0 < Expires <= now, earliest first; until then they stay readable.",
		scenario(func(p *probe) {
			expires := map[string]store.Added{"a": 50, "b": 10, "c": 0, "d": 30, "e": 30, "f": 51, "g": store.MaxAdded, "h": 1}
			for id, at := range expires {
				p.put("k", id, 0, id, at)
			}
			p.put("j", "z", 0, "", 30)
			p.put("k", "h", 1, "h", 60) // a new revision, a new time
			steps := []struct {
				now         store.Added
				limit, want int
				left        string
			}{
				{0, 10, 0, "a b c d e f g h"},
				{9, 10, 0, "a b c d e f g h"},
				{10, 10, 1, "a c d e f g h"},
				{50, 0, 0, "a c d e f g h"},
				{50, -1, 0, "a c d e f g h"},
				{50, 2, 2, "a c e f g h"}, // j/z before k/d before k/e
				{50, 1, 1, "a c f g h"},
				{50, 10, 1, "c f g h"},
				{59, 10, 1, "c g h"},
				{60, 10, 1, "c g"},
				{store.MaxAdded - 1, 10, 0, "c g"},
				{1<<63 - 1, 10, 1, "c"},
			}
			for _, st := range steps {
				what := fmt.Sprintf("Expire(%d, %d): ", st.now, st.limit)
				equal(p, p.expire(st.now, st.limit), st.want, what+"removed")
				docs, err := p.s.Documents(p.ctx, "k")
				p.ok(err, "documents")
				var left []string
				for _, d := range docs {
					left = append(left, d.ID)
				}
				equal(p, strings.Join(left, " "), st.left, what+"left")
			}
			p.put("k", "a", 0, "again", 0)
			p.document("k", "a", 1, "again", 0)
		}),
	},
	{
		"DocumentRace", "Of many that put the same revision at the same time one wins; the others get ErrConflict.",
		scenario(func(p *probe) {
			const writers, rounds = 6, 8
			var won atomic.Int32
			var fns []func()
			for range writers {
				fns = append(fns, func() {
					for n := 0; n < rounds; {
						d, err := p.s.Document(p.ctx, "k", "n")
						if err != nil {
							p.is(err, store.ErrNotFound, "document")
							d = store.Document{Kind: "k", ID: "n"}
						}
						d.Body = append(d.Body, 'x')
						rev, err := p.s.Put(p.ctx, d)
						if err != nil {
							p.is(err, store.ErrConflict, "put")
							continue
						}
						equal(p, rev, d.Rev+1, "revision")
						won.Add(1)
						n++
					}
				})
			}
			p.parallel(fns...)
			equal(p, won.Load(), writers*rounds, "puts that won")
			p.document("k", "n", writers*rounds, strings.Repeat("x", writers*rounds), 0)
		}),
	},
	{
		"DocumentsAfterReopen", "Documents, their revisions and expiry, and cursors survive a restart.",
		scenario(func(p *probe) {
			p.put("k", "a", 0, "1", 0)
			p.put("k", "a", 1, "2", 40)
			p.put("k", "b", 0, "gone", 0)
			p.ok(p.s.Remove(p.ctx, "k", "b", 1), "remove")
			p.move("c", "", "here")
			p.reopen()
			p.document("k", "a", 2, "2", 40)
			_, err := p.s.Document(p.ctx, "k", "b")
			p.is(err, store.ErrNotFound, "removed document")
			p.cursor("c", "here")
			equal(p, p.expire(40, 1), 1, "expired")
			p.reopen()
			_, err = p.s.Document(p.ctx, "k", "a")
			p.is(err, store.ErrNotFound, "expired document")
		}),
	},
}

func (p *probe) put(kind, id string, rev uint64, body string, expires store.Added) {
	_, err := p.s.Put(p.ctx, store.Document{Kind: kind, ID: id, Rev: rev, Body: []byte(body), Expires: expires})
	p.ok(err, fmt.Sprintf("put %q %q", kind, id))
}

// refused fails unless putting d is ErrConflict, alone and in a batch.
func (p *probe) refused(d store.Document) {
	_, err := p.s.Put(p.ctx, d)
	p.is(err, store.ErrConflict, fmt.Sprintf("put of revision %d", d.Rev))
	_, err = p.s.Commit(p.ctx, &store.Batch{Put: []store.Document{d}})
	p.is(err, store.ErrConflict, fmt.Sprintf("commit of revision %d", d.Rev))
}

// document fails unless that is what is stored.
func (p *probe) document(kind, id string, rev uint64, body string, expires store.Added) {
	d, err := p.s.Document(p.ctx, kind, id)
	p.ok(err, "document "+kind+"/"+id)
	got := fmt.Sprintf("%s/%s rev %d expires %d %q", d.Kind, d.ID, d.Rev, d.Expires, d.Body)
	equal(p, got, fmt.Sprintf("%s/%s rev %d expires %d %q", kind, id, rev, expires, body), "document")
}

func (p *probe) expire(now store.Added, limit int) int {
	return p.ok2(p.s.Expire(p.ctx, now, limit))
}

// move moves a cursor.
func (p *probe) move(name, from, to string) {
	_, err := p.s.Commit(p.ctx, &store.Batch{Cursor: &store.CursorMove{Name: name, From: from, To: to}})
	p.ok(err, "commit that moves a cursor")
}

// cursor fails unless that is its value.
func (p *probe) cursor(name, want string) {
	got, err := p.s.Cursor(p.ctx, name)
	p.ok(err, "cursor")
	equal(p, got, want, "cursor "+name)
}
