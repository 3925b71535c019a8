package policy

import (
	"fmt"
	"slices"
)

// Decide is what the flow does with a holding that has the label l, if it is to be
// released at the instant. It is pure and total. Every stage is evaluated but the
// closure of references, which takes the view of the recipient (StageClosure).
//
// Without traits (t is nil) Effect is the most that any object with the label can
// get, and PerObject says whether one has to look. With traits the decision is
// about that object. Without why, Obligations and Reasons stay empty and, unless
// the flow has select.where or leaves parts out, nothing is allocated.
func (f *Flow) Decide(l *Label, t *Traits, at Instant, why bool) Decision {
	return f.decide(l, t, at, question{why: why})
}

// Keep is Decide for what was released already: may it stay? It is never less
// than Decide: an agreement in its time of grace, an embargo that came
// afterwards, the end of an Information Exchange Policy and the limit of age
// do not take back what was told.
func (f *Flow) Keep(l *Label, t *Traits, at Instant, why bool) Decision {
	return f.decide(l, t, at, question{why: why, keep: true})
}

// A question is what is asked about a holding.
type question struct {
	keep, why bool
	consent   presumption
}

// A presumption is what is taken for given about consents while there are no
// traits.
type presumption uint8

const (
	anyConsent presumption = iota // there may be one
	noConsent
	fullConsent
)

func (f *Flow) decide(l *Label, t *Traits, at Instant, q question) Decision {
	e := evaluation{f: f, l: l, t: t, at: at, question: q, certain: Permit}
	e.d = Decision{Effect: Permit, Until: Never}
	e.hop = int(l.Hops) + 1
	e.findConsent()
	e.integrity()
	e.grant()
	e.label()
	e.ceiling()
	e.audience()
	e.upstream()
	e.codes()
	e.time()
	e.personal()
	e.source()
	e.granular()
	e.parts()
	e.bytes()
	e.obligations()
	return e.finish()
}

// An evaluation is a decision in the making. Each stage can only tighten it.
type evaluation struct {
	question
	f  *Flow
	l  *Label
	t  *Traits
	at Instant

	hop     int
	level   Level // joined: markings or default, and floors
	goes    Level // the highest of the parts that go out with the object; none if no part has its own
	kind    Kind
	certain Effect // of what the label alone decides
	d       Decision

	originator OrgID    // whose consent lifts; "" if nobody's does
	given      *Consent // that is in force
	lifted     bool     // something was, by consent
	anonymous  bool     // a rule hides the source
	uses       uint64
}

// hit notes that rule r came to effect for the label, whatever the object; it
// reports whether a reason is wanted.
func (e *evaluation) hit(r rule, effect Effect) bool {
	e.certain = min(e.certain, effect)
	e.d.Effect = min(e.d.Effect, effect)
	return e.why
}

// object notes that rule r came to effect for this object.
func (e *evaluation) object(r rule, effect Effect) bool {
	e.d.PerObject = true
	e.d.Effect = min(e.d.Effect, effect)
	return e.why
}

// redacted is the effect of leaving something out: the flow may not allow it.
func (e *evaluation) redacted() Effect {
	if e.f.Terms.Redaction.Allow {
		return Redact
	}
	return Withhold
}

// next notes an instant at which the decision may come out otherwise.
func (e *evaluation) next(i Instant) {
	if i > e.at && i < e.d.Until {
		e.d.Until = i
	}
}

// lift reports whether the originator's consent sets aside a term that by set.
// Without traits a consent is taken for given if there could be one.
func (e *evaluation) lift(by OrgID) bool {
	if !e.liftable(by) {
		return false
	}
	if e.t == nil {
		e.d.PerObject = e.d.PerObject || e.consent == anyConsent
		e.d.OnlyConsent = e.d.OnlyConsent || e.consent == anyConsent
		return e.consent != noConsent
	}
	e.d.PerObject = true
	for _, c := range e.t.Consents {
		if e.covers(c) {
			e.next(c.From)
			e.next(c.Until)
		}
	}
	e.lifted = e.lifted || e.given != nil
	return e.given != nil
}

// liftable reports whether a consent could set aside what by set.
func (e *evaluation) liftable(by OrgID) bool {
	return e.originator != "" && e.f.set.Speaks(by, e.originator)
}

// bar is hit for what by set, after lift has failed: with traits that is about this
// object.
func (e *evaluation) bar(r rule, effect Effect, by OrgID) bool {
	if e.t != nil && e.liftable(by) {
		return e.object(r, effect)
	}
	return e.hit(r, effect)
}

// findConsent looks for the consent in force that lasts longest.
func (e *evaluation) findConsent() {
	l := e.l
	switch {
	case e.f.kind == KindPublic: // a consent names an organisation
	case l.Creator != "":
		e.originator = l.Creator
	case l.From == "":
		e.originator = e.f.From
	case l.Originator && l.Hops == 1:
		e.originator = l.From
	}
	if e.t == nil || e.originator == "" {
		return
	}
	for _, c := range e.t.Consents {
		if e.covers(c) && c.From <= e.at && e.at < c.Until && (e.given == nil || c.Until > e.given.Until) {
			e.given = c
		}
	}
}

// covers reports whether c is about this object, recipient and purpose.
func (e *evaluation) covers(c *Consent) bool {
	return c.Holder == e.f.From && c.Recipient == e.f.To && e.f.set.Speaks(c.By, e.originator) &&
		slices.Contains(e.f.purposes, c.Purpose) && e.t.Header != nil && slices.Contains(c.Objects, e.t.Header.ID)
}

// finish makes the decision of what the stages found.
func (e *evaluation) finish() Decision {
	d := &e.d
	slices.SortStableFunc(d.Reasons, func(a, b Reason) int { return int(a.Stage) - int(b.Stage) })
	if e.certain == Withhold {
		d.PerObject = false
	}
	if d.Effect == Withhold {
		d.OnlyConsent = false
		d.Profile = Profile{}
		d.Obligations = nil
		return *d
	}
	if d.Effect == Permit {
		d.Profile = Profile{}
		return *d
	}
	d.Profile.Placeholder = e.f.Terms.Redaction.Placeholder
	d.Profile.Scope = e.f.scope()
	slices.Sort(d.Profile.Strip)
	d.Profile.Strip = slices.Compact(d.Profile.Strip)
	return *d
}

// scope is that of the ids of redacted copies: the agreement, or a community.
func (f *Flow) scope() string {
	if s := f.Terms.Redaction.IDScope; s != "" && s != "mou" {
		return s
	}
	return string(f.Agreement.ID)
}

// say adds a reason. Its term is at path in the flow, or in the agreement if path
// begins with "/"; "" is the rule's own, and "/" none of ours: it came with the object.
func (e *evaluation) say(r rule, effect Effect, path, format string, args ...any) {
	f := e.f
	a := f.Agreement
	if path == "" {
		path = rules[r].Term
	}
	reason := Reason{
		Stage: rules[r].Stage, Rule: rules[r].Name, Effect: effect, Agreement: a.ID, Revision: a.Revision, Flow: f.Name,
		Text: fmt.Sprintf(format, args...),
	}
	if path != "" {
		reason.Term, reason.Clause = f.cite(path)
		reason.Position = a.source.position(reason.Term)
	}
	e.d.Reasons = append(e.d.Reasons, reason)
}
