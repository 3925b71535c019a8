package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"entente/store"
)

// Commit implements [store.Writer].
func (s *Store) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	if err := store.CheckBatch(b); err != nil {
		return store.Receipt{}, err
	}
	j := &job{batch: b, slots: make([]slot, len(b.Objects))}
	for i := range b.Objects {
		o := &b.Objects[i]
		if o.ID.Type() != o.Type {
			return store.Receipt{}, fmt.Errorf("%w: object %d: id %q of type %q", store.ErrInvalid, i, o.ID, o.Type)
		}
		j.slots[i] = newSlot(o)
		j.size += len(o.Raw)
	}
	for i := range b.Put {
		j.size += len(b.Put[i].Body)
	}
	for i := range b.Releases {
		j.size += 64 * (len(b.Releases[i].Add) + len(b.Releases[i].Drop) + len(b.Releases[i].Move))
	}
	if err := s.enter(ctx); err != nil {
		return store.Receipt{}, err
	}
	defer s.leave()
	err := s.do(ctx, j)
	if err != nil {
		return store.Receipt{}, err
	}
	return j.receipt, nil
}

// commitGroup commits jobs in one transaction, or a few, and sets their err and
// receipt.
func (s *Store) commitGroup(jobs []*job) {
	n := together(jobs)
	live := slices.Clone(jobs[:n])
	var g *group
	err := s.update(func(tx *bbolt.Tx) error {
		for {
			g = s.newGroup(tx)
			failed := g.plan(live)
			if failed < 0 {
				break
			}
			live = slices.Delete(live, failed, failed+1)
		}
		if g.empty() {
			return errNothing
		}
		if err := g.write(); err != nil {
			return err
		}
		s.show(&g.past)
		return nil
	})
	s.keepBuffers(g)
	if err == nil {
		err = s.publish(g)
	} else if !isNothing(err) && s.failed() == nil {
		s.show(nil)
	}
	if err != nil && !isNothing(err) {
		for _, j := range live {
			j.err = err
		}
	}
	if n < len(jobs) {
		s.commitGroup(jobs[n:])
	}
}

// keptBuffers is how many buffers of chunks are kept.
const keptBuffers = 16

// buffer returns an empty buffer for a chunk.
func (s *Store) buffer() []byte {
	n := len(s.bufs)
	if n == 0 {
		return nil
	}
	b := s.bufs[n-1]
	s.bufs = s.bufs[:n-1]
	return b[:0]
}

// keepBuffers takes back the buffers of g, whose transaction has ended.
func (s *Store) keepBuffers(g *group) {
	if g == nil {
		return
	}
	for _, st := range g.logs {
		for _, b := range st.buf {
			if len(s.bufs) < keptBuffers && cap(b) <= 2*maxChunk {
				s.bufs = append(s.bufs, b)
			}
		}
		st.buf = nil
	}
}

// errNothing ends a transaction that would change nothing.
var errNothing = errors.New("nothing to write")

func isNothing(err error) bool { return errors.Is(err, errNothing) }

// write writes what was planned.
func (g *group) write() error {
	for _, id := range slices.Sorted(maps.Keys(g.logs)) {
		st := g.logs[id]
		if len(st.slots) > 0 {
			if err := st.write(g.tx); err != nil {
				return fmt.Errorf("log %q: %w", id, err)
			}
		}
		if err := st.writeLabels(g.tx); err != nil {
			return fmt.Errorf("log %q: %w", id, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.releases)) {
		if st := g.releases[id]; !st.empty() {
			if err := st.write(g.tx); err != nil {
				return fmt.Errorf("log %q: %w", id, err)
			}
		}
	}
	for name, value := range g.cursors {
		if err := g.tx.Bucket(bucketCursor).Put([]byte(name), []byte(value)); err != nil {
			return err
		}
	}
	return g.writeDocs()
}

// write appends the stage's slots to the log, as chunks behind the last sealed
// one: alone while that leaves a small chunk, else together with the small chunks
// that are there.
func (st *stage) write(tx *bbolt.Tx) error {
	chunks, z, err := makeLogBuckets(tx, st.l.id)
	if err != nil {
		return err
	}
	slots, first := st.slots, st.l.n
	st.tail = len(st.l.dir)
	if from := st.l.tail(); from < st.tail && !st.small(from) {
		slots = make([]slot, 0, maxSlots+len(st.slots))
		for i := from; i < st.tail; i++ {
			c, err := st.l.chunkAt(&st.l.dir[i])
			if err != nil {
				return err
			}
			slots = c.appendSlots(slots)
			if err := deleteBlob(chunks, st.l.dir[i].first); err != nil {
				return err
			}
			if err := deleteBlob(z, st.l.dir[i].first); err != nil {
				return err
			}
		}
		first, st.tail = st.l.dir[from].first, from
		slots = append(slots, st.slots...)
	}
	for len(slots) > 0 {
		n, sealed := cut(slots, st.l.slots)
		b := padded(appendChunk(st.s.buffer(), slots[:n], sealed), tx.DB().Info().PageSize)
		st.buf = append(st.buf, b)
		if err := putBlob(chunks, first, b); err != nil {
			return err
		}
		st.refs = append(st.refs, chunkRef{first: first})
		first += uint32(n)
		slots = slots[n:]
	}
	return nil
}

// small reports whether the chunks from number from on and the stage's slots
// together do not fill a chunk.
func (st *stage) small(from int) bool {
	n, size := len(st.slots), 0
	for i := range st.slots {
		size += len(st.slots[i].raw) + 1
	}
	for _, ref := range st.l.dir[from:] {
		n += int(ref.n)
		size += int(ref.size - min(ref.size, ref.cols[colRaw]))
	}
	return n < st.l.slots && size < maxChunk
}

// cut says how many of slots, at most most, make the next chunk, and whether it is full.
func cut(slots []slot, most int) (n int, sealed bool) {
	size := 0
	for n < len(slots) && n < most {
		size += len(slots[n].raw) + 1
		if n > 0 && size > maxChunk {
			return n, true
		}
		n++
	}
	return n, n == most || size >= maxChunk
}

// publish brings the index up to what g has committed. When it cannot, nothing
// is written any more, because places in the index may be used for other things
// by the next transaction.
func (s *Store) publish(g *group) error {
	err := s.db.View(func(tx *bbolt.Tx) error {
		for _, st := range g.logs {
			if err := s.findPlaces(tx, st); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s.fail(fmt.Errorf("%s cannot be read back, restart to go on: %w", s.path, err))
	}
	if err := s.publishAll(g); err != nil {
		return s.fail(fmt.Errorf("%s cannot be indexed, restart to go on: %w", s.path, err))
	}
	for _, st := range g.logs {
		if len(st.refs) > 0 && st.refs[0].sealed {
			s.press.wake()
		}
	}
	return nil
}

// publishAll makes all of g visible at once.
func (s *Store) publishAll(g *group) error {
	for _, st := range g.releases {
		if err := st.prepare(g); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, st := range g.logs {
		if len(st.slots) > 0 {
			if err := st.publish(); err != nil {
				return err
			}
			s.logs[id] = st.l
		}
		st.publishLabels(s)
	}
	for id, st := range g.releases {
		if st.empty() {
			continue
		}
		if err := st.publish(); err != nil {
			return err
		}
		s.logs[id] = st.l
	}
	s.past = nil
	return nil
}

// findPlaces completes the refs of the chunks that st has written.
func (s *Store) findPlaces(tx *bbolt.Tx, st *stage) error {
	chunks, _ := logBuckets(tx, st.l.id)
	for i := range st.refs {
		ref, err := s.findChunk(chunks, st.refs[i].first)
		if err != nil {
			return err
		}
		st.refs[i] = ref
	}
	return nil
}

// findChunk describes the chunk whose first entry is first.
func (s *Store) findChunk(chunks *bbolt.Bucket, first uint32) (chunkRef, error) {
	b, at, err := blobPlace(chunks, binary.BigEndian.AppendUint64(nil, uint64(first)))
	if err != nil {
		return chunkRef{}, err
	}
	c, err := openChunk(b)
	if err != nil {
		return chunkRef{}, err
	}
	return newRef(&c, at, first, s.uids.Add(1)), nil
}

// publish adds the stage to the index.
func (st *stage) publish() error {
	l := st.l
	l.moved++
	l.dir = append(l.dir[:st.tail], st.refs...)
	l.firsts = l.firsts[:st.tail]
	for i := range st.refs {
		l.firsts = append(l.firsts, st.refs[i].first)
	}
	l.grow(len(st.slots))
	for i := range st.slots {
		e := st.slots[i].entry()
		e.print, e.prev, e.label = st.added[i].print, st.added[i].prev, st.labels[i]
		l.add(e)
	}
	for _, k := range st.ids {
		if k.h != nil && k.h.latest >= l.n-uint32(len(st.slots)) && l.prev[k.h.latest] != 0 {
			if err := l.judge(k.h.latest); err != nil {
				return err
			}
		}
	}
	return nil
}
