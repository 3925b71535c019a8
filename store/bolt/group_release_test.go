package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"entente/stix/stixtest"
	"entente/store"
)

// TestGroupReleases has batches with labels and releases share a transaction:
// what is stale or of the wrong kind fails alone, and each batch sees what those
// before it did and nothing of those behind it.
func TestGroupReleases(t *testing.T) {
	p := newPause(2)
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true, beforeCommit: p.commit})
	objs := stixtest.Objects(1, 12)
	a := commit(t, s, objs[:4]).Added
	rel := func(log string, drop, add []store.Added) store.Release {
		return store.Release{Log: store.LogID(log), Of: benchLog, Drop: drop, Add: add}
	}
	// The head of the log when the group comes; what it adds is all numbered together.
	fresh := a[3] + 1000 // the last of two, of batches 2 and 7
	batches := []*store.Batch{
		{Put: []store.Document{{Kind: "k", ID: "first"}}}, // the others wait for it
		{Releases: []store.Release{rel("r", nil, a[:2])}},
		{Log: benchLog, Objects: objs[4:5], Labels: []store.Label{5}, Relabel: []store.Relabel{{Added: a[0], To: 7}}},
		{Log: benchLog, Relabel: []store.Relabel{{Added: a[1], To: 8}, {Added: a[0], To: 9}}, Releases: []store.Release{rel("r", a[:2], nil)}},
		{Releases: []store.Release{rel("r", a[1:2], []store.Added{fresh - 1, fresh})}, Cursor: &store.CursorMove{Name: "c", To: "1"}},
		{Log: benchLog, Relabel: []store.Relabel{{Added: a[0], From: 7, To: 9}, {Added: fresh, From: 1, To: 2}}},
		{Releases: []store.Release{rel("r", nil, a)}, Cursor: &store.CursorMove{Name: "c", To: "2"}},
		{Log: benchLog, Objects: objs[5:6], Labels: []store.Label{6}},
		{Log: "r", Objects: objs[6:7]}, // r is a release log by then
		{Log: "x", Objects: objs[6:7]},
		{Releases: []store.Release{rel("x", nil, nil)}}, // and x is not
		{Releases: []store.Release{rel("r", nil, []store.Added{fresh})}},
	}
	for _, b := range batches {
		b.At = benchTime
	}
	receipts, errs := p.together(t, s, batches)
	conflict := map[int]error{3: store.ErrConflict, 6: store.ErrConflict, 8: store.ErrInvalid, 10: store.ErrInvalid}
	for i := range batches {
		if !errors.Is(errs[i], conflict[i]) {
			t.Errorf("batch %d: error %v, want %v", i, errs[i], conflict[i])
		}
	}
	if !slices.Equal(receipts[2].Labels, []store.Label{5}) || !slices.Equal(receipts[7].Added, []store.Added{fresh}) {
		t.Fatalf("receipts %+v and %+v, want label 5 and Added %d", receipts[2], receipts[7], fresh)
	}
	show := func(id store.LogID) (list []string) {
		p := readRows(t, s, id)
		for i, row := range p.Rows {
			if string(p.Object(i)) != objs[slices.Index(append(slices.Clone(a), fresh-1, fresh), row.At)].Raw {
				t.Errorf("log %q entry %d has other bytes than that of %d", id, i, row.At)
			}
			list = append(list, fmt.Sprint(int64(row.At-a[0]), row.Label))
		}
		return list
	}
	if got, want := fmt.Sprint(show(benchLog)), "[0 9 1 0 2 0 3 0 1002 5 1003 6]"; got != want {
		t.Errorf("the log has %s, want %s", got, want)
	}
	// Batch 4 did not see what 7 added, and what it dropped had been there.
	if got, want := fmt.Sprint(show("r")), "[0 9 1002 5 1003 6]"; got != want {
		t.Errorf("the release log has %s, want %s", got, want)
	}
	if n := s.log("r").n; n != 4 {
		t.Errorf("the release log has had %d entries, want 4", n)
	}
}

// TestGroupHeads: a batch that says what the head is fails if others that share its
// transaction write to the log, too, be it before it or behind it.
func TestGroupHeads(t *testing.T) {
	for _, first := range []bool{true, false} {
		p := newPause(2)
		s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true, beforeCommit: p.commit})
		objs := stixtest.Objects(1, 4)
		head := commit(t, s, objs[:1]).Added[0]
		batches := []*store.Batch{
			{Put: []store.Document{{Kind: "k", ID: "first"}}}, // the others wait for it
			{Log: benchLog, Objects: objs[1:2], At: benchTime},
			{Log: benchLog, Objects: objs[2:], At: benchTime, Head: &head, Put: []store.Document{{Kind: "k", ID: "head"}}},
		}
		if first {
			batches[1], batches[2] = batches[2], batches[1]
		}
		_, errs := p.together(t, s, batches)
		for i, b := range batches {
			if b.Head != nil && !errors.Is(errs[i], store.ErrConflict) || b.Head == nil && errs[i] != nil {
				t.Errorf("first %v: batch %d: error %v", first, i, errs[i])
			}
		}
		if n := len(readRows(t, s, benchLog).Rows); n != 2 {
			t.Errorf("first %v: the log has %d entries, want 2", first, n)
		}
	}
}

func readRows(tb testing.TB, s *Store, id store.LogID) store.Page {
	tb.Helper()
	q := store.Query{SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}, Limit: 1 << 30, Want: store.WantObjects | store.WantRows | store.WantSource}
	var p store.Page
	if err := s.Read(tb.Context(), id, &q, &p); err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestTogether(t *testing.T) {
	objects := func(log store.LogID) *job {
		return &job{batch: &store.Batch{Log: log, Objects: stixtest.Objects(1, 1)}}
	}
	releases := func(log, of store.LogID) *job {
		return &job{batch: &store.Batch{Releases: []store.Release{{Log: log, Of: of}}}}
	}
	for _, c := range []struct {
		jobs []*job
		want int
	}{
		{[]*job{objects("a")}, 1},
		{[]*job{objects("a"), objects("a"), releases("r", "a"), releases("r", "b"), objects("b")}, 5},
		{[]*job{objects("a"), releases("a", "b"), objects("a")}, 1},
		{[]*job{releases("r", "a"), objects("b"), objects("r")}, 2},
		{[]*job{releases("r", "a"), releases("s", "r")}, 1},
		{[]*job{{batch: &store.Batch{Log: "r"}}, releases("r", "a")}, 2},
		{[]*job{{batch: &store.Batch{Log: "r", Relabel: make([]store.Relabel, 1)}}, releases("r", "a")}, 1},
	} {
		if got := together(c.jobs); got != c.want {
			t.Errorf("together(%v) = %d, want %d", c.jobs, got, c.want)
		}
	}
}
