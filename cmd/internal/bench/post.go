package bench

import (
	"bytes"
	"strconv"
)

// A fresh makes POST requests whose objects no store has seen: one envelope,
// with new ids for each request.
type fresh struct {
	request []byte
	ids     []int // where the UUIDs of ids are in request
	n       uint64
}

// newFresh prepares requests to path with count objects each.
func newFresh(path, head string, count int) *fresh {
	body := appendEnvelope(nil, 1, count)
	f := &fresh{n: 1 << 50}
	f.request = appendPost(nil, path, head, len(body))
	f.request = append(f.request, body...)
	key := []byte(`"id":"`)
	for at := 0; ; {
		i := bytes.Index(f.request[at:], key)
		if i < 0 {
			return f
		}
		at += i
		at += bytes.Index(f.request[at:], []byte("--")) + len("--")
		f.ids = append(f.ids, at)
	}
}

func (f *fresh) next(buf []byte) []byte {
	buf = append(buf, f.request...)
	for _, at := range f.ids {
		f.n++
		appendUUID(buf[:at], f.n)
	}
	return buf
}

// appendPost appends the head of a TAXII POST with a body of size bytes.
func appendPost(dst []byte, path, head string, size int) []byte {
	dst = append(dst, "POST "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n"+
		"Content-Type: application/taxii+json;version=2.1\r\n"+head+"Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(size), 10)
	return append(dst, "\r\n\r\n"...)
}

// cutHead parts a message from its body.
func cutHead(message []byte) (head, body []byte, ok bool) {
	return bytes.Cut(message, []byte("\r\n\r\n"))
}
