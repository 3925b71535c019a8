package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

const kindConsent = "consent"

// loadConsents reads the consents that are kept in the store.
func (r *Releaser) loadConsents(ctx context.Context) error {
	r.consents = map[int32][]*policy.Consent{}
	docs, err := r.c.Store.Documents(ctx, kindConsent)
	if err != nil {
		return err
	}
	for _, d := range docs {
		c, err := readConsent(&d)
		if err != nil {
			return err
		}
		r.addConsent(c)
	}
	return nil
}

// addConsent notes c and returns the entries that it is about.
func (r *Releaser) addConsent(c *policy.Consent) []int32 {
	var entries []int32
	for _, object := range c.Objects {
		id := r.g.id(object)
		r.consents[id] = append(r.consents[id], c)
		entries = append(entries, r.g.ids[id].entries...)
	}
	return entries
}

// Consent keeps c, whose signature the caller has verified, and releases what it
// permits. It is in force from c.From until c.Until, also after a restart. A
// consent whose ID is taken is an error that wraps store.ErrConflict.
func (r *Releaser) Consent(ctx context.Context, c *policy.Consent) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("consent %s: %w", c.ID, err)
	}
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if err := r.step(ctx, ""); err != nil {
		return err
	}
	switch _, err := r.c.Store.Document(ctx, kindConsent, c.ID); {
	case err == nil:
		return fmt.Errorf("consent %s: there is one with this id: %w", c.ID, store.ErrConflict)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("consent %s: %w", c.ID, err)
	}
	doc := store.Document{Kind: kindConsent, ID: c.ID, Body: body, Expires: store.Added(c.Until)}
	return r.reconsider(ctx, r.addConsent(c), []store.Document{doc})
}

// Consents are those that have not ended, in order of their IDs.
func (r *Releaser) Consents(ctx context.Context) ([]*policy.Consent, error) {
	docs, err := r.c.Store.Documents(ctx, kindConsent)
	if err != nil {
		return nil, err
	}
	list := []*policy.Consent{}
	for _, d := range docs {
		c, err := readConsent(&d)
		if err != nil {
			return nil, err
		}
		if c.Until > r.now() {
			list = append(list, c)
		}
	}
	return list, nil
}

func readConsent(d *store.Document) (*policy.Consent, error) {
	c := new(policy.Consent)
	if err := json.Unmarshal(d.Body, c); err != nil {
		return nil, fmt.Errorf("%w: consent %s: %w", store.ErrCorrupt, d.ID, err)
	}
	return c, nil
}

// Revoke takes a consent back: what only it permits is withdrawn.
func (r *Releaser) Revoke(ctx context.Context, id string) error {
	ctx = r.lock(ctx)
	defer r.mu.Unlock()
	if err := r.step(ctx, ""); err != nil {
		return err
	}
	doc, err := r.c.Store.Document(ctx, kindConsent, id)
	if err != nil {
		return fmt.Errorf("consent %s: %w", id, err)
	}
	if err := r.c.Store.Remove(ctx, kindConsent, id, doc.Rev); err != nil {
		return fmt.Errorf("consent %s: %w", id, err)
	}
	var entries []int32
	for object, list := range r.consents {
		if left := slices.DeleteFunc(list, func(c *policy.Consent) bool { return c.ID == id }); len(left) != len(list) {
			r.consents[object] = left
			entries = append(entries, r.g.ids[object].entries...)
		}
	}
	return r.reconsider(ctx, entries, nil)
}

// reconsider decides again about entries and commits what follows with docs.
func (r *Releaser) reconsider(ctx context.Context, entries []int32, docs []store.Document) error {
	for _, n := range entries {
		if err := r.decideAgain(ctx, n, r.now()); err != nil {
			return r.fail(err)
		}
	}
	if err := r.settle(ctx, entries); err != nil {
		return r.fail(err)
	}
	if err := r.commitWith(ctx, docs, nil); err != nil {
		return r.fail(err)
	}
	return nil
}

// consented are the consents that name an object.
func (r *Releaser) consented(id stix.ID) []*policy.Consent {
	n, known := r.g.byID[r.g.key(id)]
	if !known {
		return nil
	}
	return r.consents[n]
}
