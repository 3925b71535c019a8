package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"entente/taxii"
	"entente/taxii/client"
)

// A pullJob is what one pull reads and where it goes.
type pullJob struct {
	query  client.Query
	out    string
	format string // ndjson or bundle
	state  string // file; "" keeps no state
	json   bool
}

// A pullState is how far a pull got. It is written after the objects are.
type pullState struct {
	URL        string          `json:"url"` // of the API root
	Collection string          `json:"collection"`
	Query      string          `json:"query"`
	Position   client.Position `json:"position"`
	Out        string          `json:"out"`
	Size       int64           `json:"size"` // of the output up to here
}

// A pullSummary is what a pull did.
type pullSummary struct {
	Collection string          `json:"collection"`
	Objects    int             `json:"objects"`
	Bytes      int64           `json:"bytes"`
	Invalid    int             `json:"invalid"` // what the server sent and is no STIX; left out
	Position   client.Position `json:"position"`
}

func pullCommand(e *env) *cobra.Command {
	var r remote
	job := pullJob{query: client.All}
	var match []string
	cmd := &cobra.Command{
		Use:   "pull URL",
		Short: "Read a collection of a TAXII 2.1 server into a file",
		Long: `Pull reads every version of every object that a collection has, each with
exactly the bytes that the server sent; --match and --added-after select. URL is
the server, an API root or the collection.

With --resume it notes in a file how far it got. Called again it goes on from
there, after an interruption as well as for what is new since.`,
		Example: `  ENTENTE_PASSWORD=analyst entente pull -u analyst http://127.0.0.1:6100 --collection intel --out intel.ndjson --resume intel.state
  entente pull https://taxii.example/api1/ --collection indicators --match type=indicator --match version=last`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := job.check(match); err != nil {
				return err
			}
			coll, info, err := r.open(ctx, e, args[0], func(c taxii.Collection) bool { return c.CanRead })
			if err != nil {
				return err
			}
			if !info.CanRead {
				return nof("this account may not read collection %s", info.ID)
			}
			return e.pull(ctx, coll, r.rootURL, &job)
		},
	}
	remoteFlags(cmd, &r)
	collectionFlag(cmd, &r)
	f := cmd.Flags()
	f.StringVarP(&job.out, "out", "o", "-", "`file` to write; - is standard output")
	f.StringVar(&job.format, "format", "", "ndjson or bundle; default: bundle if the file ends in .json, else ndjson")
	f.StringVar(&job.state, "resume", "", "`file` that keeps how far the pull got; needs ndjson")
	f.StringVar(&job.query.AddedAfter, "added-after", "", "only what was added after this `time`, as in 2026-01-31T00:00:00Z")
	f.IntVar(&job.query.Limit, "limit", 1000, "objects to ask for at a time")
	f.DurationVar(&job.query.Overlap, "overlap", 0, "with --resume: ask again for this much before the last date, for servers whose dates are not unique; expect repeats")
	f.StringArrayVar(&match, "match", nil, "`FIELD=VALUES`: type, id, version (all, first, last or dates) or spec_version; values joined by commas; may be repeated")
	f.BoolVar(&job.json, "json", false, "print the summary as JSON, to stderr if the objects go to standard output")
	return cmd
}

// check completes the job from its flags.
func (j *pullJob) check(match []string) error {
	for _, m := range match {
		field, value, _ := strings.Cut(m, "=")
		values := strings.Split(value, ",")
		switch strings.ReplaceAll(field, "-", "_") {
		case "type":
			j.query.Types = values
		case "id":
			j.query.IDs = values
		case "version":
			j.query.Versions, j.query.Widest = values, false
		case "spec_version":
			j.query.SpecVersions, j.query.Widest = values, false
		default:
			return usagef("--match %s: write type=, id=, version= or spec_version= and values", m)
		}
	}
	if j.format == "" {
		j.format = "ndjson"
		if strings.HasSuffix(j.out, ".json") {
			j.format = "bundle"
		}
	}
	switch {
	case j.format != "ndjson" && j.format != "bundle":
		return usagef("--format %s: use ndjson or bundle", j.format)
	case j.state != "" && j.format == "bundle":
		return usagef("--resume needs --format ndjson: a bundle cannot be continued")
	case j.query.Limit <= 0:
		return usagef("--limit %d: must be positive", j.query.Limit)
	}
	if j.query.AddedAfter != "" {
		if _, ok := client.Micros(j.query.AddedAfter); !ok {
			return usagef("--added-after %s: want a time like 2026-01-31T00:00:00Z", j.query.AddedAfter)
		}
	}
	return nil
}

// name is the query as text, to notice that a state is about another one.
func (j *pullJob) name() string {
	q := j.query
	q.Limit, q.Overlap = 0, 0
	b, _ := json.Marshal(q) // strings and numbers: cannot fail
	return string(b)
}

func (e *env) pull(ctx context.Context, coll *client.Collection, root string, j *pullJob) (err error) {
	state := pullState{URL: root, Collection: coll.ID(), Query: j.name(), Out: j.out}
	if err := j.load(&state); err != nil {
		return err
	}
	if j.out == "-" || j.state != "" {
		w, file, err := j.append(e, &state)
		if err != nil {
			return err
		}
		if file != nil {
			defer func() { err = errors.Join(err, file.Close()) }()
		}
		return e.pullTo(ctx, coll, j, &state, w, file)
	}
	return writeWhole(j.out, func(w io.Writer) error { return e.pullTo(ctx, coll, j, &state, w, nil) })
}

// load reads the state of an earlier pull, which must be of the same thing.
func (j *pullJob) load(s *pullState) error {
	if j.state == "" {
		return nil
	}
	b, err := os.ReadFile(j.state)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old pullState
	if err := json.Unmarshal(b, &old); err != nil {
		return fmt.Errorf("%s: not the state of a pull: %w", j.state, err)
	}
	if old.URL != s.URL || old.Collection != s.Collection || old.Query != s.Query || old.Out != s.Out {
		return usagef("%s is of another pull: collection %s of %s into %s; use another file", j.state, old.Collection, old.URL, old.Out)
	}
	*s = old
	return nil
}

// append opens the output where the state ends: what a crash left behind it is
// cut off and read again.
func (j *pullJob) append(e *env, s *pullState) (io.Writer, *os.File, error) {
	if j.out == "-" {
		return e.stdout, nil, nil
	}
	f, err := os.OpenFile(j.out, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < s.Size {
		err = fmt.Errorf("%s has %d bytes, but %s says that %d were written; remove both to start again", j.out, info.Size(), j.state, s.Size)
	}
	if err == nil {
		err = f.Truncate(s.Size)
	}
	if err == nil {
		_, err = f.Seek(s.Size, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, f, nil
}

// pullTo copies pages. The state moves after the objects of a page are in file.
func (e *env) pullTo(ctx context.Context, coll *client.Collection, j *pullJob, s *pullState, out io.Writer, file *os.File) error {
	w := bufio.NewWriterSize(out, 1<<20)
	sum := pullSummary{Collection: coll.ID(), Position: s.Position}
	bar := e.newProgress("pull", -1)
	before, between, after := "", "", "\n"
	if j.format == "bundle" {
		before, between, after = `{"type":"bundle","id":"`+newBundleID()+`","objects":[`+"\n", ",\n", ""
	}
	for page, err := range coll.Pages(ctx, j.query, s.Position) {
		if err != nil {
			bar.end()
			return errors.Join(err, e.reportPull(sum, j))
		}
		for _, it := range page.Items {
			if it.Err != nil {
				if sum.Invalid++; sum.Invalid <= listRefused {
					fmt.Fprintf(e.stderr, "left out: %v\n", it.Err)
				}
				continue
			}
			// Errors of w stay, and Flush returns them.
			w.WriteString(before)
			w.WriteString(it.Object.Raw)
			w.WriteString(after)
			before = between
			n := len(it.Object.Raw) + len(after)
			s.Size += int64(n)
			sum.Bytes += int64(n)
			sum.Objects++
			bar.add(n)
		}
		s.Position, sum.Position = page.To, page.To
		if err := w.Flush(); err != nil {
			return err
		}
		if err := j.save(s, file); err != nil {
			return err
		}
	}
	bar.end()
	if j.format == "bundle" {
		tail := "\n]}\n"
		if sum.Objects == 0 { // a bundle must not have an empty list
			tail = strings.TrimSuffix(before, `,"objects":[`+"\n") + "}\n"
		}
		w.WriteString(tail)
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if err := e.reportPull(sum, j); err != nil {
		return err
	}
	if sum.Invalid > 0 {
		return errNo{}
	}
	return nil
}

// save makes the objects durable, then the state.
func (j *pullJob) save(s *pullState, file *os.File) error {
	if j.state == "" {
		return nil
	}
	if file != nil {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	return writeWhole(j.state, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(s)
	})
}

func (e *env) reportPull(sum pullSummary, j *pullJob) error {
	w := e.stderr
	if j.out != "-" {
		w = e.stdout
	}
	if j.json {
		return (&env{stdout: w}).printJSON(sum)
	}
	_, err := fmt.Fprintf(w, "%s, %d bytes", plural(sum.Objects, "object"), sum.Bytes)
	if sum.Invalid > 0 {
		fmt.Fprintf(w, ", %d left out", sum.Invalid)
	}
	fmt.Fprintln(w)
	return err
}

// newBundleID is a fresh id (STIX 2.1, section 2.9).
func newBundleID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("bundle--%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
