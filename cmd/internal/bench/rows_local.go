package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"entente/stix"
	"entente/store"
	"entente/store/bolt"
)

// header is what a server without its own scanner would decode objects into.
type header struct {
	Type        string   `json:"type"`
	ID          string   `json:"id"`
	SpecVersion string   `json:"spec_version"`
	Created     string   `json:"created"`
	Modified    string   `json:"modified"`
	CreatedBy   string   `json:"created_by_ref"`
	Revoked     bool     `json:"revoked"`
	Markings    []string `json:"object_marking_refs"`
	Granular    []struct {
		Ref string `json:"marking_ref"`
	} `json:"granular_markings"`
}

// scan checks an envelope of 1,000 objects, in this process.
func scan(ctx context.Context, r *run) (float64, string, error) {
	data := appendEnvelope(nil, 1, 1000)
	text := string(data)
	var s stix.Scanner
	ours := func() error {
		items, err := s.Envelope(text)
		if err != nil {
			return err
		}
		for i := range items {
			if items[i].Err != nil {
				return items[i].Err
			}
		}
		return nil
	}
	theirs := func() error {
		var e struct {
			Objects []json.RawMessage `json:"objects"`
		}
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		for _, raw := range e.Objects {
			var h header
			if err := json.Unmarshal(raw, &h); err != nil {
				return err
			}
		}
		return nil
	}
	var us, base []float64
	var allocs float64
	for range r.Rounds {
		t, n, err := repeat(r.time()/2, ours)
		if err != nil {
			return 0, "", err
		}
		us, allocs = append(us, t), n
		if t, _, err = repeat(r.time()/2, theirs); err != nil {
			return 0, "", err
		}
		base = append(base, t)
	}
	detail := fmt.Sprintf("%.0f MB/s, %.2f allocations an envelope; encoding/json %.0f MB/s",
		float64(len(data))/medianOf(us), allocs, float64(len(data))/medianOf(base))
	return ratio(base, us), detail, nil
}

// repeat calls f for a while, after one call that does not count. It returns
// µs and allocations a call.
func repeat(d time.Duration, f func() error) (us, allocs float64, err error) {
	if err := f(); err != nil {
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	n := 0
	for ; time.Since(begin) < d; n++ {
		if err := f(); err != nil {
			return 0, 0, err
		}
	}
	elapsed := time.Since(begin)
	runtime.ReadMemStats(&after)
	return float64(elapsed.Nanoseconds()) / 1000 / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n), nil
}

// fileSize imports into a store in this process, without compressed fragments.
func fileSize(ctx context.Context, r *run) (float64, string, error) { return r.storeSize(ctx, true) }

// fileSizeGzip is the same with fragments, when all of them are written.
func fileSizeGzip(ctx context.Context, r *run) (float64, string, error) {
	return r.storeSize(ctx, false)
}

// storeSize compares the data file with the bytes of the objects in it.
func (r *run) storeSize(ctx context.Context, plain bool) (float64, string, error) {
	dir, err := r.sub("size")
	if err != nil {
		return 0, "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "data.db")
	st, err := bolt.Open(file, bolt.Options{NoCompression: plain})
	if err != nil {
		return 0, "", err
	}
	size, err := commitAll(ctx, st, r.Objects)
	if err == nil && !plain {
		err = settle(ctx, file)
	}
	if err = errors.Join(err, st.Close()); err != nil {
		return 0, "", err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, "", err
	}
	return float64(info.Size()) / float64(size), fmt.Sprintf("%.1f MB for %.1f MB", float64(info.Size())/1e6, float64(size)/1e6), nil
}

// commitAll puts count objects into one log, 1,000 a commit, and returns how
// many bytes they have.
func commitAll(ctx context.Context, st store.Store, count int) (int64, error) {
	var size int64
	var s stix.Scanner
	for n := 0; n < count; n += 1000 {
		items, err := s.Envelope(string(appendEnvelope(nil, uint64(n), 1000)))
		if err != nil {
			return 0, err
		}
		b := store.Batch{Log: largeID, At: time.Now()}
		for i := range items {
			b.Objects = append(b.Objects, items[i].Object)
			size += int64(len(items[i].Object.Raw))
		}
		if _, err := st.Commit(ctx, &b); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// settle waits until nobody has written to file for a while: the background
// compression is done.
func settle(ctx context.Context, file string) error {
	const quiet = 2 * time.Second
	var last time.Time
	for since := time.Now(); time.Since(since) < quiet; time.Sleep(50 * time.Millisecond) {
		info, err := os.Stat(file)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if !info.ModTime().Equal(last) {
			last, since = info.ModTime(), time.Now()
		}
	}
	return nil
}

// memory is the highest sample taken while entente import filled the
// collections, and while the server took POSTs and served pages.
func memory(ctx context.Context, r *run) (float64, string, error) {
	if _, err := r.serveThree(ctx); err != nil {
		return 0, "", err
	}
	peak := max(r.importPeak, r.servePeak)
	if peak == 0 {
		return 0, "", errors.ErrUnsupported
	}
	small, mid, large := r.sizes()
	const mib = 1 << 20
	return float64(peak) / mib, fmt.Sprintf("RssAnon: import %d, serve %d MiB; %d objects", r.importPeak/mib, r.servePeak/mib, small+mid+large), nil
}

// start stops the server and takes the time from starting it again until the
// first page has been read.
func start(ctx context.Context, r *run) (float64, string, error) {
	h, err := r.server(ctx)
	if err != nil {
		return 0, "", err
	}
	var all []float64
	for range r.Rounds {
		if err := h.stop(); err != nil {
			return 0, "", err
		}
		begin := time.Now()
		if err := h.start(ctx); err != nil {
			return 0, "", err
		}
		_, body, err := h.fetch(ctx, r.large.paths[0])
		if err != nil {
			return 0, "", err
		}
		all = append(all, float64(time.Since(begin).Microseconds())/1000)
		if !strings.Contains(string(body), `"objects"`) {
			return 0, "", errors.New("the first page is empty")
		}
	}
	return medianOf(all), "the file in the page cache, one password verified", nil
}
