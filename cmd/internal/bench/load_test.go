package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// target answers like the servers under test: with and without Content-Length,
// and with refusals.
func target(t *testing.T) (addr string, posted *atomic.Int64) {
	t.Helper()
	posted = &atomic.Int64{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3000000")
		io.Copy(w, strings.NewReader(strings.Repeat("x", 3_000_000)))
	})
	mux.HandleFunc("GET /chunked", func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			fmt.Fprint(w, strings.Repeat("y", 10_000))
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("POST /post", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		posted.Add(n)
		w.WriteHeader(http.StatusAccepted)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), posted
}

func TestLoadCountsAnswers(t *testing.T) {
	addr, posted := target(t)
	body := strings.Repeat("z", 2_000_000)
	for _, tc := range []struct {
		name  string
		next  func([]byte) []byte
		bytes int64
	}{
		{"Content-Length", get([]string{"/page"}, ""), 3_000_000},
		{"chunked", get([]string{"/chunked"}, ""), 5 * 10_008},
		{"turns", get([]string{"/page", "/chunked"}, "Accept: a/b\r\n"), 0},
		{"POST", func(b []byte) []byte { return append(appendPost(b, "/post", "", len(body)), body...) }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := load{addr: addr, conns: 3, time: time.Minute, max: 20, next: tc.next}
			r, err := l.run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if r.requests != 20 || len(r.times) != 20 {
				t.Errorf("%d answers and %d times, want 20 of both", r.requests, len(r.times))
			}
			if got := r.bytes / 20; tc.bytes > 0 && (got < tc.bytes || got > tc.bytes+10) {
				t.Errorf("%d bytes an answer, want %d", got, tc.bytes)
			}
		})
	}
	if got := posted.Load(); got != 20*int64(len(body)) {
		t.Errorf("the server got %d bytes of bodies, want %d", got, 20*len(body))
	}
}

func TestLoadEndsInTime(t *testing.T) {
	addr, _ := target(t)
	l := load{addr: addr, conns: 2, time: 100 * time.Millisecond, next: get([]string{"/page"}, ""), pids: []int{os.Getpid()}}
	r, err := l.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.elapsed > 5*time.Second || r.requests == 0 {
		t.Errorf("%d answers in %v, want some in about 100ms", r.requests, r.elapsed)
	}
}

func TestLoadReportsRefusals(t *testing.T) {
	addr, _ := target(t)
	l := load{addr: addr, conns: 1, time: time.Minute, max: 2, next: get([]string{"/nothing"}, "")}
	if _, err := l.run(context.Background()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v, want one that shows the 404", err)
	}
}

func TestNextOf(t *testing.T) {
	for _, tc := range []struct {
		name, body, want string
		fails            bool
	}{
		{"behind", `{"objects":[{"next":"no"}],"more":true,"next":"abc"}`, "abc", false},
		{"before", `{"more":true,"next":"abc","objects":[{"next":"no"}]}`, "abc", false},
		{"last page", `{"objects":[{"next":"no","labels":["x"]}]}`, "", false},
		{"empty", `{}`, "", false},
		{"more without next", `{"objects":[{}],"more":true}`, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := nextOf([]byte(tc.body))
			if got != tc.want || (err != nil) != tc.fails {
				t.Errorf("nextOf = %q, %v; want %q, failure %v", got, err, tc.want, tc.fails)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	for _, tc := range []struct {
		value  float64
		atMost bool
		want   string
	}{
		{1.2, false, "stretch"}, {1.0, false, "ok"}, {0.5, false, "below"},
		{0.5, true, "ok"}, {0.1, true, "stretch"}, {2, true, "below"},
	} {
		r := &Row{Value: tc.value, AtMost: tc.atMost, Floor: 0.9, Stretch: 1.1}
		if tc.atMost {
			r.Stretch = 0.2
		}
		if r.judge(); r.Verdict != tc.want {
			t.Errorf("%v, at most %v: %s, want %s", tc.value, tc.atMost, r.Verdict, tc.want)
		}
	}
}
