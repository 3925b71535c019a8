package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
	"entente/taxii"
)

// dial sends text, which begins a request, and leaves the connection open.
func (s *site) dial(text string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	if _, err := io.WriteString(conn, text); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

const postHead = "POST " + objectsA + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic d286d28=\r\nContent-Type: " + taxii.MediaType + "\r\n" // wo

// TestBodyRefusedInTheMiddle: the answer to a body that is wrong comes while the
// client still owes the rest, and the connection ends.
func TestBodyRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	conn := s.dial(postHead + "Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\nthis is not gzip at all")
	_ = conn.SetReadDeadline(time.Now().Add(drainTime + 5*time.Second))
	start := time.Now()
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusBadRequest || time.Since(start) > drainTime/2 {
		t.Fatalf("after %v: %+v, %v, want 400", time.Since(start), res, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Errorf("the connection stays: %v", err)
	}
}

// TestAnnouncedBodies: memory is for what has come, not for what is announced,
// and one account cannot have all of it.
func TestAnnouncedBodies(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Limits.Bodies, c.Roots[1].MaxContentLength = 8<<20, 1<<20 })
	const share, bodies = 4 << 20, 16
	wo := s.srv.shareOf(&Account{Name: "wo"})
	isFree := func(n int64) bool {
		ok := wo.bodies.TryAcquire(n)
		if ok {
			wo.bodies.Release(n)
		}
		return ok
	}
	for range bodies {
		s.dial(postHead + "Content-Length: 1000000\r\n\r\n{")
	}
	for deadline := time.Now().Add(10 * time.Second); isFree(share - bodies*chunkLen + 1); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the bodies are not counted")
		}
	}
	if !isFree(share / 2) {
		t.Errorf("%d bodies of which a byte has come fill more than half of %d bytes", bodies, share)
	}
	for n := 0; ; n++ {
		more := &reservation{s: s.srv, share: wo}
		defer more.free()
		if more.grow(t.Context(), 1<<20, time.Millisecond) != nil {
			break
		}
		if n == 8 {
			t.Fatal("an account gets everything")
		}
	}
	if st := s.post(stixtest.Fixture()[0].Raw); st.SuccessCount != 1 {
		t.Errorf("the POST of another account: %+v", st)
	}
}

// bigPages has two pages of 16 MiB.
func bigPages(c *Config, t *testing.T) {
	var objects []stix.Object
	for i := range 32 {
		o, err := stix.Parse(fmt.Sprintf(`{"type":"x-big","id":"x-big--00000000-0000-4000-8000-%012d","a":"%s"}`, i, strings.Repeat("x", 1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	if _, err := c.Store.Commit(t.Context(), &store.Batch{Log: collA, Objects: objects, At: c.Now()}); err != nil {
		t.Fatal(err)
	}
	c.Limits.PageBytes = 16 << 20
}

const getBig = "GET " + objectsA + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cm86cm8=\r\n\r\n" // ro

// TestReaderOfNothing: who does not read loses its page after one WriteTimeout,
// however large the page is.
func TestReaderOfNothing(t *testing.T) {
	s := newSite(t, func(c *Config) { bigPages(c, t); c.Limits.WriteTimeout = 500 * time.Millisecond })
	s.dial(getBig)
	for s.srv.answers.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	for s.srv.answers.Load() != 0 && time.Since(start) < 10*time.Second {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("the page was kept for %v, want about 500ms", took)
	}
}

// TestShareOfAnswers: an account that does not read leaves memory for others.
func TestShareOfAnswers(t *testing.T) {
	s := newSite(t, func(c *Config) { bigPages(c, t); c.Limits.Answers = 64 << 20 })
	for range 8 {
		s.dial(getBig)
	}
	for s.srv.answers.Load() < 16<<20 {
		time.Sleep(time.Millisecond)
	}
	if a := s.get(objectsA); a.StatusCode != 200 || len(a.body) < 16<<20 {
		t.Errorf("another account: %d, %d bytes", a.StatusCode, len(a.body))
	}
}

// TestShareOfRequests: an account can have half of them at once.
func TestShareOfRequests(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Limits.Requests = 8 })
	s.srv.shareOf(&Account{Name: "ro"}).requests.Add(4)
	if a := s.do("ro", "GET", "/taxii2/", ""); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("its fifth: %d", a.StatusCode)
	}
	if a := s.get("/taxii2/"); a.StatusCode != 200 {
		t.Errorf("another's: %d", a.StatusCode)
	}
	s.srv.shareOf(&Account{Name: "ro"}).requests.Add(-4)
	if a := s.do("ro", "GET", "/taxii2/", ""); a.StatusCode != 200 {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}
