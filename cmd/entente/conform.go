package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"entente/taxii/taxiitest"
)

func conformCommand(e *env) *cobra.Command {
	var r remote
	var roles, only []string
	var asJSON, strict, verbose bool
	cmd := &cobra.Command{
		Use:   "conform URL",
		Short: "Test any TAXII 2.1 server against the standard",
		Long: `Conform runs black-box cases, each with the id of the rule it is about, and
prints which failed, which could not be run, and which rules no case covers.

The account of --user must be able to read and write a collection: the first
such one, or the one that --collection names. Conform adds objects with random
ids to it and deletes them at the end. More accounts, with other rights to the
same collection, let more cases run: ro may only read, wo only write, nn neither
(but see it), out may log in and not see it.

The exit code is 1 if a rule of the standard is broken; with --strict also if a
recommendation is.`,
		Example: `  ENTENTE_PASSWORD=analyst entente conform -u analyst http://127.0.0.1:6100
  entente conform -u rw --password-file rw.pw --role ro=reader:ro.pw https://taxii.example/api1/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c, err := r.conformance(e, args[0], roles)
			if err != nil {
				return err
			}
			c.Only = only
			if !asJSON && verbose {
				c.Progress = func(x taxiitest.Result) { fmt.Fprintln(e.stdout, resultLine(x)) }
			}
			report, err := taxiitest.Run(ctx, c)
			if err != nil {
				return err
			}
			if asJSON {
				err = e.printJSON(report)
			} else {
				err = e.printReport(report, verbose)
			}
			if err == nil && !report.OK(strict) {
				return errNo{}
			}
			return err
		},
	}
	remoteFlags(cmd, &r)
	cmd.Flags().StringVar(&r.collection, "collection", "", "its id or alias")
	cmd.Flags().StringArrayVar(&roles, "role", nil, "`NAME=USER:FILE`: a further account (ro, wo, nn or out), its password in FILE")
	cmd.Flags().StringSliceVar(&only, "only", nil, "ids of rules, or how they begin, such as T-3.4")
	cmd.Flags().BoolVar(&strict, "strict", false, "recommendations count as well")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print every case as it ends")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

// conformance makes the suite's configuration from the flags.
func (r *remote) conformance(e *env, url string, roles []string) (c taxiitest.Config, err error) {
	auth, err := r.auth(e)
	if err != nil {
		return c, err
	}
	if auth.User == "" && auth.Bearer == "" {
		return c, usagef("conform needs an account that may write: --user, or a bearer token")
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t := r.tls()
	if tr.TLSClientConfig, err = t.Config(); err != nil {
		return c, err
	}
	c = taxiitest.Config{
		URL: url, Collection: r.collection, Transport: tr, Now: e.now, Rand: rand.Reader, Sleep: pause,
		Logins: map[taxiitest.Role]taxiitest.Login{taxiitest.RW: {User: auth.User, Password: auth.Password, Bearer: auth.Bearer}},
	}
	for _, s := range roles {
		name, login, _ := strings.Cut(s, "=")
		user, file, ok := strings.Cut(login, ":")
		role := taxiitest.Role(name)
		if !ok || role != taxiitest.RO && role != taxiitest.WO && role != taxiitest.NN && role != taxiitest.Out {
			return c, usagef("--role %s: write ro, wo, nn or out, then =USER:FILE", s)
		}
		password, err := e.passwordFrom(file)
		if err != nil {
			return c, err
		}
		c.Logins[role] = taxiitest.Login{User: user, Password: password}
	}
	return c, nil
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func resultLine(x taxiitest.Result) string {
	s := fmt.Sprintf("%-4s %-14s %-6s %s", x.Verdict, x.ID, x.Level, x.Title)
	if len(x.Also) > 0 {
		s += " (also " + strings.Join(x.Also, " ") + ")"
	}
	if x.Why != "" {
		s += "\n       " + x.Why
	}
	return s
}

func (e *env) printReport(r *taxiitest.Report, verbose bool) error {
	w := e.stdout
	if !verbose {
		for _, x := range r.Results {
			if x.Verdict != taxiitest.Pass {
				fmt.Fprintln(w, resultLine(x))
			}
		}
	}
	fmt.Fprintf(w, "not covered, of %d rules:\n", len(taxiitest.Rows()))
	for _, g := range r.NotCovered {
		fmt.Fprintf(w, "     %-14s %s\n", g.ID, g.Why)
	}
	_, err := fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped; %s not covered\n", r.URL, r.Passed, r.Failed, r.Skipped, plural(len(r.NotCovered), "rule"))
	return err
}
