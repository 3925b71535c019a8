package server

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"entente/policy/release"
	"entente/stix"
	"entente/store"
	"entente/taxii"
)

// findRoot sets r.root to the API root of the path, if the caller may see it.
func (s *Server) findRoot(c echo.Context, r *request) error {
	root := s.roots[c.Param("root")]
	if root == nil || !s.sees(r, root) {
		return notFound()
	}
	r.root = root
	return nil
}

// sees reports whether the caller may know of the API root: a partner of those
// that have a collection for it.
func (s *Server) sees(r *request, root *root) bool {
	if r.account.Partner == "" {
		return r.account.Roots == nil || slices.Contains(r.account.Roots, root.Path)
	}
	return slices.ContainsFunc(root.sorted, func(c *collection) bool { return s.access(r, c).Listed })
}

// access is what the agreements let a partner do with a collection: nothing if
// there are none.
func (s *Server) access(r *request, c *collection) release.Access {
	if s.c.Releaser == nil {
		return release.Access{}
	}
	return s.c.Releaser.Access(r.account.Partner, r.account.Person, c.log, r.start)
}

// rights says what the caller may do with a collection, and whether it may know
// of it. Of a partner it sets r.access.
func (s *Server) rights(r *request, c *collection) (rights Rights, visible bool) {
	if r.account.Partner == "" {
		rights, visible = r.account.Rights[c.ID]
		return rights, visible
	}
	r.access = s.access(r, c)
	return Rights{Read: r.access.Read, Write: r.access.Write}, r.access.Listed
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
	rights, visible := s.rights(r, coll)
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
	if r.account.Partner != "" {
		if err := s.c.Releaser.Current(c.Request().Context(), r.start); err != nil {
			return err
		}
		r.access = s.access(r, r.coll)
	}
	return nil
}

// logFor names the log that the caller is given for the collection: everything
// readable is read from it. A partner gets its release log.
func (s *Server) logFor(r *request) store.LogID {
	if r.account.Partner == "" {
		return r.coll.log
	}
	return r.access.Log
}

// refuse says why the caller may not add this object to the collection; "" if
// it may.
func (s *Server) refuse(r *request, o *stix.Object) string {
	if o.SpecVersion == "2.0" && !r.coll.stix20 || o.SpecVersion != "2.0" && !r.coll.stix21 {
		return "the collection does not hold STIX " + o.SpecVersion
	}
	return ""
}
