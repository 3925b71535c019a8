package policy

import (
	"slices"
	"strings"
)

// maxFlows is how many flows of a source can take an object; more are not asked.
const maxFlows = 64

// admit asks the flows whether they take the object, and keeps in p which do:
// those in force, or, if none is, those that only stage it.
func (r *Receiver) admit(in *Arrival, p *prospect) *Refusal {
	flows := r.source.Flows[:min(len(r.source.Flows), maxFlows)]
	var staged uint64
	for i, f := range flows {
		switch ok, _ := r.takes(f, in, p, asking{}); {
		case !ok:
		case f.State(in.At).Receive == Staged:
			staged |= 1 << i
		default:
			p.flows |= 1 << i
		}
	}
	if p.flows == 0 {
		p.flows, p.staged = staged, staged != 0
	}
	if p.flows == 0 {
		return r.refuse(flows, in, p, asking{})
	}
	for i, f := range flows {
		if p.flows&(1<<i) != 0 {
			p.embargo = max(p.embargo, f.embargoOf(in))
		}
	}
	return nil
}

// carry asks the flows by which a labelled object came whether they would carry it
// as it is now known. A flow that no longer exists would not.
func (r *Receiver) carry(in *Arrival, p *prospect, label *Label) *Refusal {
	var flows []*Flow
	for _, f := range r.source.Flows {
		came := func(t Terms) bool { return t.Under == f.Agreement.ID && t.Flow == f.Name }
		if !slices.ContainsFunc(label.Terms, came) {
			continue
		}
		if ok, _ := r.takes(f, in, p, asking{again: true}); ok {
			return nil
		}
		flows = append(flows, f)
	}
	return r.refuse(flows, in, p, asking{again: true})
}

// refuse says why no flow takes the object.
func (r *Receiver) refuse(flows []*Flow, in *Arrival, p *prospect, q asking) *Refusal {
	q.why = true
	var nearest []Reason
	for _, f := range flows {
		_, reasons := r.takes(f, in, p, q)
		if nearest == nil || len(reasons) > 0 && reasons[0].Stage > nearest[0].Stage {
			nearest = reasons
		}
	}
	if len(nearest) == 0 {
		nearest = []Reason{{Stage: StageGrant, Rule: rules[ruleSelect].Name, Text: "no agreement lets the partner write to this collection"}}
	}
	return &Refusal{Reasons: nearest}
}

// asking is how a flow is asked.
type asking struct {
	why   bool // reasons are wanted
	again bool // the object is here already: when and how it came does not matter
}

// takes holds an object to the terms of a flow to us, as the partner should have:
// the rules of the decision about a first transfer that the agreement makes, but
// for those about personal data, sources and parts, which are the sender's to keep.
// The reasons are what withholds the object.
func (r *Receiver) takes(f *Flow, in *Arrival, p *prospect, q asking) (ok bool, reasons []Reason) {
	l := &r.draft
	*l = Label{Type: p.kind, Revoked: p.revoked, Lacks: p.lacks, Default: f.normal}
	p.says(l)
	r.traits = Traits{Header: &in.Object.Header, Content: in.Content}
	e := evaluation{question: question{why: q.why}, f: f, l: l, t: &r.traits, at: in.At, certain: Permit, hop: 1}
	e.d = Decision{Effect: Permit, Until: Never}
	e.types()
	e.purposes()
	e.selection(&f.Terms.Select)
	e.highest(p)
	e.codes()
	e.extensions()
	if !q.again {
		e.welcome(r)
		e.age()
	}
	if e.d.Effect != Withhold {
		return true, nil
	}
	reasons = slices.DeleteFunc(e.d.Reasons, func(r Reason) bool { return r.Effect != Withhold })
	slices.SortStableFunc(reasons, func(a, b Reason) int { return int(a.Stage) - int(b.Stage) })
	return false, reasons
}

// types holds the object to what types the flow selects.
func (e *evaluation) types() {
	if !e.selected() && e.hit(ruleSelect, Withhold) {
		e.say(ruleSelect, Withhold, "select.types", "the flow does not select objects of type %s", e.l.Type)
	}
}

// welcome holds the object to whether, how and where the flow takes anything.
func (e *evaluation) welcome(r *Receiver) {
	f := e.f
	if s := f.State(e.at); s.Receive == Refused && e.hit(ruleState, Withhold) {
		e.say(ruleState, Withhold, stateTerm(s.Status), "the agreement is %s", s.Status)
	}
	if ch := r.source.Channel; ch != "" && !slices.Contains(f.Terms.Channels, ch) && e.hit(ruleSelect, Withhold) {
		e.say(ruleSelect, Withhold, "channels", "the flow does not run by %s", ch)
	}
	at := func(place string) bool { return slices.Contains(r.source.Places, place) }
	if where := f.Terms.Retention.Residency; len(where) > 0 && !slices.ContainsFunc(where, at) && e.hit(ruleResidency, Withhold) {
		e.say(ruleResidency, Withhold, "", "copies may only be kept in %s, and this server is not known to be there", strings.Join(where, ", "))
	}
}

// highest holds the object, and its strictest part, to the ceiling. A level that is
// not known yet may turn out to be one that the flow carries.
func (e *evaluation) highest(p *prospect) {
	level := e.joined()
	if p.own.level == LevelUnknown {
		level = e.f.floor
	}
	if p.parts.level != LevelUnknown {
		level = level.join(p.parts.level)
	}
	if e.level = level; level != LevelUnknown {
		e.ceiling()
	}
}

// embargoOf is the end of the embargo that the flow puts on an object.
func (f *Flow) embargoOf(in *Arrival) Instant {
	until := f.embargo
	for i := range f.operations {
		if o := &f.operations[i]; in.Content != nil && slices.Contains(in.Content.Labels, o.label) {
			until = max(until, o.until)
		}
	}
	return until
}
