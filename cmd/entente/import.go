package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/cmd/internal/load"
	"entente/store"
)

// How many refused objects are listed, for people and with --json; the rest is
// counted.
const (
	listRefused     = 20
	listRefusedJSON = 10_000
)

func importCommand(e *env) *cobra.Command {
	var file, collection string
	var restart, asJSON bool
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Put STIX files into a collection",
		Long: `Import reads bundles, envelopes, lists and NDJSON, plain, gzip or zstd, of any
size; - is standard input. Objects that are stored already cost nothing, refused
ones are listed with their place and the reason, and do not stop it. An import
that was interrupted goes on where it ended when it is called again.

It works on the data file: the server must not be running. While it runs, use
entente push.`,
		Example: `  entente import --collection intel enterprise-attack.json.zst
  zcat feed.ndjson.gz | entente import --collection intel -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			c, err := config.LoadForEdit(file)
			if err != nil {
				return err
			}
			col, err := chooseCollection(c, collection)
			if err != nil {
				return err
			}
			if i := slices.Index(files, "-"); i >= 0 && slices.Contains(files[i+1:], "-") {
				return usagef("standard input can be read only once")
			}
			return e.importFiles(cmd.Context(), c, col, files, restart, asJSON)
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().StringVar(&collection, "collection", "", "its alias, root/alias or id; may be left out if there is only one")
	cmd.Flags().BoolVar(&restart, "restart", false, "read the files from the beginning, whatever an interrupted import has done")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summary as JSON")
	return cmd
}

func (e *env) importFiles(ctx context.Context, c *config.Config, col *config.Collection, files []string, restart, asJSON bool) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, f := range files {
		if _, err := os.Stat(f); f != "-" && err != nil {
			return err // before anything is written
		}
	}
	st, err := openData(c, "entente push")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	bar := e.newProgress("import", sizeOf(files))
	l := load.Loader{Store: st, Log: store.LogID(col.ID), Now: e.now, Restart: restart, Read: bar.add, MaxRefused: listRefused}
	if asJSON {
		l.MaxRefused = listRefusedJSON
	}
	start := e.now()
	var sum load.Summary
	for _, f := range files {
		if f == "-" {
			err = l.Stream(ctx, "-", e.stdin, &sum)
		} else {
			err = l.File(ctx, f, &sum)
		}
		if err != nil {
			break
		}
	}
	bar.end()
	if reportErr := e.reportImport(sum, e.now().Sub(start), asJSON); err == nil {
		err = reportErr
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; the same command goes on from here")
	case err != nil:
		return err
	case sum.Refused > 0:
		return errNo{}
	}
	return nil
}

func (e *env) reportImport(sum load.Summary, took time.Duration, asJSON bool) error {
	if asJSON {
		return e.printJSON(sum)
	}
	for _, r := range sum.Refusals {
		fmt.Fprintln(e.stderr, r)
	}
	if sum.Unlisted > 0 {
		fmt.Fprintf(e.stderr, "and %d more\n", sum.Unlisted)
	}
	_, err := fmt.Fprintf(e.stdout, "stored %d, known already %d, refused %d", sum.Stored, sum.Known, sum.Refused)
	if sum.Skipped > 0 {
		fmt.Fprintf(e.stdout, ", done by an earlier run %d", sum.Skipped)
	}
	fmt.Fprintf(e.stdout, " (%.1f s)\n", took.Seconds())
	return err
}
