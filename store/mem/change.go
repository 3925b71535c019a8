package mem

import (
	"fmt"
	"slices"

	"entente/stix"
	"entente/store"
)

// A change is what a Batch makes of the logs. It is worked out first, and
// applied when nothing can fail any more.
type change struct {
	s        *Store
	batch    *store.Batch
	log      *log                    // batch.Log, perhaps not in s yet
	where    []*entry                // of batch.Objects: the entry that is stored now, nil if none
	stored   []*entry                // those of them that are new
	labels   map[*object]store.Label // those that change
	releases map[store.LogID]*release
}

// A release is what a Batch makes of one release log.
type release struct {
	log   *log             // perhaps not in the Store yet
	drop  map[*object]bool // of those that log has
	move  []moving         // of those that log has, none twice
	add   []*object
	isNew map[*object]bool // those of add
	first store.Added      // of add
}

// A moving is an entry of a release log that becomes that of another object.
type moving struct{ was, now *object }

func newLog() *log { return &log{byID: map[stix.ID][]*entry{}} }

// change works out b: objects, labels, release logs. It changes nothing.
func (s *Store) change(b *store.Batch) (*change, store.Receipt, error) {
	c := &change{s: s, batch: b, log: s.logs[b.Log], labels: map[*object]store.Label{}, releases: map[store.LogID]*release{}}
	if c.log == nil {
		c.log = newLog()
	}
	if c.log.releases && len(b.Objects)+len(b.Relabel) > 0 {
		return nil, store.Receipt{}, fmt.Errorf("%w: objects or labels for %q, which is a release log", store.ErrInvalid, b.Log)
	}
	r, err := c.decide()
	if err != nil {
		return nil, store.Receipt{}, err
	}
	if err := c.relabel(); err != nil {
		return nil, store.Receipt{}, err
	}
	for i := range b.Releases {
		if err := c.release(&b.Releases[i]); err != nil {
			return nil, store.Receipt{}, err
		}
	}
	for _, r := range c.releases {
		if len(r.add) == 0 {
			continue
		}
		if r.first, err = store.Number(r.log.head, b.At, len(r.add)); err != nil {
			return nil, store.Receipt{}, err
		}
	}
	for i, e := range c.where {
		if e != nil {
			r.Added[i], r.Labels[i] = e.added, c.label(e.object)
		}
	}
	if !r.Foreseen(b, c.log.head) {
		return nil, store.Receipt{}, store.ErrConflict
	}
	return c, r, nil
}

// decide says what becomes of the objects and sets where and stored. The
// receipt lacks what is known of stored entries.
func (c *change) decide() (store.Receipt, error) {
	b := c.batch
	r := store.Receipt{
		Outcomes: make([]store.Outcome, len(b.Objects)),
		Added:    make([]store.Added, len(b.Objects)),
		Labels:   make([]store.Label, len(b.Objects)),
	}
	c.where = make([]*entry, len(b.Objects))
	versions := map[stix.ID][]*entry{} // of the objects in b, with those of b so far
	for i := range b.Objects {
		o := clone(b.Objects[i])
		if versions[o.ID] == nil {
			versions[o.ID] = slices.Clone(c.log.byID[o.ID])
		}
		var at int
		if r.Outcomes[i], at = store.Judge(&o, objects(versions[o.ID])); at >= 0 {
			c.where[i] = versions[o.ID][at]
		}
		if r.Outcomes[i] == store.Stored {
			e := &entry{object: &object{of: b.Log, obj: o, own: o.Version()}}
			if b.Labels != nil {
				e.label = b.Labels[i]
			}
			c.where[i] = e
			versions[o.ID] = append(versions[o.ID], e)
			c.stored = append(c.stored, e)
		}
	}
	if len(c.stored) == 0 {
		return r, nil
	}
	first, err := store.Number(c.log.head, b.At, len(c.stored))
	for i, e := range c.stored {
		e.added = first + store.Added(i)
		e.at = e.added
	}
	return r, err
}

func objects(entries []*entry) []*stix.Object {
	list := make([]*stix.Object, len(entries))
	for i, e := range entries {
		list[i] = &e.obj
	}
	return list
}

// label is what c makes of o's label.
func (c *change) label(o *object) store.Label {
	if l, ok := c.labels[o]; ok {
		return l
	}
	return o.label
}

func (c *change) relabel() error {
	for _, r := range c.batch.Relabel {
		o := c.find(c.batch.Log, r.Added)
		if o == nil {
			continue
		}
		if c.label(o) != r.From {
			return store.ErrConflict
		}
		c.labels[o] = r.To
	}
	return nil
}

// find returns an object of a log of objects, also one that c adds; nil if it
// is not there.
func (c *change) find(id store.LogID, added store.Added) *object {
	if l := c.s.logs[id]; l != nil {
		if i, ok := l.position(added); ok {
			return l.entries[i].object
		}
	}
	if id == c.batch.Log {
		for _, e := range c.stored {
			if e.added == added {
				return e.object
			}
		}
	}
	return nil
}

func (c *change) release(rel *store.Release) error {
	if of := c.s.logs[rel.Of]; of != nil && of.releases {
		return fmt.Errorf("%w: release of %q, which is a release log", store.ErrInvalid, rel.Of)
	}
	r := c.releases[rel.Log]
	if r == nil {
		r = &release{log: c.s.logs[rel.Log], drop: map[*object]bool{}, isNew: map[*object]bool{}}
		if r.log == nil {
			r.log = newLog()
			r.log.releases = true
		}
		c.releases[rel.Log] = r
	}
	if !r.log.releases {
		return fmt.Errorf("%w: release to %q, which is a log of objects", store.ErrInvalid, rel.Log)
	}
	for _, a := range rel.Drop {
		if o := c.find(rel.Of, a); o != nil {
			r.withdraw(o)
		}
	}
	for i := range rel.Move {
		if err := c.move(r, rel.Of, &rel.Move[i]); err != nil {
			return err
		}
	}
	for _, a := range rel.Add {
		if o := c.find(rel.Of, a); o != nil && !r.has(o) {
			r.add = append(r.add, o)
			r.isNew[o] = true
		}
	}
	return nil
}

// move works out m, of a release of entries of a log.
func (c *change) move(r *release, of store.LogID, m *store.Move) error {
	if from := c.s.logs[m.From]; from != nil && from.releases {
		return fmt.Errorf("%w: move from %q, which is a release log", store.ErrInvalid, m.From)
	}
	was, now := c.find(m.From, m.Was), c.find(of, m.Now)
	if was == nil || now == nil || !r.has(was) || r.has(now) {
		return nil
	}
	if was.obj.Raw != now.obj.Raw {
		return fmt.Errorf("%w: move from %q to %q: not the same bytes", store.ErrInvalid, m.From, of)
	}
	if r.isNew[was] {
		delete(r.isNew, was)
		r.add[slices.Index(r.add, was)] = now
		r.isNew[now] = true
	} else if i := r.moved(was); i >= 0 {
		r.move[i].now = now
	} else {
		r.move = append(r.move, moving{was, now})
	}
	return nil
}

// moved is the number of the move by which the log has o, -1 if there is none.
func (r *release) moved(o *object) int {
	return slices.IndexFunc(r.move, func(m moving) bool { return m.now == o })
}

// stays reports whether an object that the log had is still there as itself.
func (r *release) stays(o *object) bool {
	return r.log.has(o) && !r.drop[o] && !slices.ContainsFunc(r.move, func(m moving) bool { return m.was == o })
}

// has reports whether the log has o by now.
func (r *release) has(o *object) bool {
	return r.isNew[o] || r.stays(o) || r.moved(o) >= 0
}

func (r *release) withdraw(o *object) {
	if r.isNew[o] {
		delete(r.isNew, o)
		r.add = slices.DeleteFunc(r.add, func(other *object) bool { return other == o })
	} else if i := r.moved(o); i >= 0 {
		r.drop[r.move[i].was] = true
		r.move = slices.Delete(r.move, i, i+1)
	} else if r.stays(o) {
		r.drop[o] = true
	}
}

// apply makes c visible; it needs s.mu.
func (c *change) apply() {
	if len(c.stored) > 0 {
		c.s.logs[c.batch.Log] = c.log
		c.log.append(c.stored)
	}
	for o, label := range c.labels {
		o.label = label
	}
	for id, r := range c.releases {
		r.log.remove(r.drop)
		r.log.move(r.move)
		if len(r.add) > 0 {
			c.s.logs[id] = r.log
		}
		for i, o := range r.add {
			r.log.append([]*entry{{added: r.first + store.Added(i), object: o}})
		}
	}
}
