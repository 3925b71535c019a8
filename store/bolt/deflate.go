package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"

	"entente/store"
)

// A fragment is the raw column of a full chunk, compressed: CRC-32 (IEEE) u32
// and length u32 of the column, length u32 of what follows, then DEFLATE blocks
// on a byte boundary, none of them final. Padding may follow.
const fragmentHeader = 12

const (
	pressLevel   = 5   // in the background, once
	partLevel    = 1   // while a reader waits
	leastDeflate = 512 // bytes; smaller parts go out plain
)

// deflate appends b, compressed, to dst.
func deflate(w *flate.Writer, dst *bytes.Buffer, b []byte) error {
	w.Reset(dst)
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Flush() // an empty stored block: ends on a byte boundary
}

var partWriters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, partLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func openFragment(b []byte) (sum uint32, size int, body []byte, err error) {
	if len(b) < fragmentHeader {
		return 0, 0, nil, fmt.Errorf("%w: fragment of %d bytes", store.ErrCorrupt, len(b))
	}
	le := binary.LittleEndian
	n := int(le.Uint32(b[8:]))
	if n > len(b)-fragmentHeader {
		return 0, 0, nil, fmt.Errorf("%w: fragment shorter than it says", store.ErrCorrupt)
	}
	return le.Uint32(b), int(le.Uint32(b[4:])), b[fragmentHeader : fragmentHeader+n], nil
}

// fillParts makes the page's parts of r.parts: whole chunks as they are stored,
// what lies between compressed now, or taken from the cache.
func (s *Store) fillParts(r *reading) error {
	for i := 0; i < len(r.parts); {
		if ref := r.parts[i].ref; ref.z.size > 0 {
			if n := r.wholeChunk(i); n > 0 {
				if err := r.addFragment(ref); err != nil {
					return err
				}
				i += n
				continue
			}
		}
		end := i + 1
		for end < len(r.parts) && !(r.parts[end].ref.z.size > 0 && r.wholeChunk(end) > 0) {
			end++
		}
		if err := s.addPart(r, r.parts[i:end]); err != nil {
			return err
		}
		i = end
	}
	r.page.Objects = r.page.Objects[:0]
	return nil
}

// wholeChunk returns how many of the pieces from number i on make up all live
// entries of their chunk, 0 if they do not.
func (r *reading) wholeChunk(i int) int {
	of, ref := r.parts[i].of, r.parts[i].ref
	if i > 0 && r.parts[i-1].ref == ref {
		return 0
	}
	covered := func(from, to uint32) bool { // all deleted?
		for seq := ref.first + from; seq < ref.first+to; seq++ {
			if !of.deleted.has(seq) {
				return false
			}
		}
		return true
	}
	n, next := 0, uint32(0)
	for ; i+n < len(r.parts) && r.parts[i+n].ref == ref; n++ {
		p := r.parts[i+n]
		if !covered(next, p.from) {
			return 0
		}
		next = p.to
	}
	if !covered(next, uint32(ref.n)) {
		return 0
	}
	return n
}

// addFragment adds the stored fragment of a chunk. The bytes of parts lie in the
// buffer of page.Objects, beyond its length.
func (r *reading) addFragment(ref *chunkRef) error {
	b, err := r.l.m.view(ref.z)
	if err != nil {
		return err
	}
	sum, size, body, err := openFragment(b)
	if err != nil {
		return err
	}
	r.page.Parts = append(r.page.Parts, store.Part{Deflate: r.keep(body), Size: size, CRC32: sum})
	return nil
}

// keep copies b into the page's buffer and returns the copy. While the parts are
// made the buffer's length says what is taken.
func (r *reading) keep(b []byte) []byte {
	p := r.page
	from := len(p.Objects)
	p.Objects = append(p.Objects, b...)
	return p.Objects[from:len(p.Objects):len(p.Objects)]
}

// addPart adds pieces as one part.
func (s *Store) addPart(r *reading, pieces []piece) error {
	key := r.partKey(pieces)
	if part, ok := s.cache.get(key); ok {
		part.Deflate = r.keep(part.Deflate)
		r.page.Parts = append(r.page.Parts, part)
		return nil
	}
	from := len(r.page.Objects)
	for i, p := range pieces {
		raw, err := r.l.raw(p.ref, p.from, p.to)
		if err != nil {
			return err
		}
		if i > 0 {
			r.page.Objects = append(r.page.Objects, ',')
		}
		r.page.Objects = append(r.page.Objects, raw...)
	}
	plain := r.page.Objects[from:len(r.page.Objects):len(r.page.Objects)]
	if len(plain) < leastDeflate {
		r.page.Parts = append(r.page.Parts, store.Part{Plain: plain, Size: len(plain)})
		return nil
	}
	part := store.Part{Size: len(plain), CRC32: crc32.ChecksumIEEE(plain)}
	w := partWriters.Get().(*flate.Writer)
	defer partWriters.Put(w)
	var out bytes.Buffer
	if err := deflate(w, &out, plain); err != nil {
		return err
	}
	part.Deflate = out.Bytes()
	r.page.Parts = append(r.page.Parts, part)
	s.cache.put(key, part)
	return nil
}

// keyPieces is the most pieces a part may have to be kept in the cache.
const keyPieces = 64

// partKey identifies the bytes of pieces; "" if they are not worth keeping.
func (r *reading) partKey(pieces []piece) string {
	if len(pieces) > keyPieces {
		return ""
	}
	key := make([]byte, 0, 16*len(pieces))
	for _, p := range pieces {
		key = binary.LittleEndian.AppendUint64(key, p.ref.uid)
		key = append(key, byte(p.from), byte(p.to))
	}
	return string(key)
}
