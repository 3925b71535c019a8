package stix

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrUnredactable is wrapped by the errors of Project about an object that
// cannot be shown without the parts in question.
var ErrUnredactable = errors.New("cannot be redacted")

// Withheld stands for a required name that a projection leaves out.
const Withheld = "[withheld]"

// A Projection says what to leave out of an object and how the copy is named.
type Projection struct {
	Strip       []string // selectors of what to leave out; each must select something
	Placeholder bool     // a required name or description of an object that is no observable becomes Withheld, instead of failing

	ID        ID     // of the copy: the type of the source, another UUID
	CreatedBy ID     // of the copy; "" leaves created_by_ref out
	Created   string // as written; "" keeps that of the source
	Modified  string // the same; not before Created

	// TruncateTimes is "", "hour" or "day": times of the copy, but for modified,
	// are cut to the beginning of their hour or day, in UTC; valid_until and
	// stop_time, which must be later than another, to the end of it.
	TruncateTimes string

	DropLabels func(label string) bool // labels to leave out; nil: none
	DropHost   func(host string) bool  // hosts, as in Content.Hosts, of external references to leave out; nil: none

	Refs map[ID]ID // identifiers to write in the place of others, in all properties that end in _ref or _refs but for marking refs and the creator
}

// Project returns a new object that is like raw, an object that Parse has
// accepted, without some of its parts: compact JSON, members in the order of
// the source, names and values byte for byte as there. Equal arguments give
// equal bytes. Parse accepts the result.
//
// Object markings always stay. Granular markings stay on what stays; their
// selectors follow elements of lists that move up, and entries that select
// nothing any more go. Lists and dictionaries that become empty go. With a part
// of an extension, of a kill chain phase, of a registry value or of a MIME part
// goes all of it, because the rest may not stand alone.
//
// The error wraps ErrUnredactable and says which rule is broken: what identifies
// or types the object, its markings, patterns, hashes, values, times and closed
// enumerations can only be withheld with the object, and what the standard
// requires (STIX 2.1, sections 3 to 7; STIX 2.0 for its objects) must be there.
// Marking definitions and extension definitions are known by their ids and
// cannot be redacted. Lists in the contents of language-content may only be cut
// in all languages alike, as the caller must cut the list of the object they
// translate.
func Project(raw string, p *Projection) (string, error) {
	source, err := Parse(raw)
	if err != nil {
		return "", fmt.Errorf("project: %w", err)
	}
	if err := p.check(&source); err != nil {
		return "", fmt.Errorf("project %s: %w", source.ID, err)
	}
	c := cutter{p: p, source: &source}
	if err := c.project(); err != nil {
		return "", fmt.Errorf("project %s: %w", source.ID, err)
	}
	copied := string(c.out)
	if _, err := Parse(copied); err != nil {
		return "", fmt.Errorf("project %s: the copy would be no object: %w: %w", source.ID, ErrUnredactable, err)
	}
	return copied, nil
}

// check looks for mistakes of the caller.
func (p *Projection) check(source *Object) error {
	if reason := idFault(string(p.ID)); reason != "" {
		return fmt.Errorf("the id %s of the copy %s: %w", excerpt(string(p.ID)), reason, ErrInvalid)
	}
	if p.ID.Type() != source.Type || p.ID == source.ID {
		return fmt.Errorf("the id %s of the copy is not another one of the same type: %w", p.ID, ErrInvalid)
	}
	switch p.TruncateTimes {
	case "", "hour", "day":
	default:
		return fmt.Errorf("times are truncated to hour or day, not %s: %w", excerpt(p.TruncateTimes), ErrInvalid)
	}
	for _, text := range []string{p.Created, p.Modified} {
		if text != "" && !isTimestamp(text) {
			return fmt.Errorf("%s is not a timestamp: %w", excerpt(text), ErrInvalid)
		}
	}
	if p.CreatedBy != "" && idFault(string(p.CreatedBy)) != "" {
		return fmt.Errorf("the creator %s of the copy is not an identifier: %w", excerpt(string(p.CreatedBy)), ErrInvalid)
	}
	for from, to := range p.Refs {
		if idFault(string(to)) != "" {
			return fmt.Errorf("%s in the place of %s is not an identifier: %w", excerpt(string(to)), from, ErrInvalid)
		}
	}
	return nil
}

// RedactedID names the copy of source that is shown under the profile to the
// scope: the same for all versions, and without the secret neither to be
// guessed nor to be recognised as that of another scope. profile and scope are
// any texts. It is "" if the secret is empty or source is no identifier.
func RedactedID(secret []byte, source ID, scope, profile string) ID {
	if len(secret) == 0 || idFault(string(source)) != "" {
		return ""
	}
	mac := hmac.New(sha256.New, secret)
	for _, part := range []string{"redact/v1", string(source), profile, scope} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	u := mac.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // variant of RFC 4122
	h := hex.EncodeToString(u)
	return ID(source.Type() + "--" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}
