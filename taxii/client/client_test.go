package client_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/taxii"
	"entente/taxii/client"
)

// A mock is a scripted server on loopback that remembers what it was asked.
type mock struct {
	*httptest.Server
	mu    sync.Mutex
	seen  []*http.Request
	slept []time.Duration
}

func newMock(t *testing.T, h http.HandlerFunc) *mock {
	t.Helper()
	m := &mock{}
	m.Server = httptest.NewServer(m.record(h))
	t.Cleanup(m.Server.Close)
	return m
}

func (m *mock) record(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.seen = append(m.seen, r)
		m.mu.Unlock()
		w.Header().Set("Content-Type", taxii.MediaType)
		h(w, r)
	}
}

func (m *mock) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var s []string
	for _, r := range m.seen {
		s = append(s, r.Method+" "+r.URL.RequestURI())
	}
	return s
}

// client returns a Client whose clock stands still and that notes its sleeps.
func (m *mock) client(t *testing.T, change ...func(*client.Config)) *client.Client {
	t.Helper()
	c := client.Config{
		URL:       m.URL + "/taxii2/",
		UserAgent: "entente/0.1",
		Auth:      client.Auth{User: "test", Password: "Passw0rd!"},
		Now:       func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Rand:      func() float64 { return 0 },
		Sleep: func(ctx context.Context, d time.Duration) error {
			m.mu.Lock()
			m.slept = append(m.slept, d)
			m.mu.Unlock()
			return ctx.Err()
		},
	}
	for _, f := range change {
		f(&c)
	}
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func (m *mock) collection(t *testing.T, change ...func(*client.Config)) *client.Collection {
	t.Helper()
	root, err := m.client(t, change...).Root(m.URL + "/api1")
	if err != nil {
		t.Fatal(err)
	}
	return root.Collection("c1")
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// C-3.1-01, C-3.1-02, C-3.2-01, C-8.5.1-04.
func TestEveryRequestIsProper(t *testing.T) {
	m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			answer(w, 202, `{"id":"s","status":"complete","total_count":1,"success_count":1,"failure_count":0,"pending_count":0}`)
		case r.Method == http.MethodDelete:
		default:
			answer(w, 200, `{"title":"x"}`)
		}
	})
	ctx := t.Context()
	c := m.client(t)
	root, _ := c.Root(m.URL + "/api1") // no final slash
	coll := root.Collection("c1")
	calls := map[string]func() error{
		"discovery":   func() error { _, err := c.Discovery(ctx); return err },
		"api root":    func() error { _, err := root.Info(ctx); return err },
		"collections": func() error { _, err := root.Collections(ctx); return err },
		"status":      func() error { _, err := root.Status(ctx, "s"); return err },
		"collection":  func() error { _, err := coll.Info(ctx); return err },
		"objects":     func() error { _, err := coll.Objects(ctx, client.Query{Limit: 3}, client.Position{}); return err },
		"versions":    func() error { _, err := coll.Versions(ctx, "a--1", client.Query{}); return err },
		"delete":      func() error { return coll.Delete(ctx, "a--1", client.Query{}) },
		"add":         func() error { _, err := coll.Add(ctx, objects(t, 1)); return err },
		"manifest": func() error {
			for _, err := range coll.Manifest(ctx, client.Query{}) {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(m.seen) < len(calls) {
		t.Fatalf("%d requests for %d calls", len(m.seen), len(calls))
	}
	agent := regexp.MustCompile(`^[a-z]+/\d+\.\d+`)
	for _, r := range m.seen {
		name := r.Method + " " + r.URL.RequestURI()
		if !strings.HasSuffix(r.URL.Path, "/") {
			t.Errorf("%s: path does not end in /", name)
		}
		if got := r.Header["Accept"]; len(got) != 1 || got[0] != taxii.MediaType {
			t.Errorf("%s: Accept = %q", name, got)
		}
		if got := r.Header.Get("Authorization"); got != "Basic dGVzdDpQYXNzdzByZCE=" {
			t.Errorf("%s: Authorization = %q", name, got)
		}
		if !agent.MatchString(r.UserAgent()) {
			t.Errorf("%s: User-Agent = %q", name, r.UserAgent())
		}
		if got := r.Header.Get("Content-Type"); (got == taxii.MediaType) != (r.Method == http.MethodPost) {
			t.Errorf("%s: Content-Type = %q", name, got)
		}
		if r.Method == http.MethodPost && r.ContentLength <= 0 {
			t.Errorf("%s: Content-Length = %d, some servers need it", name, r.ContentLength)
		}
		if r.Method == http.MethodDelete && r.URL.Query().Get("match[version]") != "all" {
			t.Errorf("%s: no match[version]=all", name)
		}
	}
}

func TestAuthSchemes(t *testing.T) {
	for _, tc := range []struct {
		name, header, want string
		auth               client.Auth
	}{
		{"nobody", "Authorization", "", client.Auth{}},
		{"bearer", "Authorization", "Bearer tok", client.Auth{Bearer: "tok"}},
		{"api key", "X-Api-Key", "k", client.Auth{Header: "X-Api-Key", Value: "k"}},
		{"password with colon", "Authorization", "Basic dTpwOnA=", client.Auth{User: "u", Password: "p:p"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"title":"x"}`) })
			if _, err := m.client(t, func(c *client.Config) { c.Auth = tc.auth }).Discovery(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := m.seen[0].Header.Get(tc.header); got != tc.want {
				t.Errorf("%s = %q, want %q", tc.header, got, tc.want)
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	now := time.Now
	rnd := func() float64 { return 0 }
	for _, tc := range []struct {
		name string
		c    client.Config
		want string
	}{
		{"plain http", client.Config{URL: "http://hub.example/"}, "loopback"},
		{"plain http to a name that looks like loopback", client.Config{URL: "http://127.0.0.1.example/"}, "loopback"},
		{"password in the URL", client.Config{URL: "https://u:p@hub.example/"}, "separately"},
		{"query", client.Config{URL: "https://hub.example/?x=1"}, "query"},
		{"no scheme", client.Config{URL: "hub.example"}, "https://host"},
		{"two kinds of credentials", client.Config{URL: "https://h/", Auth: client.Auth{User: "u", Bearer: "b"}}, "more than one"},
		{"colon in the user name", client.Config{URL: "https://h/", Auth: client.Auth{User: "a:b"}}, "colon"},
		{"key without certificate", client.Config{URL: "https://h/", TLS: client.TLS{KeyFile: "k"}}, "both"},
		{"bad pin", client.Config{URL: "https://h/", TLS: client.TLS{Pins: []string{"zz"}}}, "64 hex"},
		{"no such authorities", client.Config{URL: "https://h/", TLS: client.TLS{CAFile: "/does/not/exist"}}, "authorities"},
	} {
		tc.c.UserAgent, tc.c.Now, tc.c.Rand = "entente/0.1", now, rnd
		_, err := client.New(tc.c)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: the error shows the password: %v", tc.name, err)
		}
	}
}

// C-H-01, C-3.6-01: what is tried again, how long is waited, what comes back.
func TestFailures(t *testing.T) {
	html := "<html>\x1b[31mBad\ngateway</html>"
	for _, tc := range []struct {
		name   string
		header map[string]string
		status int
		body   string
		tries  int
		slept  []time.Duration
		want   string
	}{
		{"401 is final", nil, 401, `{"title":"Unauthorized","http_status":"401"}`, 1, nil, "401 Unauthorized"},
		{"http_status as a number", nil, 403, `{"title":"No","description":"not yours","http_status":403}`, 1, nil, "403 No: not yours"},
		{"html 502", map[string]string{"Content-Type": "text/html"}, 502, html, 4,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, "502 Bad Gateway: the answer is text/html"},
		{"503 with seconds", map[string]string{"Retry-After": "7"}, 503, "", 4,
			[]time.Duration{7 * time.Second, 7 * time.Second, 7 * time.Second}, "503 Service Unavailable"},
		{"429 with a date", map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:04:35 GMT"}, 429, "", 4,
			[]time.Duration{30 * time.Second, 30 * time.Second, 30 * time.Second}, "429 Too Many Requests"},
		{"too long a wait", map[string]string{"Retry-After": "86400"}, 503, "", 1, nil, "asks to wait 24h"},
		{"odd wait", map[string]string{"Retry-After": "-5"}, 429, "", 4,
			[]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, "429"},
		{"500 is final", nil, 500, "", 1, nil, "500 Internal Server Error"},
		{"control characters", nil, 404, `{"title":"a\u001b[2Jb\u202e"}`, 1, nil, "404 a [2Jb "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				answer(w, tc.status, tc.body)
			})
			_, err := m.client(t).Discovery(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want %q in it", err, tc.want)
			}
			var te *taxii.Error
			if !errors.As(err, &te) || te.Status != tc.status {
				t.Errorf("error = %#v, want a *taxii.Error with status %d", err, tc.status)
			}
			if len(m.seen) != tc.tries || fmt.Sprint(m.slept) != fmt.Sprint(tc.slept) {
				t.Errorf("%d tries, slept %v; want %d, %v", len(m.seen), m.slept, tc.tries, tc.slept)
			}
		})
	}
	t.Run("busy is told", func(t *testing.T) {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "3600")
			answer(w, 429, "")
		})
		_, err := m.client(t).Discovery(t.Context())
		var busy *client.Busy
		if !errors.As(err, &busy) || busy.After != time.Hour {
			t.Errorf("error = %v, want Busy for an hour", err)
		}
	})
	t.Run("recovers", func(t *testing.T) {
		var n atomic.Int32
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) < 3 {
				panic(http.ErrAbortHandler) // cuts the connection
			}
			answer(w, 200, `{"title":"x"}`)
		})
		if _, err := m.client(t).Discovery(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWrongKindOfAnswer(t *testing.T) {
	for _, tc := range []struct{ name, kind, body, want string }{
		{"html page", "text/html; charset=utf-8", "<html>", "not TAXII"},
		{"TAXII 2.0", "application/vnd.oasis.taxii+json; version=2.0", "{}", "another TAXII version"},
		{"another version", "application/taxii+json;version=3.0", "{}", "another TAXII version"},
		{"cut off", taxii.MediaType, `{"title":`, "unexpected end"},
		{"list", taxii.MediaType, `[]`, "array"},
	} {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", tc.kind)
			answer(w, 200, tc.body)
		})
		if _, err := m.client(t).Discovery(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error = %v, want %q in it", tc.name, err, tc.want)
		}
	}
	for _, kind := range []string{"application/taxii+json; version=2.1; charset=utf-8", "application/taxii+json", "application/json"} {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			answer(w, 200, `{"title":"x","x_unknown":[1]}`)
		})
		if d, err := m.client(t).Discovery(t.Context()); err != nil || d.Title != "x" {
			t.Errorf("%s: %v, %v", kind, d, err)
		}
	}
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

func keyPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
