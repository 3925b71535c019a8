package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"entente/taxii"
)

// rootURL is how discovery names a root; always the same text, and never made
// from the Host header.
func (s *Server) rootURL(path string) string { return s.c.PublicURL + "/" + path + "/" }

// getDiscovery answers GET /taxii2/ (TAXII 2.1, section 4.1).
func (s *Server) getDiscovery(c echo.Context, r *request) error {
	d := taxii.Discovery{Title: s.c.Title, Description: s.c.Description, Contact: s.c.Contact}
	for i := range s.c.Roots {
		root := s.roots[s.c.Roots[i].Path]
		if !s.sees(r, root) {
			continue
		}
		d.APIRoots = append(d.APIRoots, s.rootURL(root.Path))
		if root.Path == s.c.Default {
			d.Default = s.rootURL(root.Path)
		}
	}
	s.writeJSON(c, r, http.StatusOK, d)
	return nil
}

// getRoot answers GET {root}/ (TAXII 2.1, section 4.2).
func (s *Server) getRoot(c echo.Context, r *request) error {
	if err := s.findRoot(c, r); err != nil {
		return err
	}
	s.writeJSON(c, r, http.StatusOK, taxii.APIRoot{
		Title: r.root.Title, Description: r.root.Description,
		Versions: []string{taxii.MediaType}, MaxContentLength: r.root.MaxContentLength,
	})
	return nil
}

// getCollections answers GET {root}/collections/ (TAXII 2.1, section 5.1), by
// ID, those the caller has no right to included, the hidden ones not.
func (s *Server) getCollections(c echo.Context, r *request) error {
	if err := s.findRoot(c, r); err != nil {
		return err
	}
	var list taxii.Collections
	for _, coll := range r.root.sorted {
		if rights, visible := s.rights(r, coll); visible {
			list.Collections = append(list.Collections, coll.resource(rights))
		}
	}
	s.writeJSON(c, r, http.StatusOK, list)
	return nil
}

// getCollection answers GET {root}/collections/{id}/ (TAXII 2.1, section 5.2).
func (s *Server) getCollection(c echo.Context, r *request) error {
	if err := s.findCollection(c, r); err != nil {
		return err
	}
	s.writeJSON(c, r, http.StatusOK, r.coll.resource(r.rights))
	return nil
}

func (coll *collection) resource(rights Rights) taxii.Collection {
	out := taxii.Collection{
		ID: coll.ID, Title: coll.Title, Description: coll.Description, Alias: coll.Alias,
		CanRead: rights.Read, CanWrite: rights.Write,
	}
	if coll.stix21 {
		out.MediaTypes = append(out.MediaTypes, MediaTypeSTIX21)
	}
	if coll.stix20 {
		out.MediaTypes = append(out.MediaTypes, MediaTypeSTIX20)
	}
	return out
}
