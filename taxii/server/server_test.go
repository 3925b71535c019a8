package server

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/store/mem"
	"entente/taxii"
)

const (
	collA = "4b5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f" // the fixture
	collB = "0c5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f" // empty
)

// A clock stands still unless it is told otherwise.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A site is a server on a loopback address with the accounts of the conformance
// rows: rw, ro, wo, nn and out, each with its name as password.
type site struct {
	t     testing.TB
	srv   *Server
	url   string
	clock *clock
	log   *lockedBuffer
}

var (
	hashOnce sync.Once
	hashes   = map[string]string{}
)

// testHash is HashPassword at a cost that tests can afford.
func testHash(name string) string {
	hashOnce.Do(func() {
		for _, name := range []string{"rw", "ro", "wo", "nn", "out", "other"} {
			h := phc{memory: 64, time: 1, threads: 1, salt: []byte("0123456789abcdef")}
			h.key = h.derive(name, argonKey)
			hashes[name] = h.text()
		}
	})
	return hashes[name]
}

func testAccounts(t testing.TB, change ...func(map[string]*Account)) Accounts {
	t.Helper()
	rights := func(r, w bool) map[string]Rights {
		return map[string]Rights{collA: {r, w}, collB: {r, w}}
	}
	list := map[string]*Account{}
	for name, r := range map[string]map[string]Rights{
		"rw": rights(true, true), "ro": rights(true, false), "wo": rights(false, true),
		"nn": rights(false, false), "out": nil, "other": rights(true, true),
	} {
		list[name] = &Account{Name: name, Password: testHash(name), Rights: r}
	}
	for _, f := range change {
		f(list)
	}
	var all []Account
	for _, a := range list {
		all = append(all, *a)
	}
	accounts, err := NewAccounts(all)
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}

func testConfig(t testing.TB, c *clock, log io.Writer) Config {
	return Config{
		Store: mem.New(),
		Roots: []Root{
			{Path: "api1", Title: "One", MaxContentLength: 1 << 20, Collections: []Collection{
				{ID: collA, Alias: "indicators", Title: "Indicators"},
				{ID: collB, Title: "Empty"},
			}},
			{Path: "api2", Title: "Two"},
		},
		PublicURL: "https://taxii.example.com",
		Default:   "api1",
		Accounts:  testAccounts(t),
		Now:       c.Now,
		Rand:      rand.Reader,
		Log:       slog.New(slog.NewTextHandler(log, nil)),
	}
}

// newSite starts a server; change alters its configuration.
func newSite(t testing.TB, change ...func(*Config)) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, log: new(lockedBuffer)}
	c := testConfig(t, s.clock, s.log)
	for _, f := range change {
		f(&c)
	}
	var err error
	if s.srv, err = New(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewUnstartedServer(nil)
	hs.Config = s.srv.HTTPServer()
	hs.Listener = Listen(hs.Listener)
	hs.Start()
	t.Cleanup(hs.Close)
	s.url = hs.URL
	return s
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *lockedBuffer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *lockedBuffer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// logged is the log when all requests are through: an answer may come first.
func (s *site) logged() string {
	for s.srv.running.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	return s.log.String()
}

// An answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

// do sends a request as user ("" for nobody); header lines are "Name: value".
func (s *site) do(user, method, path, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header.Set("Accept", taxii.MediaType)
	if method == "POST" {
		req.Header.Set("Content-Type", taxii.MediaType)
	}
	if user != "" {
		req.SetBasicAuth(user, user)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if value == "" {
			delete(req.Header, name)
			continue
		}
		req.Header[name] = []string{value}
	}
	client := http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: body: %v", method, path, err)
	}
	return answer{res, text}
}

// get is do with GET as rw.
func (s *site) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do("rw", "GET", path, "", headers...)
}

// into decodes the body.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
}

const objectsA = "/api1/collections/" + collA + "/objects/"

// post sends objects as rw and returns the status.
func (s *site) post(objects ...string) taxii.Status {
	s.t.Helper()
	a := s.do("rw", "POST", objectsA, `{"objects":[`+strings.Join(objects, ",")+`]}`)
	if a.StatusCode != http.StatusAccepted {
		s.t.Fatalf("POST = %d %s", a.StatusCode, a.body)
	}
	var st taxii.Status
	a.into(s.t, &st)
	return st
}
