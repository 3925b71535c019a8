package taxii

import "time"

// AppendMicros appends µs since the Unix epoch as a TAXII timestamp: UTC, six
// fraction digits (TAXII 2.1, section 2).
func AppendMicros(dst []byte, us int64) []byte {
	return time.UnixMicro(us).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
}
