package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entente/stix/stixtest"
	"entente/store"
	"entente/store/mem"
	"entente/taxii"
)

func TestResources(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct {
		id, user, path string
		status         int
		body           string
	}{
		{"T-4.1-01", "rw", "/taxii2/", 200, `{"title":"TAXII server","default":"https://taxii.example.com/api1/","api_roots":["https://taxii.example.com/api1/","https://taxii.example.com/api2/"]}`},
		{"T-4.1-01", "", "/taxii2/", 401, ""},
		{"T-4.2-01", "rw", "/api1/", 200, `{"title":"One","versions":["application/taxii+json;version=2.1"],"max_content_length":1048576}`},
		{"T-4.2-01", "rw", "/nosuch/", 404, ""},
		{"T-5.1.1-01", "rw", "/api2/collections/", 200, `{}`},
		{"T-5.1-01", "nn", "/api1/collections", 200, `{"collections":[` +
			`{"id":"` + collB + `","title":"Empty","can_read":false,"can_write":false,"media_types":["application/stix+json;version=2.1","application/stix+json;version=2.0"]},` +
			`{"id":"` + collA + `","title":"Indicators","alias":"indicators","can_read":false,"can_write":false,"media_types":["application/stix+json;version=2.1","application/stix+json;version=2.0"]}]}`},
		{"T-5.1.1-02", "out", "/api1/collections/", 200, `{}`},
		{"T-5.2-03", "rw", "/api1/collections/4b5a1f7e-2a3b-4c5d-8e9f-000000000000/", 404, ""},
		{"1.15", "out", "/api1/collections/" + collA + "/", 404, ""},
		{"1.15", "nn", "/api1/collections/" + collA + "/", 200, "-"},
		{"T-5.3-03", "nn", "/api1/collections/" + collA + "/manifest/", 403, ""},
		{"T-5.4-02", "wo", objectsA, 403, ""},
		{"T-3.1-04", "rw", "/api1/nosuch/at/all/", 404, ""},
		{"T-6-01", "rw", "/api1/channels/", 404, ""},
		{"1.16", "rw", "/api1/collections/" + collA + "/object/x/", 404, ""},
		{"root", "rw", "/", 404, ""},
		{"traversal", "rw", "/api1/../taxii2/..", 404, ""},
		{"T-H-10", "rw", "/api1/collections/4b5a1f7e-2a3b-4c5d-8e9f-000000000000/objects/?limit=0", 404, ""},
		{"long URL", "rw", objectsA + "?match[id]=" + strings.Repeat("x", 40_000), 414, ""},
	} {
		a := s.do(tc.user, "GET", tc.path, "")
		if a.StatusCode != tc.status || tc.status == 200 && tc.body != "-" && string(a.body) != tc.body {
			t.Errorf("%s GET %.200s as %s = %d %.400s, want %d %s", tc.id, tc.path, tc.user, a.StatusCode, a.body, tc.status, tc.body)
		}
		checkHeaders(t, tc.path, a)
	}
}

func TestMethods(t *testing.T) {
	s := fixtureSite(t)
	if a := s.do("rw", "PUT", objectsA, ""); a.StatusCode != 405 || a.Header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("T-H-02: %d, Allow %q", a.StatusCode, a.Header.Get("Allow"))
	} else {
		checkHeaders(t, "PUT", a)
	}
	if a := s.do("rw", "DELETE", "/api1/collections/"+collA+"/", ""); a.StatusCode != 405 || a.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("T-H-02: %d, Allow %q", a.StatusCode, a.Header.Get("Allow"))
	}
	if a := s.do("", "OPTIONS", objectsA, ""); a.StatusCode != 204 || a.Header.Get("Allow") != "GET, HEAD, POST, OPTIONS" || len(a.body) != 0 {
		t.Errorf("T-H-03: %d, Allow %q, body %q", a.StatusCode, a.Header.Get("Allow"), a.body)
	}
	get, head := s.get(objectsA), s.do("rw", "HEAD", objectsA, "")
	if head.StatusCode != 200 || len(head.body) != 0 || head.ContentLength != int64(len(get.body)) ||
		head.Header.Get(taxii.HeaderAddedLast) != get.Header.Get(taxii.HeaderAddedLast) {
		t.Errorf("T-H-01: HEAD = %d, length %d, body %d; GET has %d", head.StatusCode, head.ContentLength, len(head.body), len(get.body))
	}
	if a := s.get(objectsA, "Range: items 0-9"); a.StatusCode != 200 {
		t.Errorf("T-H-06: %d", a.StatusCode)
	}
	if a := s.get(objectsA, "User-Agent: "); a.StatusCode != 200 {
		t.Errorf("T-8.2.1-07: %d", a.StatusCode)
	}
}

// TestHeaderSpelling looks at the bytes on the wire.
func TestHeaderSpelling(t *testing.T) {
	s := fixtureSite(t)
	raw := s.raw("GET " + objectsA + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cnc6cnc=\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"\r\nX-TAXII-Date-Added-First: ", "\r\nX-TAXII-Date-Added-Last: ", "\r\nDate: "} {
		if !strings.Contains(raw, want) {
			t.Errorf("no %q in %.600s", want, raw)
		}
	}
	raw = s.raw("GET " + objectsA + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.Contains(raw, "\r\nWWW-Authenticate: Basic realm=\"taxii\", charset=\"UTF-8\"\r\n") {
		t.Errorf("challenge: %.600s", raw)
	}
}

// raw sends text and returns all that comes back.
func (s *site) raw(text string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		s.t.Fatal(err)
	}
	out, _ := io.ReadAll(conn)
	return string(out)
}

// A brokenStore fails or panics when it is read.
type brokenStore struct {
	store.Store
	err error
}

func (b *brokenStore) Read(context.Context, store.LogID, *store.Query, *store.Page) error {
	if b.err == nil {
		panic("secret detail")
	}
	return b.err
}

func (b *brokenStore) Commit(context.Context, *store.Batch) (store.Receipt, error) {
	return store.Receipt{}, b.err
}

func TestFailuresTellNothing(t *testing.T) {
	b := &brokenStore{Store: mem.New()}
	s := newSite(t, func(c *Config) { c.Store = b })
	post := envelopeOf(stixtest.Fixture()[0].Raw)
	for _, tc := range []struct {
		method string
		err    error
		status int
	}{
		{"GET", nil, 500},
		{"GET", errors.New("secret detail"), 500},
		{"GET", store.ErrClosed, 503},
		{"GET", fmt.Errorf("secret detail: %w", context.DeadlineExceeded), 503},
		{"POST", fmt.Errorf("secret detail: %w", store.ErrFull), 507},
		{"POST", store.ErrClosed, 503},
	} {
		b.err = tc.err
		body := ""
		if tc.method == "POST" {
			body = post
		}
		a := s.do("rw", tc.method, objectsA, body)
		checkHeaders(t, fmt.Sprint(tc.err), a)
		if a.StatusCode != tc.status || strings.Contains(string(a.body), "secret") {
			t.Errorf("%s with %v = %d %s, want %d", tc.method, tc.err, a.StatusCode, a.body, tc.status)
		}
		var e taxii.ErrorMessage
		a.into(t, &e)
		if !strings.Contains(s.logged(), "error_id="+e.ErrorID) {
			t.Errorf("error %s is not in the log", e.ErrorID)
		}
	}
	if !strings.Contains(s.logged(), "secret detail") {
		t.Error("the log does not say why")
	}
}

func TestLogHasNoSecrets(t *testing.T) {
	s := fixtureSite(t)
	s.get(objectsA)
	s.do("rw", "POST", objectsA, `{"objects":[{"type":"indicator","name":"SECRETNAME"}]}`)
	s.do("rw", "POST", objectsA, `SECRETNAME`)
	s.get(objectsA, "Authorization: Bearer SECRETTOKEN")
	log := s.logged()
	for _, secret := range []string{"SECRET", "cnc6cnc=", "Authorization", "198.51.100.3"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
	if strings.Count(log, "msg=request") != 5 || !strings.Contains(log, "account=rw") || !strings.Contains(log, "n=7") {
		t.Errorf("log:\n%s", log)
	}
}

// TestSlowClients: neither headers nor a body that drip in hold a connection,
// and the body's client is told.
func TestSlowClients(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Limits.HeaderTimeout, c.Limits.ReadTimeout = 100*time.Millisecond, 300*time.Millisecond
	})
	head := "POST " + objectsA + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cnc6cnc=\r\nContent-Type: " + taxii.MediaType + "\r\n"
	for name, tc := range map[string]struct{ send, drip, want string }{
		"headers":      {"GET / HTTP/1.1\r\n", "X: y\r\n", ""},
		"body":         {head + "Content-Length: 100000\r\n\r\n", "{", " 408 "},
		"chunked body": {head + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n", " 408 "},
		"ignored body": {strings.Replace(head, "POST", "GET", 1) + "Content-Length: 100000\r\n\r\n", "{", " 200 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			go func() {
				if _, err := io.WriteString(conn, tc.send); err != nil {
					return
				}
				for {
					if _, err := io.WriteString(conn, tc.drip); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
			start := time.Now()
			out, err := io.ReadAll(conn)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() || time.Since(start) > 8*time.Second {
				t.Errorf("the connection is still open after %v", time.Since(start))
			}
			if !strings.Contains(string(out), tc.want) {
				t.Errorf("answer %.300q, want %q", out, tc.want)
			}
		})
	}
}

// TestSlowReader: a client that does not read does not keep its handler.
func TestSlowReader(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Limits.WriteTimeout = 300 * time.Millisecond
		c.Roots[0].MaxContentLength = 64 << 20
	})
	objects := stixtest.Objects(1, 12_000)
	if a := s.do("rw", "POST", objectsA, stixtest.Envelope(objects)); a.StatusCode != 202 {
		t.Fatalf("POST = %d %.300s", a.StatusCode, a.body)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(conn, "GET %s?limit=10000 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cnc6cnc=\r\n\r\n", objectsA)
	_, _ = bufio.NewReaderSize(conn, 16).ReadByte()
	for range 100 {
		if s.srv.running.Load() == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the handler still runs after 10 s")
}

// TestEarly413: a body that is declared too large is refused before it comes.
func TestEarly413(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Roots[0].MaxContentLength = 100_000 })
	for name, length := range map[string]string{"huge": "9000000000", "just over": "100001"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cnc6cnc=\r\nContent-Type: %s\r\nContent-Length: %s\r\n\r\n{", objectsA, taxii.MediaType, length)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var e taxii.ErrorMessage
		if err := json.NewDecoder(res.Body).Decode(&e); err != nil || res.StatusCode != 413 || e.HTTPStatus != "413" {
			t.Errorf("%s: %d, %+v, %v", name, res.StatusCode, e, err)
		}
		conn.Close()
	}
	// Sizes that contradict each other never reach a handler.
	raw := s.raw("POST " + objectsA + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cnc6cnc=\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}")
	if !strings.HasPrefix(raw, "HTTP/1.1 400 ") {
		t.Errorf("two lengths: %.100s", raw)
	}
	if a := s.do("rw", "POST", objectsA, strings.Repeat(" ", 5<<20)); a.StatusCode != 413 { // the client sends it all
		t.Errorf("5 MiB = %d", a.StatusCode)
	}
}

func TestBusy(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Limits.Requests = 1 })
	s.srv.running.Add(1)
	a := s.get("/taxii2/")
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("T-H-08: %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	s.srv.running.Add(-1)
	if a := s.get("/taxii2/"); a.StatusCode != 200 {
		t.Errorf("afterwards %d", a.StatusCode)
	}
	if n := s.srv.running.Load(); n != 0 {
		t.Errorf("%d requests are still counted", n)
	}
}

// TestConcurrent reads and writes at once and misses nothing: every object is
// seen once by a reader who goes on by Date-Added-Last (T-3.5-16).
func TestConcurrent(t *testing.T) {
	s := newSite(t)
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for _, o := range stixtest.Objects(uint64(w+100), each) {
				if a := s.do("rw", "POST", objectsA, envelopeOf(o.Raw)); a.StatusCode != 202 {
					t.Errorf("POST = %d %s", a.StatusCode, a.body)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen, after, last := map[string]int{}, "1970-01-01T00:00:00Z", false
	for {
		a := s.get(objectsA + "?match[version]=all&match[spec_version]=2.0,2.1&limit=7&added_after=" + after)
		var e envelope
		a.into(t, &e)
		for _, o := range e.Objects {
			seen[string(o)]++
		}
		after = a.Header.Get(taxii.HeaderAddedLast)
		if last && len(e.Objects) == 0 {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	for o, n := range seen {
		if n != 1 {
			t.Errorf("seen %d times: %.100s", n, o)
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d objects seen, want %d", len(seen), writers*each)
	}
}

func TestAdminHandler(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := newSite(t, func(c *Config) { c.Metrics = reg })
	s.post(stixtest.Fixture()[0].Raw)
	admin := httptest.NewServer(s.srv.AdminHandler(reg))
	defer admin.Close()
	get := func(path string) (int, string) {
		res, err := http.Get(admin.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	s.get("/api1/")
	s.do("rw", "BREW", "/api1/", "")
	s.logged()
	for _, want := range []string{
		`entente_http_requests_total{method="POST",route="/:root/collections/:collection/objects",status="202"} 1`,
		`entente_http_requests_total{method="GET",route="/:root",status="200"} 1`,
		`entente_http_requests_total{method="other",route="none",status="405"} 1`,
		`entente_http_request_seconds_count{route="/:root"} 1`,
	} {
		if _, body := get("/metrics"); !strings.Contains(body, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready",
		"/metrics": `entente_posted_objects_total{outcome="stored"} 1`,
	} {
		if status, body := get(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s = %d %.500s, want %s", path, status, body, want)
		}
	}
	for host, want := range map[string]int{"evil.example": 403, "evil.example:80": 403, "localhost:1": 200, "[::1]:1": 200, "127.0.0.1": 200} {
		req := httptest.NewRequest("GET", "/metrics", nil)
		req.Host = host
		w := httptest.NewRecorder()
		if s.srv.AdminHandler(reg).ServeHTTP(w, req); w.Code != want {
			t.Errorf("Host %s: %d, want %d", host, w.Code, want)
		}
	}
	if err := s.srv.c.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := get("/readyz"); status != 503 {
		t.Errorf("/readyz of a closed store = %d", status)
	}
	if status, _ := get("/healthz"); status != 200 {
		t.Errorf("/healthz of a closed store = %d", status)
	}
}

func TestTLS(t *testing.T) {
	s := newSite(t)
	hs := httptest.NewUnstartedServer(nil)
	hs.Config = s.srv.HTTPServer()
	hs.TLS = TLSConfig()
	hs.StartTLS()
	defer hs.Close()
	for _, tc := range []struct {
		id   string
		min  uint16
		max  uint16
		only uint16
		ok   bool
	}{
		{"T-8.2.2-03", tls.VersionTLS13, tls.VersionTLS13, 0, true},
		{"T-8.2.2-02", tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, true},
		{"T-8.2.2-05", tls.VersionTLS12, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, false},
		{"T-8.2.2-03", tls.VersionTLS10, tls.VersionTLS11, 0, false},
	} {
		conf := hs.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		conf.MinVersion, conf.MaxVersion, conf.NextProtos = tc.min, tc.max, []string{"h2", "http/1.1"}
		if tc.only != 0 {
			conf.CipherSuites = []uint16{tc.only}
		}
		conn, err := tls.Dial("tcp", hs.Listener.Addr().String(), conf)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.id, err)
		}
		if err == nil {
			if p := conn.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
				t.Errorf("%s: protocol %q", tc.id, p)
			}
			conn.Close()
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	good := testConfig(t, &clock{}, io.Discard)
	for name, change := range map[string]func(*Config){
		"roots are required":   func(c *Config) { c.Roots = nil },
		"root path":            func(c *Config) { c.Roots[0].Path = "a/b" },
		"root path is taken":   func(c *Config) { c.Roots[1].Path = "api1" },
		"root under discovery": func(c *Config) { c.Roots[1].Path = "taxii2" },
		"root title":           func(c *Config) { c.Roots[1].Title = "" },
		"collection id":        func(c *Config) { c.Roots[0].Collections[0].ID = strings.ToUpper(collA) },
		"collection id twice":  func(c *Config) { c.Roots[0].Collections[0].ID = collB },
		"alias like an id":     func(c *Config) { c.Roots[0].Collections[0].Alias = collA },
		"media type":           func(c *Config) { c.Roots[0].Collections[0].MediaTypes = []string{"text/plain"} },
		"no media types":       func(c *Config) { c.Roots[0].Collections[0].MediaTypes = []string{} },
		"default":              func(c *Config) { c.Default = "nosuch" },
		"public URL":           func(c *Config) { c.PublicURL = "taxii.example.com" },
		"store":                func(c *Config) { c.Store = nil },
	} {
		c := good
		c.Roots = []Root{good.Roots[0], good.Roots[1]}
		c.Roots[0].Collections = append([]Collection(nil), good.Roots[0].Collections...)
		change(&c)
		if _, err := New(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(t.Context(), good); err != nil {
		t.Error(err)
	}
}
