package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// A Set is the agreements of one organisation, compiled. It does not change and
// may be used concurrently.
type Set struct {
	Us OrgID

	flows    []*Flow
	partners []OrgID
	onward   map[flowKey]*Terms
	speaks   map[OrgID][]OrgID // who speaks for an identity: organisations, by what agreements say they originate
}

// A flowKey names a flow, whatever the revision.
type flowKey struct {
	agreement AgreementID
	flow      string
}

// Compile makes agreements ready for decisions. Each is the revision that counts, of
// an agreement to which us is a party, with defaults applied. Drafts, shadows and
// ended ones may be among them: they grant nothing. The error has every mistake,
// joined, each wrapping ErrInvalid and saying file, line and column if the
// agreement was parsed.
func Compile(us OrgID, agreements []*Agreement) (*Set, error) {
	s := &Set{Us: us, speaks: map[OrgID][]OrgID{}, onward: map[flowKey]*Terms{}}
	var wrong []error
	seen := map[AgreementID]bool{}
	for _, a := range agreements {
		if seen[a.ID] {
			wrong = append(wrong, fmt.Errorf("%w %s: is there twice; give one revision of it", ErrInvalid, a.ID))
			continue
		}
		seen[a.ID] = true
		wrong = append(wrong, s.add(a)...)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	slices.Sort(s.partners)
	s.partners = slices.Compact(s.partners)
	slices.SortStableFunc(s.flows, func(a, b *Flow) int {
		return cmp.Or(cmp.Compare(a.Agreement.ID, b.Agreement.ID), cmp.Compare(a.index, b.index))
	})
	return s, nil
}

// add compiles one agreement into s.
func (s *Set) add(a *Agreement) []error {
	p := &a.Parties
	c := &compiler{agreement: a}
	if (p.A.Org == s.Us) == (p.B.Org == s.Us) {
		c.wrong("parties", "exactly one of them must be %s, whose agreements these are", s.Us)
		return c.mistakes
	}
	partner := p.A.Org
	if partner == s.Us {
		partner = p.B.Org
	}
	s.partners = append(s.partners, partner)
	for _, party := range []*Party{&p.A, &p.B} {
		if a.Status == Draft {
			break // it is not agreed who speaks for whom
		}
		for _, identity := range party.Originates {
			s.speaks[identity] = append(s.speaks[identity], party.Org)
		}
	}
	terms := c.calendar()
	for i := range a.Flows {
		f := c.flow(s, terms, i)
		o := f.Onward()
		s.flows = append(s.flows, f)
		s.onward[flowKey{a.ID, f.Name}] = &o
	}
	return c.mistakes
}

// Partners are the other parties of the agreements, sorted.
func (s *Set) Partners() []OrgID { return slices.Clone(s.partners) }

// Out are the flows from us to partner that name a collection by one of names,
// its id and its alias.
func (s *Set) Out(partner OrgID, names ...string) []*Flow { return s.between(s.Us, partner, names) }

// In are the flows from partner to us that name a collection by one of names.
func (s *Set) In(partner OrgID, names ...string) []*Flow { return s.between(partner, s.Us, names) }

func (s *Set) between(from, to OrgID, names []string) []*Flow {
	var found []*Flow
	for _, f := range s.flows {
		if f.From == from && f.To == to && slices.ContainsFunc(f.Terms.Collections, func(c string) bool { return slices.Contains(names, c) }) {
			found = append(found, f)
		}
	}
	return found
}

// Flows are all flows, both ways, by agreement and in the order of its document.
func (s *Set) Flows() []*Flow { return slices.Clone(s.flows) }

// Speaks reports whether org is identity, or speaks for it by what an agreement
// says that it originates.
func (s *Set) Speaks(org, identity OrgID) bool {
	return org == identity || slices.Contains(s.speaks[identity], org)
}

// A compiler collects the mistakes of one agreement.
type compiler struct {
	agreement *Agreement
	mistakes  []error
}

// wrong notes a mistake in the term at path.
func (c *compiler) wrong(path, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if p := c.agreement.source.position(path); p != (Position{}) {
		c.mistakes = append(c.mistakes, Mistake{File: p.File, Line: p.Line, Column: p.Column, What: path + " " + what})
		return
	}
	c.mistakes = append(c.mistakes, fmt.Errorf("%s: %s %s: %w", c.agreement.ID, path, what, ErrInvalid))
}

// instant reads a time; absent is what stands for no text.
func (c *compiler) instant(path, text string, absent Instant) Instant {
	if text == "" {
		return absent
	}
	i, err := ParseInstant(text)
	if err != nil {
		c.wrong(path, "%.40q is not a time; write it as \"2026-03-01T00:00:00Z\"", text)
	}
	return i
}

// period reads a duration; no text is none.
func (c *compiler) period(path, text string) Period {
	if text == "" {
		return Period{}
	}
	p, err := ParsePeriod(text)
	if err != nil {
		c.wrong(path, "%.40q is not a duration; write it as \"P30D\" or \"PT24H\"", text)
	}
	return p
}

// level reads a level; absent is what stands for no text.
func (c *compiler) level(path, text string, absent Level) Level {
	if text == "" {
		return absent
	}
	l, ok := ParseLevel(text)
	if !ok {
		c.wrong(path, "%.40q is not a level; write CLEAR, GREEN, AMBER, AMBER+STRICT or RED", text)
	}
	return l
}

// says reports whether the agreement's document has the term at path itself. Of
// an agreement that was not parsed everything counts as written.
func (a *Agreement) says(path string) bool {
	if a.source == nil {
		return true
	}
	_, ok := a.source.positions[path]
	return ok
}
