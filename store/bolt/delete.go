package bolt

import (
	"context"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"entente/stix"
	"entente/store"
)

// deleteChunks is how many chunks one transaction of a Delete rewrites.
const deleteChunks = 32

// Delete implements [store.Writer]. An object with very many versions goes in
// several transactions; after an error some of them may be gone.
func (s *Store) Delete(ctx context.Context, id store.LogID, object stix.ID, sel *store.Query) (n int, err error) {
	if err := store.CheckLog(id); err != nil {
		return 0, err
	}
	err = s.doAlone(ctx, func() error {
		l := s.log(id)
		if l == nil {
			return nil
		}
		if l.rel != nil {
			return fmt.Errorf("%w: log %q is a release log", store.ErrInvalid, id)
		}
		var sl selection // the committer reads the index without its lock
		seqs, err := sl.all(sl.start(ctx, l, idsOf(object, sel)))
		for err == nil && len(seqs) > 0 {
			of := l.sameChunks(seqs)
			if err = s.deleteSeqs(l, seqs[:of]); err == nil {
				n += of
				seqs = seqs[of:]
			}
		}
		return err
	})
	if err != nil {
		return n, fmt.Errorf("delete %s: %w", object, err)
	}
	return n, nil
}

// sameChunks returns how many of seqs, which grow, lie in the first deleteChunks
// chunks that they touch.
func (l *logIndex) sameChunks(seqs []uint32) int {
	chunks, last := 0, -1
	for i, seq := range seqs {
		if c := l.locate(seq, 0); c != last {
			if last = c; chunks == deleteChunks {
				return i
			}
			chunks++
		}
	}
	return len(seqs)
}

// deleteSeqs deletes entries of one object in one transaction.
func (s *Store) deleteSeqs(l *logIndex, seqs []uint32) error {
	c, i, err := l.slotAt(seqs[0])
	if err != nil {
		return err
	}
	key := makeKey(c.flag(i, flagOdd), c.uuid(i), string(c.kind(i)))
	print := l.print(&key)
	latest, _, err := l.find(print, &key)
	if err != nil {
		return err
	}
	out := loss{print: print, latest: latest, seqs: seqs}
	releases, err := s.withdraw(l, &key, seqs)
	if err != nil {
		return err
	}
	rewritten := map[int]chunkRef{}
	err = s.update(func(tx *bbolt.Tx) error {
		for _, st := range releases {
			if err := st.write(tx); err != nil {
				return err
			}
		}
		chunks, z := logBuckets(tx, l.id)
		for _, seq := range seqs {
			at := l.locate(seq, 0)
			if _, done := rewritten[at]; done {
				continue
			}
			n, err := l.rewrite(chunks, z, at, seqs)
			if err != nil {
				return err
			}
			out.size += n
			rewritten[at] = chunkRef{}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		chunks, _ := logBuckets(tx, l.id)
		for at := range rewritten {
			ref, err := s.findChunk(chunks, l.dir[at].first)
			if err != nil {
				return err
			}
			rewritten[at] = ref
		}
		return nil
	})
	if err == nil {
		err = s.publishDelete(l, &out, rewritten, releases)
	}
	if err != nil {
		return s.fail(fmt.Errorf("%s cannot be read back, restart to go on: %w", s.path, err))
	}
	s.press.wake()
	return nil
}

// rewrite writes chunk number at without the entries in seqs and returns how
// many bytes of objects went.
func (l *logIndex) rewrite(chunks, z *bbolt.Bucket, at int, seqs []uint32) (size int64, err error) {
	ref := &l.dir[at]
	c, err := l.chunkAt(ref)
	if err != nil {
		return 0, err
	}
	slots := c.appendSlots(nil)
	for _, seq := range seqs {
		if seq < ref.first || seq >= ref.first+uint32(ref.n) {
			continue
		}
		s := &slots[seq-ref.first]
		size += int64(len(s.raw))
		s.flags |= flagDeleted
		s.raw = ""
	}
	b := padded(appendChunk(nil, slots, c.sealed), chunks.Tx().DB().Info().PageSize)
	if err := putBlob(chunks, ref.first, b); err != nil {
		return 0, err
	}
	return size, deleteBlob(z, ref.first)
}

// withdraw stages that entries of one object go from the release logs that have
// them.
func (s *Store) withdraw(base *logIndex, key *idKey, seqs []uint32) ([]*releaseStage, error) {
	var list []*releaseStage
	for _, l := range s.logs {
		if l.rel == nil || !slices.Contains(l.rel.bases, base) {
			continue
		}
		latest, found, err := l.find(l.print(key), key)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		st := stageRelease(l, 0)
		for p := latest + 1; p != 0; p = l.prev[p-1] {
			of, seq := l.origin(p - 1)
			if _, goes := slices.BinarySearch(seqs, seq); goes && of == base {
				st.dead[p-1] = true
			}
		}
		if !st.empty() {
			list = append(list, st)
		}
	}
	return list, nil
}

// publishDelete makes a deletion visible: chunks that were rewritten, the entries
// that went from l, and what went from release logs.
func (s *Store) publishDelete(l *logIndex, out *loss, rewritten map[int]chunkRef, releases []*releaseStage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range releases { // as long as the index has the old chunks
		if err := st.publish(); err != nil {
			return err
		}
	}
	l.moved++
	for at, ref := range rewritten {
		l.dir[at] = ref
	}
	return l.forget(out)
}

// forget takes entries of one object out of the index.
func (l *logIndex) forget(out *loss) error {
	for _, seq := range out.seqs {
		l.deleted.set(seq)
		l.live--
		if l.spec20.has(seq) {
			l.specs[1]--
		} else {
			l.specs[0]--
		}
	}
	l.bytes -= out.size
	var left []uint32
	for _, seq := range l.chain(out.latest) {
		if !l.deleted.has(seq) {
			left = append(left, seq)
		} else {
			l.prev[seq] = 0
		}
	}
	if len(left) == 0 {
		l.table.remove(out.print, out.latest)
		return nil
	}
	l.prev[left[0]] = 0
	for i := 1; i < len(left); i++ {
		l.prev[left[i]] = left[i-1] + 1
	}
	if last := left[len(left)-1]; last != out.latest {
		l.table.replace(out.print, out.latest, last)
	}
	return l.judge(left[len(left)-1])
}
