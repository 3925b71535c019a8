package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"entente/policy"
	"entente/policy/release"
	"entente/store"
	"entente/store/mem"
	"entente/taxii"
)

// collections are those of all stories, each with its own log.
var collections = []struct{ root, alias, id, title string }{
	{"hub", "intel", "7c4d1c2e-3f5a-4b8e-9a61-0e5d2f7b9c10", "Intelligence"},
	{"hub", "sightings", "2c4d1c2e-3f5a-4b8e-9a61-0e5d2f7b9c11", "Sightings"},
	{"deep", "operation", "5c4d1c2e-3f5a-4b8e-9a61-0e5d2f7b9c12", "Operation Nightfall"},
}

func pathTo(coll int) string {
	return "/" + collections[coll].root + "/collections/" + collections[coll].id + "/"
}

// A player is a server on which a story is told.
type player struct {
	s        *story
	known    []bool // collections that there are
	st       store.Store
	rel      *release.Releaser
	handler  http.Handler
	now      time.Time
	rand     *rand.ChaCha8
	set      *policy.Set
	revision uint32

	next, after, status string // what answers to the observed partner have told last
}

// newPlayer makes a server with the collections that are known. m breaks it on
// purpose; the zero mutant does not.
func newPlayer(s *story, known []bool, m *mutant) *player {
	p := &player{s: s, known: known, st: mem.New(), now: begin, rand: rand.NewChaCha8([32]byte{1})}
	p.set = compile(s.mous, 1)
	conf := release.Config{Store: m.behind(p, m.releaser), Now: p.time, Rand: rand.NewChaCha8([32]byte{3}), Log: slog.New(slog.DiscardHandler)}
	var roots []Root
	rights := map[string]Rights{}
	for i, c := range collections {
		if !known[i] {
			continue
		}
		conf.Collections = append(conf.Collections, release.Collection{Log: store.LogID(c.id), Names: []string{c.id, c.alias}})
		if len(roots) == 0 || roots[len(roots)-1].Path != c.root {
			roots = append(roots, Root{Path: c.root, Title: "Root " + c.root})
		}
		last := &roots[len(roots)-1]
		last.Collections = append(last.Collections, Collection{ID: c.id, Alias: c.alias, Title: c.title})
		rights[c.id] = Rights{Read: true, Write: true}
	}
	if len(roots) == 0 {
		roots = []Root{{Path: "empty", Title: "Empty"}}
	}
	accounts := []Account{{Name: "own", Rights: rights, Tokens: token("own")}}
	for n := range s.partners {
		name := fmt.Sprint("partner", n)
		accounts = append(accounts, Account{Name: name, Partner: orgOf(n), Tokens: token(name)})
	}
	list, err := NewAccounts(accounts)
	if err == nil {
		p.rel, err = release.New(context.Background(), conf, p.set)
	}
	if err != nil {
		panic(err)
	}
	srv, err := New(context.Background(), Config{
		Store: m.behind(p, m.server), Roots: roots, Releaser: p.rel, Accounts: list, Now: p.time, Rand: p.rand, Log: conf.Log,
		PublicURL: "https://taxii.example.com", Default: map[bool]string{true: "hub"}[known[0] || known[1]],
	})
	if err != nil {
		panic(err)
	}
	p.handler = srv.Handler()
	if m.handler != nil {
		p.handler = m.handler(p, p.handler)
	}
	return p
}

func token(name string) [][32]byte { return [][32]byte{HashToken(name)} }

func (p *player) time() time.Time { return p.now }

// do sends a request of an account.
func (p *player) do(account, method, path, body string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+account)
	req.Header.Set("Accept", taxii.MediaType)
	if body != "" {
		req.Header.Set("Content-Type", taxii.MediaType)
	}
	for _, h := range header {
		if h != "" {
			req.Header.Set("Accept-Encoding", h)
		}
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, req)
	return w
}

// act does act i of the story, without the objects that keep leaves out, and
// returns what the observed partner was answered, if it asked.
func (p *player) act(i int, keep func(object int) bool) (answer *httptest.ResponseRecorder, err error) {
	a := &p.s.acts[i]
	p.rand.Seed([32]byte{2, byte(i), byte(i >> 8)}) // an answer's random ids do not depend on what others did
	switch a.what {
	case "clock":
		if a.hours > 0 {
			p.now = p.now.Truncate(time.Hour).Add(time.Duration(a.hours) * time.Hour)
		}
		p.now = p.now.Add(a.wait)
		return nil, p.rel.Current(context.Background(), p.now) // as Run does
	case "revise":
		p.revision++
		p.set = compile(a.mous, 1+p.revision)
		return nil, p.rel.Activate(context.Background(), p.set, nil)
	case "ask":
		status := p.status
		if status == "" {
			status = "12345678-1234-4234-8234-123456789012"
		}
		path := strings.NewReplacer("{next}", p.next, "{after}", p.after, "{status}", status).Replace(a.path)
		return p.learn(p.do("partner0", a.method, path, "", a.header))
	case "post":
		return p.learn(p.do("partner0", "POST", pathTo(a.coll)+"objects/", posted(a.objects)))
	}
	if !p.known[a.coll] {
		return nil, nil
	}
	var w *httptest.ResponseRecorder
	switch a.what {
	case "delete":
		w = p.do("own", "DELETE", pathTo(a.coll)+"objects/"+a.path, "")
	default:
		var kept []string
		for j, o := range a.objects {
			if keep(j) {
				kept = append(kept, o)
			}
		}
		if len(kept) == 0 {
			return nil, nil
		}
		sender := "own"
		if a.what == "partner" {
			sender = fmt.Sprint("partner", a.who)
		}
		w = p.do(sender, "POST", pathTo(a.coll)+"objects/", posted(kept))
	}
	if w.Code >= 500 || a.what == "own" && w.Code != http.StatusAccepted {
		err = fmt.Errorf("%s is answered %d %s", a, w.Code, w.Body)
	}
	return nil, err
}

func posted(objects []string) string { return `{"objects":[` + strings.Join(objects, ",") + "]}" }

// learn keeps what later requests use of an answer.
func (p *player) learn(w *httptest.ResponseRecorder) (*httptest.ResponseRecorder, error) {
	var body struct {
		Next string `json:"next"`
		ID   string `json:"id"`
	}
	if json.Unmarshal(w.Body.Bytes(), &body) == nil && body.Next != "" {
		p.next = body.Next
	}
	if w.Code == http.StatusAccepted {
		p.status = body.ID
	}
	if last := w.Result().Header.Get(taxii.HeaderAddedLast); last != "" {
		p.after = last
	}
	if w.Code >= 500 {
		return w, fmt.Errorf("the observed partner is answered %d %s", w.Code, w.Body)
	}
	return w, nil
}

// text is all of an answer that must not depend on what is hidden.
func text(w *httptest.ResponseRecorder) string {
	var b bytes.Buffer
	fmt.Fprintln(&b, w.Code)
	header := w.Result().Header // as sent; w.Header() has values that were used again
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if name != "Date" {
			fmt.Fprintf(&b, "%s: %q\n", name, header[name])
		}
	}
	fmt.Fprintf(&b, "\n%s\n", w.Body)
	return b.String()
}
