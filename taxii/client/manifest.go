package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"entente/stix"
	"entente/taxii"
)

// Manifest reads the manifest of a collection, record by record, over all of
// its pages (TAXII 2.1, section 5.3).
func (c *Collection) Manifest(ctx context.Context, q Query) iter.Seq2[taxii.ManifestRecord, error] {
	return func(yield func(taxii.ManifestRecord, error) bool) {
		err := walk(ctx, c, q, []string{"manifest"}, func(m *manifest) (int, any, bool) {
			for _, r := range m.Objects {
				if !yield(r, nil) {
					return 0, nil, false
				}
			}
			return len(m.Objects), m.Objects, true
		})
		if err != nil {
			yield(taxii.ManifestRecord{}, err)
		}
	}
}

// Versions lists the versions of an object, oldest first on servers that keep
// to the order of the other endpoints (TAXII 2.1, section 5.8).
func (c *Collection) Versions(ctx context.Context, id string, q Query) ([]string, error) {
	var all []string
	err := walk(ctx, c, q, []string{"objects", id, "versions"}, func(v *versions) (int, any, bool) {
		all = append(all, v.Versions...)
		return len(v.Versions), v.Versions, true
	})
	return all, err
}

// paging is what a page of any resource says of the next one.
type paging struct {
	More bool `json:"more"`
	Next text `json:"next"`
}

func (p *paging) rest() *paging { return p }

type manifest struct {
	paging
	Objects []taxii.ManifestRecord `json:"objects"`
}

type versions struct {
	paging
	Versions []string `json:"versions"`
}

// walk reads the pages of a resource until take returns false or there is no
// more. take gives the number of items and something to print them by.
func walk[T any, P interface {
	*T
	rest() *paging
}](ctx context.Context, c *Collection, q Query, path []string, take func(P) (n int, items any, more bool)) error {
	var at Position
	var before, empty = "", 0
	for range c.r.c.c.Limits.Pages {
		u, err := q.on(c.at(path...), at)
		if err != nil {
			return err
		}
		page := P(new(T))
		resp, err := c.r.c.getJSON(ctx, u, page)
		if err != nil {
			return err
		}
		n, items, more := take(page)
		p := page.rest()
		if !more || !p.More {
			return nil
		}
		to := Position{AddedAfter: max(at.AddedAfter, added(resp.header, taxii.HeaderAddedLast)), Next: string(p.Next), Since: at.Since}
		if empty++; n > 0 {
			empty = 0
		}
		now := fmt.Sprint(to.Next, items)
		if now == before || empty > maxEmpty || to.Next == "" && to.AddedAfter == at.AddedAfter {
			return fmt.Errorf("%s %s: %w", http.MethodGet, displayURL(u), ErrNoProgress)
		}
		before, at = now, to
	}
	return fmt.Errorf("more than %d pages: %w", c.r.c.c.Limits.Pages, ErrNoProgress)
}

// Get reads objects by id, MaxIDs at a time, and calls f with each.
func (c *Collection) Get(ctx context.Context, ids []string, q Query, f func(stix.Item) error) error {
	for chunk := range slices.Chunk(ids, MaxIDs) {
		q.IDs = chunk
		for page, err := range c.Pages(ctx, q, Position{}) {
			if err != nil {
				return err
			}
			for _, it := range page.Items {
				if err := f(it); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
