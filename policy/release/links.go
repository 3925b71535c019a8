package release

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"entente/store"
)

// kindCopy is the kind of documents that say what a redacted copy was made of: one
// document a copy, by its log and Added. It is written with the first release of the
// copy, so that whoever has a copy is known to have it, and holds the Added values of
// entries of the collection's log.
const kindCopy = "copy"

// A link says of which entry a redacted copy was made.
type link struct{ copy, source int32 }

// link notes that a copy was made of an entry; it reports whether that is new.
func (g *graph) link(l link) bool {
	if slices.Contains(g.sources[l.copy], l.source) {
		return false
	}
	g.sources[l.copy] = append(g.sources[l.copy], l.source)
	g.copies[l.source] = append(g.copies[l.source], l.copy)
	return true
}

// unlink forgets what a copy was made of.
func (g *graph) unlink(n int32) {
	for _, source := range g.sources[n] {
		if g.copies[source] = deleteEntry(g.copies[source], n); len(g.copies[source]) == 0 {
			delete(g.copies, source)
		}
	}
	delete(g.sources, n)
}

// link links the copies that were remembered to what they were made of.
func (r *Releaser) link() {
	for _, l := range r.copies.news {
		if r.g.link(l) {
			r.unwritten[l.copy] = true
		}
	}
	r.copies.news = nil
}

// copiesSent are the redacted copies of entry n that a partner was sent and has.
func (r *Releaser) copiesSent(at *ruling, n int32, p int) []int32 {
	var sent []int32
	for _, c := range r.g.copies[n] {
		if at.rel.of(c).has(p) {
			sent = append(sent, c)
		}
	}
	return sent
}

// orphaned reports whether entry n is a redacted copy, and nothing that it was made of,
// or is the copy of now, is here any longer.
func (r *Releaser) orphaned(n int32) bool {
	here := func(source int32) bool { return !r.g.entries[source].gone }
	return r.g.logs[r.g.entries[n].log].copies && !slices.ContainsFunc(r.g.sources[n], here) && !slices.ContainsFunc(r.copies.from[n], here)
}

// deleteCopies deletes the redacted copies, for whomever, of entry n, which has gone;
// not those that are copies of another version, too.
func (r *Releaser) deleteCopies(ctx context.Context, n int32) error {
	for _, c := range slices.Clone(r.g.copies[n]) {
		if r.orphaned(c) {
			if err := r.deleteCopy(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteCopy deletes a redacted copy. What it was made of is forgotten first: then a
// crash leaves an orphan, and no document about nothing.
func (r *Releaser) deleteCopy(ctx context.Context, n int32) error {
	o, err := r.parsed(ctx, n)
	if err != nil {
		return err
	}
	if err := r.removeEntryDoc(ctx, kindCopy, n); err != nil {
		return err
	}
	if err := r.delete(ctx, n, &o); err != nil {
		return err
	}
	r.g.unlink(n)
	delete(r.unwritten, n)
	r.copies.lose(n, r.g.logs[r.g.entries[n].log].partner)
	r.fresh = append(r.fresh, n)
	return nil
}

// linkDocs are the documents of the copies that the store does not know of yet.
func (r *Releaser) linkDocs(ctx context.Context) ([]store.Document, error) {
	var docs []store.Document
	for _, n := range slices.Sorted(maps.Keys(r.unwritten)) {
		var list []store.Added
		for _, source := range r.g.sources[n] {
			list = append(list, r.g.entries[source].added)
		}
		d, err := r.entryDoc(ctx, kindCopy, n, list)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// loadLinks notes in the graph what redacted copies were made of.
func (r *Releaser) loadLinks(ctx context.Context) error {
	docs, err := r.c.Store.Documents(ctx, kindCopy)
	if err != nil {
		return err
	}
	for i := range docs {
		var list []store.Added
		n, here, err := r.readEntryDoc(&docs[i], &list)
		if err != nil {
			return fmt.Errorf("what redacted copies were made of: %w", err)
		}
		if !here {
			continue
		}
		for _, a := range list {
			if source, held := r.g.at(r.g.byLog[r.g.logs[r.g.entries[n].log].of], a); held {
				r.g.link(link{n, source})
			}
		}
	}
	return nil
}
