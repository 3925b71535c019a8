//go:build !linux

package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// exchange runs a goroutine for each connection. Bodies are read and dropped,
// which costs this process what it costs the server: ratios come out closer to
// one than they are.
func (l *load) exchange(ctx context.Context) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.time)
	defer cancel()
	r := &result{}
	started := 0
	var mu sync.Mutex // guards r, started and next
	g, ctx := errgroup.WithContext(ctx)
	for range l.conns {
		g.Go(func() error { return l.connection(ctx, &mu, r, &started) })
	}
	return r, g.Wait()
}

func (l *load) connection(ctx context.Context, mu *sync.Mutex, r *result, started *int) error {
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReaderSize(c, 1<<18)
	var out []byte
	for ctx.Err() == nil {
		mu.Lock()
		if l.max > 0 && *started == l.max {
			mu.Unlock()
			return nil
		}
		*started++
		out = l.next(out[:0])
		mu.Unlock()
		begin := time.Now()
		if _, err := c.Write(out); err != nil {
			return err
		}
		a, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, a.Body)
		if err != nil {
			return err
		}
		mu.Lock()
		r.requests++
		r.bytes += n
		r.times = append(r.times, time.Since(begin))
		if a.StatusCode < 200 || a.StatusCode > 299 {
			if r.bad++; r.bad == 1 {
				r.firstBad = a.Status
			}
		}
		mu.Unlock()
	}
	return nil
}

// syncData makes what was written to f durable.
func syncData(f *os.File) error { return f.Sync() }
