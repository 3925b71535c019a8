package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"time"

	"entente/store/mem"
	"entente/taxii/server"
)

// authentication is what a request with a known password costs more than one
// without, on a server that takes both, in this process and without sockets.
func authentication(ctx context.Context, r *run) (float64, string, error) {
	hash, err := server.HashPassword("bench", rand.Reader)
	if err != nil {
		return 0, "", err
	}
	account := server.Account{Name: "bench", Password: hash}
	accounts, err := server.NewAccounts([]server.Account{account})
	if err != nil {
		return 0, "", err
	}
	st := mem.New()
	defer st.Close()
	s, err := server.New(ctx, server.Config{
		Store: st, Accounts: accounts, Anonymous: &server.Account{Name: "anonymous"},
		Roots: []server.Root{{Path: "hub", Title: "Hub"}},
		Now:   time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return 0, "", err
	}
	h := s.Handler()
	ask := func(credentials string) func() error {
		q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/hub/", nil) // never fails
		q.RequestURI, q.RemoteAddr = "/hub/", "127.0.0.1:1"
		if credentials != "" {
			q.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
		}
		w := &discard{header: http.Header{}}
		return func() error {
			clear(w.header)
			w.status = http.StatusOK
			h.ServeHTTP(w, q)
			if w.status != http.StatusOK {
				return fmt.Errorf("status %d", w.status)
			}
			return nil
		}
	}
	known, anonymous := ask("bench:bench"), ask("")
	with, without := math.Inf(1), math.Inf(1) // the best of many: noise only adds
	for range 10 * r.Rounds {
		a, _, err := repeat(r.time()/20, known)
		if err != nil {
			return 0, "", err
		}
		b, _, err := repeat(r.time()/20, anonymous)
		if err != nil {
			return 0, "", err
		}
		with, without = min(with, a), min(without, b)
	}
	return with - without, fmt.Sprintf("whole request %.2f µs, anonymous %.2f µs, without sockets, best of %d", with, without, 10*r.Rounds), nil
}

// A discard is a ResponseWriter that keeps the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
