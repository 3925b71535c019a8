package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Reached is somebody who can end up with what an originator shares at a level.
type Reached struct {
	Originator OrgID    `json:"originator"`
	From       string   `json:"from"`   // its name
	Level      Level    `json:"level"`  // in the bytes
	Who        string   `json:"who"`    // "FIS", "clients of FIS", "members of community--x", "the public"
	Path       []string `json:"path"`   // a shortest way: flows, and "to …" where no agreement is
	Beyond     bool     `json:"beyond"` // not if everybody kept all terms
}

// Keeping is what an organisation keeps of the terms of what it gets: "sidecar", all;
// "markings", what the bytes say; "none", nothing.
type Keeping map[OrgID]string

// Reach is who can end up with what each party originates, by originator, level and
// in the order in which they are reached, from all agreements together. Types are
// ignored, and time: it is an upper bound. Besides the parties there are the clients
// of one that has a clients_list, their clients, the members of communities, and the
// public; these keep the terms that they are given.
//
// What a party keeps is what the agreements say that it enforces, the least of them;
// assume says otherwise. Beyond the intended audience is who is not reached if
// everybody keeps all terms. The error wraps ErrInvalid.
func Reach(agreements []*Agreement, assume Keeping) ([]Reached, error) {
	sets, err := setsOf(agreements)
	if err != nil {
		return nil, err
	}
	declared, full := Keeping{}, Keeping{}
	m := reachMap{sets: sets, parties: map[OrgID]*Party{}}
	for _, a := range agreements {
		for _, p := range []*Party{&a.Parties.A, &a.Parties.B} {
			m.meet(p)
			full[p.Org] = "sidecar"
			if old, ok := declared[p.Org]; !ok || keeps(p.Enforces) < keeps(old) {
				declared[p.Org] = p.Enforces
			}
		}
	}
	for org, how := range assume {
		if m.parties[org] == nil || !slices.Contains(keepings, how) {
			return nil, fmt.Errorf("%w: %s keeps %.40q: it is no party, or that is none of %s", ErrInvalid, org, how, strings.Join(keepings, ", "))
		}
		declared[org] = how
	}
	var all []Reached
	for _, s := range sets {
		for level := LevelClear; level <= LevelRed; level++ {
			intended, err := m.from(s, level, full)
			if err != nil {
				return nil, err
			}
			reached, err := m.from(s, level, declared)
			if err != nil {
				return nil, err
			}
			for i := range reached {
				reached[i].Beyond = !slices.ContainsFunc(intended, func(r Reached) bool { return r.Who == reached[i].Who })
			}
			all = append(all, reached...)
		}
	}
	return all, nil
}

// keepings are the values of Keeping, least first.
var keepings = []string{"none", "markings", "sidecar"}

func keeps(how string) int { return max(0, slices.Index(keepings, how)) }

// A reachMap is the organisations and what is agreed among them.
type reachMap struct {
	sets    []*Set
	parties map[OrgID]*Party // what all agreements together say of each
}

// meet joins what an agreement says of a party to what is known of it.
func (m *reachMap) meet(p *Party) {
	q := m.parties[p.Org]
	if q == nil {
		c := *p
		m.parties[p.Org] = &c
		return
	}
	q.Name, q.ClientsList = cmp.Or(q.Name, p.Name), cmp.Or(q.ClientsList, p.ClientsList)
	q.Communities = append(slices.Clone(q.Communities), p.Communities...)
}

func (m *reachMap) name(org OrgID) string { return cmp.Or(m.parties[org].Name, string(org)) }

// A carrier is somebody who has got it, and what still binds it.
type carrier struct {
	who   string
	org   OrgID // "" for clients, members and the public
	steps int   // of clients or members since via.To: who may still be reached from here
	keeps int
	hops  uint8
	terms []Terms
	via   *Flow // by which the last party got it
	path  []string
}

// mostHolders is where a search ends that has no end in practice.
const mostHolders = 20_000

// ErrTooMany is what Reach returns of agreements with more ways than can be followed.
var ErrTooMany = errors.New("more ways than can be followed")

// from searches breadth first.
func (m *reachMap) from(s *Set, level Level, keep Keeping) ([]Reached, error) {
	var queue []*carrier
	for _, f := range s.flows {
		if f.From == s.Us && f.lets(level) {
			queue = append(queue, m.got(f, nil, keep))
		}
	}
	var found []Reached
	seen := map[string][]*carrier{}
	for n := 0; len(queue) > 0; n++ {
		if n > mostHolders {
			return nil, fmt.Errorf("%s, TLP:%s: %w", m.name(s.Us), level, ErrTooMany)
		}
		h := queue[0]
		queue = queue[1:]
		if h.org == s.Us || slices.ContainsFunc(seen[h.who], h.bound) {
			continue
		}
		if seen[h.who] == nil {
			found = append(found, Reached{Originator: s.Us, From: m.name(s.Us), Level: level, Who: h.who, Path: h.path})
		}
		seen[h.who] = append(seen[h.who], h)
		queue = append(queue, m.next(h, s.Us, level, keep)...)
	}
	return found, nil
}

// bound reports whether whatever h may do, o may.
func (h *carrier) bound(o *carrier) bool {
	if o.keeps > h.keeps || o.hops > h.hops || o.steps > h.steps || o.via.Key() != h.via.Key() && h.org == "" {
		return false
	}
	return !slices.ContainsFunc(o.terms, func(t Terms) bool {
		return !slices.ContainsFunc(h.terms, func(u Terms) bool { return t.alike(&u) })
	})
}

// alike reports whether two terms bind alike, whoever set them.
func (t *Terms) alike(u *Terms) bool {
	return t.Mode == u.Mode && t.MaxHops == u.MaxHops && t.ClientDepth == u.ClientDepth && t.Floor == u.Floor &&
		slices.Equal(t.To, u.To) && slices.Equal(t.Communities, u.Communities) && slices.Equal(t.Handling, u.Handling) &&
		slices.Equal(t.Purposes, u.Purposes) && slices.Equal(t.Personal, u.Personal) && t.Anonymous == u.Anonymous && t.Resale == u.Resale
}

// got is the recipient of f, that got it from h; nil is the originator.
func (m *reachMap) got(f *Flow, h *carrier, keep Keeping) *carrier {
	n := &carrier{who: m.name(f.To), org: f.To, keeps: keeps(keep[f.To]), hops: 1, terms: []Terms{f.Onward()}, via: f, path: []string{f.Name}}
	if h == nil {
		return n
	}
	n.path = append(slices.Clone(h.path), f.Name)
	if h.keeps == keeps("sidecar") {
		n.hops, n.terms = h.hops+1, append(slices.Clone(h.terms), f.Onward())
	} else {
		n.hops = UnknownHops // whoever lost the terms does not tell the way either
	}
	return n
}

// next is to whom h can pass it on.
func (m *reachMap) next(h *carrier, originator OrgID, level Level, keep Keeping) []*carrier {
	if h.who == everyone {
		return nil
	}
	var all []*carrier
	if h.org != "" {
		for _, s := range m.sets {
			if s.Us != h.org {
				continue
			}
			for _, f := range s.flows {
				if f.From == h.org && f.To != originator && h.sends(f, originator, level) {
					all = append(all, m.got(f, h, keep))
				}
			}
		}
	}
	for _, to := range m.around(h) {
		if h.tells(to.kind, originator, level) {
			n := *h
			n.who, n.org, n.steps, n.path = to.who, "", h.steps+1, append(slices.Clone(h.path), "to "+to.who)
			if h.hops < UnknownHops {
				n.hops++
			}
			all = append(all, &n)
		}
	}
	return all
}

// sends reports whether h sends it by f: by what f and the terms say if it keeps
// them, else by what the bytes say alone. Whoever keeps nothing sends what the flow
// carries.
func (h *carrier) sends(f *Flow, originator OrgID, level Level) bool {
	switch h.keeps {
	case keeps("none"):
		return len(f.passable()) > 0
	case keeps("markings"):
		return level <= f.max && level.reaches(max(f.kind, KindCommunity), 2, UnknownHops)
	}
	l := h.label(f, originator, level)
	d := f.standing().decide(&l, nil, settled, question{consent: noConsent})
	return d.Effect > Withhold
}

// tells reports whether h passes it on to somebody of a kind with whom there is no
// agreement.
func (h *carrier) tells(k Kind, originator OrgID, level Level) bool {
	switch h.keeps {
	case keeps("none"):
		return true
	case keeps("markings"):
		return level.reaches(k, 2, UnknownHops)
	}
	l := h.label(h.via, originator, level)
	d := h.via.standing().further(k).decide(&l, nil, settled, question{consent: noConsent})
	return d.Effect > Withhold
}

// label is that of the copy that h has.
func (h *carrier) label(f *Flow, originator OrgID, level Level) Label {
	l := Label{Type: f.someType(), Creator: originator, From: originator, Level: level, Editions: TLP2, Hops: h.hops, Terms: h.terms}
	if f.reads&TLP2 == 0 {
		l.Editions = TLP1
	}
	return l
}

const everyone = "the public"

// A neighbour is somebody with whom there is no agreement.
type neighbour struct {
	kind Kind
	who  string
}

// around are those to whom h can tell it without an agreement: its clients, the
// communities that its agreements know, and the public.
func (m *reachMap) around(h *carrier) []neighbour {
	all := []neighbour{{KindPublic, everyone}}
	if h.steps > 1 {
		return all // who comes after is like them
	}
	p := m.parties[h.via.To]
	communities := map[string]bool{}
	for _, c := range append(slices.Clone(p.Communities), h.via.Onward().Communities...) {
		communities[c] = true
	}
	for _, c := range slices.Sorted(maps.Keys(communities)) {
		if who := "members of " + c; !strings.HasSuffix(h.who, who) {
			all = append(all, neighbour{KindCommunity, who})
		}
	}
	if p.ClientsList != "" || h.org == "" {
		all = append(all, neighbour{KindClient, "clients of " + h.who})
	}
	return all
}
