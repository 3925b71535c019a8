package wire

import (
	"context"

	"entente/cmd/internal/config"
	"entente/policy"
	"entente/policy/release"
	"entente/stix"
)

// A PlanReport says what a revision would change if it came into force.
type PlanReport struct {
	Agreement policy.AgreementID `json:"agreement"`
	Revision  uint32             `json:"revision"`
	Totals    []PlanTotal        `json:"totals"`
	Changes   []PlanChange       `json:"changes"`
	More      int                `json:"more"`              // changes that are not listed
	NotYet    string             `json:"not_yet,omitempty"` // why it cannot be activated as it is
}

type PlanTotal struct {
	Partner    policy.OrgID `json:"partner"`
	Name       string       `json:"name"`
	Collection string       `json:"collection"`
	Released   int          `json:"released"`
	Withdrawn  int          `json:"withdrawn"`
	Stays      int          `json:"stays"`
}

type PlanChange struct {
	Partner    policy.OrgID `json:"partner"`
	Collection string       `json:"collection"`
	Object     stix.ID      `json:"object"`
	Version    string       `json:"version"`
	Effect     string       `json:"effect"` // "release" or "withdraw"
}

// PlanLimit is how many changes a PlanReport lists.
const PlanLimit = 1000

// Plan reports what r would do under p, whose one fresh revision is asked about.
func Plan(ctx context.Context, c *config.Config, r *release.Releaser, p *Proposal) (*PlanReport, error) {
	plan, err := r.Plan(ctx, p.Set, PlanLimit)
	if err != nil {
		return nil, err
	}
	out := &PlanReport{Totals: []PlanTotal{}, Changes: []PlanChange{}, More: plan.More}
	if p.NotYet != nil {
		out.NotYet = p.NotYet.Error()
	}
	for _, fresh := range p.Fresh {
		out.Agreement, out.Revision = fresh.ID, fresh.Revision
	}
	for _, t := range plan.Totals {
		out.Totals = append(out.Totals, PlanTotal{Partner: t.Partner, Name: nameOf(p.Set, t.Partner), Collection: titleOf(c, string(t.Collection)),
			Released: t.Released, Withdrawn: t.Withdrawn, Stays: t.Stays})
	}
	for _, ch := range plan.Changes {
		effect := "withdraw"
		if ch.Release {
			effect = "release"
		}
		out.Changes = append(out.Changes, PlanChange{Partner: ch.Partner, Collection: titleOf(c, string(ch.Collection)), Object: ch.Object, Version: ch.Version, Effect: effect})
	}
	return out, nil
}

// nameOf is what the agreements call an organisation; "" if none does.
func nameOf(s *policy.Set, org policy.OrgID) string {
	for _, f := range s.Flows() {
		for _, party := range []*policy.Party{&f.Agreement.Parties.A, &f.Agreement.Parties.B} {
			if party.Org == org {
				return party.Name
			}
		}
	}
	return ""
}

// titleOf is what people call the collection whose id is given: its alias, else
// its title.
func titleOf(c *config.Config, id string) string {
	_, col, err := c.Find(id)
	switch {
	case err != nil:
		return id
	case col.Alias != "":
		return col.Alias
	}
	return col.Title
}

// An ExplainReport says what a partner gets of an object, version by version.
type ExplainReport struct {
	Partner  policy.OrgID     `json:"partner"`
	Object   stix.ID          `json:"object"`
	Versions []ExplainVersion `json:"versions"` // empty: the object is not held
}

type ExplainVersion struct {
	Collection  string              `json:"collection"`
	Version     string              `json:"version"`
	Added       string              `json:"date_added"`
	Holdings    []policy.Label      `json:"holdings"`
	Effect      string              `json:"effect"`             // what the partner gets: "permit", "redact", "withhold"
	Released    string              `json:"released,omitempty"` // since when the partner sees it
	Flow        string              `json:"flow,omitempty"`
	Agreement   policy.AgreementID  `json:"agreement,omitempty"`
	Revision    uint32              `json:"revision,omitempty"`
	Reasons     []policy.Reason     `json:"reasons"`
	Obligations []policy.Obligation `json:"obligations"`
}

// Explain reports on an object for a partner.
func Explain(ctx context.Context, c *config.Config, r *release.Releaser, partner policy.OrgID, object stix.ID) (*ExplainReport, error) {
	found, err := r.Explain(ctx, partner, object)
	if err != nil {
		return nil, err
	}
	out := &ExplainReport{Partner: partner, Object: object, Versions: []ExplainVersion{}}
	for i := range found {
		f := &found[i]
		v := ExplainVersion{Collection: titleOf(c, string(f.Collection)), Version: f.Version, Added: f.Added.String(), Holdings: f.Holdings,
			Effect: policy.Withhold.String(), Reasons: append(f.Decision.Reasons, f.Rests...), Obligations: f.Decision.Obligations}
		if f.Visible {
			v.Effect = f.Decision.Effect.String()
		}
		if f.Released != 0 {
			v.Released = f.Released.String()
		}
		if f.Flow != nil {
			v.Flow, v.Agreement, v.Revision = f.Flow.Name, f.Flow.Agreement.ID, f.Flow.Agreement.Revision
		}
		out.Versions = append(out.Versions, v)
	}
	return out, nil
}
