package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Exclusion is something that a flow can never share, whatever else holds: no point of
// the domain with it lets anything out.
type Exclusion struct {
	Dimension string   `json:"dimension"` // "level", "recipient", "level and recipient", "handling code", "personal data", "embargo"
	Value     string   `json:"value"`     // for people: "TLP:AMBER to a client at hop 2"
	Consent   bool     `json:"consent"`   // shared with a consent of the originator, and only so
	Points    int      `json:"points"`    // of the domain that were tried
	Rules     []string `json:"rules"`     // what stands against the point that comes nearest to passing
	Term      string   `json:"term,omitempty"`
	Clause    string   `json:"clause,omitempty"`
	Position  Position `json:"position"` // of the first rule's term
	Text      string   `json:"text"`     // why, in one sentence
}

// NeverShares is what the flow can never share, by trying every point of the domain
// that is about somebody whom there can be. A pair is told only if neither of its
// parts alone is.
func NeverShares(f *Flow) []Exclusion {
	c := census{counts: map[facet]*count{}}
	for g := range domain {
		if g.actual() {
			d, err := f.Try(g, true)
			if err != nil {
				d = Decision{}
			}
			c.add(&g, &d)
		}
	}
	return c.nevers()
}

// A facet is a value of a dimension.
type facet struct{ dimension, value string }

// facets are those of a point; the pair is last.
func (g *Given) facets() []facet {
	handling, personal, embargo := g.Handling, g.PD, "none"
	if handling == "" {
		handling = "no code"
	}
	if g.Embargo {
		embargo = "an object under an embargo"
	}
	who := g.recipient()
	return []facet{
		{"level", "TLP:" + g.TLP}, {"recipient", who}, {"handling code", handling}, {"personal data", personal}, {"embargo", embargo},
		{"level and recipient", "TLP:" + g.TLP + " to " + who},
	}
}

// recipient is who gets the object at the point, for people.
func (g *Given) recipient() string {
	switch {
	case g.Kind == "origin":
		return "whoever it came from"
	case g.Kind == "" && g.Hop <= 1:
		return "the partner"
	}
	k, _ := parseKind(g.Kind)
	if g.Kind == "" || k == KindPartner {
		return fmt.Sprintf("another partner at hop %d", g.Hop) + orLater(g.Hop)
	}
	return fmt.Sprintf("%s at hop %d", k.phrase(), g.Hop) + orLater(g.Hop)
}

// orLater: the third hop of the domain stands for all later ones.
func orLater(hop int) string {
	if hop >= 3 {
		return " or later"
	}
	return ""
}

// A census counts, for each facet, what the points with it came to.
type census struct {
	counts map[facet]*count
	order  []facet
}

type count struct {
	points  int
	open    int         // that let something out
	unasked int         // of them without a consent
	nearest [2][]Reason // of the point that is kept back by the fewest rules, one for each: of all, and of those without a consent
}

func (c *census) add(g *Given, d *Decision) {
	for _, key := range g.facets() {
		n := c.counts[key]
		if n == nil {
			n = &count{}
			c.counts[key] = n
			c.order = append(c.order, key)
		}
		n.add(g, d)
	}
}

func (n *count) add(g *Given, d *Decision) {
	n.points++
	if d.Effect > Withhold {
		n.open++
		if !g.Consent {
			n.unasked++
		}
		return
	}
	var rules []Reason
	for _, r := range d.Reasons {
		if r.Effect == Withhold && !slices.ContainsFunc(rules, func(o Reason) bool { return o.Rule == r.Rule }) {
			rules = append(rules, r)
		}
	}
	for i := range n.nearest {
		if (i == 0 || !g.Consent) && (n.nearest[i] == nil || len(rules) < len(n.nearest[i])) {
			n.nearest[i] = rules
		}
	}
}

var dimensions = []string{"level", "recipient", "handling code", "personal data", "embargo", "level and recipient"}

func (c *census) nevers() []Exclusion {
	single := map[string]*count{} // of what a pair is made of
	for key, n := range c.counts {
		if key.dimension == "level" || key.dimension == "recipient" {
			single[key.value] = n
		}
	}
	var all []Exclusion
	for _, key := range c.order {
		n := c.counts[key]
		if n.unasked > 0 {
			continue
		}
		if key.dimension == "level and recipient" {
			level, who, _ := strings.Cut(key.value, " to ")
			if part := min(single[level].rank(), single[who].rank()); part <= n.rank() {
				continue
			}
		}
		all = append(all, n.never(key))
	}
	slices.SortStableFunc(all, func(a, b Exclusion) int {
		return cmp.Compare(slices.Index(dimensions, a.Dimension), slices.Index(dimensions, b.Dimension))
	})
	return merged(all)
}

// merged tells of hop 3 together with hop 2, if the same is told of both.
func merged(all []Exclusion) []Exclusion {
	var kept []Exclusion
	for _, x := range all {
		before, later := strings.CutSuffix(x.Value, atLaterHops)
		i := slices.IndexFunc(kept, func(y Exclusion) bool {
			return y.Dimension == x.Dimension && y.Consent == x.Consent && y.Value == before+atSecondHop
		})
		if !later || i < 0 {
			kept = append(kept, x)
			continue
		}
		kept[i].Value += orLater(3)
		kept[i].Points += x.Points
	}
	return kept
}

// How recipients beyond the partner end.
const (
	atSecondHop = " at hop 2"
	atLaterHops = " at hop 3 or later"
)

// rank is 0 for what is never shared, 1 for what is with consent, 2 for the rest.
func (n *count) rank() int {
	switch {
	case n.open == 0:
		return 0
	case n.unasked == 0:
		return 1
	}
	return 2
}

func (n *count) never(key facet) Exclusion {
	x := Exclusion{Dimension: key.dimension, Value: key.value, Consent: n.open > 0, Points: n.points, Rules: []string{}}
	nearest := n.nearest[0]
	if x.Consent {
		nearest = n.nearest[1]
	}
	for i, r := range nearest {
		x.Rules = append(x.Rules, r.Rule)
		if i == 0 {
			x.Term, x.Clause, x.Position, x.Text = r.Term, r.Clause, r.Position, r.Text
		}
	}
	return x
}
