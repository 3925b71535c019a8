package bolt

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"sync"

	"entente/stix"
	"entente/store"
)

// A selection finds, in order, the entries of a log that a query selects. The
// log's lock must be held.
//
// Nearly all of it is bitmaps: an entry is excluded, or selected, or, where a
// bit cannot tell, checked against the other entries of its object.
type selection struct {
	l     *logIndex
	q     *store.Query
	ctx   context.Context
	lock  *sync.RWMutex // given away for a moment now and then; nil: never
	moved uint64        // l.changes() when the selection began
	spent int           // since somebody was let in
	from  uint32        // first seq to try
	after uint32        // first seq that q.After allows
	specs uint8
	pick  uint8

	gated bool // not everything passes gate
	gate  store.LabelSet
	span  int // the last one that the gate looked at, in a release log

	at   uint32 // a word that was worked out, plus 1; 0 if none
	word uint64

	listed bool       // only what is in lists counts
	lists  [][]uint32 // growing seqs; a window takes away what it passes
	window *window

	decisions
	err error
}

// Values of selection.specs.
const (
	specsNewest = iota // of each object the newest spec version
	specsAny
	specsOnly21
	specsOnly20
	specsNone
)

// Values of selection.pick.
const (
	pickAll      = iota
	pickLast     // the last version, with specsNewest: bits tell, but for late entries
	pickEnds     // first or last: bits tell for objects with one entry
	pickVersions // listed versions: each entry is looked at
)

// start prepares s for q and returns the first seq to try. s may be used again.
func (s *selection) start(ctx context.Context, l *logIndex, q *store.Query) uint32 {
	*s = selection{l: l, q: q, ctx: ctx, lock: s.lock, moved: l.changes(), lists: s.lists[:0], window: s.window, decisions: s.again(l.n)}
	s.after = s.seqAfter(q.After)
	s.from = max(s.after, s.seqAfter(q.From))
	s.chooseSpecs()
	s.choosePick()
	s.gate, s.gated = q.Gate, q.Gate != nil && !l.seen.within(q.Gate)
	types := set(q.Types)
	switch {
	case len(q.IDs) > 0:
		s.listIDs(types)
	case len(types) > 0:
		s.listed = true
		for _, t := range types {
			if k := l.kinds[t]; k != nil {
				at, _ := slices.BinarySearch(k.seqs, s.from)
				s.lists = append(s.lists, k.seqs[at:])
			}
		}
	}
	if s.listed {
		if s.window == nil {
			s.window = new(window)
		}
		s.window.end = 0
	}
	return s.from
}

// set returns the elements of list sorted and each of them once.
func set[T ~string](list []T) []T {
	if len(list) < 2 {
		return list
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *selection) seqAfter(a store.Added) uint32 {
	if a <= 0 || s.err != nil {
		return 0
	}
	seq, err := s.l.after(a)
	s.err = err
	return seq
}

func (s *selection) chooseSpecs() {
	if len(s.q.SpecVersions) == 0 {
		s.specs = specsNewest
		return
	}
	want21, want20 := slices.Contains(s.q.SpecVersions, "2.1"), slices.Contains(s.q.SpecVersions, "2.0")
	switch {
	case want21 && want20:
		s.specs = specsAny
	case want21:
		s.specs = specsOnly21
	case want20:
		s.specs = specsOnly20
	default:
		s.specs = specsNone
	}
	// A log with one spec version needs no look at the bits.
	only21, only20 := s.l.specs[1] == 0, s.l.specs[0] == 0
	if only21 && want21 || only20 && want20 {
		s.specs = specsNewest
	}
}

func (s *selection) choosePick() {
	v := &s.q.Versions
	switch {
	case v.All:
		s.pick = pickAll
	case len(v.Exact) > 0:
		s.pick = pickVersions
		s.expect(v)
	case v.OnlyLast() && s.specs == specsNewest:
		s.pick = pickLast
	default:
		s.pick = pickEnds
	}
}

// listIDs makes a list of the entries of each object asked for.
func (s *selection) listIDs(types []string) {
	s.listed = true
	for _, id := range set(s.q.IDs) {
		if _, wanted := slices.BinarySearch(types, id.Type()); len(types) > 0 && !wanted {
			continue
		}
		k := keyOf(id)
		latest, ok, err := s.l.find(s.l.print(&k), &k)
		if err != nil {
			s.err = err
		}
		if s.err != nil {
			return
		}
		if !ok {
			continue
		}
		var list []uint32
		for p := latest + 1; p > s.from; p = s.l.prev[p-1] {
			list = append(list, p-1)
		}
		slices.Reverse(list)
		s.lists = append(s.lists, list)
		s.spend(len(list) + 1)
	}
}

// base returns of the 64 entries from 64*w on, lists aside, those that are
// selected, and which of them have to be checked.
func (s *selection) base(w uint32) (selected, check uint64) {
	l := s.l
	out := l.deleted[w]
	switch s.specs {
	case specsNewest:
		out |= l.oldSpec[w]
	case specsOnly21:
		out |= l.spec20[w]
	case specsOnly20:
		out |= ^l.spec20[w]
	case specsNone:
		return 0, 0
	}
	switch s.pick {
	case pickLast:
		out |= l.notLast[w]
		check = l.late[w]
		if s.after == 0 {
			out |= check
		}
	case pickEnds:
		check = l.multi[w]
	case pickVersions:
		check = ^uint64(0)
	}
	return ^out, check
}

// words is how many words the log has.
func (s *selection) words() uint32 { return uint32((uint64(s.l.n) + 63) >> 6) }

// bits returns of the 64 entries from 64*w on those that are selected. w must
// not be less than in the call before.
func (s *selection) bits(w uint32) uint64 {
	if s.at != w+1 {
		s.at, s.word = w+1, s.choose(w)
	}
	return s.word
}

func (s *selection) choose(w uint32) uint64 {
	selected, check := s.base(w)
	if s.listed {
		selected &= s.inLists(w)
	}
	if w == s.from>>6 {
		selected &= ^uint64(0) << (s.from & 63)
	}
	if w == s.l.n>>6 {
		selected &= 1<<(s.l.n&63) - 1
	}
	if s.gated {
		selected = s.admit(w, selected)
	}
	check &= selected
	s.spend(1 + bits.OnesCount64(check))
	for ; check != 0 && s.err == nil; check &= check - 1 {
		if i := bits.TrailingZeros64(check); !s.passes(w<<6 + uint32(i)) {
			selected &^= 1 << i
		}
	}
	return selected
}

// takes reports whether seq is selected, lists aside.
func (s *selection) takes(seq uint32) bool {
	s.spend(1)
	selected, check := s.base(seq >> 6)
	bit := uint64(1) << (seq & 63)
	return selected&bit != 0 && (!s.gated || s.gate.Has(s.l.label(seq))) && (check&bit == 0 || s.passes(seq))
}

// patience is how many entries, or words of bits, are looked at before others
// are let in: about a millisecond.
const patience = 1 << 13

// errMoved: the log has changed while others were let in. Start again.
var errMoved = errors.New("the log has changed")

// spend counts n steps. When they are many, it asks whether the caller still
// waits, and lets those in who wait for the lock.
func (s *selection) spend(n int) {
	if s.spent += n; s.spent < patience || s.err != nil {
		return
	}
	s.spent = 0
	if s.err = s.ctx.Err(); s.err != nil || s.lock == nil {
		return
	}
	s.lock.RUnlock()
	s.lock.RLock()
	if s.l.changes() != s.moved {
		s.err = errMoved
	}
}

// next returns the first selected entry from seq on.
func (s *selection) next(seq uint32) (uint32, bool) {
	words := s.words()
	for w := seq >> 6; w < words && s.err == nil; {
		if found := s.bits(w) >> (seq & 63); found != 0 {
			return seq + uint32(bits.TrailingZeros64(found)), s.err == nil
		}
		w++
		if s.listed {
			w = max(w, s.skip(w))
		}
		seq = w << 6
	}
	return 0, false
}

// run returns the end of the run of selected entries that begins with seq, at
// most limit.
func (s *selection) run(seq, limit uint32) uint32 {
	end := seq + 1
	limit = min(limit, s.l.n)
	for end < limit {
		ones := uint32(bits.TrailingZeros64(^(s.bits(end>>6) >> (end & 63))))
		if ones = min(ones, 64-end&63); ones == 0 {
			break
		}
		end += ones
		if end&63 != 0 {
			break
		}
	}
	return min(end, limit)
}

// A window is what the lists have in some neighbouring words, so that many lists
// cost little more than one.
type window struct {
	from, end uint32 // words
	bits      [windowWords]uint64
	next      uint32 // word of the first entry after it, noWord if there is none
}

const (
	windowWords = 64
	noWord      = 1<<32 - 1
)

// inLists returns of the 64 entries from 64*w on those that are in a list.
func (s *selection) inLists(w uint32) uint64 {
	if w >= s.window.end {
		s.slide(w)
	}
	return s.window.bits[w-s.window.from]
}

// skip returns the first word from w on that has an entry in a list, or one
// before it.
func (s *selection) skip(w uint32) uint32 {
	if w < s.window.end {
		return w
	}
	return s.window.next
}

// slide moves the window to word w and those after it.
func (s *selection) slide(w uint32) {
	win := s.window
	*win = window{from: w, end: w + windowWords, next: noWord}
	s.spend(len(s.lists))
	for i := 0; i < len(s.lists); {
		list := s.lists[i]
		for len(list) > 0 && list[0]>>6 < win.end {
			if at := list[0] >> 6; at >= w {
				win.bits[at-w] |= 1 << (list[0] & 63)
			}
			list = list[1:]
		}
		if len(list) == 0 {
			last := len(s.lists) - 1
			s.lists[i] = s.lists[last]
			s.lists = s.lists[:last]
			continue
		}
		win.next = min(win.next, list[0]>>6)
		s.lists[i] = list
		i++
	}
}

// all returns every selected entry.
func (s *selection) all(from uint32) ([]uint32, error) {
	var list []uint32
	for seq, ok := s.next(from); ok; seq, ok = s.next(seq + 1) {
		list = append(list, seq)
	}
	return list, s.err
}

// idsOf is the query that selects versions of one object for Delete.
func idsOf(id stix.ID, sel *store.Query) *store.Query {
	return &store.Query{IDs: []stix.ID{id}, After: sel.After, SpecVersions: sel.SpecVersions, Versions: sel.Versions}
}
