package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"entente/policy"
)

// begin is when stories begin.
var begin = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// A mou is an agreement of a story, in short.
type mou struct {
	partner     int
	status      policy.Status
	from, until int    // in hours from begin
	grace       string // after until
	suspension  string
	relation    string
	reads       []string
	flows       []mouFlow
}

// A mouFlow is a flow of a mou.
type mouFlow struct {
	out      bool // to the partner
	colls    []int
	ceiling  string
	normal   string // level of what is not marked
	types    []string
	labels   []string // one of which the object must have
	embargo  int      // on what is labelled operation: until so many hours from begin; -9: none
	onward   string
	hops     int
	channels []string
}

func drawMOU(t *rapid.T, partner, partners int) mou {
	m := mou{
		partner: partner, status: policy.Active,
		from:       rapid.SampledFrom([]int{-9, -9, -9, -9, -9, 0, 1}).Draw(t, "from"),
		until:      rapid.SampledFrom([]int{99, 99, 99, 99, 99, 1, 2}).Draw(t, "until"),
		grace:      rapid.SampledFrom([]string{"P0D", "PT1H"}).Draw(t, "grace"),
		suspension: rapid.SampledFrom([]string{"stop-new", "stop-new+hide-old"}).Draw(t, "suspension"),
		relation:   rapid.SampledFrom([]string{"partner", "client", "org", "org"}).Draw(t, "relation"),
		reads:      rapid.SampledFrom([][]string{{"tlp1", "tlp2"}, {"tlp1", "tlp2"}, {"tlp1"}}).Draw(t, "reads"),
	}
	if rapid.IntRange(0, 14).Draw(t, "suspended") == 0 {
		m.status = policy.Suspended
	}
	m.flows = append(m.flows, drawFlow(t, true), drawFlow(t, false))
	for range rapid.IntRange(0, 2).Draw(t, "more flows") {
		m.flows = append(m.flows, drawFlow(t, rapid.Bool().Draw(t, "out")))
	}
	return m
}

func drawFlow(t *rapid.T, out bool) mouFlow {
	return mouFlow{
		out:      out,
		colls:    rapid.SampledFrom([][]int{{0}, {0}, {0}, {0, 1}, {1}, {0, 1, 2}}).Draw(t, "collections"),
		ceiling:  rapid.SampledFrom([]string{"CLEAR", "GREEN", "GREEN", "GREEN", "AMBER", "AMBER", "AMBER+STRICT"}).Draw(t, "ceiling"),
		normal:   rapid.SampledFrom([]string{"GREEN", "AMBER+STRICT"}).Draw(t, "default"),
		types:    rapid.SampledFrom([][]string{{"*"}, {"*"}, {"*"}, {"*"}, {"*"}, {"indicator", "note", "marking-definition", "ipv4-addr"}}).Draw(t, "types"),
		labels:   rapid.SampledFrom([][]string{nil, nil, nil, nil, nil, nil, {"shared"}}).Draw(t, "labels"),
		embargo:  rapid.SampledFrom([]int{-9, -9, 1, 2}).Draw(t, "embargo"),
		onward:   rapid.SampledFrom([]string{"none", "clients", "community", "listed", "tlp", "tlp", "tlp"}).Draw(t, "onward"),
		hops:     rapid.SampledFrom([]int{1, 2, 2, 3}).Draw(t, "hops"),
		channels: rapid.SampledFrom([][]string{{"push", "poll"}, {"push", "poll"}, {"push", "poll"}, {"push", "poll"}, {"push", "poll"}, {"push"}}).Draw(t, "channels"),
	}
}

func hour(n int) string { return begin.Add(time.Duration(n) * time.Hour).Format(time.RFC3339) }

// agreement is m as a document says it.
func (m *mou) agreement(revision uint32) *policy.Agreement {
	org := orgOf(m.partner)
	a := &policy.Agreement{
		ID: policy.AgreementID("mou--" + strings.TrimPrefix(string(org), "identity--")), Revision: revision, Status: m.status,
		Valid:    policy.Validity{From: hour(m.from), Until: hour(m.until), Grace: m.grace},
		Purposes: policy.Purposes{Allow: []string{"defence"}},
		Parties: policy.Parties{
			A: policy.Party{Org: ourselves, Originates: []policy.OrgID{ourselves}, Enforces: "sidecar", Understands: []string{"tlp1", "tlp2"}, Communities: []string{"circle"}},
			B: policy.Party{Org: org, Originates: []policy.OrgID{org}, Enforces: "sidecar", Understands: m.reads, Relation: m.relation, Communities: []string{"circle"}},
		},
		Suspension: policy.Suspension{Effect: m.suspension},
	}
	for i := range m.flows {
		a.Flows = append(a.Flows, m.flows[i].terms(i))
	}
	return a
}

func (f *mouFlow) terms(i int) policy.FlowTerms {
	all := []string{"*"}
	t := policy.FlowTerms{
		Name: fmt.Sprint("flow", i), Direction: "b->a", Channels: f.channels,
		Select: policy.Select{Types: f.types, LabelsAny: f.labels}, Purposes: []string{"defence"},
		TLP:        policy.TLPTerms{Max: f.ceiling, Default: f.normal, Floor: "CLEAR", Red: "never", Community: "circle"},
		PAP:        policy.PAPTerms{Max: "RED"},
		Statements: policy.StatementTerms{Unknown: "carry"}, Granular: policy.GranularTerms{Mode: "join", Above: "redact"},
		Attribution:  policy.AttributionTerms{Source: "disclose", Victims: "disclose", Sightings: "disclose"},
		PersonalData: policy.PersonalDataTerms{Allow: []string{"indirect", "direct"}},
		Onward:       policy.OnwardTerms{Mode: f.onward, MaxHops: &f.hops, To: []policy.OrgID{orgOf(0)}},
		Extensions:   policy.ExtensionTerms{Allow: all, Unknown: "withhold"}, Fields: policy.FieldTerms{LabelsAllow: &all, ExternalHosts: &all},
		Changes: policy.ChangeTerms{Retroactive: "all"},
	}
	if f.out {
		t.Direction = "a->b"
	}
	for _, c := range f.colls {
		t.Collections = append(t.Collections, collections[c].alias)
	}
	if f.embargo > -9 {
		t.Embargo.OnLabels = map[string]string{"operation": hour(f.embargo)}
	}
	return t
}

// compile makes a set of agreements.
func compile(mous []mou, revision uint32) *policy.Set {
	var list []*policy.Agreement
	for i := range mous {
		list = append(list, mous[i].agreement(revision))
	}
	set, err := policy.Compile(ourselves, list)
	if err != nil {
		panic(err) // stories have no wrong terms
	}
	return set
}

// known reports which collections the observed partner may ever know of.
func (s *story) known() []bool {
	known := make([]bool, len(collections))
	note := func(mous []mou) {
		for _, m := range mous {
			for _, f := range m.flows {
				for c := range known {
					known[c] = known[c] || m.partner == 0 && slices.Contains(f.colls, c)
				}
			}
		}
	}
	note(s.mous)
	for i := range s.acts {
		note(s.acts[i].mous)
	}
	return known
}
