package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"entente/policy"
)

// An agreementExplanation is what agreement explain --json says of a flow.
type agreementExplanation struct {
	Flow     string             `json:"flow"`
	Given    string             `json:"given,omitempty"`
	Decision *policy.Decision   `json:"decision,omitempty"`
	Never    []policy.Exclusion `json:"never,omitempty"` // with --never
}

func agreementExplainCommand(e *env) *cobra.Command {
	var g policy.Given
	var never, asJSON bool
	cmd := &cobra.Command{
		Use:   "explain FILE",
		Short: "Say what an agreement does in a made-up situation, and why",
		Long: `Explain decides about an object that does not exist, as if the agreement were in
force: of the level, code and class of personal data that you say. At hop 1 it
goes to the partner; at later hops to somebody of the kind to whom the partner
passes it on. With --never it says what can never be shared, whatever else holds.
It exits with 1 if the object is withheld.`,
		Example: `  entente agreement explain mou.yaml --flow technical --tlp AMBER --kind client --hop 2
  entente agreement explain mou.yaml --never`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			a, _, err := readAgreement(args[0])
			if err != nil {
				return err
			}
			flows, err := flowsNamed(a, g.Flow)
			if err != nil {
				return err
			}
			if never {
				return e.explainNever(a, flows, asJSON)
			}
			return e.explainGiven(a, flows, g, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&g.Flow, "flow", "", "the `name` of the flow; default: each")
	f.StringVar(&g.TLP, "tlp", "", "CLEAR, GREEN, AMBER, AMBER+STRICT or RED; default: GREEN")
	f.StringVar(&g.Kind, "kind", "", "who gets it: public, partner, community, client, org, named, or origin, from whom it came; default: the partner")
	f.IntVar(&g.Hop, "hop", 1, "how many borders of organisations it crosses to get there")
	f.StringVar(&g.Handling, "handling", "", "the handling `code` it carries, H0 to H3; default: none")
	f.StringVar(&g.PD, "personal-data", "", "its `class` of personal data: none, indirect, direct, special or unknown; default: none")
	f.StringVar(&g.Type, "type", "", "its `type`; default: one that the flow selects")
	f.BoolVar(&g.Consent, "consent", false, "the originator has consented")
	f.BoolVar(&g.Embargo, "embargo", false, "it is under an embargo")
	f.BoolVar(&never, "never", false, "say what the flow can never share")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// flowsNamed are the flows of an agreement with the name; all if it is "".
func flowsNamed(a *policy.Agreement, name string) ([]*policy.Flow, error) {
	s, err := policy.Compile(a.Parties.A.Org, []*policy.Agreement{a})
	if err != nil {
		return nil, err
	}
	var found []*policy.Flow
	var names []string
	for _, f := range s.Flows() {
		names = append(names, f.Name)
		if name == "" || f.Name == name {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return nil, usagef("--flow %s: the agreement has %s", name, strings.Join(names, ", "))
	}
	return found, nil
}

func (e *env) explainGiven(a *policy.Agreement, flows []*policy.Flow, g policy.Given, asJSON bool) error {
	all, withheld := []agreementExplanation{}, 0
	for _, f := range flows {
		g.Flow = f.Name
		d, err := f.Try(g, true)
		if err != nil {
			return usagef("%v", err)
		}
		if d.Effect == policy.Withhold {
			withheld++
		}
		all = append(all, agreementExplanation{Flow: f.Name, Given: g.String(), Decision: &d})
	}
	err := e.show(all, asJSON, func(b *strings.Builder) {
		names := orgNames(a)
		for _, x := range all {
			fmt.Fprintf(b, "%s by %s: %s\n", x.Given, x.Flow, names.Replace(x.Decision.Explain()))
		}
	})
	if err == nil && withheld == len(flows) {
		return errNo{}
	}
	return err
}

func (e *env) explainNever(a *policy.Agreement, flows []*policy.Flow, asJSON bool) error {
	all := []agreementExplanation{}
	for _, f := range flows {
		all = append(all, agreementExplanation{Flow: f.Name, Never: policy.NeverShares(f)})
	}
	return e.show(all, asJSON, func(b *strings.Builder) {
		names := orgNames(a)
		for _, x := range all {
			printNever(b, x, names)
		}
	})
}

func printNever(b *strings.Builder, x agreementExplanation, names *strings.Replacer) {
	for _, consent := range []bool{false, true} {
		head := "Flow " + x.Flow + " never shares, whatever else holds:\n"
		if consent {
			head = "Flow " + x.Flow + " shares only if the originator consents:\n"
		}
		aligned(b, func(w io.Writer) {
			for _, n := range x.Never {
				if n.Consent != consent {
					continue
				}
				io.WriteString(b, head)
				head = ""
				what := n.Value
				switch n.Dimension {
				case "recipient":
					what = "anything to " + what
				case "handling code":
					what = "objects with " + what
				case "personal data":
					what = "personal data: " + what
				}
				why := strings.Join(n.Rules, ", ")
				if n.Clause != "" {
					why += "; " + n.Clause
				}
				if p := n.Position; p.Line > 0 {
					why += fmt.Sprintf("; %s:%d:%d", p.File, p.Line, p.Column)
				}
				fmt.Fprintf(w, "  %s\t%s\n", what, why)
			}
		})
		if head == "" {
			b.WriteString("\n")
		}
	}
}
