package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Explain writes a decision for a liaison officer, who knows the agreement and not
// the program: what came of it, then stage by stage each rule that took part, with
// the clause and the place of its term. It is for our own people only; a partner
// is never told why, nor that there was something to decide. d was decided with
// why.
func (d *Decision) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", d.Effect, because(d))
	switch {
	case d.Until != Never:
		fmt.Fprintf(&b, "may change at %s\n", d.Until)
	case len(d.Reasons) > 0:
		b.WriteString("does not change by time alone\n")
	}
	where := ""
	for i := range d.Reasons {
		r := &d.Reasons[i]
		if under := r.under(); under != where {
			where = under
			fmt.Fprintf(&b, "under %s\n", under)
		}
		mark := " "
		if r.Effect < Permit {
			mark = "!"
		}
		fmt.Fprintf(&b, "  %s %-18s %s: %s", mark, r.Stage, r.Rule, r.Text)
		if r.Effect == Redact {
			b.WriteString(", so a part is left out")
		}
		b.WriteString(r.cited())
		b.WriteByte('\n')
	}
	for _, o := range d.Obligations {
		who := "the recipient must keep"
		if o.By == Server {
			who = "this server must keep"
		}
		fmt.Fprintf(&b, "  %s %s\n", who, o)
	}
	return b.String()
}

// under names the agreement's revision and the flow.
func (r *Reason) under() string {
	return fmt.Sprintf("%s revision %d, flow %s", r.Agreement, r.Revision, r.Flow)
}

// cited is the clause and the place of the term, in brackets.
func (r *Reason) cited() string {
	var parts []string
	if r.Clause != "" {
		parts = append(parts, r.Clause)
	}
	if r.Term != "" {
		parts = append(parts, r.Term)
	}
	if r.Position != (Position{}) {
		parts = append(parts, fmt.Sprintf("%s:%d:%d", r.Position.File, r.Position.Line, r.Position.Column))
	}
	if len(parts) == 0 {
		return ""
	}
	return " [" + strings.Join(parts, ", ") + "]"
}

// jsonDecision is how a decision is written for programs.
type jsonDecision struct {
	Effect      string       `json:"effect"`
	Until       string       `json:"until"` // RFC 3339, or "never"
	PerObject   bool         `json:"per_object"`
	Profile     *Profile     `json:"profile,omitempty"`
	Obligations []string     `json:"obligations"`
	Reasons     []jsonReason `json:"reasons"`
}

type jsonReason struct {
	Stage     string      `json:"stage"`
	Rule      string      `json:"rule"`
	Effect    string      `json:"effect"`
	Text      string      `json:"text"`
	Agreement AgreementID `json:"agreement"`
	Revision  uint32      `json:"revision"`
	Flow      string      `json:"flow"`
	Term      string      `json:"term,omitempty"`
	Clause    string      `json:"clause,omitempty"`
	Position  string      `json:"position,omitempty"` // file:line:column
}

// MarshalJSON writes a decision as Explain tells it, with every list present.
func (d Decision) MarshalJSON() ([]byte, error) {
	j := jsonDecision{Effect: d.Effect.String(), Until: d.Until.String(), PerObject: d.PerObject, Obligations: []string{}, Reasons: []jsonReason{}}
	if d.Effect == Redact {
		j.Profile = &d.Profile
	}
	for _, o := range d.Obligations {
		j.Obligations = append(j.Obligations, o.String())
	}
	for _, r := range d.Reasons {
		x := jsonReason{
			Stage: r.Stage.String(), Rule: r.Rule, Effect: r.Effect.String(), Text: r.Text,
			Agreement: r.Agreement, Revision: r.Revision, Flow: r.Flow, Term: r.Term, Clause: r.Clause,
		}
		if p := r.Position; p != (Position{}) {
			x.Position = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
		}
		j.Reasons = append(j.Reasons, x)
	}
	return json.Marshal(j)
}
