package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/store/bolt"
)

func backupCommand(e *env) *cobra.Command {
	var file, admin string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a copy of the data file, also while the server runs",
		Long: `Backup writes a consistent copy of all data to FILE and checks it. A running
server is asked for it at its operator's address (see operator in the
configuration); requests go on meanwhile. FILE appears when it is complete.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := config.LoadForEdit(file)
			if err != nil {
				return err
			}
			if _, err := os.Lstat(args[0]); err == nil {
				return nof("%s is there already; a backup never replaces a file", args[0])
			}
			return e.backup(cmd.Context(), c, admin, args[0])
		},
	}
	operatorFlags(cmd, &file, &admin)
	return cmd
}

func (e *env) backup(ctx context.Context, c *config.Config, admin, out string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	source, err := backupSource(ctx, c, admin)
	if err != nil {
		return err
	}
	bar := e.newProgress("backup", sizeOf([]string{c.Path(c.Store.Path)}))
	err = bolt.CopyBackup(ctx, out, io.TeeReader(source, counted{io.Discard, bar}))
	bar.end()
	if err = errors.Join(err, source.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %d bytes, checked\n", out, sizeOf([]string{out}))
	return err
}

// backupSource returns the copy to read: of the data file itself, or, if it is
// held, from the server that holds it.
func backupSource(ctx context.Context, c *config.Config, admin string) (io.ReadCloser, error) {
	if admin != "" {
		return onlineBackup(ctx, c, admin)
	}
	st, err := openExisting(c, "--admin with the address of its operator's listener")
	if at := operatorOf(c, ""); errors.Is(err, errHeld) && at != "" {
		return onlineBackup(ctx, c, at)
	}
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := st.Backup(ctx, w)
		w.CloseWithError(err)
		done <- errors.Join(err, st.Close())
	}()
	return offlineBackup{r, done}, nil
}

// An offlineBackup is read while another goroutine copies the store into it.
type offlineBackup struct {
	*io.PipeReader
	done <-chan error
}

func (b offlineBackup) Close() error {
	return errors.Join(b.PipeReader.Close(), <-b.done)
}

// onlineBackup asks the server at the URL admin.
func onlineBackup(ctx context.Context, c *config.Config, admin string) (io.ReadCloser, error) {
	resp, err := askOperator(ctx, c, admin, http.MethodPost, "/backup", nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func restoreCommand(e *env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the data file",
		Long: `Restore checks FILE and copies it to where the configuration says the data is.
There must be no data file yet: move the old one away first.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := config.LoadForEdit(file)
			if err != nil {
				return err
			}
			return e.restore(cmd.Context(), c.Path(c.Store.Path), args[0])
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func (e *env) restore(ctx context.Context, data, from string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if _, err := os.Lstat(data); !errors.Is(err, fs.ErrNotExist) {
		return nof("there is a data file %s; stop the server and move it away first", data)
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
		return err
	}
	bar := e.newProgress("restore", sizeOf([]string{from}))
	err = bolt.Restore(ctx, data, io.TeeReader(src, counted{io.Discard, bar}))
	bar.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %d bytes, checked\n", data, sizeOf([]string{data}))
	return err
}
