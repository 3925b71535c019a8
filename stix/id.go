package stix

import (
	"fmt"
	"strings"
)

const uuidLen = 36

// ParseID checks that text is a STIX identifier: a type name, "--" and a UUID
// as RFC 4122 writes it, hex digits in either case, any version (STIX 2.1,
// section 2.9). The error wraps ErrInvalid.
func ParseID(text string) (ID, error) {
	if reason := idFault(text); reason != "" {
		return "", fmt.Errorf("identifier %s: %s: %w", excerpt(text), reason, ErrInvalid)
	}
	return ID(text), nil
}

// Type is the part before "--<UUID>"; "" if id has not the length of an
// identifier.
func (id ID) Type() string {
	if len(id) < uuidLen+2 {
		return ""
	}
	return string(id[:len(id)-uuidLen-2])
}

// UUID is the part after "<type>--", as written; "" if id has not the length
// of an identifier.
func (id ID) UUID() string {
	if len(id) < uuidLen+2 {
		return ""
	}
	return string(id[len(id)-uuidLen:])
}

// idFault says why text is not an identifier; "" if it is one.
func idFault(text string) string {
	n := len(text) - uuidLen - 2
	if n < 1 || text[n:n+2] != "--" || !isUUID(text[n+2:]) {
		return "is not a type name, -- and a UUID"
	}
	return typeFault(text[:n])
}

// isUUID reports whether s, of 36 bytes, is a UUID of the RFC 4122 form. It
// looks at 8 bytes at a time; the last two times overlap.
func isUUID(s string) bool {
	const (
		second = '-' | '-'<<40     // bytes 8 and 13
		third  = '-'<<16 | '-'<<56 // bytes 18 and 23
		flip   = '-' ^ '0'         // makes a hyphen a digit
		flip2  = flip | flip<<40
		flip3  = flip<<16 | flip<<56
	)
	b, c := load8(s, 8), load8(s, 16)
	if b&(0xff|0xff<<40) != second || c&(0xff<<16|0xff<<56) != third {
		return false
	}
	return isHex(load8(s, 0)) && isHex(b^flip2) && isHex(c^flip3) && isHex(load8(s, 24)) && isHex(load8(s, 28))
}

// isHex reports whether all bytes of w are hexadecimal digits. Each sum sets
// the highest bit of a byte that is at least the character it names.
func isHex(w uint64) bool {
	if w&highs != 0 {
		return false
	}
	lower := w | 0x20*ones
	digit := (w + (0x80-'0')*ones) &^ (w + (0x80-'9'-1)*ones)
	letter := (lower + (0x80-'a')*ones) &^ (lower + (0x80-'f'-1)*ones)
	return (digit|letter)&highs == highs
}

// hexDigit tells the hexadecimal digits, of either case.
var hexDigit = func() (t [256]bool) {
	for _, c := range []byte("0123456789abcdefABCDEF") {
		t[c] = true
	}
	return t
}()

// typeFault says why name is not the name of an object type; "" if it is one
// (STIX 2.1, section 3.1).
func typeFault(name string) string {
	if classOf(name) != unknown {
		return ""
	}
	if len(name) < 3 || len(name) > 250 {
		return "has a type name that is not 3 to 250 characters long"
	}
	for i := range len(name) {
		if !nameChar[name[i]] {
			return "has a type name with other characters than a-z, 0-9 and -"
		}
	}
	if name[0] < 'a' || name[0] > 'z' || name[len(name)-1] == '-' {
		return "has a type name that does not begin with a letter or ends with -"
	}
	if strings.Contains(name, "--") {
		return "has a type name with --"
	}
	return ""
}

// nameChar tells the characters of type names.
var nameChar = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyz0123456789-") {
		t[c] = true
	}
	return t
}()
