package taxiitest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"entente/taxii"
)

func (e *Env) collections(ctx context.Context, as Role) ([]taxii.Collection, error) {
	a, err := e.do(ctx, request{path: e.root + "collections/", as: as})
	if err != nil {
		return nil, err
	}
	if err := a.want(200); err != nil {
		return nil, err
	}
	var list taxii.Collections
	return list.Collections, a.decode(&list)
}

func (e *Env) discovery(ctx context.Context, header ...string) (d taxii.Discovery, err error) {
	a, err := e.do(ctx, request{path: "/taxii2/", header: header})
	if err != nil {
		return d, err
	}
	if err := a.want(200); err != nil {
		return d, err
	}
	return d, a.decode(&d)
}

var discoveryCases = []Case{
	{ID: "T-4.1-01", Title: "discovery answers 200, or 401 to strangers if it is protected", Level: MUST, Section: "4.1", Run: func(ctx context.Context, e *Env) error {
		if _, err := e.discovery(ctx); err != nil {
			return err
		}
		a, err := e.do(ctx, request{path: "/taxii2/", as: Anon})
		if err != nil {
			return err
		}
		return a.want(200, 401)
	}},
	{ID: "T-4.1.1-02", Title: "default is one of api_roots, letter for letter", Level: MUST, Section: "4.1.1", Run: func(ctx context.Context, e *Env) error {
		d, err := e.discovery(ctx)
		if err != nil {
			return err
		}
		if d.Default == "" {
			return skip("the server names no default")
		}
		if !slices.Contains(d.APIRoots, d.Default) {
			return fmt.Errorf("default %q is not in %q", d.Default, d.APIRoots)
		}
		return nil
	}},
	{ID: "T-4.1.1-03", Title: "roots are https URLs, or paths with one leading slash", Level: MUST, Section: "4.1.1", Run: func(ctx context.Context, e *Env) error {
		d, err := e.discovery(ctx)
		if err != nil {
			return err
		}
		var f faults
		for _, r := range d.APIRoots {
			u, err := url.Parse(r)
			if err != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(r, "..") || strings.HasPrefix(r, "//") ||
				!strings.HasPrefix(r, "/") && u.Scheme != "https" && u.Scheme != e.server.Scheme {
				f.addf("api_roots has %q", r)
			}
		}
		return f.err()
	}},
	{ID: "T-4.1.1-04", Also: []string{"A-22"}, Title: "roots end in a slash, have one segment, and do not come from the Host header", Level: REC, Section: "4.1.1", Run: func(ctx context.Context, e *Env) error {
		d, err := e.discovery(ctx)
		if err != nil {
			return err
		}
		var f faults
		for _, r := range d.APIRoots {
			u, err := url.Parse(r)
			if err != nil || !strings.HasSuffix(u.Path, "/") || strings.Count(u.Path, "/") != 2 {
				f.addf("api_roots has %q", r)
			}
		}
		text := strings.Replace(e.rawGet("/taxii2/", "Accept: "+taxii.MediaType), "\r\nHost: "+e.server.Host, "\r\nHost: evil.example", 1)
		a, _, err := e.raw(ctx, text)
		if err != nil {
			return err
		}
		if strings.Contains(a.body, "evil.example") {
			f.addf("with Host: evil.example discovery says %.200s", a.body)
		}
		return f.err()
	}},
	{ID: "T-4.1.1-05", Title: "a caller who sees nothing gets no empty list", Level: MUST, Section: "4.1.1", Run: func(ctx context.Context, e *Env) error {
		a, err := e.do(ctx, request{path: "/taxii2/", as: Out})
		if err != nil {
			return err
		}
		return a.want(200, 401, 403, 404)
	}},
	{ID: "T-4.2-01", Title: "an unknown API root is 404", Level: MUST, Section: "4.2", Run: func(ctx context.Context, e *Env) error {
		a, err := e.do(ctx, request{path: "/no-such-root-here/"})
		if err != nil {
			return err
		}
		return a.want(404)
	}},
	{ID: "T-4.2.1-02", Title: "versions names TAXII 2.1, written exactly", Level: MUST, Section: "4.2.1", Run: func(ctx context.Context, e *Env) error {
		r, err := e.apiRoot(ctx)
		if err == nil && !slices.Contains(r.Versions, taxii.MediaType) {
			return fmt.Errorf("versions are %q", r.Versions)
		}
		return err
	}},
	{ID: "T-4.2.1-03", Title: "max_content_length is positive", Level: MUST, Section: "4.2.1", Run: func(ctx context.Context, e *Env) error {
		r, err := e.apiRoot(ctx)
		if err == nil && r.MaxContentLength <= 0 {
			return fmt.Errorf("max_content_length is %d", r.MaxContentLength)
		}
		return err
	}},
	{ID: "T-4.2.1-04", Title: "a body of max_content_length is not too large", Level: MUST, Section: "4.2.1", Run: func(ctx context.Context, e *Env) error {
		return e.postSized(ctx, 0, 202)
	}},
	{ID: "T-4.2.1-05", Title: "a larger body is 413, with and without Content-Length, and compressed", Level: MUST, Section: "5.5", Run: tooLarge},
}

func (e *Env) apiRoot(ctx context.Context) (r taxii.APIRoot, err error) {
	a, err := e.do(ctx, request{path: e.root})
	if err != nil {
		return r, err
	}
	if err := a.want(200); err != nil {
		return r, err
	}
	return r, a.decode(&r)
}

var collectionCases = []Case{
	{ID: "T-5.1-01", Title: "the list of collections has the one under test", Level: MUST, Section: "5.1", Run: func(ctx context.Context, e *Env) error {
		_, err := e.listed(ctx, RW)
		return err
	}},
	{ID: "T-5.1-02", Also: []string{"T-5.2-02", "T-5.3-02", "T-5.4-02", "T-5.5-02", "T-5.6-03", "T-5.7-03", "T-5.8-02"}, Title: "failed authentication is 401 or 404 on every endpoint", Level: MUST, Section: "5", Run: func(ctx context.Context, e *Env) error {
		var f faults
		id := e.newID("indicator")
		for _, as := range []Role{Anon, Bad} {
			for _, r := range []request{
				{path: e.root + "collections/"}, {path: e.coll}, {path: e.at("manifest/")}, {path: e.at("objects/")}, {path: e.at("objects/" + id + "/")},
				{path: e.at("objects/" + id + "/versions/")}, {path: e.root + "status/" + id[11:] + "/"},
				{method: "POST", path: e.at("objects/"), body: envelope(thing(id, "2024-01-01T00:00:00.000Z"))}, {method: "DELETE", path: e.at("objects/" + id + "/")},
			} {
				if r.as = as; as == Bad && r.method == "" && r.path != e.coll {
					continue // servers count wrong passwords
				}
				a, err := e.do(ctx, r)
				if err == nil {
					err = a.want(401, 404)
				}
				f.add(string(as), err)
			}
		}
		f.add("POST without credentials", e.absent(ctx, id))
		return f.err()
	}},
	{ID: "T-5.1.1-02", Title: "the list shows a collection to those with no right to it, and not to those who may not know it", Level: REC, Section: "5.1.1", Run: func(ctx context.Context, e *Env) error {
		if c, err := e.listed(ctx, NN); err != nil {
			return err
		} else if c.CanRead || c.CanWrite {
			return fmt.Errorf("nn: can_read %v, can_write %v", c.CanRead, c.CanWrite)
		}
		list, err := e.collections(ctx, Out)
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.ID == e.id {
				return fmt.Errorf("the list shows the collection to role out")
			}
		}
		return nil
	}},
	{ID: "T-5.2-01", Title: "a collection is what the list says", Level: MUST, Section: "5.2", Run: func(ctx context.Context, e *Env) error {
		listed, err := e.listed(ctx, RW)
		if err != nil {
			return err
		}
		a, err := e.want(ctx, 200, "")
		if err != nil {
			return err
		}
		var c taxii.Collection
		if err := a.decode(&c); err != nil {
			return err
		}
		if fmt.Sprint(c) != fmt.Sprint(listed) {
			return fmt.Errorf("the collection says %+v, the list %+v", c, listed)
		}
		return nil
	}},
	{ID: "T-5.2-03", Title: "an unknown collection is 404 on every endpoint", Level: MUST, Section: "5.2", Run: func(ctx context.Context, e *Env) error {
		var f faults
		coll := e.root + "collections/" + strings.TrimPrefix(e.newID("x"), "x--") + "/"
		for _, rest := range []string{"", "manifest/", "objects/", "objects/" + e.newID("indicator") + "/", "objects/" + e.newID("indicator") + "/versions/"} {
			a, err := e.do(ctx, request{path: coll + rest})
			if err == nil {
				err = a.want(404)
			}
			f.add(rest, err)
		}
		return f.err()
	}},
	{ID: "T-5.2.1-02", Title: "can_read and can_write are the caller's", Level: MUST, Section: "5.2.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		known := 0
		for role, want := range map[Role][2]bool{RW: {true, true}, RO: {true, false}, WO: {false, true}, NN: {false, false}} {
			if _, ok := e.c.Logins[role]; !ok {
				continue
			}
			known++
			c, err := e.listed(ctx, role)
			f.add(string(role), err)
			if err == nil && [2]bool{c.CanRead, c.CanWrite} != want {
				f.addf("%s: can_read %v, can_write %v", role, c.CanRead, c.CanWrite)
			}
		}
		if known < 2 && len(f) == 0 {
			return skip("credentials for one role only")
		}
		return f.err()
	}},
	{ID: "T-5.2.1-04", Also: []string{"A-20"}, Title: "the alias stands for the id in paths", Level: MUST, Section: "5.2.1", Run: func(ctx context.Context, e *Env) error {
		c, err := e.listed(ctx, RW)
		if err != nil {
			return err
		}
		if c.Alias == "" {
			return skip("the collection has no alias")
		}
		a, err := e.do(ctx, request{path: e.root + "collections/" + url.PathEscape(c.Alias) + "/"})
		if err != nil {
			return err
		}
		if err := a.want(200); err != nil {
			return err
		}
		var by taxii.Collection
		if err := a.decode(&by); err != nil || by.ID != c.ID {
			return fmt.Errorf("by alias the id is %s, want %s (%v)", by.ID, c.ID, err)
		}
		a, err = e.do(ctx, request{path: e.root + "collections/" + url.PathEscape(c.Alias) + "/objects/?limit=1"})
		if err != nil {
			return err
		}
		return a.want(200)
	}},
	{ID: "T-5.2.1-05", Title: "an alias is URL-safe and no UUID", Level: REC, Section: "5.2.1", Run: func(ctx context.Context, e *Env) error {
		list, err := e.collections(ctx, RW)
		if err != nil {
			return err
		}
		seen := 0
		for _, c := range list {
			if c.Alias != "" {
				seen++
				if url.PathEscape(c.Alias) != c.Alias || uuid4.MatchString(strings.ToLower(c.Alias)) {
					return fmt.Errorf("alias %q", c.Alias)
				}
			}
		}
		if seen == 0 {
			return skip("no collection has an alias")
		}
		return nil
	}},
	{ID: "T-5.2.1-06", Also: []string{"T-5.3.1-04", "T-5.5-14"}, Title: "media_types names what the collection stores, and the manifest keeps to it", Level: MUST, Section: "5.2.1", Run: mediaTypes},
}

// listed is the collection under test as the list shows it.
func (e *Env) listed(ctx context.Context, as Role) (taxii.Collection, error) {
	list, err := e.collections(ctx, as)
	if err != nil {
		return taxii.Collection{}, err
	}
	for _, c := range list {
		if c.ID == e.id {
			return c, nil
		}
	}
	return taxii.Collection{}, fmt.Errorf("the list of collections lacks %s for role %s", e.id, as)
}

func mediaTypes(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	c, err := e.listed(ctx, RW)
	if err != nil {
		return err
	}
	if len(c.MediaTypes) > 0 {
		if has := slices.Contains(c.MediaTypes, "application/stix+json;version=2.0"); has == f.no20 {
			return fmt.Errorf("media_types are %q; the server took STIX 2.0: %v", c.MediaTypes, !f.no20)
		}
	}
	records, err := e.manifest(ctx, both+"match[version]=all&match[id]="+f.all())
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.MediaType != "" && len(c.MediaTypes) > 0 && !slices.Contains(c.MediaTypes, r.MediaType) {
			return fmt.Errorf("media_type %q of %s is not in %q", r.MediaType, r.ID, c.MediaTypes)
		}
	}
	return nil
}
