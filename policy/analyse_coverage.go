package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Coverage is how much of a flow's domain the agreement's own tests decide.
type Coverage struct {
	Flow     string    `json:"flow"`
	Tests    int       `json:"tests"`    // that are about the flow
	Points   int       `json:"points"`   // of the domain
	Tried    int       `json:"tried"`    // of them by a test
	Untested []Example `json:"untested"` // rules that decide in this flow and in none of its tests, each with an example
}

// An Example is a point of the domain and what it comes to.
type Example struct {
	Rule   string `json:"rule"` // that keeps it back; "" if it is let out
	Effect string `json:"effect"`
	Given  Given  `json:"-"`
	Text   string `json:"given"` // Given, for people
}

// Cover is the coverage of each flow by the tests of the agreement. Only points about
// somebody whom there can be count. The error wraps ErrInvalid.
func Cover(a *Agreement) ([]Coverage, error) {
	s, err := Compile(a.Parties.A.Org, []*Agreement{a})
	if err != nil {
		return nil, err
	}
	all := make([]Coverage, 0, len(s.flows))
	for _, f := range s.flows {
		all = append(all, f.cover(a.Tests))
	}
	return all, nil
}

func (f *Flow) cover(tests []Test) Coverage {
	c := Coverage{Flow: f.Name, Untested: []Example{}}
	tried, seen := map[Given]bool{}, map[string]bool{}
	for i := range tests {
		g := tests[i].Given
		d, err := f.Try(g, true)
		if err != nil || g.Flow != "" && g.Flow != f.Name {
			continue
		}
		c.Tests++
		tried[f.normalPoint(g)] = true
		for _, rule := range d.deciding() {
			seen[rule] = true
		}
	}
	best := map[string]int{} // by how many rules the example of each is decided
	examples := map[string]Example{}
	for g := range domain {
		if !g.actual() {
			continue
		}
		c.Points++
		if tried[g] {
			c.Tried++
		}
		d, err := f.Try(g, true)
		if err != nil {
			continue
		}
		g.Flow = f.Name
		rules := d.deciding()
		for _, rule := range rules {
			if n, ok := best[rule]; !seen[rule] && (!ok || len(rules) < n) {
				best[rule] = len(rules)
				examples[rule] = Example{rule, d.Effect.String(), g, g.String()}
			}
		}
	}
	for _, e := range examples {
		c.Untested = append(c.Untested, e)
	}
	slices.SortFunc(c.Untested, func(a, b Example) int { return cmp.Compare(a.Rule, b.Rule) })
	return c
}

// deciding are the rules that restricted, each once; "" alone if none did.
func (d *Decision) deciding() []string {
	var rules []string
	for _, r := range d.Reasons {
		if r.Effect < Permit && !slices.Contains(rules, r.Rule) {
			rules = append(rules, r.Rule)
		}
	}
	if rules == nil {
		return []string{""}
	}
	return rules
}

// normalPoint is the point of the domain that a test is about.
func (f *Flow) normalPoint(g Given) Given {
	g.Flow, g.Type = "", ""
	if g.TLP == "" {
		g.TLP = min(LevelGreen, f.max).String()
	}
	if g.PD == "" {
		g.PD = "none"
	}
	g.Hop = min(max(g.Hop, 1), 3)
	switch {
	case g.Hop == 1 && g.Kind != "origin":
		g.Kind = "" // there is but one recipient
	case g.Hop > 1 && (g.Kind == "" || g.Kind == "origin"):
		g.Kind = "partner"
	}
	return g
}

// String is the point for people: "TLP:AMBER to a client at hop 2, H2".
func (g Given) String() string {
	parts := []string{"TLP:" + cmp.Or(g.TLP, "GREEN") + " to " + g.recipient()}
	if g.Type != "" {
		parts = append(parts, g.Type)
	}
	if g.Handling != "" {
		parts = append(parts, g.Handling)
	}
	if g.PD != "" && g.PD != "none" {
		parts = append(parts, "personal data: "+g.PD)
	}
	if g.Consent {
		parts = append(parts, "with consent")
	}
	if g.Embargo {
		parts = append(parts, "under an embargo")
	}
	return strings.Join(parts, ", ")
}
