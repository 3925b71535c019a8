package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"entente/stix"
	"entente/store"
)

var lifeCases = []Case{
	{
		"Closed", "After Close every call returns ErrClosed; closing twice is no error.",
		scenario(func(p *probe) {
			p.commit(indicators(p, 0, 2)...)
			p.put("k", "i", 0, "", 0)
			p.ok(p.s.Close(), "close")
			for name, call := range p.calls() {
				p.is(call(p.ctx), store.ErrClosed, name+" after Close")
			}
			p.ok(p.s.Close(), "close again")
		}),
	},
	{
		"CloseWaits", "Close waits for running calls: a commit that is under way is complete and reported so.",
		scenario(func(p *probe) {
			held, release := p.hold()
			defer release()
			objs := indicators(p, 0, 3)
			closing, closed := make(chan struct{}), make(chan struct{})
			p.parallel(
				func() {
					_, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: objs, At: testTime})
					p.ok(err, "commit under way when Close was called")
				},
				func() {
					p.wait(held, "no commit came to the hook")
					close(closing)
					p.ok(p.s.Close(), "close")
					close(closed)
				},
				func() {
					defer release()
					p.wait(closing, "Close was not called")
					select {
					case <-closed:
						p.failf("Close returned while a commit was under way")
					case <-time.After(50 * time.Millisecond): // it waits
					}
				},
			)
			_, err := p.s.Cursor(p.ctx, "c")
			p.is(err, store.ErrClosed, "cursor after Close")
			if p.f.Reopen != nil {
				p.reopen()
				p.holds("after Close", objs...)
			}
		}),
	},
	{
		"CloseAmongCalls", "Close may come at any time: each call is done whole or returns ErrClosed.",
		scenario(func(p *probe) {
			const writers = 4
			var fns []func()
			started := make(chan struct{}, writers)
			done := make([]int, writers)
			for w := range writers {
				fns = append(fns, func() {
					for i := 0; ; i++ {
						_, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: indicators(p, w*100_000+i, 1), At: testTime})
						if i == 2 {
							started <- struct{}{}
						}
						if err != nil {
							p.is(err, store.ErrClosed, "commit")
							return
						}
						done[w]++
					}
				})
			}
			fns = append(fns, func() {
				for range writers {
					<-started
				}
				p.ok(p.s.Close(), "close")
			})
			p.parallel(fns...)
			if p.f.Reopen == nil {
				return
			}
			p.reopen()
			total := int64(0)
			for _, n := range done {
				total += int64(n)
			}
			equal(p, p.stat(testLog).Entries, total, "Entries after reopening, want those acknowledged")
		}),
	},
	{
		"Canceled", "A call whose ctx is done already returns its error and writes nothing.",
		scenario(func(p *probe) {
			objs := indicators(p, 0, 2)
			p.commit(objs...)
			p.put("k", "i", 0, "old", 5)
			was := p.stat(testLog)
			ctx, cancel := context.WithCancel(p.ctx)
			cancel()
			for name, call := range p.calls() {
				p.is(call(ctx), context.Canceled, name+" with a canceled ctx")
			}
			equal(p, p.stat(testLog), was, "Stat")
			p.holds("after calls with a canceled ctx", objs...)
			p.document("k", "i", 1, "old", 5)
			_, err := p.s.Document(p.ctx, "k", "new")
			p.is(err, store.ErrNotFound, "document of a call with a canceled ctx")
			p.cursor("c", "")
		}),
	},
	{
		"CanceledWhileWaiting", "A commit whose ctx ends while it waits for another may return its error or go on; either way it keeps nothing after it returns, and repeating it is safe.",
		scenario(canceledWhileWaiting),
	},
}

func canceledWhileWaiting(p *probe) {
	held, release := p.hold()
	defer release()
	first, second := indicators(p, 0, 1), indicators(p, 10, 1)
	buf := []byte(second[0].Raw)
	mine := parse(p, unsafe.String(&buf[0], len(buf)))
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	returned := make(chan struct{})
	p.parallel(
		func() {
			_, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: first, At: testTime})
			p.ok(err, "held commit")
		},
		func() {
			defer close(returned)
			p.wait(held, "no commit came to the hook")
			_, err := p.s.Commit(ctx, &store.Batch{Log: testLog, Objects: []stix.Object{mine}, At: testTime})
			clear(buf)
			if err != nil {
				p.is(err, context.Canceled, "commit waiting for another when its ctx ended")
				return
			}
			equal(p, len(p.read(testLog, all())), 2, "entries after a commit that succeeded")
		},
		func() {
			defer release()
			p.wait(held, "no commit came to the hook")
			cancel()
			select {
			case <-returned:
			case <-time.After(50 * time.Millisecond): // it goes on; let it
			}
		},
	)
	_, err := p.s.Commit(p.ctx, &store.Batch{Log: testLog, Objects: second, At: testTime})
	p.ok(err, "commit repeated")
	p.holds("after the repeated commit", first[0], second[0])
}

// calls has every method with an error, with arguments that would do something.
func (p *probe) calls() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Read": func(ctx context.Context) error {
			return p.s.Read(ctx, testLog, &store.Query{Limit: 1}, &store.Page{})
		},
		"Has":  func(ctx context.Context) error { _, err := p.s.Has(ctx, testLog, "x"); return err },
		"Stat": func(ctx context.Context) error { _, err := p.s.Stat(ctx, testLog); return err },
		"Logs": func(ctx context.Context) error { _, err := p.s.Logs(ctx); return err },
		"Commit": func(ctx context.Context) error {
			_, err := p.s.Commit(ctx, &store.Batch{
				Log: testLog, Objects: indicators(p, 50, 2), At: testTime,
				Cursor: &store.CursorMove{Name: "c", To: "moved"}, Put: []store.Document{{Kind: "k", ID: "new"}},
			})
			return err
		},
		"Delete": func(ctx context.Context) error {
			_, err := p.s.Delete(ctx, testLog, indicator{n: 0}.id(), ptr(all()))
			return err
		},
		"Document":  func(ctx context.Context) error { _, err := p.s.Document(ctx, "k", "i"); return err },
		"Documents": func(ctx context.Context) error { _, err := p.s.Documents(ctx, "k"); return err },
		"Put": func(ctx context.Context) error {
			_, err := p.s.Put(ctx, store.Document{Kind: "k", ID: "new"})
			return err
		},
		"Remove": func(ctx context.Context) error { return p.s.Remove(ctx, "k", "i", 1) },
		"Expire": func(ctx context.Context) error { _, err := p.s.Expire(ctx, 1000, 10); return err },
		"Cursor": func(ctx context.Context) error { _, err := p.s.Cursor(ctx, "c"); return err },
	}
}

// sameError says whether two errors are the same to a caller of a Store.
func sameError(a, b error) bool {
	for _, e := range []error{store.ErrNotFound, store.ErrConflict, store.ErrClosed, store.ErrFull, store.ErrInvalid, store.ErrCorrupt} {
		if errors.Is(a, e) != errors.Is(b, e) {
			return false
		}
	}
	return (a == nil) == (b == nil)
}

// describe makes results comparable, errors by what they are.
func describe(v any, err error) string {
	if err != nil {
		return "error"
	}
	return fmt.Sprintf("%+v", v)
}
