package bench

import (
	"context"
	"fmt"
	"net/http"
)

func postLarge(ctx context.Context, r *run) (float64, string, error) {
	return r.post(ctx, smallID, 4, 1000)
}

func postSmall(ctx context.Context, r *run) (float64, string, error) {
	return r.post(ctx, midID, 64, 1)
}

// post sends objects nobody has seen, count a request, and lets the base
// append the same bodies to a file, each with its own fdatasync.
func (r *run) post(ctx context.Context, id string, conns, count int) (float64, string, error) {
	h, log, err := r.empty(ctx)
	if err != nil {
		return 0, "", err
	}
	us := contend(h.child, conns, newFresh(objectsPath(id), h.head, count).next)
	base := contend(log, conns, newFresh("/append", "", count).next)
	for range r.Rounds {
		if err := r.resetLog(ctx, log); err != nil {
			return 0, "", err
		}
		for _, c := range []*contender{us, base} {
			c.time = r.time()
			got, err := c.run(ctx)
			if err != nil {
				return 0, "", err
			}
			c.rate = append(c.rate, got.rate()*float64(count))
			c.cpu = append(c.cpu, got.cpuEach()/float64(count))
			c.each = append(c.each, float64(got.median().Microseconds())/1000)
		}
	}
	detail := fmt.Sprintf("%.0f objects/s (p50 %.1f ms, CPU %.1f µs an object), base %.0f/s",
		medianOf(us.rate), medianOf(us.each), medianOf(us.cpu), medianOf(base.rate))
	return ratio(us.rate, base.rate), detail, nil
}

// resetLog keeps the base's file small.
func (r *run) resetLog(ctx context.Context, log *child) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+log.addr+"/reset", nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("reset: %s", a.Status)
	}
	return nil
}
