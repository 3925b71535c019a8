package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"entente/policy"
)

// A lintResult is what agreement lint --json says about a file.
type lintResult struct {
	File      string             `json:"file"`
	OK        bool               `json:"ok"`
	Agreement policy.AgreementID `json:"agreement,omitempty"`
	Revision  uint32             `json:"revision,omitempty"`
	Digest    string             `json:"digest,omitempty"` // for supersedes of the next revision
	Mistakes  []string           `json:"mistakes,omitempty"`
}

func agreementLintCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check agreements, and print each mistake as file:line:column",
		Long: `Lint checks everything about agreements that can be checked without other
revisions and without data: keys and values, what belongs together, and that every
term is one that this version keeps. Of a good one it prints the digest, which the
next revision has to supersede. It exits with 1 if there is a mistake.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			results, ok := []lintResult{}, true
			for _, file := range files {
				r, err := lint(file)
				if err != nil {
					return err
				}
				results, ok = append(results, r), ok && r.OK
			}
			return e.reportLint(results, ok, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// lint checks a file. The error is about reading it.
func lint(file string) (lintResult, error) {
	r := lintResult{File: file}
	a, _, err := readAgreement(file)
	var list errList
	if errors.As(err, &list) {
		r.Mistakes = list
		return r, nil
	}
	if err != nil {
		return r, err
	}
	r.OK, r.Agreement, r.Revision, r.Digest = true, a.ID, a.Revision, a.Digest()
	return r, nil
}

func (e *env) reportLint(results []lintResult, ok, asJSON bool) error {
	if asJSON {
		if err := e.printJSON(results); err != nil || ok {
			return err
		}
		return errNo{}
	}
	var list errList
	for _, r := range results {
		list = append(list, r.Mistakes...)
		if !r.OK {
			continue
		}
		if _, err := fmt.Fprintf(e.stdout, "%s: ok: revision %d of %s, %s\n", r.File, r.Revision, r.Agreement, r.Digest); err != nil {
			return err
		}
	}
	if ok {
		return nil
	}
	return list
}
