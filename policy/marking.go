package policy

import (
	"slices"

	"entente/stix"
)

// Definitions are the marking definitions and identities in the scope of a
// holding: those that came from where it came from, or that we wrote. A definition
// from anybody else must not be among them, for it could change what a marking
// says.
type Definitions interface {
	// Marking is the text of a marking definition.
	Marking(id stix.ID) (raw string, ok bool)

	// Identity is the labels of the newest version of an identity.
	Identity(id stix.ID) (labels []string, ok bool)
}

// A marking is what a marking definition says, with all that marks it. Markings do
// not change; several join. Lists are sorted and unique. The zero marking says
// nothing.
type marking struct {
	level               Level // of the TLP family
	editions            Editions
	faults              []string
	missing             []stix.ID // definitions that are not known
	handling            []string
	source, information string
	pap                 Level
	iep                 *IEP
	acs                 *ACS
	purposes            []string // nil: any; noPurpose: none
	judicial            string
	coded               bool // restricts by our extension
	statements          []stix.ID
	embargo             Instant
	personal            PersonalData
}

// maxMarkings is the most statements, and the most definitions that are not
// known, that a label takes down. More is a fault.
const maxMarkings = 256

// noPurpose is a list of purposes that allows none: no flow has a purpose without
// a name, and an empty list would allow any.
var noPurpose = []string{""}

var (
	nothing    = &marking{}
	unresolved = &marking{level: LevelUnknown, faults: []string{"marking.unresolved"}}
	circular   = &marking{level: LevelUnknown, faults: []string{"marking.cycle"}}
)

// join is what both say: in each dimension the stricter.
func (m *marking) join(n *marking) *marking {
	switch {
	case m == n || n == nothing:
		return m
	case m == nothing:
		return n
	}
	j := &marking{
		level: m.level.join(n.level), editions: m.editions | n.editions,
		faults: union(m.faults, n.faults), missing: union(m.missing, n.missing),
		handling: union(m.handling, n.handling), statements: union(m.statements, n.statements),
		source: max(m.source, n.source), information: max(m.information, n.information),
		pap: m.pap.join(n.pap), iep: m.iep.join(n.iep), acs: m.acs.join(n.acs),
		purposes: common(m.purposes, n.purposes, noPurpose), judicial: stricter(m.judicial, n.judicial),
		coded: m.coded || n.coded, embargo: max(m.embargo, n.embargo), personal: m.personal | n.personal,
	}
	j.faults = union(j.faults, j.iep.faults())
	if len(j.statements) > maxMarkings || len(j.missing) > maxMarkings {
		j.statements = j.statements[:min(len(j.statements), maxMarkings)]
		j.missing = j.missing[:min(len(j.missing), maxMarkings)]
		j.level, j.faults = LevelUnknown, union(j.faults, unresolved.faults)
	}
	return j
}

// union of two sorted lists without repeats.
func union[T ~string](a, b []T) []T {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0 || slices.Equal(a, b):
		return a
	}
	u := append(slices.Clone(a), b...)
	slices.Sort(u)
	return slices.Compact(u)
}

// common is what two sorted lists have both, where an empty one has everything;
// none stands for nothing.
func common(a, b, none []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	var both []string
	for _, s := range a {
		if slices.Contains(b, s) {
			both = append(both, s)
		}
	}
	if len(both) == 0 {
		return none
	}
	return both
}

// stricter of two values that allow, ask for consent or forbid; "" says nothing.
func stricter(a, b string) string {
	if a == "" || b != "" && strictness(b) > strictness(a) {
		return b
	}
	return a
}

// A resolver finds out what markings say, and remembers it.
type resolver struct {
	defs  Definitions
	known map[stix.ID]*marking
	sets  map[string]*marking // by the ids, one after the other
	key   []byte
}

func newResolver(defs Definitions) *resolver {
	return &resolver{defs: defs, known: map[stix.ID]*marking{}, sets: map[string]*marking{}}
}

// maxKnown is how many markings, and how many sets of them, are remembered.
const maxKnown = 4096

// all is the join of several markings.
func (r *resolver) all(ids []stix.ID) *marking {
	switch len(ids) {
	case 0:
		return nothing
	case 1:
		return r.one(ids[0])
	}
	r.key = r.key[:0]
	for _, id := range ids {
		r.key = append(append(r.key, id...), 0)
	}
	if m := r.sets[string(r.key)]; m != nil {
		return m
	}
	m := nothing
	for _, id := range ids {
		m = m.join(r.one(id))
	}
	if len(r.sets) >= maxKnown {
		clear(r.sets)
	}
	r.sets[string(r.key)] = m
	return m
}

// one is what a marking says.
func (r *resolver) one(id stix.ID) *marking {
	if m := pinned[id]; m != nil {
		return m
	}
	if m := r.known[id]; m != nil {
		return m
	}
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	return r.resolve(id)
}

// A visit is a definition whose own markings are being resolved.
type visit struct {
	id   stix.ID
	says *marking
	rest []stix.ID // markings on it, still to join
}

// resolve reads a definition and those that mark it, directly or not. A
// definition that is marked may be shown only where its markings allow, and
// neither may what uses it (STIX 2.1, section 7.2.1): so they join. It does not
// recurse, because nothing bounds the length of such a chain.
func (r *resolver) resolve(id stix.ID) *marking {
	open := map[stix.ID]bool{id: true}
	stack := []visit{r.open(id)}
	for {
		top := &stack[len(stack)-1]
		if len(top.rest) == 0 {
			says := top.says
			r.known[top.id] = says
			delete(open, top.id)
			if stack = stack[:len(stack)-1]; len(stack) == 0 {
				return says
			}
			continue
		}
		next := top.rest[0]
		m := pinned[next]
		switch {
		case m != nil:
		case open[next]:
			m = circular
		case r.known[next] != nil:
			m = r.known[next]
		default:
			open[next] = true
			stack = append(stack, r.open(next))
			continue
		}
		top.says, top.rest = top.says.join(m), top.rest[1:]
	}
}

// open begins to resolve a definition.
func (r *resolver) open(id stix.ID) visit {
	raw, ok := "", false
	if r.defs != nil && id.Type() == "marking-definition" {
		raw, ok = r.defs.Marking(id)
	}
	if !ok {
		return visit{id: id, says: &marking{level: LevelUnknown, faults: unresolved.faults, missing: []stix.ID{id}}}
	}
	d, ok := readDefinition(raw)
	if !ok || d.id != id {
		return visit{id: id, says: unresolved}
	}
	return visit{id: id, says: d.says(), rest: d.markings}
}
