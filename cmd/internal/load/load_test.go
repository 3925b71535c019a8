package load

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
	"entente/store/mem"
)

const log = store.LogID("0d6cb7d2-5ac7-4a5f-9b2d-6f0d3f8f0c11")

func loader(st store.Store) *Loader {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Loader{Store: st, Log: log, Now: func() time.Time { return at }, MaxRefused: 10}
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// stored returns the bytes of all objects, joined by commas.
func stored(t *testing.T, st store.Store) string {
	t.Helper()
	var p store.Page
	if err := st.Read(t.Context(), log, &store.Query{Versions: store.Versions{All: true}, Limit: 1 << 20, Want: store.WantObjects}, &p); err != nil {
		t.Fatal(err)
	}
	return string(p.Objects)
}

func lines(objects []stix.Object) string {
	var b strings.Builder
	for _, o := range objects {
		b.WriteString(o.Raw + "\n")
	}
	return b.String()
}

func joined(objects []stix.Object) string {
	var raws []string
	for _, o := range objects {
		raws = append(raws, o.Raw)
	}
	return strings.Join(raws, ",")
}

func TestFormats(t *testing.T) {
	objects := stixtest.Objects(1, 2500)
	want := joined(objects)
	var gz, zst bytes.Buffer
	envelope := stixtest.Envelope(objects)
	g := gzip.NewWriter(&gz)
	g.Write([]byte(envelope))
	g.Close()
	z, _ := zstd.NewWriter(&zst)
	z.Write([]byte(envelope))
	z.Close()
	for name, content := range map[string]string{
		"envelope": envelope,
		"bundle":   `{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[` + want + `]}`,
		"list":     "[" + want + "]",
		"ndjson":   lines(objects),
		"gzip":     gz.String(),
		"zstd":     zst.String(),
	} {
		t.Run(name, func(t *testing.T) {
			st := mem.New()
			file := write(t, name, []byte(content))
			var sum Summary
			read := 0
			l := loader(st)
			l.Read = func(n int) { read += n }
			if err := l.File(t.Context(), file, &sum); err != nil {
				t.Fatal(err)
			}
			if sum.Stored != 2500 || sum.Refused != 0 || read != len(content) {
				t.Errorf("summary %+v, %d bytes read of %d", sum, read, len(content))
			}
			if stored(t, st) != want {
				t.Error("the bytes changed")
			}
			sum = Summary{}
			if err := l.File(t.Context(), file, &sum); err != nil || sum.Known != 2500 || sum.Stored != 0 || sum.Skipped != 0 {
				t.Errorf("second import: %+v, %v", sum, err)
			}
		})
	}
}

// flaky fails the n-th commit, before or after it took effect.
type flaky struct {
	store.Store
	n     int
	after bool
}

var errFlaky = errors.New("flaky")

func (f *flaky) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	f.n--
	if f.n == 0 && !f.after {
		return store.Receipt{}, errFlaky
	}
	r, err := f.Store.Commit(ctx, b)
	if f.n == 0 {
		return store.Receipt{}, errFlaky
	}
	return r, err
}

func TestResume(t *testing.T) {
	objects := stixtest.Objects(2, 4500)
	file := write(t, "f.json", []byte(stixtest.Envelope(objects)))
	for _, after := range []bool{false, true} {
		for n := 1; n <= 5; n++ {
			st := mem.New()
			var sum Summary
			if err := loader(&flaky{st, n, after}).File(t.Context(), file, &sum); !errors.Is(err, errFlaky) {
				t.Fatalf("commit %d: err = %v", n, err)
			}
			first := sum
			sum = Summary{}
			if err := loader(st).File(t.Context(), file, &sum); err != nil {
				t.Fatal(err)
			}
			if got := stored(t, st); got != joined(objects) {
				t.Errorf("commit %d, after %v: what is stored differs", n, after)
			}
			done := int64(1000 * n)
			if !after {
				done -= 1000
			}
			if done = min(done, 4500); after && n == 5 {
				done = 0 // all was stored and the progress forgotten: known now
			}
			if sum.Skipped != done || first.Stored > 1000*int64(n) {
				t.Errorf("commit %d, after %v: first %+v, then %+v, want %d skipped", n, after, first, sum, done)
			}
		}
	}
}

func TestRestartAndOnce(t *testing.T) {
	objects := stixtest.Objects(3, 1500)
	file := write(t, "f.json", []byte(stixtest.Envelope(objects)))
	st := mem.New()
	var sum Summary
	if err := loader(&flaky{st, 2, false}).File(t.Context(), file, &sum); err == nil {
		t.Fatal("no error")
	}
	l := loader(st)
	l.Restart, l.Once = true, true
	sum = Summary{}
	if err := l.File(t.Context(), file, &sum); err != nil || sum.Known != 1000 || sum.Stored != 500 || sum.Skipped != 0 {
		t.Errorf("restart: %+v, %v", sum, err)
	}
	sum = Summary{}
	if err := l.File(t.Context(), file, &sum); err != nil || !sum.Unchanged {
		t.Errorf("once more: %+v, %v", sum, err)
	}
}

func TestRefusals(t *testing.T) {
	good := stixtest.Objects(4, 2)
	content := good[0].Raw + "\n{\"type\":\"x\"}\nnonsense\n" + good[1].Raw + "\n" + strings.Replace(good[0].Raw, `":"`, `": "`, 1) + "\n"
	st := mem.New()
	var sum Summary
	if err := loader(st).File(t.Context(), write(t, "f.ndjson", []byte(content)), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Stored != 2 || sum.Known != 1 || sum.Refused != 2 || len(sum.Refusals) != 2 || sum.Refusals[0].Index != 1 || sum.Refusals[1].Index != 2 {
		t.Errorf("summary %+v", sum)
	}
	sum = Summary{}
	cut := stixtest.Envelope(good)
	if err := loader(st).Stream(t.Context(), "-", strings.NewReader(cut[:len(cut)-10]), &sum); err != nil || sum.Known != 1 || sum.Refused != 1 {
		t.Errorf("cut off: %+v, %v", sum, err)
	}
	if got := sum.Refusals[0].String(); !strings.Contains(got, "not read from here on: line 1, column") {
		t.Errorf("refusal %q", got)
	}
}
