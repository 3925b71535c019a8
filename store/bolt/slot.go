package bolt

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
	"unsafe"

	"entente/stix"
)

// text returns b as a string without copying it. The string is valid as long as
// b and must not outlive the call that got b.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// An idKey identifies an object in its log: the UUID and the type, or, for an
// odd id (one that is not <type>--<UUID> in lower case), a hash of all of it.
type idKey struct {
	odd  bool
	uuid [16]byte
	kind string // "" if odd
}

func makeKey(odd bool, uuid [16]byte, kind string) idKey {
	if odd {
		kind = ""
	}
	return idKey{odd, uuid, kind}
}

// keyOf returns the key of id.
func keyOf(id stix.ID) idKey {
	k := idKey{kind: id.Type()}
	if k.kind != "" && canonicalUUID(id.UUID(), &k.uuid) {
		return k
	}
	sum := sha256.Sum256([]byte(id))
	return idKey{odd: true, uuid: [16]byte(sum[:16])}
}

// canonicalUUID reads the 36 bytes of s into uuid and reports whether that is
// all there is to know: lower case, dashes in their places.
func canonicalUUID(s string, uuid *[16]byte) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	j := 0
	for i := 0; i < 16; i++ {
		if s[j] == '-' {
			j++
		}
		hi, lo := nibble[s[j]], nibble[s[j+1]]
		if hi|lo > 15 {
			return false
		}
		uuid[i] = hi<<4 | lo
		j += 2
	}
	return true
}

// nibble gives the value of a lower-case hexadecimal digit, 255 for other bytes.
var nibble = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range "0123456789abcdef" {
		t[c] = uint8(i)
	}
	return t
}()

// appendID appends kind--uuid.
func appendID(dst []byte, kind []byte, uuid []byte) []byte {
	dst = append(append(dst, kind...), '-', '-')
	dst = append(hex.AppendEncode(dst, uuid[:4]), '-')
	dst = append(hex.AppendEncode(dst, uuid[4:6]), '-')
	dst = append(hex.AppendEncode(dst, uuid[6:8]), '-')
	dst = append(hex.AppendEncode(dst, uuid[8:10]), '-')
	return hex.AppendEncode(dst, uuid[10:])
}

// newSlot describes o; its added is set later.
func newSlot(o *stix.Object) slot {
	s := slot{key: keyOf(o.ID), kind: o.Type, raw: o.Raw, digits: digitsInRaw}
	if s.key.odd {
		s.flags |= flagOdd
	}
	if o.Revoked {
		s.flags |= flagRevoked
	}
	if o.SpecVersion == "2.0" {
		s.flags |= flagSpec20
	}
	written := o.VersionText()
	if written == "" {
		s.flags |= flagNoVersion
		s.us = contentHash(o.Raw)
		return s
	}
	us, exact := o.Version().Micros()
	s.us = us
	if !exact {
		s.flags |= flagFine
		return s
	}
	if d := fractionDigits(written); d <= 6 {
		var buf [40]byte
		if string(appendVersion(buf[:0], us, d)) == written {
			s.digits = uint8(d)
		}
	}
	return s
}

func fractionDigits(written string) int {
	if i := strings.IndexByte(written, '.'); i >= 0 {
		return len(written) - i - 2
	}
	return 0
}

// appendVersion appends the timestamp us with d digits of fraction, 0 to 6.
func appendVersion(dst []byte, us int64, d int) []byte {
	t := time.UnixMicro(us).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(appendDigits(dst, year, 4), '-')
	dst = append(appendDigits(dst, int(month), 2), '-')
	dst = append(appendDigits(dst, day, 2), 'T')
	dst = append(appendDigits(dst, hour, 2), ':')
	dst = append(appendDigits(dst, minute, 2), ':')
	dst = appendDigits(dst, second, 2)
	if d > 0 {
		dst = appendDigits(append(dst, '.'), t.Nanosecond()/1000, 6)
		dst = dst[:len(dst)-6+d]
	}
	return append(dst, 'Z')
}

// appendDigits appends the last width digits of n, 0 or more.
func appendDigits(dst []byte, n, width int) []byte {
	dst = append(dst, "000000"[:width]...)
	for i := len(dst) - 1; n > 0 && i >= len(dst)-width; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// fraction is what orders timestamps that lie in the same µs: "" for the whole
// µs, else the digits that follow it; a leap second comes after all of them.
func fraction(t stix.Timestamp) string {
	const second, micros = len("2006-01-02T15:04:"), len("2006-01-02T15:04:05.000000")
	if len(t) > second+1 && t[second:second+2] == "60" {
		return "~" + string(t[second+2:])
	}
	if len(t) > micros {
		return string(t[micros:])
	}
	return ""
}

// contentHash is the beginning of stix.Digest. Objects that are equal have the
// same, and of others more than two with the same are out of reach even for one
// who looks for them.
func contentHash(raw string) int64 {
	sum := stix.Digest(raw)
	return int64(binary.LittleEndian.Uint64(sum[:]))
}
