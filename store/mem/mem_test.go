package mem_test

import (
	"testing"

	"entente/store/mem"
	"entente/store/storetest"
)

func open(testing.TB) *storetest.Fixture {
	hook := &storetest.Hook{}
	return &storetest.Fixture{
		Store:    mem.New(mem.BeforeCommit(hook.Call)),
		NoReopen: "store/mem keeps nothing",
		Hook:     hook,
	}
}

func TestStore(t *testing.T) { storetest.Run(t, open) }

func TestModel(t *testing.T) { storetest.RunModel(t, open) }

func FuzzModel(f *testing.F) { storetest.FuzzModel(f, open) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, open) }
