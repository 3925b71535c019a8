package fault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
	"entente/store/fault"
	"entente/store/mem"
	"entente/store/storetest"
)

const log store.LogID = "log"

var errBroken = errors.New("broken")

func never(fault.Op, int) (bool, error) { return false, nil }

// Without faults the decorator is a store like any other.
func TestStore(t *testing.T) {
	storetest.Run(t, func(testing.TB) *storetest.Fixture {
		hook := &storetest.Hook{}
		return &storetest.Fixture{
			Store:    fault.New(mem.New(mem.BeforeCommit(hook.Call)), never),
			Hook:     hook,
			NoReopen: "store/mem keeps nothing",
		}
	})
}

func objects(t *testing.T, n int) []stix.Object {
	t.Helper()
	objs := make([]stix.Object, n)
	for i := range objs {
		var err error
		objs[i], err = stix.Parse(fmt.Sprintf(`{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--%08x-0000-4000-8000-000000000000","value":"198.51.100.%d"}`, i, i))
		if err != nil {
			t.Fatal(err)
		}
	}
	return objs
}

func batch(t *testing.T, from, to string) *store.Batch {
	return &store.Batch{
		Log: log, Objects: objects(t, 3), At: time.Unix(1_700_000_000, 0),
		Cursor: &store.CursorMove{Name: "c", From: from, To: to},
		Put:    []store.Document{{Kind: "k", ID: to}},
	}
}

// A commit that fails before it took effect left nothing; repeated, it stores.
func TestCommitFailsBefore(t *testing.T) {
	s := fault.New(mem.New(), fault.Nth(fault.Commit, 1, false, errBroken))
	r, err := s.Commit(t.Context(), batch(t, "", "1"))
	if !errors.Is(err, errBroken) || r.Outcomes != nil || r.Added != nil {
		t.Fatalf("commit = %v, %v, want no receipt and errBroken", r, err)
	}
	st, err := s.Stat(t.Context(), log)
	if err != nil || st != (store.Stat{}) {
		t.Errorf("Stat = %+v, %v, want the zero Stat", st, err)
	}
	r, err = s.Commit(t.Context(), batch(t, "", "1"))
	if err != nil || !slices.Equal(r.Outcomes, []store.Outcome{store.Stored, store.Stored, store.Stored}) {
		t.Errorf("commit repeated = %v, %v, want all Stored", r, err)
	}
}

// A commit that fails after it took effect: the cursor tells, and repeating the
// objects gives duplicates with the same Added.
func TestCommitFailsAfter(t *testing.T) {
	inner := mem.New()
	s := fault.New(inner, fault.Nth(fault.Commit, 1, true, errBroken))
	r, err := s.Commit(t.Context(), batch(t, "", "1"))
	if !errors.Is(err, errBroken) || r.Outcomes != nil {
		t.Fatalf("commit = %v, %v, want no receipt and errBroken", r, err)
	}
	before := added(t, inner)
	if _, err := s.Commit(t.Context(), batch(t, "", "1")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("commit repeated: error %v, want ErrConflict: the cursor has moved", err)
	}
	if at, err := s.Cursor(t.Context(), "c"); err != nil || at != "1" {
		t.Errorf("cursor = %q, %v, want 1", at, err)
	}
	r, err = s.Commit(t.Context(), batch(t, "1", "2"))
	if err != nil || !slices.Equal(r.Outcomes, []store.Outcome{store.Duplicate, store.Duplicate, store.Duplicate}) {
		t.Errorf("objects repeated = %v, %v, want all Duplicate", r, err)
	}
	if after := added(t, inner); !slices.Equal(r.Added, before) || !slices.Equal(after, before) {
		t.Errorf("Added in the receipt %v, in the log %v, want %v", r.Added, after, before)
	}
	if n := s.Calls(fault.Commit); n != 3 {
		t.Errorf("Calls = %d, want 3", n)
	}
}

func added(t *testing.T, s store.Store) []store.Added {
	t.Helper()
	var p store.Page
	if err := s.Read(t.Context(), log, &store.Query{Limit: 100, Want: store.WantRows}, &p); err != nil {
		t.Fatal(err)
	}
	var all []store.Added
	for _, r := range p.Rows {
		all = append(all, r.Added)
	}
	return all
}

// A full disk refuses writes, reading goes on, and writing works again.
func TestFull(t *testing.T) {
	full := false
	s := fault.New(mem.New(), fault.Full(func() bool { return full }))
	if _, err := s.Commit(t.Context(), batch(t, "", "1")); err != nil {
		t.Fatal(err)
	}
	full = true
	for op, write := range writes(t, s) {
		if err := write(t.Context()); !errors.Is(err, store.ErrFull) {
			t.Errorf("%s: error %v, want ErrFull", op, err)
		}
	}
	if n := len(added(t, s)); n != 3 {
		t.Errorf("%d entries on a full disk, want 3", n)
	}
	full = false
	for op, write := range writes(t, s) {
		if err := write(t.Context()); errors.Is(err, store.ErrFull) {
			t.Errorf("%s with room again: %v", op, err)
		}
	}
}

func writes(t *testing.T, s store.Store) map[fault.Op]func(context.Context) error {
	return map[fault.Op]func(context.Context) error{
		fault.Commit: func(ctx context.Context) error { _, err := s.Commit(ctx, batch(t, "1", "2")); return err },
		fault.Delete: func(ctx context.Context) error {
			_, err := s.Delete(ctx, log, "x", &store.Query{})
			return err
		},
		fault.Put:    func(ctx context.Context) error { _, err := s.Put(ctx, store.Document{Kind: "k", ID: "p"}); return err },
		fault.Remove: func(ctx context.Context) error { return s.Remove(ctx, "k", "1", 1) },
		fault.Expire: func(ctx context.Context) error { _, err := s.Expire(ctx, 1, 1); return err },
	}
}

// Every call can be made to fail, and each is counted by itself.
func TestEveryCall(t *testing.T) {
	s := fault.New(mem.New(), func(op fault.Op, n int) (bool, error) { return n == 2, fmt.Errorf("%s %d: %w", op, n, errBroken) })
	calls := writes(t, s)
	calls[fault.Read] = func(ctx context.Context) error {
		return s.Read(ctx, log, &store.Query{Limit: 1}, &store.Page{})
	}
	calls[fault.Has] = func(ctx context.Context) error { _, err := s.Has(ctx, log, "x"); return err }
	calls[fault.Stat] = func(ctx context.Context) error { _, err := s.Stat(ctx, log); return err }
	calls[fault.Logs] = func(ctx context.Context) error { _, err := s.Logs(ctx); return err }
	calls[fault.Document] = func(ctx context.Context) error { _, err := s.Document(ctx, "k", "x"); return err }
	calls[fault.Documents] = func(ctx context.Context) error { _, err := s.Documents(ctx, "k"); return err }
	calls[fault.Cursor] = func(ctx context.Context) error { _, err := s.Cursor(ctx, "c"); return err }
	if len(calls) != 12 {
		t.Fatalf("%d calls, want 12", len(calls))
	}
	for op, call := range calls {
		if err := call(t.Context()); !errors.Is(err, errBroken) || err.Error() != fmt.Sprintf("%s 1: broken", op) {
			t.Errorf("%s: error %v, want the plan's", op, err)
		}
		if n := s.Calls(op); n != 1 {
			t.Errorf("Calls(%s) = %d, want 1", op, n)
		}
	}
	// The 2nd Commit takes effect, but its cursor is stale: the store's own error wins.
	if _, err := s.Commit(t.Context(), batch(t, "stale", "2")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("commit: error %v, want ErrConflict", err)
	}
}
