package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"entente/stix"
	"entente/store"
)

// A mutant is a server with one counter-measure broken. The zero mutant is none.
type mutant struct {
	name     string
	first    int                                         // the story to begin with: one that is known to notice saves time
	server   func(p *player, st store.Store) store.Store // what the server takes for the store
	releaser func(p *player, st store.Store) store.Store // what the releaser does
	handler  func(p *player, h http.Handler) http.Handler
}

// behind is the store as it looks to a part of the mutant.
func (m *mutant) behind(p *player, look func(*player, store.Store) store.Store) store.Store {
	if look == nil {
		return p.st
	}
	return look(p, p.st)
}

// TestNonInterferenceNotices breaks each counter-measure once, and the property
// must notice within so many stories.
func TestNonInterferenceNotices(t *testing.T) {
	const most = 600
	for i := range mutants {
		m := &mutants[i]
		t.Run(m.name, func(t *testing.T) {
			for n := range most {
				s := stories.Example((m.first + n) % most)
				var found *leak
				if errors.As(interferes(s, m, new(tally)), &found) && interferes(s, &mutant{}, new(tally)) == nil {
					t.Logf("noticed in story %d: %.60s", (m.first+n)%most, found)
					return
				}
			}
			t.Errorf("not noticed in %d stories", most)
		})
	}
}

var mutants = []mutant{
	{name: "no closure: what mentions something hidden is shown", first: 68, releaser: rewriting(func(_ *player, o string) string {
		return strings.NewReplacer(`_ref":`, `_rxf":`, `_refs":`, `_rxfs":`).Replace(o)
	})},
	{name: "what mentions an id that nobody holds is shown", first: 43, releaser: rewriting(func(p *player, o string) string {
		own := member(o, "id")
		for _, id := range pool {
			if !p.holds(stix.ID(id)) {
				o = strings.ReplaceAll(o, id, own)
			}
		}
		return o
	})},
	{name: "a newest version that is RED does not govern", first: 163, releaser: func(p *player, st store.Store) store.Store { return &ageing{st} }},
	{name: "date_added of the collection", server: reading(func(p *player, base store.LogID, page *store.Page) {
		for i := range page.Rows {
			page.Rows[i].Added = page.Rows[i].At
		}
		if page.N > 0 {
			page.First, page.Last = page.Rows[0].Added, page.Rows[page.N-1].Added
		}
	})},
	{name: "pages have room for what is hidden", first: 152, server: func(p *player, st store.Store) store.Store { return &shortPages{st} }},
	{name: "a write is judged by what is hidden, too", releaser: func(p *player, st store.Store) store.Store { return &wideWorld{st} }},
	{name: "releases in the order of the collection", first: 125, releaser: committing(func(b *store.Batch) {
		for i := range b.Releases {
			slices.Sort(b.Releases[i].Add)
		}
	})},
	{name: "withdrawals are forgotten, and the gate is open", releaser: committing(func(b *store.Batch) {
		for i := range b.Releases {
			b.Releases[i].Drop = nil
		}
	}), server: func(p *player, st store.Store) store.Store { return &openGate{st} }},
	{name: "a hidden object is another 404", server: func(p *player, st store.Store) store.Store { return &wideHas{st} }},
	{name: "403 for what is hidden", handler: forbidding},
	{name: "all collections are listed", handler: listing},
	{name: "markings are shown unused", server: func(p *player, st store.Store) store.Store { return &allMarkings{p, st} }},
	{name: "the size of the collections in a header", handler: counting},
}

// baseOf is the collection's log of a release log of the observed partner.
func baseOf(log store.LogID) (store.LogID, bool) {
	base, ok := strings.CutPrefix(string(log), "view/"+string(orgOf(0))+"/")
	return store.LogID(base), ok
}

func (p *player) holds(id stix.ID) bool {
	for i := range collections {
		if has, err := p.st.Has(context.Background(), store.LogID(collections[i].id), id); err != nil || has {
			return has
		}
	}
	return false
}

// A rewriter shows the objects of collections otherwise than they are stored.
type rewriter struct {
	store.Store
	p     *player
	write func(p *player, o string) string
}

func rewriting(write func(*player, string) string) func(*player, store.Store) store.Store {
	return func(p *player, st store.Store) store.Store { return &rewriter{st, p, write} }
}

func (s *rewriter) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	err := s.Store.Read(ctx, log, q, page)
	if _, view := baseOf(log); view || err != nil || q.Want&store.WantObjects == 0 || q.Want&store.WantRows == 0 {
		return err
	}
	var out []byte
	for i, end := 0, 0; i < len(page.Rows); i++ {
		row := &page.Rows[i]
		if i > 0 {
			out = append(out, ',')
			end++
		}
		out = append(out, s.write(s.p, string(page.Objects[end:row.End]))...)
		end, row.End = row.End, len(out)
	}
	page.Objects = out
	return nil
}

// member is a string in an object of a story.
func member(o, name string) string {
	_, rest, _ := strings.Cut(o, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// ageing makes what is RED look like an old version.
type ageing struct{ store.Store }

func (s *ageing) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	err := s.Store.Read(ctx, log, q, page)
	if _, view := baseOf(log); view || err != nil || q.Want&store.WantObjects == 0 {
		return err
	}
	for i := range page.Rows {
		if bytes.Contains(page.Object(i), []byte(red)) {
			page.Rows[i].Version = "2000-01-01T00:00:00.000Z"
		}
	}
	return nil
}

// A reader changes the pages of the observed partner's release logs.
type reader struct {
	store.Store
	p      *player
	change func(p *player, base store.LogID, page *store.Page)
}

func reading(change func(*player, store.LogID, *store.Page)) func(*player, store.Store) store.Store {
	return func(p *player, st store.Store) store.Store { return &reader{st, p, change} }
}

func (s *reader) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	base, view := baseOf(log)
	if !view {
		return s.Store.Read(ctx, log, q, page)
	}
	with := *q
	with.Want |= store.WantRows | store.WantSource
	if err := s.Store.Read(ctx, log, &with, page); err != nil {
		return err
	}
	s.change(s.p, base, page)
	return nil
}

// A committer changes batches.
type committer struct {
	store.Store
	change func(*store.Batch)
}

func committing(change func(*store.Batch)) func(*player, store.Store) store.Store {
	return func(p *player, st store.Store) store.Store { return &committer{st, change} }
}

func (s *committer) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	s.change(b)
	return s.Store.Commit(ctx, b)
}

// shortPages makes room on a page for what is hidden.
type shortPages struct{ store.Store }

func (s *shortPages) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	less := *q
	if base, view := baseOf(log); view {
		whole, err := s.Stat(ctx, base)
		if err != nil {
			return err
		}
		shown, err := s.Stat(ctx, log)
		if err != nil {
			return err
		}
		if whole.Entries > shown.Entries {
			less.Limit = max(1, q.Limit-1)
		}
	}
	return s.Store.Read(ctx, log, &less, page)
}

// wideWorld shows the releaser the collection where it asks for the partner's world.
type wideWorld struct{ store.Store }

func (s *wideWorld) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	if base, view := baseOf(log); view && q.Want&store.WantObjects != 0 && len(q.IDs) > 0 {
		log = base
	}
	return s.Store.Read(ctx, log, q, page)
}

// openGate lets every label through.
type openGate struct{ store.Store }

func (s *openGate) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	open := *q
	open.Gate = nil
	return s.Store.Read(ctx, log, &open, page)
}

// wideHas looks for an object in the collection's log.
type wideHas struct{ store.Store }

func (s *wideHas) Has(ctx context.Context, log store.LogID, id stix.ID) (bool, error) {
	if base, view := baseOf(log); view {
		log = base
	}
	return s.Store.Has(ctx, log, id)
}

// allMarkings shows every marking definition of the collection.
type allMarkings struct {
	p *player
	store.Store
}

func (s *allMarkings) Read(ctx context.Context, log store.LogID, q *store.Query, page *store.Page) error {
	base, view := baseOf(log)
	if !view || q.Want&store.WantObjects == 0 {
		return s.Store.Read(ctx, log, q, page)
	}
	with := *q
	with.Want |= store.WantRows
	if err := s.Store.Read(ctx, log, &with, page); err != nil {
		return err
	}
	var more store.Page
	all := store.Query{Types: []string{"marking-definition"}, Limit: 10, Want: store.WantObjects}
	if err := s.Store.Read(ctx, base, &all, &more); err != nil || more.N == 0 || page.N == 0 || bytes.Contains(page.Objects, more.Objects) {
		return err
	}
	page.Objects = append(append(page.Objects, ','), more.Objects...)
	return nil
}

// forbidding answers 403 where only hiding makes the 404.
func forbidding(p *player, h http.Handler) http.Handler {
	return answering(h, func(w *recording, req *http.Request) {
		for _, id := range pool {
			if w.code == http.StatusNotFound && strings.Contains(req.URL.Path, id) && p.holds(stix.ID(id)) {
				w.code = http.StatusForbidden
			}
		}
	})
}

// listing lists all collections to everybody.
func listing(p *player, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(strings.TrimSuffix(req.URL.Path, "/"), "/collections") {
			req.Header.Set("Authorization", "Bearer own")
		}
		h.ServeHTTP(w, req)
	})
}

// counting tells how large the collections are.
func counting(p *player, h http.Handler) http.Handler {
	return answering(h, func(w *recording, _ *http.Request) {
		n := 0
		for i := range collections {
			stat, err := p.st.Stat(context.Background(), store.LogID(collections[i].id))
			if err == nil {
				n += int(stat.Entries)
			}
		}
		w.Header().Set("X-Total", strconv.Itoa(n))
	})
}

// A recording is an answer that may still be changed.
type recording struct {
	http.ResponseWriter
	code int
	body []byte
}

func (w *recording) WriteHeader(code int) { w.code = code }
func (w *recording) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}

func answering(h http.Handler, change func(*recording, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r := &recording{ResponseWriter: w, code: http.StatusOK}
		h.ServeHTTP(r, req)
		change(r, req)
		w.WriteHeader(r.code)
		_, _ = w.Write(r.body)
	})
}
