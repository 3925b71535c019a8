//go:build unix

package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
)

// The test binary starts itself again with one of these in the environment.
const (
	envCrash = "ENTENTE_TEST_CRASH" // path of the store: commit until killed
	envFull  = "ENTENTE_TEST_FULL"  // path of the store: fill the disk
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envCrash); path != "" {
		crashChild(path)
	}
	if path := os.Getenv(envFull); path != "" {
		if err := fullChild(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChild commits from several goroutines and prints the seed of each batch
// that was acknowledged.
func crashChild(path string) {
	s, err := Open(path, Options{LockTimeout: 5 * time.Second})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var mu sync.Mutex
	from, _ := strconv.ParseUint(os.Getenv("ENTENTE_TEST_SEED"), 10, 64)
	for w := range uint64(4) {
		go func() {
			rnd := rand.New(rand.NewPCG(from, w))
			for seed := from + w; ; seed += 4 {
				objs := crashBatch(seed)
				r, err := s.Commit(context.Background(), &store.Batch{
					Log: benchLog, Objects: objs, Labels: slices.Repeat([]store.Label{store.Label(w)}, len(objs)), At: benchTime,
					Cursor: &store.CursorMove{Name: fmt.Sprint("c", seed), To: "done"},
				})
				if err == nil {
					_, err = s.Commit(context.Background(), crashRelease(seed, &r))
				}
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(seed, int64(r.Added[0]))
				mu.Unlock()
				if rnd.IntN(5) == 0 {
					_, _ = s.Delete(context.Background(), benchLog, crashBatch(seed)[0].ID, &store.Query{})
				}
			}
		}()
	}
	select {}
}

// crashBatch is the batch of a seed; its first object may be deleted later.
func crashBatch(seed uint64) []stix.Object {
	n := 3
	if seed%8 == 0 {
		n = 130
	}
	return stixtest.Objects(seed, n)
}

// crashRelease releases what the batch of a seed added to two logs, withdraws some
// of it from the second, and changes a label to the seed.
func crashRelease(seed uint64, r *store.Receipt) *store.Batch {
	return &store.Batch{
		Log: benchLog, At: benchTime,
		Relabel: []store.Relabel{{Added: r.Added[1], From: r.Labels[1], To: store.Label(seed)}},
		Releases: []store.Release{
			{Log: "r", Of: benchLog, Add: r.Added},
			{Log: "s", Of: benchLog, Add: r.Added[:2]},
			{Log: "s", Of: benchLog, Drop: r.Added[1:2], Add: r.Added[2:3]},
		},
		Cursor: &store.CursorMove{Name: fmt.Sprint("c", seed), From: "done", To: "released"},
	}
}

// TestKill kills a process that commits, again and again, and looks whether
// everything that was acknowledged is there. ENTENTE_TEST_KILLS says how often.
func TestKill(t *testing.T) {
	rounds := 20
	if v := os.Getenv("ENTENTE_TEST_KILLS"); v != "" {
		var err error
		if rounds, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "store.db")
	rnd := rand.New(rand.NewPCG(5, 6))
	acked := map[uint64]store.Added{}
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envCrash+"="+path, fmt.Sprint("ENTENTE_TEST_SEED=", (round+1)*1_000_000))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		kill := 1 + rnd.IntN(40)
		for n := 0; lines.Scan(); n++ {
			var seed uint64
			var added int64
			if _, err := fmt.Sscan(lines.Text(), &seed, &added); err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			acked[seed] = store.Added(added)
			if n == kill {
				time.Sleep(time.Duration(rnd.IntN(2000)) * time.Microsecond)
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		verifyAcked(t, path, acked)
	}
}

func verifyAcked(t *testing.T, path string, acked map[uint64]store.Added) {
	t.Helper()
	s, err := Open(path, Options{NoCompression: true, LockTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := (sound{s}).Close(); err != nil {
			t.Fatal(err)
		}
	}()
	q := store.Query{SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}, Limit: 1 << 30, Want: store.WantObjects | store.WantRows}
	verifyReleased(t, s, acked)
	var p store.Page
	if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
		t.Fatal(err)
	}
	raws := make(map[string]store.Added, p.N)
	for i := range p.N {
		raws[string(p.Object(i))] = p.Rows[i].Added
	}
	for seed, first := range acked {
		for i, o := range crashBatch(seed) {
			if i == 0 {
				continue // may be deleted
			}
			if got := raws[o.Raw]; got != first+store.Added(i) {
				t.Fatalf("object %d of batch %d has Added %d, want %d", i, seed, got, first+store.Added(i))
			}
		}
		if v, err := s.Cursor(context.Background(), fmt.Sprint("c", seed)); err != nil || v != "released" {
			t.Fatalf("cursor of batch %d: %q, %v", seed, v, err)
		}
	}
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
}

// verifyReleased checks the release logs of crashRelease: one commit is there in
// both of them, with its label, or in neither.
func verifyReleased(t *testing.T, s *Store, acked map[uint64]store.Added) {
	t.Helper()
	at := [2]map[store.Added]store.Label{}
	for i, id := range []store.LogID{"r", "s"} {
		p := readRows(t, s, id)
		at[i] = make(map[store.Added]store.Label, p.N)
		for _, row := range p.Rows {
			at[i][row.At] = row.Label
		}
		if len(at[i]) != p.N {
			t.Fatalf("release log %q has %d entries of %d", id, p.N, len(at[i]))
		}
	}
	for seed, first := range acked {
		label, ok := at[0][first+1]
		if !ok || label != store.Label(seed) {
			t.Fatalf("batch %d: entry 1 is released: %v, with label %d", seed, ok, label)
		}
		if _, ok := at[1][first+1]; ok {
			t.Fatalf("batch %d: entry 1 was never in the second release log", seed)
		}
	}
	for a := range at[1] {
		if _, ok := at[0][a]; !ok {
			t.Fatalf("entry %d is in one release log only", a)
		}
	}
}

// TestFull lets the file run into a limit and lifts it again, in a process of
// its own: the limit is one of the process.
func TestFull(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envFull+"="+filepath.Join(t.TempDir(), "store.db"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// limitFile limits the size of the files that this process writes.
func limitFile(bytes uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = min(bytes, l.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

func fullChild(path string) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := limitFile(20 << 20); err != nil {
		return err
	}
	var kept []stix.Object
	fill := func() error {
		for seed := uint64(len(kept)) + 1; seed < 1e6; seed += 1000 {
			objs := stixtest.Objects(seed, 1000)
			if _, err := s.Commit(ctx, &store.Batch{Log: benchLog, Objects: objs, At: benchTime}); err != nil {
				return err
			}
			kept = append(kept, objs...)
		}
		return errors.New("the limit was never met")
	}
	verify := func(when string) error {
		var raws []string
		for i := range kept {
			raws = append(raws, kept[i].Raw)
		}
		q := store.Query{SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}, Limit: 1 << 30, Want: store.WantObjects}
		var p store.Page
		if err := s.Read(ctx, benchLog, &q, &p); err != nil {
			return err
		}
		if string(p.Objects) != strings.Join(raws, ",") {
			return fmt.Errorf("%s: the log is not what was acknowledged", when)
		}
		if findings, err := s.Check(ctx); err != nil || len(findings) > 0 {
			return fmt.Errorf("%s: %v %v", when, findings, err)
		}
		return nil
	}
	for round := range 3 {
		if err := fill(); !errors.Is(err, store.ErrFull) {
			return fmt.Errorf("round %d: %w, want ErrFull", round, err)
		}
		for range 2 { // again and again
			if _, err := s.Put(ctx, store.Document{Kind: "k", ID: fmt.Sprint(round), Body: make([]byte, 15<<20)}); !errors.Is(err, store.ErrFull) {
				return fmt.Errorf("round %d: put: %w, want ErrFull", round, err)
			}
		}
		if err := verify("full"); err != nil {
			return err
		}
		if err := limitFile(uint64(40+20*round) << 20); err != nil {
			return err
		}
		more := stixtest.Objects(uint64(round)+2e6, 100)
		if _, err := s.Commit(ctx, &store.Batch{Log: benchLog, Objects: more, At: benchTime}); err != nil {
			return fmt.Errorf("round %d, after making room: %w", round, err)
		}
		kept = append(kept, more...)
		if err := verify("after making room"); err != nil {
			return err
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = Open(path, Options{}); err != nil {
		return err
	}
	if err := verify("opened again"); err != nil {
		return err
	}
	return s.Close()
}
