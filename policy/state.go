package policy

import "slices"

// A State is what an agreement allows at an instant, whatever is shared under it.
// The zero State allows nothing.
type State struct {
	Status  Status  // as it counts: also "pending" before valid.from and "expired" after valid.until
	Release bool    // something new may be released
	Reread  bool    // what was released may be read again
	Receive Receipt // what becomes of what the partner sends
	Recall  bool    // recalls and revocations may be sent
	Listed  bool    // the partner sees the flow's collections
	Until   Instant // the first instant at which the state may be another; Never if time changes nothing
}

// States that are computed and that no document declares.
const (
	Pending Status = "pending"
	Expired Status = "expired"
)

// A Receipt is what becomes of what a partner sends.
type Receipt uint8

const (
	Refused Receipt = iota
	Staged          // kept apart, evaluated, never served
	Accepted
)

// A calendar is what of an agreement depends on time.
type calendar struct {
	declared           Status
	from, until, grace Instant // grace: up to this instant what was released may be read again
	review             Instant // from here on suspended, for want of a review; Never if that is not agreed
	hideOld            bool    // suspension hides what was released
	retained           Instant // of what was terminated, recalls go out until then
}

// calendar compiles the times of the agreement.
func (c *compiler) calendar() *calendar {
	a := c.agreement
	t := &calendar{
		declared: a.Status,
		from:     c.instant("valid.from", a.Valid.From, Never),
		until:    c.instant("valid.until", a.Valid.Until, 0),
		review:   c.instant("valid.review_by", a.Valid.ReviewBy, Never),
		hideOld:  a.Suspension.Effect != "stop-new",
	}
	switch a.Status {
	case Draft, Shadow, Active, Suspended, Terminated:
	default:
		c.wrong("status", "%.40q is not a status; write draft, shadow, active, suspended or terminated", string(a.Status))
	}
	t.grace = c.period("valid.grace", a.Valid.Grace).After(t.until)
	if !slices.Contains(a.Suspension.Triggers, "review-overdue") {
		t.review = Never
	}
	longest := Period{}
	for i := range a.Flows {
		if p, err := ParsePeriod(a.Flows[i].Retention.AfterTermination); err == nil && longest.shorter(p) {
			longest = p
		}
	}
	t.retained = longest.After(t.until)
	return t
}

// state is that at an instant.
func (t *calendar) state(at Instant) State {
	s := State{Status: t.declared, Until: Never}
	next := func(i Instant) {
		if i > at && i < s.Until {
			s.Until = i
		}
	}
	switch t.declared {
	case Active, Suspended:
		next(t.from)
		next(t.until)
		next(t.grace)
		next(t.review)
	case Shadow:
		s.Receive = Staged
		return s
	case Terminated:
		s.Recall = at < t.retained
		next(t.retained)
		return s
	default:
		return s
	}
	switch {
	case at < t.from:
		s.Status = Pending
		return s
	case at >= t.review:
		s.Status = Suspended
	}
	suspended := s.Status == Suspended
	s.Recall = true
	s.Reread = !suspended || !t.hideOld
	s.Listed = true
	switch {
	case at >= t.until:
		s.Status = Expired
		s.Reread = s.Reread && at < t.grace
		s.Listed = s.Reread
	case suspended:
		s.Receive = Staged
	default:
		s.Release = true
		s.Receive = Accepted
	}
	return s
}

// State is what the flow's agreement allows at an instant.
func (f *Flow) State(at Instant) State { return f.calendar.state(at) }
