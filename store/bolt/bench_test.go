package bolt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
)

// benchObjects is how many objects the benchmarks of reading work on:
// ENTENTE_BENCH_OBJECTS, else 100,000.
func benchObjects(b *testing.B) int {
	if v := os.Getenv("ENTENTE_BENCH_OBJECTS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return 100_000
}

const benchLog = store.LogID("5b3c8f6e-0f3a-4c59-9d36-0f3f6a7d2d11")

var benchTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// objects makes n objects of 1,007 bytes on average; one of a thousand is of
// type "rare".
func objects(rnd *rand.Rand, n int) []stix.Object {
	list := make([]stix.Object, n)
	for i := range list {
		kind := "indicator"
		if rnd.IntN(1000) == 0 {
			kind = "x-rare"
		}
		id := fmt.Sprintf("%s--%08x-%04x-4%03x-8%03x-%012x", kind, rnd.Uint32(), rnd.Uint32()&0xffff, rnd.Uint32()&0xfff, rnd.Uint32()&0xfff, rnd.Uint64()&0xffffffffffff)
		when := stix.FormatMicros(1_600_000_000_000_000 + rnd.Int64N(1e14)/1000*1000)
		when = when[:23] + "Z"
		var words strings.Builder
		for words.Len() < 500+rnd.IntN(380) {
			fmt.Fprintf(&words, "%s %x ", []string{"beacon", "command and control", "dropper seen at", "campaign", "host"}[rnd.IntN(5)], rnd.Uint32()&0xffff)
		}
		raw := fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":%q,"created_by_ref":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","created":%q,"modified":%q,"name":"n%d","description":%q,"pattern":"[ipv4-addr:value = '198.51.100.%d']","pattern_type":"stix","valid_from":%q}`,
			kind, id, when, when, i, words.String(), rnd.IntN(256), when)
		o, err := stix.Parse(raw)
		if err != nil {
			panic(err)
		}
		list[i] = o
	}
	return list
}

func commit(tb testing.TB, s *Store, objs []stix.Object) store.Receipt {
	tb.Helper()
	r, err := s.Commit(context.Background(), &store.Batch{Log: benchLog, Objects: objs, At: benchTime})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// filled returns a store with n objects, committed by the thousand.
func filled(tb testing.TB, n int, o Options) (*Store, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "store.db")
	s, err := Open(path, o)
	if err != nil {
		tb.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < n; {
		objs := objects(rnd, min(1000, n-done))
		commit(tb, s, objs)
		done += len(objs)
	}
	return s, path
}

// BenchmarkRead reads pages of 1,000 objects of a filled store. The ratios are of
// the fastest reads, which other work on the machine disturbs least: memcpy,
// against the fastest plain copy of the same bytes; unfiltered, against the page
// in the middle without filter.
func BenchmarkRead(b *testing.B) {
	n := benchObjects(b)
	s, path := filled(b, n, Options{NoCompression: true})
	defer s.Close()
	var st store.Stat
	st, _ = s.Stat(context.Background(), benchLog)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	ratio := float64(info.Size()) / float64(st.Bytes)
	middle := store.Added(int64(st.Head) - int64(n)/2)
	if a, err := s.log(benchLog).addedAt(uint32(n / 2)); err == nil {
		middle = a
	}
	base := 0.0
	for _, c := range []struct {
		name string
		q    store.Query
	}{
		{"page/first", store.Query{}},
		{"page/middle", store.Query{From: middle}},
		{"page/added_after", store.Query{After: middle}},
		{"page/last", store.Query{From: st.Head - 1000}},
		{"type/0.1%", store.Query{Types: []string{"x-rare"}}},
		{"type/0.1%/bounded", store.Query{Types: []string{"x-rare"}, MaxBytes: 32 << 20}},
		{"type/99.9%", store.Query{Types: []string{"indicator"}}},
		{"versions/all", store.Query{From: middle, Versions: store.Versions{All: true}}},
		{"manifest", store.Query{From: middle, Want: store.WantRows}},
		{"empty", store.Query{After: st.Head}},
		{"limit=10", store.Query{From: middle, Limit: 10}},
	} {
		b.Run(c.name, func(b *testing.B) {
			q := c.q
			if q.Limit == 0 {
				q.Limit = 1000
			}
			if q.Want == 0 {
				q.Want = store.WantObjects
			}
			var p store.Page
			read := func() {
				if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
					b.Fatal(err)
				}
			}
			read()
			b.ReportAllocs()
			b.SetBytes(int64(len(p.Objects)))
			best := time.Duration(1 << 62)
			for b.Loop() {
				start := time.Now()
				read()
				best = min(best, time.Since(start))
			}
			b.ReportMetric(ratio, "file/raw")
			took := float64(best.Nanoseconds())
			b.ReportMetric(took, "best-ns")
			if c.name == "page/middle" {
				base = took
			}
			if len(p.Objects) > 0 {
				b.ReportMetric(took/copyTime(p.Objects), "memcpy")
			}
			if base > 0 {
				b.ReportMetric(took/base, "unfiltered")
			}
		})
	}
}

// copyTime is how many ns a copy of b takes, from memory of its own.
func copyTime(b []byte) float64 {
	from, to := append([]byte(nil), b...), make([]byte, len(b))
	best := time.Duration(1 << 62)
	for range 500 {
		start := time.Now()
		copy(to, from)
		best = min(best, time.Since(start))
	}
	return float64(best.Nanoseconds())
}

// BenchmarkReadDeflated compares a page in parts with compressing it at level 1.
func BenchmarkReadDeflated(b *testing.B) {
	s, path := filled(b, min(benchObjects(b), 100_000), Options{})
	waitPressed(b, s)
	st, _ := s.Stat(context.Background(), benchLog)
	info, _ := os.Stat(path)
	ratio := float64(info.Size()) / float64(st.Bytes)
	defer s.Close()
	for _, c := range []struct {
		name string
		q    store.Query
	}{
		{"whole", store.Query{}},
		{"type/99.9%", store.Query{Types: []string{"indicator"}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			q := c.q
			q.Limit, q.Want = 1000, store.WantDeflated
			var p store.Page
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(ratio, "file/raw")
		})
	}
	b.Run("level1", func(b *testing.B) {
		var p store.Page
		q := store.Query{Limit: 1000, Want: store.WantObjects}
		if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			deflateOnce(b, p.Objects)
		}
	})
}

// BenchmarkCommit writes objects/s, beside the same bytes appended to a file
// with one fdatasync for each batch and connection in turn.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct{ writers, size int }{{1, 1000}, {4, 1000}, {64, 1}} {
		batches := 16
		if c.size == 1 {
			batches = 64
		}
		rnd := rand.New(rand.NewPCG(3, 4))
		name := fmt.Sprintf("%dx%d", c.writers, c.size)
		var base float64
		b.Run(name+"/append", func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			objs := objects(rnd, c.size)
			var body []byte
			for i := range objs {
				body = append(body, objs[i].Raw...)
			}
			for b.Loop() {
				for range batches {
					if _, err := f.Write(body); err != nil {
						b.Fatal(err)
					}
					if err := datasync(f); err != nil {
						b.Fatal(err)
					}
				}
			}
			base = float64(b.N*batches*c.size) / b.Elapsed().Seconds()
			b.ReportMetric(base, "objs/s")
		})
		for _, o := range []Options{{NoCompression: true}, {}} {
			kind := "/pressed"
			if o.NoCompression {
				kind = "/plain"
			}
			b.Run(name+kind, func(b *testing.B) {
				s, err := Open(filepath.Join(b.TempDir(), "store.db"), o)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				for b.Loop() {
					b.StopTimer()
					work := make([][][]stix.Object, c.writers)
					for i := range batches {
						work[i%c.writers] = append(work[i%c.writers], objects(rnd, c.size))
					}
					if c.size == 1 {
						for i := range work {
							for range 15 {
								work[i] = append(work[i], objects(rnd, 1))
							}
						}
					}
					runtime.GC()
					b.StartTimer()
					var wg sync.WaitGroup
					for i := range work {
						wg.Go(func() {
							for _, objs := range work[i] {
								commit(b, s, objs)
							}
						})
					}
					wg.Wait()
				}
				st, _ := s.Stat(context.Background(), benchLog)
				rate := float64(st.Entries) / b.Elapsed().Seconds()
				b.ReportMetric(rate, "objs/s")
				b.ReportMetric(rate/base, "append")
			})
		}
	}
}

// BenchmarkOpen opens a filled store; the file is in the page cache.
func BenchmarkOpen(b *testing.B) {
	s, path := filled(b, benchObjects(b), Options{NoCompression: true})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		s, err := Open(path, Options{NoCompression: true})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
