package release

import (
	"slices"
	"testing"

	"entente/policy"
	"entente/stix"
)

// A suspension that stops only what is new leaves to the partner the redacted copies
// that it has, and gives it no others.
func TestStopNewCopies(t *testing.T) {
	green := agreement(partner, "GREEN", redacting)
	stopped := agreement(partner, "GREEN", status(policy.Suspended, "stop-new"))
	w := newWorld(t, green)
	w.write(secret(1, 0, "a", "x"), secret(1, 1, "a", "y"), secret(1, 2, "b", "y"), secret(2, 0, "a", "x"), object(idOf("indicator", 3), 0, green1))
	was := w.sees(partner)
	if len(was) != 4 {
		t.Fatalf("partner sees %v, want three copies and one object", was)
	}
	if plan := w.revise(stopped); len(plan.Totals) > 0 {
		t.Errorf("the plan counts %q, want nothing", counts(plan))
	}
	w.want(partner, was...)
	w.write(secret(4, 0, "new", "x"), secret(2, 1, "newer", "x"))
	was = slices.DeleteFunc(was, func(s string) bool { return s == shortCopy(w, 2)+"@00" }) // the newest version governs
	w.want(partner, was...)
	w.restart(stopped)
	w.want(partner, was...)
	w.revise(agreement(partner, "GREEN", status(policy.Suspended, "stop-new+hide-old")))
	w.want(partner)
	w.revise(stopped)
	w.want(partner)
	w.revise(green)
	if got := w.sees(partner); len(got) != 6 {
		t.Errorf("partner sees %v, want everything again", got)
	}
}

// shortCopy is what the copy of secret n for partner is called in short.
func shortCopy(w *world, n int) string {
	return short(string(stix.RedactedID(w.r.secret, stix.ID(idOf("malware", n)), string(agreement(partner, "", nil).ID), "out")))
}

// Who has a redacted copy, and gets no new one, gets nothing else instead: neither
// another copy nor the object.
func TestStopNewOtherCopy(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(a *policy.Agreement)
		stays  bool
	}{
		{"the same copy", func(*policy.Agreement) {}, true},
		{"another id", scoped, false},
		{"less of it", func(a *policy.Agreement) { a.Flows[0].Fields.LabelsAllow = &[]string{} }, false},
		{"all of it", func(a *policy.Agreement) { a.Flows[0].TLP.Max, a.Flows[0].TLP.Red = "RED", "named" }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, agreement(partner, "GREEN", redacting))
			w.write(changed(secret(1, 0, "a", "x"), `"is_family"`, `"labels":["l"],"is_family"`))
			was := w.sees(partner)
			if len(was) != 1 {
				t.Fatalf("partner sees %v, want a copy", was)
			}
			stopped := agreement(partner, "GREEN", func(a *policy.Agreement) { status(policy.Suspended, "stop-new")(a); tc.change(a) })
			w.revise(stopped)
			if !tc.stays {
				was = nil
			}
			for range 2 {
				if got := w.sees(partner); !slices.Equal(got, was) && len(got)+len(was) > 0 {
					t.Errorf("partner sees %v, want %v", got, was)
				}
				if page := w.read(Of(recipient(partner, true), intel)); page.N > 0 {
					t.Errorf("its persons see %s", page.Objects)
				}
				w.restart(stopped)
			}
		})
	}
}

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
