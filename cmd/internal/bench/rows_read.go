package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// readers is the number of connections of the page rows.
const readers = 16

// threeWay is the outcome of serving the same pages from us, net/http and nginx.
type threeWay struct{ us, goMem, nginx *contender }

// serveThree measures the pages once for the rows that look at it.
func (r *run) serveThree(ctx context.Context) (*threeWay, error) {
	if r.three != nil {
		return r.three, nil
	}
	h, err := r.server(ctx)
	if err != nil {
		return nil, err
	}
	m, err := r.memoryServer(ctx)
	if err != nil {
		return nil, err
	}
	t := &threeWay{
		us:    contend(h.child, readers, get(r.large.paths[:r.Pages], h.head)),
		goMem: contend(m, readers, get(r.staticPaths("/p/"), "")),
	}
	all := []*contender{t.us, t.goMem}
	n, err := r.nginxServer(ctx)
	switch {
	case err == nil:
		t.nginx = contend(n, readers, get(r.staticPaths("/p/"), ""))
		all = append(all, t.nginx)
	case !errors.Is(err, errNoNginx):
		return nil, err
	}
	defer watchMemory(h.cmd.Process.Pid, &r.servePeak)()
	if err := r.alternate(ctx, all...); err != nil {
		return nil, err
	}
	r.three = t
	return t, nil
}

func pageRate(ctx context.Context, r *run) (float64, string, error) {
	if err := r.haveNginx(); err != nil {
		return 0, "", err
	}
	t, err := r.serveThree(ctx)
	if err != nil {
		return 0, "", err
	}
	v := ratio(t.us.rate, t.nginx.rate)
	return v, fmt.Sprintf("%.0f/s, nginx %.0f/s, net/http %.0f/s", medianOf(t.us.rate), medianOf(t.nginx.rate), medianOf(t.goMem.rate)), nil
}

func pageCPU(ctx context.Context, r *run) (float64, string, error) {
	t, err := r.serveThree(ctx)
	if err != nil {
		return 0, "", err
	}
	v := ratio(t.goMem.cpu, t.us.cpu)
	detail := fmt.Sprintf("%.0f µs, net/http %.0f µs", medianOf(t.us.cpu), medianOf(t.goMem.cpu))
	if t.nginx != nil {
		detail += fmt.Sprintf(", nginx %.0f µs", medianOf(t.nginx.cpu))
	}
	return v, detail, nil
}

// depth compares eight neighbouring pages at the beginning, in the middle and
// at the end of each collection.
func depth(ctx context.Context, r *run) (float64, string, error) {
	h, err := r.server(ctx)
	if err != nil {
		return 0, "", err
	}
	small, mid, large := r.sizes()
	var cells []*contender
	for _, c := range []struct {
		id    string
		count int
	}{{smallID, small}, {midID, mid}, {largeID, large}} {
		if c.count == 0 {
			continue
		}
		w := r.large
		if c.id != largeID {
			if w, err = h.walkAll(ctx, c.id, 0, ""); err != nil {
				return 0, "", err
			}
		}
		n := len(w.paths)
		k := min(8, n/2)
		for _, from := range []int{0, n/2 - k/2, n - k} {
			cells = append(cells, contend(h.child, readers, get(w.paths[from:from+k], h.head)))
		}
	}
	if err := r.alternate(ctx, cells...); err != nil {
		return 0, "", err
	}
	var each, cpu []float64
	detail := "µs a page:"
	for _, c := range cells {
		each = append(each, medianOf(c.each))
		cpu = append(cpu, medianOf(c.cpu))
		detail += fmt.Sprintf(" %.0f", each[len(each)-1])
	}
	return slices.Max(each) / slices.Min(each), fmt.Sprintf("%s; by CPU %.2f", detail, slices.Max(cpu)/slices.Min(cpu)), nil
}

func gzipCPU(ctx context.Context, r *run) (float64, string, error) {
	h, err := r.server(ctx)
	if err != nil {
		return 0, "", err
	}
	m, err := r.memoryServer(ctx)
	if err != nil {
		return 0, "", err
	}
	us := contend(h.child, readers, get(r.large.paths[:r.Pages], h.head+"Accept-Encoding: gzip\r\n"))
	fly := contend(m, readers, get(r.staticPaths("/gz/"), ""))
	if err := r.alternate(ctx, us, fly); err != nil {
		return 0, "", err
	}
	return ratio(fly.cpu, us.cpu), fmt.Sprintf("%.0f µs, on the fly %.0f µs", medianOf(us.cpu), medianOf(fly.cpu)), nil
}

func emptyPoll(ctx context.Context, r *run) (float64, string, error) {
	n, err := r.nginxServer(ctx)
	if err != nil {
		return 0, "", err
	}
	h, err := r.server(ctx)
	if err != nil {
		return 0, "", err
	}
	m, err := r.memoryServer(ctx)
	if err != nil {
		return 0, "", err
	}
	path := objectsPath(largeID) + "?added_after=" + url.QueryEscape(r.large.last)
	us := contend(h.child, readers, get([]string{path}, h.head))
	base := contend(n, readers, get([]string{"/small"}, ""))
	goMem := contend(m, readers, get([]string{"/small"}, ""))
	if err := r.alternate(ctx, us, base, goMem); err != nil {
		return 0, "", err
	}
	detail := fmt.Sprintf("%.0f/s, nginx %.0f/s, net/http %.0f/s; CPU %.1f, %.1f and %.1f µs",
		medianOf(us.rate), medianOf(base.rate), medianOf(goMem.rate), medianOf(us.cpu), medianOf(base.cpu), medianOf(goMem.cpu))
	return ratio(us.rate, base.rate), detail, nil
}

// match asks for the rare type and for everything, one page each.
func match(ctx context.Context, r *run) (float64, string, error) {
	h, err := r.server(ctx)
	if err != nil {
		return 0, "", err
	}
	limit := min(1000, r.Objects/rareEvery)
	path := fmt.Sprintf("%s?limit=%d", objectsPath(largeID), limit)
	rare := contend(h.child, 1, get([]string{path + "&match%5Btype%5D=tool"}, h.head))
	whole := contend(h.child, 1, get([]string{path}, h.head))
	if err := r.alternate(ctx, rare, whole); err != nil {
		return 0, "", err
	}
	detail := fmt.Sprintf("%d hits in %.0f µs, whole page %.0f µs, one connection", limit, medianOf(rare.each), medianOf(whole.each))
	return ratio(rare.each, whole.each), detail, nil
}
