package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
)

func serveCommand(e *env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Serve runs the server that the configuration describes, until SIGTERM or an
interrupt: then it takes no new requests, finishes those that run, and exits.
SIGHUP makes it read accounts, agreements and certificate again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			return e.serve(cmd.Context(), c)
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func (e *env) serve(ctx context.Context, c *config.Config) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	out := &logBuffer{w: e.stderr}
	defer out.Flush()
	log := newLog(out, isTerminal(e.stderr), c.Log)
	app, err := wire.New(ctx, c, wire.Outside{Now: e.now, Rand: rand.Reader, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.Close()) }()
	fmt.Fprintf(e.stdout, "Serving TAXII 2.1 at %s/taxii2/", app.URL())
	if a := app.OperatorAddr(); a != nil {
		fmt.Fprintf(e.stdout, ", operator at http://%s", a)
	}
	fmt.Fprintln(e.stdout)

	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				if err := app.Reload(ctx); err != nil {
					log.Error("reload: the old stays in force", slog.String("err", err.Error()))
				}
			}
		}
	}()
	return app.Run(ctx)
}

// newLog writes text to a terminal and JSON elsewhere, unless told otherwise.
func newLog(w io.Writer, terminal bool, c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // one of four words; else info
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "" && terminal {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
