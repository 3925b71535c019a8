package bolt

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"entente/store"
	"entente/store/storetest"
)

// TestStore runs the cases that every backend must pass, and bbolt's own check
// of the file after each.
func TestStore(t *testing.T) {
	for _, mode := range []struct {
		name string
		o    Options
	}{{"compressed", Options{}}, {"plain", Options{NoCompression: true}}} {
		t.Run(mode.name, func(t *testing.T) {
			storetest.Run(t, func(t testing.TB) *storetest.Fixture {
				o := mode.o
				f := &storetest.Fixture{Hook: new(storetest.Hook)}
				o.beforeCommit = f.Hook.Call
				path := filepath.Join(t.TempDir(), "store.db")
				open := func() (store.Store, error) {
					if f.Store != nil {
						if err := f.Store.Close(); err != nil {
							return nil, err
						}
					}
					return Open(path, o)
				}
				s, err := open()
				if err != nil {
					t.Fatal(err)
				}
				f.Store, f.Reopen = s, open
				t.Cleanup(func() { checkFile(t, path) })
				return f
			})
		})
	}
}

// checkFile fails unless bbolt finds the file consistent.
func checkFile(t testing.TB, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
