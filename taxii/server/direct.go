package server

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"entente/store"
)

// A page of objects is as large as everything else that a request costs. So it is
// not copied if the client takes it at once: the system copies it out of the store's
// memory while the store keeps it there (store.Query.Take). What the client has no
// room for is copied as ever, and waits for it without anybody waiting for them.

// direct is the connection by which the page of a request can go out without a copy;
// nil if it cannot.
func direct(c echo.Context, r *request, want store.Want) *conn {
	req := c.Request()
	if want != store.WantObjects || r.account.EscapeNonASCII || req.Method != http.MethodGet {
		return nil
	}
	conn, _ := req.Context().Value(connKey{}).(*conn)
	return conn
}

// errStale is that of a page that was read by a gate that was too old.
var errStale = errors.New("the gate is too old")

// takeBy is the Take by which the page of r is sent.
func (s *Server) takeBy(c echo.Context, r *request, conn *conn) func([][]byte) (int, error) {
	return func(objects [][]byte) (int, error) {
		if s.stale(r) {
			return 0, errStale
		}
		all := size(objects)
		if err := s.hold(r, int64(all)); err != nil {
			return 0, err
		}
		s.setDates(c, r)
		r.buf = s.appendTail(r.buf[:0], r)
		r.left = len(objectsHead) + all + len(r.buf)
		s.writeHead(c, r, http.StatusOK, r.left)
		r.begun = true
		pieces := append(append(make([][]byte, 0, len(objects)+3), nil, objectsHead), objects...)
		sent := conn.sendNow(c.Response().Writer, append(pieces, r.buf))
		c.Response().Size += int64(sent)
		r.left -= sent
		taken := min(max(sent-len(objectsHead), 0), all)
		s.letGo(r, int64(taken))
		return taken, nil
	}
}

// sendRest sends what is left of a page.
func (s *Server) sendRest(c echo.Context, r *request) {
	head, body := rest(r.left, r.page.Objects, r.buf)
	r.page.Objects = body
	s.writeBytes(c, r, head, body)
}

// rest are the last left bytes of an envelope, whose end are objects and tail.
func rest(left int, objects, tail []byte) (head, body []byte) {
	body = append(objects, tail...)
	if left <= len(body) {
		return nil, body[len(body)-left:]
	}
	return objectsHead[len(objectsHead)-(left-len(body)):], body
}
