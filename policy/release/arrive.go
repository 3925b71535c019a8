package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// A sourceKey names where objects of a collection come from.
type sourceKey struct {
	from policy.OrgID
	log  store.LogID
}

// A source labels what comes from one partner, or from our own people, into one
// collection.
type source struct {
	*policy.Receiver
	scope    *scope
	interned map[*policy.Label]store.Label // labels that the Receiver shares between objects
}

// source returns the source under the agreements in force.
func (r *Releaser) source(from policy.OrgID, log store.LogID) *source {
	key := sourceKey{from, log}
	if s := r.sources[key]; s != nil {
		return s
	}
	s := &source{scope: &scope{from: from, held: r.defs}, interned: map[*policy.Label]store.Label{}}
	s.Receiver = r.receiver(s.scope, log)
	r.sources[key] = s
	return s
}

// receiver labels what comes from the source that a scope is of.
func (r *Releaser) receiver(s *scope, log store.LogID) *policy.Receiver {
	of := policy.Source{From: s.from, Definitions: s, Places: r.c.Places}
	if s.from != "" {
		of.Flows, of.Channel = r.set.In(s.from, r.names(log)...), "push"
	}
	return r.set.Receiver(of)
}

// names are those of the collection with the log.
func (r *Releaser) names(log store.LogID) []string {
	for _, c := range r.c.Collections {
		if c.Log == log {
			return c.Names
		}
	}
	return nil
}

// arrival looks at an object.
func (r *Releaser) arrival(o *stix.Object, at policy.Instant) *policy.Arrival {
	in := &policy.Arrival{Object: o, At: at}
	if r.in.Inspect(o.Raw, &r.content) == nil {
		in.Content, in.Inspector = &r.content, &r.in
	}
	return in
}

// own labels what our own people are about to put into a collection. What time has
// ended is gone when it returns, so that nothing counts as there already that is
// not.
func (r *Releaser) own(ctx context.Context, b *store.Batch) (*deposit, error) {
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if err := r.step(ctx, ""); err != nil {
		return nil, err
	}
	s, objects := r.source("", b.Log), b.Objects
	defer r.carry(s, objects)()
	d := &deposit{log: b.Log, at: b.At, objects: objects, labels: make([]store.Label, len(objects)), found: make([]found, len(objects)), then: b.Then}
	out := d.labels
	var sets [][]policy.Label // of objects whose label is not known yet
	var where []int
	var fresh []*policy.Label
	for i := range objects {
		in := r.arrival(&objects[i], r.now())
		h, _ := s.Receive(in)
		d.found[i] = r.find(in, h.Label)
		known, ok := s.interned[h.Label]
		if out[i] = known; !ok {
			sets, where, fresh = append(sets, []policy.Label{*h.Label}), append(where, i), append(fresh, h.Label)
		}
	}
	found, err := r.labels.intern(ctx, sets)
	if err != nil {
		return nil, err
	}
	for k, n := range found {
		out[where[k]] = n
		s.remember(fresh[k], n)
	}
	return d, nil
}

// remember keeps the number of a label that the source gives again and again.
func (s *source) remember(l *policy.Label, n store.Label) {
	const most = 4096
	if len(s.interned) >= most {
		clear(s.interned)
	}
	s.interned[l] = n
}

// carry makes the definitions among objects count for them; the function that it
// returns ends that.
func (r *Releaser) carry(s *source, objects []stix.Object) (end func()) {
	with := newDefinitions()
	for i := range objects {
		o := &objects[i]
		if o.Type != "marking-definition" && o.Type != "identity" || r.in.Inspect(o.Raw, &r.content) != nil {
			continue
		}
		with.add(s.scope.from, o.ID, o.Version(), o.Raw, r.content.Labels)
	}
	if len(with.markings)+len(with.identities) == 0 {
		return func() {}
	}
	s.scope.with = with
	s.Forget()
	return func() {
		s.scope.with = nil
		s.Forget()
	}
}

// admit takes an entry into the graph. One without a label is our own people's.
func (r *Releaser) admit(ctx context.Context, log int32, row *store.Row, raw string) (int32, error) {
	version, err := stix.ParseTimestamp(row.Version)
	if err != nil {
		return 0, fmt.Errorf("release: %s: %w", row.ID, err)
	}
	a := arrival{added: row.Added, id: row.ID, version: version, label: row.Label}
	if a.label == 0 {
		if a.label, err = r.ownLabel(ctx, log, raw); err != nil {
			return 0, err
		}
	}
	if r.in.Inspect(raw, &r.content) == nil { // else its label says so, and it is nobody's
		a.refs = mentions(&r.content)
	}
	n := r.g.add(log, &a)
	if row.Label == 0 {
		r.relabel(n, 0)
	}
	for _, h := range r.labels.of(a.label) {
		if r.defs.add(h.From, row.ID, version, raw, r.content.Labels) {
			r.defined(h.From, row.ID)
		}
	}
	r.wait(n, raw)
	return n, nil
}

func (r *Releaser) ownLabel(ctx context.Context, log int32, raw string) (store.Label, error) {
	o, err := stix.Parse(raw)
	if err != nil {
		return 0, err
	}
	h, _ := r.source("", r.g.logs[log].of).Receive(r.arrival(&o, r.now()))
	labels, err := r.labels.intern(ctx, [][]policy.Label{{*h.Label}})
	if err != nil {
		return 0, err
	}
	return labels[0], nil
}

// relabel notes that entry n has its label anew, and had another in the store.
func (r *Releaser) relabel(n int32, was store.Label) {
	f := &r.g.entries[n]
	list := r.relabels[f.log]
	i, noted := slices.BinarySearchFunc(list, f.added, func(c store.Relabel, a store.Added) int { return cmp.Compare(c.Added, a) })
	if noted {
		list[i].To = f.label
		return
	}
	r.relabels[f.log] = slices.Insert(list, i, store.Relabel{Added: f.added, From: was, To: f.label})
}

// mentions adds to c.Refs the markings of an object: these are all the ids that
// must be visible to whoever is to see it.
func mentions(c *stix.Content) []stix.ID {
	add := func(m stix.ID) {
		if !slices.Contains(c.Refs, m) {
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

// traits are those of an object; nil if it cannot be read.
func (r *Releaser) traits(n int32, raw string) *policy.Traits {
	o, err := stix.Parse(raw)
	if err != nil {
		return nil
	}
	c := new(stix.Content)
	if r.in.Inspect(raw, c) != nil {
		return nil
	}
	t := &policy.Traits{Header: &o.Header, Content: c, Consents: r.consented(o.ID)}
	if len(c.Granular) > 0 {
		f := &r.g.entries[n]
		from := policy.OrgID("")
		if holdings := r.labels.of(f.label); len(holdings) > 0 {
			from = holdings[0].From
		}
		in := &policy.Arrival{Object: &o, Content: c, Inspector: &r.in, At: r.now()}
		h, _ := r.source(from, r.g.logs[f.log].of).Receive(in)
		t.Granular = h.Granular
	}
	return t
}

// unresolved is the fault of a label that waits for a marking definition.
const unresolved = "marking.unresolved"

// wait notes which marking definitions entry n, whose object is raw, waits for:
// those that mark it, and those that mark these.
func (r *Releaser) wait(n int32, raw string) {
	f := &r.g.entries[n]
	for _, was := range r.labels.of(f.label) {
		if !slices.Contains(was.Faults, unresolved) {
			continue
		}
		o, err := stix.Parse(raw)
		if err != nil {
			return // it is nobody's
		}
		h, _ := r.source(was.From, r.g.logs[f.log].of).Again(r.arrival(&o, r.now()), &was)
		for _, m := range h.Missing {
			id := r.g.id(m)
			r.waiting[id] = append(r.waiting[id], n)
		}
	}
}

// defined notes that a source has given a definition: what it says counts from now
// on, and what waited for it is labelled again.
func (r *Releaser) defined(from policy.OrgID, id stix.ID) {
	for key, s := range r.sources {
		if from == "" || key.from == from {
			s.Forget()
		}
	}
	number := r.g.id(id)
	r.again = append(r.again, r.waiting[number]...)
	delete(r.waiting, number)
}

// labelAgain labels the entries of r.again by what is known now, and returns those
// whose label is another.
func (r *Releaser) labelAgain(ctx context.Context) ([]int32, error) {
	again := r.again
	r.again = nil
	slices.Sort(again)
	var changed []int32
	for _, n := range slices.Compact(again) {
		f := &r.g.entries[n]
		if f.gone {
			continue
		}
		o, err := r.parsed(ctx, n)
		if err != nil {
			return nil, err
		}
		var set []policy.Label
		for _, was := range r.labels.of(f.label) {
			h, _ := r.source(was.From, r.g.logs[f.log].of).Again(r.arrival(&o, r.now()), &was)
			set = append(set, *h.Label)
		}
		fresh, err := r.labels.intern(ctx, [][]policy.Label{set})
		if err != nil {
			return nil, err
		}
		if was := f.label; fresh[0] != was {
			f.label = fresh[0]
			r.relabel(n, was)
			changed = append(changed, n)
		}
		r.wait(n, o.Raw)
	}
	return changed, nil
}

// refusal is what a partner is told: the rule, and why.
func refusal(why *policy.Refusal) string {
	first := &why.Reasons[0]
	text := first.Rule + ": " + first.Text
	if first.Clause != "" {
		text += " (" + first.Clause + ")"
	}
	return text
}
