package release

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
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

// relayed is a secret that may go to everybody but for its description.
func relayed(version int, name, description string) stix.Object {
	return changed(changed(secret(1, version, name, description), green1, clear1), red1, amber1)
}

// copiesStored are the objects in the logs of redacted copies.
func (w *world) copiesStored() []string {
	w.t.Helper()
	logs, err := w.st.Logs(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	list := []string{}
	for _, log := range logs {
		if !strings.HasPrefix(string(log), "redacted/") {
			continue
		}
		for _, row := range w.read(log).Rows {
			list = append(list, string(log)+" "+string(row.ID)+" "+row.Version)
		}
	}
	return list
}

// Redacted copies go with what they were made of: when its retention is over, and
// when it is deleted, whoever sees them then.
func TestCopiesGoWithSource(t *testing.T) {
	short := func(a *policy.Agreement) { a.Flows[1].Retention.Max = "PT1H" }
	from := agreement(other, "GREEN", func(a *policy.Agreement) {
		short(a)
		hops := 2
		a.Flows[1].Onward.MaxHops, a.Flows[1].TLP.Max = &hops, "AMBER"
	})
	for _, tc := range []struct {
		name string
		end  func(w *world)
	}{
		{"purged", func(w *world) { w.now = w.now.Add(61 * time.Minute) }},
		{"purged after a restart", func(w *world) {
			w.restart(agreement(partner, "GREEN", redacting), from)
			w.now = w.now.Add(61 * time.Minute)
		}},
		{"purged under another scope", func(w *world) {
			w.revise(agreement(partner, "GREEN", scoped), from)
			w.restart(agreement(partner, "GREEN", scoped), from)
			w.now = w.now.Add(61 * time.Minute)
		}},
		{"purged without an agreement", func(w *world) {
			w.revise(from)
			w.restart(from)
			w.now = w.now.Add(61 * time.Minute)
		}},
		{"purged by an activation", func(w *world) {
			w.now = w.now.Add(time.Minute)
			w.revise(agreement(partner, "GREEN", redacting), agreement(other, "GREEN", func(a *policy.Agreement) {
				a.Valid.Until, a.Flows[1].Retention.AfterTermination = "2026-01-01T12:00:30Z", "PT1S"
			}))
		}},
		{"purged while nobody was there", func(w *world) {
			w.now = w.now.Add(61 * time.Minute)
			w.restart(agreement(partner, "GREEN", redacting), from)
		}},
		{"deleted", func(w *world) {
			all := store.Query{Versions: store.Versions{All: true}, SpecVersions: bothSpecs}
			if n, err := w.r.Delete(w.t.Context(), intel, stix.ID(idOf("malware", 1)), &all); n != 3 || err != nil {
				w.t.Errorf("deleted %d, %v; want 3", n, err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, agreement(partner, "GREEN", redacting), from)
			w.write(object(idOf("indicator", 9), 0, green1))
			w.now = w.now.Add(time.Second)
			w.send(other, relayed(0, "a", "x"), relayed(1, "a", "y"), relayed(2, "b", "y"))
			if got, seen := w.copiesStored(), w.sees(partner); len(got) != 2 || len(seen) != 3 {
				t.Fatalf("partner sees %v, and the copies are %v, want two", seen, got)
			}
			tc.end(w)
			if err := w.r.Current(t.Context(), w.now); err != nil {
				t.Fatal(err)
			}
			if w.r.o.number[partner] == 0 && len(w.r.o.partners) > 1 {
				w.want(partner, "indicator-9@00")
			}
			if got := w.copiesStored(); len(got) > 0 {
				t.Errorf("there still are %v", got)
			}
			if page := w.read(Of(partner, intel)); strings.Contains(string(page.Objects), "malware") {
				t.Errorf("in the release log there still are %s", page.Objects)
			}
			if docs, err := w.st.Documents(t.Context(), kindCopy); err != nil || len(docs) > 0 {
				t.Errorf("there still are %v, %v", docs, err)
			}
		})
	}
}

// A copy of two versions that look the same stays as it was when the first one goes.
func TestCopyOfTwoVersions(t *testing.T) {
	a := agreement(partner, "GREEN", redacting)
	w := newWorld(t, a)
	versions := []stix.Object{secret(1, 0, "a", "x"), secret(1, 1, "a", "y")}
	w.write(versions...)
	was := w.rows(partner)
	if len(was) != 1 {
		t.Fatalf("partner sees %v, want one copy", was)
	}
	for _, o := range versions {
		sel := store.Query{Versions: store.Versions{Exact: []stix.Timestamp{o.Version()}}, SpecVersions: bothSpecs}
		if n, err := w.r.Delete(t.Context(), intel, o.ID, &sel); n != 1 || err != nil {
			t.Fatalf("of version %s deleted %d, %v", o.Version(), n, err)
		}
		if o.Version() == versions[1].Version() {
			was = []store.Row{}
		}
		for range 2 {
			if got := w.rows(partner); !slices.Equal(got, was) {
				t.Errorf("without version %s partner sees %v, want %v", o.Version(), got, was)
			}
			w.restart(a)
		}
	}
}
