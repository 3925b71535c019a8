package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"entente/store/bolt"
)

// BenchmarkSubscribers compares 1,000 accounts of 20 partners, by one flow each, with
// 20 accounts of theirs: the time of pages of 1,000 objects, of which half are visible,
// over TCP by 16 connections that ask for one account after the other, in turns; and
// what the heap has once every account has been served.
func BenchmarkSubscribers(b *testing.B) {
	const partners = 20
	st, err := bolt.Open(filepath.Join(b.TempDir(), "data"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	releaser := benchReleaser(b, st, partners)
	fillShared(b, releaser, 20_000, 50, 250)
	bare := heap()
	var all [2]*subscribers
	var grown [2]float64
	for i, each := range []int{1, 50} {
		before := heap()
		all[i] = newSubscribers(b, partners, each, func(c *Config) { c.Store, c.Releaser = st, releaser })
		all[i].poll(b, partners*each)
		grown[i] = float64(heap() - before)
	}
	var took [2]time.Duration
	for b.Loop() {
		for i, s := range all {
			start := time.Now()
			s.poll(b, 1000)
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "of-time")
	b.ReportMetric((float64(bare)+grown[1])/(float64(bare)+grown[0]), "of-memory")
	b.ReportMetric((grown[1]-grown[0])/float64(49*partners), "B/subscriber")
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Subscribers are accounts of partners at a server of their own.
type subscribers struct {
	url    string
	tokens []string
	wires  []*http.Client
}

// newSubscribers has so many accounts of each of the partners.
func newSubscribers(b *testing.B, partners, each int, change func(*Config)) *subscribers {
	all := &subscribers{}
	var accounts []Account
	for i := range partners * each {
		token := fmt.Sprint("token", i)
		accounts = append(accounts, Account{Name: fmt.Sprint("partner", i), Tokens: [][32]byte{HashToken(token)}, Partner: benchPartner(i % partners)})
		all.tokens = append(all.tokens, token)
	}
	s, _ := authServer(b, change, func(c *Config) {
		var err error
		c.Log = slog.New(slog.DiscardHandler)
		if c.Accounts, err = NewAccounts(accounts); err != nil {
			b.Fatal(err)
		}
	})
	all.url = listen(b, s.HTTPServer()) + objectsA + "?limit=1000"
	for range 16 {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, ReadBufferSize: 256 << 10}}
		b.Cleanup(client.CloseIdleConnections)
		all.wires = append(all.wires, client)
	}
	return all
}

// poll asks for n pages, for one account after the other.
func (s *subscribers) poll(b *testing.B, n int) {
	var wg sync.WaitGroup
	for from, client := range s.wires {
		wg.Go(func() {
			for i := from; i < n; i += len(s.wires) {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url, nil)
				if err != nil {
					b.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+s.tokens[i%len(s.tokens)])
				r.Header.Set("Accept-Encoding", "identity")
				res, err := client.Do(r)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Error(res, err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	wg.Wait()
}
