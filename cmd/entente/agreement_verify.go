package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"entente/policy"
)

// A verifyResult is what agreement verify --json says.
type verifyResult struct {
	OK        bool               `json:"ok"`
	Agreement policy.AgreementID `json:"agreement"`
	Revision  uint32             `json:"revision"`
	Digest    string             `json:"digest"`
	Wrong     string             `json:"wrong,omitempty"`
}

func agreementVerifyCommand(e *env) *cobra.Command {
	var keyFiles []string
	var after string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE --keys KEYFILE...",
		Short: "Check the signatures of a revision, and that it follows the one before",
		Long: `Verify checks that both parties have signed the revision, by keys in the files
that --keys names, as keygen writes them. With --after it checks as a server does
that has that revision in force: it must be signed by keys that the revision before
names or --keys has, have a higher number, and supersede it. It exits with 1 if the
revision would not come into force.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			trust := policy.Trust{}
			for _, file := range keyFiles {
				text, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("keys: %w", err)
				}
				if err := trust.AddKeys(file, text); err != nil {
					return err
				}
			}
			a, _, err := readAgreement(args[0])
			if err != nil {
				return err
			}
			var before *policy.Agreement
			if after != "" {
				if before, _, err = readAgreement(after); err != nil {
					return err
				}
			}
			return e.reportVerify(a, policy.Next(before, a, trust), asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&keyFiles, "keys", nil, "a `FILE` with public keys that are known to be their owners'; may be repeated")
	cmd.Flags().StringVar(&after, "after", "", "the `FILE` with the revision before")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (e *env) reportVerify(a *policy.Agreement, wrong error, asJSON bool) error {
	if wrong != nil && !errors.Is(wrong, policy.ErrInvalid) && !errors.Is(wrong, policy.ErrInForce) {
		return wrong
	}
	if asJSON {
		r := verifyResult{OK: wrong == nil, Agreement: a.ID, Revision: a.Revision, Digest: a.Digest()}
		if wrong != nil {
			r.Wrong = wrong.Error()
		}
		if err := e.printJSON(r); err != nil || wrong == nil {
			return err
		}
		return errNo{}
	}
	if wrong != nil {
		return nof("%v", wrong)
	}
	_, err := fmt.Fprintf(e.stdout, "ok: revision %d of %s, %s\n", a.Revision, a.ID, a.Digest())
	return err
}
