package stix

import "testing"

func TestFixed(t *testing.T) {
	cases := []struct {
		kind, property string
		want           bool
	}{
		{"sighting", "where_sighted_refs", false},
		{"sighting", "sighting_of_ref", true},
		{"campaign", "name", true},
		{"malware", "name", false},
		{"x-thing", "modified", true},
		{"x-thing", "name", false},
	}
	for _, c := range cases {
		if got := Fixed(c.kind, c.property); got != c.want {
			t.Errorf("Fixed(%s, %s) = %v, want %v", c.kind, c.property, got, c.want)
		}
	}
}

func TestTypes(t *testing.T) {
	all := Types()
	if len(all) != 42 {
		t.Errorf("%d types, want 42: %v", len(all), all)
	}
	for _, kind := range all {
		if classOf(kind) == unknown || classOf(kind) == bundle {
			t.Errorf("%s is no type of objects", kind)
		}
	}
}
