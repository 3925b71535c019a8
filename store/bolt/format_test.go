package bolt

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"

	"entente/stix/stixtest"
	"entente/store"
)

var writeFormat = flag.Bool("write-format", false, "write testdata/format-1.db.zst anew; only before a format is released")

const format1 = "testdata/format-1.db.zst"

var format1Time = time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)

// TestFormat1 opens a file that the first release has written, as every later
// one must: with all of its objects, dates, documents and cursors.
func TestFormat1(t *testing.T) {
	if *writeFormat {
		makeFormat1(t)
	}
	packed, err := os.ReadFile(format1)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	path := filepath.Join(t.TempDir(), "store.db")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dec.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var upgraded []string
	for i := range 3 { // as it was, and after this program has written to it
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		holdsFormat1(t, s)
		switch i {
		case 0:
			upgradedFormat1(t, s)
			upgraded = allRows(t, s, "r")
		default:
			if now := allRows(t, s, "r"); !slices.Equal(now, upgraded) {
				t.Errorf("release log %v, want %v", now, upgraded)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// upgradedFormat1 gives old entries labels and releases them.
func upgradedFormat1(t *testing.T, s *Store) {
	t.Helper()
	if err := s.db.View(func(tx *bbolt.Tx) error {
		if v, err := readFormat(tx); err != nil || v != format() {
			t.Errorf("format %d after opening, %v; want %d", v, err, format())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	rows := readRows(t, s, "log").Rows[:5]
	b := store.Batch{Log: "log", At: format1Time, Releases: []store.Release{{Log: "r", Of: "log"}}}
	for i, row := range rows {
		if row.Label != 0 {
			t.Errorf("label %d in an old file", row.Label)
		}
		b.Relabel = append(b.Relabel, store.Relabel{Added: row.Added, To: store.Label(i)})
		b.Releases[0].Add = append(b.Releases[0].Add, row.Added)
	}
	if _, err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := readRows(t, s, "r").Rows
	for i, row := range rows {
		if got[i].At != row.Added || got[i].Label != store.Label(i) || got[i].ID != row.ID {
			t.Errorf("entry %d of the release log is %+v, want %+v", i, got[i], row)
		}
	}
}

// holdsFormat1 checks what makeFormat1 wrote, and adds an object.
func holdsFormat1(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	if wrong, err := s.Check(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("check: %q, %v", wrong, err)
	}
	var p store.Page
	q := store.Query{Limit: 100, Want: store.WantObjects | store.WantRows, SpecVersions: []string{"2.0", "2.1"}, Versions: store.Versions{All: true}}
	if err := s.Read(ctx, "log", &q, &p); err != nil {
		t.Fatal(err)
	}
	want := stixtest.Fixture()
	if p.N < len(want)-1 {
		t.Fatalf("%d entries, want %d", p.N, len(want)-1)
	}
	for i, o := range want[1:] { // the first was deleted
		added := store.Added(format1Time.UnixMicro() + 1000 - int64(len(want)) + int64(i) + 2)
		if string(p.Object(i)) != o.Raw || p.Rows[i].Added != added {
			t.Errorf("entry %d is %s of %s, want %s of %s", i, p.Rows[i].ID, p.Rows[i].Added, o.ID, added)
		}
	}
	d, err := s.Document(ctx, "kind", "id")
	if err != nil || string(d.Body) != "body" || d.Rev != 1 || d.Expires != 7 {
		t.Errorf("document %+v, %v", d, err)
	}
	if c, err := s.Cursor(ctx, "cursor"); err != nil || c != "here" {
		t.Errorf("cursor %q, %v", c, err)
	}
	if _, err := s.Commit(ctx, &store.Batch{Log: "log", Objects: stixtest.Objects(1, 300), At: format1Time}); err != nil {
		t.Error(err)
	}
}

func makeFormat1(t *testing.T) {
	t.Helper()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{NoCompression: true})
	if err != nil {
		t.Fatal(err)
	}
	objs := stixtest.Fixture()
	batch := store.Batch{
		Log: "log", Objects: objs, At: format1Time.Add(time.Microsecond),
		Put: []store.Document{{Kind: "kind", ID: "id", Body: []byte("body"), Expires: 7}}, Cursor: &store.CursorMove{Name: "cursor", To: "here"},
	}
	if _, err := s.Commit(ctx, &batch); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Delete(ctx, "log", objs[0].ID, &store.Query{Versions: store.Versions{All: true}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(format1, enc.EncodeAll(plain, nil), 0o644); err != nil {
		t.Fatal(err)
	}
}
