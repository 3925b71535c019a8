package taxii

import (
	"unicode/utf16"
	"unicode/utf8"
)

// The texts around the joined objects of an envelope, a manifest and a list of
// versions. An answer without objects is EmptyObject (TAXII 2.1, sections 2 and
// 3.7: lists are never empty).
const (
	ObjectsHead  = `{"objects":[`
	VersionsHead = `{"versions":[`
	EmptyObject  = `{}`
)

// AppendTail ends a list resource: next is "" on the last page, else the URL-safe
// token that goes with more.
func AppendTail(dst []byte, next string) []byte {
	dst = append(dst, ']')
	if next != "" {
		dst = append(dst, `,"more":true,"next":"`...)
		dst = append(dst, next...)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// AppendManifestRecord appends a manifest record (TAXII 2.1, section 5.3.1).
// added is in µs.
func AppendManifestRecord(dst []byte, id string, added int64, version, mediaType string) []byte {
	dst = append(dst, `{"id":`...)
	dst = AppendString(dst, id)
	dst = append(dst, `,"date_added":"`...)
	dst = AppendMicros(dst, added)
	dst = append(dst, `","version":`...)
	dst = AppendString(dst, version)
	dst = append(dst, `,"media_type":`...)
	dst = AppendString(dst, mediaType)
	return append(dst, '}')
}

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			if c == '"' || c == '\\' {
				dst = append(dst, '\\', c)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\xef', '\xbf', '\xbd')
			start = i + 1
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// AppendASCII appends JSON text with everything beyond ASCII written as \uXXXX,
// which is the same JSON to a client that guesses encodings. text must be valid
// UTF-8.
func AppendASCII(dst, text []byte) []byte {
	start := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		dst = append(dst, text[start:i]...)
		r, n := utf8.DecodeRune(text[i:])
		if r1, r2 := utf16.EncodeRune(r); r > 0xFFFF {
			dst = appendUnit(appendUnit(dst, r1), r2)
		} else {
			dst = appendUnit(dst, r)
		}
		i += n
		start = i
	}
	return append(dst, text[start:]...)
}

func appendUnit(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
