package bolt

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"entente/store"
)

// A releaseStage is what a transaction changes in one release log.
type releaseStage struct {
	l     *logIndex
	at    time.Time   // the latest of the batches' At
	bases []*logIndex // l's and new ones, by number
	dead  map[uint32]bool
	adds  []adding
	there map[origin]int    // numbers in adds of what is there; nil as long as their seqs grow
	moves map[uint32]origin // entries of l that are others now; nil if there are none
	moved map[origin]uint32 // the same the other way
	first int64             // Added of adds[0]
	list  []arrival         // adds, for the index
}

// An adding is an entry that a stage adds to a release log.
type adding struct {
	origin
	job  int  // that adds it
	dead bool // a later job drops it
	void bool // the same job drops it: it was never there
}

// An origin names an entry of a log of objects, perhaps a staged one.
type origin struct {
	of  *logIndex
	seq uint32
}

// stageRelease returns a stage of a release log to which about n entries are added.
func stageRelease(l *logIndex, n int) *releaseStage {
	return &releaseStage{l: l, bases: slices.Clone(l.rel.bases), dead: map[uint32]bool{}, adds: make([]adding, 0, n)}
}

// newReleaseLog returns the index of a release log without entries.
func (s *Store) newReleaseLog(id store.LogID) *logIndex {
	l := s.newLogIndex(id)
	l.rel = new(released)
	return l
}

// drop takes out o, if it is there.
func (st *releaseStage) drop(job int, o origin) error {
	if i, ok := st.staged(o); ok {
		delete(st.there, o)
		a := &st.adds[i]
		a.void = a.job == job
		a.dead = !a.void
		return nil
	}
	seq, ok, err := st.entry(o)
	if ok {
		st.dead[seq] = true
	}
	return err
}

// entry returns the entry of l that is o by now.
func (st *releaseStage) entry(o origin) (seq uint32, ok bool, err error) {
	if seq, ok = st.moved[o]; ok {
		return seq, !st.dead[seq], nil
	}
	if seq, ok, err = st.l.entryOf(o.of, o.seq); !ok || err != nil {
		return 0, false, err
	}
	_, other := st.moves[seq]
	return seq, !other && !st.dead[seq], nil
}

// move makes the entry that is was be now, which is not there.
func (st *releaseStage) move(was, now origin) error {
	if i, ok := st.staged(was); ok {
		st.index()
		delete(st.there, was)
		st.there[now], st.adds[i].origin = i, now
		return nil
	}
	seq, ok, err := st.entry(was)
	if st.moves == nil {
		st.moves, st.moved = map[uint32]origin{}, map[origin]uint32{}
	}
	if ok {
		delete(st.moved, was)
		st.moved[now], st.moves[seq] = seq, now
	}
	return err
}

// has reports whether the log has o by now.
func (st *releaseStage) has(o origin) (bool, error) {
	if _, ok := st.staged(o); ok {
		return true, nil
	}
	_, ok, err := st.entry(o)
	return ok, err
}

// add appends o, unless it is there.
func (st *releaseStage) add(job int, o origin) error {
	if has, err := st.has(o); has || err != nil {
		return err
	}
	if last := len(st.adds) - 1; last >= 0 && st.adds[last].seq >= o.seq {
		st.index()
	}
	if st.there != nil {
		st.there[o] = len(st.adds)
	}
	st.adds = append(st.adds, adding{origin: o, job: job})
	return nil
}

// index makes there, if it is nil.
func (st *releaseStage) index() {
	if st.there != nil {
		return
	}
	st.there = make(map[origin]int, cap(st.adds))
	for i := range st.adds {
		if a := &st.adds[i]; !a.dead && !a.void {
			st.there[a.origin] = i
		}
	}
}

// staged returns the number in adds of what is there as o.
func (st *releaseStage) staged(o origin) (int, bool) {
	if st.there != nil {
		i, ok := st.there[o]
		return i, ok
	}
	i, ok := slices.BinarySearchFunc(st.adds, o.seq, func(a adding, seq uint32) int { return cmp.Compare(a.seq, seq) })
	return i, ok && st.adds[i].of == o.of && !st.adds[i].dead && !st.adds[i].void
}

// number gives the added entries their Added, when all jobs have been planned.
func (st *releaseStage) number() error {
	st.adds = slices.DeleteFunc(st.adds, func(a adding) bool { return a.void })
	for _, seq := range slices.Sorted(maps.Keys(st.moves)) {
		st.base(st.moves[seq].of)
	}
	if len(st.adds) == 0 {
		return nil
	}
	if uint64(st.l.n)+uint64(len(st.adds)) > maxSeq {
		return fmt.Errorf("%w: log %q is full: it has had %d entries", store.ErrInvalid, st.l.id, st.l.n)
	}
	first, err := store.Number(store.Added(st.l.head), st.at, len(st.adds))
	st.first = int64(first)
	for i := range st.adds {
		st.base(st.adds[i].of)
	}
	return err
}

// base is the number of a log of objects among the bases, a new one if it has none.
func (st *releaseStage) base(of *logIndex) uint32 {
	i := slices.Index(st.bases, of)
	if i < 0 {
		i = len(st.bases)
		st.bases = append(st.bases, of)
	}
	return uint32(i)
}

func (st *releaseStage) empty() bool {
	return len(st.adds) == 0 && len(st.dead) == 0 && len(st.moves) == 0
}

// releasing is added entry i.
func (st *releaseStage) releasing(i int) releasing {
	a := &st.adds[i]
	return releasing{base: st.base(a.of), ref: a.seq, added: st.first + int64(i), dead: a.dead}
}

// write writes the segments that change.
func (st *releaseStage) write(tx *bbolt.Tx) error {
	log, err := tx.Bucket(bucketLogs).CreateBucketIfNotExists([]byte(st.l.id))
	if err != nil {
		return err
	}
	of, err := log.CreateBucketIfNotExists(bucketOf)
	if err != nil {
		return err
	}
	for i := len(st.l.rel.bases); i < len(st.bases); i++ {
		if err := of.Put(seqKey(uint32(i)), []byte(st.bases[i].id)); err != nil {
			return err
		}
	}
	segments, err := log.CreateBucketIfNotExists(bucketRel)
	if err != nil {
		return err
	}
	segments.FillPercent = 0.95 // keys grow
	n, end := st.l.n, st.l.n+uint32(len(st.adds))
	changed := map[uint32]bool{}
	for seq := range st.dead {
		changed[seq/segmentSlots] = true
	}
	for seq := range st.moves {
		changed[seq/segmentSlots] = true
	}
	for seq := n; seq < end; seq++ {
		changed[seq/segmentSlots] = true
	}
	list := make([]releasing, 0, segmentSlots)
	for _, number := range slices.Sorted(maps.Keys(changed)) {
		list = list[:0]
		for seq := number * segmentSlots; seq < min((number+1)*segmentSlots, end); seq++ {
			if seq >= n {
				list = append(list, st.releasing(int(seq-n)))
				continue
			}
			e := st.l.rel.at(seq)
			if o, ok := st.moves[seq]; ok {
				e.base, e.ref = st.base(o.of), o.seq
			}
			e.dead = st.l.deleted.has(seq) || st.dead[seq]
			list = append(list, e)
		}
		key := seqKey(number * segmentSlots)
		if err := segments.Put(key, appendSegment(nil, key, list)); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes list, so that readers need not wait for that.
func (st *releaseStage) prepare(g *group) error {
	var f feeder
	st.list = make([]arrival, len(st.adds))
	for i := range st.adds {
		r, o := st.releasing(i), st.adds[i].origin
		base := g.logs[o.of.id] // if it is staged
		if o.seq >= o.of.n {
			at := o.seq - o.of.n
			e := base.slots[at].entry()
			e.print = base.added[at].print
			st.list[i] = arrive(r, e, base.label(o.seq))
			continue
		}
		e, err := f.entry(o.of, o.seq)
		if err != nil {
			return err
		}
		label := o.of.label(o.seq)
		if base != nil {
			label = base.label(o.seq)
		}
		st.list[i] = arrive(r, e, label)
	}
	return nil
}

// publish brings the index up to what was written. The indexes of the bases are.
func (st *releaseStage) publish() error {
	l := st.l
	l.moved++
	l.rel.bases = st.bases
	for seq, o := range st.moves {
		l.rel.move(seq, st.base(o.of), o.seq)
		l.seen.add(o.of.label(o.seq))
	}
	losses, err := l.losses(slices.Sorted(maps.Keys(st.dead)))
	if err != nil {
		return err
	}
	for i := range losses {
		if err := l.forget(&losses[i]); err != nil {
			return err
		}
	}
	several, err := l.release(st.list)
	if err != nil {
		return err
	}
	return l.judgeSeveral(several)
}

// judgeSeveral judges the objects of entries that were not their first.
func (l *logIndex) judgeSeveral(seqs []uint32) error {
	judged := map[uint32]bool{}
	for _, seq := range seqs {
		latest, err := l.latest(seq)
		if err != nil {
			return err
		}
		if judged[latest] {
			continue
		}
		judged[latest] = true
		if err := l.judge(latest); err != nil {
			return err
		}
	}
	return nil
}

// A loss is some entries of one object that go.
type loss struct {
	print, latest uint32   // of the object
	seqs          []uint32 // growing
	size          int64    // bytes of their objects
}

// losses sorts entries of a release log by object.
func (l *logIndex) losses(seqs []uint32) ([]loss, error) {
	var list []loss
	var f feeder
	at := map[uint32]int{} // by latest
	for _, seq := range seqs {
		e, err := f.entry(l.origin(seq))
		if err != nil {
			return nil, err
		}
		k, err := l.key(seq)
		if err != nil {
			return nil, err
		}
		latest, _, err := l.find(e.print, &k)
		if err != nil {
			return nil, err
		}
		i, met := at[latest]
		if !met {
			i = len(list)
			at[latest] = i
			list = append(list, loss{print: e.print, latest: latest})
		}
		list[i].seqs = append(list[i].seqs, seq)
		list[i].size += int64(e.size)
	}
	return list, nil
}

// loadRelease builds the index of a release log. All logs of objects are loaded.
func (s *Store) loadRelease(tx *bbolt.Tx, l *logIndex) error {
	log := tx.Bucket(bucketLogs).Bucket([]byte(l.id))
	of, segments := log.Bucket(bucketOf), log.Bucket(bucketRel)
	if of == nil || segments == nil || log.Bucket(bucketChunk) != nil {
		return fmt.Errorf("%w: neither a release log nor one of objects", store.ErrCorrupt)
	}
	err := of.ForEach(func(key, name []byte) error {
		base := s.logs[store.LogID(name)]
		if base == nil || base.rel != nil || !bytes.Equal(key, seqKey(uint32(len(l.rel.bases)))) {
			return fmt.Errorf("%w: base %x %q is not a log of objects", store.ErrCorrupt, key, name)
		}
		l.rel.bases = append(l.rel.bases, base)
		return nil
	})
	if err != nil {
		return err
	}
	if key, _ := segments.Cursor().Last(); key != nil {
		last, err := keySeq(key)
		if err != nil || uint64(last) > uint64(segments.Stats().KeyN)*segmentSlots {
			return fmt.Errorf("%w: segment %x", store.ErrCorrupt, key)
		}
		l.grow(int(last) + segmentSlots)
		l.rel.refs = slices.Grow(l.rel.refs, int(last)+segmentSlots)
	}
	var f feeder
	err = segments.ForEach(func(key, value []byte) error {
		if err := l.loadSegment(&f, key, value); err != nil {
			return fmt.Errorf("segment %x: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.judgeAll()
}
