package policy

import "testing"

func TestRetain(t *testing.T) {
	s, err := Compile(orgB, []*Agreement{ordinary(func(_ *Agreement, f *FlowTerms) { f.Retention.AfterTermination = "P30D" })})
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
		{"after the end of the agreement", Label{From: orgA, Under: under, Terms: []Terms{{Retention: "P3Y"}}}, instant(t, "2027-01-31T00:00:00Z")},
		{"a term that cannot be read", Label{From: orgC, Terms: []Terms{{Retention: "long"}}}, noon},
	} {
		if got := s.Retain(&c.label, noon); got != c.want {
			t.Errorf("%s: Retain = %v, want %v", c.name, got, c.want)
		}
	}
}
