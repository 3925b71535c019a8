package policy

import (
	"slices"

	"entente/stix"
)

// integrity is stage 0.
func (e *evaluation) integrity() {
	for _, fault := range e.l.Faults {
		r := faultRule(fault)
		if e.hit(r, Withhold) {
			e.say(r, Withhold, "", "the object has the fault %s", fault)
			e.d.Reasons[len(e.d.Reasons)-1].Rule = fault
		}
	}
	if e.l.Type == "" && e.hit(ruleFault, Withhold) {
		e.say(ruleFault, Withhold, "", "the label says no type")
	}
	if e.t != nil && (e.t.Header == nil || e.t.Content == nil) {
		e.t = &Traits{}
		if e.hit(ruleError, Withhold) {
			e.say(ruleError, Withhold, "", "the object could not be looked into")
		}
	}
}

// grant is stage 1: an agreement in force, a selection, a purpose.
func (e *evaluation) grant() {
	f, l := e.f, e.l
	s := f.calendar.state(e.at)
	e.next(s.Until)
	granted := s.Release
	if e.keep {
		granted = s.Reread
	}
	switch {
	case !granted:
		if e.hit(ruleState, Withhold) {
			e.say(ruleState, Withhold, stateTerm(s.Status), "the agreement is %s", s.Status)
		}
	case e.why:
		e.say(ruleState, Permit, stateTerm(s.Status), "the agreement is %s", s.Status)
	}
	sel := &f.Terms.Select
	switch {
	case !e.selected():
		if e.hit(ruleSelect, Withhold) {
			e.say(ruleSelect, Withhold, "select.types", "the flow does not select objects of type %s", l.Type)
		}
	case e.why:
		e.say(ruleSelect, Permit, "select.types", "the flow selects objects of type %s", l.Type)
	}
	e.selection(sel)
	e.purposes()
}

// stateTerm is the term that makes a status.
func stateTerm(s Status) string {
	switch s {
	case Pending:
		return "/valid.from"
	case Expired:
		return "/valid.until"
	}
	return "/status"
}

// selected reports whether the flow selects the type. A marking definition goes
// where what it marks goes, so only not_types keeps it out.
func (e *evaluation) selected() bool {
	sel, kind := &e.f.Terms.Select, e.l.Type
	return (selects(sel.Types, kind) || kind == "marking-definition") && !selects(sel.NotTypes, kind)
}

// selects reports whether a list of types has one.
func selects(types []string, typ string) bool {
	return slices.Contains(types, typ) || slices.Contains(types, "*")
}

// selection holds the object to what select says about more than its type.
func (e *evaluation) selection(sel *Select) {
	c := e.content()
	if len(sel.RelationshipTypes) > 0 && e.l.Type == "relationship" {
		e.d.PerObject = true
		if c != nil && !slices.Contains(sel.RelationshipTypes, c.Relationship) && e.object(ruleSelect, Withhold) {
			e.say(ruleSelect, Withhold, "select.relationship_types", "the flow does not select relationships of type %.60q", c.Relationship)
		}
	}
	if len(sel.LabelsAny) > 0 {
		switch {
		case e.l.Lacks&PartLabels != 0:
			if e.hit(ruleSelect, Withhold) {
				e.say(ruleSelect, Withhold, "select.labels_any", "the object has no labels, and the flow selects by label")
			}
		case c != nil && !slices.ContainsFunc(c.Labels, func(label string) bool { return slices.Contains(sel.LabelsAny, label) }):
			if e.object(ruleSelect, Withhold) {
				e.say(ruleSelect, Withhold, "select.labels_any", "none of the object's labels is one that the flow selects")
			}
		}
		e.d.PerObject = true
	}
	if sel.MinConfidence > 0 {
		e.d.PerObject = true
		if c != nil && c.Confidence < sel.MinConfidence && e.object(ruleSelect, Withhold) {
			e.say(ruleSelect, Withhold, "select.min_confidence", "the confidence is below %d, or not told", sel.MinConfidence)
		}
	}
	if e.f.where != nil {
		e.d.PerObject = true
		if c != nil && !e.f.where.match(e.t, e.joined()) && e.object(ruleSelect, Withhold) {
			e.say(ruleSelect, Withhold, "select.where", "the object is not one that the flow's expression selects")
		}
	}
}

// content is that of the object; nil if it is not known.
func (e *evaluation) content() *stix.Content {
	if e.t == nil {
		return nil
	}
	return e.t.Content
}

// purposes keeps, as bits, the purposes that everybody allows.
func (e *evaluation) purposes() {
	f := e.f
	e.uses = 1<<len(f.purposes) - 1
	e.allow(e.l.Purposes)
	for t := range e.terms {
		e.allow(t.Purposes)
	}
	if e.uses == 0 && e.hit(rulePurpose, Withhold) {
		e.say(rulePurpose, Withhold, "", "no purpose of the flow is allowed by the agreement, the markings and the terms that came with the object")
	}
}

// allow drops the purposes that are not in a list; an empty list has all.
func (e *evaluation) allow(purposes []string) {
	if len(purposes) == 0 {
		return
	}
	for i, p := range e.f.purposes {
		if !slices.Contains(purposes, p) {
			e.uses &^= 1 << i
		}
	}
}

// joined is the level of the object: the markings', or the default, and the
// floors of all terms that bind it.
func (e *evaluation) joined() Level {
	level := e.l.Level
	if level == LevelNone {
		level = e.l.Default
	}
	if level == LevelNone {
		return LevelUnknown
	}
	level = level.join(e.f.floor).join(e.l.Floor)
	for t := range e.terms {
		level = level.join(t.Floor)
	}
	return level
}

// label is stage 2.
func (e *evaluation) label() {
	e.level = e.joined()
	l := e.l
	switch {
	case l.Level == LevelNone && l.Default == LevelNone:
		if e.hit(ruleUnlabelled, Withhold) {
			e.say(ruleUnlabelled, Withhold, "", "the object has no marking of TLP, and no default is known")
		}
	case e.level >= LevelUnknown || l.Granular >= LevelUnknown:
		if e.hit(ruleUnresolved, Withhold) {
			e.say(ruleUnresolved, Withhold, "", "a marking of the object cannot be read")
		}
	}
}

// ceiling is stage 3.
func (e *evaluation) ceiling() {
	f := e.f
	effect := Permit
	if !e.below(e.level) {
		effect = Withhold
		e.hit(ruleCeiling, Withhold)
	}
	if !e.why {
		return
	}
	if e.level == LevelRed && f.max == LevelRed && f.Terms.TLP.Red != "named" {
		e.say(ruleCeiling, effect, "tlp.red", "the object is RED, and the flow does not go to a named person")
		return
	}
	e.say(ruleCeiling, effect, "", "the object counts as %s, and the flow carries up to %s", e.level, f.max)
}

// below reports whether the flow carries a level.
func (e *evaluation) below(l Level) bool {
	return l <= e.f.max && (l != LevelRed || e.f.Terms.TLP.Red == "named")
}

// audience is stage 4.
func (e *evaluation) audience() {
	f, l := e.f, e.l
	e.kind = e.recipient()
	if !f.Echo() && (f.to.speaks(l.From) || f.to.speaks(l.Creator)) && e.hit(ruleEcho, Withhold) {
		e.say(ruleEcho, Withhold, "", "the object came from the recipient or was created by it")
	}
	switch {
	case !e.reaches(e.level):
		if e.bar(ruleAudience, Withhold, e.widener(e.level)) {
			e.say(ruleAudience, Withhold, "", "%s at hop %d may not go to %s", e.level, e.hop, e.kind.phrase())
		}
	case e.why && e.level.reaches(e.kind, e.hop, e.clientDepth()):
		e.say(ruleAudience, Permit, "", "%s at hop %d may go to %s", e.level, e.hop, e.kind.phrase())
	case e.why:
		e.say(ruleAudience, Permit, "/consent", "%s at hop %d may go to %s by %s", e.level, e.hop, e.kind.phrase(), e.lifter())
	}
}

// reaches reports whether the audience of a level, or a consent, has the
// recipient.
func (e *evaluation) reaches(l Level) bool {
	if l >= LevelUnknown {
		return false
	}
	return l.reaches(e.kind, e.hop, e.clientDepth()) || e.lift(e.widener(l))
}

// widener is who may widen the audience of a level by a consent: the originator,
// to whom TLP means nothing, after the first hop; of RED for a named person only.
func (e *evaluation) widener(l Level) OrgID {
	if e.hop <= 1 || l >= LevelUnknown || l == LevelRed && !e.f.named {
		return ""
	}
	return e.originator
}

// recipient is what the recipient is to us for this label.
func (e *evaluation) recipient() Kind {
	f := e.f
	switch {
	case f.named && e.hop <= 1:
		return KindNamed
	case f.kind == KindPartner && !f.exact && e.member():
		return KindCommunity
	}
	return f.kind
}

// member reports whether the recipient is in every community that the label and
// the flow name; no community has no members.
func (e *evaluation) member() bool {
	f := e.f
	if f.Terms.TLP.Community == "" && len(e.l.Communities) == 0 {
		return false
	}
	for _, c := range e.l.Communities {
		if !slices.Contains(f.to.Communities, c) {
			return false
		}
	}
	return f.Terms.TLP.Community == "" || slices.Contains(f.to.Communities, f.Terms.TLP.Community)
}

// clientDepth is how many client hops AMBER may travel, by all terms.
func (e *evaluation) clientDepth() int {
	depth := 255
	for t := range e.terms {
		depth = min(depth, t.ClientDepth)
	}
	return depth
}

// speaks reports whether id is the party or one that it originates.
func (p *Party) speaks(id OrgID) bool {
	return id != "" && (id == p.Org || slices.Contains(p.Originates, id))
}
