package storetest_test

import (
	"math/rand/v2"
	"testing"

	"entente/store/mem"
	"entente/store/storetest"
)

// openMem is the Fixture of store/mem.
func openMem(testing.TB) *storetest.Fixture {
	hook := &storetest.Hook{}
	return &storetest.Fixture{
		Store:    mem.New(mem.BeforeCommit(hook.Call)),
		NoReopen: "store/mem keeps nothing",
		Hook:     hook,
	}
}

// TestModelNotices has Model's choices find a store that chooses
// versions by arrival.
func TestModelNotices(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	caught := 0
	for range 20 {
		f := openMem(t)
		f.Store = reading(lastByArrival)(f.Store)
		if storetest.Model(t.Context(), f, 200, rnd.IntN) != nil {
			caught++
		}
	}
	if caught < 18 {
		t.Errorf("a store that takes the last version by arrival was caught in %d of 20 runs", caught)
	}
}
