package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"entente/cmd/internal/config"
	"entente/policy"
	"entente/policy/release"
	"entente/store"
)

// AddConsent puts a consent in force, if the agreements that are in force let who
// gives it give it, and a key of theirs or of the configuration has signed it.
func AddConsent(ctx context.Context, c *config.Config, st store.Store, r *release.Releaser, text []byte, now time.Time) (*policy.Consent, error) {
	consent, err := policy.ParseConsent(text)
	if err != nil {
		return nil, err
	}
	set, err := setInForce(ctx, c, st)
	if err != nil {
		return nil, err
	}
	trust, err := c.Trust()
	if err != nil {
		return nil, err
	}
	if err := set.CheckConsent(consent, trust, policy.Instant(now.UnixMicro())); err != nil {
		return nil, err
	}
	return consent, r.Consent(ctx, consent)
}

// addConsent puts the consent in the body in force.
func (ad *admin) addConsent(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAgreement))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	ad.answer(w, func() (any, error) {
		return AddConsent(r.Context(), ad.app.c, ad.app.store, ad.app.releaser, text, ad.app.out.Now())
	})
}

// consents answers with the consents that are in force or will be.
func (ad *admin) consents(w http.ResponseWriter, r *http.Request) {
	ad.answer(w, func() (any, error) { return ad.app.releaser.Consents(r.Context()) })
}

// removeConsent takes a consent back.
func (ad *admin) removeConsent(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	ad.answer(w, func() (any, error) { return struct{}{}, RemoveConsent(r.Context(), ad.app.releaser, id) })
}

// RemoveConsent takes the consent of that id back.
func RemoveConsent(ctx context.Context, r *release.Releaser, id string) error {
	err := r.Revoke(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no consent %q", id)
	}
	return err
}
