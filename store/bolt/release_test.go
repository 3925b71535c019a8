package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"entente/stix/stixtest"
	"entente/store"
)

// allRows is everything about the entries of a log.
func allRows(tb testing.TB, s *Store, id store.LogID) []string {
	tb.Helper()
	q := store.Query{SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}, Limit: 1 << 30, Want: store.WantObjects | store.WantRows | store.WantSource}
	var p store.Page
	if err := s.Read(tb.Context(), id, &q, &p); err != nil {
		tb.Fatal(err)
	}
	list := make([]string, p.N)
	for i := range list {
		p.Rows[i].End = 0
		list[i] = fmt.Sprintf("%+v", p.Rows[i])
	}
	return append(list, string(p.Objects))
}

// manySegments fills s: two logs of objects with labels, and "r" and "s" with
// some thousand entries of them, in and out of order, some of them dropped,
// relabeled or deleted.
func manySegments(tb testing.TB, s *Store) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(8, 8))
	var added [2][]store.Added
	logs := []store.LogID{benchLog, "other"}
	for round := range 12 {
		for i, id := range logs {
			objs := stixtest.Objects(uint64(1000*round+i), 250)
			b := store.Batch{Log: id, Objects: objs, Labels: make([]store.Label, len(objs)), At: benchTime}
			for i := range b.Labels {
				b.Labels[i] = store.Label(rnd.IntN(70))
			}
			for range min(10, len(added[i])) {
				b.Relabel = append(b.Relabel, store.Relabel{Added: added[i][rnd.IntN(len(added[i]))], From: 0, To: 99})
			}
			r, err := s.Commit(tb.Context(), &b)
			if errors.Is(err, store.ErrConflict) {
				b.Relabel = nil
				r, err = s.Commit(tb.Context(), &b)
			}
			if err != nil {
				tb.Fatal(err)
			}
			added[i] = append(added[i], r.Added...)
		}
		b := store.Batch{At: benchTime}
		for i, id := range logs {
			fresh := added[i][len(added[i])-250:]
			rel := store.Release{Log: "r", Of: id, Add: fresh}
			late := store.Release{Log: "s", Of: id}
			for range 100 {
				late.Add = append(late.Add, added[i][rnd.IntN(len(added[i]))])
			}
			for range 20 {
				rel.Drop = append(rel.Drop, added[i][rnd.IntN(len(added[i]))])
				late.Drop = append(late.Drop, added[i][rnd.IntN(len(added[i]))])
			}
			b.Releases = append(b.Releases, rel, late)
		}
		if _, err := s.Commit(tb.Context(), &b); err != nil {
			tb.Fatal(err)
		}
		for _, o := range stixtest.Objects(uint64(1000*round), 5) {
			if _, err := s.Delete(tb.Context(), benchLog, o.ID, &store.Query{}); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if n := s.log("r").n; n < 8*segmentSlots {
		tb.Fatalf("%d entries are too few", n)
	}
}

// TestManySegments: release logs of many segments are after opening what they
// were, and deletions go on taking entries out of them.
func TestManySegments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{slots: 60})
	if err != nil {
		t.Fatal(err)
	}
	manySegments(t, s)
	gone := stixtest.Objects(3000, 20)[7].Raw
	for round := range 3 {
		r, other := allRows(t, s, "r"), allRows(t, s, "s")
		if err := (sound{s}).Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(path, Options{slots: 60}); err != nil {
			t.Fatal(err)
		}
		for id, was := range map[store.LogID][]string{"r": r, "s": other} {
			if now := allRows(t, s, id); !slices.Equal(now, was) {
				t.Fatalf("round %d: log %q has %d entries after opening, other ones than the %d before", round, id, len(now), len(was))
			}
		}
		if has := strings.Contains(r[len(r)-1], gone); has != (round == 0) {
			t.Errorf("round %d: the object that is deleted in round 0 is there: %v", round, has)
		}
		if round > 0 {
			continue
		}
		n, err := s.Delete(t.Context(), benchLog, stixtest.Objects(3000, 20)[7].ID, &store.Query{Versions: store.Versions{All: true}})
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
	}
	if err := (sound{s}).Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReleaseBackup: backups have labels and release logs.
func TestReleaseBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store.db"), Options{NoCompression: true})
	manySegments(t, s)
	var b bytes.Buffer
	if err := s.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), filepath.Join(dir, "restored.db"), &b); err != nil {
		t.Fatal(err)
	}
	restored := open(t, filepath.Join(dir, "restored.db"), Options{})
	for _, id := range []store.LogID{benchLog, "r", "s"} {
		if !slices.Equal(allRows(t, restored, id), allRows(t, s, id)) {
			t.Errorf("log %q is not what it was", id)
		}
	}
}

// TestReleaseCorrupt: a file whose release logs or labels are damaged is not
// opened, and the error says where it is damaged.
func TestReleaseCorrupt(t *testing.T) {
	third := seqKey(2 * segmentSlots)
	bucket := func(tx *bbolt.Tx, log string, name []byte) *bbolt.Bucket {
		return tx.Bucket(bucketLogs).Bucket([]byte(log)).Bucket(name)
	}
	rewrite := func(change func(list []releasing) []releasing) func(tx *bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			b := bucket(tx, "r", bucketRel)
			list, err := readSegment(third, b.Get(third))
			if err != nil {
				return err
			}
			return b.Put(third, appendSegment(nil, third, change(list)))
		}
	}
	flipAt := func(log string, name, key []byte) func(tx *bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			b := bucket(tx, log, name)
			v := bytes.Clone(b.Get(key))
			v[len(v)/2] ^= 16
			return b.Put(key, v)
		}
	}
	dir := t.TempDir()
	made, err := Open(filepath.Join(dir, "store.db"), Options{NoCompression: true})
	if err != nil {
		t.Fatal(err)
	}
	manySegments(t, made)
	var whole bytes.Buffer
	if err := made.Backup(t.Context(), &whole); err != nil {
		t.Fatal(err)
	}
	if err := (sound{made}).Close(); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		name   string
		damage func(tx *bbolt.Tx) error
		want   string
	}{
		{"segment", flipAt("r", bucketRel, third), `release log "r": segment 0000000000000400: store corrupt: does not match its checksum`},
		{"no segment", func(tx *bbolt.Tx) error { return bucket(tx, "r", bucketRel).Delete(third) }, "segment 0000000000000600: store corrupt: does not follow entry 1024"},
		{"short segment", rewrite(func(l []releasing) []releasing { return l[:9] }), "segment 0000000000000600: store corrupt: does not follow entry 1033"},
		{"no such entry", rewrite(func(l []releasing) []releasing { l[3].ref = 1 << 20; return l }), "slot 3 is entry 1048576"},
		{"no such base", rewrite(func(l []releasing) []releasing { l[3].base = 2; return l }), "log number 2, which is not there"},
		{"deleted entry", rewrite(func(l []releasing) []releasing { l[3].base, l[3].ref, l[3].dead = 0, 0, false; return l }), "was deleted"},
		{"added", rewrite(func(l []releasing) []releasing {
			for i := range l {
				l[i].added -= 1e12
			}
			return l
		}), "added does not grow"},
		{"base gone", func(tx *bbolt.Tx) error { return tx.Bucket(bucketLogs).DeleteBucket([]byte("other")) }, `"other" is not a log of objects`},
		{"base number", func(tx *bbolt.Tx) error { return bucket(tx, "r", bucketOf).Delete(seqKey(0)) }, "is not a log of objects"},
		{"base is a release log", func(tx *bbolt.Tx) error { return bucket(tx, "r", bucketOf).Put(seqKey(1), []byte("s")) }, `"s" is not a log of objects`},
		{"both kinds", func(tx *bbolt.Tx) error {
			_, err := tx.Bucket(bucketLogs).Bucket([]byte("r")).CreateBucket(bucketChunk)
			return err
		}, "neither a release log nor one of objects"},
		{"labels", flipAt(string(benchLog), bucketLabel, seqKey(labelSlots)), "labels 0000000000000080: store corrupt: do not match their checksum"},
		{"size of labels", func(tx *bbolt.Tx) error {
			return bucket(tx, string(benchLog), bucketLabel).Put(seqKey(0), []byte("12345"))
		}, "store corrupt: 5 bytes"},
		{"place of labels", func(tx *bbolt.Tx) error {
			b := bucket(tx, string(benchLog), bucketLabel)
			key, v := seqKey(1), bytes.Clone(b.Get(seqKey(0)))
			put32(v, 0, keyedSum(key, v))
			return b.Put(key, v)
		}, "store corrupt: not a multiple of 128"},
		{"too many labels", func(tx *bbolt.Tx) error {
			b := bucket(tx, string(benchLog), bucketLabel)
			key, v := seqKey(100*labelSlots), bytes.Clone(b.Get(seqKey(0)))
			put32(v, 0, keyedSum(key, v))
			return b.Put(key, v)
		}, "there are 3000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, fmt.Sprint(i))
			if err := Restore(t.Context(), path, bytes.NewReader(whole.Bytes())); err != nil {
				t.Fatal(err)
			}
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(c.damage), db.Close()); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path, Options{})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrCorrupt with %q", err, c.want)
			}
		})
	}
}

// TestReleaseCheckFinds damages what is in memory about labels and release logs.
func TestReleaseCheckFinds(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	manySegments(t, s)
	r, base := s.log("r"), s.log(benchLog)
	live := uint32(1000)
	for r.deleted.has(live) || r.rel.bases[r.rel.spans[r.rel.span(live, 0)].base] != base {
		live++
	}
	for _, c := range []struct {
		name   string
		damage func() (undo func())
	}{
		{"nothing", func() func() { return func() {} }},
		{"entry", func() func() { r.rel.refs[700]++; return func() { r.rel.refs[700]-- } }},
		{"added", func() func() { r.rel.spans[3].added++; return func() { r.rel.spans[3].added-- } }},
		{"dropped", func() func() { r.deleted.set(live); return func() { r.deleted.clear(live) } }},
		{"label", func() func() { base.labels[r.rel.refs[live]]++; return func() { base.labels[r.rel.refs[live]]-- } }},
		{"seen labels", func() func() { was := r.seen; r.seen = seenLabels{}; return func() { r.seen = was } }},
		{"bytes", func() func() { r.bytes++; return func() { r.bytes-- } }},
		{"log", func() func() { delete(s.logs, "r"); return func() { s.logs["r"] = r } }},
	} {
		undo := c.damage()
		findings, err := s.Check(t.Context())
		undo()
		if err != nil || (len(findings) > 0) != (c.name != "nothing") {
			t.Errorf("%s: found %v, error %v", c.name, findings, err)
		}
	}
}

func TestSeenLabels(t *testing.T) {
	var s seenLabels
	if !s.within(store.LabelSet{}) {
		t.Error("no label at all is not within an empty gate")
	}
	s.add(3)
	s.add(200)
	for _, c := range []struct {
		gate store.LabelSet
		want bool
	}{
		{store.LabelSet{}, false},
		{store.LabelSet{}.With(3), false},
		{store.LabelSet{}.With(200), false},
		{store.LabelSet{}.With(200).With(3), true},
		{store.LabelSet{8, 0, 0, 1 << 8, 0, 5}, true},
	} {
		if got := s.within(c.gate); got != c.want {
			t.Errorf("within %v: %v, want %v", c.gate, got, c.want)
		}
	}
	s.add(mostLabels)
	if s.within(slices.Repeat(store.LabelSet{1<<64 - 1}, 2000)) || len(s.set) > mostLabels/64 {
		t.Errorf("a great label is within a gate, or takes %d words", len(s.set))
	}
}

// TestStagedReleases: what a batch adds in growing order, drops and adds again, or
// adds twice, from one log or two, is there once and in the order of the last time.
func TestStagedReleases(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	objs := stixtest.Objects(1, 8)
	a := commit(t, s, objs[:4]).Added
	other, err := s.Commit(t.Context(), &store.Batch{Log: "other", Objects: objs[4:], At: benchTime})
	if err != nil {
		t.Fatal(err)
	}
	b := other.Added
	rel := func(of store.LogID, drop, add []store.Added) store.Release {
		return store.Release{Log: "r", Of: of, Drop: drop, Add: add}
	}
	some, last := []store.Added{a[0], a[1], a[2]}, []store.Added{a[3], a[3], a[1]}
	batch := store.Batch{At: benchTime, Releases: []store.Release{
		rel(benchLog, nil, some), rel("other", nil, b[3:]), rel(benchLog, []store.Added{a[1]}, nil), rel(benchLog, nil, some), rel("other", nil, b[2:]), rel(benchLog, []store.Added{a[0]}, last),
	}}
	if _, err := s.Commit(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range readRows(t, s, "r").Rows {
		got = append(got, string(row.ID))
	}
	var want []string
	for _, i := range []int{2, 7, 1, 6, 3} {
		want = append(want, string(objs[i].ID))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the release log has %v, want %v", got, want)
	}
}
