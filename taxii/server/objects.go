package server

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unsafe"

	"github.com/labstack/echo/v4"

	"entente/stix"
	"entente/store"
	"entente/taxii"
)

// queryTime is the most time that a query with filters may take.
const queryTime = 20 * time.Second

// getObjects answers GET {collection}/objects/ (TAXII 2.1, section 5.4).
func (s *Server) getObjects(c echo.Context, r *request) error {
	if err := s.findReadable(c, r); err != nil {
		return err
	}
	return s.envelope(c, r, taxii.ParamsObjects)
}

// getObject answers GET {collection}/objects/{id}/ (TAXII 2.1, section 5.6).
func (s *Server) getObject(c echo.Context, r *request) error {
	if err := s.findReadable(c, r); err != nil {
		return err
	}
	return s.envelope(c, r, taxii.ParamsObject)
}

// envelope answers with a page of objects.
func (s *Server) envelope(c echo.Context, r *request, params taxii.Param) error {
	want := store.WantObjects
	if !r.account.EscapeNonASCII && taxii.AcceptsGzip(c.Request().Header["Accept-Encoding"]) {
		want = store.WantDeflated
	}
	r.conn = direct(c, r, want)
	if err := s.read(c, r, params, want); err != nil {
		return err
	}
	if r.page.N == 0 {
		empty := taxii.EmptyObject
		if r.account.EmptyObjectsList {
			empty = `{"objects":[]}`
		}
		s.writeBody(c, r, http.StatusOK, append(r.buf[:0], empty...))
		return nil
	}
	if r.begun {
		s.sendRest(c, r)
		return nil
	}
	r.buf = s.appendTail(r.buf[:0], r)
	switch {
	case want == store.WantDeflated:
		d := s.deflators.Get().(*deflator)
		defer d.free(&s.deflators)
		body := d.page(r.page.Parts, r.buf)
		if err := s.hold(r, int64(len(body))); err != nil {
			return err
		}
		c.Response().Header()["Content-Encoding"] = headerGzip
		s.write(c, r, http.StatusOK, nil, body)
	case r.account.EscapeNonASCII:
		body := taxii.AppendASCII([]byte(taxii.ObjectsHead), r.page.Objects)
		if err := s.hold(r, int64(cap(body))); err != nil {
			return err
		}
		s.writeBody(c, r, http.StatusOK, append(body, r.buf...))
	default:
		r.page.Objects = append(r.page.Objects, r.buf...)
		s.write(c, r, http.StatusOK, objectsHead, r.page.Objects)
	}
	return nil
}

var objectsHead = []byte(taxii.ObjectsHead)

// getManifest answers GET {collection}/manifest/ (TAXII 2.1, section 5.3).
func (s *Server) getManifest(c echo.Context, r *request) error {
	if err := s.findReadable(c, r); err != nil {
		return err
	}
	return s.list(c, r, taxii.ParamsObjects, taxii.ObjectsHead, func(dst []byte, row *store.Row) []byte {
		mediaType := MediaTypeSTIX21
		if row.SpecVersion == "2.0" {
			mediaType = MediaTypeSTIX20
		}
		return taxii.AppendManifestRecord(dst, string(row.ID), int64(row.Added), row.Version, mediaType)
	})
}

// getVersions answers GET {collection}/objects/{id}/versions/ (TAXII 2.1,
// section 5.8).
func (s *Server) getVersions(c echo.Context, r *request) error {
	if err := s.findReadable(c, r); err != nil {
		return err
	}
	return s.list(c, r, taxii.ParamsVersions, taxii.VersionsHead, func(dst []byte, row *store.Row) []byte {
		return taxii.AppendString(dst, row.Version)
	})
}

// list answers with a page of rows, each written by add.
func (s *Server) list(c echo.Context, r *request, params taxii.Param, head string, add func([]byte, *store.Row) []byte) error {
	if err := s.read(c, r, params, store.WantRows); err != nil {
		return err
	}
	if r.page.N == 0 {
		s.writeBody(c, r, http.StatusOK, append(r.buf[:0], taxii.EmptyObject...))
		return nil
	}
	r.buf = append(r.buf[:0], head...)
	for i := range r.page.Rows {
		if i > 0 {
			r.buf = append(r.buf, ',')
		}
		r.buf = add(r.buf, &r.page.Rows[i])
	}
	r.buf = s.appendTail(r.buf, r)
	if err := s.hold(r, int64(len(r.buf))); err != nil {
		return err
	}
	s.writeBody(c, r, http.StatusOK, r.buf)
	return nil
}

// appendTail ends the list of r.page, with the token for what follows it.
func (s *Server) appendTail(dst []byte, r *request) []byte {
	if !r.page.More {
		return taxii.AppendTail(dst, "")
	}
	r.cursor = taxii.Cursor{Log: string(s.logFor(r)), From: int64(r.page.Last), Filter: r.query.Filter}
	dst = append(dst, `],"more":true,"next":"`...)
	dst = s.sealer.Append(dst, r.account.Name, &r.cursor)
	return append(dst, `"}`...)
}

// read fills r.page with what the query asks for and sets the headers that go
// with it. An object that is not in the log at all is a 404.
func (s *Server) read(c echo.Context, r *request, params taxii.Param, want store.Want) error {
	req := c.Request()
	if bad := r.query.Parse(req.URL.RawQuery, params); bad != nil {
		return bad
	}
	filters := r.query.Given&^taxii.ParamsPaging != 0
	if most := longestQuery(s.c.Limits.URL); filters && r.query.Next == "" && len(req.URL.RawQuery) > most {
		return taxii.Errorf(http.StatusRequestURITooLong, "the query has more than %d bytes; the one for the next page would not fit", most)
	}
	if s.c.StrictFilters && r.query.UnknownMatch() {
		return taxii.Errorf(http.StatusBadRequest, "TAXII 2.1 has no such match field")
	}
	object := stix.ID(c.Param("object"))
	if object != "" {
		r.query.IDs = append(r.query.IDs, object)
		r.query.Given |= taxii.ParamID
	}
	if r.route == pathVersions {
		r.query.All = true
		r.query.Given |= taxii.ParamVersion
	}
	log := s.logFor(r)
	if err := s.resume(r, log); err != nil {
		return err
	}
	s.fillSelection(r, want)
	if r.conn != nil {
		r.sel.Take = s.takeBy(c, r, r.conn)
	}
	ctx := req.Context()
	if r.query.Given&^taxii.ParamsPaging != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, queryTime)
		defer cancel()
	}
	if err := s.readPage(ctx, r, log); err != nil {
		return err
	}
	r.n = r.page.N
	if r.begun {
		return nil
	}
	if err := s.hold(r, pageSize(&r.page)); err != nil {
		return err
	}
	if r.n == 0 && object != "" {
		if has, err := s.c.Store.Has(ctx, log, object); err != nil {
			return err
		} else if !has {
			return notFound()
		}
	}
	s.setDates(c, r)
	return nil
}

// readPage reads the page, for a partner by a gate that was not too old when it was
// read: else the page might lack what is there, and a poller would never see it.
func (s *Server) readPage(ctx context.Context, r *request, log store.LogID) error {
	const tries = 100 // labels are few, and agreements change seldom
	for range tries {
		err := s.c.Store.Read(ctx, log, &r.sel, &r.page)
		if err != nil && !errors.Is(err, errStale) || err == nil && (r.begun || !s.stale(r)) {
			return err
		}
		r.access = s.access(r, r.coll)
		r.sel.Gate = r.access.Gate
	}
	return busy("what is shared changes at this moment", time.Second)
}

func (s *Server) stale(r *request) bool {
	return r.account.Partner != "" && s.c.Releaser.Stale(&r.access)
}

// longestQuery is how long a query may be so that its filters, once more and
// inside a token, fit into a URL of most bytes; the rest is for the path.
func longestQuery(most int) int { return most*3/7 - 512 }

// pageSize is what the page has in memory. Rows need no bound but their number: ids
// and versions are short, a row takes some 500 bytes at most.
func pageSize(p *store.Page) int64 {
	n := int64(len(p.Objects)) + int64(len(p.Rows))*int64(unsafe.Sizeof(store.Row{}))
	for i := range p.Parts {
		n += int64(len(p.Parts[i].Plain) + len(p.Parts[i].Deflate))
	}
	for i := range p.Rows {
		n += int64(len(p.Rows[i].ID) + len(p.Rows[i].Version))
	}
	return n
}

// resume applies the continuation token, if there is one: the caller's own for
// this log goes on where it stopped, the caller's own for another log starts at
// the beginning, any other is refused.
func (s *Server) resume(r *request, log store.LogID) error {
	r.sel.From = 0
	if r.query.Next == "" {
		return nil
	}
	if s.sealer.Open(r.query.Next, r.account.Name, &r.cursor) != nil {
		return taxii.Errorf(http.StatusBadRequest, "parameter next: unknown; start again without it, from the added_after that came last")
	}
	if r.cursor.Log != taxii.LogKey(string(log)) {
		return nil
	}
	if bad := r.query.Continue(&r.cursor); bad != nil {
		return bad
	}
	r.sel.From = store.Added(r.cursor.From)
	return nil
}

// fillSelection turns r.query into what the store understands.
func (s *Server) fillSelection(r *request, want store.Want) {
	q := &r.query
	r.sel = store.Query{
		After: store.Added(q.AddedAfter), Types: q.Types, IDs: q.IDs, SpecVersions: q.SpecVersions,
		Versions: store.Versions{All: q.All, First: q.First, Last: q.Last, Exact: q.Exact},
		From:     r.sel.From, Limit: min(q.Limit, s.c.Limits.MaxPage), MaxBytes: s.c.Limits.PageBytes, Want: want,
	}
	r.sel.Gate = r.access.Gate
	if q.Limit == 0 {
		r.sel.Limit = s.c.Limits.DefaultPage
	}
}

// setDates sets the X-TAXII-Date-Added headers (TAXII 2.1, section 3.2). Of an
// empty page they are the point that the caller has reached, if it named one.
func (s *Server) setDates(c echo.Context, r *request) {
	first, last := r.page.First, r.page.Last
	if r.page.N == 0 {
		if r.account.NoDatesOnEmpty || r.query.Given&taxii.ParamAddedAfter == 0 && r.sel.From == 0 {
			return
		}
		first = max(r.sel.After, r.sel.From)
		last = first
	}
	h := c.Response().Header()
	r.buf = taxii.AppendMicros(r.buf[:0], int64(first))
	r.vals[1] = string(r.buf)
	if r.vals[2] = r.vals[1]; last != first {
		r.buf = taxii.AppendMicros(r.buf[:0], int64(last))
		r.vals[2] = string(r.buf)
	}
	h[taxii.HeaderAddedFirst] = r.vals[1:2:2]
	h[taxii.HeaderAddedLast] = r.vals[2:3:3]
}

// deleteObject answers DELETE {collection}/objects/{id}/ (TAXII 2.1, section
// 5.7). Without match[version] the object goes whole.
func (s *Server) deleteObject(c echo.Context, r *request) error {
	if err := s.findCollection(c, r); err != nil {
		return err
	}
	switch {
	case r.account.Partner != "":
		return taxii.Errorf(http.StatusForbidden, "partners do not delete; send a revoked version")
	case !r.rights.Read && !r.rights.Write:
		return notFound()
	case !r.rights.Read || !r.rights.Write:
		return taxii.Errorf(http.StatusForbidden, "the account may not delete from this collection")
	}
	if bad := r.query.Parse(c.Request().URL.RawQuery, taxii.ParamsDelete); bad != nil {
		return bad
	}
	if r.query.Given&taxii.ParamVersion == 0 {
		r.query.All = true
	}
	s.fillSelection(r, 0)
	if r.query.All && len(r.sel.SpecVersions) == 0 {
		r.sel.SpecVersions = []string{"2.0", "2.1"}
	}
	remove := s.c.Store.Delete
	if s.c.Releaser != nil {
		remove = s.c.Releaser.Delete
	}
	n, err := remove(c.Request().Context(), r.coll.log, stix.ID(c.Param("object")), &r.sel)
	if err != nil {
		return err
	}
	if r.n = n; n == 0 {
		return notFound()
	}
	s.write(c, r, http.StatusOK, nil, nil)
	return nil
}
