package release

import (
	"context"
	"fmt"
	"log/slog"
	"maps"

	"entente/stix"
	"entente/store"
)

// A keeper makes copies entries of the graph.
type keeper interface {
	// keep returns the entries of copies for a log, in step: old ones for those that
	// the log has already, -1 for those that contradict what it has.
	keep(ctx context.Context, log store.LogID, list []made) ([]int32, error)
	// text returns the copy at an entry.
	text(ctx context.Context, n int32) (string, error)
}

// A storing keeps copies for good: it stores them, and takes them into the graph
// from there.
type storing struct{ r *Releaser }

func (s storing) text(ctx context.Context, n int32) (string, error) { return s.r.object(ctx, n) }

func (s storing) keep(ctx context.Context, log store.LogID, list []made) ([]int32, error) {
	r := s.r
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
	entries := make([]int32, len(list))
	for i, out := range receipt.Outcomes {
		if out != store.Stored && out != store.Duplicate {
			r.c.Log.Warn("a redacted copy contradicts one that was made before: withheld", slog.String("log", string(log)), slog.String("object", string(list[i].copy.ID)))
			entries[i] = -1
			continue
		}
		n, ok := r.g.at(r.g.byLog[log], receipt.Added[i])
		if !ok {
			return nil, fmt.Errorf("%w: redacted copy %s is not where it was stored", store.ErrCorrupt, list[i].copy.ID)
		}
		entries[i] = n
	}
	return entries, nil
}

// A supposing keeps copies in the graph only, until they are forgotten: so a plan
// finds what an activation would, and stores nothing.
type supposing struct {
	r      *Releaser
	before mark
	texts  map[int32]string // by entry: the copies that are only supposed
	held   map[logID]*versions
}

// A logID names an object in a log.
type logID struct {
	log int32
	id  stix.ID
}

// versions are those of an object in a log, with their entries.
type versions struct {
	objects []*stix.Object
	entries []int32
}

func (r *Releaser) suppose() *supposing {
	return &supposing{r: r, before: r.g.mark(), texts: map[int32]string{}, held: map[logID]*versions{}}
}

// forget takes everything that was supposed out of the graph.
func (s *supposing) forget() {
	g := s.r.g
	g.backTo(s.before)
	if len(g.ids) > s.before.ids {
		maps.DeleteFunc(g.byID, func(_ idKey, id int32) bool { return int(id) >= s.before.ids })
		g.ids = g.ids[:s.before.ids]
	}
}

func (s *supposing) text(ctx context.Context, n int32) (string, error) {
	if text, ok := s.texts[n]; ok {
		return text, nil
	}
	return s.r.object(ctx, n)
}

func (s *supposing) keep(ctx context.Context, log store.LogID, list []made) ([]int32, error) {
	entries := make([]int32, len(list))
	for i := range list {
		held, err := s.versionsOf(ctx, logID{s.r.g.byLog[log], list[i].copy.ID})
		if err != nil {
			return nil, err
		}
		switch outcome, at := store.Judge(&list[i].copy, held.objects); outcome {
		case store.Stored:
			entries[i] = s.add(s.r.g.byLog[log], &list[i])
			held.objects, held.entries = append(held.objects, &list[i].copy), append(held.entries, entries[i])
		case store.Duplicate:
			entries[i] = held.entries[at]
		default:
			entries[i] = -1
		}
	}
	return entries, nil
}

// versionsOf returns what a log has of an object, with what is supposed.
func (s *supposing) versionsOf(ctx context.Context, of logID) (*versions, error) {
	if held, ok := s.held[of]; ok {
		return held, nil
	}
	held := &versions{}
	s.held[of] = held
	number, known := s.r.g.byID[s.r.g.key(of.id)]
	newest, has := s.r.g.logs[of.log].newest[number]
	if !known || !has {
		return held, nil
	}
	for _, n := range s.r.g.versions(newest) {
		o, err := s.r.parsed(ctx, n)
		if err != nil {
			return nil, err
		}
		held.objects, held.entries = append(held.objects, &o), append(held.entries, n)
	}
	return held, nil
}

// add puts a copy at the end of its log in the graph.
func (s *supposing) add(log int32, m *made) int32 {
	g := s.r.g
	a := arrival{added: g.logs[log].seen + 1, id: m.copy.ID, version: m.copy.Version(), label: g.entries[m.need.entry].label}
	if s.r.in.Inspect(m.copy.Raw, &s.r.content) == nil {
		a.refs = mentions(&s.r.content)
	}
	n := g.add(log, &a)
	s.texts[n] = m.copy.Raw
	return n
}

// A mark is a point in the life of a graph.
type mark struct{ logs, entries, ids int }

func (g *graph) mark() mark { return mark{len(g.logs), len(g.entries), len(g.ids)} }

// backTo takes out of the graph what came after m, but for ids. Nothing that was
// there then may have gone meanwhile.
func (g *graph) backTo(m mark) {
	for n := int32(len(g.entries)) - 1; n >= int32(m.entries); n-- {
		g.remove(n)
		f := &g.entries[n]
		for i := f.refs + f.count - 1; i >= f.refs; i-- { // each has one edge, in the same order
			g.ids[g.refs[i]].users = g.edges[i].next
		}
		g.refs, g.edges = g.refs[:f.refs], g.edges[:f.refs]
		g.ids[f.id].held = len(g.ids[f.id].entries) > 0
		delete(g.fine, n)
		l := g.logs[f.log]
		l.byAdded = l.byAdded[:len(l.byAdded)-1]
		l.seen = 0
		if last := len(l.byAdded) - 1; last >= 0 {
			l.seen = g.entries[l.byAdded[last]].added
		}
	}
	g.entries = g.entries[:m.entries]
	for _, l := range g.logs[m.logs:] {
		delete(g.byLog, l.id)
	}
	g.logs = g.logs[:m.logs]
}
