package bolt

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
)

// TestGroup has batches share a transaction in which some of them fail.
func TestGroup(t *testing.T) {
	p := newPause(1)
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true, beforeCommit: p.commit})
	objs := stixtest.Objects(1, 6)
	doc := store.Document{Kind: "k", ID: "i", Body: []byte("first")}
	batches := []*store.Batch{
		{Objects: objs[:1]},
		{Objects: objs[1:3], Put: []store.Document{doc}, Cursor: &store.CursorMove{Name: "c", To: "1"}},
		{Objects: objs[3:4], Cursor: &store.CursorMove{Name: "c", From: "0", To: "2"}},
		{Objects: objs[3:4], Then: func(store.Receipt) []store.Document { panic("on purpose") }},
		{Objects: objs[3:4], Then: func(store.Receipt) []store.Document { return []store.Document{doc} }},
		{Objects: objs[1:5], Cursor: &store.CursorMove{Name: "c", From: "1", To: "3"}},
		{Objects: objs[5:6]},
	}
	for _, b := range batches {
		b.Log, b.At = benchLog, benchTime
	}
	receipts, errs := p.together(t, s, batches)
	for i, want := range []error{nil, nil, store.ErrConflict, nil, store.ErrConflict, nil, nil} {
		if i == 3 {
			if errs[i] == nil || !strings.Contains(errs[i].Error(), "on purpose") {
				t.Errorf("batch %d: error %v", i, errs[i])
			}
			continue
		}
		if !errors.Is(errs[i], want) {
			t.Errorf("batch %d: error %v, want %v", i, errs[i], want)
		}
	}
	if n := p.commits.Load(); n != 2 {
		t.Errorf("%d transactions, want 2", n)
	}
	want := []store.Outcome{store.Duplicate, store.Duplicate, store.Stored, store.Stored}
	for i, w := range want {
		if got := receipts[5].Outcomes[i]; got != w {
			t.Errorf("batch 5, object %d: outcome %d, want %d", i, got, w)
		}
	}
	last := receipts[6].Added[0]
	if receipts[5].Added[0] != receipts[1].Added[0] || receipts[1].Added[0] != last-4 || last%1000 != 0 {
		t.Errorf("added: %v, %v, %v", receipts[1].Added, receipts[5].Added, last)
	}
	if c, err := s.Cursor(context.Background(), "c"); c != "3" || err != nil {
		t.Errorf("cursor %q, %v", c, err)
	}
	var raws []string
	for _, o := range objs {
		raws = append(raws, o.Raw)
	}
	if contents(t, s) != strings.Join(raws, ",") {
		t.Error("other objects than were committed")
	}
}

// A pause holds the nth commit of a store back, so that what comes meanwhile shares
// the one that follows.
type pause struct {
	nth           int32
	commits       atomic.Int32
	held, release chan struct{}
}

func newPause(nth int32) *pause {
	return &pause{nth: nth, held: make(chan struct{}), release: make(chan struct{})}
}

// commit is Options.beforeCommit.
func (p *pause) commit() {
	if p.commits.Add(1) == p.nth {
		close(p.held)
		<-p.release
	}
}

// together commits batches: the first is the one that is held back, the others wait
// for it in their order, and go together.
func (p *pause) together(t *testing.T, s *Store, batches []*store.Batch) ([]store.Receipt, []error) {
	t.Helper()
	receipts, errs := make([]store.Receipt, len(batches)), make([]error, len(batches))
	var wg sync.WaitGroup
	defer wg.Wait()
	goOn := sync.OnceFunc(func() { close(p.release) })
	defer goOn()
	for i, b := range batches {
		wg.Go(func() { receipts[i], errs[i] = s.Commit(context.Background(), b) })
		if i == 0 {
			<-p.held
		} else {
			waitQueue(t, s, i)
		}
	}
	goOn()
	wg.Wait()
	return receipts, errs
}

// waitQueue waits until n jobs wait for the committer.
func waitQueue(t *testing.T, s *Store, n int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.queue.mu.Lock()
		got := len(s.queue.jobs)
		s.queue.mu.Unlock()
		if got == n {
			return
		}
	}
	t.Fatalf("%d jobs never waited", n)
}

// TestCanceled cancels a Commit that waits, and one that is under way.
func TestCanceled(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true, beforeCommit: func() {
		once.Do(func() { close(held); <-release })
	}})
	objs := stixtest.Objects(1, 2)
	ctx, cancel := context.WithCancel(context.Background())
	commit := func(o stix.Object) <-chan error {
		c := make(chan error, 1)
		go func() {
			_, err := s.Commit(ctx, &store.Batch{Log: benchLog, Objects: []stix.Object{o}, At: benchTime})
			c <- err
		}()
		return c
	}
	underWay := commit(objs[0])
	<-held
	waiting := commit(objs[1])
	waitQueue(t, s, 1)
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that waits: %v", err)
	}
	close(release)
	if err := <-underWay; err != nil {
		t.Errorf("the one under way: %v", err)
	}
	if got := contents(t, s); got != objs[0].Raw {
		t.Errorf("the log has %s", got)
	}
}

// TestFailed: a store that cannot write any more says so, and can be read.
func TestFailed(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	objs := stixtest.Objects(1, 2)
	commit(t, s, objs[:1])
	why := errors.New("the disk is gone")
	_ = s.fail(why)
	if _, err := s.Commit(t.Context(), &store.Batch{Log: benchLog, Objects: objs[1:], At: benchTime}); !errors.Is(err, why) {
		t.Errorf("Commit: %v, want %v", err, why)
	}
	if _, err := s.Cursor(t.Context(), "ready"); !errors.Is(err, why) {
		t.Errorf("Cursor: %v, want %v", err, why)
	}
	if p := read(t, s, store.Query{}); p.N != 1 {
		t.Errorf("%d entries can be read, want 1", p.N)
	}
}
