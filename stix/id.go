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

// isUUID reports whether s, of 36 bytes, is a UUID of the RFC 4122 form.
func isUUID(s string) bool {
	for i := range uuidLen {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if !hexDigit[c] {
			return false
		}
	}
	return true
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
	if len(name) < 3 || len(name) > 250 {
		return "has a type name that is not 3 to 250 characters long"
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
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
