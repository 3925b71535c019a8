package taxii

import (
	"encoding/binary"
	"hash/crc32"
)

// A Member writes one gzip member (RFC 1952) out of pieces of which some are
// compressed already, so that serving a compressed page is copying bytes. The
// checksum of the whole is combined from those of the pieces.
type Member struct {
	buf  []byte
	crc  uint32
	size uint32
}

// maxStored is the most bytes a stored block can hold (RFC 1951, section 3.2.4).
const maxStored = 65535

// Reset starts a member that is appended to dst.
func (m *Member) Reset(dst []byte) {
	m.buf = append(dst, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
	m.crc, m.size = 0, 0
}

// Stored adds p uncompressed.
func (m *Member) Stored(p []byte) {
	m.crc = crc32.Update(m.crc, crc32.IEEETable, p)
	m.size += uint32(len(p))
	for len(p) > 0 {
		n := min(len(p), maxStored)
		m.buf = append(m.buf, 0)
		m.buf = binary.LittleEndian.AppendUint16(m.buf, uint16(n))
		m.buf = binary.LittleEndian.AppendUint16(m.buf, ^uint16(n))
		m.buf = append(m.buf, p[:n]...)
		p = p[n:]
	}
}

// Deflated adds a piece of size bytes before compression, whose IEEE checksum
// then was crc, as raw DEFLATE blocks: none final, on a byte boundary.
func (m *Member) Deflated(fragment []byte, size int, crc uint32) {
	m.buf = append(m.buf, fragment...)
	m.crc = combineCRC(m.crc, crc, uint64(size))
	m.size += uint32(size)
}

// Close ends the member and returns dst with it.
func (m *Member) Close() []byte {
	m.buf = append(m.buf, 1, 0, 0, 0xff, 0xff) // an empty final block
	m.buf = binary.LittleEndian.AppendUint32(m.buf, m.crc)
	return binary.LittleEndian.AppendUint32(m.buf, m.size)
}

// combineCRC returns the checksum of A followed by B from those of A and B:
// polynomials over GF(2), A's multiplied by x^(8·len(B)).
func combineCRC(a, b uint32, lenB uint64) uint32 {
	if a == 0 {
		return b
	}
	shift := crcOne
	for k, n := 3, lenB; n > 0; k, n = k+1, n>>1 {
		if n&1 != 0 {
			shift = mulCRC(crcPowers[k%32], shift)
		}
	}
	return mulCRC(shift, a) ^ b
}

// crcPowers[k] is x^(2^k); the row repeats after 32, for x has order 2^32-1.
var crcPowers = func() (powers [32]uint32) {
	powers[0] = crcX
	for k := 1; k < len(powers); k++ {
		powers[k] = mulCRC(powers[k-1], powers[k-1])
	}
	return powers
}()

// In the checksum's bit order the highest bit is x^0.
const (
	crcOne = uint32(1) << 31
	crcX   = uint32(1) << 30
)

// mulCRC multiplies two polynomials modulo the checksum's.
func mulCRC(a, b uint32) uint32 {
	var p uint32
	for m := crcOne; ; m >>= 1 {
		if a&m != 0 {
			p ^= b
			if a&(m-1) == 0 {
				return p
			}
		}
		if m == 1 {
			return p
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
}
