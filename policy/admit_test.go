package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/stix"
)

// TestAdmit: what an agreement does not let a partner write. The partner is A, and
// by default its flow is an ordinary one.
func TestAdmit(t *testing.T) {
	m := mark(1)
	defs := map[string]string{
		m:       handling(`,"handling":["H2"]`),
		mark(2): handling(`,"source_evaluation":"C","information_evaluation":"4"`),
		mark(3): iep(`,"permitted_actions":"externally-visible-direct-actions"`),
		mark(4): handling(`,"pap":"RED"`),
		mark(5): `"extensions":{"` + cuiExtension + `":{"control":"CUI"}}`,
		mark(6): copyright,
		mark(7): handling(`,"purposes":["training"]`),
	}
	tests := []struct {
		name   string
		change func(a *Agreement, f *FlowTerms)
		more   string // of the indicator
		rule   string // "" if it is taken
		term   string
	}{
		{"amber", nil, marked(v2Amber), "", ""},
		{"A2 red", nil, marked(v2Red), "tlp.max", "tlp.max"},
		{"red to nobody in particular", func(_ *Agreement, f *FlowTerms) { f.TLP.Max = "RED" }, marked(v2Red), "tlp.max", "tlp.red"},
		{"red to a named person", func(_ *Agreement, f *FlowTerms) { f.TLP.Max, f.TLP.Red = "RED", "named" }, marked(v2Red), "", ""},
		{"a red part", nil, marked(v2Green) + `,"granular_markings":[{"marking_ref":"` + v2Red + `","selectors":["pattern"]}]`, "tlp.max", "tlp.max"},
		{"A16 unmarked, by default above the ceiling", func(_ *Agreement, f *FlowTerms) { f.TLP.Max = "GREEN" }, "", "tlp.max", "tlp.max"},
		{"unmarked, with a default below it", func(_ *Agreement, f *FlowTerms) { f.TLP.Max, f.TLP.Default = "GREEN", "GREEN" }, "", "", ""},
		{"B4 a marking that may come yet", func(_ *Agreement, f *FlowTerms) { f.TLP.Max = "GREEN" }, marked(mark(9)), "", ""},
		{"a known part above the ceiling beside an unknown marking", func(_ *Agreement, f *FlowTerms) { f.TLP.Max = "GREEN" },
			marked(mark(9)) + `,"granular_markings":[{"marking_ref":"` + v2Amber + `","selectors":["pattern"]}]`, "tlp.max", "tlp.max"},
		{"a type that is not selected", func(_ *Agreement, f *FlowTerms) { f.Select.Types = []string{"malware"} }, marked(v2Green), "no-grant", "select.types"},
		{"a type that is left out", func(_ *Agreement, f *FlowTerms) { f.Select.NotTypes = []string{"indicator"} }, marked(v2Green), "no-grant", "select.types"},
		{"confidence", func(_ *Agreement, f *FlowTerms) { f.Select.MinConfidence = 50 }, marked(v2Green) + `,"confidence":49`, "no-grant", "select.min_confidence"},
		{"enough confidence", func(_ *Agreement, f *FlowTerms) { f.Select.MinConfidence = 50 }, marked(v2Green) + `,"confidence":50`, "", ""},
		{"labels", func(_ *Agreement, f *FlowTerms) { f.Select.LabelsAny = []string{"op"} }, marked(v2Green) + `,"labels":["other"]`, "no-grant", "select.labels_any"},
		{"where", func(_ *Agreement, f *FlowTerms) { f.Select.Where = `o.tlp == "GREEN" && "x" in o.labels` }, marked(v2Green) + `,"labels":["y"]`, "no-grant", "select.where"},
		{"H5 a code that is not accepted", func(_ *Agreement, f *FlowTerms) { f.Handling.Accept = []string{"H0", "H1"} }, marked(v2Green, m), "handling.accept", "handling.accept"},
		{"H5 a code that is", func(_ *Agreement, f *FlowTerms) { f.Handling.Accept = []string{"H0", "H2"} }, marked(v2Green, m), "", ""},
		{"H6 evaluation", func(_ *Agreement, f *FlowTerms) {
			f.Handling.Evaluation = Evaluation{MinSource: "B", MinInformation: "2"}
		}, marked(v2Green, mark(2)), "quality", "handling.evaluation"},
		{"a policy", nil, marked(v2Green, mark(3)), "iep.accept", "iep.accept"},
		{"PAP beyond what we honour", nil, marked(v2Green, mark(4)), "pap", "pap.max"},
		{"CUI", func(_ *Agreement, f *FlowTerms) { f.ACS = "evaluate" }, marked(v2Green, mark(5)), "acs", "acs"},
		{"a statement that is barred", func(_ *Agreement, f *FlowTerms) { f.Statements.Unknown = "withhold" }, marked(v2Green, mark(6)), "statement", "statements"},
		{"a purpose that the agreement does not allow", nil, marked(v2Green, mark(7)), "purpose", "purposes"},
		{"an extension", nil, marked(v2Green) + `,"extensions":{"extension-definition--a0000000-0000-4000-8000-00000000000a":{"extension_type":"property-extension"}}`, "extension.unknown", "extensions"},
		{"an x_ property", nil, marked(v2Green) + `,"x_case":1`, "extension.unknown", "extensions"},
		{"an extension that is named", func(_ *Agreement, f *FlowTerms) { f.Extensions.Allow = []string{"x_case"} }, marked(v2Green) + `,"x_case":1`, "", ""},
		{"too old", func(_ *Agreement, f *FlowTerms) { f.Limits.MaxAge = "P30D" }, marked(v2Green), "limits.max_age", "limits.max_age"},
		{"not too old", func(_ *Agreement, f *FlowTerms) { f.Limits.MaxAge = "P32D" }, marked(v2Green), "", ""},
		{"copies kept elsewhere", func(_ *Agreement, f *FlowTerms) { f.Retention.Residency = []string{"US"} }, marked(v2Green), "residency", "retention.residency"},
		{"copies kept here", func(_ *Agreement, f *FlowTerms) { f.Retention.Residency = []string{"CH", "EU"} }, marked(v2Green), "", ""},
		{"another channel", func(_ *Agreement, f *FlowTerms) { f.Channels = []string{"poll"} }, marked(v2Green), "no-grant", "channels"},
		{"a draft", func(a *Agreement, _ *FlowTerms) { a.Status = Draft }, marked(v2Green), "agreement.state", "status"},
		{"too late", func(a *Agreement, _ *FlowTerms) { a.Valid.Until = "2026-01-01T12:00:00Z" }, marked(v2Green), "agreement.state", "valid.until"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := fromA(t, defined(defs), tc.change)
			r.source.Channel, r.source.Places = "push", []string{"DE", "EU"}
			h, refusal := r.Receive(arrival(t, indicatorOf(orgA, tc.more)))
			switch {
			case h.Label == nil:
				t.Fatal("no label")
			case tc.rule == "" && refusal != nil:
				t.Errorf("refused: %+v", refusal.Reasons)
			case tc.rule != "" && refusal == nil:
				t.Error("taken")
			case tc.rule != "":
				got := refusal.Reasons[0]
				if got.Rule != tc.rule || strings.TrimPrefix(got.Term, "flows[0].") != tc.term || refusal.Text() == "" {
					t.Errorf("refused by %q, term %q: %s; want %q, %q", got.Rule, got.Term, refusal.Text(), tc.rule, tc.term)
				}
				if len(h.Label.Terms) != 1 || h.Label.Under == "" { // whoever keeps it all the same is bound
					t.Errorf("a label under %q with the terms %v", h.Label.Under, h.Label.Terms)
				}
			}
		})
	}
}

// TestAdmitNobody: without any flow a partner may write nothing, and our own people
// everything.
func TestAdmitNobody(t *testing.T) {
	s, err := Compile(orgB, []*Agreement{ordinary(nil)})
	if err != nil {
		t.Fatal(err)
	}
	a := arrival(t, indicatorOf(orgA, marked(v2Green)))
	if _, refusal := s.Receiver(Source{From: orgA}).Receive(a); refusal == nil || refusal.Reasons[0].Rule != "no-grant" || refusal.Text() == "" {
		t.Errorf("refusal %+v", refusal)
	}
	if _, refusal := s.Receiver(Source{}).Receive(a); refusal != nil {
		t.Errorf("our own people are refused: %+v", refusal)
	}
}

// TestAdmitDefinitions: a marking definition comes with what it marks, whatever
// types the flow selects.
func TestAdmitDefinitions(t *testing.T) {
	raw := defined(map[string]string{mark(1): copyright + marked(v2Green)}).markings[mark(1)]
	r := fromA(t, nil, func(_ *Agreement, f *FlowTerms) { f.Select.Types = []string{"indicator"} })
	if _, refusal := r.Receive(arrival(t, raw)); refusal != nil {
		t.Errorf("refused: %+v", refusal.Reasons)
	}
	r = fromA(t, nil, func(_ *Agreement, f *FlowTerms) { f.Select.NotTypes = []string{"marking-definition"} })
	if _, refusal := r.Receive(arrival(t, raw)); refusal == nil {
		t.Error("taken, though the agreement leaves its type out")
	}
}

// TestAdmitNearest: of several flows, the one that comes nearest to taking the
// object says why it does not.
func TestAdmitNearest(t *testing.T) {
	r := fromA(t, nil, func(a *Agreement, f *FlowTerms) {
		other := *f
		other.Name, other.Select.Types = "malware", []string{"malware"}
		a.Flows = []FlowTerms{other}
		f.TLP.Max = "GREEN"
	})
	_, refusal := r.Receive(arrival(t, indicatorOf(orgA, marked(v2Amber))))
	if refusal == nil || refusal.Reasons[0].Rule != "tlp.max" || refusal.Reasons[0].Flow != "technical" {
		t.Errorf("refusal %+v", refusal)
	}
}

// TestBinding: the terms of all flows that take an object bind it, those of flows
// in force before those that only stage.
func TestBinding(t *testing.T) {
	const one, other AgreementID = "mou--11111111-1111-4111-8111-111111111111", "mou--22222222-2222-4222-8222-222222222222"
	two := func(status Status, id AgreementID) *Receiver {
		second := ordinary(func(a *Agreement, f *FlowTerms) {
			a.ID, a.Status, f.Name = id, status, "second"
			f.TLP.Default, f.TLP.Community, f.PAP.Default, f.Embargo.Until = "RED", "k2", "RED", "2026-06-01T00:00:00Z"
			f.Embargo.OnLabels = map[string]string{"op": "2026-07-01T00:00:00Z"}
			f.TLP.Max, f.TLP.Red, f.PAP.Max = "RED", "named", "RED"
		})
		first := ordinary(func(_ *Agreement, f *FlowTerms) { f.TLP.Default, f.TLP.Community = "AMBER", "k1" })
		s, err := Compile(orgB, []*Agreement{second, first})
		if err != nil {
			t.Fatal(err)
		}
		return s.Receiver(Source{From: orgA, Flows: s.In(orgA, "intel")})
	}
	tests := []struct {
		status      Status
		id          AgreementID
		more        string
		terms       []string
		level       Level
		communities []string
		pap         Level
		embargo     string
	}{
		{Active, other, "", []string{"technical", "second"}, LevelRed, []string{"k1", "k2"}, LevelRed, "2026-06-01T00:00:00Z"},
		{Active, other, `,"labels":["op"]`, []string{"technical", "second"}, LevelRed, []string{"k1", "k2"}, LevelRed, "2026-07-01T00:00:00Z"},
		{Active, "mou--00000000-0000-4000-8000-000000000000", "", []string{"second", "technical"}, LevelRed, []string{"k1", "k2"}, LevelRed, "2026-06-01T00:00:00Z"},
		{Shadow, other, `,"labels":["op"]`, []string{"technical"}, LevelAmber, []string{"k1"}, LevelNone, "1970-01-01T00:00:00Z"},
		{Draft, other, "", []string{"technical"}, LevelAmber, []string{"k1"}, LevelNone, "1970-01-01T00:00:00Z"},
	}
	for _, tc := range tests {
		h, refusal := two(tc.status, tc.id).Receive(arrival(t, indicatorOf(orgA, tc.more)))
		if refusal != nil || h.Staged {
			t.Fatalf("%s: refused %v, staged %v", tc.status, refusal, h.Staged)
		}
		l := h.Label
		var flows []string
		for _, terms := range l.Terms {
			flows = append(flows, terms.Flow)
		}
		got := fmt.Sprintln(flows, l.Default, l.Communities, l.PAP, l.Embargo)
		if want := fmt.Sprintln(tc.terms, tc.level, tc.communities, tc.pap, tc.embargo); got != want {
			t.Errorf("%s%s: %swant %s", tc.status, tc.more, got, want)
		}
		if l.Under != min(one, tc.id) || l.Revision != 7 {
			t.Errorf("%s: under %s@%d", tc.status, l.Under, l.Revision)
		}
	}
}

func TestStaged(t *testing.T) {
	for _, status := range []Status{Shadow, Suspended} {
		h, refusal := fromA(t, nil, func(a *Agreement, _ *FlowTerms) { a.Status = status }).Receive(arrival(t, indicatorOf(orgA, marked(v2Green))))
		if refusal != nil || !h.Staged || len(h.Label.Terms) != 1 {
			t.Errorf("%s: refused %v, staged %v, terms %v", status, refusal, h.Staged, h.Label.Terms)
		}
	}
}

// TestWay is about where copies come from: B22, G15, G20 and what our own people
// write.
func TestWay(t *testing.T) {
	up := &Upstream{Hops: 1, Terms: []Terms{{By: orgC, Mode: "tlp", MaxHops: 5}, {Mode: "none"}}, Floor: LevelAmber, Embargo: noon}
	tests := []struct {
		name       string
		from       OrgID
		creator    OrgID
		up         *Upstream
		originator bool
		hops       uint8
		terms      int
	}{
		{"A's own", orgA, orgA, nil, true, 1, 1},
		{"A's own, whatever it claims", orgA, orgA, up, true, 1, 3},
		{"without a creator", orgA, "", nil, true, 1, 1},
		{"B22 relayed by A", orgA, orgC, nil, false, UnknownHops, 1},
		{"B22 ours, come back from A", orgA, orgB, nil, false, UnknownHops, 1},
		{"relayed, and the way is known", orgA, orgC, up, false, 3, 3},
		{"G20 relayed, and the way makes no sense", orgA, orgC, &Upstream{}, false, 2, 1},
		{"a long way", orgA, orgC, &Upstream{Hops: 255}, false, UnknownHops - 1, 1},
		{"ours", "", orgB, nil, true, 0, 0},
		{"ours, without a creator", "", "", nil, true, 0, 0},
		{"ours, by somebody of us", "", orgC, nil, true, 0, 0},
		{"A's, written by hand here", "", orgA, nil, false, UnknownHops, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := fromA(t, nil, nil)
			if r.source.From = tc.from; tc.from == "" {
				r.source.Flows = nil
			}
			a := arrival(t, indicatorOf(tc.creator, marked(v2Green)))
			a.Upstream = tc.up
			h, refusal := r.Receive(a)
			if refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
			l := h.Label
			if l.From != tc.from || l.Creator != tc.creator || l.Originator != tc.originator || l.Hops != tc.hops || len(l.Terms) != tc.terms {
				t.Errorf("from %q, creator %q, originator %v, hops %d, %d terms", l.From, l.Creator, l.Originator, l.Hops, len(l.Terms))
			}
			if (l.Floor == LevelAmber && l.Embargo == noon) != (tc.up == up) {
				t.Errorf("floor %v, embargo %v", l.Floor, l.Embargo)
			}
		})
	}
}

// TestIdentity: who sends its own identity is its creator; consent labels count
// for the identity and for all that it created.
func TestIdentity(t *testing.T) {
	identity := func(id OrgID, more string) string {
		return `{"type":"identity","spec_version":"2.1","id":"` + string(id) + `","created":"2025-12-01T00:00:00.000Z",` +
			`"modified":"2025-12-01T00:00:00.000Z","name":"n","identity_class":"organization"` + more + `}`
	}
	tests := []struct {
		raw     string
		creator OrgID
		ais     string
	}{
		{identity(orgA, ""), orgA, ""},
		{identity(orgC, ""), "", ""},
		{identity(orgC, `,"created_by_ref":"`+string(orgA)+`"`), orgA, ""},
		{identity(orgA, `,"labels":["ais-consent-everyone","x"]`), orgA, "ais-consent-everyone"},
		{identity(orgC, `,"labels":["ais-consent-everyone","ais-consent-usg"]`), "", "ais-consent-usg"},
		{identity(orgC, `,"labels":["ais-consent-everyone","ais-consent-maybe"]`), "", "ais-consent-none"},
		{indicatorOf(orgC, ""), orgC, "ais-consent-everyone-cisa-proprietary"},
		{indicatorOf(orgA, ""), orgA, ""},
		{indicatorOf(orgC, `,"labels":["ais-consent-none"]`), orgC, "ais-consent-everyone-cisa-proprietary"},
	}
	defs := scope{identities: map[string][]string{string(orgC): {"ais-consent-everyone-cisa-proprietary", "ais-consent-everyone"}}}
	r := fromA(t, defs, takeAll)
	for _, tc := range tests {
		h, _ := r.Receive(arrival(t, tc.raw))
		if h.Label.Creator != tc.creator || h.Label.AIS != tc.ais {
			t.Errorf("%s: creator %q, consent %q; want %q, %q", tc.raw, h.Label.Creator, h.Label.AIS, tc.creator, tc.ais)
		}
	}
	defs.identities[string(orgC)] = []string{"ais-consent-none"}
	r.Forget()
	if h, _ := r.Receive(arrival(t, indicatorOf(orgC, ""))); h.Label.AIS != "ais-consent-none" {
		t.Errorf("after a change: %q", h.Label.AIS)
	}
}

// TestUnconsented: an identity that does not consent is not shown, also without a
// creator (H16).
func TestUnconsented(t *testing.T) {
	f := flowOf(t, nil)
	l := Label{Type: "identity", Originator: true, Level: LevelGreen, Editions: TLP2, AIS: "ais-consent-none"}
	if d := f.Decide(&l, nil, noon, true); !slices.Contains(rulesOf(d, Withhold), "attribution.source") {
		t.Errorf("Decide = %v, %v", d.Effect, rulesOf(d, Withhold))
	}
}

// TestLacks: a part that is there is never called missing.
func TestLacks(t *testing.T) {
	all := PartLabels | PartHosts | PartExtensions | PartSighters
	tests := []struct {
		raw  string
		want Parts
	}{
		{indicatorOf(orgA, ""), all},
		{indicatorOf(orgA, `,"labels":["a"]`), all &^ PartLabels},
		{indicatorOf(orgA, `,"external_references":[{"source_name":"a","url":"https://a.example"}]`), all &^ PartHosts},
		{indicatorOf(orgA, `,"external_references":[{"source_name":"a","url":"relative"}]`), all &^ PartHosts},
		{indicatorOf(orgA, `,"x_a":1`), all &^ PartExtensions},
		{`{"type":"file","spec_version":"2.1","id":"file--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","name":"a","extensions":{"pdf-ext":{"version":"1.7"}}}`, all},
		{`{"type":"file","spec_version":"2.1","id":"file--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","name":"a","extensions":{"pdf-ext":{"version":"1.7"},"x":{}}}`, all &^ PartExtensions},
		{`{"type":"sighting","spec_version":"2.1","id":"sighting--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","created":"2025-12-01T00:00:00Z","modified":"2025-12-01T00:00:00Z",` +
			`"sighting_of_ref":"indicator--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","where_sighted_refs":["` + string(orgC) + `"]}`, all &^ PartSighters},
		{defined(map[string]string{mark(1): iep("")}).markings[mark(1)], all},
	}
	for _, tc := range tests {
		a := arrival(t, tc.raw)
		if got := lacks(a.Object.Type, a.Content); got != tc.want {
			t.Errorf("%s: lacks %b, want %b", tc.raw, got, tc.want)
		}
	}
}

// TestForged is B1, B2 and B7: definitions that are not what their id stands for.
func TestForged(t *testing.T) {
	tlp2 := func(value string) string {
		return `"extensions":{"` + string(stix.TLPExtension) + `":{"extension_type":"property-extension","tlp_2_0":"` + value + `"}}`
	}
	tests := []struct {
		name, id, body string
		forged         bool
	}{
		{"B1", v2Red, `"name":"TLP:CLEAR",` + tlp2("clear"), true},
		{"by its name only", v2Red, `"name":"TLP:CLEAR",` + tlp2("red"), true},
		{"by its extension only", v2Red, `"name":"TLP:RED",` + tlp2("clear"), true},
		{"right", v2Red, `"name":"TLP:RED",` + tlp2("red"), false},
		{"right, with an empty extension, as the schema allows", v2Strict, `"name":"TLP:AMBER+STRICT","extensions":{}`, false},
		{"with another extension", v2Red, `"name":"TLP:RED","extensions":{"x":{}}`, true},
		{"B2", v1Red, `"definition_type":"statement","definition":{"statement":"Public"}`, true},
		{"B2 that says red", v1Red, `"definition_type":"statement","definition":{"statement":"TLP:RED"}`, true},
		{"of TLP 1, right", v1Red, `"definition_type":"tlp","definition":{"tlp":"red"}`, false},
		{"of TLP 1, another level", v1Red, `"definition_type":"tlp","definition":{"tlp":"white"}`, true},
		{"of TLP 1, by TLP 2", v1Red, tlp2("clear"), true},
		{"clear for white, as is often written", v1White, `"definition_type":"TLP","definition":{"tlp":"clear"},"name":"TLP:CLEAR"`, false},
		{"white, named red", v1White, `"definition_type":"tlp","definition":{"tlp":"white"},"name":"TLP:RED"`, true},
		{"nothing", v1White, `"name":"white"`, true},
		{"no text", v1White, `"definition_type":"tlp","definition":{"tlp":1}`, true},
		{"OpenCTI's", octiStrict, `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition_type":"TLP","x_opencti_definition":"TLP:AMBER+STRICT"`, false},
		{"OpenCTI's as red", octiStrict, `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition":"TLP:RED"`, true},
		{"not well known", mark(1), `"definition_type":"tlp","definition":{"tlp":"white"}`, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			raw := defined(map[string]string{tc.id: tc.body}).markings[tc.id]
			if got := Forged(stix.ID(tc.id), raw); got != tc.forged {
				t.Errorf("Forged = %v", got)
			}
			l := labelOf(t, nil, raw).Label
			if got := slices.Contains(l.Faults, "marking.forged"); got != tc.forged {
				t.Errorf("faults %q", l.Faults)
			}
		})
	}
	defs := defined(map[string]string{mark(1): iep(`,"tlp":"amber"`)})
	again := defs.markings[mark(1)]
	for raw, forged := range map[string]bool{again: false, strings.Replace(again, `"amber"`, `"white"`, 1): true} {
		if l := labelOf(t, defs, raw).Label; slices.Contains(l.Faults, "marking.forged") != forged {
			t.Errorf("B7 %s: faults %q", raw, l.Faults)
		}
	}
}
