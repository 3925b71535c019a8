package policy

import "testing"

func TestRetain(t *testing.T) {
	s, err := Compile(orgB, []*Agreement{ordinary(func(a *Agreement, f *FlowTerms) {
		f.Retention.AfterTermination = "P30D"
		brief, out := *f, *f
		brief.Name, brief.Retention.AfterTermination = "brief", "P1D"
		out.Name, out.Direction, out.Retention.AfterTermination = "out", "b->a", "P1Y"
		a.Flows = append(a.Flows, brief, out)
	})})
	if err != nil {
		t.Fatal(err)
	}
	under := s.Flows()[0].Agreement.ID
	for _, c := range []struct {
		name  string
		label Label
		want  Instant
	}{
		{"written here", Label{}, Never},
		{"no term", Label{From: orgC}, Never},
		{"the shortest term", Label{From: orgC, Terms: []Terms{{Retention: "P1Y"}, {Retention: "P30D"}}}, instant(t, "2026-01-31T12:00:00Z")},
		{"after the end of the agreement", Label{From: orgA, Under: under, Terms: []Terms{{Under: under, Flow: "technical", Retention: "P3Y"}}}, instant(t, "2027-01-31T00:00:00Z")},
		{"by the flow that is for a day", Label{From: orgA, Under: under, Terms: []Terms{{Under: under, Flow: "brief"}}}, instant(t, "2027-01-02T00:00:00Z")},
		{"by both flows", Label{From: orgA, Under: under, Terms: []Terms{{Under: under, Flow: "technical"}, {Under: under, Flow: "brief"}}}, instant(t, "2027-01-02T00:00:00Z")},
		{"by a flow that is no more", Label{From: orgA, Under: under, Terms: []Terms{{Under: under, Flow: "old"}}}, instant(t, "2027-01-02T00:00:00Z")},
		{"a term that cannot be read", Label{From: orgC, Terms: []Terms{{Retention: "long"}}}, noon},
	} {
		if got := s.Retain(&c.label, noon); got != c.want {
			t.Errorf("%s: Retain = %v, want %v", c.name, got, c.want)
		}
	}
}
