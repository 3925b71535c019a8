package policy

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"entente/stix"
)

// given is a consent of A, for B, to pass an object on to C.
func given(t testing.TB, change func(c *Consent), key ed25519.PrivateKey) *Consent {
	t.Helper()
	c := &Consent{
		ID: "consent--11111111-1111-4111-8111-111111111111", By: orgA, Holder: orgB, Recipient: orgC, Objects: []stix.ID{object},
		Purpose: "crime-prevention", From: noon, Until: noon + Instant(24*time.Hour/time.Microsecond),
	}
	if err := c.Sign(key); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	return c
}

func TestConsent(t *testing.T) {
	c := given(t, nil, keyA)
	const want = `{"by":"identity--aaaaaaaa-0000-4000-8000-000000000001","from":"2026-01-01T12:00:00Z","holder":"identity--bbbbbbbb-0000-4000-8000-000000000002",` +
		`"id":"consent--11111111-1111-4111-8111-111111111111","key":"KEY","objects":["OBJ"],"purpose":"crime-prevention",` +
		`"recipient":"identity--cccccccc-0000-4000-8000-000000000003","until":"2026-01-02T12:00:00Z"}`
	if got := string(c.Canonical()); got != strings.NewReplacer("KEY", base64Key(keyA), "OBJ", string(object)).Replace(want) {
		t.Errorf("canonical %s", got)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseConsent(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Verify(orgB, []ed25519.PublicKey{public(keyB), public(keyA)}, noon); err != nil {
		t.Error(err)
	}
}

func TestConsentVerify(t *testing.T) {
	a := []ed25519.PublicKey{public(keyA)}
	cases := []struct {
		name   string
		change func(c *Consent)
		keys   []ed25519.PublicKey
		at     Instant
		want   string
	}{
		{"G10: ended", nil, a, noon + Instant(24*time.Hour/time.Microsecond), "ended at 2026-01-02T12:00:00Z"},
		{"not begun", nil, a, noon - 1, ""},
		{"G10: for another object", func(c *Consent) { c.Objects = []stix.ID{object + "0"} }, a, noon, "is not the id of an object"},
		{"one object more", func(c *Consent) { c.Objects = append(c.Objects, stix.ID(orgA)) }, a, noon, "is not signed by a key of"},
		{"G10: signed by another", nil, []ed25519.PublicKey{public(keyB)}, noon, "is not signed by a key of"},
		{"nobody's keys", nil, nil, noon, "is not signed by a key of"},
		{"another recipient", func(c *Consent) { c.Recipient = orgA }, a, noon, "is not signed by a key of"},
		{"longer", func(c *Consent) { c.Until++ }, a, noon, "is not signed by a key of"},
		{"another holder", func(c *Consent) { c.Holder = orgC }, a, noon, "is given to identity--cccc"},
		{"not signed", func(c *Consent) { c.Signature = "" }, a, noon, "is not signed by a key of"},
		{"for ever", func(c *Consent) { c.Until = Never }, a, noon, "lasts from"},
		{"to oneself", func(c *Consent) { c.Holder = orgA }, a, noon, "is given to who gives it"},
		{"of no form", func(c *Consent) { c.ID = "x" }, a, noon, "is not the id of a consent"},
		{"for nothing", func(c *Consent) { c.Purpose = "" }, a, noon, "the purpose"},
		{"about nothing", func(c *Consent) { c.Objects = nil }, a, noon, "names no objects"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantError(t, given(t, c.change, keyA).Verify(orgB, c.keys, c.at), c.want) })
	}
}

func TestCheckConsent(t *testing.T) {
	cases := []struct {
		name   string
		change func(a *Agreement)
		trust  Trust
		want   string
	}{
		{"pinned", nil, pinnedKeys, ""},
		{"named by the agreement", func(a *Agreement) { a.Parties.A.Keys = []PublicKey{{Key: base64Key(keyA), Use: "consent"}} }, nil, ""},
		{"for agreements only", func(a *Agreement) { a.Parties.A.Keys = []PublicKey{{Key: base64Key(keyA), Use: "agreement"}} }, nil, "is not signed"},
		{"known to nobody", nil, nil, "is not signed"},
		{"no approver", func(a *Agreement) { a.Consent.Approvers = []OrgID{orgB} }, pinnedKeys, "is no approver"},
		{"too long", func(a *Agreement) { a.Consent.MaxTTL = "PT23H" }, pinnedKeys, "lasts longer than"},
		{"no longest", func(a *Agreement) { a.Consent.MaxTTL = "" }, pinnedKeys, "lasts longer than"},
		{"no agreement", func(a *Agreement) { a.Parties.A.Org, a.Parties.A.Originates = orgC, nil }, pinnedKeys, "there is no agreement with"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := ordinary(func(a *Agreement, _ *FlowTerms) {
				a.Consent = ConsentTerms{Approvers: []OrgID{orgA}, MaxTTL: "P1D"}
				if c.change != nil {
					c.change(a)
				}
			})
			s, err := Compile(orgB, []*Agreement{a})
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, s.CheckConsent(given(t, nil, keyA), c.trust, noon), c.want)
		})
	}
}

func TestParseConsentRefuses(t *testing.T) {
	text, err := json.Marshal(given(t, nil, keyA))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{}", "[]", string(text) + "{}", strings.Replace(string(text), "{", `{"emergency":true,`, 1), string(text[:50])} {
		_, err := ParseConsent([]byte(bad))
		wantError(t, err, "consent")
	}
}
