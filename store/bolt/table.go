package bolt

// A table finds the latest entry of an object: an open-addressing hash table of
// 8 bytes a place, at most 3/4 full. A place is the 32-bit fingerprint of an
// idKey and the entry's seq plus one; seq part 0 is an empty place, gone one
// that was removed. Fingerprints are not unique: the caller verifies.
type table struct {
	places []uint64 // a power of two
	used   int      // not empty, those that are gone included
	seen   uint64   // what touch saw
}

const gone = 1<<32 - 1

// grow makes room for n more objects.
func (t *table) grow(n int) {
	size := max(len(t.places), 16)
	for (t.used+n)*4 > size*3 {
		size *= 2
	}
	if size == len(t.places) {
		return
	}
	old := t.places
	t.places, t.used = make([]uint64, size), 0
	for _, p := range old {
		if seq := uint32(p); seq != 0 && seq != gone {
			t.insert(uint32(p>>32), seq-1)
		}
	}
}

// touch brings the places of prints near the processor. The loop is short, so
// that it waits for many of them at once.
func (t *table) touch(prints []uint32) {
	mask := uint32(len(t.places) - 1)
	for _, print := range prints {
		t.seen ^= t.places[print&mask]
	}
}

// insert adds an object that is not in t; there must be room.
func (t *table) insert(print, seq uint32) {
	mask := uint32(len(t.places) - 1)
	i := print & mask
	for uint32(t.places[i]) != 0 {
		i = (i + 1) & mask
	}
	t.places[i] = uint64(print)<<32 | uint64(seq+1)
	t.used++
}

// next returns the place from i on that has print, -1 if there is none. A search
// begins at print and goes on at the place after the last one found.
func (t *table) next(print, i uint32) (place int, seq uint32) {
	if len(t.places) == 0 {
		return -1, 0
	}
	mask := uint32(len(t.places) - 1)
	for i &= mask; ; i = (i + 1) & mask {
		p := t.places[i]
		switch s := uint32(p); {
		case s == 0:
			return -1, 0
		case uint32(p>>32) == print && s != gone:
			return int(i), s - 1
		}
	}
}

// replace makes the object whose latest entry was old point to seq.
func (t *table) replace(print, old, seq uint32) {
	t.set(print, old, seq+1)
}

// remove takes out the object whose latest entry is old.
func (t *table) remove(print, old uint32) {
	t.set(print, old, gone)
}

func (t *table) set(print, old, value uint32) {
	for i := print; ; i++ {
		place, seq := t.next(print, i)
		if place < 0 {
			return
		}
		if seq == old {
			t.places[place] = uint64(print)<<32 | uint64(value)
			return
		}
		i = uint32(place)
	}
}

// A seqSet is a set of seqs.
type seqSet []uint64

func (b seqSet) has(seq uint32) bool { return b[seq>>6]&(1<<(seq&63)) != 0 }
func (b seqSet) set(seq uint32)      { b[seq>>6] |= 1 << (seq & 63) }
func (b seqSet) clear(seq uint32)    { b[seq>>6] &^= 1 << (seq & 63) }

func (b seqSet) put(seq uint32, on bool) {
	if on {
		b.set(seq)
	} else {
		b.clear(seq)
	}
}
