package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"entente/stix"
	"entente/store"
)

// Bench measures a backend: a page of 1,000 objects of about 1 KB out of
// 50,000; the same of release logs with 90, 50 and 10 % of a log, and through
// gates; the gate alone; commits of 1,000 objects, of one, and of one by 16
// writers.
func Bench(b *testing.B, open func(t testing.TB) *Fixture) {
	b.Run("page=1000", func(b *testing.B) { benchPage(b, open(b), 0) })
	b.Run("page=1000/objects", func(b *testing.B) { benchPage(b, open(b), store.WantObjects) })
	b.Run("page=1000/parts", func(b *testing.B) { benchPage(b, open(b), store.WantDeflated) })
	for _, percent := range []int{90, 50, 10} {
		for _, burst := range []int{1, 250} {
			name := fmt.Sprintf("visible=%d%%/burst=%d", percent, burst)
			b.Run("released/"+name, func(b *testing.B) { benchRelease(b, open(b), percent, burst, false) })
			b.Run("gated/"+name, func(b *testing.B) { benchRelease(b, open(b), percent, burst, true) })
		}
	}
	b.Run("gate=1000/none", func(b *testing.B) { benchGate(b, open(b), nil) })
	b.Run("gate=1000/all", func(b *testing.B) { benchGate(b, open(b), store.LabelSet{1<<64 - 1}) })
	b.Run("gate=1000/half", func(b *testing.B) { benchGate(b, open(b), store.LabelSet{0x5555555555555555}) })
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

// benchReleased is how many objects the log has that benchRelease releases from.
const benchReleased = 20_000

// visible chooses percent of benchReleased entries: each on its own, or in
// bursts of 250.
func visible(percent, burst int) []bool {
	rnd := rand.New(rand.NewPCG(7, 8))
	chosen := make([]bool, benchReleased)
	for i := range chosen {
		if i%burst == 0 {
			chosen[i] = rnd.IntN(100) < percent
		} else {
			chosen[i] = chosen[i-1]
		}
	}
	return chosen
}

// fillLabeled commits benchReleased objects, those that are chosen with label 1,
// the others with 2, and returns the Added of the former.
func fillLabeled(b *testing.B, f *Fixture, chosen []bool) []store.Added {
	b.Helper()
	var added []store.Added
	for at := 0; at < benchReleased; at += 1000 {
		batch := &store.Batch{Log: testLog, Objects: benchObjects(b, at, 1000), Labels: make([]store.Label, 1000), At: testTime}
		for i := range batch.Labels {
			if batch.Labels[i] = 2; chosen[at+i] {
				batch.Labels[i] = 1
			}
		}
		r, err := f.Store.Commit(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		for i, a := range r.Added {
			if chosen[at+i] {
				added = append(added, a)
			}
		}
	}
	return added
}

// benchRelease pages through a release log that has some of a log's entries, or,
// if gated, through the log itself by a Gate that lets the same entries through.
func benchRelease(b *testing.B, f *Fixture, percent, burst int, gated bool) {
	defer f.Store.Close()
	added := fillLabeled(b, f, visible(percent, burst))
	for chunk := range slices.Chunk(added, 500) {
		rel := []store.Release{{Log: releaseLog, Of: testLog, Add: chunk}}
		if _, err := f.Store.Commit(b.Context(), &store.Batch{Releases: rel, At: testTime}); err != nil {
			b.Fatal(err)
		}
	}
	size := min(1000, len(added))
	log, q := releaseLog, store.Query{Limit: size, Want: store.WantObjects}
	if gated {
		log, q.Gate = testLog, store.LabelSet{}.With(1)
	}
	var p store.Page
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Store.Read(b.Context(), log, &q, &p); err != nil || p.N == 0 {
			b.Fatalf("%d entries, error %v", p.N, err)
		}
		bytes += len(p.Objects)
		if q.From = p.Last; !p.More || p.N < size {
			q.From = 0
		}
	}
	b.SetBytes(int64(bytes / b.N))
}

// benchGate looks through 1,000 entries of a release log without reading
// objects: without a Gate, with one that lets all through and with one that
// lets half of them through.
func benchGate(b *testing.B, f *Fixture, gate store.LabelSet) {
	defer f.Store.Close()
	const size = 1000
	labels := make([]store.Label, size)
	rnd := rand.New(rand.NewPCG(9, 10))
	for i := range labels {
		labels[i] = store.Label(rnd.IntN(64))
	}
	r, err := f.Store.Commit(b.Context(), &store.Batch{Log: testLog, Objects: benchObjects(b, 0, size), Labels: labels, At: testTime})
	if err == nil {
		rel := []store.Release{{Log: releaseLog, Of: testLog, Add: r.Added}}
		_, err = f.Store.Commit(b.Context(), &store.Batch{Releases: rel, At: testTime})
	}
	if err != nil {
		b.Fatal(err)
	}
	q := store.Query{Limit: size, Gate: gate}
	var p store.Page
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Store.Read(b.Context(), releaseLog, &q, &p); err != nil || p.N == 0 {
			b.Fatalf("%d entries, error %v", p.N, err)
		}
	}
}
