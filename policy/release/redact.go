package release

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// redactedFor names the log of the copies that a partner gets of objects of a
// collection which it may not see whole.
func redactedFor(partner policy.OrgID, log store.LogID) store.LogID {
	return "redacted/" + store.LogID(partner) + "/" + log
}

// A need is a copy that a partner has to get of an entry.
type need struct {
	entry   int32
	partner policy.OrgID
	flow    *policy.Flow
	profile policy.Profile
	sent    []int32 // if not nil, it may only be one of these, which the partner was sent
	asIs    bool    // one of sent will do as it is: even the whole entry might stay
}

// A copyKey names the copy of an entry for a partner.
type copyKey struct {
	entry   int32
	partner policy.OrgID
}

// copies are the redacted copies under a set of agreements.
type copies struct {
	of   map[copyKey]int32 // the copy's entry
	from map[int32][]int32 // by the copy's entry: whose copy it is; versions that look the same share one
	left []int32           // copies that were forgotten and about which showCopies has to think again
	news []link            // copies that were remembered, to be linked to what they were made of
	keeper
}

func newCopies(k keeper) *copies {
	return &copies{of: map[copyKey]int32{}, from: map[int32][]int32{}, keeper: k}
}

// loadSecret returns the secret that names copies; the first to need it makes it.
func loadSecret(ctx context.Context, st store.Store, random io.Reader) ([]byte, error) {
	const kind, id = "secret", "redaction"
	for {
		doc, err := st.Document(ctx, kind, id)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return doc.Body, err
		}
		secret := make([]byte, 32)
		if _, err := io.ReadFull(random, secret); err != nil {
			return nil, err
		}
		_, err = st.Put(ctx, store.Document{Kind: kind, ID: id, Body: secret})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
	}
}

// redact makes the copies that decisions asked for, notes them in c and returns
// the entries whose copies they are, in order. Copies are made once: one that is
// there already is found by its content. The versions of an object take turns,
// because a copy that would look like that of the version before is not made.
func (r *Releaser) redact(ctx context.Context, c *copies, needs []need) ([]int32, error) {
	var sources []int32
	for i := range needs {
		sources = append(sources, needs[i].entry)
		c.forget(&needs[i])
	}
	for len(needs) > 0 {
		waiting := map[copyKey]bool{}
		for i := range needs {
			waiting[copyKey{needs[i].entry, needs[i].partner}] = true
		}
		var now, later []need
		for _, n := range needs {
			if before := r.before(n.entry); before >= 0 && waiting[copyKey{before, n.partner}] {
				later = append(later, n)
				continue
			}
			now = append(now, n)
		}
		if err := r.makeCopies(ctx, c, now); err != nil {
			return nil, err
		}
		needs = later
	}
	slices.Sort(sources)
	return slices.Compact(sources), nil
}

// before is the version before entry n in its log, -1 if there is none.
func (r *Releaser) before(n int32) int32 {
	before := int32(-1)
	for _, v := range r.g.versions(n) {
		if v != n && r.g.newer(n, v) && (before < 0 || r.g.newer(v, before)) {
			before = v
		}
	}
	return before
}

// makeCopies makes or finds the copies that are needed. What cannot be redacted
// has none: it is withheld.
func (r *Releaser) makeCopies(ctx context.Context, c *copies, needs []need) error {
	fresh := map[store.LogID][]made{}
	for i := range needs {
		if r.g.entries[needs[i].entry].gone {
			continue
		}
		m, err := r.findCopy(ctx, c, &needs[i])
		switch {
		case errors.Is(err, stix.ErrUnredactable):
		case err != nil:
			return err
		case m.entry >= 0:
			c.remember(&needs[i], m.entry)
		case needs[i].sent != nil:
		default:
			of := r.g.logs[r.g.entries[needs[i].entry].log].of
			log := redactedFor(needs[i].partner, of)
			r.g.logs[r.g.log(log, of, needs[i].partner)].copies = true
			fresh[log] = append(fresh[log], m)
		}
	}
	for _, log := range slices.Sorted(maps.Keys(fresh)) {
		kept, err := c.keep(ctx, log, fresh[log])
		if err != nil {
			return err
		}
		for i, n := range kept {
			if n >= 0 {
				c.remember(fresh[log][i].need, n)
			}
		}
	}
	return nil
}

// A made copy is at an entry, or, if that is -1, still to be stored; not if only one
// that was sent will do.
type made struct {
	*need
	entry int32
	copy  stix.Object
}

func (r *Releaser) findCopy(ctx context.Context, c *copies, need *need) (made, error) {
	if need.asIs {
		return made{need: need, entry: need.sent[len(need.sent)-1]}, nil
	}
	raw, err := r.object(ctx, need.entry)
	if err != nil {
		return made{}, err
	}
	source, err := stix.Parse(raw)
	if err != nil {
		return made{}, err
	}
	p := r.projection(&source, need)
	if p.Strip, err = r.present(raw, p.Strip); err != nil {
		return made{}, err
	}
	if need.sent != nil {
		n, err := r.sameAsAny(ctx, c, need.sent, raw, p)
		return made{need: need, entry: n}, err
	}
	if n, err := r.sameAsAny(ctx, c, r.copiesBefore(c, need), raw, p); n >= 0 || err != nil {
		return made{need: need, entry: n}, err
	}
	text, err := stix.Project(raw, p)
	if err != nil {
		return made{}, err
	}
	copied, err := stix.Parse(text)
	return made{need: need, entry: -1, copy: copied}, err
}

func (r *Releaser) projection(source *stix.Object, need *need) *stix.Projection {
	profile := &need.profile
	p := &stix.Projection{
		Strip: profile.Strip, Placeholder: profile.Placeholder, TruncateTimes: profile.TruncateTimes,
		ID: stix.RedactedID(r.secret, source.ID, profile.Scope, need.flow.Name), Modified: source.Modified,
		DropLabels: func(l string) bool { return slices.Contains(profile.DropLabels, l) },
		DropHost:   func(h string) bool { return slices.Contains(profile.DropHosts, h) },
	}
	if !profile.Anonymise {
		p.CreatedBy = r.set.Us
	}
	return p
}

// present are those of selectors that select something: a flow may strip what
// some objects do not have.
func (r *Releaser) present(raw string, selectors []string) ([]string, error) {
	if err := r.in.Inspect(raw, &r.content); err != nil {
		return nil, err
	}
	var left []string
	for _, text := range selectors {
		s, err := stix.ParseSelector(text)
		if err != nil {
			return nil, err
		}
		if _, ok := r.in.Select(s); ok {
			left = append(left, text)
		}
	}
	return left, nil
}

// copiesBefore are copies that will do, if they are the same: those that were made of
// the entry, which stay when a version before it goes, and, first of all, that of the
// version before. A copy does not tell that something has changed which it does not show.
func (r *Releaser) copiesBefore(c *copies, need *need) []int32 {
	var list []int32
	for _, n := range r.g.copies[need.entry] {
		if r.g.logs[r.g.entries[n].log].partner == need.partner {
			list = append(list, n)
		}
	}
	if n, ok := c.of[copyKey{r.before(need.entry), need.partner}]; ok {
		list = append(list, n)
	}
	return list
}

// sameAsAny returns the last of copies that is what is left of an object, but for
// when that was modified; -1 if none is.
func (r *Releaser) sameAsAny(ctx context.Context, c *copies, copies []int32, raw string, p *stix.Projection) (int32, error) {
	for _, n := range slices.Backward(copies) {
		text, err := c.text(ctx, n)
		if err != nil {
			return -1, err
		}
		old, err := stix.Parse(text)
		if err != nil {
			return -1, err
		}
		again := *p
		again.Modified = old.Modified
		if now, err := stix.Project(raw, &again); err == nil && now == text { // if it cannot be redacted, findCopy finds out
			return n, nil
		}
	}
	return -1, nil
}

// forget forgets the copy that there was: now another is needed, or the same, and
// maybe it cannot be made.
func (c *copies) forget(need *need) {
	key := copyKey{need.entry, need.partner}
	if n, ok := c.of[key]; ok {
		delete(c.of, key)
		c.from[n] = deleteEntry(c.from[n], need.entry)
		c.left = append(c.left, n)
	}
}

// lose forgets a copy for a partner that has gone.
func (c *copies) lose(n int32, partner policy.OrgID) {
	for _, source := range c.from[n] {
		delete(c.of, copyKey{source, partner})
	}
	delete(c.from, n)
}

// remember remembers that n is the copy that was needed.
func (c *copies) remember(need *need, n int32) {
	key := copyKey{need.entry, need.partner}
	if c.of[key] == n && slices.Contains(c.from[n], need.entry) {
		return
	}
	c.of[key] = n
	c.from[n] = append(c.from[n], need.entry)
	c.news = append(c.news, link{n, need.entry})
}

// showCopies sets who may have copies: the partner, as long as the decision about
// one of their sources is to redact, and nothing newer of the source is withheld.
// It returns the copies of entries, whose ok masks were set before, and those that
// were forgotten.
func (o *outlook) showCopies(c *copies, entries []int32) []int32 {
	if len(c.of)+len(c.left) == 0 {
		return nil
	}
	seen := map[int32]bool{}
	all := c.left
	c.left = nil
	for _, n := range all {
		seen[n] = true
	}
	for _, e := range entries {
		for _, v := range append(o.g.versions(e), e) {
			for _, p := range o.partners {
				if n, ok := c.of[copyKey{v, p}]; ok && !seen[n] {
					seen[n] = true
					all = append(all, n)
				}
			}
		}
	}
	o.grow()
	for _, n := range all {
		p, ok := o.number[o.g.logs[o.g.entries[n].log].partner]
		may := o.ok.of(n)
		clear(may)
		for _, source := range c.from[n] {
			if ok && !o.g.entries[source].gone && o.red.of(source).has(p) && o.allows(o.newestFor(source, p), p) {
				may.set(p)
			}
		}
	}
	return all
}

// allows reports whether the decision about an entry lets a partner have it, or a
// copy of it.
func (o *outlook) allows(n int32, p int) bool {
	return o.ok.of(n).has(p) || o.red.of(n).has(p) || o.own.of(n).has(p)
}
