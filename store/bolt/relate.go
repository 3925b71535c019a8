package bolt

import (
	"fmt"
	"slices"
	"sort"

	"entente/store"
)

// checkKinds returns ErrInvalid if b takes a log that exists for one of the other
// kind.
func (s *Store) checkKinds(b *store.Batch) error {
	if l := s.log(b.Log); l != nil && l.rel != nil && len(b.Objects)+len(b.Relabel) > 0 {
		return fmt.Errorf("%w: objects or labels for %q, which is a release log", store.ErrInvalid, b.Log)
	}
	for i := range b.Releases {
		r := &b.Releases[i]
		if of := s.log(r.Of); of != nil && of.rel != nil {
			return fmt.Errorf("%w: release of %q, which is a release log", store.ErrInvalid, r.Of)
		}
		for k := range r.Move {
			if from := s.log(r.Move[k].From); from != nil && from.rel != nil {
				return fmt.Errorf("%w: move from %q, which is a release log", store.ErrInvalid, r.Move[k].From)
			}
		}
		if l := s.log(r.Log); l != nil && l.rel == nil {
			return fmt.Errorf("%w: release to %q, which is a log of objects", store.ErrInvalid, r.Log)
		}
	}
	return nil
}

// together returns how many of jobs, from the first on, can be one group: they
// take no log for a release log and for one of objects. One batch never does.
func together(jobs []*job) int {
	releases := func(j *job) bool { return len(j.batch.Releases) > 0 }
	if !slices.ContainsFunc(jobs, releases) {
		return len(jobs)
	}
	kinds := map[store.LogID]bool{} // true: a release log
	for n, j := range jobs {
		mixed := false
		use := func(id store.LogID, kind bool) {
			was, met := kinds[id]
			mixed = mixed || met && was != kind
			kinds[id] = kind
		}
		if len(j.batch.Objects)+len(j.batch.Relabel) > 0 {
			use(j.batch.Log, false)
		}
		for i := range j.batch.Releases {
			use(j.batch.Releases[i].Log, true)
			use(j.batch.Releases[i].Of, false)
			for _, m := range j.batch.Releases[i].Move {
				use(m.From, false)
			}
		}
		if mixed {
			return n
		}
	}
	return len(jobs)
}

// relate completes the receipt of j, which is job number n, relabels and releases.
func (g *group) relate(n int, j *job) (err error) {
	b, st := j.batch, g.logs[j.batch.Log]
	if len(b.Relabel) > 0 && st == nil {
		st = g.stage(b.Log)
	}
	for i := range b.Relabel {
		r := &b.Relabel[i]
		o, found, err := find(n, st.l, st, r.Added)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if st.label(o.seq) != r.From {
			return store.ErrConflict
		}
		st.relabel[o.seq] = r.To
	}
	for i, a := range j.receipt.Added {
		if a == 0 {
			continue
		}
		seq := uint32(a - 1)
		j.receipt.Labels[i] = st.label(seq)
		if seq >= st.l.n {
			j.receipt.Added[i] = store.Added(st.slots[seq-st.l.n].added)
		} else if j.receipt.Added[i], err = st.l.addedAt(seq); err != nil {
			return err
		}
	}
	if b.Head != nil && !j.receipt.Foreseen(b, g.head(n, b.Log)) {
		return store.ErrConflict
	}
	for i := range b.Releases {
		if err := g.release(n, j, &b.Releases[i]); err != nil {
			return err
		}
	}
	return nil
}

// log returns the index of a log, nil if there is none, and its stage, nil if there
// is none.
func (g *group) log(id store.LogID) (*logIndex, *stage) {
	if st := g.logs[id]; st != nil {
		return st.l, st
	}
	return g.s.log(id), nil
}

// find returns the entry of a log of objects that has an Added, if it is there for
// job number n: stored, or staged by it or one before it. l and st are of log.
func find(n int, l *logIndex, st *stage, added store.Added) (origin, bool, error) {
	if l == nil || added <= 0 {
		return origin{}, false, nil
	}
	if int64(added) > l.head {
		if st == nil || len(st.slots) == 0 {
			return origin{}, false, nil
		}
		i := int64(added) - st.first
		ok := i >= 0 && i < int64(len(st.slots)) && st.jobs[i] <= n
		return origin{l, l.n + uint32(i)}, ok, nil
	}
	seq, err := l.after(added - 1)
	if err != nil || seq == l.n || l.deleted.has(seq) {
		return origin{}, false, err
	}
	at, err := l.addedAt(seq)
	return origin{l, seq}, at == added, err
}

// release plans a release of j, which is job number n.
func (g *group) release(n int, j *job, r *store.Release) error {
	st := g.releases[r.Log]
	if st == nil {
		l := g.s.log(r.Log)
		if l == nil {
			l = g.s.newReleaseLog(r.Log)
		}
		st = stageRelease(l, len(r.Add))
		g.releases[r.Log] = st
	}
	drop, err := g.origins(n, r.Of, r.Drop)
	if err != nil {
		return err
	}
	for _, o := range drop {
		if err := st.drop(n, o); err != nil {
			return err
		}
	}
	for i := range r.Move {
		if err := g.move(n, st, r.Of, &r.Move[i]); err != nil {
			return err
		}
	}
	add, err := g.origins(n, r.Of, r.Add)
	if err != nil {
		return err
	}
	for _, o := range add {
		if err := st.add(n, o); err != nil {
			return err
		}
	}
	if len(r.Add) > 0 && j.batch.At.After(st.at) {
		st.at = j.batch.At
	}
	return nil
}

// A resolved list is what origins found last.
type resolved struct {
	job     int
	of      store.LogID
	list    []store.Added
	origins []origin
}

// origins are the entries of a log of objects that have the Added of list, as far
// as they are there for job number n. Many release logs are often given the very
// same list: that is looked up once.
func (g *group) origins(n int, of store.LogID, list []store.Added) ([]origin, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if last := &g.last; last.job == n && last.of == of && len(last.list) == len(list) && &last.list[0] == &list[0] {
		return last.origins, nil
	}
	found := make([]origin, 0, len(list))
	l, st := g.log(of)
	for _, a := range list {
		o, ok, err := find(n, l, st, a)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, o)
		}
	}
	g.last = resolved{job: n, of: of, list: list, origins: found}
	return found, nil
}

// move plans a move of job number n to an entry of a log of objects.
func (g *group) move(n int, st *releaseStage, of store.LogID, m *store.Move) error {
	from, fromStage := g.log(m.From)
	was, found, err := find(n, from, fromStage, m.Was)
	if !found || err != nil {
		return err
	}
	to, toStage := g.log(of)
	now, found, err := find(n, to, toStage, m.Now)
	if !found || err != nil {
		return err
	}
	if has, err := st.has(was); !has || err != nil {
		return err
	}
	if has, err := st.has(now); has || err != nil {
		return err
	}
	a, err := was.raw(fromStage)
	if err != nil {
		return err
	}
	b, err := now.raw(toStage)
	if err != nil {
		return err
	}
	if a != b {
		return fmt.Errorf("%w: move from %q to %q: not the same bytes", store.ErrInvalid, m.From, of)
	}
	return st.move(was, now)
}

// raw returns the object of an entry, in bytes of the file. st is the stage of its
// log, nil if there is none.
func (o origin) raw(st *stage) (string, error) {
	if o.seq >= o.of.n {
		return st.slots[o.seq-o.of.n].raw, nil
	}
	c, i, err := o.of.slotAt(o.seq)
	if err != nil {
		return "", err
	}
	return text(c.object(i)), nil
}

// head is the Added of the newest entry of a log of objects before job number n.
func (g *group) head(n int, id store.LogID) store.Added {
	l, st := g.log(id)
	if st != nil {
		if i := sort.SearchInts(st.jobs, n); i > 0 {
			return store.Added(st.slots[i-1].added)
		}
	}
	if l == nil {
		return 0
	}
	return store.Added(l.head)
}
