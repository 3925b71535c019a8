package policy

import "slices"

// unknownTerms bind a copy that came with no terms that we know.
var unknownTerms = Terms{Mode: "none", MaxHops: 1}

// upstream is stage 5: the onward terms of every hop before us, all of them.
func (e *evaluation) upstream() {
	for t := range e.terms {
		e.onward(t)
	}
}

// terms yields what binds us when we pass the object on: the terms of every hop
// before us, and of those that an agreement of ours set, by each flow that took the
// object, also those of the revision that now counts. Nothing binds what was written here.
func (e *evaluation) terms(yield func(*Terms) bool) {
	if e.hop <= 1 {
		return
	}
	if len(e.l.Terms) == 0 && !yield(&unknownTerms) {
		return
	}
	for i := range e.l.Terms {
		t := &e.l.Terms[i]
		if !yield(t) {
			return
		}
		if now := e.f.set.onward[flowKey{t.Under, t.Flow}]; now != nil && now.Revision != t.Revision && !yield(now) {
			return
		}
	}
}

// onward holds the recipient to the onward terms of one hop.
func (e *evaluation) onward(t *Terms) {
	r, ok := e.passes(t)
	effect := Permit
	switch {
	case ok:
	case e.lift(t.By):
		if e.why {
			e.say(r, Permit, "/consent", "%s sets aside onward: %s of %s", e.lifter(), t.Mode, holder(t))
		}
		return // the originator's hops are set aside with it
	default:
		effect = Withhold
		e.bar(r, Withhold, t.By)
	}
	if e.why {
		e.say(r, effect, "/", "onward: %s of %s, and the recipient is %s", t.Mode, holder(t), e.kind.phrase())
	}
	if e.kind == KindOrg || e.hop <= t.MaxHops {
		return
	}
	if !e.lift(t.By) && e.bar(ruleHops, Withhold, t.By) {
		e.say(ruleHops, Withhold, "/", "this would be hop %d, and the terms of %s end at %d", e.hop, holder(t), t.MaxHops)
	}
}

// lifter names the consent that lifts.
func (e *evaluation) lifter() string {
	if e.given == nil {
		return "a consent of the originator"
	}
	return e.given.ID
}

// holder names who set terms.
func holder(t *Terms) OrgID {
	if t.By == "" {
		return "a holder who is not named"
	}
	return t.By
}

// passes reports whether the mode of t lets the object go to the recipient, and
// the rule that says so. What is no mode is none.
func (e *evaluation) passes(t *Terms) (rule, bool) {
	inside := e.kind >= KindOrg
	switch t.Mode {
	case "consent":
		return ruleConsent, inside
	case "clients":
		return ruleClients, e.kind >= KindClient
	case "community":
		return ruleCommunity, e.kind >= KindClient || e.kind != KindPublic && e.among(t.Communities)
	case "listed":
		return ruleListed, inside || e.kind != KindPublic && slices.Contains(t.To, e.f.To)
	case "tlp":
		return ruleTLPMode, e.kind != KindPublic || e.level == LevelClear
	}
	return ruleNone, inside
}

// among reports whether the recipient is in one of the communities; with none
// named, in those of the label.
func (e *evaluation) among(communities []string) bool {
	if len(communities) == 0 {
		return e.kind == KindCommunity
	}
	for _, c := range communities {
		if slices.Contains(e.f.to.Communities, c) {
			return true
		}
	}
	return false
}

// codes is stage 6.
func (e *evaluation) codes() {
	e.handling()
	e.quality()
	e.policies()
	e.statements()
	if e.f.clear && e.hit(ruleEncrypt, Withhold) {
		e.say(ruleEncrypt, Withhold, "", "the flow is only pushed, and to a server that is reached without encryption")
	}
}

// handling is about the codes H0 to H3, the object's and those of terms.
func (e *evaluation) handling() {
	f := e.f
	own := codes(0).with(e.l.Handling)
	all := own
	blocked := own & (codeH2 | codeH3)
	for t := range e.terms {
		c := codes(0).with(t.Handling)
		all |= c
		if c&(codeH2|codeH3) != 0 && e.kind < KindOrg && !e.lift(t.By) {
			e.refuseOnward(c, t.By)
		}
	}
	if all&^f.accept != 0 && e.hit(ruleAccept, Withhold) {
		e.say(ruleAccept, Withhold, "", "the object has handling codes that the flow does not carry")
	}
	if all&codeH0 != 0 {
		e.uses &= f.crime
		if e.uses == 0 && e.hit(ruleH0, Withhold) {
			e.say(ruleH0, Withhold, "", "the object is for preventing and combating crime, and no purpose that is left is")
		}
	}
	if e.hop > 1 && e.kind < KindOrg && blocked != 0 && !e.lift(e.originator) {
		e.refuseOnward(blocked, e.originator)
	}
}

// refuseOnward withholds for H2 or H3.
func (e *evaluation) refuseOnward(c codes, by OrgID) {
	if c&codeH2 != 0 && e.bar(ruleH2, Withhold, by) {
		e.say(ruleH2, Withhold, "/", "H2 of %s, and there is no consent in force for this recipient", holder(&Terms{By: by}))
	}
	if c&codeH3 != 0 && e.bar(ruleH3, Withhold, by) {
		e.say(ruleH3, Withhold, "/", "H3 of %s, and there is no consent in force for this recipient", holder(&Terms{By: by}))
	}
}

// quality is about the 4x4 evaluation.
func (e *evaluation) quality() {
	f, l := e.f, e.l
	low := f.lowGrade(l.Source, sourceGrades, f.minSource) || f.lowGrade(l.Information, informationGrades, f.minInfo)
	if low && e.hit(ruleQuality, Withhold) {
		e.say(ruleQuality, Withhold, "", "the evaluation %q%q is missing or below the floor %q%q", l.Source, l.Information,
			f.Terms.Handling.Evaluation.MinSource, f.Terms.Handling.Evaluation.MinInformation)
	}
}

// lowGrade reports whether a grade is below the floor, or missing where it must
// not be.
func (f *Flow) lowGrade(text, grades string, floor byte) bool {
	if floor == 0 {
		return false
	}
	if text == "" {
		return f.Terms.Handling.Evaluation.Missing != "permit" && f.Terms.Handling.Evaluation.Missing != ""
	}
	r := rank(text, grades)
	return r == 0 || r > floor
}

// policies is about IEP, ACS and PAP.
func (e *evaluation) policies() {
	f, l := e.f, e.l
	if p := l.IEP; p != nil {
		if !f.Terms.IEP.Accept && e.hit(ruleIEP, Withhold) {
			e.say(ruleIEP, Withhold, "", "the object carries an Information Exchange Policy, and the flow does not accept them")
		}
	}
	if f.to.Commercial && f.Terms.Actions.UnmodifiedResale == "may" && e.noResale() && e.hit(ruleResale, Withhold) {
		e.say(ruleResale, Withhold, "", "the recipient may resell by this flow, and the object must not be resold")
	}
	if a := l.ACS; a != nil && !e.acs(a) && e.hit(ruleACS, Withhold) {
		e.say(ruleACS, Withhold, "", "the object's access control specification does not permit this recipient, or is not evaluated")
	}
	if p := l.PAP.join(papOf(l.IEP)); p > f.papMax && e.hit(rulePAP, Withhold) {
		e.say(rulePAP, Withhold, "", "the object is PAP:%s, and the recipient can honour it down to %s", p, f.papMax)
	}
}

// noResale reports whether the object, or a holder before us, forbids resale.
func (e *evaluation) noResale() bool {
	if e.l.IEP != nil && e.l.IEP.Resale != "may" {
		return true
	}
	for t := range e.terms {
		if !t.Resale {
			return true
		}
	}
	return false
}

// acs evaluates an access control specification; anything it does not
// permit is denied.
func (e *evaluation) acs(a *ACS) bool {
	f := e.f
	if f.Terms.ACS != "evaluate" || a.CUI || !a.Permit || e.hop > 1 && !a.Onward {
		return false
	}
	if len(a.Organizations) > 0 && !slices.Contains(a.Organizations, "ALL") && !slices.Contains(a.Organizations, string(f.To)) && !slices.Contains(a.Organizations, f.to.Name) {
		return false
	}
	if len(a.Nationalities) == 0 {
		return true
	}
	for _, j := range f.to.Jurisdictions {
		if !slices.Contains(a.Nationalities, j) && !(j == "US" && slices.Contains(a.Nationalities, "USA")) {
			return false
		}
	}
	return len(f.to.Jurisdictions) > 0
}

// papOf is the level of PAP that stands for the actions an IEP permits.
func papOf(p *IEP) Level {
	if p == nil {
		return LevelNone
	}
	switch p.Actions {
	case "externally-visible-direct-actions":
		return LevelGreen
	case "externally-visible-indirect-actions":
		return LevelAmber
	}
	return LevelRed
}

// statements is about statement markings.
func (e *evaluation) statements() {
	s := &e.f.Terms.Statements
	for _, id := range e.l.Statements {
		effect, known := s.Known[id]
		if !known {
			effect = s.Unknown
		}
		if effect != "carry" && effect != "" && e.hit(ruleStatement, Withhold) {
			e.say(ruleStatement, Withhold, "", "the statement %s bars the object from this flow", id)
		}
	}
}

// time is stage 7; the agreement's own times are in its state.
func (e *evaluation) time() {
	if e.keep {
		return
	}
	f, l := e.f, e.l
	if p := l.IEP; p != nil {
		e.next(p.Start)
		e.next(p.End)
		if (e.at < p.Start || e.at >= p.End) && e.hit(ruleIEPWindow, Withhold) {
			e.say(ruleIEPWindow, Withhold, "", "the Information Exchange Policy permits from %s to %s", p.Start, p.End)
		}
	}
	if until := max(l.Embargo, f.embargo); e.at < until {
		e.next(until)
		e.embargoed(until, "embargo.until", false)
	}
	e.operations()
	e.age()
}

// embargoed withholds unless a consent lifts it.
func (e *evaluation) embargoed(until Instant, path string, object bool) {
	if e.lift(e.originator) {
		return
	}
	wanted := false
	if object {
		wanted = e.object(ruleEmbargo, Withhold)
	} else {
		wanted = e.bar(ruleEmbargo, Withhold, e.originator)
	}
	if wanted {
		e.say(ruleEmbargo, Withhold, path, "the object is under an embargo until %s", until)
	}
}

// operations is about embargoes on labels.
func (e *evaluation) operations() {
	if e.l.Lacks&PartLabels != 0 {
		return
	}
	c := e.content()
	for i := range e.f.operations {
		o := &e.f.operations[i]
		if e.at >= o.until {
			continue
		}
		e.d.PerObject = true
		e.next(o.until)
		if c != nil && slices.Contains(c.Labels, o.label) {
			e.embargoed(o.until, "embargo.on_labels", true)
		}
	}
}

// age is about the limit on created. An object that does not say when it was
// created has no age.
func (e *evaluation) age() {
	if e.f.maxAge.IsZero() {
		return
	}
	e.d.PerObject = true
	if e.t == nil || e.t.Header == nil || e.t.Header.Created == "" {
		return
	}
	created, ok := stixInstant(e.t.Header.Created)
	end := e.f.maxAge.After(created)
	e.next(end)
	if (!ok || e.at >= end) && e.object(ruleAge, Withhold) {
		e.say(ruleAge, Withhold, "", "the object was created at %s and is older than %s", e.t.Header.Created, e.f.Terms.Limits.MaxAge)
	}
}
