package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A load is a bounded run of HTTP/1.1 requests over keep-alive connections to
// a server on loopback. Bodies of answers are thrown away, on Linux without
// their bytes ever leaving the kernel, so that what is measured is the server.
type load struct {
	addr  string // 127.0.0.1:port
	conns int
	time  time.Duration // ends the run
	max   int           // requests to make; the run ends with the last answer. 0: only time ends it

	// next appends the next request, headers and body, to buf. It is called from
	// one goroutine at a time.
	next func(buf []byte) []byte

	pids []int // processes whose CPU time is counted: the server's
}

// A result is what a load saw. Times of single requests are from the first
// byte sent to the last byte received.
type result struct {
	requests int
	bad      int    // answers other than 2xx, counted in requests too
	firstBad string // the head of the first of these
	bytes    int64  // of bodies
	elapsed  time.Duration
	cpu      time.Duration // user and system, of all pids
	times    []time.Duration
}

// rate is answers per second.
func (r *result) rate() float64 { return float64(r.requests) / r.elapsed.Seconds() }

// cpuEach is server CPU time per answer, in µs.
func (r *result) cpuEach() float64 {
	return float64(r.cpu.Microseconds()) / float64(r.requests)
}

// each is the wall-clock time per answer, in µs.
func (r *result) each() float64 {
	return float64(r.elapsed.Microseconds()) / float64(r.requests)
}

// median is that of the single requests.
func (r *result) median() time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	slices.Sort(r.times)
	return r.times[len(r.times)/2]
}

// run applies the load. An answer other than 2xx is an error: figures that
// count errors as answers mean nothing.
func (l *load) run(ctx context.Context) (*result, error) {
	before, err := cpuTime(l.pids)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	r, err := l.exchange(ctx)
	if err != nil {
		return nil, err
	}
	r.elapsed = time.Since(begin)
	after, err := cpuTime(l.pids)
	if err != nil {
		return nil, err
	}
	r.cpu = after - before
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case r.bad > 0:
		return nil, fmt.Errorf("%d of %d answers were refusals, the first: %s", r.bad, r.requests, r.firstBad)
	case r.requests == 0:
		return nil, errors.New("no answer in time from " + l.addr)
	}
	return r, nil
}

// get makes requests for paths in turn, with the header lines (each ending in
// CRLF) of head.
func get(paths []string, head string) func([]byte) []byte {
	requests := make([]string, len(paths))
	for i, p := range paths {
		requests[i] = "GET " + p + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + "\r\n"
	}
	var n atomic.Int64
	return func(buf []byte) []byte {
		return append(buf, requests[int(n.Add(1)-1)%len(requests)]...)
	}
}

// An answer is the reading state of one HTTP/1.1 answer.
type answer struct {
	status  int
	left    int64 // bytes of the body to come; -1: chunked
	headLen int
}

// parseHead reads the head of an answer from data. It returns nil if the head
// is not there in full yet.
func parseHead(data []byte) (*answer, error) {
	s := string(data)
	end := strings.Index(s, "\r\n\r\n")
	if end < 0 {
		return nil, nil
	}
	a := &answer{headLen: end + 4}
	if _, err := fmt.Sscanf(s, "HTTP/1.1 %d", &a.status); err != nil {
		return nil, fmt.Errorf("not an HTTP/1.1 answer: %.80q", s)
	}
	low := strings.ToLower(s[:end])
	if i := strings.Index(low, "\r\ncontent-length:"); i >= 0 {
		_, err := fmt.Sscanf(low[i+len("\r\ncontent-length:"):], "%d", &a.left)
		return a, err
	}
	if strings.Contains(low, "\r\ntransfer-encoding: chunked") {
		a.left = -1
		return a, nil
	}
	if a.status == 204 || a.status == 304 {
		return a, nil
	}
	return nil, fmt.Errorf("an answer without Content-Length: %.300q", s)
}
