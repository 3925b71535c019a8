package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// sizes are the numbers of objects in the small, middle and large collection.
func (r *run) sizes() (small, mid, large int) {
	small = 100_000
	if r.Objects <= small {
		small = r.Objects / 10_000 * 1000
	}
	if r.Objects > 1_000_000 {
		mid = 1_000_000
	}
	return small, mid, r.Objects
}

// server returns the filled server: the small collection by POST, the others
// by import.
func (r *run) server(ctx context.Context) (*hub, error) {
	if r.hub != nil {
		return r.hub, nil
	}
	h, err := newHub(filepath.Join(r.dir, "hub"))
	if err != nil {
		return nil, err
	}
	small, mid, large := r.sizes()
	for _, c := range []struct {
		id    string
		count int
	}{{midID, mid}, {largeID, large}} {
		if c.count == 0 {
			continue
		}
		n, peak, err := h.load(ctx, c.id, c.count)
		if err != nil {
			return nil, err
		}
		r.importPeak = max(r.importPeak, peak)
		r.bytes += n
	}
	r.hub = h
	if err := h.start(ctx); err != nil {
		return nil, err
	}
	defer watchMemory(h.cmd.Process.Pid, &r.servePeak)()
	n, err := h.fill(ctx, smallID, small)
	if err != nil {
		return nil, fmt.Errorf("fill the small collection: %w", err)
	}
	r.bytes += n
	if r.pages, err = r.sub("pages/p"); err != nil {
		return nil, err
	}
	if r.large, err = h.walkAll(ctx, largeID, r.Pages, r.pages); err != nil {
		return nil, err
	}
	return h, h.idle(ctx)
}

// watchMemory raises *peak to the memory of a process beyond its mapped file,
// until the returned function is called.
func watchMemory(pid int, peak *int64) (stop func()) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				if n, err := anonymous(pid); err == nil {
					*peak = max(*peak, n)
				}
			}
		}
	})
	return func() { close(end); wg.Wait() }
}

// memoryServer returns net/http serving the same pages from memory.
func (r *run) memoryServer(ctx context.Context) (*child, error) {
	if r.static != nil {
		return r.static, nil
	}
	if _, err := r.server(ctx); err != nil {
		return nil, err
	}
	var err error
	r.static, err = startStatic(ctx, r.dir, r.pages, "")
	return r.static, err
}

// nginxServer returns nginx serving the same pages, and a file small of 300 B.
func (r *run) nginxServer(ctx context.Context) (*child, error) {
	if r.nginx != nil {
		return r.nginx, nil
	}
	if err := r.haveNginx(); err != nil {
		return nil, err
	}
	if _, err := r.server(ctx); err != nil {
		return nil, err
	}
	root := filepath.Dir(r.pages)
	if err := os.WriteFile(filepath.Join(root, "small"), make([]byte, smallSize), 0o600); err != nil {
		return nil, err
	}
	var err error
	r.nginx, err = startNginx(ctx, r.Nginx, r.dir, root)
	return r.nginx, err
}

// empty returns a server without objects, and net/http appending to a file.
func (r *run) empty(ctx context.Context) (*hub, *child, error) {
	if r.ingest != nil {
		return r.ingest, r.log, nil
	}
	h, err := newHub(filepath.Join(r.dir, "ingest"))
	if err != nil {
		return nil, nil, err
	}
	r.ingest = h
	if err := h.start(ctx); err != nil {
		return nil, nil, err
	}
	r.log, err = startStatic(ctx, r.dir, "", filepath.Join(r.dir, "append.log"))
	return h, r.log, err
}

// staticPaths are the pages' paths under prefix.
func (r *run) staticPaths(prefix string) []string {
	paths := make([]string, r.Pages)
	for i := range paths {
		paths[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return paths
}
