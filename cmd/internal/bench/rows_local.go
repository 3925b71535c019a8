package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"entente/stix"
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

// fileSize compares the data file, after the server has closed it, with the
// bytes of the objects in it.
func fileSizeGzip(ctx context.Context, r *run) (float64, string, error) {
	h, err := r.server(ctx)
	if err != nil {
		return 0, "", err
	}
	n, err := h.fileSize()
	if err != nil {
		return 0, "", err
	}
	return float64(n) / float64(r.bytes), fmt.Sprintf("%.1f MB for %.1f MB", float64(n)/1e6, float64(r.bytes)/1e6), nil
}

// memory is the highest sample taken while the collections were filled and
// pages were served.
func memory(ctx context.Context, r *run) (float64, string, error) {
	if _, err := r.serveThree(ctx); err != nil {
		return 0, "", err
	}
	if r.peak == 0 {
		return 0, "", errors.ErrUnsupported
	}
	small, mid, large := r.sizes()
	return float64(r.peak) / (1 << 20), fmt.Sprintf("highest RssAnon with %d objects", small+mid+large), nil
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
