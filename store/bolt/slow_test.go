package bolt

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
)

// slowObjects is how many entries TestSlowQueries has: ENTENTE_BENCH_OBJECTS,
// else 100,000.
func slowObjects(t *testing.T) int {
	if v := os.Getenv("ENTENTE_BENCH_OBJECTS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 100_000
}

// slowTypes is how many types the log of TestSlowQueries has, as many as fit a
// URL.
const slowTypes = 2000

// slowLog fills a log with n entries: five versions of each object, in rounds,
// and the spec version is 2.0 for every seventh object.
func slowLog(t *testing.T, s *Store, n int) {
	objs := make([]stix.Object, 0, 1000)
	for i := range n {
		object, round := i%(n/5), i/(n/5)
		spec := "2.1"
		if object%7 == 0 {
			spec = "2.0"
		}
		kind := "indicator"
		if object%2 == 0 {
			kind = fmt.Sprintf("x-type-%d", object%slowTypes)
		}
		o, err := stix.Parse(fmt.Sprintf(`{"type":%q,"spec_version":%q,"id":"%s--00000000-0000-4000-8000-%012d","created":"2020-01-01T00:00:00.000Z","modified":"%d-01-01T00:00:00.000Z","name":"%0200d"}`,
			kind, spec, kind, object, 2020+round, i))
		if err != nil {
			t.Fatal(err)
		}
		if objs = append(objs, o); len(objs) == cap(objs) || i == n-1 {
			commit(t, s, objs)
			objs = objs[:0]
		}
	}
}

// TestSlowQueries asks for what takes long: entries of which hardly any is
// selected, and that can only be told by looking at each of them. None may take
// much longer than reading the whole log without filter, and nobody may have to
// wait for it.
func TestSlowQueries(t *testing.T) {
	n := slowObjects(t)
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	slowLog(t, s, n)
	l := s.log(benchLog)
	at := func(seq int) store.Added {
		a, err := l.addedAt(uint32(seq))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	stamp := func(i int) stix.Timestamp {
		ts, err := stix.ParseTimestamp(fmt.Sprintf("1999-01-01T00:00:00.%03dZ", i))
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	var types, repeated []string
	var ids []stix.ID
	var stamps []stix.Timestamp
	for i := range slowTypes {
		types = append(types, fmt.Sprintf("x-type-%d", i))
		repeated = append(repeated, "indicator")
	}
	for i := range 700 {
		ids = append(ids, stix.ID(fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", 2*i+1)))
	}
	for i := range 1000 {
		stamps = append(stamps, stamp(i))
	}
	nothing := store.Versions{Exact: stamps[:1]}
	first, both := store.Versions{First: true}, []string{"2.0", "2.1"}
	early, late := at(100), at(n-2)
	base := took(t, s, store.Query{Limit: n, Versions: store.Versions{All: true}})
	t.Logf("reading all %d objects takes %v", n, base)
	for _, c := range []struct {
		name string
		q    store.Query
	}{
		{"no such version", store.Query{Versions: nothing}},
		{"1,000 versions", store.Query{Versions: store.Versions{Exact: stamps}}},
		{"a type, no such version", store.Query{Types: repeated[:1], Versions: nothing}},
		{"one type 2,000 times, no such version", store.Query{Types: repeated, Versions: nothing}},
		{"2,000 types, no such version", store.Query{Types: types, Versions: nothing}},
		{"2,000 types", store.Query{Types: types, From: late}},
		{"700 ids, no such version", store.Query{IDs: ids, Versions: nothing}},
		{"an id 700 times, no such version", store.Query{IDs: slices.Repeat(ids[:1], 700), Versions: nothing}},
		{"the end of the first versions", store.Query{From: at(n/5 + 100), Versions: first}},
		{"the end of the first versions, added after", store.Query{After: early, From: at(n/5 + 200), Versions: first}},
		{"first of any spec version", store.Query{From: at(n/5 + 100), Versions: first, SpecVersions: both}},
		{"the end of the last versions", store.Query{From: late}},
		{"the end of the last versions, added after", store.Query{After: early, From: late}},
		{"no such version, else first, of 2.0", store.Query{From: at(n/5 + 100), SpecVersions: both[:1], Versions: store.Versions{Exact: stamps, First: true}}},
	} {
		q := c.q
		q.Limit = 10
		lone := took(t, s, q)
		wait := s.waitBeside(t, q)
		t.Logf("%-45s %8v, a commit beside it %8v", c.name, lone.Round(time.Microsecond), wait.Round(time.Microsecond))
		if lone > 8*base+slow/50 {
			t.Errorf("%s takes %v, all objects %v", c.name, lone, base)
		}
	}
}

// took is the shortest of three reads.
func took(t *testing.T, s *Store, q store.Query) time.Duration {
	best := time.Duration(1 << 62)
	q.Want = store.WantObjects
	var p store.Page
	for range 3 {
		start := time.Now()
		if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return best
}

// waitBeside is how long the index cannot be changed at most, while q is asked
// again and again.
func (s *Store) waitBeside(t *testing.T, q store.Query) (longest time.Duration) {
	l := s.log(benchLog)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		var p store.Page
		for ctx.Err() == nil {
			_ = s.Read(ctx, benchLog, &q, &p)
		}
	}()
	for range 20 {
		time.Sleep(time.Millisecond)
		start := time.Now()
		l.mu.Lock()
		longest = max(longest, time.Since(start))
		l.mu.Unlock()
	}
	cancel()
	<-done
	return longest
}

// TestLongReadOneView has versions arrive while long reads let the committer in:
// each read must still see exactly one last version of each object.
func TestLongReadOneView(t *testing.T) {
	const n = 4 * patience
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	version := func(object, minute int) stix.Object {
		o, err := stix.Parse(fmt.Sprintf(`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-%012d","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T%02d:%02d:00.000Z","name":"x"}`,
			object, minute/60, minute%60))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	var objs []stix.Object
	for i := range n {
		objs = append(objs, version(i, 0))
	}
	commit(t, s, objs)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for minute := 1; minute < 60; minute++ {
			commit(t, s, []stix.Object{version(7, minute), version(n-minute, minute)})
			time.Sleep(time.Millisecond)
		}
	}()
	defer func() { <-done }()
	never, err := stix.ParseTimestamp("1999-01-01T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	q := store.Query{Limit: 2 * n, Want: store.WantRows, Versions: store.Versions{Last: true, Exact: []stix.Timestamp{never}}}
	var p store.Page
	reads := 0
	for running := true; running; reads++ {
		select {
		case <-done:
			running = false
		default:
		}
		if err := s.Read(t.Context(), benchLog, &q, &p); err != nil {
			t.Fatal(err)
		}
		if p.N != n || len(p.Rows) != n || p.More {
			t.Fatalf("read %d found %d last versions of %d objects, more %v", reads, p.N, n, p.More)
		}
	}
	t.Logf("%d reads", reads)
}
