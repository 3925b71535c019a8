package server

import (
	"context"
	"slices"
	"strings"

	"entente/policy"
	"entente/policy/release"
	"entente/stix"
	"entente/store"
)

// A trace is what a story comes to, as the decisions say: what of it is withheld
// from the observed partner all the time.
type trace struct {
	s       *story
	states  [][]*held                         // after each act
	writes  map[located][]writing             // by collection and bytes
	shown   map[located]map[policy.OrgID]bool // holdings that pass at some time while the object's newest version does
	needed  map[located]bool                  // hidden, but it hides what was shown
	allowed []map[located]bool                // after each act: what the observed partner may have
	born    map[located]int                   // the act that wrote what the collections have
	lost    string                            // a holding that the server did not note
}

// located is an object's bytes in a collection.
type located struct {
	coll int
	raw  string
}

type writing struct {
	act, object int
	sender      policy.OrgID
}

// A held is an entry of a collection's log.
type held struct {
	located
	id      stix.ID
	version stix.Timestamp
	added   store.Added
	came    [2]int                        // act and object with which the first copy came that the observed partner may have
	passes  map[policy.OrgID]bool         // by holder: its holding passes stages 0 to 10
	floors  map[policy.OrgID]policy.Level // by holder: what its holding counts as at least
	pass    bool                          // one of them does
	mayStay bool                          // one of them does, or what was released may stay
	own     bool                          // the observed partner sent it, too
	newest  *held
}

// follow tells the story once and asks for every decision.
func follow(s *story) (*trace, error) {
	all := make([]bool, len(collections))
	for c := range all {
		all[c] = true
	}
	p := newPlayer(s, all, &mutant{})
	tr := &trace{s: s, writes: map[located][]writing{}, shown: map[located]map[policy.OrgID]bool{}, needed: map[located]bool{}, born: map[located]int{}}
	for i := range s.acts {
		if _, err := p.act(i, func(int) bool { return true }); err != nil {
			return nil, err
		}
		a := &s.acts[i]
		for j, raw := range a.objects {
			at := located{a.coll, raw}
			w := writing{i, j, ""}
			switch a.what {
			case "partner":
				w.sender = orgOf(a.who)
			case "post":
				w.sender = orgOf(0)
			}
			tr.writes[at] = append(tr.writes[at], w)
		}
		state, err := p.state()
		if err != nil {
			return nil, err
		}
		tr.findNewest(i, state)
		tr.add(state)
		if a.what == "own" {
			tr.check(a, state)
		}
	}
	tr.findNeeded()
	return tr, nil
}

// check notes if something that our own people wrote counts as others' only.
func (tr *trace) check(a *act, state []*held) {
	for _, raw := range a.objects {
		for _, h := range state {
			if _, ours := h.passes[""]; h.located == (located{a.coll, raw}) && len(h.passes) > 0 && !ours {
				tr.lost = raw
			}
		}
	}
}

// state is what the collections hold, with decisions.
func (p *player) state() ([]*held, error) {
	var all []*held
	ctx := context.Background()
	for c := range collections {
		var page store.Page
		log := store.LogID(collections[c].id)
		q := store.Query{Versions: store.Versions{All: true}, SpecVersions: []string{"2.0", "2.1"}, Limit: 10_000, Want: store.WantObjects | store.WantRows}
		if err := p.st.Read(ctx, log, &q, &page); err != nil {
			return nil, err
		}
		for i := range page.Rows {
			o, err := stix.Parse(string(page.Object(i)))
			if err != nil {
				return nil, err
			}
			h := &held{located: located{c, o.Raw}, id: o.ID, version: o.Version(), added: page.Rows[i].Added, passes: map[policy.OrgID]bool{}, floors: map[policy.OrgID]policy.Level{}}
			if err := p.decide(h, &o); err != nil {
				return nil, err
			}
			all = append(all, h)
		}
	}
	return all, nil
}

// findNewest finds the newest version of each object after an act. A content without
// a version came, for the observed partner, when the first copy of it came that the
// partner may have; if there is none, when the first of all did.
func (tr *trace) findNewest(act int, state []*held) {
	type object struct {
		coll int
		id   stix.ID
	}
	newest, born := map[object]*held{}, map[located]int{}
	for _, h := range state {
		at, old := tr.born[h.located]
		if !old {
			at = act
		}
		born[h.located] = at
		tr.findCame(h, at)
		o := object{h.coll, h.id}
		if n := newest[o]; n == nil || h.newer(n) {
			newest[o] = h
		}
	}
	tr.born = born
	for _, h := range state {
		h.newest = newest[object{h.coll, h.id}]
	}
}

// findCame finds when h, which is there since an act, came.
func (tr *trace) findCame(h *held, born int) {
	found := false
	for _, may := range []bool{true, false} {
		for _, w := range tr.writes[h.located] {
			passes, holds := h.passes[w.sender]
			if own := w.sender == orgOf(0) && h.own; w.act < born || !own && !holds || may && !own && !passes {
				continue
			}
			if at := [2]int{w.act, w.object}; !found || slices.Compare(at[:], h.came[:]) < 0 {
				h.came, found = at, true
			}
		}
		if found {
			return
		}
	}
}

func (h *held) newer(n *held) bool {
	if h.version == "" && n.version == "" {
		return slices.Compare(h.came[:], n.came[:]) > 0
	}
	return h.version > n.version || h.version == n.version && h.added > n.added
}

// decide fills in what the agreements say about an entry.
func (p *player) decide(h *held, o *stix.Object) error {
	observed := orgOf(0)
	who := observed
	partners := p.set.Partners()
	if len(partners) == 0 {
		return nil
	}
	if !slices.Contains(partners, observed) {
		who = partners[0] // only to see who has what
	}
	findings, err := p.rel.Explain(context.Background(), who, o.ID)
	if err != nil {
		return err
	}
	var in stix.Inspector
	var content stix.Content
	if err := in.Inspect(o.Raw, &content); err != nil {
		return err
	}
	c := &collections[h.coll]
	flows := p.set.Out(observed, c.id, c.alias)
	traits := &policy.Traits{Header: &o.Header, Content: &content}
	now := policy.Instant(p.now.UnixMicro())
	i := slices.IndexFunc(findings, func(f release.Finding) bool { return f.Log == store.LogID(c.id) && f.Added == h.added })
	if i < 0 {
		return nil
	}
	f := &findings[i]
	for k := range f.Holdings {
		one := f.Holdings[k : k+1]
		if one[0].From == observed {
			h.own = true
			continue
		}
		d, _, _ := policy.Best(flows, one, traits, now, false)
		kept, _, _ := policy.BestKept(flows, one, traits, now, false)
		passes := who == observed && f.Decision.Effect != policy.Withhold && d.Effect != policy.Withhold
		h.passes[one[0].From] = h.passes[one[0].From] || passes
		h.floors[one[0].From] = max(h.floors[one[0].From], one[0].Floor)
		h.pass = h.pass || passes
		h.mayStay = h.mayStay || passes || who == observed && kept.Effect != policy.Withhold
	}
	return nil
}

// add takes the state after an act.
func (tr *trace) add(state []*held) {
	allowed := map[located]bool{}
	for _, h := range state {
		if h.mayStay && (h.newest.mayStay || h.newest.own) {
			allowed[h.located] = true
		}
		if !h.pass || !h.newest.pass && !h.newest.own {
			continue
		}
		if tr.shown[h.located] == nil {
			tr.shown[h.located] = map[policy.OrgID]bool{}
		}
		for holder, passes := range h.passes {
			tr.shown[h.located][holder] = tr.shown[h.located][holder] || passes
		}
	}
	tr.states = append(tr.states, state)
	tr.allowed = append(tr.allowed, allowed)
}

// findNeeded finds what is hidden but governs something that was shown at some
// time: NI-2, to those who know an object its end tells something. A newer version
// that is withheld does, and so does an older one that comes late: from the same
// source, the newer counts as at least that, and is withdrawn.
func (tr *trace) findNeeded() {
	floors := map[located]map[policy.OrgID]policy.Level{}
	for _, state := range tr.states {
		for _, h := range state {
			if h.newest != h && !h.newest.pass && tr.shown[h.located] != nil {
				tr.needed[h.newest.located] = true
			}
			for from, floor := range h.floors {
				if was, known := floors[h.located][from]; known && floor > was && tr.shown[h.located][from] {
					tr.needOlder(state, h, from)
				}
			}
			floors[h.located] = h.floors
		}
	}
}

// needOlder notes the older versions of h from one holder that are withheld.
func (tr *trace) needOlder(state []*held, h *held, from policy.OrgID) {
	for _, o := range state {
		if passes, holds := o.passes[from]; o.coll == h.coll && o.id == h.id && o.version < h.version && holds && !passes {
			tr.needed[o.located] = true
		}
	}
}

// keep reports whether an object of an act is part of the story without what is
// withheld. A marking definition says what is marked with it: it is part if
// something is that others wrote, and, if it is shown, also for what the observed
// partner wrote.
func (tr *trace) keep(act, object int) bool {
	a := &tr.s.acts[act]
	if a.what == "post" || stix.ID(member(a.objects[object], "id")).Type() != "marking-definition" {
		return tr.keepsObject(act, object)
	}
	id := member(a.objects[object], "id")
	shown := tr.keepsObject(act, object)
	for i := range tr.s.acts {
		for j, other := range tr.s.acts[i].objects {
			if member(other, "id") == id || !strings.Contains(other, id) || !tr.keepsObject(i, j) {
				continue
			}
			if shown || tr.s.acts[i].what != "post" {
				return true
			}
		}
	}
	return false
}

// known are the collections of the server without what is withheld: those that
// the observed partner may know of, and those that define markings for them.
func (tr *trace) known() []bool {
	known := tr.s.known()
	for i := range tr.s.acts {
		for j := range tr.s.acts[i].objects {
			if a := &tr.s.acts[i]; a.what != "post" && tr.keep(i, j) {
				known[a.coll] = true
			}
		}
	}
	return known
}

func (tr *trace) keepsObject(act, object int) bool {
	a := &tr.s.acts[act]
	at := located{a.coll, a.objects[object]}
	switch a.what {
	case "post":
		return true
	case "own":
		return tr.shown[at][""] || tr.needed[at]
	}
	return tr.shown[at][orgOf(a.who)] || tr.needed[at]
}
