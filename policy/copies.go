package policy

import (
	"cmp"
	"crypto/sha256"
	"reflect"
	"slices"

	"entente/stix"
)

// A Copy is a holding of an object beside others of the same id.
type Copy struct {
	Label   *Label
	Version stix.Timestamp    // "" for an object that has none
	Digest  [sha256.Size]byte // of its content (stix.Digest)
}

// A Finding is what a Copy comes to beside the others.
type Finding struct {
	Faults []string // that it has because of them; sorted
	Label  *Label   // it counts as, without the faults: its own, or a stricter one
}

// Compare holds the copies of one object, all versions of it in order of arrival, against
// each other (STIX 2.1, section 3.6).
//
// Only its creator may make a version of an object, or revoke it. Beside a copy
// from the originator, a later version from anybody else has the fault
// version.foreign; so has a revocation beside anybody else's copy.
//
// One version has one content. Where copies differ, those that are as the
// originator's count, and the rest have the fault representation.conflict. If no
// originator's is there, none is known to be the right one: each counts as the join
// of all, so that nobody gains by leaving a marking out. An observable has no
// versions, and anybody may describe it: there copies stand for themselves.
//
// Who is not the originator cannot lower a label: a version counts as at least what
// the earlier versions from the same source count as.
func Compare(copies []Copy) []Finding {
	c := comparison{copies: copies, found: make([]Finding, len(copies)), same: map[stix.Timestamp][]int{}, equals: map[content]bool{}}
	for i := range copies {
		c.found[i].Label = copies[i].Label
		c.survey(&copies[i])
	}
	for i := range copies {
		switch o := &copies[i]; {
		case c.foreign(o):
			c.found[i].Faults = []string{"version.foreign"}
		case o.Version != "":
			c.same[o.Version] = append(c.same[o.Version], i)
		}
	}
	for _, list := range c.same {
		c.represent(list)
	}
	c.ratchet()
	return c.found
}

// A comparison is what Compare knows.
type comparison struct {
	copies []Copy
	found  []Finding

	newest  stix.Timestamp           // version from the originator
	held    bool                     // there is one
	sources []OrgID                  // at most two of those that there are
	equals  map[content]bool         // that the originator's copies have
	same    map[stix.Timestamp][]int // the copies of each version, but for foreign ones
}

// content is a version and what it holds.
type content struct {
	version stix.Timestamp
	digest  [sha256.Size]byte
}

// rightful reports whether the copy is from who may change the object. A partner's
// object without a creator is nobody's to change.
func (o *Copy) rightful() bool {
	return o.Label.Originator && (o.Label.Creator != "" || o.Label.From == "")
}

func (c *comparison) survey(o *Copy) {
	if o.rightful() {
		c.newest, c.held = max(c.newest, o.Version), true
		c.equals[content{o.Version, o.Digest}] = true
	}
	if len(c.sources) < 2 && !slices.Contains(c.sources, o.Label.From) {
		c.sources = append(c.sources, o.Label.From)
	}
}

// foreign reports whether a copy is a version that its source may not make.
func (c *comparison) foreign(o *Copy) bool {
	if o.rightful() || c.equals[content{o.Version, o.Digest}] {
		return false
	}
	return c.held && o.Version > c.newest || o.Label.Revoked && len(c.sources) > 1
}

// represent settles copies of one version.
func (c *comparison) represent(list []int) {
	var right *Copy // the originator's, the first that came
	for _, i := range list {
		if o := &c.copies[i]; right == nil && o.rightful() {
			right = o
		}
	}
	for _, i := range list {
		o := &c.copies[i]
		switch {
		case right == nil:
			for _, k := range list {
				if other := &c.copies[k]; other.Digest != o.Digest {
					c.found[i].Label = c.found[i].Label.join(other.Label)
				}
			}
		case right.Digest != o.Digest:
			c.found[i].Faults = []string{"representation.conflict"}
		}
	}
}

// ratchet raises copies to what earlier versions from their source count as.
func (c *comparison) ratchet() {
	order := make([]int, 0, len(c.copies))
	for i := range c.copies {
		if o := &c.copies[i]; o.Version != "" && !o.rightful() && len(c.found[i].Faults) == 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, k int) int { return cmp.Compare(c.copies[i].Version, c.copies[k].Version) })
	floors := map[OrgID]Level{}
	for _, i := range order {
		o, label := &c.copies[i], c.found[i].Label
		floor := floors[o.Label.From]
		floors[o.Label.From] = floor.join(o.Label.counts())
		if floor > label.counts() {
			l := *label
			l.Floor = floor
			c.found[i].Label = &l
		}
	}
}

// counts is the level that a label counts as before any flow has its say.
func (l *Label) counts() Level {
	level := l.Level
	if level == LevelNone {
		level = l.Default
	}
	return level.join(l.Floor)
}

// join is l as bound as m is. What the bytes say, and where the copy came from,
// stays.
func (l *Label) join(m *Label) *Label {
	j := *l
	j.Floor = l.Floor.join(m.counts())
	j.Granular = l.Granular.join(m.Granular)
	j.Communities, j.Faults = union(l.Communities, m.Communities), union(l.Faults, m.Faults)
	j.Handling, j.Statements = union(l.Handling, m.Handling), union(l.Statements, m.Statements)
	j.Source, j.Information = max(l.Source, m.Source), max(l.Information, m.Information)
	j.PAP, j.IEP, j.ACS = l.PAP.join(m.PAP), l.IEP.join(m.IEP), l.ACS.join(m.ACS)
	j.Faults = union(j.Faults, j.IEP.faults())
	j.Purposes, j.Judicial = common(l.Purposes, m.Purposes, noPurpose), stricter(l.Judicial, m.Judicial)
	j.AIS, j.Embargo, j.Coded = strictConsent(l.AIS, m.AIS), max(l.Embargo, m.Embargo), l.Coded || m.Coded
	j.Personal = l.Personal | m.Personal
	j.Hops = max(l.Hops, m.Hops)
	j.Terms = slices.Clone(l.Terms)
	for _, t := range m.Terms {
		if !slices.ContainsFunc(j.Terms, func(u Terms) bool { return reflect.DeepEqual(t, u) }) {
			j.Terms = append(j.Terms, t)
		}
	}
	return &j
}
