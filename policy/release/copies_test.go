package release

import (
	"testing"

	"entente/policy"
)

// A revocation goes to those who have a redacted copy of the object, too, also after
// a restart.
func TestRevocationOfCopy(t *testing.T) {
	list := []*policy.Agreement{agreement(partner, "GREEN", redacting), agreement(other, "GREEN", nil)}
	w := newWorld(t, list...)
	w.write(secret(1, 0, "a", "x"), secret(2, 0, "a", "x"))
	w.restart(list...)
	w.write(changed(secret(1, 1, "a", "x"), `"is_family"`, `"revoked":true,"is_family"`))
	was := w.sees(partner)
	if len(was) != 3 {
		t.Errorf("partner sees %v, want two copies and a revocation", was)
	}
	w.restart(list...)
	w.want(partner, was...)
	w.want(other)
	w.revise(list...)
	w.want(partner, was...)
}
