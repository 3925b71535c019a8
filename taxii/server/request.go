package server

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"entente/policy/release"
	"entente/store"
	"entente/taxii"
)

// A request is what one request needs; requests are used again.
type request struct {
	route   string
	counts  *series
	start   time.Time
	account *Account
	share   *share // of account; nil as long as there is none
	root    *root
	coll    *collection
	rights  Rights
	access  release.Access // of a partner to coll
	n       int            // objects in the answer, or in the body of a POST
	held    int64          // see hold
	dropped bool

	conn  *conn // by which the page goes out without a copy; nil: with one
	begun bool  // the page is on its way
	left  int   // bytes of the body that are still to be sent

	late     bool // the body may have taken longer than the server's WriteTimeout
	bodyRead bool // to its end

	failure *taxii.Error // what was answered instead; nil
	errorID string       // of failure

	query  taxii.Query
	cursor taxii.Cursor
	sel    store.Query
	page   store.Page
	buf    []byte
	vals   [4]string // of headers; only until WriteHeader, which copies them
}

// maxKept is the most bytes of buffers that a request keeps for the next.
const maxKept = 4 << 20

type handler func(c echo.Context, r *request) error

// handle makes an echo handler: it authenticates, negotiates, calls h, answers
// its error, and writes the log line.
func (s *Server) handle(method, route string, h handler) echo.HandlerFunc {
	counts := s.metrics.series(s.c.Log.Handler(), route, method)
	return func(c echo.Context) error {
		r := s.begin(route, counts)
		defer s.end(c, r)
		s.allowOrigin(c, nil)
		if err := s.serve(c, r, h); err != nil {
			if leftUnread(c.Request(), r, err) {
				s.answerUnread(c, r, err)
			} else {
				s.answerError(c, r, err)
			}
		}
		return nil
	}
}

// serve makes the checks that all endpoints share, in the order in which their
// answers are due.
func (s *Server) serve(c echo.Context, r *request, h handler) error {
	req := c.Request()
	if s.running.Load() > int64(s.c.Limits.Requests) {
		return busy("too many requests at this moment", time.Second)
	}
	if len(req.URL.Path)+len(req.URL.RawQuery) > s.c.Limits.URL {
		return taxii.Errorf(http.StatusRequestURITooLong, "path and query have more than %d bytes", s.c.Limits.URL)
	}
	account, err := s.auth.account(req, r.start)
	if err != nil {
		return err
	}
	r.account = account
	if err := s.enter(r); err != nil {
		return err
	}
	if bad := taxii.Negotiate(req.Header["Accept"], s.c.StrictAccept); bad != nil {
		return bad
	}
	return h(c, r)
}

func (s *Server) begin(route string, counts *series) *request {
	s.running.Add(1)
	r := s.requests.Get().(*request)
	r.route, r.counts, r.start = route, counts, s.c.Now()
	return r
}

// end answers a panic, logs, counts and gives r back.
func (s *Server) end(c echo.Context, r *request) {
	defer s.running.Add(-1)
	s.leave(r)
	if p := recover(); p != nil {
		r.dropped = true // a goroutine of a library may still hold its parts
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		s.answerError(c, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
	s.note(c, r)
	if r.dropped || cap(r.buf)+cap(r.page.Objects) > maxKept {
		return
	}
	r.page.Reset()
	r.query.Reset()
	*r = request{query: r.query, page: r.page, buf: r.buf[:0]}
	s.requests.Put(r)
}

// note writes the log line and the metrics of a request that has been answered.
func (s *Server) note(c echo.Context, r *request) {
	res, now := c.Response(), s.c.Now()
	took := now.Sub(r.start)
	r.counts.count(res.Status, res.Size, took)
	ctx, level := c.Request().Context(), slog.LevelInfo
	if e := r.failure; e != nil && (e.Status == http.StatusInternalServerError || e.Status == http.StatusInsufficientStorage) {
		level = slog.LevelError
	}
	log := r.counts.log
	if !log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(now, level, "request", 0) // a Logger would look up the caller
	if r.account != nil {
		line.AddAttrs(slog.String("account", r.account.Name), slog.String("partner", string(r.account.Partner)))
	}
	if r.coll != nil {
		line.AddAttrs(slog.String("collection", r.coll.ID))
	}
	line.AddAttrs(slog.Int("status", res.Status), slog.Int("n", r.n), slog.Int64("bytes", res.Size), slog.Duration("dur", took))
	if e := r.failure; e != nil {
		line.AddAttrs(slog.String("error_id", r.errorID))
		if e.Description != "" && e.Status != http.StatusUnprocessableEntity { // 422 may quote objects
			line.AddAttrs(slog.String("reason", e.Description))
		}
		if e.Err != nil {
			line.AddAttrs(slog.String("err", e.Err.Error()))
		}
	}
	_ = log.Handle(ctx, line) // as a Logger does
}

// routeError answers what echo found no handler for.
func (s *Server) routeError(err error, c echo.Context) {
	r := s.begin("none", s.metrics.series(s.c.Log.Handler(), "none", c.Request().Method))
	defer s.end(c, r)
	switch {
	case errors.Is(err, echo.ErrMethodNotAllowed):
		c.Response().Header()["Allow"] = s.allow[c.Path()]
		err = taxii.Errorf(http.StatusMethodNotAllowed, "")
	case errors.Is(err, echo.ErrNotFound):
		err = notFound()
	}
	s.answerError(c, r, err)
}

// options answers OPTIONS: no credentials needed, nothing told but the methods.
func (s *Server) options(c echo.Context) error {
	r := s.begin(c.Path(), s.metrics.series(s.c.Log.Handler(), c.Path(), http.MethodOptions))
	defer s.end(c, r)
	c.Response().Header()["Allow"] = s.allow[c.Path()]
	s.allowOrigin(c, s.allow[c.Path()])
	c.Response().Header()["Vary"] = s.vary
	c.Response().WriteHeader(http.StatusNoContent)
	return nil
}

// notFound is the same for what does not exist and for what the caller must not
// know of.
func notFound() *taxii.Error { return taxii.Errorf(http.StatusNotFound, "") }

// answerError writes the TAXII error message for err (TAXII 2.1, section 3.6.1)
// under an id that also stands in the log.
func (s *Server) answerError(c echo.Context, r *request, err error) {
	var id [8]byte
	if s.random(id[:]) != nil {
		id = [8]byte{}
	}
	e := asTAXII(err)
	r.failure, r.errorID = e, hex.EncodeToString(id[:])
	res := c.Response()
	if res.Committed {
		// Too late for a message: end the connection, so that the client notices.
		s.note(c, r)
		panic(http.ErrAbortHandler)
	}
	h := res.Header()
	var retry *retryError
	if errors.As(err, &retry) {
		h["Retry-After"] = []string{fmt.Sprint(int64((retry.after + time.Second - 1) / time.Second))}
	}
	if e.Status == http.StatusUnauthorized {
		h["WWW-Authenticate"] = s.challenges()
	}
	for _, name := range []string{taxii.HeaderAddedFirst, taxii.HeaderAddedLast, "Content-Encoding"} {
		delete(h, name)
	}
	msg := taxii.ErrorMessage{
		Title: e.Title, Description: e.Description,
		ErrorID: r.errorID, HTTPStatus: fmt.Sprint(e.Status),
	}
	if e.Title == "" {
		msg.Title = fmt.Sprint("HTTP status ", e.Status)
	}
	s.writeJSON(c, r, e.Status, msg)
}

// challenges are the values of WWW-Authenticate (RFC 9110, section 11.6.1).
func (s *Server) challenges() []string {
	bearer := `Bearer realm="taxii"`
	if s.c.NoBasic {
		return []string{bearer}
	}
	return []string{`Basic realm="taxii", charset="UTF-8"`, bearer}
}

// asTAXII says which TAXII error err is to the client. What is not one already
// comes from inside and says nothing to the client.
func asTAXII(err error) *taxii.Error {
	var e *taxii.Error
	if errors.As(err, &e) {
		return e
	}
	status, text := http.StatusInternalServerError, "the server failed; its log has more under error_id"
	switch {
	case errors.Is(err, store.ErrFull):
		status, text = http.StatusInsufficientStorage, "the storage of the server is full; nothing was stored"
	case errors.Is(err, store.ErrClosed):
		status, text = http.StatusServiceUnavailable, "the server is stopping"
	case isTimeout(err):
		status, text = http.StatusServiceUnavailable, "the answer took too long"
	}
	e = taxii.Errorf(status, "%s", text)
	e.Err = err
	return e
}
