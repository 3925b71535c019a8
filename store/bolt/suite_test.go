package bolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"entente/store"
	"entente/store/storetest"
)

// sound is a Store that checks itself when it is closed.
type sound struct{ *Store }

func (s sound) Close() error {
	findings, err := s.Check(context.Background())
	if errors.Is(err, store.ErrClosed) {
		return s.Store.Close()
	}
	if len(findings) > 0 {
		err = fmt.Errorf("%d findings, the first: %s", len(findings), findings[0])
	}
	return errors.Join(err, s.Store.Close())
}

// fixture opens stores that check themselves when closed.
func fixture(o Options) func(t testing.TB) *storetest.Fixture {
	return func(t testing.TB) *storetest.Fixture {
		o := o
		f := &storetest.Fixture{Hook: new(storetest.Hook)}
		o.beforeCommit = f.Hook.Call
		path := filepath.Join(t.TempDir(), "store.db")
		f.Reopen = func() (store.Store, error) {
			if f.Store != nil {
				if err := f.Store.Close(); err != nil {
					return nil, err
				}
			}
			s, err := Open(path, o)
			if err != nil {
				return nil, err
			}
			return sound{s}, nil
		}
		s, err := f.Reopen()
		if err != nil {
			t.Fatal(err)
		}
		f.Store = s
		return f
	}
}

// TestStore runs the cases that every backend must pass, with chunks of the
// usual size and with chunks so small that all of them see merges.
func TestStore(t *testing.T) {
	t.Run("usual chunks", func(t *testing.T) { storetest.Run(t, fixture(Options{})) })
	t.Run("small chunks", func(t *testing.T) { storetest.Run(t, fixture(Options{slots: 3, NoCompression: true})) })
}

func TestModel(t *testing.T) { storetest.RunModel(t, fixture(Options{slots: 3})) }

func FuzzModel(f *testing.F) { storetest.FuzzModel(f, fixture(Options{slots: 3})) }
