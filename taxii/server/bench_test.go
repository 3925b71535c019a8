package server

import (
	"bytes"
	"compress/flate"
	"context"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"entente/stix/stixtest"
	"entente/store"
	"entente/store/bolt"
	"entente/store/mem"
	"entente/taxii"
)

// A sink is a ResponseWriter that counts.
type sink struct {
	h      http.Header
	n      int
	status int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// A frozen store answers every Read with the same page, so that a benchmark
// measures the server alone.
type frozen struct {
	store.Store
	page store.Page
}

func (f *frozen) Read(_ context.Context, _ store.LogID, q *store.Query, p *store.Page) error {
	p.Reset()
	p.N, p.First, p.Last, p.More = f.page.N, f.page.First, f.page.Last, f.page.More
	p.Objects = append(p.Objects, f.page.Objects...)
	p.Parts = append(p.Parts, f.page.Parts...)
	return nil
}

// BenchmarkPage is the whole handler for a page of 1,000 objects of 1 kB in the
// middle of a log, without sockets: "copy" is copying its bytes, the floor.
func BenchmarkPage(b *testing.B) {
	st := benchStore(b)
	h := benchHandler(b, st)
	for name, query := range map[string]string{"page": "?limit=1000", "filtered": "?limit=1000&match[type]=indicator&added_after=2024-01-01T00:00:00Z"} {
		b.Run(name, func(b *testing.B) { benchGet(b, h, objectsA+query, "") })
	}
	b.Run("gzip", func(b *testing.B) { benchGet(b, h, objectsA, "gzip") })
	b.Run("copy", func(b *testing.B) {
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			dst = append(dst[:0], st.page.Objects...)
		}
	})
	empty := &frozen{Store: st.Store}
	b.Run("empty", func(b *testing.B) {
		benchGet(b, benchHandler(b, empty), objectsA+"?added_after=2026-01-01T00:00:00Z", "")
	})
}

func benchGet(b *testing.B, h http.Handler, target, encoding string) {
	r := httptest.NewRequest("GET", target, nil)
	r.SetBasicAuth("rw", "rw")
	r.Header.Set("Accept", taxii.MediaType)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := &sink{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
	if w.status != 200 {
		b.Fatal(w.status)
	}
	b.ReportMetric(float64(w.n)/float64(b.N), "B/page")
}

func benchHandler(b *testing.B, st store.Store) http.Handler {
	s, _ := authServer(b, func(c *Config) {
		c.Store = st
		c.Roots[0].MaxContentLength = 16 << 20
		c.Log = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	return s.Handler()
}

func benchStore(b *testing.B) *frozen {
	s, _ := authServer(b)
	batch := store.Batch{Log: "x", Objects: stixtest.Objects(1, 1000)}
	if _, err := s.c.Store.Commit(b.Context(), &batch); err != nil {
		b.Fatal(err)
	}
	f := &frozen{Store: s.c.Store}
	q := store.Query{Limit: 1000, Versions: store.Versions{All: true}, SpecVersions: []string{"2.0", "2.1"}, Want: store.WantObjects}
	if err := s.c.Store.Read(b.Context(), "x", &q, &f.page); err != nil {
		b.Fatal(err)
	}
	f.page.More = true
	f.page.Parts = sealed(f.page.Objects, 4)
	return f
}

// sealed cuts text into n compressed parts, as a store with fragments has them.
// They join without the commas in between: what is measured is the copying.
func sealed(text []byte, n int) []store.Part {
	var parts []store.Part
	for i := range n {
		piece := text[i*len(text)/n : (i+1)*len(text)/n]
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, 6)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(piece)
		_ = w.Flush()
		parts = append(parts, store.Part{Deflate: b.Bytes(), Size: len(piece), CRC32: crc32.ChecksumIEEE(piece)})
	}
	return parts
}

// BenchmarkBolt is the handler on the embedded store: pages of 1,000 objects
// out of the middle of 20,000.
func BenchmarkBolt(b *testing.B) {
	st, err := bolt.Open(filepath.Join(b.TempDir(), "data"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	for i := range uint64(20) {
		if _, err := st.Commit(b.Context(), &store.Batch{Log: collA, Objects: stixtest.Objects(i, 1000)}); err != nil {
			b.Fatal(err)
		}
	}
	stat, err := st.Stat(b.Context(), collA)
	if err != nil {
		b.Fatal(err)
	}
	h := benchHandler(b, st)
	after := "&added_after=" + (stat.Head - 10_000).String()
	for name, query := range map[string]string{
		"page": "?limit=1000" + after, "type": "?limit=1000&match[type]=indicator" + after, "empty": "?added_after=" + stat.Head.String(),
	} {
		b.Run(name, func(b *testing.B) { benchGet(b, h, objectsA+query, "") })
	}
	b.Run("gzip", func(b *testing.B) { benchGet(b, h, objectsA+"?limit=1000"+after, "gzip") })
	b.Run("manifest", func(b *testing.B) { benchGet(b, h, "/api1/collections/"+collA+"/manifest/?limit=1000"+after, "") })
}

// BenchmarkPost is the handler for envelopes of one and of 1,000 objects that
// are new to store/mem each time.
func BenchmarkPost(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			h := benchHandler(b, mem.New())
			w := &sink{h: http.Header{}}
			seed := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				seed++
				body := stixtest.Envelope(stixtest.Objects(seed, n))
				r := httptest.NewRequest("POST", objectsA, strings.NewReader(body))
				r.SetBasicAuth("rw", "rw")
				r.Header.Set("Content-Type", taxii.MediaType)
				clear(w.h)
				b.StartTimer()
				h.ServeHTTP(w, r)
			}
			if w.status != 202 {
				b.Fatal(w.status)
			}
		})
	}
}
