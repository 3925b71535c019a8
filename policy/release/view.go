package release

import (
	"context"
	"slices"
	"time"

	"entente/policy"
	"entente/store"
)

// An Access is what a partner may do with a collection at an instant. The zero
// Access is nothing: the collection does not exist for the partner.
type Access struct {
	Listed bool // the partner sees that there is the collection
	Read   bool // by polling
	Write  bool

	Log  store.LogID    // the partner's release log of the collection
	Gate store.LabelSet // labels that the agreements in force still permit

	views *views
}

// Stale reports whether a was made before labels or agreements changed: what was
// read by its Gate may lack something that was there, and has to be read again.
func (r *Releaser) Stale(a *Access) bool { return a.views != r.view.Load() }

// views is what the agreements in force say about access: immutable, and
// replaced as a whole.
type views struct {
	byLog map[policy.OrgID]map[store.LogID]*view
}

// A view is one partner's side of one collection.
type view struct {
	log  store.LogID
	out  []*policy.Flow // flows to the partner
	in   []*policy.Flow // flows from it
	gate store.LabelSet
}

// Access says what partner may do with the collection whose log is given. person
// says that it is a named person who asks; RED goes to nobody else.
func (r *Releaser) Access(partner policy.OrgID, person bool, log store.LogID, at time.Time) Access {
	views := r.view.Load()
	v := views.byLog[recipient(partner, person)][log]
	if v == nil {
		v = views.byLog[partner][log]
	}
	if v == nil {
		return Access{}
	}
	now := policy.Instant(at.UnixMicro())
	a := Access{Log: v.log, Gate: v.gate, views: views}
	for _, f := range v.out {
		state := f.State(now)
		a.Listed = a.Listed || state.Listed
		a.Read = a.Read || state.Reread && slices.Contains(f.Terms.Channels, "poll")
	}
	for _, f := range v.in {
		state := f.State(now)
		a.Listed = a.Listed || state.Listed
		a.Write = a.Write || state.Receive != policy.Refused && slices.Contains(f.Terms.Channels, "push")
	}
	if !a.Listed {
		return Access{}
	}
	return a
}

// Current brings the release logs up to date with what time has changed. A read
// that follows obeys embargoes, ends of agreements and everything else that has
// a date.
func (r *Releaser) Current(ctx context.Context, at time.Time) error {
	if at.UnixMicro() < r.due.Load() {
		return nil
	}
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	return r.step(ctx, "")
}

// Run keeps the release logs up to date with time until ctx ends. wake makes a
// channel that tells when an instant has come.
func (r *Releaser) Run(ctx context.Context, wake func(time.Duration) <-chan time.Time) error {
	const longest, retry = time.Minute, time.Second
	for {
		now := r.c.Now()
		wait := min(longest, max(0, time.UnixMicro(r.due.Load()).Sub(now)))
		if r.due.Load() == int64(policy.Never) {
			wait = longest
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake(wait):
		}
		if err := r.Current(ctx, r.c.Now()); err != nil && ctx.Err() == nil {
			r.c.Log.Error("release logs are behind; trying again", "err", err.Error())
			select {
			case <-ctx.Done():
				return nil
			case <-wake(retry):
			}
		}
	}
}

// refresh publishes anew if there are rules that the views do not know of. It comes
// before the commit that needs them: a reader must never miss what is there by a gate
// that is too old.
func (r *Releaser) refresh() {
	if r.stale {
		r.publish()
	}
}

// publish makes what the book says the access that everybody gets.
func (r *Releaser) publish() {
	v := &views{byLog: map[policy.OrgID]map[store.LogID]*view{}}
	for p, partner := range r.o.partners {
		of := map[store.LogID]*view{}
		for _, c := range r.c.Collections {
			log := r.g.byLog[c.Log]
			out, in := r.b.flows[log][p], r.b.set.In(partnerOf(partner), c.Names...)
			if len(out)+len(in) > 0 {
				of[c.Log] = &view{log: Of(partner, c.Log), out: out, in: in, gate: r.gate(log, p)}
			}
		}
		v.byLog[partner] = of
	}
	r.view.Store(v)
	r.stale = false
}

// gate is the set of labels under which a partner may have entries of a collection,
// be it only those that it had before.
func (r *Releaser) gate(log int32, partner int) store.LabelSet {
	gate := store.LabelSet{}
	for key, found := range r.b.rules {
		if key.log == log && key.label <= MaxLabels && (found.keep.has(partner) || found.own.has(partner)) {
			gate = gate.With(key.label)
		}
	}
	return gate
}
