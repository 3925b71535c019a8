package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
)

// TestGroupMoves has batches that move entries of a release log share a
// transaction: each finds what those before it have made of the log.
func TestGroupMoves(t *testing.T) {
	p := newPause(4)
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, Options{NoCompression: true, beforeCommit: p.commit})
	objs := stixtest.Objects(1, 5)
	a := commit(t, s, objs[:4]).Added
	b := commitTo(t, s, "other", objs[:4])
	rel := func(of store.LogID, drop []store.Added, moves []store.Move, add ...store.Added) *store.Batch {
		return &store.Batch{At: benchTime, Releases: []store.Release{{Log: "r", Of: of, Drop: drop, Move: moves, Add: add}}}
	}
	if _, err := s.Commit(t.Context(), rel(benchLog, nil, nil, a[0], a[1])); err != nil {
		t.Fatal(err)
	}
	there := func(i int) []store.Move { return []store.Move{{From: benchLog, Was: a[i], Now: b[i]}} }
	back := func(i int) []store.Move { return []store.Move{{From: "other", Was: b[i], Now: a[i]}} }
	batches := []*store.Batch{
		{Put: []store.Document{{Kind: "k", ID: "first"}}}, // the others wait for it
		rel("other", nil, there(0)),
		rel("other", nil, []store.Move{{From: benchLog, Was: a[1], Now: b[2]}}), // fails alone
		rel(benchLog, nil, nil, a[2], a[3]),
		rel("other", nil, slices.Concat(there(2), there(3))), // of what another adds
		rel("other", []store.Added{b[2]}, nil, b[0], b[3]),   // b[0] and b[3] are there
		rel("other", nil, there(1)),
		rel(benchLog, nil, back(1), a[0], a[2]), // a[0] is there no longer
		rel("other", []store.Added{b[0]}, nil),
		rel(benchLog, nil, back(3)),
	}
	_, errs := p.together(t, s, batches)
	for i := range batches {
		if (i == 2) != errors.Is(errs[i], store.ErrInvalid) || i != 2 && errs[i] != nil {
			t.Errorf("batch %d: error %v", i, errs[i])
		}
	}
	for range 2 {
		var got []string
		p := readRows(t, s, "r")
		for i, row := range p.Rows {
			if k := slices.Index(a, row.At); p.Object(i) == nil || string(p.Object(i)) != objs[k].Raw || row.Of != benchLog {
				t.Errorf("entry %d is not entry %d of the log", i, k)
			}
			got = append(got, fmt.Sprint(slices.Index(a, row.At)))
		}
		if want := []string{"1", "3", "0", "2"}; !slices.Equal(got, want) {
			t.Errorf("the release log has %v, want %v", got, want)
		}
		if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
			t.Errorf("check: %v %v", findings, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, Options{})
	}
}

// commitTo commits objects to a log and returns their Added.
func commitTo(t *testing.T, s *Store, log store.LogID, objs []stix.Object) []store.Added {
	t.Helper()
	r, err := s.Commit(t.Context(), &store.Batch{Log: log, Objects: objs, At: benchTime})
	if err != nil {
		t.Fatal(err)
	}
	return r.Added
}
