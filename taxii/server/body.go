package server

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/semaphore"

	"entente/taxii"
)

const (
	bodyStep  = 1 << 20         // bytes that a client must send in Limits.ReadTimeout
	chunkLen  = 64 << 10        // bytes that are read and reserved at a time
	bodyWait  = 2 * time.Second // for other bodies to leave memory
	drainMax  = 8 << 20         // bytes of a refused body that are read so that the client sees the answer
	drainTime = 5 * time.Second
)

// A reservation is a part of Limits.Bodies and of an account's share of it.
type reservation struct {
	s     *Server
	share *share
	n     int64
}

// grow makes the reservation at least n bytes large, or as large as an account's
// share. It waits at most wait for others to leave room.
func (v *reservation) grow(ctx context.Context, n int64, wait time.Duration) error {
	step := min((n+chunkLen-1)/chunkLen*chunkLen, v.s.bodyShare()) - v.n
	if step <= 0 {
		return nil
	}
	if err := acquire(ctx, v.share.bodies, step, wait); err != nil {
		return err
	}
	if err := acquire(ctx, v.s.bodies, step, wait); err != nil {
		v.share.bodies.Release(step)
		return err
	}
	v.n += step
	return nil
}

func (v *reservation) free() {
	v.s.bodies.Release(v.n)
	v.share.bodies.Release(v.n)
}

// acquire takes n of what POSTs share.
func acquire(ctx context.Context, from *semaphore.Weighted, n int64, wait time.Duration) error {
	if from.TryAcquire(n) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if from.Acquire(ctx, n) != nil {
		return busy("too many objects are being posted at this moment", bodyWait)
	}
	return nil
}

func tooLarge(most int64) *taxii.Error {
	return taxii.Errorf(http.StatusRequestEntityTooLarge, "max_content_length is %d bytes", most)
}

// readBody reads the body of a POST, at most most bytes before and after
// decompression. The caller frees held when it is done with the body, also
// after an error.
func (s *Server) readBody(c echo.Context, most int64, held *reservation) (string, error) {
	req := c.Request()
	compressed := false
	switch encoding := strings.ToLower(strings.Join(req.Header["Content-Encoding"], ",")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		compressed = true
	default:
		return "", taxii.Errorf(http.StatusUnsupportedMediaType, "Content-Encoding: send the body plain or with gzip")
	}
	if req.ContentLength > most {
		return "", tooLarge(most)
	}
	b := bodyReader{s: s, c: c, most: most}
	defer b.done()
	var from io.Reader = &b
	if compressed {
		unzip, err := gzip.NewReader(&b)
		if err != nil {
			return "", bodyError(err)
		}
		from = unzip
	}
	text := new(strings.Builder)
	chunk := s.chunks.Get().(*[chunkLen]byte)
	defer s.chunks.Put(chunk)
	for {
		n, err := from.Read(chunk[:])
		if int64(text.Len()+n) > most {
			return "", tooLarge(most)
		}
		if size := grown(text, n, req.ContentLength); size > text.Cap() {
			// The old and the new buffer:
			if err := held.grow(req.Context(), int64(text.Cap()+size), bodyWait); err != nil {
				return "", err
			}
			old := text.String()
			text = new(strings.Builder)
			text.Grow(size)
			text.WriteString(old)
		}
		text.Write(chunk[:n])
		if err == io.EOF {
			return text.String(), nil
		}
		if err != nil {
			return "", bodyError(err)
		}
	}
}

// grown is the capacity that text wants for n more bytes, when length bytes were
// announced. Nobody gets memory for an announcement alone: what has come earns
// eight times as much.
func grown(text *strings.Builder, n int, length int64) int {
	need := text.Len() + n
	switch {
	case need <= text.Cap():
		return text.Cap()
	case length < int64(need): // not announced, or compressed
		return max(need, 2*text.Cap())
	}
	return int(min(length, max(int64(need), 8*int64(text.Cap()), chunkLen)))
}

// bodyError says what the client did when reading its body failed.
func bodyError(err error) error {
	var e *taxii.Error
	switch {
	case errors.As(err, &e):
		return err
	case isTimeout(err):
		return taxii.Errorf(http.StatusRequestTimeout, "the body came too slowly")
	}
	e = taxii.Errorf(http.StatusBadRequest, "the body ended early or is not valid gzip")
	e.Err = err
	return e
}

// A bodyReader reads the body as it comes over the network: not more than most
// bytes, and not slower than a MiB in each Limits.ReadTimeout.
type bodyReader struct {
	s    *Server
	c    echo.Context
	most int64

	read, next int64
	stop       func()
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.read >= b.next {
		b.done()
		b.next += bodyStep
		b.stop = b.s.watch(b.c.Response(), (*http.ResponseController).SetReadDeadline, b.s.c.Limits.ReadTimeout)
	}
	n, err := b.c.Request().Body.Read(p)
	if b.read += int64(n); b.read > b.most {
		return 0, tooLarge(b.most)
	}
	return n, err
}

func (b *bodyReader) done() {
	if b.stop != nil {
		b.stop()
	}
}

// answerUnread answers a request whose body has not been read, at once, and
// then reads what the client still sends: many look at the answer only when they
// have sent everything, and would otherwise find the connection gone.
func (s *Server) answerUnread(c echo.Context, r *request, err error) {
	req, res := c.Request(), c.Response()
	rc := http.NewResponseController(res.Writer) // echo's own Flush panics where it cannot
	_ = rc.EnableFullDuplex()                    // HTTP/1 wants to be told that reading goes on after the answer
	res.Header()["Connection"] = []string{"close"}
	s.answerError(c, r, err)
	_ = rc.Flush() // a recorder in a test need not be able to
	if req.Header.Get("Expect") != "" {
		return // it waits, and is told not to
	}
	stop := s.watch(res, (*http.ResponseController).SetReadDeadline, drainTime)
	defer stop()
	_, _ = io.CopyN(io.Discard, req.Body, drainMax)
	_ = rc.SetReadDeadline(time.Unix(1, 0)) // net/http, too, would read on
}

// leftUnread reports whether answerUnread is for this request: one whose body was
// begun, or is too large, or is larger than what net/http itself reads on.
func leftUnread(req *http.Request, r *request, err error) bool {
	if r.account == nil || r.bodyRead || req.Body == nil || req.Body == http.NoBody {
		return false
	}
	const ownDrain = 256 << 10
	switch asTAXII(err).Status {
	case http.StatusRequestTimeout:
		return false
	case http.StatusRequestEntityTooLarge:
		return true
	}
	// Reading a body lifts the deadline, so net/http would wait for ever.
	return r.late || req.ContentLength < 0 || req.ContentLength > ownDrain
}
