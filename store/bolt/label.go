package bolt

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"go.etcd.io/bbolt"

	"entente/store"
)

// labelSlots is how many labels lie in one value: those of the entries from
// k*labelSlots on, for some k. Where all of them are 0 there is no value. A value
// is the CRC-32C of its key and the rest, then the labels, all u32, little-endian;
// labels that are missing at its end are 0. So a label is changed without
// touching the chunk of its entry.
const labelSlots = 128

// label is the label of an entry.
func (l *logIndex) label(seq uint32) store.Label {
	o, at := l.origin(seq)
	if int64(at) < int64(len(o.labels)) {
		return o.labels[at]
	}
	return 0
}

// setLabel changes the label of an entry of a log of objects.
func (l *logIndex) setLabel(seq uint32, to store.Label) {
	l.seen.add(to)
	if to == 0 && len(l.labels) == 0 {
		return
	}
	for len(l.labels) < int(max(seq+1, l.n)) {
		l.labels = append(l.labels, 0)
	}
	l.labels[seq] = to
}

// loadLabels reads the labels of a log of objects; b may be nil.
func (l *logIndex) loadLabels(b *bbolt.Bucket) error {
	if b == nil {
		return nil
	}
	return b.ForEach(func(key, value []byte) error {
		first, err := keySeq(key)
		if err == nil {
			err = checkLabels(key, value)
		}
		if err == nil && first%labelSlots != 0 {
			err = fmt.Errorf("%w: not a multiple of %d", store.ErrCorrupt, labelSlots)
		}
		if err != nil {
			return fmt.Errorf("labels %x: %w", key, err)
		}
		for i := 4; i < len(value); i += 4 {
			l.setLabel(first+uint32(i/4-1), store.Label(binary.LittleEndian.Uint32(value[i:])))
		}
		return nil
	})
}

func checkLabels(key, value []byte) error {
	if len(value) < 8 || len(value) > 4+4*labelSlots || len(value)%4 != 0 {
		return fmt.Errorf("%w: %d bytes", store.ErrCorrupt, len(value))
	}
	if binary.LittleEndian.Uint32(value) != keyedSum(key, value) {
		return fmt.Errorf("%w: do not match their checksum", store.ErrCorrupt)
	}
	return nil
}

// label returns the label of an entry of the log or of the stage.
func (st *stage) label(seq uint32) store.Label {
	if to, ok := st.relabel[seq]; ok {
		return to
	}
	if seq >= st.l.n {
		return st.labels[seq-st.l.n]
	}
	return st.l.label(seq)
}

// relabels reports whether there is a label to write.
func (st *stage) relabels() bool {
	for _, label := range st.labels {
		if label != 0 {
			return true
		}
	}
	return len(st.relabel) > 0
}

// writeLabels writes the values of labels that the stage changes.
func (st *stage) writeLabels(tx *bbolt.Tx) error {
	if !st.relabels() {
		return nil
	}
	b, err := tx.Bucket(bucketLogs).Bucket([]byte(st.l.id)).CreateBucketIfNotExists(bucketLabel)
	if err != nil {
		return err
	}
	b.FillPercent = 0.95 // keys grow
	blocks := map[uint32]bool{}
	for seq := range st.relabel {
		blocks[seq/labelSlots] = true
	}
	for i, label := range st.labels {
		if label != 0 {
			blocks[(st.l.n+uint32(i))/labelSlots] = true
		}
	}
	end := st.l.n + uint32(len(st.slots))
	for _, block := range slices.Sorted(maps.Keys(blocks)) {
		first := block * labelSlots
		key, value := seqKey(first), make([]byte, 4, 4+4*labelSlots)
		some := false
		for seq := first; seq < min(first+labelSlots, end); seq++ {
			label := st.label(seq)
			some = some || label != 0
			value = binary.LittleEndian.AppendUint32(value, uint32(label))
		}
		if !some {
			if err := b.Delete(key); err != nil {
				return err
			}
			continue
		}
		binary.LittleEndian.PutUint32(value, keyedSum(key, value))
		if err := b.Put(key, value); err != nil {
			return err
		}
	}
	return nil
}

// publishLabels brings the index up to the labels that were written, but for those
// that new entries came with.
func (st *stage) publishLabels(s *Store) {
	if len(st.relabel) == 0 {
		return
	}
	st.l.moved++
	for seq, to := range st.relabel {
		st.l.setLabel(seq, to)
		for _, l := range s.logs {
			if l.rel != nil && slices.Contains(l.rel.bases, st.l) {
				l.seen.add(to)
			}
		}
	}
}

// seenLabels are labels that entries have or had.
type seenLabels struct {
	set  store.LabelSet // those below mostLabels
	more bool           // there were others
}

// mostLabels bounds the memory that seenLabels take: 8 KiB.
const mostLabels = 1 << 16

func (s *seenLabels) add(l store.Label) {
	if l >= mostLabels {
		s.more = true
		return
	}
	if !s.set.Has(l) {
		s.set = s.set.With(l)
	}
}

func (s *seenLabels) has(l store.Label) bool { return s.set.Has(l) || l >= mostLabels && s.more }

// within reports whether gate lets all of them through.
func (s *seenLabels) within(gate store.LabelSet) bool {
	for i, w := range s.set {
		if i < len(gate) {
			w &^= gate[i]
		}
		if w != 0 {
			return false
		}
	}
	return !s.more
}

// admit returns of the entries in word, the 64 from 64*w on, those that the gate
// lets through.
func (s *selection) admit(w uint32, word uint64) uint64 {
	l, first := s.l, w<<6
	end := min(first+64, l.n)
	of, refs := l, []uint32(nil)
	one := true // all of them are of one log
	if r := l.rel; r != nil {
		s.span = r.span(first, s.span)
		one = len(r.bases) == 1 || r.end(s.span) >= end
		of, refs = r.bases[r.spans[s.span].base], r.refs[first:end]
	}
	gate, pass := s.gate, uint64(0)
	switch {
	case !one || bits.OnesCount64(word) < 16:
		for left := word; left != 0; left &= left - 1 {
			i := uint32(bits.TrailingZeros64(left))
			pass |= inGate(gate, l.label(first+i)) << i
		}
	case len(of.labels) == 0:
		pass = -inGate(gate, 0)
	case refs == nil:
		for i, label := range of.labels[first:end] {
			pass |= inGate(gate, label) << (i & 63)
		}
	default:
		labels := of.labels
		for i, at := range refs {
			pass |= inGate(gate, labels[at]) << (i & 63)
		}
	}
	return word & pass
}

// inGate is 1 if l is in gate, else 0.
func inGate(gate store.LabelSet, l store.Label) uint64 {
	if w := l >> 6; int64(w) < int64(len(gate)) {
		return gate[w] >> (l & 63) & 1
	}
	return 0
}
