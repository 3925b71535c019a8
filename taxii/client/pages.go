package client

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"net/url"

	"entente/taxii"
)

// ErrNoProgress: a server keeps sending the same, or says that there is more
// and not how to get it.
var ErrNoProgress = errors.New("the server makes no progress")

// Pages reads a collection from a position on, until the server has no more.
// The consumer stores page.Items with page.To before it asks for the next
// page; an error ends the run, and the last To stored resumes it. The last page
// may be empty. (TAXII 2.1, sections 3.5 and 5.4)
func (c *Collection) Pages(ctx context.Context, q Query, from Position) iter.Seq2[Page, error] {
	return c.pages(ctx, c.at("objects"), q, from)
}

// ObjectPages is Pages for the versions of one object (section 5.6).
func (c *Collection) ObjectPages(ctx context.Context, id string, q Query) iter.Seq2[Page, error] {
	return c.pages(ctx, c.at("objects", id), q, Position{})
}

// Objects reads one page from a position on. A position whose continuation
// token the server no longer takes is read again by date.
func (c *Collection) Objects(ctx context.Context, q Query, from Position) (Page, error) {
	r := run{c: c, ctx: ctx, url: c.at("objects"), q: q, at: from}
	return r.page()
}

func (c *Collection) pages(ctx context.Context, u *url.URL, q Query, from Position) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		r := run{c: c, ctx: ctx, url: u, q: q, at: from, seen: make(map[uint64]bool), seed: maphash.MakeSeed()}
		for range c.r.c.c.Limits.Pages {
			page, err := r.page()
			if err == nil {
				err = r.guard(&page)
			}
			if err != nil {
				yield(Page{}, fmt.Errorf("collection %s: %w", c.id, err))
				return
			}
			if !yield(page, nil) || !page.More {
				return
			}
			r.at = page.To
		}
		yield(Page{}, fmt.Errorf("collection %s: more than %d pages: %w", c.id, c.r.c.c.Limits.Pages, ErrNoProgress))
	}
}

// A run is a walk over the pages of one endpoint.
type run struct {
	c   *Collection
	ctx context.Context
	url *url.URL
	q   Query
	at  Position

	seed  maphash.Seed
	seen  map[uint64]bool // hashes of the pages so far
	empty int             // empty pages in a row
}

// page reads the page at r.at. It gives up what the server does not take: an
// old token, and with q.Widest the filters that not every server knows.
func (r *run) page() (Page, error) {
	for {
		u, err := r.q.on(r.url, r.at)
		if err != nil {
			return Page{}, err
		}
		resp, err := r.c.r.c.do(r.ctx, request{method: http.MethodGet, url: u})
		if err != nil {
			if r.giveUp(err) {
				continue
			}
			return Page{}, err
		}
		p, err := readPage(resp, r.c.r.c.c.Limits.Objects)
		if err != nil {
			return Page{}, fmt.Errorf("GET %s: %w", displayURL(u), err)
		}
		r.advance(&p)
		return p, nil
	}
}

func (r *run) giveUp(err error) bool {
	status := statusOf(err)
	switch {
	case r.at.Next != "" && (status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusGone):
		if r.at.AddedAfter == "" {
			r.at.AddedAfter = r.at.Since
		}
		r.at.Next, r.at.Since = "", ""
	case !r.q.Widest || status != http.StatusBadRequest:
		return false
	case len(r.q.SpecVersions) > 0:
		r.q.SpecVersions = nil
	case len(r.q.Versions) > 0:
		r.q.Versions = nil
	default:
		return false
	}
	return true
}

// advance says where to go on after p.
func (r *run) advance(p *Page) {
	p.To = Position{AddedAfter: max(r.at.AddedAfter, p.Last)}
	if p.next == "" {
		return
	}
	p.To.Next, p.To.Since = p.next, r.at.Since
	if r.at.Next == "" { // the run's first request
		p.To.Since = r.at.AddedAfter
		if t, ok := Micros(r.at.AddedAfter); ok {
			p.To.Since = earlier(t, r.q.Overlap)
		}
	}
}

// maxEmpty is how many empty pages in a row may promise more.
const maxEmpty = 100

// guard ends a run that leads nowhere.
func (r *run) guard(p *Page) error {
	if p.More && p.next == "" && (p.Last == "" || p.To.AddedAfter == r.at.AddedAfter && r.at.Next == "") {
		return fmt.Errorf("more is true, but there is neither next nor a later %s: %w", taxii.HeaderAddedLast, ErrNoProgress)
	}
	if len(p.Items) == 0 {
		if r.empty++; p.More && r.empty > maxEmpty {
			return fmt.Errorf("%d empty pages in a row promise more: %w", maxEmpty, ErrNoProgress)
		}
		return nil
	}
	r.empty = 0
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteString(p.Last)
	for _, it := range p.Items {
		h.WriteString(Text(it))
		h.WriteByte('\n')
	}
	if r.seen[h.Sum64()] {
		return fmt.Errorf("a page came twice: %w", ErrNoProgress)
	}
	r.seen[h.Sum64()] = true
	return nil
}

// statusOf is the HTTP status that err carries, 0 if none.
func statusOf(err error) int {
	var te *taxii.Error
	if errors.As(err, &te) {
		return te.Status
	}
	return 0
}
