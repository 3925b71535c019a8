package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
}

// A copyKey names the copy of an entry for a partner.
type copyKey struct {
	entry   int32
	partner policy.OrgID
}

// copies are the redacted copies under the agreements in force.
type copies struct {
	of   map[copyKey]int32 // the copy's entry
	from map[int32][]int32 // by the copy's entry: whose copy it is; versions that look the same share one
}

func newCopies() *copies {
	return &copies{of: map[copyKey]int32{}, from: map[int32][]int32{}}
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

// redact makes the copies that decisions asked for and returns the entries of
// copies about which settle has to think again. Copies are made once: one that
// is there already is found by its content. The versions of an object take
// turns, because a copy that would look like that of the version before is not
// made.
func (r *Releaser) redact(ctx context.Context) ([]int32, error) {
	needs := r.needs
	r.needs = nil
	var dirty []int32
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
		made, err := r.makeCopies(ctx, now)
		if err != nil {
			return nil, err
		}
		dirty, needs = append(dirty, made...), later
	}
	return dirty, nil
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

// makeCopies makes or finds the copies that are needed, and returns their
// entries. What cannot be redacted has none: it is withheld.
func (r *Releaser) makeCopies(ctx context.Context, needs []need) ([]int32, error) {
	var entries []int32
	fresh := map[store.LogID][]made{}
	for i := range needs {
		if r.g.entries[needs[i].entry].gone {
			continue
		}
		m, err := r.makeCopy(ctx, &needs[i])
		switch {
		case errors.Is(err, stix.ErrUnredactable):
		case err != nil:
			return nil, err
		case m.entry >= 0:
			r.remember(&needs[i], m.entry)
			entries = append(entries, m.entry)
		default:
			of := r.g.logs[r.g.entries[needs[i].entry].log].of
			log := redactedFor(needs[i].partner, of)
			r.g.logs[r.g.log(log, of, needs[i].partner)].copies = true
			fresh[log] = append(fresh[log], m)
		}
	}
	for log, list := range fresh {
		kept, err := r.keepCopies(ctx, log, list)
		if err != nil {
			return nil, err
		}
		entries = append(entries, kept...)
	}
	return entries, nil
}

// A made copy is at an entry, or, if that is -1, still to be stored.
type made struct {
	*need
	entry int32
	copy  stix.Object
}

func (r *Releaser) makeCopy(ctx context.Context, need *need) (made, error) {
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
	if n, err := r.sameAsBefore(ctx, need, raw, p); n >= 0 || err != nil {
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
		p.CreatedBy = r.b.set.Us
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

// sameAsBefore returns the copy of the version before, if what is left of this
// one is the same, else -1: a copy does not tell that something has changed which
// it does not show.
func (r *Releaser) sameAsBefore(ctx context.Context, need *need, raw string, p *stix.Projection) (int32, error) {
	n, ok := r.copies.of[copyKey{r.before(need.entry), need.partner}]
	if !ok {
		return -1, nil
	}
	text, err := r.object(ctx, n)
	if err != nil {
		return -1, err
	}
	old, err := stix.Parse(text)
	if err != nil {
		return -1, err
	}
	again := *p
	again.Modified = old.Modified
	if now, err := stix.Project(raw, &again); err != nil || now != text {
		return -1, nil // if it cannot be redacted, makeCopy finds out
	}
	return n, nil
}

// keepCopies stores copies and takes them into the graph.
func (r *Releaser) keepCopies(ctx context.Context, log store.LogID, list []made) ([]int32, error) {
	batch := store.Batch{Log: log, At: r.c.Now()}
	for i := range list {
		batch.Objects = append(batch.Objects, list[i].copy)
		batch.Labels = append(batch.Labels, r.g.entries[list[i].need.entry].label)
	}
	receipt, err := r.c.Store.Commit(ctx, &batch)
	if err != nil {
		return nil, err
	}
	if err := r.followAll(ctx, log); err != nil {
		return nil, err
	}
	var entries []int32
	for i, out := range receipt.Outcomes {
		if out != store.Stored && out != store.Duplicate {
			r.c.Log.Warn("a redacted copy contradicts one that was made before: withheld", slog.String("log", string(log)), slog.String("object", string(list[i].copy.ID)))
			continue
		}
		n, ok := r.g.at(r.g.byLog[log], receipt.Added[i])
		if !ok {
			return nil, fmt.Errorf("%w: redacted copy %s is not where it was stored", store.ErrCorrupt, list[i].copy.ID)
		}
		r.remember(list[i].need, n)
		entries = append(entries, n)
	}
	return entries, nil
}

// remember remembers that n is the copy that was needed.
func (r *Releaser) remember(need *need, n int32) {
	key := copyKey{need.entry, need.partner}
	if r.copies.of[key] == n && slices.Contains(r.copies.from[n], need.entry) {
		return
	}
	r.copies.of[key] = n
	r.copies.from[n] = append(r.copies.from[n], need.entry)
}

// showCopies sets who may have copies: the partner, as long as the decision about
// one of their sources is to redact, and nothing newer of the source is withheld.
// It returns the copies of entries, whose ok masks were set before.
func (r *Releaser) showCopies(o *outlook, entries []int32) []int32 {
	if len(r.copies.of) == 0 {
		return nil
	}
	seen := map[int32]bool{}
	var all []int32
	for _, e := range entries {
		for _, v := range append(r.g.versions(e), e) {
			for _, p := range o.partners {
				if n, ok := r.copies.of[copyKey{v, p}]; ok && !seen[n] {
					seen[n] = true
					all = append(all, n)
				}
			}
		}
	}
	o.grow()
	for _, n := range all {
		p, ok := o.number[r.g.logs[r.g.entries[n].log].partner]
		may := o.ok.of(n)
		clear(may)
		for _, source := range r.copies.from[n] {
			if ok && !r.g.entries[source].gone && o.red.of(source).has(p) && o.allows(o.newest(source), p) {
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
