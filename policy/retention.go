package policy

// Retain is the instant at which our copy must be gone: the shortest retention of
// the terms that bind it, and what the agreement that it came under allows after its
// end. received is when it came. It is Never for what was written here.
func (s *Set) Retain(l *Label, received Instant) Instant {
	until := Never
	for i := range l.Terms {
		if text := l.Terms[i].Retention; text != "" {
			p, err := ParsePeriod(text)
			if err != nil {
				return received // doubt denies
			}
			until = min(until, p.After(received))
		}
	}
	for _, f := range s.flows {
		if f.Agreement.ID == l.Under && l.From != "" && f.From == l.From {
			until = min(until, f.calendar.retained)
		}
	}
	return until
}
