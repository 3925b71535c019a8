package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"entente/store"
)

const (
	maxSlots = 250       // entries in a chunk
	maxChunk = 1 << 20   // bytes of objects in a chunk of more than one entry
	maxSeq   = 1<<32 - 2 // entries in a log, so that seq+1 is a uint32
)

// A chunk is up to maxSlots neighbouring entries of a log in one value. All
// numbers are little-endian:
//
//	 0  magic "eChk"
//	 4  version u8 (1), flags u8 (1: sealed), number of columns u16
//	 8  number of slots u32
//	12  length u32, without the padding that may follow
//	16  CRC-32C u32 of bytes 0 to 16 and 24 to the raw column
//	20  CRC-32C u32 of the raw column
//	24  for each column: number u16, bytes a slot u16 (0: not by slot), offset u32, length u32
//	    the columns; the raw column is last
//
// A reader passes over columns that it does not know, so columns can be added
// without rewriting old files. The slot of a deleted entry keeps its place; it
// has no bytes and no comma. Of the others the raw column has the objects joined
// by ",", so that a run of slots is one piece of it.
//
// The zero chunk is none. A chunk is valid as long as the bytes it was made of.
type chunk struct {
	n      int
	sealed bool
	cols   [numCols][]byte // by column number
	off    [numCols]uint32 // of the columns in the value
}

// Columns. A number is never used again for something else.
const (
	colAdded   = 1 // i64, µs
	colUUID    = 2 // 16 bytes: of the id; of an odd id the first half of its SHA-256
	colType    = 3 // u8, index into colTypes
	colFlags   = 4 // u8, the flags below
	colDigits  = 5 // u8, digits of the version's fraction as written; digitsInRaw: look at the object
	colVersion = 6 // i64, the version in µs, rounded down; contentHash for objects without one
	colEnd     = 7 // u32, where the object ends in colRaw
	colTypes   = 8 // the types that occur: length u16, name
	colRaw     = 9
	numCols    = 10
)

var colWidth = [numCols]int{colAdded: 8, colUUID: 16, colType: 1, colFlags: 1, colDigits: 1, colVersion: 8, colEnd: 4}

// Flags of a slot.
const (
	flagDeleted   = 1 << iota
	flagRevoked   // revoked is true
	flagSpec20    // the spec version is 2.0, not 2.1
	flagOdd       // the id is not type--uuid in lower case
	flagFine      // the version is not a whole µs
	flagNoVersion // neither modified nor created
)

const digitsInRaw = 255

const (
	chunkMagic  = "eChk"
	chunkHeader = 24
	dirWidth    = 12
	flagSealed  = 1 // of the chunk: not merged any more
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A slot is one entry of a chunk, taken apart.
type slot struct {
	added  int64
	key    idKey
	kind   string // the object's type
	flags  uint8
	digits uint8
	us     int64 // colVersion
	raw    string
}

// appendChunk appends the chunk of slots, 1 to maxSlots, to dst.
func appendChunk(dst []byte, slots []slot, sealed bool) []byte {
	n := len(slots)
	names, kinds, rawLen := typesOf(slots)
	size := chunkHeader + dirWidth*(numCols-1)
	var off, length [numCols]int
	for c := 1; c < numCols; c++ {
		switch c {
		case colTypes:
			length[c] = len(names)
		case colRaw:
			length[c] = rawLen
		default:
			length[c] = n * colWidth[c]
		}
		off[c] = size
		size += length[c]
	}
	base := len(dst)
	if cap(dst)-base < size {
		grown := make([]byte, base, base+size+size/8)
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:base+size]
	b := dst[base:]
	le := binary.LittleEndian
	copy(b, chunkMagic)
	b[4], b[5] = 1, 0
	if sealed {
		b[5] = flagSealed
	}
	le.PutUint16(b[6:], numCols-1)
	le.PutUint32(b[8:], uint32(n))
	le.PutUint32(b[12:], uint32(size))
	for c := 1; c < numCols; c++ {
		d := b[chunkHeader+dirWidth*(c-1):]
		le.PutUint16(d, uint16(c))
		le.PutUint16(d[2:], uint16(colWidth[c]))
		le.PutUint32(d[4:], uint32(off[c]))
		le.PutUint32(d[8:], uint32(length[c]))
	}
	copy(b[off[colTypes]:], names)
	end := 0
	raw := b[off[colRaw]:]
	for i := range slots {
		s := &slots[i]
		le.PutUint64(b[off[colAdded]+8*i:], uint64(s.added))
		copy(b[off[colUUID]+16*i:], s.key.uuid[:])
		b[off[colType]+i] = kinds[i]
		b[off[colFlags]+i] = s.flags
		b[off[colDigits]+i] = s.digits
		le.PutUint64(b[off[colVersion]+8*i:], uint64(s.us))
		if s.flags&flagDeleted == 0 {
			if end > 0 {
				raw[end] = ','
				end++
			}
			end += copy(raw[end:], s.raw)
		}
		le.PutUint32(b[off[colEnd]+4*i:], uint32(end))
	}
	le.PutUint32(b[16:], columnSum(b, uint32(off[colRaw])))
	le.PutUint32(b[20:], crc32.Checksum(raw, castagnoli))
	return dst
}

// typesOf returns the types column of slots, each slot's index into it, and the
// length of the raw column.
func typesOf(slots []slot) (names []byte, kinds [maxSlots]uint8, rawLen int) {
	var list []string
	for i := range slots {
		s := &slots[i]
		if s.flags&flagDeleted == 0 {
			if rawLen > 0 {
				rawLen++
			}
			rawLen += len(s.raw)
		}
		at := -1
		for j := range list {
			if list[j] == s.kind {
				at = j
				break
			}
		}
		if at < 0 {
			at = len(list)
			list = append(list, s.kind)
			names = binary.LittleEndian.AppendUint16(names, uint16(len(s.kind)))
			names = append(names, s.kind...)
		}
		kinds[i] = uint8(at)
	}
	return names, kinds, rawLen
}

func columnSum(b []byte, rawOff uint32) uint32 {
	sum := crc32.Update(0, castagnoli, b[:16])
	return crc32.Update(sum, castagnoli, b[chunkHeader:rawOff])
}

// openChunk reads the header of a chunk. It checks that all columns are there
// and inside b, not what is in them: check does.
func openChunk(b []byte) (c chunk, err error) {
	bad := func(what string) (chunk, error) {
		return chunk{}, fmt.Errorf("%w: chunk: %s", store.ErrCorrupt, what)
	}
	if len(b) < chunkHeader || string(b[:4]) != chunkMagic {
		return bad("no chunk header")
	}
	le := binary.LittleEndian
	if b[4] != 1 {
		return bad("unknown chunk version")
	}
	n, size, cols := int(le.Uint32(b[8:])), int(le.Uint32(b[12:])), int(le.Uint16(b[6:]))
	if n < 1 || n > maxSlots || size > len(b) || size < chunkHeader+dirWidth*cols {
		return bad("sizes in the header")
	}
	c.n, c.sealed = n, b[5]&flagSealed != 0
	var seen [numCols]bool
	for i := range cols {
		d := b[chunkHeader+dirWidth*i:]
		id, off, length := int(le.Uint16(d)), uint64(le.Uint32(d[4:])), uint64(le.Uint32(d[8:]))
		if off+length > uint64(size) || off < uint64(chunkHeader+dirWidth*cols) {
			return bad("column outside of the chunk")
		}
		if id == 0 || id >= numCols {
			continue
		}
		if seen[id] || colWidth[id] > 0 && length != uint64(n*colWidth[id]) {
			return bad("column of a wrong size")
		}
		seen[id] = true
		c.cols[id], c.off[id] = b[off:off+length:off+length], uint32(off)
		if id == colRaw && off+length != uint64(size) {
			return bad("raw column is not last")
		}
	}
	for id := 1; id < numCols; id++ {
		if !seen[id] {
			return bad("column missing")
		}
	}
	return c, nil
}

// readChunk opens the chunk in b and checks its columns, but not the objects:
// afterwards no method of the chunk can fail.
func readChunk(b []byte) (chunk, error) {
	c, err := openChunk(b)
	if err != nil {
		return c, err
	}
	if columnSum(b, c.off[colRaw]) != binary.LittleEndian.Uint32(b[16:]) {
		return chunk{}, fmt.Errorf("%w: chunk: columns do not match their checksum", store.ErrCorrupt)
	}
	if what := c.check(); what != "" {
		return chunk{}, fmt.Errorf("%w: chunk: %s", store.ErrCorrupt, what)
	}
	return c, nil
}

// check says what is wrong with the columns, "" if nothing. It does not look at
// the objects: opening a store must not read all of the file.
func (c *chunk) check() string {
	kinds := c.kinds()
	if kinds == nil {
		return "list of types"
	}
	end, raw := 0, c.cols[colRaw]
	for i := range c.n {
		if int(c.cols[colType][i]) >= len(kinds) {
			return fmt.Sprintf("slot %d: type is not in the list", i)
		}
		if i > 0 && c.added(i) <= c.added(i-1) || c.added(i) <= 0 {
			return fmt.Sprintf("slot %d: added does not grow", i)
		}
		next := c.end(i)
		if c.flag(i, flagDeleted) {
			if next != end {
				return fmt.Sprintf("slot %d: deleted, but has bytes", i)
			}
			continue
		}
		start := end
		if end > 0 {
			start++
		}
		if next > len(raw) || next < start+2 {
			return fmt.Sprintf("slot %d: end of the object", i)
		}
		end = next
	}
	if end != len(raw) {
		return "bytes after the last object"
	}
	return ""
}

// joined reports whether there are commas between the objects.
func (c *chunk) joined() bool {
	for i := range c.n {
		if start := c.start(i); !c.flag(i, flagDeleted) && start > 0 && c.cols[colRaw][start-1] != ',' {
			return false
		}
	}
	return true
}

// rawSound reports whether the objects match their checksum; b is the value.
func (c *chunk) rawSound(b []byte) bool {
	return crc32.Checksum(c.cols[colRaw], castagnoli) == binary.LittleEndian.Uint32(b[20:])
}

func (c *chunk) added(i int) int64 {
	return int64(binary.LittleEndian.Uint64(c.cols[colAdded][8*i:]))
}

func (c *chunk) us(i int) int64 {
	return int64(binary.LittleEndian.Uint64(c.cols[colVersion][8*i:]))
}

func (c *chunk) flags(i int) uint8          { return c.cols[colFlags][i] }
func (c *chunk) flag(i int, f uint8) bool   { return c.cols[colFlags][i]&f != 0 }
func (c *chunk) uuid(i int) (uuid [16]byte) { copy(uuid[:], c.cols[colUUID][16*i:]); return uuid }
func (c *chunk) end(i int) int              { return int(binary.LittleEndian.Uint32(c.cols[colEnd][4*i:])) }

// start is where the object of slot i begins in the raw column.
func (c *chunk) start(i int) int {
	if i == 0 {
		return 0
	}
	if end := c.end(i - 1); end > 0 {
		return end + 1
	}
	return 0
}

// object returns the bytes of slot i, none if it is deleted.
func (c *chunk) object(i int) []byte {
	if c.flag(i, flagDeleted) {
		return nil
	}
	return c.cols[colRaw][c.start(i):c.end(i)]
}

// kinds returns the types that occur in c, nil if the column is broken.
func (c *chunk) kinds() [][]byte {
	kinds := make([][]byte, 0, 8)
	for b := c.cols[colTypes]; len(b) > 0; {
		if len(b) < 2 || len(kinds) == maxSlots {
			return nil
		}
		n := int(binary.LittleEndian.Uint16(b))
		if len(b) < 2+n {
			return nil
		}
		kinds = append(kinds, b[2:2+n])
		b = b[2+n:]
	}
	return kinds
}

// kind returns the type of slot i.
func (c *chunk) kind(i int) []byte {
	b := c.cols[colTypes]
	for range c.cols[colType][i] {
		b = b[2+binary.LittleEndian.Uint16(b):]
	}
	return b[2 : 2+binary.LittleEndian.Uint16(b)]
}

// appendSlots takes c apart. The slots are valid as long as the chunk.
func (c *chunk) appendSlots(dst []slot) []slot {
	for i := range c.n {
		dst = append(dst, c.slot(i))
	}
	return dst
}

// slot returns slot i, valid as long as c.
func (c *chunk) slot(i int) slot {
	kind := text(c.kind(i))
	return slot{
		added: c.added(i), key: makeKey(c.flag(i, flagOdd), c.uuid(i), kind), kind: kind,
		flags: c.flags(i), digits: c.cols[colDigits][i], us: c.us(i), raw: text(c.object(i)),
	}
}
