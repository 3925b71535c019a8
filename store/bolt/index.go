package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"sort"
	"strings"
	"sync"

	"entente/store"
)

// A chunkRef is what the index knows about a chunk.
type chunkRef struct {
	place
	first  uint32 // seq of slot 0
	n      uint16
	sealed bool
	cols   [numCols]uint32 // where the columns begin in the chunk
	z      place           // of the fragment; size 0 if there is none
	uid    uint64          // never the same for two contents of a chunk in one process
	added  int64           // of slot 0
}

// A logIndex is what is kept in memory about one log: about 25 bytes an entry, 4
// more in a release log and in a log with labels. It is rebuilt from the columns
// of chunks and from segments when the store is opened. Entries are numbered by
// seq, from 0, deleted ones included.
type logIndex struct {
	id    store.LogID
	m     *mapping
	seed  maphash.Seed
	slots int // most entries in a new chunk

	mu     *sync.RWMutex // of the Store; guards what follows; only the committer changes it
	dir    []chunkRef    // none in a release log
	firsts []uint32      // dir[i].first
	moved  uint64        // grows when anything that follows or precedes changes, but for compression
	n      uint32        // entries, deleted ones included
	head   int64         // Added of the last one
	live   int64         // entries that are not deleted
	bytes  int64         // of their objects
	specs  [2]int64      // live entries of 2.1 and 2.0
	rel    *released     // of a release log; else nil
	labels []store.Label // by seq; none if all are 0, and in a release log
	seen   seenLabels

	table table
	prev  []uint32 // by seq: seq+1 of the entry of the same object before it, 0 if none

	// By seq. The bits of entries that are deleted mean nothing.
	deleted seqSet
	spec20  seqSet // the spec version is 2.0
	multi   seqSet // the object has or had other entries
	oldSpec seqSet // the object has an entry of a newer spec version
	notLast seqSet // of the object's newest spec version, an entry added later is a newer version
	late    seqSet // of the object's newest spec version, an entry added earlier is a newer version

	kinds map[string]*kind
	last  *kind // of the last entry
}

// A kind is one object type in a log.
type kind struct {
	name string
	hash uint64   // keyed
	seqs []uint32 // of its entries, growing, deleted ones included
}

func (s *Store) newLogIndex(id store.LogID) *logIndex {
	return &logIndex{id: id, m: s.m, mu: &s.mu, seed: s.seed, slots: s.o.slots, kinds: map[string]*kind{}}
}

// chunkAt opens the chunk of ref.
func (l *logIndex) chunkAt(ref *chunkRef) (chunk, error) {
	b, err := l.m.view(ref.place)
	if err != nil {
		return chunk{}, err
	}
	return openChunk(b)
}

// locate returns the number of the chunk that has seq. hint is a chunk at or
// before it: chunks have at most maxSlots entries, and mostly just as many.
func (l *logIndex) locate(seq uint32, hint int) int {
	i := min(hint+int((seq-l.firsts[hint])/maxSlots), len(l.firsts)-1)
	for range 4 {
		if i+1 == len(l.firsts) || l.firsts[i+1] > seq {
			return i
		}
		i++
	}
	return i + sort.Search(len(l.firsts)-i, func(j int) bool { return l.firsts[i+j] > seq }) - 1
}

// slotAt opens the chunk that has seq and returns the slot's number in it.
func (l *logIndex) slotAt(seq uint32) (chunk, int, error) {
	l, seq = l.origin(seq)
	ref := &l.dir[l.locate(seq, 0)]
	c, err := l.chunkAt(ref)
	return c, int(seq - ref.first), err
}

// after returns the first seq whose Added is greater than a.
func (l *logIndex) after(a store.Added) (uint32, error) {
	if int64(a) >= l.head {
		return l.n, nil
	}
	if l.rel != nil {
		return l.rel.after(int64(a)), nil
	}
	i := sort.Search(len(l.dir), func(i int) bool { return l.dir[i].added > int64(a) })
	if i == 0 {
		return 0, nil
	}
	ref := &l.dir[i-1]
	c, err := l.chunkAt(ref)
	if err != nil {
		return 0, err
	}
	return ref.first + uint32(sort.Search(c.n, func(j int) bool { return c.added(j) > int64(a) })), nil
}

// print is the fingerprint of k. It is keyed anew in every process, so that
// nobody can choose ids that collide.
func (l *logIndex) print(k *idKey) uint32 {
	h := maphash.Bytes(l.seed, k.uuid[:])
	if !k.odd {
		h += l.kindHash(k.kind)
	}
	return uint32(h >> 32)
}

func (l *logIndex) kindHash(name string) uint64 {
	if kind := l.kinds[name]; kind != nil {
		return kind.hash
	}
	return maphash.String(l.seed, name)
}

// find returns the latest entry of k.
func (l *logIndex) find(print uint32, k *idKey) (seq uint32, ok bool, err error) {
	for i := print; ; i++ {
		place, seq := l.table.next(print, i)
		if place < 0 {
			return 0, false, nil
		}
		is, err := l.is(seq, k)
		if is || err != nil {
			return seq, is, err
		}
		i = uint32(place)
	}
}

// column returns the value of column col of an entry; in a release log colAdded
// is that of its origin.
func (l *logIndex) column(seq uint32, col int) ([]byte, error) {
	l, seq = l.origin(seq)
	ref := &l.dir[l.locate(seq, 0)]
	b, err := l.m.view(ref.place)
	if err != nil {
		return nil, err
	}
	return ref.value(b, seq-ref.first, col), nil
}

// value returns the value of column col of slot i of the chunk in b, without
// opening the chunk: it was checked when it got into the directory.
func (ref *chunkRef) value(b []byte, i uint32, col int) []byte {
	width := colWidth[col]
	return b[int(ref.cols[col])+int(i)*width:][:width]
}

// end is where the object of slot i of the chunk in b ends in the raw column.
func (ref *chunkRef) end(b []byte, i uint32) uint32 {
	return binary.LittleEndian.Uint32(b[ref.cols[colEnd]+4*i:])
}

// start is where it begins.
func (ref *chunkRef) start(b []byte, i uint32) uint32 {
	if i == 0 {
		return 0
	}
	if end := ref.end(b, i-1); end > 0 {
		return end + 1
	}
	return 0
}

// kind returns the type of slot i of the chunk in b.
func (ref *chunkRef) kind(b []byte, i uint32) []byte {
	names := b[ref.cols[colTypes]:]
	for range ref.value(b, i, colType)[0] {
		names = names[2+binary.LittleEndian.Uint16(names):]
	}
	return names[2 : 2+binary.LittleEndian.Uint16(names)]
}

// key returns what identifies the object of an entry, in bytes of the file.
func (l *logIndex) key(seq uint32) (idKey, error) {
	l, seq = l.origin(seq)
	ref := &l.dir[l.locate(seq, 0)]
	b, err := l.m.view(ref.place)
	if err != nil {
		return idKey{}, err
	}
	i := seq - ref.first
	odd := ref.value(b, i, colFlags)[0]&flagOdd != 0
	return makeKey(odd, [16]byte(ref.value(b, i, colUUID)), text(ref.kind(b, i))), nil
}

// is reports whether the entry is of the object k.
func (l *logIndex) is(seq uint32, k *idKey) (bool, error) {
	uuid, err := l.column(seq, colUUID)
	if err != nil || [16]byte(uuid) != k.uuid {
		return false, err
	}
	other, err := l.key(seq)
	return other == *k, err
}

// chain returns the entries of the object whose latest entry is seq, oldest first.
func (l *logIndex) chain(seq uint32) []uint32 {
	list := []uint32{seq}
	for p := l.prev[seq]; p != 0; p = l.prev[p-1] {
		list = append(list, p-1)
	}
	slices.Reverse(list)
	return list
}

// grow makes room for n more entries.
func (l *logIndex) grow(n int) {
	words := (int(l.n) + n + 63) / 64
	for _, b := range []*seqSet{&l.deleted, &l.spec20, &l.multi, &l.oldSpec, &l.notLast, &l.late} {
		for len(*b) < words {
			*b = append(*b, 0)
		}
	}
	l.prev = slices.Grow(l.prev, n)
	l.table.grow(n)
}

// An entry is what the index needs to know about a new entry.
type entry struct {
	added int64
	size  int    // bytes of the object
	kind  string // need not outlive the call that got it
	print uint32
	prev  uint32 // seq+1 of the object's latest entry, 0 if it is new
	label store.Label
	flags uint8
}

func (s *slot) entry() entry {
	return entry{added: s.added, size: len(s.raw), kind: s.kind, flags: s.flags}
}

// add appends an entry. What its being there changes about other entries of the
// same object, judge finds out.
func (l *logIndex) add(e entry) {
	seq := l.n
	l.n++
	l.head = e.added
	l.addKind(e.kind, seq)
	l.prev = append(l.prev, 0)
	if l.rel == nil {
		l.setLabel(seq, e.label)
	} else {
		l.seen.add(e.label)
	}
	if e.flags&flagDeleted != 0 {
		l.deleted.set(seq)
		return
	}
	l.live++
	l.bytes += int64(e.size)
	l.spec20.put(seq, e.flags&flagSpec20 != 0)
	l.specs[spec(e.flags)]++
	if e.prev == 0 {
		l.table.insert(e.print, seq)
		return
	}
	l.prev[seq] = e.prev
	l.table.replace(e.print, e.prev-1, seq)
}

// spec is the place of a slot's spec version in logIndex.specs.
func spec(flags uint8) int {
	if flags&flagSpec20 != 0 {
		return 1
	}
	return 0
}

func (l *logIndex) addKind(name string, seq uint32) {
	k := l.last
	if k == nil || k.name != name {
		k = l.kinds[name]
	}
	if k == nil {
		name = strings.Clone(name)
		k = &kind{name: name, hash: maphash.String(l.seed, name)}
		l.kinds[name] = k
	}
	l.last = k
	k.seqs = append(k.seqs, seq)
}

// judge works out the bits of all entries of an object that has several; latest
// is the last of them.
func (l *logIndex) judge(latest uint32) error {
	seqs := l.chain(latest)
	versions := make([]version, len(seqs))
	newest := uint8(flagSpec20)
	for i, seq := range seqs {
		v, err := l.version(seq)
		if err != nil {
			return err
		}
		versions[i] = v
		newest &= v.flags
		l.multi.set(seq)
	}
	newest &= flagSpec20
	var top *version
	for i, seq := range seqs {
		v := &versions[i]
		l.oldSpec.put(seq, v.flags&flagSpec20 != newest)
		if l.oldSpec.has(seq) {
			continue
		}
		l.late.put(seq, top != nil && v.compare(top) < 0)
		if top == nil || v.compare(top) >= 0 {
			top = v
		}
	}
	top = nil
	for i := len(seqs) - 1; i >= 0; i-- {
		v := &versions[i]
		if l.oldSpec.has(seqs[i]) {
			continue
		}
		l.notLast.put(seqs[i], top != nil && v.compare(top) <= 0)
		if top == nil || v.compare(top) > 0 {
			top = v
		}
	}
	return nil
}

// load adds the chunk in b, which lies at p and whose first entry is first.
func (l *logIndex) load(b []byte, p place, first uint32, uid uint64) error {
	c, err := readChunk(b)
	if err != nil {
		return err
	}
	if first != l.n || c.added(0) <= l.head || uint64(first)+uint64(c.n) > maxSeq {
		return fmt.Errorf("%w: chunk %d does not follow entry %d", store.ErrCorrupt, first, l.n)
	}
	l.addRef(newRef(&c, p, first, uid))
	l.grow(c.n)
	slots := c.appendSlots(make([]slot, 0, maxSlots))
	prints := l.prints(slots)
	for i := range slots {
		s := &slots[i]
		e := s.entry()
		e.print, e.label = prints[i], l.label(l.n)
		if s.flags&flagDeleted == 0 {
			latest, ok, err := l.find(e.print, &s.key)
			if err != nil {
				return err
			}
			if ok {
				e.prev = latest + 1
				l.multi.set(latest)
				l.multi.set(l.n)
			}
		}
		l.add(e)
	}
	return nil
}

// prints returns the fingerprints of slots. It looks at their places in the
// table, so that the memory they lie in is waited for all at once.
func (l *logIndex) prints(slots []slot) (prints [maxSlots]uint32) {
	for i := range slots {
		prints[i] = l.print(&slots[i].key)
	}
	l.table.touch(prints[:len(slots)])
	return prints
}

// addRef appends a chunk to the directory.
func (l *logIndex) addRef(ref chunkRef) {
	l.dir = append(l.dir, ref)
	l.firsts = append(l.firsts, ref.first)
}

func newRef(c *chunk, p place, first uint32, uid uint64) chunkRef {
	return chunkRef{place: p, first: first, n: uint16(c.n), sealed: c.sealed, cols: c.off, uid: uid, added: c.added(0)}
}

// judgeAll judges every object that has several entries, after load.
func (l *logIndex) judgeAll() error {
	for _, p := range l.table.places {
		if s := uint32(p); s != 0 && s != gone && l.multi.has(s-1) {
			if err := l.judge(s - 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// tail is the number of the first chunk that is not sealed.
func (l *logIndex) tail() int {
	i := len(l.dir)
	for i > 0 && !l.dir[i-1].sealed {
		i--
	}
	return i
}
