package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"entente/stix"
)

const (
	v1White, v1Green, v1Amber, v1Red = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
		"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
	v2Clear, v2Green, v2Amber = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
		"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	v2Strict, v2Red = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
	octiStrict      = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"
)

// mark is the id of the nth marking of a test.
func mark(n int) string { return fmt.Sprintf("marking-definition--c0000000-0000-4000-8000-%012d", n) }

// scope has definitions and identities by id.
type scope struct {
	markings   map[string]string
	identities map[string][]string
}

func (s scope) Marking(id stix.ID) (string, bool) {
	raw, ok := s.markings[string(id)]
	return raw, ok
}

func (s scope) Identity(id stix.ID) ([]string, bool) {
	labels, ok := s.identities[string(id)]
	return labels, ok
}

// defined is the scope of definitions, given as what follows their id.
func defined(bodies map[string]string) scope {
	s := scope{markings: map[string]string{}}
	for id, body := range bodies {
		s.markings[id] = `{"type":"marking-definition","spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","id":"` + id + `",` + body + `}`
	}
	return s
}

// indicatorOf is an indicator of a creator with more properties.
func indicatorOf(creator OrgID, more string) string {
	by := ""
	if creator != "" {
		by = `"created_by_ref":"` + string(creator) + `",`
	}
	return `{"type":"indicator","spec_version":"2.1","id":"indicator--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968",` + by +
		`"created":"2025-12-01T00:00:00.000Z","modified":"2025-12-01T00:00:00.000Z","pattern_type":"stix",` +
		`"pattern":"[domain-name:value = 'c2.example']","valid_from":"2025-12-01T00:00:00Z"` + more + `}`
}

// marked is the property object_marking_refs.
func marked(ids ...string) string {
	return `,"object_marking_refs":["` + strings.Join(ids, `","`) + `"]`
}

// arrival reads an object, whether or not the scanner accepts it.
func arrival(t testing.TB, raw string) *Arrival {
	t.Helper()
	a := &Arrival{Content: new(stix.Content), Inspector: new(stix.Inspector), At: noon}
	o, err := stix.Parse(raw)
	if err := a.Inspector.Inspect(raw, a.Content); err != nil {
		t.Fatal(err)
	}
	if err != nil { // the scanner is stricter than what is tested here
		in := a.Inspector
		o = stix.Object{Raw: raw, Header: stix.Header{Type: in.String("type"), ID: stix.ID(in.String("id")), CreatedBy: stix.ID(in.String("created_by_ref"))}}
	}
	a.Object = &o
	return a
}

// fromA is a Receiver of what A sends to B under an ordinary agreement.
func fromA(t testing.TB, defs Definitions, change func(a *Agreement, f *FlowTerms)) *Receiver {
	t.Helper()
	s, err := Compile(orgB, []*Agreement{ordinary(change)})
	if err != nil {
		t.Fatal(err)
	}
	return s.Receiver(Source{From: orgA, Flows: s.Flows(), Definitions: defs})
}

// labelOf is the label of what A sends; the agreement takes RED, policies and all
// codes, so that nothing is refused that is about labels.
func labelOf(t testing.TB, defs Definitions, raw string) Holding {
	t.Helper()
	h, refusal := fromA(t, defs, takeAll).Receive(arrival(t, raw))
	if refusal != nil {
		t.Fatalf("refused: %+v", refusal.Reasons)
	}
	return h
}

func takeAll(_ *Agreement, f *FlowTerms) {
	f.TLP.Max, f.TLP.Red, f.IEP.Accept, f.ACS, f.PAP.Max = "RED", "named", true, "evaluate", "RED"
	f.Handling.Accept = []string{"H0", "H1", "H2", "H3"}
	f.Extensions.Allow = []string{"*"}
}

// iep is the body of a definition with an Information Exchange Policy.
func iep(more string) string {
	return `"name":"policy","extensions":{"` + iepExtension + `":{"extension_type":"property-extension","iep_version":2.0` + more + `}}`
}

func handling(body string) string {
	return `"extensions":{"` + string(HandlingExtension) + `":{"extension_type":"property-extension"` + body + `}}`
}

const copyright = `"definition_type":"statement","definition":{"statement":"(c) 2026 A"}`

// TestMarkingLevels has cases A and B of labels, by their names there.
func TestMarkingLevels(t *testing.T) {
	m, n := mark(1), mark(2)
	tests := []struct {
		name     string
		defs     map[string]string
		marks    []string
		level    Level
		editions Editions
		faults   []string
	}{
		{"A1 clear", nil, []string{v2Clear}, LevelClear, TLP2, nil},
		{"A2 red", nil, []string{v2Red}, LevelRed, TLP2, nil},
		{"A5 strict", nil, []string{v2Strict}, LevelAmberStrict, TLP2, nil},
		{"A6 amber of TLP 1", nil, []string{v1Amber}, LevelAmber, TLP1, nil},
		{"A7 white", nil, []string{v1White}, LevelClear, TLP1, nil},
		{"A9 clear and red", nil, []string{v2Clear, v2Red}, LevelRed, TLP2, nil},
		{"A9 red and clear", nil, []string{v2Red, v2Clear}, LevelRed, TLP2, nil},
		{"A9 both editions", nil, []string{v1Green, v2Green}, LevelGreen, TLP1 | TLP2, nil},
		{"A10 OpenCTI's strict, whose body says statement", map[string]string{octiStrict: `"definition_type":"statement","definition":{"statement":"custom"}`},
			[]string{octiStrict}, LevelAmberStrict, TLPOther, nil},
		{"A11 another marking of TLP", map[string]string{m: `"definition_type":"TLP","definition":{"tlp":"red"}`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"A11 as OpenCTI exports it", map[string]string{m: `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition_type":"TLP","x_opencti_definition":"TLP:EX:CHR"`},
			[]string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"A12 an id with a wrong digit", nil, []string{"marking-definition--613f2e26-407d-48c7-9eba-b56c171b6f0c"}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"A17 a statement only", map[string]string{m: copyright}, []string{m}, LevelNone, 0, nil},
		{"A19 a policy of amber", map[string]string{m: iep(`,"tlp":"amber"`)}, []string{m}, LevelAmber, 0, nil},
		{"A19 a policy and a marking", map[string]string{m: iep(`,"tlp":"white"`)}, []string{m, v2Green}, LevelGreen, TLP2, nil},
		{"B1 a definition that says red is clear", map[string]string{v2Red: `"name":"TLP:CLEAR","extensions":{"` + string(stix.TLPExtension) + `":{"tlp_2_0":"clear"}}`}, []string{v2Red}, LevelRed, TLP2, nil},
		{"B4 never received", nil, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B9 marks itself", map[string]string{m: copyright + marked(m)}, []string{m}, LevelUnknown, 0, []string{"marking.cycle"}},
		{"B9 two mark each other", map[string]string{m: copyright + marked(n), n: copyright + marked(m)}, []string{n}, LevelUnknown, 0, []string{"marking.cycle"}},
		{"B10 a marking marked red", map[string]string{m: copyright + marked(v2Red)}, []string{m, v2Green}, LevelRed, TLP2, nil},
		{"B10 a marking with a red part", map[string]string{m: copyright + `,"granular_markings":[{"marking_ref":"` + v2Red + `","selectors":["definition"]}]`}, []string{m}, LevelRed, TLP2, nil},
		{"B10 a marking whose marking is not known", map[string]string{m: copyright + marked(n)}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B11 an unknown extension with a nice name", map[string]string{m: `"name":"TLP:GREEN","extensions":{"extension-definition--aaaaaaaa-0000-4000-8000-00000000000a":{}}`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B11 no content at all", map[string]string{m: `"name":"PUBLIC"`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B11 an unknown type", map[string]string{m: `"definition_type":"nato","definition":{"nato":"restricted"}`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B11 an unknown extension beside a known one", map[string]string{m: copyright + `,"extensions":{"x":{}}`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B12 TLP and a policy in one", map[string]string{m: `"extensions":{"` + string(stix.TLPExtension) + `":{"tlp_2_0":"green"},"` + iepExtension + `":{"iep_version":2}}`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B12 a statement that says TLP", map[string]string{m: `"definition_type":"statement","definition":{"statement":"tlp:green"}`}, []string{m}, LevelUnknown, 0, []string{"marking.unresolved"}},
		{"B14 an id twice", nil, []string{v2Green, v2Green}, LevelGreen, TLP2, nil},
		{"no marking at all", nil, nil, LevelNone, 0, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			more := ""
			if tc.marks != nil {
				more = marked(tc.marks...)
			}
			l := labelOf(t, defined(tc.defs), indicatorOf(orgA, more)).Label
			if l.Level != tc.level || l.Editions != tc.editions || !slices.Equal(l.Faults, tc.faults) {
				t.Errorf("level %v, editions %v, faults %q; want %v, %v, %q", l.Level, l.Editions, l.Faults, tc.level, tc.editions, tc.faults)
			}
			if wantDefault := tc.level == LevelNone || tc.level == LevelUnknown; (l.Default != LevelNone) != wantDefault {
				t.Errorf("default %v beside level %v", l.Default, l.Level)
			}
		})
	}
}

// TestEmptyMarkings is A20: an empty list is a fault, not "unmarked".
func TestEmptyMarkings(t *testing.T) {
	if l := labelOf(t, nil, indicatorOf(orgA, `,"object_marking_refs":[]`)).Label; !slices.Equal(l.Faults, []string{"schema"}) {
		t.Errorf("faults %q", l.Faults)
	}
	a := arrival(t, indicatorOf(orgA, ""))
	a.Content, a.Inspector = nil, nil
	h, _ := fromA(t, nil, takeAll).Receive(a)
	if l := h.Label; !slices.Equal(l.Faults, []string{"schema"}) || l.Personal != Undetermined {
		t.Errorf("without content: faults %q, personal %v", l.Faults, l.Personal)
	}
}

// TestMissing is B4 to B6: what is missing is said, and when it comes from the
// right side, the label is another.
func TestMissing(t *testing.T) {
	defs := defined(nil)
	r := fromA(t, defs, takeAll)
	a := arrival(t, indicatorOf(orgA, marked(mark(2), v2Green, mark(1))))
	h, refusal := r.Receive(a)
	if refusal != nil || !slices.Equal(h.Missing, []stix.ID{stix.ID(mark(1)), stix.ID(mark(2))}) || h.Label.Level != LevelUnknown {
		t.Fatalf("missing %v, level %v, refused %v", h.Missing, h.Label.Level, refusal)
	}
	maps.Copy(defs.markings, defined(map[string]string{mark(1): copyright, mark(2): copyright + marked(mark(3))}).markings)
	r.Forget()
	h, refusal = r.Again(a, h.Label)
	if refusal != nil || !slices.Equal(h.Missing, []stix.ID{stix.ID(mark(3))}) || h.Label.Level != LevelUnknown {
		t.Fatalf("then missing %v, level %v, refused %v", h.Missing, h.Label.Level, refusal)
	}
	maps.Copy(defs.markings, defined(map[string]string{mark(3): copyright}).markings)
	r.Forget()
	h, refusal = r.Again(a, h.Label)
	if refusal != nil || len(h.Missing) > 0 || h.Label.Level != LevelGreen || h.Label.Default != LevelNone || len(h.Label.Faults) > 0 {
		t.Fatalf("at last missing %v, label %+v, refused %v", h.Missing, h.Label, refusal)
	}
	if fresh, _ := r.Receive(a); fmt.Sprint(*fresh.Label) != fmt.Sprint(*h.Label) {
		t.Errorf("looked at again: %+v\nfresh: %+v", *h.Label, *fresh.Label)
	}
}

// TestTakenInDoubt: what would have been refused in the clear stays hidden.
func TestTakenInDoubt(t *testing.T) {
	defs := defined(nil)
	r := fromA(t, defs, func(_ *Agreement, f *FlowTerms) { f.TLP.Max, f.IEP.Accept, f.PAP.Max = "GREEN", true, "RED" })
	a := arrival(t, indicatorOf(orgA, marked(mark(1))))
	h, refusal := r.Receive(a)
	if refusal != nil {
		t.Fatalf("refused: %+v", refusal)
	}
	maps.Copy(defs.markings, defined(map[string]string{mark(1): iep(`,"tlp":"amber"`)}).markings)
	r.Forget()
	for range 2 {
		h, refusal = r.Again(a, h.Label)
		if refusal == nil || refusal.Reasons[0].Rule != "tlp.max" || !slices.Equal(h.Label.Faults, []string{"tlp.max"}) {
			t.Fatalf("refusal %+v, faults %q", refusal, h.Label.Faults)
		}
	}
}
