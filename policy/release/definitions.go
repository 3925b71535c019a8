package release

import (
	"context"
	"slices"
	"strings"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// definitions are the marking definitions and the identities with labels that are
// held, by who gave them.
type definitions struct {
	markings   map[stix.ID][]definition
	identities map[stix.ID][]definition
}

type definition struct {
	from    policy.OrgID // "": our own people
	version stix.Timestamp
	raw     string
	labels  []string
}

func newDefinitions() *definitions {
	return &definitions{markings: map[stix.ID][]definition{}, identities: map[stix.ID][]definition{}}
}

// add takes an object from a source down if it is a definition, and reports
// whether it is.
func (d *definitions) add(from policy.OrgID, id stix.ID, version stix.Timestamp, raw string, labels []string) bool {
	var of map[stix.ID][]definition
	switch id.Type() {
	case "marking-definition":
		of = d.markings
	case "identity":
		if of = d.identities; len(labels) == 0 && of[id] == nil {
			return false
		}
	default:
		return false
	}
	fresh := definition{from: from, version: version, raw: strings.Clone(raw), labels: cloneAll(labels)}
	id = stix.ID(strings.Clone(string(id)))
	i := slices.IndexFunc(of[id], func(known definition) bool { return known.from == from })
	switch {
	case i < 0:
		of[id] = append(of[id], fresh)
	case id.Type() == "identity" && version > of[id][i].version:
		of[id][i] = fresh
	default:
		return false // markings do not change
	}
	return true
}

func cloneAll(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, strings.Clone(s))
	}
	return out
}

// A scope is the definitions that count for objects of one source: its own, those
// that come with the objects, and ours.
type scope struct {
	from policy.OrgID
	held *definitions
	with *definitions // that come with what is looked at; nil: none

	sees   func(stix.ID, *definition) bool // of ours only those; nil: all
	failed error                           // why sees could not tell
}

// Marking implements [policy.Definitions].
func (s *scope) Marking(id stix.ID) (string, bool) {
	d, ok := s.find(id, func(d *definitions) []definition { return d.markings[id] })
	return d.raw, ok
}

// Identity implements [policy.Definitions].
func (s *scope) Identity(id stix.ID) ([]string, bool) {
	d, ok := s.find(id, func(d *definitions) []definition { return d.identities[id] })
	return d.labels, ok
}

func (s *scope) find(id stix.ID, of func(*definitions) []definition) (definition, bool) {
	for _, from := range []policy.OrgID{s.from, ""} {
		for _, held := range []*definitions{s.held, s.with} {
			if held == nil {
				continue
			}
			for _, d := range of(held) {
				if d.from == from && (from == s.from || s.sees == nil || s.sees(id, &d)) {
					return d, true
				}
			}
		}
	}
	return definition{}, false
}

// inSight is the scope that a partner knows of: what it is told must not depend
// on definitions of ours that it does not see.
func (r *Releaser) inSight(ctx context.Context, s *scope) *scope {
	p, known := r.o.number[s.from]
	sight := &scope{from: s.from, held: s.held, with: s.with}
	sight.sees = func(id stix.ID, d *definition) bool {
		number, held := r.g.byID[r.g.key(id)]
		if !known || !held {
			return false
		}
		for _, n := range r.g.ids[number].entries {
			if !r.o.shown.of(n).has(p) {
				continue
			}
			raw, err := r.object(ctx, n)
			if err != nil {
				sight.failed = err
				return false
			}
			if raw == d.raw {
				return true
			}
		}
		return false
	}
	return sight
}

// defines reports whether what o counts as depends on definitions.
func (r *Releaser) defines(o *stix.Object) bool {
	for _, m := range o.Markings {
		if _, pinned := stix.TLPByID(m); !pinned {
			return true
		}
	}
	return r.defs.identities[o.CreatedBy] != nil
}

// learn notes the definition that entry n is, if it is one, for those whose
// holding a label is.
func (r *Releaser) learn(ctx context.Context, n int32, label store.Label) error {
	o, err := r.parsed(ctx, n)
	if err != nil || o.Type != "marking-definition" && o.Type != "identity" || r.in.Inspect(o.Raw, &r.content) != nil {
		return err
	}
	for _, h := range r.labels.of(label) {
		if r.defs.add(h.From, o.ID, o.Version(), o.Raw, r.content.Labels) {
			r.defined(h.From, o.ID)
		}
	}
	return nil
}
