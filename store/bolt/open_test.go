package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
)

func open(tb testing.TB, path string, o Options) *Store {
	tb.Helper()
	s, err := Open(path, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := (sound{s}).Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// contents returns all objects of benchLog, joined.
func contents(tb testing.TB, s *Store) string {
	tb.Helper()
	q := store.Query{SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}, Limit: 1 << 30, Want: store.WantObjects}
	var p store.Page
	if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
		tb.Fatal(err)
	}
	return string(p.Objects)
}

func TestOpenRefuses(t *testing.T) {
	put := func(bucket, key, value []byte) func(string) error {
		return func(path string) error {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				return err
			}
			defer db.Close()
			return db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists(bucket)
				if err != nil {
					return err
				}
				return b.Put(key, value)
			})
		}
	}
	for _, c := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{"text", func(p string) error { return os.WriteFile(p, []byte("{}"), 0o600) }, "not an Entente store"},
		{"long text", func(p string) error { return os.WriteFile(p, bytes.Repeat([]byte("{}\n"), 9999), 0o600) }, "not an Entente store"},
		{"folder", func(p string) error { return os.Mkdir(p, 0o700) }, "this is not a file"},
		{"other program", put([]byte("users"), []byte("a"), []byte("b")), "another program"},
		{"other program with meta", put(bucketMeta, []byte("a"), []byte("b")), "another program"},
		{"newer", func(p string) error {
			s, err := Open(p, Options{})
			if err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			return put(bucketMeta, keyFormat, binary.BigEndian.AppendUint32(nil, format()+1))(p)
		}, fmt.Sprintf("the store has format %d", format()+1)},
		{"cut off", func(p string) error {
			s, err := Open(p, Options{})
			if err != nil {
				return err
			}
			commit(t, s, stixtest.Objects(1, 1000))
			if err := s.Close(); err != nil {
				return err
			}
			return os.Truncate(p, 100<<10)
		}, "the file is cut off"},
		{"no such folder", func(p string) error { return nil }, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if c.name == "no such folder" {
				path = filepath.Join(path, "store.db")
			}
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			s, err := Open(path, Options{})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q, want one with %q and the path", err, c.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
				t.Errorf("the file was changed")
			}
		})
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, path, Options{})
	for _, readOnly := range []bool{false, true} {
		_, err := Open(path, Options{LockTimeout: 1, ReadOnly: readOnly})
		if err == nil || !strings.Contains(err.Error(), "another process holds the file") || !strings.Contains(err.Error(), path) {
			t.Errorf("read-only %v: error %v", readOnly, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := Open(path, Options{ReadOnly: true}); err == nil {
		t.Error("opened a file that is not there")
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, stixtest.Objects(1, 600))
	want := contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, path, Options{ReadOnly: true}), open(t, path, Options{ReadOnly: true})
	if contents(t, a) != want || contents(t, b) != want {
		t.Error("other objects than were committed")
	}
	if _, err := a.Commit(context.Background(), &store.Batch{Log: benchLog, Objects: stixtest.Objects(2, 1), At: benchTime}); err == nil {
		t.Error("committed")
	}
}

// TestMerge commits batches of every size and looks at the chunks.
func TestMerge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	all := stixtest.Objects(1, 2000)
	var raws []string
	for rest := all; len(rest) > 0; {
		n := min(1+rnd.IntN(1+rnd.IntN(300)), len(rest))
		for _, o := range rest[:n] {
			raws = append(raws, o.Raw)
		}
		commit(t, s, rest[:n])
		rest = rest[n:]
	}
	want := strings.Join(raws, ",")
	l := s.log(benchLog)
	for i, ref := range l.dir {
		if full := ref.n == maxSlots; full != ref.sealed || full != (i < len(all)/maxSlots) {
			t.Errorf("chunk %d of %d: %d slots, sealed %v", i, len(l.dir), ref.n, ref.sealed)
		}
	}
	if contents(t, s) != want {
		t.Error("other objects than were committed")
	}
	waitPressed(t, s)
	if err := (sound{s}).Close(); err != nil {
		t.Fatal(err)
	}
	if s = open(t, path, Options{}); contents(t, s) != want {
		t.Error("other objects after opening again")
	}
}

// TestLargeObjects fills chunks by bytes, not by number.
func TestLargeObjects(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{})
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, kb := range []int{1, 300, 300, 300, 300, 1, 8000, 1, 1, 1100, 20} {
		o := objects(rnd, 1)[0]
		raw := strings.Replace(o.Raw, `"name":"`, `"name":"`+strings.Repeat("x", kb<<10), 1)
		big, err := stix.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, s, []stix.Object{big})
	}
	sealed := 0
	for _, ref := range s.log(benchLog).dir {
		if ref.sealed {
			sealed++
		}
		if ref.n > 1 && ref.size > maxChunk+8192 {
			t.Errorf("chunk of %d objects has %d bytes", ref.n, ref.size)
		}
	}
	if sealed < 3 {
		t.Errorf("%d sealed chunks, want 3 or more", sealed)
	}
}

// TestDeletedBytes looks for what was deleted in the chunk and in what readers get.
func TestDeletedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path, Options{})
	objs := stixtest.Objects(1, 500)
	commit(t, s, objs)
	waitPressed(t, s)
	n, err := s.Delete(context.Background(), benchLog, objs[17].ID, &store.Query{Versions: store.Versions{All: true}})
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	b, err := s.m.view(s.log(benchLog).dir[0].place)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(objs[17].Raw)) || !bytes.Contains(b, []byte(objs[18].Raw)) {
		t.Error("the chunk still has the object, or lost another")
	}
	waitPressed(t, s) // the fragment was dropped and is made anew: Check compares
}

// TestBackup backs up while others write, and restores.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store.db"), Options{})
	commit(t, s, stixtest.Objects(1, 1000))
	want := contents(t, s)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for seed := uint64(2); !stop.Load(); seed++ {
			commit(t, s, stixtest.Objects(seed, 20))
		}
	})
	var b bytes.Buffer
	for range 5 {
		b.Reset()
		if err := s.Backup(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
	dst := filepath.Join(dir, "restored.db")
	if err := Restore(context.Background(), dst, bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	got := contents(t, open(t, dst, Options{}))
	if !strings.HasPrefix(got, want) || !strings.HasPrefix(contents(t, s), got) {
		t.Errorf("restored %d bytes are not what the store had", len(got))
	}
	if err := Restore(context.Background(), dst, bytes.NewReader(b.Bytes())); err == nil {
		t.Error("restored over a file")
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 20 {
		bad := bytes.Clone(b.Bytes())
		where := "cut off"
		if i < 4 {
			bad = bad[:len(bad)*i/4]
		} else {
			at := bytes.Index(bad, []byte(`"spec_version"`)) + rnd.IntN(200_000)
			bad[at] ^= 1 << rnd.IntN(8)
			where = fmt.Sprintf("bit flipped at %d", at)
		}
		dst := filepath.Join(dir, fmt.Sprintf("bad%d.db", i))
		err := Restore(context.Background(), dst, bytes.NewReader(bad))
		if _, serr := os.Stat(dst); (err == nil) != (serr == nil) {
			t.Errorf("%s: error %v, file %v", where, err, serr)
		}
		if err == nil {
			t.Errorf("%s: restored", where)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.restore-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestCheckFinds damages what is stored and what is in memory.
func TestCheckFinds(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, s *Store){
		"object": func(t *testing.T, s *Store) { flip(t, s, int64(s.log(benchLog).dir[1].cols[colRaw])+500) },
		"column": func(t *testing.T, s *Store) { flip(t, s, int64(s.log(benchLog).dir[1].cols[colEnd])+9) },
		"header": func(t *testing.T, s *Store) { flip(t, s, 9) },
		"fragment": func(t *testing.T, s *Store) {
			ref := s.log(benchLog).dir[1]
			flip(t, s, ref.z.off-ref.off+2000)
		},
		"prev":    func(t *testing.T, s *Store) { s.log(benchLog).prev[700] = 3 },
		"deleted": func(t *testing.T, s *Store) { s.log(benchLog).deleted.set(7) },
		"last":    func(t *testing.T, s *Store) { s.log(benchLog).notLast.set(7) },
		"bytes":   func(t *testing.T, s *Store) { s.log(benchLog).bytes++ },
		"table":   func(t *testing.T, s *Store) { clear(s.log(benchLog).table.places) },
		"expiry": func(t *testing.T, s *Store) {
			err := s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketExpiry).Delete(expiryKey(77, docKey{"k", "i"})) })
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			commit(t, s, stixtest.Objects(1, 1000))
			if _, err := s.Put(context.Background(), store.Document{Kind: "k", ID: "i", Expires: 77}); err != nil {
				t.Fatal(err)
			}
			waitPressed(t, s)
			if findings, err := s.Check(context.Background()); err != nil || len(findings) > 0 {
				t.Fatal(err, findings)
			}
			damage(t, s)
			findings, err := s.Check(context.Background())
			if err != nil || len(findings) == 0 {
				t.Errorf("found %v, error %v", findings, err)
			}
		})
	}
}

// flip changes one bit of the file, at bytes behind the start of chunk 1.
func flip(t *testing.T, s *Store, at int64) {
	t.Helper()
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at += s.log(benchLog).dir[1].off
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}
