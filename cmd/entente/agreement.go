package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"entente/policy"
)

func agreementCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agreement",
		Short: "Check, sign, plan and activate agreements with partners",
		Long: `An agreement is a memorandum of understanding between two organisations, as a
document that both sign. These commands work on files; plan and activate also look
at the data and the agreements that are in force.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		agreementLintCommand(e),
		agreementTestCommand(e),
		agreementExplainCommand(e),
		agreementDiffCommand(e),
		agreementReachCommand(e),
		agreementKeygenCommand(e),
		agreementSignCommand(e),
		agreementVerifyCommand(e),
		agreementTermsCommand(e),
		agreementPlanCommand(e),
		agreementActivateCommand(e),
	)
	return cmd
}

// readAgreement reads the document of an agreement. Mistakes in it are an answer
// that is no, one line each.
func readAgreement(file string) (*policy.Agreement, []byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("agreement: %w", err)
	}
	a, err := policy.Parse(file, text)
	var m policy.Mistakes
	if errors.As(err, &m) {
		return nil, nil, mistakeLines(m)
	}
	return a, text, err
}

// mistakeLines has a line for each mistake.
func mistakeLines(m policy.Mistakes) errList {
	var lines errList
	for _, one := range m {
		lines = append(lines, one.Error())
	}
	return lines
}
