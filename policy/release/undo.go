package release

import (
	"context"

	"entente/stix"
)

// undo takes what came into the graph since a mark, all of it from d and not yet
// stored, out again with all that follows.
func (r *Releaser) undo(ctx context.Context, was *mark, d *deposit) error {
	var dirty []int32
	for n := int32(len(r.g.entries)) - 1; n >= int32(was.entries); n-- {
		dirty = append(append(dirty, n), r.g.versions(n)...)
		r.g.remove(n)
	}
	r.needs = nil // there were none before
	if err := r.settle(ctx, dirty); err != nil {
		return r.fail(err)
	}
	r.g.backTo(*was)
	for i := range d.objects {
		r.g.cutID(was, d.objects[i].ID)
		for _, ref := range d.found[i].refs {
			r.g.cutID(was, ref)
		}
	}
	r.g.ids = r.g.ids[:was.ids]
	r.o.cut()
	r.rel.cut(was.entries)
	r.asks.cut(was.entries)
	return nil
}

// cutID forgets an id that was not known at a mark.
func (g *graph) cutID(was *mark, id stix.ID) {
	k := g.key(id)
	if n, ok := g.byID[k]; ok && int(n) >= was.ids {
		delete(g.byID, k)
	}
}

// cut forgets what is no longer in the graph.
func (o *outlook) cut() {
	for _, m := range []*masks{&o.ok, &o.red, &o.own, &o.vis, &o.shown} {
		m.cut(len(o.g.entries))
	}
	o.idVis.cut(len(o.g.ids))
	o.used.cut(len(o.g.ids))
	o.stamp = o.stamp[:len(o.g.entries)]
	o.touched = o.touched[:0]
}

// cut leaves n masks; those that grow makes instead of the others are empty.
func (m *masks) cut(n int) { m.words = m.words[:min(len(m.words), n*m.width)] }
