package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/policy"
)

func agreementSignCommand(e *env) *cobra.Command {
	var keyFile, party string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "sign FILE --key KEYFILE",
		Short: "Sign a revision of an agreement for one party",
		Long: `Sign writes a signature into the agreement, and changes nothing else in the file.
It signs what the agreement says: comments and layout may change afterwards. The
party is the one whose keys, in the agreement, have the key; if neither does, --party
says who signs.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if keyFile == "" {
				return usagef("--key is missing: the file with the private key, as entente agreement keygen writes it")
			}
			key, err := readKey(keyFile)
			if err != nil {
				return err
			}
			a, text, err := readAgreement(args[0])
			if err != nil {
				return err
			}
			who, err := signer(a, key, party)
			if err != nil {
				return err
			}
			s, err := a.Sign(who, key)
			if err != nil {
				return err
			}
			if text, err = policy.AddSignature(text, s); err != nil {
				return err
			}
			if err := rewrite(args[0], text); err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(s)
			}
			_, err = fmt.Fprintf(e.stdout, "%s: revision %d, %s, is signed by party %s\n", args[0], a.Revision, a.Digest(), who)
			return err
		},
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "the `FILE` with the private key")
	cmd.Flags().StringVar(&party, "party", "", "who signs: `a or b`; default: who has the key")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the signature as JSON")
	return cmd
}

// signer is the party that signs with the key.
func signer(a *policy.Agreement, key ed25519.PrivateKey, party string) (string, error) {
	public := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	has := func(p *policy.Party) bool {
		return slices.ContainsFunc(p.Keys, func(k policy.PublicKey) bool { return k.Key == public && k.Use != "consent" })
	}
	owner := ""
	switch {
	case has(&a.Parties.A):
		owner = "a"
	case has(&a.Parties.B):
		owner = "b"
	}
	switch {
	case party != "" && party != "a" && party != "b":
		return "", usagef("--party %s: write a or b", party)
	case owner == "" && party == "":
		return "", usagef("neither party has the key in the agreement; say by --party who signs")
	case owner != "" && party != "" && owner != party:
		return "", nof("the key is one of party %s, by the agreement; it does not sign for party %s", owner, party)
	}
	if party == "" {
		return owner, nil
	}
	return party, nil
}

// rewrite replaces the content of a file in one step; it keeps its mode.
func rewrite(file string, text []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return config.WriteFile(file, text, info.Mode().Perm())
}
