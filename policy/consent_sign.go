package policy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gowebpki/jcs"

	"entente/stix"
)

// maxConsent is the most bytes and objects of a consent.
const maxConsent = 1 << 20

// ParseConsent reads a consent in JSON and checks its form, not its signature: see
// Verify and CheckConsent. The error wraps ErrInvalid.
func ParseConsent(text []byte) (*Consent, error) {
	c := new(Consent)
	if len(text) > maxConsent {
		return nil, fmt.Errorf("%w: a consent of more than %d bytes", ErrInvalid, maxConsent)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("%w: not a consent: %w", ErrInvalid, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the consent", ErrInvalid)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// consentID is how a consent is named.
var consentID = form("consent--"+uuid, "is not the id of a consent", "write consent-- and a UUID in lower case")

// check checks the form.
func (c *Consent) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: consent %s: "+format, append([]any{ErrInvalid, excerpt(c.ID)}, args...)...)
	}
	if what, _ := consentID(c.ID); what != "" {
		return wrong("its id %s", what)
	}
	for _, org := range []OrgID{c.By, c.Holder, c.Recipient} {
		if what, _ := identityText(string(org)); what != "" {
			return wrong("%s %s", excerpt(string(org)), what)
		}
	}
	for _, id := range c.Objects {
		if _, err := stix.ParseID(string(id)); err != nil {
			return wrong("%s is not the id of an object", excerpt(string(id)))
		}
	}
	if what, _ := slugText(c.Purpose); what != "" {
		return wrong("the purpose %s %s", excerpt(c.Purpose), what)
	}
	switch {
	case len(c.Objects) == 0:
		return wrong("names no objects")
	case c.From >= c.Until || c.Until == Never:
		return wrong("lasts from %s until %s", c.From, c.Until)
	case c.By == c.Holder:
		return wrong("is given to who gives it")
	}
	return nil
}

// Canonical is the form of the consent that is signed: JSON by RFC 8785, without the
// signature. It is nil if a time of it cannot be written.
func (c *Consent) Canonical() []byte {
	unsigned := *c
	unsigned.Signature = ""
	text, err := json.Marshal(&unsigned)
	if err != nil {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil
	}
	delete(members, "signature")
	if text, err = json.Marshal(members); err != nil {
		return nil
	}
	text, err = jcs.Transform(text)
	if err != nil {
		return nil
	}
	return text
}

// Sign signs the consent for whoever gives it. The error wraps ErrInvalid: it is not
// one that could be used.
func (c *Consent) Sign(key ed25519.PrivateKey) error {
	if err := c.check(); err != nil {
		return err
	}
	c.Key = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, c.Canonical()))
	return nil
}

// Verify checks that one of keys, those of who gives the consent, has signed it, that
// it is given to holder, and that it has not ended at the instant; it may begin
// later. The error wraps ErrInvalid.
func (c *Consent) Verify(holder OrgID, keys []ed25519.PublicKey, at Instant) error {
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case c.Holder != holder:
		return fmt.Errorf("%w: consent %s is given to %s, not to %s", ErrInvalid, c.ID, c.Holder, holder)
	case at >= c.Until:
		return fmt.Errorf("%w: consent %s ended at %s", ErrInvalid, c.ID, c.Until)
	case !signed(c.Canonical(), c.Key, c.Signature, keys):
		return fmt.Errorf("%w: consent %s is not signed by a key of %s", ErrInvalid, c.ID, c.By)
	}
	return nil
}

// CheckConsent checks that a consent given to us may be used from the instant on: it
// is by an originator with whom, or with whose organisation, we have an agreement
// that makes it an approver, for no longer than that agreement says, and signed by a
// key that the agreement names or trust has. The error wraps ErrInvalid.
func (s *Set) CheckConsent(c *Consent, trust Trust, at Instant) error {
	err := fmt.Errorf("%w: consent %s: there is no agreement with %s", ErrInvalid, excerpt(c.ID), c.By)
	seen := map[AgreementID]bool{}
	for _, f := range s.flows {
		a := f.Agreement
		if seen[a.ID] {
			continue
		}
		seen[a.ID] = true
		partner := &a.Parties.A
		if partner.Org == s.Us {
			partner = &a.Parties.B
		}
		if !partner.speaks(c.By) {
			continue
		}
		if err = a.consents(c, partner, trust, s.Us, at); err == nil {
			return nil
		}
	}
	return err
}

// consents checks c under one agreement.
func (a *Agreement) consents(c *Consent, partner *Party, trust Trust, us OrgID, at Instant) error {
	t := &a.Consent
	if !slices.Contains(t.Approvers, c.By) && !slices.Contains(t.Approvers, partner.Org) {
		return fmt.Errorf("%w: consent %s: %s is no approver of agreement %s", ErrInvalid, c.ID, c.By, a.ID)
	}
	longest, err := ParsePeriod(t.MaxTTL)
	if err != nil || c.Until > longest.After(c.From) {
		return fmt.Errorf("%w: consent %s: lasts longer than agreement %s allows, %s", ErrInvalid, c.ID, a.ID, t.MaxTTL)
	}
	keys := slices.Concat(trust[c.By], trust[partner.Org], partner.keys("consent"))
	return c.Verify(us, keys, at)
}
