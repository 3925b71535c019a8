package server

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"entente/stix"
	"entente/store"
	"entente/taxii"
)

// findRoot sets r.root to the API root of the path, if the caller may see it.
func (s *Server) findRoot(c echo.Context, r *request) error {
	root := s.roots[c.Param("root")]
	if root == nil || !r.account.sees(root) {
		return notFound()
	}
	r.root = root
	return nil
}

func (a *Account) sees(root *root) bool {
	return a.Roots == nil || slices.Contains(a.Roots, root.Path)
}

// findCollection sets r.root, r.coll and r.rights to the collection of the path,
// if the caller may see it.
func (s *Server) findCollection(c echo.Context, r *request) error {
	if err := s.findRoot(c, r); err != nil {
		return err
	}
	coll := r.root.byName[c.Param("collection")]
	if coll == nil {
		return notFound()
	}
	rights, visible := r.account.Rights[coll.ID]
	if !visible {
		return notFound()
	}
	r.coll, r.rights = coll, rights
	return nil
}

// findReadable is findCollection for an endpoint that reads.
func (s *Server) findReadable(c echo.Context, r *request) error {
	if err := s.findCollection(c, r); err != nil {
		return err
	}
	if !r.rights.Read {
		return taxii.Errorf(http.StatusForbidden, "the account may not read this collection")
	}
	return nil
}

// logFor names the log that the caller is given for the collection: everything
// readable is read from it.
func (s *Server) logFor(r *request) store.LogID { return r.coll.log }

// refuse says why the caller may not add this object to the collection; "" if
// it may.
func (s *Server) refuse(r *request, o *stix.Object) string {
	if o.SpecVersion == "2.0" && !r.coll.stix20 || o.SpecVersion != "2.0" && !r.coll.stix21 {
		return "the collection does not hold STIX " + o.SpecVersion
	}
	return ""
}
