package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"entente/taxii"
)

// Header values that every answer shares; nobody may change them.
var (
	headerMediaType = []string{taxii.MediaType}
	headerCache     = []string{"no-store"}
	headerGzip      = []string{"gzip"}
	headerNoSniff   = []string{"nosniff"}
)

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// minGzip is the size from which a body is worth compressing.
const minGzip = 1024

// writeJSON answers with a TAXII resource.
func (s *Server) writeJSON(c echo.Context, r *request, status int, v any) {
	buf := bytes.NewBuffer(r.buf[:0])
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // resources are plain structs
	}
	r.buf = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	s.writeBody(c, r, status, r.buf)
}

// writeBody answers with a body that is complete, compressed if the client
// takes that and it is worth it.
func (s *Server) writeBody(c echo.Context, r *request, status int, body []byte) {
	if len(body) >= minGzip && taxii.AcceptsGzip(c.Request().Header["Accept-Encoding"]) {
		d := s.deflators.Get().(*deflator)
		body = d.gzip(body)
		defer d.free(&s.deflators)
		c.Response().Header()["Content-Encoding"] = headerGzip
	}
	s.write(c, r, status, nil, body)
}

// write sends the answer: head, if any, and body.
func (s *Server) write(c echo.Context, r *request, status int, head, body []byte) {
	s.writeHead(c, r, status, len(head)+len(body))
	if c.Request().Method != http.MethodHead {
		s.writeBytes(c, r, head, body)
	}
}

// writeHead begins an answer whose body has size bytes.
func (s *Server) writeHead(c echo.Context, r *request, status, size int) {
	res := c.Response()
	h := res.Header()
	h["Content-Type"] = headerMediaType
	h["Vary"] = s.vary
	h["Cache-Control"] = headerCache
	h["X-Content-Type-Options"] = headerNoSniff
	r.vals[0] = strconv.Itoa(size)
	h["Content-Length"] = r.vals[0:1:1]
	res.WriteHeader(status)
}

// writeBytes sends the body of an answer, or what is left of it: head, if any, and body.
func (s *Server) writeBytes(c echo.Context, r *request, head, body []byte) {
	res := c.Response()
	if len(body) <= writePiece && !r.late {
		if len(head) > 0 {
			if _, err := res.Write(head); err != nil {
				return // the client is gone
			}
		}
		_, _ = res.Write(body)
		return
	}
	s.writePieces(res, head, body)
}

// writePiece is how many bytes a client must read in Limits.WriteTimeout.
const writePiece = 1 << 20

// writePieces writes head and body with a time limit for each piece of body, so
// that who reads nothing is soon cut off, and who reads slowly is not.
func (s *Server) writePieces(res *echo.Response, head, body []byte) {
	rc := http.NewResponseController(res.Writer)
	if rc.SetWriteDeadline(time.Time{}) != nil { // not a network connection
		_, _ = res.Write(head)
		_, _ = res.Write(body)
		return
	}
	timer := time.AfterFunc(s.c.Limits.WriteTimeout, func() { _ = rc.SetWriteDeadline(time.Unix(1, 0)) })
	defer timer.Stop()
	if len(head) > 0 {
		if _, err := res.Write(head); err != nil {
			return // the client is gone
		}
	}
	for len(body) > 0 {
		n := min(len(body), writePiece)
		if _, err := res.Write(body[:n]); err != nil {
			return // it is gone, or too slow
		}
		body = body[n:]
		timer.Reset(s.c.Limits.WriteTimeout)
	}
	_ = rc.Flush() // what net/http has in its buffer would be written without a deadline
}

// watch lifts the server's own deadline and ends reading or writing once d has
// passed, without asking what time it is.
func (s *Server) watch(w http.ResponseWriter, set func(*http.ResponseController, time.Time) error, d time.Duration) (stop func()) {
	rc := http.NewResponseController(w)
	if set(rc, time.Time{}) != nil {
		return func() {} // not a network connection
	}
	t := time.AfterFunc(d, func() { _ = set(rc, time.Unix(1, 0)) })
	return func() { t.Stop() }
}
