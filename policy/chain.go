package policy

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// ErrInForce is wrapped by what Next says of a revision that is in force already.
var ErrInForce = errors.New("in force already")

// Next checks that candidate may come into force after current, the revision of the
// same agreement that is in force; nil if there is none. A candidate that may not
// changes nothing: what is in force stays.
//
// Both parties must have signed it. Who vouches for their keys: of the first
// revision, trust, which the operator pins; of each later one, trust, and the
// revision before, which names the keys of its parties and was signed by both. So a
// party changes its keys by a revision that is signed by an old one, and if that is
// lost or stolen, by pinning the new one. One party's keys never suffice.
//
// A later revision must have a higher number, and supersede exactly current: an old
// one that is sent again, or one made in ignorance of another, is refused. The error
// wraps ErrInvalid, or ErrInForce if candidate says what current says.
func Next(current, candidate *Agreement, trust Trust) error {
	if current == nil {
		return candidate.Verify(trust)
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w %s: "+format, append([]any{ErrInvalid, candidate.ID}, args...)...)
	}
	digest := current.Digest()
	switch {
	case digest == "":
		return fail("the revision in force was not read from a document")
	case candidate.ID != current.ID:
		return fail("is another agreement than %s", current.ID)
	case candidate.Digest() == digest:
		return fmt.Errorf("%s: revision %d: %w", candidate.ID, candidate.Revision, ErrInForce)
	case candidate.Revision <= current.Revision:
		return fail("revision %d is in force, and revision %d does not come after it", current.Revision, candidate.Revision)
	case candidate.Supersedes != digest:
		return fail("revision %d supersedes %.15s…, and in force is revision %d, %s", candidate.Revision, candidate.Supersedes, current.Revision, digest)
	case candidate.Parties.A.Org != current.Parties.A.Org || candidate.Parties.B.Org != current.Parties.B.Org:
		return fail("revision %d has other parties than revision %d; make another agreement", candidate.Revision, current.Revision)
	}
	vouched := Trust{}
	for _, p := range []*Party{&current.Parties.A, &current.Parties.B} {
		vouched[p.Org] = append(append([]ed25519.PublicKey(nil), trust[p.Org]...), p.keys("agreement")...)
	}
	return candidate.Verify(vouched)
}
