package storetest_test

import (
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

func TestMem(t *testing.T) { storetest.Run(t, openMem) }

func TestMemModel(t *testing.T) { storetest.RunModel(t, openMem) }
