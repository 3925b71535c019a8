package bolt

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sort"

	"entente/store"
)

// What makes a logIndex one of a release log. Its entries are entries of other
// logs, its bases: whatever is not about order and Added is looked up there.
type released struct {
	bases []*logIndex // by number
	spans []span      // all entries, by first
	refs  []uint32    // by seq: the entry's seq in its base
	ends  []uint32    // by number of the base: all refs to it are below
}

// A span is a run of entries that are 1 µs apart and of one base.
type span struct {
	first uint32 // seq
	base  uint32 // number
	added int64  // of first
}

// A releasing is an entry on its way into a release log.
type releasing struct {
	base  uint32
	ref   uint32
	added int64
	dead  bool
}

// span returns the number of the span that has seq. hint is any, best the one
// before.
func (r *released) span(seq uint32, hint int) int {
	if r.spans[hint].first > seq {
		hint = 0
	}
	for range 4 {
		if hint+1 == len(r.spans) || r.spans[hint+1].first > seq {
			return hint
		}
		hint++
	}
	return hint + sort.Search(len(r.spans)-hint, func(i int) bool { return r.spans[hint+i].first > seq }) - 1
}

// end is the seq behind span i.
func (r *released) end(i int) uint32 {
	if i+1 < len(r.spans) {
		return r.spans[i+1].first
	}
	return uint32(len(r.refs))
}

func (r *released) addedAt(seq uint32) int64 {
	s := &r.spans[r.span(seq, 0)]
	return s.added + int64(seq-s.first)
}

// after returns the first seq whose Added is greater than a.
func (r *released) after(a int64) uint32 {
	i := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].added > a })
	if i == 0 {
		return 0
	}
	s := &r.spans[i-1]
	return s.first + uint32(min(a-s.added+1, int64(r.end(i-1)-s.first)))
}

// at is entry seq as it was released.
func (r *released) at(seq uint32) releasing {
	s := &r.spans[r.span(seq, 0)]
	return releasing{base: s.base, ref: r.refs[seq], added: s.added + int64(seq-s.first)}
}

// add appends an entry.
func (r *released) add(e *releasing) {
	seq := uint32(len(r.refs))
	if n := len(r.spans); n == 0 || r.spans[n-1].base != e.base || r.spans[n-1].added+int64(seq-r.spans[n-1].first) != e.added {
		r.spans = append(r.spans, span{first: seq, base: e.base, added: e.added})
	}
	r.refs = append(r.refs, e.ref)
	r.reach(e.base, e.ref)
}

// reach notes that there is a ref to a base.
func (r *released) reach(base, ref uint32) {
	for uint32(len(r.ends)) <= base {
		r.ends = append(r.ends, 0)
	}
	r.ends[base] = max(r.ends[base], ref+1)
}

// move makes entry seq another entry of the bases, in its place.
func (r *released) move(seq, base, ref uint32) {
	r.refs[seq] = ref
	r.reach(base, ref)
	i := r.span(seq, 0)
	s, end := r.spans[i], r.end(i)
	if s.base == base {
		return
	}
	from, to := max(0, i-1), min(len(r.spans), i+2)
	parts := slices.Clone(r.spans[from:i])
	if s.first < seq {
		parts = append(parts, s)
	}
	added := s.added + int64(seq-s.first)
	parts = append(parts, span{first: seq, base: base, added: added})
	if seq+1 < end {
		parts = append(parts, span{first: seq + 1, base: s.base, added: added + 1})
	}
	parts = append(parts, r.spans[i+1:to]...)
	joined := parts[:1]
	for _, p := range parts[1:] {
		if last := &joined[len(joined)-1]; last.base != p.base || last.added+int64(p.first-last.first) != p.added {
			joined = append(joined, p)
		}
	}
	r.spans = slices.Replace(r.spans, from, to, joined...)
}

// origin returns the log of objects that has entry seq, and its seq there.
func (l *logIndex) origin(seq uint32) (*logIndex, uint32) {
	r := l.rel
	switch {
	case r == nil:
		return l, seq
	case len(r.bases) == 1:
		return r.bases[0], r.refs[seq]
	}
	return r.bases[r.spans[r.span(seq, 0)].base], r.refs[seq]
}

// changes grows when l or one of its bases does: see moved.
func (l *logIndex) changes() uint64 {
	n := l.moved
	if l.rel != nil {
		for _, b := range l.rel.bases {
			n += b.moved
		}
	}
	return n
}

// entryOf returns the entry of l that is entry ref of base.
func (l *logIndex) entryOf(base *logIndex, ref uint32) (uint32, bool, error) {
	number := slices.Index(l.rel.bases, base)
	if number < 0 || number >= len(l.rel.ends) || ref >= l.rel.ends[number] {
		return 0, false, nil
	}
	k, err := base.key(ref)
	if err != nil {
		return 0, false, err
	}
	latest, found, err := l.find(l.print(&k), &k)
	if !found || err != nil {
		return 0, false, err
	}
	for p := latest + 1; p != 0; p = l.prev[p-1] {
		if o, at := l.origin(p - 1); o == base && at == ref {
			return p - 1, true, nil
		}
	}
	return 0, false, nil
}

// An arrival is an entry that comes into the index of a release log.
type arrival struct {
	releasing
	entry
}

// A feeder reads arrivals from the chunks of bases. It keeps the last chunk open.
type feeder struct {
	of     *logIndex
	ref    *chunkRef
	b      []byte
	kinds  []string  // of the chunk
	hashes []uint64  // of kinds
	list   []arrival // for feed
}

func (f *feeder) open(of *logIndex, seq uint32) error {
	ref := &of.dir[of.locate(seq, 0)]
	c, err := of.chunkAt(ref)
	if err != nil {
		return err
	}
	f.b, err = of.m.view(ref.place)
	f.of, f.ref, f.kinds, f.hashes = of, ref, f.kinds[:0], f.hashes[:0]
	for _, k := range c.kinds() {
		f.kinds, f.hashes = append(f.kinds, text(k)), append(f.hashes, of.kindHash(text(k)))
	}
	return err
}

// entry describes entry seq of base, but for its Added and its label.
func (f *feeder) entry(base *logIndex, seq uint32) (entry, error) {
	if f.of != base || seq-f.ref.first >= uint32(f.ref.n) {
		if err := f.open(base, seq); err != nil {
			return entry{}, err
		}
	}
	i := seq - f.ref.first
	kind := f.ref.value(f.b, i, colType)[0]
	e := entry{kind: f.kinds[kind], flags: f.ref.value(f.b, i, colFlags)[0]}
	h := maphash.Bytes(base.seed, f.ref.value(f.b, i, colUUID))
	if e.flags&flagOdd == 0 {
		h += f.hashes[kind]
	}
	e.print = uint32(h >> 32)
	e.size = int(f.ref.end(f.b, i) - f.ref.start(f.b, i))
	return e, nil
}

// release appends entries, whose bases have them. What their being there changes
// about other entries of the same objects, judge finds out: for the entries that
// are returned, the latest of such objects.
func (l *logIndex) release(list []arrival) (several []uint32, err error) {
	l.grow(len(list))
	for batch := range slices.Chunk(list, maxSlots) {
		var prints [maxSlots]uint32
		for i := range batch {
			prints[i] = batch[i].print
		}
		l.table.touch(prints[:len(batch)])
		for i := range batch {
			a := &batch[i]
			found, err := l.follow(a)
			if err != nil {
				return nil, err
			}
			if found {
				several = append(several, l.n)
			}
			l.rel.add(&a.releasing)
			l.add(a.entry)
		}
	}
	return several, nil
}

// follow looks for other entries of a's object and makes a the one behind them.
func (l *logIndex) follow(a *arrival) (found bool, err error) {
	base := l.rel.bases[a.base]
	if a.dead || len(l.rel.bases) == 1 && !base.multi.has(a.ref) {
		return false, nil
	}
	k, err := base.key(a.ref)
	if err != nil {
		return false, err
	}
	latest, found, err := l.find(a.print, &k)
	if found {
		a.prev = latest + 1
		l.multi.set(latest)
		l.multi.set(l.n)
	}
	return found, err
}

// loadSegment adds the segment at key.
func (l *logIndex) loadSegment(f *feeder, key, value []byte) error {
	first, err := keySeq(key)
	if err != nil {
		return err
	}
	if first != l.n || first%segmentSlots != 0 {
		return fmt.Errorf("%w: does not follow entry %d", store.ErrCorrupt, l.n)
	}
	list, err := readSegment(key, value)
	if err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		if int64(e.base) >= int64(len(l.rel.bases)) || e.ref >= l.rel.bases[e.base].n {
			return fmt.Errorf("%w: slot %d is entry %d of log number %d, which is not there", store.ErrCorrupt, i, e.ref, e.base)
		}
		base := l.rel.bases[e.base]
		if e.added <= l.head || i > 0 && e.added <= list[i-1].added {
			return fmt.Errorf("%w: slot %d: added does not grow", store.ErrCorrupt, i)
		}
		if !e.dead && base.deleted.has(e.ref) {
			return fmt.Errorf("%w: slot %d: entry %d of log %q was deleted", store.ErrCorrupt, i, e.ref, base.id)
		}
	}
	return l.feed(f, list)
}

// feed appends entries that are stored already, without judging their objects.
func (l *logIndex) feed(f *feeder, list []releasing) error {
	f.list = slices.Grow(f.list[:0], len(list))
	for i := range list {
		e, err := f.entry(l.rel.bases[list[i].base], list[i].ref)
		if err != nil {
			return err
		}
		f.list = append(f.list, arrive(list[i], e, l.rel.bases[list[i].base].label(list[i].ref)))
	}
	_, err := l.release(f.list)
	return err
}

// arrive makes an arrival of what is known about an entry.
func arrive(r releasing, e entry, label store.Label) arrival {
	e.added, e.label = r.added, label
	if r.dead {
		e.flags |= flagDeleted
	}
	return arrival{r, e}
}
