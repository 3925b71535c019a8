package policy

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// A RevisionDiff is what a revision of an agreement changes.
type RevisionDiff struct {
	Loosened  int            `json:"loosened"`  // points of the domain at which more is let out than before
	Tightened int            `json:"tightened"` // at which less is
	Terms     []TermChange   `json:"terms"`     // in the order of the new document; what is gone comes last
	Effects   []EffectChange `json:"effects"`   // of all the points, by flow; loosenings first
	Idle      []string       `json:"idle"`      // acknowledgements that name no loosening
}

// An EffectChange is a group of points of the domain whose decision changed.
type EffectChange struct {
	Flow     string   `json:"flow"`
	Levels   []string `json:"levels"` // "TLP:AMBER", …
	To       string   `json:"to"`     // "a client at hop 2"
	Only     string   `json:"only"`   // what all the points have in common besides: "with consent, H2"; "" if nothing
	Was      string   `json:"was"`    // "permit", "redact", "withhold"
	Now      string   `json:"now"`
	Loosened bool     `json:"loosened"`
	Points   int      `json:"points"`
	Rule     string   `json:"rule"` // that kept it back before, or does now
	Term     string   `json:"term,omitempty"`
	Clause   string   `json:"clause,omitempty"`
}

// Diff compares two revisions of an agreement: decision by decision over the whole
// domain of each flow, and term by term, because the domain does not tell types,
// purposes, times and duties apart. Flows are the same if their name and direction are.
// Both compile; if one does not, the error wraps ErrInvalid.
func Diff(was, now *Agreement) (*RevisionDiff, error) {
	old, err := Compile(was.Parties.A.Org, []*Agreement{was})
	if err != nil {
		return nil, err
	}
	next, err := Compile(now.Parties.A.Org, []*Agreement{now})
	if err != nil {
		return nil, err
	}
	d := &RevisionDiff{Terms: termChanges(was, now), Effects: []EffectChange{}, Idle: []string{}}
	for _, f := range next.flows {
		d.flow(old.counterpart(f), f)
	}
	for _, f := range old.flows {
		if next.counterpart(f) == nil {
			d.flow(f, nil)
		}
	}
	d.unexplained(now)
	for _, name := range now.Acknowledges {
		if !slices.ContainsFunc(d.Terms, func(c TermChange) bool { return c.Name == name }) {
			d.Idle = append(d.Idle, name)
		}
	}
	if d.Terms == nil {
		d.Terms = []TermChange{}
	}
	return d, nil
}

// Unacknowledged are the names of the loosenings from one revision to the next that
// the new one does not list in acknowledges, in the order of its document. Nothing is a
// loosening of no revision: was may be nil. The error wraps ErrInvalid.
func Unacknowledged(was, now *Agreement) ([]string, error) {
	if was == nil {
		return nil, nil
	}
	d, err := Diff(was, now)
	if err != nil {
		return nil, err
	}
	return d.Unacknowledged(), nil
}

// Unacknowledged are the names of loosenings that are not acknowledged.
func (d *RevisionDiff) Unacknowledged() []string {
	var names []string
	for _, c := range d.Terms {
		if c.Loosened && !c.Known {
			names = append(names, c.Name)
		}
	}
	return names
}

// counterpart is the flow of s with the name and direction of f; nil if there is none.
func (s *Set) counterpart(f *Flow) *Flow {
	for _, g := range s.flows {
		if g.Name == f.Name && g.Terms.Direction == f.Terms.Direction {
			return g
		}
	}
	return nil
}

// flow adds what changed from one flow to the other; nil withholds everything.
func (d *RevisionDiff) flow(was, now *Flow) {
	if was != nil && now != nil && was.alike(now) {
		return
	}
	var groups []*group
	for _, c := range Differences(was, now) {
		if !c.Given.actual() {
			continue
		}
		if c.Loosened() {
			d.Loosened++
		} else {
			d.Tightened++
		}
		groups = gather(groups, c)
	}
	var all []EffectChange
	for _, g := range groups {
		e := g.change(was, now)
		if i := slices.IndexFunc(all, e.like); i >= 0 {
			all[i].Levels = append(all[i].Levels, e.Levels...)
			all[i].Points += e.Points
			continue
		}
		all = append(all, e)
	}
	all = beyond(all)
	slices.SortStableFunc(all, func(a, b EffectChange) int {
		switch {
		case a.Loosened == b.Loosened:
			return 0
		case a.Loosened:
			return -1
		}
		return 1
	})
	d.Effects = append(d.Effects, all...)
}

// beyond tells of hop 3 together with hop 2, if the same is told of both.
func beyond(all []EffectChange) []EffectChange {
	var kept []EffectChange
	for _, x := range all {
		before, later := strings.CutSuffix(x.To, atLaterHops)
		i := slices.IndexFunc(kept, func(y EffectChange) bool {
			return y.To == before+atSecondHop && slices.Equal(y.Levels, x.Levels) && y.Only == x.Only && y.Was == x.Was && y.Now == x.Now && y.Rule == x.Rule && y.Points == x.Points
		})
		if !later || i < 0 {
			kept = append(kept, x)
			continue
		}
		kept[i].To += orLater(3)
		kept[i].Points += x.Points
	}
	return kept
}

// alike reports whether two flows say the same in everything that decisions in the
// domain depend on.
func (f *Flow) alike(g *Flow) bool {
	a, b := f.Agreement, g.Agreement
	return reflect.DeepEqual(f.Terms, g.Terms) && reflect.DeepEqual(a.Parties, b.Parties) && reflect.DeepEqual(a.Purposes, b.Purposes)
}

// A group is points with the same level, recipient and change.
type group struct {
	Change
	points []Given
}

func gather(groups []*group, c Change) []*group {
	for _, g := range groups {
		if g.Given.TLP == c.Given.TLP && g.Given.Kind == c.Given.Kind && g.Given.Hop == c.Given.Hop && g.Was == c.Was && g.Now == c.Now {
			g.points = append(g.points, c.Given)
			return groups
		}
	}
	return append(groups, &group{c, []Given{c.Given}})
}

// change words the group. The rule is that of its first point, which is the most
// ordinary one.
func (g *group) change(was, now *Flow) EffectChange {
	e := EffectChange{
		Levels: []string{"TLP:" + g.Given.TLP}, To: g.Given.recipient(), Only: inCommon(g.points),
		Was: g.Was.String(), Now: g.Now.String(), Loosened: g.Loosened(), Points: len(g.points),
	}
	f := was
	if !e.Loosened {
		f = now
	}
	if was == nil || now == nil {
		e.Flow = cmp.Or(was, now).Name
	} else {
		e.Flow = now.Name
	}
	if f == nil {
		return e
	}
	d, err := f.Try(g.Given, true)
	if err != nil {
		return e
	}
	for _, r := range d.Reasons {
		if r.Effect <= min(g.Was, g.Now) {
			e.Rule, e.Term, e.Clause = r.Rule, r.Term, r.Clause
			break
		}
	}
	return e
}

// like reports whether two changes differ in their levels at most.
func (e *EffectChange) like(o EffectChange) bool {
	return e.To == o.To && e.Only == o.Only && e.Was == o.Was && e.Now == o.Now && e.Rule == o.Rule && e.Points == o.Points*len(e.Levels) && e.Flow == o.Flow
}

// inCommon is what all points have that is not ordinary.
func inCommon(points []Given) string {
	first := points[0]
	all := func(has func(*Given) bool) bool {
		return !slices.ContainsFunc(points, func(g Given) bool { return !has(&g) })
	}
	var parts []string
	if first.Handling != "" && all(func(g *Given) bool { return g.Handling == first.Handling }) {
		parts = append(parts, "with "+first.Handling)
	}
	if first.PD != "none" && all(func(g *Given) bool { return g.PD == first.PD }) {
		parts = append(parts, "with personal data ("+first.PD+")")
	}
	if all(func(g *Given) bool { return g.Consent }) {
		parts = append(parts, "with consent")
	}
	if all(func(g *Given) bool { return g.Embargo }) {
		parts = append(parts, "under an embargo")
	}
	return strings.Join(parts, ", ")
}

// unexplained names loosenings of decisions in flows none of whose terms is looser,
// nor any term of the agreement.
func (d *RevisionDiff) unexplained(now *Agreement) {
	for _, e := range d.Effects {
		explained := slices.ContainsFunc(d.Terms, func(c TermChange) bool { return c.Loosened && (c.Flow == e.Flow || c.Flow == "") })
		if !e.Loosened || explained {
			continue
		}
		c := TermChange{Flow: e.Flow, Change: "decides otherwise", Loosened: true, Name: e.Flow + ": decides otherwise"}
		c.Known = slices.Contains(now.Acknowledges, c.Name)
		d.Terms = append(d.Terms, c)
	}
}
