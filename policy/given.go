package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Try decides a point of the domain of a flow, as if its agreement were in force.
// At hop 1 it is about the flow's own recipient, of the kind that g says. Beyond, it
// is about somebody to whom the recipient passes the object on: the flow must let
// the object through, and its onward terms must let it go further. Nothing else
// binds the second transfer. The error wraps ErrInvalid: g names something that
// does not exist.
func (f *Flow) Try(g Given, why bool) (Decision, error) {
	l, k, err := f.point(&g)
	if err != nil {
		return Decision{}, err
	}
	q := question{why: why, consent: noConsent}
	if g.Consent {
		q.consent = fullConsent
	}
	first := f.standing()
	if g.Hop <= 1 {
		if g.Kind != "" {
			first = first.as(k)
		}
		return first.decide(&l, nil, settled, q), nil
	}
	here := first.decide(&l, nil, settled, q)
	l.From, l.Creator, l.Hops = f.From, f.From, uint8(min(g.Hop-1, UnknownHops))
	l.Terms = []Terms{f.Onward()}
	if g.Kind == "" {
		k = KindPartner
	}
	there := first.further(k).decide(&l, nil, settled, q)
	there.Reasons = append(here.Reasons, there.Reasons...)
	there.Effect = min(there.Effect, here.Effect)
	return there, nil
}

// settled is an instant after every embargo but one that never ends.
const settled = Never - 1

// standing is f as if its agreement were in force for ever.
func (f *Flow) standing() *Flow {
	g := *f
	g.calendar = &calendar{declared: Active, until: Never, review: Never, grace: Never}
	return &g
}

// as is f if its recipient were of a kind.
func (f *Flow) as(k Kind) *Flow {
	g := *f
	g.kind, g.exact, g.named = k, true, k == KindNamed
	g.personal = g.passes()
	return &g
}

// further is a flow from the recipient of f to somebody of a kind, that asks for
// nothing itself.
func (f *Flow) further(k Kind) *Flow {
	g := *f.as(k)
	t := *f.Terms
	to := *f.to
	to.Org, to.Originates, to.Commercial, to.LE = "identity--00000000-0000-4000-8000-000000000000", nil, false, true
	if k == KindCommunity {
		to.Communities = f.Onward().Communities
	}
	t.TLP.Red, t.IEP.Accept, t.Handling.Evaluation = "named", true, Evaluation{}
	t.Fields.TruncateTimes = ""
	t.Attribution, t.References.Echo = AttributionTerms{Source: "disclose", Victims: "disclose", Sightings: "disclose"}, true
	g.Terms, g.From, g.To, g.from, g.to = &t, f.To, to.Org, f.to, &to
	g.max, g.papMax, g.accept, g.sidecar = LevelRed, LevelRed, codeH0|codeH1|codeH2|codeH3, true
	g.reads, g.readsIEP, g.readsH = TLP1|TLP2, true, true
	g.personal, g.clear, g.embargo, g.operations = Indirect|Direct|Undetermined, false, 0, nil
	return &g
}

var personalNames = map[string]PersonalData{"": 0, "none": 0, "indirect": Indirect, "direct": Direct, "special": Special, "unknown": Undetermined}

// point makes the label that g describes, of an object that A wrote, and the
// recipient's kind.
func (f *Flow) point(g *Given) (Label, Kind, error) {
	l := Label{Type: g.Type, Creator: f.From, Originator: true, Editions: TLP2}
	if f.reads&TLP2 == 0 {
		l.Editions = TLP1
	}
	bad := func(what, value string) (Label, Kind, error) {
		return l, 0, fmt.Errorf("%w: %s: %s %.40q does not exist", ErrInvalid, f.Key(), what, value)
	}
	if l.Type == "" {
		l.Type = f.someType()
	}
	l.Level = min(LevelGreen, f.max)
	if g.TLP != "" {
		var ok bool
		if l.Level, ok = ParseLevel(g.TLP); !ok {
			return bad("level", g.TLP)
		}
	}
	var ok bool
	if l.Personal, ok = personalNames[g.PD]; !ok {
		return bad("class of personal data", g.PD)
	}
	if g.Handling != "" {
		l.Handling = []string{g.Handling}
		if codes(0).with(l.Handling) == codeUnknown {
			return bad("handling code", g.Handling)
		}
	}
	if g.Embargo {
		l.Embargo = Never
	}
	k := KindPartner
	switch g.Kind {
	case "":
	case "origin":
		l.From, l.Creator = f.To, f.To
	default:
		if k, ok = parseKind(g.Kind); !ok {
			return bad("kind", g.Kind)
		}
	}
	return l, k, nil
}

// someType is a type that the flow selects.
func (f *Flow) someType() string {
	sel := &f.Terms.Select
	for _, typ := range append(slices.Clone(sel.Types), "indicator", "malware", "report") {
		if typ != "*" && selects(sel.Types, typ) && !selects(sel.NotTypes, typ) {
			return typ
		}
	}
	return "indicator"
}

// A TestResult is how a test of an agreement came out.
type TestResult struct {
	Test *Test
	Flow string // by which it was decided; "" if none was
	Got  Decision
	Text string // what is wrong; "" if the test passed
}

// RunTests runs the tests of an agreement in s. A test that names no flow is run
// for each, and one result is given for each.
func (s *Set) RunTests(a *Agreement) []TestResult {
	var results []TestResult
	for i := range a.Tests {
		test := &a.Tests[i]
		ran := false
		for _, f := range s.flows {
			if f.Agreement != a || test.Given.Flow != "" && test.Given.Flow != f.Name {
				continue
			}
			ran = true
			got, err := f.Try(test.Given, true)
			r := TestResult{Test: test, Flow: f.Name, Got: got, Text: test.Expect.wrong(&got)}
			if err != nil {
				r.Text = err.Error()
			}
			results = append(results, r)
		}
		if !ran {
			results = append(results, TestResult{Test: test, Text: fmt.Sprintf("no flow is called %.80q", test.Given.Flow)})
		}
	}
	return results
}

// wrong says how d is not what is expected; "" if it is.
func (x *Expect) wrong(d *Decision) string {
	if x.Effect != d.Effect.String() {
		return fmt.Sprintf("%s, want %s%s", d.Effect, x.Effect, because(d))
	}
	if x.Reason != "" && !slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Rule == x.Reason && r.Effect <= d.Effect }) {
		return fmt.Sprintf("%s by other rules than %s%s", d.Effect, x.Reason, because(d))
	}
	for _, o := range x.Obligations {
		if !slices.ContainsFunc(d.Obligations, func(have Obligation) bool { return have.String() == o }) {
			return fmt.Sprintf("the obligation %s is missing", o)
		}
	}
	return ""
}

// because lists the rules that restricted d.
func because(d *Decision) string {
	var names []string
	for _, r := range d.Reasons {
		if r.Effect < Permit && !slices.Contains(names, r.Rule) {
			names = append(names, r.Rule)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// String is "name" or "name:arg".
func (o Obligation) String() string {
	if o.Arg == "" {
		return o.Name
	}
	return o.Name + ":" + o.Arg
}
