package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"entente/policy"
)

// A diffReport is what agreement diff --json says.
type diffReport struct {
	Agreement policy.AgreementID `json:"agreement"`
	Was       uint32             `json:"was"` // revision
	Now       uint32             `json:"now"`
	OK        bool               `json:"ok"`
	*policy.RevisionDiff
	Unacknowledged []string `json:"unacknowledged"`
}

func agreementDiffCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a revision loosens and tightens",
		Long: `Diff compares two revisions of an agreement, term by term, and decision by decision
in every situation that levels, codes, classes of personal data, recipients and hops
make. Each loosening has a name, which the new revision lists in acknowledges, so that
both parties sign for it. What nobody can tell apart counts as looser. It exits with
1 if a loosening is not acknowledged.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			was, _, err := readAgreement(args[0])
			if err != nil {
				return err
			}
			now, _, err := readAgreement(args[1])
			if err != nil {
				return err
			}
			if was.ID != now.ID {
				return usagef("%s and %s are different agreements; give two revisions of one", args[0], args[1])
			}
			d, err := policy.Diff(was, now)
			if err != nil {
				return err
			}
			r := diffReport{Agreement: now.ID, Was: was.Revision, Now: now.Revision, RevisionDiff: d, Unacknowledged: d.Unacknowledged()}
			r.OK = len(r.Unacknowledged) == 0
			if r.OK {
				r.Unacknowledged = []string{}
			}
			if err := e.show(r, asJSON, func(b *strings.Builder) { r.print(b, now.Title) }); err != nil || r.OK {
				return err
			}
			return errNo{}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (r *diffReport) print(b *strings.Builder, title string) {
	fmt.Fprintf(b, "%s: from revision %d to revision %d\n", title, r.Was, r.Now)
	if len(r.Terms) == 0 {
		b.WriteString("\nNothing is loosened or tightened.\n")
	} else {
		b.WriteString("\nTerms:\n")
	}
	aligned(b, func(w io.Writer) {
		for _, c := range r.Terms {
			way, known := "tighter", ""
			if c.Loosened {
				way = "looser"
				if c.Known {
					known = "(acknowledged)"
				}
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", way, c.Flow, c.Term, c.Change, known)
		}
	})
	r.printEffects(b)
	for _, name := range r.Idle {
		fmt.Fprintf(b, "\nacknowledges lists %q, and nothing is loosened by that name.\n", name)
	}
	if r.OK {
		return
	}
	b.WriteString("\nNot acknowledged. If both parties mean it, the new revision says:\n\nacknowledges:\n")
	for _, name := range r.Unacknowledged {
		fmt.Fprintf(b, "  - %q\n", name)
	}
}

func (r *diffReport) printEffects(b *strings.Builder) {
	if len(r.Effects) == 0 {
		return
	}
	fmt.Fprintf(b, "\nSituations: %d let out more than before, %d less.\n", r.Loosened, r.Tightened)
	flow := ""
	for _, c := range r.Effects {
		if c.Flow != flow {
			flow = c.Flow
			fmt.Fprintf(b, "\nFlow %s:\n", flow)
		}
		way := "less"
		if c.Loosened {
			way = "more"
		}
		fmt.Fprintf(b, "  %s  %s to %s", way, strings.Join(c.Levels, ", "), c.To)
		if c.Only != "" {
			fmt.Fprintf(b, ", only %s", c.Only)
		}
		why := c.Rule
		if c.Clause != "" {
			why += ", " + c.Clause
		}
		before, after := effectWord(c.Was), effectWord(c.Now)
		switch {
		case why == "":
		case c.Loosened:
			before += " (" + why + ")"
		default:
			after += " (" + why + ")"
		}
		fmt.Fprintf(b, ": was %s, would be %s; %d situations\n", before, after, c.Points)
	}
}
