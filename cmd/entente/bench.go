package main

import (
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"entente/cmd/internal/bench"
)

// newBenchCmd measures the server on this machine.
func newBenchCmd() *cobra.Command {
	o := bench.Options{Now: time.Now}
	quick := false
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the server on this machine, beside nginx and net/http",
		Long: `Measure the server on this machine, beside nginx, net/http and plain appends.

Starts servers of its own on 127.0.0.1, fills them with made-up objects in a
temporary folder, and prints ratios taken in alternating rounds. Without nginx
(apt-get install nginx) the rows that need it are left out. Rows: ` + strings.Join(bench.Names(), ", ") + ".",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				o.Quick()
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return bench.Run(ctx, o, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Rows, "rows", nil, "only these `names`, separated by commas")
	f.IntVar(&o.Objects, "objects", 1_000_000, "objects in the large collection; 10000000 takes 25 GB of disk")
	f.IntVar(&o.Pages, "pages", 480, "pages that requests are spread over; net/http holds them in memory, 1 MB each")
	f.Float64Var(&o.Seconds, "seconds", 2, "length of one measurement")
	f.IntVar(&o.Rounds, "rounds", 5, "alternating rounds; medians are over these")
	f.StringVar(&o.Nginx, "nginx", "nginx", "the nginx `binary`")
	f.StringVar(&o.Dir, "dir", "", "`folder` for the data, on the disk to measure (default: the system's temporary folder)")
	f.BoolVar(&o.JSON, "json", false, "write JSON")
	f.BoolVar(&quick, "quick", false, "a small run of some seconds: shows that it works, measures little")
	cmd.AddCommand(newBenchStaticCmd())
	return cmd
}

// newBenchStaticCmd is the child process that bench compares with.
func newBenchStaticCmd() *cobra.Command {
	var addr, pages, log string
	cmd := &cobra.Command{
		Use:    "static",
		Short:  "Serve what bench compares with",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return bench.Static(addr, pages, log) },
	}
	f := cmd.Flags()
	f.StringVar(&addr, "listen", "127.0.0.1:0", "address")
	f.StringVar(&pages, "pages", "", "folder with the pages to serve from memory")
	f.StringVar(&log, "log", "", "file to append bodies to")
	return cmd
}
