package policy

import "slices"

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
	return min(until, s.retained(l))
}

// retained is the instant until which the flows by which a copy came let it be kept
// after the end of their agreement; of all flows from there, if they are there no
// longer.
func (s *Set) retained(l *Label) Instant {
	named, all := Never, Never
	for _, f := range s.flows {
		if f.Agreement.ID != l.Under || l.From == "" || f.From != l.From {
			continue
		}
		all = min(all, f.retained)
		if slices.ContainsFunc(l.Terms, func(t Terms) bool { return t.Under == l.Under && t.Flow == f.Name }) {
			named = min(named, f.retained)
		}
	}
	if named < Never {
		return named
	}
	return all
}
