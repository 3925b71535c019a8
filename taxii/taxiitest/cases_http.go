package taxiitest

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"entente/taxii"
)

// An endpoint is a GET endpoint with a path that answers 200 to RW.
type endpoint struct{ name, path string }

// endpoints lists the GET endpoints of the standard, for the fixture.
func (e *Env) endpoints(ctx context.Context) ([]endpoint, error) {
	f, err := e.fixture(ctx)
	if err != nil {
		return nil, err
	}
	s, err := e.post(ctx, f.texts["d7"]) // a duplicate: harmless, and gives a status
	if err != nil {
		return nil, err
	}
	return []endpoint{
		{"discovery", "/taxii2/"},
		{"API root", e.root},
		{"collections", e.root + "collections/"},
		{"collection", e.coll},
		{"manifest", e.at("manifest/") + f.scope("limit=5")},
		{"objects", e.at("objects/") + f.scope("limit=5")},
		{"object", e.at("objects/" + f.ids["A"] + "/")},
		{"versions", e.at("objects/" + f.ids["A"] + "/versions/")},
		{"status", e.root + "status/" + s.ID + "/"},
	}, nil
}

// everywhere runs check on the answer of every GET endpoint to a request with
// these header lines.
func (e *Env) everywhere(ctx context.Context, header []string, check func(*answer) error) error {
	eps, err := e.endpoints(ctx)
	if err != nil {
		return err
	}
	var f faults
	for _, ep := range eps {
		a, err := e.do(ctx, request{path: ep.path, header: header})
		if err == nil {
			err = check(a)
		}
		f.add(ep.name, err)
	}
	return f.err()
}

func status(codes ...int) func(*answer) error {
	return func(a *answer) error { return a.want(codes...) }
}

var httpCases = []Case{
	{ID: "T-8.2.1-01", Also: []string{"T-8.2.1-02", "T-3.1-11"}, Title: "discovery is at /taxii2/, every endpoint answers 200", Level: MUST, Section: "8.2.1",
		Run: func(ctx context.Context, e *Env) error { return e.everywhere(ctx, nil, status(200)) }},
	{ID: "T-3.1-01", Also: []string{"A-12"}, Title: "paths without the final slash work, or are redirected by 307 or 308", Level: REC, Section: "3.1", Run: noSlash},
	{ID: "T-3.1-03", Title: "errors have a TAXII error message", Level: REC, Section: "3.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, path := range []string{e.root + "nothing/here/", e.root + "collections/" + strings.TrimPrefix(e.newID("x"), "x--") + "/", "/nowhere/"} {
			a, err := e.do(ctx, request{path: path})
			if err == nil {
				err = a.want(404)
			}
			f.add(path, err)
		}
		return f.err()
	}},
	{ID: "T-3.1-10", Title: "filtering endpoints do filter", Level: MUST, Section: "3.1", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		for _, end := range []string{"objects/", "manifest/"} {
			p, err := e.page(ctx, end+f.scope("match[type]=identity"))
			if err != nil {
				return err
			}
			if got := f.labels(p.Objects); got != "d1" {
				return fmt.Errorf("%s of identities is %q, want d1", end, got)
			}
		}
		return nil
	}},
	{ID: "T-8.2.1-07", Title: "a request without User-Agent is served", Level: SHOULD, Section: "8.2.1", Run: func(ctx context.Context, e *Env) error {
		return e.everywhere(ctx, []string{"User-Agent:"}, status(200))
	}},
	{ID: "T-H-01", Title: "HEAD answers like GET, without a body", Level: SHOULD, Section: "RFC 9110, 9.3.2", Run: head},
	{ID: "T-H-02", Title: "a wrong method is a 405 with Allow", Level: SHOULD, Section: "RFC 9110, 15.5.6", Run: wrongMethod},
	{ID: "T-H-03", Title: "OPTIONS answers 204 with Allow, to anyone", Level: REC, Run: func(ctx context.Context, e *Env) error {
		a, err := e.do(ctx, request{method: http.MethodOptions, path: e.at("objects/"), as: Anon})
		if err != nil {
			return err
		}
		if a.status != 204 || !strings.Contains(a.header.Get("Allow"), "POST") || a.body != "" {
			return fmt.Errorf("%s, Allow %q, %d octets of body", a, a.header.Get("Allow"), len(a.body))
		}
		return nil
	}},
	{ID: "T-H-05", Title: "answers are not for caches, and say what they vary by", Level: REC, Run: func(ctx context.Context, e *Env) error {
		a, err := e.want(ctx, 200, "objects/?limit=1")
		if err != nil {
			return err
		}
		vary, cache := strings.ToLower(strings.Join(a.header.Values("Vary"), ",")), strings.ToLower(a.header.Get("Cache-Control"))
		if !strings.Contains(vary, "accept") || !strings.Contains(vary, "authorization") {
			return fmt.Errorf("header Vary is %q, want Accept and Authorization in it", vary)
		}
		if !strings.Contains(cache, "no-store") && !(strings.Contains(cache, "private") && strings.Contains(cache, "no-cache")) {
			return fmt.Errorf("header Cache-Control is %q", cache)
		}
		return nil
	}},
	{ID: "T-H-06", Title: "Range with TAXII 2.0 items is ignored", Level: REC, Run: func(ctx context.Context, e *Env) error {
		return e.everywhere(ctx, []string{"Range: items 0-9"}, status(200))
	}},
	{ID: "T-H-07", Title: "compression only when asked for; unknown request encodings are 415", Level: REC, Run: encodings},
	{ID: "T-H-10", Title: "the order of checks: credentials, Accept, existence, query, body", Level: REC, Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, tc := range []struct {
			r    request
			want int
		}{
			{request{path: e.at("objects/"), as: Anon, header: []string{"Accept: text/html"}}, 401},
			{request{path: e.root + "collections/" + strings.TrimPrefix(e.newID("x"), "x--") + "/objects/?limit=0"}, 404},
			{request{path: e.root + "collections/" + strings.TrimPrefix(e.newID("x"), "x--") + "/objects/?limit=0", header: []string{"Accept: text/html"}}, 406},
			{request{method: "POST", path: e.root + "collections/" + strings.TrimPrefix(e.newID("x"), "x--") + "/objects/", body: "{}", header: []string{"Content-Type: text/plain"}}, 404},
			{request{method: "POST", path: e.at("objects/"), body: "{", header: []string{"Content-Type: text/plain"}}, 415},
		} {
			a, err := e.do(ctx, tc.r)
			if err == nil {
				err = a.want(tc.want)
			}
			f.add("order", err)
		}
		return f.err()
	}},
	{ID: "A-34", Title: "on HTTP/1.1 the X-TAXII headers are spelled as in the standard", Level: REC, Section: "3.2", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		_, wire, err := e.raw(ctx, e.rawGet(e.at("objects/"+f.ids["A"]+"/"), "Accept: "+taxii.MediaType))
		if err != nil {
			return err
		}
		for _, name := range []string{taxii.HeaderAddedFirst, taxii.HeaderAddedLast} {
			if !strings.Contains(wire, "\r\n"+name+": ") {
				return fmt.Errorf("no header %s, written so", name)
			}
		}
		return nil
	}},
	{ID: "T-6-01", Title: "channels, which the standard only reserves, are 404", Level: REC, Section: "6", Run: func(ctx context.Context, e *Env) error {
		a, err := e.do(ctx, request{path: e.root + "channels/"})
		if err != nil {
			return err
		}
		return a.want(404)
	}},
}

func noSlash(ctx context.Context, e *Env) error {
	eps, err := e.endpoints(ctx)
	if err != nil {
		return err
	}
	var f faults
	for _, ep := range eps {
		path, query, hasQuery := strings.Cut(ep.path, "?")
		path = strings.TrimSuffix(path, "/")
		if hasQuery {
			path += "?" + query
		}
		a, err := e.do(ctx, request{path: path, noType: true})
		if err != nil {
			f.add(ep.name, err)
			continue
		}
		to := a.header.Get("Location")
		if a.status != 200 && (a.status != 307 && a.status != 308 || hasQuery && !strings.HasSuffix(to, query)) {
			f.addf("%s: %s, Location %q", ep.name, a, to)
		}
	}
	a, err := e.do(ctx, request{method: "POST", path: strings.TrimSuffix(e.at("objects/"), "/"), body: envelope(thing(e.newID("indicator"), "2024-01-01T00:00:00.000Z")), noType: true})
	if err != nil {
		return err
	}
	if a.status != 202 && a.status != 307 && a.status != 308 {
		f.addf("POST: %s", a)
	}
	return f.err()
}

func head(ctx context.Context, e *Env) error {
	eps, err := e.endpoints(ctx)
	if err != nil {
		return err
	}
	var f faults
	for _, ep := range eps {
		get, err := e.do(ctx, request{path: ep.path})
		if err != nil {
			return err
		}
		a, err := e.do(ctx, request{method: http.MethodHead, path: ep.path})
		if err != nil {
			f.add(ep.name, err)
			continue
		}
		if a.status != get.status || a.body != "" {
			f.addf("%s: HEAD %d, GET %d, %d octets of body", ep.name, a.status, get.status, len(a.body))
		}
		for _, h := range []string{"Content-Type", taxii.HeaderAddedFirst, taxii.HeaderAddedLast} {
			if a.header.Get(h) != get.header.Get(h) {
				f.addf("%s: %s is %q with HEAD, %q with GET", ep.name, h, a.header.Get(h), get.header.Get(h))
			}
		}
	}
	return f.err()
}

func wrongMethod(ctx context.Context, e *Env) error {
	var f faults
	for _, tc := range []struct{ method, path, allow string }{
		{"PUT", e.at("objects/"), "GET POST"}, {"DELETE", e.coll, "GET"}, {"POST", "/taxii2/", "GET"},
		{"POST", e.at("manifest/"), "GET"}, {"PATCH", e.root, "GET"}, {"DELETE", e.root + "collections/", "GET"},
	} {
		a, err := e.do(ctx, request{method: tc.method, path: tc.path, body: "{}"})
		if err == nil {
			err = a.want(405)
		}
		if err != nil {
			f.add("wrong method", err)
			continue
		}
		for m := range strings.FieldsSeq(tc.allow) {
			if !strings.Contains(a.header.Get("Allow"), m) {
				f.addf("%s: Allow is %q, want %s in it", a, a.header.Get("Allow"), m)
			}
		}
	}
	return f.err()
}

func encodings(ctx context.Context, e *Env) error {
	var f faults
	for _, enc := range []string{"br", "compress", "zstd", "nonsense"} {
		a, err := e.do(ctx, request{method: "POST", path: e.at("objects/"), body: envelope(thing(e.newID("indicator"), "2024-01-01T00:00:00.000Z")), header: []string{"Content-Encoding: " + enc}})
		if err == nil {
			err = a.want(415)
		}
		f.add("Content-Encoding "+enc, err)
	}
	for _, lines := range [][]string{{}, {"Accept-Encoding: identity"}, {"Accept-Encoding: gzip;q=0"}} {
		a, _, err := e.raw(ctx, e.rawGet(e.at("objects/?limit=50"), append(lines, "Accept: "+taxii.MediaType)...))
		if err != nil {
			return err
		}
		if a.header.Get("Content-Encoding") != "" || !strings.HasPrefix(a.body, "{") {
			f.addf("%v: Content-Encoding %q", lines, a.header.Get("Content-Encoding"))
		}
	}
	return f.err()
}
