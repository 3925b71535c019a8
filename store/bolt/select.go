package bolt

import (
	"context"
	"math/bits"
	"slices"

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
	after uint32 // first seq that q.After allows
	specs uint8
	pick  uint8

	listed bool       // only what is in lists counts
	lists  [][]uint32 // growing seqs; next drops what it has passed

	peeked uint32 // entry that run found beyond its end, plus 1; 0 if none
	spans  map[uint32]span
	err    error
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

// A span is the first and the last version of an object, among those that the
// query lets compete.
type span struct{ first, last uint32 }

// start prepares s for q and returns the first seq to try. s may be used again.
func (s *selection) start(ctx context.Context, l *logIndex, q *store.Query) uint32 {
	clear(s.spans)
	*s = selection{l: l, q: q, ctx: ctx, lists: s.lists[:0], spans: s.spans}
	s.after = s.seqAfter(q.After)
	from := max(s.after, s.seqAfter(q.From))
	s.chooseSpecs()
	s.choosePick()
	switch {
	case len(q.IDs) > 0:
		s.listIDs()
	case len(q.Types) > 0:
		s.listed = true
		for _, t := range q.Types {
			if k := l.kinds[t]; k != nil {
				s.lists = append(s.lists, k.seqs)
			}
		}
	}
	for i, list := range s.lists {
		at, _ := slices.BinarySearch(list, from)
		s.lists[i] = list[at:]
	}
	return from
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
	case v.OnlyLast() && s.specs == specsNewest:
		s.pick = pickLast
	default:
		s.pick = pickEnds
	}
}

// listIDs makes the entries of the objects asked for the only list.
func (s *selection) listIDs() {
	s.listed = true
	var list []uint32
	for _, id := range s.q.IDs {
		k := keyOf(id)
		latest, ok, err := s.l.find(s.l.print(&k), &k)
		if err != nil {
			s.err = err
			return
		}
		if !ok {
			continue
		}
		for _, seq := range s.l.chain(latest) {
			if len(s.q.Types) == 0 || s.hasType(seq) {
				list = append(list, seq)
			}
		}
	}
	slices.Sort(list)
	s.lists = append(s.lists, slices.Compact(list)) // an id may be asked for twice
}

func (s *selection) hasType(seq uint32) bool {
	for _, t := range s.q.Types {
		if k := s.l.kinds[t]; k != nil {
			if _, found := slices.BinarySearch(k.seqs, seq); found {
				return true
			}
		}
	}
	return false
}

// word returns of the 64 entries from 64*w on those that are selected, and
// which of them have to be checked.
func (s *selection) word(w uint32) (selected, check uint64) {
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

// takes reports whether seq is selected, lists aside.
func (s *selection) takes(seq uint32) bool {
	selected, check := s.word(seq >> 6)
	bit := uint64(1) << (seq & 63)
	return selected&bit != 0 && (check&bit == 0 || s.passes(seq))
}

// patience is how many entries next looks at before it asks whether the caller
// still waits.
const patience = 1 << 14

// next returns the first selected entry from seq on.
func (s *selection) next(seq uint32) (uint32, bool) {
	if s.peeked > seq {
		return s.peeked - 1, true
	}
	for tries := 1; s.err == nil; tries++ {
		if tries%patience == 0 {
			s.err = s.ctx.Err()
		}
		var ok bool
		if s.listed {
			seq, ok = s.nextListed(seq)
			if ok && !s.takes(seq) {
				seq++
				continue
			}
		} else {
			seq, ok = s.nextBit(seq)
			if ok && s.mustCheck(seq) && !s.passes(seq) {
				seq++
				continue
			}
		}
		return seq, ok && s.err == nil
	}
	return 0, false
}

func (s *selection) mustCheck(seq uint32) bool {
	_, check := s.word(seq >> 6)
	return check&(1<<(seq&63)) != 0
}

// nextBit returns the first entry from seq on whose bit is not excluded.
func (s *selection) nextBit(seq uint32) (uint32, bool) {
	for seq < s.l.n {
		selected, _ := s.word(seq >> 6)
		if selected >>= seq & 63; selected != 0 {
			seq += uint32(bits.TrailingZeros64(selected))
			return seq, seq < s.l.n
		}
		seq = (seq | 63) + 1
	}
	return 0, false
}

// nextListed returns the first entry from seq on that is in one of the lists.
func (s *selection) nextListed(seq uint32) (uint32, bool) {
	least, ok := uint32(0), false
	for i := range s.lists {
		list := s.lists[i]
		for len(list) > 0 && list[0] < seq {
			list = list[1:]
		}
		s.lists[i] = list
		if len(list) > 0 && (!ok || list[0] < least) {
			least, ok = list[0], true
		}
	}
	return least, ok
}

// run returns the end of the run of selected entries that begins with seq, at
// most limit.
func (s *selection) run(seq, limit uint32) uint32 {
	end := seq + 1
	limit = min(limit, s.l.n)
	if s.listed {
		for end < limit {
			found, ok := s.next(end)
			if !ok {
				break
			}
			if found != end {
				s.peeked = found + 1
				break
			}
			end++
		}
		return end
	}
	for end < limit {
		selected, check := s.word(end >> 6)
		ones := uint32(bits.TrailingZeros64(^((selected &^ check) >> (end & 63))))
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

// passes decides about an entry whose bits do not tell.
func (s *selection) passes(seq uint32) bool {
	if s.pick == pickLast {
		return !s.lateAfter(seq)
	}
	v := &s.q.Versions
	if len(v.Exact) > 0 && s.isListed(seq) {
		return true
	}
	if len(v.Exact) > 0 && !v.First && !v.Last {
		return false
	}
	last := v.Last || v.OnlyLast()
	if !s.l.multi.has(seq) {
		return v.First || last
	}
	e, err := s.span(seq)
	if err != nil {
		s.err = err
		return false
	}
	return v.First && e.first == seq || last && e.last == seq
}

// lateAfter reports whether a newer version of seq's object was added before
// seq, but late enough to count.
func (s *selection) lateAfter(seq uint32) bool {
	v, err := s.l.version(seq)
	for p := s.l.prev[seq]; p > s.after && err == nil; p = s.l.prev[p-1] {
		if s.l.oldSpec.has(p - 1) {
			continue
		}
		var w version
		if w, err = s.l.version(p - 1); err == nil && v.compare(&w) < 0 {
			return true
		}
	}
	if err != nil {
		s.err = err
	}
	return false
}

// isListed reports whether seq's version is in the query.
func (s *selection) isListed(seq uint32) bool {
	v, err := s.l.version(seq)
	if err != nil {
		s.err = err
		return false
	}
	for _, t := range s.q.Versions.Exact {
		if us, exact := t.Micros(); us == v.us && (exact && v.frac == "" || !exact && fraction(t) == v.frac) {
			return true
		}
	}
	return false
}

// span finds the ends of the object that seq belongs to.
func (s *selection) span(seq uint32) (span, error) {
	latest, err := s.latest(seq)
	if err != nil {
		return span{}, err
	}
	if e, ok := s.spans[latest]; ok {
		return e, nil
	}
	e := span{first: maxSeq, last: maxSeq}
	var lowest, highest version
	for _, seq := range s.l.chain(latest) {
		if seq < s.after || !s.competes(seq) {
			continue
		}
		v, err := s.l.version(seq)
		if err != nil {
			return span{}, err
		}
		if e.first == maxSeq || v.compare(&lowest) < 0 {
			e.first, lowest = seq, v
		}
		if e.last == maxSeq || v.compare(&highest) >= 0 {
			e.last, highest = seq, v
		}
	}
	if s.spans == nil {
		s.spans = map[uint32]span{}
	}
	s.spans[latest] = e
	return e, nil
}

// competes reports whether an entry is of a spec version that q lets take part.
func (s *selection) competes(seq uint32) bool {
	switch s.specs {
	case specsNewest:
		return !s.l.oldSpec.has(seq)
	case specsOnly21:
		return !s.l.spec20.has(seq)
	case specsOnly20:
		return s.l.spec20.has(seq)
	}
	return s.specs == specsAny
}

// latest returns the latest entry of the object of seq.
func (s *selection) latest(seq uint32) (uint32, error) {
	c, i, err := s.l.slotAt(seq)
	if err != nil {
		return 0, err
	}
	k := makeKey(c.flag(i, flagOdd), c.uuid(i), text(c.kind(i)))
	latest, _, err := s.l.find(s.l.print(&k), &k)
	return latest, err
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
