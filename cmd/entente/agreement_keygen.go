package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"entente/policy"
)

func agreementKeygenCommand(e *env) *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use:   "keygen FILE --org ID",
		Short: "Make a key to sign agreements and consents with",
		Long: `Keygen writes a new private key (Ed25519, PKCS #8 in PEM) to FILE, which only its
owner can read, and the public key to FILE.pub. Give FILE.pub to partners, and
compare it with them by another channel: they pin it in their configuration, or
write it into parties.*.keys of a revision that both sign.`,
		Example: `  entente agreement keygen our.key --org identity--0d4b25a4-f5c1-4b0f-899a-c55560ecf95c`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			public, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				return err
			}
			line := fmt.Sprintf("ed25519 %s %s\n", base64.StdEncoding.EncodeToString(public), org)
			if err := (policy.Trust{}).AddKeys("--org", []byte(line)); err != nil {
				return usagef("--org %q is not the id of an organisation; write identity-- and a UUID in lower case", org)
			}
			der, err := x509.MarshalPKCS8PrivateKey(private)
			if err != nil {
				return err
			}
			if err := writeNew(args[0], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
				return err
			}
			if err := writeNew(args[0]+".pub", []byte(line), 0o644); err != nil {
				return errors.Join(err, os.Remove(args[0]))
			}
			_, err = fmt.Fprint(e.stdout, line)
			return err
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "the `ID` of the organisation whose key it is, identity--UUID")
	return cmd
}

// writeNew writes a file that must not be there.
func writeNew(file string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return nof("%s is there already; nothing was changed", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// readKey reads a private key as keygen writes it. Its content is never told.
func readKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("key: %s is not a private key in PEM; entente agreement keygen makes one", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key: %s is not a private key in PKCS #8; entente agreement keygen makes one", file)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key: %s is not an Ed25519 key; entente agreement keygen makes one", file)
	}
	return private, nil
}
