package stix

import (
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
