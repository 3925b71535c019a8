package stixtest

import (
	"slices"
	"testing"

	"entente/stix"
)

func TestObjects(t *testing.T) {
	const n = 2000
	a, b := Objects(1, n), Objects(1, n)
	if !slices.EqualFunc(a, b, func(x, y stix.Object) bool { return x.Raw == y.Raw }) {
		t.Error("Objects(1) differs from call to call")
	}
	ids := map[stix.ID]bool{}
	size, versions := 0, map[string]int{}
	for _, o := range append(a, Objects(2, n)...) {
		ids[o.ID] = true
		size += len(o.Raw)
		versions[o.SpecVersion]++
	}
	if len(ids) != 2*n {
		t.Errorf("%d ids, want %d", len(ids), 2*n)
	}
	if mean := size / (2 * n); mean < 800 || mean > 1200 {
		t.Errorf("mean size %d, want about 1000", mean)
	}
	if versions["2.0"] == 0 || versions["2.1"] == 0 {
		t.Errorf("spec versions %v, want both", versions)
	}
	var s stix.Scanner
	items, err := s.Envelope(Envelope(a))
	if err != nil || len(items) != n {
		t.Fatalf("Envelope = %d items, %v; want %d", len(items), err, n)
	}
	for i, item := range items {
		if item.Err != nil || item.Object.Raw != a[i].Raw {
			t.Fatalf("item %d = %v, want the bytes of object %d", i, item.Err, i)
		}
	}
}

func TestVersionsAndFixture(t *testing.T) {
	versions := Versions(1, 50)
	for i := 1; i < len(versions); i++ {
		if versions[i].ID != versions[0].ID || versions[i].Version() <= versions[i-1].Version() {
			t.Fatalf("version %d does not follow version %d", i, i-1)
		}
	}
	f := Fixture()
	want := []string{"2.1", "2.1", "2.0", "2.1", "2.1", "2.1", "2.1", "2.1", "2.1", "2.1"}
	if len(f) != len(want) {
		t.Fatalf("%d objects, want %d", len(f), len(want))
	}
	for i, o := range f {
		if o.SpecVersion != want[i] {
			t.Errorf("d%d: spec version %s, want %s", i+1, o.SpecVersion, want[i])
		}
	}
	if f[5].Version() != "2024-02-01T00:00:00.123456" || f[3].Version() != "" {
		t.Errorf("d6 has version %q, d4 %q", f[5].Version(), f[3].Version())
	}
}
