package release

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
	"entente/store/fault"
	"entente/store/mem"
)

var errBroken = errors.New("the disk has a bad day")

// TestCrash breaks every commit of a day's work once, before and after it took
// effect, and goes on with the same releaser or a new one. Whoever was told of
// an error tries again. In the end everybody must see what they would have seen
// anyway, nothing twice.
func TestCrash(t *testing.T) {
	want, commits := dayOf(t, func(fault.Op, int) (bool, error) { return false, nil }, false)
	if commits < 10 {
		t.Fatalf("a day has %d commits, want at least 10", commits)
	}
	if len(want["the copies"]) != 2 {
		t.Fatalf("in the end there are the copies %v, want two", want["the copies"])
	}
	for n := 1; n <= commits; n++ {
		for _, applied := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("commit %d, applied %v, restart %v", n, applied, restart), func(t *testing.T) {
					got, _ := dayOf(t, fault.Nth(fault.Commit, n, applied, errBroken), restart)
					for p := range want {
						if !slices.Equal(got[p], want[p]) {
							t.Errorf("%s sees %v, want %v", p, got[p], want[p])
						}
					}
				})
			}
		}
	}
}

// dayOf is a day's work on a store with a plan of faults. It returns what the
// partners see in the end, sorted, and how many commits there were.
func dayOf(t *testing.T, plan fault.Plan, restart bool) (map[policy.OrgID][]string, int) {
	t.Helper()
	commits := 0
	w := &world{t: t, now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	w.st = fault.New(mem.New(), func(op fault.Op, n int) (bool, error) {
		if op == fault.Commit {
			commits = n
		}
		return plan(op, n)
	})
	first := []*policy.Agreement{agreement(partner, "AMBER", redacting), agreement(other, "GREEN", func(a *policy.Agreement) {
		a.Flows[0].Embargo = policy.EmbargoTerms{OnLabels: map[string]string{"operation": "2026-01-01T13:00:00Z"}}
	})}
	then := []*policy.Agreement{agreement(partner, "GREEN", redacting), first[1]}
	current := first
	try := func(do func() error) {
		t.Helper()
		for range 3 {
			err := do()
			if err == nil {
				return
			}
			if !errors.Is(err, errBroken) && !errors.Is(err, store.ErrConflict) {
				t.Fatal(err)
			}
			if restart {
				for w.start(current) != nil {
				}
			}
		}
		t.Fatal("three errors, and only one was planned")
	}
	try(func() error { return w.start(first) })
	ref := func(n int) string { return `"object_refs":["` + idOf("indicator", n) + `"]` }
	writes := [][]stix.Object{
		{object(idOf("note", 1), 0, clear1, `"content":"x"`, ref(2)), object(idOf("indicator", 3), 0, amber1)},
		{object(idOf("indicator", 2), 0, green1), secret(1, 0, "a", "x"), secret(2, 0, "a", "x")},
		{object(idOf("indicator", 4), 0, green1, `"labels":["operation"]`), object(idOf("indicator", 3), 1, red1)},
		{object(idOf("indicator", 3), 2, green1), changed(secret(1, 1, "a", "x"), `"is_family"`, `"revoked":true,"is_family"`)},
	}
	for i, objects := range writes {
		try(func() error {
			if i == 1 {
				return w.bring(objects...)
			}
			return w.put(objects...)
		})
		sent := object(idOf("indicator", 10+i), 0, green1)
		hidden := object(idOf("indicator", 3), i, green1, `"name":"of the partner"`)
		try(func() error {
			return w.r.Receive(t.Context(), &Delivery{Partner: other, Log: intel, Objects: []stix.Object{sent, hidden}, At: w.now,
				Then: func([]Verdict) ([]store.Document, error) { return nil, nil }})
		})
		w.now = w.now.Add(20 * time.Minute)
		try(func() error { return w.r.Current(t.Context(), w.now) })
	}
	try(func() error {
		err := w.r.Activate(t.Context(), setOf(t, then...), nil)
		if err == nil {
			current = then
		}
		return err
	})
	for _, i := range []int{0, 2} {
		try(func() error {
			_, err := w.r.Delete(t.Context(), intel, writes[1][i].ID, &store.Query{Versions: store.Versions{All: true}, SpecVersions: bothSpecs})
			return err
		})
	}
	got := map[policy.OrgID][]string{partner: w.sees(partner), other: w.sees(other), "the copies": w.copiesStored()}
	for _, list := range got {
		slices.Sort(list)
	}
	return got, commits
}
