package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
	"entente/policy"
	"entente/policy/release"
	"entente/stix"
	"entente/store/bolt"
)

func explainCommand(e *env) *cobra.Command {
	var file, admin, partner, object string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain --partner ORG --object ID",
		Short: "Say what a partner gets of an object, and why",
		Long: `Explain goes through every version of the object that is held, and says what the
agreements let the partner have of it: the decision stage by stage, the rule,
the term and the clause behind it, and what else must be visible first. A
running server is asked at its operator's address. Partners never see any of
this: to them, what is withheld does not exist.

The exit code is 0 if the partner sees a version, 1 if not.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.LoadForEdit(file)
			if err != nil {
				return err
			}
			if partner == "" || object == "" {
				return usagef("say who with --partner, and which object with --object")
			}
			report, err := e.explain(cmd.Context(), c, admin, partner, object)
			if err != nil {
				return err
			}
			if asJSON {
				err = e.printJSON(report)
			} else {
				err = printExplain(e.stdout, report)
			}
			if err == nil && !report.visible() {
				return errNo{}
			}
			return err
		},
	}
	operatorFlags(cmd, &file, &admin)
	cmd.Flags().StringVar(&partner, "partner", "", "the `id` of the partner's identity")
	cmd.Flags().StringVar(&object, "object", "", "the `id` of the object")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

type explainReport struct{ *wire.ExplainReport }

func (r explainReport) visible() bool {
	for i := range r.Versions {
		if r.Versions[i].Effect != policy.Withhold.String() {
			return true
		}
	}
	return false
}

func (e *env) explain(ctx context.Context, c *config.Config, admin, partner, object string) (explainReport, error) {
	var report wire.ExplainReport
	query := url.Values{"partner": {partner}, "object": {object}}
	err := e.withReleaser(ctx, c, admin,
		func(r *release.Releaser, _ *bolt.Store) error {
			found, err := wire.Explain(ctx, c, r, policy.OrgID(partner), stix.ID(object))
			if err == nil {
				report = *found
			}
			return err
		},
		func(at string) error {
			return askJSON(ctx, c, at, http.MethodGet, "/explain?"+query.Encode(), nil, &report)
		})
	return explainReport{&report}, err
}

// withReleaser calls offline with the releaser of the data file, or, if a server
// has the file open or admin names one, online with the URL to ask.
func (e *env) withReleaser(ctx context.Context, c *config.Config, admin string, offline func(*release.Releaser, *bolt.Store) error, online func(at string) error) (err error) {
	if c.Agreements == nil {
		return nof("%s names no agreements", c.File)
	}
	if admin != "" {
		return online(admin)
	}
	st, err := openExisting(c, "--admin with the address of its operator's listener")
	if at := operatorOf(c, ""); errors.Is(err, errHeld) && at != "" {
		return online(at)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	r, err := wire.OpenReleaser(ctx, c, st, wire.Outside{Now: e.now, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(e.stderr, nil))})
	if err != nil {
		return err
	}
	return offline(r, st)
}

func printExplain(w io.Writer, r explainReport) error {
	var b strings.Builder
	if len(r.Versions) == 0 {
		fmt.Fprintf(&b, "%s is not held here.\n", r.Object)
	}
	for i := range r.Versions {
		explainVersion(&b, &r.Versions[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainVersion(b *strings.Builder, v *wire.ExplainVersion) {
	fmt.Fprintf(b, "%s, version %s: %s", v.Collection, v.Version, strings.ToUpper(v.Effect))
	if v.Released != "" {
		fmt.Fprintf(b, " since %s", v.Released)
	}
	b.WriteString("\n")
	for _, h := range v.Holdings {
		fmt.Fprintf(b, "  held from %s\n", cmp.Or(string(h.From), "our own people"))
	}
	if v.Flow != "" {
		fmt.Fprintf(b, "  by flow %q of %s, revision %d\n", v.Flow, v.Agreement, v.Revision)
	}
	for _, reason := range v.Reasons {
		fmt.Fprintf(b, "  %-13s %-9s %s", reason.Stage, reason.Effect, reason.Rule)
		if reason.Text != "" {
			fmt.Fprintf(b, ": %s", reason.Text)
		}
		if where := cited(&reason); where != "" {
			fmt.Fprintf(b, " [%s]", where)
		}
		b.WriteString("\n")
	}
	for _, o := range v.Obligations {
		fmt.Fprintf(b, "  bound to      %s %s\n", o.Name, o.Arg)
	}
}

// cited says where a reason's term stands.
func cited(r *policy.Reason) string {
	var parts []string
	if r.Clause != "" {
		parts = append(parts, r.Clause)
	}
	if r.Term != "" {
		parts = append(parts, r.Term)
	}
	if p := r.Position; p.Line > 0 {
		parts = append(parts, fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column))
	}
	return strings.Join(parts, "; ")
}
