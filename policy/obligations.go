package policy

import (
	"cmp"
	"slices"
	"strings"
)

// obligationNames are all obligations that somebody fulfils, and who.
var obligationNames = map[string]Enforcer{
	"purpose": Recipient, "judicial-use": Recipient, "permitted-actions": Recipient, "no-action": Recipient, "contact-before-action": Recipient,
	"notify-affected": Recipient, "resale": Recipient, "derived-products": Recipient, "ai-training": Recipient, "retention": Recipient,
	"pap": Recipient, "route": Recipient, "display": Recipient, "proprietary": Recipient, "evaluation": Recipient, "breach-notification": Recipient,
	"compelled-disclosure": Recipient, "encrypt-in-transit": Server, "log-ground": Server, "notify-originator": Server,
}

// routes are the bodies that an obligation to route can name, besides the id of
// an organisation.
var routes = []string{"national-unit", "national-unit-of-address"}

// permitted actions (IEP 2.0), strictest first.
var actions = []string{"none", "contact-for-instruction", "internally-visible-actions", "externally-visible-indirect-actions", "externally-visible-direct-actions"}

// strictness ranks the values of terms that allow, ask for consent or forbid;
// absent forbids. It is negative for what is no such value.
func strictness(value string) int {
	switch value {
	case "permit", "may":
		return 0
	case "consent":
		return 1
	case "must-not", "never", "":
		return 2
	}
	return -1
}

var strictNames = [...]string{"may", "consent", "must-not"}

// badObligation names a term of the flow that asks for something nobody can
// fulfil; "" if there is none.
func badObligation(f *Flow) string {
	a, r := &f.Terms.Actions, f.Terms.PersonalData.RouteTo
	switch {
	case a.Permitted != "" && !slices.Contains(actions, a.Permitted):
		return "actions.permitted"
	case strictness(a.NotifyAffected) < 0:
		return "actions.notify_affected"
	case strictness(a.JudicialUse) < 0:
		return "actions.judicial_use"
	case strictness(a.AITraining) < 0:
		return "actions.ai_training"
	case strictness(a.DerivedProducts) < 0:
		return "actions.derived_products"
	case r != "" && !slices.Contains(routes, r) && !strings.HasPrefix(r, "identity--"):
		return "personal_data.route_to"
	}
	if _, err := ParsePeriod(f.Terms.Retention.Max); err != nil && f.Terms.Retention.Max != "" {
		return "retention.max"
	}
	return ""
}

// obligations is stage 13: is everything that binds the recipient something that
// somebody can fulfil?
func (e *evaluation) obligations() {
	if f := e.f; f.bad != "" && e.hit(ruleObligation, Withhold) {
		e.say(ruleObligation, Withhold, f.bad, "nobody can fulfil what %s asks for", f.bad)
	}
	for t := range e.terms {
		if bad := badTerms(t); bad != "" && e.hit(ruleObligation, Withhold) {
			e.say(ruleObligation, Withhold, "/", "nobody can fulfil the %s that came with the object", bad)
		}
	}
	if p := e.l.IEP; p != nil && (!slices.Contains(actions, p.Actions) && p.Actions != "" || strictness(p.Notify) < 0) && e.hit(ruleObligation, Withhold) {
		e.say(ruleObligation, Withhold, "", "nobody can fulfil what the object's Information Exchange Policy asks for")
	}
	if e.lifted && len(e.allowed()) == 0 && e.object(rulePurpose, Withhold) {
		e.say(rulePurpose, Withhold, "", "the consent is for the purpose %s, which is not allowed by the agreement, the markings and the terms that came with the object", e.given.Purpose)
	}
	if e.why && e.d.Effect != Withhold {
		e.d.Obligations = e.duties()
	}
}

// badTerms names what of t nobody can fulfil.
func badTerms(t *Terms) string {
	switch {
	case t.Permitted != "" && !slices.Contains(actions, t.Permitted):
		return "permitted actions"
	case strictness(t.Judicial) < 0:
		return "judicial use"
	case strictness(t.Notify) < 0:
		return "notification"
	case strictness(t.AI) < 0:
		return "training"
	}
	if t.Retention != "" {
		if _, err := ParsePeriod(t.Retention); err != nil {
			return "retention"
		}
	}
	return ""
}

// duties are the obligations of a decision that lets something out: of the flow,
// the markings and all terms before, the strictest of each.
func (e *evaluation) duties() []Obligation {
	f, l := e.f, e.l
	a := &f.Terms.Actions
	var list []Obligation
	add := func(name, arg string) {
		list = append(list, Obligation{Name: name, Arg: arg, By: obligationNames[name]})
	}
	action, judicial := actionRank(a.Permitted), strictness(a.JudicialUse)
	notify, ai, retention := strictness(a.NotifyAffected), strictness(a.AITraining), f.Terms.Retention.Max
	encrypt := a.EncryptInTransit != "may"
	if codes(0).with(l.Handling)&codeH1 != 0 {
		judicial = max(judicial, 1)
	}
	if l.Judicial != "" {
		judicial = max(judicial, strictness(l.Judicial))
	}
	for t := range e.terms {
		action, judicial = min(action, actionRank(t.Permitted)), max(judicial, strictness(t.Judicial))
		notify, ai, retention = max(notify, strictness(t.Notify)), max(ai, strictness(t.AI)), shortest(retention, t.Retention)
		encrypt = encrypt || t.Encrypt
	}
	if p := l.IEP; p != nil {
		action, notify, encrypt = min(action, actionRank(p.Actions)), max(notify, strictness(p.Notify)), encrypt || p.Encrypt
		switch p.Actions {
		case "none":
			add("no-action", "")
		case "contact-for-instruction":
			add("contact-before-action", "")
		}
	}
	add("permitted-actions", actions[action])
	add("judicial-use", strictNames[judicial])
	add("notify-affected", strictNames[notify])
	add("ai-training", strictNames[ai])
	add("derived-products", strictNames[strictness(a.DerivedProducts)])
	if a.UnmodifiedResale != "may" || e.noResale() {
		add("resale", "must-not")
	}
	if retention != "" {
		add("retention", retention)
	}
	if encrypt {
		add("encrypt-in-transit", "")
	}
	add("pap", strings.ToLower(l.PAP.join(papOf(l.IEP)).join(f.papNormal).String()))
	for _, p := range e.allowed() {
		add("purpose", p)
	}
	e.labelDuties(add)
	slices.SortFunc(list, func(a, b Obligation) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arg, b.Arg)) })
	return slices.Compact(list)
}

// allowed are the purposes that the object may be used for.
func (e *evaluation) allowed() (list []string) {
	for i, p := range e.f.purposes {
		if e.uses&(1<<i) != 0 && (!e.lifted || p == e.given.Purpose) {
			list = append(list, p)
		}
	}
	return list
}

// labelDuties adds what only some labels ask for.
func (e *evaluation) labelDuties(add func(name, arg string)) {
	f, l := e.f, e.l
	if l.Personal != 0 {
		if f.Terms.PersonalData.RouteTo != "" {
			add("route", f.Terms.PersonalData.RouteTo)
		}
		if f.Terms.PersonalData.Ground != "" {
			add("log-ground", f.Terms.PersonalData.Ground)
		}
	}
	if l.Source+l.Information != "" {
		add("evaluation", l.Source+l.Information)
	}
	for _, id := range l.Statements {
		add("display", string(id))
	}
	if l.AIS == "ais-consent-everyone-cisa-proprietary" {
		add("proprietary", "")
	}
	if b := f.Agreement.Breach.NotifyWithin; b != "" {
		add("breach-notification", b)
	}
	if n := f.Agreement.Compelled.Notify; n != "" {
		add("compelled-disclosure", n)
	}
}

// actionRank is the place of an action in actions; absent permits what a
// flow permits by default.
func actionRank(action string) int {
	if action == "" {
		action = "internally-visible-actions"
	}
	return max(slices.Index(actions, action), 0)
}

// shortest is the shorter of two durations; "" has no end.
func shortest(a, b string) string {
	p, err := ParsePeriod(a)
	q, err2 := ParsePeriod(b)
	if a == "" || err == nil && err2 == nil && q.shorter(p) {
		return b
	}
	return a
}
