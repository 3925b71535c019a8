package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entente/store"
)

// HTTPServer returns an http.Server for s with the time limits that keep slow
// clients from holding it. It speaks HTTP/1.1 only: HTTP/2 costs twice the CPU
// for large pages. The caller listens, serves and shuts down.
func (s *Server) HTTPServer() *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	l := &s.c.Limits
	return &http.Server{
		Handler:           s.Handler(),
		Protocols:         &protocols,
		ReadHeaderTimeout: l.HeaderTimeout,
		ReadTimeout:       l.ReadTimeout,
		WriteTimeout:      l.WriteTimeout,
		IdleTimeout:       l.IdleTimeout,
		MaxHeaderBytes:    l.Header,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(s.c.Log.Handler(), slog.LevelDebug),
	}
}

// TLSConfig returns what TAXII 2.1, section 8.2.2 asks for: TLS 1.2 and later,
// of TLS 1.2 only suites with authenticated encryption and forward secrecy.
func TLSConfig(certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: certificates,
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// AdminHandler serves operators: /healthz (the process answers), /readyz (the
// store does too) and, if metrics is not nil, /metrics. It asks for no
// credentials: it belongs on a loopback address, and must be asked by its address
// or as localhost, which no page in an operator's browser can do.
func (s *Server) AdminHandler(metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if _, err := s.c.Store.Cursor(ctx, "ready"); err != nil {
			s.c.Log.Error("not ready", slog.String("err", err.Error()))
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	if metrics != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if net.ParseIP(strings.Trim(host, "[]")) == nil && host != "localhost" {
			http.Error(w, "ask by address", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Tidy removes expired documents every interval until ctx ends, then returns
// nil; it goes on after errors, which it logs.
func (s *Server) Tidy(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := s.tidyOnce(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.Error("removing expired documents", slog.String("err", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Server) tidyOnce(ctx context.Context) error {
	const batch = 1000
	for {
		n, err := s.c.Store.Expire(ctx, store.Added(s.c.Now().UnixMicro()), batch)
		if err != nil || n < batch {
			return err
		}
	}
}
