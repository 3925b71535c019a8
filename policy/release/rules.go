package release

import (
	"entente/policy"
	"entente/store"
)

// A rule is what the agreements say about all entries of one collection with
// one label.
type rule struct {
	ok      mask // who may newly have such an entry, at most
	keep    mask // who may keep one that was released already; at least ok
	own     mask // who sent it
	asked   mask // of keep: whose flows look at more than the label
	consent mask // of keep: who may have it only if a consent names the object
	until   policy.Instant
}

func newRule(width int) *rule {
	all := make(mask, 5*width)
	cut := func(i int) mask { return all[i*width : (i+1)*width : (i+1)*width] }
	return &rule{ok: cut(0), keep: cut(1), own: cut(2), asked: cut(3), consent: cut(4), until: policy.Never}
}

// like reports whether r and other say the same, and of no object anything else.
func (r *rule) like(other *rule) bool {
	return same(r.ok, other.ok) && same(r.keep, other.keep) && r.asked.empty() && other.asked.empty() && same(r.consent, other.consent)
}

type ruleKey struct {
	log   int32 // of the collection
	label store.Label
}

// A book is one set of agreements as the releaser needs it: the flows of each
// partner by collection, and the rules found so far.
type book struct {
	set   *policy.Set
	flows map[int32][][]*policy.Flow // by log of the collection, by partner
	rules map[ruleKey]*rule
}

// rule returns the rule for a label in a collection, worked out anew when its
// time has passed.
func (r *Releaser) rule(b *book, o *outlook, log int32, label store.Label, now policy.Instant) *rule {
	key := ruleKey{log, label}
	if known := b.rules[key]; known != nil && now < known.until {
		return known
	}
	found := newRule(o.ok.width)
	holdings := r.labels.of(label)
	for _, h := range holdings {
		if p, ok := o.number[h.From]; ok {
			found.own.set(p)
		}
	}
	for p, flows := range b.flows[log] {
		if len(flows) == 0 {
			continue
		}
		fresh, _, _ := policy.Best(flows, holdings, nil, now, false)
		kept, _, _ := policy.BestKept(flows, holdings, nil, now, false)
		found.until = min(found.until, fresh.Until, kept.Until)
		if fresh.Effect != policy.Withhold {
			found.ok.set(p)
		}
		if kept.Effect == policy.Withhold && fresh.Effect == policy.Withhold {
			continue
		}
		found.keep.set(p)
		switch {
		case kept.OnlyConsent:
			found.consent.set(p)
		case kept.PerObject || fresh.PerObject || fresh.Effect == policy.Redact || kept.Effect == policy.Redact:
			found.asked.set(p)
		}
	}
	b.rules[key] = found
	if b == r.b {
		r.stale = true
		r.sooner(found.until)
	}
	return found
}
