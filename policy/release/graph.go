package release

import (
	"cmp"
	"crypto/sha256"
	"math"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A graph is what the releaser keeps in memory about the objects of all logs:
// who mentions whom, which version is the newest, under which label. It holds
// facts only; what they mean under a set of agreements is in an outlook.
//
// Entries, ids and logs are numbered from 0 in the order in which they were
// seen; a number stays the same for the life of a graph.
type graph struct {
	logs    []*logFacts
	byLog   map[store.LogID]int32
	entries []fact
	refs    []int32 // ids that entries mention, one entry after the other
	ids     []idFacts
	byID    map[idKey]int32
	types   map[string]uint16 // interned types, so that an idKey is small
	edges   []edge            // who mentions an id: lists from idFacts.users
	fine    map[int32]stix.Timestamp
	later   map[int32][]joining // holdings that came after the entry, by entry
	turns   int32               // joinings so far
	twins   map[int32][]twin    // by entry: who sees the same as a copy of its own that is kept apart
	copies  map[int32][]int32   // by entry: the redacted copies that were made of it
	sources map[int32][]int32   // by redacted copy: the entries of which it was made
}

// A twin is a copy that is kept apart for a partner of what a collection has, too.
type twin struct {
	partner policy.OrgID
	entry   int32 // of the copy
	same    bool  // they are the same bytes
}

// A joining is a holding that an entry was given just before entry at came, and after
// the joinings with a lower turn.
type joining struct {
	from policy.OrgID
	at   int32
	turn int32
}

// joined notes the holdings that entry n has and did not have, and that they came
// just before entry at.
func (g *graph) joined(n int32, was, now []policy.Label, at int32) {
	for i := range now {
		from := now[i].From
		if !slices.ContainsFunc(was, func(l policy.Label) bool { return l.From == from }) {
			g.turns++
			g.later[n] = append(g.later[n], joining{from, at, g.turns})
		}
	}
}

// A moment orders entries and joinings by when they came.
type moment int64

// came is when a holding of entry n came.
func (g *graph) came(n int32, from policy.OrgID) moment {
	for _, j := range g.later[n] {
		if j.from == from {
			return moment(j.at)<<32 | moment(j.turn)
		}
	}
	return cameItself(n)
}

// cameItself is when entry n came.
func cameItself(n int32) moment { return moment(n)<<32 | math.MaxUint32 }

// A logFacts is one log of objects.
type logFacts struct {
	id      store.LogID
	of      store.LogID       // the collection's log: id itself, but for what is kept apart
	partner policy.OrgID      // for whom it is kept apart; "" if it is the collection's log
	copies  bool              // it has redacted copies
	seen    store.Added       // all up to here is in the graph
	newest  map[int32]int32   // by id: the entry that is its newest version
	byAdded []int32           // entries, in order of Added
	chain   map[int32][]int32 // by id: its entries, for ids with more than one
}

// apart reports whether it is for one partner, or for nobody, and not for those
// who may see the collection.
func (l *logFacts) apart() bool { return l.id != l.of && !l.copies }

// A fact is one entry of a log.
type fact struct {
	added   store.Added
	version int64 // µs, rounded down; Added if the object has none
	log     int32
	id      int32
	refs    int32 // index of the first in graph.refs
	count   int32 // of refs
	label   store.Label
	marking bool // a marking-definition
	fine    bool // the version lies between two µs: graph.fine has it
	gone    bool // no longer in the log
}

// An idFacts is one id, held or only mentioned.
type idFacts struct {
	entries []int32
	users   int32 // first edge, -1 if none
	known   bool  // everybody knows it: the pinned markings
	marking bool  // of a marking-definition
	held    bool  // had an entry at the last settling
}

type edge struct{ entry, next int32 }

// An idKey is a stix.ID in few bytes, without pointers. Of odd ids, which are no
// type--uuid, it has the first half of their SHA-256.
type idKey struct {
	uuid [16]byte
	kind uint16
}

// oddKind is the kind of odd ids.
const oddKind = 1<<16 - 1

// newGraph has room for so many entries at once.
func newGraph(entries int) *graph {
	return &graph{entries: make([]fact, 0, entries), byLog: map[store.LogID]int32{}, byID: make(map[idKey]int32, entries), types: map[string]uint16{}, fine: map[int32]stix.Timestamp{},
		later: map[int32][]joining{}, twins: map[int32][]twin{},
		copies: map[int32][]int32{}, sources: map[int32][]int32{}}
}

// log returns the number of a log, a new one if it was not seen before.
func (g *graph) log(id, of store.LogID, partner policy.OrgID) int32 {
	if n, ok := g.byLog[id]; ok {
		return n
	}
	n := int32(len(g.logs))
	g.byLog[id] = n
	g.logs = append(g.logs, &logFacts{id: id, of: of, partner: partner, newest: map[int32]int32{}, chain: map[int32][]int32{}})
	return n
}

// id returns the number of an id, a new one if it was not seen before.
func (g *graph) id(id stix.ID) int32 {
	k := g.key(id)
	if n, ok := g.byID[k]; ok {
		return n
	}
	n := int32(len(g.ids))
	g.byID[k] = n
	_, pinned := stix.TLPByID(id)
	g.ids = append(g.ids, idFacts{users: -1, known: pinned, marking: id.Type() == "marking-definition"})
	return n
}

func (g *graph) key(id stix.ID) idKey {
	kind := id.Type()
	var k idKey
	if len(id) != len(kind)+2+36 || !parseUUID(string(id[len(kind)+2:]), &k.uuid) {
		return oddKey(id)
	}
	n, ok := g.types[kind]
	if !ok {
		if len(g.types) == oddKind { // more types than anybody has
			return oddKey(id)
		}
		n = uint16(len(g.types))
		g.types[string(append([]byte(nil), kind...))] = n
	}
	k.kind = n
	return k
}

func oddKey(id stix.ID) idKey {
	sum := sha256.Sum256([]byte(id))
	return idKey{uuid: [16]byte(sum[:16]), kind: oddKind}
}

// parseUUID reads a UUID in lower case, the only form that has one spelling.
func parseUUID(s string, uuid *[16]byte) bool {
	at := 0
	for i := 0; i < len(s); i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
			continue
		}
		var digit byte
		switch c := s[i]; {
		case c-'0' <= 9:
			digit = c - '0'
		case c >= 'a' && c <= 'f':
			digit = c - 'a' + 10
		default:
			return false
		}
		uuid[at/2] = uuid[at/2]<<4 | digit
		at++
	}
	return true
}

// An arrival is an entry that comes into the graph.
type arrival struct {
	added   store.Added
	id      stix.ID
	version stix.Timestamp
	label   store.Label
	refs    []stix.ID // that must be visible for it to be
}

// add puts an entry at the end of log and returns its number.
func (g *graph) add(log int32, a *arrival) int32 { return g.addAs(log, g.id(a.id), a) }

// addAs is add for an id whose number is known.
func (g *graph) addAs(log, id int32, a *arrival) int32 {
	n := int32(len(g.entries))
	l := g.logs[log]
	f := fact{added: a.added, version: int64(a.added), log: log, id: id, refs: int32(len(g.refs)), label: a.label, marking: g.ids[id].marking}
	if a.version != "" {
		us, exact := a.version.Micros()
		if f.version = us; !exact {
			f.fine = true
			g.fine[n] = stix.Timestamp(append([]byte(nil), a.version...))
		}
	}
	for _, ref := range a.refs {
		to := g.id(ref)
		if to == id {
			continue
		}
		g.refs = append(g.refs, to)
		g.edges = append(g.edges, edge{entry: n, next: g.ids[to].users})
		g.ids[to].users = int32(len(g.edges) - 1)
	}
	f.count = int32(len(g.refs)) - f.refs
	g.entries = append(g.entries, f)
	g.ids[id].entries = append(g.ids[id].entries, n)
	l.byAdded = append(l.byAdded, n)
	l.seen = a.added
	g.chain(l, id, n)
	return n
}

// chain notes that l has another version of id.
func (g *graph) chain(l *logFacts, id, n int32) {
	was, ok := l.newest[id]
	if !ok {
		l.newest[id] = n
		return
	}
	if l.chain[id] == nil {
		l.chain[id] = []int32{was}
	}
	l.chain[id] = append(l.chain[id], n)
	if g.newer(n, was) {
		l.newest[id] = n
	}
}

// newer reports whether entry a is a newer version of its object than b. An
// object without versions is as new as when it was added.
func (g *graph) newer(a, b int32) bool {
	fa, fb := &g.entries[a], &g.entries[b]
	if fa.version != fb.version {
		return fa.version > fb.version
	}
	if fa.fine || fb.fine {
		if va, vb := g.fine[a], g.fine[b]; va != vb {
			return va > vb
		}
	}
	return fa.added > fb.added
}

// versions returns the entries of the object in the log of entry n.
func (g *graph) versions(n int32) []int32 {
	f := &g.entries[n]
	l := g.logs[f.log]
	if chain := l.chain[f.id]; chain != nil {
		return chain
	}
	if newest, ok := l.newest[f.id]; ok {
		return []int32{newest}
	}
	return nil
}

// remove takes an entry out, because the log has it no longer.
func (g *graph) remove(n int32) {
	f := &g.entries[n]
	if f.gone {
		return
	}
	f.gone = true
	l := g.logs[f.log]
	left := deleteEntry(l.chain[f.id], n)
	g.ids[f.id].entries = deleteEntry(g.ids[f.id].entries, n)
	delete(l.chain, f.id)
	delete(l.newest, f.id)
	for _, v := range left {
		g.chain(l, f.id, v)
	}
}

// without takes entries out for a while; the function that it returns puts them back.
func (g *graph) without(entries []int32) (back func()) {
	held := make([]bool, len(entries))
	for i, n := range entries {
		held[i] = g.ids[g.entries[n].id].held
		g.remove(n)
	}
	return func() {
		for i, n := range entries {
			g.putBack(n)
			g.ids[g.entries[n].id].held = held[i]
		}
	}
}

// putBack undoes remove.
func (g *graph) putBack(n int32) {
	f := &g.entries[n]
	f.gone = false
	l, id := g.logs[f.log], &g.ids[f.id]
	id.entries = insertEntry(id.entries, n)
	versions := insertEntry(g.versions(n), n)
	delete(l.chain, f.id)
	delete(l.newest, f.id)
	for _, v := range versions {
		g.chain(l, f.id, v)
	}
}

// insertEntry is list, which is in order, with n.
func insertEntry(list []int32, n int32) []int32 {
	at, _ := slices.BinarySearch(list, n)
	return slices.Insert(slices.Clone(list), at, n)
}

func deleteEntry(list []int32, n int32) []int32 {
	left := list[:0:0]
	for _, v := range list {
		if v != n {
			left = append(left, v)
		}
	}
	return left
}

// mentions returns the ids that entry n mentions.
func (g *graph) mentions(n int32) []int32 {
	f := &g.entries[n]
	return g.refs[f.refs : f.refs+f.count]
}

// users calls fn for each entry that mentions id.
func (g *graph) users(id int32, fn func(entry int32)) {
	for e := g.ids[id].users; e >= 0; e = g.edges[e].next {
		if n := g.edges[e].entry; !g.entries[n].gone {
			fn(n)
		}
	}
}

// at returns the entry of log with this Added.
func (g *graph) at(log int32, added store.Added) (int32, bool) {
	list := g.logs[log].byAdded
	i, ok := slices.BinarySearchFunc(list, added, func(n int32, a store.Added) int { return cmp.Compare(g.entries[n].added, a) })
	if !ok {
		return 0, false
	}
	return list[i], true
}
