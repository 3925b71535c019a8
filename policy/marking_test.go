package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/stix"
	"pgregory.net/rapid"
)

// saysOf is what a definition says, as JSON of the part of a label; "unresolved" if
// it cannot be read.
func saysOf(t *testing.T, bodies ...string) string {
	t.Helper()
	defs, ids := map[string]string{}, []stix.ID{}
	for i, body := range bodies {
		defs[mark(i)] = body
		ids = append(ids, stix.ID(mark(i)))
	}
	p := prospect{labelKey: labelKey{own: newResolver(defined(defs)).all(ids), parts: nothing}}
	var l Label
	p.says(&l)
	l.Personal = p.own.personal
	if slices.Contains(l.Faults, "marking.unresolved") {
		return "unresolved"
	}
	text, err := json.Marshal(&l)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(text), `{"type":"","level":`), "}")
}

func TestReadHandling(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"H3, H4: codes", handling(`,"handling":["H2","H1","H2"]`), `"","handling":["H1","H2"],"coded":true`},
		{"H0 is not coded", handling(`,"handling":["H0"]`), `"","handling":["H0"]`},
		{"evaluation", handling(`,"source_evaluation":"B","information_evaluation":"2"`), `"","source":"B","information":"2"`},
		{"H8: grades of another scale", handling(`,"source_evaluation":"F"`), "unresolved"},
		{"H8: numbers are text", handling(`,"information_evaluation":2`), "unresolved"},
		{"purposes", handling(`,"purposes":["b","a"]`), `"","purposes":["a","b"],"coded":true`},
		{"no purpose", handling(`,"purposes":[]`), `"","purposes":[""],"coded":true`},
		{"use in court", handling(`,"judicial_use":"consent"`), `"","judicial":"consent","coded":true`},
		{"any use in court", handling(`,"judicial_use":"permit"`), `"","judicial":"permit"`},
		{"PAP", handling(`,"pap":"AMBER"`), `"","pap":"AMBER","coded":true`},
		{"white PAP", handling(`,"pap":"white"`), `"","pap":"CLEAR"`},
		{"embargo", handling(`,"embargo_until":"2026-03-01T00:00:00Z"`), `"","coded":true,"embargo":"2026-03-01T00:00:00Z"`},
		{"no embargo", handling(`,"embargo_until":null`), `""`},
		{"a contact", handling(`,"consent_contact_ref":"` + string(orgA) + `"`), `""`},
		{"an unknown code", handling(`,"handling":["H7"]`), "unresolved"},
		{"a code that is no list", handling(`,"handling":"H2"`), "unresolved"},
		{"codes null", handling(`,"handling":null`), "unresolved"},
		{"a PAP that there is not", handling(`,"pap":"AMBER+STRICT"`), "unresolved"},
		{"an embargo without a date", handling(`,"embargo_until":"soon"`), "unresolved"},
		{"an unknown property", handling(`,"onward":"none"`), "unresolved"},
		{"a property in capitals", handling(`,"Handling":["H2"]`), "unresolved"},
		{"no object", `"extensions":{"` + string(HandlingExtension) + `":"H2"}`, "unresolved"},
		{"another kind of extension", `"extensions":{"` + string(HandlingExtension) + `":{"extension_type":"new-sdo"}}`, "unresolved"},
	}
	for _, tc := range tests {
		if got := saysOf(t, tc.body); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestReadIEP(t *testing.T) {
	const none = `"iep":{"end":"never","encrypt":true}`
	tests := []struct{ name, body, want string }{
		{"nothing but a version", iep(``), `"",` + none},
		{"H9: no actions", iep(`,"permitted_actions":"none"`), `"","iep":{"end":"never","encrypt":true,"actions":"none"}`},
		{"H10: may be in the clear", iep(`,"encrypt_in_transit":"may"`), `"","iep":{"end":"never"}`},
		{"H11: no resale", iep(`,"unmodified_resale":"must-not"`), `"","iep":{"end":"never","encrypt":true,"resale":"must-not"}`},
		{"C7: a window", iep(`,"start_date":"2026-01-02T00:00:00Z","end_date":"2026-02-01T00:00:00Z"`),
			`"","iep":{"start":"2026-01-02T00:00:00Z","end":"2026-02-01T00:00:00Z","encrypt":true}`},
		{"no end", iep(`,"end_date":null`), `"",` + none},
		{"attribution", iep(`,"provider_attribution":"must-not","affected_party_notifications":"may"`),
			`"","iep":{"end":"never","encrypt":true,"notify":"may","attribution":"must-not"}`},
		{"attribution as FIRST writes it", iep(`,"attribution":"must"`), `"","iep":{"end":"never","encrypt":true,"attribution":"must"}`},
		{"attribution, two ways", iep(`,"attribution":"must","provider_attribution":"must-not"`), "unresolved"},
		{"text", iep(`,"description":"d","iep_id":"0224bfdf-ea3a-49c3-96f6-66d908bb1845","external_references":[]`), `"",` + none},
		{"white", iep(`,"tlp":"white"`), `"CLEAR",` + none},
		{"no such level", iep(`,"tlp":"blue"`), "unresolved"},
		{"no such action", iep(`,"permitted_actions":"some"`), "unresolved"},
		{"an empty action", iep(`,"permitted_actions":""`), "unresolved"},
		{"an unknown property", iep(`,"encrypt_at_rest":"must"`), "unresolved"},
		{"a level by reference", iep(`,"tlp_ref":"` + v2Green + `"`), "unresolved"},
		{"version 1", strings.Replace(iep(``), "2.0", "1.0", 1), "unresolved"},
		{"no version", strings.Replace(iep(``), `"iep_version":2.0`, `"name":"x"`, 1), "unresolved"},
		{"a reference to a policy elsewhere", strings.Replace(iep(``), `"iep_version":2.0`, `"iep_version":2.0,"id_ref":"x","url":"https://a.example"`, 1), "unresolved"},
	}
	for _, tc := range tests {
		if got := saysOf(t, tc.body); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestReadACS(t *testing.T) {
	const permits = "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit"
	const denies = "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny"
	acs := func(reference, more string) string {
		return `"extensions":{"` + acsExtension + `":{"extension_type":"property-extension","identifier":"isa:guide.1","policy_reference":"` + reference + `"` + more + `}}`
	}
	tests := []struct{ name, body, want string }{
		{"permits all", acs(permits, ``), `"","acs":{"permit":true,"onward":true}`},
		{"H13: denies all", acs(denies, ``), `"","acs":{"anonymise":true}`},
		{"no defaults", acs("urn:isa:policy", ``), `"","acs":{"anonymise":true}`},
		{"a rule permits to see", acs(denies, `,"access_privilege":[{"privilege_action":"DSPLY","privilege_scope":{"permitted_organizations":["ALL"]},"rule_effect":"permit"}]`),
			`"","acs":{"permit":true,"anonymise":true}`},
		{"a rule permits a few", acs(denies, `,"access_privilege":[{"privilege_action":"ALL","privilege_scope":{"permitted_organizations":["B","A"],"permitted_nationalities":["USA"]},"rule_effect":"permit"}]`),
			`"","acs":{"permit":true,"organizations":["A","B"],"nationalities":["USA"]}`},
		{"a rule denies", acs(permits, `,"access_privilege":[{"privilege_action":"DSPLY","rule_effect":"deny"}]`), `"","acs":{"onward":true}`},
		{"the source is not to be named", acs(permits, `,"access_privilege":[{"privilege_action":"IDSRC","rule_effect":"deny"}]`), `"","acs":{"permit":true,"onward":true,"anonymise":true}`},
		{"a use is denied", acs(permits, `,"access_privilege":[{"privilege_action":"LEGAL","rule_effect":"deny"}]`), `"","acs":{"onward":true}`},
		{"only a use is permitted", acs(denies, `,"access_privilege":[{"privilege_action":"CISAUSES","rule_effect":"permit"}]`), `"","acs":{"anonymise":true}`},
		{"for kinds of organisations", acs(permits, `,"control_set":{"classification":"U","entity":["GOV"]}`), `"","acs":{"onward":true}`},
		{"secret", acs(permits, `,"control_set":{"classification":"S"}`), `"","acs":{"onward":true}`},
		{"to be disposed of", acs(permits, `,"resource_disposition":{"disposition_date":"2026-01-01"}`), `"","acs":{"onward":true}`},
		{"H14: not for foreigners", acs(permits, `,"control_set":{"caveat":["NF"]}`), `"","acs":{"permit":true,"onward":true,"nationalities":["USA"]}`},
		{"persons", acs(permits, `,"control_set":{"sensitivity":["PII"]}`), `"","acs":{"permit":true,"onward":true},"personal":8`},
		{"sharing denied to some", acs(permits, `,"further_sharing":[{"sharing_scope":["SECTOR"],"rule_effect":"deny"}]`), `"","acs":{"permit":true}`},
		{"sharing permitted to all", acs(denies, `,"further_sharing":[{"sharing_scope":["ALL"],"rule_effect":"permit"}]`), `"","acs":{"onward":true,"anonymise":true}`},
		{"sharing permitted to some", acs(denies, `,"further_sharing":[{"sharing_scope":["SECTOR"],"rule_effect":"permit"}]`), `"","acs":{"anonymise":true}`},
		{"H15: released to the public", acs(permits, `,"public_release":{"released_by":"x"},"control_set":{"formal_determination":["PUBREL"]}`), `"","acs":{"permit":true,"onward":true}`},
		{"a control that is not known", acs(permits, `,"control_set":{"sci_controls":["X"]}`), `"","acs":{"onward":true}`},
		{"a caveat that is not known", acs(permits, `,"control_set":{"caveat":["ORCON"]}`), `"","acs":{"onward":true}`},
		{"a member of a rule in other letters", acs(permits, `,"access_privilege":[{"privilege_action":"DSPLY","rule_effect":"deny","Rule_Effect":"permit"}]`), "unresolved"},
		{"an unknown member of a scope", acs(denies, `,"access_privilege":[{"privilege_action":"ALL","rule_effect":"permit","privilege_scope":{"permitted_sectors":["X"]}}]`), "unresolved"},
		{"an unknown member of a sharing rule", acs(denies, `,"further_sharing":[{"sharing_scope":["ALL"],"rule_effect":"permit","until":"x"}]`), "unresolved"},
		{"rules that are no list", acs(permits, `,"access_privilege":{}`), "unresolved"},
		{"a set that is no object", acs(permits, `,"control_set":[]`), "unresolved"},
		{"an unknown property", acs(permits, `,"secret":1`), "unresolved"},
		{"CUI", `"extensions":{"` + cuiExtension + `":{}}`, `"","acs":{"cui":true}`},
	}
	for _, tc := range tests {
		if got := saysOf(t, tc.body); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestReadPAP(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"by its type", `"definition_type":"pap","definition":{"pap":"red"}`, `"","pap":"RED"`},
		{"by its name", `"definition_type":"PAP","name":"PAP:AMBER"`, `"","pap":"AMBER"`},
		{"as OpenCTI exports it", `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition_type":"PAP","x_opencti_definition":"PAP:GREEN"`, `"","pap":"GREEN"`},
		{"as a statement", `"definition_type":"statement","definition":{"statement":"PAP:RED"}`, `"","pap":"RED","statements":["` + mark(0) + `"]`},
		{"no such level", `"definition_type":"pap","definition":{"pap":"blue"}`, "unresolved"},
		{"no level", `"definition_type":"pap"`, "unresolved"},
		{"another type of OpenCTI", `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition_type":"NATO","x_opencti_definition":"NATO:SECRET"`, "unresolved"},
		{"a statement of OpenCTI", `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition_type":"statement","x_opencti_definition":"(c)"`, `"","statements":["` + mark(0) + `"]`},
		{"an empty statement", `"definition_type":"statement","definition":{"statement":""}`, "unresolved"},
		{"a statement that is no text", `"definition_type":"statement","definition":{"statement":{}}`, "unresolved"},
	}
	for _, tc := range tests {
		if got := saysOf(t, tc.body); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestJoin: of two markings the stricter counts, in each dimension.
func TestJoin(t *testing.T) {
	tests := []struct{ name, a, b, want string }{
		{"codes unite", handling(`,"handling":["H0"]`), handling(`,"handling":["H2"]`), `"","handling":["H0","H2"],"coded":true`},
		{"the worse evaluation", handling(`,"source_evaluation":"C","information_evaluation":"1"`), handling(`,"source_evaluation":"A","information_evaluation":"3"`), `"","source":"C","information":"3"`},
		{"the stricter PAP", handling(`,"pap":"GREEN"`), handling(`,"pap":"AMBER"`), `"","pap":"AMBER","coded":true`},
		{"common purposes", handling(`,"purposes":["a","b"]`), handling(`,"purposes":["b","c"]`), `"","purposes":["b"],"coded":true`},
		{"no common purpose", handling(`,"purposes":["a"]`), handling(`,"purposes":["c"]`), `"","purposes":[""],"coded":true`},
		{"the later embargo", handling(`,"embargo_until":"2026-03-01T00:00:00Z"`), handling(`,"embargo_until":"2026-02-01T00:00:00Z"`), `"","coded":true,"embargo":"2026-03-01T00:00:00Z"`},
		{"the stricter use in court", handling(`,"judicial_use":"must-not"`), handling(`,"judicial_use":"consent"`), `"","judicial":"must-not","coded":true`},
		{"the common window", iep(`,"start_date":"2026-01-01T00:00:00Z","end_date":"2026-03-01T00:00:00Z"`), iep(`,"start_date":"2026-02-01T00:00:00Z"`),
			`"","iep":{"start":"2026-02-01T00:00:00Z","end":"2026-03-01T00:00:00Z","encrypt":true}`},
		{"the stricter actions", iep(`,"permitted_actions":"none","encrypt_in_transit":"may"`), iep(`,"encrypt_in_transit":"may"`), `"","iep":{"end":"never","actions":"none"}`},
		{"absent actions are stricter than some", iep(`,"permitted_actions":"externally-visible-direct-actions"`), iep(``), `"","iep":{"end":"never","encrypt":true}`},
		{"resale", iep(`,"unmodified_resale":"may"`), iep(`,"unmodified_resale":"must-not"`), `"","iep":{"end":"never","encrypt":true,"resale":"must-not"}`},
		{"attribution", iep(`,"attribution":"may"`), iep(`,"attribution":"must"`), `"","iep":{"end":"never","encrypt":true,"attribution":"must"}`},
		{"contradicting attribution", iep(`,"attribution":"must-not"`), iep(`,"attribution":"must"`),
			`"","faults":["attribution.conflict"],"iep":{"end":"never","encrypt":true,"attribution":"conflict"}`},
		{"statements", copyright, copyright, `"","statements":["` + mark(0) + `","` + mark(1) + `"]`},
		{"a policy and codes", iep(``), handling(`,"handling":["H1"]`), `"","handling":["H1"],"iep":{"end":"never","encrypt":true},"coded":true`},
		{"both in one definition", strings.TrimSuffix(iep(``), "}") + `,"` + string(HandlingExtension) + `":{"handling":["H1"]}}`, copyright,
			`"","handling":["H1"],"iep":{"end":"never","encrypt":true},"statements":["` + mark(1) + `"],"coded":true`},
	}
	for _, tc := range tests {
		if got := saysOf(t, tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestGranularParts: parts have levels of their own; everything else that their
// markings say counts for the whole (D6, D7, D14).
func TestGranularParts(t *testing.T) {
	defs := defined(map[string]string{mark(1): iep(`,"tlp":"red"`), mark(2): handling(`,"handling":["H1"]`)})
	h := labelOf(t, defs, indicatorOf(orgA, marked(v2Green)+`,"name":"n","granular_markings":[{"marking_ref":"`+v1Amber+`","selectors":["name","pattern"]},`+
		`{"lang":"de","selectors":["name"]},{"marking_ref":"`+mark(1)+`","selectors":["name"]},{"marking_ref":"`+mark(2)+`","selectors":["name"]}]`))
	l := h.Label
	if l.Level != LevelGreen || l.Granular != LevelRed || l.Editions != TLP1|TLP2 || l.IEP == nil || !slices.Equal(l.Handling, []string{"H1"}) || l.Default != LevelNone {
		t.Errorf("label %+v", l)
	}
	if got := fmt.Sprint(h.Granular); got != "[{AMBER [name pattern]} {RED [name]} { [name]}]" {
		t.Errorf("parts %s", got)
	}
	h = labelOf(t, defs, indicatorOf(orgA, `,"name":"n","granular_markings":[{"marking_ref":"`+mark(9)+`","selectors":["name"]}]`))
	if l := h.Label; l.Level != LevelNone || l.Granular != LevelUnknown || !slices.Equal(l.Faults, []string{"marking.unresolved"}) || l.Default != LevelAmberStrict || len(h.Missing) != 1 {
		t.Errorf("label %+v, missing %v", l, h.Missing)
	}
}

// TestOtherText: what a scope gives for an id must have that id.
func TestOtherText(t *testing.T) {
	defs := scope{markings: map[string]string{mark(1): defined(map[string]string{mark(2): copyright}).markings[mark(2)]}}
	if m := newResolver(defs).one(stix.ID(mark(1))); m.level != LevelUnknown {
		t.Errorf("level %v", m.level)
	}
}

// TestManyMarkings: a label stays small whatever is marked with what, a long chain
// is followed to its end, and neither takes long.
func TestManyMarkings(t *testing.T) {
	bodies := map[string]string{}
	const n = 20_000
	for i := range n {
		bodies[mark(i)] = iep("")
		if i+1 < n {
			bodies[mark(i)] += marked(mark(i + 1))
		}
	}
	bodies[mark(n-1)] += marked(v2Red)
	r := newResolver(defined(bodies))
	if m := r.one(stix.ID(mark(0))); m.level != LevelRed || len(m.faults) > 0 {
		t.Errorf("a chain of %d: level %v, faults %q", n, m.level, m.faults)
	}
	var ids []stix.ID
	for i := range 300 {
		ids = append(ids, stix.ID(mark(n+i)))
	}
	if m := r.all(ids); len(m.missing) != maxMarkings || m.level != LevelUnknown {
		t.Errorf("%d missing, level %v", len(m.missing), m.level)
	}
	for i := range 300 {
		bodies[mark(n+i)] = copyright
	}
	r = newResolver(defined(bodies))
	if m := r.all(ids); len(m.statements) != maxMarkings || m.level != LevelUnknown || !slices.Equal(m.faults, []string{"marking.unresolved"}) {
		t.Errorf("%d statements, level %v, faults %q", len(m.statements), m.level, m.faults)
	}
}

// TestJoinLaws: joining markings depends neither on their order nor on repeats,
// and never loosens.
func TestJoinLaws(t *testing.T) {
	any := rapid.Custom(func(t *rapid.T) *marking {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
		level := func(name string) Level { return Level(rapid.IntRange(0, int(LevelUnknown)).Draw(t, name)) }
		m := &marking{level: level("level"), pap: level("pap"), source: pick("source", "", "A", "X"), embargo: Instant(rapid.IntRange(0, 2).Draw(t, "embargo"))}
		m.judicial = pick("judicial", "", "permit", "consent", "must-not")
		m.purposes = [][]string{nil, {"a"}, {"a", "b"}, {"b"}, noPurpose}[rapid.IntRange(0, 4).Draw(t, "purposes")]
		if rapid.Bool().Draw(t, "iep") {
			m.iep = &IEP{End: Never - Instant(rapid.IntRange(0, 1).Draw(t, "end")), Actions: pick("actions", append(actions, "")...),
				Notify: pick("notify", "", "may", "must-not"), Attribution: pick("attribution", "", "may", "must", "must-not")}
		}
		if rapid.Bool().Draw(t, "acs") {
			m.acs = &ACS{Permit: rapid.Bool().Draw(t, "permit"), Organizations: [][]string{nil, {"A"}, {"A", "B"}, nobody}[rapid.IntRange(0, 3).Draw(t, "orgs")]}
		}
		return m
	})
	text := func(m *marking) string {
		p := prospect{labelKey: labelKey{own: m, parts: nothing}}
		var l Label
		p.says(&l)
		b, err := l.Canonical()
		if err != nil {
			return err.Error()
		}
		s := string(b)
		for _, same := range []string{`"notify":"must-not",`, `,"notify":"must-not"`} { // absent means the same
			s = strings.ReplaceAll(s, same, "")
		}
		for _, same := range []string{`,"judicial":"permit"`} { // says nothing
			s = strings.ReplaceAll(s, same, "")
		}
		return s
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := any.Draw(t, "a"), any.Draw(t, "b"), any.Draw(t, "c")
		if x, y := text(a.join(b)), text(b.join(a)); x != y {
			t.Errorf("a and b: %s\nb and a: %s", x, y)
		}
		if x, y := text(a.join(b).join(c)), text(a.join(b.join(c))); x != y {
			t.Errorf("(a and b) and c: %s\na and (b and c): %s", x, y)
		}
		if x, y := text(a.join(b).join(b)), text(a.join(b)); x != y {
			t.Errorf("b twice: %s\nonce: %s", x, y)
		}
	})
}

// TestCanonical: a label survives being written, and nothing else is read.
func TestCanonical(t *testing.T) {
	h := labelOf(t, defined(map[string]string{mark(1): iep(`,"tlp":"amber"`), mark(2): handling(`,"handling":["H1"],"embargo_until":"2026-03-01T00:00:00Z"`)}),
		indicatorOf(orgC, marked(mark(1), mark(2))+`,"x_a":"a@b.example","labels":["a"]`))
	text, err := h.Label.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseLabel(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := l.Canonical(); string(again) != string(text) {
		t.Errorf("%s\nthen %s", text, again)
	}
	for _, bad := range []string{"", "{}", "null", " " + string(text), strings.Replace(string(text), `"level"`, `"Level"`, 1), strings.Replace(string(text), "{", `{"x":1,`, 1)} {
		if _, err := ParseLabel([]byte(bad)); err == nil {
			t.Errorf("ParseLabel(%s) has no error", bad)
		}
	}
}

// FuzzMarking: no definition makes the reader panic or loop; what carries a claim
// about TLP resolves to nothing but unknown; and a definition never takes anything
// back that another says.
func FuzzMarking(f *testing.F) {
	seeds := []string{copyright, iep(`,"tlp":"amber"`), handling(`,"handling":["H2"],"purposes":["a"],"pap":"RED","embargo_until":"2026-03-01T00:00:00Z"`),
		`"definition_type":"tlp","definition":{"tlp":"white"}`, `"name":"TLP:RED","extensions":{"` + string(stix.TLPExtension) + `":{"tlp_2_0":"clear"}}`,
		`"extensions":{"` + acsExtension + `":{"policy_reference":"urn:x?privdefault=permit","access_privilege":[{"privilege_action":"ALL","rule_effect":"permit"}]}}`,
		copyright + marked(mark(0), v2Red), `"definition_type":"pap","definition":{"pap":"red"}`, `"extensions":null`}
	for _, s := range seeds {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		defs := defined(map[string]string{mark(0): a, mark(1): b})
		r := newResolver(defs)
		x, y, both := r.one(stix.ID(mark(0))), r.one(stix.ID(mark(1))), r.all([]stix.ID{stix.ID(mark(0)), stix.ID(mark(1))})
		if both.level < max(x.level, y.level) || both.pap < max(x.pap, y.pap) || both.embargo < max(x.embargo, y.embargo) ||
			len(both.faults) < max(len(x.faults), len(y.faults)) || len(both.handling) < max(len(x.handling), len(y.handling)) {
			t.Errorf("%+v and %+v join to %+v", x, y, both)
		}
		if d, ok := readDefinition(defs.markings[mark(0)]); ok && len(d.claims("TLP:")) > 0 && x.level != LevelUnknown {
			t.Errorf("a definition that claims TLP counts as %v", x.level)
		}
		p := prospect{labelKey: labelKey{own: both, parts: x}}
		var l Label
		p.says(&l)
		text, err := l.Canonical()
		if err != nil {
			t.Fatalf("%+v: %v", l, err)
		}
		if _, err := ParseLabel(text); err != nil {
			t.Error(err)
		}
		for id := range defs.markings {
			Forged(stix.ID(id), defs.markings[id])
		}
	})
}
