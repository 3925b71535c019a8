package stix

import (
	"math/bits"
	"unicode/utf8"
)

// load8 returns the 8 bytes of t from i on, the first one lowest.
func load8(t string, i int) uint64 {
	b := t[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops returns a word whose lowest set bit is in the first byte of w that
// needs a look: a quote, a backslash, a control character, or not ASCII. It is
// 0 if there is none. (Bytes above the first may be marked wrongly.)
func stops(w uint64) uint64 {
	quote, slash := w^('"'*ones), w^('\\'*ones)
	return (w | (quote - ones) | (slash - ones) | (w - ' '*ones)) & highs
}

// str reads a string; escaped tells whether there is a backslash in it.
func (s *scan) str(i int) (end int, escaped bool) {
	t := s.text
	i++
	for i+16 <= len(t) {
		m := stops(load8(t, i))
		if m == 0 {
			i += 8
			if m = stops(load8(t, i)); m == 0 {
				i += 8
				continue
			}
		}
		i += bits.TrailingZeros64(m) >> 3
		if t[i] == '"' {
			return i + 1, false
		}
		break
	}
	return s.slowStr(i)
}

// slowStr goes on inside a string, where something other than ASCII may come.
func (s *scan) slowStr(i int) (end int, escaped bool) {
	t := s.text
	for i < len(t) {
		if i+8 <= len(t) {
			m := stops(load8(t, i))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		switch c := t[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i = s.escape(i); i < 0 {
				return i, escaped
			}
		case c < ' ':
			return s.fail(i, "a control character in a string must be escaped"), escaped
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRuneInString(t[i:])
			if r == utf8.RuneError && n == 1 {
				if !utf8.FullRuneInString(t[i:]) {
					return s.end(), escaped
				}
				return s.fail(i, "not UTF-8"), escaped
			}
			i += n
		}
	}
	return s.end(), escaped
}

// escape reads an escape sequence, or the two of a surrogate pair.
func (s *scan) escape(i int) int {
	if i+1 >= len(s.text) {
		return s.end()
	}
	switch s.text[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return s.fail(i, "no such escape sequence")
	}
	r, next := s.hex4(i + 2)
	if next < 0 || r < 0xd800 || r > 0xdfff {
		return next
	}
	if r < 0xdc00 {
		if next >= len(s.text) || next+1 == len(s.text) && s.text[next] == '\\' {
			return s.end()
		}
		if s.text[next] == '\\' && s.text[next+1] == 'u' {
			low, after := s.hex4(next + 2)
			if after < 0 {
				return after
			}
			if low >= 0xdc00 && low <= 0xdfff {
				return after
			}
		}
	}
	if s.grave.reason == "" {
		s.grave = fault{i, "", "has a string with half a surrogate pair, which is no character"}
	}
	return next
}

// hex4 reads four hexadecimal digits.
func (s *scan) hex4(i int) (r rune, next int) {
	for j := i; j < i+4; j++ {
		if j >= len(s.text) {
			return 0, s.end()
		}
		c := s.text[j]
		if !hexDigit[c] {
			return 0, s.fail(j, "expected four hexadecimal digits after \\u")
		}
		r = r<<4 | rune(hexValue(c))
	}
	return r, i + 4
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0x0f + 9
}

// unescape decodes the inside of a string that scan.str has accepted.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b = append(b, s[i])
			i++
			continue
		}
		if s[i+1] != 'u' {
			b = append(b, simpleEscape(s[i+1]))
			i += 2
			continue
		}
		r := hexRune(s[i+2:])
		i += 6
		if r >= 0xd800 && r < 0xdc00 && i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
			if low := hexRune(s[i+2:]); low >= 0xdc00 && low <= 0xdfff {
				r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
				i += 6
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}

func hexRune(s string) (r rune) {
	for i := range 4 {
		r = r<<4 | rune(hexValue(s[i]))
	}
	return r
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
