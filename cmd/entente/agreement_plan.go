package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
	"entente/policy/release"
	"entente/store/bolt"
)

func agreementPlanCommand(e *env) *cobra.Command {
	var file, admin string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Say what a revision would release or withdraw, for whom, on the live data",
		Long: `Plan works out, on the data that is there, what the revision would newly release
and what it would withdraw, and changes nothing. The revision may be a draft that
nobody has signed yet. A running server is asked at its operator's address.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := e.plan(cmd.Context(), file, admin, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(d.report)
			}
			return printPlan(e.stdout, d.report)
		},
	}
	operatorFlags(cmd, &file, &admin)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// A draft is a revision that may come into force, and what would change then.
type draft struct {
	c      *config.Config
	file   wire.File // what was planned is what is activated, whatever becomes of the file
	report *wire.PlanReport
}

func (e *env) plan(ctx context.Context, configFile, admin, name string) (*draft, error) {
	c, err := config.LoadForEdit(configFile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d := &draft{c: c, file: wire.File{Name: name, Text: text}, report: &wire.PlanReport{}}
	err = e.withReleaser(ctx, c, admin,
		func(r *release.Releaser, st *bolt.Store) error {
			p, err := wire.ProposeDraft(ctx, c, st, d.file)
			if err != nil {
				return err
			}
			d.report, err = wire.Plan(ctx, c, r, p)
			return err
		},
		func(at string) error {
			query := url.Values{"file": {name}}
			return askJSON(ctx, c, at, http.MethodPost, "/agreements/plan?"+query.Encode(), bytes.NewReader(text), d.report)
		})
	return d, err
}

func printPlan(w io.Writer, p *wire.PlanReport) error {
	var b strings.Builder
	switch {
	case p.Agreement == "":
		b.WriteString("This revision is in force already.\n")
	case len(p.Totals) == 0:
		fmt.Fprintf(&b, "%s, revision %d: nobody sees more or less.\n", p.Agreement, p.Revision)
	default:
		fmt.Fprintf(&b, "%s, revision %d would change:\n\n", p.Agreement, p.Revision)
	}
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(p.Totals) > 0 {
		fmt.Fprintln(tab, "partner\tcollection\treleased\twithdrawn\tstays")
	}
	for _, t := range p.Totals {
		name := t.Name
		if name == "" {
			name = string(t.Partner)
		}
		fmt.Fprintf(tab, "%s\t%s\t%d\t%d\t%d\n", name, t.Collection, t.Released, t.Withdrawn, t.Stays)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	const most = 20
	for i, ch := range p.Changes {
		if i == 0 {
			b.WriteString("\n")
		}
		if i == most {
			break
		}
		fmt.Fprintf(&b, "%-8s %s  %s  (%s)\n", ch.Effect, ch.Object, ch.Version, ch.Collection)
	}
	if rest := len(p.Changes) - most + p.More; rest > 0 {
		fmt.Fprintf(&b, "… and %d more; --json lists %d\n", rest, wire.PlanLimit)
	}
	if p.NotYet != "" {
		fmt.Fprintf(&b, "\nIt cannot be activated as it is: %s\n", p.NotYet)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func agreementActivateCommand(e *env) *cobra.Command {
	var file, admin string
	cmd := &cobra.Command{
		Use:   "activate FILE",
		Short: "Put a revision among the agreements that are in force",
		Long: `Activate checks the revision: both signatures, the chain of revisions, its own
tests. Then it puts the file into the folder of agreements, in the place of the
revision before; a running server notices within seconds, a stopped one at start.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := e.plan(cmd.Context(), file, admin, args[0])
			if err != nil {
				return err
			}
			switch {
			case d.report.Agreement == "":
				return nof("this revision is in force already")
			case d.report.NotYet != "":
				return nof("%s", d.report.NotYet)
			}
			to, err := wire.PlaceOf(d.c, d.report.Agreement)
			if err != nil {
				return err
			}
			if err := config.WriteFile(to, d.file.Text, 0o644); err != nil {
				return err
			}
			if err := printPlan(e.stdout, d.report); err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.stdout, "\nIt is in %s now; a running server takes it up within seconds.\n", to)
			return err
		},
	}
	operatorFlags(cmd, &file, &admin)
	return cmd
}
