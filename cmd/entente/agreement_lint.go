package main

import (
	"errors"
	"fmt"
	"slices"

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
	Remarks   []policy.Remark    `json:"remarks,omitempty"`

	agreement *policy.Agreement
}

func agreementLintCommand(e *env) *cobra.Command {
	var strict, asJSON bool
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check agreements, and print each mistake and remark as file:line:column",
		Long: `Lint checks everything about agreements that can be checked without other
revisions and without data: keys and values, what belongs together, and that every
term is one that this version keeps. Of a good one it prints the digest, which the
next revision has to supersede, and remarks: flows that never let anything pass,
terms that change nothing, terms that the partner's software does not hold, terms
that speak against each other, in one agreement or in two. It exits with 1 if there
is a mistake, and with --strict also if there is a warning.`,
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
			if err := lintTogether(results); err != nil {
				return err
			}
			return e.reportLint(results, ok && !(strict && warned(results)), asJSON)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 if there is a warning, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// lintTogether adds the remarks about agreements that do not fit each other to the
// file that each is about.
func lintTogether(results []lintResult) error {
	var all []*policy.Agreement
	seen := map[policy.AgreementID]bool{}
	for _, r := range results {
		if r.OK && !seen[r.Agreement] {
			all = append(all, r.agreement)
			seen[r.Agreement] = true
		}
	}
	remarks, err := policy.LintTogether(all)
	if err != nil {
		return err
	}
	for _, remark := range remarks {
		for i := range results {
			if results[i].File == remark.Position.File {
				results[i].Remarks = append(results[i].Remarks, remark)
				break
			}
		}
	}
	return nil
}

func warned(results []lintResult) bool {
	return slices.ContainsFunc(results, func(r lintResult) bool {
		return slices.ContainsFunc(r.Remarks, func(m policy.Remark) bool { return m.Severity == policy.Warning })
	})
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
	r.agreement, r.Remarks = a, policy.Lint(a)
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
		for _, m := range r.Remarks {
			if _, err := fmt.Fprintln(e.stdout, m.String()); err != nil {
				return err
			}
		}
	}
	if ok {
		return nil
	}
	return list
}
