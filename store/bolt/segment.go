package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"entente/store"
)

// segmentSlots is how many entries of a release log make a segment: the entries
// from k*segmentSlots on, for some k. Only the last segment has fewer.
const segmentSlots = 512

// A segment is some neighbouring entries of a release log in one value. Its
// first four bytes are the CRC-32C, little-endian, of its key and the rest. The
// rest are numbers, as encoding/binary's Uvarint. Where two are joined by "with",
// the second is the lowest bit; a signed number is made one without sign as by
// its Varint.
//
//	number of entries
//	for each stretch of entries of one base that are 1 µs apart:
//	    number of entries, with 1 if the base is not that of the stretch before
//	    the base's number, if so
//	    if the last Added is a whole ms: the ms since that of the stretch before
//	        (0 for the first), both rounded down, with 1; else the µs from that one
//	        to the first Added, with 0
//	    for each run of neighbouring entries of the base:
//	        the first seq there less the one behind the run before (0 for a new
//	            base), signed, with 1 if the run is longer than 1
//	        its length less 2, if so
//	for each run of entries that are there no more:
//	    number of entries since the run before
//	    length
//
// An entry that is released alone takes about 5 bytes; of many that are released
// at once each takes 1 or 2, or far less where they are neighbours.

// appendSegment appends the segment of list, 1 to segmentSlots entries.
func appendSegment(dst, key []byte, list []releasing) []byte {
	from := len(dst)
	dst = binary.AppendUvarint(append(dst, 0, 0, 0, 0), uint64(len(list)))
	base, last, next := int64(-1), int64(0), uint32(0)
	for i := 0; i < len(list); {
		e := &list[i]
		n := 1
		for i+n < len(list) && list[i+n].base == e.base && list[i+n].added == e.added+int64(n) {
			n++
		}
		if int64(e.base) == base {
			dst = binary.AppendUvarint(dst, uint64(n)<<1)
		} else {
			base, next = int64(e.base), 0
			dst = binary.AppendUvarint(dst, uint64(n)<<1|1)
			dst = binary.AppendUvarint(dst, uint64(base))
		}
		if end := e.added + int64(n) - 1; end%1000 == 0 {
			dst = binary.AppendUvarint(dst, uint64(end/1000-last/1000)<<1|1)
			last = end
		} else {
			dst = binary.AppendUvarint(dst, uint64(e.added-last)<<1)
			last = end
		}
		dst, next = appendRuns(dst, list[i:i+n], next)
		i += n
	}
	for i, end := 0, 0; i < len(list); i++ {
		if !list[i].dead {
			continue
		}
		n := 1
		for i+n < len(list) && list[i+n].dead {
			n++
		}
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(i-end)), uint64(n))
		i += n
		end = i
	}
	binary.LittleEndian.PutUint32(dst[from:], keyedSum(key, dst[from:]))
	return dst
}

// appendRuns appends the runs of a stretch. next is the seq behind the run before.
func appendRuns(dst []byte, list []releasing, next uint32) ([]byte, uint32) {
	for i := 0; i < len(list); {
		ref, n := list[i].ref, 1
		for i+n < len(list) && list[i+n].ref == ref+uint32(n) {
			n++
		}
		step := int64(ref) - int64(next)
		u := uint64(step<<1^step>>63) << 1
		if n > 1 {
			dst = binary.AppendUvarint(binary.AppendUvarint(dst, u|1), uint64(n-2))
		} else {
			dst = binary.AppendUvarint(dst, u)
		}
		next = ref + uint32(n)
		i += n
	}
	return dst, next
}

// keyedSum is the checksum that b, which is stored at key, begins with.
func keyedSum(key, b []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, b[4:])
}

// readSegment returns the entries of the segment in b. It knows nothing of the
// bases.
func readSegment(key, b []byte) ([]releasing, error) {
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != keyedSum(key, b) {
		return nil, fmt.Errorf("%w: does not match its checksum", store.ErrCorrupt)
	}
	r := numbers{b: b[4:]}
	n := r.next(segmentSlots)
	list := make([]releasing, 0, n)
	base, last, next := int64(-1), int64(0), int64(0)
	for uint64(len(list)) < n && !r.bad {
		head := r.next(2*n + 1)
		count := int64(head >> 1)
		if head&1 != 0 {
			base, next = int64(r.next(maxSeq)), 0
		}
		gap := r.next(4 * uint64(store.MaxAdded))
		added := last + int64(gap>>1)
		if gap&1 != 0 {
			added = (last/1000+int64(gap>>1))*1000 - count + 1
		}
		if gap&1 != 0 && gap>>1 > uint64(store.MaxAdded)/1000 || base < 0 || count < 1 || uint64(len(list))+uint64(count) > n || added <= last || added+count-1 > int64(store.MaxAdded) {
			r.bad = true
			break
		}
		last = added + count - 1
		for count > 0 && !r.bad {
			ref, length := r.run(next, count)
			for i := range length {
				list = append(list, releasing{base: uint32(base), ref: uint32(ref + i), added: added})
				added++
			}
			next = ref + length
			count -= length
		}
	}
	for at := uint64(0); len(r.b) > 0 && !r.bad; {
		at += r.next(n)
		end := at + r.next(n)
		if end > n || end == at {
			r.bad = true
			break
		}
		for ; at < end; at++ {
			list[at].dead = true
		}
	}
	if r.bad || n == 0 {
		return nil, fmt.Errorf("%w: cannot be read", store.ErrCorrupt)
	}
	return list, nil
}

// numbers reads the numbers of a segment.
type numbers struct {
	b   []byte
	bad bool // a number is missing or too great; from then on all are 0
}

// next reads a number, at most most.
func (r *numbers) next(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most || r.bad {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// run reads a run of at most count entries, where next is the seq behind the one
// before.
func (r *numbers) run(next, count int64) (ref, length int64) {
	u := r.next(8 * maxSeq)
	length = 1
	if u&1 != 0 {
		length = int64(r.next(segmentSlots)) + 2
	}
	z := int64(u >> 1)
	ref = next + (z>>1 ^ -(z & 1))
	if ref < 0 || ref+length > maxSeq || length > count {
		r.bad = true
		return 0, 0
	}
	return ref, length
}
