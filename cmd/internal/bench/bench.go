// Package bench measures a real server end to end, beside what it is compared
// with in the same run: nginx and Go's net/http serving the same bytes, plain
// appends with fdatasync, gzip and encoding/json. Only ratios are judged; they
// carry over to other machines better than rates do.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options says what to measure.
type Options struct {
	Rows    []string // names of rows; empty: all
	Objects int      // in the large collection, a multiple of 1,000
	Pages   int      // of 1,000 objects that page requests are spread over
	Seconds float64  // of one measurement
	Rounds  int      // medians are over so many
	Nginx   string   // name or path of the nginx binary
	Dir     string   // a folder on the disk to measure; needs about 4 kB an object
	JSON    bool     // write one JSON object instead of the table
	Now     func() time.Time

	quick bool
}

// Quick makes o a run of some seconds which shows that everything works; its
// figures mean little.
func (o *Options) Quick() {
	o.Objects, o.Pages, o.Seconds, o.Rounds, o.quick = 20_000, 10, 0.3, 1, true
}

// A Row is one line of the report.
type Row struct {
	Name    string  `json:"name"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit,omitempty"` // "": a ratio
	Floor   float64 `json:"floor"`
	Stretch float64 `json:"stretch"`
	AtMost  bool    `json:"at_most"` // the value should be small
	Verdict string  `json:"verdict"` // stretch, ok, below, or not measured
	Detail  string  `json:"detail"`

	measure func(context.Context, *run) (value float64, detail string, err error)
}

// judge sets the verdict.
func (r *Row) judge() {
	reached := func(goal float64) bool {
		if r.AtMost {
			return r.Value <= goal
		}
		return r.Value >= goal
	}
	switch {
	case reached(r.Stretch):
		r.Verdict = "stretch"
	case reached(r.Floor):
		r.Verdict = "ok"
	default:
		r.Verdict = "below"
	}
}

// A Report is a whole run.
type Report struct {
	Machine string `json:"machine"`
	Date    string `json:"date"`
	Setting string `json:"setting"`
	Rows    []*Row `json:"rows"`
}

// Names lists the rows.
func Names() []string {
	var names []string
	for _, r := range rows() {
		names = append(names, r.Name)
	}
	return names
}

// Run measures what o asks for and writes the report to out. It uses loopback
// only, and takes about 20 × o.Seconds × o.Rounds and some time for its data.
func Run(ctx context.Context, o Options, out io.Writer) error {
	if o.Objects < 10_000 || o.Objects%1000 != 0 || o.Pages < 1 || o.Pages*1000 > o.Objects {
		return errors.New("the number of objects must be a multiple of 1,000, at least 10,000, and no smaller than the pages hold")
	}
	all := rows()
	var wanted []*Row
	for _, r := range all {
		if len(o.Rows) == 0 || slices.Contains(o.Rows, r.Name) {
			wanted = append(wanted, r)
		}
	}
	for _, name := range o.Rows {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("there is no row %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	dir, err := os.MkdirTemp(o.Dir, "entente-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the generator is not what is measured
	r := &run{Options: o, dir: dir}
	report := &Report{Machine: machine(), Date: o.Now().UTC().Format(time.RFC3339), Rows: wanted}
	report.Setting = fmt.Sprintf("%d objects, %d pages, %d rounds of %gs, medians", o.Objects, o.Pages, o.Rounds, o.Seconds)
	if o.quick {
		report.Setting += "; a quick run, its verdicts mean little"
	}
	if !o.JSON {
		fmt.Fprintf(out, "%s, %s\n%s\n\n", report.Machine, report.Date, report.Setting)
	}
	err = r.measure(ctx, wanted, out)
	if err = errors.Join(err, r.close()); err != nil {
		return err
	}
	if o.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return nil
}

// measure fills the rows, and prints each as soon as it is known.
func (r *run) measure(ctx context.Context, rows []*Row, out io.Writer) error {
	if !r.JSON {
		fmt.Fprintf(out, "%-10s %-58s %10s %8s %8s  %-12s %s\n", "row", "what", "value", "floor", "stretch", "verdict", "detail")
	}
	for _, row := range rows {
		var err error
		row.Value, row.Detail, err = row.measure(ctx, r)
		switch {
		case errors.Is(err, errNoNginx) || errors.Is(err, errors.ErrUnsupported):
			row.Verdict, row.Detail = "not measured", err.Error()
		case err != nil:
			return fmt.Errorf("row %s: %w", row.Name, err)
		default:
			row.judge()
		}
		if !r.JSON {
			fmt.Fprintln(out, row)
		}
	}
	return nil
}

// String is the row's line in the table.
func (r *Row) String() string {
	sign := ""
	if r.AtMost {
		sign = "≤"
	}
	value := fmt.Sprintf("%.4g%s", r.Value, r.Unit)
	if r.Verdict == "not measured" {
		value = "-"
	}
	goal := func(f float64) string { return fmt.Sprintf("%s%.4g%s", sign, f, r.Unit) }
	return fmt.Sprintf("%-10s %-58s %10s %8s %8s  %-12s %s", r.Name, r.What, value, goal(r.Floor), goal(r.Stretch), r.Verdict, r.Detail)
}

// machine says what the figures belong to.
func machine() string {
	s := fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if k, v, _ := strings.Cut(line, ":"); strings.TrimSpace(k) == "model name" {
				s += ", " + strings.TrimSpace(v)
				break
			}
		}
	}
	return s
}

// medianOf returns the middle of v, whose order it leaves: it says which round
// each value is from.
func medianOf(v []float64) float64 {
	return slices.Sorted(slices.Values(v))[len(v)/2]
}

// run holds what rows share: servers and data, made when first asked for.
type run struct {
	Options
	dir string

	hub    *hub  // under test, with the collections filled
	bytes  int64 // of the objects in it
	large  *walk
	pages  string // folder with the bodies of the first pages of large
	static *child
	nginx  *child
	three  *threeWay

	importPeak, servePeak int64 // memory beyond the mapped file, sampled

	ingest *hub // with empty collections
	log    *child
}

func (r *run) close() error {
	var err error
	for _, c := range []*child{r.static, r.nginx, r.log} {
		if c != nil {
			err = errors.Join(err, c.stop())
		}
	}
	for _, h := range []*hub{r.hub, r.ingest} {
		if h.running() {
			err = errors.Join(err, h.stop())
		}
	}
	return err
}

// haveNginx reports errNoNginx early, before data is made for nothing.
func (r *run) haveNginx() error {
	if _, err := exec.LookPath(r.Nginx); err != nil {
		return errNoNginx
	}
	return nil
}

func (r *run) sub(name string) (string, error) {
	path := filepath.Join(r.dir, name)
	return path, os.MkdirAll(path, 0o700)
}

func (r *run) time() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }
