package policy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Trust has the keys that are known to belong to organisations because the operator
// says so: somebody has compared them with their owners, as the operator's
// configuration pins them. Whoever is not in it is trusted in nothing.
type Trust map[OrgID][]ed25519.PublicKey

// AddKeys adds the keys of a file: a line "ed25519 KEY ORGANISATION" for each, KEY in
// base64, with empty lines and comments after #. The error is Mistakes.
func (t Trust) AddKeys(file string, text []byte) error {
	var mistakes Mistakes
	found := false
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		found = true
		if len(words) != 3 || words[0] != "ed25519" {
			mistakes = append(mistakes, Mistake{file, i + 1, 1, "is not a public key", "write ed25519, the key in base64, and the id of the organisation"})
			continue
		}
		key, err := PublicKeyOf(words[1])
		if err != nil {
			mistakes = append(mistakes, Mistake{file, i + 1, 9, err.Error(), "copy it as entente agreement keygen writes it"})
			continue
		}
		if what, instead := identityText(words[2]); what != "" {
			mistakes = append(mistakes, Mistake{file, i + 1, 10 + len(words[1]), excerpt(words[2]) + " " + what, instead})
			continue
		}
		org := OrgID(words[2])
		t[org] = append(t[org], key)
	}
	if !found {
		mistakes = append(mistakes, Mistake{file, 1, 1, "there is no key", "write ed25519, the key in base64, and the id of the organisation"})
	}
	return mistakes.sorted()
}

// PublicKeyOf reads a public key in base64. The error wraps ErrInvalid.
func PublicKeyOf(text string) (ed25519.PublicKey, error) {
	if what, _ := base64Of(ed25519.PublicKeySize)(text); what != "" {
		return nil, fmt.Errorf("%w: the key %.8s… %s", ErrInvalid, text, what)
	}
	key, _ := base64.StdEncoding.DecodeString(text) // base64Of has looked
	return key, nil
}

// Sign returns the signature of a party, "a" or "b", over the canonical form. The
// agreement does not change; see AddSignature. The error wraps ErrInvalid: there is
// no such party, or the agreement was not parsed.
func (a *Agreement) Sign(party string, key ed25519.PrivateKey) (Signature, error) {
	text := a.Canonical()
	if text == nil || party != "a" && party != "b" {
		return Signature{}, fmt.Errorf("%w %s: party %.10q cannot sign it", ErrInvalid, a.ID, party)
	}
	return Signature{
		Party: party, Alg: "ed25519",
		Key:   base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
		Value: base64.StdEncoding.EncodeToString(ed25519.Sign(key, text)),
	}, nil
}

// Verify checks that both parties have signed the agreement, each by a key that
// trust has for it. The error wraps ErrInvalid.
func (a *Agreement) Verify(trust Trust) error {
	for _, party := range []string{"a", "b"} {
		if err := a.verify(party, trust[a.party(party).Org]); err != nil {
			return err
		}
	}
	return nil
}

// party is the one called "a" or "b".
func (a *Agreement) party(name string) *Party {
	if name == "a" {
		return &a.Parties.A
	}
	return &a.Parties.B
}

// verify checks the signature of one party.
func (a *Agreement) verify(party string, keys []ed25519.PublicKey) error {
	p := a.party(party)
	i := slices.IndexFunc(a.Signatures, func(s Signature) bool { return s.Party == party })
	if i < 0 {
		return fmt.Errorf("%w %s: party %s (%s) has not signed revision %d; have it sign by entente agreement sign", ErrInvalid, a.ID, party, p.Name, a.Revision)
	}
	s := &a.Signatures[i]
	if !signed(a.Canonical(), s.Key, s.Value, keys) {
		why := "does not fit the document, which was changed after it was signed"
		if !slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool { return base64.StdEncoding.EncodeToString(k) == s.Key }) {
			why = "is by a key that is not known to be its own; pin it in the configuration, after comparing it with its owner"
		}
		return fmt.Errorf("%w %s: the signature of party %s (%s, key %.8s…) of revision %d %s", ErrInvalid, a.ID, party, p.Name, s.Key, a.Revision, why)
	}
	return nil
}

// signed reports whether value is the signature of text by the key, which must be
// one of keys.
func signed(text []byte, key, value string, keys []ed25519.PublicKey) bool {
	k, err := PublicKeyOf(key)
	signature, err2 := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || err2 != nil || len(text) == 0 || len(signature) != ed25519.SignatureSize {
		return false
	}
	return slices.ContainsFunc(keys, func(known ed25519.PublicKey) bool { return bytes.Equal(known, k) }) && ed25519.Verify(k, text, signature)
}

// keys are those by which the party signs for a use, "agreement" or "consent".
func (p *Party) keys(use string) []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	for _, k := range p.Keys {
		if k.Use != "" && k.Use != use {
			continue
		}
		if key, err := PublicKeyOf(k.Key); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}
