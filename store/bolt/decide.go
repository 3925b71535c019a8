package bolt

import (
	"slices"

	"entente/store"
)

// decisions are what a selection knows about entries whose bits do not tell
// whether they are selected.
type decisions struct {
	exact  []version // the query's, sorted
	micros []int64   // of exact
	filter []uint64  // of micros: see mark

	of    *logIndex // what was looked into last: the log of objects,
	chunk int       // the number of the chunk
	ref   *chunkRef // of it
	data  []byte

	// Of the objects that have been looked at, by seq: one look tells about all
	// of an object's entries.
	known   seqSet
	chosen  seqSet
	touched []uint32 // words of known that are not 0
}

// again returns what can be used again for a log of n entries.
func (d *decisions) again(n uint32) decisions {
	for _, w := range d.touched {
		d.known[w], d.chosen[w] = 0, 0
	}
	if more := int((uint64(n)+63)>>6) - len(d.known); more > 0 && d.known != nil {
		d.known, d.chosen = append(d.known, make(seqSet, more)...), append(d.chosen, make(seqSet, more)...)
	}
	return decisions{exact: d.exact[:0], micros: d.micros[:0], filter: d.filter, known: d.known, chosen: d.chosen, touched: d.touched[:0]}
}

// mark is the place of us in decisions.filter, word and bit.
func mark(us int64) (int, uint64) {
	h := uint64(us) * 0x9e3779b97f4a7c15 >> 50
	return int(h >> 6), 1 << (h & 63)
}

// expect prepares isListed.
func (s *selection) expect(v *store.Versions) {
	if s.filter == nil {
		s.filter = make([]uint64, 256)
	}
	clear(s.filter)
	for _, t := range v.Exact {
		us, exact := t.Micros()
		e := version{us: us}
		if !exact {
			e.frac = fraction(t)
		}
		s.exact = append(s.exact, e)
		i, bit := mark(us)
		s.filter[i] |= bit
	}
	slices.SortFunc(s.exact, func(a, b version) int { return a.compare(&b) })
	for i := range s.exact {
		s.micros = append(s.micros, s.exact[i].us)
	}
}

// passes decides about an entry whose bits do not tell.
func (s *selection) passes(seq uint32) bool {
	v := &s.q.Versions
	if s.pick == pickVersions {
		if s.isListed(seq) {
			return true
		}
		if !v.First && !v.Last {
			return false
		}
	}
	if last := v.Last || v.OnlyLast(); !s.l.multi.has(seq) {
		return v.First || last
	}
	if s.known == nil {
		s.known, s.chosen = make(seqSet, s.words()), make(seqSet, s.words())
	}
	if !s.known.has(seq) {
		if err := s.decide(seq); err != nil && s.err == nil {
			s.err = err
		}
	}
	return s.chosen.has(seq)
}

// isListed reports whether seq's version is in the query. Of most entries it
// looks at two columns, in the order in which they lie in the file.
func (s *selection) isListed(seq uint32) bool {
	of, at := s.l.origin(seq)
	if s.of != of || at-s.ref.first >= uint32(s.ref.n) {
		hint := 0
		if s.of == of && at > s.ref.first {
			hint = s.chunk
		}
		chunk := of.locate(at, hint)
		ref := &of.dir[chunk]
		b, err := s.l.m.view(ref.place)
		if err != nil {
			s.err = err
			return false
		}
		s.of, s.chunk, s.ref, s.data = of, chunk, ref, b
	}
	v := s.l.versionIn(s.ref, s.data, at-s.ref.first, seq)
	if i, bit := mark(v.us); s.filter[i]&bit == 0 {
		return false
	}
	if _, found := slices.BinarySearch(s.micros, v.us); !found {
		return false
	}
	if v.flags&flagFine != 0 {
		var err error
		if v.frac, err = s.l.fraction(seq); err != nil {
			s.err = err
			return false
		}
	}
	_, found := slices.BinarySearchFunc(s.exact, &v, func(a version, b *version) int { return a.compare(b) })
	return found
}

// decide finds the first and the last version of the object that seq belongs to,
// among those that the query lets compete, and notes them for all its entries.
func (s *selection) decide(seq uint32) error {
	latest, err := s.l.latest(seq)
	if err != nil {
		return err
	}
	first, last := uint32(maxSeq), uint32(maxSeq)
	var lowest, highest version
	steps := 8
	for p := latest + 1; p > s.after; p = s.l.prev[p-1] {
		steps++
		at := p - 1
		if s.known[at>>6] == 0 {
			s.touched = append(s.touched, at>>6)
		}
		s.known.set(at)
		if !s.competes(at) {
			continue
		}
		v, err := s.l.version(at)
		if err != nil {
			return err
		}
		if first == maxSeq || v.compare(&lowest) <= 0 {
			first, lowest = at, v
		}
		if last == maxSeq || v.compare(&highest) > 0 {
			last, highest = at, v
		}
	}
	if v := &s.q.Versions; first != maxSeq {
		if v.First {
			s.chosen.set(first)
		}
		if v.Last || v.OnlyLast() {
			s.chosen.set(last)
		}
	}
	s.spend(steps)
	return nil
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
func (l *logIndex) latest(seq uint32) (uint32, error) {
	k, err := l.key(seq)
	if err != nil {
		return 0, err
	}
	latest, _, err := l.find(l.print(&k), &k)
	return latest, err
}
