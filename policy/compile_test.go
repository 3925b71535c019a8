package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCompileFinds(t *testing.T) {
	a := ordinary(nil)
	b := ordinary(func(a *Agreement, f *FlowTerms) {
		a.ID, a.Parties.B.Org = "mou--22222222-2222-4222-8222-222222222222", orgC
		f.Direction, f.Collections = "b->a", []string{"intel", "reports"}
	})
	s, err := Compile(orgA, []*Agreement{b, a})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Partners(); !slices.Equal(got, []OrgID{orgB, orgC}) {
		t.Errorf("Partners = %v", got)
	}
	for _, tc := range []struct {
		name string
		got  []*Flow
		want int
	}{
		{"out by id or alias", s.Out(orgB, "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "intel"), 1},
		{"out, another collection", s.Out(orgB, "reports"), 0},
		{"out, nothing named", s.Out(orgB), 0},
		{"the other way", s.In(orgB, "intel"), 0},
		{"in", s.In(orgC, "reports"), 1},
		{"out to who only sends", s.Out(orgC, "reports"), 0},
		{"nobody", s.In("", "intel"), 0},
		{"all", s.Flows(), 2},
	} {
		if len(tc.got) != tc.want {
			t.Errorf("%s: %d flows, want %d", tc.name, len(tc.got), tc.want)
		}
	}
	if f := s.Flows()[1]; f.Key() != "mou--22222222-2222-4222-8222-222222222222/technical" || f.From != orgC || f.To != orgA {
		t.Errorf("the second flow is %s from %s to %s", f.Key(), f.From, f.To)
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(a *Agreement, f *FlowTerms)
		want   string
	}{
		{"level", func(a *Agreement, f *FlowTerms) { f.TLP.Max = "PINK" }, `flows[0].tlp.max "PINK" is not a level`},
		{"floor", func(a *Agreement, f *FlowTerms) { f.TLP.Floor = "white" }, "flows[0].tlp.floor"},
		{"direction", func(a *Agreement, f *FlowTerms) { f.Direction = "a<->b" }, "flows[0].direction"},
		{"status", func(a *Agreement, f *FlowTerms) { a.Status = "signed" }, `status "signed" is not a status`},
		{"from", func(a *Agreement, f *FlowTerms) { a.Valid.From = "yesterday" }, "valid.from"},
		{"grace", func(a *Agreement, f *FlowTerms) { a.Valid.Grace = "7 days" }, "valid.grace"},
		{"relation", func(a *Agreement, f *FlowTerms) { a.Parties.B.Relation = "friend" }, `parties.b.relation "friend"`},
		{"code", func(a *Agreement, f *FlowTerms) { f.Handling.Accept = []string{"H0", "H7"} }, "flows[0].handling.accept"},
		{"evaluation", func(a *Agreement, f *FlowTerms) { f.Handling.Evaluation.MinSource = "F" }, "min_source"},
		{"expression", func(a *Agreement, f *FlowTerms) { f.Select.Where = "o.secret == 1" }, "flows[0].select.where"},
		{"embargo", func(a *Agreement, f *FlowTerms) { f.Embargo.OnLabels = map[string]string{"op": "soon"} }, "flows[0].embargo.on_labels.op"},
		{"age", func(a *Agreement, f *FlowTerms) { f.Limits.MaxAge = "5Y" }, "flows[0].limits.max_age"},
		{"retroactive", func(a *Agreement, f *FlowTerms) { f.Changes.Retroactive = "since:2020" }, "flows[0].changes.retroactive"},
		{"parties", func(a *Agreement, f *FlowTerms) { a.Parties.A.Org = orgC }, "exactly one of them must be"},
		{"itself", func(a *Agreement, f *FlowTerms) { a.Parties.B.Org = orgA }, "exactly one of them must be"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Compile(orgA, []*Agreement{ordinary(tc.change)})
			if !errors.Is(err, ErrInvalid) || s != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Compile = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestCompileTellsAll(t *testing.T) {
	a := ordinary(func(a *Agreement, f *FlowTerms) { f.TLP.Max, f.Direction = "PINK", "up" })
	a.source = &source{file: "a.yaml", positions: map[string]Position{"flows[0].tlp.max": {"a.yaml", 7, 12}}}
	_, err := Compile(orgA, []*Agreement{a, ordinary(nil)})
	for _, want := range []string{"a.yaml:7:12: flows[0].tlp.max", "flows[0].direction", "is there twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile = %v, want also %q", err, want)
		}
	}
}

func TestRetroactive(t *testing.T) {
	for text, want := range map[string]Instant{"": Never, "none": Never, "all": 0, "from:2026-01-01T12:00:00Z": noon, "from:2026-01-01": noon - 12*3600*1_000_000} {
		f := flowOf(t, func(a *Agreement, f *FlowTerms) { f.Changes.Retroactive = text })
		if got := f.Retroactive(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"*", "anything", true}, {"", "", true}, {"", "a", false},
		{"malicious-*", "malicious-activity", true}, {"malicious-*", "malicious", false}, {"malicious-*", "a malicious-x", false},
		{"*.example", "a.example", true}, {"*.example", "example", false}, {"*.example", "a.example.test", false},
		{"a*b", "ab", true}, {"a*b", "aXb", true}, {"a*b", "aXbY", false}, {"aa*aa", "aaa", false}, {"a*b*c", "a1b2b3c", true}, {"a*b*c", "acb", false},
		{"**", "x", true}, {"country:*", "country:BR", true},
	} {
		if got := glob(tc.pattern, tc.name); got != tc.want {
			t.Errorf("glob(%q, %q) = %v", tc.pattern, tc.name, got)
		}
	}
}

func TestRulesTable(t *testing.T) {
	seen := map[string]bool{}
	last := StageIntegrity
	for i, r := range Rules() {
		if r.Name == "" || seen[r.Name] || !strings.HasSuffix(r.Sentence, ".") {
			t.Errorf("rule %d: %+v", i, r)
		}
		if r.Stage < last {
			t.Errorf("rule %s of stage %s stands after one of %s", r.Name, r.Stage, last)
		}
		seen[r.Name], last = true, r.Stage
	}
	for s := StageIntegrity; s <= StageObligations; s++ {
		if s.String() == "" || s.String() == "unknown" {
			t.Errorf("stage %d has no name", s)
		}
	}
}

func TestReviewOverdue(t *testing.T) {
	f := flowOf(t, func(a *Agreement, f *FlowTerms) {
		a.Valid.ReviewBy, a.Suspension.Triggers = "2026-01-01T12:00:00Z", []string{"review-overdue"}
	})
	if s := f.State(noon - 1); s.Status != Active || s.Until != noon {
		t.Errorf("before: %+v", s)
	}
	if s := f.State(noon); s.Status != Suspended || s.Release || s.Reread || s.Receive != Staged {
		t.Errorf("after: %+v", s)
	}
	careless := flowOf(t, func(a *Agreement, f *FlowTerms) { a.Valid.ReviewBy = "2026-01-01T12:00:00Z" })
	if s := careless.State(noon); s.Status != Active {
		t.Errorf("no trigger: %+v", s)
	}
}

// TestDraftSpeaksForNobody: until an agreement is made, nobody speaks for others by it.
func TestDraftSpeaksForNobody(t *testing.T) {
	for _, status := range []Status{Draft, Active} {
		s, err := Compile(orgA, []*Agreement{ordinary(func(a *Agreement, _ *FlowTerms) {
			a.Status, a.Parties.B.Originates = status, []OrgID{orgB, orgC}
		})})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Speaks(orgB, orgC); got != (status == Active) {
			t.Errorf("%s: speaks %v", status, got)
		}
	}
}
