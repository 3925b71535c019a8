package policy

import (
	"maps"
	"slices"
	"testing"

	"entente/stix"
)

// passing is B, who gets objects from A and passes them on to C.
type passing struct {
	receiver *Receiver
	out      *Flow
}

// passOn compiles the agreements of B with A and with C.
func passOn(t *testing.T, defs Definitions, in, out func(a *Agreement, f *FlowTerms)) passing {
	t.Helper()
	from := ordinary(in)
	to := ordinary(func(a *Agreement, f *FlowTerms) {
		a.ID, f.Name = "mou--33333333-3333-4333-8333-333333333333", "onward"
		a.Parties.A.Org, a.Parties.A.Originates = orgB, []OrgID{orgB}
		a.Parties.B.Org, a.Parties.B.Originates = orgC, []OrgID{orgC}
		a.Parties.B.Communities = []string{"k2"}
		if out != nil {
			out(a, f)
		}
	})
	s, err := Compile(orgB, []*Agreement{from, to})
	if err != nil {
		t.Fatal(err)
	}
	return passing{s.Receiver(Source{From: orgA, Flows: s.In(orgA, "intel"), Definitions: defs}), s.Out(orgC, "intel")[0]}
}

// TestPassOn labels what A sends and decides whether it goes on to C.
func TestPassOn(t *testing.T) {
	hops := 3
	free := func(_ *Agreement, f *FlowTerms) {
		takeAll(nil, f)
		f.Onward = OnwardTerms{Mode: "tlp", MaxHops: &hops}
	}
	takes := func(a *Agreement, f *FlowTerms) { takeAll(a, f) }
	member := func(community string) func(a *Agreement, f *FlowTerms) {
		return func(_ *Agreement, f *FlowTerms) { free(nil, f); f.TLP.Community = community }
	}
	defs := defined(map[string]string{
		mark(1): handling(`,"handling":["H2"]`),
		mark(2): copyright + marked(v2Red),
		mark(3): `"extensions":{"` + acsExtension + `":{"policy_reference":"urn:isa?privdefault=permit&sharedefault=deny"}}`,
		mark(4): handling(`,"judicial_use":"consent"`),
		mark(5): copyright,
	})
	defs.identities = map[string][]string{string(orgA): {"ais-consent-none"}}
	silent := scope{markings: defs.markings}
	tests := []struct {
		name    string
		defs    Definitions
		in, out func(a *Agreement, f *FlowTerms)
		raw     string
		rules   []string // that withhold
	}{
		{"clear", silent, free, takes, indicatorOf(orgA, marked(v2Clear)), nil},
		{"G2 onward none, the default", silent, takeAll, takes, indicatorOf(orgA, marked(v2Clear)), []string{"onward.none", "onward.hops"}},
		{"B10 a marking marked red", silent, free, takes, indicatorOf(orgA, marked(v2Clear, mark(2))), []string{"tlp.audience"}},
		{"B16 relayed and unmarked", silent, free, takes, indicatorOf("identity--d0000000-0000-4000-8000-000000000004", ""), []string{"tlp.audience", "onward.hops"}},
		{"G15 relayed, terms lost", silent, free, takes, indicatorOf("identity--d0000000-0000-4000-8000-000000000004", marked(v2Clear)), []string{"onward.hops"}},
		{"C2 in the community", silent, member("k2"), takes, indicatorOf(orgA, marked(v2Green)), nil},
		{"C2 in another", silent, member("k1"), takes, indicatorOf(orgA, marked(v2Green)), []string{"tlp.audience"}},
		{"C3 of no community", silent, free, takes, indicatorOf(orgA, marked(v2Green)), []string{"tlp.audience"}},
		{"H3 H2", silent, free, takes, indicatorOf(orgA, marked(v2Clear, mark(1))), []string{"handling.H2"}},
		{"H13 ACS that denies sharing", silent, free, takes, indicatorOf(orgA, marked(v2Clear, mark(3))), []string{"acs"}},
		{"H16 no consent", defs, free, takes, indicatorOf(orgA, marked(v2Clear)), []string{"attribution.source"}},
		{"echo of C's own", silent, free, takes, indicatorOf(orgC, marked(v2Clear)), []string{"echo", "onward.hops"}},
		{"use in court, for who does not read it", silent, free, func(a *Agreement, f *FlowTerms) { takes(a, f); a.Parties.B.Understands = []string{"tlp2"} },
			indicatorOf(orgA, marked(v2Clear, mark(4))), []string{"label.not-understood"}},
		{"an extension that every file may have", silent, free, func(a *Agreement, f *FlowTerms) { takes(a, f); f.Extensions.Allow = nil },
			sco("file", `,"name":"a","extensions":{"pdf-ext":{"version":"1.7"}}`+marked(v2Clear)), nil},
		{"the same beside one that the agreement names", silent, free, func(a *Agreement, f *FlowTerms) { takes(a, f); f.Extensions.Allow = []string{"x"} },
			sco("file", `,"name":"a","extensions":{"pdf-ext":{"version":"1.7"},"x":{}}`+marked(v2Clear)), nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p := passOn(t, tc.defs, tc.in, tc.out)
			a := arrival(t, tc.raw)
			h, refusal := p.receiver.Receive(a)
			if refusal != nil {
				t.Fatalf("refused: %+v", refusal.Reasons)
			}
			d := p.out.Decide(h.Label, &Traits{Header: &a.Object.Header, Content: a.Content, Granular: h.Granular}, noon, true)
			if got := rulesOf(d, Withhold); !slices.Equal(got, tc.rules) {
				t.Errorf("withheld by %q, want %q", got, tc.rules)
			}
		})
	}
}

// TestUseInCourt: a marking that asks for consent makes that a duty.
func TestUseInCourt(t *testing.T) {
	f := flowOf(t, func(_ *Agreement, f *FlowTerms) { f.Actions.JudicialUse = "permit" })
	for judicial, want := range map[string]string{"": "may", "permit": "may", "consent": "consent", "must-not": "must-not"} {
		l := plain(LevelClear)
		l.Judicial = judicial
		if d := f.Decide(&l, nil, noon, true); !slices.Contains(d.Obligations, Obligation{Name: "judicial-use", Arg: want}) {
			t.Errorf("%q: obligations %v", judicial, d.Obligations)
		}
	}
}

// TestNoPurpose: terms of a flow that allows no purpose allow none, and not any.
func TestNoPurpose(t *testing.T) {
	f := flowOf(t, func(a *Agreement, _ *FlowTerms) { a.Purposes.Deny = []string{"crime-prevention"} })
	if got := f.Onward().Purposes; len(got) == 0 || slices.Contains(got, "crime-prevention") {
		t.Errorf("purposes %q", got)
	}
}

// TestFloor: what other copies make of one counts for policy.
func TestFloor(t *testing.T) {
	f := flowOf(t, func(_ *Agreement, f *FlowTerms) { f.TLP.Max = "GREEN" })
	l := plain(LevelClear)
	l.Floor = LevelAmber
	if d := f.Decide(&l, nil, noon, true); !slices.Contains(rulesOf(d, Withhold), "tlp.max") {
		t.Errorf("withheld by %q", rulesOf(d, Withhold))
	}
}

// TestAgainKeeps: what an agreement once put on an object stays when it is looked
// at again, whatever the agreement says then.
func TestAgainKeeps(t *testing.T) {
	defs := defined(nil)
	r := fromA(t, defs, func(_ *Agreement, f *FlowTerms) {
		takeAll(nil, f)
		f.PAP.Default, f.Embargo.Until, f.TLP.Community = "GREEN", "2026-06-01T00:00:00Z", "k1"
	})
	a := arrival(t, indicatorOf(orgA, marked(mark(1))))
	h, _ := r.Receive(a)
	maps.Copy(defs.markings, defined(map[string]string{mark(1): copyright}).markings)
	s, err := Compile(orgB, []*Agreement{ordinary(func(a *Agreement, f *FlowTerms) { takeAll(a, f); a.Status, a.Revision = Terminated, 8 })})
	if err != nil {
		t.Fatal(err)
	}
	h, refusal := s.Receiver(Source{From: orgA, Flows: s.Flows(), Definitions: defs}).Again(a, h.Label)
	if refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	l := h.Label
	if l.PAP != LevelGreen || l.Embargo != instant(t, "2026-06-01T00:00:00Z") || l.Default != LevelAmberStrict || l.Revision != 7 || len(l.Terms) != 1 || l.Hops != 1 ||
		!l.Originator || !slices.Equal(l.Communities, []string{"k1"}) || len(l.Faults) > 0 {
		t.Errorf("label %+v", *l)
	}
}

// TestDefaultPAP: only a default that the document states counts as PAP of what
// comes.
func TestDefaultPAP(t *testing.T) {
	for _, stated := range []bool{true, false} {
		r := fromA(t, nil, func(a *Agreement, f *FlowTerms) {
			f.PAP.Default = "AMBER"
			a.source = &source{positions: map[string]Position{}}
			if stated {
				a.source.positions["flows[0].pap.default"] = Position{Line: 1}
			}
		})
		h, refusal := r.Receive(arrival(t, indicatorOf(orgA, marked(v2Green))))
		if refusal != nil || (h.Label.PAP == LevelAmber) != stated {
			t.Errorf("stated %v: PAP %v, refused %v", stated, h.Label.PAP, refusal)
		}
	}
}

// TestPassOnLaterRevision: what came by two flows is bound by both of them as they are
// now, whichever comes first.
func TestPassOnLaterRevision(t *testing.T) {
	free := func(a *Agreement, f *FlowTerms) {
		hops := 3
		f.Onward = OnwardTerms{Mode: "tlp", MaxHops: &hops}
		a.Flows = append(a.Flows, *f)
		a.Flows[0].Name, a.Flows[0].Onward.Mode = "second", "none"
	}
	out := passOn(t, scope{}, free, nil).out
	under := ordinary(nil).ID
	for _, flows := range [][]string{{"technical"}, {"technical", "second"}, {"second", "technical"}} {
		l := relayedLabel(LevelClear, 2)
		l.From, l.Creator, l.Under = orgA, orgA, under
		for _, name := range flows {
			l.Terms = append(l.Terms, Terms{By: orgA, Under: under, Flow: name, Revision: 6, Mode: "tlp", MaxHops: 3})
		}
		d := out.Decide(&l, &Traits{Header: &stix.Header{ID: object, Type: l.Type}, Content: &stix.Content{}}, noon, true)
		if got, want := slices.Contains(rulesOf(d, Withhold), "onward.none"), len(flows) > 1; got != want {
			t.Errorf("by %q: withheld %v, want %v\n%s", flows, got, want, d.Explain())
		}
	}
}
