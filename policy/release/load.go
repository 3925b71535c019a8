package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entente/policy"
	"entente/store"
)

// New returns a Releaser under set, and brings the release logs to what set says
// now: it reads every log of objects once.
func New(ctx context.Context, c Config, set *policy.Set) (*Releaser, error) {
	r := &Releaser{c: c, labels: &labels{st: c.Store}}
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.load(ctx, set)
	if err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	if err := r.commitWith(ctx, r.began.fresh(set, r.now()), nil); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	if r.began, err = loadBeginnings(ctx, c.Store); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return r, nil
}

// load reads everything from the store and works out what should be released
// under set: afterwards r.pending has what is not as it should be.
func (r *Releaser) load(ctx context.Context, set *policy.Set) error {
	if err := r.labels.load(ctx); err != nil {
		return err
	}
	entries, err := r.stored(ctx)
	if err != nil {
		return err
	}
	r.g, r.o, r.b, r.copies = newGraph(entries), nil, nil, newCopies(storing{r})
	r.pending, r.leaving, r.positions, r.relabels = map[int32]bool{}, map[int32]mask{}, map[store.LogID]position{}, map[int32][]store.Relabel{}
	r.defs, r.sources, r.waiting, r.again, r.fresh = newDefinitions(), map[sourceKey]*source{}, map[int32][]int32{}, nil, nil
	r.unwritten = map[int32]bool{}
	r.set = set
	r.g.ids[r.g.id(set.Us)].known = true // whoever has an agreement with us knows us
	if err := r.addLogs(ctx); err != nil {
		return err
	}
	now := r.now()
	for log := range r.g.logs {
		for more := true; more; {
			var err error
			if _, more, err = r.follow(ctx, r.g.logs[log].id, now); err != nil {
				return err
			}
		}
	}
	if err := r.loadCame(ctx); err != nil {
		return err
	}
	if err := r.loadLinks(ctx); err != nil {
		return err
	}
	if r.secret, err = loadSecret(ctx, r.c.Store, r.c.Rand); err != nil {
		return err
	}
	if r.began, err = loadBeginnings(ctx, r.c.Store); err != nil {
		return err
	}
	if err := r.loadConsents(ctx); err != nil {
		return err
	}
	if _, err := r.labelAgain(ctx); err != nil {
		return err
	}
	p, err := r.prospect(ctx, set, now, storing{r})
	if err != nil {
		return err
	}
	r.adopt(p)
	return nil
}

// stored is how many entries the logs of the collections have.
func (r *Releaser) stored(ctx context.Context) (entries int, err error) {
	for _, c := range r.c.Collections {
		stat, err := r.c.Store.Stat(ctx, c.Log)
		if err != nil {
			return 0, err
		}
		entries += int(stat.Entries)
	}
	return entries, nil
}

// adopt makes p what is in force.
func (r *Releaser) adopt(p *prospect) {
	r.set, r.b, r.o, r.rel, r.asks, r.needs, r.stale = p.b.set, p.b, p.o, p.rel, p.asks, nil, true
	r.copies, r.sources = p.copies, map[sourceKey]*source{}
	r.link()
	for _, n := range p.changed {
		r.pending[n] = true
	}
	r.purgeDue = 0 // the next step looks
	r.setDue()
	r.publish()
}

// settle works out who sees what after decisions about entries, with the copies
// that they ask for, and notes what has to be committed.
func (r *Releaser) settle(ctx context.Context, entries []int32) error {
	entries, r.fresh = append(entries, r.fresh...), nil
	again, err := r.labelAgain(ctx)
	if err != nil {
		return err
	}
	for _, n := range again {
		if err := r.decideAgain(ctx, n, r.now()); err != nil {
			return err
		}
	}
	entries = append(entries, again...)
	needs := r.needs
	r.needs = nil
	sources, err := r.redact(ctx, r.copies, needs)
	if err != nil {
		return err
	}
	r.link()
	r.rel.grow(len(r.g.entries))
	shown := r.o.showCopies(r.copies, append(sources, entries...))
	r.note(r.o.settle(append(shown, entries...)))
	return nil
}

// newBook makes the book of set for the logs of the graph.
func (r *Releaser) newBook(set *policy.Set) *book {
	b := &book{set: set, flows: map[int32][][]*policy.Flow{}, since: map[*policy.Flow]policy.Instant{}, eras: map[int32][]policy.Instant{}, rules: map[ruleKey]*rule{}}
	for _, c := range r.c.Collections {
		log := r.g.byLog[c.Log]
		for _, p := range recipients(set) {
			flows := flowsTo(set, p, c.Names)
			b.flows[log] = append(b.flows[log], flows)
			for _, f := range flows {
				since := r.began.since(f, r.now())
				if b.since[f] = since; since > 0 && !slices.Contains(b.eras[log], since) {
					b.eras[log] = append(b.eras[log], since)
				}
			}
		}
		slices.Sort(b.eras[log])
	}
	return b
}

// addLogs puts the logs of the collections into the graph, and those that are
// kept apart for partners, with the positions they were followed to.
func (r *Releaser) addLogs(ctx context.Context) error {
	for _, c := range r.c.Collections {
		r.g.log(c.Log, c.Log, "")
	}
	all, err := r.c.Store.Logs(ctx)
	if err != nil {
		return err
	}
	for _, id := range all {
		kind, partner, of := cutName(id)
		if _, ours := r.g.byLog[of]; ours && (kind == "held" || kind == "redacted") {
			r.g.logs[r.g.log(id, of, partner)].copies = kind == "redacted"
		}
	}
	for id := range r.g.byLog {
		doc, err := r.c.Store.Document(ctx, kindPosition, string(id))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		at, err := strconv.ParseInt(string(doc.Body), 10, 64)
		if err != nil {
			return fmt.Errorf("%w: position of log %s: %w", store.ErrCorrupt, id, err)
		}
		r.positions[id] = position{at: store.Added(at), rev: doc.Rev}
		r.done.Store(id, store.Added(at))
	}
	return nil
}

// cutName takes the name of a log that is kept apart for a partner to pieces.
func cutName(id store.LogID) (kind string, partner policy.OrgID, of store.LogID) {
	parts := strings.SplitN(string(id), "/", 3)
	if len(parts) < 3 {
		return "", "", ""
	}
	return parts[0], policy.OrgID(parts[1]), store.LogID(parts[2])
}

// readReleased notes in rel what the release logs of a partner have.
func (r *Releaser) readReleased(ctx context.Context, o *outlook, rel *masks, partner int) error {
	rel.grow(len(r.g.entries))
	for _, c := range r.c.Collections {
		if err := r.readOne(ctx, Of(o.partners[partner], c.Log), rel, partner); err != nil {
			return err
		}
	}
	return nil
}

func (r *Releaser) readOne(ctx context.Context, id store.LogID, rel *masks, partner int) error {
	q := store.Query{Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: 10 * pageSize, Want: store.WantRows | store.WantSource}
	var page store.Page
	for page.More = true; page.More; q.From = page.Last {
		if err := r.c.Store.Read(ctx, id, &q, &page); err != nil {
			return err
		}
		for i := range page.Rows {
			row := &page.Rows[i]
			log, ok := r.g.byLog[row.Of]
			if !ok {
				continue
			}
			if n, ok := r.g.at(log, row.At); ok {
				rel.of(n).set(partner)
			}
		}
	}
	return nil
}
