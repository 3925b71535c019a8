package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"entente/policy"
)

func agreementReachCommand(e *env) *cobra.Command {
	var assume []string
	var beyond, asJSON bool
	cmd := &cobra.Command{
		Use:   "reach FILE...",
		Short: "Say who can end up with what each party shares",
		Long: `Reach follows what each party shares, level by level, through all the agreements
together: to its partners, to theirs, to clients, communities and the public. A
partner that keeps all terms passes on what they allow; one that keeps only
markings passes on what the bytes say; one that keeps nothing passes on
everything. What is reached and would not be if everybody kept all terms is
marked as beyond; then it exits with 1. Types of objects are not looked at, so
less may get through than it says, never more.`,
		Example: `  entente agreement reach agreements/*.yaml
  entente agreement reach agreements/*.yaml --assume FIS=markings`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			var all []*policy.Agreement
			for _, file := range files {
				a, _, err := readAgreement(file)
				if err != nil {
					return err
				}
				all = append(all, a)
			}
			keep, err := assumptions(all, assume)
			if err != nil {
				return err
			}
			found, err := policy.Reach(all, keep)
			if err != nil {
				return err
			}
			return e.reportReach(found, beyond, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&assume, "assume", nil, "what a party keeps, whatever the agreements say: `PARTY=WHAT`, an id or a name, and sidecar, markings or none; may be repeated")
	cmd.Flags().BoolVar(&beyond, "beyond", false, "print only what goes beyond the intended audience")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// assumptions reads --assume.
func assumptions(all []*policy.Agreement, texts []string) (policy.Keeping, error) {
	keep := policy.Keeping{}
	for _, text := range texts {
		who, how, ok := strings.Cut(text, "=")
		if !ok || how != "sidecar" && how != "markings" && how != "none" {
			return nil, usagef("--assume %s: write PARTY=WHAT, WHAT is sidecar, markings or none", text)
		}
		org := policy.OrgID("")
		for _, a := range all {
			for _, p := range []*policy.Party{&a.Parties.A, &a.Parties.B} {
				if string(p.Org) == who || strings.EqualFold(p.Name, who) {
					org = p.Org
				}
			}
		}
		if org == "" {
			return nil, usagef("--assume %s: no party of these agreements is called that", text)
		}
		keep[org] = how
	}
	return keep, nil
}

func (e *env) reportReach(found []policy.Reached, beyond, asJSON bool) error {
	far := 0
	shown := []policy.Reached{}
	for _, r := range found {
		if r.Beyond {
			far++
		}
		if r.Beyond || !beyond {
			shown = append(shown, r)
		}
	}
	err := e.show(shown, asJSON, func(b *strings.Builder) {
		printReach(b, shown)
		if far == 0 {
			b.WriteString("Nobody is reached beyond whom the agreements intend.\n")
		} else {
			fmt.Fprintf(b, "BEYOND: %d ways lead to somebody whom the agreements do not intend.\n", far)
		}
	})
	if err != nil || far == 0 {
		return err
	}
	return errNo{}
}

func printReach(b *strings.Builder, found []policy.Reached) {
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].Originator == found[0].Originator && found[n].Level == found[0].Level {
			n++
		}
		fmt.Fprintf(b, "From %s, TLP:%s\n", found[0].From, found[0].Level)
		aligned(b, func(w io.Writer) {
			for _, r := range found[:n] {
				mark := "-"
				if r.Beyond {
					mark = "BEYOND"
				}
				fmt.Fprintf(w, "  %s\t%s\tby %s\n", mark, r.Who, strings.Join(r.Path, ", "))
			}
		})
		b.WriteString("\n")
		found = found[n:]
	}
}
