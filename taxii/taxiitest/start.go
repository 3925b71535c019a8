package taxiitest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"entente/taxii"
	"entente/taxii/client"
)

// newEnv finds the collection to test.
func newEnv(ctx context.Context, c *Config) (*Env, error) {
	if c.Now == nil || c.Sleep == nil || c.Rand == nil {
		return nil, errors.New("taxiitest: Now, Sleep and Rand are required")
	}
	if _, ok := c.Logins[RW]; !ok {
		return nil, errors.New("no credentials for role rw: give an account that may read and write the collection")
	}
	place, err := client.Locate(c.URL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(place.Discovery)
	if err != nil {
		return nil, err
	}
	rt := c.Transport
	if rt == nil {
		rt = http.DefaultTransport.(*http.Transport).Clone()
	}
	e := &Env{
		c: c, server: &url.URL{Scheme: u.Scheme, Host: u.Host}, made: map[string]bool{},
		http: &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	e.audit.init()
	if c.Collection != "" {
		place.Collection = c.Collection
	}
	roots := []string{place.Root}
	if place.Root == "" {
		if roots, err = e.roots(ctx); err != nil {
			return nil, err
		}
	}
	for _, r := range roots {
		if err = e.choose(ctx, r, place.Collection); err == nil {
			return e, nil
		}
	}
	return nil, fmt.Errorf("%s: no collection to test: %w", c.URL, err)
}

// roots lists the API roots of discovery that are on this server, by path.
func (e *Env) roots(ctx context.Context) ([]string, error) {
	a, err := e.do(ctx, request{path: "/taxii2/"})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("discovery: %s", a)
	}
	var d taxii.Discovery
	if err := a.decode(&d); err != nil {
		return nil, err
	}
	var roots []string
	for _, r := range append([]string{d.Default}, d.APIRoots...) {
		if r != "" {
			roots = append(roots, r)
		}
	}
	if len(roots) == 0 {
		return nil, errors.New("discovery lists no API root for role rw")
	}
	return roots, nil
}

// choose takes the collection id of the root, or the first that RW may read
// and write.
func (e *Env) choose(ctx context.Context, root, id string) error {
	u, err := url.Parse(root)
	if err != nil {
		return err
	}
	if u.Host != "" && u.Host != e.server.Host {
		return fmt.Errorf("API root %s is on another host", root)
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/") + "/"
	a, err := e.do(ctx, request{path: path + "collections/"})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("collections of %s: %s", root, a)
	}
	var list taxii.Collections
	if err := a.decode(&list); err != nil {
		return err
	}
	for _, c := range list.Collections {
		if id == "" && c.CanRead && c.CanWrite || id != "" && (c.ID == id || c.Alias == id) {
			e.root, e.id, e.coll = path, c.ID, path+"collections/"+url.PathEscape(c.ID)+"/"
			return nil
		}
	}
	if id != "" {
		return fmt.Errorf("%s lists no collection %s", root, id)
	}
	return fmt.Errorf("%s lists no collection that role rw may read and write", root)
}

// cleanUp deletes what the run has made, if the server lets it.
func (e *Env) cleanUp(ctx context.Context) {
	for id := range e.made {
		a, err := e.do(ctx, request{method: http.MethodDelete, path: e.at("objects/" + id + "/?match[version]=all&match[spec_version]=2.0,2.1")})
		if err != nil || a.status == http.StatusForbidden || a.status == http.StatusMethodNotAllowed {
			return
		}
	}
}
