package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"entente/stix"
	"entente/store"
)

// Bench measures a backend: a page of 1,000 objects of about 1 KB out of
// 50,000, and commits of 1,000 objects, of one, and of one by 16 writers.
func Bench(b *testing.B, open func(t testing.TB) *Fixture) {
	b.Run("page=1000", func(b *testing.B) { benchPage(b, open(b), 0) })
	b.Run("page=1000/objects", func(b *testing.B) { benchPage(b, open(b), store.WantObjects) })
	b.Run("page=1000/parts", func(b *testing.B) { benchPage(b, open(b), store.WantDeflated) })
	b.Run("commit=1000", func(b *testing.B) { benchCommit(b, open(b), 1000) })
	b.Run("commit=1", func(b *testing.B) { benchCommit(b, open(b), 1) })
	b.Run("commit=1/writers=16", func(b *testing.B) { benchWriters(b, open(b), 16) })
}

// benchObjects makes n objects of about 1 KB each.
func benchObjects(b *testing.B, first, n int) []stix.Object {
	b.Helper()
	p := &probe{ctx: context.Background()}
	objs := make([]stix.Object, n)
	err := p.catch(func() {
		for i := range objs {
			objs[i] = indicator{n: first + i, name: strings.Repeat(uuid(first+i), 18)}.make(p)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return objs
}

func benchPage(b *testing.B, f *Fixture, want store.Want) {
	defer f.Store.Close()
	const pages, size = 50, 1000
	var after []store.Added
	for i := range pages {
		batch := &store.Batch{Log: testLog, Objects: benchObjects(b, i*size, size), At: testTime}
		r, err := f.Store.Commit(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		after = append(after, r.Added[0]-1)
	}
	var p store.Page
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		q := store.Query{From: after[n%pages], Limit: size, Want: want}
		if err := f.Store.Read(b.Context(), testLog, &q, &p); err != nil || p.N != size {
			b.Fatalf("%d entries, error %v", p.N, err)
		}
		n++
	}
	b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "objs/s")
}

func benchCommit(b *testing.B, f *Fixture, size int) {
	defer f.Store.Close()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		b.StopTimer()
		batch := &store.Batch{Log: testLog, Objects: benchObjects(b, n*size, size), At: testTime}
		b.StartTimer()
		if _, err := f.Store.Commit(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds(), "objs/s")
}

func benchWriters(b *testing.B, f *Fixture, writers int) {
	defer f.Store.Close()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		b.StopTimer()
		objs := benchObjects(b, n*writers, writers)
		p := &probe{ctx: b.Context()}
		var fns []func()
		for w := range writers {
			fns = append(fns, func() {
				_, err := f.Store.Commit(p.ctx, &store.Batch{Log: testLog, Objects: objs[w : w+1], At: testTime})
				p.ok(err, fmt.Sprint("writer ", w))
			})
		}
		b.StartTimer()
		if err := p.catch(func() { p.parallel(fns...) }); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(b.N)*float64(writers)/b.Elapsed().Seconds(), "objs/s")
}
