package release

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"entente/policy"
	"entente/store"
)

// kindCame is the kind of documents that say when the later holdings of an entry
// came: one document an entry that has any, by collection and Added.
const kindCame = "came"

// A cameDoc is a joining as it is stored.
type cameDoc struct {
	From   policy.OrgID `json:"from,omitempty"`
	Before store.Added  `json:"before"` // what is in the collection's log from here on came later
	Turn   int32        `json:"turn"`   // what has a lower one came before
}

// cameDocs are the documents of entries of a log that were given holdings.
func (r *Releaser) cameDocs(ctx context.Context, entries []int32) ([]store.Document, error) {
	var docs []store.Document
	for i, n := range entries {
		if len(r.g.later[n]) == 0 || slices.Contains(entries[:i], n) {
			continue
		}
		l := r.g.logs[r.g.entries[n].log]
		var list []cameDoc
		for _, j := range r.g.later[n] {
			c := cameDoc{From: j.from, Before: l.seen + 1, Turn: j.turn}
			if at, _ := slices.BinarySearch(l.byAdded, j.at); at < len(l.byAdded) {
				c.Before = r.g.entries[l.byAdded[at]].added
			}
			list = append(list, c)
		}
		d, err := r.entryDoc(ctx, kindCame, n, list)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// loadCame notes in the graph when later holdings came.
func (r *Releaser) loadCame(ctx context.Context) error {
	docs, err := r.c.Store.Documents(ctx, kindCame)
	if err != nil {
		return err
	}
	for i := range docs {
		var list []cameDoc
		n, here, err := r.readEntryDoc(&docs[i], &list)
		if err != nil {
			return fmt.Errorf("when holdings came: %w", err)
		}
		if !here {
			continue
		}
		for _, c := range list {
			r.g.later[n] = append(r.g.later[n], joining{c.From, r.g.firstFrom(r.g.entries[n].log, c.Before), c.Turn})
			r.g.turns = max(r.g.turns, c.Turn)
		}
	}
	return nil
}

// firstFrom is the first entry of a log from an Added on; what would follow the last
// one, if there is none.
func (g *graph) firstFrom(log int32, added store.Added) int32 {
	list := g.logs[log].byAdded
	at, _ := slices.BinarySearchFunc(list, added, func(n int32, a store.Added) int { return cmp.Compare(g.entries[n].added, a) })
	if at < len(list) {
		return list[at]
	}
	return list[len(list)-1] + 1
}

// forgetCame removes the document of an entry that is no longer there.
func (r *Releaser) forgetCame(ctx context.Context, n int32) error {
	if len(r.g.later[n]) == 0 {
		return nil
	}
	return r.removeEntryDoc(ctx, kindCame, n)
}

// cameOften reports whether entry n has no version and was sent by several: which of
// the contents of its object is the newest depends on who may have which copy.
func (r *Releaser) cameOften(n int32) bool {
	f := &r.g.entries[n]
	return len(r.g.later[n]) > 0 && f.version == int64(f.added)
}

// noteCame notes when such an entry came, for each partner.
func (r *Releaser) noteCame(at *ruling, n int32, holdings []policy.Label, traits *policy.Traits, now policy.Instant) {
	came := make([]moment, len(at.o.partners))
	log := at.b.key(r.g, &r.g.entries[n]).log
	for p := range came {
		came[p] = r.cameUnder(at.b.flows[log][p], partnerOf(at.o.partners[p]), n, holdings, traits, now)
	}
	at.o.came[n] = came
}

// cameUnder is when the first of the holdings of entry n came that a partner may have
// by flows; when the first of all did, if it may have none.
func (r *Releaser) cameUnder(flows []*policy.Flow, partner policy.OrgID, n int32, holdings []policy.Label, traits *policy.Traits, now policy.Instant) moment {
	first := moment(math.MaxInt64)
	for i := range holdings {
		h := &holdings[i]
		d, _, _ := policy.Best(flows, holdings[i:i+1], traits, now, false)
		if d.Effect != policy.Withhold && traits != nil || h.From == partner {
			first = min(first, r.g.came(n, h.From))
		}
	}
	if first == math.MaxInt64 {
		return cameItself(n)
	}
	return first
}
