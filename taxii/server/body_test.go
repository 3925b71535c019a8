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

	"entente/stix/stixtest"
	"entente/taxii"
)

// TestExpectContinue holds T-5.5-18: who asks first is told to go on, or is
// refused without sending anything.
func TestExpectContinue(t *testing.T) {
	s := newSite(t)
	body := envelopeOf(stixtest.Fixture()[0].Raw)
	for _, tc := range []struct {
		name   string
		length int
		want   []string // status lines
	}{
		{"taken", len(body), []string{"HTTP/1.1 100 Continue", "HTTP/1.1 202 Accepted"}},
		{"too large", 2 << 20, []string{"HTTP/1.1 413 Request Entity Too Large"}},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cnc6cnc=\r\nContent-Type: %s\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
			objectsA, taxii.MediaType, tc.length)
		r := bufio.NewReader(conn)
		for i, want := range tc.want {
			line, err := r.ReadString('\n')
			if strings.TrimSpace(line) != want || err != nil {
				t.Errorf("%s: status line %q, %v, want %q", tc.name, line, err, want)
			}
			if i < len(tc.want)-1 {
				_, _ = r.ReadString('\n')
				_, _ = io.WriteString(conn, body)
			}
		}
		conn.Close()
	}
}

// TestRefusedBodyIsReadOn: a client that sends megabytes before it looks gets
// its answer, whatever the reason.
func TestRefusedBodyIsReadOn(t *testing.T) {
	s := newSite(t)
	body := strings.Repeat(" ", 5<<20)
	for header, want := range map[string]int{
		"Content-Type: text/plain": 415, "Accept: text/html": 406, "X: y": 413, "Content-Encoding: br": 415,
	} {
		if a := s.do("rw", "POST", objectsA, body, header); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", header, a.StatusCode, want)
		}
	}
	if a := s.do("ro", "POST", objectsA, body); a.StatusCode != 403 {
		t.Errorf("without right: %d", a.StatusCode)
	}
}

// TestBodiesInMemory: when other bodies fill the memory for them, a POST is
// told to come back, and reading goes on.
func TestBodiesInMemory(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Limits.Bodies, c.Roots[1].MaxContentLength = 1<<20, 1<<20 })
	if !s.srv.bodies.TryAcquire(1 << 20) {
		t.Fatal("the memory is not free")
	}
	body := envelopeOf(stixtest.Fixture()[0].Raw)
	a := s.do("rw", "POST", objectsA, body)
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	if a := s.get(objectsA); a.StatusCode != 200 {
		t.Errorf("GET meanwhile: %d", a.StatusCode)
	}
	s.srv.bodies.Release(1 << 20)
	if a := s.do("rw", "POST", objectsA, body); a.StatusCode != 202 {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
	s.logged()
	if !s.srv.bodies.TryAcquire(1 << 20) {
		t.Error("a reservation was not given back")
	}
}

// TestPageBytes: a page of large objects is short, and says that there is more.
func TestPageBytes(t *testing.T) {
	s := fixtureSite(t, func(c *Config) { c.Limits.PageBytes = 1 })
	var seen []string
	for next, more := "", true; more; {
		var e envelope
		s.get(objectsA+"?next="+next).into(t, &e)
		if len(e.Objects) != 1 {
			t.Fatalf("a page of %d objects after %v, want 1", len(e.Objects), seen)
		}
		seen = append(seen, e.names())
		next, more = e.Next, e.More
	}
	if got := strings.Join(seen, " "); got != "d1 d4 d5 d7 d8 d9 d10" {
		t.Errorf("pages joined: %s", got)
	}
}

// TestAnswersInMemory: when slow readers fill the memory for pages, a further
// page is told to come back, and what needs no page goes on.
func TestAnswersInMemory(t *testing.T) {
	s := fixtureSite(t, func(c *Config) { c.Limits.Answers = 1 << 20 })
	s.srv.answers.Add(1 << 20)
	for _, encoding := range []string{"identity", "gzip"} {
		a := s.get(objectsA, "Accept-Encoding: "+encoding)
		if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, Retry-After %q", encoding, a.StatusCode, a.Header.Get("Retry-After"))
		}
	}
	if a := s.get("/api1/collections/"); a.StatusCode != 200 {
		t.Errorf("collections meanwhile: %d", a.StatusCode)
	}
	s.srv.answers.Add(-1 << 20)
	if a := s.get(objectsA); a.StatusCode != 200 {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
	s.logged()
	if n := s.srv.answers.Load(); n != 0 {
		t.Errorf("%d bytes were not given back", n)
	}
}

// TestLongQuery: 10 kB of filters, and the token that goes with them.
func TestLongQuery(t *testing.T) {
	s := fixtureSite(t)
	ids := stixtest.FixtureIndicatorA + "," + stixtest.FixtureIndicatorB
	for i := range 200 {
		ids += fmt.Sprintf(",indicator--a7e1d5c0-61f0-4c83-8e0f-%012d", i)
	}
	query := "?limit=1&match%5Bid%5D=" + strings.ReplaceAll(ids, ",", "%2C")
	var first, second envelope
	s.get(objectsA+query).into(t, &first)
	a := s.get(objectsA + query + "&next=" + first.Next)
	a.into(t, &second)
	if got := first.names() + " " + second.names(); got != "d7 d10" || len(query) < 10_000 {
		t.Errorf("%d bytes: %s, status %d, want d7 d10", len(query), got, a.StatusCode)
	}
}

// TestTokenFits: a query that is taken gets a token that is taken, too.
func TestTokenFits(t *testing.T) {
	s := fixtureSite(t)
	most := longestQuery(s.srv.c.Limits.URL)
	for _, n := range []int{most, most + 1} {
		query := "limit=1&match[type]=indicator"
		for i := 0; len(query) < n-30; i++ {
			query += fmt.Sprintf(",x-%020d", i)
		}
		query += "," + strings.Repeat("x", n-len(query)-1)
		var e envelope
		a := s.get(objectsA + "?" + query)
		if n > most {
			if a.StatusCode != http.StatusRequestURITooLong {
				t.Errorf("%d bytes: %d, want 414", n, a.StatusCode)
			}
			continue
		}
		if a.into(t, &e); a.StatusCode != 200 || e.Next == "" {
			t.Fatalf("%d bytes: %d %.200s", n, a.StatusCode, a.body)
		}
		for _, again := range []string{"limit=1", query} {
			if a := s.get(objectsA + "?" + again + "&next=" + e.Next); a.StatusCode != 200 {
				t.Errorf("%d bytes, next with %.20s: %d", n, again, a.StatusCode)
			}
		}
	}
}
