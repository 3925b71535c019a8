package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"entente/stix"
	"entente/store"
	"entente/taxii"
)

const (
	// Of a POST with more objects, successes are only counted: the list would
	// tell the client nothing but what it sent, and at 10,000 objects it is a
	// megabyte that is written, kept for a day and sent back.
	maxSuccesses = 100
	// Of a POST with more failures, or with failures that need more text, these
	// are only counted, for the same reason: a small body must not become a large
	// status. As JSON the text is less than store.MaxBody, whatever is escaped.
	maxFailures    = 10_000
	maxFailureText = 2 << 20 // bytes
)

// postObjects answers POST {collection}/objects/ (TAXII 2.1, section 5.5). When
// it answers, everything is done: the objects are durable and visible, and so
// is the status.
func (s *Server) postObjects(c echo.Context, r *request) error {
	if err := s.findCollection(c, r); err != nil {
		return err
	}
	if !r.rights.Write {
		return taxii.Errorf(http.StatusForbidden, "the account may not write to this collection")
	}
	req := c.Request()
	if bad := taxii.CheckContentType(req.Header["Content-Type"], !r.coll.RefuseSTIXContentType); bad != nil {
		return bad
	}
	r.late = true
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{}) // write sets one; a recorder in a test has none
	held := reservation{s: s, share: r.share}
	defer held.free()
	text, err := s.readBody(c, r.root.MaxContentLength, &held)
	if err != nil {
		return err
	}
	r.bodyRead = true
	scanner := s.scanners.Get().(*stix.Scanner)
	defer s.putScanner(scanner)
	items, err := s.scan(req.Context(), scanner, text, &held)
	if err != nil {
		return err
	}
	take := s.store
	if r.account.Partner != "" {
		take = s.receive
	}
	st, err := take(c, r, items, scanner.Beyond())
	if err != nil {
		return err
	}
	s.writeJSON(c, r, http.StatusAccepted, st)
	return nil
}

// itemCost is what an element of an envelope takes in memory besides its text, in
// bytes, until the answer: its item, and its object in the batch or its error.
const itemCost = 512

// scan splits an envelope into elements. Memory for many is reserved as they
// come: a small body can have a great many. It does not wait for that memory:
// POSTs that have some and wait for more would wait for one another.
func (s *Server) scan(ctx context.Context, scanner *stix.Scanner, text string, held *reservation) ([]stix.Item, error) {
	body := held.n
	scanner.Room = func(items int) error { return held.grow(ctx, body+int64(items)*itemCost, 0) }
	items, err := scanner.Envelope(text)
	if err != nil {
		return nil, unprocessable(err)
	}
	return items, nil
}

func (s *Server) putScanner(scanner *stix.Scanner) {
	scanner.Room = nil
	scanner.Forget()
	s.scanners.Put(scanner)
}

// unprocessable is the answer to a body that is no envelope. It may quote the
// body, so it does not go into the log.
func unprocessable(err error) error {
	var syntax *stix.SyntaxError
	if errors.As(err, &syntax) {
		return taxii.Errorf(http.StatusUnprocessableEntity, "%s", syntax)
	}
	return err
}

// store commits the good ones of items together with the status, and returns
// the status. As many elements as beyond says were no objects and are no items.
func (s *Server) store(c echo.Context, r *request, items []stix.Item, beyond int) (*taxii.Status, error) {
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	r.n = len(items) + beyond
	var refusals map[int]string
	good := 0
	for i := range items {
		if items[i].Err == nil {
			good++
		}
	}
	batch := store.Batch{Log: r.coll.log, At: r.start, Objects: make([]stix.Object, 0, good)}
	for i := range items {
		o := &items[i].Object
		if items[i].Err != nil {
			continue
		}
		if why := s.refuse(r, o); why != "" {
			if refusals == nil {
				refusals = map[int]string{}
			}
			refusals[i] = why
			continue
		}
		batch.Objects = append(batch.Objects, *o)
	}
	var st *taxii.Status
	var failed error
	batch.Then = func(receipt store.Receipt) []store.Document {
		st = newStatus(id, r, items, beyond, refusals, &receipt)
		var doc store.Document
		if doc, failed = statusDocument(st, r); failed != nil {
			return nil
		}
		return []store.Document{doc}
	}
	commit := s.c.Store.Commit
	if s.c.Releaser != nil {
		commit = s.c.Releaser.Write // everybody sees what they may of it, too
	}
	receipt, err := commit(c.Request().Context(), &batch)
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, fmt.Errorf("status %s: %w", id, failed)
	}
	s.metrics.posted(receipt.Outcomes, r.n-len(receipt.Outcomes))
	return st, nil
}

// newStatus reports on items, in their order, and on as many failures as beyond
// says: refusals are those that never reached the store, receipt is about the
// others.
func newStatus(id string, r *request, items []stix.Item, beyond int, refusals map[int]string, receipt *store.Receipt) *taxii.Status {
	at := stix.FormatMicros(r.start.UnixMicro())
	st := &taxii.Status{ID: id, Status: taxii.StatusComplete, RequestTimestamp: at, TotalCount: len(items) + beyond, FailureCount: beyond}
	next := 0 // in receipt
	text := 0 // bytes of the failures
	for i := range items {
		o, ok, why, added := &items[i].Object, false, refusals[i], store.Added(0)
		if items[i].Err == nil && why == "" {
			ok, why = describe(receipt.Outcomes[next], r.rights.Read)
			if r.rights.Read { // it would tell whether the object was there before
				added = receipt.Added[next]
			}
			next++
		}
		if ok {
			st.SuccessCount++
			if st.TotalCount <= maxSuccesses {
				st.Successes = append(st.Successes, detail(o, why, added, at))
			}
			continue
		}
		st.FailureCount++
		if st.FailureCount > maxFailures || text > maxFailureText {
			continue
		}
		d := detail(o, why, added, at)
		if items[i].Err != nil {
			d = invalidDetail(items[i].Err, at)
		}
		text += len(d.ID) + len(d.Version) + len(d.Message)
		st.Failures = append(st.Failures, d)
	}
	if len(st.Failures) != st.FailureCount {
		st.Failures = nil // a list is as long as its count, or absent
	}
	return st
}

// detail is about an object. Of one without a version that is its Added or, if it
// has none either, the time of the request.
func detail(o *stix.Object, message string, added store.Added, at string) taxii.StatusDetail {
	d := taxii.StatusDetail{ID: string(o.ID), Version: o.VersionText(), Message: message}
	switch {
	case d.Version != "":
	case added != 0:
		d.Version = added.String()
	default:
		d.Version = at
	}
	return d
}

// cut keeps what a client has sent from making its status long.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// invalidDetail is about an item that is no STIX object. Details need an id and
// a version even then: "invalid--" and the index, and the time of the request.
func invalidDetail(e *stix.ObjectError, at string) taxii.StatusDetail {
	d := taxii.StatusDetail{ID: strings.ToValidUTF8(string(e.ID), "?"), Version: e.Version, Message: cut(e.Error(), 300)}
	if d.ID == "" {
		d.ID = fmt.Sprint("invalid--", e.Index)
	}
	if d.Version == "" {
		d.Version = at
	}
	return d
}

// describe says whether an outcome is a success to the client, and why. A client
// that may not read is not told what it has run into.
func describe(o store.Outcome, mayRead bool) (ok bool, message string) {
	if !mayRead {
		switch o {
		case store.Duplicate:
			return true, ""
		case store.Differs, store.Foreign, store.AfterRevoked:
			return false, "not stored: what the collection has of this object stands against it"
		}
	}
	switch o {
	case store.Stored:
		return true, ""
	case store.Duplicate:
		return true, "already present"
	case store.Differs:
		return false, "version conflict: the collection has this version with other content, which stays"
	case store.Foreign:
		return false, "created or created_by_ref is not that of the object's newest version; only its creator makes new versions"
	case store.AfterRevoked:
		return false, "the object was revoked; a revoked object has no new versions"
	case store.TooMany:
		return false, fmt.Sprintf("the collection keeps no more than %d versions of an object", store.MaxVersions)
	}
	return false, "not stored"
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}
