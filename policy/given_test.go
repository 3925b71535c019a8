package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestRunTests: tests of an agreement pass, and fail, for the reasons they give (J6).
func TestRunTests(t *testing.T) {
	a := ordinary(func(a *Agreement, f *FlowTerms) {
		a.Status = Draft // tests run before an agreement is in force
		f.TLP.Max, f.Onward.Mode = "AMBER", "clients"
		hops := 2
		f.Onward.MaxHops = &hops
		f.Handling.Accept = []string{"H0", "H2"}
	})
	permit, withhold := Expect{Effect: "permit"}, Expect{Effect: "withhold"}
	for _, tc := range []struct {
		name   string
		given  Given
		expect Expect
		wrong  string // part of the result's text; "" if the test passes
	}{
		{"ordinary", Given{}, permit, ""},
		{"obligation", Given{Flow: "technical"}, Expect{Effect: "permit", Obligations: []string{"purpose:crime-prevention", "encrypt-in-transit"}}, ""},
		{"ceiling", Given{TLP: "AMBER+STRICT"}, Expect{Effect: "withhold", Reason: "tlp.max"}, ""},
		{"public", Given{Kind: "public", TLP: "GREEN"}, Expect{Effect: "withhold", Reason: "tlp.audience"}, ""},
		{"client", Given{Kind: "client", TLP: "AMBER", Hop: 2}, permit, ""},
		{"partner beyond", Given{Kind: "partner", TLP: "CLEAR", Hop: 2}, Expect{Effect: "withhold", Reason: "onward.clients"}, ""},
		{"third hop", Given{Kind: "client", TLP: "CLEAR", Hop: 3}, Expect{Effect: "withhold", Reason: "onward.hops"}, ""},
		{"never arrived", Given{TLP: "AMBER+STRICT", Kind: "org", Hop: 2}, Expect{Effect: "withhold", Reason: "tlp.max"}, ""},
		{"personal", Given{PD: "indirect"}, Expect{Effect: "withhold", Reason: "pd.indirect"}, ""},
		{"H2 here", Given{Handling: "H2"}, permit, ""},
		{"H2 beyond", Given{Handling: "H2", Kind: "client", Hop: 2}, Expect{Effect: "withhold", Reason: "handling.H2"}, ""},
		{"H2 with consent", Given{Handling: "H2", Kind: "client", Hop: 2, Consent: true}, permit, ""},
		{"embargo", Given{Embargo: true}, Expect{Effect: "withhold", Reason: "embargo"}, ""},
		{"echo", Given{Kind: "origin"}, Expect{Effect: "withhold", Reason: "echo"}, ""},

		{"other effect", Given{TLP: "RED"}, permit, "withhold, want permit (tlp.max, tlp.audience"},
		{"other rule", Given{TLP: "AMBER+STRICT"}, Expect{Effect: "withhold", Reason: "echo"}, "by other rules than echo (tlp.max)"},
		{"no obligation", Given{}, Expect{Effect: "permit", Obligations: []string{"route:national-unit"}}, "route:national-unit is missing"},
		{"no flow", Given{Flow: "nonsense"}, withhold, `no flow is called "nonsense"`},
		{"no level", Given{TLP: "PINK"}, withhold, "level"},
		{"no kind", Given{Kind: "friend"}, withhold, "kind"},
		{"no class", Given{PD: "secret"}, withhold, "class"},
		{"no code", Given{Handling: "H8"}, withhold, "code"},
	} {
		a.Tests = []Test{{Name: tc.name, Given: tc.given, Expect: tc.expect}}
		s, err := Compile(orgA, []*Agreement{a})
		if err != nil {
			t.Fatal(err)
		}
		got := s.RunTests(a)
		if len(got) != 1 || (got[0].Text == "") != (tc.wrong == "") || !strings.Contains(got[0].Text, tc.wrong) {
			t.Errorf("%s: %q, want %q", tc.name, got[0].Text, tc.wrong)
		}
	}
	a.Tests = []Test{{Name: "all flows", Expect: permit}}
	a.Flows = append(a.Flows, a.Flows[0])
	s, err := Compile(orgA, []*Agreement{a})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.RunTests(a); len(got) != 2 {
		t.Errorf("a test that names no flow ran %d times, want 2", len(got))
	}
}

// TestDifferences: what a revision changes is found, and in which direction (J10).
func TestDifferences(t *testing.T) {
	before := flowOf(t, func(a *Agreement, f *FlowTerms) { f.TLP.Max = "AMBER" })
	looser := flowOf(t, func(a *Agreement, f *FlowTerms) {
		f.Onward.Mode = "clients"
		hops := 2
		f.Onward.MaxHops = &hops
		f.TLP.Max = "AMBER"
	})
	if got := Differences(before, before); len(got) != 0 {
		t.Errorf("the same revision differs: %v", got)
	}
	changes := Differences(before, looser)
	if len(changes) == 0 {
		t.Fatal("no change was found")
	}
	for _, c := range changes {
		if !c.Loosened() || c.Given.Hop != 2 || c.Given.Kind != "client" && c.Given.Kind != "named" || c.Given.Consent {
			t.Errorf("%+v: %s became %s", c.Given, c.Was, c.Now)
		}
	}
	for _, c := range Differences(looser, before) {
		if c.Loosened() {
			t.Errorf("the way back loosens %+v", c.Given)
		}
	}
	total := 0
	before.Enumerate(func(_ Given, d Decision) bool {
		if d.Effect > Withhold {
			total++
		}
		return true
	})
	if got := Differences(before, nil); total == 0 || len(got) != total {
		t.Errorf("a flow that went away changes %d points of %d", len(got), total)
	}
	n := 0
	before.Enumerate(func(Given, Decision) bool { n++; return true })
	if n != 11_000 {
		t.Errorf("the domain has %d points", n)
	}
	before.Enumerate(func(Given, Decision) bool { n++; return false })
	if n != 11_001 {
		t.Error("Enumerate does not stop")
	}
}

// TestOnward: terms that travel bind the next holder as the agreement says.
func TestOnward(t *testing.T) {
	hops, depth := 3, 2
	f := flowOf(t, func(a *Agreement, f *FlowTerms) {
		f.Onward = OnwardTerms{Mode: "community", MaxHops: &hops}
		f.TLP.Community, f.TLP.AmberClientDepth, f.TLP.Floor = "community--k1", &depth, "GREEN"
		f.Attribution.Source, f.Retention.Max = "anonymise", "P1Y"
	})
	text, err := json.Marshal(f.Onward())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"by":"identity--aaaaaaaa-0000-4000-8000-000000000001","under":"mou--11111111-1111-4111-8111-111111111111","revision":7,"flow":"technical",` +
		`"mode":"community","max_hops":3,"communities":["community--k1"],"floor":"GREEN","client_depth":2,"anonymous":true,"purposes":["crime-prevention"],"encrypt":true,"retention":"P1Y"}`
	if string(text) != want {
		t.Errorf("Onward = %s, want %s", text, want)
	}
}

// TestPanicWithholds: Best is the last resort of a decision that fails.
func TestPanicWithholds(t *testing.T) {
	broken := *flowOf(t, nil)
	broken.calendar = nil
	l := plain(LevelClear)
	d, f, h := Best([]*Flow{&broken}, []Label{l}, nil, noon, true)
	if d.Effect != Withhold || f != nil || h != -1 || !slices.Contains(rulesOf(d, Withhold), "error") {
		t.Errorf("Best = %+v, %v, %d", d, f, h)
	}
	good := flowOf(t, nil)
	if d, f, _ := Best([]*Flow{&broken, good}, []Label{l}, nil, noon, false); d.Effect != Permit || f != good {
		t.Errorf("the other flow came to %s", d.Effect)
	}
	if d, _, h := Best(nil, []Label{l}, nil, noon, false); d.Effect != Withhold || h != -1 || d.Until != Never {
		t.Errorf("no flows: %+v", d)
	}
	if _, err := good.Try(Given{TLP: "PINK"}, false); !errors.Is(err, ErrInvalid) {
		t.Errorf("Try = %v", err)
	}
}

// TestBestOfBounds: without an object, what is sure comes first, and a consent is
// needed only if nothing passes without one.
func TestBestOfBounds(t *testing.T) {
	f := flowOf(t, nil)
	free := relayedLabel(LevelClear, 2, Terms{By: orgC, Mode: "tlp", MaxHops: 9})
	bound := relayedLabel(LevelClear, 2, Terms{By: orgC, Mode: "consent", MaxHops: 9})
	free.Originator, bound.Originator = false, true
	for _, tc := range []struct {
		name           string
		holdings       []Label
		holding        int
		per, onConsent bool
	}{
		{"free", []Label{free}, 0, false, false},
		{"bound", []Label{bound}, 0, true, true},
		{"bound and free", []Label{bound, free}, 1, false, false},
		{"free and bound", []Label{free, bound}, 0, false, false},
		{"bound twice", []Label{bound, bound}, 0, true, true},
	} {
		d, _, h := Best([]*Flow{f}, tc.holdings, nil, noon, false)
		if d.Effect != Permit || h != tc.holding || d.PerObject != tc.per || d.OnlyConsent != tc.onConsent {
			t.Errorf("%s: %s by holding %d, per object %v, only with consent %v", tc.name, d.Effect, h, d.PerObject, d.OnlyConsent)
		}
	}
	maybe := relayedLabel(LevelClear, 2, Terms{By: orgC, Mode: "tlp", MaxHops: 9})
	maybe.Lacks = 0 // labels of an object of somebody else's are held against the flow
	for _, holdings := range [][]Label{{maybe, bound}, {bound, maybe}} {
		if d, _, _ := Best([]*Flow{f}, holdings, nil, noon, false); d.OnlyConsent || !d.PerObject {
			t.Errorf("one of two needs no consent: only with consent %v, per object %v", d.OnlyConsent, d.PerObject)
		}
	}
}
