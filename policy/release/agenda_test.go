package release

import (
	"math/rand/v2"
	"slices"
	"testing"

	"entente/policy"
)

// TestAgenda: what is due is what was noted for then or before, once and in order.
func TestAgenda(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var a agenda
	want := map[int32][]policy.Instant{}
	for now := policy.Instant(0); now < 100; now++ {
		for range rnd.IntN(4) {
			at, n := now+policy.Instant(rnd.IntN(30)), int32(rnd.IntN(40))
			a.add(at, n)
			a.add(policy.Never, n)
			want[n] = append(want[n], at)
		}
		if now%25 == 24 {
			a.cut(30)
			for n := int32(30); n < 40; n++ {
				delete(want, n)
			}
		}
		var due []int32
		next := policy.Never
		for n := range int32(40) {
			left := slices.DeleteFunc(slices.Clone(want[n]), func(at policy.Instant) bool { return at <= now })
			if len(left) < len(want[n]) {
				due = append(due, n)
			}
			if want[n] = left; len(left) > 0 {
				next = min(next, slices.Min(left))
			}
		}
		if got := a.due(now); !slices.Equal(got, due) || a.next() != next {
			t.Fatalf("at %d: %v are due, want %v; next is %d, want %d", now, got, due, a.next(), next)
		}
	}
}
