package policy

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"entente/stix"
)

// Draws of the parts of decisions. They are biased to what is interesting:
// boundaries of time, and the same few names everywhere.

func pick[T any](t *rapid.T, name string, of ...T) T { return rapid.SampledFrom(of).Draw(t, name) }

func maybe(t *rapid.T, name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }

const object stix.ID = "indicator--eeeeeeee-0000-4000-8000-000000000005"

var (
	someTimes  = []Instant{0, noon - 1, noon, noon + 1, noon + 10, Never}
	someLabels = []string{"malicious-activity", "victim:acme", "op-zeroaccess"}
	someOrgs   = []OrgID{orgA, orgB, orgC, ""}
)

func drawFlow(t *rapid.T) *Flow {
	a := ordinary(func(a *Agreement, f *FlowTerms) {
		a.Status = pick(t, "status", Active, Active, Active, Active, Suspended, Shadow)
		a.Valid.Until = pick(t, "until", "2027-01-01T00:00:00Z", (noon + 10).String(), noon.String())
		a.Parties.B.Relation = pick(t, "relation", "partner", "client", "org", "public")
		a.Parties.B.Communities = pick(t, "communities", nil, []string{"k1"})
		a.Parties.B.Enforces = pick(t, "enforces", "none", "sidecar", "sidecar")
		a.Parties.B.LE = maybe(t, "le")
		f.TLP.Max = pick(t, "max", "GREEN", "AMBER", "AMBER+STRICT", "RED")
		f.TLP.Red = pick(t, "red", "never", "named")
		f.TLP.Community = pick(t, "community", "", "k1")
		f.Select.LabelsAny = pick(t, "labels_any", nil, []string{"op-zeroaccess"})
		f.Select.MinConfidence = pick(t, "min_confidence", 0, 50)
		f.Select.Where = pick(t, "where", "", `o.tlp != "RED" && "op-zeroaccess" in o.labels`)
		f.Select.RelationshipTypes = pick(t, "relationship_types", nil, []string{"indicates"})
		f.Granular.Above = pick(t, "above", "withhold", "redact")
		f.Redaction.Allow = rapid.Bool().Draw(t, "redaction")
		f.Attribution.Source = pick(t, "source", "disclose", "disclose", "anonymise", "ask")
		f.Attribution.Sightings = pick(t, "sightings", "anonymise", "disclose")
		f.Embargo.Until = pick(t, "embargo", "", "", noon.String(), (noon + 1).String())
		f.Embargo.OnLabels = pick(t, "on_labels", nil, map[string]string{"op-zeroaccess": (noon + 10).String()})
		f.Extensions = ExtensionTerms{Allow: pick(t, "allow", nil, []string{"*"}, []string{"x_known"}), Unknown: pick(t, "unknown", "withhold", "strip")}
		f.Fields.Strip = pick(t, "strip", nil, []string{"description"})
		f.Fields.LabelsAllow = pick(t, "labels_allow", nil, &[]string{"*"}, &[]string{"malicious-*"})
		f.Fields.ExternalHosts = pick(t, "hosts", nil, &[]string{"*"}, &[]string{"*.example"})
		f.Fields.TruncateTimes = pick(t, "truncate", "", "", "", "day")
		f.Limits.MaxAge = pick(t, "max_age", "", "", "P1D")
		f.PersonalData = pick(t, "personal", PersonalDataTerms{}, PersonalDataTerms{Allow: []string{"indirect", "direct"}, Ground: "g", RouteTo: "national-unit"})
		f.IEP.Accept = rapid.Bool().Draw(t, "iep")
		f.PAP.Max = pick(t, "pap", "CLEAR", "RED")
		f.Handling.Accept = []string{"H0", "H1", "H2", "H3"}
	})
	s, err := Compile(orgA, []*Agreement{a})
	if err != nil {
		t.Fatal(err)
	}
	return s.flows[0]
}

func drawLabel(t *rapid.T) Label {
	l := Label{
		Type: pick(t, "type", "indicator", "indicator", "relationship", "sighting", "identity"), From: pick(t, "from", "", "", orgC),
		Creator: pick(t, "creator", someOrgs...), Floor: pick(t, "own floor", LevelNone, LevelNone, LevelAmber), Coded: maybe(t, "coded"), Originator: rapid.Bool().Draw(t, "originator"),
		Level: Level(rapid.IntRange(0, int(LevelUnknown)).Draw(t, "level")), Default: pick(t, "default", LevelNone, LevelAmber, LevelAmberStrict),
		Granular: pick(t, "granular", LevelNone, LevelNone, LevelGreen, LevelAmber, LevelRed), Editions: pick(t, "editions", TLP1, TLP2, TLP1|TLP2, TLPOther),
		Communities: pick(t, "named", nil, []string{"k1"}, []string{"k2"}), Embargo: pick(t, "embargoed", 0, 0, 0, noon, noon+1),
		Handling: pick(t, "handling", nil, nil, []string{"H1"}, []string{"H2"}), PAP: pick(t, "pap", LevelNone, LevelRed),
		Personal: pick(t, "classes", 0, 0, 0, Indirect, Direct, Special, Undetermined), Lacks: Parts(rapid.IntRange(0, 15).Draw(t, "lacks")),
	}
	if maybe(t, "has iep") {
		l.IEP = &IEP{Start: pick(t, "start", someTimes...), End: pick(t, "end", someTimes...), Actions: pick(t, "actions", "none", "wrong", "internally-visible-actions"), Attribution: pick(t, "attribution", "may", "must", "must-not")}
	}
	if maybe(t, "fault") {
		l.Faults = []string{"marking.cycle"}
	}
	if l.From != "" {
		l.Hops = pick(t, "hops", uint8(1), 2, UnknownHops)
		for range rapid.IntRange(0, 2).Draw(t, "terms") {
			l.Terms = append(l.Terms, Terms{
				By: pick(t, "by", orgC, "", orgB), Mode: pick(t, "mode", "none", "consent", "clients", "community", "listed", "tlp", "tlp", "wrong"), MaxHops: pick(t, "max_hops", 1, 2, 9),
				ClientDepth: 1, To: pick(t, "to", nil, []OrgID{orgB}), Communities: pick(t, "onward communities", nil, []string{"k1"}), Floor: pick(t, "floor", LevelNone, LevelAmber),
				Personal: []string{"indirect"}, Handling: pick(t, "their handling", nil, []string{"H2"}), Anonymous: maybe(t, "anonymous"), Retention: pick(t, "retention", "", "P1D", "wrong"),
			})
		}
	}
	return l
}

// drawTraits draws an object that fits the label.
func drawTraits(t *rapid.T, l *Label) *Traits {
	c := &stix.Content{
		Labels: rapid.SliceOfN(rapid.SampledFrom(someLabels), 0, 2).Draw(t, "labels"), Confidence: pick(t, "confidence", -1, 10, 90),
		Extensions: pick(t, "extensions", nil, []string{"x_known"}, []string{"x_other"}), Hosts: pick(t, "hosts", nil, []string{"a.example"}, []string{"b.test"}, []string{""}),
		Names: pick(t, "names", nil, []string{"description", "x_other"}, []string{"where_sighted_refs"}), Relationship: pick(t, "relationship", "indicates", "uses"),
	}
	if l.Lacks&PartLabels != 0 {
		c.Labels = nil
	}
	if l.Lacks&PartHosts != 0 {
		c.Hosts = nil
	}
	if l.Lacks&PartExtensions != 0 {
		c.Extensions = nil
	}
	if l.Lacks&PartSighters != 0 && len(c.Names) == 1 {
		c.Names = nil
	}
	tr := &Traits{Header: &stix.Header{ID: object, Type: l.Type, Created: pick(t, "created", "", (noon - 1).String(), "2020-01-01T00:00:00Z", "nonsense")}, Content: c}
	if l.Granular != LevelNone {
		tr.Granular = []PathLevel{{Level: l.Granular, Selectors: []string{pick(t, "selector", "description", "id")}}}
	}
	for range rapid.IntRange(0, 2).Draw(t, "consents") {
		tr.Consents = append(tr.Consents, &Consent{
			ID: "consent--1", By: pick(t, "giver", orgC, orgC, orgC, orgA), Holder: pick(t, "holder", orgA, orgA, orgA, orgB), Recipient: pick(t, "recipient", orgB, orgB, orgB, orgC),
			Objects: []stix.ID{pick(t, "what", object, object, object, "indicator--1")}, Purpose: pick(t, "purpose", "crime-prevention", "crime-prevention", "marketing"),
			From: pick(t, "consent from", someTimes...), Until: pick(t, "consent until", someTimes...),
		})
	}
	return tr
}

func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, l := drawFlow(t), drawLabel(t)
		tr := drawTraits(t, &l)
		at := pick(t, "at", noon-1, noon, noon+1, noon+9)
		bound, d := f.Decide(&l, nil, at, true), f.Decide(&l, tr, at, true)
		if d.Effect > bound.Effect {
			t.Errorf("an object gets %s and its label at most %s%s", d.Effect, bound.Effect, because(&bound))
		}
		if !bound.PerObject && d.Effect != bound.Effect {
			t.Errorf("an object gets %s%s, its label %s, and that should hold for every object", d.Effect, because(&d), bound.Effect)
		}
		if bound.PerObject != d.PerObject && bound.Effect != Withhold {
			t.Errorf("per object: %v without an object, %v with one", bound.PerObject, d.PerObject)
		}
		for _, x := range []*Decision{&bound, &d} {
			reasonsFit(t, x)
		}
		quiet := f.Decide(&l, tr, at, false)
		loud := d
		loud.Reasons, loud.Obligations = nil, nil
		if !reflect.DeepEqual(quiet, loud) {
			t.Errorf("without why %+v, with why %+v", quiet, loud)
		}
		if k := f.Keep(&l, tr, at, false); k.Effect < d.Effect {
			t.Errorf("what may be released (%s) may not stay (%s)", d.Effect, k.Effect)
		}
		bare := *tr
		bare.Consents = nil
		if got := f.Decide(&l, &bare, at, true); bound.OnlyConsent && got.Effect != Withhold {
			t.Errorf("%s without a consent, which should be needed", got.Effect)
		}
	})
}

// reasonsFit checks that the effect is the least of the reasons'.
func reasonsFit(t *rapid.T, d *Decision) {
	least := Permit
	for i := range d.Reasons {
		least = min(least, d.Reasons[i].Effect)
		if i > 0 && d.Reasons[i].Stage < d.Reasons[i-1].Stage {
			t.Errorf("reason %s stands after %s", d.Reasons[i].Rule, d.Reasons[i-1].Rule)
		}
		if d.Reasons[i].Text == "" {
			t.Errorf("reason %s says nothing", d.Reasons[i].Rule)
		}
	}
	if least != d.Effect {
		t.Errorf("%s, and the reasons come to %s%s", d.Effect, least, because(d))
	}
	if d.Effect == Withhold && (d.Obligations != nil || d.OnlyConsent || !reflect.DeepEqual(d.Profile, Profile{})) {
		t.Errorf("withheld, and still %+v", d)
	}
}

// TestUntil holds a decision to its promise: until then nothing changes.
func TestUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, l := drawFlow(t), drawLabel(t)
		tr := drawTraits(t, &l)
		if rapid.Bool().Draw(t, "bound") {
			tr = nil
		}
		at := noon - 1
		d := f.Decide(&l, tr, at, false)
		kept := f.Keep(&l, tr, at, false)
		for step := Instant(1); step < 13; step++ {
			if e := f.Decide(&l, tr, at+step, true); at+step < d.Until && (e.Effect != d.Effect || e.PerObject != d.PerObject || !reflect.DeepEqual(e.Profile, d.Profile)) {
				t.Errorf("%s becomes %s%s %d µs later, and that was to hold until %s", d.Effect, e.Effect, because(&e), step, d.Until)
			}
			if e := f.Keep(&l, tr, at+step, true); at+step < kept.Until && e.Effect != kept.Effect {
				t.Errorf("kept: %s becomes %s%s %d µs later", kept.Effect, e.Effect, because(&e), step)
			}
		}
	})
}

func TestBestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var flows []*Flow
		for range rapid.IntRange(1, 2).Draw(t, "flows") {
			flows = append(flows, drawFlow(t))
		}
		l := drawLabel(t)
		holdings := []Label{l}
		if rapid.Bool().Draw(t, "two") {
			m := drawLabel(t)
			m.Type, m.Granular, m.Lacks = l.Type, l.Granular, l.Lacks
			holdings = append(holdings, m)
		}
		tr := drawTraits(t, &l)
		d, f, h := Best(flows, holdings, tr, noon, false)
		most := Withhold
		until := Never
		for i := range holdings {
			for _, g := range flows {
				c := g.Decide(&holdings[i], tr, noon, false)
				most, until = max(most, c.Effect), min(until, c.Until)
			}
		}
		if d.Effect != most || d.Until != until || (f == nil) != (most == Withhold) || (h < 0) != (most == Withhold) {
			t.Errorf("Best = %s until %s by %v of holding %d, want %s until %s", d.Effect, d.Until, f, h, most, until)
		}
		bound, _, _ := Best(flows, holdings, nil, noon, false)
		if d.Effect > bound.Effect || !bound.PerObject && d.Effect != bound.Effect {
			t.Errorf("an object gets %s, and without it %s (per object: %v)", d.Effect, bound.Effect, bound.PerObject)
		}
		if bare := (&Traits{Header: tr.Header, Content: tr.Content, Granular: tr.Granular}); bound.OnlyConsent {
			if got, _, _ := Best(flows, holdings, bare, noon, false); got.Effect != Withhold {
				t.Errorf("%s without a consent, which should be needed", got.Effect)
			}
		}
	})
}

// TestPerObjectIsExact: where a decision is said to depend on the object, and
// some object gets what the label promises, another is decided otherwise. (Terms
// that contradict each other may let no object through at all.)
func TestPerObjectIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, l := drawFlow(t), drawLabel(t)
		bound := f.Decide(&l, nil, noon, true)
		if !bound.PerObject {
			return
		}
		var first *Decision
		reached := false
		for _, tr := range extremes(&l) {
			d := f.Decide(&l, tr, noon, false)
			d.Until = 0
			reached = reached || d.Effect == bound.Effect
			if first == nil {
				first = &d
			} else if !reflect.DeepEqual(*first, d) {
				return
			}
		}
		if !reached {
			return
		}
		t.Errorf("every object gets %s%s", bound.Effect, because(first))
	})
}

// extremes are objects with the label that have nothing, what flows like, or what
// they do not.
func extremes(l *Label) []*Traits {
	full := &Consent{ID: "consent--1", By: orgC, Holder: orgA, Recipient: orgB, Objects: []stix.ID{object}, Purpose: "crime-prevention", Until: Never}
	own := *full
	own.By = orgA
	have := func(p Parts, list ...string) []string {
		if l.Lacks&p != 0 {
			return nil
		}
		return list
	}
	var all []*Traits
	for _, consents := range [][]*Consent{nil, {full, &own}} {
		for _, c := range []*stix.Content{
			{Confidence: 90, Relationship: "indicates"},
			{Confidence: 90, Relationship: "indicates", Labels: have(PartLabels, "op-zeroaccess")},
			{Confidence: -1, Relationship: "uses", Labels: have(PartLabels, "victim:acme")},
			{Confidence: 90, Relationship: "indicates", Labels: have(PartLabels, "op-zeroaccess"), Extensions: have(PartExtensions, "x_other"), Hosts: have(PartHosts, "b.test"), Names: append(have(PartSighters, "where_sighted_refs"), "description")},
		} {
			for _, created := range []string{"", "2020-01-01T00:00:00Z"} {
				for _, selector := range []string{"description", "name"} {
					tr := &Traits{Header: &stix.Header{ID: object, Type: l.Type, Created: created}, Content: c, Consents: consents}
					if l.Granular != LevelNone {
						tr.Granular = []PathLevel{{Level: l.Granular, Selectors: []string{selector}}}
					}
					all = append(all, tr)
				}
			}
		}
	}
	return all
}
