package release

import (
	"context"
	"fmt"
	"strconv"

	"entente/policy"
	"entente/store"
)

// kindFlow is the kind of documents that say when a flow first came into force,
// by its key.
const kindFlow = "flow"

// beginnings are when flows first came into force.
type beginnings map[string]policy.Instant

func loadBeginnings(ctx context.Context, st store.Store) (beginnings, error) {
	docs, err := st.Documents(ctx, kindFlow)
	if err != nil {
		return nil, err
	}
	b := beginnings{}
	for _, d := range docs {
		at, err := strconv.ParseInt(string(d.Body), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: beginning of flow %s: %w", store.ErrCorrupt, d.ID, err)
		}
		b[d.ID] = policy.Instant(at)
	}
	return b, nil
}

// since is the instant from which on an object must have come to be newly released
// by f; one that never was in force begins now.
func (b beginnings) since(f *policy.Flow, now policy.Instant) policy.Instant {
	if since := f.Retroactive(); since != policy.Never {
		return since
	}
	if at, ok := b[f.Key()]; ok {
		return at
	}
	return now
}

// fresh are documents for the flows of set that were not in force before.
func (b beginnings) fresh(set *policy.Set, now policy.Instant) []store.Document {
	var docs []store.Document
	for _, f := range set.Flows() {
		if _, known := b[f.Key()]; !known && f.From == set.Us {
			docs = append(docs, store.Document{Kind: kindFlow, ID: f.Key(), Body: strconv.AppendInt(nil, int64(now), 10)})
		}
	}
	return docs
}
