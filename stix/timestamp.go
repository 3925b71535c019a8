package stix

import (
	"fmt"
	"strings"
	"time"
)

// A Timestamp is a STIX timestamp in canonical text: no final "Z" and no
// trailing zeros in the fraction ("2016-05-12T08:17:27.1"). Byte order is time
// order at any precision, so timestamps are compared as strings (STIX 2.1,
// section 2.16). Object.Raw keeps the text the producer wrote.
type Timestamp string

// canonical cuts the final "Z" and the fraction's trailing zeros off a valid
// timestamp. It allocates nothing.
func canonical(text string) Timestamp {
	if text == "" {
		return ""
	}
	text = strings.TrimSuffix(text, "Z")
	if i := strings.IndexByte(text, '.'); i >= 0 {
		text = strings.TrimRight(text, "0")
		if len(text) == i+1 {
			text = text[:i]
		}
	}
	return Timestamp(text)
}

// microsLayout is a TAXII timestamp: exactly six digits (TAXII 2.1, section 2).
const microsLayout = "2006-01-02T15:04:05.000000Z"

// FormatMicros writes µs since the Unix epoch as a TAXII timestamp, UTC, with
// exactly six fraction digits (TAXII 2.1, section 2).
func FormatMicros(us int64) string {
	return time.UnixMicro(us).UTC().Format(microsLayout)
}

// MaxFraction is the most digits of a second's fraction. STIX sets no limit; a
// clock that told Planck times would need 44. Without one, a single timestamp
// could be as large as a request.
const MaxFraction = 64

// ParseTimestamp reads a timestamp as STIX writes it: a real date, "T", a time
// of day, a fraction of at most MaxFraction digits or none, and "Z" for UTC,
// both letters in upper case. 23:59:60 is a leap second (STIX 2.1, section 2.16;
// RFC 3339). The error wraps ErrInvalid. It allocates nothing unless text is
// refused.
func ParseTimestamp(text string) (Timestamp, error) {
	if reason := timestampFault(text); reason != "" {
		return "", fmt.Errorf("timestamp %s %s: %w", excerpt(text), reason, ErrInvalid)
	}
	return canonical(text), nil
}

const (
	// secondsLen is the length of a canonical timestamp without a fraction.
	secondsLen = len("2006-01-02T15:04:05")
	// timestampLen is the length of the longest timestamp.
	timestampLen = secondsLen + len(".") + MaxFraction + len("Z")
)

// timestampFault says why text is no timestamp; "" if it is one.
func timestampFault(text string) string {
	switch {
	case len(text) > timestampLen:
		return fmt.Sprintf("is longer than a timestamp with %d fraction digits", MaxFraction)
	case !isTimestamp(text):
		return "is not a timestamp of the form 2006-01-02T15:04:05.000Z"
	}
	return ""
}

func isTimestamp(s string) bool {
	if len(s) < secondsLen+1 || len(s) > timestampLen || s[len(s)-1] != 'Z' {
		return false
	}
	if s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return false
	}
	year, month, day := number(s[0:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return false
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return false
	}
	if second == 60 && (hour != 23 || minute != 59) {
		return false
	}
	if fraction := s[secondsLen : len(s)-1]; fraction != "" {
		return len(fraction) > 1 && fraction[0] == '.' && digits(fraction[1:])
	}
	return true
}

// number returns the value of s, which is short; -1 if not all are digits.
func number(s string) int {
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return -1
		}
		n = n*10 + int(c)
	}
	return n
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// Micros returns t in µs since the Unix epoch, rounded down. exact is false if
// t lies between two µs or in a leap second, which counts as the last µs of
// the second before; also if t is not a timestamp from this package (us is 0).
func (t Timestamp) Micros() (us int64, exact bool) {
	if !isTimestamp(string(t)+"Z") || canonical(string(t)) != t {
		return 0, false
	}
	second, exact := number(string(t[17:19])), true
	if second == 60 {
		second, exact = 59, false
	}
	when := time.Date(number(string(t[0:4])), time.Month(number(string(t[5:7]))), number(string(t[8:10])),
		number(string(t[11:13])), number(string(t[14:16])), second, 0, time.UTC)
	if !exact {
		return when.UnixMicro() + 999_999, false
	}
	fraction := 0
	if len(t) > secondsLen {
		text := string(t[secondsLen+1:])
		exact = len(text) <= 6
		fraction = number((text + "00000")[:6])
	}
	return when.UnixMicro() + int64(fraction), exact
}
