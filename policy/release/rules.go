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
	revoked bool // the object is revoked
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
	era   int
}

// A book is one set of agreements as the releaser needs it: the flows of each
// partner by collection, and the rules found so far.
type book struct {
	set   *policy.Set
	flows map[int32][][]*policy.Flow // by log of the collection, by partner
	since map[*policy.Flow]policy.Instant
	eras  map[int32][]policy.Instant // by log: when flows begin to share what comes in, in order
	rules map[ruleKey]*rule

	staying [][]policy.Label // the holdings of the labels from MaxLabels+1 on, which only decisions of the moment have
}

// holdings are those that a label stands for.
func (b *book) holdings(l *labels, n store.Label) []policy.Label {
	if n > MaxLabels {
		return b.staying[n-MaxLabels-1]
	}
	return l.of(n)
}

// unheld notes who may see what mentions an id that nobody holds: those all of
// whose flows say so.
func (b *book) unheld(o *outlook) {
	for p := range o.partners {
		all, any := true, false
		for _, flows := range b.flows {
			for _, f := range flows[p] {
				all, any = all && f.Dangling(), true
			}
		}
		if all && any {
			o.unheld.set(p)
		}
	}
}

// era is in which stretch of time between the beginnings of flows something came.
func (b *book) era(log int32, added store.Added) int {
	n := 0
	for _, since := range b.eras[log] {
		if int64(added) >= int64(since) {
			n++
		}
	}
	return n
}

// sharing are the flows to a partner that share what came in an era.
func (b *book) sharing(log int32, partner, era int) []*policy.Flow {
	all := b.flows[log][partner]
	eras := b.eras[log]
	if era == len(eras) {
		return all
	}
	var some []*policy.Flow
	for _, f := range all {
		if b.since[f] < eras[era] {
			some = append(some, f)
		}
	}
	return some
}

// rule returns a rule, worked out anew when its time has passed.
func (r *Releaser) rule(b *book, o *outlook, key ruleKey, now policy.Instant) *rule {
	if known := b.rules[key]; known != nil && now < known.until {
		return known
	}
	found := newRule(o.ok.width)
	holdings := b.holdings(r.labels, key.label)
	for _, h := range holdings {
		found.revoked = found.revoked || h.Revoked
		for _, who := range []policy.OrgID{h.From, recipient(h.From, true)} {
			if p, ok := o.number[who]; ok {
				found.own.set(p)
			}
		}
	}
	for p, kept := range b.flows[key.log] {
		if len(kept) == 0 {
			continue
		}
		fresh, _, _ := policy.Best(b.sharing(key.log, p, key.era), holdings, nil, now, false)
		kept, _, _ := policy.BestKept(kept, holdings, nil, now, false)
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
