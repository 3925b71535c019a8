package bolt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
)

// slow is far more than anything here takes, and far less than it would take if
// its cost grew with the square of the input.
const slow = 5 * time.Second

func within(t *testing.T, what string, fn func()) {
	t.Helper()
	start := time.Now()
	fn()
	if took := time.Since(start); took > slow {
		t.Errorf("%s took %v", what, took)
	} else {
		t.Logf("%s took %v", what, took)
	}
}

func read(t *testing.T, s *Store, q store.Query) store.Page {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	q.Want = store.WantObjects | store.WantRows
	var p store.Page
	if err := s.Read(context.Background(), benchLog, &q, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestManyVersions has one object with as many versions as a log takes, added
// in random order.
func TestManyVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{NoCompression: true})
	if err != nil {
		t.Fatal(err)
	}
	versions := stixtest.Versions(1, store.MaxVersions+1)
	over := versions[len(versions)-1]
	newest := versions[store.MaxVersions-1]
	shuffled := append([]stix.Object(nil), versions[:store.MaxVersions]...)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	within(t, "committing by the thousand", func() {
		for i := 0; i < len(shuffled); i += 1000 {
			commit(t, s, shuffled[i:i+1000])
		}
	})
	if r := commit(t, s, []stix.Object{over}); r.Outcomes[0] != store.TooMany {
		t.Errorf("one more version: outcome %d", r.Outcomes[0])
	}
	within(t, "opening", func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, Options{NoCompression: true})
	})
	within(t, "all duplicates", func() { commit(t, s, shuffled[:1000]) })
	half := store.Added(s.log(benchLog).head - 5000)
	within(t, "queries", func() {
		for _, c := range []struct {
			q    store.Query
			want string
		}{
			{store.Query{}, newest.Raw},
			{store.Query{Versions: store.Versions{First: true}}, versions[0].Raw},
			{store.Query{Versions: store.Versions{Exact: []stix.Timestamp{versions[77].Version()}}}, versions[77].Raw},
			{store.Query{IDs: []stix.ID{over.ID}, SpecVersions: []string{"2.1"}}, newest.Raw},
		} {
			if p := read(t, s, c.q); string(p.Objects) != c.want {
				t.Errorf("%+v: %d objects: %.200s", c.q, p.N, p.Objects)
			}
		}
		if p := read(t, s, store.Query{After: half, Versions: store.Versions{First: true, Last: true}}); p.N != 2 {
			t.Errorf("first and last of the later half: %d objects", p.N)
		}
	})
	within(t, "deleting", func() {
		n, err := s.Delete(context.Background(), benchLog, over.ID, &store.Query{Versions: store.Versions{All: true}})
		if err != nil || n != store.MaxVersions {
			t.Errorf("%d deleted, %v", n, err)
		}
	})
}

// TestManyTypes has every object of a type of its own, all with one UUID, and
// ids in upper case.
func TestManyTypes(t *testing.T) {
	const n = 20_000
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	made := func(i int) stix.Object {
		kind, uuid := fmt.Sprintf("x-t%d", i), "ff26c055-6336-5bc5-b98d-13d6226742dd"
		if i%2 == 1 {
			uuid = "FF26C055-6336-5BC5-B98D-13D6226742DD"
		}
		return stixtest.Object(fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":"%s--%s","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z"}`, kind, kind, uuid))
	}
	within(t, "committing", func() {
		for i := 0; i < n; i += 1000 {
			objs := make([]stix.Object, 1000)
			for j := range objs {
				objs[j] = made(i + j)
			}
			commit(t, s, objs)
		}
	})
	within(t, "queries", func() {
		for i := 0; i < n; i += 199 {
			o := made(i)
			for _, q := range []store.Query{{Types: []string{o.Type}}, {IDs: []stix.ID{o.ID}}} {
				if p := read(t, s, q); string(p.Objects) != o.Raw || p.Rows[0].ID != o.ID {
					t.Fatalf("%s: got %s", o.Raw, p.Objects)
				}
			}
		}
	})
}
