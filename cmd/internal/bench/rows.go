package bench

import "context"

// rows are the lines of the report, in the order in which they are measured.
// The floor must hold; the stretch is what we aim for.
func rows() []*Row {
	const ms, us, mib = "ms", "µs", "MiB"
	return []*Row{
		{Name: "page", What: "page of 1,000, paging, 16 connections: rate against nginx", Floor: 0.95, Stretch: 1.10, measure: pageRate},
		{Name: "cpu", What: "the same: CPU a page against net/http from memory", Floor: 0.80, Stretch: 0.92, measure: pageCPU},
		{Name: "depth", What: "small and large, first, middle, last: slowest/fastest", Floor: 1.3, Stretch: 1.1, AtMost: true, measure: depth},
		{Name: "gzip", What: "gzip answer: CPU of gzip -1 on the fly against ours", Floor: 15, Stretch: 25, measure: gzipCPU},
		{Name: "empty", What: "poll that finds nothing: rate against nginx, 300 B", Floor: 0.6, Stretch: 0.78, measure: emptyPoll},
		{Name: "match", What: "match[type] with 0.1 % hits: time against a whole page", Floor: 1.5, Stretch: 1.0, AtMost: true, measure: match},
		{Name: "scan", What: "envelope scan and check against encoding/json", Floor: 10, Stretch: 20, measure: scan},
		{Name: "post", What: "POST 4 × 1,000: against append and fdatasync", Floor: 0.18, Stretch: 0.27, measure: postLarge},
		{Name: "post-one", What: "POST 64 × 1: against one fdatasync each", Floor: 3, Stretch: 5, measure: postSmall},
		{Name: "auth", What: "authentication after the first request", Unit: us, Floor: 1, Stretch: 0.3, AtMost: true, measure: authentication},
		{Name: "size", What: "file against raw JSON, without fragments", Floor: 1.15, Stretch: 1.07, AtMost: true, measure: fileSize},
		{Name: "size-gzip", What: "file against raw JSON, with fragments", Floor: 1.35, Stretch: 1.2, AtMost: true, measure: fileSizeGzip},
		{Name: "memory", What: "memory beyond the mapped file, importing and serving", Unit: mib, Floor: 256, Stretch: 128, AtMost: true, measure: memory},
		{Name: "start", What: "start to first page", Unit: ms, Floor: 2000, Stretch: 500, AtMost: true, measure: start},
	}
}

// A contender is one of the servers that a row compares.
type contender struct {
	load
	rate, cpu, each []float64 // one a round
}

// alternate gives each contender its turn in every round, after one short turn
// each that does not count.
func (r *run) alternate(ctx context.Context, all ...*contender) error {
	for round := -1; round < r.Rounds; round++ {
		for _, c := range all {
			l := c.load
			l.time = r.time()
			if round < 0 {
				l.time /= 3
			}
			got, err := l.run(ctx)
			if err != nil {
				return err
			}
			if round < 0 {
				continue
			}
			c.rate = append(c.rate, got.rate())
			c.cpu = append(c.cpu, got.cpuEach())
			c.each = append(c.each, got.each())
		}
	}
	return nil
}

// ratio is the median of a[i]/b[i].
func ratio(a, b []float64) float64 {
	q := make([]float64, len(a))
	for i := range a {
		q[i] = a[i] / b[i]
	}
	return medianOf(q)
}

// against makes contenders for the same requests count as pids of a server.
func contend(c *child, conns int, next func([]byte) []byte) *contender {
	return &contender{load: load{addr: c.addr, conns: conns, next: next, pids: c.pids()}}
}
