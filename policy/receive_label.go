package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxLabels is how many labels a Receiver remembers.
const maxLabels = 4096

// label makes the label of what was found out, or finds one that is like it.
func (r *Receiver) label(in *Arrival, p *prospect) *Label {
	if in.Upstream == nil {
		if l := r.labels[p.labelKey]; l != nil {
			return l
		}
	}
	l := r.make(in, p)
	if in.Upstream != nil {
		return l
	}
	if len(r.labels) >= maxLabels {
		clear(r.labels)
	}
	key := p.labelKey // its strings may be slices of a large object
	key.kind, key.creator = l.Type, l.Creator
	key.ais, key.faults = strings.Clone(key.ais), strings.Clone(key.faults)
	r.labels[key] = l
	return l
}

// make makes a new label.
func (r *Receiver) make(in *Arrival, p *prospect) *Label {
	l := &Label{From: r.source.From}
	p.fill(l, in)
	r.way(l, in.Upstream)
	var communities []string
	flows := p.flows
	if flows == 0 {
		flows = ^uint64(0) // taken in doubt: it came by one of them, and the terms of all bind
	}
	for i, f := range r.source.Flows[:min(len(r.source.Flows), maxFlows)] {
		if flows&(1<<i) == 0 {
			continue
		}
		if l.Under == "" {
			l.Under, l.Revision = f.Agreement.ID, f.Agreement.Revision
		}
		l.Terms = append(l.Terms, f.Onward())
		l.Default = l.Default.join(f.normal)
		if pap := f.Terms.PAP.Default; pap != "" && p.own.join(p.parts).pap == LevelNone && f.agreed("pap.default") {
			l.PAP = l.PAP.join(f.papNormal)
		}
		if c := f.Terms.TLP.Community; c != "" {
			communities = append(communities, c)
		}
	}
	slices.Sort(communities)
	l.Communities = slices.Compact(communities)
	switch {
	case l.Level != LevelNone && l.Level != LevelUnknown:
		l.Default = LevelNone
	case l.Default == LevelNone:
		l.Default = LevelAmberStrict
	}
	return l
}

// agreed reports whether the agreement's document has the term of the flow itself.
func (f *Flow) agreed(term string) bool {
	path, _ := f.cite(term)
	return f.Agreement.says(path)
}

// way is how the copy got here. The partner's own objects crossed one boundary;
// others, more, and nobody knows how many unless the partner can tell. What our own
// people write is ours, unless its creator is one whom a partner speaks for: then
// it came past an agreement, and stays inside.
//
// An object without a creator counts as its sender's. That can only be seen for
// this copy: others of it have labels of their own.
func (r *Receiver) way(l *Label, up *Upstream) {
	l.Originator = l.Creator == "" || r.set.Speaks(r.from(), l.Creator)
	switch {
	case l.From == "" && l.Originator:
	case l.From == "" && r.set.foreign(l.Creator):
		l.Hops = UnknownHops
	case l.From == "":
		l.Originator = true
	case l.Originator:
		l.Hops = 1
	case up == nil:
		l.Hops = UnknownHops
	default:
		l.Hops = uint8(min(max(int(up.Hops), len(up.Terms), 1)+1, UnknownHops-1))
	}
	if up != nil {
		l.Terms = slices.Clone(up.Terms)
		l.Floor = up.Floor
		l.Embargo = max(l.Embargo, up.Embargo)
	}
}

// foreign reports whether an identity is that of a partner, or one that a partner
// speaks for.
func (s *Set) foreign(identity OrgID) bool {
	other := func(org OrgID) bool { return org != s.Us }
	return slices.Contains(s.partners, identity) || slices.ContainsFunc(s.speaks[identity], other)
}

// fill puts into l what was found out about the object itself.
func (p *prospect) fill(l *Label, in *Arrival) {
	l.Type, l.Creator = strings.Clone(p.kind), OrgID(strings.Clone(string(p.creator)))
	l.Revoked, l.Lacks, l.AIS = p.revoked, p.lacks, strings.Clone(p.ais)
	p.says(l)
	l.Personal = p.personal
	l.Embargo = max(l.Embargo, p.embargo)
	if p.faults != "" {
		l.Faults = union(l.Faults, strings.Split(p.faults, " "))
	}
}

// says puts into l what the markings say.
func (p *prospect) says(l *Label) {
	m := p.own.join(p.parts)
	l.Level, l.Granular, l.Editions = p.own.level, p.parts.level, m.editions
	l.Faults, l.Handling, l.Source, l.Information, l.PAP = m.faults, m.handling, m.source, m.information, m.pap
	l.IEP, l.ACS, l.Purposes, l.Statements, l.Embargo = m.iep, m.acs, m.purposes, m.statements, m.embargo
	l.Judicial, l.Coded = m.judicial, m.coded
	if p.kind == "marking-definition" && l.Level == LevelNone {
		l.Level = LevelClear // it is shown only to those who see what it marks, and says nothing that they must not know
	}
}

// Canonical is the label as JSON; equal labels have equal text.
func (l *Label) Canonical() ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("label: %w", err)
	}
	return text, nil
}

// ParseLabel reads what Canonical writes, and nothing else. The error wraps
// ErrInvalid.
func ParseLabel(text []byte) (*Label, error) {
	l := new(Label)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("%w: label: %w", ErrInvalid, err)
	}
	again, err := l.Canonical()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if string(again) != string(text) {
		return nil, fmt.Errorf("%w: label: the text is not as labels are written", ErrInvalid)
	}
	return l, nil
}
