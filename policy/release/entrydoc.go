package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"entente/store"
)

// Some documents are about an entry: their id is its log and its Added.

// entryDocID is the id of a document about entry n.
func (r *Releaser) entryDocID(n int32) string {
	f := &r.g.entries[n]
	return string(r.g.logs[f.log].id) + "/" + strconv.FormatInt(int64(f.added), 10)
}

// entryDoc is the document of a kind about entry n, with body as JSON, in the place of
// the one that there is.
func (r *Releaser) entryDoc(ctx context.Context, kind string, n int32, body any) (store.Document, error) {
	d := store.Document{Kind: kind, ID: r.entryDocID(n)}
	was, err := r.c.Store.Document(ctx, kind, d.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return d, err
	}
	d.Rev = was.Rev
	if d.Body, err = json.Marshal(body); err != nil {
		return d, fmt.Errorf("%s: %w", d.ID, err)
	}
	return d, nil
}

// removeEntryDoc removes the document of a kind about entry n, if there is one.
func (r *Releaser) removeEntryDoc(ctx context.Context, kind string, n int32) error {
	d, err := r.c.Store.Document(ctx, kind, r.entryDocID(n))
	if err == nil {
		err = r.c.Store.Remove(ctx, kind, d.ID, d.Rev)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// readEntryDoc reads the body of a document about an entry, JSON, into what to points
// to. here is false if the entry is not there, or no longer. The error wraps
// store.ErrCorrupt.
func (r *Releaser) readEntryDoc(d *store.Document, to any) (n int32, here bool, err error) {
	at := strings.LastIndexByte(d.ID, '/')
	added, err := strconv.ParseInt(d.ID[at+1:], 10, 64)
	if err == nil {
		err = json.Unmarshal(d.Body, to)
	}
	if at < 0 || err != nil {
		return 0, false, fmt.Errorf("%w: document %s about an entry: %w", store.ErrCorrupt, d.ID, err)
	}
	log, known := r.g.byLog[store.LogID(d.ID[:at])]
	if !known {
		return 0, false, nil
	}
	n, here = r.g.at(log, store.Added(added))
	return n, here, nil
}
