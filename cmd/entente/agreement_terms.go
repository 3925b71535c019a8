package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entente/policy"
)

func agreementTermsCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "terms",
		Short: "List all terms of agreements, their defaults, and how each is held",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			terms := policy.TermTable()
			if asJSON {
				return e.printJSON(terms)
			}
			var b strings.Builder
			for _, t := range terms {
				fmt.Fprintf(&b, "%2d  %s\n    %s\n", t.Number, strings.Join(t.Paths, ", "), t.Effect)
				if t.Default != "" {
					fmt.Fprintf(&b, "    default: %s\n", t.Default)
				}
				fmt.Fprintf(&b, "    %s", t.Held)
				if t.By != "" {
					fmt.Fprintf(&b, ": %s", t.By)
				}
				b.WriteByte('\n')
				for _, r := range t.Refused {
					fmt.Fprintf(&b, "    refused in this version: %s\n", r)
				}
			}
			_, err := fmt.Fprint(e.stdout, b.String())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
