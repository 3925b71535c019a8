package taxii

import "time"

// AppendMicros appends µs since the Unix epoch as a TAXII timestamp: UTC, six
// fraction digits (TAXII 2.1, section 2).
func AppendMicros(dst []byte, us int64) []byte {
	t := time.UnixMicro(us).UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	}
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4, '-')
	dst = appendDigits(dst, int(month), 2, '-')
	dst = appendDigits(dst, day, 2, 'T')
	dst = appendDigits(dst, hour, 2, ':')
	dst = appendDigits(dst, minute, 2, ':')
	dst = appendDigits(dst, second, 2, '.')
	return appendDigits(dst, t.Nanosecond()/1000, 6, 'Z')
}

// appendDigits appends the last n digits of v, and then end.
func appendDigits(dst []byte, v, n int, end byte) []byte {
	dst = append(dst, "000000"[:n]...)
	for i := len(dst) - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, end)
}
