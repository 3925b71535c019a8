package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/stix/stixtest"
	"entente/store"
	"entente/taxii"
)

// postLarge posts body as rw to a root that takes 32 MiB.
func postLarge(t *testing.T, body string) (*site, taxii.Status) {
	s := newSite(t, func(c *Config) { c.Roots[0].MaxContentLength = 32 << 20 })
	a := s.do("rw", "POST", objectsA, body)
	if a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %.200s", a.StatusCode, a.body)
	}
	var st taxii.Status
	a.into(t, &st)
	if again := s.get("/api1/status/" + st.ID + "/"); string(again.body) != string(a.body) {
		t.Errorf("the status of %d bytes is kept as %d", len(a.body), len(again.body))
	}
	return s, st
}

// TestStatusFits: a good object is stored, whatever is wrong with those beside
// it, and however much text the others have.
func TestStatusFits(t *testing.T) {
	good := stixtest.Fixture()[0].Raw
	digits, quotes := strings.Repeat("1", 7<<20), strings.Repeat(`\"`, 200)
	for _, tc := range []struct {
		name, bad string
		n, listed int
	}{
		{"timestamps of 7 MiB", `{"type":"x-evil","id":"x-evil--00000000-0000-4000-8000-%012d","created":"2020-01-01T00:00:00.` + digits + `Z"}`, 3, 3},
		{"versions of 7 MiB", `{"type":"x-evil","id":"x-evil--00000000-0000-4000-8000-%012d","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00.` + digits + `Z"}`, 3, 3},
		{"long ids", `{"type":"` + strings.Repeat("x", 250) + `","id":"` + strings.Repeat("x", 250) + `--00000000-0000-4000-8000-%012d","created":1}`, 9000, 0},
		{"names to escape", `{"type":"x-evil","id":"x-evil--00000000-0000-4000-8000-%012d","` + quotes + `":1,"` + quotes + `":1}`, 9000, 0},
		{"few words", `{"type":"x-evil","id":"x-evil--00000000-0000-4000-8000-%012d","created":1}`, 9000, 9000},
		{"more than are kept", `%d`, 10_001, 0},
	} {
		var b strings.Builder
		b.WriteString(`{"objects":[`)
		for i := range tc.n {
			fmt.Fprintf(&b, tc.bad+",", i)
		}
		s, st := postLarge(t, b.String()+good+"]}")
		if st.SuccessCount != 1 || st.FailureCount != tc.n || st.TotalCount != tc.n+1 || len(st.Failures) != tc.listed {
			t.Errorf("%s: of %d: %d successes, %d failures, %d listed; want 1, %d, %d",
				tc.name, st.TotalCount, st.SuccessCount, st.FailureCount, len(st.Failures), tc.n, tc.listed)
		}
		if a := s.get(objectsA); string(a.body) != envelopeOf(good) {
			t.Errorf("%s: the good object: %.200s", tc.name, a.body)
		}
	}
}

// TestLongestStatus: the bounds on failures keep a status below store.MaxBody,
// if every byte of their text becomes six.
func TestLongestStatus(t *testing.T) {
	frame, err := json.Marshal(taxii.StatusDetail{ID: "x", Version: "x", Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	const last, rest = 1000, 4096 // the detail that passes the bound; the rest of the record
	if n := 6*(maxFailureText+last) + maxFailures*(len(frame)+1) + rest; n > store.MaxBody {
		t.Errorf("%d bytes, a document has %d", n, store.MaxBody)
	}
}

// A gate keeps commits waiting.
type gate struct {
	store.Store
	waiting atomic.Int64
	open    chan bool
}

func (g *gate) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	g.waiting.Add(1)
	<-g.open
	return g.Store.Commit(ctx, b)
}

// TestElementsAreCounted: what elements take in memory belongs to the account's
// share of bodies, however few bytes they came in.
func TestElementsAreCounted(t *testing.T) {
	g := &gate{open: make(chan bool)}
	s := newSite(t, func(c *Config) {
		g.Store, c.Store = c.Store, g
		c.Limits.Bodies, c.Roots[1].MaxContentLength = 16<<20, 1<<20
	})
	body := `{"objects":[` + strings.Repeat("1,", 9_999) + `1]}` // 20 kB; 10,000 items, doubled to 16,384
	var all sync.WaitGroup
	var busy atomic.Int64
	const n = 8
	for range n {
		all.Go(func() {
			switch a := s.do("wo", "POST", objectsA, body); a.StatusCode {
			case 202:
			case 503:
				busy.Add(1)
			default:
				t.Errorf("%d %.200s", a.StatusCode, a.body)
			}
		})
	}
	for deadline := time.Now().Add(10 * time.Second); g.waiting.Load()+busy.Load() < n && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	got := g.waiting.Load() // none, if all have a part of what they need and none can have the rest
	if got > 8<<20/(10_000*itemCost) || got+busy.Load() != n {
		t.Errorf("of %d POSTs %d have passed the scan and %d are told to come back, in a share of 8 MiB", n, got, busy.Load())
	}
	close(g.open)
	if st := s.post(stixtest.Fixture()[0].Raw); st.SuccessCount != 1 {
		t.Errorf("another account: %+v", st)
	}
	all.Wait()
	s.logged() // until then the last ones may not have given back what they had
	if a := s.do("wo", "POST", objectsA, body); a.StatusCode != 202 {
		t.Errorf("alone: %d %.200s", a.StatusCode, a.body)
	}
	s.logged()
	if !s.srv.bodies.TryAcquire(16 << 20) {
		t.Error("a reservation was not given back")
	}
}

// TestErrorsAreFew: elements beyond what a status lists cost nothing but time.
func TestErrorsAreFew(t *testing.T) {
	const all, most = 256 << 20, 8 << 20
	g := &gate{open: make(chan bool)}
	s := newSite(t, func(c *Config) { g.Store, c.Store, c.Limits.Bodies = c.Store, g, all })
	var done sync.WaitGroup
	done.Go(func() {
		var st taxii.Status
		s.do("wo", "POST", objectsA, `{"objects":[`+strings.Repeat("1,", 99_999)+`1]}`).into(t, &st)
		if st.FailureCount != 100_000 || st.TotalCount != 100_000 || len(st.Failures) != 0 {
			t.Errorf("of %d: %d failures, %d listed", st.TotalCount, st.FailureCount, len(st.Failures))
		}
	})
	for g.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if !s.srv.bodies.TryAcquire(all - most) {
		t.Errorf("100,000 elements of 200 kB have more than %d bytes", most)
	} else {
		s.srv.bodies.Release(all - most)
	}
	close(g.open)
	done.Wait()
}

// TestRowsAreCounted: a manifest belongs to the pages in memory.
func TestRowsAreCounted(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Limits.Answers = 96 << 10 })
	objects := stixtest.Objects(3, 400)
	s.do("rw", "POST", objectsA, stixtest.Envelope(objects))
	manifest := "/api1/collections/" + collA + "/manifest/?limit="
	if a := s.get(manifest + "400"); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("400 rows and 70 kB of text in 96 KiB: %d, %d bytes", a.StatusCode, len(a.body))
	}
	if a := s.get(manifest + "40"); a.StatusCode != 200 {
		t.Errorf("40 rows: %d", a.StatusCode)
	}
	s.logged()
	if n := s.srv.answers.Load(); n != 0 {
		t.Errorf("%d bytes were not given back", n)
	}
}
