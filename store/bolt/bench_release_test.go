package bolt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
)

// releasedLog fills s with n objects by the thousand, with labels of 5,000, and
// releases of each thousand, in the same commit, what chosen says of the entry's
// number.
func releasedLog(tb testing.TB, s *Store, n, logs int, chosen func(i int) bool) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	head := store.Added(0)
	for at := 0; at < n; at += 1000 {
		b := store.Batch{Log: benchLog, Objects: objects(rnd, min(1000, n-at)), At: benchTime}
		first, err := store.Number(head, benchTime, len(b.Objects))
		if err != nil {
			tb.Fatal(err)
		}
		head = first + store.Added(len(b.Objects)) - 1
		var add []store.Added
		for i := range b.Objects {
			b.Labels = append(b.Labels, store.Label(rnd.IntN(5000)))
			if chosen(at + i) {
				add = append(add, first+store.Added(i))
			}
		}
		for i := range logs {
			b.Releases = append(b.Releases, store.Release{Log: store.LogID(fmt.Sprint("release ", i)), Of: benchLog, Add: add})
		}
		if _, err := s.Commit(context.Background(), &b); err != nil {
			tb.Fatal(err)
		}
	}
}

// share returns a function that chooses percent of the numbers, each on its own
// or in bursts.
func share(percent, burst int) func(int) bool {
	rnd := rand.New(rand.NewPCG(3, uint64(percent)))
	now := false
	return func(i int) bool {
		if i%burst == 0 {
			now = rnd.IntN(100) < percent
		}
		return now
	}
}

// bestOf returns how many ns the fastest call of fn took.
func bestOf(b *testing.B, fn func()) float64 {
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		fn()
		best = min(best, time.Since(start))
	}
	return float64(best.Nanoseconds())
}

// BenchmarkReadRelease reads pages of 1,000 objects of a release log, behind a
// gate that lets all through but must be looked at. memcpy is the ratio to a plain
// copy of the same bytes, of the fastest each; segment/entry are the bytes that
// the release log takes in the file for each entry.
func BenchmarkReadRelease(b *testing.B) {
	for _, burst := range []int{1, 250} {
		for _, percent := range []int{100, 90, 50, 10} {
			b.Run(fmt.Sprintf("visible=%d%%/burst=%d", percent, burst), func(b *testing.B) {
				s := open(b, filepath.Join(b.TempDir(), "store.db"), Options{NoCompression: true})
				releasedLog(b, s, max(20_000, 200_000/percent), 1, share(percent, burst))
				const id = "release 0"
				st, _ := s.Stat(context.Background(), id)
				first, err := s.log(id).addedAt(s.log(id).n / 3)
				if err != nil {
					b.Fatal(err)
				}
				gate := make(store.LabelSet, 5000/64+1)
				for l := range store.Label(5000) {
					gate = gate.With(l)
				}
				s.log(id).seen.more = true // as if there were a label that the gate holds back
				q := store.Query{From: first, Limit: 1000, Want: store.WantObjects, Gate: gate}
				var p store.Page
				b.ReportAllocs()
				took := bestOf(b, func() {
					if err := s.Read(context.Background(), id, &q, &p); err != nil {
						b.Fatal(err)
					}
				})
				b.SetBytes(int64(len(p.Objects)))
				b.ReportMetric(took, "best-ns")
				b.ReportMetric(took/copyTime(p.Objects), "memcpy")
				b.ReportMetric(float64(segmentBytes(b, s, id))/float64(st.Entries), "segment/entry")
			})
		}
	}
}

// segmentBytes is how many bytes the segments of a release log have.
func segmentBytes(tb testing.TB, s *Store, id store.LogID) (n int) {
	tb.Helper()
	tx, err := s.db.Begin(false)
	if err != nil {
		tb.Fatal(err)
	}
	defer tx.Rollback()
	stats := tx.Bucket(bucketLogs).Bucket([]byte(id)).Bucket(bucketRel).Stats()
	return stats.LeafInuse + stats.BranchInuse + stats.InlineBucketInuse
}

// BenchmarkGate looks through 1,000 entries of a release log without reading
// objects.
func BenchmarkGate(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "store.db"), Options{NoCompression: true})
	releasedLog(b, s, 20_000, 1, share(90, 1))
	gate := make(store.LabelSet, 5000/64+1)
	for l := range store.Label(5000) {
		gate = gate.With(l)
	}
	for _, c := range []struct {
		name string
		gate store.LabelSet
		more bool
	}{{"none", nil, false}, {"covers", gate, false}, {"looks", gate, true}} {
		b.Run(c.name, func(b *testing.B) {
			s.log("release 0").seen.more = c.more
			q := store.Query{Limit: 1000, Gate: c.gate}
			var p store.Page
			took := bestOf(b, func() {
				if err := s.Read(context.Background(), "release 0", &q, &p); err != nil || p.N != 1000 {
					b.Fatal(p.N, err)
				}
			})
			b.ReportMetric(took, "best-ns")
		})
	}
}

// BenchmarkOpenReleases opens a store with 20 release logs of 90 % of 100,000
// entries; B/entry is the memory that they take.
func BenchmarkOpenReleases(b *testing.B) {
	memory := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	base := 0.0
	for _, logs := range []int{0, 20} {
		b.Run(fmt.Sprint("logs=", logs), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "store.db")
			s, err := Open(path, Options{NoCompression: true})
			if err != nil {
				b.Fatal(err)
			}
			releasedLog(b, s, 100_000, logs, share(90, 1))
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			s = nil
			before, used := memory(), 0.0
			took := bestOf(b, func() {
				s, err := Open(path, Options{NoCompression: true})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if used == 0 {
					used = memory() - before
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			})
			b.ReportMetric(took/1e6, "best-ms")
			b.ReportMetric(used/1e6, "MB")
			if logs == 0 {
				base = used
			} else {
				b.ReportMetric((used-base)/float64(logs)/90_000, "B/entry")
			}
		})
	}
}

// BenchmarkCommitReleases commits 1,000 objects and releases 90 % of them to 0, 1
// and 20 logs, and one object at a time to 20 logs.
func BenchmarkCommitReleases(b *testing.B) {
	for _, c := range []struct{ size, logs int }{{1000, 0}, {1000, 1}, {1000, 20}, {1, 0}, {1, 20}} {
		b.Run(fmt.Sprintf("size=%d/logs=%d", c.size, c.logs), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "store.db"), Options{NoCompression: true})
			rnd := rand.New(rand.NewPCG(5, 6))
			var work [][]stix.Object
			for range 64 {
				work = append(work, objects(rnd, c.size))
			}
			pick := share(90, 1)
			for b.Loop() {
				b.StopTimer()
				if len(work) == 0 {
					for range 64 {
						work = append(work, objects(rnd, c.size))
					}
				}
				batch := store.Batch{Log: benchLog, Objects: work[0], At: benchTime}
				work = work[1:]
				st, _ := s.Stat(context.Background(), benchLog)
				first, err := store.Number(st.Head, benchTime, c.size)
				if err != nil {
					b.Fatal(err)
				}
				var add []store.Added
				for i := range c.size {
					if c.size == 1 || pick(i) {
						add = append(add, first+store.Added(i))
					}
				}
				for i := range c.logs {
					batch.Releases = append(batch.Releases, store.Release{Log: store.LogID(fmt.Sprint("release ", i)), Of: benchLog, Add: add})
				}
				b.StartTimer()
				if _, err := s.Commit(context.Background(), &batch); err != nil {
					b.Fatal(err)
				}
			}
			if st, _ := s.Stat(context.Background(), "release 0"); c.logs > 0 {
				b.ReportMetric(float64(segmentBytes(b, s, "release 0"))/float64(st.Entries), "segment/entry")
			}
		})
	}
}
