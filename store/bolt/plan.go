package bolt

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"entente/stix"
	"entente/store"
)

// A group is what one transaction will write. Planning it changes nothing, so a
// batch that fails is left out and the plan is made again.
type group struct {
	s        *Store
	tx       *bbolt.Tx
	logs     map[store.LogID]*stage
	releases map[store.LogID]*releaseStage
	docs     map[docKey]store.Document
	cursors  map[string]string
	past     past
	last     resolved
}

func (s *Store) newGroup(tx *bbolt.Tx) *group {
	return &group{
		s: s, tx: tx, logs: map[store.LogID]*stage{}, releases: map[store.LogID]*releaseStage{},
		docs: map[docKey]store.Document{}, cursors: map[string]string{}, past: newPast(),
	}
}

// A stage is what a group changes in one log of objects.
type stage struct {
	s       *Store
	l       *logIndex
	at      time.Time // the latest of the batches' At
	slots   []slot
	added   []entry                // beside slots
	jobs    []int                  // beside slots: who adds them
	labels  []store.Label          // beside slots
	relabel map[uint32]store.Label // by seq; of the slots too
	ids     map[stix.ID]known
	first   int64 // Added of slots[0]
	refs    []chunkRef
	buf     [][]byte // the values of the new chunks
	tail    int      // chunks from here on are replaced
}

// known is what a stage knows about an object it has met.
type known struct {
	staged uint32   // number in slots plus one, if that is all there is
	h      *history // else this
}

// empty reports whether there is nothing to write.
func (g *group) empty() bool {
	for _, st := range g.logs {
		if len(st.slots) > 0 || len(st.relabel) > 0 {
			return false
		}
	}
	for _, st := range g.releases {
		if !st.empty() {
			return false
		}
	}
	return len(g.docs) == 0 && len(g.cursors) == 0
}

// plan decides about all jobs. It returns the number of one that fails and has
// its err set, -1 if none does.
func (g *group) plan(jobs []*job) int {
	for i, j := range jobs {
		if j.err = g.judge(i, j); j.err != nil {
			return i
		}
	}
	if failed := g.number(jobs); failed >= 0 {
		return failed
	}
	for i, j := range jobs {
		if j.err = g.relate(i, j); j.err != nil {
			return i
		}
	}
	for _, st := range g.releases {
		if err := st.number(); err != nil {
			jobs[st.adds[0].job].err = err
			return st.adds[0].job
		}
	}
	for i, j := range jobs {
		if j.err = g.finish(j); j.err != nil {
			return i
		}
	}
	return -1
}

// number gives the staged objects their Added. What it returns is like plan's.
func (g *group) number(jobs []*job) int {
	for _, st := range g.logs {
		if len(st.slots) == 0 {
			continue
		}
		first, err := store.Number(store.Added(st.l.head), st.at, len(st.slots))
		if err == nil && uint64(st.l.n)+uint64(len(st.slots)) > maxSeq {
			err = fmt.Errorf("%w: log %q is full: it has had %d entries", store.ErrInvalid, st.l.id, st.l.n)
		}
		if err != nil {
			jobs[st.jobs[0]].err = err
			return st.jobs[0]
		}
		st.first = int64(first)
		for i := range st.slots {
			st.slots[i].added = st.first + int64(i)
		}
	}
	return -1
}

// stage returns the stage of a log.
func (g *group) stage(id store.LogID) *stage {
	st := g.logs[id]
	if st == nil {
		l := g.s.log(id)
		if l == nil {
			l = g.s.newLogIndex(id)
		}
		st = &stage{s: g.s, l: l, ids: map[stix.ID]known{}, relabel: map[uint32]store.Label{}}
		g.logs[id] = st
	}
	return st
}

// judge sets the outcomes of the objects of j, which is job number n. Its
// receipt's Added are seqs plus one until relate.
func (g *group) judge(n int, j *job) error {
	b := j.batch
	j.receipt = store.Receipt{
		Outcomes: make([]store.Outcome, len(b.Objects)),
		Added:    make([]store.Added, len(b.Objects)),
		Labels:   make([]store.Label, len(b.Objects)),
	}
	if err := g.s.checkKinds(b); err != nil {
		return err
	}
	if len(b.Objects) == 0 {
		return nil
	}
	st := g.stage(b.Log)
	before := len(st.slots)
	for i := range b.Objects {
		outcome, seq, err := st.judge(&b.Objects[i], j.slots[i])
		if err != nil {
			return err
		}
		j.receipt.Outcomes[i] = outcome
		if outcome == store.Stored {
			label := store.Label(0)
			if b.Labels != nil {
				label = b.Labels[i]
			}
			st.jobs, st.labels = append(st.jobs, n), append(st.labels, label)
		}
		if outcome <= store.Differs {
			j.receipt.Added[i] = store.Added(seq) + 1
		}
	}
	if len(st.slots) > before && b.At.After(st.at) {
		st.at = b.At
	}
	return nil
}

// judge decides about o, whose slot is s, and stages it if it is to be Stored; seq is the entry of
// o then, or the one that makes it Duplicate or Differs.
func (st *stage) judge(o *stix.Object, s slot) (store.Outcome, uint32, error) {
	l := st.l
	k, met := st.ids[o.ID]
	var print uint32
	switch {
	case !met:
		print = l.print(&s.key)
		latest, found, err := l.find(print, &s.key)
		if err != nil {
			return 0, 0, err
		}
		if !found {
			seq := st.add(s, print, 0)
			st.ids[o.ID] = known{staged: seq - l.n + 1}
			return store.Stored, seq, nil
		}
		if k.h, err = l.history(latest); err != nil {
			return 0, 0, err
		}
		st.ids[o.ID] = k
	case k.h == nil:
		i := k.staged - 1
		k.h = new(history)
		first := st.slots[i].version()
		first.seq = l.n + i
		k.h.include(first)
		st.ids[o.ID] = k
	}
	v := s.version()
	outcome, seq, err := k.h.outcome(o, &v, st.object)
	if err != nil || outcome != store.Stored {
		return outcome, seq, err
	}
	if met {
		print = l.print(&s.key)
	}
	v.seq = st.add(s, print, k.h.latest+1)
	k.h.add(v, o)
	return store.Stored, v.seq, nil
}

// version is what orders s; of a slot without version, what identifies it.
func (s *slot) version() version {
	v := version{us: s.us, flags: s.flags}
	if s.flags&flagFine != 0 {
		if o, err := stix.Parse(s.raw); err == nil {
			v.frac = fraction(o.Version())
		}
	}
	return v
}

func (st *stage) add(s slot, print, prev uint32) uint32 {
	st.slots = append(st.slots, s)
	st.added = append(st.added, entry{print: print, prev: prev})
	return st.l.n + uint32(len(st.slots)) - 1
}

// object returns the bytes of an entry of the log or of the stage.
func (st *stage) object(seq uint32) (string, error) {
	if seq >= st.l.n {
		return st.slots[seq-st.l.n].raw, nil
	}
	c, i, err := st.l.slotAt(seq)
	if err != nil {
		return "", err
	}
	return text(c.object(i)), nil
}

// finish plans j's documents and its cursor.
func (g *group) finish(j *job) (err error) {
	b := j.batch
	if c := b.Cursor; c != nil {
		now, ok := g.cursors[c.Name]
		if !ok {
			now = string(g.tx.Bucket(bucketCursor).Get([]byte(c.Name)))
			g.past.cursors[c.Name] = now
		}
		if now != c.From {
			return store.ErrConflict
		}
		defer func() {
			if err == nil {
				g.cursors[c.Name] = c.To
			}
		}()
	}
	if err := g.put(b.Put); err != nil || b.Then == nil {
		return err
	}
	docs, err := then(b, j.receipt)
	if err != nil {
		return err
	}
	return g.put(docs)
}

// then calls b.Then; a panic of it is an error of the batch.
func then(b *store.Batch, r store.Receipt) (docs []store.Document, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("batch to log %q: Then: %v", b.Log, p)
		}
	}()
	return b.Then(r), nil
}
