package server

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/policy"
	"entente/policy/release"
	"entente/stix"
	"entente/store"
	"entente/store/bolt"
	"entente/taxii"
)

// BenchmarkShared is a partner's page of 1,000 objects of 1 kB from its release log
// on the embedded store, over TCP by 16 connections, as a ratio to Go's net/http
// serving pages of the same size from memory, in turns. So much of the collection is
// visible to the partner: at random, or in bursts of 250.
func BenchmarkShared(b *testing.B) {
	for _, visible := range []int{90, 50, 10} {
		for _, burst := range []int{1, 250} {
			b.Run(fmt.Sprintf("visible=%d/burst=%d", visible, burst), func(b *testing.B) { benchShared(b, visible, burst) })
		}
	}
}

func benchShared(b *testing.B, visible, burst int) {
	st, err := bolt.Open(filepath.Join(b.TempDir(), "data"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	releaser := benchReleaser(b, st, 1)
	fillShared(b, releaser, 40_000, visible, burst)
	var page []byte
	s, _ := authServer(b, func(c *Config) {
		c.Store, c.Releaser = st, releaser
		c.Log = slog.New(slog.DiscardHandler)
		c.Accounts, err = NewAccounts([]Account{{Name: "partner", Tokens: [][32]byte{HashToken("token")}, Partner: benchPartner(0)}})
	})
	if err != nil {
		b.Fatal(err)
	}
	static := http.NewServeMux()
	static.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(page))}
		_, _ = w.Write(page)
	})
	ours, theirs := listen(b, s.HTTPServer()), listen(b, &http.Server{Handler: static})
	page = get(b, ours, objectsA+"?limit=1000")
	if n := bytes.Count(page, []byte(`"spec_version"`)); n != 1000 {
		b.Fatalf("a page has %d objects", n)
	}
	var took [2]time.Duration
	for b.Loop() {
		for i, at := range []string{ours, theirs} {
			start := time.Now()
			poll(b, at, objectsA+"?limit=1000", 16, 12)
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "of-net/http")
	b.ReportMetric(16*12*float64(b.N)/took[0].Seconds(), "pages/s")
}

func benchPartner(i int) policy.OrgID {
	return policy.OrgID(fmt.Sprintf("identity--%08d-0000-4000-8000-000000000001", i))
}

// benchReleaser has n partners that see GREEN.
func benchReleaser(b testing.TB, st store.Store, n int) *release.Releaser {
	const us policy.OrgID = "identity--aaaaaaaa-0000-4000-8000-000000000001"
	var list []*policy.Agreement
	for i := range n {
		p := benchPartner(i)
		list = append(list, &policy.Agreement{
			ID: policy.AgreementID("mou--" + strings.TrimPrefix(string(p), "identity--")), Revision: 1, Status: policy.Active,
			Valid:    policy.Validity{From: "2020-01-01T00:00:00Z", Until: "2090-01-01T00:00:00Z"},
			Purposes: policy.Purposes{Allow: []string{"defence"}},
			Parties:  policy.Parties{A: policy.Party{Org: us}, B: policy.Party{Org: p, Understands: []string{"tlp1", "tlp2"}}},
			Flows: []policy.FlowTerms{{
				Name: "out", Direction: "a->b", Collections: []string{collA}, Channels: []string{"poll"}, Purposes: []string{"defence"},
				Select: policy.Select{Types: []string{"*"}}, TLP: policy.TLPTerms{Max: "GREEN", Default: "AMBER+STRICT", Floor: "CLEAR", Red: "never"},
				PersonalData: policy.PersonalDataTerms{Allow: []string{"indirect"}, Ground: "x"}, Changes: policy.ChangeTerms{Retroactive: "all"},
			}},
		})
	}
	set, err := policy.Compile(us, list)
	if err != nil {
		b.Fatal(err)
	}
	r, err := release.New(b.Context(), release.Config{
		Store: st, Collections: []release.Collection{{Log: collA, Names: []string{collA}}}, Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}, set)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// fillShared commits n objects, so many of a hundred GREEN and the others AMBER.
func fillShared(b *testing.B, r *release.Releaser, n, visible, burst int) {
	rnd := mrand.New(mrand.NewPCG(1, 2))
	green := true
	for from := 0; from < n; from += 1000 {
		var objects []stix.Object
		for i := from; i < from+1000; i++ {
			if i%burst == 0 {
				green = rnd.IntN(100) < visible
			}
			objects = append(objects, sharedObject(b, i, green))
		}
		if _, err := r.Write(b.Context(), &store.Batch{Log: collA, Objects: objects, At: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
}

func sharedObject(b testing.TB, i int, green bool) stix.Object {
	marking := "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
	if green {
		marking = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	}
	o, err := stix.Parse(fmt.Sprintf(`{"type":"attack-pattern","spec_version":"2.1","id":"attack-pattern--%08d-0000-4000-8000-000000000000",`+
		`"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"%d","object_marking_refs":[%q],"description":%q}`,
		i, i, marking, strings.Repeat("word ", 140)))
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// listen serves s on loopback until the benchmark ends.
func listen(b *testing.B, s *http.Server) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	if s.ConnContext != nil {
		l = Listen(l)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	b.Cleanup(func() { _ = s.Close(); <-done })
	return "http://" + l.Addr().String()
}

func asPartner(b *testing.B, at, path string) *http.Request {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, at+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer token")
	r.Header.Set("Accept-Encoding", "identity")
	return r
}

func get(b *testing.B, at, path string) []byte {
	resp, err := http.DefaultClient.Do(asPartner(b, at, path))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("%d %s %v", resp.StatusCode, body, err)
	}
	return body
}

// poll asks for path n times on each of so many connections.
func poll(b *testing.B, at, path string, connections, n int) {
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, ReadBufferSize: 256 << 10}}
			defer client.CloseIdleConnections()
			for range n {
				resp, err := client.Do(asPartner(b, at, path))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

// BenchmarkIngest is a durable POST of 1,000 objects on the embedded store, with
// partners who see half of them, as a ratio to the same without partners, in turns.
func BenchmarkIngest(b *testing.B) {
	for _, partners := range []int{1, 20} {
		b.Run(fmt.Sprintf("partners=%d", partners), func(b *testing.B) { benchIngest(b, partners) })
	}
}

func benchIngest(b *testing.B, partners int) {
	handlers := make([]http.Handler, 2)
	for i := range handlers {
		st, err := bolt.Open(filepath.Join(b.TempDir(), "data"), bolt.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = st.Close() })
		var releaser *release.Releaser
		if i == 1 {
			releaser = benchReleaser(b, st, partners)
		}
		s, _ := authServer(b, func(c *Config) {
			c.Store, c.Releaser, c.Now = st, releaser, time.Now
			c.Roots[0].MaxContentLength = 16 << 20
			c.Log = slog.New(slog.DiscardHandler)
		})
		handlers[i] = s.Handler()
	}
	var took [2]time.Duration
	n := 0
	for b.Loop() {
		var body strings.Builder
		body.WriteString(`{"objects":[`)
		for i := range 1000 {
			if i > 0 {
				body.WriteByte(',')
			}
			body.WriteString(sharedObject(b, n, n%2 == 0).Raw)
			n++
		}
		body.WriteString("]}")
		for i, h := range handlers {
			r := httptest.NewRequest("POST", objectsA, strings.NewReader(body.String()))
			r.SetBasicAuth("rw", "rw")
			r.Header.Set("Content-Type", taxii.MediaType)
			w := &sink{h: http.Header{}}
			start := time.Now()
			h.ServeHTTP(w, r)
			took[i] += time.Since(start)
			if w.status != http.StatusAccepted {
				b.Fatal(w.status)
			}
		}
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "of-none")
	b.ReportMetric(float64(n)/took[1].Seconds(), "objs/s")
}
