package release

import (
	"context"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A ruling is where decisions are written down: the book and outlook in force,
// or those of a prospect.
type ruling struct {
	b     *book
	o     *outlook
	rel   *masks
	asks  *agenda
	needs *[]need
	left  map[int32]store.Label // of entries some, not all, of whose holdings must go at once: what stays; nil: none
}

func (r *Releaser) inForce() *ruling {
	return &ruling{b: r.b, o: r.o, rel: &r.rel, asks: r.asks, needs: &r.needs}
}

// decide sets the ok and own masks of entry n. raw is its object; it may be "" if
// looks says that nobody has to look at it.
func (r *Releaser) decide(at *ruling, n int32, raw string, now policy.Instant) {
	at.o.grow()
	at.rel.grow(len(r.g.entries))
	if at.o == r.o {
		r.purgeBy(n)
	}
	f := &r.g.entries[n]
	l := r.g.logs[f.log]
	key := at.key(r.g, n)
	found := r.rule(at.b, at.o, key, now)
	ok, own, rel := at.o.ok.of(n), at.o.own.of(n), r.keeping(at, n, now)
	if l.copies {
		return // showCopies decides
	}
	clear(at.o.red.of(n))
	copy(own, found.own)
	if l.apart() { // it is for the one who sent it
		clear(ok)
		return
	}
	for w := range ok {
		ok[w] = (found.ok[w] | found.keep[w]&rel[w]) &^ found.consent[w]
	}
	if found.revoked {
		r.onlyIfSent(at, n, ok)
	}
	if !r.looks(found, n) {
		return
	}
	holdings := at.b.holdings(r.labels, key.label)
	traits := r.traits(n, raw)
	if r.cameOften(n) {
		r.noteCame(at, n, holdings, traits, now)
	}
	until := policy.Never
	look := func(p int) {
		if traits == nil { // what cannot be read is nobody's
			ok[p>>6] &^= 1 << (p & 63)
			return
		}
		best, flows := policy.Best, at.b.sharing(key.log, p, key.era)
		if rel.has(p) {
			best, flows = policy.BestKept, at.b.flows[key.log][p]
		}
		d, flow, _ := best(flows, holdings, traits, now, false)
		ok[p>>6] &^= 1 << (p & 63)
		switch {
		case found.revoked && !r.sent(at, n, p):
		case d.Effect == policy.Permit:
			ok.set(p)
		case d.Effect == policy.Redact:
			at.o.red.of(n).set(p)
			*at.needs = append(*at.needs, need{entry: n, partner: at.o.partners[p], flow: flow, profile: d.Profile})
		case !rel.has(p):
			until = min(until, r.keepCopy(at, n, p, holdings, traits, now))
		}
		until = min(until, d.Until)
	}
	found.asked.each(look)
	found.consent.each(look)
	if until != policy.Never {
		at.asks.add(until, n)
		if at.o == r.o {
			r.sooner(until)
		}
	}
}

// keepCopy lets a partner who may not newly have entry n go on having the redacted
// copy that it was sent, if what it has been shown may stay. It returns when to ask
// again.
func (r *Releaser) keepCopy(at *ruling, n int32, p int, holdings []policy.Label, traits *policy.Traits, now policy.Instant) policy.Instant {
	sent := r.copiesSent(at, n, p)
	if len(sent) == 0 {
		return policy.Never
	}
	d, flow, _ := policy.BestKept(at.b.flows[r.g.byLog[r.g.logs[r.g.entries[n].log].of]][p], holdings, traits, now, false)
	if d.Effect != policy.Withhold {
		at.o.red.of(n).set(p)
		*at.needs = append(*at.needs, need{entry: n, partner: at.o.partners[p], flow: flow, profile: d.Profile, sent: sent, asIs: d.Effect == policy.Permit})
	}
	return d.Until
}

// onlyIfSent keeps a revocation from those who were never sent the object
// (changes.on_revoke): to them it does not exist.
func (r *Releaser) onlyIfSent(at *ruling, n int32, ok mask) {
	ok.each(func(p int) {
		if !r.sent(at, n, p) {
			ok[p>>6] &^= 1 << (p & 63)
		}
	})
}

// sent reports whether a partner was sent a version of the object of entry n, whole
// or as a redacted copy, or has sent one itself, which may be kept apart.
func (r *Releaser) sent(at *ruling, n int32, p int) bool {
	at.rel.grow(len(r.g.entries))
	of := r.g.logs[r.g.entries[n].log].of
	for _, v := range r.g.ids[r.g.entries[n].id].entries {
		if r.g.logs[r.g.entries[v].log].of != of {
			continue
		}
		if at.rel.of(v).has(p) || r.holds(v, partnerOf(at.o.partners[p])) {
			return true
		}
		if len(r.copiesSent(at, v, p)) > 0 {
			return true
		}
	}
	return false
}

// holds reports whether a partner has sent entry n.
func (r *Releaser) holds(n int32, partner policy.OrgID) bool {
	return slices.ContainsFunc(r.labels.of(r.g.entries[n].label), func(h policy.Label) bool { return h.From == partner })
}

// decideRevoked decides again about revocations of the object of entry n, which
// somebody has just sent: to whoever has it they exist. It returns their entries.
func (r *Releaser) decideRevoked(ctx context.Context, n int32, now policy.Instant) ([]int32, error) {
	var again []int32
	l := r.g.logs[r.g.entries[n].log]
	for _, v := range r.g.ids[r.g.entries[n].id].entries {
		f := &r.g.entries[v]
		if v == n || l.copies || r.g.logs[f.log].id != l.of || !slices.ContainsFunc(r.labels.of(f.label), func(h policy.Label) bool { return h.Revoked }) {
			continue
		}
		if err := r.decideAgain(ctx, v, now); err != nil {
			return nil, err
		}
		again = append(again, v)
	}
	return again, nil
}

// key names the rule for an entry.
func (b *book) key(g *graph, f *fact) ruleKey {
	log := g.byLog[g.logs[f.log].of]
	return ruleKey{log, f.label, b.era(log, f.added)}
}

// key names the rule for entry n.
func (at *ruling) key(g *graph, n int32) ruleKey {
	key := at.b.key(g, &g.entries[n])
	if left, ok := at.left[n]; ok {
		key.label = left
	}
	return key
}

// keeping are those who see entry n already and may go on, if what they have been
// shown may stay. Who sees it as what it sent itself has not been shown it: if that
// goes, it is as if it had never been there.
func (r *Releaser) keeping(at *ruling, n int32, now policy.Instant) mask {
	rel, leaving := at.rel.of(n), r.leaving[n]
	if key, left := at.b.key(r.g, &r.g.entries[n]), at.key(r.g, n); key != left {
		leaving = without(r.rule(at.b, at.o, key, now).own, r.rule(at.b, at.o, left, now).own)
	} else if at.o != r.o || leaving == nil {
		return rel
	}
	return without(rel, leaving)
}

// looks reports whether somebody has to look at the object of entry n, which has
// this rule.
func (r *Releaser) looks(found *rule, n int32) bool {
	return !found.asked.empty() || len(r.consents[r.g.entries[n].id]) > 0 && !found.consent.empty() || r.cameOften(n)
}

// passed decides again what time has changed, and returns those entries.
func (r *Releaser) passed(ctx context.Context, now policy.Instant) ([]int32, error) {
	if int64(now) < r.due.Load() {
		return nil, nil
	}
	dirty, err := r.purge(ctx, now)
	if err != nil {
		return nil, err
	}
	changed := map[ruleKey]bool{}
	for key, found := range r.b.rules {
		if now < found.until {
			continue
		}
		again := r.rule(r.b, r.o, key, now)
		if !again.like(found) {
			changed[key] = true
		}
	}
	again := r.asks.due(now)
	if len(changed) > 0 {
		for n := range r.g.entries {
			if changed[r.b.key(r.g, &r.g.entries[n])] {
				again = append(again, int32(n))
			}
		}
		slices.Sort(again)
	}
	for _, n := range slices.Compact(again) {
		if r.g.entries[n].gone {
			continue
		}
		if err := r.decideAgain(ctx, n, now); err != nil {
			return nil, err
		}
		dirty = append(dirty, n)
	}
	r.setDue()
	return dirty, nil
}

// decideAgain decides about an entry that was seen before; it reads the object
// only if some flow has to look at it.
func (r *Releaser) decideAgain(ctx context.Context, n int32, now policy.Instant) error {
	f := &r.g.entries[n]
	found := r.rule(r.b, r.o, r.b.key(r.g, f), now)
	if !r.looks(found, n) {
		r.decide(r.inForce(), n, "", now)
		return nil
	}
	raw, err := r.object(ctx, n)
	if err == nil {
		r.decide(r.inForce(), n, raw, now)
	}
	return err
}

// object reads the object of an entry.
func (r *Releaser) object(ctx context.Context, n int32) (string, error) {
	f := &r.g.entries[n]
	var page store.Page
	q := store.Query{From: f.added - 1, Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: 1, Want: store.WantObjects | store.WantRows}
	if err := r.c.Store.Read(ctx, r.g.logs[f.log].id, &q, &page); err != nil {
		return "", err
	}
	if page.N != 1 || page.First != f.added {
		return "", store.ErrNotFound
	}
	return string(page.Objects), nil
}

// parsed reads the object of an entry, and what its header says.
func (r *Releaser) parsed(ctx context.Context, n int32) (stix.Object, error) {
	raw, err := r.object(ctx, n)
	if err != nil {
		return stix.Object{}, err
	}
	return stix.Parse(raw)
}

// purgeBy makes time be looked at when entry n must go.
func (r *Releaser) purgeBy(n int32) {
	if until := r.retained(n); until < r.purgeDue {
		r.purgeDue = until
		r.sooner(until)
	}
}

// sooner makes time be looked at by until.
func (r *Releaser) sooner(until policy.Instant) {
	if int64(until) < r.due.Load() {
		r.due.Store(int64(until))
	}
}

// setDue works out when time next changes something.
func (r *Releaser) setDue() {
	due := min(r.purgeDue, r.asks.next())
	for _, found := range r.b.rules {
		due = min(due, found.until)
	}
	r.due.Store(int64(due))
}
