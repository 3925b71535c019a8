package policy

import (
	"encoding/json"
	"strings"
	"testing"
)

// told is a flow of an agreement that cites clauses and stands in a file, and a
// label that it withholds for several reasons.
func told(t testing.TB) (*Flow, Label) {
	f := flowOf(t, func(a *Agreement, f *FlowTerms) {
		f.TLP.Max = "GREEN"
		f.Clauses = map[string]string{"tlp": "Article 4(1)"}
		a.Clauses = map[string]string{"status": "Article 12"}
	})
	f.Agreement.source = &source{file: "ms-ec3.yaml", positions: map[string]Position{"flows[0].tlp.max": {"ms-ec3.yaml", 31, 17}}}
	l := relayedLabel(LevelAmber, 2, Terms{By: orgC, Mode: "none", MaxHops: 1, ClientDepth: 1})
	return f, l
}

func TestExplain(t *testing.T) {
	f, l := told(t)
	d := f.Decide(&l, nil, noon, true)
	const want = `withhold (tlp.max, tlp.audience, onward.none, onward.hops)
may change at 2027-01-01T00:00:00Z
under mou--11111111-1111-4111-8111-111111111111 revision 7, flow technical
    grant              agreement.state: the agreement is active [Article 12, status]
    grant              no-grant: the flow selects objects of type indicator [flows[0].select.types]
  ! ceiling            tlp.max: the object counts as AMBER, and the flow carries up to GREEN [Article 4(1), flows[0].tlp.max, ms-ec3.yaml:31:17]
`
	d = f.decide(&l, nil, noon, question{why: true, consent: noConsent})
	got := d.Explain()
	if !strings.HasPrefix(got, want) {
		t.Errorf("Explain:\n%s\nwant to begin\n%s", got, want)
	}
	for _, line := range []string{
		"  ! audience           tlp.audience: AMBER at hop 2 may not go to a partner [Article 4(1), flows[0].tlp]\n",
		"  ! upstream terms     onward.none: onward: none of " + string(orgC) + ", and the recipient is a partner\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("Explain has no line %q:\n%s", line, got)
		}
	}
	p := plain(LevelGreen)
	d = f.Decide(&p, nil, noon, true)
	if got := d.Explain(); !strings.HasPrefix(got, "permit\n") || !strings.Contains(got, "  the recipient must keep purpose:crime-prevention\n") || !strings.Contains(got, "  this server must keep encrypt-in-transit\n") {
		t.Errorf("Explain:\n%s", got)
	}
}

func TestExplainJSON(t *testing.T) {
	f, l := told(t)
	d := f.Decide(&l, nil, noon, true)
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Effect, Until string
		Obligations   []string
		Reasons       []struct{ Stage, Rule, Effect, Clause, Position string }
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Effect != "withhold" || back.Until != "2027-01-01T00:00:00Z" || back.Obligations == nil || len(back.Reasons) != len(d.Reasons) {
		t.Errorf("%s", text)
	}
	found := false
	for _, r := range back.Reasons {
		found = found || r.Rule == "tlp.max" && r.Effect == "withhold" && r.Clause == "Article 4(1)" && r.Position == "ms-ec3.yaml:31:17" && r.Stage == "ceiling"
	}
	if !found {
		t.Errorf("no reason tlp.max with its clause and place: %s", text)
	}
	if strings.Contains(string(text), `"profile"`) {
		t.Errorf("withheld with a profile: %s", text)
	}
}

// TestReplay: a decision made again, by the same revision compiled anew, is
// the same to the byte (J13).
func TestReplay(t *testing.T) {
	f, l := told(t)
	g, _ := told(t)
	first, err := json.Marshal(f.Decide(&l, nil, noon, true))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := json.Marshal(g.Decide(&l, nil, noon, true))
		if err != nil || string(again) != string(first) {
			t.Fatalf("%v, first %s, then %s", err, first, again)
		}
	}
}
