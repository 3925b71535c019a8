package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entente/policy"
)

// A testReport is what agreement test --json says about a file.
type testReport struct {
	File     string            `json:"file"`
	OK       bool              `json:"ok"`
	Tests    []testOutcome     `json:"tests"`
	Coverage []policy.Coverage `json:"coverage"`
}

// A testOutcome is one test of an agreement, run for one flow.
type testOutcome struct {
	Name  string `json:"name"`
	Flow  string `json:"flow"`
	OK    bool   `json:"ok"`
	Wrong string `json:"wrong,omitempty"`
}

func agreementTestCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run the tests that agreements bring along",
		Long: `Test decides every case that the agreement's own tests name, and says which come
out otherwise than the parties expect. Then it says what the tests leave untried:
how many of all situations, and for each rule that none of them turns on, one
that does. It exits with 1 if a test fails.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			reports, ok := []testReport{}, true
			for _, file := range files {
				r, err := testAgreement(file)
				if err != nil {
					return err
				}
				reports, ok = append(reports, r), ok && r.OK
			}
			if err := e.show(reports, asJSON, func(b *strings.Builder) {
				for i := range reports {
					reports[i].print(b)
				}
			}); err != nil || ok {
				return err
			}
			return errNo{}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func testAgreement(file string) (testReport, error) {
	r := testReport{File: file, OK: true, Tests: []testOutcome{}}
	a, _, err := readAgreement(file)
	if err != nil {
		return r, err
	}
	s, err := policy.Compile(a.Parties.A.Org, []*policy.Agreement{a})
	if err != nil {
		return r, err
	}
	names := orgNames(a)
	for _, t := range s.RunTests(a) {
		r.Tests = append(r.Tests, testOutcome{t.Test.Name, t.Flow, t.Text == "", names.Replace(t.Text)})
		r.OK = r.OK && t.Text == ""
	}
	r.Coverage, err = policy.Cover(a)
	return r, err
}

func (r *testReport) print(b *strings.Builder) {
	failed := 0
	for _, t := range r.Tests {
		if !t.OK {
			failed++
		}
	}
	fmt.Fprintf(b, "%s: %d tests, %d failed\n", r.File, len(r.Tests), failed)
	aligned(b, func(w io.Writer) {
		for _, t := range r.Tests {
			mark := "ok"
			if !t.OK {
				mark = "FAILED"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", mark, t.Flow, t.Name, t.Wrong)
		}
	})
	for _, c := range r.Coverage {
		fmt.Fprintf(b, "\nFlow %s: the tests try %d of %d situations. ", c.Flow, c.Tried, c.Points)
		if len(c.Untested) == 0 {
			b.WriteString("Every rule is tried.\n")
			continue
		}
		b.WriteString("Not tried is, for example:\n")
		aligned(b, func(w io.Writer) {
			for _, x := range c.Untested {
				fmt.Fprintf(w, "  %s\t%s\t%s\n", x.Text, effectWord(x.Effect), x.Rule)
			}
		})
	}
}

// show prints v as JSON, or what text writes.
func (e *env) show(v any, asJSON bool, text func(*strings.Builder)) error {
	if asJSON {
		return e.printJSON(v)
	}
	var b strings.Builder
	text(&b)
	_, err := io.WriteString(e.stdout, b.String())
	return err
}

// aligned writes lines whose columns are separated by tabs.
func aligned(b *strings.Builder, lines func(io.Writer)) {
	var text strings.Builder
	tab := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	lines(tab)
	_ = tab.Flush() // to memory
	for line := range strings.Lines(text.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// effectWord is an effect as a participle.
func effectWord(effect string) string {
	switch effect {
	case policy.Permit.String():
		return "permitted"
	case policy.Redact.String():
		return "sent without some parts"
	}
	return "withheld"
}

// orgNames puts the names of parties in the place of their ids.
func orgNames(agreements ...*policy.Agreement) *strings.Replacer {
	var pairs []string
	for _, a := range agreements {
		for _, p := range []*policy.Party{&a.Parties.A, &a.Parties.B} {
			if p.Name != "" {
				pairs = append(pairs, string(p.Org), p.Name)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}
