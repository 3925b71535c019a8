package policy

import (
	"slices"
	"testing"

	"entente/stix"
)

const (
	orgA OrgID = "identity--aaaaaaaa-0000-4000-8000-000000000001"
	orgB OrgID = "identity--bbbbbbbb-0000-4000-8000-000000000002"
	orgC OrgID = "identity--cccccccc-0000-4000-8000-000000000003"
)

const noon Instant = 1_767_268_800_000_000 // 2026-01-01T12:00:00Z

// ordinary is an agreement in force from A to B at its defaults, with the ceiling
// AMBER+STRICT, that change may change.
func ordinary(change func(a *Agreement, f *FlowTerms)) *Agreement {
	a := &Agreement{
		ID: "mou--11111111-1111-4111-8111-111111111111", Revision: 7, Status: Active,
		Valid:    Validity{From: "2025-01-01T00:00:00Z", Until: "2027-01-01T00:00:00Z", Grace: "P7D"},
		Purposes: Purposes{Allow: []string{"crime-prevention", "network-defence"}},
		Parties: Parties{
			A: Party{Org: orgA, Originates: []OrgID{orgA}, Enforces: "sidecar", Understands: []string{"tlp1", "tlp2", "iep2", "handling"}},
			B: Party{Org: orgB, Originates: []OrgID{orgB}, Understands: []string{"tlp1", "tlp2", "iep2", "handling"}},
		},
		Suspension: Suspension{Effect: "stop-new+hide-old"},
	}
	f := FlowTerms{
		Name: "technical", Direction: "a->b", Collections: []string{"intel"}, Channels: []string{"push", "poll"},
		Select: Select{Types: []string{"*"}}, Purposes: []string{"crime-prevention"},
		TLP:        TLPTerms{Max: "AMBER+STRICT", Default: "AMBER+STRICT", Floor: "CLEAR", Red: "never"},
		Statements: StatementTerms{Unknown: "carry"}, Granular: GranularTerms{Mode: "join", Above: "redact"},
		Attribution: AttributionTerms{Source: "disclose", Victims: "anonymise", Sightings: "anonymise"},
		Onward:      OnwardTerms{Mode: "none"}, Extensions: ExtensionTerms{Unknown: "withhold"},
	}
	if change != nil {
		change(a, &f)
	}
	a.Flows = append([]FlowTerms{f}, a.Flows...)
	return a
}

// flowOf compiles an ordinary agreement for its sender.
func flowOf(t testing.TB, change func(a *Agreement, f *FlowTerms)) *Flow {
	t.Helper()
	a := ordinary(change)
	us := a.Parties.A.Org
	if a.Flows[0].Direction == "b->a" {
		us = a.Parties.B.Org
	}
	s, err := Compile(us, []*Agreement{a})
	if err != nil {
		t.Fatal(err)
	}
	return s.Flows()[0]
}

// plain is the label of an indicator that A wrote and marked.
func plain(level Level) Label {
	return Label{
		Type: "indicator", Creator: orgA, Originator: true, Level: level, Editions: TLP2,
		Lacks: PartLabels | PartHosts | PartExtensions | PartSighters,
	}
}

// rulesOf are the rules that came to at most an effect.
func rulesOf(d Decision, effect Effect) []string {
	var names []string
	for _, r := range d.Reasons {
		if r.Effect <= effect {
			names = append(names, r.Rule)
		}
	}
	return names
}

func TestDecideBaseline(t *testing.T) {
	f := flowOf(t, nil)
	l := plain(LevelClear)
	d := f.Decide(&l, nil, noon, true)
	if d.Effect != Permit || d.PerObject || d.Until != instant(t, "2027-01-01T00:00:00Z") {
		t.Errorf("Decide = %v, per object %v, until %v; reasons %v", d.Effect, d.PerObject, d.Until, d.Reasons)
	}
	if !slices.Contains(d.Obligations, Obligation{Name: "purpose", Arg: "crime-prevention"}) {
		t.Errorf("obligations = %v", d.Obligations)
	}
	zero := f.Decide(&Label{}, nil, noon, true)
	if got := rulesOf(zero, Withhold); zero.Effect != Withhold || !slices.Contains(got, "label.none") {
		t.Errorf("the zero label: %v, %v", zero.Effect, got)
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	f := flowOf(t, nil)
	l := plain(LevelAmber)
	l.Lacks = 0
	l.From, l.Hops = orgC, 1
	l.Creator = orgC
	l.Terms = []Terms{{By: orgC, Mode: "tlp", MaxHops: 3, ClientDepth: 1, Retention: "P1Y", Personal: []string{"indirect"}}}
	traits := &Traits{Header: &stix.Header{Type: "indicator", Created: "2026-01-01T00:00:00Z"}, Content: &stix.Content{Labels: []string{"x"}}}
	for _, tr := range []*Traits{nil, traits} {
		if n := testing.AllocsPerRun(100, func() { f.Decide(&l, tr, noon, false) }); n != 0 {
			t.Errorf("Decide with traits %v allocates %v times", tr != nil, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	f := flowOf(b, nil)
	l := plain(LevelAmber)
	far := plain(LevelGreen)
	far.From, far.Creator, far.Hops, far.Handling = orgC, orgC, 1, []string{"H0"}
	far.Terms = []Terms{{By: orgC, Mode: "tlp", MaxHops: 3, ClientDepth: 1, Retention: "P1Y", Purposes: []string{"crime-prevention"}}}
	traits := &Traits{Header: &stix.Header{Type: "indicator", Created: "2026-01-01T00:00:00Z"}, Content: &stix.Content{Labels: []string{"x"}}}
	for _, c := range []struct {
		name string
		l    *Label
		t    *Traits
	}{{"own", &l, nil}, {"relayed", &far, nil}, {"traits", &far, traits}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Decide(c.l, c.t, noon, false)
			}
		})
	}
}

// BenchmarkPolicyChange decides everything anew, as after a change of rules: 5,000
// labels, 200 flows. It reports the time for all million decisions.
func BenchmarkPolicyChange(b *testing.B) {
	var flows []*Flow
	for i := range 200 {
		flows = append(flows, flowOf(b, func(a *Agreement, f *FlowTerms) {
			f.TLP.Max = []string{"GREEN", "AMBER", "AMBER+STRICT"}[i%3]
			f.Handling.Accept = []string{"H0", "H1", "H2"}[:1+i%3]
			a.Parties.B.Relation = []string{"partner", "client"}[i%2]
			f.Select.Types = []string{"indicator", "malware", "infrastructure", "attack-pattern", "campaign", "tool", "file", "domain-name", "url"}
		}))
	}
	var labels []Label
	for i := range 5000 {
		l := relayedLabel(LevelClear+Level(i%5), 1+i%3, Terms{By: orgC, Mode: []string{"tlp", "clients", "none"}[i%3], MaxHops: 3, ClientDepth: 1, Retention: "P1Y"})
		l.Type = flows[0].Terms.Select.Types[i%9]
		l.Handling = codeNames[: i%3 : i%3]
		l.Personal = PersonalData(i % 7 / 6)
		labels = append(labels, l)
	}
	b.ReportAllocs()
	permits := 0
	for b.Loop() {
		for i := range labels {
			for _, f := range flows {
				if f.Decide(&labels[i], nil, noon, false).Effect == Permit {
					permits++
				}
			}
		}
	}
	if permits == 0 {
		b.Error("nothing is permitted")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/decision")
}
