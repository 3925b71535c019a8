package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/store"
	"entente/store/bolt"
)

// A takeCounter counts the bytes of pages that went out without a copy, and those that
// were copied although they could.
type takeCounter struct {
	store.Store
	taken, copied atomic.Int64
	before        func() // the next Read
}

func (s *takeCounter) Read(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	if q.Take == nil {
		return s.Store.Read(ctx, log, q, p)
	}
	counted := *q
	counted.Take = func(objects [][]byte) (int, error) {
		n, err := q.Take(objects)
		s.taken.Add(int64(n))
		s.copied.Add(int64(len(bytes.Join(objects, nil)) - n))
		return n, err
	}
	return s.Store.Read(ctx, log, &counted, p)
}

func boltStore(t testing.TB) *bolt.Store {
	t.Helper()
	st, err := bolt.Open(filepath.Join(t.TempDir(), "data"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// TestDirect: a page that goes out straight from the store's memory is the page that
// is copied, and its headers.
func TestDirect(t *testing.T) {
	counter := &takeCounter{Store: boltStore(t)}
	s := newSite(t, func(c *Config) { c.Store = counter; c.Limits.PageBytes = 2 << 20 })
	for i := range 6 {
		if a := s.do("rw", "POST", objectsA, stixtest.Envelope(stixtest.Objects(uint64(i), 500))); a.StatusCode != 202 {
			t.Fatalf("POST = %d %s", a.StatusCode, a.body)
		}
	}
	copied := httptest.NewUnstartedServer(nil)
	copied.Config = s.srv.HTTPServer()
	copied.Start()
	defer copied.Close()
	straight := s.url
	for _, query := range []string{"", "?limit=1", "?limit=999&match[version]=all", "?match[type]=indicator", "?limit=40&match[type]=malware,tool", "?added_after=2025-01-01T00:00:00Z"} {
		for page, next := 0, ""; page == 0 || next != "" && page < 3; page++ {
			path := objectsA + query
			if next != "" {
				path += map[bool]string{true: "?", false: "&"}[query == ""] + "next=" + next
			}
			s.url = straight
			got := s.get(path)
			s.url = copied.URL
			want := s.get(path)
			var e envelope
			got.into(t, &e)
			next = e.Next
			if !bytes.Equal(withoutNext(got.body, e.Next), withoutNext(want.body, nextOf(t, want))) {
				t.Errorf("%s: %d bytes, want %d: %.300s", path, len(got.body), len(want.body), got.body)
			}
			got.Header.Del("Date")
			want.Header.Del("Date")
			if fmt.Sprint(got.Header, got.ContentLength) != fmt.Sprint(want.Header, want.ContentLength) {
				t.Errorf("%s: headers %v, want %v", path, got.Header, want.Header)
			}
		}
	}
	if taken := counter.taken.Load(); runtime.GOOS == "linux" && taken == 0 {
		t.Error("every page was copied")
	}
}

// withoutNext is an envelope without its token, of which no two are alike.
func withoutNext(body []byte, next string) []byte {
	return bytes.Replace(body, []byte(next), []byte("N"), 1)
}

func nextOf(t *testing.T, a answer) string {
	t.Helper()
	var e envelope
	a.into(t, &e)
	return e.Next
}

// TestDirectPipelined: whoever asks for many pages and reads slowly gets each of them
// whole, and keeps nobody from writing meanwhile.
func TestDirectPipelined(t *testing.T) {
	const pages = 12
	counter := &takeCounter{Store: boltStore(t)}
	s := newSite(t, func(c *Config) { c.Store = counter; bigPages(c, t); c.Limits.PageBytes = 2 << 20 })
	want := s.get(objectsA).body
	s.logged()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(256 << 10)
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	before := counter.copied.Load()
	if _, err := io.WriteString(conn, strings.Repeat(getBig, pages)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); counter.copied.Load() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no page waits for the client")
		}
	}
	if held, left := s.srv.answers.Load(), counter.copied.Load()-before; held > left {
		t.Errorf("%d bytes are counted for a page of which %d are left", held, left)
	}
	if st := s.post(stixtest.Objects(9, 1)[0].Raw); st.SuccessCount != 1 {
		t.Errorf("a POST meanwhile: %+v", st)
	}
	r := bufio.NewReaderSize(conn, 1<<16)
	for i := range pages {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("page %d: %v", i, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || !bytes.Equal(withoutNext(body, nextOf(t, answer{res, body})), withoutNext(want, nextOf(t, answer{nil, want}))) {
			t.Fatalf("page %d: %d bytes, %v; want %d", i, len(body), err, len(want))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if counter.taken.Load() == 0 && runtime.GOOS == "linux" {
		t.Error("every page was copied")
	}
	for _, line := range strings.Split(strings.TrimSpace(s.logged()), "\n") {
		if strings.Contains(line, "account=ro") && !strings.Contains(line, fmt.Sprintf("bytes=%d", len(want))) {
			t.Errorf("the log says %s, want %d bytes", line, len(want))
		}
	}
}

func TestRest(t *testing.T) {
	const objects, tail = `{"a":1},{"b":2}`, `]}`
	whole := string(objectsHead) + objects + tail
	for left := range len(whole) + 1 {
		taken := min(max(0, len(whole)-left-len(objectsHead)), len(objects))
		head, body := rest(left, []byte(objects[taken:]), []byte(tail))
		if got, want := string(head)+string(body), whole[len(whole)-left:]; got != want {
			t.Errorf("the last %d bytes are %q, want %q", left, got, want)
		}
	}
}

// A passing is what net/http's response writer is to a conn.
type passing struct {
	http.ResponseWriter
	c      *conn
	header string
}

func (p *passing) Flush()                                { _, _ = p.c.Write([]byte(p.header)) }
func (p *passing) ReadFrom(src io.Reader) (int64, error) { return p.c.ReadFrom(src) }

// TestConn: whatever room the client has, all bytes come in order.
func TestConn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := Listen(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	c := accepted.(*conn)
	if !c.now.ok() {
		if runtime.GOOS == "linux" || os.Getenv("CI") == "true" {
			t.Fatal("a socket that cannot send without waiting")
		}
		t.Skip("pages are sent without waiting on Linux only; run this test there")
	}
	_ = c.Conn.(*net.TCPConn).SetWriteBuffer(1)
	rnd := rand.New(rand.NewPCG(1, 1))
	var want []byte
	full := 0
	for i := range 200 {
		header := fmt.Sprintf("header %d;", i)
		pieces, all := [][]byte{nil}, ""
		for range rnd.IntN(3000) {
			piece := fmt.Sprint(rnd.IntN(1000), ",")
			pieces, all = append(pieces, []byte(piece)), all+piece
		}
		n := c.sendNow(&passing{c: c, header: header}, pieces)
		want = append(append(want, header...), all...)
		if len(c.held) > 0 && n == 0 {
			full++
		}
		done := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c, all[n:])
			done <- err
		}()
		for waiting := true; waiting; {
			select {
			case err := <-done:
				if waiting = false; err != nil {
					t.Fatal(err)
				}
			default:
				some := make([]byte, 1+rnd.IntN(20_000))
				_ = client.SetReadDeadline(time.Now().Add(time.Millisecond))
				n, _ := client.Read(some)
				if !bytes.Equal(some[:n], want[:n]) {
					t.Fatalf("answer %d: %.100q, want %.100q", i, some[:n], want)
				}
				want = want[n:]
			}
		}
	}
	if full == 0 {
		t.Error("there was always room for the header")
	}
}

// TestDirectGone: who has hung up gets no answer and leaves nothing counted.
func TestDirectGone(t *testing.T) {
	s := newSite(t, func(c *Config) { bigPages(c, t) })
	for range 3 {
		s.dial(getBig).Close()
	}
	for end := time.Now().Add(10 * time.Second); s.srv.running.Load() != 0 || s.srv.answers.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d requests run, %d bytes are counted", s.srv.running.Load(), s.srv.answers.Load())
		}
	}
	if a := s.get(objectsA); a.StatusCode != 200 {
		t.Errorf("another: %d", a.StatusCode)
	}
}

// TestDirectNewLabel: what is labelled in a new way while a page is asked for is on it.
func TestDirectNewLabel(t *testing.T) {
	counter := &takeCounter{Store: boltStore(t)}
	releaser := benchReleaser(t, counter, 1)
	commit := func(o stix.Object) {
		if _, err := releaser.Write(t.Context(), &store.Batch{Log: collA, Objects: []stix.Object{o}, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, func(c *Config) {
		var err error
		c.Store, c.Releaser, c.Now = counter, releaser, time.Now
		c.Accounts, err = NewAccounts([]Account{{Name: "partner", Tokens: [][32]byte{HashToken("token")}, Partner: benchPartner(0)}})
		if err != nil {
			t.Fatal(err)
		}
	})
	first := sharedObject(t, 1, true)
	commit(first)
	other := stixtest.Object(strings.ReplaceAll(sharedObject(t, 2, true).Raw, "attack-pattern", "tool"))
	counter.before = func() { commit(other) }
	a := s.do("", "GET", objectsA, "", "Authorization: Bearer token")
	if want := `{"objects":[` + first.Raw + "," + other.Raw + "]}"; string(a.body) != want {
		t.Errorf("%d %.400s, want %.400s", a.StatusCode, a.body, want)
	}
}
