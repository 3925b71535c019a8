package policy

import "fmt"

// Best is what a recipient gets of an object: the best of all flows to it and all
// holdings of the object. Independent copies do not restrict each other: what may be
// shown of one holding by one flow is shown. Permit comes before Redact, then the
// originator's copy before a relayed one, then the earlier holding, then the
// earlier flow.
//
// flow and holding are those that won; nil and -1 if everything is withheld. Then,
// with why, the reasons are those of all. Without traits, what is sure comes before
// what depends on the object. Until is the earliest instant at which
// the outcome may be another. A decision that panics withholds.
func Best(flows []*Flow, holdings []Label, t *Traits, at Instant, why bool) (d Decision, flow *Flow, holding int) {
	return best(flows, holdings, t, at, why, (*Flow).Decide)
}

// BestKept is Best for what was released already (see Keep).
func BestKept(flows []*Flow, holdings []Label, t *Traits, at Instant, why bool) (d Decision, flow *Flow, holding int) {
	return best(flows, holdings, t, at, why, (*Flow).Keep)
}

func best(flows []*Flow, holdings []Label, t *Traits, at Instant, why bool, decide decider) (d Decision, flow *Flow, holding int) {
	holding = -1
	all := Decision{Until: Never, OnlyConsent: true}
	for h := range holdings {
		for _, f := range flows {
			c := decide.safely(f, &holdings[h], t, at, why)
			all.Reasons = append(all.Reasons, c.Reasons...)
			all.Until = min(all.Until, c.Until)
			all.PerObject = all.PerObject || c.PerObject
			all.OnlyConsent = all.OnlyConsent && (c.OnlyConsent || c.Effect == Withhold)
			if c.Effect > d.Effect || c.Effect == d.Effect && flow != nil && ahead(&c, &d, &holdings[h], &holdings[holding], t == nil) {
				d, flow, holding = c, f, h
			}
		}
	}
	d.Until = all.Until
	if flow == nil {
		d.Reasons = all.Reasons
	}
	d.PerObject = all.PerObject && (d.Effect != Permit || d.PerObject)
	d.OnlyConsent = all.OnlyConsent && d.PerObject && flow != nil
	return d, flow, holding
}

// ahead reports whether decision c about holding h comes before d about k, which
// came first and has the same effect.
func ahead(c, d *Decision, h, k *Label, bound bool) bool {
	if bound && c.PerObject != d.PerObject {
		return d.PerObject // what is sure comes first
	}
	return h.Originator && !k.Originator
}

// A decider is Decide or Keep.
type decider func(f *Flow, l *Label, t *Traits, at Instant, why bool) Decision

// safely decides, and withholds if that panics.
func (decide decider) safely(f *Flow, l *Label, t *Traits, at Instant, why bool) (d Decision) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		d = Decision{Until: Never}
		if why {
			d.Reasons = []Reason{{
				Stage: rules[ruleError].Stage, Rule: rules[ruleError].Name, Agreement: f.Agreement.ID, Revision: f.Agreement.Revision, Flow: f.Name,
				Text: fmt.Sprintf("the decision failed: %v", p),
			}}
		}
	}()
	return decide(f, l, t, at, why)
}
