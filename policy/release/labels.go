package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"entente/policy"
	"entente/store"
)

// MaxLabels is how many labels there may be. Labels are few, unless somebody
// makes them on purpose: then what would need another is refused.
const MaxLabels = 1 << 20

// ErrLabels: there are MaxLabels labels.
var ErrLabels = errors.New("too many different labels")

const kindLabel = "label"

// labels numbers the sets of holdings that entries have. A store.Label is such a
// number, from 1; the sets are documents of the store and never change. All
// methods may be called concurrently.
type labels struct {
	st store.Store

	mu     sync.RWMutex // guards what follows
	sets   [][]policy.Label
	byText map[string]store.Label
}

// text is the canonical form of a set of holdings; it sorts the set.
func text(set []policy.Label) (string, error) {
	parts := make([]string, len(set))
	for i := range set {
		b, err := json.Marshal(&set[i])
		if err != nil {
			return "", fmt.Errorf("label: %w", err)
		}
		parts[i] = string(b)
	}
	slices.Sort(parts)
	return "[" + strings.Join(slices.Compact(parts), ",") + "]", nil
}

// load reads the labels that are in the store and not yet here.
func (l *labels) load(ctx context.Context) error {
	docs, err := l.st.Documents(ctx, kindLabel)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sets := make([][]policy.Label, len(docs))
	byText := make(map[string]store.Label, len(docs))
	for _, d := range docs {
		n, err := strconv.ParseUint(d.ID, 10, 32)
		if err != nil || n < 1 || n > uint64(len(docs)) {
			return fmt.Errorf("%w: label %q of %d", store.ErrCorrupt, d.ID, len(docs))
		}
		if err := json.Unmarshal(d.Body, &sets[n-1]); err != nil {
			return fmt.Errorf("%w: label %s: %w", store.ErrCorrupt, d.ID, err)
		}
		byText[string(d.Body)] = store.Label(n)
	}
	l.sets, l.byText = sets, byText
	return nil
}

// of returns the holdings that a label stands for; nil for no label and for one
// that is not known.
func (l *labels) of(n store.Label) []policy.Label {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if n == 0 || int(n) > len(l.sets) {
		return nil
	}
	return l.sets[n-1]
}

// count is how many labels there are.
func (l *labels) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.sets)
}

// intern returns the labels of sets. Those that are new are durable when it
// returns: an entry must never have a label that nobody can read.
func (l *labels) intern(ctx context.Context, sets [][]policy.Label) ([]store.Label, error) {
	out := make([]store.Label, len(sets))
	texts := make([]string, len(sets))
	for i := range sets {
		var err error
		if texts[i], err = text(sets[i]); err != nil {
			return nil, err
		}
	}
	for {
		docs := l.missing(texts, out)
		if len(docs) == 0 {
			return out, nil
		}
		if l.count()+len(docs) > MaxLabels {
			return nil, ErrLabels
		}
		_, err := l.st.Commit(ctx, &store.Batch{Put: docs})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
		if err := l.load(ctx); err != nil {
			return nil, err
		}
	}
}

// missing fills in what is known already, and returns documents for the rest.
func (l *labels) missing(texts []string, out []store.Label) []store.Document {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var docs []store.Document
	fresh := map[string]bool{}
	for i, t := range texts {
		if out[i] = l.byText[t]; out[i] != 0 || fresh[t] {
			continue
		}
		fresh[t] = true
		docs = append(docs, store.Document{Kind: kindLabel, ID: strconv.Itoa(len(l.sets) + len(docs) + 1), Body: []byte(t)})
	}
	return docs
}

// union is the label of the holdings of both.
func (l *labels) union(ctx context.Context, a, b store.Label) (store.Label, error) {
	set := append(slices.Clone(l.of(a)), l.of(b)...)
	out, err := l.intern(ctx, [][]policy.Label{set})
	if err != nil {
		return 0, err
	}
	return out[0], nil
}
