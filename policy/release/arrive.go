package release

import (
	"context"
	"fmt"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// definitions are the marking definitions that are held, by who gave them.
type definitions struct{}

func newDefinitions() *definitions { return &definitions{} }

func (r *Releaser) definitions(partner policy.OrgID, objects []stix.Object) *definitions {
	return r.defs
}

// arrive makes the label of an object from a partner; "" is our own people.
func (r *Releaser) arrive(partner policy.OrgID, log store.LogID, o *stix.Object, defs *definitions, at policy.Instant) (policy.Label, string, error) {
	l := policy.Label{Type: o.Type, From: partner, Creator: o.CreatedBy, Originator: partner == "" || r.b.set.Speaks(partner, o.CreatedBy), Revoked: o.Revoked}
	if err := r.in.Inspect(o.Raw, &r.content); err != nil {
		return l, "", err
	}
	for _, m := range r.content.ObjectMarkings {
		l.Level = max(l.Level, levelOf(m))
		l.Editions |= policy.TLP1 | policy.TLP2
	}
	for i := range r.content.Granular {
		l.Granular = max(l.Granular, levelOf(r.content.Granular[i].Marking))
	}
	if partner != "" {
		l.Hops = 1
	}
	if l.Level == policy.LevelNone {
		l.Default = policy.LevelAmberStrict
	}
	return l, "", nil
}

// Own returns the labels of what our own people put into a collection.
func (r *Releaser) Own(ctx context.Context, log store.LogID, objects []stix.Object) ([]store.Label, error) {
	r.mu.Lock()
	sets := make([][]policy.Label, len(objects))
	for i := range objects {
		l, _, err := r.arrive("", log, &objects[i], r.defs, r.now())
		if err != nil {
			r.mu.Unlock()
			return nil, err
		}
		sets[i] = []policy.Label{l}
	}
	r.mu.Unlock()
	return r.labels.intern(ctx, sets)
}

// admit takes an entry into the graph. One without a label is our own people's.
func (r *Releaser) admit(ctx context.Context, log int32, row *store.Row, raw string) (int32, error) {
	label := row.Label
	if label == 0 {
		own, err := r.ownLabel(ctx, log, raw)
		if err != nil {
			return 0, err
		}
		label = own
		r.relabels[log] = append(r.relabels[log], store.Relabel{Added: row.Added, To: label})
	}
	version, err := stix.ParseTimestamp(row.Version)
	if err == nil {
		err = r.in.Inspect(raw, &r.content)
	}
	if err != nil {
		return 0, fmt.Errorf("release: %s: %w", row.ID, err)
	}
	return r.g.add(log, &arrival{added: row.Added, id: row.ID, version: version, label: label, refs: mentions(&r.content)}), nil
}

func (r *Releaser) ownLabel(ctx context.Context, log int32, raw string) (store.Label, error) {
	o, err := stix.Parse(raw)
	if err != nil {
		return 0, err
	}
	l, _, err := r.arrive("", r.g.logs[log].of, &o, r.defs, r.now())
	if err != nil {
		return 0, err
	}
	labels, err := r.labels.intern(ctx, [][]policy.Label{{l}})
	if err != nil {
		return 0, err
	}
	return labels[0], nil
}

// mentions adds to c.Refs the marking definitions that an object needs: these are
// all the ids that must be visible to whoever is to see it.
func mentions(c *stix.Content) []stix.ID {
	add := func(m stix.ID) {
		if _, pinned := stix.TLPByID(m); !pinned && !slices.Contains(c.Refs, m) {
			c.Refs = append(c.Refs, m)
		}
	}
	for _, m := range c.ObjectMarkings {
		add(m)
	}
	for i := range c.Granular {
		add(c.Granular[i].Marking)
	}
	return c.Refs
}

// traits are those of an object.
func (r *Releaser) traits(raw string) *policy.Traits {
	o, err := stix.Parse(raw)
	if err != nil {
		return nil
	}
	c := new(stix.Content)
	if err := r.in.Inspect(raw, c); err != nil {
		return nil
	}
	t := &policy.Traits{Header: &o.Header, Content: c, Consents: r.consented(o.ID)}
	for i := range c.Granular {
		t.Granular = append(t.Granular, policy.PathLevel{Level: levelOf(c.Granular[i].Marking), Selectors: c.Granular[i].Selectors})
	}
	return t
}

func levelOf(m stix.ID) policy.Level {
	if known, ok := stix.TLPByID(m); ok {
		return policy.Level(known.Level)
	}
	return policy.LevelUnknown
}
