package bench

import (
	"fmt"
	"strconv"
	"time"
)

// rareEvery makes one object in so many a tool; the others are indicators.
const rareEvery = 1000

// words fill the descriptions. They repeat as much as those of real feeds do:
// a page of 1,000 objects deflates to about an eighth.
var words = [...]string{
	"observed", "beaconing", "towards", "infrastructure", "attributed", "with", "moderate", "confidence", "to", "the",
	"operators", "of", "a", "botnet", "that", "distributes", "click", "fraud", "modules", "through", "peers", "after",
	"initial", "access", "by", "drive-by", "download", "and", "persists", "as", "kernel", "driver", "resolved", "from",
	"sinkhole", "telemetry", "during", "takedown", "window", "reported", "shared", "under", "agreement", "victims", "in",
	"several", "countries", "were", "notified", "domain", "generation", "algorithm", "seeded", "daily", "hash", "sample",
	"unpacked", "configuration", "contains", "further", "addresses", "listed", "below", "again",
}

// mix is splitmix64: a number that looks random for each n.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// appendUUID appends the UUIDv4 that belongs to n, 36 bytes.
func appendUUID(dst []byte, n uint64) []byte {
	const hexDigits = "0123456789abcdef"
	hi, lo := mix(n), mix(^n)
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	for i := range 32 {
		switch i {
		case 8, 12, 16, 20:
			dst = append(dst, '-')
		}
		half := hi
		if i >= 16 {
			half = lo
		}
		dst = append(dst, hexDigits[half>>(60-4*(i%16))&15])
	}
	return dst
}

// epoch is when the first object was made; each is a second younger.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// appendObject appends the n-th object of the data set, compact JSON of 850 to
// 1,160 bytes, about 1,007 in the mean.
func appendObject(dst []byte, n uint64) []byte {
	kind := "indicator"
	if n%rareEvery == rareEvery/2 {
		kind = "tool"
	}
	start := len(dst)
	r := mix(n ^ 0xabcdef)
	when := epoch.Add(time.Duration(n) * time.Second)
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","spec_version":"2.1","id":"`...)
	dst = append(dst, kind...)
	dst = append(dst, "--"...)
	dst = appendUUID(dst, n)
	dst = append(dst, `","created_by_ref":"identity--`...)
	dst = appendUUID(dst, 1<<60|r%7)
	dst = append(dst, `","created":"`...)
	dst = when.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","modified":"`...)
	dst = when.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","name":"Botnet peer `...)
	dst = strconv.AppendUint(dst, r>>40, 10)
	dst = append(dst, `","pattern":"[ipv4-addr:value = '`...)
	dst = fmt.Appendf(dst, "198.%d.%d.%d", 18+r>>8&1, r>>16&255, r>>24&255)
	dst = append(dst, `' AND network-traffic:dst_port = `...)
	dst = strconv.AppendUint(dst, 1024+r>>32&16383, 10)
	dst = append(dst, `]","pattern_type":"stix","valid_from":"`...)
	dst = when.AppendFormat(dst, "2006-01-02T15:04:05Z")
	dst = append(dst, `","indicator_types":["malicious-activity"],"confidence":`...)
	dst = strconv.AppendUint(dst, 30+r>>48%70, 10)
	dst = append(dst, `,"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],"description":"`...)
	for want := start + 850 + int(r>>4%310); len(dst) < want; r = mix(r) {
		for k := r; k > 0 && len(dst) < want; k >>= 6 {
			dst = append(dst, words[k&63]...)
			dst = append(dst, ' ')
		}
	}
	dst[len(dst)-1] = '.'
	return append(dst, `"}`...)
}

// appendEnvelope appends a TAXII envelope with the objects from to from+n-1.
func appendEnvelope(dst []byte, from uint64, n int) []byte {
	dst = append(dst, `{"objects":[`...)
	for i := range uint64(n) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendObject(dst, from+i)
	}
	return append(dst, "]}"...)
}
