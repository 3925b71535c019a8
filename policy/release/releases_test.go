package release

import (
	"math/rand/v2"
	"slices"
	"testing"

	"entente/store"
)

// TestCrowds: whatever has to change, everybody is given exactly what changes for
// them, in the order in which it came.
func TestCrowds(t *testing.T) {
	w := newWorld(t, partners(70)...)
	for i, marking := range []string{clear1, green1, amber1, red1, clear1, green1, amber1, red1} {
		w.write(object(idOf("indicator", i), 0, marking))
	}
	r, rnd := w.r, rand.New(rand.NewPCG(1, 2))
	for range 50 {
		clear(r.pending)
		often := []int{1, 2, 10, 60}[rnd.IntN(4)] // the changes of many are the same, or those of few
		for n := range int32(len(r.g.entries)) {
			copy(r.rel.of(n), r.o.shown.of(n))
			for p := range r.o.partners {
				if rnd.IntN(often) == 0 && n%4 != 3 {
					r.rel.of(n)[p>>6] ^= 1 << (p & 63)
				}
			}
			if !same(r.rel.of(n), r.o.shown.of(n)) {
				r.pending[n] = true
			}
		}
		got := map[store.LogID]store.Release{}
		list, err := r.releases(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if _, twice := got[one.Log]; twice || one.Of != intel {
				t.Fatalf("releases to %s of %s", one.Log, one.Of)
			}
			got[one.Log] = one
		}
		for p, who := range r.o.partners {
			var want store.Release
			for n := range int32(len(r.g.entries)) {
				switch added := r.g.entries[n].added; {
				case r.o.shown.of(n).has(p) && !r.rel.of(n).has(p):
					want.Add = append(want.Add, added)
				case !r.o.shown.of(n).has(p) && r.rel.of(n).has(p):
					want.Drop = append(want.Drop, added)
				}
			}
			if is := got[Of(who, intel)]; !slices.Equal(is.Add, want.Add) || !slices.Equal(is.Drop, want.Drop) {
				t.Fatalf("%s gets %v and loses %v, want %v and %v", who, is.Add, is.Drop, want.Add, want.Drop)
			}
		}
	}
}
