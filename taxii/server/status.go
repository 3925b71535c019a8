package server

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"entente/store"
	"entente/taxii"
)

const (
	statusKind = "status"
	// statusTime is how long a status is kept: 24 hours (TAXII 2.1, section 4.3)
	// and some minutes for clocks.
	statusTime = 24*time.Hour + 10*time.Minute
)

// A statusRecord is the body of a status document. The message is kept as it
// was sent.
type statusRecord struct {
	Account string          `json:"account"`
	Root    string          `json:"root"`
	Status  json.RawMessage `json:"status"`
}

// newID returns a UUID of version 4 (RFC 4122, section 4.4).
func (s *Server) newID() (string, error) {
	var u [16]byte
	if err := s.random(u[:]); err != nil {
		return "", fmt.Errorf("status id: %w", err)
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%s-%s-%s-%s-%s", hex.EncodeToString(u[:4]), hex.EncodeToString(u[4:6]),
		hex.EncodeToString(u[6:8]), hex.EncodeToString(u[8:10]), hex.EncodeToString(u[10:])), nil
}

// getStatus answers GET {root}/status/{id}/ (TAXII 2.1, section 4.3), to the
// account that posted, under the root that it posted to.
func (s *Server) getStatus(c echo.Context, r *request) error {
	if err := s.findRoot(c, r); err != nil {
		return err
	}
	id := c.Param("status")
	if !uuid4.MatchString(id) {
		return notFound()
	}
	doc, err := s.c.Store.Document(c.Request().Context(), statusKind, id)
	if errors.Is(err, store.ErrNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	var rec statusRecord
	if err := json.Unmarshal(doc.Body, &rec); err != nil {
		return fmt.Errorf("status %s: %w", id, err)
	}
	expired := doc.Expires != 0 && doc.Expires <= store.Added(r.start.UnixMicro())
	if expired || rec.Account != r.account.Name || rec.Root != r.root.Path {
		return notFound()
	}
	s.writeBody(c, r, http.StatusOK, rec.Status)
	return nil
}

// statusDocument is the document for a status that account gets for a POST.
func statusDocument(st *taxii.Status, r *request) (store.Document, error) {
	body, err := encode(st)
	if err != nil {
		return store.Document{}, err
	}
	rec, err := encode(statusRecord{Account: r.account.Name, Root: r.root.Path, Status: body})
	return store.Document{
		Kind: statusKind, ID: st.ID, Body: rec,
		Expires: store.Added(r.start.Add(statusTime).UnixMicro()),
	}, err
}
