package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"entente/taxii"
)

// Discovery asks the server what it has (TAXII 2.1, section 4.1). API roots
// come back as absolute URLs with a final slash. Those on another origin are
// kept, so that they can be shown, but this Client does not talk to them;
// those that the standard forbids are an error.
func (c *Client) Discovery(ctx context.Context) (taxii.Discovery, error) {
	u := c.origin.JoinPath("taxii2/")
	var d taxii.Discovery
	if _, err := c.getJSON(ctx, u, &d); err != nil {
		return taxii.Discovery{}, err
	}
	for i, s := range d.APIRoots {
		abs, err := resolveRoot(u, s)
		if err != nil {
			return taxii.Discovery{}, fmt.Errorf("GET %s: %w", u, err)
		}
		if d.Default == s {
			d.Default = abs
		}
		d.APIRoots[i] = abs
	}
	if d.Default != "" {
		abs, err := resolveRoot(u, d.Default)
		if err != nil {
			return taxii.Discovery{}, fmt.Errorf("GET %s: default: %w", u, err)
		}
		d.Default = abs
	}
	return d, nil
}

// resolveRoot reads one value of api_roots: an absolute https URL, or a path
// that starts with exactly one slash (TAXII 2.1, section 4.1.1, appendix B).
func resolveRoot(base *url.URL, s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", fmt.Errorf("API root %q: %w", printable(s), err)
	case strings.HasPrefix(s, "//"), !u.IsAbs() && !strings.HasPrefix(s, "/"):
		return "", fmt.Errorf("API root %q: neither an https URL nor a path with one leading slash", printable(s))
	case strings.Contains(s, "\\"), hasDotSegment(u.Path):
		return "", fmt.Errorf("API root %q: path leads elsewhere", printable(s))
	}
	abs, err := parseURL(base.ResolveReference(u).String())
	if err != nil {
		return "", fmt.Errorf("API root %q: %w", printable(s), err)
	}
	return abs.String(), nil
}

func hasDotSegment(path string) bool {
	for seg := range strings.SplitSeq(path, "/") {
		if seg == "." || seg == ".." {
			return true
		}
	}
	return false
}

// A Root is an API root of the Client's server.
type Root struct {
	c   *Client
	url *url.URL
}

// Root returns the API root at s, an absolute URL on the Client's origin.
func (c *Client) Root(s string) (*Root, error) {
	u, err := parseURL(s)
	if err != nil {
		return nil, err
	}
	if !sameOrigin(u, c.origin) {
		return nil, fmt.Errorf("API root %s is not on %s: it needs a client, and credentials, of its own", s, c.origin)
	}
	return &Root{c: c, url: u}, nil
}

// URL is the API root's URL, with its final slash.
func (r *Root) URL() string { return r.url.String() }

// Info describes the API root (TAXII 2.1, section 4.2).
func (r *Root) Info(ctx context.Context) (taxii.APIRoot, error) {
	var info taxii.APIRoot
	_, err := r.c.getJSON(ctx, r.url, &info)
	return info, err
}

// Collections lists the collections that the caller may know of (section 5.1).
func (r *Root) Collections(ctx context.Context) ([]taxii.Collection, error) {
	var list taxii.Collections
	_, err := r.c.getJSON(ctx, r.at("collections"), &list)
	return list.Collections, err
}

// ErrNoCollection: the API root lists no such collection.
var ErrNoCollection = errors.New("no such collection")

// Find returns the collection with this id, alias or title. Two collections
// of one title are an error.
func (r *Root) Find(ctx context.Context, name string) (taxii.Collection, error) {
	list, err := r.Collections(ctx)
	if err != nil {
		return taxii.Collection{}, err
	}
	for _, c := range list {
		if c.ID == name || c.Alias == name && name != "" {
			return c, nil
		}
	}
	found := taxii.Collection{}
	for _, c := range list {
		if c.Title == name {
			if found.ID != "" {
				return taxii.Collection{}, fmt.Errorf("two collections of %s have the title %q; give the id", r.url, name)
			}
			found = c
		}
	}
	if found.ID == "" {
		return taxii.Collection{}, fmt.Errorf("%s: %q: %w", r.url, name, ErrNoCollection)
	}
	return found, nil
}

// Status asks what became of a POST (TAXII 2.1, section 4.3).
func (r *Root) Status(ctx context.Context, id string) (taxii.Status, error) {
	var s taxii.Status
	_, err := r.c.getJSON(ctx, r.at("status", id), &s)
	return s, err
}

// Collection returns the collection with this id or alias; it sends nothing.
func (r *Root) Collection(id string) *Collection { return &Collection{r: r, id: id} }

// at is the URL of a resource below the root, always with a final slash.
func (r *Root) at(segments ...string) *url.URL {
	u := *r.url
	path, raw := u.Path, u.EscapedPath()
	for _, s := range segments {
		path += s + "/"
		raw += url.PathEscape(s) + "/"
	}
	u.Path, u.RawPath = path, raw
	return &u
}

// A Collection is a collection of an API root.
type Collection struct {
	r  *Root
	id string
}

// ID is the id or alias that the Collection was made with.
func (c *Collection) ID() string { return c.id }

// Info describes the collection to this caller (TAXII 2.1, section 5.2).
func (c *Collection) Info(ctx context.Context) (taxii.Collection, error) {
	var info taxii.Collection
	_, err := c.r.c.getJSON(ctx, c.at(), &info)
	return info, err
}

func (c *Collection) at(segments ...string) *url.URL {
	return c.r.at(append([]string{"collections", c.id}, segments...)...)
}

// Delete removes the versions of an object that q.Versions and q.SpecVersions
// select; without versions it asks for all of them by name, because servers
// differ in what they take the default to be. (TAXII 2.1, section 5.7)
func (c *Collection) Delete(ctx context.Context, id string, q Query) error {
	if len(q.Versions) == 0 {
		q.Versions = []string{"all"}
	}
	if len(q.IDs) > 0 || len(q.Types) > 0 || q.AddedAfter != "" || q.Limit != 0 {
		return errors.New("delete: only versions and spec versions can be chosen (TAXII 2.1, section 5.7)")
	}
	u, err := q.on(c.at("objects", id), Position{})
	if err != nil {
		return err
	}
	_, err = c.r.c.do(ctx, request{method: http.MethodDelete, url: u})
	return err
}
