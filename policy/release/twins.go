package release

import (
	"context"

	"entente/stix"
)

// twin looks whether entry n and one of the same version on the other side, in the
// collection's log or kept apart for a partner, have equal content: then the partner
// goes on seeing its own copy, and not that of the collection beside it.
func (r *Releaser) twin(ctx context.Context, n int32) error {
	f := &r.g.entries[n]
	l := r.g.logs[f.log]
	if l.copies || len(r.g.ids[f.id].entries) < 2 {
		return nil
	}
	for _, other := range r.g.ids[f.id].entries {
		g := &r.g.entries[other]
		m := r.g.logs[g.log]
		if m.of != l.of || m.copies || (m.partner == "") == (l.partner == "") || !f.sameVersion(g) {
			continue
		}
		a, err := r.object(ctx, n)
		if err != nil {
			return err
		}
		b, err := r.object(ctx, other)
		if err != nil {
			return err
		}
		if !stix.Equal(a, b) {
			continue
		}
		whole, partner := n, m.partner
		if l.partner != "" {
			whole, partner = other, l.partner
		}
		r.g.twins[whole] = append(r.g.twins[whole], partner)
		r.fresh = append(r.fresh, whole)
	}
	return nil
}

// sameVersion reports whether two entries of an object may be one version. Objects
// without versions may: what tells them apart is what they say.
func (f *fact) sameVersion(g *fact) bool {
	return f.version == g.version || f.version == int64(f.added) && g.version == int64(g.added)
}
