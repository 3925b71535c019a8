package taxiitest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// eachRole runs f for the roles that there are credentials for; with none of
// them the case is skipped.
func (e *Env) eachRole(ctx context.Context, roles []Role, f func(Role) error) error {
	var out faults
	ran := 0
	for _, r := range roles {
		if _, ok := e.c.Logins[r]; !ok {
			continue
		}
		ran++
		out.add("role "+string(r), f(r))
	}
	if ran == 0 {
		return skip("no credentials for any of the roles %v", roles)
	}
	return out.err()
}

// readPaths are the endpoints that need can_read.
func (e *Env) readPaths(ctx context.Context) ([]string, error) {
	f, err := e.fixture(ctx)
	if err != nil {
		return nil, err
	}
	return []string{e.at("manifest/?limit=1"), e.at("objects/?limit=1"), e.at("objects/" + f.ids["A"] + "/"), e.at("objects/" + f.ids["A"] + "/versions/")}, nil
}

// reads checks the four reading endpoints as one role.
func (e *Env) reads(ctx context.Context, as Role, want ...int) error {
	paths, err := e.readPaths(ctx)
	if err != nil {
		return err
	}
	var f faults
	for _, p := range paths {
		a, err := e.do(ctx, request{path: p, as: as})
		if err == nil {
			err = a.want(want...)
		}
		f.add("", err)
	}
	return f.err()
}

var rightsCases = []Case{
	{ID: "T-5.3-03", Also: []string{"A-13"}, Title: "without can_read, reading is 403 or 404", Level: MUST, Section: "5.3", Run: func(ctx context.Context, e *Env) error {
		return e.eachRole(ctx, []Role{WO, NN}, func(as Role) error { return e.reads(ctx, as, 403, 404) })
	}},
	{ID: "T-5.5-03", Title: "without can_write, POST is 403 or 404 and stores nothing", Level: MUST, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		return e.eachRole(ctx, []Role{RO, NN, Out}, func(as Role) error {
			id := e.newID("indicator")
			a, err := e.do(ctx, request{method: http.MethodPost, path: e.at("objects/"), body: envelope(thing(id, newYear)), as: as})
			if err != nil {
				return err
			}
			if err := a.want(403, 404); err != nil {
				return err
			}
			return e.absent(ctx, id)
		})
	}},
	{ID: "T-5.7-02", Title: "DELETE: 404 without both rights, 403 with one, and nothing is deleted", Level: MUST, Section: "5.7", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		if err := e.store(ctx, thing(id, newYear)); err != nil {
			return err
		}
		want := map[Role]int{NN: 404, Out: 404, RO: 403, WO: 403}
		err := e.eachRole(ctx, []Role{RO, WO, NN, Out}, func(as Role) error {
			a, err := e.do(ctx, request{method: http.MethodDelete, path: e.at("objects/" + id + "/"), as: as})
			if err != nil {
				return err
			}
			return a.want(want[as])
		})
		if err != nil {
			return err
		}
		return e.holds(ctx, id, thing(id, newYear))
	}},
	{ID: "T-3.6.1-04", Title: "a hidden collection answers as one that does not exist", Level: MUST, Section: "appendix B", Run: hiddenIsAbsent},
	{ID: "R-1.15", Title: "rights and statuses, all roles and endpoints", Level: REC, Section: "5", Run: rightsTable},
}

func hiddenIsAbsent(ctx context.Context, e *Env) error {
	if _, ok := e.c.Logins[Out]; !ok {
		return skip("no credentials for role out")
	}
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	other := e.root + "collections/" + strings.TrimPrefix(e.newID("x"), "x--") + "/"
	var out faults
	for _, rest := range []string{"", "manifest/", "objects/", "objects/" + f.ids["A"] + "/", "objects/?limit=0", "objects/?next=zz"} {
		hidden, err := e.do(ctx, request{path: e.at(rest), as: Out})
		if err != nil {
			return err
		}
		absent, err := e.do(ctx, request{path: other + rest, as: Out})
		if err != nil {
			return err
		}
		if hidden.status != absent.status || withoutID(hidden.body) != withoutID(absent.body) {
			out.addf("%q: hidden %d %s, absent %d %s", rest, hidden.status, hidden.body, absent.status, absent.body)
		}
		out.add(rest, hidden.want(404))
	}
	return out.err()
}

// withoutID is an error message without what is new in each.
func withoutID(body string) string {
	id := between(body, `"error_id":"`, `"`)
	if id == "" {
		return body
	}
	return strings.ReplaceAll(body, id, "")
}

// rightsTable is section 1.15 of the rules, as far as roles are known.
func rightsTable(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	reads := map[Role]int{RW: 200, RO: 200, WO: 403, NN: 403, Out: 404, Anon: 401}
	posts := map[Role]int{RW: 202, RO: 403, WO: 202, NN: 403, Out: 404, Anon: 401}
	sees := map[Role]int{RW: 200, RO: 200, WO: 200, NN: 200, Out: 404, Anon: 401}
	var out faults
	for _, as := range []Role{RW, RO, WO, NN, Out, Anon} {
		if _, ok := e.c.Logins[as]; !ok && as != Anon {
			continue
		}
		out.add("reads as "+string(as), e.reads(ctx, as, reads[as]))
		a, err := e.do(ctx, request{path: e.coll, as: as})
		if err != nil {
			return err
		}
		out.add("collection", a.want(sees[as]))
		a, err = e.do(ctx, request{method: http.MethodPost, path: e.at("objects/"), as: as, body: envelope(f.texts["d7"])})
		if err != nil {
			return err
		}
		out.add("POST", a.want(posts[as]))
	}
	return out.err()
}

var securityCases = []Case{
	{ID: "T-8.2.2-06", Title: "HTTP Basic: any case of the word, 401 to anything else", Level: SHOULD, Section: "8.2.2", Run: basic},
	{ID: "T-8.2.2-10", Title: "no credentials and wrong ones are 401 for every method", Level: REC, Section: "1.6.9", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, as := range []Role{Anon, Bad} {
			for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
				if as == Bad && method != "GET" {
					continue // servers count wrong passwords
				}
				path := e.at("objects/")
				if method == "DELETE" {
					path = e.at("objects/" + e.newID("indicator") + "/")
				}
				a, err := e.do(ctx, request{method: method, path: path, as: as, body: map[string]string{"POST": "{}"}[method]})
				if err == nil {
					err = a.want(401)
				}
				f.add(string(as), err)
			}
		}
		return f.err()
	}},
	{ID: "T-B-01", Title: "the server bounds its pages", Level: SHOULD, Section: "appendix B", Run: func(ctx context.Context, e *Env) error {
		p, err := e.page(ctx, "manifest/?"+both+"match[version]=all&limit=9007199254740991")
		if err != nil {
			return err
		}
		if len(p.Objects) > 100_000 {
			return fmt.Errorf("one page has %d records", len(p.Objects))
		}
		if !p.More {
			return skip("the collection has only %d versions, and they fit one page", len(p.Objects))
		}
		return nil
	}},
	tlsCase("T-8.2.2-02", "TLS 1.2 is accepted", MUST, true, []string{"T-8.2.2-01"}, tls.VersionTLS12),
	tlsCase("T-8.2.2-03", "TLS 1.3 is accepted", SHOULD, true, nil, tls.VersionTLS13),
	tlsCase("T-8.2.2-03/old", "TLS 1.0 and 1.1 are refused", REC, false, nil, tls.VersionTLS10, tls.VersionTLS11),
	tlsCase("T-8.2.2-05", "TLS 1.2 suites without forward secrecy or AEAD are refused", SHOULD, false, nil),
}

func basic(ctx context.Context, e *Env) error {
	login := e.c.Logins[RW]
	if login.User == "" {
		return skip("role rw has no password")
	}
	hr, _ := http.NewRequest(http.MethodGet, "http://x/", nil)
	hr.SetBasicAuth(login.User, login.Password)
	secret := strings.TrimPrefix(hr.Header.Get("Authorization"), "Basic ")
	var f faults
	for value, want := range map[string]int{
		"Basic " + secret: 200, "basic " + secret: 200, "BASIC " + secret: 200,
		"Basic": 401, "Basic !!!": 401, "Basic " + secret[:len(secret)/2]: 401, "Unheard " + secret: 401, "Bearer nonsense": 401,
	} {
		a, err := e.do(ctx, request{path: e.coll, as: Anon, header: []string{"Authorization: " + value}})
		if err != nil {
			return err
		}
		if a.want(want) != nil && !(want == 401 && a.status == http.StatusTooManyRequests) {
			f.addf("%.7s…: %d, want %d", value, a.status, want)
		}
	}
	return f.err()
}

// weakSuites are TLS 1.2 suites of RFC 7540, appendix A.
var weakSuites = []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA}

// tlsCase shakes hands with each version; without versions, in TLS 1.2 with
// weak suites only.
func tlsCase(id, title string, level Level, accepted bool, also []string, versions ...uint16) Case {
	return Case{ID: id, Also: also, Title: title, Level: level, Section: "8.2.2", Run: func(ctx context.Context, e *Env) error {
		if e.server.Scheme != "https" {
			return skip("the server is tested over plain HTTP")
		}
		confs := []*tls.Config{{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: weakSuites}}
		if len(versions) > 0 {
			confs = nil
		}
		for _, v := range versions {
			confs = append(confs, &tls.Config{MinVersion: v, MaxVersion: v})
		}
		var f faults
		for _, c := range confs {
			c.InsecureSkipVerify = true // the certificate is not what is tested
			err := e.handshake(ctx, c)
			var alert tls.AlertError
			switch {
			case accepted && err != nil:
				f.add(tls.VersionName(c.MaxVersion), err)
			case !accepted && err == nil:
				f.addf("%s was accepted", tls.VersionName(c.MaxVersion))
			case !accepted && !errors.As(err, &alert):
				var op *net.OpError
				if !errors.As(err, &op) {
					f.add("handshake", err)
				}
			}
		}
		return f.err()
	}}
}

func (e *Env) handshake(ctx context.Context, c *tls.Config) error {
	host := e.server.Host
	if e.server.Port() == "" {
		host = net.JoinHostPort(e.server.Hostname(), "443")
	}
	c.ServerName = e.server.Hostname()
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	return conn.Close()
}
