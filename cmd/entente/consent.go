package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
	"entente/policy"
	"entente/policy/release"
	"entente/store/bolt"
)

func consentCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "consent",
		Short: "Give consents, and put those that were given to us in force",
		Long: `A consent is an originator's signed permission to pass objects on that its terms
alone would keep: to one recipient, for one purpose and a time. It lifts nothing but
what the originator itself has set. A server uses it if an agreement with the
originator names it as an approver.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(consentSignCommand(e), consentAddCommand(e), consentListCommand(e), consentRemoveCommand(e))
	return cmd
}

func consentSignCommand(e *env) *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "sign FILE --key KEYFILE",
		Short: "Sign a consent that we give",
		Long: `Sign signs the consent in FILE, which is JSON, and writes it back. An id is made if
it has none:

  {"by": "identity--…", "holder": "identity--…", "recipient": "identity--…",
   "objects": ["indicator--…"], "purpose": "crime-prevention",
   "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}

"by" gives the consent; "holder" has the objects, and may let "recipient" have all
versions of them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if keyFile == "" {
				return usagef("--key is missing: the file with the private key, as entente agreement keygen writes it")
			}
			return e.signConsent(args[0], keyFile)
		},
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "the `FILE` with the private key")
	return cmd
}

func (e *env) signConsent(file, keyFile string) error {
	key, err := readKey(keyFile)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c policy.Consent
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nof("%s: not a consent: %v", file, err)
	}
	if c.ID == "" {
		c.ID = "consent--" + uuid.NewString()
	}
	if err := c.Sign(key); err != nil {
		return nof("%s: %v", file, err)
	}
	if text, err = json.MarshalIndent(&c, "", "  "); err != nil {
		return err
	}
	if err := rewrite(file, append(text, '\n')); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s is signed\n", file, c.ID)
	return err
}

func consentAddCommand(e *env) *cobra.Command {
	var file, admin string
	cmd := &cobra.Command{
		Use:   "add FILE",
		Short: "Put a consent that was given to us in force",
		Long: `Add checks the consent in FILE against the agreements that are in force, and
releases what it permits. A running server is asked at its operator's address.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			var c policy.Consent
			err = e.withConfig(cmd.Context(), file, admin,
				func(conf *config.Config, r *release.Releaser, st *bolt.Store) error {
					added, err := wire.AddConsent(cmd.Context(), conf, st, r, text, e.now())
					if err == nil {
						c = *added
					}
					return err
				},
				func(conf *config.Config, at string) error {
					return askJSON(cmd.Context(), conf, at, http.MethodPost, "/consents", bytes.NewReader(text), &c)
				})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.stdout, "%s: %s may have %s until %s\n", c.ID, c.Recipient, plural(len(c.Objects), "object"), c.Until)
			return err
		},
	}
	operatorFlags(cmd, &file, &admin)
	return cmd
}

func consentListCommand(e *env) *cobra.Command {
	var file, admin string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the consents that were given to us",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []*policy.Consent
			err := e.withConfig(cmd.Context(), file, admin,
				func(_ *config.Config, r *release.Releaser, _ *bolt.Store) (err error) {
					list, err = r.Consents(cmd.Context())
					return err
				},
				func(conf *config.Config, at string) error {
					return askJSON(cmd.Context(), conf, at, http.MethodGet, "/consents", nil, &list)
				})
			if err != nil {
				return err
			}
			return e.show(list, asJSON, func(b *strings.Builder) {
				if len(list) == 0 {
					b.WriteString("There are none.\n")
					return
				}
				aligned(b, func(w io.Writer) {
					fmt.Fprintln(w, "consent\tby\trecipient\tobjects\tpurpose\tfrom\tuntil")
					for _, c := range list {
						fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", c.ID, c.By, c.Recipient, len(c.Objects), c.Purpose, c.From, c.Until)
					}
				})
			})
		},
	}
	operatorFlags(cmd, &file, &admin)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func consentRemoveCommand(e *env) *cobra.Command {
	var file, admin string
	cmd := &cobra.Command{
		Use:   "remove ID",
		Short: "Take a consent back: what only it permits is withdrawn",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withConfig(cmd.Context(), file, admin,
				func(_ *config.Config, r *release.Releaser, _ *bolt.Store) error {
					return wire.RemoveConsent(cmd.Context(), r, args[0])
				},
				func(conf *config.Config, at string) error {
					return askJSON(cmd.Context(), conf, at, http.MethodDelete, "/consents/"+url.PathEscape(args[0]), nil, &struct{}{})
				})
		},
	}
	operatorFlags(cmd, &file, &admin)
	return cmd
}

// withConfig is withReleaser for a configuration that is still to be read.
func (e *env) withConfig(ctx context.Context, file, admin string, offline func(*config.Config, *release.Releaser, *bolt.Store) error, online func(c *config.Config, at string) error) error {
	c, err := config.LoadForEdit(file)
	if err != nil {
		return err
	}
	return e.withReleaser(ctx, c, admin,
		func(r *release.Releaser, st *bolt.Store) error { return offline(c, r, st) },
		func(at string) error { return online(c, at) })
}

// operatorFlags are those of commands that ask a running server.
func operatorFlags(cmd *cobra.Command, file, admin *string) {
	configFlag(cmd, file)
	cmd.Flags().StringVar(admin, "admin", "", "the `URL` of the running server's operator listener; default: from the configuration")
}
