package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/store"
	"entente/taxii"
)

// An exportJob is what to export, and how.
type exportJob struct {
	format string // bundle, envelope or ndjson
	log    store.LogID
	query  store.Query
}

func exportCommand(e *env) *cobra.Command {
	var file, collection, format, addedAfter, out string
	var match []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a collection's objects to a file, as they were received",
		Long: `Export writes every version of every object, oldest first, each with exactly the
bytes that came in; --match and --added-after select. It writes to standard
output, or with --out to a file, which appears when it is complete and is
compressed if its name ends in .gz or .zst.

It works on the data file: the server must not be running. While it runs, use
entente pull.`,
		Example: `  entente export --collection intel --out intel.json
  entente export --collection intel --match type=indicator --match version=last`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			job := exportJob{format: format}
			if job.format == "" {
				job.format = formatOf(out)
			}
			if job.format != "bundle" && job.format != "envelope" && job.format != "ndjson" {
				return usagef("--format %s: use bundle, envelope or ndjson", job.format)
			}
			c, err := config.LoadForEdit(file)
			if err != nil {
				return err
			}
			col, err := chooseCollection(c, collection)
			if err != nil {
				return err
			}
			job.log = store.LogID(col.ID)
			if job.query, err = exportQuery(match, addedAfter); err != nil {
				return err
			}
			return e.export(cmd.Context(), c, job, out, asJSON)
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().StringVar(&collection, "collection", "", "its alias, root/alias or id; may be left out if there is only one")
	cmd.Flags().StringVar(&format, "format", "", "bundle, envelope or ndjson; default: ndjson if the file is called so, else bundle")
	cmd.Flags().StringArrayVar(&match, "match", nil, "`FIELD=VALUES`: type, id, version (all, first, last or dates) or spec_version; values joined by commas; may be repeated")
	cmd.Flags().StringVar(&addedAfter, "added-after", "", "only what was added after this `time`, as in 2026-01-31T00:00:00Z")
	cmd.Flags().StringVarP(&out, "out", "o", "-", "`file` to write; - is standard output")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON; with --out")
	return cmd
}

// formatOf guesses from a file's name.
func formatOf(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	if strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".jsonl") {
		return "ndjson"
	}
	return "bundle"
}

// exportQuery reads the filters with the server's own parser of them.
func exportQuery(match []string, addedAfter string) (store.Query, error) {
	var raw []string
	for _, m := range match {
		field, value, ok := strings.Cut(m, "=")
		field = strings.ReplaceAll(field, "-", "_")
		switch field {
		case "type", "id", "version", "spec_version":
		default:
			ok = false
		}
		if !ok {
			return store.Query{}, usagef("--match %s: write type=, id=, version= or spec_version= and values", m)
		}
		raw = append(raw, url.QueryEscape("match["+field+"]")+"="+url.QueryEscape(value))
	}
	if addedAfter != "" {
		raw = append(raw, "added_after="+url.QueryEscape(addedAfter))
	}
	var q taxii.Query
	params := taxii.ParamAddedAfter | taxii.ParamID | taxii.ParamType | taxii.ParamVersion | taxii.ParamSpecVersion
	if err := q.Parse(strings.Join(raw, "&"), params); err != nil {
		return store.Query{}, usagef("%s", err.Description)
	}
	s := store.Query{
		After: store.Added(q.AddedAfter), Types: q.Types, IDs: q.IDs, SpecVersions: q.SpecVersions,
		Versions: store.Versions{All: q.All, First: q.First, Last: q.Last, Exact: q.Exact},
		Limit:    1000, Want: store.WantObjects | store.WantRows,
	}
	if q.Given&taxii.ParamVersion == 0 {
		s.Versions.All = true
	}
	if len(s.SpecVersions) == 0 {
		s.SpecVersions = []string{"2.0", "2.1"}
	}
	return s, nil
}

func (e *env) export(ctx context.Context, c *config.Config, job exportJob, out string, asJSON bool) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	st, err := openExisting(c, "entente pull")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	stat, err := st.Stat(ctx, job.log)
	if err != nil {
		return err
	}
	bar := e.newProgress("export", stat.Bytes)
	defer bar.end()
	n := 0
	write := func(w io.Writer) error {
		z, err := compressor(w, out)
		if err != nil {
			return err
		}
		b := bufio.NewWriterSize(z, 256<<10)
		if n, err = job.write(ctx, st, b, bar); err != nil {
			return err
		}
		return errors.Join(b.Flush(), z.Close())
	}
	if out == "-" {
		return write(e.stdout)
	}
	if err := writeWhole(out, write); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	bar.end()
	if asJSON {
		return e.printJSON(map[string]any{"file": out, "objects": n})
	}
	_, err = fmt.Fprintf(e.stdout, "%d objects\n", n)
	return err
}

// write puts the objects, as they are, into the chosen frame.
func (j *exportJob) write(ctx context.Context, st store.Reader, w *bufio.Writer, bar *progress) (int, error) {
	before, between, after := "", "\n", "\n"
	switch j.format {
	case "bundle":
		before, between, after = `{"type":"bundle","id":"bundle--`+uuid.NewString()+`","objects":[`, ",\n", "]}\n"
	case "envelope":
		before, between, after = `{"objects":[`, ",\n", "]}\n"
	}
	var p store.Page
	n := 0
	for q := j.query; ; q.From = p.Last {
		if err := st.Read(ctx, j.log, &q, &p); err != nil {
			return n, err
		}
		for i := range p.N {
			frame := between
			if n == 0 {
				frame = before
			}
			n++
			if _, err := w.WriteString(frame); err != nil {
				return n, err
			}
			if _, err := w.Write(p.Object(i)); err != nil {
				return n, err
			}
		}
		bar.add(len(p.Objects))
		if !p.More {
			break
		}
	}
	switch {
	case n > 0:
		_, err := w.WriteString(after)
		return n, err
	case j.format == "bundle":
		// A bundle must not have an empty list (STIX 2.1, section 8).
		_, err := w.WriteString(strings.TrimSuffix(before, `,"objects":[`) + "}\n")
		return 0, err
	case j.format == "envelope":
		_, err := w.WriteString("{}\n")
		return 0, err
	}
	return 0, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// compressor compresses what is written if name says so.
func compressor(w io.Writer, name string) (io.WriteCloser, error) {
	switch filepath.Ext(name) {
	case ".gz":
		return gzip.NewWriter(w), nil
	case ".zst":
		return zstd.NewWriter(w)
	}
	return nopCloser{w}, nil
}

// writeWhole makes file with what write writes; if that fails, nothing changes.
func writeWhole(file string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already if all went well
	err = write(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
