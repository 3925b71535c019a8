package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A Config is what New builds a Releaser from. Every field but Places is
// required.
type Config struct {
	Store       store.Store
	Collections []Collection
	Now         func() time.Time
	Rand        io.Reader // cryptographically secure
	Places      []string  // what the place where this server keeps its data is called: countries, regions
	Log         *slog.Logger
}

// A Collection is a log of objects that agreements may name.
type Collection struct {
	Log   store.LogID
	Names []string // by which agreements may name it: id, alias
}

// A Releaser keeps the release logs of one store up to date. Its methods may be
// called concurrently.
type Releaser struct {
	c      Config
	labels *labels

	mu        sync.Mutex  // one step at a time; guards what follows
	set       *policy.Set // in force
	began     beginnings
	g         *graph
	o         *outlook
	b         *book
	rel       masks          // by entry: in whose release logs it is, as far as is known to be committed
	pending   map[int32]bool // entries whose release logs are not as they should be
	leaving   map[int32]mask // by entry: whose own copy has gone since the last commit
	positions map[store.LogID]position
	asks      *agenda                     // of entries that were looked at one by one
	consents  map[int32][]*policy.Consent // by id of the object
	fresh     []int32                     // entries that came into the graph and were not settled
	needs     []need                      // copies that decisions have asked for
	copies    *copies
	unwritten map[int32]bool // redacted copies of which the store does not know yet what they were made of
	secret    []byte         // that names copies
	in        stix.Inspector
	relabels  map[int32][]store.Relabel // by log, in order: entries whose label the store does not have yet
	defs      *definitions
	sources   map[sourceKey]*source
	waiting   map[int32][]int32 // by id of a marking definition: entries that wait for it
	again     []int32           // entries that have to be labelled again
	content   stix.Content
	stale     bool           // there are rules that the published views do not know of
	purgeDue  policy.Instant // when the retention of some copy is over, or before
	broken    error          // the state here is not that of the store: it has to be loaded anew

	queueMu sync.Mutex // guards queue
	queue   []*writing // that wait for mu

	due  atomic.Int64 // policy.Instant at which time changes something
	done sync.Map     // store.LogID → store.Added, all up to there is released
	view atomic.Pointer[views]
}

// A position is how far a log was followed: a document, replaced in the commit
// that releases what was found.
type position struct {
	at  store.Added
	rev uint64
}

const kindPosition = "release"

// pageSize is how many entries are read at once, commitSize how many at most are
// released by one commit.
const (
	pageSize   = 1000
	commitSize = 10_000
	pageBytes  = 16 << 20
)

// Release brings the release logs up to date with all that log has up to added.
// When it returns nil that is durable and every later read sees it.
func (r *Releaser) Release(ctx context.Context, log store.LogID, added store.Added) error {
	if done, ok := r.done.Load(log); ok && done.(store.Added) >= added {
		return nil
	}
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if done, ok := r.done.Load(log); ok && done.(store.Added) >= added {
		return nil
	}
	return r.step(ctx, log)
}

// lock locks r for a change. The change is not given up when whoever asked for it
// goes away: half done, it would have to be loaded anew.
func (r *Releaser) lock(ctx context.Context) context.Context {
	r.mu.Lock()
	return context.WithoutCancel(ctx)
}

// step does all that is due: what time has changed, what is new in log, and what
// an earlier step could not commit.
func (r *Releaser) step(ctx context.Context, log store.LogID) error {
	if err := r.mend(ctx); err != nil {
		return err
	}
	now := r.now()
	dirty, err := r.passed(ctx, now)
	if err != nil {
		return r.fail(err)
	}
	if err := r.settle(ctx, dirty); err != nil {
		return r.fail(err)
	}
	for more := log != ""; more; {
		if dirty, more, err = r.follow(ctx, log, now); err != nil {
			return r.fail(err)
		}
		if err := r.settle(ctx, dirty); err != nil {
			return r.fail(err)
		}
		if len(r.pending) >= commitSize || !more {
			if err := r.commit(ctx); err != nil {
				return err
			}
		}
	}
	return r.commit(ctx)
}

func (r *Releaser) now() policy.Instant { return policy.Instant(r.c.Now().UnixMicro()) }

// fail remembers that the state in memory may not be that of the store. Until it
// is again, nobody reads a release log: it might have what was to be withdrawn.
func (r *Releaser) fail(err error) error {
	r.broken = err
	r.due.Store(0)
	return err
}

// full is for a commit that changed nothing: what is to be released can wait,
// what is to be withdrawn cannot.
func (r *Releaser) full(err error) error {
	for n := range r.pending {
		shown, rel := r.o.shown.of(n), r.rel.of(n)
		for w := range rel {
			if rel[w]&^shown[w] != 0 {
				r.due.Store(0)
			}
		}
	}
	return err
}

// mend loads everything anew after a failure.
func (r *Releaser) mend(ctx context.Context) error {
	if r.broken == nil {
		return nil
	}
	if err := r.load(ctx, r.set); err != nil {
		return err
	}
	r.broken = nil
	return nil
}

// note remembers which entries have to be released or withdrawn.
func (r *Releaser) note(changed []int32) {
	r.rel.grow(len(r.g.entries))
	for _, n := range changed {
		if same(r.o.shown.of(n), r.rel.of(n)) {
			delete(r.pending, n)
		} else {
			r.pending[n] = true
		}
	}
}

// follow takes the next page of a log into the graph and returns the entries
// that settle must look at.
func (r *Releaser) follow(ctx context.Context, id store.LogID, now policy.Instant) (dirty []int32, more bool, err error) {
	log, ok := r.g.byLog[id]
	if !ok {
		return nil, false, fmt.Errorf("release: no collection has the log %q", id)
	}
	var page store.Page
	q := store.Query{From: r.g.logs[log].seen, Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: pageSize, MaxBytes: pageBytes,
		Want: store.WantObjects | store.WantRows | store.WantSource}
	if err := r.c.Store.Read(ctx, id, &q, &page); err != nil {
		return nil, false, err
	}
	dirty, err = r.take(ctx, log, &page, now)
	return dirty, page.More, err
}

var bothSpecs = []string{"2.0", "2.1"}

// take adds the entries of a page to the graph and decides about them.
func (r *Releaser) take(ctx context.Context, log int32, page *store.Page, now policy.Instant) ([]int32, error) {
	dirty := make([]int32, 0, len(page.Rows))
	all := string(page.Objects) // objects of the page stay valid as long as one is kept
	start := 0
	for i := range page.Rows {
		row := &page.Rows[i]
		raw := all[start:row.End]
		start = row.End + 1
		n, err := r.admit(ctx, log, row, raw)
		if err != nil {
			return nil, err
		}
		if err := r.twin(ctx, n); err != nil {
			return nil, err
		}
		if r.o != nil {
			r.decide(r.inForce(), n, raw, now)
			revoked, err := r.decideRevoked(ctx, n, now)
			if err != nil {
				return nil, err
			}
			dirty = append(dirty, revoked...)
		}
		dirty = append(dirty, n)
	}
	return dirty, nil
}

// commit brings the release logs to what the outlook says.
func (r *Releaser) commit(ctx context.Context) error { return r.commitWith(ctx, nil, nil) }

// commitWith is commit with other documents in the same batch. The entries in
// first, as far as something is to be done about them, come first and in this
// order.
func (r *Releaser) commitWith(ctx context.Context, put []store.Document, first []int32) error {
	batch := store.Batch{At: r.c.Now()}
	if err := r.fill(ctx, &batch, put, first); err != nil {
		return err
	}
	if len(batch.Releases) > 0 || len(batch.Put) > 0 {
		if _, err := r.c.Store.Commit(ctx, &batch); err != nil {
			if errors.Is(err, store.ErrFull) {
				return r.full(err)
			}
			return r.fail(err) // it may have been applied, or another server was faster
		}
	}
	r.committed(&batch)
	return nil
}

// fill puts into a batch what brings the release logs to what the outlook says,
// with how far the logs were followed, and put.
func (r *Releaser) fill(ctx context.Context, b *store.Batch, put []store.Document, first []int32) (err error) {
	r.refresh()
	if err := r.commitLabels(ctx); err != nil {
		return err
	}
	if err := r.commitMoves(ctx); err != nil {
		return err
	}
	if b.Releases, err = r.releases(ctx, first); err != nil {
		return r.fail(err)
	}
	b.Put = append(b.Put, put...)
	links, err := r.linkDocs(ctx)
	if err != nil {
		return r.fail(err)
	}
	b.Put = append(b.Put, links...)
	for id, log := range r.g.byLog {
		was, seen := r.positions[id], r.g.logs[log].seen
		if seen > was.at {
			b.Put = append(b.Put, store.Document{Kind: kindPosition, ID: string(id), Rev: was.rev, Body: strconv.AppendInt(nil, int64(seen), 10)})
		}
	}
	return nil
}

// committed notes that what fill has put into a batch is committed.
func (r *Releaser) committed(b *store.Batch) {
	for n := range r.pending {
		copy(r.rel.of(n), r.o.shown.of(n))
	}
	clear(r.pending)
	clear(r.leaving)
	clear(r.unwritten)
	for i := range b.Put {
		d := &b.Put[i]
		if d.Kind != kindPosition {
			continue
		}
		seen := r.g.logs[r.g.byLog[store.LogID(d.ID)]].seen
		r.positions[store.LogID(d.ID)] = position{at: seen, rev: d.Rev + 1}
		r.done.Store(store.LogID(d.ID), seen)
	}
}

// commitLabels gives the entries that came without a label theirs.
func (r *Releaser) commitLabels(ctx context.Context) error {
	const most = 10_000 // in one commit: others wait for it
	for log, list := range r.relabels {
		for some := range slices.Chunk(list, most) {
			_, err := r.c.Store.Commit(ctx, &store.Batch{Log: r.g.logs[log].id, Relabel: some, At: r.c.Now()})
			if errors.Is(err, store.ErrFull) {
				return r.full(err)
			}
			if err != nil {
				return r.fail(err)
			}
			r.relabels[log] = r.relabels[log][len(some):]
		}
		delete(r.relabels, log)
	}
	return nil
}
